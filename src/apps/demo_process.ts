// The demo's processes: the exchange, the traders and the dashboard each in one of their own, so that each can have
// a core, and what they and the demo say to each other beside the market.
//
//   demo ── ask: proof, accounts, pause, resume, finish, stop ──► child
//        ◄─ say: running, failed, status, proof, accounts ───────
//
// A child ends when its parent does: a lost channel is a stop. Ctrl-C reaches every process of a
// terminal's foreground group, and no child must end before the books and accounts are compared, not
// even while it is starting and has no say yet: so each stands in a group of its own.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { WaitStrategy } from '../base/agent.ts';
import { NODE_FLAGS } from '../os/settled_heap.ts';
import type { AccountState, LedgerSums } from './account_ledger.ts';
import type { PerformanceConfig } from './config_system.ts';
import type { TradeConfig } from './config_trade.ts';
import type { TradeStatus } from './trade_status.ts';

/** What the exchange is told, as its only argument. */
export interface DemoExchangeOptions {
  readonly port: number;
  readonly multicastPort: number;
  readonly ticker: number;
  readonly symbol: string;
  readonly decimals: number;
  readonly tickSize: number;
  /** Default `yield`: it never sleeps. */
  readonly wait?: WaitStrategy;
  /** What is asked for its memory; cores and node it has from its parent. */
  readonly performance?: PerformanceConfig;
  /** What is kept for who resumes or asks again, where it is not the default. */
  readonly kept?: KeptMessages;
}

export interface KeptMessages {
  /** Of the feed. A power of two. */
  readonly retransmitMessages: number;
  /** Of the answers to each client, read and unread. */
  readonly outboundLogBytes: number;
}

/** What a trader is told, as its only argument. */
export interface DemoTraderOptions {
  readonly performance?: PerformanceConfig;
  /** Everything of `outcry trade`; the strategy is a built-in one. */
  readonly config: TradeConfig;
  readonly wait: WaitStrategy;
}

/** What a dashboard is told, as its only argument. */
export interface DemoDashboardOptions {
  /** The first that is tried; 0: a free one. */
  readonly port: number;
  readonly exchangePort: number;
}

export type DashboardAnswer =
  /** `link` has the token, by which its page may command. */
  | { readonly say: 'serving'; readonly url: string; readonly link: string }
  | { readonly say: 'failed'; readonly message: string; readonly code: string };

/** An account as some client sees it: after the responses up to `sequence`. */
export interface AccountView {
  readonly client: number;
  readonly sequence: number;
}

export type ExchangeQuestion =
  | { readonly ask: 'proof' }
  | { readonly ask: 'accounts'; readonly views: readonly AccountView[] }
  | { readonly ask: 'stop' };

/** The engine's books at one moment, for comparison with what a receiver has. */
export interface ExchangeProof {
  /** Sequence of the last feed message that the books stand for. */
  readonly sequence: number;
  /** Hexadecimal. */
  readonly publicHash: string;
  readonly restingOrders: number;
  readonly cpuMs: number;
  readonly residentBytes: number;
}

/** What the exchange knows of the accounts asked for; null: that long ago is not kept. */
export interface ExchangeAccounts {
  readonly states: readonly (AccountState | null)[];
  /** Of all accounts, now. */
  readonly sums: LedgerSums;
}

export type ExchangeAnswer =
  | { readonly say: 'running'; readonly port: number; readonly network: string }
  | { readonly say: 'failed'; readonly message: string; readonly code: string }
  | ({ readonly say: 'proof' } & ExchangeProof)
  | ({ readonly say: 'accounts' } & ExchangeAccounts);

/** `finish`: cancel everything, wait for the answers, and say how it stands. */
export type TraderQuestion = { readonly ask: 'pause' | 'resume' | 'finish' | 'stop' };

export type TraderAnswer =
  | { readonly say: 'running' }
  | { readonly say: 'failed'; readonly message: string; readonly code: string }
  | { readonly say: 'status'; readonly status: TradeStatus; readonly finished: boolean };

type Said = ExchangeAnswer | TraderAnswer | DashboardAnswer;

const ANSWER_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 3_000;
/** Its page is built first, where that has changed. */
const DASHBOARD_START_MS = 60_000;

/** A process could not be started, for a reason that its user can do something about. */
export class ProcessStartError extends Error {
  override readonly name = 'ProcessStartError';
  /** System error code such as EADDRINUSE, or ''. */
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** One child, whatever it does. */
class Child {
  /** Called when it ends without having been asked to. */
  onEnd: (reason: string) => void = () => {};
  readonly #what: string;
  readonly #process: ChildProcess;
  #stopping = false;

