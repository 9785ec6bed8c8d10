// Random calls through the library beside the slow twin of the matching engine, told the same: every event
// about an order of ours, every book, every position and its cash must agree.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { ReferenceEngine } from '../../src/book/order_book.reference.ts';
import { Cmd, OrderType, REASON_TEXT, Reason, Side, Stp, Tif, type Command, type EngineEvent } from '../../src/book/types.ts';
import { Client } from '../../src/engine/embedded_venue.ts';
import { EngineRig } from './engine_rig.ts';

const SEEDS = Math.max(2, Math.floor(Number(process.env['ENGINE_SEEDS'] ?? 100) / 10));
const STEPS = 300;
const SYMBOLS = ['X', 'Y'];
const PRICE_MAX = 2 ** 31 - 1;
const TIFS = ['gtc', 'gtc', 'gtc', 'ioc', 'fok', 'day'] as const;
const NUMBERS = { gtc: Tif.Gtc, ioc: Tif.Ioc, fok: Tif.Fok, day: Tif.Day } as const;

interface Known {
  readonly publicId: number;
  readonly book: number;
  readonly side: number;
  readonly priced: boolean;
  price: number;
  executed: number;
  open: number;
}

/** What the engine should tell and hold. */
class Twin {
  readonly engine = new ReferenceEngine({
    instruments: SYMBOLS.map(() => ({ minPrice: 1, maxPrice: PRICE_MAX })), ordersMax: 10_000, stp: Stp.CancelNewest,
  });
  readonly lines: string[] = [];
  readonly live = new Map<bigint, Known>();
  readonly positions = [0, 0];
  readonly cash = [0, 0];
  nextWire = 1n;

  run(command: Command): void {
    for (const event of this.engine.submit(command)) this.#tell(event);
  }

  #tell(event: EngineEvent): void {
    if (event.type === 'trade') return this.#trade(event);
    if (!('client' in event) || event.client !== Client.Ours) return;
    const order = this.live.get(event.id);
    if (order === undefined) return;
    const who = `#${order.publicId} ${SYMBOLS[order.book]} ${order.side > 0 ? 'buy' : 'sell'}`;
    const reason = 'reason' in event ? event.reason : 0;
    const why = reason === 0 ? '' : ` (${REASON_TEXT[reason]})`;
    switch (event.type) {
      case 'accepted':
        this.lines.push(`accepted ${who} ${event.qty} @ ${order.priced ? money(event.price) : 'null'}`);
        break;
      case 'canceled':
        this.lines.push(`canceled ${who} ${event.qty} executed ${order.executed}${why}`);
        this.live.delete(event.id);
        break;
      case 'replaced':
        order.price = event.price;
        order.open = event.qty;
        this.lines.push(`modified ${who} ${event.qty} @ ${money(event.price)} executed ${order.executed}`);
        break;
      case 'rejected':
        if (event.op === Cmd.New) {
          this.lines.push(`rejected ${who} ${order.open} @ ${order.priced ? money(order.price) : 'null'} (${reason} ${REASON_TEXT[reason]}, venue)`);
          this.live.delete(event.id);
        } else this.lines.push(`modify-rejected #${order.publicId} (${reason} ${REASON_TEXT[reason]})`);
        break;
      default:
    }
  }

  #trade(event: Extract<EngineEvent, { type: 'trade' }>): void {
    const sides: [number, bigint, number, number][] = [
      [event.takerClient, event.takerId, event.side, event.takerLeaves], [event.makerClient, event.makerId, -event.side, event.makerLeaves],
    ];
    for (const [client, id, side, leaves] of sides) {
      if (client !== Client.Ours) continue;
      const order = this.live.get(id)!;
      order.executed += event.qty;
      order.open = leaves;
      this.positions[event.book] += side * event.qty;
      this.cash[event.book] -= side * event.qty * event.price;
      this.lines.push(
        `fill #${order.publicId} ${SYMBOLS[event.book]} ${side > 0 ? 'buy' : 'sell'} ${event.qty} @ ${money(event.price)} ` +
        `leaves ${leaves} executed ${order.executed}`,
      );
      if (leaves === 0) this.live.delete(id);
    }
  }
}

