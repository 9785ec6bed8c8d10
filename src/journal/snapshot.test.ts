// Snapshots and the replay from them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { DiedError, MemoryDisk } from './memory_storage.ts';
import { encodeSnapshotMark, encodeStateHash } from './payloads.ts';
import { JournalDamagedError, type JournalReader } from './reader.ts';
import { RecordFlag } from './record.ts';
import { JournalType } from './record_types.ts';
import { recover } from './recovery.ts';
import { JournalDivergedError, replay, type ReplayTarget } from './replay.ts';
import { segmentName } from './segment.ts';
import {
  listSnapshots,
  newestSnapshot,
  pruneSegments,
  pruneSnapshots,
  readSnapshot,
  SNAPSHOT_HEADER_BYTES,
  type SnapshotInfo,
  snapshotName,
  writeSnapshot,
} from './snapshot.ts';
import type { Storage } from './storage.ts';
import { JournalWriter } from './writer.ts';

const OPTIONS = { segmentBytes: 4096, payloadBytesMax: 1000 };

const info = (sequence: number, stateHash = 5n): SnapshotInfo => ({
  sequence,
  timeNs: sequence * 1000,
  stateHash,
  configurationHash: 2n ** 60n,
  clusterId: 7n,
});

test('a snapshot, byte by byte', () => {
  const disk = new MemoryDisk(1);
  const name = writeSnapshot(disk.mount(), info(258, 0x1122n), new TextEncoder().encode('content'));
  assert.equal(name, 'snapshot-0000000000000258.snapshot');
  const golden =
    '4f5554435259534e' + // magic
    '01000000' + // version
    '3375af61' + // content crc
    '0201000000000000' + // sequence
    'd0ef030000000000' + // time ns
    '2211000000000000' + // state hash
    '0700000000000000' + // content bytes
    '0000000000000010' + // configuration
    '0700000000000000' + // cluster id
    '00000000' + // pad
    '52711b1a' + // header crc
    '636f6e74656e74';
  assert.equal(Buffer.from(disk.contents().get(name)!).toString('hex'), golden);
});

