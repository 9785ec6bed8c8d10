// A million market data messages as JSON: read in one thread, beside JSON.parse and beside C; and sent over TCP to another
// process that reads them.
//
//   {"symbol":"AAPL","price":187.25,"volume":500,"timestamp":1700000000000123456}     some 80 bytes a line
//
// What is read is added up, field by field, and must be what C and JSON.parse make of the same bytes. JSON.parse has its
// lines cut and decoded as we have them, and makes numbers of what we read exactly, so its sums are those of doubles.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { assert } from '../src/base/assert.ts';
import { chooseNetwork } from '../src/net/choose_network.ts';
import { CLOSED, type Network } from '../src/net/transport.ts';
import { ReceiveBuffer } from '../src/wire/framing/receive_buffer.ts';
import { type BenchContext, type Benchmark } from './context.ts';
import { heapUseOf } from './harness/heap.ts';
import { runAlone, runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';
import { type JsonAnswer, jsonMessages, JsonReader, type JsonTask } from './json_messages.ts';
import { pinTo } from './pin.ts';
import { JSON_SUMS, loadCJson } from './reference/c_json.ts';

const HOST = '127.0.0.1';
const MESSAGES = 1_000_000;
const MESSAGES_SMALL = 5_000;
const SENDER_CORE = 1;
const SEND_BYTES = 64 * 1024;
const QUOTED = '1.8 s Rust, 1.7 s C++';
const TRIED =
  'plain messages in one pass over their bytes, about a nanosecond a byte, nothing made of them but numbers; whatever is unusual goes to JSON.parse';
const NEWLINE = 0x0a;

/** Seconds that a million would take. */
function secondsOf(startMs: number, messages: number): number {
  return ((performance.now() - startMs) / 1e3) * (MESSAGES / messages);
}

/** All messages from one buffer; the sums. */
function readAll(buffer: ReceiveBuffer): JsonReader {
  buffer.start = 0;
  const reader = new JsonReader();
  reader.read(buffer);
  return reader;
}

/** The same by JSON.parse: count, volumes and prices, as doubles. */
function parseAll(bytes: Uint8Array): readonly number[] {
  const decoder = new TextDecoder();
  let [count, volumes, prices] = [0, 0, 0];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(NEWLINE, at);
    const message = JSON.parse(decoder.decode(bytes.subarray(at, end))) as { price: number | string; volume: number };
    volumes += message.volume;
    prices += Number(message.price);
    count++;
    at = end + 1;
  }
  return [count, volumes, prices];
}

async function parseRows(context: BenchContext): Promise<Row[]> {
  const count = context.small ? MESSAGES_SMALL : MESSAGES;
  context.progress(`json: ${formatCount(count)} messages read in one thread`);
  const bytes = jsonMessages(count);
  const buffer = new ReceiveBuffer(bytes.length, bytes.length);
  buffer.bytes.set(bytes);
  buffer.received(bytes.length);
  const expected = readAll(buffer);
  const { values } = expected.sums;
  assert(values[6] === count, 'every message was read');
  const ours = (): number => {
    const startMs = performance.now();
    const { sums, message } = readAll(buffer);
    const seconds = secondsOf(startMs, count);
    assert(sums.equals([...values]) && message.unusual === 0, 'each repetition reads the same');
    return seconds;
  };
  for (let i = 0; i < 3; i++) ours();
  const { bytes: heap } = await heapUseOf(() => void readAll(buffer));
  const parsed = parseAll(bytes);
  assert(parsed[0] === count && parsed[1] === values[2], 'JSON.parse reads the same count and volumes');
  const byParse = (): number => {
    const startMs = performance.now();
    const sums = parseAll(bytes);
    const seconds = secondsOf(startMs, count);
    assert(sums[2] === parsed[2], 'each repetition of JSON.parse reads the same');
    return seconds;
  };
  const common = {
    unit: 's', boundary: 'TypeScript API', threads: '1', durability: 'none', small: context.small,
  } as const;
  const checks = [
    `${formatCount(count)} messages, ${formatCount(bytes.length)} bytes, sums of every field; ${(heap / count).toFixed(3)} B of heap a message`,
  ];
  const beside = await runPaired(ours, byParse, { pairs: context.pairs, warmups: 1 });
  const row: Row = {
    ...common, name: 'parse 1 M JSON messages', figure: beside.a.median, statistic: `median of ${beside.pairs} runs`, spread: beside.a,
    goal: { relation: 'at most', value: 0.6 }, quoted: QUOTED, tried: TRIED, checks: [...checks, 'count and volumes equal to those of JSON.parse'],
    ratio: { ...beside.ratio, against: 'JSON.parse a line', pairs: beside.pairs, otherMedian: beside.b.median },
  };
  const besideC = await rowBesideC(context, bytes, ours, expected, count, common);
  return besideC === null ? [row] : [row, besideC];
}

