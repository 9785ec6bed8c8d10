// What `[performance]` asks of the machine, against what the machine has. Nothing that was asked for
// is silently left out: each difference is a line for people, and the process runs on without it.
//
// The kernel says what there is in files under /proc and /sys; where there are none (macOS, Windows)
// nothing of the section can be applied, and that is said.
import { existsSync, readFileSync } from 'node:fs';
import { setThreadCores, threadCores } from '../os/affinity.ts';
import { LibcUnavailableError } from '../os/libc.ts';
import { adviseHugePages, lockMemory, MemoryPolicyError, preferNode } from '../os/memory_policy.ts';
import type { PerformanceConfig } from './config_system.ts';

/** null: the system does not say. */
export interface Machine {
  /** Cores that this process may use. */
  readonly cores: readonly number[] | null;
  readonly numaNodes: readonly number[] | null;
  /** Of the kernel's transparent huge pages: always, madvise, never. */
  readonly hugepages: string | null;
  /** Files mapped into this process, as /proc/self/maps has them. */
  readonly mapped: string | null;
}

export function readMachine(): Machine {
  return {
    cores: coresOf(),
    numaNodes: rangesOf(textOf('/sys/devices/system/node/online')),
    hugepages:
      /\[(\w+)\]/.exec(textOf('/sys/kernel/mm/transparent_hugepage/enabled') ?? '')?.[1] ?? null,
    mapped: textOf('/proc/self/maps'),
  };
}

function coresOf(): number[] | null {
  try {
    return threadCores();
  } catch (error) {
    if (!(error instanceof LibcUnavailableError)) throw error;
    return null;
  }
}

function textOf(path: string): string | null {
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}

/** "0-1,4" → 0, 1, 4. */
function rangesOf(list: string | null): number[] | null {
  if (list === null) return null;
  return list.trim().split(',').flatMap((part) => {
    const [low, high = low] = part.split('-').map(Number);
    return Array.from({ length: high - low + 1 }, (_, i) => low + i);
  });
}

/** What was asked for and cannot be had here, a line each. */
export function machineFaults(asked: PerformanceConfig, machine: Machine): string[] {
  return [
    missing('cpu_affinity', asked.cpuAffinity, machine.cores, 'cores'),
    missing('numa_node', asked.numaNode === null ? [] : [asked.numaNode], machine.numaNodes, 'nodes'),
    hugepagesFault(asked, machine),
    allocatorFault(asked, machine),
  ].filter((fault) => fault !== '');
}

function missing(
  key: string, asked: readonly number[], has: readonly number[] | null, what: string,
): string {
  if (asked.length === 0) return '';
  if (has === null) return `performance.${key}: expected Linux, where ${what} can be chosen, was ${process.platform}`;
  const lacking = asked.filter((one) => !has.includes(one));
  return lacking.length === 0
    ? ''
    : `performance.${key}: expected ${what} of this machine (${has.join(', ')}), was ${lacking.join(', ')} too`;
}

function hugepagesFault({ useHugepages }: PerformanceConfig, { hugepages }: Machine): string {
  if (!useHugepages || hugepages === 'always' || hugepages === 'madvise') return '';
  const where = '/sys/kernel/mm/transparent_hugepage/enabled';
  return `performance.use_hugepages: expected always or madvise in ${where}, was ${hugepages ?? 'no such file'}`;
}

function allocatorFault({ allocator }: PerformanceConfig, { mapped }: Machine): string {
  if (allocator === 'system' || mapped?.includes(`lib${allocator}`) === true) return '';
  return `performance.allocator: expected lib${allocator} in this process (start it with LD_PRELOAD=…/lib${allocator}.so), was the system's`;
}

/** What is made once the cores and the node are chosen. */
export interface ApplyOptions {
  readonly machine?: Machine;
  /** `applyToMemory` follows: what concerns memory is said there. */
  readonly memoryFollows?: boolean;
}

/**
 * Applies what this process can apply by itself before it makes anything: cores and node of the calling thread and of
 * threads that it starts afterwards. Returns what was asked for and is not so, a line each.
 */
export function applyPerformance(asked: PerformanceConfig, options: ApplyOptions = {}): string[] {
  const { machine = readMachine(), memoryFollows = false } = options;
  const notes = machineFaults(asked, machine);
  const cores = asked.cpuAffinity.filter((core) => machine.cores?.includes(core));
  if (cores.length > 0) setThreadCores(cores);
  const { numaNode } = asked;
  if (numaNode !== null && machine.numaNodes?.includes(numaNode) === true) {
    attempt('numa_node', () => preferNode(numaNode), notes);
  }
  if (memoryFollows) return notes;
  for (const [key, isAsked] of [['use_hugepages', asked.useHugepages], ['lock_memory', asked.lockMemory]] as const) {
    if (isAsked && !isSaid(key, notes)) notes.push(`performance.${key}: this verb does not apply it`);
  }
  return notes;
}

/** What `applyToMemory` needs beside the core's memory. */
export interface MemoryOptions {
  readonly machine?: Machine;
  /** Other memory that is written while the process works: locked as the core's is. */
  readonly beside?: readonly Uint8Array[];
}

/**
 * Applies the rest to memory that was made: the core's. Returns what the machine refuses, a line each.
 * What is locked is resident from then on, also what was never written.
 */
export function applyToMemory(asked: PerformanceConfig, memory: WebAssembly.Memory, options: MemoryOptions = {}): string[] {
  const { machine = readMachine(), beside = [] } = options;
  const notes: string[] = [];
  const bytes = new Uint8Array(memory.buffer);
  // What the machine says it has none of was said by applyPerformance.
  const hugepages = machine.hugepages === 'always' || machine.hugepages === 'madvise';
  if (asked.useHugepages && hugepages) attempt('use_hugepages', () => adviseHugePages(bytes), notes);
  if (asked.lockMemory) attempt('lock_memory', () => [bytes, ...beside].forEach(lockMemory), notes);
  return notes;
}

/** For a process of its own that somebody started on the cores and the node that were chosen: what it is refused is on stderr. */
export function applyToMemoryOfChild(asked: PerformanceConfig | undefined, memory: WebAssembly.Memory): void {
  if (asked === undefined) return;
  for (const refused of applyToMemory(asked, memory)) process.stderr.write(`${refused}\n`);
}

/** A refusal becomes a line. */
function attempt(key: string, apply: () => void, notes: string[]): void {
  try {
    apply();
  } catch (error) {
    if (!(error instanceof MemoryPolicyError || error instanceof LibcUnavailableError)) throw error;
    notes.push(`performance.${key}: expected it of this machine, but ${error.message}`);
  }
}

function isSaid(key: string, notes: readonly string[]): boolean {
  return notes.some((note) => note.startsWith(`performance.${key}:`));
}
