// What `outcry trade` says while it runs: a live view on a terminal or a line a second on stdout, and
// notes on stderr. While the view has the terminal, a note stands in its last row for a while; all of
// them are on stderr once the terminal is back.
import { styleText } from 'node:util';
import { wallClockMs } from '../base/clock.ts';
import { isLogged, type LogLevel } from './config_system.ts';
import { coloured, plain, Screen } from './terminal.ts';
import { renderTrade, tradeLine } from './trade_screen.ts';
import type { TraderInstruments } from '../trader/instruments.ts';
import type { TraderListener } from '../trader/trader.ts';
import type { Paint } from './terminal.ts';
import type { ShownFill, TradeView } from './trade_screen.ts';
import type { TradeSession } from './trade_session.ts';

const FRAME_MS = 100;
const LINE_MS = 1_000;
const FILLS_SHOWN = 64;
const NOTICE_MS = 10_000;
/** Of a day's notes the last ones. */
const NOTES_KEPT = 100;

export interface TradeDisplayOptions {
  readonly endpoint: string;
  readonly instruments: TraderInstruments;
  /** Nothing on stdout before the result. */
  readonly json: boolean;
  /** The least that is noted. */
  readonly level: LogLevel;
}

export class TradeDisplay {
  readonly listener: TraderListener;
  level: LogLevel;
  readonly #endpoint: string;
  readonly #live: boolean;
  readonly #json: boolean;
  readonly #startMs = performance.now();
  readonly #fills: ShownFill[] = [];
  /** Reasons to stand still that hold and have been noted. */
  #standsStill: readonly string[] = [];
  /** Notes for when the terminal is back. */
  readonly #kept: string[] = [];
  #notice = '';
  #noticeMs = 0;
  #entered = false;

  constructor({ endpoint, instruments, json, level }: TradeDisplayOptions) {
    this.#endpoint = endpoint;
    this.#json = json;
    this.level = level;
    this.#live = process.stdout.isTTY === true && !json;
    this.listener = {
      onFill: (book, _orderId, side, priceTicks, qty) => {
        if (!this.#live) return; // the list is for eyes
        const { symbol } = instruments.list[book];
        const price = instruments.priceText(book, priceTicks);
        this.#fills.unshift({ timeMs: wallClockMs(), side, symbol, price, qty });
        if (this.#fills.length > FILLS_SHOWN) this.#fills.pop();
      },
    };
  }

  /** The view has the terminal: nothing else may write there. */
  get live(): boolean {
    return this.#live;
  }

  view(session: TradeSession): TradeView {
    const nowMs = performance.now();
    return {
      status: session.monitor.look(nowMs), endpoint: this.#endpoint,
      elapsedMs: nowMs - this.#startMs, fills: this.#fills,
      notice: nowMs - this.#noticeMs < NOTICE_MS ? this.#notice : '',
    };
  }

  /** Draws until `stop`; `onLook` hears of each look, for what ends the trading by itself. */
  show(session: TradeSession, onLook: (view: TradeView) => void): { stop(): void } {
    const screen = new Screen(process.stdout);
    const look = (): void => {
      const view = this.view(session);
      if (this.#live) screen.draw(renderTrade(view, screen.columns, screen.rows, paint()));
      else this.#line(view);
      onLook(view);
    };
    if (this.#live) screen.enter();
    this.#entered = this.#live;
    const leave = (): void => {
      screen.leave();
      this.#entered = false;
      for (const line of this.#kept.splice(0)) writeNote(line);
    };
    // Whatever ends this process, the terminal comes back.
    process.on('exit', leave);
    const timer = setInterval(look, this.#live ? FRAME_MS : LINE_MS);
    look();
    return {
      stop: () => {
        clearInterval(timer);
        leave();
        process.off('exit', leave);
      },
    };
  }

  /** For people; may have several lines. */
  note(text: string, level: LogLevel = 'info'): void {
    if (!isLogged(level, this.level)) return;
    if (!this.#entered) return writeNote(text);
    this.#kept.push(text);
    if (this.#kept.length > NOTES_KEPT) this.#kept.shift();
    this.#notice = text.split('\n', 1)[0];
    this.#noticeMs = performance.now();
  }

  #line(view: TradeView): void {
    if (!this.#json) process.stdout.write(`${tradeLine(view)}\n`);
    const { standsStill } = view.status;
    for (const line of standsStill) if (!this.#standsStill.includes(line)) this.note(line, 'warn');
    for (const line of this.#standsStill) if (!standsStill.includes(line)) this.note(`over: ${line}`);
    this.#standsStill = standsStill;
  }
}

/** Colours where a person looks who has not declined them (NO_COLOR). */
export function paint(): Paint {
  return process.stdout.isTTY && process.stdout.hasColors() ? coloured : plain;
}

function writeNote(text: string): void {
  process.stderr.write(`${styleText('dim', text, { stream: process.stderr })}\n`);
}
