// DPDK 22.11 (Debian's packages dpdk and librte-*) from TypeScript: environment, pool of packet buffers, ports, bursts.
//
//   pool memory   base │ … │ buffer's record (128 B) │ headroom 128 │ room for the frame 2,048 │ … │
//                           └ data offset, lengths, references        └ buffer + 128 + data offset
//
// What DPDK exports is called as it is. What its headers inline (bursts, taking and giving back buffers) goes the way that
// the inlined code goes: through the tables `rte_eth_fp_ops` and `rte_mempool_ops_table`, whose layouts stand below. They are
// part of the binary interface 23 that the library's name promises, and are checked against known values at start.
//
// A buffer is known by its offset in the pool's memory, a plain number: addresses exceed V8's small integers, and their
// lists are therefore written and read as 32-bit halves. A burst costs one foreign call, about 110 ns over C's.
//
// One environment a process, used by the thread that opened it; it cannot be opened again after `close`. A fault in DPDK ends
// the process: tests run it in children.
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { assert } from '../base/assert.ts';
import { loadLibc, type Libc } from './libc.ts';
import { NativeLibrary, type NativeFunction } from './native_library.ts';

/** Defaults that users of DPDK know. */
export const DPDK_DEFAULTS = {
  channels: 4,
  socketMemoryMb: 1024,
  poolBuffers: 8192,
  poolCache: 256,
  roomBytes: 2048,
  ringEntries: 1024,
  burst: 32,
} as const;

/** `code` is one of these; the message says what DPDK said. */
export const DPDK_ERROR_CODES = [
  'EalInitFailed', 'PoolCreationFailed', 'PortConfigFailed', 'RxQueueSetupFailed', 'TxQueueSetupFailed', 'PortStartFailed',
] as const;
export type DpdkErrorCode = (typeof DPDK_ERROR_CODES)[number];

export class DpdkError extends Error {
  override readonly name = 'DpdkError';
  readonly code: DpdkErrorCode;

