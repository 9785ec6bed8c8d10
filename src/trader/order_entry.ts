// Order entry: the client's end of an order session with an exchange, over any byte stream.
//
//   newOrder / modify / cancel ─► [ send buffer ] ─flush─► connection ─poll─► [ receive buffer ] ─► handler
//
// Requests are written in place into one bounded buffer, framing and message together; what a short
// send leaves stays there and goes out first next time. Responses are handed to the handler where
// they stand in the receive buffer, by offset. Nothing is allocated after the constructor but the
// text of a reason when a session ends.
//
// Framings: `soup` (SoupBinTCP with native messages: log-in, heartbeats, resume), `bare` (the
// native messages one after the other) and `sequenced` (u64 sequence before each, both directions
// from 1). Bytes that no well-behaved exchange sends end the session with a reason.
//
// Order: requests leave in the order of the calls; responses come in the order of the exchange.
// Cost: one DataView store per field; a response costs its length check and one call.
// Limits: sequences and times are exact up to 2^53; a message stands whole in its buffer.
//
// 64-bit fields are two u32 halves, low first: no BigInt on the hot path.
import { CLOSED } from '../net/transport.ts';
import type { StreamConnection } from '../net/transport.ts';

export const OrderFraming = { Soup: 'soup', Bare: 'bare', Sequenced: 'sequenced' } as const;
export type OrderFraming = (typeof OrderFraming)[keyof typeof OrderFraming];

/** What the session tells its owner. Calls come from inside `connect` (bare, sequenced) and `poll`. */
export interface OrderEntryHandler {
  /** Requests are taken from now on. On `soup` this follows the accepted log-in. */
  onReady(entry: OrderEntry): void;
  /**
   * A 42-byte response stands at `offset` of `view`, valid during the call only. `sequence` is its
   * place in the session's outbound stream, from 1.
   */
  onResponse(view: DataView, offset: number, sequence: number): void;
  /** The session ended; `reason` is for people. The entry may be connected again and resumes. */
  onClosed(reason: string): void;
}

export interface OrderEntryOptions {
  framing?: OrderFraming;
  /** Client id written into every request. */
  client: number;
  /** Account and password of a `soup` log-in: at most 6 and 10 ASCII characters. */
  account?: string;
  password?: string;
  /** Session asked for at the first log-in: '' = whatever runs. */
  session?: string;
  /**
   * Sequence of the first response wanted at the first log-in: 1 = all of the session, 0 = only what
   * comes from now on. After a break the entry asks for the next one it has not seen.
   */
  nextSequence?: number;
  /** Requests waiting to be sent, in bytes. */
  sendBufferBytes?: number;
}

/** Silence after which either side says something (SoupBinTCP 4.1). */
export const HEARTBEAT_NS = 1_000_000_000;
/** Silence of the exchange after which the session counts as broken: fifteen heartbeats. */
export const SILENCE_MAX_NS = 15 * HEARTBEAT_NS;

/** Some 8,000 new orders: more than a loopback socket takes while the exchange is busy for a millisecond. */
const SEND_BUFFER_BYTES_DEFAULT = 256 * 1024;
/** One read; also bounds how many responses one `poll` hands out (about 1,500). */
const RECEIVE_BUFFER_BYTES = 64 * 1024;

const REQUEST_BYTES = 30;
const REQUEST_EXTENDED_BYTES = 54;
const RESPONSE_BYTES = 42;
const RequestType = { New: 1, Cancel: 2, NewExtended: 3, Modify: 4, MassCancel: 5 } as const;

/** Bytes before the message: soup length and type; sequence; nothing. */
const SOUP_HEADER_BYTES = 3;
const SEQUENCE_BYTES = 8;
const SOUP_PACKET_BYTES_MAX = 2 + 0xffff;
const SOUP_LOGIN_BYTES = 54;

const U32_MAX = 0xffff_ffff;
const PRICE_NONE_HI = 0x7fff_ffff;
const TWO_32 = 0x1_0000_0000;

const State = { Idle: 0, LoggingIn: 1, Ready: 2 } as const;

export class OrderEntry {
  readonly framing: OrderFraming;
  readonly client: number;
  /** Responses handed to the handler, over all connections. */
  responses = 0;
  /** Requests taken into the send buffer. */
  requests = 0;
  /** Requests refused because the send buffer was full or the session not ready. */
  refused = 0;
  /** Name of the exchange's session, known after the log-in (`soup`). */
  session: string;

