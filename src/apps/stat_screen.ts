// What `outcry stat` shows: a pure function from a view of the system to lines of text.
//
//   ┌ title: which exchange, since when, time of day ────────────────────────────┐
//   │ exchange: rates, feed, orders and sessions, journal, latency, stages, queues
//   │ traders: a line each, with their positions
//   │ processes: a line each
//   │ machine: cores, memory, network
//   └ how to end it ──────────────────────────────────────────────────────────────┘
//
// Lines are cut at the width before colours are added. With few rows the machine and the processes go first.
import type { ExchangeView, LatencyView, ProcessView, SystemView, TraderView } from '../observe/system_view.ts';
import { bar, clock, counted, fit, percent, signed, span, sparkline, timeOfDay, whole } from './shown_text.ts';
import type { Paint, Style } from './terminal.ts';

export interface StatView {
  readonly system: SystemView;
  /** Requests a second of the past, a second apart, the newest last. */
  readonly requestRates: readonly number[];
}

const WIDTH_MIN = 72;
const WIDTH_MAX = 160;
const NAME_COLUMNS = 10;
const BAR_COLUMNS = 12;
/** Beside this share of its room a queue is shown as bad. */
const QUEUE_BAD = 0.8;
const CORES_SHOWN = 8;
const POSITIONS_SHOWN = 3;

/** Pieces of a line with their styles; cut to the width together. */
type Piece = string | readonly [Style, string];

function line(pieces: readonly Piece[], width: number, paint: Paint): string {
  let room = width;
  let text = '';
  for (const piece of pieces) {
    const [style, plain] = typeof piece === 'string' ? [null, piece] : piece;
    const shown = plain.length > room ? fit(plain, room) : plain;
    text += style === null ? shown : paint(style, shown);
    room -= shown.length;
    if (room === 0) return text;
  }
  return text + ' '.repeat(room);
}

export function renderStat(view: StatView, columns: number, rows: number, paint: Paint): string[] {
  const width = Math.min(Math.max(columns, WIDTH_MIN), WIDTH_MAX);
  const { system } = view;
  const draw = (pieces: readonly Piece[]): string => line(pieces, width, paint);
  const rule = (name: string): string => draw([['heading', `─ ${name} `.padEnd(width, '─')]]);
  const sections: string[][] = [
    [rule('exchange'), ...exchangeLines(view, width).map(draw)],
    [rule('traders'), ...traderLines(system.traders).map(draw)],
    [rule('machine'), ...machineLines(system).map(draw)],
    [rule('processes'), ...processLines(system).map(draw)],
  ];
  const head = draw([['title', fit(titleText(system), width)]]);
  const foot = draw([['dim', ' q or Ctrl-C ends this; nothing that runs notices it']]);
  const body = sections.flat().slice(0, Math.max(0, rows - 2));
  return [head, ...body, foot].slice(0, rows);
}

function titleText({ exchange, processes, atMs }: SystemView): string {
  if (exchange === null) return ` OUTCRY  no exchange runs  ${timeOfDay(atMs)}`;
  const process = processes.find(({ pid }) => pid === exchange.pid);
  const since = process === undefined ? '' : `  up ${clock(Math.max(0, atMs - process.startedMs))}`;
  const silent = process?.beating === false ? '  ○ gives no sign of life' : '  ●';
  return ` OUTCRY  exchange ${exchange.endpoint}  pid ${exchange.pid}${since}${silent}  ${timeOfDay(atMs)}`;
}

// ── exchange ───────────────────────────────────────────────────────────────────────────────────

function named(name: string): string {
  return ` ${name.padEnd(NAME_COLUMNS)}`;
}

function perSecond(name: string, value: number): Piece[] {
  return [['strong', `${whole(value)}/s`], ` ${name}   `];
}

