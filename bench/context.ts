// What a benchmark is told, and how it says what it does.
import type { Row } from './harness/row.ts';

export interface BenchContext {
  /** Work cut down to a second or two, so that tests can run everything; figures do not count. */
  small: boolean;
  /** Pairs of an interleaved comparison. */
  pairs: number;
  /** Operations of the flows when the user asked for a number; else each benchmark has its published size. */
  orders: number | undefined;
  /** One line for people about what runs now. */
  progress(line: string): void;
}

export interface Benchmark {
  name: string;
  /** Under which users of other systems know it. */
  alias?: string;
  about: string;
  /** Runs when no name is given (the others need `--comprehensive` or their name). */
  byDefault: boolean;
  run(context: BenchContext): Promise<Row[]>;
}

/** A run of repetitions for figures without a partner: as many as there are pairs. */
export function sizeOf(context: BenchContext, whole: number, small: number): number {
  return context.small ? small : (context.orders ?? whole);
}
