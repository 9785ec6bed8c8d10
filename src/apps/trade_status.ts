// What a running trader is like, as plain data: for its own screen, for a parent process, for
// `--json`. Prices are in ticks of their instrument, money in units of 10^-moneyDecimals, profit
// doubled (`…2`) so that it stays whole.
import { REASON_TEXT, Reason, Side } from '../book/types.ts';
import { FeedState } from '../trader/feed_handler.ts';
import { PRICE_TICKS_NONE } from '../trader/instruments.ts';
import { RISK_REASON_TEXT } from '../trader/risk.ts';
import { RUNNER_STATE_TEXT } from '../trader/strategy_runner.ts';
import { TickProfile } from '../trader/tick_profile.ts';
import { latencySummary } from './latency.ts';
import type { LatencySummary } from './latency.ts';
import type { TickProfileSummary } from '../trader/tick_profile.ts';
import type { Trader } from '../trader/trader.ts';

/** A quote of ours or of the market. */
export interface QuoteStatus {
  readonly ticks: number;
  readonly qty: number;
}

export interface BookStatus {
  readonly ticker: number;
  readonly symbol: string;
  readonly decimals: number;
  readonly tickUnits: number;
  /** Ours; null: none. */
  readonly bid: QuoteStatus | null;
  readonly ask: QuoteStatus | null;
  /** The market's best. */
  readonly bestBid: QuoteStatus | null;
  readonly bestAsk: QuoteStatus | null;
  readonly position: number;
  /** Price units × quantity. */
  readonly cash: number;
  readonly volume: number;
  readonly fills: number;
  /** Of the portfolio's money, doubled. null: no price is known that the position could be valued with. */
  readonly realised2: number;
  readonly unrealised2: number | null;
}

export interface TradeStatus {
  readonly strategy: string;
  readonly client: number;
  /** running, paused, … */
  readonly state: string;
  readonly session: string;
  readonly feed: string;
  readonly fresh: boolean;
  /** Why there is no session, or what the strategy threw; '' while all is well. */
  readonly trouble: string;
  /** Of the last response taken in. */
  readonly sequence: number;
  readonly books: readonly BookStatus[];
  readonly moneyDecimals: number;
  /** Over all instruments, doubled; null while that of one is unknown. */
  readonly pnl2: number | null;
  readonly ordersSent: number;
  readonly ordersOpen: number;
  readonly cancels: number;
  readonly modifies: number;
  readonly fills: number;
  readonly filledQty: number;
  /** Share of the orders sent that have traded. */
  readonly fillRatePercent: number;
  /**
   * Refused by the exchange; of cancels and moves that came after their order had ended; and what
   * our own checks refused before it was sent.
   */
  readonly rejected: number;
  readonly tooLate: number;
  readonly refused: number;
  /** The same by reason, most frequent first. */
  readonly rejectedBy: Readonly<Record<string, number>>;
  readonly refusedBy: Readonly<Record<string, number>>;
  /** What keeps it from trading until somebody does something, in sentences; empty while nothing does. */
  readonly standsStill: readonly string[];
  readonly marketTrades: number;
  readonly feedMessages: number;
  readonly gaps: number;
  readonly sessions: number;
  /** Requests sent, and all of them as one number. */
  readonly decisions: number;
  readonly traceHash: string;
  /** Since the start. */
  readonly tickToTrade: LatencySummary;
  /** Of the last full window, or what there is. */
  readonly tickToTradeNow: LatencySummary;
}

/** Shown latencies are those of the last full window. */
const WINDOW_MS = 2_000;

/** Looks at a trader now and then; between two looks only the trader's own counters are written. */
export class TradeMonitor {
  readonly #trader: Trader;
  readonly #total = new TickProfile();
  #windowMs = -1;
  #shown: LatencySummary | null = null;

  constructor(trader: Trader) {
    this.#trader = trader;
  }

