// Random orders, fills, marks and limits into a risk gate and its twin: the same reason to every
// question, the same worst cases, the same totals, at every step.
// By hand: node bin/node26.mjs src/trader/risk.fuzz.ts [seeds] [first seed] [steps]
import assert from 'node:assert/strict';
import { Prng } from '../base/prng.ts';
import { Reason } from '../book/types.ts';
import { BOOK_ALL, PRICE_TICKS_NONE, TraderInstruments } from './instruments.ts';
import { PositionKeeper } from './position_keeper.ts';
import { ReferenceRisk } from './risk.reference.ts';
import { LIMIT_NONE, RISK_LIMITS_DEFAULT, RiskGate, type RiskLimits, type TickerLimits } from './risk.ts';

const INSTRUMENTS = new TraderInstruments([
  { ticker: 1, symbol: 'A', decimals: 2, tickUnits: 1, lotSize: 1, minPriceTicks: -500 },
  { ticker: 2, symbol: 'B', decimals: 2, tickUnits: 5, lotSize: 10 },
  { ticker: 80_000, symbol: 'C', decimals: 3, tickUnits: 10, lotSize: 1, maxPriceTicks: 5000 },
]);
const BOOKS = INSTRUMENTS.count;
const MS = 1_000_000;
const ODD = [NaN, Infinity, -Infinity, 0.5, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53, -1, 0];

function orNone(prng: Prng, chance: number, limit: number): number {
  return prng.chance(chance) ? limit : LIMIT_NONE;
}

function tickerLimits(prng: Prng): TickerLimits {
  return {
    maxOrderQty: orNone(prng, 0.9, prng.between(20, 200)), maxPosition: orNone(prng, 0.9, prng.between(0, 600)),
    maxLoss: orNone(prng, 0.6, prng.between(0, 3000)), maxOpenOrders: orNone(prng, 0.7, prng.between(0, 12)),
    maxNotional: orNone(prng, 0.3, prng.between(0, 200_000)),
    collarTicks: prng.chance(0.3) ? prng.between(1, 40) : 0,
  };
}

function randomLimits(prng: Prng): RiskLimits {
  const tickers = new Map(INSTRUMENTS.list.filter(() => prng.chance(0.3)).map(({ ticker }) => {
    const own: Partial<TickerLimits> = prng.chance(0.5) ? tickerLimits(prng) : { maxOrderQty: prng.between(1, 100) };
    return [ticker, own] as const;
  }));
  return {
    ...RISK_LIMITS_DEFAULT, ...tickerLimits(prng), ordersPerSecond: orNone(prng, 0.3, prng.between(1, 12)),
    maxPositionTotal: orNone(prng, 0.4, prng.between(100, 900)),
    maxPortfolioValue: orNone(prng, 0.4, prng.between(0, 2_000_000)),
    stopLoss: orNone(prng, 0.3, prng.between(1, 30_000)),
    tickers: prng.chance(0.5) ? tickers : undefined,
  };
}

class Pair {
  readonly #prng: Prng;
  readonly #positions = new PositionKeeper(INSTRUMENTS);
  readonly #gate: RiskGate;
  readonly #twin: ReferenceRisk;
  #nowNs = 5 * MS;
  #nextId = 1;
  halts = 0;
  readonly reasons = new Map<Reason, number>();

  constructor(seed: number, Gate: typeof RiskGate) {
    const prng = new Prng(seed);
    this.#prng = prng;
    const limits = randomLimits(prng);
    const markWithLast = prng.chance(0.5);
    this.#gate = new Gate(INSTRUMENTS, this.#positions, limits, { markWithLast });
    this.#gate.onHalt = () => this.halts++;
    this.#twin = new ReferenceRisk(INSTRUMENTS, limits, markWithLast);
  }

  step(): void {
    const prng = this.#prng;
    this.#nowNs += prng.below(200) * MS;
    const dice = prng.below(100);
    if (dice < 45) this.#order();
    else if (dice < 55) this.#modify();
    else if (dice < 70) this.#fill();
    else if (dice < 80) this.#end();
    else if (dice < 95) this.#market();
    else this.#control();
    this.#compare();
  }

  #order(): void {
    const { book, side, price, qty } = this.#anOrder();
    const reason = this.#gate.check(book, side, price, qty, this.#nowNs);
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
    assert.equal(reason, this.#twin.check(book, side, price, qty, this.#nowNs, null), `order ${book} ${side} ${price} ${qty}`);
    if (reason !== Reason.None) return;
    this.#gate.reserve(book, side, qty, price);
    this.#twin.reserve(this.#nextId++, book, side, qty, price);
    this.#gate.sent(this.#nowNs);
    if (this.#prng.chance(0.1)) this.#gate.unsent(); // the sink was full
    else this.#twin.sent(this.#nowNs);
  }

  #modify(): void {
    const found = this.#anyOpen();
    if (found === null) return;
    const [id, order] = found;
    const { book, side, qty: before } = order;
    const { price, qty } = this.#anOrder(book);
    const reason = this.#gate.checkModify(book, side, price, qty, before, this.#nowNs);
    assert.equal(reason, this.#twin.check(book, side, price, qty, this.#nowNs, order), `modify ${book} ${side} ${price} ${before} ${qty}`);
    if (reason !== Reason.None) return;
    this.#gate.adjust(book, side, qty - before, price);
    this.#twin.adjust(id, qty - before, price);
    this.#gate.sent(this.#nowNs);
    this.#twin.sent(this.#nowNs);
  }

  #fill(): void {
    const found = this.#prng.chance(0.9) ? this.#anyOpen() : null;
    const { book, side } = found?.[1] ?? { book: this.#prng.below(BOOKS), side: this.#prng.chance(0.5) ? 1 : -1 };
    const price = this.#prng.between(50, 150);
    const most = found?.[1].qty ?? 30;
    if (most === 0) return;
    const qty = this.#prng.between(1, most);
    this.#positions.onFill(book, side, price, qty);
    this.#gate.filled(book, side, found === null ? 0 : qty);
    this.#gate.watchLoss();
    this.#twin.fill(book, side, price, qty, found?.[0] ?? null);
  }

  #end(): void {
    const found = this.#anyOpen();
    if (found === null) return;
    this.#gate.release(found[1].book, found[1].side, found[1].qty);
    this.#twin.end(found[0]);
  }

