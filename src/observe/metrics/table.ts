// Every metric there is, in one table: what /metrics serves, `outcry stat` lists, docs/METRICS.md documents, and what the rules
// and the dashboard under deploy/ may ask for (tested).
//
// Names are `outcry_`, the subject, what it is, its base unit, and `_total` for what only rises. Shares are 0 … 1. A name never
// changes its meaning; one that is not needed any more goes with a line in the CHANGELOG.
import { ALERT_KINDS } from '../alerts/alert.ts';
import { LIMIT_UNKNOWN, type ExchangeView, type InterfaceView, type QueueView, type StageView } from '../system_view.ts';
import {
  byLabel, histogram, info, ofBooks, ofExchange, ofJournal, ofProcesses, ofSystem, ofTraders, summary, total, traderSummary,
  type DistributionMetric, type Metric, type MetricsInput, type NumberMetric,
} from './metric.ts';

export interface MetricGroup {
  readonly title: string;
  readonly metrics: readonly Metric[];
}

const NS = 1e9;
const seconds = (ns: number): number => ns / NS;
const flag = (holds: boolean): number => (holds ? 1 : 0);

function exchangeBy(name: string, help: string, label: string, read: (exchange: ExchangeView) => Readonly<Record<string, number>>): NumberMetric {
  return byLabel(name, help, label, ({ system: { exchange } }) => (exchange === null ? {} : read(exchange)));
}

function queueMetric(name: string, help: string, read: (queue: QueueView) => number): NumberMetric {
  return exchangeBy(name, help, 'queue', ({ queues }) => Object.fromEntries(queues.map((queue) => [queue.name, read(queue)])));
}

function stageMetric(name: string, help: string, span: 'own' | 'since'): DistributionMetric {
  return summary(name, help, ['stage'], ({ system: { exchange } }) =>
    (exchange?.stages ?? []).map((stage: StageView) => ({ labels: { stage: stage.stage }, value: stage[span] })));
}

function interfaceMetric(name: string, help: string, read: (one: InterfaceView) => number): NumberMetric {
  return byLabel(name, help, 'interface', ({ system: { machine } }) =>
    Object.fromEntries(machine.interfaces.map((one) => [one.name, read(one)])));
}

const EXCHANGE: MetricGroup = {
  title: 'Exchange',
  metrics: [
    ofSystem('outcry_exchange_up', 'Whether an exchange is watched and gives signs of life, 0 or 1.', ({ system: { exchange, processes } }) =>
      flag(exchange !== null && processes.some(({ pid, beating }) => pid === exchange.pid && beating))),
    info('outcry_exchange_info', 'Which exchange is watched; always 1.', ['endpoint'], ({ system: { exchange } }) =>
      (exchange === null ? [] : [{ endpoint: exchange.endpoint }])),
    ofExchange('outcry_exchange_sessions', 'Connections of clients.', ({ sessions }) => sessions),
    ofExchange('outcry_exchange_live_orders', 'Orders in all books, stops included.', ({ ordersLive }) => ordersLive),
    ofExchange('outcry_exchange_live_orders_max', 'Orders that it has room for.', ({ ordersMax }) => ordersMax),
    ofExchange('outcry_exchange_requests_total', 'Requests taken from clients.', total(({ requests }) => requests)),
    ofExchange('outcry_exchange_accepted_total', 'Orders accepted.', total(({ accepted }) => accepted)),
    ofExchange('outcry_exchange_rejected_total', 'Requests rejected, for whatever reason.', total(({ rejected }) => rejected)),
    exchangeBy('outcry_exchange_rejected_by_reason_total', 'Requests rejected, by reason; a reason appears with its first.', 'reason', ({ rejectedBy }) => rejectedBy),
    ofExchange('outcry_exchange_trades_total', 'Trades.', total(({ trades }) => trades)),
    ofExchange('outcry_exchange_responses_total', 'Answers written to clients.', total(({ responses }) => responses)),
    ofExchange('outcry_exchange_received_bytes_total', 'Bytes of requests.', total(({ bytesIn }) => bytesIn)),
    ofExchange('outcry_exchange_sent_bytes_total', 'Bytes of answers.', total(({ bytesOut }) => bytesOut)),
    exchangeBy('outcry_exchange_sessions_closed_total', 'Connections that ended, by reason; a reason appears with its first.', 'reason', ({ closedBy }) => closedBy),
    ofExchange('outcry_exchange_locked_out_clients', 'Clients that may not trade until an operator resets them.', ({ lockedOut }) => lockedOut),
    ofExchange('outcry_exchange_halted_instruments', 'Instruments that take cancels only.', ({ halted }) => halted),
    queueMetric('outcry_exchange_queue_used', 'What is taken of a queue or pool: orders, sessions, messages of the feed that wait for the disk; the journal in bytes.', ({ used }) => used),
    queueMetric('outcry_exchange_queue_capacity', 'How much there is room for, in the same unit.', ({ capacity }) => capacity),
  ],
};

