// Rows of a journal into a file: CSV, JSON lines or Parquet, one row for each command and each other
// record (row_file.ts). Order ids are unsigned 64 bits, prices are ticks, `price_text` is decimal where the configuration in the journal names the
// instrument, `time` is wall clock where a Start record came before.
import { priceText } from '../timetravel/words.ts';
import { type JournalRow, timeText } from './journal_rows.ts';
import { jsonValue, type Column, type RowTable } from './row_file.ts';

/** A journal's columns, in order. */
export const EXPORT_COLUMNS: readonly Column<JournalRow>[] = [
  { name: 'sequence', kind: 'long', of: (row) => BigInt(row.sequence) },
  { name: 'slot', kind: 'integer', of: (row) => row.command?.slot },
  { name: 'time_ns', kind: 'long', of: (row) => BigInt(row.timeNs) },
  {
    name: 'time', kind: 'time', textOf: timeText,
    of: (row) => (row.wallMs === null ? null : new Date(row.wallMs)),
  },
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

export const JOURNAL_TABLE: RowTable<JournalRow> = { name: 'journal', columns: EXPORT_COLUMNS };
