// Views: top of book and depth, published for readers on other threads.
//
// One writer, any number of readers, no lock: the version is odd while the writer is at work; a reader copies and
// keeps the copy only if the version was even and the same before and after. The writer never waits.
// A view is written once a batch for each book that changed, so what readers see is always the state between two
// batches: never a price of one update with a volume of another.
//
//   @0 version u32 | @4 bids u32 | @8 asks u32 | @12 state u32 | @16 last price i32 | @20 last quantity u32
//   @24 traded u32 | @28 – | @32 bids: levels × (price i32, orders u32, volume u64) | asks: the same
import { Book, LADDER_ASKS, LADDER_BIDS, ladderOf } from '../book/records';
import { addShared } from './atomics';
import { header } from './layout';
import { LEVEL_ROW_SIZE, writeLevels } from './price_ladder';

export const VIEW_HEADER_SIZE: u32 = 32;

export function viewSizeFor(levels: u32): u32 {
  return (VIEW_HEADER_SIZE + 2 * levels * LEVEL_ROW_SIZE + 63) & ~63;
}

/** Publishes the view of every book that changed since the last call. */
export function publishViews(): void {
  const h = header();
  const count = h.dirtyCount;
  for (let i: u32 = 0; i < count; i++) {
    const book = load<u32>(h.dirtyBooks + (i << 2));
    const b = changetype<Book>(book);
    b.dirty = 0;
    if (b.view) publishView(b, book, h.viewLevels);
  }
  h.dirtyCount = 0;
}

function publishView(b: Book, book: u32, levels: u32): void {
  const view = b.view;
  // Read-modify-write, not a store: nothing below may become visible before the version is odd.
  addShared(view, 1);
  store<u32>(view, b.state, 12);
  store<i32>(view, b.lastPrice, 16);
  store<u32>(view, b.lastQty, 20);
  store<u32>(view, b.hasLast, 24);
  const bids = view + VIEW_HEADER_SIZE;
  const asks = bids + levels * LEVEL_ROW_SIZE;
  store<u32>(view, writeLevels(ladderOf(book, LADDER_BIDS), 0, levels, bids), 4);
  store<u32>(view, writeLevels(ladderOf(book, LADDER_ASKS), 0, levels, asks), 8);
  addShared(view, 1);
}
