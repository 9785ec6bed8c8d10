// What `outcry trade` shows: a pure function from a trader's status to lines of text, and its plain
// lines and summary where nobody looks.
//
//   ┌ title, state of the feed, time ───────────────────────────────────────┐
//   │ symbol, market, our quotes, position, profit: a line an instrument    │  as many as fit
//   ├───────────────────────────────────────────────────────────────────────┤
//   │ profit, orders, tick to trade, feed          │ fills, newest first    │
//   └ how to end it ────────────────────────────────────────────────────────┘
//
// Every line has exactly `width` columns before colours are added.
import { clock, counted, decimal, fit, moneyText, percent, profitText, signed, span, timeOfDay, whole } from './shown_text.ts';
import type { LatencySummary } from './latency.ts';
import type { Paint } from './terminal.ts';
import type { BookStatus, QuoteStatus, TradeStatus } from './trade_status.ts';

/** A fill as the screen lists it. */
export interface ShownFill {
  /** Time of day in milliseconds. */
  readonly timeMs: number;
  /** Ours: +1 bought, −1 sold. */
  readonly side: number;
  readonly symbol: string;
  /** Exact decimal. */
  readonly price: string;
  readonly qty: number;
}

export interface TradeView {
  readonly status: TradeStatus;
  readonly endpoint: string;
  readonly elapsedMs: number;
  /** Newest first. */
  readonly fills: readonly ShownFill[];
  /** Something that has just happened; '' mostly. */
  readonly notice: string;
}

const WIDTH_MIN = 60;
const WIDTH_MAX = 140;
const SYMBOL_COLUMNS = 9;
const POSITION_COLUMNS = 10;
const PROFIT_COLUMNS = 12;
const FILL_COLUMNS = 34;
/** Title, heading, rule, footer. */
const FRAME_ROWS = 4;
const PANEL_ROWS = 9;
/** Reasons in a row of the summary: so many fit in 80 columns. */
const REASONS_SHOWN = 3;

export function renderTrade(
  view: TradeView, columns: number, rows: number, paint: Paint,
): string[] {
  const width = Math.min(Math.max(columns, WIDTH_MIN), WIDTH_MAX);
  const room = Math.max(1, rows - FRAME_ROWS - PANEL_ROWS);
  const shown = view.status.books.slice(0, room);
  const panelRows = Math.max(0, rows - FRAME_ROWS - shown.length);
  return [
    title(view, width, paint),
    paint('heading', fit(headings(width), width)),
    ...shown.map((book) => bookLine(book, view, width, paint)),
    paint('dim', '─'.repeat(width)),
    ...panel(view, width, panelRows, paint),
    view.notice === ''
      ? paint('dim', fit(' Ctrl-C cancels its orders, waits for the answers and ends', width))
      : paint('strong', fit(` ${view.notice}`, width)),
  ].slice(0, rows);
}

function title({ status, endpoint, elapsedMs }: TradeView, width: number, paint: Paint): string {
  const live = status.fresh && status.session === 'ready';
  const right = `${live ? '●' : '○'} ${healthText(status)}  ${clock(elapsedMs)} `;
  const left = ` OUTCRY  ${status.strategy}  client ${status.client}  ${endpoint}`;
  return paint('title', fit(left, width - right.length) + right);
}

/** What keeps it from trading, the nearest cause first; else what it does. */
function healthText(status: TradeStatus): string {
  if (status.session !== 'ready') return status.session;
  return status.fresh ? status.state : `feed ${status.feed}`;
}

function quoteColumns(width: number): number {
  const rest = width - 1 - SYMBOL_COLUMNS - POSITION_COLUMNS - PROFIT_COLUMNS;
  return Math.floor(rest / 2);
}

function headings(width: number): string {
  const quotes = quoteColumns(width);
  return ` ${'symbol'.padEnd(SYMBOL_COLUMNS)}${'market'.padEnd(quotes)}${'our quotes'.padEnd(quotes)}` +
    `${'position'.padStart(POSITION_COLUMNS)}${'profit'.padStart(PROFIT_COLUMNS)}`;
}

