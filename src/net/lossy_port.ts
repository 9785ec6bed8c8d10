// A frame port that loses some of what it receives, from a seed: faults for a real interface, where the kernel has no netem.
import { assert } from '../base/assert.ts';
import { Prng } from '../base/prng.ts';
import { BURST_MAX, type FramePort, type PortCounters } from './frame_port.ts';

export class LossyPort implements FramePort {
  readonly kind: string;
  readonly macHigh: number;
  readonly macLow: number;
  readonly memory: Uint8Array;
  readonly view: DataView;
  /** Frames lost here on purpose; not among the port's own drops. */
  lost = 0;
  readonly #port: FramePort;
  readonly #prng: Prng;
  readonly #loss: number;
  readonly #kept = new Uint8Array(BURST_MAX); // indices into the port's burst

  /** `loss`: probability 0 … 1 for each frame by itself. */
  constructor(port: FramePort, loss: number, seed: number) {
    assert(loss >= 0 && loss < 1, 'a port that loses frames keeps some');
    this.#port = port;
    this.#loss = loss;
    this.#prng = new Prng(seed);
    this.kind = port.kind;
    this.macHigh = port.macHigh;
    this.macLow = port.macLow;
    this.memory = port.memory;
    this.view = port.view;
  }

  receive(): number {
    for (;;) {
      const count = this.#port.receive();
      let kept = 0;
      for (let i = 0; i < count; i += 1) {
        if (this.#prng.chance(this.#loss)) {
          this.lost += 1;
        } else {
          this.#kept[kept] = i;
          kept += 1;
        }
      }
      if (kept > 0 || count === 0) return kept; // 0 would say that nothing more waits
    }
  }

  frameAt(index: number): number {
    return this.#port.frameAt(this.#kept[index]);
  }

  frameBytes(index: number): number {
    return this.#port.frameBytes(this.#kept[index]);
  }

  claim(): number {
    return this.#port.claim();
  }

  commit(bytes: number): void {
    this.#port.commit(bytes);
  }

  flush(): void {
    this.#port.flush();
  }

  counters(): PortCounters {
    return this.#port.counters();
  }

  arm(wake: () => void): void {
    this.#port.arm(wake);
  }

  disarm(): void {
    this.#port.disarm();
  }

  close(): void {
    this.#port.close();
  }
}
