// Prices of a recording as an exchange has them: in units of 10^-decimals instead of the recording's own.
import { RecordingError } from './recording_source.ts';

/** Recorded units in one of an exchange with so many decimals; `scale`: recorded units in a whole. Throws a RangeError. */
export function priceUnit(scale: number, decimals: number): number {
  const unit = scale / 10 ** decimals;
  if (Number.isInteger(decimals) && decimals >= 0 && unit >= 1) return unit;
  throw new RangeError(`price decimals: expected 0 … ${Math.log10(scale)}, was ${decimals}`);
}

export class PriceUnits {
  readonly #path: string;
  readonly #scale: number;
  readonly #unit: number;

  constructor(path: string, scale: number, decimals: number) {
    this.#path = path;
    this.#scale = scale;
    this.#unit = priceUnit(scale, decimals);
  }

  /** The exchange's price of a recorded one; a RecordingError where it has no such price. */
  of(price: number): number {
    if (price % this.#unit === 0) return price / this.#unit;
    throw new RecordingError(
      this.#path, -1,
      `expected prices that are a multiple of ${this.#unit / this.#scale}, was ${price / this.#scale}: ` +
        'give the instrument more price decimals',
    );
  }
}
