// The queues with records of a size that people have: 40 bytes, as market data messages are, and of any length (8 to 256 bytes,
// 40 in the middle). Unlike the loops of queue_loops.ts, which write one word, these write and read every word of a record.
//
//   40 bytes   ten words: the record's number, then the number and the word's place mixed
//   bytes      length and number in the first two words, then the same
//
// A reader compares every word, so what is timed is also what is checked.
import { initializeQueue, MpmcQueue, queueBytes } from '../src/base/mpmc_queue.ts';
import { MPSC_LOOKS_MAX, MpscConsumer } from '../src/base/mpsc_queue.ts';
import { initializeRing, ringBytes, RingConsumer, RingProducer } from '../src/base/ring_buffer.ts';
import { byteRingBytes, ByteRingConsumer, ByteRingProducer, initializeByteRing } from '../src/journal/byte_ring.ts';
import { SLOTS, type Sides, Waiting } from './queue_loops.ts';

export const RECORD_KINDS = ['spsc40', 'mpsc40', 'mpmc40', 'bytes'] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

export function isRecordKind(kind: string): kind is RecordKind {
  return (RECORD_KINDS as readonly string[]).includes(kind);
}

const RECORD_BYTES = 40;
/** As much memory as the slots of the others. */
const RING_BYTES = 64 * SLOTS;
/** Lengths in words, taken in turn: powers of two that follow one another would never wrap in the midst of a record. */
const LENGTHS = [2, 10, 4, 10, 16, 6, 10, 64, 10, 8, 10, 32, 12, 10, 10, 20];
/** Bytes of a record of any length, on average. */
export const BYTES_MEAN = (4 * LENGTHS.reduce((sum, words) => sum + words, 0)) / LENGTHS.length;

export function newRecordQueue(kind: RecordKind): SharedArrayBuffer {
  if (kind === 'bytes') {
    const buffer = new SharedArrayBuffer(byteRingBytes(RING_BYTES));
    initializeByteRing(buffer, 0, RING_BYTES);
    return buffer;
  }
  const isRing = kind === 'spsc40';
  const buffer = new SharedArrayBuffer((isRing ? ringBytes : queueBytes)(SLOTS, RECORD_BYTES));
  (isRing ? initializeRing : initializeQueue)(buffer, 0, SLOTS, RECORD_BYTES);
  return buffer;
}

/** `batch`: records published, and released, together; claimed together where the queue can. */
export function recordSides(kind: RecordKind, buffer: SharedArrayBuffer, batch: number, control: Int32Array): Sides {
  if (kind === 'bytes') return new BytesSides(buffer, batch, control);
  return kind === 'spsc40' ? new RingSides(buffer, batch, control) : new QueueSides(kind, buffer, batch, control);
}

function wordOf(number: number, place: number): number {
  return (Math.imul(number, 0x9e3779b1) + place) | 0;
}

/** From word `from` of a record on. */
function write(words: Int32Array, first: number, from: number, count: number, number: number): void {
  const mixed = wordOf(number, 0);
  for (let i = from; i < count; i++) words[first + i] = (mixed + i) | 0;
}

function check(words: Int32Array, first: number, from: number, count: number, number: number): void {
  const mixed = wordOf(number, 0);
  let wrong = 0;
  for (let i = from; i < count; i++) wrong |= words[first + i] ^ ((mixed + i) | 0);
  if (wrong !== 0) throw new Error(`record ${number} is not what was written`);
}

function write40(words: Int32Array, at: number, number: number): void {
  const first = at >>> 2;
  words[first] = number;
  write(words, first, 1, RECORD_BYTES / 4, number);
}

function read40(words: Int32Array, at: number, number: number): void {
  const first = at >>> 2;
  if (words[first] !== number) throw new Error(`record ${number} was ${words[first]}`);
  check(words, first, 1, RECORD_BYTES / 4, number);
}

/** Up to `most` records from `from` on, of a consumer that takes them one by one and gives back all at once; how many. */
function pullEach(consumer: RingConsumer | MpscConsumer, words: Int32Array, from: number, most: number): number {
  let count = 0;
  for (; count < most; count++) {
    const at = consumer.take();
    if (at < 0) break;
    read40(words, at, from + count);
  }
  consumer.release();
  return count;
}

/** What the three have in common: whole runs out of single attempts. */
abstract class RecordSides implements Sides {
  protected readonly words: Int32Array;
  protected readonly batch: number;
  readonly #waiting: Waiting;

  constructor(buffer: SharedArrayBuffer, batch: number, control: Int32Array) {
    this.words = new Int32Array(buffer);
    this.batch = batch;
    this.#waiting = new Waiting(control);
  }

  /** Up to a batch of records from `from` on; how many. */
  protected abstract push(from: number, most: number): number;
  protected abstract pull(from: number): number;
  /** Nothing is held back any more. */
  protected abstract settle(): void;

