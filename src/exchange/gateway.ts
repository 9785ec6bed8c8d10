// Order entry: listeners, connections, framings, who is who. Requests go on to the sequencer; what
// the accounts' outbound logs hold goes out to their connections.
//
//   accept ─► Session ─► first byte: framing ─► log-in, first message: identity ─► Sequencer
//   Responses ─► outbound log of the account ─► flush: one send a session a turn ─► connection
//
// Identity: on `soup` by the log-in (login_check.ts: a signature, or on loopback a password; without
// accounts a decimal user name is the client id), on bare and sequenced by the client id of the first
// message, from loopback only, and then fixed. One connection an account: a second one is refused and
// the first goes on.
//
// After a start on a journal, clients whose orders end with their connection have a grace to come back;
// who does not has had a connection that ended.
//
// Fairness: every session with news is visited once a turn, for one read and `framesPerTurn`
// frames. What it has sent beyond that waits in its buffer or in the kernel, which pushes back on
// that client alone. Every way in and out is bounded: connections, bytes in, bytes out, time to log
// in, time to finish a frame, silence. A session that breaks a bound is closed with a reason, which
// is counted. One that sends faster than it may has its requests refused, and is read a little and
// seldom (TOO_FAST_FRAMES every TOO_FAST_REST_NS) until it keeps its rate: the rest waits on its own
// side. New connections are taken at a rate of their own, for taking one costs more than a request.
//
// Order: the requests of a session in the order of their bytes; those of different sessions in the
// order of the visits. Cost: nothing for an idle session but a look every SWEEP_NS; one that floods: a read for each
// 62 KiB, and what its refusals cost.
import { POLL_AGAIN_NS } from '../base/agent.ts';
import { assert } from '../base/assert.ts';
import type { Counters } from '../base/counters.ts';
import type { Network, StreamConnection, StreamListener } from '../net/transport.ts';
import { faultText, Frame, FrameFault, Framing } from '../wire/framing/frame.ts';
import { createFrameDecoder, createFrameWriter, detectFraming } from '../wire/framing/framing.ts';
import { readSignature, writeChallenge } from '../wire/framing/signed_login.ts';
import {
  SOUP_PACKET_BYTES_MAX,
  SoupLogin,
  writeLoginAccepted,
  writeLoginRejected,
  writeSoupControl,
} from '../wire/framing/soup.ts';
import { REQUEST_BYTES, REQUEST_TYPE_MAX } from '../wire/message_sizes.ts';
import { ClientRequest, CLIENT_NONE } from '../wire/generated/native.ts';
import {
  SoupChallenge,
  SoupHeader,
  SoupLoginAccepted,
  SoupLoginRejected,
  SoupPacket,
  SoupRejectCode,
} from '../wire/generated/soup.ts';
import { type ExchangeConfig, ListenerFraming } from './config.ts';
import { C, CLOSE_REASON_NAMES, CloseReason } from './counters.ts';
import { Reason } from '../book/types.ts';
import { Pace, type RiskGate } from './risk_gate.ts';
import { RateLimiter } from './risk/rate_limiter.ts';
import type { Sequencer } from './sequencer.ts';
import { type Account, Accounts } from './session/accounts.ts';
import { Answers } from './session/answers.ts';
import { LogMemory } from './session/log_memory.ts';
import { LoginCheck, type LoginSecurity } from './session/login_check.ts';
import { BROKEN, OutboundLog } from './session/outbound_log.ts';
import { SessionEvent, type SessionRecord } from '../journal/payloads.ts';
import type { JournalStage } from './journal_stage.ts';
import { Session, SessionState } from './session/session.ts';

/**
 * How often the deadlines of every session are looked at: a few sessions a turn. Of 1,000 at once, with a heartbeat to each,
 * everybody else's orders would wait for milliseconds.
 */
const SWEEP_NS = 50_000_000;
/**
 * Received is only when less than this waits to be decoded, and so at most one frame: one that floods has its buffer full, and
 * topping it up by what a turn takes from it would be a read, and a move of the rest, each time.
 */
const RECEIVE_BELOW_BYTES = SOUP_PACKET_BYTES_MAX;
/** New connections taken in a turn, some 20 µs each. */
const ACCEPTS_PER_TURN = 16;
/**
 * Of a session whose requests come too fast: 4,000 refusals a second, below 0.3 % of the thread. Once a millisecond it was just below
 * 1 %, and so at the edge of everybody's p99. Its rate it has all the same: what it may send adds up while it rests.
 */
const TOO_FAST_FRAMES = 16;
const TOO_FAST_REST_NS = 4_000_000;
/** Accounts without a connection of which a sweep asks whether they can be forgotten. */
const FORGETS_PER_SWEEP = 64;
/** The same when a new one finds no place. */
const FORGETS_WHEN_FULL = 1_024;
/** Accounts whose orders a sweep ends because their client has not come back: one command each. */
const GIVEN_UP_PER_SWEEP = 64;

