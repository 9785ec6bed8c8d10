// One WebSocket for every page that is open: what each is sent, and when.
//
//   turn, every TURN_MS ─► page has taken the last state? ─► what is new to it: hello, status, seconds, its market ─► ping
//            ▲                     │ no: nothing, and after STALLED_MS the end                                     │
//            └──────────────────── pong: the browser has read everything before it ◄───────────────────────────────┘
//
// Only the newest state exists, so a page that is slow misses states and never gets late ones: nothing is queued for it.
// The pong is what tells, for a socket takes megabytes for a page that reads nothing; browsers answer pings by themselves.
// Seconds of the history alone are not missed: they stay in its ring until the page takes them.
//
// What pages share is made once a turn: a market message for each (ticker, levels, last trade) that is wanted, whoever wants it.
//
// Cost: a turn without pages is one comparison. Limits: PAGES_MAX pages; a page may say FRAMES_PER_SECOND_MAX frames of
// MESSAGE_BYTES_MAX, what is more or not understood ends its connection.
import type { WebSocket } from 'ws';
import type { History } from './history.ts';
import {
  type HelloMessage, type HistoryMessage, LEVELS_MAX, MARKET_MS, type MarketMessage, type SecondMessage, type WatchMessage,
} from './messages.ts';

export const PAGES_MAX = 256;
/** A watch message has some 50. */
export const MESSAGE_BYTES_MAX = 512;
/** Between two turns. */
export const TURN_MS = MARKET_MS;
/** A page that has taken nothing for so long is gone. */
export const STALLED_MS = 10_000;
/** A pong a turn, and a person who clicks. */
const FRAMES_PER_SECOND_MAX = 100;
/** What may wait in this process for one page: a history and a status. */
const BUFFERED_BYTES_MAX = 1 << 20;

/** Close codes of RFC 6455. */
export const CloseCode = { GoingAway: 1001, Policy: 1008 } as const;

/** What there is to show. */
export interface LiveSource {
  /** Another exchange is followed: tickers and ids of trades mean something else from here on. */
  readonly epoch: number;
  readonly hello: HelloMessage;
  /** Rises with every status. */
  readonly statusNumber: number;
  readonly statusText: string;
  readonly history: History;
  readonly histogram: HistoryMessage['histogram'];
  /** Rises with every change of the book of `ticker`, and when the feed stops or begins to be fresh. */
  marketNumber(ticker: number): number;
  lastTradeId(ticker: number): number;
  market(ticker: number, levels: number, afterTrade: number): MarketMessage | null;
}

export interface LiveLimits {
  readonly pagesMax?: number;
  readonly stalledMs?: number;
}

class Page {
  readonly socket: WebSocket;
  watched: WatchMessage | null = null;
  /** What it has been sent. */
  epoch = -1;
  statusNumber = -1;
  secondsSent = 0;
  marketNumber = -1;
  tradeId = 0;
  /** Sent and not answered by a pong; −1: nothing. */
  unreadSinceMs = -1;
  frames = 0;
  framesSinceMs = 0;

  constructor(socket: WebSocket) {
    this.socket = socket;
  }
}

export class LivePages {
  readonly #source: LiveSource;
  readonly #pages = new Set<Page>();
  readonly #pagesMax: number;
  readonly #stalledMs: number;
  /** Texts of this turn. */
  readonly #markets = new Map<string, string>();
  #helloText = '';
  #historyText = '';
  #secondText = '';
  #madeOfEpoch = -1;
  #madeOfSecond = -1;
  #nowMs = 0;
  /** Pages that were ended because they took nothing, or said what they may not. */
  stalled = 0;
  misbehaved = 0;

  constructor(source: LiveSource, limits: LiveLimits = {}) {
    this.#source = source;
    this.#pagesMax = limits.pagesMax ?? PAGES_MAX;
    this.#stalledMs = limits.stalledMs ?? STALLED_MS;
  }

  get count(): number {
    return this.#pages.size;
  }

  get full(): boolean {
    return this.#pages.size >= this.#pagesMax;
  }

