// Journals as tapes: of an exchange that ran, from its beginning and behind a snapshot; torn, damaged, with a hole.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { JournalMode } from '../journal/journal_queue.ts';
import { MemoryDisk } from '../journal/memory_storage.ts';
import { StorageError } from '../journal/storage.ts';
import { encodeJson, encodeStart } from '../journal/payloads.ts';
import { JournalType } from '../journal/record_types.ts';
import { segmentNumberOf } from '../journal/segment.ts';
import { JournalWriter } from '../journal/writer.ts';
import { CrashRig, SoupClient } from '../../test/crash/crash_rig.ts';
import { buy, cancel, sell } from '../../test/exchange/exchange_rig.ts';
import { ByteStorage } from './byte_storage.ts';
import { readJournal, TapeError } from './journal_tape.ts';
import { momentOf } from './moment.ts';
import type { Tape } from './tape.ts';
import { TimeMachine } from './time_machine.ts';

/** An exchange with two clients that trade with each other; `removeSegments`: its journal's beginning is gone. */
async function journaledDay(removeSegments: boolean): Promise<{ files: Map<string, Uint8Array>; stateHash: bigint; eventHash: bigint }> {
  const rig = new CrashRig(new MemoryDisk(7), { mode: JournalMode.Durable, segmentBytes: 8 << 10 });
  const clients = [new SoupClient(1), new SoupClient(2)];
  const prng = new Prng(3);
  const early = new Map<string, Uint8Array>();
  await rig.start();
  for (const client of clients) await rig.connect(client);
  rig.settle(clients);
  for (let round = 0; round < 40; round++) {
    for (const [index, client] of clients.entries()) {
      const id = round * 10 + 1;
      for (let i = 0; i < 6; i++) {
        const say = prng.chance(0.5) ? buy : sell;
        client.say(say(index + 1, id + i, 100 + prng.between(-4, 4), prng.between(1, 50)));
      }
      client.say(cancel(index + 1, id + 2));
    }
    rig.settle(clients);
    if (round === 5 && removeSegments) {
      await rig.snapshot({ keep: 1, removeSegments: false });
      for (const [name, bytes] of rig.disk.contents()) if (name.endsWith('.snapshot')) early.set(name, bytes);
    }
    if (round === 25 && removeSegments) {
      await rig.snapshot({ keep: 1, removeSegments: true });
      await rig.snapshot({ keep: 1, removeSegments: true });
    }
  }
  const { engine } = rig.exchange;
  const day = { stateHash: engine.stateHash(), eventHash: rig.exchange.eventHash };
  rig.crash(false);
  // One of before what is left of the journal, as somebody may have kept it: of no use.
  return { files: new Map([...rig.disk.contents(), ...early]), ...day };
}

function machineOf(files: ReadonlyMap<string, Uint8Array>): TimeMachine {
  const machine = new TimeMachine(readJournal(new ByteStorage('day', files)), { spacing: 32 });
  machine.build();
  return machine;
}

const whole = await journaledDay(false);
const segments = [...whole.files.keys()].filter((name) => segmentNumberOf(name) !== null).toSorted();

function damagedCopy(change: (files: Map<string, Uint8Array>) => void): Map<string, Uint8Array> {
  const files = new Map([...whole.files].map(([name, bytes]) => [name, bytes.slice()]));
  change(files);
  return files;
}

