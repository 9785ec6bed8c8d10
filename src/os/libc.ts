// The C library's functions as TypeScript calls them, through koffi. Linux only, 64-bit, little-endian.
//
// A call costs about 110 ns over the same call from C: recv with nothing to receive 350 ns against 244.
// What a call allocates depends on how a pointer is passed (measured on Node 26, memory of a WebAssembly.Memory):
//   a BigInt kept in a field, or a typed array     0 bytes
//   a number computed for the call               16 bytes: addresses exceed V8's small integers and are boxed
// So pointers that are passed on the hot path are BigInts made once, and addresses that vary are written
// into structures in memory (struct iovec) as two 32-bit halves. See message_header.ts.
//
// `errno` is read from the thread's own errno through a view: 3 ns, against 17 for koffi.errno().
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import type Koffi from 'koffi';

/** What a pointer argument takes: an address made once, or memory itself. */
export type Pointer = bigint | NodeJS.TypedArray | null;

/** A result below 0 is an error; `errno()` then tells which, until the next call. */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Pointer, bytes: number): number;
  listen(fd: number, backlog: number): number;
  accept4(fd: number, address: Pointer, bytes: Pointer, flags: number): number;
  connect(fd: number, address: Pointer, bytes: number): number;
  getsockname(fd: number, address: Pointer, bytes: Pointer): number;
  setsockopt(fd: number, level: number, option: number, value: Pointer, bytes: number): number;
  getsockopt(fd: number, level: number, option: number, value: Pointer, bytes: Pointer): number;
  recv(fd: number, buffer: Pointer, bytes: number, flags: number): number;
  send(fd: number, buffer: Pointer, bytes: number, flags: number): number;
  recvmsg(fd: number, header: Pointer, flags: number): number;
  sendmsg(fd: number, header: Pointer, flags: number): number;
  recvmmsg(fd: number, headers: Pointer, count: number, flags: number, timeout: Pointer): number;
  sendmmsg(fd: number, headers: Pointer, count: number, flags: number): number;
  poll(fds: Pointer, count: number, timeoutMs: number): number;
  epoll_create1(flags: number): number;
  epoll_ctl(epollFd: number, operation: number, fd: number, event: Pointer): number;
  epoll_wait(epollFd: number, events: Pointer, max: number, timeoutMs: number): number;
  close(fd: number): number;
  ioctl(fd: number, request: number, argument: Pointer): number;
  flock(fd: number, operation: number): number;
  madvise(address: Pointer, bytes: number, advice: number): number;
  fallocate(fd: number, mode: number, offset: number, bytes: number): number;
  mkfifo(path: string, mode: number): number;
  read(fd: number, buffer: Pointer, bytes: number): number;
  write(fd: number, buffer: Pointer, bytes: number): number;
  /** An address, or MAP_FAILED; a number where it fits one. */
  mmap(address: Pointer, bytes: number, protection: number, flags: number, fd: number, offset: number): bigint | number;
  munmap(address: Pointer, bytes: number): number;
  mlock(address: Pointer, bytes: number): number;
  memfd_create(name: string, flags: number): number;
  /** Of the GNU library's allocator; 0 where there is another: nothing was done. */
  mallopt(parameter: number, value: number): number;
  /** The same; 1 when it gave memory back. */
  malloc_trim(padBytes: number): number;
  /** Calls that the C library has no function for; at most five arguments. */
  syscall(number: number, a: number, b: Pointer, c: number, d: number): number;
  sched_setaffinity(thread: number, bytes: number, mask: Pointer): number;
  sched_getaffinity(thread: number, bytes: number, mask: Pointer): number;
  /** The error number of the thread's last failed call. */
  errno(): number;
  /** Calls `readable` from Node's event loop whenever there is something on `fd`, until the watch is stopped. */
  watch(fd: number, readable: () => void): ReadWatch;
  /** Memory of the process as a buffer; whoever unmaps it sees to it that nobody uses the buffer afterwards. */
  view(address: bigint, bytes: number): ArrayBuffer;
  /** The address of the first byte of `memory`, which must not be resized while the address is used. */
  addressOf(memory: NodeJS.TypedArray): bigint;
}

/** A watch on a descriptor by Node's event loop: at rest until started. */
export interface ReadWatch {
  start(): void;
  stop(): void;
  /** For good; before the descriptor is closed. */
  close(): void;
}

/** Why direct system calls are not to be had here. */
export class LibcUnavailableError extends Error {
  override readonly name = 'LibcUnavailableError';
}

let loaded: Libc | null = null;

