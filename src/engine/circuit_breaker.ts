// A circuit breaker: stops new orders when one of three measures goes wrong within a window of event
// time, and lets them through again by rule.
//
//              measure beyond its threshold                 cooldown over
//   closed ──────────────────────────────► open ──────────────────────────► half-open
//     ▲                                     ▲                                   │ `probes` orders may pass
//     │                                     └───────── one of them fails ───────┤
//     └───────────────────────────────────────────── all of them have succeeded ┘
//
//   error-rate   refused orders ÷ answered orders in the window ≥ threshold
//   loss         highest profit of the window − profit now ≥ threshold, in doubled portfolio money
//   latency      samples above `limitNs` ÷ samples in the window ≥ threshold
//
// The window is BUCKETS buckets of event time that are overwritten in turn: the bucket of now and the
// ones before it, so between (BUCKETS − 1)/BUCKETS and the whole of `windowNs`. Ratios count from
// `minimum` observations on: one refused order of one is not an error rate.
//
// A probe is an order let through while half-open. It succeeds when it is accepted. The breaker opens
// again when a probe is refused (error-rate; to the others a refusal says nothing, another order may try),
// when a latency sample comes in above the limit, or when the loss since the half-opening reaches the
// threshold. Every further opening in a row waits twice as long, up to `cooldownMaxNs`; closing forgets
// that. No more than `probes` are under way; one that is never answered is given up when the cooldown has
// passed since the last one was sent.
//
// Time comes in with every call and is event time, so a replay of the same inputs opens and closes at the
// same places (KNOWN_MISTAKES 29). Cost: a few loads and stores a call, a sum over the buckets when an
// observation could open it. No allocation after the constructor.
import { assert } from '../base/assert.ts';

export const BreakerState = { Closed: 0, Open: 1, HalfOpen: 2 } as const;
export type BreakerState = (typeof BreakerState)[keyof typeof BreakerState];

export const BREAKER_STATE_TEXT = ['closed', 'open', 'half-open'] as const;

export type BreakerMeasure = 'error-rate' | 'loss' | 'latency';

export interface BreakerRule {
  readonly measure: BreakerMeasure;
  /** A share 0 … 1 (error-rate, latency), or portfolio money, doubled as profits are (loss). At or above it, it opens. */
  readonly threshold: number;
  /** Of latency only: samples above it count as slow. */
  readonly limitNs: number;
  readonly windowNs: number;
  /** Observations below which a share means nothing; not of loss. */
  readonly minimum: number;
  /** From the opening to the first probe. */
  readonly cooldownNs: number;
  readonly cooldownMaxNs: number;
  /** Orders that must succeed in a row to close it, and that may be under way at once. */
  readonly probes: number;
}

/** A sixteenth of the window is how late it forgets. */
export const BUCKETS = 16;
/** Older than every bucket, so never inside a window. */
const BUCKET_NONE = -Infinity;
/** No profit was seen in this bucket. */
const PROFIT_NONE = -Infinity;

export class CircuitBreaker {
  readonly rule: BreakerRule;
  state: BreakerState = BreakerState.Closed;
  /** Times that it has opened. */
  openings = 0;
  /** The value that opened it last: a share, or money lost. */
  openedBy = 0;
  /** Event time of the last change of state. */
  changedNs = 0;

  readonly #bucketNs: number;
  /** Which bucket of all time each slot holds, BUCKET_NONE for none. */
  readonly #numbers = new Float64Array(BUCKETS).fill(BUCKET_NONE);
  /** Bad observations, or the highest profit. */
  readonly #bad = new Float64Array(BUCKETS);
  readonly #all = new Float64Array(BUCKETS);
  #cooldownNs: number;
  #probesOut = 0;
  #probesGood = 0;
  /** When the last probe was sent. */
  #probedNs = 0;
  #profit = 0;
  #profitAtHalfOpen = 0;

