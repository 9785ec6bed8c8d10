// What the alerts are asked to look for: thresholds of each kind, how long a value must be beyond one, and whom to
// tell. `[alerts]` of the configuration is read into this (src/apps/config_monitor.ts).
//
// A threshold of 0 switches its rule off. All of it may change while the monitor runs.

const MS_PER_SECOND = 1_000;

export interface AlertSettings {
  /** Of the exchange's own order latency, p99 of the last minute. */
  readonly highLatencyNs: number;
  /** From a trader's order to its acknowledgement, p99 of the last minute: the network counts, and both ends. */
  readonly highRoundTripNs: number;
  /** Of a trader's loss on one instrument: share of its loss limit, and in the currency's units. */
  readonly largeLossPercent: number;
  readonly largeLoss: number;
  /** Of a trader's position, long or short: share of its position limit, and in lots. */
  readonly largePositionPercent: number;
  readonly largePosition: number;
  /** Mean over the machine's cores. */
  readonly overloadCpuPercent: number;
  /** Of the machine's memory in use. */
  readonly overloadMemoryPercent: number;
  /** Resident in all our processes together. */
  readonly overloadMemoryBytes: number;
  readonly feedGapsPerMinute: number;
  readonly journalLagRecords: number;
  readonly journalLagBytes: number;
  /** Age of the oldest record that is not yet as safe as the journal's mode asks. */
  readonly journalLagNs: number;
  /** Rejected out of the requests of the last minute. */
  readonly rejectRatioPercent: number;
  /** With fewer requests in that minute a ratio says nothing. */
  readonly rejectCountMin: number;
  /** Whether a process of ours that gives no sign of life, or an exchange that has gone, is an alert. */
  readonly processSilent: boolean;
  /** Beyond the threshold for so long before an alert is raised. */
  readonly raiseAfterMs: number;
  /** Below `clearPercent` of the threshold for so long before it is cleared. */
  readonly clearAfterMs: number;
  readonly clearPercent: number;
  /** A cleared alert is shown for so long. */
  readonly keepMs: number;
  /** A second receiver joins the feed this often to compare its books with the monitor's; 0: never. */
  readonly auditIntervalMs: number;
  readonly webhook: WebhookSettings;
}

export interface WebhookSettings {
  /** http or https; '': nobody is told. It may hold a secret and is shown to nobody. */
  readonly url: string;
  /** Key of the signature in each call's header; '': calls are not signed. */
  readonly secret: string;
  readonly timeoutMs: number;
  /** Further attempts after the first. */
  readonly retries: number;
}

export const ALERTS_DEFAULT: AlertSettings = {
  highLatencyNs: 1_000_000,
  highRoundTripNs: 10_000_000,
  largeLossPercent: 50,
  largeLoss: 0,
  largePositionPercent: 90,
  largePosition: 0,
  overloadCpuPercent: 95,
  overloadMemoryPercent: 90,
  overloadMemoryBytes: 0,
  feedGapsPerMinute: 3,
  journalLagRecords: 100_000,
  journalLagBytes: 16 * 2 ** 20,
  journalLagNs: 1_000_000_000,
  rejectRatioPercent: 50,
  rejectCountMin: 100,
  processSilent: true,
  raiseAfterMs: 2 * MS_PER_SECOND,
  clearAfterMs: 10 * MS_PER_SECOND,
  clearPercent: 80,
  keepMs: 3_600 * MS_PER_SECOND,
  auditIntervalMs: 30 * MS_PER_SECOND,
  webhook: { url: '', secret: '', timeoutMs: 5 * MS_PER_SECOND, retries: 5 },
};
