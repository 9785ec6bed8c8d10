// `outcry exchange --journal` as a user starts it: what it says, what it refuses, how it ends when its
// disk fails. test/crash kills it.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FileStorage } from '../journal/file_storage.ts';
import { freePorts } from './free_ports.ts';
import { orderLives } from './journal_order.ts';
import { JournalRows, rowText } from './journal_rows.ts';

const OUTCRY = fileURLToPath(new URL('./outcry.ts', import.meta.url));
const SMALL = ['--journal-segment-bytes', '1MiB', '--journal-queue-bytes', '2MiB', '--orders-max', '10000'];
/** Each run takes the next; at most two run at once. Asked for before, so that a run starts without waiting. */
const MULTICAST_PORTS = await Promise.all(Array.from({ length: 8 }, () => freePorts()));
let portsGiven = 0;

function directoryFor(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'outcry-exchange-journal-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

interface Run {
  readonly says: (pattern: RegExp) => Promise<RegExpMatchArray>;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
  readonly pid: number | undefined;
}

/** `before`: words of a shell that come before the command. */
function run(t: TestContext, directory: string, args: readonly string[] = [], before = ''): Run {
  const multicastPort = MULTICAST_PORTS[portsGiven++ % MULTICAST_PORTS.length];
  const command = [
    process.execPath, '--disable-warning=ExperimentalWarning', OUTCRY, 'exchange', '--port', '0',
    '--multicast-port', String(multicastPort), '--journal', directory, ...SMALL, ...args,
  ];
  const [program, words] =
    before === '' ? [command[0], command.slice(1)] : ['bash', ['-c', `${before}; exec "$@"`, 'bash', ...command]];
  const child = spawn(program, words, { env: { ...process.env, NO_COLOR: '1' } });
  t.after(() => child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  let hear = (): void => {};
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    hear();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  const says = async (pattern: RegExp): Promise<RegExpMatchArray> =>
    new Promise((resolve, reject) => {
      hear = () => {
        const match = pattern.exec(stdout);
        if (match !== null) resolve(match);
      };
      hear();
      void ended.then(() => reject(new Error(`it never said ${pattern}:\n${stdout}${stderr}`)));
    });
  return { says, kill: (signal) => child.kill(signal), ended, pid: child.pid };
}

/** BUY 10 of ticker 1 at 1.00, on bare. */
function buy(client: number, id: number): Buffer {
  const bytes = Buffer.alloc(30);
  bytes.writeUInt8(1, 0);
  bytes.writeUInt32LE(client, 1);
  bytes.writeUInt32LE(1, 5);
  bytes.writeBigUInt64LE(BigInt(id), 9);
  bytes.writeInt8(1, 17);
  bytes.writeBigInt64LE(100n, 18);
  bytes.writeUInt32LE(10, 26);
  return bytes;
}

async function clientOf(t: TestContext, port: string): Promise<{ socket: Socket; answers: () => number }> {
  const socket = connect(Number(port), '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  let bytes = 0;
  socket.on('data', (data: Buffer) => (bytes += data.length));
  await once(socket, 'connect');
  return { socket, answers: () => bytes / 42 };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; !condition(); i++) {
    assert.ok(i < 3_000, `never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

for (const threads of ['dedicated', 'shared'] as const) {
  test(`threads ${threads}: banner and result name the mode; the next start goes on where this one ended`, async (t) => {
    const directory = directoryFor(t);
    const first = run(t, directory, ['--no-cancel-on-disconnect', '--json', '--threads', threads]);
    const [, port] = await first.says(/orders +tcp 127\.0\.0\.1:(\d+)/);
    await first.says(/journal +durable, begun in/);
    const [, session] = await first.says(/session (X\w+)/);
    const client = await clientOf(t, port);
    client.socket.write(Buffer.concat([buy(1, 1), buy(1, 2)]));
    await until(() => client.answers() === 2, 'two answers');
    client.socket.destroy();
    first.kill('SIGTERM');
    const ended = await first.ended;
    assert.equal(ended.code, 0, ended.stderr);
    const result = JSON.parse(ended.stdout.trimEnd().split('\n').at(-1) ?? '') as {
      ordersLive: number;
      stateHash: string;
      journal: { mode: string; eventHash: string };
      counters: Record<string, number>;
    };
    assert.equal(result.journal.mode, 'durable');
    assert.equal(result.ordersLive, 2);
    assert.ok(result.counters['journal_syncs'] > 0);
    // And the record that says that it ended in good order.
    assert.equal(result.counters['journal_released'], result.counters['journal_sequence'] + 1);

    const second = run(t, directory, ['--no-cancel-on-disconnect', '--threads', threads, '--durability', 'async-unsafe', '--json', '--duration', '50ms']);
    await second.says(/journal +async-unsafe, .*snapshot \d+ and 1 record executed again in \d+ ms, .*ended in good order/);
    await second.says(new RegExp(`session ${session}`));
    const again = JSON.parse((await second.ended).stdout.trimEnd().split('\n').at(-1) ?? '') as typeof result;
    assert.equal(again.ordersLive, 2);
    assert.equal(again.stateHash, result.stateHash);
    assert.equal(again.journal.eventHash, result.journal.eventHash);

    // What an exchange writes is what the audit reads: it once looked for the instruments elsewhere, said
    // "book 0", prices in ticks, and nothing of any order.
    const lines = [...new JournalRows(new FileStorage(directory), { client: 1 }).all()].map(rowText);
    assert.match(lines.join('\n'), /commands +new 1\.2 buy 10 @ 1\.00 limit gtc T1/);
    const [life] = orderLives(new FileStorage(directory), 2n, 1);
    assert.match(life.steps.map(({ text }) => text).join('; '), /^accepted: buy 10 @ 1\.00 T1, order 2, rests with 10 shown/);
  });
}

test('shared: journal and log take their turns in the loop of the exchange, and no thread is started for them', { skip: process.platform !== 'linux' && 'Linux only' }, async (t) => {
  const threadsOf = async (mode: string): Promise<number> => {
    const exchange = run(t, directoryFor(t), ['--threads', mode]);
    await exchange.says(/transport/);
    const tasks = readdirSync(`/proc/${exchange.pid}/task`).length;
    exchange.kill('SIGTERM');
    assert.equal((await exchange.ended).code, 0);
    return tasks;
  };
  const [dedicated, shared] = [await threadsOf('dedicated'), await threadsOf('shared')];
  // Journal, the next segment's zeros, log.
  assert.ok(dedicated - shared >= 3, `${dedicated} threads and ${shared}`);
});

test('a second process on the same directory is refused: exit code 3', async (t) => {
  const directory = directoryFor(t);
  const first = run(t, directory);
  await first.says(/transport/);
  const { code, stderr } = await run(t, directory).ended;
  assert.equal(code, 3);
  assert.match(stderr, /the journal in .* is in use by .*end that one first, or give another directory/);
});

test('damage and another configuration: exit code 3, what is wrong, and nothing is changed', async (t) => {
  const directory = directoryFor(t);
  const first = run(t, directory, ['--duration', '20ms']);
  assert.equal((await first.ended).code, 0);
  const other = await run(t, directory, ['--tickers', '5']).ended;
  assert.equal(other.code, 3);
  assert.match(other.stderr, /was written under another configuration \(instruments: expected .*, was .*\)/);
  const segment = join(directory, readdirSync(directory).find((name) => name.startsWith('segment')) ?? '');
  const bytes = readFileSync(segment);
  bytes[64 + 41] ^= 1; // in the payload of the first record
  writeFileSync(segment, bytes);
  for (const name of readdirSync(directory)) if (name.endsWith('.snapshot')) rmSync(join(directory, name));
  const damaged = await run(t, directory).ended;
  assert.equal(damaged.code, 3);
  assert.match(damaged.stderr, /is damaged: segment-0000000001\.journal at offset .* checksum .* Nothing has been changed/);
  assert.deepEqual(readFileSync(segment), bytes);
});

/** A place with 4 MiB: a file system of its own where that can be mounted, else a limit on a file's size. */
function smallDisk(t: TestContext): { directory: string; before: string; grow: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'outcry-exchange-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory]);
  t.after(() => {
    if (mounted.status === 0) spawnSync('umount', [directory]);
    rmSync(directory, { recursive: true, force: true });
  });
  if (mounted.status !== 0) return { directory, before: 'ulimit -f 1024', grow: () => {} };
  return {
    directory,
    before: '',
    grow: () => assert.equal(spawnSync('mount', ['-o', 'remount,size=64m', directory]).status, 0),
  };
}

for (const threads of ['dedicated', 'shared'] as const) {
  test(`threads ${threads}, a full disk: it stops acknowledging, says what to do, exit code 3; with room it goes on`, async (t) => {
    const { directory, before, grow } = smallDisk(t);
    const args = ['--no-cancel-on-disconnect', '--journal-snapshot-interval', '0', '--framing', 'bare', '--threads', threads];
    const first = run(t, directory, args, before);
    const [, port] = await first.says(/orders +tcp 127\.0\.0\.1:(\d+)/);
    await first.says(/transport/);
    const client = await clientOf(t, port);
    let id = 0;
    const flood = setInterval(() => {
      if (client.socket.writableLength > 1 << 20) return;
      // Most are refused as repeated, which needs no room but that of the journal.
      client.socket.write(Buffer.concat(Array.from({ length: 2_000 }, () => buy(1, (id = (id % 5_000) + 1)))));
    }, 5);
    t.after(() => clearInterval(flood));
    const { code, stderr } = await first.ended;
    clearInterval(flood);
    const answered = client.answers();
    assert.equal(code, 3, stderr);
    assert.match(stderr, /(ENOSPC|EFBIG|no space|too large).*Nothing has been acknowledged since.*start again/i);
    assert.ok(answered > 0, 'it had acknowledged before');
    grow();
    const second = run(t, directory, [...args, '--json', '--duration', '50ms']);
    await second.says(/after a crash/);
    const ended = await second.ended;
    assert.equal(ended.code, 0, ended.stderr);
    const { ordersLive } = JSON.parse(ended.stdout.trimEnd().split('\n').at(-1) ?? '') as { ordersLive: number };
    assert.ok(ordersLive >= Math.min(5_000, Math.floor(answered)) - 1, `${ordersLive} orders, ${answered} answers`);
  });
}
