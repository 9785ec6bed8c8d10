// What kind of recording a file is, by what it begins with and not by its name.
import { RecordingSource } from './recording_source.ts';
import { ITCH_BYTES } from './itch.ts';
import { isPcap } from './pcap.ts';

export const RECORDING_FORMATS = ['itch', 'pcap', 'dbn', 'binance', 'lobster', 'lobster-book'] as const;
export type RecordingFormat = (typeof RECORDING_FORMATS)[number];

const LOBSTER_COLUMNS = 6;
const LINE_FEED = 10;
const HEAD_BYTES = 4_096;

/** The format of the file's unpacked bytes; null: none that is known. */
export async function formatOfRecording(path: string): Promise<RecordingFormat | null> {
  for await (const piece of new RecordingSource(path)) return formatOfBytes(piece.subarray(0, HEAD_BYTES));
  return null;
}

/** The same of a recording's first bytes. */
export function formatOfBytes(head: Uint8Array): RecordingFormat | null {
  if (isPcap(head)) return 'pcap';
  const end = head.indexOf(LINE_FEED);
  const line = Buffer.from(end < 0 ? head : head.subarray(0, end)).toString('latin1').trimEnd();
  // A DBZ file begins with a zstd frame to be skipped; the reader of DBN says what to do with it.
  if (line.startsWith('DBN') || isDbz(head)) return 'dbn';
  if (/^\d{13,19} \{"/.test(line)) return 'binance';
  if (/^-?\d+(\.\d+)?(,-?\d+)+$/.test(line)) {
    const columns = line.split(',').length;
    if (columns === LOBSTER_COLUMNS || line.includes('.')) return 'lobster';
    return columns % 4 === 0 ? 'lobster-book' : null;
  }
  return isItch(head) ? 'itch' : null;
}

/** A length that is 0 or the type's, and another message behind it. */
function isItch(head: Uint8Array): boolean {
  let at = 0;
  for (let message = 0; message < 3 && at + 3 <= head.length; message++) {
    const length = head[at] * 256 + head[at + 1];
    const bytes = ITCH_BYTES[head[at + 2]];
    if (bytes === 0 || (length !== 0 && length !== bytes)) return false;
    at += 2 + bytes;
  }
  return at > 0;
}

function isDbz(head: Uint8Array): boolean {
  return head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18 && head[0] >> 4 === 5;
}
