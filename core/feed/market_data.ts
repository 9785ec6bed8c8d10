// The market data processor: 40-byte messages in, up to 4,096 books kept.
//
//   receiver ─► ring of 65,536 messages ─┬─► mdProcess, lane 0 ─► books of its symbols      a thread a lane; the
//   claims, writes, publishes            └─► mdProcess, lane 1 ─► books of its symbols      receiver's own may be one
//
// Order: messages of one symbol are applied in the order of their arrival; symbols of different lanes are independent.
// A book is the sum of its orders: price, volume and number of orders of each level. (The message says no more: with
// a modify that may move an order anywhere there is no queue to speak of.)
//
// Bad messages are counted by reason and change nothing: a message is checked whole before the first store.
// Cost: adding and cancelling are one path without branches on what the message is (a record moves from one list to another,
// a level changes by a signed amount): with types, levels and chains in random order a wrong guess a message would
// cost as much as all the rest. Lines are asked for a round of messages ahead, so that the waits for them overlap.
// No allocation: everything comes out of what mdLayout reserved.
import {
  marketDataPrice, marketDataSequence, marketDataSide, marketDataSymbol, marketDataTimestamp, marketDataType,
  marketDataVolume, MARKET_DATA_ADD, MARKET_DATA_CANCEL, MARKET_DATA_MODIFY,
} from '../wire/generated';
import {
  MD_BAD_PRICE, MD_BAD_SIDE, MD_BAD_SYMBOL, MD_BAD_TYPE, MD_BAD_VOLUME, MD_CAPACITY, MD_DUPLICATE, MD_GROUPS,
  MD_GROUP_SHIFT, MD_LANES_ADDRESS, MD_LANES_MAX, MD_LANE_APPLIED, MD_LANE_LIST, MD_LANE_REFUSED, MD_LANE_RELEASED,
  MD_LANE_SIZE, MD_LANE_TABLE, MD_MESSAGE_BYTES, MD_OK, MD_ORDER_SIZE, MD_OTHER_SIDE, MD_PRICE_BITS, MD_PRICE_LIMIT,
  MD_PUBLISHED_ADDRESS, MD_RING_MASK, MD_RING_SLOTS, MD_UNKNOWN_REFERENCE, MdBook, MdLane, MdOrder, MD_BOOK_SHIFT,
  either32, either64, mdBookAt, mdHeader, mdLaneAt, mdLaneOf, mdRankOf, mdSideAt,
} from './market_data_layout';
import { mdDiffers, mdFind, mdFindFrom, mdHeadOf, mdMove, mdRefill, mdResize, mdSetThresholds } from './market_data_orders';
import { MD_ROWS_MAX, updateLevel } from './market_data_rows';

/** Messages looked at before the first of them is applied. */
const ROUND: u32 = 32;
/** Messages between two tellings of the receiver. */
const RELEASE_EVERY: u32 = 2_048;
const BUCKETS_MIN: u32 = 1_024;
const PRICE_MASK: u64 = (1 << MD_PRICE_BITS) - 1;
/** Bytes of a level in the results: price u64, volume u64, orders u64. */
const RESULT_ROW_BYTES: u32 = 24;

// ---- creation ----------------------------------------------------------------------------------

let cursor: u64 = 0;

function region(bytes: u64): u32 {
  const at = (cursor + 127) & ~127;
  cursor = at + bytes;
  return u32(at);
}

/**
 * Lays a processor out and returns the bytes of memory that it needs, 0 beyond 4 GiB; touches nothing but header and lanes.
 * `ordersMax` and `rowsBytes` are a lane's. Of each 16 groups of symbols `localGroups` belong to lane 0, the others
 * to the other lanes in turn.
 */
export function mdLayout(symbols: u32, lanes: u32, localGroups: u32, ordersMax: u32, rowsBytes: u32): f64 {
  const h = mdHeader();
  h.symbols = symbols;
  h.lanes = lanes;
  cursor = MD_LANES_ADDRESS + MD_LANES_MAX * MD_LANE_SIZE;
  h.ring = region(<u64>MD_RING_SLOTS * MD_MESSAGE_BYTES);
  h.books = region(<u64>symbols << MD_BOOK_SHIFT);
  h.results = region(<u64>MD_ROWS_MAX * RESULT_ROW_BYTES);
  let heads: u32 = BUCKETS_MIN;
  while (heads < ordersMax) heads *= 2;
  for (let i: u32 = 0; i < lanes; i++) {
    const lane = changetype<MdLane>(mdLaneAt(i));
    lane.heads = region(<u64>heads * 4);
    lane.bucketsMax = heads;
    lane.bucketsMin = BUCKETS_MIN;
    lane.buckets = BUCKETS_MIN;
    lane.bucketMask = BUCKETS_MIN - 1;
    mdSetThresholds(lane);
    lane.ordersMax = ordersMax;
    lane.orders = region(<u64>ordersMax * MD_ORDER_SIZE);
    lane.orderFresh = lane.orders;
    lane.rows = region(rowsBytes);
    lane.rowsFresh = lane.rows;
    lane.rowsEnd = lane.rows + rowsBytes;
  }
  let other: u32 = 0;
  for (let group: u32 = 0; group < MD_GROUPS; group++) {
    const local = lanes == 1 || (group & 15) < localGroups || group << MD_GROUP_SHIFT >= symbols;
    if (!local) other = other + 1 >= lanes ? 1 : other + 1;
    store<u8>(MD_LANE_TABLE + group, local ? 0 : other);
  }
  return cursor > 0xffff0000 ? 0 : <f64>cursor;
}

