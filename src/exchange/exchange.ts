// The exchange: from the bytes of its clients to their answers and the public feed. This file is
// the pipeline; each stage is a file of its own.
//
//   1 network ─► 2 gateway ─► 3 sequencer, risk gate ─► journaled ─► 4 engine ─┬─► 5 responses ─► 7 sessions flushed
//       operator ─► controls ───┘                                              └─► 6 feed ─► 8 snapshots, retransmission
//
// One agent on one thread: `poll` runs all stages once, so an order that has arrived is matched,
// answered and published in the same turn. It never waits; the transport is handed in, and so is
// the time.
//
// With a journal (`recovery`, then `startJournal`) every input is appended before it is executed, and
// what leaves waits until that is safe (journal_stage.ts). After a crash the same stages execute the
// journal once more with their sockets silent: the same ids, answers, numbers, names.
//
// Order: all requests in one sequence, by arrival. Answers and updates in the order of the events.
// Limits: those of the configuration (config.ts); each has a counter (counters.ts).
import { assert } from '../base/assert.ts';
import { POLL_AGAIN_NS, type Agent } from '../base/agent.ts';
import type { Counters } from '../base/counters.ts';
import type { CoreVariant } from '../book/core_module.ts';
import { MatchingEngine } from '../book/matching_engine.ts';
import { Cmd, COMMAND, EVENT, type State } from '../book/types.ts';
import type { DatagramSocket, Network, StreamListener } from '../net/transport.ts';
import type { ExchangeConfig } from './config.ts';
import { Controls } from './controls.ts';
import { C, type CloseReason, exchangeCounters } from './counters.ts';
import { EventHash } from './event_hash.ts';
import { restoreState, saveState, type StateParts } from './exchange_state.ts';
import { FeedChannel } from './feed_channel.ts';
import { FeedPublisher } from './feed_publisher.ts';
import { Gateway, type GatewayListener } from './gateway.ts';
import { InstrumentTable } from './instruments.ts';
import { checkShape, type JournalOrigin, readOrigin, runningOf, shapeOf } from './journal_origin.ts';
import { HASH_INTERVAL_DEFAULT, JournalStage, slotsOf } from './journal_stage.ts';
import { ExchangeCommands } from './exchange_commands.ts';
import { Operator } from './operator.ts';
import { OperatorChannel } from './operator_channel.ts';
import { PublishedBooks } from './published_books.ts';
import { Responses } from './responses.ts';
import { Retransmit } from './retransmit.ts';
import { RiskGate } from './risk_gate.ts';
import { Sequencer } from './sequencer.ts';
import type { JournalFailure, JournalQueue } from '../journal/journal_queue.ts';
import { decodeSession } from '../journal/payloads.ts';
import type { JournalReader } from '../journal/reader.ts';
import { JournalType } from '../journal/record_types.ts';
import { JournalDivergedError, replay, type ReplayResult } from '../journal/replay.ts';
import type { Storage } from '../journal/storage.ts';
import { ExchangeOperation } from '../observe/profile/stages.ts';
import type { TurnProfile } from '../observe/profile/turn_profile.ts';
import type { Account } from './session/accounts.ts';
import type { LoginSecurity } from './session/login_check.ts';
import type { Session } from './session/session.ts';
import { SilentNetwork } from './silent.ts';
import { SnapshotPublisher } from './snapshot_publisher.ts';

/** Messages of a snapshot cycle that can be asked for again, the last ones of a larger cycle. */
const SNAPSHOT_WINDOW_MAX = 1 << 16;
const SNAPSHOT_WINDOW_MIN = 64;
const SESSION_NAME_DIGITS = 36 ** 6;
const CYCLE_NAME_DIGITS = 36 ** 3;
/** Operators on a network of their own are looked at this often. */
const OPERATOR_POLL_NS = 1_000_000;
/** The journal's figures are looked up this often. */
const JOURNAL_FIGURES_NS = 10_000_000;

