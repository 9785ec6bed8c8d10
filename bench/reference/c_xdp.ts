// The functions of xdp_echo.c; see there.
import { existsSync } from 'node:fs';
import { loadCLibrary } from './c_library.ts';

/** Of Debian's libxdp-dev. */
const HEADER = '/usr/include/xdp/xsk.h';

export interface CXdp {
  open(link: string): void;
  /** Echoes so many frames; how many. Blocks the thread. */
  echo(trips: number): number;
  /** Nanoseconds of each round trip; null when one did not come back. Blocks the thread. */
  ping(trips: number, payloadBytes: number): Uint32Array | null;
  close(): void;
}

/** Null where compiler or header are missing. */
export function cXdp(): CXdp | null {
  const library = existsSync(HEADER) ? loadCLibrary('xdp_echo', ['xdp', 'bpf']) : null;
  if (library === null) return null;
  const open = library.func('int xdp_open(const char *link)');
  const echo = library.func('uint32_t xdp_echo(uint32_t trips)');
  const ping = library.func('uint32_t xdp_ping(uint32_t trips, uint32_t payload, uint32_t *ns)');
  const close = library.func('void xdp_close()');
  return {
    open: (link) => {
      const result: number = open(link);
      if (result !== 0) throw new Error(`xdp_echo.c cannot open ${link}: ${result}`);
    },
    echo: (trips) => echo(trips),
    ping: (trips, payloadBytes) => {
      const ns = new Uint32Array(trips);
      return ping(trips, payloadBytes, ns) === trips ? ns : null;
    },
    close: () => close(),
  };
}
