// What a journal of an exchange depends on, and whether a configuration suits it.
//
//   stamp   of the first start: names the sessions of clients and feed for as long as the journal lives
//   shape   the part of the configuration without which its records mean something else
//
// It stands in the Config record behind every Start, and at the beginning of every snapshot.
import { decodeJson } from '../journal/payloads.ts';
import { JournalReader } from '../journal/reader.ts';
import { JournalType } from '../journal/record_types.ts';
import { listSnapshots, readSnapshot } from '../journal/snapshot.ts';
import type { Storage } from '../journal/storage.ts';
import { type ExchangeConfig, NO_LIMIT } from './config.ts';
import { originOf } from './exchange_state.ts';

/** Of a value in a message. */
const TEXT_MAX = 120;
/** Of a list, from the first on that differs. */
const SYMBOLS_SHOWN = 4;

export interface JournalOrigin {
  readonly stamp: number;
  readonly shape: Readonly<Record<string, unknown>>;
}

/** The journal was written under a configuration that differs where it must not. */
export class JournalConfigError extends Error {
  override readonly name = 'JournalConfigError';
}

/** The part of a configuration that must stay for as long as its journal. */
export function shapeOf(config: ExchangeConfig): Readonly<Record<string, unknown>> {
  const { instruments, ordersMax, stp, risingOrderIds, feed } = config;
  return { instruments, ordersMax, stp, risingOrderIds, feedLayout: feed.layout };
}

/** The part that may change while running, as far as something is said: for whoever audits a journal. */
export function runningOf({ risk, limits, snapshot, retransmit }: ExchangeConfig): Readonly<Record<string, unknown>> {
  return {
    limits: said(risk.limits),
    overrides: risk.overrides.map(said),
    collarReference: risk.collarReference,
    fairShares: risk.fairShares,
    sessions: limits,
    snapshotIntervalNs: snapshot.intervalNs,
    retransmitDatagramsPerSecond: retransmit.datagramsPerSecond,
  };
}

/** Without what is not limited. */
function said(limits: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== null && value !== NO_LIMIT));
}

/** What the journal, or its newest whole snapshot, says; null: there is neither. */
export function readOrigin(storage: Storage): JournalOrigin | null {
  for (const sequence of listSnapshots(storage)) {
    const snapshot = readSnapshot(storage, sequence);
    const origin = typeof snapshot === 'string' ? null : originOf(snapshot.content);
    if (isOrigin(origin)) return origin;
  }
  const reader = JournalReader.open(storage);
  try {
    while (reader.next()) {
      if (reader.type !== JournalType.Config) continue;
      const end = reader.payloadAt + reader.payloadLength;
      const origin = jsonOrNull(reader.bytes.subarray(reader.payloadAt, end));
      if (isOrigin(origin)) return origin;
    }
    return null;
  } finally {
    reader.close();
  }
}

/** Throws a JournalConfigError that names every difference. */
export function checkShape(where: string, origin: JournalOrigin, config: ExchangeConfig): void {
  const wanted = shapeOf(config);
  const faults = Object.keys(wanted).flatMap((key) => differences(key, origin.shape[key], wanted[key]));
  if (faults.length === 0) return;
  throw new JournalConfigError(
    `the journal in ${where} was written under another configuration (${faults.join('; ')}): ` +
      'start with that one, or give another directory',
  );
}

/** What a record of another program says is nobody's origin. */
function jsonOrNull(bytes: Uint8Array): unknown {
  try {
    return decodeJson(bytes);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function isOrigin(value: unknown): value is JournalOrigin {
  if (typeof value !== 'object' || value === null) return false;
  const { stamp, shape } = value as Partial<JournalOrigin>;
  return typeof stamp === 'number' && typeof shape === 'object' && shape !== null;
}

/** Where two values differ, by the names that lead there; lists of instruments by their symbols. */
function differences(name: string, expected: unknown, was: unknown): string[] {
  if (JSON.stringify(expected) === JSON.stringify(was)) return [];
  if (!isTable(expected) || !isTable(was)) return [`${name}: expected ${short(expected)}, was ${short(was)}`];
  const [symbols, others] = [symbolsOf(expected), symbolsOf(was)];
  const at = symbols.findIndex((symbol, place) => symbol !== others[place]);
  if (at >= 0 || symbols.length !== others.length) {
    const from = at < 0 ? symbols.length : at;
    return [`${name}: expected ${listed(symbols, from)}, was ${listed(others, from)}`];
  }
  const keys = new Set([...Object.keys(expected), ...Object.keys(was)]);
  return [...keys].flatMap((key) => differences(`${name}.${symbolOf(was[key]) ?? key}`, expected[key], was[key]));
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function symbolOf(value: unknown): string | null {
  return isTable(value) && typeof value['symbol'] === 'string' ? value['symbol'] : null;
}

/** Of a list of instruments; none of anything else. */
function symbolsOf(value: object): string[] {
  return Object.values(value).flatMap((one) => symbolOf(one) ?? []);
}

/** "3 (…, T3)": how many, and those from the first on that differs. */
function listed(symbols: readonly string[], from: number): string {
  const shown = symbols.slice(from, from + SYMBOLS_SHOWN);
  const parts = [...(from > 0 ? ['…'] : []), ...shown, ...(symbols.length > from + SYMBOLS_SHOWN ? ['…'] : [])];
  return `${symbols.length} (${parts.join(', ')})`;
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
}
