// Two network namespaces joined by veth pairs, made by the test that uses them and removed at its end, so that kernel bypass
// has interfaces of its own and no frame of it leaves the machine. Needs root and iproute2.
//
//   namespace A ── a0 ═══════ b0 ── namespace B
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { NativeLibrary, type NativeFunction } from '../../src/os/native_library.ts';
import { findTool, inCi } from '../requirements.ts';

/** Made once a run. */
let made = 0;
let supported: string | false | null = null;

/** Why there can be no namespaces here, or false; in continuous integration nothing may be missing. */
export function namespacesUnavailable(): string | false {
  supported ??= probe();
  if (supported !== false && inCi()) throw new Error(`${supported}; in continuous integration nothing may be missing`);
  return supported;
}

function probe(): string | false {
  if (process.platform !== 'linux') return `network namespaces need Linux, this is ${process.platform}`;
  if (findTool('ip') === null) return 'ip (iproute2) is not installed';
  const name = `outcry-${process.pid}-probe`;
  const result = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' });
  if (result.status !== 0) return `no network namespace can be made: ${result.stderr.trim()}`;
  spawnSync('ip', ['netns', 'del', name]);
  return false;
}

export class Namespaces {
  readonly a: string;
  readonly b: string;
  #pairs = 0;
  readonly #remove = (): void => this.remove();

  constructor() {
    made += 1;
    this.a = `outcry-${process.pid}-${made}a`;
    this.b = `outcry-${process.pid}-${made}b`;
    process.on('exit', this.#remove);
    for (const name of [this.a, this.b]) {
      ip('netns', 'add', name);
      ip('-n', name, 'link', 'set', 'lo', 'up');
    }
  }

  /** One more pair of interfaces, up, without addresses of the kernel's. */
  join(): { a: string; b: string } {
    const [a, b] = [`a${this.#pairs}`, `b${this.#pairs}`];
    this.#pairs += 1;
    ip('-n', this.a, 'link', 'add', a, 'type', 'veth', 'peer', 'name', b, 'netns', this.b);
    for (const [name, link] of [[this.a, a], [this.b, b]]) {
      // No router or neighbour discovery among the frames under test.
      spawnSync('ip', ['netns', 'exec', name, 'sysctl', '-qw', `net.ipv6.conf.${link}.disable_ipv6=1`]);
      ip('-n', name, 'link', 'set', link, 'up');
    }
    return { a, b };
  }

  /** The kernel's own stack at one end: its address, and check sums filled in, for veth leaves them to a card there is not. */
  kernelAt(namespace: string, link: string, address: string): void {
    ip('-n', namespace, 'address', 'add', address, 'dev', link);
    run('ip', ['netns', 'exec', namespace, 'ethtool', '-K', link, 'tx', 'off']);
  }

  /** The command line of a program in a namespace. */
  command(namespace: string, ...command: string[]): [string, string[]] {
    return ['ip', ['netns', 'exec', namespace, ...command]];
  }

  /** Runs `work`, which must not wait, with this thread in a namespace: sockets made there stay there. */
  within<T>(namespace: string, work: () => T): T {
    const setns = enter();
    const own = openSync('/proc/thread-self/ns/net', 'r');
    const other = openSync(`/var/run/netns/${namespace}`, 'r');
    try {
      if (setns(other, 0) !== 0) throw new Error(`cannot enter the namespace ${namespace}`);
      return work();
    } finally {
      if (setns(own, 0) !== 0) process.abort(); // nothing that follows would mean what it says
      closeSync(other);
      closeSync(own);
    }
  }

  /** Idempotent. */
  remove(): void {
    process.off('exit', this.#remove);
    for (const name of [this.a, this.b]) spawnSync('ip', ['netns', 'del', name]);
  }
}

let setnsLoaded: NativeFunction | null = null;
function enter(): NativeFunction {
  setnsLoaded ??= new NativeLibrary('libc.so.6', 'the C library').func('int setns(int, int)');
  return setnsLoaded;
}

function ip(...arguments_: string[]): void {
  run('ip', arguments_);
}

function run(command: string, arguments_: string[]): SpawnSyncReturns<string> {
  const result = spawnSync(command, arguments_, { encoding: 'utf8' });
  if (result.status !== 0) {
    throw new Error(`${command} ${arguments_.join(' ')}: ${result.error?.message ?? result.stderr.trim()}`);
  }
  return result;
}
