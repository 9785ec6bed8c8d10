// Counters and histograms of a process under names, in one file that any other process reads while it is written.
//
//   0      64        192                256                                              (bytes)
//   │ header │ title   │ –                │ entry 0 │ entry 1 │ … │ data of entry 0 │ data of entry 1 │ …
//   header: u32 magic, version, pid, entries; f64 started, f64 beat (ms since 1970); u32 beats; u32 entry bytes; f64 bytes
//   entry:  u32 kind, u32 data at, f64 bound of a histogram, name in UTF-8 up to a zero byte
//   data:   counter, gauge: one f64     histogram: src/base/histogram.ts     text: u32 version, u32 bytes, UTF-8
//   The bound of a text is the bytes it has room for; its version is odd while it is written.
//
// A name says what is counted, in the form that metrics have: `outcry_stage_ns{stage="matched",operation="new"}`.
// The magic is written last: who finds it finds everything. Counters, gauges and histograms that follow one another and
// belong to one writer share cache lines; an entry with `apart` begins a pair of lines of its own, for another thread's.
//
// Rules: one writer for each entry, plain loads and stores of whole 64-bit cells; a reader sees each cell whole and a little
// late, and two cells not from the same moment. Nobody ever waits, and a stage never notices who looks.
// `beat` tells that the process still works; whoever finds a beat of long ago looks for the process (`isAlive`).
// Cost: that of the counters and histograms. Memory: only pages of values that came are resident.
// Limits: ENTRIES_MAX entries of NAME_BYTES_MAX; declared before the start, none is added later.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { userInfo, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { assert } from '../base/assert.ts';
import { Histogram, histogramBytes } from '../base/histogram.ts';
import { MappedFile, sharedMemoryFolder } from '../os/mapped_file.ts';

const MAGIC = 0x5453434f; // "OCST"
const VERSION = 1;
const TITLE_AT = 64;
const TITLE_BYTES = 128;
const ENTRIES_AT = 256;
const ENTRY_BYTES = 256;
const NAME_AT = 16;
/** What an entry has room for, its end included. */
export const NAME_BYTES_MAX = ENTRY_BYTES - NAME_AT;
/** A megabyte of entries. */
export const ENTRIES_MAX = 4_096;
/** Two cache lines: the prefetcher takes them in pairs. */
const APART_BYTES = 128;
const SUFFIX = '.stats';
const TEXT_HEAD_BYTES = 8;
/** A few sentences. */
export const TEXT_BYTES_MAX = 4_096;
/** A text that changes while it is read is read again, so often. */
const TEXT_TRIES = 8;

const Word = { Magic: 0, Version: 1, Pid: 2, Entries: 3, Beats: 8, EntryBytes: 9 } as const;
const Float = { Started: 2, Beat: 3, Bytes: 5 } as const;

export const StatKind = { Counter: 1, Gauge: 2, Histogram: 3, Text: 4 } as const;
export type StatKind = (typeof StatKind)[keyof typeof StatKind];

const KIND_TEXT: Readonly<Record<StatKind, string>> = { 1: 'a number', 2: 'a number', 3: 'a histogram', 4: 'a text' };

/** What a process is going to count. */
export interface StatDeclaration {
  readonly name: string;
  readonly kind: StatKind;
  /** Of a histogram: the largest value told apart. Of a text: bytes that it has room for. */
  readonly valueMax?: number;
  /** Another writer than the entry before: begins a pair of cache lines of its own. */
  readonly apart?: boolean;
}

export class StatsFormatError extends Error {
  override readonly name = 'StatsFormatError';
}

interface Place extends StatDeclaration {
  readonly at: number;
}

/** Where everything lies, and how much it is. */
function layOut(declarations: readonly StatDeclaration[]): { places: Place[]; bytes: number } {
  if (declarations.length > ENTRIES_MAX) {
    throw new RangeError(`entries were ${declarations.length}, expected at most ${ENTRIES_MAX}`);
  }
  let at = roundUp(ENTRIES_AT + declarations.length * ENTRY_BYTES, APART_BYTES);
  const places = declarations.map((declaration): Place => {
    if (declaration.apart === true || declaration.kind === StatKind.Histogram) at = roundUp(at, APART_BYTES);
    const place = { ...declaration, at };
    at += dataBytes(declaration.kind, declaration.valueMax ?? 0);
    return place;
  });
  return { places, bytes: roundUp(at, APART_BYTES) };
}

