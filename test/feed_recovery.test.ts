// The whole feed under bad links: an exchange with real orders, receivers that were there from the
// first message and receivers that join late, 10 % of all datagrams lost, 10 % doubled, 10 % late
// (requests and answers too). Whenever a receiver calls its books fresh and has all that was
// published, they are the engine's; when the market comes to rest, every receiver has them.
// FEED_RECOVERY_SEEDS sets the length.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../src/base/prng.ts';
import { MarketView } from '../src/book/market_view.ts';
import { EXCHANGE_DEFAULT, ListenerFraming, plainInstrument } from '../src/exchange/config.ts';
import { Exchange } from '../src/exchange/exchange.ts';
import { MemoryFabric, PERFECT_LINK } from '../src/net/memory_network.ts';
import { FeedHandler, FeedState } from '../src/trader/feed_handler.ts';
import { OrderEntry } from '../src/trader/order_entry.ts';
import {
  CLIENT_NONE, OrderType, PRICE_NONE_HI, PRICE_NONE_LO, SelfTradePrevention, TimeInForce,
} from '../src/wire/generated/native.ts';
import type { LossyLink } from '../src/net/memory_network.ts';
import type { Network } from '../src/net/transport.ts';
import type { FeedListener } from '../src/trader/feed_handler.ts';

const SEEDS = Number(process.env['FEED_RECOVERY_SEEDS'] ?? 3);
const HOST = '127.0.0.1';
const PORT = 12_345;
const BAD_LINK: LossyLink = { loss: 0.1, duplicate: 0.1, reorder: 0.1, reorderDistance: 8 };
const TURN_NS = 500_000;
const TURNS = 1_500;
const TURNS_TO_REST = 20_000;
const TICKERS = [1, 2, 3];

class Receiver implements FeedListener {
  readonly network: Network;
  readonly view: MarketView;
  handler: FeedHandler | null = null;
  readonly states = new Set<FeedState>();
  compared = 0;

  constructor(fabric: MemoryFabric) {
    this.network = fabric.network();
    this.view = new MarketView({
      instruments: TICKERS.map(() => ({ minPrice: 1, maxPrice: 0x7fff_ffff })), ordersMax: 1 << 16,
    });
  }

  async join(layout: 'native' | 'book'): Promise<void> {
    const { feed, snapshot, retransmit } = EXCHANGE_DEFAULT;
    const multicast = { group: feed.group, interface: HOST, receiveBufferBytes: 8 << 20 };
    this.handler = new FeedHandler(this.view, this, {
      layout,
      instruments: TICKERS.map((ticker) => ({ ticker })),
      incremental: await this.network.multicastReceiver({ ...multicast, port: feed.port }),
      snapshot: await this.network.multicastReceiver({ ...multicast, port: snapshot.port }),
      retransmit: {
        socket: await this.network.unicast({ host: HOST, port: 0 }), host: HOST,
        port: retransmit.port,
      },
      queueDatagrams: 1024,
    });
  }

  poll(nowNs: number): void {
    this.network.poll();
    this.handler?.poll(nowNs);
  }

  get whole(): FeedHandler {
    assert.ok(this.handler !== null);
    return this.handler;
  }

  onUpdate(): void {}

  onTrade(): void {}

  onState(state: FeedState): void {
    this.states.add(state);
  }
}

class Client {
  readonly entry: OrderEntry;
  readonly network: Network;
  readonly #prng: Prng;
  readonly #live: number[] = [];
  #nextOrder = 1;
  closed = '';

  constructor(fabric: MemoryFabric, client: number) {
    this.network = fabric.network();
    this.#prng = fabric.prng.fork();
    this.entry = new OrderEntry(
      { onReady: () => {}, onResponse: () => {}, onClosed: (reason) => { this.closed = reason; } },
      { client },
    );
  }

