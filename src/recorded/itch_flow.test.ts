// ITCH written here from what an engine did: the flow of it leads another engine to the same book, by the same trades.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { throughEngine } from './day_flow.ts';
import { ItchFlow } from './itch_flow.ts';
import { dayOf, Tape } from './itch_tape.reference.ts';
import { RequestKind } from './order_flow.ts';

const folder = mkdtempSync(join(tmpdir(), 'outcry-itch-'));
after(() => rmSync(folder, { recursive: true }));

for (const [seed, name, pack] of [[1, 'day.itch', (bytes: Buffer) => bytes], [2, 'day.itch.gz', gzipSync], [3, 'day3.itch', (bytes: Buffer) => bytes]] as const) {
  test(`a day of an engine (${name}): the same book at the end, by the same trades`, async () => {
    const { tape, engine, trades } = dayOf(seed);
    const path = tape.file(join(folder, name), pack);
    const flow = await ItchFlow.read({ path, symbol: 'X', firstOrderId: 500 });
    const check = throughEngine(flow);
    assert.equal(check.trades, trades);
    assert.ok(trades > 300, `${trades} trades`);
    assert.deepEqual([flow.counts.misfits, flow.counts.outOfTurn, flow.counts.crossing, check.rejects], [0, 0, 0, 0]);
    assert.ok(check.levels > 10 && check.levelsAgreed === check.levels, `${check.levelsAgreed} of ${check.levels}`);
    const levels = engine.depth(0, 1_000);
    assert.equal(check.levels, levels.bids.length + levels.asks.length);
  });
}

test('replace loses its place, an execution out of turn trades nothing, what fits nothing is counted', async () => {
  const tape = new Tape();
  tape.add(1n, 1, 10, 100);
  tape.add(2n, 1, 20, 100);
  tape.add(3n, -1, 5, 101);
  tape.taken('E', 2n, 4); // the first order is 1
  tape.replaced(1n, 4n, 7, 100);
  tape.taken('E', 2n, 6); // now it is 2
  tape.taken('X', 9n, 1);
  tape.deleted(3n);
  tape.message('H', 3, (bytes) => void bytes.write('X       H', 11, 'latin1'));
  // Messages of 12 bytes at the end, also with the stock's own locate: a reference that was read in them lay behind the file.
  for (const [type, locate] of [['S', 0], ['W', 0], ['W', 3]] as const) tape.message(type, locate, (bytes) => void bytes.write('Q', 11, 'latin1'));
  const flow = await ItchFlow.read({ path: tape.file(join(folder, 'turns.itch')), symbol: 'X' });
  const requests: (readonly number[])[] = [];
  while (flow.next()) {
    const { kind, orderId, side, price, qty } = flow.request;
    requests.push([kind, orderId, side, price, qty]);
  }
  assert.deepEqual(requests, [
    [RequestKind.New, 1, 1, 100, 10], [RequestKind.New, 2, 1, 100, 20], [RequestKind.New, 3, -1, 101, 5],
    [RequestKind.Modify, 2, 1, 100, 16], [RequestKind.Cancel, 1, 1, 0, 0], [RequestKind.New, 4, 1, 100, 7],
    [RequestKind.Immediate, 5, -1, 100, 6], [RequestKind.Cancel, 3, -1, 0, 0],
  ]);
  assert.deepEqual(flow.counts, { messages: 9, executions: 2, outOfTurn: 1, crossing: 0, halts: 1, misfits: 1 });
  assert.equal(flow.lastOrderId, 5);
});

test('a stock that is not there, prices finer than the exchange has: said', async () => {
  const tape = new Tape();
  tape.add(1n, 1, 10, 1);
  const path = tape.file(join(folder, 'one.itch'));
  await assert.rejects(ItchFlow.read({ path, symbol: 'Y' }), /expected messages of Y, was none/);
  await assert.rejects(ItchFlow.read({ path, symbol: 'X', priceDecimals: 1 }), /multiple of 0.1, was 0.01: give the instrument more price decimals/);
  await assert.rejects(ItchFlow.read({ path, symbol: 'X', priceDecimals: 5 }), /price decimals: expected 0 … 4, was 5/);
});
