// Random requests of several clients through a whole exchange with limits, beside a naive model that
// knows every order by itself: at every event nobody is beyond a limit with all that is open; a request
// that comes alone is refused exactly when the model says so, and for that reason; what the gate has
// in its books is what the model has, and nothing when everything has ended.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { decodeEvent, MatchingEngine } from '../../src/book/matching_engine.ts';
import { COMMAND, type EngineEvent, EVENT, OrderType, Reason, Stp, Tif } from '../../src/book/types.ts';
import type { LimitOverride } from '../../src/exchange/config.ts';
import { RiskGate } from '../../src/exchange/risk_gate.ts';
import { Accounts } from '../../src/exchange/session/accounts.ts';
import {
  bareResponses,
  cancel,
  ExchangeRig,
  type RawClient,
  request,
  requestExtended,
} from './exchange_rig.ts';
import { accountOf, type Limits, riskOf } from './protection_rig.ts';

const SEEDS = Number(process.env['RISK_SEEDS'] ?? 6);
const REQUESTS = Number(process.env['RISK_REQUESTS'] ?? 2_000);
const CLIENTS = [1, 2, 3, 4];
const TICKERS = [1, 2];
const BLOCK = 4_096;
const LOOKED_AT: readonly number[] = [
  Reason.OrderTooLarge, Reason.Notional, Reason.Collar, Reason.Position, Reason.OpenOrders,
];

interface Order {
  readonly client: number;
  readonly book: number;
  readonly id: number;
  readonly side: number;
  open: number;
  executed: number;
  /** Where it rests; null: it does not. */
  price: number | null;
  waits: boolean;
}

/** A new order or a modify, as a client says it. */
interface Asked {
  readonly client: number;
  readonly book: number;
  readonly id: number;
  readonly modify: boolean;
  readonly side: number;
  readonly orderType: number;
  readonly price: number;
  readonly stopPrice: number;
  readonly qty: number;
}

/** Everything by itself, everything counted anew. */
class Model {
  readonly orders = new Map<string, Order>();
  readonly positions = new Map<string, number>();
  readonly last: (number | null)[] = TICKERS.map(() => null);
  readonly limitsOf: (client: number, book: number) => Required<Limits>;
  #names = new Map<bigint, string>();

  constructor(limitsOf: (client: number, book: number) => Required<Limits>) {
    this.limitsOf = limitsOf;
  }

  position(client: number, book: number): number {
    return this.positions.get(`${client} ${book}`) ?? 0;
  }

  open(client: number, book: number, side: number): number {
    let sum = 0;
    for (const order of this.orders.values())
      if (order.client === client && order.book === book && order.side === side) sum += order.open;
    return sum;
  }

  count(client: number): number {
    return [...this.orders.values()].filter((order) => order.client === client).length;
  }

  blocks(client: number): { blocks: number; levels: number } {
    const blocks = new Map<string, number>();
    let stops = 0;
    for (const { client: owner, book, side, price, waits } of this.orders.values()) {
      if (owner !== client) continue;
      if (waits) stops++;
      if (price === null) continue;
      const block = `${book} ${side} ${Math.floor(price / BLOCK)}`;
      blocks.set(block, (blocks.get(block) ?? 0) + 1);
    }
    const levels = [...blocks.values()].reduce((sum, orders) => sum + Math.min(orders, BLOCK), stops);
    return { blocks: blocks.size + stops, levels };
  }

