// Checks a LOBSTER recording against itself and against an engine.
//
//   transitions   the row before + the message = the row after, wherever a level is visible in both
//                 (lobster_window.ts); needs no book of ours
//   replay        the recorded orders one by one through a matching engine (lobster_orders.ts): a
//                 new order is a limit order, an execution an immediate order of the other side,
//                 so that the recorded trade really happens; after each message the engine's book
//                 must show what the row shows
//
// Levels new to the window are known from the row alone: they are counted as unseen, never as
// agreed. Once seen they must agree for as long as they stay in the window.
//
// Cost: about 2 µs a message through the core. Limits: prices up to 2^31 − 1 in dollars × 10,000,
// the engine's ticks here.
import type { Engine } from '../book/engine.ts';
import { Cmd, OrderType, Side, Stp, Tif } from '../book/types.ts';
import type { DepthLevel, EngineConfig } from '../book/types.ts';
import {
  LobsterBookRows,
  LobsterError,
  LobsterMessages,
  LobsterType,
  emptySide,
} from './lobster.ts';
import type { LobsterSide } from './lobster.ts';
import { LobsterOrders } from './lobster_orders.ts';
import type { LobsterOrderCounts, RecordedOrder, RecordedOrderSink } from './lobster_orders.ts';
import { compareSides, copySide, visibleChange, visibleLimit } from './lobster_window.ts';

/** The engine's ticks are i32. */
const PRICE_MAX = 0x7fff_ffff;

/** What an engine for a replay must hold. */
export const LOBSTER_ENGINE_CONFIG: EngineConfig = {
  instruments: [{ minPrice: 1, maxPrice: PRICE_MAX }],
  // One day of a busy stock leaves some ten thousand orders behind at most.
  ordersMax: 1 << 18,
  levelsMax: 1 << 16,
  stp: Stp.None,
};

/** Differences kept for people to read; all are counted. */
const DIFFERENCES_MAX = 10;
const PROGRESS_ROWS = 4_096;
const RESTING_CLIENT = 1;
const AGGRESSOR_CLIENT = 2;

export interface LobsterDifference {
  /** Line of both files. */
  readonly line: number;
  /** What was compared: two rows, or the engine's book with the row. */
  readonly by: 'transition' | 'engine';
  readonly side: number;
  readonly price: number;
  readonly expected: number;
  readonly was: number;
}

export interface LobsterReport {
  messages: number;
  levelsPerSide: number;
  /** Indexed by LobsterType. */
  readonly messagesByType: number[];
  transitions: number;
  transitionsAgreed: number;
  /** Transitions with a level new to the window. */
  transitionsWithUnseen: number;
  /** Filled in when an engine took part. */
  engine: LobsterEngineReport | null;
  readonly differences: LobsterDifference[];
}

export interface LobsterEngineReport {
  rowsCompared: number;
  rowsAgreed: number;
  /** Levels of rows that were seen whole: compared with the engine's. */
  levelsCompared: number;
  levelsAgreed: number;
  /** Levels new to the window, taken from the row. */
  levelsUnseen: number;
  trades: number;
  tradedQty: number;
  /** Executions of visible orders whose whole quantity traded at the recorded price. */
  executions: number;
  executionsAgreed: number;
  rejects: number;
  ordersLive: number;
  orders: LobsterOrderCounts;
}

export interface LobsterCheckOptions {
  messagesPath: string;
  bookPath: string;
  /** Made with LOBSTER_ENGINE_CONFIG; without one only the transitions are checked. */
  engine?: Engine;
  /** Called now and then with the rows done. */
  onProgress?: (rows: number) => void;
}

/** True when nothing disagreed. */
export function lobsterAgrees(report: LobsterReport): boolean {
  const { engine } = report;
  return (
    report.transitionsAgreed === report.transitions &&
    (engine === null ||
      (engine.rowsAgreed === engine.rowsCompared &&
        engine.executionsAgreed === engine.executions &&
        engine.rejects === 0 &&
        engine.orders.misfits === 0))
  );
}

/** Reads both files once. Throws a LobsterError where a file is not what it should be. */
export function checkLobster(options: LobsterCheckOptions): LobsterReport {
  const messages = new LobsterMessages(options.messagesPath);
  const rows = new LobsterBookRows(options.bookPath);
  try {
    return new LobsterCheck(messages, rows, options.engine ?? null).run(options.onProgress);
  } finally {
    messages.close();
    rows.close();
  }
}

