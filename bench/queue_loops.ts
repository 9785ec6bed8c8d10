// The three queues under test, and the loops over them: by this thread alone, and as one side of two threads.
//
// Every record carries its number in its first word; consumers check that it is the next one, and sum up.
import { initializeQueue, MpmcQueue, queueBytes } from '../src/base/mpmc_queue.ts';
import { MPSC_LOOKS_MAX, MpscConsumer } from '../src/base/mpsc_queue.ts';
import { initializeRing, ringBytes, RingConsumer, RingProducer } from '../src/base/ring_buffer.ts';
import { backOff } from './report_control.ts';

export const KINDS = ['spsc', 'mpsc', 'mpmc'] as const;
export type Kind = (typeof KINDS)[number];

/** 64 KiB of records: both sides stay in the second-level cache, and a thread may fall behind for some 20 µs. */
export const SLOTS = 1024;
/** A slot is one cache line: 64 bytes, of which two queues use 8 for themselves. */
const SLOT_BYTES: Readonly<Record<Kind, number>> = { spsc: 64, mpsc: 56, mpmc: 56 };
/** Looks that count as one turn of waiting: report_control.ts. */
const LOOKS_SHIFT = 3;
/**
 * Turns of an empty loop after a look in vain, some 100 ns: each look takes the line of the next record away from who is
 * writing it. (C has an instruction for it.)
 */
const PAUSE_TURNS = 200;

export function newQueue(kind: Kind): SharedArrayBuffer {
  const isRing = kind === 'spsc';
  const buffer = new SharedArrayBuffer((isRing ? ringBytes : queueBytes)(SLOTS, SLOT_BYTES[kind]));
  (isRing ? initializeRing : initializeQueue)(buffer, 0, SLOTS, SLOT_BYTES[kind]);
  return buffer;
}

/** A side's loop over so many records; the sum of their numbers, modulo 2^32, by the consumer. */
export interface Sides {
  /** Claims, writes and publishes a batch, takes, reads and releases it, and so on. */
  pass(records: number): number;
  produce(records: number): number;
  consume(records: number): number;
}

/** The loops of one kind; a side that finds the queue full or empty backs off by `control`. */
export function sidesOf(kind: Kind, buffer: SharedArrayBuffer, batch: number, control: Int32Array): Sides {
  if (kind === 'spsc') return new SpscSides(buffer, batch, control);
  if (kind === 'mpsc') return new MpscSides(buffer, batch, control);
  return batch === 1 ? new MpmcSides(buffer, control) : new MpmcBatchSides(buffer, batch, control);
}

/** Waits for the other side. */
export class Waiting {
  readonly #control: Int32Array;
  #looks = 0;
  #turns = 0;

  constructor(control: Int32Array) {
    this.#control = control;
  }

  again(): void {
    this.#looks += 1;
    for (let i = 0; i < PAUSE_TURNS; i++) this.#turns = (this.#turns + i) | 0;
    backOff(this.#control, this.#looks >>> LOOKS_SHIFT);
  }

  done(): void {
    this.#looks = 0;
  }
}

function expect(value: number, number: number): number {
  if (value !== (number | 0)) throw new Error(`record ${number} was ${value}`);
  return value;
}

class SpscSides implements Sides {
  readonly #words: Int32Array;
  readonly #producer: RingProducer;
  readonly #consumer: RingConsumer;
  readonly #batch: number;
  readonly #waiting: Waiting;

  constructor(buffer: SharedArrayBuffer, batch: number, control: Int32Array) {
    this.#words = new Int32Array(buffer);
    this.#producer = new RingProducer(buffer, 0);
    this.#consumer = new RingConsumer(buffer, 0);
    this.#batch = batch;
    this.#waiting = new Waiting(control);
  }

