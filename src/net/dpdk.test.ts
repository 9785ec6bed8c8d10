// DPDK on its virtual devices. Everything runs in children, for a fault in DPDK ends its process and an environment can be
// opened once in one.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Namespaces, namespacesUnavailable } from '../../test/bypass/namespaces.ts';
import { inCi } from '../../test/requirements.ts';
import { DPDK_DEFAULTS, DPDK_ERROR_CODES } from '../os/dpdk.ts';
import { NativeLibrary } from '../os/native_library.ts';
import { BURST_MAX } from './frame_port.ts';

const CONTRACT = fileURLToPath(new URL('./transport.contract.test.ts', import.meta.url));
const GIVE_UP_MS = 120_000; // only a hang gets here
const NETWORK = JSON.stringify(new URL('./dpdk_network.ts', import.meta.url).href);
const DPDK = JSON.stringify(new URL('../os/dpdk.ts', import.meta.url).href);
const ADDRESS = JSON.stringify(new URL('./address.ts', import.meta.url).href);
const NO_HUGE = '{ hugePages: false, memoryMb: 64, channels: 4, devices: [], arguments: [] }';

function skip(): string | false {
  if (inCi()) return false;
  try {
    void new NativeLibrary('librte_eal.so.23', 'dpdk');
    void new NativeLibrary('librte_net_ring.so.23', 'librte-net-ring23');
    return false;
  } catch (error) {
    return String(error);
  }
}

