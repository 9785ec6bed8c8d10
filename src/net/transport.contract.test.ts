// What every transport must do, run against each of them. A transport that passes can stand behind
// the exchange and the trader.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import { Namespaces, namespacesUnavailable } from '../../test/bypass/namespaces.ts';
import { inCi } from '../../test/requirements.ts';
import { loadLibc } from '../os/libc.ts';
import { loadLibXdp } from '../os/xdp_socket.ts';
import { openDpdkCable } from './dpdk_network.ts';
import { EpollNetwork } from './epoll_network.ts';
import { FrameCable, GOOD_CABLE, type CableFaults } from './frame_cable.ts';
import { FrameNetwork } from './frame_network.ts';
import { parseIpv4 } from './address.ts';
import { MemoryFabric, type FabricOptions } from './memory_network.ts';
import { NodeNetwork } from './node_network.ts';
import { SharedMemoryNetwork } from './shared_memory_network.ts';
import { NetworkError } from './network_error.ts';
import { FRAME_DATAGRAM_BYTES_MAX } from './packet.ts';
import {
  CLOSED, DATAGRAM_BYTES_MAX, WOULD_BLOCK, type DatagramSocket, type Network, type StreamConnection, type StreamListener,
} from './transport.ts';
import { openXdpNetwork } from './xdp_network.ts';

const HOST = '127.0.0.1';
const GIVE_UP_MS = 8000; // only a hang gets here

/** Two processes' worth of network that can reach each other. */
interface Pair { server: Network; client: Network }

interface Kind {
  name: string;
  /** Why it cannot run here, or false. */
  skip: string | false;
  make(): Pair;
  /** Where the two are, when it is not both on loopback. */
  hosts?: { server: string; client: string };
  /** The largest datagram, where one frame must hold it. */
  datagramBytesMax?: number;
}

const FRAME_HOSTS = { server: '10.77.0.1', client: '10.77.0.2' };
const FRAME_KIND = { hosts: FRAME_HOSTS, datagramBytesMax: FRAME_DATAGRAM_BYTES_MAX };

const KINDS: Kind[] = [
  { name: 'epoll', skip: epollUnavailable(), make: () => ({ server: new EpollNetwork(), client: new EpollNetwork() }) },
  { name: 'node', skip: false, make: () => ({ server: new NodeNetwork(), client: new NodeNetwork() }) },
  { name: 'memory', skip: false, make: () => memoryPair({}) },
  {
    name: 'memory, streams cut anywhere',
    skip: false,
    make: () => memoryPair({ streams: { receiveChunkMax: 40_000, sendChunkMax: 40_000, bufferBytes: 100_000 } }),
  },
  { name: 'shared memory', skip: epollUnavailable(), make: sharedMemoryPair },
  { name: 'frames over a cable', skip: false, make: () => cablePair(GOOD_CABLE), ...FRAME_KIND },
  { name: 'dpdk', skip: dpdkUnavailable(), make: dpdkPair, ...FRAME_KIND },
  { name: 'xdp', skip: xdpUnavailable(), make: xdpPair, ...FRAME_KIND },
];

/** Our own stack at both ends of a cable. */
function cablePair(faults: CableFaults): Pair {
  const { ends } = new FrameCable({ faults });
  const subnet = { prefixBits: 24, gateway: 0, neighbours: [], seed: 7 };
  return {
    server: new FrameNetwork(ends[0], { ...subnet, ipv4: parseIpv4(FRAME_HOSTS.server) }),
    client: new FrameNetwork(ends[1], { ...subnet, ipv4: parseIpv4(FRAME_HOSTS.client) }),
  };
}

/**
 * DPDK's rings, in this process. A fault in DPDK would take the test runner's process with it, and its environment cannot be
 * opened twice: dpdk.test.ts runs this suite in a process of its own with OUTCRY_CONTRACT=dpdk.
 */
const DPDK_PAIRS = 2;
let dpdkPairs: [Network, Network][] | null = null;
function dpdkPair(): Pair {
  dpdkPairs ??= openDpdkCable(
    [parseIpv4(FRAME_HOSTS.server), parseIpv4(FRAME_HOSTS.client)], { hugePages: false, memoryMb: 128 }, DPDK_PAIRS,
  ).pairs;
  const pair = dpdkPairs.shift();
  assert.ok(pair !== undefined, 'enough cables were made');
  return { server: pair[0], client: pair[1] };
}

