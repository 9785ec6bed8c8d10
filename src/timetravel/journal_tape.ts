// The journal of an exchange as a tape: every command an input, every other record one with a note.
//
//   files ─► examine: whole, torn, damaged, where ─► records from the first, or behind a snapshot ─► Tape
//
// A journal whose beginning was removed starts with the oldest snapshot that its records reach back to. A damaged one
// is shown up to the damage, a torn one up to its last whole record; `faults` says so.
import { COMMAND, type EngineConfig } from '../book/types.ts';
import { engineStateOf } from '../exchange/exchange_state.ts';
import { decodeStart, decodeStateHash, describePayload, START_BYTES_MIN, STATE_HASH_BYTES } from '../journal/payloads.ts';
import { JournalReader } from '../journal/reader.ts';
import { JournalType, journalTypeName } from '../journal/record_types.ts';
import { type Examination, examine } from '../journal/recovery.ts';
import { segmentName, segmentNumberOf } from '../journal/segment.ts';
import { listSnapshots, readSnapshot } from '../journal/snapshot.ts';
import type { Storage } from '../journal/storage.ts';
import { engineConfigOf, instrumentsOf, type JournaledConfig, journaledConfig, type NamedInstrument } from './journal_context.ts';
import { type Tape, type TapeStart, TapeWriter } from './tape.ts';
import { commandSlots } from './words.ts';

/** A journal that cannot be shown at all; the message says why. */
export class TapeError extends Error {
  override readonly name = 'TapeError';
}

const PROGRESS_RECORDS = 1 << 13;
/** A note is a line. */
const NOTE_CHARS_MAX = 400;

/** `onProgress` is told the sequence now and then. */
export function readJournal(storage: Storage, onProgress: (sequence: number) => void = () => {}): Tape {
  return new JournalTape(storage).read(onProgress);
}

