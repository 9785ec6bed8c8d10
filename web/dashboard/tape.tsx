// The tape: the newest trades, newest first. TAPE_ROWS rows are made once; a new trade takes the row of the oldest and puts
// it on top, so that nothing but its own four cells is written. Bought and sold differ by sign and word as well as by colour.
import { effect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { MarketTrade } from '../../src/observe/dashboard/messages.ts';
import { count, preciseClock, price } from '../shared/format.ts';
import { MARKET_PAINT_MS, onFrame, request } from './frame.ts';
import { instantLink } from './look_back.ts';
import { Panel } from './panel.tsx';
import { seenOf } from './seen.ts';
import { state } from './state.ts';

const TAPE_ROWS = 32;
const NUMBERS: readonly number[] = Array.from({ length: TAPE_ROWS }, (_, index) => index);
const EMPTY = ['', '', '', ''] as const;

class Tape {
  readonly #place: HTMLElement;
  /** As they stand, the newest first; rotated with the rows of the page. */
  readonly #rows: HTMLElement[];
  readonly #empty: HTMLElement;
  /** On top. */
  #newest: MarketTrade | undefined;

  constructor(root: HTMLElement) {
    this.#place = root.querySelector('.tape-rows')!;
    this.#rows = [...root.querySelectorAll<HTMLElement>('.trade')];
    this.#empty = root.querySelector('.tape-empty')!;
  }

  show(trades: readonly MarketTrade[], decimals: number): void {
    this.#empty.hidden = trades.length > 0;
    const known = this.#newest === undefined ? -1 : trades.indexOf(this.#newest);
    this.#newest = trades[0];
    // One stop of the keyboard, not one for each row.
    this.#rows[0].tabIndex = -1;
    this.#write(trades, known, decimals);
    this.#rows[0].tabIndex = 0;
  }

  #write(trades: readonly MarketTrade[], known: number, decimals: number): void {
    if (known < 0 || known >= TAPE_ROWS) {
      for (const [index, row] of this.#rows.entries()) write(row, trades[index], decimals);
      return;
    }
    for (let index = known - 1; index >= 0; index--) {
      const row = this.#rows.pop()!;
      this.#rows.unshift(row);
      write(row, trades[index], decimals);
      this.#place.prepend(row);
    }
  }
}

function write(row: HTMLElement, trade: MarketTrade | undefined, decimals: number): void {
  row.dataset['side'] = trade === undefined || trade.side === 0 ? '' : trade.side > 0 ? 'bid' : 'ask';
  const texts = trade === undefined
    ? EMPTY
    : [preciseClock(trade.atMs), trade.side > 0 ? '▲ buy' : trade.side < 0 ? '▼ sell' : '· cross', price(trade.price, decimals), count(trade.qty)];
  for (const [index, text] of texts.entries()) row.children[index].textContent = text;
  const link = trade === undefined ? '' : instantLink(trade.atMs);
  if (link !== '') row.setAttribute('href', link);
  else row.removeAttribute('href');
  row.title = link === '' ? '' : 'The instant of this trade, in the journal';
}

function TapeRows() {
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const tape = new Tape(root.current!);
    const { seen, stop: stopSeen } = seenOf(root.current!);
    let painted: MarketTrade | null | undefined = null;
    const stopFrames = onFrame(() => {
      const { trades } = state.market;
      if (painted === trades[0] || !seen.peek()) return;
      painted = trades[0];
      tape.show(trades, state.instrument.peek()?.priceDecimals ?? 0);
    }, MARKET_PAINT_MS);
    const stopSignals = effect(() => {
      if (seen.value) request();
    });
    return () => {
      stopSeen();
      stopFrames();
      stopSignals();
    };
  }, []);
  return (
    <div class="tape" ref={root} role="table" aria-label="Trades, newest first">
      <div class="tape-head" role="row">
        {['Time', 'Side', 'Price', 'Quantity'].map((name) => <span role="columnheader" key={name}>{name}</span>)}
      </div>
      <p class="tape-empty">No trade yet.</p>
      <div class="tape-rows" role="rowgroup">
        {NUMBERS.map((number) => (
          <a class="trade" role="row" key={number} tabIndex={-1}>
            {EMPTY.map((_, cell) => <span role="cell" key={cell} />)}
          </a>
        ))}
      </div>
    </div>
  );
}

export function TapePanel() {
  return (
    <Panel area="tape-panel" about="Each trade, with the side that came and took" title="Trades" note={state.instrument.value?.symbol} empty={state.instrument.value === null ? 'No instrument is traded.' : undefined}>
      <TapeRows />
    </Panel>
  );
}
