// What will happen, the earliest first, and of one instant in the order in which it was planned: a
// binary heap keyed (time, order).
//
//   entry   timeNs, order (counts up from 0), item
//
// Order: total, so the same calls give the same sequence on every machine. Cost: log n an addition or
// removal. Limit: memory, with what is planned.

interface Entry<T> {
  readonly timeNs: number;
  readonly order: number;
  readonly item: T;
}

export class EventHeap<T> {
  readonly #heap: Entry<T>[] = [];
  #added = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** Of the first entry; Infinity when there is none. */
  get nextNs(): number {
    return this.#heap.length === 0 ? Infinity : this.#heap[0].timeNs;
  }

  push(timeNs: number, item: T): void {
    const heap = this.#heap;
    const entry = { timeNs, order: this.#added++, item };
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >>> 1;
      if (before(heap[parent], entry)) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = entry;
  }

  /** The first entry's item; null when there is none. */
  pop(): T | null {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined) return null;
    if (heap.length === 0) return last.item;
    const first = heap[0];
    this.#sink(last);
    return first.item;
  }

  #sink(moved: Entry<T>): void {
    const heap = this.#heap;
    const { length } = heap;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= length) break;
      if (child + 1 < length && before(heap[child + 1], heap[child])) child++;
      if (before(moved, heap[child])) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = moved;
  }
}

function before<T>(a: Entry<T>, b: Entry<T>): boolean {
  return a.timeNs < b.timeNs || (a.timeNs === b.timeNs && a.order < b.order);
}
