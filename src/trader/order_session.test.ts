// Whom a session takes for an exchange, and when it gives up on somebody who is none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { Framing } from '../wire/framing/frame.ts';
import { writeSoupControl } from '../wire/framing/soup.ts';
import { SoupPacket } from '../wire/generated/soup.ts';
import { TraderInstruments } from './instruments.ts';
import { OrderSession, SessionState } from './order_session.ts';
import type { StreamConnection } from '../net/transport.ts';

const SECOND = 1e9;
const MAX_NS = 10 * SECOND;
const FRAMINGS = [Framing.Soup, Framing.Bare, Framing.Sequenced];
const HTTP = Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
const HEARTBEAT = new Uint8Array(3);
writeSoupControl(new DataView(HEARTBEAT.buffer), 0, SoupPacket.ServerHeartbeat);

/** Takes everything, and says what the test says. */
class Peer implements StreamConnection {
  readonly id = 1;
  readonly peer = 'memory';
  tag = 0;
  open = true;
  #says: Uint8Array = new Uint8Array(0);

  say(bytes: Uint8Array): void {
    this.#says = bytes;
  }

  get readable(): boolean {
    return this.#says.length > 0 || !this.open;
  }

  receive(target: Uint8Array, offset: number): number {
    const says = this.#says;
    if (says.length === 0) return this.open ? 0 : -1;
    target.set(says, offset);
    this.#says = new Uint8Array(0);
    return says.length;
  }

  send(_source: Uint8Array, _offset: number, length: number): number {
    return this.open ? length : -1;
  }

  close(): void {
    this.open = false;
  }
}

function rig(framing: Framing, firstAnswerMaxNs?: number) {
  const clock = new ManualClock();
  const downs: string[] = [];
  const peers = [new Peer()];
  const session = new OrderSession({ onResponse: () => {}, onReady: () => {}, onDown: (reason) => void downs.push(reason) }, {
    entry: { client: 7, framing }, clock, journal: null,
    instruments: new TraderInstruments([
      { ticker: 1, symbol: 'T1', decimals: 2, tickUnits: 1, lotSize: 1, minPriceTicks: 1, maxPriceTicks: 1_000 },
    ]),
    connect: async () => {
      const peer = new Peer();
      peers.push(peer);
      return peer;
    },
    ...(firstAnswerMaxNs !== undefined && { firstAnswerMaxNs }),
  });
  clock.advance(3 * SECOND);
  session.begin(peers[0], clock.nowNs);
  /** Polls when the session says that it must be, or every second what the peer says; what it waits for outside of the loop happens. */
  const runFor = async (ns: number, eachPeer?: (peer: Peer) => void): Promise<void> => {
    const untilNs = clock.nowNs + ns;
    for (let polls = 0; polls < 1_000; polls += 1) {
      eachPeer?.(peers[peers.length - 1]);
      session.poll(clock.nowNs);
      session.flush();
      await new Promise((resolve) => void setImmediate(resolve));
      const newsNs = eachPeer === undefined ? Infinity : clock.nowNs + SECOND;
      const dueNs = Math.max(Math.min(session.dueNs(clock.nowNs), newsNs), clock.nowNs + 1e6);
      if (dueNs > untilNs) break;
      clock.advance(dueNs - clock.nowNs);
    }
    clock.advance(untilNs - clock.nowNs);
  };
  return { session, clock, peers, downs, runFor };
}

for (const framing of FRAMINGS) {
  test(`${framing}: who says nothing is no exchange, and the session ends at its time`, async () => {
    const { session, runFor, peers } = rig(framing, MAX_NS);
    await runFor(MAX_NS - 1);
    assert.ok(session.state === SessionState.LoggingIn || session.state === SessionState.CatchingUp);
    await runFor(1);
    await runFor(1);
    assert.equal(session.state, SessionState.Ended);
    assert.equal(session.reason, 'it said nothing within 10 s');
    assert.equal(session.entry.heard, false);
    assert.equal(session.dueNs(0), Infinity, 'nothing is left to be polled for');
    assert.deepEqual(peers.map(({ open }) => open), [false]);
  });

  test(`${framing}: who says what no exchange says is none, at once`, () => {
    const { session, clock, peers, downs } = rig(framing, MAX_NS);
    peers[0].say(HTTP);
    session.poll(clock.nowNs);
    assert.equal(session.state, SessionState.Ended);
    assert.match(session.reason, /expected .*, was .*\(it began with "HTTP\/1\.1 400 Bad Request"\)/);
    assert.deepEqual(downs, [session.reason]);
  });

  test(`${framing}: without a time for the first answer it goes on trying`, async () => {
    const { session, runFor, peers } = rig(framing);
    await runFor(60 * SECOND, (peer) => peer.say(HTTP));
    assert.notEqual(session.state, SessionState.Ended);
    assert.ok(peers.length > 5, `${peers.length} connections`);
  });
}

test('who closes each connection without a word is none in the end', async () => {
  const { session, runFor, peers } = rig(Framing.Soup, MAX_NS);
  await runFor(MAX_NS / 2, (peer) => peer.close());
  assert.notEqual(session.state, SessionState.Ended);
  await runFor(2 * MAX_NS, (peer) => peer.close());
  assert.equal(session.state, SessionState.Ended);
  assert.equal(session.reason, 'the exchange closed the connection');
  assert.ok(peers.length > 3);
});

test('bytes that are no text are shown as such', () => {
  const { session, clock, peers } = rig(Framing.Bare, MAX_NS);
  peers[0].say(Uint8Array.from([0xff, 0x00, 0x0a, 0x41]));
  session.poll(clock.nowNs);
  assert.match(session.reason, /\(it began with bytes ff 00 0a 41\)/);
});

// One that is heard may be long about the log-in, or damaged later: that is trouble with an exchange, and it comes back.
test('an exchange that was heard is one for good', async () => {
  const { session, clock, peers, runFor } = rig(Framing.Soup, MAX_NS);
  await runFor(3 * MAX_NS, (peer) => peer.say(HEARTBEAT));
  assert.notEqual(session.state, SessionState.Ended);
  peers[peers.length - 1].say(HTTP);
  session.poll(clock.nowNs);
  assert.equal(session.state, SessionState.Down);
  assert.doesNotMatch(session.reason, /began with/);
  await runFor(3 * MAX_NS);
  assert.notEqual(session.state, SessionState.Ended);
});
