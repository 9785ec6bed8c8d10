// The engine: a pure, synchronous function of its input. Commands in, events out.
import {
  CMD_CANCEL, CMD_MASS_CANCEL, CMD_NEW, CMD_REDUCE, CMD_REJECT, CMD_REPLACE, CMD_STATE, EVF_END, EV_STATE,
  FLAG_EXTENDED, REASON_SIDE, REASON_STATE, REASON_TICKER, REASON_UNSUPPORTED, STATE_CLOSED, STATE_OPEN, TIF_DAY,
} from './codes';
import {
  cancelOrder, cancelPlain, newOrder, newPlain, reduceOrder, reducePlain, replaceOrder, replacePlain,
} from './book/matching';
import {
  RESULT_LEVELS, bookAt, cancelResting, markDirty, orderAfter, firstOrder, tifOf, writeRejected,
} from './book/order_book';
import {
  BOOK_SIZE, Book, EXTENSION_SIZE, LADDER_SELL_STOPS, LEVEL_SIZE, Level, ORDER_SIZE, Order,
} from './book/records';
import { runStops } from './book/stops';
import { ADDRESS, findOrder, hashOf, headOf, setThresholds } from './memory/id_map';
import {
  PLAIN_EVENTS_MAX, PLAIN_EVENTS_RESERVED, eventHead, lastEvent, publishAll, publishSome, reserveEvents, writeEvent,
} from './memory/event_ring';
import { REGIONS_ADDRESS, header } from './memory/layout';
import { BLOCK_SIZE, LEVEL_ROW_SIZE, NODE_SIZE } from './memory/price_ladder';
import { publishViews, viewSizeFor } from './memory/sequence_lock';
import { COMMAND_SIZE, Command, EVENT_SIZE } from './records';

const ALL_BOOKS: u32 = 0xffff;
/** Half a MiB of heads stays in a second-level cache: up to here an order may have four of its own, beyond it one. */
const HEADS_NEAR: u32 = 1 << 17;
/** In a mass cancel: the orders of every client. */
const CLIENT_ALL: u32 = u32.MAX_VALUE;

// ---- creation ----------------------------------------------------------------------------------

let cursor: u64 = 0;

/** Reserves a region of whole cache lines. Beyond 4 GiB addresses are meaningless; layoutEngine says so at its end. */
function region(bytes: u64): u32 {
  const at = (cursor + 63) & ~63;
  cursor = at + bytes;
  return u32(at);
}

/**
 * Lays the engine out: fills the header, which is all that it touches, and returns the number of bytes of memory needed, or
 * 0 when that is beyond 4 GiB. The host calls it twice: in a small memory to learn the size, then in the real one.
 */
export function layoutEngine(
  books: u32, ordersMax: u32, extensionsMax: u32, levelsMax: u32, blocks: u32, commandSlots: u32, eventSlots: u32,
  viewLevels: u32, stpDefault: u32, ackReplaceLast: u32, triggersMax: u32,
): f64 {
  const h = header();
  // Books are aligned to their size: a ladder's address names its book.
  cursor = (REGIONS_ADDRESS + BOOK_SIZE - 1) & ~(BOOK_SIZE - 1);
  h.books = region(<u64>books * BOOK_SIZE);
  h.bookCount = books;
  h.dirtyBooks = region(<u64>(books + 1) * 4);
  h.levels = region(<u64>levelsMax * LEVEL_SIZE);
  h.levelsMax = levelsMax;
  h.levelStack = region(<u64>(levelsMax + 1) * 4);
  h.levelStackTop = h.levelStack + levelsMax * 4;
  h.blocks = region(<u64>blocks * BLOCK_SIZE);
  h.blocksEnd = h.blocks + blocks * BLOCK_SIZE;
  h.blockFresh = h.blocks;
  // A block alone in its part of the range has at most four nodes above it.
  h.nodes = region(<u64>(4 * blocks) * NODE_SIZE);
  h.nodesEnd = h.nodes + 4 * blocks * NODE_SIZE;
  h.nodeFresh = h.nodes;
  // Heads: a power of two; fewer are in use while fewer orders live.
  let heads: u32 = 64;
  while (heads * 2 <= ordersMax || (heads * 2 <= HEADS_NEAR && heads * 2 <= 4 * ordersMax)) heads *= 2;
  h.heads = region(<u64>heads * 4);
  h.bucketsMax = heads;
  h.bucketsMin = min<u32>(heads, 1024);
  h.buckets = h.bucketsMin;
  h.bucketMask = h.bucketsMin - 1;
  setThresholds();
  h.orders = region(<u64>ordersMax * ORDER_SIZE);
  h.orderFresh = h.orders;
  h.ordersMax = ordersMax;
  h.extensions = region(<u64>extensionsMax * EXTENSION_SIZE);
  h.extensionFresh = h.extensions;
  h.extensionsEnd = h.extensions + extensionsMax * EXTENSION_SIZE;
  h.commandSlots = commandSlots;
  h.commands = region(<u64>commandSlots * COMMAND_SIZE);
  h.eventBase = region(<u64>eventSlots * EVENT_SIZE);
  h.eventMask = eventSlots - 1;
  h.eventsCredit = eventSlots;
  h.results = region(64 + <u64>RESULT_LEVELS * LEVEL_ROW_SIZE);
  h.viewLevels = viewLevels;
  h.viewSize = viewLevels ? viewSizeFor(viewLevels) : 0;
  h.views = region(<u64>books * h.viewSize);
  h.stpDefault = stpDefault;
  h.ackReplaceLast = ackReplaceLast;
  h.triggersMax = triggersMax;
  return cursor > 0xffff0000 ? 0 : <f64>cursor;
}