/** Numbers of the journal's session records, from 1. */
const FRAMING_NUMBERS: readonly Framing[] = [Framing.Bare, Framing.Sequenced, Framing.Soup];

/** Told of what people may want to read; never of a request. */
export interface GatewayListener {
  onLogin(session: Session, account: Account): void;
  /** `detail`: what came and what was expected; '' where the reason says it all. */
  onClose(session: Session, reason: CloseReason, detail: string): void;
  /** Somebody should look into this. */
  onAlarm(what: string): void;
}

export class Gateway {
  readonly accounts: Accounts;
  #config: ExchangeConfig;
  readonly #network: Network;
  readonly #listeners: readonly StreamListener[];
  readonly #listener: GatewayListener;
  readonly #values: Counters['values'];
  #sequencer: Sequencer | null = null;
  #gate: RiskGate | null = null;
  /** null: nothing is journaled. */
  #journal: JournalStage | null = null;
  /** Of new connections; it has one account, the exchange. */
  readonly #accepts = new RateLimiter(1);
  readonly #sessions: (Session | null)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #addresses = new Map<string, number>();
  /** Sessions with complete frames left over, this turn's and the next one's. */
  #backlog: Session[] = [];
  #nextBacklog: Session[] = [];
  /** Accounts with something to send. */
  readonly #pending: Account[] = [];
  /**
   * Sessions that have not read their answers, and such that sent too fast too often: closed at the
   * next turn, not amid a batch, and after they were told why.
   */
  readonly #condemned: Session[] = [];
  /** Accounts that named themselves, without a connection, until nothing of them is left. */
  #leaving: Account[] = [];
  /** Clients that had orders that end with their connection when this start began. */
  readonly #awaited: number[] = [];
  /** Until when. */
  #graceUntilNs = 0;
  readonly #login = new SoupLogin();
  readonly #sessionName: string;
  #count = 0;
  #nowNs = 0;
  readonly #logMemory: LogMemory;
  readonly #loginCheck: LoginCheck;
  #turn = 0;
  #sweepNs = 0;
  /** The next slot whose deadlines are looked at, and up to when they have been. */
  #sweepSlot = 0;
  #sweptNs = 0;

  constructor(
    config: ExchangeConfig,
    network: Network,
    listeners: readonly StreamListener[],
    sessionName: string,
    counters: Counters,
    listener: GatewayListener,
    security: LoginSecurity | null = null,
  ) {
    assert(listeners.length === config.listeners.length, 'every configured listener is open');
    this.#config = config;
    this.#network = network;
    this.#listeners = listeners;
    this.#sessionName = sessionName;
    this.#values = counters.values;
    this.#listener = listener;
    this.#logMemory = new LogMemory(config.limits.outboundTotalBytes);
    this.#accepts.set(0, config.limits.connectionsPerSecond);
    this.#loginCheck = new LoginCheck(config.accounts, security);
    this.accounts = new Accounts(
      config.accounts,
      config.limits.accounts,
      config.cancelOnDisconnect,
    );
  }

