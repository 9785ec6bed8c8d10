// An exchange and a trader out of their statistics, in the words of SystemView.
import type { LatencyWindow } from './latency_window.ts';
import { EXCHANGE_PIPELINE, stageHistogram, TRADER_PIPELINE, type Pipeline, type Span } from './profile/stages.ts';
import {
  bookStat, exchangeCounter, exchangeCountersOf, exchangeStat, ROUND_TRIP, traderStat, type BookNumber, type ExchangeGauge, type TraderNumber,
} from './system_stats.ts';
import {
  LIMIT_UNKNOWN, type ExchangeView, type JournalView, type QueueView, type RateView, type StageView, type TraderBookView, type TraderLimitsView, type TraderView,
} from './system_view.ts';
import type { WatchedProcess } from './watched_process.ts';

/** It publishes, and listens already. */
export function isExchange(one: WatchedProcess): boolean {
  return portOf(one) > 0;
}

export function isTrader(one: WatchedProcess): boolean {
  return one.value(traderStat('books')) > 0;
}

/** 0: it is no exchange. */
export function portOf(one: WatchedProcess): number {
  return one.value(exchangeStat('port')) || 0;
}

/** Its orders go to this exchange, for all that its port says; an engine inside of a program (port 0) is shown beside any. */
export function tradesOn(trader: WatchedProcess, exchange: WatchedProcess): boolean {
  const port = trader.value(traderStat('exchange_port'));
  return port === 0 || exchange.text(exchangeStat('ports')).split(',').includes(String(port));
}

/** From the bytes read to the answer sent, of all requests. */
export function orderLatency(one: WatchedProcess): LatencyWindow | null {
  return stageLatency(one, EXCHANGE_PIPELINE, 'response_tx', 'since');
}

/** Of all operations together. */
function stageLatency(one: WatchedProcess, pipeline: Pipeline, stage: string, span: Span): LatencyWindow | null {
  return one.latency(pipeline.operations.map((operation) => stageHistogram(pipeline, stage, operation, span)));
}

// ── exchange ───────────────────────────────────────────────────────────────────────────────────

export function exchangeView(one: WatchedProcess): ExchangeView {
  const rate = (counter: string): RateView => one.rate(exchangeCounter(counter));
  const gauge = (name: ExchangeGauge): number => one.value(exchangeStat(name));
  const order = orderLatency(one);
  return {
    pid: one.stats.pid,
    endpoint: one.text(exchangeStat('endpoint')),
    port: portOf(one),
    sessions: gauge('sessions'), ordersLive: gauge('orders_live'), ordersMax: gauge('orders_max'),
    requests: rate('requests'), accepted: rate('accepted'), rejected: rate('rejected'), trades: rate('trades'), responses: rate('responses'),
    feedMessages: rate('feed_messages'), feedDatagrams: rate('feed_datagrams'), bytesIn: rate('bytes_in'), bytesOut: rate('bytes_out'),
    feedLost: rate('feed_lost'), retransmitRequests: rate('retransmit_requests'),
    rejectedBy: countsOf(one, 'rejected_for_'), closedBy: countsOf(one, 'closed_'),
    lockedOut: gauge('locked_out'), halted: gauge('halted'),
    orderLatency: order?.view ?? null,
    orderBuckets: order?.view == null ? [] : order.buckets(),
    stages: stagesOf(one),
    queues: queuesOf(one),
    journal: journalOf(one),
  };
}

/** Counters that begin so and are not 0, without that. */
function countsOf(one: WatchedProcess, prefix: string): Record<string, number> {
  return Object.fromEntries(exchangeCountersOf(one.stats.names)
    .filter((counter) => counter.startsWith(prefix) && one.value(exchangeCounter(counter)) > 0)
    .map((counter) => [counter.slice(prefix.length), one.value(exchangeCounter(counter))]));
}

function stagesOf(one: WatchedProcess): StageView[] {
  return EXCHANGE_PIPELINE.stages.slice(1).flatMap((stage) => {
    const own = stageLatency(one, EXCHANGE_PIPELINE, stage, 'own')?.view ?? null;
    const since = stageLatency(one, EXCHANGE_PIPELINE, stage, 'since')?.view ?? null;
    return own === null || since === null ? [] : [{ stage, own, since }];
  });
}

