// Log-ins from other machines: challenge, signature, and everything that is none. The bytes are made by
// hand and by Node's own hash, not by the code under test.
import assert from 'node:assert/strict';
import { createHmac, randomFillSync } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import type { AccountConfig } from '../../src/exchange/config.ts';
import { CloseReason } from '../../src/exchange/counters.ts';
import { MemoryFabric } from '../../src/net/memory_network.ts';
import { hmacSha256, loginSigner } from '../../src/net/signing.ts';
import type { Network } from '../../src/net/transport.ts';
import { OrderEntry, type OrderEntryOptions } from '../../src/trader/order_entry.ts';
import { SIGNATURE_AGE_MAX_MS, signedText } from '../../src/wire/framing/signed_login.ts';
import {
  bareResponses, buy, ExchangeRig, logIn, type RawClient, type RigConfig, sequenced, soup, soupPackets, soupResponses,
} from './exchange_rig.ts';

const NOW_MS = 1_700_000_000_123;
const SECOND_NS = 1e9;
const CHALLENGE_BYTES = 20;
const NOT_AUTHORISED = soup('J', Buffer.from('A')).toString('hex');

const KEY_1 = Buffer.alloc(32, 0x11);
const KEY_2 = Buffer.alloc(32, 0x22);
const KEY_3 = Buffer.alloc(32, 0x33);
const ACCOUNTS: readonly AccountConfig[] = [
  {
    user: 'ALPHA', password: '', client: 11, owner: null, cancelOnDisconnect: true,
    keys: [{ id: 'ALPHA-1', secret: KEY_1 }, { id: 'ALPHA-2', secret: KEY_2 }],
  },
  {
    user: 'BETA', password: 'hidden', client: 12, owner: null, cancelOnDisconnect: true,
    keys: [{ id: 'BETA-1', secret: KEY_3 }],
  },
  { user: 'GAMMA', password: 'secret', client: 13, owner: null, cancelOnDisconnect: true },
];

/** A network whose accepted connections and datagrams seem to come from another machine. */
function fromAfar(network: Network, host: string): Network {
  const listen = network.listen.bind(network);
  network.listen = async (options) => {
    const listener = await listen(options);
    const accept = listener.accept.bind(listener);
    listener.accept = () => {
      const connection = accept();
      if (connection !== null) Object.defineProperty(connection, 'peer', { value: `${host}:5555` });
      return connection;
    };
    return listener;
  };
  const unicast = network.unicast.bind(network);
  network.unicast = async (options) => {
    const socket = await unicast(options);
    const sendTo = socket.sendTo.bind(socket);
    Object.defineProperty(socket, 'senderHost', { get: () => host, set: () => {} });
    socket.sendTo = (source, offset, length, _host, port) => sendTo(source, offset, length, '127.0.0.1', port);
    return socket;
  };
  return network;
}

interface Opened {
  readonly rig: ExchangeRig;
  readonly alarms: string[];
}

async function open(t: TestContext, from: string, config: RigConfig = {}): Promise<Opened> {
  const fabric = new MemoryFabric();
  let networks = 0;
  const alarms: string[] = [];
  const rig = await ExchangeRig.open({
    config: { accounts: ACCOUNTS, ...config },
    network: () => (networks++ === 0 ? fromAfar(fabric.network(), from) : fabric.network()),
    security: { hmacSha256, fillRandom: (bytes) => void randomFillSync(bytes), wallClockMs: () => NOW_MS },
    listener: { onAlarm: (what) => alarms.push(what) },
  });
  t.after(() => rig.close());
  return { rig, alarms };
}

const AFAR = '10.9.8.7';
const NEAR = '127.0.0.1';

/** len@0:u16be type@2 kind@3 nonce@4:16. */
async function nonceOf(rig: ExchangeRig, client: RawClient): Promise<Buffer> {
  await rig.until(() => client.received.length >= CHALLENGE_BYTES, 'a challenge');
  const packet = client.take(CHALLENGE_BYTES);
  assert.equal(packet.toString('latin1', 2, 4), 'UC');
  assert.equal(packet.readUInt16BE(0), CHALLENGE_BYTES - 2);
  return packet.subarray(4);
}

interface Signing {
  readonly nonce: Buffer;
  readonly key?: Buffer;
  readonly keyId?: string;
  readonly user?: string;
  readonly timeMs?: number;
  readonly next?: number;
}

