// The transport over Node's own sockets: runs wherever Node runs, and is the fallback where direct
// system calls are not to be had.
//
//   socket 'data' ──► chunks of the connection ──receive──► caller's buffer
//   caller's bytes ──send: copied, at most the room under SEND_BYTES_MAX──► socket.write
//
// Bytes move only in turns of Node's event loop; between two turns `poll` has no news. Whoever loops
// must return to the event loop every turn (`needsEventLoop`).
//
// Limits: Node buffers writes without end, so `send` takes only what fits under SEND_BYTES_MAX; a
// connection holds at most RECEIVE_BYTES_MAX plus one of Node's chunks (64 KiB) that nobody read, then
// it is paused and TCP pushes back. Datagrams that nobody reads are dropped and counted.
// Cost: a copy and two allocations per chunk and datagram each way; round trip 60 – 80 µs (net.bench.ts).
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { assert } from '../base/assert.ts';
import { checkGroup, checkPort, resolveIpv4 } from './address.ts';
import { networkErrorFrom, type NetworkAction } from './network_error.ts';
import { ReadyList } from './ready_list.ts';
import {
  CLOSED, DATAGRAM_BYTES_MAX, WOULD_BLOCK,
  type ConnectOptions, type DatagramSocket, type ListenOptions, type MulticastReceiveOptions,
  type MulticastSendOptions, type Network, type StreamConnection, type StreamListener, type UnicastOptions,
} from './transport.ts';

/** Bytes that wait in user space for one slow peer. As large as a default kernel send buffer. */
export const SEND_BYTES_MAX = 256 * 1024;
/** Bytes received and not yet read before the socket is paused. */
export const RECEIVE_BYTES_MAX = 256 * 1024;
/** Connections accepted by Node and not yet by us; further ones are closed at once. */
export const ACCEPT_QUEUE_MAX = 1024;
/** Datagrams received and not yet read; about 6 MB when full of MTU-sized ones. */
export const DATAGRAM_QUEUE_MAX = 4096;
/** Bytes of datagrams handed to Node and not yet sent. */
export const DATAGRAM_SEND_BYTES_MAX = 1024 * 1024;
/** How long a closed connection may go on delivering what it had taken. */
const LINGER_MS = 2000;

/** What has happened since the last poll. */
class News {
  readonly ready = new ReadyList<NodeConnection>();
  /** Number of the current interval between two polls; an object that told in it is not counted twice. */
  interval = 0;
  #count = 0;
  #wake: (() => void) | null = null;

  /** Something has news. */
  add(): void {
    this.#count += 1;
    const wake = this.#wake;
    this.#wake = null;
    if (wake !== null) setImmediate(wake); // after all callbacks of this turn have left what they bring
  }

  arm(wake: () => void): void {
    this.#wake = wake;
    if (this.#count === 0) return;
    this.#wake = null;
    setImmediate(wake);
  }

  disarm(): void {
    this.#wake = null;
  }

  take(): number {
    const count = this.#count;
    this.interval += 1;
    this.#count = 0;
    this.ready.refresh();
    return count;
  }
}

class NodeConnection implements StreamConnection {
  readonly id: number;
  readonly peer: string;
  tag = -1;
  listed = false;
  readonly #socket: Socket;
  readonly #news: News;
  #newsInterval = -1;
  #chunks: Buffer[] = [];
  #head = 0; // index of the first unread chunk
  #headOffset = 0; // bytes of it already read
  #queuedBytes = 0;
  #ended = false; // the peer's end or an error has arrived; queued bytes may still wait
  #broken = false; // nothing can be sent any more
  #closed = false; // by us