/** Makes levels and books ready in a memory that is otherwise zero; after layoutEngine. */
export function initEngine(): void {
  const h = header();
  const levelsMax = h.levelsMax;
  // Lowest address on top of the stack, so that a young book's levels lie together.
  for (let i: u32 = 0; i < levelsMax; i++) {
    const level = h.levels + (levelsMax - 1 - i) * LEVEL_SIZE;
    changetype<Level>(level).next = level;
    changetype<Level>(level).prev = level;
    store<u32>(h.levelStack + i * 4, level);
  }
  for (let i: u32 = 0; i < h.bookCount; i++) {
    const b = changetype<Book>(bookAt(i));
    b.index = i;
    b.minPrice = i32.MIN_VALUE;
    b.maxPrice = i32.MAX_VALUE;
    b.priceSpan = u32.MAX_VALUE;
    b.view = h.viewLevels ? h.views + i * h.viewSize : 0;
  }
}

/** Sets the price range of an instrument, in ticks, both ends included. */
export function setRange(index: u32, minPrice: i32, maxPrice: i32): void {
  const b = changetype<Book>(bookAt(index));
  b.minPrice = minPrice;
  b.maxPrice = maxPrice;
  b.priceSpan = u32(maxPrice) - u32(minPrice);
}

// ---- running -----------------------------------------------------------------------------------

/** Commands between two looks at the ring: room is asked for, and events are published, once for so many. */
const COMMANDS_PER_ROUND: u32 = PLAIN_EVENTS_RESERVED / PLAIN_EVENTS_MAX;

/** Executes the commands in `slots` slots from `at`, publishes events and views. */
export function processCommands(at: u32, slots: u32): void {
  const end = at + slots * COMMAND_SIZE;
  while (at < end) {
    const roundEnd = min<u32>(end, at + COMMANDS_PER_ROUND * COMMAND_SIZE);
    reserveEvents();
    const far = ordersAreFar(changetype<Command>(at));
    while (at < roundEnd) {
      if (far) touchOrder(at + TOUCH_AHEAD * COMMAND_SIZE);
      const cmd = changetype<Command>(at);
      const type = cmd.type;
      let done = false;
      if (type == CMD_NEW) done = newPlain(cmd);
      else if (type == CMD_CANCEL) done = cancelPlain(cmd);
      else if (type == CMD_REPLACE) done = replacePlain(cmd);
      else if (type == CMD_REDUCE) done = reducePlain(cmd);
      if (done) at += COMMAND_SIZE;
      else {
        at += executeGeneral(cmd);
        reserveEvents();
      }
    }
    publishSome();
  }
  publishViews();
  publishAll();
}

// Where commands name orders that came long ago, an order's line is far away, and waiting for it is most of the work: its
// address is then asked for some commands ahead (mixed flow: 43 → 48 million a second with 6,000 live orders, 26 → 31 with 99,000).
// Where they name orders that came just now, the same look ahead only costs (equity flow: 56 → 51). So the first command of a
// round is asked how old its order is. This decides speed alone, never a result.

