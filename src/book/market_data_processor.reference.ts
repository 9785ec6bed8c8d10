// The market data processor as slow and plain as can be: what core/feed/market_data.ts is compared with.
import { MarketData, MarketDataSide, MarketDataType } from '../wire/generated/market_data.ts';
import { MARKET_DATA_LEVELS_MAX, type MarketDataReason } from './market_data_core.ts';
import type { MarketDataDepth, MarketDataLevel } from './market_data_processor.ts';

const PRICE_LIMIT = 10_000_000_000n;
const VOLUME_LIMIT = 2n ** 64n;

interface LiveOrder {
  readonly side: number;
  price: bigint;
  volume: bigint;
}

interface Level {
  volume: bigint;
  orders: number;
}

interface Book {
  readonly sides: readonly [Map<bigint, Level>, Map<bigint, Level>];
  lastTrade: { price: number; volume: bigint } | null;
}

export class MarketDataProcessorReference {
  readonly books: readonly Book[];
  /** By number and symbol. */
  readonly orders = new Map<string, LiveOrder>();
  readonly refused = new Map<MarketDataReason, number>();
  readonly applied = [0, 0, 0, 0, 0];
  readonly #ordersMax: number;

  constructor(symbols: number, ordersMax: number) {
    this.books = Array.from({ length: symbols }, () => ({ sides: [new Map(), new Map()], lastTrade: null }));
    this.#ordersMax = ordersMax;
  }

  apply(view: DataView, at: number): void {
    const reason = this.#refusal(view, at) ?? this.#change(view, at);
    if (reason === null) this.applied[MarketData.type(view, at)] += 1;
    else this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
  }

  #refusal(view: DataView, at: number): MarketDataReason | null {
    const { symbol, type, side, price, volume } = MarketData.read(view, at);
    if (symbol >= this.books.length) return 'symbol';
    if (type < MarketDataType.Add || type > MarketDataType.Trade) return 'type';
    if (side !== MarketDataSide.Bid && side !== MarketDataSide.Ask) return 'side';
    if (price <= 0n || price >= PRICE_LIMIT) return 'price';
    return volume === 0n && type !== MarketDataType.Cancel ? 'volume' : null;
  }

  #change(view: DataView, at: number): MarketDataReason | null {
    const { symbol, type, side, price, volume, sequence } = MarketData.read(view, at);
    const book = this.books[symbol];
    if (type === MarketDataType.Trade) {
      book.lastTrade = { price: Number(price), volume };
      return null;
    }
    const name = `${sequence} ${symbol}`;
    const order = this.orders.get(name);
    if (type === MarketDataType.Add) {
      // As the core finds out: whether there is a place for it at all comes first.
      if (this.orders.size === this.#ordersMax) return 'capacity';
      if (order !== undefined) return 'duplicate';
      if (!this.#enter(book, side, price, volume)) return 'capacity';
      this.orders.set(name, { side, price, volume });
      return null;
    }
    if (order === undefined) return 'unknownReference';
    if (order.side !== side) return 'otherSide';
    if (type === MarketDataType.Modify) {
      if (!this.#enter(book, side, price, volume)) return 'capacity';
      this.#leave(book, order);
      order.price = price;
      order.volume = volume;
    } else {
      this.#leave(book, order);
      this.orders.delete(name);
    }
    return null;
  }

  #enter(book: Book, side: number, price: bigint, volume: bigint): boolean {
    const levels = book.sides[side];
    const level = levels.get(price);
    if (level === undefined) {
      if (levels.size === MARKET_DATA_LEVELS_MAX) return false;
      levels.set(price, { volume, orders: 1 });
      return true;
    }
    if (level.volume + volume >= VOLUME_LIMIT) return false;
    level.volume += volume;
    level.orders += 1;
    return true;
  }

  #leave(book: Book, order: LiveOrder): void {
    const levels = book.sides[order.side];
    const level = levels.get(order.price)!;
    level.volume -= order.volume;
    level.orders -= 1;
    if (level.orders === 0) levels.delete(order.price);
  }

  depth(symbol: number, count: number): MarketDataDepth {
    const side = (index: number, better: bigint): MarketDataLevel[] =>
      [...this.books[symbol].sides[index]]
        .toSorted(([a], [b]) => Number((b - a) * better))
        .slice(0, count)
        .map(([price, { volume, orders }]) => ({ price: Number(price), volume, orders }));
    return { bids: side(MarketDataSide.Bid, 1n), asks: side(MarketDataSide.Ask, -1n) };
  }
}