class JournalTape {
  readonly #storage: Storage;
  readonly #writer = new TapeWriter();
  readonly #faults: string[] = [];
  #instruments: readonly NamedInstrument[] = [];
  #engine: EngineConfig | null = null;
  #start: TapeStart | null = null;
  #zeroMs: number | null = null;
  /** What is added to a record's time for the time since `zeroMs`. */
  #offsetNs = 0;
  #isFirstTime = true;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  read(onProgress: (sequence: number) => void): Tape {
    const belowGap = this.#segmentsBelowGap();
    const examination = examine(this.#storage, { segmentsBelow: belowGap });
    this.#judge(examination);
    // A segment whose header is damaged is not opened at all.
    const { damage } = examination;
    const segmentsBelow = damage?.offset === 0 ? (segmentNumberOf(damage.file) ?? belowGap) : belowGap;
    const reader = this.#open(examination, segmentsBelow);
    let last = examination.firstSequence - 1;
    while (!this.#writer.isFull && reader.next()) {
      this.#record(reader);
      last = reader.sequence;
      if (last % PROGRESS_RECORDS === 0) onProgress(last);
    }
    reader.close();
    if (this.#writer.isFull) {
      this.#faults.push(`only the first ${this.#writer.inputs.toLocaleString('en')} inputs are shown, up to sequence ${last}`);
    }
    if (this.#engine === null) {
      throw new TapeError(`${this.#storage.name} has no record of an exchange's configuration: expected the journal of an exchange`);
    }
    return this.#writer.finish({
      name: this.#storage.name, kind: 'journal', instruments: this.#instruments, engine: this.#engine, start: this.#start,
      zeroMs: this.#zeroMs, faults: this.#faults,
    });
  }

  /** Segments behind a missing one are not read. */
  #segmentsBelowGap(): number {
    const numbers = this.#storage.list().flatMap((name) => segmentNumberOf(name) ?? []);
    if (numbers.length === 0) throw new TapeError(`no segment of a journal among the files of ${this.#storage.name}`);
    const gap = numbers.findIndex((number, index) => index > 0 && number !== numbers[index - 1] + 1);
    if (gap < 0) return Infinity;
    this.#faults.push(`${segmentName(numbers[gap - 1] + 1)} is missing: what is behind it is not shown`);
    return numbers[gap - 1] + 1;
  }

  #judge({ damage, torn, dirt, records }: Examination): void {
    if (damage !== null) {
      if (records === 0) throw new TapeError(`nothing of the journal can be read: ${damage.message}`);
      this.#faults.push(`shown up to the damage: ${damage.message}`);
    }
    if (torn !== null) {
      this.#faults.push(`torn at the end, or being written: ${torn.bytes} bytes behind sequence ${torn.sequence - 1} are left out (${torn.reason})`);
    }
    for (const { file, bytes, reason } of dirt) this.#faults.push(`${file}: ${bytes} bytes are no records (${reason})`);
  }

  /** A reader at the first record that can be shown; what stands before it is taken from a snapshot. */
  #open({ firstSequence }: Examination, segmentsBelow: number): JournalReader {
    if (firstSequence <= 1) return JournalReader.open(this.#storage, { segmentsBelow });
    const reasons: string[] = [];
    for (const sequence of listSnapshots(this.#storage).toReversed()) {
      if (sequence < firstSequence - 1) continue;
      const snapshot = readSnapshot(this.#storage, sequence);
      const reason = typeof snapshot === 'string' ? snapshot : this.#begin(sequence, snapshot.content);
      if (reason === null) return JournalReader.open(this.#storage, { segmentsBelow, fromSequence: sequence + 1 });
      reasons.push(`snapshot ${sequence}: ${reason}`);
    }
    throw new TapeError(
      `the journal begins with sequence ${firstSequence}: expected a snapshot of ${firstSequence - 1} or later beside it` +
        (reasons.length === 0 ? '' : ` (${reasons.join('; ')})`),
    );
  }

  /** The state of a snapshot; in words why it is none. */
  #begin(sequence: number, content: Uint8Array): string | null {
    try {
      const { origin, memory, eventHash } = engineStateOf(content);
      const shape = (origin as { shape?: JournaledConfig } | null)?.shape ?? null;
      this.#engine = engineConfigOf(shape);
      if (this.#engine === null) return 'it names no instruments';
      this.#instruments = instrumentsOf(shape) ?? [];
      this.#start = { sequence, memory, eventHash };
      return null;
    } catch (error) {
      if (error instanceof RangeError || error instanceof SyntaxError) return error.message;
      throw error;
    }
  }

  #record(reader: JournalReader): void {
    const { type, sequence } = reader;
    const payload = reader.bytes.subarray(reader.payloadAt, reader.payloadAt + reader.payloadLength);
    if (type === JournalType.Start) this.#learnClock(reader.timeNs, payload);
    if (type === JournalType.Config) this.#learnConfig(sequence, payload);
    const timeNs = this.#timeOf(reader.timeNs);
    if (type === JournalType.Commands) return this.#commands(sequence, timeNs, payload);
    this.#writer.begin(sequence, timeNs);
    this.#writer.note(journalTypeName(type), noteText(type, payload));
    if (type === JournalType.StateHash && payload.length === STATE_HASH_BYTES) this.#writer.hash(decodeStateHash(payload));
  }

  #commands(sequence: number, timeNs: number, payload: Uint8Array): void {
    if (this.#engine === null) throw new TapeError(`sequence ${sequence} has commands, expected a configuration with instruments before`);
    for (let at = 0; at < payload.length && !this.#writer.isFull; ) {
      const count = commandSlots(payload, at);
      this.#writer.begin(sequence, timeNs);
      this.#writer.slots(payload, at, count);
      at += count * COMMAND.size;
    }
  }

  #learnClock(timeNs: number, payload: Uint8Array): void {
    if (payload.length < START_BYTES_MIN) return;
    const { wallClockMs } = decodeStart(payload);
    this.#zeroMs ??= wallClockMs;
    this.#offsetNs = (wallClockMs - this.#zeroMs) * 1e6 - timeNs;
    this.#isFirstTime = false;
  }

  /** Behind a snapshot the clock is not known before the next start: times then count from the first record shown. */
  #timeOf(timeNs: number): number {
    if (this.#isFirstTime) {
      this.#isFirstTime = false;
      this.#offsetNs = -timeNs;
    }
    return timeNs + this.#offsetNs;
  }

  #learnConfig(sequence: number, payload: Uint8Array): void {
    const config = journaledConfig(payload);
    const engine = engineConfigOf(config);
    if (engine === null) return;
    if (this.#engine !== null && JSON.stringify(engine) !== JSON.stringify(this.#engine)) {
      throw new TapeError(`the instruments change at sequence ${sequence}: expected those of the beginning`);
    }
    this.#engine = engine;
    this.#instruments = instrumentsOf(config) ?? this.#instruments;
  }
}

function noteText(type: number, payload: Uint8Array): string {
  const said = Object.entries(describePayload(type, payload)).map(
    ([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value, numbersAsText)}`,
  );
  const text = said.join(', ');
  return text.length > NOTE_CHARS_MAX ? `${text.slice(0, NOTE_CHARS_MAX)}…` : text;
}

function numbersAsText(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
