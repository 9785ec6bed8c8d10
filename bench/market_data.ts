// The market data processor: 40-byte messages through the ring onto 4,096 books, by one thread and by two, beside C.
//
// The clock runs from the first message that this thread copies into the ring, as a receiver would, to the last one
// that a processor has applied. With two threads this one receives and applies the symbols of its share, a helper on the other
// core applies the rest. The flow (src/book/market_data_flow.ts) names symbols at random, the worst case for caches; one
// message in 1,000 is bad. Every run starts from empty books: a third of the messages fill them.
//
// Checked: counters of every run; the hash of all books against C's and against the twin's, which is applied once to a
// part of the flow.
import { assert } from '../src/base/assert.ts';
import { MarketDataProcessor } from '../src/book/market_data_processor.ts';
import { MarketDataProcessorReference } from '../src/book/market_data_processor.reference.ts';
import { writeMarketDataFlow } from '../src/book/market_data_flow.ts';
import { MarketData } from '../src/wire/generated/market_data.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { runAlone, runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';
import { pinTo } from './pin.ts';
import { loadCMarketData } from './reference/c_market_data.ts';
import { CONSUMER_CORE, MATCHING_CORE } from './report_control.ts';

const MESSAGES = 8_000_000;
const MESSAGES_SMALL = 20_000;
const SYMBOLS = 4_096;
const ORDERS_PER_BOOK = 16;
const BAD_EVERY = 1_000;
const ORDERS_MAX = 500_000;
const TWIN_MESSAGES_MAX = 20_000;
/** Messages copied, then applied, at a time. */
const CHUNK = 1_024;
/** Sixteenths of the symbols that are the receiver's, who copies besides. */
const OWN_SHARE = 7;
const TRIED =
  'levels in order, moved by loops (mispredicted branches: 40 ns a message of 256 books where it is 35 now); messages dealt by the receiver to a ring a ' +
  'thread (7 ns a message of its time) instead of one ring that each filters; no look ahead (52 → 70 ns a message of 4,096 books, one thread). What C gains, ' +
  'it gains by prefetches, which WebAssembly lacks: a load that stands in for one holds up what follows. Of other ways to ask ahead none helped (M/s, one ' +
  'thread, 11.6 as it is): books and heads first, rows and orders second 11.4; each message of the next round just before one of this is applied 8.9; one line ' +
  'of volumes fewer 10.6; huge pages 9.6 … 12.7. C itself does not come near the goal on this host';

function flowOf(messages: number): Uint8Array {
  const bytes = new Uint8Array(messages * MarketData.bytes);
  writeMarketDataFlow(new DataView(bytes.buffer), 0, {
    messages, symbols: SYMBOLS, ordersPerBook: ORDERS_PER_BOOK, badEvery: BAD_EVERY, seed: 1,
  });
  return bytes;
}

interface Run { ns: number; hash: bigint }

/** All messages through a fresh processor. */
async function runOurs(flow: Uint8Array, threads: number): Promise<Run> {
  const messages = flow.length / MarketData.bytes;
  const processor = new MarketDataProcessor({ threads, ordersMax: ORDERS_MAX, ...(threads > 1 ? { ownShare: OWN_SHARE } : {}) });
  await processor.start();
  const unpin = pinTo(MATCHING_CORE);
  const ring = new Uint8Array(processor.memory.buffer);
  const start = process.hrtime.bigint();
  for (let done = 0; done < messages;) {
    const at = processor.claim(Math.min(CHUNK, messages - done));
    const places = processor.claimed;
    ring.set(flow.subarray(done * MarketData.bytes, (done + places) * MarketData.bytes), at);
    processor.publish(places);
    processor.poll(CHUNK);
    done += places;
  }
  processor.settle();
  const ns = Number(process.hrtime.bigint() - start);
  unpin();
  const { applied, refused } = processor.stats();
  const counted = [...Object.values(applied), ...Object.values(refused)].reduce((a, b) => a + b, 0);
  assert(counted === messages, 'every message was applied or counted');
  assert(refused.symbol > 0 && refused.type > 0 && refused.price > 0, 'bad messages were found out');
  const hash = processor.hash();
  await processor.close();
  return { ns, hash };
}

