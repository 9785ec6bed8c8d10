// A journal as rows, for `outcry journal show` and `export`: one for each command, one for each
// other record, with what the filters let through.
//
// Wall-clock times come from the Start records: their own time and the clock's at that moment.
// Symbols and decimal prices come from the Config records. So a journal is always read from its
// first record, and the filters leave out what was not asked for.
import {
  type CommandRecord,
  decodeCommands,
  describePayload,
} from '../journal/payloads.ts';
import { JournalReader } from '../journal/reader.ts';
import { JournalType, journalTypeName } from '../journal/record_types.ts';
import type { Storage } from '../journal/storage.ts';
import { JournalContext, type NamedInstrument } from '../timetravel/journal_context.ts';
import { commandText, priceText } from '../timetravel/words.ts';
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

/** Told how far the reading is. */
export type RowsProgress = (sequence: number) => void;
const PROGRESS_RECORDS = 1 << 15;

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
