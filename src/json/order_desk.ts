// The orders of one JSON client: its requests become those of the exchange's own protocol, the responses order events.
//
// Ids are the client's, or rise by themselves from microseconds since 1970, so that they rise over restarts too: the
// exchange takes them in rising order and answers a repeated one with what it said the first time.
import { Reason, REASON_TEXT, OrderType, Side, Stp, Tif } from '../book/types.ts';
import { wallClockMs } from '../base/clock.ts';
import { BOOK_ALL, BOOK_UNKNOWN, type TraderInstruments } from '../trader/instruments.ts';
import { CLIENT_NONE, PRICE_NONE_HI, PRICE_NONE_LO, TICKER_NONE } from '../wire/generated/native.ts';
import { Refusal } from './fields.ts';
import { jsonLine, quoted } from './lines.ts';
import { OrderEvents } from './order_events.ts';
import { OrderLink, type OrderLinkOwner } from './order_link.ts';
import { OWN_ORDERS_MAX, OwnOrders, type OwnOrder } from './own_orders.ts';
import { type LoginRequest, type NewRequest, type ReplaceRequest, type Request, ticksOfPrice } from './requests.ts';
import type { Clock } from '../base/clock.ts';
import type { StreamConnection } from '../net/transport.ts';
import type { OrderEntryOptions } from '../trader/order_entry.ts';

const US_PER_MS = 1_000;
const LOW = 0xffff_ffffn;

export interface DeskSetting {
  readonly clock: Clock;
  readonly instruments: TraderInstruments;
  readonly connect: () => Promise<StreamConnection>;
}

export class OrderDesk implements OrderLinkOwner {
  client = CLIENT_NONE;
  /** The highest id that was used. */
  lastId = 0n;
  readonly #setting: DeskSetting;
  readonly #tell: (line: string) => void;
  readonly #end: (reason: string) => void;
  readonly #time: () => string;
  readonly #own = new OwnOrders();
  readonly #events: OrderEvents;
  #link: OrderLink | null = null;
  #state: 'none' | 'connecting' | 'ready' | 'down' | 'ended' = 'none';

  /** `end` is told when the exchange takes the session up no more. */
  constructor(setting: DeskSetting, tell: (line: string) => void, end: (reason: string) => void, time: () => string) {
    this.#setting = setting;
    this.#tell = tell;
    this.#end = end;
    this.#time = time;
    this.#events = new OrderEvents(setting.instruments, this.#own);
  }

  get state(): string {
    return this.#state;
  }

  /** The exchange has said so, once at least. */
  get loggedIn(): boolean {
    return this.#link !== null && this.#link.accepted;
  }

  get orders(): number {
    return this.#own.count;
  }

  set numbers(numbers: boolean) {
    this.#events.numbers = numbers;
  }

