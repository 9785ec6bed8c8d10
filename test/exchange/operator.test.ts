// The operator's channel: what its commands do, who may say them, and what comes of everything else.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { EXCHANGE_DEFAULT } from '../../src/exchange/config.ts';
import { OPERATOR_COMMANDS } from '../../src/exchange/exchange_commands.ts';
import { LINE_BYTES_MAX } from '../../src/exchange/operator.ts';
import { OPERATORS_MAX, SILENCE_NS, STRANGER_NS, STRANGERS_MAX } from '../../src/exchange/operator_channel.ts';
import { buy, cancel, ExchangeRig, logIn, RawClient, requestExtended } from './exchange_rig.ts';
import { ask, riskOf, words } from './protection_rig.ts';

const TOKEN = 'known-to-operators-alone';
/** The channel is looked at once a millisecond. */
const LOOK_NS = 1_000_000;

class OperatorRig {
  readonly rig: ExchangeRig;
  readonly log: readonly string[];
  readonly #clients: RawClient[] = [];

  private constructor(rig: ExchangeRig, log: readonly string[]) {
    this.rig = rig;
    this.log = log;
  }

  static async open(t: TestContext): Promise<OperatorRig> {
    const log: string[] = [];
    const rig = await ExchangeRig.open({
      config: { risk: riskOf({}), operator: { ...EXCHANGE_DEFAULT.operator, token: TOKEN } },
      listener: { onOperator: (what) => log.push(what.replace(/^[\d.:]+: /, '')) },
    });
    t.after(() => rig.close());
    return new OperatorRig(rig, log);
  }

  async connect(): Promise<RawClient> {
    const { operator } = this.rig.exchange;
    assert.ok(operator !== null);
    const client = new RawClient(
      await this.rig.clientNetwork.connect({ host: operator.host, port: operator.port }),
    );
    this.#clients.push(client);
    return client;
  }

