// What a process does now and then beside its loop (looks at what it takes of the machine, at who started it), in as few
// wake-ups as may be: a wake-up costs more than any of it.
//
//   a chore      earliest ├──────── any time will do ────────┤ latest
//   the loop        sleeps ─────────────────► deadline, awake: the chore is done with it
//
// Node's timers come each at a millisecond of its own. A chore names two: from the first on it is done when something else wakes
// the process (a loop that rests wakes once a second at least, and then does the chores: agent.ts), at the second it wakes
// the process itself. So chores and deadlines whose phases differ fall into step within a period or two.
//
// Order: by the latest time. Cost: one Node timer for all, set anew when the earliest "latest" has changed. Limits: a handful of
// chores, for they are walked; none of them keeps the process alive.
import { assert } from './assert.ts';

/** For what is done about once a second in a process that rests: spans the longest sleep of a loop, whatever its phase. */
const REST_EARLIEST_MS = 500;
const REST_LATEST_MS = 1_250;

interface Planned {
  readonly work: () => void;
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** What wakes and what is o'clock; tests hand in their own. */
export interface ChoreTimers {
  nowMs(): number;
  set(call: () => void, delayMs: number): NodeJS.Timeout;
  clear(timer: NodeJS.Timeout): void;
}

const NODE_TIMERS: ChoreTimers = {
  nowMs: () => performance.now(),
  set: (call, delayMs) => setTimeout(call, delayMs).unref(),
  clear: forgetTimer,
};

/** As `clearTimeout`; but of a timer that does not hold the process Node keeps the empty list, and wakes for that: so it holds first. */
export function forgetTimer(timer: NodeJS.Timeout): void {
  clearTimeout(timer.ref());
}

export class Chores {
  readonly #timers: ChoreTimers;
  #planned: Planned[] = []; // by latestMs
  #timer: NodeJS.Timeout | null = null;
  #timerMs = Infinity;

  constructor(timers: ChoreTimers = NODE_TIMERS) {
    this.#timers = timers;
  }

  /** Does `work` once, between these times from now; instead of when it was planned for, if it was. */
  plan(work: () => void, earliestMs: number, latestMs: number = earliestMs): void {
    assert(earliestMs >= 0 && latestMs >= earliestMs, 'a chore may be done before it must be');
    const nowMs = this.#timers.nowMs();
    const planned = { work, earliestMs: nowMs + earliestMs, latestMs: nowMs + latestMs };
    this.#planned = [...this.#planned.filter((other) => other.work !== work), planned].toSorted((a, b) => a.latestMs - b.latestMs);
    this.#setTimer();
  }

  /** Does `work` in about a second: with the next wake-up of a loop that rests. */
  planSeldom(work: () => void): void {
    this.plan(work, REST_EARLIEST_MS, REST_LATEST_MS);
  }

  /** It is not done any more. Idempotent. */
  drop(work: () => void): void {
    this.#planned = this.#planned.filter((other) => other.work !== work);
    this.#setTimer();
  }

  /** The process is awake: does what may be done now, each once. */
  readonly doDue = (): void => {
    const nowMs = this.#timers.nowMs();
    const due = this.#planned.filter(({ earliestMs }) => earliestMs <= nowMs);
    if (due.length > 0) this.#planned = this.#planned.filter(({ earliestMs }) => earliestMs > nowMs);
    for (const { work } of due) work();
    this.#setTimer();
  };

  readonly #rang = (): void => {
    this.#timer = null;
    this.#timerMs = Infinity;
    this.doDue();
  };

  #setTimer(): void {
    const latestMs = this.#planned.length === 0 ? Infinity : this.#planned[0].latestMs;
    if (latestMs === this.#timerMs) return;
    if (this.#timer !== null) this.#timers.clear(this.#timer);
    this.#timerMs = latestMs;
    this.#timer = latestMs === Infinity ? null : this.#timers.set(this.#rang, Math.max(1, Math.ceil(latestMs - this.#timers.nowMs())));
  }
}

/** Those of this process, as its timers are. */
export const chores = new Chores();
