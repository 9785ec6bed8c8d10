// A session whose peer is on another machine: what it may do before it has shown who it is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hmacSha256 } from '../net/signing.ts';
import { signedText } from '../wire/framing/signed_login.ts';
import { JsonRig } from '../../test/json/json_rig.ts';
import { LoginCheck, type LoginKey } from './login.ts';
import { Timestamps } from './lines.ts';
import { JsonSession } from './session.ts';
import type { Peer } from './peer.ts';

const KEY: LoginKey = { keyId: 'ALPHA-1', user: 'ALPHA', client: 7, secret: new Uint8Array(32).fill(5) };
const NOW_MS = 1_700_000_000_000;
const SECURITY = { hmacSha256, fillRandom: (bytes: Uint8Array) => bytes.fill(9), wallClockMs: () => NOW_MS };

class FarPeer implements Peer {
  readonly name = '10.0.0.9:4000';
  readonly host = '10.0.0.9';
  readonly probes = false;
  readonly unreadBytes = 0;
  readonly events: Record<string, unknown>[] = [];
  closed = false;

  send(line: string): void {
    this.events.push(JSON.parse(line) as Record<string, unknown>);
  }

  probe(): void {}

  close(): void {
    this.closed = true;
  }
}

test('from another machine: no market, no password, no order; a signature of the challenge it was given', async () => {
  const rig = await JsonRig.open({
    security: SECURITY,
    config: { accounts: [{ user: 'ALPHA', password: '', client: 7, owner: null, cancelOnDisconnect: true, keys: [{ id: 'ALPHA-1', secret: KEY.secret }] }] },
  });
  try {
    const peer = new FarPeer();
    const session = new JsonSession(peer, {
      clock: rig.clock, instruments: rig.instruments, market: rig.gateway.market, timestamps: new Timestamps(),
      logins: new LoginCheck([KEY], SECURITY), connect: () => rig.connectToExchange(), onExternal: () => {}, connections: () => 1,
    }, rig.clock.nowNs);
    const say = (request: object): Record<string, unknown> => {
      const bytes = Buffer.from(JSON.stringify(request));
      session.onLine(bytes, 0, bytes.length, rig.clock.nowNs);
      return peer.events[peer.events.length - 1];
    };
    const { challenge } = peer.events[0];
    assert.equal(challenge, '09'.repeat(16));
    for (const request of [
      { op: 'subscribe', channels: ['trades'] }, { op: 'depth', symbol: 'T1' }, { op: 'login', client: 7, user: 'ALPHA', password: 'x' },
      { op: 'cancel', id: 1, symbol: 'T1' },
    ]) assert.deepEqual([say(request)['event'], say(request)['reason']], ['rejected', 21], JSON.stringify(request));
    assert.ok(!peer.closed, 'it has five seconds');
    const signature = hmacSha256(KEY.secret, signedText(Uint8Array.fromHex(challenge), 'ALPHA', NOW_MS, 0)).toHex();
    say({ op: 'login', client: 7, user: 'ALPHA', key: 'ALPHA-1', time: NOW_MS, signature: `${signature.slice(0, -2)}00` });
    assert.equal(peer.events.at(-1)?.['text'], 'not authorised');
    say({ op: 'login', client: 7, user: 'ALPHA', key: 'ALPHA-1', time: NOW_MS, signature });
    for (let turns = 0; turns < 200 && session.ended === '' && !peer.events.some(({ event }) => event === 'session'); turns++) {
      session.poll(rig.clock.nowNs);
      await rig.turn();
    }
    assert.equal(peer.events.find(({ event }) => event === 'session')?.['state'], 'ready', JSON.stringify(peer.events));
    assert.equal(say({ op: 'subscribe', channels: ['trades'] })['event'], 'market');
    session.close('the end');
  } finally {
    rig.close();
  }
});
