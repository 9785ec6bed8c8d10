// The two threads of request_response.ts: who asks, and who matches. As a worker this file is the matching thread.
//
//   request, answer: a cache line each, in a ring each: the message, and in the last word its number, written last
//   requests lie where the core reads commands, so nobody copies them
//
//   who asks ── command, number ──► who matches: command ─► core ─► event ── event, number ──► who asks
//
// Whoever waits looks at the number of the next line, so a message is one move of a line from core to core. With cursors beside the rings it
// was two lines a message and, the core's ring of events being read by the other thread, three for an answer. Numbers are written and
// looked at by plain stores and loads where that is enough (src/base/ring_buffer.ts says why); who waits looks with Atomics.load now and then.
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../src/base/assert.ts';
import type { Clock } from '../src/base/clock.ts';
import { STORES_IN_ORDER } from '../src/base/ring_buffer.ts';
import { createCore, instantiateCore, type CoreExports } from '../src/book/core.ts';
import { COMMAND, Cmd, EVENT, Ev, OrderType, Side, Tif } from '../src/book/types.ts';
import { pinTo } from './pin.ts';
import { backOff, CONTROL_WORDS as NAP_WORDS } from './report_control.ts';

/** Requests under way at most; a power of two. */
const SLOTS = 1_024;
/** Of a ring: a cache line; the last word is the number. */
const SLOT_WORDS = 16;
const NUMBER = SLOT_WORDS - 1;
const SLOT_BYTES = SLOT_WORDS * 4;
/** Commands of the core in a slot: the first is the request, the rest is room for the number. */
const COMMANDS_PER_SLOT = SLOT_BYTES / COMMAND.size;
/** Of the core's ring, which the matching thread empties after each request: its events lie in lines that it has already. */
const EVENT_SLOTS = 64;
/** Orders that rest while it is measured, five ticks of depth a side. */
const RESTING = 1_000;
const DEPTH_TICKS = 5;
const MID_TICKS = 10_000;
const CLIENT = 7;
const NAP_BYTES = 4 * NAP_WORDS;
const LINE_WORDS = 32;
const STOP = 0;
/** Not 0: the matching thread has ended. */
const ENDED = LINE_WORDS;
const CONTROL_WORDS = 2 * LINE_WORDS;
/** Of so many looks in a row one is atomic; then it is also asked whether all is well. */
const LOOKS_MASK = 31;
/** Looks that count as one turn of waiting where the other thread may be off its core. */
const LOOKS_SHIFT = 5;

export interface MatchingShared {
  memory: WebAssembly.Memory;
  answers: Int32Array;
  control: Int32Array;
}
export interface MatchingData extends MatchingShared {
  core: number;
}

/** Tells the other thread of the message that was written before. */
function tell(words: Int32Array, at: number, number: number): void {
  if (STORES_IN_ORDER) words[at] = number;
  else Atomics.store(words, at, number);
}

/** The number that stands there; a look in a row of them may be a plain one, not all. */
function look(words: Int32Array, at: number, looks: number): number {
  if (STORES_IN_ORDER && (looks & LOOKS_MASK) !== LOOKS_MASK) return words[at];
  return Atomics.load(words, at);
}

/** Writes requests, reads answers. */
export class RequestSide {
  readonly shared: MatchingShared;
  readonly restingAtStart: number;
  readonly #core: CoreExports;
  readonly #requests: Int32Array;
  readonly #requestsAt: number; // word
  readonly #answers = new Int32Array(new SharedArrayBuffer(SLOTS * SLOT_BYTES));
  readonly #control = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * 4));
  readonly #nap = new Int32Array(new SharedArrayBuffer(NAP_BYTES));
  /** Since the start. */
  #asked = 0;
  #answered = 0;
  /** Of this run. */
  #first = 0;
  readonly #clock: Clock;
  readonly #times = new Float64Array(2);

