// The slow twin of price_regions.ts: every order by itself.
import { BLOCK_TICKS } from './price_regions.ts';

export class ReferenceRegions {
  readonly #orders: string[] = [];
  #stops = 0;

  enter(book: number, side: number, ticks: number): void {
    this.#orders.push(blockOf(book, side, ticks));
  }

  leave(book: number, side: number, ticks: number): void {
    this.#orders.splice(this.#orders.indexOf(blockOf(book, side, ticks)), 1);
  }

  enterStop(): void {
    this.#stops++;
  }

  leaveStop(): void {
    this.#stops--;
  }

  has(book: number, side: number, ticks: number): boolean {
    return this.#orders.includes(blockOf(book, side, ticks));
  }

  get blocks(): number {
    return new Set(this.#orders).size + this.#stops;
  }

  get levels(): number {
    let levels = this.#stops;
    for (const block of new Set(this.#orders))
      levels += Math.min(BLOCK_TICKS, this.#orders.filter((other) => other === block).length);
    return levels;
  }
}

function blockOf(book: number, side: number, ticks: number): string {
  return `${book} ${side} ${Math.floor(ticks / BLOCK_TICKS)}`;
}
