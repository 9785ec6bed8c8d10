// The core replaying a flow, as the C program (reference/main.c) does it: the flow stands in the command
// slots, is executed batch by batch, events are left in the ring and released; repetition after
// repetition on an empty book in the same memory.
//
// This is the boundary "core, batches": the compiled core itself, driven from TypeScript through its
// exports. Depth views for readers on other threads are off, since the C program has none.
import { Ladder, createCore, layoutArguments, type CoreExports } from '../src/book/core.ts';
import type { Depth } from '../src/book/engine.ts';
import { COMMAND, type DepthLevel, type EngineConfig } from '../src/book/types.ts';
import { EventChecksum } from './event_checksum.ts';
import { BATCH_SLOTS, EVENT_SLOTS, type BookFlow } from './flows.ts';

/** Blocks of 4,096 ticks: more than any flow's prices span. */
const BLOCKS_MAX = 128;
/**
 * Answer of a depth query: a header, then price i32, orders u32, quantity u64 a level
 * (core/book/order_book.ts).
 */
const RESULT_HEADER = 64;
const RESULT_LEVEL = 16;

export interface CoreRun { ns: number; events: number; hash: string }
export interface CoreVerification { events: number; checksum: number; types: number[]; hash: string }

export interface CoreBookOptions {
  /** Commands handed over at a time. */
  batch?: number;
  eventSlots?: number;
  /** Levels of the published depth view; 0 = none. */
  viewLevels?: number;
}

export function engineConfigFor(flow: BookFlow, options: CoreBookOptions = {}): EngineConfig {
  return {
    instruments: [{ minPrice: flow.minPrice, maxPrice: flow.maxPrice }],
    ordersMax: flow.ordersMax, levelsMax: flow.levelsMax, blocksMax: BLOCKS_MAX, extendedMax: 0,
    viewLevels: options.viewLevels ?? 0,
    commandSlots: flow.commands,
    eventsMax: options.eventSlots ?? EVENT_SLOTS, ackReplaceLast: flow.ackReplaceLast,
  };
}

/** Zeroes an engine's memory but for the flow in its command slots. */
export function clearEngine(memory: Uint8Array, commandBase: number, flow: BookFlow): void {
  memory.fill(0, 0, commandBase);
  memory.fill(0, commandBase + flow.slots.length);
}

export class CoreBook {
  readonly core: CoreExports;
  readonly bytes: number;
  readonly #flow: BookFlow;
  readonly #memory: Uint8Array;
  readonly #words: Int32Array;
  readonly #layout: Parameters<CoreExports['layoutEngine']>;
  readonly #batchBytes: number;
  readonly #commandBase: number;
  readonly #checksum: EventChecksum;
  readonly #releasedIndex: number;
  readonly #eventSlots: number;
  #released = 0;
  #verifying = false;

  constructor(flow: BookFlow, options: CoreBookOptions = {}) {
    const config = engineConfigFor(flow, options);
    const made = createCore(config, 'core', () => this.#makeRoom());
    this.core = made.core;
    this.bytes = made.bytes;
    this.#flow = flow;
    this.#memory = new Uint8Array(made.memory.buffer);
    this.#words = new Int32Array(made.memory.buffer);
    this.#layout = layoutArguments(config);
    this.#batchBytes = (options.batch ?? BATCH_SLOTS) * COMMAND.size;
    this.#commandBase = made.core.commandsAddress() >>> 0;
    this.#memory.set(flow.slots, this.#commandBase);
    this.#checksum = new EventChecksum(this.#words, made.core.eventsAddress() >>> 0, config.eventsMax!);
    this.#eventSlots = config.eventsMax!;
    this.#releasedIndex = (made.core.releasedAddress() >>> 0) >>> 2;
  }

  /** An empty book in memory that has been touched before, so that no repetition pays for page faults. */
  reset(): void {
    const { core } = this;
    clearEngine(this.#memory, this.#commandBase, this.#flow);
    core.layoutEngine(...this.#layout);
    core.initEngine();
    core.setRange(0, this.#flow.minPrice, this.#flow.maxPrice);
    this.#released = 0;
    this.#checksum.reset();
  }

  /** The flow on an empty book, the clock running after the fill. */
  run(): CoreRun {
    this.reset();
    this.#verifying = false;
    this.fill();
    const start = process.hrtime.bigint();
    this.replay();
    const ns = Number(process.hrtime.bigint() - start);
    return { ns, events: this.core.eventsWritten() >>> 0, hash: this.hash() };
  }

  /** The flow with every event read and checksummed. */
  verify(): CoreVerification {
    this.reset();
    this.#verifying = true;
    this.fill();
    this.replay();
    const events = this.core.eventsWritten() >>> 0;
    return { events, checksum: this.#checksum.value(), types: [...this.#checksum.types], hash: this.hash() };
  }

  hash(): string {
    return BigInt.asUintN(64, this.core.publicHash()).toString(16).padStart(16, '0');
  }

  /** The final book, best levels first. Allocates: not for the measured time. */
  depth(levels: number): Depth {
    return { bids: this.#side(Ladder.Bids, levels), asks: this.#side(Ladder.Asks, levels) };
  }

  #side(ladder: number, levels: number): DepthLevel[] {
    const count = this.core.depth(0, ladder, 0, levels);
    const view = new DataView(this.#memory.buffer, (this.core.resultsAddress() >>> 0) + RESULT_HEADER);
    return Array.from({ length: count }, (_, i) => ({
      price: view.getInt32(i * RESULT_LEVEL, true),
      orders: view.getUint32(i * RESULT_LEVEL + 4, true),
      qty: view.getBigUint64(i * RESULT_LEVEL + 8, true),
    }));
  }

  fill(): void {
    this.#replay(0, this.#flow.fillCommands);
  }

  /** What the clock covers, without a clock. Allocates nothing. */
  replay(): void {
    this.#replay(this.#flow.fillCommands, this.#flow.commands);
  }

  #replay(from: number, to: number): void {
    const { core } = this;
    const batchBytes = this.#batchBytes;
    const end = this.#commandBase + to * COMMAND.size;
    for (let at = this.#commandBase + from * COMMAND.size; at < end; at += batchBytes) {
      core.processCommands(at, Math.min(batchBytes, end - at) / COMMAND.size);
      this.#consume();
    }
  }

  /** The ring is full: whatever stands in it is read, and all of it is free again. */
  #makeRoom(): void {
    this.#consume();
    this.core.setEventsCredit((this.#released + this.#eventSlots) | 0);
  }

  #consume(): void {
    const written = this.core.eventsWritten() | 0;
    if (this.#verifying) this.#checksum.read(this.#released, written);
    this.#released = written;
    Atomics.store(this.#words, this.#releasedIndex, written);
  }
}