/** What an exchange tells while it runs; calls come from inside `poll`. */
export interface ExchangeListener {
  onLogin?(session: Session, account: Account): void;
  onClose?(session: Session, reason: CloseReason, detail: string): void;
  /** An event stands at byte address `at` of the engine's memory; its responses have been written. */
  onEvent?(at: number): void;
  /** An operator's command was done or refused; in words. */
  onOperator?(what: string): void;
  /** Somebody should look into this. */
  onAlarm?(what: string): void;
  /** Writing or syncing has failed: nothing more is told to anybody, and the process must end. */
  onJournalFailed?(failure: JournalFailure): void;
}

/** Where an exchange comes from that is journaled: recovered before (journal/recovery.ts). */
export interface ExchangeRecovery {
  readonly storage: Storage;
  /** Told now and then how far a replay is. */
  readonly onProgress?: (sequence: number) => void;
  /** Goes no further than this record. Default: all there are. */
  readonly throughSequence?: number;
}

export interface JournalStart {
  readonly queue: JournalQueue;
  readonly nowNs: number;
  readonly wallClockMs: number;
  /** Who writes: program and version. */
  readonly program: string;
  /** Commands between two hashes. Default 1,024. */
  readonly hashInterval?: number;
}

export interface ExchangeOptions {
  readonly config: ExchangeConfig;
  readonly network: Network;
  /** Where operators are listened to, when it is not `network`: one that ordinary programs reach. */
  readonly operatorNetwork?: Network;
  /**
   * Names this life of the exchange, for receivers that must tell it from the last: seconds since
   * 1970 do.
   */
  readonly stamp: number;
  readonly listener?: ExchangeListener;
  /** Random bytes, hash and wall clock: where accounts have keys (net/signing.ts has them). */
  readonly security?: LoginSecurity;
  /** The state that it begins with; call `startJournal` before the first poll. Default: empty, no journal. */
  readonly recovery?: ExchangeRecovery;
  /** Follows some turns with true stamps. Default: none, at the price of a few comparisons a turn. */
  readonly profile?: TurnProfile;
  /** Default: the product. 'core.checked' asserts as it goes, for simulation. */
  readonly core?: CoreVariant;
}

interface Sockets {
  readonly listeners: readonly StreamListener[];
  readonly feed: DatagramSocket;
  readonly snapshot: DatagramSocket;
  readonly retransmit: DatagramSocket;
  /** null: there is no token, and so no channel. */
  readonly operator: StreamListener | null;
}

export class Exchange implements Agent {
  readonly name = 'exchange';
  readonly engine: MatchingEngine;
  readonly instruments: InstrumentTable;
  readonly gateway: Gateway;
  readonly gate: RiskGate;
  /** Locks, states, sessions: what operators do. */
  readonly controls: Controls;
  readonly operator: OperatorChannel | null;
  readonly feed: FeedPublisher;
  readonly counters: Counters = exchangeCounters();
  /** What `soup` sessions and feed are called. */
  readonly sessionName: string;
  /** What the journal held; null: there is no journal. */
  recovered: ReplayResult | null = null;
  #config: ExchangeConfig;
  readonly #listener: ExchangeListener;
  readonly #network: Network;
  /** null: operators come over #network. */
  readonly #operatorNetwork: Network | null;
  #operatorPollNs = 0;
  readonly #sockets: Sockets;
  readonly #sequencer: Sequencer;
  readonly #responses: Responses;
  readonly #snapshot: SnapshotPublisher;
  readonly #retransmit: Retransmit;
  readonly #books: PublishedBooks;
  /** Names the sessions: of the journal's first start, or of this one. */
  readonly #stamp: number;
  /** null: without a journal. */
  readonly #hash: EventHash | null;
  /** null: no turn is followed. */
  readonly #profile: TurnProfile | null;
  #journal: JournalStage | null = null;
  #wake: () => void = () => {};
  #replaying = false;
  /** Takes no more requests. */
  #ending = false;
  #failureTold = false;
  #figuresNs = 0;
  /** Number of the next event to look at. */
  #cursor = 0;
  #closed = false;

  /**
   * Opens listeners and sockets; a NetworkError says which of them could not be had and what to do.
   */
  static async open(options: ExchangeOptions): Promise<Exchange> {
    const { recovery } = options;
    if (recovery === undefined)
      return new Exchange(options, await openSockets(options), options.stamp);
    const origin = originFor(recovery.storage, options);
    const sockets = await openSockets(options);
    try {
      return Exchange.#recover(options, recovery, sockets, origin.stamp);
    } catch (error) {
      closeSockets(sockets);
      throw error;
    }
  }

