// Agents, and the loop that runs several of them on one thread ("shared" mode).
//
//   turn: clock.refresh ─► agent 1 . poll ─► agent 2 . poll ─► … ─► work done?
//     yes ─► next turn at once          no ─► wait strategy: spin ─► yield ─► sleep, until news or the earliest `dueNs`
//   every EVENT_LOOP_NS at the latest ─► one turn of Node's event loop (signals, timers, Node's sockets)
//
// Order: agents run in the order given, so a message can pass a whole pipeline in one turn.
// An agent never waits, and drains at most some number of messages a poll; the turn is the unit of fairness.
// An agent that throws ends the run: a broken invariant is not run past.
// Cost: a turn without agents 30 – 60 ns, of which the clock is most; a visit to the event loop 1 – 3 µs.
import { assert } from './assert.ts';
import { chores, forgetTimer } from './chores.ts';
import type { Clock } from './clock.ts';

export interface Agent {
  /** The stage's name, as in timestamps and counters. */
  readonly name: string;
  /** Does what there is to do now, never waits; returns the work done (messages, bytes, …), 0 for none. */
  poll(nowNs: number): number;
  /**
   * When it has something to do though nothing comes, on the loop's clock; Infinity: never. Asked before each sleep, which
   * ends at the earliest of these times. An agent without it is polled every 10 ms.
   */
  dueNs?(nowNs: number): number;
  /**
   * Told before the run, for an agent that is given work from outside of the loop: `wake` then ends a sleep. It may be called at
   * any time, also amid a turn, and the next turn comes later.
   */
  wokenBy?(wake: () => void): void;
}

/**
 * What a loop does when there is no work.
 * - `spin`: asks again at once; takes a whole core for the lowest latency.
 * - `yield`: lets Node's event loop turn in between; needed by transports that live in it.
 * - `backoff`: spins, then yields, then sleeps until there is news or an agent's time has come or, where nothing can wake it,
 *   1 ms at a time. What goes by the clock (a heartbeat) ends a sleep and not the rest: the loop sleeps on behind it.
 * - `sleep`: sleeps as soon as there is no work: for processes that share a core, where whoever spins takes the time
 *   that the others need to make news. A wake-up costs some 20 µs.
 */
export type WaitStrategy = 'spin' | 'yield' | 'backoff' | 'sleep';

/** What can wake a sleeping loop before its time: a network, for one. */
export interface WakeSource {
  /** Calls `wake` from Node's event loop, once, when there is news; at once when there is some already. */
  arm(wake: () => void): void;
  /** Not any more. Idempotent. */
  disarm(): void;
}

/** Node's timers, signals and sockets wait at most this long, whatever the load: a millisecond. */
const EVENT_LOOP_NS = 1_000_000;
/** Idle turns before a backing-off loop yields: tens of µs. */
const SPIN_TURNS = 200;
/**
 * Then it yields until so long after its last work, and sleeps. A time and no number of turns: a turn of the event loop
 * takes 2 µs on one machine and 25 on another.
 */
const YIELD_NS = 2_000_000;
/**
 * What comes alone after a long sleep (a peer's heartbeat) gets less: so long, and as long again as it made the loop work. The next
 * one, if it comes soon, finds the loop with all its patience.
 */
const YIELD_ALONE_NS = 200_000;
const LONG_SLEEP_NS = 20_000_000;
/** The shortest sleep that Node's timers know, for a loop that nothing wakes. */
const SLEEP_MS = 1;
/** How soon an agent is polled again that does not say when it must be, or waits for what tells nobody. */
export const POLL_AGAIN_NS = 10_000_000;
/**
 * The longest sleep, whatever the agents say: bounds what a change from outside waits for when nobody calls `wake`, and does
 * the process's chores (chores.ts).
 */
const SLEEP_MS_MAX = 1_000;

/** When there was work last that no clock brought about, and when the last sleep began and ended. */
const Time = { Work: 0, Slept: 1, Woken: 2 } as const;

export interface AgentRunnerOptions {
  agents: readonly Agent[];
  clock: Clock;
  /** Default `backoff`. */
  wait?: WaitStrategy;
  /** True for a transport that moves bytes in turns of Node's event loop: it then gets one every turn. */
  needsEventLoop?: boolean;
  /** What wakes it when it sleeps. */
  wakeSource?: WakeSource;
  /** False: while it sleeps the process may end, if nothing else keeps it. Default true. */
  holdsProcess?: boolean;
}