function dpdkUnavailable(): string | false {
  return process.env['OUTCRY_CONTRACT'] === 'dpdk' ? false : 'run by src/net/dpdk.test.ts in a process of its own';
}

/** AF_XDP at both ends of a veth pair between two namespaces. */
let namespaces: Namespaces | null = null;
function xdpPair(): Pair {
  const spaces = (namespaces ??= new Namespaces());
  const links = spaces.join();
  const open = (space: string, link: string, host: string): Network =>
    spaces.within(space, () => openXdpNetwork({ interface: link, ipv4: parseIpv4(host), prefixBits: 24 }));
  return {
    server: open(spaces.a, links.a, FRAME_HOSTS.server), client: open(spaces.b, links.b, FRAME_HOSTS.client),
  };
}

function xdpUnavailable(): string | false {
  const reason = namespacesUnavailable();
  if (reason !== false) return reason;
  return inCi() ? false : missing(loadLibXdp);
}

function memoryPair(options: FabricOptions): Pair {
  const fabric = new MemoryFabric(options);
  return { server: fabric.network(), client: fabric.network() };
}

let segmentsUsed = 0;
function sharedMemoryPair(): Pair {
  segmentsUsed += 1;
  const name = `/outcry-contract-${process.pid}-${segmentsUsed}`;
  return { server: new SharedMemoryNetwork(name), client: new SharedMemoryNetwork(name) };
}

function epollUnavailable(): string | false {
  return missing(loadLibc);
}

/** Why something does not load, or false. */
function missing(load: () => unknown): string | false {
  try {
    load();
    return false;
  } catch (error) {
    return String(error);
  }
}

/** Different groups for different tests, so that none hears another. */
let groupsUsed = 0;
function nextGroup(): string {
  groupsUsed += 1;
  return `239.255.${100 + (process.pid & 127)}.${groupsUsed}`;
}

function fill(bytes: Uint8Array, from: number): void {
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = byteAt(from + i);
}

/** The stream's byte at a position: no short period, so a lost or swapped chunk shows. */
function byteAt(position: number): number {
  return (Math.imul(position, 0x9e3779b1) >>> 24) ^ (position & 0xff);
}

after(() => namespaces?.remove());

