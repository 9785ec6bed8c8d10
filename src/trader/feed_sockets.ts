// The sockets of a feed as its handler sees them for the whole run: each stamps what it receives,
// and each can be exchanged for a fresh one underneath.
//
//   FeedHandler ─► StampedSocket ─► DatagramSocket of the transport
//                       │ receivedNs: the clock, read when the datagram was in our memory
//
// A receiver can fall out of its multicast group without any error (an interface that went down and
// came back, a switch that forgot), and hears nothing ever after. An exchange that lives says
// something every second, so after SILENCE_NS the groups are joined anew; the new sockets take over
// before the old ones are closed, so nothing is lost by that.
//
// Cost: a clock read a datagram. Limits: one attempt at a time, the pause between two grows from
// SILENCE_NS to PAUSE_MAX_NS.
import type { Clock } from '../base/clock.ts';
import type { DatagramSocket } from '../net/transport.ts';

/** What a feed is received on; null: the layout or the exchange has none. */
export interface FeedSockets {
  readonly incremental: DatagramSocket;
  readonly snapshot: DatagramSocket | null;
  readonly retransmit: DatagramSocket | null;
}

/** Five heartbeats of the exchange. */
export const SILENCE_NS = 5_000_000_000;
const PAUSE_MAX_NS = 60_000_000_000;

/** When a datagram last came, on whichever of a feed's sockets. */
export class ReceiveStamp {
  // In a typed array: a number field that is written so often could be boxed anew each time.
  readonly ns = new Float64Array(1);
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set(): void {
    this.#clock.refreshInto(this.ns, 0);
  }
}

export class StampedSocket implements DatagramSocket {
  #socket: DatagramSocket;
  readonly #stamp: ReceiveStamp;
  /** Of sockets that were exchanged. */
  #droppedBefore = 0;
  #truncatedBefore = 0;
  #refusedBefore = 0;

  constructor(socket: DatagramSocket, stamp: ReceiveStamp) {
    this.#socket = socket;
    this.#stamp = stamp;
  }

  get host(): string {
    return this.#socket.host;
  }

  get port(): number {
    return this.#socket.port;
  }

  get senderHost(): string {
    return this.#socket.senderHost;
  }

  get senderPort(): number {
    return this.#socket.senderPort;
  }

  get dropped(): number {
    return this.#droppedBefore + this.#socket.dropped;
  }

  get truncated(): number {
    return this.#truncatedBefore + this.#socket.truncated;
  }

  get refused(): number {
    return this.#refusedBefore + this.#socket.refused;
  }

  receive(target: Uint8Array, offset: number, max: number): number {
    const length = this.#socket.receive(target, offset, max);
    if (length > 0) this.#stamp.set();
    return length;
  }

  send(source: Uint8Array, offset: number, length: number): boolean {
    return this.#socket.send(source, offset, length);
  }

  sendTo(source: Uint8Array, offset: number, length: number, host: string, port: number): boolean {
    return this.#socket.sendTo(source, offset, length, host, port);
  }

  close(): void {
    this.#socket.close();
  }

  /** Goes on with `socket`; closes the one before. */
  exchange(socket: DatagramSocket): void {
    const before = this.#socket;
    this.#droppedBefore += before.dropped;
    this.#truncatedBefore += before.truncated;
    this.#refusedBefore += before.refused;
    this.#socket = socket;
    before.close();
  }
}

export class FeedReceiver {
  readonly incremental: StampedSocket;
  readonly snapshot: StampedSocket | null;
  readonly retransmit: StampedSocket | null;
  /** Times the groups were joined again. */
  rejoined = 0;
  /** Why that failed last, '' when it did not. */
  failure = '';
  readonly #join: () => Promise<FeedSockets>;
  readonly #stamp: ReceiveStamp;
  /** Since when nothing has come; in a typed array as the stamp is. */
  readonly #quietSinceNs: Float64Array;
  #pauseNs = SILENCE_NS;
  #joining = false;
  #closed = false;

  constructor(sockets: FeedSockets, join: () => Promise<FeedSockets>, clock: Clock) {
    this.#join = join;
    this.#stamp = new ReceiveStamp(clock);
    this.#quietSinceNs = new Float64Array([clock.nowNs]);
    const stamped = (socket: DatagramSocket | null): StampedSocket | null =>
      socket === null ? null : new StampedSocket(socket, this.#stamp);
    this.incremental = new StampedSocket(sockets.incremental, this.#stamp);
    this.snapshot = stamped(sockets.snapshot);
    this.retransmit = stamped(sockets.retransmit);
  }

  /** When the datagram being handled, or the last one, was received: nanoseconds of the clock, at [0]. */
  get receivedNs(): Float64Array {
    return this.#stamp.ns;
  }

  /** Once a turn: joins again what has been silent for long. */
  poll(nowNs: number): void {
    const receivedNs = this.#stamp.ns[0];
    if (receivedNs > this.#quietSinceNs[0]) {
      this.#quietSinceNs[0] = receivedNs;
      this.#pauseNs = SILENCE_NS;
    }
    if (nowNs - this.#quietSinceNs[0] < this.#pauseNs || this.#joining) return;
    this.#quietSinceNs[0] = nowNs;
    this.#pauseNs = Math.min(this.#pauseNs * 2, PAUSE_MAX_NS);
    this.#joining = true;
    this.#join().then((sockets) => this.#joined(sockets), (error: Error) => {
      this.#joining = false;
      this.failure = error.message;
    });
  }

  /** When the groups are joined again, should nothing come. */
  get dueNs(): number {
    if (this.#joining) return Infinity;
    const receivedNs = this.#stamp.ns[0];
    if (receivedNs > this.#quietSinceNs[0]) return receivedNs + SILENCE_NS;
    return this.#quietSinceNs[0] + this.#pauseNs;
  }

  close(): void {
    this.#closed = true;
    this.incremental.close();
    this.snapshot?.close();
    this.retransmit?.close();
  }

  #joined(sockets: FeedSockets): void {
    this.#joining = false;
    this.failure = '';
    this.rejoined++;
    takeOver(this.incremental, sockets.incremental);
    takeOver(this.snapshot, sockets.snapshot);
    takeOver(this.retransmit, sockets.retransmit);
    if (this.#closed) this.close();
  }
}

function takeOver(stamped: StampedSocket | null, socket: DatagramSocket | null): void {
  if (socket === null) return;
  if (stamped === null) socket.close();
  else stamped.exchange(socket);
}
