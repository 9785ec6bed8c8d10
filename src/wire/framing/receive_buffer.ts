// Received bytes of one stream: small at first, growing to a cap, leftovers moved to the front.
//
//   0        start            end             bytes.length     bytesMax
//   │ read   │ not understood │ free          │ grows to here  │
//
//   while ((room = buffer.room()) > 0 && (n = connection.receive(buffer.bytes, buffer.end, room)) > 0) {
//     buffer.received(n);
//     while ((frame = decoder.next(buffer)) > 0) …      // decoder.next moves `start`
//   }
//
// A connection that never says anything costs `bytesInitial`. Moving is by copyWithin, because the
// leftover and its new place may overlap. Growth (a new array, twice the size) happens only when a
// read has filled all the room or a started frame does not fit; at the cap `room` returns 0.
import { assert } from '../../base/assert.ts';

/** Room for some dozen requests: 1,000 idle connections hold 2 MB. */
export const RECEIVE_BYTES_INITIAL = 2 * 1024;
/** About what a loopback socket hands over at once. */
export const RECEIVE_BYTES_MAX = 64 * 1024;

export class ReceiveBuffer {
  bytes: Uint8Array;
  view: DataView;
  /** First byte that no decoder has taken. */
  start = 0;
  /** First free byte. */
  end = 0;
  readonly bytesMax: number;
  #grow = false;

  constructor(bytesInitial: number = RECEIVE_BYTES_INITIAL, bytesMax: number = RECEIVE_BYTES_MAX) {
    assert(bytesInitial > 0, 'a receive buffer has at least one byte');
    assert(bytesMax >= bytesInitial, 'the cap of a receive buffer is not below its first size');
    this.bytesMax = bytesMax;
    this.bytes = new Uint8Array(bytesInitial);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Bytes received and not yet taken by the decoder. */
  get pending(): number {
    return this.end - this.start;
  }

  /**
   * How many bytes may be received at `end` now; 0 only when a frame of `bytesMax` bytes is not
   * complete.
   */
  room(): number {
    const start = this.start;
    const end = this.end;
    if (start === end) {
      this.start = this.end = 0;
    } else if (start > 0 && this.bytes.length - end < this.bytes.length >> 1) {
      // Most of the buffer has been used, so a move is rare beside the frames it makes room for.
      this.bytes.copyWithin(0, start, end);
      this.start = 0;
      this.end = end - start;
    }
    if ((this.#grow || this.end === this.bytes.length) && this.bytes.length < this.bytesMax)
      this.#enlarge();
    this.#grow = false;
    return this.bytes.length - this.end;
  }

  /** `count` bytes have been put at `end`. */
  received(count: number): void {
    assert(count >= 0, 'the number of received bytes is not negative');
    assert(this.end + count <= this.bytes.length, 'received bytes lie inside the buffer');
    this.end += count;
    // A full read says that more is waiting.
    this.#grow = this.end === this.bytes.length;
  }

  /** Forgets everything, for a fresh stream. What has grown stays. */
  clear(): void {
    this.start = this.end = 0;
    this.#grow = false;
  }

  #enlarge(): void {
    const larger = new Uint8Array(Math.min(this.bytes.length * 2, this.bytesMax));
    larger.set(this.bytes);
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }
}
