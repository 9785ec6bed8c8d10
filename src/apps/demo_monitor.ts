// What the demo's view and its summary know: counts, rates, the latest trades, latency of the last
// seconds. `look` is called a few times a second; between two looks only counters and the ring of
// trades are written.
import { Histogram } from '../base/histogram.ts';
import { FEED_STATE_TEXT } from '../trader/feed_handler.ts';
import { latencySummary } from './latency.ts';
import { two, whole } from './shown_text.ts';
import type { DepthLevel } from '../book/types.ts';
import type { MarketView } from '../book/market_view.ts';
import type { FeedHandler, FeedListener } from '../trader/feed_handler.ts';
import type { FlowDriver } from './flow_driver.ts';
import type { FlowSource } from './demo_source.ts';
import type { AccountCheck, DemoTraders } from './demo_traders.ts';
import type { LatencySummary } from './latency.ts';
import type { DashboardProcess } from './demo_process.ts';
import type { DemoView, LadderLevel, TapeTrade } from './demo_screen.ts';

/** A power of two; more than any terminal shows. */
const TAPE_SLOTS = 64;
/** Columns of the little chart. */
const RATES_MAX = 120;
const RATE_WINDOW_MS = 1_000;
/** Shown latencies are those of the last full window. */
const LATENCY_WINDOW_MS = 2_000;

/** Rate of a counter over about the last second. */
class Rate {
  perSecond = 0;
  readonly #times: number[] = [];
  readonly #values: number[] = [];

