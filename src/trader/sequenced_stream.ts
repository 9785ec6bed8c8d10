// Numbering of one stream of datagrams: what comes next, what is queued, what is missing and whom
// to ask.
//
//   applied ──┐        hole            queued      hole      queued          hole
//   ──────────┤next ░░░░░░░░░░░░░░ [███████████] ░░░░░░░░ [█████████] ░░░░░░░░░░░░░░ end
//             └ asked for first                                      (known from a heartbeat)
//
// A lower sequence is a duplicate and ignored; a higher one is queued and the holes before it are
// asked for, several at once, by MoldUDP64 requests. One answer holds at most a datagram of
// messages, so large holes are split by what answers have been seen to hold. A round of requests
// ends when every one has been answered or its timeout has passed; a round in which `next` did not
// move is a failed one and doubles the timeout. After ATTEMPTS_MAX failed rounds the owner has to
// find another way.
//
// Limits: sequences below 2^53; at most REQUESTS_PER_ROUND requests under way.
import { DatagramQueue } from './datagram_queue.ts';
import {
  MOLD_REQUEST_BYTES, MOLD_SESSION_BYTES, sameMoldSession, writeMoldRequest,
} from '../wire/framing/mold_udp64.ts';
import type { DatagramSocket } from '../net/transport.ts';

export const SESSION_BYTES = MOLD_SESSION_BYTES;
/**
 * Largest datagram taken: above an Ethernet frame's payload, so that whoever exceeds that is
 * noticed.
 */
export const DATAGRAM_BYTES_MAX = 1536;

const REQUEST_COUNT_MAX = 0xffff;
/**
 * 16 × 40 messages a round: enough for the loss of 16 datagrams, small enough not to be an attack.
 */
const REQUESTS_PER_ROUND = 16;
/** Messages an answer is thought to hold before one has been seen: (1,472 − 20) / (2 + 34). */
const ANSWER_MESSAGES_GUESS = 40;
const ATTEMPTS_MAX = 5;
const TIMEOUT_FIRST_NS = 2_000_000;
const TIMEOUT_MAX_NS = 64_000_000;

export const Verdict = { Next: 0, Kept: 1, Duplicate: 2, Full: 3 } as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** Where retransmit requests go. */
export interface RetransmitService {
  readonly socket: DatagramSocket;
  readonly host: string;
  readonly port: number;
}

export class SequencedStream {
  readonly queue: DatagramQueue;
  readonly session = new DataView(new ArrayBuffer(SESSION_BYTES));
  /** Sequence of the next message to apply. */
  next: number;
  /** Sequence after the highest message known to exist. */
  end: number;
  /** Messages that came again. */
  duplicates = 0;
  /** Datagrams refused because the queue was full. */
  dropped = 0;
  /** Messages asked for again, repeated requests included. */
  requested = 0;

  readonly #service: RetransmitService | null;
  readonly #requestDelayNs: number;
  readonly #request = new Uint8Array(MOLD_REQUEST_BYTES);
  readonly #requestView = new DataView(this.#request.buffer);
  #answerMessages = ANSWER_MESSAGES_GUESS;
  #askAtNs = Infinity;
  /** Answers still to come in this round. */
  #outstanding = 0;
  /** Rounds in a row after which `next` stood where it was. */
  #attempts = 0;
  /** Where `next` stood when the last round was sent; −1: no round yet for these holes. */
  #nextAtAsk = -1;

  /** `requestDelayNs`: how long a hole may be mere reordering. */
  constructor(
    capacity: number, first: number, service: RetransmitService | null, requestDelayNs: number,
  ) {
    this.queue = new DatagramQueue(capacity, DATAGRAM_BYTES_MAX);
    this.next = this.end = first;
    this.#service = service;
    this.#requestDelayNs = requestDelayNs;
  }

  /** Messages known to exist and not yet applied: 0 means complete. */
  get behind(): number {
    return this.end - this.next;
  }

  /** Messages missing before the next queued one. */
  get hole(): number {
    return (this.queue.length > 0 ? this.queue.firstAt(0) : this.end) - this.next;
  }

  /** Asking has not helped, or there is nobody to ask. */
  get exhausted(): boolean {
    return this.#service === null || this.#attempts >= ATTEMPTS_MAX;
  }

  isSession(view: DataView, at: number): boolean {
    return sameMoldSession(this.session, 0, view, at);
  }

  /** Takes the session's name at view[at …] and leaves the numbering as it is. */
  nameSession(view: DataView, at: number): void {
    copySession(view, at, this.session);
  }

