// Order entry: the client's end of an order session with an exchange, over any byte stream.
//
//   newOrder, modify, … ─► [ send buffer ] ─► connection ─► [ receive buffer ] ─► handler
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
import {
  ClientRequest, ClientRequestExtended, ClientResponse, CLIENT_NONE, PRICE_NONE_HI, PRICE_NONE_LO,
  QTY_NONE, RequestType,
  Side,
} from '../wire/generated/native.ts';
import { POLL_AGAIN_NS } from '../base/agent.ts';
import { SoupPacket } from '../wire/generated/soup.ts';
import { RESPONSE_TYPE_MAX } from '../wire/message_sizes.ts';
import { Frame, Framing, faultText } from '../wire/framing/frame.ts';
import { createFrameDecoder, createFrameWriter } from '../wire/framing/framing.ts';
import { ReceiveBuffer } from '../wire/framing/receive_buffer.ts';
import { SoupLogin, writeLoginRequest, writeSoupControl } from '../wire/framing/soup.ts';
import {
  KEY_ID_CHARS_MAX, type LoginSigner, readChallenge, signedText, writeSignature,
} from '../wire/framing/signed_login.ts';
import type { FrameDecoder, FrameWriter } from '../wire/framing/frame.ts';
import type { StreamConnection } from '../net/transport.ts';

export type { LoginSigner };

/**
 * What the session tells its owner. Calls come from inside `connect` (bare, sequenced) and `poll`.
 */
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
  /** Default `soup`. */
  framing?: Framing;
  /** Client id written into every request. */
  client: number;
  /**
   * Account and password of a `soup` log-in: at most 6 and 10 ASCII characters. The account is the
   * client id unless given.
   */
  account?: string;
  password?: string;
  /**
   * Signs the log-in, which then waits for the exchange's challenge: an exchange without keys never
   * sends one, and nothing else is tried.
   */
  signer?: LoginSigner;
  /** Session asked for at the first log-in: '' = whatever runs. */
  session?: string;
  /**
   * Sequence of the first response wanted at the first log-in: 1 = all of the session, 0 = only
   * what comes from now on. After a break the entry asks for the next one it has not seen.
   */
  nextSequence?: number;
  /** Requests waiting to be sent, in bytes. */
  sendBufferBytes?: number;
}

/** Silence after which either side says something (SoupBinTCP 4.1). */
export const HEARTBEAT_NS = 1_000_000_000;
/** Silence of the exchange after which the session counts as broken: fifteen heartbeats. */
export const SILENCE_MAX_NS = 15 * HEARTBEAT_NS;

/**
 * Some 8,000 new orders: more than a loopback socket takes while the exchange is busy for a
 * millisecond.
 */
const SEND_BUFFER_BYTES_DEFAULT = 256 * 1024;
/** What stands before the first request: a heartbeat (3), a signature (52), the log-in (54); a request (57) fits behind. */
const SEND_BUFFER_BYTES_MIN = 168;
/** One read; also bounds how many responses one `poll` hands out (about 1,500). */
const RECEIVE_BUFFER_BYTES = 64 * 1024;
const SOUP_CONTROL_BYTES = 3;

const CLOSED_TEXT = 'the exchange closed the connection';
const UNCHALLENGED =
  'the exchange closed the connection without a challenge: it was started without credentials';

/** Of the bytes that came instead of an exchange's. */
const BEGINNING_CHARS_MAX = 60;

const State = { Idle: 0, Challenged: 1, LoggingIn: 2, Ready: 3 } as const;

export class OrderEntry {
  readonly name = 'order_entry';
  readonly framing: Framing;
  readonly client: number;
  /** Responses handed to the handler, over all connections. */
  responses = 0;
  /** Requests taken into the send buffer. */
  requests = 0;
  /** Requests refused because the send buffer was full or the session not ready. */
  refused = 0;
  /** Name of the exchange's session, known after the log-in (`soup`). */
  session: string;
  /** ASCII code with which the last log-in was refused, 0: it was not. */
  loginRefusedCode = 0;
  /** Whoever was connected to first has sent what no exchange sends, and nothing else. */
  foreign = false;

  readonly #handler: OrderEntryHandler;
  readonly #account: string;
  readonly #password: string;
  readonly #signer: LoginSigner | null;
  readonly #writer: FrameWriter;
  readonly #decoder: FrameDecoder;
  readonly #received = new ReceiveBuffer(RECEIVE_BUFFER_BYTES, RECEIVE_BUFFER_BYTES);
  readonly #out: Uint8Array;
  readonly #outView: DataView;
  /** Frames other than responses, over all connections. */
  #controls = 0;
  #connection: StreamConnection | null = null;
  #state: number = State.Idle;
  /** Bytes out[#outStart … #outEnd) wait to be sent. */
  #outStart = 0;
  #outEnd = 0;
  /** Sequence of the next response expected (from 1); before the first log-in what to ask for. */
  #nextSequence: number;
  #nowNs = 0;
  #lastSentNs = 0;
  #lastReceivedNs = 0;

