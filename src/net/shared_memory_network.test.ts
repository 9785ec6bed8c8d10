// Shared memory between real processes: what they say to each other, what happens when one is killed at any moment, and
// what a network does with a segment, a table or a peer that is not as it should be.
import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import { Prng } from '../base/prng.ts';
import { isAlive, ownIdentity } from '../os/process_identity.ts';
import { SharedMemoryNetwork } from './shared_memory_network.ts';
import { FLOOD_BYTES_MAX, floodByte, floodLength, GROUP, GROUP_PORT, HOST } from './shared_memory_peer.reference.ts';
import { MEMBERS_MAX, sideAt, STREAMS_MAX } from './shared_tables.ts';
import { STREAM_PUBLISHED, STREAM_RELEASED } from './shared_stream.ts';
import { CLOSED, WOULD_BLOCK, type StreamConnection, type StreamListener } from './transport.ts';

const GIVE_UP_MS = 20_000; // only a hang gets here
/** Rounds in which the tables are overwritten with anything. */
const HOSTILE_ROUNDS = Number(process.env['SHARED_MEMORY_FUZZ_ROUNDS'] ?? 3);

let namesUsed = 0;
function newName(): string {
  namesUsed += 1;
  return `/outcry-test-${process.pid}-${namesUsed}`;
}

/** What of a network lies in /dev/shm. */
function filesOf(name: string): string[] {
  return readdirSync('/dev/shm').filter((file) => `/${file}`.startsWith(name)).toSorted();
}

async function until(condition: () => boolean, what: string, ...networks: SharedMemoryNetwork[]): Promise<void> {
  const start = Date.now();
  while (!condition()) {
    if (Date.now() - start > GIVE_UP_MS) assert.fail(`did not happen in ${GIVE_UP_MS} ms: ${what}`);
    await turnOfEventLoop();
    for (const network of networks) network.poll();
  }
}

