import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { heapUseOf } from '../../bench/harness/heap.ts';
import { plant } from '../base/queue_stress.reference.ts';
import { LOCK_HOLDER_NONE } from '../base/shared_lock.ts';
import { Reason } from '../book/types.ts';
import { LEDGER_LIMITS_NONE, type LedgerLimits, type LedgerView } from './exposure_ledger.ts';
import { initializeSharedLedger, ledgerBytes, SharedLedger } from './shared_ledger.ts';

const BUY = 1;
const SELL = -1;
const THREADS = 10;
/** Updates of each thread; more by the environment. */
const UPDATES = Number(process.env['OUTCRY_LEDGER_UPDATES'] ?? 1000);
const BOOKS = 3;
const SEND_TIMES = 100;

const MODULE = new URL('./shared_ledger.ts', import.meta.url);
const LIMITS: LedgerLimits = {
  ...LEDGER_LIMITS_NONE, positionMax: 400, positionTotalMax: 900, openOrdersMax: 25, portfolioValueMax: 75_000,
};

function ledgerOf(limits: LedgerLimits = LEDGER_LIMITS_NONE): { buffer: SharedArrayBuffer; ledger: SharedLedger } {
  const moneyPerTick = Array.from({ length: BOOKS }, () => 1);
  const buffer = new SharedArrayBuffer(ledgerBytes(BOOKS, SEND_TIMES));
  initializeSharedLedger(buffer, 0, moneyPerTick, SEND_TIMES, limits);
  return { buffer, ledger: new SharedLedger(buffer, 0) };
}

/** A thread's day: orders in all books, filled in part, ended, refused; it counts for itself what the ledger must have. */
const TRADE = `
  const own = { position: [0, 0, 0], cash: [0, 0, 0], accepted: 0, refused: 0 };
  let state = 12345 + index;
  const below = (n) => { state = Math.imul(state, 1664525) + 1013904223 | 0; return (state >>> 8) % n; };
  const open = [];
  const end = (order) => { ledger.release(order.book, order.side, order.rest); };
  for (let done = 0; done < updates; done += 1) {
    if (done % 64 === 0) Atomics.wait(gate, 2, 0, 0.02); // others trade while this one has orders open
    const book = below(3), side = below(2) * 2 - 1, qty = 1 + below(40);
    if (below(4) > 0 && open.length < 5) {
      if (ledger.tryReserve(book, side, qty, 0) === 0) { own.accepted += 1; open.push({ book, side, rest: qty }); }
      else own.refused += 1;
    } else if (open.length > 0) {
      const order = open.splice(below(open.length), 1)[0];
      const fill = below(order.rest + 1), price = 90 + below(20);
      ledger.filled(order.book, order.side, price, fill, fill);
      own.position[order.book] += order.side * fill;
      own.cash[order.book] -= order.side * fill * price;
      order.rest -= fill;
      end(order);
    }
  }
  open.forEach(end);
  parentPort.postMessage(own);`;

/** Looks as often as it can for a state that must never be; says how often it looked and what it saw. */
const OBSERVE = `
  const view = ledger.snapshot();
  const seen = { looks: 0, faults: [] };
  while (Atomics.load(gate, 1) === 0) {
    if (!ledger.read(view)) { seen.faults.push('no snapshot'); break; }
    seen.looks += 1;
    const found = faultsOf(view, limits);
    if (found.length > 0 && seen.faults.length < 10) seen.faults.push(...found);
  }
  parentPort.postMessage(seen);`;

/**
 * What of a snapshot contradicts itself or a limit. Orders may be more than their limit, since reducing ones pass it;
 * they raise nothing else. Its text runs in the observing thread.
 */
function faultsOf(view: LedgerView, limits: LedgerLimits): string[] {
  const faults: string[] = [];
  let exposure = 0;
  let orders = 0;
  let value2 = 0;
  for (let book = 0; book < view.books; book += 1) {
    const worst = Math.max(view.worstLong(book), view.worstShort(book));
    if (worst > limits.positionMax) faults.push(`book ${book} at ${worst} of ${limits.positionMax}`);
    if (worst !== view.exposure(book)) faults.push(`book ${book} counted as ${view.exposure(book)}, is ${worst}`);
    exposure += worst;
    orders += view.openOrders(book);
    value2 += worst * view.mark2(book);
  }
  if (exposure !== view.exposureTotal) faults.push(`all books counted as ${view.exposureTotal}, are ${exposure}`);
  if (exposure > limits.positionTotalMax) faults.push(`all books at ${exposure} of ${limits.positionTotalMax}`);
  if (orders !== view.openOrdersTotal) faults.push(`orders counted as ${view.openOrdersTotal}, are ${orders}`);
  if (value2 !== view.grossValue2) faults.push(`value counted as ${view.grossValue2}, is ${value2}`);
  if (value2 > 2 * limits.portfolioValueMax) faults.push(`value at ${value2} of ${2 * limits.portfolioValueMax}`);
  return faults;
}

