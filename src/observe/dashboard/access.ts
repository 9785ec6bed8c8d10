// Who may look and who may command: the checks of every request, without input or output of their own.
//
//   Host ─► a name of this machine?  no: 403      a page of somebody else's name that leads here (DNS rebinding)
//   Origin ─► that same host?        no: 403      a page of somebody else's that speaks to us from a browser
//   Authorization ─► the token?      no: 403, and 429 for whoever keeps on guessing
//
// A browser sends Origin with every POST and every WebSocket upgrade, so a missing one is not a page; it may look, and
// needs the token to command as everybody does. The right token is never kept out by wrong ones before it: nobody can shut an
// operator out by guessing, and 192 bits are not guessed.
//
// Cost: constant for a request. Limits: ADDRESSES_MAX addresses are remembered, the one that was heard longest ago is forgotten.
import { createHash, timingSafeEqual } from 'node:crypto';

const ADDRESSES_MAX = 1_024;
/** Of a host header. */
const HOST_CHARACTERS_MAX = 255;

/** What every answer carries; a page that shares memory with its workers needs the last three. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  // The books' core is WebAssembly; 'wasm-unsafe-eval' lets it be compiled, and no text become a script.
  'content-security-policy': "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
};

/** Names that lead to this machine alone. */
export const LOOPBACK_NAMES: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

export const Verdict = { Fine: 0, Missing: 1, Wrong: 2, TooMany: 3 } as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

export interface AccessOptions {
  /** Host names by which pages may ask, without ports. */
  readonly hosts: readonly string[];
  /** '': nobody can command. */
  readonly token: string;
}

export class Access {
  readonly #hosts: ReadonlySet<string>;
  readonly #tokenHash: Uint8Array | null;
  /** A wrong token a second and twenty at once: a person who pastes it wrongly never meets this. */
  readonly #wrongTokens = new AddressRates(20, 1);

  constructor({ hosts, token }: AccessOptions) {
    this.#hosts = new Set(hosts.map((host) => host.toLowerCase()));
    this.#tokenHash = token === '' ? null : hashOf(token);
  }

  /** There is a token, so there are commands. */
  get commands(): boolean {
    return this.#tokenHash !== null;
  }

  /** Whatever the port: a tunnel may lead here from another one. */
  mayAsk(host: string | undefined): boolean {
    if (host === undefined || host.length > HOST_CHARACTERS_MAX) return false;
    const [, name = ''] = /^(\[[0-9a-f:.]+\]|[^:[\]/@\s]+)(?::\d{1,5})?$/i.exec(host) ?? [];
    return this.#hosts.has(name.toLowerCase());
  }

  /** `host` has passed `mayAsk`. */
  isOwnPage(origin: string | undefined, host: string | undefined): boolean {
    if (origin === undefined) return true;
    return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
  }

  /** Of an Authorization header from `address`. */
  judge(authorization: string | undefined, address: string, nowMs: number): Verdict {
    if (this.#tokenHash === null) return Verdict.Wrong;
    const [, token] = /^Bearer ([\w.~+/-]{1,256}=*)$/i.exec(authorization ?? '') ?? [];
    if (token === undefined) return Verdict.Missing;
    // Of hashes, so that neither length nor content shows in the time.
    if (timingSafeEqual(hashOf(token), this.#tokenHash)) return Verdict.Fine;
    return this.#wrongTokens.take(address, nowMs) ? Verdict.Wrong : Verdict.TooMany;
  }
}

function hashOf(token: string): Uint8Array {
  return createHash('sha256').update(token).digest();
}

/** A bucket of permissions for each address: so many at once, and so many a second after that. */
export class AddressRates {
  readonly #atOnce: number;
  readonly #perMs: number;
  readonly #buckets = new Map<string, { left: number; atMs: number }>();

  constructor(atOnce: number, perSecond: number) {
    this.#atOnce = atOnce;
    this.#perMs = perSecond / 1_000;
  }

  /** False: too often. */
  take(address: string, nowMs: number): boolean {
    const bucket = this.#buckets.get(address) ?? { left: this.#atOnce, atMs: nowMs };
    bucket.left = Math.min(this.#atOnce, bucket.left + (nowMs - bucket.atMs) * this.#perMs);
    bucket.atMs = nowMs;
    // Behind the others: the first is the one that was heard longest ago.
    this.#buckets.delete(address);
    this.#buckets.set(address, bucket);
    if (this.#buckets.size > ADDRESSES_MAX) this.#buckets.delete(this.#buckets.keys().next().value ?? '');
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
  }

  /** Addresses remembered. */
  get size(): number {
    return this.#buckets.size;
  }
}
