// Who keeps one of the demo's traders from trading.
import type { TradeSession } from './trade_session.ts';

type Paused = Pick<TradeSession, 'pause' | 'resume'>;

/** The demo pauses its traders between two passes, and an operator for as long as he likes: both must have let go. */
export class Pauses {
  readonly #session: Paused;
  #demo = false;
  #operator = false;

  constructor(session: Paused) {
    this.#session = session;
  }

  byDemo(paused: boolean): void {
    this.#demo = paused;
    this.#apply();
  }

  byOperator(paused: boolean): void {
    this.#operator = paused;
    this.#apply();
  }

  #apply(): void {
    if (this.#demo || this.#operator) this.#session.pause();
    else this.#session.resume();
  }
}
