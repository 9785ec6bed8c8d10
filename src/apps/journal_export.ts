// Rows of a journal into a file: CSV, JSON lines or Parquet, one row for each command and each other
// record. The file appears under its name when it is whole.
//
// Columns are the same in all three; what a row has not is empty, or null. Order ids are unsigned 64
// bits, prices are ticks, `price_text` is decimal where the configuration in the journal names the
// instrument, `time` is wall clock where a Start record came before.
import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { ParquetWriter } from 'hyparquet-writer';
import { jsonValue, type JournalRow, priceText, timeText } from './journal_rows.ts';

export const EXPORT_FORMATS = ['csv', 'jsonl', 'parquet'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

type Cell = number | bigint | string | boolean | Date | null;

interface Column {
  readonly name: string;
  readonly kind: 'integer' | 'long' | 'unsigned' | 'text' | 'time' | 'flag';
  readonly of: (row: JournalRow) => Cell | undefined;
}

/** A journal's columns, in order. */
export const EXPORT_COLUMNS: readonly Column[] = [
  { name: 'sequence', kind: 'long', of: (row) => BigInt(row.sequence) },
  { name: 'slot', kind: 'integer', of: (row) => row.command?.slot },
  { name: 'time_ns', kind: 'long', of: (row) => BigInt(row.timeNs) },
  { name: 'time', kind: 'time', of: (row) => (row.wallMs === null ? null : new Date(row.wallMs)) },
  { name: 'type', kind: 'text', of: (row) => row.type },
  { name: 'command', kind: 'text', of: (row) => row.command?.command },
  { name: 'book', kind: 'integer', of: (row) => row.command?.book },
  { name: 'symbol', kind: 'text', of: (row) => row.instrument?.symbol },
  { name: 'client', kind: 'long', of: (row) => (row.client === null ? null : BigInt(row.client)) },
  { name: 'order_id', kind: 'unsigned', of: (row) => row.command?.order },
  { name: 'side', kind: 'text', of: (row) => row.command?.side },
  { name: 'price', kind: 'integer', of: (row) => row.command?.price },
  { name: 'price_text', kind: 'text', of: priceOf },
  { name: 'qty', kind: 'long', of: (row) => longOf(row.command?.qty) },
  { name: 'order_type', kind: 'text', of: (row) => row.command?.orderType },
  { name: 'tif', kind: 'text', of: (row) => row.command?.tif },
  { name: 'post_only', kind: 'flag', of: (row) => row.command?.postOnly },
  { name: 'chain', kind: 'flag', of: (row) => row.command?.chain },
  { name: 'stp', kind: 'text', of: (row) => row.command?.stp },
  { name: 'display', kind: 'long', of: (row) => longOf(row.command?.display) },
  { name: 'min_qty', kind: 'long', of: (row) => longOf(row.command?.minQty) },
  { name: 'stop_price', kind: 'integer', of: (row) => row.command?.stopPrice },
  { name: 'owner', kind: 'long', of: (row) => longOf(row.command?.owner) },
  { name: 'state', kind: 'text', of: (row) => row.command?.state },
  { name: 'rejected', kind: 'text', of: (row) => row.command?.rejected },
  { name: 'reason', kind: 'text', of: (row) => row.command?.reason },
  {
    name: 'fields',
    kind: 'text',
    of: (row) => (row.fields === null ? null : JSON.stringify(row.fields, jsonValue)),
  },
];

function priceOf(row: JournalRow): string | null {
  if (row.command === null || row.instrument === null) return null;
  return priceText(row.command.price, row.instrument);
}

function longOf(value: number | undefined): bigint | null {
  return value === undefined ? null : BigInt(value);
}

/** Where rows go; nothing of a file is there before `close`. */
export interface RowSink {
  write(row: JournalRow): void | Promise<void>;
  close(): void | Promise<void>;
  /** Leaves nothing behind. */
  abandon(): void;
}

/** Text is written in portions. */
const PORTION_CHARS = 1 << 16;
/** Rows of a row group: some megabytes, so that a reader can skip what it does not want. */
const GROUP_ROWS = 50_000;

/** A sink of this format; without a path CSV and JSON lines go to stdout. */
export async function openSink(format: ExportFormat, path: string | null): Promise<RowSink> {
  if (format === 'parquet') {
    if (path === null) throw new Error('a Parquet file needs a name: expected --out FILE');
    return ParquetSink.open(path);
  }
  const lines = new LineSink(path);
  if (format === 'jsonl') return lines.of((row) => JSON.stringify(jsonOf(row), jsonValue));
  lines.line(EXPORT_COLUMNS.map(({ name }) => name).join(','));
  return lines.of((row) => EXPORT_COLUMNS.map((column) => csvCell(column.of(row), row)).join(','));
}

/** What a row has, by column. */
function jsonOf(row: JournalRow): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const { name, of } of EXPORT_COLUMNS) {
    const cell = of(row) ?? null;
    if (cell !== null) object[name] = cell instanceof Date ? timeText(row) : cell;
  }
  return object;
}

