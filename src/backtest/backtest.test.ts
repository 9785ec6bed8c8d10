// Our orders are real orders in the replayed book: queue position to the share, latency to the
// nanosecond, and the same run each time.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Tif } from '../book/types.ts';
import { plainInstrument } from '../exchange/config.ts';
import { generateEquityFlow } from '../recorded/equity_flow.ts';
import { EquityOrderFlow } from '../recorded/order_flow.ts';
import { RISK_LIMITS_DEFAULT } from '../trader/risk.ts';
import { createStrategy, strategyNamed } from '../trader/strategies/strategies.ts';
import { Backtest, MARKET_CLIENT, runBacktest, type BacktestLatency, type BacktestOptions } from './backtest.ts';
import { FlowMarket } from './flow_market.ts';
import { backtestPicture } from './picture.ts';
import { RecordedMarket } from './recorded_market.ts';
import { drawdown2, type BacktestResult } from './recorder.ts';
import { courseCsv, fillsCsv } from './tables.ts';
import type { Desk, Strategy } from '../trader/strategies/strategy.ts';

const folder = mkdtempSync(join(tmpdir(), 'outcry-backtest-'));
after(() => rmSync(folder, { recursive: true }));

const DATA = fileURLToPath(new URL('../../../shared/data/lobster', import.meta.url));
const DATA_MISSING = existsSync(DATA) ? false : `no recordings at ${DATA}`;
const S = 1_000_000_000;
const BID = 10_000;
const FAST: BacktestLatency = { feedNs: 1_000, orderNs: 1_000, responseNs: 1_000, jitterNs: 0 };
const BUY = 1;
const SELL = -1;

/** "34200 new 1 100 100.00 buy" */
function recording(name: string, lines: readonly string[]): string {
  const types: Record<string, number> = { new: 1, shrink: 2, delete: 3, trade: 4 };
  const rows = lines.map((line) => {
    const [time, type, id, size, price, side] = line.trim().split(/\s+/);
    return [time, types[type], id, size, Math.round(Number(price) * 10_000), side === 'buy' ? 1 : -1].join(',');
  });
  const path = join(folder, name);
  writeFileSync(path, `${rows.join('\n')}\n`);
  return path;
}

/** Sends one order when both sides are there. */
class OneOrder implements Strategy {
  readonly name = 'one order';
  readonly #side: number;
  readonly #priceTicks: number;
  readonly #qty: number;
  #sent = false;

  constructor(side: number, priceTicks: number, qty: number) {
    this.#side = side;
    this.#priceTicks = priceTicks;
    this.#qty = qty;
  }

