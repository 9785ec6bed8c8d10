// The connections that may have something to receive, so that a loop visits those and no idle one.
//
//   add (when news arrive) ──► entries … refresh (once a poll): drained ones out, the rest and the new in
//
// Adding and leaving cost O(1), a refresh O(ready). An entry stays listed until the refresh after it was
// drained, so the list never moves while a caller walks over it.
import { assert } from '../base/assert.ts';

export interface Listed {
  /** Whether it is in the list; written by the list alone. */
  listed: boolean;
  readonly readable: boolean;
}

export class ReadyList<Entry extends Listed> {
  readonly #entries: Entry[] = [];
  #count = 0;

  /** Entries a caller may walk over. */
  get count(): number {
    return this.#count;
  }

  at(index: number): Entry {
    assert(index >= 0 && index < this.#count, 'the index lies inside the ready list');
    return this.#entries[index];
  }

  /** To be seen after the next refresh; nothing happens when it is listed already. */
  add(entry: Entry): void {
    if (entry.listed) return;
    entry.listed = true;
    this.#entries.push(entry);
  }

  /** Takes out what has nothing to receive any more. */
  refresh(): void {
    const entries = this.#entries;
    let kept = 0;
    for (let i = 0; i < entries.length; i += 1) {
      const entry = entries[i];
      if (entry.readable) {
        entries[kept] = entry;
        kept += 1;
      } else {
        entry.listed = false;
      }
    }
    while (entries.length > kept) entries.pop(); // `length = kept` may reallocate
    this.#count = kept;
  }

  clear(): void {
    for (const entry of this.#entries) entry.listed = false;
    this.#entries.length = 0;
    this.#count = 0;
  }
}