const LATENCY: MetricGroup = {
  title: 'Latency',
  metrics: [
    summary('outcry_order_latency_seconds', 'From the bytes of a request read to its answer sent, in the exchange. Quantiles of the last minute.', [], ({ system: { exchange } }) =>
      [{ labels: {}, value: exchange?.orderLatency ?? null }]),
    histogram('outcry_order_latency_distribution_seconds', 'The same as buckets since the start, for quantiles over any time and over several exchanges.', ({ orderLatency, orderBuckets }) =>
      (orderLatency === null ? null : { latency: orderLatency, buckets: orderBuckets })),
    stageMetric('outcry_stage_latency_seconds', 'Of one stage of the exchange, since the stage before. Quantiles of the last minute.', 'own'),
    stageMetric('outcry_stage_since_receipt_seconds', 'Until a stage of the exchange was passed, since the bytes were read. Quantiles of the last minute.', 'since'),
    traderSummary('outcry_trader_tick_to_trade_seconds', 'From a datagram of the feed received to the order that it led to sent. Quantiles of the last minute.', ({ tickToTrade }) => tickToTrade),
    traderSummary('outcry_trader_round_trip_seconds', "From an order sent to the exchange's answer taken in. Quantiles of the last minute.", ({ roundTrip }) => roundTrip),
  ],
};

const FEED: MetricGroup = {
  title: 'Market data',
  metrics: [
    ofExchange('outcry_feed_messages_total', 'Messages published to everybody.', total(({ feedMessages }) => feedMessages)),
    ofExchange('outcry_feed_datagrams_total', 'Datagrams that carried them.', total(({ feedDatagrams }) => feedDatagrams)),
    ofExchange('outcry_feed_datagrams_lost_total', "Datagrams that the exchange's own socket did not take.", total(({ feedLost }) => feedLost)),
    ofExchange('outcry_feed_retransmit_requests_total', 'Requests for what a receiver has missed.', total(({ retransmitRequests }) => retransmitRequests)),
  ],
};

const JOURNAL: MetricGroup = {
  title: 'Journal',
  metrics: [
    info('outcry_journal_info', 'How safe an acknowledgement is; always 1.', ['mode'], ({ system: { exchange } }) =>
      (exchange?.journal == null ? [] : [{ mode: exchange.journal.mode }])),
    ofJournal('outcry_journal_records_total', 'Records appended, all starts together.', ({ sequence }) => sequence),
    ofJournal('outcry_journal_lag_records', 'Records that are not yet as safe as the mode asks; their answers wait.', ({ lagRecords }) => lagRecords),
    ofJournal('outcry_journal_backlog_bytes', 'Bytes that wait for the disk.', ({ backlogBytes }) => backlogBytes),
    ofJournal('outcry_journal_syncs_total', 'Syncs of the disk.', ({ syncs }) => syncs.total),
    ofJournal('outcry_journal_sync_mean_seconds', 'Mean sync of the last second with one.', ({ meanSyncNs }) => seconds(meanSyncNs)),
    ofJournal('outcry_journal_sync_longest_seconds', 'Longest sync since the start.', ({ longestSyncNs }) => seconds(longestSyncNs)),
  ],
};

