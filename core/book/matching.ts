// Matching: what happens when a new, replaced or triggered order meets the other side.
//
// The plain path is straight-line code: one id look-up, one level, one order line, one event. Everything else goes through
// the general path and `arrive`. Rules and order of checks: docs/MATCHING.md.
import {
  EVF_END, EVF_ICEBERG, EVF_KEPT, EVF_RESTING, EVF_RESTS, EV_ACCEPTED, EV_CANCELED, EV_DISPLAYED, EV_REDUCED,
  EV_REPLACED, EV_RESTED, EV_TRADE, EV_TRIGGERED, FLAG_CHAIN, FLAG_POST_ONLY, ORDER_LIMIT, ORDER_MARKET,
  ORDER_STOP, ORDER_STOP_LIMIT, REASON_CANNOT_FILL, REASON_CAPACITY, REASON_DUPLICATE, REASON_NONE,
  REASON_POST_ONLY, REASON_PRICE, REASON_QUANTITY, REASON_SELF_TRADE, REASON_SIDE, REASON_STATE, REASON_TICKER,
  REASON_UNKNOWN_ORDER, REASON_UNSUPPORTED, STATE_OPEN, STP_CANCEL_BOTH, STP_CANCEL_NEWEST, STP_CANCEL_OLDEST,
  STP_DECREMENT, STP_DEFAULT, STP_NONE, TIF_FOK, TIF_GTC, TIF_IOC,
} from '../codes';
import { claimReserved, eventHead, lastEvent, reserveEvents, writeEvent, writeEventAt, writePlainEvent } from '../memory/event_ring';
import {
  ADDRESS, cutLink, findLink, findLinkFrom, findOrder, hashOf, headOf, insertAt, insertOrder,
} from '../memory/id_map';
import { header } from '../memory/layout';
import {
  acquireLevel, appendOrder, bestLevel, levelPrice, nextLevel, rankOf, removeOrder,
} from '../memory/price_ladder';
import { freeOrder, takeExtension, takeOrder } from '../memory/slot_pool';
import { Command, CommandExtension, OWNER_NONE } from '../records';
import {
  bookAt, bookOf, cancelResting, displayOf, forget, hiddenOf, isWaitingStop, lowerTo, markDirty, openOf,
  orderTypeOf, priceOfOrder, refreshIceberg, rest, sideOf, tifOf, writeCanceledRest, writeRejected, writeVisible,
} from './order_book';
import {
  Book, Extension, STATE_AND_STOPS, KIND_POST_ONLY, KIND_SELL, KIND_STOP, KIND_STP_SHIFT, LADDER_SIZE,
  LADDER_BUY_STOPS, LADDER_SELL_STOPS, Ladder, Level, Order, bookOfLadder, ladderOf,
} from './records';
import { runStops } from './stops';

// ---- the plain path ----------------------------------------------------------------------------
//
// Each of these does one kind of command in its commonest form and returns true, or changes nothing and returns
// false: then the general path below does it. They write at most PLAIN_EVENTS_MAX events
// each without asking for room (processCommands has reserved it), and need a book that is open and has no waiting stops.

const PLAIN_MASK: u64 = 0x0000_00ff_00ff_0000; // flags, order type
const PLAIN: u64 = <u64>ORDER_LIMIT << 16;

