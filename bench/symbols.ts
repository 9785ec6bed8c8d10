// Symbol → id: the perfect hash that is built when instruments are loaded, beside a Map.
//
// 4,096 symbols in random order. Text that is one and the same string object flatters a Map, which keeps a string's hash in the
// object; what comes off a wire is bytes, and a Map needs a string made of them first.
import { assert } from '../src/base/assert.ts';
import { NAME_NONE, PerfectHash } from '../src/base/perfect_hash.ts';
import { Prng } from '../src/base/prng.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';

const SYMBOLS = 4_096;
const FIELD_BYTES = 10;
const LOOK_UPS = 1_000_000;
const LOOK_UPS_SMALL = 10_000;

const names = Array.from({ length: SYMBOLS }, (_, i) => (i % 2 === 0 ? `S${i}` : `C${i}-USDT`));

/** Fields of FIELD_BYTES bytes with their lengths: what messages would carry. */
function fieldsOf(order: Int32Array): { bytes: Uint8Array; lengths: Uint8Array } {
  const bytes = new Uint8Array(order.length * FIELD_BYTES);
  const lengths = Uint8Array.from(order, (i) => names[i].length);
  for (const [n, i] of order.entries()) for (let c = 0; c < names[i].length; c++) bytes[n * FIELD_BYTES + c] = names[i].charCodeAt(c);
  return { bytes, lengths };
}

function timed(look: () => number, expected: number, count: number): () => number {
  return () => {
    const start = process.hrtime.bigint();
    const sum = look();
    const ns = Number(process.hrtime.bigint() - start);
    assert(sum === expected, 'every symbol has its id');
    return ns / count;
  };
}

async function run(context: BenchContext): Promise<Row[]> {
  context.progress('symbols: perfect hash beside a Map');
  const count = sizeOf(context, LOOK_UPS, LOOK_UPS_SMALL);
  const prng = new Prng(1);
  const order = Int32Array.from({ length: count }, () => prng.below(SYMBOLS));
  const texts = Array.from(order, (i) => names[i]);
  const { bytes, lengths } = fieldsOf(order);
  const expected = order.reduce((sum, i) => sum + i, 0);
  const hash = new PerfectHash(names);
  const map = new Map(names.map((name, i) => [name, i]));
  for (const name of names) assert(hash.indexOf(`${name}?`) === NAME_NONE, 'unknown symbols are refused');
  const ofText = (): number => {
    let sum = 0;
    for (let n = 0; n < count; n++) sum += hash.indexOf(texts[n]);
    return sum;
  };
  const ofBytes = (): number => {
    let sum = 0;
    for (let n = 0; n < count; n++) sum += hash.indexOfBytes(bytes, n * FIELD_BYTES, lengths[n]);
    return sum;
  };
  const inMap = (): number => {
    let sum = 0;
    for (let n = 0; n < count; n++) sum += map.get(texts[n])!;
    return sum;
  };
  const inMapOfBytes = (): number => {
    let sum = 0;
    const field = Buffer.from(bytes.buffer);
    for (let n = 0; n < count; n++) sum += map.get(field.toString('latin1', n * FIELD_BYTES, n * FIELD_BYTES + lengths[n]))!;
    return sum;
  };
  const rowOf = async (name: string, ours: () => number, theirs: () => number, against: string): Promise<Row> => {
    const { a, b, ratio, pairs } = await runPaired(timed(ours, expected, count), timed(theirs, expected, count), { pairs: context.pairs, warmups: 2 });
    return {
      name, figure: a.median, unit: 'ns/op', statistic: `median of ${pairs} runs`, boundary: 'TypeScript API', threads: '1', durability: 'none',
      spread: a, ratio: { ...ratio, against, pairs, otherMedian: b.median }, ...(context.small ? { small: true } : {}),
      checks: [`${formatCount(count)} look-ups among ${formatCount(SYMBOLS)} symbols, the sum of the ids as expected; as many unknown ones refused`],
    };
  };
  return [
    await rowOf('symbol → id, from text', ofText, inMap, 'a Map'),
    await rowOf('symbol → id, from bytes of a message', ofBytes, inMapOfBytes, 'text made, then a Map'),
  ];
}

export const symbolsBenchmark: Benchmark = {
  name: 'symbols', about: 'symbol → id by a perfect hash, beside a Map', byDefault: true, run,
};
