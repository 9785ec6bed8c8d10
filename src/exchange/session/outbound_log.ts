// The messages that go to one client, framed and numbered, until they are sent, and after that as
// long as there is room: a session that breaks off resumes at any message that is still here.
//
//   first              next message to send         next
//   │ sent, kept       │ not sent yet               │
//   └────────────── records (header + 42 bytes) in a ring, at (sequence − 1 − base) mod capacity
//
//   pieces of the ring   │ 0: 64 records │ 1: 64 │ 2: 128      │ 3: 256                    │ …
//
// Records have one size, so a byte position of the stream is a place in the ring, a short send is a
// position inside a record, and what goes to the socket is what stands here: nothing is copied
// twice.
//
// A ring doubles by one more piece, behind the others, when it is full and its oldest record is in its first place: nothing is
// moved, and nothing is left to be collected. (One new ring each time, with all messages copied, took milliseconds amid
// trading, and the old rings stayed as garbage for minutes, as much again as was in use.)
//
// Order: sequences rise by one from 1. Cost: a claim is a mask, the piece's number from a bit count, and the header's stores.
// Growth doubles from RECORDS_INITIAL to the cap; nothing is allocated before the first message.
// Limits: at the cap, or where the memory of all logs is used up (log_memory.ts), the oldest sent record makes
// room; when it is not sent yet, `claim` says FULL.
import { assert } from '../../base/assert.ts';
import type { FrameWriter } from '../../wire/framing/frame.ts';
import { ClientResponse } from '../../wire/generated/native.ts';
import type { StreamConnection } from '../../net/transport.ts';
import { Held } from '../held.ts';
import type { LogMemory } from './log_memory.ts';

export const FULL = -1;
/** `flush`: the connection takes nothing any more. */
export const BROKEN = -1;
const RECORDS_INITIAL = 64;

export class OutboundLog {
  /** Of the piece that the last claim is in. */
  view = new DataView(new ArrayBuffer(0));
  readonly recordBytes: number;
  readonly writer: FrameWriter;
  /** Oldest message still here. */
  first = 1;
  /** Number of the next message. */
  next = 1;
  readonly #recordsMax: number;
  readonly #memory: LogMemory;
  /** Growth was refused: it is not asked for again before this message. */
  #askAt = 0;
  readonly #pieces: Uint8Array[] = [];
  readonly #views: DataView<ArrayBuffer>[] = [];
  /** The piece that the last claim is in, and its first place. */
  #piece = 0;
  #pieceStart = 0;
  /** Records of the first piece are two to this power. */
  #shift = 0;
  #mask = -1;
  /** The message behind this one stands in the first place. */
  #base = 0;
  /** Position in the stream of the next byte to send; Infinity while nobody is connected. */
  #sendAt = Infinity;
  /** What may not be sent before the journal has it; null: there is no journal. */
  #held: Held | null = null;

  constructor(writer: FrameWriter, bytesMax: number, memory: LogMemory) {
    this.writer = writer;
    this.#memory = memory;
    this.recordBytes = writer.headerBytes + ClientResponse.bytes;
    let records = RECORDS_INITIAL;
    while (records * 2 * this.recordBytes <= bytesMax) records *= 2;
    this.#recordsMax = records;
  }

  /** Bytes that may be sent and that a connected client has not taken yet. */
  get pendingBytes(): number {
    const below = this.#held === null ? this.next : this.#held.below;
    const end = (below - 1) * this.recordBytes;
    return this.#sendAt < end ? end - this.#sendAt : 0;
  }

  /** The same with what the journal holds back. */
  get unsentBytes(): number {
    const end = (this.next - 1) * this.recordBytes;
    return this.#sendAt < end ? end - this.#sendAt : 0;
  }

  /** From now on messages wait for the journal; those before do not. */
  hold(): void {
    this.#held ??= new Held(this.next);
  }

