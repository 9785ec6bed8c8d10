// The book of alerts: from measures, look after look, to alerts that are raised and cleared.
//
//            ratio = value ÷ threshold, 0 where nothing was measured
//
//   calm ──ratio ≥ 1──► pending ──still, raiseAfter later──► RAISED ──below clearPercent──► falling ──still, clearAfter later──► CLEARED
//     ▲                    │                                    ▲                              │
//     └─────ratio < 1──────┘                                    └──at or above clearPercent────┘
//
// One alert a kind and subject at a time; ids rise. A value that flaps around its threshold raises once, for between the
// two bounds nothing changes. Facts (a mismatch, a silent process) are raised without waiting. While an alert holds it
// shows its worst value. A cleared alert stays for `keepMs`.
//
// Time: durations come from a clock that rises steadily (`elapsedMs`); the wall clock is only shown, and may jump.
// Order: newest first. Cost: the subjects watched and alerts kept, each look.
// Limits: SUBJECTS_MAX beyond a threshold at once, ALERTS_MAX kept; what does not fit is counted.
import type { Alert, AlertKind, Severity } from './alert.ts';
import type { AlertSettings } from './alert_settings.ts';
import type { Measure } from './rules.ts';

/** Every instrument of forty traders could lose too much at once. */
export const SUBJECTS_MAX = 256;
/** Of an hour: one every four seconds. */
export const ALERTS_MAX = 1_024;
if (ALERTS_MAX <= SUBJECTS_MAX) throw new RangeError('expected room for alerts that hold and some that are over');

const SEVERITY: Readonly<Record<AlertKind, Severity>> = {
  HighLatency: 'warning', LargeLoss: 'critical', LargePosition: 'warning', SystemOverload: 'warning', FeedGaps: 'warning',
  JournalLag: 'critical', HashMismatch: 'critical', RejectRatio: 'warning', ProcessSilent: 'critical',
};

export interface AlertChange {
  readonly event: 'raised' | 'cleared';
  readonly alert: Alert;
}

export interface Instant {
  /** ms since 1970, as people are told it. */
  readonly atMs: number;
  /** ms that rise steadily. */
  readonly elapsedMs: number;
}

type Hysteresis = Pick<AlertSettings, 'raiseAfterMs' | 'clearAfterMs' | 'clearPercent' | 'keepMs'>;

/** A kind and subject that is beyond its threshold, or was until just now. */
interface Watched {
  /** 0: none yet. */
  alertId: number;
  /** Beyond the threshold, or with an alert below the lower bound, since then; null: not below it. */
  sinceMs: number | null;
}

interface Kept {
  alert: Alert;
  /** null: it holds. */
  clearedElapsedMs: number | null;
}

export class AlertBook {
  /** Alerts that went before their time, and subjects that nobody watched: there was no room. */
  dropped = 0;
  readonly #watched = new Map<string, Watched>();
  /** By id, oldest first. */
  readonly #kept = new Map<number, Kept>();
  #nextId = 1;

