// IPv4 addresses: text ↔ the 32-bit number with the first octet on top ("127.0.0.1" ↔ 0x7f000001).
// Outcry speaks IPv4 only: its multicast feed and the other systems' defaults are IPv4.
import { lookup } from 'node:dns/promises';
import { NetworkError, networkErrorFrom, type NetworkAction } from './network_error.ts';

/** `text` as a number 0 … 2^32 − 1, or −1 when it is not a dotted IPv4 address. */
export function parseIpv4(text: string): number {
  let value = 0;
  let octets = 0;
  let octet = -1; // −1: no digit yet
  for (let i = 0; i <= text.length; i += 1) {
    const code = i === text.length ? 0x2e : text.charCodeAt(i);
    if (code === 0x2e) {
      if (octet < 0 || octets === 4) return -1;
      value = value * 256 + octet;
      octets += 1;
      octet = -1;
    } else if (code >= 0x30 && code <= 0x39) {
      if (octet === 0) return -1; // a leading zero: octal to some, decimal to others
      octet = (octet < 0 ? 0 : octet * 10) + (code - 0x30);
      if (octet > 255) return -1;
    } else {
      return -1;
    }
  }
  return octets === 4 ? value : -1;
}

/** The dotted form of a 32-bit address. */
export function formatIpv4(address: number): string {
  return `${(address >>> 24) & 255}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** 224.0.0.0 … 239.255.255.255. */
export function isMulticast(address: number): boolean {
  return address >>> 28 === 14;
}

/** The IPv4 address of `host`, which may be a name; a NetworkError says what is wrong with it. */
export async function resolveIpv4(action: NetworkAction, host: string, port: number): Promise<string> {
  if (parseIpv4(host) >= 0) return host;
  try {
    return (await lookup(host, 4)).address;
  } catch (error) {
    throw networkErrorFrom(action, host, port, error);
  }
}

/** Refuses what cannot be a port. */
export function checkPort(action: NetworkAction, host: string, port: number): void {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return;
  throw new NetworkError(`cannot ${action} ${host}:${port}: port was ${port}, expected an integer 0 to 65535`, 'EINVAL', host, port);
}

/** Refuses a group that is not an IPv4 multicast address. */
export function checkGroup(group: string, port: number): void {
  const address = parseIpv4(group);
  if (address >= 0 && isMulticast(address)) return;
  throw new NetworkError(
    `cannot join ${group}:${port}: the group was ${group}, expected a multicast address 224.0.0.0 to 239.255.255.255`,
    'EINVAL', group, port,
  );
}
