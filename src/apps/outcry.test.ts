import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'node:test';
import { outcryProgram, VERBS } from './outcry.ts';

const OUTCRY = fileURLToPath(new URL('../../bin/outcry.mjs', import.meta.url));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

async function run(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(process.execPath, [OUTCRY, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text; });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}

describe('the outcry command', () => {
  test('without a verb it lists them all, with an example each', async () => {
    const { code, stdout } = await run([]);
    assert.equal(code, 0);
    for (const verb of VERBS) {
      assert.ok(stdout.includes(`  ${verb.name}`), verb.name);
      assert.ok(stdout.includes(verb.example[0]), verb.example[0]);
    }
    assert.ok(!stdout.includes('\x1b'), 'no colours in a pipe');
    assert.equal((await run(['--help'])).stdout, stdout);
  });

  test('each verb has help with examples, also by `help VERB`', async () => {
    for (const verb of VERBS) {
      const program = await outcryProgram([verb.name, '--help']);
      const command = program.commands.find((candidate) => candidate.name() === verb.name);
      assert.ok(command !== undefined);
      assert.ok(command.description() !== '', verb.name);
      assert.ok(command.options.length + command.commands.length > 0, verb.name);
    }
    const { code, stdout } = await run(['help', 'demo']);
    assert.equal(code, 0);
    assert.match(stdout, /Usage: outcry demo/);
    assert.match(stdout, /Examples:\n {2}outcry demo/);
  });

  // The exchange's help had lines of 240 columns: beside names of 41 commander leaves what is meant unwrapped.
  test('options fit 80 columns, however long their names, and none has an empty list as its default', async () => {
    for (const { name } of VERBS) {
      const program = await outcryProgram([name]);
      const command = program.commands.find((one) => one.name() === name);
      assert.ok(command !== undefined);
      const help = command.configureOutput({ getOutHelpWidth: () => 80 }).helpInformation();
      for (const line of help.split('\n')) assert.ok(line.length <= 80, `${name}: ${line}`);
      assert.ok(!help.includes('(default: [])'), name);
    }
  });

  test('only the verb that is asked for is loaded', async () => {
    const program = await outcryProgram(['match']);
    const loaded = program.commands.filter((command) => command.options.length > 0);
    assert.deepEqual(loaded.map((command) => command.name()), ['match']);
  });

  test('an unknown verb ends with code 2 and the nearest one', async () => {
    const { code, stdout, stderr } = await run(['exchnage']);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /unknown command 'exchnage'/);
    assert.match(stderr, /Did you mean exchange\?/);
  });

  test('an unknown option ends with code 2, and is JSON for who wants it', async () => {
    const { code, stdout, stderr } = await run(['demo', '--durration', '3', '--json']);
    assert.equal(code, 2);
    assert.match(stderr, /Did you mean --duration\?/);
    const { ok, error }: { ok: boolean; error: string } = JSON.parse(stdout);
    assert.equal(ok, false);
    assert.match(error, /unknown option '--durration'/);
  });

  test('too many arguments: how many were expected, what came, also as JSON', async () => {
    const { code, stdout, stderr } = await run(['config', 'check', 'a', 'b', '--json']);
    assert.equal(code, 2);
    assert.match(stderr, /^error: check: expected 1 argument, was 2\n/);
    assert.deepEqual(JSON.parse(stdout), { ok: false, error: 'check: expected 1 argument, was 2' });
    assert.match((await run(['config', 'sample', 'x'])).stderr, /^error: sample: expected no argument, was 1\n/);
  });

  test('a benchmark that there is not ends with code 2', async () => {
    const { code, stderr } = await run(['bench', 'nosuch']);
    assert.equal(code, 2);
    assert.match(stderr, /^error: benchmark: expected one of order-book, .*, was "nosuch"\n/);
  });

  test('the version is the package’s', async () => {
    const { code, stdout } = await run(['--version']);
    assert.equal(code, 0);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  });

  test('a reader that leaves early is no error', () => {
    const command = `"${process.execPath}" "${OUTCRY}" exchange --help | head -n 1`;
    const { stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
    assert.match(stdout, /^Usage: outcry exchange/);
    assert.equal(stderr, '');
  });

  // It once was a stack trace.
  test('a full disk ends it with a word and code 1', {
    skip: !existsSync('/dev/full'),
  }, () => {
    const command = `echo '{"op":"depth"}' | "${process.execPath}" "${OUTCRY}" match > /dev/full`;
    const { status, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(stderr, /^error: cannot write the output: ENOSPC.*\n$/);
  });

  test('colours where they are forced', async () => {
    const { stdout } = await run(['--help'], { FORCE_COLOR: '1' });
    assert.ok(stdout.includes('\x1b['));
  });

  test('every verb’s example begins with the verb, and its file is there', () => {
    for (const verb of VERBS) {
      assert.ok(verb.example[0].startsWith(`outcry ${verb.name}`), verb.name);
      assert.ok(
        existsSync(fileURLToPath(new URL(`./${verb.name}.ts`, import.meta.url))), verb.name,
      );
    }
  });
});
