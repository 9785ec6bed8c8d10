// Two frame ports joined by a cable in memory, with faults from a seed: for tests of what stands on frames.
//
//   commit ─► lost? doubled? late? damaged? ─► the other end's queue, bounded, then dropped ─► receive
import { assert } from '../base/assert.ts';
import { Prng } from '../base/prng.ts';
import { BURST_MAX, FRAME_BYTES_MAX, FRAME_NONE, portCounters, type FramePort, type PortCounters } from './frame_port.ts';

/** Room of a frame in memory. */
const SLOT_BYTES = 2048;
/** Frames on their way to one end; a receiver that is slower loses some, as with a card. */
const QUEUED_MAX = 1024;

/** Each frame by itself; probabilities 0 … 1. */
export interface CableFaults {
  loss: number;
  duplicate: number;
  /** It comes behind the next one. */
  swap: number;
  /** One bit of it is turned over. */
  damage: number;
}

export const GOOD_CABLE: Readonly<CableFaults> = { loss: 0, duplicate: 0, swap: 0, damage: 0 };

export class FrameCable {
  /** May be changed at any time. */
  faults: CableFaults;
  readonly prng: Prng;
  readonly ends: readonly [CableEnd, CableEnd];
  lost = 0;
  damaged = 0;

  constructor(options: { seed?: number; faults?: CableFaults } = {}) {
    this.prng = new Prng(options.seed ?? 1);
    this.faults = options.faults ?? GOOD_CABLE;
    this.ends = [new CableEnd(this, 1), new CableEnd(this, 2)];
  }

  carry(from: CableEnd, frame: Uint8Array): void {
    const { faults, prng } = this;
    const to = this.ends[0] === from ? this.ends[1] : this.ends[0];
    if (prng.chance(faults.loss)) {
      this.lost += 1;
      return;
    }
    if (prng.chance(faults.damage)) {
      frame[prng.below(frame.length)] ^= 1 << prng.below(8);
      this.damaged += 1;
    }
    const behind = prng.chance(faults.swap);
    to.arrive(frame, behind);
    if (prng.chance(faults.duplicate)) to.arrive(frame.slice(), false);
  }
}

export class CableEnd implements FramePort {
  readonly kind = 'cable';
  readonly macHigh = 0x0200;
  readonly macLow: number;
  readonly memory = new Uint8Array((BURST_MAX + 1) * SLOT_BYTES); // the last one is written, the others are read
  readonly view = new DataView(this.memory.buffer);
  readonly #cable: FrameCable;
  readonly #counters = portCounters();
  readonly #queue: Uint8Array[] = [];
  readonly #bytes = new Uint32Array(BURST_MAX);
  #late: Uint8Array | null = null;
  #wake: (() => void) | null = null;
  #open = true;

  constructor(cable: FrameCable, macLow: number) {
    this.#cable = cable;
    this.macLow = macLow;
  }

  arrive(frame: Uint8Array, behind: boolean): void {
    if (!this.#open) return;
    if (behind && this.#late === null) {
      this.#late = frame;
      return;
    }
    if (this.#queue.length >= QUEUED_MAX) this.#counters.receiveDropped += 1;
    else this.#queue.push(frame);
    if (this.#late !== null) {
      this.#queue.push(this.#late);
      this.#late = null;
    }
    if (this.#wake !== null) this.arm(this.#wake);
  }

  receive(): number {
    let count = 0;
    while (count < BURST_MAX && this.#queue.length > 0) {
      const frame = this.#queue.shift()!;
      this.memory.set(frame, count * SLOT_BYTES);
      this.#bytes[count] = frame.length;
      this.#counters.framesReceived += 1;
      this.#counters.bytesReceived += frame.length;
      count += 1;
    }
    return count;
  }

  frameAt(index: number): number {
    return index * SLOT_BYTES;
  }

  frameBytes(index: number): number {
    return this.#bytes[index];
  }

  claim(): number {
    return this.#open ? BURST_MAX * SLOT_BYTES : FRAME_NONE;
  }

  commit(bytes: number): void {
    assert(bytes <= FRAME_BYTES_MAX, 'a frame fits the cable');
    const at = BURST_MAX * SLOT_BYTES;
    this.#counters.framesSent += 1;
    this.#counters.bytesSent += bytes;
    this.#cable.carry(this, this.memory.slice(at, at + bytes));
  }

  flush(): void {}

  counters(): PortCounters {
    return { ...this.#counters };
  }

  arm(wake: () => void): void {
    this.#wake = this.#queue.length === 0 ? wake : null;
    if (this.#wake === null) setImmediate(wake);
  }

  disarm(): void {
    this.#wake = null;
  }

  close(): void {
    this.#open = false;
    this.#wake = null;
    this.#queue.length = 0;
  }
}
