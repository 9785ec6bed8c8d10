// Recorded order flow through a matching engine: its requests trade where the recording trades, and the engine's book is the
// recording's, level by level: at the end of a day of every order (ITCH, DBN), at each difference of a stream of levels
// (Binance).
import { MatchingEngine } from '../book/matching_engine.ts';
import { Cmd, type Command, type DepthLevel, OrderType, Stp, Tif } from '../book/types.ts';
import { BinanceFlow, type BinanceFlowOptions } from './binance_flow.ts';
import { type FlowRequest, type OrderFlow, RequestKind } from './order_flow.ts';
import type { MarketView } from '../book/market_view.ts';

const ORDERS_MAX = 1 << 20;
const LEVELS_MAX = 100_000;
const I32_MAX = 2 ** 31 - 1;

/** One instrument of a recording of every order, as requests, with its book at the end. */
export interface DayFlow extends OrderFlow {
  readonly counts: Readonly<Record<'messages' | 'executions' | 'outOfTurn' | 'crossing' | 'misfits', number>>;
  readonly messagesTotal: number;
  readonly book: MarketView;
  /** The exchange's price of one of the book. */
  units(price: number): number;
}

interface Figures {
  readonly trades: number;
  readonly tradedQty: number;
  /** Immediate orders that traded whole, at their price. */
  readonly whole: number;
  /** Requests that the engine refused. */
  readonly rejects: number;
  /** Levels of both sides that were compared, and those that were as recorded. */
  readonly levels: number;
  readonly levelsAgreed: number;
}

export interface DayCheck extends Figures {
  readonly flow: DayFlow;
}

export interface BinanceCheck extends Figures {
  readonly flow: BinanceFlow;
}

/** All requests of the flow through an engine of its own, compared at the end. */
export function throughEngine(flow: DayFlow): DayCheck {
  const engine = new FlowEngine();
  engine.take(flow);
  engine.compare(flow.book, (price) => flow.units(price));
  return { flow, ...engine.figures };
}

/** Reads a recording of levels, all its requests through an engine, compared at each book. */
export async function binanceThroughEngine(options: Omit<BinanceFlowOptions, 'onBook'>): Promise<BinanceCheck> {
  const engine = new FlowEngine();
  const onBook = (flow: BinanceFlow): void => {
    engine.take(flow);
    engine.compare(flow.book, (price) => price);
  };
  return { flow: await BinanceFlow.read({ ...options, onBook }), ...engine.figures };
}

class FlowEngine {
  readonly figures = { trades: 0, tradedQty: 0, whole: 0, rejects: 0, levels: 0, levelsAgreed: 0 };
  readonly #engine = new MatchingEngine({
    instruments: [{ minPrice: 0, maxPrice: I32_MAX }], ordersMax: ORDERS_MAX, stp: Stp.None,
  });

  /** Every request that the flow has. */
  take(flow: OrderFlow): void {
    const { figures } = this;
    while (flow.next()) {
      const { kind, price, qty } = flow.request;
      let wanted = qty;
      for (const event of this.#engine.submit(commandOf(flow.request))) {
        if (event.type === 'trade') {
          figures.trades++;
          figures.tradedQty += event.qty;
          if (event.price === price) wanted -= event.qty;
        } else if (event.type === 'rejected') figures.rejects++;
      }
      if (kind === RequestKind.Immediate && wanted === 0) figures.whole++;
    }
  }

  compare(book: MarketView, units: (price: number) => number): void {
    const ours = this.#engine.depth(0, LEVELS_MAX);
    const recorded = book.depth(0, LEVELS_MAX);
    for (const side of ['bids', 'asks'] as const) {
      const wanted = recorded[side];
      this.figures.levels += Math.max(wanted.length, ours[side].length);
      this.figures.levelsAgreed += wanted.filter((level, at) => isLevel(ours[side][at], level, units)).length;
    }
  }
}

function isLevel(ours: DepthLevel | undefined, recorded: DepthLevel, units: (price: number) => number): boolean {
  return ours !== undefined && ours.price === units(recorded.price) && ours.qty === recorded.qty && ours.orders === recorded.orders;
}

function commandOf({ kind, orderId, side, price, qty }: FlowRequest): Command {
  const id = BigInt(orderId);
  switch (kind) {
    case RequestKind.Cancel: return { type: Cmd.Cancel, id };
    case RequestKind.Modify: return { type: Cmd.Replace, id, price, qty, chain: true };
    default: return {
      type: Cmd.New, id, side, price, qty, orderType: OrderType.Limit, stp: Stp.None,
      tif: kind === RequestKind.Immediate ? Tif.Ioc : Tif.Gtc,
    };
  }
}
