// The page's one WebSocket: opened again when it ends, with growing pauses, and called stale when it says nothing.
//
//   connecting ─ open ─► live ─ nothing heard for STALE_MS ─► stale ─ heard ─► live
//        ▲                │                                     │
//        └── after a pause ── lost ◄── closed, or stale for LOST_MS ──┘
//
// The pause doubles from PAUSE_FIRST_MS to PAUSE_MAX_MS, each time with up to half of it taken off at random: pages that lost
// the same server do not come back at once. What was being watched is asked for again at each opening.
import { STATUS_MS, type ServerMessage, type WatchMessage } from '../../src/observe/dashboard/messages.ts';

export type LinkState = 'connecting' | 'live' | 'stale' | 'lost';

export interface Link {
  readonly state: LinkState;
  /** ms since 1970 of the next attempt; 0: none is planned. */
  readonly retryAtMs: number;
  /** Openings after the first. */
  readonly reconnects: number;
}

/** Eight status messages that did not come. */
export const STALE_MS = 8 * STATUS_MS;
/** A machine that was cut off closes no socket: give up on it and try anew. */
export const LOST_MS = 10_000;
export const PAUSE_FIRST_MS = 250;
export const PAUSE_MAX_MS = 8_000;
/** How often silence is looked for. */
const LOOK_MS = 250;

/** What of a WebSocket is used; a test hands in its own. */
export interface Socket {
  addEventListener(kind: 'open' | 'close', listener: () => void): void;
  addEventListener(kind: 'message', listener: (event: { data: unknown }) => void): void;
  send(text: string): void;
  close(): void;
}

export interface Surroundings {
  open(): Socket;
  now(): number;
  random(): number;
  /** Calls after that many ms; returns what stops it. */
  after(ms: number, call: () => void): () => void;
  onLink(link: Link): void;
  onMessage(message: ServerMessage): void;
}

export class Connection {
  readonly #around: Surroundings;
  #socket: Socket | null = null;
  #state: LinkState = 'connecting';
  #open = false;
  #heardMs = 0;
  #attempts = 0;
  #openings = 0;
  #stopWaiting: () => void = () => {};
  #watch: WatchMessage | null = null;

  constructor(surroundings: Surroundings) {
    this.#around = surroundings;
  }

  start(): void {
    this.#connect();
    this.#look();
  }

  /** Told to the server now, and again after each opening. */
  watch(ticker: number, levels: number): void {
    this.#watch = { type: 'watch', ticker, levels };
    this.#sendWatch();
  }

  /** The reader has come back or does not want to wait for the pause to pass. */
  retryNow(): void {
    if (this.#state !== 'lost') return;
    this.#stopWaiting();
    this.#connect();
  }

  #connect(): void {
    this.#tell('connecting', 0);
    const socket = this.#around.open();
    this.#socket = socket;
    this.#open = false;
    this.#heardMs = this.#around.now();
    socket.addEventListener('open', () => {
      if (socket !== this.#socket) return;
      this.#open = true;
      this.#openings++;
      this.#sendWatch();
    });
    socket.addEventListener('message', (event) => {
      if (socket !== this.#socket || typeof event.data !== 'string') return;
      this.#heardMs = this.#around.now();
      this.#attempts = 0;
      if (this.#state !== 'live') this.#tell('live', 0);
      this.#around.onMessage(JSON.parse(event.data) as ServerMessage);
    });
    socket.addEventListener('close', () => {
      if (socket === this.#socket) this.#lost();
    });
  }

  #lost(): void {
    this.#socket = null;
    this.#open = false;
    const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** Math.min(this.#attempts, 16));
    this.#attempts++;
    const waitMs = pauseMs * (1 - this.#around.random() / 2);
    this.#tell('lost', this.#around.now() + waitMs);
    this.#stopWaiting = this.#around.after(waitMs, () => this.#connect());
  }

  #look(): void {
    this.#around.after(LOOK_MS, () => {
      const silentMs = this.#around.now() - this.#heardMs;
      const socket = this.#socket;
      if (socket !== null && silentMs >= LOST_MS) {
        this.#lost();
        socket.close();
      } else if (this.#state === 'live' && silentMs >= STALE_MS) {
        this.#tell('stale', 0);
      }
      this.#look();
    });
  }

  #sendWatch(): void {
    if (this.#watch !== null && this.#open) this.#socket?.send(JSON.stringify(this.#watch));
  }

  #tell(state: LinkState, retryAtMs: number): void {
    this.#state = state;
    this.#around.onLink({ state, retryAtMs, reconnects: Math.max(0, this.#openings - 1) });
  }
}