function exchangeLines({ system: { exchange }, requestRates }: StatView, width: number): Piece[][] {
  if (exchange === null) return [[['dim', ' none: outcry exchange starts one']]];
  const lost = exchange.feedLost.total + exchange.retransmitRequests.total;
  return [
    [named('orders'), ...perSecond('requests', exchange.requests.perSecond), ...perSecond('accepted', exchange.accepted.perSecond),
      ...perSecond('rejected', exchange.rejected.perSecond), ...perSecond('trades', exchange.trades.perSecond),
      ['good', sparkline(requestRates, Math.min(requestRates.length, Math.max(0, width - 84)))]],
    [named(''), ['dim', `${whole(exchange.requests.total)} requests, ${whole(exchange.rejected.total)} rejected${reasonsText(exchange.rejectedBy)}, ` +
      `${whole(exchange.trades.total)} trades; ${bytes(exchange.bytesIn.perSecond)}/s in, ${bytes(exchange.bytesOut.perSecond)}/s out`]],
    [named('feed'), ...perSecond('messages', exchange.feedMessages.perSecond), ...perSecond('datagrams', exchange.feedDatagrams.perSecond),
      [lost > 0 ? 'bad' : 'dim', `${whole(exchange.feedLost.total)} lost here, ${whole(exchange.retransmitRequests.total)} asked for again`]],
    [named('state'), `${whole(exchange.sessions)} sessions   ${whole(exchange.ordersLive)} orders   `, ...troubles(exchange)],
    [named('journal'), ...journalPieces(exchange)],
    [named('latency'), ...latencyPieces(exchange.orderLatency)],
    [named('stages'), ...stagePieces(exchange)],
    [named('queues'), ...queuePieces(exchange)],
  ];
}

/** The two most frequent. */
function reasonsText(counts: Readonly<Record<string, number>>): string {
  const most = Object.entries(counts).toSorted(([, one], [, other]) => other - one).slice(0, 2);
  return most.length === 0 ? '' : ` (${most.map(([reason, count]) => `${reason.replaceAll('_', ' ')} ${whole(count)}`).join(', ')})`;
}

function troubles({ lockedOut, halted, closedBy }: ExchangeView): Piece[] {
  const pieces: Piece[] = [];
  if (lockedOut > 0) pieces.push(['bad', `${whole(lockedOut)} locked out`], '   ');
  if (halted > 0) pieces.push(['bad', `${whole(halted)} halted`], '   ');
  const ended = Object.values(closedBy).reduce((sum, count) => sum + count, 0);
  if (ended > 0) pieces.push(['dim', `${counted(ended, 'session')} ended${reasonsText(closedBy)}`]);
  return pieces;
}

function journalPieces({ journal }: ExchangeView): Piece[] {
  if (journal === null) return [['dim', 'none: what is acknowledged ends with the process']];
  return [
    `${journal.mode}   ${counted(journal.lagRecords, 'record')} (${bytes(journal.backlogBytes)}) to come   `,
    ...perSecond('syncs', journal.syncs.perSecond), `of ${span(journal.meanSyncNs)}, longest ${span(journal.longestSyncNs)}`,
  ];
}

function latencyPieces(latency: LatencyView | null): Piece[] {
  if (latency === null) return [['dim', 'not measured, or nothing came yet']];
  if (latency.count === 0) return [['dim', `nothing in the last minute; ${whole(latency.totalCount)} before, mean ${span(latency.totalNs / latency.totalCount)}`]];
  const { p50Ns, p90Ns, p99Ns, p999Ns, maxNs, count } = latency;
  return [
    ['strong', `p50 ${span(p50Ns)}   p90 ${span(p90Ns)}   p99 ${span(p99Ns)}`], `   p99.9 ${span(p999Ns)}   max ${span(maxNs)}   `,
    ['dim', `${whole(count)} followed in the last minute`],
  ];
}

/** Medians of each stage on its own. */
function stagePieces({ stages }: ExchangeView): Piece[] {
  const measured = stages.filter(({ own }) => own.count > 0);
  if (measured.length === 0) return [['dim', '–']];
  return measured.flatMap(({ stage, own }): Piece[] => [['dim', `${stage} `], `${span(own.p50Ns)}   `]);
}

function queuePieces({ queues }: ExchangeView): Piece[] {
  return queues.flatMap(({ name, used, capacity }): Piece[] => {
    const share = Math.min(1, used / capacity);
    return [['dim', `${name} `], [share > QUEUE_BAD ? 'bad' : 'good', fit(bar(share * BAR_COLUMNS), BAR_COLUMNS)], ` ${percent(share * 100)}   `];
  });
}

// ── traders ────────────────────────────────────────────────────────────────────────────────────

const POSITION_COLUMNS = 26;
const TRADER_HEAD = ' client   strategy         state               profit  ' + 'positions'.padEnd(POSITION_COLUMNS) +
  '  orders/s  fills/s  filled  tick → trade p50 p99  round trip p50 p99';

function traderLines(traders: readonly TraderView[]): Piece[][] {
  if (traders.length === 0) return [[['dim', ' none: outcry trade starts one']]];
  return [[['dim', TRADER_HEAD]], ...traders.flatMap((trader) => [traderLine(trader), ...trader.standsStill.map((why): Piece[] => [['bad', `          ${why}`]])])];
}

