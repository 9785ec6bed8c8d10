// The queues of src/base and the journal's byte ring between processes over one file in shared memory: no record is lost, doubled,
// torn or out of its producer's order. Producers are processes of their own; a mistake planted in one of them is found.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { initializeQueue, MpmcQueue, queueBytes } from '../src/base/mpmc_queue.ts';
import { MpscConsumer } from '../src/base/mpsc_queue.ts';
import { initializeRing, ringBytes, RingConsumer } from '../src/base/ring_buffer.ts';
import { byteRingBytes, ByteRingConsumer, initializeByteRing } from '../src/journal/byte_ring.ts';
import { MappedFile, sharedMemoryFolder } from '../src/os/mapped_file.ts';

const RECORDS = Number(process.env['OUTCRY_QUEUE_PROCESS_RECORDS'] ?? 20_000); // of each producer
const SLOTS = 64;
const RECORD_BYTES = 40;
const BYTE_RING = 4_096;
const LOST_MS = 20_000;
const folder = sharedMemoryFolder();

type Kind = 'ring' | 'mpsc' | 'mpmc' | 'bytes';
type Fault = 'none' | 'publish-first' | 'twice' | 'left out';

/** Words of a record: 40 bytes, or of byte frames 16 to 256. Its text runs in the other processes too, as that of `mixed`. */
function wordsOf(kind: Kind, number: number): number {
  return kind === 'bytes' ? 4 + 2 * (number % 31) : 10;
}

/** What stands behind length, producer and number. */
function mixed(producer: number, number: number, word: number): number {
  return Math.imul(Math.imul(producer + 1, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b), 2 * word + 1) | 0;
}

function at(path: string): string {
  return JSON.stringify(new URL(path, import.meta.url).href);
}

/** What a producer's process runs. */
function producing(kind: Kind, path: string, producer: number, fault: Fault): string {
  const end = {
    ring: 'new RingProducer(file.buffer, 0)', bytes: 'new ByteRingProducer(file.buffer, 0)',
    mpsc: `new MpmcQueue(file.buffer, 0, ${producer + 1})`, mpmc: `new MpmcQueue(file.buffer, 0, ${producer + 1})`,
  }[kind];
  return `
    import { MpmcQueue } from ${at('../src/base/mpmc_queue.ts')};
    import { RingProducer } from ${at('../src/base/ring_buffer.ts')};
    import { ByteRingProducer } from ${at('../src/journal/byte_ring.ts')};
    import { MappedFile } from ${at('../src/os/mapped_file.ts')};
    ${wordsOf.toString()}
    ${mixed.toString()}
    const file = MappedFile.open(${JSON.stringify(path)}, true);
    const queue = ${end};
    const words = new Int32Array(file.buffer);
    const nap = new Int32Array(new SharedArrayBuffer(4));
    const odd = (number) => number % 1_000 === 999;
    for (let i = 0; i < ${RECORDS}; i += 1) {
      if (odd(i) && '${fault}' === 'left out') continue;
      const number = odd(i) && '${fault}' === 'twice' ? i - 1 : i;
      const count = wordsOf('${kind}', number);
      let place;
      while ((place = queue.claim(4 * count)) < 0) Atomics.wait(nap, 0, 0, 0.02);
      const publish = () => queue.publish(place);
      if (odd(i) && '${fault}' === 'publish-first') { publish(); Atomics.wait(nap, 0, 0, 5); }
      const first = place / 4;
      words[first] = count;
      words[first + 1] = ${producer};
      words[first + 2] = number;
      for (let word = 3; word < count; word += 1) words[first + word] = mixed(${producer}, number, word);
      if (!(odd(i) && '${fault}' === 'publish-first')) publish();
    }`;
}

interface Outcome {
  lost: number;
  doubled: number;
  torn: number;
  misplaced: number;
}

/** Counts what comes. */
class Receiver {
  readonly #kind: Kind;
  readonly #words: Int32Array;
  readonly #seen: Uint8Array;
  readonly #last: number[];
  received = 0;
  torn = 0;
  misplaced = 0;

  constructor(kind: Kind, buffer: ArrayBufferLike, producers: number) {
    this.#kind = kind;
    this.#words = new Int32Array(buffer);
    this.#seen = new Uint8Array(producers * RECORDS);
    this.#last = new Array<number>(producers).fill(-1);
  }

