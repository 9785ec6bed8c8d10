import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { EXAMPLE_VIEW, EXCHANGE, latency, TRADER } from '../../test/observe/example_view.ts';
import { requireTool } from '../../test/requirements.ts';
import { outcry, resultOf, startExchange } from '../../test/trade/processes.ts';
import { METRICS } from '../observe/metrics/table.ts';
import type { SystemView } from '../observe/system_view.ts';
import { freePorts } from './free_ports.ts';
import { bytes, renderStat } from './stat_screen.ts';
import { coloured, plain } from './terminal.ts';

const VIEW = { system: EXAMPLE_VIEW, requestRates: [1, 5, 9, 3] };
const NOTHING: SystemView = { ...EXAMPLE_VIEW, exchange: null, traders: [], processes: [] };

test('every line fills the width, whatever the size of the terminal and whatever there is to show', () => {
  const long = { ...TRADER, strategy: 'x'.repeat(90), pnl: null, standsStill: ['y'.repeat(300)], tickToTrade: null, roundTrip: latency(0, 0) };
  const busy: SystemView = { ...EXAMPLE_VIEW, traders: [TRADER, long], exchange: { ...EXCHANGE, journal: null, orderLatency: latency(0, 0), stages: [], queues: [] } };
  for (const system of [EXAMPLE_VIEW, NOTHING, busy, { ...EXAMPLE_VIEW, exchange: { ...EXCHANGE, orderLatency: null } }]) {
    for (const width of [72, 80, 133, 160]) {
      for (const height of [1, 2, 9, 24, 60]) {
        const lines = renderStat({ system, requestRates: VIEW.requestRates }, width, height, plain);
        assert.ok(lines.length <= height, `${lines.length} lines in ${height} rows`);
        for (const line of lines) assert.equal(line.length, width, `width ${width}, height ${height}: "${line}"`);
        const styled = renderStat({ system, requestRates: VIEW.requestRates }, width, height, coloured);
        assert.deepEqual(styled.map((line) => stripVTControlCharacters(line)), lines, 'colours take no room');
      }
    }
  }
});

test('the view says what matters', () => {
  const text = renderStat(VIEW, 160, 60, plain).join('\n');
  for (const part of [
    'exchange 127.0.0.1:12345', 'up 1:02:03', '98,765/s requests', '12/s rejected', 'price 1,000, position 234', '3 sessions', '12,000 orders', '1 locked out', '2 halted',
    'durable', '10 records (4.0 KiB) to come', 'of 1.50 ms', 'p50 10.0 µs   p90 20.0 µs   p99 40.0 µs', 'matched 2.00 µs', 'journal ██▏', '18 %',
    'market-maker', 'running', '+1,234.50', 'AAPL −150', '25 %', '6.00 µs 24.0 µs', '40.0 µs 160 µs', '76 %', '11 GiB of 30 GiB', '4,000/s packets in', 'dashboard 127.0.0.1:8080', '114 MiB',
  ]) assert.ok(text.includes(part), `expected "${part}" in\n${text}`);
});

test('what is wrong is said: silence, no session, an old feed, what keeps a trader from trading', () => {
  const system: SystemView = {
    ...EXAMPLE_VIEW, processes: [{ ...EXAMPLE_VIEW.processes[0], beating: false }],
    traders: [{ ...TRADER, connected: false }, { ...TRADER, feedFresh: false, standsStill: ['the exchange has locked client 7 out'] }],
  };
  const text = renderStat({ system, requestRates: [] }, 160, 60, plain).join('\n');
  for (const part of ['○ gives no sign of life', 'no session', 'feed not fresh', 'the exchange has locked client 7 out']) assert.ok(text.includes(part), part);
  assert.match(renderStat({ system: NOTHING, requestRates: [] }, 80, 24, plain).join('\n'), /no exchange runs[\s\S]*outcry exchange starts one[\s\S]*outcry trade starts one/);
});

test('bytes as people read them', () => {
  assert.deepEqual([0, 1_023, 1_024, 10_239, 120 * 2 ** 20, 3.5 * 2 ** 40].map(bytes), ['0 B', '1023 B', '1.0 KiB', '10 KiB', '120 MiB', '3.5 TiB']);
});

test('for programs: JSON, each format of the metrics, that of the configuration; an exchange that is not there is code 1', async (t) => {
  const exchange = await startExchange();
  t.after(async () => {
    exchange.child.kill('SIGKILL');
    await exchange.ended;
  });
  const folder = mkdtempSync(join(tmpdir(), 'outcry-stat-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const config = join(folder, 'outcry.toml');
  writeFileSync(config, '[monitoring]\nexport_format = "csv"\n');
  const port = ['--exchange-port', String(exchange.port)];
  const [json, once, text, configured, byDefault, none] = await Promise.all([
    ['--json'], ['--once'], ['--format', 'json'], ['--config', config], [],
  ].map((flags) => outcry('stat', ...port, ...flags).ended).concat(outcry('stat', '--once', '--exchange-port', String(await freePorts())).ended));
  const view = resultOf(json) as SystemView;
  assert.deepEqual([view.exchange?.port, view.exchange?.pid], [exchange.port, exchange.child.pid]);
  assert.equal(view.machine.network.packetsReceived >= 0, true);
  assert.equal(once.code, 0, once.stderr);
  assert.match(once.stdout, new RegExp(`^ OUTCRY  exchange 127\\.0\\.0\\.1:${exchange.port}  pid ${exchange.child.pid}`));
  assert.equal((JSON.parse(text.stdout) as { format: string }).format, 'outcry-metrics');
  assert.match(configured.stdout, /^time_ms,name,type,unit,labels,value\n\d+,outcry_exchange_up,gauge,,,1\n/);
  assert.match(byDefault.stdout, /^# HELP outcry_exchange_up .*\n# TYPE outcry_exchange_up gauge\noutcry_exchange_up 1\n/);
  assert.equal(none.code, 1);
  assert.match(none.stdout, /no exchange runs/);
});

test('the list of metrics, for people and for programs', async () => {
  const [shown, json, wrong] = await Promise.all([outcry('stat', '--list').ended, outcry('stat', '--list', '--json').ended, outcry('stat', '--format', 'xml').ended]);
  assert.ok(METRICS.every(({ name, help }) => shown.stdout.includes(name) && shown.stdout.includes(help)));
  const listed = resultOf(json) as { name: string; help: string; type: string; labels: string[] }[];
  assert.deepEqual(listed.map(({ name }) => name), METRICS.map(({ name }) => name));
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /prometheus, json, csv/);
});

test('on a terminal it draws until q, and gives the terminal back', async (t) => {
  const script = requireTool(t, 'script');
  if (script === null) return;
  const entry = fileURLToPath(new URL('./outcry.ts', import.meta.url));
  const child = spawn(script, ['-qec', `stty cols 100 rows 30; "${process.execPath}" "${entry}" stat --interval 100ms`, '/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'] });
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  const drawn = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      if (text.split('\x1b[?2026l').length > 3) resolve(); // three frames
    });
  });
  await drawn;
  child.stdin.write('q');
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 0, text);
  assert.ok(text.includes('\x1b[?1049h') && text.includes('OUTCRY'), 'a screen of its own');
  assert.ok(text.lastIndexOf('\x1b[?1049l') > text.lastIndexOf('\x1b[?2026l'), 'is left behind the last frame');
  assert.match(text.slice(text.lastIndexOf('\x1b[?1049l')), /OUTCRY/, 'what was last seen stays');
});