  /** The same without a network, for its state alone: executes a journal as far as `recovery` says. */
  static async replica(config: ExchangeConfig, recovery: ExchangeRecovery): Promise<Exchange> {
    return Exchange.open({ config, network: new SilentNetwork(), stamp: 0, recovery });
  }

  static #recover(
    options: ExchangeOptions,
    recovery: ExchangeRecovery,
    sockets: Sockets,
    stamp: number,
  ): Exchange {
    const { storage, onProgress, throughSequence } = recovery;
    let current: Exchange | null = null;
    const fresh = (): Exchange => {
      current = new Exchange(options, sockets, stamp);
      current.#replaying = current.feed.channel.silent = true;
      return current;
    };
    const running = (): Exchange => {
      assert(current !== null, 'a replay begins with a state');
      return current;
    };
    const recovered = replay(
      storage,
      {
        reset: () => void fresh(),
        load: (content) => restoreState(fresh().#parts(), content),
        apply: (record) => running().#apply(record),
        stateHash: () => running().eventHash,
      },
      {
        ...(onProgress !== undefined && { onProgress }),
        ...(throughSequence !== undefined && { throughSequence }),
      },
    );
    running().#replayed(recovered);
    return running();
  }

  private constructor(options: ExchangeOptions, sockets: Sockets, originStamp: number) {
    const { config, network } = options;
    this.#config = config;
    this.#listener = options.listener ?? {};
    this.#network = network;
    this.#operatorNetwork = options.operatorNetwork ?? null;
    this.#sockets = sockets;
    this.#profile = options.profile ?? null;
    const { counters } = this;
    const stamp = Math.floor(options.stamp) % SESSION_NAME_DIGITS;
    this.#stamp = Math.floor(originStamp) % SESSION_NAME_DIGITS;
    this.sessionName = sessionName('X', this.#stamp, 0);

    // 1 Bytes come from `network` when it is polled.
    this.instruments = new InstrumentTable(config.instruments);
    this.engine = new MatchingEngine({
      instruments: this.instruments.ranges(),
      ordersMax: config.ordersMax,
      stp: config.stp,
    }, { variant: options.core ?? 'core' });
    this.engine.onEventsFull = () => this.#dispatch();
    this.#hash = options.recovery === undefined ? null : new EventHash(this.engine.u32);

    // 2 Connections, frames, identities.
    const listener: GatewayListener = {
      onLogin: (session, account) => this.#listener.onLogin?.(session, account),
      onClose: (session, reason, detail) => this.#listener.onClose?.(session, reason, detail),
      onAlarm: (what) => this.#listener.onAlarm?.(what),
    };
    this.gateway = new Gateway(
      config,
      network,
      sockets.listeners,
      this.sessionName,
      counters,
      listener,
      options.security ?? null,
    );

    // 3 Requests in one order, as commands in the engine's memory.
    this.gate = new RiskGate(config, this.engine, this.gateway.accounts);
    this.#sequencer = new Sequencer(this.engine, this.instruments, this.gate, counters, {
      anyOwner: !this.gateway.accounts.configured,
      risingOrderIds: config.risingOrderIds,
      onFull: () => this.#execute(),
    });
    this.gateway.connect(this.#sequencer, this.gate);
    this.controls = new Controls(this.#sequencer, this.gate, this.gateway, this.instruments, () => this.#wake());
    this.operator = sockets.operator === null ? null : this.#operator(sockets.operator);

    // 5 Events to those they concern.
    this.#responses = new Responses(
      this.engine,
      this.instruments,
      this.gateway.accounts,
      counters,
      this.gateway.pending,
      this.gateway.overflowed,
      (client, reason) => this.gate.onLock(client, reason),
    );

    // 6 Events to everybody.
    const books = new PublishedBooks(this.instruments.count, config.ordersMax);
    const channel = new FeedChannel(config.feed.layout, sockets.feed, config.retransmit.messages);
    channel.begin(this.sessionName, 1);
    this.#books = books;
    this.feed = new FeedPublisher(this.engine, this.instruments, books, channel);

    // 8 For those who have missed something.
    this.#snapshot = new SnapshotPublisher(
      this.feed,
      books,
      this.instruments,
      sockets.snapshot,
      config.snapshot.intervalNs,
      snapshotWindow(config),
      (cycle) => sessionName('S', stamp, cycle),
    );
    this.#retransmit = new Retransmit(
      sockets.retransmit,
      [channel, this.#snapshot.channel],
      config.retransmit.datagramsPerSecond,
      counters,
      (address) => this.gateway.hasLiveSession(address),
    );
  }

  #operator(listener: StreamListener): OperatorChannel {
    const operator = new Operator(
      new ExchangeCommands(this.controls, () => this.#figures()),
      this.config.operator.token,
      (what) => {
        this.#journal?.operator(what);
        this.#listener.onOperator?.(what);
      },
    );
    return new OperatorChannel(listener, operator, this.counters);
  }

  /** What `status` tells. */
  #figures(): object {
    const counters = this.counters.snapshot();
    const counted = Object.entries(counters).filter(([, value]) => value !== 0);
    return {
      session: this.sessionName,
      sessions: this.gateway.count,
      durability: this.#journal?.queue.mode ?? 'none',
      ordersLive: this.engine.ordersLive,
      counters: Object.fromEntries(counted),
    };
  }

  /** One turn of the pipeline. Returns the work done. */
  poll(nowNs: number): number {
    const journal = this.#journal;
    if (journal !== null && !this.#mayGoOn(journal, nowNs)) return 0;
    this.gate.turn(nowNs);
    const profile = this.#profile;
    let work = this.#network.poll();
    if (profile !== null && (work > 0 || this.#network.readyCount > 0)) profile.begin();
    if (!this.#ending) {
      let news = work > 0;
      if (this.#operatorNetwork !== null && nowNs >= this.#operatorPollNs) {
        this.#operatorPollNs = nowNs + OPERATOR_POLL_NS;
        news = this.#operatorNetwork.poll() > 0;
      }
      if (this.operator !== null) work += this.operator.poll(nowNs, news);
      work += this.gateway.poll(nowNs);
    }
    if (profile !== null) profile.sequenced();
    work += this.#execute();
    if (profile !== null) profile.executed(journal === null ? 0 : journal.lastSequence);
    if (journal !== null) this.#journaled(journal, nowNs);
    if (profile !== null) this.#profiled(profile, journal);
    work += this.feed.flush(nowNs);
    if (profile !== null) profile.feedSent();
    work += this.gateway.flush(nowNs);
    if (profile !== null) profile.end();
    work += this.#snapshot.poll(nowNs);
    work += this.#retransmit.poll(nowNs);
    this.#publishCounters();
    if (journal !== null) this.#publishFigures(journal, nowNs);
    return work;
  }

  /** What is changed from outside (`controls`, `reconfigure`) is taken up at once by the loop that it runs in, at rest or not. */
  wokenBy(wake: () => void): void {
    this.#wake = wake;
  }

  /** When it has something to do though nothing comes. */
  dueNs(nowNs: number): number {
    return Math.min(
      this.gateway.dueNs(nowNs),
      this.operator?.dueNs(nowNs) ?? Infinity,
      this.feed.dueNs(nowNs),
      this.#snapshot.dueNs(nowNs),
      this.settled ? Infinity : nowNs + POLL_AGAIN_NS,
    );
  }

  #profiled(profile: TurnProfile, journal: JournalStage | null): void {
    if (journal === null) profile.unjournaled();
    else profile.safe(journal.released);
  }

  /** What the commands of a followed turn are. */
  #countOperations(profile: TurnProfile, slots: number): void {
    const { i32, commandBase } = this.engine;
    for (let slot = 0; slot < slots; ) {
      const word = (commandBase + slot * COMMAND.size) >>> 2;
      slot += slotsOf(i32, word);
      const type = i32[word] & 0xff;
      if (type === Cmd.New) profile.count(ExchangeOperation.New);
      else if (type === Cmd.Cancel) profile.count(ExchangeOperation.Cancel);
      else if (type === Cmd.Replace || type === Cmd.Reduce) profile.count(ExchangeOperation.Modify);
      else profile.count(ExchangeOperation.Other);
    }
  }

  // ── journal ────────────────────────────────────────────────────────────────────────────────

  /** Every input goes into the journal from now on; once, before the first poll. */
  startJournal(start: JournalStart): void {
    assert(this.#journal === null && this.#hash !== null, 'a recovered exchange is journaled once');
    const { engine } = this;
    const journal = new JournalStage(
      start.queue,
      this.#hash,
      engine.i32,
      engine.commandBase,
      start.hashInterval ?? HASH_INTERVAL_DEFAULT,
    );
    journal.look(start.nowNs);
    journal.start(start.wallClockMs, start.program, this.#origin);
    this.#journal = journal;
    this.#journalRunning();
    this.gateway.journalTo(journal, start.nowNs);
    this.feed.channel.hold();
    this.operator?.hold();
  }

  /** null: there is none. */
  get journal(): JournalStage | null {
    return this.#journal;
  }

  /** Hash of all events so far; where there is a journal. */
  get eventHash(): bigint {
    assert(this.#hash !== null, 'a hash is kept for a journal');
    return this.#hash.value;
  }

  /** The whole state, for a snapshot; between two turns. */
  saveState(): Uint8Array {
    return saveState(this.#parts(), this.#origin);
  }

  /** Looks up the journal's figures once more: when its thread has ended. */
  refreshFigures(nowNs: number): void {
    if (this.#journal === null) return;
    this.#journal.look(nowNs);
    this.#publishFigures(this.#journal, Infinity);
  }

  /** No requests are taken any more; `poll` goes on telling what becomes safe. */
  endIntake(): void {
    this.#ending = true;
  }

  /** Everything that was taken is safe and has been handed to its connections. */
  get settled(): boolean {
    return this.#journal === null || this.#journal.settled;
  }

  get #origin(): JournalOrigin {
    return { stamp: this.#stamp, shape: shapeOf(this.#config) };
  }

  #parts(): StateParts {
    assert(this.#hash !== null, 'a state is saved and restored where there is a journal');
    return {
      engine: this.engine,
      hash: this.#hash,
      sequencer: this.#sequencer,
      gateway: this.gateway,
      gate: this.gate,
      books: this.#books,
      feed: this.feed,
    };
  }

  /** One record of the journal, once more. */
  #apply(record: JournalReader): void {
    try {
      switch (record.type) {
        case JournalType.Commands:
          return this.#applyCommands(record);
        case JournalType.Session:
          return this.gateway.replaySession(decodeSession(payloadOf(record)));
        case JournalType.Start:
          return this.gateway.replayStart();
        default:
          return; // said for people, or read before
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new JournalDivergedError(
        `sequence ${record.sequence} does not fit the state: ${error.message}`,
        record.sequence,
      );
    }
  }

  #applyCommands(record: JournalReader): void {
    const { engine } = this;
    const slots = record.payloadLength / COMMAND.size;
    if (!Number.isInteger(slots) || slots > engine.commandSlotsMax) {
      throw new RangeError(
        `expected at most ${engine.commandSlotsMax} commands of ${COMMAND.size} bytes, ` +
          `was ${record.payloadLength} bytes`,
      );
    }
    this.#cursor = engine.eventsWritten();
    engine.u8.set(payloadOf(record), engine.commandBase);
    this.#sequencer.replay(slots, this.gateway.replayAccount);
    engine.process(slots);
    this.#dispatch();
    this.gate.executed();
  }

  /** The replay is over: what it has counted and left to be sent is not this life's. */
  #replayed(recovered: ReplayResult): void {
    const { channel } = this.feed;
    this.gateway.flush(0);
    channel.flush();
    channel.silent = false;
    channel.datagrams = channel.lost = 0;
    this.counters.values.fill(0);
    this.#cursor = this.engine.eventsWritten();
    this.#replaying = false;
    this.recovered = recovered;
  }

  /** False: the journal has failed. */
  #mayGoOn(journal: JournalStage, nowNs: number): boolean {
    journal.look(nowNs);
    this.gateway.mayRead = this.feed.channel.hasRoom;
    const { failure } = journal;
    if (failure === null) return true;
    if (!this.#failureTold) {
      this.#failureTold = true;
      this.#listener.onJournalFailed?.(failure);
    }
    return false;
  }

  /** The turn's records are on their way; what rests on those that are safe may leave. */
  #journaled(journal: JournalStage, nowNs: number): void {
    journal.publish();
    journal.look(nowNs);
    const { lastSequence, released } = journal;
    this.feed.channel.holdUntil(lastSequence, released);
    this.operator?.holdUntil(lastSequence, released);
  }

  #publishFigures(journal: JournalStage, nowNs: number): void {
    if (nowNs - this.#figuresNs < JOURNAL_FIGURES_NS) return;
    this.#figuresNs = nowNs;
    const { values } = this.counters;
    const { queue } = journal;
    values[C.journal_sequence] = queue.lastSequence;
    values[C.journal_released] = journal.released;
    values[C.journal_waiting_bytes] = queue.backlogBytes;
    values[C.journal_batches] = queue.counter('batches');
    values[C.journal_bytes] = queue.counter('bytes');
    values[C.journal_syncs] = queue.counter('syncs');
    values[C.journal_sync_ns] = queue.counter('sync_ns');
    values[C.journal_sync_ns_max] = queue.counter('sync_ns_max');
    values[C.journal_batch_records_max] = queue.counter('batch_records_max');
  }

  get config(): ExchangeConfig {
    return this.#config;
  }

  /**
   * Takes over what may change while running (settings with `reload`, src/apps/config.ts); all else
   * must be as it was. Between two turns.
   */
  reconfigure(config: ExchangeConfig): void {
    this.#config = config;
    this.gateway.reconfigure(config);
    this.gate.reconfigure(config);
    this.#snapshot.intervalNs = config.snapshot.intervalNs;
    this.#retransmit.datagramsPerSecond = config.retransmit.datagramsPerSecond;
    this.#journalRunning();
    this.#wake();
  }

  /** An input, though one that a replay does not need: the gate has decided before the journal. */
  #journalRunning(): void {
    const running = runningOf(this.#config);
    this.#journal?.running(running, { ...running, overrides: this.#config.risk.overrides.length });
  }

  /** Bound TCP ports, in the order of the configuration. */
  get ports(): readonly number[] {
    return this.#sockets.listeners.map((listener) => listener.port);
  }

  get retransmitPort(): number {
    return this.#sockets.retransmit.port;
  }

  /** Opens, halts or closes an instrument; takes effect with the next turn, in sequence. */
  setState(ticker: number, state: State): void {
    this.controls.setState(ticker, state);
  }

  /**
   * With a journal: what is not safe by now is not told any more (`endIntake`, and poll until
   * `settled`); sessions and feed have not ended, for they go on after the next start. Without one:
   * executes what has been taken, tells every session and receiver that this is the end, closes
   * everything.
   */
  close(nowNs: number): void {
    if (this.#closed) return;
    this.#closed = true;
    const journal = this.#journal;
    if (journal === null) {
      this.#execute();
      this.gateway.flush(nowNs);
    }
    this.gateway.shutdown(nowNs);
    journal?.publish();
    if (journal === null) {
      this.feed.flush(nowNs);
      this.feed.channel.end(); // a journaled feed goes on after the next start
    } else this.#publishFigures(journal, Infinity);
    this.#publishCounters();
    this.#sockets.feed.close();
    this.#sockets.snapshot.close();
    this.#sockets.retransmit.close();
    this.operator?.close();
  }

  /**
   * 4 The batch of commands through the engine, its events to responses and feed. Returns the
   * commands.
   */
  #execute(): number {
    const slots = this.#sequencer.take();
    if (slots === 0) return 0;
    this.counters.values[C.batches] += 1;
    this.#journal?.commands(slots);
    if (this.#profile !== null) {
      if (this.#profile.following) this.#countOperations(this.#profile, slots);
      else this.#profile.passed();
    }
    this.engine.process(slots);
    this.#dispatch();
    this.gate.executed();
    return slots;
  }

  /** Events from the cursor on. Also called by the engine amid a command, when the ring is full. */
  #dispatch(): void {
    const { engine, gate } = this;
    const { follows } = gate;
    const listener = this.#listener;
    const end = engine.eventsWritten();
    const { eventBase, eventMask } = engine;
    const hash = this.#hash;
    const told = !this.#replaying;
    for (let n = this.#cursor; n < end; n++) {
      const at = eventBase + (n & eventMask) * EVENT.size;
      if (follows) gate.onEvent(at);
      this.#responses.onEvent(at);
      this.feed.onEvent(at);
      if (hash !== null) hash.onEvent(at);
      if (told) listener.onEvent?.(at);
    }
    this.counters.values[C.events] += end - this.#cursor;
    this.#cursor = end;
    engine.releaseEvents(end);
  }

  #publishCounters(): void {
    const { values } = this.counters;
    const { channel } = this.feed;
    values[C.feed_messages] = channel.next - 1;
    values[C.feed_datagrams] = channel.datagrams;
    values[C.feed_lost] = channel.lost;
    values[C.snapshot_cycles] = this.#snapshot.cycles;
    values[C.snapshot_messages] = this.#snapshot.messages;
    values[C.snapshot_lost] = this.#snapshot.channel.lost;
    values[C.killed_accounts] = this.gate.killedCount;
  }
}

