// Two lanes as two twins of the lanes, and the rule by which each consumer chooses: the slow, obvious twin of the
// priority queue.
import { ReferenceQueue } from './mpmc_queue.reference.ts';

export interface Taken { urgent: boolean; number: number; value: number }

export class ReferencePriorityQueue {
  readonly lanes: readonly [urgent: ReferenceQueue, normal: ReferenceQueue];
  readonly refused: [urgent: number, normal: number] = [0, 0];
  readonly #urgentRunMax: number;
  readonly #runs = new Map<number, number>();

  constructor(urgentSlots: number, normalSlots: number, urgentRunMax: number) {
    this.lanes = [new ReferenceQueue(urgentSlots), new ReferenceQueue(normalSlots)];
    this.#urgentRunMax = urgentRunMax;
  }

  claim(urgent: boolean, value: number): number {
    const lane = urgent ? 0 : 1;
    const number = this.lanes[lane].claim(value, 1);
    if (number === -1) this.refused[lane] += 1;
    return number;
  }

  take(consumer: number): Taken | null {
    const run = this.#runs.get(consumer) ?? 0;
    const order = run >= this.#urgentRunMax ? [1, 0] : [0, 1];
    for (const lane of order) {
      const number = this.lanes[lane].take(consumer);
      if (number === -1) continue;
      this.#runs.set(consumer, lane === 0 ? Math.min(run + 1, this.#urgentRunMax) : 0);
      return { urgent: lane === 0, number, value: this.lanes[lane].valueOf(number) };
    }
    return null;
  }

  /** Urgent ones as far as the run allows, the rest normal ones; if that is none, urgent ones. */
  takeMany(consumer: number, most: number): Taken[] {
    const run = this.#runs.get(consumer) ?? 0;
    const taken: Taken[] = [];
    const takeFrom = (lane: 0 | 1, count: number): number => {
      for (let i = 0; i < count; i += 1) {
        const number = this.lanes[lane].take(consumer);
        if (number === -1) return i;
        taken.push({ urgent: lane === 0, number, value: this.lanes[lane].valueOf(number) });
      }
      return count;
    };
    const urgentMax = Math.min(most, this.#urgentRunMax - run);
    let urgent = takeFrom(0, urgentMax);
    const normal = takeFrom(1, most - urgent);
    if (urgent + normal === 0 && urgentMax < most) urgent = takeFrom(0, most);
    this.#runs.set(consumer, normal > 0 ? 0 : Math.min(run + urgent, this.#urgentRunMax));
    return taken;
  }
}
