// What the engine's thread and its producers share beside the queue: whether inputs are taken, how to
// wake the engine, and who has which order ids. One block of shared memory:
//
//   0 magic │ 1 phase │ 2 asleep │ 3 id blocks given │ 4 producers made │ 5 stamp mask │ 6 … 15 spare │ queue …
//
// The queue stands behind it (base/priority_queue.ts). All words are read and written with Atomics.
import { assert } from '../base/assert.ts';
import { initializePriorityQueue, priorityQueueBytes } from '../base/priority_queue.ts';
import type { WakeSource } from '../base/agent.ts';
import { INPUT } from './inputs.ts';

const MAGIC = 0x4555_544f; // "OTUE"
const WORD = { magic: 0, phase: 1, asleep: 2, idBlocks: 3, producers: 4, stampMask: 5 } as const;
const QUEUE_AT = 64;

/** What producers may hand in. */
export const Phase = { Closed: 0, Open: 1, Draining: 2 } as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** Order ids of a producer come in blocks of so many, so that no two producers share one: 2^32 blocks below 2^52. */
export const ID_BLOCK = 2 ** 20;
/** Ids of orders that strategies send: above those of all producers. */
export const STRATEGY_ID_BASE = 2 ** 52;

/** What a producer on another thread needs; structured-cloneable, so that it can be posted to a worker. */
export interface ProducerHandle {
  readonly buffer: SharedArrayBuffer;
  /** Number of the producer, from 1; each is for one thread. */
  readonly producer: number;
  /** What `performance.now` says counts from the same moment in all threads of a process. */
  readonly startMs: number;
}

export interface QueueSizes {
  /** Powers of two. */
  readonly normalSlots: number;
  readonly urgentSlots: number;
}

export class SharedState {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, QUEUE_AT / 4);
    assert(Atomics.load(this.#words, WORD.magic) === MAGIC, 'the buffer is an engine’s');
  }

  static create(sizes: QueueSizes): SharedState {
    const layout = { ...sizes, slotBytes: INPUT.size };
    const buffer = new SharedArrayBuffer(QUEUE_AT + priorityQueueBytes(layout));
    initializePriorityQueue(buffer, QUEUE_AT, layout);
    Atomics.store(new Int32Array(buffer, 0, 1), 0, MAGIC);
    return new SharedState(buffer);
  }

  get queueAt(): number {
    return QUEUE_AT;
  }

  get phase(): Phase {
    return Atomics.load(this.#words, WORD.phase) as Phase;
  }

  set phase(phase: Phase) {
    Atomics.store(this.#words, WORD.phase, phase);
  }

  /** Every (mask + 1)-th input of a producer carries the time; −1: none does. */
  get stampMask(): number {
    return Atomics.load(this.#words, WORD.stampMask);
  }

  set stampMask(mask: number) {
    Atomics.store(this.#words, WORD.stampMask, mask);
  }

  /** First id of a block that nobody else has. */
  takeIdBlock(): number {
    return Atomics.add(this.#words, WORD.idBlocks, 1) * ID_BLOCK;
  }

  /** No id up to `id` is given out any more: after a replay of what an earlier process has done. */
  skipIds(id: number): void {
    const blocks = Math.floor(id / ID_BLOCK) + 1;
    for (;;) {
      const now = Atomics.load(this.#words, WORD.idBlocks);
      if (now >= blocks || Atomics.compareExchange(this.#words, WORD.idBlocks, now, blocks) === now) return;
    }
  }

  takeProducerNumber(): number {
    return Atomics.add(this.#words, WORD.producers, 1) + 1;
  }

  /** After an input was published: wakes the engine when it sleeps. One load when it does not. */
  ring(): void {
    if (Atomics.load(this.#words, WORD.asleep) === 0) return;
    Atomics.store(this.#words, WORD.asleep, 0);
    Atomics.notify(this.#words, WORD.asleep);
  }

  /** Falls asleep: `ring` from now on wakes. Resolves then; the pending wait does not hold the process. */
  sleep(): Promise<unknown> | null {
    Atomics.store(this.#words, WORD.asleep, 1);
    const wait = Atomics.waitAsync(this.#words, WORD.asleep, 1);
    return wait.async ? wait.value : null;
  }

}

/** Wakes a sleeping loop when a producer, on whatever thread, has handed something in. */
export class Doorbell implements WakeSource {
  readonly #shared: SharedState;
  readonly #isEmpty: () => boolean;
  /** Counts up with every arming, so that a wake for an earlier one is told apart. */
  #armed = 0;
  #wake: (() => void) | null = null;

  constructor(shared: SharedState, isEmpty: () => boolean) {
    this.#shared = shared;
    this.#isEmpty = isEmpty;
  }

  arm(wake: () => void): void {
    this.#armed += 1;
    this.#wake = wake;
    const armed = this.#armed;
    const rung = this.#shared.sleep();
    if (rung !== null) void rung.then(() => this.#rung(armed));
    // What came before the word said "asleep" rang nobody.
    if (rung === null || !this.#isEmpty()) setImmediate(() => this.#rung(armed));
  }

  disarm(): void {
    this.#wake = null;
    this.#shared.ring();
  }

  /** Something was handed in on the loop's own thread: it wakes in the next turn of the event loop, which stays alive for it. */
  kick(): void {
    if (this.#wake === null) return;
    const armed = this.#armed;
    setImmediate(() => this.#rung(armed));
  }

  #rung(armed: number): void {
    if (armed !== this.#armed || this.#wake === null) return;
    const wake = this.#wake;
    this.#wake = null;
    wake();
  }
}
