import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sharedMemoryFolder } from '../../os/mapped_file.ts';
import { LogDrain, type LogFormat, type LogSink } from './log_drain.ts';
import { LogFile } from './log_file.ts';
import { fieldsOf, initializeLog, logBytes, type LogLevel, type LogSite, RING_AT, sitesOf, SLOT_BYTES, TEXT_BYTES_MAX } from './log_layout.ts';
import { Logger } from './logger.ts';
import { Log, recoverLogs, ringPathOf } from './open_log.ts';

const SITES: readonly LogSite[] = [
  { name: 'started', level: 'info', text: 'started' },
  { name: 'filled', level: 'debug', text: 'order {id:u64} filled {qty}' },
  { name: 'login', level: 'info', text: 'client {client} logged in from {peer:text}' },
  { name: 'slow', level: 'warn', text: 'turn took {ns} ns, limit {limit}, mask {mask:hex}' },
  { name: 'sum', level: 'error', text: '{a} {b} {c} {d} {e} {f}' },
  { name: 'change', level: 'info', text: 'by {delta:i64} to {level}' },
];
const S = { started: 0, filled: 1, login: 2, slow: 3, sum: 4, change: 5 } as const;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /;

const folder = mkdtempSync(join(sharedMemoryFolder() ?? tmpdir(), 'outcry-log-test-'));
test.after(() => rmSync(folder, { recursive: true }));

class Lines implements LogSink {
  text = '';
  write(lines: string): void {
    this.text += lines;
  }
  close(): void {}
  /** Without the stamps. */
  get lines(): string[] {
    return this.text.split('\n').slice(0, -1).map((line) => line.replace(TIME, ''));
  }
}

interface Made {
  readonly memory: SharedArrayBuffer;
  readonly logger: Logger;
  readonly sink: Lines;
  readonly drain: LogDrain;
}

function made(level: LogLevel = 'trace', slots = 64, format: LogFormat = 'text'): Made {
  const memory = new SharedArrayBuffer(logBytes(slots));
  initializeLog(memory, SITES, level, 0, slots);
  const sink = new Lines();
  return { memory, logger: new Logger(memory), sink, drain: new LogDrain(memory, sink, format) };
}

test('records of every kind become lines', () => {
  const { logger, sink, drain } = made();
  logger.say(S.started);
  logger.sayWide(S.filled, -1, -1, 25);
  logger.sayText(S.login, 7, '127.0.0.1:50112');
  logger.say3(S.slow, 1_234_567, 1e6, 255);
  logger.say6(S.sum, 1, -2.5, 2 ** 53, 0, NaN, Infinity);
  logger.sayWide(S.change, -5, -1, 3);
  drain.drain();
  assert.deepEqual(sink.lines, [
    'INFO  started',
    'DEBUG order 18446744073709551615 filled 25',
    'INFO  client 7 logged in from 127.0.0.1:50112',
    'WARN  turn took 1234567 ns, limit 1000000, mask 0xff',
    'ERROR 1 -2.5 9007199254740992 0 NaN Infinity',
    'INFO  by -5 to 3',
  ]);
  assert.equal(drain.records, 6);
});

test('as JSON the fields stand beside the text, 64 bits as text', () => {
  const { logger, sink, drain } = made('trace', 64, 'json');
  logger.sayWide(S.filled, 5, 1, 25);
  logger.sayText(S.login, 7, 'a "peer"\n');
  drain.drain();
  const [filled, login] = sink.text.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual({ ...filled, time: '' }, { time: '', level: 'debug', site: 'filled', text: 'order 4294967301 filled 25', id: '4294967301', qty: 25 });
  assert.deepEqual({ ...login, time: '' }, { time: '', level: 'info', site: 'login', text: 'client 7 logged in from a "peer"·', client: 7, peer: 'a "peer"\n' });
});

test('the stamp is the turn’s time, to the nanosecond', () => {
  const { logger, sink, drain } = made();
  const before = Date.now();
  logger.poll(0);
  logger.say(S.started);
  logger.poll(1_500_000_000.75);
  logger.say(S.started);
  drain.drain();
  const times = sink.text.trimEnd().split('\n').map((line) => line.split(' ')[0]);
  const ns = times.map((time) => BigInt(Date.parse(`${time.slice(0, 19)}Z`)) * 1_000_000n + BigInt(time.slice(20, 29)));
  assert.equal(ns[1] - ns[0], 1_500_000_000n);
  assert.ok(Math.abs(Number(ns[0] / 1_000_000n) - before) < 10_000);
});

test('what lies below the level is not written, and the level may change while it runs', () => {
  const { logger, sink, drain } = made('info');
  logger.sayWide(S.filled, 1, 0, 1);
  logger.say(S.started);
  logger.level = 'debug';
  assert.equal(logger.level, 'debug');
  logger.sayWide(S.filled, 2, 0, 1);
  logger.level = 'error';
  logger.say(S.started);
  drain.drain();
  assert.deepEqual(sink.lines, ['INFO  started', 'DEBUG order 2 filled 1']);
  assert.equal(logger.lost, 0, 'what is not said is not lost');
});

