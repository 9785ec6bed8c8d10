// What is looked at: each rule turns what the monitor knows into measures, values beside their thresholds. Pure: the
// same looks and settings give the same measures.
//
//   looks of the last minute, oldest first ─► rules ─► Measure[] ─┬─► AlertBook   raised, held, cleared (alert_book.ts)
//                                                                 └─► health      the worst of each part (health.ts)
//
// A measure is made whether or not its value is beyond the threshold, for an alert must come down to be cleared. What
// is not known, or not asked for (threshold 0), is not measured. Two measures of one kind and subject (a loss as a share
// of its limit and in money) are one alert: the worse counts.
//
// Cost: some passes over a minute of looks, a few times a second. It allocates: the monitor is no stage.
import { LIMIT_UNKNOWN } from '../system_view.ts';
import type { ExchangeView, JournalView, LatencyView, SystemView, TraderBookView, TraderView } from '../system_view.ts';
import type { AlertKind, HealthPart } from './alert.ts';
import type { AlertSettings } from './alert_settings.ts';
import { bytesText, countText, moneyText, timeText } from './measure_text.ts';

/** Of an instrument where an alert is about none: the wire's "none". */
export const SYMBOL_NONE = 0xffff_ffff;

/** Books of the monitor that differ from those of a fresh receiver (book_audit.ts). */
export interface BookMismatch {
  readonly ticker: number;
  readonly symbol: string;
  /** Of the feed, at which both were taken. */
  readonly sequence: number;
  /** Public hashes, 16 hexadecimal digits. */
  readonly fresh: string;
  readonly followed: string;
}

/** What the monitor knew at one instant. */
export interface Look {
  readonly system: SystemView;
  /** Rises steadily whatever the wall clock does: durations are taken from it. */
  readonly elapsedMs: number;
  /** Holes that the monitor's own receiver saw so far; null: it has none. */
  readonly feedGaps: number | null;
  readonly mismatches: readonly BookMismatch[];
}

export interface Measure {
  readonly kind: AlertKind;
  readonly subject: string;
  readonly value: number;
  /** Beyond it from here on: value ≥ threshold. */
  readonly threshold: number;
  /** What, how much, and the threshold, as one sentence without a full stop. */
  readonly text: string;
  /** Of the health score; null: of none. */
  readonly part: HealthPart['name'] | null;
  /** A fact, not a level: there is no waiting before it is an alert. */
  readonly isFact?: boolean;
  readonly detail: Readonly<Record<string, number | string>>;
}

export interface Looks {
  readonly now: Look;
  /** Oldest first; the last is now. None are older than a minute. */
  readonly minute: readonly Look[];
}

type Rule = (looks: Looks, settings: AlertSettings) => readonly Measure[];

const RULES: readonly Rule[] = [
  latencies, losses, positions, overload, feedGaps, journalLag, mismatches, rejectRatios, silence,
];

export function measureAll(looks: Looks, settings: AlertSettings): Measure[] {
  return RULES.flatMap((rule) => rule(looks, settings));
}

/** One measure; none where its threshold is 0. */
function measure(made: Omit<Measure, 'text'> & { readonly what: string; readonly show: (value: number) => string }): Measure[] {
  const { what, show, ...rest } = made;
  if (made.threshold === 0) return [];
  return [{ ...rest, text: `${what} ${show(made.value)}, threshold ${show(made.threshold)}` }];
}

const percentText = (value: number): string => `${countText(Math.round(value * 10) / 10)} %`;

// ── HighLatency ────────────────────────────────────────────────────────────────────────────────

function latencies({ now }: Looks, settings: AlertSettings): Measure[] {
  const { exchange, traders } = now.system;
  const made: Measure[] = [];
  const one = (subject: string, what: string, latency: LatencyView | null, threshold: number): void => {
    if (latency === null || latency.count === 0) return;
    const latencyNs = latency.p99Ns;
    made.push(...measure({
      kind: 'HighLatency', subject, value: latencyNs, threshold, what, show: timeText, part: 'latency',
      detail: { symbolId: SYMBOL_NONE, latencyNs },
    }));
  };
  one('exchange', 'p99 of the order latency', exchange?.orderLatency ?? null, settings.highLatencyNs);
  for (const { client, roundTrip } of traders)
    one(`client ${client}`, 'p99 from order to acknowledgement', roundTrip, settings.highRoundTripNs);
  return made;
}

// ── LargeLoss, LargePosition ───────────────────────────────────────────────────────────────────

function ofBooks({ now }: Looks, rule: (trader: TraderView, book: TraderBookView) => readonly Measure[]): Measure[] {
  return now.system.traders.flatMap((trader) => trader.books.flatMap((book) => rule(trader, book)));
}