  /** A page whose upgrade was granted. */
  add(socket: WebSocket): void {
    const page = new Page(socket);
    this.#pages.add(page);
    socket.on('close', () => this.#pages.delete(page));
    // What broke is told by 'close', which follows.
    socket.on('error', () => {});
    socket.on('pong', () => {
      page.unreadSinceMs = -1;
      this.#heard(page);
    });
    socket.on('ping', (data: Buffer) => {
      // Answered while the answers are taken: they must not pile up here.
      if (this.#heard(page) && socket.bufferedAmount <= BUFFERED_BYTES_MAX) socket.pong(data);
    });
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (!this.#heard(page)) return;
      const said = isBinary ? null : watchMessage(String(data));
      if (said === null) this.#end(page, 'expected {"type":"watch","ticker":…,"levels":…}');
      else watch(page, said);
    });
  }

  /** Sends what is new to whoever has taken what came before. */
  turn(nowMs: number): void {
    if (this.#pages.size === 0) return;
    this.#nowMs = nowMs;
    this.#markets.clear();
    for (const page of this.#pages) {
      if (page.unreadSinceMs < 0) this.#send(page);
      else if (nowMs - page.unreadSinceMs > this.#stalledMs) {
        this.stalled++;
        page.socket.terminate();
      }
    }
  }

  close(): void {
    for (const { socket } of this.#pages) socket.close(CloseCode.GoingAway, 'the dashboard ends');
  }

  // ── out ────────────────────────────────────────────────────────────────────────────────────

  #send(page: Page): void {
    const { socket } = page;
    if (socket.readyState !== socket.OPEN) return;
    const source = this.#source;
    let sent = 0;
    const say = (text: string): void => {
      socket.send(text, ignore);
      sent++;
    };
    if (page.epoch !== source.epoch) {
      page.epoch = source.epoch;
      page.marketNumber = -1;
      page.tradeId = 0;
      say(this.#hello());
      page.secondsSent = -1;
    }
    if (page.secondsSent !== source.history.added) {
      say(this.#seconds(page.secondsSent));
      page.secondsSent = source.history.added;
    }
    if (page.statusNumber !== source.statusNumber) {
      page.statusNumber = source.statusNumber;
      say(source.statusText);
    }
    const market = this.#market(page);
    if (market !== '') say(market);
    if (sent === 0) return;
    page.unreadSinceMs = this.#nowMs;
    socket.ping('', false, ignore);
  }

  #hello(): string {
    if (this.#madeOfEpoch !== this.#source.epoch) {
      this.#madeOfEpoch = this.#source.epoch;
      this.#helloText = JSON.stringify(this.#source.hello);
    }
    return this.#helloText;
  }

  /** The one second that is new, or everything for a page that has missed more. */
  #seconds(after: number): string {
    const { history, histogram } = this.#source;
    if (this.#madeOfSecond !== history.added) {
      this.#madeOfSecond = history.added;
      const [point] = history.points(history.added - 1);
      const second: SecondMessage | null = point === undefined ? null : { type: 'second', point, histogram };
      this.#secondText = second === null ? '' : JSON.stringify(second);
      this.#historyText = '';
    }
    if (after === history.added - 1 && this.#secondText !== '') return this.#secondText;
    if (this.#historyText === '') this.#historyText = JSON.stringify(historyMessage(history, histogram));
    return this.#historyText;
  }

  #market(page: Page): string {
    const { watched } = page;
    if (watched === null) return '';
    const source = this.#source;
    const { ticker, levels } = watched;
    const number = source.marketNumber(ticker);
    if (number === page.marketNumber) return '';
    const afterTrade = page.tradeId;
    page.marketNumber = number;
    page.tradeId = source.lastTradeId(ticker);
    const key = `${ticker}/${levels}/${afterTrade}`;
    let text = this.#markets.get(key);
    if (text === undefined) {
      const message = source.market(ticker, levels, afterTrade);
      text = message === null ? '' : JSON.stringify(message);
      this.#markets.set(key, text);
    }
    return text;
  }

  // ── in ─────────────────────────────────────────────────────────────────────────────────────

  /** Counts a frame; false: there were too many. */
  #heard(page: Page): boolean {
    const nowMs = performance.now();
    if (nowMs - page.framesSinceMs > 1_000) {
      page.framesSinceMs = nowMs;
      page.frames = 0;
    }
    if (++page.frames <= FRAMES_PER_SECOND_MAX) return true;
    this.#end(page, `expected at most ${FRAMES_PER_SECOND_MAX} frames a second`);
    return false;
  }

  #end(page: Page, why: string): void {
    const { socket } = page;
    if (socket.readyState !== socket.OPEN) return;
    this.misbehaved++;
    socket.close(CloseCode.Policy, why);
  }
}

/** A send that fails ends its connection, which is told by 'close'. */
function ignore(): void {}

export function historyMessage(history: History, histogram: HistoryMessage['histogram']): HistoryMessage {
  return { type: 'history', points: history.points(), histogram };
}

function watch(page: Page, said: WatchMessage): void {
  // Another number of levels of the same book: its trades are known already.
  if (page.watched?.ticker !== said.ticker) page.tradeId = 0;
  page.watched = said;
  page.marketNumber = -1;
}

/** null: it is none. */
export function watchMessage(text: string): WatchMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { type, ticker, levels } = value as Partial<Record<keyof WatchMessage, unknown>>;
  if (type !== 'watch' || !isWhole(ticker, 0, 0xffff_ffff) || !isWhole(levels, 1, LEVELS_MAX)) return null;
  return { type, ticker, levels };
}

function isWhole(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}
