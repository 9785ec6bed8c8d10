// The visible window of a LOBSTER recording: what one row shows, what the row before showed, and
// what the message between them must have done.
//
//        row before        message          row after
//   ┌ 100  ×  200     +  sell 50 @ 101  =  100 × 200      visible in both: must agree
//   │ 102  ×  300                          101 ×  50      named by the message: must agree
//   └ ── limit ──                          (102 fell out of a window of two)
//   103 was not visible before: if it shows now it is new to the window, and taken as it stands
//
// A side with fewer levels than the window shows everything, so it has no limit.
import { LobsterType } from './lobster.ts';
import type { LobsterMessages, LobsterSide } from './lobster.ts';

/** Prices better than or equal to this are visible on a side. */
export function visibleLimit(side: LobsterSide, levelsMax: number, outwards: number): number {
  return side.levels < levelsMax ? outwards * Infinity : side.price[side.levels - 1];
}

/**
 * By how much the message changes the visible quantity at its price, on the side of its direction.
 */
export function visibleChange(message: LobsterMessages): number {
  switch (message.type) {
    case LobsterType.New:
      return message.size;
    case LobsterType.PartialCancel:
    case LobsterType.Delete:
    case LobsterType.Execution:
      return -message.size;
    case LobsterType.HiddenExecution:
    case LobsterType.Cross:
    case LobsterType.Halt:
      return 0;
    default:
      return message.type satisfies never;
  }
}

/** What a row says against the row before and the message. */
export interface Difference {
  readonly price: number;
  readonly expected: number;
  readonly was: number;
}

/** Counts of one side of one transition. */
export interface SideComparison {
  compared: number;
  /** Levels that show now and stood outside the window before. */
  unseen: number;
  /** The first level that disagrees. */
  difference: Difference | null;
}

/**
 * Compares one side of two rows, `change` applied at `price` (0: none). `outwards` is the sign of
 * the step from a level to the one behind it: +1 for asks, −1 for bids.
 */
export function compareSides(
  before: LobsterSide,
  after: LobsterSide,
  levelsMax: number,
  outwards: number,
  price: number,
  change: number,
): SideComparison {
  const limitBefore = visibleLimit(before, levelsMax, outwards);
  const limitAfter = visibleLimit(after, levelsMax, outwards);
  const result: SideComparison = { compared: 0, unseen: 0, difference: null };
  let changed = change === 0;
  let b = 0;
  let a = 0;
  while (b < before.levels || a < after.levels || !changed) {
    // The next price outwards of the two rows and the message; key = price · outwards rises.
    let key = Infinity;
    if (b < before.levels) key = before.price[b] * outwards;
    if (a < after.levels) key = Math.min(key, after.price[a] * outwards);
    if (!changed) key = Math.min(key, price * outwards);
    let expected = 0;
    let was = 0;
    if (b < before.levels && before.price[b] * outwards === key) expected = before.size[b++];
    if (a < after.levels && after.price[a] * outwards === key) was = after.size[a++];
    if (!changed && price * outwards === key) {
      expected += change;
      changed = true;
    }
    if (key > limitAfter * outwards) continue;
    if (key > limitBefore * outwards) {
      if (was > 0) result.unseen++;
      continue;
    }
    result.compared++;
    if (expected !== was && result.difference === null)
      result.difference = { price: key * outwards, expected, was };
  }
  return result;
}

/** Copies a row's side. */
export function copySide(from: LobsterSide, to: LobsterSide): void {
  to.levels = from.levels;
  to.price.set(from.price);
  to.size.set(from.size);
}