export function mdRingAddress(): u32 { return mdHeader().ring; }
export function mdResultsAddress(): u32 { return mdHeader().results; }
export function mdLaneAddress(lane: u32): u32 { return mdLaneAt(lane); }
export function mdBookAddress(symbol: u32): u32 { return mdBookAt(symbol); }
export function mdSymbolLane(symbol: u32): u32 { return mdLaneOf(symbol); }

// ---- checks ------------------------------------------------------------------------------------

/** Not 0: something of the message itself is wrong. */
// @ts-ignore: decorator
@inline
function isBad(at: u32): u32 {
  return u32(<u32>marketDataSymbol(at) >= mdHeader().symbols) | u32(<u32>marketDataType(at) - 1 >= 4) |
    u32(marketDataSide(at) > 1) | u32(marketDataPrice(at) - 1 >= MD_PRICE_LIMIT - 1) |
    (u32(marketDataVolume(at) == 0) & u32(marketDataType(at) != MARKET_DATA_CANCEL));
}

/** What it is, first things first. */
function badReason(at: u32): u32 {
  if (<u32>marketDataSymbol(at) >= mdHeader().symbols) return MD_BAD_SYMBOL;
  if (<u32>marketDataType(at) - 1 >= 4) return MD_BAD_TYPE;
  if (marketDataSide(at) > 1) return MD_BAD_SIDE;
  if (marketDataPrice(at) - 1 >= MD_PRICE_LIMIT - 1) return MD_BAD_PRICE;
  return MD_BAD_VOLUME;
}

// ---- one message -------------------------------------------------------------------------------

/** Book and side of a message or an order, without the price. */
// @ts-ignore: decorator
@inline
function placeOf(symbol: u32, side: u32): u64 {
  return <u64>((symbol << 1) | side) << MD_PRICE_BITS;
}

/** An add that names a number not above all before: it may be in use. */
function isLive(lane: MdLane, sequence: u64, symbol: u32): bool {
  return load<u32>(mdFind(lane, sequence, symbol)) != 0;
}

/** Adds or cancels; what to read and which way to move are selected, not branched on. */
// @ts-ignore: decorator
@inline
function addOrCancel(lane: u32, at: u32, symbol: u32, book: u32, isAdd: u32): u32 {
  const l = changetype<MdLane>(lane);
  const sequence = marketDataSequence(at);
  if (isAdd & (u32(!l.orderFree) | u32(sequence <= l.sequenceMax))) {
    if (!mdRefill(l)) return MD_CAPACITY;
    if (isLive(l, sequence, symbol)) return MD_DUPLICATE;
  }
  const head = mdHeadOf(l, sequence);
  const free = changetype<u32>(l) + offsetof<MdLane>('orderFree');
  let from = either32(free, head, isAdd);
  let order = load<u32>(from);
  if ((isAdd ^ 1) & (u32(!order) | u32(mdDiffers(order, sequence, symbol) != 0))) {
    from = mdFindFrom(head, sequence, symbol);
    order = load<u32>(from);
    if (!order) return MD_UNKNOWN_REFERENCE;
  }
  const o = changetype<MdOrder>(order);
  const side = <u32>marketDataSide(at);
  const place = placeOf(symbol, side);
  const where = either64(place | marketDataPrice(at), o.where, isAdd);
  const price = where ^ place;
  if (price > PRICE_MASK) return MD_OTHER_SIDE;
  const volume = either64(marketDataVolume(at), o.volume, isAdd);
  const sign = (<u64>isAdd << 1) - 1;
  if (!updateLevel(lane, mdSideAt(book, side), mdRankOf(price, side), volume * sign, sign)) return MD_CAPACITY;
  o.sequence = sequence;
  o.volume = volume;
  o.where = where;
  mdMove(from, either32(head, free, isAdd));
  l.sequenceMax = either64(sequence, l.sequenceMax, u32(sequence > l.sequenceMax));
  mdResize(l, l.ordersLive + u32(sign));
  return MD_OK;
}

