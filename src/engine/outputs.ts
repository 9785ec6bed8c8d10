// What the engine has to tell, as records of 64 bytes in a ring between its heart (processor.ts), which
// writes them while inputs take effect, and the dispatch on the same thread, which hands them to listeners
// and promises after the journal has the inputs.
//
//   offset 0     1     2       3   4     6      8        12       16     20   24      28        32       40        48      56
//          type  side  reason  op  book  flags  nameLo   nameHi   price  qty  leaves  executed  orderId  sequence  timeNs  value
//          u8    i8    u8      u8  u16   u16    u32      u32      i32    u32  u32     u32       f64      f64       f64     f64
//
// Order: that of the effects. Full: whoever writes calls `onFull`, which dispatches and thereby makes room.
// Cost: some fourteen stores. No allocation.
import { assert } from '../base/assert.ts';

/** The public ones have the names of the events (events.ts). */
export const Output = {
  Accepted: 1, Fill: 2, Canceled: 3, Rejected: 4, Modified: 5, Trade: 6, Book: 7, State: 8, Breaker: 9, Alert: 10,
  Configured: 11, CancelRejected: 12, ModifyRejected: 13, Done: 14, Venue: 15,
} as const;
export type Output = (typeof Output)[keyof typeof Output];

/** Byte offsets. `value`: nanoseconds measured from call to effect, or what an alert or breaker is about. */
export const OUTPUT = {
  size: 64, type: 0, side: 1, reason: 2, op: 3, book: 4, flags: 6, nameLo: 8, nameHi: 12, price: 16, qty: 20,
  leaves: 24, executed: 28, orderId: 32, sequence: 40, timeNs: 48, value: 56,
} as const;

/**
 * Named: the order has a name of its caller's. Strategy: a strategy sent it. MayRest: it stays until it is done.
 * Priced: it has a limit price.
 */
export const OutputFlag = { Named: 1, Strategy: 2, MayRest: 4, Priced: 8 } as const;

assert(OUTPUT.value + 8 === OUTPUT.size, 'the last field ends the record');

export class OutputRing {
  readonly slots: number;
  readonly u8: Uint8Array;
  readonly i8: Int8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly view: DataView;
  /** Event time of the records to come: a cell, because a number that is handed on would be boxed on its way. */
  readonly timeNs = new Float64Array(1);
  /** Records written and read since the start. */
  written = 0;
  read = 0;
  readonly #mask: number;
  readonly #onFull: () => void;

  constructor(slots: number, onFull: () => void) {
    assert(slots >= 2 && (slots & (slots - 1)) === 0, 'the slots of a ring are a power of two');
    this.slots = slots;
    this.#mask = slots - 1;
    this.#onFull = onFull;
    const buffer = new ArrayBuffer(slots * OUTPUT.size);
    this.u8 = new Uint8Array(buffer);
    this.i8 = new Int8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.view = new DataView(buffer);
  }

  /** Byte offset of record `n`; it must still be in the ring. */
  at(n: number): number {
    return (n & this.#mask) * OUTPUT.size;
  }

  write(
    type: number, side: number, reason: number, op: number, book: number, flags: number, nameLo: number, nameHi: number,
    price: number, qty: number, leaves: number, executed: number, orderId: number, value: number,
  ): void {
    if (this.written - this.read === this.slots) {
      this.#onFull();
      assert(this.written - this.read < this.slots, 'a dispatch makes room');
    }
    const at = (this.written & this.#mask) * OUTPUT.size;
    this.written += 1;
    const word = at >>> 2;
    const { u32, f64 } = this;
    u32[word] = type | ((side & 0xff) << 8) | (reason << 16) | (op << 24);
    u32[word + 1] = book | (flags << 16);
    u32[word + 2] = nameLo;
    u32[word + 3] = nameHi;
    u32[word + 4] = price;
    u32[word + 5] = qty;
    u32[word + 6] = leaves;
    u32[word + 7] = executed;
    const double = at >>> 3;
    f64[double + 4] = orderId;
    f64[double + 5] = this.written;
    f64[double + 6] = this.timeNs[0];
    f64[double + 7] = value;
  }
}
