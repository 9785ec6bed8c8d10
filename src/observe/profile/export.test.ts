// What leaves a profile: windows, CSV, JSON, picture and page, from a file that another holder of it records into.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sharedMemoryFolder } from '../../os/mapped_file.ts';
import { processDeclarations, ProcessStats } from '../process_stats.ts';
import { SharedStats, StatsReader } from '../shared_stats.ts';
import { profileDeclarations } from './declarations.ts';
import { COLUMNS, profileCsv, profileJson, type ProfileOrigin } from './export.ts';
import { durationText, pointsOf, profilePage, profilePicture } from './picture.ts';
import { PipelineProfile } from './pipeline_profile.ts';
import { ProfileReader } from './profile_reader.ts';
import { NOT_PASSED, TRADER_PIPELINE, EXCHANGE_PIPELINE } from './stages.ts';

const folder = mkdtempSync(join(sharedMemoryFolder() ?? tmpdir(), 'outcry-export-test-'));
test.after(() => rmSync(folder, { recursive: true }));
const ORIGIN: ProfileOrigin = { title: 'exchange <1> & "2"', pid: 7, machine: 'a machine', takenMs: 0 };

function recorded(): { stats: SharedStats; exchange: PipelineProfile; reader: ProfileReader; process: ProcessStats } {
  const declared = [...processDeclarations(), ...profileDeclarations(EXCHANGE_PIPELINE), ...profileDeclarations(TRADER_PIPELINE)];
  const stats = SharedStats.create(join(folder, 'x.stats'), 'x', declared);
  const exchange = new PipelineProfile(EXCHANGE_PIPELINE, stats, 16);
  return { stats, exchange, reader: new ProfileReader(StatsReader.open(stats.file.path)), process: new ProcessStats(stats) };
}

/** n samples: matched takes `matched` ns, everything else 100. */
function add(profile: PipelineProfile, samples: number, matched: number, operation = 0): void {
  const counts = new Float64Array(4);
  counts[operation] = 1;
  for (let i = 0; i < samples; i += 1) {
    profile.commit(Float64Array.of(1_000, 1_100, 1_100 + matched, NOT_PASSED, 1_200 + matched, 1_300 + matched), counts);
  }
}

test('windows hold what came between two looks, by operation and together', () => {
  const { stats, exchange, reader, process: own } = recorded();
  add(exchange, 100, 500);
  stats.beat();
  const first = reader.look();
  const matched = first.stages.find((one) => one.stage === 'matched' && one.operation === 'all' && one.span === 'own');
  assert.deepEqual([matched?.count, matched?.p50, matched?.max, matched?.jitter], [100, 500, 500, 0]);
  add(exchange, 50, 2_000, 1);
  add(exchange, 150, 300, 0);
  stats.beat();
  const second = reader.look();
  const of = (operation: string, span: string): readonly number[] => {
    const found = second.stages.find((one) => one.stage === 'matched' && one.operation === operation && one.span === span);
    return [found?.count ?? -1, Math.round((found?.mean ?? -1) * 100) / 100];
  };
  assert.deepEqual(of('all', 'own'), [200, 725]);
  assert.deepEqual(of('new', 'own'), [150, 300]);
  assert.deepEqual(of('cancel', 'since'), [50, 2_100]);
  assert.deepEqual(of('modify', 'own'), [0, 0]);
  assert.deepEqual(second.samples['exchange'], { samples: 200, requests: 200, every: 16 });
  assert.equal(second.samples['trader'].samples, 0);
  own.sample();
  assert.ok(reader.look().process!.residentBytes > 10_000_000);
  own.close();
  stats.remove();
});

test('allocation and processor time of an interval are counted', () => {
  const { stats, reader, process: own } = recorded();
  reader.look();
  const kept: number[][] = [];
  for (let i = 0; i < 1_000; i += 1) kept.push(Array.from({ length: 100 }, (_, n) => n + 0.5));
  const until = process.cpuUsage().user + 30_000;
  while (process.cpuUsage().user < until);
  own.sample();
  const { allocatedBytes, cpuNs } = reader.look().process!;
  assert.ok(allocatedBytes > 800_000 && kept.length === 1_000, `${allocatedBytes} bytes`);
  assert.ok(cpuNs >= 30e6, `${cpuNs} ns`);
  own.close();
  stats.remove();
});

test('CSV and JSON have the same rows, and only those with values', () => {
  const { stats, exchange, reader, process: own } = recorded();
  add(exchange, 100, 500);
  stats.file.flush();
  const window = reader.look();
  const lines = profileCsv(window).trimEnd().split('\n');
  assert.equal(lines[0], COLUMNS.join(','));
  // Four stages passed, all together and `new`, two spans.
  assert.equal(lines.length, 1 + 4 * 2 * 2);
  assert.ok(lines.includes('exchange,matched,all,own,100,500,500,500,500,500,500,500,500,0,0'), lines.join('\n'));
  const parsed = JSON.parse(profileJson(window, ORIGIN)) as { stages: object[]; curves: Record<string, number[][]>; format: string };
  assert.equal(parsed.format, 'outcry-profile');
  assert.equal(parsed.stages.length, lines.length - 1);
  assert.deepEqual(parsed.curves['exchange matched own'], [[500, 500, 100]]);
  own.close();
  stats.remove();
});

test('the picture has a bar and a curve for each stage that was passed, and nothing that breaks it', () => {
  const { stats, exchange, reader, process: own } = recorded();
  add(exchange, 900, 500);
  add(exchange, 100, 90_000);
  stats.file.flush();
  const window = reader.look();
  for (const text of [profilePicture(window, ORIGIN), profilePage(window, ORIGIN)]) {
    assert.equal(text.match(/<polyline/g)?.length, 4);
    assert.equal(text.match(/<rect fill/g)?.length, 4);
    assert.doesNotMatch(text, /NaN|Infinity|undefined|<1>/);
    assert.match(text, /exchange &lt;1&gt; &amp; &quot;2&quot;/);
    assert.match(text, /1,000 requests/);
  }
  const empty = profilePicture({ ...window, stages: [], samples: {} }, ORIGIN);
  assert.match(empty, /Nothing was recorded/);
  own.close();
  stats.remove();
});

test('points of a curve rise, end with the largest value, and are not more than can be seen', () => {
  const curve = Array.from({ length: 100_000 }, (_, i) => [i, i, 1] as const);
  const points = pointsOf(curve, 100_000);
  assert.ok(points.length > 100 && points.length < 410, `${points.length}`);
  for (const [index, [nines, ns]] of points.entries()) {
    if (index > 0) assert.ok(nines >= points[index - 1][0] && ns >= points[index - 1][1]);
  }
  assert.equal(points.at(-1)?.[1], 99_999);
  const median = points.findLast(([nines]) => nines <= 0.301_03)!;
  assert.ok(Math.abs(median[1] - 50_000) < 2_000);
});

test('times are written as people read them', () => {
  assert.deepEqual([0, 999, 1_000, 12_340, 999_900, 1e6, 2.5e9].map(durationText), ['0 ns', '999 ns', '1.00 µs', '12.3 µs', '1000 µs', '1.00 ms', '2.50 s']);
});
