// The engine's memory as bytes, and back: everything that the core knows stands there, so a fresh
// engine of the same configuration with these bytes goes on as if it were the same.
//
//   image: pages of 4 KiB that are not all zero:  page number, 1024 words │ …
//
// Command slots and events are left out: between two batches nobody needs them again. So is what no pool has ever given
// out: it is zero.
// Cost: a look at every page that was ever in use, a copy of those that are; a million orders take some 70 MB.
import { HEADER, HEADER_ADDRESS } from './core.ts';
import type { MatchingEngine } from './matching_engine.ts';
import { COMMAND, EVENT } from './types.ts';

const PAGE_WORDS = 1_024;
const PAGE_BYTES = PAGE_WORDS * 4;
const ORDER_BYTES = 64;
const RECORD_WORDS = 1 + PAGE_WORDS;

/** Between two batches, with every event released. */
export function saveMemory(engine: MatchingEngine): Int32Array {
  const words = engine.i32;
  const used = pagesInUse(engine);
  const image = new Int32Array(used.length * RECORD_WORDS);
  for (const [index, page] of used.entries()) {
    const from = page * PAGE_WORDS;
    image[index * RECORD_WORDS] = page;
    image.set(words.subarray(from, from + PAGE_WORDS), index * RECORD_WORDS + 1);
  }
  return image;
}

/** Into a fresh engine; a RangeError when the image is of a larger one. */
export function restoreMemory(engine: MatchingEngine, image: Int32Array): void {
  const words = engine.i32;
  const pages = words.length / PAGE_WORDS;
  if (image.length % RECORD_WORDS !== 0) throw new RangeError('a memory image has whole pages');
  for (const page of pagesInUse(engine)) words.fill(0, page * PAGE_WORDS, (page + 1) * PAGE_WORDS);
  for (let at = 0; at < image.length; at += RECORD_WORDS) {
    const page = image[at];
    if (!(page >= 0 && page < pages))
      throw new RangeError(`memory image: expected a page below ${pages}, was ${page}`);
    words.set(image.subarray(at + 1, at + RECORD_WORDS), page * PAGE_WORDS);
  }
}

/** Pages with anything in them that lasts, rising. */
function pagesInUse(engine: MatchingEngine): number[] {
  const words = engine.i32;
  const skipped = leftOut(engine).toSorted(([a], [b]) => a - b);
  const pages: number[] = [];
  let page = 0;
  for (const [from, to] of [...skipped, [words.length * 4, 0]]) {
    for (; page * PAGE_BYTES < from; page++) if (!isZero(words, page)) pages.push(page);
    page = Math.max(page, Math.floor(to / PAGE_BYTES));
  }
  return pages;
}

/** Ranges of addresses whose whole pages are left out: what passes, and what no pool has ever given out. */
export function leftOut(engine: MatchingEngine): [from: number, to: number][] {
  const field = (offset: number): number => engine.u32[(HEADER_ADDRESS + offset) >>> 2];
  const ordersEnd = field(HEADER.orders) + field(HEADER.ordersMax) * ORDER_BYTES;
  return [
    [engine.commandBase, engine.commandBase + engine.commandSlotsMax * COMMAND.size],
    [engine.eventBase, engine.eventBase + (engine.eventMask + 1) * EVENT.size],
    [field(HEADER.orderFresh), ordersEnd],
    [field(HEADER.extensionFresh), field(HEADER.extensionsEnd)],
    [field(HEADER.blockFresh), field(HEADER.blocksEnd)],
    [field(HEADER.nodeFresh), field(HEADER.nodesEnd)],
  ];
}

function isZero(words: Int32Array, page: number): boolean {
  const from = page * PAGE_WORDS;
  for (let i = from; i < from + PAGE_WORDS; i++) if (words[i] !== 0) return false;
  return true;
}
