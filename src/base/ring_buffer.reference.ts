// The ring as an array: the slow, obvious twin that the fuzzer compares with.

export class ReferenceRing {
  readonly #slots: number;
  #claimed: number[] = []; // written, not yet visible
  #published: number[] = []; // visible, not yet taken
  #taken = 0; // taken, not yet given back

  constructor(slots: number) {
    this.#slots = slots;
  }

  get used(): number {
    return this.#claimed.length + this.#published.length + this.#taken;
  }

  get available(): number {
    return this.#published.length;
  }

  claim(value: number): boolean {
    if (this.used === this.#slots) return false;
    this.#claimed.push(value);
    return true;
  }

  publish(): void {
    this.#published.push(...this.#claimed);
    this.#claimed = [];
  }

  take(): number | null {
    const value = this.#published.shift();
    if (value === undefined) return null;
    this.#taken += 1;
    return value;
  }

  release(): void {
    this.#taken = 0;
  }
}
