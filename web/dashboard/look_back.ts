// From the live page to time travel: the address of an instant in the journal of the exchange that is watched.
import { state } from './state.ts';

/** '': that exchange keeps no journal, or this dashboard may not show it. */
export function instantLink(atMs: number): string {
  const journal = state.hello.value?.journal ?? '';
  if (journal === '') return '';
  const book = Math.max(0, state.instruments.value.findIndex(({ ticker }) => ticker === state.ticker.value));
  return `/time-travel#source=${encodeURIComponent(journal)}&time=${Math.round(atMs)}&book=${book}`;
}
