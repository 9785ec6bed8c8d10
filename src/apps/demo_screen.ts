// The demo's live view: a pure function from what is known to lines of text.
//
//   ┌ title, state of the feed, time ─────────────────────┐
//   │ orders quantity bar BID │ ASK bar quantity orders │   as many levels as the height allows
//   ├ spread, last trade ─────────────────────────────────┤
//   │ traders: quotes, position, profit, fills, latency   │   a line each, then the accounts
//   ├─────────────────────────────────────────────────────┤
//   │ rates, latency, feed health      │ trades, newest first │
//   └ how to end it ──────────────────────────────────────┘
//
// Every line has exactly `width` columns before colours are added, so lines never wrap and each
// frame overwrites the last one whole. All characters used are one column wide. A low terminal loses
// figures and trades first, then levels, then the traders; one narrower than WIDTH_MIN shows the left
// of the lines.
import {
  bar, clock, decimal, fit, percent, profitText, signed, span, sparkline, timeOfDay, whole,
} from './shown_text.ts';
import { pairText, profitStyle } from './trade_screen.ts';
import type { AccountsSummary } from './demo_traders.ts';
import type { LatencySummary } from './latency.ts';
import type { Paint, Style } from './terminal.ts';
import type { TradeStatus } from './trade_status.ts';

export interface LadderLevel {
  /** Wire units: 10^-priceDecimals. */
  readonly price: number;
  readonly qty: number;
  readonly orders: number;
}

export interface TapeTrade {
  /** Time of day in milliseconds. */
  readonly timeMs: number;
  /** The aggressor's: +1 or −1. */
  readonly side: number;
  readonly price: number;
  readonly qty: number;
}

export interface DemoView {
  readonly symbol: string;
  /** What flows: "recorded 2012-06-21, pass 3". */
  readonly source: string;
  readonly endpoint: string;
  /** Behind the last line, where there is room. */
  readonly hint: string;
  readonly elapsedMs: number;
  readonly feedState: string;
  readonly fresh: boolean;
  readonly priceDecimals: number;
  /** Best first. */
  readonly bids: readonly LadderLevel[];
  readonly asks: readonly LadderLevel[];
  readonly lastPrice: number | null;
  readonly requestsPerSecond: number;
  readonly requests: number;
  readonly tradesPerSecond: number;
  readonly trades: number;
  readonly updatesPerSecond: number;
  readonly updates: number;
  readonly restingOrders: number;
  /** Requests a second, oldest first. */
  readonly requestRates: readonly number[];
  readonly latency: LatencySummary;
  readonly sequence: number;
  readonly gaps: number;
  readonly requested: number;
  readonly recovered: number;
  readonly duplicates: number;
  readonly snapshots: number;
  readonly dropped: number;
  /** Newest first. */
  readonly tape: readonly TapeTrade[];
  readonly traders: readonly TradeStatus[];
  readonly accounts: AccountsSummary;
  /** What a person opens in a browser; '': nothing, or not yet. */
  readonly dashboard: string;
}

export const WIDTH_MIN = 60;
const WIDTH_MAX = 160;
const LEVELS_MIN = 3;
const LEVELS_MAX = 30;
const PANEL_ROWS = 8;
/** With fewer there is no room for traders and book. */
const ROWS_WITH_TRADERS_MIN = 14;
/** Narrower figures stand closer together. */
const ROOMY_COLUMNS = 40;
/** Narrower tapes have no times. */
const TIMED_TAPE_COLUMNS = 28;
/** Title, heading, spread, rule, panel, footer: all but the ladder. */
const OTHER_ROWS = 5 + PANEL_ROWS;

/** The whole view, at most `rows` lines. */
export function renderView(view: DemoView, columns: number, rows: number, paint: Paint): string[] {
  const width = Math.min(Math.max(columns, WIDTH_MIN), WIDTH_MAX);
  const shown = rows >= ROWS_WITH_TRADERS_MIN ? traderPanel(view, width, paint) : [];
  const others = OTHER_ROWS + shown.length;
  const levels = Math.min(Math.max(rows - others, LEVELS_MIN), LEVELS_MAX);
  const panelRows = Math.max(0, rows - (others - PANEL_ROWS) - levels);
  // Whole, so that a terminal can open it.
  const footer = view.dashboard === ''
    ? ` Ctrl-C ends it and compares books and accounts${view.hint}` : ` ${view.dashboard}  Ctrl-C ends it${view.hint}`;
  return [
    title(view, width, paint),
    ...ladder(view, width, levels, paint),
    middle(view, width, paint),
    paint('dim', '─'.repeat(width)),
    ...shown,
    ...panels(view, width, panelRows, paint),
    paint('dim', fit(footer, width)),
  ].slice(0, rows);
}

function title(view: DemoView, width: number, paint: Paint): string {
  const state = `${view.fresh ? '●' : '○'} ${view.feedState}`;
  const right = `${state}  ${clock(view.elapsedMs)} `;
  const left = ` OUTCRY  ${view.symbol}  ${view.source}`;
  const room = width - right.length;
  const endpoint = `${view.endpoint}   `;
  const middleRoom = room - left.length - 2;
  const body = middleRoom >= endpoint.length ? left.padEnd(room - endpoint.length) + endpoint : fit(
    left, room,
  );
  return paint('title', body + right);
}

