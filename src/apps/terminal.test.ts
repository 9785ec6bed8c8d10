import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coloured, plain, Screen } from './terminal.ts';

test('styles go around a text, never around nothing', () => {
  assert.equal(plain('bad', 'text'), 'text');
  assert.equal(coloured('bad', 'text'), '\x1b[1;31mtext\x1b[0m');
  assert.equal(coloured('bad', ''), '');
});

test('the screen comes and goes without a trace, also when left twice', () => {
  let written = '';
  const screen = new Screen({ write: (text) => { written += text; return true; } });
  screen.leave();
  assert.equal(written, '');
  screen.enter();
  screen.draw(['one', 'two']);
  screen.leave();
  screen.leave();
  assert.ok(written.startsWith('\x1b[?1049h'));
  assert.ok(written.endsWith('\x1b[?7h\x1b[?25h\x1b[?1049l'));
  assert.ok(written.includes('\x1b[H\x1b[2Kone\r\n\x1b[2Ktwo\r\n\x1b[J'));
  assert.deepEqual([screen.columns, screen.rows], [80, 24]);
});
