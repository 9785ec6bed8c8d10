// The transport over direct system calls on Linux: non-blocking sockets behind one edge-triggered epoll.
//
//   poll: epoll_wait ─► flags of each object with events (may read, may write, peer ended) ─► ready list
//   receive: recvmsg straight into the caller's memory, shared or not     send: sendmsg straight out of it
//
// Flags are kept here and not asked of the kernel: a connection with nothing to receive, or no room to
// send, answers without a system call. A receive shorter than asked for has emptied the socket, which
// saves the call that would say so.
//
// The kernel calls a datagram socket writable anew for each datagram that has left. That would be news in every other poll
// of whoever publishes, so room is asked about only while there is none.
//
// The only busy connection is asked directly: when one connection alone has news for a while, a poll does
// not ask epoll but lets that connection's receive ask the socket (except every EPOLL_EVERY polls, for all
// others). It saves the epoll_wait that finds the bytes, 0.5 µs of a round trip of 8. News elsewhere end it.
//
// Cost: system calls 110 to 190 ns over C, no allocation (message_header.ts);
// 1,000 idle connections cost nothing in poll. Round trip: net.bench.ts.
// Limits: IPv4. One network belongs to one thread.
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert } from '../base/assert.ts';
import { Epoll, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '../os/epoll.ts';
import { errnoName, loadLibc, type Libc } from '../os/libc.ts';
import { MemoryAddress, MessageHeader } from '../os/message_header.ts';
import { MSG_DONTWAIT, MSG_NOSIGNAL, MSG_TRUNC, SocketCalls } from '../os/socket.ts';
import { checkGroup, checkPort, formatIpv4, parseIpv4, resolveIpv4 } from './address.ts';
import { networkError, type NetworkAction } from './network_error.ts';
import { ReadyList } from './ready_list.ts';
import {
  CLOSED, DATAGRAM_BYTES_MAX, SEGMENTS_MAX, WOULD_BLOCK,
  type ConnectOptions, type DatagramSocket, type ListenOptions, type MulticastReceiveOptions,
  type MulticastSendOptions, type Network, type StreamConnection, type StreamListener, type UnicastOptions,
} from './transport.ts';

const { EAGAIN, ECONNABORTED, EINPROGRESS, EINTR, ENOBUFS, ENOMEM } = constants.errno;

/** Connections the kernel holds for a listener until they are accepted. */
const BACKLOG = 1024;
/** How long a connect may take. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Datagrams skipped in one receive (empty ones, errors of earlier sends) before it says "none now". */
const SKIPPED_MAX = 64;
/** News in a row from one connection alone until it is asked directly. */
const DIRECT_AFTER = 8;
/** Polls that ask it directly between two that ask epoll: others wait at most this many, some µs. */
const EPOLL_EVERY = 16;
/** Asks of epoll without any news (so EPOLL_EVERY times as many polls, some ms) that end it. */
const DIRECT_IDLE_MAX = 256;
const ENDED_EVENTS = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

/** What all objects of one network share. */
class Shared {
  readonly libc: Libc;
  readonly sockets: SocketCalls;
  readonly epoll: Epoll;
  readonly receiveHeader: MessageHeader;
  readonly sendHeader: MessageHeader;
  readonly ready = new ReadyList<EpollConnection>();
  /** Open objects by file descriptor, which the kernel keeps small and uses again. */
  readonly byFd: (Watched | null)[] = [];
  connectionsMade = 0;
  /** The connection that alone has had news lately, and how many times in a row. */
  busy: Watched | null = null;
  busyNews = 0;

  constructor(libc: Libc) {
    this.libc = libc;
    this.sockets = new SocketCalls(libc);
    this.epoll = new Epoll(libc);
    this.receiveHeader = new MessageHeader(libc, false);
    this.sendHeader = new MessageHeader(libc, false);
  }

  /** Watches it from now on; a negated error number where that cannot be. */
  watch(watched: Watched, events: number): number {
    const result = this.epoll.add(watched.fd, events);
    if (result < 0) return result;
    while (this.byFd.length <= watched.fd) this.byFd.push(null);
    assert(this.byFd[watched.fd] === null, 'a file descriptor belongs to one object');
    this.byFd[watched.fd] = watched;
    return 0;
  }

  /** Closes the descriptor, which also ends the watching. */
  release(watched: Watched): void {
    assert(this.byFd[watched.fd] === watched, 'an open object is watched');
    this.byFd[watched.fd] = null;
    if (this.busy === watched) this.busy = null;
    this.sockets.close(watched.fd);
  }
}

interface Watched {
  readonly fd: number;
  /** Takes up what epoll says. */
  onEvents(events: number): void;
  /** To be asked at the next receive, whether or not epoll has told of anything; false: cannot be. */
  askDirectly(): boolean;
  close(): void;
}

class EpollConnection implements StreamConnection, Watched {
  readonly id: number;
  readonly peer: string;
  readonly fd: number;
  tag = -1;
  listed = false;
  readonly #shared: Shared;
  readonly #receiveAddress: MemoryAddress;
  readonly #sendAddress: MemoryAddress;
  #mayRead = false; // bytes, the end or an error wait, as far as is known
  #mayWrite = true;
  #endTold = false; // epoll has told of an end or error: a short receive then proves nothing
  #ended = false; // the end or error was received
  #broken = false; // nothing can be sent any more
  #closed = false; // by us

  constructor(shared: Shared, fd: number, peer: string) {
    shared.connectionsMade += 1;
    this.id = shared.connectionsMade;
    this.peer = peer;
    this.fd = fd;
    this.#shared = shared;
    this.#receiveAddress = new MemoryAddress(shared.libc);
    this.#sendAddress = new MemoryAddress(shared.libc);
  }

  get open(): boolean {
    return !this.#closed && !this.#ended;
  }

  get readable(): boolean {
    return this.#mayRead && !this.#closed;
  }

  onEvents(events: number): void {
    if ((events & EPOLLOUT) !== 0) this.#mayWrite = true;
    if ((events & ENDED_EVENTS) !== 0) {
      this.#endTold = true;
      this.#mayWrite = true; // so that a send finds out
    }
    if ((events & (EPOLLIN | ENDED_EVENTS)) === 0) return;
    this.#mayRead = true;
    this.#shared.ready.add(this);
  }

  askDirectly(): boolean {
    this.#mayRead = true;
    this.#shared.ready.add(this);
    return true;
  }

  receive(target: Uint8Array, offset: number, max: number): number {
    assert(max > 0 && offset >= 0 && offset + max <= target.length, 'the receive range lies inside the target');
    if (this.#closed || this.#ended) return CLOSED;
    if (!this.#mayRead) return WOULD_BLOCK;
    const { libc, receiveHeader } = this.#shared;
    const pointer = this.#receiveAddress.pointerTo(target, offset);
    let count: number;
    if (pointer !== null) {
      count = libc.recv(this.fd, pointer, max, MSG_DONTWAIT);
    } else {
      receiveHeader.pointAt(this.#receiveAddress, offset, max);
      count = libc.recvmsg(this.fd, receiveHeader.pointer, MSG_DONTWAIT);
    }
    if (count > 0) {
      if (count < max && !this.#endTold) this.#mayRead = false;
      return count;
    }
    if (count < 0) {
      const errno = libc.errno();
      if (errno === EAGAIN) {
        this.#mayRead = false;
        return WOULD_BLOCK;
      }
      if (errno === EINTR || errno === ENOMEM || errno === ENOBUFS) return WOULD_BLOCK; // worth asking again
      this.#broken = true; // ECONNRESET, ETIMEDOUT, …
    }
    this.#ended = true;
    return CLOSED;
  }

  send(source: Uint8Array, offset: number, length: number): number {
    assert(offset >= 0 && length >= 0 && offset + length <= source.length, 'the send range lies inside the source');
    if (this.#closed || this.#broken) return CLOSED;
    if (!this.#mayWrite || length === 0) return WOULD_BLOCK;
    const { libc, sendHeader } = this.#shared;
    const pointer = this.#sendAddress.pointerTo(source, offset);
    let count: number;
    if (pointer !== null) {
      count = libc.send(this.fd, pointer, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else {
      sendHeader.pointAt(this.#sendAddress, offset, length);
      count = libc.sendmsg(this.fd, sendHeader.pointer, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (count >= 0) {
      if (count < length) this.#mayWrite = false; // full; the kernel tells when there is room
      return count;
    }
    const errno = libc.errno();
    if (errno === EAGAIN) {
      this.#mayWrite = false;
      return WOULD_BLOCK;
    }
    if (errno === EINTR || errno === ENOMEM || errno === ENOBUFS) return WOULD_BLOCK;
    this.#broken = true; // EPIPE, ECONNRESET, …
    return CLOSED;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // The kernel goes on sending what it took; with unread bytes it resets, so that the peer learns of it.
    this.#shared.release(this);
  }
}

class EpollListener implements StreamListener, Watched {
  readonly host: string;
  readonly port: number;
  readonly fd: number;
  readonly #shared: Shared;
  #mayAccept = false;
  #closed = false;

  constructor(shared: Shared, fd: number, host: string, port: number) {
    this.#shared = shared;
    this.fd = fd;
    this.host = host;
    this.port = port;
  }

  onEvents(): void {
    this.#mayAccept = true;
  }

  askDirectly(): boolean {
    return false;
  }

  accept(): StreamConnection | null {
    if (!this.#mayAccept || this.#closed) return null;
    const shared = this.#shared;
    for (;;) {
      const fd = shared.sockets.accept(this.fd);
      if (fd === -ECONNABORTED || fd === -EINTR) continue; // that one has gone; the next
      if (fd < 0) {
        // Out of file descriptors and the like: the connections wait in the backlog, and we ask again.
        if (fd === -EAGAIN) this.#mayAccept = false;
        return null;
      }
      const peer = `${formatIpv4(shared.sockets.nameIpv4)}:${shared.sockets.namePort}`;
      const connection = adoptStream(shared, fd, peer);
      if (connection !== null) return connection;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#shared.release(this);
  }
}

/** The connection over a connected descriptor; null, and the descriptor closed, where the kernel has no room. */
function adoptStream(shared: Shared, fd: number, peer: string): EpollConnection | null {
  shared.sockets.noDelay(fd);
  const connection = new EpollConnection(shared, fd, peer);
  if (shared.watch(connection, EPOLLIN | EPOLLOUT | EPOLLRDHUP) === 0) return connection;
  shared.sockets.close(fd);
  return null;
}

class EpollDatagramSocket implements DatagramSocket, Watched {
  readonly host: string;
  readonly port: number;
  readonly fd: number;
  truncated = 0;
  refused = 0;
  readonly #shared: Shared;
  readonly #receiveHeader: MessageHeader;
  readonly #receiveAddress: MemoryAddress;
  readonly #sendHeader: MessageHeader;
  readonly #sendAddress: MemoryAddress;
  readonly #destinationHost: string; // '': no default destination
  readonly #destinationPort: number;
  #mayRead = false;
  #mayWrite = true;
  #cuts = true; // as far as is known, the system cuts one send into datagrams
  #closed = false;
  #senderIpv4 = 0;
  #senderPort = 0;
  #formattedIpv4 = 0;
  #formattedHost = '0.0.0.0';
  #parsedHost = '';
  #parsedIpv4 = 0;
  #droppedAtClose = 0;

  constructor(shared: Shared, fd: number, host: string, port: number, destinationHost: string, destinationPort: number) {
    this.#shared = shared;
    this.fd = fd;
    this.host = host;
    this.port = port;
    this.#receiveHeader = new MessageHeader(shared.libc, true);
    this.#receiveAddress = new MemoryAddress(shared.libc);
    this.#sendHeader = new MessageHeader(shared.libc, true);
    this.#sendAddress = new MemoryAddress(shared.libc);
    this.#destinationHost = destinationHost;
    this.#destinationPort = destinationPort;
  }

  get senderHost(): string {
    if (this.#formattedIpv4 !== this.#senderIpv4) {
      this.#formattedIpv4 = this.#senderIpv4;
      this.#formattedHost = formatIpv4(this.#senderIpv4);
    }
    return this.#formattedHost;
  }

  get senderPort(): number {
    return this.#senderPort;
  }

  get dropped(): number {
    return this.#closed ? this.#droppedAtClose : this.#shared.sockets.drops(this.fd);
  }

  onEvents(events: number): void {
    if ((events & EPOLLOUT) !== 0 && !this.#mayWrite) {
      this.#mayWrite = true;
      this.#shared.epoll.change(this.fd, EPOLLIN);
    }
    if ((events & (EPOLLIN | EPOLLERR)) !== 0) this.#mayRead = true;
  }

  askDirectly(): boolean {
    return false;
  }

  receive(target: Uint8Array, offset: number, max: number): number {
    assert(max > 0 && offset >= 0 && offset + max <= target.length, 'the receive range lies inside the target');
    if (!this.#mayRead || this.#closed) return WOULD_BLOCK;
    const { libc } = this.#shared;
    const header = this.#receiveHeader;
    this.#receiveAddress.locate(target);
    header.pointAt(this.#receiveAddress, offset, max);
    for (let skipped = 0; skipped < SKIPPED_MAX; skipped += 1) {
      header.rearmName();
      const count = libc.recvmsg(this.fd, header.pointer, MSG_DONTWAIT);
      if (count > 0) {
        this.#senderIpv4 = header.nameIpv4;
        this.#senderPort = header.namePort;
        if ((header.flags & MSG_TRUNC) !== 0) this.truncated += 1;
        return count;
      }
      if (count < 0 && libc.errno() === EAGAIN) {
        this.#mayRead = false;
        return WOULD_BLOCK;
      }
      // An empty datagram, which says nothing, or an error of an earlier send, which is not for the reader.
    }
    return WOULD_BLOCK;
  }

  send(source: Uint8Array, offset: number, length: number): boolean {
    assert(this.#destinationHost !== '', 'the socket has a default destination');
    return this.sendTo(source, offset, length, this.#destinationHost, this.#destinationPort);
  }

  sendTo(source: Uint8Array, offset: number, length: number, host: string, port: number): boolean {
    assert(offset >= 0 && length > 0 && offset + length <= source.length, 'the send range lies inside the source');
    assert(length <= DATAGRAM_BYTES_MAX, 'a datagram fits UDP');
    if (!this.#mayWrite || this.#closed) return false;
    this.#parse(host);
    return this.#sendNow(source, offset, length, 0, port);
  }

  /** One walk down the kernel's stack for all of them: UDP_SEGMENT. */
  sendSegments(source: Uint8Array, offset: number, length: number, segmentBytes: number): boolean {
    assert(this.#destinationHost !== '', 'the socket has a default destination');
    assert(offset >= 0 && length > 0 && offset + length <= source.length, 'the send range lies inside the source');
    assert(length <= DATAGRAM_BYTES_MAX && length <= SEGMENTS_MAX * segmentBytes, 'the segments fit one send');
    if (!this.#mayWrite || this.#closed) return false;
    this.#parse(this.#destinationHost);
    const port = this.#destinationPort;
    if (this.#cuts) {
      const refusedBefore = this.refused;
      const sent = this.#sendNow(source, offset, length, segmentBytes, port);
      if (this.refused === refusedBefore) return sent;
      // An older kernel, or a device that cannot: from now on one by one.
      this.refused = refusedBefore;
      this.#cuts = false;
    }
    for (let at = 0; at < length; at += segmentBytes) {
      if (this.#sendNow(source, offset + at, Math.min(segmentBytes, length - at), 0, port)) continue;
      if (at === 0) return false;
      this.refused += 1; // the first ones have left, so these count as sent and lost
    }
    return true;
  }

  #parse(host: string): void {
    if (host === this.#parsedHost) return;
    const ipv4 = parseIpv4(host);
    assert(ipv4 >= 0, 'a datagram goes to an IPv4 address');
    this.#parsedHost = host;
    this.#parsedIpv4 = ipv4 | 0;
  }

  #sendNow(source: Uint8Array, offset: number, length: number, segmentBytes: number, port: number): boolean {
    const { libc } = this.#shared;
    const header = this.#sendHeader;
    header.setName(this.#parsedIpv4, port);
    header.cutInto(segmentBytes);
    this.#sendAddress.locate(source);
    header.pointAt(this.#sendAddress, offset, length);
    const count = libc.sendmsg(this.fd, header.pointer, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count === length) return true;
    const errno = libc.errno();
    if (errno === EAGAIN) {
      this.#mayWrite = false;
      this.#shared.epoll.change(this.fd, EPOLLIN | EPOLLOUT);
      return false;
    }
    if (errno === EINTR || errno === ENOBUFS || errno === ENOMEM) return false;
    this.refused += 1;
    return true;
  }

  close(): void {
    if (this.#closed) return;
    this.#droppedAtClose = this.dropped;
    this.#closed = true;
    this.#shared.release(this);
  }
}

export class EpollNetwork implements Network {
  readonly kind = 'epoll';
  readonly needsEventLoop = false;
  readonly #shared: Shared;
  #open = true;
  #directPolls = 0; // polls left until epoll is asked again
  #idleAsks = 0; // asks of epoll in a row without news

  /** Throws LibcUnavailableError where direct system calls are not to be had. */
  constructor() {
    this.#shared = new Shared(loadLibc());
  }

  async listen(options: ListenOptions): Promise<StreamListener> {
    const { port } = options;
    checkPort('listen on', options.host, port);
    const host = await resolveIpv4('listen on', options.host, port);
    const { sockets } = this.#shared;
    const fd = this.#socket(sockets.stream(), 'listen on', host, port);
    this.#check(fd, sockets.reuseAddress(fd), 'listen on', host, port);
    this.#check(fd, sockets.bind(fd, parseIpv4(host), port), 'listen on', host, port);
    this.#check(fd, sockets.listen(fd, options.backlog ?? BACKLOG), 'listen on', host, port);
    this.#check(fd, sockets.localName(fd), 'listen on', host, port);
    const listener = new EpollListener(this.#shared, fd, formatIpv4(sockets.nameIpv4), sockets.namePort);
    this.#check(fd, this.#shared.watch(listener, EPOLLIN), 'listen on', host, port);
    return listener;
  }

  async connect(options: ConnectOptions): Promise<StreamConnection> {
    const { port } = options;
    checkPort('connect to', options.host, port);
    const host = await resolveIpv4('connect to', options.host, port);
    const { sockets } = this.#shared;
    const fd = this.#socket(sockets.stream(), 'connect to', host, port);
    let result = sockets.connect(fd, parseIpv4(host), port);
    const deadlineMs = performance.now() + CONNECT_TIMEOUT_MS;
    while (result === -EINPROGRESS) {
      result = sockets.connected(fd); // on this machine it is connected by now
      if (result !== -EINPROGRESS) break;
      if (performance.now() >= deadlineMs) result = -constants.errno.ETIMEDOUT;
      else await sleep(1);
      if (!this.#open) result = -constants.errno.ECANCELED;
    }
    this.#check(fd, result, 'connect to', host, port);
    const connection = adoptStream(this.#shared, fd, `${host}:${port}`);
    if (connection === null) throw networkError('connect to', host, port, 'ENOSPC');
    return connection;
  }

  async multicastSender(options: MulticastSendOptions): Promise<DatagramSocket> {
    const { group, port } = options;
    checkGroup(group, port);
    checkPort('send to', group, port);
    const host = await resolveIpv4('bind', options.interface, 0);
    const { sockets } = this.#shared;
    const fd = this.#socket(sockets.datagram(), 'bind', host, 0);
    this.#check(fd, sockets.bind(fd, parseIpv4(host), 0), 'bind', host, 0);
    this.#check(fd, sockets.multicastInterface(fd, parseIpv4(host)), 'send to', group, port);
    this.#check(fd, sockets.multicastTtl(fd, options.ttl), 'send to', group, port);
    this.#check(fd, sockets.multicastLoopback(fd, options.loopback ?? true), 'send to', group, port);
    return this.#adoptDatagrams(fd, 'send to', host, group, port);
  }

  async multicastReceiver(options: MulticastReceiveOptions): Promise<DatagramSocket> {
    const { group, port } = options;
    checkGroup(group, port);
    checkPort('join', group, port);
    const local = await resolveIpv4('join', options.interface, port);
    const { sockets } = this.#shared;
    const fd = this.#socket(sockets.datagram(), 'join', group, port);
    this.#check(fd, sockets.reuseAddress(fd), 'join', group, port);
    // Bound to the group, a socket receives nothing but the group's datagrams.
    this.#check(fd, sockets.bind(fd, parseIpv4(group), port), 'join', group, port);
    this.#check(fd, sockets.joinGroup(fd, parseIpv4(group), parseIpv4(local)), 'join', `${group} on ${local}`, port);
    if (options.receiveBufferBytes !== undefined) {
      this.#check(fd, sockets.receiveBuffer(fd, options.receiveBufferBytes), 'join', group, port);
    }
    return this.#adoptDatagrams(fd, 'join', group, '', 0);
  }

  async unicast(options: UnicastOptions): Promise<DatagramSocket> {
    const { port } = options;
    checkPort('bind', options.host, port);
    const host = await resolveIpv4('bind', options.host, port);
    const { sockets } = this.#shared;
    const fd = this.#socket(sockets.datagram(), 'bind', host, port);
    this.#check(fd, sockets.bind(fd, parseIpv4(host), port), 'bind', host, port);
    return this.#adoptDatagrams(fd, 'bind', host, '', 0);
  }

  poll(): number {
    if (!this.#open) return 0;
    const shared = this.#shared;
    if (this.#directPolls > 0 && shared.busy !== null) {
      this.#directPolls -= 1;
      shared.busy.askDirectly();
      shared.ready.refresh();
      return 0;
    }
    const { epoll, byFd } = shared;
    const count = epoll.wait();
    for (let i = 0; i < count; i += 1) {
      const watched = byFd[epoll.fd(i)];
      assert(watched !== null && watched !== undefined, 'events come for open objects only');
      watched.onEvents(epoll.events(i));
    }
    this.#chooseDirect(count);
    shared.ready.refresh();
    return count;
  }

  /** After epoll told of `count` objects: whether the next polls ask one connection directly. */
  #chooseDirect(count: number): void {
    const shared = this.#shared;
    if (count === 0) {
      this.#idleAsks += 1;
      if (this.#idleAsks === DIRECT_IDLE_MAX) shared.busy = null;
    } else {
      this.#idleAsks = 0;
      const first = shared.byFd[shared.epoll.fd(0)];
      if (count > 1) shared.busy = null;
      else if (first === shared.busy) shared.busyNews += 1;
      else {
        shared.busy = first;
        shared.busyNews = 1;
      }
    }
    const direct = shared.busy !== null && shared.busyNews >= DIRECT_AFTER && shared.busy.askDirectly();
    this.#directPolls = direct ? EPOLL_EVERY : 0;
  }

  get readyCount(): number {
    return this.#shared.ready.count;
  }

  ready(index: number): StreamConnection {
    return this.#shared.ready.at(index);
  }

  arm(wake: () => void): void {
    if (this.#open) this.#shared.epoll.arm(wake);
  }

  disarm(): void {
    this.#shared.epoll.disarm();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const watched of this.#shared.byFd) watched?.close();
    this.#shared.ready.clear();
    this.#shared.epoll.close();
  }

  /** A fresh descriptor, or the error of making it. */
  #socket(fd: number, action: NetworkAction, host: string, port: number): number {
    if (!this.#open) {
      if (fd >= 0) this.#shared.sockets.close(fd);
      throw networkError(action, host, port, 'ECANCELED');
    }
    if (fd < 0) throw networkError(action, host, port, errnoName(-fd));
    return fd;
  }

  /** A step of setting up `fd`: when it failed, the descriptor is closed and the error says where. */
  #check(fd: number, result: number, action: NetworkAction, host: string, port: number): void {
    if (result >= 0) return;
    this.#shared.sockets.close(fd);
    throw networkError(action, host, port, errnoName(-result));
  }

  #adoptDatagrams(
    fd: number, action: NetworkAction, host: string, destinationHost: string, destinationPort: number,
  ): EpollDatagramSocket {
    const { sockets } = this.#shared;
    this.#check(fd, sockets.localName(fd), action, host, 0);
    const socket = new EpollDatagramSocket(this.#shared, fd, host, sockets.namePort, destinationHost, destinationPort);
    this.#check(fd, this.#shared.watch(socket, EPOLLIN), action, host, 0);
    return socket;
  }
}