/** kind@3 keyId@4:8 time@12:u64be hmac@20:32, over nonce:16 user:6 time:u64be next:u64be. */
function signature(signing: Signing): Buffer {
  const { nonce, key = KEY_1, keyId = 'ALPHA-1', user = 'ALPHA', timeMs = NOW_MS, next = 0 } = signing;
  const numbers = Buffer.alloc(16);
  numbers.writeBigUInt64BE(BigInt(timeMs), 0);
  numbers.writeBigUInt64BE(BigInt(next), 8);
  const mac = createHmac('sha256', key).update(nonce).update(user.padEnd(6)).update(numbers).digest();
  return soup('U', Buffer.concat([Buffer.from(`S${keyId.padEnd(8)}`), numbers.subarray(0, 8), mac]));
}

async function refused(rig: ExchangeRig, client: RawClient, detail: RegExp, reason: CloseReason = CloseReason.LoginRefused): Promise<void> {
  await rig.until(() => client.closed, `refused: ${detail}`);
  assert.deepEqual(rig.ended.at(-1)?.reason, reason);
  assert.match(rig.ended.at(-1)?.detail ?? '', detail);
  assert.equal(rig.counter('logins'), 0);
  if (reason === CloseReason.LoginRefused)
    assert.equal(client.received.toString('hex'), NOT_AUTHORISED, 'the client hears no reason');
}

test('from another machine: the challenge comes first, the signature opens, each key of the user does', async (t) => {
  const { rig } = await open(t, AFAR);
  const nonces = new Set<string>();
  for (const [keyId, key] of [['ALPHA-1', KEY_1], ['ALPHA-2', KEY_2]] as const) {
    const client = await rig.client();
    const nonce = await nonceOf(rig, client);
    nonces.add(nonce.toString('hex'));
    client.say(signature({ nonce, key, keyId }), logIn('ALPHA'), soup('U', buy(11, nonces.size, 10_000, 1)));
    await rig.until(() => soupResponses(client).length > 0, 'its order is answered');
    assert.deepEqual(soupPackets(client).map(({ type }) => type).slice(0, 2), ['A', 'S']);
    client.connection.close();
    client.closed = true;
    await rig.until(() => rig.exchange.gateway.count === 0, 'the session ends');
  }
  assert.equal(nonces.size, 2);
  assert.equal(rig.counter('logins_signed'), 2);
  assert.equal(rig.counter('signatures_refused'), 0);
});

test('whatever differs from what was signed is refused, with the same two bytes', async (t) => {
  const { rig } = await open(t, AFAR);
  const wrong: [change: Partial<Signing>, login: Buffer, detail: RegExp][] = [
    [{ key: KEY_2 }, logIn('ALPHA'), /user "ALPHA": the signature is not that of the key/],
    [{ keyId: 'BETA-1', key: KEY_3 }, logIn('ALPHA'), /the key is none of that user/],
    [{ keyId: 'NONE' }, logIn('ALPHA'), /the key is none of that user/],
    [{ keyId: '' }, logIn('ALPHA'), /the key is none of that user/],
    [{}, logIn('OMEGA'), /user "OMEGA": no such user/],
    [{ user: 'BETA' }, logIn('ALPHA'), /not that of the key/],
    [{ next: 1 }, logIn('ALPHA', '', 0), /not that of the key/],
    [{ next: 0 }, logIn('ALPHA', '', 1), /not that of the key/],
    [{ timeMs: NOW_MS - SIGNATURE_AGE_MAX_MS - 1 }, logIn('ALPHA'), /expected within 30 s of ours, was 30\.0 s before/],
    [{ timeMs: NOW_MS + SIGNATURE_AGE_MAX_MS + 1 }, logIn('ALPHA'), /expected within 30 s of ours, was -30\.0 s before/],
    [{ timeMs: Number.MAX_SAFE_INTEGER }, logIn('ALPHA'), /expected within 30 s/],
    [{ nonce: Buffer.alloc(16) }, logIn('ALPHA'), /not that of the key/],
  ];
  for (const [change, login, detail] of wrong) {
    const client = await rig.client();
    const nonce = await nonceOf(rig, client);
    client.say(signature({ nonce, ...change }), login);
    await refused(rig, client, detail);
  }
  assert.equal(rig.counter('signatures_refused'), wrong.length);
});

test('at the edges of the time window it still opens', async (t) => {
  for (const timeMs of [NOW_MS - SIGNATURE_AGE_MAX_MS, NOW_MS + SIGNATURE_AGE_MAX_MS]) {
    const { rig } = await open(t, AFAR);
    const client = await rig.client();
    client.say(signature({ nonce: await nonceOf(rig, client), timeMs }), logIn('ALPHA'));
    await rig.until(() => rig.counter('logins') === 1, 'it is in');
  }
});

