// The transport over frames: ARP, IPv4, UDP and TCP of our own on one address of one frame port.
//
//   poll: port.receive ─► Ethernet ─┬─ ARP ─► neighbours
//                                   └─ IPv4, checked ─┬─ UDP ─► rings of the sockets
//                                                     └─ TCP ─► streams ─► ready list
//   send: headers and payload written where the card or kernel fetches them ─► port.flush
//
// Nobody but us answers on this address: the kernel does not see its frames. So that handshakes, retries and ends go on
// while the owner's loop does something else or sleeps, a timer takes the frames up every TICK_MS when nobody polled; what
// it found is news of the next poll.
//
// Cost: a payload is copied once on its way out and twice on its way in (frame → ring of the socket → caller). Nothing is
// allocated for a datagram or segment that comes or goes (frame_allocation.test.ts). Timers of all open streams are looked at every
// millisecond, so idle connections cost a little each, unlike with the kernel's.
// Limits: IPv4, one address, datagrams of one frame; what is sent to a group is not heard by this network's own receivers.
import { setTimeout as sleep } from 'node:timers/promises';
import { assert } from '../base/assert.ts';
import { MonotonicClock, type Clock } from '../base/clock.ts';
import { Prng } from '../base/prng.ts';
import { checkGroup, checkPort, formatIpv4, isMulticast, parseIpv4, resolveIpv4 } from './address.ts';
import { FrameDatagramSocket, type DatagramHost, type FrameDatagramOptions } from './frame_datagrams.ts';
import type { FramePort, PortCounters } from './frame_port.ts';
import {
  FLAG_ACK, FLAG_RST, FLAG_SYN, FrameStream, refuseSegment, StreamState, type StreamCounters, type StreamHost,
} from './frame_stream.ts';
import { IpWire, type IpAddressOptions, type WireCounters } from './ip_wire.ts';
import { networkError, type NetworkAction } from './network_error.ts';
import {
  checkIpv4, ETHERNET_BYTES, ETHERTYPE_ARP, ETHERTYPE_IPV4, IP_AT, Ipv4Fault, ipv4HeaderBytes, PROTOCOL_TCP, PROTOCOL_UDP,
  TCP_BYTES, transportChecksum, UDP_BYTES,
} from './packet.ts';
import { ReadyList } from './ready_list.ts';
import type {
  ConnectOptions, DatagramSocket, ListenOptions, MulticastReceiveOptions, MulticastSendOptions, Network,
  StreamConnection, StreamListener, UnicastOptions,
} from './transport.ts';

/** Bursts taken up by one poll: 256 frames, then the owner's turn goes on. */
const BURSTS_MAX = 8;
/** The timers of streams and neighbours are looked at this often. */
const TIMERS_EVERY_NS = 1e6;
/** When nobody polls. */
const TICK_MS = 5;
const CONNECT_TIMEOUT_MS = 10_000;
/** After `close`, what streams have taken and their ends still go out for so long. */
const LINGER_MS = 2_000;
/** Connections of all ports together; their buffers are made with their first byte. */
const STREAMS_MAX = 16_384;
const BUCKETS = 4_096;
const BACKLOG = 1024;
const EPHEMERAL_FIRST = 49_152;
const EPHEMERAL_COUNT = 16_384;
/** Bytes of datagrams waiting for one socket that did not ask for another size: Linux' default. */
const DATAGRAM_BUFFER_BYTES = 212_992;

export interface FrameNetworkOptions extends IpAddressOptions {
  clock?: Clock;
  /** Of port numbers and first sequence numbers; by default from the clock. */
  seed?: number;
}

/** What the network has done, all layers; counters only rise. */
export interface FrameNetworkCounters {
  port: PortCounters;
  wire: WireCounters;
  streams: StreamCounters;
}

class FrameListener implements StreamListener {
  readonly host: string;
  readonly port: number;
  readonly backlog: number;
  readonly waiting: FrameStream[] = [];
  newsListed = false;
  readonly #network: FrameNetwork;

