// The other process of the shared-memory tests: joins the network of its first argument and does what the second says.
//
//   echo          listens, says its port, sends back what comes
//   silent        connects to the port of the third argument, sends 1,000 bytes, and then only spins
//   sleeper       as echo, with a loop that sleeps at once and is woken by the bell alone
//   flood         sends numbered datagrams to a group until it is told to end
//   listen        listens on the port of the third argument and never accepts
import { setTimeout as sleep } from 'node:timers/promises';
import { SharedMemoryNetwork } from './shared_memory_network.ts';
import { CLOSED, type StreamConnection } from './transport.ts';

export const HOST = '127.0.0.1';
export const GROUP = '239.255.7.7';
export const GROUP_PORT = 7_007;
/** Beside their number: lengths vary, each byte follows from number and place. */
export const FLOOD_BYTES_MAX = 1_400;

export function floodLength(number: number): number {
  return 16 + ((Math.imul(number, 0x9e37_79b1) >>> 8) % (FLOOD_BYTES_MAX - 16));
}

export function floodByte(number: number, index: number): number {
  return (Math.imul(number + 1, 0x85eb_ca6b) >>> 11) + index & 0xff;
}

async function echo(network: SharedMemoryNetwork, sleeps: boolean): Promise<never> {
  const listener = await network.listen({ host: HOST, port: 0 });
  process.send?.(listener.port);
  const buffer = new Uint8Array(70_000);
  const connections: StreamConnection[] = [];
  for (;;) {
    const news = network.poll();
    const accepted = listener.accept();
    if (accepted !== null) connections.push(accepted);
    for (let i = 0; i < network.readyCount; i += 1) {
      const connection = network.ready(i);
      const count = connection.receive(buffer, 0, buffer.length);
      if (count === CLOSED) connection.close();
      for (let sent = 0; sent < count; ) sent += Math.max(0, connection.send(buffer, sent, count - sent));
    }
    // A sleep with no end of its own: without the bell nothing would ever come back.
    if (sleeps && news === 0) await new Promise<void>((resolve) => network.arm(resolve));
    else await new Promise((resolve) => void setImmediate(resolve));
  }
}

async function flood(network: SharedMemoryNetwork): Promise<never> {
  const sender = await network.multicastSender({ group: GROUP, port: GROUP_PORT, interface: HOST, ttl: 1 });
  process.send?.(sender.port);
  const bytes = new Uint8Array(FLOOD_BYTES_MAX);
  const view = new DataView(bytes.buffer);
  for (let number = 0; ; ) {
    for (let i = 0; i < 200; i += 1, number += 1) {
      const length = floodLength(number);
      for (let at = 4; at < length; at += 1) bytes[at] = floodByte(number, at);
      view.setUint32(0, number, true);
      sender.send(bytes, 0, length);
    }
    await new Promise((resolve) => void setImmediate(resolve));
  }
}

async function main(): Promise<void> {
  const [, , name, what, port] = process.argv;
  const network = new SharedMemoryNetwork(name);
  if (what === 'echo' || what === 'sleeper') await echo(network, what === 'sleeper');
  if (what === 'flood') await flood(network);
  if (what === 'listen') {
    const listener = await network.listen({ host: HOST, port: Number(port) });
    process.send?.(listener.port);
  }
  if (what === 'silent') {
    const connection = await network.connect({ host: HOST, port: Number(port) });
    connection.send(new Uint8Array(1_000).fill(7), 0, 1_000);
    process.send?.(0);
  }
  for (;;) await sleep(60_000);
}

if (import.meta.main) await main();
