// What the in-memory transport adds to the contract: faults, from a seed, the same every time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { Prng } from '../base/prng.ts';
import { DueTimes } from './due_times.ts';
import { MemoryFabric, PERFECT_LINK, type FabricOptions, type LossyLink } from './memory_network.ts';
import { CLOSED, type DatagramSocket, type StreamConnection } from './transport.ts';

const HOST = '127.0.0.1';
const GROUP = { group: '239.255.0.1', port: 5000, interface: HOST };

/** Numbers of the datagrams that each of two receivers saw, of `count` sent. */
async function multicastRun(options: FabricOptions, count: number, pollEvery: number): Promise<number[][]> {
  const fabric = new MemoryFabric(options);
  const server = fabric.network();
  const client = fabric.network();
  const receivers = [await client.multicastReceiver(GROUP), await client.multicastReceiver(GROUP)];
  const sender = await server.multicastSender({ ...GROUP, ttl: 1 });
  const seen: number[][] = [[], []];
  const bytes = new Uint8Array(4);
  const view = new DataView(bytes.buffer);
  const drain = (): void => {
    client.poll();
    receivers.forEach((receiver: DatagramSocket, index) => {
      while (receiver.receive(bytes, 0, 4) > 0) seen[index].push(view.getUint32(0));
    });
  };
  for (let i = 0; i < count; i += 1) {
    view.setUint32(0, i);
    assert.equal(sender.send(bytes, 0, 4), true);
    if (i % pollEvery === 0) drain();
  }
  for (let i = 0; i < 100; i += 1) drain();
  for (const receiver of receivers) assert.equal(receiver.dropped, 0);
  server.close();
  client.close();
  return seen;
}

function lossy(faults: Partial<LossyLink>): FabricOptions {
  return { seed: 7, link: { ...PERFECT_LINK, ...faults } };
}

const EVERY = Array.from({ length: 2000 }, (_, i) => i);

test('a perfect link brings everything in order', async () => {
  for (const seen of await multicastRun({}, 2000, 10)) assert.deepEqual(seen, EVERY);
});

test('loss: some are missing, to each receiver others, the rest in order', async () => {
  const [first, second] = await multicastRun(lossy({ loss: 0.1 }), 2000, 10);
  for (const seen of [first, second]) {
    assert.ok(seen.length > 1700 && seen.length < 1900, `${seen.length} came`);
    assert.deepEqual(seen, seen.toSorted((a, b) => a - b));
    assert.equal(new Set(seen).size, seen.length);
  }
  assert.notDeepEqual(first, second);
});

test('duplication: all come, some twice', async () => {
  const [seen] = await multicastRun(lossy({ duplicate: 0.2 }), 2000, 10);
  assert.deepEqual([...new Set(seen)], EVERY);
  assert.ok(seen.length > 2300 && seen.length < 2500, `${seen.length} came`);
});

test('reordering: all come once, none later than the distance', async () => {
  const [seen] = await multicastRun(lossy({ reorder: 0.2, reorderDistance: 5 }), 2000, 200);
  assert.deepEqual(seen.toSorted((a, b) => a - b), EVERY);
  assert.notDeepEqual(seen, EVERY);
  seen.forEach((number, place) => assert.ok(Math.abs(number - place) <= 10, `${number} came at place ${place}`));
});

test('the last datagram held back comes with later polls', async () => {
  const [seen] = await multicastRun(lossy({ reorder: 1, reorderDistance: 20 }), 1, 1);
  assert.deepEqual(seen, [0]);
});

test('the same seed gives the same faults, another seed others', async () => {
  const faults = { loss: 0.1, duplicate: 0.1, reorder: 0.1, reorderDistance: 8 };
  const run = await multicastRun(lossy(faults), 2000, 7);
  assert.deepEqual(await multicastRun(lossy(faults), 2000, 7), run);
  assert.notDeepEqual(await multicastRun({ ...lossy(faults), seed: 8 }, 2000, 7), run);
});

test('a link that heals loses nothing more', async () => {
  const fabric = new MemoryFabric({ link: { ...PERFECT_LINK, loss: 1 } });
  const near = await fabric.network().unicast({ host: HOST, port: 0 });
  const network = fabric.network();
  const far = await network.unicast({ host: HOST, port: 0 });
  near.sendTo(Uint8Array.of(1), 0, 1, HOST, far.port);
  fabric.link = PERFECT_LINK;
  near.sendTo(Uint8Array.of(2), 0, 1, HOST, far.port);
  network.poll();
  const into = new Uint8Array(1);
  assert.equal(far.receive(into, 0, 1), 1);
  assert.equal(into[0], 2);
  assert.equal(far.receive(into, 0, 1), 0);
});

