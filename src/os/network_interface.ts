// What the kernel knows of a network interface by name, asked of the thread's own network namespace.
// (Node lists only interfaces that have an address, and /sys may show another namespace's.)
import { constants } from 'node:os';
import { errnoName, loadLibc } from './libc.ts';

const AF_INET = 2;
const SOCK_DGRAM = 2;
const NAME_BYTES = 16;
const REQUEST_BYTES = 40; // struct ifreq: the name, then a union
const SIOCGIFFLAGS = 0x8913;
const SIOCGIFADDR = 0x8915;
const SIOCGIFNETMASK = 0x891b;
const SIOCGIFMTU = 0x8921;
const SIOCGIFHWADDR = 0x8927;
const FLAG_UP = 1;
const ADDRESS_AT = NAME_BYTES + 4; // in a struct sockaddr_in
const HARDWARE_AT = NAME_BYTES + 2; // in a struct sockaddr

export interface InterfaceFacts {
  up: boolean;
  mtu: number;
  macHigh: number;
  macLow: number;
  /** The kernel's own address on it; 0: none. */
  ipv4: number;
  prefixBits: number;
}

/** The facts, or the name of the error ("ENODEV"). Linux only; LibcUnavailableError elsewhere. */
export function readInterface(name: string): InterfaceFacts | string {
  if (name.length === 0 || name.length >= NAME_BYTES) return errnoName(constants.errno.ENODEV);
  const libc = loadLibc();
  const fd = libc.socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) return errnoName(libc.errno());
  const request = new Uint8Array(new ArrayBuffer(REQUEST_BYTES));
  const view = new DataView(request.buffer);
  const ask = (what: number): boolean => {
    request.fill(0);
    for (let i = 0; i < name.length; i += 1) request[i] = name.charCodeAt(i);
    return libc.ioctl(fd, what, request) >= 0;
  };
  try {
    if (!ask(SIOCGIFFLAGS)) return errnoName(libc.errno());
    const up = (view.getUint16(NAME_BYTES, true) & FLAG_UP) !== 0;
    const mtu = ask(SIOCGIFMTU) ? view.getInt32(NAME_BYTES, true) : 0;
    if (!ask(SIOCGIFHWADDR)) return errnoName(libc.errno());
    const macHigh = view.getUint16(HARDWARE_AT);
    const macLow = view.getUint32(HARDWARE_AT + 2);
    const ipv4 = ask(SIOCGIFADDR) ? view.getUint32(ADDRESS_AT) : 0;
    const mask = ipv4 !== 0 && ask(SIOCGIFNETMASK) ? view.getUint32(ADDRESS_AT) : 0;
    return { up, mtu, macHigh, macLow, ipv4, prefixBits: Math.clz32(~mask) };
  } finally {
    libc.close(fd);
  }
}
