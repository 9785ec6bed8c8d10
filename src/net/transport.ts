// What every transport offers: non-blocking and shaped like POSIX, so that direct system calls,
// Node's own sockets, shared memory, kernel bypass and the simulator can stand behind it.
//
// Nobody waits inside a transport. A loop calls `network.poll()` once a turn (that is where epoll is
// asked, or where Node's callbacks have left their bytes), then receives and sends until 0.

/** No data now, or no room now. */
export const WOULD_BLOCK = 0;
/** The peer closed or the connection broke; further calls return the same. */
export const CLOSED = -1;

/** The largest UDP payload of IPv4: 65,535 − 20 (IP) − 8 (UDP). */
export const DATAGRAM_BYTES_MAX = 65_507;

/** Datagrams of one `sendSegments`: Linux' limit. */
export const SEGMENTS_MAX = 64;

/**
 * An ordered byte stream to one peer.
 *
 * When the peer has ended its direction, `receive` hands out what had arrived and then says CLOSED; `send` still works
 * until the peer refuses, so that answers can be finished. Whoever sees CLOSED calls `close`: that frees the socket.
 */
export interface StreamConnection {
  /** Number unique within its network, never reused. */
  readonly id: number;
  /** For the owner alone, who finds its session by it: any small integer; −1 at first. */
  tag: number;
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
  /** Ends the connection; bytes taken by `send` still go out, in the background. Idempotent. */
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
  /**
   * Sends `length` bytes as datagrams of `segmentBytes`, the last one maybe shorter, in one call; at most SEGMENTS_MAX
   * and DATAGRAM_BYTES_MAX together. False: no room now, none was sent. Only where the system can do it.
   */
  sendSegments?(source: Uint8Array, offset: number, length: number, segmentBytes: number): boolean;
  /** Datagrams lost here because nobody read them in time, as far as the transport can know. */
  readonly dropped: number;
  /** Datagrams that `receive` cut to `max`. */
  readonly truncated: number;
  /** Datagrams the system refused to send for another reason than room (no route, …); they count as sent and lost. */
  readonly refused: number;
  close(): void;
}

export interface ListenOptions { host: string; port: number; backlog?: number }
export interface ConnectOptions { host: string; port: number }
/** `loopback` (default true): receivers on this machine hear it too. On the loopback interface they always do. */
export interface MulticastSendOptions { group: string; port: number; interface: string; ttl: number; loopback?: boolean }
export interface MulticastReceiveOptions { group: string; port: number; interface: string; receiveBufferBytes?: number }
export interface UnicastOptions { host: string; port: number }

/** Makes connections and sockets of one kind. Setting up may wait; using them never does. */
export interface Network {
  /** "epoll", "node", "memory", … */
  readonly kind: string;
  /** True when news arrive only in turns of Node's event loop: the loop that polls must then give it one every turn. */
  readonly needsEventLoop: boolean;
  listen(options: ListenOptions): Promise<StreamListener>;
  connect(options: ConnectOptions): Promise<StreamConnection>;
  multicastSender(options: MulticastSendOptions): Promise<DatagramSocket>;
  multicastReceiver(options: MulticastReceiveOptions): Promise<DatagramSocket>;
  unicast(options: UnicastOptions): Promise<DatagramSocket>;
  /** Takes up what has arrived; returns how many connections, listeners and sockets have news. Never waits. */
  poll(): number;
  /**
   * After a poll: how many connections may have bytes or an end to receive, and which. A loop over these costs nothing
   * for idle connections. The list stands until the next poll; one that was drained or closed meanwhile is still in it.
   */
  readonly readyCount: number;
  ready(index: number): StreamConnection;
  /**
   * Calls `wake` from Node's event loop, once, when there is something for poll; at once when there is already. For a
   * loop that goes to sleep instead of polling.
   */
  arm(wake: () => void): void;
  /** Takes that back. Idempotent. */
  disarm(): void;
  /** Closes everything made by this network. */
  close(): void;
}
