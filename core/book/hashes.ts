// Hashes of the state, for replay, replicas and feed receivers. Definition: docs/MATCHING.md.
import { STATE_OPEN } from '../codes';
import { header } from '../memory/layout';
import { levelPrice } from '../memory/price_ladder';
import {
  bookAt, displayOf, firstOrder, isWaitingStop, openOf, orderAfter, orderTypeOf, priceOfOrder, tifOf,
} from './order_book';
import { Book, Extension, KIND_POST_ONLY, LADDER_ASKS, LADDER_BIDS, LADDER_SELL_STOPS, Level, Order } from './records';

const START: u64 = 0xcbf29ce484222325;

// @ts-ignore: decorator
@inline
function mix(hash: u64, value: u64): u64 {
  const x = (hash ^ value) * 0x9e3779b97f4a7c15;
  return x ^ (x >> 32);
}

export function publicHash(): u64 {
  const books = header().bookCount;
  let hash = START;
  for (let index: u32 = 0; index < books; index++) {
    const book = bookAt(index);
    let named = false;
    for (let kind = LADDER_BIDS; kind <= LADDER_ASKS; kind++) {
      for (let order = firstOrder(book, kind); order; order = orderAfter(order)) {
        if (!named) {
          hash = mix(hash, index);
          named = true;
        }
        const o = changetype<Order>(order);
        hash = mix(hash, o.orderId);
        hash = mix(hash, <u64>(<i64>levelPrice(changetype<Level>(o.level))));
        hash = mix(hash, o.qty);
        hash = mix(hash, o.priority);
      }
    }
  }
  return hash;
}

export function stateHash(): u64 {
  const h = header();
  let hash = START;
  for (let index: u32 = 0; index < h.bookCount; index++) {
    const book = bookAt(index);
    const b = changetype<Book>(book);
    let any = b.state != STATE_OPEN || b.hasLast != 0;
    for (let kind = LADDER_BIDS; kind <= LADDER_SELL_STOPS; kind++) any = any || firstOrder(book, kind) != 0;
    if (!any) continue;
    hash = mix(hash, index);
    hash = mix(hash, b.state);
    hash = mix(hash, <u64>(<i64>(b.hasLast ? b.lastPrice : 0)));
    hash = mix(hash, b.hasLast);
    for (let kind = LADDER_BIDS; kind <= LADDER_SELL_STOPS; kind++) {
      for (let order = firstOrder(book, kind); order; order = orderAfter(order)) {
        hash = mixOrder(hash, changetype<Order>(order));
      }
    }
  }
  return mix(hash, h.counter + 1);
}

function mixOrder(start: u64, o: Order): u64 {
  const waiting = isWaitingStop(o);
  let hash = mix(start, o.orderId);
  hash = mix(hash, o.id);
  hash = mix(hash, o.client);
  hash = mix(hash, o.owner);
  hash = mix(hash, <u64>(<i64>priceOfOrder(o)));
  hash = mix(hash, waiting ? 0 : o.qty);
  hash = mix(hash, openOf(o));
  hash = mix(hash, o.executed);
  hash = mix(hash, o.priority);
  hash = mix(hash, displayOf(o));
  hash = mix(hash, <u64>(<i64>(waiting ? changetype<Extension>(o.ext).stopPrice : 0)));
  hash = mix(hash, tifOf(o));
  hash = mix(hash, orderTypeOf(o));
  return mix(hash, o.kind & KIND_POST_ONLY ? 1 : 0);
}
