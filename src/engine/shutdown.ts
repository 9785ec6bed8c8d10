// The end of an engine, in steps that a turn takes one after the other; nothing waits.
//
//   Draining   nothing new is taken but cancels; what is queued takes effect
//   Leaving    by policy: cancel all orders and wait for their ends; keep them; or cancel, then trade
//              every position away, with immediate orders at the touch, again and again
//   Ending     last inputs, last sync, last events; the venue is closed
//
// Each step has until the deadline, together; then the next is taken with what is left, and the report says
// so. Order matters: an order that was handed in before `stop` is placed, and then cancelled, like any other.
import type { ShutdownPolicy } from './config.ts';
import { Control, Input } from './inputs.ts';
import type { Intake } from './intake.ts';
import type { Processor } from './processor.ts';
import { Phase, type SharedState } from './shared_state.ts';

export interface ShutdownReport {
  readonly policy: ShutdownPolicy;
  /** Everything the policy asks for was done before the deadline. */
  readonly complete: boolean;
  /** Inputs that were still queued when `stop` was called, and have taken effect. */
  readonly drained: number;
  /** Inputs that were not looked at any more. */
  readonly lost: number;
  /** Orders that are still open (of `keep`: on purpose). */
  readonly openOrders: number;
  /** Positions that are not flat, by symbol. */
  readonly positions: Readonly<Record<string, number>>;
}

const Step = { Draining: 0, Leaving: 1, Ending: 2, Ended: 3 } as const;
type Step = (typeof Step)[keyof typeof Step];

/** Between two attempts to trade positions away at a venue at a wire: its answers take that long. */
const FLATTEN_INTERVAL_NS = 20_000_000;

export class Shutdown {
  readonly policy: ShutdownPolicy;
  readonly #deadlineNs: number;
  readonly #processor: Processor;
  readonly #intake: Intake;
  readonly #shared: SharedState;
  readonly #inputsBefore: number;
  #step: Step = Step.Draining;
  #complete = true;
  #drained = 0;
  #lost = 0;
  #nextFlattenNs = 0;

  constructor(
    policy: ShutdownPolicy, deadlineNs: number, processor: Processor, intake: Intake, shared: SharedState,
  ) {
    this.policy = policy;
    this.#deadlineNs = deadlineNs;
    this.#processor = processor;
    this.#intake = intake;
    this.#shared = shared;
    this.#inputsBefore = processor.inputs;
    shared.phase = Phase.Draining;
  }

  get ended(): boolean {
    return this.#step === Step.Ended;
  }

  /** As far as it comes now. True: it has ended, the turn tells the last events. */
  advance(nowNs: number): boolean {
    const late = nowNs >= this.#deadlineNs;
    if (this.#step === Step.Draining) {
      if (!this.#intake.idle && !late) return false;
      this.#complete &&= this.#intake.idle;
      this.#drained = this.#processor.inputs - this.#inputsBefore;
      const control = this.policy === 'keep' ? Control.StopKeep : Control.StopCancel;
      this.#processor.applyOwn(Input.Control, control, 0, nowNs);
      this.#step = Step.Leaving;
    }
    if (this.#step === Step.Leaving) {
      const left = this.#leave(nowNs);
      if (!left && !late) return false;
      this.#complete &&= left;
      this.#step = Step.Ending;
      // The turn tells what that has changed; the end is told after it.
      return false;
    }
    if (this.#step === Step.Ending) {
      this.#shared.phase = Phase.Closed;
      // Cancels that came in the meantime; nobody can add to them now.
      if (!late) while (this.#intake.poll(nowNs) > 0);
      this.#lost = this.#intake.queued;
      this.#processor.applyOwn(Input.Control, Control.StopEnd, 0, nowNs);
      this.#step = Step.Ended;
    }
    return true;
  }

  report(): ShutdownReport {
    const { runner, symbols } = this.#processor;
    const held: [symbol: string, position: number][] = [];
    for (let book = 0; book < symbols.count; book++) {
      const position = runner.positions.position(book);
      if (position !== 0) held.push([symbols.symbolOf(book), position]);
    }
    return {
      policy: this.policy, complete: this.#complete, drained: this.#drained, lost: this.#lost,
      openOrders: runner.orders.liveOrders, positions: Object.fromEntries(held),
    };
  }

  /** A step towards what the policy asks for. True: no further step would help. */
  #leave(nowNs: number): boolean {
    const { runner, venue } = this.#processor;
    if (this.policy === 'keep') return true;
    // A session that is down answers nothing, so only the deadline ends this.
    if (runner.orders.liveOrders > 0) return false;
    if (this.policy === 'cancel' || this.#grossQty() === 0) return true;
    if (nowNs < this.#nextFlattenNs) return false;
    this.#nextFlattenNs = nowNs + FLATTEN_INTERVAL_NS;
    if (venue.kind === 'exchange') {
      this.#processor.applyOwn(Input.Control, Control.Flatten, 0, nowNs);
      return false;
    }
    // The books of this process have answered at once, and nobody else comes to them any more.
    for (let before = Infinity; this.#grossQty() > 0 && this.#grossQty() < before; ) {
      before = this.#grossQty();
      this.#processor.applyOwn(Input.Control, Control.Flatten, 0, nowNs);
    }
    this.#complete &&= this.#grossQty() === 0;
    return true;
  }

  #grossQty(): number {
    const { runner, symbols } = this.#processor;
    let sum = 0;
    for (let book = 0; book < symbols.count; book++) sum += Math.abs(runner.positions.position(book));
    return sum;
  }
}
