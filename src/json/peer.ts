// The other end of a JSON session, whatever carries its lines (tcp_door.ts, web_socket_door.ts).
//
// Two kinds of lines leave. Market data may be left out: the next one says more. Everything else may not: who does not
// read it is disconnected, and finds what he missed at the exchange when he comes back.

/** Unread bytes from which on market data is held back: some 600 messages. */
export const MARKET_BYTES_MAX = 64 * 1024;
/** Unread bytes at which a connection is closed. */
export const UNREAD_BYTES_MAX = 1024 * 1024;
/** The longest request; those that make sense have some 300. */
export const LINE_BYTES_MAX = 16 * 1024;
/** Requests of one connection that a turn takes. */
export const LINES_A_TURN = 64;

export interface Peer {
  /** "127.0.0.1:41234", for people. */
  readonly name: string;
  /** Its address. */
  readonly host: string;
  /** The carrier itself tells a dead peer from a silent one. */
  readonly probes: boolean;
  /** Taken by `send` and not yet by the network. */
  readonly unreadBytes: number;
  /** A line with its newline. Never more than UNREAD_BYTES_MAX and a line are kept. */
  send(line: string): void;
  /** Asks for a sign of life, where it `probes`. */
  probe(): void;
  /** What was sent goes out as far as the peer takes it. Idempotent. */
  close(): void;
}