function bookLine(book: BookStatus, view: TradeView, width: number, paint: Paint): string {
  const { fresh, moneyDecimals } = view.status;
  const quotes = quoteColumns(width);
  const profit2 = book.unrealised2 === null ? null : book.realised2 + book.unrealised2;
  const used = 1 + SYMBOL_COLUMNS + 2 * quotes + POSITION_COLUMNS + PROFIT_COLUMNS;
  return ` ${fit(book.symbol, SYMBOL_COLUMNS - 1)} ` +
    paint(fresh ? 'strong' : 'dim', fit(pairText(book.bestBid, book.bestAsk, book), quotes)) +
    fit(pairText(book.bid, book.ask, book), quotes) +
    signed(book.position).padStart(POSITION_COLUMNS) +
    paint(profitStyle(profit2), profitText(profit2, moneyDecimals).padStart(PROFIT_COLUMNS)) +
    ' '.repeat(width - used);
}

function panel(view: TradeView, width: number, rows: number, paint: Paint): string[] {
  const statsWidth = width - FILL_COLUMNS - 3;
  const stats = statistics(view.status, statsWidth, paint);
  const lines: string[] = [];
  for (let i = 0; i < rows; i++) {
    const fill = i === 0
      ? paint('heading', fit('our fills', FILL_COLUMNS))
      : fillLine(view.fills[i - 1], paint);
    lines.push((stats[i] ?? ' '.repeat(statsWidth)) + paint('dim', ' │ ') + fill);
  }
  return lines;
}

function statistics(status: TradeStatus, width: number, paint: Paint): string[] {
  const { tickToTradeNow: now, pnl2, moneyDecimals } = status;
  const troubled = status.gaps + status.rejected + (status.sessions > 1 ? 1 : 0) > 0;
  return [
    paint(profitStyle(pnl2), fit(` profit ${profitText(pnl2, moneyDecimals)}`, width)),
    fit(` orders ${whole(status.ordersSent)}  open ${whole(status.ordersOpen)}`, width),
    fit(` moved ${whole(status.modifies)}  cancelled ${whole(status.cancels)}`, width),
    fit(` fills ${whole(status.fills)}  of orders ${percent(status.fillRatePercent)}`, width),
    paint('dim', fit(' tick → trade', width)),
    paint('strong', fit(` ${quantilesText(now)}`, width)),
    fit(` p99.9 ${span(now.p999Ns)}  max ${span(now.maxNs)}`, width),
    paint(troubled ? 'bad' : 'good', fit(
      ` rejected ${whole(status.rejected)}  gaps ${whole(status.gaps)}  ` +
        `sessions ${whole(status.sessions)}`,
      width,
    )),
    paint('bad', fit(troubleText(status), width)),
  ];
}

/** What went wrong, or else what keeps it from trading; '' while all is well. */
function troubleText({ trouble, standsStill }: TradeStatus): string {
  const text = trouble === '' ? (standsStill[0] ?? '') : trouble;
  return text === '' ? '' : ` ${text}`;
}

function fillLine(fill: ShownFill | undefined, paint: Paint): string {
  if (fill === undefined) return ' '.repeat(FILL_COLUMNS);
  const arrow = fill.side > 0 ? '▲' : '▼';
  const text = `${timeOfDay(fill.timeMs)} ${arrow}${whole(fill.qty).padStart(6)} @ ${fill.price}` +
    ` ${fill.symbol}`;
  return paint(fill.side > 0 ? 'bid' : 'ask', fit(text, FILL_COLUMNS));
}

// ── plain lines ────────────────────────────────────────────────────────────────────────────────

/** For a stdout that is not a terminal. */
export function tradeLine({ status, elapsedMs }: TradeView): string {
  const [book] = status.books;
  const more = status.books.length > 1 ? [`and ${status.books.length - 1} more`] : [];
  return [
    `${(elapsedMs / 1000).toFixed(1).padStart(6)} s`,
    healthText(status),
    `${book.symbol} ${pairText(book.bestBid, book.bestAsk, book)}`,
    `quotes ${pairText(book.bid, book.ask, book)}`,
    `position ${signed(book.position)}`,
    ...more,
    `profit ${profitText(status.pnl2, status.moneyDecimals)}`,
    `${whole(status.ordersSent)} orders`,
    `${whole(status.fills)} fills (${percent(status.fillRatePercent)} of orders)`,
    ...(status.tickToTradeNow.count === 0 ? [] : [
      `tick → trade p50 ${span(status.tickToTradeNow.p50Ns)} p99 ${span(status.tickToTradeNow.p99Ns)}`,
    ]),
    ...(status.trouble === '' ? [] : [status.trouble]),
  ].join('  ');
}

