// Hostile and broken datagrams against the feed handler: nothing may throw, no invariant may break,
// and what is not a datagram of the feed must leave no trace in the books. FEED_FUZZ_SEEDS sets the
// length.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { MarketView } from '../book/market_view.ts';
import { FeedHandler } from './feed_handler.ts';
import { FeedRig } from './feed_rig.reference.ts';
import type { FeedLayout } from './feed_layout.ts';
import type { FeedListener } from './feed_handler.ts';

const SEEDS = Number(process.env['FEED_FUZZ_SEEDS'] ?? 20);
const STEPS = 200;
const MS = 1_000_000;

const deaf: FeedListener = { onUpdate: () => {}, onTrade: () => {}, onState: () => {} };

interface Fuzzed {
  rig: FeedRig;
  view: MarketView;
  handler: FeedHandler;
}

function setUp(seed: number, layout: FeedLayout['name']): Fuzzed {
  const rig = new FeedRig({
    seed, faults: { loss: 0.05, duplicate: 0.05, reorder: 0.1 },
    layout: layout === 'book' ? 'book' : 'native',
  });
  const view = new MarketView({
    instruments: rig.tickers.map(
      () => ({ minPrice: -1000, maxPrice: 1000 }),
    ), ordersMax: 4096, viewLevels: 4,
  });
  const handler = new FeedHandler(view, deaf, {
    layout,
    instruments: rig.tickers.map((ticker) => ({ ticker })),
    incremental: rig.incremental,
    snapshot: rig.snapshot,
    retransmit: {
      host: '127.0.0.1',
      port: 1,
      socket: rig.requestSocket(),
    },
    queueDatagrams: 64,
  });
  return { rig, view, handler };
}

/** Bytes that resemble nothing, or the beginning of something. */
function garbage(prng: Prng): Uint8Array {
  const bytes = Uint8Array.from(
    { length: prng.below(prng.chance(0.1) ? 3000 : 120) }, () => prng.below(256),
  );
  if (prng.chance(0.5)) bytes.fill(0, 18, 19);
  return bytes;
}

/** A datagram that was good, with some of its bytes changed, cut or repeated. */
function mutated(prng: Prng, good: Uint8Array): Uint8Array {
  const bytes = good.slice(0, prng.chance(0.3) ? prng.below(good.length + 1) : good.length);
  for (let i = prng.below(4); i >= 0 && bytes.length > 0; i--) {
    bytes[prng.below(bytes.length)] = prng.below(256);
  }
  return prng.chance(0.1) ? Uint8Array.from([...bytes, ...bytes]) : bytes;
}

/**
 * The books' structure. A changed byte can be a well-formed lie, so crossed prices (9) and
 * priorities out of order (14) are what the feed said, not a fault of the books.
 */
function checkStructure(view: MarketView): void {
  try {
    view.checkInvariants();
  } catch (error) {
    if (!/invariant (9|14) of/.test(String(error))) throw error;
  }
}

for (const layout of ['native', 'book', 'bare'] as const) {
  test(`${layout}: random and mutated datagrams break nothing`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { rig, view, handler } = setUp(seed, layout);
      const prng = new Prng(seed * 7919);
      const scratch = new Uint8Array(2048);
      let nowNs = 0;
      try {
        for (let step = 0; step < STEPS; step++) {
          rig.step(prng.below(30));
          if (step % 25 === 0) rig.snapshotCycle();
          const link = [rig.incremental, rig.snapshot, rig.answers][prng.below(3)];
          const length = link.receive(scratch, 0, scratch.length);
          const bad = length > 0 ? mutated(prng, scratch.slice(0, length)) : garbage(prng);
          link.send(bad, 0, bad.length);
          nowNs += MS;
          handler.poll(nowNs);
          handler.checkInvariants();
        }
        checkStructure(view);
      } catch (error) {
        throw new Error(`seed ${seed}, layout ${layout}`, { cause: error });
      }
    }
  });
}

test('native: bytes of no session of ours are counted and the books end equal', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { rig, view, handler } = setUp(seed, 'native');
    const prng = new Prng(seed * 104_729);
    let nowNs = 0;
    rig.heartbeat();
    const whole = (): boolean => handler.fresh && handler.nextSequence === rig.next;
    for (let step = 0; step < STEPS || !whole(); step++) {
      assert.ok(step < STEPS * 5, `seed ${seed}: still ${handler.state} after ${step} steps`);
      if (step < STEPS) rig.step(prng.below(30));
      rig.heartbeat();
      if (step % 25 === 0) rig.snapshotCycle();
      // Not of two different strange sessions in a row: that would be the exchange starting again.
      const bad = garbage(prng);
      [rig.incremental, rig.snapshot, rig.answers][prng.below(3)].send(bad, 0, bad.length);
      nowNs += MS;
      handler.poll(nowNs);
      handler.checkInvariants();
    }
    assert.equal(view.publicHash(), rig.books.publicHash(), `seed ${seed}`);
    assert.ok(handler.malformed + handler.foreign > 0);
    assert.equal(handler.unapplied, 0);
  }
});
