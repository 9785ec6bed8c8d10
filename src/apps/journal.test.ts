// `outcry journal` on a journal as an exchange writes it: configuration, sessions, batches of
// commands over two instruments, a stop; and on damaged ones.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ClientResponse } from '../wire/generated/native.ts';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { MatchingEngine } from '../book/matching_engine.ts';
import { Cmd, COMMAND, type Command, OrderType, Reason, Side, State, Tif } from '../book/types.ts';
import { FileStorage } from '../journal/file_storage.ts';
import {
  encodeJson,
  encodeSession,
  encodeStart,
  encodeStateHash,
  SessionEvent,
} from '../journal/payloads.ts';
import { RecordFlag } from '../journal/record.ts';
import { JournalType } from '../journal/record_types.ts';
import { segmentName } from '../journal/segment.ts';
import { writeSnapshot } from '../journal/snapshot.ts';
import { JournalWriter } from '../journal/writer.ts';
import { exportJournal, orderOf, verifyJournal } from './journal.ts';
import { journalIn } from './journal_directory.ts';
import { EXPORT_COLUMNS } from './journal_export.ts';
import { type JournalFilter, JournalRows, rowJson, rowText } from './journal_rows.ts';

const OUTCRY = fileURLToPath(new URL('../../bin/outcry.mjs', import.meta.url));
const WALL_MS = Date.UTC(2026, 10, 21, 9, 30);
const SECOND_NS = 1e9;
const CONFIG = {
  ordersMax: 1000,
  stp: 1,
  instruments: [
    { ticker: 1, symbol: 'AAPL', decimals: 2, tickSize: 1, lotSize: 1, minPrice: 1, maxPrice: 1e6 },
    { ticker: 9, symbol: 'BTC-USDT', decimals: 1, tickSize: 5, lotSize: 1, minPrice: 5, maxPrice: 1e6 },
  ],
};

const limit = (client: number, id: bigint, side: Side, price: number, qty: number): Command => ({
  type: Cmd.New, client, id, side, price, qty, orderType: OrderType.Limit, tif: Tif.Gtc,
});

/** Batches, a second apart. */
const BATCHES: readonly (readonly Command[])[] = [
  [limit(1, 77n, Side.Buy, 10_000, 50), limit(2, 77n, Side.Sell, 10_100, 10)],
  [limit(2, 78n, Side.Sell, 10_000, 20), { ...limit(7, 2n ** 64n - 1n, Side.Sell, 200, 5), book: 1, display: 2 }],
  [{ type: Cmd.Replace, client: 1, id: 77n, price: 10_001, qty: 60, chain: true }],
  [{ type: Cmd.State, state: State.Halted }, { type: Cmd.State, state: State.Open }],
  [
    { type: Cmd.Cancel, client: 1, id: 77n },
    { type: Cmd.Cancel, client: 1, id: 77n },
    { type: Cmd.Reject, client: 3, op: Cmd.New, reason: Reason.Quantity, side: 1, price: 5, id: 4n },
  ],
];

