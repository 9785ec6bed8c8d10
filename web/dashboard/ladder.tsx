// The book as a ladder: asks above, bids below, the spread between. ROWS rows a side are made once and never again; a painting
// writes only the cells whose text is another one than before.
import { effect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Level, MarketMessage } from '../../src/observe/dashboard/messages.ts';
import { compact, count, price } from '../shared/format.ts';
import { MARKET_PAINT_MS, onFrame, request } from './frame.ts';
import { Panel } from './panel.tsx';
import { seenOf } from './seen.ts';
import { state, type OwnQuote } from './state.ts';

export const ROWS = 14;
/** A quantity that changed stands out for so long. Not an animation: each would be a layer of the browser's for its time. */
const FLASH_MS = 300;
/** Behind it, so that one that changes all the time is not always alight. */
const REST_MS = 300;

type Cell = 'own' | 'price' | 'qty' | 'orders' | 'total';
const CELLS: readonly Cell[] = ['own', 'price', 'qty', 'orders', 'total'];

/** One row of the page: its cells, and what they show. */
class Row {
  readonly #element: HTMLElement;
  readonly #cells: Readonly<Record<Cell, HTMLElement>>;
  readonly #shown: Record<Cell, string> = { own: '', price: '', qty: '', orders: '', total: '' };
  #barShown = '';
  #price = NaN;
  #qty = 0;
  #litMs = -Infinity;
  #lit = false;

  constructor(element: HTMLElement) {
    this.#element = element;
    const cell = (name: Cell): HTMLElement => element.querySelector(`.${name}`)!;
    this.#cells = { own: cell('own'), price: cell('price'), qty: cell('qty'), orders: cell('orders'), total: cell('total') };
  }