describe('a journal', () => {
  test('leads to the state and to the hash of events that its exchange had, over several segments', () => {
    assert.ok(segments.length > 2, `${segments.length} segments`);
    const machine = machineOf(whole.files);
    assert.deepEqual(machine.faults, []);
    assert.equal(machine.engine.stateHash(), whole.stateHash);
    assert.equal(machine.eventHash, whole.eventHash);
    assert.ok(machine.verified.length > 10, `${machine.verified.length} hashes met`);
    assert.equal(machine.tape.hashes.size, machine.verified.length);
    assert.ok(machine.tradesOf[0].length > 50, `${machine.tradesOf[0].length} trades`);
  });

  test('has wall-clock times, records of other types as notes, commands of one batch as steps', () => {
    const { tape } = machineOf(whole.files);
    assert.equal(tape.zeroMs, 1_700_000_060_000);
    assert.deepEqual([...new Set([...tape.notes.values()].map(({ type }) => type))].toSorted(), ['config', 'session', 'start', 'state-hash']);
    const { sequences } = tape;
    assert.ok(sequences.some((sequence, input) => input > 0 && sequence === sequences[input - 1]), 'a batch of several commands');
    assert.ok(tape.timesNs.every((timeNs, input) => input === 0 || timeNs >= tape.timesNs[input - 1]));
  });

  test('of several runs has one time: each counts from its own start, by the wall clock', () => {
    const disk = new MemoryDisk(1);
    const writer = JournalWriter.open(disk.mount(), { segmentBytes: 4_096 });
    const add = (type: number, payload: Uint8Array, timeNs: number): void => void writer.append(type, payload, 0, payload.length, timeNs);
    add(JournalType.Start, encodeStart(10_000, 'x'), 5_000);
    add(JournalType.Config, encodeJson({ ordersMax: 10, instruments: [{ ticker: 1, symbol: 'A', minPrice: 1, maxPrice: 9, tickSize: 1, lotSize: 1, decimals: 0 }] }), 6_000);
    add(JournalType.Start, encodeStart(12_500, 'x'), 100);
    add(JournalType.Clock, new Uint8Array(0), 300);
    writer.close(400);
    const tape = readJournal(new ByteStorage('two runs', disk.contents()));
    assert.equal(tape.zeroMs, 10_000);
    assert.deepEqual([...tape.timesNs], [0, 1_000, 2.5e9, 2.5e9 + 200, 2.5e9 + 300]);
  });

  test('without its beginning starts with its snapshot', async () => {
    const day = await journaledDay(true);
    assert.equal(day.files.has(segments[0]), false);
    const machine = machineOf(day.files);
    assert.ok((machine.tape.start?.sequence ?? 0) > 20);
    assert.equal(machine.engine.stateHash(), day.stateHash);
    assert.equal(machine.eventHash, day.eventHash);
    assert.ok(machine.verified.length > 3);
    machine.seek(0);
    assert.ok(machine.engine.ordersLive > 0, 'orders of before the snapshot');
    machine.seek(machine.inputs);
    assert.equal(machine.engine.stateHash(), day.stateHash);
    const alone = new Map([...day.files].filter(([name]) => !name.endsWith('.snapshot')));
    assert.throws(() => readJournal(new ByteStorage('day', alone)), /^TapeError: the journal begins with sequence \d+: expected a snapshot of \d+ or later beside it$/);
    const broken = new Map([...day.files].map(([name, bytes]) => [name, name.endsWith('.snapshot') ? bytes.slice(0, 900) : bytes]));
    assert.throws(() => readJournal(new ByteStorage('day', broken)), /expected a snapshot of \d+ or later beside it \(snapshot \d+: expected \d+ bytes of content, was \d+\)$/);
  });

  test('is shown up to its damage, and says so', () => {
    const whole100 = machineOf(whole.files);
    const files = damagedCopy((copy) => (copy.get(segments[1])![2_000] ^= 4));
    const machine = machineOf(files);
    assert.ok(machine.inputs > 50 && machine.inputs < whole100.inputs);
    assert.match(machine.faults[0], /^shown up to the damage: /);
    whole100.seek(machine.inputs);
    assert.equal(machine.engine.stateHash(), whole100.engine.stateHash());
    const header = machineOf(damagedCopy((copy) => (copy.get(segments[2])![9] ^= 4)));
    assert.match(header.faults[0], /^shown up to the damage: the header of segment-0000000003/);
    assert.ok(header.inputs > machine.inputs);
    const hole = machineOf(damagedCopy((copy) => copy.delete(segments[1])));
    assert.match(hole.faults[0], /^segment-0000000002\.journal is missing: what is behind it is not shown$/);
    assert.ok(hole.inputs > 50 && hole.inputs < machine.inputs);
  });

  test('that is torn is shown to its last whole record', () => {
    const last = segments.at(-1)!;
    const files = damagedCopy((copy) => {
      // The last record loses its second half, as a write that was cut off leaves it.
      const bytes = copy.get(last)!;
      const end = bytes.findLastIndex((byte) => byte !== 0);
      bytes.fill(0, Math.floor(end / 512) * 512);
    });
    const machine = machineOf(files);
    assert.match(machine.faults.join(), /^torn at the end, or being written: \d+ bytes behind sequence \d+ are left out|^$/);
    const intact = machineOf(whole.files);
    assert.ok(machine.inputs <= intact.inputs && machine.inputs > intact.inputs - 60);
    intact.seek(machine.inputs);
    assert.equal(machine.engine.stateHash(), intact.engine.stateHash());
  });
});

