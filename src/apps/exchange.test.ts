// `outcry exchange` as a user starts it: what it says, how it ends.
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, connect, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePorts } from './free_ports.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/outcry.mjs', import.meta.url));
const OUTCRY = fileURLToPath(new URL('./outcry.ts', import.meta.url));
/** Each run takes the next; at most two run at once. Asked for before, so that a run starts without waiting. */
const MULTICAST_PORTS = await Promise.all(Array.from({ length: 8 }, () => freePorts()));
let portsGiven = 0;

interface Run {
  readonly child: ChildProcessWithoutNullStreams;
  /** Resolves when stdout holds what is looked for. */
  readonly says: (pattern: RegExp) => Promise<RegExpMatchArray>;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

function start(t: TestContext, ...args: readonly string[]): Run {
  return run(t, [process.execPath, '--disable-warning=ExperimentalWarning', OUTCRY], args);
}

/** `command` begins with a program; what `outcry` gets stands behind it. */
function run(
  t: TestContext, command: readonly string[], args: readonly string[],
  variables: NodeJS.ProcessEnv = {},
): Run {
  const multicastPort = MULTICAST_PORTS[portsGiven++ % MULTICAST_PORTS.length];
  const environment = { ...process.env, NO_COLOR: '1', ...variables };
  const child = spawn(
    command[0],
    [...command.slice(1), 'exchange', '--multicast-port', String(multicastPort), ...args],
    { env: environment },
  );
  t.after(() => child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const listener of listeners) listener();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    stdout,
    stderr,
  }));
  const says = async (pattern: RegExp): Promise<RegExpMatchArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(stdout);
        if (match === null) return;
        listeners.delete(look);
        resolve(match);
      };
      listeners.add(look);
      look();
      void ended.then(() =>
        reject(new Error(`it ended and never said ${pattern}:\n${stdout}${stderr}`)),
      );
    });
  return { child, says, ended };
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`a banner, a trade, a clean end by ${signal}, a summary`, async (t) => {
    const { child, says, ended } = start(t, '--port', '0', '--tickers', '7,8');
    const [, port] = await says(/orders +tcp 127\.0\.0\.1:(\d+) +framing auto/);
    await says(/instruments +T7 \(7\), T8 \(8\)/);
    const client = connect(Number(port), '127.0.0.1');
    t.after(() => client.destroy());
    await once(client, 'connect');
    // BUY 10 of ticker 7 at 1.00 by client 1, order 1.
    client.write(
      Buffer.from(
        '01' +
          '01000000' +
          '07000000' +
          '0100000000000000' +
          '01' +
          '6400000000000000' +
          '0a000000',
        'hex',
      ),
    );
    const [answer] = (await once(client, 'data')) as [Buffer];
    assert.equal(answer.length, 42);
    assert.equal(answer[0], 1);
    child.kill(signal);
    const { code, stdout, stderr } = await ended;
    assert.equal(code, 0);
    assert.match(stdout, /requests +1, 0 rejected/);
    assert.match(stdout, /matching +0 trades, 1 orders left/);
    assert.match(stderr, /client 1 logged in from 127\.0\.0\.1:\d+ \(bare\)/);
    assert.match(stderr, /client 1 .* ended: shutdown/);
  });
}

// Ctrl-C where the input is no terminal comes from the terminal and from the launcher. The second of
// the two once ended the exchange before it had said anything.
test('two interrupts at once are one', async (t) => {
  const { child, says, ended } = start(t, '--port', '0');
  await says(/transport/);
  child.kill('SIGINT');
  child.kill('SIGTERM'); // another signal, so that the system does not make one of the two
  const { code, stdout } = await ended;
  assert.equal(code, 0);
  assert.match(stdout, /books +cbf29ce484222325/);
});

// An exchange once stayed behind, and its ports with it: when its launcher was killed outright, and
// when npm was told to end, which tells its shell alone.
for (const [whom, command, variables] of [
  ['launcher', [process.execPath, LAUNCHER], { npm_lifecycle_event: undefined }],
  // A shell that has more to do after the exchange, as npm's may have, so it waits for it.
  [
    'shell between npm and the launcher',
    ['sh', '-c', `"${process.execPath}" "${LAUNCHER}" "$@"; true`, 'sh'],
    { npm_lifecycle_event: 'start' },
  ],
] as const) {
  test(`no exchange outlives the ${whom}`, { skip: process.platform === 'win32' }, async (t) => {
    const { child, says, ended } = run(t, command, ['--port', '0', '--duration', '1m'], variables);
    await says(/transport/);
    child.kill('SIGKILL');
    // The output ends when nobody is left that could write to it, and what ended was in good order.
    assert.match((await ended).stdout, /books +cbf29ce484222325/);
  });
}

test('--json: the last line is the result', async (t) => {
  const { ended } = start(t, '-p', '0', '--duration', '100ms', '--json');
  const { code, stdout } = await ended;
  assert.equal(code, 0);
  const result = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
  assert.equal(result['ok'], true);
  assert.equal(result['publicHash'], 'cbf29ce484222325', 'of empty books');
  assert.equal((result['counters'] as Record<string, number>)['requests'], 0);
});

test('a port in use: what to do, and exit code 1', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1');
  t.after(() => holder.close());
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  const { code, stdout, stderr } = await start(t, '--port', String(port), '--json').ended;
  assert.equal(code, 1);
  assert.match(
    stderr,
    new RegExp(
      `cannot listen on 127\\.0\\.0\\.1:${port}: the port is in use .*choose another port.*--port 0 --multicast-port`,
    ),
  );
  assert.equal(
    (JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as { ok: boolean }).ok,
    false,
  );
});

test('wrong values: all of them, and exit code 2', async (t) => {
  const { code, stderr } = await start(t, '--ttl', '1000', '--framing', 'fix').ended;
  assert.equal(code, 2);
  assert.match(stderr, /--ttl: expected a whole number 0 to 255, was "1000"/);
  assert.match(stderr, /--framing: expected one of auto, bare, sequenced, soup, was "fix"/);
});
