// The demo with its dashboard: the page of the link shows the market and commands it, and the demo's books agree at the end
// whatever was commanded.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { VerbRig, waitFor, type RunningVerb } from './running_verbs.reference.ts';
import type { CommandAnswer, CommandRequest, DashboardSummary, MarketMessage, StatusMessage } from '../observe/dashboard/messages.ts';

interface Shown {
  readonly demo: RunningVerb;
  readonly get: <T>(path: string) => Promise<T>;
  readonly command: (request: CommandRequest) => Promise<CommandAnswer>;
  readonly url: string;
}

async function shown(t: TestContext, ...args: string[]): Promise<Shown> {
  const rig = new VerbRig(t);
  const demo = rig.start('demo', '--port', '0', ...args);
  const link = new URL(await demo.says(/^dashboard (http\S+)$/m));
  const token = link.hash.replace('#token=', '');
  assert.match(token, /^[\w-]{32}$/);
  const url = link.origin;
  return {
    demo, url,
    get: async <T>(path: string) => (await fetch(`${url}${path}`)).json() as Promise<T>,
    command: async (request) => {
      const answer = await fetch(`${url}/api/commands`, {
        method: 'POST', body: JSON.stringify(request),
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      });
      return answer.json() as Promise<CommandAnswer>;
    },
  };
}

test('the page shows the market, pauses, kills and stops; the books agree at the end', async (t) => {
  const { demo, get, command } = await shown(t);
  const status = (): Promise<StatusMessage> => get<StatusMessage>('/api/status');
  const traderOf = async (client: number): Promise<string> =>
    (await status()).system.traders.find((trader) => trader.client === client)?.state ?? 'none';
  await waitFor(async () => (await get<MarketMessage>('/api/market?ticker=1')).trades.length > 0, 'trades');
  await waitFor(async () => (await get<DashboardSummary>('/api/dashboard')).total_pnl_dollars !== null, 'profit of the traders');
  await waitFor(async () => (await get<DashboardSummary>('/api/dashboard')).avg_order_latency_nanos !== null, 'a latency');
  const { system, feed } = await status();
  assert.deepEqual(system.traders.map(({ client }) => client).toSorted((a, b) => a - b), [2, 3]);
  assert.equal(feed?.state, 'live');

  assert.deepEqual(await command({ command: 'pause', client: 2, confirm: true }), { ok: true, text: 'the trader of client 2 has withdrawn its quotes' });
  await waitFor(async () => (await traderOf(2)) === 'paused', 'the pause, on the page');
  assert.equal((await command({ command: 'resume', client: 2, confirm: true })).ok, true);
  await waitFor(async () => (await traderOf(2)) === 'running', 'its end, on the page');
  const limits = await command({ command: 'limits', client: 2, maxPosition: 1, confirm: true });
  assert.match(limits.text, /^limits: max_order_qty: expected at most max_position = 1, was \d+$/);
  assert.equal((await command({ command: 'limits', client: 2, maxLoss: 1_000_000, confirm: true })).ok, true);
  assert.equal((await command({ command: 'kill', confirm: true })).text, 'everybody is locked out, all orders are cancelled');
  await waitFor(async () => ((await status()).system.exchange?.lockedOut ?? 0) > 0, 'the lock, on the page');
  assert.equal((await command({ command: 'reset', confirm: true })).ok, true);
  assert.equal((await command({ command: 'stop', client: 3, confirm: true })).ok, true);
  await waitFor(async () => (await traderOf(3)) === 'stopped', 'its stop, on the page');
  const gone = await command({ command: 'resume', client: 3, confirm: true });
  assert.match(gone.text, /expected a trader that has not been stopped, was stopped/);
  assert.match((await command({ command: 'pause', client: 9, confirm: true })).text, /no trader of this user is client 9/);

  demo.child.kill('SIGINT');
  await demo.ended;
  assert.equal(demo.exitCode, 0, demo.stderr);
  assert.match(demo.stdout, /^books +equal/m);
  assert.match(demo.stdout, /^accounts +equal/m);
  assert.match(demo.stdout, /^dashboard was at http:\/\/127\.0\.0\.1:\d+\/ while it ran$/m);
});

test('a dashboard that dies is none of the demo\'s business', { skip: process.platform !== 'linux' }, async (t) => {
  const { demo, get } = await shown(t);
  const { system } = await get<StatusMessage>('/api/status');
  // Its process is the launcher's child's child: asked of the system, for the page lists those that say who they are.
  const pid = dashboardsOf(demo.child.pid ?? 0);
  assert.ok(system.exchange !== null && pid > 0);
  process.kill(pid, 'SIGKILL');
  const lines = demo.stdout.split('\n').length;
  await waitFor(() => demo.stdout.split('\n').length > lines + 2, 'more of the demo');
  demo.child.kill('SIGINT');
  await demo.ended;
  assert.equal(demo.exitCode, 0, demo.stderr);
  assert.match(demo.stdout, /^books +equal/m);
});

/** The dashboard among the children of a process, and theirs; 0: none. */
function dashboardsOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter((child) => child !== '');
  for (const child of children.map(Number)) {
    if (readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('demo_dashboard')) return child;
    const below = dashboardsOf(child);
    if (below > 0) return below;
  }
  return 0;
}

test('a port that is taken: the next one; --no-dashboard: none', async (t) => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object' && address.port < 65_000);
  const { url, demo } = await shown(t, '--dashboard-port', String(address.port));
  assert.ok(Number(new URL(url).port) > address.port);
  demo.child.kill('SIGINT');
  const none = new VerbRig(t).start('demo', '--port', '0', '--no-dashboard', '--duration', '2');
  await Promise.all([demo.ended, none.ended]);
  assert.deepEqual([demo.exitCode, none.exitCode], [0, 0]);
  assert.ok(!none.stdout.includes('dashboard'));
});
