// A frozen walk against a copy taken at the same instant, while the books go on changing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { PublishedBooks } from './published_books.ts';

interface Entry {
  order: number;
  side: number;
  price: number;
  qty: number;
}

const BOOKS = 3;

/** All that a walk yields from where it stands, list by list, at most `orders` orders. */
function walkOn(books: PublishedBooks, orders: number, seen: Entry[][]): boolean {
  for (let i = 0; i < orders;) {
    const list = books.walkList;
    const slot = books.nextOfList();
    if (slot === 0) {
      if (!books.nextList()) return false;
      continue;
    }
    const order = books.orderLoOf(slot);
    const side = books.sideOf(slot);
    const price = books.priceOf(slot);
    seen[list].push({ order, side, price, qty: books.takeFrozenQty(slot) });
    i++;
  }
  return true;
}

test('a walk yields the books of the freeze, each side in order of arrival, whatever happens meanwhile', () => {
  const prng = new Prng(20_240_601);
  const ordersMax = 300;
  const books = new PublishedBooks(BOOKS, ordersMax);
  /** The model: orders of each list in order of arrival. */
  const lists: Entry[][] = Array.from({ length: BOOKS * 2 }, () => []);
  let next = 1;
  let walking = false;
  let copy: Entry[][] = [];
  let seen: Entry[][] = [];
  let walks = 0;
  for (let step = 0; step < 60_000; step++) {
    const list = prng.below(BOOKS * 2);
    const entries = lists[list];
    const action = prng.below(10);
    if (action < 5 && books.live < ordersMax) {
      const entry = {
        order: next++,
        side: list % 2 === 0 ? 1 : -1,
        price: prng.between(-50, 50),
        qty: prng.between(1, 1000),
      };
      books.add(list >> 1, entry.side, entry.order, 7, entry.price, entry.qty, entry.order, 0);
      entries.push({ ...entry });
    } else if (action < 8 && entries.length > 0) {
      const at = prng.below(entries.length);
      books.remove(books.find(entries[at].order, 7));
      entries.splice(at, 1);
    } else if (entries.length > 0) {
      const entry = entries[prng.below(entries.length)];
      entry.qty = prng.between(1, 1000);
      books.setQty(books.find(entry.order, 7), entry.qty);
    }
    if (!walking && prng.below(50) === 0) {
      assert.equal(books.freeze(), lists.flat().length);
      copy = structuredClone(lists);
      seen = lists.map(() => []);
      walking = true;
    } else if (walking && prng.below(3) === 0) {
      walking = walkOn(books, prng.between(1, 8), seen);
      if (!walking) {
        assert.deepEqual(seen, copy);
        walks++;
      }
    }
    if (step % 500 === 0) books.checkInvariants();
  }
  assert.ok(walks > 100, `${walks} walks`);
});

test('as many ghosts as there can be live orders', () => {
  const ordersMax = 64;
  const books = new PublishedBooks(1, ordersMax);
  const fill = (from: number): void => {
    for (let i = 0; i < ordersMax; i++) books.add(0, 1, from + i, 0, 5, i + 1, from + i, 0);
  };
  fill(1);
  books.freeze();
  for (let i = 0; i < ordersMax; i++) books.remove(books.find(1 + i, 0));
  fill(1_000);
  books.checkInvariants();
  const seen: Entry[][] = [[], []];
  while (walkOn(books, 100, seen));
  assert.deepEqual(
    seen[0].map(({ qty }) => qty),
    Array.from({ length: ordersMax }, (_, i) => i + 1),
  );
  books.checkInvariants();
  assert.equal(books.live, ordersMax);
});

test('ids of both halves are told apart', () => {
  const books = new PublishedBooks(1, 16);
  books.add(0, 1, 5, 0, 1, 10, 5, 0);
  books.add(0, 1, 5, 1, 1, 20, 5, 1);
  assert.equal(books.qtyOf(books.find(5, 0)), 10);
  assert.equal(books.qtyOf(books.find(5, 1)), 20);
  assert.equal(books.find(5, 2), 0);
  books.remove(books.find(5, 0));
  assert.equal(books.find(5, 0), 0);
  assert.equal(books.qtyOf(books.find(5, 1)), 20);
});
