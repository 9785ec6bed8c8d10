// `outcry journal view` as a user starts it: the link that it prints, what stands behind it, how it ends, what it refuses.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { outcry } from '../../test/trade/processes.ts';
import type { TimeTravelList } from '../observe/dashboard/messages.ts';
import { timeTravelPlaces } from './journal_view.ts';

test('prints a link on loopback, serves what was named and nothing else, ends when told to', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'outcry-view-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'segment-0000000001.journal'), 'x');
  writeFileSync(join(directory, 'day.csv'), 'y');
  const running = outcry('journal', 'view', directory, join(directory, 'day.csv'));
  t.after(() => running.child.kill('SIGKILL'));
  const [, url] = await running.said(/(http:\/\/127\.0\.0\.1:\d+\/)time-travel#source=journal-1/);
  const { sources } = (await (await fetch(`${url}api/time-travel`)).json()) as TimeTravelList;
  assert.deepEqual(sources.map(({ name, files }) => [name, files.map((file) => file.name)]), [
    ['journal-1', ['segment-0000000001.journal']], ['recording-2', ['day.csv']],
  ]);
  assert.match(await (await fetch(`${url}time-travel`)).text(), /<title>Time travel/);
  assert.equal((await fetch(`${url}api/commands`, { method: 'POST' })).status, 404);
  running.child.kill('SIGINT');
  const { code, stderr } = await running.ended;
  assert.deepEqual([code, stderr], [0, '']);
});

test('paths: directories are journals, files together one recording, what is not there is said', () => {
  assert.deepEqual(timeTravelPlaces([import.meta.dirname, import.meta.filename]), [
    { kind: 'journal', directory: import.meta.dirname }, { kind: 'recording', files: [import.meta.filename] },
  ]);
  assert.deepEqual(timeTravelPlaces([]), []);
  assert.throws(() => timeTravelPlaces(['/nowhere/at/all']), /^Error: expected a journal's directory or a recording, was nothing at \/nowhere\/at\/all$/);
});
