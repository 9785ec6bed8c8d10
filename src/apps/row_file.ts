// Rows of whatever kind into a file: CSV, JSON lines or Parquet. The file appears under its name when it is whole.
//
// Columns are the same in all three; what a row has not is empty, null, or left out (JSON lines).
import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { ParquetWriter } from 'hyparquet-writer';

export const ROW_FORMATS = ['csv', 'jsonl', 'parquet'] as const;
export type RowFormat = (typeof ROW_FORMATS)[number];

export type Cell = number | bigint | string | boolean | Date | null;

export interface Column<Row> {
  readonly name: string;
  readonly kind: 'integer' | 'long' | 'unsigned' | 'text' | 'time' | 'flag';
  readonly of: (row: Row) => Cell | undefined;
  /** How CSV and JSON lines say a time; by default as ISO 8601 with milliseconds. */
  readonly textOf?: (row: Row) => string;
}

export interface RowTable<Row> {
  /** Of the rows, in Parquet's schema. */
  readonly name: string;
  readonly columns: readonly Column<Row>[];
}

/** Where rows go; nothing of a file is there before `close`. */
export interface RowSink<Row> {
  write(row: Row): void | Promise<void>;
  close(): void | Promise<void>;
  /** Leaves nothing behind. */
  abandon(): void;
}

/** Text is written in portions. */
const PORTION_CHARS = 1 << 16;
/** Rows of a row group: some megabytes, so that a reader can skip what it does not want. */
const GROUP_ROWS = 50_000;

/** A sink of this format; without a path CSV and JSON lines go to stdout. */
export async function openSink<Row>(
  table: RowTable<Row>, format: RowFormat, path: string | null,
): Promise<RowSink<Row>> {
  if (format === 'parquet') {
    if (path === null) throw new Error('a Parquet file needs a name: expected --out FILE');
    return ParquetSink.open(table, path);
  }
  const lines = new LineSink(path);
  const { columns } = table;
  if (format === 'jsonl') return lines.of((row: Row) => JSON.stringify(jsonOf(columns, row), jsonValue));
  lines.line(columns.map(({ name }) => name).join(','));
  return lines.of((row: Row) => columns.map((column) => csvCell(column, row)).join(','));
}

/** What a row has, by column. */
function jsonOf<Row>(columns: readonly Column<Row>[], row: Row): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const column of columns) {
    const cell = column.of(row) ?? null;
    if (cell !== null) object[column.name] = cell instanceof Date ? timeText(column, row, cell) : cell;
  }
  return object;
}

function timeText<Row>(column: Column<Row>, row: Row, time: Date): string {
  return column.textOf === undefined ? time.toISOString() : column.textOf(row);
}

/** For JSON.stringify: 64-bit integers, exact: beyond 2^53 − 1 as text. */
export function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** The format that a file's ending says; csv for any other. */
export function formatOf(out: string | null): RowFormat {
  const ending = out?.slice(out.lastIndexOf('.') + 1);
  return ROW_FORMATS.find((format) => format === ending) ?? 'csv';
}

/** RFC 4180: quoted where it must be, quotes doubled. */
function csvCell<Row>(column: Column<Row>, row: Row): string {
  const cell = column.of(row) ?? null;
  if (cell === null) return '';
  const text = cell instanceof Date ? timeText(column, row, cell) : String(cell);
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

  of<Row>(format: (row: Row) => string): RowSink<Row> {
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

class ParquetSink<Row> implements RowSink<Row> {
  readonly #table: RowTable<Row>;
  readonly #path: string;
  readonly #writer: ParquetWriter;
  #cells: Cell[][];

  static async open<Row>(table: RowTable<Row>, path: string): Promise<ParquetSink<Row>> {
    // Loaded when it is asked for: no other verb has a use for it.
    const { fileWriter, ParquetWriter: writerClass } = await import('hyparquet-writer');
    const writer = fileWriter(partOf(path));
    return new ParquetSink(table, path, new writerClass({ writer, schema: schemaOf(table) }));
  }

  private constructor(table: RowTable<Row>, path: string, writer: ParquetWriter) {
    this.#table = table;
    this.#cells = table.columns.map(() => []);
    this.#path = path;
    this.#writer = writer;
  }

  write(row: Row): void | Promise<void> {
    for (const [index, { of }] of this.#table.columns.entries()) {
      this.#cells[index].push(of(row) ?? null);
    }
    return this.#cells[0].length >= GROUP_ROWS ? this.#group() : undefined;
  }

  async close(): Promise<void> {
    if (this.#cells[0].length > 0) await this.#group();
    await this.#writer.finish();
    renameSync(partOf(this.#path), this.#path);
  }

  abandon(): void {
    rmSync(partOf(this.#path), { force: true });
  }

  #group(): void | Promise<void> {
    const { columns } = this.#table;
    const columnData = columns.map(({ name }, index) => ({ name, data: this.#cells[index] }));
    this.#cells = columns.map(() => []);
    return this.#writer.write({ columnData, rowGroupSize: GROUP_ROWS });
  }
}

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema'];

/** A column's type; any of its cells may be null. */
function columnSchema<Row>({ name, kind }: Column<Row>): Schema[number] {
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

function schemaOf<Row>({ name, columns }: RowTable<Row>): Schema {
  return [{ name, num_children: columns.length }, ...columns.map(columnSchema)];
}

function partOf(path: string): string {
  return `${path}.part`;
}