  /** The record at this byte; its bytes. */
  take(place: number): number {
    const words = this.#words.subarray(place / 4);
    const [count, producer, number] = words;
    this.received += 1;
    const whole = producer in this.#last && number >= 0 && number < RECORDS && count === wordsOf(this.#kind, number);
    let right = whole;
    for (let word = 3; right && word < count; word += 1) right = words[word] === mixed(producer, number, word);
    if (!right) {
      this.torn += 1;
      return 4 * (this.#kind === 'bytes' && whole ? count : RECORD_BYTES / 4);
    }
    this.#seen[producer * RECORDS + number] += 1;
    if (number <= this.#last[producer]) this.misplaced += 1;
    this.#last[producer] = number;
    return 4 * count;
  }

  get outcome(): Outcome {
    return {
      lost: this.#seen.filter((times) => times === 0).length, doubled: this.#seen.filter((times) => times > 1).length,
      torn: this.torn, misplaced: this.misplaced,
    };
  }
}

/** Takes what there is; false: nothing. */
function consumer(kind: Kind, buffer: ArrayBufferLike, receiver: Receiver): () => boolean {
  const memory = buffer as SharedArrayBuffer;
  if (kind === 'mpmc') {
    const queue = new MpmcQueue(memory, 0, 100);
    return () => {
      const place = queue.take();
      if (place < 0) return false;
      receiver.take(place);
      queue.release(place);
      return true;
    };
  }
  if (kind === 'bytes') {
    const ring = new ByteRingConsumer(memory, 0);
    return () => {
      const place = ring.peek();
      if (place < 0) return false;
      ring.advance(receiver.take(place));
      ring.release();
      return true;
    };
  }
  const ring = kind === 'ring' ? new RingConsumer(memory, 0) : new MpscConsumer(memory, 0, 100);
  return () => {
    const place = ring.take();
    if (place >= 0) receiver.take(place);
    ring.release();
    return place >= 0;
  };
}

function makeQueue(kind: Kind, path: string): MappedFile {
  const bytes = kind === 'bytes' ? byteRingBytes(BYTE_RING) : (kind === 'ring' ? ringBytes : queueBytes)(SLOTS, RECORD_BYTES);
  const file = MappedFile.create(path, bytes);
  if (kind === 'bytes') initializeByteRing(file.buffer, 0, BYTE_RING);
  else (kind === 'ring' ? initializeRing : initializeQueue)(file.buffer, 0, SLOTS, RECORD_BYTES);
  return file;
}

async function run(kind: Kind, producers: number, fault: Fault): Promise<Outcome> {
  const directory = mkdtempSync(join(folder as string, 'outcry-queues-'));
  const path = join(directory, 'queue');
  const file = makeQueue(kind, path);
  const children = Array.from({ length: producers }, (_, producer) =>
    spawn(process.execPath, ['--input-type=module', '--eval', producing(kind, path, producer, producer === 0 ? fault : 'none')], { stdio: ['ignore', 'ignore', 'inherit'] }));
  const ended = Promise.all(children.map((child) => once(child, 'exit')));
  let allEnded = false;
  void ended.then(() => (allEnded = true));
  try {
    const receiver = new Receiver(kind, file.buffer, producers);
    const take = consumer(kind, file.buffer, receiver);
    const untilMs = performance.now() + LOST_MS;
    for (let last = false; !last && performance.now() < untilMs; ) {
      last = allEnded; // asked first: what is not there then never comes
      while (take());
      await new Promise((resolve) => void setImmediate(resolve));
    }
    return receiver.outcome;
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await ended;
    file.close();
    rmSync(directory, { recursive: true });
  }
}

const skip = folder === null && 'needs mapped files in shared memory';
const NONE: Outcome = { lost: 0, doubled: 0, torn: 0, misplaced: 0 };

for (const [kind, producers, what] of [
  ['ring', 1, 'one producer, one consumer, 40 bytes'], ['mpsc', 3, 'three producers, one consumer, 40 bytes'],
  ['mpmc', 3, 'three producers, 40 bytes'], ['bytes', 1, 'frames of 16 to 256 bytes'],
] as const) {
  test(`between processes, ${kind}: ${what}`, { skip, timeout: 60_000 }, async () => {
    assert.deepEqual(await run(kind, producers, 'none'), NONE);
  });
}

for (const kind of ['ring', 'mpsc', 'mpmc'] as const) {
  test(`between processes, ${kind}: what is published before it is written, said twice or left out is found`, { skip, timeout: 60_000 }, async () => {
    // Whoever is too early reads what stood there a lap before, or half of it.
    const { torn, doubled, lost } = await run(kind, 1, 'publish-first');
    assert.ok(torn + doubled > 0 && lost > 0, `${torn} torn, ${doubled} doubled, ${lost} lost`);
    const times = Math.floor(RECORDS / 1_000);
    const twice = await run(kind, 1, 'twice');
    assert.deepEqual(twice, { lost: times, doubled: times, torn: 0, misplaced: times });
    assert.deepEqual(await run(kind, 1, 'left out'), { ...NONE, lost: times });
  });
}
