// Ethernet, ARP, IPv4, UDP and TCP as they stand in a frame, written and checked in place. Big-endian throughout.
//
//   0         6         12     14                34            54 (TCP) or 42 (UDP)
//   │ to MAC  │ from MAC │ type │ IPv4, no options │ TCP or UDP  │ payload …
//
// What goes out carries no IP options, is never fragmented (the "don't fragment" bit is set) and has all check sums filled
// in; what comes in may have options, which are skipped. A fragment is not taken.
//
// The check sum of the internet protocols is a sum of 16-bit words in ones' complement. They are loaded two at a time and
// added as small integers: the words of a frame sum to less than 2^31. (A larger sum is a boxed number wherever a call is not
// inlined: 64 bytes a round trip of a stream.)

export const ETHERNET_BYTES = 14;
export const IPV4_BYTES = 20;
export const UDP_BYTES = 8;
export const TCP_BYTES = 20;
export const ARP_BYTES = 28;
export const IP_AT = ETHERNET_BYTES;
/** Where UDP or TCP begins in what we send. */
export const TRANSPORT_AT = ETHERNET_BYTES + IPV4_BYTES;
export const UDP_PAYLOAD_AT = TRANSPORT_AT + UDP_BYTES;
/** The largest IPv4 packet on Ethernet. */
export const MTU = 1500;
/** The largest UDP payload of one frame. */
export const FRAME_DATAGRAM_BYTES_MAX = MTU - IPV4_BYTES - UDP_BYTES;
/** The most bytes of a stream in one frame. */
export const SEGMENT_BYTES_MAX = MTU - IPV4_BYTES - TCP_BYTES;

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

const IPV4_NO_OPTIONS = 0x45;
const DONT_FRAGMENT = 0x4000;
/** "More fragments" and the offset: neither may be set in what we take. */
const FRAGMENT_BITS = 0x3fff;
const ARP_ETHERNET_IPV4 = 0x0001_0800;
const ARP_LENGTHS = 0x0604;

/** Sum of the 16-bit words of `bytes` bytes at `at`, not folded, added to `sum`. */
function addWords(view: DataView, at: number, bytes: number, sum: number): number {
  const wordsEnd = at + (bytes & ~3);
  let total = sum;
  let i = at;
  for (; i < wordsEnd; i += 4) total += halves(view.getInt32(i));
  if ((bytes & 2) !== 0) {
    total += view.getUint16(i);
    i += 2;
  }
  if ((bytes & 1) !== 0) total += view.getUint8(i) << 8;
  return total;
}

/** Both halves of a word, added. */
function halves(word: number): number {
  return (word >>> 16) + (word & 0xffff);
}

/** A sum of 16-bit words as 16 bits, ones' complement. */
function folded(sum: number): number {
  let rest = (sum & 0xffff) + (sum >>> 16);
  rest = (rest & 0xffff) + (rest >>> 16);
  return rest;
}

/** The check sum of an IPv4 header; 0 for one that carries its own and is right. */
export function headerChecksum(view: DataView, at: number, bytes: number): number {
  return ~folded(addWords(view, at, bytes, 0)) & 0xffff;
}

/**
 * The check sum of UDP or TCP with the pseudo header (both addresses, protocol, length), which stand in the IPv4 header at
 * `ipAt`; 0 for a packet that carries its own and is right.
 */
export function transportChecksum(view: DataView, ipAt: number, protocol: number, at: number, bytes: number): number {
  const pseudo = halves(view.getInt32(ipAt + 12)) + halves(view.getInt32(ipAt + 16)) + protocol + bytes;
  return ~folded(addWords(view, at, bytes, pseudo)) & 0xffff;
}

/** The Ethernet header at `at`. */
export function writeEthernet(
  view: DataView, at: number, toHigh: number, toLow: number, fromHigh: number, fromLow: number, type: number,
): void {
  view.setUint16(at, toHigh);
  view.setUint32(at + 2, toLow);
  view.setUint16(at + 6, fromHigh);
  view.setUint32(at + 8, fromLow);
  view.setUint16(at + 12, type);
}

