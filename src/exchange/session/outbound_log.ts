// The messages that go to one client, framed and numbered, until they are sent, and after that as
// long as there is room: a session that breaks off resumes at any message that is still here.
//
//   first              next message to send         next
//   │ sent, kept       │ not sent yet               │
//   └────────────── records (header + 42 bytes) in a ring, at (sequence − 1) mod capacity
//
// Records have one size, so a byte position of the stream is a place in the ring, a short send is a
// position inside a record, and what goes to the socket is what stands here: nothing is copied
// twice.
//
// Order: sequences rise by one from 1. Cost: a claim is a mask and the header's stores. Growth
// doubles from RECORDS_INITIAL to the cap; nothing is allocated before the first message.
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
  #bytes = new Uint8Array(0);
  #mask = -1;
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
    return this.#bytes.length;
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
    const at = ((this.next - 1) & this.#mask) * this.recordBytes;
    this.next++;
    return this.writer.header(this.view, at, ClientResponse.bytes);
  }

  /** True when a message can be repeated: it is kept, and stays although one more comes. */
  canRepeat(sequence: number): boolean {
    const { first, next } = this;
    const kept = sequence >= first && sequence < next;
    return kept && (sequence > first || next - first <= this.#mask);
  }

  /** The 42 bytes of message `sequence` once more, at the place that `claim` gave. */
  repeat(sequence: number, at: number): void {
    assert(this.has(sequence), 'a message that is repeated is kept');
    const from = ((sequence - 1) & this.#mask) * this.recordBytes + this.writer.headerBytes;
    this.#bytes.copyWithin(at, from, from + ClientResponse.bytes);
  }

  /** Hands what waits to the connection. Bytes taken, or BROKEN. */
  flush(connection: StreamConnection): number {
    const ringBytes = this.#bytes.length;
    let sent = 0;
    let pending = this.pendingBytes;
    while (pending > 0) {
      const offset = this.#sendAt % ringBytes;
      const length = Math.min(pending, ringBytes - offset);
      const taken = connection.send(this.#bytes, offset, length);
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
    if (records <= this.#mask) this.#resize(records);
  }

  /** The messages that are kept, for a snapshot: whole records from `first` on. */
  save(): Uint8Array {
    const bytes = new Uint8Array((this.next - this.first) * this.recordBytes);
    for (let sequence = this.first; sequence < this.next; sequence++) {
      const from = ((sequence - 1) & this.#mask) * this.recordBytes;
      const to = (sequence - this.first) * this.recordBytes;
      bytes.set(this.#bytes.subarray(from, from + this.recordBytes), to);
    }
    return bytes;
  }

  /** Makes an empty log what another was: its messages `first` … `next` − 1, as far as there is room. */
  restore(first: number, next: number, records: Uint8Array): void {
    assert(this.next === 1, 'a log is restored before it is written');
    this.first = this.next = first;
    for (let at = 0; at < records.length; at += this.recordBytes) {
      this.claim();
      const to = ((this.next - 2) & this.#mask) * this.recordBytes;
      this.#bytes.set(records.subarray(at, at + this.recordBytes), to);
    }
    assert(this.next === next, 'a log is restored to its end');
  }

  #makeRoom(): boolean {
    const records = this.#mask + 1;
    if (records < this.#recordsMax && this.next >= this.#askAt) {
      const larger = records === 0 ? RECORDS_INITIAL : records * 2;
      if (this.#memory.grant(this, (larger - records) * this.recordBytes)) {
        this.#resize(larger);
        return true;
      }
      this.#askAt = this.next + records;
    }
    if (records === 0 || this.#sendAt < this.first * this.recordBytes) return false;
    this.first++;
    return true;
  }

  /** A ring of another size with the messages that fit, the last ones. */
  #resize(records: number): void {
    if (this.#mask < 0) this.#memory.add(this);
    const ring = new Uint8Array(records * this.recordBytes);
    this.first = Math.max(this.first, this.next - records);
    // In runs that end where either ring ends: record by record the 8 MiB of a slow reader took 10 ms.
    for (let sequence = this.first; sequence < this.next; ) {
      const from = (sequence - 1) & this.#mask;
      const to = (sequence - 1) & (records - 1);
      const run = Math.min(this.next - sequence, this.#mask + 1 - from, records - to);
      ring.set(this.#bytes.subarray(from * this.recordBytes, (from + run) * this.recordBytes), to * this.recordBytes);
      sequence += run;
    }
    this.#memory.bytes += ring.length - this.#bytes.length;
    this.#bytes = ring;
    this.view = new DataView(ring.buffer);
    this.#mask = records - 1;
  }
}
