// What the demo says in plain lines: now and then while it runs, and at its end.
import { counted, decimal, percent, profitText, signed, span, whole } from './shown_text.ts';
import type { AccountsSummary } from './demo_traders.ts';
import type { LatencySummary } from './latency.ts';
import type { DemoView } from './demo_screen.ts';
import type { Paint } from './terminal.ts';
import type { TradeStatus } from './trade_status.ts';

/** What a run ended with; with --json the last line of stdout. */
export interface DemoResult {
  ok: boolean;
  equal: boolean;
  /** Every client's view was the exchange's, and positions and cash of all sum to zero. */
  balanced: boolean;
  engineHash: string;
  receiverHash: string;
  engineSequence: number;
  feedSequence: number;
  feedState: string;
  seconds: number;
  source: string;
  passes: number;
  requests: number;
  responses: number;
  rejects: number;
  /** Of these: the order had traded, or been cancelled, before. */
  tooLate: number;
  unanswered: number;
  trades: number;
  updates: number;
  engineOrders: number;
  receiverOrders: number;
  gaps: number;
  requested: number;
  duplicates: number;
  snapshots: number;
  dropped: number;
  network: string;
  latencyNs: LatencySummary;
  accounts: AccountsSummary;
  /** Where the dashboard was; '': there was none. */
  dashboard: string;
  priceDecimals: number;
  traders: readonly TradeStatus[];
}

/** For a stdout that is not a terminal. */
export function plainLine(view: DemoView): string {
  const best = (level: { price: number } | undefined): string =>
    level === undefined ? '–' : decimal(level.price, view.priceDecimals);
  return [
    `${(view.elapsedMs / 1000).toFixed(1).padStart(6)} s`,
    `${whole(view.requestsPerSecond)} requests/s`,
    `${whole(view.updatesPerSecond)} updates/s`,
    `${whole(view.trades)} trades`,
    `p50 ${span(view.latency.p50Ns)} p99 ${span(view.latency.p99Ns)}`,
    `${view.symbol} ${best(view.bids[0])} × ${best(view.asks[0])}`,
    ...view.traders.map(traderText),
    view.feedState,
    `sequence ${whole(view.sequence)}`,
    `gaps ${view.gaps}`,
  ].join('  ');
}

/** "maker +300 +12.40": position and profit. */
function traderText({ strategy, books: [book], pnl2, moneyDecimals }: TradeStatus): string {
  return `${strategy} ${signed(book.position)} ${profitText(pnl2, moneyDecimals)}`;
}

/** What a person reads at the end. */
export function summaryLines(result: DemoResult, paint: Paint): string[] {
  const verdict = result.equal
    ? paint('good', 'equal: the receiver built the engine’s book from the feed')
    : paint('bad', 'NOT EQUAL: the receiver’s book is not the engine’s');
  const { latencyNs: latency } = result;
  const count = (value: number, what: string): string => `${whole(value)} ${what}`;
  const books = (hash: string, sequence: number, orders: number): string =>
    `${hash}   at sequence ${whole(sequence)}, ${whole(orders)} orders resting`;
  const rows: [string, string[]][] = [
    [
      'flow',
      [
        result.source,
        `${whole(result.passes)} ${result.passes === 1 ? 'pass' : 'passes'}`,
        `${result.seconds.toFixed(1)} s`,
      ],
    ],
    [
      'requests',
      [
        count(result.requests, 'sent'),
        count(result.requests / result.seconds, 'a second'),
        count(result.tooLate, 'too late'),
        count(result.rejects - result.tooLate, 'rejected'),
        count(result.unanswered, 'unanswered'),
      ],
    ],
    [
      'latency',
      [
        `order → ack p50 ${span(latency.p50Ns)}`,
        `p99 ${span(latency.p99Ns)}`,
        `p99.9 ${span(latency.p999Ns)}`,
        `max ${span(latency.maxNs)}`,
      ],
    ],
    ['market', [counted(result.trades, 'trade'), counted(result.updates, 'feed message')]],
    [
      'feed',
      [
        counted(result.gaps, 'gap'),
        count(result.requested, 'asked again'),
        counted(result.duplicates, 'duplicate'),
        counted(result.snapshots, 'snapshot'),
        count(result.dropped, 'lost'),
      ],
    ],
    ['engine', [books(result.engineHash, result.engineSequence, result.engineOrders)]],
    ['receiver', [books(result.receiverHash, result.feedSequence, result.receiverOrders)]],
    ['books', [verdict]],
    ...result.traders.flatMap(traderRows),
    ...accountsRows(result, paint),
    ...(result.dashboard === '' ? [] : [['dashboard', [`was at ${result.dashboard} while it ran`]] satisfies [string, string[]]]),
  ];
  return rows.map(([label, texts]) => paint('heading', label.padEnd(10)) + texts.join(', '));
}

/** Two lines, that each fits a terminal. */
function traderRows(status: TradeStatus): [string, string[]][] {
  const [book] = status.books;
  const { tickToTrade: latency } = status;
  const profit = profitText(status.pnl2, status.moneyDecimals);
  return [
    [
      SHORT_NAMES[status.strategy] ?? status.strategy,
      [
        `position ${signed(book.position)}`, `profit ${profit}`, `${whole(status.fills)} fills`,
        `${percent(status.fillRatePercent)} of ${whole(status.ordersSent)} orders traded`,
      ],
    ],
    ['', [`tick → trade p50 ${span(latency.p50Ns)}`, `p99 ${span(latency.p99Ns)}`]],
  ];
}

const SHORT_NAMES: Readonly<Record<string, string>> = {
  'market-maker': 'maker', 'liquidity-taker': 'taker',
};

function accountsRows(
  { accounts, balanced, priceDecimals }: DemoResult, paint: Paint,
): [string, string[]][] {
  if (!balanced) {
    const difference = accounts.difference || 'the clients’ own views do not sum to zero';
    return [['accounts', [paint('bad', `NOT EQUAL: ${difference}`)]]];
  }
  const sums = `positions sum to ${accounts.position} and cash to ${decimal(accounts.cash, priceDecimals)}`;
  return [
    ['accounts', [paint('good', `equal: of ${accounts.clients} clients ${sums}`)]],
    ['', [`${whole(accounts.compared)} times a client’s view was the exchange’s`]],
  ];
}
