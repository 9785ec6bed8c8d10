// The stage `journaled`: every input of the engine goes into the journal before it is executed, and
// nothing that rests on it leaves before it is safe.
//
//   sequencer, risk gate ─► batch of slots ─┬─► record in the journal's ring ─► its thread ─► disk
//                                           └─► engine ─► responses, feed … held (held.ts)
//                                                              leave when `released` ≥ their record ◄─┘
//
// Executed at once, told later: so the risk gate and log-ins see what everything before them has led
// to, records stand in the order of execution, and the matching of a batch overlaps with its sync.
// What waits: responses, answers to log-ins, the feed, snapshot cycles, an operator's answers. What a
// crash takes was told to nobody.
//
//   record       when
//   Start        a process begins to write; sessions of the one before are over, their orders stay
//   Config       behind it: session stamp, and the shape that the journal's records depend on
//   Session      a log-in, or a session's end, before it has an effect
//   Commands     a batch, before it is executed
//   Operator     in words; what it does are commands
//   StateHash    every `hashInterval` commands: of all events so far (event_hash.ts)
//   SnapshotMark a snapshot has been written
//
// Back-pressure: with half of the ring used, or half of the feed's window held, sessions are not read
// (`mayRead`); the other half has room for whatever comes up meanwhile. Nothing is dropped.
// After a failed write or sync `failed` stays, nothing more is released, and the process must end.
// Cost: a copy of the slots, some twenty stores a batch. No allocation per batch.
import { assert } from '../base/assert.ts';
import { Cmd, CmdFlag, COMMAND } from '../book/types.ts';
import { type JournalFailure, type JournalQueue, QUEUE_FULL } from '../journal/journal_queue.ts';
import {
  encodeJson,
  encodeSession,
  encodeSnapshotMark,
  encodeStart,
  type SessionRecord,
  STATE_HASH_BYTES,
} from '../journal/payloads.ts';
import { RecordFlag } from '../journal/record.ts';
import { JournalType } from '../journal/record_types.ts';
import type { EventHash } from './event_hash.ts';

/** Commands between two hashes. */
export const HASH_INTERVAL_DEFAULT = 1_024;
/** What a turn can add beyond what was looked at before it: half of this is kept free. */
export const JOURNAL_RING_BYTES_MIN = 1 << 20;

/** Cells of #numbers: in a typed array, for fields beyond 2^30 would be boxed anew each time. */
const RELEASED = 0;
const NOW = 1;

export class JournalStage {
  readonly queue: JournalQueue;
  readonly hashInterval: number;
  /** Commands since the last hash. */
  commandsUnhashed = 0;
  readonly #hash: EventHash;
  readonly #engineWords: Int32Array;
  readonly #firstWord: number;
  readonly #numbers = new Float64Array(2);
  readonly #hashBytes = new Uint8Array(STATE_HASH_BYTES);
  readonly #hashView = new DataView(this.#hashBytes.buffer);
  readonly #slotsMax: number;
  #isFailed = false;

