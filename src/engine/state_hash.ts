// A 64-bit hash of a state, from numbers and texts in a fixed order: to compare an engine with its replay.
// Mixing as in docs/MATCHING.md, Hashes. Not for speed.
const START = 0xcbf2_9ce4_8422_2325n;
const FACTOR = 0x9e37_79b9_7f4a_7c15n;
const SHIFT = 32n;

export class StateHash {
  value = START;
  readonly #view = new DataView(new ArrayBuffer(8));

  big(value: bigint): void {
    const mixed = BigInt.asUintN(64, (this.value ^ BigInt.asUintN(64, value)) * FACTOR);
    this.value = mixed ^ (mixed >> SHIFT);
  }

  /** Any double; −0 counts as 0. */
  number(value: number): void {
    this.#view.setFloat64(0, value + 0);
    this.big(this.#view.getBigUint64(0));
  }

  text(value: string): void {
    this.number(value.length);
    for (let i = 0; i < value.length; i++) this.number(value.charCodeAt(i));
  }
}
