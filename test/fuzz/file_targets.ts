// What is read from files: journals byte by byte, journals whose every checksum is right and whose
// records say odd things, snapshots, the trader's journal, LOBSTER recordings, configurations. Each is
// taken, or refused with the error that its reader documents; nothing else is thrown.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Prng } from '../../src/base/prng.ts';
import { parseConfig } from '../../src/apps/config_file.ts';
import { readConfig } from '../../src/apps/config_sections.ts';
import { ConfigError, faultText } from '../../src/apps/config_value.ts';
import { JournalRows, rowJson, rowText } from '../../src/apps/journal_rows.ts';
import { jsonValue } from '../../src/apps/row_file.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { JournalConfigError } from '../../src/exchange/journal_origin.ts';
import { diskOf } from '../../src/journal/damage.fuzz.ts';
import { MemoryDisk } from '../../src/journal/memory_storage.ts';
import { JournalDamagedError, JournalReader } from '../../src/journal/reader.ts';
import { JournalType } from '../../src/journal/record_types.ts';
import { examine, recover } from '../../src/journal/recovery.ts';
import { JournalDivergedError } from '../../src/journal/replay.ts';
import { SEGMENT_HEADER_BYTES, segmentName } from '../../src/journal/segment.ts';
import { listSnapshots, readSnapshot, SNAPSHOT_HEADER_BYTES, snapshotName, writeSnapshot } from '../../src/journal/snapshot.ts';
import { JournalWriter } from '../../src/journal/writer.ts';
import { LobsterBookRows, LobsterError, LobsterMessages } from '../../src/recorded/lobster.ts';
import { COMMAND_RECORD, type Layout } from '../../src/wire/schema.ts';
import { crashAndReturn, noFigures } from '../crash/crash.fuzz.ts';
import { CRASH_CONFIG } from '../crash/crash_rig.ts';
import { type Frame, joined, type Part, plainFrame } from './mutator.ts';
import { CLIENT_JOURNAL_TARGET } from './client_journal_target.ts';
import type { ByteTarget, Fed, LineTarget } from './target.ts';

const SEGMENT_BYTES = 64 << 10;
const PAYLOAD_BYTES_MAX = 4_096;
const RECORD_LAYOUT: Layout = {
  name: 'JournalRecord', family: 'core_records', bytes: 40, endian: 'little', aligned: true, doc: '',
  fields: [
    { name: 'length', offset: 0, width: 4, type: 'u32', doc: '' },
    { name: 'crc', offset: 4, width: 4, type: 'u32', doc: '' },
    { name: 'sequence', offset: 8, width: 8, type: 'u64', doc: '' },
    { name: 'time', offset: 16, width: 8, type: 'u64', doc: '' },
    { name: 'ackedSequence', offset: 24, width: 8, type: 'u64', doc: '' },
    { name: 'type', offset: 32, width: 2, type: 'u16', doc: '' },
    { name: 'flags', offset: 34, width: 2, type: 'u16', doc: '' },
    { name: 'previousCrc', offset: 36, width: 4, type: 'u32', doc: '' },
  ],
};
const NOTHING = { check: (): void => {}, close: (): void => {} };

// ── an exchange's journal to begin with ──────────────────────────────────────────────────────────

/** A record as a frame: type, then the payload with its command slots. */
function recordFrame(type: number, payload: Uint8Array): Frame {
  const bytes = new Uint8Array(2 + payload.length);
  new DataView(bytes.buffer).setUint16(0, type, true);
  bytes.set(payload, 2);
  const parts: Part[] = [];
  if (type === JournalType.Commands)
    for (let at = 0; at + COMMAND_RECORD.bytes <= payload.length; at += COMMAND_RECORD.bytes) parts.push({ layout: COMMAND_RECORD, at: at + 2 });
  return { bytes, parts };
}

interface Base {
  readonly disk: MemoryDisk;
  readonly records: readonly Frame[];
}
const bases: Base[] = [];
const BASES = 3;

