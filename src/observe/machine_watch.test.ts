import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MachineWatch } from './machine_watch.ts';

const folder = mkdtempSync(join(tmpdir(), 'outcry-machine-test-'));
test.after(() => rmSync(folder, { recursive: true }));

/** Files as a kernel writes them. */
function system(cores: readonly string[], loopback: string): void {
  mkdirSync(join(folder, 'net'), { recursive: true });
  const lines = cores.map((columns, index) => `cpu${index} ${columns}`);
  writeFileSync(join(folder, 'stat'), `cpu  1 2 3 4\n${lines.join('\n')}\nintr 1 2 3\n`);
  writeFileSync(join(folder, 'meminfo'), 'MemTotal:        8000 kB\nMemFree:          100 kB\nMemAvailable:    6000 kB\n');
  const head = 'Inter-|   Receive      |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes\n';
  writeFileSync(join(folder, 'net/dev'), `${head}    lo: ${loopback}\n  eth0:5 6 0 7 0 0 0 0 8 9 0 10 0 0 0 0\n`);
}

test('cores, memory and interfaces out of the system\'s files; rates between two readings', () => {
  system(['100 0 100 800 0 0 0 0 0 0', '0 0 0 1000 0 0 0 0 0 0'], '1000 10 0 1 0 0 0 0 2000 20 0 2 0 0 0 0');
  const watch = new MachineWatch(folder);
  const first = watch.look(10_000);
  assert.deepEqual(first.coresBusyPercent, [20, 0], 'the first time since the machine started');
  assert.deepEqual([first.memoryTotalBytes, first.memoryAvailableBytes], [8_000 * 1_024, 6_000 * 1_024]);
  assert.deepEqual(first.interfaces, [
    { name: 'lo', receivedBytes: 1_000, sentBytes: 2_000, receivedPackets: 10, sentPackets: 20, dropped: 3 },
    { name: 'eth0', receivedBytes: 5, sentBytes: 8, receivedPackets: 6, sentPackets: 9, dropped: 17 },
  ]);
  assert.deepEqual(first.network, { packetsReceived: 16, packetsSent: 29, bytesReceived: 1_005, bytesSent: 2_008, rxRatePps: 0, txRatePps: 0 });
  // Waiting for a disk is no work; what the host took away was not ours to use.
  system(['150 10 110 810 10 5 5 10 0 0', '0 0 0 1090 10 0 0 0 0 0'], '1000 110 0 1 0 0 0 0 2000 70 0 2 0 0 0 0');
  assert.equal(watch.look(10_999), first, 'not twice a second');
  const second = watch.look(12_000);
  assert.deepEqual(second.coresBusyPercent.map(Math.round), [82, 0]);
  assert.deepEqual([second.network.rxRatePps, second.network.txRatePps], [50, 25]);
});

test('where there are no such files Node is asked', () => {
  const view = new MachineWatch(join(folder, 'nowhere')).look(1);
  assert.equal(view.coresBusyPercent.length, cpus().length);
  for (const busy of view.coresBusyPercent) assert.ok(busy >= 0 && busy <= 100);
  assert.equal(view.memoryTotalBytes, totalmem());
  assert.ok(view.memoryAvailableBytes > 0);
  assert.deepEqual(view.interfaces, []);
});

test('this machine', () => {
  const view = new MachineWatch().look(1);
  assert.ok(view.coresBusyPercent.length >= 1);
  assert.ok(view.memoryAvailableBytes > 0 && view.memoryAvailableBytes <= view.memoryTotalBytes);
});
