// A transport without input or output: several networks in one process, joined by a fabric that loses,
// doubles, reorders and cuts as it is told, from a seed. For tests, and for the simulator.
//
//   send ──► in flight (the fabric decides what becomes of it) ──poll of the receiver──► receivable
//
// Nothing moves by itself: what was sent becomes visible when the receiving network polls, in an order
// that depends on the calls and the seed alone. The same calls give the same bytes at the same places.
//
// With a clock and a latency the way takes time: what is sent at t is due at t + latency, never before what went the same
// way earlier, and a poll brings what is due. `nextDueNs` says how far the clock may be moved without missing anything.
//
// Like TCP: a stream keeps its order, has bounded room, ends after its last byte, and is reset when its
// receiver closes with bytes unread. Like UDP: a datagram arrives whole, or not, or twice, or late.
// Cost: not measured, not for the hot path; datagrams and streams' buffers are allocated.
import { assert } from '../base/assert.ts';
import { Prng } from '../base/prng.ts';
import type { Clock } from '../base/clock.ts';
import { DueTimes } from './due_times.ts';
import { checkGroup, checkPort, isMulticast, parseIpv4, resolveIpv4 } from './address.ts';
import { networkError, type NetworkAction } from './network_error.ts';
import { ReadyList } from './ready_list.ts';
import {
  CLOSED, DATAGRAM_BYTES_MAX, WOULD_BLOCK,
  type ConnectOptions, type DatagramSocket, type ListenOptions, type MulticastReceiveOptions,
  type MulticastSendOptions, type Network, type StreamConnection, type StreamListener, type UnicastOptions,
} from './transport.ts';

/** What becomes of datagrams on their way to one receiver. Probabilities 0 … 1, each datagram by itself. */
export interface LossyLink {
  loss: number;
  /** A second copy follows at once (and may itself be held back). */
  duplicate: number;
  /** It is held back behind up to `reorderDistance` later datagrams, or as many polls when none come. */
  reorder: number;
  reorderDistance: number;
}

export const PERFECT_LINK: Readonly<LossyLink> = { loss: 0, duplicate: 0, reorder: 0, reorderDistance: 0 };

/** How streams are cut. */
export interface StreamPolicy {
  /** A receive gives at most a random 1 … this many bytes; 1 cuts everywhere. */
  receiveChunkMax: number;
  /** A send takes at most a random 1 … this many bytes. */
  sendChunkMax: number;
  /** Bytes on the way to one receiver; then send finds no room. */
  bufferBytes: number;
}

export const SMOOTH_STREAMS: Readonly<StreamPolicy> = {
  receiveChunkMax: Infinity, sendChunkMax: Infinity, bufferBytes: 256 * 1024,
};

/** Bytes of datagrams waiting for one receiver that did not ask for another size: Linux' default. */
const DATAGRAM_BUFFER_BYTES = 212_992;
/** What one waiting datagram costs beside its bytes, about as in Linux. */
const DATAGRAM_OVERHEAD_BYTES = 512;
const BACKLOG = 1024;
const EPHEMERAL_FIRST = 49_152;
const EPHEMERAL_LAST = 65_535;

/**
 * How long the way from one network to another takes, in nanoseconds ≥ 0; asked for every send. Names are those given to
 * `MemoryFabric.network`.
 */
export type FabricLatency = (from: string, to: string, kind: 'stream' | 'datagram') => number;

export interface FabricOptions {
  seed?: number;
  link?: LossyLink;
  streams?: StreamPolicy;
  /** Whose time it is; needed by a latency. */
  clock?: Clock;
  /** Default: no time at all. */
  latency?: FabricLatency;
}