function money(ticks: number): string {
  return (ticks / 100).toFixed(2);
}

class Run {
  readonly prng: Prng;
  readonly twin = new Twin();
  readonly rig: EngineRig;
  readonly flow = new Map<number, number>();
  #public = 0;
  #flow = 0;

  constructor(seed: number, rig: EngineRig) {
    this.prng = new Prng(seed);
    this.rig = rig;
  }

  step(): void {
    const chance = this.prng.below(100);
    if (chance < 40) this.place();
    else if (chance < 60) this.cancel();
    else if (chance < 72) this.modify();
    else this.market();
    this.rig.turn();
  }

  place(): void {
    const { prng, twin, rig } = this;
    const book = prng.below(SYMBOLS.length);
    const side = prng.chance(0.5) ? Side.Buy : Side.Sell;
    const price = 990 + prng.below(20);
    const quantity = 1 + prng.below(20);
    const kind = prng.below(12);
    const tif = TIFS[prng.below(TIFS.length)];
    const market = kind === 0;
    const stop = kind === 1;
    const rests = tif === 'gtc' || tif === 'day';
    const postOnly = kind === 2 && rests;
    const display = kind === 3 && rests && quantity > 2 ? 1 + prng.below(quantity - 1) : 0;
    const minimum = kind === 4 && tif !== 'fok' ? 1 + prng.below(quantity) : 0;
    const request = {
      symbol: SYMBOLS[book], side: side > 0 ? 'buy' : 'sell', quantity, tif,
      ...(market || stop ? {} : { price: money(price) }), ...(stop ? { stopPrice: money(price) } : {}),
      ...(postOnly ? { postOnly } : {}), ...(display > 0 ? { displayQuantity: display } : {}),
      ...(minimum > 0 ? { minQuantity: minimum } : {}),
    } as const;
    const publicId = rig.engine.tryPlaceOrder(request);
    this.#public += 1;
    assert.equal(publicId, this.#public);
    const id = twin.nextWire++;
    twin.live.set(id, { publicId, book, side, priced: !market && !stop, price, executed: 0, open: quantity });
    twin.run({
      type: Cmd.New, client: Client.Ours, book, id, side, qty: quantity, tif: NUMBERS[tif],
      orderType: market ? OrderType.Market : stop ? OrderType.Stop : OrderType.Limit, price: market || stop ? 0 : price,
      ...(stop ? { stopPrice: price } : {}), postOnly, ...(display > 0 ? { display } : {}), ...(minimum > 0 ? { minQty: minimum } : {}),
    });
  }

  cancel(): void {
    const publicId = 1 + this.prng.below(Math.max(1, this.#public));
    if (this.#public === 0) return;
    assert.equal(this.rig.engine.tryCancelOrder(publicId), 0);
    for (const [id, order] of this.twin.live) {
      if (order.publicId === publicId) return this.twin.run({ type: Cmd.Cancel, client: Client.Ours, book: order.book, id });
    }
    this.twin.lines.push(`cancel-rejected #${publicId} (6 ${REASON_TEXT[Reason.UnknownOrder]})`);
  }

  modify(): void {
    const { prng, twin, rig } = this;
    const orders = [...twin.live.entries()].filter(([, order]) => order.priced);
    if (orders.length === 0) return;
    const [id, order] = orders[prng.below(orders.length)];
    const price = prng.chance(0.5) ? order.price : 990 + prng.below(20);
    const open = 1 + prng.below(20);
    assert.equal(rig.engine.tryModifyOrder(order.publicId, { price: money(price), quantity: open }), 0);
    twin.run({ type: Cmd.Replace, client: Client.Ours, book: order.book, id, price, qty: order.executed + open, chain: true });
  }

  market(): void {
    const { prng, twin, rig, flow } = this;
    const known = [...flow.keys()];
    if (known.length > 0 && prng.chance(0.4)) {
      const reference = known[prng.below(known.length)];
      const book = flow.get(reference)!;
      if (prng.chance(0.5)) {
        flow.delete(reference);
        rig.engine.submitMarketData({ type: 'cancel', symbol: SYMBOLS[book], reference });
        return twin.run({ type: Cmd.Cancel, client: Client.Flow, book, id: BigInt(reference) });
      }
      const [price, quantity] = [990 + prng.below(20), 1 + prng.below(30)];
      rig.engine.submitMarketData({ type: 'modify', symbol: SYMBOLS[book], reference, side: 'buy', price: money(price), quantity });
      return twin.run({ type: Cmd.Replace, client: Client.Flow, book, id: BigInt(reference), price, qty: quantity });
    }
    const book = prng.below(SYMBOLS.length);
    const side = prng.chance(0.5) ? 'buy' : 'sell';
    const [price, quantity] = [990 + prng.below(20), 1 + prng.below(30)];
    const reference = ++this.#flow;
    flow.set(reference, book);
    rig.engine.submitMarketData({ type: 'add', symbol: SYMBOLS[book], reference, side, price: money(price), quantity });
    twin.run({
      type: Cmd.New, client: Client.Flow, book, id: BigInt(reference), side: side === 'buy' ? Side.Buy : Side.Sell, price,
      qty: quantity, stp: Stp.None,
    });
  }

  compare(seed: number, step: number): void {
    const { rig, twin } = this;
    const where = `seed ${seed} step ${step}`;
    assert.deepEqual(rig.take(), twin.lines.splice(0), where);
    for (const [book, symbol] of SYMBOLS.entries()) {
      const ours = rig.engine.book(symbol, 50);
      const theirs = twin.engine.depth(book, 50);
      const levels = (side: readonly { price: number; qty: bigint; orders: number }[]) =>
        side.map(({ price, qty, orders }) => ({ price: money(price), qty, orders }));
      assert.deepEqual([ours.bids, ours.asks], [levels(theirs.bids), levels(theirs.asks)], where);
      const position = rig.engine.position(symbol);
      assert.equal(position.quantity, twin.positions[book], where);
    }
    const open = rig.engine.orders().map(({ orderId, quantity, executed }) => [orderId, quantity, executed]);
    const expected = [...twin.live.values()].map((order) => [order.publicId, order.open, order.executed]);
    assert.deepEqual(open, expected, where);
  }
}

test('random calls: the same events, books, positions and open orders as the twin', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const rig = await EngineRig.start({
      instruments: SYMBOLS.map((symbol) => ({ symbol })), maxPositionSize: Infinity, maxPortfolioValue: Infinity, queue: { normalSlots: 64 },
      maxOrdersPerSecond: 1_000_000, ordersMax: 1_000,
    }, ['accepted', 'fill', 'canceled', 'rejected', 'modified', 'cancel-rejected', 'modify-rejected']);
    const run = new Run(seed, rig);
    for (let step = 0; step < STEPS; step++) {
      run.step();
      run.compare(seed, step);
    }
    // C4: realised + unrealised = cash + position × mark, in currency, at the end of every run.
    for (const [book, symbol] of SYMBOLS.entries()) {
      const { realizedPnl, unrealizedPnl } = rig.engine.position(symbol);
      const { bids: [bid], asks: [ask], last } = rig.engine.book(symbol, 1);
      if (unrealizedPnl === null || last === null) continue;
      const mark = bid && ask ? (Number(bid.price) + Number(ask.price)) / 2 : Number(last.price);
      const worth = run.twin.cash[book] / 100 + run.twin.positions[book] * mark;
      assert.ok(Math.abs(Number(realizedPnl) + Number(unrealizedPnl) - worth) < 1e-6, `seed ${seed}: ${realizedPnl} + ${unrealizedPnl}, was ${worth}`);
    }
    await rig.engine.stop();
  }
});
