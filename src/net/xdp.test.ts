// AF_XDP on a veth pair of its own: against the kernel's sockets at the other end, drops and back-pressure, what a close and
// a killed process leave behind, what is said when something is missing.
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Namespaces, namespacesUnavailable } from '../../test/bypass/namespaces.ts';
import { inCi } from '../../test/requirements.ts';
import { NativeLibrary } from '../os/native_library.ts';
import { loadLibXdp, RING_SIZE, XdpError } from '../os/xdp_socket.ts';
import { formatIpv4, parseIpv4 } from './address.ts';
import { FrameNetwork } from './frame_network.ts';
import { CLOSED, type StreamConnection } from './transport.ts';
import { openXdpNetwork, type XdpNetworkOptions } from './xdp_network.ts';

const OURS = '10.77.1.1';
const KERNELS = '10.77.1.2';
const PORT = 7000;
const GROUP = '239.255.7.7';
const GIVE_UP_MS = 15_000; // only a hang gets here
const PEER = fileURLToPath(new URL('../../test/bypass/kernel_peer.ts', import.meta.url));

function skip(): string | false {
  const reason = namespacesUnavailable();
  if (reason !== false || inCi()) return reason;
  try {
    loadLibXdp();
    return false;
  } catch (error) {
    return String(error);
  }
}

function byteAt(position: number): number {
  return (Math.imul(position, 0x9e3779b1) >>> 24) ^ (position & 0xff);
}

async function until(networks: FrameNetwork[], condition: () => boolean, what: string): Promise<void> {
  const start = Date.now();
  while (!condition()) {
    if (Date.now() - start > GIVE_UP_MS) assert.fail(`did not happen in ${GIVE_UP_MS} ms: ${what}`);
    await turnOfEventLoop();
    for (const network of networks) network.poll();
  }
}

