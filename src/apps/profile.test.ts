// `outcry profile` as a user starts it, on the statistics of a process that the test plays.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ManualClock } from '../base/clock.ts';
import { profileDeclarations } from '../observe/profile/declarations.ts';
import { PipelineProfile } from '../observe/profile/pipeline_profile.ts';
import { EXCHANGE_PIPELINE } from '../observe/profile/stages.ts';
import { processDeclarations } from '../observe/process_stats.ts';
import { SharedStats, statsPath } from '../observe/shared_stats.ts';
import { ProcessFile } from './process_file.ts';

const OUTCRY = fileURLToPath(new URL('./outcry.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'outcry-profile-verb-'));
test.after(() => rmSync(folder, { recursive: true }));

function outcry(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [OUTCRY, 'profile', ...args], { env: { ...process.env, NO_COLOR: '1' } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** An exchange that records by itself; `matchedNs` may change while it does. */
class Recording {
  readonly stats: SharedStats;
  matchedNs = 1_000;
  readonly #profile: PipelineProfile;
  readonly #clock = new ManualClock();
  readonly #timer: NodeJS.Timeout;

  constructor(name: string) {
    this.stats = SharedStats.create(join(folder, `${name}.stats`), `exchange ${name}`, [...processDeclarations(), ...profileDeclarations(EXCHANGE_PIPELINE)]);
    this.#profile = new PipelineProfile(EXCHANGE_PIPELINE, this.stats, 1);
    this.#clock.advance(1);
    this.#timer = setInterval(() => this.#record(), 5);
    this.#record();
  }

  #record(): void {
    const counts = Float64Array.of(1, 0, 0, 0);
    for (let i = 0; i < 500; i += 1) {
      const matched = 1_100 + this.matchedNs + (i % 100);
      this.#profile.commit(Float64Array.of(1_000, 1_100, matched, 0, matched + 200, matched + 700), counts);
    }
    this.stats.beat();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.stats.remove();
  }
}

test('a measurement is a table, files and JSON', async () => {
  const recording = new Recording('one');
  const file = (name: string): string => join(folder, name);
  const { code, stdout, stderr } = await outcry(
    recording.stats.file.path, '--for', '300ms', '--details', '--csv', file('p.csv'), '--svg', file('p.svg'), '--html', file('p.html'), '--json',
  );
  recording.stop();
  assert.equal(code, 0, stderr);
  assert.match(stdout, /exchange one {3}pid \d+ · [\d.]+ s/);
  assert.match(stdout, /matched +[\d,]+ +1\.05 µs/);
  assert.match(stdout, / {4}new +[\d,]+ +1\.05 µs/);
  assert.match(stdout, /in all +[\d,]+ +1\.85 µs/);
  assert.match(readFileSync(file('p.csv'), 'utf8'), /^exchange,matched,new,own,/m);
  assert.match(readFileSync(file('p.svg'), 'utf8'), /^<svg /);
  assert.match(readFileSync(file('p.html'), 'utf8'), /^<!doctype html>/);
  const result = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as { format: string; samples: { exchange: { requests: number } } };
  assert.equal(result.format, 'outcry-profile');
  assert.ok(result.samples.exchange.requests > 0);
});

test('a baseline is saved and gathered, the same flow passes, a slower one is exit code 1', async () => {
  const recording = new Recording('two');
  const base = join(folder, 'base.json');
  const look = (...args: readonly string[]): ReturnType<typeof outcry> =>
    outcry(recording.stats.file.path, '--for', '1s', '--windows', '12', ...args);
  for (const runs of [1, 2]) {
    const { code, stderr } = await look('--save', base);
    assert.equal(code, 0, stderr);
    assert.match(stderr, new RegExp(`a baseline of ${runs} runs`));
  }
  const same = await look('--baseline', base);
  assert.equal(same.code, 0, same.stdout);
  assert.match(same.stdout, /exchange matched p50 .* same/);
  recording.matchedNs = 1_600;
  const slower = await look('--baseline', base);
  recording.stop();
  assert.equal(slower.code, 1, slower.stdout);
  assert.match(slower.stdout, /exchange matched p50 .* slower/);
  assert.match(slower.stdout, /exchange sequenced p50 .* same/);
});

test('where nothing was recorded, nothing runs, or a file is no baseline, it says so', async () => {
  const stats = SharedStats.create(join(folder, 'idle.stats'), 'idle', profileDeclarations(EXCHANGE_PIPELINE));
  const idle = await outcry(stats.file.path, '--for', '100ms');
  assert.equal(idle.code, 1);
  assert.match(idle.stderr, /nothing was recorded in this time/);
  const bad = join(folder, 'bad.json');
  writeFileSync(bad, '{}');
  const refused = await outcry(stats.file.path, '--baseline', bad);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /expected a saved baseline/);
  stats.remove();
  const nobody = await outcry('--pid', '4194304');
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /process 4194304 is no exchange and no trader/);
  const none = await outcry(join(folder, 'none.stats'));
  assert.equal(none.code, 1);
  assert.match(none.stderr, /ENOENT/);
});

test('a process that runs is listed, and its file goes with it', async () => {
  const notes: string[] = [];
  const watched = ProcessFile.open('exchange', 'exchange of a test', [], (line) => notes.push(line));
  assert.ok(watched !== null, notes.join('\n'));
  watched.stats.title = 'exchange 127.0.0.1:1\u001b[2J';
  const { stdout } = await outcry('--list');
  assert.ok(stdout.includes(`${process.pid}`));
  assert.ok(stdout.includes('exchange 127.0.0.1:1·[2J'), 'a title cannot clear the terminal');
  watched.close();
  assert.equal(existsSync(statsPath('exchange')), false);
});