  /** Where requests go, and who says what may be; once, before the first poll. */
  connect(sequencer: Sequencer, gate: RiskGate): void {
    assert(this.#sequencer === null, 'a gateway is connected once');
    this.#sequencer = sequencer;
    this.#gate = gate;
  }

  /** Limits that are read at each use change at once; sizes were taken at the start. */
  reconfigure(config: ExchangeConfig): void {
    this.#config = config;
    this.#accepts.set(0, config.limits.connectionsPerSecond);
  }

  /** Bytes that the outbound logs of all clients hold. */
  get logBytes(): number {
    return this.#logMemory.bytes;
  }

  /** Connections open now. */
  get count(): number {
    return this.#count;
  }

  /** True while a connection from this address is logged in. */
  hasLiveSession(address: string): boolean {
    return this.#addresses.has(address);
  }

  /** Takes new connections and reads those with news. Returns the frames read. */
  poll(nowNs: number): number {
    this.#nowNs = nowNs;
    this.#turn++;
    let work = this.#accept();
    for (let i = 0; i < this.#condemned.length; i++) this.#end(this.#condemned[i]);
    this.#condemned.length = 0;
    const backlog = this.#backlog;
    this.#backlog = this.#nextBacklog;
    this.#nextBacklog = backlog;
    for (let i = 0; i < backlog.length; i++) {
      backlog[i].backlogged = false;
      work += this.#mayVisit() ? this.#visit(backlog[i]) : this.#putOff(backlog[i]);
    }
    while (backlog.length > 0) backlog.pop(); // `length = 0` gives the memory back
    const network = this.#network;
    const ready = network.readyCount;
    for (let i = 0; i < ready; i++) {
      const connection = network.ready(i);
      const session = connection.tag < 0 ? null : this.#sessions[connection.tag];
      if (session === null || session === undefined || session.connection !== connection) continue;
      work += this.#mayVisit() ? this.#visit(session) : this.#putOff(session);
    }
    this.#sweepSessions();
    if (nowNs >= this.#sweepNs) {
      this.#sweepNs = nowNs + SWEEP_NS;
      this.#forgetSome(FORGETS_PER_SWEEP);
      if (this.#awaited.length > 0) this.#giveUpAwaited();
    }
    return work;
  }

  /** When it has something to do though nothing comes; a look at every session. */
  dueNs(nowNs: number): number {
    if (this.#backlog.length > 0 || this.#condemned.length > 0) return nowNs;
    if (this.#pending.length > 0 || !this.#accepts.has(0, nowNs)) return nowNs + POLL_AGAIN_NS;
    let due = this.#leaving.length > 0 ? this.#sweepNs : Infinity;
    if (this.#awaited.length > 0) due = Math.min(due, Math.max(this.#graceUntilNs, this.#sweepNs));
    let session = Infinity;
    for (const one of this.#sessions)
      if (one !== null) session = Math.min(session, this.#dueOf(one));
    // By then all of them have their turn to be looked at.
    return Math.min(due, Math.max(session, this.#sweptNs + SWEEP_NS));
  }

  /** An account has something to send. */
  readonly pending = (account: Account): void => {
    account.listed = true;
    this.#pending.push(account);
  };

  /**
   * An account's log is full of what was not read: the connection goes, the log stays and makes
   * room.
   */
  readonly overflowed = (account: Account): void => {
    assert(
      account.session !== null && account.log !== null,
      'a log without a reader makes room by itself',
    );
    account.log.detach();
    account.session.fate = CloseReason.SlowReader;
    this.#condemned.push(account.session);
  };

  /** Sends what waits, as far as the connections take it. Returns the bytes sent. */
  flush(nowNs: number): number {
    this.#nowNs = nowNs;
    const pending = this.#pending;
    let bytes = 0;
    let kept = 0;
    for (let i = 0; i < pending.length; i++) {
      const account = pending[i];
      const { session } = account;
      if (session !== null) {
        if (this.#journal !== null) this.#holdBack(account.log, this.#journal);
        bytes += this.#flushSession(session);
        if (session.open && session.waits) {
          pending[kept++] = account;
          continue;
        }
      }
      account.listed = false;
    }
    while (pending.length > kept) pending.pop();
    this.#values[C.bytes_out] += bytes;
    return bytes;
  }

  /**
   * Ends a session: its connection is closed, its orders are cancelled if so agreed, the reason is
   * counted.
   */
  close(session: Session, reason: CloseReason, detail: string): void {
    if (!session.open) return;
    session.state = SessionState.Closed;
    this.#values[reason] += 1;
    this.#listener.onClose(session, reason, detail);
    session.connection.close();
    session.connection.tag = -1;
    this.#sessions[session.slot] = null;
    this.#freeSlots.push(session.slot);
    this.#count--;
    const { account } = session;
    if (account === null) return;
    this.#record(SessionEvent.Closed, account, session);
    account.session = null;
    if (account.log !== null && account.log !== account.kept) this.#logMemory.remove(account.log);
    account.log = account.kept;
    account.log?.detach();
    this.#leave(session.address);
    if (account.cancelOnDisconnect && reason !== CloseReason.Shutdown)
      this.#to().cancelAll(account.client, Reason.None);
    this.letGo(account);
  }

  /**
   * Ends all sessions, with an end-of-session packet where the framing has one; takes no more
   * connections.
   */
  shutdown(nowNs: number): void {
    this.#nowNs = nowNs;
    for (const listener of this.#listeners) listener.close();
    for (const session of this.#sessions) {
      if (session === null) continue;
      // A journaled session goes on after the next start: it has not ended.
      const ends = this.#journal === null && session.decoder?.framing === Framing.Soup;
      if (ends && session.state === SessionState.Active) {
        this.#control(session, SoupPacket.EndOfSession);
      }
      if (session.open) this.close(session, CloseReason.Shutdown, '');
    }
  }

  // ── connections ────────────────────────────────────────────────────────────────────────────

  #accept(): number {
    let accepted = 0;
    for (let i = 0; i < this.#listeners.length; i++) {
      const { framing } = this.#config.listeners[i];
      while (accepted < ACCEPTS_PER_TURN && this.#accepts.has(0, this.#nowNs)) {
        const connection = this.#listeners[i].accept();
        if (connection === null) break;
        this.#accepts.take(0, this.#nowNs);
        this.#admit(connection, framing);
        accepted++;
      }
    }
    return accepted;
  }

  #admit(connection: StreamConnection, listener: ListenerFraming): void {
    const { limits } = this.#config;
    const slot = this.#freeSlots.pop() ?? this.#sessions.length;
    const session = new Session(slot, connection, listener, limits.receiveBytes, this.#nowNs);
    this.#sessions[slot] = session;
    connection.tag = slot;
    this.#count++;
    this.#values[C.connections] += 1;
    if (listener !== ListenerFraming.Auto) this.#decide(session, listener);
    // From there only those who sign can come in, whatever they speak.
    else if (!session.isLoopback) this.#challenge(session);
    if (this.#countFrom(session) > limits.connectionsPerAddress) {
      return this.close(
        session,
        CloseReason.TooManyConnections,
        `from ${session.address}: at most ${limits.connectionsPerAddress}`,
      );
    }
    if (this.#count <= limits.connections) {
      this.#flushSession(session);
      return;
    }
    const oldest = this.#oldestUnidentified(session);
    if (oldest !== null)
      this.close(oldest, CloseReason.Evicted, 'not logged in when the last place was needed');
    else return this.close(session, CloseReason.TooManyConnections, `at most ${limits.connections}`);
    this.#flushSession(session);
  }

  /** Connections from the same address; counted only when there could be too many of them. */
  #countFrom(session: Session): number {
    if (this.#count <= this.#config.limits.connectionsPerAddress) return 1;
    let count = 0;
    for (const other of this.#sessions)
      if (other !== null && other.address === session.address) count++;
    return count;
  }

  #oldestUnidentified(except: Session): Session | null {
    let oldest: Session | null = null;
    for (const session of this.#sessions) {
      if (session === null || session === except || session.state === SessionState.Active) continue;
      if (oldest === null || session.openedNs < oldest.openedNs) oldest = session;
    }
    return oldest;
  }

  // ── reading ────────────────────────────────────────────────────────────────────────────────

  /** One read and at most `framesPerTurn` frames. Returns the work done. */
  #visit(session: Session): number {
    if (!session.open || session.turn === this.#turn) return 0;
    session.turn = this.#turn;
    if (session.restsUntilNs > this.#nowNs || session.fate !== null) {
      session.backlogged = true;
      this.#backlog.push(session);
      return 0;
    }
    session.tooFast = 0;
    const { connection, buffer } = session;
    let received = 0;
    if (connection.readable && buffer.pending < RECEIVE_BELOW_BYTES) {
      const room = buffer.room();
      if (room > 0) received = connection.receive(buffer.bytes, buffer.end, room);
      if (received > 0) {
        buffer.received(received);
        session.receivedNs = this.#nowNs;
        session.lapsed = false;
        this.#values[C.bytes_in] += received;
      }
    }
    let frames = 0;
    if (session.state !== SessionState.Undecided || this.#decideByFirstByte(session))
      frames = this.#decode(session);
    // The peer's end is looked at when all it had sent has been taken.
    if (received < 0 && session.open && !session.backlogged) {
      this.#flushSession(session);
      this.close(
        session,
        CloseReason.ClosedByPeer,
        buffer.pending > 0 ? `${buffer.pending} bytes of a frame were left` : '',
      );
    }
    return frames + (received === 0 ? 0 : 1);
  }

  #decode(session: Session): number {
    const { buffer, decoder } = session;
    assert(decoder !== null, 'the framing is decided');
    const framesMax = this.#config.limits.framesPerTurn;
    let frames = 0;
    while (frames < framesMax) {
      const frame = decoder.next(buffer);
      if (frame === Frame.Incomplete) {
        if (buffer.pending === 0) session.frameSinceNs = -1;
        else if (session.frameSinceNs < 0) session.frameSinceNs = this.#nowNs;
        return frames;
      }
      if (frame === Frame.Fault) {
        const detail = faultText(decoder.fault, decoder.expected, decoder.actual);
        this.close(session, CloseReason.BadFrame, detail);
        return frames;
      }
      frames++;
      session.frameSinceNs = -1;
      if (frame === Frame.Message) this.#message(session, decoder.offset, decoder.length);
      else this.#packet(session, frame, decoder.offset, decoder.length);
      if (!session.open) return frames;
      if (session.tooFast >= TOO_FAST_FRAMES || session.fate !== null) {
        session.restsUntilNs = this.#nowNs + TOO_FAST_REST_NS;
        break;
      }
    }
    session.backlogged = true;
    this.#backlog.push(session);
    return frames;
  }

  #message(session: Session, at: number, length: number): void {
    const { view } = session.buffer;
    const soup = session.decoder?.framing === Framing.Soup;
    if (session.state !== SessionState.Active) {
      if (soup) return this.#signature(session, at, length);
      this.#identify(session, ClientRequest.client(view, at));
      if (!session.open) return;
    }
    if (soup) {
      const expected = REQUEST_BYTES[length === 0 ? 0 : view.getUint8(at)];
      if (expected === 0 || length !== expected) {
        const detail =
          expected === 0
            ? faultText(
                FrameFault.MessageType,
                REQUEST_TYPE_MAX,
                length === 0 ? 0 : view.getUint8(at),
              )
            : `request of type ${view.getUint8(at)}: expected ${expected} bytes, was ${length}`;
        return this.close(session, CloseReason.BadFrame, detail);
      }
    }
    assert(session.account !== null, 'an active session has an account');
    const pace = this.#to().request(view, at, session.account, soup);
    if (pace === Pace.Kept) return;
    session.tooFast++;
    if (pace === Pace.LogOut && session.fate === null) {
      session.fate = CloseReason.Rate;
      this.#condemned.push(session);
    }
  }

  #packet(session: Session, frame: Frame, at: number, length: number): void {
    switch (frame) {
      case Frame.Heartbeat:
      case Frame.Debug:
        return;
      case Frame.Login:
        if (session.state === SessionState.Active)
          return this.close(session, CloseReason.Protocol, 'a second log-in');
        return this.#logIn(session, at, length);
      default:
        assert(frame === Frame.Logout, 'a client sends no other packet');
        this.#flushSession(session);
        this.close(session, CloseReason.LoggedOut, '');
    }
  }

  // ── identity ───────────────────────────────────────────────────────────────────────────────

  #decideByFirstByte(session: Session): boolean {
    if (session.buffer.pending === 0) return false;
    const first = session.buffer.bytes[session.buffer.start];
    const framing = detectFraming(first);
    if (framing === null) {
      this.close(
        session,
        CloseReason.BadFrame,
        faultText(FrameFault.Framing, REQUEST_TYPE_MAX, first),
      );
      return false;
    }
    this.#decide(session, framing);
    this.#flushSession(session);
    return session.open;
  }

  #decide(session: Session, framing: Framing): void {
    session.decoder = createFrameDecoder(framing, 'requests');
    session.state = SessionState.Unidentified;
    if (framing === Framing.Soup && session.nonce === null) this.#challenge(session);
  }

  /** Where there are keys: what has to be signed to come in. */
  #challenge(session: Session): void {
    if (!this.#loginCheck.signs) return;
    const at = session.claimControl(SoupChallenge.bytes);
    assert(at >= 0, 'the challenge is the first packet');
    session.nonce = this.#loginCheck.nonce();
    writeChallenge(session.controlView, at, session.nonce);
  }

  /** A message before the log-in: the one signature that may come there. */
  #signature(session: Session, at: number, length: number): void {
    const proof = readSignature(session.buffer.view, at, length);
    if (proof === null)
      return this.close(session, CloseReason.Protocol, 'a request before the log-in');
    if (session.nonce === null || session.proof !== null) {
      const detail = session.nonce === null ? 'a signature without a challenge' : 'a second signature';
      return this.close(session, CloseReason.Protocol, detail);
    }
    session.proof = proof;
  }

  /** Bare and sequenced: the first message says who it is. */
  #identify(session: Session, client: number): void {
    if (!session.isLoopback && !this.#config.insecure) {
      return this.close(
        session,
        CloseReason.Unauthenticated,
        'a framing without log-in is for loopback only',
      );
    }
    if (client === CLIENT_NONE)
      return this.close(session, CloseReason.Protocol, `client id: expected below ${CLIENT_NONE}`);
    const account = this.accountOf(client);
    if (account === null)
      return this.close(
        session,
        CloseReason.LoginRefused,
        `at most ${this.#config.limits.accounts} accounts`,
      );
    if (account.config !== null) {
      return this.close(
        session,
        CloseReason.Unauthenticated,
        `client ${client} has an account and logs in on soup`,
      );
    }
    if (account.session !== null)
      return this.close(session, CloseReason.InUse, `client ${client} has a session`);
    assert(session.decoder !== null, 'the framing is decided');
    this.#record(SessionEvent.LoggedIn, account, session);
    account.log = new OutboundLog(
      createFrameWriter(session.decoder.framing, 'responses'),
      this.#config.limits.slowReaderBytes,
      this.#logMemory,
    );
    if (this.#journal !== null) account.log.hold();
    account.log.attach(1);
    this.#enter(session, account);
  }

  #logIn(session: Session, at: number, length: number): void {
    const login = this.#login;
    if (!login.readRequest(session.buffer.view, at, length)) {
      return this.close(
        session,
        CloseReason.BadFrame,
        'log-in: expected decimal numbers in its number fields',
      );
    }
    const fault = this.#loginFault(session, login);
    const account = fault === '' ? this.#accountOfUser(login.user) : null;
    if (account === null) {
      const why = fault === '' ? `at most ${this.#config.limits.accounts} accounts` : fault;
      return this.#refuse(
        session,
        SoupRejectCode.NotAuthorised,
        CloseReason.LoginRefused,
        `user "${printable(login.user)}": ${why}`,
      );
    }
    if (account.session !== null) {
      return this.#refuse(
        session,
        SoupRejectCode.SessionNotAvailable,
        CloseReason.InUse,
        `client ${account.client} has a session`,
      );
    }
    if (login.session !== '' && login.session !== this.#sessionName) {
      this.letGo(account);
      return this.#refuse(
        session,
        SoupRejectCode.SessionNotAvailable,
        CloseReason.LoginRefused,
        `session: expected ${this.#sessionName} or none`,
      );
    }
    if (!this.#mayEnter(account)) {
      return this.#refuse(
        session,
        SoupRejectCode.SessionNotAvailable,
        CloseReason.Rate,
        'it logs in and sends too fast',
      );
    }
    const log = account.kept ?? this.#keptLog();
    const next = login.nextSequence === 0 ? log.next : login.nextSequence;
    if (!log.has(next)) {
      const detail = `next sequence: expected ${log.first} … ${log.next}, was ${next}`;
      if (next > log.next) {
        this.#values[C.logins_ahead] += 1;
        this.#listener.onAlarm(
          `client ${account.client} is ahead of this exchange (${detail}): what it was told is not known here`,
        );
      }
      this.letGo(account);
      return this.#refuse(
        session,
        SoupRejectCode.SessionNotAvailable,
        CloseReason.LoginRefused,
        detail,
      );
    }
    if (session.proof !== null) this.#values[C.logins_signed] += 1;
    this.#record(SessionEvent.LoggedIn, account, session);
    if (this.#journal !== null) {
      log.hold();
      session.heldFor = this.#journal.lastSequence;
    }
    account.log = account.kept = log;
    if (this.#config.risingOrderIds) account.answers ??= new Answers();
    const answer = session.claimControl(SoupLoginAccepted.bytes);
    assert(answer >= 0, 'the answer to a log-in is the first packet');
    writeLoginAccepted(session.controlView, answer, this.#sessionName, next);
    log.attach(next);
    session.resumedBytes = log.unsentBytes;
    this.#enter(session, account);
    this.#flushSession(session);
    if (session.open && session.waits && !account.listed) this.pending(account);
  }

  #keptLog(): OutboundLog {
    return new OutboundLog(
      createFrameWriter(Framing.Soup, 'responses'),
      this.#config.limits.outboundLogBytes,
      this.#logMemory,
    );
  }

