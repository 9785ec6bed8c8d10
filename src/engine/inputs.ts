// Inputs of the trading engine: one record for everything that can change its state. The engine is a
// function of these records in their order, with the event time that each is given when it is taken;
// the journal holds them, and nothing else is needed to have the same state again.
//
//   offset 0     1     2          3    4      5    6     8     12    16     20   24    28    32     36     40       48
//          type  side  orderType  tif  flags  stp  book  idLo  idHi  price  qty  qty2  qty3  price2 extra  orderId  stampNs
//          u8    i8    u8         u8   u8     u8   u16   u32   u32   i32    u32  u32   u32   i32    u32    f64      f64
//
// 56 bytes, so that a record and its place in the queue (base/mpmc_queue.ts) are one cache line. Little-endian.
// `id` is the caller's order id, any u64, or a market order's; `orderId` the engine's own. Prices are ticks.
// `stampNs` is when the producer wrote the record, 0 where it took no time; it is for measuring and changes nothing.
//
// | type         | fields                                                                                |
// |--------------|---------------------------------------------------------------------------------------|
// | New          | book side orderType tif flags stp id price qty, display qty2, minimum qty3, stop price2 |
// | Modify       | book id price qty (the open quantity wanted)                                          |
// | Cancel       | book id                                                                               |
// | CancelAll    | book or BOOK_EVERY; orderId = token of who waits for it, 0 for none                    |
// | Control      | orderType = the Control wanted; orderId = token                                       |
// | Configure    | a JSON text follows the record in the journal; idLo = its number here; orderId = token |
// | Declare      | book; symbol as ASCII from offset 8 on, its length in `extra` (see SYMBOL)            |
// | Quote        | book, bid price qty, ask price2 qty2; quantity 0: that side is empty                  |
// | Trade        | book, side of the aggressor, price qty                                                |
// | MarketAdd    | book side id price qty, priority orderId                                              |
// | MarketModify | book side id price qty                                                                |
// | MarketCancel | book id                                                                               |
// | MarketClear  | book                                                                                  |
// | Response     | of a venue: orderType = ResponseType, book side orderId price, executed qty, leaves qty2 |
// | Execution    | book, side of ours, price qty: we traded elsewhere                                     |
// | Session      | of a venue: orderType = SessionChange, orderId = the base of its order ids              |
// | Time         | nothing: time has passed                                                              |
// | Latency      | orderId = nanoseconds measured                                                        |
import { assert } from '../base/assert.ts';

export const Input = {
  New: 1, Modify: 2, Cancel: 3, CancelAll: 4, Control: 5, Configure: 6, Declare: 7, Quote: 8, Trade: 9,
  MarketAdd: 10, MarketModify: 11, MarketCancel: 12, MarketClear: 13, Response: 14, Session: 15, Time: 16,
  Latency: 17, Execution: 18,
} as const;
export type Input = (typeof Input)[keyof typeof Input];

export const INPUT_TEXT: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(Input).map(([name, code]) => [code, name.replaceAll(/(?!^)[A-Z]/g, '-$&').toLowerCase()]),
);

export const Control = {
  Pause: 1, Resume: 2, Kill: 3, Reset: 4, AutoTradingOn: 5, AutoTradingOff: 6, Start: 7, StopCancel: 8, StopKeep: 9,
  Flatten: 10, StopEnd: 11,
} as const;
export type Control = (typeof Control)[keyof typeof Control];

export const SessionChange = { Up: 1, UpComplete: 2, Down: 3, Fresh: 4, Stale: 5 } as const;
export type SessionChange = (typeof SessionChange)[keyof typeof SessionChange];

/** Flags of New, Modify, Cancel: post-only; `id` is a name of the caller’s; a cancel of it came first (set by the intake). */
export const InputFlag = { PostOnly: 1, Named: 0x40, Withdrawn: 0x80 } as const;

/** Byte offsets. */
export const INPUT = {
  size: 56, type: 0, side: 1, orderType: 2, tif: 3, flags: 4, stp: 5, book: 6, idLo: 8, idHi: 12, price: 16,
  qty: 20, qty2: 24, qty3: 28, price2: 32, extra: 36, orderId: 40, stampNs: 48,
} as const;

/** Of Declare: the symbol's characters take the place of ids, prices and quantities. */
export const SYMBOL = { at: INPUT.idLo, bytesMax: 24, length: INPUT.extra } as const;

/** In `book`: every instrument. */
export const BOOK_EVERY = 0xffff;

assert(INPUT.stampNs + 8 === INPUT.size, 'the stamp is the last field of an input');
assert(SYMBOL.at + SYMBOL.bytesMax <= INPUT.price2, 'a symbol ends before the second price');
assert(INPUT.orderId % 8 === 0 && INPUT.stampNs % 8 === 0, 'doubles lie on their boundaries');

/** Views over memory that holds inputs; `at` of every reader is a byte offset that is a multiple of 8. */
export class InputViews {
  readonly u8: Uint8Array;
  readonly i8: Int8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;

  constructor(buffer: ArrayBuffer | SharedArrayBuffer) {
    this.u8 = new Uint8Array(buffer);
    this.i8 = new Int8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }

  /** Writes all fields of an input; those that its type does not use are 0. */
  write(
    at: number, type: number, side: number, orderType: number, tif: number, flags: number, stp: number, book: number,
    idLo: number, idHi: number, price: number, qty: number, qty2: number, qty3: number, price2: number, extra: number,
    orderId: number, stampNs: number,
  ): void {
    const word = at >>> 2;
    const { u32 } = this;
    u32[word] = type | ((side & 0xff) << 8) | (orderType << 16) | (tif << 24);
    u32[word + 1] = flags | (stp << 8) | (book << 16);
    u32[word + 2] = idLo;
    u32[word + 3] = idHi;
    u32[word + 4] = price;
    u32[word + 5] = qty;
    u32[word + 6] = qty2;
    u32[word + 7] = qty3;
    u32[word + 8] = price2;
    u32[word + 9] = extra;
    const double = at >>> 3;
    this.f64[double + 5] = orderId;
    this.f64[double + 6] = stampNs;
  }
}