  /** What is written now rests on the journal's records up to `last`; those up to `released` are safe. */
  holdUntil(last: number, released: number): void {
    if (this.#held === null) return;
    this.#held.note(this.next, last);
    this.#held.release(released);
  }

  /** Between two records: other packets may be sent now. */
  get atBoundary(): boolean {
    return this.#sendAt % this.recordBytes === 0;
  }

  /** Memory held. */
  get bytes(): number {
    return (this.#mask + 1) * this.recordBytes;
  }

  /** True when messages from `sequence` on can be had, none missing. */
  has(sequence: number): boolean {
    return sequence >= this.first && sequence <= this.next;
  }

  /** A client reads from message `sequence` on. */
  attach(sequence: number): void {
    assert(this.has(sequence), 'a client resumes at a message that is kept');
    this.#sendAt = (sequence - 1) * this.recordBytes;
  }

  detach(): void {
    this.#sendAt = Infinity;
  }

  /** Writes the header of the next message; where its 42 bytes go in `view`, or FULL. */
  claim(): number {
    if (this.next - this.first > this.#mask && !this.#makeRoom()) return FULL;
    const place = this.#placeOf(this.next);
    const piece = this.#pieceOf(place);
    if (piece !== this.#piece) this.#turnTo(piece);
    this.next++;
    return this.writer.header(this.view, (place - this.#pieceStart) * this.recordBytes, ClientResponse.bytes);
  }

  /** True when a message can be repeated: it is kept, and stays although one more comes. */
  canRepeat(sequence: number): boolean {
    const { first, next } = this;
    const kept = sequence >= first && sequence < next;
    return kept && (sequence > first || next - first <= this.#mask);
  }

  /** The 42 bytes of message `sequence` once more, at the place that `claim` gave. */
  repeat(sequence: number, at: number): void {
    this.copyMessage(sequence, this.#pieces[this.#piece], at);
  }

  /** The 42 bytes of a message that is kept, to `target` from `at` on. */
  copyMessage(sequence: number, target: Uint8Array, at: number): void {
    assert(sequence >= this.first && sequence < this.next, 'a message that is copied is kept');
    const place = this.#placeOf(sequence);
    const piece = this.#pieceOf(place);
    const bytes = this.#pieces[piece];
    const from = (place - this.#startOf(piece)) * this.recordBytes + this.writer.headerBytes;
    for (let i = 0; i < ClientResponse.bytes; i++) target[at + i] = bytes[from + i];
  }

  /** Hands what waits to the connection. Bytes taken, or BROKEN. */
  flush(connection: StreamConnection): number {
    const { recordBytes } = this;
    let sent = 0;
    let pending = this.pendingBytes;
    while (pending > 0) {
      const record = Math.floor(this.#sendAt / recordBytes);
      const place = this.#placeOf(record + 1);
      const piece = this.#pieceOf(place);
      const bytes = this.#pieces[piece];
      const offset = (place - this.#startOf(piece)) * recordBytes + this.#sendAt - record * recordBytes;
      const length = Math.min(pending, bytes.length - offset);
      const taken = connection.send(bytes, offset, length);
      if (taken < 0) return BROKEN;
      this.#sendAt += taken;
      sent += taken;
      if (taken < length) break;
      pending -= taken;
    }
    return sent;
  }

  /** Gives back the memory of what has been sent, but for the last few messages. */
  trim(): void {
    const unsent = Math.ceil(this.unsentBytes / this.recordBytes);
    let records = RECORDS_INITIAL;
    while (records < unsent) records *= 2;
    if (records <= this.#mask) this.#shrink(records);
  }

  /** The messages that are kept, for a snapshot: whole records from `first` on. */
  save(): Uint8Array {
    const bytes = new Uint8Array((this.next - this.first) * this.recordBytes);
    this.#copyRecords(bytes);
    return bytes;
  }

  /** Makes an empty log what another was: its messages `first` … `next` − 1, as far as there is room. */
  restore(first: number, next: number, records: Uint8Array): void {
    assert(this.next === 1, 'a log is restored before it is written');
    this.first = this.next = first;
    for (let at = 0; at < records.length; at += this.recordBytes) {
      const to = this.claim() - this.writer.headerBytes;
      this.#pieces[this.#piece].set(records.subarray(at, at + this.recordBytes), to);
    }
    assert(this.next === next, 'a log is restored to its end');
  }

  #makeRoom(): boolean {
    const records = this.#mask + 1;
    if (records < this.#recordsMax && this.next >= this.#askAt) {
      const more = Math.max(records, RECORDS_INITIAL);
      if (this.#memory.grant(this, more * this.recordBytes)) {
        this.#grow(more);
        return true;
      }
      this.#askAt = this.next + records; // once around: the oldest is in the first place again
    }
    if (records === 0 || this.#sendAt < this.first * this.recordBytes) return false;
    this.first++;
    return true;
  }

  /** Place in the ring of a message that is kept, or of the next. */
  #placeOf(sequence: number): number {
    return (sequence - 1 - this.#base) & this.#mask;
  }

  #pieceOf(place: number): number {
    return 32 - Math.clz32(place >>> this.#shift);
  }

  /** The first place of a piece. */
  #startOf(piece: number): number {
    return piece === 0 ? 0 : 1 << (this.#shift + piece - 1);
  }

  #turnTo(piece: number): void {
    this.#piece = piece;
    this.#pieceStart = this.#startOf(piece);
    this.view = this.#views[piece];
  }

  /** One more piece, behind a full ring. */
  #grow(records: number): void {
    if (this.#mask < 0) {
      this.#memory.add(this);
      this.#shift = 31 - Math.clz32(records);
    } else {
      assert(this.#placeOf(this.first) === 0 && this.next - this.first === this.#mask + 1, 'a ring that grows is full, from its first place on');
    }
    this.#base = this.first - 1;
    this.#mask += records;
    this.#add(records);
  }

  #add(records: number): void {
    const bytes = new Uint8Array(records * this.recordBytes);
    this.#pieces.push(bytes);
    this.#views.push(new DataView(bytes.buffer));
    this.#turnTo(this.#pieces.length - 1);
    this.#memory.bytes += bytes.length;
  }

  /** A ring of one smaller piece, with the messages that fit, the last ones. */
  #shrink(records: number): void {
    this.first = Math.max(this.first, this.next - records);
    const kept = this.save();
    this.#memory.bytes -= this.bytes;
    this.#pieces.length = this.#views.length = 0;
    this.#shift = 31 - Math.clz32(records);
    this.#mask = records - 1;
    this.#base = this.first - 1;
    this.#askAt = 0;
    this.#add(records);
    this.#pieces[0].set(kept);
  }

  /** All messages that are kept, in their order. In runs that end where a piece ends. */
  #copyRecords(target: Uint8Array): void {
    const { recordBytes } = this;
    for (let sequence = this.first; sequence < this.next; ) {
      const place = this.#placeOf(sequence);
      const piece = this.#pieceOf(place);
      const bytes = this.#pieces[piece];
      const from = (place - this.#startOf(piece)) * recordBytes;
      const run = Math.min(this.next - sequence, (bytes.length - from) / recordBytes);
      target.set(bytes.subarray(from, from + run * recordBytes), (sequence - this.first) * recordBytes);
      sequence += run;
    }
  }
}
