// What a seed means: the configuration, who takes part, and which faults strike when. All of it is
// decided before anything runs, so that a plan can be made smaller: a run is a function of its plan.
//
//   seed ─► one generator a subsystem ─┬─ setting   sizes, limits, modes
//                                      ├─ clients   kind, seed, when it comes
//                                      └─ faults    kind, seed, when, how long, whom
//
// Not every seed has every fault: each draws which kinds it has at all, so that some runs are wild, and
// others have one kind alone and go far. Phase one lasts `durationNs`; then everything is healed.
// A client or fault keeps its number when others are left out, and its own generator with it.
import { Prng } from '../base/prng.ts';
import { Stp } from '../book/types.ts';

/** Kinds of faults by the layer that they strike. */
export const FAULT_LAYERS = {
  datagrams: ['loss', 'duplicate', 'reorder', 'burst', 'deaf'],
  streams: ['chunks', 'coalesce', 'stall', 'half-open', 'reset'],
  disk: ['eio-write', 'eio-sync', 'eio-read', 'enospc', 'slow-sync', 'bit-flip', 'misdirect'],
  process: ['kill', 'power', 'die', 'pause', 'snapshot', 'old-snapshot', 'kill-trader', 'halt'],
  clock: ['wall-jump', 'drift'],
  clients: ['invalid', 'fuzz', 'resend', 'slow', 'flood', 'thief', 'loiter'],
  limits: ['limits'],
} as const;

export type FaultLayer = keyof typeof FAULT_LAYERS;
export type FaultKind = (typeof FAULT_LAYERS)[FaultLayer][number];
export const FAULT_KINDS: readonly FaultKind[] = Object.values(FAULT_LAYERS).flat();

/** Clients that misbehave are a kind of fault; the others are these. */
const GOOD_CLIENTS = ['soup', 'bare', 'sequenced', 'maker', 'taker', 'receiver'] as const;
export type GoodClient = (typeof GOOD_CLIENTS)[number];
export type BadClient = (typeof FAULT_LAYERS)['clients'][number];
export type ClientKind = GoodClient | BadClient;

export interface ClientPlan {
  readonly index: number;
  readonly kind: ClientKind;
  readonly seed: number;
  readonly startNs: number;
}

export interface FaultPlan {
  readonly index: number;
  readonly kind: FaultKind;
  readonly seed: number;
  readonly atNs: number;
  readonly lengthNs: number;
  /** A whole number that picks whom it strikes, modulo how many there are. */
  readonly whom: number;
}

/** Sizes, limits and modes of the exchange under test. */
export interface SettingPlan {
  readonly small: boolean;
  readonly instruments: number;
  readonly ordersMax: number;
  readonly stp: Stp;
  readonly cancelOnDisconnect: boolean;
  readonly passwords: boolean;
  readonly durable: boolean;
  readonly segmentBytes: number;
  readonly payloadBytesMax: number;
  readonly hashInterval: number;
  readonly framesPerTurn: number;
  readonly receiveBytes: number;
  readonly slowReaderBytes: number;
  readonly heartbeatNs: number;
  readonly lapseNs: number;
  readonly cycleNs: number;
  readonly retransmitMessages: number;
  readonly positionMax: number;
  readonly openOrdersMax: number;
  readonly orderQtyMax: number;
  readonly collarTicks: number;
  readonly messagesPerSecond: number;
  readonly bufferBytes: number;
  /** Typical time of a sync, and the way from one process to another. */
  readonly syncNs: number;
  readonly wayNs: number;
}

export interface SimPlan {
  readonly seed: number;
  /** Of the phase with faults. */
  readonly durationNs: number;
  readonly setting: SettingPlan;
  readonly clients: readonly ClientPlan[];
  readonly faults: readonly FaultPlan[];
}

const MS = 1_000_000;
/** Clients come within the first so much of phase one. */
const START_SHARE = 0.5;
const DURATION_NS_MIN = 150 * MS;
const DURATION_NS_MAX = 900 * MS;
const FAULTS_MAX = 14;
const SEED_MAX = 2 ** 32;

/** The generators of a seed, one a subsystem, always forked in this order. */
export interface Generators {
  readonly setting: Prng;
  readonly clients: Prng;
  readonly faults: Prng;
  readonly turns: Prng;
  readonly ways: Prng;
  readonly disk: Prng;
  readonly salts: Prng;
  readonly link: Prng;
}

export function generatorsOf(seed: number): Generators {
  const root = new Prng(seed);
  return {
    setting: root.fork(),
    clients: root.fork(),
    faults: root.fork(),
    turns: root.fork(),
    ways: root.fork(),
    disk: root.fork(),
    salts: root.fork(),
    link: root.fork(),
  };
}

/** `kinds`: which faults may be drawn. */
export function makePlan(
  seed: number,
  kinds: ReadonlySet<FaultKind> = new Set(FAULT_KINDS),
  durationNs?: number,
): SimPlan {
  const generators = generatorsOf(seed);
  const drawn = drawKinds(generators.faults, kinds);
  const length = generators.setting.between(DURATION_NS_MIN, DURATION_NS_MAX);
  const duration = durationNs ?? length;
  return {
    seed,
    durationNs: duration,
    setting: makeSetting(generators.setting, drawn.has('limits')),
    clients: makeClients(generators.clients, drawn, duration),
    faults: makeFaults(generators.faults, drawn, duration),
  };
}

/** A third of the kinds on average; of the seeds a tenth has none, a tenth all. */
function drawKinds(prng: Prng, kinds: ReadonlySet<FaultKind>): ReadonlySet<FaultKind> {
  const wildness = prng.below(10);
  const share = wildness === 0 ? 0 : wildness === 9 ? 1 : 0.33;
  return new Set(FAULT_KINDS.filter((kind) => prng.chance(share) && kinds.has(kind)));
}

