// What must hold of any input, by fast-check, which finds an input that breaks it and then the smallest
// one: streams cut anywhere, rings, journals, positions. The books against their twin are in
// src/book/engine.fuzz.ts, codecs in src/wire/codec.test.ts, decimals in src/base/decimal.test.ts.
// OUTCRY_PROPERTY_RUNS sets the runs of each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng } from '../../src/base/prng.ts';
import { ReferenceRing } from '../../src/base/ring_buffer.reference.ts';
import { checkRing, initializeRing, RING_NONE, ringBytes, RingConsumer, RingProducer } from '../../src/base/ring_buffer.ts';
import { MemoryDisk } from '../../src/journal/memory_storage.ts';
import { JournalReader } from '../../src/journal/reader.ts';
import { JournalType } from '../../src/journal/record_types.ts';
import { examine, recover } from '../../src/journal/recovery.ts';
import { JournalWriter } from '../../src/journal/writer.ts';
import { plainInstruments, TraderInstruments } from '../../src/trader/instruments.ts';
import { PositionKeeper } from '../../src/trader/position_keeper.ts';
import { checkStream } from '../../src/wire/framing/framing.fuzz.ts';
import { Framing } from '../../src/wire/framing/frame.ts';
import { requestFrame, responseFrame, soupLogin } from './messages.ts';
import { joined } from './mutator.ts';

const RUNS = Number(process.env['OUTCRY_PROPERTY_RUNS'] ?? 150);
const numRuns = { numRuns: RUNS };
const SEED = fc.integer({ min: 1, max: 2 ** 31 - 1 });

test('a stream of frames means the same in whatever pieces it comes, and where it ends', () => {
  const framing = fc.constantFrom(Framing.Bare, Framing.Sequenced, Framing.Soup);
  fc.assert(fc.property(framing, fc.boolean(), fc.integer({ min: 1, max: 12 }), fc.double({ min: 0, max: 1, noNaN: true }), SEED,
    (kind, requests, count, end, seed) => {
      const prng = new Prng(seed);
      const frames = Array.from({ length: count }, (_, i) => (requests ? requestFrame : responseFrame)(prng, kind, i + 1));
      if (kind === Framing.Soup && requests) frames.unshift(soupLogin(prng, '5'));
      const { bytes } = joined(frames);
      checkStream(kind, requests ? 'requests' : 'responses', bytes.subarray(0, Math.ceil(bytes.length * end)), prng);
    }), numRuns);
});

// ── the ring, as a model ─────────────────────────────────────────────────────────────────────────

interface Real {
  readonly producer: RingProducer;
  readonly consumer: RingConsumer;
  readonly view: DataView;
  written: number;
}

type RingCommand = fc.Command<ReferenceRing, Real>;

class Claim implements RingCommand {
  check = (): boolean => true;
  run(model: ReferenceRing, real: Real): void {
    const value = ++real.written;
    const at = real.producer.claim();
    assert.equal(at !== RING_NONE, model.claim(value), 'full is a return value');
    if (at !== RING_NONE) real.view.setFloat64(at, value, true);
  }
  toString = (): string => 'claim';
}

class Publish implements RingCommand {
  check = (): boolean => true;
  run(model: ReferenceRing, { producer }: Real): void {
    model.publish();
    producer.publish();
  }
  toString = (): string => 'publish';
}

class Take implements RingCommand {
  check = (): boolean => true;
  run(model: ReferenceRing, { consumer, view }: Real): void {
    const at = consumer.take();
    assert.equal(at === RING_NONE ? null : view.getFloat64(at, true), model.take());
  }
  toString = (): string => 'take';
}

class Release implements RingCommand {
  check = (): boolean => true;
  run(model: ReferenceRing, { consumer }: Real): void {
    model.release();
    consumer.release();
  }
  toString = (): string => 'release';
}

test('a ring is a queue of a fixed length, whatever its two sides do', () => {
  const commands = fc.commands(
    [Claim, Claim, Publish, Take, Take, Release].map((Command) => fc.constant(new Command())), { maxCommands: 200 },
  );
  fc.assert(fc.property(commands, fc.integer({ min: 0, max: 5 }), (list, bits) => {
    const slots = 2 ** bits;
    const buffer = new SharedArrayBuffer(ringBytes(slots, 16));
    initializeRing(buffer, 0, slots, 16);
    const real: Real = { producer: new RingProducer(buffer, 0), consumer: new RingConsumer(buffer, 0), view: new DataView(buffer), written: 0 };
    const model = new ReferenceRing(slots);
    fc.modelRun(() => ({ model, real }), list);
    assert.equal(real.producer.used, model.used);
    assert.equal(real.consumer.available, model.available);
    checkRing(buffer, 0);
  }), numRuns);
});

