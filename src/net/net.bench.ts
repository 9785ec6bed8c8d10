// What the transports cost between two processes on this machine: TCP round trips of one 30-byte message,
// and a stream of such messages in batches.
//
//   this process ── 30 bytes ──► echo process ── 30 bytes ──► this process        round trip, p50 and p99
//   this process ── batches of 64 × 30 bytes ──► sink process ── 1 byte at the end ──►   messages a second
//
// Both sides busy-poll in an AgentRunner, as the exchange does. Transports take turns, A B A B, and
// the median run is printed with the least and the largest, so that a noisy neighbour shows.
// By hand: node bin/node26.mjs src/net/net.bench.ts [runs] [round trips a run] [messages a run]
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { AgentRunner } from '../base/agent.ts';
import { assert } from '../base/assert.ts';
import { MonotonicClock } from '../base/clock.ts';
import { Histogram } from '../base/histogram.ts';
import { chooseNetwork } from './choose_network.ts';
import { CLOSED, type StreamConnection } from './transport.ts';

const HOST = '127.0.0.1';
const MESSAGE_BYTES = 30;
const BATCH_MESSAGES = 64;
const BUFFER_BYTES = 256 * 1024;

export interface NetworkFigures {
  roundTripP50Ns: number;
  roundTripP99Ns: number;
  messagesPerSecond: number;
}

/** The other process: echoes, or swallows `swallowBytes` of each connection and then sends one byte. */
async function serve(kind: string, swallowBytes: number): Promise<void> {
  const { network } = chooseNetwork(kind);
  const listener = await network.listen({ host: HOST, port: 0 });
  const buffer = new Uint8Array(new SharedArrayBuffer(BUFFER_BYTES));
  let swallowed = 0;
  const serveOne = (connection: StreamConnection): number => {
    const count = connection.receive(buffer, 0, buffer.length);
    if (count === CLOSED) {
      connection.close();
      runner.stop();
      return 1;
    }
    if (count === 0) return 0;
    if (swallowBytes === 0) {
      let sent = 0;
      while (sent < count) sent += Math.max(0, connection.send(buffer, sent, count - sent));
      return 1;
    }
    swallowed += count;
    if (swallowed >= swallowBytes) {
      swallowed -= swallowBytes;
      connection.send(buffer, 0, 1);
    }
    return 1;
  };
  const runner = new AgentRunner({
    clock: new MonotonicClock(),
    wait: 'spin',
    needsEventLoop: network.needsEventLoop,
    agents: [{
      name: 'server',
      poll: () => {
        let work = network.poll();
        if (work > 0) listener.accept();
        for (let i = 0; i < network.readyCount; i += 1) work += serveOne(network.ready(i));
        return work;
      },
    }],
  });
  process.send?.(listener.port);
  await runner.run();
  network.close();
  process.disconnect?.();
}

/** One run against a server process of the same kind; `client` says each turn whether it is done. */
async function drive(
  kind: string, swallowBytes: number, client: (connection: StreamConnection) => boolean,
): Promise<void> {
  const child: ChildProcess = fork(new URL(import.meta.url), ['serve', kind, String(swallowBytes)]);
  const ended = once(child, 'exit');
  const [port]: number[] = await once(child, 'message');
  const { network } = chooseNetwork(kind);
  const connection = await network.connect({ host: HOST, port });
  const runner = new AgentRunner({
    clock: new MonotonicClock(),
    wait: 'spin',
    needsEventLoop: network.needsEventLoop,
    agents: [{
      name: 'client',
      poll: () => {
        const work = network.poll();
        if (client(connection)) runner.stop();
        return work;
      },
    }],
  });
  await runner.run();
  connection.close();
  network.close();
  await ended;
}

