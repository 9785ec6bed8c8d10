// The client's end of an order session against an exchange that says anything: responses come out
// whole, counted without a gap and of known types, or the session ends with a reason.
import assert from 'node:assert/strict';
import { Prng } from '../../src/base/prng.ts';
import type { StreamConnection } from '../../src/net/transport.ts';
import { CLOSED } from '../../src/net/transport.ts';
import { OrderEntry } from '../../src/trader/order_entry.ts';
import { Framing } from '../../src/wire/framing/frame.ts';
import { ClientResponse, ResponseType } from '../../src/wire/generated/native.ts';
import { responseFrame, SERVER_PACKETS, soupAccepted, soupFrame, soupRejected } from './messages.ts';
import { type Frame, piecesOf } from './mutator.ts';
import type { ByteTarget, Fed } from './target.ts';

const CLIENT = 5;
const SECOND_NS = 1_000_000_000;
/** Bytes of its own that a client may say unasked: a log-in, heartbeats, a good-bye. */
const SAID_BYTES_MAX = 1_000;

/** A connection that gives what it is given. */
class Script implements StreamConnection {
  readonly id = 1;
  readonly peer = '127.0.0.1:1';
  tag = 0;
  open = true;
  said = 0;
  #pieces: Uint8Array[] = [];

  get readable(): boolean {
    return this.#pieces.length > 0 || !this.open;
  }

  give(pieces: readonly Uint8Array[]): void {
    this.#pieces.push(...pieces);
  }

  receive(target: Uint8Array, offset: number, max: number): number {
    const piece = this.#pieces[0];
    if (piece === undefined) return this.open ? 0 : CLOSED;
    assert.ok(max > 0, 'there is room for what comes');
    const length = Math.min(max, piece.length);
    target.set(piece.subarray(0, length), offset);
    if (length === piece.length) this.#pieces.shift();
    else this.#pieces[0] = piece.subarray(length);
    return length;
  }

  send(_source: Uint8Array, _offset: number, length: number): number {
    this.said += length;
    return length;
  }

  close(): void {
    this.open = false;
  }
}

/** One entry and its connection after the other: each input is a whole life of a session. */
class EntryFed implements Fed<Frame> {
  readonly #framing: Framing;

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  take(frames: readonly Frame[], prng: Prng): void {
    let due = 0;
    let ended = false;
    let reason = '';
    const entry: OrderEntry = new OrderEntry(
      {
        onReady: () => {},
        onResponse: (view, offset, sequence) => {
          assert.ok(!ended, 'nothing comes from a session that has ended');
          assert.ok(offset + ClientResponse.bytes <= view.byteLength, 'a response stands whole in its buffer');
          const type = ClientResponse.type(view, offset);
          assert.ok(type >= ResponseType.Accepted && type <= ResponseType.Expired, `a response of type ${type}`);
          if (due > 0) assert.equal(sequence, due, 'responses are counted without a gap');
          due = sequence + 1;
        },
        onClosed: (why) => {
          ended = true;
          reason = why;
        },
      },
      { framing: this.#framing, client: CLIENT, nextSequence: 1 },
    );
    const script = new Script();
    let nowNs = SECOND_NS;
    entry.connect(script, nowNs);
    if (this.#framing === Framing.Soup) script.give(piecesOf(prng, [soupAccepted('S1', 1)]));
    script.give(piecesOf(prng, frames));
    for (let idle = 0; idle < 2 && entry.connected; ) {
      nowNs += 1_000;
      idle = script.readable ? 0 : idle + 1;
      entry.poll(nowNs);
    }
    if (entry.connected) entry.close();
    else assert.ok(reason !== '', 'a session ends with a reason');
    assert.ok(script.said <= SAID_BYTES_MAX, `${script.said} bytes were said`);
  }

  check(): void {}

  close(): void {}
}

function validOf(framing: Framing): (prng: Prng) => Frame[] {
  return (prng) => {
    const frames = Array.from({ length: prng.between(1, 12) }, (_, i) => responseFrame(prng, framing, i + 1));
    if (framing !== Framing.Soup) return frames;
    frames.splice(prng.below(frames.length), 0, soupFrame(SERVER_PACKETS[prng.below(SERVER_PACKETS.length)]));
    if (prng.chance(0.2)) frames.push(soupFrame('Z'));
    if (prng.chance(0.1)) frames.push(soupRejected('A'), soupAccepted('S2', 7));
    return frames;
  };
}

export const ENTRY_TARGETS: readonly ByteTarget[] = [Framing.Soup, Framing.Sequenced, Framing.Bare].map((framing) => ({
  name: `entry-${framing}`, kind: 'bytes', valid: validOf(framing), open: () => new EntryFed(framing),
}));
