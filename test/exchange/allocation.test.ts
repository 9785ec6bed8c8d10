// The whole pipeline allocates nothing once it runs, from the bytes of a request to the bytes of
// its answer and of the feed: at most 0.1 byte of heap a request.
import assert from 'node:assert/strict';
import { GCProfiler } from 'node:v8';
import { test } from 'node:test';
import type { RiskConfig } from '../../src/exchange/config.ts';
import { nowhere } from '../../bench/journal.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { GroupCommit } from '../../src/journal/group_commit.ts';
import { JournalMode, JournalQueue, journalShared } from '../../src/journal/journal_queue.ts';
import type { Storage } from '../../src/journal/storage.ts';
import { EndlessClient, EndlessNetwork, mixedRequests } from './endless_network.ts';
import { rigConfig } from './exchange_rig.ts';
import { riskOf } from './protection_rig.ts';

const BYTES_PER_REQUEST_MAX = 0.1;

/** Everything limited, nothing refused for it. */
const EVERY_LIMIT = riskOf(
  {
    orderQty: 1_000, notional: 1_000_000, collarTicks: 50_000, collarBps: 90_000, position: 1_000_000_000,
    openOrders: 1_000, messagesPerSecond: 10_000_000, cancelsPerSecond: 10_000_000,
  },
  [{ client: 2, position: 500_000_000 }],
  { collarReference: 'mid' },
);
/** One client of two always beyond its rate. */
const TOO_FAST = riskOf({}, [{ client: 2, messagesPerSecond: 100, refusalsPerSecond: 0 }]);

const GATES: [string, RiskConfig][] = [
  ['no limit at all', riskOf({}, [], { fairShares: false })],
  ['fair shares alone', riskOf({})],
  ['every limit', EVERY_LIMIT],
  ['one beyond its rate', TOO_FAST],
];

const JOURNALED = 'every limit, journaled';
GATES.push([JOURNALED, EVERY_LIMIT]);

/** The journal's thread, played by the test; its disk is none. */
function journal(exchange: Exchange, storage: Storage): GroupCommit {
  const shared = journalShared(16 << 20);
  const mode = JournalMode.Durable;
  const payloadBytesMax = 1 << 20;
  const queue = new JournalQueue(shared, mode, payloadBytesMax, 0);
  exchange.startJournal({ queue, nowNs: 0, wallClockMs: 0, program: 'test' });
  return new GroupCommit({
    shared, mode, storage, position: null, segmentBytes: 2 ** 30, payloadBytesMax,
  });
}

for (const [name, risk] of GATES) {
  test(`from request to answer and feed: at most 0.1 byte of heap a request (${name})`, async () => {
    const network = new EndlessNetwork(
      [1, 2].map((client) => new EndlessClient(client, mixedRequests(client))),
    );
    const config = rigConfig({
      snapshot: { group: '239.255.77.1', port: 4_401, intervalNs: 10_000_000 },
      risk,
    });
    const journaled = name === JOURNALED;
    const storage = nowhere();
    const exchange = await Exchange.open({
      config, network, stamp: 1, ...(journaled && { recovery: { storage } }),
    });
    const commit = journaled ? journal(exchange, storage) : null;
    let nowNs = 0;
    const run = (turns: number): void => {
      for (let i = 0; i < turns; i++) {
        exchange.poll((nowNs += 100_000));
        commit?.poll();
      }
    };
    run(3_000); // compiled, buffers grown
    const requests = (): number => exchange.counters.get('requests');
    let least = Infinity;
    for (let attempt = 0; attempt < 8 && least > BYTES_PER_REQUEST_MAX; attempt++) {
      const profiler = new GCProfiler();
      profiler.start();
      const requestsBefore = requests();
      const before = process.memoryUsage().heapUsed;
      run(1_000);
      const bytes = process.memoryUsage().heapUsed - before;
      const collections = profiler.stop()?.statistics.length ?? 0;
      if (collections === 0) least = Math.min(least, bytes / (requests() - requestsBefore));
    }
    assert.ok(
      exchange.counters.get('trades') > 10_000 && exchange.counters.get('rejected') > 10_000,
      'it traded and rejected',
    );
    assert.equal(exchange.counters.get('rejected_for_rate') > 1_000, risk === TOO_FAST);
    assert.ok(exchange.counters.get('snapshot_cycles') > 10, 'and took snapshots');
    assert.ok(least <= BYTES_PER_REQUEST_MAX, `${least.toFixed(3)} bytes a request`);
    exchange.close(nowNs);
  });
}
