// Wakes a sleeping loop when there is something on a descriptor: once, then it is at rest until it is armed again.
import type { Libc, ReadWatch } from './libc.ts';

export class WakeOnce {
  readonly #libc: Libc;
  readonly #fd: number;
  /** Made when it is first armed: whoever never sleeps needs none. */
  #watch: ReadWatch | null = null;
  #wake: (() => void) | null = null;

  constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.#fd = fd;
  }

  /** Calls `wake` from Node's event loop, once, when there is something to read. */
  arm(wake: () => void): void {
    this.#wake = wake;
    this.#watch ??= this.#libc.watch(this.#fd, () => {
      const armed = this.#wake;
      this.disarm();
      armed?.();
    });
    this.#watch.start();
  }

  disarm(): void {
    if (this.#wake === null) return;
    this.#wake = null;
    this.#watch?.stop();
  }

  /** For good; before the descriptor is closed. */
  close(): void {
    this.#wake = null;
    this.#watch?.close();
  }
}