  /** `engineWords`, `commandBase`: where command slots are. */
  constructor(
    queue: JournalQueue,
    hash: EventHash,
    engineWords: Int32Array,
    commandBase: number,
    hashInterval: number,
  ) {
    assert(queue.ringBytes >= JOURNAL_RING_BYTES_MIN, 'half a ring has room for a turn');
    this.queue = queue;
    this.#hash = hash;
    this.#engineWords = engineWords;
    this.#firstWord = commandBase >>> 2;
    this.hashInterval = hashInterval;
    this.#slotsMax = Math.floor(queue.payloadBytesMax / COMMAND.size);
    assert(this.#slotsMax >= 2, 'an extended command fits into a record');
    this.#numbers[RELEASED] = queue.lastSequence;
  }

  /** Of the last record appended. */
  get lastSequence(): number {
    return this.queue.lastSequence;
  }

  /** What rests on records up to here may be told. */
  get released(): number {
    return this.#numbers[RELEASED];
  }

  /** Everything appended is safe. */
  get settled(): boolean {
    return this.released === this.lastSequence;
  }

  get failed(): boolean {
    return this.#isFailed;
  }

  get failure(): JournalFailure | null {
    return this.queue.failure;
  }

  /** Asks how far the disk is. */
  look(nowNs: number): void {
    this.#numbers[NOW] = nowNs;
    if (this.queue.failed) this.#isFailed = true;
    else this.#numbers[RELEASED] = this.queue.ackableSequence;
  }

  /** False: too much is under way. `slots`: taken and not appended yet. */
  mayRead(slots: number): boolean {
    return this.queue.backlogBytes + slots * COMMAND.size <= this.queue.ringBytes >>> 1;
  }

  /** The engine's first `slots` command slots are about to be executed. */
  commands(slots: number): void {
    let from = 0;
    while (from < slots) {
      const count = this.#whole(from, slots);
      this.#took(
        this.queue.appendWords(
          JournalType.Commands,
          this.#engineWords,
          this.#firstWord + (from * COMMAND.size) / 4,
          count * COMMAND.size,
          this.#numbers[NOW],
          0,
        ),
      );
      from += count;
    }
    this.commandsUnhashed += slots;
  }

  /** Hands the turn's records to the journal's thread, with a hash when one is due. Everything so far is executed. */
  publish(): void {
    if (this.commandsUnhashed >= this.hashInterval) this.#appendHash();
    this.queue.publish();
  }

  session(record: SessionRecord): void {
    this.#append(JournalType.Session, encodeSession(record), 0);
  }

  operator(what: string): void {
    this.#append(JournalType.Operator, encodeJson({ what }), 0);
  }

  /** The first records of a process. */
  start(wallClockMs: number, text: string, config: object): void {
    this.#append(JournalType.Start, encodeStart(wallClockMs, text), 0);
    this.#append(JournalType.Config, encodeJson(config), 0);
    this.publish();
  }

  /** What may change while running, from now on; for an audit. `short`: the same where it is too long for a record. */
  running(config: object, short: object): void {
    const whole = encodeJson({ running: config });
    const fits = whole.length <= this.queue.payloadBytesMax;
    this.#append(JournalType.Config, fits ? whole : encodeJson({ running: short }), 0);
    this.publish();
  }

  snapshotMark(sequence: number, hash: bigint): void {
    this.#append(
      JournalType.SnapshotMark,
      encodeSnapshotMark(sequence, hash),
      RecordFlag.SnapshotMark,
    );
    this.publish();
  }

  /** As many slots from `from` on as a record takes, no command cut in two. */
  #whole(from: number, slots: number): number {
    if (slots - from <= this.#slotsMax) return slots - from;
    let at = from;
    for (;;) {
      const next = at + slotsOf(this.#engineWords, this.#firstWord + at * (COMMAND.size / 4));
      if (next - from > this.#slotsMax) return at - from;
      at = next;
    }
  }

  #appendHash(): void {
    this.commandsUnhashed = 0;
    this.#hashView.setUint32(0, this.#hash.low, true);
    this.#hashView.setUint32(4, this.#hash.high, true);
    this.#append(JournalType.StateHash, this.#hashBytes, RecordFlag.StateHash);
  }

  #append(type: number, payload: Uint8Array, flags: number): void {
    this.#took(this.queue.append(type, payload, 0, payload.length, this.#numbers[NOW], flags));
  }

  #took(sequence: number): void {
    assert(sequence !== QUEUE_FULL, 'sessions are not read while the journal has no room');
  }
}

/** Slots of the command whose first word is `word`. */
export function slotsOf(words: Int32Array | Uint32Array, word: number): number {
  const isNew = (words[word] & 0xff) === Cmd.New;
  return isNew && (words[word + 1] & CmdFlag.Extended) !== 0 ? 2 : 1;
}
