// An exchange for tests of strategies: the matching engine, other participants, ways that take time, and faults.
//
//   StrategyRunner ─► newOrder, cancel, modify ─(request latency)─► MatchingEngine ─► events
//         ▲ ▲                                                                          │
//         │ └─────────────(response latency, first in first out)─ responses ◄──────────┤
//         └───────────────────────────────── top of book and trades, at once ◄─────────┘
//
// So a response comes before or after the market data of the same event, and requests meet a book that has
// moved on. Everything is drawn from one seed. Faults: requests that the exchange refuses, a sink without
// room. The venue knows the truth: which of our orders are open and what they have traded; after each event
// it checks what must hold of our side at the exchange.
import { assert } from '../../base/assert.ts';
import { Prng } from '../../base/prng.ts';
import { MatchingEngine } from '../../book/matching_engine.ts';
import { Cmd, OrderType, Reason, Side, Stp, Tif, type EngineEvent } from '../../book/types.ts';
import { ResponseType } from '../../wire/generated/native.ts';
import { BOOK_ALL, type TraderInstruments } from '../instruments.ts';
import type { OrderSink } from '../order_manager.ts';
import { StrategyRunner, type StrategyRunnerOptions } from '../strategy_runner.ts';

const OURS = 1;
const FLOW = 2;
const QTY_NONE = 0xffff_ffff;

export interface VenueOptions {
  readonly seed: number;
  readonly instruments: TraderInstruments;
  /** Longest way of a request and of a response; 0: answered at the next event. */
  readonly latencyNs?: number;
  /** Share of requests that the exchange refuses. */
  readonly rejects?: number;
  /** Share of requests for which the sink has no room. */
  readonly full?: number;
  /** The strategy quotes: at most one order a side may rest. */
  readonly quotes?: boolean;
}

interface Due { readonly dueNs: number; readonly run: () => void }
interface OpenOrder { readonly book: number; readonly side: number; priceTicks: number; leaves: number }

export class ReferenceVenue implements OrderSink {
  readonly engine: MatchingEngine;
  readonly instruments: TraderInstruments;
  nowNs = 1_000_000_000;
  /** Ours at the exchange, by client order id. */
  readonly open = new Map<number, OpenOrder>();
  /** What our fills add up to, by book. */
  readonly positions: number[];
  readonly fills: number[] = [];
  /** Everything we asked for, in order. */
  readonly requests: string[] = [];
  rejected = 0;
  readonly #options: VenueOptions;
  readonly #prng: Prng;
  readonly #faults: Prng;
  readonly #mids: number[];
  #runner: StrategyRunner | null = null;
  #toExchange: Due[] = [];
  #toUs: Due[] = [];
  #flowId = 0n;
  readonly #flow: { id: bigint; book: number }[] = [];

  constructor(options: VenueOptions) {
    const { instruments, seed } = options;
    this.#options = options;
    this.instruments = instruments;
    this.#prng = new Prng(seed);
    this.#faults = new Prng(seed ^ 0x5bd1_e995);
    this.#mids = instruments.list.map(() => 10_000);
    this.positions = instruments.list.map(() => 0);
    this.engine = new MatchingEngine({
      instruments: instruments.list.map((_, book) => ({
        minPrice: instruments.minTicks[book], maxPrice: instruments.maxTicks[book],
      })),
      ordersMax: 20_000, viewLevels: 0, stp: Stp.CancelNewest,
    });
  }

  /** A runner on this venue, connected and fresh. */
  connect(options: Pick<StrategyRunnerOptions, 'strategy' | 'limits'> & Partial<StrategyRunnerOptions>): StrategyRunner {
    const runner = new StrategyRunner({
      instruments: this.instruments, market: this.engine.touch, sink: this, ...options,
    });
    this.#runner = runner;
    runner.start(this.nowNs);
    runner.onConnected(true, this.nowNs);
    runner.onFresh(true, this.nowNs);
    return runner;
  }

  // ── OrderSink ──────────────────────────────────────────────────────────────────────────────

