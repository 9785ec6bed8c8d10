import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { EXAMPLE_VIEW, EXCHANGE, latency, NOW_MS, TRADER } from '../../../test/observe/example_view.ts';
import { requireTool } from '../../../test/requirements.ts';
import type { Alert } from '../alerts/alert.ts';
import { metricsCsv, metricsJson, prometheusText, samplesOf } from './exposition.ts';
import { isDistribution, type MetricsInput } from './metric.ts';
import { METRICS } from './table.ts';

const ALERT: Alert = {
  id: 1, kind: 'HighLatency', severity: 'warning', subject: '', message: '', value: 1, threshold: 1, raisedMs: NOW_MS, clearedMs: null, detail: {},
};
const FULL: MetricsInput = {
  system: EXAMPLE_VIEW,
  health: { score: 87, parts: [{ name: 'latency', score: 0.87, because: '' }, { name: 'cpu', score: 1, because: '' }] },
  alerts: [ALERT, { ...ALERT, id: 2, clearedMs: NOW_MS }],
  monitor: { alertsDropped: 1, webhook: { sent: 20, failed: 3, dropped: 4, retried: 5 }, audits: { completed: 60, incomplete: 2 } },
};

/** The text as a scraper reads it: families in order, each sample with its labels; throws where it is not in the format. */
function parsed(text: string): Map<string, { type: string; help: string; samples: Map<string, number> }> {
  const families = new Map<string, { type: string; help: string; samples: Map<string, number> }>();
  assert.ok(text.endsWith('\n'));
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP (\w+) (.+)$/.exec(line);
    const type = /^# TYPE (\w+) (counter|gauge|summary|histogram)$/.exec(line);
    const last = [...families].at(-1);
    if (help !== null) {
      assert.ok(!families.has(help[1]), `${help[1]}: a family stands in one place`);
      families.set(help[1], { type: '', help: help[2], samples: new Map() });
    } else if (type !== null) {
      assert.equal(last?.[0], type[1]);
      last[1].type = type[2];
    } else {
      const sample = /^([a-z_]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+\})? (NaN|[+-]Inf|-?[\d.]+(?:e[+-]?\d+)?)$/.exec(line);
      assert.ok(sample !== null && last !== undefined, `not a sample: ${line}`);
      const [, name, labels = '', value] = sample;
      assert.equal(name.replace(/_(sum|count|bucket)$/, ''), last[0].replace(/_(sum|count|bucket)$/, ''));
      assert.ok(!last[1].samples.has(name + labels), `twice: ${line}`);
      last[1].samples.set(name + labels, value === '+Inf' ? Infinity : Number(value));
    }
  }
  return families;
}

test('names are of one form and differ; what rises says so; labels are those that are declared', () => {
  assert.equal(new Set(METRICS.map(({ name }) => name)).size, METRICS.length);
  for (const metric of METRICS) {
    const { name, type, help, labels, unit } = metric;
    assert.match(name, /^outcry(_[a-z]+)+$/);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    assert.match(help, /^[A-Z].+\.$/, name);
    assert.ok(!/_(ms|ns|us|percent|milli|nano|kb|mb)(_|$)/.test(name), `${name}: base units only`);
    if (isDistribution(metric)) assert.equal(unit, 'seconds', name);
    for (const sample of samplesOf(FULL).filter((one) => one.metric === metric)) {
      const own = Object.keys(sample.labels).filter((label) => label !== 'quantile' && label !== 'le');
      assert.deepEqual(own, labels, name);
    }
  }
});

test('every metric of the table is in the text of a full view, and is what the view says', () => {
  const families = parsed(prometheusText(FULL));
  assert.deepEqual([...families.keys()], METRICS.map(({ name }) => name));
  const value = (name: string, labels = ''): number | undefined => families.get(name.replace(/_(sum|count|bucket)$/, ''))?.samples.get(name + labels);
  assert.equal(value('outcry_exchange_up'), 1);
  assert.equal(value('outcry_exchange_requests_total'), 1_234_567);
  assert.equal(value('outcry_exchange_rejected_by_reason_total', '{reason="position"}'), 234);
  assert.equal(value('outcry_order_latency_seconds', '{quantile="0.99"}'), 40e-6);
  assert.equal(value('outcry_order_latency_seconds_count'), 50_000);
  assert.equal(value('outcry_order_latency_seconds_sum'), 0.6);
  assert.equal(value('outcry_order_latency_distribution_seconds_bucket', '{le="0.00002"}'), 40_000);
  assert.equal(value('outcry_order_latency_distribution_seconds_bucket', '{le="+Inf"}'), 50_000);
  assert.equal(value('outcry_stage_latency_seconds', '{stage="matched",quantile="0.5"}'), 2e-6);
  assert.equal(value('outcry_exchange_queue_used', '{queue="journal"}'), 3_000_000);
  assert.equal(value('outcry_journal_sync_mean_seconds'), 0.0015);
  assert.equal(value('outcry_journal_info', '{mode="durable"}'), 1);
  assert.equal(value('outcry_trader_position', '{client="7",pid="4712",ticker="1",symbol="AAPL"}'), -150);
  assert.equal(value('outcry_trader_bid_price', '{client="7",pid="4712",ticker="2",symbol="BTC-USDT"}'), undefined, 'it quotes none');
  assert.equal(value('outcry_trader_round_trip_seconds', '{client="7",pid="4712",quantile="0.999"}'), 320e-6);
  assert.equal(value('outcry_process_cpu_ratio', '{verb="exchange",pid="4711"}'), 0.9);
  assert.equal(value('outcry_machine_cpu_busy_ratio', '{core="0"}'), 0.755);
  assert.equal(value('outcry_network_received_packets_total', '{interface="lo"}'), 3e7);
  assert.equal(value('outcry_health_score'), 87);
  assert.equal(value('outcry_alerts_active', '{kind="HighLatency"}'), 1);
  assert.equal(value('outcry_alerts_last_hour', '{kind="HighLatency"}'), 2);
  assert.equal(value('outcry_webhook_deliveries_total', '{result="dropped"}'), 4);
  assert.equal(value('outcry_book_audits_total', '{result="completed"}'), 60);
  assert.equal(value('outcry_alerts_active', '{kind="LargeLoss"}'), 0, 'a kind that did not occur is a series too');
});

