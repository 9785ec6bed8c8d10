// Market by order as requests: fills trade, what the recording says of them afterwards is done already; a real day ends with
// the recorded book.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { throughEngine } from './day_flow.ts';
import { DbnFlow } from './dbn_flow.ts';
import { DbnFlag } from './dbn.ts';
import { RequestKind } from './order_flow.ts';

const ES = join(import.meta.dirname, '../../../shared/data/databento/es_mbo_20240508.dbn.zst');
const folder = mkdtempSync(join(tmpdir(), 'outcry-dbn-'));
after(() => rmSync(folder, { recursive: true }));

const MBO_BYTES = 56;
const NANO = 1_000_000_000n;

interface Mbo {
  readonly action: string;
  readonly side: string;
  readonly id?: bigint;
  readonly price?: bigint;
  readonly size?: number;
  readonly instrument?: number;
}

/** A recording of version 2 with these records. */
function recording(name: string, records: readonly Mbo[]): string {
  const metadata = Buffer.alloc(8 + 100 + 20); // no symbols, no mappings
  metadata.write('DBN\u0002', 0, 'latin1');
  metadata.writeUInt32LE(metadata.length - 8, 4);
  metadata.writeUInt16LE(71, 8 + 45); // characters of a symbol
  const bytes = records.map(({ action, side, id = 0n, price = 0n, size = 0, instrument = 7 }, at) => {
    const record = Buffer.alloc(MBO_BYTES);
    record[0] = MBO_BYTES / 4;
    record[1] = 0xa0;
    record.writeUInt32LE(instrument, 4);
    record.writeBigUInt64LE(BigInt(at) * 1_000n, 8);
    record.writeBigUInt64LE(id, 16);
    record.writeBigInt64LE(price, 24);
    record.writeUInt32LE(size, 32);
    record[36] = DbnFlag.Last;
    record.write(action, 38, 'latin1');
    record.write(side, 39, 'latin1');
    return record;
  });
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat([metadata, ...bytes]));
  return path;
}

async function requestsOf(path: string): Promise<{ flow: DbnFlow; requests: (readonly number[])[] }> {
  const flow = await DbnFlow.read({ path });
  const requests: (readonly number[])[] = [];
  while (flow.next()) {
    const { kind, orderId, side, price, qty } = flow.request;
    requests.push([kind, orderId, side, price, qty]);
  }
  return { flow, requests };
}

const P = 5_200n * NANO;
const QUARTER = NANO / 4n;
const TWO_FILLS: readonly Mbo[] = [
  { action: 'A', side: 'B', id: 1n, price: P, size: 10 }, { action: 'A', side: 'B', id: 2n, price: P, size: 5 },
  { action: 'A', side: 'A', id: 3n, price: P + QUARTER, size: 7 }, { action: 'A', side: 'A', id: 4n, price: P, size: 1, instrument: 8 },
  // A sale of 12: all of the first, two of the second, told before either has left.
  { action: 'T', side: 'A', price: P, size: 12 }, { action: 'F', side: 'B', id: 1n, price: P, size: 10 },
  { action: 'F', side: 'B', id: 2n, price: P, size: 2 }, { action: 'C', side: 'B', id: 1n, price: P, size: 10 },
  { action: 'M', side: 'B', id: 2n, price: P, size: 3 },
];

test('fills trade at once, and the cancels and modifies behind them find it done', async () => {
  const { flow, requests } = await requestsOf(recording('fills.dbn', TWO_FILLS));
  assert.deepEqual(requests, [
    [RequestKind.New, 1, 1, 520_000, 10], [RequestKind.New, 2, 1, 520_000, 5], [RequestKind.New, 3, -1, 520_025, 7],
    [RequestKind.Immediate, 4, -1, 520_000, 10], [RequestKind.Immediate, 5, -1, 520_000, 2],
  ]);
  assert.deepEqual(flow.counts, { messages: 8, others: 1, executions: 2, outOfTurn: 0, crossing: 0, misfits: 0 });
  const check = throughEngine(await DbnFlow.read({ path: recording('again.dbn', TWO_FILLS) }));
  assert.deepEqual([check.trades, check.tradedQty, check.rejects, check.levels, check.levelsAgreed], [2, 12, 0, 2, 2]);
});

test('partial cancels, modifies, a fill out of turn, a clear', async () => {
  const { flow, requests } = await requestsOf(recording('others.dbn', [
    ...TWO_FILLS.slice(0, 3),
    { action: 'C', side: 'B', id: 1n, price: P, size: 4 }, // 6 left
    { action: 'M', side: 'A', id: 3n, price: P + 2n * QUARTER, size: 9 },
    { action: 'F', side: 'B', id: 2n, price: P, size: 5 }, // 1 stands before it
    { action: 'C', side: 'B', id: 2n, price: P, size: 5 },
    { action: 'F', side: 'B', id: 1n, price: P, size: 2 }, { action: 'C', side: 'B', id: 1n, price: P, size: 3 }, // one more than was filled
    { action: 'C', side: 'B', id: 9n, price: P, size: 1 },
    { action: 'R', side: 'N' },
  ]));
  assert.deepEqual(requests.slice(3), [
    [RequestKind.Modify, 1, 1, 520_000, 6], [RequestKind.Modify, 3, -1, 520_050, 9], [RequestKind.Cancel, 2, 1, 0, 0],
    [RequestKind.Immediate, 4, -1, 520_000, 2], [RequestKind.Modify, 1, 1, 520_000, 5],
    [RequestKind.Cancel, 1, 1, 0, 0], [RequestKind.Cancel, 3, -1, 0, 0],
  ]);
  assert.deepEqual([flow.counts.outOfTurn, flow.counts.misfits], [1, 1]);
});

test('ES: the recorded book at the end, level by level', { skip: existsSync(ES) ? false : 'the recorded data is not here (../shared/data/databento)' }, async () => {
  const check = throughEngine(await DbnFlow.read({ path: ES }));
  assert.deepEqual([check.levelsAgreed, check.levels, check.rejects, check.flow.counts.misfits, check.flow.counts.messages], [1_547, 1_547, 0, 0, 13_796]);
});

test('an instrument that is not there, prices finer than the exchange has: said', async () => {
  const path = recording('few.dbn', TWO_FILLS);
  await assert.rejects(DbnFlow.read({ path, instrument: 9 }), /expected records of instrument 9, was none/);
  await assert.rejects(DbnFlow.read({ path, priceDecimals: 1 }), /multiple of 0.1, was 5200.25: give the instrument more price decimals/);
  assert.equal((await DbnFlow.read({ path, instrument: 8 })).messagesTotal, 1);
});