function makeSetting(prng: Prng, small: boolean): SettingPlan {
  const one = <T>(...choices: readonly T[]): T => choices[prng.below(choices.length)];
  const drawn = {
    instruments: prng.between(1, 3),
    stp: one(Stp.CancelNewest, Stp.CancelOldest, Stp.CancelBoth, Stp.Decrement, Stp.None),
    cancelOnDisconnect: prng.chance(0.4),
    passwords: prng.chance(0.5),
    durable: prng.chance(0.85),
    positionMax: one(0, 60, 200, 1_000),
    openOrdersMax: one(0, 0, 8, 40),
    orderQtyMax: one(0, 0, 60),
    collarTicks: one(0, 0, 30),
    messagesPerSecond: one(0, 0, 0, 200),
    hashInterval: one(1, 7, 64, 1_024),
    segmentBytes: one(8 << 10, 16 << 10, 32 << 10),
    cycleNs: one(10, 40, 200) * MS,
    retransmitMessages: one(1 << 8, 1 << 13),
    syncNs: one(20_000, 150_000, 2 * MS),
    wayNs: one(5_000, 40_000, 500_000),
    payloadBytesMax: 2_048,
    ordersMax: 512,
    framesPerTurn: 64,
    receiveBytes: 16 << 10,
    slowReaderBytes: 32 << 10,
    heartbeatNs: 1_000 * MS,
    lapseNs: 5_000 * MS,
    bufferBytes: 16 << 10,
  };
  if (!small) return { small, ...drawn };
  return {
    small,
    ...drawn,
    ordersMax: prng.between(12, 40),
    segmentBytes: 4 << 10,
    payloadBytesMax: one(704, 1_024),
    hashInterval: prng.between(1, 3),
    framesPerTurn: prng.between(1, 4),
    receiveBytes: 2 << 10,
    slowReaderBytes: one(4, 8) << 10,
    heartbeatNs: prng.between(5, 60) * MS,
    lapseNs: prng.between(1_100, 2_000) * MS,
    retransmitMessages: 64,
    bufferBytes: prng.between(64, 512),
  };
}

function makeClients(prng: Prng, drawn: ReadonlySet<FaultKind>, durationNs: number): ClientPlan[] {
  const kinds: ClientKind[] = ['soup', 'soup', 'receiver'];
  if (prng.chance(0.5)) kinds.push('soup');
  if (prng.chance(0.3)) kinds.push('bare');
  if (prng.chance(0.2)) kinds.push('sequenced');
  if (prng.chance(0.35)) kinds.push('maker');
  if (prng.chance(0.25)) kinds.push('taker');
  if (prng.chance(0.3)) kinds.push('receiver');
  for (const kind of FAULT_LAYERS.clients) if (drawn.has(kind)) kinds.push(kind);
  return kinds.map((kind, index) => {
    const late = index > 1 && prng.chance(0.4);
    const startNs = late ? prng.below(Math.ceil(durationNs * START_SHARE)) : prng.below(2 * MS);
    return { index, kind, seed: prng.below(SEED_MAX), startNs };
  });
}

function makeFaults(prng: Prng, drawn: ReadonlySet<FaultKind>, durationNs: number): FaultPlan[] {
  const bad: ReadonlySet<FaultKind> = new Set([...FAULT_LAYERS.clients, ...FAULT_LAYERS.limits]);
  const kinds = [...drawn].filter((kind) => !bad.has(kind));
  if (kinds.length === 0) return [];
  const count = prng.between(1, FAULTS_MAX);
  const faults: FaultPlan[] = [];
  for (let index = 0; index < count; index++) {
    const kind = kinds[prng.below(kinds.length)];
    const atNs = prng.below(durationNs);
    const lengthNs = prng.between(MS, Math.ceil(durationNs / 2));
    faults.push({ index, kind, seed: prng.below(SEED_MAX), atNs, lengthNs, whom: prng.below(1 << 16) });
  }
  return faults;
}

/** The kinds that words name: kinds, layers, `none`, `all`. A RangeError for any other word. */
export function kindsNamed(words: readonly string[]): ReadonlySet<FaultKind> {
  const kinds = new Set<FaultKind>();
  for (const word of words) {
    if (word === 'none') continue;
    const found = FAULT_KINDS.filter(
      (kind) => word === 'all' || kind === word || isOf(kind, word),
    );
    if (found.length === 0) {
      const expected = ['all', 'none', ...Object.keys(FAULT_LAYERS), ...FAULT_KINDS].join(', ');
      throw new RangeError(`fault: expected one of ${expected}, was ${word}`);
    }
    for (const kind of found) kinds.add(kind);
  }
  return kinds;
}

function isOf(kind: FaultKind, layer: string): boolean {
  const kinds: readonly string[] | undefined = (FAULT_LAYERS as Record<string, readonly string[]>)[layer];
  return kinds?.includes(kind) ?? false;
}

/** What is left of a plan; a list that is not given leaves all. */
export interface Part {
  readonly clients?: readonly number[] | undefined;
  readonly faults?: readonly number[] | undefined;
  readonly durationNs?: number | undefined;
}

export function partOf(plan: SimPlan, { clients, faults, durationNs }: Part): SimPlan {
  return {
    ...plan,
    durationNs: durationNs ?? plan.durationNs,
    clients: clients === undefined ? plan.clients : plan.clients.filter(({ index }) => clients.includes(index)),
    faults: faults === undefined ? plan.faults : plan.faults.filter(({ index }) => faults.includes(index)),
  };
}
