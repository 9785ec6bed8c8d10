// What everybody has ever been told, by number: nothing of it may be told differently later.
//
//   response `n` to a client (soup: numbered over all its connections) ─┐
//   message `n` of the feed                                            ─┴─► the bytes, as a text
//
// The feed is heard by a historian whose wire is perfect. Cost: a text a message.
import { Framing } from '../wire/framing/frame.ts';
import { MoldDatagram, MoldReader } from '../wire/framing/mold_udp64.ts';
import { MoldHeader } from '../wire/generated/mold_udp64.ts';
import type { DatagramSocket } from '../net/transport.ts';
import * as invariants from './invariants.ts';
import type { Trace } from './trace.ts';

const DATAGRAM_BYTES = 2_048;

/** Bytes as a text of as many letters: to be kept and compared. */
export function textOf(bytes: Uint8Array, at: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('latin1');
}

/** Whether the bytes are that text. */
export function isText(bytes: Uint8Array, at: number, length: number, text: string): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

export class Heard {
  readonly #responses = new Map<number, string[]>();
  readonly #feed = new Map<number, string>();
  readonly #trace: Trace;
  /** Highest number of the feed. */
  feedLast = 0;
  #feedSession = '';

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  /** Messages 1, 2, … to a client. */
  responses(client: number): readonly string[] {
    return this.#responses.get(client) ?? [];
  }

  /** True: it is new. Told again it must have the same bytes; a number too high is a gap. */
  onResponse(client: number, framing: Framing, sequence: number, text: string): boolean {
    this.#trace.add(client);
    this.#trace.addText(text);
    if (framing !== Framing.Soup) return true;
    let told = this.#responses.get(client);
    if (told === undefined) this.#responses.set(client, (told = []));
    if (sequence <= told.length) {
      invariants.sameBytesAgain(`responses to ${client}`, sequence, told[sequence - 1], text);
      return false;
    }
    invariants.noGap(`responses to ${client}`, told.length + 1, sequence);
    told.push(text);
    return true;
  }

  feedMessage(sequence: number): string | undefined {
    return this.#feed.get(sequence);
  }

  onFeed(session: string, sequence: number, text: string): void {
    this.#trace.addText(text);
    if (this.#feedSession !== '' && session !== this.#feedSession)
      throw new invariants.Violation('I13', `the feed's session: expected ${this.#feedSession}, was ${session}`);
    this.#feedSession = session;
    const before = this.#feed.get(sequence);
    if (before !== undefined) return invariants.sameBytesAgain('the feed', sequence, before, text);
    this.#feed.set(sequence, text);
    this.feedLast = Math.max(this.feedLast, sequence);
  }
}

/** Hears the whole native feed. */
export class Historian {
  readonly #heard: Heard;
  readonly #socket: DatagramSocket;
  readonly #bytes = new Uint8Array(DATAGRAM_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #reader = new MoldReader();

  constructor(heard: Heard, socket: DatagramSocket) {
    this.#heard = heard;
    this.#socket = socket;
  }

  /** Returns the datagrams taken. */
  poll(): number {
    let datagrams = 0;
    for (;;) {
      const length = this.#socket.receive(this.#bytes, 0, this.#bytes.length);
      if (length <= 0) return datagrams;
      datagrams++;
      if (this.#reader.open(this.#view, 0, length) !== MoldDatagram.Messages) continue;
      const session = MoldHeader.session(this.#view, 0);
      for (let n = this.#reader.sequence; this.#reader.next(); n++) {
        const { offset, length: bytes } = this.#reader;
        this.#heard.onFeed(session, n, textOf(this.#bytes, offset, bytes));
      }
    }
  }
}
