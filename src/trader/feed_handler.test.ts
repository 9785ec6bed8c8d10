import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FeedHandler, FeedState } from './feed_handler.ts';
import { ReferenceFeedBooks } from './feed_books.reference.ts';
import { FeedRig, NO_FAULTS } from './feed_rig.reference.ts';
import { UpdateKind } from './feed_layout.ts';
import type { FeedHandlerOptions, FeedListener } from './feed_handler.ts';

const MS = 1_000_000;
/** Seeds per way of joining. */
const SEEDS = Number(process.env['FEED_SEEDS'] ?? 5);
const BAD_LINK = { loss: 0.1, duplicate: 0.1, reorder: 0.1 };

/**
 * Hears everything, and checks at each change that books called fresh really are the exchange's.
 */
class Receiver implements FeedListener {
  readonly books: ReferenceFeedBooks;
  readonly handler: FeedHandler;
  readonly rig: FeedRig;
  readonly states: number[] = [];
  updates = 0;
  trades = 0;
  nowNs = 0;
  freshPolls = 0;

  constructor(rig: FeedRig, options: Partial<FeedHandlerOptions> = {}) {
    this.rig = rig;
    this.books = new ReferenceFeedBooks(rig.tickers.length);
    this.handler = new FeedHandler(this.books, this, {
      layout: rig.layout,
      instruments: rig.tickers.map((ticker) => ({ ticker })),
      incremental: rig.incremental,
      snapshot: rig.snapshot,
      retransmit: { socket: rig.requestSocket(), host: '127.0.0.1', port: 5002 },
      queueDatagrams: 512,
      ...options,
    });
  }

  onUpdate(): void {
    this.updates++;
  }

  onTrade(): void {
    this.trades++;
  }

  onState(state: FeedState): void {
    this.states.push(state);
  }

  /** Polls for `ms` milliseconds in steps of one. */
  run(ms: number): void {
    for (let i = 0; i < ms; i++) {
      this.nowNs += MS;
      this.handler.poll(this.nowNs);
      this.handler.checkInvariants();
      if (this.handler.fresh) this.freshPolls++;
    }
  }
}

/** A receiver on a good link that has heard `changes` changes. */
function joined(
  seed: number, changes: number, options: Partial<FeedHandlerOptions> = {}, layout: 'native' | 'book' = 'native',
): { rig: FeedRig; receiver: Receiver } {
  const rig = new FeedRig({ seed, faults: NO_FAULTS, layout });
  const receiver = new Receiver(rig, options);
  rig.step(changes);
  receiver.run(1);
  return { rig, receiver };
}

function assertEqualBooks(rig: FeedRig, receiver: Receiver, what: string): void {
  assert.equal(receiver.handler.state, FeedState.Live, `${what}: live at the end`);
  assert.ok(receiver.handler.fresh, `${what}: fresh at the end`);
  assert.equal(receiver.handler.nextSequence, rig.next, `${what}: at the exchange's sequence`);
  assert.equal(receiver.books.publicHash(), rig.books.publicHash(), `${what}: books equal`);
}

