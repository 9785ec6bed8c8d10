// Answers requests for messages again: MoldUDP64 requests come in by unicast, one datagram with as
// many messages as fit goes back to the sender, alone. Served are the feed's session and the latest
// cycle's.
//
// 20 bytes in, 1,472 out: an amplifier for whoever forges a sender's address. So requests are
// answered only to loopback and to addresses with a live session, and no more than so many
// datagrams a second; what is refused is counted, never queued.
//
// Cost: a request 20 bytes and a block copy.
import type { Counters } from '../base/counters.ts';
import type { DatagramSocket } from '../net/transport.ts';
import { MOLD_REQUEST_BYTES, MoldRequest } from '../wire/framing/mold_udp64.ts';
import { C } from './counters.ts';
import type { FeedChannel } from './feed_channel.ts';
import { isLoopback } from './session/session.ts';

const REQUESTS_PER_TURN = 256;
/** What may be answered at once after a quiet time, in seconds of the allowed rate. */
const BURST_SECONDS = 0.1;

export class Retransmit {
  readonly #socket: DatagramSocket;
  readonly #channels: readonly FeedChannel[];
  readonly #hasLiveSession: (address: string) => boolean;
  readonly #values: Counters['values'];
  /** Answered at most. */
  datagramsPerSecond: number;
  readonly #bytes = new Uint8Array(MOLD_REQUEST_BYTES + 1);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #request = new MoldRequest();
  #allowed: number;
  #refilledNs = 0;

  constructor(
    socket: DatagramSocket,
    channels: readonly FeedChannel[],
    datagramsPerSecond: number,
    counters: Counters,
    hasLiveSession: (address: string) => boolean,
  ) {
    this.#socket = socket;
    this.#channels = channels;
    this.datagramsPerSecond = datagramsPerSecond;
    this.#allowed = datagramsPerSecond * BURST_SECONDS;
    this.#values = counters.values;
    this.#hasLiveSession = hasLiveSession;
  }

  /** Returns the requests taken. */
  poll(nowNs: number): number {
    const socket = this.#socket;
    let requests = 0;
    while (requests < REQUESTS_PER_TURN) {
      // One byte more than a request: a longer datagram shows.
      const length = socket.receive(this.#bytes, 0, this.#bytes.length);
      if (length <= 0) break;
      requests++;
      this.#values[C.retransmit_requests] += 1;
      if (this.#answer(length, nowNs)) this.#values[C.retransmit_answers] += 1;
      else this.#values[C.retransmit_refused] += 1;
    }
    return requests;
  }

  #answer(length: number, nowNs: number): boolean {
    const socket = this.#socket;
    if (!this.#request.read(this.#view, 0, length)) return false;
    if (!isLoopback(socket.senderHost) && !this.#hasLiveSession(socket.senderHost)) return false;
    if (!this.#allow(nowNs)) return false;
    for (let i = 0; i < this.#channels.length; i++) {
      const channel = this.#channels[i];
      if (!channel.isSession(this.#view, 0)) continue;
      const bytes = channel.writeAnswer(this.#request.sequence, this.#request.count);
      return (
        bytes > 0 &&
        socket.sendTo(channel.bytes, channel.answerAt, bytes, socket.senderHost, socket.senderPort)
      );
    }
    return false;
  }

  /** Token bucket. */
  #allow(nowNs: number): boolean {
    const refill = ((nowNs - this.#refilledNs) / 1e9) * this.datagramsPerSecond;
    this.#refilledNs = nowNs;
    this.#allowed = Math.min(this.#allowed + refill, this.datagramsPerSecond * BURST_SECONDS);
    if (this.#allowed < 1) return false;
    this.#allowed -= 1;
    return true;
  }
}
