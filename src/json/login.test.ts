import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hmacSha256 } from '../net/signing.ts';
import { SIGNATURE_AGE_MAX_MS, signedText } from '../wire/framing/signed_login.ts';
import { Refusal } from './fields.ts';
import { LoginCheck, type LoginKey } from './login.ts';
import type { LoginRequest } from './requests.ts';

const NOW_MS = 1_700_000_000_000;
const KEY: LoginKey = { keyId: 'ALPHA-1', user: 'ALPHA', client: 7, secret: new Uint8Array(32).fill(5) };
const OTHER: LoginKey = { keyId: 'BETA-1', user: 'BETA', client: 8, secret: new Uint8Array(32).fill(6) };
const NONCE = new Uint8Array(16).fill(9);

function check(): LoginCheck {
  return new LoginCheck([KEY, OTHER], { hmacSha256, fillRandom: (bytes) => bytes.fill(9), wallClockMs: () => NOW_MS });
}

function signed(changes: Partial<LoginRequest> = {}, key = KEY, timeMs = NOW_MS, nonce = NONCE): LoginRequest {
  const login = { client: 7, user: 'ALPHA', password: undefined, session: '', next: 3, proof: null };
  const signature = hmacSha256(key.secret, signedText(nonce, login.user, timeMs, login.next));
  return { ...login, proof: { keyId: key.keyId, timeMs, signature }, ...changes };
}

function refused(login: LoginRequest, onThisMachine = false): void {
  assert.throws(() => check().entryOf(login, NONCE, onThisMachine), (error) => error instanceof Refusal && error.message === 'not authorised');
}

test('a signature over this connection\'s challenge opens, from anywhere, and the gateway signs with the same key', () => {
  const entry = check().entryOf(signed(), NONCE, false);
  assert.deepEqual([entry.client, entry.account, entry.nextSequence, entry.signer?.keyId], [7, 'ALPHA', 3, 'ALPHA-1']);
  const text = new Uint8Array(38);
  assert.deepEqual(entry.signer?.sign(text), hmacSha256(KEY.secret, text));
  assert.deepEqual(check().nonce(), NONCE);
});

test('whatever differs from what was signed is refused, in the same two words', () => {
  const { proof } = signed();
  assert.ok(proof !== null);
  refused(signed({ next: 4 }));
  refused(signed({ user: 'BETA' }));
  refused(signed({ client: 8 }));
  refused(signed({}, OTHER));
  refused(signed({ proof: { ...proof, keyId: 'BETA-1' } }));
  refused(signed({ proof: { ...proof, keyId: 'NONE' } }));
  refused(signed({ proof: { ...proof, timeMs: NOW_MS + 1 } }));
  refused(signed({}, KEY, NOW_MS, new Uint8Array(16).fill(8)), true);
  for (const ageMs of [SIGNATURE_AGE_MAX_MS + 1, -SIGNATURE_AGE_MAX_MS - 1]) refused(signed({}, KEY, NOW_MS - ageMs));
  for (let bit = 0; bit < 256; bit += 37) {
    const signature = proof.signature.slice();
    signature[bit >> 3] ^= 1 << (bit & 7);
    refused(signed({ proof: { ...proof, signature } }));
  }
  refused(signed({ proof: { ...proof, signature: new Uint8Array(31) } }));
});

test('a password opens on this machine alone, where the exchange looks at it', () => {
  const login: LoginRequest = { client: 7, user: 'ALPHA', password: 'secret', session: 'S', next: 0, proof: null };
  assert.deepEqual(check().entryOf(login, NONCE, true), {
    client: 7, account: 'ALPHA', password: 'secret', session: 'S', nextSequence: 0,
  });
  assert.throws(() => check().entryOf(login, NONCE, false), /not authorised: expected key, time and signature from another machine/);
});