  // ── journal ────────────────────────────────────────────────────────────────────────────────

  /**
   * From now on sessions are journaled, and nothing leaves before it is safe. Connections of the process
   * before have ended; their clients have a grace to come back.
   */
  journalTo(journal: JournalStage, nowNs: number): void {
    assert(this.#count === 0, 'a journal begins before the first session');
    this.#journal = journal;
    this.replayStart(); // as whoever replays the Start that stands in the journal now
    this.#graceUntilNs = nowNs + this.#config.limits.restartGraceNs;
    for (const account of this.accounts.all()) {
      account.kept?.hold();
      if (account.cancelOnDisconnect && this.#mayHaveOrders(account)) this.#awaited.push(account.client);
    }
  }

  #mayHaveOrders(account: Account): boolean {
    const gate = this.#risk();
    return !gate.follows || gate.openOrdersOf(account) > 0;
  }

  /** Orders of clients that have not come back end as they do when a connection ends. */
  #giveUpAwaited(): void {
    if (this.#nowNs < this.#graceUntilNs) return;
    for (let i = 0; i < GIVEN_UP_PER_SWEEP; i++) {
      const client = this.#awaited.pop();
      if (client === undefined) return;
      // By its number: the account may have been forgotten since, and be another's now.
      const account = this.accounts.find(client);
      if (account === null || account.hasReturned || !this.#mayHaveOrders(account)) continue;
      this.#values[C.never_returned] += 1;
      this.#to().cancelAll(client, Reason.None);
    }
  }

  /** Told amid a log-in and a session's end, before it has an effect. */
  #record(event: SessionEvent, account: Account, session: Session): void {
    if (this.#journal === null || this.#journal.failed) return;
    this.#to().cut(); // what came before it stands before it
    this.#journal.session({
      event,
      framing: FRAMING_NUMBERS.indexOf(session.decoder?.framing ?? Framing.Bare) + 1,
      client: account.client,
      ...accountSequences(account),
      account: account.config?.user ?? '',
    });
  }

