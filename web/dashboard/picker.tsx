// The choice of the instrument: buttons where they are few and there is room, a list otherwise.
import { signal } from '@preact/signals';
import { LEVELS_MAX } from '../../src/observe/dashboard/messages.ts';
import type { Connection } from './connection.ts';
import { request } from './frame.ts';
import { state } from './state.ts';

const BUTTONS_MAX = 6;

export const connection = signal<Connection | null>(null);

export function chooseTicker(ticker: number): void {
  if (!state.choose(ticker)) return;
  watchChosen();
  request();
}

/** Tells the server which book this page looks at. */
export function watchChosen(): void {
  if (state.ticker.value !== null) connection.value?.watch(state.ticker.value, LEVELS_MAX);
}

export function Picker() {
  const instruments = state.instruments.value;
  const chosen = state.ticker.value;
  if (instruments.length === 0) return null;
  const few = instruments.length <= BUTTONS_MAX;
  return (
    <div class={few ? 'picker few' : 'picker'}>
      {few && (
        <div class="picker-buttons" role="radiogroup" aria-label="Instrument">
          {instruments.map(({ ticker, symbol }, index) => (
            <button
              type="button" role="radio" key={ticker} aria-checked={ticker === chosen} data-picker={ticker === chosen ? '' : undefined}
              title={`${symbol} (${index + 1})`} onClick={() => chooseTicker(ticker)}
            >
              {symbol}
            </button>
          ))}
        </div>
      )}
      <select aria-label="Instrument" data-picker={few ? undefined : ''} value={String(chosen)} onChange={(event) => chooseTicker(Number(event.currentTarget.value))}>
        {instruments.map(({ ticker, symbol }) => <option key={ticker} value={String(ticker)}>{symbol}</option>)}
      </select>
    </div>
  );
}
