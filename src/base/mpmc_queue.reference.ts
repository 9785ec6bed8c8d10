// The queue as a list of records in the order of their claims: the slow, obvious twin that the fuzzers compare
// with. It knows neither slots nor sequences, only that a record stays in the way of the one `slots` later.

type State = 'claimed' | 'published' | 'void' | 'taken' | 'released';

interface Entry { state: State; value: number; owner: number }

export class ReferenceQueue {
  readonly #slots: number;
  readonly #entries: Entry[] = []; // by number of the claim
  #taken = 0;

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** Claims neither taken nor skipped yet. */
  get depth(): number {
    return this.#entries.length - this.#taken;
  }

  /** Number of the record claimed, or −1 when full. */
  claim(value: number, owner: number): number {
    const number = this.#entries.length;
    const before = this.#entries[number - this.#slots];
    if (before !== undefined && before.state !== 'released') return -1;
    this.#entries.push({ state: 'claimed', value, owner });
    return number;
  }

  publish(number: number): void {
    this.#entries[number].state = 'published';
  }

  /** Number of the oldest record, or −1 when it is not published or there is none. */
  take(owner: number): number {
    while (this.#entries[this.#taken]?.state === 'void') this.#entries[this.#taken++].state = 'released';
    const entry = this.#entries[this.#taken];
    if (entry?.state !== 'published') return -1;
    entry.state = 'taken';
    entry.owner = owner;
    return this.#taken++;
  }

  /** The oldest record, void or not; null when it is not published or there is none. */
  takeAny(owner: number): { number: number; isVoid: boolean } | null {
    const entry = this.#entries[this.#taken];
    if (entry?.state !== 'published' && entry?.state !== 'void') return null;
    const isVoid = entry.state === 'void';
    entry.state = 'taken';
    entry.owner = owner;
    return { number: this.#taken++, isVoid };
  }

  valueOf(number: number): number {
    return this.#entries[number].value;
  }

  release(number: number): void {
    this.#entries[number].state = 'released';
  }

  /** Owner of the record that is next to be taken when that is not published, −1 when none keeps consumers waiting. */
  get stalledOwner(): number {
    const entry = this.#entries[this.#taken];
    return entry?.state === 'claimed' ? entry.owner : -1;
  }

  disown(owner: number): number {
    let freed = 0;
    for (const entry of this.#entries) {
      if (entry.owner !== owner || !(entry.state === 'claimed' || entry.state === 'taken')) continue;
      entry.state = entry.state === 'claimed' ? 'void' : 'released';
      freed += 1;
    }
    return freed;
  }
}