describe('what is no journal of an exchange is refused with a reason', () => {
  const refused = (files: Map<string, Uint8Array>, reason: RegExp): void => {
    assert.throws(() => readJournal(new ByteStorage('these', files)), (error) => error instanceof TapeError && reason.test(error.message));
  };

  test('no segment, a damaged first header, no configuration, other instruments amid', () => {
    refused(new Map([['notes.txt', new Uint8Array(5)]]), /^no segment of a journal among the files of these$/);
    refused(new Map([['segment-0000000001.journal', new Uint8Array(4_096)]]), /^nothing of the journal can be read: the header of segment-0000000001/);
    const written = (write: (writer: JournalWriter) => void): Map<string, Uint8Array> => {
      const disk = new MemoryDisk(1);
      const writer = JournalWriter.open(disk.mount(), { segmentBytes: 4_096 });
      write(writer);
      writer.close(9);
      return disk.contents();
    };
    const add = (writer: JournalWriter, type: number, payload: Uint8Array): void => void writer.append(type, payload, 0, payload.length, 1);
    refused(written((writer) => add(writer, JournalType.Start, encodeStart(5, 'x'))), /^these has no record of an exchange's configuration/);
    refused(written((writer) => add(writer, JournalType.Commands, new Uint8Array(32))), /^sequence 1 has commands, expected a configuration with instruments before$/);
    const config = (ordersMax: number): Uint8Array =>
      encodeJson({ ordersMax, instruments: [{ ticker: 1, symbol: 'A', minPrice: 1, maxPrice: 9, tickSize: 1, lotSize: 1, decimals: 0 }] });
    refused(
      written((writer) => {
        add(writer, JournalType.Config, config(10));
        add(writer, JournalType.Config, config(11));
      }),
      /^the instruments change at sequence 2: expected those of the beginning$/,
    );
  });

  test('files in memory cannot be changed', () => {
    const storage = new ByteStorage('these', new Map([['a', Uint8Array.of(1, 2, 3)]]));
    assert.deepEqual([storage.list(), storage.has('a'), storage.has('b')], [['a'], true, false]);
    const target = new Uint8Array(4);
    assert.equal(storage.open('a').readAt(target, 1, 9, 1), 2);
    assert.deepEqual([...target], [0, 2, 3, 0]);
    for (const change of [() => storage.create(), () => storage.rename(), () => storage.remove(), () => storage.lock(), () => storage.open('a').writeAt(target, 0, 1, 0)]) {
      assert.throws(change, (error) => error instanceof StorageError && error.code === 'EROFS');
    }
    assert.throws(() => storage.open('b'), (error) => error instanceof StorageError && error.code === 'ENOENT');
  });
});

test('rows say whether the journal’s own hash was met', () => {
  const tape: Tape = machineOf(whole.files).tape;
  const machine = new TimeMachine(tape);
  machine.build();
  machine.seek(machine.verified[2]);
  const question = { book: 0, levels: 5, rows: 1, trades: 0, level: null, order: null };
  const [row] = momentOf(machine, question).rows;
  assert.equal(row.verified, true);
  assert.match(row.text, /^state-hash: hash [0-9a-f]{16}$/);
  assert.equal(momentOf(machine, question).verifiedTo, machine.verified[2]);
});
