// One end of the benchmark `kernel-bypass`, a process in a namespace of its own: opens what it is told, then echoes datagrams or
// sends them and takes the time, as often as it is asked.
import { assert } from '../src/base/assert.ts';
import { chooseNetwork } from '../src/net/choose_network.ts';
import { FrameNetwork } from '../src/net/frame_network.ts';
import type { DatagramSocket, Network } from '../src/net/transport.ts';
import { pinTo } from './pin.ts';
import { quantile } from './harness/statistics.ts';
import { cXdp, type CXdp } from './reference/c_xdp.ts';

export const PORT = 7000;
export const PAYLOAD_BYTES = 30;
/** Without an answer for so long, the run has failed. */
const SILENT_MS = 20_000;

/** What stands at both ends. */
export type Way = 'c' | { network: string; host: string };
export type PeerTask = { open: Way; name: string; link: string; core: number } | { echo: string; trips: number }
  | { ping: string; trips: number; host: string };
/** Of a ping the median, in nanoseconds; of the others 0. */
export type PeerAnswer = { done: number } | { failed: string };

interface Opened { c: CXdp | null; network: Network | null; socket: DatagramSocket | null }

const opened = new Map<string, Opened>();
const out = new Uint8Array(new ArrayBuffer(PAYLOAD_BYTES));
const outView = new DataView(out.buffer);
const into = new Uint8Array(new ArrayBuffer(2048));
const intoView = new DataView(into.buffer);

async function open(way: Way, name: string, link: string): Promise<void> {
  if (way === 'c') {
    const c = cXdp();
    assert(c !== null, 'a compiler and libxdp\'s headers are there');
    c.open(link);
    opened.set(name, { c, network: null, socket: null });
    return;
  }
  const { network } = chooseNetwork(way.network);
  opened.set(name, { c: null, network, socket: await network.unicast({ host: way.host, port: PORT }) });
}

function echo(name: string, trips: number): void {
  const { c, network, socket } = opened.get(name)!;
  if (c !== null) {
    const echoed = c.echo(trips);
    assert(echoed === trips, 'every frame came');
    return;
  }
  const untilMs = performance.now() + SILENT_MS;
  for (let echoed = 0, turns = 0; echoed < trips; turns += 1) {
    network!.poll();
    const count = socket!.receive(into, 0, into.length);
    if (count > 0) {
      const sent = socket!.sendTo(into, 0, count, socket!.senderHost, socket!.senderPort);
      assert(sent, 'an answer always fits');
      echoed += 1;
    } else if ((turns & 0xffff) === 0) assert(performance.now() < untilMs, 'datagrams come');
  }
}

function ping(name: string, trips: number, host: string): number {
  const { c, network, socket } = opened.get(name)!;
  if (c !== null) {
    const ns = c.ping(trips, PAYLOAD_BYTES);
    assert(ns !== null, 'every round trip came back');
    return quantile([...ns], 0.5);
  }
  const ns = new Float64Array(trips);
  const untilMs = performance.now() + SILENT_MS;
  for (let trip = 0; trip < trips; trip += 1) {
    outView.setUint32(0, trip);
    const startMs = performance.now();
    const sent = socket!.sendTo(out, 0, PAYLOAD_BYTES, host, PORT);
    assert(sent, 'one datagram always fits');
    for (let count = 0, turns = 0; count === 0; turns += 1) {
      network!.poll();
      count = socket!.receive(into, 0, into.length);
      if (count > 0) assert(count === PAYLOAD_BYTES && intoView.getUint32(0) === trip, 'each comes back once');
      else if ((turns & 0xffff) === 0) assert(performance.now() < untilMs, 'answers come');
    }
    ns[trip] = (performance.now() - startMs) * 1e6;
  }
  return quantile([...ns], 0.5);
}

async function work(task: PeerTask): Promise<number> {
  if ('open' in task) {
    pinTo(task.core);
    await open(task.open, task.name, task.link);
    return 0;
  }
  if ('ping' in task) return ping(task.ping, task.trips, task.host);
  echo(task.echo, task.trips);
  return 0;
}

if (process.send !== undefined) {
  process.on('message', (task: PeerTask) => {
    work(task).then(
      (done) => process.send!({ done } satisfies PeerAnswer),
      (error: unknown) => process.send!({ failed: String(error) } satisfies PeerAnswer),
    );
  });
  process.once('disconnect', () => {
    for (const { c, network } of opened.values()) {
      c?.close();
      network?.close();
      if (network instanceof FrameNetwork) void network.closed;
    }
  });
}
