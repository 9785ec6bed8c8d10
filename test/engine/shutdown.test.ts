// The end: nothing new, everything handed in takes effect, orders and positions by policy, the journal, the
// last events, and then nothing that keeps the process.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Reason } from '../../src/book/types.ts';
import { MemoryJournal } from '../../src/engine/input_journal.ts';
import { TradingEngine } from '../../src/engine/trading_engine.ts';
import { EngineRig } from './engine_rig.ts';

const BUY = { symbol: 'X', side: 'buy', price: 10, quantity: 1 } as const;

function quote(rig: EngineRig, bidQuantity = 100, askQuantity = 100): void {
  rig.engine.submitMarketData({ type: 'quote', symbol: 'X', bid: 10, bidQuantity, ask: 11, askQuantity });
  rig.turn();
}

describe('stop', () => {
  test('what was handed in takes effect, what comes later is refused, every answer comes', async () => {
    const journal = new MemoryJournal();
    const rig = await EngineRig.start({ journal });
    const orders = Array.from({ length: 400 }, () => rig.engine.placeOrder(BUY));
    const report = rig.engine.stop();
    assert.equal((await rig.engine.placeOrder(BUY)).reason, Reason.State);
    const late = rig.engine.cancelOrder(1);
    assert.deepEqual(await report, { policy: 'cancel', complete: true, drained: 401, lost: 0, openOrders: 0, positions: {} });
    // The cancel was handed in during the drain: it overtook its order or found it.
    assert.ok((await late).ok || (await late).reason === Reason.UnknownOrder);
    const results = await Promise.all(orders);
    assert.ok(results.every(({ ok }) => ok));
    const lines = rig.take();
    assert.equal(lines.filter((line) => line.startsWith('canceled')).length, 400);
    assert.equal(lines.at(-1), 'state stopped');
    assert.equal(journal.synced, journal.inputs.length, 'the last inputs are safe');
    rig.engine.checkInvariants();
  });

  test('keep leaves orders where they are', async () => {
    const rig = await EngineRig.start({ shutdown: { policy: 'keep' } });
    await rig.answer(rig.engine.placeOrder(BUY));
    assert.deepEqual(await rig.engine.stop(), {
      policy: 'keep', complete: true, drained: 0, lost: 0, openOrders: 1, positions: {},
    });
    assert.equal(rig.engine.orders().length, 1);
  });

  test('flatten trades every position away, in as many orders as it takes', async () => {
    const rig = await EngineRig.start({ maxOrderQuantity: 7 });
    quote(rig);
    for (let i = 0; i < 3; i++) await rig.answer(rig.engine.placeOrder({ ...BUY, price: 11, quantity: 7 }));
    await rig.answer(rig.engine.placeOrder({ ...BUY, price: 9 }));
    rig.take();
    const report = await rig.engine.stop({ policy: 'flatten' });
    assert.deepEqual([report.complete, report.positions, report.openOrders], [true, {}, 0]);
    assert.deepEqual(rig.take().filter((line) => /^fill|^canceled/.test(line)).map((line) => line.replace(/#\d+ /, '')), [
      'canceled X buy 1 executed 0', ...Array<string>(3).fill('fill X sell 7 @ 10.00 leaves 0 executed 7'),
    ]);
  });

  test('what cannot be traded away is told, and not waited for where nobody can come', async () => {
    const rig = await EngineRig.start();
    quote(rig, 4);
    await rig.answer(rig.engine.placeOrder({ ...BUY, price: 11, quantity: 10 }));
    const report = await rig.engine.stop({ policy: 'flatten' });
    assert.deepEqual([report.complete, report.positions], [false, { X: 6 }]);
  });

  test('at the deadline it ends with what is left, and says so', async () => {
    const rig = await EngineRig.start();
    const waiting = Array.from({ length: 1_000 }, () => rig.engine.placeOrder(BUY));
    const report = await rig.engine.stop({ deadlineMs: 0 });
    assert.equal(report.complete, false);
    assert.ok(report.lost > 0, `${report.lost} lost`);
    const answers = await Promise.allSettled(waiting);
    assert.ok(answers.some(({ status }) => status === 'rejected'));
    assert.equal(rig.engine.state, 'stopped');
  });

  test('a bad policy throws before anything has happened', async () => {
    const rig = await EngineRig.start();
    await assert.rejects(async () => rig.engine.stop({ policy: 'run away' as never }), /shutdown.policy: expected cancel, keep, flatten/);
    assert.equal(rig.engine.state, 'running');
    await rig.stop();
  });
});

describe('under load, on the event loop', () => {
  test('ends while orders keep coming, with an answer for each of them', async () => {
    const engine = new TradingEngine({ maxOrdersPerSecond: 1_000_000, ordersMax: 4_096 });
    await engine.start();
    let answered = 0;
    let placed = 0;
    let ended = false;
    const flood = (): void => {
      for (let i = 0; i < 50; i++) {
        placed += 1;
        void engine.placeOrder({ ...BUY, price: 10 + (placed % 20), tif: placed % 3 ? 'gtc' : 'ioc' }).then(() => (answered += 1));
        if (placed % 4 === 0) engine.tryCancelOrder(Math.max(1, placed - 60));
      }
      if (!ended) setImmediate(flood);
    };
    flood();
    while (placed < 1_000) await new Promise((resolve) => setImmediate(resolve));
    const report = await engine.stop({ deadlineMs: 60_000 });
    ended = true;
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual([report.complete, report.openOrders, report.lost], [true, 0, 0]);
    assert.equal(answered, placed);
    engine.checkInvariants();
  });
});

describe('the process', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url));

  function runProgram(body: string): { status: number | null; stdout: string; stderr: string; ms: number } {
    const folder = mkdtempSync(join(tmpdir(), 'outcry-engine-'));
    const file = join(folder, 'program.ts');
    const front = new URL('../../src/index.ts', import.meta.url).href;
    writeFileSync(file, `import { TradingEngine } from '${front}';\n${body}`);
    const started = Date.now();
    try {
      const { status, stdout, stderr } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', file], {
        encoding: 'utf8', cwd: root, timeout: 60_000,
      });
      return { status, stdout, stderr, ms: Date.now() - started };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  test('ends by itself after stop', () => {
    const { status, stdout, stderr } = runProgram(`
      const engine = new TradingEngine();
      await engine.start();
      const { status } = await engine.placeOrder({ symbol: 'BTC-USDT', side: 'buy', price: '50000.0', quantity: 100 });
      await engine.stop();
      console.log(status, process.getActiveResourcesInfo().filter((name) => name !== 'TTYWrap' && name !== 'PipeWrap').join());
    `);
    assert.deepEqual([status, stdout.trim(), stderr], [0, 'accepted', '']);
  });

  test('an idle engine with its own books keeps no process alive, but answers first', () => {
    const { status, stdout, stderr } = runProgram(`
      const engine = new TradingEngine();
      await engine.start();
      await new Promise((resolve) => setTimeout(resolve, 100)); // the loop has fallen asleep
      const order = await engine.placeOrder({ symbol: 'BTC-USDT', side: 'buy', price: '50000.0', quantity: 100 });
      engine.on('canceled', () => console.log('canceled'));
      engine.tryCancelOrder(order.orderId);
      console.log(order.status);
    `);
    assert.deepEqual([status, stdout.trim(), stderr], [0, 'accepted\ncanceled', '']);
  });

  test('with holdsProcess it does', () => {
    const { status, stdout } = runProgram(`
      const engine = new TradingEngine({ holdsProcess: true });
      await engine.start();
      setTimeout(() => { console.log('still here'); process.exit(7); }, 200).unref();
    `);
    assert.deepEqual([status, stdout.trim()], [7, 'still here']);
  });
});
