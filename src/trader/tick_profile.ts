// Tick to trade: the time from a datagram that was received to the request that it led to being
// with the operating system.
//
//   feed_rx ──────────► view_updated ──────────► decided ──────────► order_tx
//   recv has returned   its message is in        the requests are    send has returned
//                       the book                 encoded
//
// Each stage is counted from `feed_rx`. A datagram carries many messages; the later ones have waited
// for the earlier ones, and that counts. What lies before `recv` returned (the wire, the kernel's
// queue, a loop that slept) does not, and is not known here.
//
// Bias: a clock read costs some 45 ns. Three are made for every decision, one of them per datagram;
// `view_updated` would need one a message, so it is read for one message in VIEW_EVERY only, and its
// percentiles are those of the decisions that such messages led to.
import { Histogram } from '../base/histogram.ts';
import type { HistogramSummary } from '../base/histogram.ts';
import { TraderStage } from '../observe/profile/stages.ts';

/** A power of two. */
export const VIEW_EVERY = 8;

export interface TickProfileSummary {
  readonly view_updated: HistogramSummary;
  readonly decided: HistogramSummary;
  readonly order_tx: HistogramSummary;
}

export class TickProfile {
  readonly viewUpdated = new Histogram();
  readonly decided = new Histogram();
  readonly orderTx = new Histogram();

  /** A decision with the time of each TraderStage, all of one clock; NOT_READ: not read for this one. No call takes them: a box each. */
  record(stamps: Float64Array): void {
    const receivedNs = stamps[TraderStage.FeedRx];
    if (stamps[TraderStage.ViewUpdated] > 0) this.viewUpdated.record(stamps[TraderStage.ViewUpdated] - receivedNs);
    this.decided.record(stamps[TraderStage.Decided] - receivedNs);
    this.orderTx.record(stamps[TraderStage.OrderTx] - receivedNs);
  }

  summary(): TickProfileSummary {
    return {
      view_updated: this.viewUpdated.summary(),
      decided: this.decided.summary(),
      order_tx: this.orderTx.summary(),
    };
  }

  merge(other: TickProfile): void {
    this.viewUpdated.merge(other.viewUpdated);
    this.decided.merge(other.decided);
    this.orderTx.merge(other.orderTx);
  }

  reset(): void {
    this.viewUpdated.reset();
    this.decided.reset();
    this.orderTx.reset();
  }
}
