// The reading side of a log: records become lines, lines go to a sink.
//
//   text   2026-11-21T15:04:05.123456789Z INFO  client 7 logged in from 127.0.0.1:50112
//   json   {"time":"2026-…Z","level":"info","site":"login","text":"client 7 …","client":7,"peer":"127.0.0.1:50112"}
//
// An agent: on a thread of its own it waits between polls (log_thread.ts), in a loop with others it takes its turn. Records that the
// writer found no room for are told as a line of their own, with their number, as soon as that is known.
// Records are checked, for the memory may be that of a process that died, or that somebody wrote into: what names no site, or has
// more cells than a record, is counted as `damaged` and left out.
// The stamps are those of the writer's clock since its start, set on the calendar once: they never jump when somebody sets the time.
import { RING_NONE, RingConsumer } from '../../base/ring_buffer.ts';
import {
  CELLS_AT, CELLS_MAX, fieldsOf, filled, Flag, Float, type LogField, type LogSite, PART_BYTES, RING_AT, sitesOf,
} from './log_layout.ts';
import type { Agent } from '../../base/agent.ts';

export type LogFormat = 'text' | 'json';

/** Where lines go. */
export interface LogSink {
  /** Lines with their ends. */
  write(lines: string): void;
  close(): void;
}

/** Records that one poll takes at most: some 100 µs. */
const RECORDS_A_POLL = 64;
const SITE_MASK = 0xffff;
const LEVEL_WIDTH = 5;
const NS_PER_S = 1e9;

export class LogDrain implements Agent {
  readonly name = 'log_drain';
  readonly #ring: RingConsumer;
  readonly #sites: readonly LogSite[];
  readonly #fields: readonly (readonly LogField[])[];
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  readonly #bytes: Buffer;
  readonly #sink: LogSink;
  readonly #format: LogFormat;
  #lostTold = 0;
  /** A slot that was taken and belongs to the next record. */
  #next: number = RING_NONE;
  records = 0;
  damaged = 0;

  constructor(memory: ArrayBuffer | SharedArrayBuffer, sink: LogSink, format: LogFormat = 'text') {
    this.#sites = sitesOf(memory);
    this.#fields = this.#sites.map(fieldsOf);
    this.#ring = new RingConsumer(memory, RING_AT);
    this.#words = new Int32Array(memory);
    this.#floats = new Float64Array(memory, 0, memory.byteLength >>> 3);
    this.#bytes = Buffer.from(memory);
    this.#sink = sink;
    this.#format = format;
  }

  /** Takes some records; how many. */
  poll(): number {
    let lines = '';
    let taken = 0;
    for (; taken < RECORDS_A_POLL; taken += 1) {
      const at = this.#take();
      if (at === RING_NONE) break;
      lines += this.#line(at);
    }
    this.#ring.release();
    lines += this.#lostLine();
    if (lines !== '') this.#sink.write(lines);
    return taken;
  }

  /** In a loop with the writer it comes behind it, so whatever was said in a turn it has had in that turn. */
  dueNs(): number {
    return Infinity;
  }

  /** Everything that has been published. */
  drain(): void {
    while (this.poll() > 0);
  }

  close(): void {
    this.drain();
    this.#sink.close();
  }

  #take(): number {
    const next = this.#next;
    this.#next = RING_NONE;
    return next === RING_NONE ? this.#ring.take() : next;
  }

  #line(at: number): string {
    const head = this.#words[(at >>> 2) + 2];
    const site = head & SITE_MASK;
    const cells = (head >>> 16) & 0xff;
    if ((head & Flag.More) !== 0 || site >= this.#sites.length || cells > CELLS_MAX) {
      this.damaged += 1;
      return '';
    }
    this.records += 1;
    const text = (head & Flag.Text) === 0 ? '' : this.#text();
    const values = this.#fields[site].map((field, index) => this.#value(field, index, at, text));
    return this.#written(this.#sites[site], this.#fields[site], values, this.#floats[at >>> 3]);
  }

  /** The text in the slots that follow. */
  #text(): string {
    let text = '';
    for (;;) {
      const at = this.#ring.take();
      if (at === RING_NONE) return text;
      if ((this.#words[(at >>> 2) + 2] & Flag.More) === 0) {
        this.#next = at;
        return text;
      }
      const bytes = Math.min(PART_BYTES, Math.max(0, this.#floats[at >>> 3]));
      text += this.#bytes.toString('utf8', at + CELLS_AT, at + CELLS_AT + bytes);
    }
  }

  #value({ type }: LogField, index: number, at: number, text: string): string | number | bigint {
    if (type === 'text') return text;
    const cell = (at + CELLS_AT) / 8 + index;
    if (type === 'number') return this.#floats[cell];
    if (type === 'hex') return `0x${this.#floats[cell].toString(16)}`;
    const low = BigInt(this.#words[2 * cell] >>> 0);
    const high = BigInt(type === 'i64' ? this.#words[2 * cell + 1] : this.#words[2 * cell + 1] >>> 0);
    return (high << 32n) | low;
  }

  #written(site: LogSite, fields: readonly LogField[], values: readonly (string | number | bigint)[], ns: number): string {
    const text = printable(filled(site.text, (field) => String(values[field])));
    const time = this.#timeText(ns);
    if (this.#format === 'text') return `${time} ${site.level.toUpperCase().padEnd(LEVEL_WIDTH)} ${text}\n`;
    // 64 bits as text: most readers of JSON would round them.
    const own = Object.fromEntries(fields.map(({ name }, index) => [name, typeof values[index] === 'bigint' ? String(values[index]) : values[index]]));
    return `${JSON.stringify({ time, level: site.level, site: site.name, text, ...own })}\n`;
  }

  #lostLine(): string {
    const lost = this.#floats[Float.Lost];
    const more = lost - this.#lostTold;
    if (more === 0) return '';
    this.#lostTold = lost;
    const site: LogSite = { name: 'lost', level: 'warn', text: 'the log was full: {records} records are lost' };
    return this.#written(site, fieldsOf(site), [more], this.#floats[Float.StartNs] + (Date.now() - this.#floats[Float.StartMs]) * 1e6);
  }

  /** With nine decimals: milliseconds of a date hold three. */
  #timeText(ns: number): string {
    if (!Number.isFinite(ns)) return 'unknown.000000000Z';
    const startMs = this.#floats[Float.StartMs];
    const sinceNs = ns - this.#floats[Float.StartNs] + (startMs % 1_000) * 1e6;
    const seconds = Math.floor(sinceNs / NS_PER_S);
    const rest = Math.min(NS_PER_S - 1, Math.max(0, Math.floor(sinceNs - seconds * NS_PER_S)));
    const date = new Date((Math.floor(startMs / 1_000) + seconds) * 1_000);
    const whole = Number.isNaN(date.getTime()) ? 'unknown' : date.toISOString().slice(0, 19);
    return `${whole}.${String(rest).padStart(9, '0')}Z`;
  }
}

/** A line is one line, and no terminal obeys it. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '·');
}