  async turn(turns = 1, stepNs = LOOK_NS): Promise<void> {
    for (let i = 0; i < turns; i++) {
      await this.rig.turn(1, stepNs);
      for (const client of this.#clients) client.poll();
    }
  }

  /** Says a line, returns the answer to it. */
  async say(client: RawClient, line: string | object): Promise<Record<string, unknown>> {
    client.received = Buffer.alloc(0);
    client.say(Buffer.from(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`));
    for (let turns = 0; turns < 50 && !client.received.includes(0x0a); turns++) await this.turn();
    return JSON.parse(client.received.toString()) as Record<string, unknown>;
  }

  command(client: RawClient, command: string, rest: object = {}): Promise<Record<string, unknown>> {
    return this.say(client, { token: TOKEN, command, ...rest });
  }
}

test('without a token there is no channel', async (t) => {
  const rig = await ExchangeRig.open();
  t.after(() => rig.close());
  assert.equal(rig.exchange.operator, null);
});

test('kill, reset, halt, open, close, logout: done in sequence, answered, and logged', async (t) => {
  const own = await OperatorRig.open(t);
  const { rig } = own;
  const operator = await own.connect();
  const client = await rig.client();
  await ask(rig, client, 2, buy(5, 1, 9_000, 1), requestExtended({ client: 5, id: 2, price: 9_001, qty: 1, tif: 0 }));
  assert.deepEqual(await own.command(operator, 'kill', { client: 5, id: 'k-1' }), {
    id: 'k-1', ok: true, result: { all: false, clients: [5] },
  });
  assert.deepEqual(words(client).slice(2), ['expired 2: 20', 'expired 1: 20', 'rejected 0: 20']);
  assert.deepEqual(await ask(rig, client, 2, buy(5, 3, 9_000, 1), cancel(5, 1)), ['rejected 3: 20', 'cancel rejected 1: 6']);
  assert.deepEqual(await own.command(operator, 'reset', { client: 5 }), { ok: true, result: { all: false, clients: [] } });
  assert.deepEqual(await ask(rig, client, 1, buy(5, 4, 9_000, 1)), ['accepted 4']);
  assert.deepEqual((await own.command(operator, 'halt', { ticker: 2 }))['result'], {
    instruments: [
      { ticker: 1, symbol: 'T1', state: 'open' },
      { ticker: 2, symbol: 'T2', state: 'halted' },
      { ticker: 3, symbol: 'T3', state: 'open' },
    ],
  });
  assert.deepEqual(await ask(rig, client, 2, buy(5, 5, 9_000, 1, 2), buy(5, 6, 9_000, 1)), ['rejected 5: 16', 'accepted 6']);
  await own.command(operator, 'close', { all: true });
  assert.deepEqual(await ask(rig, client, 1, buy(5, 7, 9_000, 1)), ['rejected 7: 16']);
  await own.command(operator, 'open', { all: true });
  assert.deepEqual(await ask(rig, client, 1, buy(5, 8, 9_000, 1)), ['accepted 8']);
  await own.command(operator, 'kill', { all: true });
  assert.equal(rig.exchange.engine.ordersLive, 0);
  assert.deepEqual(await own.command(operator, 'reset', { all: true }), { ok: true, result: { all: false, clients: [] } });
  assert.deepEqual(await own.command(operator, 'logout', { client: 5 }), { ok: true, result: { ended: true } });
  await own.turn(3);
  assert.ok(client.closed);
  assert.deepEqual(await own.command(operator, 'logout', { client: 5 }), { ok: true, result: { ended: false } });
  assert.deepEqual(own.log, [
    'kill client 5', 'reset client 5', 'halt ticker 2', 'close all', 'open all', 'kill all', 'reset all',
    'logout client 5', 'logout client 5',
  ]);
  assert.equal(rig.counter('operator_commands'), 9);
});

test('sessions and status: what an operator wants to see', async (t) => {
  const own = await OperatorRig.open(t);
  const { rig } = own;
  const operator = await own.connect();
  const bare = await rig.client();
  const soup = await rig.client();
  await ask(rig, bare, 2, buy(5, 1, 9_000, 1), buy(5, 2, 9_000, 0));
  soup.say(logIn('6'));
  await rig.until(() => rig.counter('logins') === 2, 'both are in');
  await own.command(operator, 'kill', { client: 9 });
  const sessions = (await own.command(operator, 'sessions'))['result'] as Record<string, unknown>[];
  assert.deepEqual(
    sessions.map(({ client, framing, openOrders, locked, unreadBytes }) => ({ client, framing, openOrders, locked, unreadBytes })).toSorted(
      (a, b) => Number(a.client) - Number(b.client),
    ),
    [
      { client: 5, framing: 'bare', openOrders: 1, locked: false, unreadBytes: 0 },
      { client: 6, framing: 'soup', openOrders: 0, locked: false, unreadBytes: 0 },
    ],
  );
  const status = (await own.command(operator, 'status'))['result'] as Record<string, unknown>;
  assert.deepEqual([status['ordersLive'], status['sessions'], status['locked']], [1, 2, { all: false, clients: [9] }]);
  const counters = status['counters'] as Record<string, number>;
  assert.deepEqual([counters['rejected_for_quantity'], counters['killed_accounts']], [1, 1]);
});

test('who does not know the token is answered and shown out; nothing is done', async (t) => {
  const own = await OperatorRig.open(t);
  const wrong: (string | object)[] = [
    { command: 'kill', all: true },
    { token: '', command: 'kill', all: true },
    { token: TOKEN.slice(0, -1), command: 'kill', all: true },
    { token: `${TOKEN}x`, command: 'kill', all: true },
    { token: [TOKEN], command: 'kill', all: true },
    // A text that cannot be made of it ended the process once.
    '{"token":{"toString":1},"command":"kill","all":true}',
    { token: null, command: 'kill', all: true },
    'kill --all',
    '[]',
    'null',
    '{"token":',
    '',
  ];
  for (const line of wrong) {
    const stranger = await own.connect();
    const answer = await own.say(stranger, line);
    assert.equal(answer['ok'], false, JSON.stringify(line));
    await own.turn(3);
    assert.ok(stranger.closed, JSON.stringify(line));
  }
  assert.deepEqual(own.rig.exchange.controls.locked, { all: false, clients: [] });
  assert.equal(own.rig.counter('operator_refused'), wrong.length);
  assert.ok(own.log.every((line) => line.startsWith('refused: ')));
  assert.ok(!own.log.join().includes(TOKEN), 'the token is not logged');
});

test('what is asked wrongly is said, and the operator may go on', async (t) => {
  const own = await OperatorRig.open(t);
  const operator = await own.connect();
  const wrong: [object, RegExp][] = [
    [{ command: 'explode' }, /command: expected one of kill, .*, was "explode"/],
    [{ command: 'toString' }, /command: expected one of/],
    [{}, /command: expected one of .*, was nothing/],
    [{ command: 'kill' }, /client: expected a number 0 to 4294967294, or "all": true, was nothing/],
    [{ command: 'kill', client: '5' }, /client: expected a number .*, was "5"/],
    [{ command: 'kill', client: 4_294_967_295 }, /was 4294967295/],
    [{ command: 'kill', client: 1.5 }, /was 1.5/],
    [{ command: 'kill', client: 5, all: true }, /expected client or all, were both/],
    [{ command: 'kill', ticker: 5 }, /"ticker": kill knows no such field/],
    [{ command: 'logout', all: true }, /"all": logout knows no such field/],
    [{ command: 'halt', ticker: 77 }, /ticker: expected one of 1, 2, 3, was 77/],
    [{ command: 'status', client: 1 }, /"client": status knows no such field/],
  ];
  for (const [fields, error] of wrong) {
    const answer = await own.say(operator, { token: TOKEN, ...fields });
    assert.equal(answer['ok'], false);
    assert.match(String(answer['error']), error);
  }
  assert.equal((await own.command(operator, 'status'))['ok'], true);
  assert.deepEqual(own.rig.exchange.controls.locked, { all: false, clients: [] });
});

test('bounds: lines, connections, silence; several lines in one packet, one line in many', async (t) => {
  const own = await OperatorRig.open(t);
  const long = await own.connect();
  long.say(Buffer.alloc(LINE_BYTES_MAX + 1, 0x20));
  await own.turn(4);
  assert.match(long.received.toString(), /expected at most 1024 bytes/);
  assert.ok(long.closed);
  const operator = await own.connect();
  const line = JSON.stringify({ token: TOKEN, command: 'status' });
  const padded = Buffer.from(`${line.padEnd(LINE_BYTES_MAX - 1)}\n`);
  operator.say(padded, Buffer.from(`${line}\n${line.slice(0, 20)}`));
  await own.turn(20);
  operator.say(Buffer.from(`${line.slice(20)}\n`));
  await own.turn(20);
  assert.equal(operator.received.toString().split('\n').length, 4, 'three answers');
  const many = [];
  for (let i = 0; i < STRANGERS_MAX + 3; i++) many.push(await own.connect());
  await own.turn(30);
  assert.equal(own.rig.exchange.operator?.count, STRANGERS_MAX + 1, 'the operator has a place of its own');
  assert.deepEqual(many.map(({ closed }) => closed), many.map((_, i) => i < 3), 'those that came first give way');
  await own.turn(3, STRANGER_NS / 2);
  assert.equal(own.rig.exchange.operator?.count, 1, 'strangers have little time');
  await own.turn(3, SILENCE_NS / 2);
  assert.equal(own.rig.exchange.operator?.count, 0);
});

// Twelve connections that said nothing had taken every place, and an operator with the token was turned away.
test('idle strangers do not shut an operator out, nor do those that connect again every moment', async (t) => {
  const own = await OperatorRig.open(t);
  const first = await own.connect();
  assert.equal((await own.command(first, 'status'))['ok'], true);
  for (let i = 0; i < STRANGERS_MAX * 2; i++) await own.connect();
  await own.turn(50);
  const second = await own.connect();
  assert.equal((await own.command(second, 'kill', { client: 5 }))['ok'], true, 'among idle ones');
  for (let round = 0; round < 3; round++) {
    const late = await own.connect();
    for (let i = 0; i < 14; i++) { // the line comes 14 ms after the connection, amid four others a millisecond
      for (let j = 0; j < 4; j++) await own.connect();
      await own.turn();
    }
    assert.equal((await own.command(late, 'status'))['ok'], true, 'among those that connect all the time');
  }
  assert.equal((await own.command(first, 'reset', { client: 5 }))['ok'], true, 'an operator keeps its place');
  assert.equal(own.rig.exchange.operator?.count, STRANGERS_MAX + 4, 'five operators; the last left a place free');
});

test('a line that waits unread when its stranger has to give way is done', async (t) => {
  const own = await OperatorRig.open(t);
  const operator = await own.connect();
  await own.turn(2);
  for (let i = 0; i < STRANGERS_MAX - 1; i++) await own.connect();
  await own.turn(30);
  operator.say(Buffer.from(`${JSON.stringify({ token: TOKEN, command: 'kill', all: true })}\n`));
  for (let i = 0; i < 4; i++) await own.connect();
  await own.turn(10);
  assert.match(operator.received.toString(), /"ok":true/);
  assert.ok(!operator.closed);
});

test('with every place of an operator taken, one more is answered and then leaves', async (t) => {
  const own = await OperatorRig.open(t);
  const operators = [];
  for (let i = 0; i < OPERATORS_MAX; i++) {
    operators.push(await own.connect());
    assert.equal((await own.command(operators[i], 'status'))['ok'], true);
  }
  const late = await own.connect();
  assert.equal((await own.command(late, 'kill', { all: true }))['ok'], true);
  await own.turn(3);
  assert.ok(late.closed);
  assert.deepEqual(operators.map(({ closed }) => closed), operators.map(() => false));
  assert.equal(own.rig.exchange.operator?.count, OPERATORS_MAX);
});

test('an answer that is not taken waits, bounded, and holds nobody up', async (t) => {
  const own = await OperatorRig.open(t);
  const operator = await own.connect();
  operator.reads = false;
  for (let i = 0; i < 2_000; i++) operator.say(Buffer.from(`${JSON.stringify({ token: TOKEN, command: 'status' })}\n`));
  await own.turn(2_500);
  const done = own.rig.counter('operator_commands');
  assert.ok(done < 2_000, `${done} commands done without their answers being read`);
  assert.deepEqual(await ask(own.rig, await own.rig.client(), 1, buy(5, 1, 9_000, 1)), ['accepted 1']);
  operator.reads = true;
  await own.turn(5_000);
  assert.equal(operator.received.toString().split('\n').length - 1, 2_000, 'every one is answered in the end');
});

test('random bytes, and lines made of its own words: answers, and the exchange goes on', async (t) => {
  const seed = Number(process.env['HOSTILE_SEED'] ?? 7);
  const prng = new Prng(seed);
  t.diagnostic(`HOSTILE_SEED=${seed}`);
  const own = await OperatorRig.open(t);
  const client = await own.rig.client();
  const some = <T>(values: readonly T[]): T => values[prng.below(values.length)];
  const values: readonly unknown[] = [
    0, 1, 7, -1, 1e300, 4_294_967_295, 'x', '', TOKEN, null, true, [], {}, { toString: 1, valueOf: 2 }, [[[[]]]],
  ];
  for (let round = 0; round < 400; round++) {
    const operator = await own.connect();
    for (let i = prng.between(1, 3); i > 0; i--) {
      if (prng.chance(0.4)) {
        operator.say(Buffer.from(Array.from({ length: prng.between(1, 300) }, () => prng.below(256))));
        continue;
      }
      const fields: Record<string, unknown> = {
        token: prng.chance(0.7) ? TOKEN : some(values),
        command: prng.chance(0.7) ? some(Object.keys(OPERATOR_COMMANDS)) : some(values),
      };
      for (const name of ['client', 'ticker', 'all', 'id', '__proto__', 'constructor'])
        if (prng.chance(0.3)) Object.defineProperty(fields, name, { value: some(values), enumerable: true });
      operator.say(Buffer.from(`${JSON.stringify(fields)}\n`));
    }
    await own.turn(prng.between(1, 4));
    operator.connection.close();
  }
  await own.turn(10);
  const operator = await own.connect();
  await own.command(operator, 'reset', { all: true });
  await own.command(operator, 'open', { all: true });
  assert.deepEqual(await ask(own.rig, client, 1, buy(500, 1, 9_000, 1)), ['accepted 1']);
  own.rig.exchange.engine.checkInvariants();
});