function queuesOf(one: WatchedProcess): QueueView[] {
  const gauge = (name: ExchangeGauge): number => one.value(exchangeStat(name));
  return [
    { name: 'orders', used: gauge('orders_live'), capacity: gauge('orders_max') },
    { name: 'sessions', used: gauge('sessions'), capacity: gauge('sessions_max') },
    { name: 'journal', used: one.value(exchangeCounter('journal_waiting_bytes')), capacity: gauge('journal_ring_bytes') },
    { name: 'feed', used: gauge('feed_held'), capacity: gauge('feed_held_max') },
  ].filter(({ used, capacity }) => used >= 0 && capacity > 0); // NaN: it has none
}

function journalOf(one: WatchedProcess): JournalView | null {
  const mode = one.text(exchangeStat('journal_mode'));
  if (mode === '') return null;
  const value = (counter: string): number => one.value(exchangeCounter(counter));
  const [syncs, syncNs] = ['journal_syncs', 'journal_sync_ns'].map((counter) => one.gained(exchangeCounter(counter)));
  const sequence = value('journal_sequence');
  const releasedSequence = value('journal_released');
  return {
    mode, sequence, releasedSequence,
    lagRecords: Math.max(0, sequence - releasedSequence),
    backlogBytes: value('journal_waiting_bytes'),
    syncs: one.rate(exchangeCounter('journal_syncs')),
    // Of the last second where there were any.
    meanSyncNs: syncs > 0 ? syncNs / syncs : value('journal_sync_ns') / Math.max(1, value('journal_syncs')),
    longestSyncNs: value('journal_sync_ns_max'),
  };
}

// ── trader ─────────────────────────────────────────────────────────────────────────────────────

export function traderView(one: WatchedProcess): TraderView {
  const value = (name: TraderNumber): number => one.value(traderStat(name));
  const sent = value('orders_sent');
  return {
    pid: one.stats.pid,
    client: value('client'),
    strategy: one.text(traderStat('strategy')),
    state: one.text(traderStat('state')),
    connected: value('connected') === 1,
    feedFresh: value('feed_fresh') === 1,
    feedGaps: value('feed_gaps'),
    ordersSent: one.rate(traderStat('orders_sent')),
    fills: one.rate(traderStat('fills')),
    ordersOpen: value('orders_open'),
    rejected: value('rejected'),
    refused: value('refused'),
    fillRatePercent: sent === 0 ? 0 : (100 * value('orders_filled')) / sent,
    minute: { ordersSent: one.gainedInWindow(traderStat('orders_sent')), ordersFilled: one.gainedInWindow(traderStat('orders_filled')) },
    pnl: known(value('pnl')),
    limits: limitsOf(value),
    books: Array.from({ length: value('books') }, (_, book) => bookView(one, book)),
    tickToTrade: stageLatency(one, TRADER_PIPELINE, 'order_tx', 'since')?.view ?? null,
    roundTrip: one.latency([ROUND_TRIP])?.view ?? null,
    standsStill: one.text(traderStat('stands_still')).split('\n').filter((line) => line !== ''),
  };
}

function limitsOf(value: (name: TraderNumber) => number): TraderLimitsView | null {
  const limits = { maxOrderQty: value('max_order_qty'), maxPosition: value('max_position'), maxLoss: value('max_loss') };
  return Object.values(limits).some(Number.isNaN) ? null : limits;
}

function bookView(one: WatchedProcess, book: number): TraderBookView {
  const value = (name: BookNumber): number => one.value(bookStat(name, book));
  const quote = (price: number, qty: number): TraderBookView['bid'] => (Number.isNaN(price) ? null : { price, qty });
  return {
    ticker: value('ticker'),
    symbol: one.text(bookStat('symbol', book)),
    position: value('position'),
    realised: value('realised'),
    unrealised: known(value('unrealised')),
    bid: quote(value('bid_price'), value('bid_qty')),
    ask: quote(value('ask_price'), value('ask_qty')),
    positionMax: known(value('position_max')) ?? LIMIT_UNKNOWN,
    lossMax: known(value('loss_max')) ?? LIMIT_UNKNOWN,
  };
}

function known(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