// ── journals ─────────────────────────────────────────────────────────────────────────────────────

const RECORD = fc.record({
  type: fc.constantFrom(JournalType.Commands, JournalType.Operator, JournalType.Session, 999, 0xffff),
  payload: fc.uint8Array({ maxLength: 300 }),
  timeNs: fc.maxSafeNat(),
  after: fc.constantFrom('nothing', 'flush', 'sync', 'reopen'),
});

test('a journal gives back what was appended, through any number of segments, syncs and restarts', () => {
  fc.assert(fc.property(fc.array(RECORD, { maxLength: 40 }), fc.constantFrom(4_096, 8_192, 65_536), (records, segmentBytes) => {
    const disk = new MemoryDisk(1);
    const options = { segmentBytes, payloadBytesMax: 400, randomBits: () => 7n };
    const open = (): JournalWriter => JournalWriter.open(disk.mount(), options);
    const expected: string[] = [];
    let writer = open();
    for (const { type, payload, timeNs, after } of records) {
      writer.append(type, payload, 0, payload.length, timeNs);
      expected.push(`${type} ${timeNs} ${Buffer.from(payload).toString('hex')}`);
      if (after === 'flush') writer.flush();
      if (after === 'sync') writer.sync();
      if (after !== 'reopen') continue;
      writer.sync();
      disk.losePower(); // what was synced is there, whatever becomes of the machine
      writer = open();
    }
    writer.sync();
    disk.losePower();
    assert.equal(recover(disk.mount(), options).lastSequence, records.length);
    assert.ok(['whole', 'empty'].includes(examine(disk.mount(), options).verdict), 'nothing is left to be repaired');
    const read: string[] = [];
    const reader = JournalReader.open(disk.mount(), options);
    for (let sequence = 1; reader.next(); sequence++) {
      assert.equal(reader.sequence, sequence);
      const { bytes, payloadAt, payloadLength } = reader;
      read.push(`${reader.type} ${reader.timeNs} ${Buffer.from(bytes.subarray(payloadAt, payloadAt + payloadLength)).toString('hex')}`);
    }
    reader.close();
    assert.deepEqual(read, expected);
  }), numRuns);
});

// ── positions ────────────────────────────────────────────────────────────────────────────────────

test('realised + unrealised profit = cash + position × mark, through any fills and flips', () => {
  const fill = fc.record({
    book: fc.integer({ min: 0, max: 1 }), side: fc.constantFrom(1, -1), price: fc.integer({ min: -1_000, max: 1_000 }),
    qty: fc.integer({ min: 1, max: 1_000_000 }), fee: fc.integer({ min: -50, max: 50 }),
  });
  const mid2 = fc.integer({ min: -2_000, max: 2_000 });
  const costing = fc.constantFrom('vwap' as const, 'fifo' as const, 'lifo' as const);
  fc.assert(fc.property(fc.array(fill, { maxLength: 30 }), mid2, mid2, costing, (fills, mark0, mark1, method) => {
    const keeper = new PositionKeeper(new TraderInstruments(plainInstruments([7, 9])), { costing: method });
    const cash = [0n, 0n];
    const position = [0n, 0n];
    for (const { book, side, price, qty, fee } of fills) {
      keeper.onFill(book, side, price, qty, fee);
      cash[book] -= BigInt(side * qty) * BigInt(price) + BigInt(fee);
      position[book] += BigInt(side * qty);
    }
    for (const [book, mark] of [mark0, mark1].entries()) {
      keeper.mark(book, mark);
      assert.equal(BigInt(keeper.position(book)), position[book]);
      assert.equal(BigInt(keeper.cash(book)), cash[book]);
      const profit2 = 2n * cash[book] + position[book] * BigInt(mark);
      assert.equal(BigInt(keeper.realised2(book)) + BigInt(keeper.unrealised2(book)), profit2, 'twice, so that half ticks are whole');
    }
    keeper.checkInvariants();
  }), numRuns);
});
