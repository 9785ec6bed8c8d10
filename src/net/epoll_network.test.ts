// What the contract cannot see of the epoll transport: descriptors, allocation, idle connections, the
// kernel's own counts, and bytes that go straight into shared WebAssembly memory.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { after, describe, test } from 'node:test';
import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import { GCProfiler } from 'node:v8';
import { closedPort } from '../../test/closed_port.ts';
import { loadLibc } from '../os/libc.ts';
import { EpollNetwork } from './epoll_network.ts';
import { CLOSED, type StreamConnection, type StreamListener } from './transport.ts';

const HOST = '127.0.0.1';

function unavailable(): string | false {
  try {
    loadLibc();
    return false;
  } catch (error) {
    return String(error);
  }
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

async function accept(network: EpollNetwork, listener: StreamListener): Promise<StreamConnection> {
  for (let i = 0; i < 10_000; i += 1) {
    network.poll();
    const connection = listener.accept();
    if (connection !== null) return connection;
    await turnOfEventLoop();
  }
  return assert.fail('nobody came');
}

describe('epoll transport', { skip: unavailable() }, () => {
  const networks: EpollNetwork[] = [];
  function network(): EpollNetwork {
    const made = new EpollNetwork();
    networks.push(made);
    return made;
  }
  after(() => networks.forEach((made) => made.close()));

  test('leaves no descriptor open, whoever closes and whatever fails', async (t) => {
    const port = await closedPort(t);
    const warm = new EpollNetwork();
    await assert.rejects(warm.connect({ host: HOST, port }), { code: 'ECONNREFUSED' });
    warm.close();
    const before = openDescriptors();
    for (let round = 0; round < 20; round += 1) {
      const net = new EpollNetwork();
      const listener = await net.listen({ host: HOST, port: 0 });
      const pairs: StreamConnection[] = [];
      for (let i = 0; i < 5; i += 1) {
        pairs.push(await net.connect({ host: HOST, port: listener.port }), await accept(net, listener));
      }
      await net.connect({ host: HOST, port: listener.port }); // never accepted
      const receiver = await net.multicastReceiver({ group: '239.255.7.7', port: 0, interface: HOST });
      await net.multicastSender({ group: '239.255.7.7', port: receiver.port, interface: HOST, ttl: 1 });
      await net.unicast({ host: HOST, port: 0 });
      await assert.rejects(net.listen({ host: HOST, port: listener.port }), { code: 'EADDRINUSE' });
      await assert.rejects(net.listen({ host: '203.0.113.7', port: 0 }), { code: 'EADDRNOTAVAIL' });
      await assert.rejects(net.multicastReceiver({ group: '239.255.7.7', port: 0, interface: '203.0.113.7' }), { code: 'ENODEV' });
      pairs[0].close(); // its peer sees the end, and is closed by the network
      pairs[3].close();
      pairs[3].close();
      if (round % 2 === 0) listener.close();
      net.poll();
      net.close();
      net.close();
      await assert.rejects(net.listen({ host: HOST, port: 0 }), /the network was closed/);
    }
    assert.equal(openDescriptors(), before);
  });

  test('receives straight into shared WebAssembly memory, at any place', async () => {
    const net = network();
    const memory = new WebAssembly.Memory({ initial: 40, maximum: 40, shared: true });
    const bytes = new Uint8Array(memory.buffer);
    const listener = await net.listen({ host: HOST, port: 0 });
    const near = await net.connect({ host: HOST, port: listener.port });
    const far = await accept(net, listener);
    for (const at of [0, 1, 65_535, 1_000_003, bytes.length - 5]) {
      bytes.fill(0);
      const source = Uint8Array.of(0, at & 255, 2, 3, 4, 5);
      assert.equal(near.send(source, 1, 5), 5);
      net.poll();
      assert.equal(far.receive(bytes, at, bytes.length - at), 5);
      assert.deepEqual([...bytes.subarray(at, at + 5)], [at & 255, 2, 3, 4, 5]);
      if (at > 0) assert.equal(bytes[at - 1], 0);
      if (at + 5 < bytes.length) assert.equal(bytes[at + 5], 0);
      // And out of it again.
      assert.equal(far.send(bytes, at, 5), 5);
      net.poll();
      const back = new Uint8Array(5);
      assert.equal(near.receive(back, 0, 5), 5);
      assert.deepEqual(back, source.subarray(1));
    }
    assert.throws(() => far.receive(bytes, bytes.length - 4, 5), /the receive range lies inside the target/);
    assert.throws(() => far.send(bytes, -1, 5), /the send range lies inside the source/);
  });

  test('memory that was detached is not written to', async () => {
    const net = network();
    const listener = await net.listen({ host: HOST, port: 0 });
    const near = await net.connect({ host: HOST, port: listener.port });
    const far = await accept(net, listener);
    const target = new Uint8Array(64);
    near.send(Uint8Array.of(1), 0, 1);
    net.poll();
    assert.equal(far.receive(target, 0, 64), 1);
    structuredClone(target.buffer, { transfer: [target.buffer] });
    near.send(Uint8Array.of(2), 0, 1);
    net.poll();
    assert.throws(() => far.receive(target, 0, 64), /the receive range lies inside the target/);
  });

  test('moving bytes and datagrams allocates nothing', async () => {
    const net = network();
    const memory = new Uint8Array(new WebAssembly.Memory({ initial: 3, maximum: 3, shared: true }).buffer);
    const listener = await net.listen({ host: HOST, port: 0 });
    const near = await net.connect({ host: HOST, port: listener.port });
    const far = await accept(net, listener);
    const socket = await net.unicast({ host: HOST, port: 0 });
    const { port } = socket;
    const turn = (i: number): number => {
      const at = (i * 24) & 0xffff;
      let moved = near.send(memory, at, 30);
      if (!socket.sendTo(memory, at, 34, HOST, port)) return 0;
      net.poll();
      moved += net.readyCount > 0 ? net.ready(0).receive(memory, 0x10000 + at, 64) : 0;
      moved += far.receive(memory, 0x10000, 64); // nothing left
      moved += socket.receive(memory, 0x10000 + at, 64);
      return moved + socket.receive(memory, 0x10000, 64);
    };
    const operations = 20_000;
    for (let i = 0; i < operations; i += 1) assert.equal(turn(i), 94);
    let least = Infinity;
    for (let attempt = 0; attempt < 5 && least > 0.1; attempt += 1) {
      const profiler = new GCProfiler();
      profiler.start();
      const before = process.memoryUsage().heapUsed;
      let moved = 0;
      for (let i = 0; i < operations; i += 1) moved += turn(i);
      const bytes = process.memoryUsage().heapUsed - before;
      const collections = profiler.stop()?.statistics.length ?? 0;
      assert.equal(moved, operations * 94);
      if (collections === 0) least = Math.min(least, bytes / operations);
    }
    assert.ok(least <= 0.1 * 6, `${least} bytes a turn of six operations, expected at most 0.6`);
  });

  test('a thousand idle connections are never asked', async () => {
    const net = network();
    const listener = await net.listen({ host: HOST, port: 0 });
    const far: StreamConnection[] = [];
    const near: StreamConnection[] = [];
    for (let i = 0; i < 1000; i += 1) {
      near.push(await net.connect({ host: HOST, port: listener.port }));
      far.push(await accept(net, listener));
    }
    for (let i = 0; i < 10; i += 1) net.poll();
    for (let i = 0; i < 1000; i += 1) {
      assert.equal(net.poll(), 0);
      assert.equal(net.readyCount, 0);
    }
    near[777].send(Uint8Array.of(7), 0, 1);
    assert.equal(net.poll(), 1);
    assert.equal(net.readyCount, 1);
    assert.equal(net.ready(0), far[777]);
    for (const connection of [...near, ...far]) connection.close();
    listener.close();
  });

  test('the only busy connection is asked directly, and nobody else is forgotten', async () => {
    const server = network();
    const client = network();
    const listener = await server.listen({ host: HOST, port: 0 });
    const near = await client.connect({ host: HOST, port: listener.port });
    const far = await accept(server, listener);
    const quietNear = await client.connect({ host: HOST, port: listener.port });
    const quietFar = await accept(server, listener);
    const socket = await server.unicast({ host: HOST, port: 0 });
    const bytes = new Uint8Array(64);
    let foundWithoutNews = 0;
    const oneWay = (): void => {
      near.send(bytes, 0, 30);
      const news = server.poll();
      let received = 0;
      for (let i = 0; i < server.readyCount; i += 1) received += server.ready(i).receive(bytes, 0, 64);
      if (received === 30 && news === 0) foundWithoutNews += 1;
      assert.equal(received, 30);
      server.poll();
      assert.equal(far.receive(bytes, 0, 64), 0);
    };
    for (let i = 0; i < 1000; i += 1) oneWay();
    assert.ok(foundWithoutNews > 900, `${foundWithoutNews} of 1000 without asking epoll`);
    const pollsUntil = (condition: () => boolean): number => {
      for (let polls = 1; polls < 1000; polls += 1) {
        server.poll();
        if (condition()) return polls;
      }
      return assert.fail('not within 1000 polls');
    };
    quietNear.send(bytes, 0, 5);
    assert.ok(pollsUntil(() => quietFar.receive(bytes, 0, 64) === 5) <= 17);
    for (let i = 0; i < 100; i += 1) oneWay();
    client.poll();
    const sender = await client.unicast({ host: HOST, port: 0 });
    sender.sendTo(bytes, 0, 7, HOST, socket.port);
    assert.ok(pollsUntil(() => socket.receive(bytes, 0, 64) === 7) <= 17);
    for (let i = 0; i < 100; i += 1) oneWay();
    const late = await client.connect({ host: HOST, port: listener.port });
    let lateFar: StreamConnection | null = null;
    assert.ok(pollsUntil(() => (lateFar = listener.accept()) !== null) <= 17);
    late.close();
    lateFar!.close();
    for (let i = 0; i < 100; i += 1) oneWay();
    // Long idle: epoll alone is asked again, and hears it.
    for (let i = 0; i < 20_000; i += 1) server.poll();
    near.send(bytes, 0, 3);
    assert.equal(server.poll(), 1);
    assert.equal(far.receive(bytes, 0, 64), 3);
    for (let i = 0; i < 100; i += 1) oneWay();
    near.close();
    assert.ok(pollsUntil(() => far.receive(bytes, 0, 64) === CLOSED) <= 17);
    far.close();
    assert.equal(server.poll(), 0);
    assert.equal(server.readyCount, 0);
  });

  test('a connection closed between two polls does not disturb the one that gets its descriptor', async () => {
    const net = network();
    const listener = await net.listen({ host: HOST, port: 0 });
    for (let i = 0; i < 50; i += 1) {
      const near = await net.connect({ host: HOST, port: listener.port });
      const far = await accept(net, listener);
      near.send(Uint8Array.of(1), 0, 1); // news for `far`, which is closed before the poll
      far.close();
      const next = await net.connect({ host: HOST, port: listener.port });
      const nextFar = await accept(net, listener);
      assert.equal(nextFar.receive(new Uint8Array(1), 0, 1), 0);
      next.send(Uint8Array.of(2), 0, 1);
      net.poll();
      const into = new Uint8Array(2);
      assert.equal(nextFar.receive(into, 0, 2), 1);
      assert.equal(into[0], 2);
      near.close();
      next.close();
      nextFar.close();
    }
  });

  test('datagrams dropped by the kernel are counted exactly', async () => {
    const net = network();
    const near = await net.unicast({ host: HOST, port: 0 });
    const far = await net.unicast({ host: HOST, port: 0 });
    const bytes = new Uint8Array(1400);
    for (let i = 0; i < 1000; i += 1) {
      net.poll();
      assert.equal(near.sendTo(bytes, 0, bytes.length, HOST, far.port), true);
    }
    net.poll();
    let received = 0;
    while (far.receive(bytes, 0, bytes.length) > 0) received += 1;
    assert.ok(received < 1000);
    assert.equal(far.dropped, 1000 - received);
    far.close();
    assert.equal(far.dropped, 1000 - received);
  });

  test('datagrams to nobody, and empty ones, disturb nothing', async () => {
    const net = network();
    const near = await net.unicast({ host: HOST, port: 0 });
    const gone = await net.unicast({ host: HOST, port: 0 });
    const { port } = gone;
    gone.close();
    for (let i = 0; i < 10; i += 1) {
      near.sendTo(Uint8Array.of(1), 0, 1, HOST, port);
      net.poll();
      assert.equal(near.receive(new Uint8Array(4), 0, 4), 0);
    }
    assert.equal(near.sendTo(Uint8Array.of(1), 0, 1, '255.255.255.255', 9), true); // not permitted
    assert.equal(near.refused, 1);
    const { createSocket } = await import('node:dgram');
    const other = createSocket('udp4');
    await new Promise<void>((resolve) => {
      other.send(new Uint8Array(0), near.port, HOST, () => resolve());
    });
    await new Promise<void>((resolve) => {
      other.send(Uint8Array.of(9), near.port, HOST, () => resolve());
    });
    net.poll();
    const into = new Uint8Array(4);
    assert.equal(near.receive(into, 0, 4), 1);
    assert.equal(into[0], 9);
    other.close();
  });

  test('a half-closed peer still gets its answers', async () => {
    const net = network();
    const listener = await net.listen({ host: HOST, port: 0 });
    const peer = createConnection({ host: HOST, port: listener.port, allowHalfOpen: true });
    const answers: Buffer[] = [];
    peer.on('data', (chunk: Buffer) => answers.push(chunk));
    const peerEnded = new Promise<void>((resolve) => void peer.once('end', () => resolve()));
    peer.end('questions');
    const far = await accept(net, listener);
    const into = new Uint8Array(64);
    let received = 0;
    for (let last = 0; last !== CLOSED; last = far.receive(into, received, 64 - received)) {
      received += last;
      net.poll();
      await turnOfEventLoop();
    }
    assert.equal(new TextDecoder().decode(into.subarray(0, received)), 'questions');
    assert.equal(far.open, false);
    assert.equal(far.send(into, 0, received), received);
    far.close();
    await peerEnded;
    assert.equal(Buffer.concat(answers).toString(), 'questions');
    peer.destroy();
  });
});

for (const cuts of [true, false]) {
  const how = cuts ? 'cut up by the system' : 'one by one where the system cannot cut';
  test(`datagrams of one call arrive each by itself, the last one shorter: ${how}`, { skip: unavailable() }, async () => {
    const network = new EpollNetwork();
    const group = `239.255.${60 + (process.pid & 63)}.${cuts ? 1 : 2}`;
    const receiver = await network.multicastReceiver({ group, port: 0, interface: '127.0.0.1' });
    const sender = await network.multicastSender({ group, port: receiver.port, interface: '127.0.0.1', ttl: 1 });
    if (!cuts) {
      // Without check sums the kernel does not cut: SOL_SOCKET, SO_NO_CHECK.
      const { fd } = sender as unknown as { fd: number };
      assert.equal(loadLibc().setsockopt(fd, 1, 11, Int32Array.of(1), 4), 0);
    }
    const source = new Uint8Array(5_000);
    for (let i = 0; i < source.length; i += 1) source[i] = (i * 7) % 253;
    for (let round = 0; round < 2; round += 1) {
      assert.equal(sender.sendSegments?.(source, 100, 3_300, 1_000), true);
      assert.equal(sender.send(source, 0, 50), true); // and a plain one is not cut
      const into = new Uint8Array(2_000);
      const lengths: number[] = [];
      for (let at = 100; lengths.length < 5; ) {
        network.poll();
        const length = receiver.receive(into, 0, into.length);
        if (length === 0) continue;
        lengths.push(length);
        const from = lengths.length === 5 ? 0 : at;
        assert.deepEqual(into.slice(0, length), source.slice(from, from + length));
        at += length;
      }
      assert.deepEqual(lengths, [1_000, 1_000, 1_000, 300, 50]);
    }
    assert.equal(sender.refused, 0);
    network.close();
  });
}

// The kernel told of room for each datagram that had left, so whoever published was never without news: an exchange that sent a
// heartbeat woke up twice for it, and the way past epoll for its only busy connection was never taken.
test('a datagram that has left is no news', { skip: unavailable() }, async () => {
  const [near, far] = [new EpollNetwork(), new EpollNetwork()];
  const sender = await near.unicast({ host: HOST, port: 0 });
  const receiver = await far.unicast({ host: HOST, port: 0 });
  const bytes = new Uint8Array(100);
  let news = 0;
  for (let sent = 0, received = 0; received < 50; ) {
    if (sent === received) sent += sender.sendTo(bytes, 0, 100, HOST, receiver.port) ? 1 : 0;
    news += near.poll();
    far.poll();
    if (receiver.receive(bytes, 0, 100) === 100) received += 1;
  }
  assert.equal(news, 0);
  near.close();
  far.close();
});

/** A network namespace of its own whose loopback takes some megabytes a second, so that a sender finds it full. */
function slowLoopback(script: string): { status: number | null; stderr: string } {
  const set = 'ip link set lo up && tc qdisc add dev lo root tbf rate 80mbit burst 20000 limit 10000000';
  const command = `${set} || exit 99; exec "$0" "$@"`;
  const node = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
  const { status, stderr } = spawnSync('unshare', ['-rn', 'sh', '-c', command, process.execPath, ...node], { encoding: 'utf8' });
  return { status, stderr };
}

test('a datagram socket without room says so, and hears when there is room again', { skip: unavailable() }, (t) => {
  const { status, stderr } = slowLoopback(`
    import assert from 'node:assert/strict';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { EpollNetwork } from ${JSON.stringify(new URL('epoll_network.ts', import.meta.url).href)};
    const network = new EpollNetwork();
    const sender = await network.unicast({ host: '${HOST}', port: 0 });
    const receiver = await new EpollNetwork().unicast({ host: '${HOST}', port: 0 });
    const bytes = new Uint8Array(1_400);
    const send = () => sender.sendTo(bytes, 0, bytes.length, '${HOST}', receiver.port);
    for (let round = 0; round < 3; round += 1) {
      let sent = 0;
      while (send()) assert.ok((sent += 1) < 100_000, 'the socket fills up');
      assert.equal(send(), false, 'it stays full without a call');
      let woken = false;
      network.arm(() => { woken = true; });
      for (let waited = 0; !woken; waited += 1) {
        assert.ok(waited < 10_000, 'a sleeper is woken by room');
        await sleep(1);
      }
      network.disarm();
      network.poll();
      assert.equal(send(), true, 'there is room again');
    }
    assert.equal(sender.refused, 0);
    process.exit();
  `);
  if (status === 99 || status === null) return t.skip(`no network namespace with a slow loopback here: ${stderr}`);
  assert.equal(status, 0, stderr);
});
