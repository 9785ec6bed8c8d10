// The feed handler against datagrams of its layout with mistakes in them, on its three sockets, while a
// good feed goes on: it throws nothing, its queues stay within their caps, its books keep their form.
// And no lie lasts: when the exchange begins a new session, the books are the exchange's again.
import assert from 'node:assert/strict';
import type { Prng } from '../../src/base/prng.ts';
import { MarketView } from '../../src/book/market_view.ts';
import { FeedHandler } from '../../src/trader/feed_handler.ts';
import { FeedRig } from '../../src/trader/feed_rig.reference.ts';
import { bookUpdates, moldDatagram, nativeUpdate, snapshotUpdate } from './messages.ts';
import { type Frame, plainFrame } from './mutator.ts';
import type { ByteTarget, Fed } from './target.ts';

type LayoutName = 'native' | 'book' | 'bare';

const MS_NS = 1_000_000;
const QUEUE_DATAGRAMS = 64;
const ORDERS_MAX = 4_096;
/** Numbers that a good feed reaches here. */
const SEQUENCES = 600;
const SESSION = 'SESSION  1';
const TURNS_MAX = 5_000;

class FeedFed implements Fed<Frame> {
  readonly #rig: FeedRig;
  readonly #view: MarketView;
  readonly #handler: FeedHandler;
  readonly #layout: LayoutName;
  #nowNs = 0;

  constructor(layout: LayoutName, prng: Prng) {
    this.#layout = layout;
    const faults = { loss: 0.05, duplicate: 0.05, reorder: 0.1 };
    this.#rig = new FeedRig({ seed: prng.u32(), faults, layout: layout === 'book' ? 'book' : 'native' });
    const { tickers, incremental, snapshot } = this.#rig;
    this.#view = new MarketView({ instruments: tickers.map(() => ({ minPrice: -1_000, maxPrice: 1_000 })), ordersMax: ORDERS_MAX });
    this.#handler = new FeedHandler(this.#view, { onUpdate: () => {}, onTrade: () => {}, onState: () => {} }, {
      layout, instruments: tickers.map((ticker) => ({ ticker })), incremental, snapshot,
      retransmit: { host: '127.0.0.1', port: 1, socket: this.#rig.requestSocket() }, queueDatagrams: QUEUE_DATAGRAMS,
    });
  }

  take(frames: readonly Frame[], prng: Prng): void {
    const rig = this.#rig;
    rig.step(prng.below(20));
    if (prng.chance(0.1)) rig.snapshotCycle();
    for (const { bytes } of frames)
      [rig.incremental, rig.snapshot, rig.answers][prng.below(3)].send(bytes, 0, bytes.length);
    this.#turn(MS_NS);
    // A changed byte can be a well-formed lie: prices that cross (9) and priorities out of order (14) are
    // what the feed said, not a fault of the books.
    try {
      this.#view.checkInvariants();
    } catch (error) {
      if (!/invariant (9|14) of/.test(String(error))) throw error;
    }
  }

  #turn(stepNs: number): void {
    this.#nowNs += stepNs;
    this.#handler.poll(this.#nowNs);
    this.#handler.checkInvariants();
    assert.ok(this.#handler.queuedDatagrams <= QUEUE_DATAGRAMS, 'the queue keeps to its cap');
  }

  check(): void {
    if (this.#layout !== 'native') return; // the others have no session that could begin anew
    const rig = this.#rig;
    rig.restart('SESSION  2');
    for (let turns = 0; !(this.#handler.fresh && this.#handler.nextSequence === rig.next); turns++) {
      assert.ok(turns < TURNS_MAX, `it is heard again: ${this.#handler.state}, next ${this.#handler.nextSequence} of ${rig.next}`);
      if (turns < 50) rig.step(5);
      rig.heartbeat();
      if (turns % 25 === 0) rig.snapshotCycle();
      this.#turn(20 * MS_NS);
    }
    assert.equal(this.#view.publicHash(), rig.books.publicHash(), 'no lie lasts');
    this.#view.checkInvariants();
  }

  close(): void {}
}

function nativeDatagrams(prng: Prng): Frame[] {
  if (prng.chance(0.2)) return [snapshotCycle(prng)];
  return Array.from({ length: prng.between(1, 4) }, () =>
    moldDatagram(prng, SESSION, prng.between(1, SEQUENCES), Array.from({ length: prng.below(8) }, () => nativeUpdate(prng))));
}

function snapshotCycle(prng: Prng): Frame {
  const last = prng.between(1, SEQUENCES);
  const orders = Array.from({ length: prng.below(6) }, () => snapshotUpdate(prng, prng.chance(0.3) ? 6 : 5, last));
  return moldDatagram(prng, `CYCLE${String(prng.between(1, 9)).padStart(5)}`, 1, [
    snapshotUpdate(prng, 7, last), ...orders, snapshotUpdate(prng, 8, last),
  ]);
}

function bookDatagrams(prng: Prng): Frame[] {
  return Array.from({ length: prng.between(1, 4) }, () => bookUpdates(prng, prng.between(0, SEQUENCES), prng.between(1, 8)));
}

function bareDatagrams(prng: Prng): Frame[] {
  return Array.from({ length: prng.between(1, 6) }, () => (prng.chance(0.05) ? plainFrame(new Uint8Array(0)) : nativeUpdate(prng)));
}

const VALID: Readonly<Record<LayoutName, (prng: Prng) => Frame[]>> = {
  native: nativeDatagrams, book: bookDatagrams, bare: bareDatagrams,
};

export const FEED_TARGETS: readonly ByteTarget[] = (['native', 'book', 'bare'] as const).map((layout) => ({
  name: `feed-${layout}`, kind: 'bytes', valid: VALID[layout], open: (prng) => new FeedFed(layout, prng),
}));
