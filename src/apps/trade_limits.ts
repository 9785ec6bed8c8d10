// What limits of a trader may be, said once for its configuration and for an operator of a trader that runs.
import type { TradeLimits } from './config_trade.ts';

/** Of an order on the wire; the largest number there means none. */
export const QTY_MAX = 0xffff_fffe;
/** Money of one instrument in price units, a limit of the risk gate: doubled it is still exact. */
export const PRICE_UNITS_MAX = 2 ** 51;

type QtyLimits = Pick<TradeLimits, 'maxOrderQty' | 'maxPosition'>;

export function aboveText({ maxOrderQty, maxPosition }: QtyLimits): string {
  return `expected at most max_position = ${maxPosition}, was ${maxOrderQty}`;
}

export function lotText({ maxOrderQty }: QtyLimits, symbol: string, lotSize: number): string {
  return `expected at least the lot of ${symbol} = ${lotSize}, was ${maxOrderQty}`;
}

type Said = Partial<Pick<TradeLimits, 'maxOrderQty' | 'maxPosition' | 'maxLoss'>>;

const MOST: Readonly<Record<keyof Said, number>> = { maxOrderQty: QTY_MAX, maxPosition: QTY_MAX, maxLoss: PRICE_UNITS_MAX };

/** What is wrong with limits that `said` changes while a trader runs, by the rules of the configuration; none: nothing. */
export function limitFaults(
  limits: TradeLimits, said: Said, instruments: readonly { readonly symbol: string; readonly lotSize?: number }[],
): string[] {
  const faults = Object.entries(said)
    .filter(([name, value]) => value < 1 || value > MOST[name as keyof Said])
    .map(([name, value]) => `${name}: expected 1 to ${MOST[name as keyof Said]}, was ${value}`);
  const changed = { ...limits, ...said };
  if (changed.maxOrderQty > changed.maxPosition) faults.push(`max_order_qty: ${aboveText(changed)}`);
  for (const { symbol, lotSize = 1 } of instruments) {
    if (changed.maxOrderQty < lotSize) faults.push(`max_order_qty: ${lotText(changed, symbol, lotSize)}`);
  }
  return faults;
}