interface Own { position: number[]; cash: number[]; accepted: number; refused: number }
interface Seen { looks: number; faults: string[] }

function start<T>(script: string, data: object, module: string): { worker: Worker; value: Promise<T> } {
  const text = `
    import { parentPort, workerData } from 'node:worker_threads';
    import { SharedLedger } from '${module}';
    const { buffer, gate, index, updates, limits } = workerData;
    const ledger = new SharedLedger(buffer, 0);
    ${faultsOf.toString()}
    Atomics.add(gate, 0, 1);
    while (Atomics.load(gate, 0) < ${THREADS + 1}) Atomics.wait(gate, 2, 0, 0.1); // all begin together
    ${script}`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(text)}`), { workerData: data });
  const value = new Promise<T>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  return { worker, value };
}

interface Day { ledger: SharedLedger; owns: Own[]; seen: Seen }

async function trade(updates: number, module = MODULE.href): Promise<Day> {
  const { buffer, ledger } = ledgerOf(LIMITS);
  for (let book = 0; book < BOOKS; book += 1) ledger.mark(book, 2 * 100);
  const gate = new Int32Array(new SharedArrayBuffer(64));
  const data = { buffer, gate, updates, limits: LIMITS };
  const observing = start<Seen>(OBSERVE, data, module);
  const trading = Array.from({ length: THREADS }, (_, index) => start<Own>(TRADE, { ...data, index }, module));
  try {
    const owns = await Promise.all(trading.map(({ value }) => value));
    Atomics.store(gate, 1, 1);
    return { ledger, owns, seen: await observing.value };
  } finally {
    await Promise.all([observing, ...trading].map(({ worker }) => worker.terminate()));
  }
}

/** What is wrong after a day: the ledger against the sum of what the threads counted for themselves. */
function wrong({ ledger, owns, seen }: Day): string[] {
  const view = ledger.snapshot();
  assert.ok(ledger.read(view));
  const faults = [...seen.faults, ...faultsOf(view, LIMITS)];
  const compare = (what: string, was: number, expected: number): void => {
    if (was !== expected) faults.push(`${what}: expected ${expected}, was ${was}`);
  };
  for (let book = 0; book < BOOKS; book += 1) {
    compare(`position of book ${book}`, view.position(book), owns.reduce((sum, own) => sum + own.position[book], 0));
    compare(`cash of book ${book}`, view.cash(book), owns.reduce((sum, own) => sum + own.cash[book], 0));
    compare(`open in book ${book}`, view.openBuyQty(book) + view.openSellQty(book), 0);
  }
  compare('orders', view.openOrdersTotal, 0);
  compare('sent', view.sent, owns.reduce((sum, own) => sum + own.accepted, 0));
  return faults;
}

test('ten threads: every position, sum and count comes out exactly, and no limit is exceeded at any moment', async (t) => {
  const day = await trade(UPDATES);
  assert.deepEqual(wrong(day), []);
  const refused = day.owns.reduce((sum, own) => sum + own.refused, 0);
  assert.ok(refused > 0, 'the limits were reached');
  assert.ok(day.seen.looks > 0, 'somebody looked');
  t.diagnostic(`${THREADS} threads, ${THREADS * UPDATES} updates, ${refused} refused, ${day.seen.looks} consistent looks meanwhile`);
});

/** Now and then a thread leaves its core in the middle of a change, as the system may let it. */
const PAUSE = 'if (Math.random() < 0.01) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0.05);';
const WITHOUT_LOCK = '{ acquire: () => true, release() {}, observe: () => 0, unchanged: () => true, brokenBy: 0 } as unknown as SharedLock;';

test('the same code with the same interruptions is exact with the lock and is not without', async () => {
  const ledgerFile = new URL('./exposure_ledger.ts', import.meta.url);
  const interrupted = plant(ledgerFile, [['    this.#numbers[of] = open;\n', `    ${PAUSE}\n    this.#numbers[of] = open;\n    ${PAUSE}\n`]]);
  const withIt = [["from './exposure_ledger.ts'", `from '${interrupted.url}'`]] as const;
  const locked = plant(MODULE, withIt);
  const unlocked = plant(MODULE, [...withIt, ['new SharedLock(words, 0, this.owner, patienceMs);', WITHOUT_LOCK]]);
  try {
    assert.deepEqual(wrong(await trade(300, locked.url)), []);
    // Without a lock it may also end by an assertion: less open than is taken away.
    const outcome = await trade(300, unlocked.url).then(wrong, (error: unknown) => [String(error)]);
    assert.ok(outcome.length > 0, 'the missing lock was not noticed');
  } finally {
    for (const planted of [interrupted, locked, unlocked]) planted.remove();
  }
});

