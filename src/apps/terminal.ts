// The demo's live view: a pure function from what is known to lines of text, and the little that
// puts lines on a terminal without flicker.
//
//   ┌ title, state of the feed, time ─────────────────────┐
//   │ orders quantity bar BID │ ASK bar quantity orders │   as many levels as the height allows
//   ├ spread, last trade ─────────────────────────────────┤
//   │ rates, latency, feed health      │ trades, newest first │
//   └ how to end it ──────────────────────────────────────┘
//
// Every line has exactly `width` columns before colours are added, so lines never wrap and each
// frame overwrites the last one whole. All characters used are one column wide. A low terminal loses
// figures and trades first, then levels; one narrower than WIDTH_MIN shows the left of the lines.

import type { LatencySummary } from './latency.ts';

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
}

export const WIDTH_MIN = 60;
const WIDTH_MAX = 160;
const LEVELS_MIN = 3;
const LEVELS_MAX = 30;
const PANEL_ROWS = 8;
/** Narrower figures stand closer together. */
const ROOMY_COLUMNS = 40;
/** Narrower tapes have no times. */
const TIMED_TAPE_COLUMNS = 28;
/** Title, heading, spread, rule, panel, footer: all but the ladder. */
const OTHER_ROWS = 5 + PANEL_ROWS;

const BLOCKS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const SPARKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** Styles by name; `plain` leaves text alone. */
export type Paint = (style: Style, text: string) => string;
export type Style = 'title' | 'bid' | 'ask' | 'dim' | 'strong' | 'good' | 'bad' | 'heading';

const SGR: Readonly<Record<Style, string>> = {
  title: '1;7', bid: '32', ask: '31', dim: '2', strong: '1', good: '1;32', bad: '1;31',
  heading: '36',
};

export const plain: Paint = (_style, text) => text;
export const coloured: Paint = (style, text) =>
  text === '' ? '' : `\x1b[${SGR[style]}m${text}\x1b[0m`;

/** The whole view, at most `rows` lines. */
export function renderView(view: DemoView, columns: number, rows: number, paint: Paint): string[] {
  const width = Math.min(Math.max(columns, WIDTH_MIN), WIDTH_MAX);
  const levels = Math.min(Math.max(rows - OTHER_ROWS, LEVELS_MIN), LEVELS_MAX);
  const panelRows = Math.max(0, rows - (OTHER_ROWS - PANEL_ROWS) - levels);
  return [
    title(view, width, paint),
    ...ladder(view, width, levels, paint),
    middle(view, width, paint),
    paint('dim', '─'.repeat(width)),
    ...panels(view, width, panelRows, paint),
    paint(
      'dim',
      fit(` Ctrl-C ends it and compares the receiver’s book with the engine’s${view.hint}`, width),
    ),
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

// ── text ───────────────────────────────────────────────────────────────────────────────────────

/** Exactly `width` columns. */
export function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…`.slice(
    0, width,
  ) : text.padEnd(width);
}

/** 1,234,567 */
export function whole(value: number): string {
  const text = Math.round(Math.abs(value)).toString();
  let grouped = '';
  for (let i = 0; i < text.length; i++) {
    if (i > 0 && (text.length - i) % 3 === 0) grouped += ',';
    grouped += text[i];
  }
  return value < 0 ? `-${grouped}` : grouped;
}

/** An integer in units of 10^-decimals, exactly. */
export function decimal(units: number, decimals: number): string {
  const digits = Math.abs(units).toString().padStart(decimals + 1, '0');
  const point = digits.length - decimals;
  const text = decimals === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return units < 0 ? `-${text}` : text;
}

/** A time span with three significant digits: 870 ns, 12.4 µs, 1.25 ms, 2.00 s. */
export function span(ns: number): string {
  if (ns < 1000) return `${Math.round(ns)} ns`;
  if (ns < 999_500) return `${three(ns / 1e3)} µs`;
  if (ns < 999_500_000) return `${three(ns / 1e6)} ms`;
  return `${three(ns / 1e9)} s`;
}

function three(value: number): string {
  return value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}

/** Two digits, as in a time. */
export function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** 1:02:03 */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

export function timeOfDay(ms: number): string {
  const date = new Date(ms);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `length` in columns, to an eighth. */
export function bar(length: number): string {
  const eighths = Math.max(0, Math.round(length * 8));
  return '█'.repeat(eighths >> 3) + BLOCKS[eighths & 7];
}

/** The last `columns` values as little columns, the highest of them full. */
export function sparkline(values: readonly number[], columns: number): string {
  const shown = values.slice(-Math.max(0, columns));
  const most = Math.max(1, ...shown);
  let text = '';
  for (const value of shown) text += SPARKS[Math.min(7, Math.floor((value / most) * 7.999))];
  return columns <= 0 ? '' : text.padEnd(columns);
}

// ── terminal ───────────────────────────────────────────────────────────────────────────────────

/** What a frame is written to; process.stdout is one. */
export interface TerminalOutput {
  write(text: string): boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** The alternate screen of a terminal: what stood there before comes back at `leave`. */
export class Screen {
  readonly #out: TerminalOutput;
  #entered = false;

  constructor(out: TerminalOutput) {
    this.#out = out;
  }

  get columns(): number {
    return this.#out.columns ?? 80;
  }

  get rows(): number {
    return this.#out.rows ?? 24;
  }

  enter(): void {
    if (this.#entered) return;
    this.#entered = true;
    this.#out.write('\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J'); // 7: lines never wrap
  }

  /**
   * Draws all lines from the top in one write; the rest of the screen is blanked. A row is blanked
   * before it is written: behind a full row the cursor still stands on its last column.
   */
  draw(lines: readonly string[]): void {
    let frame = '\x1b[?2026h\x1b[H';
    for (let i = 0; i < lines.length; i++) frame += `${i > 0 ? '\r\n' : ''}\x1b[2K${lines[i]}`;
    if (lines.length < this.rows) frame += '\r\n\x1b[J';
    this.#out.write(`${frame}\x1b[?2026l`);
  }

  leave(): void {
    if (!this.#entered) return;
    this.#entered = false;
    this.#out.write('\x1b[?7h\x1b[?25h\x1b[?1049l');
  }
}
