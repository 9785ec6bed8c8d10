// A frame of a terminal as an SVG: `npm start` as it looks, for the README.
//
//   script -qc "stty cols 104 rows 29; npx outcry demo --duration 20s" capture.tty
//   node tools/terminal_picture.ts capture.tty docs/demo.svg [seconds]
//
// A capture is what `Screen` (src/apps/terminal.ts) has written: frames between the marks of a synchronised
// update, each from the top, with the styles of `coloured`. Drawn is the frame that has this time in its title, else
// the last whole one. Block characters become rectangles, so that bars have no seams, whatever the font.
import { readFileSync, writeFileSync } from 'node:fs';

const FRAME_START = '\x1b[?2026h';
const FRAME_END = '\x1b[?2026l';
const CELL_WIDTH = 8.4;
const CELL_HEIGHT = 18;
const FONT_SIZE = 14;
const PAD = 16;

/** Colours by what SGR says, on the README's dark panel. */
const COLOURS: Readonly<Record<string, string>> = { '31': '#e2716f', '32': '#57b98a', '36': '#6fb7d8' };
const TEXT = '#c9d4e2';
const STRONG = '#f2f6fb';
const DIM = '#6d7f96';
const PANEL = '#0f1722';
const TITLE = '#1f3147';
/** Eighths of a cell, from the left and from below. */
const LEFT = '▏▎▍▌▋▊▉█';
const BELOW = '▁▂▃▄▅▆▇';

interface Cell {
  readonly character: string;
  /** SGR parameters, '' for none. */
  readonly style: string;
}

/** Rows of cells of one frame; escapes other than styles only place what comes behind them. */
export function cellsOf(frame: string): Cell[][] {
  const rows: Cell[][] = [[]];
  let style = '';
  for (const [token, sgr] of frame.matchAll(/\x1b\[([0-9;]*)m|\x1b\[[0-9;?]*[A-Za-z]|\r\n|[^\x1b]/gu)) { // oxlint-disable-line no-control-regex -- what a terminal is written
    if (sgr !== undefined) style = sgr === '0' ? '' : sgr;
    else if (token === '\r\n') rows.push([]);
    else if (!token.startsWith('\x1b')) rows.at(-1)?.push({ character: token, style });
  }
  while (rows.length > 0 && rows.at(-1)?.every(({ character }) => character.trim() === '')) rows.pop();
  return rows;
}

/** The frame with that time in its title (`0:00:12`), else the last one that was written whole. */
export function frameOf(capture: string, time: string | undefined): string {
  const frames = capture.split(FRAME_START).slice(1)
    .filter((frame) => frame.includes(FRAME_END)).map((frame) => frame.slice(0, frame.indexOf(FRAME_END)));
  const frame = time === undefined ? frames.at(-1) : frames.find((each) => each.split('\r\n', 1)[0].includes(time));
  if (frame !== undefined) return frame;
  throw new Error(`expected a frame${time === undefined ? '' : ` with the time ${time}`}, the capture has ${frames.length} others`);
}

export function terminalPicture(capture: string, time?: string): string {
  const rows = cellsOf(frameOf(capture, time));
  const columns = Math.max(...rows.map((row) => row.length));
  const width = Math.ceil(columns * CELL_WIDTH + 2 * PAD);
  const height = rows.length * CELL_HEIGHT + 2 * PAD;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title"`,
    `  font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${FONT_SIZE}" xml:space="preserve">`,
    '<title id="title">npm start: the book of a recorded day, a market maker and a liquidity taker trading in it</title>',
    `<rect width="${width}" height="${height}" rx="12" fill="${PANEL}"/>`,
    ...rows.flatMap((row, index) => rowParts(row, PAD + index * CELL_HEIGHT)),
    '</svg>', '',
  ].join('\n');
}

/** Runs of one style and kind, in the order in which they stand. */
function rowParts(row: readonly Cell[], y: number): string[] {
  const parts: string[] = [];
  for (let from = 0, to = 0; from < row.length; from = to) {
    const { style } = row[from];
    const block = isBlock(row[from].character);
    for (to = from; to < row.length && row[to].style === style && isBlock(row[to].character) === block; ) to++;
    const x = PAD + from * CELL_WIDTH;
    if (style === '1;7') parts.push(rectangle(x, y, (to - from) * CELL_WIDTH, CELL_HEIGHT, TITLE));
    parts.push(...(block ? blockParts : textParts)(row.slice(from, to), x, y));
  }
  return parts;
}

/** Words one by one: whatever the font's width, a column begins where it should. */
function textParts(cells: readonly Cell[], x: number, y: number): string[] {
  const text = cells.map(({ character }) => character).join('');
  const { style } = cells[0];
  const weight = style.startsWith('1') ? ' font-weight="600"' : '';
  return [...text.matchAll(/\S+(?: \S+)*/gu)].map((match) => {
    const at = x + match.index * CELL_WIDTH;
    const length = match[0].length * CELL_WIDTH;
    return `<text x="${round(at)}" y="${y + 13.5}" textLength="${round(length)}" lengthAdjust="spacingAndGlyphs" fill="${colourOf(style)}"${weight}>${escaped(match[0])}</text>`;
  });
}

/** A bar as one rectangle, its cells being full but for the last; the columns of a sparkline one by one. */
function blockParts(cells: readonly Cell[], x: number, y: number): string[] {
  const fill = colourOf(cells[0].style);
  const parts: string[] = [];
  for (let from = 0, to = 0; from < cells.length; from = to) {
    const at = x + from * CELL_WIDTH;
    let eighths = 0;
    for (to = from; to < cells.length && eighths === 8 * (to - from); ) eighths += LEFT.indexOf(cells[to++].character) + 1;
    if (eighths > 0) parts.push(rectangle(at, y + 3, (CELL_WIDTH * eighths) / 8, CELL_HEIGHT - 6, fill));
    else {
      const tall = ((CELL_HEIGHT - 4) * (BELOW.indexOf(cells[from].character) + 1)) / 8;
      parts.push(rectangle(at, y + CELL_HEIGHT - 2 - tall, CELL_WIDTH - 1, tall, fill));
    }
  }
  return parts;
}

function isBlock(character: string): boolean {
  return LEFT.includes(character) || BELOW.includes(character);
}

function colourOf(style: string): string {
  const codes = style.split(';');
  const colour = codes.map((code) => COLOURS[code]).find((each) => each !== undefined);
  if (colour !== undefined) return colour;
  if (codes.includes('2')) return DIM;
  return codes.includes('1') ? STRONG : TEXT;
}

function rectangle(x: number, y: number, width: number, height: number, fill: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${fill}"/>`;
}

function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

if (import.meta.main) {
  const [capture, path, time] = process.argv.slice(2);
  if (path === undefined) throw new Error('expected: node tools/terminal_picture.ts CAPTURE PICTURE.svg [TIME]');
  writeFileSync(path, terminalPicture(readFileSync(capture, 'utf8'), time));
}
