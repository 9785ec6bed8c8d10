// NASDAQ TotalView-ITCH 5.0: the messages of a day, out of a file or out of datagrams.
//
//   file       length u16be │ message │ length u16be │ message …      the length may be 0: then the type says it
//   message    type@0 locate@1:u16 tracking@3:u16 time@5:u48 (ns since midnight) │ what the type has from @11
//
// All numbers are big-endian; prices have four decimals; text is padded with spaces on the right. A message is
// handed out in place, as the offset at which it begins; the functions of `Itch` read its fields.
//
// A length that is not the type's, or an unknown type without a length, means that nothing behind it can be
// trusted: ItchError with the offset. An unknown type with a length is skipped and counted, for NASDAQ adds types.
//
// Cost: some 15 ns a message to walk. Limits: times and 64-bit references as two halves.

/** Message types, by their letter. */
export const ItchType = {
  SystemEvent: 0x53, Directory: 0x52, TradingAction: 0x48, RegSho: 0x59, Participant: 0x4c, MwcbLevels: 0x56,
  MwcbStatus: 0x57, IpoQuoting: 0x4b, Collar: 0x4a, OperationalHalt: 0x68, Add: 0x41, AddAttributed: 0x46,
  Executed: 0x45, ExecutedAt: 0x43, Canceled: 0x58, Deleted: 0x44, Replaced: 0x55, Trade: 0x50, CrossTrade: 0x51,
  Broken: 0x42, Imbalance: 0x49, RetailInterest: 0x4e, DirectListing: 0x4f,
} as const;
export type ItchType = (typeof ItchType)[keyof typeof ItchType];

const { fromCharCode } = String;

/** Bytes of each type; 0: unknown. Indexed by the letter's code. */
export const ITCH_BYTES: Uint8Array = (() => {
  const bytes = new Uint8Array(256);
  for (const [letter, size] of [
    ['S', 12], ['R', 39], ['H', 25], ['Y', 20], ['L', 26], ['V', 35], ['W', 12], ['K', 28], ['J', 35], ['h', 21],
    ['A', 36], ['F', 40], ['E', 31], ['C', 36], ['X', 23], ['D', 19], ['U', 35], ['P', 44], ['Q', 40], ['B', 19],
    ['I', 50], ['N', 20], ['O', 48],
  ] as const) bytes[letter.charCodeAt(0)] = size;
  return bytes;
})();

/** Prices are dollars times this. */
export const ITCH_PRICE_SCALE = 10_000;
const LENGTH_BYTES = 2;
const TWO_32 = 0x1_0000_0000;
/** Unknown types may be this long; a longer length is taken for damage. */
const LENGTH_MAX = 1_024;

/** Fields of the message at `at`. Which type has which is in the comments. */
export const Itch = {
  type: (view: DataView, at: number): number => view.getUint8(at),
  locate: (view: DataView, at: number): number => view.getUint16(at + 1),
  /** Nanoseconds since midnight. */
  timeNs: (view: DataView, at: number): number => view.getUint16(at + 5) * TWO_32 + view.getUint32(at + 7),
  /** S: O start of messages, S system hours, Q market hours, M end of them, E, C. */
  event: (view: DataView, at: number): string => fromCharCode(view.getUint8(at + 11)),
  /** R, H, Y, K, J, h, N, O. */
  stock: (view: DataView, at: number): string => text(view, at + 11, 8),
  /** A, F, P. */
  orderStock: (view: DataView, at: number): string => text(view, at + 24, 8),
  roundLot: (view: DataView, at: number): number => view.getUint32(at + 21),
  /** H: T trading, H halted, P paused, Q quotation only. */
  tradingState: (view: DataView, at: number): string => fromCharCode(view.getUint8(at + 19)),
  /** A, F, E, C, X, D, P; U: the order that is replaced. */
  refHigh: (view: DataView, at: number): number => view.getUint32(at + 11),
  refLow: (view: DataView, at: number): number => view.getUint32(at + 15),
  ref: (view: DataView, at: number): bigint => view.getBigUint64(at + 11),
  /** U. */
  newRef: (view: DataView, at: number): bigint => view.getBigUint64(at + 19),
  newRefHigh: (view: DataView, at: number): number => view.getUint32(at + 19),
  newRefLow: (view: DataView, at: number): number => view.getUint32(at + 23),
  newShares: (view: DataView, at: number): number => view.getUint32(at + 27),
  newPrice: (view: DataView, at: number): number => view.getUint32(at + 31),
  /** A, F, P: +1 buy, −1 sell, 0 for any other letter. */
  side: (view: DataView, at: number): number => {
    const letter = view.getUint8(at + 19);
    return letter === 0x42 ? 1 : letter === 0x53 ? -1 : 0;
  },
  /** A, F, P. */
  shares: (view: DataView, at: number): number => view.getUint32(at + 20),
  price: (view: DataView, at: number): number => view.getUint32(at + 32),
  /** E, C: executed; X: canceled. */
  takenShares: (view: DataView, at: number): number => view.getUint32(at + 19),
  /** C: whether the tape has it, and at which price. */
  printable: (view: DataView, at: number): boolean => view.getUint8(at + 31) === 0x59,
  executionPrice: (view: DataView, at: number): number => view.getUint32(at + 32),
  /** Q: u64. */
  crossShares: (view: DataView, at: number): bigint => view.getBigUint64(at + 11),
  crossStock: (view: DataView, at: number): string => text(view, at + 19, 8),
  crossPrice: (view: DataView, at: number): number => view.getUint32(at + 27),
} as const;

