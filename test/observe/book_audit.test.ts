// The books that the monitor follows, audited by a receiver that joins afresh: a real exchange, real orders, bad links. As
// long as every message is applied as it was said nothing differs, however much is lost and repaired; one bit of one
// quantity turned on its way is found, with its instrument, and is an alert. OUTCRY_AUDIT_TURNS sets the length.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { marketViewOf, MarketReceiver } from '../../src/apps/dashboard_market.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { EXCHANGE_DEFAULT, ListenerFraming, plainInstrument } from '../../src/exchange/config.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { MemoryFabric, type LossyLink } from '../../src/net/memory_network.ts';
import { AlertMonitor } from '../../src/observe/alerts/alert_monitor.ts';
import { ALERTS_DEFAULT } from '../../src/observe/alerts/alert_settings.ts';
import { BookAudit } from '../../src/observe/alerts/book_audit.ts';
import { systemView } from '../../src/observe/alerts/looks.reference.ts';
import { OrderEntry } from '../../src/trader/order_entry.ts';
import { AlteringNetwork } from './altering_network.ts';
import type { MarketDescription } from '../../src/apps/market_file.ts';
import type { Prng } from '../../src/base/prng.ts';
import type { Network } from '../../src/net/transport.ts';

const TURNS = Number(process.env['OUTCRY_AUDIT_TURNS'] ?? 4_000);
const HOST = '127.0.0.1';
const PORT = 12_345;
const TURN_NS = 1_000_000;
const TURN_MS = TURN_NS / 1e6;
/** A receiver that has just joined a quiet feed hears that nothing is missing by its next heartbeat, within a second. */
const TURNS_TO_TELL = 2_500;
const BAD_LINK: LossyLink = { loss: 0.05, duplicate: 0.05, reorder: 0.05, reorderDistance: 8 };
const TICKERS = [1, 2, 3];
/** Of the order whose quantity is turned on its way; no other has it. */
const MARKED_QTY = 77_777;

const MARKET: MarketDescription = {
  port: PORT, interface: HOST, feed: EXCHANGE_DEFAULT.feed, snapshot: EXCHANGE_DEFAULT.snapshot, retransmit: EXCHANGE_DEFAULT.retransmit,
  ordersMax: 1 << 14, instruments: TICKERS.map((ticker) => ({ ticker, symbol: `T${ticker}`, decimals: 2, tickSize: 1 })),
};

class Flow {
  readonly entry = new OrderEntry({ onReady: () => {}, onResponse: () => {}, onClosed: (reason) => assert.fail(reason) }, { client: 1 });
  readonly network: Network;
  readonly #prng: Prng;
  readonly #live: { readonly ticker: number; readonly order: number }[] = [];
  #next = 1;

  constructor(fabric: MemoryFabric) {
    this.network = fabric.network();
    this.#prng = fabric.prng.fork();
  }