/** A limit order, day, GTC or IOC, without extras. */
// @ts-ignore: decorator
@inline
export function newPlain(cmd: Command): bool {
  // Branches, not a product of conditions: a predicted branch is one instruction, a condition as a number is four.
  const h = header();
  const index = <u32>cmd.book;
  if (index >= h.bookCount) return false;
  const book = bookAt(index);
  const b = changetype<Book>(book);
  if (load<u64>(book, STATE_AND_STOPS)) return false;
  if ((load<u64>(changetype<usize>(cmd)) & PLAIN_MASK) != PLAIN) return false;
  const side = <i32>cmd.side;
  if ((side + 1) & ~2) return false; // neither 1 nor -1
  const tif = <u32>cmd.tif;
  if (tif > TIF_IOC) return false;
  if (tif == 2) return false;
  const stp = <u32>cmd.stp;
  if (stp > STP_DECREMENT) return false;
  const qty = cmd.qty;
  if (qty - 1 >= u32.MAX_VALUE - 1) return false;
  const price = cmd.price;
  if (u32(price - b.minPrice) > b.priceSpan) return false;
  if (h.ordersLive >= h.ordersMax) return false;
  const id = cmd.id;
  const client = cmd.client;
  const hash = hashOf(client, id);
  const head = headOf(hash);
  if (findLinkFrom(head, hash, client, id)) return false;
  const own = book + (<u32>(1 - side) << 4); // bids at 0, asks at LADDER_SIZE
  const rank = u32(price) ^ 0x80000000 ^ u32(side >> 31);
  if (crosses(own ^ LADDER_SIZE, ~rank)) return newCrossing(cmd);
  const orderId = h.counter + 1;
  if (tif == TIF_IOC) {
    h.counter = orderId;
    writePlainEvent(
      eventHead(EV_ACCEPTED, side, 0, 0, index, 0, ORDER_LIMIT),
      price, qty, client, id, 0, orderId, orderId, qty, 0,
    );
    writePlainEvent(
      eventHead(EV_CANCELED, side, EVF_END, REASON_CANNOT_FILL, index, 0, ORDER_LIMIT),
      price, qty, client, id, 0, orderId, orderId, 0, 0,
    );
    return true;
  }
  const level = acquireLevel(own, rank);
  if (!level) return false;
  h.counter = orderId;
  insertAt(head, hash, changetype<Order>(placePlain(level, id, client, qty, qty, orderId, tif, stp, side)));
  writePlainEvent(
    eventHead(EV_ACCEPTED, side, EVF_RESTS | EVF_END, 0, index, 0, ORDER_LIMIT),
    price, qty, client, id, 0, orderId, orderId, qty, qty,
  );
  markDirty(book);
  return true;
}

/** A plain order of `qty`, of which `open` is left, goes to the back of `level`; the caller puts it into the id map. */
// @ts-ignore: decorator
@inline
function placePlain(
  level: u32, id: u64, client: u32, qty: u32, open: u32, orderId: u64, tif: u32, stp: u32, side: i32,
): u32 {
  const order = takeOrder();
  const o = changetype<Order>(order);
  o.qty = open;
  o.id = id;
  o.client = client;
  o.orderId = orderId;
  o.priority = orderId;
  store<u64>(order, <u64>(qty - open), 48); // executed, ext
  const kind = tif | (<u32>ORDER_LIMIT << 8) | (u32(side >> 31) & KIND_SELL) | (stp << KIND_STP_SHIFT);
  store<u64>(order, <u64>client | (<u64>kind << 32), 56); // owner, kind
  appendOrder(level, o, open);
  return order;
}

/** newPlain for an order that crosses; all its checks are done. The taker stays in registers, it gets no slot unless it rests. */
export function newCrossing(cmd: Command): bool {
  const h = header();
  const stp = <u32>cmd.stp;
  if ((stp == STP_DEFAULT ? h.stpDefault : stp) != STP_NONE) return false;
  const index = <u32>cmd.book;
  const book = bookAt(index);
  const b = changetype<Book>(book);
  const side = <i32>cmd.side;
  const price = cmd.price;
  const qty = cmd.qty;
  const id = cmd.id;
  const client = cmd.client;
  const own = book + (<u32>(1 - side) << 4);
  const opposite = own ^ LADDER_SIZE;
  const rank = u32(price) ^ 0x80000000 ^ u32(side >> 31);
  const orderId = h.counter + 1;
  h.counter = orderId;
  writeEvent(
    eventHead(EV_ACCEPTED, side, 0, 0, index, 0, ORDER_LIMIT),
    price, qty, client, 0, id, 0, orderId, orderId, qty, 0,
  );
  let open = qty;
  do {
    const level = changetype<Level>(bestLevel(opposite));
    const maker = changetype<Order>(level.next);
    const visible = maker.qty;
    const traded = min<u32>(open, visible);
    open -= traded;
    const makerLeft = fill(b, level, maker, visible, traded);
    writeEvent(
      eventHead(EV_TRADE, side, makerLeft && displayOf(maker) ? EVF_ICEBERG : 0, 0, index, 0, 0),
      levelPrice(level), traded, client, maker.client, id, maker.id, orderId, maker.orderId, open, makerLeft,
    );
    if (makerLeft) showAfterTrade(maker);
    else {
      removeOrder(maker);
      forget(maker);
    }
  } while (open && crosses(opposite, ~rank));
  markDirty(book);
  if (open) {
    const level = cmd.tif == TIF_IOC ? 0 : acquireLevel(own, rank);
    if (level) {
      const order = changetype<Order>(placePlain(level, id, client, qty, open, orderId, cmd.tif, stp, side));
      insertOrder(order);
      writeVisible(EV_RESTED, order);
    } else {
      writeEvent(
        eventHead(EV_CANCELED, side, 0, cmd.tif == TIF_IOC ? REASON_CANNOT_FILL : REASON_CAPACITY, index, 0, ORDER_LIMIT),
        price, open, client, 0, id, 0, orderId, orderId, 0, 0,
      );
    }
  }
  lastEvent().flags |= EVF_END;
  reserveEvents(); // its trades may have used up what the rest of the round counts on
  return true;
}