  look(nowMs: number): TradeStatus {
    this.#advance(nowMs);
    const { profile } = this.#trader;
    const total = new TickProfile();
    total.merge(this.#total);
    total.merge(profile);
    return statusOf(
      this.#trader, latencySummary(total.orderTx),
      this.#shown ?? latencySummary(profile.orderTx),
    );
  }

  /** Stage by stage, since the start. */
  stages(): TickProfileSummary {
    const total = new TickProfile();
    total.merge(this.#total);
    total.merge(this.#trader.profile);
    return total.summary();
  }

  #advance(nowMs: number): void {
    if (this.#windowMs < 0) this.#windowMs = nowMs;
    if (nowMs - this.#windowMs < WINDOW_MS) return;
    const { profile } = this.#trader;
    this.#windowMs = nowMs;
    this.#shown = latencySummary(profile.orderTx);
    this.#total.merge(profile);
    profile.reset();
  }
}

function statusOf(trader: Trader, total: LatencySummary, now: LatencySummary): TradeStatus {
  const { runner, session, feed, instruments } = trader;
  const { positions } = runner;
  const { rejects } = session;
  const tooLate = tooLateOf(rejects);
  return {
    strategy: runner.strategy?.name ?? '',
    client: session.entry.client,
    state: RUNNER_STATE_TEXT[runner.state],
    session: trader.sessionText,
    feed: trader.feedText,
    fresh: feed.fresh,
    trouble: runner.fault === null ? session.reason : `the strategy failed: ${textOf(runner.fault)}`,
    sequence: session.entry.nextSequence - 1,
    books: instruments.list.map((_, book) => bookStatus(trader, book)),
    moneyDecimals: instruments.portfolioDecimals,
    pnl2: positions.totalsKnown ? positions.totalPnl2() : null,
    ordersSent: session.newOrders,
    ordersOpen: runner.orders.liveOrders,
    cancels: session.cancels,
    modifies: session.modifies,
    fills: trader.fills,
    filledQty: trader.filledQty,
    fillRatePercent: trader.fillRatePercent,
    rejected: sum(session.rejects) - tooLate,
    tooLate,
    refused: sum(runner.refused),
    rejectedBy: countsBy(rejects, REJECT_TEXT, NO_REJECT),
    refusedBy: countsBy(runner.refused, OWN_TEXT, NO_REFUSAL),
    standsStill: standsStill(trader),
    marketTrades: trader.trades,
    feedMessages: feed.applied,
    gaps: feed.gaps,
    sessions: session.sessions,
    decisions: runner.decisions,
    traceHash: runner.traceHash,
    tickToTrade: total,
    tickToTradeNow: now,
  };
}

/** Answers to cancels and moves that came after their order had ended; on `sequenced` they have no code. */
export function tooLateOf(rejects: ArrayLike<number>): number {
  return rejects[Reason.UnknownOrder] + rejects[Reason.TooLate] + rejects[Reason.None];
}

const REJECT_TEXT = REASON_TEXT;
const OWN_TEXT: Readonly<Record<number, string>> = { ...REASON_TEXT, ...RISK_REASON_TEXT };
/** Answers to cancels and moves that came too late are no refusals. */
const NO_REJECT: readonly number[] = [Reason.None, Reason.UnknownOrder, Reason.TooLate];
const NO_REFUSAL: readonly number[] = [Reason.None];

/** Counts by name, most frequent first. */
function countsBy(
  counts: ArrayLike<number>, names: Readonly<Record<number, string>>, without: readonly number[],
): Record<string, number> {
  return Object.fromEntries(
    Array.from(counts, (count, code) => [names[code] ?? `reason ${code}`, count, code] as const)
      .filter(([, count, code]) => count > 0 && !without.includes(code))
      .toSorted(([, one], [, other]) => other - one)
      .map(([name, count]) => [name, count]),
  );
}

/** What holds now: a refusal of the exchange until it takes an order again, own limits while they do. */
export function standsStill({ runner, session, feed, instruments }: Trader): string[] {
  const { client } = session.entry;
  const where = (holds: (book: number) => boolean): string =>
    instruments.list.filter((_, book) => holds(book)).map(({ symbol }) => symbol).join(', ');
  const unknown = instruments.list.filter((_, book) => session.refusedFor(book) === Reason.UnknownTicker);
  const closed = where((book) => session.refusedFor(book) === Reason.State);
  const lost = where((book) => runner.risk.lossReached(book));
  return [
    ...(feed.state === FeedState.Joining && feed.silent && session.sessions > 0 ? [
      'nothing has come of the feed: its group, port and layout stand in what outcry exchange says when it starts ("feed"); ' +
        'name them with --multicast-addr, --multicast-port, --feed, and the address that it comes in by with --interface',
    ] : []),
    ...(unknown.length === 0 ? [] : [
      `the exchange does not have ticker ${unknown.map(({ ticker }) => ticker).join(', ')}: name its own with -t`,
    ]),
    ...(session.lockedOut ? [
      `the exchange has locked client ${client} out: outcry ctl reset --client ${client} lets it trade again`,
    ] : []),
    ...(closed === '' ? [] : [
      `the exchange takes no orders in ${closed}: halted or closed, until its operator opens it (outcry ctl open)`,
    ]),
    ...(runner.risk.stopLossHit ? ['the stop loss is reached: all orders are cancelled, none is sent'] : []),
    ...(lost === '' ? [] : [
      `the loss limit of ${lost} is reached: own checks refuse what does not reduce the position`,
    ]),
  ];
}

export function bookStatus(trader: Trader, book: number): BookStatus {
  const { runner, instruments } = trader;
  const { positions, features } = runner;
  const { ticker, symbol, decimals, tickUnits } = instruments.list[book];
  const money = instruments.moneyPerTick[book];
  return {
    ticker, symbol, decimals, tickUnits,
    bid: quoteOf(runner.quoteTicks(book, Side.Buy), runner.quoteQty(book, Side.Buy)),
    ask: quoteOf(runner.quoteTicks(book, Side.Sell), runner.quoteQty(book, Side.Sell)),
    bestBid: quoteOf(features.bidTicks(book), features.bidQty(book)),
    bestAsk: quoteOf(features.askTicks(book), features.askQty(book)),
    position: positions.position(book),
    cash: positions.cash(book) * tickUnits,
    volume: positions.volume(book),
    fills: positions.fills(book),
    realised2: positions.realised2(book) * money,
    unrealised2: positions.known(book) ? positions.unrealised2(book) * money : null,
  };
}

function quoteOf(ticks: number, qty: number): QuoteStatus | null {
  return ticks === PRICE_TICKS_NONE || qty === 0 ? null : { ticks, qty };
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
