// Any instant of a tape: the same core that ran the day runs it again, and stands wherever it is told to.
//
//   Tape ─► build: every input once ─┬─► events (event_log.ts), by order (order_index.ts), trades by book
//                                    ├─► checkpoints every `spacing` inputs (checkpoints.ts)
//                                    └─► the journal's own hashes compared
//   seek(p) ─► nearest checkpoint at or before p, or where it stands ─► replay of less than `spacing` inputs
//
// Position p is the state after the first p inputs. What happened is looked up in the log; what was in the books is
// asked of the engine (moment.ts puts both together). Nothing here knows files, threads or a screen.
// Cost: building 1 µs an input and 64 bytes an event; a seek some milliseconds. Limits: INPUTS_MAX, EVENTS_MAX.
import { PRICE_TICKS_NONE } from '../book/book_top.ts';
import { MatchingEngine } from '../book/matching_engine.ts';
import { COMMAND, Ev, EVENT } from '../book/types.ts';
import { EventHash } from '../exchange/event_hash.ts';
import { restoreMemory } from '../book/memory_image.ts';
import { type CheckpointLimits, Checkpoints } from './checkpoints.ts';
import { EventLog, EVENTS_MAX } from './event_log.ts';
import { Figures } from './figures.ts';
import { OrderIndex } from './order_index.ts';
import { countUpTo, type Tape } from './tape.ts';
import { commandSlots } from './words.ts';

/** Columns of an overview: more than a screen shows beside each other. */
export const OVERVIEW_COLUMNS = 1_024;
const PROGRESS_INPUTS = 1 << 13;

export class TimeMachine {
  readonly tape: Tape;
  readonly engine: MatchingEngine;
  readonly log: EventLog;
  readonly orders = new OrderIndex();
  readonly figures: Figures;
  readonly checkpoints: Checkpoints;
  /** Event numbers of trades, by book. */
  readonly tradesOf: readonly number[][];
  /** Positions behind which the hash of all events so far was the journal's own. */
  readonly verified: number[] = [];
  readonly faults: string[];
  /** Best prices in ticks at each column's end: of book b bid at (column · books + b) · 2, ask behind it. */
  readonly columnTops: Int32Array;
  /** Of the tape those that fit. */
  inputs: number;
  position = 0;
  readonly #hash: EventHash;
  #cursor = 0;
  #isBuilding = false;
  #isLogFull = false;
  #hasDiffered = false;

  constructor(tape: Tape, limits: Partial<CheckpointLimits> = {}) {
    const books = tape.engine.instruments.length;
    this.tape = tape;
    this.inputs = tape.inputs;
    this.faults = [...tape.faults];
    this.engine = new MatchingEngine(tape.engine);
    this.engine.onEventsFull = () => this.#drain();
    this.#hash = new EventHash(this.engine.u32);
    this.log = new EventLog(tape.inputs);
    this.figures = new Figures(books);
    this.checkpoints = new Checkpoints(limits);
    this.tradesOf = Array.from({ length: books }, () => []);
    this.columnTops = new Int32Array(OVERVIEW_COLUMNS * books * 2).fill(PRICE_TICKS_NONE);
    if (tape.start !== null) this.#restore(tape.start.memory, tape.start.eventHash);
  }

  /** Runs the whole tape once; then it can be sought through, and stands at its end. */
  build(onProgress: (inputs: number) => void = () => {}): void {
    this.#isBuilding = true;
    this.#checkpoint(0);
    let column = 0;
    for (let input = 0; input < this.inputs && !this.#isLogFull; input++) {
      this.#execute(this.tape.firstSlot[input], this.tape.firstSlot[input + 1]);
      if (this.#isLogFull) this.#cutAt(input);
      else this.#ended(input);
      while (column < OVERVIEW_COLUMNS && this.columnEnd(column) <= input + 1) this.#readTops(column++);
      if (input % PROGRESS_INPUTS === 0) onProgress(input);
    }
    this.#isBuilding = false;
    this.position = this.#isLogFull ? Infinity : this.inputs;
    this.seek(this.inputs);
  }

  /** Brings books, figures and hash to what they were after `position` inputs. */
  seek(position: number): void {
    if (!(Number.isInteger(position) && position >= 0 && position <= this.inputs)) {
      throw new RangeError(`position: expected a whole number 0 … ${this.inputs}, was ${position}`);
    }
    const from = this.checkpoints.before(position);
    if (position < this.position || from.position > this.position) {
      this.#restore(from.memory, from.eventHash);
      this.figures.restore(from.figures);
      this.position = from.position;
    }
    this.#execute(this.tape.firstSlot[this.position], this.tape.firstSlot[position]);
    this.position = position;
  }

  /** Of all events up to here, as the journal has it every so often. */
  get eventHash(): bigint {
    return this.#hash.value;
  }

  // ── places ─────────────────────────────────────────────────────────────────────────────────

  /** The position behind which an event had been said. */
  positionOfEvent(event: number): number {
    return countUpTo(this.log.firstOf, this.inputs + 1, event);
  }

  /** Behind every input of this sequence and those before. */
  positionOfSequence(sequence: number): number {
    return countUpTo(this.tape.sequences, this.inputs, sequence);
  }

  /** Behind everything up to this time, in ns since the tape's zero. */
  positionOfTime(timeNs: number): number {
    return countUpTo(this.tape.timesNs, this.inputs, timeNs);
  }

  /** Where the next of these events (numbers, rising) is told, or with `direction` −1 the one before; null: none. */
  positionOfNext(events: readonly number[], direction: 1 | -1): number | null {
    const end = this.log.firstOf[this.inputs];
    if (direction > 0) {
      const next = countUpTo(events, events.length, this.log.firstOf[this.position] - 1);
      return next === events.length || events[next] >= end ? null : this.positionOfEvent(events[next]);
    }
    const here = this.position === 0 ? 0 : this.log.firstOf[this.position - 1];
    const before = countUpTo(events, events.length, here - 1);
    return before === 0 ? null : this.positionOfEvent(events[before - 1]);
  }

  /** Position at which a column of the overview ends. */
  columnEnd(column: number): number {
    return Math.ceil(((column + 1) * this.tape.inputs) / OVERVIEW_COLUMNS);
  }

  // ── running ────────────────────────────────────────────────────────────────────────────────

  /** With every event released, as it was when the image was made. */
  #restore(memory: Int32Array, eventHash: Int32Array): void {
    restoreMemory(this.engine, memory);
    this.#cursor = this.engine.eventsWritten();
    this.#hash.restore(eventHash);
  }