  on(event: EngineEvent): void {
    switch (event.type) {
      case 'accepted': {
        const { client, book, side, qty, orderType, rests, price } = event;
        const waits = orderType === OrderType.Stop || orderType === OrderType.StopLimit;
        const order = { client, book, id: Number(event.id), side, open: qty, executed: 0 };
        const name = `${client}.${event.id}`;
        this.orders.set(name, { ...order, price: rests ? price : null, waits });
        this.#names.set(event.orderId, name);
        this.#check(client, book, `accepted ${name}`);
        return;
      }
      case 'trade': {
        this.#trade(event.takerOrderId, event.side, event.qty, event.takerLeaves);
        this.#trade(event.makerOrderId, -event.side, event.qty, event.makerLeaves);
        this.last[event.book] = event.price;
        return;
      }
      case 'canceled':
        this.orders.delete(this.#nameOf(event.orderId));
        return;
      case 'reduced': {
        const order = this.#order(event.orderId);
        order.open = event.leaves;
        return;
      }
      case 'replaced': {
        const order = this.#order(event.orderId);
        assert.equal(event.oldOpen, order.open, 'what was open before');
        order.open = event.qty;
        if (!order.waits) order.price = event.rests || event.kept ? event.price : null;
        this.#check(event.client, event.book, `replaced ${event.id}`);
        return;
      }
      case 'triggered':
        this.#order(event.orderId).waits = false;
        return;
      case 'rested':
        this.#order(event.orderId).price = event.price;
        return;
      default:
        return;
    }
  }

  /** Why the gate should refuse a request that comes alone; Reason.None: it should not. */
  expected(asked: Asked): Reason {
    const { client, book, side, orderType, price, stopPrice, qty, modify } = asked;
    const limits = this.limitsOf(client, book);
    const last = this.last[book];
    if (limits.orderQty > 0 && qty > limits.orderQty) return Reason.OrderTooLarge;
    const priced = orderType === OrderType.Limit || orderType === OrderType.StopLimit;
    const at = priced ? price : orderType === OrderType.Stop ? stopPrice : last;
    if (limits.notional > 0 && (at === null || at * qty > limits.notional * 100)) return Reason.Notional;
    if (priced && last !== null) {
      const away = Math.abs(price - last);
      if (limits.collarTicks > 0 && away > limits.collarTicks) return Reason.Collar;
      if (limits.collarBps > 0 && away * 10_000 > limits.collarBps * last) return Reason.Collar;
    }
    const old = this.orders.get(`${client}.${asked.id}`);
    if (modify && (old === undefined || old.book !== book)) return Reason.None;
    const sign = modify && old !== undefined ? old.side : side;
    const more = modify && old !== undefined ? qty - old.executed - old.open : qty;
    if (more <= 0) return Reason.None;
    const worst = sign * this.position(client, book) + this.open(client, book, sign) + more;
    if (worst <= 0) return Reason.None;
    if (limits.position > 0 && worst > limits.position) return Reason.Position;
    if (!modify && limits.openOrders > 0 && this.count(client) >= limits.openOrders) return Reason.OpenOrders;
    return Reason.None;
  }

  #trade(orderId: bigint, side: number, qty: number, leaves: number): void {
    const order = this.#order(orderId);
    order.open -= qty;
    order.executed += qty;
    assert.equal(order.open, leaves);
    const key = `${order.client} ${order.book}`;
    this.positions.set(key, (this.positions.get(key) ?? 0) + side * qty);
    if (order.open === 0) this.orders.delete(this.#nameOf(orderId));
    this.#check(order.client, order.book, `trade of ${order.id}`);
  }

  /** At this instant everything open could trade on one side and nothing on the other. */
  #check(client: number, book: number, when: string): void {
    const { position: max } = this.limitsOf(client, book);
    if (max === 0) return;
    for (const side of [1, -1]) {
      const worst = side * this.position(client, book) + this.open(client, book, side);
      assert.ok(worst <= max, `${when}: client ${client} could come to ${worst * side}, limit ${max}`);
    }
  }

  #nameOf(orderId: bigint): string {
    const name = this.#names.get(orderId);
    assert.ok(name !== undefined);
    return name;
  }

  #order(orderId: bigint): Order {
    const order = this.orders.get(this.#nameOf(orderId));
    assert.ok(order !== undefined);
    return order;
  }
}

class Run {
  readonly rig: ExchangeRig;
  readonly model: Model;
  readonly #prng: Prng;
  readonly #clients: readonly RawClient[];
  readonly #nextId = CLIENTS.map(() => 1);
  readonly refused = new Map<number, number>();
  /** What a journal would have: the command slots of every batch. */
  readonly #batches: Uint8Array[] = [];

  private constructor(rig: ExchangeRig, model: Model, prng: Prng, clients: readonly RawClient[]) {
    this.rig = rig;
    this.model = model;
    this.#prng = prng;
    this.#clients = clients;
    const { engine } = rig.exchange;
    const process = engine.process.bind(engine);
    engine.process = (slots) => {
      this.#batches.push(engine.u8.slice(engine.commandBase, engine.commandBase + slots * COMMAND.size));
      process(slots);
    };
  }

