// An exchange at full load stood at 195 MB for seven minutes and then took 3.3 MB more, once: the young generation had doubled,
// because a little of what it holds survives each collection. Looked for as a leak, by mapping, for an evening.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { NODE_FLAGS, YOUNG_GENERATION_FLAG } from './settled_heap.ts';

const PLAIN = ['--disable-warning=ExperimentalWarning'];
const MODULE = new URL('settled_heap.ts', import.meta.url).href;

/** Garbage of which a little survives each collection, 300 MB of it; prints the young generation's MiB before and after. */
const PROGRAM = `
  import { getHeapSpaceStatistics } from 'node:v8';
  import { settleHeap } from ${JSON.stringify(MODULE)};
  const youngMiB = () => getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space').space_size / 2 ** 20;
  const kept = new Array(500).fill(null);
  let made = 0;
  const work = (objects) => { for (let i = 0; i < objects; i++) kept[made++ % kept.length] = [made, made * 1.5, made, made]; };
  if (process.argv[1] === 'settled') settleHeap();
  work(200_000);
  const before = youngMiB();
  work(4_000_000);
  console.log(JSON.stringify({ before, after: youngMiB() }));`;

function run(flags: readonly string[], argument: string): { before: number; after: number } {
  const child = spawnSync(process.execPath, [...flags, '--input-type=module', '--eval', PROGRAM, argument], { encoding: 'utf8' });
  assert.equal(child.status, 0, child.stderr);
  return JSON.parse(child.stdout) as { before: number; after: number };
}

test('a young generation grows by itself, whatever little survives; a settled one stays what it was', () => {
  const plain = run(PLAIN, 'as it is');
  assert.ok(plain.after >= 8, `V8 has grown it, or this test shows nothing: ${plain.after} MiB`);
  const settled = run([...PLAIN, YOUNG_GENERATION_FLAG], 'settled');
  assert.ok(settled.before >= 4 && settled.after <= settled.before, `from ${settled.before} to ${settled.after} MiB`);
  const least = run(PLAIN, 'settled');
  assert.ok(least.after <= 2, `held at what V8 begins with: ${least.after} MiB`);
});

test('the launcher gives the same flags, the size of the young generation among them', () => {
  const launcher = readFileSync(new URL('../../bin/node26.mjs', import.meta.url), 'utf8');
  const flags = /NODE_FLAGS = \[(.*)\]/.exec(launcher)?.[1] ?? '';
  assert.deepEqual(flags.split(', '), NODE_FLAGS.map((flag) => `'${flag}'`));
  assert.ok(NODE_FLAGS.includes(YOUNG_GENERATION_FLAG));
});

// Three benchmarks started processes without the young generation's size, which then was collected four times as often.
test('benchmarks start what they measure with these flags', () => {
  const folder = new URL('../../bench/', import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts'));
  const own = files.filter((name) => readFileSync(new URL(name, folder), 'utf8').includes('ExperimentalWarning'));
  assert.deepEqual(own, []);
});