test('a signature that was overheard opens nothing: not again, not elsewhere, not twice', async (t) => {
  const { rig } = await open(t, AFAR);
  const first = await rig.client();
  const overheard = signature({ nonce: await nonceOf(rig, first) });
  const replayed = await rig.client();
  await nonceOf(rig, replayed);
  replayed.say(overheard, logIn('ALPHA'));
  await refused(rig, replayed, /not that of the key/);
  first.say(overheard, overheard, logIn('ALPHA'));
  await refused(rig, first, /^a second signature$/, CloseReason.Protocol);
});

test('every bit of the signature counts', async (t) => {
  const { rig } = await open(t, AFAR, { limits: { connectionsPerSecond: 100_000 } });
  const whole = soup('U', Buffer.alloc(49)).length;
  for (let bit = 0; bit < 32 * 8; bit += 7) {
    const client = await rig.client();
    const bytes = signature({ nonce: await nonceOf(rig, client) });
    assert.equal(bytes.length, whole);
    bytes[20 + (bit >> 3)] ^= 1 << (bit & 7);
    client.say(bytes, logIn('ALPHA'));
    await refused(rig, client, /not that of the key/);
  }
});

test('beyond loopback a password opens nothing, nor does no proof at all', async (t) => {
  const { rig } = await open(t, AFAR);
  for (const [login, detail] of [
    [logIn('GAMMA', 'secret'), /user "GAMMA": expected a signature, was a password from beyond loopback/],
    [logIn('BETA', 'hidden'), /expected a signature, was a password from beyond loopback/],
    [logIn('ALPHA'), /expected a signature, was none/],
    [logIn('11'), /no such user/],
  ] as const) {
    const client = await rig.client();
    await nonceOf(rig, client);
    client.say(login);
    await refused(rig, client, detail);
  }
  assert.equal(rig.counter('signatures_refused'), 0, 'nothing was signed');
});

test('beyond loopback bare and sequenced say who they are in vain', async (t) => {
  const listeners = (['auto', 'bare', 'sequenced'] as const).map((framing) => ({ host: NEAR, port: 0, framing }));
  const { rig } = await open(t, AFAR, { listeners });
  for (const [index, bytes] of [buy(50, 1, 10_000, 1), buy(50, 1, 10_000, 1), sequenced(1, buy(50, 1, 10_000, 1))].entries()) {
    const client = await rig.client(index);
    client.say(bytes);
    await refused(rig, client, /a framing without log-in is for loopback only/, CloseReason.Unauthenticated);
  }
});

test('on loopback: a password where there is one, else the signature; who speaks bare hears no challenge', async (t) => {
  const { rig } = await open(t, NEAR);
  const bare = await rig.client();
  bare.say(buy(50, 1, 10_000, 1));
  await rig.until(() => bareResponses(bare).length === 1, 'an answer and nothing else');
  const beta = await rig.client();
  beta.say(logIn('BETA', 'hidden'));
  await rig.until(() => rig.counter('logins') === 2, 'by its password');
  assert.deepEqual(soupPackets(beta).map(({ type }) => type), ['U', 'A']);
  const alpha = await rig.client();
  alpha.say(logIn('ALPHA'));
  await rig.until(() => alpha.closed, 'it has no password');
  assert.match(rig.ended.at(-1)?.detail ?? '', /expected a signature, was none/);
  const signs = await rig.client();
  signs.say(soup('R'));
  signs.say(signature({ nonce: await nonceOf(rig, signs) }), logIn('ALPHA'));
  await rig.until(() => rig.counter('logins') === 3, 'by its key');
  const identified = await rig.client();
  identified.say(buy(11, 9, 10_000, 1));
  await rig.until(() => identified.closed, 'the client id of an account is not for the taking');
});

test('where nobody has a key nobody is challenged', async (t) => {
  const { rig } = await open(t, NEAR, { accounts: [ACCOUNTS[2]] });
  const client = await rig.client();
  client.say(soup('R'));
  await rig.turn(10);
  assert.equal(client.received.length, 0);
  client.say(signature({ nonce: Buffer.alloc(16) }));
  await refused(rig, client, /a signature without a challenge/, CloseReason.Protocol);
});

