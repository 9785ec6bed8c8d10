// What an exchange counts, by name. One block, written by the exchange's thread, read by anyone.
import { Counters } from '../base/counters.ts';

/** Why a session ended. Every close has one of these: nothing is dropped in silence. */
export const CloseReason = {
  ClosedByPeer: 0,
  LoggedOut: 1,
  Shutdown: 2,
  /** Bytes that are no frame of the framing. */
  BadFrame: 3,
  /**
   * A frame that does not belong here: a second log-in, a message before the log-in, a wrong size.
   */
  Protocol: 4,
  LoginDeadline: 5,
  FrameDeadline: 6,
  LoginRefused: 7,
  /** The client id or account has a session already. */
  InUse: 8,
  /** A framing without log-in, from beyond loopback or for an account with a password. */
  Unauthenticated: 9,
  SlowReader: 10,
  /** Silence. */
  Lapsed: 11,
  TooManyConnections: 12,
  /** Gave its place, not being logged in, to a new connection. */
  Evicted: 13,
} as const;
export type CloseReason = (typeof CloseReason)[keyof typeof CloseReason];

export const CLOSE_REASON_NAMES = [
  'closed_by_peer',
  'closed_logged_out',
  'closed_shutdown',
  'closed_bad_frame',
  'closed_protocol',
  'closed_login_deadline',
  'closed_frame_deadline',
  'closed_login_refused',
  'closed_in_use',
  'closed_unauthenticated',
  'closed_slow_reader',
  'closed_lapsed',
  'closed_too_many_connections',
  'closed_evicted',
] as const;

const NAMES = [
  ...CLOSE_REASON_NAMES,
  'connections',
  'logins',
  'lapses',
  'logins_ahead',
  'requests',
  'requests_refused',
  'bytes_in',
  'bytes_out',
  'commands',
  'batches',
  'events',
  'trades',
  'accepted',
  'rejected',
  'responses',
  'responses_without_session',
  'feed_messages',
  'feed_datagrams',
  'feed_lost',
  'snapshot_cycles',
  'snapshot_messages',
  'snapshot_lost',
  'retransmit_requests',
  'retransmit_answers',
  'retransmit_refused',
] as const;
export type CounterName = (typeof NAMES)[number];

/** Index of each counter: `values[C.trades] += 1`. */
export const C = Object.fromEntries(NAMES.map((name, index) => [name, index])) as Readonly<
  Record<CounterName, number>
>;

export function exchangeCounters(): Counters {
  return new Counters(NAMES);
}
