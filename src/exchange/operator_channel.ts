// The operator's channel: lines over TCP, from loopback, to the operator and back.
//
//   accept ─► [ line … ] ─► Operator ─► answer ─► [ … ] ─► connection
//
// An agent of the exchange's loop: what a line says is done in the turn that reads it, before the
// requests of that turn. Whoever connects is a stranger until a line has the token. Every way in is
// bounded: connections, bytes of a line, time to say one. An answer that is not taken is not added to.
//
// Strangers cannot shut an operator out. They have places of their own, and whoever comes gets one: the
// stranger that has sat longest gives way, after what it has said was read. So somebody new has at least
// STRANGERS_MAX / ACCEPTS_MAX looks, 16 ms, for its first line, however fast others connect. Operators
// keep their places; with all of them taken, another one's line is done and its connection then ends.
//
// Looked at every POLL_NS: an operator's command waits for a millisecond at most, and a turn without
// operators costs one comparison.
import { type Agent, POLL_AGAIN_NS } from '../base/agent.ts';
import type { Counters } from '../base/counters.ts';
import type { StreamConnection, StreamListener } from '../net/transport.ts';
import { C } from './counters.ts';
import { LINE_BYTES_MAX, type Operator } from './operator.ts';
import { isLoopback } from './session/session.ts';

const POLL_NS = 1_000_000;
/** Operators are few. */
export const OPERATORS_MAX = 8;
/** Connections without the token yet; each holds the room of a line, 64 KiB in all. */
export const STRANGERS_MAX = 64;
/** Connections taken in one look: bounds the look, and how soon a stranger has to give way. */
const ACCEPTS_MAX = 4;
/** Until the first line with the token; between two lines, and for an answer to be taken. */
export const STRANGER_NS = 5_000_000_000;
export const SILENCE_NS = 60_000_000_000;
const NEWLINE = 0x0a;
const DECODER = new TextDecoder();
const ENCODER = new TextEncoder();
const NOTHING = new Uint8Array(0);

/** One operator's connection. */
class Line {
  readonly connection: StreamConnection;
  /** A line and the byte that ends it. */
  readonly bytes = new Uint8Array(LINE_BYTES_MAX + 1);
  length = 0;
  heardNs: number;
  trusted = false;
  /** What is left of the answer, and whether it is the last one. */
  answer: Uint8Array = NOTHING;
  ending = false;
  /** The answer waits until the journal is so far. */
  heldFor = 0;

  constructor(connection: StreamConnection, nowNs: number) {
    this.connection = connection;
    this.heardNs = nowNs;
  }
}

export class OperatorChannel implements Agent {
  readonly name = 'operator';
  readonly #listener: StreamListener;
  readonly #operator: Operator;
  readonly #values: Counters['values'];
  readonly #lines: Line[] = [];
  #lookNs = 0;
  /** News came since the last look. */
  #waiting = false;
  /** Answers wait for the journal. */
  #holds = false;
  #released = 0;

  constructor(listener: StreamListener, operator: Operator, counters: Counters) {
    this.#listener = listener;
    this.#operator = operator;
    this.#values = counters.values;
  }