describe('feed handler on a good link', () => {
  test('applies everything from the first message on', () => {
    const rig = new FeedRig({ seed: 1, faults: NO_FAULTS });
    const receiver = new Receiver(rig);
    assert.equal(receiver.handler.state, FeedState.Joining);
    for (let i = 0; i < 50; i++) {
      rig.step(100);
      receiver.run(1);
      assertEqualBooks(rig, receiver, `step ${i}`);
    }
    assert.equal(receiver.handler.applied, rig.next - 1);
    assert.equal(receiver.trades + receiver.updates, rig.next - 1);
    assert.equal(
      receiver.handler.gaps + receiver.handler.duplicates + receiver.handler.requested, 0,
    );
    assert.deepEqual(receiver.states, [FeedState.Live]);
  });

  test('the book layout, without sessions', () => {
    const rig = new FeedRig({ seed: 2, faults: NO_FAULTS, layout: 'book' });
    const receiver = new Receiver(rig);
    rig.step(5000);
    receiver.run(20);
    assertEqualBooks(rig, receiver, 'book layout');
  });

  test('ends with the session', () => {
    const rig = new FeedRig({ seed: 3, faults: NO_FAULTS });
    const receiver = new Receiver(rig);
    rig.step(100);
    rig.endOfSession();
    receiver.run(1);
    assert.equal(receiver.handler.state, FeedState.Ended);
    assert.ok(!receiver.handler.fresh);
    assert.equal(receiver.books.publicHash(), rig.books.publicHash());
  });

  test('a silent exchange is not fresh, whatever the books say', () => {
    const rig = new FeedRig({ seed: 4, faults: NO_FAULTS });
    const receiver = new Receiver(rig);
    rig.step(10);
    receiver.run(2900);
    assert.ok(receiver.handler.fresh);
    receiver.run(200);
    assert.ok(!receiver.handler.fresh);
    rig.heartbeat();
    receiver.run(1);
    assert.ok(receiver.handler.fresh);
  });

  test('polled only when it says that it must be, it notices a silence and asks as often as one that is always polled', () => {
    const seen = [false, true].map((resting) => {
      const { rig, receiver } = joined(9, 500);
      rig.answering = false;
      rig.lose(30);
      rig.step(50);
      receiver.run(1); // news wake a loop
      const { handler } = receiver;
      const endNs = receiver.nowNs + 4e9;
      let polls = 0;
      for (; receiver.nowNs < endNs; polls++) {
        const due = resting ? Math.min(handler.dueNs(), endNs) : 0;
        receiver.nowNs = Math.max(receiver.nowNs + 1e6, due);
        handler.poll(receiver.nowNs);
      }
      return { requested: handler.requested, fresh: handler.fresh, state: handler.state, polls };
    });
    const [always, resting] = seen;
    assert.ok(always.requested > 60 && !always.fresh, 'there was something to do by the clock');
    assert.ok(Math.abs(resting.requested - always.requested) <= 30, `${resting.requested} requested, ${always.requested} by who is always polled`);
    assert.deepEqual([resting.fresh, resting.state], [always.fresh, always.state]);
    assert.ok(resting.polls < 100 && always.polls === 4_000, `${resting.polls} and ${always.polls} polls`);
  });
});

test('listeners are told after the change: a clear leaves no top (known mistake 15)', () => {
  const rig = new FeedRig({ seed: 20, faults: NO_FAULTS });
  const tops: (number | undefined)[][] = [];
  const books = new ReferenceFeedBooks(rig.tickers.length);
  const listener: FeedListener = {
    onUpdate: (book, kind) => {
      if (kind === UpdateKind.Clear) tops.push([books.best(book, 1), books.best(book, -1)]);
    },
    onTrade: () => {},
    onState: () => {},
  };
  const handler = new FeedHandler(books, listener, {
    instruments: rig.tickers.map((ticker) => ({ ticker })),
    incremental: rig.incremental, snapshot: null, retransmit: null,
  });
  rig.step(200);
  handler.poll(MS);
  assert.ok(books.best(0, 1) !== undefined && books.best(0, -1) !== undefined);
  rig.clear(0);
  handler.poll(2 * MS);
  assert.deepEqual(tops, [[undefined, undefined]]);
  assert.equal(books.publicHash(), rig.books.publicHash());
});

