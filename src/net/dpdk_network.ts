// The transport over DPDK: our own stack (frame_network.ts) on a port of its. docs/KERNEL_BYPASS.md.
import { DPDK_DEFAULTS, DpdkEnvironment, DpdkError } from '../os/dpdk.ts';
import { DpdkPort } from './dpdk_port.ts';
import { FrameNetwork, type FrameNetworkOptions } from './frame_network.ts';
import type { FramePort } from './frame_port.ts';

export interface DpdkNetworkOptions extends Partial<FrameNetworkOptions> {
  /** "net_tap0,iface=t0", "net_af_packet0,iface=v0", "0000:03:00.0": what DPDK takes after --vdev or -a. */
  device: string;
  /** Its address: the kernel has none for it. */
  ipv4: number;
  hugePages?: boolean;
  memoryMb?: number;
  /** Further arguments of DPDK's environment. */
  arguments?: readonly string[];
  /** Stands between the port and the stack: faults, for tests. */
  wrap?: (port: FramePort) => FramePort;
}

/** Once a process. Throws DpdkError or NativeLibraryError. */
export function openDpdkNetwork(options: DpdkNetworkOptions): FrameNetwork {
  const device = options.device;
  if (device === '') throw new DpdkError('EalInitFailed', 'expected a device (net_tap0,iface=t0), was none');
  const environment = new DpdkEnvironment({
    hugePages: options.hugePages ?? true, memoryMb: options.memoryMb ?? DPDK_DEFAULTS.socketMemoryMb,
    channels: DPDK_DEFAULTS.channels, devices: [device], arguments: options.arguments ?? [],
  });
  try {
    const pool = environment.pool();
    const port = new DpdkPort(environment.open(device.split(',')[0], pool), pool);
    const network = dpdkFrames(options.wrap?.(port) ?? port, options);
    void network.closed.then(() => environment.close());
    return network;
  } catch (error) {
    environment.close();
    throw error;
  }
}

/** Two networks in this process whose frames go through DPDK's rings: no interface, no privileges. */
export function openDpdkCable(
  hosts: readonly [number, number], options: Omit<DpdkNetworkOptions, 'device' | 'ipv4'>, count = 1,
): { pairs: [FrameNetwork, FrameNetwork][]; close(): void } {
  const environment = new DpdkEnvironment({
    hugePages: options.hugePages ?? true, memoryMb: options.memoryMb ?? DPDK_DEFAULTS.socketMemoryMb,
    channels: DPDK_DEFAULTS.channels, devices: [], arguments: options.arguments ?? [],
  });
  const pool = environment.pool();
  const pairs: [FrameNetwork, FrameNetwork][] = [];
  for (let i = 0; i < count; i += 1) {
    const ends = environment.cable(`cable${i}_`, pool);
    const network = (end: 0 | 1): FrameNetwork =>
      dpdkFrames(new DpdkPort(ends[end], pool), { ...options, ipv4: hosts[end] });
    pairs.push([network(0), network(1)]);
  }
  return { pairs, close: () => environment.close() };
}

function dpdkFrames(port: FramePort, options: Omit<DpdkNetworkOptions, 'device'>): FrameNetwork {
  return new FrameNetwork(port, {
    ...options, prefixBits: options.prefixBits ?? 24, gateway: options.gateway ?? 0,
    neighbours: options.neighbours ?? [],
  });
}
