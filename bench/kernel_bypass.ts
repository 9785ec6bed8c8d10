// UDP round trips over a veth pair between two namespaces: AF_XDP from TypeScript, beside AF_XDP in C and beside the kernel's
// sockets, each on a pair of interfaces of its own, by turns.
//
//   process, namespace A ── 30 bytes ──► veth ──► process, namespace B ── 30 bytes ──► back        p50
//
// Both ends spin on a core of their own. On veth the kernel copies each frame and is called for each one sent: this compares ways
// through one machine, and says nothing of a card.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NativeLibraryError } from '../src/os/native_library.ts';
import { NODE_FLAGS } from '../src/os/settled_heap.ts';
import { loadLibXdp } from '../src/os/xdp_socket.ts';
import { Namespaces, namespacesUnavailable } from '../test/bypass/namespaces.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';
import { PAYLOAD_BYTES, type PeerAnswer, type PeerTask, type Way } from './kernel_bypass_peer.ts';
import { compilerVersion } from './reference/c_book.ts';

const TRIPS = 5_000;
const TRIPS_SMALL = 20;
const PROGRAM = fileURLToPath(new URL('kernel_bypass_peer.ts', import.meta.url));

/** A process in a namespace that does one thing at a time. */
class Peer {
  readonly #child: ChildProcess;
  readonly #died: Promise<never>;

  constructor(spaces: Namespaces, namespace: string) {
    const [command, arguments_] = spaces.command(namespace, process.execPath, ...NODE_FLAGS, PROGRAM);
    this.#child = spawn(command, arguments_, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#died = once(this.#child, 'exit').then(([code]) => Promise.reject(new Error(`a peer ended with ${code}`)));
    this.#died.catch(() => {}); // also when nobody waits for an answer
  }

  async ask(task: PeerTask): Promise<number> {
    this.#child.send(task);
    const [answer] = (await Promise.race([once(this.#child, 'message'), this.#died])) as [PeerAnswer];
    if ('failed' in answer) throw new Error(`kernel-bypass: ${answer.failed}`);
    return answer.done;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}

class Rig {
  readonly #spaces = new Namespaces();
  readonly #near = new Peer(this.#spaces, this.#spaces.a);
  readonly #far = new Peer(this.#spaces, this.#spaces.b);
  readonly #hosts = new Map<string, string>();

  /** One more pair of interfaces with this at both ends. */
  async join(name: string, subnet: number, wayOf: (link: string, host: string) => Way, kernel: boolean): Promise<void> {
    const links = this.#spaces.join();
    const [nearHost, farHost] = [`10.79.${subnet}.1`, `10.79.${subnet}.2`];
    if (kernel) {
      this.#spaces.kernelAt(this.#spaces.a, links.a, `${nearHost}/24`);
      this.#spaces.kernelAt(this.#spaces.b, links.b, `${farHost}/24`);
    }
    await this.#near.ask({ open: wayOf(links.a, nearHost), name, link: links.a, core: 1 });
    await this.#far.ask({ open: wayOf(links.b, farHost), name, link: links.b, core: 0 });
    this.#hosts.set(name, farHost);
  }

  /** The median of a run, in nanoseconds. */
  async roundTrips(name: string, trips: number): Promise<number> {
    const [ns] = await Promise.all([
      this.#near.ask({ ping: name, trips, host: this.#hosts.get(name)! }), this.#far.ask({ echo: name, trips }),
    ]);
    return ns;
  }

  async close(): Promise<void> {
    await Promise.all([this.#near.close(), this.#far.close()]);
    this.#spaces.remove();
  }
}

async function run(context: BenchContext): Promise<Row[]> {
  const missing = namespacesUnavailable() || libraryMissing();
  if (missing !== false) {
    context.progress(`kernel-bypass: left out, ${missing}`);
    return [];
  }
  const trips = sizeOf(context, TRIPS, TRIPS_SMALL);
  const inC = compilerVersion() !== null && existsSync('/usr/include/xdp/xsk.h');
  const rig = new Rig();
  try {
    await rig.join('xdp', 1, (link, host) => ({ network: `xdp:${link},ip=${host}/24`, host }), false);
    await rig.join('kernel', 2, (_link, host) => ({ network: 'epoll', host }), true);
    if (inC) await rig.join('c', 3, () => 'c', false);
    const rows: Row[] = [];
    for (const [against, words] of [['kernel', 'the kernel\'s sockets'], ['c', 'AF_XDP in C']] as const) {
      if (against === 'c' && !inC) continue;
      context.progress(`kernel-bypass: round trips over veth, AF_XDP beside ${words}`);
      const { a, b, ratio, pairs } = await runPaired(
        () => rig.roundTrips('xdp', trips), () => rig.roundTrips(against, trips), { pairs: context.pairs, warmups: 2 },
      );
      rows.push({
        name: `UDP round trip over veth, AF_XDP${against === 'c' ? ', beside C' : ''}`, unit: 'ns/op', figure: a.median,
        statistic: `p50, median of ${pairs} runs`, spread: a, boundary: 'process → process, UDP', threads: '2', durability: 'none',
        small: context.small, ratio: { ...ratio, against: words, pairs, otherMedian: b.median },
        checks: [`${formatCount(trips)} datagrams of ${PAYLOAD_BYTES} bytes a run, each back once, in order; copy mode`],
      });
    }
    return rows;
  } finally {
    await rig.close();
  }
}

function libraryMissing(): string | false {
  try {
    loadLibXdp();
    return false;
  } catch (error) {
    if (!(error instanceof NativeLibraryError)) throw error;
    return error.message;
  }
}

export const kernelBypass: Benchmark = {
  name: 'kernel-bypass', about: 'UDP round trips over veth: AF_XDP, the kernel\'s sockets, AF_XDP in C', byDefault: false, run,
};