  #execute(fromSlot: number, toSlot: number): void {
    const { engine } = this;
    const { slots } = this.tape;
    for (let from = fromSlot; from < toSlot; ) {
      let end = from;
      for (let next = end; next - from <= engine.commandSlotsMax; ) {
        end = next;
        if (end === toSlot) break;
        next += commandSlots(slots, end * COMMAND.size);
      }
      engine.u8.set(slots.subarray(from * COMMAND.size, end * COMMAND.size), engine.commandBase);
      engine.process(end - from);
      this.#drain();
      from = end;
    }
  }

  #drain(): void {
    const { engine } = this;
    const end = engine.eventsWritten();
    for (; this.#cursor < end; this.#cursor++) {
      const at = engine.eventBase + (this.#cursor & engine.eventMask) * EVENT.size;
      this.#hash.onEvent(at);
      this.figures.onEvent(engine.view, at);
      if (this.#isBuilding) this.#keep(at);
    }
    engine.releaseEvents(end);
  }

  #keep(at: number): void {
    const { u8, u32, view } = this.engine;
    const event = this.log.count;
    if (!this.log.append(u8, at)) {
      this.#isLogFull = true;
      return;
    }
    const type = u8[at];
    if (type === Ev.State) return;
    const word = at >>> 2;
    this.orders.touch(u32[word + EVENT.client / 4], u32[word + EVENT.id / 4], u32[word + EVENT.id / 4 + 1], event);
    if (type !== Ev.Trade) return;
    const maker = word + EVENT.makerId / 4;
    this.orders.touch(u32[word + EVENT.makerClient / 4], u32[maker], u32[maker + 1], event);
    this.tradesOf[view.getUint16(at + EVENT.book, true)].push(event);
  }

  /** An input has been executed and everything about it is kept. */
  #ended(input: number): void {
    this.log.endOf(input);
    this.position = input + 1;
    const expected = this.tape.hashes.get(input);
    if (expected !== undefined) this.#compare(expected, input);
    if (this.checkpoints.isDue(input + 1)) this.#checkpoint(input + 1);
  }

  #compare(expected: bigint, input: number): void {
    if (expected === this.eventHash) {
      this.verified.push(input + 1);
      return;
    }
    if (this.#hasDiffered) return;
    this.#hasDiffered = true;
    this.faults.push(
      `the hash of all events at sequence ${this.tape.sequences[input]} was ${this.eventHash.toString(16)}, ` +
        `expected the journal's ${expected.toString(16)}`,
    );
  }

  /** What does not fit into the log is not shown. */
  #cutAt(input: number): void {
    this.inputs = input;
    this.faults.push(`only the first ${input.toLocaleString('en')} inputs are shown: they have ${EVENTS_MAX.toLocaleString('en')} events`);
  }

  #checkpoint(position: number): void {
    this.checkpoints.add(position, this.engine, this.#hash.save(), this.figures.save());
  }

  #readTops(column: number): void {
    const { touch } = this.engine;
    const books = this.tradesOf.length;
    for (let book = 0; book < books; book++) {
      touch.readTop(book);
      const at = (column * books + book) * 2;
      this.columnTops[at] = touch.bidTicks;
      this.columnTops[at + 1] = touch.askTicks;
    }
  }
}
