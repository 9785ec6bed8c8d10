// Triggers of stop orders. Two ladders a book hold the waiting stops: buy stops with the lowest stop price best,
// sell stops with the highest, so the next one to trigger is always a ladder's best level.
import { STATE_OPEN } from '../codes';
import { header } from '../memory/layout';
import { bestLevel, levelPrice } from '../memory/price_ladder';
import { trigger } from './matching';
import { Book, LADDER_BUY_STOPS, LADDER_SELL_STOPS, Level, Order, ladderOf } from './records';

/** Triggers what is eligible, nearest first, buys before sells, at most triggersMax. */
export function runStops(book: u32): void {
  const h = header();
  const b = changetype<Book>(book);
  if (!b.hasLast || b.state != STATE_OPEN) return;
  let budget = h.triggersMax;
  while (b.stops) {
    const order = nextEligible(book, b.lastPrice);
    if (!order) return;
    if (!budget) {
      h.triggersDeferred += 1;
      return;
    }
    budget -= 1;
    trigger(changetype<Order>(order), book);
  }
}

function nextEligible(book: u32, last: i32): u32 {
  const buy = bestLevel(ladderOf(book, LADDER_BUY_STOPS));
  if (buy && last >= levelPrice(changetype<Level>(buy))) return changetype<Level>(buy).next;
  const sell = bestLevel(ladderOf(book, LADDER_SELL_STOPS));
  if (sell && last <= levelPrice(changetype<Level>(sell))) return changetype<Level>(sell).next;
  return 0;
}
