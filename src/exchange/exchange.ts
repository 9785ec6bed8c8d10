// The exchange: from the bytes of its clients to their answers and the public feed. This file is
// the pipeline; each stage is a file of its own.
//
//   1 network ─► 2 gateway ─► 3 sequencer, risk gate ─► 4 engine ─┬─► 5 responses ─► 7 sessions flushed
//       operator ─► controls ───┘                                 └─► 6 feed ─► 8 snapshots, retransmission
//
// One agent on one thread: `poll` runs all stages once, so an order that has arrived is matched,
// answered and published in the same turn. It never waits; the transport is handed in, and so is
// the time.
//
// Order: all requests in one sequence, by arrival. Answers and updates in the order of the events.
// Limits: those of the configuration (config.ts); each has a counter (counters.ts).
import { assert } from '../base/assert.ts';
import type { Agent } from '../base/agent.ts';
import type { Counters } from '../base/counters.ts';
import { MatchingEngine } from '../book/matching_engine.ts';
import { EVENT, type State } from '../book/types.ts';
import type { DatagramSocket, Network, StreamListener } from '../net/transport.ts';
import type { ExchangeConfig } from './config.ts';
import { Controls } from './controls.ts';
import { C, type CloseReason, exchangeCounters } from './counters.ts';
import { FeedChannel } from './feed_channel.ts';
import { FeedPublisher } from './feed_publisher.ts';
import { Gateway, type GatewayListener } from './gateway.ts';
import { InstrumentTable } from './instruments.ts';
import { Operator } from './operator.ts';
import { OperatorChannel } from './operator_channel.ts';
import { PublishedBooks } from './published_books.ts';
import { Responses } from './responses.ts';
import { Retransmit } from './retransmit.ts';
import { RiskGate } from './risk_gate.ts';
import { Sequencer } from './sequencer.ts';
import type { Account } from './session/accounts.ts';
import type { Session } from './session/session.ts';
import { SnapshotPublisher } from './snapshot_publisher.ts';

/** Messages of a snapshot cycle that can be asked for again, the last ones of a larger cycle. */
const SNAPSHOT_WINDOW = 1 << 16;
const SESSION_NAME_DIGITS = 36 ** 6;
const CYCLE_NAME_DIGITS = 36 ** 3;

/** What an exchange tells while it runs; calls come from inside `poll`. */
export interface ExchangeListener {
  onLogin?(session: Session, account: Account): void;
  onClose?(session: Session, reason: CloseReason, detail: string): void;
  /** An event stands at byte address `at` of the engine's memory; its responses have been written. */
  onEvent?(at: number): void;
  /** An operator's command was done or refused; in words. */
  onOperator?(what: string): void;
}

export interface ExchangeOptions {
  readonly config: ExchangeConfig;
  readonly network: Network;
  /**
   * Names this life of the exchange, for receivers that must tell it from the last: seconds since
   * 1970 do.
   */
  readonly stamp: number;
  readonly listener?: ExchangeListener;
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
  #config: ExchangeConfig;
  readonly #listener: ExchangeListener;
  readonly #network: Network;
  readonly #sockets: Sockets;
  readonly #sequencer: Sequencer;
  readonly #responses: Responses;
  readonly #snapshot: SnapshotPublisher;
  readonly #retransmit: Retransmit;
  /** Number of the next event to look at. */
  #cursor = 0;
  #closed = false;

  /**
   * Opens listeners and sockets; a NetworkError says which of them could not be had and what to do.
   */
  static async open(options: ExchangeOptions): Promise<Exchange> {
    return new Exchange(options, await openSockets(options.config, options.network));
  }

  private constructor(options: ExchangeOptions, sockets: Sockets) {
    const { config, network } = options;
    this.#config = config;
    this.#listener = options.listener ?? {};
    this.#network = network;
    this.#sockets = sockets;
    const { counters } = this;
    const stamp = Math.floor(options.stamp) % SESSION_NAME_DIGITS;
    this.sessionName = sessionName('X', stamp, 0);

    // 1 Bytes come from `network` when it is polled.
    this.instruments = new InstrumentTable(config.instruments);
    this.engine = new MatchingEngine({
      instruments: this.instruments.ranges(),
      ordersMax: config.ordersMax,
      stp: config.stp,
    });
    this.engine.onEventsFull = () => this.#dispatch();

    // 2 Connections, frames, identities.
    const listener: GatewayListener = {
      onLogin: (session, account) => this.#listener.onLogin?.(session, account),
      onClose: (session, reason, detail) => this.#listener.onClose?.(session, reason, detail),
    };
    this.gateway = new Gateway(
      config,
      network,
      sockets.listeners,
      this.sessionName,
      counters,
      listener,
    );

    // 3 Requests in one order, as commands in the engine's memory.
    this.gate = new RiskGate(config, this.engine, this.gateway.accounts);
    this.#sequencer = new Sequencer(this.engine, this.instruments, this.gate, counters, {
      anyOwner: !this.gateway.accounts.configured,
      risingOrderIds: config.risingOrderIds,
      onFull: () => this.#execute(),
    });
    this.gateway.connect(this.#sequencer, this.gate);
    this.controls = new Controls(this.#sequencer, this.gate, this.gateway, this.instruments);
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
    this.feed = new FeedPublisher(this.engine, this.instruments, books, channel);

    // 8 For those who have missed something.
    this.#snapshot = new SnapshotPublisher(
      this.feed,
      books,
      this.instruments,
      sockets.snapshot,
      config.snapshot.intervalNs,
      SNAPSHOT_WINDOW,
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
      this.controls,
      this.config.operator.token,
      () => this.#figures(),
      (what) => this.#listener.onOperator?.(what),
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
      ordersLive: this.engine.ordersLive,
      counters: Object.fromEntries(counted),
    };
  }

  /** One turn of the pipeline. Returns the work done. */
  poll(nowNs: number): number {
    this.gate.turn(nowNs);
    let work = this.#network.poll();
    if (this.operator !== null) work += this.operator.poll(nowNs);
    work += this.gateway.poll(nowNs);
    work += this.#execute();
    work += this.feed.flush(nowNs);
    work += this.gateway.flush(nowNs);
    work += this.#snapshot.poll(nowNs);
    work += this.#retransmit.poll(nowNs);
    this.#publishCounters();
    return work;
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
   * Executes what has been taken, tells every session and receiver that this is the end, closes
   * everything.
   */
  close(nowNs: number): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#execute();
    this.gateway.flush(nowNs);
    this.gateway.shutdown(nowNs);
    this.feed.flush(nowNs);
    this.feed.channel.end();
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
    for (let n = this.#cursor; n < end; n++) {
      const at = eventBase + (n & eventMask) * EVENT.size;
      if (follows) gate.onEvent(at);
      this.#responses.onEvent(at);
      this.feed.onEvent(at);
      listener.onEvent?.(at);
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

async function openSockets(config: ExchangeConfig, network: Network): Promise<Sockets> {
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
          ? keep(await network.listen({ host: operator.host, port: operator.port }))
          : null,
    };
  } catch (error) {
    for (const socket of opened) socket.close();
    throw error;
  }
}

/** Ten characters: a letter, the stamp, the cycle. */
function sessionName(letter: string, stamp: number, cycle: number): string {
  const digits = (value: number, width: number): string =>
    value.toString(36).toUpperCase().padStart(width, '0');
  const name = letter + digits(stamp, 6) + digits(cycle % CYCLE_NAME_DIGITS, 3);
  assert(name.length === 10, 'a session name has ten characters');
  return name;
}
