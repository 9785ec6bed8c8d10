// An AF_XDP socket: one queue of one interface, whose frames the kernel leaves in memory of ours, past its own stack.
//
//   UMEM: frames of FRAME_BYTES, one after the other             interface ─► XDP program ─► received ring
//   │ 0 │ 1 │ 2 │ … │                                             fill ring ─► kernel          send ring ─► interface
//                                                                                        completed ring ◄─
// libxdp (Debian's libxdp1) registers the memory, attaches the program that hands the queue's frames to the socket, and
// maps the rings; from there on everything is loads and stores from here, but for the calls that wake the kernel up: in copy mode
// (all that veth has) one for each burst that is sent.
//
// While the socket is open the kernel's own stack sees nothing of the queue's frames. When the process dies the program
// stays on the interface and passes everything on, as if it were not there; the next socket uses it again.
// Needs CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF (root has them).
import { assert } from '../base/assert.ts';
import { errnoName, loadLibc, type Libc } from './libc.ts';
import { NativeLibrary, type NativeFunction } from './native_library.ts';
import { WakeOnce } from './wake_once.ts';
import { CompletedRing, FillRing, ReceivedRing, SendRing, type RingMemory } from './xdp_ring.ts';

/** Room of a frame; the kernel leaves 256 bytes of it free in front. */
export const FRAME_BYTES = 2048;
/** Entries of each ring, and frames for each direction: 2,048 × 1,514 bytes are 25 ms of a full gigabit. */
export const RING_SIZE = 2048;
const FRAMES = 2 * RING_SIZE;

const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS_POPULATE = 0x8022;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;
const SOL_XDP = 283;
const XDP_STATISTICS = 7;
const XDP_OPTIONS = 8;
const OPTION_ZERO_COPY = 1;
const BIND_COPY = 2;
const BIND_ZERO_COPY = 4;
const BIND_NEED_WAKEUP = 8;
const MSG_DONTWAIT = 0x40;
const LOAD_GENERIC = 2;
const LOAD_NATIVE = 4;

// struct xsk_ring_prod and xsk_ring_cons: cached positions u32 ×2, mask u32, size u32, then four pointers.
const RING_STRUCT_BYTES = 48;
const RING_SIZE_WORD = 3;
const RING_PRODUCER = 2;
const RING_CONSUMER = 3;
const RING_ENTRIES = 4;
const RING_FLAGS = 5;

/** The kernel takes a closed socket off its queue a little later: a queue that is busy is asked for again, for 300 ms. */
const BUSY_TRIES = 30;
const BUSY_MS = 10;
const NOTHING = new Int32Array(new SharedArrayBuffer(4));

/** How frames get from and to the interface; `auto`: as fast as the driver can. */
export const XDP_COPY_MODES = ['auto', 'copy', 'zero-copy'] as const;
export type XdpCopyMode = (typeof XDP_COPY_MODES)[number];
/** Where the program runs: in the driver, or behind it for drivers that have no place for one. */
export const XDP_ATTACH_MODES = ['auto', 'native', 'generic'] as const;
export type XdpAttachMode = (typeof XDP_ATTACH_MODES)[number];

export interface XdpSocketOptions {
  interface: string;
  queue: number;
  copy: XdpCopyMode;
  attach: XdpAttachMode;
}

/** What the kernel counts; see XDP_STATISTICS. */
export interface XdpStatistics {
  receiveDropped: number;
  receiveRingFull: number;
  fillRingEmpty: number;
  invalidReceive: number;
  invalidSend: number;
}

