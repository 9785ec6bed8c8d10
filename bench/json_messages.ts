// What the two processes of the benchmark `json` share: the messages, reading them, and what is added up of them.
import { Prng } from '../src/base/prng.ts';
import { assert } from '../src/base/assert.ts';
import { Line, LineCutter } from '../src/json/line_cutter.ts';
import { MarketMessage } from '../src/json/market_message.ts';
import {
  PRICE_MANTISSA, TIMESTAMP_NANOS, TIMESTAMP_SECONDS, VOLUME,
} from '../src/json/market_message_text.ts';
import type { ReceiveBuffer } from '../src/wire/framing/receive_buffer.ts';

const SYMBOLS = ['AAPL', 'MSFT', 'GOOG', 'BTC-USDT', 'ESZ6'];
const SEED = 9;
const LINE_BYTES_MAX = 4_096;

/** Messages as the other systems write them, one a line: prices as numbers or text, with 0 to 4 decimals. */
export function jsonMessages(count: number): Uint8Array<ArrayBuffer> {
  const prng = new Prng(SEED);
  let timestamp = 1_700_000_000_000_000_000n;
  const lines: string[] = [];
  for (let i = 0; i < count; i++) {
    timestamp += BigInt(prng.between(1, 2_000_000));
    const price = (prng.between(1, 9_999_999) / 10 ** prng.below(5)).toString();
    const written = prng.chance(0.5) ? price : `"${price}"`;
    lines.push(`{"symbol":"${SYMBOLS[prng.below(SYMBOLS.length)]}","price":${written},"volume":${prng.between(1, 100_000)},"timestamp":${timestamp}}\n`);
  }
  return new TextEncoder().encode(lines.join(''));
}

/** Sums of what was read, each exact: below 2^53 for a million messages. */
export class Sums {
  readonly values = new Float64Array(7);

  add(message: MarketMessage): void {
    const { values } = this;
    const { numbers, symbolBytes, symbolEnd } = message;
    values[0] += numbers[PRICE_MANTISSA];
    values[1] += message.priceDecimals;
    values[2] += numbers[VOLUME];
    values[3] += numbers[TIMESTAMP_SECONDS];
    values[4] += numbers[TIMESTAMP_NANOS];
    for (let i = message.symbolStart; i < symbolEnd; i++) values[5] += symbolBytes[i];
    values[6] += 1;
  }

  /** As C adds them up. */
  get wrapped(): bigint[] {
    const [mantissas, decimals, volumes, seconds, nanos, letters] = [...this.values].map(BigInt);
    const timestamps = seconds * 1_000_000_000n + nanos;
    return [mantissas, decimals, volumes, timestamps, letters].map((sum) => BigInt.asUintN(64, sum));
  }

  equals(other: readonly number[]): boolean {
    return this.values.every((value, at) => value === other[at]);
  }
}

/** Reads the whole lines of a buffer, as the gateway does. */
export class JsonReader {
  readonly sums = new Sums();
  readonly message = new MarketMessage();
  readonly #cutter = new LineCutter(LINE_BYTES_MAX);

  read(buffer: ReceiveBuffer): void {
    let line: number;
    while ((line = this.#cutter.next(buffer)) === Line.Whole) {
      const { start, end } = this.#cutter;
      assert(this.message.read(buffer.bytes, start, end), 'every line is a message');
      this.sums.add(this.message);
    }
    assert(line === Line.Incomplete, 'no line is too long');
  }
}

/** What the peer is told, and what it says: where to connect; then the sums of what came. */
export interface JsonTask {
  readonly messages: number;
}
export type JsonAnswer = { readonly port: number } | { readonly sums: readonly number[] };
