// An alert as data: what it is about, since when, and whether it still holds.

/** Names of the field's other systems come first; those after them are ours. */
export const ALERT_KINDS = [
  'HighLatency', 'LargeLoss', 'LargePosition', 'SystemOverload',
  'FeedGaps', 'JournalLag', 'HashMismatch', 'RejectRatio', 'ProcessSilent',
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

export type Severity = 'warning' | 'critical';

export interface Alert {
  /** Rises with each alert of this monitor. */
  readonly id: number;
  readonly kind: AlertKind;
  readonly severity: Severity;
  /** What it is about: an instrument, a client, a process; '' where it is the system. */
  readonly subject: string;
  /** One sentence with the value and the threshold. */
  readonly message: string;
  readonly value: number;
  readonly threshold: number;
  /** ms since 1970. */
  readonly raisedMs: number;
  /** null: it still holds. */
  readonly clearedMs: number | null;
  /** The named fields of its kind: `symbolId`, `latencyNs`, `pnl`, `position`, `cpuUsagePercent`, …, `timestamp` in ns as text. */
  readonly detail: Readonly<Record<string, number | string>>;
}

/** One part of the health score, 0 (worst) … 1. */
export interface HealthPart {
  readonly name: 'latency' | 'loss' | 'queues' | 'journal lag' | 'feed gaps' | 'cpu' | 'memory';
  readonly score: number;
  /** What the score comes from: "p99 41 µs of 1 ms". */
  readonly because: string;
}

export interface Health {
  /** 0 … 100: a hundred times the least of the parts. */
  readonly score: number;
  readonly parts: readonly HealthPart[];
}
