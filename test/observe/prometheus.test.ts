// A real Prometheus server scrapes what is known of a real exchange, and its rules tell of one that hangs. What lies under deploy/
// for it: rules that hold what they say, a dashboard that asks for nothing that is not there.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PROMETHEUS_CONTENT_TYPE, prometheusText } from '../../src/observe/metrics/exposition.ts';
import { isDistribution } from '../../src/observe/metrics/metric.ts';
import { METRICS } from '../../src/observe/metrics/table.ts';
import { SystemWatch } from '../../src/observe/system_watch.ts';
import { requireTool } from '../requirements.ts';
import { outcry, startExchange } from '../trade/processes.ts';

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url));
const RULES = join(DEPLOY, 'prometheus/outcry_rules.yml');
const UNTIL_MS = 25_000;
const folder = mkdtempSync(join(tmpdir(), 'outcry-prometheus-'));
test.after(() => rmSync(folder, { recursive: true }));

// ── a server ───────────────────────────────────────────────────────────────────────────────────

async function listening(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A port that was free a moment ago: Prometheus cannot be told to take any. */
async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Serves /metrics as the dashboard does; the port. */
async function serveMetrics(t: TestContext, watch: SystemWatch): Promise<number> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', PROMETHEUS_CONTENT_TYPE).end(prometheusText({ system: watch.look() }));
  });
  const port = await listening(server);
  t.after(() => server.close());
  return port;
}

/** The configuration of deploy/ with quicker scrapes of another port; the address of its interface. */
async function startPrometheus(t: TestContext, program: string, metricsPort: number): Promise<string> {
  cpSync(RULES, join(folder, 'outcry_rules.yml'));
  const config = readFileSync(join(DEPLOY, 'prometheus/prometheus.yml'), 'utf8')
    .replaceAll('interval: 5s', 'interval: 250ms').replace("'127.0.0.1:8080'", `'127.0.0.1:${metricsPort}'`);
  writeFileSync(join(folder, 'prometheus.yml'), config);
  const address = `127.0.0.1:${await freePort()}`;
  const server = spawn(program, [
    '--config.file', join(folder, 'prometheus.yml'), '--storage.tsdb.path', join(folder, 'data'), '--web.listen-address', address, '--log.level', 'error',
  ], { stdio: 'ignore' });
  t.after(async () => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await ended;
  });
  return `http://${address}/api/v1`;
}

/** Asks until the answer is what is waited for. */
async function answered<T>(url: string, what: string, find: (data: any) => T | undefined): Promise<T> { // oxlint-disable-line typescript/no-explicit-any -- another program's JSON
  const untilMs = performance.now() + UNTIL_MS;
  let last = '';
  for (;;) {
    try {
      last = await (await fetch(url)).text();
      const found = find((JSON.parse(last) as { data: unknown }).data);
      if (found !== undefined) return found;
    } catch {
      // It is not up yet.
    }
    if (performance.now() > untilMs) assert.fail(`${what}: not answered in ${UNTIL_MS / 1_000} s, the last was ${last}`);
    await sleep(100);
  }
}

test('a server scrapes an exchange: the p99 can be asked for, and one that hangs is told of', async (t) => {
  const program = requireTool(t, 'prometheus');
  if (program === null) return;
  const exchange = await startExchange('--profile', '1');
  const flow = outcry('replay', 'equity', '--to', `127.0.0.1:${exchange.port}`, '--orders', '500000', '--speed', '20', '--client-id', '99', '--json');
  t.after(async () => {
    for (const { child } of [exchange, flow]) child.kill('SIGKILL');
    await Promise.all([exchange.ended, flow.ended]);
  });
  const watch = new SystemWatch({ exchangePort: exchange.port });
  t.after(() => watch.close());
  const api = await startPrometheus(t, program, await serveMetrics(t, watch));
  const query = (expression: string): string => `${api}/query?query=${encodeURIComponent(expression)}`;
  const number = (data: { result: { value: [number, string] }[] }): number | undefined => {
    const value = Number(data.result[0]?.value[1]);
    return value > 0 ? value : undefined;
  };
  const p99 = await answered(query('outcry_order_latency_seconds{quantile="0.99"}'), 'the p99', number);
  assert.ok(p99 > 1e-6 && p99 < 10, `${p99} s`);
  const ofBuckets = await answered(query('histogram_quantile(0.99, rate(outcry_order_latency_distribution_seconds_bucket[10s]))'), 'the p99 of buckets', number);
  assert.ok(ofBuckets > 1e-6 && ofBuckets <= 1, `${ofBuckets} s`);
  const requests = await answered(query('rate(outcry_exchange_requests_total[10s])'), 'requests a second', number);
  assert.ok(requests > 1, `${requests} a second`);
  await answered(query('outcry:requests:rate1m'), 'a recorded series', number);
  const { scrapeError } = await answered(`${api}/targets`, 'the target', (data: { activeTargets: { lastError: string; health: string }[] }) => {
    const [target] = data.activeTargets;
    return target.health === 'unknown' ? undefined : { scrapeError: target.lastError };
  });
  assert.equal(scrapeError, '');
  const alerts = `${api}/alerts`;
  interface Firing { labels: { alertname: string }; state: string; annotations: { summary: string } }
  const firing = (name: string) => ({ alerts: all }: { alerts: Firing[] }): Firing | undefined =>
    all.find(({ labels, state }) => labels.alertname === name && state === 'firing');
  exchange.child.kill('SIGSTOP');
  const alert = await answered(alerts, 'an alert', firing('OutcryExchangeDown'));
  assert.match(alert.annotations.summary, /^No exchange on 127\.0\.0\.1:\d+$/);
  exchange.child.kill('SIGCONT');
  await answered(alerts, 'the end of the alert', (data: { alerts: Firing[] }) => firing('OutcryExchangeDown')(data) === undefined || undefined);
});

