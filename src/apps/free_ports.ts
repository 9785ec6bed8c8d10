// UDP ports that nobody uses, for runs beside others: tests, benchmarks, a demo with --port 0.
import { createSocket } from 'node:dgram';

export const PORT_MAX = 0xffff;
const HOST = '127.0.0.1';
const ATTEMPTS = 20;

/** Binds a UDP port, 0 = any, for a moment; returns its number, or rejects when it is taken. */
async function triedPort(port: number): Promise<number> {
  const socket = createSocket('udp4');
  try {
    return await new Promise<number>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, HOST, () => resolve(socket.address().port));
    });
  } finally {
    socket.close();
  }
}

/** The first of three UDP ports in a row that nobody uses. */
export async function freePorts(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const first = await triedPort(0);
    if (first + 2 > PORT_MAX) continue;
    try {
      await triedPort(first + 1);
      await triedPort(first + 2);
      return first;
    } catch {
      // One of the three is taken: somewhere else, then.
    }
  }
  throw new Error(`found no three free UDP ports in ${ATTEMPTS} attempts`);
}