function ladder(view: DemoView, width: number, levels: number, paint: Paint): string[] {
  const half = Math.floor((width - 3) / 2);
  const lines = [
    paint(
      'heading',
      fit(`${'orders'.padStart(7)}${'quantity'.padStart(9)}${'BID'.padStart(half - 16)}`, half),
    ) +
      paint('dim', ' │ ') +
      paint('heading', fit(
        `${'ASK'.padEnd(width - half - 19)}${'quantity'.padStart(9)}${'orders'.padStart(7)}`,
        width - half - 3,
      )),
  ];
  let most = 1;
  for (let i = 0; i < levels; i++) {
    most = Math.max(most, view.bids[i]?.qty ?? 0, view.asks[i]?.qty ?? 0);
  }
  const faded = (style: Style): Style => (view.fresh ? style : 'dim');
  for (let i = 0; i < levels; i++) {
    const bid = view.bids[i];
    const ask = view.asks[i];
    lines.push(
      bidSide(bid, view.priceDecimals, half, most, faded('bid'), i === 0, paint) +
        paint('dim', ' │ ') +
        askSide(ask, view.priceDecimals, width - half - 3, most, faded('ask'), i === 0, paint),
    );
  }
  return lines;
}

const PRICE_COLUMNS = 10;

function bidSide(
  level: LadderLevel | undefined, decimals: number, width: number, most: number, style: Style,
  best: boolean, paint: Paint,
): string {
  if (level === undefined) return ' '.repeat(width);
  const counts = `${whole(level.orders).padStart(7)}${whole(level.qty).padStart(9)} `;
  const price = decimal(level.price, decimals).padStart(PRICE_COLUMNS);
  const room = width - counts.length - price.length;
  const blocks = '█'.repeat(Math.round((level.qty / most) * room)).padStart(room);
  return counts + paint(style, blocks) + paint(best ? 'strong' : style, price);
}

function askSide(
  level: LadderLevel | undefined, decimals: number, width: number, most: number, style: Style,
  best: boolean, paint: Paint,
): string {
  if (level === undefined) return ' '.repeat(width);
  const counts = `${whole(level.qty).padStart(9)}${whole(level.orders).padStart(7)}`;
  const price = decimal(level.price, decimals).padEnd(PRICE_COLUMNS);
  const room = width - counts.length - price.length;
  return paint(best ? 'strong' : style, price) + paint(
    style, bar((level.qty / most) * room).padEnd(room),
  ) + counts;
}

function middle(view: DemoView, width: number, paint: Paint): string {
  const bid = view.bids[0];
  const ask = view.asks[0];
  const parts: string[] = [];
  if (!view.fresh) parts.push(`the book is behind (${view.feedState}): not to be traded on`);
  else if (bid !== undefined && ask !== undefined) {
    parts.push(`spread ${decimal(ask.price - bid.price, view.priceDecimals)}`);
    // The mid is kept as bid + ask; half of it needs one decimal more.
    parts.push(`mid ${decimal((bid.price + ask.price) * 5, view.priceDecimals + 1)}`);
  } else parts.push('one side of the book is empty');
  if (view.lastPrice !== null) parts.push(`last ${decimal(view.lastPrice, view.priceDecimals)}`);
  parts.push(`${whole(view.restingOrders)} orders resting`);
  const text = parts.join('   ');
  const gap = Math.max(0, Math.floor((width - text.length) / 2));
  return paint(view.fresh ? 'strong' : 'bad', fit(' '.repeat(gap) + text, width));
}

const TRADER_COLUMNS = 17;
const QUOTE_COLUMNS = 20;
const POSITION_COLUMNS = 9;
const PROFIT_COLUMNS = 13;
const TRADED_COLUMNS = 7;
const FIXED_COLUMNS = 1 + TRADER_COLUMNS + QUOTE_COLUMNS + POSITION_COLUMNS + PROFIT_COLUMNS;
/** Share of orders and median; less leaves both out. */
const SHARE_COLUMNS = TRADED_COLUMNS + 13;
/** Wider views show the 99th percentile of tick to trade, too. */
const QUANTILES_COLUMNS = SHARE_COLUMNS + 13;

/** Heading, a line a trader, the accounts, a rule. */
function traderPanel(view: DemoView, width: number, paint: Paint): string[] {
  const heading = ` ${'trader'.padEnd(TRADER_COLUMNS)}${'quotes'.padEnd(QUOTE_COLUMNS)}` +
    `${'position'.padStart(POSITION_COLUMNS)}${'profit'.padStart(PROFIT_COLUMNS)}`;
  const share = width - FIXED_COLUMNS >= SHARE_COLUMNS
    ? `${'traded'.padStart(TRADED_COLUMNS)}  tick → trade` : '';
  return [
    paint('heading', fit(heading + share, width)),
    ...view.traders.map((trader) => traderLine(trader, width, paint)),
    accountsLine(view.accounts, view.priceDecimals, width, paint),
    paint('dim', '─'.repeat(width)),
  ];
}