/** Throws a RangeError for a bound that is none. */
function dataBytes(kind: StatKind, valueMax: number): number {
  if (kind === StatKind.Histogram) return histogramBytes(valueMax);
  if (kind !== StatKind.Text) return 8;
  if (!(Number.isInteger(valueMax) && valueMax > 0 && valueMax <= TEXT_BYTES_MAX)) {
    throw new RangeError(`room of a text: expected 1 … ${TEXT_BYTES_MAX} bytes, was ${valueMax}`);
  }
  return TEXT_HEAD_BYTES + roundUp(valueMax, 8);
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/** What both sides have. */
abstract class Stats {
  readonly file: MappedFile;
  protected readonly u32: Uint32Array;
  protected readonly f64: Float64Array;
  protected readonly places: ReadonlyMap<string, Place>;

  protected constructor(file: MappedFile, places: readonly Place[]) {
    this.file = file;
    this.u32 = new Uint32Array(file.buffer, 0, ENTRIES_AT / 4);
    this.f64 = new Float64Array(file.buffer);
    this.places = new Map(places.map((place) => [place.name, place]));
    assert(this.places.size === places.length, 'the names of entries differ');
  }

  get names(): string[] {
    return [...this.places.keys()];
  }

  has(name: string): boolean {
    return this.places.has(name);
  }

  /** The histogram of this name, over the shared memory. */
  histogram(name: string): Histogram {
    const { at, valueMax, kind } = this.place(name);
    if (kind !== StatKind.Histogram) throw new RangeError(`${name}: expected a histogram, was ${KIND_TEXT[kind]}`);
    return new Histogram(valueMax, this.file.buffer, at);
  }

  /** Cell of a counter or gauge in `cells`; look it up once and keep it. */
  cell(name: string): number {
    const { at, kind } = this.place(name);
    if (kind !== StatKind.Counter && kind !== StatKind.Gauge) throw new RangeError(`${name}: expected a number, was ${KIND_TEXT[kind]}`);
    return at / 8;
  }

  /** The whole file as numbers; a writer adds to its cells itself. */
  get cells(): Float64Array {
    return this.f64;
  }

  /** The whole file. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.file.buffer);
  }

  protected place(name: string): Place {
    const place = this.places.get(name);
    if (place === undefined) throw new RangeError(`entry was "${name}", expected one of ${[...this.places.keys()].slice(0, 8).join(', ')}, …`);
    return place;
  }
}

/** The side that counts. */
export class SharedStats extends Stats {
  /** A new file with everything at zero. `title`: what the process is, for people. */
  static create(path: string, title: string, declarations: readonly StatDeclaration[], direct = true): SharedStats {
    const { places, bytes } = layOut(declarations);
    const names = places.map(({ name }) => encoded(name));
    return new SharedStats(MappedFile.create(path, bytes, direct), title, places, names);
  }

  private constructor(file: MappedFile, title: string, places: readonly Place[], names: readonly Uint8Array[]) {
    super(file, places);
    const bytes = new Uint8Array(file.buffer);
    this.title = title;
    for (const [index, { kind, at, valueMax }] of places.entries()) {
      const entryAt = ENTRIES_AT + index * ENTRY_BYTES;
      new Uint32Array(file.buffer, entryAt, 2).set([kind, at]);
      new Float64Array(file.buffer, entryAt + 8, 1)[0] = valueMax ?? 0;
      bytes.set(names[index], entryAt + NAME_AT);
      if (kind === StatKind.Histogram) new Histogram(valueMax, file.buffer, at).initialize();
    }
    this.f64[Float.Started] = this.f64[Float.Beat] = Date.now();
    this.f64[Float.Bytes] = file.buffer.byteLength;
    this.u32.set([0, VERSION, process.pid, places.length]);
    this.u32[Word.EntryBytes] = ENTRY_BYTES;
    Atomics.store(this.u32, Word.Magic, MAGIC);
    file.flush();
  }

  /** What the process is, for people; may change while it starts. */
  set title(title: string) {
    const room = new Uint8Array(this.file.buffer, TITLE_AT, TITLE_BYTES);
    room.fill(0);
    room.set(new TextEncoder().encode(title).subarray(0, TITLE_BYTES - 1));
  }

  /** Writes a text; what it has no room for is cut off. Seldom: it allocates. */
  setText(name: string, text: string): void {
    const { at, kind, valueMax = 0 } = this.place(name);
    if (kind !== StatKind.Text) throw new RangeError(`${name}: expected a text, was ${KIND_TEXT[kind]}`);
    const head = new Uint32Array(this.file.buffer, at, 2);
    const version = head[0];
    Atomics.store(head, 0, version | 1);
    head[1] = new TextEncoder().encodeInto(text, new Uint8Array(this.file.buffer, at + TEXT_HEAD_BYTES, valueMax)).written;
    Atomics.store(head, 0, (version | 1) + 1);
  }

  /** Says that the process works; a few times a second. Where nothing is mapped this brings the figures out. */
  beat(): void {
    this.f64[Float.Beat] = Date.now();
    this.u32[Word.Beats] += 1;
    this.file.flush();
  }

  /** The process ends in order: nobody is to look any more. */
  remove(): void {
    if (!this.file.replaced) rmSync(this.file.path, { force: true });
    this.file.close();
  }
}

function encoded(name: string): Uint8Array {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length === 0 || bytes.length >= NAME_BYTES_MAX || name.includes('\0')) {
    throw new RangeError(`name of an entry: expected 1 … ${NAME_BYTES_MAX - 1} bytes, was ${bytes.length}: "${name}"`);
  }
  return bytes;
}

/** The side that looks. */
export class StatsReader extends Stats {
  /** As they were read last. */
  readonly #texts = new Map<string, string>();

  /** The file of a running process, or one that was left. A StatsFormatError says what else it is. */
  static open(path: string, direct = true): StatsReader {
    const file = MappedFile.open(path, false, direct);
    try {
      return new StatsReader(file, readPlaces(file));
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Without characters that a terminal would obey. */
  get title(): string {
    return textAt(this.file.buffer, TITLE_AT, TITLE_BYTES).replaceAll(/[\p{Cc}\p{Cf}]/gu, '·');
  }

  get pid(): number {
    return this.u32[Word.Pid];
  }

  get startedMs(): number {
    return this.f64[Float.Started];
  }

  /** By the clock of the machine, which may be set back. */
  get beatMs(): number {
    return this.f64[Float.Beat];
  }

  /** Signs of life so far. */
  get beats(): number {
    return this.u32[Word.Beats];
  }

  kind(name: string): StatKind {
    const place = this.places.get(name);
    assert(place !== undefined, 'a kind is asked of an entry that is there');
    return place.kind;
  }

  /** A counter or gauge as it is now. */
  value(name: string): number {
    return this.f64[this.cell(name)];
  }

  /**
   * A text as it is now, without characters that a terminal would obey but the ends of its lines; as it was the last time where its
   * writer has stopped amid it.
   */
  text(name: string): string {
    const { at, kind, valueMax = 0 } = this.place(name);
    if (kind !== StatKind.Text) throw new RangeError(`${name}: expected a text, was ${KIND_TEXT[kind]}`);
    const head = new Uint32Array(this.file.buffer, at, 2);
    for (let tries = 0; tries < TEXT_TRIES; tries += 1) {
      const version = Atomics.load(head, 0);
      const text = new TextDecoder().decode(new Uint8Array(this.file.buffer, at + TEXT_HEAD_BYTES, Math.min(head[1], valueMax)));
      if ((version & 1) !== 0 || Atomics.load(head, 0) !== version) continue;
      this.#texts.set(name, text.replaceAll(/[^\P{Cc}\n]|\p{Cf}/gu, '·'));
      break;
    }
    return this.#texts.get(name) ?? '';
  }

  /** Figures as of now where the file is a copy; nothing to do where it is mapped. */
  refresh(): void {
    this.file.refresh();
  }

  /** The process that counts is there; false also when its number now is another user's. */
  get isAlive(): boolean {
    return !this.file.replaced && processExists(this.pid);
  }

  close(): void {
    this.file.close();
  }

  /** The same, and gives the memory back: no figure and no histogram of it can be read any more. */
  release(): void {
    this.file.release();
  }
}

export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Entries of a file that anybody may have written. */
function readPlaces(file: MappedFile): Place[] {
  const { buffer, path } = file;
  const size = buffer.byteLength;
  const fail = (what: string): never => {
    throw new StatsFormatError(`${path}: expected ${what}`);
  };
  if (size < ENTRIES_AT) fail(`at least ${ENTRIES_AT} bytes, was ${size}`);
  const words = new Uint32Array(buffer, 0, ENTRIES_AT / 4);
  if (words[Word.Magic] !== MAGIC) fail('a file of statistics, or one that is complete');
  if (words[Word.Version] !== VERSION || words[Word.EntryBytes] !== ENTRY_BYTES) {
    fail(`statistics of version ${VERSION}, was ${words[Word.Version]}`);
  }
  const count = words[Word.Entries];
  if (count > ENTRIES_MAX || ENTRIES_AT + count * ENTRY_BYTES > size) fail(`room for its entries, was ${count} entries in ${size} bytes`);
  return Array.from({ length: count }, (_, index) => readPlace(buffer, ENTRIES_AT + index * ENTRY_BYTES, fail));
}

function readPlace(buffer: ArrayBuffer, entryAt: number, fail: (what: string) => never): Place {
  const [kind, at] = new Uint32Array(buffer, entryAt, 2);
  const valueMax = new Float64Array(buffer, entryAt + 8, 1)[0];
  const name = textAt(buffer, entryAt + NAME_AT, NAME_BYTES_MAX);
  if (kind !== StatKind.Counter && kind !== StatKind.Gauge && kind !== StatKind.Histogram && kind !== StatKind.Text) {
    return fail(`a known kind of entry, was ${kind} (${name})`);
  }
  let bytes = 0;
  try {
    bytes = dataBytes(kind, valueMax);
  } catch {
    fail(`a bound of ${kind === StatKind.Text ? 'text' : 'histogram'} ${name}, was ${valueMax}`);
  }
  if (at % 8 !== 0 || at < ENTRIES_AT || at + bytes > buffer.byteLength) fail(`the data of ${name} inside of the file, was byte ${at}`);
  return { name, kind, at, ...((kind === StatKind.Histogram || kind === StatKind.Text) && { valueMax }) };
}

function textAt(buffer: ArrayBuffer, at: number, room: number): string {
  const bytes = new Uint8Array(buffer, at, room);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, end < 0 ? room : end));
}

// ── where they are ─────────────────────────────────────────────────────────────────────────────

/** The user's folder of statistics and logs; made where it is missing. */
export function runtimeFolder(): string {
  const folder = join(sharedMemoryFolder() ?? tmpdir(), `outcry-${userInfo().username}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** The file of this process, `what` being its verb. */
export function statsPath(what: string, pid: number = process.pid, folder: string = runtimeFolder()): string {
  return join(folder, `${what}-${pid}${SUFFIX}`);
}

/** Files of running processes in no order, none of them opened; those that a killed process has left are removed. */
export function statsFiles(folder: string = runtimeFolder()): string[] {
  return readdirSync(folder).filter((name) => name.endsWith(SUFFIX)).map((name) => join(folder, name)).filter((path) => {
    const pid = Number(/-(\d+)$/.exec(basename(path, SUFFIX))?.[1] ?? 0);
    const left = pid > 0 && !processExists(pid);
    if (left) rmSync(path, { force: true });
    return !left;
  });
}

/** The verb of the process that a file is of. */
export function statsVerb(path: string): string {
  return basename(path, SUFFIX).replace(/-\d+$/, '');
}

/** Files of running processes, the newest first. */
export function runningStats(folder: string = runtimeFolder()): string[] {
  return statsFiles(folder)
    .map((path) => ({ path, startedMs: startOf(path) ?? -1 }))
    .filter(({ startedMs }) => startedMs >= 0)
    .toSorted((a, b) => b.startedMs - a.startedMs).map(({ path }) => path);
}

/** null: it is not complete yet, or has just gone. */
function startOf(path: string): number | null {
  try {
    const reader = StatsReader.open(path, false);
    reader.close();
    return reader.startedMs;
  } catch {
    return null;
  }
}