/**
 * Event times are made once a poll, not once an order: numbers beyond 32 bits that stand in their boxes already. (The
 * text keeps the array from holding them unboxed.)
 */
const TIMES: readonly (number | string)[] = ['none', ...Array.from({ length: 125_000 }, (_, i) => 1.7e15 + i * 2e9)];

test('nothing is allocated by an order, a fill, a mark, an end, however large the numbers', async () => {
  const orders = 5000;
  const { ledger } = ledgerOf({
    positionMax: 2 ** 40, positionTotalMax: 2 ** 42, openOrdersMax: 2 ** 33, ordersPerSecond: SEND_TIMES, portfolioValueMax: 2 ** 52 - 1, stopLoss: 2 ** 52 - 1,
  });
  const view = ledger.snapshot();
  let turn = 0;
  let passed = 0;
  const largest = new Float64Array(1);
  const tradeOn = (): void => {
    for (let i = 0; i < orders; i += 1) {
      turn += 1;
      const nowNs = TIMES[turn] as number;
      const book = turn % BOOKS;
      const side = (turn & 31) < 16 ? BUY : SELL;
      ledger.mark(book, 200_000 + (turn & 3));
      if (ledger.tryReserve(book, side, 800_000_000, nowNs) !== Reason.None) continue;
      ledger.tryAdjust(book, side, 200_000_000, nowNs);
      ledger.filled(book, side, 100_000 + (turn % 97), 500_000_000, 500_000_000, 3);
      ledger.release(book, side, 500_000_000);
      ledger.read(view);
      largest[0] = Math.max(largest[0], view.exposureTotal);
      passed += 1;
    }
  };
  for (let i = 0; i < 5; i += 1) tradeOn(); // compiling allocates too
  let bytes = Infinity;
  for (let i = 0; i < 20 && bytes / orders > 0.1; i += 1) bytes = Math.min(bytes, (await heapUseOf(tradeOn)).bytes);
  assert.ok(passed >= 6 * orders, `${passed} orders went through`);
  assert.ok(largest[0] > 2 ** 31 && view.pnlKnown, 'the numbers were large');
  assert.ok(bytes / orders <= 0.1, `${bytes / orders} bytes an order, expected at most 0.1`);
});

test('reserving in one step: asking first and reserving later lets two threads through at once', () => {
  const { buffer, ledger } = ledgerOf({ ...LEDGER_LIMITS_NONE, positionMax: 100 });
  const other = new SharedLedger(buffer, 0);
  assert.equal(ledger.tryReserve(0, BUY, 60, 0), Reason.None);
  assert.equal(other.tryReserve(0, BUY, 60, 0), Reason.Position);
  assert.equal(other.tryReserve(0, BUY, 40, 0), Reason.None);
});

test('kill and stop loss of one thread hold for all', () => {
  const { buffer, ledger } = ledgerOf({ ...LEDGER_LIMITS_NONE, stopLoss: 100 });
  const other = new SharedLedger(buffer, 0);
  ledger.kill();
  assert.equal(other.killed, true);
  assert.equal(other.tryReserve(0, BUY, 1, 0), Reason.Killed);
  other.reset();
  assert.equal(ledger.tryReserve(0, BUY, 1, 0), Reason.None);
  ledger.filled(0, BUY, 200, 1, 1);
  other.mark(0, 2 * 100);
  assert.equal(ledger.stopLossHit, true);
  assert.equal(ledger.tryReserve(1, SELL, 1, 0), Reason.Loss);
  assert.equal(ledger.tryReserve(0, SELL, 1, 0), Reason.None, 'reducing');
});