function isLimit(limit: number): boolean {
  return limit > 0 && limit < LIMIT_UNKNOWN;
}

function losses(looks: Looks, settings: AlertSettings): Measure[] {
  return ofBooks(looks, ({ client }, { ticker, symbol, realised, unrealised, lossMax }) => {
    const pnl = realised + (unrealised ?? 0);
    const loss = Math.max(0, -pnl);
    const common = {
      kind: 'LargeLoss', subject: `${symbol} of client ${client}`, part: 'loss', detail: { symbolId: ticker, client, pnl },
    } as const;
    return [
      ...(isLimit(lossMax)
        ? measure({ ...common, value: (loss / lossMax) * 100, threshold: settings.largeLossPercent, what: `loss ${moneyText(loss)} is of its limit`, show: percentText })
        : []),
      ...measure({ ...common, value: loss, threshold: settings.largeLoss, what: 'loss', show: moneyText }),
    ];
  });
}

function positions(looks: Looks, settings: AlertSettings): Measure[] {
  return ofBooks(looks, ({ client }, { ticker, symbol, position, positionMax }) => {
    const size = Math.abs(position);
    const common = {
      kind: 'LargePosition', subject: `${symbol} of client ${client}`, part: null, detail: { symbolId: ticker, client, position },
    } as const;
    return [
      ...(isLimit(positionMax)
        ? measure({ ...common, value: (size / positionMax) * 100, threshold: settings.largePositionPercent, what: `position ${countText(position)} is of its limit`, show: percentText })
        : []),
      ...measure({ ...common, value: size, threshold: settings.largePosition, what: position < 0 ? 'short position' : 'position', show: countText }),
    ];
  });
}

// ── SystemOverload ─────────────────────────────────────────────────────────────────────────────

function overload({ now }: Looks, settings: AlertSettings): Measure[] {
  const { machine, processes } = now.system;
  const { coresBusyPercent: cores, memoryTotalBytes: total, memoryAvailableBytes: available } = machine;
  const cpuUsagePercent = cores.length === 0 ? 0 : cores.reduce((sum, core) => sum + core, 0) / cores.length;
  const resident = processes.reduce((sum, { residentBytes }) => sum + residentBytes, 0);
  const memoryUsageBytes = total - available;
  const common = { kind: 'SystemOverload', subject: '', detail: { cpuUsagePercent, memoryUsageBytes } } as const;
  return [
    ...(cores.length > 0
      ? measure({ ...common, part: 'cpu', value: cpuUsagePercent, threshold: settings.overloadCpuPercent, what: `${cores.length} cores busy`, show: percentText })
      : []),
    ...(total > 0
      ? measure({ ...common, part: 'memory', value: (memoryUsageBytes / total) * 100, threshold: settings.overloadMemoryPercent, what: `memory of the machine in use`, show: percentText })
      : []),
    ...measure({
      ...common, detail: { cpuUsagePercent, memoryUsageBytes: resident }, part: 'memory', value: resident,
      threshold: settings.overloadMemoryBytes, what: 'resident memory of our processes', show: bytesText,
    }),
  ];
}

// ── FeedGaps ───────────────────────────────────────────────────────────────────────────────────

function feedGaps(looks: Looks, settings: AlertSettings): Measure[] {
  const one = (subject: string, total: (look: Look) => number | null): Measure[] => {
    const gaps = risenBy(looks, total);
    return measure({
      kind: 'FeedGaps', subject, part: 'feed gaps', value: gaps, threshold: settings.feedGapsPerMinute,
      what: 'holes in the feed within a minute:', show: countText, detail: { gaps },
    });
  };
  const { feedGaps: own, system: { traders } } = looks.now;
  return [
    ...(own === null ? [] : one('monitor', (look) => look.feedGaps)),
    ...traders.flatMap(({ client, pid }) =>
      one(`client ${client}`, ({ system }) => traderOf(system, pid)?.feedGaps ?? null)),
  ];
}

function traderOf(system: SystemView, pid: number): TraderView | undefined {
  return system.traders.find((trader) => trader.pid === pid);
}

/** By how much a total has risen since the oldest look that knew it. A total that begins anew counts from there. */
function risenBy({ minute }: Looks, total: (look: Look) => number | null): number {
  let risen = 0;
  let before: number | null = null;
  for (const look of minute) {
    const value = total(look);
    if (value === null) continue;
    if (before !== null) risen += value >= before ? value - before : value;
    before = value;
  }
  return risen;
}

// ── JournalLag ─────────────────────────────────────────────────────────────────────────────────