  pass(records: number): number {
    const words = this.#words;
    const batch = this.#batch;
    let sum = 0;
    for (let done = 0; done < records; done += batch) {
      for (let i = done; i < done + batch; i++) words[this.#producer.claim() >>> 2] = i;
      this.#producer.publish();
      for (let i = done; i < done + batch; i++) sum = (sum + expect(words[this.#consumer.take() >>> 2], i)) | 0;
      this.#consumer.release();
    }
    this.#consumer.take(); // tells what is released
    return sum;
  }

  produce(records: number): number {
    const words = this.#words;
    const batch = this.#batch;
    for (let i = 0; i < records;) {
      const at = this.#producer.claim();
      if (at < 0) {
        this.#producer.publish();
        this.#waiting.again();
        continue;
      }
      this.#waiting.done();
      words[at >>> 2] = i;
      i++;
      if (i % batch === 0) this.#producer.publish();
    }
    this.#producer.publish();
    return 0;
  }

  consume(records: number): number {
    const words = this.#words;
    let sum = 0;
    for (let i = 0; i < records;) {
      const at = this.#consumer.take();
      if (at < 0) {
        this.#waiting.again();
        continue;
      }
      this.#waiting.done();
      sum = (sum + expect(words[at >>> 2], i)) | 0;
      i++;
      this.#consumer.release();
    }
    this.#consumer.take();
    return sum;
  }
}

class MpscSides implements Sides {
  readonly #words: Int32Array;
  readonly #producer: MpmcQueue;
  readonly #consumer: MpscConsumer;
  readonly #batch: number;
  readonly #waiting: Waiting;

  constructor(buffer: SharedArrayBuffer, batch: number, control: Int32Array) {
    this.#words = new Int32Array(buffer);
    this.#producer = new MpmcQueue(buffer, 0, 1);
    this.#consumer = new MpscConsumer(buffer, 0, 2);
    this.#batch = batch;
    this.#waiting = new Waiting(control);
  }

  /** Up to a batch from record `from` on; how many. */
  #push(from: number): number {
    const words = this.#words;
    if (this.#batch === 1) {
      const at = this.#producer.claim();
      if (at < 0) return 0;
      words[at >>> 2] = from;
      this.#producer.publish(at);
      return 1;
    }
    const count = this.#producer.claimMany(this.#batch);
    for (let i = 0; i < count; i++) words[this.#producer.claimedAt(i) >>> 2] = from + i;
    if (count > 0) this.#producer.publishMany();
    return count;
  }

  /** What the consumer still has is given back, so that the queue is empty for both. */
  #giveBack(): void {
    for (let i = 0; i < MPSC_LOOKS_MAX; i++) this.#consumer.take();
  }

  pass(records: number): number {
    const words = this.#words;
    let sum = 0;
    for (let done = 0; done < records; done += this.#batch) {
      const count = this.#push(done);
      for (let i = done; i < done + count; i++) sum = (sum + expect(words[this.#consumer.take() >>> 2], i)) | 0;
      this.#consumer.release();
    }
    this.#giveBack();
    return sum;
  }

  produce(records: number): number {
    for (let i = 0; i < records;) {
      const count = this.#push(i);
      i += count;
      if (count === 0) this.#waiting.again();
      else this.#waiting.done();
    }
    return 0;
  }

  consume(records: number): number {
    const words = this.#words;
    let sum = 0;
    for (let i = 0; i < records;) {
      const at = this.#consumer.take();
      if (at < 0) {
        this.#waiting.again();
        continue;
      }
      this.#waiting.done();
      sum = (sum + expect(words[at >>> 2], i)) | 0;
      i++;
      this.#consumer.release();
    }
    this.#giveBack();
    return sum;
  }
}

class MpmcSides implements Sides {
  readonly #words: Int32Array;
  readonly #producer: MpmcQueue;
  readonly #consumer: MpmcQueue;
  readonly #waiting: Waiting;

  constructor(buffer: SharedArrayBuffer, control: Int32Array) {
    this.#words = new Int32Array(buffer);
    this.#producer = new MpmcQueue(buffer, 0, 1);
    this.#consumer = new MpmcQueue(buffer, 0, 2);
    this.#waiting = new Waiting(control);
  }

  pass(records: number): number {
    const words = this.#words;
    let sum = 0;
    for (let i = 0; i < records; i++) {
      const claimed = this.#producer.claim();
      words[claimed >>> 2] = i;
      this.#producer.publish(claimed);
      const taken = this.#consumer.take();
      sum = (sum + expect(words[taken >>> 2], i)) | 0;
      this.#consumer.release(taken);
    }
    return sum;
  }

  produce(records: number): number {
    const words = this.#words;
    for (let i = 0; i < records;) {
      const at = this.#producer.claim();
      if (at < 0) {
        this.#waiting.again();
        continue;
      }
      this.#waiting.done();
      words[at >>> 2] = i;
      i++;
      this.#producer.publish(at);
    }
    return 0;
  }

  consume(records: number): number {
    const words = this.#words;
    let sum = 0;
    for (let i = 0; i < records;) {
      const at = this.#consumer.take();
      if (at < 0) {
        this.#waiting.again();
        continue;
      }
      this.#waiting.done();
      sum = (sum + expect(words[at >>> 2], i)) | 0;
      i++;
      this.#consumer.release(at);
    }
    return sum;
  }
}

class MpmcBatchSides implements Sides {
  readonly #words: Int32Array;
  readonly #producer: MpmcQueue;
  readonly #consumer: MpmcQueue;
  readonly #batch: number;
  readonly #waiting: Waiting;

  constructor(buffer: SharedArrayBuffer, batch: number, control: Int32Array) {
    this.#words = new Int32Array(buffer);
    this.#producer = new MpmcQueue(buffer, 0, 1);
    this.#consumer = new MpmcQueue(buffer, 0, 2);
    this.#batch = batch;
    this.#waiting = new Waiting(control);
  }

  #push(from: number, most: number): number {
    const count = this.#producer.claimMany(most);
    for (let i = 0; i < count; i++) this.#words[this.#producer.claimedAt(i) >>> 2] = from + i;
    if (count > 0) this.#producer.publishMany();
    return count;
  }

  pass(records: number): number {
    let sum = 0;
    for (let done = 0; done < records;) {
      done += this.#push(done, this.#batch);
      const count = this.#consumer.takeMany(this.#batch);
      for (let i = 0; i < count; i++) sum = (sum + expect(this.#words[this.#consumer.takenAt(i) >>> 2], done - count + i)) | 0;
      this.#consumer.releaseMany();
    }
    return sum;
  }

  produce(records: number): number {
    for (let i = 0; i < records;) {
      const count = this.#push(i, Math.min(this.#batch, records - i));
      i += count;
      if (count === 0) this.#waiting.again();
      else this.#waiting.done();
    }
    return 0;
  }

  consume(records: number): number {
    let sum = 0;
    for (let done = 0; done < records;) {
      const count = this.#consumer.takeMany(this.#batch);
      if (count === 0) {
        this.#waiting.again();
        continue;
      }
      this.#waiting.done();
      for (let i = 0; i < count; i++) sum = (sum + expect(this.#words[this.#consumer.takenAt(i) >>> 2], done + i)) | 0;
      done += count;
      this.#consumer.releaseMany();
    }
    return sum;
  }
}
