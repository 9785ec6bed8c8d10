// Market maker: a bid and an ask around the fair value, wider in a lopsided book, smaller where they
// would add to the position.
//
//   half     = half_spread + 0.5 · |imbalance| · half_spread, at least min_spread / 2
//   bid, ask = fair − half down to a tick, fair + half up to a tick
//   r        = position / max_position, −1 … +1
//   bid qty  = base · (1 − skew · max(r, 0))        ask qty = base · (1 + skew · min(r, 0))
//
// base is base_qty, at most the largest order allowed; quantities are rounded down to lots and leave room
// to max_position, so a side at its maximum is not quoted. A quote moves when the wanted price is
// price_update_threshold away. While the features are unknown, nothing is quoted.
//
// Two parameters are not of the formula. quote_refresh_nanos: our quotes are part of the book, so placing one
// can move the mid and with it the other; without a pause a small threshold lets the two chase each other as
// fast as answers come. passive: with 1 no quote is priced to trade at once; the fair value lags, and with 0
// a jump of the market further than half lets the formula buy at the ask or sell at the bid.
//
// Called by market data, by fills of its own, and by the timer for what had to wait (quoter.ts).
// State: none of its own per quote, the desk has it. Cost: some thirty loads and one division an update;
// nothing is allocated.
import { Reason, Side } from '../../book/types.ts';
import type { TraderInstruments } from '../instruments.ts';
import type { OrderStatus } from '../order_manager.ts';
import type { ParameterSpecs, StrategyDefinition } from './parameters.ts';
import { askTicksOf, bidTicksOf, Quoter, roomOf, wholeLots } from './quoter.ts';
import type { Desk, Strategy, StrategyParameters } from './strategy.ts';

const IMBALANCE_WIDENING = 0.5;

const PARAMETERS: ParameterSpecs = {
  halfSpread: {
    default: 50, unit: 'price units', min: 0, max: 1e9,
    about: 'distance of each quote from the fair value in a balanced book',
  },
  minSpread: {
    default: 20, unit: 'price units', min: 0, max: 1e9, about: 'the quotes stand at least this far apart',
  },
  baseQty: {
    default: 100, unit: 'quantity', min: 1, max: 4_294_967_294, whole: true,
    about: 'quantity of each quote while flat; at most the largest order allowed',
  },
  priceUpdateThreshold: {
    default: 10, unit: 'price units', min: 0, max: 1e9,
    about: 'a quote stays until the wanted price is this far away',
  },
  positionSkewFactor: {
    default: 0.5, unit: '', min: 0, max: 1,
    about: 'share of the quantity that the side which adds has lost at the maximum position',
  },
  quoteRefreshNanos: {
    default: 1_000_000, unit: 'ns', min: 1, max: 1e12, whole: true,
    about: 'time without a new quote after each change',
  },
  passive: {
    default: 0, unit: '0 or 1', min: 0, max: 1, whole: true,
    about: '1: a quote that would trade at once is held a tick short of the other side',
  },
};

export class MarketMaker implements Strategy {
  readonly name = 'market-maker';
  readonly #lots: Uint32Array;
  /** By book, in ticks, as the tick grids differ. */
  readonly #halfTicks: Float64Array;
  readonly #halfMinTicks: Float64Array;
  readonly #baseQty: number;
  readonly #skew: number;
  readonly #passive: boolean;
  readonly #quoter: Quoter;

  constructor(parameters: StrategyParameters, instruments: TraderInstruments) {
    const { halfSpread, minSpread, baseQty, priceUpdateThreshold, positionSkewFactor, quoteRefreshNanos } = parameters;
    const { tickUnits } = instruments;
    this.#lots = instruments.lots;
    this.#halfTicks = tickUnits.map((units) => halfSpread / units);
    this.#halfMinTicks = tickUnits.map((units) => minSpread / 2 / units);
    this.#baseQty = baseQty;
    this.#skew = positionSkewFactor;
    this.#passive = parameters['passive'] === 1;
    this.#quoter = new Quoter(instruments, tickUnits.map((units) => priceUpdateThreshold / units), quoteRefreshNanos);
  }

  onMarketData(book: number, desk: Desk): void {
    if (!desk.trading) return;
    const { features } = desk;
    if (!features.known(book)) return this.#quoter.withdraw(desk, book);
    const fair = features.fairTicks(book);
    const widened = this.#halfTicks[book] * (1 + IMBALANCE_WIDENING * Math.abs(features.imbalance(book)));
    const half = Math.max(widened, this.#halfMinTicks[book]);
    let bid = bidTicksOf(fair - half);
    let ask = askTicksOf(fair + half);
    if (this.#passive) {
      bid = Math.min(bid, features.askTicks(book) - 1);
      ask = Math.max(ask, features.bidTicks(book) + 1);
    }
    const bidQty = this.#qty(desk, book, Side.Buy);
    this.#quoter.want(desk, book, bid, bidQty, ask, this.#qty(desk, book, Side.Sell));
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

  /** Lots of a side: r is positive where the side adds to the position. */
  #qty(desk: Desk, book: number, side: number): number {
    const maxPosition = desk.maxPosition(book);
    const position = desk.positions.position(book);
    const room = roomOf(side, position, maxPosition);
    if (room === 0) return 0;
    const base = Math.min(this.#baseQty, desk.maxOrderQty(book));
    // Below 1: at the maximum there is no room.
    const r = Math.max((side * position) / maxPosition, 0);
    return wholeLots(Math.min(base * (1 - this.#skew * r), room), this.#lots[book]);
  }
}

export const marketMaker: StrategyDefinition = {
  name: 'market-maker',
  about: 'quotes both sides around the fair value, smaller where it would add to its position',
  parameters: PARAMETERS,
  create: (parameters, instruments) => new MarketMaker(parameters, instruments),
};