/** Why there is no socket: `code` is the kernel's error. */
export class XdpError extends Error {
  override readonly name = 'XdpError';
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

interface LibXdp {
  umemCreate: NativeFunction;
  umemDelete: NativeFunction;
  socketCreate: NativeFunction;
  socketDelete: NativeFunction;
  socketFd: NativeFunction;
}

let loaded: LibXdp | null = null;

/** libxdp; throws NativeLibraryError where it is missing. */
export function loadLibXdp(): LibXdp {
  if (loaded !== null) return loaded;
  const library = new NativeLibrary('libxdp.so.1', 'it comes with Debian\'s package libxdp1 (apt-get install libxdp1)');
  // Both tell on stderr of everything they look for; what matters comes back as an error number.
  library.func('void *libxdp_set_print(void *)')(null);
  new NativeLibrary('libbpf.so.1', 'it comes with Debian\'s package libbpf1').func('void *libbpf_set_print(void *)')(null);
  loaded = {
    umemCreate: library.func('int xsk_umem__create(void *, void *, uint64_t, void *, void *, void *)'),
    umemDelete: library.func('int xsk_umem__delete(void *)'),
    socketCreate: library.func('int xsk_socket__create(void *, const char *, uint32_t, void *, void *, void *, void *)'),
    socketDelete: library.func('void xsk_socket__delete(void *)'),
    socketFd: library.func('int xsk_socket__fd(void *)'),
  };
  return loaded;
}

/** A struct of libxdp's that it fills in and goes on using: it must not move. */
class RingStruct {
  readonly bytes = new Uint8Array(new ArrayBuffer(RING_STRUCT_BYTES));
  readonly #words = new Uint32Array(this.bytes.buffer);
  readonly #pointers = new BigUint64Array(this.bytes.buffer);

