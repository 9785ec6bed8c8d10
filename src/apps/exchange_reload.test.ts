// An edited configuration file while `outcry exchange` runs: good edits hold from the next turn on, bad
// ones change nothing.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from './free_ports.ts';

const OUTCRY = fileURLToPath(new URL('./outcry.ts', import.meta.url));
const DEADLINE_MS = 20_000;

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!holds() && performance.now() < deadline) await sleep(10);
  assert.ok(holds(), what);
}

/** True when the exchange keeps a new connection, false when it closes it. */
async function isAdmitted(port: number): Promise<{ admitted: boolean; socket: Socket }> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  socket.resume();
  const closed = once(socket, 'close').then(() => false);
  return { admitted: await Promise.race([closed, sleep(500, true)]), socket };
}

test('an exchange takes over a good edit, and goes on after a bad one', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-reload-'));
  const path = join(folder, 'outcry.toml');
  const multicastPort = await freePorts();
  const write = (...more: string[]): void =>
    writeFileSync(path, ['[exchange]', 'port = 0', `multicast_port = ${multicastPort}`, ...more, ''].join('\n'));
  write('framing = "bare"');
  const child = spawn(process.execPath, [OUTCRY, 'exchange', '--config', path], {
    env: { ...process.env, NO_COLOR: '1' },
  });
  t.after(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await until('it starts', () => /transport/.test(stdout));
  const port = Number(/tcp 127\.0\.0\.1:(\d+)/.exec(stdout)?.[1]);
  const first = await isAdmitted(port);
  assert.ok(first.admitted);
  t.after(() => first.socket.destroy());

  // 1 A good edit: one connection from an address, and this one is there already.
  write('framing = "bare"', 'connections_per_address_max = 1', 'heartbeat = "2s"');
  await until('it is taken over', () => /took over exchange\.connections_per_address_max, exchange\.heartbeat/.test(stderr));
  assert.equal((await isAdmitted(port)).admitted, false);

  // 2 Bad: one fault, and one key that needs a restart. Nothing of it holds.
  write('framing = "soup"', 'connections_per_address_max = 5');
  await until('it is refused', () => /goes on as it was/.test(stderr));
  assert.match(stderr, /outcry\.toml:4:11: exchange\.framing: expected no change before the next start, framing cannot change while running: runs with "bare", was "soup"/);
  assert.equal((await isAdmitted(port)).admitted, false);

  // 3 Good again; from now on only errors are said.
  write('framing = "bare"', 'connections_per_address_max = 5', '[log]', 'level = "error"');
  await sleep(100);
  let again = await isAdmitted(port);
  const deadline = performance.now() + DEADLINE_MS;
  while (!again.admitted && performance.now() < deadline) again = await isAdmitted(port);
  assert.ok(again.admitted);
  again.socket.destroy();
  const said = stderr.length;
  child.kill('SIGINT');
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  assert.doesNotMatch(stderr.slice(said), /ended/);
});
