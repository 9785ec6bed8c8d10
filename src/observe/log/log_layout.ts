// The memory of a log: who writes records, what they mean, and the ring that carries them.
//
//   0        128            128 + SITES_BYTES                                        (bytes)
//   │ header │ sites (JSON) │ ring of 64-byte slots (src/base/ring_buffer.ts) …
//   header: i32 magic, version, least level, pid; f64 lost; f64 time of the start (ns of the writer's clock), the same as ms since 1970
//
//   slot    0          8            12           16                                 64
//           │ time ns  │ site, cells│ sequence   │ six cells: f64, or u32 low and high    │
//   text    slots that follow carry up to 48 bytes of UTF-8 each, whole characters: │ its bytes │ MORE │ sequence │ text │
//
// The sites stand in the memory, so whoever finds it can read the records: another thread, or the next process after this one was
// killed. A record is published whole, text and all, with one store behind it: a reader sees all of it or nothing.
// Limits: SITES_MAX sites, six numbers and one text of TEXT_BYTES_MAX a record.
import { assert } from '../../base/assert.ts';
import { initializeRing, ringBytes } from '../../base/ring_buffer.ts';

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LEVELS)[number];

/** Something that can be said: "client {client} logged in from {peer:text}". */
export interface LogSite {
  readonly name: string;
  readonly level: LogLevel;
  readonly text: string;
}

export type FieldType = 'number' | 'i64' | 'u64' | 'hex' | 'text';
export interface LogField {
  readonly name: string;
  readonly type: FieldType;
}

const FIELD = /\{(\w+)(?::(i64|u64|hex|text))?\}/g;

/** Fields of a site's text, in order. A RangeError says what is wrong with it. */
export function fieldsOf({ name, text }: LogSite): LogField[] {
  const fields = [...text.matchAll(FIELD)].map(([, field, type]): LogField => ({ name: field, type: (type ?? 'number') as FieldType }));
  const texts = fields.filter(({ type }) => type === 'text').length;
  const numbers = fields.length - texts;
  if (numbers > CELLS_MAX || texts > 1) {
    throw new RangeError(`log site ${name}: expected at most ${CELLS_MAX} numbers and one text, was ${numbers} and ${texts}`);
  }
  return fields;
}

/** The text with its fields filled in. */
export function filled(text: string, value: (field: number) => string): string {
  let field = 0;
  return text.replaceAll(FIELD, () => value(field++));
}

export const SLOT_BYTES = 64;
export const CELLS_MAX = 6;
export const CELLS_AT = 16;
/** Of a slot's text. */
export const PART_BYTES = SLOT_BYTES - CELLS_AT;
export const TEXT_PARTS_MAX = 4;
export const TEXT_BYTES_MAX = TEXT_PARTS_MAX * PART_BYTES;
/** In the word of site and cells: a text follows; this slot is part of one. */
export const Flag = { Text: 1 << 24, More: 1 << 25 } as const;

const MAGIC = 0x474f4c4f; // "OLOG"
const VERSION = 2;
const SITES_AT = 128;
const SITES_BYTES = 32_768;
export const SITES_MAX = 1_024;
export const RING_AT = SITES_AT + SITES_BYTES;
/** Half a megabyte: a third of a second at 25,000 records a second while the other thread is off its core. */
export const SLOTS_DEFAULT = 8_192;

export const Word = { Magic: 0, Version: 1, Least: 2, Pid: 3 } as const;
export const Float = { Lost: 2, StartNs: 3, StartMs: 4 } as const;

/** Words between a log's two threads: the reading one is to end; it sleeps until it is woken. */
export const LogControl = { End: 0, Asleep: 1, Words: 2 } as const;

/**
 * Wakes the reading thread out of its deep sleep. A read-modify-write, no mere look: it keeps the records that were published before
 * from becoming visible after it, when the thread has looked for them in vain and sleeps.
 */
export function wakeLogThread(control: Int32Array): void {
  if (Atomics.compareExchange(control, LogControl.Asleep, 1, 0) === 1) Atomics.notify(control, LogControl.Asleep);
}

export function logBytes(slots: number = SLOTS_DEFAULT): number {
  return RING_AT + ringBytes(slots, SLOT_BYTES);
}

/** Lays out an empty log in fresh memory. */
export function initializeLog(
  memory: ArrayBuffer | SharedArrayBuffer, sites: readonly LogSite[], least: LogLevel, nowNs: number, slots: number = SLOTS_DEFAULT,
): void {
  assert(sites.length <= SITES_MAX, 'the sites have room in a record');
  for (const site of sites) fieldsOf(site);
  const bytes = new TextEncoder().encode(JSON.stringify(sites));
  if (bytes.length > SITES_BYTES) throw new RangeError(`log sites: expected at most ${SITES_BYTES} bytes, was ${bytes.length}`);
  new Uint8Array(memory, SITES_AT, SITES_BYTES).fill(0);
  new Uint8Array(memory, SITES_AT, bytes.length).set(bytes);
  initializeRing(memory, RING_AT, slots, SLOT_BYTES);
  const floats = new Float64Array(memory, 0, SITES_AT / 8);
  floats[Float.Lost] = 0;
  floats[Float.StartNs] = nowNs;
  floats[Float.StartMs] = Date.now();
  const words = new Int32Array(memory, 0, SITES_AT / 4);
  words[Word.Version] = VERSION;
  words[Word.Least] = LEVELS.indexOf(least);
  words[Word.Pid] = process.pid;
  Atomics.store(words, Word.Magic, MAGIC);
}

/** The sites of a log; an Error says what else the memory is. */
export function sitesOf(memory: ArrayBuffer | SharedArrayBuffer): LogSite[] {
  if (memory.byteLength < RING_AT) throw new RangeError(`a log: expected at least ${RING_AT} bytes, was ${memory.byteLength}`);
  const words = new Int32Array(memory, 0, SITES_AT / 4);
  if (Atomics.load(words, Word.Magic) !== MAGIC || words[Word.Version] !== VERSION) {
    throw new RangeError(`a log: expected one of version ${VERSION}, was 0x${(words[Word.Magic] >>> 0).toString(16)} ${words[Word.Version]}`);
  }
  const copy = Uint8Array.from(new Uint8Array(memory, SITES_AT, SITES_BYTES)); // TextDecoder takes no shared memory
  return JSON.parse(new TextDecoder().decode(copy.subarray(0, copy.indexOf(0)))) as LogSite[];
}
