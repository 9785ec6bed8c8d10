// One connection and what is known about it. Who it is comes from the log-in (`soup`) or from its
// first message (bare, sequenced); the gateway decides, this file only remembers.
//
//   Undecided ──first byte──► Unidentified ──log-in, first message──► Active ──► Closed
import { assert } from '../../base/assert.ts';
import type { FrameDecoder } from '../../wire/framing/frame.ts';
import { ReceiveBuffer, RECEIVE_BYTES_INITIAL } from '../../wire/framing/receive_buffer.ts';
import type { LoginProof } from '../../wire/framing/signed_login.ts';
import { SoupChallenge, SoupHeader, SoupLoginAccepted } from '../../wire/generated/soup.ts';
import type { StreamConnection } from '../../net/transport.ts';
import type { ListenerFraming } from '../config.ts';
import type { CloseReason } from '../counters.ts';
import type { Account } from './accounts.ts';
import { BROKEN } from './outbound_log.ts';

export const SessionState = { Undecided: 0, Unidentified: 1, Active: 2, Closed: 3 } as const;
export type SessionState = (typeof SessionState)[keyof typeof SessionState];

/** A peer that does not even take these is broken. */
const HEARTBEATS_MAX = 8;
const CONTROL_BYTES_MAX =
  SoupChallenge.bytes + SoupLoginAccepted.bytes + HEARTBEATS_MAX * SoupHeader.bytes;

export class Session {
  /** Place in the gateway's table. */
  readonly slot: number;
  readonly connection: StreamConnection;
  /** The peer's address, without the port. */
  readonly address: string;
  /** What its listener was told. */
  readonly listener: ListenerFraming;
  readonly buffer: ReceiveBuffer;
  readonly openedNs: number;
  state: SessionState = SessionState.Undecided;
  decoder: FrameDecoder | null = null;
  account: Account | null = null;
  /** What it has to sign; null: it was not challenged. */
  nonce: Uint8Array | null = null;
  /** Its signature, until the log-in says whose. */
  proof: LoginProof | null = null;
  /** When the frame at the front of the buffer began to arrive; −1: none has begun. */
  frameSinceNs = -1;
  receivedNs: number;
  sentNs: number;
  lapsed = false;
  /** Why it will be closed at the next turn; null: it will not. */
  fate: CloseReason | null = null;
  /** What it had missed when it came back and has not read yet: not held against it as slowness. */
  resumedBytes = 0;
  /** Nothing is sent before the journal is so far: its log-in. */
  heldFor = 0;
  /** Number of the gateway's turn in which it was last visited. */
  turn = 0;
  /** Requests of this visit that came too fast, and how long it is not read because of them. */
  tooFast = 0;
  restsUntilNs = 0;
  /** Complete frames may be left in the buffer: visit it though the network has no news of it. */
  backlogged = false;

  // Packets outside of the outbound log, sent before it: #control[#controlStart … #controlEnd).
  #control: Uint8Array | null = null;
  #controlView: DataView | null = null;
  #controlStart = 0;
  #controlEnd = 0;

  constructor(
    slot: number,
    connection: StreamConnection,
    listener: ListenerFraming,
    receiveBytesMax: number,
    nowNs: number,
  ) {
    this.slot = slot;
    this.connection = connection;
    const colon = connection.peer.lastIndexOf(':');
    this.address = colon < 0 ? connection.peer : connection.peer.slice(0, colon);
    this.listener = listener;
    this.buffer = new ReceiveBuffer(
      Math.min(RECEIVE_BYTES_INITIAL, receiveBytesMax),
      receiveBytesMax,
    );
    this.openedNs = this.receivedNs = this.sentNs = nowNs;
  }

  get isLoopback(): boolean {
    return isLoopback(this.address);
  }

  get open(): boolean {
    return this.state !== SessionState.Closed;
  }

  /** Where a packet of `bytes` may be written in the view; −1: no room. */
  claimControl(bytes: number): number {
    if (this.#control === null) {
      this.#control = new Uint8Array(CONTROL_BYTES_MAX);
      this.#controlView = new DataView(this.#control.buffer);
    }
    if (this.#controlStart === this.#controlEnd) this.#controlStart = this.#controlEnd = 0;
    if (this.#controlEnd + bytes > CONTROL_BYTES_MAX) return -1;
    const at = this.#controlEnd;
    this.#controlEnd += bytes;
    return at;
  }

  get controlView(): DataView {
    assert(this.#controlView !== null, 'room for a packet was claimed first');
    return this.#controlView;
  }

  /**
   * Sends packets, then the outbound log, as far as the connection takes them. Bytes sent, or
   * BROKEN.
   */
  flush(nowNs: number): number {
    let sent = 0;
    const log = this.account === null || this.account.session !== this ? null : this.account.log;
    if (this.#controlEnd > this.#controlStart && this.#control !== null) {
      // A packet must not be put inside a record that is half sent.
      if (log !== null && !log.atBoundary) {
        const taken = log.flush(this.connection);
        if (taken < 0) return BROKEN;
        sent += taken;
      }
      if (log === null || log.atBoundary) {
        const taken = this.connection.send(
          this.#control,
          this.#controlStart,
          this.#controlEnd - this.#controlStart,
        );
        if (taken < 0) return BROKEN;
        this.#controlStart += taken;
        sent += taken;
      }
    }
    if (log !== null && this.#controlStart === this.#controlEnd) {
      const taken = log.flush(this.connection);
      if (taken < 0) return BROKEN;
      sent += taken;
    }
    if (sent > 0) this.sentNs = nowNs;
    return sent;
  }

  /** Something waits to be sent, or for the journal. */
  get waits(): boolean {
    const log = this.account?.log ?? null;
    return this.#controlEnd > this.#controlStart || (log !== null && log.unsentBytes > 0);
  }

  /** Bytes that wait to be sent. */
  get pendingBytes(): number {
    const log = this.account?.log ?? null;
    return this.#controlEnd - this.#controlStart + (log === null ? 0 : log.pendingBytes);
  }
}

export function isLoopback(address: string): boolean {
  return address.startsWith('127.');
}
