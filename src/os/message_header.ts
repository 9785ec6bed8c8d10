// The structures of recvmsg and sendmsg, laid out once in memory and pointed anywhere without allocation.
//
//   0            8          16         24         32         40         48       56
//   │ msg_name   │ namelen  │ msg_iov  │ iovlen=1 │ control  │ ctrllen  │ flags  │   struct msghdr
//   56           64         72                                         88
//   │ iov_base   │ iov_len  │ sockaddr_in: family u16, port u16 be, address u32 be, 8 zero bytes │
//   88                                                                 106     112
//   │ cmsghdr: length u64 = 18 │ level u32 │ type u32 │ segment bytes u16 │ pad  │   only with `cutInto`
//
// recv and send take the buffer's address as an argument, which costs 16 bytes of heap a call when it
// varies (libc.ts). Here the address is written as two halves, and the argument is always the same
// BigInt. The kernel needs 70 ns more for it (430 against 350 for an empty receive).
//
// So `MemoryAddress` keeps a BigInt for a place that is used again and again, for recv and send, and
// all other places go through a header. Give each connection and direction an address of its own.
import { assert } from '../base/assert.ts';
import type { Libc } from './libc.ts';

const HEADER_BYTES = 112;
const IOV_AT = 56;
const NAME_AT = 72;
const NAME_BYTES = 16;
const CONTROL_AT = 88;
const CONTROL_BYTES = 24;
const CONTROL_LENGTH = 18; // a header of 16 and a u16
const IPPROTO_UDP = 17;
const UDP_SEGMENT = 103;
/** A BigInt is 24 bytes: made this seldom, it stays below 0.1 byte a call whatever the pattern. */
const KEEP_AFTER = 256;
export const AF_INET = 2;

/** Where a caller's buffer lies: the last one is remembered, since asking costs a BigInt. */
export class MemoryAddress {
  readonly #libc: Libc;
  #memory: Uint8Array | null = null;
  #offset = -1; // the last place used, and how many times in a row
  #uses = 0;
  #pointer: bigint | null = null;
  /** Halves of the address of byte 0, as int32: small integers to V8. */
  low = 0;
  high = 0;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** Makes `low` and `high` those of `memory`. */
  locate(memory: Uint8Array): void {
    if (memory === this.#memory) return;
    const address = this.#libc.addressOf(memory);
    this.low = Number(address & 0xffff_ffffn) | 0;
    this.high = Number(address >> 32n) | 0;
    this.#memory = memory; // also keeps the memory alive as long as its address
    this.#offset = -1;
  }

  /**
   * The address of memory[offset] as an argument, when that place has been used KEEP_AFTER times in a row.
   * Otherwise null, and `low` and `high` are those of `memory`.
   */
  pointerTo(memory: Uint8Array, offset: number): bigint | null {
    this.locate(memory);
    if (offset !== this.#offset) {
      this.#offset = offset;
      this.#uses = 1;
      this.#pointer = null;
    } else if (this.#pointer === null) {
      this.#uses += 1;
      if (this.#uses >= KEEP_AFTER) this.#pointer = (BigInt(this.high) << 32n) + BigInt((this.low >>> 0) + offset);
    }
    return this.#pointer;
  }
}

export class MessageHeader {
  /** What recvmsg and sendmsg take. */
  readonly pointer: bigint;
  readonly #words = new Uint32Array(new ArrayBuffer(HEADER_BYTES));
  readonly #bytes = new Uint8Array(this.#words.buffer);

  /** `named`: with a socket address, for datagrams. */
  constructor(libc: Libc, named: boolean) {
    this.pointer = libc.addressOf(this.#words);
    this.#setPointer(16, this.pointer + BigInt(IOV_AT));
    this.#words[24 / 4] = 1;
    if (!named) return;
    this.#setPointer(0, this.pointer + BigInt(NAME_AT));
    this.#words[8 / 4] = NAME_BYTES;
    this.#words[NAME_AT / 4] = AF_INET;
  }

  /** Points at `length` bytes from `offset` on of the memory at `address`. */
  pointAt(address: MemoryAddress, offset: number, length: number): void {
    const words = this.#words;
    const low = (address.low >>> 0) + offset;
    words[IOV_AT / 4] = low; // stored modulo 2^32
    words[IOV_AT / 4 + 1] = low >= 2 ** 32 ? address.high + 1 : address.high;
    words[IOV_AT / 4 + 2] = length;
  }

  /** Before a receive: the kernel shortened the name's length and set flags the last time. */
  rearmName(): void {
    this.#words[8 / 4] = NAME_BYTES;
    this.#words[48 / 4] = 0;
  }

  setName(ipv4: number, port: number): void {
    writeSocketAddress(this.#bytes, NAME_AT, ipv4, port);
  }

  /** The system cuts what is sent next into datagrams of so many bytes, the last one shorter; 0: it does not. */
  cutInto(segmentBytes: number): void {
    const words = this.#words;
    if (segmentBytes === 0) {
      words[40 / 4] = 0;
      return;
    }
    if (words[CONTROL_AT / 4] === 0) {
      this.#setPointer(32, this.pointer + BigInt(CONTROL_AT));
      words[CONTROL_AT / 4] = CONTROL_LENGTH;
      words[CONTROL_AT / 4 + 2] = IPPROTO_UDP;
      words[CONTROL_AT / 4 + 3] = UDP_SEGMENT;
    }
    words[40 / 4] = CONTROL_BYTES;
    words[CONTROL_AT / 4 + 4] = segmentBytes;
  }

  /** The name's address as an int32 (its bits are the u32). */
  get nameIpv4(): number {
    const b = this.#bytes;
    return (b[NAME_AT + 4] << 24) | (b[NAME_AT + 5] << 16) | (b[NAME_AT + 6] << 8) | b[NAME_AT + 7];
  }

  get namePort(): number {
    return (this.#bytes[NAME_AT + 2] << 8) | this.#bytes[NAME_AT + 3];
  }

  /** MSG_* flags that the last receive set. */
  get flags(): number {
    return this.#words[48 / 4];
  }

  #setPointer(at: number, pointer: bigint): void {
    this.#words[at / 4] = Number(pointer & 0xffff_ffffn);
    this.#words[at / 4 + 1] = Number(pointer >> 32n);
  }
}

/** A struct sockaddr_in at bytes[at …]. */
export function writeSocketAddress(bytes: Uint8Array, at: number, ipv4: number, port: number): void {
  assert(at + NAME_BYTES <= bytes.length, 'a socket address fits');
  bytes[at] = AF_INET;
  bytes[at + 1] = 0;
  bytes[at + 2] = port >>> 8;
  bytes[at + 3] = port;
  bytes[at + 4] = ipv4 >>> 24;
  bytes[at + 5] = ipv4 >>> 16;
  bytes[at + 6] = ipv4 >>> 8;
  bytes[at + 7] = ipv4;
}
