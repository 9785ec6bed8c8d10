// Kernel bypass by name, as --network and OUTCRY_NETWORK take it:
//
//   xdp:eth1,ip=10.0.0.1/24,queue=0                       an interface of the kernel's
//   dpdk:net_af_packet0,iface=eth1,ip=10.0.0.1/24         a device of DPDK's, with its own arguments between
//   dpdk:0000:03:00.0,ip=10.0.0.1/24,memory=512
//
// Keys of both: ip=ADDRESS/BITS (xdp: by default the interface's), gateway=ADDRESS, neighbour=ADDRESS@MAC (again and again), and
// for tests loss=0.01 with seed=N. Of xdp: queue, copy, attach. Of dpdk: huge=on|off, memory=MB, eal=ARGUMENT; any other
// key belongs to the device.
import { XDP_ATTACH_MODES, XDP_COPY_MODES } from '../os/xdp_socket.ts';
import { isMulticast, parseIpv4 } from './address.ts';
import { openDpdkNetwork, type DpdkNetworkOptions } from './dpdk_network.ts';
import { parseMac, type FramePort } from './frame_port.ts';
import type { FrameNetwork } from './frame_network.ts';
import type { IpAddressOptions } from './ip_wire.ts';
import { LossyPort } from './lossy_port.ts';
import { openXdpNetwork, type XdpNetworkOptions } from './xdp_network.ts';

export const XDP_PREFIX = 'xdp:';
export const DPDK_PREFIX = 'dpdk:';
const PREFIX_BITS_MIN = 1;
const PREFIX_BITS_MAX = 30;
/** The most that a pool and its environment can use here, and the least that holds a pool of 8,192 buffers. */
const MEMORY_MB_MAX = 65_536;
const MEMORY_MB_MIN = 64;
const QUEUE_MAX = 255;

export type BypassChoice = { kind: 'xdp'; options: XdpNetworkOptions } | { kind: 'dpdk'; options: DpdkNetworkOptions };

/** What a name says; a RangeError tells what was expected. */
export function parseBypassChoice(choice: string): BypassChoice {
  if (choice.startsWith(XDP_PREFIX)) return { kind: 'xdp', options: xdpOptions(choice) };
  if (choice.startsWith(DPDK_PREFIX)) return { kind: 'dpdk', options: dpdkOptions(choice) };
  throw new RangeError(`network was "${choice}", expected xdp:INTERFACE or dpdk:DEVICE`);
}

/** Opens it; what it throws says what is missing. */
export function openBypass(choice: string): FrameNetwork {
  const parsed = parseBypassChoice(choice);
  return parsed.kind === 'xdp' ? openXdpNetwork(parsed.options) : openDpdkNetwork(parsed.options);
}

/** Keys and values of one choice; each is taken by whoever knows it. */
class Keys {
  readonly name: string;
  readonly #choice: string;
  readonly #values = new Map<string, string[]>();

  constructor(choice: string, prefix: string) {
    this.#choice = choice;
    const [name, ...pairs] = choice.slice(prefix.length).split(',');
    this.name = name;
    if (name === '') throw this.fault(`${prefix}NAME`, choice);
    for (const pair of pairs) {
      const at = pair.indexOf('=');
      if (at <= 0) throw this.fault('key=value behind each comma', pair);
      const key = pair.slice(0, at);
      this.#values.set(key, [...(this.#values.get(key) ?? []), pair.slice(at + 1)]);
    }
  }

  fault(expected: string, was: string): RangeError {
    return new RangeError(`network ${this.#choice}: expected ${expected}, was ${was}`);
  }

  /** The values of a key that may come again, which is then known. */
  all(key: string): string[] {
    const values = this.#values.get(key) ?? [];
    this.#values.delete(key);
    return values;
  }

  one<T>(key: string, expected: string, read: (text: string) => T | undefined): T | undefined {
    const values = this.all(key);
    if (values.length === 0) return undefined;
    const value = values.length === 1 ? read(values[0]) : undefined;
    if (value === undefined) throw this.fault(`${key}=${expected}, once`, values.join(', '));
    return value;
  }