  static async open(seed: number): Promise<Run> {
    const prng = new Prng(seed);
    const some = (values: readonly number[]): number => values[prng.below(values.length)];
    const limits: Limits = {
      orderQty: some([0, 40, 200]),
      notional: some([0, 5_000, 20_000]),
      collarTicks: some([0, 0, 60]),
      collarBps: some([0, 0, 80]),
      position: some([60, 150]),
      openOrders: some([0, 4, 12]),
    };
    const overrides: Partial<LimitOverride>[] = [
      { client: 1, position: 40 },
      { client: 2, openOrders: 3 },
      { ticker: 2, position: 100 },
      { client: 3, ticker: 2, position: 20, orderQty: 15 },
    ];
    const limitsOf = (client: number, book: number): Required<Limits> => {
      const all = { ...riskOf(limits).limits };
      // Of a client's own and a ticker's own the stricter holds.
      if (client === 1) all.position = 40;
      else if (book === 1) all.position = 100;
      if (client === 2) all.openOrders = 3;
      if (client === 3 && book === 1) Object.assign(all, { position: 20, orderQty: 15 });
      return all;
    };
    const model = new Model(limitsOf);
    let rig: ExchangeRig | null = null;
    rig = await ExchangeRig.open({
      config: {
        risk: riskOf(limits, overrides),
        ordersMax: 2_000,
        stp: prng.chance(0.5) ? Stp.None : Stp.CancelNewest,
      },
      listener: {
        onEvent: (at) => {
          if (rig !== null) model.on(decodeEvent(rig.exchange.engine.view, at));
        },
      },
      fabric: { seed, streams: { receiveChunkMax: prng.chance(0.5) ? 200 : Infinity, sendChunkMax: Infinity, bufferBytes: 65_536 } },
    });
    const clients: RawClient[] = [];
    for (const _ of CLIENTS) clients.push(await rig.client());
    const run = new Run(rig, model, prng, clients);
    for (const [index, client] of CLIENTS.entries()) clients[index].say(cancel(client, 999_999));
    await run.#settle(CLIENTS.length);
    return run;
  }

  async requests(count: number): Promise<void> {
    for (let done = 0; done < count; ) {
      if (this.#prng.chance(0.5)) {
        await this.#alone();
        done++;
      } else done += await this.#together();
      this.#compare();
    }
  }

  /**
   * The command slots of all batches, executed again by an engine and told to a gate that know
   * nothing else: the same books, the same accounts. No limit is looked at, no clock read.
   */
  replay(): void {
    const { exchange } = this.rig;
    const engine = new MatchingEngine({
      instruments: exchange.instruments.ranges(),
      ordersMax: exchange.config.ordersMax,
      stp: exchange.config.stp,
    });
    const accounts = new Accounts([], exchange.config.limits.accounts, true);
    const gate = new RiskGate(exchange.config, engine, accounts);
    let cursor = 0;
    const tell = (): void => {
      for (const end = engine.eventsWritten(); cursor < end; cursor++)
        gate.onEvent(engine.eventBase + (cursor & engine.eventMask) * EVENT.size);
      engine.releaseEvents(cursor);
    };
    engine.onEventsFull = tell;
    for (const slots of this.#batches) {
      engine.u8.set(slots, engine.commandBase);
      engine.process(slots.length / COMMAND.size);
      tell();
    }
    assert.equal(engine.stateHash(), exchange.engine.stateHash());
    for (const client of CLIENTS) {
      const account = accounts.find(client);
      const live = accountOf(this.rig, client);
      assert.ok(account !== null);
      assert.equal(gate.openOrdersOf(account), exchange.gate.openOrdersOf(live));
      assert.deepEqual(gate.occupies(account), exchange.gate.occupies(live));
      for (const book of TICKERS.keys())
        assert.equal(gate.positionOf(account, book), exchange.gate.positionOf(live, book));
    }
  }

  /** Everything is cancelled: nothing is left but positions, and those cancel out. */
  async end(): Promise<void> {
    const requests = this.rig.counter('requests');
    for (const [index, client] of CLIENTS.entries())
      this.#clients[index].say(request(5, { client, id: 0, ticker: 0xffff_ffff, side: 0 }));
    await this.#settle(requests + CLIENTS.length);
    this.#compare();
    for (const client of CLIENTS) {
      const account = accountOf(this.rig, client);
      const { gate } = this.rig.exchange;
      assert.equal(gate.openOrdersOf(account), 0);
      assert.deepEqual(gate.occupies(account), { blocks: 0, levels: 0 });
    }
    for (const book of TICKERS.keys())
      assert.equal(CLIENTS.reduce((sum, client) => sum + this.model.position(client, book), 0), 0);
    this.rig.close();
  }

  /** One request, judged exactly. */
  async #alone(): Promise<void> {
    const index = this.#prng.below(CLIENTS.length);
    const asked = this.#ask(index);
    const requests = this.rig.counter('requests');
    const before = this.#clients[index].received.length / 42;
    const expected = this.model.expected(asked);
    this.#clients[index].say(this.#bytes(asked));
    await this.#settle(requests + 1);
    const answer = bareResponses(this.#clients[index]).slice(before).find(({ id }) => Number(id) === asked.id);
    assert.ok(answer !== undefined, 'every request is answered');
    const code = answer.type === 5 ? answer.exec : Reason.None;
    const said = JSON.stringify(asked);
    if (expected !== Reason.None) assert.equal(code, expected, `${said}: expected ${expected}, was ${code}`);
    else assert.ok(!LOOKED_AT.includes(code), `${said}: refused with ${code}`);
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
  }