  /** Begins anew at `first` in the session named at view[at …]. */
  restart(view: DataView, at: number, first: number): void {
    this.nameSession(view, at);
    this.queue.clear();
    this.#jump(first);
    this.end = first;
  }

  /**
   * Goes on at `first`, which another source has brought the books to. What is queued and could not
   * be reached by asking is given up; so a single absurd sequence number costs one snapshot, not
   * all of them.
   */
  continueAt(first: number, holeMax: number): void {
    this.#jump(first);
    const queue = this.queue;
    while (queue.length > 0 && queue.endAt(0) <= first) queue.dropHead();
    if (queue.length > 0 && queue.firstAt(0) - first > holeMax) {
      this.dropped += queue.length;
      queue.clear();
    }
    this.end = queue.length > 0 ? Math.max(first, queue.endAt(queue.length - 1)) : first;
  }

  /** A heartbeat, or anything else that says which messages exist. */
  exists(end: number): void {
    if (end > this.end && Number.isSafeInteger(end)) this.end = end;
  }

  /**
   * What to do with messages first … first + count − 1 in the queue's receive slot. `hold`: apply
   * none now.
   */
  offer(first: number, count: number, hold: boolean): Verdict {
    const end = first + count;
    if (end <= this.next) {
      this.duplicates += count;
      return Verdict.Duplicate;
    }
    if (end > this.end) this.end = end;
    if (first <= this.next && !hold) return Verdict.Next;
    const kept = this.queue.keep(first, count);
    if (kept > 0) return Verdict.Kept;
    if (kept === 0) {
      this.duplicates += count;
      return Verdict.Duplicate;
    }
    this.dropped++;
    return Verdict.Full;
  }

  /**
   * An answer of `count` messages came and has been taken. The last one that helped starts the next
   * round.
   */
  answered(count: number, nowNs: number): void {
    if (count > 0) this.#answerMessages = count;
    if (this.#outstanding === 0) return;
    this.#outstanding--;
    if (this.#outstanding === 0 && this.next > this.#nextAtAsk) this.#askAtNs = nowNs;
  }

  /** Asks for what is missing when it is time to. Returns the requests sent. */
  ask(nowNs: number): number {
    if (this.next === this.end) {
      this.#quiet();
      return 0;
    }
    if (this.#service === null) return 0;
    if (this.#askAtNs === Infinity) this.#askAtNs = nowNs + this.#requestDelayNs;
    if (nowNs < this.#askAtNs) return 0;
    if (this.next !== this.#nextAtAsk) this.#attempts = 0;
    else if (this.#attempts < ATTEMPTS_MAX) this.#attempts++;
    this.#nextAtAsk = this.next;
    this.#outstanding = this.#askHoles();
    this.#askAtNs = nowNs + Math.min(TIMEOUT_FIRST_NS * 2 ** this.#attempts, TIMEOUT_MAX_NS);
    return this.#outstanding;
  }

  /** When it next asks for what is missing; Infinity: nothing is, or there is nobody to ask. */
  get dueNs(): number {
    return this.next === this.end || this.#service === null ? Infinity : this.#askAtNs;
  }

  #jump(first: number): void {
    this.next = first;
    this.#quiet();
  }

  #quiet(): void {
    this.#askAtNs = Infinity;
    this.#outstanding = 0;
    this.#attempts = 0;
    this.#nextAtAsk = -1;
  }

  #askHoles(): number {
    const queue = this.queue;
    const queued = queue.length;
    let sent = 0;
    let from = this.next;
    for (let i = 0; i <= queued && sent < REQUESTS_PER_ROUND; i++) {
      const until = i < queued ? queue.firstAt(i) : this.end;
      while (from < until && sent < REQUESTS_PER_ROUND) {
        const count = Math.min(until - from, this.#answerMessages, REQUEST_COUNT_MAX);
        this.#send(from, count);
        from += count;
        sent++;
      }
      if (i < queued) from = Math.max(from, queue.endAt(i));
    }
    return sent;
  }

  /** A request that finds no room in the socket is one that got lost: the timeout repeats it. */
  #send(first: number, count: number): void {
    const service = this.#service;
    if (service === null) return;
    writeMoldRequest(this.#requestView, 0, this.session, 0, first, count);
    service.socket.sendTo(this.#request, 0, MOLD_REQUEST_BYTES, service.host, service.port);
    this.requested += count;
  }
}

export function copySession(from: DataView, at: number, to: DataView): void {
  for (let i = 0; i < SESSION_BYTES; i++) to.setUint8(i, from.getUint8(at + i));
}
