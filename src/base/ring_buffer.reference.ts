// The ring as an array: the slow, obvious twin that the fuzzer compares with.

export class ReferenceRing {
  readonly #slots: number;
  #claimed: number[] = []; // written, not yet visible
  #published: number[] = []; // visible, not yet taken
  #taken = 0; // taken, not yet released
  #released = 0; // released, not yet told to the producer
  readonly #untoldMax: number;

  constructor(slots: number) {
    this.#slots = slots;
    this.#untoldMax = Math.max(1, slots / 8);
  }

  get used(): number {
    return this.#claimed.length + this.#published.length + this.#taken + this.#released;
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
    if (value === undefined) {
      this.#released = 0;
      return null;
    }
    this.#taken += 1;
    return value;
  }

  release(): void {
    this.#released += this.#taken;
    this.#taken = 0;
    if (this.#released >= this.#untoldMax) this.#released = 0;
  }
}
