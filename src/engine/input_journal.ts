// Event sourcing: where the engine's inputs go before they take effect, and where they come from again.
//
// The engine is a function of its inputs (inputs.ts) and their event times. Whoever keeps them has the
// whole history: replayed into an engine of the same configuration they give the same state hash.
// `JournalWriter` (src/journal) is an InputJournal; a test or a program may bring its own.
//
// Rule: nothing of an input is seen outside (no event, no promise, no request to an exchange) before
// `sync` has returned for it. What `append` or `sync` throws ends the engine: it stops acknowledging, and
// what it could not write never happened for anybody outside.

/** Takes inputs in order. */
export interface InputJournal {
  /** One input: `length` bytes at `at`. Returns its number. */
  append(type: number, payload: Uint8Array, at: number, length: number, timeNs: number): number;
  /** Everything appended is safe when this returns. Called once a turn that appended. */
  sync(): void;
}

/** One input of an earlier run. */
export interface JournaledInput {
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly length: number;
  readonly timeNs: number;
}

/** Record type of an input, in the range that the journal leaves to the trading side. */
export const RECORD_INPUT = 80;
/** … and of an input with a text behind it. */
export const RECORD_INPUT_TEXT = 81;

/** A reader of records, such as JournalReader (src/journal). */
export interface RecordReader {
  next(): boolean;
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly payloadAt: number;
  readonly payloadLength: number;
  readonly timeNs: number;
}

/** The inputs among a journal's records, for `replay`. Each is valid until the next is asked for. */
export function* inputsOf(reader: RecordReader): Generator<JournaledInput> {
  while (reader.next()) {
    if (reader.type !== RECORD_INPUT && reader.type !== RECORD_INPUT_TEXT) continue;
    yield { type: reader.type, bytes: reader.bytes, at: reader.payloadAt, length: reader.payloadLength, timeNs: reader.timeNs };
  }
}

/** Keeps inputs in memory: for tests, and for programs that only want to look back. */
export class MemoryJournal implements InputJournal {
  readonly inputs: JournaledInput[] = [];
  /** Inputs that `sync` has covered. */
  synced = 0;

  append(type: number, payload: Uint8Array, at: number, length: number, timeNs: number): number {
    this.inputs.push({ type, bytes: payload.slice(at, at + length), at: 0, length, timeNs });
    return this.inputs.length;
  }

  sync(): void {
    this.synced = this.inputs.length;
  }
}
