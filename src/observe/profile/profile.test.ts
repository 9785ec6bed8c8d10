import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import { Prng } from '../../base/prng.ts';
import { sharedMemoryFolder } from '../../os/mapped_file.ts';
import { SharedStats, StatsReader } from '../shared_stats.ts';
import { profileDeclarations } from './declarations.ts';
import { PipelineProfile } from './pipeline_profile.ts';
import {
  EXCHANGE_PIPELINE, ExchangeOperation, ExchangeStage, NOT_PASSED, NOT_READ, profileNumber, stageHistogram, TRADER_PIPELINE, TraderStage,
} from './stages.ts';
import { TurnProfile } from './turn_profile.ts';

test('each stage is counted since the one before that was passed, and since the first', () => {
  const profile = new PipelineProfile(EXCHANGE_PIPELINE, null);
  const { Sequenced, Matched, Journaled, FeedTx, ResponseTx } = ExchangeStage;
  profile.commit(Float64Array.of(1_000, 1_100, 1_300, NOT_PASSED, 1_700, 2_500), Float64Array.of(3, 0, 1, 0));
  for (const operation of [ExchangeOperation.New, ExchangeOperation.Modify]) {
    assert.equal(profile.own(Sequenced, operation).max, 100);
    assert.equal(profile.own(Matched, operation).max, 200);
    assert.equal(profile.own(Journaled, operation).count, 0, 'no journal, no time');
    assert.equal(profile.own(FeedTx, operation).max, 400, 'since matched');
    assert.equal(profile.own(ResponseTx, operation).max, 800);
    assert.equal(profile.since(ResponseTx, operation).max, 1_500);
  }
  assert.equal(profile.own(Sequenced, ExchangeOperation.New).count, 3);
  assert.equal(profile.own(Sequenced, ExchangeOperation.Cancel).count, 0);
  assert.deepEqual([profile.samples, profile.requests], [1, 4]);
});

test('where a stamp was not read, neither its stage nor the one behind it has a time of its own', () => {
  const profile = new PipelineProfile(TRADER_PIPELINE, null);
  profile.commit(Float64Array.of(10, NOT_READ, 50, 90), Float64Array.of(1, 0));
  assert.equal(profile.since(TraderStage.ViewUpdated, 0).count, 0);
  assert.equal(profile.own(TraderStage.Decided, 0).count, 0);
  assert.equal(profile.since(TraderStage.Decided, 0).max, 40);
  assert.equal(profile.own(TraderStage.OrderTx, 0).max, 40);
});

/** A turn of an exchange with these requests; each step takes its time. */
function turn(profile: TurnProfile, clock: ManualClock, requests: number, sequence: number, released: number | null): void {
  profile.begin();
  clock.advance(100);
  profile.sequenced();
  if (profile.following) for (let i = 0; i < requests; i += 1) profile.count(ExchangeOperation.New);
  else if (requests > 0) profile.passed();
  clock.advance(1_000);
  profile.executed(sequence);
  clock.advance(5_000);
  if (released === null) profile.unjournaled();
  else profile.safe(released);
  clock.advance(10);
  profile.feedSent();
  clock.advance(20);
  profile.end();
}

test('a turn without a journal is a sample at once', () => {
  const clock = new ManualClock();
  clock.advance(77);
  const profile = new TurnProfile(clock, null, 1);
  turn(profile, clock, 2, 0, null);
  const { pipeline } = profile;
  assert.deepEqual([pipeline.samples, pipeline.requests], [1, 2]);
  const own = (stage: number): number => pipeline.own(stage, ExchangeOperation.New).max;
  assert.deepEqual([1, 2, 3, 4, 5].map(own), [100, 1_000, 0, 5_010, 20]);
});

test('with a journal it waits until its own records are safe, and counts all of the wait', () => {
  const clock = new ManualClock();
  clock.advance(77);
  const profile = new TurnProfile(clock, null, 1);
  turn(profile, clock, 1, 10, 9);
  assert.equal(profile.pipeline.samples, 0);
  turn(profile, clock, 5, 20, 9); // waits on; is not followed itself
  turn(profile, clock, 5, 30, 10);
  const { pipeline } = profile;
  assert.deepEqual([pipeline.samples, pipeline.requests], [1, 1]);
  const own = (stage: number): number => pipeline.own(stage, ExchangeOperation.New).max;
  assert.deepEqual([1, 2, 3, 4, 5].map(own), [100, 1_000, 5_000 + 30 + 6_130 + 6_100, 10, 20]);
});