test('the silent, and the half-hearted, have five seconds', async (t) => {
  const { rig } = await open(t, AFAR);
  const silent = await rig.client();
  const halfway = await rig.client();
  await nonceOf(rig, silent);
  halfway.say(signature({ nonce: await nonceOf(rig, halfway) }));
  await rig.turn(49, SECOND_NS / 10);
  assert.equal(rig.exchange.gateway.count, 2);
  await rig.turn(5, SECOND_NS / 10);
  assert.ok(silent.closed && halfway.closed);
  assert.equal(rig.counter('closed_login_deadline'), 2);
});

test('signed or not: a second log-in is "in use", one ahead of the exchange is refused and an alarm', async (t) => {
  const { rig, alarms } = await open(t, AFAR);
  const first = await rig.client();
  first.say(signature({ nonce: await nonceOf(rig, first) }), logIn('ALPHA'));
  await rig.until(() => rig.counter('logins') === 1, 'the first is in');
  const second = await rig.client();
  second.say(signature({ nonce: await nonceOf(rig, second) }), logIn('ALPHA'));
  await rig.until(() => second.closed, 'refused');
  assert.equal(second.received.toString('hex'), soup('J', Buffer.from('S')).toString('hex'));
  assert.equal(rig.counter('closed_in_use'), 1);
  const ahead = await rig.client();
  ahead.say(signature({ nonce: await nonceOf(rig, ahead), keyId: 'BETA-1', key: KEY_3, user: 'BETA', next: 8 }), logIn('BETA', '', 8));
  await rig.until(() => ahead.closed, 'refused');
  assert.equal(rig.counter('logins_ahead'), 1);
  assert.deepEqual(alarms, [
    'client 12 is ahead of this exchange (next sequence: expected 1 … 1, was 8): what it was told is not known here',
  ]);
  assert.ok(!first.closed);
});

test("a user's name is shown as printable characters, whatever it is", async (t) => {
  const { rig } = await open(t, NEAR);
  for (const [user, shown] of [['\x1b[2J', '?[2J'], ['a\nb\0', 'a?b?'], ['"|$x', '"|$x']] as const) {
    const client = await rig.client();
    client.say(logIn(user));
    await rig.until(() => client.closed, 'refused');
    assert.equal(rig.ended.at(-1)?.detail, `user "${shown}": no such user`);
  }
  assert.ok(Object.keys(rig.exchange.counters.snapshot()).every((name) => /^[a-z_]+$/.test(name)));
});

test('random packets before the log-in: reasons, and nobody gets in', async (t) => {
  const { rig } = await open(t, AFAR, { limits: { connectionsPerSecond: 100_000 } });
  const prng = new Prng(7);
  for (let round = 0; round < 200; round++) {
    const client = await rig.client();
    const good = signature({ nonce: await nonceOf(rig, client) });
    const parts = [good, logIn('ALPHA'), soup('R'), soup('O')];
    const bytes = Buffer.concat(Array.from({ length: 1 + prng.below(4) }, () => parts[prng.below(parts.length)]));
    const last = prng.below(bytes.length);
    bytes[last] ^= 1 + prng.below(255);
    client.say(bytes.subarray(0, last + 1 + prng.below(bytes.length - last)));
    await rig.turn(3);
    client.connection.close();
    client.closed = true;
    await rig.until(() => rig.exchange.gateway.count === 0, 'it is gone');
  }
  // The one byte may be such that nothing changes: blanks of a name, a heartbeat's time.
  assert.ok(rig.counter('logins') <= rig.counter('logins_signed'));
  assert.ok(rig.counter('logins') < 40, `${rig.counter('logins')} of 200`);
});

test('retransmission: to a logged-in address only, and no more than the rate', async (t) => {
  const { rig } = await open(t, AFAR, { retransmit: { host: NEAR, port: 0, messages: 4_096, datagramsPerSecond: 100 } });
  const stranger = await rig.clientNetwork.unicast({ host: NEAR, port: 0 });
  const ask = Buffer.alloc(20);
  ask.write(rig.exchange.sessionName.padEnd(10), 0, 'ascii');
  ask.writeBigUInt64BE(1n, 10);
  ask.writeUInt16BE(1, 18);
  const asked = async (times: number): Promise<number> => {
    const before = rig.counter('retransmit_answers');
    for (let i = 0; i < times; i++) stranger.sendTo(ask, 0, ask.length, NEAR, rig.exchange.retransmitPort);
    await rig.turn(5);
    return rig.counter('retransmit_answers') - before;
  };
  const client = await rig.client();
  const nonce = await nonceOf(rig, client);
  assert.equal(await asked(3), 0, 'a connection alone is no log-in');
  client.say(signature({ nonce }), logIn('ALPHA'), soup('U', buy(11, 1, 10_000, 1)));
  await rig.until(() => soupResponses(client).length === 1, 'something was published');
  assert.equal(await asked(3), 3);
  assert.equal(await asked(50), 7, 'a tenth of a second of the rate at once');
  client.connection.close();
  client.closed = true;
  await rig.until(() => rig.exchange.gateway.count === 0, 'it logs out');
  await rig.turn(1, SECOND_NS);
  assert.equal(await asked(3), 0, 'and is a stranger again');
  assert.equal(rig.counter('retransmit_refused'), 3 + 43 + 3);
});

