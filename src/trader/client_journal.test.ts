import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Side } from '../book/types.ts';
import { MemoryDisk } from '../journal/memory_storage.ts';
import { StorageLockedError } from '../journal/storage.ts';
import { ClientResponse, ResponseType } from '../wire/generated/native.ts';
import { fuzzClientJournal } from './client_journal.fuzz.ts';
import { ClientJournal, ClientJournalError, ORDER_IDS } from './client_journal.ts';
import { readClientSnapshot } from './client_snapshot.ts';
import { plainInstruments, PRICE_TICKS_NONE, TraderInstruments } from './instruments.ts';
import { tellResponse } from './order_session.ts';
import { RISK_LIMITS_DEFAULT } from './risk.ts';
import { StrategyRunner } from './strategy_runner.ts';
import type { ClientIdentity, ClientJournalOptions } from './client_journal.ts';

const INSTRUMENTS = new TraderInstruments(plainInstruments([7, 9]));
const IDENTITY: ClientIdentity = { client: 5, framing: 'soup', instruments: INSTRUMENTS };
const RUNS = Number(process.env['CLIENT_JOURNAL_SEEDS'] ?? 40);

function newRunner(firstOrderId = 1): StrategyRunner {
  return new StrategyRunner({
    instruments: INSTRUMENTS, strategy: null, limits: RISK_LIMITS_DEFAULT, firstOrderId,
    market: {
      bidTicks: PRICE_TICKS_NONE, bidQty: 0, askTicks: PRICE_TICKS_NONE, askQty: 0,
      readTop: () => {}, depthQty: () => 0,
    },
    sink: {
      newOrder: () => true, cancel: () => true, modify: () => true, massCancel: () => true,
    },
  });
}

/** One life: opened and restored. */
function opened(
  disk: MemoryDisk, options: ClientJournalOptions = {}, identity = IDENTITY,
): { journal: ClientJournal; runner: StrategyRunner } {
  const journal = ClientJournal.open(disk.mount(), identity, { segmentBytes: 4096, ...options });
  const runner = newRunner(journal.nextOrderId);
  journal.restore(runner);
  return { journal, runner };
}

type Response = [
  type: number, orderId: number, side: number, ticks: number, exec: number, leaves: number,
];

/** Journals a response and takes it in. */
function hear(
  { journal, runner }: ReturnType<typeof opened>, sequence: number, response: Response,
): void {
  const [type, orderId, side, ticks, exec, leaves] = response;
  const view = new DataView(new ArrayBuffer(ClientResponse.bytes));
  ClientResponse.encode(view, 0, type, 5, 7, orderId, 0, 1, 0, side, ticks, 0, exec, leaves);
  journal.onResponse(view, 0, sequence, 0);
  tellResponse(view, 0, INSTRUMENTS, 0, {
    onResponse: (...told) => runner.onResponse(...told, 0),
  });
}

const ACCEPTED: Response = [ResponseType.Accepted, 1, Side.Buy, 100, 0, 10];
const FILLED: Response = [ResponseType.Filled, 1, Side.Buy, 100, 4, 6];

/** A first life that has heard an acceptance and a fill. */
function firstLife(disk: MemoryDisk): ReturnType<typeof opened> {
  const life = opened(disk);
  life.journal.onSession('X1', 1, 0);
  life.journal.poll(life.runner, 0);
  hear(life, 1, ACCEPTED);
  hear(life, 2, FILLED);
  life.journal.poll(life.runner, 0);
  return life;
}

test('after kill -9: positions, cash, open orders, the next response, fresh order ids', () => {
  const disk = new MemoryDisk(1);
  const first = firstLife(disk);
  assert.equal(first.journal.nextOrderId, 1 + ORDER_IDS + 1);
  disk.killProcess();
  const { journal, runner } = opened(disk);
  assert.deepEqual(
    [journal.session, journal.nextSequence, journal.responses, journal.resumes],
    ['X1', 3, 2, true],
  );
  assert.equal(journal.nextOrderId, ORDER_IDS + 2, 'ids that may have been used are not used again');
  assert.deepEqual([runner.positions.position(0), runner.positions.cash(0)], [4, -400]);
  assert.deepEqual([runner.orders.liveOrders, runner.orders.leaves(1)], [1, 6]);
  assert.equal(runner.risk.worstLong(0), 10);
});

