// A trading engine whose time and turns are in the test's hand, with everything that it tells written down
// as lines of text.
import assert from 'node:assert/strict';
import { ManualClock } from '../../src/base/clock.ts';
import type { TradingEngineConfig } from '../../src/engine/config.ts';
import { EVENT_NAMES, type EngineEvents, type EventName } from '../../src/engine/events.ts';
import { TradingEngine } from '../../src/engine/trading_engine.ts';

/** Longer than any sequence of turns that comes to an end. */
const TURNS_MAX = 100_000;

/** Tables that are looked over whole after every turn. */
const SMALL: TradingEngineConfig = { ordersMax: 512, instrumentsMax: 8, venue: { kind: 'embedded', marketOrdersMax: 512 } };

export class EngineRig {
  readonly engine: TradingEngine;
  readonly clock: ManualClock;
  readonly lines: string[] = [];

  constructor(config: TradingEngineConfig = {}, names: readonly EventName[] = EVENT_NAMES) {
    this.clock = new ManualClock();
    this.engine = new TradingEngine({ loop: 'manual', clock: this.clock, ...SMALL, ...config });
    for (const name of names) this.engine.on(name, (event) => this.lines.push(lineOf(name, event)));
  }

  static async start(config: TradingEngineConfig = {}, names?: readonly EventName[]): Promise<EngineRig> {
    const rig = new EngineRig(config, names);
    await rig.engine.start();
    rig.lines.length = 0;
    return rig;
  }

  /** Turns until nothing is queued; `byMs` passes first. */
  turn(byMs = 0): void {
    this.clock.advance(byMs * 1e6);
    for (let turns = 0; ; turns++) {
      assert.ok(turns < TURNS_MAX, 'the queue is worked off');
      if (this.engine.poll(this.clock.nowNs) === 0 && this.engine.stats().queued === 0) break;
    }
    this.engine.checkInvariants();
  }

  /** The answer to a call, which turns bring. */
  async answer<T>(call: Promise<T>): Promise<T> {
    // What `placeOrder` and others do before their first await has been done; the turn brings the rest.
    this.turn();
    return call;
  }

  /** What was told since the last time. */
  take(): string[] {
    return this.lines.splice(0);
  }

  async stop(): Promise<void> {
    await this.engine.stop();
    this.engine.checkInvariants();
  }
}

/** The fields that lines show, of whichever event has them. */
interface Shown {
  readonly orderId: number;
  readonly clientOrderId?: number | string;
  readonly symbol: string;
  readonly side: string;
  readonly quantity: number;
  readonly price: string | null;
  readonly leaves: number;
  readonly executed: number;
  readonly reason: number;
  readonly reasonText: string;
  readonly by: string;
  readonly bid: string | null;
  readonly bidQuantity: number;
  readonly ask: string | null;
  readonly askQuantity: number;
  readonly state: string;
  readonly killed: boolean;
  readonly autoTrading: boolean;
  readonly connected: boolean;
  readonly fresh: boolean;
  readonly breaker: number;
  readonly measure: string;
  readonly kind: string;
  readonly during: string;
  readonly error: Error;
}

/** An event as a line; numbers that a test need not know are left out. */
export function lineOf(name: EventName, event: EngineEvents[EventName]): string {
  const e = event as unknown as Shown;
  const id = e.clientOrderId === undefined ? `#${e.orderId}` : `#${e.orderId} "${e.clientOrderId}"`;
  const order = `${name} ${id} ${e.symbol} ${e.side}`;
  switch (name) {
    case 'accepted':
      return `${order} ${e.quantity} @ ${e.price}`;
    case 'fill':
      return `${order} ${e.quantity} @ ${e.price} leaves ${e.leaves} executed ${e.executed}`;
    case 'canceled':
      return `${order} ${e.quantity} executed ${e.executed}${e.reason === 0 ? '' : ` (${e.reasonText})`}`;
    case 'rejected':
      return `${order} ${e.quantity} @ ${e.price} (${e.reason} ${e.reasonText}, ${e.by})`;
    case 'modified':
      return `${order} ${e.quantity} @ ${e.price} executed ${e.executed}`;
    case 'cancel-rejected':
    case 'modify-rejected':
      return `${name} ${id} (${e.reason} ${e.reasonText})`;
    case 'trade':
      return `trade ${e.symbol} ${e.side} ${e.quantity} @ ${e.price}`;
    case 'book':
      return `book ${e.symbol} ${e.bidQuantity} @ ${e.bid} / ${e.askQuantity} @ ${e.ask}`;
    case 'state':
      return `state ${e.state}${e.killed ? ' killed' : ''}${e.autoTrading ? '' : ' manual'}`;
    case 'venue':
      return `venue ${e.connected ? 'connected' : 'down'} ${e.fresh ? 'fresh' : 'stale'}`;
    case 'breaker':
      return `breaker ${e.breaker} ${e.measure} ${e.state}`;
    case 'alert':
      return `alert ${e.kind}`;
    case 'declared':
      return `declared ${e.symbol}`;
    case 'error':
      return `error during ${e.during}: ${e.error.message}`;
    default:
      return name;
  }
}