function modify(lane: u32, at: u32, symbol: u32, book: u32): u32 {
  const order = load<u32>(mdFind(changetype<MdLane>(lane), marketDataSequence(at), symbol));
  if (!order) return MD_UNKNOWN_REFERENCE;
  const o = changetype<MdOrder>(order);
  const side = <u32>marketDataSide(at);
  const place = placeOf(symbol, side);
  const before = o.where ^ place;
  if (before > PRICE_MASK) return MD_OTHER_SIDE;
  const price = marketDataPrice(at);
  const volume = marketDataVolume(at);
  const rows = mdSideAt(book, side);
  // It comes before it goes: when there is no room for it nothing has happened. At its own price it comes once more.
  if (!updateLevel(lane, rows, mdRankOf(price, side), volume, 1)) return MD_CAPACITY;
  updateLevel(lane, rows, mdRankOf(before, side), -o.volume, -1);
  o.where = place | price;
  o.volume = volume;
  return MD_OK;
}

// @ts-ignore: decorator
@inline
function apply(lane: u32, at: u32): void {
  const symbol = <u32>marketDataSymbol(at);
  const type = <u32>marketDataType(at);
  const book = mdBookAt(symbol);
  let reason = MD_OK;
  if (isBad(at)) reason = badReason(at);
  else if (type <= MARKET_DATA_CANCEL) reason = addOrCancel(lane, at, symbol, book, u32(type == MARKET_DATA_ADD));
  else if (type == MARKET_DATA_MODIFY) reason = modify(lane, at, symbol, book);
  else {
    changetype<MdBook>(book).lastPrice = marketDataPrice(at);
    changetype<MdBook>(book).lastVolume = marketDataVolume(at);
  }
  if (reason) return countUp(lane + MD_LANE_REFUSED + (reason << 3));
  changetype<MdBook>(book).timestamp = marketDataTimestamp(at);
  changetype<MdBook>(book).applied += 1;
  countUp(lane + MD_LANE_APPLIED + (type << 3));
}

// @ts-ignore: decorator
@inline
function countUp(at: u32): void {
  store<u64>(at, load<u64>(at) + 1);
}

// ---- a round -----------------------------------------------------------------------------------

/** Lists the messages of a lane among `count` from cursor `from`; their number. Bad symbols are lane 0's. */
// @ts-ignore: decorator
@inline
function listOwn(lane: u32, laneIndex: u32, from: u32, count: u32): u32 {
  const ring = mdHeader().ring;
  const list = lane + MD_LANE_LIST;
  let own: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const at = ring + ((from + i) & MD_RING_MASK) * MD_MESSAGE_BYTES;
    store<u32>(list + (own << 2), at);
    own += u32(mdLaneOf(marketDataSymbol(at)) == laneIndex);
  }
  return own;
}

/** Asks for the lines that the listed messages will need. A bad one asks for some other line, as good as any. */
// @ts-ignore: decorator
@inline
function touch(lane: u32, own: u32): void {
  const l = changetype<MdLane>(lane);
  const symbols = mdHeader().symbols;
  let sum: u32 = 0;
  for (let i: u32 = 0; i < own; i++) {
    const at = load<u32>(lane + MD_LANE_LIST + (i << 2));
    const book = mdBookAt(either32(<u32>marketDataSymbol(at), 0, u32(<u32>marketDataSymbol(at) < symbols)));
    const rows = mdSideAt(book, <u32>marketDataSide(at) & 1).rows;
    sum += load<u32>(rows) + load<u32>(rows, 64) + load<u32>(rows, 128) + load<u32>(load<u32>(mdHeadOf(l, marketDataSequence(at))));
  }
  l.touched = sum;
}

/** Looks at up to `max` messages of the ring and applies those of the lane; the number looked at. */
export function mdProcess(laneIndex: u32, max: u32): u32 {
  const lane = mdLaneAt(laneIndex);
  const l = changetype<MdLane>(lane);
  const start = l.taken;
  const total = min(atomic.load<u32>(MD_PUBLISHED_ADDRESS) - start, max);
  for (let done: u32 = 0; done < total;) {
    const count = min(total - done, ROUND);
    const own = listOwn(lane, laneIndex, start + done, count);
    touch(lane, own);
    for (let i: u32 = 0; i < own; i++) apply(lane, load<u32>(lane + MD_LANE_LIST + (i << 2)));
    done += count;
    l.taken = start + done;
    if (!(done & (RELEASE_EVERY - 1))) atomic.store<u32>(lane + MD_LANE_RELEASED, start + done);
  }
  if (total) atomic.store<u32>(lane + MD_LANE_RELEASED, start + total);
  return total;
}
