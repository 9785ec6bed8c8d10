// The tape: the newest trades, newest first. TAPE_ROWS rows are made once; new trades write the cells that differ,
// twenty times a second. Bought and sold differ by sign and word as well as by colour.
import { useEffect, useRef } from 'preact/hooks';
import type { MarketTrade } from '../../src/observe/dashboard/messages.ts';
import { count, preciseClock, price } from '../shared/format.ts';
import { onFrame, SLOWLY_MS } from './frame.ts';
import { Panel } from './panel.tsx';
import { state } from './state.ts';

const TAPE_ROWS = 32;
const NUMBERS: readonly number[] = Array.from({ length: TAPE_ROWS }, (_, index) => index);
const EMPTY = ['', '', '', ''] as const;

class Tape {
  readonly #rows: readonly HTMLElement[];
  readonly #cells: readonly (readonly HTMLElement[])[];
  readonly #shown: string[][];
  readonly #empty: HTMLElement;

  constructor(root: HTMLElement) {
    this.#rows = [...root.querySelectorAll<HTMLElement>('.trade')];
    this.#cells = this.#rows.map((row) => [...row.querySelectorAll<HTMLElement>('span')]);
    this.#empty = root.querySelector('.tape-empty')!;
    this.#shown = this.#rows.map(() => [...EMPTY]);
  }

  show(decimals: number): void {
    this.#empty.hidden = state.market.trades.length > 0;
    for (let index = 0; index < this.#rows.length; index++) {
      const trade = state.market.trades[index];
      const row = this.#rows[index];
      row.dataset['side'] = trade === undefined || trade.side === 0 ? '' : trade.side > 0 ? 'bid' : 'ask';
      const texts = trade === undefined
        ? EMPTY
        : [preciseClock(trade.atMs), trade.side > 0 ? '▲ buy' : trade.side < 0 ? '▼ sell' : '· cross', price(trade.price, decimals), count(trade.qty)];
      for (let cell = 0; cell < texts.length; cell++) {
        if (this.#shown[index][cell] === texts[cell]) continue;
        this.#shown[index][cell] = texts[cell];
        this.#cells[index][cell].textContent = texts[cell];
      }
    }
  }
}

function TapeRows() {
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const tape = new Tape(root.current!);
    let painted: MarketTrade | null | undefined = null;
    return onFrame(() => {
      const newest = state.market.trades[0];
      if (painted === newest) return;
      painted = newest;
      tape.show(state.instrument.peek()?.priceDecimals ?? 0);
    }, SLOWLY_MS);
  }, []);
  return (
    <div class="tape" ref={root} role="table" aria-label="Trades, newest first">
      <div class="tape-head" role="row">
        {['Time', 'Side', 'Price', 'Quantity'].map((name) => <span role="columnheader" key={name}>{name}</span>)}
      </div>
      <p class="tape-empty">No trade yet.</p>
      <div class="tape-rows" role="rowgroup">
        {NUMBERS.map((number) => (
          <div class="trade" role="row" key={number}>
            {EMPTY.map((_, cell) => <span role="cell" key={cell} />)}
          </div>
        ))}
      </div>
    </div>
  );
}

export function TapePanel() {
  return (
    <Panel area="tape-panel" title="Trades" note={state.instrument.value?.symbol} empty={state.instrument.value === null ? 'No instrument is traded.' : undefined}>
      <TapeRows />
    </Panel>
  );
}