/** RFC 4180: quoted where it must be, quotes doubled. */
function csvCell(cell: Cell | undefined, row: JournalRow): string {
  if (cell === null || cell === undefined) return '';
  const text = cell instanceof Date ? timeText(row) : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

class LineSink {
  readonly #path: string | null;
  readonly #fd: number;
  #text = '';

  constructor(path: string | null) {
    this.#path = path;
    this.#fd = path === null ? process.stdout.fd : openSync(partOf(path), 'w');
  }

  line(text: string): void {
    this.#text += `${text}\n`;
    if (this.#text.length >= PORTION_CHARS) this.#flush();
  }

  of(format: (row: JournalRow) => string): RowSink {
    return {
      write: (row) => this.line(format(row)),
      close: () => {
        this.#flush();
        if (this.#path === null) return;
        closeSync(this.#fd);
        renameSync(partOf(this.#path), this.#path);
      },
      abandon: () => {
        if (this.#path === null) return;
        closeSync(this.#fd);
        rmSync(partOf(this.#path), { force: true });
      },
    };
  }

  #flush(): void {
    let bytes = new TextEncoder().encode(this.#text);
    this.#text = '';
    while (bytes.length > 0) bytes = bytes.subarray(writeSome(this.#fd, bytes));
  }
}

/** A pipe that is full for now is asked again; everything else is an error. */
function writeSome(fd: number, bytes: Uint8Array): number {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}

class ParquetSink implements RowSink {
  readonly #path: string;
  readonly #writer: ParquetWriter;
  #columns: Cell[][] = EXPORT_COLUMNS.map(() => []);

  static async open(path: string): Promise<ParquetSink> {
    // Loaded when it is asked for: no other verb has a use for it.
    const { fileWriter, ParquetWriter: writerClass } = await import('hyparquet-writer');
    const writer = fileWriter(partOf(path));
    return new ParquetSink(path, new writerClass({ writer, schema: schema() }));
  }

  private constructor(path: string, writer: ParquetWriter) {
    this.#path = path;
    this.#writer = writer;
  }

  write(row: JournalRow): void | Promise<void> {
    for (const [index, { of }] of EXPORT_COLUMNS.entries()) {
      this.#columns[index].push(of(row) ?? null);
    }
    return this.#columns[0].length >= GROUP_ROWS ? this.#group() : undefined;
  }

  async close(): Promise<void> {
    if (this.#columns[0].length > 0) await this.#group();
    await this.#writer.finish();
    renameSync(partOf(this.#path), this.#path);
  }

  abandon(): void {
    rmSync(partOf(this.#path), { force: true });
  }

  #group(): void | Promise<void> {
    const columnData = EXPORT_COLUMNS.map(({ name }, index) => ({
      name,
      data: this.#columns[index],
    }));
    this.#columns = EXPORT_COLUMNS.map(() => []);
    return this.#writer.write({ columnData, rowGroupSize: GROUP_ROWS });
  }
}

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema'];

/** A column's type; any of its cells may be null. */
function schemaOf({ name, kind }: Column): Schema[number] {
  const common = { name, repetition_type: 'OPTIONAL' } as const;
  switch (kind) {
    case 'integer':
      return { ...common, type: 'INT32' };
    case 'long':
      return { ...common, type: 'INT64' };
    case 'unsigned':
      return { ...common, type: 'INT64', converted_type: 'UINT_64' };
    case 'text':
      return { ...common, type: 'BYTE_ARRAY', converted_type: 'UTF8' };
    case 'time':
      return { ...common, type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' };
    case 'flag':
      return { ...common, type: 'BOOLEAN' };
  }
}

function schema(): Schema {
  const columns = EXPORT_COLUMNS.map(schemaOf);
  return [{ name: 'journal', num_children: columns.length }, ...columns];
}

function partOf(path: string): string {
  return `${path}.part`;
}