test('a turn that brings bytes and no request is no sample', () => {
  const clock = new ManualClock();
  clock.advance(1);
  const profile = new TurnProfile(clock, null, 1);
  turn(profile, clock, 0, 0, null);
  assert.equal(profile.pipeline.samples, 0);
  turn(profile, clock, 1, 0, null);
  assert.equal(profile.pipeline.samples, 1);
});

test('one turn in so many is followed, at gaps that differ', () => {
  const clock = new ManualClock();
  clock.advance(1);
  const every = 64;
  const profile = new TurnProfile(clock, null, every);
  const gaps = new Set<number>();
  let last = 0;
  const turns = 64_000;
  for (let i = 1; i <= turns; i += 1) {
    const before = profile.pipeline.samples;
    turn(profile, clock, 1, 0, null);
    if (profile.pipeline.samples === before) continue;
    if (last > 0) gaps.add(i - last);
    last = i;
  }
  const { samples } = profile.pipeline;
  assert.ok(samples > 940 && samples < 1_070, `${samples} samples of ${turns} turns`);
  assert.ok(gaps.size > 50 && Math.min(...gaps) === every / 2 && Math.max(...gaps) === (every * 3) / 2 - 1, [...gaps].join(' '));
  assert.throws(() => new TurnProfile(clock, null, 0), /every was 0, expected/);
});

// Where one connection alone is busy it is asked directly, and its turns all look as if bytes might have come.
test('turns without requests are not counted', () => {
  const clock = new ManualClock();
  clock.advance(1);
  const profile = new TurnProfile(clock, null, 64);
  for (let i = 0; i < 640_000; i += 1) turn(profile, clock, i % 100 === 0 ? 1 : 0, 0, null);
  const turns = 6_400;
  // By number every 64th, or by time every 10 ms: here that is every 16th.
  const { samples } = profile.pipeline;
  assert.ok(samples > turns / 20 && samples < turns / 10, `${samples} samples of ${turns} turns`);
});

// An exchange on a busy machine had 80,000 requests in a hundred turns: one of them was followed.
test('where turns are rare those are followed that begin some 10 ms after the last one', () => {
  const clock = new ManualClock();
  clock.advance(1);
  const profile = new TurnProfile(clock, null, 1_000_000);
  const gapsMs: number[] = [];
  let sinceMs = 0;
  for (let i = 0; i < 20_000; i += 1) {
    clock.advance(1_000_000);
    sinceMs += 1;
    profile.begin();
    if (profile.following) {
      gapsMs.push(sinceMs);
      sinceMs = 0;
      profile.count(0);
    }
    profile.sequenced();
    profile.executed(0);
    profile.unjournaled();
    profile.feedSent();
    profile.end();
  }
  const [, ...gaps] = gapsMs; // the first turn of all
  assert.ok(gaps.length > 1_500 && Math.min(...gaps) >= 5 && Math.max(...gaps) <= 16 && new Set(gaps).size > 8, gaps.slice(0, 50).join(' '));
});

test('another holder of the file finds every histogram under its name', (t) => {
  const folder = mkdtempSync(join(sharedMemoryFolder() ?? tmpdir(), 'outcry-profile-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const declared = [...profileDeclarations(EXCHANGE_PIPELINE), ...profileDeclarations(TRADER_PIPELINE)];
  const stats = SharedStats.create(join(folder, 'x.stats'), 'test', declared);
  const clock = new ManualClock();
  clock.advance(1);
  const profile = new TurnProfile(clock, stats, 1);
  const prng = new Prng(5);
  for (let i = 0; i < 100; i += 1) turn(profile, clock, 1 + prng.below(3), 0, null);
  stats.file.flush();
  const reader = StatsReader.open(stats.file.path);
  const seen = reader.histogram(stageHistogram(EXCHANGE_PIPELINE, 'matched', 'new', 'since'));
  seen.checkInvariants();
  assert.equal(seen.count, profile.pipeline.requests);
  assert.equal(seen.percentile(50), 1_100);
  assert.equal(reader.value(profileNumber(EXCHANGE_PIPELINE, 'samples')), 100);
  assert.equal(reader.value(profileNumber(EXCHANGE_PIPELINE, 'every')), 1);
  stats.remove();
  reader.close();
});
