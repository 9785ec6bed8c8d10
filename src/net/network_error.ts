// Errors of setting up connections and sockets, for people: what was tried, where, what came, what to do.
// Nothing here is thrown after set-up: a running transport answers with WOULD_BLOCK or CLOSED.

export class NetworkError extends Error {
  override readonly name = 'NetworkError';
  /** "EADDRINUSE", "ECONNREFUSED", … */
  readonly code: string;
  readonly host: string;
  readonly port: number;

  constructor(message: string, code: string, host: string, port: number) {
    super(message);
    this.code = code;
    this.host = host;
    this.port = port;
  }
}

/** What was being done when the system refused. */
export type NetworkAction = 'listen on' | 'connect to' | 'bind' | 'join' | 'send to';

interface Advice { reason: string; advice: string }

const ADVICE: Readonly<Record<string, Advice>> = {
  EADDRINUSE: {
    reason: 'the port is in use',
    advice: 'stop the program that holds it, or choose another port (0 takes a free one)',
  },
  EACCES: { reason: 'permission denied', advice: 'choose a port above 1023' },
  EADDRNOTAVAIL: {
    reason: 'this machine has no such address',
    advice: 'use the address of one of its interfaces, such as 127.0.0.1',
  },
  ECONNREFUSED: { reason: 'connection refused', advice: 'nothing listens there: start it first, or correct host and port' },
  ETIMEDOUT: { reason: 'no answer', advice: 'check host, port and firewall' },
  EHOSTUNREACH: { reason: 'no route to the host', advice: 'check the address and the network' },
  ENETUNREACH: { reason: 'no route to the network', advice: 'check the address and the network' },
  ENODEV: {
    reason: 'no interface has this address',
    advice: 'name the interface by its own IPv4 address, such as 127.0.0.1',
  },
  EMFILE: { reason: 'too many open files', advice: 'raise the limit (ulimit -n) or close connections' },
  ENOSPC: {
    reason: 'no room',
    advice: 'shared memory: /dev/shm is full (a container: --shm-size); sockets: raise fs.epoll.max_user_watches',
  },
  ENOBUFS: { reason: 'no place is free', advice: 'close connections or sockets of this network' },
  ECANCELED: { reason: 'the network was closed', advice: 'connect before closing it' },
  ENOTFOUND: { reason: 'unknown host name', advice: 'use an IPv4 address or a name that resolves to one' },
  EINVAL: { reason: 'the system takes the address as invalid', advice: 'use an IPv4 address and a port of 0 to 65535' },
};

/** `code` as a NetworkError with reason and advice. */
export function networkError(action: NetworkAction, host: string, port: number, code: string): NetworkError {
  const known = ADVICE[code];
  const tail = known === undefined ? code : `${known.reason} (${code}); ${known.advice}`;
  return new NetworkError(`cannot ${action} ${host}:${port}: ${tail}`, code, host, port);
}

/** Node's error as a NetworkError. */
export function networkErrorFrom(action: NetworkAction, host: string, port: number, error: unknown): NetworkError {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (code !== undefined) return networkError(action, host, port, code);
  return new NetworkError(`cannot ${action} ${host}:${port}: ${String(error)}`, 'UNKNOWN', host, port);
}
