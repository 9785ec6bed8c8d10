// The core matching on this thread, its reports read by another inside the measured time.
//
//   clock starts ─► flow in the slots → core → ring ═══► consumer thread: reads, checksums, releases ─► last one released: clock stops
//
// The ring is the core's own, in shared memory: 64 bytes a report, nothing is copied on the way.
import { Worker } from 'node:worker_threads';
import { assert } from '../src/base/assert.ts';
import { createCore, layoutArguments, type CoreExports } from '../src/book/core.ts';
import { COMMAND } from '../src/book/types.ts';
import { pinTo } from './pin.ts';
import { clearEngine, engineConfigFor } from './core_book.ts';
import { BATCH_SLOTS, type BookFlow } from './flows.ts';
import { CONTROL_WORDS, Control, MATCHING_CORE, State, backOff, type ConsumerData } from './report_control.ts';
import { EVENT_TYPES } from './event_checksum.ts';

/** One MiB of reports: room for the consumer to fall behind for a quarter of a millisecond. 256 KiB and 4 MiB were no faster (docs/LATENCY.md). */
export const HAND_OVER_EVENT_SLOTS = 16_384;

/** A bare look at a cursor takes a few nanoseconds: so many of them count as one turn of waiting. */
const ROOM_SPINS_SHIFT = 5;

export interface HandOverRun {
  ns: number;
  events: number;
  /** Of all reports, by the consumer. */
  checksum: number;
  types: number[];
  hash: string;
}

export interface HandOverOptions {
  /** Messages that a call hands to the core. */
  batch?: number;
}

export class HandOver {
  readonly #flow: BookFlow;
  readonly #core: CoreExports;
  readonly #memory: Uint8Array;
  readonly #words: Int32Array;
  readonly #layout: Parameters<CoreExports['layoutEngine']>;
  readonly #batchBytes: number;
  readonly #commandBase: number;
  readonly #publishedIndex: number;
  readonly #releasedIndex: number;
  readonly #control = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * 4));
  readonly #consumer: Worker;
  readonly #exited: Promise<void>;

  constructor(flow: BookFlow, options: HandOverOptions = {}) {
    const batch = options.batch ?? BATCH_SLOTS;
    const config = engineConfigFor(flow, { eventSlots: HAND_OVER_EVENT_SLOTS });
    const made = createCore(config, 'core', (needed) => this.#waitForRoom(needed));
    this.#flow = flow;
    this.#core = made.core;
    this.#memory = new Uint8Array(made.memory.buffer);
    this.#words = new Int32Array(made.memory.buffer);
    this.#layout = layoutArguments(config);
    this.#commandBase = made.core.commandsAddress() >>> 0;
    this.#memory.set(flow.slots, this.#commandBase);
    this.#publishedIndex = (made.core.publishedAddress() >>> 0) >>> 2;
    this.#releasedIndex = (made.core.releasedAddress() >>> 0) >>> 2;
    assert(flow.fillCommands === 0, 'the hand-over times a flow as a whole');
    this.#batchBytes = batch * COMMAND.size;
    const workerData: ConsumerData = {
      memory: made.memory, control: this.#control, eventSlots: HAND_OVER_EVENT_SLOTS,
      eventsAddress: made.core.eventsAddress() >>> 0,
      publishedIndex: this.#publishedIndex, releasedIndex: this.#releasedIndex,
    };
    this.#consumer = new Worker(new URL('report_consumer.ts', import.meta.url), { workerData });
    this.#exited = new Promise((resolve, reject) => {
      this.#consumer.once('exit', () => resolve());
      this.#consumer.once('error', reject);
    });
  }

  /** The flow on an empty book; the time ends when the consumer has read the last report. */
  async run(): Promise<HandOverRun> {
    const control = this.#control;
    this.#reset();
    Atomics.store(control, Control.Complete, 0);
    Atomics.store(control, Control.State, State.Start);
    Atomics.notify(control, Control.State);
    // The worker may still be starting: give it the event loop until it has taken up its work.
    while (Atomics.load(control, Control.State) === State.Start) await new Promise((resolve) => setImmediate(resolve));

    const unpin = pinTo(MATCHING_CORE);
    const start = process.hrtime.bigint();
    this.#replay(this.#batchBytes);
    const written = this.#core.eventsWritten() | 0;
    Atomics.store(control, Control.Total, written);
    Atomics.store(control, Control.Complete, 1);
    const words = this.#words;
    this.#waitUntil(words, this.#releasedIndex, written);
    const ns = Number(process.hrtime.bigint() - start);
    unpin();

    this.#waitUntil(control, Control.State, State.Idle);
    return {
      ns, events: written >>> 0, checksum: Atomics.load(control, Control.Checksum) >>> 0,
      types: Array.from({ length: EVENT_TYPES }, (_, type) => Atomics.load(control, Control.Types + type)),
      hash: BigInt.asUintN(64, this.#core.publicHash()).toString(16).padStart(16, '0'),
    };
  }

  async close(): Promise<void> {
    Atomics.store(this.#control, Control.State, State.Stop);
    Atomics.notify(this.#control, Control.State);
    await this.#exited;
  }

  #reset(): void {
    clearEngine(this.#memory, this.#commandBase, this.#flow);
    this.#core.layoutEngine(...this.#layout);
    this.#core.initEngine();
    this.#core.setRange(0, this.#flow.minPrice, this.#flow.maxPrice);
  }

  #replay(batchBytes: number): void {
    const core = this.#core;
    const end = this.#commandBase + this.#flow.slots.length;
    for (let at = this.#commandBase; at < end; at += batchBytes) {
      core.processCommands(at, Math.min(batchBytes, end - at) / COMMAND.size);
    }
  }

  #waitUntil(words: Int32Array, index: number, value: number): void {
    for (let turn = 0; Atomics.load(words, index) !== value; turn++) backOff(this.#control, turn >>> ROOM_SPINS_SHIFT);
  }

  /** The ring is full: what is written is published, and the consumer must give `needed` slots back. */
  #waitForRoom(needed: number): void {
    const words = this.#words;
    const written = this.#core.eventsWritten() | 0;
    Atomics.store(words, this.#publishedIndex, written);
    let credit = (Atomics.load(words, this.#releasedIndex) + HAND_OVER_EVENT_SLOTS) | 0;
    for (let turn = 0; ((credit - written) | 0) < needed; turn++) {
      backOff(this.#control, turn >>> ROOM_SPINS_SHIFT);
      credit = (Atomics.load(words, this.#releasedIndex) + HAND_OVER_EVENT_SLOTS) | 0;
    }
    this.#core.setEventsCredit(credit);
  }
}