  constructor(code: DpdkErrorCode, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

export interface DpdkOptions {
  /** False: ordinary pages. */
  hugePages: boolean;
  memoryMb: number;
  channels: number;
  /** Virtual devices ("net_tap0,iface=t0") and PCI addresses to use. */
  devices: readonly string[];
  /** Further arguments of the environment, as they are. */
  arguments: readonly string[];
}

const SOURCE = 'it comes with Debian\'s packages dpdk and librte-* (apt-get install dpdk librte-net-ring23)';
const VERSION = /^DPDK 22\.11/;

// struct rte_eth_fp_ops: sixteen words of 8 bytes a port.
const FP_OPS_BYTES = 128;
const FP_RECEIVE = 0;
const FP_RECEIVE_QUEUES = 3;
const FP_SEND = 8;
const FP_SEND_QUEUES = 11;
// struct rte_mempool.
const POOL_BYTES = 192;
const POOL_SIZE = 64;
const POOL_CACHE = 68;
const POOL_OPS_INDEX = 88;
const POOL_CHUNKS = 128;
const POOL_CHUNK_LIST = 136;
// struct rte_mempool_memhdr.
const CHUNK_BYTES = 56;
const CHUNK_NEXT = 0;
const CHUNK_ADDRESS = 16;
const CHUNK_LENGTH = 32;
// struct rte_mempool_ops_table: a lock and a count, then records of 128 bytes.
const OPS_FIRST = 64;
const OPS_BYTES = 128;
const OPS_GIVE = 48;
const OPS_TAKE = 56;
// struct rte_mbuf.
const BUFFER_BYTES = 128;
const BUFFER_DATA_OFFSET = 16;
const BUFFER_REFERENCES = 18;
const BUFFER_SEGMENTS = 20;
const BUFFER_FLAGS = 24;
const BUFFER_PACKET_TYPE = 32;
const BUFFER_PACKET_BYTES = 36;
const BUFFER_DATA_BYTES = 40;
const BUFFER_NEXT = 64;
const BUFFER_OFFLOAD = 72;
const HEADROOM = 128;
// struct rte_eth_conf, all zero: one queue each way, no offloads; struct rte_eth_stats.
const PORT_CONFIG_BYTES = 2272;
const STATISTICS_BYTES = 704;
const DEVICE_INFO_BYTES = 376;

const ANY_SOCKET = -1;
/** Locally administered: for ports that have no address of their own. */
const OWN_MAC_HIGH = 0x0200;
const RING_SINGLE = 3; // one producer, one consumer
/** Where all buffers lie must be one stretch that a view can span. */
const SPAN_MAX = 1 << 30;

/** Offsets in the pool's memory ↔ addresses that DPDK reads, of one burst. */
class AddressList {
  /** The list for a call, made once: a number would be boxed for each. */
  readonly pointer: bigint;
  readonly #words: Uint32Array;
  readonly #baseLow: number;
  readonly #baseHigh: number;

  constructor(libc: Libc, base: bigint, entries: number) {
    const addresses = new BigUint64Array(new ArrayBuffer(entries * 8));
    this.pointer = libc.addressOf(addresses);
    this.#words = new Uint32Array(addresses.buffer);
    this.#baseLow = Number(base & 0xffff_ffffn);
    this.#baseHigh = Number(base >> 32n);
  }

  get(index: number): number {
    return (this.#words[2 * index + 1] - this.#baseHigh) * 0x1_0000_0000 + this.#words[2 * index] - this.#baseLow;
  }

  set(index: number, offset: number): void {
    const low = this.#baseLow + offset;
    this.#words[2 * index] = low;
    this.#words[2 * index + 1] = this.#baseHigh + (low >= 0x1_0000_0000 ? 1 : 0);
  }

  /** Moves what begins at `from` to the front. */
  shift(from: number, count: number): void {
    this.#words.copyWithin(0, 2 * from, 2 * (from + count));
  }
}

/** The packet buffers of one environment. */
export class DpdkPool {
  readonly address: bigint;
  /** All of it; a buffer is an offset in here. */
  readonly memory: Uint8Array;
  readonly view: DataView;
  readonly base: bigint;
  readonly #libc: Libc;
  readonly #take: NativeFunction;
  readonly #give: NativeFunction;
  readonly #count: NativeFunction;
  readonly #free: NativeFunction;

  constructor(dpdk: DpdkEnvironment, name: string, buffers: number, cache: number, roomBytes: number) {
    const { libc } = dpdk;
    this.#libc = libc;
    const create = dpdk.mbuf.func('uintptr_t rte_pktmbuf_pool_create(const char *, uint32_t, uint32_t, uint16_t, uint16_t, int)');
    this.address = BigInt(create(name, buffers, cache, 0, HEADROOM + roomBytes, ANY_SOCKET));
    if (this.address === 0n) {
      throw new DpdkError('PoolCreationFailed', `${buffers} buffers of ${roomBytes} bytes: the memory of the environment may be too small`);
    }
    const record = new DataView(libc.view(this.address, POOL_BYTES));
    const layout = record.getUint32(POOL_SIZE, true) === buffers && record.getUint32(POOL_CACHE, true) === cache;
    if (!layout) throw new DpdkError('PoolCreationFailed', 'the pool is laid out otherwise than in DPDK 22.11');
    const { first, bytes } = chunkSpan(libc, record);
    this.base = first;
    const span = libc.view(first, bytes);
    this.memory = new Uint8Array(span);
    this.view = new DataView(span);
    const table = dpdk.mempool.addressOf('rte_mempool_ops_table');
    const operations = new BigUint64Array(
      libc.view(table + BigInt(OPS_FIRST + OPS_BYTES * record.getInt32(POOL_OPS_INDEX, true)), OPS_BYTES),
    );
    this.#give = dpdk.mempool.funcAt(operations[OPS_GIVE / 8], 'int give_buffers(void *, void *, uint32_t)');
    this.#take = dpdk.mempool.funcAt(operations[OPS_TAKE / 8], 'int take_buffers(void *, void *, uint32_t)');
    this.#free = dpdk.mbuf.func('void rte_pktmbuf_free_bulk(void *, uint32_t)');
    this.#count = dpdk.mempool.func('uint32_t rte_mempool_avail_count(void *)');
  }

  list(entries: number): AddressList {
    return new AddressList(this.#libc, this.base, entries);
  }

  /** Buffers that are in the pool, those of its caches included. */
  get available(): number {
    return this.#count(this.address);
  }

  /** Puts the addresses of `count` buffers into a list; false: the pool has not so many. */
  take(list: AddressList, count: number): boolean {
    return this.#take(this.address, list.pointer, count) === 0;
  }

  /** Gives the first `count` buffers of a list back. They must be whole: one segment, one reference. */
  give(list: AddressList, count: number): void {
    if (count === 0) return; // which the ring would take for "full"
    const result: number = this.#give(this.address, list.pointer, count);
    assert(result === 0, 'a pool has room for its own buffers');
  }

  /** Gives the first `count` buffers of a list back, whatever they are: chains, shared ones. */
  free(list: AddressList, count: number): void {
    this.#free(list.pointer, count);
  }

  /** Where the frame in a buffer lies. */
  dataAt(buffer: number): number {
    return buffer + BUFFER_BYTES + this.view.getUint16(buffer + BUFFER_DATA_OFFSET, true);
  }

  dataBytes(buffer: number): number {
    return this.view.getUint16(buffer + BUFFER_DATA_BYTES, true);
  }

  /** False: the frame goes on in another buffer. */
  isWhole(buffer: number): boolean {
    return this.view.getUint16(buffer + BUFFER_SEGMENTS, true) === 1;
  }

  /** A buffer as if new, its frame `bytes` long: what rte_pktmbuf_reset does. */
  reset(buffer: number, bytes: number): void {
    const { view } = this;
    view.setUint16(buffer + BUFFER_DATA_OFFSET, HEADROOM, true);
    view.setUint16(buffer + BUFFER_REFERENCES, 1, true);
    view.setUint16(buffer + BUFFER_SEGMENTS, 1, true);
    view.setUint32(buffer + BUFFER_FLAGS, 0, true);
    view.setUint32(buffer + BUFFER_FLAGS + 4, 0, true);
    view.setUint32(buffer + BUFFER_PACKET_TYPE, 0, true);
    view.setUint32(buffer + BUFFER_PACKET_BYTES, bytes, true);
    view.setUint16(buffer + BUFFER_DATA_BYTES, bytes, true);
    view.setUint32(buffer + BUFFER_NEXT, 0, true);
    view.setUint32(buffer + BUFFER_NEXT + 4, 0, true);
    view.setUint32(buffer + BUFFER_OFFLOAD, 0, true);
    view.setUint32(buffer + BUFFER_OFFLOAD + 4, 0, true);
  }

  /** Where a frame may be written in a buffer that is to be sent. */
  roomAt(buffer: number): number {
    return buffer + BUFFER_BYTES + HEADROOM;
  }
}

export type { AddressList };

/** From the first byte of a pool's memory to its last; its chunks lie in any order. */
function chunkSpan(libc: Libc, pool: DataView): { first: bigint; bytes: number } {
  let first = 0xffff_ffff_ffff_ffffn;
  let end = 0n;
  let chunk = pool.getBigUint64(POOL_CHUNK_LIST, true);
  let seen = 0;
  while (chunk !== 0n) {
    const record = new DataView(libc.view(chunk, CHUNK_BYTES));
    const address = record.getBigUint64(CHUNK_ADDRESS, true);
    const chunkEnd = address + record.getBigUint64(CHUNK_LENGTH, true);
    if (address < first) first = address;
    if (chunkEnd > end) end = chunkEnd;
    chunk = record.getBigUint64(CHUNK_NEXT, true);
    seen += 1;
  }
  const bytes = Number(end - first);
  if (seen !== pool.getUint32(POOL_CHUNKS, true) || bytes <= 0 || bytes > SPAN_MAX) {
    throw new DpdkError('PoolCreationFailed', `the pool's memory lies in ${seen} pieces over ${bytes} bytes, which no view can span`);
  }
  return { first, bytes };
}

export interface DpdkStatistics {
  framesReceived: number;
  framesSent: number;
  bytesReceived: number;
  bytesSent: number;
  /** Lost because nobody fetched them in time. */
  missed: number;
  receiveErrors: number;
  sendErrors: number;
  /** Not received for want of a buffer. */
  noBuffer: number;
}

/** One started port with one queue each way. */
export class DpdkEthernet {
  readonly number: number;
  readonly macHigh: number;
  readonly macLow: number;
  readonly driver: string;
  readonly #dpdk: DpdkEnvironment;
  readonly #receive: NativeFunction;
  readonly #receiveQueue: bigint;
  readonly #send: NativeFunction;
  readonly #sendQueue: bigint;
  readonly #statistics = new BigUint64Array(new ArrayBuffer(STATISTICS_BYTES));
  #started = true;

  constructor(dpdk: DpdkEnvironment, number: number, pool: DpdkPool) {
    this.#dpdk = dpdk;
    this.number = number;
    const { ethdev, libc } = dpdk;
    this.#setUp(pool);
    const mac = new Uint8Array(new ArrayBuffer(8));
    ethdev.func('int rte_eth_macaddr_get(uint16_t, void *)')(number, mac);
    const low = ((mac[2] << 24) | (mac[3] << 16) | (mac[4] << 8) | mac[5]) >>> 0;
    const none = ((mac[0] << 8) | mac[1]) === 0 && low === 0; // as net_ring has it
    this.macHigh = none ? OWN_MAC_HIGH : (mac[0] << 8) | mac[1];
    this.macLow = none ? number + 1 : low;
    this.driver = driverOf(dpdk, number);
    const table = ethdev.addressOf('rte_eth_fp_ops') + BigInt(number * FP_OPS_BYTES);
    const words = new BigUint64Array(libc.view(table, FP_OPS_BYTES));
    const queueOf = (word: number): bigint => new BigUint64Array(libc.view(words[word], 8))[0];
    this.#receiveQueue = queueOf(FP_RECEIVE_QUEUES);
    this.#sendQueue = queueOf(FP_SEND_QUEUES);
    this.#receive = ethdev.funcAt(words[FP_RECEIVE], 'uint16_t receive_burst(void *, void *, uint16_t)');
    this.#send = ethdev.funcAt(words[FP_SEND], 'uint16_t send_burst(void *, void *, uint16_t)');
  }

  #setUp(pool: DpdkPool): void {
    const { ethdev } = this.#dpdk;
    const port = this.number;
    const check = (code: DpdkErrorCode, what: string, result: number): void => {
      if (result < 0) throw new DpdkError(code, `port ${port}: ${what}: ${this.#dpdk.errorText(-result)}`);
    };
    const config = new Uint8Array(PORT_CONFIG_BYTES);
    check('PortConfigFailed', 'one queue each way', ethdev.func('int rte_eth_dev_configure(uint16_t, uint16_t, uint16_t, void *)')(port, 1, 1, config));
    const entries = Uint16Array.of(DPDK_DEFAULTS.ringEntries, DPDK_DEFAULTS.ringEntries);
    const both = new Uint8Array(entries.buffer);
    check('PortConfigFailed', 'ring sizes', ethdev.func('int rte_eth_dev_adjust_nb_rx_tx_desc(uint16_t, void *, void *)')(
      port, both.subarray(0, 2), both.subarray(2, 4),
    ));
    const socket: number = Math.max(0, ethdev.func('int rte_eth_dev_socket_id(uint16_t)')(port));
    check('RxQueueSetupFailed', `${entries[0]} entries`, ethdev.func(
      'int rte_eth_rx_queue_setup(uint16_t, uint16_t, uint16_t, uint32_t, void *, void *)',
    )(port, 0, entries[0], socket, null, pool.address));
    check('TxQueueSetupFailed', `${entries[1]} entries`, ethdev.func(
      'int rte_eth_tx_queue_setup(uint16_t, uint16_t, uint16_t, uint32_t, void *)',
    )(port, 0, entries[1], socket, null));
    check('PortStartFailed', 'start', ethdev.func('int rte_eth_dev_start(uint16_t)')(port));
    // Groups are frames for other addresses; devices that cannot say so hand all frames up anyway.
    ethdev.func('int rte_eth_promiscuous_enable(uint16_t)')(port);
    ethdev.func('int rte_eth_allmulticast_enable(uint16_t)')(port);
  }

  /** Frames that have come: their buffers, at most `max`, in the list. */
  receive(list: AddressList, max: number): number {
    return this.#receive(this.#receiveQueue, list.pointer, max);
  }

  /** Of the first `count` buffers of the list how many the port has taken: they are its own from then on. */
  send(list: AddressList, count: number): number {
    return this.#send(this.#sendQueue, list.pointer, count);
  }

  statistics(): DpdkStatistics {
    const counts = this.#statistics;
    if (this.#started) this.#dpdk.statisticsOf(this.number, counts);
    return {
      framesReceived: Number(counts[0]), framesSent: Number(counts[1]), bytesReceived: Number(counts[2]),
      bytesSent: Number(counts[3]), missed: Number(counts[4]), receiveErrors: Number(counts[5]),
      sendErrors: Number(counts[6]), noBuffer: Number(counts[7]),
    };
  }

  close(): void {
    if (!this.#started) return;
    this.statistics();
    this.#started = false;
    this.#dpdk.ethdev.func('int rte_eth_dev_stop(uint16_t)')(this.number);
    this.#dpdk.ethdev.func('int rte_eth_dev_close(uint16_t)')(this.number);
  }
}

/** "net_tap": the name that rte_eth_dev_info gives its driver. */
function driverOf(dpdk: DpdkEnvironment, port: number): string {
  const info = new BigUint64Array(new ArrayBuffer(DEVICE_INFO_BYTES));
  if (dpdk.ethdev.func('int rte_eth_dev_info_get(uint16_t, void *)')(port, info) !== 0 || info[1] === 0n) return '';
  const bytes = new Uint8Array(dpdk.libc.view(info[1], 32));
  const end = bytes.indexOf(0);
  return String.fromCharCode(...bytes.subarray(0, end < 0 ? bytes.length : end));
}

let opened = false;

export class DpdkEnvironment {
  readonly libc: Libc;
  readonly eal: NativeLibrary;
  readonly ethdev: NativeLibrary;
  readonly mbuf: NativeLibrary;
  readonly mempool: NativeLibrary;
  readonly version: string;
  /** What the environment reads and keeps pointers to. */
  readonly #texts: Uint8Array[] = [];
  readonly #statisticsGet: NativeFunction;
  readonly #errorText: NativeFunction;
  #pools = 0;
  #open = true;

  /** Throws DpdkError (EalInitFailed), NativeLibraryError or LibcUnavailableError. */
  constructor(options: DpdkOptions) {
    this.libc = loadLibc();
    this.eal = new NativeLibrary('librte_eal.so.23', SOURCE);
    this.ethdev = new NativeLibrary('librte_ethdev.so.23', SOURCE);
    this.mbuf = new NativeLibrary('librte_mbuf.so.23', SOURCE);
    this.mempool = new NativeLibrary('librte_mempool.so.23', SOURCE);
    this.version = this.eal.func('const char *rte_version()')();
    if (!VERSION.test(this.version)) {
      throw new DpdkError('EalInitFailed', `expected DPDK 22.11, whose layouts are known here, was ${this.version}`);
    }
    this.#errorText = this.eal.func('const char *rte_strerror(int)');
    this.#statisticsGet = this.ethdev.func('int rte_eth_stats_get(uint16_t, void *)');
    if (opened) throw new DpdkError('EalInitFailed', 'a process has one environment, and cannot open another after it');
    checkHugePages(options);
    opened = true;
    const texts = environmentArguments(options);
    const pointers = new BigUint64Array(new ArrayBuffer((texts.length + 1) * 8));
    texts.forEach((text, index) => (pointers[index] = this.#cString(text)));
    const result: number = this.eal.func('int rte_eal_init(int, void *)')(texts.length, pointers);
    if (result < 0) {
      throw new DpdkError('EalInitFailed', `${texts.slice(1).join(' ')}: refused; with OUTCRY_DPDK_LOG=debug it says why on stderr`);
    }
  }

  errorText(errno: number): string {
    return this.#errorText(errno);
  }

  statisticsOf(port: number, into: BigUint64Array): void {
    this.#statisticsGet(port, into);
  }

  pool(
    buffers: number = DPDK_DEFAULTS.poolBuffers, cache: number = DPDK_DEFAULTS.poolCache,
    roomBytes: number = DPDK_DEFAULTS.roomBytes,
  ): DpdkPool {
    this.#pools += 1;
    return new DpdkPool(this, `outcry_pool_${this.#pools}`, buffers, cache, roomBytes);
  }

  get portCount(): number {
    return this.ethdev.func('uint16_t rte_eth_dev_count_avail()')();
  }

  /** The port of a device by its name ("net_tap0", "0000:03:00.0"); started. */
  open(device: string, pool: DpdkPool): DpdkEthernet {
    const number = new Uint16Array(new ArrayBuffer(2));
    const result: number = this.ethdev.func('int rte_eth_dev_get_port_by_name(const char *, void *)')(device, number);
    if (result !== 0) {
      throw new DpdkError('PortConfigFailed', `there is no device ${device}; ${this.portCount} ports are there`);
    }
    return new DpdkEthernet(this, number[0], pool);
  }

  /** Two ports whose frames go to each other, within this process: a cable of two rings. */
  cable(name: string, pool: DpdkPool): [DpdkEthernet, DpdkEthernet] {
    const rings = new NativeLibrary('librte_ring.so.23', SOURCE);
    const drivers = new NativeLibrary('librte_net_ring.so.23', SOURCE);
    const create = rings.func('uintptr_t rte_ring_create(const char *, uint32_t, int, uint32_t)');
    const there = BigInt(create(`${name}_0`, DPDK_DEFAULTS.ringEntries, ANY_SOCKET, RING_SINGLE));
    const back = BigInt(create(`${name}_1`, DPDK_DEFAULTS.ringEntries, ANY_SOCKET, RING_SINGLE));
    if (there === 0n || back === 0n) throw new DpdkError('PoolCreationFailed', `no memory for the rings of ${name}`);
    const fromRings = drivers.func('int rte_eth_from_rings(const char *, void *, uint32_t, void *, uint32_t, uint32_t)');
    const port = (index: number, receive: bigint, send: bigint): DpdkEthernet => {
      const from = new BigUint64Array(new ArrayBuffer(8)).fill(receive);
      const to = new BigUint64Array(new ArrayBuffer(8)).fill(send);
      const number: number = fromRings(`${name}${index}`, from, 1, to, 1, 0);
      if (number < 0) throw new DpdkError('PortConfigFailed', `no port on the rings of ${name}`);
      return new DpdkEthernet(this, number, pool);
    };
    return [port(0, back, there), port(1, there, back)];
  }

  /** Gives everything back; ports first. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.eal.func('int rte_eal_cleanup()')();
  }

  #cString(text: string): bigint {
    const bytes = new Uint8Array(new ArrayBuffer(text.length + 1));
    for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
    this.#texts.push(bytes);
    return this.libc.addressOf(bytes);
  }
}

/** The environment's own message about too few huge pages names no remedy. */
function checkHugePages({ hugePages, memoryMb }: DpdkOptions): void {
  if (!hugePages) return;
  const facts = readFileSync('/proc/meminfo', 'utf8');
  const free = Number(/HugePages_Free:\s+(\d+)/.exec(facts)?.[1] ?? 0);
  const pageKb = Number(/Hugepagesize:\s+(\d+)/.exec(facts)?.[1] ?? 2048);
  if ((free * pageKb) / 1024 >= memoryMb) return;
  const wanted = Math.ceil((memoryMb * 1024) / pageKb);
  throw new DpdkError(
    'EalInitFailed',
    `expected ${memoryMb} MB of free huge pages, was ${Math.floor((free * pageKb) / 1024)}: ` +
      `sysctl vm.nr_hugepages=${wanted}, or less memory, or none (huge=off)`,
  );
}

function environmentArguments(options: DpdkOptions): string[] {
  const level = process.env['OUTCRY_DPDK_LOG'] ?? 'error';
  const cores = cpus().length;
  const devices = options.devices.flatMap((device) =>
    /^[0-9a-f]{4}:/.test(device) ? ['-a', device] : [`--vdev=${device}`]);
  return [
    'outcry',
    // One logical core that may run on all: pinning is not the environment's business here.
    `--lcores=0@(0-${cores - 1})`,
    '-n', String(options.channels),
    ...(options.hugePages
      ? ['--in-memory', '--huge-unlink', `--socket-mem=${options.memoryMb}`]
      : ['--no-huge', '--no-shconf', '--file-prefix=outcry', '-m', String(options.memoryMb)]),
    ...(options.devices.some((device) => /^[0-9a-f]{4}:/.test(device)) ? [] : ['--no-pci']),
    '--no-telemetry', `--log-level=*:${level}`,
    ...devices, ...options.arguments,
  ];
}
