// States of the past to go on from, evenly spaced, within a bound of memory.
//
//   inputs   0 ──── 4,096 ──── 8,192 ──── 12,288 ──── …        full: every second one goes, the spacing doubles
//            │        ✗          │           ✗
//
// A jump restores the nearest one before and replays less than `spacing` inputs. The first is always kept.
// Cost: of a jump one restored memory image (book/memory_image.ts) and a replay.
import type { MatchingEngine } from '../book/matching_engine.ts';
import { saveMemory } from '../book/memory_image.ts';

/** A replay of so many takes about as long as restoring a memory. */
const SPACING_INITIAL = 1 << 12;
/** With the largest tape 2^14 inputs apart, some 10 ms of replay. */
const CHECKPOINTS_MAX = 256;
/** A third of what a page may ask of a machine for journals of a busy day. */
const CHECKPOINT_BYTES_MAX = 384 << 20;

export interface Checkpoint {
  readonly position: number;
  readonly memory: Int32Array;
  readonly eventHash: Int32Array;
  readonly figures: Float64Array;
}

export interface CheckpointLimits {
  readonly spacing: number;
  readonly countMax: number;
  readonly bytesMax: number;
}

const LIMITS: CheckpointLimits = { spacing: SPACING_INITIAL, countMax: CHECKPOINTS_MAX, bytesMax: CHECKPOINT_BYTES_MAX };

export class Checkpoints {
  spacing: number;
  bytes = 0;
  readonly #limits: CheckpointLimits;
  #list: Checkpoint[] = [];

  constructor(limits: Partial<CheckpointLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
    this.spacing = this.#limits.spacing;
  }

  get count(): number {
    return this.#list.length;
  }

  /** Whether one is due at this position. */
  isDue(position: number): boolean {
    return position % this.spacing === 0;
  }

  /** Positions rise. Between two batches of `engine`, with every event released. */
  add(position: number, engine: MatchingEngine, eventHash: Int32Array, figures: Float64Array): void {
    const checkpoint = { position, memory: saveMemory(engine), eventHash, figures };
    this.#list.push(checkpoint);
    this.bytes += bytesOf(checkpoint);
    while (this.#list.length > 1 && (this.#list.length > this.#limits.countMax || this.bytes > this.#limits.bytesMax)) {
      this.#thinOut();
    }
  }

  /** The last one at or before `position`. */
  before(position: number): Checkpoint {
    let low = 0;
    let high = this.#list.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#list[middle].position <= position) low = middle;
      else high = middle;
    }
    return this.#list[low];
  }

  #thinOut(): void {
    this.spacing *= 2;
    this.#list = this.#list.filter(({ position }) => position % this.spacing === 0);
    this.bytes = this.#list.reduce((sum, checkpoint) => sum + bytesOf(checkpoint), 0);
  }
}

function bytesOf({ memory, figures }: Checkpoint): number {
  return memory.byteLength + figures.byteLength;
}
