// What the dashboard shows, kept up to date: looks at the processes, follows the feed of the exchange that is watched, keeps
// ten minutes of seconds.
//
//   POLL_MS    the feed's datagrams ─► books, trades                      (dashboard_market.ts)
//                                   └► from time to time: are they right? (book_audit.ts)
//   STATUS_MS  SystemWatch.look() ─► alerts, health ─► status, its text   one text for all pages
//   a second   a point of the history
//
// An exchange that ends leaves its last books, not fresh; one that comes (with another process number: the same one again
// after a kill, or another one) is followed from its beginning, and pages are told anew which instruments there are.
import { MonotonicClock } from '../base/clock.ts';
import { BookAudit } from '../observe/alerts/book_audit.ts';
import { History } from '../observe/dashboard/history.ts';
import { PROTOCOL_VERSION, STATUS_MS } from '../observe/dashboard/messages.ts';
import { pointOf, summaryOf } from '../observe/dashboard/summary.ts';
import { METRICS_FORMATS, type MetricsFormat } from '../observe/metrics/exposition.ts';
import { MarketReceiver, marketViewOf } from './dashboard_market.ts';
import { marketFile, type MarketDescription, readMarketFile } from './market_file.ts';
import type { MarketView } from '../book/market_view.ts';
import type { Network } from '../net/transport.ts';
import type { Alert } from '../observe/alerts/alert.ts';
import type { AlertMonitor } from '../observe/alerts/alert_monitor.ts';
import type { Webhook } from '../observe/alerts/webhook.ts';
import type {
  HelloMessage, HistoryMessage, InstrumentInfo, MarketMessage, StatusMessage,
} from '../observe/dashboard/messages.ts';
import type { DashboardSource, MetricsText } from '../observe/dashboard/server.ts';
import type { LiveJournal } from '../observe/dashboard/time_travel_routes.ts';
import type { LogLevel } from './config_system.ts';
import type { SystemWatch } from '../observe/system_watch.ts';
import type { SystemView } from '../observe/system_view.ts';

/** The socket's buffer takes some hundred datagrams: 20,000 a second fit in between. */
const POLL_MS = 5;
const SECOND_MS = 1_000;
/** Between two attempts to join a feed that could not be joined. */
const JOIN_AGAIN_MS = 2_000;
/** No feed is followed; or that of an exchange elsewhere, which the configuration names. */
const PID_NONE = -1;
const PID_ELSEWHERE = 0;

export interface DashboardMonitorOptions {
  readonly watch: SystemWatch;
  readonly judge: AlertMonitor;
  /** Whose figures are shown. */
  readonly webhook: Webhook;
  readonly network: Network;
  readonly commands: boolean;
  /** What the configuration says otherwise of the feed, over what the exchange has left. */
  readonly amend: (left: MarketDescription | null) => MarketDescription | null;
  readonly format: MetricsFormat;
  /** States of the instruments, asked when they have changed. */
  readonly askStates: (port: number) => Promise<ReadonlyMap<number, InstrumentInfo['state']>>;
  readonly note: (line: string, level?: LogLevel) => void;
}

export class DashboardMonitor implements DashboardSource {
  epoch = 0;
  statusNumber = 0;
  statusText = '';
  status: StatusMessage | null = null;
  readonly history = new History();
  histogram: HistoryMessage['histogram'] = [];
  journal: LiveJournal | null = null;
  readonly #options: DashboardMonitorOptions;
  readonly #clock = new MonotonicClock();
  #receiver: MarketReceiver | null = null;
  #audit: BookAudit | null = null;
  /** Of the exchange whose feed is followed. */
  #followedPid = PID_NONE;
  #joining = false;
  #joinAgainMs = 0;
  #states: ReadonlyMap<number, InstrumentInfo['state']> = new Map();
  /** Of the exchange, when its states were asked; −1: not yet. */
  #haltedAtStates = -1;
  #fresh = false;
  #freshChanges = 0;
  #secondMs = 0;
  #closed = false;
  /** Told last. */
  #fault = '';
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(options: DashboardMonitorOptions) {
    this.#options = options;
  }

