// What every transport offers: non-blocking and shaped like POSIX, so that direct system calls,
// Node's own sockets, shared memory, kernel bypass and the simulator can stand behind it.
//
// Nobody waits inside a transport. A loop calls `network.poll()` once a turn (that is where epoll is
// asked, or where Node's callbacks have left their bytes), then receives and sends until 0.

/** No data now, or no room now. */
export const WOULD_BLOCK = 0;
/** The peer closed or the connection broke; further calls return the same. */
export const CLOSED = -1;

/** An ordered byte stream to one peer. */
export interface StreamConnection {
  /** Number unique within its network, never reused. */
  readonly id: number;
  /** "127.0.0.1:41234", for people. */
  readonly peer: string;
  /** True until the connection has been closed by either side and everything received was read. */
  readonly open: boolean;
  /** False only when it is known that `receive` would return WOULD_BLOCK. */
  readonly readable: boolean;
  /** Bytes put at target[offset …], at most `max`; WOULD_BLOCK; CLOSED. */
  receive(target: Uint8Array, offset: number, max: number): number;
  /** Bytes taken from source[offset …], 0 … length: a short send is normal; CLOSED. */
  send(source: Uint8Array, offset: number, length: number): number;
  /** Ends the connection; idempotent. */
  close(): void;
}

export interface StreamListener {
  readonly host: string;
  /** The bound port (the real one when 0 was asked for). */
  readonly port: number;
  /** Next connection waiting, or null. */
  accept(): StreamConnection | null;
  close(): void;
}

/** Datagrams, whole or not at all. */
export interface DatagramSocket {
  readonly host: string;
  readonly port: number;
  /** Length of the next datagram put at target[offset …] (longer ones are cut to `max` and counted), or WOULD_BLOCK. */
  receive(target: Uint8Array, offset: number, max: number): number;
  /** Host and port the last received datagram came from. */
  readonly senderHost: string;
  readonly senderPort: number;
  /** Sends to the socket's default destination; false: no room now, nothing was sent. */
  send(source: Uint8Array, offset: number, length: number): boolean;
  sendTo(source: Uint8Array, offset: number, length: number, host: string, port: number): boolean;
  /** Datagrams lost here because nobody read them in time, as far as the transport can know. */
  readonly dropped: number;
  close(): void;
}

export interface ListenOptions { host: string; port: number; backlog?: number }
export interface ConnectOptions { host: string; port: number }
export interface MulticastSendOptions { group: string; port: number; interface: string; ttl: number; loopback?: boolean }
export interface MulticastReceiveOptions { group: string; port: number; interface: string; receiveBufferBytes?: number }
export interface UnicastOptions { host: string; port: number }

/** Makes connections and sockets of one kind. Setting up may wait; using them never does. */
export interface Network {
  /** "epoll", "node", "memory", … */
  readonly kind: string;
  listen(options: ListenOptions): Promise<StreamListener>;
  connect(options: ConnectOptions): Promise<StreamConnection>;
  multicastSender(options: MulticastSendOptions): Promise<DatagramSocket>;
  multicastReceiver(options: MulticastReceiveOptions): Promise<DatagramSocket>;
  unicast(options: UnicastOptions): Promise<DatagramSocket>;
  /** Takes up what has arrived; returns how many connections and sockets have news. Never waits. */
  poll(): number;
  /** Closes everything made by this network. */
  close(): void;
}