/** All ones for a sell order, else 0. */
// @ts-ignore: decorator
@inline
function sellMaskOf(order: Order): u32 {
  return -((order.kind >> 16) & 1);
}

/** levelPrice for a level of resting orders, their side known: a third of the instructions. */
// @ts-ignore: decorator
@inline
function plainPrice(level: Level, sellMask: u32): i32 {
  return i32(level.rank ^ 0x80000000 ^ sellMask);
}

/** An order without an extension is cancelled. */
// @ts-ignore: decorator
@inline
export function cancelPlain(cmd: Command): bool {
  const link = findLink(cmd.client, cmd.id);
  if (!link) return false;
  const order = changetype<Order>(load<u32>(link) & ADDRESS);
  const level = changetype<Level>(order.level);
  const book = bookOfLadder(level.ladder);
  const index = <u32>cmd.book;
  if (book != bookAt(index)) return false;
  if (order.ext) return false;
  const sellMask = sellMaskOf(order);
  writePlainEvent(
    eventHead(EV_CANCELED, 1 | i32(sellMask), EVF_RESTING | EVF_END, 0, index, 0, ORDER_LIMIT),
    plainPrice(level, sellMask), order.qty, order.client, order.id, 0, order.orderId, order.priority, 0, 0,
  );
  removeOrder(order);
  cutLink(link, order);
  freeOrder(order);
  markDirty(book);
  return true;
}

/** A part, not the whole, of a plain order's quantity is taken away; it keeps its place. */
// @ts-ignore: decorator
@inline
export function reducePlain(cmd: Command): bool {
  const link = findLink(cmd.client, cmd.id);
  if (!link) return false;
  const order = changetype<Order>(load<u32>(link) & ADDRESS);
  const level = changetype<Level>(order.level);
  const book = bookOfLadder(level.ladder);
  const index = <u32>cmd.book;
  const by = cmd.qty;
  const before = order.qty;
  if (book != bookAt(index)) return false;
  if (order.ext) return false;
  if (load<u64>(book, STATE_AND_STOPS)) return false;
  if (by - 1 >= before - 1) return false; // nothing, or all of it
  const left = before - by;
  order.qty = left;
  level.volume -= by;
  const sellMask = sellMaskOf(order);
  writePlainEvent(
    eventHead(EV_REDUCED, 1 | i32(sellMask), EVF_RESTING | EVF_END, 0, index, 0, ORDER_LIMIT),
    plainPrice(level, sellMask), by, order.client, order.id, before, order.orderId, order.priority, left, left,
  );
  markDirty(book);
  return true;
}

/** A plain order gets a new price or a larger quantity, loses its place and meets nobody. */
// @ts-ignore: decorator
@inline
export function replacePlain(cmd: Command): bool {
  const h = header();
  const index = <u32>cmd.book;
  if (index >= h.bookCount) return false;
  const book = bookAt(index);
  const b = changetype<Book>(book);
  const link = findLink(cmd.client, cmd.id);
  if (!link) return false;
  const order = changetype<Order>(load<u32>(link) & ADDRESS);
  const level = changetype<Level>(order.level);
  const price = cmd.price;
  const qty = cmd.qty;
  const kind = order.kind;
  const sellMask = sellMaskOf(order);
  const own = book + (sellMask & LADDER_SIZE);
  const rank = u32(price) ^ 0x80000000 ^ sellMask;
  if (level.ladder != own) return false;
  if (order.ext) return false;
  if (kind & KIND_POST_ONLY) return false;
  if (cmd.flags) return false;
  if (load<u64>(book, STATE_AND_STOPS)) return false;
  if (qty - 1 >= u32.MAX_VALUE - 1) return false;
  if (u32(price - b.minPrice) > b.priceSpan) return false;
  if (rank == level.rank) {
    if (qty <= order.qty) return false;
  }
  if (crosses(own ^ LADDER_SIZE, ~rank)) return false;
  const oldPrice = plainPrice(level, sellMask);
  const oldDisplayed = order.qty;
  const fresh = acquireLevel(own, rank);
  if (!fresh) return false;
  changetype<Level>(fresh).count += 1; // holds the level, which may be the order's own, while the order moves
  removeOrder(order);
  changetype<Level>(fresh).count -= 1;
  const priority = h.counter + 1;
  h.counter = priority;
  order.priority = priority;
  order.qty = qty;
  appendOrder(fresh, order, qty);
  const at = claimReserved();
  writeEventAt(
    at, eventHead(EV_REPLACED, 1 | i32(sellMask), EVF_RESTS | EVF_RESTING | EVF_END, 0, index, 0, ORDER_LIMIT),
    price, qty, order.client, u32(oldPrice), order.id, <u64>oldDisplayed, order.orderId, priority, qty, qty,
  );
  markDirty(book);
  return true;
}

