// What the page knows, as signals: a panel reads those that it shows and is drawn again when one of them changes, four
// times a second at most. The market is not among them (market.ts): it is painted, once a frame.
import { computed, signal, type ReadonlySignal } from '@preact/signals';
import type { Alert } from '../../src/observe/alerts/alert.ts';
import {
  HISTORY_SECONDS, PROTOCOL_VERSION,
  type DashboardSummary, type HelloMessage, type HistoryMessage, type HistoryPoint, type InstrumentInfo,
  type ServerMessage, type StatusMessage,
} from '../../src/observe/dashboard/messages.ts';
import type { LatencyView, TraderView } from '../../src/observe/system_view.ts';
import type { Link } from './connection.ts';
import { Market } from './market.ts';

/** A price that a trader tells as money, in the instrument's whole numbers. */
export function unitsOf(money: number, decimals: number): number {
  return Math.round(money * 10 ** decimals);
}

/** A trader's quote, for the mark in the ladder. */
export interface OwnQuote {
  readonly side: 'bid' | 'ask';
  readonly price: number;
  readonly qty: number;
  readonly trader: string;
}

export type History = Pick<HistoryMessage, 'points' | 'histogram'>;

/** null where nothing came in the window: its figures say nothing then. */
export function measured(latency: LatencyView | null | undefined): LatencyView | null {
  return latency === null || latency === undefined || latency.count === 0 ? null : latency;
}

/** One word for the whole page: what the reader should make of what is shown. */
export type Condition = 'loading' | 'live' | 'stale' | 'disconnected' | 'refused';

const NO_HISTORY: History = { points: [], histogram: [] };

export class PageState {
  readonly link = signal<Link>({ state: 'connecting', retryAtMs: 0, reconnects: 0 });
  readonly hello = signal<HelloMessage | null>(null);
  readonly status = signal<StatusMessage | null>(null);
  readonly history = signal<History>(NO_HISTORY);
  /** The summary of each second that this page has seen, for what `history` does not have. */
  readonly summaries = signal<readonly DashboardSummary[]>([]);
  /** null: not chosen yet, the first will be. */
  readonly ticker = signal<number | null>(null);
  /** A page and a server of different versions do not go on. */
  readonly refused = signal('');
  readonly market = new Market();
  /** Rises with every market message of the chosen instrument; not for panels, which would be drawn a thousand times a second. */
  marketVersion = 0;

  readonly condition: ReadonlySignal<Condition> = computed(() => {
    if (this.refused.value !== '') return 'refused';
    const { state } = this.link.value;
    if (this.status.value === null) return state === 'lost' ? 'disconnected' : 'loading';
    if (state === 'live') return 'live';
    return state === 'stale' ? 'stale' : 'disconnected';
  });

  readonly instruments: ReadonlySignal<readonly InstrumentInfo[]> = computed(() => this.hello.value?.instruments ?? []);

  readonly instrument: ReadonlySignal<InstrumentInfo | null> = computed(
    () => this.instruments.value.find((each) => each.ticker === this.ticker.value) ?? null,
  );

  /** By client. */
  readonly traders: ReadonlySignal<readonly TraderView[]> = computed(() =>
    (this.status.value?.system.traders ?? []).toSorted((a, b) => a.client - b.client),
  );

  readonly ownQuotes: ReadonlySignal<readonly OwnQuote[]> = computed(() => {
    const found: OwnQuote[] = [];
    const decimals = this.instrument.value?.priceDecimals ?? 0;
    for (const trader of this.traders.value) {
      const name = `${trader.strategy} (client ${trader.client})`;
      for (const { ticker, bid, ask } of trader.books) {
        if (ticker !== this.ticker.value) continue;
        if (bid !== null) found.push({ side: 'bid', price: unitsOf(bid.price, decimals), qty: bid.qty, trader: name });
        if (ask !== null) found.push({ side: 'ask', price: unitsOf(ask.price, decimals), qty: ask.qty, trader: name });
      }
    }
    return found;
  });

  /** Those that hold, then those that are over; each newest first. */
  readonly alerts: ReadonlySignal<readonly Alert[]> = computed(() => {
    const all = this.status.value?.alerts ?? [];
    const rank = (alert: Alert): number => (alert.clearedMs !== null ? 2 : alert.severity === 'critical' ? 0 : 1);
    return all.toSorted((a, b) => rank(a) - rank(b) || b.raisedMs - a.raisedMs);
  });

  readonly alertsCurrent: ReadonlySignal<readonly Alert[]> = computed(() =>
    this.alerts.value.filter((alert) => alert.clearedMs === null),
  );

  apply(message: ServerMessage): void {
    switch (message.type) {
      case 'hello':
        this.#hello(message);
        return;
      case 'status':
        this.status.value = message;
        return;
      case 'history':
        this.history.value = { points: message.points, histogram: message.histogram };
        return;
      case 'second':
        this.#second(message.point, message.histogram);
        return;
      case 'market':
        // One that was under way when the reader chose another.
        if (message.ticker !== this.ticker.value) return;
        this.market.apply(message);
        this.marketVersion++;
        return;
      default:
        // A kind that a later server sends: not for this page.
        return;
    }
  }

  /** False: it is the one that is shown, or there is none such. */
  choose(ticker: number): boolean {
    if (ticker === this.ticker.value || !this.instruments.value.some((each) => each.ticker === ticker)) return false;
    this.market.clear();
    this.marketVersion++;
    this.ticker.value = ticker;
    return true;
  }

  #hello(message: HelloMessage): void {
    const version: number = message.version;
    if (version !== PROTOCOL_VERSION) {
      this.refused.value = `This page speaks version ${PROTOCOL_VERSION}, the server ${version}: reload the page.`;
      return;
    }
    this.hello.value = message;
    this.market.reconnected();
    const kept = message.instruments.some((each) => each.ticker === this.ticker.value);
    if (!kept && message.instruments.length > 0) this.choose(message.instruments[0].ticker);
  }

  #second(point: HistoryPoint, histogram: History['histogram']): void {
    const { points } = this.history.value;
    this.history.value = { points: [...points.slice(-(HISTORY_SECONDS - 1)), point], histogram };
    const summary = this.status.value?.summary;
    if (summary !== undefined) this.summaries.value = [...this.summaries.value.slice(-(HISTORY_SECONDS - 1)), summary];
  }
}

/** The page's own. */
export const state = new PageState();
