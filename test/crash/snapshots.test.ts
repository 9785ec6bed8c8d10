// What snapshots are good for: a restart without the journal's beginning, under other limits too, and none where one is
// damaged. Crashes: crash.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXCHANGE_DEFAULT, type ExchangeConfig } from '../../src/exchange/config.ts';
import { MemoryDisk } from '../../src/journal/memory_storage.ts';
import { decodeJson } from '../../src/journal/payloads.ts';
import { JournalReader } from '../../src/journal/reader.ts';
import { JournalType } from '../../src/journal/record_types.ts';
import { listSnapshots, snapshotName } from '../../src/journal/snapshot.ts';
import { buy } from '../exchange/exchange_rig.ts';
import { CrashRig, letIn, started, withSnapshots } from './crash_rig.ts';

/** An exchange whose newest snapshot is all that there is of its first orders. */
async function withoutBeginning(config: Partial<ExchangeConfig> = {}): Promise<CrashRig> {
  const rig = new CrashRig(new MemoryDisk(1), { segmentBytes: 4 << 10, config });
  await rig.start();
  const client = await letIn(rig, 1);
  for (let round = 0; round < 6; round++) {
    for (let i = 1; i <= 50; i++) client.say(buy(1, round * 50 + i, 100 + i, 1));
    rig.settle([client]);
    await rig.snapshot({ keep: 1, removeSegments: true });
    rig.settle([client]);
  }
  assert.ok(!rig.life.storage.has('segment-0000000001.journal'), 'the beginning has gone');
  return rig;
}

test('a damaged snapshot: the older one and a longer replay, and an alarm', async () => {
  const rig = await withSnapshots();
  const { eventHash } = rig.exchange;
  rig.crash(false);
  const [newest, older] = listSnapshots(rig.disk.copy(1).mount());
  rig.disk.flipBit(snapshotName(newest), 8 * 5_000);
  await rig.start();
  const { recovered } = rig.exchange;
  assert.equal(recovered?.snapshotSequence, older);
  assert.match(recovered?.alarms[0] ?? '', /is not used: expected the content's checksum/);
  assert.equal(rig.exchange.eventHash, eventHash);
});

function riskOf(limits: Partial<typeof EXCHANGE_DEFAULT.risk.limits>): Partial<ExchangeConfig> {
  return { risk: { ...EXCHANGE_DEFAULT.risk, limits: { ...EXCHANGE_DEFAULT.risk.limits, ...limits } } };
}

test('limits that need positions nobody kept: a snapshot does not serve, the journal does', async () => {
  const rig = await withSnapshots();
  const { eventHash } = rig.exchange;
  rig.crash(false);
  const again = new CrashRig(rig.disk, { config: riskOf({ position: 1_000 }) });
  await again.start();
  assert.equal(again.exchange.recovered?.snapshotSequence, 0);
  assert.match(again.exchange.recovered?.alarms[0] ?? '', /while no position or number of orders of everybody on book 0 was limited/);
  assert.equal(again.exchange.eventHash, eventHash);
  const account = again.exchange.gateway.accounts.find(1);
  assert.ok(account !== null);
  assert.equal(again.exchange.gate.workingOf(account, 0, 1), 100, 'open quantities are known');
});

// A limit that was changed while running, and a restart with the file as it stood before or stands now,
// made every snapshot useless: a long replay, and with segments removed no start at all.
test('other limits that need no more of the past: the snapshot serves, even where the beginning is gone', async () => {
  const position = riskOf({ position: 1_000 });
  const rig = await withoutBeginning(position);
  const { eventHash } = rig.exchange;
  rig.crash(false);
  for (const limits of [{ position: 400, orderQty: 5 }, { position: 1_000, messagesPerSecond: 10 }, {}]) {
    const again = new CrashRig(rig.disk, { config: riskOf(limits) });
    await again.start();
    const { exchange } = again;
    assert.deepEqual(exchange.recovered?.alarms, []);
    assert.equal(exchange.eventHash, eventHash);
    const account = exchange.gateway.accounts.find(1);
    assert.ok(account !== null);
    assert.equal(exchange.gate.openOrdersOf(account), 300);
    assert.equal(exchange.gate.workingOf(account, 0, 1), 'position' in limits ? 300 : 0, 'kept where it is limited');
    exchange.gate.checkInvariants();
    again.crash(false);
  }
});

test('limits that need a past which has been removed: refused, with what to do', async () => {
  const rig = new CrashRig(new MemoryDisk(1), { segmentBytes: 4 << 10 });
  await rig.start();
  const client = await letIn(rig, 1);
  for (let i = 1; i <= 300; i++) client.say(buy(1, i, 100 + i, 1));
  rig.settle([client]);
  await rig.snapshot({ keep: 1, removeSegments: true });
  rig.crash(false);
  const again = new CrashRig(rig.disk, { config: riskOf({ openOrders: 5 }) });
  await assert.rejects(again.start(), /everybody on book 0 was limited: start without that limit.*records between are gone/);
  // Nothing was changed: without the limit it starts.
  rig.disk.killProcess();
  await rig.start();
});

test('what is changed while running stands in the journal', async () => {
  const rig = await started();
  rig.exchange.reconfigure({ ...rig.config, ...riskOf({ orderQty: 7, messagesPerSecond: 50 }) });
  rig.settle([]);
  const reader = JournalReader.open(rig.life.storage);
  const said: unknown[] = [];
  while (reader.next())
    if (reader.type === JournalType.Config) said.push(decodeJson(reader.bytes.subarray(reader.payloadAt, reader.payloadAt + reader.payloadLength)));
  reader.close();
  const limits: Record<string, number>[] = [];
  for (const one of said as { running?: { limits: Record<string, number> } }[]) if (one.running !== undefined) limits.push(one.running.limits);
  assert.equal(limits.length, 2, 'at the start, and at the change');
  assert.equal(limits[0]['orderQty'], undefined, 'what is not limited is not named');
  assert.deepEqual([limits[1]['orderQty'], limits[1]['messagesPerSecond']], [7, 50]);
  const { eventHash } = rig.exchange;
  rig.crash(false);
  await rig.start();
  assert.equal(rig.exchange.eventHash, eventHash, 'and changes nothing of a replay');
});

test('segments that no snapshot needs can go, and the rest is enough', async () => {
  const rig = await withoutBeginning();
  const { eventHash, sessionName } = rig.exchange;
  rig.crash(false);
  await rig.start();
  assert.equal(rig.exchange.eventHash, eventHash);
  assert.equal(rig.exchange.sessionName, sessionName);
});