test('a full ring counts and goes on; the loss is told with its number', () => {
  const { logger, sink, drain } = made('trace', 16);
  for (let i = 0; i < 50; i += 1) logger.say3(S.slow, i, 0, 0);
  assert.equal(logger.lost, 34);
  assert.equal(logger.waiting, 16);
  drain.drain();
  assert.equal(sink.lines.length, 17);
  assert.equal(sink.lines.at(-1), 'WARN  the log was full: 34 records are lost');
  logger.say(S.started);
  drain.drain();
  assert.deepEqual(sink.lines.slice(17), ['INFO  started'], 'told once');
});

test('texts of any length: cut at the most, at the end of the ring, and never read into the next record', () => {
  for (const length of [0, 1, 47, 48, 49, 96, 97, 191, 192, 193, 5_000]) {
    const { logger, sink, drain } = made('trace', 16);
    const text = Array.from({ length }, (_, i) => String.fromCharCode(97 + (i % 26))).join('');
    logger.sayText(S.login, 1, text);
    logger.say(S.started);
    drain.drain();
    assert.deepEqual(sink.lines, [`INFO  client 1 logged in from ${text.slice(0, TEXT_BYTES_MAX)}`, 'INFO  started'], `${length}`);
  }
  const { logger, sink, drain } = made('trace', 4);
  logger.say(S.started);
  logger.say(S.started);
  logger.sayText(S.login, 1, 'x'.repeat(150)); // room for a head and one part
  drain.drain();
  assert.equal(sink.lines.at(-1), `INFO  client 1 logged in from ${'x'.repeat(48)}`);
  logger.sayText(S.login, 2, 'Müller → \u001b[2J');
  drain.drain();
  assert.equal(sink.lines.at(-1), 'INFO  client 2 logged in from Müller → ·[2J');
});

// Reasons such as "expected 1 … 7" came out as "expected 1 ? 7".
test('texts are UTF-8: no character is cut in two, wherever a slot ends; half a pair becomes the replacement', () => {
  const characters = ['x', 'é', '…', '🂡', '\ud800'];
  for (const character of characters) {
    const bytes = Buffer.byteLength(character);
    for (let before = 40; before <= 49; before += 1) {
      const { logger, sink, drain } = made('trace', 16);
      const text = 'a'.repeat(before) + character.repeat(60);
      logger.sayText(S.login, 1, text);
      logger.say(S.started);
      drain.drain();
      const [line, next] = sink.lines;
      const said = line.slice('INFO  client 1 logged in from '.length);
      const shown = text.toWellFormed();
      assert.ok(shown.startsWith(said), said);
      const left = TEXT_BYTES_MAX - Buffer.byteLength(said);
      assert.ok(said === shown || (left >= 0 && left <= 4 * (bytes - 1)), `${left} bytes of the slots are empty`);
      assert.equal(next, 'INFO  started');
    }
  }
});

test('a text whose slot says any length is read within its slot', () => {
  for (const told of [NaN, -1, 1e300, Infinity, 49]) {
    const { memory, logger, sink, drain } = made('trace', 16);
    logger.sayText(S.login, 1, 'abc');
    logger.say(S.started);
    new Float64Array(memory)[(RING_AT + 384 + SLOT_BYTES) / 8] = told;
    drain.drain();
    assert.ok(sink.lines[0].length <= 'INFO  client 1 logged in from '.length + 48, String(told));
    assert.equal(sink.lines[1], 'INFO  started');
  }
});

test('a record that is not published is not there, however much of it is written', () => {
  const { memory, logger, sink, drain } = made();
  logger.say(S.started);
  // What a writer leaves that was stopped in the midst of a record: its slot is half written, its cursor not moved.
  new Uint8Array(memory, RING_AT + 384 + SLOT_BYTES, 40).fill(0xaa);
  drain.drain();
  assert.deepEqual([sink.lines.length, drain.records, drain.damaged], [1, 1, 0]);
});

test('damaged records are counted and left out, whatever their bytes', () => {
  const { memory, logger, sink, drain } = made('trace', 64);
  for (let i = 0; i < 8; i += 1) logger.say3(S.slow, i, 0, 0);
  const head = (slot: number): number => (RING_AT + 384 + slot * SLOT_BYTES + 8) / 4;
  const words = new Int32Array(memory);
  words[head(1)] = 4_000; // no such site
  words[head(2)] = S.slow | (99 << 16); // more cells than a record
  words[head(3)] = 1 << 25; // a part without a text
  new Float64Array(memory)[(RING_AT + 384 + 4 * SLOT_BYTES) / 8] = NaN; // no time
  drain.drain();
  assert.equal(drain.damaged, 3);
  assert.deepEqual(sink.lines.map((line) => /took (\d)/.exec(line)?.[1]), ['0', '4', '5', '6', '7']);
  assert.match(sink.text, /unknown\.\d{9}Z WARN/);
});

