// What is asked of the machine against what it has: nothing is left out in silence.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { threadCores } from '../os/affinity.ts';
import { mappingOf } from '../os/memory_policy.ts';
import { applyPerformance, applyToMemory, type Machine, machineFaults, readMachine } from './config_machine.ts';
import type { PerformanceConfig } from './config_system.ts';

const OFF: PerformanceConfig = { useHugepages: false, cpuAffinity: [], numaNode: null, lockMemory: false, threads: 'auto', allocator: 'system' };
const SAMPLE: PerformanceConfig = { useHugepages: true, cpuAffinity: [0, 1, 2, 3], numaNode: 1, lockMemory: false, threads: 'auto', allocator: 'mimalloc' };
const SMALL: Machine = { cores: [0, 1], numaNodes: [0], hugepages: 'never', mapped: '/usr/lib/libc.so.6' };

test('a machine that has everything has no faults, nor has one of which nothing is asked', () => {
  const large: Machine = {
    cores: [0, 1, 2, 3, 4], numaNodes: [0, 1], hugepages: 'madvise', mapped: '7f00 /usr/lib/libmimalloc.so.2.1',
  };
  assert.deepEqual(machineFaults(SAMPLE, large), []);
  assert.deepEqual(machineFaults(OFF, SMALL), []);
});

test('each thing that the machine lacks is a line with what was expected and what came', () => {
  assert.deepEqual(machineFaults(SAMPLE, SMALL), [
    'performance.cpu_affinity: expected cores of this machine (0, 1), was 2, 3 too',
    'performance.numa_node: expected nodes of this machine (0), was 1 too',
    'performance.use_hugepages: expected always or madvise in /sys/kernel/mm/transparent_hugepage/enabled, was never',
    'performance.allocator: expected libmimalloc in this process (start it with LD_PRELOAD=…/libmimalloc.so), was the system\'s',
  ]);
  const elsewhere: Machine = { cores: null, numaNodes: null, hugepages: null, mapped: null };
  const said = machineFaults(SAMPLE, elsewhere);
  assert.equal(said.length, 4);
  assert.match(said[0], /expected Linux, where cores can be chosen, was /);
  assert.match(said[2], /was no such file$/);
});

const linux = process.platform === 'linux' ? false : 'cores are chosen on Linux alone';

test('the cores that are there are applied, those that are not are said', { skip: linux }, (t) => {
  const before = threadCores();
  t.after(() => void applyPerformance({ ...OFF, cpuAffinity: before }));
  const last = before[before.length - 1];
  const notes = applyPerformance({ ...OFF, cpuAffinity: [last, 1_023] });
  assert.deepEqual(threadCores(), [last]);
  assert.equal(notes.length, 1);
  assert.match(notes[0], /^performance\.cpu_affinity: expected cores of this machine \(.*\), was 1023 too$/);
  // None of those asked for: the process stays where it is.
  applyPerformance({ ...OFF, cpuAffinity: [1_023] });
  assert.deepEqual(threadCores(), [last]);
});

test('what this process cannot apply to itself is said as well', { skip: linux }, () => {
  const machine = { ...readMachine(), hugepages: 'always', numaNodes: [0] };
  assert.deepEqual(applyPerformance({ ...OFF, useHugepages: true, lockMemory: true }, { machine }), [
    'performance.use_hugepages: this verb does not apply it',
    'performance.lock_memory: this verb does not apply it',
  ]);
  assert.deepEqual(applyPerformance({ ...OFF, useHugepages: true, lockMemory: true }, { machine, memoryFollows: true }), []);
  assert.deepEqual(applyPerformance(OFF, { machine }), []);
});

test('huge pages and the lock are applied to the core memory, or their refusal is said', { skip: linux }, () => {
  const machine = readMachine();
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
  assert.deepEqual(applyToMemory(OFF, memory, { machine }), []);
  assert.equal(mappingOf(new Uint8Array(memory.buffer)).advised, false);
  const notes = applyToMemory({ ...OFF, useHugepages: true, lockMemory: true }, memory, { machine });
  const state = mappingOf(new Uint8Array(memory.buffer));
  const refused = (key: string): boolean => notes.some((note) => note.startsWith(`performance.${key}: expected it of this machine, but the system`));
  const hugepages = machine.hugepages === 'always' || machine.hugepages === 'madvise';
  assert.equal(state.advised, hugepages && !refused('use_hugepages'));
  assert.equal(state.lockedBytes > 0, !refused('lock_memory'));
  assert.equal(notes.length, Number(refused('use_hugepages')) + Number(refused('lock_memory')));
});

// A feed's window of 9 MB was taken page by page, each with a fault amid a turn, for the first minutes of trading.
test('what is locked beside the core is resident before it is written', { skip: linux }, () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const window = new Uint8Array(new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true }).buffer);
  assert.ok(mappingOf(window).residentBytes < 1 << 19, 'nothing is taken before');
  assert.deepEqual(applyToMemory(OFF, memory, { beside: [window] }), []);
  assert.equal(mappingOf(window).lockedBytes, 0);
  const notes = applyToMemory({ ...OFF, lockMemory: true }, memory, { beside: [window] });
  if (notes.length > 0) assert.match(notes[0], /^performance\.lock_memory: expected it of this machine, but the system locks no/);
  else assert.ok(mappingOf(window).residentBytes >= window.length - 8_192);
});

test('this machine says what it has', { skip: linux }, () => {
  const machine = readMachine();
  assert.ok((machine.cores?.length ?? 0) >= 1);
  assert.match(machine.mapped ?? '', /libc/);
});
