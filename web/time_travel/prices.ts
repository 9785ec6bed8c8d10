// Prices of the chosen instrument: ticks in, text out, exactly.
import { price } from '../shared/format.ts';
import { instrument } from './state.ts';

export function priceOf(ticks: number | null): string {
  const { tickSize, decimals } = instrument.value;
  return ticks === null ? '–' : price(ticks * tickSize, decimals);
}

/** A mean, which lies between ticks. */
export function meanPriceOf(ticks: number | null): string {
  const { tickSize, decimals } = instrument.value;
  return ticks === null ? '–' : price(Math.round(ticks * tickSize), decimals);
}
