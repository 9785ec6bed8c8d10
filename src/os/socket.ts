// Sockets by direct system calls: making, binding, setting options. Set-up only: these may allocate.
// Every call returns 0 or more, or a negated error number (−111 for ECONNREFUSED), as the kernel itself does.
import { constants } from 'node:os';
import type { Libc } from './libc.ts';
import { AF_INET, writeSocketAddress } from './message_header.ts';

const { errno } = constants;

// Values of Linux on x64 and arm64.
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000; // not inherited by processes that are started
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const SO_MEMINFO = 55;
const MEMINFO_WORDS = 9;
const MEMINFO_DROPS = 8;
const IPPROTO_IP = 0;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const IP_MULTICAST_IF = 32;
const IP_MULTICAST_TTL = 33;
const IP_MULTICAST_LOOP = 34;
const IP_ADD_MEMBERSHIP = 35;
const IP_MULTICAST_ALL = 49;
const POLLOUT = 4;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;

export class SocketCalls {
  readonly #libc: Libc;
  readonly #value = new Int32Array(new ArrayBuffer(64)); // option values in and out
  readonly #length = new Int32Array(new ArrayBuffer(8));
  readonly #name = new Uint8Array(new ArrayBuffer(16)); // struct sockaddr_in

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** Non-blocking, closed on exec. */
  stream(): number {
    return this.#result(this.#libc.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  }

  datagram(): number {
    return this.#result(this.#libc.socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  }

  bind(fd: number, ipv4: number, port: number): number {
    writeSocketAddress(this.#name, 0, ipv4, port);
    return this.#result(this.#libc.bind(fd, this.#name, this.#name.length));
  }

  listen(fd: number, backlog: number): number {
    return this.#result(this.#libc.listen(fd, backlog));
  }

  /** A connection waiting, non-blocking, or −EAGAIN; the peer's address stands in `nameIpv4`, `namePort`. */
  accept(fd: number): number {
    this.#length[0] = this.#name.length;
    return this.#result(this.#libc.accept4(fd, this.#name, this.#length, SOCK_NONBLOCK | SOCK_CLOEXEC));
  }

  /** Starts to connect: 0, or −EINPROGRESS, or why not. */
  connect(fd: number, ipv4: number, port: number): number {
    writeSocketAddress(this.#name, 0, ipv4, port);
    return this.#result(this.#libc.connect(fd, this.#name, this.#name.length));
  }

  /** How a connection that was in progress stands: 0, −EINPROGRESS, or why it failed. */
  connected(fd: number): number {
    this.#value[0] = fd; // struct pollfd: fd, events u16, revents u16
    this.#value[1] = POLLOUT;
    const ready = this.#libc.poll(this.#value, 1, 0);
    if (ready < 0) return -this.#libc.errno();
    if (ready === 0) return -errno.EINPROGRESS;
    const pending = this.#get(fd, SOL_SOCKET, SO_ERROR, 4);
    return pending < 0 ? pending : -this.#value[0];
  }

  /** The bound address into `nameIpv4` and `namePort`. */
  localName(fd: number): number {
    this.#length[0] = this.#name.length;
    return this.#result(this.#libc.getsockname(fd, this.#name, this.#length));
  }

  get nameIpv4(): number {
    const n = this.#name;
    return ((n[4] << 24) | (n[5] << 16) | (n[6] << 8) | n[7]) >>> 0;
  }

  get namePort(): number {
    return (this.#name[2] << 8) | this.#name[3];
  }

  /** Sends at once what is sent, without waiting for more. */
  noDelay(fd: number): number {
    return this.#set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  }

  reuseAddress(fd: number): number {
    return this.#set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  }

  /** Asks for a receive buffer; without the right to exceed the system's limit one gets the limit. */
  receiveBuffer(fd: number, bytes: number): number {
    const forced = this.#set(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes);
    return forced === 0 ? 0 : this.#set(fd, SOL_SOCKET, SO_RCVBUF, bytes);
  }

  multicastTtl(fd: number, ttl: number): number {
    return this.#set(fd, IPPROTO_IP, IP_MULTICAST_TTL, ttl);
  }

  multicastLoopback(fd: number, on: boolean): number {
    return this.#set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, on ? 1 : 0);
  }

  /** Sends leave by the interface with this address. */
  multicastInterface(fd: number, ipv4: number): number {
    this.#writeAddress(0, ipv4); // struct in_addr
    return this.#result(this.#libc.setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, this.#value, 4));
  }

  /** Joins the group on the interface with this address, and hears nothing that others joined. */
  joinGroup(fd: number, group: number, interfaceIpv4: number): number {
    const only = this.#set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    if (only < 0) return only;
    this.#writeAddress(0, group); // struct ip_mreq
    this.#writeAddress(4, interfaceIpv4);
    return this.#result(this.#libc.setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, this.#value, 8));
  }

  /** Datagrams the kernel dropped because the socket's buffer was full; 0 when it does not say. */
  drops(fd: number): number {
    const result = this.#get(fd, SOL_SOCKET, SO_MEMINFO, MEMINFO_WORDS * 4);
    return result < 0 ? 0 : this.#value[MEMINFO_DROPS] >>> 0;
  }

  close(fd: number): number {
    // Not again on EINTR: Linux has freed the number by then, and another thread may own it.
    return this.#result(this.#libc.close(fd));
  }

  #set(fd: number, level: number, option: number, value: number): number {
    this.#value[0] = value;
    return this.#result(this.#libc.setsockopt(fd, level, option, this.#value, 4));
  }

  #get(fd: number, level: number, option: number, bytes: number): number {
    this.#value.fill(0);
    this.#length[0] = bytes;
    return this.#result(this.#libc.getsockopt(fd, level, option, this.#value, this.#length));
  }

  /** An address in network order at byte `at` of the option value. */
  #writeAddress(at: number, ipv4: number): void {
    const swapped =
      ((ipv4 & 0xff) << 24) | ((ipv4 & 0xff00) << 8) | ((ipv4 >>> 8) & 0xff00) | (ipv4 >>> 24);
    this.#value[at / 4] = swapped;
  }

  #result(result: number): number {
    return result >= 0 ? result : -this.#libc.errno();
  }
}
