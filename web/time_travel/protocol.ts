// What the page and its worker say to each other. The worker has the machine; the page asks one look at a time and draws
// the answer, so that a slow machine shows fewer instants and never late ones.
//
//   page                              worker
//    │ ◄── ready ─────────────────────  │  the core is compiled; what is said before is lost
//    │ ── open (files, or a source) ──► │
//    │ ◄── progress … ────────────────  │
//    │ ◄── opened (day), overview ────  │  or failed
//    │ ── look, find, overview ───────► │
//    │ ◄── looked, found, overview ───  │
import type { Moment, Overview, Question } from '../../src/timetravel/moment.ts';
import type { NamedInstrument } from '../../src/timetravel/journal_context.ts';
import type { OrderName } from '../../src/timetravel/order_story.ts';

/** What was opened, as a whole. */
export interface Day {
  readonly name: string;
  readonly kind: 'journal' | 'recording';
  readonly inputs: number;
  readonly instruments: readonly NamedInstrument[];
  /** ms since 1970 of the zero of times; null: unknown. */
  readonly zeroMs: number | null;
  readonly firstNs: number;
  readonly lastNs: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Behind this snapshot the day begins; null: at the first record. */
  readonly snapshot: number | null;
  readonly faults: readonly string[];
  /** Hashes that the journal has, and those that were met. */
  readonly hashes: number;
  readonly verified: number;
  readonly events: number;
  readonly orders: number;
  readonly trades: readonly number[];
  readonly checkpoints: number;
  readonly spacing: number;
}

/** A position, or the last one at a time. */
export type Target = { readonly position: number } | { readonly timeNs: number };

export type Find =
  | { readonly what: 'trade'; readonly book: number; readonly direction: 1 | -1 }
  | { readonly what: 'order'; readonly order: OrderName; readonly direction: 1 | -1 }
  | { readonly what: 'sequence'; readonly sequence: number }
  | { readonly what: 'time'; readonly timeNs: number }
  | { readonly what: 'name'; readonly text: string };

export interface GivenFile {
  readonly name: string;
  readonly content: Blob;
}

export type ToWorker =
  | { readonly type: 'open'; readonly title: string; readonly files: readonly GivenFile[] }
  | { readonly type: 'fetch'; readonly source: string; readonly token: string }
  | { readonly type: 'look'; readonly target: Target; readonly question: Question }
  | { readonly type: 'find'; readonly find: Find }
  | { readonly type: 'overview'; readonly book: number };

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly text: string; readonly share: number }
  | { readonly type: 'opened'; readonly day: Day }
  | { readonly type: 'failed'; readonly text: string; readonly needsToken: boolean }
  | { readonly type: 'looked'; readonly moment: Moment; readonly ms: number }
  | { readonly type: 'found'; readonly find: Find; readonly position: number | null; readonly orders: readonly OrderName[] }
  | { readonly type: 'overview'; readonly overview: Overview };