/** The journal's origin, or this start's where it is empty; a JournalConfigError where it is another's. */
function originFor(storage: Storage, { config, stamp }: ExchangeOptions): JournalOrigin {
  const origin = readOrigin(storage);
  if (origin === null) return { stamp, shape: shapeOf(config) };
  checkShape(storage.name, origin, config);
  return origin;
}

function payloadOf(record: JournalReader): Uint8Array {
  return record.bytes.subarray(record.payloadAt, record.payloadAt + record.payloadLength);
}

function closeSockets(sockets: Sockets): void {
  for (const listener of sockets.listeners) listener.close();
  sockets.feed.close();
  sockets.snapshot.close();
  sockets.retransmit.close();
  sockets.operator?.close();
}

async function openSockets(options: ExchangeOptions): Promise<Sockets> {
  const { config, network, operatorNetwork = network } = options;
  const opened: { close(): void }[] = [];
  const keep = <T extends { close(): void }>(socket: T): T => {
    opened.push(socket);
    return socket;
  };
  const { interface: local, ttl, feed, snapshot, retransmit, operator } = config;
  try {
    const listeners: StreamListener[] = [];
    for (const { host, port } of config.listeners)
      listeners.push(keep(await network.listen({ host, port })));
    return {
      listeners,
      feed: keep(
        await network.multicastSender({
          group: feed.group,
          port: feed.port,
          interface: local,
          ttl,
        }),
      ),
      snapshot: keep(
        await network.multicastSender({
          group: snapshot.group,
          port: snapshot.port,
          interface: local,
          ttl,
        }),
      ),
      retransmit: keep(await network.unicast({ host: retransmit.host, port: retransmit.port })),
      operator:
        operator.enabled && operator.token !== ''
          ? keep(await operatorNetwork.listen({ host: operator.host, port: operator.port }))
          : null,
    };
  } catch (error) {
    for (const socket of opened) socket.close();
    throw error;
  }
}

/** Start, end, two messages an instrument and one an order: a power of two that holds them, up to the largest. */
function snapshotWindow({ ordersMax, instruments }: ExchangeConfig): number {
  const messages = 2 + 2 * instruments.length + ordersMax;
  let window = SNAPSHOT_WINDOW_MIN;
  while (window < messages && window < SNAPSHOT_WINDOW_MAX) window *= 2;
  return window;
}

/** Ten characters: a letter, the stamp, the cycle. */
function sessionName(letter: string, stamp: number, cycle: number): string {
  const digits = (value: number, width: number): string =>
    value.toString(36).toUpperCase().padStart(width, '0');
  const name = letter + digits(stamp, 6) + digits(cycle % CYCLE_NAME_DIGITS, 3);
  assert(name.length === 10, 'a session name has ten characters');
  return name;
}
