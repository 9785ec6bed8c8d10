// One IPv4 address on one frame port: frames out with their headers, neighbours by ARP, frames in checked.
//
//   claim ─► the transport writes its part behind the headers ─► transmit(neighbour, …): IPv4 and Ethernet headers, port
//
// Neighbours: given (static), or asked for by ARP. While one is asked, up to HELD_MAX frames for it wait, as in the
// kernel; they leave with the answer. An answer is believed only when it was asked for; a question about our own address
// tells where the asker is. A known neighbour is asked again, alone, when it has been silent for a while, and forgotten
// when it does not answer.
// Limits: one subnet and one gateway, no ICMP, no IGMP (a switch that snoops must flood the groups), no fragments.
import type { Clock } from '../base/clock.ts';
import { assert } from '../base/assert.ts';
import { isMulticast } from './address.ts';
import { FRAME_BYTES_MAX, FRAME_BYTES_MIN, FRAME_NONE, type FramePort } from './frame_port.ts';
import {
  ARP_BYTES, ARP_REPLY, ARP_REQUEST, BROADCAST_HIGH, BROADCAST_LOW, ETHERNET_BYTES, ETHERTYPE_ARP, ETHERTYPE_IPV4,
  IPV4_BYTES, isArp, MULTICAST_MAC_HIGH, multicastMacLow, TRANSPORT_AT, writeArp, writeEthernet, writeIpv4,
} from './packet.ts';

/** Frames that wait for one neighbour's answer: a burst of small ones; Linux holds 64 KB. */
const HELD_MAX = 32;
/** Neighbours known or asked for; a subnet of 22 bits of prefix. */
const NEIGHBOURS_MAX = 1024;
/** Between two questions. */
const ASK_EVERY_NS = 100e6;
/** Questions without an answer until what waits is dropped. */
const ASKS_MAX = 10;
/** A neighbour that has said nothing for so long is asked again when it is used. */
const CONFIRMED_NS = 30e9;

/** Where a neighbour is. */
export class Neighbour {
  readonly ipv4: number;
  macHigh = 0;
  macLow = 0;
  /** Frames may leave; the address may still be under question. */
  known = false;
  /** Given, or a group: never asked for. */
  readonly fixed: boolean;
  confirmedNs = 0;
  askedNs = -Infinity;
  /** Questions since the last answer. */
  asks = 0;
  /** It has been asked as often as it is asked, and did not answer. */
  silent = false;
  /** Frames for it, whole but for its address. */
  readonly held: Uint8Array[] = [];

  constructor(ipv4: number, fixed: boolean) {
    this.ipv4 = ipv4;
    this.fixed = fixed;
  }
}

/** What came and was not taken, or could not go. Counters only rise. */
export interface WireCounters {
  /** Neither IPv4 nor ARP, or not for us. */
  notForUs: number;
  malformed: number;
  badChecksum: number;
  fragments: number;
  /** Frames dropped because a neighbour did not answer, or too many waited. */
  unreachable: number;
  arpRequestsSent: number;
  arpRepliesSent: number;
}

export interface IpAddressOptions {
  ipv4: number;
  prefixBits: number;
  /** Where everything outside the subnet goes; 0: nowhere. */
  gateway: number;
  neighbours: readonly { ipv4: number; macHigh: number; macLow: number }[];
}

export class IpWire {
  readonly port: FramePort;
  readonly ipv4: number;
  readonly counters: WireCounters = {
    notForUs: 0, malformed: 0, badChecksum: 0, fragments: 0, unreachable: 0, arpRequestsSent: 0, arpRepliesSent: 0,
  };
  /** [0]: the time of this turn. In memory, so that it is never boxed. */
  readonly time = new Float64Array(1);
  readonly #clock: Clock;
  readonly #mask: number;
  readonly #gateway: number;
  readonly #neighbours = new Map<number, Neighbour>();
  /** Those asked for: few, and most of the time none. */
  #asked: Neighbour[] = [];

