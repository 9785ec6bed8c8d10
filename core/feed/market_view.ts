// Books fed from a market data feed instead of by matching: the same orders, levels and hashes, keyed by the
// exchange's order id. Unknown or impossible updates change nothing and return false; the caller counts them.
import { ORDER_LIMIT, TIF_GTC } from '../codes';
import { bookAt, bookOf, forget, markDirty } from '../book/order_book';
import { Book, KIND_SELL, Level, Order, ladderOf } from '../book/records';
import { findOrder, insertOrder } from '../memory/id_map';
import { header } from '../memory/layout';
import { acquireLevel, appendOrder, rankOf, removeOrder, bestLevel } from '../memory/price_ladder';
import { takeOrder } from '../memory/slot_pool';

const VIEW_CLIENT: u32 = 0;

/** Adds an order at the back of its level. */
export function viewAdd(index: u32, side: i32, price: i32, qty: u32, orderId: u64, priority: u64): bool {
  const h = header();
  if (index >= h.bookCount || side * side != 1 || !qty || !orderId) return false;
  if (h.ordersLive == h.ordersMax || findOrder(VIEW_CLIENT, orderId)) return false;
  const book = bookAt(index);
  const kind: u32 = side > 0 ? 0 : 1;
  const level = acquireLevel(ladderOf(book, kind), rankOf(price, kind));
  if (!level) return false;
  const order = changetype<Order>(takeOrder());
  order.qty = qty;
  order.id = orderId;
  order.client = VIEW_CLIENT;
  order.orderId = orderId;
  order.priority = priority;
  order.executed = 0;
  order.ext = 0;
  order.owner = VIEW_CLIENT;
  order.kind = TIF_GTC | (<u32>ORDER_LIMIT << 8) | (side < 0 ? KIND_SELL : 0);
  appendOrder(level, order, qty);
  insertOrder(order);
  markDirty(book);
  return true;
}

/** Sets an order's visible quantity, keeping its place. */
export function viewModify(index: u32, orderId: u64, qty: u32): bool {
  const order = viewOrder(index, orderId);
  if (!order || !qty) return false;
  const o = changetype<Order>(order);
  const level = changetype<Level>(o.level);
  level.volume = level.volume - o.qty + qty;
  o.qty = qty;
  markDirty(bookAt(index));
  return true;
}

export function viewCancel(index: u32, orderId: u64): bool {
  const order = viewOrder(index, orderId);
  if (!order) return false;
  const o = changetype<Order>(order);
  removeOrder(o);
  forget(o);
  markDirty(bookAt(index));
  return true;
}

function viewOrder(index: u32, orderId: u64): u32 {
  if (index >= header().bookCount) return 0;
  const order = findOrder(VIEW_CLIENT, orderId);
  return order && bookOf(changetype<Order>(order)) == bookAt(index) ? order : 0;
}

/** Empties one book. */
export function viewClear(index: u32): bool {
  if (index >= header().bookCount) return false;
  const book = bookAt(index);
  for (let kind: u32 = 0; kind < 2; kind++) {
    let level = bestLevel(ladderOf(book, kind));
    while (level) {
      const o = changetype<Order>(changetype<Level>(level).next);
      removeOrder(o);
      forget(o);
      level = bestLevel(ladderOf(book, kind));
    }
  }
  markDirty(book);
  return true;
}

/** Records the last trade; the book is changed by the updates that follow it. */
export function viewTrade(index: u32, price: i32, qty: u32): bool {
  if (index >= header().bookCount) return false;
  const book = bookAt(index);
  const b = changetype<Book>(book);
  b.lastPrice = price;
  b.lastQty = qty;
  b.hasLast = 1;
  markDirty(book);
  return true;
}