describe('shared memory network', { skip: process.platform === 'linux' ? false : 'needs Linux' }, () => {
  const children: ChildProcess[] = [];
  after(() => {
    for (const child of children) child.kill('SIGKILL');
    for (const file of filesOf(`/outcry-test-${process.pid}-`)) rmSync(`/dev/shm/${file}`, { recursive: true });
  });

  /** A process on the network; what it says first is the number. */
  async function start(name: string, what: string, port = 0): Promise<{ child: ChildProcess; said: number }> {
    const child = fork(new URL('./shared_memory_peer.reference.ts', import.meta.url), [name, what, String(port)]);
    children.push(child);
    const said = await Promise.race([
      once(child, 'message').then(([value]) => value as number),
      once(child, 'exit').then(([code]) => assert.fail(`${what} ended with ${code}`)),
    ]);
    return { child, said };
  }

  async function killed(child: ChildProcess): Promise<void> {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Sends random bytes in random pieces and compares what comes back. */
  async function exchangeBytes(network: SharedMemoryNetwork, connection: StreamConnection, total: number): Promise<void> {
    const prng = new Prng(1);
    const source = new Uint8Array(total);
    for (let i = 0; i < total; i += 1) source[i] = prng.below(256);
    const into = new Uint8Array(total);
    let sent = 0;
    let received = 0;
    await until(() => {
      if (sent < total) sent += Math.max(0, connection.send(source, sent, Math.min(total - sent, prng.between(1, 30_000))));
      const count = received < total ? connection.receive(into, received, total - received) : 0;
      assert.notEqual(count, CLOSED);
      received += count;
      return received === total;
    }, 'all bytes to come back', network);
    assert.deepEqual(into, source);
  }

  test('two processes: bytes go and come back whole', async () => {
    const name = newName();
    const { child, said: port } = await start(name, 'echo');
    const network = new SharedMemoryNetwork(name);
    assert.equal(statSync(`/dev/shm${name}`).mode & 0o777, 0o600);
    const connection = await network.connect({ host: HOST, port });
    await exchangeBytes(network, connection, 600_000);
    connection.close();
    await killed(child);
    network.close();
    assert.deepEqual(filesOf(name), []);
  });

  test('a process that sleeps is woken by the bell', async () => {
    const name = newName();
    const { child, said: port } = await start(name, 'sleeper');
    const network = new SharedMemoryNetwork(name);
    const connection = await network.connect({ host: HOST, port });
    for (let round = 0; round < 20; round += 1) await exchangeBytes(network, connection, 30);
    await exchangeBytes(network, connection, 400_000); // more than a ring: both sides wait for room, too
    await killed(child);
    network.close();
  });

  test('kill -9 of the listening side: what had arrived is read, then the end; its port is free again', async () => {
    const name = newName();
    const network = new SharedMemoryNetwork(name);
    for (let round = 0; round < 3; round += 1) {
      const { child, said: port } = await start(name, 'echo');
      const connection = await network.connect({ host: HOST, port });
      connection.send(new Uint8Array(500).fill(round), 0, 500);
      const into = new Uint8Array(1_000);
      let received = 0;
      await until(() => connection.readable, 'the echo', network);
      await killed(child);
      await until(() => {
        const count = connection.receive(into, received, into.length - received);
        if (count > 0) received += count;
        return count === CLOSED;
      }, 'the end of the stream', network);
      assert.ok(received > 0 && into.subarray(0, received).every((byte) => byte === round), `${received} bytes had arrived`);
      assert.equal(connection.send(into, 0, 1), CLOSED);
      assert.equal(connection.open, false);
      connection.close();
      await assert.rejects(network.connect({ host: HOST, port }), { code: 'ECONNREFUSED' });
      const listener = await network.listen({ host: HOST, port });
      listener.close();
    }
    network.close();
    assert.deepEqual(filesOf(name), []);
  });

  test('kill -9 of the connecting side: the same, and its places are used again', async () => {
    const name = newName();
    const network = new SharedMemoryNetwork(name);
    const listener = await network.listen({ host: HOST, port: 0 });
    for (let round = 0; round < 3; round += 1) {
      const { child } = await start(name, 'silent', listener.port);
      let accepted: StreamConnection | null = null;
      await until(() => (accepted ??= listener.accept()) !== null, 'a connection', network);
      const far = accepted as unknown as StreamConnection;
      await killed(child);
      const into = new Uint8Array(2_000);
      let received = 0;
      await until(() => {
        const count = far.receive(into, received, into.length - received);
        if (count > 0) received += count;
        return count === CLOSED;
      }, 'the end of the stream', network);
      assert.equal(received, 1_000, 'all that the dead had sent');
      far.close();
      assert.equal(network.tables.words[sideAt(0, 0) - 128 / 4], 0, 'the first place is free');
    }
    network.close();
  });

  test('when all have been killed, the next one finds no trace of them', async () => {
    const name = newName();
    const first = await start(name, 'listen', 4_242);
    const second = await start(name, 'sleeper');
    await killed(first.child);
    await killed(second.child);
    assert.ok(filesOf(name).length > 1, 'they have left their files');
    const network = new SharedMemoryNetwork(name);
    assert.equal(network.tables.member, 0);
    await assert.rejects(network.connect({ host: HOST, port: 4_242 }), { code: 'ECONNREFUSED' });
    const listener = await network.listen({ host: HOST, port: 4_242 });
    assert.equal(listener.port, 4_242);
    network.close();
    assert.deepEqual(filesOf(name), []);
  });

  test('a process number that was given to another process is not the member that died', () => {
    const own = ownIdentity();
    assert.equal(isAlive(own), true);
    assert.equal(isAlive({ pid: own.pid, startTicks: own.startTicks - 1 }), false);
    assert.equal(isAlive({ pid: 0, startTicks: 0 }), false);
    const name = newName();
    const network = new SharedMemoryNetwork(name);
    const other = new SharedMemoryNetwork(name);
    network.tables.words[4096 / 4 + (64 / 4) * other.tables.member + 2] -= 1; // its start time: the number was used again
    network.tables.trySweep();
    assert.equal(network.tables.words[4096 / 4 + (64 / 4) * other.tables.member], 0, 'the place is free');
    other.close();
    network.close();
  });

  test('a flood of datagrams from another process: whole, in order, and the lost are counted', async () => {
    const name = newName();
    const network = new SharedMemoryNetwork(name);
    const receiver = await network.multicastReceiver({ group: GROUP, port: GROUP_PORT, interface: HOST });
    const { child } = await start(name, 'flood');
    const into = new Uint8Array(FLOOD_BYTES_MAX);
    const view = new DataView(into.buffer);
    let next = 0;
    let received = 0;
    let missed = 0;
    const readSome = (): boolean => {
      for (let i = 0; i < 500; i += 1) {
        const length = receiver.receive(into, 0, into.length);
        if (length === WOULD_BLOCK) break;
        const number = view.getUint32(0, true);
        assert.ok(number >= next, `${number} after ${next - 1}`);
        assert.equal(length, floodLength(number));
        for (let at = 4; at < length; at += 1) if (into[at] !== floodByte(number, at)) assert.fail(`byte ${at} of ${number}`);
        missed += number - next;
        next = number + 1;
        received += 1;
      }
      // Slow now and then, by more than a ring: reading goes on while the writer overwrites what is read.
      if (received > 2_000 && missed === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
      return received > 4_000 && missed > 0;
    };
    await until(readSome, 'datagrams, and some to be missed', network);
    assert.equal(receiver.dropped, missed);
    await killed(child);
    network.close();
  });

  test('whatever stands in the tables and cursors, no call fails', async () => {
    const name = newName();
    const network = new SharedMemoryNetwork(name);
    const prng = new Prng(7);
    for (let round = 0; round < HOSTILE_ROUNDS; round += 1) {
      const group = '239.255.9.9';
      const far = new SharedMemoryNetwork(name);
      const listener = await network.listen({ host: HOST, port: 0 });
      const near = await far.connect({ host: HOST, port: listener.port });
      const sender = await far.multicastSender({ group, port: 5_000, interface: HOST, ttl: 1 });
      const receiver = await network.multicastReceiver({ group, port: 5_000, interface: HOST });
      const socket = await network.unicast({ host: HOST, port: 0 });
      const buffer = new Uint8Array(3_000);
      const { words } = network.tables;
      const connections: StreamConnection[] = [];
      for (let step = 0; step < 3_000; step += 1) {
        // Tables behind the members (who lives must stay true), and the cursors of streams and sockets.
        const from = 8 * 1024 / 4;
        const to = 320 * 1024 / 4;
        const anything = [prng.u32() | 0, prng.below(600), -1, 0x7fff_ffff][prng.below(4)];
        words[prng.chance(0.5) ? prng.between(from, to) : sideAt(prng.below(2), prng.below(2)) + prng.below(3)] = anything;
        network.poll();
        far.poll();
        const accepted = listener.accept();
        if (accepted !== null) connections.push(accepted);
        for (const connection of connections) {
          const count = connection.receive(buffer, 0, buffer.length);
          assert.ok(count >= CLOSED && count <= buffer.length);
          connection.send(buffer, 0, 100);
        }
        near.send(buffer, 0, prng.between(1, 3_000));
        near.receive(buffer, 0, 3_000);
        sender.send(buffer, 0, 500);
        assert.ok(receiver.receive(buffer, 0, 3_000) <= 3_000);
        socket.sendTo(buffer, 0, 20, HOST, socket.port);
        assert.ok(socket.receive(buffer, 0, 3_000) <= 3_000);
        if (step % 500 === 0) network.tables.trySweep();
      }
      far.close();
      for (const connection of connections) connection.close();
      listener.close();
      receiver.close();
      socket.close();
      words.fill(0, 8 * 1024 / 4, 1024 * 1024 / 4); // for the next round
    }
    network.close();
  });

  test('cursors that cannot be end that stream and no other', async () => {
    const name = newName();
    const network = new SharedMemoryNetwork(name);
    const listener = await network.listen({ host: HOST, port: 0 });
    const connect = async (): Promise<[StreamConnection, StreamConnection]> => {
      const near = await network.connect({ host: HOST, port: listener.port });
      let far: StreamConnection | null = null;
      await until(() => (far ??= listener.accept()) !== null, 'a connection', network);
      return [near, far as unknown as StreamConnection];
    };
    const [bad, badFar] = await connect();
    const [good, goodFar] = await connect();
    const { words } = network.tables;
    words[sideAt(0, 0) + STREAM_PUBLISHED] = -5;
    words[sideAt(0, 1) + STREAM_RELEASED] = 12_345;
    network.poll();
    const into = new Uint8Array(200_000);
    assert.equal(badFar.receive(into, 0, 10), CLOSED);
    assert.equal(badFar.open, false);
    assert.equal(bad.send(into, 0, into.length), CLOSED);
    good.send(Uint8Array.of(1, 2, 3), 0, 3);
    network.poll();
    assert.equal(goodFar.receive(into, 0, 10), 3);
    for (const connection of [bad, badFar, good, goodFar]) connection.close();
    network.close();
  });

  test('limits have answers: backlog, streams, members', async () => {
    const name = newName();
    const network = new SharedMemoryNetwork(name);
    const short = await network.listen({ host: HOST, port: 0, backlog: 2 });
    await network.connect({ host: HOST, port: short.port });
    await network.connect({ host: HOST, port: short.port });
    await assert.rejects(network.connect({ host: HOST, port: short.port }), { code: 'ETIMEDOUT' });
    const listener: StreamListener = await network.listen({ host: HOST, port: 0, backlog: STREAMS_MAX });
    const made: StreamConnection[] = [];
    for (let i = 2; i < STREAMS_MAX; i += 1) made.push(await network.connect({ host: HOST, port: listener.port }));
    await assert.rejects(
      network.connect({ host: HOST, port: listener.port }), /no place is free \(ENOBUFS\); close connections or sockets of this network/,
    );
    made[0].close();
    listener.close(); // what waited there has ended
    await until(() => made.slice(1).every((connection) => connection.receive(new Uint8Array(1), 0, 1) === CLOSED), 'the end of all', network);
    for (const connection of made) connection.close();
    const again = await network.listen({ host: HOST, port: 0 });
    await network.connect({ host: HOST, port: again.port });
    const others: SharedMemoryNetwork[] = [];
    for (let i = 1; i < MEMBERS_MAX; i += 1) others.push(new SharedMemoryNetwork(name));
    assert.throws(() => new SharedMemoryNetwork(name), /64 processes use it, which is the most/);
    for (const other of others) other.close();
    new SharedMemoryNetwork(name).close();
    network.close();
    assert.deepEqual(filesOf(name), []);
  });

  test('what is no segment of this user is refused, with what was expected', () => {
    for (const bad of ['outcry', '/', '/../x', '/a/b', '', '/-x']) {
      assert.throws(() => new SharedMemoryNetwork(bad), /shared memory: expected a name such as \/outcry/);
    }
    const name = newName();
    const path = `/dev/shm${name}`;
    writeFileSync(path, 'hello', { mode: 0o600 });
    assert.throws(() => new SharedMemoryNetwork(name), /expected \d+ bytes, was 5: another version made it/);
    chmodSync(path, 0o644);
    assert.throws(() => new SharedMemoryNetwork(name), /with permissions 600, was user \d+, 644/);
    rmSync(path);
    symlinkSync('/etc/passwd', path);
    assert.throws(() => new SharedMemoryNetwork(name), /cannot be opened \(ELOOP\)/);
    rmSync(path);
    mkdirSync(path);
    assert.throws(() => new SharedMemoryNetwork(name), /cannot be opened \(EISDIR\)/);
    rmdirSync(path);
    const network = new SharedMemoryNetwork(name);
    const { words } = network.tables;
    words[1] = 99;
    assert.throws(() => new SharedMemoryNetwork(name), /expected a shared-memory network of version 1, was .* version 99/);
    words[1] = 1;
    network.close();
    assert.equal(existsSync(path), false);
  });

  test('sending and receiving allocate nothing', async () => {
    const name = newName();
    const server = new SharedMemoryNetwork(name);
    const client = new SharedMemoryNetwork(name);
    const listener = await server.listen({ host: HOST, port: 0 });
    const near = await client.connect({ host: HOST, port: listener.port });
    server.poll();
    const far = listener.accept()!;
    const sender = await server.multicastSender({ group: GROUP, port: GROUP_PORT, interface: HOST, ttl: 1 });
    const receiver = await client.multicastReceiver({ group: GROUP, port: GROUP_PORT, interface: HOST });
    const socket = await client.unicast({ host: HOST, port: 0 });
    const message = new Uint8Array(1_400);
    const into = new Uint8Array(2_048);
    const rounds = 20_000;
    const run = (): void => {
      for (let i = 0; i < rounds; i += 1) {
        near.send(message, 0, 30);
        sender.send(message, 0, message.length);
        socket.sendTo(message, 0, 100, HOST, socket.port);
        server.poll();
        client.poll();
        if (far.receive(into, 0, 64) !== 30) assert.fail('a message');
        if (receiver.receive(into, 0, into.length) !== message.length) assert.fail('a datagram');
        if (socket.receive(into, 0, into.length) !== 100) assert.fail('a datagram of its own');
      }
    };
    let least = Infinity;
    for (let attempt = 0; attempt < 20 && least > 0.1; attempt += 1) {
      const before = process.memoryUsage().heapUsed;
      run();
      const grown = process.memoryUsage().heapUsed - before;
      if (grown >= 0) least = Math.min(least, grown / rounds);
    }
    assert.ok(least <= 0.1, `${least} bytes a round of three messages`);
    client.close();
    server.close();
  });
});