const TOUCH_AHEAD: u32 = 6;
/** Orders that came since: behind so many lines of 64 bytes an order has left the first-level cache. */
const FAR_ORDERS: u64 = 512;
/** Rounds that must agree, out of the last few. */
const FAR_ROUNDS: u32 = 2;
const FAR_ROUNDS_MAX: u32 = 8;

// @ts-ignore: decorator
@inline
function ordersAreFar(cmd: Command): bool {
  const h = header();
  let rounds = h.farRounds;
  if (cmd.type != CMD_NEW) {
    const order = findOrder(cmd.client, cmd.id);
    const far = order != 0 && h.counter - changetype<Order>(order).orderId > FAR_ORDERS;
    rounds = far ? min<u32>(rounds + 1, FAR_ROUNDS_MAX) : rounds - u32(rounds != 0);
    h.farRounds = rounds;
  }
  return rounds >= FAR_ROUNDS;
}

/**
 * Loads the line of the order that the command at `at` probably names; of a new order, which is in no chain, the head alone. Behind
 * the last command lie other bytes, as good as any.
 */
// @ts-ignore: decorator
@inline
function touchOrder(at: u32): void {
  const cmd = changetype<Command>(at);
  const head = headOf(hashOf(cmd.client, cmd.id));
  load<u32>(select<u32>(head, load<u32>(head) & ADDRESS, cmd.type == CMD_NEW));
}

/** Executes any command by the general path; returns the bytes that it takes. */
export function executeGeneral(cmd: Command): u32 {
  const h = header();
  const before = h.eventsWritten;
  const type = cmd.type;
  let size = COMMAND_SIZE;
  if (type == CMD_NEW) {
    const extended = (cmd.flags & FLAG_EXTENDED) != 0;
    newOrder(cmd, extended ? changetype<u32>(cmd) + COMMAND_SIZE : 0);
    if (extended) size += COMMAND_SIZE;
  } else if (type == CMD_CANCEL) cancelOrder(cmd);
  else if (type == CMD_REPLACE) replaceOrder(cmd);
  else if (type == CMD_REDUCE) reduceOrder(cmd);
  else if (type == CMD_MASS_CANCEL) massCancel(cmd);
  else if (type == CMD_STATE) changeState(cmd);
  else if (type == CMD_REJECT) writeRejected(cmd, cmd.orderType, cmd.reason);
  else writeRejected(cmd, type, REASON_UNSUPPORTED);
  if (h.eventsWritten != before) lastEvent().flags |= EVF_END;
  return size;
}

function massCancel(cmd: Command): void {
  const h = header();
  const index = <u32>cmd.book;
  if (index != ALL_BOOKS && index >= h.bookCount) return writeRejected(cmd, cmd.type, REASON_TICKER);
  const side = <i32>cmd.side;
  if (side < -1 || side > 1) return writeRejected(cmd, cmd.type, REASON_SIDE);
  const first: u32 = index == ALL_BOOKS ? 0 : index;
  const last: u32 = index == ALL_BOOKS ? h.bookCount - 1 : index;
  const client = cmd.client;
  for (let i = first; i <= last; i++) cancelWhere(bookAt(i), client, client != CLIENT_ALL, side, false, cmd.reason);
}

/** Cancels, in the order of mass cancel, every order that is the client's, of the side, and day if asked. */
function cancelWhere(book: u32, client: u32, ofClient: bool, side: i32, dayOnly: bool, reason: u32): void {
  for (let kind: u32 = 0; kind <= LADDER_SELL_STOPS; kind++) {
    if (side && side != (kind & 1 ? -1 : 1)) continue;
    let at = firstOrder(book, kind);
    while (at) {
      const order = changetype<Order>(at);
      const after = orderAfter(at);
      if ((!ofClient || order.client == client) && (!dayOnly || tifOf(order) == TIF_DAY)) {
        cancelResting(order, reason);
      }
      at = after;
    }
  }
}

function changeState(cmd: Command): void {
  const index = <u32>cmd.book;
  if (index >= header().bookCount) return writeRejected(cmd, cmd.type, REASON_TICKER);
  const state = <u32>cmd.orderType;
  if (state > STATE_CLOSED) return writeRejected(cmd, cmd.type, REASON_UNSUPPORTED);
  const book = bookAt(index);
  changetype<Book>(book).state = state;
  writeEvent(eventHead(EV_STATE, 0, 0, state, index, 0, 0), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  if (state == STATE_CLOSED) cancelWhere(book, 0, false, 0, true, REASON_STATE);
  markDirty(book);
  if (state == STATE_OPEN) runStops(book);
}
