import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { LobsterBookRows, LobsterError, LobsterMessages, LobsterType } from './lobster.ts';

const folder = mkdtempSync(join(tmpdir(), 'outcry-lobster-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function fileOf(text: string): string {
  const path = join(folder, `${++files}.csv`);
  writeFileSync(path, text);
  return path;
}

function readMessages(text: string): LobsterMessages {
  const messages = new LobsterMessages(fileOf(text));
  while (messages.next());
  return messages;
}

function readRows(text: string): LobsterBookRows {
  const rows = new LobsterBookRows(fileOf(text));
  while (rows.next());
  return rows;
}

/** The error's words behind the path. */
function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof LobsterError, String(error));
    assert.ok(error.message.startsWith(`${error.path}:${error.line}: `));
    return `${error.line}: ${error.message.slice(`${error.path}:${error.line}: `.length)}`;
  }
  return 'nothing was refused';
}

describe('messages', () => {
  test('a row becomes integers', () => {
    const messages = new LobsterMessages(
      fileOf('34200.18960767,1,11885113,21,2238100,1\n34200.190226476,4,11885113,21,2238100,-1\n'),
    );
    assert.ok(messages.next());
    assert.equal(messages.timeNs, 34_200_189_607_670);
    assert.equal(messages.type, LobsterType.New);
    assert.equal(messages.orderId, 11_885_113);
    assert.equal(messages.size, 21);
    assert.equal(messages.price, 2_238_100);
    assert.equal(messages.direction, 1);
    assert.ok(messages.next());
    assert.equal(messages.timeNs, 34_200_190_226_476);
    assert.equal(messages.direction, -1);
    assert.equal(messages.line, 2);
    assert.ok(!messages.next());
    assert.ok(!messages.next());
  });

  test('times are exact to the nanosecond, with any number of decimals', () => {
    // 57599.958244616 · 1e9 in floating point is 57599958244615.99.
    const times = [
      '34200',
      '34200.0',
      '34200.000000001',
      '34200.5',
      '57599.958244616',
      '57599.999999999',
    ];
    const messages = new LobsterMessages(
      fileOf(times.map((time) => `${time},1,1,1,1,1`).join('\n')),
    );
    const read: number[] = [];
    while (messages.next()) read.push(messages.timeNs);
    assert.deepEqual(
      read,
      [
        34_200_000_000_000, 34_200_000_000_000, 34_200_000_000_001, 34_200_500_000_000,
        57_599_958_244_616, 57_599_999_999_999,
      ],
    );
  });

  test('carriage returns, a missing last line feed, blank ends and an owner column are allowed', () => {
    for (const text of [
      '1,1,7,1,1,1',
      '1,1,7,1,1,1\r\n',
      '1,1,7,1,1,1\n\n\r\n',
      '1,1,7,1,1,1,ABCD\n',
    ]) {
      const messages = readMessages(text);
      assert.equal(messages.orderId, 7);
    }
  });

  test('an empty file has no rows', () => {
    assert.equal(new LobsterMessages(fileOf('')).next(), false);
    assert.equal(new LobsterBookRows(fileOf('')).next(), false);
  });

  test('halts carry their state in the price', () => {
    const messages = readMessages('1,7,0,0,-1,-1\n2,7,0,0,0,-1\n3,7,0,0,1,-1\n');
    assert.equal(messages.type, LobsterType.Halt);
    assert.equal(messages.price, 1);
  });

  test('malformed rows are refused with their place', () => {
    const good = '34200.1,1,5,10,2238100,1';
    const cases: [string, string][] = [
      [
        'Time,Type',
        '2: column 1 (time): expected seconds of a day with at most nine decimals, was "Time"',
      ],
      ['', '2: expected a row, was an empty line'],
      [
        '34200.1234567891,1,5,10,2238100,1',
        '2: column 1 (time): expected seconds of a day with at most nine decimals, was "34200.1234567891"',
      ],
      [
        '34200.,1,5,10,2238100,1',
        '2: column 1 (time): expected seconds of a day with at most nine decimals, was "34200."',
      ],
      [
        '86400,1,5,10,2238100,1',
        '2: column 1 (time): expected seconds of a day with at most nine decimals, was "86400"',
      ],
      [
        '34200.0,1,5,10,2238100,1',
        '2: column 1 (time): expected not before 34200100000000 ns, was 34200000000000 ns',
      ],
      ['34200.2,8,5,10,2238100,1', '2: column 2 (type): expected 1 … 7, was 8'],
      ['34200.2,0,5,10,2238100,1', '2: column 2 (type): expected 1 … 7, was 0'],
      ['34200.2,1,0,10,2238100,1', '2: column 3 (order id): expected above 0, was 0'],
      [
        '34200.2,1,5x,10,2238100,1',
        '2: column 3 (order id): expected an integer of at most 15 digits, was "5x"',
      ],
      [
        '34200.2,1,5000000000000000,10,2238100,1',
        '2: column 3 (order id): expected an integer of at most 15 digits, was "5000000000000000"',
      ],
      ['34200.2,1,5,0,2238100,1', '2: column 4 (size): expected 1 … 4294967294, was 0'],
      [
        '34200.2,1,5,4294967295,2238100,1',
        '2: column 4 (size): expected 1 … 4294967294, was 4294967295',
      ],
      [
        '34200.2,1,5,1.5,2238100,1',
        '2: column 4 (size): expected an integer of at most 15 digits, was "1.5"',
      ],
      ['34200.2,1,5,10,-2238100,1', '2: column 5 (price): expected above 0, was -2238100'],
      ['34200.2,7,0,0,2,-1', '2: column 5 (price): expected -1, 0 or 1 in a halt, was 2'],
      ['34200.2,1,5,10,2238100,0', '2: column 6 (direction): expected 1 or -1, was 0'],
      [
        '34200.2,1,5,10,2238100',
        '2: column 6 (direction): expected a value, was the end of the line',
      ],
      [
        '34200.2,1,5,10,2238100,',
        '2: column 6 (direction): expected an integer of at most 15 digits, was ""',
      ],
      ['34200.2,1,5,10,2238100,1,X,2', '2: expected 6 columns, was 8'],
      [
        '34200.2 ,1,5,10,2238100,1',
        '2: column 1 (time): expected seconds of a day with at most nine decimals, was "34200.2 "',
      ],
    ];
    for (const [row, expected] of cases) {
      assert.equal(
        refusal(() => readMessages(`${good}\n${row}\n${good.replace('34200.1', '34201')}\n`)),
        expected,
      );
    }
  });

  test('a file cut anywhere in a message is refused, or ends at a line', () => {
    const text = '34200.1,1,5,10,2238100,1\n34200.2,3,5,10,2238100,-1\n';
    const second = text.indexOf('\n') + 1;
    for (let length = second + 1; length < text.length - 1; length++) {
      assert.match(
        refusal(() => readMessages(text.slice(0, length))),
        /^2: column/,
        text.slice(second, length),
      );
    }
  });

  test('a message shows a piece of an endless field, and an endless line is refused', () => {
    assert.equal(
      refusal(() => readMessages(`1,${'9'.repeat(100)}`)),
      `1: column 2 (type): expected an integer of at most 15 digits, was "${'9'.repeat(40)}…"`,
    );
    assert.equal(
      refusal(() => readMessages(`1,1,5,10,7,1\n${'1'.repeat(700_000)}`)),
      '2: expected a line of at most 65536 bytes, was a longer one',
    );
  });

  test('a missing file says so', () => {
    assert.throws(() => new LobsterMessages(join(folder, 'none.csv')), /ENOENT.*none\.csv/);
  });

  test('rows across the pieces of a large file', () => {
    const lines: string[] = [];
    for (let i = 1; i <= 40_000; i++) lines.push(`${i}.${i},1,${i},${i},${i},1`);
    const messages = new LobsterMessages(fileOf(lines.join('\r\n')));
    let count = 0;
    while (messages.next()) {
      count++;
      if (messages.orderId !== count || messages.price !== count || messages.line !== count)
        assert.fail(`row ${count}`);
    }
    assert.equal(count, 40_000);
  });
});