  /** A few random requests: plain and iceberg orders around a moving price, changes, cancels. */
  trade(turn: number): void {
    const prng = this.#prng;
    for (let i = prng.below(6); i > 0; i--) {
      const ticker = TICKERS[prng.below(TICKERS.length)];
      const roll = prng.below(100);
      if (roll < 60 || this.#live.length === 0) {
        const order = this.#nextOrder++;
        const side = prng.chance(0.5) ? 1 : -1;
        const price = 10_000 + Math.round(40 * Math.sin(turn / 200)) - side * prng.between(-4, 30);
        const qty = prng.between(1, 500);
        const display = prng.chance(0.2) ? prng.between(1, qty) : 0;
        this.entry.newOrderExtended(
          ticker, order, 0, side, price, 0, qty, OrderType.Limit, prng.chance(
            0.1,
          ) ? TimeInForce.Ioc : TimeInForce.Gtc,
          0, SelfTradePrevention.None, display, 0, PRICE_NONE_LO, PRICE_NONE_HI, CLIENT_NONE,
        );
        this.#live.push(order * TICKERS.length + ticker - 1);
      } else {
        const at = prng.below(this.#live.length);
        const known = this.#live[at];
        const order = Math.floor(known / TICKERS.length);
        const orderTicker = 1 + (known % TICKERS.length);
        if (roll < 75) {
          this.entry.modify(
            orderTicker, order, 0, prng.chance(0.5) ? 1 : -1, 10_000 + prng.between(-30, 30), 0,
            prng.between(1, 500),
          );
        } else {
          this.entry.cancel(orderTicker, order, 0);
          this.#live[at] = this.#live[this.#live.length - 1];
          this.#live.length--;
        }
      }
    }
  }

  poll(nowNs: number): void {
    this.network.poll();
    this.entry.poll(nowNs);
  }
}

async function run(seed: number, layout: 'native' | 'book', history: number): Promise<Receiver[]> {
  const fabric = new MemoryFabric({ seed });
  const exchange = await Exchange.open({
    network: fabric.network(),
    stamp: 1,
    config: {
      ...EXCHANGE_DEFAULT,
      listeners: [{ host: HOST, port: PORT, framing: ListenerFraming.Soup }],
      instruments: TICKERS.map(plainInstrument),
      ordersMax: 1 << 16,
      feed: { ...EXCHANGE_DEFAULT.feed, layout },
      snapshot: { ...EXCHANGE_DEFAULT.snapshot, intervalNs: 20 * TURN_NS },
      retransmit: { ...EXCHANGE_DEFAULT.retransmit, messages: history },
    },
  });
  const clients = [new Client(fabric, 1), new Client(fabric, 2)];
  for (const client of clients) {
    client.entry.connect(await client.network.connect({ host: HOST, port: PORT }), 0);
  }
  const receivers = [new Receiver(fabric), new Receiver(fabric)];
  await receivers[0].join(layout);
  let nowNs = 0;
  const turn = (): void => {
    nowNs += TURN_NS;
    for (const client of clients) client.poll(nowNs);
    exchange.poll(nowNs);
    for (const receiver of receivers) receiver.poll(nowNs);
    for (const receiver of receivers) {
      if (receiver.handler === null || !receiver.handler.fresh) continue;
      if (receiver.handler.nextSequence !== exchange.feed.channel.next) continue;
      receiver.compared++;
      assert.equal(
        receiver.view.publicHash(), exchange.engine.publicHash(),
        `seed ${seed}: fresh books are the engine's`,
      );
    }
  };
  for (let i = 0; i < 20; i++) turn();
  fabric.link = BAD_LINK;
  for (let i = 0; i < TURNS; i++) {
    if (i === TURNS / 2) await receivers[1].join(layout);
    for (const client of clients) client.trade(i);
    turn();
  }
  const atRest = (): boolean => receivers.every(
    ({ whole }) => whole.fresh && whole.nextSequence === exchange.feed.channel.next,
  );
  for (let i = 0; i < TURNS_TO_REST && !(i > 200 && atRest()); i++) turn();
  fabric.link = PERFECT_LINK;
  for (const client of clients) assert.equal(client.closed, '', `seed ${seed}`);
  for (const receiver of receivers) {
    assert.equal(receiver.whole.state, FeedState.Live, `seed ${seed}: live when the market rests`);
    assert.equal(
      receiver.whole.nextSequence, exchange.feed.channel.next,
      `seed ${seed}: all that was published`,
    );
    assert.equal(
      receiver.view.publicHash(), exchange.engine.publicHash(),
      `seed ${seed}: books equal the engine's`,
    );
    receiver.view.checkInvariants();
  }
  assert.ok(receivers[0].whole.gaps > 0 && receivers[0].whole.duplicates > 0, 'the link was bad');
  assert.ok(exchange.engine.ordersLive > 100, 'there was a market');
  exchange.close(nowNs);
  return receivers;
}

for (let seed = 1; seed <= SEEDS; seed++) {
  test(`native feed, seed ${seed}: receivers end with the engine's books`, async () => {
    const [early, late] = await run(seed, 'native', 1 << 18);
    assert.ok(early.whole.requested > 0 && early.whole.recovered > 0, 'holes were asked for');
    assert.ok(early.compared > 0 && late.compared > 0);
  });

  test(`native feed with a short memory, seed ${seed}: snapshots bridge holes`, async () => {
    const receivers = await run(seed, 'native', 64);
    for (const receiver of receivers) assert.ok(receiver.whole.snapshots > 0);
  });

  test(`book feed, seed ${seed}: snapshots alone`, async () => {
    const receivers = await run(seed, 'book', 64);
    for (const receiver of receivers) {
      assert.ok(receiver.whole.snapshots > 0);
      assert.equal(receiver.whole.requested, 0);
    }
  });
}