  pass(records: number): number {
    let sum = 0;
    for (let done = 0; done < records; ) {
      const end = done + this.push(done, Math.min(this.batch, records - done));
      while (done < end) {
        const count = this.pull(done);
        for (let i = done; i < done + count; i++) sum = (sum + i) | 0;
        done += count;
      }
    }
    this.settle();
    return sum;
  }

  produce(records: number): number {
    for (let i = 0; i < records; ) {
      const count = this.push(i, Math.min(this.batch, records - i));
      i += count;
      if (count === 0) this.#waiting.again();
      else this.#waiting.done();
    }
    return 0;
  }

  consume(records: number): number {
    let sum = 0;
    for (let done = 0; done < records; ) {
      const count = this.pull(done);
      if (count === 0) {
        this.#waiting.again();
        continue;
      }
      this.#waiting.done();
      for (let i = done; i < done + count; i++) sum = (sum + i) | 0;
      done += count;
    }
    this.settle();
    return sum;
  }
}

class RingSides extends RecordSides {
  readonly #producer: RingProducer;
  readonly #consumer: RingConsumer;

  constructor(buffer: SharedArrayBuffer, batch: number, control: Int32Array) {
    super(buffer, batch, control);
    this.#producer = new RingProducer(buffer, 0);
    this.#consumer = new RingConsumer(buffer, 0);
  }

  protected push(from: number, most: number): number {
    let count = 0;
    for (; count < most; count++) {
      const at = this.#producer.claim();
      if (at < 0) break;
      write40(this.words, at, from + count);
    }
    if (count > 0) this.#producer.publish();
    return count;
  }

  protected pull(from: number): number {
    return pullEach(this.#consumer, this.words, from, this.batch);
  }

  protected settle(): void {
    this.#consumer.take();
  }
}

/** Many producers; one consumer (mpsc40) or many. */
class QueueSides extends RecordSides {
  readonly #producer: MpmcQueue;
  readonly #one: MpscConsumer | null;
  readonly #many: MpmcQueue;

  constructor(kind: RecordKind, buffer: SharedArrayBuffer, batch: number, control: Int32Array) {
    super(buffer, batch, control);
    this.#producer = new MpmcQueue(buffer, 0, 1);
    this.#one = kind === 'mpsc40' ? new MpscConsumer(buffer, 0, 2) : null;
    this.#many = new MpmcQueue(buffer, 0, 2);
  }

  protected push(from: number, most: number): number {
    const producer = this.#producer;
    if (this.batch === 1) {
      const at = producer.claim();
      if (at < 0) return 0;
      write40(this.words, at, from);
      producer.publish(at);
      return 1;
    }
    const count = producer.claimMany(most);
    for (let i = 0; i < count; i++) write40(this.words, producer.claimedAt(i), from + i);
    if (count > 0) producer.publishMany();
    return count;
  }

  protected pull(from: number): number {
    if (this.#one !== null) return pullEach(this.#one, this.words, from, this.batch);
    const many = this.#many;
    if (this.batch === 1) {
      const at = many.take();
      if (at < 0) return 0;
      read40(this.words, at, from);
      many.release(at);
      return 1;
    }
    const count = many.takeMany(this.batch);
    for (let i = 0; i < count; i++) read40(this.words, many.takenAt(i), from + i);
    if (count > 0) many.releaseMany();
    return count;
  }

  protected settle(): void {
    if (this.#one !== null) for (let i = 0; i < MPSC_LOOKS_MAX; i++) this.#one.take();
  }
}

class BytesSides extends RecordSides {
  readonly #producer: ByteRingProducer;
  readonly #consumer: ByteRingConsumer;

  constructor(buffer: SharedArrayBuffer, batch: number, control: Int32Array) {
    super(buffer, batch, control);
    this.#producer = new ByteRingProducer(buffer, 0);
    this.#consumer = new ByteRingConsumer(buffer, 0);
  }

  protected push(from: number, most: number): number {
    const { words } = this;
    let count = 0;
    for (; count < most; count++) {
      const number = from + count;
      const length = LENGTHS[number % LENGTHS.length];
      const at = this.#producer.claim(4 * length);
      if (at < 0) break;
      const first = at >>> 2;
      words[first] = length;
      words[first + 1] = number;
      write(words, first, 2, length, number);
    }
    if (count > 0) this.#producer.publish();
    return count;
  }

  protected pull(from: number): number {
    const { words } = this;
    let count = 0;
    for (; count < this.batch; count++) {
      const at = this.#consumer.peek();
      if (at < 0) break;
      const number = from + count;
      const first = at >>> 2;
      const length = words[first];
      if (length !== LENGTHS[number % LENGTHS.length] || words[first + 1] !== number) throw new Error(`record ${number} was ${words[first + 1]} of ${length} words`);
      check(words, first, 2, length, number);
      this.#consumer.advance(4 * length);
    }
    if (count > 0) this.#consumer.release();
    return count;
  }

  protected settle(): void {}
}
