// The two threads of request_response.ts: who asks, and who matches. As a worker this file is the matching thread.
//
//   control words, each on a line of its own: requests written (by who asks) · stop (by the same) · ended (by who matches)
//   answers: the core's published cursor; released: the core's, told every RELEASE_EVERY events
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../src/base/assert.ts';
import { createCore, instantiateCore, type CoreExports } from '../src/book/core.ts';
import { COMMAND, Cmd, EVENT, Ev, OrderType, Side, Tif } from '../src/book/types.ts';
import { pinTo } from './pin.ts';
import { backOff, CONTROL_WORDS as NAP_WORDS } from './report_control.ts';

const COMMAND_SLOTS = 1_024;
const EVENT_SLOTS = 16_384;
const RELEASE_EVERY = 1_024;
/** Orders that rest while it is measured, five ticks of depth a side. */
const RESTING = 1_000;
const DEPTH_TICKS = 5;
const MID_TICKS = 10_000;
const CLIENT = 7;
const NAP_BYTES = 4 * NAP_WORDS;
const LINE_WORDS = 32;
const REQUESTED = 0;
const STOP = LINE_WORDS;
/** Not 0: the matching thread has ended. */
const ENDED = 2 * LINE_WORDS;
const CONTROL_WORDS = 4 * LINE_WORDS;
/** Looks that count as one turn of waiting where the other thread may be off its core. */
const LOOKS_SHIFT = 5;

export interface MatchingShared {
  memory: WebAssembly.Memory;
  control: Int32Array;
}
export interface MatchingData extends MatchingShared {
  core: number;
}

/** Nanoseconds, as a double. */
function now(): number {
  return performance.now() * 1e6;
}

/** Writes requests, reads answers. */
export class RequestSide {
  readonly shared: MatchingShared;
  readonly restingAtStart: number;
  readonly #core: CoreExports;
  readonly #words: Int32Array;
  readonly #control = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * 4));
  readonly #nap = new Int32Array(new SharedArrayBuffer(NAP_BYTES));
  readonly #commands: number; // word
  readonly #events: number;
  readonly #published: number;
  readonly #released: number;
  #requested = 0;
  #read = 0; // events
  #told = 0;
  #answers = 0;