  newOrder(book: number, orderId: number, side: number, priceTicks: number, qty: number, tif: number): boolean {
    const { instruments } = this;
    assert(Number.isInteger(priceTicks), 'a price is a whole number of ticks');
    assert(priceTicks >= instruments.minTicks[book] && priceTicks <= instruments.maxTicks[book], 'a price lies in the range');
    assert(qty > 0 && qty % instruments.lots[book] === 0, 'a quantity is whole lots');
    return this.#send(`new ${orderId} ${book} ${side} ${priceTicks} ${qty} ${tif}`, () => {
      if (this.#refuses(ResponseType.Rejected, book, orderId, side)) return;
      this.open.set(orderId, { book, side, priceTicks, leaves: qty });
      this.#submit(this.engine.submit({
        type: Cmd.New, book, client: OURS, id: BigInt(orderId), side, orderType: OrderType.Limit, tif, price: priceTicks, qty,
      }));
    });
  }

  cancel(book: number, orderId: number): boolean {
    return this.#send(`cancel ${orderId}`, () => {
      this.#submit(this.engine.submit({ type: Cmd.Cancel, book, client: OURS, id: BigInt(orderId) }));
    });
  }

  modify(book: number, orderId: number, side: number, priceTicks: number, chainQty: number): boolean {
    assert(Number.isInteger(priceTicks), 'a price is a whole number of ticks');
    return this.#send(`modify ${orderId} ${priceTicks} ${chainQty}`, () => {
      if (this.#refuses(ResponseType.Rejected, book, orderId, side)) return;
      this.#submit(this.engine.submit({
        type: Cmd.Replace, book, client: OURS, id: BigInt(orderId), price: priceTicks, qty: chainQty, chain: true,
      }));
    });
  }

  massCancel(book: number): boolean {
    return this.#send(`mass cancel ${book}`, () => {
      for (const which of book === BOOK_ALL ? this.positions.keys() : [book]) {
        this.#submit(this.engine.submit({ type: Cmd.MassCancel, book: which, client: OURS }));
      }
    });
  }

  // ── the others, as a test wants them ───────────────────────────────────────────────────────

  order(book: number, side: Side, price: number, qty: number, tif: Tif = Tif.Gtc): void {
    this.#flowId += 1n;
    this.#flow.push({ id: this.#flowId, book });
    this.#submit(this.engine.submit({
      type: Cmd.New, book, client: FLOW, id: this.#flowId, side, orderType: OrderType.Limit, stp: Stp.None, tif, price, qty,
    }));
  }

  /** All orders of the others leave. */
  clear(book: number): void {
    this.#submit(this.engine.submit({ type: Cmd.MassCancel, book, client: FLOW }));
  }

  // ── time and the others ────────────────────────────────────────────────────────────────────

  /** Something of the others happens, then time passes, then what has come due. */
  step(maxNs: number): void {
    if (!this.#prng.chance(0.1)) this.#others();
    this.pass(this.#prng.between(0, maxNs));
  }

  pass(ns: number): void {
    this.nowNs += ns;
    for (;;) {
      const next = this.#next();
      if (next === undefined) break;
      next.run();
      this.#check();
    }
    this.#runner?.poll(this.nowNs);
    this.#check();
  }

  /** Nothing of the others happens any more; whatever is under way arrives. */
  settle(): void {
    for (let round = 0; round < 1000 && this.#toExchange.length + this.#toUs.length > 0; round++) this.pass(1_000_000);
    assert(this.#toExchange.length + this.#toUs.length === 0, 'requests and answers come to an end');
  }

  /** The earlier of what is due on the two ways. */
  #next(): Due | undefined {
    const ways = [this.#toExchange, this.#toUs].filter((way) => way.length > 0 && way[0].dueNs <= this.nowNs);
    const [first] = ways.toSorted((a, b) => a[0].dueNs - b[0].dueNs);
    return first?.shift();
  }

  /** Limit orders around a walking price, cancels, and now and then a sweep that leaves a side empty. */
  #others(): void {
    const prng = this.#prng;
    const book = prng.below(this.positions.length);
    this.#mids[book] += prng.between(-4, 4);
    const mid = this.#mids[book];
    const kind = prng.below(100);
    if (kind < 30 && this.#flow.length > 0) {
      const [order] = this.#flow.splice(prng.below(this.#flow.length), 1);
      this.#submit(this.engine.submit({ type: Cmd.Cancel, book: order.book, client: FLOW, id: order.id }));
      return;
    }
    const side = prng.chance(0.5) ? Side.Buy : Side.Sell;
    const sweeps = kind < 31;
    const takes = kind < 40;
    const away = takes ? -prng.between(5, 60) : prng.between(1, 60);
    const price = Math.max(this.instruments.minTicks[book], sweeps ? mid + side * 5000 : mid - side * away);
    this.order(book, side, price, sweeps ? 100_000 : prng.between(1, 300), takes ? Tif.Ioc : Tif.Gtc);
  }

  // ── the ways ───────────────────────────────────────────────────────────────────────────────

  #send(request: string, run: () => void): boolean {
    if (this.#faults.chance(this.#options.full ?? 0)) return false;
    this.requests.push(request);
    this.#toExchange.push({ dueNs: this.#due(this.#toExchange), run });
    return true;
  }

  #respond(type: number, book: number, orderId: number, side: number, price: number, execQty: number, leaves: number): void {
    this.#toUs.push({
      dueNs: this.#due(this.#toUs),
      run: () => this.#runner?.onResponse(type, book, orderId, side, price, execQty, leaves, this.nowNs),
    });
  }

  /** First in, first out, whatever the latency that was drawn. */
  #due(way: readonly Due[]): number {
    const { latencyNs = 0 } = this.#options;
    const drawn = this.nowNs + (latencyNs === 0 ? 0 : this.#faults.below(latencyNs));
    return Math.max(drawn, way.at(-1)?.dueNs ?? 0);
  }

  #refuses(type: number, book: number, orderId: number, side: number): boolean {
    if (!this.#faults.chance(this.#options.rejects ?? 0)) return false;
    this.rejected++;
    this.#respond(type, book, orderId, side, 0, Reason.Rate, 0);
    return true;
  }

  // ── what the engine says ───────────────────────────────────────────────────────────────────

  #submit(events: readonly EngineEvent[]): void {
    const changed = new Set<number>();
    // Market data first or the responses first: both are put on their way here, responses may arrive at once.
    for (const event of events) {
      changed.add(event.book);
      if (event.type === 'trade') this.#onTrade(event);
      else this.#onEvent(event);
    }
    for (const book of changed) this.#runner?.onUpdate(book, this.nowNs);
  }

  #onTrade(event: Extract<EngineEvent, { type: 'trade' }>): void {
    const { book, side, price, qty } = event;
    this.#runner?.onTrade(book, side, price, qty, this.nowNs);
    if (event.takerClient === OURS) this.#filled(book, Number(event.takerId), side, price, qty, event.takerLeaves);
    if (event.makerClient === OURS) this.#filled(book, Number(event.makerId), -side, price, qty, event.makerLeaves);
  }

  #filled(book: number, orderId: number, side: number, price: number, qty: number, leaves: number): void {
    const order = this.open.get(orderId);
    assert(order !== undefined && order.leaves >= qty, 'an order of ours trades at most what is open');
    this.positions[book] += side * qty;
    this.fills.push(side * qty);
    order.leaves -= qty;
    if (order.leaves === 0) this.open.delete(orderId);
    this.#respond(ResponseType.Filled, book, orderId, side, price, qty, leaves);
  }

  #onEvent(event: EngineEvent): void {
    if (!('client' in event) || event.client !== OURS) return;
    const orderId = Number(event.id);
    const { book, side, price } = event;
    switch (event.type) {
      case 'accepted':
        return this.#respond(ResponseType.Accepted, book, orderId, side, price, 0, event.qty);
      case 'canceled':
        this.open.delete(orderId);
        return event.reason === Reason.None
          ? this.#respond(ResponseType.Canceled, book, orderId, side, price, QTY_NONE, event.qty)
          : this.#respond(ResponseType.Expired, book, orderId, side, price, event.reason, event.qty);
      case 'replaced':
      case 'reduced': {
        const leaves = event.type === 'replaced' ? event.qty : event.leaves;
        const order = this.open.get(orderId);
        assert(order !== undefined, 'what is modified was open');
        Object.assign(order, { priceTicks: price, leaves });
        return this.#respond(ResponseType.Modified, book, orderId, side, price, event.type === 'reduced' ? event.reason : 0, leaves);
      }
      case 'rejected': {
        if (event.op === Cmd.New) this.open.delete(orderId);
        const type = event.op === Cmd.Cancel ? ResponseType.CancelRejected : ResponseType.Rejected;
        return this.#respond(type, book, orderId, side, price, event.reason, 0);
      }
      default:
    }
  }

  /** What must hold of our side of the exchange at every instant. */
  #check(): void {
    const runner = this.#runner;
    if (runner === null) return;
    for (const book of this.positions.keys()) {
      const ours = [...this.open.values()].filter((order) => order.book === book);
      const bids = ours.filter(({ side }) => side === Side.Buy);
      const asks = ours.filter(({ side }) => side === Side.Sell);
      const sum = (orders: readonly OpenOrder[]): number => orders.reduce((total, { leaves }) => total + leaves, 0);
      const maxPosition = runner.risk.maxPosition(book);
      assert(this.positions[book] + sum(bids) <= maxPosition, 'the position stays within its maximum, with all that is open');
      assert(this.positions[book] - sum(asks) >= -maxPosition, 'the short position too');
      assert(ours.every(({ leaves }) => leaves <= runner.risk.maxOrderQty(book)), 'no order is larger than allowed');
      if (this.#options.quotes) assert(bids.length <= 1 && asks.length <= 1, 'one live quote a side');
      if (this.#options.quotes && bids.length + asks.length === 2) {
        assert(bids[0].priceTicks < asks[0].priceTicks, 'our own quotes do not cross');
      }
    }
    runner.features.checkInvariants();
    assert(runner.fault === null, 'no strategy throws');
  }
}
