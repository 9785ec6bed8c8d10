// Time and turns: everything that runs, on one thread, in an order that follows from the seed alone.
//
//   heap (time, order) ─► event ─┬─ a turn of a process: poll once, then again soon (it had work), at the
//                                │  next wake, or when its idle time is over
//                                └─ an action: a fault begins or ends, a client starts, …
//
// Processes wake each other through the network: whatever is sent wakes its receiver when it is due.
// Between any two events anything can be planned, so a kill falls between any two turns. Each process has
// a clock of its own, which begins at 0 with it and may run fast or slow.
// Promises (connecting is asynchronous) are waited for at the instant at which they were made.
//
// Order: by the heap; ties in the order of planning. Cost: a heap operation a turn.
// Limits: EVENTS_MAX events a run, PROMISES_TRIES_MAX rounds of promises.
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Prng } from '../base/prng.ts';
import { DueTimes } from '../net/due_times.ts';
import { EventHeap } from './event_heap.ts';

/** A run that makes more has got stuck in itself: a long one makes some 50,000. */
const EVENTS_MAX = 3_000_000;
const PROMISES_TRIES_MAX = 1_000;
/** A turn with work is followed by the next one after 1 to so many nanoseconds. */
const STEP_NS_MAX = 20_000;

/** Time of the world: moves only from event to event. */
export class WorldClock implements Clock {
  nowNs = 0;

  refresh(): number {
    return this.nowNs;
  }

  refreshInto(target: Float64Array, index: number): void {
    target[index] = this.nowNs;
  }
}

/** The monotonic clock of one process: begins at 0 and may run at another rate. */
export class ProcessClock implements Clock {
  nowNs = 0;
  readonly #world: WorldClock;
  readonly #bornNs: number;
  readonly #rate: number;

  /** `rate` 1.001: a second here is 1.001 s of this clock. */
  constructor(world: WorldClock, rate: number) {
    this.#world = world;
    this.#bornNs = world.nowNs;
    this.#rate = rate;
  }

  refresh(): number {
    this.nowNs = Math.floor((this.#world.nowNs - this.#bornNs) * this.#rate);
    return this.nowNs;
  }

  refreshInto(target: Float64Array, index: number): void {
    target[index] = this.refresh();
  }
}

/** Something that takes turns. */
export interface Process {
  readonly name: string;
  /** Does what there is to do; returns the work done. */
  turn(): number;
  /** Without news it takes a turn this often. */
  readonly idleNs: number;
}

interface Place {
  readonly process: Process;
  /** Of the turn that is planned; Infinity: none. */
  dueNs: number;
  /** Times at which something arrives for it. */
  readonly wakes: DueTimes;
  pausedUntilNs: number;
  gone: boolean;
}

type Planned = (() => void) | Place;

export class SimWorld {
  readonly clock = new WorldClock();
  /** Events so far. */
  events = 0;
  turns = 0;
  readonly #heap = new EventHeap<Planned>();
  readonly #places = new Map<string, Place>();
  readonly #prng: Prng;
  #promises = 0;
  #failure: { readonly error: unknown } | null = null;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  get nowNs(): number {
    return this.clock.nowNs;
  }

  /** Plans an action. */
  at(timeNs: number, action: () => void): void {
    this.#heap.push(Math.max(timeNs, this.nowNs), action);
  }

  after(delayNs: number, action: () => void): void {
    this.at(this.nowNs + delayNs, action);
  }

  /** A process begins to take turns; one of the same name must have gone. */
  add(process: Process): void {
    assert(!this.#places.has(process.name), 'names of processes differ');
    this.#places.set(process.name, {
      process, dueNs: Infinity, wakes: new DueTimes(), pausedUntilNs: 0, gone: false,
    });
    this.wake(process.name, this.nowNs);
  }

  remove(name: string): void {
    const place = this.#places.get(name);
    if (place === undefined) return;
    place.gone = true;
    this.#places.delete(name);
  }

  has(name: string): boolean {
    return this.#places.has(name);
  }

  /** It takes a turn at `timeNs`, whatever turns it takes before. */
  wake(name: string, timeNs: number): void {
    const place = this.#places.get(name);
    if (place === undefined || place.dueNs === timeNs) return;
    place.wakes.add(timeNs);
    if (timeNs < place.dueNs) this.#planTurn(place, timeNs);
  }

  #planTurn(place: Place, timeNs: number): void {
    place.dueNs = timeNs;
    this.#heap.push(timeNs, place);
  }

  /** It takes no turns until then, as a process that the system has stopped. */
  pause(name: string, untilNs: number): void {
    const place = this.#places.get(name);
    if (place !== undefined) place.pausedUntilNs = Math.max(place.pausedUntilNs, untilNs);
  }

  /** Whoever was paused goes on. */
  resumeAll(): void {
    for (const place of this.#places.values()) {
      if (place.pausedUntilNs <= this.nowNs) continue;
      place.pausedUntilNs = this.nowNs;
      this.wake(place.process.name, this.nowNs);
    }
  }

  /** A promise whose end belongs to this instant. */
  async track<T>(promise: Promise<T>): Promise<T> {
    this.#promises++;
    try {
      return await promise;
    } finally {
      this.#promises--;
    }
  }

  /** Work that goes on by promises and belongs to this instant; what it throws ends the run. */
  task(promise: Promise<unknown>): void {
    this.track(promise).catch((error: unknown) => {
      this.#failure ??= { error };
    });
  }

  /** Events until `untilNs`, or until `done` says so after one of them. */
  async run(untilNs: number, done: () => boolean = () => false): Promise<void> {
    await this.#settle();
    while (this.#heap.nextNs <= untilNs) {
      const { nextNs } = this.#heap;
      const planned = this.#heap.pop();
      assert(planned !== null && nextNs >= this.clock.nowNs, 'time does not go back');
      if (typeof planned === 'function' || (!planned.gone && planned.dueNs === nextNs)) {
        this.clock.nowNs = nextNs;
        this.events++;
        if (this.events > EVENTS_MAX) throw new Error(`no end after ${EVENTS_MAX} events`);
        if (typeof planned === 'function') planned();
        else this.#turn(planned);
        if (this.#promises > 0) await this.#settle();
        if (done()) return;
      }
    }
    this.clock.nowNs = Math.max(this.clock.nowNs, untilNs);
  }

  #turn(place: Place): void {
    const { nowNs } = this;
    place.dueNs = Infinity;
    if (place.pausedUntilNs > nowNs) return this.#planTurn(place, place.pausedUntilNs);
    this.turns++;
    const work = place.process.turn();
    if (place.gone) return;
    const waitNs = work > 0 ? this.#prng.between(1, STEP_NS_MAX) : place.process.idleNs;
    const nextNs = Math.min(place.wakes.after(nowNs), nowNs + waitNs);
    if (nextNs < place.dueNs) this.#planTurn(place, nextNs);
  }

  /** What was begun at this instant and waits for promises goes on. */
  async #settle(): Promise<void> {
    for (let tries = 0; this.#promises > 0; tries++) {
      if (tries > PROMISES_TRIES_MAX) throw new Error(`${this.#promises} promises do not end`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (this.#failure !== null) throw this.#failure.error;
  }
}
