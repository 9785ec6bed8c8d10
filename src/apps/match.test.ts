// `outcry match` as its users see it: lines in, lines out, on the core and on the twin.
import assert from 'node:assert/strict';
import { PassThrough, Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import { MatchingEngine } from '../book/matching_engine.ts';
import { ReferenceEngine } from '../book/order_book.reference.ts';
import type { EngineConfig } from '../book/types.ts';
import { LINE_CHARS_MAX, MatchSession, runMatch } from './match.ts';

const CONFIG: EngineConfig = {
  instruments: [{ minPrice: -(2 ** 31), maxPrice: 2 ** 31 - 1 }], ordersMax: 1000,
};
const ENGINES = {
  core: () => new MatchingEngine(CONFIG),
  twin: () => new ReferenceEngine(CONFIG),
};
type Answer = Record<string, unknown>;

function converse(session: MatchSession, ...lines: (object | string)[]): Answer[] {
  const text = lines.map((line) =>
    session.answer(typeof line === 'string' ? line : JSON.stringify(line))).join('');
  return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Answer);
}

for (const [kind, engine] of Object.entries(ENGINES)) {
  test(`${kind}: an order, a trade, the rest, the book`, () => {
    const session = new MatchSession(engine());
    assert.deepEqual(converse(
      session,
      { op: 'new', id: 7, side: 'buy', price: 100, qty: 5 },
      { op: 'new', id: 8, side: 'sell', price: 99, qty: 2 },
      { op: 'new', id: 9, side: 'sell', type: 'market', qty: 9 },
      { op: 'new', id: 10, side: 'sell', price: 101, qty: 4 },
      { op: 'reduce', id: 10, qty: 1 },
      { op: 'depth', levels: 5 },
      { op: 'replace', id: 10, price: 102, qty: 4 },
      { op: 'cancel', id: 10 },
      { op: 'cancel', id: 10 },
    ), [
      { event: 'accepted', id: 7 },
      { event: 'accepted', id: 8 },
      { event: 'trade', maker: 7, taker: 8, price: 100, qty: 2 },
      { event: 'accepted', id: 9 },
      { event: 'trade', maker: 7, taker: 9, price: 100, qty: 3 },
      { event: 'canceled', id: 9, qty: 6, reason: 18, text: 'cannot fill' },
      { event: 'accepted', id: 10 },
      { event: 'reduced', id: 10, qty: 1, leaves: 3, reason: 0, text: 'none' },
      { event: 'depth', bids: [], asks: [[101, 3, 1]] },
      { event: 'replaced', id: 10, price: 102, qty: 4 },
      { event: 'canceled', id: 10, qty: 4, reason: 0, text: 'none' },
      { event: 'rejected', id: 10, op: 'cancel', reason: 6, text: 'unknown order' },
    ]);
  });

  test(`${kind}: ids are exact: strings beyond 2^53 - 1, and neighbours stay apart`, () => {
    const session = new MatchSession(engine());
    const big = ['9007199254740992', '9007199254740993', '18446744073709551615'];
    for (const id of big) {
      assert.deepEqual(converse(session, { op: 'new', id, side: 'buy', price: 1, qty: 1 }), [
        { event: 'accepted', id },
      ]);
    }
    assert.deepEqual(converse(session, { op: 'new', id: '5', side: 'sell', price: 1, qty: 1 }), [
      { event: 'accepted', id: 5 },
      { event: 'trade', maker: big[0], taker: 5, price: 1, qty: 1 },
    ]);
    const most = { op: 'new', id: 9007199254740991, side: 'buy', price: 1, qty: 1 };
    assert.deepEqual(converse(session, most), [
      { event: 'accepted', id: 9007199254740991 },
    ]);
    const inexact = '{"op":"new","id":9007199254740993,"side":"buy","price":1,"qty":1}';
    const [answer] = converse(session, inexact);
    assert.equal(answer['reason'], 22);
    assert.match(String(answer['text']), /2\^53/);
    const [beyond] = converse(session, { op: 'cancel', id: '18446744073709551616' });
    assert.equal(beyond['reason'], 22);
  });

  test(`${kind}: bad lines are answered with their number and a reason, and nothing ends`, () => {
    const session = new MatchSession(engine());
    const bad: [string, number][] = [
      ['nonsense', 22], ['[1]', 22], ['null', 22], ['{"op":"fly"}', 22], ['{"op":"new"}', 22],
      ['{"op":"new","id":1,"side":"hold","price":1,"qty":1}', 2],
      ['{"op":"new","id":1,"side":"buy","price":1.5,"qty":1}', 3],
      ['{"op":"new","id":1,"side":"buy","price":2147483648,"qty":1}', 3],
      ['{"op":"new","id":1,"side":"buy","price":"1","qty":1}', 22],
      ['{"op":"new","id":1,"side":"buy","price":1,"qty":-1}', 4],
      ['{"op":"new","id":1,"side":"buy","price":1,"qty":4294967296}', 4],
      ['{"op":"new","id":1,"side":"buy","price":1,"qty":0}', 4],
      ['{"op":"new","id":-1,"side":"buy","price":1,"qty":1}', 22],
      ['{"op":"new","id":1,"side":"buy","price":1,"qty":1,"tif":"gtd"}', 24],
      ['{"op":"new","id":1,"side":"buy","price":1,"qty":1,"postOnly":1}', 22],
      ['{"op":"depth","levels":0}', 22], ['{"op":"replace","id":1,"price":1,"qty":1}', 6],
      ['{"op":"state","state":"shut"}', 22], ['{"op":"__proto__"}', 22],
    ];
    for (const [index, [line, reason]] of bad.entries()) {
      const [answer, ...more] = converse(session, line);
      assert.equal(answer['event'], 'rejected', line);
      assert.equal(answer['reason'], reason, line);
      assert.equal(more.length, 0);
      if (answer['line'] !== undefined) assert.equal(answer['line'], index + 1);
    }
    const [fine] = converse(session, { op: 'new', id: 1, side: 'buy', price: 1, qty: 1 });
    assert.equal(fine['event'], 'accepted');
  });

  test(`${kind}: owners, modes, mass cancel, state, hash`, () => {
    const session = new MatchSession(engine());
    const sell = { op: 'new', side: 'sell', price: 10, qty: 5 };
    const buy = { op: 'new', side: 'buy', price: 10, qty: 5, stp: 'newest' };
    assert.deepEqual(converse(session, { ...sell, id: 1 }, { ...buy, id: 2 }).at(-1), {
      event: 'trade', maker: 1, taker: 2, price: 10, qty: 5,
    }, 'without an owner nobody trades with himself');
    const own = converse(session, { ...sell, id: 3, owner: 4 }, { ...buy, id: 4, owner: 4 });
    assert.deepEqual(own.at(-1), {
      event: 'canceled', id: 4, qty: 5, reason: 19, text: 'self-trade',
    });
    assert.deepEqual(converse(session, { op: 'state', state: 'halted' }, { ...buy, id: 5 }), [
      { event: 'state', state: 'halted' },
      { event: 'rejected', id: 5, op: 'new', reason: 16, text: 'state' },
    ]);
    const [before] = converse(session, { op: 'hash' });
    assert.match(String(before['hash']), /^[0-9a-f]{16}$/);
    assert.deepEqual(converse(session, { op: 'massCancel' }), [
      { event: 'canceled', id: 3, qty: 5, reason: 0, text: 'none' },
    ]);
    assert.deepEqual(converse(session, { op: 'massCancel' }), []);
    const [after] = converse(session, { op: 'hash' });
    assert.notEqual(before['hash'], after['hash']);
  });

  test(`${kind}: iceberg and stop; rested and displayed are not told`, () => {
    const session = new MatchSession(engine());
    assert.deepEqual(converse(
      session,
      { op: 'new', id: 1, side: 'sell', price: 10, qty: 6, display: 2 },
      { op: 'new', id: 2, side: 'buy', type: 'stop', stopPrice: 10, qty: 1 },
      { op: 'new', id: 3, side: 'buy', type: 'market', qty: 3 },
    ), [
      { event: 'accepted', id: 1 },
      { event: 'accepted', id: 2 },
      { event: 'accepted', id: 3 },
      { event: 'trade', maker: 1, taker: 3, price: 10, qty: 2 },
      { event: 'trade', maker: 1, taker: 3, price: 10, qty: 1 },
      { event: 'triggered', id: 2, qty: 1 },
      { event: 'trade', maker: 1, taker: 2, price: 10, qty: 1 },
    ]);
  });
}

