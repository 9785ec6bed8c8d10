// The slow twin of exposures.ts: a Map, and pending as a number that a batch forgets.

interface Cell {
  position: number;
  readonly open: { buys: number; sells: number };
  readonly pending: { buys: number; sells: number };
}

export class ReferenceExposures {
  readonly #cells = new Map<string, Cell>();

  nextBatch(): void {
    for (const { pending } of this.#cells.values()) pending.buys = pending.sells = 0;
  }

  cell(account: number, book: number): Cell {
    const key = `${account} ${book}`;
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      cell = { position: 0, open: { buys: 0, sells: 0 }, pending: { buys: 0, sells: 0 } };
      this.#cells.set(key, cell);
    }
    return cell;
  }

  worst(account: number, book: number, side: number): number {
    const { position, open, pending } = this.cell(account, book);
    return side > 0
      ? position + open.buys + pending.buys
      : open.sells + pending.sells - position;
  }

  isOpen(account: number): boolean {
    return [...this.#cells].some(
      ([key, { position, open, pending }]) =>
        key.startsWith(`${account} `) &&
        (position !== 0 || open.buys + open.sells + pending.buys + pending.sells !== 0),
    );
  }

  drop(account: number): void {
    for (const key of this.#cells.keys())
      if (key.startsWith(`${account} `)) this.#cells.delete(key);
  }
}
