// The demo's traders: a market maker and a liquidity taker, each in a process of its own and with
// nothing but the exchange's TCP port and multicast groups, and the comparison of what all clients
// think that they own with what the exchange knows.
//
// Between two passes of the flow the market closes, as it were overnight: the flow's orders are
// gone, and the next one begins somewhere else. The traders withdraw before that and come back when
// the new book has some orders.
import { FeedLayout, type InstrumentConfig } from '../exchange/config.ts';
import { TraderProcess } from './demo_process.ts';
import type { WaitStrategy } from '../base/agent.ts';
import type { ExchangeProcess } from './demo_process.ts';
import type { PerformanceConfig } from './config_system.ts';
import type { FlowSource, TraderSettings } from './demo_source.ts';
import type { LedgerSums } from './account_ledger.ts';
import type { TradeConfig } from './config_trade.ts';
import type { TradeStatus } from './trade_status.ts';

const HOST = '127.0.0.1';
/** The flow's client is 1. */
const FIRST_CLIENT = 2;
/** Requests of a pass after which its book is worth quoting in. */
const PASS_OPEN_REQUESTS = 500;
/** A trader that does not withdraw in time holds up no pass. */
const BREAK_MS_MAX = 2_000;

export interface TradingPlace {
  readonly group: string;
  readonly port: number;
  readonly multicastPort: number;
  readonly ticker: number;
}

export class DemoTraders {
  readonly all: readonly TraderProcess[];
  #breakOfPass = 0;
  #breakSinceMs = 0;
  #resumeAtRequests = Infinity;

  private constructor(all: readonly TraderProcess[]) {
    this.all = all;
  }

  /** Starts them side by side; one that cannot start ends the others. */
  static async start(
    source: FlowSource, place: TradingPlace, wait: WaitStrategy, performance?: PerformanceConfig,
  ): Promise<DemoTraders> {
    const starts = await Promise.allSettled(source.traders.map((settings, index) =>
      TraderProcess.start({
        config: traderConfig(source, place, settings, FIRST_CLIENT + index), wait, ...(performance !== undefined && { performance }),
      })));
    const started = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    const failed = starts.find((start) => start.status === 'rejected');
    if (failed === undefined) return new DemoTraders(started);
    await Promise.all(started.map((trader) => trader.stop()));
    throw failed.reason;
  }

  /** What they said last. */
  get statuses(): TradeStatus[] {
    return this.all.flatMap(({ status }) => (status === null ? [] : [status]));
  }

