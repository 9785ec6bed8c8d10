// The parent's end of an exchange in a process of its own (exchange_process.ts).
import { type ChildProcess, fork } from 'node:child_process';
import { NODE_FLAGS } from '../src/os/settled_heap.ts';
import type { ExchangeProcessOptions, ExchangeProcessState } from './exchange_process.ts';

/** Who does not end by then when asked to is ended. */
const END_MS = 3_000;

export class ExchangeSide {
  readonly #child: ChildProcess;
  #port = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(options: ExchangeProcessOptions): Promise<ExchangeSide> {
    const child = fork(new URL('./exchange_process.ts', import.meta.url), [JSON.stringify(options)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [...NODE_FLAGS],
    });
    const side = new ExchangeSide(child);
    await side.#heard();
    side.#port = (await side.state()).port;
    return side;
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async state(): Promise<ExchangeProcessState> {
    const heard = this.#heard();
    this.#child.send('state');
    return (await heard) as ExchangeProcessState;
  }

  /** It stands still, takes nothing of its core, and answers nobody until it is thawed. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.thaw();
    if (this.#child.connected) this.#child.send('stop');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_MS);
    await ended;
    clearTimeout(timer);
  }

  #heard(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const gone = (): void => reject(new Error("the benchmark's exchange ended by itself"));
      this.#child.once('exit', gone);
      this.#child.once('message', (message) => {
        this.#child.off('exit', gone);
        resolve(message);
      });
    });
  }
}
