// An instrument of a recorded day (ITCH, DBN) through a matching engine: its requests trade where the recording trades,
// and at the end the engine's book is the recording's, level by level.
import { MatchingEngine } from '../book/matching_engine.ts';
import { Cmd, type Command, type DepthLevel, OrderType, Stp, Tif } from '../book/types.ts';
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

export interface DayCheck {
  readonly flow: DayFlow;
  readonly trades: number;
  readonly tradedQty: number;
  /** Requests that the engine refused. */
  readonly rejects: number;
  /** Levels of both sides, and those that are as recorded. */
  readonly levels: number;
  readonly levelsAgreed: number;
}

/** All requests of the flow through an engine of its own. */
export function throughEngine(flow: DayFlow): DayCheck {
  const engine = new MatchingEngine({ instruments: [{ minPrice: 0, maxPrice: I32_MAX }], ordersMax: ORDERS_MAX, stp: Stp.None });
  let [trades, tradedQty, rejects] = [0, 0, 0];
  while (flow.next()) {
    for (const event of engine.submit(commandOf(flow.request))) {
      if (event.type === 'trade') {
        trades++;
        tradedQty += event.qty;
      } else if (event.type === 'rejected') rejects++;
    }
  }
  const ours = engine.depth(0, LEVELS_MAX);
  const recorded = flow.book.depth(0, LEVELS_MAX);
  let [levels, levelsAgreed] = [0, 0];
  for (const side of ['bids', 'asks'] as const) {
    const wanted = recorded[side];
    levels += Math.max(wanted.length, ours[side].length);
    levelsAgreed += wanted.filter((level, at) => isLevel(ours[side][at], level, flow)).length;
  }
  return { flow, trades, tradedQty, rejects, levels, levelsAgreed };
}

function isLevel(ours: DepthLevel | undefined, recorded: DepthLevel, flow: DayFlow): boolean {
  return ours !== undefined && ours.price === flow.units(recorded.price) && ours.qty === recorded.qty && ours.orders === recorded.orders;
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