describe('book rows', () => {
  test('levels, and sides with fewer levels than the window', () => {
    const rows = readRows(
      '2239500,100,2231800,50,2239900,7,2230700,8\n2239500,100,-9999999999,0,9999999999,0,-9999999999,0\n',
    );
    assert.equal(rows.levelsMax, 2);
    assert.equal(rows.asks.levels, 1);
    assert.equal(rows.bids.levels, 0);
    assert.equal(rows.asks.price[0], 2_239_500);
    assert.equal(rows.asks.size[0], 100);
  });

  test('malformed rows are refused with their place', () => {
    const cases: [string, string][] = [
      [
        '34200.1,1,5,10,2238100,1',
        '1: expected four columns a level, was 6 columns: is this an order book file?',
      ],
      ['20,1,10,1\n20,1,10', '2: column 4 (bid size 1): expected a value, was the end of the line'],
      ['20,1,10,1\n20,1,10,1,21,1,9,1', '2: expected 4 columns, was 8'],
      ['20,-1,10,1', '1: ask size 1: expected at least 0, was -1'],
      ['20,1,10,1,20,1,9,1', '1: ask price 2: expected behind 20, was 20'],
      ['20,1,10,1,21,1,11,1', '1: bid price 2: expected behind 10, was 11'],
      ['20,0,10,1,21,1,9,1', '1: ask level 2: expected size 0 behind an empty level, was 1'],
      ['20,1,10,x', '1: column 4 (bid size 1): expected an integer of at most 15 digits, was "x"'],
    ];
    for (const [text, expected] of cases)
      assert.equal(
        refusal(() => readRows(text)),
        expected,
      );
  });
});
