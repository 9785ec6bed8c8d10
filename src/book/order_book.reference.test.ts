// Properties of the twin by itself: what must hold of any matching engine, told from its events
// alone, so that a wrong rule cannot hide behind a core that has it too. OUTCRY_FUZZ scales the
// number of commands.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventBook } from './event_book.ts';
import { BOOK_ALL, HASH_START, ReferenceEngine, mix, mixAll } from './order_book.reference.ts';
import { RandomCommands } from './random_commands.ts';
import { Cmd, OrderType, Reason, Side, Tif, type EngineEvent } from './types.ts';

const COMMANDS = Math.ceil(Number(process.env['OUTCRY_FUZZ'] ?? 200_000) / 10);
const EPISODE = 5_000;
const CONFIG = { instruments: [{ minPrice: 1, maxPrice: 1000 }], ordersMax: 100 };

/** Runs random commands; `see` gets each command's events before they are applied to the book. */
function run(see: (engine: ReferenceEngine, events: EngineEvent[]) => void): void {
  for (let seed = 1; seed <= Math.ceil(COMMANDS / EPISODE); seed++) {
    const random = new RandomCommands(seed);
    const engine = new ReferenceEngine(random.config);
    for (let n = 0; n < EPISODE; n++) {
      const events = engine.submit(random.next());
      random.observe(events);
      try {
        see(engine, events);
      } catch (error) {
        throw new Error(`seed ${seed}, command ${n + 1}`, { cause: error });
      }
    }
  }
}

test('the book is never crossed or locked, and its structure holds', () => {
  let count = 0;
  run((engine) => {
    for (let book = 0; book < engine.instruments.length; book++) {
      const { bid, ask } = engine.top(book);
      assert.ok(bid === null || ask === null || bid.price < ask.price);
    }
    if (++count % 50 === 0) engine.checkInvariants();
  });
});

test('every trade is with the first order of the best level, at its price', () => {
  let told = new EventBook();
  let last: ReferenceEngine | null = null;
  run((engine, events) => {
    if (engine !== last) told = new EventBook();
    last = engine;
    for (const event of events) {
      if (event.type === 'trade') {
        const [best] = told.levels(event.book, -event.side);
        const first = best.entries[0];
        assert.equal(event.makerOrderId, first.orderId);
        assert.equal(event.price, first.price);
        assert.ok(event.qty >= 1 && event.qty <= first.displayed);
      }
      told.apply(event);
    }
    assert.equal(told.publicHash(), engine.publicHash());
  });
});

/** What became of one order's quantity, from its events. */
interface Account {
  client: number;
  /** Accepted, plus what replaces added, minus what they took. */
  ordered: number;
  filled: number;
  cancelled: number;
  prevented: number;
}

/** Keeps an account of each order and finds every event in agreement with it. */
class Ledger {
  readonly live = new Map<bigint, Account>();

