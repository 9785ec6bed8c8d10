// What a signed log-in needs of the outside: hash, randomness and the wall clock. The protocol's own
// bytes are in wire/framing/signed_login.ts, which knows none of these.
import { createHmac, randomFillSync } from 'node:crypto';
import { wallClockMs } from '../base/clock.ts';

/** Of a key: as long as what SHA-256 gives, so that no key is weaker than the hash. */
export const SECRET_BYTES = 32;

/** HMAC-SHA256: 32 bytes. */
export function hmacSha256(key: Uint8Array, text: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', key).update(text).digest());
}

export function fillRandom(bytes: Uint8Array): void {
  randomFillSync(bytes);
}

/** For an exchange whose accounts have keys. */
export const LOGIN_SECURITY = { hmacSha256, fillRandom, wallClockMs };

/** What a client's order entry signs with. */
export function loginSigner(
  keyId: string,
  secret: Uint8Array,
): { keyId: string; sign(text: Uint8Array): Uint8Array; wallClockMs(): number } {
  return { keyId, sign: (text) => hmacSha256(secret, text), wallClockMs };
}
