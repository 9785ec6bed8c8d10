// The transport between processes of one machine, through memory that they share: no system call and no kernel
// on the way.
//
//   /dev/shm/NAME (0600)   tables: who takes part, listens, is connected          shared_tables.ts
//                          streams: two byte rings each, one a direction          shared_stream.ts
//                          datagrams: a ring each sender, read by all they concern shared_broadcast.ts
//
//   send ─► ring ─► published ┄┄┄ poll of the other process: one load a stream ─► ready list ─► receive
//
// Addresses are those of the other transports, 127.0.0.0/8, ports and groups, and mean something within NAME only.
//
// Waiting: a loop that spins sees news at its next poll. One that sleeps says so in the tables, and whoever has
// news for it rings its bell (os/bell.ts).
// Death: every SWEEP_MS a network looks whether the processes of all members live, and closes what the dead had
// open; their peers read what had arrived and then CLOSED. Memory and names go with the last one to leave, or when
// the next one joins after all have died. A process that is stopped, not dead, is waited for, as with TCP.
// Trust: nothing that another process writes is used as an index or a length before it was checked; a stream with cursors
// that cannot be is CLOSED. Who may open the file is the same user, and can still cut it short or send SIGKILL.
//
// Cost: a poll 1 – 2 ns a stream that is in use, a 64th of those that have long been silent; one-way some
// 150 ns from send to receive between two cores. No allocation after set-up. Linux only. Round trip: bench/shared_memory.ts.
// Limits: those of shared_tables.ts. Datagrams to more than 64 destinations from one socket share their counts of losses.
import { assert } from '../base/assert.ts';
import { chores } from '../base/chores.ts';
import { Bell } from '../os/bell.ts';
import { errnoName } from '../os/libc.ts';
import { checkGroup, checkPort, formatIpv4, isMulticast, parseIpv4, resolveIpv4 } from './address.ts';
import { networkError, type NetworkAction } from './network_error.ts';
import { ReadyList } from './ready_list.ts';
import { BroadcastReader, BroadcastWriter } from './shared_broadcast.ts';
import { SharedStreamReader, SharedStreamWriter, STREAM_BROKEN, STREAM_END } from './shared_stream.ts';
import { D, L, listenerAt, NO_ENTRY, S, SharedTables, sideAt, socketAt, SocketKind, SOCKETS_MAX, streamAt, STREAMS_MAX } from './shared_tables.ts';
import {
  CLOSED, DATAGRAM_BYTES_MAX, WOULD_BLOCK,
  type ConnectOptions, type DatagramSocket, type ListenOptions, type MulticastReceiveOptions,
  type MulticastSendOptions, type Network, type StreamConnection, type StreamListener, type UnicastOptions,
} from './transport.ts';

const BACKLOG = 128;
/** How soon the death of a peer is noticed; without streams, when nobody waits to hear of it, about every second. */
const SWEEP_MS = 100;
/** Polls without news after which a stream is looked at only in turn: some milliseconds of spinning. */
const SILENT_POLLS = 1 << 14;
/** Streams looked at in turn, a poll: those that have been silent. */
const SILENT_LOOKS = 8;
/** Destinations that a socket keeps a count for. */
const DESTINATIONS_MAX = 64;
const LOOPBACK_NET = 127;
const CLIENT_IPV4 = 0x7f00_0001;

class SharedConnection implements StreamConnection {
  readonly id: number;
  readonly peer: string;
  tag = -1;
  listed = false;
  /** Polls since the last news; written by the network. */
  silentPolls = 0;
  readonly #network: SharedMemoryNetwork;
  readonly #words: Int32Array;
  readonly #stream: number;
  readonly #side: number;
  readonly #peerMember: number;
  readonly #peerEndWord: number;
  readonly #reader: SharedStreamReader;
  readonly #writer: SharedStreamWriter;
  #ended = false; // the peer has closed or died, as far as a poll has brought it
  #broken = false; // the peer's words cannot be
  #closed = false;