/** All that runMatch wrote, with the input cut into chunks as given. */
async function run(chunks: readonly (string | Buffer)[], output?: Writable): Promise<string> {
  const collected = new PassThrough();
  let text = '';
  collected.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const target = output ?? collected;
  await runMatch(Readable.from(chunks, { objectMode: false }), target, ENGINES.core());
  if (output === undefined) await new Promise((resolve) => collected.end(resolve));
  return text;
}

test('any cut of the input gives the same answers; the last line needs no newline', async () => {
  const line = '{"op":"new","id":1,"side":"buy","price":1,"qty":1}';
  const whole = `${line}\r\n\n# ü not json\n{"op":"depth"}`;
  const expected = await run([whole]);
  assert.equal(expected.split('\n').length, 4);
  assert.match(expected, /"line":3/);
  const bytes = Buffer.from(whole);
  assert.equal(await run(Array.from(bytes, (byte) => Buffer.of(byte))), expected);
});

// A suite whose language writes every field of a record sends null for those that an order lacks.
test('null is a field that is absent; a field that must be there is missed', () => {
  const session = new MatchSession(ENGINES.core());
  const nothing = {
    type: null, stopPrice: null, tif: null, postOnly: null, display: null, minQty: null,
    client: null, owner: null, stp: null,
  };
  const order = { op: 'new', id: 1, side: 'buy', price: 100, qty: 5 };
  assert.deepEqual(converse(session, { ...order, ...nothing }), [{ event: 'accepted', id: 1 }]);
  const [depth] = converse(session, { op: 'depth', levels: null });
  assert.deepEqual(depth, { event: 'depth', bids: [[100, 5, 1]], asks: [] });
  const [missed] = converse(session, { ...order, id: 2, qty: null });
  assert.match(String(missed['text']), /^qty: expected a whole number .*, was null$/);
});