const TRADER: MetricGroup = {
  title: 'Traders',
  metrics: [
    info('outcry_trader_info', 'What a trader trades with; always 1.', ['client', 'pid', 'strategy'], ({ system: { traders } }) =>
      traders.map(({ client, pid, strategy }) => ({ client, pid, strategy }))),
    ofTraders('outcry_trader_running', 'Whether its strategy decides, 0 or 1: not while it is paused or stops.', ({ state }) => flag(state === 'running')),
    ofTraders('outcry_trader_connected', 'Whether the exchange takes its orders, 0 or 1.', ({ connected }) => flag(connected)),
    ofTraders('outcry_trader_feed_fresh', 'Whether its books are those of the feed now, 0 or 1.', ({ feedFresh }) => flag(feedFresh)),
    ofTraders('outcry_trader_feed_gaps_total', 'Gaps found in the feed.', ({ feedGaps }) => feedGaps),
    ofTraders('outcry_trader_halts', 'Things that keep it from trading until somebody does something: a lock, a closed instrument, a limit of loss.', ({ standsStill }) => standsStill.length),
    ofTraders('outcry_trader_orders_sent_total', 'New orders sent.', ({ ordersSent }) => ordersSent.total),
    ofTraders('outcry_trader_fills_total', 'Fills of its orders.', ({ fills }) => fills.total),
    ofTraders('outcry_trader_fill_ratio', 'Share of its orders that have traded since it started, 0 to 1.', ({ fillRatePercent }) => fillRatePercent / 100),
    ofTraders('outcry_trader_open_orders', 'Its orders at the exchange.', ({ ordersOpen }) => ordersOpen),
    ofTraders('outcry_trader_rejected_total', 'Its orders that the exchange rejected.', ({ rejected }) => rejected),
    ofTraders('outcry_trader_refused_total', 'Orders that its own risk checks refused.', ({ refused }) => refused),
    ofTraders('outcry_trader_profit', "Realised and unrealised, in the currency's units; not told while a position has no price.", ({ pnl }) => pnl),
    ofBooks('outcry_trader_position', 'Quantity held, negative when short.', ({ position }) => position),
    ofBooks('outcry_trader_position_max', 'Largest position that its limits allow, long or short.', ({ positionMax }) => (positionMax === LIMIT_UNKNOWN ? null : positionMax)),
    ofBooks('outcry_trader_realised_profit', "Of what was bought and sold, in the currency's units.", ({ realised }) => realised),
    ofBooks('outcry_trader_unrealised_profit', 'Of the position at its mark; not told while there is none.', ({ unrealised }) => unrealised),
    ofBooks('outcry_trader_bid_price', 'Its own bid, while it quotes one.', ({ bid }) => bid?.price ?? null),
    ofBooks('outcry_trader_ask_price', 'Its own ask, while it quotes one.', ({ ask }) => ask?.price ?? null),
  ],
};

const PROCESSES: MetricGroup = {
  title: 'Processes',
  metrics: [
    ofProcesses('outcry_process_up', 'Whether it has given a sign of life in the last three seconds, 0 or 1.', ({ beating }) => flag(beating)),
    ofProcesses('outcry_process_start_time_seconds', 'When it was started, in seconds since 1970.', ({ startedMs }) => startedMs / 1_000),
    ofProcesses('outcry_process_cpu_ratio', 'Processor time it takes, in cores.', ({ cpuPercent }) => cpuPercent / 100),
    ofProcesses('outcry_process_resident_memory_bytes', 'Memory that is its own or shared, in the machine.', ({ residentBytes }) => residentBytes),
    ofProcesses('outcry_process_heap_used_bytes', 'Of the JavaScript heap.', ({ heapUsedBytes }) => heapUsedBytes),
    ofProcesses('outcry_process_allocation_bytes_per_second', 'JavaScript memory allocated a second.', ({ allocatedBytesPerSecond }) => allocatedBytesPerSecond),
    ofProcesses('outcry_process_busy_turns_ratio', 'Share of the turns of its loop that had work, 0 to 1.', ({ busyTurnsPercent }) => (busyTurnsPercent === null ? null : busyTurnsPercent / 100)),
  ],
};

