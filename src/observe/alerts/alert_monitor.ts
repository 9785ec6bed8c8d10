// The alerts of a monitor: looks in, alerts and health out.
//
//   SystemWatch.look() ─┐
//   own feed's gaps    ─┼─► observe() ─► rules ─► AlertBook ─► onChange: the page, the webhook
//   book audit         ─┘      │
//                              └─► health
//
// It keeps the looks of the last minute, for rates. Settings may change at any time and hold from the next look on.
// Limits: LOOKS_MAX looks; where more come in a minute, the minute is shorter.
import { WINDOW_SECONDS, type SystemView } from '../system_view.ts';
import { AlertBook, type AlertChange } from './alert_book.ts';
import { healthOf } from './health.ts';
import { measureAll, type BookMismatch, type Look } from './rules.ts';
import type { Alert, Health } from './alert.ts';
import type { AlertSettings } from './alert_settings.ts';

const WINDOW_MS = WINDOW_SECONDS * 1_000;
/** Four looks a second, and some more. */
const LOOKS_MAX = 5 * WINDOW_SECONDS;

/** What the monitor knows beside the system's own figures. */
export interface Heard {
  readonly feedGaps: number | null;
  readonly mismatches: readonly BookMismatch[];
}

const NOTHING_HEARD: Heard = { feedGaps: null, mismatches: [] };

export class AlertMonitor {
  settings: AlertSettings;
  readonly #book = new AlertBook();
  readonly #onChange: (change: AlertChange) => void;
  #minute: readonly Look[] = [];
  #health = healthOf([], []);

  /** `onChange` is told of each alert that is raised or cleared, in order. */
  constructor(settings: AlertSettings, onChange: (change: AlertChange) => void = () => {}) {
    this.settings = settings;
    this.#onChange = onChange;
  }

  /** Those that hold and those of the last hour, newest first. */
  get alerts(): readonly Alert[] {
    return this.#book.alerts;
  }

  /** As of the last look; before the first, that of a system of which nothing is known. */
  get health(): Health {
    return this.#health;
  }

  /** Alerts that went before their time, and subjects that nobody watched: there was no room. */
  get dropped(): number {
    return this.#book.dropped;
  }

  /** `elapsedMs` rises steadily, whatever the wall clock of `system.atMs` does. */
  observe(system: SystemView, heard: Heard = NOTHING_HEARD, elapsedMs: number = performance.now()): readonly AlertChange[] {
    const look: Look = { system, elapsedMs, ...heard };
    this.#minute = [...this.#minute, look].filter((one) => elapsedMs - one.elapsedMs <= WINDOW_MS).slice(-LOOKS_MAX);
    const measures = measureAll({ now: look, minute: this.#minute }, this.settings);
    this.#health = healthOf(system.exchange?.queues ?? [], measures);
    const changes = this.#book.update(measures, { atMs: system.atMs, elapsedMs }, this.settings);
    for (const change of changes) this.#onChange(change);
    return changes;
  }
}
