// A recorded day as a tape leads to the same books as the check of recordings does, message by message.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MatchingEngine } from '../book/matching_engine.ts';
import { checkLobster, LOBSTER_ENGINE_CONFIG } from '../recorded/lobster_book.ts';
import { LobsterBookRows, LobsterError } from '../recorded/lobster.ts';
import { lobsterName, readLobster, type RecordedFile, RECORDED_CLIENT } from './lobster_tape.ts';
import { momentOf } from './moment.ts';
import { findOrders, orderStoryOf } from './order_story.ts';
import { TimeMachine } from './time_machine.ts';

const FOLDER = join(import.meta.dirname, '../../../shared/data/lobster');
const MESSAGES = 'AAPL_2012-06-21_34200000_57600000_message_10.csv';
const BOOK = 'AAPL_2012-06-21_34200000_57600000_orderbook_10.csv';
const SKIP = existsSync(join(FOLDER, MESSAGES)) ? false : 'the recordings are not there';

function fileOf(name: string): RecordedFile {
  return { name, content: readFileSync(join(FOLDER, name)) };
}

function text(name: string, lines: string): RecordedFile {
  return { name, content: new TextEncoder().encode(lines) };
}

function machineOf(messages: RecordedFile, book: RecordedFile | null): TimeMachine {
  const machine = new TimeMachine(readLobster(messages, book), { spacing: 128 });
  machine.build();
  return machine;
}

test('every row of the recording is what the machine shows behind its message', { skip: SKIP }, () => {
  const machine = machineOf(fileOf(MESSAGES), fileOf(BOOK));
  assert.deepEqual(machine.tape.instruments, [{ symbol: 'AAPL', decimals: 4, tickSize: 1 }]);
  assert.equal(machine.tape.zeroMs, Date.UTC(2012, 5, 21));
  const engine = new MatchingEngine(LOBSTER_ENGINE_CONFIG);
  const report = checkLobster({ messagesPath: join(FOLDER, MESSAGES), bookPath: join(FOLDER, BOOK), engine });
  assert.equal(machine.inputs, report.messages);
  // The same commands, but for the clients and ids that they were given.
  assert.equal(machine.engine.publicHash(), engine.publicHash());
  const rows = new LobsterBookRows(join(FOLDER, BOOK));
  for (let position = 1; rows.next(); position++) {
    machine.seek(position);
    const { bids, asks } = machine.engine.depth(0, 1);
    assert.deepEqual([bids[0]?.price, Number(bids[0]?.qty)], [rows.bids.price[0], rows.bids.size[0]], `row ${position}`);
    assert.deepEqual([asks[0]?.price, Number(asks[0]?.qty)], [rows.asks.price[0], rows.asks.size[0]], `row ${position}`);
  }
  rows.close();
});

test('orders go by the names of the recording', { skip: SKIP }, () => {
  const machine = machineOf(fileOf(MESSAGES), fileOf(BOOK));
  const named = new TextDecoder().decode(fileOf(MESSAGES).content).split('\n').map((line) => line.split(','));
  const first = named.find(([, type]) => type === '1')!;
  const [name] = findOrders(machine, first[2]);
  assert.deepEqual(name, { client: RECORDED_CLIENT, id: first[2] });
  assert.match(orderStoryOf(machine, name).steps[0].text, new RegExp(`^accepted: (buy|sell) ${first[3]} @ ${Number(first[4]) / 10_000}`));
});

const LINES = [
  '34200.000000001,1,7,100,2000000,1', // buy 100 @ 200
  '34200.000000002,1,8,50,2000100,-1',
  '34200.000000003,5,0,10,2000050,1', // hidden
  '34200.000000004,4,7,30,2000000,1', // 30 of order 7 trade
  '34200.000000005,7,0,0,-1,-1', // halt
  '34200.000000006,2,7,20,2000000,1',
  '34200.000000007,3,7,50,2000000,1',
].join('\n');

test('each kind of message, in words and in the book', () => {
  const machine = machineOf(text('X_2020-01-02_message_1.csv', LINES), null);
  const question = { book: 0, levels: 5, rows: 100, trades: 5, level: null, order: { client: 1, id: '7' } };
  machine.seek(4);
  const moment = momentOf(machine, question);
  assert.deepEqual(moment.bids, [{ price: 2_000_000, qty: 70, orders: 1 }]);
  assert.deepEqual(moment.trades.map(({ side, qty, maker }) => [side, qty, maker]), [[-1, 30, '1.7']]);
  assert.deepEqual(moment.rows.map((row) => row.text), [
    'new 1.7 buy 100 @ 200.0000 limit gtc X',
    'new 1.8 sell 50 @ 200.0100 limit gtc X',
    'message: hidden bid executed, 10 @ 200.0050',
    'new 2.1 sell 30 @ 200.0000 limit ioc X',
    'message: trading is halted',
    'reduce 1.7 20 X',
    'cancel 1.7 X',
  ]);
  assert.deepEqual(moment.order?.steps.map(({ type, position }) => `${position} ${type}`), ['1 accepted', '4 trade', '6 reduced', '7 canceled']);
  assert.equal(moment.order?.place?.executed, 30);
  machine.seek(7);
  assert.equal(momentOf(machine, question).order?.place, null);
});

test('a file that is not what it should be is refused with its line; the name tells symbol and day', () => {
  assert.throws(() => readLobster(text('m.csv', '1,2\n'), null), (error) => error instanceof LobsterError && error.message.startsWith('m.csv:1: column 3 (order id)'));
  assert.throws(() => readLobster(text('m.csv', LINES), text('b.csv', '1,1,0,0\n')), /^LobsterError: b\.csv:2: expected a row for m\.csv:2, was the end of the file$/);
  assert.deepEqual(lobsterName('AMZN_2012-06-21_message_1.csv'), { symbol: 'AMZN', zeroMs: Date.UTC(2012, 5, 21) });
  assert.deepEqual(lobsterName('odd.csv'), { symbol: 'odd', zeroMs: null });
});
