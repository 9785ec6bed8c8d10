// What a process takes of the machine, in its shared statistics: allocation, collections, processor time, memory.
//
// Read by a timer of the process four times a second, some 20 µs each; nothing of it is on the path of a message. While the loop
// rests, about once a second and with a wake-up that the loop has anyway (chores.ts): one of its own costs more than all of it,
// 0.2 to 0.9 ms of a core on a virtual machine that is quiet. Totals only ever rise, so whoever looks twice has the interval between.
// Allocation is V8's own count of bytes ever allocated on the main thread's heap: exact, whatever was collected since.
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { chores } from '../base/chores.ts';
import { type SharedStats, StatKind, type StatDeclaration } from './shared_stats.ts';

export const PROCESS_STAT = {
  allocatedBytes: 'outcry_process_allocated_bytes_total',
  collections: 'outcry_process_collections_total',
  collectionNs: 'outcry_process_collection_ns_total',
  cpuNs: 'outcry_process_cpu_ns_total',
  turns: 'outcry_process_turns_total',
  busyTurns: 'outcry_process_busy_turns_total',
  heapUsedBytes: 'outcry_process_heap_used_bytes',
  residentBytes: 'outcry_process_resident_bytes',
} as const;

export function processDeclarations(): StatDeclaration[] {
  return Object.values(PROCESS_STAT).map((name, index) => ({
    name, kind: name.endsWith('_total') ? StatKind.Counter : StatKind.Gauge, apart: index === 0,
  }));
}

const SAMPLE_MS = 250;
/** Turns with work between two looks that leave a loop idle: what goes by the clock (heartbeats, snapshots, timers of strategies). */
const IDLE_TURNS_MAX = 12;

/** How busy the loop was; an AgentRunner is one. */
export interface TurnCount {
  readonly turns: number;
  readonly busyTurns: number;
}

export class ProcessStats {
  readonly #stats: SharedStats;
  readonly #cells: Readonly<Record<keyof typeof PROCESS_STAT, number>>;
  readonly #collections: PerformanceObserver;
  #busyTurns = 0;
  #loop: TurnCount | null = null;
  #figures: (() => void) | null = null;

  /** Begins to look; `close` ends it. Never keeps the process alive. */
  constructor(stats: SharedStats) {
    this.#stats = stats;
    const cell = (key: keyof typeof PROCESS_STAT): number => stats.cell(PROCESS_STAT[key]);
    this.#cells = {
      allocatedBytes: cell('allocatedBytes'), collections: cell('collections'), collectionNs: cell('collectionNs'),
      cpuNs: cell('cpuNs'), turns: cell('turns'), busyTurns: cell('busyTurns'), heapUsedBytes: cell('heapUsedBytes'),
      residentBytes: cell('residentBytes'),
    };
    this.#collections = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) {
        stats.cells[this.#cells.collections] += 1;
        stats.cells[this.#cells.collectionNs] += duration * 1e6;
      }
    });
    this.#collections.observe({ entryTypes: ['gc'] });
    this.sample();
    chores.plan(this.#beat, SAMPLE_MS);
  }

  readonly #beat = (): void => {
    const { busyTurns } = this.#loop ?? { busyTurns: Infinity };
    const idle = busyTurns - this.#busyTurns <= IDLE_TURNS_MAX;
    this.#busyTurns = busyTurns;
    this.sample();
    if (idle) chores.planSeldom(this.#beat);
    else chores.plan(this.#beat, SAMPLE_MS);
  };

  /** Whose turns are counted. */
  set loop(loop: TurnCount) {
    this.#loop = loop;
  }

  /** What else is to be written when it looks, between two turns of the loop. */
  set figures(write: () => void) {
    this.#figures = write;
    this.sample();
  }

  /** Looks now. */
  sample(): void {
    const { cells } = this.#stats;
    const at = this.#cells;
    // Of V8 14.6; the types do not know it yet.
    const heap = getHeapStatistics() as ReturnType<typeof getHeapStatistics> & { total_allocated_bytes?: number };
    cells[at.allocatedBytes] = heap.total_allocated_bytes ?? 0;
    cells[at.heapUsedBytes] = heap.used_heap_size;
    const { user, system } = process.cpuUsage();
    cells[at.cpuNs] = (user + system) * 1_000;
    cells[at.residentBytes] = process.memoryUsage.rss();
    if (this.#loop !== null) {
      cells[at.turns] = this.#loop.turns;
      cells[at.busyTurns] = this.#loop.busyTurns;
    }
    this.#figures?.();
    this.#stats.beat();
  }

  close(): void {
    chores.drop(this.#beat);
    this.#collections.disconnect();
    this.sample();
  }
}