function directoryOf(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'outcry-journal-verb-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Writes the journal and returns its directory. */
function journalFor(t: TestContext, segmentBytes = 64 << 10): string {
  const directory = directoryOf(t);
  const storage = new FileStorage(directory);
  const writer = JournalWriter.open(storage, { segmentBytes });
  const engine = new MatchingEngine({ instruments: [{ minPrice: 1, maxPrice: 9 }], ordersMax: 1 });
  let time = 5 * SECOND_NS;
  const append = (type: number, payload: Uint8Array, flags = 0): void => {
    writer.append(type, payload, 0, payload.length, time, flags);
    time += SECOND_NS;
  };
  append(JournalType.Start, encodeStart(WALL_MS, 'outcry 0.1.0'));
  append(JournalType.Config, encodeJson(CONFIG));
  append(JournalType.Session, encodeSession({
    event: SessionEvent.LoggedIn, framing: 3, client: 7, orderId: 5n, outboundSequence: 12, account: 'seven',
  }));
  for (const batch of BATCHES) {
    let slots = 0;
    for (const command of batch) slots += engine.writeCommand(slots, command);
    append(
      JournalType.Commands,
      engine.u8.slice(engine.commandBase, engine.commandBase + slots * COMMAND.size),
    );
    writer.sync();
  }
  append(JournalType.StateHash, encodeStateHash(0xabcn), RecordFlag.StateHash);
  append(JournalType.Operator, encodeJson({ by: 'ops', order: 'halt "AAPL"' }));
  append(200, new Uint8Array([1, 2, 255]));
  writer.close(time);
  storage.close();
  return directory;
}

function rowsOf(directory: string, filter: JournalFilter = {}): string[] {
  return [...new JournalRows(new FileStorage(directory), filter).all()].map(rowText);
}

test('show: every record as a line, commands by their own, with wall clock and decimal prices', (t) => {
  const lines = rowsOf(journalFor(t));
  assert.deepEqual(lines, [
    '         1  2026-11-21T09:30:00.000Z  start          wallClockMs 1795253400000, text outcry 0.1.0',
    `         2  2026-11-21T09:30:01.000Z  config         json ${JSON.stringify(CONFIG)}`,
    '         3  2026-11-21T09:30:02.000Z  session        event logged-in, framing 3, client 7, orderId 5, outboundSequence 12, account seven',
    '         4  2026-11-21T09:30:03.000Z  commands       new 1.77 buy 50 @ 100.00 limit gtc AAPL',
    '         4  2026-11-21T09:30:03.000Z  commands       new 2.77 sell 10 @ 101.00 limit gtc AAPL',
    '         5  2026-11-21T09:30:04.000Z  commands       new 2.78 sell 20 @ 100.00 limit gtc AAPL',
    '         5  2026-11-21T09:30:04.000Z  commands       new 7.18446744073709551615 sell 5 @ 100.0 limit gtc display 2 BTC-USDT',
    '         6  2026-11-21T09:30:05.000Z  commands       replace 1.77 60 @ 100.01 chain AAPL',
    '         7  2026-11-21T09:30:06.000Z  commands       state 0.0 halted AAPL',
    '         7  2026-11-21T09:30:06.000Z  commands       state 0.0 open AAPL',
    '         8  2026-11-21T09:30:07.000Z  commands       cancel 1.77 AAPL',
    '         8  2026-11-21T09:30:07.000Z  commands       cancel 1.77 AAPL',
    '         8  2026-11-21T09:30:07.000Z  commands       reject 3.4 buy @ 0.05 new (quantity) AAPL',
    '         9  2026-11-21T09:30:08.000Z  state-hash     hash 0000000000000abc',
    '        10  2026-11-21T09:30:09.000Z  operator       json {"by":"ops","order":"halt \\"AAPL\\""}',
    '        11  2026-11-21T09:30:10.000Z  type-200       hex 0102ff',
    '        12  2026-11-21T09:30:11.000Z  stop',
  ]);
});

test('filters: type, sequences, times, client, order id, and several at once', (t) => {
  const directory = journalFor(t);
  const sequences = (filter: JournalFilter): number[] =>
    rowsOf(directory, filter).map((line) => Number(line.slice(0, 10)));
  assert.deepEqual(sequences({ types: new Set([JournalType.Start, JournalType.Stop]) }), [1, 12]);
  assert.deepEqual(sequences({ fromSequence: 8, toSequence: 9 }), [8, 8, 8, 9]);
  assert.deepEqual(sequences({ sinceMs: WALL_MS + 9000 }), [10, 11, 12]);
  assert.deepEqual(sequences({ untilMs: WALL_MS + 1500 }), [1, 2]);
  assert.deepEqual(sequences({ client: 7 }), [3, 5]);
  assert.deepEqual(sequences({ order: 77n }), [4, 4, 6, 8, 8]);
  assert.deepEqual(sequences({ order: 2n ** 64n - 1n }), [5]);
  assert.deepEqual(sequences({ order: 77n, client: 2 }), [4]);
  assert.deepEqual(sequences({ order: 77n, toSequence: 6, fromSequence: 5 }), [6]);
  assert.deepEqual(sequences({ client: 99 }), []);
});

test('a row as JSON: integers beyond 2^53 as text, what is not there left out', (t) => {
  const [row] = new JournalRows(new FileStorage(journalFor(t)), { order: 2n ** 64n - 1n }).all();
  assert.deepEqual(rowJson(row), {
    sequence: 5, timeNs: 9 * SECOND_NS, time: '2026-11-21T09:30:04.000Z', type: 'commands',
    slot: 1, command: 'new', book: 1, client: 7, order: 2n ** 64n - 1n, side: 'sell', price: 200,
    qty: 5, orderType: 'limit', tif: 'gtc', stp: 'default', display: 2, minQty: 0, stopPrice: 0,
    symbol: 'BTC-USDT', priceText: '100.0',
  });
});

test('times and prices of a journal without Start and Config are plain numbers', (t) => {
  const directory = directoryOf(t);
  const writer = JournalWriter.open(new FileStorage(directory), { segmentBytes: 8192 });
  const engine = new MatchingEngine({ instruments: [{ minPrice: 1, maxPrice: 9 }], ordersMax: 1 });
  const slots = engine.writeCommand(0, limit(1, 2n, Side.Buy, 3, 4));
  const at = engine.commandBase;
  const bytes = engine.u8.slice(at, at + slots * COMMAND.size);
  writer.append(JournalType.Commands, bytes, 0, bytes.length, 1.5 * SECOND_NS);
  writer.append(JournalType.Config, new TextEncoder().encode('{'), 0, 1, 2 * SECOND_NS);
  writer.flush();
  assert.deepEqual(rowsOf(directory), [
    '         1  1.500000 s  commands       new 1.2 buy 4 @ 3 limit gtc book 0',
    '         2  2.000000 s  config         hex 7b',
  ]);
  assert.deepEqual(rowsOf(directory, { sinceMs: 0 }), [], 'whose time nobody knows');
});

/** 64-bit integers as the JSON lines have them. */
function exact(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value);
}

