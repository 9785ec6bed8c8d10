// What a counter has gained in the last minute, of totals that another process goes on writing.
//
//   total ─ once a second ─► mark: time and total ─► the marks of WINDOW_SECONDS, and the last one before them ─► gained
//
// The window is that of latency_window.ts: whole seconds, and what was counted before anybody looked is not in it. Cost of a look: a
// comparison; of a window sixty marks.
import { WINDOW_SECONDS } from './system_view.ts';

const MARK_MS = 1_000;

export class CountWindow {
  /** Oldest first; the first is where the window begins. Never empty. */
  readonly #marks: { readonly atMs: number; readonly total: number }[];

  constructor(total: number, nowMs: number) {
    this.#marks = [{ atMs: nowMs, total }];
  }

  /** `nowMs` rises steadily. */
  look(total: number, nowMs: number): void {
    const marks = this.#marks;
    if (nowMs - marks[marks.length - 1].atMs < MARK_MS) return;
    marks.push({ atMs: nowMs, total });
    while (nowMs - marks[1].atMs >= WINDOW_SECONDS * 1_000) marks.shift();
  }

  /** As of the last mark. */
  get gained(): number {
    return Math.max(0, this.#marks[this.#marks.length - 1].total - this.#marks[0].total);
  }
}