  /**
   * A session of the journal's began or ended. A RangeError when its account has not come as far here
   * as it had there.
   */
  replaySession(record: SessionRecord): void {
    const account = this.replayAccount(record.client);
    const { orderId, outboundSequence } = accountSequences(account);
    if (record.orderId !== orderId || record.outboundSequence !== outboundSequence) {
      throw new RangeError(
        `client ${record.client}: expected order id ${record.orderId} and outbound sequence ` +
          `${record.outboundSequence}, was ${orderId} and ${outboundSequence}`,
      );
    }
    if (record.event !== SessionEvent.LoggedIn) this.#replayEnd(account);
    else if (FRAMING_NUMBERS[record.framing - 1] !== Framing.Soup) account.log = null;
    else this.keep(account);
  }

  /** A process began to write the journal: no session of the one before is left. */
  replayStart(): void {
    for (const account of this.accounts.all()) this.#replayEnd(account);
  }

  /** The account of a client that the journal has let in. */
  readonly replayAccount = (client: number): Account => {
    const account = this.accountOf(client);
    if (account !== null) return account;
    throw new RangeError(
      `client ${client}: expected room for one more account, limits.accounts was ${this.accounts.count}`,
    );
  };

  /** The account has a log at which it can resume. */
  keep(account: Account): OutboundLog {
    account.log = account.kept ??= this.#keptLog();
    if (this.#config.risingOrderIds) account.answers ??= new Answers();
    return account.kept;
  }

  #replayEnd(account: Account): void {
    account.log = account.kept;
    this.letGo(account);
  }

