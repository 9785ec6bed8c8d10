// A client that behaves: orders and their cancels by turns, open loop, each timed from the moment at which it was planned. Its
// orders rest and meet nobody. For benchmarks that ask what such a client notices of others.
import { assert } from '../src/base/assert.ts';
import { Histogram } from '../src/base/histogram.ts';
import { CLOSED, type StreamConnection } from '../src/net/transport.ts';
import { ClientRequest, ClientResponse, RequestType, ResponseType } from '../src/wire/generated/native.ts';
import type { Agent } from '../src/base/agent.ts';

/** The client id of its orders; others have others. */
const GOOD = 1;
/** 10,000 requests a second. */
export const INTERVAL_NS = 100_000;
/** A turn of the client's thread that took longer than this was not its own doing. */
export const GAP_NS = 100_000;

/** The bytes of a new order, good till cancelled, that meets nobody; or of its cancel. */
export function writeRequest(view: DataView, at: number, type: number, client: number, id: number, ticker = 1): void {
  ClientRequest.encode(view, at, type, client, ticker, id, 0, 1, 9_000, 0, 1);
}

/** New orders and their cancels by turns, each at its time; each answer is timed from there. */
export class GoodClient implements Agent {
  readonly name = 'good';
  readonly latency = new Histogram();
  answered = 0;
  wrong = 0;
  connection: StreamConnection | null = null;
  readonly #bytes = new Uint8Array(ClientRequest.bytes);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #received = new Uint8Array(64 * 1024);
  readonly #answers = new DataView(this.#received.buffer);
  /** Time of the segment in which this thread did nothing, and all of it. */
  gapNs = 0;
  elapsedNs = 0;
  #kept = 0;
  #sent = 0;
  #count = 0;
  #startNs = 0;
  #lastNs = 0;
  #nextId = 1;
  #whenDone: () => void = () => {};

  /** Resolves with the last answer of so many requests. */
  run(count: number): Promise<void> {
    this.latency.reset();
    this.answered = this.#sent = this.#startNs = this.gapNs = 0;
    this.#count = count;
    return new Promise((resolve) => (this.#whenDone = resolve));
  }

  poll(nowNs: number): number {
    const { connection } = this;
    if (connection === null || this.answered === this.#count) return 0;
    if (this.#startNs === 0) this.#startNs = this.#lastNs = nowNs;
    if (nowNs - this.#lastNs > GAP_NS) this.gapNs += nowNs - this.#lastNs;
    this.#lastNs = nowNs;
    if (this.#sent < this.#count && nowNs >= this.#startNs + this.#sent * INTERVAL_NS) {
      const cancels = this.#sent % 2 === 1;
      writeRequest(this.#view, 0, cancels ? RequestType.Cancel : RequestType.New, GOOD, cancels ? this.#nextId++ : this.#nextId);
      const taken = connection.send(this.#bytes, 0, this.#bytes.length);
      assert(taken === this.#bytes.length, 'thirty bytes find room');
      this.#sent++;
    }
    const received = connection.receive(this.#received, this.#kept, this.#received.length - this.#kept);
    assert(received !== CLOSED, 'the good client stays connected');
    const end = this.#kept + received;
    let at = 0;
    for (; at + ClientResponse.bytes <= end; at += ClientResponse.bytes) this.#answer(at, nowNs);
    this.#received.copyWithin(0, at, end);
    this.#kept = end - at;
    if (this.answered === this.#count) {
      this.elapsedNs = nowNs - this.#startNs;
      this.#whenDone();
    }
    return received;
  }

  #answer(at: number, nowNs: number): void {
    const expected = this.answered % 2 === 1 ? ResponseType.Canceled : ResponseType.Accepted;
    if (ClientResponse.type(this.#answers, at) !== expected) this.wrong++;
    this.latency.record(Math.max(0, nowNs - (this.#startNs + this.answered * INTERVAL_NS)));
    this.answered++;
  }
}
