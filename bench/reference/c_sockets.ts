// The functions of sockets.c; see there.
import { loadCLibrary } from './c_library.ts';

export interface CSockets {
  listen(): { fd: number; port: number };
  /** Takes one connection and echoes until it ends; the bytes. Blocks the thread. */
  echo(fd: number): number;
  /** Nanoseconds of each round trip; null when one failed. Blocks the thread. */
  ping(port: number, trips: number): Uint32Array | null;
  /** Nanoseconds of so many batches of 32 datagrams, 0 when one was lost; `how` as sockets.c says. */
  datagrams(how: 0 | 1 | 2, batches: number, bytes: number): number;
}

let loaded: CSockets | null | undefined;

/** Null where no compiler is. */
export function cSockets(): CSockets | null {
  if (loaded === undefined) loaded = load();
  return loaded;
}

function load(): CSockets | null {
  const library = loadCLibrary('sockets');
  if (library === null) return null;
  const listen = library.func('int tcp_listen(uint16_t *port)');
  const echo = library.func('uint64_t tcp_echo(int listener)');
  const ping = library.func('int tcp_ping(uint16_t port, uint32_t trips, uint32_t *ns)');
  const batches = library.func('uint64_t udp_batches(int how, uint32_t batches, uint32_t bytes)');
  return {
    listen: () => {
      const port = new Uint16Array(1);
      return { fd: listen(port), port: port[0] };
    },
    echo: (fd) => Number(echo(fd)),
    ping: (port, trips) => {
      const ns = new Uint32Array(trips);
      return ping(port, trips, ns) === 0 ? ns : null;
    },
    datagrams: (how, count, bytes) => Number(batches(how, count, bytes)),
  };
}