test('a full receive buffer drops and counts, as many as are missing', async () => {
  const fabric = new MemoryFabric();
  const near = await fabric.network().unicast({ host: HOST, port: 0 });
  const network = fabric.network();
  const far = await network.unicast({ host: HOST, port: 0 });
  const bytes = new Uint8Array(1472);
  for (let i = 0; i < 1000; i += 1) near.sendTo(bytes, 0, bytes.length, HOST, far.port);
  network.poll();
  let received = 0;
  while (far.receive(bytes, 0, bytes.length) > 0) received += 1;
  assert.ok(received > 0 && received < 1000);
  assert.equal(far.dropped, 1000 - received);
});

async function streamPair(fabric: MemoryFabric): Promise<{ near: StreamConnection; far: StreamConnection; poll: () => void }> {
  const server = fabric.network();
  const client = fabric.network();
  const listener = await server.listen({ host: HOST, port: 12345 });
  const near = await client.connect({ host: HOST, port: 12345 });
  server.poll();
  return {
    near, far: listener.accept()!,
    poll: () => {
      server.poll();
      client.poll();
    },
  };
}

test('streams cut into single bytes keep their order', async () => {
  const fabric = new MemoryFabric({ streams: { receiveChunkMax: 1, sendChunkMax: 1, bufferBytes: 3 } });
  const { near, far, poll } = await streamPair(fabric);
  const text = new TextEncoder().encode('one byte at a time');
  const received: number[] = [];
  const into = new Uint8Array(64);
  let sent = 0;
  while (received.length < text.length) {
    sent += near.send(text, sent, text.length - sent);
    if (sent % 2 === 0) poll();
    const count = far.receive(into, 0, 64);
    assert.ok(count <= 1);
    if (count === 1) received.push(into[0]);
    else poll();
  }
  assert.deepEqual(received, [...text]);
});

test('nothing is seen before the receiving side polls', async () => {
  const { near, far, poll } = await streamPair(new MemoryFabric());
  const into = new Uint8Array(8);
  near.send(Uint8Array.of(1, 2), 0, 2);
  near.close();
  assert.equal(far.readable, false);
  assert.equal(far.receive(into, 0, 8), 0);
  poll();
  assert.equal(far.receive(into, 0, 8), 2);
  assert.equal(far.receive(into, 0, 8), CLOSED);
});

test('what is sent to a peer that has gone is taken, then answered by a reset', async () => {
  const { near, far, poll } = await streamPair(new MemoryFabric());
  far.close();
  poll();
  assert.equal(near.receive(new Uint8Array(1), 0, 1), CLOSED);
  assert.equal(near.send(new Uint8Array(5), 0, 5), 5);
  poll();
  assert.equal(near.send(new Uint8Array(5), 0, 5), CLOSED);
});

// ── ways that take time ────────────────────────────────────────────────────────────────────────

function slowFabric(latencyNs: (from: string, to: string, kind: string) => number): { fabric: MemoryFabric; clock: ManualClock } {
  const clock = new ManualClock();
  return { fabric: new MemoryFabric({ clock, latency: latencyNs }), clock };
}

test('with a latency bytes arrive when they are due, in order, and the end comes behind them', async () => {
  let latencyNs = 100;
  const { fabric, clock } = slowFabric((from) => (from === 'client' ? latencyNs : 7));
  const server = fabric.network('server');
  const client = fabric.network('client');
  const listener = await server.listen({ host: HOST, port: 12345 });
  const near = await client.connect({ host: HOST, port: 12345 });
  server.poll();
  const far = listener.accept()!;
  const into = new Uint8Array(8);
  near.send(Uint8Array.of(1), 0, 1);
  clock.advance(40);
  latencyNs = 10; // would overtake
  near.send(Uint8Array.of(2), 0, 1);
  near.close();
  assert.equal(fabric.nextDueNs, 100);
  clock.advance(59);
  server.poll();
  assert.equal(far.readable, false);
  clock.advance(1);
  server.poll();
  assert.equal(fabric.nextDueNs, Infinity);
  assert.equal(far.receive(into, 0, 8), 2);
  assert.deepEqual([...into.subarray(0, 2)], [1, 2]);
  assert.equal(far.receive(into, 0, 8), CLOSED);
});

test('with a latency each receiver of a datagram has its own way', async () => {
  const { fabric, clock } = slowFabric((_from, to) => (to === 'far' ? 500 : 20));
  const sender = await fabric.network('exchange').multicastSender({ group: '239.1.1.1', port: 5000, interface: HOST, ttl: 1 });
  const networks = [fabric.network('near'), fabric.network('far')];
  const [near, far] = await Promise.all(
    networks.map((network) => network.multicastReceiver({ group: '239.1.1.1', port: 5000, interface: HOST })),
  );
  const into = new Uint8Array(8);
  const receive = (socket: DatagramSocket): number => {
    for (const network of networks) network.poll();
    return socket.receive(into, 0, 8);
  };
  sender.send(Uint8Array.of(9, 9), 0, 2);
  assert.equal(fabric.nextDueNs, 20);
  assert.equal(receive(near), 0);
  clock.advance(20);
  assert.equal(receive(near), 2);
  assert.equal(receive(far), 0);
  assert.equal(fabric.nextDueNs, 500);
  clock.advance(480);
  assert.equal(receive(far), 2);
});