  #market(): void {
    const prng = this.#prng;
    const book = prng.below(BOOKS);
    if (prng.chance(0.2)) {
      const last = prng.between(60, 140);
      this.#gate.setLast(book, last);
      this.#twin.last(book, last);
      return;
    }
    const bid = prng.chance(0.9) ? prng.between(60, 140) : null;
    const ask = prng.chance(0.9) ? (bid ?? 100) + prng.between(1, 5) : null;
    this.#gate.setTop(book, bid ?? PRICE_TICKS_NONE, ask ?? PRICE_TICKS_NONE);
    this.#twin.top(book, bid, ask);
  }

  #control(): void {
    const prng = this.#prng;
    const dice = prng.below(10);
    if (dice < 3) {
      const book = prng.chance(0.3) ? null : prng.below(BOOKS);
      const stale = prng.chance(0.3);
      this.#gate.setStale(book ?? BOOK_ALL, stale);
      this.#twin.stale(book, stale);
    } else if (dice < 4) {
      this.#gate.kill();
      this.#twin.killed = true;
    } else if (dice < 7) {
      this.#gate.reset();
      this.#twin.reset();
    } else {
      const limits = randomLimits(prng);
      this.#gate.setLimits(limits);
      this.#twin.setLimits(limits);
    }
  }

  #anOrder(inBook?: number): { book: number; side: number; price: number; qty: number } {
    const prng = this.#prng;
    const order = {
      book: inBook ?? prng.below(BOOKS), side: prng.chance(0.5) ? 1 : -1, price: prng.between(60, 140),
      qty: prng.chance(0.5) ? prng.between(1, 120) : 10 * prng.between(1, 12),
    };
    if (!prng.chance(0.04)) return order;
    const odd = ODD[prng.below(ODD.length)];
    const field = inBook === undefined ? prng.below(4) : 2 + prng.below(2);
    if (field === 0) order.book = odd === 0 ? BOOKS : odd;
    else if (field === 1) order.side = odd === -1 ? 2 : odd;
    else if (field === 2) order.price = odd;
    else order.qty = odd;
    return order;
  }

  #anyOpen(): [number, { book: number; side: number; qty: number }] | null {
    const all = [...this.#twin.open.entries()];
    return all.length === 0 ? null : all[this.#prng.below(all.length)];
  }

  #compare(): void {
    const gate = this.#gate;
    const twin = this.#twin;
    gate.checkInvariants();
    assert.equal(gate.stopLossHit, twin.stopLossHit, 'stop loss');
    let gross2 = 0n;
    for (let book = 0; book < BOOKS; book++) {
      const ours = `${gate.worstLong(book)} ${gate.worstShort(book)} ${gate.openOrders(book)} ${gate.maxOrderQty(book)}`;
      const orders = [...twin.open.values()].filter((order) => order.book === book).length;
      const theirs = `${twin.worst(book, 1)} ${twin.worst(book, -1)} ${orders} ${twin.limitsOf(book).maxOrderQty}`;
      assert.equal(ours, theirs, `book ${book}: worst long and short, orders, largest order`);
      gross2 += twin.gross2(book);
    }
    assert.equal(BigInt(gate.grossValue2()), gross2, 'gross value');
  }
}

/** Returns how often each reason came. */
export function fuzzRisk(seed: number, steps: number, Gate = RiskGate): Map<Reason, number> {
  try {
    const pair = new Pair(seed, Gate);
    for (let step = 0; step < steps; step++) pair.step();
    return pair.reasons;
  } catch (error) {
    const again = `node bin/node26.mjs src/trader/risk.fuzz.ts 1 ${seed} ${steps}`;
    throw new Error(`gate and twin differ; again: ${again}`, { cause: error });
  }
}

if (import.meta.main) {
  const seeds = Number(process.argv[2] ?? 1000);
  const first = Number(process.argv[3] ?? 1);
  const steps = Number(process.argv[4] ?? 1000);
  for (let seed = first; seed < first + seeds; seed++) fuzzRisk(seed, steps);
  console.log(`${seeds} gates of ${steps} steps agreed with their twin (seeds ${first} to ${first + seeds - 1})`);
}