test('what is not known has no line; a quantile of nothing is NaN, and its totals go on', () => {
  const quiet = parsed(prometheusText({
    system: {
      ...EXAMPLE_VIEW, traders: [{ ...TRADER, pnl: null, roundTrip: null }],
      exchange: { ...EXCHANGE, orderLatency: { ...latency(0, 0), totalCount: 5, totalNs: 1e9 }, journal: null },
    },
  }));
  for (const absent of ['outcry_trader_profit', 'outcry_trader_round_trip_seconds', 'outcry_journal_info', 'outcry_journal_lag_records', 'outcry_health_score', 'outcry_alerts_active']) {
    assert.ok(!quiet.has(absent), absent);
  }
  const samples = quiet.get('outcry_order_latency_seconds')?.samples;
  assert.ok(Number.isNaN(samples?.get('outcry_order_latency_seconds{quantile="0.5"}')));
  assert.equal(samples?.get('outcry_order_latency_seconds_sum'), 1);
  const alone = parsed(prometheusText({ system: { ...EXAMPLE_VIEW, exchange: null, traders: [], processes: [] } }));
  assert.equal(alone.get('outcry_exchange_up')?.samples.get('outcry_exchange_up'), 0);
  assert.ok(![...alone.keys()].some((name) => name.startsWith('outcry_trader') || name.startsWith('outcry_order')));
});

test('an exchange that hangs is not up', () => {
  const processes = EXAMPLE_VIEW.processes.map((one) => ({ ...one, beating: one.verb !== 'exchange' }));
  const families = parsed(prometheusText({ system: { ...EXAMPLE_VIEW, processes } }));
  assert.equal(families.get('outcry_exchange_up')?.samples.get('outcry_exchange_up'), 0);
});

test('labels with anything in them stay one line and one value', () => {
  const nasty = 'a"b\\c\nd{e="f"} 1';
  const system = { ...EXAMPLE_VIEW, traders: [{ ...TRADER, strategy: nasty, books: [{ ...TRADER.books[0], symbol: nasty }] }] };
  const text = prometheusText({ system });
  parsed(text);
  assert.ok(text.includes(String.raw`outcry_trader_info{client="7",pid="4712",strategy="a\"b\\c\nd{e=\"f\"} 1"} 1`), text);
  const row = metricsCsv({ system }).split('\n').findIndex((line) => line.includes(',outcry_trader_info,'));
  assert.ok(row > 0);
});

test('the same as JSON and CSV', () => {
  const json = JSON.parse(metricsJson({ system: { ...EXAMPLE_VIEW, exchange: { ...EXCHANGE, orderLatency: latency(0, 0) } } })) as {
    format: string; atMs: number; metrics: { name: string; labels: Record<string, string>; value: number | null }[];
  };
  assert.deepEqual([json.format, json.atMs], ['outcry-metrics', NOW_MS]);
  assert.equal(json.metrics.find(({ name }) => name === 'outcry_exchange_requests_total')?.value, 1_234_567);
  assert.equal(json.metrics.find(({ name, labels }) => name === 'outcry_order_latency_seconds' && labels['quantile'] === '0.5')?.value, null);
  const csv = metricsCsv(FULL).trimEnd().split('\n');
  assert.equal(csv[0], 'time_ms,name,type,unit,labels,value');
  assert.equal(csv.length, 1 + samplesOf(FULL).length);
  assert.ok(csv.includes(`${NOW_MS},outcry_order_latency_seconds,summary,seconds,quantile=0.99,0.00004`), csv.join('\n'));
});

test('promtool check metrics has nothing to say', (t) => {
  const promtool = requireTool(t, 'promtool');
  if (promtool === null) return;
  const { status, stdout, stderr } = spawnSync(promtool, ['check', 'metrics'], { input: prometheusText(FULL), encoding: 'utf8' });
  assert.deepEqual([status, stdout, stderr], [0, '', '']);
});