  /** Asked between two passes of the flow: true when the next may begin. */
  mayBegin(pass: number, requests: number): boolean {
    const nowMs = performance.now();
    if (this.#breakOfPass !== pass) {
      this.#breakOfPass = pass;
      this.#breakSinceMs = nowMs;
      for (const trader of this.all) trader.pause();
      return false;
    }
    const withdrawn = this.statuses.every(
      ({ state, ordersOpen }) => state !== 'running' && ordersOpen === 0,
    );
    if (!withdrawn && nowMs - this.#breakSinceMs < BREAK_MS_MAX) return false;
    this.#resumeAtRequests = requests + PASS_OPEN_REQUESTS;
    return true;
  }

  /** Now and then: lets them in again when the book is there. */
  look(requests: number): void {
    if (requests < this.#resumeAtRequests) return;
    this.#resumeAtRequests = Infinity;
    for (const trader of this.all) trader.resume();
  }

  /** They cancel everything; how they stand when all is answered. */
  async finish(): Promise<TradeStatus[]> {
    return await Promise.all(this.all.map((trader) => trader.finish()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map((trader) => trader.stop()));
  }
}

function traderConfig(
  source: FlowSource, place: TradingPlace, settings: TraderSettings, client: number,
): TradeConfig {
  const { symbol, decimals, tickSize } = source;
  const instrument: InstrumentConfig = {
    ticker: place.ticker, symbol, decimals, tickSize, lotSize: 1, minPrice: tickSize,
    maxPrice: 0x7fff_ffff * tickSize,
  };
  return {
    host: HOST, port: place.port, framing: 'soup', clientId: client, user: null, password: null, key: null,
    interface: HOST,
    feed: { layout: FeedLayout.Native, group: place.group, port: place.multicastPort },
    snapshot: { group: place.group, port: place.multicastPort + 1 },
    retransmit: { host: HOST, port: place.multicastPort + 2 },
    instruments: [instrument],
    strategy: {
      name: settings.strategy, parameters: settings.parameters, halfSpread: 0, signalThreshold: 0,
    },
    limits: {
      maxOrderQty: settings.maxOrderQty, maxPosition: settings.maxPosition,
      maxLoss: Number.MAX_SAFE_INTEGER, maxOpenOrders: 100, maxNotional: null, collarTicks: 0,
      maxOrdersPerSecond: 100_000, maxPositionSize: 1_000_000,
      // Money enough: the demo is to show its traders, not their ends.
      maxPortfolioValue: 1e12, stopLoss: 1e12, moneyDecimals: decimals,
    },
    costing: 'vwap', cancelWhenStale: true,
  };
}

// ── accounts ───────────────────────────────────────────────────────────────────────────────────

/** What one client thinks it owns, after the responses up to `sequence`. */
export interface ClientAccount {
  readonly client: number;
  readonly sequence: number;
  readonly position: number;
  /** Price units × quantity. */
  readonly cash: number;
}

/** For people and for the result. */
export interface AccountsSummary {
  readonly clients: number;
  /** Comparisons of a client's view with the exchange's. */
  readonly compared: number;
  /** Of all accounts at the exchange: both are 0 at any moment. */
  readonly position: number;
  readonly cash: number;
  /** '' while all is well: the first thing that was not. */
  readonly difference: string;
}

/** Compares, again and again, and remembers the first difference. */
export class AccountCheck {
  #compared = 0;
  #clients = 0;
  #sums: LedgerSums = { accounts: 0, position: 0, cash: 0, trades: 0 };
  #difference = '';
  #underWay: Promise<void> = Promise.resolve();

  get summary(): AccountsSummary {
    const { position, cash } = this.#sums;
    return {
      clients: this.#clients, compared: this.#compared, position, cash,
      difference: this.#difference,
    };
  }

  /** One comparison at a time: another one waits for the one that is under way. */
  async compare(
    exchange: Pick<ExchangeProcess, 'accounts'>, clients: readonly ClientAccount[],
  ): Promise<void> {
    const mine = this.#underWay.then(() => this.#compare(exchange, clients));
    this.#underWay = mine.catch(() => {}); // told to whoever asked
    await mine;
  }

  async #compare(
    exchange: Pick<ExchangeProcess, 'accounts'>, clients: readonly ClientAccount[],
  ): Promise<void> {
    const { states, sums } = await exchange.accounts(clients);
    this.#clients = Math.max(this.#clients, clients.length);
    this.#sums = sums;
    if (sums.position !== 0 || sums.cash !== 0) {
      this.#note(`accounts sum to ${sums.position} and ${sums.cash}, expected 0 and 0`);
    }
    for (const [index, mine] of clients.entries()) {
      const known = states[index];
      if (known === null) continue; // too long ago: nothing to compare with
      this.#compared++;
      const fits = known.position === mine.position && known.cash === mine.cash;
      if (!fits) this.#note(differenceText(mine, known));
    }
  }

  #note(difference: string): void {
    this.#difference ||= difference;
  }
}

function differenceText(mine: ClientAccount, known: ClientAccount): string {
  return `client ${mine.client} after response ${mine.sequence}: expected position ` +
    `${known.position} and cash ${known.cash}, was ${mine.position} and ${mine.cash}`;
}

/** A trader's view of itself. */
export function accountOf({ client, sequence, books }: TradeStatus): ClientAccount {
  const [book] = books;
  return { client, sequence, position: book.position, cash: book.cash };
}
