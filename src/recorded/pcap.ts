// Captured packets: the UDP datagrams of a pcap file, and the messages of a MoldUDP64 feed in them.
//
//   file      header 24 B: magic, version, zone, accuracy, packet bytes, link type     packet: header 16 B, bytes
//   packet    Ethernet (with VLAN tags or without), Linux "cooked", or bare IP │ IPv4 │ UDP │ payload
//   payload   MoldUDP64: session 10, sequence u64, count u16, then blocks (length u16, message)
//
// Either byte order, micro- or nanoseconds. Messages of a session are handed on in the order of their sequence, each once: what
// comes again (a feed has two lines, and answers to requests) is passed over and counted. What is not there when its turn comes is
// counted as missing, also where it comes later: by then others have been handed on. Packets that are no whole UDP datagrams of IPv4 are counted. pcapng is not read: `editcap -F pcap` makes a pcap of it.
//
// Pieces may cut the file anywhere. Cost: some 100 ns a datagram. Limit: a packet of PACKET_BYTES_MAX.
import { MoldDatagram, MoldReader } from '../wire/framing/mold_udp64.ts';
import { MoldBlock, MoldHeader } from '../wire/generated/mold_udp64.ts';
import { RecordingError } from './recording_source.ts';

/** The largest that tcpdump keeps. */
const PACKET_BYTES_MAX = 262_144;
const FILE_HEADER_BYTES = 24;
const PACKET_HEADER_BYTES = 16;
const MAGIC_MICROSECONDS = 0xa1b2_c3d4;
const MAGIC_NANOSECONDS = 0xa1b2_3c4d;
const LINK_BYTES: ReadonlyMap<number, number> = new Map([[1, 14], [12, 0], [101, 0], [113, 16], [276, 20]]);
const IPV4_TYPE = 0x0800;
const VLAN_TYPES: ReadonlySet<number> = new Set([0x8100, 0x88a8]);
const VLAN_BYTES = 4;
const UDP = 17;
const UDP_HEADER_BYTES = 8;

/** Whether a file that begins so is a pcap. */
export function isPcap(head: Uint8Array): boolean {
  if (head.length < FILE_HEADER_BYTES) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return [true, false].some((little) => {
    const magic = view.getUint32(0, little);
    return magic === MAGIC_MICROSECONDS || magic === MAGIC_NANOSECONDS;
  });
}

export interface MoldCounts {
  packets: number;
  /** Packets of anything else, and such as were cut or come in fragments. */
  others: number;
  datagrams: number;
  messages: number;
  /** Messages that came again, and those that never came. */
  repeated: number;
  missing: number;
}

export class MoldCapture {
  readonly counts: MoldCounts = { packets: 0, others: 0, datagrams: 0, messages: 0, repeated: 0, missing: 0 };
  readonly #path: string;
  readonly #blocks: (blocks: Uint8Array) => void;
  #kept = new Uint8Array(0);
  #offset = 0;
  #little = true;
  #linkBytes = -1;
  #linkType = 0;
  readonly #reader = new MoldReader();
  /** By session: the sequence of the message to come. */
  readonly #next = new Map<string, number>();

  /** `blocks` gets whole blocks, each with its length in front, in order. */
  constructor(path: string, blocks: (blocks: Uint8Array) => void) {
    this.#path = path;
    this.#blocks = blocks;
  }

  /** Takes the next piece. Throws RecordingError. */
  push(piece: Uint8Array): void {
    const bytes = new Uint8Array(this.#kept.length + piece.length);
    bytes.set(this.#kept);
    bytes.set(piece, this.#kept.length);
    const view = new DataView(bytes.buffer);
    let at = 0;
    if (this.#linkBytes < 0) {
      if (bytes.length < FILE_HEADER_BYTES) {
        this.#kept = bytes;
        return;
      }
      this.#header(view);
      at = FILE_HEADER_BYTES;
    }
    while (at + PACKET_HEADER_BYTES <= bytes.length) {
      const length = view.getUint32(at + 8, this.#little);
      if (length > PACKET_BYTES_MAX) {
        throw new RecordingError(this.#path, this.#offset + at, `expected a packet of at most ${PACKET_BYTES_MAX} bytes, was ${length}`);
      }
      const start = at + PACKET_HEADER_BYTES;
      if (start + length > bytes.length) break;
      this.#packet(view, start, start + length);
      at = start + length;
    }
    this.#offset += at;
    this.#kept = bytes.slice(at);
  }

  /** At the end. Throws RecordingError where the file ends within a packet. */
  finish(): void {
    if (this.#kept.length === 0 && this.#linkBytes >= 0) return;
    throw new RecordingError(this.#path, this.#offset, `expected a whole packet, was the end after ${this.#kept.length} bytes of it`);
  }

  #header(view: DataView): void {
    this.#little = [MAGIC_MICROSECONDS, MAGIC_NANOSECONDS].includes(view.getUint32(0, true));
    this.#linkType = view.getUint32(20, this.#little) & 0xffff;
    const known = LINK_BYTES.get(this.#linkType);
    if (known === undefined) {
      throw new RecordingError(this.#path, 20, `expected link type ${[...LINK_BYTES.keys()].join(', ')}, was ${this.#linkType}`);
    }
    this.#linkBytes = known;
  }

  #packet(view: DataView, start: number, end: number): void {
    this.counts.packets++;
    const payload = this.#payload(view, start, end);
    if (payload === null) this.counts.others++;
    else this.#mold(view, payload.start, payload.end);
  }

  /** Of a whole UDP datagram; null: it is something else. */
  #payload(view: DataView, start: number, end: number): { readonly start: number; readonly end: number } | null {
    let ip = start + this.#linkBytes;
    if (this.#linkType === 1) {
      while (ip <= end && VLAN_TYPES.has(view.getUint16(ip - 2))) ip += VLAN_BYTES;
      if (ip > end || view.getUint16(ip - 2) !== IPV4_TYPE) return null;
    }
    if (ip + 20 > end || view.getUint8(ip) >> 4 !== 4 || view.getUint8(ip + 9) !== UDP) return null;
    const isFragment = (view.getUint16(ip + 6) & 0x3fff) !== 0;
    const udp = ip + (view.getUint8(ip) & 15) * 4;
    if (isFragment || udp + UDP_HEADER_BYTES > end) return null;
    const last = udp + view.getUint16(udp + 4);
    return last > end || last < udp + UDP_HEADER_BYTES ? null : { start: udp + UDP_HEADER_BYTES, end: last };
  }

  #mold(view: DataView, start: number, end: number): void {
    const reader = this.#reader;
    if (reader.open(view, start, end - start) === MoldDatagram.Malformed) {
      this.counts.others++;
      return;
    }
    this.counts.datagrams++;
    const session = MoldHeader.session(view, start);
    const expected = this.#next.get(session) ?? reader.sequence;
    const next = Math.max(expected, reader.sequence);
    this.counts.missing += next - expected;
    const repeated = Math.min(next - reader.sequence, reader.count);
    this.counts.repeated += repeated;
    this.counts.messages += reader.count - repeated;
    this.#next.set(session, Math.max(next, reader.sequence + reader.count));
    for (let i = 0; i < repeated; i++) reader.next();
    this.#handOn(view, end);
  }

  /** The messages that the reader has not walked yet, up to `end`. */
  #handOn(view: DataView, end: number): void {
    if (!this.#reader.next()) return;
    const from = this.#reader.offset - MoldBlock.bytes;
    this.#blocks(new Uint8Array(view.buffer, view.byteOffset + from, end - from));
  }
}
