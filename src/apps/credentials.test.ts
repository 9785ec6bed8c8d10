// The file of keys, `outcry key`, and a trader that logs in with one at an exchange that has the other
// half: as a user runs them.
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { addCredential, CredentialsError, readCredentials, withKeys } from './credentials.ts';
import { freePorts } from './free_ports.ts';

const OUTCRY = fileURLToPath(new URL('./outcry.ts', import.meta.url));
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning'];
const SECRET = /[0-9a-f]{64}/;

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'outcry-keys-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function written(t: TestContext, text: string, mode = 0o600): string {
  const path = join(folder(t), 'keys');
  writeFileSync(path, text, { mode });
  chmodSync(path, mode); // whatever the umask says
  return path;
}

const line = (keyId: string, user: string, client: number | string, digit = 'a'): string =>
  `${keyId} ${user} ${client} ${digit.repeat(64)}\n`;

test('a new file is private; a second key of a user has another id; what is written is read again', (t) => {
  const path = join(folder(t), 'keys');
  const made = [addCredential(path, 'ALPHA', 7, null), addCredential(path, 'ALPHA', 7, null), addCredential(path, 'B', 8, 'desk')];
  assert.deepEqual(made.map(({ keyId }) => keyId), ['ALPHA-1', 'ALPHA-2', 'desk']);
  assert.deepEqual(readCredentials(path), made);
  assert.equal(new Set(made.map(({ secret }) => Buffer.from(secret).toString('hex'))).size, 3);
  if (process.platform !== 'win32') assert.equal(statSync(path).mode & 0o777, 0o600);
  for (const [user, client, keyId, fault] of [
    ['ALPHA', 9, null, /user ALPHA: expected client 7, as before, was 9/],
    ['OTHER', 7, null, /client 7: expected user ALPHA, as before, was OTHER/],
    ['B', 8, 'desk', /key desk: expected ids that differ, was there twice/],
    ['TOOLONGX', 1, null, /user: expected 1 to 6 printable ASCII characters, was "TOOLONGX"/],
    ['C', 1, 'much-too-long', /key id: expected 1 to 8/],
    ['C', 4_294_967_295, null, /client: expected a whole number 0 to 4294967294/],
  ] as const)
    assert.throws(() => addCredential(path, user, client, keyId), fault);
  assert.deepEqual(readCredentials(path), made, 'nothing of these was written');
});

test('a long user name leaves room for the number: ids stay within 8 characters and apart', (t) => {
  const path = join(folder(t), 'keys');
  const ids = Array.from({ length: 12 }, () => addCredential(path, 'SIXSIX', 1, null).keyId);
  assert.equal(new Set(ids).size, 12);
  assert.ok(ids.every((id) => id.length <= 8), ids.join());
});

test('a file that others can read, a folder, none at all: refused with what to do', { skip: process.platform === 'win32' }, (t) => {
  const mode = written(t, line('A-1', 'A', 1), 0o640);
  assert.throws(() => readCredentials(mode), new CredentialsError(`${mode}: expected mode 0600 (chmod 600 ${mode}), was 0640`));
  assert.throws(() => addCredential(mode, 'A', 1, null), /expected mode 0600/, 'nor is a key put into one');
  chmodSync(mode, 0o600);
  assert.equal(readCredentials(mode).length, 1);
  const path = folder(t);
  assert.throws(() => readCredentials(path), /expected a file/);
  const missing = join(path, 'none');
  assert.throws(() => readCredentials(missing), /cannot be read \(ENOENT\): outcry key new .*none --user NAME --client ID makes it/);
  assert.throws(() => addCredential(join(missing, 'x'), 'A', 1, null), /ENOENT|ENOTDIR/);
  mkdirSync(join(path, 'folder'));
  assert.throws(() => addCredential(join(path, 'folder'), 'A', 1, null), /expected a file/);
});

test('every wrong line is named; a secret is never repeated', (t) => {
  const secret = 'c0ffee'.repeat(10);
  const path = written(t, `# comment\n\n${line('A-1', 'A', 1)}one two\nB-1 B x ${'b'.repeat(64)}\nC-1 C 3 ${secret}\n`);
  assert.throws(
    () => readCredentials(path),
    (error: Error) => {
      assert.deepEqual(error.message.split('\n'), [
        `${path}:4: expected key id, user, client and secret, was 2 words`,
        `${path}:5: client: expected a whole number 0 to 4294967294, was "x"`,
        `${path}:6: secret: expected 64 hexadecimal digits, was something else`,
      ]);
      return true;
    },
  );
});

test('keys go to the accounts of their users; users of the file alone are accounts too', (t) => {
  const known = readCredentials(written(t, line('A-1', 'A', 1) + line('A-2', 'A', 1, 'b') + line('B-1', 'B', 2)));
  const account = { user: 'A', password: 'x', client: 1, owner: 3, cancelOnDisconnect: false };
  const accounts = withKeys([account], known);
  assert.deepEqual(
    accounts.map(({ user, password, client, owner, cancelOnDisconnect, keys = [] }) =>
      [user, password, client, owner, cancelOnDisconnect, keys.map(({ id }) => id)]),
    [['A', 'x', 1, 3, false, ['A-1', 'A-2']], ['B', '', 2, null, true, ['B-1']]],
  );
  assert.throws(() => withKeys([{ ...account, client: 9 }], known), /user A: expected client 9, as in exchange.accounts, was 1/);
});