/** The IPv4 header of a frame at `at` that carries `bytes` of UDP or TCP, its check sum included. */
export function writeIpv4(
  view: DataView, at: number, protocol: number, bytes: number, ttl: number, from: number, to: number,
): void {
  const ip = at + IP_AT;
  view.setUint8(ip, IPV4_NO_OPTIONS);
  view.setUint8(ip + 1, 0);
  view.setUint16(ip + 2, IPV4_BYTES + bytes);
  view.setUint16(ip + 4, 0); // an identification serves fragments only
  view.setUint16(ip + 6, DONT_FRAGMENT);
  view.setUint8(ip + 8, ttl);
  view.setUint8(ip + 9, protocol);
  view.setUint16(ip + 10, 0);
  view.setUint32(ip + 12, from);
  view.setUint32(ip + 16, to);
  view.setUint16(ip + 10, headerChecksum(view, ip, IPV4_BYTES));
}

/** The UDP header of a frame whose IPv4 header and payload stand already. */
export function writeUdp(view: DataView, at: number, fromPort: number, toPort: number, payloadBytes: number): void {
  const udp = at + TRANSPORT_AT;
  view.setUint16(udp, fromPort);
  view.setUint16(udp + 2, toPort);
  view.setUint16(udp + 4, UDP_BYTES + payloadBytes);
  view.setUint16(udp + 6, 0);
  const sum = transportChecksum(view, at + IP_AT, PROTOCOL_UDP, udp, UDP_BYTES + payloadBytes);
  view.setUint16(udp + 6, sum === 0 ? 0xffff : sum); // 0 would say "none"
}

/** The payload of an ARP frame: `operation` from one pair of addresses about another. */
export function writeArp(
  view: DataView, at: number, operation: number, fromHigh: number, fromLow: number, fromIpv4: number,
  toHigh: number, toLow: number, toIpv4: number,
): void {
  const arp = at + ETHERNET_BYTES;
  view.setUint32(arp, ARP_ETHERNET_IPV4);
  view.setUint16(arp + 4, ARP_LENGTHS);
  view.setUint16(arp + 6, operation);
  view.setUint16(arp + 8, fromHigh);
  view.setUint32(arp + 10, fromLow);
  view.setUint32(arp + 14, fromIpv4);
  view.setUint16(arp + 18, toHigh);
  view.setUint32(arp + 20, toLow);
  view.setUint32(arp + 24, toIpv4);
}

/** Whether an ARP packet at `arp` with `bytes` behind it is one of Ethernet and IPv4. */
export function isArp(view: DataView, arp: number, bytes: number): boolean {
  return bytes >= ARP_BYTES && view.getUint32(arp) === ARP_ETHERNET_IPV4 && view.getUint16(arp + 4) === ARP_LENGTHS;
}

/** What is wrong with an IPv4 packet; None: nothing. */
export const Ipv4Fault = { None: 0, Malformed: 1, Checksum: 2, Fragment: 3 } as const;
export type Ipv4Fault = (typeof Ipv4Fault)[keyof typeof Ipv4Fault];

/** Looks at the IPv4 packet at `ip`, of which `bytes` (padding included) are in the frame. */
export function checkIpv4(view: DataView, ip: number, bytes: number): Ipv4Fault {
  if (bytes < IPV4_BYTES || view.getUint8(ip) >>> 4 !== 4) return Ipv4Fault.Malformed;
  const headerBytes = ipv4HeaderBytes(view, ip);
  const totalBytes = view.getUint16(ip + 2);
  if (headerBytes < IPV4_BYTES || headerBytes > totalBytes || totalBytes > bytes) return Ipv4Fault.Malformed;
  if (headerChecksum(view, ip, headerBytes) !== 0) return Ipv4Fault.Checksum;
  if ((view.getUint16(ip + 6) & FRAGMENT_BITS) !== 0) return Ipv4Fault.Fragment;
  return Ipv4Fault.None;
}

export function ipv4HeaderBytes(view: DataView, ip: number): number {
  return (view.getUint8(ip) & 15) * 4;
}

/** The low half of the Ethernet address of an IPv4 group, behind MULTICAST_MAC_HIGH: the group's last 23 bits. */
export function multicastMacLow(group: number): number {
  return (0x5e00_0000 | (group & 0x7f_ffff)) >>> 0;
}
export const MULTICAST_MAC_HIGH = 0x0100;
export const BROADCAST_HIGH = 0xffff;
export const BROADCAST_LOW = 0xffff_ffff;
