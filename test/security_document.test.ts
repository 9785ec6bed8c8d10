// docs/SECURITY.md names a test for each rule: they are there. And what it says of packages.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const ROOT = new URL('../', import.meta.url);

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}

interface Named {
  readonly file: string;
  readonly name: string;
}

/** Links to test files with the name of a test behind them, as the tables have them. */
function namedTests(text: string): Named[] {
  return [...text.matchAll(/\]\(\.\.\/([\w./]+\.test\.ts)\) "((?:[^"\\]|\\.)*)"/g)].map(([, file, name]) => ({
    file, name: name.replaceAll('\\"', '"'),
  }));
}

function has(source: string, name: string): boolean {
  const quoted = ["'", '"', '`'].map((quote) => `test(${quote}${name.replaceAll(quote, `\\${quote}`)}${quote},`);
  // A test with options may have its name on a line of its own.
  return quoted.some((start) => source.replaceAll(/test\(\s+/g, 'test(').includes(start));
}

test('every rule of docs/SECURITY.md has a test that is there', () => {
  const text = read('docs/SECURITY.md');
  const named = namedTests(text);
  const links = text.match(/\.test\.ts\)/g) ?? [];
  assert.equal(named.length, links.length, 'every link to a test says which');
  assert.ok(named.length >= 45, `${named.length} rules`);
  for (const { file, name } of named) {
    assert.ok(existsSync(new URL(file, ROOT)), `${file} is gone`);
    assert.ok(has(read(file), name), `${file} has no test called ${JSON.stringify(name)}`);
  }
  for (const row of text.split('\n')) {
    if (!/^\|(?! rule| control| bound| where|---)/.test(row) || !row.includes('|') || /^\| (loopback|beyond|anywhere)/.test(row)) continue;
    assert.ok(namedTests(row).length > 0 || row.endsWith('| the same |'), `no test: ${row}`);
  }
});

test('a test that is not there is noticed', () => {
  assert.ok(has("test('one', () => {});", 'one'));
  assert.ok(has('test(\n  "it\'s", () => {});', "it's"));
  assert.ok(!has("test('one and more', () => {});", 'one'));
  assert.deepEqual(namedTests('| x | [a](../test/a.test.ts) "b \\"c\\" d" |'), [{ file: 'test/a.test.ts', name: 'b "c" d' }]);
});

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
}

/** Its binaries come as packages of each platform; the script is for building from source. */
const SCRIPT_NOT_NEEDED = new Set(['node_modules/koffi']);

test('dependencies: exact versions, hashes, and no install script that is needed', () => {
  const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string> | undefined>;
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'])
    for (const [name, version] of Object.entries(manifest[kind] ?? {}))
      assert.match(version, /^(npm:[\w@/.-]+@)?\d+\.\d+\.\d+[\w.-]*$/, `${kind}: ${name} is exact`);
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, LockedPackage> };
  for (const [path, { version, integrity, hasInstallScript, dev, optional }] of Object.entries(packages)) {
    if (path === '') continue;
    assert.ok(version !== undefined, `${path}: a version`);
    // The linter's binaries of other platforms stand there by version alone.
    if (!(dev === true && optional === true && integrity === undefined)) assert.match(integrity ?? '', /^sha512-/, path);
    assert.ok(hasInstallScript !== true || SCRIPT_NOT_NEEDED.has(path), `${path} runs a script when it is installed`);
  }
});