// ---- trades ------------------------------------------------------------------------------------

/** Takes `traded` from a resting order and its level, notes the last trade; the order's whole open quantity after. */
// @ts-ignore: decorator
@inline
function fill(b: Book, level: Level, maker: Order, visible: u32, traded: u32): u32 {
  maker.qty = visible - traded;
  maker.executed = addSaturating(maker.executed, traded);
  level.volume -= traded;
  b.lastPrice = levelPrice(level);
  b.lastQty = traded;
  b.hasLast = 1;
  return visible - traded + hiddenOf(maker);
}

/** What the feed must know of a resting order that is not used up: nothing for a plain one. */
// @ts-ignore: decorator
@inline
function showAfterTrade(maker: Order): void {
  if (displayOf(maker)) showIceberg(maker);
}

function showIceberg(maker: Order): void {
  if (maker.qty) writeVisible(EV_DISPLAYED, maker);
  else refreshIceberg(maker);
}

// ---- new, in general ---------------------------------------------------------------------------

/** Whether the ladder's best level is at or above `limit` (a rank of that ladder). */
// @ts-ignore: decorator
@inline
function crosses(ladder: u32, limit: u32): bool {
  return changetype<Ladder>(ladder).bound > <u64>limit;
}

/** New orders of every kind, all checks in the order of docs/MATCHING.md; `extension` is the address or 0. */
export function newOrder(cmd: Command, extension: u32): void {
  const h = header();
  if (<u32>cmd.book >= h.bookCount) return writeRejected(cmd, cmd.type, REASON_TICKER);
  const book = bookAt(cmd.book);
  const b = changetype<Book>(book);
  const side = <i32>cmd.side;
  const type = <u32>cmd.orderType;
  const tif = <u32>cmd.tif;
  const stp = <u32>cmd.stp;
  const qty = cmd.qty;
  const isStop = type == ORDER_STOP || type == ORDER_STOP_LIMIT;
  const isLimit = type == ORDER_LIMIT || type == ORDER_STOP_LIMIT;
  let display: u32 = 0;
  let minQty: u32 = 0;
  let stopPrice: i32 = 0;
  let owner = cmd.client;
  if (extension) {
    const x = changetype<CommandExtension>(extension);
    display = x.display >= qty ? 0 : x.display;
    minQty = x.minQty;
    stopPrice = x.stopPrice;
    if (x.owner != OWNER_NONE) owner = x.owner;
  }
  const price = isLimit ? cmd.price : 0;
  const postOnly = (cmd.flags & FLAG_POST_ONLY) != 0;

  let reason: u32 = 0;
  if (b.state != STATE_OPEN) reason = REASON_STATE;
  else if (side != 1 && side != -1) reason = REASON_SIDE;
  else if (type < ORDER_MARKET || type > ORDER_STOP_LIMIT || tif == 2 || tif > TIF_FOK || stp > STP_DECREMENT) {
    reason = REASON_UNSUPPORTED;
  } else if (qty == 0 || qty == u32.MAX_VALUE) reason = REASON_QUANTITY;
  else if (isLimit && (price < b.minPrice || price > b.maxPrice)) reason = REASON_PRICE;
  else if (isStop && (stopPrice < b.minPrice || stopPrice > b.maxPrice)) reason = REASON_PRICE;
  else if (findOrder(cmd.client, cmd.id)) reason = REASON_DUPLICATE;
  else if ((display || postOnly) && (!isLimit || tif > TIF_GTC)) reason = REASON_UNSUPPORTED;
  else if (minQty > qty || tooManyParts(qty, display)) reason = REASON_UNSUPPORTED;
  if (reason) return writeRejected(cmd, cmd.type, reason);

  const mode = stp == STP_DEFAULT ? h.stpDefault : stp;
  const kind = side > 0 ? 0 : 1;
  const opposite = ladderOf(book, kind ^ 1);
  const limit = isLimit ? ~rankOf(price, kind) : 0;
  if (!isStop) {
    const crossing = crosses(opposite, limit);
    if (postOnly && crossing) return writeRejected(cmd, cmd.type, REASON_POST_ONLY);
    const needed = tif == TIF_FOK ? qty : minQty;
    if (needed && !canFill(opposite, limit, needed, owner, mode)) {
      return writeRejected(cmd, cmd.type, REASON_CANNOT_FILL);
    }
  }
  if (h.ordersLive == h.ordersMax) return writeRejected(cmd, cmd.type, REASON_CAPACITY);
  let ext: u32 = 0;
  if (display || isStop) {
    ext = takeExtension();
    if (!ext) return writeRejected(cmd, cmd.type, REASON_CAPACITY);
    const x = changetype<Extension>(ext);
    x.display = display;
    x.minQty = minQty;
    x.stopPrice = stopPrice;
    x.price = price;
  }

  const order = changetype<Order>(takeOrder());
  const orderId = h.counter + 1;
  h.counter = orderId;
  order.qty = qty;
  order.level = 0;
  order.id = cmd.id;
  order.client = cmd.client;
  order.orderId = orderId;
  order.priority = orderId;
  order.executed = 0;
  order.ext = ext;
  order.owner = owner;
  order.kind =
    tif | (type << 8) | (side < 0 ? KIND_SELL : 0) | (postOnly ? KIND_POST_ONLY : 0) | (stp << KIND_STP_SHIFT);
  insertOrder(order);
  if (isStop) waitForTrigger(order, book, price, stopPrice);
  else arrive(order, book, price, limit, EV_ACCEPTED, 0, 0, 0);
  if (b.stops) runStops(book);
}