test('snapshots come back whole, newest first; any bit of one that changes is seen', () => {
  const disk = new MemoryDisk(1);
  const storage = disk.mount();
  const content = Uint8Array.from({ length: 77 }, (_, i) => i);
  for (const sequence of [5, 1000, 30]) writeSnapshot(storage, info(sequence), content);
  assert.deepEqual(listSnapshots(storage), [1000, 30, 5]);
  assert.deepEqual(readSnapshot(storage, 30), { ...info(30), content });
  const name = snapshotName(1000);
  for (let bit = 0; bit < (SNAPSHOT_HEADER_BYTES + 77) * 8; bit++) {
    disk.flipBit(name, bit);
    assert.match(readSnapshot(storage, 1000) as string, /^expected /, `bit ${bit}`);
    disk.flipBit(name, bit);
  }
  disk.flipBit(name, 600);
  const { snapshot, damaged } = newestSnapshot(storage);
  assert.equal(snapshot?.sequence, 30);
  assert.deepEqual(damaged.map(({ sequence }) => sequence), [1000]);
  assert.match(damaged[0].fault, /expected the content's checksum \w{8}, was \w{8}/);
  assert.equal(newestSnapshot(new MemoryDisk(2).mount()).snapshot, null);
});

test('an empty content, a file that is too short, one under another name', () => {
  const disk = new MemoryDisk(1);
  const storage = disk.mount();
  writeSnapshot(storage, info(3), new Uint8Array(0));
  assert.deepEqual(readSnapshot(storage, 3), { ...info(3), content: new Uint8Array(0) });
  storage.rename(snapshotName(3), snapshotName(4));
  assert.equal(readSnapshot(storage, 4), 'expected sequence 4, was 3');
  storage.create(snapshotName(6), 71).close();
  assert.equal(readSnapshot(storage, 6), 'expected 72 bytes at least, was 71');
  const long = storage.open(snapshotName(4));
  long.writeAt(new Uint8Array(9), 0, 9, 72);
  storage.rename(snapshotName(4), snapshotName(3));
  assert.equal(readSnapshot(storage, 3), 'expected 0 bytes of content, was 9');
});

test('a crash at any operation leaves the old snapshot, the new one or both, each of them whole', () => {
  let both = 0;
  for (let dies = 1; dies < 12; dies++) {
    for (let seed = 1; seed <= 20; seed++) {
      const disk = new MemoryDisk(seed);
      const content = new Uint8Array(3000).fill(seed);
      writeSnapshot(disk.mount(), info(1), content);
      disk.faults.diesAt = disk.operations + dies;
      try {
        writeSnapshot(disk.mount(), info(2), content);
        pruneSnapshots(disk.mount(), 1);
      } catch (error) {
        assert.ok(error instanceof DiedError);
      }
      disk.losePower();
      disk.faults.diesAt = 0;
      recover(disk.mount());
      const there = listSnapshots(disk.mount());
      assert.ok(there.length > 0);
      if (there.length === 2) both += 1;
      for (const sequence of there) {
        assert.deepEqual(readSnapshot(disk.mount(), sequence), { ...info(sequence), content });
      }
      assert.deepEqual(disk.mount().list().filter((name) => name.endsWith('.tmp')), []);
    }
  }
  assert.ok(both > 20);
});

test('pruning keeps the newest whole ones, and damaged ones beside them', () => {
  const disk = new MemoryDisk(1);
  const storage = disk.mount();
  for (let n = 1; n <= 5; n++) writeSnapshot(storage, info(n), new Uint8Array(10));
  disk.flipBit(snapshotName(5), 600);
  assert.deepEqual(pruneSnapshots(storage), [2, 1]);
  assert.deepEqual(listSnapshots(storage), [5, 4, 3]);
  assert.deepEqual(pruneSnapshots(storage, 7), []);
  assert.throws(() => pruneSnapshots(storage, 0), /keep: expected a whole number above 0, was 0/);
});

// ── replay ───────────────────────────────────────────────────────────────────────────────────

/** A machine whose state is the sum of its inputs, and their number. */
class Adder implements ReplayTarget {
  sum = 0;
  inputs = 0;
  resets = 0;

  reset(): void {
    this.resets += 1;
    this.sum = 0;
    this.inputs = 0;
  }

  load(content: Uint8Array): void {
    if (content.length !== 16) throw new RangeError(`expected 16 bytes, was ${content.length}`);
    const view = new DataView(content.buffer, content.byteOffset);
    this.sum = view.getFloat64(0);
    this.inputs = view.getFloat64(8);
  }

  apply(record: JournalReader): void {
    if (record.type !== JournalType.Commands) return;
    this.add(record.view.getInt32(record.payloadAt, true));
  }

  add(value: number): void {
    this.sum = (this.sum * 31 + value) % 1_000_003;
    this.inputs += 1;
  }

  stateHash(): bigint {
    return BigInt(this.sum) * 2n ** 32n + BigInt(this.inputs);
  }

  content(): Uint8Array {
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    view.setFloat64(0, this.sum);
    view.setFloat64(8, this.inputs);
    return bytes;
  }
}

interface Journaled {
  readonly disk: MemoryDisk;
  readonly storage: Storage;
  /** As it was when the journal ended. */
  readonly adder: Adder;
}

/** 100 inputs with a state hash every 10, snapshots after the records of `snapshotsAt`. */
function journaled(snapshotsAt: readonly number[]): Journaled {
  const disk = new MemoryDisk(1);
  const storage = disk.mount();
  const writer = JournalWriter.open(storage, OPTIONS);
  const adder = new Adder();
  const append = (type: number, payload: Uint8Array, flags = 0): number =>
    writer.append(type, payload, 0, payload.length, writer.lastSequence, flags);
  for (let n = 1; n <= 100; n++) {
    const payload = new Uint8Array(80);
    new DataView(payload.buffer).setInt32(0, n * n, true);
    append(JournalType.Commands, payload);
    adder.add(n * n);
    if (n % 10 === 0) {
      append(JournalType.StateHash, encodeStateHash(adder.stateHash()), RecordFlag.StateHash);
    }
    if (!snapshotsAt.includes(n)) continue;
    writer.sync();
    const sequence = writer.durableSequence;
    writeSnapshot(storage, info(sequence, adder.stateHash()), adder.content());
    const mark = encodeSnapshotMark(sequence, adder.stateHash());
    append(JournalType.SnapshotMark, mark, RecordFlag.SnapshotMark);
  }
  writer.close(1000);
  return { disk, storage, adder };
}

test('from the first record and from any snapshot the same state comes back', () => {
  const { storage, adder } = journaled([25, 50, 95]);
  const sequences = listSnapshots(storage);
  assert.equal(sequences.length, 3);
  let records = 0;
  for (let left = 3; left >= 0; left--) {
    const target = new Adder();
    const result = replay(storage, target);
    assert.deepEqual([target.sum, target.inputs], [adder.sum, adder.inputs]);
    assert.equal(result.snapshotSequence, sequences[3 - left] ?? 0);
    assert.equal(result.lastSequence, 100 + 10 + 3 + 1);
    assert.ok(result.records > records, 'an older start, a longer replay');
    assert.ok(result.hashesCompared >= 1);
    assert.deepEqual(result.alarms, []);
    records = result.records;
    if (left > 0) storage.remove(snapshotName(sequences[3 - left]));
  }
  assert.equal(records, 101);
});

test('a damaged snapshot: an older one and a longer replay, and an alarm', () => {
  const { disk, storage, adder } = journaled([25, 95]);
  const [newest, older] = listSnapshots(storage);
  disk.flipBit(snapshotName(newest), 700);
  const target = new Adder();
  const { snapshotSequence, alarms } = replay(storage, target);
  assert.equal(target.sum, adder.sum);
  assert.equal(snapshotSequence, older);
  assert.equal(alarms.length, 1);
  assert.match(alarms[0], new RegExp(`snapshot ${newest} is not used: expected the content's`));
});

test('a snapshot of another state than the journal says there was: an older one, and an alarm', () => {
  for (const wrong of ['content', 'hash', 'both', 'length'] as const) {
    const { storage, adder } = journaled([25, 85]);
    const [newest, older] = listSnapshots(storage);
    const other = new Adder();
    other.add(1);
    const genuine = readSnapshot(storage, newest);
    assert.ok(typeof genuine !== 'string');
    const content =
      wrong === 'length' ? new Uint8Array(3)
      : wrong === 'hash' ? genuine.content
      : other.content();
    const hash = wrong === 'content' || wrong === 'length' ? genuine.stateHash : other.stateHash();
    writeSnapshot(storage, info(newest, hash), content);
    const target = new Adder();
    const { snapshotSequence, alarms } = replay(storage, target);
    assert.equal(target.sum, adder.sum, wrong);
    assert.equal(snapshotSequence, older, wrong);
    assert.match(alarms[0], wrong === 'length' ? /expected 16 bytes, was 3/ : /the state hash at sequence/);
  }
});

test('a machine that does not do what it did: refused, with the first sequence that differs', () => {
  const { storage } = journaled([25]);
  const target = new Adder();
  target.add = function (value: number) {
    this.sum = (this.sum * 31 + value + (value === 70 * 70 ? 1 : 0)) % 1_000_003;
    this.inputs += 1;
  };
  assert.throws(
    () => replay(storage, target),
    (error) =>
      error instanceof JournalDivergedError &&
      error.sequence === 78 &&
      /snapshot 27 is not used: the state hash at sequence 78 was/.test(error.message),
  );
});

test('segments below a snapshot may go; without the snapshot there is no start any more', () => {
  const { storage, adder } = journaled([50, 95]);
  const [newest, older] = listSnapshots(storage);
  const removed = pruneSegments(storage, older);
  assert.ok(removed.length >= 1 && removed[0] === 1);
  assert.equal(recover(storage, { ackedSequence: newest }).lastSequence, 113);
  const target = new Adder();
  replay(storage, target);
  assert.equal(target.sum, adder.sum);
  storage.remove(snapshotName(newest));
  replay(storage, target);
  assert.equal(target.sum, adder.sum, 'the records behind the older one are all there');
  storage.remove(snapshotName(older));
  assert.throws(() => replay(storage, target), /begins with sequence \d+, .*: the records between/);
  pruneSegments(storage, 1e6);
  assert.equal(storage.list().length, 1, 'the last segment stays');
});

test('a segment with a damaged header ends the pruning', () => {
  const { disk, storage } = journaled([]);
  disk.flipBit(segmentName(2), 100);
  assert.deepEqual(pruneSegments(storage, 1e6), []);
});

test('a snapshot that is newer than the journal: refused', () => {
  const { storage } = journaled([]);
  writeSnapshot(storage, info(500), new Adder().content());
  assert.throws(() => replay(storage, new Adder()), JournalDamagedError);
  assert.throws(() => recover(storage, { ackedSequence: 500 }), /500 is known to have been/);
});

test('a journal that has not been recovered is not replayed', () => {
  const { disk, storage } = journaled([]);
  disk.flipBit(segmentName(1), 100 * 8);
  assert.throws(() => replay(storage, new Adder()), /cannot be replayed beyond sequence 0: recover/);
});

test('no journal at all: the state before the first record', () => {
  const target = new Adder();
  target.add(5);
  const result = replay(new MemoryDisk(1).mount(), target);
  assert.deepEqual(result, {
    snapshotSequence: 0, lastSequence: 0, records: 0, hashesCompared: 0, alarms: [],
  });
  assert.equal(target.resets, 1);
});

test('snapshots, pruning, crashes and replays in any order bring back the state', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const prng = new Prng(seed);
    const disk = new MemoryDisk(seed);
    const live = new Adder();
    for (let life = 0; life < 5; life++) {
      const storage = disk.mount();
      const [newest = 0] = listSnapshots(storage);
      const writer = JournalWriter.open(storage, { ...OPTIONS, ackedSequence: newest });
      const back = new Adder();
      replay(storage, back);
      assert.deepEqual([back.sum, back.inputs], [live.sum, live.inputs], `seed ${seed}`);
      for (let step = prng.below(60); step > 0; step--) {
        const payload = new Uint8Array(4 * prng.between(1, 60));
        new DataView(payload.buffer).setInt32(0, step, true);
        writer.append(JournalType.Commands, payload, 0, payload.length, step);
        writer.sync();
        live.add(step);
        if (!prng.chance(0.1)) continue;
        writeSnapshot(storage, info(writer.durableSequence, live.stateHash()), live.content());
        pruneSnapshots(storage);
        pruneSegments(storage, listSnapshots(storage).at(-1) ?? 0);
      }
      disk.losePower();
    }
  }
});