// ── as a user runs them ──────────────────────────────────────────────────────────────────────────

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function outcry(...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath, [...NODE_FLAGS, OUTCRY, ...args], { timeout: 60_000, env: { ...process.env, NO_COLOR: '1' } },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout, stderr });
      },
    );
  });
}

test('outcry key: made, listed, never shown; wrong command lines', async (t) => {
  const path = join(folder(t), 'keys');
  const made = await outcry('key', 'new', path, '--user', 'ALPHA', '--client', '7');
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stdout, /^key ALPHA-1 of user ALPHA, client 7, is in /);
  assert.match(made.stdout, /outcry exchange --credentials/);
  const json = await outcry('key', 'new', path, '--user', 'ALPHA', '--client', '7', '--id', 'spare', '--json');
  assert.deepEqual(JSON.parse(json.stdout), { ok: true, file: path, keyId: 'spare', user: 'ALPHA', client: 7 });
  const list = await outcry('key', 'list', path);
  assert.equal(list.stdout, 'key      user   client\nALPHA-1  ALPHA  7\nspare    ALPHA  7\n');
  for (const { stdout, stderr } of [made, json, list]) assert.doesNotMatch(stdout + stderr, SECRET);
  const clash = await outcry('key', 'new', path, '--user', 'ALPHA', '--client', '8');
  assert.equal(clash.code, 1);
  assert.match(clash.stderr, /user ALPHA: expected client 7, as before, was 8/);
  assert.equal((await outcry('key', 'new', path, '--user', 'ALPHA')).code, 2);
  assert.equal((await outcry('key', 'new', path, '--user', 'ALPHA', '--client', 'seven')).code, 2);
});

test('beyond loopback an exchange does not start without keys, and says what to do', async () => {
  const { code, stderr } = await outcry('exchange', '-i', '10.255.255.254');
  assert.equal(code, 2, stderr);
  assert.match(stderr, /expected a loopback address \(127\.0\.0\.1\), --credentials FILE .*outcry key new FILE/);
});

async function exchange(t: TestContext, credentials: string): Promise<{ port: number; multicastPort: number; said: () => string }> {
  const multicastPort = await freePorts();
  const child: ChildProcessWithoutNullStreams = spawn(
    process.execPath,
    [...NODE_FLAGS, OUTCRY, 'exchange', '-p', '0', '--multicast-port', String(multicastPort), '--credentials', credentials],
    { env: { ...process.env, NO_COLOR: '1', XDG_RUNTIME_DIR: folder(t) } },
  );
  t.after(() => child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  while (!/transport/.test(stdout)) await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => assert.fail(stdout + stderr))]);
  return { port: Number(/orders +tcp 127\.0\.0\.1:(\d+)/.exec(stdout)?.[1]), multicastPort, said: () => stderr };
}

test('a trader with its key trades; with another, or none, it is refused and ends', async (t) => {
  const path = folder(t);
  const [keys, own, wrong] = ['keys', 'own', 'wrong'].map((name) => join(path, name));
  addCredential(keys, 'ALPHA', 7, null);
  addCredential(keys, 'BETA', 8, null);
  writeFileSync(own, readFileSync(keys, 'utf8').split('\n').filter((text) => !text.startsWith('BETA')).join('\n'), { mode: 0o600 });
  addCredential(wrong, 'ALPHA', 7, null);
  const running = await exchange(t, keys);
  const trade = (...args: string[]): Promise<Outcome> =>
    outcry(
      'trade', '-p', String(running.port), '--multicast-port', String(running.multicastPort), '-c', '7', '--duration', '2s', '--json', ...args,
    );
  const signed = await trade('--credentials', own);
  assert.equal(signed.code, 0, signed.stderr + signed.stdout);
  await heard(running.said, /client 7 logged in from 127\.0\.0\.1:\d+ \(soup\)/);
  const forged = await trade('--credentials', wrong);
  assert.notEqual(forged.code, 0);
  await heard(running.said, /user "ALPHA": the signature is not that of the key/);
  const bare = await trade();
  assert.notEqual(bare.code, 0);
  assert.match(forged.stdout + forged.stderr, /not authorised/);
  const other = await trade('--credentials', keys);
  assert.equal(other.code, 2, other.stderr);
  assert.match(other.stderr, /expected one key, or --user to choose, was 2 of 2/);
  const client = await trade('--credentials', keys, '--user', 'BETA');
  assert.match(client.stderr, /expected the client of BETA in the credentials = 8, was 7/);
  assert.ok(existsSync(own));
  for (const said of [signed, forged, bare, other, client].map(({ stdout, stderr }) => stdout + stderr).concat(running.said()))
    assert.doesNotMatch(said, SECRET);
});

/** A thread of its own writes the log: some milliseconds later, or more on a busy machine. */
async function heard(said: () => string, pattern: RegExp): Promise<void> {
  const untilMs = performance.now() + 10_000;
  while (!pattern.test(said()) && performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.match(said(), pattern);
}
