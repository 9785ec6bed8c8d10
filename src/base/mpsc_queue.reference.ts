// The queue with one consumer as a list of records in the order of their claims: the slow, obvious twin that the fuzzer
// compares with. It is that of mpmc_queue.reference.ts, where a record released stays in the way until its portion is told.
import { ReferenceQueue } from './mpmc_queue.reference.ts';
import { MPSC_LOOKS_MAX } from './mpsc_queue.ts';

export class ReferenceMpsc {
  readonly #queue: ReferenceQueue;
  readonly #untoldMax: number;
  readonly #held: number[] = []; // taken, not yet released
  readonly #untold: number[] = []; // released, not yet given back
  #looks = 0; // in vain, one after the other

  constructor(slots: number) {
    this.#queue = new ReferenceQueue(slots);
    this.#untoldMax = Math.max(1, slots / 8);
  }

  get depth(): number {
    return this.#queue.depth;
  }

  get stalledOwner(): number {
    return this.#queue.stalledOwner;
  }

  /** Number of the record claimed, or −1 when full. */
  claim(value: number, owner: number): number {
    return this.#queue.claim(value, owner);
  }

  publish(number: number): void {
    this.#queue.publish(number);
  }

  take(owner: number): number | null {
    for (let next = this.#queue.takeAny(owner); next !== null; next = this.#queue.takeAny(owner)) {
      this.#looks = 0;
      this.#held.push(next.number);
      if (!next.isVoid) return this.#queue.valueOf(next.number);
      if (this.#held.length === 1) this.release();
    }
    this.#looks += 1;
    if (this.#looks >= MPSC_LOOKS_MAX) this.#tell();
    return null;
  }

  release(): void {
    this.#untold.push(...this.#held.splice(0));
    if (this.#untold.length >= this.#untoldMax) this.#tell();
  }

  #tell(): void {
    for (const number of this.#untold.splice(0)) this.#queue.release(number);
  }

  disown(owner: number): number {
    return this.#queue.disown(owner);
  }
}
