// Signals that ask a verb to end: SIGINT (Ctrl-C), SIGTERM, and SIGHUP where a verb wants it.
//
// The first one asks; a later one insists, for whoever does not want to wait. One Ctrl-C can come
// twice at once: from the terminal, which tells every process of its foreground group, and handed
// on by the program that started this one (bin/node26.mjs). Signals within ONE_INTERRUPT_MS of the
// first are therefore one.
const ONE_INTERRUPT_MS = 300;

export class Interrupts {
  readonly #signals: readonly NodeJS.Signals[];
  readonly #first: () => void;
  readonly #again: () => void;
  #firstMs = -1;

  constructor(signals: readonly NodeJS.Signals[], first: () => void, again: () => void) {
    this.#signals = signals;
    this.#first = first;
    this.#again = again;
    for (const signal of signals) process.on(signal, this.#onSignal);
  }

  dispose(): void {
    for (const signal of this.#signals) process.off(signal, this.#onSignal);
  }

  readonly #onSignal = (): void => {
    const nowMs = performance.now();
    if (this.#firstMs < 0) {
      this.#firstMs = nowMs;
      this.#first();
    } else if (nowMs - this.#firstMs > ONE_INTERRUPT_MS) this.#again();
  };
}
