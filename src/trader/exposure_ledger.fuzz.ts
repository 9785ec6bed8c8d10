// Random orders, fills, ends, marks and limits on a ledger, its shared form and its twin; they must agree at every step
// on what passes and on every sum. Small limits, so that all layers refuse often.
// By hand: node bin/node26.mjs src/trader/exposure_ledger.fuzz.ts [rounds] [first seed]
import assert from 'node:assert/strict';
import { Prng } from '../base/prng.ts';
import { Reason } from '../book/types.ts';
import { ReferenceLedger } from './exposure_ledger.reference.ts';
import { LEDGER_LIMIT_NONE, LocalLedger, type LedgerLimits, type LedgerView } from './exposure_ledger.ts';
import { MID2_NONE } from './instruments.ts';
import { initializeSharedLedger, ledgerBytes, SharedLedger } from './shared_ledger.ts';

const SEND_TIMES = 20;

interface Order { book: number; side: number; reservedQty: number }

class Run {
  readonly #prng: Prng;
  readonly #local: LocalLedger;
  readonly #shared: SharedLedger;
  readonly #copy: LedgerView;
  readonly #twin: ReferenceLedger;
  readonly #books: number;
  readonly #orders: Order[] = [];
  readonly refusals = new Map<Reason, number>();
  #nowNs = 0;

  constructor(seed: number) {
    const prng = new Prng(seed);
    this.#prng = prng;
    this.#books = prng.between(1, 4);
    // Now and then money so large that sums leave their bounds.
    const moneyPerTick = Array.from({ length: this.#books }, () => (prng.chance(0.1) ? 1e12 : prng.between(1, 1000)));
    this.#local = LocalLedger.create(moneyPerTick, SEND_TIMES);
    const buffer = new SharedArrayBuffer(64 + ledgerBytes(this.#books, SEND_TIMES));
    initializeSharedLedger(buffer, 64, moneyPerTick, SEND_TIMES);
    this.#shared = new SharedLedger(buffer, 64);
    this.#copy = this.#shared.snapshot();
    this.#twin = new ReferenceLedger(moneyPerTick);
    this.#setLimits();
  }

  /** Of all three, which must answer the same. */
  #all<T>(call: (ledger: LocalLedger | SharedLedger | ReferenceLedger) => T): T {
    const answers = [this.#twin, this.#local, this.#shared].map(call);
    assert.equal(answers[1], answers[0], 'local');
    assert.equal(answers[2], answers[0], 'shared');
    return answers[0];
  }

  #setLimits(): void {
    const limit = (low: number, high: number): number => (this.#prng.chance(0.3) ? LEDGER_LIMIT_NONE : this.#prng.between(low, high));
    const limits: LedgerLimits = {
      positionMax: limit(0, 300), positionTotalMax: limit(0, 500), openOrdersMax: limit(0, 12),
      ordersPerSecond: this.#prng.chance(0.5) ? LEDGER_LIMIT_NONE : this.#prng.between(1, SEND_TIMES),
      portfolioValueMax: limit(0, 2 ** 30), stopLoss: limit(1, 2 ** 28),
    };
    this.#all((ledger) => ledger.setLimits(limits));
  }

  step(): void {
    const prng = this.#prng;
    this.#nowNs += prng.below(3e8);
    const book = prng.below(this.#books);
    switch (prng.below(16)) {
      case 0: case 1: case 2: case 3: case 4: return this.#send(book);
      case 5: return this.#modify();
      case 6: case 7: case 8: return this.#fill();
      case 9: case 10: return this.#end();
      case 11: case 12: return this.#mark(book);
      case 13: return this.#found(book);
      case 14: return this.#lateFill(book);
      default: return this.#control();
    }
  }

  #mark(book: number): void {
    const prng = this.#prng;
    const mid2 = [MID2_NONE, 2 ** 32 - 10][prng.below(40)] ?? prng.between(-40, 4000);
    this.#all((ledger) => ledger.mark(book, mid2));
  }

  #counted(reason: Reason): boolean {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1);
    return reason === Reason.None;
  }

  #send(book: number): void {
    const side = this.#prng.chance(0.5) ? 1 : -1;
    const qty = this.#prng.below(80);
    if (!this.#counted(this.#all((ledger) => ledger.tryReserve(book, side, qty, this.#nowNs)))) return;
    this.#orders.push({ book, side, reservedQty: qty });
  }

  #pick(): Order | undefined {
    return this.#orders[this.#prng.below(this.#orders.length || 1)];
  }

  #modify(): void {
    const order = this.#pick();
    if (order === undefined) return;
    const delta = this.#prng.between(0, order.reservedQty + 40) - order.reservedQty;
    if (this.#prng.chance(0.3)) this.#all((ledger) => ledger.adjust(order.book, order.side, delta));
    else if (!this.#counted(this.#all((ledger) => ledger.tryAdjust(order.book, order.side, delta, this.#nowNs)))) return;
    order.reservedQty += delta;
  }

  #fill(): void {
    const order = this.#pick();
    if (order === undefined) return;
    const qty = this.#prng.between(0, order.reservedQty);
    const fee = this.#prng.between(-2, 5);
    const price = this.#price();
    this.#all((ledger) => ledger.filled(order.book, order.side, price, qty, qty, fee));
    order.reservedQty -= qty;
  }

  #price(): number {
    return this.#prng.chance(0.02) ? 2 ** 31 - 1 : this.#prng.between(-20, 2000);
  }

  #lateFill(book: number): void {
    const side = this.#prng.chance(0.5) ? 1 : -1;
    const price = this.#price();
    const qty = this.#prng.chance(0.01) ? 0xffff_fffe : this.#prng.below(100);
    this.#all((ledger) => ledger.filled(book, side, price, qty, 0, 0));
  }