  readonly #handler: OrderEntryHandler;
  readonly #account: string;
  readonly #password: string;
  readonly #headerBytes: number;
  readonly #out: Uint8Array;
  readonly #outView: DataView;
  readonly #in: Uint8Array;
  readonly #inView: DataView;
  #connection: StreamConnection | null = null;
  #state: number = State.Idle;
  /** Bytes out[#outStart … #outEnd) wait to be sent. */
  #outStart = 0;
  #outEnd = 0;
  /** Bytes in[0 … #inEnd) have been received and not yet been understood. */
  #inEnd = 0;
  /** Sequence of the next response expected (from 1); before the first log-in what to ask for. */
  #nextSequence: number;
  /** Sequence of the next request (`sequenced`). */
  #requestSequence = 1;
  #nowNs = 0;
  #lastSentNs = 0;
  #lastReceivedNs = 0;

  constructor(handler: OrderEntryHandler, options: OrderEntryOptions) {
    this.#handler = handler;
    this.framing = options.framing ?? OrderFraming.Soup;
    this.client = checkedU32(options.client, 'client id');
    this.#account = checkedText(options.account ?? String(options.client), 6, 'account');
    this.#password = checkedText(options.password ?? '', 10, 'password');
    this.session = checkedText(options.session ?? '', 10, 'session');
    this.#nextSequence = options.nextSequence ?? 0;
    this.#headerBytes =
      this.framing === OrderFraming.Soup ? SOUP_HEADER_BYTES : this.framing === OrderFraming.Sequenced ? SEQUENCE_BYTES : 0;
    const sendBytes = options.sendBufferBytes ?? SEND_BUFFER_BYTES_DEFAULT;
    if (sendBytes < 128) throw new RangeError(`send buffer: expected at least 128 bytes, was ${sendBytes}`);
    this.#out = new Uint8Array(sendBytes);
    this.#outView = new DataView(this.#out.buffer);
    // A started packet of the largest size must fit beside a full read.
    this.#in = new Uint8Array(RECEIVE_BUFFER_BYTES + SOUP_PACKET_BYTES_MAX);
    this.#inView = new DataView(this.#in.buffer);
  }

  get ready(): boolean {
    return this.#state === State.Ready;
  }

  /** Requests would go out on `ready`; true also while the log-in runs. */
  get connected(): boolean {
    return this.#connection !== null;
  }

  /** Sequence of the next response expected. */
  get nextSequence(): number {
    return this.#nextSequence;
  }

  /** Bytes accepted from the caller that the connection has not taken yet. */
  get pendingBytes(): number {
    return this.#outEnd - this.#outStart;
  }