// 9007199254740993 is 9007199254740992 once it has been read as a number: an answer with that id
// would be about an order that nobody named.
test('an id that is not exact does not come back as another', () => {
  const session = new MatchSession(ENGINES.core());
  const [answer] = converse(session, '{"op":"cancel","id":9007199254740993}');
  assert.equal(answer['event'], 'rejected');
  assert.ok(!('id' in answer));
  assert.match(String(answer['text']), /send it as a string/);
});

// The text of the refusal was made with JSON.stringify, which goes as deep as the value does: 10,000 brackets ended
// the process.
test('what is nested deeply is refused like anything else', () => {
  const session = new MatchSession(ENGINES.core());
  const deep = '['.repeat(400_000) + ']'.repeat(400_000);
  const lines = [deep, `{"op":${deep}}`, `{"op":"cancel","id":${deep}}`, `{"op":"new","id":1,"side":{"a":${deep}}}`];
  for (const [answer, was] of converse(session, ...lines).map((one, at) => [one, ['a list', 'a list', 'a list', 'an object'][at]] as const)) {
    assert.equal(answer['event'], 'rejected');
    assert.match(String(answer['text']), new RegExp(`was ${was}$`));
  }
});

test('a line without end is refused once and bounded', async () => {
  const piece = 'x'.repeat(LINE_CHARS_MAX / 4);
  const text = await run([piece, piece, piece, piece, piece, piece, '\n', '{"op":"depth"}\n']);
  const answers = text.trim().split('\n').map((line) => JSON.parse(line) as Answer);
  assert.deepEqual(answers.map((answer) => answer['event']), ['rejected', 'depth']);
  assert.equal(answers[0]['line'], 1);
});

test('nothing is read while the output takes nothing', async () => {
  let pending: (() => void) | null = null;
  let written = 0;
  const output = new Writable({
    highWaterMark: 1,
    write(chunk: Buffer, _encoding, done) {
      written += chunk.length;
      pending = done;
    },
  });
  let reads = 0;
  const input = new Readable({
    highWaterMark: 1,
    read() {
      this.push(reads++ < 100 ? '{"op":"depth"}\n' : null);
    },
  });
  const running = runMatch(input, output, ENGINES.core());
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(reads < 10, `${reads} chunks were read while the first answer was held`);
  let ended = false;
  void running.then(() => (ended = true));
  while (!ended) {
    const done = pending as (() => void) | null;
    pending = null;
    done?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(written, 100 * '{"event":"depth","bids":[],"asks":[]}\n'.length);
});
