// A direction of a stream as arrays: the slow, obvious twin that the fuzzer compares with.
import { STREAM_RING_BYTES } from './shared_stream.ts';

export class ReferenceStream {
  readonly #published: number[] = []; // written, not brought by a look
  readonly #visible: number[] = []; // brought, not read
  #untold = 0; // read, not known to the writer

  /** Bytes taken. */
  write(bytes: readonly number[]): number {
    const room = STREAM_RING_BYTES - this.#published.length - this.#visible.length - this.#untold;
    const taken = bytes.slice(0, room);
    for (const byte of taken) this.#published.push(byte);
    return taken.length;
  }

  look(): number {
    const news = this.#published.length > 0 ? 1 : 0;
    for (const byte of this.#published.splice(0)) this.#visible.push(byte);
    return news;
  }

  read(max: number): number[] {
    const bytes = this.#visible.splice(0, max);
    this.#untold += bytes.length;
    return bytes;
  }

  /** The reader tells in quarters of the ring. */
  tell(): boolean {
    if (this.#untold < STREAM_RING_BYTES / 4) return false;
    this.#untold = 0;
    return true;
  }

  get available(): number {
    return this.#visible.length;
  }
}