describe('holes', () => {
  test('a duplicate starts nothing, a lower sequence is ignored (known mistake 14)', () => {
    const rig = new FeedRig({ seed: 5, faults: { loss: 0, duplicate: 0.5, reorder: 0 } });
    const receiver = new Receiver(rig);
    for (let i = 0; i < 20; i++) {
      rig.step(50);
      receiver.run(2);
    }
    assertEqualBooks(rig, receiver, 'duplicates');
    assert.ok(receiver.handler.duplicates > 100);
    assert.equal(receiver.handler.gaps, 0);
    assert.equal(receiver.handler.requested, 0);
    assert.equal(receiver.handler.snapshots, 0);
  });

  test('a lost datagram shifts nothing: asked for again, no snapshot (known mistake 13)', () => {
    const { rig, receiver } = joined(6, 200);
    rig.lose(30);
    receiver.run(1);
    assert.ok(receiver.handler.fresh, 'nobody can know yet');
    rig.step(1);
    rig.snapshotCycle();
    const before = receiver.books.publicHash();
    receiver.handler.poll(++receiver.nowNs);
    assert.equal(receiver.handler.state, FeedState.Gap);
    assert.ok(!receiver.handler.fresh, 'a known hole makes the books stale at once');
    assert.equal(receiver.books.publicHash(), before, 'nothing behind the hole is applied');
    receiver.run(5);
    assertEqualBooks(rig, receiver, 'closed hole');
    assert.equal(receiver.handler.gaps, 1);
    assert.ok(receiver.handler.recovered >= 30);
    assert.equal(receiver.handler.snapshots, 0);
  });

  test('the last datagram lost: a heartbeat tells', () => {
    const { rig, receiver } = joined(7, 10);
    rig.lose(10);
    rig.heartbeat();
    receiver.run(10);
    assertEqualBooks(rig, receiver, 'tail');
  });

  test('the last datagram lost, in a layout without heartbeats: snapshot cycles tell', () => {
    const { rig, receiver } = joined(19, 100, {}, 'book');
    rig.lose(10);
    rig.snapshotCycle();
    receiver.run(1);
    assert.ok(receiver.handler.fresh, 'it may be on its way');
    rig.snapshotCycle();
    receiver.run(1);
    assert.ok(!receiver.handler.fresh);
    rig.snapshotCycle();
    receiver.run(1);
    assertEqualBooks(rig, receiver, 'book layout');
  });

  test('reordering alone is waited out', () => {
    const rig = new FeedRig({ seed: 8, faults: { loss: 0, duplicate: 0, reorder: 0.3 } });
    const receiver = new Receiver(rig);
    for (let i = 0; i < 20; i++) {
      rig.step(100);
      receiver.run(1);
    }
    assertEqualBooks(rig, receiver, 'reordering');
    assert.equal(receiver.handler.requested, 0);
  });

  test('nobody answers: bounded asking, then a snapshot and what was kept', () => {
    const { rig, receiver } = joined(9, 500);
    rig.answering = false;
    rig.lose(30);
    rig.step(50);
    receiver.run(1000);
    assert.equal(receiver.handler.state, FeedState.Recovering);
    assert.ok(
      receiver.handler.requested < 30 * 40, `asked for ${receiver.handler.requested} messages`,
    );
    rig.snapshotCycle();
    rig.step(50);
    receiver.run(5);
    assertEqualBooks(rig, receiver, 'snapshot');
    assert.equal(receiver.handler.snapshots, 1);
    assert.equal(receiver.handler.gaps, 1);
  });

  test('a hole that is too large is not asked for', () => {
    const { rig, receiver } = joined(10, 10, { holeMessagesMax: 1000 });
    rig.lose(5000);
    rig.step(10);
    receiver.run(1);
    assert.equal(receiver.handler.state, FeedState.Recovering);
    rig.snapshotCycle();
    receiver.run(5);
    assertEqualBooks(rig, receiver, 'large hole');
    assert.equal(receiver.handler.snapshots, 1);
  });

  test('the queue is bounded, what does not fit is asked for later', () => {
    const { rig, receiver } = joined(11, 10, { queueDatagrams: 4 });
    rig.answering = false;
    rig.lose(10);
    rig.step(300);
    receiver.run(5);
    assert.equal(receiver.handler.queuedDatagrams, 4);
    assert.ok(receiver.handler.dropped > 0);
    rig.answering = true;
    receiver.run(100);
    assertEqualBooks(rig, receiver, 'bounded queue');
  });
});

describe('joining and starting again', () => {
  test('a late joiner takes a snapshot and what came meanwhile', () => {
    const rig = new FeedRig({ seed: 12, faults: NO_FAULTS });
    rig.step(20_000);
    rig.incremental.close(); // whoever joins later has not heard it
    const receiver = new Receiver(rig);
    rig.step(100);
    receiver.run(3);
    assert.equal(receiver.handler.state, FeedState.Recovering);
    rig.snapshotCycle();
    rig.step(100);
    receiver.run(3);
    assertEqualBooks(rig, receiver, 'late joiner');
    assert.equal(receiver.handler.snapshots, 1);
  });

  test('a late joiner of an idle market', () => {
    const rig = new FeedRig({ seed: 13, faults: NO_FAULTS });
    rig.step(9000);
    rig.incremental.close(); // whoever joins later has not heard it
    const receiver = new Receiver(rig);
    rig.snapshotCycle();
    receiver.run(2);
    assert.ok(!receiver.handler.fresh, 'the feed itself has not been heard');
    rig.heartbeat();
    receiver.run(2);
    assertEqualBooks(rig, receiver, 'idle market');
  });

  test('a snapshot older than the books is not used', () => {
    const rig = new FeedRig({ seed: 14, faults: NO_FAULTS });
    rig.answering = false;
    const receiver = new Receiver(rig);
    rig.step(100);
    rig.snapshotCycle();
    rig.step(100);
    receiver.handler.poll(1);
    assert.ok(receiver.handler.nextSequence > 101);
    rig.lose(10);
    rig.step(10);
    receiver.run(1000);
    assert.equal(receiver.handler.snapshots, 0);
    rig.snapshotCycle();
    receiver.run(2);
    assertEqualBooks(rig, receiver, 'newer snapshot');
  });

  test('a new session empties the books; one stray datagram of another does not', () => {
    const { rig, receiver } = joined(15, 500);
    const ours = rig.session;
    rig.session = 'STRAY     ';
    rig.heartbeat();
    rig.session = ours;
    rig.step(10);
    receiver.run(1);
    assertEqualBooks(rig, receiver, 'stray');
    rig.restart('SESSION  2');
    rig.step(300);
    receiver.run(10);
    assertEqualBooks(rig, receiver, 'new session');
    assert.equal(receiver.handler.restarts, 1);
    rig.session = 'SESSION  1';
    rig.heartbeat();
    rig.heartbeat();
    rig.session = 'SESSION  2';
    receiver.run(2);
    assertEqualBooks(rig, receiver, 'late datagrams of the old session');
    assert.equal(receiver.handler.restarts, 1);
  });

  for (const layout of ['native', 'book'] as const) {
    test(`numbers that begin again under the same name (${layout})`, () => {
      const rig = new FeedRig({ seed: 16, faults: NO_FAULTS, layout });
      const receiver = new Receiver(rig);
      rig.step(5000);
      receiver.run(10);
      rig.restart(rig.session);
      for (let i = 0; i < 30; i++) {
        rig.step(20);
        rig.heartbeat();
        receiver.run(100);
      }
      rig.snapshotCycle();
      receiver.run(5);
      assert.equal(receiver.handler.restarts, 1);
      assertEqualBooks(rig, receiver, 'same name');
    });
  }

  test('a book that refuses a message is loaded again', () => {
    const { rig, receiver } = joined(17, 500);
    receiver.books.clear(0);
    for (let i = 0; i < 10; i++) {
      rig.step(50);
      receiver.run(1);
    }
    assert.ok(receiver.handler.unapplied > 0);
    assert.ok(!receiver.handler.fresh);
    rig.snapshotCycle();
    receiver.run(50);
    assertEqualBooks(rig, receiver, 'loaded again');
  });
});

