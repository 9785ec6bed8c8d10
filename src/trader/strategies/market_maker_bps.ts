// Market maker in basis points: quotes at a share of the price around the mid, both shifted against the
// position, so that the side which reduces it is the likelier one to trade.
//
//   half     = mid · spread_bps / 20,000, at least mid · min_edge_bps / 10,000
//   shift    = position / max_inventory · skew_factor · half
//   bid, ask = mid − half − shift down to a tick, mid + half − shift up to a tick
//   sizes      quote_size, at most max_inventory − |position| on the side that adds
//
// A long position shifts both quotes down, a short one both up: the shift has a sign, and each side uses
// it as it is. The share of the inventory is −1 … +1 and skew_factor at most 1, so the mid always lies
// between the quotes, and none is priced to trade at once. Where prices can be negative, half is a share of
// the price's size. Nothing is placed or moved within quote_refresh_nanos of the last change of that
// instrument. While the features are unknown, nothing is quoted.
//
// Called by market data, by fills of its own, and by the timer for what had to wait (quoter.ts).
// Cost: two divisions an update; nothing is allocated.
import { Reason, Side } from '../../book/types.ts';
import type { TraderInstruments } from '../instruments.ts';
import type { OrderStatus } from '../order_manager.ts';
import type { ParameterSpecs, StrategyDefinition } from './parameters.ts';
import { askTicksOf, bidTicksOf, Quoter, roomOf, wholeLots } from './quoter.ts';
import type { Desk, Strategy, StrategyParameters } from './strategy.ts';

const BPS = 10_000;

const PARAMETERS: ParameterSpecs = {
  spreadBps: {
    default: 10, unit: 'basis points', min: 0.001, max: BPS, about: 'distance between bid and ask',
  },
  quoteSize: {
    default: 100, unit: 'quantity', min: 1, max: 4_294_967_294, whole: true, about: 'quantity of each quote',
  },
  maxInventory: {
    default: 1000, unit: 'quantity', min: 1, max: 4_294_967_294, whole: true,
    about: 'the position, long or short, at which the side that adds is no longer quoted',
  },
  skewFactor: {
    default: 0.5, unit: '', min: 0, max: 1,
    about: 'share of the half spread by which both quotes have moved at the maximum inventory',
  },
  minEdgeBps: {
    default: 1, unit: 'basis points', min: 0, max: BPS,
    about: 'each quote stands at least this far from the mid, before the shift',
  },
  quoteRefreshNanos: {
    default: 1_000_000, unit: 'ns', min: 1, max: 1e12, whole: true,
    about: 'time without a new quote after each change',
  },
};

export class MarketMakerBps implements Strategy {
  readonly name = 'market-maker-bps';
  readonly #lots: Uint32Array;
  readonly #spreadBps: number;
  readonly #minEdgeBps: number;
  readonly #quoteSize: number;
  readonly #maxInventory: number;
  readonly #skew: number;
  readonly #quoter: Quoter;

  constructor(parameters: StrategyParameters, instruments: TraderInstruments) {
    this.#lots = instruments.lots;
    this.#spreadBps = parameters['spreadBps'];
    this.#minEdgeBps = parameters['minEdgeBps'];
    this.#quoteSize = parameters['quoteSize'];
    this.#maxInventory = parameters['maxInventory'];
    this.#skew = parameters['skewFactor'];
    const everyMove = new Float64Array(instruments.count);
    this.#quoter = new Quoter(instruments, everyMove, parameters['quoteRefreshNanos']);
  }

  onMarketData(book: number, desk: Desk): void {
    if (!desk.trading) return;
    const { features } = desk;
    if (!features.known(book)) return this.#quoter.withdraw(desk, book);
    const mid2 = features.mid2(book);
    const size2 = Math.abs(mid2);
    const half = Math.max((size2 * this.#spreadBps) / (4 * BPS), (size2 * this.#minEdgeBps) / (2 * BPS));
    const inventory = Math.min(this.#maxInventory, desk.maxPosition(book));
    const position = desk.positions.position(book);
    const held = Math.min(Math.max(position, -this.#maxInventory), this.#maxInventory);
    const shift = (held * this.#skew * half) / this.#maxInventory;
    const bid = bidTicksOf(mid2 / 2 - half - shift);
    const ask = askTicksOf(mid2 / 2 + half - shift);
    const size = Math.min(this.#quoteSize, desk.maxOrderQty(book));
    const lot = this.#lots[book];
    const bidQty = wholeLots(Math.min(size, roomOf(Side.Buy, position, inventory)), lot);
    const askQty = wholeLots(Math.min(size, roomOf(Side.Sell, position, inventory)), lot);
    this.#quoter.want(desk, book, bid, bidQty, ask, askQty);
  }

  onFill(book: number, _orderId: number, _side: number, _price: number, _qty: number, desk: Desk): void {
    this.onMarketData(book, desk);
  }

  onOrder(book: number, _orderId: number, status: OrderStatus, reason: Reason, desk: Desk): void {
    this.#quoter.onOrder(desk, book, status, reason);
  }

  onTimer(desk: Desk): void {
    for (let book = 0; this.#quoter.waitingCount > 0 && book < this.#lots.length; book++) {
      if (this.#quoter.isWaiting(book)) this.onMarketData(book, desk);
    }
  }

  needsTimer(): boolean {
    return this.#quoter.waitingCount > 0;
  }

  onStop(desk: Desk): void {
    this.#quoter.withdrawAll(desk);
  }
}

export const marketMakerBps: StrategyDefinition = {
  name: 'market-maker-bps',
  about: 'quotes both sides at basis points around the mid, shifted against its position',
  parameters: PARAMETERS,
  create: (parameters, instruments) => new MarketMakerBps(parameters, instruments),
};
