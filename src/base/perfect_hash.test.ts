import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { leastHeapPerOperation } from '../../bench/harness/heap.ts';
import { NAME_NONE, PERFECT_HASH_NAMES_MAX, PerfectHash } from './perfect_hash.ts';

const encoder = new TextEncoder();
const NAMES = 4_096;

/** Short names, all of a kind: what makes a weak hash collide. */
function symbols(count: number): string[] {
  return Array.from({ length: count }, (_, i) => (i % 2 === 0 ? `T${i}` : `C${String(i).padStart(5, '0')}-USDT`));
}

test('all of 4,096 names are found, as text and as bytes', () => {
  const names = symbols(NAMES);
  const hash = new PerfectHash(names);
  for (const [i, name] of names.entries()) {
    assert.equal(hash.indexOf(name), i);
    const field = encoder.encode(`..${name}     `);
    assert.equal(hash.indexOfBytes(field, 2, name.length), i);
  }
});

test('what is not in the set is refused: other names, beginnings, longer ones, nothing', () => {
  const names = symbols(NAMES);
  const hash = new PerfectHash(names);
  const known = new Set(names);
  for (const name of names) {
    for (const other of [`${name}X`, `${name} `, name.slice(0, -1), name.toLowerCase(), `${name.slice(0, -1)}\0`]) {
      if (known.has(other)) continue;
      assert.equal(hash.indexOf(other), NAME_NONE, other);
      const bytes = encoder.encode(other);
      assert.equal(hash.indexOfBytes(bytes, 0, bytes.length), NAME_NONE, other);
    }
  }
  assert.equal(hash.indexOf(''), NAME_NONE);
  assert.equal(hash.indexOf('é€'), NAME_NONE);
});

test('any set of names: each has its index, others have none', () => {
  const name = fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)), minLength: 1, maxLength: 12 });
  fc.assert(fc.property(fc.uniqueArray(name, { maxLength: 200 }), fc.array(name), (names, others) => {
    const hash = new PerfectHash(names);
    const map = new Map(names.map((text, i) => [text, i]));
    for (const text of [...names, ...others]) assert.equal(hash.indexOf(text), map.get(text) ?? NAME_NONE);
  }));
});

test('a set that is none is told', () => {
  assert.throws(() => new PerfectHash(['A', 'B', 'A']), /names\[2\]: expected each name once, was "A" again/);
  assert.throws(() => new PerfectHash(['']), /names\[0\]: expected 1 to 64 characters, were 0/);
  assert.throws(() => new PerfectHash(['x'.repeat(65)]), /were 65/);
  assert.throws(() => new PerfectHash(['€']), /expected characters of one byte, was "€"/);
  assert.throws(() => new PerfectHash(symbols(PERFECT_HASH_NAMES_MAX + 1)), /expected at most 32768, were 32769/);
  assert.equal(new PerfectHash([]).indexOf('A'), NAME_NONE);
});

test('a look-up allocates nothing', async () => {
  const names = symbols(512);
  const hash = new PerfectHash(names);
  const bytes = names.map((name) => encoder.encode(name));
  let sum = 0;
  const round = (): void => {
    for (let i = 0; i < names.length; i++) sum += hash.indexOf(names[i]) + hash.indexOfBytes(bytes[i], 0, bytes[i].length);
  };
  const perLookUp = await leastHeapPerOperation(() => { for (let i = 0; i < 20; i++) round(); }, 20 * 2 * names.length, 0.1);
  assert.ok(perLookUp <= 0.1, `${perLookUp} bytes a look-up`);
  assert.ok(sum > 0);
});
