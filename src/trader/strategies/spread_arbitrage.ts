// Spread arbitrage: trades while the spread lies between two bounds.
//
//   acts while  min_spread < spread < max_spread (currency), at most once in cooldown_ms of event time
//   side        sell when long, buy when short; flat: with the imbalance (none: nothing)
//   quantity    flat: `quantity`; otherwise the position, at most `quantity`: it is closed, never turned
//   price       rest 0: at the other side's best, IOC       rest 1: at the best of its own side, a quote
//
// Taking pays the spread that it sees and is right only when the imbalance is; resting is paid it, when
// somebody comes. A resting quote is withdrawn when the spread leaves the bounds and moves with its side's
// best price, no faster than the cooldown. Bounds are exact: 0.29 of currency is 29 cents. An order that is
// refused counts as one, so that a refusal is not repeated at the rate of the market data.
//
// Unknown features: no order, and a resting quote is withdrawn. Called by market data and, when it rests,
// by fills and the timer. State: time of the last order by instrument. Cost: two comparisons while the
// spread is outside; nothing is allocated.
import { Reason, Side, Tif } from '../../book/types.ts';
import type { TraderInstruments } from '../instruments.ts';
import type { OrderStatus } from '../order_manager.ts';
import {
  unitsOfCurrency, type ParameterFault, type ParameterSpecs, type StrategyDefinition,
} from './parameters.ts';
import { Quoter, roomOf, wholeLots } from './quoter.ts';
import type { Desk, Strategy, StrategyParameters } from './strategy.ts';

const MS = 1_000_000;
/** Before any event. */
const LONG_AGO_NS = -Infinity;

const PARAMETERS: ParameterSpecs = {
  minSpread: {
    default: 0.1, unit: 'currency', min: 0, max: 1e9, about: 'acts while the spread is wider than this',
  },
  maxSpread: {
    default: 1, unit: 'currency', min: 0, max: 1e9, about: 'and narrower than this',
  },
  cooldownMs: {
    default: 100, unit: 'ms', min: 0, max: 1e9, about: 'least event time between orders of an instrument',
  },
  quantity: {
    default: 100, unit: 'quantity', min: 1, max: 4_294_967_294, whole: true,
    about: 'quantity of each order; at most the largest order allowed',
  },
  rest: {
    default: 0, unit: '0 or 1', min: 0, max: 1, whole: true,
    about: '0: takes the other side; 1: joins the best price of its own side and waits',
  },
};

export class SpreadArbitrage implements Strategy {
  readonly name = 'spread-arbitrage';
  readonly #lots: Uint32Array;
  readonly #minTicks: Float64Array;
  readonly #maxTicks: Float64Array;
  readonly #cooldownNs: number;
  readonly #quantity: number;
  readonly #rests: boolean;
  readonly #orderedNs: Float64Array;
  readonly #quoter: Quoter;

  constructor(parameters: StrategyParameters, instruments: TraderInstruments) {
    const ticks = (amount: number): Float64Array =>
      Float64Array.from(instruments.list, (one) => unitsOfCurrency(amount, one.decimals) / one.tickUnits);
    this.#lots = instruments.lots;
    this.#minTicks = ticks(parameters['minSpread']);
    this.#maxTicks = ticks(parameters['maxSpread']);
    this.#cooldownNs = parameters['cooldownMs'] * MS;
    this.#quantity = parameters['quantity'];
    this.#rests = parameters['rest'] === 1;
    this.#orderedNs = new Float64Array(instruments.count).fill(LONG_AGO_NS);
    this.#quoter = new Quoter(instruments, new Float64Array(instruments.count), this.#cooldownNs);
  }

  onMarketData(book: number, desk: Desk): void {
    if (!desk.trading) return;
    const side = this.#side(book, desk);
    const qty = side === Side.None ? 0 : this.#qty(book, side, desk);
    if (this.#rests) this.#rest(book, side, qty, desk);
    else if (qty > 0) this.#take(book, side, qty, desk);
  }

  onFill(book: number, _orderId: number, _side: number, _price: number, _qty: number, desk: Desk): void {
    if (this.#rests) this.onMarketData(book, desk);
  }

  onOrder(book: number, _orderId: number, status: OrderStatus, reason: Reason, desk: Desk): void {
    if (this.#rests) this.#quoter.onOrder(desk, book, status, reason);
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
    if (this.#rests) this.#quoter.withdrawAll(desk);
  }

  /** Side.None: the spread is outside of the bounds or unknown, or nothing speaks for a side. */
  #side(book: number, desk: Desk): Side {
    const { features } = desk;
    const spread = features.spreadTicks(book);
    if (!features.known(book) || spread <= this.#minTicks[book] || spread >= this.#maxTicks[book]) {
      return Side.None;
    }
    const position = desk.positions.position(book);
    const lean = position === 0 ? features.imbalance(book) : -position;
    return lean > 0 ? Side.Buy : lean < 0 ? Side.Sell : Side.None;
  }

  #qty(book: number, side: Side, desk: Desk): number {
    const position = desk.positions.position(book);
    const most = position === 0 ? roomOf(side, 0, desk.maxPosition(book)) : Math.abs(position);
    return wholeLots(Math.min(this.#quantity, desk.maxOrderQty(book), most), this.#lots[book]);
  }

  #take(book: number, side: Side, qty: number, desk: Desk): void {
    if (desk.nowNs - this.#orderedNs[book] < this.#cooldownNs) return;
    this.#orderedNs[book] = desk.nowNs;
    const { features } = desk;
    const touch = side === Side.Buy ? features.askTicks(book) : features.bidTicks(book);
    desk.order(book, side, touch, qty, Tif.Ioc);
  }

  /** Quantity 0 withdraws what rests. */
  #rest(book: number, side: Side, qty: number, desk: Desk): void {
    const bidQty = side === Side.Buy ? qty : 0;
    const { features } = desk;
    this.#quoter.want(desk, book, features.bidTicks(book), bidQty, features.askTicks(book), qty - bidQty);
  }
}

function checkBounds({ minSpread, maxSpread }: StrategyParameters): ParameterFault[] {
  if (minSpread < maxSpread) return [];
  return [{ parameter: 'minSpread', message: `expected less than max_spread (${maxSpread}), was ${minSpread}` }];
}

export const spreadArbitrage: StrategyDefinition = {
  name: 'spread-arbitrage',
  about: 'trades while the spread lies between two bounds',
  parameters: PARAMETERS,
  check: checkBounds,
  create: (parameters, instruments) => new SpreadArbitrage(parameters, instruments),
};
