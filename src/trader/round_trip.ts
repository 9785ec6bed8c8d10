// From an order that was sent to the exchange's answer to it, as the trader sees it: one order at a time is followed.
//
//   idle ── offer: an order is encoded ─► encoded ── sent: the send has returned ─► sent ── answered ─► idle
//                                            └────────── forget: the session broke ──────┘
//
// The next one followed is the first that is encoded after the answer, so orders that come while one is under way are not: with
// bursts the figures are those of their first orders. Cost: two comparisons an order and an answer; two clock readings and a
// value in a histogram for an order that is followed. No allocation.
import type { Clock } from '../base/clock.ts';
import type { Histogram } from '../base/histogram.ts';

const SENT = 0;
const ANSWERED = 1;
const NOT_SENT = -1;
const NOBODY = 0;

export class RoundTrip {
  readonly histogram: Histogram;
  readonly #clock: Clock;
  /** In a typed array: numbers this large would be boxed in a field. */
  readonly #times = Float64Array.of(NOT_SENT, 0);
  /** Of the order that is followed; ids count from 1. */
  #orderId = NOBODY;

  constructor(clock: Clock, histogram: Histogram) {
    this.#clock = clock;
    this.histogram = histogram;
  }

  /** An order is encoded and will leave with the next send. */
  offer(orderId: number): void {
    if (this.#orderId === NOBODY) this.#orderId = orderId;
  }

  /** What was encoded has left. */
  sent(): void {
    if (this.#orderId !== NOBODY && this.#times[SENT] === NOT_SENT) this.#clock.refreshInto(this.#times, SENT);
  }

  /** The exchange has taken or refused this order. */
  answered(orderId: number): void {
    if (orderId !== this.#orderId || this.#times[SENT] === NOT_SENT) return;
    this.#clock.refreshInto(this.#times, ANSWERED);
    this.histogram.record(Math.max(0, this.#times[ANSWERED] - this.#times[SENT]));
    this.forget();
  }

  /** No answer will come. */
  forget(): void {
    this.#orderId = NOBODY;
    this.#times[SENT] = NOT_SENT;
  }
}
