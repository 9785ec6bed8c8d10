// A captured frame as a picture: every character stands where the terminal had it, in its colour.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bar } from '../src/apps/shown_text.ts';
import { coloured, Screen } from '../src/apps/terminal.ts';
import { cellsOf, frameOf, terminalPicture } from './terminal_picture.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What a screen of some frames has written. */
function captured(...frames: readonly (readonly string[])[]): string {
  let written = 'Script started\r\n';
  const screen = new Screen({ rows: 10, columns: 40, write: (text) => (written += text) !== '' });
  screen.enter();
  for (const lines of frames) screen.draw(lines);
  screen.leave();
  return `${written}summary\r\n`;
}

const LINES = [
  coloured('title', ' OUTCRY  0:00:07 '),
  `${coloured('bid', bar(2.5))} 99.98${coloured('dim', ' │ ')}${coloured('ask', bar(0.25))}`,
  ` a < b & c  ${coloured('good', '+1.00')} ▁█`,
];

test('cells: characters and their styles, rows without what is blank below them', () => {
  const rows = cellsOf(frameOf(captured(LINES), undefined));
  assert.deepEqual(
    rows.map((row) => row.map(({ character }) => character).join('')),
    [' OUTCRY  0:00:07 ', '██▌ 99.98 │ ▎', ' a < b & c  +1.00 ▁█'],
  );
  assert.deepEqual([rows[0][1].style, rows[1][0].style, rows[1][4].style, rows[2][12].style], ['1;7', '32', '', '1;32']);
});

test('the frame of a time, the last one, and none', () => {
  const capture = captured([' OUTCRY  0:00:01'], LINES, [' OUTCRY  0:00:09', 'end']);
  assert.match(frameOf(capture, undefined), /0:00:09/);
  assert.match(frameOf(capture, '0:00:07'), /99\.98/);
  assert.doesNotMatch(frameOf(capture, undefined), /summary/);
  assert.throws(() => frameOf(capture, '0:01:00'), /expected a frame with the time 0:01:00, the capture has 3 others/);
  assert.throws(() => frameOf('nothing', undefined), /expected a frame, the capture has 0 others/);
});

test('words at their columns, bars in one piece, colours of the styles', () => {
  const picture = terminalPicture(captured(LINES));
  assert.match(picture, /<text x="49\.6" y="47\.5" [^>]*fill="#c9d4e2">99\.98<\/text>/, 'column 4 of the second row');
  assert.match(picture, /<rect x="16" y="37" width="21" height="12" fill="#57b98a"\/>/, 'two cells and a half are one rectangle');
  assert.match(picture, /width="2\.1" height="12" fill="#e2716f"/, 'a quarter of one');
  assert.match(picture, /fill="#57b98a" font-weight="600">\+1\.00</);
  assert.ok(picture.includes('>a &lt; b &amp; c<'));
  assert.equal(picture.match(/fill="#1f3147"/g)?.length, 1, 'the title has its own ground');
  // Well formed: what is opened is closed.
  assert.equal(picture.match(/<text /g)?.length, picture.match(/<\/text>/g)?.length);
  assert.doesNotMatch(picture, /NaN|undefined|\x1b/);
});

test('the picture of the README is one of its kind, and shows the traders', () => {
  const path = join(root, 'docs/demo.svg');
  assert.ok(existsSync(path) && readFileSync(join(root, 'README.md'), 'utf8').includes('(docs/demo.svg)'));
  const picture = readFileSync(path, 'utf8');
  for (const part of ['>OUTCRY', 'market-maker', 'liquidity-taker', 'views agree with the exchange']) assert.ok(picture.includes(part), part);
});
