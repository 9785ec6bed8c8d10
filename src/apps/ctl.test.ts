// `outcry ctl` against `outcry exchange`, as a user runs both; and the file by which one finds the other.
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePorts } from './free_ports.ts';
import {
  newToken, operatorFile, readOperatorFile, removeOperatorFile, traderFile, writeOperatorFile,
} from './operator_file.ts';

const OUTCRY = fileURLToPath(new URL('./outcry.ts', import.meta.url));

interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly port: number;
  readonly environment: NodeJS.ProcessEnv;
  readonly stderr: () => string;
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'outcry-ctl-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function exchange(t: TestContext, variables: NodeJS.ProcessEnv = {}, ...args: string[]): Promise<Running> {
  const environment = { ...process.env, NO_COLOR: '1', XDG_RUNTIME_DIR: folder(t), ...variables };
  const multicastPort = await freePorts();
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', OUTCRY, 'exchange', '-p', '0', '--multicast-port', String(multicastPort), ...args],
    { env: environment },
  );
  t.after(() => child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdout.setEncoding('utf8');
  for await (const [text] of asLines(child)) {
    stdout += text;
    if (/transport/.test(stdout)) break;
  }
  const port = Number(/orders +tcp 127\.0\.0\.1:(\d+)/.exec(stdout)?.[1]);
  assert.ok(port > 0, stdout + stderr);
  return { child, port, environment, stderr: () => stderr };
}

async function* asLines(child: ChildProcessWithoutNullStreams): AsyncGenerator<[string]> {
  for (;;) yield (await once(child.stdout, 'data')) as [string];
}

function ctl(running: Pick<Running, 'port' | 'environment'>, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', OUTCRY, 'ctl', args[0], '--port', String(running.port), ...args.slice(1)],
      { env: running.environment, timeout: 30_000 },
      (error, stdout, stderr) => resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr }),
    );
  });
}

/** BUY 10 of ticker 1 at 1.00 by `client`. */
function order(client: number, id: number): Buffer {
  const bytes = Buffer.alloc(30);
  bytes.writeUInt8(1, 0);
  bytes.writeUInt32LE(client, 1);
  bytes.writeUInt32LE(1, 5);
  bytes.writeUInt32LE(id, 9);
  bytes.writeInt8(1, 17);
  bytes.writeUInt32LE(100, 18);
  bytes.writeUInt32LE(10, 26);
  return bytes;
}

test('kill, reset, halt, status, sessions: in words and as JSON; the file goes with the exchange', async (t) => {
  const running = await exchange(t, {}, '--tickers', '1,2');
  const file = operatorFile(running.port, running.environment);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(join(file, '..')).mode & 0o777, 0o700);

  const socket = connect(running.port, '127.0.0.1');
  t.after(() => socket.destroy());
  let answers = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => (answers = Buffer.concat([answers, bytes])));
  const answered = async (count: number): Promise<number[][]> => {
    while (answers.length < count * 42) await once(socket, 'data');
    return Array.from({ length: answers.length / 42 }, (_, i) => [answers[i * 42], answers.readUInt32LE(i * 42 + 34)]);
  };
  socket.write(order(7, 1));
  assert.deepEqual(await answered(1), [[1, 0]]);

  assert.deepEqual(await ctl(running, 'kill', '--client', '7'), { code: 0, stdout: 'locked out: client 7\n', stderr: '' });
  socket.write(order(7, 2));
  assert.deepEqual(await answered(4), [[1, 0], [7, 20], [5, 20], [5, 20]]);
  const sessions = await ctl(running, 'sessions');
  assert.match(sessions.stdout, /^client {2}peer .*\n7 {7}127\.0\.0\.1:\d+ +bare +0 +0 +true\n$/);
  assert.equal((await ctl(running, 'reset', '--all')).stdout, 'nobody is locked out\n');
  const halted = await ctl(running, 'halt', '--ticker', '2', '--json');
  assert.deepEqual(JSON.parse(halted.stdout), {
    ok: true,
    result: { instruments: [{ ticker: 1, symbol: 'T1', state: 'open' }, { ticker: 2, symbol: 'T2', state: 'halted' }] },
  });
  const status = await ctl(running, 'status');
  assert.match(status.stdout, /session X\w+: 1 connections, 0 orders; nobody is locked out/);
  assert.match(status.stdout, / 2 {2}T2 +halted\n/);
  assert.match(status.stdout, /rejected_for_killed +2\n/);
  assert.equal((await ctl(running, 'logout', '--client', '7')).stdout, 'the session of client 7 has ended\n');

  running.child.kill('SIGTERM');
  await once(running.child, 'close');
  // A thread of its own writes the log: it is whole when the process has ended.
  assert.match(running.stderr(), /operator 127\.0\.0\.1:\d+: kill client 7\n/);
  assert.match(running.stderr(), /client 7 .* ended: operator: by the operator/);
  assert.ok(!existsSync(file), 'the file is gone');
  const nobody = await ctl(running, 'status');
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /no exchange of this user on port \d+: expected .*exchange-\d+\.json/);
});