test('a clean end leaves a snapshot alone, and the same state', () => {
  const disk = new MemoryDisk(1);
  const first = firstLife(disk);
  first.journal.close(first.runner, 0);
  const { journal, runner } = opened(disk);
  assert.deepEqual(
    [journal.session, journal.nextSequence, journal.responses, journal.nextOrderId],
    ['X1', 3, 0, ORDER_IDS + 2],
  );
  assert.deepEqual(
    [runner.positions.position(0), runner.positions.cash(0), runner.orders.leaves(1)],
    [4, -400, 6],
  );
  runner.orders.checkInvariants();
});

test('a response too many or too few is a gap, live and when read', () => {
  const disk = new MemoryDisk(1);
  const first = firstLife(disk);
  assert.throws(() => hear(first, 4, FILLED), /without a gap/);
  assert.throws(() => hear(first, 2, FILLED), /without a gap/);
  // A log-in that asked for the wrong place was accepted and heard.
  first.journal.onSession('X1', 7, 0);
  hear(first, 7, FILLED);
  first.journal.poll(first.runner, 0);
  disk.killProcess();
  assert.throws(() => opened(disk), (error: Error) => {
    assert.ok(error instanceof ClientJournalError);
    assert.match(error.message, /has a gap: log-in to session X1: expected 3, was 7/);
    return true;
  });
});

test('what is behind a torn end is asked for again', () => {
  const disk = new MemoryDisk(1);
  const first = firstLife(disk);
  for (let sequence = 3; sequence <= 30; sequence++) {
    hear(first, sequence, [ResponseType.Filled, 1000 + sequence, Side.Buy, 100, 1, 0]);
    first.journal.poll(first.runner, 0);
  }
  // The machine dies: the sectors of the last records were not written, but for the first of them.
  const file = [...disk.contents().keys()].find((name) => name.startsWith('segment-')) ?? '';
  const unsynced = disk.unsyncedSectors(file);
  assert.ok(unsynced.length > 2, 'records of several sectors are not synced');
  disk.losePower((name, sector, versions) =>
    name === file && sector > unsynced[0] ? 0 : versions);
  const { journal, runner } = opened(disk);
  assert.ok(journal.cutBytes > 0);
  assert.ok(journal.nextSequence >= 1 && journal.nextSequence < 30);
  const told = Math.max(0, journal.nextSequence - 3) + (journal.nextSequence > 2 ? 4 : 0);
  assert.equal(runner.positions.position(0), told, 'as far as it is known');
  assert.equal(journal.nextOrderId, ORDER_IDS + 2, 'the block of ids was synced');
});

test('snapshots keep the journal short; an older one serves for a damaged one', () => {
  const disk = new MemoryDisk(1);
  const life = opened(disk, { snapshotRecords: 50 });
  life.journal.onSession('X1', 1, 0);
  for (let sequence = 1; sequence <= 5_000; sequence++) {
    hear(life, sequence, [ResponseType.Filled, 1000 + sequence, Side.Buy, 100, 1, 0]);
    life.journal.poll(life.runner, 0);
  }
  const names = [...disk.contents().keys()];
  assert.equal(names.filter((name) => name.endsWith('.snapshot')).length, 2);
  assert.ok(names.filter((name) => name.startsWith('segment-')).length <= 6, names.join(' '));
  disk.killProcess();
  const newest = names.filter((name) => name.endsWith('.snapshot')).toSorted().at(-1) ?? '';
  disk.flipBit(newest, 8 * 200);
  const { journal, runner } = opened(disk);
  assert.equal(journal.nextSequence, 5_001);
  assert.equal(runner.positions.position(0), 5_000);
});

