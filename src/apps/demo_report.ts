// What the demo says in plain lines: now and then while it runs, and at its end.
import { decimal, span, whole } from './terminal.ts';
import type { LatencySummary } from './latency.ts';
import type { DemoView, Paint } from './terminal.ts';

/** What a run ended with; with --json the last line of stdout. */
export interface DemoResult {
  ok: boolean;
  equal: boolean;
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
    view.feedState,
    `sequence ${whole(view.sequence)}`,
    `gaps ${view.gaps}`,
  ].join('  ');
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
        count(result.rejects, 'rejected'),
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
    ['market', [count(result.trades, 'trades'), count(result.updates, 'feed messages')]],
    [
      'feed',
      [
        count(result.gaps, 'gaps'),
        count(result.requested, 'asked again'),
        count(result.duplicates, 'duplicates'),
        count(result.snapshots, 'snapshots'),
        count(result.dropped, 'lost'),
      ],
    ],
    ['engine', [books(result.engineHash, result.engineSequence, result.engineOrders)]],
    ['receiver', [books(result.receiverHash, result.feedSequence, result.receiverOrders)]],
    ['books', [verdict]],
  ];
  return rows.map(([label, texts]) => paint('heading', label.padEnd(10)) + texts.join(', '));
}