  book(event: EngineEvent): void {
    switch (event.type) {
      case 'accepted':
        assert.ok(!this.live.has(event.orderId), 'an order id is given once');
        this.live.set(event.orderId, {
          client: event.client, ordered: event.qty, filled: 0, cancelled: 0, prevented: 0,
        });
        break;
      case 'trade':
        this.#fill(event.takerOrderId, event.qty, event.takerLeaves);
        this.#fill(event.makerOrderId, event.qty, event.makerLeaves);
        break;
      case 'reduced': {
        const account = this.#account(event.orderId);
        if (event.reason === Reason.SelfTrade) account.prevented += event.qty;
        else account.cancelled += event.qty;
        this.#settle(event.orderId, event.leaves);
        break;
      }
      case 'canceled': {
        const account = this.#account(event.orderId);
        if (event.reason === Reason.SelfTrade) account.prevented += event.qty;
        else account.cancelled += event.qty;
        this.#settle(event.orderId, 0);
        break;
      }
      case 'replaced': {
        const account = this.#account(event.orderId);
        account.ordered += event.qty - open(account);
        break;
      }
      case 'rested':
      case 'displayed':
        assert.equal(open(this.#account(event.orderId)), event.leaves);
        assert.ok(event.displayed >= 1 && event.displayed <= event.leaves);
        break;
      case 'triggered':
        assert.equal(open(this.#account(event.orderId)), event.qty);
        break;
      case 'rejected':
      case 'state':
        break;
    }
  }

  #fill(orderId: bigint, qty: number, leaves: number): void {
    this.#account(orderId).filled += qty;
    this.#settle(orderId, leaves);
  }

  #settle(orderId: bigint, leaves: number): void {
    const rest = open(this.#account(orderId));
    assert.equal(rest, leaves, 'ordered = filled + open + cancelled + prevented');
    if (leaves === 0) this.live.delete(orderId);
  }

  #account(orderId: bigint): Account {
    const account = this.live.get(orderId);
    assert.ok(account, `order ${orderId} is live`);
    return account;
  }
}

function open({ ordered, filled, cancelled, prevented }: Account): number {
  return ordered - filled - cancelled - prevented;
}

test('conservation: each order = filled + open + cancelled + prevented, to the end', () => {
  // With ackReplaceLast the trades of a replace come before its new quantity is told: not here.
  for (let seed = 1; seed <= Math.ceil(COMMANDS / EPISODE); seed++) {
    const random = new RandomCommands(seed);
    const engine = new ReferenceEngine({ ...random.config, ackReplaceLast: false });
    const ledger = new Ledger();
    for (let n = 0; n < EPISODE; n++) {
      const events = engine.submit(random.next());
      random.observe(events);
      for (const event of events) ledger.book(event);
    }
    for (const client of new Set([...ledger.live.values()].map((account) => account.client))) {
      for (const event of engine.submit({ type: Cmd.MassCancel, client, book: BOOK_ALL })) {
        assert.equal(event.type, 'canceled');
        ledger.book(event);
      }
    }
    assert.equal(ledger.live.size, 0, 'what the events left open is what mass cancels find');
  }
});

test('a rejected command changes nothing', () => {
  let before = 0n;
  let last: ReferenceEngine | null = null;
  run((engine, events) => {
    const after = engine.stateHash();
    if (engine === last && events[0]?.type === 'rejected') {
      assert.equal(events.length, 1);
      assert.equal(after, before);
    }
    last = engine;
    before = after;
  });
});

test('the same commands give the same events and hashes', () => {
  const traces = [1, 2].map(() => {
    const random = new RandomCommands(99);
    const engine = new ReferenceEngine(random.config);
    const trace: EngineEvent[] = [];
    for (let n = 0; n < EPISODE; n++) {
      const events = engine.submit(random.next());
      random.observe(events);
      trace.push(...events);
    }
    return { trace, state: engine.stateHash(), visible: engine.publicHash() };
  });
  assert.deepEqual(traces[0], traces[1]);
});

test('depth, top and VWAP of visible quantity', () => {
  const engine = new ReferenceEngine(CONFIG);
  const order = { type: Cmd.New, client: 1, orderType: OrderType.Limit, tif: Tif.Gtc };
  engine.submit({ ...order, id: 1n, side: Side.Sell, price: 101, qty: 30, display: 10 });
  engine.submit({ ...order, id: 2n, side: Side.Sell, price: 103, qty: 5 });
  engine.submit({ ...order, id: 3n, side: Side.Buy, price: 99, qty: 7 });
  engine.submit({ ...order, id: 4n, side: Side.Buy, price: 99, qty: 2 });
  assert.deepEqual(engine.depth(0, 1), {
    bids: [{ price: 99, qty: 9n, orders: 2 }], asks: [{ price: 101, qty: 10n, orders: 1 }],
  });
  assert.deepEqual(engine.top(0), {
    bid: { price: 99, qty: 9n, orders: 2 }, ask: { price: 101, qty: 10n, orders: 1 },
  });
  assert.deepEqual(engine.vwap(0, Side.Buy, 12), { filled: 12n, cost: 10n * 101n + 2n * 103n });
  assert.deepEqual(engine.vwap(0, Side.Buy, 1000), { filled: 15n, cost: 10n * 101n + 5n * 103n });
  assert.deepEqual(engine.vwap(0, Side.Sell, 8n), { filled: 8n, cost: 8n * 99n });
  assert.throws(() => engine.depth(1, 5), /book: expected 0 … 0, was 1/);
});

test('the hashes are those of docs/MATCHING.md', () => {
  assert.equal(mix(HASH_START, 7), 0x1e15259d7bb07c57n);
  const engine = new ReferenceEngine(CONFIG);
  assert.equal(engine.publicHash(), HASH_START);
  assert.equal(engine.stateHash(), mix(HASH_START, 1));
  engine.submit({ type: Cmd.New, client: 3, id: 9n, side: Side.Buy, price: 50, qty: 4 });
  // orderId, price, displayed, priority
  assert.equal(engine.publicHash(), mixAll(HASH_START, [0, 1, 50, 4, 1]));
  // book, state, last, traded; orderId, id, client, owner, price, displayed, open, executed,
  // priority, display, stop price, tif, type, flags; next number
  assert.equal(engine.stateHash(), mixAll(HASH_START, [
    0, 0, 0, 0, 1, 9, 3, 3, 50, 4, 4, 0, 1, 0, 0, Tif.Gtc, OrderType.Limit, 0, 2,
  ]));
  assert.equal(mix(HASH_START, -1), mix(HASH_START, 2n ** 64n - 1n), 'sign-extended');
});

test('a configuration that cannot be is refused', () => {
  assert.throws(() => new ReferenceEngine({ ...CONFIG, instruments: [] }), /instruments: expected/);
  assert.throws(() => new ReferenceEngine({ ...CONFIG, ordersMax: 0 }), /ordersMax: expected/);
});
