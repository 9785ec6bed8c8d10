// One JSON client: lines in, lines out, and its session with the exchange. No input or output of its own but the peer's.
//
//   line ─► market data message? ── yes ─► told to who subscribed to `external`
//     └───► request ─► session with the exchange ─► responses as order events
//
// Before a client has logged in or subscribed it has LOGIN_NS, and no line that is not understood: a web page that sends
// HTTP to this port, with requests of ours in its body, is disconnected at its first line.
//
// Lines leave in order. Market data waits while the peer has unread bytes: of top and depth the newest is sent then, of
// trades those that found no room are counted and said. Order events always leave; a peer that lets them pile up to
// UNREAD_BYTES_MAX is disconnected, its orders go by the exchange's rules, and it resumes at the number of its choice.
import { BOOK_UNKNOWN, type TraderInstruments } from '../trader/instruments.ts';
import { Reason, REASON_TEXT } from '../book/types.ts';
import { type Fields, parseObject, Refusal } from './fields.ts';
import { jsonLine, quoted, type Timestamps, wholeText } from './lines.ts';
import { MarketMessage } from './market_message.ts';
import { decimalText, PRICE_MANTISSA, timestampText, VOLUME } from './market_message_text.ts';
import { OrderDesk } from './order_desk.ts';
import { LINE_BYTES_MAX, MARKET_BYTES_MAX, type Peer, UNREAD_BYTES_MAX } from './peer.ts';
import { Channel, CHANNELS, type Request, requestOf, type SubscribeRequest } from './requests.ts';
import type { Clock } from '../base/clock.ts';
import type { StreamConnection } from '../net/transport.ts';
import type { LoginCheck } from './login.ts';
import type { Market } from './market.ts';

/** To log in or to subscribe. */
export const LOGIN_NS = 5_000_000_000;
/** A client that has logged in is asked for a sign of life after so long, and disconnected after twice that. */
export const SILENCE_NS = 15_000_000_000;
const NS_PER_MS = 1_000_000;
export const PROTOCOL_VERSION = 1;

/** What all sessions of a gateway share. */
export interface SessionSetting {
  readonly clock: Clock;
  readonly instruments: TraderInstruments;
  readonly market: Market;
  readonly timestamps: Timestamps;
  readonly logins: LoginCheck;
  /** A fresh connection to the exchange. */
  readonly connect: () => Promise<StreamConnection>;
  /** A message of a client's own, for who subscribed to such. */
  readonly onExternal: (book: number, line: ExternalLine) => void;
  readonly connections: () => number;
}

/** A line in both forms of prices. */
export type ExternalLine = (numbers: boolean) => string;

const FATAL = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const LOOPBACK = /^(?:127\.|::1$|::ffff:127\.)/;

export class JsonSession {
  readonly peer: Peer;
  /** Why it ended, '' while it lasts. */
  ended = '';
  /** Lines taken, those of them that were refused here, and market data that found no room. */
  lines = 0;
  refused = 0;
  dropped = 0;
  readonly #setting: SessionSetting;
  readonly #desk: OrderDesk;
  readonly #nonce: Uint8Array;
  readonly #onThisMachine: boolean;
  readonly #message = new MarketMessage();
  readonly #channels: Uint8Array;
  /** Books whose top or depth is to be told. */
  readonly #due = new Set<number>();
  #intervalNs = 0;
  #nextDueNs = 0;
  #trusted = false;
  #numbers = false;
  /** Trades left out and not said yet. */
  #missed = 0;
  #nowNs: number;
  readonly #startNs: number;
  #heardNs: number;
  #probedNs = 0;