/** null: no compiler on this machine. */
async function rowBesideC(
  context: BenchContext, bytes: Uint8Array, ours: () => number, expected: JsonReader, count: number,
  common: Pick<Row, 'unit' | 'boundary' | 'threads' | 'durability' | 'small'>,
): Promise<Row | null> {
  const c = loadCJson();
  if (c === null) return null;
  const sums = new BigUint64Array(JSON_SUMS);
  const wanted = expected.sums.wrapped;
  const theirs = (): number => {
    const startMs = performance.now();
    const read = c(bytes, bytes.length, sums);
    const seconds = secondsOf(startMs, count);
    assert(read === count && wanted.every((sum, at) => sum === sums[at]), 'C reads the same');
    return seconds;
  };
  const { a, b, ratio, pairs } = await runPaired(ours, theirs, { pairs: context.pairs, warmups: 1 });
  return {
    ...common, name: 'the same beside C by hand', figure: a.median, statistic: `median of ${pairs} runs`, spread: a,
    checks: [`${formatCount(count)} messages, every sum equal to C's`],
    ratio: { ...ratio, against: 'C by hand', pairs, otherMedian: b.median },
  };
}

// ── over TCP ───────────────────────────────────────────────────────────────────────────────────

/** The process that reads, asked for one run at a time. */
class Peer {
  readonly #child: ChildProcess = fork(new URL('json_peer.ts', import.meta.url));
  readonly #died: Promise<never>;

  constructor() {
    this.#died = once(this.#child, 'exit').then(([code]) => Promise.reject(new Error(`the peer ended with ${code}`)));
    this.#died.catch(() => {}); // also when nobody waits for an answer
  }

  /** Where to connect. */
  async begin(task: JsonTask): Promise<number> {
    this.#child.send(task);
    const answer = await this.#answer();
    assert('port' in answer, 'the peer says where it listens');
    return answer.port;
  }

  async sums(): Promise<readonly number[]> {
    const answer = await this.#answer();
    assert('sums' in answer, 'the peer says what came');
    return answer.sums;
  }

  async #answer(): Promise<JsonAnswer> {
    const [answer] = await Promise.race([once(this.#child, 'message'), this.#died]);
    return answer as JsonAnswer;
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}

async function tcpRow(context: BenchContext, network: Network, peer: Peer): Promise<Row> {
  const messages = context.small ? MESSAGES_SMALL : MESSAGES;
  context.progress(`json: ${formatCount(messages)} messages over TCP`);
  const bytes = jsonMessages(messages);
  const whole = new ReceiveBuffer(bytes.length, bytes.length);
  whole.bytes.set(bytes);
  whole.received(bytes.length);
  const { sums } = readAll(whole);
  const oneRun = async (): Promise<number> => {
    const connection = await network.connect({ host: HOST, port: await peer.begin({ messages }) });
    const came = peer.sums();
    const into = new Uint8Array(1);
    const startMs = performance.now();
    for (let sent = 0, answered = 0; answered === 0; ) {
      network.poll();
      if (sent < bytes.length) sent += Math.max(0, connection.send(bytes, sent, Math.min(SEND_BYTES, bytes.length - sent)));
      answered = connection.receive(into, 0, 1);
      assert(answered !== CLOSED, 'the peer stays connected');
    }
    const seconds = secondsOf(startMs, messages);
    connection.close();
    assert(sums.equals(await came), 'the other process has read every field of every message');
    return seconds;
  };
  const spread = await runAlone(oneRun, { repetitions: context.pairs, warmups: 2 });
  return {
    name: '1 M JSON messages over TCP', figure: spread.median, unit: 's', statistic: `median of ${spread.samples} runs`, spread,
    boundary: 'process → process, TCP', threads: '2', durability: 'none', small: context.small,
    goal: { relation: 'at most', value: 1 }, quoted: QUOTED, tried: TRIED,
    checks: [`${formatCount(messages)} messages a run, ${formatCount(bytes.length)} bytes, cut where the reads cut them; sums of every field`],
  };
}

async function run(context: BenchContext): Promise<Row[]> {
  const { network } = chooseNetwork();
  if (network.needsEventLoop) {
    network.close();
    throw new Error(`json: expected direct system calls, was ${network.kind}`);
  }
  const peer = new Peer();
  const release = pinTo(SENDER_CORE);
  try {
    return [...(await parseRows(context)), await tcpRow(context, network, peer)];
  } finally {
    release();
    network.close();
    await peer.close();
  }
}

export const jsonBenchmark: Benchmark = {
  name: 'json', about: 'a million market data messages as JSON: read in one thread, and sent to another process over TCP', byDefault: true, run,
};