const MACHINE: MetricGroup = {
  title: 'Machine',
  metrics: [
    byLabel('outcry_machine_cpu_busy_ratio', 'Share of the last second that a core was busy, 0 to 1.', 'core', ({ system: { machine } }) =>
      Object.fromEntries(machine.coresBusyPercent.map((busy, core) => [core, busy / 100]))),
    ofSystem('outcry_machine_memory_bytes', 'Memory of the machine.', ({ system: { machine } }) => machine.memoryTotalBytes),
    ofSystem('outcry_machine_memory_available_bytes', 'Memory that programs can still have.', ({ system: { machine } }) => machine.memoryAvailableBytes),
    interfaceMetric('outcry_network_received_bytes_total', 'Bytes received since the machine started.', ({ receivedBytes }) => receivedBytes),
    interfaceMetric('outcry_network_sent_bytes_total', 'Bytes sent since the machine started.', ({ sentBytes }) => sentBytes),
    interfaceMetric('outcry_network_received_packets_total', 'Packets received since the machine started.', ({ receivedPackets }) => receivedPackets),
    interfaceMetric('outcry_network_sent_packets_total', 'Packets sent since the machine started.', ({ sentPackets }) => sentPackets),
    interfaceMetric('outcry_network_dropped_packets_total', 'Packets dropped, received or to be sent.', ({ dropped }) => dropped),
  ],
};

function alertsBy(count: (input: MetricsInput, kind: string) => number): (input: MetricsInput) => Record<string, number> {
  return (input) => (input.alerts === undefined ? {} : Object.fromEntries(ALERT_KINDS.map((kind) => [kind, count(input, kind)])));
}

const MONITOR: MetricGroup = {
  title: 'Monitor',
  metrics: [
    ofSystem('outcry_monitor_look_timestamp_seconds', 'When all of this was looked at, in seconds since 1970.', ({ system: { atMs } }) => atMs / 1_000),
    ofSystem('outcry_health_score', 'A hundred times the least of its parts; 100 is well.', ({ health }) => health?.score ?? null),
    byLabel('outcry_health_part', 'Parts of the health score, 0 (worst) to 1.', 'part', ({ health }) =>
      Object.fromEntries((health?.parts ?? []).map(({ name, score }) => [name, score]))),
    byLabel('outcry_alerts_active', 'Alerts of the monitor that hold now, by kind.', 'kind', alertsBy(({ alerts = [] }, kind) =>
      alerts.filter((one) => one.kind === kind && one.clearedMs === null).length)),
    byLabel('outcry_alerts_last_hour', 'Alerts raised in the last hour, by kind.', 'kind', alertsBy(({ alerts = [] }, kind) =>
      alerts.filter((one) => one.kind === kind).length)),
    ofSystem('outcry_alerts_dropped_total', 'Alerts and subjects for which the monitor had no room.', ({ monitor }) => monitor?.alertsDropped ?? null),
    byLabel('outcry_webhook_deliveries_total', 'Calls that told of an alert: sent, failed for good, or dropped because others waited.', 'result', ({ monitor }) =>
      (monitor === undefined ? {} : { sent: monitor.webhook.sent, failed: monitor.webhook.failed, dropped: monitor.webhook.dropped })),
    ofSystem('outcry_webhook_retries_total', 'Attempts of such calls after the first.', ({ monitor }) => monitor?.webhook.retried ?? null),
    byLabel('outcry_book_audits_total', 'Times that a receiver joined afresh to compare books, by whether it could.', 'result', ({ monitor }) =>
      (monitor === undefined ? {} : { completed: monitor.audits.completed, incomplete: monitor.audits.incomplete })),
  ],
};

export const METRIC_GROUPS: readonly MetricGroup[] = [EXCHANGE, LATENCY, FEED, JOURNAL, TRADER, PROCESSES, MACHINE, MONITOR];
export const METRICS: readonly Metric[] = METRIC_GROUPS.flatMap(({ metrics }) => metrics);