function text(view: DataView, at: number, length: number): string {
  let end = length;
  while (end > 0 && view.getUint8(at + end - 1) === 0x20) end--;
  let out = '';
  for (let i = 0; i < end; i++) out += fromCharCode(view.getUint8(at + i));
  return out;
}

/** Bytes that are no ITCH messages, from `offset` of the recording on. */
export class ItchError extends Error {
  override readonly name = 'ItchError';
  readonly offset: number;

  constructor(offset: number, what: string) {
    super(`byte ${offset}: ${what}`);
    this.offset = offset;
  }
}

/** Called for each message with where it lies; valid during the call. */
export type ItchListener = (view: DataView, at: number) => void;

/** Walks the pieces of a file; a message may straddle two of them. */
export class ItchReader {
  /** Messages handed out. */
  messages = 0;
  /** Messages of types that are not known, skipped by their length. */
  unknown = 0;
  readonly #listener: ItchListener;
  /** The beginning of a message whose rest has not come. */
  readonly #kept = new Uint8Array(LENGTH_BYTES + LENGTH_MAX);
  readonly #keptView = new DataView(this.#kept.buffer);
  #keptBytes = 0;
  /** Of the recording, in front of what is kept. */
  #offset = 0;

  constructor(listener: ItchListener) {
    this.#listener = listener;
  }

  /** Takes the next piece. Throws ItchError. */
  push(piece: Uint8Array): void {
    let at = this.#finishKept(piece);
    if (at < 0) return;
    const view = new DataView(piece.buffer, piece.byteOffset, piece.byteLength);
    const end = piece.length;
    while (at < end) {
      const bytes = end - at > LENGTH_BYTES ? this.#bytesOf(view, at) : 0;
      if (bytes === 0 || at + bytes > end) break;
      this.#hand(view, at + LENGTH_BYTES);
      at += bytes;
      this.#offset += bytes;
    }
    this.#kept.set(piece.subarray(at), 0);
    this.#keptBytes = end - at;
  }

  /** At the end of the recording. Throws ItchError when it ends within a message. */
  finish(): void {
    if (this.#keptBytes === 0) return;
    throw new ItchError(this.#offset, `expected a whole message, was the end after ${this.#keptBytes} bytes of it`);
  }

  /** Completes what is kept from the piece; where the piece goes on, −1 when even that was not enough. */
  #finishKept(piece: Uint8Array): number {
    let at = 0;
    while (this.#keptBytes > 0) {
      const whole = this.#keptBytes > LENGTH_BYTES ? this.#bytesOf(this.#keptView, 0) : LENGTH_BYTES + 1;
      if (this.#keptBytes === whole) {
        this.#hand(this.#keptView, LENGTH_BYTES);
        this.#keptBytes = 0;
        this.#offset += whole;
        return at;
      }
      if (at === piece.length) return -1;
      const take = Math.min(whole - this.#keptBytes, piece.length - at);
      this.#kept.set(piece.subarray(at, at + take), this.#keptBytes);
      this.#keptBytes += take;
      at += take;
    }
    return at;
  }

  /** Bytes of the frame at `at`, whose length and type are there. */
  #bytesOf(view: DataView, at: number): number {
    const length = view.getUint16(at);
    const type = view.getUint8(at + LENGTH_BYTES);
    const known = ITCH_BYTES[type];
    if (known !== 0 && (length === known || length === 0)) return LENGTH_BYTES + known;
    const shown = type > 0x20 && type < 0x7f ? `"${fromCharCode(type)}"` : `0x${type.toString(16).padStart(2, '0')}`;
    if (known !== 0) {
      throw new ItchError(this.#offset, `expected a length of ${known} for a message of type ${shown}, was ${length}`);
    }
    if (length === 0 || length > LENGTH_MAX) {
      throw new ItchError(this.#offset, `expected a message, was type ${shown} with length ${length}`);
    }
    return LENGTH_BYTES + length;
  }

  #hand(view: DataView, at: number): void {
    if (ITCH_BYTES[view.getUint8(at)] === 0) {
      this.unknown++;
      return;
    }
    this.messages++;
    this.#listener(view, at);
  }
}