/** A stop joins the stops of its instrument; the caller runs the triggers. */
function waitForTrigger(order: Order, book: u32, price: i32, stopPrice: i32): void {
  const b = changetype<Book>(book);
  const kind = order.kind & KIND_SELL ? LADDER_SELL_STOPS : LADDER_BUY_STOPS;
  const level = acquireLevel(ladderOf(book, kind), rankOf(stopPrice, kind));
  writeEvent(
    eventHead(EV_ACCEPTED, sideOf(order), 0, 0, b.index, 0, orderTypeOf(order)),
    price, order.qty, order.client, 0, order.id, 0, order.orderId, order.priority, order.qty, 0,
  );
  if (!level) {
    writeCanceledRest(order, b.index, price, order.qty, REASON_CAPACITY);
    return forget(order);
  }
  order.kind |= KIND_STOP;
  b.stops += 1;
  header().stopsLive += 1;
  appendOrder(level, order, order.qty);
}

// ---- arrival -----------------------------------------------------------------------------------

/**
 * An order that stands in no level, whole quantity in `qty`, meets the market: its own event first (`type` is
 * EV_ACCEPTED, EV_REPLACED or EV_TRIGGERED), then trades, then what becomes of the rest. `limit` is the lowest rank of the
 * opposite ladder that it accepts. The old* are for EV_REPLACED; `oldQty` is its makerId.
 */
export function arrive(
  order: Order, book: u32, price: i32, limit: u32, type: u8, oldFlags: u32, oldPrice: i32, oldQty: u64,
): void {
  const kind: u32 = order.kind & KIND_SELL ? 1 : 0;
  const own = ladderOf(book, kind);
  const opposite = own ^ LADDER_SIZE;
  const qty = order.qty;
  const mayRest = orderTypeOf(order) == ORDER_LIMIT && tifOf(order) <= TIF_GTC;
  const index = changetype<Book>(book).index;
  markDirty(book);
  if (!crosses(opposite, limit)) {
    const level = mayRest ? acquireLevel(own, rankOf(price, kind)) : 0;
    if (level) {
      rest(order, level);
      const flags = type == EV_TRIGGERED ? 0 : EVF_RESTS | oldFlags;
      writeOwn(order, type, flags, index, price, qty, oldPrice, oldQty, type == EV_TRIGGERED ? 0 : order.qty);
      if (type == EV_TRIGGERED) writeVisible(EV_RESTED, order);
      return;
    }
    writeOwn(order, type, oldFlags, index, price, qty, oldPrice, oldQty, 0);
    writeCanceledRest(order, index, price, qty, mayRest ? REASON_CAPACITY : REASON_CANNOT_FILL);
    return forget(order);
  }
  const ackLast = type == EV_REPLACED && header().ackReplaceLast != 0;
  if (!ackLast) writeOwn(order, type, oldFlags, index, price, qty, oldPrice, oldQty, 0);
  const stopped = match(order, book, opposite, limit, price);
  if (ackLast) writeOwn(order, type, oldFlags, index, price, qty, oldPrice, oldQty, 0);
  const left = order.qty;
  if (stopped) {
    writeCanceledRest(order, index, price, left ? left : decremented, REASON_SELF_TRADE);
    return forget(order);
  }
  if (!left) return forget(order);
  const level = mayRest ? acquireLevel(own, rankOf(price, kind)) : 0;
  if (level) {
    rest(order, level);
    return writeVisible(EV_RESTED, order);
  }
  writeCanceledRest(order, index, price, left, mayRest ? REASON_CAPACITY : REASON_CANNOT_FILL);
  forget(order);
}

