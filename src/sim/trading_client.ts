// A client that behaves: valid random orders over production's own order entry, and a memory of all that
// it has sent and been told.
//
//   connected ─► logged in ─► the echo of an impossible cancel: caught up ─► what nobody has answered is
//   sent again, with the same ids ─► trades
//
// Its view of its orders and position comes from responses alone and is compared with the ledger when all
// is quiet (I8). Told again, a response has the bytes it had (I13); an id is accepted as one order (I12);
// every new order has an answer in the end (I12, L1).
// Framings: `soup` resumes; on `bare` and `sequenced` a connection is all there is, and what was missed is
// missed, so only its streams are looked at.
// `resends`: it also repeats orders that were answered long ago, as a confused client does.
import {
  CLIENT_NONE, ClientResponse, OrderFlag, OrderType, PRICE_NONE_HI, PRICE_NONE_LO, ResponseType, SelfTradePrevention,
  Side, TICKER_NONE, TimeInForce,
} from '../wire/generated/native.ts';
import { Framing } from '../wire/framing/frame.ts';
import { OrderEntry, type OrderEntryHandler } from '../trader/order_entry.ts';
import type { Prng } from '../base/prng.ts';
import type { StreamConnection } from '../net/transport.ts';
import { SimClient, type ClientContext } from './client.ts';
import * as invariants from './invariants.ts';
import type { ClientPlan } from './plan.ts';
import { MID_TICKS, passwordOf, PORT, SEQUENCED_PORT, userOf } from './setting.ts';

const TWO_32 = 0x1_0000_0000;
/** Ids from here on are echoes: cancels of orders that cannot exist. */
const ECHO_ID_MIN = 2 ** 52;
const ACT_NS_MIN = 300_000;
const ACT_NS_MAX = 12_000_000;
const BURST_MAX = 4;
const SEND_BYTES = 16 << 10;
/** Without heartbeats only this tells that a connection is none any more: no answer for so long. */
const PATIENCE_NS = 500_000_000;

/** What was asked for, so that it can be asked for again. */
interface NewOrder {
  readonly id: number;
  readonly ticker: number;
  readonly side: number;
  readonly price: number;
  readonly qty: number;
  readonly orderType: number;
  readonly tif: number;
  readonly flags: number;
  readonly display: number;
  readonly minQty: number;
  readonly stopPrice: number;
}

/** An order as its client knows it. */
interface KnownOrder {
  readonly order: NewOrder;
  open: number;
  /** Engine's id; 0: it was refused. null: no answer so far. */
  market: bigint | null;
  /** When it was first sent, on a connection that still stands; −1: there has been another since. */
  sentNs: number;
  /** Orders without an answer that were on their way when it was sent: their answers come before its own. */
  readonly ahead: number;
}

export interface TradingClientOptions {
  readonly framing: Framing;
  readonly resends: boolean;
}

export class TradingClient extends SimClient implements OrderEntryHandler {
  readonly entry: OrderEntry;
  readonly framing: Framing;
  /** Caught up; requests are taken. */
  ready = false;
  answered = 0;
  sentAgain = 0;
  fills = 0;
  protected override readonly port: number;
  readonly #resends: boolean;
  readonly #orders = new Map<number, KnownOrder>();
  readonly #unanswered = new Map<number, KnownOrder>();
  readonly #live: number[] = [];
  readonly #positions = new Map<number, number>();
  #lastId = 0;
  #echoId = ECHO_ID_MIN;
  #nextActNs = 0;
  #mid = MID_TICKS;
  #leaving = false;
  /** It wants all its orders ended, and asks again when a connection has been lost meanwhile. */
  #ending = false;
  /** When a response last came, or a connection began. */
  #heardNs = 0;

  constructor(context: ClientContext, plan: ClientPlan, prng: Prng, options: TradingClientOptions) {
    super(context, plan, prng);
    this.framing = options.framing;
    this.#resends = options.resends;
    this.port = options.framing === Framing.Sequenced ? SEQUENCED_PORT : PORT;
    const soup = options.framing === Framing.Soup;
    this.entry = new OrderEntry(this, {
      framing: options.framing, client: this.client, sendBufferBytes: SEND_BYTES,
      ...(soup && { account: userOf(this.client), password: passwordOf(context.setting, this.client), nextSequence: 1 }),
    });
  }

  // ── turns ──────────────────────────────────────────────────────────────────────────────────