  order(ticker: number, side: number, price: number, qty: number): number {
    this.entry.newOrder(ticker, this.#next, 0, side, price, 0, qty);
    return this.#next++;
  }

  trade(): void {
    const prng = this.#prng;
    for (let i = prng.below(4); i > 0; i--) {
      const side = prng.chance(0.5) ? 1 : -1;
      if (this.#live.length < 200 || prng.chance(0.5)) {
        const ticker = TICKERS[prng.below(TICKERS.length)];
        const order = this.order(ticker, side, 10_000 - side * prng.between(-2, 30), prng.between(1, 500));
        this.#live.push({ ticker, order });
      } else {
        const [{ ticker, order }] = this.#live.splice(prng.below(this.#live.length), 1);
        this.entry.cancel(ticker, order, 0);
      }
    }
  }
}

interface Rig {
  readonly audit: BookAudit;
  readonly altering: AlteringNetwork;
  readonly followed: MarketReceiver;
  readonly flow: Flow;
  /** So many turns, with orders or without. */
  turns(count: number, trading: boolean): Promise<void>;
  readonly close: () => void;
}

async function open(seed: number, link: LossyLink | null): Promise<Rig> {
  const fabric = new MemoryFabric({ seed });
  const exchange = await Exchange.open({
    network: fabric.network(), stamp: 1,
    config: {
      ...EXCHANGE_DEFAULT, listeners: [{ host: HOST, port: PORT, framing: ListenerFraming.Soup }], instruments: TICKERS.map(plainInstrument),
      ordersMax: MARKET.ordersMax, snapshot: { ...EXCHANGE_DEFAULT.snapshot, intervalNs: 100 * TURN_NS },
    },
  });
  const clock = new ManualClock();
  const flow = new Flow(fabric);
  flow.entry.connect(await flow.network.connect({ host: HOST, port: PORT }), 0);
  const altering = new AlteringNetwork(fabric.network(), MARKET.feed.port, MARKED_QTY);
  const followed = await MarketReceiver.join(MARKET, altering.network, clock);
  const own = fabric.network();
  const view = marketViewOf(MARKET);
  const audit = new BookAudit({
    followed, instruments: MARKET.instruments, intervalMs: () => 200 * TURN_MS,
    join: () => MarketReceiver.join(MARKET, own, clock, { view, asks: false }),
  }, 0);
  let nowNs = 0;
  const turn = (): void => {
    nowNs += TURN_NS;
    clock.advance(TURN_NS);
    flow.network.poll();
    flow.entry.poll(nowNs);
    exchange.poll(nowNs);
    followed.poll(nowNs / 1e6);
    audit.poll(nowNs / 1e6);
  };
  const turns = async (count: number, trading: boolean): Promise<void> => {
    for (let i = 0; i < count; i++) {
      if (trading) flow.trade();
      turn();
      await Promise.resolve(); // joining takes some
    }
  };
  await turns(50, true);
  fabric.link = link ?? fabric.link;
  return {
    audit, altering, followed, flow, turns,
    close: () => {
      audit.close();
      followed.close();
      exchange.close(nowNs);
    },
  };
}

test('nothing differs while every message is applied as it was said, on good links and bad', async (t) => {
  for (const [seed, link] of [[1, null], [2, BAD_LINK], [3, BAD_LINK]] as const) {
    const rig = await open(seed, link);
    t.after(rig.close);
    await rig.turns(TURNS, true);
    await rig.turns(TURNS_TO_TELL, false);
    const { audits, incomplete, mismatches } = rig.audit;
    assert.deepEqual([mismatches, incomplete], [[], 0], `seed ${seed}`);
    assert.ok(audits >= 2, `seed ${seed}: ${audits} audits`);
    if (link !== null) assert.ok(rig.followed.feed.gaps > 10, `seed ${seed}: the link was bad`);
  }
});

for (const trading of [true, false]) {
  test(`one bit of one quantity is found, with its instrument, while the feed is ${trading ? 'busy' : 'quiet'}; when the order leaves, the books agree`, async (t) => {
    const rig = await open(4, null);
    t.after(rig.close);
    const alerts = new AlertMonitor({ ...ALERTS_DEFAULT, clearAfterMs: 0 });
    const events = (nowMs: number): string[] =>
      alerts.observe(systemView(), { feedGaps: 0, mismatches: rig.audit.mismatches }, nowMs).map(({ event, alert }) => `${event} ${alert.kind} ${alert.subject}`);
    rig.flow.order(2, 1, 5_000, MARKED_QTY);
    await rig.turns(TURNS_TO_TELL, trading);
    assert.equal(rig.altering.altered, 1);
    assert.deepEqual(rig.audit.mismatches.map(({ ticker, symbol }) => [ticker, symbol]), [[2, 'T2']]);
    const [{ followed, fresh, sequence }] = rig.audit.mismatches;
    assert.match(`${followed} ${fresh}`, /^[0-9a-f]{16} [0-9a-f]{16}$/);
    assert.notEqual(followed, fresh);
    assert.ok(sequence > 0 && sequence < rig.followed.nextSequence);
    assert.deepEqual(events(0), ['raised HashMismatch T2']);
    // Both books say that the order has gone.
    rig.flow.entry.massCancel(2, 1);
    await rig.turns(TURNS_TO_TELL, trading);
    assert.deepEqual(events(250), ['cleared HashMismatch T2']);
  });
}

test('an audit that nobody can finish is left and counted; a closed one joins nothing', async () => {
  const never = { onMessage: () => {}, nextSequence: 1, whole: false, fresh: false, publicHash: () => 0n, publicHashOf: () => 0n };
  let joined = 0;
  let closed = 0;
  const audit = new BookAudit({
    followed: { ...never, whole: true }, instruments: [], intervalMs: () => 1_000,
    join: () => Promise.resolve({ ...never, poll: () => joined++, close: () => closed++ }),
  }, 0);
  audit.poll(999);
  await Promise.resolve();
  audit.poll(1_000);
  await new Promise(setImmediate);
  for (const nowMs of [1_250, 61_000, 61_001]) audit.poll(nowMs);
  assert.deepEqual([audit.audits, audit.incomplete, closed], [0, 1, 1]);
  assert.ok(joined > 0);
  audit.poll(62_001); // begins again
  audit.close();
  await new Promise(setImmediate);
  assert.equal(closed, 2);
  const refused = new BookAudit({ followed: never, instruments: [], intervalMs: () => 1, join: () => Promise.reject(new Error('no')) }, 0);
  refused.poll(1);
  await new Promise(setImmediate);
  assert.equal(refused.incomplete, 1);
});
