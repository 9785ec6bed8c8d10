// The gate's tables beside their twins: random calls, the same answers.
// By hand: node bin/node26.mjs src/exchange/risk/risk.fuzz.ts [rounds] [first seed]
import assert from 'node:assert/strict';
import { Prng } from '../../base/prng.ts';
import { Exposures, NO_CELL } from './exposures.ts';
import { ReferenceExposures } from './exposures.reference.ts';
import { PriceRegions } from './price_regions.ts';
import { ReferenceRegions } from './price_regions.reference.ts';

const ACCOUNTS = 12;
const BOOKS = 5;

export function fuzzExposures(seed: number, steps: number): void {
  const prng = new Prng(seed);
  const ours = new Exposures(ACCOUNTS, BOOKS);
  const twin = new ReferenceExposures();
  for (let step = 0; step < steps; step++) {
    const account = prng.below(ACCOUNTS);
    const book = prng.below(BOOKS);
    const side = prng.chance(0.5) ? 1 : -1;
    const name = side > 0 ? 'buys' : 'sells';
    const at = ours.open(account, book);
    const cell = twin.cell(account, book);
    const qty = prng.chance(0.1) ? 0xffff_fffe : prng.between(1, 100);
    switch (prng.below(6)) {
      case 0:
        ours.reserve(at, side, qty);
        cell.pending[name] += qty;
        break;
      case 1:
        ours.changeOpen(at, side, qty);
        cell.open[name] += qty;
        break;
      case 2: {
        const traded = Math.min(qty, cell.open[name]);
        if (traded === 0) break;
        ours.trade(at, side, traded);
        cell.open[name] -= traded;
        cell.position += side * traded;
        break;
      }
      case 3:
        ours.changeOpen(at, side, -cell.open[name]);
        cell.open[name] = 0;
        break;
      case 4:
        ours.nextBatch();
        twin.nextBatch();
        break;
      default:
        // Goes flat, as when everything has ended, and is forgotten.
        for (const one of [1, -1]) {
          for (let other = 0; other < BOOKS; other++) {
            const its = twin.cell(account, other);
            const there = ours.open(account, other);
            ours.changeOpen(there, one, -its.open[one > 0 ? 'buys' : 'sells']);
            its.open[one > 0 ? 'buys' : 'sells'] = 0;
            if (its.position * one >= 0) continue;
            const back = Math.abs(its.position);
            ours.changeOpen(there, one, back);
            ours.trade(there, one, back);
            its.position = 0;
          }
        }
        ours.nextBatch();
        twin.nextBatch();
        assert.equal(ours.isOpen(account), false);
        ours.drop(account);
        twin.drop(account);
        assert.equal(ours.find(account, book), NO_CELL);
    }
    const found = ours.find(account, book);
    for (const one of [1, -1])
      assert.equal(found === NO_CELL ? 0 : ours.worst(found, one), twin.worst(account, book, one));
    assert.equal(ours.isOpen(account), twin.isOpen(account), `seed ${seed}, step ${step}`);
    if (step % 64 === 0) ours.checkInvariants();
  }
}

export function fuzzRegions(seed: number, steps: number): void {
  const prng = new Prng(seed);
  const ours = new PriceRegions();
  const twin = new ReferenceRegions();
  const orders: [number, number, number][] = [];
  let stops = 0;
  for (let step = 0; step < steps; step++) {
    const filling = Math.floor(step / 200) % 2 === 0;
    if (prng.chance(0.1)) {
      if (stops > 0 && prng.chance(0.5)) {
        ours.leaveStop();
        twin.leaveStop();
        stops--;
      } else {
        ours.enterStop();
        twin.enterStop();
        stops++;
      }
    } else if (orders.length > 0 && prng.chance(filling ? 0.3 : 0.7)) {
      const [order] = orders.splice(prng.below(orders.length), 1);
      ours.leave(...order);
      twin.leave(...order);
    } else {
      const ticks = prng.chance(0.2)
        ? [-(2 ** 31), 2 ** 31 - 1, -1, 0][prng.below(4)]
        : prng.between(-20, 20) * 3_000;
      const order: [number, number, number] = [
        prng.chance(0.1) ? 4_095 : prng.below(3),
        prng.chance(0.5) ? 1 : -1,
        ticks,
      ];
      orders.push(order);
      ours.enter(...order);
      twin.enter(...order);
    }
    const [book, side, ticks] = [prng.below(3), prng.chance(0.5) ? 1 : -1, prng.between(-20, 20) * 3_000];
    assert.equal(ours.has(book, side, ticks), twin.has(book, side, ticks), `seed ${seed}, step ${step}`);
    assert.deepEqual([ours.blocks, ours.levels], [twin.blocks, twin.levels], `seed ${seed}, step ${step}`);
    if (step % 64 === 0) ours.checkInvariants();
  }
}

if (import.meta.main) {
  const rounds = Number(process.argv[2] ?? 100);
  const first = Number(process.argv[3] ?? 1);
  for (let i = 0; i < rounds; i++) {
    fuzzExposures(first + i, 2_000);
    fuzzRegions(first + i, 2_000);
  }
  console.log(`${rounds} rounds agreed with the twins (seeds ${first} to ${first + rounds - 1})`);
}
