// The journal: what it costs the exchange's thread, what its own thread and the disk take, and how
// fast it is read again. Records are batches of ten commands, 360 bytes on disk.
//
//   exchange's thread ── append ─► ring ─► seal ─► write ─► sync ─► acknowledged       disk: as named
//        1 row              1 row: no disk       1 row: all of it, as fast as it goes; 1 row: one at a
//                                                time, from the append to the acknowledgement
import { mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assert } from '../src/base/assert.ts';
import { COMMAND } from '../src/book/types.ts';
import { FileStorage } from '../src/journal/file_storage.ts';
import { GroupCommit } from '../src/journal/group_commit.ts';
import { JournalMode, JournalQueue, journalShared, QUEUE_FULL } from '../src/journal/journal_queue.ts';
import { RECORD_HEADER_BYTES, recordBytes } from '../src/journal/record.ts';
import { JournalType } from '../src/journal/record_types.ts';
import { examine, recover } from '../src/journal/recovery.ts';
import type { Storage, StorageFile } from '../src/journal/storage.ts';
import { ThreadedJournal } from '../src/journal/threaded_journal.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import type { Row } from './harness/row.ts';
import { median, quantile, spreadOf } from './harness/statistics.ts';
import { formatCount, formatFigure } from './harness/table.ts';

const COMMANDS = 10;
const LENGTH = COMMANDS * COMMAND.size;
const RECORD_BYTES = recordBytes(LENGTH);
const RECORDS = 1_000_000;
const RECORDS_SMALL = 2_000;
/** Appends of a sample, which the ring takes without its other side. */
const SAMPLE = 20_000;
const RING_BYTES = 16 << 20;
const SYNCS = 2_000;
const MEGABYTE = 1e6;
const MICROSECOND_NS = 1000;
const WAIT_MS = 120_000;
assert(SAMPLE * RECORD_BYTES < RING_BYTES, 'a sample fits into the ring');

const words = new Int32Array(LENGTH / 4).fill(0x01020304);

/** A disk that takes everything and keeps nothing. */
export function nowhere(): Storage {
  const file: StorageFile = {
    name: 'nothing', bytes: 2 ** 30, readAt: () => 0, writeAt: () => {}, sync: () => {}, close: () => {},
  };
  return {
    name: 'nowhere', list: () => [], has: () => false, create: () => file, open: () => file,
    rename: () => {}, remove: () => {}, syncDirectory: () => {}, lock: () => {}, close: () => {},
  };
}

/** Where the benchmark writes, and what that is: "ext4 on /dev/vda". */
export function diskOf(directory: string): string {
  let best = { at: '', text: `file system 0x${statfsSync(directory).type.toString(16)}` };
  try {
    for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n')) {
      const [device, at = '', type] = line.split(' ');
      const inside = directory === at || directory.startsWith(at === '/' ? '/' : `${at}/`);
      if (inside && at.length >= best.at.length) best = { at, text: `${type} on ${device}` };
    }
  } catch {
    // No such file where there is no /proc: the number of the file system's type says what it is.
  }
  return best.text;
}

interface OneThread {
  appendNs: number[];
  sealNs: number[];
}

/** Append, and group commit without a disk, on this thread, sample by sample. */
function oneThread(samples: number, perSample: number): OneThread {
  const shared = journalShared(RING_BYTES);
  const mode = JournalMode.Durable;
  const queue = new JournalQueue(shared, mode, LENGTH, 0);
  const commit = new GroupCommit({
    shared, mode, storage: nowhere(), position: null, segmentBytes: 2 ** 30, payloadBytesMax: LENGTH,
  });
  const result: OneThread = { appendNs: [], sealNs: [] };
  for (let sample = -2; sample < samples; sample++) {
    const start = performance.now();
    for (let n = 0; n < perSample; n++) {
      queue.appendWords(JournalType.Commands, words, 0, LENGTH, start, 0);
      queue.publish();
    }
    const appended = performance.now();
    while (commit.poll() > 0);
    const sealed = performance.now();
    assert(queue.ackableSequence === queue.lastSequence, 'everything appended is acknowledged');
    if (sample < 0) continue; // V8 warms up
    result.appendNs.push(((appended - start) * 1e6) / perSample);
    result.sealNs.push(((sealed - appended) * 1e6) / perSample);
  }
  return result;
}

interface Threads {
  recordsPerSecond: number;
  latencyNs: number[];
  batches: number;
  batchRecordsMax: number;
  syncs: number;
  syncMeanNs: number;
  syncMaxNs: number;
  rotations: number;
  rotationMaxNs: number;
  readNs: number;
}