/** The wires between networks, and the addresses on them. All hosts share the addresses 127.0.0.0/8. */
export class MemoryFabric {
  /** May be changed at any time: a simulation begins with faults and then heals. */
  link: LossyLink;
  /** Links of single receivers, by the name of their network; the others have `link`. */
  readonly links = new Map<string, LossyLink>();
  streams: StreamPolicy;
  readonly prng: Prng;
  readonly #clock: Clock | null;
  readonly #latency: FabricLatency | null;
  readonly #dues = new DueTimes();
  readonly listeners = new Map<string, MemoryListener>();
  readonly sockets = new Map<string, MemoryDatagramSocket>();
  readonly groups = new Map<string, MemoryDatagramSocket[]>();
  readonly #networks: MemoryNetwork[] = [];
  #ephemeral = EPHEMERAL_FIRST - 1;

  constructor(options: FabricOptions = {}) {
    this.prng = new Prng(options.seed ?? 1);
    this.link = options.link ?? PERFECT_LINK;
    this.streams = options.streams ?? SMOOTH_STREAMS;
    this.#clock = options.clock ?? null;
    this.#latency = options.latency ?? null;
    if (this.#latency !== null && this.#clock === null) throw new TypeError('latency: expected a clock beside it, was none');
  }

  /** One more participant: a process, as it were. The name is for the latency only. */
  network(name = ''): Network {
    const network = new MemoryNetwork(this, name);
    this.#networks.push(network);
    return network;
  }

  /**
   * Cuts the wires of a network's streams without a word, as when a machine loses power: both ends believe that they are
   * open, what they send is taken as far as there is room and never arrives, nor does a close.
   */
  sever(name: string): void {
    for (const network of this.#networks) if (network.name === name) network.sever();
  }

  /** Breaks a stream between its ends: both are reset, and what the given one has not read is lost. */
  reset(connection: StreamConnection): void {
    assert(connection instanceof MemoryConnection, 'the stream is one of this fabric');
    connection.reset();
  }

  /** Wires are whole again: each stream that was cut is reset at the ends that are still open, as TCP does. */
  mend(): void {
    for (const network of this.#networks) network.mend();
  }

  forget(network: MemoryNetwork): void {
    const at = this.#networks.indexOf(network);
    if (at >= 0) this.#networks.splice(at, 1);
  }

  get nowNs(): number {
    return this.#clock === null ? 0 : this.#clock.nowNs;
  }

  /** When the next thing that is on its way will have arrived; Infinity when nothing is. */
  get nextDueNs(): number {
    return this.#dues.after(this.nowNs);
  }

  /** When what is sent now arrives, not before `earliestNs`. */
  due(from: string, to: string, kind: 'stream' | 'datagram', earliestNs: number): number {
    if (this.#latency === null) return earliestNs;
    const latencyNs = this.#latency(from, to, kind);
    assert(latencyNs >= 0, 'a way takes no less than no time');
    const dueNs = Math.max(earliestNs, this.nowNs + latencyNs);
    if (dueNs > this.nowNs) this.#dues.add(dueNs);
    return dueNs;
  }

  /** A port that none of these addresses uses. */
  freePort(): number {
    for (let tries = 0; tries <= EPHEMERAL_LAST - EPHEMERAL_FIRST; tries += 1) {
      this.#ephemeral = this.#ephemeral === EPHEMERAL_LAST ? EPHEMERAL_FIRST : this.#ephemeral + 1;
      const suffix = `:${this.#ephemeral}`;
      let used = false;
      for (const taken of [this.listeners, this.sockets, this.groups]) {
        for (const address of taken.keys()) used ||= address.endsWith(suffix);
      }
      if (!used) return this.#ephemeral;
    }
    throw networkError('bind', '127.0.0.1', 0, 'EADDRINUSE');
  }

  /** Brings a datagram on its way to whoever it is for; to nobody is no error. */
  deliver(from: MemoryDatagramSocket, bytes: Uint8Array, host: string, port: number): void {
    const address = `${host}:${port}`;
    if (isMulticast(parseIpv4(host))) {
      for (const socket of this.groups.get(address) ?? []) this.#carry(from, socket, bytes);
      return;
    }
    const socket = this.sockets.get(address);
    if (socket !== undefined) this.#carry(from, socket, bytes);
  }

  #carry(from: MemoryDatagramSocket, to: MemoryDatagramSocket, bytes: Uint8Array): void {
    const { prng } = this;
    const link = this.links.get(to.networkName) ?? this.link;
    if (prng.chance(link.loss)) return;
    const copies = prng.chance(link.duplicate) ? 2 : 1;
    for (let i = 0; i < copies; i += 1) {
      const behind = prng.chance(link.reorder) ? prng.between(1, Math.max(1, link.reorderDistance)) : 0;
      to.arrive({ bytes, host: from.sourceHost, port: from.port, behind, dueNs: 0 }, from.networkName);
    }
  }
}

/** A first-in-first-out buffer of bytes that grows up to what its user lets in. */
class ByteQueue {
  #bytes = new Uint8Array(4096);
  #start = 0;
  length = 0;

  push(source: Uint8Array, offset: number, length: number): void {
    if (this.length + length > this.#bytes.length) this.#grow(this.length + length);
    const end = (this.#start + this.length) % this.#bytes.length;
    const first = Math.min(length, this.#bytes.length - end);
    this.#bytes.set(source.subarray(offset, offset + first), end);
    this.#bytes.set(source.subarray(offset + first, offset + length), 0);
    this.length += length;
  }

  shift(target: Uint8Array, offset: number, length: number): void {
    assert(length <= this.length, 'no more is taken than is there');
    const first = Math.min(length, this.#bytes.length - this.#start);
    target.set(this.#bytes.subarray(this.#start, this.#start + first), offset);
    target.set(this.#bytes.subarray(0, length - first), offset + first);
    this.#start = (this.#start + length) % this.#bytes.length;
    this.length -= length;
  }

  #grow(needed: number): void {
    let size = this.#bytes.length;
    while (size < needed) size *= 2;
    const grown = new Uint8Array(size);
    const { length } = this;
    this.shift(grown, 0, length);
    this.#bytes = grown;
    this.#start = 0;
    this.length = length;
  }
}

/** Something that a poll of its network takes up. */
interface Arrival {
  /** Makes visible what has arrived; false: that was nothing after all. */
  takeUp(): boolean;
}

/** How far the peer's close has got. */
const PeerState = { Open: 0, Ended: 1, Reset: 2 } as const;
type PeerState = (typeof PeerState)[keyof typeof PeerState];

class MemoryConnection implements StreamConnection, Arrival {
  readonly id: number;
  readonly peer: string;
  tag = -1;
  listed = false;
  readonly #network: MemoryNetwork;
  readonly #incoming = new ByteQueue(); // what the peer has sent and we have not read
  #visible = 0; // bytes of it that a poll has brought
  readonly #pieces: { bytes: number; dueNs: number }[] = []; // the rest of it, by the time it arrives
  #dueNs = 0; // of what was sent last
  #arrivedState: PeerState = PeerState.Open;
  #visibleState: PeerState = PeerState.Open;
  #closed = false;
  #other: MemoryConnection | null = null; // the peer's end
  #severed = false;
  #waitsForRoom = false; // a send has found too little
  #lostBytes = 0; // sent since then: they fill the room as they would anywhere

  constructor(network: MemoryNetwork, id: number, peer: string) {
    this.#network = network;
    this.id = id;
    this.peer = peer;
  }

  join(other: MemoryConnection): void {
    this.#other = other;
    other.#other = this;
  }

  get open(): boolean {
    return !this.#closed && !this.#atEnd;
  }

  get readable(): boolean {
    return !this.#closed && (this.#visible > 0 || this.#visibleState !== PeerState.Open);
  }

  get #atEnd(): boolean {
    return this.#visible === 0 && this.#visibleState !== PeerState.Open;
  }

  receive(target: Uint8Array, offset: number, max: number): number {
    assert(max > 0 && offset >= 0 && offset + max <= target.length, 'the receive range lies inside the target');
    if (this.#closed || this.#atEnd) return CLOSED;
    if (this.#visible === 0) return WOULD_BLOCK;
    const count = Math.min(max, this.#visible, this.#cut(this.#network.fabric.streams.receiveChunkMax));
    this.#incoming.shift(target, offset, count);
    this.#visible -= count;
    this.#other!.#roomMade(this.#network.name);
    return count;
  }

  send(source: Uint8Array, offset: number, length: number): number {
    assert(offset >= 0 && length >= 0 && offset + length <= source.length, 'the send range lies inside the source');
    if (this.#closed || this.#visibleState === PeerState.Reset) return CLOSED;
    const other = this.#other!;
    if (this.#severed) return this.#lose(length);
    if (other.#closed) {
      // As in TCP: what is sent to a peer that has gone is taken, and answered by a reset.
      this.#arrive(PeerState.Reset, other.#network.name);
      return length;
    }
    const { streams } = this.#network.fabric;
    const room = streams.bufferBytes - other.#incoming.length;
    this.#waitsForRoom = room < length;
    const count = Math.min(length, room, this.#cut(streams.sendChunkMax));
    if (count <= 0) return WOULD_BLOCK;
    other.#push(this.#network.name, source, offset, count);
    return count;
  }

  /** The peer has read: as with TCP that is told to whoever waits for it, and takes its time. */
  #roomMade(peer: string): void {
    if (!this.#waitsForRoom || this.#closed || this.#severed) return;
    this.#waitsForRoom = false;
    this.#network.fabric.due(peer, this.#network.name, 'stream', 0);
  }

  /** Both ends, once. */
  sever(): void {
    this.#severed = true;
    this.#other!.#severed = true;
  }

  reset(): void {
    if (this.#closed || this.#severed) return;
    this.#other!.#arrive(PeerState.Reset, this.#network.name);
    this.#pieces.length = 0;
    this.#visible = 0;
    this.#arrivedState = this.#visibleState = PeerState.Reset;
    this.#network.readyList.add(this);
  }

  /** What is sent until the reset has arrived is lost as before: a stream has no hole. */
  mend(): void {
    if (this.#severed) this.#reach(PeerState.Reset, this.#other!.#network.name);
  }

  #lose(length: number): number {
    const { streams } = this.#network.fabric;
    const count = Math.min(length, streams.bufferBytes - this.#lostBytes, this.#cut(streams.sendChunkMax));
    if (count <= 0) return WOULD_BLOCK;
    this.#lostBytes += count;
    return count;
  }

  #push(from: string, source: Uint8Array, offset: number, count: number): void {
    if (this.#visibleState === PeerState.Reset) return; // nobody is there any more
    this.#incoming.push(source, offset, count);
    this.#dueNs = this.#network.fabric.due(from, this.#network.name, 'stream', this.#dueNs);
    const last = this.#pieces.at(-1);
    if (last !== undefined && last.dueNs === this.#dueNs) last.bytes += count;
    else this.#pieces.push({ bytes: count, dueNs: this.#dueNs });
    this.#network.arrived(this);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#network.forget(this);
    const unread = this.#incoming.length > 0;
    this.#other!.#arrive(unread ? PeerState.Reset : PeerState.Ended, this.#network.name);
  }

  takeUp(): boolean {
    if (this.#closed) return false;
    const { nowNs } = this.#network.fabric;
    let news = false;
    while (this.#pieces.length > 0 && this.#pieces[0].dueNs <= nowNs) {
      this.#visible += this.#pieces.shift()!.bytes;
      news = true;
    }
    if (this.#pieces.length === 0 && this.#dueNs <= nowNs && this.#visibleState !== this.#arrivedState) {
      this.#visibleState = this.#arrivedState;
      news = true;
    }
    if (this.#dueNs > nowNs) this.#network.arrived(this); // again at a later poll
    if (news) this.#network.readyList.add(this);
    return news;
  }

  /** The peer's end has gone; that comes behind its last byte. */
  #arrive(state: PeerState, from: string): void {
    if (!this.#severed) this.#reach(state, from);
  }

  #reach(state: PeerState, from: string): void {
    if (this.#closed || state <= this.#arrivedState) return;
    this.#arrivedState = state;
    this.#dueNs = this.#network.fabric.due(from, this.#network.name, 'stream', this.#dueNs);
    this.#network.arrived(this);
  }

  #cut(chunkMax: number): number {
    return chunkMax === Infinity ? Infinity : this.#network.fabric.prng.between(1, chunkMax);
  }
}

class MemoryListener implements StreamListener, Arrival {
  readonly host: string;
  readonly port: number;
  readonly #network: MemoryNetwork;
  readonly #backlog: number;
  readonly #waiting: MemoryConnection[] = [];
  #visible = 0;
  #closed = false;

  constructor(network: MemoryNetwork, host: string, port: number, backlog: number) {
    this.#network = network;
    this.host = host;
    this.port = port;
    this.#backlog = backlog;
  }

  /** The listening side of a new connection; null when the backlog is full. */
  knock(peer: string): MemoryConnection | null {
    if (this.#waiting.length >= this.#backlog) return null;
    const connection = this.#network.connection(peer);
    this.#waiting.push(connection);
    this.#network.arrived(this);
    return connection;
  }

  takeUp(): boolean {
    const news = this.#visible !== this.#waiting.length;
    this.#visible = this.#waiting.length;
    return news;
  }

  accept(): StreamConnection | null {
    if (this.#visible === 0) return null;
    this.#visible -= 1;
    return this.#waiting.shift()!;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#network.forget(this);
    this.#network.fabric.listeners.delete(`${this.host}:${this.port}`);
    for (const connection of this.#waiting) connection.close();
    this.#waiting.length = 0;
    this.#visible = 0;
  }
}

interface Datagram {
  bytes: Uint8Array;
  host: string;
  port: number;
  /** Later datagrams, or polls, that go before this one. */
  behind: number;
  dueNs: number;
}

class MemoryDatagramSocket implements DatagramSocket, Arrival {
  readonly host: string;
  readonly port: number;
  /** The address that its datagrams come from. */
  readonly sourceHost: string;
  senderHost = '';
  senderPort = 0;
  dropped = 0;
  truncated = 0;
  readonly refused = 0;
  readonly #network: MemoryNetwork;
  readonly #destinationHost: string; // '': no default destination
  readonly #destinationPort: number;
  readonly #bufferBytes: number;
  #held: Datagram[] = [];
  readonly #queue: Datagram[] = [];
  #queuedBytes = 0;
  #visible = 0;
  #dueNs = 0; // of the datagram that came last
  #closed = false;

  constructor(
    network: MemoryNetwork, host: string, port: number, sourceHost: string,
    destinationHost: string, destinationPort: number, bufferBytes: number,
  ) {
    this.#network = network;
    this.host = host;
    this.port = port;
    this.sourceHost = sourceHost;
    this.#destinationHost = destinationHost;
    this.#destinationPort = destinationPort;
    this.#bufferBytes = bufferBytes;
  }

  get networkName(): string {
    return this.#network.name;
  }

  arrive(datagram: Datagram, from: string): void {
    this.#dueNs = this.#network.fabric.due(from, this.#network.name, 'datagram', this.#dueNs);
    datagram.dueNs = this.#dueNs;
    if (datagram.behind > 0) {
      this.#held.push(datagram);
    } else {
      this.#enqueue(datagram);
      this.#advanceHeld();
    }
    this.#network.arrived(this);
  }

  takeUp(): boolean {
    this.#advanceHeld();
    if (this.#held.length > 0) this.#network.arrived(this); // again at the next poll
    const before = this.#visible;
    const { nowNs } = this.#network.fabric;
    while (this.#visible < this.#queue.length && this.#queue[this.#visible].dueNs <= nowNs) this.#visible += 1;
    if (this.#visible < this.#queue.length) this.#network.arrived(this);
    return this.#visible !== before;
  }

  receive(target: Uint8Array, offset: number, max: number): number {
    assert(max > 0 && offset >= 0 && offset + max <= target.length, 'the receive range lies inside the target');
    if (this.#visible === 0) return WOULD_BLOCK;
    const { bytes, host, port } = this.#queue.shift()!;
    this.#visible -= 1;
    this.#queuedBytes -= bytes.length + DATAGRAM_OVERHEAD_BYTES;
    this.senderHost = host;
    this.senderPort = port;
    if (bytes.length > max) this.truncated += 1;
    const count = Math.min(bytes.length, max);
    target.set(bytes.subarray(0, count), offset);
    return count;
  }

  send(source: Uint8Array, offset: number, length: number): boolean {
    assert(this.#destinationHost !== '', 'the socket has a default destination');
    return this.sendTo(source, offset, length, this.#destinationHost, this.#destinationPort);
  }

  sendTo(source: Uint8Array, offset: number, length: number, host: string, port: number): boolean {
    assert(offset >= 0 && length > 0 && offset + length <= source.length, 'the send range lies inside the source');
    assert(length <= DATAGRAM_BYTES_MAX, 'a datagram fits UDP');
    if (this.#closed) return false;
    this.#network.fabric.deliver(this, source.slice(offset, offset + length), host, port);
    return true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#network.forget(this);
    this.#held = [];
    this.#queue.length = 0;
    this.#visible = 0;
    const { groups, sockets } = this.#network.fabric;
    const address = `${this.host}:${this.port}`;
    if (sockets.get(address) === this) sockets.delete(address);
    const members = groups.get(address)?.filter((member) => member !== this) ?? [];
    if (members.length > 0) groups.set(address, members);
    else groups.delete(address);
  }

  #enqueue(datagram: Datagram): void {
    const bytes = datagram.bytes.length + DATAGRAM_OVERHEAD_BYTES;
    if (this.#queuedBytes + bytes > this.#bufferBytes) {
      this.dropped += 1;
      return;
    }
    this.#queuedBytes += bytes;
    this.#queue.push(datagram);
  }

  /** One datagram or poll has gone by: those held back long enough follow, in order. */
  #advanceHeld(): void {
    if (this.#held.length === 0) return;
    const still: Datagram[] = [];
    for (const datagram of this.#held) {
      datagram.behind -= 1;
      if (datagram.behind > 0) still.push(datagram);
      else this.#enqueue(datagram);
    }
    this.#held = still;
  }
}

class MemoryNetwork implements Network {
  readonly kind = 'memory';
  readonly needsEventLoop = false;
  readonly fabric: MemoryFabric;
  readonly name: string;
  readonly readyList = new ReadyList<MemoryConnection>();
  readonly #open = new Set<{ close(): void }>();
  #arrivals = new Set<Arrival>(); // in the order they came
  #wake: (() => void) | null = null;
  #connectionsMade = 0;

  constructor(fabric: MemoryFabric, name: string) {
    this.fabric = fabric;
    this.name = name;
  }

  async listen(options: ListenOptions): Promise<StreamListener> {
    const { host, port } = await this.#localAddress('listen on', options.host, options.port);
    if (this.fabric.listeners.has(`${host}:${port}`)) throw networkError('listen on', host, port, 'EADDRINUSE');
    const listener = new MemoryListener(this, host, port, options.backlog ?? BACKLOG);
    this.fabric.listeners.set(`${host}:${port}`, listener);
    this.#open.add(listener);
    return listener;
  }

  async connect(options: ConnectOptions): Promise<StreamConnection> {
    checkPort('connect to', options.host, options.port);
    const host = await resolveIpv4('connect to', options.host, options.port);
    const listener = this.fabric.listeners.get(`${host}:${options.port}`);
    if (listener === undefined) throw networkError('connect to', host, options.port, 'ECONNREFUSED');
    const far = listener.knock(`127.0.0.1:${this.fabric.freePort()}`);
    if (far === null) throw networkError('connect to', host, options.port, 'ETIMEDOUT');
    const near = this.connection(`${host}:${options.port}`);
    near.join(far);
    return near;
  }

  async multicastSender(options: MulticastSendOptions): Promise<DatagramSocket> {
    checkGroup(options.group, options.port);
    checkPort('send to', options.group, options.port);
    const { host, port } = await this.#localAddress('bind', options.interface, 0);
    const socket = new MemoryDatagramSocket(this, host, port, host, options.group, options.port, DATAGRAM_BUFFER_BYTES);
    this.fabric.sockets.set(`${host}:${port}`, socket);
    this.#open.add(socket);
    return socket;
  }

  async multicastReceiver(options: MulticastReceiveOptions): Promise<DatagramSocket> {
    const { group } = options;
    checkGroup(group, options.port);
    const { host, port } = await this.#localAddress('join', options.interface, options.port);
    const bufferBytes = options.receiveBufferBytes ?? DATAGRAM_BUFFER_BYTES;
    const socket = new MemoryDatagramSocket(this, group, port, host, '', 0, bufferBytes);
    const address = `${group}:${port}`;
    this.fabric.groups.set(address, [...(this.fabric.groups.get(address) ?? []), socket]);
    this.#open.add(socket);
    return socket;
  }

  async unicast(options: UnicastOptions): Promise<DatagramSocket> {
    const { host, port } = await this.#localAddress('bind', options.host, options.port);
    if (this.fabric.sockets.has(`${host}:${port}`)) throw networkError('bind', host, port, 'EADDRINUSE');
    const socket = new MemoryDatagramSocket(this, host, port, host, '', 0, DATAGRAM_BUFFER_BYTES);
    this.fabric.sockets.set(`${host}:${port}`, socket);
    this.#open.add(socket);
    return socket;
  }

  poll(): number {
    const arrivals = this.#arrivals;
    let news = 0;
    if (arrivals.size > 0) {
      this.#arrivals = new Set();
      for (const arrival of arrivals) if (arrival.takeUp()) news += 1;
    }
    this.readyList.refresh();
    return news;
  }

  get readyCount(): number {
    return this.readyList.count;
  }

  ready(index: number): StreamConnection {
    return this.readyList.at(index);
  }

  sever(): void {
    for (const item of this.#open) if (item instanceof MemoryConnection) item.sever();
  }

  mend(): void {
    for (const item of this.#open) if (item instanceof MemoryConnection) item.mend();
  }

  close(): void {
    for (const item of this.#open) item.close();
    this.fabric.forget(this);
    this.#wake = null;
    this.#arrivals.clear();
    this.readyList.clear();
  }

  /** One end of a new connection, to be joined. */
  connection(peer: string): MemoryConnection {
    this.#connectionsMade += 1;
    const connection = new MemoryConnection(this, this.#connectionsMade, peer);
    this.#open.add(connection);
    return connection;
  }

  arrived(arrival: Arrival): void {
    this.#arrivals.add(arrival);
    if (this.#wake !== null) this.arm(this.#wake);
  }

  arm(wake: () => void): void {
    this.#wake = this.#arrivals.size === 0 ? wake : null;
    if (this.#wake === null) setImmediate(wake);
  }

  disarm(): void {
    this.#wake = null;
  }

  forget(item: { close(): void }): void {
    this.#open.delete(item);
  }

  async #localAddress(action: NetworkAction, name: string, port: number): Promise<{ host: string; port: number }> {
    checkPort(action, name, port);
    const host = await resolveIpv4(action, name, port);
    if (parseIpv4(host) >>> 24 !== 127) throw networkError(action, host, port, 'EADDRNOTAVAIL');
    return { host, port: port === 0 ? this.fabric.freePort() : port };
  }
}
