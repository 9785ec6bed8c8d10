// The histogram as a sorted list: the slow, obvious twin that the fuzzer compares with.

export class ReferenceHistogram {
  readonly #values: number[] = [];

  record(value: number): void {
    this.#values.push(value);
  }

  merge(other: ReferenceHistogram): void {
    this.#values.push(...other.#values);
  }

  get count(): number {
    return this.#values.length;
  }

  get min(): number {
    return this.#values.reduce((least, value) => Math.min(least, value), Infinity);
  }

  get max(): number {
    return this.#values.reduce((most, value) => Math.max(most, value), 0);
  }

  get mean(): number {
    return this.#values.reduce((sum, value) => sum + value, 0) / this.#values.length;
  }

  /** The exact value of this rank, as the nearest-rank definition has it. */
  percentile(percent: number): number {
    const sorted = this.#values.toSorted((a, b) => a - b);
    return sorted[Math.max(1, Math.ceil((percent / 100) * sorted.length - 1e-9)) - 1];
  }
}
