// Pools of orders and extensions: last freed, first used, so that a small book stays in the cache.
//
// Order.orderId is the slot's generation: never reused by the engine and 0 while the slot is free. A handle is
// (slot, low half of the order id); a stale one is found because the id differs or is 0.
import { EXTENSION_SIZE, ORDER_SIZE, Order } from '../book/records';
import { header } from './layout';

/** A free order slot. The caller has checked ordersLive < ordersMax. */
// @ts-ignore: decorator
@inline
export function takeOrder(): u32 {
  const h = header();
  if (!ASC_NO_ASSERT) assert(h.ordersLive < h.ordersMax);
  h.ordersLive += 1;
  const free = h.orderFree;
  if (free) {
    if (!ASC_NO_ASSERT) assert(changetype<Order>(free).orderId == 0);
    h.orderFree = changetype<Order>(free).next;
    return free;
  }
  const fresh = h.orderFresh;
  h.orderFresh = fresh + ORDER_SIZE;
  return fresh;
}

// @ts-ignore: decorator
@inline
export function freeOrder(order: Order): void {
  if (!ASC_NO_ASSERT) assert(order.orderId != 0); // a double free
  const h = header();
  if (order.ext) freeExtension(order);
  order.orderId = 0;
  order.next = h.orderFree;
  h.orderFree = changetype<u32>(order);
  h.ordersLive -= 1;
}

/** A zeroed extension, 0 when the pool is exhausted. */
export function takeExtension(): u32 {
  const h = header();
  let ext = h.extensionFree;
  if (ext) {
    h.extensionFree = load<u32>(ext);
  } else {
    ext = h.extensionFresh;
    if (ext == h.extensionsEnd) return 0;
    h.extensionFresh = ext + EXTENSION_SIZE;
  }
  memory.fill(ext, 0, EXTENSION_SIZE);
  return ext;
}

function freeExtension(order: Order): void {
  const h = header();
  store<u32>(order.ext, h.extensionFree);
  h.extensionFree = order.ext;
  order.ext = 0;
}

/** Handle of a live order: slot number in the high half, generation in the low. 0 for none. */
export function handleOf(order: u32): u64 {
  if (!order) return 0;
  const slot = (order - header().orders) / ORDER_SIZE;
  return ((<u64>slot) << 32) | (changetype<Order>(order).orderId & 0xffffffff);
}

/** The order of a handle, 0 when the slot is free or belongs to another order by now. */
export function orderOf(handle: u64): u32 {
  const h = header();
  const slot = u32(handle >> 32);
  if (slot >= h.ordersMax) return 0;
  const order = h.orders + slot * ORDER_SIZE;
  if (order >= h.orderFresh) return 0;
  const orderId = changetype<Order>(order).orderId;
  return orderId != 0 && u32(orderId) == u32(handle) ? order : 0;
}