  update(nowMs: number, value: number): void {
    this.#times.push(nowMs);
    this.#values.push(value);
    while (this.#times.length > 2 && nowMs - this.#times[1] >= RATE_WINDOW_MS) {
      this.#times.shift();
      this.#values.shift();
    }
    const elapsedMs = nowMs - this.#times[0];
    this.perSecond = elapsedMs > 0 ? ((value - this.#values[0]) * 1000) / elapsedMs : 0;
  }
}

export interface MonitorParts {
  readonly source: FlowSource;
  readonly speed: number;
  readonly endpoint: string;
  readonly view: MarketView;
  readonly feed: FeedHandler;
  readonly driver: FlowDriver;
  readonly traders: Pick<DemoTraders, 'statuses'>;
  readonly accounts: Pick<AccountCheck, 'summary'>;
  /** null: there is none. */
  readonly dashboard: Pick<DashboardProcess, 'link'> | null;
}

export class DemoMonitor implements FeedListener {
  trades = 0;
  /** Of the whole run, as far as it has been looked at. */
  readonly latency = new Histogram();
  readonly #tapePrice = new Int32Array(TAPE_SLOTS);
  readonly #tapeQty = new Uint32Array(TAPE_SLOTS);
  readonly #tapeSide = new Int8Array(TAPE_SLOTS);
  readonly #tapeTime = new Float64Array(TAPE_SLOTS);
  readonly #requests = new Rate();
  readonly #updates = new Rate();
  readonly #trades = new Rate();
  readonly #rates: number[] = [];
  #wallMs = Date.now();
  #startMs = -1;
  #rateAtMs = 0;
  #requestsAtRate = 0;
  #latencyAtMs = 0;
  #shown: LatencySummary | null = null;

  onUpdate(): void {}

  onState(): void {}

  onTrade(_book: number, side: number, price: number, qty: number): void {
    const slot = this.trades++ & (TAPE_SLOTS - 1);
    this.#tapePrice[slot] = price;
    this.#tapeQty[slot] = qty;
    this.#tapeSide[slot] = side;
    this.#tapeTime[slot] = this.#wallMs;
  }

  /** The state of everything at `nowMs` (any clock's), with `levels` of the book. */
  look(parts: MonitorParts, nowMs: number, levels: number): DemoView {
    const { source, feed, driver, view } = parts;
    this.#wallMs = Date.now();
    this.#advance(driver, nowMs);
    this.#requests.update(nowMs, driver.requests);
    this.#updates.update(nowMs, feed.applied);
    this.#trades.update(nowMs, this.trades);
    const depth = view.depth(0, levels);
    const ladder = (side: readonly DepthLevel[]): LadderLevel[] =>
      side.map(
        ({ price, qty, orders }) => ({ price: price * source.tickSize, qty: Number(qty), orders }),
      );
    const tape = this.#tape(source.tickSize);
    return {
      symbol: source.symbol,
      source: `${source.description}${pace(parts)}`,
      endpoint: parts.endpoint,
      hint: parts.speed === Infinity ? '' : '; faster: --speed max',
      elapsedMs: nowMs - this.#startMs,
      feedState: FEED_STATE_TEXT[feed.state],
      fresh: feed.fresh,
      priceDecimals: source.decimals,
      bids: ladder(depth.bids),
      asks: ladder(depth.asks),
      lastPrice: tape[0]?.price ?? null,
      requestsPerSecond: this.#requests.perSecond,
      requests: driver.requests,
      tradesPerSecond: this.#trades.perSecond,
      trades: this.trades,
      updatesPerSecond: this.#updates.perSecond,
      updates: feed.applied,
      restingOrders: view.ordersLive,
      requestRates: this.#rates,
      latency: this.#shown ?? latencySummary(driver.latency),
      sequence: feed.nextSequence - 1,
      gaps: feed.gaps,
      requested: feed.requested,
      recovered: feed.recovered,
      duplicates: feed.duplicates,
      snapshots: feed.snapshots,
      dropped: feed.dropped,
      tape,
      traders: parts.traders.statuses,
      accounts: parts.accounts.summary,
      dashboard: parts.dashboard?.link ?? '',
    };
  }

  /** Latency of the whole run, the last moments included. Call it once, at the end. */
  finish(driver: FlowDriver): LatencySummary {
    this.latency.merge(driver.latency);
    driver.latency.reset();
    return latencySummary(this.latency);
  }

  #advance(driver: FlowDriver, nowMs: number): void {
    if (this.#startMs < 0) this.#startMs = this.#rateAtMs = this.#latencyAtMs = nowMs;
    if (nowMs - this.#rateAtMs >= RATE_WINDOW_MS) {
      this.#rates.push(
        ((driver.requests - this.#requestsAtRate) * 1000) / (nowMs - this.#rateAtMs),
      );
      if (this.#rates.length > RATES_MAX) this.#rates.shift();
      this.#rateAtMs = nowMs;
      this.#requestsAtRate = driver.requests;
    }
    if (nowMs - this.#latencyAtMs >= LATENCY_WINDOW_MS) {
      this.#shown = latencySummary(driver.latency);
      this.latency.merge(driver.latency);
      driver.latency.reset();
      this.#latencyAtMs = nowMs;
    }
  }

  /** Newest first. */
  #tape(tickSize: number): TapeTrade[] {
    const tape: TapeTrade[] = [];
    for (let n = this.trades - 1; n >= Math.max(0, this.trades - TAPE_SLOTS); n--) {
      const slot = n & (TAPE_SLOTS - 1);
      tape.push({
        timeMs: this.#tapeTime[slot],
        side: this.#tapeSide[slot],
        price: this.#tapePrice[slot] * tickSize,
        qty: this.#tapeQty[slot],
      });
    }
    return tape;
  }
}

/** How the flow runs: "10:31:07 ×2,000, pass 3". */
function pace({ source, speed, driver }: MonitorParts): string {
  const times = speed === Infinity ? 'full speed' : `×${speed < 10 ? speed : whole(speed)}`;
  const seconds = Math.floor(driver.recordedNs / 1e9);
  const minutes = Math.floor(seconds / 60);
  const clock = `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}`;
  return `${source.timeOfDay ? ` ${clock}` : ''} ${times}, pass ${driver.passes}`;
}
