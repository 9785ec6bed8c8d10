// The runner's own choices, and that its help and the documents name what is there.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BENCHMARKS } from '../bench/suite.ts';
import { findTool, inCi, requireThat } from '../test/requirements.ts';
import { KINDS, LENGTHS, kindsOf, runTests, testFiles } from './run_tests.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const contributing = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');

test('a file’s kind comes from its name and its imports', () => {
  const usesRunner = "import { test } from 'node:test';\n";
  const usesProperties = `${usesRunner}import fc from 'fast-check';\n`;
  assert.deepEqual(kindsOf('src/a.test.ts', usesRunner), ['unit']);
  assert.deepEqual(kindsOf('src/a.test.ts', usesProperties), ['property']);
  assert.deepEqual(kindsOf('src/a.fuzz.ts', usesProperties), ['fuzz', 'property']);
  assert.deepEqual(kindsOf('src/a.fuzz.test.ts', usesRunner), ['fuzz']);
  assert.deepEqual(kindsOf('src/a.fuzz.ts', 'export function fuzz() {}'), [], 'run by its test');
});

test('every test file is of a kind and found once; filters choose among them', () => {
  const all = testFiles([]);
  assert.deepEqual(all, [...new Set(all)]);
  assert.deepEqual(all, [...new Set(KINDS.flatMap((kind) => testFiles([], kind)))].toSorted());
  for (const folder of ['src/', 'test/', 'bench/', 'tools/'])
    assert.ok(testFiles([folder]).length > 0, folder);
  assert.deepEqual(testFiles(['run_tests.test']), ['tools/run_tests.test.ts']);
  assert.deepEqual(testFiles(['no such file']), []);
});

test('options that cannot be are refused with the value', () => {
  assert.throws(
    () => runTests(['--only', 'slow']),
    /--only: expected unit, property, fuzz, was "slow"/,
  );
  assert.throws(
    () => runTests(['--concurrency', '0']),
    /--concurrency: expected a whole number above 0, was "0"/,
  );
  assert.throws(() => runTests(['no such file']), /no test file contains no such file/);
});

test('the help names every variable that sets a length or a seed, and no other', () => {
  const read = new Set<string>();
  for (const path of globSync('{src,test,tools}/**/*.{test,fuzz}.ts', { cwd: root })) {
    for (const [, name] of readFileSync(join(root, path), 'utf8').matchAll(
      /process\.env\['(\w+)'\] \?\? /g,
    )) {
      read.add(name);
    }
  }
  assert.deepEqual(LENGTHS.map(([name]) => name).toSorted(), [...read].toSorted());
});

test('CONTRIBUTING names every benchmark, and scripts that are there', () => {
  const named = [...contributing.matchAll(/^\| `npx outcry bench ([a-z-]+)` /gm)].map(
    ([, name]) => name,
  );
  assert.deepEqual(named.toSorted(), BENCHMARKS.map(({ name }) => name).toSorted());
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  for (const [, script] of contributing.matchAll(/`npm run ([a-z:]+)/g))
    assert.ok(scripts[script], `npm run ${script}`);
});

test('a missing tool skips with the reason, and fails in continuous integration', () => {
  assert.deepEqual(
    [inCi({ CI: 'true' }), inCi({ CI: '1' }), inCi({}), inCi({ CI: 'false' })],
    [true, true, false, false],
  );
  assert.equal(findTool('no-such-tool-here'), null);
  assert.notEqual(findTool('npm'), null);
  const skipped: string[] = [];
  const context = { skip: (reason: string) => skipped.push(reason) } as unknown as TestContext;
  assert.equal(requireThat(context, 5, 'nothing is missing'), 5);
  const before = process.env['CI'];
  try {
    delete process.env['CI'];
    assert.equal(requireThat(context, null, 'x is not installed'), null);
    assert.deepEqual(skipped, ['x is not installed']);
    process.env['CI'] = 'true';
    assert.throws(
      () => requireThat(context, null, 'x is not installed'),
      /x is not installed; in continuous integration/,
    );
  } finally {
    if (before === undefined) delete process.env['CI'];
    else process.env['CI'] = before;
  }
});