/** What a person reads at the end. */
export function tradeSummary(view: TradeView, clean: boolean, paint: Paint): string[] {
  const { status } = view;
  const { tickToTrade: latency, pnl2, moneyDecimals } = status;
  const money = (value2: number): string => moneyText(value2, moneyDecimals);
  const positions = status.books.map((book) => `${book.symbol} ${signed(book.position)}`);
  const open = clean ? 'all orders gone' : `${whole(status.ordersOpen)} orders left at the exchange`;
  const realised2 = status.books.reduce((total, book) => total + book.realised2, 0);
  const rows: [string, string[]][] = [
    ['strategy', [status.strategy, `client ${status.client}`, `${seconds(view)} s`]],
    [
      'profit',
      pnl2 !== null
        ? [money(pnl2), `realised ${money(realised2)}`, `open ${money(pnl2 - realised2)}`]
        : ['unknown: no price for an open position', `realised ${money(realised2)}`],
    ],
    ['position', positions],
    [
      'orders',
      [
        `${whole(status.ordersSent)} sent`, `${whole(status.modifies)} moves`,
        `${whole(status.cancels)} cancels`, open,
      ],
    ],
    [
      '',
      [
        `${whole(status.tooLate)} came too late`, `${whole(status.rejected)} rejected`,
        `${whole(status.refused)} refused by own checks`,
      ],
    ],
    ...countRow('rejected', status.rejectedBy),
    ...countRow('refused', status.refusedBy),
    [
      'fills',
      [
        whole(status.fills), `${whole(status.filledQty)} traded`,
        `${percent(status.fillRatePercent)} of orders`,
      ],
    ],
    [
      'latency',
      latency.count === 0
        ? ['no order was decided on a message of the feed']
        : [`tick → trade ${quantilesText(latency)}`, `max ${span(latency.maxNs)}`],
    ],
    [
      'feed',
      [
        counted(status.feedMessages, 'message'), counted(status.marketTrades, 'trade'), counted(status.gaps, 'gap'),
      ],
    ],
    ...status.standsStill.map((text): [string, string[]] => ['halted', [text]]),
    ...(status.trouble === '' ? [] : [['trouble', [status.trouble]] as [string, string[]]]),
  ];
  return rows.map(([name, texts]) => paint('heading', name.padEnd(10)) + texts.join(', '));
}

/** The most frequent reasons; no row where there is none. */
function countRow(name: string, counts: Readonly<Record<string, number>>): [string, string[]][] {
  const texts = Object.entries(counts).map(([reason, count]) => `${reason} ${whole(count)}`);
  if (texts.length === 0) return [];
  const more = texts.length > REASONS_SHOWN ? [`${texts.length - REASONS_SHOWN} other reasons`] : [];
  return [[name, [...texts.slice(0, REASONS_SHOWN), ...more]]];
}

function seconds({ elapsedMs }: TradeView): string {
  return (elapsedMs / 1000).toFixed(1);
}

// ── text ───────────────────────────────────────────────────────────────────────────────────────

export function pairText(
  bid: QuoteStatus | null, ask: QuoteStatus | null,
  book: Pick<BookStatus, 'tickUnits' | 'decimals'>,
): string {
  const price = (quote: QuoteStatus | null): string =>
    quote === null ? '–' : decimal(quote.ticks * book.tickUnits, book.decimals);
  return bid === null && ask === null ? '–' : `${price(bid)} × ${price(ask)}`;
}

/** null: unknown. */
export function profitStyle(value2: number | null): 'good' | 'bad' | 'strong' {
  if (value2 === null || value2 === 0) return 'strong';
  return value2 > 0 ? 'good' : 'bad';
}

function quantilesText(latency: LatencySummary): string {
  if (latency.count === 0) return 'no order yet';
  return `p50 ${span(latency.p50Ns)}  p90 ${span(latency.p90Ns)}  p99 ${span(latency.p99Ns)}`;
}