test('filters: the responses of a client’s own journal by order and client', (t) => {
  const directory = directoryOf(t);
  const writer = JournalWriter.open(new FileStorage(directory), { segmentBytes: 8192 });
  for (let n = 1; n <= 4; n++) {
    const payload = new Uint8Array(8 + ClientResponse.bytes);
    const view = new DataView(payload.buffer);
    ClientResponse.setClient(view, 8, 3);
    ClientResponse.setClientOrderBig(view, 8, BigInt(n % 2));
    writer.append(JournalType.ClientResponse, payload, 0, payload.length, n);
  }
  writer.flush();
  assert.equal(rowsOf(directory, { order: 1n }).length, 2);
  assert.equal(rowsOf(directory, { order: 1n, client: 3 }).length, 2);
  assert.equal(rowsOf(directory, { client: 4 }).length, 0);
});

// ── export ───────────────────────────────────────────────────────────────────────────────────

test('export: the same rows in CSV, JSON lines and Parquet', async (t) => {
  const directory = journalFor(t);
  const out = directoryOf(t);
  const path = (format: string): string => join(out, `audit.${format}`);
  for (const format of ['csv', 'jsonl', 'parquet'] as const) {
    const storage = new FileStorage(directory);
    const { ok, lines, json } = await exportJournal(storage, {}, format, path(format));
    assert.ok(ok);
    assert.deepEqual(lines, [`17 rows in ${path(format)}`]);
    assert.deepEqual(json, { records: 12, rows: 17, fault: null, format, file: path(format) });
  }
  assert.deepEqual(readdirSync(out).toSorted(), ['audit.csv', 'audit.jsonl', 'audit.parquet']);

  const csv = readFileSync(path('csv'), 'utf8').split('\n');
  assert.equal(csv.length, 1 + 17 + 1);
  assert.equal(csv[0], EXPORT_COLUMNS.map(({ name }) => name).join(','));
  assert.equal(
    csv[7],
    '5,1,9000000000,2026-11-21T09:30:04.000Z,commands,new,1,BTC-USDT,7,18446744073709551615,sell,' +
      '200,100.0,5,limit,gtc,,,default,2,0,0,,,,,',
  );
  assert.ok(csv[15].endsWith(',"{""json"":{""by"":""ops"",""order"":""halt \\""AAPL\\""""}}"'), csv[15]);

  const objects = readFileSync(path('jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(objects.length, 17);
  assert.deepEqual(
    [objects[6]['order_id'], objects[6]['price_text'], objects[6]['tif']],
    ['18446744073709551615', '100.0', 'gtc'],
  );

  const file = await asyncBufferFromFile(path('parquet'));
  const rows = await parquetReadObjects({ file });
  assert.equal(rows.length, 17);
  for (const [index, row] of rows.entries()) {
    const { time, ...cells } = row as Record<string, unknown>;
    const expected = objects[index];
    assert.equal((time as Date).toISOString(), expected['time']);
    for (const { name } of EXPORT_COLUMNS) {
      if (name === 'time') continue;
      const texts = [cells[name], expected[name]].map((cell) => JSON.stringify(cell ?? null, exact));
      assert.equal(texts[0], texts[1], `row ${index}, ${name}`);
    }
  }
});

test('export: filters count, nothing is an empty file of the right form, an error leaves no file', async (t) => {
  const directory = journalFor(t);
  const out = directoryOf(t);
  const storage = new FileStorage(directory);
  await exportJournal(storage, { client: 2 }, 'csv', join(out, 'two.csv'));
  assert.equal(readFileSync(join(out, 'two.csv'), 'utf8').trimEnd().split('\n').length, 3);
  await exportJournal(storage, { client: 99 }, 'parquet', join(out, 'none.parquet'));
  const file = await asyncBufferFromFile(join(out, 'none.parquet'));
  assert.deepEqual(await parquetReadObjects({ file }), []);
  await assert.rejects(exportJournal(storage, {}, 'parquet', null), /expected --out FILE/);
  await assert.rejects(exportJournal(storage, {}, 'csv', join(out, 'no/where.csv')), /ENOENT/);
  // A segment that vanishes while it is read.
  const broken = journalFor(t, 4096);
  const source = new FileStorage(broken);
  source.open = () => {
    throw new Error('gone');
  };
  await assert.rejects(exportJournal(source, {}, 'csv', join(out, 'broken.csv')), /gone/);
  assert.deepEqual(readdirSync(out).toSorted(), ['none.parquet', 'two.csv']);
});

test('export: many row groups, in order', async (t) => {
  const directory = directoryOf(t);
  const writer = JournalWriter.open(new FileStorage(directory), { segmentBytes: 8 << 20 });
  const engine = new MatchingEngine({ instruments: [{ minPrice: 1, maxPrice: 9 }], ordersMax: 1 });
  const count = 120_000;
  for (let n = 0; n < count; n += 1000) {
    for (let slot = 0; slot < 1000; slot++) {
      engine.writeCommand(slot, limit(1, BigInt(n + slot), Side.Buy, 5, 1));
    }
    const bytes = engine.u8.slice(engine.commandBase, engine.commandBase + 1000 * COMMAND.size);
    writer.append(JournalType.Commands, bytes, 0, bytes.length, n);
  }
  writer.close(count);
  const path = join(directory, 'all.parquet');
  await exportJournal(new FileStorage(directory), {}, 'parquet', path);
  const rows = await parquetReadObjects({
    file: await asyncBufferFromFile(path),
    columns: ['order_id'],
    rowStart: 49_998,
    rowEnd: 100_002,
  });
  assert.equal(rows.length, 50_004);
  for (const [index, { order_id: id }] of rows.entries()) assert.equal(Number(id), 49_998 + index);
});

// ── order ────────────────────────────────────────────────────────────────────────────────────

test("order: an order's life, from the commands alone", (t) => {
  const { ok, lines, json } = orderOf(new FileStorage(journalFor(t)), 77n, null);
  assert.ok(ok);
  assert.deepEqual(lines, [
    'order 77 of client 1: 20 executed',
    '         4  2026-11-21T09:30:03.000Z  accepted: buy 50 @ 100.00 AAPL, order 1, rests with 50 shown',
    '         5  2026-11-21T09:30:04.000Z  bought 20 @ 100.00 resting, with 2.78, leaves 30',
    '         6  2026-11-21T09:30:05.000Z  replaced: 40 @ 100.01, was @ 100.00',
    '         8  2026-11-21T09:30:07.000Z  canceled: 40 removed',
    '         8  2026-11-21T09:30:07.000Z  rejected (unknown order)',
    'order 77 of client 2: 0 executed',
    '         4  2026-11-21T09:30:03.000Z  accepted: sell 10 @ 101.00 AAPL, order 2, rests with 10 shown',
  ]);
  const { lives } = json as { lives: { client: number; steps: { event: { type: string } }[] }[] };
  assert.deepEqual(lives[0].steps.map(({ event }) => event.type), ['accepted', 'trade', 'replaced', 'canceled', 'rejected']);
});

test('order: of one client; a taker; an order that is not there', (t) => {
  const storage = new FileStorage(journalFor(t));
  assert.equal(orderOf(storage, 77n, 2).lines.length, 2);
  assert.match(orderOf(storage, 78n, null).lines[2], /sold 20 @ 100\.00 taking, with 1\.77, leaves 0/);
  assert.match(orderOf(storage, 2n ** 64n - 1n, 7).lines[1], /sell 5 @ 100\.0 BTC-USDT.* 2 shown/);
  const missing = orderOf(storage, 5n, 1);
  assert.ok(!missing.ok);
  assert.match(missing.lines[0], /^no order 5 of client 1 in /);
});

test('order: without the first record, or a configuration, nothing can be run again', (t) => {
  const pruned = journalFor(t, 4096);
  const storage = new FileStorage(pruned);
  const writer = JournalWriter.open(storage, { segmentBytes: 4096 });
  for (let n = 0; n < 10; n++) writer.append(JournalType.Config, new Uint8Array(900), 0, 900, 1e12);
  writer.close(2e12);
  storage.remove(segmentName(1));
  assert.throws(() => orderOf(new FileStorage(pruned), 77n, null), /begins with sequence \d+: expected/);

  const plain = directoryOf(t);
  const other = JournalWriter.open(new FileStorage(plain), { segmentBytes: 4096 });
  other.append(JournalType.Commands, new Uint8Array(32), 0, 32, 1);
  other.close(2);
  assert.throws(
    () => orderOf(new FileStorage(plain), 77n, null),
    /sequence 1 has commands, expected a Config record/,
  );
});

test('order: other instruments in the middle of a journal are refused, other limits are not', (t) => {
  for (const [change, refused] of [
    [{ ...CONFIG, limits: { orders: 5 } }, false],
    [{ ...CONFIG, instruments: CONFIG.instruments.slice(1) }, true],
  ] as const) {
    const directory = journalFor(t);
    const storage = new FileStorage(directory);
    const writer = JournalWriter.open(storage, { segmentBytes: 64 << 10 });
    const payload = encodeJson(change);
    writer.append(JournalType.Config, payload, 0, payload.length, 1e12);
    writer.close(2e12);
    storage.close();
    const run = (): unknown => orderOf(new FileStorage(directory), 77n, null).lines;
    if (refused) assert.throws(run, /the instruments change at sequence 13/);
    else assert.equal((run() as string[]).length, 8);
  }
});

// ── verify ───────────────────────────────────────────────────────────────────────────────────

test('verify: whole, torn, damaged, with snapshots', (t) => {
  const directory = journalFor(t);
  const storage = new FileStorage(directory);
  const info = { timeNs: 1, stateHash: 1n, configurationHash: 0n, clusterId: 0n };
  writeSnapshot(storage, { ...info, sequence: 9 }, new Uint8Array(10));
  const whole = verifyJournal(storage);
  assert.ok(whole.ok);
  assert.deepEqual(whole.lines, [
    '1 segment, 12 records, sequences 1 to 12',
    'snapshot of 9: whole',
    'whole; its last writer ended in good order',
  ]);

  const path = join(directory, segmentName(1));
  const bytes = readFileSync(path);
  const change = (at: number): ReturnType<typeof verifyJournal> => {
    const changed = Buffer.from(bytes);
    changed[at] ^= 4;
    writeFileSync(path, changed);
    return verifyJournal(storage);
  };
  const damaged = change(1000);
  assert.ok(!damaged.ok);
  assert.match(damaged.lines.at(-1) ?? '', /is damaged: segment-0000000001\.journal at offset \d+, where/);
  const { damage } = damaged.json as { damage: { sequence: number; file: string } };
  assert.deepEqual([damage.file, damage.sequence > 2], [segmentName(1), true]);
  const torn = change(40_000);
  assert.ok(torn.ok);
  assert.match(torn.lines.at(-1) ?? '', /^torn at the end, to be cut at the next start: segment-0+1/);
  writeFileSync(path, bytes);

  const snapshot = join(directory, 'snapshot-0000000000000009.snapshot');
  writeFileSync(snapshot, readFileSync(snapshot).fill(7, 75, 76));
  const bad = verifyJournal(storage);
  assert.ok(!bad.ok);
  assert.match(bad.lines[1], /^snapshot of 9: damaged: expected the content's checksum/);
  assert.deepEqual(verifyJournal(new FileStorage(directoryOf(t))).lines.length, 1);
});

test('verify: a stray bit in a full segment is told', (t) => {
  const directory = journalFor(t, 4096);
  const storage = new FileStorage(directory);
  const writer = JournalWriter.open(storage, { segmentBytes: 4096 });
  for (let n = 0; n < 10; n++) writer.append(JournalType.Config, new Uint8Array(900), 0, 900, 1e12);
  writer.close(2e12);
  const path = join(directory, segmentName(1));
  writeFileSync(path, readFileSync(path).fill(1, 4095));
  assert.match(verifyJournal(storage).lines[1], /^segment-0+1\.journal: 8 bytes at offset 4088 are no/);
});

// ── the command itself ───────────────────────────────────────────────────────────────────────

function outcry(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status: code, stdout, stderr } = spawnSync(process.execPath, [OUTCRY, 'journal', ...args], {
    encoding: 'utf8',
  });
  return { code, stdout, stderr };
}

// An empty directory had been a journal without a fault, with exit code 0: also for who had mistyped its name.
test('a directory without a journal is none, whatever is asked', (t) => {
  const directory = directoryOf(t);
  writeFileSync(join(directory, 'segment-1.journal'), 'not of that name');
  assert.throws(() => journalIn(directory), {
    message: `no journal in ${directory}: expected files segment-….journal, as outcry exchange --journal writes them`,
  });
  const verbs = [['verify'], ['show'], ['export'], ['order', '77'], ['give-up', '--from', '3'], ['view']];
  for (const [verb, ...rest] of verbs) {
    const { code, stdout, stderr } = outcry(verb, directory, ...rest);
    assert.deepEqual([code, stdout], [1, ''], verb);
    assert.match(stderr, /^error: no journal in /, verb);
  }
  assert.equal(journalIn(journalFor(t)).list().length, 1);
});

// Rows are written synchronously, so the reader's end was an exception: "error: EPIPE: broken pipe, write", exit code 1.
test('export into a pipe whose reader goes (| head) ends quietly', async (t) => {
  const child = spawn(process.execPath, [OUTCRY, 'journal', 'export', journalFor(t)], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  const [[code], stderr] = await Promise.all([once(child, 'close') as Promise<[number | null]>, text(child.stderr)]);
  assert.deepEqual([code, stderr], [0, '']);
});

test('the command: verbs, filters, JSON on the last line, exit codes', (t) => {
  const directory = journalFor(t);
  const shown = outcry('show', directory, '--type', 'commands,start', '--limit', '2', '--json');
  const lines = shown.stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as object);
  assert.equal(shown.code, 0);
  assert.equal(lines.length, 3);
  assert.deepEqual(lines[2], { records: 4, rows: 2, fault: null, ok: true });

  const verified = outcry('verify', directory, '--json');
  assert.equal(verified.code, 0);
  const { verdict, records } = JSON.parse(verified.stdout.trimEnd().split('\n').at(-1) ?? '') as {
    verdict: string;
    records: number;
  };
  assert.deepEqual([verdict, records], ['whole', 12]);

  const exported = outcry('export', directory, '--client', '2');
  assert.equal(exported.code, 0);
  assert.equal(exported.stdout.split('\n').length, 4, 'nothing but the CSV');

  assert.equal(outcry('order', directory, '77').code, 0);
  assert.equal(outcry('order', directory, '5').code, 1);

  const path = join(directory, segmentName(1));
  writeFileSync(path, readFileSync(path).fill(9, 900, 901));
  assert.equal(outcry('verify', directory).code, 1);
  assert.match(outcry('verify', directory).stdout, /outcry journal give-up DIR --from \d+ \(it is kept/);
  const cutShort = outcry('show', directory);
  assert.equal(cutShort.code, 1);
  assert.match(cutShort.stdout, /the reading ended before sequence \d+.*outcry journal verify/);

  const refused = outcry('give-up', directory, '--from', '12');
  assert.equal(refused.code, 1);
  const from = /expected sequence (\d+), where the damage is, was 12/.exec(refused.stderr)?.[1] ?? '';
  const given = outcry('give-up', directory, '--from', from, '--json');
  assert.equal(given.code, 0, given.stderr);
  const { lastSequence, keptAs } = JSON.parse(given.stdout.trimEnd().split('\n').at(-1) ?? '') as {
    lastSequence: number;
    keptAs: string[];
  };
  assert.deepEqual([lastSequence, keptAs.length], [Number(from) - 1, 1]);
  assert.equal(outcry('verify', directory).code, 0);

  for (const [args, said] of [
    [['show', directory, '--type', 'comands'], /expected some of start, stop, .*; was "comands"/],
    [['show', directory, '--since', 'noon'], /expected a time such as 2026-11-21T09:30:00Z, was "noon"/],
    [['order', directory, 'x'], /expected an integer 0 … 2\^64 − 1, was "x"/],
    [['show', directory, '--client', '-1'], /expected an integer 0 … 4294967295/],
  ] as const) {
    const { code, stderr } = outcry(...args);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, said);
  }
  const missing = outcry('verify', join(directory, 'missing'));
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /cannot open .*missing: no such file or directory \(ENOENT\)/);
});
