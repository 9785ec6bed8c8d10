// Two strategies and order flow against an exchange, each in a process of its own, over loopback: for
// as long as OUTCRY_TRADE_SOAK_SECONDS says. The market maker is killed (-9) now and then, and its
// next process goes on from its journal.
//
// At the end: every request was answered, no datagram is missing, no order is stuck, the traders' own
// positions and cash are the exchange's, both sum to zero, no order id came twice, and no process
// grew.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AgentRunner } from '../../src/base/agent.ts';
import { MonotonicClock } from '../../src/base/clock.ts';
import { ExchangeProcess } from '../../src/apps/demo_process.ts';
import { FlowDriver } from '../../src/apps/flow_driver.ts';
import { freePorts } from '../../src/apps/free_ports.ts';
import { chooseNetwork } from '../../src/net/choose_network.ts';
import { Reason } from '../../src/book/types.ts';
import { WanderingFlow } from './trade_rig.ts';

const SECONDS = Number(process.env['OUTCRY_TRADE_SOAK_SECONDS'] ?? 10);
const LIFE_MS = Math.max(3_000, (SECONDS * 1_000) / 5);
const COMMAND = fileURLToPath(new URL('../../bin/outcry.mjs', import.meta.url));
const HOST = '127.0.0.1';
const FLOW = 1;
const MAKER = 2;
const TAKER = 3;
/** Between two requests of the flow: 2,000 a second. */
const GAP_NS = 500_000;
/**
 * What the exchange keeps for those who resume and who ask again is full after a minute with these; with the defaults, which
 * last for hundreds of thousands of messages, it fills for ten minutes at this rate, which hides a leak of 10 MB.
 */