/** The C library; loads it at the first call. Throws LibcUnavailableError with the reason where that cannot be. */
export function loadLibc(): Libc {
  loaded ??= load();
  return loaded;
}

/** A function that other C libraries do without: there it does nothing and says 0. */
function gnuOnly(library: ReturnType<typeof Koffi.load>, declaration: string): (...values: number[]) => number {
  try {
    return library.func(declaration);
  } catch {
    return () => 0;
  }
}

function load(): Libc {
  if (process.platform !== 'linux') {
    throw new LibcUnavailableError(`direct system calls need Linux, this is ${process.platform}`);
  }
  if (process.arch !== 'x64' && process.arch !== 'arm64') {
    throw new LibcUnavailableError(`direct system calls need x64 or arm64, this is ${process.arch}`);
  }
  let koffi: typeof Koffi;
  try {
    // Required and not imported, so that a machine without koffi's binary still runs on Node's own sockets.
    koffi = createRequire(import.meta.url)('koffi');
  } catch (error) {
    throw new LibcUnavailableError(`koffi did not load: ${error instanceof Error ? error.message : String(error)}`);
  }
  const library = koffi.load(null); // the process itself, which has the C library
  const errnoAddress: bigint = library.func('void *__errno_location()')();
  const errno = new Int32Array(koffi.view(errnoAddress, 4));
  return {
    socket: library.func('int socket(int, int, int)'),
    bind: library.func('int bind(int, void *, int)'),
    listen: library.func('int listen(int, int)'),
    accept4: library.func('int accept4(int, void *, void *, int)'),
    connect: library.func('int connect(int, void *, int)'),
    getsockname: library.func('int getsockname(int, void *, void *)'),
    setsockopt: library.func('int setsockopt(int, int, int, void *, int)'),
    getsockopt: library.func('int getsockopt(int, int, int, void *, void *)'),
    // Their results are ssize_t; our lengths stay far below 2^31, so the lower half is all of it.
    recv: library.func('int recv(int, void *, size_t, int)'),
    send: library.func('int send(int, void *, size_t, int)'),
    recvmsg: library.func('int recvmsg(int, void *, int)'),
    sendmsg: library.func('int sendmsg(int, void *, int)'),
    recvmmsg: library.func('int recvmmsg(int, void *, uint, int, void *)'),
    sendmmsg: library.func('int sendmmsg(int, void *, uint, int)'),
    poll: library.func('int poll(void *, ulong, int)'),
    epoll_create1: library.func('int epoll_create1(int)'),
    epoll_ctl: library.func('int epoll_ctl(int, int, int, void *)'),
    epoll_wait: library.func('int epoll_wait(int, void *, int, int)'),
    close: library.func('int close(int)'),
    ioctl: library.func('int ioctl(int, ulong, void *)'),
    flock: library.func('int flock(int, int)'),
    madvise: library.func('int madvise(void *, size_t, int)'),
    fallocate: library.func('int fallocate(int, int, int64_t, int64_t)'),
    mkfifo: library.func('int mkfifo(const char *, uint)'),
    read: library.func('int read(int, void *, size_t)'),
    write: library.func('int write(int, void *, size_t)'),
    mmap: library.func('uintptr_t mmap(void *, size_t, int, int, int, int64_t)'),
    munmap: library.func('int munmap(void *, size_t)'),
    mlock: library.func('int mlock(void *, size_t)'),
    mallopt: gnuOnly(library, 'int mallopt(int, int)'),
    malloc_trim: gnuOnly(library, 'int malloc_trim(size_t)'),
    memfd_create: library.func('int memfd_create(const char *, uint)'),
    syscall: library.func('long syscall(long, long, void *, long, long)'),
    sched_setaffinity: library.func('int sched_setaffinity(int, size_t, void *)'),
    sched_getaffinity: library.func('int sched_getaffinity(int, size_t, void *)'),
    errno: () => errno[0],
    watch: (fd, readable) => {
      const handle = koffi.node.poll(fd, { readable: true }, readable);
      handle.stop();
      return {
        start: () => handle.start({ readable: true }, readable),
        stop: () => handle.stop(),
        close: () => handle.close(),
      };
    },
    addressOf: (memory) => {
      // A small typed array lives on V8's heap and moves; asking for its buffer settles it outside.
      void memory.buffer;
      return koffi.address(memory);
    },
    view: (address, bytes) => koffi.view(address, bytes),
  };
}

const errnoNames = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** "ECONNREFUSED" for 111. */
export function errnoName(errno: number): string {
  return errnoNames.get(errno) ?? `errno ${errno}`;
}
