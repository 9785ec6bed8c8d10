// The types of records: one registry for all journals, so that whoever reads one knows what stands
// in it. `outcry journal` takes its names from here.
//
//   1 … 63      the exchange, and what every journal has
//   64 … 79     the trading client
//   80 … 95     the trading engine as a library
//
// A number is never given a second meaning: old journals are read with it.

export const JournalType = {
  /** A process begins to write: wall clock, and what the times of its records count from. */
  Start: 1,
  /** A process has ended in good order; testifies to everything before it. */
  Stop: 2,
  /** Time has passed, where the machine acts on time without another input. */
  Clock: 3,
  /** The configuration from here on, as JSON. */
  Config: 4,
  /** Somebody has ordered something of the system (halt, kill, reset, …), as JSON. */
  Operator: 5,
  /** A session's log-in or end, and how far its account had come. */
  Session: 6,
  /** A batch of command slots, as the engine takes them (src/book/types.ts, COMMAND). */
  Commands: 7,
  /** The hash of the state after the record before this one. */
  StateHash: 8,
  /** A snapshot of the state after the record before this one has been written. */
  SnapshotMark: 9,
  /** The trading client: a response of the exchange that it has taken in. */
  ClientResponse: 64,
  /** The trading client: order ids that may be used from here on. */
  OrderIdBlock: 65,
  /** The trading client: a log-in was accepted, at this response of this session. */
  ClientSession: 66,
  /** The trading engine: one input, as src/engine/inputs.ts lays it out. */
  EngineInput: 80,
  /** … and one with a configuration behind it, as JSON. */
  EngineInputText: 81,
} as const;
export type JournalType = (typeof JournalType)[keyof typeof JournalType];

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(JournalType).map(([name, number]) => [number, kebab(name)]),
);

/** "commands", "state-hash"; of a number that nobody here knows "type-77". */
export function journalTypeName(type: number): string {
  return NAMES.get(type) ?? `type-${type}`;
}

/** All names, by number. */
export function journalTypes(): readonly (readonly [type: number, name: string])[] {
  return [...NAMES];
}

/** The number of a name; null: there is none. */
export function journalTypeOf(name: string): number | null {
  for (const [type, known] of NAMES) if (known === name) return type;
  const number = /^type-(\d+)$/.exec(name)?.[1];
  return number === undefined ? null : Number(number);
}

function kebab(name: string): string {
  return name.replace(/(?!^)[A-Z]/g, '-$&').toLowerCase();
}