function writeOwn(
  order: Order, type: u8, flags: u32, index: u32, price: i32, qty: u32, oldPrice: i32, oldQty: u64, displayed: u32,
): void {
  writeEvent(
    eventHead(type, sideOf(order), flags, 0, index, 0, orderTypeOf(order)),
    price, qty, order.client, u32(oldPrice), order.id, oldQty, order.orderId, order.priority, qty, displayed,
  );
}

/** Trades `taker` against the ladder down to rank `limit`. True: self-trade prevention ended it. */
function match(taker: Order, book: u32, opposite: u32, limit: u32, price: i32): bool {
  const h = header();
  const b = changetype<Book>(book);
  const index = b.index;
  const side = sideOf(taker);
  const owner = taker.owner;
  const ownMode = taker.kind >> KIND_STP_SHIFT;
  const mode = ownMode == STP_DEFAULT ? h.stpDefault : ownMode;
  while (taker.qty) {
    const levelAddress = bestLevel(opposite);
    if (!levelAddress) return false;
    const level = changetype<Level>(levelAddress);
    if (level.rank < limit) return false;
    const tradePrice = levelPrice(level);
    // The level's last order takes the level away; its record keeps count 0 until a level is acquired again.
    while (level.count && taker.qty) {
      const maker = changetype<Order>(level.next);
      if (mode != STP_NONE && maker.owner == owner) {
        if (mode == STP_CANCEL_NEWEST) return true;
        if (mode == STP_DECREMENT) {
          decrement(taker, maker, price);
          if (!taker.qty) return true;
          continue;
        }
        cancelResting(maker, REASON_SELF_TRADE);
        if (mode == STP_CANCEL_BOTH) return true;
        continue;
      }
      const visible = maker.qty;
      const traded = min<u32>(taker.qty, visible);
      taker.qty -= traded;
      taker.executed = addSaturating(taker.executed, traded);
      const makerLeft = fill(b, level, maker, visible, traded);
      writeEvent(
        eventHead(EV_TRADE, side, makerLeft && displayOf(maker) ? EVF_ICEBERG : 0, 0, index, 0, 0),
        tradePrice, traded, taker.client, maker.client, taker.id, maker.id, taker.orderId, maker.orderId,
        taker.qty, makerLeft,
      );
      if (makerLeft) showAfterTrade(maker);
      else {
        removeOrder(maker);
        forget(maker);
      }
    }
  }
  return false;
}

/** Parts that an iceberg may show one after another: what one order can make it answer with. */
const ICEBERG_PARTS_MAX: u32 = 1_000;

// @ts-ignore: decorator
@inline
function tooManyParts(qty: u32, display: u32): bool {
  return display != 0 && (qty - 1) / display >= ICEBERG_PARTS_MAX;
}

// @ts-ignore: decorator
@inline
function addSaturating(a: u32, b: u32): u32 {
  const sum = a + b;
  return sum < a ? u32.MAX_VALUE : sum;
}

/** What the last decrement took from an aggressor that it ended: `arrive` reports it, after `replaced`. */
let decremented: u32 = 0;

