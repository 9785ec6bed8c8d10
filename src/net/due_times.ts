// Times at which something will happen, the earliest first: a binary heap of numbers.
//
// A time stays until it has passed, so one that several things share may stand here several times.
// Cost: log n an addition or removal. Limit: memory, with what is under way.

export class DueTimes {
  readonly #heap: number[] = [];

  add(timeNs: number): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(timeNs);
    while (i > 0) {
      const parent = (i - 1) >>> 1;
      if (heap[parent] <= timeNs) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = timeNs;
  }

  /** The earliest time after `nowNs`, Infinity when there is none; forgets those that have passed. */
  after(nowNs: number): number {
    while (this.#heap.length > 0 && this.#heap[0] <= nowNs) this.#removeFirst();
    return this.#heap.length > 0 ? this.#heap[0] : Infinity;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const moved = heap.pop()!;
    const { length } = heap;
    if (length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= length) break;
      if (child + 1 < length && heap[child + 1] < heap[child]) child++;
      if (heap[child] >= moved) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = moved;
  }
}