  memory(libc: Libc, wordsOfEntry: number): RingMemory {
    const size = this.#words[RING_SIZE_WORD];
    assert(size === RING_SIZE, 'libxdp maps rings of the size asked for');
    const word = (pointer: number): Uint32Array => new Uint32Array(libc.view(this.#pointers[pointer], 4));
    return {
      producer: word(RING_PRODUCER), consumer: word(RING_CONSUMER), flags: word(RING_FLAGS), size,
      entries: new Uint32Array(libc.view(this.#pointers[RING_ENTRIES], size * wordsOfEntry * 4)),
    };
  }
}

export class XdpSocket {
  /** All frames: frame n at n × FRAME_BYTES. The first half is for receiving, the second for sending. */
  readonly memory: Uint8Array;
  readonly fill: FillRing;
  readonly received: ReceivedRing;
  readonly sendRing: SendRing;
  readonly completed: CompletedRing;
  readonly zeroCopy: boolean;
  readonly #libc: Libc;
  readonly #library: LibXdp;
  readonly #area: bigint;
  readonly #umem = new BigUint64Array(new ArrayBuffer(8));
  readonly #socket = new BigUint64Array(new ArrayBuffer(8));
  readonly #fillStruct = new RingStruct();
  readonly #completedStruct = new RingStruct();
  readonly #receivedStruct = new RingStruct();
  readonly #sendStruct = new RingStruct();
  readonly #statistics = new BigUint64Array(new ArrayBuffer(48));
  readonly #length = new Uint32Array(new ArrayBuffer(8));
  readonly #fd: number;
  readonly #wake: WakeOnce;
  #open = true;

  /** Throws XdpError, NativeLibraryError or LibcUnavailableError, and leaves nothing behind. */
  constructor(options: XdpSocketOptions) {
    const libc = loadLibc();
    this.#libc = libc;
    this.#library = loadLibXdp();
    const bytes = FRAMES * FRAME_BYTES;
    this.#area = BigInt(libc.mmap(null, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_POPULATE, -1, 0));
    if (this.#area === MAP_FAILED) throw new XdpError(`no memory for frames: ${errnoName(libc.errno())}`, 'ENOMEM');
    for (let tries = 1; ; tries += 1) {
      try {
        this.#createUmem(bytes);
        this.#createSocket(options);
        break;
      } catch (error) {
        if (error instanceof XdpError && error.code === 'EBUSY' && tries < BUSY_TRIES) {
          Atomics.wait(NOTHING, 0, 0, BUSY_MS);
          continue;
        }
        libc.munmap(this.#area, bytes);
        throw error;
      }
    }
    this.#fd = this.#library.socketFd(this.#socket[0]);
    this.#wake = new WakeOnce(libc, this.#fd);
    this.memory = new Uint8Array(libc.view(this.#area, bytes));
    this.fill = new FillRing(this.#fillStruct.memory(libc, 2));
    this.completed = new CompletedRing(this.#completedStruct.memory(libc, 2));
    this.received = new ReceivedRing(this.#receivedStruct.memory(libc, 4));
    this.sendRing = new SendRing(this.#sendStruct.memory(libc, 4));
    this.zeroCopy = this.#isZeroCopy();
  }

  #createUmem(bytes: number): void {
    const config = Uint32Array.of(RING_SIZE, RING_SIZE, FRAME_BYTES, 0, 0);
    const result: number = this.#library.umemCreate(
      this.#umem, this.#area, bytes, this.#fillStruct.bytes, this.#completedStruct.bytes, config,
    );
    if (result !== 0) throw xdpError('register the memory of frames', -result);
  }

  #createSocket({ interface: name, queue, copy, attach }: XdpSocketOptions): void {
    const bind = BIND_NEED_WAKEUP | (copy === 'copy' ? BIND_COPY : copy === 'zero-copy' ? BIND_ZERO_COPY : 0);
    const load = attach === 'native' ? LOAD_NATIVE : attach === 'generic' ? LOAD_GENERIC : 0;
    const config = Uint32Array.of(RING_SIZE, RING_SIZE, 0, load, bind);
    const result: number = this.#library.socketCreate(
      this.#socket, name, queue, this.#umem[0], this.#receivedStruct.bytes, this.#sendStruct.bytes, config,
    );
    if (result === 0) return;
    this.#library.umemDelete(this.#umem[0]);
    throw xdpError(`open queue ${queue} of ${name}`, -result);
  }

  #isZeroCopy(): boolean {
    const options = new Uint32Array(new ArrayBuffer(4));
    this.#length[0] = 4;
    const result = this.#libc.getsockopt(this.#fd, SOL_XDP, XDP_OPTIONS, options, this.#length);
    return result === 0 && (options[0] & OPTION_ZERO_COPY) !== 0;
  }

  /** Has the kernel send what is in the send ring; false: it has not taken all yet and must be asked again. */
  kickSend(): boolean {
    return this.#libc.send(this.#fd, null, 0, MSG_DONTWAIT) >= 0;
  }

  /** Has the kernel look at the fill ring. */
  kickReceive(): void {
    this.#libc.recv(this.#fd, null, 0, MSG_DONTWAIT);
  }

  statistics(): XdpStatistics {
    const counts = this.#statistics;
    this.#length[0] = counts.byteLength;
    if (this.#open) this.#libc.getsockopt(this.#fd, SOL_XDP, XDP_STATISTICS, counts, this.#length);
    return {
      receiveDropped: Number(counts[0]), invalidReceive: Number(counts[1]), invalidSend: Number(counts[2]),
      receiveRingFull: Number(counts[3]), fillRingEmpty: Number(counts[4]),
    };
  }

  /** Calls `wake` from Node's event loop, once, when frames have come. */
  arm(wake: () => void): void {
    this.#wake.arm(wake);
  }

  disarm(): void {
    this.#wake.disarm();
  }

  /** Takes the program from the interface, if nobody else uses it, and gives rings and memory back. */
  close(): void {
    if (!this.#open) return;
    this.statistics(); // the last word, for whoever asks later
    this.#open = false;
    this.#wake.close();
    this.#library.socketDelete(this.#socket[0]);
    this.#library.umemDelete(this.#umem[0]);
    this.#libc.munmap(this.#area, FRAMES * FRAME_BYTES);
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  EPERM: 'it needs root, or CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF',
  ENODEV: 'there is no such interface (see: ip link)',
  EBUSY: 'another AF_XDP socket or XDP program holds it (see: ip link; bpftool net)',
  EOPNOTSUPP: 'the driver cannot: try copy mode and the generic program',
  EINVAL: 'there is no such queue, or the driver cannot: see ethtool -l',
  ENOMEM: 'the memory limit for locked pages is too low (ulimit -l)',
  ENOBUFS: 'the memory limit for locked pages is too low (ulimit -l)',
  ENOPROTOOPT: 'this kernel has no AF_XDP',
  EAFNOSUPPORT: 'this kernel has no AF_XDP',
};

function xdpError(what: string, errno: number): XdpError {
  const code = errnoName(errno);
  const advice = ADVICE[code];
  return new XdpError(`AF_XDP cannot ${what}: ${code}${advice === undefined ? '' : `; ${advice}`}`, code);
}