  constructor() {
    const made = createCore(
      {
        instruments: [{ minPrice: 1, maxPrice: 1_000_000 }], ordersMax: 10_000, extendedMax: 0, commandSlots: COMMAND_SLOTS, eventsMax: EVENT_SLOTS,
        viewLevels: 0,
      },
      'core', () => {
        throw new Error('the thread that asks executes nothing once it has started');
      },
    );
    this.#core = made.core;
    this.#words = new Int32Array(made.memory.buffer);
    this.#commands = (made.core.commandsAddress() >>> 0) >>> 2;
    this.#events = (made.core.eventsAddress() >>> 0) >>> 2;
    this.#published = (made.core.publishedAddress() >>> 0) >>> 2;
    this.#released = (made.core.releasedAddress() >>> 0) >>> 2;
    this.shared = { memory: made.memory, control: this.#control };
    for (let i = 0; i < RESTING; i++) {
      this.#write(0, Cmd.New, i % 2 === 0 ? Side.Buy : Side.Sell, 1_000_000 + i, 1 + (i % DEPTH_TICKS));
      made.core.processCommands(this.#commands << 2, 1);
    }
    this.#read = made.core.eventsWritten() | 0;
    this.#release();
    made.core.setEventsCredit((this.#read + EVENT_SLOTS) | 0);
    this.restingAtStart = made.core.ordersLive();
  }

  resting(): number {
    return this.#core.ordersLive();
  }

  stop(): void {
    Atomics.store(this.#control, STOP, 1);
  }

  #write(slot: number, type: number, side: number, id: number, distance: number): void {
    const words = this.#words;
    const at = this.#commands + slot * (COMMAND.size / 4);
    words[at] = type | ((side & 255) << 8) | (OrderType.Limit << 16) | (Tif.Gtc << 24);
    words[at + 1] = 0; // flags, stp, book 0
    words[at + COMMAND.client / 4] = CLIENT;
    words[at + COMMAND.price / 4] = side > 0 ? MID_TICKS - distance : MID_TICKS + distance;
    words[at + COMMAND.id / 4] = id;
    words[at + COMMAND.id / 4 + 1] = 0;
    words[at + COMMAND.qty / 4] = 10;
    words[at + COMMAND.reason / 4] = 0;
  }

  /** Request `n`: a new order when it is even, its cancel when it is odd. */
  #request(n: number): void {
    const id = 1 + (n >> 1);
    this.#write(this.#requested & (COMMAND_SLOTS - 1), n & 1 ? Cmd.Cancel : Cmd.New, (n >> 1) & 1 ? Side.Buy : Side.Sell, id, 1 + (id % DEPTH_TICKS));
    this.#requested = (this.#requested + 1) | 0;
    Atomics.store(this.#control, REQUESTED, this.#requested);
  }

  /** Reads the events that are there; how many answers were among them. Each must be the next one's. */
  #readAnswers(): number {
    const published = Atomics.load(this.#words, this.#published);
    const before = this.#answers;
    while (this.#read !== published) {
      const at = this.#events + (this.#read & (EVENT_SLOTS - 1)) * (EVENT.size / 4);
      const type = this.#words[at] & 255;
      this.#read = (this.#read + 1) | 0;
      if (type === Ev.Rested) continue; // for the feed
      const n = this.#answers++;
      const expected = n & 1 ? Ev.Canceled : Ev.Accepted;
      if (type !== expected || this.#words[at + EVENT.id / 4] !== 1 + (n >> 1)) this.#wrong(n, type);
    }
    if (((this.#read - this.#told) | 0) >= RELEASE_EVERY) this.#release();
    return this.#answers - before;
  }

  #wrong(n: number, type: number): never {
    throw new Error(`answer to request ${n} was an event of type ${type}`);
  }

  #release(): void {
    this.#told = this.#read;
    Atomics.store(this.#words, this.#released, this.#told);
  }

  /** `requests` of them, `intervalNs` apart (0: each when the last one is answered); their latencies into `samples`. */
  run(requests: number, intervalNs: number, samples: Float64Array): void {
    assert(requests % 2 === 0, 'every order is cancelled');
    this.#answers = 0;
    if (intervalNs === 0) this.#closedLoop(requests, samples);
    else this.#openLoop(requests, intervalNs, samples);
    this.#release();
  }

  #closedLoop(requests: number, samples: Float64Array): void {
    for (let n = 0; n < requests; n++) {
      const start = now();
      this.#request(n);
      for (let looks = 0; this.#readAnswers() === 0; looks++) this.#wait(looks);
      samples[n] = now() - start;
    }
  }

  #openLoop(requests: number, intervalNs: number, samples: Float64Array): void {
    const start = now() + intervalNs;
    let sent = 0;
    let answered = 0;
    for (let looks = 0; answered < requests; looks++) {
      let time = now() - start;
      while (sent < requests && sent * intervalNs <= time && sent - answered < COMMAND_SLOTS) this.#request(sent++);
      const answers = this.#readAnswers();
      if (answers === 0) {
        if (sent > answered) this.#wait(looks);
        continue;
      }
      looks = 0;
      time = now() - start;
      for (const end = answered + answers; answered < end; answered++) samples[answered] = time - answered * intervalNs;
    }
  }

  /** Where both threads have a core of their own an answer comes long before this does anything. */
  #wait(looks: number): void {
    if (Atomics.load(this.#control, ENDED) !== 0) throw new Error('the matching thread ended before it had answered');
    backOff(this.#nap, looks >>> LOOKS_SHIFT);
  }
}

/** Executes what has been asked, until it is stopped. */
export class MatchingSide {
  readonly #core: CoreExports;
  readonly #words: Int32Array;
  readonly #control: Int32Array;
  readonly #nap = new Int32Array(new SharedArrayBuffer(NAP_BYTES));
  #done = 0;

  constructor({ memory, control }: MatchingShared) {
    this.#words = new Int32Array(memory.buffer);
    this.#control = control;
    this.#core = instantiateCore('core', memory, (needed) => this.#makeRoom(needed));
  }

  #makeRoom(needed: number): void {
    const written = this.#core.eventsWritten() | 0;
    const released = (this.#core.releasedAddress() >>> 0) >>> 2;
    let credit = (Atomics.load(this.#words, released) + EVENT_SLOTS) | 0;
    while (((credit - written) | 0) < needed) credit = (Atomics.load(this.#words, released) + EVENT_SLOTS) | 0;
    this.#core.setEventsCredit(credit);
  }

  run(): void {
    const control = this.#control;
    const commands = this.#core.commandsAddress() >>> 0;
    for (let looks = 0; Atomics.load(control, STOP) === 0; looks++) {
      const requested = Atomics.load(control, REQUESTED);
      const slot = this.#done & (COMMAND_SLOTS - 1);
      const count = Math.min((requested - this.#done) | 0, COMMAND_SLOTS - slot);
      if (count === 0) {
        backOff(this.#nap, looks >>> LOOKS_SHIFT);
        continue;
      }
      looks = 0;
      this.#core.processCommands(commands + slot * COMMAND.size, count);
      this.#done = (this.#done + count) | 0;
    }
  }
}

if (workerData !== null && parentPort !== null) {
  const data = workerData as MatchingData;
  const side = new MatchingSide(data);
  pinTo(data.core);
  parentPort.postMessage('running');
  try {
    side.run();
  } finally {
    Atomics.store(data.control, ENDED, 1);
  }
}
