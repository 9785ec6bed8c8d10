// Two lanes between any number of producers and consumers: urgent records overtake normal ones.
//
//   0             128            192 …                     …
//   │ description │ refusals     │ urgent lane (MpmcQueue) │ normal lane (MpmcQueue) │
//
// Each lane has slots of its own, so a full normal lane never keeps an urgent record out. Full is a return
// value per lane, and counted per lane, since a refusal is what the producer's back-pressure hangs on.
//
// Order: within a lane as in mpmc_queue.ts. A consumer takes from the urgent lane first; after
// `urgentRunMax` urgent records in a row it takes a normal one, if there is one. So of N records that one
// consumer takes while both lanes hold some, at least floor(N / (urgentRunMax + 1)) are normal: neither lane waits
// without limit. The run is counted by each consumer for itself. What an urgent record waits for is what
// the consumers have taken before it came: with `takeMany(n)` up to n records each.
//
// Cost: a take from the normal lane first looks at the urgent one (one load), otherwise that of the lanes.
// No allocation. Limits: those of the lanes.
import { assert } from './assert.ts';
import { initializeQueue, MpmcQueue, QUEUE_EMPTY, QUEUE_FULL, QUEUE_OWNER_NONE, queueBytes } from './mpmc_queue.ts';

const MAGIC = 0x514f5250; // "PROQ"
const REFUSED_URGENT_WORD = 128 / 4;
const REFUSED_NORMAL_WORD = 128 / 4 + 1;
const LANES_AT = 256;

export const Lane = { Urgent: 0, Normal: 1 } as const;
export type Lane = (typeof Lane)[keyof typeof Lane];

export interface PriorityQueueLayout {
  /** Powers of two. */
  readonly urgentSlots: number;
  readonly normalSlots: number;
  /** Payload bytes of a record, a multiple of 8; 56 makes a slot one cache line. */
  readonly slotBytes: number;
  /** Urgent records in a row after which a waiting normal one is taken; default 16. */
  readonly urgentRunMax?: number;
}

/** A cancel waits for one normal record in 16 at most; the normal lane keeps a seventeenth of the pace. */
export const URGENT_RUN_DEFAULT = 16;

function laneBytes(slots: number, slotBytes: number): number {
  return (queueBytes(slots, slotBytes) + 127) & ~127;
}

/** Bytes of both lanes and what belongs to them. */
export function priorityQueueBytes(layout: PriorityQueueLayout): number {
  return LANES_AT + laneBytes(layout.urgentSlots, layout.slotBytes) + laneBytes(layout.normalSlots, layout.slotBytes);
}

/** Lays out two empty lanes at `offset` (a multiple of 64) of the buffer. Before any handle is made. */
export function initializePriorityQueue(buffer: ArrayBuffer | SharedArrayBuffer, offset: number, layout: PriorityQueueLayout): void {
  const { urgentSlots, normalSlots, slotBytes, urgentRunMax = URGENT_RUN_DEFAULT } = layout;
  const bytes = priorityQueueBytes(layout);
  if (!(Number.isInteger(urgentRunMax) && urgentRunMax >= 1 && urgentRunMax < 2 ** 31)) {
    throw new RangeError(`urgentRunMax was ${urgentRunMax}, expected 1 … 2^31 − 1`);
  }
  if (offset % 64 !== 0 || offset < 0) throw new RangeError(`offset was ${offset}, expected a multiple of 64`);
  if (offset + bytes > buffer.byteLength) {
    throw new RangeError(`the queue needs ${bytes} bytes from ${offset} on, the buffer has ${buffer.byteLength}`);
  }
  const normalAt = offset + LANES_AT + laneBytes(urgentSlots, slotBytes);
  initializeQueue(buffer, offset + LANES_AT, urgentSlots, slotBytes);
  initializeQueue(buffer, normalAt, normalSlots, slotBytes);
  const words = new Int32Array(buffer, offset, LANES_AT / 4);
  words.fill(0);
  words[1] = urgentRunMax;
  words[2] = normalAt - offset;
  Atomics.store(words, 0, MAGIC);
}

/** A handle: each thread makes its own, for producing, consuming or both. */
export class PriorityQueue {
  readonly slotBytes: number;
  readonly urgentSlots: number;
  readonly normalSlots: number;
  readonly urgentRunMax: number;
  /** Lane of the last record that `take` gave. */
  takenLane: Lane = Lane.Urgent;
  readonly #words: Int32Array;
  readonly #urgent: MpmcQueue;
  readonly #normal: MpmcQueue;
  readonly #normalAt: number; // byte offsets from here on are those of the normal lane
  #urgentRun = 0; // urgent records taken since the last normal one
  #urgentTaken = 0; // of the batch taken
  #normalTaken = 0;