const KEPT = { retransmitMessages: 1 << 15, outboundLogBytes: 512 * 1024 };
/** Growth from the second fifth of a long run to its end. */
const GROWTH_MAX = 1.1;
const LONG_S = 120;
/** From its journal to its first order, on a busy machine. */
const STARTED_MS = 3_000;
const folder = mkdtempSync(join(tmpdir(), 'outcry-soak-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The last line of `outcry trade --json`. */
interface TradeResult {
  readonly ok: boolean;
  readonly clean: boolean;
  readonly failure: string;
  readonly positions: Record<string, number>;
  readonly books: readonly { readonly position: number; readonly cash: number }[];
  readonly sequence: number;
  readonly fills: number;
  readonly gaps: number;
  readonly ordersOpen: number;
  readonly rejected: number;
}

class TradeProcess {
  readonly process: ChildProcess;
  #out = '';
  #errors = '';

  constructor(args: readonly string[]) {
    this.process = spawn(process.execPath, [COMMAND, 'trade', '--json', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.process.stdout?.on('data', (data: Buffer) => (this.#out += data.toString()));
    this.process.stderr?.on('data', (data: Buffer) => (this.#errors += data.toString()));
  }

  /** It has read its journal, and connects now. */
  async started(): Promise<void> {
    while (this.#errors === '' && this.process.exitCode === null) await sleep(20);
  }

  async kill(): Promise<void> {
    const children = childrenOf(this.process.pid!);
    this.process.kill('SIGKILL');
    for (const pid of children) process.kill(pid, 'SIGKILL');
    await this.#ended();
  }

  async finish(): Promise<TradeResult> {
    this.process.kill('SIGINT');
    await this.#ended();
    const line = this.#out.trim().split('\n').at(-1) ?? '';
    assert.match(line, /^\{/, `${this.#out}\n${this.#errors}`);
    return JSON.parse(line) as TradeResult;
  }

  async #ended(): Promise<void> {
    const child = this.process;
    if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.once('exit', done));
  }
}

/** The launcher runs Node 26 as a child. */
function childrenOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(path)) return [];
  const children = readFileSync(path, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  return children.concat(...children.map(childrenOf));
}

/** Bytes, of a process and those it has started. */
function residentBytes(pid: number): number {
  const own = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return Number(own) * 1_024 + childrenOf(pid).reduce((sum, child) => sum + residentBytes(child), 0);
}

const skip = process.platform === 'linux' ? false : 'looks at processes under /proc';

test(`two traders and the flow for ${SECONDS} s; the maker killed and restarted`, { skip, timeout: (SECONDS + 60) * 1_000 }, async (t) => {
  const multicastPort = await freePorts();
  const exchange = await ExchangeProcess.start({
    port: 0, multicastPort, ticker: 1, symbol: 'T1', decimals: 2, tickSize: 1, wait: 'backoff', kept: KEPT,
  });
  const { network } = chooseNetwork();
  const clock = new MonotonicClock();
  const flow = new FlowDriver({
    clock, entry: { client: FLOW }, ticker: 1, speed: 1,
    pass: (pass, first) => (pass > 0 ? null : new WanderingFlow(1, first, GAP_NS)),
  });
  const loop = new AgentRunner({
    clock, agents: [{ name: 'network', poll: () => network.poll() }, flow], wait: 'backoff',
    needsEventLoop: network.needsEventLoop, wakeSource: network,
  });
  const common = ['--port', String(exchange.port), '--multicast-port', String(multicastPort)];
  const startMaker = (): TradeProcess => new TradeProcess([
    ...common, '-c', String(MAKER), '-s', 'market-maker', '--half-spread', '5', '--set', 'min_spread=4',
    '--set', 'base_qty=20', '--set', 'price_update_threshold=1', '--max-loss', '1000000000', '--journal', join(folder, 'maker'),
  ]);
  const taker = new TradeProcess([
    ...common, '-c', String(TAKER), '-s', 'liquidity-taker', '--signal-threshold', '0.15', '--set', 'base_qty=10',
    '--max-loss', '1000000000', '--journal', join(folder, 'taker'),
  ]);
  let maker = startMaker();
  let kills = 0;
  const early = new Map<string, number>();
  try {
    flow.connect(await network.connect({ host: HOST, port: exchange.port }));
    const running = loop.run();
    const endMs = performance.now() + SECONDS * 1_000;
    while (performance.now() + LIFE_MS / 2 < endMs) {
      await sleep(Math.min(LIFE_MS, endMs - performance.now()));
      if (kills === 1) early.set('taker', residentBytes(taker.process.pid!)).set('exchange', (await exchange.proof()).residentBytes);
      await maker.kill();
      kills++;
      maker = startMaker();
    }
    await maker.started();
    await sleep(Math.max(STARTED_MS, endMs - performance.now()));
    const late = new Map([['taker', residentBytes(taker.process.pid!)], ['exchange', (await exchange.proof()).residentBytes]]);
    flow.stop();
    while (!flow.idle && flow.closedReason === '') await sleep(5);
    assert.equal(flow.closedReason, '');
    const results = await Promise.all([maker.finish(), taker.finish()]);
    flow.entry.massCancel(1, 0);
    flow.entry.flush();
    const { states, sums } = await exchange.accounts(results.map(({ sequence }, i) => ({ client: [MAKER, TAKER][i], sequence })));
    for (const [i, result] of results.entries()) {
      assert.equal(result.failure, '');
      assert.ok(result.clean && result.ok, 'it ended in order');
      assert.equal(result.gaps, 0, 'no datagram is missing');
      assert.equal(result.ordersOpen, 0, 'no order is stuck');
      assert.equal(result.books[0].position, states[i]?.position, 'its position is the exchange’s');
    }
    assert.deepEqual([sums.position, sums.cash], [0, 0], 'over all clients');
    assert.equal(flow.rejectsByCode[Reason.DuplicateId], 0);
    const settleMs = performance.now() + 5_000;
    while ((await exchange.proof()).restingOrders > 0 && performance.now() < settleMs) await sleep(20);
    assert.equal((await exchange.proof()).restingOrders, 0, 'nothing of anybody is left');
    const grown = [...late].map(([name, bytes]) => `${name} ${((bytes / (early.get(name) ?? bytes) - 1) * 100).toFixed(1)} %`);
    if (SECONDS >= LONG_S) {
      for (const [name, bytes] of late) assert.ok(bytes < early.get(name)! * GROWTH_MAX, `${name} grew: ${grown.join(', ')}`);
    }
    t.diagnostic(`${SECONDS} s, ${kills} kills: ${flow.requests} flow requests, ${sums.trades} trades, maker's position ` +
      `${results[0].books[0].position}, fills of its last life ${results[0].fills}, taker ${results[1].books[0].position}, grown: ${grown.join(', ')}`);
    flow.entry.close();
    loop.stop();
    await running;
  } finally {
    loop.stop();
    for (const trader of [maker, taker]) if (trader.process.exitCode === null && trader.process.signalCode === null) await trader.kill();
    network.close();
    await exchange.stop();
  }
});
