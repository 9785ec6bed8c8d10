// Liquidity taker: buys when the signal is high, sells when it is low, at once or not at all.
//
//   signal > +signal_threshold: buy,  limit = ask + |ask| · aggression_bps / 10,000 down to a tick
//   signal < −signal_threshold: sell, limit = bid − |bid| · aggression_bps / 10,000 up to a tick
//   quantity: base_qty, at most the largest order allowed and the room to max_position, in whole lots
//
// Orders are IOC: what does not trade within the limit is gone, so that nothing has to be watched and
// nothing rests at a price that was meant for another moment. Between two orders of an instrument lie at
// least order_interval_ms of event time, twice that when the first of them has traded. An order that is
// refused counts as one, so that a refusal is not repeated at the rate of the market data.
//
// Unknown features: no order. Called by market data and fills. State: time and wait of the last order by
// instrument. Cost: one comparison while the signal is low; nothing is allocated.
import { Side, Tif } from '../../book/types.ts';
import type { TraderInstruments } from '../instruments.ts';
import type { ParameterSpecs, StrategyDefinition } from './parameters.ts';
import { askTicksOf, bidTicksOf, roomOf, wholeLots } from './quoter.ts';
import type { Desk, Strategy, StrategyParameters } from './strategy.ts';

const BPS = 10_000;
const MS = 1_000_000;
const WAIT_FACTOR_TRADED = 2;
/** Before any event. */
const LONG_AGO_NS = -Infinity;

const PARAMETERS: ParameterSpecs = {
  signalThreshold: {
    default: 0.3, unit: '', min: 0, max: 1, about: 'acts when the signal is larger than this, up or down',
  },
  baseQty: {
    default: 100, unit: 'quantity', min: 1, max: 4_294_967_294, whole: true,
    about: 'quantity of each order; at most the largest order allowed',
  },
  aggressionBps: {
    default: 10, unit: 'basis points', min: 0, max: BPS, about: 'how far beyond the best price an order may trade',
  },
  orderIntervalMs: {
    default: 100, unit: 'ms', min: 0, max: 1e9,
    about: 'least event time between orders of an instrument; twice as long after a trade',
  },
};

export class LiquidityTaker implements Strategy {
  readonly name = 'liquidity-taker';
  readonly #instruments: TraderInstruments;
  readonly #threshold: number;
  readonly #baseQty: number;
  readonly #aggressionBps: number;
  readonly #intervalNs: number;
  readonly #orderedNs: Float64Array;
  readonly #waitNs: Float64Array;

  constructor(parameters: StrategyParameters, instruments: TraderInstruments) {
    this.#instruments = instruments;
    this.#threshold = parameters['signalThreshold'];
    this.#baseQty = parameters['baseQty'];
    this.#aggressionBps = parameters['aggressionBps'];
    this.#intervalNs = parameters['orderIntervalMs'] * MS;
    this.#orderedNs = new Float64Array(instruments.count).fill(LONG_AGO_NS);
    this.#waitNs = new Float64Array(instruments.count).fill(this.#intervalNs);
  }

  onMarketData(book: number, desk: Desk): void {
    const { features } = desk;
    if (!desk.trading || !features.signalKnown(book)) return;
    const signal = features.signal(book);
    if (Math.abs(signal) <= this.#threshold) return;
    if (desk.nowNs - this.#orderedNs[book] < this.#waitNs[book]) return;
    this.#take(book, signal > 0 ? Side.Buy : Side.Sell, desk);
  }

  onFill(book: number): void {
    this.#waitNs[book] = WAIT_FACTOR_TRADED * this.#intervalNs;
  }

  #take(book: number, side: Side, desk: Desk): void {
    const room = roomOf(side, desk.positions.position(book), desk.maxPosition(book));
    const most = Math.min(this.#baseQty, desk.maxOrderQty(book), room);
    const qty = wholeLots(most, this.#instruments.lots[book]);
    if (qty === 0) return;
    this.#orderedNs[book] = desk.nowNs;
    this.#waitNs[book] = this.#intervalNs;
    desk.order(book, side, this.#limitTicks(book, side, desk), qty, Tif.Ioc);
  }

  /** At least the touch, and inside the instrument's range. */
  #limitTicks(book: number, side: Side, desk: Desk): number {
    if (side === Side.Buy) {
      const ask = desk.features.askTicks(book);
      const limit = bidTicksOf(ask + (Math.abs(ask) * this.#aggressionBps) / BPS);
      return Math.min(limit, this.#instruments.maxTicks[book]);
    }
    const bid = desk.features.bidTicks(book);
    const limit = askTicksOf(bid - (Math.abs(bid) * this.#aggressionBps) / BPS);
    return Math.max(limit, this.#instruments.minTicks[book]);
  }
}

export const liquidityTaker: StrategyDefinition = {
  name: 'liquidity-taker',
  about: 'takes what is offered when the signal passes a threshold',
  parameters: PARAMETERS,
  create: (parameters, instruments) => new LiquidityTaker(parameters, instruments),
};