  constructor(network: SharedMemoryNetwork, id: number, peer: string, stream: number, side: number) {
    const { tables } = network;
    const own = sideAt(stream, side);
    const other = sideAt(stream, 1 - side);
    this.id = id;
    this.peer = peer;
    this.#network = network;
    this.#words = tables.words;
    this.#stream = stream;
    this.#side = side;
    this.#peerMember = tables.words[streamAt(stream) + S.Member + 1 - side];
    this.#peerEndWord = other + STREAM_END;
    this.#reader = new SharedStreamReader(tables.words, own, other, tables.streamRing(stream, 1 - side));
    this.#writer = new SharedStreamWriter(tables.words, own, other, tables.streamRing(stream, side));
  }

  get open(): boolean {
    return !this.#closed && !this.#atEnd;
  }

  get readable(): boolean {
    return !this.#closed && (this.#broken || this.#ended || this.#reader.available > 0);
  }

  get #atEnd(): boolean {
    return this.#broken || (this.#ended && this.#reader.available === 0);
  }

  /** Whether a look would bring anything. */
  get hasNews(): boolean {
    return !this.#broken && (this.#reader.hasNews || (!this.#ended && this.#words[this.#peerEndWord] !== 0));
  }

  /** Takes up what has come; true for news. */
  look(): boolean {
    if (!this.hasNews) return false;
    // The end first: what was published before it is then seen by the look.
    const ended = Atomics.load(this.#words, this.#peerEndWord) !== 0;
    const brought = this.#reader.look();
    if (brought === STREAM_BROKEN) this.#broken = true;
    else if (ended && !this.#ended) this.#ended = true;
    else if (brought === 0) return false;
    return true;
  }

  receive(target: Uint8Array, offset: number, max: number): number {
    assert(max > 0 && offset >= 0 && offset + max <= target.length, 'the receive range lies inside the target');
    if (this.#closed || this.#broken) return CLOSED;
    const count = this.#reader.read(target, offset, max);
    if (count === 0) return this.#ended ? CLOSED : WOULD_BLOCK;
    if (this.#reader.tell()) this.#network.tables.wake(this.#peerMember);
    return count;
  }

  send(source: Uint8Array, offset: number, length: number): number {
    assert(offset >= 0 && length >= 0 && offset + length <= source.length, 'the send range lies inside the source');
    if (this.#closed || this.#broken || this.#words[this.#peerEndWord] !== 0) return CLOSED;
    if (length === 0) return WOULD_BLOCK;
    const count = this.#writer.write(source, offset, length);
    if (count > 0) this.#network.tables.wake(this.#peerMember);
    else if (count === STREAM_BROKEN) {
      this.#broken = true;
      return CLOSED;
    }
    return count;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#network.forgetConnection(this);
    this.#network.tables.closeSide(this.#stream, this.#side);
    this.#network.tables.wake(this.#peerMember);
  }
}

class SharedListener implements StreamListener {
  readonly host: string;
  readonly port: number;
  readonly #network: SharedMemoryNetwork;
  readonly #index: number;
  readonly #waiting: number[] = []; // streams that a poll has brought
  #knocksSeen = 0;
  #closed = false;

  constructor(network: SharedMemoryNetwork, index: number, host: string, port: number) {
    this.#network = network;
    this.#index = index;
    this.host = host;
    this.port = port;
  }

  get hasNews(): boolean {
    return this.#network.tables.words[listenerAt(this.#index) + L.Knocks] !== this.#knocksSeen;
  }

  look(): boolean {
    if (!this.hasNews) return false;
    const { tables } = this.#network;
    this.#knocksSeen = Atomics.load(tables.words, listenerAt(this.#index) + L.Knocks);
    const before = this.#waiting.length;
    for (let i = 0; i < STREAMS_MAX; i += 1) {
      if (tables.isPending(i, this.#index) && !this.#waiting.includes(i)) this.#waiting.push(i);
    }
    return this.#waiting.length > before;
  }

  accept(): StreamConnection | null {
    const { tables } = this.#network;
    while (!this.#closed && this.#waiting.length > 0) {
      const stream = this.#waiting.shift()!;
      if (!tables.isPending(stream, this.#index)) continue;
      const at = streamAt(stream);
      Atomics.store(tables.words, at + S.Accepted, 1);
      return this.#network.connection(peerName(tables.words[at + S.ClientIpv4], tables.words[at + S.ClientPort]), stream, 1);
    }
    return null;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#network.listeners.delete(this);
    this.#network.tables.locked(() => {
      this.#network.tables.freeListener(this.#index);
      this.#network.tables.sweep(); // streams that waited here are reset
    });
  }
}

/** Where a socket's datagrams have gone, so that receivers can tell what they missed. */
class Destination {
  readonly ipv4: number;
  readonly port: number;
  sent = 0;
  /** Entry of the socket there, and what it was when it was looked up. */
  socket = NO_ENTRY;
  incarnation = 0;

  constructor(ipv4: number, port: number) {
    this.ipv4 = ipv4;
    this.port = port;
  }
}

/** Another socket's ring, as this socket reads it. */
interface Source { readonly socket: number; readonly incarnation: number; readonly reader: BroadcastReader }

class SharedDatagramSocket implements DatagramSocket {
  readonly host: string;
  readonly port: number;
  truncated = 0;
  refused = 0;
  readonly #network: SharedMemoryNetwork;
  readonly #words: Int32Array;
  readonly #index: number;
  readonly #kind: SocketKind;
  readonly #ipv4: number;
  readonly #groupIpv4: number; // 0: none
  readonly #groupPort: number;
  readonly #unicast: BroadcastWriter;
  readonly #group: BroadcastWriter | null;
  readonly #destinations: Destination[] = [];
  #destination: Destination | null = null;
  #parsedHost = '';
  #parsedIpv4 = 0;
  #sources: Source[] = [];
  #next = 0; // source to be asked next
  #inboxSeen = 0;
  #mayRead = false;
  #lostBefore = 0; // by sources that have gone
  #sender: BroadcastReader | null = null;
  #formattedIpv4 = 0;
  #formattedHost = '0.0.0.0';
  #closed = false;

  constructor(network: SharedMemoryNetwork, index: number, kind: SocketKind, host: string, port: number) {
    const { tables } = network;
    const at = socketAt(index);
    this.#network = network;
    this.#words = tables.words;
    this.#index = index;
    this.#kind = kind;
    this.host = host;
    this.port = port;
    this.#ipv4 = tables.words[at + D.Ipv4];
    this.#groupIpv4 = tables.words[at + D.GroupIpv4];
    this.#groupPort = tables.words[at + D.GroupPort];
    this.#unicast = new BroadcastWriter(tables.words, at + D.Unicast, tables.unicastRing(index));
    this.#group = kind === SocketKind.GroupSender ? new BroadcastWriter(tables.words, at + D.Group, tables.groupRing(index)) : null;
    this.findSources(true);
  }

  get senderHost(): string {
    const ipv4 = this.#sender === null ? 0 : this.#sender.sourceIpv4;
    if (this.#formattedIpv4 !== ipv4) {
      this.#formattedIpv4 = ipv4;
      this.#formattedHost = formatIpv4(ipv4);
    }
    return this.#formattedHost;
  }

  get senderPort(): number {
    return this.#sender === null ? 0 : this.#sender.sourcePort;
  }

  get dropped(): number {
    let lost = this.#lostBefore;
    for (const { reader } of this.#sources) lost += reader.lost;
    return lost;
  }

  /**
   * Attaches to the rings of sockets that have come, and lets go of those that have gone. `joining`: what was sent before
   * is not for this socket.
   */
  findSources(joining = false): void {
    const { tables } = this.#network;
    const { words } = tables;
    const kept: Source[] = [];
    for (const source of this.#sources) {
      // What a socket sent before it closed is still read, until its place is taken.
      const now = words[socketAt(source.socket) + D.Incarnation];
      if (now === source.incarnation || now === 0) kept.push(source);
      else this.#lostBefore += source.reader.lost;
    }
    for (let i = 0; i < SOCKETS_MAX; i += 1) {
      const at = socketAt(i);
      const incarnation = Atomics.load(words, at + D.Incarnation);
      if (incarnation === 0 || kept.some((source) => source.socket === i && source.incarnation === incarnation)) continue;
      const old = kept.findIndex((source) => source.socket === i);
      if (old >= 0) kept.splice(old, 1);
      const reader = this.#readerOf(i, joining);
      if (reader !== null) kept.push({ socket: i, incarnation, reader });
    }
    this.#sources = kept;
    this.#next = 0;
    if (!joining) this.#mayRead = true;
  }

  #readerOf(socket: number, fromNow: boolean): BroadcastReader | null {
    const { tables } = this.#network;
    const { words } = tables;
    const at = socketAt(socket);
    if (this.#kind !== SocketKind.GroupReceiver) {
      return new BroadcastReader(words, at + D.Unicast, tables.unicastRing(socket), fromNow, this.#ipv4, this.port);
    }
    const sends = words[at + D.Kind] === SocketKind.GroupSender && words[at + D.GroupIpv4] === this.#groupIpv4 &&
      words[at + D.GroupPort] === this.#groupPort;
    return sends ? new BroadcastReader(words, at + D.Group, tables.groupRing(socket), fromNow) : null;
  }

  get hasNews(): boolean {
    if (this.#kind !== SocketKind.GroupReceiver) return this.#words[socketAt(this.#index) + D.Inbox] !== this.#inboxSeen;
    for (let i = 0; i < this.#sources.length; i += 1) if (this.#sources[i].reader.hasNews) return true;
    return false;
  }

  /** Takes up what has come; true for news. */
  look(): boolean {
    let news = false;
    if (this.#kind === SocketKind.GroupReceiver) {
      for (let i = 0; i < this.#sources.length; i += 1) if (this.#sources[i].reader.look()) news = true;
    } else if (this.hasNews) {
      this.#inboxSeen = Atomics.load(this.#words, socketAt(this.#index) + D.Inbox);
      news = true;
    }
    if (news) this.#mayRead = true;
    return news;
  }

  receive(target: Uint8Array, offset: number, max: number): number {
    assert(max > 0 && offset >= 0 && offset + max <= target.length, 'the receive range lies inside the target');
    if (!this.#mayRead || this.#closed) return WOULD_BLOCK;
    const sources = this.#sources;
    for (let tries = 0; tries < sources.length; tries += 1) {
      const { socket, incarnation, reader } = sources[this.#next];
      const now = this.#words[socketAt(socket) + D.Incarnation];
      const count = now === incarnation || now === 0 ? reader.read(target, offset, max) : 0;
      if (count > 0) {
        this.#sender = reader;
        if (reader.length > max) this.truncated += 1;
        return count;
      }
      this.#next = this.#next + 1 === sources.length ? 0 : this.#next + 1;
    }
    this.#mayRead = false;
    return WOULD_BLOCK;
  }

  send(source: Uint8Array, offset: number, length: number): boolean {
    const group = this.#group;
    assert(group !== null, 'the socket has a default destination');
    this.#checkRange(source, offset, length);
    if (this.#closed) return false;
    group.write(source, offset, length, this.#ipv4, this.port, this.#groupIpv4, this.#groupPort, 0);
    this.#network.tables.wakeAll();
    return true;
  }

  sendTo(source: Uint8Array, offset: number, length: number, host: string, port: number): boolean {
    this.#checkRange(source, offset, length);
    if (this.#closed) return false;
    if (host !== this.#parsedHost) {
      const ipv4 = parseIpv4(host);
      assert(ipv4 >= 0, 'a datagram goes to an IPv4 address');
      this.#parsedHost = host;
      this.#parsedIpv4 = ipv4 | 0;
    }
    const ipv4 = this.#parsedIpv4;
    if (this.#group !== null && ipv4 === this.#groupIpv4 && port === this.#groupPort) return this.send(source, offset, length);
    const { tables } = this.#network;
    const to = this.#destinationOf(ipv4, port);
    if (to === null || isMulticast(ipv4)) {
      this.refused += 1; // no way there
      return true;
    }
    if (to.socket === NO_ENTRY || this.#words[socketAt(to.socket) + D.Incarnation] !== to.incarnation) {
      to.socket = tables.findSocket(ipv4, port);
      if (to.socket === NO_ENTRY) return true; // nobody there: sent, and lost
      to.incarnation = this.#words[socketAt(to.socket) + D.Incarnation];
    }
    this.#unicast.write(source, offset, length, this.#ipv4, this.port, ipv4, port, to.sent);
    to.sent = (to.sent + 1) | 0;
    const at = socketAt(to.socket);
    Atomics.add(this.#words, at + D.Inbox, 1);
    tables.wake(this.#words[at + D.Member]);
    return true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#network.sockets.delete(this);
    this.#network.tables.freeSocket(this.#index);
  }

  #checkRange(source: Uint8Array, offset: number, length: number): void {
    assert(offset >= 0 && length > 0 && offset + length <= source.length, 'the send range lies inside the source');
    assert(length <= DATAGRAM_BYTES_MAX, 'a datagram fits UDP');
  }

  #destinationOf(ipv4: number, port: number): Destination | null {
    const last = this.#destination;
    if (last !== null && last.ipv4 === ipv4 && last.port === port) return last;
    for (const known of this.#destinations) {
      if (known.ipv4 === ipv4 && known.port === port) return (this.#destination = known);
    }
    if (this.#destinations.length === DESTINATIONS_MAX) this.#destinations.shift();
    this.#destination = new Destination(ipv4, port);
    this.#destinations.push(this.#destination);
    return this.#destination;
  }
}

export class SharedMemoryNetwork implements Network {
  readonly kind = 'shm';
  readonly needsEventLoop = false;
  readonly tables: SharedTables;
  readonly listeners = new Set<SharedListener>();
  readonly sockets = new Set<SharedDatagramSocket>();
  readonly #ready = new ReadyList<SharedConnection>();
  /** Streams in use, then from #active on those that have been silent. */
  readonly #connections: SharedConnection[] = [];
  #active = 0;
  #turn = 0; // the silent stream to look at next
  #generationSeen: number;
  #connectionsMade = 0;
  readonly #bell: Bell;
  #wake: (() => void) | null = null;
  #immediate: NodeJS.Immediate | null = null;
  #open = true;

  /** Joins the network `name` ("/outcry"), made by whoever comes first. Throws LibcUnavailableError or SegmentError. */
  constructor(name: string) {
    this.tables = new SharedTables(name);
    this.#generationSeen = this.tables.generation;
    this.#bell = new Bell(this.tables.bellPath, () => this.#rung());
    this.#sweep();
  }

  async listen(options: ListenOptions): Promise<StreamListener> {
    const { host, ipv4 } = await this.#local('listen on', options.host, options.port);
    const { tables } = this;
    return tables.locked(() => {
      const port = options.port === 0 ? tables.freePort() : options.port;
      if (tables.findListener(ipv4, port) !== NO_ENTRY) throw networkError('listen on', host, port, 'EADDRINUSE');
      const index = this.#made(tables.makeListener(ipv4, port, options.backlog ?? BACKLOG), 'listen on', host, port);
      const listener = new SharedListener(this, index, host, port);
      this.listeners.add(listener);
      return listener;
    });
  }

  async connect(options: ConnectOptions): Promise<StreamConnection> {
    const { port } = options;
    const { host, ipv4 } = await this.#local('connect to', options.host, port);
    const { tables } = this;
    return tables.locked(() => {
      const listener = tables.findListener(ipv4, port);
      if (listener === NO_ENTRY) throw networkError('connect to', host, port, 'ECONNREFUSED');
      if (tables.pendingAt(listener) >= tables.words[listenerAt(listener) + L.Backlog]) throw networkError('connect to', host, port, 'ETIMEDOUT');
      const stream = this.#made(tables.makeStream(listener, CLIENT_IPV4, tables.freePort()), 'connect to', host, port);
      tables.wake(tables.words[listenerAt(listener) + L.Member]);
      return this.connection(`${host}:${port}`, stream, 0);
    });
  }

  async multicastSender(options: MulticastSendOptions): Promise<DatagramSocket> {
    checkGroup(options.group, options.port);
    checkPort('send to', options.group, options.port);
    const { host, ipv4 } = await this.#local('bind', options.interface, 0);
    const group = parseIpv4(options.group);
    return this.#socket(SocketKind.GroupSender, 'bind', host, ipv4, 0, group, options.port);
  }

  async multicastReceiver(options: MulticastReceiveOptions): Promise<DatagramSocket> {
    checkGroup(options.group, options.port);
    const { ipv4 } = await this.#local('join', options.interface, options.port);
    const group = parseIpv4(options.group);
    return this.#socket(SocketKind.GroupReceiver, 'join', options.group, ipv4, options.port, group, options.port);
  }

  async unicast(options: UnicastOptions): Promise<DatagramSocket> {
    const { host, ipv4 } = await this.#local('bind', options.host, options.port);
    return this.#socket(SocketKind.Unicast, 'bind', host, ipv4, options.port, 0, 0);
  }

  poll(): number {
    if (!this.#open) return 0;
    const { tables } = this;
    if (tables.generation !== this.#generationSeen) {
      this.#generationSeen = tables.generation;
      for (const socket of this.sockets) socket.findSources();
    }
    let news = this.#lookAtStreams();
    for (const listener of this.listeners) if (listener.look()) news += 1;
    for (const socket of this.sockets) if (socket.look()) news += 1;
    this.#ready.refresh();
    return news;
  }

  /** Those in use, and a few of the others. */
  #lookAtStreams(): number {
    const connections = this.#connections;
    let news = 0;
    for (let i = 0; i < this.#active; i += 1) {
      const connection = connections[i];
      if (connection.look()) {
        connection.silentPolls = 0;
        this.#ready.add(connection);
        news += 1;
      } else {
        connection.silentPolls += 1;
        if (connection.silentPolls > SILENT_POLLS && connections.length > SILENT_LOOKS) {
          this.#active -= 1;
          this.#swap(i, this.#active);
          i -= 1; // another stands there now
        }
      }
    }
    const silent = connections.length - this.#active;
    for (let looks = Math.min(SILENT_LOOKS, silent); looks > 0; looks -= 1) {
      if (this.#turn < this.#active || this.#turn >= connections.length) this.#turn = this.#active;
      const connection = connections[this.#turn];
      if (connection.look()) {
        this.#activate(this.#turn);
        this.#ready.add(connection);
        news += 1;
      }
      this.#turn += 1;
    }
    return news;
  }

  get readyCount(): number {
    return this.#ready.count;
  }

  ready(index: number): StreamConnection {
    return this.#ready.at(index);
  }

  arm(wake: () => void): void {
    if (!this.#open) return;
    this.#wake = wake;
    this.#bell.listen();
    this.tables.setSleeping(this.tables.member, true);
    // Say it first, look second: whoever publishes does it the other way round, so one of the two sees the other.
    if (this.#hasNews()) this.#immediate ??= setImmediate(() => this.#rung());
  }

  disarm(): void {
    if (this.#wake === null) return;
    this.#wake = null;
    this.#bell.ignore();
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#immediate = null;
    if (this.#open) this.tables.setSleeping(this.tables.member, false);
  }

  close(): void {
    if (!this.#open) return;
    for (const connection of this.#connections.slice()) connection.close();
    for (const listener of this.listeners) listener.close();
    for (const socket of this.sockets) socket.close();
    this.disarm();
    this.#open = false;
    this.#ready.clear();
    chores.drop(this.#sweep);
    this.#bell.close();
    this.tables.close();
  }

  /** The connection over this side of a stream. */
  connection(peer: string, stream: number, side: number): SharedConnection {
    this.#connectionsMade += 1;
    const connection = new SharedConnection(this, this.#connectionsMade, peer, stream, side);
    this.#connections.push(connection);
    this.#activate(this.#connections.length - 1);
    if (this.#connections.length === 1) chores.plan(this.#sweep, SWEEP_MS);
    return connection;
  }

  forgetConnection(connection: SharedConnection): void {
    const at = this.#connections.indexOf(connection);
    assert(at >= 0, 'an open connection is known');
    let place = at;
    if (at < this.#active) {
      this.#active -= 1;
      this.#swap(at, this.#active);
      place = this.#active;
    }
    this.#swap(place, this.#connections.length - 1);
    this.#connections.pop();
  }

  /** Moves a silent stream to those in use. */
  #activate(index: number): void {
    this.#connections[index].silentPolls = 0;
    this.#swap(index, this.#active);
    this.#active += 1;
  }

  #swap(a: number, b: number): void {
    const connection = this.#connections[a];
    this.#connections[a] = this.#connections[b];
    this.#connections[b] = connection;
  }

  readonly #sweep = (): void => {
    this.tables.trySweep();
    if (this.#connections.length > 0) chores.plan(this.#sweep, SWEEP_MS);
    else chores.planSeldom(this.#sweep);
  };

  #rung(): void {
    const wake = this.#wake;
    this.disarm();
    wake?.();
  }

  #hasNews(): boolean {
    if (this.tables.generation !== this.#generationSeen) return true;
    for (const connection of this.#connections) if (connection.hasNews) return true;
    for (const listener of this.listeners) if (listener.hasNews) return true;
    for (const socket of this.sockets) if (socket.hasNews) return true;
    return false;
  }

  #socket(
    kind: SocketKind, action: NetworkAction, host: string, ipv4: number, wantedPort: number, group: number, wantedGroupPort: number,
  ): DatagramSocket {
    const { tables } = this;
    return tables.locked(() => {
      const port = wantedPort === 0 ? tables.freePort() : wantedPort;
      if (kind !== SocketKind.GroupReceiver && tables.findSocket(ipv4, port) !== NO_ENTRY) throw networkError(action, host, port, 'EADDRINUSE');
      const groupPort = kind === SocketKind.GroupReceiver ? port : wantedGroupPort;
      const index = this.#made(tables.makeSocket(kind, ipv4, port, group, groupPort), action, host, port);
      const socket = new SharedDatagramSocket(this, index, kind, host, port);
      this.sockets.add(socket);
      return socket;
    });
  }

  /** An entry, or the error of making it. */
  #made(result: number, action: NetworkAction, host: string, port: number): number {
    if (result >= 0) return result;
    throw networkError(action, host, port, result === NO_ENTRY ? 'ENOBUFS' : errnoName(-result));
  }

  async #local(action: NetworkAction, name: string, port: number): Promise<{ host: string; ipv4: number }> {
    checkPort(action, name, port);
    const host = await resolveIpv4(action, name, port);
    const ipv4 = parseIpv4(host);
    if (!this.#open) throw networkError(action, host, port, 'ECANCELED');
    if (ipv4 >>> 24 !== LOOPBACK_NET) throw networkError(action, host, port, 'EADDRNOTAVAIL');
    return { host, ipv4 };
  }
}

function peerName(ipv4: number, port: number): string {
  return `${formatIpv4(ipv4)}:${port & 0xffff}`;
}