/** Self-trade mode decrement for one resting order. */
function decrement(taker: Order, maker: Order, price: i32): void {
  const visible = maker.qty;
  const d = min<u32>(taker.qty, visible);
  const index = changetype<Book>(bookOf(maker)).index;
  const hidden = hiddenOf(maker);
  const leaves = visible - d + hidden;
  if (!leaves) {
    cancelResting(maker, REASON_SELF_TRADE);
  } else {
    changetype<Level>(maker.level).volume -= d;
    maker.qty = visible - d;
    writeReduced(maker, index, levelPrice(changetype<Level>(maker.level)), d, leaves, visible, REASON_SELF_TRADE, EVF_RESTING, maker.qty);
    if (!maker.qty) refreshIceberg(maker);
  }
  taker.qty -= d;
  if (taker.qty) writeReduced(taker, index, price, d, taker.qty, 0, REASON_SELF_TRADE, 0, 0);
  else decremented = d;
}

function writeReduced(
  order: Order, index: u32, price: i32, qty: u32, leaves: u32, oldDisplayed: u32, reason: u32, flags: u32, displayed: u32,
): void {
  writeEvent(
    eventHead(EV_REDUCED, sideOf(order), flags, reason, index, 0, orderTypeOf(order)),
    price, qty, order.client, 0, order.id, <u64>oldDisplayed, order.orderId, order.priority, leaves, displayed,
  );
}

/** Whether `needed` can trade at once down to rank `limit`: hidden counts, own orders as the mode says. */
function canFill(opposite: u32, limit: u32, needed: u32, owner: u32, mode: u32): bool {
  let total: u64 = 0;
  let level = bestLevel(opposite);
  while (level) {
    const l = changetype<Level>(level);
    if (l.rank < limit) return false;
    let visible: u64 = 0;
    let whole: u64 = 0;
    for (let at = l.next; at != level; at = changetype<Order>(at).next) {
      const order = changetype<Order>(at);
      if (mode != STP_NONE && order.owner == owner) {
        if (mode == STP_CANCEL_OLDEST) continue;
        return total + visible >= <u64>needed; // an iceberg ahead of it refreshes behind it
      }
      visible += order.qty;
      whole += openOf(order);
    }
    total += whole;
    if (total >= <u64>needed) return true;
    level = nextLevel(l);
  }
  return false;
}

// ---- changes -----------------------------------------------------------------------------------

/** The live order of (client, id) on the command's instrument, 0 when there is none. */
// @ts-ignore: decorator
@inline
function target(cmd: Command, book: u32): u32 {
  const order = findOrder(cmd.client, cmd.id);
  return order && bookOf(changetype<Order>(order)) == book ? order : 0;
}

export function cancelOrder(cmd: Command): void {
  const index = <u32>cmd.book;
  if (index >= header().bookCount) return writeRejected(cmd, cmd.type, REASON_TICKER);
  const order = target(cmd, bookAt(index));
  if (!order) return writeRejected(cmd, cmd.type, REASON_UNKNOWN_ORDER);
  cancelResting(changetype<Order>(order), REASON_NONE);
}

export function reduceOrder(cmd: Command): void {
  const index = <u32>cmd.book;
  if (index >= header().bookCount) return writeRejected(cmd, cmd.type, REASON_TICKER);
  const book = bookAt(index);
  if (changetype<Book>(book).state != STATE_OPEN) return writeRejected(cmd, cmd.type, REASON_STATE);
  const by = cmd.qty;
  if (!by) return writeRejected(cmd, cmd.type, REASON_QUANTITY);
  const found = target(cmd, book);
  if (!found) return writeRejected(cmd, cmd.type, REASON_UNKNOWN_ORDER);
  const order = changetype<Order>(found);
  const open = openOf(order);
  if (by >= open) return cancelResting(order, REASON_NONE);
  const waiting = isWaitingStop(order);
  const before = order.qty;
  lowerTo(order, open - by);
  writeReduced(
    order, index, priceOfOrder(order), by, open - by, waiting ? 0 : before, REASON_NONE,
    waiting ? 0 : EVF_RESTING, waiting ? 0 : order.qty,
  );
  markDirty(book);
}