  /** Attaches to the queue that was laid out at `offset`. `owner` as in MpmcQueue. */
  constructor(buffer: ArrayBuffer | SharedArrayBuffer, offset: number, owner: number = QUEUE_OWNER_NONE) {
    this.#words = new Int32Array(buffer, offset, LANES_AT / 4);
    const magic = Atomics.load(this.#words, 0);
    if (magic !== MAGIC) {
      throw new Error(`no priority queue at offset ${offset}: its first word was 0x${(magic >>> 0).toString(16)}, expected 0x${MAGIC.toString(16)}`);
    }
    this.urgentRunMax = this.#words[1];
    this.#normalAt = offset + this.#words[2];
    this.#urgent = new MpmcQueue(buffer, offset + LANES_AT, owner);
    this.#normal = new MpmcQueue(buffer, this.#normalAt, owner);
    this.slotBytes = this.#urgent.slotBytes;
    this.urgentSlots = this.#urgent.slots;
    this.normalSlots = this.#normal.slots;
  }

  /** Byte offset of a free slot of the urgent lane, to be written before `publish`; QUEUE_FULL when there is none. */
  claimUrgent(): number {
    const at = this.#urgent.claim();
    if (at === QUEUE_FULL) Atomics.add(this.#words, REFUSED_URGENT_WORD, 1);
    return at;
  }

  /** The same of the normal lane. */
  claim(): number {
    const at = this.#normal.claim();
    if (at === QUEUE_FULL) Atomics.add(this.#words, REFUSED_NORMAL_WORD, 1);
    return at;
  }

  /** Hands the claimed slot at `at`, of either lane, to the consumers. */
  publish(at: number): void {
    if (at < this.#normalAt) this.#urgent.publish(at);
    else this.#normal.publish(at);
  }

  /** Byte offset of the next record by the rule above, its lane in `takenLane`; QUEUE_EMPTY when there is none. */
  take(): number {
    if (this.#urgentRun >= this.urgentRunMax) {
      const at = this.#takeNormal();
      if (at !== QUEUE_EMPTY) return at;
    }
    const at = this.#urgent.take();
    if (at === QUEUE_EMPTY) return this.#takeNormal();
    this.takenLane = Lane.Urgent;
    if (this.#urgentRun < this.urgentRunMax) this.#urgentRun += 1;
    return at;
  }

  #takeNormal(): number {
    const at = this.#normal.take();
    if (at === QUEUE_EMPTY) return QUEUE_EMPTY;
    this.takenLane = Lane.Normal;
    this.#urgentRun = 0;
    return at;
  }

  /** Gives the slot of a record taken, of either lane, back to the producers. */
  release(at: number): void {
    if (at < this.#normalAt) this.#urgent.release(at);
    else this.#normal.release(at);
  }

  /**
   * Takes up to `countMax` records, at `takenAt(0 … count − 1)`: as many urgent ones as the run may still have, then normal
   * ones; if that is none, urgent ones without bound. 0 when both lanes are empty.
   */
  takeMany(countMax: number): number {
    assert(this.#urgentTaken + this.#normalTaken === 0, 'a batch is released before the next one is taken');
    const run = this.#urgentRun;
    const urgentMax = Math.min(countMax, this.urgentRunMax - run);
    let urgent = urgentMax > 0 ? this.#urgent.takeMany(urgentMax) : 0;
    const normal = urgent < countMax ? this.#normal.takeMany(countMax - urgent) : 0;
    if (urgent + normal === 0 && urgentMax < countMax) urgent = this.#urgent.takeMany(countMax);
    this.#urgentRun = normal > 0 ? 0 : Math.min(run + urgent, this.urgentRunMax);
    this.#urgentTaken = urgent;
    this.#normalTaken = normal;
    return urgent + normal;
  }

  /** Byte offset of a record of the batch taken; the first `urgentTaken` are urgent. */
  takenAt(index: number): number {
    return index < this.#urgentTaken ? this.#urgent.takenAt(index) : this.#normal.takenAt(index - this.#urgentTaken);
  }

  /** How many of the batch taken are urgent. */
  get urgentTaken(): number {
    return this.#urgentTaken;
  }

  /** Gives the whole batch back to the producers. */
  releaseMany(): void {
    if (this.#urgentTaken > 0) this.#urgent.releaseMany();
    if (this.#normalTaken > 0) this.#normal.releaseMany();
    this.#urgentTaken = 0;
    this.#normalTaken = 0;
  }

  /** Records claimed and not yet taken, by lane; any thread may ask. */
  get urgentDepth(): number {
    return this.#urgent.depth;
  }

  get normalDepth(): number {
    return this.#normal.depth;
  }

  /** Claims refused because the lane was full, by all producers together, modulo 2^32. */
  get urgentRefused(): number {
    return Atomics.load(this.#words, REFUSED_URGENT_WORD) >>> 0;
  }

  get normalRefused(): number {
    return Atomics.load(this.#words, REFUSED_NORMAL_WORD) >>> 0;
  }

  /** Who keeps the urgent lane waiting, else who keeps the normal one, else QUEUE_EMPTY; see MpmcQueue. */
  get stalledOwner(): number {
    const owner = this.#urgent.stalledOwner;
    return owner === QUEUE_EMPTY ? this.#normal.stalledOwner : owner;
  }

  /** Frees what a dead owner has left in either lane; see MpmcQueue. */
  disown(owner: number): number {
    return this.#urgent.disown(owner) + this.#normal.disown(owner);
  }
}