test('a thread that dies inside is found and named; then nothing passes any more', async () => {
  const { buffer, ledger } = ledgerOf();
  const asleep = plant(new URL('./exposure_ledger.ts', import.meta.url), [[
    '    this.#numbers[of] = open;\n',
    '    this.#numbers[of] = open; this.#numbers[0] = -1;\n    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);\n',
  ]]);
  const planted = plant(MODULE, [["from './exposure_ledger.ts'", `from '${asleep.url}'`]]);
  try {
    const text = `
      import { workerData } from 'node:worker_threads';
      import { SharedLedger } from '${planted.url}';
      new SharedLedger(workerData, 0).tryReserve(0, 1, 5, 0);`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(text)}`), { workerData: buffer });
    const numbers = new Float64Array(buffer);
    while (!numbers.includes(-1)) await new Promise((resolve) => setImmediate(resolve));
    await worker.terminate();
    const patient = new SharedLedger(buffer, 0, 20);
    const view = patient.snapshot();
    assert.equal(patient.tryReserve(0, BUY, 1, 0), Reason.Killed);
    assert.equal(patient.brokenBy, ledger.owner + 1, 'the second handle of this ledger');
    for (const handle of [ledger, patient]) {
      assert.equal(handle.killed, true);
      assert.equal(handle.tryAdjust(0, BUY, 1, 0), Reason.Killed);
      assert.equal(handle.read(view), false);
      handle.filled(0, BUY, 1, 1, 0);
      handle.release(0, BUY, 0);
      handle.reserve(0, BUY, 1);
      handle.adjust(0, BUY, 1);
      handle.mark(0, 5);
      handle.setLimits(LEDGER_LIMITS_NONE);
      handle.reset();
      handle.kill();
      assert.equal(handle.tryReserve(0, BUY, 1, 0), Reason.Killed);
    }
  } finally {
    asleep.remove();
    planted.remove();
  }
});

test('an assertion that fails inside is a death inside', () => {
  const { buffer, ledger } = ledgerOf();
  assert.throws(() => ledger.release(0, BUY, 1), /an order that ends was counted/);
  const other = new SharedLedger(buffer, 0, 10);
  assert.equal(other.tryReserve(0, BUY, 1, 0), Reason.Killed);
  assert.equal(other.brokenBy, ledger.owner);
});

test('a snapshot of a busy ledger is taken under the lock at last', () => {
  const { buffer, ledger } = ledgerOf();
  const words = new Int32Array(buffer, 0, 16);
  const view = ledger.snapshot();
  ledger.tryReserve(1, SELL, 7, 0);
  // Each time the reader copies, a writer has been inside: here the count moves on by itself.
  const copy = view.numbers.set.bind(view.numbers);
  view.numbers.set = (from) => {
    words[0] += 2;
    copy(from);
  };
  assert.equal(ledger.read(view), true);
  assert.equal(ledger.readRetries, 16);
  assert.equal(view.openSellQty(1), 7);
});

test('limits change whole or not at all, and the lock is free again', () => {
  const { ledger } = ledgerOf({ ...LEDGER_LIMITS_NONE, positionMax: 5 });
  assert.throws(() => ledger.setLimits({ ...LEDGER_LIMITS_NONE, ordersPerSecond: SEND_TIMES + 1 }), /ordersPerSecond: expected a whole number 1 … 100/);
  assert.equal(ledger.tryReserve(0, BUY, 6, 0), Reason.Position);
  ledger.setLimits({ ...LEDGER_LIMITS_NONE, positionMax: 6 });
  assert.equal(ledger.tryReserve(0, BUY, 6, 0), Reason.None);
  assert.equal(ledger.brokenBy, LOCK_HOLDER_NONE);
});

test('a layout that cannot be is refused with the value', () => {
  assert.throws(() => initializeSharedLedger(new SharedArrayBuffer(100), 0, [1], 0), /the ledger needs 512 bytes from 0 on, the buffer has 100/);
  assert.throws(() => initializeSharedLedger(new SharedArrayBuffer(1000), 8, [1], 0), /offset was 8, expected a multiple of 64/);
  assert.throws(() => new SharedLedger(new SharedArrayBuffer(1000), 0), /no ledger at offset 0: its magic word was 0x0/);
});
