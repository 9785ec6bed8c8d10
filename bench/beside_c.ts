// One flow in the core and in the C program, repetitions in turn.
import { assert } from '../src/base/assert.ts';
import type { BenchContext } from './context.ts';
import { CoreBook } from './core_book.ts';
import { timedCommands, type BookFlow } from './flows.ts';
import { runAlone, runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';
import { CBook } from './reference/c_book.ts';
import { formatCount } from './harness/table.ts';

/** A row with the paired ratio; every byte of every event is compared first. */
export async function rowBesideC(
  context: BenchContext, name: string, flow: BookFlow, more: Partial<Row> = {}, lookAhead = false,
): Promise<Row> {
  const book = new CoreBook(flow);
  const commands = timedCommands(flow);
  const verification = book.verify();
  const inCore = () => {
    const result = book.run();
    assert(result.hash === verification.hash, 'each repetition ends with the same book');
    assert(result.events === verification.events, 'each repetition has the same number of events');
    return result.ns / commands;
  };
  const common = {
    name, unit: 'ns/msg', boundary: 'core, batches', threads: '1', durability: 'none',
    small: context.small, ...more,
  } as const;
  const counted = `${formatCount(commands)} messages, ${formatCount(verification.events)} events`;
  const c = CBook.start(flow, lookAhead);
  if (c === null) {
    const spread = await runAlone(inCore, { repetitions: context.pairs });
    return {
      ...common, figure: spread.median, statistic: `median of ${spread.samples} flows`, spread,
      checks: [`${counted}; no C compiler on this machine, so nothing to compare with`],
      tried: 'no compiler for the reference',
    };
  }
  try {
    const verified = await c.verify();
    assert(verified.checksum === verification.checksum, 'core and C write the same events, byte for byte');
    assert(verified.hash === verification.hash, 'core and C end with the same book');
    const inC = async () => {
      const result = await c.run();
      assert(result.hash === verification.hash, 'each repetition in C ends with the same book');
      return result.ns / commands;
    };
    const { a, b, ratio, pairs } = await runPaired(inCore, inC, { pairs: context.pairs, warmups: 2 });
    return {
      ...common, figure: a.median, statistic: `median of ${pairs} flows`, spread: a,
      ratio: { ...ratio, against: lookAhead ? 'C that prefetches' : 'the same in C', pairs, otherMedian: b.median },
      checks: [
        counted,
        `all event bytes equal to C's (checksum ${verification.checksum}), final book equal (${verification.hash})`,
      ],
    };
  } finally {
    await c.close();
  }
}
