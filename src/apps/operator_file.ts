// How `outcry ctl` and the dashboard find the operator channel of an exchange, and the control channel of a trader, and
// are known there: a file of the user who runs it, that nobody else can read.
//
//   <runtime folder>/outcry-<user>/exchange-<order port>.json            {"host":…,"port":…,"token":…,"pid":…}
//   <runtime folder>/outcry-<user>/trader-<order port>-<client>.json     the same; the port is that of its exchange
//
// The folder is made 0700 and must be the user's own; the file is made anew, 0600, never through a link,
// before the exchange says that it runs, and is removed when it ends. One that a crash has left leads nowhere, and
// goes with the next start of an exchange or a trader. A token that was configured is not written: whoever has it
// gives it to `ctl` too.
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { processExists } from '../observe/shared_stats.ts';
import type { Exchange } from '../exchange/exchange.ts';

/** 192 bits. */
const TOKEN_BYTES = 24;
const OTHERS = 0o077;

export interface OperatorAddress {
  readonly host: string;
  readonly port: number;
  /** '': it was configured, and is not written down. */
  readonly token: string;
  readonly pid: number;
}

/** Letters, digits, - and _. */
export function newToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
  return Buffer.from(bytes).toString('base64url');
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the file of an exchange with this order port stands. */
export function operatorFile(orderPort: number, environment: Environment = process.env): string {
  return join(operatorFolder(environment), `exchange-${orderPort}.json`);
}

/** Where the file of the trader stands that is this client on the exchange with this order port. */
export function traderFile(orderPort: number, client: number, environment: Environment = process.env): string {
  return join(operatorFolder(environment), `trader-${orderPort}-${client}.json`);
}

function operatorFolder(environment: Environment): string {
  const runtime = environment['XDG_RUNTIME_DIR'];
  const base = runtime !== undefined && existsSync(runtime) ? runtime : tmpdir();
  return join(base, `outcry-${userInfo().username}`);
}

/** Writes the file; throws where that cannot be done safely. */
export function writeOperatorFile(path: string, address: OperatorAddress): void {
  const folder = join(path, '..');
  makeFolder(folder);
  const stats = lstatSync(folder);
  if (!stats.isDirectory()) throw new Error(`${folder}: expected a folder`);
  // On Windows there are neither; a user's temporary folder is the user's own there.
  if (process.getuid !== undefined && stats.uid !== process.getuid())
    throw new Error(`${folder}: expected a folder of this user, was one of user ${stats.uid}`);
  if (process.platform !== 'win32' && (stats.mode & OTHERS) !== 0)
    throw new Error(`${folder}: expected mode 0700, was 0${(stats.mode & 0o777).toString(8)}`);
  removeLeftFiles(folder);
  rmSync(path, { force: true });
  writeFileSync(path, `${JSON.stringify(address)}\n`, { flag: 'wx', mode: 0o600 });
}

/** Those of processes that were killed. What is being written, or is nobody's known, stays. */
function removeLeftFiles(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    try {
      if (/^(?:exchange|trader)-.*\.json$/.test(name) && !processExists(readOperatorFile(path).pid)) rmSync(path, { force: true });
    } catch {
      // It has gone meanwhile, or is none of ours.
    }
  }
}

/**
 * The one folder: that of the runtime is there, or whoever named it has to make it. Not by Node's `recursive`, which never
 * returns where a file system answers ENOENT although the folder above is there, as /proc does.
 */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return; // what it is comes next
    throw new Error(
      `${folder}: cannot be made (${code}): expected a folder above it that is there and may be written to; ` +
        'XDG_RUNTIME_DIR names another',
      { cause: error },
    );
  }
}

/**
 * Leaves the address of a running exchange's channel, where it has one; `note` is told why that was not possible.
 * `ownToken`: it was made by this process, and is written down.
 */
export function leaveOperatorFile(
  { operator, ports, config }: Pick<Exchange, 'operator' | 'ports' | 'config'>, ownToken: boolean, note: (line: string) => void,
): { remove(): void } {
  if (operator === null) return { remove: () => {} };
  const path = operatorFile(ports[0]);
  const token = ownToken ? config.operator.token : '';
  try {
    writeOperatorFile(path, { host: operator.host, port: operator.port, token, pid: process.pid });
  } catch (error) {
    note(`outcry ctl cannot reach this exchange: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { remove: () => removeOperatorFile(path) };
}

/** Removes the file, if it is still the one of this process. */
export function removeOperatorFile(path: string): void {
  try {
    if (readOperatorFile(path).pid === process.pid) rmSync(path, { force: true });
  } catch {
    // It has gone, or somebody else's stands there: nothing of ours to remove.
  }
}

export function readOperatorFile(path: string): OperatorAddress {
  const fields = JSON.parse(readFileSync(path, 'utf8')) as Partial<OperatorAddress> | null;
  if (typeof fields?.host !== 'string' || typeof fields.port !== 'number')
    throw new Error(`${path}: expected host and port of an operator channel`);
  return { host: fields.host, port: fields.port, token: fields.token ?? '', pid: fields.pid ?? 0 };
}
