// What the records of a journal say about those that follow: names and price forms of instruments, the wall clock, and
// of what form the engine is that its commands are for.
import type { EngineConfig, Stp } from '../book/types.ts';
import type { InstrumentConfig } from '../exchange/config.ts';
import { InstrumentTable } from '../exchange/instruments.ts';
import { decodeJson, decodeStart, START_BYTES_MIN } from '../journal/payloads.ts';
import { JournalType } from '../journal/record_types.ts';

export interface NamedInstrument {
  readonly symbol: string;
  readonly decimals: number;
  /** Price units in a tick. */
  readonly tickSize: number;
}

/** What the records so far say about those that follow. */
export class JournalContext {
  instruments: readonly NamedInstrument[] = [];
  #start: { readonly timeNs: number; readonly wallMs: number } | null = null;

  learn(type: number, timeNs: number, payload: Uint8Array): void {
    if (type === JournalType.Start && payload.length >= START_BYTES_MIN) {
      this.#start = { timeNs, wallMs: decodeStart(payload).wallClockMs };
    } else if (type === JournalType.Config) {
      this.instruments = instrumentsOf(journaledConfig(payload)) ?? this.instruments;
    }
  }

  /** Milliseconds since 1970 of a record's time; null: nobody has said. */
  wallMs(timeNs: number): number | null {
    if (this.#start === null) return null;
    return this.#start.wallMs + (timeNs - this.#start.timeNs) / 1e6;
  }
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
export function instrumentsOf(config: JournaledConfig | null): NamedInstrument[] | null {
  const list = config?.instruments;
  if (!Array.isArray(list)) return null;
  return list.map((one: Partial<NamedInstrument> | null, book) => ({
    symbol: one?.symbol ?? `book ${book}`,
    decimals: one?.decimals ?? 0,
    tickSize: one?.tickSize ?? 1,
  }));
}

/** The engine that a Config record's commands are for; null: it says nothing of an engine. */
export function engineConfigOf(config: JournaledConfig | null): EngineConfig | null {
  const { instruments, ordersMax, stp } = config ?? {};
  if (!Array.isArray(instruments) || ordersMax === undefined) return null;
  return {
    instruments: new InstrumentTable(instruments as InstrumentConfig[]).ranges(),
    ordersMax,
    ...(stp !== undefined && { stp }),
  };
}
