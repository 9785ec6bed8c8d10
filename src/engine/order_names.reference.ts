// Orders by their names, as a list that is searched from the front: the slow twin of order_names.ts.
import { OrderFlagBits, SLOT_NONE } from './order_names.ts';

interface Named {
  readonly slot: number;
  readonly publicId: number;
  readonly wireId: number;
  readonly flags: number;
  readonly nameLo: number;
  readonly nameHi: number;
}

export class ReferenceNames {
  readonly ordersMax: number;
  readonly orders: Named[] = [];
  /** Slots in the order in which they are given out: the last one freed is the next. */
  readonly #free: number[];

  constructor(ordersMax: number) {
    this.ordersMax = ordersMax;
    this.#free = Array.from({ length: ordersMax }, (_, slot) => ordersMax - 1 - slot);
  }

  add(publicId: number, wireId: number, flags: number, nameLo: number, nameHi: number): number {
    const slot = this.#free.pop();
    if (slot === undefined) return SLOT_NONE;
    this.orders.push({ slot, publicId, wireId, flags, nameLo, nameHi });
    return slot;
  }

  byPublicId(id: number): number {
    return this.orders.find((order) => order.publicId === id)?.slot ?? SLOT_NONE;
  }

  byWireId(id: number): number {
    return this.orders.find((order) => order.wireId === id)?.slot ?? SLOT_NONE;
  }

  byName(lo: number, hi: number): number {
    return this.orders.find(({ flags, nameLo, nameHi }) =>
      (flags & OrderFlagBits.Named) !== 0 && nameLo === lo && nameHi === hi)?.slot ?? SLOT_NONE;
  }

  remove(slot: number): void {
    this.orders.splice(this.orders.findIndex((order) => order.slot === slot), 1);
    this.#free.push(slot);
  }
}