  login(login: LoginRequest, entry: OrderEntryOptions, numbers: boolean): void {
    if (this.#link !== null) throw new Refusal(Reason.Malformed, 'login: expected once a connection, was a second one');
    const { clock, connect } = this.#setting;
    this.client = login.client;
    this.numbers = numbers;
    this.#state = 'connecting';
    this.#link = new OrderLink(this, entry, connect, clock);
  }

  poll(nowNs: number): number {
    return this.#link === null ? 0 : this.#link.poll(nowNs);
  }

  flush(): void {
    this.#link?.entry.flush();
  }

  end(): void {
    this.#state = 'ended';
    this.#link?.end();
  }

  // ── the session tells ──────────────────────────────────────────────────────────────────────

  onReady(session: string, next: number): void {
    this.#state = 'ready';
    this.#tell(jsonLine({
      event: '"session"', state: '"ready"', client: this.client, session: quoted(session), next, timestamp: this.#time(),
    }));
  }

  onResponse(view: DataView, at: number, sequence: number): void {
    this.#tell(this.#events.line(view, at, sequence, this.#time()));
  }

  onDown(reason: string): void {
    this.#state = 'down';
    this.#tell(jsonLine({ event: '"session"', state: '"down"', text: quoted(reason), timestamp: this.#time() }));
  }

  onEnded(reason: string): void {
    this.#tell(jsonLine({ event: '"session"', state: '"ended"', text: quoted(reason), timestamp: this.#time() }));
    this.#end(`the exchange does not take the session up: ${reason}`);
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────

  perform(request: Extract<Request, { op: 'new' | 'cancel' | 'replace' | 'reduce' | 'massCancel' }>): void {
    const { entry } = this.#ready();
    const { instruments } = this.#setting;
    switch (request.op) {
      case 'new': return this.#new(request.order);
      case 'replace': return this.#replace(request.order);
      case 'reduce': return this.#reduce(request.order.id, request.order.qty);
      case 'massCancel': {
        const ticker = request.book === BOOK_ALL ? TICKER_NONE : instruments.tickers[request.book];
        return taken(entry.massCancel(ticker, request.side));
      }
      default: {
        const { id, book } = request.order;
        return taken(entry.cancel(instruments.tickers[this.#bookOf(id, book)], low(id), high(id)));
      }
    }
  }

  #new(order: NewRequest): void {
    if (this.#own.full) throw new Refusal(Reason.Capacity, `expected at most ${OWN_ORDERS_MAX} open orders, was one more`);
    const id = order.id ?? this.#freeId();
    const { book, side, priceTicks = 0, qty } = order;
    taken(this.#send(id, order));
    if (id > this.lastId) this.lastId = id;
    this.#own.add({ id, book, side, ref: order.ref, priceTicks, executed: 0, leaves: qty, pending: 'new' });
  }

  #send(id: bigint, order: NewRequest): boolean {
    const { entry } = this.#ready();
    const { instruments } = this.#setting;
    const { book, side, qty, orderType, tif, flags, stp, display, minQty } = order;
    const ticker = instruments.tickers[book];
    const [priceLo, priceHi] = unitsOf(instruments, book, order.priceTicks);
    const plain = orderType === OrderType.Limit && tif === Tif.Gtc && flags === 0 && stp === Stp.Default && display === 0
      && minQty === 0 && order.owner === null;
    if (plain) return entry.newOrder(ticker, low(id), high(id), side, priceLo, priceHi, qty);
    const [stopLo, stopHi] = unitsOf(instruments, book, order.stopTicks);
    return entry.newOrderExtended(
      ticker, low(id), high(id), side, priceLo, priceHi, qty, orderType, tif, flags, stp, display, minQty, stopLo, stopHi,
      order.owner ?? CLIENT_NONE,
    );
  }

  #replace({ id, book, side, price, qty }: ReplaceRequest): void {
    const own = this.#own.find(id);
    const { instruments } = this.#setting;
    const of = this.#bookOf(id, book);
    const sideOf = side === Side.None ? own?.side : side;
    if (sideOf === undefined) throw new Refusal(Reason.Side, 'side: expected of an order that this connection has not sent, was absent');
    this.#modify(id, of, sideOf, ticksOfPrice('price', price, of, instruments), qty);
    if (own !== undefined) own.pending = 'replace';
  }

  /** To what is executed and open, less `qty`; at the exchange that is a modify, which keeps the order's place. */
  #reduce(id: bigint, qty: number): void {
    const own = this.#own.find(id);
    if (own === undefined) throw new Refusal(Reason.UnknownOrder, 'id: expected an order that this connection has sent, was another');
    if (own.pending !== '') throw new Refusal(Reason.TooLate, `reduce: expected no request of the order on its way, was a ${own.pending}`);
    if (qty < 1 || qty >= own.leaves) throw new Refusal(Reason.Quantity, `qty: expected 1 to ${own.leaves - 1}, was ${qty}; cancel takes all`);
    this.#modify(id, own.book, own.side, own.priceTicks, own.executed + own.leaves - qty);
    own.pending = 'reduce';
  }

  #modify(id: bigint, book: number, side: number, priceTicks: number, qty: number): void {
    const { instruments } = this.#setting;
    const [lo, hi] = unitsOf(instruments, book, priceTicks);
    taken(this.#ready().entry.modify(instruments.tickers[book], low(id), high(id), side, lo, hi, qty));
  }

  #ready(): OrderLink {
    if (this.#link !== null && this.#link.ready) return this.#link;
    const expected = this.#link === null ? 'expected a log-in first' : 'expected the event session with state ready first';
    throw new Refusal(Reason.NotLoggedIn, `${REASON_TEXT[Reason.NotLoggedIn]}: ${expected}`);
  }

  /** The instrument of an order: as this session knows it, else as the request says. */
  #bookOf(id: bigint, book: number): number {
    const known: OwnOrder | undefined = this.#own.find(id);
    const of = known === undefined ? book : known.book;
    if (of !== BOOK_UNKNOWN) return of;
    throw new Refusal(Reason.UnknownTicker, 'symbol: expected of an order that this connection has not sent, was absent');
  }

  #freeId(): bigint {
    const now = BigInt(Math.floor(wallClockMs()) * US_PER_MS);
    return now > this.lastId ? now : this.lastId + 1n;
  }
}

function low(id: bigint): number {
  return Number(id & LOW);
}

function high(id: bigint): number {
  return Number(id >> 32n);
}

function unitsOf(instruments: TraderInstruments, book: number, ticks: number | undefined): readonly [lo: number, hi: number] {
  if (ticks === undefined) return [PRICE_NONE_LO, PRICE_NONE_HI];
  return [instruments.unitsLo(book, ticks), instruments.unitsHi(book, ticks)];
}

function taken(isTaken: boolean): void {
  if (!isTaken) throw new Refusal(Reason.Capacity, 'the exchange is behind: expected room to send, was none');
}