/** Runs a program of its own to its end; its last line of stdout is JSON. */
function child(program: string, within: (command: string, ...arguments_: string[]) => [string, string[]] = (command, ...rest) => [command, rest]): Record<string, unknown> {
  const run = spawnSync(...within(process.execPath, '--input-type=module', '-e', program), { encoding: 'utf8', timeout: GIVE_UP_MS });
  assert.equal(run.status, 0, `${String(run.signal)} ${run.stdout}${run.stderr}`);
  return JSON.parse(run.stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
}

function namespaces(t: TestContext): Namespaces | null {
  const reason = namespacesUnavailable();
  if (reason !== false) {
    t.skip(reason);
    return null;
  }
  const spaces = new Namespaces();
  t.after(() => spaces.remove());
  return spaces;
}

describe('DPDK', { skip: skip() }, () => {
  test('two ports on its rings pass the contract of transports', () => {
    const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
    const run = spawnSync(process.execPath, ['--test', '--test-reporter=tap', '--test-name-pattern=transport dpdk', CONTRACT], {
      encoding: 'utf8', timeout: GIVE_UP_MS, env: { ...environment, OUTCRY_CONTRACT: 'dpdk' },
    });
    assert.equal(run.status, 0, run.stdout + run.stderr);
    assert.equal(/# pass (\d+)/.exec(run.stdout)?.[1], '20', run.stdout);
  });

  test('buffers come from the pool and go back to it, through bursts and at a close; statistics count them', () => {
    const result = child(`
      const { DpdkEnvironment } = await import(${DPDK});
      const { DpdkPort } = await import(${JSON.stringify(new URL('./dpdk_port.ts', import.meta.url).href)});
      const environment = new DpdkEnvironment(${NO_HUGE});
      const pool = environment.pool(1023, 0);
      const whole = pool.available;
      const list = pool.list(32);
      let all = [];
      while (pool.take(list, 31)) for (let i = 0; i < 31; i += 1) all.push(list.get(i));
      const distinct = new Set(all).size;
      const empty = pool.available;
      for (let i = 0; i < all.length; i += 31) {
        for (let k = 0; k < 31; k += 1) list.set(k, all[i + k]);
        pool.give(list, 31);
      }
      const refilled = pool.available;
      const ends = environment.cable('cable', pool);
      const ports = ends.map((end) => new DpdkPort(end, pool));
      let sent = 0;
      let wrong = 0;
      let received = 0;
      const take = () => {
        for (;;) {
          const count = ports[1].receive();
          for (let i = 0; i < count; i += 1) {
            const at = ports[1].frameAt(i);
            if (ports[1].frameBytes(i) !== 60 + received % 1000 || ports[1].view.getUint32(at) !== received) wrong += 1;
            received += 1;
          }
          if (count === 0) return;
        }
      };
      // More than the ring holds: back-pressure, then all of it arrives in order.
      let refused = 0;
      while (sent < 5000) {
        const at = ports[0].claim();
        if (at < 0) { refused += 1; take(); continue; }
        ports[0].view.setUint32(at, sent);
        ports[0].commit(60 + sent % 1000);
        if (sent % 7 === 0) ports[0].flush();
        sent += 1;
      }
      ports[0].flush();
      take();
      const statistics = ends.map((end) => end.statistics());
      for (const port of ports) port.close();
      console.log(JSON.stringify({
        version: environment.version, driver: ends[0].driver, macs: ends.map((end) => end.macLow), whole, distinct, empty,
        refilled, sent, received, refused, wrong, statistics, left: pool.available, size: pool.memory.length,
      }));
      environment.close();`) as {
      version: string; driver: string; macs: number[]; whole: number; distinct: number; empty: number; refilled: number; sent: number;
      received: number; refused: number; wrong: number; statistics: { framesReceived: number; framesSent: number }[]; left: number;
    };
    assert.match(result.version, /^DPDK 22\.11/);
    assert.equal(result.driver, 'net_ring');
    assert.notEqual(result.macs[0], result.macs[1]);
    assert.equal(result.whole, 1023);
    assert.equal(result.distinct, 1023, 'no buffer comes twice');
    assert.equal(result.empty, 0);
    assert.equal(result.refilled, 1023);
    assert.ok(result.refused > 0, 'a full ring pushes back');
    assert.equal(result.received, result.sent);
    assert.equal(result.wrong, 0);
    assert.equal(result.statistics[0].framesSent, result.sent);
    assert.equal(result.statistics[1].framesReceived, result.received);
    assert.equal(result.left, 1023, 'nothing is lost when both ports have closed');
  });

  test('what fails says which step and why', () => {
    const attempt = (body: string): Record<string, unknown> => child(`
      const { DpdkEnvironment } = await import(${DPDK});
      const { openDpdkNetwork } = await import(${NETWORK});
      let code = '', message = '';
      try { ${body} } catch (error) { ({ code, message } = error); }
      console.log(''); console.log(JSON.stringify({ code, message }));`);
    const huge = attempt('openDpdkNetwork({ device: "net_null0", ipv4: 0x0a000001, memoryMb: 60000 });');
    assert.equal(huge['code'], 'EalInitFailed');
    assert.match(String(huge['message']), /expected 60000 MB of free huge pages, was \d+: sysctl vm\.nr_hugepages=30000, or less memory, or none \(huge=off\)/);
    const argument = attempt(`new DpdkEnvironment({ ...${NO_HUGE}, arguments: ['--no-such-thing'] });`);
    assert.equal(argument['code'], 'EalInitFailed');
    const twice = attempt(`new DpdkEnvironment(${NO_HUGE}); new DpdkEnvironment(${NO_HUGE});`);
    assert.match(String(twice['message']), /EalInitFailed: a process has one environment/);
    const pool = attempt(`new DpdkEnvironment(${NO_HUGE}).pool(1 << 20);`);
    assert.equal(pool['code'], 'PoolCreationFailed');
    const device = attempt(`const dpdk = new DpdkEnvironment(${NO_HUGE}); dpdk.open('net_tap7', dpdk.pool());`);
    assert.equal(device['code'], 'PortConfigFailed');
    assert.match(String(device['message']), /there is no device net_tap7; 0 ports are there/);
  });

  test('on net_tap, against the kernel\'s own sockets: TCP and UDP', { timeout: GIVE_UP_MS }, (t) => {
    const spaces = namespaces(t);
    if (spaces === null) return;
    const peer = JSON.stringify(fileURLToPath(new URL('../../test/bypass/kernel_peer.ts', import.meta.url)));
    const result = child(`
      const { spawn, spawnSync } = await import('node:child_process');
      const { openDpdkNetwork } = await import(${NETWORK});
      const { parseIpv4 } = await import(${ADDRESS});
      const network = openDpdkNetwork({ device: 'net_tap0,iface=tap0', ipv4: parseIpv4('10.78.0.1'), prefixBits: 24, hugePages: false, memoryMb: 64 });
      for (const words of ['address add 10.78.0.2/24 dev tap0', 'link set tap0 up']) spawnSync('ip', words.split(' '));
      const kernel = spawn(process.execPath, [${peer}, '10.78.0.2', '7000', '239.255.8.8'], { stdio: ['ignore', 'pipe', 'inherit'] });
      await new Promise((resolve) => kernel.stdout.once('data', resolve));
      const stream = await network.connect({ host: '10.78.0.2', port: 7000 });
      const total = 300000;
      const bytes = Uint8Array.from({ length: total }, (_, i) => (i * 7) & 255);
      const back = new Uint8Array(total);
      const socket = await network.unicast({ host: '10.78.0.1', port: 0 });
      let sent = 0, received = 0, datagram = 0;
      const into = new Uint8Array(2000);
      socket.sendTo(bytes, 0, 700, '10.78.0.2', 7000);
      const end = Date.now() + 30000;
      while ((received < total || datagram === 0) && Date.now() < end) {
        network.poll();
        if (sent < total) sent += stream.send(bytes, sent, total - sent);
        if (received < total) received += Math.max(0, stream.receive(back, received, total - received));
        datagram ||= socket.receive(into, 0, 2000);
        await new Promise(setImmediate);
      }
      kernel.kill('SIGKILL');
      const same = Buffer.compare(back, bytes) === 0;
      const counters = network.counters();
      network.close();
      await network.closed;
      console.log(JSON.stringify({ received, same, datagram, counters }));`, (...command) => spaces.command(spaces.a, ...command));
    assert.equal(result['received'], 300_000, JSON.stringify(result));
    assert.equal(result['same'], true);
    assert.equal(result['datagram'], 700);
  });

  test('with huge pages, where the system gives some', (t) => {
    const file = '/proc/sys/vm/nr_hugepages';
    let before = '';
    try {
      before = readFileSync(file, 'utf8').trim();
      writeFileSync(file, String(Number(before) + 40));
    } catch {
      if (inCi()) throw new Error('huge pages cannot be reserved; in continuous integration nothing may be missing');
      return t.skip('huge pages cannot be reserved: not root');
    }
    try {
      const free = Number(/HugePages_Free:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0);
      if (free < 40) return t.skip(`the system gave ${free} of 40 huge pages`);
      const result = child(`
        const { openDpdkCable } = await import(${NETWORK});
        const { readFileSync } = await import('node:fs');
        const free = () => Number(/HugePages_Free:\\s+(\\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))[1]);
        const before = free();
        const { pairs, close } = openDpdkCable([0x0a000001, 0x0a000002], { hugePages: true, memoryMb: 64 });
        const used = before - free();
        const [near, far] = pairs[0];
        const from = await near.unicast({ host: '10.0.0.1', port: 0 });
        const to = await far.unicast({ host: '10.0.0.2', port: 0 });
        from.sendTo(Uint8Array.of(1, 2, 3), 0, 3, '10.0.0.2', to.port);
        const into = new Uint8Array(9);
        let count = 0;
        for (let i = 0; i < 100 && count === 0; i += 1) { near.poll(); far.poll(); count = to.receive(into, 0, 9); }
        near.close(); far.close();
        close();
        console.log(JSON.stringify({ used, count }));`);
      assert.equal(result['count'], 3);
      assert.ok(Number(result['used']) >= 16, `${String(result['used'])} huge pages were in use`);
    } finally {
      writeFileSync(file, before);
    }
  });
});

test('defaults and errors are those that users of DPDK know', () => {
  assert.deepEqual(DPDK_DEFAULTS, {
    channels: 4, socketMemoryMb: 1024, poolBuffers: 8192, poolCache: 256, roomBytes: 2048, ringEntries: 1024, burst: 32,
  });
  assert.equal(BURST_MAX, DPDK_DEFAULTS.burst);
  assert.deepEqual([...DPDK_ERROR_CODES], [
    'EalInitFailed', 'PoolCreationFailed', 'PortConfigFailed', 'RxQueueSetupFailed', 'TxQueueSetupFailed', 'PortStartFailed',
  ]);
});
