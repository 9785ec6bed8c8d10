import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatGoals, GOALS, newestRows } from './goals.ts';
import { describeMachine } from './harness/machine.ts';
import { resultsOf, saveResults } from './harness/results.ts';
import type { Row } from './harness/row.ts';
import { BENCHMARKS } from './suite.ts';

const row: Row = {
  name: 'SPSC ring: push + pop', figure: 18, unit: 'ns/op', statistic: 'median of 10', boundary: 'TypeScript API', threads: '1', durability: 'none',
  goal: { relation: 'at most', value: 20 }, checks: ['simulated'], tried: 'batches',
};

function inFolder(work: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-goals-'));
  try {
    work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the newest whole figure of a goal is shown, with its commit; what was tried where it is not reached', () => {
  inFolder((folder) => {
    const save = (date: string, figure: number, small = false): void =>
      void saveResults(resultsOf({ ...describeMachine(), date, commit: `c${figure}` }, [{ ...row, figure, ...(small ? { small } : {}) }]), folder);
    save('2026-01-01T00:00:00.000Z', 18);
    save('2026-01-03T00:00:00.000Z', 1, true); // a small run counts for nothing
    assert.match(formatGoals(newestRows(folder)), /\nreached {7}SPSC push \+ pop [^]*18\.0 ns\/op, goal ≤ 20\.0 ns\/op: reached \(c18, 2026-01-01T00:00\)/);
    save('2026-01-02T00:00:00.000Z', 25);
    assert.match(formatGoals(newestRows(folder)), /\nnot reached {3}SPSC push [^]*25\.0 ns\/op, goal ≤ 20\.0 ns\/op: not reached \(c25,[^]*tried: batches/);
  });
});

test('a goal without figures says so, and names the benchmark that would show it', () => {
  inFolder((folder) => {
    const text = formatGoals(newestRows(folder));
    for (const { work } of GOALS) assert.ok(text.includes(`not measured  ${work} (`), work);
  });
});

test('the benchmarks that goals name exist', () => {
  const known = new Set(BENCHMARKS.map(({ name }) => name));
  const missing = GOALS.flatMap(({ benchmark }) => benchmark.split(', ')).filter((name) => !known.has(name));
  assert.deepEqual(missing, []);
});
