// The demo's exchange in a process of its own, so that exchange and client each have a core, and
// what the two say to each other beside the market: "running" with the ports, "proof" with the
// books' hash.
//
// The child ends when its parent does: a lost channel is a stop. Ctrl-C reaches every process of a
// terminal's foreground group, and the child must not end before the books are compared, not even
// while it is starting and has no say yet: so it stands in a group of its own.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { WaitStrategy } from '../base/agent.ts';

/** What the child is told, as its only argument. */
export interface DemoExchangeOptions {
  readonly port: number;
  readonly multicastPort: number;
  readonly ticker: number;
  readonly symbol: string;
  readonly decimals: number;
  readonly tickSize: number;
  /** Default `yield`: it never sleeps. */
  readonly wait?: WaitStrategy;
}

export type ParentMessage = { readonly ask: 'proof' } | { readonly ask: 'stop' };

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

export type ChildMessage =
  | { readonly say: 'running'; readonly port: number; readonly network: string }
  | { readonly say: 'failed'; readonly message: string; readonly code: string }
  | ({ readonly say: 'proof' } & ExchangeProof);

const ANSWER_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 3_000;

/** The exchange could not be started, for a reason that its user can do something about. */
export class ExchangeStartError extends Error {
  override readonly name = 'ExchangeStartError';
  /** System error code such as EADDRINUSE, or ''. */
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

export class ExchangeProcess {
  /** The TCP port in use, the real one when 0 was asked for. */
  readonly port: number;
  readonly network: string;
  /** Called when the process ends without having been asked to. */
  onEnd: (reason: string) => void = () => {};
  readonly #child: ChildProcess;
  #stopping = false;

  private constructor(child: ChildProcess, port: number, network: string) {
    this.#child = child;
    this.port = port;
    this.network = network;
    child.once('exit', (code, signal) => {
      if (!this.#stopping) {
        this.onEnd(`the exchange process ended by itself (${signal ?? `exit code ${code}`})`);
      }
    });
  }

  /** Resolves when the exchange listens. */
  static async start(options: DemoExchangeOptions): Promise<ExchangeProcess> {
    const built = !import.meta.url.endsWith('.ts');
    const child = fork(new URL(
      built ? './demo_exchange.js' : './demo_exchange.ts', import.meta.url,
    ), [JSON.stringify(options)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: ['--disable-warning=ExperimentalWarning'],
      detached: process.platform !== 'win32', // there it would open a console window
    });
    const said = await answer(child, () => true);
    if (said.say === 'running') return new ExchangeProcess(child, said.port, said.network);
    child.kill();
    const failed = said.say === 'failed' ? said : {
      message: 'the exchange did not start', code: '',
    };
    throw new ExchangeStartError(failed.message, failed.code);
  }

  /** The books' hash and the feed sequence that it stands for. */
  async proof(): Promise<ExchangeProof> {
    const answered = answer(this.#child, (message) => message.say === 'proof');
    this.#child.send({ ask: 'proof' } satisfies ParentMessage);
    const said = await answered;
    if (said.say !== 'proof') throw new Error('the exchange did not say what its books are');
    return said;
  }

  /** Asks the exchange to end, and makes it when it does not. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    if (this.#child.connected) this.#child.send({ ask: 'stop' } satisfies ParentMessage);
    await ended;
    clearTimeout(timer);
  }
}

/** The child's next message that fits; rejects when it ends or stays silent. */
function answer(
  child: ChildProcess, fits: (message: ChildMessage) => boolean,
): Promise<ChildMessage> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => settle(() => reject(new Error('the exchange process does not answer'))),
      ANSWER_TIMEOUT_MS,
    );
    const onMessage = (message: ChildMessage): void => {
      if (fits(message)) settle(() => resolve(message));
    };
    const onExit = (code: number | null, signal: NodeJS.Signals | null): void =>
      settle(() => reject(
        new Error(`the exchange process ended by itself (${signal ?? `exit code ${code}`})`),
      ));
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit);
      act();
    };
    child.on('message', onMessage).on('exit', onExit);
  });
}