describe('AF_XDP', { skip: skip() }, () => {
  let spaces: Namespaces;
  before(() => (spaces = new Namespaces()));
  after(() => spaces.remove());

  function open(space: string, link: string, host: string, more: Partial<XdpNetworkOptions> = {}): FrameNetwork {
    return spaces.within(space, () => openXdpNetwork({ interface: link, ipv4: parseIpv4(host), prefixBits: 24, ...more }));
  }

  function programOn(space: string, link: string): boolean {
    return /prog\/xdp/.test(spawnSync('ip', ['-n', space, 'link', 'show', link], { encoding: 'utf8' }).stdout);
  }

  describe('against the kernel\'s sockets', () => {
    let network: FrameNetwork;
    let peer: ChildProcess;
    before(async () => {
      const links = spaces.join();
      spaces.kernelAt(spaces.b, links.b, `${KERNELS}/24`);
      peer = spawn(...spaces.command(spaces.b, process.execPath, PEER, KERNELS, String(PORT), GROUP), { stdio: ['ignore', 'pipe', 'inherit'] });
      await new Promise((resolve) => peer.stdout!.once('data', resolve));
      network = open(spaces.a, links.a, OURS);
    });
    after(() => {
      peer.kill('SIGKILL');
      network.close();
    });

    /** Sends `total` bytes, has them back, ends, and sees the peer's end. */
    async function echoed(stream: StreamConnection, total: number): Promise<void> {
      const chunk = new Uint8Array(10_000);
      const into = new Uint8Array(7_777);
      let sent = 0;
      let received = 0;
      await until([network], () => {
        for (let i = 0; i < chunk.length; i += 1) chunk[i] = byteAt(sent + i);
        sent += stream.send(chunk, 0, Math.min(chunk.length, total - sent));
        for (;;) {
          const count = stream.receive(into, 0, into.length);
          assert.notEqual(count, CLOSED);
          for (let i = 0; i < count; i += 1) if (into[i] !== byteAt(received + i)) assert.fail(`byte ${received + i} differs`);
          received += count;
          if (count === 0) return received === total;
        }
      }, `${total} bytes to come back`);
    }

    test('a TCP connection to the kernel: bytes both ways in order, and an orderly end', async () => {
      const stream = await network.connect({ host: KERNELS, port: PORT });
      await echoed(stream, 2_000_000);
      stream.close();
      assert.equal(stream.open, false);
      assert.equal(network.streamCounters.resetsSent, 0);
    });

    test('a TCP connection from the kernel', async () => {
      const listener = await network.listen({ host: OURS, port: 0 });
      const socket = await network.unicast({ host: OURS, port: 0 });
      const word = new TextEncoder().encode(`connect ${listener.port}`);
      assert.equal(socket.sendTo(word, 0, word.length, KERNELS, PORT), true);
      let accepted: StreamConnection | null = null;
      await until([network], () => (accepted ??= listener.accept()) !== null, 'a connection from the kernel');
      await echoed(accepted!, 500_000);
      accepted!.close();
      listener.close();
      socket.close();
    });

    test('a port on which nobody listens is refused at once', async () => {
      await assert.rejects(network.connect({ host: KERNELS, port: 9 }), { code: 'ECONNREFUSED' });
    });

    test('a host that is not there is an error that says so', async () => {
      await assert.rejects(network.connect({ host: '10.77.1.99', port: 9 }), { code: 'EHOSTUNREACH' });
      assert.ok(network.wire.counters.unreachable > 0);
    });

    test('datagrams to and from the kernel, unicast and multicast, check sums on', async () => {
      const socket = await network.unicast({ host: OURS, port: 0 });
      const sender = await network.multicastSender({ group: GROUP, port: PORT, interface: OURS, ttl: 1 });
      const bytes = Uint8Array.from({ length: 1001 }, (_, i) => byteAt(i)); // odd: the last byte is half a word
      const into = new Uint8Array(2048);
      let count = 0;
      socket.sendTo(bytes, 0, bytes.length, KERNELS, PORT);
      await until([network], () => (count = socket.receive(into, 0, into.length)) > 0, 'the unicast echo');
      assert.deepEqual(into.subarray(0, count), bytes);
      assert.equal(socket.senderHost, KERNELS);
      assert.equal(socket.senderPort, PORT);
      sender.send(bytes, 0, 500);
      await until([network], () => (count = sender.receive(into, 0, into.length)) > 0, 'the echo of what the group heard');
      assert.deepEqual(into.subarray(0, count), bytes.subarray(0, 500));
      assert.equal(network.wire.counters.badChecksum, 0);
      socket.close();
      sender.close();
    });
  });

  test('who polls too late loses frames, which are counted; what was sent leaves nothing claimed', async () => {
    const links = spaces.join();
    const near = open(spaces.a, links.a, OURS);
    const far = open(spaces.b, links.b, KERNELS);
    const from = await near.unicast({ host: OURS, port: 0 });
    const to = await far.unicast({ host: KERNELS, port: 0 });
    const bytes = new Uint8Array(100);
    from.sendTo(bytes, 0, bytes.length, KERNELS, to.port);
    const into = new Uint8Array(2048);
    await until([near, far], () => to.receive(into, 0, 2048) > 0, 'the first datagram, and the addresses with it');
    // Without a turn of the event loop nobody takes anything up at the far end.
    const sent = 3 * RING_SIZE;
    for (let i = 0; i < sent; i += 1) assert.equal(from.sendTo(bytes, 0, bytes.length, KERNELS, to.port), true);
    let received = 0;
    const start = Date.now();
    while (Date.now() - start < 200) {
      far.poll();
      while (to.receive(into, 0, 2048) > 0) received += 1;
    }
    const { port } = far.counters();
    assert.ok(received > 0 && received <= 2 * RING_SIZE, `${received} came`);
    assert.equal(received + port.receiveDropped + to.dropped, sent, JSON.stringify(port));
    assert.ok(port.receiveDropped > 0);
    assert.equal(near.counters().port.framesSent, near.counters().wire.arpRequestsSent + sent + 1 + 1, 'all left: with the greeting and the questions');
    near.close();
    far.close();
  });

  test('without a carrier nothing leaves: the frames run out, sends say so, and it goes on when it is back', async () => {
    const links = spaces.join();
    const near = open(spaces.a, links.a, OURS, { neighbours: [{ ipv4: parseIpv4(KERNELS), macHigh: 0x0200, macLow: 9 }] });
    const socket = await near.unicast({ host: OURS, port: 0 });
    spawnSync('ip', ['-n', spaces.a, 'link', 'set', links.a, 'down']);
    const bytes = new Uint8Array(64);
    let taken = 0;
    while (taken <= 2 * RING_SIZE && socket.sendTo(bytes, 0, 64, KERNELS, 9)) taken += 1;
    assert.ok(taken <= RING_SIZE, `${taken} frames were taken, of ${RING_SIZE} there are`);
    assert.ok(near.counters().port.noFrame > 0);
    spawnSync('ip', ['-n', spaces.a, 'link', 'set', links.a, 'up']);
    await until([near], () => socket.sendTo(bytes, 0, 64, KERNELS, 9), 'room when the interface is up again');
    near.close();
  });

  test('a close takes the program from the interface, and the queue can be had again', async () => {
    const links = spaces.join();
    const first = open(spaces.a, links.a, OURS);
    assert.equal(programOn(spaces.a, links.a), true);
    assert.throws(() => open(spaces.a, links.a, OURS), (error: XdpError) => {
      assert.equal(error.code, 'EBUSY');
      assert.match(error.message, /AF_XDP cannot open queue 0 of a\d+: EBUSY; another AF_XDP socket/);
      return true;
    });
    // libxdp names the interface by its number, which means something in its namespace only.
    spaces.within(spaces.a, () => first.close());
    await first.closed;
    assert.equal(programOn(spaces.a, links.a), false);
    const second = open(spaces.a, links.a, OURS);
    spaces.within(spaces.a, () => second.close());
    await second.closed;
    assert.equal(programOn(spaces.a, links.a), false);
  });

  test('a killed process leaves a program that lets everything pass, and the next one takes over', async () => {
    const links = spaces.join();
    const script = `
      const { openXdpNetwork } = await import(${JSON.stringify(new URL('./xdp_network.ts', import.meta.url).href)});
      const network = openXdpNetwork({ interface: ${JSON.stringify(links.a)}, ipv4: ${parseIpv4(OURS)} });
      console.log('open');
      setInterval(() => network.poll(), 1);`;
    const child = spawn(...spaces.command(spaces.a, process.execPath, '--input-type=module', '-e', script), { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    assert.equal(programOn(spaces.a, links.a), true);
    spaces.kernelAt(spaces.a, links.a, `${OURS}/24`);
    spaces.kernelAt(spaces.b, links.b, `${KERNELS}/24`);
    const peer = spawn(...spaces.command(spaces.a, process.execPath, PEER, OURS, String(PORT), GROUP), { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => peer.stdout.once('data', resolve));
    const echo = `require('node:net').connect(${PORT}, '${OURS}', function () { this.end('kernel'); }).pipe(process.stdout)`;
    const answer = spawnSync(...spaces.command(spaces.b, process.execPath, '-e', echo), { encoding: 'utf8', timeout: GIVE_UP_MS });
    peer.kill('SIGKILL');
    assert.equal(answer.stdout, 'kernel', 'the kernel hears what is for it');
    const next = open(spaces.a, links.a, OURS);
    const far = open(spaces.b, links.b, KERNELS);
    const from = await far.unicast({ host: KERNELS, port: 0 });
    const to = await next.unicast({ host: OURS, port: 0 });
    from.sendTo(new Uint8Array(5), 0, 5, OURS, to.port);
    await until([next, far], () => to.receive(new Uint8Array(9), 0, 9) === 5, 'a datagram for the next process');
    next.close();
    far.close();
  });

  test('address and subnet are those of the interface unless others are named', async () => {
    const links = spaces.join();
    spaces.kernelAt(spaces.a, links.a, '10.99.8.7/29');
    const network = spaces.within(spaces.a, () => openXdpNetwork({ interface: links.a }));
    assert.equal(formatIpv4(network.wire.ipv4), '10.99.8.7');
    assert.equal(network.wire.neighbour(parseIpv4('10.99.8.1'))?.ipv4, parseIpv4('10.99.8.1'));
    assert.equal(network.wire.neighbour(parseIpv4('10.99.8.8')), null, 'outside of the subnet, without a gateway');
    network.close();
  });

  test('what is missing is said with what to do', () => {
    const links = spaces.join();
    const within = (more: XdpNetworkOptions): FrameNetwork => spaces.within(spaces.a, () => openXdpNetwork(more));
    assert.throws(() => within({ interface: 'nope' }), /AF_XDP cannot open nope: ENODEV; there is no such interface/);
    assert.throws(() => within({ interface: links.a }), /it has no address; name one \(ip=10\.0\.0\.1\/24\)/);
    assert.throws(() => within({ interface: links.a, ipv4: parseIpv4(OURS), queue: 77 }), { name: 'XdpError' });
    assert.throws(
      () => within({ interface: links.a, ipv4: parseIpv4(OURS), copy: 'zero-copy' }), /EOPNOTSUPP; the driver cannot/,
      'veth has no zero copy',
    );
    spawnSync('ip', ['-n', spaces.a, 'link', 'set', links.a, 'mtu', '900']);
    assert.throws(() => within({ interface: links.a, ipv4: parseIpv4(OURS) }), /its MTU was 900, expected 1500 or more/);
    spawnSync('ip', ['-n', spaces.a, 'link', 'set', links.a, 'mtu', '1500', 'down']);
    assert.throws(() => within({ interface: links.a, ipv4: parseIpv4(OURS) }), /it is down/);
  });
});

test('a library that is not there is an error that says where to get it', () => {
  assert.throws(() => new NativeLibrary('libnot_there.so.1', 'apt-get install it'), {
    name: 'NativeLibraryError', message: /libnot_there\.so\.1 did not load .*; apt-get install it/s,
  });
});
