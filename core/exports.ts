// The core's C-style interface: plain integers in and out, addresses are offsets into the memory.
// A host writes command slots, calls process, and reads events from the ring.
import { header, PUBLISHED_ADDRESS, RELEASED_ADDRESS } from './memory/layout';
import { bookAt, depth as depthOf, firstOrder as firstOf, orderAfter as after, vwap as vwapOf } from './book/order_book';
import { brokenInvariant as broken } from './book/invariants';
import { publicHash as hashPublic, stateHash as hashState } from './book/hashes';
import { findOrder } from './memory/id_map';
import { handleOf, orderOf } from './memory/slot_pool';
import * as view from './feed/market_view';
import { publishViews } from './memory/sequence_lock';

// Exported only so that the compiler keeps them out of line: inlined into one another they spill registers.
export { newCrossing, newOrder, arrive } from './book/matching';
export { findBlock, growTo, lowerBound, reachBlock } from './memory/price_ladder';
export { splitBucket, mergeBucket } from './memory/id_map';
export { executeGeneral } from './engine';
export {
  mdLayout, mdProcess, mdRingAddress, mdResultsAddress, mdLaneAddress, mdBookAddress, mdSymbolLane,
} from './feed/market_data';
export { mdBrokenInvariant, mdDepth, mdHash } from './feed/market_data_queries';
export { mdFindFrom, mdRefill, mdSplit, mdJoin } from './feed/market_data_orders';
export { updateMany } from './feed/market_data_rows';
export { layoutEngine, initEngine, setRange, processCommands } from './engine';

export function commandsAddress(): u32 { return header().commands; }
export function eventsAddress(): u32 { return header().eventBase; }
export function resultsAddress(): u32 { return header().results; }
export function publishedAddress(): u32 { return PUBLISHED_ADDRESS; }
export function releasedAddress(): u32 { return RELEASED_ADDRESS; }
export function viewsAddress(): u32 { return header().views; }
export function viewSize(): u32 { return header().viewSize; }
/** Events that may be written before makeRoom is called; the host renews it. */
export function setEventsCredit(credit: u32): void { header().eventsCredit = credit; }
export function eventsWritten(): u32 { return header().eventsWritten; }
export function ordersLive(): u32 { return header().ordersLive; }
export function stopsLive(): u32 { return header().stopsLive; }
export function triggersDeferred(): u32 { return header().triggersDeferred; }
export function bookAddress(index: u32): u32 { return bookAt(index); }
export function lastNumberLow(): u32 { return u32(header().counter); }
export function lastNumberHigh(): u32 { return u32(header().counter >> 32); }

/** Writes levels behind `afterLevel` (0: from the best) into the results; their number. */
export function depth(index: u32, kind: u32, afterLevel: u32, count: u32): u32 {
  return depthOf(bookAt(index), kind, afterLevel, count, header().results + 64);
}
export function vwap(index: u32, kind: u32, qtyLow: u32, qtyHigh: u32): void {
  vwapOf(bookAt(index), kind, (<u64>qtyHigh << 32) | <u64>qtyLow);
}
export function stateHash(): u64 { return hashState(); }
export function publicHash(): u64 { return hashPublic(); }
export function brokenInvariant(): u32 { return broken(); }
export function firstOrder(index: u32, kind: u32): u32 { return firstOf(bookAt(index), kind); }
export function orderAfter(order: u32): u32 { return after(order); }
export function handle(client: u32, idLow: u32, idHigh: u32): u64 {
  return handleOf(findOrder(client, (<u64>idHigh << 32) | <u64>idLow));
}
export function orderAt(handle: u64): u32 { return orderOf(handle); }
/** Address of the live order of (client, id), 0 for none; good until the next command is executed. */
export function orderNamed(client: u32, idLow: u32, idHigh: u32): u32 {
  return findOrder(client, (<u64>idHigh << 32) | <u64>idLow);
}

// @ts-ignore: decorator
@inline
function u64Of(low: u32, high: u32): u64 { return (<u64>high << 32) | <u64>low; }

export function viewAdd(
  index: u32, side: i32, price: i32, qty: u32, orderLow: u32, orderHigh: u32, priorityLow: u32, priorityHigh: u32,
): bool {
  return view.viewAdd(index, side, price, qty, u64Of(orderLow, orderHigh), u64Of(priorityLow, priorityHigh));
}
export function viewModify(index: u32, orderLow: u32, orderHigh: u32, qty: u32): bool {
  return view.viewModify(index, u64Of(orderLow, orderHigh), qty);
}
export function viewCancel(index: u32, orderLow: u32, orderHigh: u32): bool {
  return view.viewCancel(index, u64Of(orderLow, orderHigh));
}
export function viewClear(index: u32): bool { return view.viewClear(index); }
export function viewTrade(index: u32, price: i32, qty: u32): bool { return view.viewTrade(index, price, qty); }
export function publish(): void { publishViews(); }