async function roundTrips(kind: string, trips: number): Promise<Histogram> {
  const histogram = new Histogram();
  const message = new Uint8Array(new SharedArrayBuffer(64));
  const warmUp = Math.min(2000, trips);
  let done = 0;
  let waiting = 0; // bytes of the echo still to come
  let sentAtMs = 0;
  await drive(kind, 0, (connection) => {
    if (waiting === 0) {
      message[0] = done;
      sentAtMs = performance.now();
      waiting = connection.send(message, 0, MESSAGE_BYTES);
      assert(waiting === MESSAGE_BYTES, 'one message always fits');
      return false;
    }
    const count = connection.receive(message, MESSAGE_BYTES - waiting, waiting);
    assert(count !== CLOSED, 'the echo stays connected');
    waiting -= count;
    if (waiting > 0) return false;
    const elapsedNs = Math.round((performance.now() - sentAtMs) * 1e6);
    assert(message[0] === (done & 0xff), 'the echo brings back what was sent');
    if (done >= warmUp) histogram.record(elapsedNs);
    done += 1;
    return done === warmUp + trips;
  });
  return histogram;
}

async function throughput(kind: string, messages: number): Promise<number> {
  const batchBytes = MESSAGE_BYTES * BATCH_MESSAGES;
  const totalBytes = Math.ceil(messages / BATCH_MESSAGES) * batchBytes;
  const bytes = new Uint8Array(new SharedArrayBuffer(batchBytes));
  let sent = 0;
  let startMs = 0;
  let elapsedMs = 0;
  await drive(kind, totalBytes, (connection) => {
    if (sent === 0) startMs = performance.now();
    if (sent < totalBytes) {
      const at = sent % batchBytes; // a short send goes on in the middle of a batch
      sent += Math.max(0, connection.send(bytes, at, batchBytes - at));
    }
    if (connection.receive(bytes, 0, 1) !== 1) return false;
    elapsedMs = performance.now() - startMs;
    return true;
  });
  return totalBytes / MESSAGE_BYTES / (elapsedMs / 1000);
}

/** One run of everything over the transport of this kind. */
export async function benchNetwork(kind: string, trips: number, messages: number): Promise<NetworkFigures> {
  const histogram = await roundTrips(kind, trips);
  return {
    roundTripP50Ns: histogram.percentile(50),
    roundTripP99Ns: histogram.percentile(99),
    messagesPerSecond: await throughput(kind, messages),
  };
}

function spread(values: number[], show: (value: number) => string): string {
  const sorted = values.toSorted((a, b) => a - b);
  return `${show(sorted[sorted.length >> 1])} (${show(sorted[0])} – ${show(sorted[sorted.length - 1])})`;
}

function microseconds(ns: number): string {
  return `${(ns / 1000).toFixed(1)} µs`;
}

function millions(perSecond: number): string {
  return `${(perSecond / 1e6).toFixed(2)} M/s`;
}

async function main(): Promise<void> {
  const runs = Number(process.argv[2] ?? 5);
  const trips = Number(process.argv[3] ?? 20_000);
  const messages = Number(process.argv[4] ?? 2_000_000);
  const kinds = [chooseNetwork().network.kind, 'node'].filter((kind, i, all) => all.indexOf(kind) === i);
  const figures = new Map<string, NetworkFigures[]>(kinds.map((kind) => [kind, []]));
  console.log(`TCP on loopback, two processes, ${cpus().length} × ${cpus()[0].model}, Node ${process.version}`);
  for (let run = 0; run < runs; run += 1) {
    for (const kind of kinds) figures.get(kind)!.push(await benchNetwork(kind, trips, messages));
  }
  for (const [kind, all] of figures) {
    console.log(`${kind.padEnd(6)} round trip p50 ${spread(all.map((f) => f.roundTripP50Ns), microseconds)}`);
    console.log(`${kind.padEnd(6)} round trip p99 ${spread(all.map((f) => f.roundTripP99Ns), microseconds)}`);
    console.log(`${kind.padEnd(6)} ${MESSAGE_BYTES}-byte messages, ${BATCH_MESSAGES} a send: ${spread(all.map((f) => f.messagesPerSecond), millions)}`);
  }
}

if (import.meta.main) {
  if (process.argv[2] === 'serve') await serve(process.argv[3], Number(process.argv[4]));
  else await main();
}
