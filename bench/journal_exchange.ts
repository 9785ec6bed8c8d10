// What durability costs an exchange.
//
//   1 its thread: the whole pipeline from the bytes of a request to the bytes of its answer, journaled
//     and not, by turns in one process; the journal's own thread is played between the timed turns
//   2 its clients: from the moment that an order is due (open loop, whether or not the one before is
//     answered) to the moment that its answer may leave, with the engine, the journal's thread and the disk
//
// Transport costs nothing in either, so the first share is larger than over TCP.
import { mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assert } from '../src/base/assert.ts';
import { MatchingEngine } from '../src/book/matching_engine.ts';
import { Cmd, COMMAND } from '../src/book/types.ts';
import { EXCHANGE_DEFAULT } from '../src/exchange/config.ts';
import { Exchange } from '../src/exchange/exchange.ts';
import { FileStorage } from '../src/journal/file_storage.ts';
import { GroupCommit } from '../src/journal/group_commit.ts';
import { JournalMode, JournalQueue, journalShared, RING_BYTES_DEFAULT } from '../src/journal/journal_queue.ts';
import { JournalType } from '../src/journal/record_types.ts';
import { recover } from '../src/journal/recovery.ts';
import { PAYLOAD_BYTES_DEFAULT } from '../src/journal/segment_writer.ts';
import { ThreadedJournal } from '../src/journal/threaded_journal.ts';
import { EndlessClient, EndlessNetwork, mixedRequests } from '../test/exchange/endless_network.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';
import { quantile, spreadOf } from './harness/statistics.ts';
import { diskOf, nowhere } from './journal.ts';

const TURNS = 2_000;
const WARMUP_TURNS = 3_000;
const TURN_NS = 100_000;
const RATES = [10_000, 100_000, 500_000] as const;
const SECONDS = 10;
const SMALL_ORDERS = 500;
/** Resting orders at a time: a new one takes the place of the oldest. */
const LIVE = 1_000;
const MICROSECOND_NS = 1_000;
const RATIO_GOAL = 0.9;

// ── the exchange's thread ────────────────────────────────────────────────────────────────────────

class Pipeline {
  readonly exchange: Exchange;
  readonly #commit: GroupCommit | null;
  #nowNs = 0;

  private constructor(exchange: Exchange, commit: GroupCommit | null) {
    this.exchange = exchange;
    this.#commit = commit;
  }

  static async open(journaled: boolean): Promise<Pipeline> {
    const clients = [1, 2].map((client) => new EndlessClient(client, mixedRequests(client)));
    const snapshot = { ...EXCHANGE_DEFAULT.snapshot, intervalNs: 0 };
    const config = { ...EXCHANGE_DEFAULT, ordersMax: 10_000, snapshot };
    const network = new EndlessNetwork(clients);
    if (!journaled) return new Pipeline(await Exchange.open({ config, network, stamp: 1 }), null);
    const storage = nowhere();
    const exchange = await Exchange.open({ config, network, stamp: 1, recovery: { storage } });
    const shared = journalShared(RING_BYTES_DEFAULT);
    const mode = JournalMode.Durable;
    const payloadBytesMax = PAYLOAD_BYTES_DEFAULT;
    const queue = new JournalQueue(shared, mode, payloadBytesMax, 0);
    const commit = new GroupCommit({
      shared, mode, storage, position: null, segmentBytes: 2 ** 30, payloadBytesMax,
    });
    exchange.startJournal({ queue, nowNs: 0, wallClockMs: 0, program: 'bench' });
    return new Pipeline(exchange, commit);
  }