/** The journal's threads on a real disk: as fast as it goes, then one at a time, then read again. */
async function threads(directory: string, records: number, syncs: number): Promise<Threads> {
  const storage = new FileStorage(directory);
  storage.lock();
  const journal = await ThreadedJournal.start(directory, recover(storage).position, {
    ringBytes: RING_BYTES,
  });
  const { queue } = journal;
  const start = performance.now();
  for (let n = 0; n < records; n++) {
    while (queue.appendWords(JournalType.Commands, words, 0, LENGTH, n, 0) === QUEUE_FULL) {
      assert(!queue.failed, 'the disk takes what is written');
    }
    queue.publish();
  }
  waitFor(queue);
  const seconds = (performance.now() - start) / 1000;
  const counted = {
    batches: queue.counter('batches'),
    batchRecordsMax: queue.counter('batch_records_max'),
    syncs: queue.counter('syncs'),
    syncMeanNs: queue.counter('sync_ns') / queue.counter('syncs'),
    syncMaxNs: queue.counter('sync_ns_max'),
    rotations: queue.counter('rotations'),
    rotationMaxNs: queue.counter('rotation_ns_max'),
  };
  const latencyNs: number[] = [];
  for (let n = 0; n < syncs; n++) {
    const sent = performance.now();
    queue.appendWords(JournalType.Commands, words, 0, LENGTH, n, 0);
    queue.publish();
    waitFor(queue);
    latencyNs.push((performance.now() - sent) * 1e6);
  }
  await journal.stop(records);
  const readStart = performance.now();
  const { verdict, records: read, stoppedCleanly } = examine(storage);
  const readNs = ((performance.now() - readStart) * 1e6) / read;
  assert(verdict === 'whole' && stoppedCleanly, 'the journal is whole');
  assert(read === records + syncs + 1, 'and has every record, and the one that ends it');
  storage.close();
  return { recordsPerSecond: records / seconds, latencyNs, readNs, ...counted };
}

/** Until the last record is acknowledged. Spins: the other core belongs to the journal. */
function waitFor(queue: JournalQueue): void {
  const end = performance.now() + WAIT_MS;
  while (queue.ackableSequence < queue.lastSequence) {
    if (queue.failed) throw new Error(`journal benchmark: ${queue.failure?.message}`);
    if (performance.now() > end) throw new Error(`journal benchmark: no sync within ${WAIT_MS} ms`);
  }
}

async function run(context: BenchContext): Promise<Row[]> {
  const { small } = context;
  const records = sizeOf(context, RECORDS, RECORDS_SMALL);
  const samples = small ? 2 : Math.max(context.pairs, 10);
  context.progress(`journal: ${samples} samples of ${SAMPLE} appends, no disk`);
  const alone = oneThread(samples, small ? RECORDS_SMALL : SAMPLE);

  const build = join(dirname(fileURLToPath(import.meta.url)), '../build');
  const directory = mkdtempSync(join(build, 'journal-'));
  const disk = diskOf(directory);
  context.progress(`journal: ${records} records, then ${small ? 20 : SYNCS} one at a time, ${disk}`);
  let result: Threads;
  try {
    result = await threads(directory, records, small ? 20 : SYNCS);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return rows(context, alone, result, disk, records);
}

function rows(
  context: BenchContext, alone: OneThread, result: Threads, disk: string, records: number,
): Row[] {
  const { small } = context;
  const us = (ns: number): string => `${formatFigure(ns / MICROSECOND_NS)} µs`;
  const what = `${COMMANDS} commands, ${LENGTH} + ${RECORD_HEADER_BYTES} bytes`;
  const latency = result.latencyNs;
  return [
    {
      name: 'journal: append on the exchange’s thread', figure: median(alone.appendNs), unit: 'ns/op',
      spread: spreadOf(alone.appendNs), statistic: 'median of samples', boundary: 'TypeScript API',
      threads: '1', durability: 'none', small,
      checks: [`an append is ${what}, published at once; each was sealed and acknowledged afterwards`],
    },
    {
      name: 'journal: seal and hand to the disk', figure: median(alone.sealNs), unit: 'ns/op',
      spread: spreadOf(alone.sealNs), statistic: 'median of samples', boundary: 'TypeScript API',
      threads: '1', durability: 'none', small,
      checks: ['chained and summed in the ring, as the journal’s thread does, to a disk that keeps nothing'],
    },
    {
      name: 'journal: commands made durable', figure: (result.recordsPerSecond * COMMANDS) / 1e6, unit: 'M msg/s',
      statistic: `${formatCount(records)} records of ${COMMANDS}`, boundary: 'thread → thread, batches',
      threads: '2 (exchange, journal)', durability: `durable, ${disk}`, small,
      checks: [
        'recovered and read again: every record is there, in order, each checksum holds',
        `${formatCount(result.batches)} batches, ${formatFigure(records / result.batches)} records each in the ` +
          `mean, ${formatCount(result.batchRecordsMax)} at most`,
        `${formatCount(result.syncs)} syncs, ${us(result.syncMeanNs)} each in the mean, ${us(result.syncMaxNs)} at most; ` +
          `${result.rotations} rotations, the longest ${us(result.rotationMaxNs)}`,
      ],
    },
    {
      name: 'journal: append → durable', figure: median(latency), unit: 'ns/op', spread: spreadOf(latency),
      statistic: 'median of single records', boundary: 'thread → thread, one at a time',
      threads: '2 (exchange, journal)', durability: `durable, ${disk}`, small,
      checks: [
        `p99 ${us(quantile(latency, 0.99))}, longest ${us(quantile(latency, 1))}; each waited for the one before`,
      ],
    },
    {
      name: 'journal: read and check', figure: result.readNs, unit: 'ns/msg',
      statistic: 'mean a record', boundary: 'TypeScript API', threads: '1', durability: disk, small,
      checks: [`${formatFigure((RECORD_BYTES / result.readNs) * 1e9 / MEGABYTE)} MB/s, as recovery does it; pages in memory`],
    },
  ];
}

export const journalBenchmark: Benchmark = {
  name: 'journal', about: 'append, group commit and sync, reading again', byDefault: true, run,
};
