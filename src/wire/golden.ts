// The golden bytes as a program sees them: for tests and for docs/PROTOCOL.md.
import { readFileSync } from 'node:fs';

export interface GoldenMessage {
  readonly layout: string;
  readonly name: string;
  readonly hex: string;
  /** 64-bit integers as decimal text. */
  readonly fields: Readonly<Record<string, number | string>>;
}

export interface GoldenFrame {
  readonly framing: 'bare' | 'sequenced' | 'soup';
  readonly direction: 'requests' | 'responses';
  readonly name: string;
  readonly hex: string;
  /** What stands in the frames, one after the other. */
  readonly messages: readonly string[];
}

export interface GoldenDatagram {
  readonly name: string;
  readonly kind: 'messages' | 'heartbeat' | 'end' | 'request';
  readonly session: string;
  readonly sequence: number;
  readonly count?: number;
  readonly hex: string;
  readonly messages: readonly string[];
}

export interface Golden {
  readonly messages: readonly GoldenMessage[];
  readonly frames: readonly GoldenFrame[];
  readonly datagrams: readonly GoldenDatagram[];
}

export function readGolden(): Golden {
  const golden: Golden = JSON.parse(readFileSync(new URL('golden.json', import.meta.url), 'utf8'));
  return golden;
}

export function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

export function hexOfBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