  constructor(network: FrameNetwork, host: string, port: number, backlog: number) {
    this.#network = network;
    this.host = host;
    this.port = port;
    this.backlog = backlog;
  }

  accept(): StreamConnection | null {
    for (;;) {
      const stream = this.waiting.shift();
      if (stream === undefined) return null;
      if (stream.wasReset && !stream.readable) continue;
      return this.#network.adopt(stream);
    }
  }

  close(): void {
    this.#network.listenerClosed(this);
  }
}

/** What a poll tells of. */
interface News { newsListed: boolean }

export class FrameNetwork implements Network, DatagramHost, StreamHost {
  readonly needsEventLoop = false;
  readonly kind: string;
  readonly wire: IpWire;
  readonly streamCounters: StreamCounters = {
    segmentsReceived: 0, segmentsSent: 0, retriesByTime: 0, retriesByAcks: 0, outOfOrder: 0, resetsSent: 0,
  };
  /** Resolves when, after `close`, the port has been given back. */
  readonly closed: Promise<void>;
  readonly #port: FramePort;
  readonly #prng: Prng;
  readonly #listeners = new Map<number, FrameListener>();
  readonly #sockets: FrameDatagramSocket[] = [];
  readonly #streams: FrameStream[] = [];
  readonly #buckets: (FrameStream | null)[] = new Array<FrameStream | null>(BUCKETS).fill(null);
  readonly #ready = new ReadyList<FrameStream>();
  readonly #news: News[] = [];
  readonly #acknowledgements: FrameStream[] = [];
  #streamsMade = 0;
  /** [0]: when timers were looked at; [1]: when anybody last took frames up. */
  readonly #times = new Float64Array(2);
  #wake: (() => void) | null = null;
  #wakeQueued = false;
  readonly #tick: NodeJS.Timeout;
  #open = true;
  #lingerUntilMs = 0;
  #portClosed = false;
  #resolveClosed: () => void = () => {};

  constructor(port: FramePort, options: FrameNetworkOptions) {
    this.kind = port.kind;
    this.#port = port;
    this.wire = new IpWire(port, options, options.clock ?? new MonotonicClock());
    this.#prng = new Prng(options.seed ?? Math.floor(Math.random() * 0x1_0000_0000));
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    this.#tick = setInterval(() => this.#background(), TICK_MS);
    this.#tick.unref();
  }

  get host(): string {
    return formatIpv4(this.wire.ipv4);
  }