class LobsterCheck {
  readonly #messages: LobsterMessages;
  readonly #rows: LobsterBookRows;
  readonly #replay: EngineReplay | null;
  readonly #report: LobsterReport;
  #asksBefore: LobsterSide = emptySide(0);
  #bidsBefore: LobsterSide = emptySide(0);

  constructor(messages: LobsterMessages, rows: LobsterBookRows, engine: Engine | null) {
    this.#messages = messages;
    this.#rows = rows;
    this.#replay = engine === null ? null : new EngineReplay(engine, messages);
    this.#report = {
      messages: 0,
      levelsPerSide: 0,
      messagesByType: Array.from<number>({ length: LobsterType.Halt + 1 }).fill(0),
      transitions: 0,
      transitionsAgreed: 0,
      transitionsWithUnseen: 0,
      engine: this.#replay?.report ?? null,
      differences: [],
    };
  }

  run(onProgress?: (rows: number) => void): LobsterReport {
    const report = this.#report;
    while (this.#nextRow()) {
      report.messages++;
      report.messagesByType[this.#messages.type]++;
      if (report.messages === 1) this.#firstRow();
      else this.#compareTransition();
      if (this.#replay !== null) this.#compareEngine(this.#replay);
      copySide(this.#rows.asks, this.#asksBefore);
      copySide(this.#rows.bids, this.#bidsBefore);
      if (report.messages % PROGRESS_ROWS === 0) onProgress?.(report.messages);
    }
    this.#replay?.finish();
    return report;
  }

  /** One message and its row; both files must end together. */
  #nextRow(): boolean {
    const messages = this.#messages;
    const rows = this.#rows;
    const hasMessage = messages.next();
    const hasRow = rows.next();
    if (hasMessage && !hasRow) {
      throw new LobsterError(
        rows.path,
        rows.line + 1,
        `expected a row for ${messages.path}:${messages.line}, was the end of the file`,
      );
    }
    if (hasRow && !hasMessage) {
      throw new LobsterError(
        messages.path,
        messages.line + 1,
        `expected a message for ${rows.path}:${rows.line}, was the end of the file`,
      );
    }
    return hasRow;
  }

  #firstRow(): void {
    const { levelsMax } = this.#rows;
    this.#report.levelsPerSide = levelsMax;
    this.#asksBefore = emptySide(levelsMax);
    this.#bidsBefore = emptySide(levelsMax);
  }

  #compareTransition(): void {
    const report = this.#report;
    const { price, direction } = this.#messages;
    const { asks, bids, levelsMax } = this.#rows;
    const change = visibleChange(this.#messages);
    const ask = compareSides(
      this.#asksBefore,
      asks,
      levelsMax,
      1,
      price,
      direction < 0 ? change : 0,
    );
    const bid = compareSides(
      this.#bidsBefore,
      bids,
      levelsMax,
      -1,
      price,
      direction > 0 ? change : 0,
    );
    report.transitions++;
    if (ask.unseen + bid.unseen > 0) report.transitionsWithUnseen++;
    if (ask.difference === null && bid.difference === null) {
      report.transitionsAgreed++;
      return;
    }
    if (ask.difference !== null)
      this.#differ(
        'transition',
        Side.Sell,
        ask.difference.price,
        ask.difference.expected,
        ask.difference.was,
      );
    if (bid.difference !== null)
      this.#differ(
        'transition',
        Side.Buy,
        bid.difference.price,
        bid.difference.expected,
        bid.difference.was,
      );
  }

  #compareEngine(replay: EngineReplay): void {
    replay.step(this.#rows);
    // The first row is where the engine's book comes from.
    if (this.#report.messages === 1) return;
    const { asks, bids, levelsMax } = this.#rows;
    const depth = replay.engine.depth(0, levelsMax);
    const asksAgree = this.#compareEngineSide(
      replay.report,
      Side.Sell,
      depth.asks,
      asks,
      this.#asksBefore,
    );
    const bidsAgree = this.#compareEngineSide(
      replay.report,
      Side.Buy,
      depth.bids,
      bids,
      this.#bidsBefore,
    );
    replay.report.rowsCompared++;
    if (asksAgree && bidsAgree) replay.report.rowsAgreed++;
  }

  #compareEngineSide(
    report: LobsterEngineReport,
    side: number,
    depth: readonly DepthLevel[],
    row: LobsterSide,
    before: LobsterSide,
  ): boolean {
    const outwards = -side;
    const limitBefore = visibleLimit(before, this.#rows.levelsMax, outwards) * outwards;
    let agrees = true;
    for (let i = 0; i < Math.max(row.levels, depth.length); i++) {
      const expected = i < row.levels ? row.size[i] : 0;
      const level = depth[i];
      const samePrice = i < row.levels && level !== undefined && level.price === row.price[i];
      const was = samePrice ? Number(level.qty) : 0;
      const seen = i >= row.levels || row.price[i] * outwards <= limitBefore;
      if (seen) report.levelsCompared++;
      else report.levelsUnseen++;
      if (samePrice && was === expected) {
        if (seen) report.levelsAgreed++;
        continue;
      }
      if (agrees)
        this.#differ(
          'engine',
          side,
          i < row.levels ? row.price[i] : level.price,
          expected,
          i < row.levels ? was : Number(level.qty),
        );
      agrees = false;
    }
    return agrees;
  }

  #differ(
    by: LobsterDifference['by'],
    side: number,
    price: number,
    expected: number,
    was: number,
  ): void {
    const { differences } = this.#report;
    if (differences.length < DIFFERENCES_MAX)
      differences.push({ line: this.#messages.line, by, side, price, expected, was });
  }
}

/** The recorded orders as commands to an engine. */
class EngineReplay implements RecordedOrderSink {
  readonly engine: Engine;
  readonly report: LobsterEngineReport;
  readonly #messages: LobsterMessages;
  readonly #orders: LobsterOrders;
  #aggressors = 0;

  constructor(engine: Engine, messages: LobsterMessages) {
    this.engine = engine;
    this.#messages = messages;
    this.#orders = new LobsterOrders(this);
    this.report = {
      rowsCompared: 0,
      rowsAgreed: 0,
      levelsCompared: 0,
      levelsAgreed: 0,
      levelsUnseen: 0,
      trades: 0,
      tradedQty: 0,
      executions: 0,
      executionsAgreed: 0,
      rejects: 0,
      ordersLive: 0,
      orders: this.#orders.counts,
    };
  }

  step(row: LobsterBookRows): void {
    this.#orders.step(this.#messages, row);
  }

  finish(): void {
    this.engine.checkInvariants();
    this.report.ordersLive = this.#orders.live;
  }

  enter(order: RecordedOrder): void {
    const id = BigInt(order.number);
    const { side, price, open: qty } = order;
    const events = this.engine.submit({
      type: Cmd.New,
      client: RESTING_CLIENT,
      id,
      side,
      orderType: OrderType.Limit,
      tif: Tif.Gtc,
      price: this.#ticks(price),
      qty,
    });
    // An order that rests in the recording must rest here: a trade on entry is a difference that
    // the rows will show.
    if (events[0]?.type !== 'accepted') this.report.rejects++;
  }

  shrink(order: RecordedOrder, by: number): void {
    const id = BigInt(order.number);
    const events = this.engine.submit(
      order.open === 0
        ? { type: Cmd.Cancel, client: RESTING_CLIENT, id }
        : { type: Cmd.Reduce, client: RESTING_CLIENT, id, qty: by },
    );
    if (events[0]?.type === 'rejected') this.report.rejects++;
  }

  execute(side: number, price: number, qty: number): void {
    const id = BigInt(++this.#aggressors);
    const events = this.engine.submit({
      type: Cmd.New,
      client: AGGRESSOR_CLIENT,
      id,
      side: -side,
      orderType: OrderType.Limit,
      tif: Tif.Ioc,
      price: this.#ticks(price),
      qty,
    });
    let traded = 0;
    for (const event of events) {
      if (event.type === 'rejected') this.report.rejects++;
      if (event.type !== 'trade') continue;
      this.report.trades++;
      this.report.tradedQty += event.qty;
      if (event.price === price) traded += event.qty;
    }
    this.report.executions++;
    if (traded === qty) this.report.executionsAgreed++;
  }

  #ticks(price: number): number {
    if (price > PRICE_MAX) {
      throw new LobsterError(
        this.#messages.path,
        this.#messages.line,
        `expected a price of at most ${PRICE_MAX}, was ${price}`,
      );
    }
    return price;
  }
}