  oneOf<T extends string>(key: string, values: readonly T[]): T | undefined {
    return this.one(key, values.join('|'), (text) => values.find((value) => value === text));
  }

  whole(key: string, min: number, max: number): number | undefined {
    return this.one(key, `${min} to ${max}`, (text) => {
      const value = /^\d{1,10}$/.test(text) ? Number(text) : -1;
      return value >= min && value <= max ? value : undefined;
    });
  }

  address(key: string): number | undefined {
    return this.one(key, 'ADDRESS', hostAddress);
  }

  /** What nobody has asked for. */
  get rest(): string[] {
    return [...this.#values].flatMap(([key, values]) => values.map((value) => `${key}=${value}`));
  }
}

function hostAddress(text: string): number | undefined {
  const ipv4 = parseIpv4(text);
  return ipv4 > 0 && !isMulticast(ipv4) ? ipv4 : undefined;
}

interface Common extends Partial<IpAddressOptions> {
  wrap?: (port: FramePort) => FramePort;
  seed?: number;
}

function common(keys: Keys): Common {
  const own = keys.one('ip', 'ADDRESS/BITS', (text) => {
    const [address, bits, more] = text.split('/');
    const ipv4 = hostAddress(address);
    const prefixBits = /^\d{1,2}$/.test(bits ?? '') ? Number(bits) : -1;
    const fits = more === undefined && prefixBits >= PREFIX_BITS_MIN && prefixBits <= PREFIX_BITS_MAX;
    return ipv4 !== undefined && fits ? { ipv4, prefixBits } : undefined;
  });
  const gateway = keys.address('gateway');
  const neighbours = keys.all('neighbour').map((text) => {
    const [address, macText] = text.split('@');
    const ipv4 = hostAddress(address);
    const mac = parseMac(macText ?? '');
    if (ipv4 === undefined || mac === null) throw keys.fault('neighbour=ADDRESS@MAC', text);
    return { ipv4, macHigh: mac.high, macLow: mac.low };
  });
  const loss = keys.one('loss', '0 to 0.9', (text) => {
    const value = /^0(\.\d{1,6})?$/.test(text) ? Number(text) : -1;
    return value >= 0 && value <= 0.9 ? value : undefined;
  });
  const seed = keys.whole('seed', 0, 0xffff_ffff);
  return {
    ...own, neighbours, ...(gateway !== undefined && { gateway }), ...(seed !== undefined && { seed }),
    ...(loss !== undefined && { wrap: (port: FramePort) => new LossyPort(port, loss, seed ?? 1) }),
  };
}

function xdpOptions(choice: string): XdpNetworkOptions {
  const keys = new Keys(choice, XDP_PREFIX);
  const shared = common(keys);
  const queue = keys.whole('queue', 0, QUEUE_MAX);
  const copy = keys.oneOf('copy', XDP_COPY_MODES);
  const attach = keys.oneOf('attach', XDP_ATTACH_MODES);
  if (keys.rest.length > 0) {
    throw keys.fault('the keys ip, gateway, neighbour, queue, copy, attach, loss, seed', keys.rest.join(', '));
  }
  return {
    ...shared, interface: keys.name, ...(queue !== undefined && { queue }), ...(copy !== undefined && { copy }),
    ...(attach !== undefined && { attach }),
  };
}

function dpdkOptions(choice: string): DpdkNetworkOptions {
  const keys = new Keys(choice, DPDK_PREFIX);
  const { ipv4, ...shared } = common(keys);
  if (ipv4 === undefined) throw keys.fault('ip=ADDRESS/BITS, for DPDK\'s device has none', choice);
  const huge = keys.oneOf('huge', ['on', 'off']);
  const memoryMb = keys.whole('memory', MEMORY_MB_MIN, MEMORY_MB_MAX);
  return {
    ...shared, ipv4, arguments: keys.all('eal'), ...(huge !== undefined && { hugePages: huge === 'on' }),
    ...(memoryMb !== undefined && { memoryMb }), device: [keys.name, ...keys.rest].join(','),
  };
}

