// The queue as a list of records in the order of their claims: the slow, obvious twin that the fuzzer compares with.

interface Entry { state: 'claimed' | 'published' | 'void'; value: number; owner: number }

export class ReferenceMpsc {
  readonly #slots: number;
  readonly #untoldMax: number;
  readonly #entries: Entry[] = []; // by number of the claim
  #taken = 0; // records taken or skipped
  #released = 0; // … of which released
  #told = 0; // … of which the producers know

  constructor(slots: number) {
    this.#slots = slots;
    this.#untoldMax = Math.max(1, slots / 8);
  }

  get used(): number {
    return this.#entries.length - this.#told;
  }

  get depth(): number {
    return this.#entries.length - this.#taken;
  }

  /** Number of the record claimed, or −1 when full. */
  claim(value: number, owner: number): number {
    if (this.used === this.#slots) return -1;
    return this.#entries.push({ state: 'claimed', value, owner }) - 1;
  }

  publish(number: number): void {
    this.#entries[number].state = 'published';
  }

  take(): number | null {
    while (this.#entries[this.#taken]?.state === 'void') {
      this.#taken += 1;
      if (this.#released === this.#taken - 1) this.release();
    }
    const entry = this.#entries[this.#taken];
    if (entry?.state === 'published') {
      this.#taken += 1;
      return entry.value;
    }
    this.#told = this.#released;
    return null;
  }

  release(): void {
    this.#released = this.#taken;
    if (this.#released - this.#told >= this.#untoldMax) this.#told = this.#released;
  }

  get stalledOwner(): number {
    const entry = this.#entries[this.#taken];
    return entry?.state === 'claimed' ? entry.owner : -1;
  }

  disown(owner: number): number {
    const left = this.#entries.filter((entry) => entry.owner === owner && entry.state === 'claimed');
    for (const entry of left) entry.state = 'void';
    return left.length;
  }
}