// ── the client's side ────────────────────────────────────────────────────────────────────────────

class Told {
  ready = 0;
  responses = 0;
  closed: string[] = [];
  onReady(): void {
    this.ready++;
  }
  onResponse(): void {
    this.responses++;
  }
  onClosed(reason: string): void {
    this.closed.push(reason);
  }
}

async function entryOn(rig: ExchangeRig, entry: OrderEntry): Promise<void> {
  entry.connect(await rig.clientNetwork.connect({ host: NEAR, port: rig.exchange.ports[0] }), rig.nowNs);
}

async function turns(rig: ExchangeRig, entry: OrderEntry, holds: () => boolean): Promise<void> {
  await rig.until(() => {
    entry.poll(rig.nowNs);
    return holds();
  }, 'the client is so far');
}

for (const from of [AFAR, NEAR]) {
  test(`order entry signs, from ${from}; after a break it resumes and signs anew`, async (t) => {
    const { rig } = await open(t, from, { accounts: [{ ...ACCOUNTS[0], cancelOnDisconnect: false }] });
    const told = new Told();
    const signer = { ...loginSigner('ALPHA-2', KEY_2), wallClockMs: () => NOW_MS + 0.75 };
    const options: OrderEntryOptions = { client: 11, account: 'ALPHA', signer };
    const entry = new OrderEntry(told, options);
    await entryOn(rig, entry);
    assert.equal(entry.newOrder(1, 1, 0, 1, 10_000, 0, 5), false, 'not before the log-in');
    await turns(rig, entry, () => told.ready === 1);
    assert.ok(entry.newOrder(1, 1, 0, 1, 10_000, 0, 5));
    await turns(rig, entry, () => told.responses === 1);
    rig.exchange.controls.logout(11);
    await turns(rig, entry, () => told.closed.length === 1);
    await entryOn(rig, entry);
    await turns(rig, entry, () => told.ready === 2);
    assert.equal(entry.nextSequence, 2, 'where it was');
    assert.equal(rig.counter('logins_signed'), 2);
  });
}

test('order entry with the wrong key is refused; without a challenge it says what is missing', async (t) => {
  const { rig } = await open(t, AFAR);
  const told = new Told();
  const signer = { ...loginSigner('ALPHA-2', KEY_1), wallClockMs: () => NOW_MS };
  const entry = new OrderEntry(told, { client: 11, account: 'ALPHA', signer });
  await entryOn(rig, entry);
  await turns(rig, entry, () => told.closed.length === 1);
  assert.deepEqual(told.closed, ['log-in rejected: not authorised (A)']);

  const other = await open(t, NEAR, { accounts: [] });
  await entryOn(other.rig, entry);
  await other.rig.turn(20);
  entry.poll(other.rig.nowNs);
  await other.rig.turn(60, SECOND_NS / 10);
  for (let i = 0; i < 3; i++) entry.poll(other.rig.nowNs);
  assert.equal(told.closed.at(-1), 'the exchange closed the connection without a challenge: it was started without credentials');
  assert.throws(
    () => new OrderEntry(told, { client: 11, signer: loginSigner('MUCH-TOO-LONG', KEY_1) }),
    /key id: expected at most 8 printable ASCII characters, was "MUCH-TOO-LONG"/,
  );
});

test('what is signed has fixed places', () => {
  const text = signedText(new Uint8Array(16).fill(0xaa), 'BETA', 1, 2);
  assert.equal(Buffer.from(text).toString('hex'), `${'aa'.repeat(16)}424554412020${'00'.repeat(7)}01${'00'.repeat(7)}02`);
  assert.throws(() => signedText(new Uint8Array(15), 'A', 1, 2), /nonce: expected 16 bytes, was 15/);
  assert.throws(() => signedText(new Uint8Array(16), 'MUCHTOOLONG', 1, 2), /user: expected at most 6 characters/);
  // RFC 4231, test case 2.
  assert.equal(
    Buffer.from(hmacSha256(Buffer.from('Jefe'), Buffer.from('what do ya want for nothing?'))).toString('hex'),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});