  /** Records of the journal, and up to which of them they may be told, bound what a log may send. */
  #holdBack(log: OutboundLog | null, journal: JournalStage): void {
    log?.holdUntil(journal.lastSequence, journal.released);
  }

  #mayVisit(): boolean {
    const journal = this.#journal;
    return journal === null || (this.mayRead && journal.mayRead(this.#to().slots));
  }

  /** False: the feed holds back all that its window can keep. Set each turn. */
  mayRead = true;

  /** The journal has no room for what a session could say: it is visited again in the next turn. */
  #putOff(session: Session): number {
    this.#values[C.journal_paused] += 1;
    if (session.open && !session.backlogged) {
      session.backlogged = true;
      this.#backlog.push(session);
    }
    return 0;
  }

  /** '' when the log-in may use its account. */
  #loginFault(session: Session, login: SoupLogin): string {
    const trusted = session.isLoopback || this.#config.insecure;
    if (this.accounts.configured) {
      const config = this.accounts.ofUser(login.user);
      const fault = this.#loginCheck.faultOf(login, config, session, trusted);
      if (fault !== '' && session.proof !== null) this.#values[C.signatures_refused] += 1;
      return fault;
    }
    if (!trusted) return 'without accounts it is for loopback only';
    return /^\d{1,6}$/.test(login.user) ? '' : 'expected a client id';
  }

  /** null: no room for one more. */
  #accountOfUser(user: string): Account | null {
    if (!this.accounts.configured) return this.accountOf(Number(user));
    const config = this.accounts.ofUser(user);
    assert(config !== undefined, 'who may log in is configured');
    return this.accounts.find(config.client);
  }

  #refuse(session: Session, code: number, reason: CloseReason, detail: string): void {
    const at = session.claimControl(SoupLoginRejected.bytes);
    if (at >= 0) writeLoginRejected(session.controlView, at, code);
    this.#flushSession(session);
    this.close(session, reason, detail);
  }

  #enter(session: Session, account: Account): void {
    session.account = account;
    session.state = SessionState.Active;
    session.nonce = session.proof = null; // they have served
    account.session = session;
    account.hasReturned = true;
    this.#addresses.set(session.address, (this.#addresses.get(session.address) ?? 0) + 1);
    this.#values[C.logins] += 1;
    this.#listener.onLogin(session, account);
  }

  #leave(address: string): void {
    const left = (this.#addresses.get(address) ?? 0) - 1;
    if (left > 0) this.#addresses.set(address, left);
    else this.#addresses.delete(address);
  }

  // ── time ───────────────────────────────────────────────────────────────────────────────────

  /** As many sessions as it takes to look at each once in SWEEP_NS. */
  #sweepSessions(): void {
    const sessions = this.#sessions;
    const slots = sessions.length;
    const elapsedNs = this.#nowNs - this.#sweptNs;
    const due = Math.min(slots, Math.floor((elapsedNs * slots) / SWEEP_NS));
    if (due === slots) this.#sweptNs = this.#nowNs;
    else this.#sweptNs += (due * SWEEP_NS) / slots;
    for (let i = 0; i < due; i++) {
      this.#sweepSlot = this.#sweepSlot + 1 < slots ? this.#sweepSlot + 1 : 0;
      const session = sessions[this.#sweepSlot];
      if (session !== null) this.#checkTimes(session);
    }
  }

  #checkTimes(session: Session): void {
    const { limits } = this.#config;
    const now = this.#nowNs;
    if (session.frameSinceNs >= 0 && now - session.frameSinceNs > limits.frameNs) {
      return this.close(
        session,
        CloseReason.FrameDeadline,
        `${session.buffer.pending} bytes of a frame`,
      );
    }
    // A client of another system may connect and wait for the market before it speaks: bare and
    // sequenced listeners have no deadline, there an unidentified connection gives way when its
    // place is needed.
    const waits =
      session.listener === ListenerFraming.Bare || session.listener === ListenerFraming.Sequenced;
    if (session.state !== SessionState.Active) {
      if (!waits && now - session.openedNs > limits.loginNs)
        this.close(session, CloseReason.LoginDeadline, '');
      return;
    }
    if (session.decoder?.framing !== Framing.Soup) return;
    const silence = now - session.receivedNs;
    if (silence > 2 * limits.lapseNs)
      return this.close(session, CloseReason.Lapsed, `silent for ${Math.round(silence / 1e9)} s`);
    if (silence > limits.lapseNs && !session.lapsed) {
      session.lapsed = true;
      this.#values[C.lapses] += 1;
    }
    if (now - session.sentNs >= limits.heartbeatNs && !session.waits) {
      this.#control(session, SoupPacket.ServerHeartbeat);
    }
  }

  /** When `checkTimes` next does something to it. */
  #dueOf(session: Session): number {
    const { limits } = this.#config;
    const frame = session.frameSinceNs < 0 ? Infinity : session.frameSinceNs + limits.frameNs;
    if (session.state !== SessionState.Active) {
      const waits =
        session.listener === ListenerFraming.Bare || session.listener === ListenerFraming.Sequenced;
      return waits ? frame : Math.min(frame, session.openedNs + limits.loginNs);
    }
    if (session.decoder?.framing !== Framing.Soup) return frame;
    const lapse = session.receivedNs + (session.lapsed ? 2 : 1) * limits.lapseNs;
    return Math.min(frame, lapse, session.sentNs + limits.heartbeatNs);
  }

  /**
   * A packet without payload; left out when there is no room, which means that others wait to be
   * sent.
   */
  #control(session: Session, type: number): void {
    const at = session.claimControl(SoupHeader.bytes);
    if (at < 0) return;
    writeSoupControl(session.controlView, at, type);
    this.#flushSession(session);
    const { account } = session;
    if (session.open && session.waits && account !== null && !account.listed)
      this.pending(account);
  }

  #flushSession(session: Session): number {
    if (this.#journal !== null && session.heldFor > this.#journal.released) return 0;
    const sent = session.flush(this.#nowNs);
    if (sent === BROKEN) {
      this.close(session, CloseReason.ClosedByPeer, 'it takes no more bytes');
      return 0;
    }
    const waiting = session.pendingBytes;
    if (waiting < session.resumedBytes) session.resumedBytes = waiting;
    if (waiting > this.#config.limits.slowReaderBytes + session.resumedBytes) {
      this.close(session, CloseReason.SlowReader, `${waiting} bytes were not read`);
    }
    return sent;
  }

  /** An account that named itself and has nothing to come back to is no more, once nothing of it is left. */
  letGo(account: Account): void {
    if (account.config !== null || account.session !== null || account.kept !== null) return;
    if (!account.leaving) {
      account.leaving = true;
      this.#leaving.push(account);
    }
  }

  /**
   * Accounts whose connection has gone and that have neither orders nor a position, a lock or a used-up
   * rate are forgotten; the others are asked again, some a sweep.
   */
  #forgetSome(accountsMax: number): void {
    const gate = this.#risk();
    const leaving = this.#leaving;
    for (let i = Math.min(leaving.length, accountsMax); i > 0; i--) {
      const account = leaving.shift() as Account;
      account.leaving = false;
      if (account.session !== null || account.kept !== null) continue;
      if (gate.keeps(account)) this.letGo(account);
      else {
        gate.forget(account);
        this.accounts.remove(account);
      }
    }
  }

  /** The account of a client that names itself; who has left makes room first. */
  accountOf(client: number): Account | null {
    const account = this.accounts.open(client);
    if (account !== null) return account;
    this.#forgetSome(FORGETS_WHEN_FULL);
    return this.accounts.open(client);
  }

  /** Whether the account may log in now: that counts as a message. */
  #mayEnter(account: Account): boolean {
    if (this.#risk().mayEnter(account)) return true;
    this.letGo(account);
    return false;
  }

  /** Closes a session as was decided amid a batch. */
  #end(session: Session): void {
    if (session.fate === CloseReason.SlowReader)
      return this.close(session, session.fate, 'its outbound log is full');
    this.#flushSession(session);
    this.close(session, CloseReason.Rate, 'too many of its requests came too fast');
  }

  #risk(): RiskGate {
    assert(this.#gate !== null, 'the gateway is connected to the risk gate');
    return this.#gate;
  }

  #to(): Sequencer {
    assert(this.#sequencer !== null, 'the gateway is connected to a sequencer');
    return this.#sequencer;
  }
}

/** How far an account has come, as the journal's session records have it. */
function accountSequences(account: Account): { orderId: bigint; outboundSequence: number } {
  const orderId =
    account.orderHigh < 0 ? 0n : (BigInt(account.orderHigh) << 32n) | BigInt(account.orderLow);
  return { orderId, outboundSequence: account.kept?.next ?? 0 };
}

/** Name of a reason, as it is counted. */
export function closeReasonText(reason: CloseReason): string {
  return CLOSE_REASON_NAMES[reason].replace('closed_', '').replaceAll('_', ' ');
}

/** Client text for a log: nothing in it can be anything but itself. */
function printable(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, '?');
}
