// The trader's journal: whole records that say odd things, and snapshots of another content. Opening it
// and taking it in again ends with the error that it documents, or with orders and positions that agree.
import assert from 'node:assert/strict';
import { Prng } from '../../src/base/prng.ts';
import { MemoryDisk } from '../../src/journal/memory_storage.ts';
import { JournalDamagedError, JournalReader } from '../../src/journal/reader.ts';
import { JournalType } from '../../src/journal/record_types.ts';
import { JournalWriter } from '../../src/journal/writer.ts';
import { ClientJournal, ClientJournalError } from '../../src/trader/client_journal.ts';
import { plainInstruments, PRICE_TICKS_NONE, TraderInstruments } from '../../src/trader/instruments.ts';
import { RISK_LIMITS_DEFAULT } from '../../src/trader/risk.ts';
import { StrategyRunner } from '../../src/trader/strategy_runner.ts';
import { CLIENT_RESPONSE, type Layout } from '../../src/wire/schema.ts';
import { responseFrame } from './messages.ts';
import { type Frame, joined, plainFrame, withField } from './mutator.ts';
import type { ByteTarget, Fed } from './target.ts';

const CLIENT = 5;
const INSTRUMENTS = new TraderInstruments(plainInstruments([7, 9]));
const SEQUENCED: Layout = {
  name: 'KeptResponse', family: 'core_records', bytes: 10, endian: 'little', aligned: false, doc: '',
  fields: [
    { name: 'recordType', offset: 0, width: 2, type: 'u16', doc: '' },
    { name: 'sequence', offset: 2, width: 8, type: 'u64', doc: '' },
  ],
};
/** Of responses to orders that nobody remembers: the manager takes them as its own from before. */
const RESPONSES_MAX = 30;

function head(type: number, sequence: number): Frame {
  const bytes = new Uint8Array(SEQUENCED.bytes);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, type, true);
  view.setBigUint64(2, BigInt(sequence), true);
  return { bytes, parts: [{ layout: SEQUENCED, at: 0 }] };
}

/** A block of ids, a log-in, responses numbered from 1. */
function records(prng: Prng): Frame[] {
  const frames = [
    head(JournalType.OrderIdBlock, 1 << 20),
    joined([head(JournalType.ClientSession, 1), plainFrame(Buffer.from('X1'.padEnd(10, '\0'), 'latin1'))]),
  ];
  const count = prng.below(RESPONSES_MAX);
  for (let sequence = 1; sequence <= count; sequence++) {
    const response = withField(withField(responseFrame(prng, 'bare', sequence), 'ticker', prng.chance(0.5) ? 7n : 9n), 'client', BigInt(CLIENT));
    assert.equal(response.bytes.length, CLIENT_RESPONSE.bytes);
    frames.push(joined([head(JournalType.ClientResponse, sequence), response]));
  }
  return frames;
}

/** The Config record that a real one begins with. */
function identityRecord(): Uint8Array {
  const disk = new MemoryDisk(1);
  ClientJournal.open(disk.mount(), { client: CLIENT, framing: 'soup', instruments: INSTRUMENTS }).abandon();
  disk.killProcess();
  const reader = JournalReader.open(disk.mount());
  assert.ok(reader.next());
  const { bytes, payloadAt, payloadLength } = reader;
  const payload = bytes.slice(payloadAt, payloadAt + payloadLength);
  reader.close();
  return payload;
}

function runner(firstOrderId: number): StrategyRunner {
  return new StrategyRunner({
    instruments: INSTRUMENTS, strategy: null, firstOrderId,
    sink: { newOrder: () => false, cancel: () => false, modify: () => false, massCancel: () => false },
    market: { bidTicks: PRICE_TICKS_NONE, bidQty: 0, askTicks: PRICE_TICKS_NONE, askQty: 0, readTop: () => {}, depthQty: () => 0 },
    limits: RISK_LIMITS_DEFAULT,
  });
}

export const CLIENT_JOURNAL_TARGET: ByteTarget = {
  name: 'client-journal', kind: 'bytes', share: 0.3, valid: records,
  open: (): Fed<Frame> => {
    const config = identityRecord();
    return {
      take: (frames) => {
        const disk = new MemoryDisk(1);
        const storage = disk.mount();
        const writer = JournalWriter.open(storage, { segmentBytes: 256 << 10, randomBits: () => 7n });
        writer.append(JournalType.Config, config, 0, config.length, 0);
        for (const { bytes } of frames) {
          const type = bytes.length < 2 ? 0 : new DataView(bytes.buffer).getUint16(0, true);
          const payload = bytes.slice(2);
          writer.append(type === 0 ? JournalType.Clock : type, payload, 0, payload.length, 0);
        }
        writer.close(0);
        storage.close();
        taken(disk);
      },
      check: () => {},
      close: () => {},
    };
  },
};

function taken(disk: MemoryDisk): void {
  try {
    const journal = ClientJournal.open(disk.mount(), { client: CLIENT, framing: 'soup', instruments: INSTRUMENTS });
    const own = runner(journal.nextOrderId);
    journal.restore(own);
    own.orders.checkInvariants();
    journal.abandon();
  } catch (error) {
    const known = error instanceof ClientJournalError || error instanceof JournalDamagedError;
    if (!known) throw error;
  }
}