  counters(): FrameNetworkCounters {
    return { port: this.#port.counters(), wire: { ...this.wire.counters }, streams: { ...this.streamCounters } };
  }

  // ── setting up ───────────────────────────────────────────────────────────────────────────────────

  async listen(options: ListenOptions): Promise<StreamListener> {
    const host = await this.#own('listen on', options.host, options.port);
    if (this.#listeners.has(options.port)) throw networkError('listen on', host, options.port, 'EADDRINUSE');
    const port = options.port === 0 ? this.#freePort('listen on') : options.port;
    const listener = new FrameListener(this, host, port, Math.min(options.backlog ?? BACKLOG, BACKLOG));
    this.#listeners.set(port, listener);
    return listener;
  }

  async connect(options: ConnectOptions): Promise<StreamConnection> {
    const { port } = options;
    checkPort('connect to', options.host, port);
    const host = await resolveIpv4('connect to', options.host, port);
    if (!this.#open) throw networkError('connect to', host, port, 'ECANCELED');
    this.wire.refreshTime();
    const ipv4 = parseIpv4(host);
    const neighbour = this.wire.neighbour(ipv4);
    if (neighbour === null || isMulticast(ipv4)) throw networkError('connect to', host, port, 'ENETUNREACH');
    const stream = this.#newStream(StreamState.Asked, neighbour, this.#freePort('connect to'), ipv4, port);
    if (stream === null) throw networkError('connect to', host, port, 'EMFILE');
    stream.accepted = true;
    stream.greet();
    neighbour.silent = false; // it may be there by now
    const deadlineMs = performance.now() + CONNECT_TIMEOUT_MS;
    while (stream.state === StreamState.Asked && this.#open && !neighbour.silent && performance.now() < deadlineMs) {
      await sleep(1);
      this.#takeUp();
    }
    if (stream.state === StreamState.Established && !stream.wasReset) return stream;
    const refused = stream.wasReset;
    stream.close();
    const silent = neighbour.known ? 'ETIMEDOUT' : 'EHOSTUNREACH';
    throw networkError('connect to', host, port, refused ? 'ECONNREFUSED' : this.#open ? silent : 'ECANCELED');
  }

  async multicastSender(options: MulticastSendOptions): Promise<DatagramSocket> {
    checkGroup(options.group, options.port);
    checkPort('send to', options.group, options.port);
    await this.#own('bind', options.interface, 0);
    return this.#newSocket({
      ipv4: this.wire.ipv4, port: this.#freePort('bind'), bufferBytes: DATAGRAM_BUFFER_BYTES,
      destinationHost: options.group, destinationPort: options.port, multicastTtl: options.ttl,
    });
  }

  async multicastReceiver(options: MulticastReceiveOptions): Promise<DatagramSocket> {
    checkGroup(options.group, options.port);
    checkPort('join', options.group, options.port);
    await this.#own('join', options.interface, options.port);
    return this.#newSocket({
      ipv4: parseIpv4(options.group), port: options.port === 0 ? this.#freePort('join') : options.port,
      bufferBytes: options.receiveBufferBytes ?? DATAGRAM_BUFFER_BYTES,
      destinationHost: '', destinationPort: 0, multicastTtl: 1,
    });
  }