  onMarketData(book: number, desk: Desk): void {
    if (this.#sent || !desk.features.known(book)) return;
    this.#sent = desk.order(book, this.#side, this.#priceTicks, this.#qty, Tif.Gtc) > 0;
  }
}

interface Run {
  readonly result: BacktestResult;
  readonly market: RecordedMarket;
}

async function run(path: string, strategy: Strategy, options: Partial<BacktestOptions> = {}): Promise<Run> {
  const market = new RecordedMarket({ messagesPath: path, ticker: 1, client: MARKET_CLIENT, decimals: 2 });
  const result = await runBacktest({
    source: market, instrument: plainInstrument(1), strategy: () => strategy, limits: () => RISK_LIMITS_DEFAULT,
    latency: FAST, ...options,
  });
  return { result, market };
}

const QUEUE = [
  '34200 new 1 100 100.00 buy',
  '34200 new 2 100 100.10 sell',
  '34201 new 3 50 100.00 buy', //    behind us, when we were quick
  '34202 trade 1 60 100.00 buy', //  100 before us
  '34203 trade 1 40 100.00 buy', //  none before us
  '34204 trade 3 30 100.00 buy', //  10 are ours, 20 theirs
  '34205 delete 3 20 100.00 buy',
  '34206 shrink 2 10 100.10 sell',
];

test('a bid trades when the queue before it is gone, not a share earlier', async () => {
  const { result, market } = await run(recording('queue.csv', QUEUE), new OneOrder(BUY, BID, 10));
  assert.deepEqual(
    result.fills.map(({ timeNs, side, priceTicks, qty, position }) => ({ timeNs, side, priceTicks, qty, position })),
    [{ timeNs: 34_204 * S + FAST.responseNs, side: BUY, priceTicks: BID, qty: 10, position: 10 }],
  );
  // The recording gave 30 to order 3, we took 10 of them, so 30 are left of it where 20 should be.
  assert.equal(market.counts.withdrawnQty, 10);
  assert.equal(market.counts.missedQty, 0);
  assert.equal(market.counts.rejects, 0);
  assert.equal(market.counts.messages, QUEUE.length);
});

test('an order that arrives later stands behind', async () => {
  const latency = { ...FAST, orderNs: 1.5 * S };
  const { result, market } = await run(recording('late.csv', QUEUE), new OneOrder(BUY, BID, 10), { latency });
  assert.deepEqual(result.fills, []);
  assert.equal(market.counts.withdrawnQty, 0);
});

test('news take their time: the order leaves when the feed has arrived, and arrives that much later', async () => {
  const lines = [...QUEUE.slice(0, 2), '34200.5 trade 1 100 100.00 buy', '34201 new 9 10 99.00 buy', '34202 new 10 1 98.00 buy'];
  // 0.3 s to hear of the book and 0.3 s back: behind the trade, before the order at 99.00.
  const latency = { feedNs: 0.3 * S, orderNs: 0.3 * S, responseNs: 0.1 * S, jitterNs: 0 };
  const { result } = await run(recording('news.csv', lines), new OneOrder(SELL, 9_900, 10), { latency });
  assert.deepEqual(result.fills.map(({ timeNs, priceTicks }) => [timeNs, priceTicks]), [[34_201.1 * S, 9_900]]);
});

test('what we take is gone: the recording finds less, and that is counted', async () => {
  const lines = [...QUEUE.slice(0, 2), '34202 trade 2 80 100.10 sell', '34203 delete 2 20 100.10 sell', '34204 new 5 1 99.00 buy'];
  const { result, market } = await run(recording('take.csv', lines), new OneOrder(BUY, 10_010, 30));
  assert.deepEqual(result.fills.map(({ qty, priceTicks }) => [qty, priceTicks]), [[30, 10_010]]);
  assert.equal(market.counts.missedQty, 30);
  // 70 were left: the recorded trade of 80 took them, the delete of 20 found nothing.
  assert.equal(market.counts.rejects, 0);
});

test('a recorded order that meets a better one of ours trades with it', async () => {
  const lines = [...QUEUE.slice(0, 2), '34201 new 7 40 100.05 sell', '34202 delete 7 40 100.05 sell', '34203 new 8 1 99 buy'];
  const { result, market } = await run(recording('cross.csv', lines), new OneOrder(BUY, 10_005, 25));
  assert.deepEqual(result.fills.map(({ qty, priceTicks, timeNs }) => [qty, priceTicks, timeNs]), [[25, 10_005, 34_201 * S + 1_000]]);
  assert.equal(market.counts.missedQty, 25);
});

test('profit, drawdown and mark-outs add up', async () => {
  const lines = [
    ...QUEUE.slice(0, 2), '34201 trade 1 100 100.00 buy', '34201 new 3 5 99.90 buy', '34203 trade 1 50 100.00 buy',
    '34204 new 4 5 99.98 buy', '34270 new 5 1 99.00 buy',
  ];
  const { result } = await run(recording('profit.csv', lines), new OneOrder(BUY, BID, 50));
  const { summary, fills } = result;
  assert.equal(summary.boughtQty, 50);
  assert.equal(summary.turnover, 5_000);
  // At the end the middle is (99.98 + 100.10) / 2 = 100.04: four ticks above what we paid.
  assert.equal(fills[0].markoutTicks[0], 4);
  assert.ok(Math.abs(summary.profit - 2) < 1e-9, `${summary.profit}`);
  assert.equal(summary.realised, 0);
  assert.equal(summary.position, 50);
  assert.equal(drawdown2([0, 10, 4, 12, 3, 9]), 9);
  assert.equal(drawdown2([-5, -2]), 5);
});

function marketMaker(options: Partial<BacktestOptions> = {}): Promise<BacktestResult> {
  const flow = new EquityOrderFlow(generateEquityFlow({ scenario: 'normal', orders: 3_000 }), { unitsPerTick: 5 });
  const definition = strategyNamed('market-maker');
  assert.ok(definition !== undefined);
  return runBacktest({
    source: new FlowMarket({ flow, ticker: 1, client: MARKET_CLIENT }),
    instrument: { ...plainInstrument(1), decimals: 3, tickSize: 5, minPrice: 5, maxPrice: 0x7fff_fffe - (0x7fff_fffe % 5) },
    strategy: (instruments) => createStrategy(definition, instruments, { half_spread: 20, price_update_threshold: 5 }),
    limits: () => RISK_LIMITS_DEFAULT, ...options,
  });
}

test('the same day is the same run, whatever the machine does meanwhile', async () => {
  const first = await marketMaker();
  const second = await marketMaker();
  assert.ok(first.fills.length > 20, `${first.fills.length} fills`);
  assert.equal(second.traceHash, first.traceHash);
  assert.equal(second.bookHash, first.bookHash);
  assert.deepEqual(second.fills, first.fills);
  assert.deepEqual(second.course, first.course);
  const slower = await marketMaker({ latency: { ...FAST, orderNs: 5_000_000 } });
  assert.notEqual(slower.traceHash, first.traceHash);
});

test('jitter comes from the seed', async () => {
  const latency = { ...FAST, jitterNs: 3_000_000 };
  const [one, again, other] = [await marketMaker({ latency, seed: 7 }), await marketMaker({ latency, seed: 7 }), await marketMaker({ latency, seed: 8 })];
  assert.equal(again.traceHash, one.traceHash);
  assert.notEqual(other.traceHash, one.traceHash);
});

test('tables and picture show every fill, and nothing that is not a number', async () => {
  const result = await marketMaker({ flatten: true });
  assert.equal(fillsCsv(result).trim().split('\n').length, result.fills.length + 1);
  assert.equal(courseCsv(result).trim().split('\n').length, result.course.timeNs.length + 1);
  const picture = backtestPicture(result);
  assert.doesNotMatch(picture, /NaN|Infinity|undefined/);
  const marks = picture.match(/class="(?:buy|sell)"/g) ?? [];
  assert.equal(marks.length, result.fills.length);
});

test('a strategy that fails ends the run with its own words', async () => {
  const broken: Strategy = {
    name: 'broken',
    onMarketData() {
      throw new Error('no such feature');
    },
  };
  await assert.rejects(run(recording('broken.csv', QUEUE), broken), /the strategy failed: no such feature/);
});

test('a price off the grid is said with its line', async () => {
  const path = recording('grid.csv', ['34200 new 1 100 100.005 buy']);
  await assert.rejects(run(path, new OneOrder(BUY, BID, 1)), /grid\.csv:1: expected a price that is a multiple of 100, was 1000050/);
});

/** Watches. */
const idle: Strategy = { name: 'idle', onMarketData() {} };

test('while we do nothing the exchange holds the recorded book, and nothing is missing', { skip: DATA_MISSING }, async () => {
  const messagesPath = join(DATA, 'AAPL_2012-06-21_34200000_57600000_message_10.csv');
  const bookPath = messagesPath.replace('_message_', '_orderbook_');
  const market = new RecordedMarket({ messagesPath, bookPath, ticker: 1, client: MARKET_CLIENT, decimals: 2 });
  const backtest = await Backtest.open({
    source: market, instrument: plainInstrument(1), strategy: () => idle, limits: () => RISK_LIMITS_DEFAULT, latency: FAST,
  });
  const result = await backtest.run();
  const { counts } = market;
  assert.deepEqual([counts.messages, counts.withdrawnQty, counts.missedQty, counts.rejects], [999, 0, 0, 0]);
  // The last row of the book file: ask price, ask size, bid price, bid size, and again, prices × 10,000.
  const row = readFileSync(bookPath, 'utf8').trim().split('\n').at(-1)!.split(',').map(Number);
  const levels = (first: number): string[] => Array.from({ length: 10 }, (_, i) => `${row[4 * i + first] / 100} ${row[4 * i + first + 1]}`);
  const depth = backtest.exchange.engine.depth(0, 10);
  const shown = (side: typeof depth.bids): string[] => side.map(({ price, qty }) => `${price} ${qty}`);
  assert.deepEqual(shown(depth.asks), levels(0));
  assert.deepEqual(shown(depth.bids), levels(2));
  assert.equal(result.bookHash, backtest.trader.view.publicHash().toString(16).padStart(16, '0'), 'and the trader sees the same');
  backtest.close();
});