/** Journals of exchanges that crashed a few times, snapshots and all; made once. */
async function makeBases(): Promise<void> {
  for (let seed = 1; bases.length < BASES; seed++) {
    const disk = new MemoryDisk(seed);
    await crashAndReturn(seed, noFigures(), {
      disk, config: { risk: CRASH_CONFIG.risk, cancelOnDisconnect: true }, segmentBytes: SEGMENT_BYTES,
    });
    if (listSnapshots(disk.mount()).length === 0) continue;
    const reader = JournalReader.open(disk.mount());
    const records: Frame[] = [];
    while (reader.next()) {
      const { bytes, payloadAt, payloadLength, type } = reader;
      records.push(recordFrame(type, bytes.slice(payloadAt, payloadAt + payloadLength)));
    }
    reader.close();
    bases.push({ disk, records });
  }
}
await makeBases();

const baseOf = (prng: Prng): Base => bases[prng.below(BASES)];

/** The same journal from its first record, and what is documented to come of it. */
async function replayed(disk: MemoryDisk): Promise<void> {
  try {
    const exchange = await Exchange.replica(CRASH_CONFIG, { storage: disk.mount() });
    exchange.engine.checkInvariants();
  } catch (error) {
    const known = error instanceof JournalDivergedError || error instanceof JournalDamagedError || error instanceof JournalConfigError;
    if (!known) throw error;
    assert.ok(error.message.length > 20, 'it says what is wrong');
  }
}

/** What `outcry journal show` makes of it. */
function shown(disk: MemoryDisk): void {
  let rows: JournalRows;
  try {
    rows = new JournalRows(disk.mount(), {});
  } catch (error) {
    if (!(error instanceof JournalDamagedError)) throw error;
    return;
  }
  for (const row of rows.all()) {
    assert.ok(rowText(row).length > 0);
    JSON.parse(JSON.stringify(rowJson(row), jsonValue));
  }
  rows.reader.close();
}

// ── bytes of files ───────────────────────────────────────────────────────────────────────────────

function segmentFrames(prng: Prng): Frame[] {
  const { disk } = baseOf(prng);
  const bytes = disk.contents().get(segmentName(1));
  assert.ok(bytes !== undefined, 'a journal has a first segment');
  const frames = [plainFrame(bytes.subarray(0, SEGMENT_HEADER_BYTES))];
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = SEGMENT_HEADER_BYTES; view.getUint16(at + 32, true) !== 0; ) {
    const length = (RECORD_LAYOUT.bytes + view.getUint32(at, true) + 7) & ~7;
    frames.push({ bytes: bytes.slice(at, at + length), parts: [{ layout: RECORD_LAYOUT, at: 0 }] });
    at += length;
  }
  return frames;
}

const JOURNAL_BYTES: ByteTarget = {
  name: 'journal-bytes', kind: 'bytes', share: 0.3, valid: segmentFrames,
  open: (): Fed<Frame> => ({
    ...NOTHING,
    take: async (frames) => {
      const bytes = new Uint8Array(SEGMENT_BYTES);
      const { bytes: all } = joined(frames);
      bytes.set(all.subarray(0, SEGMENT_BYTES));
      const disk = diskOf([[segmentName(1), bytes]]);
      shown(disk);
      const { verdict, damage } = examine(disk.mount());
      assert.equal(verdict === 'damaged', damage !== null);
      if (verdict === 'damaged') return assert.throws(() => recover(disk.mount()), JournalDamagedError);
      recover(disk.mount());
      assert.ok(['whole', 'empty'].includes(examine(disk.mount()).verdict), 'what is recovered is whole');
      await replayed(disk);
    },
  }),
};

// ── whole records that say odd things ────────────────────────────────────────────────────────────