  protected override act(): number {
    let work = this.entry.poll(this.nowNs);
    if (this.#isGivenUp) this.entry.close();
    if (!this.entry.connected || !this.ready || this.quiet) return work;
    if (this.nowNs >= this.#nextActNs) {
      this.#nextActNs = this.nowNs + this.prng.between(ACT_NS_MIN, ACT_NS_MAX);
      for (let i = this.prng.between(1, BURST_MAX); i > 0; i--) this.#request();
      this.entry.flush();
      work++;
    }
    this.context.world.wake(this.name, Math.max(this.#nextActNs, this.nowNs + 1));
    return work;
  }

  /** The other end may have gone without a word; `soup` has heartbeats for that. */
  get #isGivenUp(): boolean {
    const waits = this.#unanswered.size > 0 && this.nowNs - this.#heardNs > PATIENCE_NS;
    return waits && this.framing !== Framing.Soup && this.entry.connected;
  }

  protected override onConnected(connection: StreamConnection): void {
    this.#heardNs = this.nowNs;
    this.entry.connect(connection, this.nowNs);
  }

  override stop(): void {
    this.entry.close();
    super.stop();
  }

  // ── what the session tells ─────────────────────────────────────────────────────────────────

  onReady(entry: OrderEntry): void {
    if (this.framing !== Framing.Soup) {
      this.#forget();
      this.ready = true;
      entry.massCancel(TICKER_NONE, Side.None);
      return;
    }
    this.#echoId++;
    entry.cancel(1, this.#echoId >>> 0, Math.floor(this.#echoId / TWO_32));
    entry.flush();
  }

  onResponse(view: DataView, at: number, sequence: number): void {
    const { heard } = this.context;
    const text = Buffer.from(view.buffer, view.byteOffset + at, ClientResponse.bytes).toString('latin1');
    this.#heardNs = this.nowNs;
    if (!heard.onResponse(this.client, this.framing, sequence, text)) return;
    const id = ClientResponse.clientOrderHi(view, at) * TWO_32 + ClientResponse.clientOrderLo(view, at);
    if (id >= ECHO_ID_MIN) {
      if (id === this.#echoId && !this.ready) this.#caughtUp();
      return;
    }
    const known = this.#orders.get(id);
    if (known !== undefined) this.#tell(known, view, at);
  }

  onClosed(): void {
    this.ready = false;
    this.#leaving = false;
    for (const known of this.#unanswered.values()) known.sentNs = -1;
    this.lost();
  }

  #tell(known: KnownOrder, view: DataView, at: number): void {
    const leaves = ClientResponse.leavesQty(view, at);
    switch (ClientResponse.type(view, at)) {
      case ResponseType.Accepted:
        return this.#onAnswer(known, ClientResponse.marketOrderBig(view, at), leaves);
      case ResponseType.Rejected:
        if (known.market === null) this.#onAnswer(known, 0n, 0);
        return;
      case ResponseType.Filled: {
        const qty = ClientResponse.execQty(view, at);
        const { ticker, side } = known.order;
        this.fills++;
        this.#positions.set(ticker, this.position(ticker) + side * qty);
        known.open = leaves;
        break;
      }
      case ResponseType.Modified:
        known.open = leaves;
        break;
      case ResponseType.Canceled:
      case ResponseType.Expired:
        known.open = 0;
        break;
      default:
        return;
    }
    if (known.open === 0) this.#end(known.order.id);
  }

  #onAnswer(known: KnownOrder, market: bigint, open: number): void {
    const { order } = known;
    if (known.market !== null) {
      // Its first answer once more: the order has not begun anew.
      invariants.noSecondEffect(this.client, BigInt(order.id), known.market, market);
      return;
    }
    known.market = market;
    known.open = open;
    this.#unanswered.delete(order.id);
    this.answered++;
    if (open > 0) this.#live.push(order.id);
    if (known.sentNs >= this.context.quietSinceNs)
      invariants.latencyIsBounded(this.name, this.nowNs - known.sentNs, this.context.latencyBoundNs(known.ahead));
  }

  #caughtUp(): void {
    this.ready = true;
    for (const known of this.#unanswered.values()) {
      this.sentAgain++;
      this.#send(known.order);
    }
    if (this.#ending) this.entry.massCancel(TICKER_NONE, Side.None);
    this.entry.flush();
  }

  /** Without a session that goes on, nothing is known of what was before. */
  #forget(): void {
    this.#orders.clear();
    this.#unanswered.clear();
    this.#live.length = 0;
  }

  #end(id: number): void {
    const at = this.#live.indexOf(id);
    if (at < 0) return;
    this.#live[at] = this.#live[this.#live.length - 1];
    this.#live.length--;
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────

  #request(): void {
    const { prng } = this;
    if (this.#leaving) return;
    const roll = prng.below(100);
    if (prng.chance(0.1)) this.#mid += prng.between(-2, 2);
    if (roll < 62 || this.#live.length === 0) return this.#newOrder();
    const id = this.#live[prng.below(this.#live.length)];
    const known = this.#orders.get(id);
    if (known === undefined) return;
    const { ticker, side } = known.order;
    if (roll < 80) this.entry.cancel(ticker, id >>> 0, 0);
    else if (roll < 96) {
      const price = this.#price(side);
      this.entry.modify(ticker, id >>> 0, 0, side, price, 0, prng.between(1, 60));
    } else if (roll < 98) this.entry.massCancel(prng.chance(0.5) ? TICKER_NONE : ticker, Side.None);
    else {
      this.#leaving = true;
      this.entry.close();
    }
  }

  #newOrder(): void {
    const { prng } = this;
    if (this.#resends && this.#lastId > 0 && prng.chance(0.4)) {
      const again = this.#orders.get(prng.between(1, this.#lastId));
      if (again !== undefined) {
        this.#send(again.order);
        return;
      }
    }
    const order = this.#draw();
    const known = { order, open: 0, market: null, sentNs: this.nowNs, ahead: this.#unanswered.size };
    if (!this.#send(order)) return;
    this.#lastId = order.id;
    this.#orders.set(order.id, known);
    this.#unanswered.set(order.id, known);
  }

  #draw(): NewOrder {
    const { prng } = this;
    const side = prng.chance(0.5) ? Side.Buy : Side.Sell;
    const qty = prng.between(1, 50);
    const plain = {
      id: this.#lastId + 1, ticker: prng.between(1, this.context.setting.instruments), side,
      price: this.#price(side), qty, orderType: OrderType.Limit as number, tif: TimeInForce.Gtc as number, flags: 0,
      display: 0, minQty: 0, stopPrice: 0,
    };
    const roll = prng.below(100);
    if (roll < 62) return plain;
    if (roll < 70) return { ...plain, tif: TimeInForce.Ioc, price: plain.price + side * 4 };
    if (roll < 74) return { ...plain, tif: TimeInForce.Fok, price: plain.price + side * 4 };
    if (roll < 79) return { ...plain, orderType: OrderType.Market, tif: TimeInForce.Ioc, price: 0 };
    if (roll < 84) return { ...plain, flags: OrderFlag.PostOnly };
    if (roll < 91) return { ...plain, display: prng.between(1, qty) };
    if (roll < 94) return { ...plain, tif: TimeInForce.Ioc, minQty: prng.between(1, qty) };
    const stopPrice = plain.price + side * prng.between(1, 5);
    if (roll < 97) return { ...plain, orderType: OrderType.StopLimit, stopPrice, price: stopPrice + side * 3 };
    return { ...plain, tif: TimeInForce.Day };
  }

  #price(side: number): number {
    return this.#mid - side * this.prng.between(-3, 8);
  }

  #send(order: NewOrder): boolean {
    const { entry } = this;
    const { id, ticker, side, price, qty, orderType, tif, flags, display, minQty, stopPrice } = order;
    const extended =
      orderType !== OrderType.Limit || tif !== TimeInForce.Gtc || flags !== 0 || display !== 0 || minQty !== 0;
    if (!extended) return entry.newOrder(ticker, id, 0, side, price, 0, qty);
    const stops = orderType === OrderType.StopLimit;
    const priced = orderType !== OrderType.Market;
    return entry.newOrderExtended(
      ticker, id, 0, side, priced ? price : PRICE_NONE_LO, priced ? 0 : PRICE_NONE_HI, qty, orderType, tif, flags,
      SelfTradePrevention.Default, display, minQty, stops ? stopPrice : PRICE_NONE_LO, stops ? 0 : PRICE_NONE_HI,
      CLIENT_NONE,
    );
  }

  // ── when all is quiet ──────────────────────────────────────────────────────────────────────

  /** Everything that it has asked for is answered, and it hears the exchange. */
  get settled(): boolean {
    return this.ready && this.#unanswered.size === 0 && this.entry.pendingBytes === 0;
  }

  get whyUnsettled(): string {
    const state = this.context.host.isRunning ? 'up' : 'down';
    return `${this.name}: ready ${this.ready}, ${this.#unanswered.size} unanswered, exchange ${state}`;
  }

  position(ticker: number): number {
    return this.#positions.get(ticker) ?? 0;
  }

  /** Its orders and position as it knows them, beside the ledger's. */
  checkView(): void {
    if (this.framing !== Framing.Soup) return;
    const { ledger } = this.context.auditor;
    const mine = [...this.#orders.values()].filter(({ open }) => open > 0);
    const text = (orders: readonly (readonly [number | bigint, number])[]): string =>
      orders.map(([id, open]) => `${id}: ${open}`).toSorted().join(', ');
    invariants.viewIsTheExchanges(
      `open orders of ${this.name}`,
      text(ledger.ordersOf(this.client).map(({ id, open }) => [id, open])),
      text(mine.map(({ order, open }) => [order.id, open])),
    );
    for (let ticker = 1; ticker <= this.context.setting.instruments; ticker++)
      invariants.viewIsTheExchanges(
        `position of ${this.name} in ${ticker}`,
        ledger.exposure(this.client, ticker - 1).position, this.position(ticker),
      );
  }

  /** Asks for the end of all its orders. */
  cancelAll(): void {
    this.#ending = true;
    this.entry.massCancel(TICKER_NONE, Side.None);
    this.entry.flush();
  }
}

