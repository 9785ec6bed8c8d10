// A journal as rows, for `outcry journal show` and `export`: one for each command, one for each
// other record, with what the filters let through.
//
// Wall-clock times come from the Start records: their own time and the clock's at that moment.
// Symbols and decimal prices come from the Config records. So a journal is always read from its
// first record, and the filters leave out what was not asked for.
import { formatDecimal } from '../base/decimal.ts';
import type { Stp } from '../book/types.ts';
import { BOOK_NONE } from '../exchange/sequencer.ts';
import {
  type CommandRecord,
  decodeCommands,
  decodeJson,
  decodeStart,
  describePayload,
  START_BYTES_MIN,
} from '../journal/payloads.ts';
import { JournalReader } from '../journal/reader.ts';
import { JournalType, journalTypeName } from '../journal/record_types.ts';
import type { Storage } from '../journal/storage.ts';
import { jsonValue } from './row_file.ts';

/** What is wanted; what is left out lets everything through. */
export interface JournalFilter {
  readonly types?: ReadonlySet<number>;
  readonly fromSequence?: number;
  readonly toSequence?: number;
  /** Milliseconds since 1970; records of unknown wall time are left out. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly client?: number;
  /** A client's order id. */
  readonly order?: bigint;
}

/** One command, or one record of another type. */
export interface JournalRow {
  readonly sequence: number;
  readonly timeNs: number;
  /** Null before the first Start record. */
  readonly wallMs: number | null;
  readonly type: string;
  readonly command: CommandRecord | null;
  /** Of the command's book; null where no configuration names it. */
  readonly instrument: NamedInstrument | null;
  readonly client: number | null;
  /** What another record says, by field. */
  readonly fields: Readonly<Record<string, unknown>> | null;
}

export interface NamedInstrument {
  readonly symbol: string;
  readonly decimals: number;
  /** Price units in a tick. */
  readonly tickSize: number;
}

/** Told how far the reading is. */
export type RowsProgress = (sequence: number) => void;
const PROGRESS_RECORDS = 1 << 15;

/** What the records so far say about those that follow. */
export class JournalContext {
  instruments: readonly NamedInstrument[] = [];
  #start: { readonly timeNs: number; readonly wallMs: number } | null = null;

  learn(type: number, timeNs: number, payload: Uint8Array): void {
    if (type === JournalType.Start && payload.length >= START_BYTES_MIN) {
      this.#start = { timeNs, wallMs: decodeStart(payload).wallClockMs };
    } else if (type === JournalType.Config) {
      this.instruments = instrumentsOf(payload) ?? this.instruments;
    }
  }

  /** Milliseconds since 1970 of a record's time; null: nobody has said. */
  wallMs(timeNs: number): number | null {
    if (this.#start === null) return null;
    return this.#start.wallMs + (timeNs - this.#start.timeNs) / 1e6;
  }
}

/** The rows of a journal, in order; `reader.end` says afterwards how the reading ended. */
export class JournalRows {
  /** Records read, and rows let through. */
  records = 0;
  rows = 0;
  readonly reader: JournalReader;
  readonly #filter: JournalFilter;
  readonly #onProgress: RowsProgress;
  readonly #context = new JournalContext();

  constructor(storage: Storage, filter: JournalFilter, onProgress: RowsProgress = () => {}) {
    this.reader = JournalReader.open(storage);
    this.#filter = filter;
    this.#onProgress = onProgress;
  }

