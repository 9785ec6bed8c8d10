// A trader's limits as the page asks for them: what was typed, what is wrong with it, and what it would change. The same
// whole numbers as `outcry ctl limits`; the trader's own checks have the last word (src/apps/trade_limits.ts). No DOM.
import { PRICE_UNITS_MAX, QTY_MAX } from '../../src/apps/trade_limits.ts';
import type { InstrumentInfo } from '../../src/observe/dashboard/messages.ts';
import type { TraderLimitsView, TraderView } from '../../src/observe/system_view.ts';
import { count, price } from '../shared/format.ts';

export type LimitName = keyof TraderLimitsView;
/** As typed. */
export type Draft = Readonly<Record<LimitName, string>>;

interface LimitField {
  readonly name: LimitName;
  readonly label: string;
  readonly about: string;
  readonly max: number;
}

export const LIMIT_FIELDS: readonly LimitField[] = [
  { name: 'maxOrderQty', label: 'Largest order', about: 'quantity', max: QTY_MAX },
  { name: 'maxPosition', label: 'Largest position', about: 'quantity, long or short', max: QTY_MAX },
  { name: 'maxLoss', label: 'Largest loss', about: 'in smallest price units', max: PRICE_UNITS_MAX },
];

export function draftOf(limits: TraderLimitsView): Draft {
  return { maxOrderQty: String(limits.maxOrderQty), maxPosition: String(limits.maxPosition), maxLoss: String(limits.maxLoss) };
}

/** With commas or spaces where the page itself writes them; NaN: not a whole number. */
export function typedNumber(text: string): number {
  return /^\d(?:[\d, ]*\d)?$/.test(text.trim()) ? Number(text.replaceAll(/[, ]/g, '')) : NaN;
}

/** What is wrong with a draft, by field; empty: nothing that can be told here. */
export function faultsOf(draft: Draft): Partial<Record<LimitName, string>> {
  const faults: Partial<Record<LimitName, string>> = {};
  for (const { name, max } of LIMIT_FIELDS) {
    const value = typedNumber(draft[name]);
    if (!(value >= 1 && value <= max)) faults[name] = `expected a whole number, 1 to ${count(max)}`;
  }
  const [order, position] = [typedNumber(draft.maxOrderQty), typedNumber(draft.maxPosition)];
  if (faults.maxPosition === undefined && order > position) faults.maxOrderQty ??= `expected at most the largest position, ${count(position)}`;
  return faults;
}

/** Those that a draft without faults changes. */
export function changesOf(limits: TraderLimitsView, draft: Draft): Partial<TraderLimitsView> {
  const changed = LIMIT_FIELDS.filter(({ name }) => typedNumber(draft[name]) !== limits[name]);
  return Object.fromEntries(changed.map(({ name }) => [name, typedNumber(draft[name])]));
}

/** Decimals of the prices of all that it trades; null: they differ, or are not known. */
export function decimalsOf({ books }: Pick<TraderView, 'books'>, instruments: readonly InstrumentInfo[]): number | null {
  const found = new Set(books.map(({ ticker }) => instruments.find((each) => each.ticker === ticker)?.priceDecimals ?? null));
  return found.size === 1 ? [...found][0] : null;
}

/** A limit for people: "500", or with a loss the money too: "7,000 ($70.00)". */
export function limitText(name: LimitName, value: number, decimals: number | null): string {
  return name === 'maxLoss' && decimals !== null ? `${count(value)} ($${price(value, decimals)})` : count(value);
}

/** What a reader should know before: positions that are beyond the new limit already. */
export function warningsOf({ books }: Pick<TraderView, 'books'>, { maxPosition }: Partial<TraderLimitsView>): string[] {
  if (maxPosition === undefined) return [];
  const beyond = books.filter(({ position }) => Math.abs(position) > maxPosition).map(({ symbol, position }) => `${symbol} (${count(position)})`);
  return beyond.length === 0 ? [] : [`Beyond it already: ${beyond.join(', ')}. There only orders that reduce the position pass.`];
}