for (const kind of KINDS) {
  describe(`transport ${kind.name}`, { skip: kind.skip }, () => {
    const { server: serverHost, client: clientHost } = kind.hosts ?? { server: HOST, client: HOST };
    const datagramBytesMax = kind.datagramBytesMax ?? DATAGRAM_BYTES_MAX;
    let server: Network;
    let client: Network;
    before(() => ({ server, client } = kind.make()));
    after(() => {
      client.close();
      server.close();
    });

    async function until(condition: () => boolean, what: string): Promise<void> {
      const start = Date.now();
      while (!condition()) {
        if (Date.now() - start > GIVE_UP_MS) assert.fail(`did not happen in ${GIVE_UP_MS} ms: ${what}`);
        await turnOfEventLoop();
        server.poll();
        client.poll();
      }
    }

    async function acceptOne(listener: StreamListener): Promise<StreamConnection> {
      let accepted: StreamConnection | null = null;
      await until(() => (accepted ??= listener.accept()) !== null, 'a connection to accept');
      return accepted!;
    }

    async function connectedPair(): Promise<{ listener: StreamListener; near: StreamConnection; far: StreamConnection }> {
      const listener = await server.listen({ host: serverHost, port: 0 });
      const near = await client.connect({ host: serverHost, port: listener.port });
      const far = await acceptOne(listener);
      return { listener, near, far };
    }

    /** Receives until `bytes` have come or the stream is over. */
    async function receiveExactly(connection: StreamConnection, bytes: number): Promise<Uint8Array> {
      const into = new Uint8Array(bytes);
      let received = 0;
      await until(() => {
        while (received < bytes) {
          const count = connection.receive(into, received, bytes - received);
          if (count === CLOSED) assert.fail(`closed after ${received} of ${bytes} bytes`);
          if (count === WOULD_BLOCK) return false;
          received += count;
        }
        return true;
      }, `${bytes} bytes to receive`);
      return into;
    }

    async function receiveDatagram(socket: DatagramSocket, max = 2048): Promise<Uint8Array> {
      const into = new Uint8Array(max);
      let length = 0;
      await until(() => (length = socket.receive(into, 0, max)) > 0, 'a datagram');
      return into.slice(0, length);
    }

    async function expectClosed(connection: StreamConnection): Promise<void> {
      const into = new Uint8Array(16);
      await until(() => connection.receive(into, 0, 16) === CLOSED, 'the end of the stream');
    }

    test('connects, accepts, and both ends know each other', async () => {
      const listener = await server.listen({ host: serverHost, port: 0 });
      assert.equal(listener.host, serverHost);
      assert.ok(listener.port > 0);
      assert.equal(listener.accept(), null);
      const near = await client.connect({ host: serverHost, port: listener.port });
      const far = await acceptOne(listener);
      assert.equal(listener.accept(), null);
      assert.equal(near.peer, `${serverHost}:${listener.port}`);
      assert.ok(far.peer.startsWith(`${clientHost}:`) && Number(far.peer.slice(clientHost.length + 1)) > 0, far.peer);
      assert.ok(near.open && far.open);
      assert.equal(near.receive(new Uint8Array(4), 0, 4), WOULD_BLOCK);
      assert.equal(near.send(Uint8Array.of(9, 1, 2, 3), 1, 3), 3);
      assert.deepEqual([...(await receiveExactly(far, 3))], [1, 2, 3]);
      assert.equal(far.send(Uint8Array.of(4, 5), 0, 2), 2);
      assert.deepEqual([...(await receiveExactly(near, 2))], [4, 5]);
      near.close();
      far.close();
      listener.close();
    });

    test('receives at an offset and leaves the bytes around it alone', async () => {
      const { listener, near, far } = await connectedPair();
      near.send(Uint8Array.of(1, 2, 3, 4, 5), 0, 5);
      await until(() => far.readable, 'bytes to arrive');
      const target = new Uint8Array(new SharedArrayBuffer(64), 8, 16).fill(0xee);
      let received = 0;
      await until(() => {
        const count = far.receive(target, 3 + received, 5 - received);
        received += Math.max(count, 0);
        return received === 5;
      }, 'five bytes');
      const expected = new Uint8Array(16).fill(0xee);
      expected.set([1, 2, 3, 4, 5], 3);
      assert.deepEqual([...target], [...expected]);
      assert.ok(new Uint8Array(target.buffer, 0, 8).every((byte) => byte === 0));
      near.close();
      far.close();
      listener.close();
    });

    test('keeps millions of bytes in order through short sends, both ways at once', async () => {
      const { listener, near, far } = await connectedPair();
      const total = 3_000_000;
      const chunk = new Uint8Array(50_000);
      const into = new Uint8Array(70_001); // odd on purpose
      let shortSends = 0;
      function flow(from: StreamConnection, to: StreamConnection): () => boolean {
        let sent = 0;
        let received = 0;
        return () => {
          if (sent < total) {
            fill(chunk, sent);
            const length = Math.min(chunk.length, total - sent);
            const count = from.send(chunk, 0, length);
            assert.ok(count >= 0 && count <= length);
            if (count < length) shortSends += 1;
            sent += count;
          }
          if (sent % 7 !== 0 || sent === total || shortSends > 0) {
            const count = to.receive(into, 0, into.length);
            assert.notEqual(count, CLOSED);
            for (let i = 0; i < count; i += 1) {
              if (into[i] !== byteAt(received + i)) assert.fail(`byte ${received + i} differs`);
            }
            received += count;
          }
          return received === total;
        };
      }
      const forth = flow(near, far);
      const back = flow(far, near);
      let forthDone = false;
      let backDone = false;
      await until(() => {
        forthDone ||= forth();
        backDone ||= back();
        return forthDone && backDone;
      }, 'both streams to arrive');
      near.close();
      far.close();
      listener.close();
    });

    test('a peer that never reads gives send 0; when it reads, everything sent arrives', async () => {
      const { listener, near, far } = await connectedPair();
      const chunk = new Uint8Array(64 * 1024);
      let sent = 0;
      let refusals = 0;
      // "No room" must hold over several turns, since the receiving side may still be taking bytes up.
      await until(() => {
        fill(chunk, sent);
        const count = near.send(chunk, 0, chunk.length);
        assert.notEqual(count, CLOSED);
        sent += count;
        refusals = count === 0 ? refusals + 1 : 0;
        assert.ok(sent < 256 * 1024 * 1024, 'the buffers have an end');
        return refusals === 20;
      }, 'send to find no room');
      const into = new Uint8Array(100_000);
      let received = 0;
      await until(() => {
        const count = far.receive(into, 0, into.length);
        for (let i = 0; i < count; i += 1) {
          if (into[i] !== byteAt(received + i)) assert.fail(`byte ${received + i} differs`);
        }
        received += Math.max(count, 0);
        return received === sent;
      }, 'all bytes taken by send');
      // And there is room again.
      await until(() => near.send(chunk, 0, 1) === 1, 'room after the peer has read');
      near.close();
      far.close();
      listener.close();
    });

    test('a close is seen by the peer after all bytes were read', async () => {
      const { listener, near, far } = await connectedPair();
      const bytes = new Uint8Array(100_000);
      fill(bytes, 0);
      let sent = 0;
      await until(() => (sent += near.send(bytes, sent, bytes.length - sent)) === bytes.length, 'all bytes sent');
      near.close();
      assert.equal(near.open, false);
      assert.equal(near.receive(bytes, 0, 1), CLOSED);
      assert.equal(near.send(bytes, 0, 1), CLOSED);
      assert.equal(far.open, true);
      assert.deepEqual(await receiveExactly(far, bytes.length), bytes);
      await expectClosed(far);
      assert.equal(far.open, false);
      assert.equal(far.receive(bytes, 0, 1), CLOSED);
      far.close();
      listener.close();
    });

    test('closing with unread bytes resets the peer, whose sends then say CLOSED', async () => {
      const { listener, near, far } = await connectedPair();
      near.send(new Uint8Array(1000), 0, 1000);
      await until(() => far.readable, 'bytes to arrive');
      far.close();
      await expectClosed(near);
      await until(() => near.send(new Uint8Array(1), 0, 1) === CLOSED, 'send to see the reset');
      assert.equal(near.receive(new Uint8Array(1), 0, 1), CLOSED);
      assert.equal(near.open, false);
      near.close();
      listener.close();
    });

    test('closing is idempotent and wakes nobody afterwards', async () => {
      const { listener, near, far } = await connectedPair();
      near.close();
      near.close();
      await expectClosed(far);
      far.close();
      far.close();
      listener.close();
      listener.close();
      await until(() => client.poll() + server.poll() === 0, 'quiet');
      for (let i = 0; i < server.readyCount; i += 1) assert.notEqual(server.ready(i), far);
    });

    test('poll counts news, and lists precisely the connections that have something', async () => {
      const listener = await server.listen({ host: serverHost, port: 0 });
      const near: StreamConnection[] = [];
      const far: StreamConnection[] = [];
      for (let i = 0; i < 20; i += 1) {
        near.push(await client.connect({ host: serverHost, port: listener.port }));
        far.push(await acceptOne(listener));
        assert.equal(far[i].tag, -1);
        far[i].tag = i;
      }
      await until(() => server.poll() === 0, 'quiet');
      assert.equal(server.readyCount, 0);
      assert.ok(far.every((connection) => connection.receive(new Uint8Array(1), 0, 1) === WOULD_BLOCK));
      assert.ok(far.every((connection) => !connection.readable), 'known to be empty');
      near[3].send(Uint8Array.of(1), 0, 1);
      near[17].send(Uint8Array.of(2, 3), 0, 2);
      const readyTags = (): number[] => {
        const tags: number[] = [];
        for (let i = 0; i < server.readyCount; i += 1) tags.push(server.ready(i).tag);
        return tags.toSorted((a, b) => a - b);
      };
      await until(() => readyTags().length === 2, 'two ready connections');
      assert.deepEqual(readyTags(), [3, 17]);
      // What was not read stays listed, without new news.
      await turnOfEventLoop();
      assert.equal(server.poll(), 0);
      assert.deepEqual(readyTags(), [3, 17]);
      assert.equal(far[3].receive(new Uint8Array(8), 0, 8), 1);
      assert.equal(far[3].receive(new Uint8Array(8), 0, 8), WOULD_BLOCK);
      server.poll();
      assert.deepEqual(readyTags(), [17]);
      assert.equal(far[17].receive(new Uint8Array(1), 0, 1), 1);
      server.poll();
      assert.deepEqual(readyTags(), [17]); // one byte is left
      assert.equal(far[17].receive(new Uint8Array(1), 0, 1), 1);
      assert.equal(far[17].receive(new Uint8Array(1), 0, 1), WOULD_BLOCK);
      server.poll();
      assert.deepEqual(readyTags(), []);
      near[3].close();
      await until(() => readyTags().length === 1, 'the end of a stream to be news');
      assert.deepEqual(readyTags(), [3]);
      for (const connection of near) connection.close();
      for (const connection of far) connection.close();
      listener.close();
    });

    test('250 connections, each with its own bytes', async () => {
      const listener = await server.listen({ host: serverHost, port: 0 });
      const count = 250;
      const near: StreamConnection[] = [];
      const far = new Map<string, StreamConnection>();
      for (let i = 0; i < count; i += 1) {
        near.push(await client.connect({ host: serverHost, port: listener.port }));
        let accepted: StreamConnection | null;
        server.poll();
        while ((accepted = listener.accept()) !== null) far.set(accepted.peer, accepted);
      }
      await until(() => {
        const accepted = listener.accept();
        if (accepted !== null) far.set(accepted.peer, accepted);
        return far.size === count;
      }, 'all to be accepted');
      assert.equal(new Set([...far.values()].map((connection) => connection.id)).size, count);
      for (let i = 0; i < count; i += 1) near[i].send(Uint8Array.of(i & 255, i >> 8), 0, 2);
      // An echo on the server side, driven by the ready list alone.
      const into = new Uint8Array(64);
      const answers = new Map<number, number>();
      await until(() => {
        for (let i = 0; i < server.readyCount; i += 1) {
          const connection = server.ready(i);
          const bytes = connection.receive(into, 0, into.length);
          if (bytes > 0) assert.equal(connection.send(into, 0, bytes), bytes);
        }
        for (let i = 0; i < count; i += 1) {
          if (answers.has(i) || near[i].receive(into, 0, 2) !== 2) continue;
          answers.set(i, into[0] | (into[1] << 8));
        }
        return answers.size === count;
      }, 'all echoes');
      for (let i = 0; i < count; i += 1) assert.equal(answers.get(i), i);
      for (const connection of near) connection.close();
      for (const connection of far.values()) await expectClosed(connection);
      for (const connection of far.values()) connection.close();
      listener.close();
    });

    test('a port in use is refused with address and advice', async () => {
      const listener = await server.listen({ host: serverHost, port: 0 });
      await assert.rejects(server.listen({ host: serverHost, port: listener.port }), (error: NetworkError) => {
        assert.equal(error.code, 'EADDRINUSE');
        assert.match(error.message, new RegExp(`cannot listen on ${serverHost}:${listener.port}: the port is in use`));
        assert.match(error.message, /choose another port/);
        return true;
      });
      const socket = await server.unicast({ host: serverHost, port: 0 });
      await assert.rejects(server.unicast({ host: serverHost, port: socket.port }), { code: 'EADDRINUSE' });
      socket.close();
      listener.close();
    });

    test('a port is free again at once after its listener and connections closed', async () => {
      const { listener, near, far } = await connectedPair();
      far.close(); // the server side closes first: the side that stays in TIME_WAIT
      await expectClosed(near);
      near.close();
      listener.close();
      await turnOfEventLoop();
      const again = await server.listen({ host: serverHost, port: listener.port });
      assert.equal(again.port, listener.port);
      again.close();
    });

    test('a connection that nobody takes is refused with address and advice', async () => {
      const listener = await server.listen({ host: serverHost, port: 0 });
      listener.close();
      await turnOfEventLoop();
      await assert.rejects(client.connect({ host: serverHost, port: listener.port }), (error: NetworkError) => {
        assert.equal(error.code, 'ECONNREFUSED');
        assert.match(error.message, new RegExp(`cannot connect to ${serverHost}:${listener.port}: connection refused`));
        return true;
      });
    });

    test('addresses that are none are refused with the value', async () => {
      await assert.rejects(server.listen({ host: serverHost, port: 70_000 }), /port was 70000, expected an integer 0 to 65535/);
      await assert.rejects(
        client.multicastReceiver({ group: '127.0.0.1', port: 0, interface: clientHost }),
        /the group was 127\.0\.0\.1, expected a multicast address/,
      );
      await assert.rejects(server.listen({ host: '203.0.113.7', port: 0 }), { code: 'EADDRNOTAVAIL' });
    });

    test('datagrams keep their boundaries, and the sender can be answered', async () => {
      const near = await client.unicast({ host: clientHost, port: 0 });
      const far = await server.unicast({ host: serverHost, port: 0 });
      assert.equal(near.host, clientHost);
      assert.ok(near.port > 0 && near.port !== far.port);
      const one = Uint8Array.of(7, 1, 2, 3);
      const two = new Uint8Array(1472).fill(5);
      assert.equal(near.sendTo(one, 1, 3, serverHost, far.port), true);
      assert.equal(near.sendTo(two, 0, two.length, serverHost, far.port), true);
      assert.deepEqual([...(await receiveDatagram(far))], [1, 2, 3]);
      assert.deepEqual(await receiveDatagram(far), two);
      assert.equal(far.receive(new Uint8Array(16), 0, 16), WOULD_BLOCK);
      assert.equal(far.senderHost, clientHost);
      assert.equal(far.senderPort, near.port);
      assert.equal(far.sendTo(one, 0, 4, far.senderHost, far.senderPort), true);
      assert.deepEqual([...(await receiveDatagram(near))], [...one]);
      assert.equal(near.senderPort, far.port);
      near.close();
      near.close();
      far.close();
    });

    test('a datagram longer than the buffer is cut and counted, the next one is whole', async () => {
      const near = await client.unicast({ host: clientHost, port: 0 });
      const far = await server.unicast({ host: serverHost, port: 0 });
      const long = new Uint8Array(Math.min(3000, datagramBytesMax));
      fill(long, 0);
      near.sendTo(long, 0, long.length, serverHost, far.port);
      near.sendTo(long, 0, 100, serverHost, far.port);
      assert.deepEqual(await receiveDatagram(far, 1000), long.slice(0, 1000));
      assert.equal(far.truncated, 1);
      assert.deepEqual(await receiveDatagram(far, 1000), long.slice(0, 100));
      assert.equal(far.truncated, 1);
      near.close();
      far.close();
    });

    test('the largest datagram goes through; a larger one is a fault of the caller', async () => {
      const near = await client.unicast({ host: clientHost, port: 0 });
      const far = await server.unicast({ host: serverHost, port: 0 });
      const bytes = new Uint8Array(datagramBytesMax + 1);
      fill(bytes, 0);
      assert.equal(near.sendTo(bytes, 0, datagramBytesMax, serverHost, far.port), true);
      assert.deepEqual(await receiveDatagram(far, bytes.length), bytes.slice(0, datagramBytesMax));
      assert.equal(far.truncated, 0);
      assert.throws(() => near.sendTo(bytes, 0, bytes.length, serverHost, far.port), /a datagram fits UDP/);
      near.close();
      far.close();
    });

    test('multicast reaches every receiver of the group and port, and they can answer the sender', async () => {
      const group = nextGroup();
      const first = await client.multicastReceiver({ group, port: 0, interface: clientHost, receiveBufferBytes: 1 << 20 });
      const { port } = first;
      assert.ok(port > 0);
      const second = await client.multicastReceiver({ group, port, interface: clientHost });
      const other = await client.multicastReceiver({ group: nextGroup(), port, interface: clientHost });
      const sender = await server.multicastSender({ group, port, interface: serverHost, ttl: 1 });
      const count = 50;
      for (let i = 0; i < count; i += 1) assert.equal(sender.send(Uint8Array.of(i, 0xff - i), 0, 2), true);
      for (const receiver of [first, second]) {
        for (let i = 0; i < count; i += 1) assert.deepEqual([...(await receiveDatagram(receiver))], [i, 0xff - i]);
        assert.equal(receiver.dropped, 0);
      }
      assert.equal(other.receive(new Uint8Array(16), 0, 16), WOULD_BLOCK);
      assert.equal(first.senderHost, serverHost);
      assert.equal(first.senderPort, sender.port);
      first.sendTo(Uint8Array.of(42), 0, 1, first.senderHost, first.senderPort);
      assert.deepEqual([...(await receiveDatagram(sender))], [42]);
      for (const socket of [first, second, other, sender]) socket.close();
    });

    test('datagrams that nobody reads in time are lost without harm', async () => {
      const near = await client.unicast({ host: clientHost, port: 0 });
      const far = await server.unicast({ host: serverHost, port: 0 });
      const bytes = new Uint8Array(1400);
      let sent = 0;
      await until(() => {
        for (let i = 0; i < 500 && sent < 6000; i += 1) {
          new DataView(bytes.buffer).setUint32(0, sent);
          if (!near.sendTo(bytes, 0, bytes.length, serverHost, far.port)) break;
          sent += 1;
        }
        return sent === 6000;
      }, 'all to be sent');
      for (let i = 0; i < 10; i += 1) await turnOfEventLoop();
      const into = new Uint8Array(2048);
      let received = 0;
      let last = -1;
      while (far.receive(into, 0, into.length) > 0) {
        const number = new DataView(into.buffer).getUint32(0);
        assert.ok(number > last, 'in order');
        last = number;
        received += 1;
      }
      assert.ok(received > 0 && received < sent, `${received} of ${sent} came`);
      assert.ok(far.dropped <= sent - received, 'counts no more than was lost');
      near.close();
      far.close();
    });

    test('news wake a loop that has gone to sleep, once; disarmed, they do not', async () => {
      const { listener, near, far } = await connectedPair();
      await until(() => server.poll() === 0, 'quiet');
      const socket = await server.unicast({ host: serverHost, port: 0 });
      const sender = await client.unicast({ host: clientHost, port: 0 });
      await until(() => server.poll() === 0, 'quiet');
      let wakes = 0;
      const wake = (): void => {
        wakes += 1;
      };
      // The server is never polled while it sleeps.
      const woken = async (what: string): Promise<void> => {
        const start = Date.now();
        while (wakes === 0 && Date.now() - start < GIVE_UP_MS) await turnOfEventLoop();
        for (let i = 0; i < 5; i += 1) await turnOfEventLoop();
        assert.equal(wakes, 1, what);
        wakes = 0;
      };
      server.arm(wake);
      for (let i = 0; i < 5; i += 1) await turnOfEventLoop();
      assert.equal(wakes, 0, 'no news yet');
      near.send(Uint8Array.of(1), 0, 1);
      await woken('bytes of a connection');
      server.arm(wake);
      await woken('armed when there is news already');
      assert.ok(server.poll() > 0);
      assert.deepEqual([...(await receiveExactly(far, 1))], [1]);
      server.arm(wake);
      sender.sendTo(Uint8Array.of(2), 0, 1, serverHost, socket.port);
      await woken('a datagram');
      assert.deepEqual([...(await receiveDatagram(socket))], [2]);
      await until(() => server.poll() === 0, 'quiet');
      server.arm(wake);
      const second = await client.connect({ host: serverHost, port: listener.port });
      await woken('a new connection');
      const secondFar = await acceptOne(listener);
      await until(() => server.poll() === 0, 'quiet');
      server.arm(wake);
      server.disarm();
      server.disarm();
      near.send(Uint8Array.of(3), 0, 1);
      for (let i = 0; i < 20; i += 1) await turnOfEventLoop();
      assert.equal(wakes, 0, 'disarmed');
      assert.deepEqual([...(await receiveExactly(far, 1))], [3]);
      for (const item of [near, far, second, secondFar, socket, sender, listener]) item.close();
    });

    test('closing the network closes everything it made', async () => {
      const pair = kind.make();
      const listener = await pair.server.listen({ host: serverHost, port: 0 });
      const near = await pair.client.connect({ host: serverHost, port: listener.port });
      const far = await (async () => {
        for (;;) {
          pair.server.poll();
          const accepted = listener.accept();
          if (accepted !== null) return accepted;
          await turnOfEventLoop();
        }
      })();
      const socket = await pair.server.unicast({ host: serverHost, port: 0 });
      pair.server.close();
      assert.equal(far.open, false);
      assert.equal(far.receive(new Uint8Array(1), 0, 1), CLOSED);
      assert.equal(socket.sendTo(new Uint8Array(1), 0, 1, serverHost, 1), false);
      const into = new Uint8Array(4);
      const start = Date.now();
      while (near.receive(into, 0, 4) !== CLOSED && Date.now() - start < GIVE_UP_MS) {
        await turnOfEventLoop();
        pair.client.poll();
      }
      assert.equal(near.receive(into, 0, 4), CLOSED);
      pair.client.close();
      pair.server.close();
    });
  });
}
