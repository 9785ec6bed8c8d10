// Which transport a process uses: direct system calls where they are to be had, else Node's sockets.
// OUTCRY_NETWORK=epoll|node|shm:/NAME forces one; a forced one that cannot run is an error, not a fallback.
// Processes that say the same shm:/NAME meet in memory, with the addresses that they would have used.
// xdp:INTERFACE and dpdk:DEVICE drive an interface past the kernel's stack (bypass_choice.ts has their keys).
import { LibcUnavailableError } from '../os/libc.ts';
import { DPDK_PREFIX, openBypass, XDP_PREFIX } from './bypass_choice.ts';
import { EpollNetwork } from './epoll_network.ts';
import { NodeNetwork } from './node_network.ts';
import { SharedMemoryNetwork } from './shared_memory_network.ts';
import type { Network } from './transport.ts';

export type NetworkChoice = 'auto' | 'epoll' | 'node' | `shm:/${string}` | `xdp:${string}` | `dpdk:${string}`;

/** What a choice may look like, and in words. */
export const NETWORK_CHOICE = /^(?:auto|epoll|node|shm:\/[A-Za-z0-9][A-Za-z0-9._-]{0,199}|(?:xdp|dpdk):[\x21-\x7e]{1,1000})$/;
export const NETWORK_CHOICES = 'auto, epoll, node, shm:/NAME, xdp:INTERFACE, dpdk:DEVICE';
const SHARED_MEMORY = 'shm:';

export interface ChosenNetwork {
  network: Network;
  /** Why it was not the faster one; empty when it was, or when it was asked for. */
  fallbackReason: string;
}

/** A network of the kind asked for; `choice` defaults to OUTCRY_NETWORK, and that to `auto`. */
export function chooseNetwork(choice: string = process.env['OUTCRY_NETWORK'] ?? 'auto'): ChosenNetwork {
  if (choice === 'node') return { network: new NodeNetwork(), fallbackReason: '' };
  if (!NETWORK_CHOICE.test(choice)) throw new RangeError(`network was "${choice}", expected one of ${NETWORK_CHOICES}`);
  if (choice.startsWith(SHARED_MEMORY)) {
    return { network: new SharedMemoryNetwork(choice.slice(SHARED_MEMORY.length)), fallbackReason: '' };
  }
  if (choice.startsWith(XDP_PREFIX) || choice.startsWith(DPDK_PREFIX)) {
    return { network: openBypass(choice), fallbackReason: '' };
  }
  try {
    return { network: new EpollNetwork(), fallbackReason: '' };
  } catch (error) {
    if (choice === 'epoll' || !(error instanceof LibcUnavailableError)) throw error;
    return { network: new NodeNetwork(), fallbackReason: error.message };
  }
}
