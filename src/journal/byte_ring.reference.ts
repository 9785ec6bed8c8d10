// The byte ring as a list of frames and a count of bytes: the slow, obvious twin that the fuzzer
// compares with.

interface Frame {
  readonly value: number;
  /** With what is left unused before it. */
  readonly bytes: number;
  readonly length: number;
}

export class ReferenceByteRing {
  readonly #capacity: number;
  #place: number;
  #claimed: Frame[] = []; // written, not yet visible
  #published: Frame[] = []; // visible, not yet passed
  #passed = 0; // bytes, not yet released

  /** `place`: where in the memory the first frame begins. */
  constructor(capacity: number, place: number) {
    this.#capacity = capacity;
    this.#place = place;
  }

  get used(): number {
    const sum = (frames: Frame[]): number => frames.reduce((bytes, frame) => bytes + frame.bytes, 0);
    return this.#passed + sum(this.#published) + sum(this.#claimed);
  }

  /** The place of the frame, or null when it does not fit. */
  claim(value: number, length: number): number | null {
    const left = this.#capacity - this.#place;
    const unused = length > left ? left : 0;
    if (this.used + unused + length > this.#capacity) return null;
    this.#claimed.push({ value, length, bytes: unused + length });
    const at = unused > 0 ? 0 : this.#place;
    this.#place = (at + length) % this.#capacity;
    return at;
  }

  publish(): void {
    this.#published.push(...this.#claimed);
    this.#claimed = [];
  }

  take(): { value: number; length: number } | null {
    const frame = this.#published.shift();
    if (frame === undefined) return null;
    this.#passed += frame.bytes;
    return frame;
  }

  release(): void {
    this.#passed = 0;
  }
}