// ── what lies under deploy/ ────────────────────────────────────────────────────────────────────

function promtool(t: TestContext, ...args: string[]): void {
  const program = requireTool(t, 'promtool');
  if (program === null) return;
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
}

test('the configuration and its rules are valid, and the rules tell what they are to tell', (t) => {
  promtool(t, 'check', 'config', join(DEPLOY, 'prometheus/prometheus.yml'));
  promtool(t, 'check', 'rules', '--lint=all', '--lint-fatal', RULES);
  promtool(t, 'test', 'rules', join(DEPLOY, 'prometheus/outcry_rules_test.yml'));
});

test('every alert has a test of its own', () => {
  const tests = readFileSync(join(DEPLOY, 'prometheus/outcry_rules_test.yml'), 'utf8');
  const named = [...readFileSync(RULES, 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  assert.ok(named.length > 10);
  for (const name of named) assert.match(tests, new RegExp(`alertname: ${name}\\n\\s+exp_alerts:\\n`), `${name} fires in no test`);
});

/** Names that may be asked for: those of the table, and what the rules record. */
function knownNames(): Set<string> {
  const recorded = [...readFileSync(RULES, 'utf8').matchAll(/- record: (\S+)/g)].map(([, name]) => name);
  return new Set([...recorded, ...METRICS.flatMap((metric) =>
    !isDistribution(metric) ? [metric.name] : ['_sum', '_count', ...(metric.type === 'histogram' ? ['_bucket'] : ['']) ].map((part) => metric.name + part))]);
}

function unknownNames(text: string): string[] {
  const known = knownNames();
  return [...text.matchAll(/\boutcry[a-z0-9_:]*\b/g)].map(([name]) => name).filter((name) => /^outcry[_:]/.test(name) && !known.has(name));
}

test('rules and their tests ask for metrics that there are', () => {
  for (const name of ['outcry_rules.yml', 'outcry_rules_test.yml']) {
    const text = readFileSync(join(DEPLOY, 'prometheus', name), 'utf8').replaceAll(/outcry_rules(_test)?\.yml/g, '');
    assert.deepEqual(unknownNames(text), [], name);
  }
  assert.deepEqual(unknownNames('rate(outcry_gone_total[1m]) + outcry_order_latency_seconds_bucket'), ['outcry_gone_total', 'outcry_order_latency_seconds_bucket']);
});

interface Panel { readonly title: string; readonly type: string; readonly description?: string; readonly targets?: readonly { readonly expr: string }[]; readonly gridPos: Record<'x' | 'y' | 'w' | 'h', number> }
interface GrafanaDashboard {
  readonly title: string; readonly uid: string; readonly schemaVersion: number; readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string | { readonly query: string } }[] };
}

test('the Grafana dashboard: panels that do not overlap, each with questions that Prometheus understands about metrics that there are', (t) => {
  const text = readFileSync(join(DEPLOY, 'grafana/outcry_dashboard.json'), 'utf8');
  const { title, uid, panels, templating, schemaVersion } = JSON.parse(text) as GrafanaDashboard;
  assert.deepEqual([title, uid], ['Outcry', 'outcry']);
  assert.ok(schemaVersion >= 36);
  const variables = templating.list.map(({ name }) => name);
  const taken = new Set<string>();
  const expressions: string[] = [];
  for (const { title: name, type, targets = [], gridPos: { x, y, w, h }, description } of panels) {
    for (let row = y; row < y + h; row++) {
      for (let column = x; column < x + w; column++) {
        assert.ok(column < 24 && !taken.has(`${row} ${column}`), `${name} lies on another panel`);
        taken.add(`${row} ${column}`);
      }
    }
    if (type === 'row') continue;
    assert.ok(targets.length > 0 && description !== undefined && description !== '', name);
    expressions.push(...targets.map(({ expr }) => expr));
  }
  assert.ok(expressions.length > 30);
  const asked = [...expressions, ...templating.list.map(({ query }) => (typeof query === 'string' ? query : query.query))].join('\n');
  assert.deepEqual(unknownNames(asked), []);
  for (const [, variable] of text.matchAll(/\$\{?([a-z]\w*)/g)) assert.ok(variables.includes(variable), `$${variable} is not a variable`);
  // As rules, so that promtool reads them.
  const rules = expressions.map((expression, index) =>
    `      - {record: 'panel:${index}', expr: ${JSON.stringify(expression.replaceAll('$__rate_interval', '1m'))}}`);
  const path = join(folder, 'panels.yml');
  writeFileSync(path, `groups:\n  - name: panels\n    rules:\n${rules.join('\n')}\n`);
  promtool(t, 'check', 'rules', path);
});