  constructor(id: number, socket: Socket, news: News) {
    this.id = id;
    this.peer = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#socket = socket;
    this.#news = news;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      if (this.#closed) return; // lingering: nobody reads any more
      this.#chunks.push(chunk);
      this.#queuedBytes += chunk.length;
      if (this.#queuedBytes >= RECEIVE_BYTES_MAX) socket.pause();
      this.#tell();
    });
    socket.on('end', () => this.#end(false));
    socket.on('error', () => this.#end(true));
    socket.on('close', () => this.#end(true));
  }

  get open(): boolean {
    return !this.#closed && !(this.#ended && this.#queuedBytes === 0);
  }

  get readable(): boolean {
    return !this.#closed && (this.#queuedBytes > 0 || this.#ended);
  }

  receive(target: Uint8Array, offset: number, max: number): number {
    assert(max > 0 && offset >= 0 && offset + max <= target.length, 'the receive range lies inside the target');
    if (this.#closed) return CLOSED;
    if (this.#queuedBytes === 0) return this.#ended ? CLOSED : WOULD_BLOCK;
    let copied = 0;
    while (copied < max && this.#queuedBytes > 0) {
      const chunk = this.#chunks[this.#head];
      const bytes = Math.min(chunk.length - this.#headOffset, max - copied);
      chunk.copy(target, offset + copied, this.#headOffset, this.#headOffset + bytes);
      copied += bytes;
      this.#headOffset += bytes;
      this.#queuedBytes -= bytes;
      if (this.#headOffset === chunk.length) {
        this.#head += 1;
        this.#headOffset = 0;
      }
    }
    if (this.#queuedBytes === 0) {
      this.#chunks.length = 0;
      this.#head = 0;
    }
    if (this.#queuedBytes < RECEIVE_BYTES_MAX / 2 && this.#socket.isPaused()) this.#socket.resume();
    return copied;
  }

  send(source: Uint8Array, offset: number, length: number): number {
    assert(offset >= 0 && length >= 0 && offset + length <= source.length, 'the send range lies inside the source');
    if (this.#closed || this.#broken) return CLOSED;
    const bytes = Math.min(length, SEND_BYTES_MAX - this.#socket.writableLength);
    if (bytes <= 0) return WOULD_BLOCK;
    // Node keeps the buffer until the write is done, and the caller's is its own again at once: a copy.
    const copy = Buffer.allocUnsafeSlow(bytes);
    copy.set(source.subarray(offset, offset + bytes));
    this.#socket.write(copy);
    return bytes;
  }

  close(): void {
    if (this.#closed) return;
    const unread = this.#queuedBytes > 0;
    this.#closed = true;
    this.#chunks.length = 0;
    this.#queuedBytes = 0;
    const socket = this.#socket;
    if (socket.destroyed) return;
    if (unread) {
      // As the kernel does: closing with unread bytes is a reset, so the peer learns that they were lost.
      socket.resetAndDestroy();
      return;
    }
    socket.destroySoon(); // after what was taken has been written
    if (socket.destroyed) return;
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  }

  #end(broken: boolean): void {
    this.#ended = true;
    if (broken) this.#broken = true;
    if (!this.#closed) this.#tell();
  }

  #tell(): void {
    this.#news.ready.add(this);
    if (this.#newsInterval === this.#news.interval) return;
    this.#newsInterval = this.#news.interval;
    this.#news.add();
  }
}

class NodeListener implements StreamListener {
  readonly host: string;
  readonly port: number;
  readonly #server: Server;
  #pending: NodeConnection[] = [];

  constructor(server: Server) {
    const address = server.address();
    assert(address !== null && typeof address === 'object', 'a listening server has an address');
    this.host = address.address;
    this.port = address.port;
    this.#server = server;
  }

  /** False: no room for one more. */
  push(connection: NodeConnection): boolean {
    if (this.#pending.length >= ACCEPT_QUEUE_MAX) return false;
    this.#pending.push(connection);
    return true;
  }

  accept(): NodeConnection | null {
    return this.#pending.shift() ?? null;
  }

  close(): void {
    for (const connection of this.#pending) connection.close();
    this.#pending.length = 0;
    this.#server.close();
  }
}

class NodeDatagramSocket implements DatagramSocket {
  readonly host: string;
  readonly port: number;
  senderHost = '';
  senderPort = 0;
  dropped = 0;
  truncated = 0;
  refused = 0;
  readonly #socket: UdpSocket;
  readonly #news: News;
  #newsInterval = -1;
  #bytes: Buffer[] = [];
  #senders: RemoteInfo[] = [];
  #head = 0;
  readonly #destinationHost: string; // '': no default destination
  readonly #destinationPort: number;
  #closed = false;
  readonly #sent: (error: Error | null) => void;

  constructor(socket: UdpSocket, news: News, destinationHost: string, destinationPort: number) {
    const address = socket.address();
    this.host = address.address;
    this.port = address.port;
    this.#socket = socket;
    this.#news = news;
    this.#destinationHost = destinationHost;
    this.#destinationPort = destinationPort;
    this.#sent = (error) => {
      if (error !== null && !this.#closed) this.refused += 1;
    };
    socket.on('error', () => {
      this.refused += 1;
    });
    socket.on('message', (bytes, sender) => {
      if (this.#bytes.length - this.#head >= DATAGRAM_QUEUE_MAX) {
        this.dropped += 1;
        return;
      }
      this.#bytes.push(bytes);
      this.#senders.push(sender);
      if (this.#newsInterval === this.#news.interval) return;
      this.#newsInterval = this.#news.interval;
      this.#news.add();
    });
  }

  receive(target: Uint8Array, offset: number, max: number): number {
    assert(max > 0 && offset >= 0 && offset + max <= target.length, 'the receive range lies inside the target');
    while (this.#head < this.#bytes.length) {
      const bytes = this.#bytes[this.#head];
      const sender = this.#senders[this.#head];
      this.#head += 1;
      if (this.#head === this.#bytes.length) {
        this.#bytes.length = 0;
        this.#senders.length = 0;
        this.#head = 0;
      }
      if (bytes.length === 0) continue; // an empty datagram says nothing, and 0 means "none"
      if (bytes.length > max) this.truncated += 1;
      this.senderHost = sender.address;
      this.senderPort = sender.port;
      return bytes.copy(target, offset, 0, Math.min(bytes.length, max));
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
    if (this.#closed) return false;
    if (this.#socket.getSendQueueSize() + length > DATAGRAM_SEND_BYTES_MAX) return false;
    const copy = Buffer.allocUnsafeSlow(length);
    copy.set(source.subarray(offset, offset + length));
    this.#socket.send(copy, port, host, this.#sent);
    return true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#bytes.length = 0;
    this.#senders.length = 0;
    this.#head = 0;
    this.#socket.close();
  }
}

/** Addresses only, so no look-up: the answer comes at once and Node sends in the same call. */
function literalLookup(
  host: string, _options: unknown, done: (error: null, address: string, family: number) => void,
): void {
  done(null, host, 4);
}

function udpSocket(): UdpSocket {
  return createSocket({ type: 'udp4', reuseAddr: true, lookup: literalLookup });
}

async function bindUdp(socket: UdpSocket, action: NetworkAction, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const refuse = (error: Error): void => {
      socket.close();
      reject(networkErrorFrom(action, host, port, error));
    };
    socket.once('error', refuse);
    socket.bind(port, host, () => {
      socket.off('error', refuse);
      resolve();
    });
  });
}

export class NodeNetwork implements Network {
  readonly kind = 'node';
  readonly needsEventLoop = true;
  readonly #news = new News();
  readonly #open = new Set<{ close(): void }>();
  #connectionsMade = 0;

  async listen(options: ListenOptions): Promise<StreamListener> {
    const { port } = options;
    checkPort('listen on', options.host, port);
    const host = await resolveIpv4('listen on', options.host, port);
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      const refuse = (error: Error): void => reject(networkErrorFrom('listen on', host, port, error));
      server.once('error', refuse);
      server.listen({ host, port, backlog: options.backlog ?? ACCEPT_QUEUE_MAX }, () => {
        server.off('error', refuse);
        resolve();
      });
    });
    const listener = new NodeListener(server);
    server.on('connection', (socket) => {
      if (socket.remoteAddress === undefined) {
        socket.destroy(); // already gone
        return;
      }
      const connection = this.#adopt(socket);
      if (listener.push(connection)) this.#news.add();
      else connection.close();
    });
    server.on('error', () => {}); // a failed accept (no file handle left) costs that connection only
    this.#open.add(listener);
    server.once('close', () => this.#open.delete(listener));
    return listener;
  }

  async connect(options: ConnectOptions): Promise<StreamConnection> {
    const { port } = options;
    checkPort('connect to', options.host, port);
    const host = await resolveIpv4('connect to', options.host, port);
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      const refuse = (error: Error): void => reject(networkErrorFrom('connect to', host, port, error));
      socket.once('error', refuse);
      socket.once('connect', () => {
        socket.off('error', refuse);
        resolve();
      });
    });
    return this.#adopt(socket);
  }

  async multicastSender(options: MulticastSendOptions): Promise<DatagramSocket> {
    checkGroup(options.group, options.port);
    checkPort('send to', options.group, options.port);
    const host = await resolveIpv4('bind', options.interface, 0);
    const socket = udpSocket();
    await bindUdp(socket, 'bind', host, 0);
    try {
      socket.setMulticastInterface(host);
      socket.setMulticastTTL(options.ttl);
      socket.setMulticastLoopback(options.loopback ?? true);
    } catch (error) {
      socket.close();
      throw networkErrorFrom('send to', options.group, options.port, error);
    }
    return this.#adoptUdp(socket, options.group, options.port);
  }

  async multicastReceiver(options: MulticastReceiveOptions): Promise<DatagramSocket> {
    const { group, port } = options;
    checkGroup(group, port);
    checkPort('join', group, port);
    const local = await resolveIpv4('join', options.interface, port);
    const socket = udpSocket();
    // Bound to the group, a socket receives nothing but the group's datagrams. Windows cannot do that.
    await bindUdp(socket, 'join', process.platform === 'win32' ? '0.0.0.0' : group, port);
    try {
      socket.addMembership(group, local);
      if (options.receiveBufferBytes !== undefined) socket.setRecvBufferSize(options.receiveBufferBytes);
    } catch (error) {
      socket.close();
      throw networkErrorFrom('join', `${group} on ${local}`, port, error);
    }
    return this.#adoptUdp(socket, '', 0);
  }

  async unicast(options: UnicastOptions): Promise<DatagramSocket> {
    const { port } = options;
    checkPort('bind', options.host, port);
    const host = await resolveIpv4('bind', options.host, port);
    const socket = createSocket({ type: 'udp4', lookup: literalLookup }); // no sharing of the port
    await bindUdp(socket, 'bind', host, port);
    return this.#adoptUdp(socket, '', 0);
  }

  poll(): number {
    return this.#news.take();
  }

  get readyCount(): number {
    return this.#news.ready.count;
  }

  ready(index: number): StreamConnection {
    return this.#news.ready.at(index);
  }

  arm(wake: () => void): void {
    this.#news.arm(wake);
  }

  disarm(): void {
    this.#news.disarm();
  }

  close(): void {
    this.#news.disarm();
    for (const item of this.#open) item.close();
    this.#open.clear();
    this.#news.ready.clear();
  }

  #adopt(socket: Socket): NodeConnection {
    this.#connectionsMade += 1;
    const connection = new NodeConnection(this.#connectionsMade, socket, this.#news);
    this.#open.add(connection);
    socket.once('close', () => this.#open.delete(connection));
    return connection;
  }

  #adoptUdp(socket: UdpSocket, destinationHost: string, destinationPort: number): NodeDatagramSocket {
    const datagrams = new NodeDatagramSocket(socket, this.#news, destinationHost, destinationPort);
    this.#open.add(datagrams);
    socket.once('close', () => this.#open.delete(datagrams));
    return datagrams;
  }
}