  /** New orders that would be taken now. */
  get room(): number {
    if (this.#state !== State.Ready) return 0;
    return Math.floor((this.#out.length - this.pendingBytes) / (this.#headerBytes + REQUEST_BYTES));
  }

  /** Starts a session on a fresh connection: log-in on `soup`, ready at once on the others. */
  connect(connection: StreamConnection, nowNs: number): void {
    if (this.#connection !== null) throw new Error('order entry is connected already: expected close() before connect()');
    this.#connection = connection;
    this.#nowNs = this.#lastSentNs = this.#lastReceivedNs = nowNs;
    this.#outStart = this.#outEnd = this.#inEnd = 0;
    if (this.framing === OrderFraming.Soup) {
      this.#state = State.LoggingIn;
      this.#writeLogin();
      this.flush();
      return;
    }
    this.#nextSequence = this.#requestSequence = 1;
    this.#state = State.Ready;
    this.#handler.onReady(this);
  }

  /** A limit order, good till cancelled. False: buffer full or not ready, nothing was taken. */
  newOrder(
    ticker: number, orderLo: number, orderHi: number, side: number, priceLo: number, priceHi: number, qty: number,
  ): boolean {
    const at = this.#claim(REQUEST_BYTES);
    if (at < 0) return false;
    this.#writeRequest(at, RequestType.New, ticker, orderLo, orderHi, side, priceLo, priceHi, qty);
    return true;
  }

  /** Any order type; the values of `orderType`, `tif` and `stp` are those of src/book/types.ts. */
  newOrderExtended(
    ticker: number, orderLo: number, orderHi: number, side: number, priceLo: number, priceHi: number, qty: number,
    orderType: number, tif: number, flags: number, stp: number, display: number, minQty: number,
    stopPriceLo: number, stopPriceHi: number, owner: number,
  ): boolean {
    const at = this.#claim(REQUEST_EXTENDED_BYTES);
    if (at < 0) return false;
    this.#writeRequest(at, RequestType.NewExtended, ticker, orderLo, orderHi, side, priceLo, priceHi, qty);
    const view = this.#outView;
    view.setUint8(at + 30, orderType);
    view.setUint8(at + 31, tif);
    view.setUint8(at + 32, flags);
    view.setUint8(at + 33, stp);
    view.setUint32(at + 34, display, true);
    view.setUint32(at + 38, minQty, true);
    view.setUint32(at + 42, stopPriceLo, true);
    view.setUint32(at + 46, stopPriceHi, true);
    view.setUint32(at + 50, owner, true);
    return true;
  }

  /** Cancels the whole rest of an order. */
  cancel(ticker: number, orderLo: number, orderHi: number): boolean {
    const at = this.#claim(REQUEST_BYTES);
    if (at < 0) return false;
    this.#writeRequest(at, RequestType.Cancel, ticker, orderLo, orderHi, 0, U32_MAX, PRICE_NONE_HI, U32_MAX);
    return true;
  }

  /** New price and new total quantity of the order, executions included. */
  modify(
    ticker: number, orderLo: number, orderHi: number, side: number, priceLo: number, priceHi: number, chainQty: number,
  ): boolean {
    const at = this.#claim(REQUEST_BYTES);
    if (at < 0) return false;
    this.#writeRequest(at, RequestType.Modify, ticker, orderLo, orderHi, side, priceLo, priceHi, chainQty);
    return true;
  }

  /** Cancels all orders of this client in `ticker` (u32 max: in all) on `side` (0: on both). */
  massCancel(ticker: number, side: number): boolean {
    const at = this.#claim(REQUEST_BYTES);
    if (at < 0) return false;
    this.#writeRequest(at, RequestType.MassCancel, ticker, 0, 0, side, U32_MAX, PRICE_NONE_HI, U32_MAX);
    return true;
  }

  /** Hands what waits to the connection; a short send leaves the rest for the next call. */
  flush(): void {
    const connection = this.#connection;
    if (connection === null) return;
    while (this.#outStart < this.#outEnd) {
      const sent = connection.send(this.#out, this.#outStart, this.#outEnd - this.#outStart);
      if (sent === CLOSED) {
        this.#end('the exchange closed the connection');
        return;
      }
      if (sent === 0) return;
      this.#outStart += sent;
      this.#lastSentNs = this.#nowNs;
    }
    this.#outStart = this.#outEnd = 0;
  }

  /** One turn: sends what waits, hands out what has come, keeps the session alive. Returns the work done. */
  poll(nowNs: number): number {
    const connection = this.#connection;
    if (connection === null) return 0;
    this.#nowNs = nowNs;
    let work = 0;
    if (connection.readable) {
      const length = connection.receive(this.#in, this.#inEnd, RECEIVE_BUFFER_BYTES);
      if (length === CLOSED) {
        this.#end('the exchange closed the connection');
        return 1;
      }
      if (length > 0) {
        this.#inEnd += length;
        this.#lastReceivedNs = nowNs;
        work = this.framing === OrderFraming.Soup ? this.#readSoup() : this.#readStream();
      }
    }
    if (this.#connection === null) return work;
    if (this.framing === OrderFraming.Soup) this.#keepAlive(nowNs);
    if (this.#outEnd > this.#outStart) {
      work++;
      this.flush();
    }
    return work;
  }

  /** Says good-bye (`soup` log-out), sends what the connection takes at once, and ends it. */
  close(): void {
    if (this.#connection === null) return;
    if (this.framing === OrderFraming.Soup && this.#state === State.Ready) this.#writeControl(0x4f /* O */);
    this.flush();
    this.#end('closed by this side');
  }

  // ── writing ────────────────────────────────────────────────────────────────────────────────

  /** Room for header and message; the header is written, the message's offset returned; −1: no. */
  #claim(bytes: number): number {
    const total = this.#headerBytes + bytes;
    if (this.#state !== State.Ready || !this.#makeRoom(total)) {
      this.refused++;
      return -1;
    }
    const at = this.#outEnd;
    const view = this.#outView;
    if (this.framing === OrderFraming.Soup) {
      view.setUint16(at, bytes + 1, false);
      view.setUint8(at + 2, 0x55 /* U */);
    } else if (this.framing === OrderFraming.Sequenced) {
      const sequence = this.#requestSequence++;
      view.setUint32(at, sequence % TWO_32, true);
      view.setUint32(at + 4, Math.floor(sequence / TWO_32), true);
    }
    this.#outEnd = at + total;
    this.requests++;
    return at + this.#headerBytes;
  }

  /** True when `bytes` fit behind #outEnd; moves what waits to the front when that makes it so. */
  #makeRoom(bytes: number): boolean {
    if (this.#outEnd + bytes <= this.#out.length) return true;
    if (this.#outEnd - this.#outStart + bytes > this.#out.length) return false;
    this.#out.copyWithin(0, this.#outStart, this.#outEnd);
    this.#outEnd -= this.#outStart;
    this.#outStart = 0;
    return true;
  }

  #writeRequest(
    at: number, type: number, ticker: number, orderLo: number, orderHi: number, side: number,
    priceLo: number, priceHi: number, qty: number,
  ): void {
    const view = this.#outView;
    view.setUint8(at, type);
    view.setUint32(at + 1, this.client, true);
    view.setUint32(at + 5, ticker, true);
    view.setUint32(at + 9, orderLo, true);
    view.setUint32(at + 13, orderHi, true);
    view.setInt8(at + 17, side);
    view.setUint32(at + 18, priceLo, true);
    view.setUint32(at + 22, priceHi, true);
    view.setUint32(at + 26, qty, true);
  }

  #writeLogin(): void {
    const out = this.#out;
    this.#outView.setUint16(0, SOUP_LOGIN_BYTES - 2, false);
    out[2] = 0x4c; // L
    writeText(out, 3, 6, this.#account, false);
    writeText(out, 9, 10, this.#password, false);
    writeText(out, 19, 10, this.session, true);
    writeText(out, 29, 20, String(this.#nextSequence), true);
    writeText(out, 49, 5, String(HEARTBEAT_NS / 1e6), true);
    this.#outEnd = SOUP_LOGIN_BYTES;
  }

  /** A packet without payload; left out when the buffer is full, where other bytes keep the session alive. */
  #writeControl(type: number): void {
    if (!this.#makeRoom(SOUP_HEADER_BYTES)) return;
    this.#outView.setUint16(this.#outEnd, 1, false);
    this.#outView.setUint8(this.#outEnd + 2, type);
    this.#outEnd += SOUP_HEADER_BYTES;
  }

  #keepAlive(nowNs: number): void {
    if (nowNs - this.#lastReceivedNs > SILENCE_MAX_NS) {
      this.#end(`the exchange was silent for more than ${SILENCE_MAX_NS / 1e9} s`);
      return;
    }
    if (nowNs - this.#lastSentNs >= HEARTBEAT_NS && this.#outStart === this.#outEnd) this.#writeControl(0x52 /* R */);
  }

  // ── reading ────────────────────────────────────────────────────────────────────────────────

  /** Bare and sequenced: records of one size. Returns the number of responses. */
  #readStream(): number {
    const view = this.#inView;
    const header = this.#headerBytes;
    const record = header + RESPONSE_BYTES;
    const end = this.#inEnd;
    let at = 0;
    let count = 0;
    while (end - at >= record && this.#connection !== null) {
      const sequence = this.#nextSequence;
      if (header !== 0) {
        const came = view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
        if (came !== sequence) {
          this.#end(`response sequence: expected ${sequence}, was ${came}`);
          return count;
        }
      }
      this.#nextSequence = sequence + 1;
      this.responses++;
      count++;
      this.#handler.onResponse(view, at + header, sequence);
      at += record;
    }
    this.#keepRest(at);
    return count;
  }

  /** SoupBinTCP packets. Returns the number of packets. */
  #readSoup(): number {
    const view = this.#inView;
    const end = this.#inEnd;
    let at = 0;
    let count = 0;
    while (end - at >= 2 && this.#connection !== null) {
      const length = view.getUint16(at, false);
      if (length === 0) {
        this.#end('SoupBinTCP packet length: expected at least 1, was 0');
        return count;
      }
      if (end - at < 2 + length) break;
      count++;
      if (view.getUint8(at + 2) === 0x53 /* S */) this.#sequenced(at + SOUP_HEADER_BYTES, length - 1);
      else this.#control(at + SOUP_HEADER_BYTES, view.getUint8(at + 2), length - 1);
      at += 2 + length;
    }
    this.#keepRest(at);
    return count;
  }

  #sequenced(at: number, length: number): void {
    if (this.#state !== State.Ready) return this.#end('sequenced packet before the log-in was accepted');
    if (length !== RESPONSE_BYTES) return this.#end(`response size: expected ${RESPONSE_BYTES} bytes, was ${length}`);
    const sequence = this.#nextSequence;
    this.#nextSequence = sequence + 1;
    this.responses++;
    this.#handler.onResponse(this.#inView, at, sequence);
  }

  #control(at: number, type: number, length: number): void {
    switch (type) {
      case 0x48: // H: only that it came counts
      case 0x2b: // +: debug text
      case 0x55: // U: nothing native is sent unsequenced
        return;
      case 0x41: // A
        return this.#accepted(at, length);
      case 0x4a: { // J
        const code = length > 0 ? String.fromCharCode(this.#in[at]) : '?';
        const meaning = code === 'A' ? 'not authorised' : code === 'S' ? 'session not available' : 'no reason known';
        return this.#end(`log-in rejected: ${meaning} (${code})`);
      }
      case 0x5a: // Z
        return this.#end('the exchange ended the session');
      default:
        return this.#end(`SoupBinTCP packet type: expected one of A J S U H Z +, was 0x${type.toString(16)}`);
    }
  }

  #accepted(at: number, length: number): void {
    if (this.#state !== State.LoggingIn) return this.#end('log-in accepted twice');
    if (length !== 30) return this.#end(`log-in accepted: expected 30 bytes of payload, was ${length}`);
    const sequence = Number(readText(this.#in, at + 10, 20));
    if (!Number.isSafeInteger(sequence) || sequence < 1) {
      return this.#end(`log-in accepted: expected a sequence from 1, was "${readText(this.#in, at + 10, 20)}"`);
    }
    this.session = readText(this.#in, at, 10);
    this.#nextSequence = sequence;
    this.#state = State.Ready;
    this.#handler.onReady(this);
  }

  /** Moves the unfinished record at `at` to the front; copyWithin, because the ranges overlap. */
  #keepRest(at: number): void {
    if (this.#connection === null) return;
    if (at > 0) this.#in.copyWithin(0, at, this.#inEnd);
    this.#inEnd -= at;
  }

  #end(reason: string): void {
    const connection = this.#connection;
    if (connection === null) return;
    this.#connection = null;
    this.#state = State.Idle;
    connection.close();
    this.#handler.onClosed(reason);
  }
}

function checkedU32(value: number, what: string): number {
  if (Number.isInteger(value) && value >= 0 && value < U32_MAX) return value;
  throw new RangeError(`${what}: expected an integer 0 … ${U32_MAX - 1}, was ${value}`);
}

function checkedText(text: string, max: number, what: string): string {
  if (text.length <= max && /^[\x21-\x7e]*$/.test(text)) return text;
  throw new RangeError(`${what}: expected at most ${max} printable ASCII characters, was "${text}"`);
}

/** ASCII into a field of `width`, padded with spaces on the left or on the right. */
function writeText(bytes: Uint8Array, at: number, width: number, text: string, padLeft: boolean): void {
  const first = padLeft ? width - text.length : 0;
  for (let i = 0; i < width; i++) {
    const place = i - first;
    bytes[at + i] = place >= 0 && place < text.length ? text.charCodeAt(place) : 0x20;
  }
}

function readText(bytes: Uint8Array, at: number, width: number): string {
  let text = '';
  for (let i = 0; i < width; i++) text += String.fromCharCode(bytes[at + i]);
  return text.trim();
}
