// Sockets between two processes over loopback, beside a busy-polling C program that does the same; and datagrams.
//
//   round trip    this process ── 30 bytes ──► peer ── 30 bytes ──► this process      ours and C in turn, both sides alike
//   messages      this process ── a million of 30 bytes ──► peer, which looks at each
//   datagrams     32 sent and received by one thread, ours and C's in turn: one by one, sendmmsg, one send that is cut
//
// Both sides spin on a core of their own, our side as a stage does: poll, receive, send. The C side is the same two Node
// processes inside of a C function, so nothing but the loop differs.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { assert } from '../src/base/assert.ts';
import { chooseNetwork } from '../src/net/choose_network.ts';
import { CLOSED, type DatagramSocket, type Network } from '../src/net/transport.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { heapUseOf } from './harness/heap.ts';
import { runAlone, runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';
import { quantile } from './harness/statistics.ts';
import { formatCount } from './harness/table.ts';
import { pinTo } from './pin.ts';
import { cSockets } from './reference/c_sockets.ts';
import { MESSAGE_BYTES, type PeerAnswer, type PeerTask } from './socket_tasks.ts';

const HOST = '127.0.0.1';
const TRIPS = 10_000;
const TRIPS_SMALL = 20;
const MESSAGES = 1_000_000;
const MESSAGES_SMALL = 5_000;
/** Messages handed over in one send: what a sender has ready that does not wait for answers. */
const SEND_MESSAGES = 256;
const GROUP = '239.255.11.1';
const RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024;
const DATAGRAMS_AT_ONCE = 32;
const DATAGRAM_BYTES = 1_400;
const DATAGRAM_BATCHES = 1_000;
const DATAGRAM_BATCHES_SMALL = 20;
const CLIENT_CORE = 1;
const TRIED = 'docs/LATENCY.md, Sockets';

/** The peer process, asked for one thing at a time. */
class Peer {
  readonly #child: ChildProcess;
  readonly #died: Promise<never>;

  constructor() {
    this.#child = fork(new URL('socket_peer.ts', import.meta.url));
    this.#died = once(this.#child, 'exit').then(([code]) => Promise.reject(new Error(`the peer ended with ${code}`)));
    this.#died.catch(() => {}); // also when nobody waits for an answer
  }

  /** Where to connect. */
  async begin(task: PeerTask): Promise<number> {
    this.#child.send(task);
    const answer = await this.#answer();
    assert('port' in answer, 'the peer says where it listens');
    return answer.port;
  }

  /** Bytes that came, when the connection has ended. */
  async ended(): Promise<number> {
    const answer = await this.#answer();
    assert('done' in answer, 'the peer says what came');
    return answer.done;
  }

  async #answer(): Promise<PeerAnswer> {
    const [answer] = await Promise.race([once(this.#child, 'message'), this.#died]);
    return answer as PeerAnswer;
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}

/** The median of `trips` round trips over our transport. */
async function ourTrips(network: Network, peer: Peer, trips: number): Promise<number> {
  const port = await peer.begin({ echo: 'ts' });
  const connection = await network.connect({ host: HOST, port });
  const ns = new Float64Array(trips);
  const out = new Uint8Array(new ArrayBuffer(MESSAGE_BYTES));
  const into = new Uint8Array(new ArrayBuffer(MESSAGE_BYTES));
  const ended = peer.ended();
  for (let trip = 0; trip < trips; trip += 1) {
    out[0] = trip;
    const startMs = performance.now();
    const sent = connection.send(out, 0, MESSAGE_BYTES);
    assert(sent === MESSAGE_BYTES, 'one message always fits');
    for (let received = 0; received < MESSAGE_BYTES; ) {
      network.poll();
      const count = connection.receive(into, received, MESSAGE_BYTES - received);
      assert(count !== CLOSED, 'the echo stays connected');
      received += count;
    }
    ns[trip] = (performance.now() - startMs) * 1e6;
    assert(into[0] === (trip & 0xff), 'the echo brings back what was sent');
  }
  connection.close();
  const echoed = await ended;
  assert(echoed === trips * MESSAGE_BYTES, 'every byte was echoed');
  return quantile([...ns], 0.5);
}

async function theirTrips(peer: Peer, trips: number): Promise<number> {
  const c = cSockets();
  assert(c !== null, 'a compiler is there');
  const port = await peer.begin({ echo: 'c' });
  const ended = peer.ended();
  const ns = c.ping(port, trips);
  assert(ns !== null, 'every round trip of the C program came back');
  const echoed = await ended;
  assert(echoed === trips * MESSAGE_BYTES, 'every byte was echoed');
  return quantile([...ns], 0.5);
}

async function roundTrip(context: BenchContext, network: Network, peer: Peer): Promise<Row> {
  const trips = sizeOf(context, TRIPS, TRIPS_SMALL);
  context.progress(`sockets: TCP round trips over ${network.kind}`);
  const common = {
    name: 'TCP round trip of 30 bytes', unit: 'ns/op', boundary: 'process → process, TCP', threads: '2', durability: 'none',
    small: context.small,
  } as const;
  const checks = [`${formatCount(trips)} round trips a run, each byte echoed; ${network.kind} sockets`];
  const ours = (): Promise<number> => ourTrips(network, peer, trips);
  if (cSockets() === null) {
    const spread = await runAlone(ours, { repetitions: context.pairs, warmups: 2 });
    return {
      ...common, figure: spread.median, statistic: `p50, median of ${spread.samples} runs`, spread, checks,
      tried: 'no compiler for the reference', goal: { relation: 'at most', value: 1.1, ofRatio: true },
    };
  }
  const { a, b, ratio, pairs } = await runPaired(ours, () => theirTrips(peer, trips), { pairs: context.pairs, warmups: 2 });
  return {
    ...common, figure: a.median, statistic: `p50, median of ${pairs} runs`, spread: a, checks, tried: TRIED,
    goal: { relation: 'at most', value: 1.1, ofRatio: true },
    ratio: { ...ratio, against: 'the same in C', pairs, otherMedian: b.median },
  };
}

async function messages(context: BenchContext, network: Network, peer: Peer): Promise<Row> {
  const count = context.small ? MESSAGES_SMALL : MESSAGES;
  context.progress(`sockets: ${formatCount(count)} native messages over TCP`);
  const perSend = SEND_MESSAGES * MESSAGE_BYTES;
  const bytes = new Uint8Array(new ArrayBuffer(perSend));
  for (let i = 0; i < SEND_MESSAGES; i += 1) bytes[i * MESSAGE_BYTES] = i; // its number modulo 256
  const total = count * MESSAGE_BYTES;
  const oneRun = async (): Promise<number> => {
    const port = await peer.begin({ sink: total });
    const connection = await network.connect({ host: HOST, port });
    const ended = peer.ended();
    const into = new Uint8Array(1);
    const start = performance.now();
    for (let sent = 0, answered = 0; answered === 0; ) {
      network.poll();
      if (sent < total) {
        const at = sent % perSend; // a short send goes on where it stopped
        sent += Math.max(0, connection.send(bytes, at, Math.min(perSend - at, total - sent)));
      }
      answered = connection.receive(into, 0, 1);
      assert(answered !== CLOSED, 'the peer stays connected');
    }
    const seconds = (performance.now() - start) / 1e3;
    connection.close();
    const came = await ended;
    assert(came === total, 'every byte came');
    return (seconds * MESSAGES) / count;
  };
  const spread = await runAlone(oneRun, { repetitions: context.pairs, warmups: 2 });
  return {
    name: '1 M native messages over TCP', figure: spread.median, unit: 's', statistic: `median of ${spread.samples} runs`, spread,
    boundary: 'process → process, TCP', threads: '2', durability: 'none', small: context.small,
    goal: { relation: 'at most', value: 0.5 }, quoted: '2.1 s Rust, 2.0 s C++',
    checks: [`${formatCount(count)} messages of 30 bytes a run, ${SEND_MESSAGES} a send, each looked at by the receiver, in order`],
  };
}

/** Nanoseconds a datagram: 32 sent and received by this thread. */
function ourDatagrams(network: Network, from: DatagramSocket, to: DatagramSocket, cut: boolean, batches: number): number {
  const out = new Uint8Array(new ArrayBuffer(DATAGRAM_BYTES * DATAGRAMS_AT_ONCE));
  const view = new DataView(out.buffer);
  const into = new Uint8Array(new ArrayBuffer(2_048));
  const intoView = new DataView(into.buffer);
  const start = process.hrtime.bigint();
  let number = 0;
  for (let batch = 0; batch < batches; batch += 1) {
    for (let i = 0; i < DATAGRAMS_AT_ONCE; i += 1) {
      view.setUint32(i * DATAGRAM_BYTES, number + i, true);
      if (!cut) assert(from.send(out, i * DATAGRAM_BYTES, DATAGRAM_BYTES), 'the socket takes 32 datagrams');
    }
    if (cut) assert(from.sendSegments?.(out, 0, out.length, DATAGRAM_BYTES) === true, 'the socket takes 32 datagrams');
    network.poll();
    for (let i = 0; i < DATAGRAMS_AT_ONCE; i += 1) {
      const length = to.receive(into, 0, into.length);
      assert(length === DATAGRAM_BYTES && intoView.getUint32(0, true) === number + i, 'each comes once, in order');
    }
    number += DATAGRAMS_AT_ONCE;
  }
  return Number(process.hrtime.bigint() - start) / number;
}

async function datagrams(context: BenchContext, network: Network): Promise<Row[]> {
  const batches = context.small ? DATAGRAM_BATCHES_SMALL : DATAGRAM_BATCHES;
  context.progress('sockets: datagrams over loopback');
  const group = { group: GROUP, interface: HOST };
  const to = await network.multicastReceiver({ ...group, port: 0, receiveBufferBytes: RECEIVE_BUFFER_BYTES });
  const from = await network.multicastSender({ ...group, port: to.port, ttl: 1 });
  const ours = (): number => ourDatagrams(network, from, to, false, batches);
  const oursCut = (): number => ourDatagrams(network, from, to, true, batches);
  for (let i = 0; i < 3; i += 1) ours();
  const { bytes } = await heapUseOf(() => void ours());
  const count = batches * DATAGRAMS_AT_ONCE;
  const common = {
    unit: 'ns/op', boundary: 'process → process, UDP', threads: '1', durability: 'none', small: context.small,
  } as const;
  const c = cSockets();
  const checks = [`${formatCount(count)} datagrams of ${DATAGRAM_BYTES} bytes, ${DATAGRAMS_AT_ONCE} sent, then received; ${(bytes / count).toFixed(2)} B of heap each`];
  if (c === null) {
    const spread = await runAlone(ours, { repetitions: context.pairs });
    return [{ ...common, name: 'UDP send + receive', figure: spread.median, statistic: `median of ${spread.samples} runs`, spread, checks }];
  }
  const theirs = (how: 0 | 1 | 2) => (): number => {
    const ns = c.datagrams(how, batches, DATAGRAM_BYTES);
    assert(ns > 0, 'no datagram of the C program was lost');
    return ns / count;
  };
  const rows: Row[] = [];
  for (const [how, against] of [[0, 'C, one by one'], [1, 'C, sendmmsg'], [2, 'C, cut by the system']] as const) {
    const { a, b, ratio, pairs } = await runPaired(how === 0 ? ours : oursCut, theirs(how), { pairs: context.pairs, warmups: 1 });
    rows.push({
      ...common, name: `UDP send + receive, ${how === 0 ? 'one by one' : '32 a send'}`, figure: a.median, statistic: `median of ${pairs} runs`,
      spread: a, checks, ratio: { ...ratio, against, pairs, otherMedian: b.median },
    });
  }
  from.close();
  to.close();
  return rows;
}

async function run(context: BenchContext): Promise<Row[]> {
  const { network } = chooseNetwork();
  if (network.needsEventLoop) {
    network.close();
    throw new Error(`sockets: expected direct system calls, was ${network.kind}`);
  }
  const peer = new Peer();
  const release = pinTo(CLIENT_CORE);
  try {
    return [await roundTrip(context, network, peer), await messages(context, network, peer), ...(await datagrams(context, network))];
  } finally {
    release();
    network.close();
    await peer.close();
  }
}

export const sockets: Benchmark = {
  name: 'sockets', about: 'TCP round trips and a million messages between two processes, datagrams; beside C', byDefault: true, run,
};
