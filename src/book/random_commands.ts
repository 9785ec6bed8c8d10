// Random commands for fuzzers and property tests, and what a fuzzer does with a failure: run two
// engines side by side, find the first difference, shrink the commands that lead to it, print them
// as a scenario.
//
// The stream is made to hit: few clients and few ids, so that ids are reused and duplicates
// happen; prices clustered around one centre so that orders meet, with extremes between; moods
// that change every few thousand commands (calm, aggressive, own orders meeting, stops, icebergs),
// so that books fill and drain.
import { Prng } from '../base/prng.ts';
import type { Engine, EngineFactory } from './engine.ts';
import { EventBook } from './event_book.ts';
import { BOOK_ALL } from './order_book.reference.ts';
import { sameEvents } from './same_events.ts';
import { formatCommand, formatConfig, formatEvent } from './scenario.ts';
import {
  CLIENT_ALL, Cmd, OrderType, Reason, Side, State, Stp, Tif,
  type Command, type EngineConfig, type EngineEvent,
} from './types.ts';

const I32_MIN = -(2 ** 31);
const I32_MAX = 2 ** 31 - 1;
const U32_MAX = 2 ** 32 - 1;
const CLIENTS = [1, 2, 3, U32_MAX - 1];
const IDS = 100;
/** Share of new orders, in percent, priced away from the other side, so that books fill. */
const PASSIVE = 50;
const ODD_IDS = [0n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
const ODD_QUANTITIES = [0, U32_MAX, U32_MAX - 1, 2 ** 31, 3_000_000_000];
const CENTRES = [1000, -5, 0];
const STOP_TYPES: number[] = [OrderType.Stop, OrderType.StopLimit];

/** How likely things are for a while; all in percent. */
interface Mood {
  readonly spread: number;
  readonly newOrders: number;
  readonly odd: number;
  readonly market: number;
  readonly stops: number;
  readonly icebergs: number;
  readonly ownerless: number;
  readonly selfTrade: number;
}

const CALM: Mood = {
  spread: 8, newOrders: 55, odd: 1, market: 3, stops: 4, icebergs: 10, ownerless: 90, selfTrade: 20,
};
const MOODS: readonly Mood[] = [
  CALM,
  { ...CALM, spread: 3, newOrders: 60, market: 10, stops: 10, icebergs: 30, selfTrade: 30 },
  { ...CALM, spread: 12, newOrders: 50, odd: 2, market: 5, stops: 45, selfTrade: 10 },
  { ...CALM, spread: 4, newOrders: 60, market: 5, icebergs: 40, ownerless: 30, selfTrade: 90 },
  { ...CALM, spread: 200, newOrders: 70, market: 1, icebergs: 5, selfTrade: 5 },
  { ...CALM, spread: 6, newOrders: 50, odd: 10, market: 10, stops: 15, ownerless: 70 },
];
const TIFS: readonly Tif[] = [
  Tif.Day, Tif.Day, Tif.Gtc, Tif.Gtc, Tif.Gtc, Tif.Gtc, Tif.Gtc, Tif.Gtc, Tif.Ioc, Tif.Fok,
];
const MOOD_COMMANDS = 3000;

interface LiveName {
  readonly client: number;
  readonly id: bigint;
  readonly book: number;
  readonly orderId: bigint;
}

/** An endless stream of commands, the same for the same seed. */
export class RandomCommands {
  readonly config: EngineConfig;
  readonly #random: Prng;
  /** Orders that live, so that changes mostly find one; and each one's index. */
  readonly #live: LiveName[] = [];
  readonly #liveIndex = new Map<bigint, number>();
  readonly #notOpen = new Set<number>();
  #mood = CALM;
  #moodLeft = 0;

  constructor(seed: number) {
    this.#random = new Prng(seed);
    this.config = this.#randomConfig();
  }

  #randomConfig(): EngineConfig {
    return {
      instruments: [
        { minPrice: 1, maxPrice: 1_000_000 },
        { minPrice: I32_MIN, maxPrice: I32_MAX },
        { minPrice: -10, maxPrice: 10 },
      ],
      ordersMax: this.#one([5, 40, 1000, 1000]),
      ...(this.#percent(30) ? { levelsMax: this.#one([1, 3, 5]) } : {}),
      stp: this.#one([Stp.None, Stp.None, Stp.CancelNewest, Stp.Decrement]),
      ackReplaceLast: this.#percent(30),
      ...(this.#percent(30) ? { triggersMax: this.#one([1, 3]) } : {}),
    };
  }

  /** Takes note of what the last command did. */
  observe(events: readonly EngineEvent[]): void {
    for (const event of events) {
      if (event.type === 'accepted') {
        this.#liveIndex.set(event.orderId, this.#live.length);
        const { client, id, book, orderId } = event;
        this.#live.push({ client, id, book, orderId });
      } else if (event.type === 'canceled') {
        this.#gone(event.orderId);
      } else if (event.type === 'trade') {
        if (event.takerLeaves === 0) this.#gone(event.takerOrderId);
        if (event.makerLeaves === 0) this.#gone(event.makerOrderId);
      }
    }
  }

  #gone(orderId: bigint): void {
    const index = this.#liveIndex.get(orderId);
    if (index === undefined) return;
    this.#liveIndex.delete(orderId);
    const last = this.#live.pop()!;
    if (last.orderId === orderId) return;
    this.#live[index] = last;
    this.#liveIndex.set(last.orderId, index);
  }

  next(): Command {
    if (this.#moodLeft-- === 0) {
      this.#mood = this.#one(MOODS);
      this.#moodLeft = MOOD_COMMANDS;
    }
    for (const book of this.#notOpen) {
      if (!this.#percent(25)) continue;
      this.#notOpen.delete(book);
      return { type: Cmd.State, book, state: State.Open };
    }
    const kind = this.#random.below(1000);
    if (kind < this.#mood.newOrders * 10) return this.#newOrder();
    if (kind < 985) return this.#change();
    if (kind < 992) return this.#massCancel();
    if (kind < 997) return this.#state();
    return this.#reject();
  }

  #newOrder(): Command {
    const name = this.#name();
    const book = this.#book();
    const isStop = this.#percent(this.#mood.stops);
    const command: Command = {
      type: Cmd.New, book, ...name,
      side: this.#odd() ? this.#one([0, 2, -2, 127, -128]) : this.#one([Side.Buy, Side.Sell]),
      orderType: isStop ? this.#one(STOP_TYPES)
        : this.#percent(this.#mood.market) ? OrderType.Market : OrderType.Limit,
      tif: this.#one(TIFS),
      price: this.#price(book),
      qty: this.#quantity(),
    };
    const qty = command.qty!;
    if (this.#percent(PASSIVE) && !this.#odd()) command.price = (command.price! - command.side! * this.#mood.spread) | 0; // in a slot's range
    if (this.#odd()) command.orderType = this.#one([0, 5, 255]);
    if (this.#odd()) command.tif = this.#one([2, 5, 255]);
    if (isStop || this.#odd()) command.stopPrice = this.#price(book);
    if (this.#percent(5)) command.postOnly = true;
    if (this.#percent(this.#mood.icebergs)) command.display = this.#upTo(qty);
    if (this.#percent(6)) command.minQty = this.#upTo(qty);
    if (!this.#percent(this.#mood.ownerless)) command.owner = this.#one([1, 2, U32_MAX]);
    if (this.#percent(this.#mood.selfTrade)) command.stp = this.#one([1, 2, 3, 4, 5]) as Stp;
    if (this.#odd()) command.stp = this.#one([6, 255]) as Stp;
    return command;
  }

  #change(): Command {
    const known = this.#live.length > 0 && this.#percent(92) ? this.#one(this.#live) : null;
    const name = known === null ? this.#name() : { client: known.client, id: known.id };
    const book = known === null || this.#percent(2) ? this.#book() : known.book;
    const kind = this.#random.below(10);
    if (kind < 2) return { type: Cmd.Cancel, book, ...name };
    if (kind < 4) return { type: Cmd.Reduce, book, ...name, qty: this.#quantity() };
    const replace: Command = {
      type: Cmd.Replace, book, ...name, price: this.#price(book), qty: this.#quantity(),
    };
    if (this.#percent(25)) replace.chain = true;
    return replace;
  }

  #massCancel(): Command {
    const book = this.#percent(30) ? BOOK_ALL : this.#book();
    const side = this.#odd() ? 3 : this.#one([Side.None, Side.None, Side.Buy, Side.Sell]);
    const command: Command = { type: Cmd.MassCancel, book, client: this.#one(CLIENTS), side };
    // As the system says it: for everybody, with a reason.
    if (this.#percent(10)) command.client = CLIENT_ALL;
    if (this.#percent(20)) command.reason = Reason.Killed;
    return command;
  }

  #state(): Command {
    const book = this.#book();
    const state = this.#odd() ? 3 : this.#one([State.Open, State.Halted, State.Closed]);
    if (state === State.Halted || state === State.Closed) this.#notOpen.add(book);
    return { type: Cmd.State, book, state: state as State };
  }

  #reject(): Command {
    const op = this.#one([Cmd.New, Cmd.Cancel, Cmd.Replace]);
    const book = this.#book();
    const { Malformed } = Reason;
    return { type: Cmd.Reject, book, ...this.#name(), op, reason: Malformed, qty: 1, price: 2 };
  }

  #name(): { client: number; id: bigint } {
    const client = this.#one(CLIENTS);
    const id = this.#percent(3) ? this.#one(ODD_IDS) : BigInt(this.#random.below(IDS) + 1);
    return { client, id };
  }

  #book(): number {
    return this.#odd() ? this.#one([3, 4095, BOOK_ALL - 1]) : this.#random.below(3);
  }

  #price(book: number): number {
    const range = this.config.instruments[book];
    if (range === undefined) return 0;
    if (this.#odd()) {
      return this.#one([range.minPrice, range.maxPrice, I32_MIN, I32_MAX, 0,
        Math.max(range.minPrice - 1, I32_MIN), Math.min(range.maxPrice + 1, I32_MAX)]);
    }
    const { spread } = this.#mood;
    const offset = this.#random.below(2 * spread + 1) - spread;
    return Math.max(range.minPrice, Math.min(range.maxPrice, CENTRES[book] + offset));
  }

  #quantity(): number {
    if (this.#odd()) return this.#one(ODD_QUANTITIES);
    return 1 + this.#random.below(this.#percent(80) ? 12 : 300);
  }

  /** 1 … bound mostly, sometimes beyond. */
  #upTo(bound: number): number {
    if (this.#odd()) return this.#one([U32_MAX, bound + 1]) % 2 ** 32;
    return 1 + this.#random.below(Math.max(1, bound));
  }

  #odd(): boolean {
    return this.#percent(this.#mood.odd);
  }

  #percent(percent: number): boolean {
    return this.#random.below(100) < percent;
  }

  #one<T>(choices: readonly T[]): T {
    return choices[this.#random.below(choices.length)];
  }
}

/** Where and how two engines first differed; `commands` runs up to the one that showed it. */
export interface Difference {
  readonly config: EngineConfig;
  readonly commands: readonly Command[];
  readonly what: string;
}

/** How often the slow comparisons happen, in commands. */
export interface Intervals {
  readonly depth: number;
  readonly state: number;
}

const LEVELS_COMPARED = 16;
const FUZZ_INTERVALS: Intervals = { depth: 64, state: 1024 };
const SHRINK_INTERVALS: Intervals = { depth: 1, state: 256 };
const SHORT_INTERVALS: Intervals = { depth: 1, state: 1 };
/** Up to here every command may be followed by every comparison. */
const SHORT_COMMANDS = 300;
/** Up to here all pairs of commands are tried. */
const PAIRS_BELOW = 60;


/** Two engines on one stream of commands, compared as they go. */
export class EnginePair {
  /** Of the last command, as the expected engine gave them. */
  events: readonly EngineEvent[] = [];
  readonly #expected: Engine;
  readonly #tested: Engine;
  readonly #told = new EventBook();
  readonly #config: EngineConfig;
  readonly #intervals: Intervals;
  #count = 0;

  constructor(
    config: EngineConfig, expected: EngineFactory, tested: EngineFactory,
    intervals: Intervals = FUZZ_INTERVALS,
  ) {
    this.#config = config;
    this.#expected = expected(config);
    this.#tested = tested(config);
    this.#intervals = intervals;
  }

  /** Runs the command on both; what differs, or null. */
  step(command: Command): string | null {
    this.#count++;
    let came: EngineEvent[];
    const wanted = this.#expected.submit(command);
    this.events = wanted;
    try {
      came = this.#tested.submit(command);
    } catch (error) {
      return `the tested engine threw ${(error as Error).stack}`;
    }
    if (!sameEvents(wanted, came)) {
      return `events\n  expected:\n${list(wanted)}\n  came:\n${list(came)}`;
    }
    for (const event of wanted) this.#told.apply(event);
    if (this.#count % this.#intervals.depth === 0) {
      const difference = this.#compareDepth();
      if (difference !== null) return difference;
    }
    return this.#count % this.#intervals.state === 0 ? this.compareState() : null;
  }

  #compareDepth(): string | null {
    for (let book = 0; book < this.#config.instruments.length; book++) {
      const wanted = this.#expected.depth(book, LEVELS_COMPARED);
      const came = this.#tested.depth(book, LEVELS_COMPARED);
      if (!sameValues(wanted, came)) {
        return `depth of book ${book}: expected ${show(wanted)}, was ${show(came)}`;
      }
      const top = this.#tested.top(book);
      const wantedTop = { bid: wanted.bids[0] ?? null, ask: wanted.asks[0] ?? null };
      if (!sameValues(wantedTop, top)) {
        return `top of book ${book}: expected ${show(wantedTop)}, was ${show(top)}`;
      }
    }
    return null;
  }

  /** Everything that is too slow for each command. */
  compareState(): string | null {
    try {
      this.#expected.checkInvariants();
      this.#tested.checkInvariants();
    } catch (error) {
      return `invariants: ${(error as Error).message}`;
    }
    const told = this.#told.publicHash();
    const hashes = [this.#expected.publicHash(), this.#tested.publicHash()];
    if (hashes.some((hash) => hash !== told)) {
      return `public hash: ${told} from the events, expected ${hashes[0]}, was ${hashes[1]}`;
    }
    const [expected, tested] = [this.#expected.stateHash(), this.#tested.stateHash()];
    if (expected !== tested) return `state hash: expected ${expected}, was ${tested}`;
    for (let book = 0; book < this.#config.instruments.length; book++) {
      for (const side of [Side.Buy, Side.Sell]) {
        for (const qty of [0, 1, 50, 2 ** 40]) {
          const wanted = this.#expected.vwap(book, side, qty);
          const came = this.#tested.vwap(book, side, qty);
          if (!sameValues(wanted, came)) {
            const what = `vwap of book ${book}, side ${side}, ${qty}`;
            return `${what}: expected ${show(wanted)}, was ${show(came)}`;
          }
        }
      }
    }
    return this.#compareDepth();
  }
}

/** Runs `count` commands of a seed; the first difference, or null. */
export function findDifference(
  seed: number, count: number, expected: EngineFactory, tested: EngineFactory,
): Difference | null {
  const random = new RandomCommands(seed);
  const { config } = random;
  const pair = new EnginePair(config, expected, tested);
  const commands: Command[] = [];
  for (let n = 0; n < count; n++) {
    const command = random.next();
    commands.push(command);
    const what = pair.step(command);
    if (what !== null) return { config, commands, what };
    random.observe(pair.events);
  }
  const what = pair.compareState();
  return what === null ? null : { config, commands, what };
}

/** The difference that these commands show in fresh engines, its commands cut at that point. */
export function replayDifference(
  config: EngineConfig, commands: readonly Command[],
  expected: EngineFactory, tested: EngineFactory,
): Difference | null {
  const intervals = commands.length <= SHORT_COMMANDS ? SHORT_INTERVALS : SHRINK_INTERVALS;
  const pair = new EnginePair(config, expected, tested, intervals);
  for (const [index, command] of commands.entries()) {
    const what = pair.step(command);
    if (what !== null) return { config, commands: commands.slice(0, index + 1), what };
  }
  const what = pair.compareState();
  return what === null ? null : { config, commands, what };
}

/**
 * Drops commands while a difference remains: halves, quarters, … single ones, any two together (an
 * order and what filled it go only as a pair); makes what is left plainer; begins again while that
 * helps.
 */
export function shrink(
  found: Difference, expected: EngineFactory, tested: EngineFactory,
): Difference {
  const retry = (commands: readonly Command[]): Difference | null =>
    replayDifference(found.config, commands, expected, tested);
  let best = retry(found.commands) ?? found;
  for (let chunk = best.commands.length >> 1; chunk > 1; chunk >>= 1) {
    best = dropChunks(best, chunk, retry);
  }
  for (let before = Infinity; best.commands.length < before;) {
    before = best.commands.length;
    best = dropChunks(best, 1, retry);
    if (best.commands.length <= PAIRS_BELOW) best = dropPairs(best, retry);
    best = dropChunks(simplify(best, retry), 1, retry);
  }
  return best;
}

type Retry = (commands: readonly Command[]) => Difference | null;

function dropChunks(found: Difference, chunk: number, retry: Retry): Difference {
  let best = found;
  for (let end = best.commands.length; end > 0; end = Math.min(end - chunk, best.commands.length)) {
    const start = Math.max(0, end - chunk);
    best = retry([...best.commands.slice(0, start), ...best.commands.slice(end)]) ?? best;
  }
  return best;
}

function dropPairs(found: Difference, retry: Retry): Difference {
  for (let second = found.commands.length - 1; second > 0; second--) {
    for (let first = second - 1; first >= 0; first--) {
      const rest = found.commands.filter((_, index) => index !== first && index !== second);
      const smaller = retry(rest);
      if (smaller !== null) return smaller;
    }
  }
  return found;
}

/** Plainer commands, same length: fields left out, stops made limit orders. */
function simplify(found: Difference, retry: Retry): Difference {
  let best = found;
  for (let index = 0; index < best.commands.length; index++) {
    for (const plainer of SIMPLER) {
      const command = best.commands[index];
      const candidate = plainer(command);
      if (candidate === null) continue;
      const smaller = retry(best.commands.with(index, candidate));
      if (smaller !== null && smaller.commands.length <= best.commands.length) best = smaller;
      if (index >= best.commands.length) break;
    }
  }
  return best;
}

/** Each gives a plainer command, or null when it is that plain already. */
const SIMPLER: readonly ((command: Command) => Command | null)[] = [
  ({ stopPrice, ...rest }) => (stopPrice === undefined || !STOP_TYPES.includes(rest.orderType!)
    ? null
    : { ...rest, orderType: OrderType.Limit }),
  (command) => (command.tif === undefined || command.tif === Tif.Gtc
    ? null
    : { ...command, tif: Tif.Gtc }),
  ...(['owner', 'stp', 'minQty', 'display', 'postOnly', 'chain'] as const).map((field) =>
    (command: Command): Command | null => {
      const { [field]: value, ...rest } = command;
      return value === undefined ? null : (rest);
    }),
];

/** The difference as a scenario: the events are those of the expected engine. */
export function formatDifference(found: Difference, expected: EngineFactory): string {
  const engine = expected(found.config);
  const lines = ['== Found by the fuzzer', formatConfig(found.config)];
  for (const command of found.commands) {
    lines.push(`> ${formatCommand(command)}`);
    for (const event of engine.submit(command)) lines.push(`  ${formatEvent(event)}`);
  }
  return `${lines.join('\n')}\n# ${found.what.replaceAll('\n', '\n# ')}`;
}

function list(events: readonly EngineEvent[]): string {
  return events.map((event) => `    ${formatEvent(event)}   ${show(event)}`).join('\n');
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? String(each) : each));
}

function sameValues(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return a === b;
  const left = Object.entries(a);
  return left.length === Object.keys(b).length
    && left.every(([field, value]) => sameValues(value, (b as Record<string, unknown>)[field]));
}
