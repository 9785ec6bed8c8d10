// The stages of the two pipelines, in the order in which time passes them, and what their histograms are called.
//
//   exchange   gateway_rx ─► sequenced ─► matched ─► journaled ─► feed_tx ─► response_tx
//   trader     feed_rx ─► view_updated ─► decided ─► order_tx
//
// A stage's time is when it has been passed:
//   gateway_rx    the turn's bytes are in memory          feed_rx       recv has returned the datagram
//   sequenced     requests are commands in one order      view_updated  the message is in the book
//   matched       the engine has executed them            decided       the requests are encoded
//   journaled     they are as safe as the mode asks       order_tx      send has returned
//   feed_tx       the turn's datagrams are sent
//   response_tx   the turn's answers are sent
// Matching comes before `journaled` here: the disk writes while the engine works, and both must be done before anybody is told.
//
// Two histograms for each stage and operation, in nanoseconds: `own`, since the stage before, and `since`, since the first.

export const ExchangeStage = { GatewayRx: 0, Sequenced: 1, Matched: 2, Journaled: 3, FeedTx: 4, ResponseTx: 5 } as const;
export const TraderStage = { FeedRx: 0, ViewUpdated: 1, Decided: 2, OrderTx: 3 } as const;

export const ExchangeOperation = { New: 0, Cancel: 1, Modify: 2, Other: 3 } as const;
export const TraderOperation = { Update: 0, Trade: 1 } as const;

export interface Pipeline {
  readonly name: 'exchange' | 'trader';
  /** The first is where the time starts. */
  readonly stages: readonly string[];
  /** What the pipeline was busy with: kinds of requests, or of messages that were decided on. */
  readonly operations: readonly string[];
}

export const EXCHANGE_PIPELINE: Pipeline = {
  name: 'exchange',
  stages: ['gateway_rx', 'sequenced', 'matched', 'journaled', 'feed_tx', 'response_tx'],
  operations: ['new', 'cancel', 'modify', 'other'],
};

export const TRADER_PIPELINE: Pipeline = {
  name: 'trader',
  stages: ['feed_rx', 'view_updated', 'decided', 'order_tx'],
  operations: ['update', 'trade'],
};

export const PIPELINES: readonly Pipeline[] = [EXCHANGE_PIPELINE, TRADER_PIPELINE];

/** A stamp of a stage that was not on the way of this one. */
export const NOT_PASSED = 0;
/** A stamp that was not taken: the stage was passed nobody knows when. */
export const NOT_READ = -1;

export type Span = 'own' | 'since';
export const SPANS: readonly Span[] = ['own', 'since'];

/** 68 s; whatever takes longer is clamped, and said to be. */
export const STAGE_NS_MAX = 2 ** 36 - 1;

export function stageHistogram(pipeline: Pipeline, stage: string, operation: string, span: Span): string {
  return `outcry_stage_ns{pipeline="${pipeline.name}",stage="${stage}",operation="${operation}",span="${span}"}`;
}

/** Samples committed, requests in them, and of how many turns one is followed. */
export function profileNumber(pipeline: Pipeline, what: 'samples' | 'requests' | 'every'): string {
  return `outcry_profile_${what}{pipeline="${pipeline.name}"}`;
}