function traderLine(trader: TradeStatus, width: number, paint: Paint): string {
  const [book] = trader.books;
  const profit = profitText(trader.pnl2, trader.moneyDecimals);
  const resting = book.bid === null && book.ask === null && trader.state !== 'running';
  const quotes = resting ? trader.state : pairText(book.bid, book.ask, book);
  return ` ${fit(trader.strategy, TRADER_COLUMNS - 1)} ` +
    paint('strong', fit(quotes, QUOTE_COLUMNS - 1)) +
    ` ${signed(book.position).padStart(POSITION_COLUMNS)}` +
    paint(profitStyle(trader.pnl2), profit.padStart(PROFIT_COLUMNS)) +
    fit(shareText(trader, width - FIXED_COLUMNS), width - FIXED_COLUMNS);
}

function shareText({ fillRatePercent, tickToTradeNow: latency }: TradeStatus, room: number): string {
  if (room < SHARE_COLUMNS) return '';
  const share = percent(fillRatePercent).padStart(TRADED_COLUMNS);
  if (latency.count === 0) return `${share}  –`;
  const p99 = room >= QUANTILES_COLUMNS ? `  p99 ${span(latency.p99Ns)}` : '';
  return `${share}  p50 ${span(latency.p50Ns)}${p99}`;
}

function accountsLine(
  accounts: AccountsSummary, decimals: number, width: number, paint: Paint,
): string {
  if (accounts.difference !== '') return paint('bad', fit(` ${accounts.difference}`, width));
  const sums = `position ${whole(accounts.position)}, cash ${decimal(accounts.cash, decimals)}`;
  const compared = `${whole(accounts.compared)} views agree with the exchange`;
  const text = ` all accounts: ${sums}; ${compared}`;
  return paint('good', fit(text, width));
}

function panels(view: DemoView, width: number, rows: number, paint: Paint): string[] {
  const tapeWidth = Math.max(24, Math.min(34, Math.floor(width * 0.38)));
  const statsWidth = width - tapeWidth - 3;
  const stats = statistics(view, statsWidth, paint);
  const tape = [paint('heading', fit('trades', tapeWidth))];
  for (const trade of view.tape) tape.push(tapeLine(trade, view.priceDecimals, tapeWidth, paint));
  const lines: string[] = [];
  for (let i = 0; i < rows; i++) {
    lines.push((stats[i] ?? ' '.repeat(statsWidth)) + paint(
      'dim', ' │ ',
    ) + (tape[i] ?? ' '.repeat(tapeWidth)));
  }
  return lines;
}

function statistics(view: DemoView, width: number, paint: Paint): string[] {
  const rate = (label: string, perSecond: number, total: number): string =>
    ` ${label.padEnd(8)}${whole(perSecond).padStart(10)}/s${whole(total).padStart(14)}`;
  const requests = rate('requests', view.requestsPerSecond, view.requests);
  const latency = view.latency;
  const troubled = view.gaps + view.dropped > 0;
  const gap = width < ROOMY_COLUMNS ? ' ' : '  ';
  const quantiles = [
    `p50 ${span(latency.p50Ns)}`, `p90 ${span(latency.p90Ns)}`, `p99 ${span(latency.p99Ns)}`,
  ];
  const feed = [
    whole(view.sequence), `duplicates ${whole(view.duplicates)}`,
    `snapshots ${whole(view.snapshots)}`,
  ];
  const health = [
    `gaps ${whole(view.gaps)}`, `asked again ${whole(view.requested)}`,
    `lost ${whole(view.dropped)}`,
  ];
  return [
    fit(requests, width - sparkRoom(width, requests)) +
      paint('heading', sparkline(view.requestRates, sparkRoom(width, requests))),
    fit(rate('trades', view.tradesPerSecond, view.trades), width),
    fit(rate('updates', view.updatesPerSecond, view.updates), width),
    paint('dim', fit(' order → acknowledgement', width)),
    paint('strong', fit(` ${quantiles.join(gap)}`, width)),
    fit(` p99.9 ${span(latency.p999Ns)}${gap}max ${span(latency.maxNs)}`, width),
    fit(` feed at ${feed.join(gap)}`, width),
    paint(troubled ? 'bad' : 'good', fit(` ${health.join(gap)}`, width)),
  ];
}

function sparkRoom(width: number, text: string): number {
  return Math.max(0, width - text.length - 1);
}

function tapeLine(trade: TapeTrade, decimals: number, width: number, paint: Paint): string {
  const arrow = trade.side > 0 ? '▲' : '▼';
  const price = decimal(trade.price, decimals);
  const time = width < TIMED_TAPE_COLUMNS ? '' : `${timeOfDay(trade.timeMs)} `;
  const text = `${time}${arrow}${whole(trade.qty).padStart(6)} @ ${price}`;
  return paint(trade.side > 0 ? 'bid' : 'ask', fit(text, width));
}
