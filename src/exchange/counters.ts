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
  /** More requests refused for their rate than it may have. */
  Rate: 14,
  /** An operator has ended it. */
  Operator: 15,
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
  'closed_rate',
  'closed_operator',
] as const;

/** Requests rejected, by code: `rejected_by_code + Reason`. */
const REJECTED_NAMES = [
  'rejected_for_none',
  'rejected_for_unknown_ticker',
  'rejected_for_side',
  'rejected_for_price',
  'rejected_for_quantity',
  'rejected_for_duplicate_id',
  'rejected_for_unknown_order',
  'rejected_for_too_late',
  'rejected_for_not_yours',
  'rejected_for_order_too_large',
  'rejected_for_notional',
  'rejected_for_collar',
  'rejected_for_position',
  'rejected_for_loss',
  'rejected_for_open_orders',
  'rejected_for_rate',
  'rejected_for_state',
  'rejected_for_post_only',
  'rejected_for_cannot_fill',
  'rejected_for_self_trade',
  'rejected_for_killed',
  'rejected_for_not_logged_in',
  'rejected_for_malformed',
  'rejected_for_capacity',
  'rejected_for_unsupported',
  'rejected_for_stale_market_data',
] as const;

const NAMES = [
  ...CLOSE_REASON_NAMES,
  'connections',
  'logins',
  'lapses',
  'logins_ahead',
  // Challenged, signed, and refused for what was signed.
  'logins_signed',
  'signatures_refused',
  // Their client did not come back after a start on a journal: clients whose orders were cancelled.
  'never_returned',
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
  'answers_repeated',
  // Executed before the turn's requests were all taken, for the risk gate to judge one of them.
  'batches_cut',
  'operator_commands',
  'operator_refused',
  'killed_accounts',
  // The journal: the last record, up to which they are safe, what waits, what its thread did.
  'journal_sequence',
  'journal_released',
  'journal_waiting_bytes',
  'journal_batches',
  'journal_bytes',
  'journal_syncs',
  'journal_sync_ns',
  'journal_sync_ns_max',
  'journal_batch_records_max',
  // Turns in which sessions were not read because too much was under way.
  'journal_paused',
  'journal_snapshots',
  ...REJECTED_NAMES,
] as const;
export type CounterName = (typeof NAMES)[number];

/** Index of each counter: `values[C.trades] += 1`. */
export const C = Object.fromEntries(NAMES.map((name, index) => [name, index])) as Readonly<
  Record<CounterName, number>
>;

export function exchangeCounters(): Counters {
  return new Counters(NAMES);
}
