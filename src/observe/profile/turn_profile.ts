// The exchange's sampled profile: of the turns that bring requests one in `every` is followed with true stamps, or more where turns
// are rare: the first that begins some 10 ms after the last one followed.
//
//   idle ── begin ─► following ── executed ─► waiting ── safe ─► leaving ── end ─► idle
//                        └── nothing was requested ─► idle          (the same turn without a journal, a later one with it)
//
// All requests of a followed turn count, each under its operation, for all of them wait for the same calls. The gap to the next
// one is random between a half and one and a half times `every`, and so is the time, so that nothing periodic hides between
// samples. While a sample waits for the disk no other is begun.
//
// Bias: a stamp costs a clock's reading (20 ns with the counter, 46 without), which falls into the stage that it opens: six of
// them in a turn. `gateway_rx` is when the whole turn's bytes are there: what waited in the kernel is not known. Turns that
// come while a sample waits for the disk are never followed, so with a slow disk bursts behind it count too little. Where turns are
// now frequent and now rare, the rare ones count too much.
// Cost when it is off: the exchange compares one field with null six times a turn, whatever the turn's requests.
import { Prng } from '../../base/prng.ts';
import { PipelineProfile } from './pipeline_profile.ts';
import { EXCHANGE_PIPELINE, ExchangeStage, NOT_PASSED } from './stages.ts';
import type { Clock } from '../../base/clock.ts';
import type { SharedStats } from '../shared_stats.ts';

const State = { Idle: 0, Following: 1, Waiting: 2, Leaving: 3 } as const;

/** Of so many turns with requests one is followed, unless asked otherwise. */
export const EVERY_DEFAULT = 64;
/** A hundred samples a second, some 1 µs each: 0.01 % of a core. A busy machine has few turns, each with many requests. */
const GAP_NS = 10_000_000;

export class TurnProfile {
  readonly pipeline: PipelineProfile;
  readonly #clock: Clock;
  readonly #every: number;
  readonly #prng: Prng;
  readonly #stamps = new Float64Array(EXCHANGE_PIPELINE.stages.length);
  readonly #counts = new Float64Array(EXCHANGE_PIPELINE.operations.length);
  #state: number = State.Idle;
  #turnsToGo = 0;
  /** When the next is due in any case. In a typed array: numbers this large would be boxed in a field. */
  readonly #dueNs = new Float64Array(1);
  /** The sample may be told when the journal is so far. */
  #sequence = 0;
  #requests = 0;

  constructor(clock: Clock, stats: SharedStats | null, every = EVERY_DEFAULT, seed = 1) {
    if (!Number.isSafeInteger(every) || every < 1 || every > 2 ** 30) throw new RangeError(`every was ${every}, expected a whole number 1 … 2^30`);
    this.#clock = clock;
    this.#every = every;
    this.#prng = new Prng(seed);
    this.pipeline = new PipelineProfile(EXCHANGE_PIPELINE, stats, every);
  }

  /** Bytes may have come: whether they are requests is known when the turn is executed. */
  begin(): void {
    if (this.#state !== State.Idle || (this.#turnsToGo > 0 && this.#clock.nowNs < this.#dueNs[0])) return;
    this.#stamps.fill(NOT_PASSED);
    this.#counts.fill(0);
    this.#requests = 0;
    this.#state = State.Following;
    this.#clock.refreshInto(this.#stamps, ExchangeStage.GatewayRx);
  }

  /** Whether the requests of this turn are to be counted. */
  get following(): boolean {
    return this.#state === State.Following;
  }

  /** A turn with requests has gone by. */
  passed(): void {
    if (this.#state === State.Idle) this.#turnsToGo -= 1;
  }

  count(operation: number): void {
    this.#counts[operation] += 1;
    this.#requests += 1;
  }

  sequenced(): void {
    if (this.#state === State.Following) this.#clock.refreshInto(this.#stamps, ExchangeStage.Sequenced);
  }

  /** The turn's commands are executed; they stand in the journal up to `sequence`. */
  executed(sequence: number): void {
    if (this.#state !== State.Following) return;
    if (this.#requests === 0) {
      this.#state = State.Idle;
      return;
    }
    this.#clock.refreshInto(this.#stamps, ExchangeStage.Matched);
    this.#sequence = sequence;
    this.#state = State.Waiting;
  }

  /** There is no journal: what is matched may be told. */
  unjournaled(): void {
    if (this.#state === State.Waiting) this.#state = State.Leaving;
  }

  /** The journal is safe up to `released`. */
  safe(released: number): void {
    if (this.#state !== State.Waiting || released < this.#sequence) return;
    this.#clock.refreshInto(this.#stamps, ExchangeStage.Journaled);
    this.#state = State.Leaving;
  }

  feedSent(): void {
    if (this.#state === State.Leaving) this.#clock.refreshInto(this.#stamps, ExchangeStage.FeedTx);
  }

  /** The turn's answers have left. */
  end(): void {
    if (this.#state !== State.Leaving) return;
    this.#clock.refreshInto(this.#stamps, ExchangeStage.ResponseTx);
    this.pipeline.commit(this.#stamps, this.#counts);
    this.#state = State.Idle;
    this.#turnsToGo = this.#every === 1 ? 0 : (this.#every >>> 1) + this.#prng.below(this.#every) - 1;
    this.#dueNs[0] = this.#stamps[ExchangeStage.ResponseTx] + GAP_NS / 2 + this.#prng.below(GAP_NS);
  }
}
