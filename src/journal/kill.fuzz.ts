// A process that appends under load, on real files, and is killed (kill -9) at a random moment: all
// that it had reported as acknowledged is there, and each record as it was appended.
// Run by kill.test.ts; by hand:
//   node bin/node26.mjs src/journal/kill.fuzz.ts [kills] [first seed]
//
// The victim is this file as a process of its own: it recovers the journal, goes on behind it, and
// writes every new acknowledged sequence to its stdout, a line each, at once. Odd seeds use the
// journal's threads, even ones the synchronous writer.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Prng } from '../base/prng.ts';
import { FileStorage } from './file_storage.ts';
import { QUEUE_FULL } from './journal_queue.ts';
import { JournalReader } from './reader.ts';
import { JournalType } from './record_types.ts';
import { recover } from './recovery.ts';
import { ThreadedJournal } from './threaded_journal.ts';
import { JournalWriter } from './writer.ts';

const SEGMENT_BYTES = 256 << 10;
const PAYLOAD_BYTES_MAX = 4096;
const WORDS_MAX = 200;
/** A victim that reports nothing for so long is no victim. */
const FIRST_REPORT_MS = 30_000;
const VICTIM = 'victim';

/** The content of a record follows from its sequence. */
const wordsOf = (sequence: number): number => 1 + ((sequence * 7919) % WORDS_MAX);
const firstWordOf = (sequence: number): number => (sequence * 31) & 0x7fff_ffff;

// ── the victim ───────────────────────────────────────────────────────────────────────────────

function report(sequence: number): void {
  writeSync(1, `${sequence}\n`);
}

function fillWords(words: Int32Array, sequence: number): number {
  const count = wordsOf(sequence);
  words.fill(firstWordOf(sequence), 0, count);
  return count * 4;
}

async function appendByThread(directory: string): Promise<never> {
  const storage = new FileStorage(directory, { create: true });
  storage.lock();
  const { position, lastSequence } = recover(storage);
  report(lastSequence);
  const { queue } = await ThreadedJournal.start(directory, position, {
    segmentBytes: SEGMENT_BYTES,
    payloadBytesMax: PAYLOAD_BYTES_MAX,
    ringBytes: 1 << 18,
  });
  const words = new Int32Array(WORDS_MAX);
  let told = lastSequence;
  for (let turn = 0; ; turn++) {
    const length = fillWords(words, queue.lastSequence + 1);
    const type = JournalType.Commands;
    const full = queue.appendWords(type, words, 0, length, turn, 0) === QUEUE_FULL;
    if (turn % 7 === 0 || full) queue.publish();
    const acked = queue.ackableSequence;
    if (acked > told) report((told = acked));
    if (full || turn % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(!queue.failed, queue.failure?.message ?? 'failed');
  }
}

function appendHere(directory: string): never {
  const storage = new FileStorage(directory, { create: true });
  const writer = JournalWriter.open(storage, {
    segmentBytes: SEGMENT_BYTES,
    payloadBytesMax: PAYLOAD_BYTES_MAX,
  });
  report(writer.lastSequence);
  const words = new Int32Array(WORDS_MAX);
  const bytes = new Uint8Array(words.buffer);
  for (let turn = 0; ; turn++) {
    const length = fillWords(words, writer.lastSequence + 1);
    writer.append(JournalType.Commands, bytes, 0, length, turn);
    // What has been written survives the process; it need not have been synced.
    if (turn % 5 === 0) {
      writer.flush();
      report(writer.writtenSequence);
    }
    if (turn % 50 === 0) writer.sync();
  }
}

// ── who kills it ─────────────────────────────────────────────────────────────────────────────

interface Killed {
  readonly reported: number;
  readonly recovered: number;
  readonly cut: boolean;
}

/** Starts a victim on the directory, kills it, recovers and compares. */
export async function killOnce(directory: string, seed: number): Promise<Killed> {
  const prng = new Prng(seed);
  const victim = spawn(
    process.execPath,
    [fileURLToPath(import.meta.url), VICTIM, directory, seed % 2 === 1 ? 'thread' : 'here'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  // Now and then before it reports anything: amid recovery, or amid the first segment.
  const early = prng.chance(0.1);
  const reported = await reportsUntilKilled(victim, early ? prng.below(80) : null, prng.below(120));
  const storage = new FileStorage(directory, { create: true });
  storage.lock();
  try {
    const { lastSequence, cut } = recover(storage);
    assert.ok(lastSequence >= reported, `${lastSequence} are there, ${reported} were acknowledged`);
    checkContents(storage, lastSequence);
    return { reported, recovered: lastSequence, cut: cut !== null };
  } finally {
    storage.close();
  }
}

/** The last sequence that the victim reported. */
function reportsUntilKilled(
  victim: ChildProcess,
  earlyMs: number | null,
  lateMs: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    let late = earlyMs !== null;
    const kill = (): void => void victim.kill('SIGKILL');
    let timer = setTimeout(kill, earlyMs ?? FIRST_REPORT_MS);
    victim.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      // The first line says what recovery found, the next ones what has come since.
      if (late || text.indexOf('\n') === text.lastIndexOf('\n')) return;
      late = true;
      clearTimeout(timer);
      timer = setTimeout(kill, lateMs);
    });
    victim.once('error', reject);
    victim.once('close', (code, signal) => {
      clearTimeout(timer);
      if (signal !== 'SIGKILL') return reject(new Error(`the victim ended by itself, code ${code}`));
      if (!late) return reject(new Error('the victim acknowledged nothing'));
      // A line that was cut off was not told.
      resolve(Number(text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1)));
    });
  });
}

function checkContents(storage: FileStorage, lastSequence: number): void {
  const reader = JournalReader.open(storage);
  while (reader.next()) {
    const { sequence } = reader;
    assert.equal(reader.payloadLength, wordsOf(sequence) * 4, `sequence ${sequence}`);
    const last = reader.payloadAt + reader.payloadLength - 4;
    assert.equal(reader.view.getInt32(reader.payloadAt, true), firstWordOf(sequence));
    assert.equal(reader.view.getInt32(last, true), firstWordOf(sequence));
  }
  reader.close();
  assert.equal(reader.sequence, lastSequence);
}

/** So many kills on one journal, one after the other, which grows from each to the next. */
export async function killMany(kills: number, firstSeed: number): Promise<Killed[]> {
  const results: Killed[] = [];
  let directory = '';
  try {
    for (let n = 0; n < kills; n++) {
      if (n % 20 === 0) {
        if (directory !== '') rmSync(directory, { recursive: true });
        directory = mkdtempSync(join(tmpdir(), 'outcry-kill-'));
      }
      results.push(await killOnce(directory, firstSeed + n));
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return results;
}

if (import.meta.main) {
  const [, , first, directory, how] = process.argv;
  if (first === VICTIM) {
    if (how === 'thread') await appendByThread(directory);
    else appendHere(directory);
  } else {
    const [kills = 100, seed = 1] = process.argv.slice(2).map(Number);
    const results = await killMany(kills, seed);
    const cut = results.filter((result) => result.cut).length;
    const records = results.reduce((sum, { recovered }) => Math.max(sum, recovered), 0);
    console.log(`${kills} kills, nothing lost; ${cut} torn tails; up to ${records} records`);
  }
}