test('a journal is one trader’s, one at a time', () => {
  const disk = new MemoryDisk(1);
  const { journal, runner } = firstLife(disk);
  assert.throws(() => opened(disk), StorageLockedError);
  journal.close(runner, 0);
  const other: ClientIdentity = {
    ...IDENTITY, instruments: new TraderInstruments(plainInstruments([7])),
  };
  assert.throws(() => opened(disk, {}, other), /is another trader's: expected .*, was .*T9/);
  disk.killProcess();
  assert.throws(
    () => opened(disk, {}, { ...IDENTITY, client: 6 }), /another trader's.*give another directory/,
  );
  // The same before there is a snapshot.
  const begun = new MemoryDisk(2);
  opened(begun);
  begun.killProcess();
  assert.throws(() => opened(begun, {}, other), /is another trader's/);
});

test('a new session of the exchange is taken up only when asked to', () => {
  const disk = new MemoryDisk(1);
  firstLife(disk);
  disk.killProcess();
  const first = opened(disk, { newSession: true });
  assert.deepEqual(
    [first.journal.session, first.journal.nextSequence, first.journal.resumes], ['', 1, false],
  );
  first.journal.onSession('X2', 1, 0);
  hear(first, 1, [ResponseType.Filled, 77, Side.Sell, 90, 3, 0]);
  first.journal.poll(first.runner, 0);
  disk.killProcess();
  const { journal, runner } = opened(disk);
  assert.deepEqual([journal.session, journal.nextSequence], ['X2', 2]);
  assert.equal(runner.positions.position(0), 4 - 3, 'positions of both sessions');
});

// The cancels of such orders were answered "unknown order" and the orders never ended: a stop waited
// for them in vain, and so did each start that followed.
test('with a new session every order of the old one has ended, over restarts too', () => {
  const disk = new MemoryDisk(1);
  firstLife(disk);
  disk.killProcess();
  // A start that never got to a session changes nothing.
  const early = opened(disk, { newSession: true });
  early.journal.close(early.runner, 0);
  const again = opened(disk);
  assert.deepEqual([again.journal.session, again.journal.nextSequence], ['X1', 3]);
  assert.equal(again.runner.orders.liveOrders, 1);
  disk.killProcess();

  const first = opened(disk, { newSession: true });
  assert.throws(() => first.journal.onSession('X1', 1, 0), /goes on with session X1.*without --new-session/);
  assert.equal(first.journal.onSession('X2', 1, 0), true);
  first.runner.onNewSession(0);
  const { orders, risk, positions } = first.runner;
  assert.deepEqual([orders.liveOrders, risk.openQty(0, Side.Buy), positions.position(0)], [0, 0, 4]);
  orders.checkInvariants();
  hear(first, 1, [ResponseType.Accepted, 77, Side.Sell, 90, 0, 3]);
  first.journal.poll(first.runner, 0);
  assert.equal(first.journal.onSession('X2', 2, 0), false, 'a later log-in to the same session');
  disk.killProcess();
  const { runner } = opened(disk); // killed before any snapshot: the records say so
  assert.deepEqual([runner.orders.liveOrders, runner.orders.leaves(77)], [1, 3]);
  runner.orders.checkInvariants();
});

test('without numbers across connections sequences begin anew and positions stay', () => {
  const disk = new MemoryDisk(1);
  const bare: ClientIdentity = { ...IDENTITY, framing: 'bare' };
  const first = opened(disk, {}, bare);
  for (let connection = 0; connection < 2; connection++) {
    first.journal.onSession('', 1, 0);
    hear(first, 1, [ResponseType.Filled, 10 + connection, Side.Buy, 100, 5, 0]);
  }
  first.journal.poll(first.runner, 0);
  disk.killProcess();
  assert.equal(opened(disk, {}, bare).runner.positions.position(0), 10);
});

test('order ids run out of their block ahead of their use', () => {
  const disk = new MemoryDisk(1);
  const { journal, runner } = opened(disk);
  journal.poll(runner, 0);
  const end = journal.orderIdEnd;
  journal.poll(runner, 0);
  assert.equal(journal.orderIdEnd, end, 'one block is enough');
  const late = newRunner(end - 10);
  journal.poll(late, 0);
  assert.ok(journal.orderIdEnd >= end - 10 + ORDER_IDS);
});

test('bytes that are no snapshot say what was expected', () => {
  assert.throws(() => readClientSnapshot(new Uint8Array(8)), /expected at least 48, was 8/);
  assert.throws(() => readClientSnapshot(new Uint8Array(48)), /version: expected 1, was 0/);
  const bytes = new Uint8Array(48);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 1, true);
  view.setUint32(8, 3, true);
  assert.throws(() => readClientSnapshot(bytes), /bytes: expected 144, was 48/);
});

test(`deaths amid every kind of operation, ${RUNS} runs`, () => {
  let deaths = 0;
  for (let seed = 1; seed <= RUNS; seed++) {
    try {
      deaths += fuzzClientJournal(seed, 400).deaths;
    } catch (error) {
      throw new Error(
        `seed ${seed}: node bin/node26.mjs src/trader/client_journal.fuzz.ts 1 ${seed} 400`,
        { cause: error },
      );
    }
  }
  assert.ok(deaths > RUNS, `${deaths} deaths`);
});
