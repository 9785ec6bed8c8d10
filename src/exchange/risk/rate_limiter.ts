// How fast accounts may send: so many messages at once and so many a second, by a token bucket each,
// told as the time when it will be full again.
//
//   full at ──────► a message moves it on by its cost, 1 s / rate
//   refused when the bucket has no message left: full at − now > (rate − 1) × cost
//
// One number an account and bucket, no timer, no division. Whole nanoseconds, so that sums are exact; a
// cost is rounded down, which for 300,000 a second is 0.01 % more. Time is handed in and monotonic: a
// clock that somebody sets neither opens nor closes it. Cost: three loads and a store.
import { assert } from '../../base/assert.ts';

const SECOND_NS = 1e9;
/** A message a hundred nanoseconds: faster than anything here. */
export const RATE_MAX = 10_000_000;

export class RateLimiter {
  /** When each account's bucket will be full. */
  readonly #fullAtNs: Float64Array;
  /** Time that a message is worth; 0 = no limit. */
  readonly #costNs: Float64Array;
  /** What a bucket with one message left lacks. */
  readonly #slackNs: Float64Array;

  constructor(accountsMax: number) {
    this.#fullAtNs = new Float64Array(accountsMax);
    this.#costNs = new Float64Array(accountsMax);
    this.#slackNs = new Float64Array(accountsMax);
  }

  /** Messages at once and a second; 0: any number. The bucket is full. */
  set(account: number, perSecond: number): void {
    assert(perSecond >= 0 && perSecond <= RATE_MAX, 'a rate that nanoseconds can tell');
    const costNs = perSecond === 0 ? 0 : Math.floor(SECOND_NS / perSecond);
    this.#costNs[account] = costNs;
    this.#slackNs[account] = costNs * (perSecond - 1);
    this.#fullAtNs[account] = 0;
  }

  /** True when a message may come now. */
  has(account: number, nowNs: number): boolean {
    return this.#fullAtNs[account] - nowNs <= this.#slackNs[account];
  }

  /** Takes a message; false: it came too soon, and does not count. */
  take(account: number, nowNs: number): boolean {
    const costNs = this.#costNs[account];
    if (costNs === 0) return true;
    if (!this.has(account, nowNs)) return false;
    const fullAtNs = this.#fullAtNs[account];
    this.#fullAtNs[account] = (fullAtNs > nowNs ? fullAtNs : nowNs) + costNs;
    return true;
  }

  /** True when nothing that was sent counts any more. */
  isFull(account: number, nowNs: number): boolean {
    return this.#fullAtNs[account] <= nowNs;
  }
}
