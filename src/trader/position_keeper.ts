// Positions, cost and profit of every instrument, from fills and marks. Integers only.
import { fail } from '../base/assert.ts';
import type { TraderInstruments } from './instruments.ts';

export type Costing = 'vwap' | 'fifo' | 'lifo';

export interface PositionKeeperOptions {
  /** How a closed quantity's cost is found; default VWAP. */
  costing?: Costing;
  /** Lots of FIFO and LIFO over all instruments; default LOTS_DEFAULT. */
  lotsMax?: number;
}

export class PositionKeeper {
  readonly costing: Costing;

  constructor(_instruments: TraderInstruments, options: PositionKeeperOptions = {}) {
    this.costing = options.costing ?? 'vwap';
  }

  /** Side +1 bought, −1 sold. `fee`: tick-lots paid (negative: received), part of cash and realised profit. */
  onFill(_book: number, _side: number, _priceTicks: number, _qty: number, _fee = 0): void { fail('soon'); }
  /** bid + ask (or twice the last trade); MID2_NONE: no longer known. */
  mark(_book: number, _mid2: number): void { fail('soon'); }
  position(_book: number): number { return fail('soon'); }
  /** Realised profit in tick-lots, doubled. */
  realised2(_book: number): number { return fail('soon'); }
  /** Unrealised profit in tick-lots, doubled; 0 where it is not known. */
  unrealised2(_book: number): number { return fail('soon'); }
  /** realised2 + unrealised2. */
  pnl2(_book: number): number { return fail('soon'); }
  /** −Σ side · price · qty − fees, tick-lots. */
  cash(_book: number): number { return fail('soon'); }
  /** Signed cost sum of the open position, tick-lots. */
  costTicks(_book: number): number { return fail('soon'); }
  fees(_book: number): number { return fail('soon'); }
  volume(_book: number): number { return fail('soon'); }
  fills(_book: number): number { return fail('soon'); }
  /** MID2_NONE: none. */
  mark2(_book: number): number { return fail('soon'); }
  /** A mark is known. */
  marked(_book: number): boolean { return fail('soon'); }
  /** Profit is known: flat, or marked, and every sum within its bounds. */
  known(_book: number): boolean { return fail('soon'); }
  /** Cost per lot of the open position as a float, for people and features; 0 when flat. */
  averageTicks(_book: number): number { return fail('soon'); }
  /** Σ of pnl2 in portfolio money, doubled; meaningful while totalsKnown. */
  totalPnl2(): number { return fail('soon'); }
  totalRealised2(): number { return fail('soon'); }
  get totalsKnown(): boolean { return fail('soon'); }
  /** Σ |position · mark2| in portfolio money, doubled. */
  grossValue2(): number { return fail('soon'); }
  /** Bytes that `snapshot` writes now. */
  get snapshotBytes(): number { return fail('soon'); }
  snapshot(_view: DataView, _at: number): number { return fail('soon'); }
  /** Throws a RangeError that says what was expected when the bytes are no snapshot of these instruments. */
  restore(_view: DataView, _at: number, _length: number): void { fail('soon'); }
  checkInvariants(): void { fail('soon'); }
}