  /** First look, and from then on by the clock until `close`. */
  start(): void {
    this.look();
    this.#timers.push(
      setInterval(() => this.#outliving(() => this.poll()), POLL_MS),
      setInterval(() => this.#outliving(() => this.look()), STATUS_MS),
    );
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#stopFollowing();
    this.#options.watch.close();
  }

  /** A fault of a look is said once, and the next look comes all the same. */
  #outliving(act: () => void): void {
    try {
      act();
    } catch (error) {
      const fault = error instanceof Error ? (error.stack ?? error.message) : String(error);
      if (fault !== this.#fault) this.#options.note(`dashboard: ${fault}`, 'error');
      this.#fault = fault;
    }
  }

  // ── by the clock ───────────────────────────────────────────────────────────────────────────

  poll(): void {
    const receiver = this.#receiver;
    if (receiver === null) return;
    receiver.poll(Date.now());
    this.#audit?.poll(performance.now());
    if (receiver.watch.fresh === this.#fresh) return;
    this.#fresh = receiver.watch.fresh;
    this.#freshChanges++;
  }

  look(): void {
    const { watch, judge } = this.#options;
    const view = watch.look();
    this.#follow(view);
    const feed = this.#receiver?.status() ?? null;
    judge.observe(view, { feedGaps: feed?.gaps ?? null, mismatches: this.#audit?.mismatches ?? [] });
    const { health, alerts } = judge;
    const activeSymbols = this.#receiver?.watch.active(view.atMs) ?? 0;
    const summary = summaryOf(view, activeSymbols, health, alerts);
    this.status = { type: 'status', summary, health, system: view, alerts, feed };
    this.statusText = JSON.stringify(this.status);
    this.statusNumber++;
    // A clock that was set back begins anew.
    if (Math.abs(view.atMs - this.#secondMs) < SECOND_MS) return;
    // On the second's grid, so that a late turn does not move all that follow.
    this.#secondMs = view.atMs - (view.atMs % SECOND_MS);
    this.histogram = watch.orderCurve();
    this.history.add(pointOf(view, health, watch.lastSecond()));
  }

  // ── the exchange that is followed ──────────────────────────────────────────────────────────

  #follow({ exchange }: SystemView): void {
    if (exchange !== null) this.#keepStates(exchange.port, exchange.halted);
    const pid = exchange?.pid ?? PID_ELSEWHERE;
    if (pid === this.#followedPid || this.#joining || performance.now() < this.#joinAgainMs) return;
    this.#joining = true;
    this.#join(pid).catch((error: Error) => {
      this.#joinAgainMs = performance.now() + JOIN_AGAIN_MS;
      this.#options.note(`dashboard: the feed cannot be joined: ${error.message}`, 'warn');
    }).finally(() => {
      this.#joining = false;
    });
  }

  async #join(pid: number): Promise<void> {
    const left = pid === PID_ELSEWHERE ? null : readMarketFile(marketFile(pid));
    const market = this.#options.amend(left);
    // An exchange leaves it a moment after its statistics.
    if (market === null) return;
    this.#clock.refresh();
    const receiver = await MarketReceiver.join(market, this.#options.network, this.#clock);
    if (this.#closed) {
      receiver.close();
      return;
    }
    this.#stopFollowing();
    this.#receiver = receiver;
    this.#audit = this.#auditOf(receiver, market);
    this.journal = journalOf(market);
    this.#followedPid = pid;
    this.#haltedAtStates = -1;
    this.#states = new Map();
    this.epoch++;
  }

  #auditOf(followed: MarketReceiver, market: MarketDescription): BookAudit {
    const { network, judge } = this.#options;
    // One for all audits, made by the first.
    let view: MarketView | null = null;
    return new BookAudit({
      followed, instruments: market.instruments, intervalMs: () => judge.settings.auditIntervalMs,
      join: async () => {
        view ??= marketViewOf(market);
        return MarketReceiver.join(market, network, this.#clock, { view, asks: false });
      },
    }, performance.now());
  }

  #stopFollowing(): void {
    this.#audit?.close();
    this.#receiver?.close();
  }

  /** Asks once when the number of instruments that do not trade has changed. */
  #keepStates(port: number, halted: number): void {
    if (halted === this.#haltedAtStates) return;
    this.#haltedAtStates = halted;
    if (halted === 0) {
      this.#setStates(new Map());
      return;
    }
    // Without an operator's channel it stays unknown which ones.
    this.#options.askStates(port).then((states) => this.#setStates(states), () => this.#setStates(null));
  }

  #setStates(states: ReadonlyMap<number, InstrumentInfo['state']> | null): void {
    const unknown = new Map(this.#receiver?.watch.instruments.map(({ ticker }) => [ticker, 'unknown' as const]));
    const known = states ?? unknown;
    const same = known.size === this.#states.size && [...known].every(([ticker, state]) => this.#states.get(ticker) === state);
    this.#states = known;
    if (!same) this.epoch++;
  }

  // ── what is shown ──────────────────────────────────────────────────────────────────────────

  get hello(): HelloMessage {
    return {
      type: 'hello', version: PROTOCOL_VERSION, commands: this.#options.commands, timeTravel: true,
      ...(this.journal === null || !this.#options.commands ? {} : { journal: this.journal.name }),
      instruments: this.instruments,
    };
  }

  get instruments(): readonly InstrumentInfo[] {
    return this.#receiver?.watch.infos((ticker) => this.#states.get(ticker) ?? 'open') ?? [];
  }

  get alerts(): readonly Alert[] {
    return this.#options.judge.alerts;
  }

  get watches(): boolean {
    const system = this.status?.system;
    return system !== undefined && (system.exchange !== null || system.traders.length > 0);
  }

  /** Made when somebody asks: a scrape every few seconds. */
  metrics(): MetricsText {
    const { format } = this.#options;
    const type = METRICS_FORMATS[format].type;
    if (this.status === null) return { type, text: '' };
    const { system, health, alerts } = this.status;
    const { judge, webhook } = this.#options;
    const { audits: completed, incomplete } = this.#audit ?? { audits: 0, incomplete: 0 };
    const monitor = { alertsDropped: judge.dropped, webhook, audits: { completed, incomplete } };
    return { type, text: METRICS_FORMATS[format].write({ system, health, alerts, monitor }) };
  }

  marketNumber(ticker: number): number {
    const watch = this.#receiver?.watch;
    return watch?.has(ticker) === true ? watch.updates(ticker) + this.#freshChanges : -1;
  }

  lastTradeId(ticker: number): number {
    return this.#receiver?.watch.lastTradeId(ticker) ?? 0;
  }

  market(ticker: number, levels: number, afterTrade: number): MarketMessage | null {
    return this.#receiver?.watch.market(ticker, levels, afterTrade) ?? null;
  }
}

/** By port, so that a link holds when the exchange has been started again. */
function journalOf({ port, journal }: MarketDescription): LiveJournal | null {
  return journal === undefined ? null : { name: `exchange-${port}`, title: `exchange on port ${port}`, directory: journal };
}