function journalLag(looks: Looks, settings: AlertSettings): Measure[] {
  const journal = looks.now.system.exchange?.journal;
  if (!journal) return [];
  const { lagRecords: records, backlogBytes: bytes } = journal;
  const ageNs = oldestUnsafeMs(looks, journal) * 1e6;
  const common = {
    kind: 'JournalLag', subject: 'exchange', part: 'journal lag', detail: { records, bytes, ageNs },
  } as const;
  return [
    ...measure({ ...common, value: records, threshold: settings.journalLagRecords, what: 'records that are not safe yet:', show: countText }),
    ...measure({ ...common, value: bytes, threshold: settings.journalLagBytes, what: 'waiting for the disk:', show: bytesText }),
    ...measure({ ...common, value: ageNs, threshold: settings.journalLagNs, what: 'age of the oldest record that is not safe yet', show: timeText }),
  ];
}

/** At least: the first look that saw a record which is not safe even now. */
function oldestUnsafeMs({ now, minute }: Looks, { releasedSequence, lagRecords }: JournalView): number {
  if (lagRecords === 0) return 0;
  const { elapsedMs, system } = now;
  const pid = system.exchange?.pid;
  for (const look of minute) {
    const { exchange } = look.system;
    if (exchange?.pid === pid && (exchange?.journal?.sequence ?? 0) > releasedSequence) return elapsedMs - look.elapsedMs;
  }
  return 0;
}

// ── HashMismatch ───────────────────────────────────────────────────────────────────────────────

function mismatches({ now }: Looks): Measure[] {
  return now.mismatches.map(({ ticker, symbol, sequence, fresh, followed }) => ({
    kind: 'HashMismatch', subject: symbol, part: null, isFact: true, value: 1, threshold: 1,
    text: `the book from increments has hash ${followed} at feed sequence ${sequence}, a fresh receiver's has ${fresh}`,
    detail: { symbolId: ticker, sequence, fresh, followed },
  }));
}

// ── RejectRatio ────────────────────────────────────────────────────────────────────────────────

function rejectRatios(looks: Looks, settings: AlertSettings): Measure[] {
  const { exchange, traders } = looks.now.system;
  const one = (subject: string, totals: (system: SystemView) => { requests: number; rejected: number } | null): Measure[] => {
    const requests = risenBy(looks, ({ system }) => totals(system)?.requests ?? null);
    const rejected = risenBy(looks, ({ system }) => totals(system)?.rejected ?? null);
    if (requests < settings.rejectCountMin) return [];
    return measure({
      kind: 'RejectRatio', subject, part: null, value: (rejected / requests) * 100, threshold: settings.rejectRatioPercent,
      what: `${countText(rejected)} of ${countText(requests)} requests of the last minute rejected:`, show: percentText,
      detail: { rejected, requests },
    });
  };
  const ofExchange = (view: ExchangeView | null): { requests: number; rejected: number } | null =>
    view === null || view.pid !== exchange?.pid ? null : { requests: view.requests.total, rejected: view.rejected.total };
  return [
    ...(exchange === null ? [] : one('exchange', (system) => ofExchange(system.exchange))),
    ...traders.flatMap(({ client, pid }) => one(`client ${client}`, (system) => {
      const trader = traderOf(system, pid);
      return trader === undefined ? null : { requests: trader.ordersSent.total, rejected: trader.rejected };
    })),
  ];
}

// ── ProcessSilent ──────────────────────────────────────────────────────────────────────────────

function silence({ now, minute }: Looks, { processSilent }: AlertSettings): Measure[] {
  if (!processSilent) return [];
  const { system } = now;
  const silent = system.processes.filter(({ beating }) => !beating).map(({ verb, pid }) =>
    silenceOf(verb, `${verb} ${pid}`, `${verb}, process ${pid}, gives no sign of life`, { verb, pid }));
  // One that was killed leaves nothing that could be silent, but traders who wait for it.
  const waiting = system.traders.filter(({ connected }) => !connected).map(({ client }) => client);
  const hadOne = minute.some((look) => look.system.exchange !== null);
  if (system.exchange !== null || waiting.length === 0 || !hadOne) return silent;
  const clients = waiting.join(', ');
  const gone = `the exchange has gone, and clients ${clients} wait for it`;
  return [...silent, silenceOf('exchange', 'exchange', gone, { verb: 'exchange', clients })];
}

function silenceOf(verb: string, subject: string, text: string, detail: Measure['detail']): Measure {
  // Nothing is as late as an exchange that does not answer.
  const part = verb === 'exchange' ? 'latency' : null;
  return { kind: 'ProcessSilent', subject, part, isFact: true, value: 1, threshold: 1, text, detail };
}
