// What comes and goes over frames allocates nothing: datagrams and streams through the whole stack, over a port in memory that
// allocates nothing itself, and over AF_XDP where it is to be had. Real bytes go round and are compared.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import { leastHeapPerOperation } from '../../bench/harness/heap.ts';
import { Namespaces, namespacesUnavailable } from '../../test/bypass/namespaces.ts';
import { inCi } from '../../test/requirements.ts';
import { loadLibXdp } from '../os/xdp_socket.ts';
import { parseIpv4 } from './address.ts';
import { FrameNetwork } from './frame_network.ts';
import { BURST_MAX, FRAME_NONE, portCounters, type FramePort, type PortCounters } from './frame_port.ts';
import type { StreamConnection } from './transport.ts';
import { openXdpNetwork } from './xdp_network.ts';

const A = '10.3.0.1';
const B = '10.3.0.2';
const OPERATIONS = 2_000;
/** A growing pool of V8's own now and then; an object a frame would be 16 or more. */
const BYTES_MAX = 1;
const SLOT_BYTES = 2048;

/** Two ports over the same fixed slots: what one commits the other receives. */
class LoopPort implements FramePort {
  readonly kind = 'loop';
  readonly macHigh = 0x0200;
  readonly macLow: number;
  readonly memory = new Uint8Array((2 * BURST_MAX + 1) * SLOT_BYTES);
  readonly view = new DataView(this.memory.buffer);
  other: LoopPort = this;
  readonly #bytes = new Uint32Array(BURST_MAX);
  readonly #handedBytes = new Uint32Array(BURST_MAX);
  #arrived = 0;
  #handed = 0;

  constructor(macLow: number) {
    this.macLow = macLow;
  }

  receive(): number {
    // Handed out from the upper half, so that more can arrive meanwhile.
    this.memory.copyWithin(BURST_MAX * SLOT_BYTES, 0, this.#arrived * SLOT_BYTES);
    for (let i = 0; i < this.#arrived; i += 1) this.#handedBytes[i] = this.#bytes[i];
    this.#handed = this.#arrived;
    this.#arrived = 0;
    return this.#handed;
  }

  frameAt(index: number): number {
    return (BURST_MAX + index) * SLOT_BYTES;
  }

  frameBytes(index: number): number {
    return this.#handedBytes[index];
  }

  /** Frames are written where they arrive: in the other's memory lies a copy of each at its slot. */
  claim(): number {
    return this.other.#arrived < BURST_MAX ? 2 * BURST_MAX * SLOT_BYTES : FRAME_NONE;
  }

  commit(bytes: number): void {
    const at = 2 * BURST_MAX * SLOT_BYTES;
    const { other } = this;
    const to = other.#arrived * SLOT_BYTES;
    for (let i = 0; i < bytes; i += 1) other.memory[to + i] = this.memory[at + i];
    other.#bytes[other.#arrived] = bytes;
    other.#arrived += 1;
  }

  flush(): void {}

  counters(): PortCounters {
    return portCounters();
  }

  arm(): void {}

  disarm(): void {}

  close(): void {}
}

interface Pair { a: FrameNetwork; b: FrameNetwork }

function loopPair(): Pair {
  const ports = [new LoopPort(1), new LoopPort(2)];
  ports[0].other = ports[1];
  ports[1].other = ports[0];
  const subnet = { prefixBits: 24, gateway: 0, neighbours: [] };
  return {
    a: new FrameNetwork(ports[0], { ...subnet, ipv4: parseIpv4(A) }), b: new FrameNetwork(ports[1], { ...subnet, ipv4: parseIpv4(B) }),
  };
}

async function connected({ a, b }: Pair): Promise<{ near: StreamConnection; far: StreamConnection }> {
  const listener = await b.listen({ host: B, port: 9000 });
  const asked = a.connect({ host: B, port: 9000 });
  let far: StreamConnection | null = null;
  while (far === null) {
    await turnOfEventLoop();
    b.poll();
    far = listener.accept();
  }
  return { near: await asked, far };
}

/** Request and answer, as datagrams and over a stream, each looked at. */
async function bytesOfRoundTrips(pair: Pair): Promise<{ datagram: number; stream: number }> {
  const { a, b } = pair;
  const from = await a.unicast({ host: A, port: 0 });
  const to = await b.unicast({ host: B, port: 0 });
  const { near, far } = await connected(pair);
  const out = new Uint8Array(new ArrayBuffer(200));
  const into = new Uint8Array(new ArrayBuffer(2048));
  const datagrams = (): void => {
    for (let i = 0; i < OPERATIONS; i += 1) {
      out[0] = i;
      let sent = from.sendTo(out, 0, 200, B, to.port);
      while (!sent) sent = from.sendTo(out, 0, 200, B, to.port);
      let count = 0;
      while (count === 0) {
        b.poll();
        count = to.receive(into, 0, 2048);
      }
      if (!to.sendTo(into, 0, count, A, to.senderPort)) assert.fail('an answer fits');
      for (count = 0; count === 0; count = from.receive(into, 0, 2048)) a.poll();
      if (count !== 200 || into[0] !== (i & 255)) assert.fail(`datagram ${i} came back otherwise`);
    }
  };
  const stream = (): void => {
    for (let i = 0; i < OPERATIONS; i += 1) {
      out[0] = i;
      near.send(out, 0, 50);
      let count = 0;
      while (count === 0) {
        b.poll();
        count = far.receive(into, 0, 2048);
      }
      far.send(into, 0, count);
      for (count = 0; count === 0; count = near.receive(into, 0, 2048)) a.poll();
      if (count !== 50 || into[0] !== (i & 255)) assert.fail(`message ${i} came back otherwise`);
    }
  };
  const result = {
    datagram: await leastHeapPerOperation(datagrams, OPERATIONS, BYTES_MAX),
    stream: await leastHeapPerOperation(stream, OPERATIONS, BYTES_MAX),
  };
  a.close();
  b.close();
  return result;
}

test('over a port in memory a round trip allocates nothing', { timeout: 120_000 }, async (t) => {
  const bytes = await bytesOfRoundTrips(loopPair());
  t.diagnostic(JSON.stringify(bytes));
  assert.ok(bytes.datagram <= BYTES_MAX, `expected at most ${BYTES_MAX} byte a datagram's round trip, was ${bytes.datagram}`);
  assert.ok(bytes.stream <= BYTES_MAX, `expected at most ${BYTES_MAX} byte a stream's round trip, was ${bytes.stream}`);
});

test('over AF_XDP neither', { timeout: 120_000 }, async (t: TestContext) => {
  const reason = namespacesUnavailable();
  if (reason !== false) return t.skip(reason);
  try {
    loadLibXdp();
  } catch (error) {
    if (inCi()) throw error;
    return t.skip(String(error));
  }
  const spaces = new Namespaces();
  t.after(() => spaces.remove());
  const links = spaces.join();
  const open = (space: string, link: string, host: string): FrameNetwork =>
    spaces.within(space, () => openXdpNetwork({ interface: link, ipv4: parseIpv4(host), prefixBits: 24 }));
  const bytes = await bytesOfRoundTrips({ a: open(spaces.a, links.a, A), b: open(spaces.b, links.b, B) });
  t.diagnostic(JSON.stringify(bytes));
  assert.ok(bytes.datagram <= BYTES_MAX, `expected at most ${BYTES_MAX} byte a datagram's round trip, was ${bytes.datagram}`);
  assert.ok(bytes.stream <= BYTES_MAX, `expected at most ${BYTES_MAX} byte a stream's round trip, was ${bytes.stream}`);
});
