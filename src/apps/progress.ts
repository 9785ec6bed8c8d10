// What verbs say to people while they work and when they are done.

/** One line on a terminal that is written over; nothing where nobody looks. */
export class Progress {
  readonly #shows = process.stderr.isTTY;

  show(text: string): void {
    if (this.#shows) process.stderr.write(`\r\x1b[K${text}`);
  }

  clear(): void {
    if (this.#shows) process.stderr.write('\r\x1b[K');
  }
}

/** 1234567 as 1,234,567. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

/** Counts with their words: "1,200 new, 34 cancels". */
export function listed(...counts: readonly (readonly [count: number, what: string])[]): string {
  return counts.map(([count, what]) => `${grouped(count)} ${what}`).join(', ');
}

/** What a verb found: lines for people, an object for programs, and whether all held. */
export interface VerbResult {
  ok: boolean;
  lines: string[];
  json: object;
}

/**
 * Prints a result, with `json` the object as the last line; exit code 1 when something did not
 * hold.
 */
export function printResult(result: VerbResult, json: boolean): void {
  for (const line of result.lines) console.log(line);
  if (json) console.log(JSON.stringify({ ...result.json, ok: result.ok }));
  if (!result.ok) process.exitCode = 1;
}