  constructor(handler: OrderEntryHandler, options: OrderEntryOptions) {
    this.#handler = handler;
    this.framing = options.framing ?? Framing.Soup;
    this.client = checkedU32(options.client, 'client id');
    // Nobody logs in on the others, so any client id will do there.
    const account = this.framing === Framing.Soup ? String(options.client) : '';
    this.#account = checkedText(options.account ?? account, 6, 'account');
    this.#password = checkedText(options.password ?? '', 10, 'password');
    this.#signer = options.signer ?? null;
    if (this.#signer !== null) checkedText(this.#signer.keyId, KEY_ID_CHARS_MAX, 'key id');
    this.session = checkedText(options.session ?? '', 10, 'session');
    this.#nextSequence = options.nextSequence ?? 0;
    this.#writer = createFrameWriter(this.framing, 'requests');
    this.#decoder = createFrameDecoder(this.framing, 'responses');
    const sendBytes = options.sendBufferBytes ?? SEND_BUFFER_BYTES_DEFAULT;
    if (!(sendBytes >= SEND_BUFFER_BYTES_MIN)) {
      throw new RangeError(
        `send buffer: expected at least ${SEND_BUFFER_BYTES_MIN} bytes, was ${sendBytes}`,
      );
    }
    this.#out = new Uint8Array(sendBytes);
    this.#outView = new DataView(this.#out.buffer);
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
    return Math.floor(
      (this.#out.length - this.pendingBytes) / (this.#writer.headerBytes + ClientRequest.bytes),
    );
  }

  /** Starts a session on a fresh connection: log-in on `soup`, ready at once on the others. */
  connect(connection: StreamConnection, nowNs: number): void {
    if (this.#connection !== null) {
      throw new Error('order entry is connected already: expected close() before connect()');
    }
    this.#connection = connection;
    this.#nowNs = this.#lastSentNs = this.#lastReceivedNs = nowNs;
    this.#outStart = this.#outEnd = 0;
    this.loginRefusedCode = 0;
    this.#received.clear();
    this.#writer.reset();
    this.#decoder.reset();
    if (this.framing === Framing.Soup) {
      if (this.#signer === null) {
        this.#state = State.LoggingIn;
        this.#writeLogin();
      } else {
        this.#state = State.Challenged;
        this.#writeControl(SoupPacket.ClientHeartbeat); // says that this is soup
      }
      this.flush();
      return;
    }
    this.#nextSequence = 1;
    this.#state = State.Ready;
    this.#handler.onReady(this);
  }

  /** A limit order, good till cancelled. False: buffer full or not ready, nothing was taken. */
  newOrder(
    ticker: number, orderLo: number, orderHi: number, side: number, priceLo: number,
    priceHi: number, qty: number,
  ): boolean {
    const at = this.#claim(ClientRequest.bytes);
    if (at < 0) return false;
    ClientRequest.encode(
      this.#outView, at, RequestType.New, this.client, ticker, orderLo, orderHi, side, priceLo,
      priceHi, qty,
    );
    return true;
  }

  /** Any order type; the values of `orderType`, `tif` and `stp` are those of src/book/types.ts. */
  newOrderExtended(
    ticker: number, orderLo: number, orderHi: number, side: number, priceLo: number,
    priceHi: number, qty: number,
    orderType: number, tif: number, flags: number, stp: number, display: number, minQty: number,
    stopPriceLo: number, stopPriceHi: number, owner: number,
  ): boolean {
    const at = this.#claim(ClientRequestExtended.bytes);
    if (at < 0) return false;
    ClientRequestExtended.encode(
      this.#outView, at, RequestType.NewExtended, this.client, ticker, orderLo, orderHi, side,
      priceLo, priceHi, qty,
      orderType, tif, flags, stp, display, minQty, stopPriceLo, stopPriceHi, owner,
    );
    return true;
  }

  /** Cancels the whole rest of an order. */
  cancel(ticker: number, orderLo: number, orderHi: number): boolean {
    const at = this.#claim(ClientRequest.bytes);
    if (at < 0) return false;
    ClientRequest.encode(
      this.#outView, at, RequestType.Cancel, this.client, ticker, orderLo, orderHi, Side.None,
      PRICE_NONE_LO, PRICE_NONE_HI, QTY_NONE,
    );
    return true;
  }

  /** New price and new total quantity of the order, executions included. */
  modify(
    ticker: number, orderLo: number, orderHi: number, side: number, priceLo: number,
    priceHi: number, chainQty: number,
  ): boolean {
    const at = this.#claim(ClientRequest.bytes);
    if (at < 0) return false;
    ClientRequest.encode(
      this.#outView, at, RequestType.Modify, this.client, ticker, orderLo, orderHi, side, priceLo,
      priceHi, chainQty,
    );
    return true;
  }

  /** Cancels all orders of this client in `ticker` (u32 max: in all) on `side` (0: on both). */
  massCancel(ticker: number, side: number): boolean {
    const at = this.#claim(ClientRequest.bytes);
    if (at < 0) return false;
    ClientRequest.encode(
      this.#outView, at, RequestType.MassCancel, this.client, ticker, 0, 0, side, PRICE_NONE_LO,
      PRICE_NONE_HI, QTY_NONE,
    );
    return true;
  }

  /** Hands what waits to the connection; a short send leaves the rest for the next call. */
  flush(): void {
    const connection = this.#connection;
    if (connection === null) return;
    while (this.#outStart < this.#outEnd) {
      const sent = connection.send(this.#out, this.#outStart, this.#outEnd - this.#outStart);
      if (sent < 0) {
        this.#end(CLOSED_TEXT);
        return;
      }
      if (sent === 0) return;
      this.#outStart += sent;
      this.#lastSentNs = this.#nowNs;
    }
    this.#outStart = this.#outEnd = 0;
  }

  /**
   * One turn: sends what waits, hands out what has come, keeps the session alive. Returns the work
   * done.
   */
  poll(nowNs: number): number {
    const connection = this.#connection;
    if (connection === null) return 0;
    this.#nowNs = nowNs;
    let work = 0;
    if (connection.readable) {
      const received = this.#received;
      const room = received.room(); // moves what is pending, so before `end` is read
      const length = connection.receive(received.bytes, received.end, room);
      if (length < 0) {
        this.#end(this.#state === State.Challenged ? UNCHALLENGED : CLOSED_TEXT);
        return 1;
      }
      if (length > 0) {
        received.received(length);
        this.#lastReceivedNs = nowNs;
        work = this.#read();
      }
    }
    if (this.#connection === null) return work;
    if (this.framing === Framing.Soup) this.#keepAlive(nowNs);
    const waiting = this.pendingBytes;
    if (waiting > 0) {
      this.flush();
      // A peer that takes nothing is no work: the loop around this may sleep until it does.
      if (this.pendingBytes !== waiting) work++;
    }
    return work;
  }

  /** Something has come, on some connection, that an exchange says. */
  get heard(): boolean {
    return this.responses > 0 || this.#controls > 0;
  }

  /** When it has something to do though nothing comes. */
  dueNs(nowNs: number): number {
    if (this.#connection === null) return Infinity;
    if (this.#outStart < this.#outEnd) return nowNs + POLL_AGAIN_NS;
    if (this.framing !== Framing.Soup) return Infinity;
    return Math.min(this.#lastSentNs + HEARTBEAT_NS, this.#lastReceivedNs + SILENCE_MAX_NS);
  }

  /** Says good-bye (`soup` log-out), sends what the connection takes at once, and ends it. */
  close(): void {
    if (this.#connection === null) return;
    if (this.framing === Framing.Soup && this.#state === State.Ready) {
      this.#writeControl(SoupPacket.LogoutRequest);
    }
    this.flush();
    this.#end('closed by this side');
  }

  // ── writing ────────────────────────────────────────────────────────────────────────────────

  /** Room for header and message; the header is written, the message's offset returned; −1: no. */
  #claim(bytes: number): number {
    const total = this.#writer.headerBytes + bytes;
    if (this.#state !== State.Ready || !this.#makeRoom(total)) {
      this.refused++;
      return -1;
    }
    const at = this.#writer.header(this.#outView, this.#outEnd, bytes);
    this.#outEnd += total;
    this.requests++;
    return at;
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

  #writeLogin(): void {
    this.#outEnd += writeLoginRequest(this.#outView, this.#outEnd, {
      user: this.#account, password: this.#password, session: this.session,
      nextSequence: this.#nextSequence,
      heartbeatMs: SILENCE_MAX_NS / 1e6,
    });
  }

  /**
   * A packet without payload; left out when the buffer is full, where other bytes keep the session
   * alive.
   */
  #writeControl(type: number): void {
    if (this.#makeRoom(SOUP_CONTROL_BYTES)) {
      this.#outEnd += writeSoupControl(this.#outView, this.#outEnd, type);
    }
  }

  #keepAlive(nowNs: number): void {
    if (nowNs - this.#lastReceivedNs > SILENCE_MAX_NS) {
      this.#end(`the exchange was silent for more than ${SILENCE_MAX_NS / 1e9} s`);
      return;
    }
    if (nowNs - this.#lastSentNs < HEARTBEAT_NS || this.#outStart < this.#outEnd) return;
    this.#writeControl(SoupPacket.ClientHeartbeat);
  }

  // ── reading ────────────────────────────────────────────────────────────────────────────────

  /** Takes the frames that are complete. Returns their number. */
  #read(): number {
    const decoder = this.#decoder;
    const received = this.#received;
    let count = 0;
    while (this.#connection !== null) {
      const frame = decoder.next(received);
      if (frame === Frame.Incomplete) break;
      count++;
      if (frame === Frame.Message) this.#response(decoder.offset, decoder.length);
      else this.#control(frame);
    }
    return count;
  }

  #response(at: number, length: number): void {
    if (this.#state !== State.Ready) {
      return this.#end('a response came before the log-in was accepted');
    }
    if (length !== ClientResponse.bytes) {
      return this.#end(`response size: expected ${ClientResponse.bytes} bytes, was ${length}`);
    }
    // A packet says nothing of what is in it; on the other framings the decoder knows the types.
    const type = ClientResponse.type(this.#received.view, at);
    if (type === 0 || type > RESPONSE_TYPE_MAX) {
      return this.#end(`response type: expected 1 … ${RESPONSE_TYPE_MAX}, was ${type}`);
    }
    const sequence = this.#nextSequence;
    this.#nextSequence = sequence + 1;
    this.responses++;
    this.#handler.onResponse(this.#received.view, at, sequence);
  }

  /** Everything but responses: rare, and allowed to make text. */
  #control(frame: Frame): void {
    const decoder = this.#decoder;
    if (frame === Frame.Fault) return this.#fault();
    this.#controls++;
    switch (frame) {
      case Frame.Heartbeat:
      case Frame.Debug:
        return; // that something came is all there is to know
      case Frame.Unsequenced:
        return this.#unsequenced(decoder.offset, decoder.length);
      case Frame.LoginAccepted:
        return this.#accepted(decoder.offset);
      case Frame.LoginRejected:
        this.loginRefusedCode = this.#received.bytes[decoder.offset];
        return this.#end(`log-in rejected: ${rejectText(this.loginRefusedCode)}`);
      case Frame.EndOfSession:
        return this.#end('the exchange ended the session');
    }
  }

  #fault(): void {
    const { fault, expected, actual } = this.#decoder;
    const { bytes, start, end } = this.#received;
    this.foreign = !this.heard;
    this.#end(faultText(fault, expected, actual) + (this.foreign ? ` (it began with ${beginningText(bytes.subarray(start, end))})` : ''));
  }

  /** A challenge that was waited for is answered; others are not this client's business. */
  #unsequenced(at: number, length: number): void {
    const signer = this.#signer;
    if (signer === null || this.#state !== State.Challenged) return;
    const nonce = readChallenge(this.#received.view, at, length);
    if (nonce === null) return;
    const timeMs = Math.floor(signer.wallClockMs());
    const text = signedText(nonce, this.#account, timeMs, this.#nextSequence);
    this.#outEnd += writeSignature(this.#outView, this.#outEnd, {
      keyId: signer.keyId, timeMs, signature: signer.sign(text),
    });
    this.#state = State.LoggingIn;
    this.#writeLogin();
  }

  #accepted(at: number): void {
    if (this.#state !== State.LoggingIn) return this.#end('the log-in was accepted twice');
    const login = new SoupLogin();
    if (!login.readAccepted(this.#received.view, at)) {
      return this.#end('the accepted log-in names no sequence from 1');
    }
    this.session = login.session;
    this.#nextSequence = login.nextSequence;
    this.#state = State.Ready;
    this.#handler.onReady(this);
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
  if (Number.isInteger(value) && value >= 0 && value < CLIENT_NONE) return value;
  throw new RangeError(`${what}: expected an integer 0 … ${CLIENT_NONE - 1}, was ${value}`);
}

function checkedText(text: string, max: number, what: string): string {
  if (text.length <= max && /^[\x21-\x7e]*$/.test(text)) return text;
  throw new RangeError(
    `${what}: expected at most ${max} printable ASCII characters, was "${text}"`,
  );
}

/** Of what somebody says who is no exchange: the first line where it is text, as that of a web server is. */
function beginningText(bytes: Uint8Array): string {
  const shown = bytes.slice(0, BEGINNING_CHARS_MAX);
  const [line] = String.fromCharCode(...shown).split(/[\r\n]/, 1);
  if (/^[\x20-\x7e]{3,}$/.test(line)) return `"${line}"`;
  return `bytes ${Array.from(shown.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join(' ')}`;
}

function rejectText(code: number): string {
  const letter = String.fromCharCode(code);
  if (letter === 'A') return 'not authorised (A)';
  if (letter !== 'S') return `no known reason (${letter})`;
  return 'session not available (S): this account is logged in already, or the exchange has begun a new session';
}
