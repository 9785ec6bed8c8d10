// Runs agents against time that only moves when all is quiet.
//
//   at one instant: every agent in turn, again and again, until none has work ─► clock to the next
//   instant at which something is due (a message arrives, a source has news, a timer) ─► …
//
// So a day takes as long as its events take to handle, and the same day is the same sequence of
// calls each time: nothing here depends on the machine's clock or its load.
//
// Cost: a round of all agents an instant, at least two. Limits: ROUNDS_MAX rounds an instant.
import type { Agent } from '../base/agent.ts';
import type { ManualClock } from '../base/clock.ts';

/** When something will be due next, Infinity for never. */
export interface DueSource {
  readonly nextDueNs: number;
}

export interface WorldOptions {
  readonly clock: ManualClock;
  /** In the order in which they are asked at every instant. */
  readonly agents: readonly Agent[];
  readonly sources: readonly DueSource[];
  /** Agents look at the time at least this often: heartbeats, timers of strategies. */
  readonly tickNs: number;
}

/** Rounds at one instant: agents that still find work then answer each other for ever. */
const ROUNDS_MAX = 100_000;

export class World {
  readonly #clock: ManualClock;
  readonly #agents: readonly Agent[];
  readonly #sources: readonly DueSource[];
  readonly #tickNs: number;
  /** Instants and rounds so far. */
  instants = 0;
  rounds = 0;

  constructor(options: WorldOptions) {
    if (!(options.tickNs > 0)) throw new RangeError(`tickNs was ${options.tickNs}, expected above 0`);
    this.#clock = options.clock;
    this.#agents = options.agents;
    this.#sources = options.sources;
    this.#tickNs = options.tickNs;
  }

  /** Lets everything happen that is due by now. */
  settle(): void {
    const { nowNs } = this.#clock;
    this.instants++;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      this.rounds++;
      let work = 0;
      for (const agent of this.#agents) work += agent.poll(nowNs);
      if (work === 0) return;
    }
    const names = this.#agents.map((agent) => agent.name).join(', ');
    throw new Error(`no rest at ${nowNs} ns: expected ${names} to be done within ${ROUNDS_MAX} rounds`);
  }

  /** Time of the next instant, at most `untilNs`. */
  nextInstantNs(untilNs: number): number {
    const { nowNs } = this.#clock;
    let nextNs = Math.min(untilNs, (Math.floor(nowNs / this.#tickNs) + 1) * this.#tickNs);
    for (const source of this.#sources) nextNs = Math.min(nextNs, source.nextDueNs);
    return Math.max(nextNs, nowNs);
  }

  /** One instant: moves the clock to it and settles. False when `untilNs` was reached before. */
  step(untilNs: number): boolean {
    const { nowNs } = this.#clock;
    if (nowNs >= untilNs) return false;
    this.#clock.advance(this.nextInstantNs(untilNs) - nowNs);
    this.settle();
    return true;
  }
}
