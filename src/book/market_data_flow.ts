// A seeded flow of 40-byte market data messages over many books: what the processor's benchmark, fuzzer and examples run on.
//
// Symbols come in random order, each as likely: the worst case for caches, a real feed comes in bursts of one symbol. A
// book grows to its share of live orders and stays there: a message adds, cancels or modifies an order or reports
// a trade. Prices stand at geometric distances behind a middle that wanders a tick at a time, so the usual book
// has some eight levels a side. Sequence numbers rise by one a message; a cancel or modify carries its add's.
//
//   trade 5 %, modify 10 %, the rest adds and cancels in balance         bad messages: one in `badEvery`, all kinds in turn
import { Prng } from '../base/prng.ts';
import { MarketData, MarketDataSide, MarketDataType } from '../wire/generated/market_data.ts';

export interface MarketDataFlowOptions {
  readonly messages: number;
  readonly symbols: number;
  /** Live orders a book has in the middle. */
  readonly ordersPerBook: number;
  /** One message in so many is bad; 0 = none. */
  readonly badEvery: number;
  readonly seed: number;
}

/** Units of 10^-4 in a tick of a cent. */
const TICK_UNITS = 100;
const MID_TICKS_MIN = 1_000;
const MID_TICKS_MAX = 50_000;
/** An order stands so many ticks behind the middle at most. */
const DISTANCE_TICKS_MAX = 40;
/** … and one tick further with this probability. */
const FURTHER = 0.7;
const TRADES = 0.05;
const MODIFIES = 0.1;
const VOLUME_MAX = 1_000;
const NS_PER_MESSAGE = 20;
/** Kinds of bad messages that `spoil` makes. */
const BAD_KINDS = 7;

/** A book's live orders: a table of `room` entries, of which the first `count` are in use. */
class LiveOrders {
  readonly sequences: Uint32Array;
  readonly sides: Uint8Array;
  readonly counts: Uint16Array;
  readonly midTicks: Uint32Array;
  readonly room: number;

  constructor(symbols: number, ordersPerBook: number, prng: Prng) {
    this.room = 4 * ordersPerBook;
    this.sequences = new Uint32Array(symbols * this.room);
    this.sides = new Uint8Array(symbols * this.room);
    this.counts = new Uint16Array(symbols);
    this.midTicks = Uint32Array.from({ length: symbols }, () => prng.between(MID_TICKS_MIN, MID_TICKS_MAX));
  }
}

/** Writes `messages` messages from `offset` on. */
export function writeMarketDataFlow(target: DataView, offset: number, options: MarketDataFlowOptions): void {
  const { messages, symbols, ordersPerBook, badEvery, seed } = options;
  if (messages * MarketData.bytes > target.byteLength - offset) {
    throw new RangeError(`market data flow: expected room for ${messages} messages, was ${target.byteLength - offset} bytes`);
  }
  const prng = new Prng(seed);
  const live = new LiveOrders(symbols, ordersPerBook, prng);
  for (let i = 0; i < messages; i++) {
    const at = offset + i * MarketData.bytes;
    writeMessage(target, at, live, prng, i, symbols, ordersPerBook);
    if (badEvery > 0 && i % badEvery === badEvery - 1) spoil(target, at, Math.floor(i / badEvery) % BAD_KINDS);
  }
}

function priceTicks(live: LiveOrders, symbol: number, side: number, prng: Prng): number {
  let distance = 1;
  while (distance < DISTANCE_TICKS_MAX && prng.chance(FURTHER)) distance += 1;
  const mid = live.midTicks[symbol];
  return side === MarketDataSide.Bid ? mid - distance : mid + distance;
}

function writeMessage(
  target: DataView, at: number, live: LiveOrders, prng: Prng, sequence: number, symbols: number, ordersPerBook: number,
): void {
  const symbol = prng.below(symbols);
  const count = live.counts[symbol];
  const kind = prng.f64();
  const first = symbol * live.room;
  const chosen = first + (count > 0 ? prng.below(count) : 0);
  // Fewer than its share: adds are likelier; more: cancels are.
  const adds = count === 0 || (count < live.room && prng.f64() * 2 * ordersPerBook >= count);
  let type: number = MarketDataType.Add;
  let side = prng.below(2);
  let named = sequence;
  if (kind < TRADES) type = MarketDataType.Trade;
  else if (kind < TRADES + MODIFIES && count > 0) type = MarketDataType.Modify;
  else if (!adds) type = MarketDataType.Cancel;
  if (type === MarketDataType.Modify || type === MarketDataType.Cancel) {
    side = live.sides[chosen];
    named = live.sequences[chosen];
  }
  const price = priceTicks(live, symbol, side, prng) * TICK_UNITS;
  MarketData.encode(target, at, symbol, type, side, price, 0, prng.between(1, VOLUME_MAX), 0, 0, 0, named, 0);
  const ns = sequence * NS_PER_MESSAGE;
  MarketData.setTimestamp(target, at, ns >>> 0, Math.floor(ns / 2 ** 32));
  if (type === MarketDataType.Add) {
    live.sequences[first + count] = sequence;
    live.sides[first + count] = side;
    live.counts[symbol] = count + 1;
  } else if (type === MarketDataType.Cancel) {
    live.sequences[chosen] = live.sequences[first + count - 1];
    live.sides[chosen] = live.sides[first + count - 1];
    live.counts[symbol] = count - 1;
  } else if (type === MarketDataType.Trade && prng.chance(0.5)) {
    live.midTicks[symbol] += prng.chance(0.5) ? 1 : -1;
  }
}

/** Makes a message bad. What it would have added is unknown to the processor from then on: that too is part of the flow. */
function spoil(target: DataView, at: number, kind: number): void {
  if (kind === 0) MarketData.setSymbol(target, at, 4_096 + (at % 1_000));
  else if (kind === 1) MarketData.setType(target, at, 0);
  else if (kind === 2) MarketData.setType(target, at, 5);
  else if (kind === 3) MarketData.setSide(target, at, 2);
  else if (kind === 4) MarketData.setPrice(target, at, 0, 0);
  else if (kind === 5) MarketData.setPrice(target, at, 10_000_000_000 % 2 ** 32, Math.floor(10_000_000_000 / 2 ** 32));
  else MarketData.setSequence(target, at, 0xffff_ffff, 0xffff_fffe);
}
