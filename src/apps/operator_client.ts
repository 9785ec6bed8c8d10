// The other end of an operator's channel: says one line to a running process and has its answer. For `outcry ctl` and the
// dashboard.
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeNetwork } from '../net/node_network.ts';
import { CLOSED, type Network } from '../net/transport.ts';
import { type OperatorAddress, operatorFile, readOperatorFile, traderFile } from './operator_file.ts';

const ANSWER_MS = 5_000;
const LOOK_MS = 2;
/** An answer about 4,096 sessions has some 600 KB. */
const ANSWER_BYTES_MAX = 4 << 20;
const ROOM_BYTES = 64 << 10;
export const TOKEN_VARIABLE = 'HFT_EXCHANGE_OPERATOR_TOKEN';

export interface OperatorPlace {
  readonly host: string;
  readonly port: number;
  readonly token: string;
  /** Who listens there, for people. */
  readonly who: string;
}

/** An answer of operator.ts. */
export interface Answer {
  readonly ok: boolean;
  readonly error?: string;
  readonly result?: unknown;
}

/** The channel of the exchange of this user with that order port; throws what is missing. */
export function exchangePlace(orderPort: number): OperatorPlace {
  const what = `no exchange of this user on port ${orderPort}`;
  const file = placeIn(operatorFile(orderPort), what, ' (another port: --port; another user: --operator-port)');
  const known = process.env[TOKEN_VARIABLE] ?? '';
  const token = known === '' ? file.token : known;
  if (token === '')
    throw new Error(`the exchange's token was configured: expected it in ${TOKEN_VARIABLE}`);
  return { ...file, token, who: 'the exchange' };
}

/** The channel of this user's trader that is `client` on the exchange with that order port; throws what is missing. */
export function traderPlace(orderPort: number, client: number): OperatorPlace {
  const what = `no trader of this user is client ${client} on port ${orderPort}`;
  return { ...placeIn(traderFile(orderPort, client), what, " (another exchange's: --port)"), who: 'the trader' };
}

function placeIn(path: string, what: string, more: string): OperatorAddress {
  try {
    return readOperatorFile(path);
  } catch (error) {
    throw new Error(`${what}: expected ${path}, which it keeps while it runs${more}`, { cause: error });
  }
}

/** Says a command; its answer, done or refused. Rejects where nobody answers. */
export async function askOperator({ host, port, token, who }: OperatorPlace, asked: object): Promise<Answer> {
  return JSON.parse(await say(host, port, JSON.stringify({ token, ...asked }), who)) as Answer;
}

/** Says a line and returns the line that answers it. */
async function say(host: string, port: number, line: string, who: string): Promise<string> {
  const network: Network = new NodeNetwork();
  try {
    const connection = await network.connect({ host, port });
    const said = Buffer.from(`${line}\n`);
    connection.send(said, 0, said.length);
    let bytes = Buffer.alloc(ROOM_BYTES);
    let length = 0;
    const endMs = performance.now() + ANSWER_MS;
    while (performance.now() < endMs && length < ANSWER_BYTES_MAX) {
      network.poll();
      if (length === bytes.length) bytes = Buffer.concat([bytes], bytes.length * 2);
      const received = connection.receive(bytes, length, bytes.length - length);
      if (received === CLOSED) throw new Error(`${who} ended the connection without an answer`);
      length += received;
      const end = bytes.subarray(0, length).indexOf(0x0a);
      if (end >= 0) return bytes.toString('utf8', 0, end);
      if (received === 0) await sleep(LOOK_MS);
    }
    throw new Error(`${who} did not answer within ${ANSWER_MS / 1000} s`);
  } finally {
    network.close();
  }
}
