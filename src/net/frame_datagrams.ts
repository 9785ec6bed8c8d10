// UDP over frames: one datagram a frame, never fragmented, so at most FRAME_DATAGRAM_BYTES_MAX bytes.
import { assert } from '../base/assert.ts';
import { formatIpv4, isMulticast, parseIpv4 } from './address.ts';
import { DatagramRing } from './datagram_ring.ts';
import { FRAME_NONE } from './frame_port.ts';
import type { IpWire, Neighbour } from './ip_wire.ts';
import { FRAME_DATAGRAM_BYTES_MAX, PROTOCOL_UDP, UDP_BYTES, UDP_PAYLOAD_AT, writeUdp } from './packet.ts';
import { WOULD_BLOCK, type DatagramSocket } from './transport.ts';

const TTL_UNICAST = 64;

/** Who keeps the sockets of one address. */
export interface DatagramHost {
  readonly wire: IpWire;
  socketNews(socket: FrameDatagramSocket): void;
  socketClosed(socket: FrameDatagramSocket): void;
}

export interface FrameDatagramOptions {
  /** The address it hears: ours, or a group. */
  ipv4: number;
  port: number;
  bufferBytes: number;
  /** '': no default destination. */
  destinationHost: string;
  destinationPort: number;
  multicastTtl: number;
}

export class FrameDatagramSocket implements DatagramSocket {
  readonly host: string;
  readonly ipv4: number;
  readonly port: number;
  truncated = 0;
  refused = 0;
  dropped = 0;
  newsListed = false;
  readonly #owner: DatagramHost;
  readonly #ring: DatagramRing;
  readonly #destinationHost: string;
  readonly #destinationPort: number;
  readonly #multicastTtl: number;
  #closed = false;
  #sender = 0;
  #senderText = '0.0.0.0';
  #parsedHost = '';
  #parsedIpv4 = 0;
  #neighbour: Neighbour | null = null;

  constructor(owner: DatagramHost, options: FrameDatagramOptions) {
    this.#owner = owner;
    this.ipv4 = options.ipv4 >>> 0;
    this.host = formatIpv4(this.ipv4);
    this.port = options.port;
    this.#ring = new DatagramRing(options.bufferBytes);
    this.#destinationHost = options.destinationHost;
    this.#destinationPort = options.destinationPort;
    this.#multicastTtl = options.multicastTtl;
  }

  get senderHost(): string {
    if (this.#sender !== this.#ring.senderIpv4) {
      this.#sender = this.#ring.senderIpv4;
      this.#senderText = formatIpv4(this.#sender);
    }
    return this.#senderText;
  }

  get senderPort(): number {
    return this.#ring.senderPort;
  }

  get readable(): boolean {
    return this.#ring.count > 0;
  }

  /** A datagram for this socket whose `bytes` stand in the frame memory at `at`. */
  onDatagram(at: number, bytes: number, fromIpv4: number, fromPort: number): void {
    if (!this.#ring.push(this.#owner.wire.port.memory, at, bytes, fromIpv4, fromPort)) {
      this.dropped += 1;
      return;
    }
    this.#owner.socketNews(this);
  }

  receive(target: Uint8Array, offset: number, max: number): number {
    assert(max > 0 && offset >= 0 && offset + max <= target.length, 'the receive range lies inside the target');
    if (this.#closed || this.#ring.count === 0) return WOULD_BLOCK;
    const count = this.#ring.take(target, offset, max);
    if (count < this.#ring.lastBytes) this.truncated += 1;
    return count;
  }

  send(source: Uint8Array, offset: number, length: number): boolean {
    assert(this.#destinationHost !== '', 'the socket has a default destination');
    return this.sendTo(source, offset, length, this.#destinationHost, this.#destinationPort);
  }

  sendTo(source: Uint8Array, offset: number, length: number, host: string, port: number): boolean {
    assert(offset >= 0 && length > 0 && offset + length <= source.length, 'the send range lies inside the source');
    assert(length <= FRAME_DATAGRAM_BYTES_MAX, 'a datagram fits UDP and one frame');
    if (this.#closed) return false;
    if (host !== this.#parsedHost) this.#aimAt(host);
    const { wire } = this.#owner;
    if (this.#neighbour === null) {
      this.refused += 1;
      return true;
    }
    const at = wire.claim();
    if (at === FRAME_NONE) return false;
    const { memory, view } = wire.port;
    const payload = at + UDP_PAYLOAD_AT;
    for (let i = 0; i < length; i += 1) memory[payload + i] = source[offset + i];
    const ttl = isMulticast(this.#parsedIpv4) ? this.#multicastTtl : TTL_UNICAST;
    wire.address(at, PROTOCOL_UDP, UDP_BYTES + length, ttl, this.#parsedIpv4);
    writeUdp(view, at, this.port, port, length);
    wire.transmit(at, this.#neighbour, UDP_BYTES + length);
    return true;
  }

  #aimAt(host: string): void {
    const ipv4 = parseIpv4(host);
    assert(ipv4 >= 0, 'a datagram goes to an IPv4 address');
    this.#parsedHost = host;
    this.#parsedIpv4 = ipv4;
    this.#neighbour = this.#owner.wire.neighbour(ipv4);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#owner.socketClosed(this);
  }
}
