// The examples of README and library guide run as printed: each js or ts block as a program of an
// empty project that has the built package, each sh block that is followed by its output in a
// clone's shell. What they print must be the text block below them; a ts block is type-checked too.
// Links and verbs must exist.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VERBS } from '../src/apps/outcry.ts';
import { buildPackage } from '../tools/build_package.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const DOCUMENTS = ['README.md', 'docs/LIBRARY.md', 'docs/MARKET_DATA.md', 'docs/BUILDING_AN_EXCHANGE.md'];
const texts = new Map(DOCUMENTS.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
const readme = texts.get('README.md')!;

interface Block {
  readonly document: string;
  readonly language: string;
  readonly code: string;
  readonly line: number;
  /** The text block that follows, '' when none does. */
  readonly output: string;
}

function blocksOf(document: string, markdown: string): Block[] {
  const found = [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```\n/gm)];
  return found.map((match, i) => {
    const next = found[i + 1];
    const between = next && markdown.slice(match.index + match[0].length, next.index);
    const output = next?.[1] === 'text' && between?.trim() === '' ? next[2] : '';
    return {
      document,
      language: match[1],
      code: match[2],
      line: markdown.slice(0, match.index).split('\n').length,
      output,
    };
  });
}

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  assert.equal(status, 0, `${stdout}${stderr}`);
  return stdout;
}

const blocks = [...texts].flatMap(([path, text]) => blocksOf(path, text));

describe('documents', () => {
  let project = '';

  before(() => {
    project = mkdtempSync(join(tmpdir(), 'outcry-readme-'));
    const installed = join(project, 'node_modules/outcry');
    mkdirSync(installed, { recursive: true });
    copyFileSync(join(root, 'package.json'), join(installed, 'package.json'));
    buildPackage(join(installed, 'dist'));
    symlinkSync(join(root, 'node_modules/koffi'), join(project, 'node_modules/koffi'), 'junction');
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }\n');
  });

  after(() => rmSync(project, { recursive: true, force: true }));

  for (const { document, language, code, line, output } of blocks) {
    if (language !== 'js' && language !== 'ts') continue;
    test(`${document} line ${line}: the ${language} program prints what stands below it`, () => {
      const file = `${basename(document, '.md')}_${line}.${language}`;
      writeFileSync(join(project, file), code);
      assert.notEqual(output, '', 'a text block follows');
      assert.equal(run(process.execPath, [file], project), output);
      if (language !== 'ts') return;
      const compiler = join(root, 'node_modules/typescript/bin/tsc');
      const flags = [
        '--noEmit',
        '--strict',
        '--skipLibCheck',
        '--module',
        'nodenext',
        '--target',
        'esnext',
        '--lib',
        'esnext,dom',
      ];
      run(process.execPath, [compiler, ...flags, file], project);
    });
  }

  for (const { document, language, code, line, output } of blocks) {
    if (language !== 'sh' || output === '') continue;
    test(
      `${document} line ${line}: the command prints what stands below it`,
      { skip: process.platform === 'win32' && 'needs a POSIX shell' },
      () => {
        const command = code.replaceAll(
          'npx outcry',
          `'${process.execPath}' '${join(root, 'bin/outcry.mjs')}'`,
        );
        assert.equal(run('sh', ['-c', command], root), output);
      },
    );
  }

  test('verbs, scripts and links are there', () => {
    const names = VERBS.map((verb) => verb.name);
    const verbs = [...readme.matchAll(/npx outcry ([a-z]+)/g)].map(([, verb]) => verb);
    assert.ok(verbs.length >= names.length, `${verbs.length} verbs shown`);
    for (const verb of verbs) assert.ok(names.includes(verb), `outcry ${verb}`);
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(
      readFileSync(join(root, 'package.json'), 'utf8'),
    );
    for (const [, script] of readme.matchAll(/npm (?:run )?(start|test|bench)\b/g))
      assert.ok(scripts[script], `npm run ${script}`);
    for (const [path, text] of texts) {
      for (const [, target] of text.matchAll(/\]\(([^)#:]+)\)/g))
        assert.ok(existsSync(join(root, dirname(path), target)), `${target} of ${path}`);
    }
  });
});
