// The market of the instrument that is looked at: the newest message, its trades, and a price line of ten minutes.
// Plain data beside the signals, for it changes a thousand times a second: painters read it once a frame.
import { HISTORY_SECONDS, TRADES_MAX, type MarketMessage, type MarketTrade } from '../../src/observe/dashboard/messages.ts';

/** Between two points of the price line. */
export const PRICE_STEP_MS = 250;
const PRICE_POINTS_MAX = (HISTORY_SECONDS * 1000) / PRICE_STEP_MS;
/** Cut off at once, so that not every point moves the whole line. */
const PRICE_POINTS_SLACK = 200;

export class Market {
  /** null: nothing has come of this instrument. */
  newest: MarketMessage | null = null;
  /** Newest first, at most TRADES_MAX. */
  readonly trades: MarketTrade[] = [];
  /** The price line, for the chart: seconds since 1970, then prices in units of the instrument, null where there was none. */
  readonly times: number[] = [];
  readonly bids: (number | null)[] = [];
  readonly asks: (number | null)[] = [];
  readonly lasts: (number | null)[] = [];
  #lastId = -1;
  /** The next message tells of the past. */
  #pastComes = true;

  clear(): void {
    this.newest = null;
    this.trades.length = 0;
    this.#pastComes = true;
    for (const line of [this.times, this.bids, this.asks, this.lasts]) line.length = 0;
  }

  /** Another connection, perhaps another server, which counts trades anew: its first message has the past again. */
  reconnected(): void {
    this.#pastComes = true;
  }

  apply(message: MarketMessage): void {
    const past = this.#pastComes;
    this.#pastComes = false;
    if (past) {
      this.trades.length = 0;
      this.#lastId = -1;
    }
    this.newest = message;
    for (const trade of message.trades) {
      if (trade.id <= this.#lastId) continue;
      this.#lastId = trade.id;
      this.trades.unshift(trade);
      // The line may know that time already.
      if (past && trade.atMs > (this.times.at(-1) ?? 0) * 1000) this.#point(trade.atMs, null, null, trade.price);
    }
    if (this.trades.length > TRADES_MAX) this.trades.length = TRADES_MAX;
    this.#point(message.atMs, message.bids[0]?.[0] ?? null, message.asks[0]?.[0] ?? null, message.lastPrice);
  }

  /** A new point, or within a step the newer value of the last one. */
  #point(atMs: number, bid: number | null, ask: number | null, last: number | null): void {
    const step = Math.floor(atMs / PRICE_STEP_MS) * (PRICE_STEP_MS / 1000);
    const newest = this.times.length - 1;
    // A server whose clock went back goes on where the line is.
    const at = newest >= 0 && step <= this.times[newest] ? newest : newest + 1;
    if (at > newest) this.times.push(step);
    this.bids[at] = bid;
    this.asks[at] = ask;
    this.lasts[at] = last;
    if (this.times.length < PRICE_POINTS_MAX + PRICE_POINTS_SLACK) return;
    for (const line of [this.times, this.bids, this.asks, this.lasts]) line.splice(0, PRICE_POINTS_SLACK);
  }
}