/** A journal with these records, every checksum right. */
function journalOf(frames: readonly Frame[]): MemoryDisk {
  const disk = new MemoryDisk(1);
  const writer = JournalWriter.open(disk.mount(), { segmentBytes: SEGMENT_BYTES, payloadBytesMax: PAYLOAD_BYTES_MAX, randomBits: () => 7n });
  for (const [index, { bytes }] of frames.entries()) {
    const type = bytes.length < 2 ? JournalType.Clock : new DataView(bytes.buffer).getUint16(0, true);
    const payload = bytes.slice(2, 2 + PAYLOAD_BYTES_MAX);
    writer.append(type === 0 ? JournalType.Clock : type, payload, 0, payload.length, index);
  }
  writer.sync();
  writer.close(frames.length);
  return disk;
}

const JOURNAL_RECORDS: ByteTarget = {
  name: 'journal-records', kind: 'bytes', share: 0.3,
  valid: (prng) => {
    const { records } = baseOf(prng);
    // Without its hashes a journal is believed to its end: what stands in it reaches the engine.
    const isHash = ({ bytes }: Frame): boolean => bytes[0] === JournalType.StateHash || bytes[0] === JournalType.SnapshotMark;
    return prng.chance(0.7) ? records.filter((record) => !isHash(record)) : records;
  },
  open: (): Fed<Frame> => ({
    ...NOTHING,
    take: async (frames) => {
      const disk = journalOf(frames);
      assert.equal(examine(disk.mount(), { payloadBytesMax: PAYLOAD_BYTES_MAX }).verdict, 'whole');
      shown(disk);
      await replayed(disk);
    },
  }),
};

// ── snapshots ────────────────────────────────────────────────────────────────────────────────────

/** The newest snapshot's content in pieces: each can be lost, repeated, changed. */
function snapshotFrames(prng: Prng): Frame[] {
  const content = newestContent(bases[0]);
  const frames: Frame[] = [];
  for (let at = 0; at < content.length; ) {
    const length = Math.min(content.length - at, prng.chance(0.5) ? prng.between(1, 40) : prng.between(100, 20_000));
    frames.push(plainFrame(content.subarray(at, at + length)));
    at += length;
  }
  return frames;
}

function newestContent({ disk }: Base): Uint8Array {
  const storage = disk.copy(1).mount();
  const snapshot = readSnapshot(storage, listSnapshots(storage)[0]);
  assert.ok(typeof snapshot !== 'string', 'the newest snapshot is whole');
  return snapshot.content;
}

/** Two ways to be wrong: the file, which its checksums tell, and the content of one that checks. */
const SNAPSHOT: ByteTarget = {
  name: 'snapshot', kind: 'bytes', share: 0.1, valid: snapshotFrames,
  open: async (): Promise<Fed<Frame>> => {
    const { disk } = bases[0];
    const expected = await Exchange.replica(CRASH_CONFIG, { storage: disk.copy(1).mount() });
    const expectedState = expected.saveState();
    return {
      ...NOTHING,
      take: async (frames, prng) => {
        const copy = disk.copy(1);
        const storage = copy.mount();
        const sequence = listSnapshots(storage)[0];
        const { bytes } = joined(frames);
        const good = readSnapshot(storage, sequence);
        assert.ok(typeof good !== 'string');
        const checks = prng.chance(0.5);
        if (checks) writeSnapshot(storage, good, bytes);
        else {
          const file = storage.open(snapshotName(sequence));
          const at = prng.chance(0.2) ? 0 : SNAPSHOT_HEADER_BYTES;
          file.writeAt(bytes, 0, Math.min(bytes.length, file.bytes - at), at);
          file.close();
        }
        let exchange: Exchange;
        try {
          exchange = await Exchange.replica(CRASH_CONFIG, { storage });
        } catch (error) {
          // It checks, and says that it is of another configuration: then it is refused.
          if (!checks || !(error instanceof JournalConfigError)) throw error;
          return;
        }
        assert.equal(exchange.eventHash, expected.eventHash, 'an older snapshot, or a longer replay, leads to the same');
        assert.equal(exchange.engine.stateHash(), expected.engine.stateHash());
        // Accounts, logs, answers, the feed's window too, unless somebody has made checksums for others.
        if (!checks) assert.ok(Buffer.from(exchange.saveState()).equals(expectedState), 'the whole state is the same');
      },
    };
  },
};