export function replaceOrder(cmd: Command): void {
  const index = <u32>cmd.book;
  if (index >= header().bookCount) return writeRejected(cmd, cmd.type, REASON_TICKER);
  const book = bookAt(index);
  const b = changetype<Book>(book);
  if (b.state != STATE_OPEN) return writeRejected(cmd, cmd.type, REASON_STATE);
  let open = cmd.qty;
  if (open == 0 || open == u32.MAX_VALUE) return writeRejected(cmd, cmd.type, REASON_QUANTITY);
  const found = target(cmd, book);
  if (!found) return writeRejected(cmd, cmd.type, REASON_UNKNOWN_ORDER);
  const order = changetype<Order>(found);
  const waiting = isWaitingStop(order);
  const plainStop = waiting && orderTypeOf(order) == ORDER_STOP;
  const price = plainStop ? 0 : cmd.price;
  if (!plainStop && (price < b.minPrice || price > b.maxPrice)) return writeRejected(cmd, cmd.type, REASON_PRICE);
  if (cmd.flags & FLAG_CHAIN) {
    if (open <= order.executed) {
      cancelResting(order, REASON_NONE);
      if (b.stops) runStops(book);
      return;
    }
    open -= order.executed;
  }
  if (order.ext && tooManyParts(open, changetype<Extension>(order.ext).display)) {
    return writeRejected(cmd, cmd.type, REASON_UNSUPPORTED);
  }
  const oldPrice = priceOfOrder(order);
  // What was displayed, and above it what was not: the hidden part of an iceberg, all of a waiting stop.
  const oldQty = waiting ? <u64>order.qty << 32 : (<u64>hiddenOf(order) << 32) | <u64>order.qty;
  if (waiting) {
    replaceStop(order, index, price, open, oldPrice, oldQty);
  } else if (price == oldPrice && open <= openOf(order)) {
    lowerTo(order, open);
    writeOwn(order, EV_REPLACED, EVF_KEPT | EVF_RESTING, index, price, open, oldPrice, oldQty, order.qty);
    markDirty(book);
  } else {
    const kind: u32 = order.kind & KIND_SELL ? 1 : 0;
    const limit = ~rankOf(price, kind);
    if (order.kind & KIND_POST_ONLY && crosses(ladderOf(book, kind ^ 1), limit)) {
      return writeRejected(cmd, cmd.type, REASON_POST_ONLY);
    }
    removeOrder(order);
    order.level = 0;
    order.qty = open;
    if (order.ext) changetype<Extension>(order.ext).hidden = 0;
    const h = header();
    const priority = h.counter + 1;
    h.counter = priority;
    order.priority = priority;
    arrive(order, book, price, limit, EV_REPLACED, EVF_RESTING, oldPrice, oldQty);
  }
  if (b.stops) runStops(book);
}

/** A waiting stop keeps its place; limit price and quantity change. */
function replaceStop(order: Order, index: u32, price: i32, open: u32, oldPrice: i32, oldQty: u64): void {
  const level = changetype<Level>(order.level);
  level.volume = level.volume - order.qty + open;
  order.qty = open;
  changetype<Extension>(order.ext).price = price;
  writeOwn(order, EV_REPLACED, EVF_KEPT, index, price, open, oldPrice, oldQty, 0);
}

/** A stop whose time has come: it leaves the stops and arrives as the order that it becomes. */
export function trigger(order: Order, book: u32): void {
  const h = header();
  const b = changetype<Book>(book);
  removeOrder(order);
  order.level = 0;
  b.stops -= 1;
  h.stopsLive -= 1;
  const isLimit = orderTypeOf(order) == ORDER_STOP_LIMIT;
  const type = isLimit ? ORDER_LIMIT : ORDER_MARKET;
  order.kind = (order.kind & ~(KIND_STOP | 0xff00)) | (<u32>type << 8);
  const priority = h.counter + 1;
  h.counter = priority;
  order.priority = priority;
  const x = changetype<Extension>(order.ext);
  x.stopPrice = 0;
  const price = isLimit ? x.price : 0;
  const kind: u32 = order.kind & KIND_SELL ? 1 : 0;
  const opposite = ladderOf(book, kind ^ 1);
  const limit: u32 = isLimit ? ~rankOf(price, kind) : 0;
  const ownMode = order.kind >> KIND_STP_SHIFT;
  const mode = ownMode == STP_DEFAULT ? h.stpDefault : ownMode;
  let refused: u32 = 0;
  if (order.kind & KIND_POST_ONLY && crosses(opposite, limit)) refused = REASON_POST_ONLY;
  else {
    const needed = tifOf(order) == TIF_FOK ? order.qty : x.minQty;
    if (needed && !canFill(opposite, limit, min<u32>(needed, order.qty), order.owner, mode)) refused = REASON_CANNOT_FILL;
  }
  if (refused) {
    writeOwn(order, EV_TRIGGERED, 0, b.index, price, order.qty, 0, 0, 0);
    writeCanceledRest(order, b.index, price, order.qty, refused);
    return forget(order);
  }
  arrive(order, book, price, limit, EV_TRIGGERED, 0, 0, 0);
}
