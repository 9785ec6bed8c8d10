// docs/STRATEGIES.md: its generated parts are what the code says, its programs run as printed in an empty
// project that has the built package, its commands run in a clone.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { STRATEGIES } from '../src/trader/strategies/strategies.ts';
import { buildPackage } from './build_package.ts';
import { filled, strategiesFiles } from './strategies_document.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const page = readFileSync(join(root, 'docs/STRATEGIES.md'), 'utf8');

for (const [path, text] of strategiesFiles()) {
  test(`${path} is what the code says (npm run generate writes it)`, () => {
    const [found, expected] = [readFileSync(join(root, path), 'utf8'), text].map((all) => all.split('\n'));
    const line = expected.findIndex((one, index) => one !== found[index]);
    assert.equal(found[line], expected[line], `line ${line + 1}`);
    assert.equal(found.length, expected.length);
  });
}

test('every strategy has its section with its table, and unknown names are told', () => {
  for (const { name } of STRATEGIES) assert.ok(page.includes(`\n## ${name}\n`) && page.includes(`<!-- parameters of ${name} -->`), name);
  assert.throws(() => filled('<!-- parameters of nobody -->\n<!-- end -->'), /expected the name of a strategy, was "nobody"/);
});

test('links lead somewhere', () => {
  const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, text]) => text.toLowerCase().replaceAll(' ', '-'));
  for (const [, target] of page.matchAll(/\]\(([^)]+)\)/g)) {
    if (target.startsWith('#')) assert.ok(headings.includes(target.slice(1)), target);
    else assert.ok(existsSync(join(root, 'docs', target)), target);
  }
});

describe('as printed', () => {
  let project = '';

  before(() => {
    project = mkdtempSync(join(tmpdir(), 'outcry-strategies-'));
    const installed = join(project, 'node_modules/outcry');
    mkdirSync(installed, { recursive: true });
    copyFileSync(join(root, 'package.json'), join(installed, 'package.json'));
    buildPackage(join(installed, 'dist'));
    symlinkSync(join(root, 'node_modules/koffi'), join(project, 'node_modules/koffi'), 'junction');
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }\n');
  });

  after(() => rmSync(project, { recursive: true, force: true }));

  function run(command: string, args: readonly string[], cwd: string): string {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', env: { ...env, NO_COLOR: '1' } });
    assert.equal(status, 0, `${command} ${args.join(' ')}\n${stdout}${stderr}`);
    return stdout;
  }

  test('the strategy and its test, in a project that has the package', () => {
    const [strategy, itsTest] = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code);
    writeFileSync(join(project, 'touch_joiner.ts'), strategy);
    writeFileSync(join(project, 'touch_joiner.test.ts'), itsTest);
    assert.match(run(process.execPath, ['--test', '--test-reporter=tap'], project), /^# pass 1$/m);
    const types = join(root, 'node_modules/@types');
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    run(process.execPath, [
      compiler, '--noEmit', '--strict', '--skipLibCheck', '--allowImportingTsExtensions', '--module', 'nodenext', '--target', 'esnext',
      '--types', 'node', '--typeRoots', types, 'touch_joiner.test.ts',
    ], project);
  });

  const commands = [...page.matchAll(/^npx outcry (backtest .*)$/gm)].map(([, command]) => command);
  for (const command of commands) {
    test(`outcry ${command}`, () => {
      const out = run(process.execPath, [join(root, 'bin/outcry.mjs'), ...command.split(' '), '--json'], root);
      const result = JSON.parse(out.trim().split('\n').at(-1)!) as Record<string, unknown>;
      assert.equal(typeof result, 'object');
    });
  }
});