  get host(): string {
    return this.#listener.host;
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Connections open now. */
  get count(): number {
    return this.#lines.length;
  }

  /** Answers wait until what they tell of is safe. */
  hold(): void {
    this.#holds = true;
  }

  /** The turn's records go up to `last`; those up to `released` are safe. */
  holdUntil(last: number, released: number): void {
    this.#released = released;
    for (let i = 0; i < this.#lines.length; i++)
      if (this.#lines[i].heldFor === Infinity) this.#lines[i].heldFor = last;
  }

  /** `news`: something has come, perhaps to this channel. */
  poll(nowNs: number, news = true): number {
    this.#waiting ||= news;
    if (nowNs < this.#lookNs) return 0;
    this.#waiting = false;
    this.#lookNs = nowNs + POLL_NS;
    let work = this.#accept(nowNs);
    for (let i = this.#lines.length - 1; i >= 0; i--) {
      const line = this.#lines[i];
      work += this.#serve(line, nowNs);
      if (!line.connection.open) this.#lines.splice(i, 1);
    }
    return work;
  }

  /** What came since the last look, and answers under way, wait for the next one; who is silent for too long is ended. */
  dueNs(nowNs: number): number {
    let due = this.#waiting ? this.#lookNs : Infinity;
    for (const line of this.#lines) {
      const ends = line.heardNs + (line.trusted ? SILENCE_NS : STRANGER_NS);
      due = Math.min(due, line.answer.length > 0 ? nowNs + POLL_AGAIN_NS : ends);
    }
    return due;
  }

  close(): void {
    this.#listener.close();
    for (const line of this.#lines) line.connection.close();
    this.#lines.length = 0;
  }

  #accept(nowNs: number): number {
    for (let accepted = 0; accepted < ACCEPTS_MAX; accepted++) {
      const connection = this.#listener.accept();
      if (connection === null) return accepted;
      const address = connection.peer.slice(0, connection.peer.lastIndexOf(':'));
      if (!isLoopback(address)) {
        this.#values[C.operator_refused] += 1;
        connection.close();
        continue;
      }
      while (this.#lines.length - this.#operators >= STRANGERS_MAX) this.#giveWay(nowNs);
      this.#lines.push(new Line(connection, nowNs));
    }
    return ACCEPTS_MAX;
  }

  /** Connections that have said the token. */
  get #operators(): number {
    let operators = 0;
    for (const { trusted } of this.#lines) operators += trusted ? 1 : 0;
    return operators;
  }

  /** The stranger that came first is read once more; it leaves unless that makes it an operator. */
  #giveWay(nowNs: number): void {
    const index = this.#lines.findIndex(({ trusted }) => !trusted);
    const line = this.#lines[index];
    this.#serve(line, nowNs);
    if (line.trusted && line.connection.open) return;
    this.#lines.splice(index, 1);
    if (!line.connection.open) return;
    this.#values[C.operator_refused] += 1;
    line.connection.close();
  }

  /** Sends what is left of an answer, or reads and does the next line. Returns the lines done. */
  #serve(line: Line, nowNs: number): number {
    const { connection, bytes } = line;
    if (nowNs - line.heardNs > (line.trusted ? SILENCE_NS : STRANGER_NS)) {
      this.#values[C.operator_refused] += line.trusted ? 0 : 1;
      connection.close();
      return 0;
    }
    if (!this.#send(line)) return 0;
    const room = bytes.length - line.length;
    const received = room > 0 ? connection.receive(bytes, line.length, room) : 0;
    if (received < 0) {
      connection.close();
      return 0;
    }
    line.length += received;
    const end = bytes.subarray(0, line.length).indexOf(NEWLINE);
    if (end >= 0) {
      this.#do(line, end, nowNs);
      return 1;
    }
    if (line.length > LINE_BYTES_MAX)
      this.#refuse(line, `a line: expected at most ${LINE_BYTES_MAX} bytes`);
    return 0;
  }

  #do(line: Line, end: number, nowNs: number): void {
    const text = DECODER.decode(line.bytes.subarray(0, end));
    line.bytes.copyWithin(0, end + 1, line.length);
    line.length -= end + 1;
    line.heardNs = nowNs;
    const { text: answer, trusted } = this.#operator.answer(text, line.connection.peer);
    this.#values[trusted ? C.operator_commands : C.operator_refused] += 1;
    line.trusted ||= trusted && this.#operators < OPERATORS_MAX;
    line.ending = !(trusted && line.trusted);
    line.answer = ENCODER.encode(`${answer}\n`);
    // What it has done becomes records at the end of this turn.
    line.heldFor = trusted && this.#holds ? Infinity : 0;
    this.#send(line);
  }

  #refuse(line: Line, error: string): void {
    this.#values[C.operator_refused] += 1;
    line.ending = true;
    line.answer = ENCODER.encode(`${JSON.stringify({ ok: false, error })}\n`);
    this.#send(line);
  }

  /** False: the answer is not out yet, or was the last. */
  #send(line: Line): boolean {
    const { connection } = line;
    if (line.heldFor > this.#released) return false;
    while (line.answer.length > 0) {
      const taken = connection.send(line.answer, 0, line.answer.length);
      if (taken <= 0) {
        if (taken < 0) connection.close();
        return false;
      }
      line.answer = line.answer.subarray(taken);
    }
    if (line.ending) connection.close();
    return !line.ending;
  }
}
