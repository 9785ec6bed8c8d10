// The profile of an exchange: it counts every request of a followed turn once, changes nothing of what the exchange does,
// and allocates nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MonotonicClock } from '../../src/base/clock.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { GroupCommit } from '../../src/journal/group_commit.ts';
import { JournalMode, JournalQueue, journalShared } from '../../src/journal/journal_queue.ts';
import { chooseNetwork } from '../../src/net/choose_network.ts';
import { EXCHANGE_PIPELINE, ExchangeOperation, ExchangeStage } from '../../src/observe/profile/stages.ts';
import { TurnProfile } from '../../src/observe/profile/turn_profile.ts';
import { nowhere } from '../../bench/journal.ts';
import { leastHeapPerOperation } from '../../bench/harness/heap.ts';
import { EndlessClient, EndlessNetwork, mixedRequests } from './endless_network.ts';
import { buy, ExchangeRig, rigConfig } from './exchange_rig.ts';

const TURN_NS = 100_000;

async function open(profile: TurnProfile | null, journaled = false): Promise<{ exchange: Exchange; run: (turns: number) => void }> {
  const network = new EndlessNetwork([1, 2].map((client) => new EndlessClient(client, mixedRequests(client))));
  const storage = nowhere();
  const exchange = await Exchange.open({
    config: rigConfig({}), network, stamp: 1, ...(profile !== null && { profile }), ...(journaled && { recovery: { storage } }),
  });
  let commit: GroupCommit | null = null;
  if (journaled) {
    const shared = journalShared(16 << 20);
    const mode = JournalMode.Durable;
    const queue = new JournalQueue(shared, mode, 1 << 20, 0);
    exchange.startJournal({ queue, nowNs: 0, wallClockMs: 0, program: 'test' });
    commit = new GroupCommit({ shared, mode, storage, position: null, segmentBytes: 2 ** 30, payloadBytesMax: 1 << 20 });
  }
  let nowNs = 0;
  const run = (turns: number): void => {
    for (let i = 0; i < turns; i += 1) {
      exchange.poll((nowNs += TURN_NS));
      commit?.poll();
    }
  };
  return { exchange, run };
}

test('every command of every turn is counted under its operation, and the exchange does the same as without', async () => {
  const profile = new TurnProfile(new MonotonicClock(), null, 1);
  const profiled = await open(profile);
  const plain = await open(null);
  for (const { run } of [profiled, plain]) run(500);
  const { pipeline } = profile;
  const { counters } = profiled.exchange;
  assert.equal(pipeline.samples, counters.get('batches'), 'each turn executed one batch');
  assert.equal(pipeline.requests, counters.get('requests'));
  for (const operation of [ExchangeOperation.New, ExchangeOperation.Cancel, ExchangeOperation.Modify]) {
    const last = pipeline.since(ExchangeStage.ResponseTx, operation);
    assert.ok(last.count > 100, `${EXCHANGE_PIPELINE.operations[operation]}: ${last.count}`);
    last.checkInvariants();
    for (const stage of [ExchangeStage.Sequenced, ExchangeStage.Matched, ExchangeStage.FeedTx, ExchangeStage.ResponseTx]) {
      assert.equal(pipeline.own(stage, operation).count, last.count);
      assert.ok(pipeline.since(stage, operation).max <= last.max, 'later stages are later');
    }
    assert.equal(pipeline.own(ExchangeStage.Journaled, operation).count, 0);
  }
  assert.equal(profiled.exchange.engine.stateHash(), plain.exchange.engine.stateHash());
  assert.deepEqual(profiled.exchange.counters.snapshot(), plain.exchange.counters.snapshot());
});

test('with a journal a sample ends when its records are safe', async () => {
  const profile = new TurnProfile(new MonotonicClock(), null, 1);
  const { exchange, run } = await open(profile, true);
  run(500);
  const journaled = profile.pipeline.own(ExchangeStage.Journaled, ExchangeOperation.New);
  assert.ok(journaled.count > 100);
  assert.equal(journaled.count, profile.pipeline.own(ExchangeStage.ResponseTx, ExchangeOperation.New).count);
  // The turn behind is the first that can see it safe: every second one is followed.
  assert.ok(profile.pipeline.samples <= exchange.counters.get('batches') / 2 + 1);
  assert.ok(profile.pipeline.samples >= exchange.counters.get('batches') / 2 - 2);
});

// A connection that alone has news is asked directly, and a poll of the network then told of none: nearly all turns of an
// exchange with one busy client went unfollowed.
test('a lone client on a real socket: every turn with requests is followed', async (t) => {
  const profile = new TurnProfile(new MonotonicClock(), null, 1);
  const rig = await ExchangeRig.open({ network: () => chooseNetwork('auto').network, profile });
  t.after(() => rig.close());
  const client = await rig.client();
  const answers = (): number => rig.counter('responses');
  for (let id = 1; id <= 200; id += 1) {
    client.say(buy(1, id, 100, 1));
    await rig.until(() => answers() === id, 'an answer');
  }
  assert.equal(profile.pipeline.requests, 200);
});

test('a sampled exchange allocates nothing', async () => {
  const profile = new TurnProfile(new MonotonicClock(), null, 4);
  const { exchange, run } = await open(profile);
  run(3_000);
  const before = exchange.counters.get('requests');
  run(1_000);
  const requests = exchange.counters.get('requests') - before;
  const bytes = await leastHeapPerOperation(() => run(1_000), requests, 0.1);
  assert.ok(bytes <= 0.1, `${bytes.toFixed(3)} bytes a request`);
  assert.ok(profile.pipeline.samples > 1_000);
});