  constructor(rule: BreakerRule) {
    assert(rule.windowNs >= BUCKETS, 'every bucket of a window is some time long');
    assert(rule.probes >= 1, 'a breaker closes after at least one probe');
    assert(rule.cooldownMaxNs >= rule.cooldownNs, 'the longest cooldown is not below the first');
    this.rule = rule;
    this.#bucketNs = Math.ceil(rule.windowNs / BUCKETS);
    this.#cooldownNs = rule.cooldownNs;
  }

  /** May a new order pass now? Turns open into half-open when the time has come. */
  allows(nowNs: number): boolean {
    this.onTime(nowNs);
    if (this.state === BreakerState.Closed) return true;
    return this.state === BreakerState.HalfOpen && this.#probesOut < this.rule.probes - this.#probesGood;
  }

  /** An order that `allows` let through goes out. True: it is a probe, whose answer must be told. */
  onSent(nowNs: number): boolean {
    if (this.state !== BreakerState.HalfOpen) return false;
    this.#probesOut += 1;
    this.#probedNs = nowNs;
    return true;
  }

  /**
   * An order was answered. `probe`: what `onSent` said of it; of a probe of an earlier half-opening nothing
   * is concluded but its share of the errors.
   */
  onAnswer(refused: boolean, probe: boolean, nowNs: number): void {
    this.onTime(nowNs);
    if (probe && this.state === BreakerState.HalfOpen && this.#probesOut > 0) {
      this.#probesOut -= 1;
      if (refused && this.rule.measure === 'error-rate') return this.#open(1, nowNs);
      if (refused) return;
      this.#probesGood += 1;
      if (this.#probesGood >= this.rule.probes) this.#close(nowNs);
      return;
    }
    if (this.rule.measure === 'error-rate' && this.state === BreakerState.Closed) {
      this.#count(refused ? 1 : 0, nowNs);
    }
  }

  /** Profit of the whole portfolio, realised and unrealised, in doubled portfolio money. */
  onProfit(money: number, nowNs: number): void {
    if (this.rule.measure !== 'loss') return;
    this.onTime(nowNs);
    this.#profit = money;
    if (this.state === BreakerState.Open) return;
    if (this.state === BreakerState.HalfOpen) {
      const lost = this.#profitAtHalfOpen - money;
      if (lost >= this.rule.threshold) this.#open(lost, nowNs);
      return;
    }
    const slot = this.#slot(nowNs);
    if (money > this.#bad[slot]) this.#bad[slot] = money;
    const lost = this.#highest(nowNs) - money;
    if (lost >= this.rule.threshold) this.#open(lost, nowNs);
  }

  /** A measured time from the call to its effect. */
  onLatency(latencyNs: number, nowNs: number): void {
    if (this.rule.measure !== 'latency') return;
    this.onTime(nowNs);
    const slow = latencyNs > this.rule.limitNs;
    if (this.state === BreakerState.HalfOpen && slow) return this.#open(1, nowNs);
    if (this.state === BreakerState.Closed) this.#count(slow ? 1 : 0, nowNs);
  }

  /** Time has passed: an open breaker half-opens after its cooldown, probes without an answer are given up. */
  onTime(nowNs: number): void {
    if (this.state === BreakerState.Open && nowNs - this.changedNs >= this.#cooldownNs) {
      this.#enter(BreakerState.HalfOpen, nowNs);
      this.#profitAtHalfOpen = this.#profit;
    } else if (this.state === BreakerState.HalfOpen && nowNs - this.#probedNs >= this.#cooldownNs) {
      this.#probesOut = 0;
    }
  }

  /** Closed and without a memory, as at the start; `openings` stays. */
  reset(nowNs: number): void {
    this.#close(nowNs);
  }

  /** Observations of the window and how many of them are bad (of loss: the highest profit, and 0). */
  window(nowNs: number): { bad: number; all: number } {
    if (this.rule.measure === 'loss') return { bad: this.#highest(nowNs), all: 0 };
    return { bad: this.#sum(this.#bad, nowNs), all: this.#sum(this.#all, nowNs) };
  }

  /** What decides its future, as numbers, for a hash of the state. */
  forEachNumber(visit: (value: number) => void): void {
    for (const value of [
      this.state, this.openings, this.changedNs, this.#cooldownNs, this.#probesOut, this.#probesGood,
      this.#probedNs, this.#profit, this.#profitAtHalfOpen,
    ]) visit(value);
    for (let slot = 0; slot < BUCKETS; slot++) {
      visit(this.#numbers[slot]);
      visit(this.#bad[slot]);
      visit(this.#all[slot]);
    }
  }

  checkInvariants(): void {
    assert(this.#probesOut >= 0, 'no fewer than no probes are under way');
    assert(this.#probesOut + this.#probesGood <= this.rule.probes, 'no more probes than the rule has');
    assert(this.#cooldownNs <= this.rule.cooldownMaxNs, 'no cooldown is above the longest');
    assert(this.state === BreakerState.HalfOpen || this.#probesOut === 0, 'probes are a matter of half-open');
    for (let slot = 0; slot < BUCKETS; slot++) {
      const number = this.#numbers[slot];
      if (number === BUCKET_NONE) continue;
      assert(number % BUCKETS === slot, 'a bucket stands in its slot');
      if (this.rule.measure !== 'loss') assert(this.#bad[slot] <= this.#all[slot], 'bad ones are some of all');
    }
  }

  #count(bad: number, nowNs: number): void {
    const slot = this.#slot(nowNs);
    this.#all[slot] += 1;
    this.#bad[slot] += bad;
    if (bad === 0) return;
    const all = this.#sum(this.#all, nowNs);
    if (all < this.rule.minimum) return;
    const share = this.#sum(this.#bad, nowNs) / all;
    if (share >= this.rule.threshold) this.#open(share, nowNs);
  }

  /** The slot of the bucket of now, emptied when it held an older one. */
  #slot(nowNs: number): number {
    const number = Math.floor(nowNs / this.#bucketNs);
    const slot = number % BUCKETS;
    if (this.#numbers[slot] !== number) {
      this.#numbers[slot] = number;
      this.#all[slot] = 0;
      this.#bad[slot] = this.rule.measure === 'loss' ? PROFIT_NONE : 0;
    }
    return slot;
  }

  #sum(counts: Float64Array, nowNs: number): number {
    const oldest = Math.floor(nowNs / this.#bucketNs) - BUCKETS + 1;
    let sum = 0;
    for (let slot = 0; slot < BUCKETS; slot++) if (this.#numbers[slot] >= oldest) sum += counts[slot];
    return sum;
  }

  #highest(nowNs: number): number {
    const oldest = Math.floor(nowNs / this.#bucketNs) - BUCKETS + 1;
    let highest = PROFIT_NONE;
    for (let slot = 0; slot < BUCKETS; slot++) {
      if (this.#numbers[slot] >= oldest && this.#bad[slot] > highest) highest = this.#bad[slot];
    }
    return highest;
  }

  #open(value: number, nowNs: number): void {
    if (this.state === BreakerState.HalfOpen) {
      this.#cooldownNs = Math.min(2 * this.#cooldownNs, this.rule.cooldownMaxNs);
    }
    this.openings += 1;
    this.openedBy = value;
    this.#enter(BreakerState.Open, nowNs);
  }

  #close(nowNs: number): void {
    this.#cooldownNs = this.rule.cooldownNs;
    this.#numbers.fill(BUCKET_NONE);
    this.#enter(BreakerState.Closed, nowNs);
  }

  #enter(state: BreakerState, nowNs: number): void {
    this.state = state;
    this.changedNs = nowNs;
    this.#probesOut = 0;
    this.#probesGood = 0;
  }
}