  show(level: Level | undefined, total: number, largest: number, decimals: number, own: string, nowMs: number): void {
    if (level === undefined) {
      for (const cell of CELLS) this.#write(cell, '');
      this.#stretch(0);
      this.#price = NaN;
      this.#light(false);
      return;
    }
    const [at, qty, orders] = level;
    this.#write('own', own === '' ? '' : '◆');
    if (own !== this.#cells.own.title) this.#cells.own.title = own;
    this.#write('price', price(at, decimals));
    this.#write('qty', count(qty));
    this.#write('orders', count(orders));
    this.#write('total', compact(total));
    this.#stretch(qty / largest);
    const sinceMs = nowMs - this.#litMs;
    if (at === this.#price && qty !== this.#qty && sinceMs >= FLASH_MS + REST_MS) {
      this.#litMs = nowMs;
      this.#light(true);
    } else if (at !== this.#price || sinceMs >= FLASH_MS) this.#light(false);
    this.#price = at;
    this.#qty = qty;
  }

  #write(cell: Cell, text: string): void {
    if (this.#shown[cell] === text) return;
    this.#shown[cell] = text;
    this.#cells[cell].textContent = text;
  }

  #stretch(share: number): void {
    // The row's own ground: a width would lay it out again, a transform would be a layer.
    const size = `${(share * 100).toFixed(0)}% 100%`;
    if (size === this.#barShown) return;
    this.#barShown = size;
    this.#element.style.backgroundSize = size;
  }

  get lit(): boolean {
    return this.#lit;
  }

  #light(lit: boolean): void {
    if (lit === this.#lit) return;
    this.#lit = lit;
    this.#cells.qty.classList.toggle('lit', lit);
  }
}

class Ladder {
  readonly #asks: readonly Row[];
  readonly #bids: readonly Row[];
  readonly #middle: HTMLElement;
  #middleShown = '';

  constructor(root: HTMLElement) {
    const rows = (side: string): Row[] => [...root.querySelectorAll<HTMLElement>(`.${side} .level`)].map((element) => new Row(element));
    // The best ask is the lowest row.
    this.#asks = rows('asks').toReversed();
    this.#bids = rows('bids');
    this.#middle = root.querySelector('.spread')!;
  }

  show(message: MarketMessage | null, decimals: number, quotes: readonly OwnQuote[], nowMs: number): void {
    const bids = message?.bids ?? [];
    const asks = message?.asks ?? [];
    let largest = 1;
    for (const side of [bids, asks]) for (let i = 0; i < Math.min(ROWS, side.length); i++) largest = Math.max(largest, side[i][1]);
    const side = (rows: readonly Row[], levels: readonly Level[], name: OwnQuote['side']): void => {
      let total = 0;
      for (const [index, row] of rows.entries()) {
        const level = levels[index];
        total += level?.[1] ?? 0;
        row.show(level, total, largest, decimals, level === undefined ? '' : ownText(quotes, name, level[0]), nowMs);
      }
    };
    side(this.#asks, asks, 'ask');
    side(this.#bids, bids, 'bid');
    this.#showMiddle(message, decimals);
  }

  /** Some quantity stands out that will not soon. */
  get lit(): boolean {
    return this.#asks.some(({ lit }) => lit) || this.#bids.some(({ lit }) => lit);
  }

  #showMiddle(message: MarketMessage | null, decimals: number): void {
    const bid = message?.bids[0]?.[0];
    const ask = message?.asks[0]?.[0];
    let text = 'one side is empty';
    if (bid !== undefined && ask !== undefined) {
      const points = bid + ask > 0 ? ` · ${(((ask - bid) / (bid + ask)) * 20_000).toFixed(1)} bp` : '';
      text = `Spread ${price(ask - bid, decimals)}${points}`;
    }
    if (text === this.#middleShown) return;
    this.#middleShown = text;
    this.#middle.textContent = text;
  }
}

function ownText(quotes: readonly OwnQuote[], side: OwnQuote['side'], at: number): string {
  let text = '';
  for (const quote of quotes) {
    if (quote.side === side && quote.price === at) text += `${text === '' ? '' : '; '}${quote.trader}: ${count(quote.qty)}`;
  }
  return text;
}

const NUMBERS: readonly number[] = Array.from({ length: ROWS }, (_, index) => index);

function Side({ name }: { readonly name: 'asks' | 'bids' }) {
  return (
    <div class={name} role="rowgroup" aria-label={name === 'asks' ? 'Asks, best last' : 'Bids, best first'}>
      {NUMBERS.map((number) => (
        <div class="level" role="row" key={number}>
          {CELLS.map((cell) => <span class={cell} role="cell" key={cell} />)}
        </div>
      ))}
    </div>
  );
}

function LadderRows() {
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const ladder = new Ladder(root.current!);
    const { seen, stop: stopSeen } = seenOf(root.current!);
    let painted = -1;
    let quotesPainted: readonly OwnQuote[] = [];
    let darkAtMs = Infinity;
    const stopFrames = onFrame(() => {
      const quotes = state.ownQuotes.peek();
      if (!seen.peek() || (painted === state.marketVersion && quotes === quotesPainted && performance.now() < darkAtMs)) return;
      painted = state.marketVersion;
      quotesPainted = quotes;
      ladder.show(state.market.newest, state.instrument.peek()?.priceDecimals ?? 0, quotes, performance.now());
      // A market that falls silent leaves nothing alight.
      darkAtMs = ladder.lit ? performance.now() + FLASH_MS : Infinity;
    }, MARKET_PAINT_MS);
    const stopDark = setInterval(() => darkAtMs < Infinity && request(), FLASH_MS);
    // Own quotes move without the market, too.
    const stopSignals = effect(() => {
      if (state.ownQuotes.value.length >= 0 && seen.value) request();
    });
    return () => {
      clearInterval(stopDark);
      stopSeen();
      stopFrames();
      stopSignals();
    };
  }, []);
  return (
    <div class="ladder" ref={root} role="table" aria-label="Order book">
      <div class="level head" role="row">
        <span class="own" role="columnheader" title="Own quotes">◆<span class="sr-only">Own quotes</span></span>
        <span class="price" role="columnheader">Price</span>
        <span class="qty" role="columnheader">Quantity</span>
        <span class="orders" role="columnheader">Orders</span>
        <span class="total" role="columnheader">Total</span>
      </div>
      <Side name="asks" />
      <div class="spread">Waiting for the book</div>
      <Side name="bids" />
    </div>
  );
}

export function LadderPanel() {
  const instrument = state.instrument.value;
  const symbol = instrument === null ? '' : instrument.symbol;
  const halted = instrument !== null && (instrument.state === 'halted' || instrument.state === 'closed');
  return (
    <Panel
      area="ladder-panel" title="Order book" about="What rests at each price, best prices in the middle; Total is the sum from the best price on"
      note={<>{symbol}{halted && <span class="chip warn">{instrument.state}</span>}</>}
      empty={instrument === null ? 'No instrument is traded.' : undefined}
    >
      <LadderRows />
    </Panel>
  );
}
