// A JSON client's session with the exchange: its own connection, log-in and sequence, so that everything the exchange
// does for a client of its own protocol (limits, throttle, cancel on disconnect, duplicate orders) holds for one who
// speaks JSON.
//
//   connecting ──► logging in ──► ready        a break: again after a pause, resuming at the next response
//        └───────────────┴───────────┴──► ended: refused for good, or told to end
//
// The pause doubles from PAUSE_MIN_NS to PAUSE_MAX_NS. A log-in that is "not available" may be this client's own last
// connection, whose end the exchange has not noticed: it is tried again for REFUSED_MAX_NS.
import { SoupRejectCode } from '../wire/generated/soup.ts';
import { OrderEntry, type OrderEntryHandler, type OrderEntryOptions } from '../trader/order_entry.ts';
import type { Clock } from '../base/clock.ts';
import type { StreamConnection } from '../net/transport.ts';

const PAUSE_MIN_NS = 100_000_000;
const PAUSE_MAX_NS = 5_000_000_000;
const REFUSED_MAX_NS = 15_000_000_000;

export interface OrderLinkOwner {
  /** The session's name and the next response due. */
  onReady(session: string, next: number): void;
  onResponse(view: DataView, at: number, sequence: number): void;
  /** Orders are not taken; it will be tried again. */
  onDown(reason: string): void;
  /** It will not come back. */
  onEnded(reason: string): void;
}

export class OrderLink implements OrderEntryHandler {
  readonly entry: OrderEntry;
  readonly #owner: OrderLinkOwner;
  readonly #connect: () => Promise<StreamConnection>;
  readonly #clock: Clock;
  #state: 'down' | 'connecting' | 'up' | 'ended' = 'down';
  #nextAttemptNs = 0;
  #pauseNs = PAUSE_MIN_NS;
  #refusedSinceNs = -1;
  /** The exchange has taken the log-in, once at least. */
  accepted = false;

  /** Throws a RangeError for an account or a password that cannot be one. */
  constructor(
    owner: OrderLinkOwner, options: OrderEntryOptions, connect: () => Promise<StreamConnection>, clock: Clock,
  ) {
    this.#owner = owner;
    this.#connect = connect;
    this.#clock = clock;
    this.entry = new OrderEntry(this, options);
  }

  get ready(): boolean {
    return this.entry.ready;
  }

  poll(nowNs: number): number {
    if (this.#state === 'down' && nowNs >= this.#nextAttemptNs) this.#attempt();
    return this.entry.poll(nowNs);
  }

  /** Logs out; the exchange cancels what its rules say. */
  end(): void {
    this.#state = 'ended';
    this.entry.close();
  }

  // ── order entry tells ──────────────────────────────────────────────────────────────────────

  onReady(entry: OrderEntry): void {
    this.#pauseNs = PAUSE_MIN_NS;
    this.#refusedSinceNs = -1;
    this.accepted = true;
    this.#owner.onReady(entry.session, entry.nextSequence);
  }

  onResponse(view: DataView, at: number, sequence: number): void {
    this.#owner.onResponse(view, at, sequence);
  }

  onClosed(reason: string): void {
    if (this.#state === 'ended') return;
    const nowNs = this.#clock.nowNs;
    const code = this.entry.loginRefusedCode;
    if (code !== 0 && this.#refusedSinceNs < 0) this.#refusedSinceNs = nowNs;
    const refusedNs = code === 0 ? 0 : nowNs - this.#refusedSinceNs;
    if (code === SoupRejectCode.NotAuthorised || refusedNs >= REFUSED_MAX_NS) {
      this.#state = 'ended';
      return this.#owner.onEnded(reason);
    }
    this.#pause(nowNs, reason);
  }

  #attempt(): void {
    this.#state = 'connecting';
    this.#connect().then(
      (connection) => {
        if (this.#state !== 'connecting') return connection.close();
        this.#state = 'up';
        this.entry.connect(connection, this.#clock.refresh());
      },
      (error: Error) => {
        if (this.#state === 'connecting') this.#pause(this.#clock.refresh(), error.message);
      },
    );
  }

  #pause(nowNs: number, reason: string): void {
    this.#state = 'down';
    this.#nextAttemptNs = nowNs + this.#pauseNs;
    this.#pauseNs = Math.min(this.#pauseNs * 2, PAUSE_MAX_NS);
    this.#owner.onDown(reason);
  }
}
