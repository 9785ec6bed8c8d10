// A snapshot's content as a row of fields: what is written in some order is read in the same one.
// Little-endian, as every machine that this runs on; whole arrays as their length and their bytes.
// A reader says a RangeError where there is less than was asked for: a snapshot of another shape.
const BYTES_INITIAL = 1 << 16;

type Numbers = Uint8Array | Int32Array | Uint32Array | Float64Array;

export class StateWriter {
  #bytes = new Uint8Array(BYTES_INITIAL);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  number(value: number): void {
    const at = this.#room(8); // before the view is asked for: it may become another
    this.#view.setFloat64(at, value, true);
  }

  array(values: Numbers): void {
    this.number(values.byteLength);
    const at = this.#room(values.byteLength);
    this.#bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
  }

  text(value: string): void {
    this.array(new TextEncoder().encode(value));
  }

  /** Everything written. */
  get content(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #room(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}

export class StateReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  number(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  bytes(): Uint8Array {
    const length = this.number();
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** A copy, for its place need not be aligned. */
  int32s(): Int32Array {
    return new Int32Array(this.bytes().slice().buffer);
  }

  float64s(): Float64Array {
    return new Float64Array(this.bytes().slice().buffer);
  }

  text(): string {
    return new TextDecoder().decode(this.bytes());
  }

  /** Nothing may be left. */
  end(): void {
    if (this.#at !== this.#bytes.length) {
      throw new RangeError(`expected an end after ${this.#at} bytes, was ${this.#bytes.length}`);
    }
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (!(bytes >= 0 && at + bytes <= this.#bytes.length)) {
      throw new RangeError(
        `expected ${bytes} bytes at ${at}, was ${this.#bytes.length - at} left`,
      );
    }
    this.#at += bytes;
    return at;
  }
}