function traderLine(trader: TraderView): Piece[] {
  const { client, strategy, connected, feedFresh, state, pnl, ordersSent, fills, fillRatePercent, books, tickToTrade, roundTrip } = trader;
  const health = !connected ? 'no session' : feedFresh ? state : 'feed not fresh';
  const held = books.filter(({ position }) => position !== 0);
  const more = held.length > POSITIONS_SHOWN ? ` and ${held.length - POSITIONS_SHOWN} more` : '';
  const positions = held.slice(0, POSITIONS_SHOWN).map(({ symbol, position }) => `${symbol} ${signed(position)}`).join('  ');
  return [
    ` ${String(client).padEnd(8)} ${fit(strategy, 16)} `, [connected && feedFresh && state === 'running' ? 'good' : 'bad', fit(health, 15)],
    [pnl === null || pnl === 0 ? 'strong' : pnl > 0 ? 'good' : 'bad', ` ${(pnl === null ? 'unknown' : money(pnl)).padStart(10)}`],
    `  ${fit(positions === '' ? 'flat' : positions + more, POSITION_COLUMNS)}`,
    `${whole(ordersSent.perSecond).padStart(10)}${whole(fills.perSecond).padStart(9)}${percent(fillRatePercent).padStart(8)}`,
    `${quantiles(tickToTrade).padStart(22)}${quantiles(roundTrip).padStart(20)}`,
  ];
}

function quantiles(latency: LatencyView | null): string {
  return latency === null || latency.count === 0 ? '–' : `${span(latency.p50Ns)} ${span(latency.p99Ns)}`;
}

// ── processes, machine ─────────────────────────────────────────────────────────────────────────

const PROCESS_HEAD = '     pid   cpu     memory       heap   allocates   busy turns    up         process';

function processLines({ processes, atMs }: SystemView): Piece[][] {
  if (processes.length === 0) return [[['dim', ' none of this user']]];
  return [[['dim', PROCESS_HEAD]], ...processes.map((one) => processLine(one, atMs))];
}

function processLine(one: ProcessView, atMs: number): Piece[] {
  const { pid, title, beating, cpuPercent, residentBytes, heapUsedBytes, allocatedBytesPerSecond, busyTurnsPercent, startedMs } = one;
  return [
    `${String(pid).padStart(8)}${percent(cpuPercent).padStart(6)}${bytes(residentBytes).padStart(11)}${bytes(heapUsedBytes).padStart(11)}` +
      `${`${bytes(allocatedBytesPerSecond)}/s`.padStart(12)}${(busyTurnsPercent === null ? '–' : percent(busyTurnsPercent)).padStart(13)}` +
      `    ${clock(Math.max(0, atMs - startedMs)).padEnd(11)}`,
    title, ...(beating ? [] : [['bad', '  gives no sign of life'] as const]),
  ];
}

function machineLines({ machine }: SystemView): Piece[][] {
  const { coresBusyPercent, memoryTotalBytes, memoryAvailableBytes, network } = machine;
  const shown = coresBusyPercent.slice(0, CORES_SHOWN);
  const mean = coresBusyPercent.reduce((sum, busy) => sum + busy, 0) / Math.max(1, coresBusyPercent.length);
  return [
    [named('cores'), ...shown.flatMap((busy): Piece[] => [['good', fit(bar((busy / 100) * BAR_COLUMNS), BAR_COLUMNS)], ` ${percent(busy).padEnd(7)}`]),
      ['dim', coresBusyPercent.length > CORES_SHOWN ? `and ${coresBusyPercent.length - CORES_SHOWN} more, ${percent(mean)} in the mean` : '']],
    [named('memory'), `${bytes(memoryTotalBytes - memoryAvailableBytes)} of ${bytes(memoryTotalBytes)} in use`],
    [named('network'), ...perSecond('packets in', network.rxRatePps), ...perSecond('out', network.txRatePps)],
  ];
}

// ── text ───────────────────────────────────────────────────────────────────────────────────────

/** 512 B, 1.5 KiB, 120 MiB */
export function bytes(value: number): string {
  if (value < 1_024) return `${Math.round(value)} B`;
  const power = Math.min(4, Math.floor(Math.log2(value) / 10));
  const scaled = value / 1_024 ** power;
  return `${scaled < 9.95 ? scaled.toFixed(1) : Math.round(scaled)} ${['KiB', 'MiB', 'GiB', 'TiB'][power - 1]}`;
}

/** +1,234.50 */
function money(value: number): string {
  const cents = Math.round(Math.abs(value) * 100);
  const text = `${whole(Math.floor(cents / 100))}.${String(cents % 100).padStart(2, '0')}`;
  return cents === 0 ? text : `${value > 0 ? '+' : '−'}${text}`;
}
