// What a program that installs `outcry` needs of the journal: write records of its own, read them, see
// that they are whole, and be told apart what is damage and what the disk refuses.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  examine, FileStorage, JournalDamagedError, JournalReader, JournalType, journalTypeName, JournalWriter, recover, StorageError,
} from '../src/index.ts';

test('a journal of one’s own through the library’s front: written, read, damaged, refused', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'outcry-front-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const own = 1_000;
  const storage = new FileStorage(directory);
  const writer = JournalWriter.open(storage, { segmentBytes: 4_096 });
  for (let i = 1; i <= 3; i++) writer.append(own, Uint8Array.of(i, i), 0, 2, i);
  writer.close(4);
  assert.equal(examine(storage).verdict, 'whole');
  assert.equal(recover(storage).stoppedCleanly, true);
  const reader = JournalReader.open(storage);
  const read: (string | number)[] = [];
  while (reader.next()) read.push(reader.type === own ? reader.bytes[reader.payloadAt] : journalTypeName(reader.type));
  reader.close();
  storage.close();
  assert.deepEqual(read, [1, 2, 3, 'stop']);
  assert.equal(journalTypeName(JournalType.Stop), 'stop');

  const path = join(directory, 'segment-0000000001.journal');
  const bytes = readFileSync(path);
  bytes[64 + 40] ^= 1; // the first record's payload
  writeFileSync(path, bytes);
  const damaged = new FileStorage(directory);
  assert.equal(examine(damaged).verdict, 'damaged');
  assert.throws(() => recover(damaged), JournalDamagedError);
  damaged.close();
  assert.throws(() => new FileStorage(join(directory, 'nowhere')), StorageError);
});
