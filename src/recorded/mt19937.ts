// MT19937, the Mersenne Twister of Matsumoto and Nishimura (1998), with the uniform double that
// goes with it: 53 bits from two words. The published order flow that the benchmark reproduces is
// defined in terms of it, word for word; so are our own flows, which saves a second generator.
//
//   state: 624 words of 32 bits; `#next` of them are used up; then all are twisted at once.
//
// Cost: about 3 ns a word. Limits: period 2^19937 − 1; predictable, so never for secrets.

const WORDS = 624;
const SHIFT = 397;
const TWO_26 = 67_108_864;
const TWO_MINUS_53 = 1 / 9_007_199_254_740_992;

export class Mt19937 {
  readonly #state = new Uint32Array(WORDS);
  #next = WORDS;

  /** `seed` as in the reference's `init_genrand`: an integer 0 … 2^32 − 1. */
  constructor(seed: number) {
    if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff) {
      throw new RangeError(`seed: expected an integer 0 … 4294967295, was ${seed}`);
    }
    const state = this.#state;
    state[0] = seed;
    for (let i = 1; i < WORDS; i++) {
      const previous = state[i - 1] ^ (state[i - 1] >>> 30);
      state[i] = Math.imul(1_812_433_253, previous) + i;
    }
  }

  /** The next word, 0 … 2^32 − 1. */
  word(): number {
    if (this.#next === WORDS) this.#twist();
    let y = this.#state[this.#next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  /**
   * A double in [0, 1): (a·2^26 + b) / 2^53, a the upper 27 bits of one word, b the upper 26 of
   * the next.
   */
  uniform(): number {
    const a = this.word() >>> 5;
    const b = this.word() >>> 6;
    return (a * TWO_26 + b) * TWO_MINUS_53;
  }

  /** An integer lo … hi, both included: lo + floor(uniform·(hi − lo + 1)). */
  integer(lo: number, hi: number): number {
    return lo + Math.floor(this.uniform() * (hi - lo + 1));
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < WORDS; i++) {
      const y = (state[i] & 0x8000_0000) | (state[(i + 1) % WORDS] & 0x7fff_ffff);
      const mixed = state[(i + SHIFT) % WORDS] ^ (y >>> 1);
      state[i] = (y & 1) === 0 ? mixed : mixed ^ 0x9908_b0df;
    }
    this.#next = 0;
  }
}
