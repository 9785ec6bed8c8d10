import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { MatchingEngine } from '../book/matching_engine.ts';
import { ReferenceEngine } from '../book/order_book.reference.ts';
import { LobsterError } from './lobster.ts';
import { LOBSTER_ENGINE_CONFIG, checkLobster, lobsterAgrees } from './lobster_book.ts';

const data = join(import.meta.dirname, '../../../shared/data/lobster');
const skip = existsSync(data) ? false : 'the recorded data is not here (../shared/data/lobster)';
const AMZN = {
  messagesPath: join(data, 'AMZN_2012-06-21_message_1.csv'),
  bookPath: join(data, 'AMZN_2012-06-21_orderbook_1.csv'),
};
const AAPL = {
  messagesPath: join(data, 'AAPL_2012-06-21_34200000_57600000_message_10.csv'),
  bookPath: join(data, 'AAPL_2012-06-21_34200000_57600000_orderbook_10.csv'),
};

const folder = mkdtempSync(join(tmpdir(), 'outcry-lobster-book-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
function fileOf(text: string): string {
  const path = join(folder, `${++files}.csv`);
  writeFileSync(path, text);
  return path;
}

/**
 * A recording of two levels: an order comes in at the front, trades, and a level behind the window
 * appears.
 */
const MESSAGES = [
  '34200.1,1,1,30,1001000,-1', // sell 30 @ 100.10, in front of what rests
  '34200.2,1,2,40,1000900,1', //  buy 40 @ 100.09
  '34200.3,4,1,10,1001000,-1', // 10 of the sell trade
  '34200.4,2,2,15,1000900,1', //  15 of the buy are cancelled
  '34200.5,3,1,20,1001000,-1', // the rest of the sell is deleted: 100.50 comes into the window
  '34200.6,5,0,1,1001050,1', //   a hidden order trades
  '34200.7,4,99,5,1000800,1', //  an order from before the window trades, with 100.09 in front of it
];
const ROWS = [
  '1001000,30,1000800,100,1002000,200,1000700,300',
  '1001000,30,1000900,40,1002000,200,1000800,100',
  '1001000,20,1000900,40,1002000,200,1000800,100',
  '1001000,20,1000900,25,1002000,200,1000800,100',
  '1002000,200,1000900,25,1005000,70,1000800,100',
  '1002000,200,1000900,25,1005000,70,1000800,100',
  '1002000,200,1000900,25,1005000,70,1000800,95',
];

function check(messages: readonly string[], rows: readonly string[], withEngine = true) {
  const paths = { messagesPath: fileOf(messages.join('\n')), bookPath: fileOf(rows.join('\n')) };
  return checkLobster(
    withEngine ? { ...paths, engine: new ReferenceEngine(LOBSTER_ENGINE_CONFIG) } : paths,
  );
}

describe('a small recording', () => {
  test('agrees, the level new to the window counted apart', () => {
    const report = check(MESSAGES.slice(0, 6), ROWS.slice(0, 6));
    assert.equal(report.messages, 6);
    assert.equal(report.transitions, 5);
    assert.equal(report.transitionsAgreed, 5);
    assert.equal(report.transitionsWithUnseen, 1);
    assert.deepEqual(report.differences, []);
    assert.ok(report.engine);
    assert.equal(report.engine.rowsAgreed, 5);
    assert.equal(report.engine.levelsUnseen, 1);
    assert.equal(report.engine.levelsAgreed, 19);
    assert.equal(report.engine.trades, 1);
    assert.equal(report.engine.executionsAgreed, 1);
    assert.equal(report.engine.orders.seeded, 3);
    assert.equal(report.engine.orders.hidden, 1);
    assert.ok(lobsterAgrees(report));
  });

  test('an execution behind the best price agrees as a transition, not with an engine', () => {
    const report = check(MESSAGES, ROWS);
    assert.equal(report.transitionsAgreed, 6);
    assert.ok(report.engine);
    assert.equal(report.engine.executionsAgreed, 1);
    assert.equal(report.engine.executions, 2);
    assert.ok(!lobsterAgrees(report));
    assert.ok(lobsterAgrees(check(MESSAGES, ROWS, false)));
  });

  test('every changed number of a row is found, by the transition and by the engine', () => {
    for (let column = 0; column < 8; column++) {
      const cells = ROWS[3].split(',');
      // Sizes and prices move by one; a price stays in order.
      cells[column] = String(Number(cells[column]) + 1);
      const rows = [...ROWS.slice(0, 3), cells.join(','), ...ROWS.slice(4, 6)];
      const report = check(MESSAGES.slice(0, 6), rows);
      assert.ok(report.transitionsAgreed < 5, `column ${column + 1}`);
      assert.ok(report.engine && report.engine.rowsAgreed < 5, `column ${column + 1}`);
      assert.equal(report.differences[0].line, 4, `column ${column + 1}`);
      assert.ok(!lobsterAgrees(report));
    }
  });

  test('a changed message is found', () => {
    for (const [line, text] of [
      [1, '34200.2,1,2,41,1000900,1'],
      [2, '34200.3,4,1,10,1001000,1'],
      [3, '34200.4,3,2,40,1000900,1'],
    ] as const) {
      const report = check(MESSAGES.slice(0, 6).with(line, text), ROWS.slice(0, 6));
      assert.ok(!lobsterAgrees(report), text);
      assert.equal(report.differences[0].line, line + 1);
    }
  });

  test('files of different length are refused at the line that is missing', () => {
    assert.throws(
      () => check(MESSAGES, ROWS.slice(0, 4)),
      (error) =>
        error instanceof LobsterError &&
        error.line === 5 &&
        /expected a row for .*:5, was the end of the file/.test(error.message),
    );
    assert.throws(
      () => check(MESSAGES.slice(0, 4), ROWS),
      (error) =>
        error instanceof LobsterError &&
        error.line === 5 &&
        /expected a message for .*:5, was the end of the file/.test(error.message),
    );
  });

  test('files given the wrong way round are refused', () => {
    assert.throws(
      () => check(ROWS, MESSAGES),
      /:1: column 1 \(time\): expected seconds of a day .*, was "1001000"/,
    );
    assert.throws(() => check(MESSAGES, MESSAGES), /is this an order book file\?/);
  });

  test('a file cut in its last row is refused or disagrees', () => {
    const whole = ROWS.slice(0, 6).join('\n');
    const messagesPath = fileOf(MESSAGES.slice(0, 6).join('\n'));
    for (let cut = 1; cut < ROWS[5].length; cut++) {
      let found = false;
      try {
        found = !lobsterAgrees(
          checkLobster({ messagesPath, bookPath: fileOf(whole.slice(0, -cut)) }),
        );
      } catch (error) {
        found = error instanceof LobsterError;
      }
      assert.ok(found, `cut by ${cut}`);
    }
  });
});

describe('recorded days', { skip }, () => {
  for (const [kind, make] of [
    ['twin', () => new ReferenceEngine(LOBSTER_ENGINE_CONFIG)],
    ['core', () => new MatchingEngine(LOBSTER_ENGINE_CONFIG)],
  ] as const) {
    test(`AMZN: 57,514 transitions and the ${kind}'s book`, () => {
      const report = checkLobster({ ...AMZN, engine: make() });
      assert.equal(report.messages, 57_515);
      assert.equal(report.levelsPerSide, 1);
      assert.equal(report.transitions, 57_514);
      assert.equal(report.transitionsAgreed, 57_514);
      assert.equal(report.transitionsWithUnseen, 13_953);
      assert.ok(report.engine);
      assert.equal(report.engine.rowsAgreed, 57_514);
      assert.equal(report.engine.levelsAgreed, report.engine.levelsCompared);
      assert.equal(report.engine.levelsUnseen, 13_953);
      assert.equal(report.engine.executionsAgreed, 8_974);
      assert.ok(lobsterAgrees(report));
    });

    test(`AAPL: 998 transitions and the ${kind}'s book`, () => {
      const report = checkLobster({ ...AAPL, engine: make() });
      assert.equal(report.messages, 999);
      assert.equal(report.levelsPerSide, 10);
      assert.equal(report.transitionsAgreed, 998);
      assert.equal(report.transitionsWithUnseen, 318);
      assert.ok(report.engine);
      assert.equal(report.engine.rowsAgreed, 998);
      assert.equal(report.engine.levelsAgreed, report.engine.levelsCompared);
      assert.equal(report.engine.levelsUnseen, 318);
      assert.ok(lobsterAgrees(report));
    });
  }

  test('the book of another stock is told from the right one', () => {
    const rows = readFileSync(AAPL.bookPath, 'latin1').trimEnd().split('\n');
    const amzn = readFileSync(AMZN.messagesPath, 'latin1').split('\n').slice(0, rows.length);
    const report = checkLobster({ messagesPath: fileOf(amzn.join('\n')), bookPath: AAPL.bookPath });
    assert.equal(report.transitions, 998);
    assert.ok(report.transitionsAgreed < 200, String(report.transitionsAgreed));
    assert.equal(report.differences.length, 10);
    assert.throws(
      () => checkLobster({ messagesPath: AMZN.messagesPath, bookPath: AAPL.bookPath }),
      LobsterError,
    );
  });
});
