// The address of an instant: what stands behind the # of the page, and back.
//
//   #source=journal-1&at=12345&book=0&order=7.123&level=1@10025
//   #source=exchange-12345&time=1795287729169&book=0
//
// The second is the dashboard's, which knows when something was, and not where in the journal.
// `source` is a name of the server's list; without one the reader opens files of their own, and then stands at the same place.
// A token that came in the address is taken out of it (it is a secret, and links are for others). No DOM.
import type { OrderName } from '../../src/timetravel/order_story.ts';

export interface Place {
  /** '': files of the reader's own. */
  readonly source: string;
  /** −1: at the end. */
  readonly at: number;
  /** In place of `at`, ms since 1970; null: it is not known so. */
  readonly timeMs: number | null;
  readonly book: number;
  readonly order: OrderName | null;
  readonly level: LevelName | null;
}

export interface LevelName {
  readonly side: number;
  /** Ticks. */
  readonly price: number;
}

export const AT_END = -1;

export function placeOf(hash: string): Place {
  const said = new URLSearchParams(hash.replace(/^#/, ''));
  const whole = (name: string, otherwise: number): number => {
    const text = said.get(name) ?? '';
    return /^\d{1,15}$/.test(text) ? Number(text) : otherwise;
  };
  return {
    source: said.get('source') ?? '', at: whole('at', AT_END), timeMs: said.has('time') && !said.has('at') ? whole('time', 0) || null : null,
    book: whole('book', 0),
    order: orderNamed(said.get('order') ?? ''), level: levelNamed(said.get('level') ?? ''),
  };
}

export function linkTo({ source, at, book, order, level }: Omit<Place, 'timeMs'>): string {
  const parts = [
    ...(source === '' ? [] : [`source=${encodeURIComponent(source)}`]), `at=${at}`, `book=${book}`,
    ...(order === null ? [] : [`order=${order.client}.${order.id}`]), ...(level === null ? [] : [`level=${level.side > 0 ? 'bid' : 'ask'}@${level.price}`]),
  ];
  return `#${parts.join('&')}`;
}

export function orderNamed(text: string): OrderName | null {
  const parts = /^(\d{1,10})\.(\d{1,20})$/.exec(text);
  if (parts === null || BigInt.asUintN(64, BigInt(parts[2])) !== BigInt(parts[2])) return null;
  return { client: Number(parts[1]), id: String(BigInt(parts[2])) };
}

function levelNamed(text: string): LevelName | null {
  const parts = /^(bid|ask)@(-?\d{1,10})$/.exec(text);
  return parts === null ? null : { side: parts[1] === 'bid' ? 1 : -1, price: Number(parts[2]) };
}
