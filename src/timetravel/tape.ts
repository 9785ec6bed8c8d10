// A day as a tape: every input of the engine in order, whatever it was read from.
//
//   journal (journal_tape.ts) ─┐
//   LOBSTER (lobster_tape.ts) ─┴─► Tape ─► TimeMachine (time_machine.ts)
//
//   input      0        1        2        3
//   slots      │ command│ command, extended │  none: a note  │ …      32 bytes each (book/types.ts, COMMAND)
//   firstSlot  0        1        3        3        …
//
// An input is one command, or a record that changes no book (a session began, the operator spoke): that has a note.
// A recorded message may be several commands. Position p is the state after the first p inputs.
// Cost: some 60 bytes an input. Limits: INPUTS_MAX; what is behind is left out, and `faults` says so.
import { COMMAND, type EngineConfig } from '../book/types.ts';
import type { NamedInstrument } from './journal_context.ts';

/** 250 MB of tape; with their events (EVENTS_MAX) what a page in a browser can be asked to hold. */
export const INPUTS_MAX = 1 << 22;

export interface Note {
  /** Of a journal the record's type: "start", "session", … */
  readonly type: string;
  readonly text: string;
}

/** State before the first input, from a snapshot. */
export interface TapeStart {
  readonly sequence: number;
  readonly memory: Int32Array;
  readonly eventHash: Int32Array;
}

export interface Tape {
  readonly name: string;
  readonly kind: 'journal' | 'recording';
  readonly instruments: readonly NamedInstrument[];
  readonly engine: EngineConfig;
  readonly start: TapeStart | null;
  readonly inputs: number;
  readonly slots: Uint8Array;
  /** Of each input, and one behind the last. */
  readonly firstSlot: Uint32Array;
  /** The record of a journal, the line of a recording. Rises, with equal ones side by side. */
  readonly sequences: Float64Array;
  /** Since `zeroMs`; never falls, also where a clock was set back. */
  readonly timesNs: Float64Array;
  /** ms since 1970; null: times count from somewhere unknown. */
  readonly zeroMs: number | null;
  /** By input. */
  readonly notes: ReadonlyMap<number, Note>;
  /** By input: the hash of all events so far that the journal has there. */
  readonly hashes: ReadonlyMap<number, bigint>;
  /** What is wrong with it, or was left out. */
  readonly faults: readonly string[];
}

/** Grows while it is written. */
export class TapeWriter {
  readonly notes = new Map<number, Note>();
  readonly hashes = new Map<number, bigint>();
  inputs = 0;
  #slots = new Uint8Array(1 << 16);
  #slotCount = 0;
  #firstSlot = new Uint32Array(1 << 10);
  #sequences = new Float64Array(1 << 10);
  #timesNs = new Float64Array(1 << 10);
  #timeNs = 0;

  get isFull(): boolean {
    return this.inputs === INPUTS_MAX;
  }

  /** Begins an input; its slots and note follow. Times that fall are taken as standing still. */
  begin(sequence: number, timeNs: number): void {
    const { inputs } = this;
    if (inputs + 2 > this.#firstSlot.length) this.#grow();
    this.#timeNs = Math.max(this.#timeNs, timeNs);
    this.#firstSlot[inputs] = this.#slotCount;
    this.#sequences[inputs] = sequence;
    this.#timesNs[inputs] = this.#timeNs;
    this.inputs = inputs + 1;
    this.#firstSlot[this.inputs] = this.#slotCount;
  }

  /** `count` slots from `at` of `bytes` on, of the input begun last. */
  slots(bytes: Uint8Array, at: number, count: number): void {
    const length = count * COMMAND.size;
    const to = this.#slotCount * COMMAND.size;
    if (to + length > this.#slots.length) {
      const larger = new Uint8Array(Math.max(to + length, this.#slots.length * 2));
      larger.set(this.#slots);
      this.#slots = larger;
    }
    this.#slots.set(bytes.subarray(at, at + length), to);
    this.#slotCount += count;
    this.#firstSlot[this.inputs] = this.#slotCount;
  }

  note(type: string, text: string): void {
    this.notes.set(this.inputs - 1, { type, text });
  }

  hash(value: bigint): void {
    this.hashes.set(this.inputs - 1, value);
  }

  finish(rest: Pick<Tape, 'name' | 'kind' | 'instruments' | 'engine' | 'start' | 'zeroMs' | 'faults'>): Tape {
    const { inputs, notes, hashes } = this;
    return {
      ...rest,
      inputs,
      notes,
      hashes,
      slots: this.#slots.subarray(0, this.#slotCount * COMMAND.size),
      firstSlot: this.#firstSlot.subarray(0, inputs + 1),
      sequences: this.#sequences.subarray(0, inputs),
      timesNs: this.#timesNs.subarray(0, inputs),
    };
  }

  #grow(): void {
    const length = this.#firstSlot.length * 2;
    const firstSlot = new Uint32Array(length);
    const sequences = new Float64Array(length);
    const timesNs = new Float64Array(length);
    firstSlot.set(this.#firstSlot);
    sequences.set(this.#sequences);
    timesNs.set(this.#timesNs);
    this.#firstSlot = firstSlot;
    this.#sequences = sequences;
    this.#timesNs = timesNs;
  }
}

/** The largest index below `length` at which `values` are at most `value`, plus 1; 0: none is. `values` never fall. */
export function countUpTo(values: Float64Array | Uint32Array | readonly number[], length: number, value: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
