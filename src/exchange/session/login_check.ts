// Whether a log-in on `soup` is whose it says: by a signature (wire/framing/signed_login.ts), or where
// that is allowed by a password.
//
//   signature   anywhere; its key is one of the user's, its time near ours, its nonce this connection's
//   password    on loopback, or where the exchange was told to be insecure: it travels as it is
//
// Whatever is wrong, the client hears "not authorised" and nothing else; the reason is for the
// exchange's own people. Every way through compares as many bytes, also where user or key are unknown,
// so the time tells nobody which users there are.
//
// Cold: once a connection, some 10 µs. Randomness, hash and wall clock are handed in; nothing of them
// reaches the journal, which is told of log-ins that were accepted.
import { assert } from '../../base/assert.ts';
import { sameBytes, sameText } from '../../base/constant_time.ts';
import {
  type Hmac,
  type LoginProof,
  NONCE_BYTES,
  SIGNATURE_AGE_MAX_MS,
  SIGNATURE_BYTES,
  signedText,
} from '../../wire/framing/signed_login.ts';
import type { SoupLogin } from '../../wire/framing/soup.ts';
import type { AccountConfig, LoginKey } from '../config.ts';

/** What signed log-ins need of the outside. */
export interface LoginSecurity {
  readonly hmacSha256: Hmac;
  /** Fills it with bytes that nobody can foretell. */
  readonly fillRandom: (bytes: Uint8Array) => void;
  readonly wallClockMs: () => number;
}

const PASSWORD_CHARS = 10;
/** Compared with where there is no key, so that it takes as long. */
const NO_KEY: LoginKey = { id: '', secret: new Uint8Array(SIGNATURE_BYTES) };

/** One connection's challenge and what came back. */
export interface LoginState {
  /** null: it was not challenged. */
  nonce: Uint8Array | null;
  /** null: it has not signed. */
  proof: LoginProof | null;
}

export class LoginCheck {
  readonly #security: LoginSecurity | null;

  constructor(accounts: readonly AccountConfig[], security: LoginSecurity | null) {
    this.signs = accounts.some(({ keys }) => keys !== undefined && keys.length > 0);
    assert(security !== null || !this.signs, 'where there are keys there is a hash');
    this.#security = security;
  }

  /** Some account has a key: connections are challenged. */
  readonly signs: boolean;

  nonce(): Uint8Array {
    assert(this.#security !== null, 'challenged is where there are keys');
    const nonce = new Uint8Array(NONCE_BYTES);
    this.#security.fillRandom(nonce);
    return nonce;
  }

  /** '' when the log-in is proven to be that account's; else what was expected and what came. */
  faultOf(
    login: SoupLogin,
    account: AccountConfig | undefined,
    state: LoginState,
    passwordsAllowed: boolean,
  ): string {
    const { nonce, proof } = state;
    if (proof !== null && nonce !== null) return this.#signatureFault(login, account, nonce, proof);
    const password = account?.password ?? '';
    // Compared also where the user is unknown, so that both take as long.
    const same = samePassword(login.password, password);
    if (account === undefined) return 'no such user';
    if (password === '') return 'expected a signature, was none';
    if (!passwordsAllowed) return 'expected a signature, was a password from beyond loopback';
    return same ? '' : 'the password is another';
  }

  #signatureFault(
    login: SoupLogin,
    account: AccountConfig | undefined,
    nonce: Uint8Array,
    proof: LoginProof,
  ): string {
    assert(this.#security !== null, 'a connection that was challenged had a nonce');
    const key = account?.keys?.find(({ id }) => id === proof.keyId);
    const ageMs = this.#security.wallClockMs() - proof.timeMs;
    const timely = Math.abs(ageMs) <= SIGNATURE_AGE_MAX_MS;
    const text = signedText(nonce, login.user, timely ? proof.timeMs : 0, login.nextSequence);
    const expected = this.#security.hmacSha256((key ?? NO_KEY).secret, text);
    const same = sameBytes(expected, proof.signature);
    if (account === undefined) return 'no such user';
    if (key === undefined) return 'the key is none of that user';
    if (!timely) {
      const seconds = (ageMs / 1000).toFixed(1);
      return `signed at its time: expected within ${SIGNATURE_AGE_MAX_MS / 1000} s of ours, was ${seconds} s before`;
    }
    return same ? '' : 'the signature is not that of the key';
  }
}

/** Log-in fields are padded with spaces, so lengths tell nothing. */
function samePassword(a: string, b: string): boolean {
  return sameText(a.padEnd(PASSWORD_CHARS), b.padEnd(PASSWORD_CHARS));
}
