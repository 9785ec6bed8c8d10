// What an exchange and a trader publish of themselves in their shared statistics, by name: agreed between those who write it
// (src/apps/exchange_figures.ts, trade_figures.ts) and whoever watches (system_watch.ts).
//
//   exchange   every counter of src/exchange/counters.ts │ gauges │ texts          + the profile's histograms
//   trader     numbers │ texts │ ten entries an instrument │ round trip            + the profile's histograms
//
// All of it is copied by the timer that says the process is alive (process_stats.ts), four times a second, between two turns
// of the loop: no stage knows of it, a message costs nothing, and all counters of a copy are of the same turn. Histograms are
// written where they are. What is not known is NaN.
import { StatKind, type StatDeclaration } from './shared_stats.ts';
import { STAGE_NS_MAX } from './profile/stages.ts';

// ── exchange ───────────────────────────────────────────────────────────────────────────────────

const EXCHANGE_COUNTER = /^outcry_exchange_events_total\{event="(\w+)"\}$/;

export function exchangeCounter(counter: string): string {
  return `outcry_exchange_events_total{event="${counter}"}`;
}

/** The counters that a process publishes. */
export function exchangeCountersOf(names: readonly string[]): string[] {
  return names.flatMap((name) => EXCHANGE_COUNTER.exec(name)?.[1] ?? []);
}

export const EXCHANGE_GAUGES = [
  'port', 'sessions', 'sessions_max', 'orders_live', 'orders_max', 'locked_out', 'halted', 'journal_ring_bytes', 'feed_held', 'feed_held_max',
] as const;
export type ExchangeGauge = (typeof EXCHANGE_GAUGES)[number];

/** Room of each in bytes. `ports`: all that orders are taken on, with commas. `journal_mode`: '' where there is none. */
export const EXCHANGE_TEXTS = { endpoint: 128, ports: 256, journal_mode: 32 } as const;
export type ExchangeText = keyof typeof EXCHANGE_TEXTS;

export function exchangeStat(name: ExchangeGauge | ExchangeText): string {
  return `outcry_exchange_${name}`;
}

export function exchangeDeclarations(counters: readonly string[]): StatDeclaration[] {
  return [
    ...counters.map((name, index) => ({ name: exchangeCounter(name), kind: StatKind.Counter, apart: index === 0 })),
    ...EXCHANGE_GAUGES.map((name) => ({ name: exchangeStat(name), kind: StatKind.Gauge })),
    ...textDeclarations(EXCHANGE_TEXTS, exchangeStat),
  ];
}

// ── trader ─────────────────────────────────────────────────────────────────────────────────────

/** Instruments of a trader that are published one by one, the first of its list; all together are in `pnl`. */
export const BOOKS_PUBLISHED_MAX = 256;

export const TRADER_NUMBERS = [
  'client', 'exchange_port', 'connected', 'feed_fresh', 'feed_gaps', 'orders_sent', 'orders_filled', 'fills', 'orders_open', 'rejected', 'refused', 'pnl', 'books',
  'max_order_qty', 'max_position', 'max_loss',
] as const;
export type TraderNumber = (typeof TRADER_NUMBERS)[number];

/** Room of each in bytes. `stands_still`: a sentence a line. */
export const TRADER_TEXTS = { strategy: 128, state: 32, stands_still: 2_048 } as const;
export type TraderText = keyof typeof TRADER_TEXTS;

export const BOOK_NUMBERS = [
  'ticker', 'position', 'realised', 'unrealised', 'bid_price', 'bid_qty', 'ask_price', 'ask_qty', 'position_max', 'loss_max',
] as const;
export type BookNumber = (typeof BOOK_NUMBERS)[number];
const SYMBOL_BYTES = 32;

/** From an order sent to its acknowledgement. */
export const ROUND_TRIP = 'outcry_trader_round_trip_ns';

export function traderStat(name: TraderNumber | TraderText): string {
  return `outcry_trader_${name}`;
}

export function bookStat(name: BookNumber | 'symbol', book: number): string {
  return `outcry_trader_book_${name}{book="${book}"}`;
}

/** `latency`: with a histogram of the round trip. */
export function traderDeclarations(instruments: number, latency: boolean): StatDeclaration[] {
  const books = Array.from({ length: Math.min(instruments, BOOKS_PUBLISHED_MAX) }, (_, book) => book);
  return [
    ...TRADER_NUMBERS.map((name, index) => ({ name: traderStat(name), kind: StatKind.Gauge, apart: index === 0 })),
    ...textDeclarations(TRADER_TEXTS, traderStat),
    ...books.flatMap((book) => BOOK_NUMBERS.map((name) => ({ name: bookStat(name, book), kind: StatKind.Gauge }))),
    ...books.map((book) => ({ name: bookStat('symbol', book), kind: StatKind.Text, valueMax: SYMBOL_BYTES })),
    ...(latency ? [{ name: ROUND_TRIP, kind: StatKind.Histogram, valueMax: STAGE_NS_MAX }] : []),
  ];
}

function textDeclarations<T extends Readonly<Record<string, number>>>(rooms: T, nameOf: (name: keyof T & string) => string): StatDeclaration[] {
  return Object.entries(rooms).map(([name, valueMax]) => ({ name: nameOf(name), kind: StatKind.Text, valueMax }));
}