/** The twin on the first messages: the books must be ours. */
async function compareWithTwin(flow: Uint8Array): Promise<number> {
  const part = flow.subarray(0, Math.min(flow.length, TWIN_MESSAGES_MAX * MarketData.bytes));
  const processor = new MarketDataProcessor({ threads: 2, ordersMax: ORDERS_MAX });
  const twin = new MarketDataProcessorReference(SYMBOLS, ORDERS_MAX);
  await processor.start();
  for (let at = 0; at < part.length; at += processor.receive(part, at, (part.length - at) / MarketData.bytes) * MarketData.bytes) processor.poll();
  const view = new DataView(part.buffer, part.byteOffset, part.length);
  for (let at = 0; at < part.length; at += MarketData.bytes) twin.apply(view, at);
  for (let symbol = 0; symbol < SYMBOLS; symbol++) {
    const same = JSON.stringify(processor.depth(symbol, 100), text) === JSON.stringify(twin.depth(symbol, 100), text);
    assert(same, "every book is the twin's");
  }
  await processor.close();
  return part.length / MarketData.bytes;
}

function text(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

async function rowOf(context: BenchContext, flow: Uint8Array, threads: number, twinChecked: number): Promise<Row> {
  const messages = flow.length / MarketData.bytes;
  context.progress(`market data: ${threads} thread${threads > 1 ? 's' : ''}`);
  const { hash } = await runOurs(flow, threads);
  const perSecond = (ns: number): number => (messages / ns) * 1_000;
  const ours = async (): Promise<number> => {
    const once = await runOurs(flow, threads);
    assert(once.hash === hash, 'every run ends with the same books');
    return perSecond(once.ns);
  };
  const common: Pick<Row, 'name' | 'unit' | 'boundary' | 'durability' | 'threads'> & Partial<Row> = {
    name: `market data, 40 bytes, ${formatCount(SYMBOLS)} books, ${threads > 1 ? 'two threads' : 'one thread'}`, unit: 'M msg/s',
    boundary: threads > 1 ? 'thread → thread, batches' : 'core, batches', durability: 'none', tried: TRIED, ...(context.small ? { small: true } : {}),
    threads: threads > 1 ? '2 (receiver and its books, helper)' : '1 (receiver and all books)', quoted: '52 M/s (Rust), 48 (C++), 32 (Java)',
    ...(threads > 1 ? { goal: { relation: 'above', value: 52 } } : {}),
  };
  const checks = [
    `${formatCount(messages)} messages, each applied or counted as bad; hash of all books ${hash.toString(16)} in every run`,
    `${formatCount(SYMBOLS)} books level by level the twin's after ${formatCount(twinChecked)} messages`,
  ];
  const inC = loadCMarketData();
  if (inC === null) {
    const spread = await runAlone(ours, { repetitions: context.pairs });
    return { ...common, figure: spread.median, statistic: `median of ${spread.samples} flows`, spread, checks };
  }
  const theirs = (): number => {
    const found = new BigUint64Array(1);
    const ns = inC(flow, messages, SYMBOLS, threads, OWN_SHARE, ORDERS_MAX, CONSUMER_CORE, found);
    assert(found[0] === hash, 'C ends with the same books');
    return perSecond(ns);
  };
  const pinned = (): number => {
    const unpin = pinTo(MATCHING_CORE);
    const figure = theirs();
    unpin();
    return figure;
  };
  const { a, b, ratio, pairs } = await runPaired(ours, pinned, { pairs: context.pairs, warmups: 1 });
  return {
    ...common, figure: a.median, statistic: `median of ${pairs} flows`, spread: a, checks: [...checks, "C's books are the same"],
    ratio: { ...ratio, against: 'the same in C', pairs, otherMedian: b.median },
  };
}

async function run(context: BenchContext): Promise<Row[]> {
  const flow = flowOf(sizeOf(context, MESSAGES, MESSAGES_SMALL));
  const checked = await compareWithTwin(flow);
  return [await rowOf(context, flow, 2, checked), await rowOf(context, flow, 1, checked)];
}

export const marketDataBenchmark: Benchmark = {
  name: 'market-data', about: '40-byte messages onto 4,096 books, by one thread and by two, beside C', byDefault: true, run,
};