  #end(): void {
    const [order] = this.#orders.splice(this.#prng.below(this.#orders.length || 1), 1);
    if (order !== undefined) this.#all((ledger) => ledger.release(order.book, order.side, order.reservedQty));
  }

  #found(book: number): void {
    const side = this.#prng.chance(0.5) ? 1 : -1;
    const qty = this.#prng.below(50);
    this.#all((ledger) => ledger.reserve(book, side, qty));
    this.#orders.push({ book, side, reservedQty: qty });
  }

  #control(): void {
    const dice = this.#prng.below(8);
    if (dice < 4) this.#setLimits();
    else if (dice < 7) this.#all((ledger) => ledger.reset());
    else {
      this.#local.kill();
      this.#shared.kill();
      this.#twin.killed = true;
    }
  }

  compare(): void {
    assert.equal(this.#shared.read(this.#copy), true);
    for (const view of [this.#local.view, this.#copy]) this.#compareView(view);
    assert.deepEqual([this.#shared.killed, this.#shared.stopLossHit], [this.#twin.killed, this.#twin.stopLossHit]);
  }

  #compareView(view: LedgerView): void {
    const twin = this.#twin;
    const numbers = [view.exposureTotal, view.openOrdersTotal, view.sent];
    assert.deepEqual(numbers, [Number(twin.exposureTotal), twin.openOrders, twin.sent]);
    assert.deepEqual([view.killed, view.stopLossHit], [twin.killed, twin.stopLossHit]);
    twin.books.forEach((of, book) => {
      assert.deepEqual(
        [view.position(book), view.openBuyQty(book), view.openSellQty(book), view.openOrders(book), view.mark2(book), view.exposure(book)],
        [Number(of.position), Number(of.buys), Number(of.sells), of.orders, of.mark2, Number(twin.exposure(book))],
      );
      if (of.exact) assert.equal(view.cash(book), Number(of.cash));
    });
    const { grossValue2, pnl2Total } = twin;
    assert.equal(view.valueKnown ? view.grossValue2 : null, grossValue2 === null ? null : Number(grossValue2), 'gross value');
    assert.equal(view.pnlKnown ? view.pnl2 : null, pnl2Total === null ? null : Number(pnl2Total), 'profit');
  }
}

/** How often each reason was given. */
export function fuzzLedger(seed: number, steps: number): ReadonlyMap<Reason, number> {
  try {
    const run = new Run(seed);
    for (let step = 0; step < steps; step += 1) {
      run.step();
      run.compare();
    }
    return run.refusals;
  } catch (error) {
    throw new Error(`ledger fuzz failed; again: node bin/node26.mjs src/trader/exposure_ledger.fuzz.ts 1 ${seed}`, { cause: error });
  }
}

if (import.meta.main) {
  const rounds = Number(process.argv[2] ?? 1000);
  const first = Number(process.argv[3] ?? 1);
  for (let i = 0; i < rounds; i += 1) fuzzLedger(first + i, 1000);
  console.log(`${rounds} ledgers agreed with their twin (seeds ${first} to ${first + rounds - 1})`);
}
