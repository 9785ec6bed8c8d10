// Loops over single questions to the book, for the benchmark: compiled beside the core's exports into a
// module of its own, they show what a question costs inside the core, without the call that a host
// makes.
import { bestOf, bookAt, depth } from '../book/order_book';
import { Level, Order } from '../book/records';
import { header } from '../memory/layout';
import { levelPrice } from '../memory/price_ladder';
import { freeOrder, takeOrder } from '../memory/slot_pool';

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

/** Records that live at once in poolLoop. */
const POOL_LIVE: u32 = 16;
/** Prime to POOL_LIVE: they go in another order than they came. */
const POOL_STRIDE: u32 = 5;

/**
 * Takes POOL_LIVE orders from the engine's pool, names each, and gives them back in another order, `rounds` times; the sum of the names as
 * they were found at the end of each life.
 */
export function poolLoop(rounds: u32): f64 {
  const list = header().results + 64;
  let sum: u64 = 0;
  for (let round: u32 = 0; round < rounds; round++) {
    for (let i: u32 = 0; i < POOL_LIVE; i++) {
      const order = takeOrder();
      changetype<Order>(order).orderId = <u64>round + i + 1;
      changetype<Order>(order).ext = 0;
      store<u32>(list + (i << 2), order);
    }
    for (let i: u32 = 0; i < POOL_LIVE; i++) {
      const order = changetype<Order>(load<u32>(list + (((i * POOL_STRIDE) & (POOL_LIVE - 1)) << 2)));
      sum += order.orderId;
      freeOrder(order);
    }
  }
  return <f64>sum;
}