  async unicast(options: UnicastOptions): Promise<DatagramSocket> {
    const { port } = options;
    const host = await this.#own('bind', options.host, port);
    if (this.#hearsUnicast(port)) throw networkError('bind', host, port, 'EADDRINUSE');
    return this.#newSocket({
      ipv4: this.wire.ipv4, port: port === 0 ? this.#freePort('bind') : port, bufferBytes: DATAGRAM_BUFFER_BYTES,
      destinationHost: '', destinationPort: 0, multicastTtl: 1,
    });
  }

  /** Sockets are set up on the one address that this network has; 0.0.0.0 means it too. */
  async #own(action: NetworkAction, name: string, port: number): Promise<string> {
    checkPort(action, name, port);
    const host = await resolveIpv4(action, name, port);
    if (!this.#open) throw networkError(action, host, port, 'ECANCELED');
    const ipv4 = parseIpv4(host);
    if (ipv4 !== this.wire.ipv4 && ipv4 !== 0) throw networkError(action, host, port, 'EADDRNOTAVAIL');
    return this.host;
  }

  #newSocket(options: FrameDatagramOptions): FrameDatagramSocket {
    const socket = new FrameDatagramSocket(this, options);
    this.#sockets.push(socket);
    return socket;
  }

  #hearsUnicast(port: number): boolean {
    return port !== 0 && this.#sockets.some((socket) => socket.port === port && socket.ipv4 === this.wire.ipv4);
  }

  #freePort(action: NetworkAction): number {
    for (let tries = 0; tries < EPHEMERAL_COUNT; tries += 1) {
      const port = EPHEMERAL_FIRST + this.#prng.below(EPHEMERAL_COUNT);
      const taken = this.#listeners.has(port) || this.#sockets.some((socket) => socket.port === port) ||
        this.#streams.some((stream) => stream.localPort === port);
      if (!taken) return port;
    }
    throw networkError(action, this.host, 0, 'EADDRINUSE');
  }

  // ── frames ───────────────────────────────────────────────────────────────────────────────────────

  poll(): number {
    if (!this.#open) return 0;
    for (let i = 0; i < this.#acknowledgements.length; i += 1) {
      const stream = this.#acknowledgements[i];
      stream.ackListed = false;
      if (stream.acknowledgementDue) stream.acknowledge();
    }
    while (this.#acknowledgements.length > 0) this.#acknowledgements.pop();
    this.#takeUp();
    const news = this.#news.length;
    for (let i = 0; i < news; i += 1) this.#news[i].newsListed = false;
    while (this.#news.length > 0) this.#news.pop();
    this.#ready.refresh();
    return news;
  }

  /** Takes in what has come; what that means for the owner gathers until the next poll. */
  #takeUp(): void {
    const port = this.#port;
    const { time } = this.wire;
    this.wire.refreshTime();
    this.#times[1] = time[0];
    for (let burst = 0; burst < BURSTS_MAX; burst += 1) {
      const count = port.receive();
      for (let i = 0; i < count; i += 1) this.#onFrame(port.frameAt(i), port.frameBytes(i));
      if (count === 0) break;
    }
    if (time[0] - this.#times[0] >= TIMERS_EVERY_NS) this.#onTime();
  }

  #onTime(): void {
    this.#times[0] = this.wire.time[0];
    this.wire.onTime();
    const streams = this.#streams;
    let kept = 0;
    for (let i = 0; i < streams.length; i += 1) {
      const stream = streams[i];
      stream.onTime();
      if (stream.over) this.#unchain(stream);
      else {
        streams[kept] = stream;
        kept += 1;
      }
    }
    while (streams.length > kept) streams.pop();
  }

  #onFrame(at: number, bytes: number): void {
    const { view } = this.#port;
    const type = bytes >= ETHERNET_BYTES ? view.getUint16(at + 12) : 0;
    if (type === ETHERTYPE_IPV4) this.#onIpv4(at + IP_AT, bytes - ETHERNET_BYTES);
    else if (type === ETHERTYPE_ARP) this.wire.receiveArp(at, bytes);
    else this.wire.counters.notForUs += 1;
  }

  #onIpv4(ip: number, bytes: number): void {
    const { view } = this.#port;
    const { counters } = this.wire;
    const fault = checkIpv4(view, ip, bytes);
    if (fault !== Ipv4Fault.None) {
      if (fault === Ipv4Fault.Checksum) counters.badChecksum += 1;
      else if (fault === Ipv4Fault.Fragment) counters.fragments += 1;
      else counters.malformed += 1;
      return;
    }
    const to = view.getUint32(ip + 16);
    const headerBytes = ipv4HeaderBytes(view, ip);
    const transport = ip + headerBytes;
    const transportBytes = view.getUint16(ip + 2) - headerBytes;
    const protocol = view.getUint8(ip + 9);
    if (to !== this.wire.ipv4 && !isMulticast(to)) counters.notForUs += 1;
    else if (protocol === PROTOCOL_UDP) this.#onUdp(ip, transport, transportBytes, to);
    else if (protocol === PROTOCOL_TCP && to === this.wire.ipv4) this.#onTcp(ip, transport, transportBytes);
    else counters.notForUs += 1;
  }

  #onUdp(ip: number, udp: number, bytes: number, to: number): void {
    const { view } = this.#port;
    const { counters } = this.wire;
    const udpBytes = bytes >= UDP_BYTES ? view.getUint16(udp + 4) : 0;
    if (udpBytes < UDP_BYTES || udpBytes > bytes) {
      counters.malformed += 1;
      return;
    }
    const port = view.getUint16(udp + 2);
    let checked = view.getUint16(udp + 6) === 0; // the sender has computed none
    let heard = false;
    for (let i = 0; i < this.#sockets.length; i += 1) {
      const socket = this.#sockets[i];
      if (socket.port !== port || socket.ipv4 !== to) continue;
      if (!checked && transportChecksum(view, ip, PROTOCOL_UDP, udp, udpBytes) !== 0) {
        counters.badChecksum += 1;
        return;
      }
      checked = true;
      heard = true;
      if (udpBytes === UDP_BYTES) continue; // empty: says nothing
      socket.onDatagram(udp + UDP_BYTES, udpBytes - UDP_BYTES, view.getUint32(ip + 12), view.getUint16(udp));
    }
    if (!heard) counters.notForUs += 1;
  }

  #onTcp(ip: number, tcp: number, bytes: number): void {
    const { view } = this.#port;
    const { counters } = this.wire;
    const headerBytes = bytes >= TCP_BYTES ? (view.getUint8(tcp + 12) >>> 4) * 4 : 0;
    if (headerBytes < TCP_BYTES || headerBytes > bytes) {
      counters.malformed += 1;
      return;
    }
    if (transportChecksum(view, ip, PROTOCOL_TCP, tcp, bytes) !== 0) {
      counters.badChecksum += 1;
      return;
    }
    const from = view.getUint32(ip + 12);
    const stream = this.#find(view.getUint16(tcp + 2), from, view.getUint16(tcp));
    if (stream !== null) stream.onSegment(tcp, headerBytes, bytes - headerBytes);
    else this.#onStranger(from, tcp, headerBytes, bytes - headerBytes);
  }

  /** A segment of no connection: the first of one, or one that is refused. */
  #onStranger(from: number, tcp: number, headerBytes: number, payloadBytes: number): void {
    const { view } = this.#port;
    const flags = view.getUint8(tcp + 13);
    if ((flags & FLAG_RST) !== 0) return;
    const neighbour = isMulticast(from) ? null : this.wire.neighbour(from);
    if (neighbour === null) return;
    const port = view.getUint16(tcp + 2);
    const listener = this.#listeners.get(port);
    if (listener === undefined || (flags & (FLAG_SYN | FLAG_ACK)) !== FLAG_SYN) {
      refuseSegment(this.wire, neighbour, from, tcp, payloadBytes);
      this.streamCounters.resetsSent += 1;
      return;
    }
    if (listener.waiting.length >= listener.backlog) return; // the peer asks again
    const stream = this.#newStream(StreamState.Answered, neighbour, port, from, view.getUint16(tcp));
    stream?.onAsked(tcp, headerBytes);
  }

  // ── streams ──────────────────────────────────────────────────────────────────────────────────────

  #newStream(
    state: StreamState, neighbour: NonNullable<ReturnType<IpWire['neighbour']>>, localPort: number, ipv4: number, port: number,
  ): FrameStream | null {
    if (this.#streams.length >= STREAMS_MAX) return null;
    this.#streamsMade += 1;
    const peer = `${formatIpv4(ipv4)}:${port}`;
    const stream = new FrameStream(
      this, this.#streamsMade, state, neighbour, localPort, ipv4 >>> 0, port, peer, this.#prng.u32(),
    );
    this.#streams.push(stream);
    const bucket = bucketOf(localPort, stream.remoteIpv4, port);
    stream.nextInBucket = this.#buckets[bucket];
    this.#buckets[bucket] = stream;
    return stream;
  }

  #find(localPort: number, ipv4: number, port: number): FrameStream | null {
    let stream = this.#buckets[bucketOf(localPort, ipv4, port)];
    while (stream !== null) {
      if (stream.localPort === localPort && stream.remoteIpv4 === ipv4 && stream.remotePort === port &&
        stream.state !== StreamState.Ended) return stream;
      stream = stream.nextInBucket;
    }
    return null;
  }

  #unchain(stream: FrameStream): void {
    const bucket = bucketOf(stream.localPort, stream.remoteIpv4, stream.remotePort);
    let at = this.#buckets[bucket];
    if (at === stream) this.#buckets[bucket] = stream.nextInBucket;
    while (at !== null) {
      if (at.nextInBucket === stream) at.nextInBucket = stream.nextInBucket;
      at = at.nextInBucket;
    }
  }

  streamNews(stream: FrameStream): void {
    if (!stream.accepted) return;
    if (stream.readable) this.#ready.add(stream);
    this.#tell(stream);
  }

  acknowledgeSoon(stream: FrameStream): void {
    if (stream.ackListed) return;
    stream.ackListed = true;
    this.#acknowledgements.push(stream);
  }

  streamDecided(stream: FrameStream): void {
    if (stream.accepted || stream.state !== StreamState.Established) return;
    const listener = this.#listeners.get(stream.localPort);
    if (listener === undefined || listener.waiting.length >= listener.backlog) {
      stream.close();
      return;
    }
    listener.waiting.push(stream);
    this.#tell(listener);
  }

  /** An established stream goes to its owner. */
  adopt(stream: FrameStream): FrameStream {
    stream.accepted = true;
    if (stream.readable) this.#ready.add(stream);
    return stream;
  }

  listenerClosed(listener: FrameListener): void {
    if (this.#listeners.get(listener.port) !== listener) return;
    this.#listeners.delete(listener.port);
    for (const stream of listener.waiting) stream.close();
    listener.waiting.length = 0;
  }

  // ── datagrams ────────────────────────────────────────────────────────────────────────────────────

  socketNews(socket: FrameDatagramSocket): void {
    this.#tell(socket);
  }

  socketClosed(socket: FrameDatagramSocket): void {
    const index = this.#sockets.indexOf(socket);
    assert(index >= 0, 'an open socket is known');
    this.#sockets.splice(index, 1);
  }

  #tell(news: News): void {
    if (news.newsListed) return;
    news.newsListed = true;
    this.#news.push(news);
  }

  // ── readiness, sleep, end ────────────────────────────────────────────────────────────────────────

  get readyCount(): number {
    return this.#ready.count;
  }

  ready(index: number): StreamConnection {
    return this.#ready.at(index);
  }

  arm(wake: () => void): void {
    if (!this.#open) return;
    this.#wake = wake;
    for (const stream of this.#acknowledgements) if (stream.acknowledgementDue) stream.acknowledge();
    if (this.#news.length > 0) this.#wakeSoon();
    else this.#port.arm(this.#onArrival);
  }

  disarm(): void {
    if (this.#wake === null) return;
    this.#wake = null;
    this.#port.disarm();
  }

  /** Frames have come while the owner sleeps: most are news, some only acknowledge or ask for an address. */
  readonly #onArrival = (): void => {
    if (this.#wake === null || !this.#open) return;
    this.#takeUp();
    if (this.#news.length > 0) this.#wakeSoon();
    else this.#port.arm(this.#onArrival);
  };

  #wakeSoon(): void {
    if (this.#wakeQueued) return;
    this.#wakeQueued = true;
    setImmediate(() => {
      this.#wakeQueued = false;
      const wake = this.#wake;
      this.disarm();
      wake?.();
    });
  }

  #background(): void {
    if (this.#lingerUntilMs > 0) {
      this.#linger();
      return;
    }
    this.wire.refreshTime();
    if (this.wire.time[0] - this.#times[1] < TIMERS_EVERY_NS) return; // somebody polls
    this.#takeUp();
    for (const stream of this.#acknowledgements) if (stream.acknowledgementDue) stream.acknowledge();
    if (this.#wake !== null && this.#news.length > 0) this.#wakeSoon();
  }

  close(): void {
    if (!this.#open) return;
    this.disarm();
    for (const listener of this.#listeners.values()) listener.close();
    while (this.#sockets.length > 0) this.#sockets[0].close();
    for (const stream of this.#streams) stream.close();
    this.#ready.clear();
    this.#news.length = 0;
    this.#open = false;
    this.#lingerUntilMs = performance.now() + LINGER_MS;
    this.#tick.ref();
    this.#linger();
  }

  /** Ends go out, and the port with the last of them. */
  #linger(): void {
    if (this.#portClosed) return;
    this.#takeUp();
    const waiting = this.#streams.some((stream) => stream.lingering);
    if (waiting && performance.now() < this.#lingerUntilMs) return;
    this.#portClosed = true;
    clearInterval(this.#tick);
    this.#port.close();
    this.#resolveClosed();
  }
}

function bucketOf(localPort: number, ipv4: number, port: number): number {
  const mixed = Math.imul(ipv4 ^ Math.imul(port, 0x9e3779b1) ^ (localPort << 7), 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) & (BUCKETS - 1);
}
