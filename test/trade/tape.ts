// A tape of what happened to a strategy runner: every event with its time, and what the market was
// when it was looked at. Played to a fresh runner it must lead to the same requests.
//
// A poll that did nothing is left out: thousands of them lie between two events.
import { RunnerState, StrategyRunner, type MarketTop, type StrategyRunnerOptions } from '../../src/trader/strategy_runner.ts';
import type { OrderSink } from '../../src/trader/order_manager.ts';
import type { Trader } from '../../src/trader/trader.ts';

const EVENTS = [
  'onUpdate', 'onClear', 'onTrade', 'onFresh', 'onResponse', 'onConnected', 'onDisconnected', 'poll', 'stop',
] as const;
type EventName = (typeof EVENTS)[number];

interface TapedEvent {
  readonly name: EventName;
  readonly args: readonly unknown[];
  /** Answers of the market, in the order in which they were asked for. */
  readonly looks: number[][];
}

export class Tape {
  readonly events: TapedEvent[] = [];
  readonly startNs: number;
  #looks: number[][] = [];

  /** Listens to a trader from now on, which is before its first poll. */
  constructor(trader: Trader) {
    const { runner, view } = trader;
    this.startNs = runner.nowNs;
    const readTop = view.readTop.bind(view);
    view.readTop = (book) => {
      const known = readTop(book);
      this.#looks.push([view.bidTicks, view.bidQty, view.askTicks, view.askQty]);
      return known;
    };
    const depthQty = view.depthQty.bind(view);
    view.depthQty = (book, side, toTicks) => {
      const qty = depthQty(book, side, toTicks);
      this.#looks.push([qty]);
      return qty;
    };
    for (const name of EVENTS) this.#listenTo(runner, name);
  }

  #listenTo(runner: StrategyRunner, name: EventName): void {
    const call = (runner[name] as (...args: unknown[]) => unknown).bind(runner);
    const taped = (...args: unknown[]): unknown => {
      this.#looks = [];
      const looks = this.#looks;
      const stopping = runner.state === RunnerState.Stopping;
      const result = call(...args);
      if (name !== 'poll' || result !== 0 || stopping) this.events.push({ name, args, looks });
      return result;
    };
    Object.defineProperty(runner, name, { value: taped });
  }

  /** The same events for a runner of its own, with the trader's defaults. */
  play(options: Omit<StrategyRunnerOptions, 'market' | 'sink'>): StrategyRunner {
    const market = new TapedMarket();
    const runner = new StrategyRunner({ markWithLast: true, ...options, market, sink: EVERYTHING });
    runner.start(this.startNs);
    for (const { name, args, looks } of this.events) {
      market.looks = looks;
      market.next = 0;
      (runner[name] as (...args: readonly unknown[]) => unknown)(...args);
    }
    return runner;
  }
}

/** Takes every request. */
const EVERYTHING: OrderSink = {
  newOrder: () => true, cancel: () => true, modify: () => true, massCancel: () => true,
};

class TapedMarket implements MarketTop {
  looks: readonly number[][] = [];
  next = 0;
  bidTicks = 0;
  bidQty = 0;
  askTicks = 0;
  askQty = 0;

  readTop(): boolean {
    [this.bidTicks, this.bidQty, this.askTicks, this.askQty] = this.#look();
    return true;
  }

  depthQty(): number {
    return this.#look()[0];
  }

  #look(): number[] {
    const look = this.looks[this.next++];
    if (look === undefined) throw new Error('the runner looks at the market more often than on the tape');
    return look;
  }
}
