// Who a JSON client is: a signature over this connection's challenge, with a key that the gateway knows too, or what the
// exchange itself makes of client id, user and password.
//
//   gateway ─► client    {"event":"hello",…,"challenge":"…"}            16 random bytes, for this connection alone
//   client ─► gateway    {"op":"login",…,"key":…,"time":…,"signature":…} HMAC-SHA256(secret, challenge · user · time · next)
//   gateway ─► exchange  a log-in of its own, signed with the same key
//
// The text that is signed is that of the exchange's protocol (wire/framing/signed_login.ts). A client from another
// machine gets in by a signature alone: a password would travel as it is. What was refused is not said to the client in
// more words than the exchange uses.
import { sameBytes } from '../base/constant_time.ts';
import { NONCE_BYTES, SIGNATURE_AGE_MAX_MS, signedText } from '../wire/framing/signed_login.ts';
import type { Hmac } from '../wire/framing/signed_login.ts';
import type { LoginSigner, OrderEntryOptions } from '../trader/order_entry.ts';
import { Refusal } from './fields.ts';
import { Reason } from '../book/types.ts';
import type { LoginRequest } from './requests.ts';

/** A key that log-ins are signed with. */
export interface LoginKey {
  readonly keyId: string;
  readonly user: string;
  readonly client: number;
  readonly secret: Uint8Array;
}

/** What log-ins need of the outside. */
export interface LoginSecurity {
  readonly hmacSha256: Hmac;
  readonly fillRandom: (bytes: Uint8Array) => void;
  readonly wallClockMs: () => number;
}

/** Compared with where there is no key, so that it takes as long. */
const NO_KEY: LoginKey = { keyId: '', user: '', client: 0, secret: new Uint8Array(32) };

export class LoginCheck {
  readonly #keys: ReadonlyMap<string, LoginKey>;
  readonly #security: LoginSecurity;

  constructor(keys: readonly LoginKey[], security: LoginSecurity) {
    this.#keys = new Map(keys.map((key) => [key.keyId, key]));
    this.#security = security;
  }

  nonce(): Uint8Array {
    const nonce = new Uint8Array(NONCE_BYTES);
    this.#security.fillRandom(nonce);
    return nonce;
  }

  /** How the gateway logs in for that client. Throws a Refusal where it does not. */
  entryOf(login: LoginRequest, nonce: Uint8Array, onThisMachine: boolean): OrderEntryOptions {
    const { client, user, password, session, next } = login;
    const common = { client, session, nextSequence: next };
    if (login.proof !== null) {
      const signer = this.#signerOf(login, login.proof, nonce);
      if (signer === null) throw new Refusal(Reason.NotLoggedIn, NOT_AUTHORISED);
      return { ...common, account: user ?? String(client), signer };
    }
    if (!onThisMachine) {
      throw new Refusal(Reason.NotLoggedIn, `${NOT_AUTHORISED}: expected key, time and signature from another machine`);
    }
    return {
      ...common, ...(user === undefined ? {} : { account: user }), ...(password === undefined ? {} : { password }),
    };
  }

  /** null: it is not proven. */
  #signerOf(
    { client, user = String(client), next }: LoginRequest, proof: NonNullable<LoginRequest['proof']>, nonce: Uint8Array,
  ): LoginSigner | null {
    const { hmacSha256, wallClockMs } = this.#security;
    const key = this.#keys.get(proof.keyId) ?? NO_KEY;
    const expected = hmacSha256(key.secret, signedText(nonce, user, proof.timeMs, next));
    const same = sameBytes(expected, proof.signature);
    const timely = Math.abs(wallClockMs() - proof.timeMs) <= SIGNATURE_AGE_MAX_MS;
    if (!same || !timely || key === NO_KEY || key.user !== user || key.client !== client) return null;
    return { keyId: key.keyId, sign: (text) => hmacSha256(key.secret, text), wallClockMs };
  }
}

const NOT_AUTHORISED = 'not authorised';