describe('a bad link: 10 % loss, 10 % duplicates, reordering', () => {
  for (let seed = 100; seed < 100 + SEEDS; seed++) {
    for (const mode of ['from the start', 'late', 'short history', 'book layout'] as const) {
      test(`${mode}, seed ${seed}`, () => badLink(seed, mode));
    }
  }
});

function badLink(
  seed: number, mode: 'from the start' | 'late' | 'short history' | 'book layout',
): void {
  const layout = mode === 'book layout' ? 'book' : 'native';
  const rig = new FeedRig({
    seed, faults: BAD_LINK, layout, depth: layout === 'book' ? 8 : 60,
    ...(mode === 'short history' ? { history: 60 } : {}),
  });
  if (mode === 'late') {
    rig.step(10_000);
    rig.incremental.close(); // whoever joins later has not heard it
  }
  const receiver = new Receiver(rig);
  for (let i = 0; i < 300; i++) {
    rig.step(40);
    if (i % 20 === 0) rig.snapshotCycle();
    receiver.run(2);
    if (receiver.handler.fresh && receiver.handler.nextSequence === rig.next) {
      assert.equal(
        receiver.books.publicHash(), rig.books.publicHash(),
        `seed ${seed}: fresh books are the exchange's`,
      );
    }
  }
  // The market falls silent; what is lost must come by itself.
  const whole = (): boolean => receiver.handler.fresh && receiver.handler.nextSequence === rig.next;
  for (let i = 0; i < 400 && !whole(); i++) {
    rig.heartbeat();
    if (i % 20 === 0) rig.snapshotCycle();
    receiver.run(2);
  }
  assertEqualBooks(rig, receiver, `seed ${seed}, ${mode}`);
  const { gaps, duplicates, requested, recovered, snapshots } = receiver.handler;
  assert.ok(gaps > 0 && duplicates > 0, 'the link was bad');
  if (mode === 'from the start') assert.ok(requested > 0 && recovered > 0);
  if (mode !== 'from the start') assert.ok(snapshots > 0, 'snapshots were used');
  assert.ok(receiver.freshPolls > 0, 'the books were fresh now and then');
}

test('update kinds that are not of the feed are counted and change nothing', () => {
  const { rig, receiver } = joined(18, 10);
  const datagram = Buffer.alloc(20 + 36);
  datagram.write(rig.session, 0, 'latin1');
  datagram.writeBigUInt64BE(BigInt(rig.next), 10);
  datagram.writeUInt16BE(1, 18);
  datagram.writeUInt16BE(34, 20);
  datagram[22] = 200;
  rig.next++;
  rig.incremental.send(datagram, 0, datagram.length);
  receiver.run(1);
  assert.equal(receiver.handler.malformed, 1);
  assertEqualBooks(rig, receiver, 'unknown kind');
  assert.equal(receiver.handler.layout.kinds[200], UpdateKind.Unknown);
});