  /** Those that hold and those of the last hour, newest first. */
  get alerts(): Alert[] {
    return [...this.#kept.values()].map(({ alert }) => alert).toReversed();
  }

  /** What a look has found. Returns what has changed, in the order of the measures. */
  update(measures: readonly Measure[], instant: Instant, settings: Hysteresis): AlertChange[] {
    const worst = worstByKey(measures);
    const changes: AlertChange[] = [];
    for (const [key, measure] of worst) this.#step(key, measure, instant, settings, changes);
    for (const key of this.#watched.keys())
      if (!worst.has(key)) this.#step(key, null, instant, settings, changes);
    this.#forget(instant.elapsedMs - settings.keepMs);
    return changes;
  }

  #step(key: string, measure: Measure | null, instant: Instant, settings: Hysteresis, changes: AlertChange[]): void {
    const ratio = measure === null ? 0 : ratioOf(measure);
    const watched = this.#watched.get(key) ?? this.#watch(key, ratio, instant);
    if (watched === null) return;
    const { elapsedMs } = instant;
    if (watched.alertId !== 0) {
      if (measure !== null && ratio >= settings.clearPercent / 100) this.#hold(watched, measure, instant);
      else if (elapsedMs - (watched.sinceMs ??= elapsedMs) >= settings.clearAfterMs) changes.push(this.#clear(key, watched, instant));
    } else if (measure === null || ratio < 1) {
      this.#watched.delete(key);
    } else if (measure.isFact === true || elapsedMs - (watched.sinceMs ?? elapsedMs) >= settings.raiseAfterMs) {
      changes.push(this.#raise(watched, measure, instant));
    }
  }

  #watch(key: string, ratio: number, { elapsedMs }: Instant): Watched | null {
    if (ratio < 1) return null;
    if (this.#watched.size === SUBJECTS_MAX) {
      this.dropped++;
      return null;
    }
    const watched: Watched = { alertId: 0, sinceMs: elapsedMs };
    this.#watched.set(key, watched);
    return watched;
  }

  #raise(watched: Watched, measure: Measure, { atMs }: Instant): AlertChange {
    const alert: Alert = {
      id: this.#nextId++, kind: measure.kind, severity: SEVERITY[measure.kind], subject: measure.subject,
      raisedMs: atMs, clearedMs: null, ...shown(measure, atMs),
    };
    if (this.#kept.size === ALERTS_MAX) this.#dropOldest();
    this.#kept.set(alert.id, { alert, clearedElapsedMs: null });
    watched.alertId = alert.id;
    watched.sinceMs = null;
    return { event: 'raised', alert };
  }

  #hold(watched: Watched, measure: Measure, { atMs }: Instant): void {
    watched.sinceMs = null;
    const kept = this.#kept.get(watched.alertId);
    if (kept !== undefined && ratioOf(measure) > ratioOf(kept.alert)) kept.alert = { ...kept.alert, ...shown(measure, atMs) };
  }

  #clear(key: string, { alertId }: Watched, { atMs, elapsedMs }: Instant): AlertChange {
    this.#watched.delete(key);
    const kept = this.#kept.get(alertId);
    if (kept === undefined) throw new Error('an alert that holds is kept');
    kept.alert = { ...kept.alert, clearedMs: atMs };
    kept.clearedElapsedMs = elapsedMs;
    return { event: 'cleared', alert: kept.alert };
  }

  #forget(untilMs: number): void {
    for (const [id, { clearedElapsedMs }] of this.#kept)
      if (clearedElapsedMs !== null && clearedElapsedMs <= untilMs) this.#kept.delete(id);
  }

  /** There is one that is over: fewer hold than are kept. */
  #dropOldest(): void {
    for (const [id, { clearedElapsedMs }] of this.#kept) {
      if (clearedElapsedMs === null) continue;
      this.#kept.delete(id);
      this.dropped++;
      return;
    }
  }
}

function ratioOf({ value, threshold }: Pick<Measure, 'value' | 'threshold'>): number {
  return value / threshold;
}

function worstByKey(measures: readonly Measure[]): Map<string, Measure> {
  const worst = new Map<string, Measure>();
  for (const measure of measures) {
    const key = `${measure.kind} ${measure.subject}`;
    const before = worst.get(key);
    if (before === undefined || ratioOf(measure) > ratioOf(before)) worst.set(key, measure);
  }
  return worst;
}

/** What of an alert follows its worst value. */
function shown({ subject, text, value, threshold, detail }: Measure, atMs: number): Pick<Alert, 'message' | 'value' | 'threshold' | 'detail'> {
  return {
    message: subject === '' ? text : `${subject}: ${text}`,
    value, threshold,
    detail: { ...detail, timestamp: `${Math.trunc(atMs)}000000` },
  };
}
