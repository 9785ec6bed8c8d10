// Who may log in with which key: a file of the user who runs the exchange, or the trader, that nobody
// else can read.
//
//   # key id   user   client   secret, 64 hexadecimal digits
//   ALPHA-1    ALPHA  7        5f0c…
//
// One line a key; a user may have several, so that one can be replaced while the other still opens. An
// exchange takes the file as it is; a trader gets a file with its own line alone. A secret is never
// printed, nor repeated in an error.
//
// Limits: KEYS_MAX lines. The file must be the user's own and 0600, as ssh asks of its keys; on Windows
// there are neither.
import { appendFileSync, closeSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { KEY_ID_CHARS_MAX } from '../wire/framing/signed_login.ts';
import type { AccountConfig } from '../exchange/config.ts';
import { fillRandom, SECRET_BYTES } from '../net/signing.ts';

/** Two for each account that an exchange knows by default. */
const KEYS_MAX = 8_192;
const OTHERS = 0o077;
const CLIENT_MAX = 0xffff_fffe;
const KEY_ID = new RegExp(`^[\\x21-\\x7e]{1,${KEY_ID_CHARS_MAX}}$`);
const USER = /^[\x21-\x7e]{1,6}$/;
const SECRET = new RegExp(`^[0-9a-f]{${SECRET_BYTES * 2}}$`);
const HEADING = '# key id, user, client, secret: whoever reads this can trade as that user\n';

export interface Credential {
  readonly keyId: string;
  readonly user: string;
  readonly client: number;
  readonly secret: Uint8Array;
}

/** The file cannot be used; says why, and what to do. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError';
}

/** Every key of the file. A CredentialsError when it is not there, not private, or not well-formed. */
export function readCredentials(path: string): Credential[] {
  const text = privateText(path);
  const credentials: Credential[] = [];
  const faults: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const credential = credentialOf(line);
    if (typeof credential === 'string') faults.push(`${path}:${index + 1}: ${credential}`);
    else credentials.push(credential);
  }
  if (faults.length > 0) throw new CredentialsError(faults.join('\n'));
  const fault = contradictionOf(credentials);
  if (fault !== '') throw new CredentialsError(`${path}: ${fault}`);
  return credentials;
}

/** Writes a new key behind those of the file, which is made when it is not there. Returns it. */
export function addCredential(path: string, user: string, client: number, keyId: string | null): Credential {
  const known = exists(path) ? readCredentials(path) : null;
  const secret = new Uint8Array(SECRET_BYTES);
  fillRandom(secret);
  const made = { keyId: keyId ?? freeKeyId(known ?? [], user), user, client, secret };
  const line = lineOf(made);
  const wrong = credentialOf(line);
  if (typeof wrong === 'string') throw new CredentialsError(wrong);
  const fault = contradictionOf([...(known ?? []), made]);
  if (fault !== '') throw new CredentialsError(`${path}: ${fault}`);
  if (known === null) writeFileSync(path, HEADING + line, { flag: 'wx', mode: 0o600 });
  else appendFileSync(path, line);
  return made;
}

/**
 * The accounts with their keys: users of the file that the configuration does not name are accounts
 * too. A CredentialsError where both name a user, but not the same client.
 */
export function withKeys(
  accounts: readonly AccountConfig[],
  credentials: readonly Credential[],
): AccountConfig[] {
  const users = new Map<string, AccountConfig>();
  for (const account of accounts) users.set(account.user, account);
  for (const { user, client, keyId, secret } of credentials) {
    const account = users.get(user) ?? { user, password: '', client, owner: null, cancelOnDisconnect: true };
    if (account.client !== client) {
      throw new CredentialsError(
        `user ${user}: expected client ${account.client}, as in exchange.accounts, was ${client}`,
      );
    }
    users.set(user, { ...account, keys: [...(account.keys ?? []), { id: keyId, secret }] });
  }
  return [...users.values()];
}

function lineOf({ keyId, user, client, secret }: Credential): string {
  return `${keyId} ${user} ${client} ${Buffer.from(secret).toString('hex')}\n`;
}

/** What stands in a line, or what is wrong with it. */
function credentialOf(line: string): Credential | string {
  const words = line.trim().split(/\s+/);
  if (words.length !== 4) return `expected key id, user, client and secret, was ${words.length} words`;
  const [keyId, user, number, digits] = words;
  if (!KEY_ID.test(keyId)) return `key id: expected 1 to ${KEY_ID_CHARS_MAX} printable ASCII characters, was "${keyId}"`;
  if (!USER.test(user)) return `user: expected 1 to 6 printable ASCII characters, was "${user}"`;
  const client = /^\d{1,10}$/.test(number) ? Number(number) : NaN;
  if (!(client <= CLIENT_MAX)) return `client: expected a whole number 0 to ${CLIENT_MAX}, was "${number}"`;
  if (!SECRET.test(digits)) return `secret: expected ${SECRET_BYTES * 2} hexadecimal digits, was something else`;
  return { keyId, user, client, secret: new Uint8Array(Buffer.from(digits, 'hex')) };
}

/** Key ids differ; a user is one client and a client one user. '' when all is well. */
function contradictionOf(credentials: readonly Credential[]): string {
  if (credentials.length > KEYS_MAX) return `expected at most ${KEYS_MAX} keys, was ${credentials.length}`;
  const ids = new Set<string>();
  const clients = new Map<string, number>();
  const users = new Map<number, string>();
  for (const { keyId, user, client } of credentials) {
    if (ids.has(keyId)) return `key ${keyId}: expected ids that differ, was there twice`;
    ids.add(keyId);
    const before = clients.get(user) ?? client;
    if (before !== client) return `user ${user}: expected client ${before}, as before, was ${client}`;
    const owner = users.get(client) ?? user;
    if (owner !== user) return `client ${client}: expected user ${owner}, as before, was ${user}`;
    clients.set(user, client);
    users.set(client, user);
  }
  return '';
}

/** The user with a number behind. */
function freeKeyId(known: readonly Credential[], user: string): string {
  const taken = new Set(known.map(({ keyId }) => keyId));
  for (let number = 1; ; number++) {
    const keyId = `${user}-${number}`.slice(-KEY_ID_CHARS_MAX);
    if (!taken.has(keyId)) return keyId;
  }
}

function exists(path: string): boolean {
  try {
    closeSync(openSync(path, 'r'));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw new CredentialsError(`${path}: ${(error as Error).message}`);
  }
}

/** The text of a file that is nobody else's business; looked at and read through one handle. */
function privateText(path: string): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const remedy = code === 'ENOENT' ? `: outcry key new ${path} --user NAME --client ID makes it` : '';
    throw new CredentialsError(`${path}: cannot be read (${code})${remedy}`);
  }
  try {
    const { mode, uid } = checkedFile(path, file);
    if (process.getuid !== undefined && uid !== process.getuid())
      throw new CredentialsError(`${path}: expected a file of this user, was one of user ${uid}`);
    if (process.platform !== 'win32' && (mode & OTHERS) !== 0) {
      const was = (mode & 0o777).toString(8).padStart(4, '0');
      throw new CredentialsError(`${path}: expected mode 0600 (chmod 600 ${path}), was ${was}`);
    }
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

function checkedFile(path: string, file: number): { mode: number; uid: number } {
  const stats = fstatSync(file);
  if (!stats.isFile()) throw new CredentialsError(`${path}: expected a file`);
  return stats;
}
