// What somebody said in a configuration, before anybody has looked at it: a tree of values, each
// with its place, in which numbers are still the digits that were written. Files of both kinds,
// flags and variables of the environment all end in this form, and so forms (config_forms.ts)
// and faults need to know of one thing only.
//
//   file  exchange.port = 70_000          ─► { kind: 'number', text: '70000', at: outcry.toml:3:8 }
//   flag  --port 70000                    ─► { kind: 'text',   text: '70000', at: --port }
//
// A `text` has no type yet, for a command line has none: whatever form it meets reads it. A `string`
// of a file is a string, and no number.

/** Where something was said. Lines and columns (UTF-16 units) count from 1. */
export type Place =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly line: number;
      readonly column: number;
    }
  | { readonly kind: 'flag' | 'environment'; readonly name: string }
  | { readonly kind: 'default' };

export const DEFAULT_PLACE: Place = { kind: 'default' };

export function placeText(place: Place): string {
  if (place.kind === 'file') return `${place.path}:${place.line}:${place.column}`;
  return place.kind === 'default' ? 'default' : place.name;
}

export interface CameEntry {
  /** Of the key; the value has its own. */
  readonly keyAt: Place;
  readonly value: Came;
}

export interface CameTable {
  readonly kind: 'table';
  readonly entries: Map<string, CameEntry>;
  readonly at: Place;
}

export interface CameArray {
  readonly kind: 'array';
  readonly items: Came[];
  readonly at: Place;
}

export type Came =
  | CameTable
  | CameArray
  /** Of a flag or the environment. */
  | { readonly kind: 'text'; readonly text: string; readonly at: Place }
  | { readonly kind: 'string'; readonly text: string; readonly at: Place }
  /** Digits as written, without separators: money never passes through a binary fraction. */
  | { readonly kind: 'number'; readonly text: string; readonly at: Place }
  | { readonly kind: 'boolean'; readonly value: boolean; readonly at: Place }
  /** A date or time of TOML, which no setting takes. */
  | { readonly kind: 'date'; readonly text: string; readonly at: Place }
  /** JSON's null, which says nothing. */
  | { readonly kind: 'null'; readonly at: Place };

/** Longest text that a fault repeats. */
const SHOWN_MAX = 80;

/** As it was written, for the end of a fault: "…, was 70000". */
export function cameText(came: Came): string {
  switch (came.kind) {
    case 'table':
      return 'a table';
    case 'array':
      return shortened(`[${came.items.map(cameText).join(', ')}]`);
    case 'text':
    case 'string':
      return JSON.stringify(shortened(came.text));
    case 'boolean':
      return String(came.value);
    case 'null':
      return 'null';
    case 'number':
    case 'date':
      return shortened(came.text);
  }
}

function shortened(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}

/** Something wrong with a configuration: where, which key, what was expected and what came. */
export interface Fault {
  readonly place: Place;
  /** "exchange.port"; '' where the file itself is at fault. */
  readonly key: string;
  readonly message: string;
}

export function faultText({ place, key, message }: Fault): string {
  // A flag's or variable's name says which key it is.
  const shown = key === '' || place.kind === 'flag' || place.kind === 'environment' ? '' : `${key}: `;
  return place.kind === 'default' ? `${shown}${message}` : `${placeText(place)}: ${shown}${message}`;
}

const SOURCE_ORDER = ['file', 'environment', 'flag', 'default'];

/** The file's faults by line, then those of the environment, then those of flags. */
export function sortFaults(faults: readonly Fault[]): Fault[] {
  return faults.toSorted((a, b) => {
    if (a.place.kind === 'file' && b.place.kind === 'file')
      return a.place.line - b.place.line || a.place.column - b.place.column;
    return SOURCE_ORDER.indexOf(a.place.kind) - SOURCE_ORDER.indexOf(b.place.kind);
  });
}

/** Everything wrong with a configuration, one fault a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    const lines = faults.map(faultText);
    super(
      lines.length === 1
        ? lines[0]
        : `${lines.length} faults in the configuration:\n${lines.map((line) => `  ${line}`).join('\n')}`,
    );
    this.faults = faults;
  }
}

/**
 * ", did you mean …?" where a known name is close, else ''. The beginning of a name is close too,
 * unless `slipsOnly`.
 */
export function suggestion(name: string, known: readonly string[], slipsOnly = false): string {
  let best = '';
  let bestDistance = Infinity;
  for (const other of known) {
    const prefix = !slipsOnly && name.length >= 3 && (other.startsWith(name) || name.startsWith(other));
    const away = prefix ? 1 : editDistance(name, other);
    if (away < bestDistance) [best, bestDistance] = [other, away];
  }
  // A third of the letters wrong is no slip.
  return bestDistance <= Math.max(1, Math.min(3, Math.floor(name.length / 3)))
    ? `, did you mean ${best}?`
    : '';
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (same ? 0 : 1)));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        next[j] = Math.min(next[j], before[j - 2] + 1);
    }
    [before, row] = [row, next];
  }
  return row[b.length];
}