  *all(): Generator<JournalRow> {
    const { reader } = this;
    const { fromSequence = 0, toSequence = Infinity } = this.#filter;
    while (reader.next()) {
      this.records += 1;
      if (this.records % PROGRESS_RECORDS === 0) this.#onProgress(reader.sequence);
      if (reader.sequence > toSequence) return;
      const payload = payloadOf(reader);
      this.#context.learn(reader.type, reader.timeNs, payload);
      const wallMs = this.#context.wallMs(reader.timeNs);
      if (reader.sequence < fromSequence || !this.#inTime(wallMs)) continue;
      if (this.#filter.types?.has(reader.type) === false) continue;
      for (const row of this.#rowsOf(payload, wallMs)) {
        this.rows += 1;
        yield row;
      }
    }
  }

  #inTime(wallMs: number | null): boolean {
    const { sinceMs, untilMs } = this.#filter;
    if (sinceMs === undefined && untilMs === undefined) return true;
    return wallMs !== null && wallMs >= (sinceMs ?? -Infinity) && wallMs <= (untilMs ?? Infinity);
  }

  *#rowsOf(payload: Uint8Array, wallMs: number | null): Generator<JournalRow> {
    const { sequence, timeNs, type } = this.reader;
    const common = { sequence, timeNs, wallMs, type: journalTypeName(type) };
    const { client, order } = this.#filter;
    if (type !== JournalType.Commands) {
      const fields = describePayload(type, payload);
      const of = typeof fields['client'] === 'number' ? fields['client'] : null;
      if (client !== undefined && client !== of) return;
      if (order !== undefined && order !== fields['order']) return;
      yield { ...common, command: null, instrument: null, client: of, fields };
      return;
    }
    for (const command of decodeCommands(payload)) {
      if (client !== undefined && command.client !== client) continue;
      if (order !== undefined && command.order !== order) continue;
      const instrument = this.#context.instruments[command.book] ?? null;
      yield { ...common, command, instrument, client: command.client, fields: null };
    }
  }
}

/** The payload of the record at hand; the reader's until its next. */
export function payloadOf(reader: JournalReader): Uint8Array {
  return reader.bytes.subarray(reader.payloadAt, reader.payloadAt + reader.payloadLength);
}

/** What a Config record says, as far as it is of the engine. */
export interface JournaledConfig {
  readonly instruments?: unknown;
  readonly ordersMax?: number;
  readonly stp?: Stp;
}

/**
 * The JSON of a Config record; null: it is none. An exchange's says what must not change, its `shape`, apart
 * from what may (exchange/journal_origin.ts).
 */
export function journaledConfig(payload: Uint8Array): JournaledConfig | null {
  let config: unknown;
  try {
    config = decodeJson(payload);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (typeof config !== 'object' || config === null) return null;
  const { shape } = config as { shape?: object | null };
  return { ...config, ...shape };
}

/** Symbols and price forms of a Config record; null where it has none. */
function instrumentsOf(payload: Uint8Array): NamedInstrument[] | null {
  const list = journaledConfig(payload)?.instruments;
  if (!Array.isArray(list)) return null;
  return list.map((one: Partial<NamedInstrument> | null, book) => ({
    symbol: one?.symbol ?? `book ${book}`,
    decimals: one?.decimals ?? 0,
    tickSize: one?.tickSize ?? 1,
  }));
}

/** A price in ticks as the instrument's decimal text; ticks where nothing names it. */
export function priceText(ticks: number, instrument: NamedInstrument | null): string {
  if (instrument === null) return String(ticks);
  return formatDecimal(BigInt(ticks * instrument.tickSize), instrument.decimals);
}

/** Beyond there is no date; only a record of another program says so. */
const DATE_MS_MAX = 8.64e15;

export function timeText(row: { wallMs: number | null; timeNs: number }): string {
  if (row.wallMs === null || Math.abs(row.wallMs) > DATE_MS_MAX) return `${(row.timeNs / 1e9).toFixed(6)} s`;
  return new Date(row.wallMs).toISOString();
}

/** A row as a line for people. */
export function rowText(row: JournalRow): string {
  const head = `${String(row.sequence).padStart(10)}  ${timeText(row)}  ${row.type.padEnd(13)}`;
  if (row.command !== null) return `${head}  ${commandText(row.command, row.instrument)}`;
  const { fields } = row;
  if (fields === null) return head.trimEnd();
  const said = Object.entries(fields).map(([name, value]) => `${name} ${valueText(value)}`);
  return `${head}  ${said.join(', ')}`.trimEnd();
}

function commandText(command: CommandRecord, instrument: NamedInstrument | null): string {
  const words = [command.command, `${command.client}.${command.order}`];
  if (command.side !== 'none') words.push(command.side);
  if (command.qty > 0) words.push(String(command.qty));
  if (command.price !== 0) words.push('@', priceText(command.price, instrument));
  for (const word of [command.orderType, command.tif, command.state, command.rejected]) {
    if (word !== undefined) words.push(word);
  }
  if (command.stp !== undefined && command.stp !== 'default') words.push(`stp ${command.stp}`);
  if (command.postOnly) words.push('post-only');
  if (command.chain) words.push('chain');
  for (const name of ['display', 'minQty', 'stopPrice', 'owner'] as const) {
    const value = command[name];
    if (value !== undefined && value !== 0) words.push(`${name} ${value}`);
  }
  if (command.reason !== undefined) words.push(`(${command.reason})`);
  words.push(instrument?.symbol ?? (command.book === BOOK_NONE ? 'all books' : `book ${command.book}`));
  return words.join(' ');
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, jsonValue);
}

/** A row as an object of JSON; integers beyond 2^53 become text. */
export function rowJson(row: JournalRow): object {
  const { sequence, timeNs, wallMs, type, command, instrument, fields } = row;
  return {
    sequence,
    timeNs,
    ...(wallMs !== null && { time: timeText(row) }),
    type,
    ...(command !== null && {
      ...command,
      ...(instrument !== null && {
        symbol: instrument.symbol,
        priceText: priceText(command.price, instrument),
      }),
    }),
    ...fields,
  };
}
