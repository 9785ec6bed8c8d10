// Fills and course of a backtest as CSV, for spreadsheets and notebooks. Times are nanoseconds after
// midnight of the source's clock, prices exact decimals, profit in currency.
import { formatDecimal } from '../base/decimal.ts';
import { MID2_NONE } from '../trader/instruments.ts';
import { MARKOUT_NS } from './recorder.ts';
import type { BacktestResult } from './recorder.ts';

const NS_PER_S = 1_000_000_000;

export function fillsCsv(result: BacktestResult): string {
  const { tickSize, decimals } = result.instrument;
  const markouts = MARKOUT_NS.map((ns) => `markout_${ns / NS_PER_S}s_ticks`);
  const rows = result.fills.map((fill) => [
    fill.timeNs, fill.orderId, fill.side > 0 ? 'buy' : 'sell',
    formatDecimal(BigInt(fill.priceTicks * tickSize), decimals), fill.qty, fill.position,
    ...fill.markoutTicks.map((ticks) => ticks ?? ''),
  ].join(','));
  return [['time_ns', 'order', 'side', 'price', 'quantity', 'position', ...markouts].join(','), ...rows, ''].join('\n');
}

export function courseCsv(result: BacktestResult): string {
  const { course } = result;
  const currency = result.instrument.tickSize / 10 ** result.instrument.decimals / 2;
  const digits = result.instrument.decimals + 1;
  const rows = course.timeNs.map((timeNs, i) => {
    const mid = course.mid2[i] === MID2_NONE ? '' : (course.mid2[i] * currency).toFixed(digits);
    return `${timeNs},${mid},${course.position[i]},${(course.profit2[i] * currency).toFixed(digits)}`;
  });
  return ['time_ns,mid,position,profit', ...rows, ''].join('\n');
}
