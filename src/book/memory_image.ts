// The engine's memory as bytes, and back: everything that the core knows stands there, so a fresh
// engine of the same configuration with these bytes goes on as if it were the same.
//
//   image: pages of 4 KiB that are not all zero:  page number, 1024 words │ …
//
// Command slots and events are left out: between two batches nobody needs them again.
// Cost: a look at every page, a copy of those in use; a million orders take some 70 MB.
import type { MatchingEngine } from './matching_engine.ts';
import { COMMAND, EVENT } from './types.ts';

const PAGE_WORDS = 1_024;
const RECORD_WORDS = 1 + PAGE_WORDS;

/** Between two batches, with every event released. */
export function saveMemory(engine: MatchingEngine): Int32Array {
  const words = engine.i32;
  const used: number[] = [];
  for (let page = 0; page * PAGE_WORDS < words.length; page++) {
    if (!isPassing(engine, page) && !isZero(words, page)) used.push(page);
  }
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
  for (let page = 0; page < pages; page++) {
    // A page that was never touched is not touched now: it takes no memory.
    if (!isPassing(engine, page) && !isZero(words, page))
      words.fill(0, page * PAGE_WORDS, (page + 1) * PAGE_WORDS);
  }
  for (let at = 0; at < image.length; at += RECORD_WORDS) {
    const page = image[at];
    if (!(page >= 0 && page < pages))
      throw new RangeError(`memory image: expected a page below ${pages}, was ${page}`);
    words.set(image.subarray(at + 1, at + RECORD_WORDS), page * PAGE_WORDS);
  }
}

/** Wholly within the command slots or the event ring. */
function isPassing(engine: MatchingEngine, page: number): boolean {
  const from = page * PAGE_WORDS * 4;
  const to = from + PAGE_WORDS * 4;
  const commandsEnd = engine.commandBase + engine.commandSlotsMax * COMMAND.size;
  const eventsEnd = engine.eventBase + (engine.eventMask + 1) * EVENT.size;
  return (
    (from >= engine.commandBase && to <= commandsEnd) ||
    (from >= engine.eventBase && to <= eventsEnd)
  );
}

function isZero(words: Int32Array, page: number): boolean {
  const from = page * PAGE_WORDS;
  for (let i = from; i < from + PAGE_WORDS; i++) if (words[i] !== 0) return false;
  return true;
}
