// What a C program sees of the core: the engine without threads, and without the parts that only a
// receiver of the feed needs. The names become those of C (`outcry_core_…`), see tools/build_embedded.ts.
import { header } from './memory/layout';
import { bookAt, depth as depthOf } from './book/order_book';
import { brokenInvariant as broken } from './book/invariants';
import { publicHash as hashPublic, stateHash as hashState } from './book/hashes';

// Exported only so that the compiler keeps them out of line: inlined into one another they spill registers.
export { newCrossing, newOrder, arrive } from './book/matching';
export { growTo, lowerBound } from './memory/price_ladder';
export { splitBucket, mergeBucket } from './memory/id_map';
export { executeGeneral, layoutEngine, initEngine, setRange, processCommands } from './engine';

export function commandsAddress(): u32 { return header().commands; }
export function eventsAddress(): u32 { return header().eventBase; }
export function resultsAddress(): u32 { return header().results; }
export function setEventsCredit(credit: u32): void { header().eventsCredit = credit; }
export function eventsWritten(): u32 { return header().eventsWritten; }
export function ordersLive(): u32 { return header().ordersLive; }
export function depth(index: u32, kind: u32, afterLevel: u32, count: u32): u32 {
  return depthOf(bookAt(index), kind, afterLevel, count, header().results + 64);
}
export function stateHash(): u64 { return hashState(); }
export function publicHash(): u64 { return hashPublic(); }
export function brokenInvariant(): u32 { return broken(); }