  constructor(what: string, file: string, options: unknown) {
    this.#what = what;
    const built = !import.meta.url.endsWith('.ts');
    const url = new URL(`./${file}.${built ? 'js' : 'ts'}`, import.meta.url);
    this.#process = fork(url, [JSON.stringify(options)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [...NODE_FLAGS],
      detached: process.platform !== 'win32', // there it would open a console window
    });
    this.#process.once('exit', (code, signal) => {
      if (!this.#stopping) this.onEnd(this.#endText(code, signal));
    });
  }

  hear(listener: (said: Said) => void): void {
    this.#process.on('message', listener);
  }

  ask(question: ExchangeQuestion | TraderQuestion): void {
    // Between its death and the word of it a child still counts as connected: the pipe then breaks, and
    // 'exit' tells whoever waits.
    if (this.#process.connected) this.#process.send(question, () => {});
  }

  /** What it says first; rejects when that is a failure. */
  async started(): Promise<Said> {
    const said = await this.answer(() => true);
    if (said.say !== 'failed') return said;
    this.#process.kill();
    throw new ProcessStartError(said.message, said.code);
  }

  /** Its next message that fits; rejects when it ends or stays silent. */
  answer(fits: (said: Said) => boolean, timeoutMs = ANSWER_TIMEOUT_MS): Promise<Said> {
    const child = this.#process;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => settle(() => reject(new Error(`${this.#what} does not answer`))), timeoutMs,
      );
      const onMessage = (said: Said): void => {
        if (fits(said)) settle(() => resolve(said));
      };
      const onExit = (code: number | null, signal: NodeJS.Signals | null): void =>
        settle(() => reject(new Error(this.#endText(code, signal))));
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        child.off('message', onMessage).off('exit', onExit);
        act();
      };
      child.on('message', onMessage).on('exit', onExit);
    });
  }

  /** Asks it to end, and makes it when it does not. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#process;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    this.ask({ ask: 'stop' });
    await ended;
    clearTimeout(timer);
  }

  #endText(code: number | null, signal: NodeJS.Signals | null): string {
    return `${this.#what} ended by itself (${signal ?? `exit code ${code}`})`;
  }
}

export class ExchangeProcess {
  /** The TCP port in use, the real one when 0 was asked for. */
  readonly port: number;
  readonly network: string;
  readonly #child: Child;

  private constructor(child: Child, port: number, network: string) {
    this.#child = child;
    this.port = port;
    this.network = network;
  }

  /** Resolves when the exchange listens. */
  static async start(options: DemoExchangeOptions): Promise<ExchangeProcess> {
    const child = new Child('the exchange process', 'demo_exchange', options);
    const said = await child.started();
    if (said.say !== 'running' || !('port' in said)) {
      throw new ProcessStartError('the exchange did not say where it listens', '');
    }
    return new ExchangeProcess(child, said.port, said.network);
  }

  set onEnd(listener: (reason: string) => void) {
    this.#child.onEnd = listener;
  }

  /** The books' hash and the feed sequence that it stands for. */
  async proof(): Promise<ExchangeProof> {
    const answered = this.#child.answer(({ say }) => say === 'proof');
    this.#child.ask({ ask: 'proof' });
    const said = await answered;
    if (said.say !== 'proof') throw new Error('the exchange did not say what its books are');
    return said;
  }

  /** What the exchange knows of these accounts at the moments of these views. */
  async accounts(views: readonly AccountView[]): Promise<ExchangeAccounts> {
    const answered = this.#child.answer(({ say }) => say === 'accounts');
    this.#child.ask({ ask: 'accounts', views });
    const said = await answered;
    if (said.say !== 'accounts') throw new Error('the exchange did not say what its accounts are');
    return said;
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }
}

export class TraderProcess {
  readonly name: string;
  readonly client: number;
  /** As it was told last; null: nothing yet. */
  status: TradeStatus | null = null;
  readonly #child: Child;

  private constructor(child: Child, name: string, client: number) {
    this.#child = child;
    this.name = name;
    this.client = client;
    child.hear((said) => {
      if (said.say === 'status') this.status = said.status;
    });
  }

  /** Resolves when the trader is connected to feed and exchange. */
  static async start(options: DemoTraderOptions): Promise<TraderProcess> {
    const { name } = options.config.strategy;
    const child = new Child(`the ${name}'s process`, 'demo_trader', options);
    await child.started();
    return new TraderProcess(child, name, options.config.clientId);
  }

  set onEnd(listener: (reason: string) => void) {
    this.#child.onEnd = listener;
  }

  /** Withdraws everything until `resume`. */
  pause(): void {
    this.#child.ask({ ask: 'pause' });
  }

  resume(): void {
    this.#child.ask({ ask: 'resume' });
  }

  /** Cancels its orders; resolves when all is answered, with how it stands then. */
  async finish(): Promise<TradeStatus> {
    const answered = this.#child.answer((said) => said.say === 'status' && said.finished);
    this.#child.ask({ ask: 'finish' });
    const said = await answered;
    if (said.say !== 'status') throw new Error(`the ${this.name} did not say how it stands`);
    return said.status;
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }
}

/** Shows the others; nothing of the demo depends on it. */
export class DashboardProcess {
  /** Without the token, for who only looks; '' until it serves. */
  url = '';
  /** What a person opens, or why there is nothing to open; '' until it serves. */
  link = '';
  readonly #child: Child;

  /** Returns at once: whatever becomes of it, the demo goes on. */
  constructor(options: DemoDashboardOptions) {
    this.#child = new Child('the dashboard', 'demo_dashboard', options);
    this.#child.onEnd = (reason) => (this.link = reason);
    this.#child.answer(() => true, DASHBOARD_START_MS).then((said) => {
      if (said.say === 'failed') this.link = `no dashboard: ${said.message}`;
      if (said.say !== 'serving') return;
      this.url = said.url;
      this.link = said.link;
    }, (error: Error) => (this.link = error.message));
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }
}
