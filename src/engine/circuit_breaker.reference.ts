// The circuit breaker as the text of circuit_breaker.ts reads, slow and obvious: every observation is kept
// with its time, and every question counts them again. For tests.
import { BUCKETS, BreakerState, type BreakerRule } from './circuit_breaker.ts';

interface Observation {
  readonly bucket: number;
  readonly bad: boolean;
  readonly money: number;
}

export class ReferenceBreaker {
  readonly rule: BreakerRule;
  state: BreakerState = BreakerState.Closed;
  openings = 0;
  #observations: Observation[] = [];
  #sinceNs = 0;
  #lastSentNs = 0;
  #cooldownNs: number;
  /** Of the probes of this half-opening: 'out', 'good'. */
  #probes: ('out' | 'good')[] = [];
  #profit = 0;
  #profitAtHalfOpen = 0;

  constructor(rule: BreakerRule) {
    this.rule = rule;
    this.#cooldownNs = rule.cooldownNs;
  }

  allows(nowNs: number): boolean {
    this.onTime(nowNs);
    if (this.state === BreakerState.HalfOpen) return this.#probes.length < this.rule.probes;
    return this.state === BreakerState.Closed;
  }

  onSent(nowNs: number): boolean {
    if (this.state !== BreakerState.HalfOpen) return false;
    this.#probes.push('out');
    this.#lastSentNs = nowNs;
    return true;
  }

  onAnswer(refused: boolean, probe: boolean, nowNs: number): void {
    this.onTime(nowNs);
    const place = this.#probes.indexOf('out');
    if (probe && this.state === BreakerState.HalfOpen && place >= 0) {
      if (refused && this.rule.measure === 'error-rate') return this.#open(nowNs);
      if (refused) this.#probes.splice(place, 1);
      else this.#probes[place] = 'good';
      if (this.#probes.filter((each) => each === 'good').length === this.rule.probes) this.#close(nowNs);
      return;
    }
    if (this.rule.measure !== 'error-rate' || this.state !== BreakerState.Closed) return;
    this.#observe(refused, 0, nowNs);
    if (refused) this.#judgeShare(nowNs);
  }

  onProfit(money: number, nowNs: number): void {
    if (this.rule.measure !== 'loss') return;
    this.onTime(nowNs);
    this.#profit = money;
    if (this.state === BreakerState.HalfOpen && this.#profitAtHalfOpen - money >= this.rule.threshold) this.#open(nowNs);
    else if (this.state === BreakerState.Closed) {
      this.#observe(false, money, nowNs);
      const highest = Math.max(...this.#inWindow(nowNs).map((each) => each.money));
      if (highest - money >= this.rule.threshold) this.#open(nowNs);
    }
  }

  onLatency(latencyNs: number, nowNs: number): void {
    if (this.rule.measure !== 'latency') return;
    this.onTime(nowNs);
    const slow = latencyNs > this.rule.limitNs;
    if (this.state === BreakerState.HalfOpen && slow) this.#open(nowNs);
    else if (this.state === BreakerState.Closed) {
      this.#observe(slow, 0, nowNs);
      if (slow) this.#judgeShare(nowNs);
    }
  }

  onTime(nowNs: number): void {
    if (this.state === BreakerState.Open && nowNs - this.#sinceNs >= this.#cooldownNs) {
      this.#enter(BreakerState.HalfOpen, nowNs);
      this.#profitAtHalfOpen = this.#profit;
    } else if (this.state === BreakerState.HalfOpen && nowNs - this.#lastSentNs >= this.#cooldownNs) {
      this.#probes = this.#probes.filter((each) => each === 'good');
    }
  }

  reset(nowNs: number): void {
    this.#close(nowNs);
  }

  #judgeShare(nowNs: number): void {
    const window = this.#inWindow(nowNs);
    const bad = window.filter((each) => each.bad).length;
    if (window.length >= this.rule.minimum && bad / window.length >= this.rule.threshold) this.#open(nowNs);
  }

  #observe(bad: boolean, money: number, nowNs: number): void {
    this.#observations.push({ bucket: this.#bucket(nowNs), bad, money });
  }

  #inWindow(nowNs: number): Observation[] {
    return this.#observations.filter((each) => each.bucket > this.#bucket(nowNs) - BUCKETS);
  }

  #bucket(nowNs: number): number {
    return Math.floor(nowNs / Math.ceil(this.rule.windowNs / BUCKETS));
  }

  #open(nowNs: number): void {
    if (this.state === BreakerState.HalfOpen) {
      this.#cooldownNs = Math.min(2 * this.#cooldownNs, this.rule.cooldownMaxNs);
    }
    this.openings += 1;
    this.#enter(BreakerState.Open, nowNs);
  }

  #close(nowNs: number): void {
    this.#cooldownNs = this.rule.cooldownNs;
    this.#observations = [];
    this.#enter(BreakerState.Closed, nowNs);
  }

  #enter(state: BreakerState, nowNs: number): void {
    this.state = state;
    this.#sinceNs = nowNs;
    this.#probes = [];
  }
}