  constructor(peer: Peer, setting: SessionSetting, nowNs: number) {
    this.peer = peer;
    this.#setting = setting;
    this.#nowNs = this.#startNs = this.#heardNs = nowNs;
    this.#onThisMachine = LOOPBACK.test(peer.host);
    this.#nonce = setting.logins.nonce();
    this.#channels = new Uint8Array(setting.instruments.count);
    this.#desk = new OrderDesk(
      setting, (line) => this.#tell(line), (reason) => this.close(reason), () => setting.timestamps.text(this.#nowNs),
    );
    this.#tell(jsonLine({ event: '"hello"', version: PROTOCOL_VERSION, challenge: quoted(this.#nonce.toHex()) }));
  }

  /** One line, without its newline; valid during the call. */
  onLine(bytes: Uint8Array, start: number, end: number, nowNs: number): void {
    if (this.ended !== '') return;
    this.heard(nowNs);
    this.lines++;
    if (this.#message.readPlain(bytes, start, end)) return this.#guarded({}, () => this.#onExternal());
    let fields: Fields = {};
    this.#guarded(fields, () => {
      const text = decoded(bytes, start, end);
      if (text.trim() === '') return;
      fields = parseObject(text);
      if (fields['op'] === undefined && fields['symbol'] !== undefined) return this.#onUnusual(bytes, start, end);
      this.#perform(requestOf(fields, this.#setting.instruments));
    }, () => fields);
    this.#desk.flush();
  }

  onLineTooLong(nowNs: number): void {
    this.heard(nowNs);
    this.#refuse(new Refusal(Reason.Malformed, `expected a line of at most ${LINE_BYTES_MAX} bytes`), {});
    this.close('a line was too long');
  }

  /** A sign of life. */
  heard(nowNs: number): void {
    this.#nowNs = this.#heardNs = nowNs;
    this.#probedNs = 0;
  }

  /** Session with the exchange, and market data that is due. Returns the work done. */
  poll(nowNs: number): number {
    this.#nowNs = nowNs;
    if (this.ended !== '') return 0;
    let work = this.#desk.poll(nowNs);
    if (this.#due.size > 0 && nowNs >= this.#nextDueNs && this.#hasRoom) work += this.#tellDue(nowNs);
    return work;
  }

  /** Now and then. */
  checkDeadlines(nowNs: number): void {
    this.#nowNs = nowNs;
    if (this.ended !== '') return;
    if (!this.#trusted && nowNs - this.#startNs > LOGIN_NS) {
      return this.close(`expected a log-in or a subscription within ${LOGIN_NS / 1e9} s`);
    }
    if (!this.#desk.loggedIn) return;
    const silentNs = nowNs - this.#heardNs;
    if (silentNs > 2 * SILENCE_NS) return this.close(`silent for ${2 * SILENCE_NS / 1e9} s: expected an answer to the heartbeat`);
    if (silentNs < SILENCE_NS || this.#probedNs > 0) return;
    this.#probedNs = nowNs;
    if (this.peer.probes) this.peer.probe();
    else this.#tell(jsonLine({ event: '"heartbeat"', timestamp: this.#time }));
  }

  /** Says why, ends the session with the exchange. Idempotent. */
  close(reason: string): void {
    if (this.ended !== '') return;
    this.ended = reason;
    if (this.peer.unreadBytes < UNREAD_BYTES_MAX) {
      this.peer.send(jsonLine({ event: '"closed"', text: quoted(reason), timestamp: this.#time }));
    }
    this.peer.close();
    this.#desk.end();
  }

  // ── the gateway tells ──────────────────────────────────────────────────────────────────────

  wants(book: number, channels: number): boolean {
    return (this.#channels[book] & channels) !== 0;
  }

  onBook(book: number): void {
    this.#due.add(book);
  }

  /** A line of market data that is sent now or never. */
  onMarketLine(line: (numbers: boolean) => string): void {
    if (this.ended !== '') return;
    if (!this.#hasRoom) {
      this.#missed++;
      this.dropped++;
      return;
    }
    this.#tellMissed();
    this.peer.send(line(this.#numbers));
  }

  onMarketState(): void {
    if (!this.#channels.some((bits) => bits !== 0) || this.ended !== '') return;
    this.#tell(this.#setting.market.stateLine);
  }

  get #hasRoom(): boolean {
    return this.peer.unreadBytes < MARKET_BYTES_MAX;
  }

  #tellDue(nowNs: number): number {
    const { market } = this.#setting;
    if (!market.live) return 0;
    let told = 0;
    this.#tellMissed();
    for (const book of this.#due) {
      if (!this.#hasRoom) break;
      this.#due.delete(book);
      if (this.wants(book, Channel.Top)) this.peer.send(market.topLine(book, this.#numbers));
      if (this.wants(book, Channel.Depth)) this.peer.send(market.depthLine(book, this.#numbers));
      told++;
    }
    this.#nextDueNs = nowNs + this.#intervalNs;
    return told;
  }

  #tellMissed(): void {
    if (this.#missed === 0) return;
    this.peer.send(jsonLine({ event: '"dropped"', count: this.#missed, timestamp: this.#time }));
    this.#missed = 0;
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────

  #guarded(fields: Fields, act: () => void, named: () => Fields = () => fields): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refuse(error, named());
      if (!this.#trusted && error.reason !== Reason.NotLoggedIn) this.close('expected a log-in or a subscription first');
    }
  }

  #perform(request: Request): void {
    switch (request.op) {
      case 'login':
        this.#numbers = request.numbers ?? this.#numbers;
        this.#desk.login(request.login, this.#setting.logins.entryOf(request.login, this.#nonce, this.#onThisMachine), this.#numbers);
        this.#trusted = true;
        return;
      case 'logout': return this.close('logged out');
      case 'heartbeat': return this.#tell(jsonLine({ event: '"heartbeat"', timestamp: this.#time }));
      case 'status': return this.#tell(this.#statusLine());
      case 'subscribe': return this.#subscribe(request.wanted, request.numbers);
      case 'unsubscribe':
        for (const book of request.wanted.books) this.#channels[book] &= ~request.wanted.channels;
        return this.#tell(this.#subscriptionLine('unsubscribed', request.wanted));
      case 'depth':
        this.#needsMarket();
        return this.#tell(this.#setting.market.makeDepth(request.book, request.levels, this.#numbers));
      default: return this.#desk.perform(request);
    }
  }

  #subscribe(wanted: SubscribeRequest, numbers: boolean | undefined): void {
    this.#needsMarket();
    this.#trusted = true;
    this.#numbers = numbers ?? this.#numbers;
    this.#desk.numbers = this.#numbers;
    this.#intervalNs = wanted.intervalMs * NS_PER_MS;
    this.#tell(this.#subscriptionLine('subscribed', wanted));
    this.#tell(this.#setting.market.stateLine);
    for (const book of wanted.books) {
      this.#channels[book] |= wanted.channels;
      if ((wanted.channels & (Channel.Top | Channel.Depth)) !== 0) this.#due.add(book);
    }
  }

  /** From another machine the market too is for clients who are known. */
  #needsMarket(): void {
    if (this.#onThisMachine || this.#desk.loggedIn) return;
    throw new Refusal(Reason.NotLoggedIn, `${REASON_TEXT[Reason.NotLoggedIn]}: expected a log-in first, from another machine`);
  }

  #onUnusual(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#message.read(bytes, start, end)) throw new Refusal(Reason.Malformed, this.#message.fault);
    this.#onExternal();
  }

  /** A price of some other market, from a client who is known. */
  #onExternal(): void {
    const message = this.#message;
    if (!this.#desk.loggedIn) throw new Refusal(Reason.NotLoggedIn, REASON_TEXT[Reason.NotLoggedIn]);
    const { symbol } = message;
    const book = this.#setting.instruments.bookOfSymbol(symbol);
    if (book === BOOK_UNKNOWN) throw new Refusal(Reason.UnknownTicker, `symbol: expected one of this exchange's, was ${quoted(symbol)}`);
    const price = decimalText(message.numbers[PRICE_MANTISSA], message.priceDecimals);
    const common = { volume: message.numbers[VOLUME], client: this.#desk.client, timestamp: timestampText(message.numbers) };
    this.#setting.onExternal(book, (numbers) => jsonLine({
      event: '"external"', symbol: quoted(symbol), price: numbers ? price : `"${price}"`, ...common,
    }));
  }

  // ── lines ──────────────────────────────────────────────────────────────────────────────────

  get #time(): string {
    return this.#setting.timestamps.text(this.#nowNs);
  }

  #tell(line: string): void {
    if (this.ended !== '') return;
    if (this.peer.unreadBytes + line.length <= UNREAD_BYTES_MAX) return this.peer.send(line);
    this.close(`expected at most ${UNREAD_BYTES_MAX} bytes unread, was more`);
  }

  #refuse(refusal: Refusal, { id, op, ref }: Fields): void {
    this.refused++;
    this.#tell(jsonLine({
      event: '"rejected"',
      id: typeof id === 'string' || Number.isSafeInteger(id) ? short(id) : undefined,
      ref: typeof ref === 'string' || Number.isSafeInteger(ref) ? short(ref) : undefined,
      op: typeof op === 'string' ? short(op) : undefined,
      reason: refusal.reason, text: quoted(refusal.message), line: this.lines, timestamp: this.#time,
    }));
  }

  #subscriptionLine(event: string, { channels, books }: SubscribeRequest): string {
    const { list } = this.#setting.instruments;
    return jsonLine({
      event: quoted(event),
      channels: JSON.stringify([...CHANNELS].filter(([, bit]) => (channels & bit) !== 0).map(([name]) => name)),
      symbols: JSON.stringify(books.map((book) => list[book].symbol)),
      timestamp: this.#time,
    });
  }

  #statusLine(): string {
    const { instruments, market, connections } = this.#setting;
    const list = instruments.list.map(({ symbol, decimals, lotSize }, book) => ({
      symbol, decimals, tick: instruments.priceText(book, 1), lot: lotSize,
    }));
    return jsonLine({
      event: '"status"', market: JSON.stringify(market.live ? 'live' : 'recovering'), session: quoted(this.#desk.state),
      client: this.#desk.loggedIn ? this.#desk.client : undefined, orders: this.#desk.orders,
      lastId: this.#desk.loggedIn ? wholeText(this.#desk.lastId) : undefined,
      dropped: this.dropped, connections: connections(), instruments: JSON.stringify(list), timestamp: this.#time,
    });
  }
}

function decoded(bytes: Uint8Array, start: number, end: number): string {
  try {
    return FATAL.decode(bytes.subarray(start, end));
  } catch {
    throw new Refusal(Reason.Malformed, 'expected UTF-8, was something else');
  }
}

/** Of a client's own text: what a reject says again. */
function short(value: unknown): string {
  return JSON.stringify(typeof value === 'string' ? value.slice(0, 80) : value);
}
