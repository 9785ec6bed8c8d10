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

/** An event as a line; numbers that a test need not know are left out. */
export function lineOf<K extends EventName>(name: K, event: EngineEvents[EventName]): string {
  const e = event as unknown as Record<string, unknown>;
  const id = e['clientOrderId'] === undefined ? `#${String(e['orderId'])}` : `#${String(e['orderId'])} "${String(e['clientOrderId'])}"`;
  const order = `${name} ${id} ${String(e['symbol'])} ${String(e['side'])}`;
  switch (name) {
    case 'accepted':
      return `${order} ${String(e['quantity'])} @ ${String(e['price'])}`;
    case 'fill':
      return `${order} ${String(e['quantity'])} @ ${String(e['price'])} leaves ${String(e['leaves'])} executed ${String(e['executed'])}`;
    case 'canceled':
      return `${order} ${String(e['quantity'])} executed ${String(e['executed'])}${e['reason'] === 0 ? '' : ` (${String(e['reasonText'])})`}`;
    case 'rejected':
      return `${order} ${String(e['quantity'])} @ ${String(e['price'])} (${String(e['reason'])} ${String(e['reasonText'])}, ${String(e['by'])})`;
    case 'modified':
      return `${order} ${String(e['quantity'])} @ ${String(e['price'])} executed ${String(e['executed'])}`;
    case 'cancel-rejected':
    case 'modify-rejected':
      return `${name} ${id} (${String(e['reason'])} ${String(e['reasonText'])})`;
    case 'trade':
      return `trade ${String(e['symbol'])} ${String(e['side'])} ${String(e['quantity'])} @ ${String(e['price'])}`;
    case 'book':
      return `book ${String(e['symbol'])} ${String(e['bidQuantity'])} @ ${String(e['bid'])} / ${String(e['askQuantity'])} @ ${String(e['ask'])}`;
    case 'state':
      return `state ${String(e['state'])}${e['killed'] === true ? ' killed' : ''}${e['autoTrading'] === true ? '' : ' manual'}`;
    case 'breaker':
      return `breaker ${String(e['breaker'])} ${String(e['measure'])} ${String(e['state'])}`;
    case 'alert':
      return `alert ${String(e['kind'])}`;
    case 'declared':
      return `declared ${String(e['symbol'])}`;
    case 'error':
      return `error during ${String(e['during'])}: ${String((e['error'] as Error).message)}`;
    default:
      return name;
  }
}
