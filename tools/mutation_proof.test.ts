// The table of mutations, without running them: each can be made, each has tests, each known mistake
// has one. `node bin/node26.mjs tools/mutation_proof.ts` makes them.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { failedTests, mutate } from './mutation_proof.ts';
import { MUTATIONS } from './mutations.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

for (const mutation of MUTATIONS) {
  test(`row ${mutation.row} can be made: ${mutation.what}`, () => {
    const before = read(mutation.file);
    const after = mutate(before, mutation);
    assert.notEqual(after, before);
    // The core is AssemblyScript, whose decorators are not for Node.
    if (!mutation.file.startsWith('core/')) stripTypeScriptTypes(after);
  });
}

test('every mutation has tests, which are there', () => {
  for (const { what, tests } of MUTATIONS) {
    assert.ok(tests.length > 0, what);
    for (const file of tests) {
      assert.ok(file.endsWith('.test.ts') && existsSync(join(root, file)), `${what}: ${file} is gone`);
    }
  }
});

test('every known mistake has a mutation', () => {
  const rows = [...read('test/known_mistakes.test.ts').matchAll(/^ {2}\[\n {4}(\d+),$/gm)].map((found) => Number(found[1]));
  assert.equal(rows.length, 35);
  assert.deepEqual([...new Set(MUTATIONS.map(({ row }) => row))].toSorted((a, b) => a - b), rows);
});

test('a text that is not there, or there twice, is refused with its count', () => {
  const mutation = { row: 1, what: '', file: 'a.ts', find: 'x + y', replace: '$& - z', tests: [] };
  assert.equal(mutate('1; x + y; 2', mutation), '1; $& - z; 2', 'taken literally');
  assert.throws(() => mutate('x - y', mutation), /row 1, a\.ts: expected its text once, was 0 times/);
  assert.throws(() => mutate('x + y; x + y', mutation), /was 2 times/);
});

test('the names of failed tests are read from the runner', () => {
  const tap = [
    'ok 1 - fine', '    not ok 2 - inner \\# 3', 'not ok 2 - outer', '# not ok 9 - told', 'ok 3 - not ok 4 - no',
  ];
  assert.deepEqual(failedTests(tap.join('\n')), ['inner # 3', 'outer']);
});
