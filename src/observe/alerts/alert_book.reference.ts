// The book of alerts, the slow and obvious way: it keeps every ratio of every key since the beginning and reads the alerts
// off that history anew each time, run by run.
export interface Sample {
  readonly elapsedMs: number;
  /** Value ÷ threshold by key; a key that is not there was not measured. */
  readonly ratios: ReadonlyMap<string, number>;
}

export interface ReferenceAlert {
  readonly key: string;
  readonly clearedMs: number | null;
  readonly worstRatio: number;
}

export interface ReferenceSettings {
  readonly raiseAfterMs: number;
  readonly clearAfterMs: number;
  readonly clearPercent: number;
  readonly keepMs: number;
}

/** Alerts as of the last sample, key by key. */
export function referenceAlerts(
  samples: readonly Sample[], keys: readonly string[], isFact: (key: string) => boolean, settings: ReferenceSettings,
): ReferenceAlert[] {
  const endMs = samples.at(-1)?.elapsedMs ?? 0;
  return keys
    .flatMap((key) => alertsOf(samples, key, isFact(key) ? { ...settings, raiseAfterMs: 0 } : settings))
    .filter(({ clearedMs }) => clearedMs === null || clearedMs > endMs - settings.keepMs);
}

function alertsOf(samples: readonly Sample[], key: string, settings: ReferenceSettings): ReferenceAlert[] {
  const ratios = samples.map((sample) => sample.ratios.get(key) ?? 0);
  const alerts: ReferenceAlert[] = [];
  for (let from = 0; from < samples.length;) {
    const raised = runEnd(samples, from, (at) => ratios[at] >= 1, settings.raiseAfterMs);
    if (raised === -1) break;
    const cleared = runEnd(samples, raised + 1, (at) => ratios[at] < settings.clearPercent / 100, settings.clearAfterMs);
    const end = cleared === -1 ? samples.length : cleared;
    alerts.push({
      key,
      clearedMs: cleared === -1 ? null : samples[cleared].elapsedMs,
      worstRatio: Math.max(...ratios.slice(raised, end)),
    });
    from = end + 1;
  }
  return alerts;
}

/** The first sample at which `holds` has held for `forMs` without a break, none before `from` counted; −1: none. */
function runEnd(samples: readonly Sample[], from: number, holds: (at: number) => boolean, forMs: number): number {
  for (let end = from; end < samples.length; end++) {
    let begin = end;
    while (begin >= from && holds(begin)) begin--;
    const run = begin + 1;
    if (run <= end && samples[end].elapsedMs - samples[run].elapsedMs >= forMs) return end;
  }
  return -1;
}