test('sites that do not fit, and memory that is no log, are refused', () => {
  assert.throws(() => fieldsOf({ name: 'x', level: 'info', text: '{a} {b} {c} {d} {e} {f} {g}' }), /at most 6 numbers and one text, was 7 and 0/);
  assert.throws(() => fieldsOf({ name: 'x', level: 'info', text: '{a:text} {b:text}' }), /was 0 and 2/);
  assert.throws(() => sitesOf(new ArrayBuffer(100)), /at least \d+ bytes, was 100/);
  assert.throws(() => sitesOf(new ArrayBuffer(logBytes(16))), /expected one of version 2, was 0x0/);
  assert.deepEqual(sitesOf(made().memory), SITES);
});

test('a file is turned over whole lines at a time, the oldest goes, and an old one is gone on with', () => {
  const path = join(folder, 'turn.log');
  const options = { bytesMax: 100, kept: 2 };
  let file = new LogFile(path, options);
  for (let i = 0; i < 8; i += 1) file.write(`line ${i} ${'x'.repeat(40)}\n`); // 48 bytes: two a file
  file.close();
  const lines = (suffix: string): string[] => readFileSync(path + suffix, 'utf8').trimEnd().split('\n').map((line) => line.slice(0, 6));
  assert.deepEqual([lines(''), lines('.1'), lines('.2')], [['line 6', 'line 7'], ['line 4', 'line 5'], ['line 2', 'line 3']]);
  assert.deepEqual(readdirSync(folder).filter((name) => name.startsWith('turn.log')).length, 3);
  file = new LogFile(path, { bytesMax: 1_000, kept: 2 });
  file.write('later\n');
  file.close();
  assert.deepEqual(lines(''), ['line 6', 'line 7', 'later']);
});

for (const thread of ['dedicated', 'shared'] as const) {
  test(`${thread}: everything said is in the file when the log is closed, in order`, async () => {
    const path = join(folder, `${thread}.log`);
    const log = new Log({ sites: SITES, level: 'info', nowNs: 0, thread, path, slots: 1_024, ringPath: join(folder, `${thread}.logring`) });
    const said = 20_000;
    let lost = 0;
    for (let i = 0; i < said; i += 1) {
      while (log.logger.waiting === 1_024) {
        log.last?.poll(0);
        await new Promise((resolve) => void setImmediate(resolve));
      }
      log.first.poll(i);
      log.logger.say3(S.slow, i, 0, 0);
      lost = log.logger.lost;
    }
    await log.close();
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    assert.equal(lost, 0);
    assert.equal(lines.length, said);
    for (const [index, line] of lines.entries()) assert.ok(line.includes(`took ${index} ns`), `line ${index}: ${line}`);
    assert.ok(!readdirSync(folder).includes(`${thread}.logring`));
  });
}

test('overload: the writer never waits, and lines and losses add up', async () => {
  const path = join(folder, 'overload.log');
  const log = new Log({ sites: SITES, level: 'info', nowNs: 0, thread: 'dedicated', path, slots: 64 });
  const said = 50_000;
  for (let i = 0; i < said; i += 1) log.logger.say3(S.slow, i, 0, 0);
  const { lost } = log.logger;
  await log.close();
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const told = lines.reduce((sum, line) => sum + Number(/(\d+) records are lost/.exec(line)?.[1] ?? 0), 0);
  assert.ok(lost > 0);
  assert.equal(told, lost);
  assert.equal(lines.filter((line) => line.includes('took')).length + lost, said);
});

test('killed amid writing: the next process has every record that was published, whole and in order', { skip: sharedMemoryFolder() === null && 'needs mapped files' }, async () => {
  const ring = ringPathOf('exchange', 0, folder).replace('-0.', '-PID.');
  const program = `
    import { Log } from ${JSON.stringify(new URL('open_log.ts', import.meta.url).href)};
    const log = new Log({
      sites: ${JSON.stringify(SITES)}, level: 'info', nowNs: 0, thread: 'shared', path: '/dev/null',
      ringPath: ${JSON.stringify(ring)}.replace('PID', process.pid), slots: 65536,
    });
    for (let i = 0; ; i += 1) {
      log.logger.sayText(2, i, 'peer ' + i + ' ' + 'y'.repeat(i % 100));
      if (log.logger.waiting > 60000) while (log.last.poll(0) > 0);
      if (i === 50000) process.stdout.write('under way');
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const sink = new Lines();
  const records = recoverLogs(sink, 'text', folder);
  assert.ok(records > 0, 'it was killed while it wrote');
  const lines = sink.lines.filter((line) => line.startsWith('INFO'));
  assert.equal(lines.length, records);
  const first = Number(/client (\d+)/.exec(lines[0])?.[1]);
  for (const [index, line] of lines.entries()) {
    const i = first + index;
    assert.equal(line, `INFO  client ${i} logged in from peer ${i} ${'y'.repeat(i % 100)}`);
  }
  assert.ok(first + records > 50_000, 'the last that were said are among them');
  assert.equal(recoverLogs(sink, 'text', folder), 0, 'once');
});
