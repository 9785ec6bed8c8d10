import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { releaseProgramPages } from './program_pages.ts';

const linux = process.platform === 'linux';

function programKB(): number {
  const line = /RssFile:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(line?.[1] ?? Number.NaN);
}

test('program pages that are not used any more are no longer resident, and the program goes on', { skip: !linux && 'Linux only' }, () => {
  const before = programKB();
  assert.ok(releaseProgramPages() > 1_000_000, 'the mappings of the program are megabytes');
  const after = programKB();
  assert.ok(after < before - 4_000, `resident file pages fell from ${before} kB to ${after} kB`);
  assert.equal(new Date(0).toISOString(), '1970-01-01T00:00:00.000Z');
});