// ── text ─────────────────────────────────────────────────────────────────────────────────────────

function lobsterLines(prng: Prng): string[] {
  let timeNs = 34_200_000_000_000;
  const book = prng.chance(0.4);
  return Array.from({ length: prng.between(1, 12) }, () => {
    timeNs += prng.below(1_000_000_000);
    const price = 2_238_100 + 100 * prng.between(-5, 5);
    if (book) return [price + 100, prng.between(1, 99), price, prng.between(1, 99), price + 200, 5, price - 100, 7].join(',');
    return [`${Math.floor(timeNs / 1e9)}.${String(timeNs % 1e9).padStart(9, '0')}`, prng.between(1, 7), prng.below(1e8), prng.between(1, 500), price, prng.chance(0.5) ? 1 : -1].join(',');
  });
}

const LOBSTER: LineTarget = {
  name: 'lobster', kind: 'lines', valid: lobsterLines,
  open: (): Fed<string> => {
    const folder = mkdtempSync(join(tmpdir(), 'outcry-fuzz-'));
    const path = join(folder, 'flow.csv');
    return {
      take: (lines, prng) => {
        writeFileSync(path, lines.join(prng.chance(0.1) ? '\r\n' : '\n') + (prng.chance(0.5) ? '\n' : ''));
        for (const Reader of [LobsterMessages, LobsterBookRows]) {
          let rows = 0;
          const reader = new Reader(path);
          try {
            while (reader.next()) rows++;
            assert.ok(rows <= lines.join('\n').split('\n').length);
          } catch (error) {
            if (!(error instanceof LobsterError)) throw error;
            assert.ok(error.line >= 1 && error.message.startsWith(path), error.message);
            assert.ok(error.message.length < path.length + 500, 'a message stays short');
          } finally {
            reader.close();
          }
        }
      },
      check: () => {},
      close: () => rmSync(folder, { recursive: true }),
    };
  },
};

const CONFIG_LINES = [
  '[exchange]', 'port = 12345', 'tickers = [1, 2, 3]', 'insecure = false', 'snapshot_interval = "250ms"', 'max_notional = 1000000',
  'outbound_log_bytes = "16MiB"', 'limits = [{ client = 7, max_position = 1000 }, { ticker = 2, collar_bps = 500 }]',
  '[[exchange.instruments]]', 'ticker = 1', 'symbol = "AAPL"', 'decimals = 2', 'tick_size = 0.01', '[journal]', 'directory = "journal"',
  'durability = "durable"', '[trade]', 'strategy = "market-maker"', 'half_spread = 50', 'max_loss = 100000.5', '[trading]',
  'max_position_size = 1000', 'stop_loss_percentage = 2.5', '[log]', 'level = "info"', '[performance]', 'cpu_affinity = [0, 1]',
];

const CONFIG: LineTarget = {
  name: 'config', kind: 'lines', valid: (prng) => CONFIG_LINES.filter(() => prng.chance(0.9)),
  open: (): Fed<string> => ({
    ...NOTHING,
    take: (lines, prng) => {
      const text = lines.join('\n');
      const json = prng.chance(0.2);
      try {
        const config = readConfig({
          file: parseConfig(json ? 'c.json' : 'c.toml', text), environment: {}, flag: () => undefined,
          uses: ['exchange', 'trade', 'trading', 'journal', 'log', 'performance'],
        });
        assert.ok(Object.isFrozen(config));
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        assert.ok(error.faults.length > 0);
        for (const fault of error.faults) assert.match(faultText(fault), /^c\.(toml|json)|^[a-z]/);
      }
    },
  }),
};

export const FILE_TARGETS: readonly (ByteTarget | LineTarget)[] = [
  JOURNAL_BYTES, JOURNAL_RECORDS, SNAPSHOT, CLIENT_JOURNAL_TARGET, LOBSTER, CONFIG,
];
