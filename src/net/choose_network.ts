// Which transport a process uses: direct system calls where they are to be had, else Node's sockets.
// OUTCRY_NETWORK=epoll|node forces one; a forced one that cannot run is an error, not a fallback.
import { LibcUnavailableError } from '../os/libc.ts';
import { EpollNetwork } from './epoll_network.ts';
import { NodeNetwork } from './node_network.ts';
import type { Network } from './transport.ts';

export type NetworkChoice = 'auto' | 'epoll' | 'node';

export const NETWORK_CHOICES: readonly NetworkChoice[] = ['auto', 'epoll', 'node'];

export interface ChosenNetwork {
  network: Network;
  /** Why it was not the faster one; empty when it was, or when it was asked for. */
  fallbackReason: string;
}

/** A network of the kind asked for; `choice` defaults to OUTCRY_NETWORK, and that to `auto`. */
export function chooseNetwork(choice: string = process.env['OUTCRY_NETWORK'] ?? 'auto'): ChosenNetwork {
  if (choice === 'node') return { network: new NodeNetwork(), fallbackReason: '' };
  if (choice !== 'auto' && choice !== 'epoll') {
    throw new RangeError(`network was "${choice}", expected one of ${NETWORK_CHOICES.join(', ')}`);
  }
  try {
    return { network: new EpollNetwork(), fallbackReason: '' };
  } catch (error) {
    if (choice === 'epoll' || !(error instanceof LibcUnavailableError)) throw error;
    return { network: new NodeNetwork(), fallbackReason: error.message };
  }
}