/** The two ends of a stream, and their networks. */
async function joined(fabric: MemoryFabric) {
  const [server, client] = [fabric.network('server'), fabric.network('client')];
  const listener = await server.listen({ host: HOST, port: 7000 });
  const near = await client.connect({ host: HOST, port: 7000 });
  server.poll();
  return { server, client, near, far: listener.accept()! };
}

// One end was closed under its owner's feet, who went on as if it stood: nobody told it.
test('a stream that is reset between its ends tells both, and what was not read is lost at the one', async () => {
  const fabric = new MemoryFabric();
  const { server, client, near, far } = await joined(fabric);
  const into = new Uint8Array(8);
  far.send(Uint8Array.of(1, 2), 0, 2);
  near.send(Uint8Array.of(3), 0, 1);
  client.poll();
  fabric.reset(near);
  far.send(Uint8Array.of(4), 0, 1); // it does not know yet
  client.poll();
  server.poll();
  assert.deepEqual([client.readyCount, near.readable, near.open], [1, true, false]);
  assert.equal(near.receive(into, 0, 8), CLOSED);
  assert.equal(near.send(into, 0, 1), CLOSED);
  assert.equal(far.receive(into, 0, 8), 1, 'what had been sent before arrives');
  assert.equal(far.receive(into, 0, 8), CLOSED);
});

test('wires that are cut take what fits and bring nothing; mended, both ends are reset', async () => {
  const fabric = new MemoryFabric({ streams: { receiveChunkMax: Infinity, sendChunkMax: Infinity, bufferBytes: 4 } });
  const { server, client, near, far } = await joined(fabric);
  const into = new Uint8Array(8);
  fabric.sever('server');
  assert.deepEqual([near.send(into, 0, 3), near.send(into, 0, 3), near.send(into, 0, 3)], [3, 1, 0]);
  far.close();
  client.poll();
  assert.deepEqual([near.open, near.readable], [true, false]);
  fabric.mend();
  client.poll();
  server.poll();
  assert.equal(near.receive(into, 0, 8), CLOSED);
});

// What was sent between the mending and the reset's arrival was delivered, behind a hole of what had been lost: a
// client read the rest of one answer as the rest of another.
test('a stream that was cut brings nothing more when it is mended, until the reset has arrived', async () => {
  const clock = new ManualClock();
  const fabric = new MemoryFabric({ clock, latency: () => 1_000 });
  const { server, client, near, far } = await joined(fabric);
  const into = new Uint8Array(8);
  fabric.sever('server');
  assert.equal(near.send(into, 0, 3), 3);
  fabric.mend();
  assert.equal(near.send(into, 0, 2), 2, 'nobody has told it yet');
  clock.advance(1_000);
  client.poll();
  server.poll();
  assert.deepEqual([near.receive(into, 0, 8), far.receive(into, 0, 8), near.send(into, 0, 1)], [CLOSED, CLOSED, CLOSED]);
});

// Whoever waited for room was told by nobody that there was some, and slept as long as its idle time is.
test('room in a stream is told to who waits for it, and to nobody else', async () => {
  const told: string[] = [];
  const fabric = new MemoryFabric({
    clock: new ManualClock(), streams: { receiveChunkMax: Infinity, sendChunkMax: Infinity, bufferBytes: 4 },
    latency: (from, to) => {
      told.push(`${from} → ${to}`);
      return 0;
    },
  });
  const { server, near, far } = await joined(fabric);
  const into = new Uint8Array(8);
  near.send(into, 0, 2);
  server.poll();
  far.receive(into, 0, 8);
  assert.deepEqual(told.splice(0), ['client → server'], 'nobody waits');
  assert.deepEqual([near.send(into, 0, 3), near.send(into, 0, 3)], [3, 1]);
  server.poll();
  told.length = 0;
  far.receive(into, 0, 2);
  assert.deepEqual(told.splice(0), ['server → client']);
  far.receive(into, 0, 2);
  assert.deepEqual(told, []);
});

test('a latency without a clock is refused', () => {
  assert.throws(() => new MemoryFabric({ latency: () => 1 }), /expected a clock/);
});

test('due times: the earliest after now, as a sorted list says', () => {
  const prng = new Prng(11);
  const dues = new DueTimes();
  let list: number[] = [];
  for (let now = 0; now < 3_000; now++) {
    for (let i = prng.below(3); i > 0; i--) {
      const due = now + prng.below(50);
      dues.add(due);
      list.push(due);
    }
    list = list.filter((due) => due > now);
    assert.equal(dues.after(now), list.length === 0 ? Infinity : Math.min(...list));
  }
});