test('what is asked wrongly: exit code 2 from the command line, 1 from the exchange', async (t) => {
  const running = await exchange(t);
  for (const args of [['kill'], ['kill', '--client', '1', '--all'], ['kill', '--client', 'x'], ['halt', '--client', '1'], ['logout', '--all']]) {
    const { code, stderr } = await ctl(running, ...args);
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`);
  }
  const both = await ctl(running, 'kill', '--all', '--client', '3');
  assert.match(both.stderr, /kill: expected --client or --all, were both: say one of them/);
  assert.match((await ctl(running, 'kill')).stderr, /kill: expected --client or --all, was neither/);
  const { code, stderr } = await ctl(running, 'halt', '--ticker', '77');
  assert.equal(code, 1);
  assert.match(stderr, /ticker: expected one of 1, 2, 3, was 77/);
});

test('a token that is configured is not written down; ctl has it from the environment; or there is no channel', async (t) => {
  const token = 'configured-and-not-written';
  const running = await exchange(t, { HFT_EXCHANGE_OPERATOR_TOKEN: token });
  const file = operatorFile(running.port, running.environment);
  assert.ok(!readFileSync(file, 'utf8').includes(token));
  assert.equal((await ctl(running, 'status')).code, 0);
  const without = { ...running, environment: { ...running.environment, HFT_EXCHANGE_OPERATOR_TOKEN: '' } };
  assert.match((await ctl(without, 'status')).stderr, /expected it in HFT_EXCHANGE_OPERATOR_TOKEN/);
  const wrong = { ...running, environment: { ...running.environment, HFT_EXCHANGE_OPERATOR_TOKEN: `${token}x` } };
  const refused = await ctl(wrong, 'kill', '--all');
  assert.deepEqual([refused.code, /token: expected the exchange's/.test(refused.stderr)], [1, true]);
  const { port } = readOperatorFile(file);
  assert.equal((await ctl({ ...running, port: 1 }, 'status', '--operator-port', String(port))).code, 0);

  const closed = await exchange(t, {}, '--no-operator');
  assert.ok(!existsSync(operatorFile(closed.port, closed.environment)));
  assert.equal((await ctl(closed, 'status')).code, 1);
});

// Node's recursive mkdir never returned from /proc, so an exchange with such a runtime folder span before its banner.
test('the file: a folder that cannot be made is said, and does not hold the exchange up', { skip: process.platform !== 'linux' }, () => {
  const module = JSON.stringify(new URL('operator_file.ts', import.meta.url).href);
  const child = spawnSync(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning', '--input-type=module', '--eval',
      `import { operatorFile, writeOperatorFile } from ${module};
       writeOperatorFile(operatorFile(7, { XDG_RUNTIME_DIR: '/proc' }), { host: '', port: 1, token: '', pid: 1 });`,
    ],
    { timeout: 30_000, encoding: 'utf8' },
  );
  assert.equal(child.status, 1, child.stderr);
  assert.match(child.stderr, /\/proc\/outcry-.*: cannot be made \(ENOENT\): expected a folder above it that is there/);
});

// Each exchange that was killed had left its file for good: more than a thousand on one machine, each with a token.
test('the file: what killed processes have left goes with the next start, and nothing else', (t) => {
  const base = folder(t);
  const environment = { XDG_RUNTIME_DIR: base };
  const { pid: dead } = spawnSync(process.execPath, ['--version']);
  const address = { host: '127.0.0.1', port: 1, token: newToken(), pid: process.pid };
  const own = operatorFile(7, environment);
  writeOperatorFile(own, address);
  const left = [operatorFile(8, environment), traderFile(8, 3, environment)];
  for (const path of left) writeFileSync(path, JSON.stringify({ ...address, pid: dead }));
  const others = [operatorFile(9, environment), join(base, 'keys'), join(own, '..', 'mine.json')];
  for (const path of others) writeFileSync(path, JSON.stringify({ ...address, pid: path.endsWith('mine.json') ? dead : 0 }));
  const written = operatorFile(10, environment);
  writeFileSync(written, '{"host":"127.');
  writeOperatorFile(operatorFile(11, environment), address);
  assert.deepEqual(left.map((path) => existsSync(path)), [false, false]);
  for (const path of [own, written, ...others]) assert.ok(existsSync(path), path);
});

test('the file: never through a link, never in a folder that others can write', { skip: process.platform === 'win32' }, (t) => {
  const base = folder(t);
  const path = operatorFile(7, { XDG_RUNTIME_DIR: base });
  const address = { host: '127.0.0.1', port: 1, token: newToken(), pid: process.pid };
  assert.match(address.token, /^[\w-]{32}$/);
  writeOperatorFile(path, address);
  assert.deepEqual(readOperatorFile(path), address);
  const victim = join(base, 'victim');
  writeFileSync(victim, 'mine');
  rmSync(path);
  symlinkSync(victim, path);
  writeOperatorFile(path, address);
  assert.equal(readFileSync(victim, 'utf8'), 'mine');
  assert.ok(!lstatSync(path).isSymbolicLink());
  removeOperatorFile(path);
  assert.ok(!existsSync(path));
  writeOperatorFile(path, { ...address, pid: process.ppid });
  removeOperatorFile(path);
  assert.ok(existsSync(path), "another exchange's stays");
  chmodSync(join(path, '..'), 0o777);
  assert.throws(() => writeOperatorFile(path, address), /expected mode 0700, was 0777/);
  const other = folder(t);
  mkdirSync(join(other, 'real'));
  assert.throws(() => writeOperatorFile(join(other, 'none', 'here', 'file'), address), /cannot be made \(ENOENT\)/);
  const linked = operatorFile(7, { XDG_RUNTIME_DIR: other });
  symlinkSync(join(other, 'real'), join(linked, '..'));
  assert.throws(() => writeOperatorFile(linked, address), /expected a folder/);
  writeFileSync(path, '"text"');
  assert.throws(() => readOperatorFile(path), /expected host and port/);
});
