// The status of a trader, written out, for tests of what is shown of it.
import type { BookStatus, QuoteStatus, TradeStatus } from './trade_status.ts';

interface Given extends Partial<Omit<TradeStatus, 'books'>> {
  readonly position?: number;
  readonly bid?: QuoteStatus | null;
  readonly ask?: QuoteStatus | null;
  readonly books?: readonly BookStatus[];
}

const LATENCY = {
  count: 5, p50Ns: 12_340, p90Ns: 20_000, p99Ns: 99_900, p999Ns: 1_234_567, maxNs: 2_000_000,
};

/** One instrument, four decimals, prices around 223.95. */
export function status(given: Given = {}): TradeStatus {
  const {
    position = 0, bid = { ticks: 22_394, qty: 50 }, ask = { ticks: 22_401, qty: 50 }, ...others
  } = given;
  const book: BookStatus = {
    ticker: 1, symbol: 'AMZN', decimals: 4, tickUnits: 100, bid, ask,
    bestBid: { ticks: 22_395, qty: 100 }, bestAsk: { ticks: 22_400, qty: 1_000 }, position,
    cash: -2_239_500 * position, volume: 400, fills: 7, realised2: 2_000, unrealised2: 480,
  };
  return {
    strategy: 'market-maker', client: 2, state: 'running', session: 'ready', feed: 'live',
    fresh: true, trouble: '', sequence: 99, books: [book], moneyDecimals: 4, pnl2: 2_480,
    ordersSent: 18, ordersOpen: 2, cancels: 3, modifies: 400, fills: 11,
    filledQty: 450, fillRatePercent: 61, rejected: 0, tooLate: 4, refused: 1,
    rejectedBy: {}, refusedBy: { PositionTooLarge: 1 }, standsStill: [], marketTrades: 4_321,
    feedMessages: 54_321, gaps: 0, sessions: 1, decisions: 421, traceHash: '0123456789abcdef',
    tickToTrade: LATENCY, tickToTradeNow: LATENCY, ...others,
  };
}