  /** Several clients, several requests each, in as few batches as may be. */
  async #together(): Promise<number> {
    const requests = this.rig.counter('requests');
    let said = 0;
    for (const [index, client] of CLIENTS.entries()) {
      const parts: Buffer[] = [];
      for (let i = this.#prng.below(9); i > 0; i--) {
        parts.push(
          this.#prng.chance(0.25)
            ? cancel(client, this.#someId(index), TICKERS[this.#prng.below(2)])
            : this.#prng.chance(0.03)
              ? request(5, { client, id: 0, ticker: 0xffff_ffff, side: this.#prng.between(-1, 1) })
              : this.#bytes(this.#ask(index)),
        );
      }
      said += parts.length;
      if (parts.length > 0) this.#clients[index].say(...parts);
    }
    await this.#settle(requests + said);
    return said;
  }

  #settle(requests: number): Promise<void> {
    return this.rig
      .until(() => this.rig.counter('requests') >= requests, 'all requests are taken')
      .then(() => this.rig.turn(3));
  }

  #someId(index: number): number {
    const next = this.#nextId[index];
    return this.#prng.between(Math.max(1, next - 12), next);
  }

  #ask(index: number): Asked {
    const prng = this.#prng;
    const client = CLIENTS[index];
    const modify = prng.chance(0.25);
    const id = modify ? this.#someId(index) : prng.chance(0.05) ? this.#someId(index) : this.#nextId[index]++;
    const book = prng.below(TICKERS.length);
    const types = [OrderType.Limit, OrderType.Limit, OrderType.Limit, OrderType.Limit, OrderType.Market, OrderType.Stop, OrderType.StopLimit];
    return {
      client,
      book,
      id,
      modify,
      side: prng.chance(0.5) ? 1 : -1,
      orderType: modify ? OrderType.Limit : types[prng.below(types.length)],
      price: prng.chance(0.05) ? prng.between(1, 40_000) : prng.between(9_950, 10_050),
      stopPrice: prng.between(9_940, 10_060),
      qty: prng.chance(0.03) ? prng.between(1, 0xffff_fffe) : prng.between(1, prng.chance(0.3) ? 80 : 20),
    };
  }

  #bytes(asked: Asked): Buffer {
    const prng = this.#prng;
    const ticker = TICKERS[asked.book];
    if (asked.modify) return request(4, { ...asked, ticker });
    const limit = asked.orderType === OrderType.Limit;
    if (limit && prng.chance(0.5)) return request(1, { ...asked, ticker });
    const tif = limit ? [Tif.Day, Tif.Gtc, Tif.Gtc, Tif.Ioc, Tif.Fok][prng.below(5)] : Tif.Gtc;
    const rests = limit && tif <= Tif.Gtc;
    return requestExtended({
      ...asked,
      ticker,
      tif,
      stp: prng.below(6),
      display: rests && prng.chance(0.3) ? prng.between(1, asked.qty) : 0,
    });
  }

  /** The gate's books and the model's. */
  #compare(): void {
    const { gate, engine } = this.rig.exchange;
    assert.equal(engine.ordersLive, this.model.orders.size);
    for (const client of CLIENTS) {
      const account = accountOf(this.rig, client);
      for (const book of TICKERS.keys()) {
        const who = `client ${client} on ${TICKERS[book]}`;
        assert.equal(gate.positionOf(account, book), this.model.position(client, book), who);
        for (const side of [1, -1])
          assert.equal(gate.workingOf(account, book, side), this.model.open(client, book, side), who);
      }
      assert.equal(gate.openOrdersOf(account), this.model.count(client));
      assert.deepEqual(gate.occupies(account), this.model.blocks(client), `client ${client}`);
    }
  }
}

for (let seed = 1; seed <= SEEDS; seed++) {
  test(`random requests against a naive model, seed ${seed}`, async (t) => {
    const run = await Run.open(seed);
    await run.requests(REQUESTS);
    const { rig } = run;
    run.replay();
    t.diagnostic(
      `${rig.counter('accepted')} accepted, ${rig.counter('trades')} trades, ${rig.counter('batches_cut')} of ${rig.counter('batches')} batches cut; ` +
        [...run.refused].toSorted(([a], [b]) => a - b).map(([code, times]) => `${code}: ${times}`).join(', '),
    );
    assert.ok(rig.counter('trades') > 50 && rig.counter('rejected_for_position') > 20, 'it was not quiet');
    rig.exchange.gate.checkInvariants();
    rig.exchange.engine.checkInvariants();
    await run.end();
  });
}
