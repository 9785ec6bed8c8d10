// Giving up what is damaged: the journal ends before it, and everything is kept.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { giveUpFrom } from './give_up.ts';
import { DiedError, MemoryDisk } from './memory_storage.ts';
import { JournalType } from './record_types.ts';
import { examine } from './recovery.ts';
import { SEGMENT_HEADER_BYTES, segmentName } from './segment.ts';
import { listSnapshots, writeSnapshot } from './snapshot.ts';
import { JournalWriter } from './writer.ts';

const OPTIONS = { segmentBytes: 4096, payloadBytesMax: 1000 };

/** Five segments of four records each, snapshots of 3, 9 and 15. */
function journal(): MemoryDisk {
  const disk = new MemoryDisk(1);
  const storage = disk.mount();
  const writer = JournalWriter.open(storage, OPTIONS);
  for (let n = 1; n <= 19; n++) {
    writer.append(JournalType.Commands, new Uint8Array(900).fill(n), 0, 900, n);
    writer.sync();
    if (n % 6 !== 3) continue;
    const info = { timeNs: 0, stateHash: 0n, configurationHash: 0n, clusterId: 0n };
    writeSnapshot(storage, { ...info, sequence: n }, new Uint8Array(5));
  }
  writer.close(20);
  storage.close();
  return disk;
}

const recordAt = (index: number): number => SEGMENT_HEADER_BYTES + index * 944;

test('damage inside a segment: its rest, later segments and snapshots go aside', () => {
  const disk = journal();
  const before = disk.contents();
  disk.flipBit(segmentName(3), (recordAt(2) + 50) * 8);
  const { damage } = examine(disk.mount());
  assert.equal(damage?.sequence, 11);
  const storage = disk.mount();
  const { keptAs, recovered } = giveUpFrom(storage, 11);
  assert.equal(recovered.lastSequence, 10);
  assert.deepEqual(keptAs, [
    'given-up-snapshot-0000000000000015.snapshot',
    'given-up-segment-0000000005.journal',
    'given-up-segment-0000000004.journal',
    `torn-0000000003-at-${recordAt(2)}-1.bytes`,
  ]);
  const after = disk.contents();
  assert.deepEqual(after.get(keptAs[1]), before.get(segmentName(5)));
  assert.equal(after.get(keptAs[3])?.length, 4096 - recordAt(2));
  assert.deepEqual(listSnapshots(storage), [9, 3]);
  disk.losePower(() => 0);
  const { verdict, lastSequence } = examine(disk.mount(), { ackedSequence: 9 });
  assert.deepEqual([verdict, lastSequence], ['whole', 10], 'and it stays so');
  const writer = JournalWriter.open(disk.mount(), OPTIONS);
  assert.equal(writer.append(JournalType.Clock, new Uint8Array(0), 0, 0, 30), 11);
  writer.close(31);
});

test('a damaged header, or a missing segment: what stands before it stays', () => {
  for (const harm of ['header', 'missing'] as const) {
    const disk = journal();
    if (harm === 'header') disk.flipBit(segmentName(3), 100);
    else disk.mount().remove(segmentName(3));
    const { damage } = examine(disk.mount());
    assert.ok(damage !== null);
    const { recovered, keptAs } = giveUpFrom(disk.mount(), damage.sequence);
    assert.equal(recovered.lastSequence, 8, harm);
    assert.equal(keptAs.filter((name) => name.includes('segment')).length, harm === 'header' ? 3 : 2);
    assert.deepEqual(listSnapshots(disk.mount()), [3], 'those that it still leads to');
    assert.equal(examine(disk.mount()).verdict, 'whole');
  }
});

test('only what was looked at is given up, and only when something is damaged', () => {
  const disk = journal();
  assert.throws(() => giveUpFrom(disk.mount(), 5), /is not damaged: there is nothing to give up/);
  disk.flipBit(segmentName(3), (recordAt(2) + 50) * 8);
  const before = disk.contents();
  assert.throws(() => giveUpFrom(disk.mount(), 12), /expected sequence 11, where the damage is, was 12/);
  assert.deepEqual(disk.contents(), before);
});

test('a crash amid it: the same damage, and it can be done again', () => {
  for (let dies = 1; dies < 60; dies++) {
    const disk = journal();
    disk.flipBit(segmentName(2), (recordAt(1) + 50) * 8);
    disk.faults.diesAt = disk.operations + dies;
    try {
      giveUpFrom(disk.mount(), 6);
    } catch (error) {
      assert.ok(error instanceof DiedError, String(error));
    }
    disk.losePower();
    disk.faults.diesAt = 0;
    if (examine(disk.mount()).damage !== null) giveUpFrom(disk.mount(), 6);
    const { verdict, lastSequence } = examine(disk.mount());
    assert.ok(verdict === 'whole' || verdict === 'torn', `${dies}: ${verdict}`);
    assert.equal(lastSequence, 5, `died at ${dies}`);
  }
});
