// Binance's levels and trades as requests: what each change of a level becomes, trades that no difference takes twice, and a
// real recording whose every book an engine's equals.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Prng } from '../base/prng.ts';
import { BinanceFlow, type BinanceFlowOptions } from './binance_flow.ts';
import { binanceThroughEngine } from './day_flow.ts';
import { RequestKind } from './order_flow.ts';
import { RecordingError } from './recording_source.ts';

const RECORDING = join(import.meta.dirname, '../../../shared/data/binance/usdm_btcusdt_20240808.gz');
const skip = existsSync(RECORDING) ? false : 'the recorded data is not here (../shared/data/binance)';
const folder = mkdtempSync(join(tmpdir(), 'outcry-binance-'));
after(() => rmSync(folder, { recursive: true }));

const { New, Immediate, Modify, Cancel } = RequestKind;
const [BUY, SELL] = [1, -1];

type Level = [price: string, qty: string];

/** Writes streams as they were received: a millisecond between two lines, event times as given. */
class Tape {
  readonly lines: string[] = [];
  #id = 10;

  message(data: object): void {
    this.lines.push(`${1_723_161_255_000_000_000n + BigInt(this.lines.length) * 1_000_000n} ${JSON.stringify(data)}`);
  }

  snapshot(bids: Level[], asks: Level[], more: object = {}): void {
    this.message({ lastUpdateId: this.#id, bids, asks, ...more });
  }

  depth(T: number, b: Level[], a: Level[], more: object = {}): void {
    const previous = this.#id;
    this.#id += 5;
    this.message({ stream: 's@depth', data: { e: 'depthUpdate', E: T + 3, T, s: 'BTCUSDT', U: previous + 1, u: this.#id, pu: previous, b, a, ...more } });
  }

  trade(T: number, side: number, p: string, q: string, more: object = {}): void {
    this.message({ stream: 's@trade', data: { e: 'trade', E: T + 3, T, s: 'BTCUSDT', t: 1, p, q, X: 'MARKET', m: side === SELL, ...more } });
  }

  /** What the exchange sent is lost. */
  lose(): void {
    this.#id += 7;
  }

  file(): string {
    const path = join(folder, `${this.lines.length}.txt`);
    writeFileSync(path, this.lines.join('\n'));
    return path;
  }
}

/** A book of two bids and two asks. */
function opened(): Tape {
  const tape = new Tape();
  tape.snapshot([['100.00', '1.000'], ['99.50', '2']], [['100.10', '3.500'], ['100.20', '1']], { T: 1_000 });
  return tape;
}

const OPENING = [[New, 1, BUY, 10_000, 1_000], [New, 2, BUY, 9_950, 2_000], [New, 3, SELL, 10_010, 3_500], [New, 4, SELL, 10_020, 1_000]];

interface Read {
  readonly flow: BinanceFlow;
  /** Behind the opening book. */
  readonly requests: (readonly number[])[];
  /** When each is due, in milliseconds. */
  readonly timesMs: number[];
}

/** The requests; the same recording has also led an engine to each of its books, each trade a fill at its price. */
async function read(tape: Tape, options: Partial<BinanceFlowOptions> = {}): Promise<Read> {
  const path = tape.file();
  const check = await binanceThroughEngine({ ...options, path });
  assert.deepEqual([check.levelsAgreed, check.whole, check.rejects], [check.levels, check.flow.counts.trades, 0]);
  const flow = await BinanceFlow.read({ ...options, path });
  const [requests, timesMs]: [(readonly number[])[], number[]] = [[], []];
  while (flow.next()) {
    const { kind, orderId, side, price, qty, timeNs } = flow.request;
    requests.push([kind, orderId, side, price, qty]);
    timesMs.push(timeNs / 1e6);
  }
  return { flow, requests, timesMs };
}

async function behindOpening(tape: Tape): Promise<Read> {
  const all = await read(tape);
  assert.deepEqual(all.requests.slice(0, 4), OPENING);
  return { flow: all.flow, requests: all.requests.slice(4), timesMs: all.timesMs.slice(4) };
}

test('a level that grows, shrinks, leaves and comes; what shrinks before what grows', async () => {
  const tape = opened();
  tape.depth(1_010, [['100.00', '1.500'], ['99.50', '0.000']], [['100.10', '3.000'], ['100.15', '0.200'], ['100.20', '1.000'], ['105', '0']]);
  tape.depth(1_020, [['100.12', '0.100']], [['100.10', '0']]); // the bid comes where the ask has been
  const { requests, flow } = await behindOpening(tape);
  assert.deepEqual(requests, [
    [Cancel, 2, BUY, 0, 0], [Modify, 3, SELL, 10_010, 3_000], [Modify, 1, BUY, 10_000, 1_500], [New, 5, SELL, 10_015, 200],
    [Cancel, 3, SELL, 0, 0], [New, 6, BUY, 10_012, 100],
  ]);
  assert.deepEqual(flow.counts, { messages: 3, others: 0, books: 3, gaps: 0, trades: 0, unseen: 0, skipped: 0, crossed: 0 });
  assert.deepEqual([flow.name, flow.lastOrderId, flow.messages, flow.messagesTotal], ['binance BTCUSDT', 6, 10, 10]);
});

test('what a trade took, the difference behind it does not take again', async () => {
  const tape = opened();
  tape.trade(1_005, BUY, '100.10', '0.500');
  tape.trade(1_006, SELL, '100.00', '1.000'); // all of it
  tape.depth(1_010, [['100.00', '0']], [['100.10', '3.000']]);
  tape.trade(1_012, BUY, '100.10', '1.000');
  tape.depth(1_020, [], [['100.10', '1.500']]); // half a coin was cancelled besides: 1.5 traded, 1.5 open
  tape.trade(1_025, BUY, '100.10', '0.300');
  tape.depth(1_030, [], []); // and 0.3 came: the level is as before, and not named
  const { requests, flow } = await behindOpening(tape);
  assert.deepEqual(requests, [
    [Immediate, 5, BUY, 10_010, 500], [Immediate, 6, SELL, 10_000, 1_000],
    [Immediate, 7, BUY, 10_010, 1_000], [Modify, 3, SELL, 10_010, 3_000],
    [Immediate, 8, BUY, 10_010, 300], [Modify, 3, SELL, 10_010, 3_300],
  ]);
  assert.deepEqual([flow.counts.trades, flow.counts.unseen], [4, 0]);
});

test('trades belong to differences by the times of the exchange, however they were received', async () => {
  const tape = opened();
  tape.trade(1_011, BUY, '100.10', '0.500'); // 1 ms: too early here
  tape.depth(1_010, [], [['100.20', '0.900']]); // 2 ms
  tape.trade(1_012, BUY, '100.10', '0.250');
  tape.depth(1_020, [], [['100.10', '2.650']]); // 4 ms
  tape.trade(1_020, BUY, '100.10', '0.100'); // 5 ms: too late, and of the same millisecond
  tape.depth(1_030, [], [['100.20', '0.800']]); // 6 ms
  const { requests, timesMs, flow } = await behindOpening(tape);
  assert.deepEqual(requests, [
    [Modify, 4, SELL, 10_020, 900],
    [Immediate, 5, BUY, 10_010, 500], [Immediate, 6, BUY, 10_010, 250], [Immediate, 7, BUY, 10_010, 100],
    [Modify, 4, SELL, 10_020, 800],
  ], 'and the level at 100.10 was right without a request');
  assert.deepEqual(timesMs, [2, 1, 3, 4, 6], 'none is due behind the difference that includes it');
  assert.deepEqual(flow.counts.skipped, 0);
});

test('a trade at a price where our book has too little, or something better: the book is brought to it', async () => {
  const tape = opened();
  tape.trade(1_005, BUY, '100.20', '1.500'); // 100.10 had left unseen, 0.5 had come to 100.20
  tape.trade(1_006, SELL, '100.30', '0.200'); // bids had risen above the asks
  tape.trade(1_007, BUY, '100.05', '0.400'); // and asks had come back
  tape.depth(1_010, [['100.00', '1.000']], [['100.10', '3.500'], ['100.20', '0.100']]);
  const { requests, flow } = await behindOpening(tape);
  assert.deepEqual(requests, [
    [Cancel, 3, SELL, 0, 0], [Modify, 4, SELL, 10_020, 1_500], [Immediate, 5, BUY, 10_020, 1_500],
    [New, 6, BUY, 10_030, 200], [Immediate, 7, SELL, 10_030, 200],
    [New, 8, SELL, 10_005, 400], [Immediate, 9, BUY, 10_005, 400],
    [New, 10, SELL, 10_010, 3_500], [New, 11, SELL, 10_020, 100],
  ]);
  assert.deepEqual([flow.counts.trades, flow.counts.unseen], [3, 3]);
});

test('quantity that comes on the side of a trade meets nothing of the other: what stood there had left', async () => {
  const tape = opened();
  tape.trade(1_005, SELL, '100.20', '0.300');
  tape.depth(1_010, [['100.00', '0']], [['100.10', '0']]);
  const { requests } = await behindOpening(tape);
  assert.deepEqual(requests, [
    [Cancel, 3, SELL, 0, 0], [Cancel, 4, SELL, 0, 0], [New, 5, BUY, 10_020, 300], [Immediate, 6, SELL, 10_020, 300],
    [Cancel, 1, BUY, 0, 0], [New, 7, SELL, 10_020, 1_000],
  ]);
});

test('no orders: trades before the first book, behind the last, and what did not trade in the book', async () => {
  const tape = new Tape();
  tape.trade(999, BUY, '100.10', '1');
  tape.snapshot([['100.00', '1']], [['100.10', '1']]); // without a time, as of spot
  tape.depth(1_000, [], []);
  tape.trade(1_001, BUY, '100.10', '0.5', { X: 'INSURANCE_FUND' });
  tape.trade(1_001, BUY, '0', '0', { X: 'NA' });
  tape.trade(1_001, BUY, '100.10', '0');
  tape.depth(1_002, [], []);
  tape.trade(1_003, BUY, '100.10', '0.5', { T: undefined, X: undefined, E: 1_003 }); // behind the last
  const { requests, flow } = await read(tape);
  assert.deepEqual(requests, [[New, 1, BUY, 10_000, 1_000], [New, 2, SELL, 10_010, 1_000]]);
  assert.deepEqual([flow.counts.skipped, flow.counts.trades], [5, 0]);
});

test('spot tells no T of its differences: the time at which it sent them', async () => {
  const tape = opened();
  tape.trade(1_009, BUY, '100.10', '0.500');
  tape.trade(1_011, BUY, '100.10', '0.250');
  tape.depth(0, [], [['100.10', '3.000']], { E: 1_010, T: undefined, pu: undefined });
  tape.depth(0, [], [['100.10', '2.750']], { E: 1_020, T: undefined, pu: undefined });
  const { requests } = await behindOpening(tape);
  assert.deepEqual(requests, [[Immediate, 5, BUY, 10_010, 500], [Immediate, 6, BUY, 10_010, 250]]);
});

test('a gap: the book stays as it was until the next snapshot, trades go on', async () => {
  const tape = opened();
  tape.lose();
  tape.depth(1_010, [['98.00', '1.000']], []);
  tape.trade(1_012, BUY, '100.10', '0.500');
  tape.lose();
  tape.snapshot([['99.50', '2.000'], ['99.00', '1']], [['100.10', '3.500']], { T: 1_020 });
  const { requests, flow } = await behindOpening(tape);
  assert.deepEqual(requests, [
    [Immediate, 5, BUY, 10_010, 500], [Cancel, 1, BUY, 0, 0], [Cancel, 4, SELL, 0, 0],
    [Modify, 3, SELL, 10_010, 4_000], [New, 6, BUY, 9_900, 1_000],
  ]);
  assert.deepEqual([flow.counts.gaps, flow.counts.books], [1, 2]);
});

test('a crossed book: what would trade waits until it is none', async () => {
  const tape = opened();
  tape.depth(1_010, [['100.15', '1.000'], ['99.50', '0']], []);
  tape.depth(1_020, [], [['100.10', '0']]);
  const path = tape.file();
  const check = await binanceThroughEngine({ path });
  assert.deepEqual([check.trades, check.rejects, check.flow.counts.crossed], [0, 0, 1]);
  // 4 levels, then 3 of 4 with the bid that waits (all bids one place off), then all 3.
  assert.deepEqual([check.levels, check.levelsAgreed], [4 + 4 + 3, 4 + 2 + 3]);
});

test('another symbol, by name', async () => {
  const tape = new Tape();
  tape.depth(900, [['5', '1']], [], { s: 'ETHUSDT' });
  tape.snapshot([['100.00', '1']], [['100.10', '1']]);
  tape.trade(1_001, BUY, '100.10', '0.5');
  tape.trade(1_001, BUY, '7', '0.5', { s: 'ETHUSDT' });
  tape.lose();
  tape.depth(1_010, [], [['100.10', '0.5']], { U: 11, pu: 10 });
  const { requests, flow } = await read(tape, { symbol: 'BTCUSDT', firstOrderId: 100 });
  assert.deepEqual(requests.slice(2), [[Immediate, 102, BUY, 10_010, 500]]);
  assert.deepEqual([flow.counts.others, flow.counts.messages], [2, 3]);
  await assert.rejects(BinanceFlow.read({ path: tape.file(), symbol: 'XRPUSDT' }), (error) =>
    error instanceof RecordingError && /expected a snapshot and differences of XRPUSDT, was none/.test(error.message));
});

test('many decimals; an order whose executions fill its total is followed by another', async () => {
  const tape = new Tape();
  tape.snapshot([['0.00001230', '5']], [['0.00001240', '3000000000.0']], { T: 1_000 });
  tape.trade(1_001, BUY, '0.00001240', '2000000000');
  tape.depth(1_002, [], [['0.00001240', '3000000000']]);
  const { requests } = await read(tape, { priceDecimals: 8, qtyDecimals: 0 });
  assert.deepEqual(requests, [
    [New, 1, BUY, 1_230, 5], [New, 2, SELL, 1_240, 3_000_000_000], [Immediate, 3, BUY, 1_240, 2_000_000_000],
    [Cancel, 2, SELL, 0, 0], [New, 4, SELL, 1_240, 3_000_000_000],
  ]);
});

test('what does not fit is said, with its line', async () => {
  const cases: [(tape: Tape) => void, Partial<BinanceFlowOptions>, RegExp][] = [
    [(tape) => tape.depth(1_010, [['100.001', '1']], []), {}, /line 2: expected a number of at most 2 decimals .*, was "100.001"/],
    [(tape) => tape.depth(1_010, [['100', '0.0005']], []), {}, /line 2: expected a number of at most 3 decimals .*, was "0.0005"/],
    [(tape) => tape.trade(1_010, BUY, '100', '4294967.296'), {}, /line 2: .* up to 4294967295 of them, was "4294967.296"/],
    [(tape) => tape.depth(1_010, [], [], { E: undefined, T: undefined }), {}, /line 2: expected a number as "E" of a difference, was nothing/],
    [(tape) => tape.trade(0, BUY, '100', '1', { E: undefined, T: undefined }), {}, /line 2: expected a number as "E" of a trade, was nothing/],
    [(tape) => tape.trade(0, BUY, '100', '1', { T: '5' }), {}, /line 2: expected a number as "T" of a trade, was "5"/],
    [(tape) => tape.trade(0, BUY, '100', '1', { X: 5 }), {}, /line 2: expected a text as "X" of a trade, was 5/],
    [() => {}, { priceDecimals: 0 }, /line 1: expected a number of at most 0 decimals .*, was "99.50"/],
  ];
  for (const [write, options, expected] of cases) {
    const tape = opened();
    write(tape);
    tape.depth(1_020, [], []); // a difference is looked at when the next line of the book is there
    await assert.rejects(BinanceFlow.read({ ...options, path: tape.file() }), (error) =>
      error instanceof RecordingError && expected.test(error.message), String(expected));
  }
});

// Books and trades that know nothing of each other, lost differences, snapshots: whatever is recorded, an engine's book is
// the recorded one at each difference, and each trade is one fill at its price.
test('random streams: each book as recorded, each trade whole', async () => {
  let [books, trades, unseen] = [0, 0, 0];
  for (let seed = 1; seed <= 25; seed++) {
    const check = await binanceThroughEngine({ path: randomTape(new Prng(seed)).file() });
    const { counts } = check.flow;
    assert.deepEqual([check.levelsAgreed, check.whole, check.trades, check.rejects, counts.crossed], [check.levels, counts.trades, counts.trades, 0, 0], `seed ${seed}`);
    books += counts.books;
    trades += counts.trades;
    unseen += counts.unseen;
  }
  assert.ok(books > 4_000 && trades > 4_000 && unseen > 1_000 && trades > unseen, `${books} books, ${trades} trades, ${unseen} unseen`);
});

function randomTape(prng: Prng): Tape {
  const tape = new Tape();
  const [bids, asks] = [new Set<number>(), new Set<number>()];
  const text = (price: number): string => (price / 100).toFixed(2);
  const qty = (): string => (prng.between(1, 400) / 100).toFixed(3);
  let middle = 10_000;
  /** Some levels of a side below or above the middle, and the end of those that are now beyond it. */
  const changes = (prices: Set<number>, side: number): Level[] => {
    const levels: Level[] = [];
    for (const price of prices) if ((price - middle) * side >= 0 || prng.chance(0.1)) levels.push([text(price), '0']);
    for (const [price] of levels) prices.delete(Math.round(Number(price) * 100));
    for (let n = prng.below(4); n > 0; n--) {
      const price = middle - side * prng.between(1, 12);
      if (levels.some(([each]) => each === text(price))) continue;
      prices.add(price);
      levels.push([text(price), qty()]);
    }
    return levels;
  };
  tape.snapshot(changes(bids, BUY), changes(asks, SELL), { T: 1_000 });
  for (let timeMs = 1_010; timeMs < 3_000; timeMs += 10) {
    for (let n = prng.below(3); n > 0; n--) {
      const at = timeMs + prng.between(-15, 15);
      tape.trade(at, prng.chance(0.5) ? BUY : SELL, text(middle + prng.between(-8, 8)), qty());
    }
    middle += prng.between(-4, 4);
    if (prng.chance(0.02)) {
      for (const prices of [bids, asks]) prices.clear();
      tape.lose();
      tape.snapshot(changes(bids, BUY), changes(asks, SELL), { T: timeMs });
    } else tape.depth(timeMs, changes(bids, BUY), changes(asks, SELL));
  }
  return tape;
}

test('the recording: at each difference all levels, each trade whole', { skip }, async () => {
  const lines = gunzipSync(readFileSync(RECORDING)).toString('utf8').split('\n', 6_000);
  const path = join(folder, 'first.txt');
  writeFileSync(path, lines.join('\n'));
  const check = await binanceThroughEngine({ path });
  const { levels, levelsAgreed, trades, whole, rejects, flow } = check;
  assert.deepEqual([levelsAgreed, levels, trades, whole, rejects], [1_298_531, 1_298_531, 907, 907, 0]);
  assert.deepEqual(flow.counts, { messages: 6_000, others: 0, books: 484, gaps: 0, trades: 907, unseen: 51, skipped: 5, crossed: 0 });
  assert.equal(flow.messagesTotal, 28_767);
});