  constructor(clock: Clock) {
    this.#clock = clock;
    const made = createCore(
      {
        instruments: [{ minPrice: 1, maxPrice: 1_000_000 }], ordersMax: 10_000, extendedMax: 0, commandSlots: SLOTS * COMMANDS_PER_SLOT, eventsMax: EVENT_SLOTS,
        viewLevels: 0,
      },
      'core', () => {
        throw new Error('the thread that asks executes nothing once it has started');
      },
    );
    this.#core = made.core;
    this.shared = { memory: made.memory, answers: this.#answers, control: this.#control };
    const words = new Int32Array(made.memory.buffer);
    const commands = made.core.commandsAddress() >>> 0;
    assert(commands % SLOT_BYTES === 0, 'a request lies in one cache line');
    this.#requests = words;
    this.#requestsAt = commands >>> 2;
    for (let i = 0; i < RESTING; i++) {
      writeOrder(words, commands >>> 2, Cmd.New, i % 2 === 0 ? Side.Buy : Side.Sell, 1_000_000 + i, 1 + (i % DEPTH_TICKS));
      made.core.processCommands(commands, 1);
      made.core.setEventsCredit((made.core.eventsWritten() + EVENT_SLOTS) | 0);
    }
    this.restingAtStart = made.core.ordersLive();
  }

  resting(): number {
    return this.#core.ordersLive();
  }

  stop(): void {
    Atomics.store(this.#control, STOP, 1);
  }

  /** Request `n`: a new order when it is even, its cancel when it is odd. */
  #request(n: number): void {
    const at = this.#requestsAt + (this.#asked & (SLOTS - 1)) * SLOT_WORDS;
    const id = 1 + (n >> 1);
    writeOrder(this.#requests, at, n & 1 ? Cmd.Cancel : Cmd.New, (n >> 1) & 1 ? Side.Buy : Side.Sell, id, 1 + (id % DEPTH_TICKS));
    this.#asked = (this.#asked + 1) | 0;
    tell(this.#requests, at + NUMBER, this.#asked);
  }

  /** Takes the answers that are there, `looks` in a row having found none; how many they were. Each must be the next one's. */
  #readAnswers(looks: number): number {
    const before = this.#answered;
    for (;;) {
      const at = (this.#answered & (SLOTS - 1)) * SLOT_WORDS;
      if (look(this.#answers, at + NUMBER, looks) !== ((this.#answered + 1) | 0)) return (this.#answered - before) | 0;
      const n = (this.#answered - this.#first) | 0;
      const type = this.#answers[at] & 255;
      if (type !== (n & 1 ? Ev.Canceled : Ev.Accepted) || this.#answers[at + EVENT.id / 4] !== 1 + (n >> 1)) this.#wrong(n, type);
      this.#answered = (this.#answered + 1) | 0;
    }
  }

  #wrong(n: number, type: number): never {
    throw new Error(`answer to request ${n} was an event of type ${type}`);
  }

  /** `requests` of them, `intervalNs` apart (0: each when the last one is answered); their latencies into `samples`. */
  run(requests: number, intervalNs: number, samples: Float64Array): void {
    assert(requests % 2 === 0, 'every order is cancelled');
    this.#first = this.#answered;
    if (intervalNs === 0) this.#closedLoop(requests, samples);
    else this.#openLoop(requests, intervalNs, samples);
  }

  #closedLoop(requests: number, samples: Float64Array): void {
    const clock = this.#clock;
    const times = this.#times;
    for (let n = 0; n < requests; n++) {
      clock.refreshInto(times, 0);
      this.#request(n);
      for (let looks = 0; this.#readAnswers(looks) === 0; looks++) this.#wait(looks);
      clock.refreshInto(times, 1);
      samples[n] = times[1] - times[0];
    }
  }

  #openLoop(requests: number, intervalNs: number, samples: Float64Array): void {
    const clock = this.#clock;
    const times = this.#times;
    clock.refreshInto(times, 1);
    const start = times[1] + intervalNs;
    let sent = 0;
    let answered = 0;
    for (let looks = 0; answered < requests; looks++) {
      clock.refreshInto(times, 0);
      while (sent < requests && sent * intervalNs <= times[0] - start && sent - answered < SLOTS) this.#request(sent++);
      const answers = this.#readAnswers(looks);
      if (answers === 0) {
        if (sent > answered) this.#wait(looks);
        continue;
      }
      looks = 0;
      clock.refreshInto(times, 0);
      for (const end = answered + answers; answered < end; answered++) samples[answered] = times[0] - start - answered * intervalNs;
    }
  }

  /** Where both threads have a core of their own an answer comes long before this does anything. */
  #wait(looks: number): void {
    if ((looks & LOOKS_MASK) !== LOOKS_MASK) return;
    if (Atomics.load(this.#control, ENDED) !== 0) throw new Error('the matching thread ended before it had answered');
    backOff(this.#nap, looks >>> LOOKS_SHIFT);
  }
}

/** A limit order or its cancel as a command of the core, at a word of `words`. */
function writeOrder(words: Int32Array, at: number, type: number, side: number, id: number, distance: number): void {
  words[at] = type | ((side & 255) << 8) | (OrderType.Limit << 16) | (Tif.Gtc << 24);
  words[at + 1] = 0; // flags, stp, book 0
  words[at + COMMAND.client / 4] = CLIENT;
  words[at + COMMAND.price / 4] = side > 0 ? MID_TICKS - distance : MID_TICKS + distance;
  words[at + COMMAND.id / 4] = id;
  words[at + COMMAND.id / 4 + 1] = 0;
  words[at + COMMAND.qty / 4] = 10;
  words[at + COMMAND.reason / 4] = 0;
}

/** Executes what has been asked, until it is stopped. */
export class MatchingSide {
  readonly #core: CoreExports;
  readonly #words: Int32Array;
  readonly #answers: Int32Array;
  readonly #control: Int32Array;
  readonly #nap = new Int32Array(new SharedArrayBuffer(NAP_BYTES));
  readonly #requestsAt: number; // word
  readonly #events: number; // word
  #taken = 0;
  #answered = 0;
  #read = 0; // events

  constructor({ memory, answers, control }: MatchingShared) {
    this.#words = new Int32Array(memory.buffer);
    this.#answers = answers;
    this.#control = control;
    this.#core = instantiateCore('core', memory, () => {
      throw new Error('a request fills the ring of events');
    });
    this.#requestsAt = (this.#core.commandsAddress() >>> 0) >>> 2;
    this.#events = (this.#core.eventsAddress() >>> 0) >>> 2;
    this.#read = this.#core.eventsWritten() | 0;
  }

  run(): void {
    for (let looks = 0; ; looks++) {
      const at = this.#requestsAt + (this.#taken & (SLOTS - 1)) * SLOT_WORDS;
      if (look(this.#words, at + NUMBER, looks) === ((this.#taken + 1) | 0)) {
        this.#core.processCommands(at << 2, 1);
        this.#answer();
        this.#taken = (this.#taken + 1) | 0;
        looks = 0;
      } else if ((looks & LOOKS_MASK) === LOOKS_MASK) {
        if (Atomics.load(this.#control, STOP) !== 0) return;
        backOff(this.#nap, looks >>> LOOKS_SHIFT);
      }
    }
  }

  /** Events that answer a request, to who asked. */
  #answer(): void {
    const written = this.#core.eventsWritten() | 0;
    for (; this.#read !== written; this.#read = (this.#read + 1) | 0) {
      const from = this.#events + (this.#read & (EVENT_SLOTS - 1)) * SLOT_WORDS;
      if ((this.#words[from] & 255) === Ev.Rested) continue; // for the feed
      const to = (this.#answered & (SLOTS - 1)) * SLOT_WORDS;
      for (let i = 0; i < NUMBER; i++) this.#answers[to + i] = this.#words[from + i];
      this.#answered = (this.#answered + 1) | 0;
      tell(this.#answers, to + NUMBER, this.#answered);
    }
    this.#core.setEventsCredit((written + EVENT_SLOTS) | 0);
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
