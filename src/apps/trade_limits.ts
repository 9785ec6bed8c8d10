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

/** What is wrong with limits that were said to a running trader, by the rules of the configuration; none: nothing. */
export function limitFaults(
  limits: TradeLimits, instruments: readonly { readonly symbol: string; readonly lotSize?: number }[],
): string[] {
  const { maxOrderQty, maxPosition, maxLoss } = limits;
  const faults: string[] = [];
  const within = (name: string, value: number, max: number): void => {
    if (value < 1 || value > max) faults.push(`${name}: expected 1 to ${max}, was ${value}`);
  };
  within('max_order_qty', maxOrderQty, QTY_MAX);
  within('max_position', maxPosition, QTY_MAX);
  within('max_loss', maxLoss, PRICE_UNITS_MAX);
  if (maxOrderQty > maxPosition) faults.push(`max_order_qty: ${aboveText(limits)}`);
  for (const { symbol, lotSize = 1 } of instruments) {
    if (maxOrderQty < lotSize) faults.push(`max_order_qty: ${lotText(limits, symbol, lotSize)}`);
  }
  return faults;
}