export class AgentRunner {
  readonly #agents: readonly Agent[];
  readonly #clock: Clock;
  readonly #spinTurns: number; // idle turns until a yield
  readonly #yieldNs: number; // from the last work to a sleep, after the spinning
  readonly #eventLoopNs: number;
  readonly #wakeSource: WakeSource | null;
  readonly #holdsProcess: boolean;
  #state: 'new' | 'running' | 'stopping' | 'stopped' = 'new';
  #idleTurns = 0;
  // In a typed array: number fields that are written so often could be boxed anew each time.
  readonly #times = new Float64Array(3);
  #restful = false; // long enough without work to sleep
  #byClock = false; // the turn at hand ended a sleep in which no news came
  #turns = 0;
  #busyTurns = 0;
  #sleep: NodeJS.Timeout | null = null;
  #waking = false; // by a turn to come
  #resolve: () => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(options: AgentRunnerOptions) {
    assert(options.agents.length > 0, 'a runner has agents');
    this.#agents = [...options.agents];
    this.#clock = options.clock;
    const wait = options.wait ?? 'backoff';
    this.#spinTurns = wait === 'spin' ? Infinity : wait === 'backoff' ? SPIN_TURNS : 0;
    this.#yieldNs = wait === 'backoff' ? YIELD_NS : wait === 'sleep' ? 0 : Infinity;
    this.#eventLoopNs = options.needsEventLoop === true ? 0 : EVENT_LOOP_NS;
    this.#wakeSource = options.wakeSource ?? null;
    this.#holdsProcess = options.holdsProcess ?? true;
    for (const one of this.#agents) one.wokenBy?.(this.#wakeLater);
  }

  /** Turns made, and those of them in which there was work. */
  get turns(): number {
    return this.#turns;
  }

  get busyTurns(): number {
    return this.#busyTurns;
  }

  /** Runs until `stop`; rejects with what an agent threw. Once only. */
  run(): Promise<void> {
    assert(this.#state === 'new', 'a runner runs once');
    this.#state = 'running';
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      setImmediate(this.#visit);
    });
  }

  /** Ends the run after the turn at hand; idempotent. `run` resolves when it has ended. */
  stop(): void {
    if (this.#state === 'new') this.#state = 'stopped';
    if (this.#state !== 'running') return;
    this.#state = 'stopping';
    this.wake();
  }

  readonly #wakeLater = (): void => {
    if (this.#sleep === null || this.#waking) return;
    this.#waking = true;
    setImmediate(this.#wokenLater);
  };

  readonly #wokenLater = (): void => {
    this.#waking = false;
    this.wake();
  };

  /**
   * Ends a sleep before its time, with a turn at once: for who has changed from outside what agents have to do that do not notice
   * it themselves (`Agent.wokenBy`).
   */
  readonly wake = (): void => {
    if (this.#sleep === null) return;
    forgetTimer(this.#sleep);
    this.#visit();
  };

  readonly #slept = (): void => {
    this.#byClock = true;
    this.#visit();
    chores.doDue(); // behind the turn that the loop was woken for
  };

  /** One visit from Node's event loop: turns until it must have its own, or until there is nothing to do. */
  readonly #visit = (): void => {
    const slept = this.#sleep !== null;
    if (slept) {
      this.#sleep = null;
      this.#wakeSource?.disarm();
    }
    try {
      this.#turnsOfVisit(slept);
    } catch (error) {
      this.#state = 'stopped';
      this.#reject(error);
      return;
    }
    if (this.#state !== 'running') {
      this.#state = 'stopped';
      this.#resolve();
    } else if (!this.#restful) {
      setImmediate(this.#visit);
    } else {
      this.#times[Time.Slept] = this.#clock.nowNs;
      this.#sleep = setTimeout(this.#slept, this.#wakeSource === null ? SLEEP_MS : this.#sleepMs());
      if (!this.#holdsProcess) this.#sleep.unref();
      this.#wakeSource?.arm(this.wake);
    }
  };

  /** Until the first agent's time has come. */
  #sleepMs(): number {
    const now = this.#clock.nowNs;
    let due = Infinity;
    for (const agent of this.#agents) due = Math.min(due, agent.dueNs === undefined ? now + POLL_AGAIN_NS : agent.dueNs(now));
    return Math.min(Math.max(Math.ceil((due - now) / 1e6), SLEEP_MS), SLEEP_MS_MAX);
  }

  /** Time without work after which it sleeps. */
  #patienceNs(): number {
    const times = this.#times;
    if (this.#yieldNs !== YIELD_NS || times[Time.Woken] - times[Time.Slept] < LONG_SLEEP_NS) return this.#yieldNs;
    return Math.min(YIELD_NS, YIELD_ALONE_NS + Math.max(0, times[Time.Work] - times[Time.Woken]));
  }

  #turnsOfVisit(slept: boolean): void {
    const agents = this.#agents;
    const clock = this.#clock;
    const visitStart = clock.refresh();
    if (slept) this.#times[Time.Woken] = visitStart;
    let now = visitStart;
    while (this.#state === 'running') {
      let work = 0;
      for (let i = 0; i < agents.length; i += 1) work += agents[i].poll(now);
      this.#turns += 1;
      if (work > 0) {
        this.#busyTurns += 1;
        this.#restful = false;
        if (!this.#byClock) {
          this.#idleTurns = 0;
          this.#times[Time.Work] = now;
        }
      } else {
        this.#idleTurns += 1;
        if (this.#idleTurns > this.#spinTurns) {
          this.#byClock = false;
          this.#restful = now - this.#times[Time.Work] >= this.#patienceNs();
          return;
        }
      }
      this.#byClock = false;
      now = clock.refresh();
      if (now - visitStart >= this.#eventLoopNs) return;
    }
  }
}
