// The transport over AF_XDP: our own stack (frame_network.ts) on a queue of an interface. docs/KERNEL_BYPASS.md.
import { readInterface } from '../os/network_interface.ts';
import { XdpError, XdpSocket, type XdpAttachMode, type XdpCopyMode } from '../os/xdp_socket.ts';
import { FrameNetwork, type FrameNetworkOptions } from './frame_network.ts';
import { MTU } from './packet.ts';
import { XdpPort } from './xdp_port.ts';
import type { FramePort } from './frame_port.ts';

export interface XdpNetworkOptions extends Partial<FrameNetworkOptions> {
  interface: string;
  /** 0 by default. Flows that the card steers to other queues are not seen. */
  queue?: number;
  copy?: XdpCopyMode;
  attach?: XdpAttachMode;
  /** Stands between the interface and the stack: faults, for tests. */
  wrap?: (port: FramePort) => FramePort;
}

/** Address and subnet default to those that the kernel has on the interface. Throws XdpError. */
export function openXdpNetwork(options: XdpNetworkOptions): FrameNetwork {
  const name = options.interface;
  const facts = readInterface(name);
  if (typeof facts === 'string') {
    throw new XdpError(`AF_XDP cannot open ${name}: ${facts}; there is no such interface (see: ip link)`, facts);
  }
  if (!facts.up) throw new XdpError(`AF_XDP cannot open ${name}: it is down (ip link set ${name} up)`, 'ENETDOWN');
  if (facts.mtu < MTU) throw new XdpError(`AF_XDP cannot open ${name}: its MTU was ${facts.mtu}, expected ${MTU} or more`, 'EMSGSIZE');
  const ipv4 = options.ipv4 ?? facts.ipv4;
  if (ipv4 === 0) {
    throw new XdpError(`AF_XDP cannot open ${name}: it has no address; name one (ip=10.0.0.1/24)`, 'EADDRNOTAVAIL');
  }
  const socket = new XdpSocket({
    interface: name, queue: options.queue ?? 0, copy: options.copy ?? 'auto', attach: options.attach ?? 'auto',
  });
  const port: FramePort = new XdpPort(socket, facts.macHigh, facts.macLow);
  const kernels = facts.ipv4 === 0 ? 24 : facts.prefixBits;
  return new FrameNetwork(options.wrap?.(port) ?? port, {
    ...options, ipv4, prefixBits: options.prefixBits ?? kernels,
    gateway: options.gateway ?? 0, neighbours: options.neighbours ?? [],
  });
}