  constructor(port: FramePort, options: IpAddressOptions, clock: Clock) {
    assert(options.prefixBits >= 1 && options.prefixBits <= 30, 'a subnet has 1 to 30 bits of prefix');
    this.port = port;
    this.ipv4 = options.ipv4 >>> 0;
    this.#mask = (-1 << (32 - options.prefixBits)) >>> 0;
    this.#gateway = options.gateway >>> 0;
    this.#clock = clock;
    for (const { ipv4, macHigh, macLow } of options.neighbours) {
      const neighbour = new Neighbour(ipv4 >>> 0, true);
      learn(neighbour, macHigh, macLow, 0);
      this.#neighbours.set(neighbour.ipv4, neighbour);
    }
    this.refreshTime();
    this.#sendArp(ARP_REQUEST, BROADCAST_HIGH, BROADCAST_LOW, 0, 0, this.ipv4); // says where we are
  }

  refreshTime(): void {
    this.#clock.refreshInto(this.time, 0);
  }

  /** Where frames for an address go; null: there is no way to it. */
  neighbour(ipv4: number): Neighbour | null {
    const target = isMulticast(ipv4) || this.#onLink(ipv4) ? ipv4 >>> 0 : this.#gateway;
    if (target === 0 || target === this.ipv4) return null;
    const known = this.#neighbours.get(target);
    if (known !== undefined) return known;
    if (this.#neighbours.size >= NEIGHBOURS_MAX) this.#forgetUnknown();
    if (this.#neighbours.size >= NEIGHBOURS_MAX) return null;
    const neighbour = new Neighbour(target, isMulticast(target));
    if (neighbour.fixed) learn(neighbour, MULTICAST_MAC_HIGH, multicastMacLow(target), 0);
    this.#neighbours.set(target, neighbour);
    return neighbour;
  }

  #onLink(ipv4: number): boolean {
    return ((ipv4 ^ this.ipv4) & this.#mask) === 0;
  }

  /** Where a frame may be written, headers first, or FRAME_NONE. */
  claim(): number {
    return this.port.claim();
  }

  /** The claimed frame's transport part of `bytes` stands, but for its check sum: its IPv4 header, which that needs. */
  address(at: number, protocol: number, bytes: number, ttl: number, to: number): void {
    writeIpv4(this.port.view, at, protocol, bytes, ttl, this.ipv4, to);
  }

  /** The claimed frame with `bytes` of transport leaves, or waits for the neighbour's answer. */
  transmit(at: number, neighbour: Neighbour, bytes: number): void {
    const { port } = this;
    let end = TRANSPORT_AT + bytes;
    assert(end <= FRAME_BYTES_MAX, 'a packet fits a frame');
    for (; end < FRAME_BYTES_MIN; end += 1) port.memory[at + end] = 0;
    writeEthernet(port.view, at, neighbour.macHigh, neighbour.macLow, port.macHigh, port.macLow, ETHERTYPE_IPV4);
    if (neighbour.known) {
      port.commit(end);
      port.flush();
      if (!neighbour.fixed && this.time[0] - neighbour.confirmedNs > CONFIRMED_NS) this.#ask(neighbour);
      return;
    }
    if (neighbour.held.length >= HELD_MAX) this.counters.unreachable += 1;
    else neighbour.held.push(port.memory.slice(at, at + end)); // the claimed frame is used again
    this.#ask(neighbour);
  }

  /** Takes in an ARP frame. */
  receiveArp(at: number, bytes: number): void {
    const { view } = this.port;
    const arp = at + ETHERNET_BYTES;
    if (!isArp(view, arp, bytes - ETHERNET_BYTES)) {
      this.counters.malformed += 1;
      return;
    }
    const fromHigh = view.getUint16(arp + 8);
    const fromLow = view.getUint32(arp + 10);
    const fromIpv4 = view.getUint32(arp + 14);
    const forUs = view.getUint32(arp + 24) === this.ipv4;
    let neighbour = this.#neighbours.get(fromIpv4) ?? null;
    if (view.getUint16(arp + 6) === ARP_REQUEST) {
      if (!forUs || fromIpv4 === this.ipv4) return;
      if (neighbour === null && this.#onLink(fromIpv4) && fromIpv4 !== 0) neighbour = this.neighbour(fromIpv4);
      if (neighbour !== null && !neighbour.fixed) this.#found(neighbour, fromHigh, fromLow);
      this.#sendArp(ARP_REPLY, fromHigh, fromLow, fromHigh, fromLow, fromIpv4);
    } else if (neighbour !== null && !neighbour.fixed && neighbour.asks > 0) {
      this.#found(neighbour, fromHigh, fromLow);
    }
  }

  /** Asks again, and gives up, where it is time to. */
  onTime(): void {
    if (this.#asked.length === 0) return;
    for (const neighbour of this.#asked) if (neighbour.asks > 0) this.#ask(neighbour);
    this.#asked = this.#asked.filter(({ asks }) => asks > 0);
  }

  /** Frames wait for an answer. */
  get asking(): boolean {
    return this.#asked.length > 0;
  }

  #ask(neighbour: Neighbour): void {
    if (this.time[0] - neighbour.askedNs < ASK_EVERY_NS) return;
    if (neighbour.asks >= ASKS_MAX) {
      this.counters.unreachable += neighbour.held.length;
      neighbour.held.length = 0;
      neighbour.known = false;
      neighbour.silent = true;
      neighbour.asks = 0;
      return;
    }
    if (neighbour.asks === 0) this.#asked.push(neighbour);
    neighbour.asks += 1;
    neighbour.askedNs = this.time[0];
    this.counters.arpRequestsSent += 1;
    this.#sendArp(ARP_REQUEST, BROADCAST_HIGH, BROADCAST_LOW, 0, 0, neighbour.ipv4);
  }

  #found(neighbour: Neighbour, macHigh: number, macLow: number): void {
    learn(neighbour, macHigh, macLow, this.time[0]);
    const { port } = this;
    let sent = 0;
    for (const frame of neighbour.held) {
      const at = port.claim();
      if (at === FRAME_NONE) break;
      port.memory.set(frame, at);
      port.view.setUint16(at, macHigh);
      port.view.setUint32(at + 2, macLow);
      port.commit(frame.length);
      sent += 1;
    }
    this.counters.unreachable += neighbour.held.length - sent;
    neighbour.held.length = 0;
    port.flush();
  }

  #sendArp(operation: number, ethHigh: number, ethLow: number, toHigh: number, toLow: number, toIpv4: number): void {
    const { port } = this;
    const at = port.claim();
    if (at === FRAME_NONE) return; // it is asked again
    writeEthernet(port.view, at, ethHigh, ethLow, port.macHigh, port.macLow, ETHERTYPE_ARP);
    writeArp(port.view, at, operation, port.macHigh, port.macLow, this.ipv4, toHigh, toLow, toIpv4);
    port.memory.fill(0, at + ETHERNET_BYTES + ARP_BYTES, at + FRAME_BYTES_MIN);
    port.commit(FRAME_BYTES_MIN);
    port.flush();
    if (operation === ARP_REPLY) this.counters.arpRepliesSent += 1;
  }

  /** Makes room: who was asked for and never answered. */
  #forgetUnknown(): void {
    for (const [ipv4, neighbour] of this.#neighbours) {
      if (!neighbour.known && neighbour.asks === 0) this.#neighbours.delete(ipv4);
    }
  }
}

function learn(neighbour: Neighbour, macHigh: number, macLow: number, nowNs: number): void {
  neighbour.macHigh = macHigh;
  neighbour.macLow = macLow;
  neighbour.known = true;
  neighbour.silent = false;
  neighbour.asks = 0;
  neighbour.confirmedNs = nowNs;
}

assert(IPV4_BYTES === 20 && TRANSPORT_AT === 34, 'what we send has no options');