  /** Nanoseconds a request of the exchange's own turns. */
  run(turns: number): number {
    const { exchange } = this;
    const before = exchange.counters.get('requests');
    let ms = 0;
    for (let i = 0; i < turns; i++) {
      const start = performance.now();
      exchange.poll((this.#nowNs += TURN_NS));
      ms += performance.now() - start;
      this.#commit?.poll();
    }
    return (ms * 1e6) / (exchange.counters.get('requests') - before);
  }
}

async function threadCost(context: BenchContext): Promise<Row> {
  const turns = sizeOf(context, TURNS, 20);
  const journaled = await Pipeline.open(true);
  const plain = await Pipeline.open(false);
  for (const pipeline of [journaled, plain]) pipeline.run(context.small ? 20 : WARMUP_TURNS);
  const { a, ratio, pairs } = await runPaired(
    () => journaled.run(turns), () => plain.run(turns), { pairs: context.pairs },
  );
  const { counters, journal } = journaled.exchange;
  assert(counters.get('journal_paused') === 0, 'the journal was never waited for');
  assert(journal !== null && journal.lastSequence > turns, 'every batch was journaled');
  return {
    name: 'journal-exchange: a request, every batch journaled', figure: a.median, unit: 'ns/op',
    statistic: `median of ${pairs} runs`, boundary: 'process', threads: '1', durability: 'none', spread: a,
    ratio: { ...ratio, against: 'no journal', pairs, otherMedian: a.median / ratio.median },
    checks: [
      `speed with : without ${(1 / ratio.median).toFixed(3)}, goal ${RATIO_GOAL}`,
      `${journal.lastSequence} records; responses and feed held and released`,
    ],
    small: context.small,
  };
}

// ── from an order to its durable acknowledgement ─────────────────────────────────────────────────

interface Acknowledged {
  readonly latencyNs: number[];
  readonly syncs: number;
  readonly batches: number;
  readonly seconds: number;
}

/** `orders` at `rate` a second, executed and journaled in turns, each due at its own time. */
async function acknowledge(directory: string, rate: number, orders: number): Promise<Acknowledged> {
  const storage = new FileStorage(directory, { create: true });
  storage.lock();
  const journal = await ThreadedJournal.start(directory, recover(storage).position);
  const { queue } = journal;
  const engine = new MatchingEngine({
    instruments: [{ minPrice: 1, maxPrice: 1_000_000 }], ordersMax: 4 * LIVE,
  });
  const base = engine.commandBase >>> 2;
  // Of each turn under way: how many orders it ends with, and its record.
  const turnOrders: number[] = [];
  const turnSequences: number[] = [];
  const latencyNs: number[] = [];
  const everyMs = 1_000 / rate;
  const start = performance.now();
  let sent = 0;
  let told = 0;
  while (told < orders) {
    const now = performance.now();
    const due = Math.min(orders, Math.floor((now - start) / everyMs) + 1);
    const batch = Math.min(due - sent, engine.commandSlotsMax >>> 1);
    if (batch > 0) {
      const slots = writeOrders(engine, sent, batch);
      queue.appendWords(JournalType.Commands, engine.i32, base, slots * COMMAND.size, sent, 0);
      queue.publish();
      engine.process(slots);
      engine.releaseEvents(engine.eventsWritten());
      sent += batch;
      turnOrders.push(sent);
      turnSequences.push(queue.lastSequence);
    }
    const safe = queue.ackableSequence;
    assert(!queue.failed, 'the disk takes what is written');
    while (turnSequences.length > 0 && turnSequences[0] <= safe) {
      turnSequences.shift();
      const end = turnOrders.shift() ?? told;
      const at = performance.now();
      for (; told < end; told++) latencyNs.push((at - start - told * everyMs) * 1e6);
    }
  }
  const seconds = (performance.now() - start) / 1_000;
  const result = { latencyNs, syncs: queue.counter('syncs'), batches: queue.counter('batches'), seconds };
  await journal.stop(orders);
  storage.close();
  return result;
}

/** New orders `from` … , each followed by the cancel of the one that is too old. Returns the slots. */
function writeOrders(engine: MatchingEngine, from: number, count: number): number {
  let slots = 0;
  for (let n = from; n < from + count; n++) {
    const order = { client: 1, book: 0, id: BigInt(n + 1), side: 1, price: 1 + (n % LIVE), qty: 1 };
    slots += engine.writeCommand(slots, { type: Cmd.New, ...order });
    if (n >= LIVE)
      slots += engine.writeCommand(slots, { type: Cmd.Cancel, client: 1, book: 0, id: BigInt(n + 1 - LIVE) });
  }
  return slots;
}

function latencyRow(rate: number, result: Acknowledged, disk: string, small: boolean): Row {
  const { latencyNs, batches, syncs, seconds } = result;
  const us = (part: number): string => `${(quantile(latencyNs, part) / MICROSECOND_NS).toFixed(0)} µs`;
  return {
    name: `journal-exchange: durable acknowledgement at ${rate.toLocaleString('en')} orders/s`,
    figure: quantile(latencyNs, 0.5), unit: 'ns/op',
    spread: spreadOf(latencyNs),
    statistic: 'median; open loop', boundary: 'TypeScript API', threads: '2', durability: 'durable', small,
    checks: [
      `p50 ${us(0.5)}, p99 ${us(0.99)}, p99.9 ${us(0.999)} of ${latencyNs.length} orders`,
      `${disk}; ${(latencyNs.length / batches).toFixed(1)} orders a batch, ${syncs} syncs`,
      `${Math.round(latencyNs.length / seconds).toLocaleString('en')} orders/s came through`,
    ],
  };
}

async function run(context: BenchContext): Promise<Row[]> {
  context.progress('journal-exchange: the pipeline with and without a journal');
  const rows = [await threadCost(context)];
  const build = join(dirname(fileURLToPath(import.meta.url)), '../build');
  for (const rate of RATES) {
    const directory = mkdtempSync(join(build, 'journal-exchange-'));
    const disk = diskOf(directory);
    context.progress(`journal-exchange: ${rate} orders/s, ${disk}`);
    try {
      const orders = sizeOf(context, rate * SECONDS, SMALL_ORDERS);
      rows.push(latencyRow(rate, await acknowledge(directory, rate, orders), disk, context.small));
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  return rows;
}

export const journalExchange: Benchmark = {
  name: 'journal-exchange',
  about: 'what durability costs an exchange and its clients', byDefault: false, run,
};
