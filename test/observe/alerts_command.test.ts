// `outcry dashboard` with a configuration: what is beyond a threshold is told to the webhook, signed, and shown; an edited file
// changes the thresholds while it runs, and one with a fault changes nothing.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { outcry } from '../trade/processes.ts';
import type { AddressInfo } from 'node:net';
import type { Alert } from '../../src/observe/alerts/alert.ts';

const KEY = 'known-to-both-ends';

interface Told {
  readonly event: string;
  readonly alert: Alert;
}

test('thresholds of the file hold, and those of the edited file from then on', { timeout: 300_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-dashboard-alerts-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const told: Told[] = [];
  let unsigned = 0;
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    }).on('end', () => {
      const [, seconds, digest] = /^t=(\d+),v1=(\w+)$/.exec(String(request.headers['outcry-signature'])) ?? [];
      if (digest !== createHmac('sha256', KEY).update(`${seconds}.${body}`).digest('hex')) unsigned++;
      told.push(JSON.parse(body) as Told);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;

  const path = join(folder, 'outcry.toml');
  const configure = (memoryPercent: number, more = ''): void => {
    const rest = 'process_silent = false\noverload_cpu_percent = 0\nraise_after = 0\nclear_after = "100ms"';
    writeFileSync(path, `[alerts]\nwebhook = "http://127.0.0.1:${port}/"\n${rest}\noverload_memory_percent = ${memoryPercent}\n${more}`);
  };
  configure(1);
  const running = outcry('dashboard', '--port', '0', '--config', path, '--webhook-key', KEY);
  t.after(() => running.child.kill('SIGKILL'));
  const [, url] = await running.said(/page +(http:\S+)/);
  const until = async (event: string): Promise<Alert> => {
    for (let i = 0; i < 3_000; i++) {
      const found = told.find((one) => one.event === event && one.alert.kind === 'SystemOverload');
      if (found !== undefined) return found.alert;
      await sleep(20);
    }
    throw new Error(`expected SystemOverload to be ${event} within 60 s, was ${JSON.stringify(told)}`);
  };
  const raised = await until('raised');
  assert.match(raised.message, /^memory of the machine in use [\d.]+ %, threshold 1 %$/);
  const shown = (await (await fetch(`${url}api/alerts`)).json()) as Alert[];
  assert.ok(shown.some(({ id, clearedMs }) => id === raised.id && clearedMs === null));
  const { health } = (await (await fetch(`${url}api/status`)).json()) as { health: { score: number; parts: { name: string }[] } };
  assert.deepEqual([health.score, health.parts.length], [0, 7]);

  configure(0, 'clear_percent = 101\n');
  await running.said(/alerts\.clear_percent: expected a whole number 1 to 100, was 101/);
  assert.ok(!told.some(({ event, alert }) => event === 'cleared' && alert.id === raised.id), 'nothing of a file with a fault is taken over');
  configure(0);
  await running.said(/took over alerts\.overload_memory_percent/);
  assert.equal((await until('cleared')).id, raised.id);
  assert.equal(unsigned, 0);
  running.child.kill('SIGINT');
  const { code, stdout, stderr } = await running.ended;
  assert.equal(code, 0, stderr);
  // What may hold a secret is printed nowhere.
  assert.ok(!`${stdout}${stderr}`.includes(KEY) && !stderr.includes(`:${port}/`), stderr);
});
