// Loops over single questions to the book, for the benchmark: compiled beside the core's exports into a
// module of its own, they show what a question costs inside the core, without the call that a host
// makes.
import { bestOf, bookAt, depth } from '../book/order_book';
import { Level } from '../book/records';
import { header } from '../memory/layout';
import { levelPrice } from '../memory/price_ladder';

/**
 * Asks `count` times for a side's best price and volume, bids and asks in turn; the sum of both over all
 * answers.
 */
export function bestLoop(index: u32, count: u32): f64 {
  const book = bookAt(index);
  let sum: i64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const level = bestOf(book, i & 1);
    if (level) {
      const l = changetype<Level>(level);
      sum += <i64>levelPrice(l) + <i64>l.volume;
    }
  }
  return <f64>sum;
}

/**
 * Asks `count` times for the best `levels` levels of a side, bids and asks in turn; the number of levels
 * answered.
 */
export function depthLoop(index: u32, levels: u32, count: u32): u32 {
  const book = bookAt(index);
  const out = header().results + 64;
  let sum: u32 = 0;
  for (let i: u32 = 0; i < count; i++) sum += depth(book, i & 1, 0, levels, out);
  return sum;
}
