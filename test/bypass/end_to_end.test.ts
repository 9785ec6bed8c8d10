// An exchange in one network namespace, orders and the feed's books in another, kernel bypass between them, with frames lost
// on both sides: all requests are answered, and at the end the books are equal. Each is a process of its own, so
// that a fault in DPDK ends no test runner. OUTCRY_BYPASS_REQUESTS sets the length.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { NativeLibrary } from '../../src/os/native_library.ts';
import { requireThat } from '../requirements.ts';
import { Namespaces, namespacesUnavailable } from './namespaces.ts';

const REQUESTS = Number(process.env['OUTCRY_BYPASS_REQUESTS'] ?? 4000);
const ENTRY = fileURLToPath(new URL('../../src/apps/outcry.ts', import.meta.url));
const CHILD = fileURLToPath(new URL('flow_and_books.ts', import.meta.url));
const EXCHANGE = '10.77.0.1';
const TRADER = '10.77.0.2';
const PORT = 12_345;
const MULTICAST_PORT = 5000;
/** Frames lost by each side of what it receives. */
const LOSS = 0.03;
const TIMEOUT_MS = 150_000;

interface Network { exchange: string; trader: string; lossy: boolean }

interface TraderResult {
  requests: number;
  unanswered: number;
  closed: string;
  fresh: boolean;
  nextSequence: number;
  changesOfState: number;
  publicHash: string;
  network: {
    port: { framesReceived: number; framesSent: number };
    wire: { badChecksum: number; malformed: number };
    streams: { retriesByTime: number; retriesByAcks: number; outOfOrder: number };
  };
}

class Program {
  readonly child: ChildProcess;
  out = '';
  errors = '';
  readonly ended: Promise<number | null>;

  constructor(command: string, arguments_: string[]) {
    this.child = spawn(command, arguments_, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.out += text));
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    this.ended = new Promise((resolve) => this.child.on('close', (code) => resolve(code)));
  }

  async said(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.out)) {
      const code = await Promise.race([this.ended, new Promise<undefined>((resolve) => setTimeout(resolve, 20, undefined))]);
      if (code !== undefined) assert.fail(`it ended (${String(code)}) before it said ${pattern.source}: ${this.out}${this.errors}`);
    }
  }

  /** The last line of stdout of a process that ended well. */
  async result(): Promise<unknown> {
    const code = await this.ended;
    assert.equal(code, 0, `${this.out}${this.errors}`);
    return JSON.parse(this.out.trimEnd().split('\n').at(-1) ?? '');
  }
}

async function booksEqual(t: TestContext, spaces: Namespaces, { exchange, trader, lossy }: Network): Promise<TraderResult> {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning'];
  const venue = new Program(...spaces.command(
    spaces.a, ...node, ENTRY, 'exchange', '--json', '--network', exchange, '--interface', EXCHANGE, '--port', String(PORT),
    '--multicast-port', String(MULTICAST_PORT), '--tickers', '1', '--insecure', '--no-cancel-on-disconnect',
    '--snapshot-interval', '200ms',
  ));
  t.after(() => venue.child.kill('SIGKILL'));
  await venue.said(/transport/);
  const flow = new Program(...spaces.command(
    spaces.b, ...node, CHILD, trader, TRADER, EXCHANGE, String(PORT), String(MULTICAST_PORT), String(REQUESTS),
  ));
  t.after(() => flow.child.kill('SIGKILL'));
  const result = (await flow.result()) as TraderResult;
  venue.child.kill('SIGINT');
  const { publicHash, ordersLive, counters } = (await venue.result()) as {
    publicHash: string; ordersLive: number; counters: Record<string, number>;
  };
  assert.equal(result.closed, '');
  assert.equal(result.requests, REQUESTS);
  assert.equal(result.unanswered, 0);
  assert.ok(ordersLive > 0, 'the books are not empty');
  assert.equal(counters['requests'], REQUESTS, 'each request came once');
  assert.equal(result.fresh, true);
  assert.equal(result.nextSequence, counters['feed_messages'] + 1, 'the whole feed was taken in');
  assert.equal(result.publicHash, publicHash, 'the trader\'s books are the exchange\'s');
  const { streams, wire } = result.network;
  assert.equal(wire.badChecksum + wire.malformed, 0);
  if (lossy) assert.ok(streams.outOfOrder + streams.retriesByAcks + streams.retriesByTime > 0, 'streams had losses to mend');
  t.diagnostic(JSON.stringify({ changesOfState: result.changesOfState, ...result.network.port, ...streams }));
  return result;
}

/** Namespaces with one pair of interfaces, or the test skips. */
function pair(t: TestContext): { spaces: Namespaces; a: string; b: string } | null {
  const reason = namespacesUnavailable();
  if (reason !== false) {
    t.skip(reason);
    return null;
  }
  const spaces = new Namespaces();
  t.after(() => spaces.remove());
  return { spaces, ...spaces.join() };
}

function library(t: TestContext, name: string, source: string): boolean {
  let loaded: NativeLibrary | null = null;
  try {
    loaded = new NativeLibrary(name, source);
  } catch {
    // The reason is below.
  }
  return requireThat(t, loaded, `${source} is not installed`) !== null;
}

const loss = (seed: number): string => `loss=${LOSS},seed=${seed}`;

test('AF_XDP: feed and orders between two namespaces, frames lost: books equal', { timeout: TIMEOUT_MS }, async (t) => {
  const links = pair(t);
  if (links === null || !library(t, 'libxdp.so.1', 'libxdp1')) return;
  await booksEqual(t, links.spaces, {
    exchange: `xdp:${links.a},ip=${EXCHANGE}/24,${loss(1)}`, trader: `xdp:${links.b},ip=${TRADER}/24,${loss(2)}`, lossy: true,
  });
});

test('DPDK on AF_PACKET: feed and orders between two namespaces, frames lost: books equal', { timeout: TIMEOUT_MS }, async (t) => {
  const links = pair(t);
  if (links === null || !library(t, 'librte_ethdev.so.23', 'dpdk')) return;
  const dpdk = (link: string, host: string, seed: number): string =>
    `dpdk:net_af_packet0,iface=${link},ip=${host}/24,huge=off,memory=64,${loss(seed)}`;
  await booksEqual(t, links.spaces, {
    exchange: dpdk(links.a, EXCHANGE, 1), trader: dpdk(links.b, TRADER, 2), lossy: true,
  });
});

test('AF_XDP at one end, DPDK at the other: the frames are the same', { timeout: TIMEOUT_MS }, async (t) => {
  const links = pair(t);
  if (links === null || !library(t, 'libxdp.so.1', 'libxdp1') || !library(t, 'librte_ethdev.so.23', 'dpdk')) return;
  await booksEqual(t, links.spaces, {
    exchange: `xdp:${links.a},ip=${EXCHANGE}/24`,
    trader: `dpdk:net_af_packet0,iface=${links.b},ip=${TRADER}/24,huge=off,memory=64`, lossy: false,
  });
});
