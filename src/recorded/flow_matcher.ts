// A small price-time matcher for the command slots of our order flows: limit orders, good till
// cancelled or immediate, cancel, reduce, replace; one instrument. It shares nothing with the core,
// so a flow's published counts can be checked without it, and against it; and a generator that must
// know which of its orders live asks it (mixed_flow.ts).
//
//   per side and tick: first and last order · per order: price, open, previous, next, by id
//
// The next best price is found by walking a bitmap of occupied ticks, 32 at a step.
// Limits: ids 1 … idsMax, prices 1 … priceMax; a replace always loses its place (as in the flows,
// where it never only shrinks an order at its price).
import { assert, fail } from '../base/assert.ts';
import { Cmd, COMMAND, Side, Tif } from '../book/types.ts';

const NONE = 0;

/**
 * Levels of one side: first and last order of each tick, 0 = none, and a bit for each tick that
 * has orders.
 */
class Ladder {
  readonly first: Int32Array;
  readonly last: Int32Array;
  readonly #occupied: Int32Array;
  levels = 0;

  constructor(priceMax: number) {
    this.first = new Int32Array(priceMax + 1);
    this.last = new Int32Array(priceMax + 1);
    this.#occupied = new Int32Array((priceMax >>> 5) + 1);
  }

  occupy(price: number): void {
    this.#occupied[price >>> 5] |= 1 << (price & 31);
    this.levels++;
  }

  vacate(price: number): void {
    this.#occupied[price >>> 5] &= ~(1 << (price & 31));
    this.levels--;
  }

  /** The highest occupied tick at or below `price`, or `none`. */
  below(price: number, none: number): number {
    let word = price >>> 5;
    let bits = this.#occupied[word] & (-1 >>> (31 - (price & 31)));
    while (bits === 0 && word > 0) bits = this.#occupied[--word];
    return bits === 0 ? none : word * 32 + 31 - Math.clz32(bits);
  }

  /** The lowest occupied tick at or above `price`, or `none`. */
  above(price: number, none: number): number {
    let word = price >>> 5;
    let bits = this.#occupied[word] & (-1 << (price & 31));
    while (bits === 0 && word < this.#occupied.length - 1) bits = this.#occupied[++word];
    return bits === 0 ? none : word * 32 + 31 - Math.clz32(bits & -bits);
  }
}

export class FlowMatcher {
  accepted = 0;
  fills = 0;
  filledQty = 0;
  /** Cancelled by request, and rests of immediate orders. */
  canceled = 0;
  replaced = 0;
  reduced = 0;
  rejected = 0;
  standing = 0;
  standingPeak = 0;
  levelsPeak = 0;
  /** Sums over messages, for the means. */
  standingSum = 0;
  levelsSum = 0;
  messages = 0;

  readonly #priceMax: number;
  readonly #price: Int32Array;
  readonly #open: Uint32Array;
  readonly #side: Int8Array;
  readonly #previous: Int32Array;
  readonly #next: Int32Array;
  readonly #bids: Ladder;
  readonly #asks: Ladder;
  #bestBid: number;
  #bestAsk: number;

  constructor(idsMax: number, priceMax: number) {
    this.#priceMax = priceMax;
    this.#price = new Int32Array(idsMax + 1);
    this.#open = new Uint32Array(idsMax + 1);
    this.#side = new Int8Array(idsMax + 1);
    this.#previous = new Int32Array(idsMax + 1);
    this.#next = new Int32Array(idsMax + 1);
    this.#bids = new Ladder(priceMax);
    this.#asks = new Ladder(priceMax);
    this.#bestBid = 0;
    this.#bestAsk = priceMax + 1;
  }

  /**
   * Everything that an exchange would report: acknowledgements of all kinds, one a trade, rejects.
   */
  get reports(): number {
    return (
      this.accepted + this.fills + this.canceled + this.replaced + this.reduced + this.rejected
    );
  }

  get bestBid(): number {
    return this.#bestBid;
  }

  get bestAsk(): number {
    return this.#bestAsk;
  }

  /** What an order still wants; 0 when it does not live. */
  open(id: number): number {
    return this.#open[id];
  }

  process(slots: Uint8Array): void {
    assert(slots.length % COMMAND.size === 0, 'slots come whole');
    const view = new DataView(slots.buffer, slots.byteOffset, slots.byteLength);
    for (let at = 0; at < slots.length; at += COMMAND.size) this.processAt(view, at);
  }

  /** Takes the command at byte `at`. */
  processAt(view: DataView, at: number): void {
    this.#command(view, at);
    this.messages++;
    this.standingSum += this.standing;
    if (this.standing > this.standingPeak) this.standingPeak = this.standing;
    const levels = this.#bids.levels + this.#asks.levels;
    this.levelsSum += levels;
    if (levels > this.levelsPeak) this.levelsPeak = levels;
  }

  #command(view: DataView, at: number): void {
    const id = view.getUint32(at + COMMAND.id, true);
    assert(id > 0 && id < this.#open.length, 'an id is inside the matcher');
    const price = view.getInt32(at + COMMAND.price, true);
    const qty = view.getUint32(at + COMMAND.qty, true);
    const type = view.getUint8(at + COMMAND.type);
    if (type === Cmd.New) {
      assert(this.#open[id] === 0, 'an id that lives is not used again');
      this.accepted++;
      const side = view.getInt8(at + COMMAND.side);
      this.#enter(id, side, price, qty, view.getUint8(at + COMMAND.tif) === Tif.Ioc);
      return;
    }
    if (this.#open[id] === 0) {
      this.rejected++;
      return;
    }
    switch (type) {
      case Cmd.Cancel:
        this.canceled++;
        this.#remove(id);
        return;
      case Cmd.Reduce:
        if (qty >= this.#open[id]) {
          this.canceled++;
          this.#remove(id);
        } else {
          this.reduced++;
          this.#open[id] -= qty;
        }
        return;
      case Cmd.Replace:
        this.replaced++;
        this.#remove(id);
        this.#enter(id, this.#side[id], price, qty, false);
        return;
      default:
        fail('a flow holds new, cancel, reduce and replace');
    }
  }

  #enter(id: number, side: number, price: number, qty: number, immediate: boolean): void {
    assert(price > 0 && price <= this.#priceMax, 'a price is inside the matcher');
    const open = side === Side.Buy ? this.#matchBuy(price, qty) : this.#matchSell(price, qty);
    if (open === 0) return;
    if (immediate) {
      this.canceled++;
      return;
    }
    const ladder = side === Side.Buy ? this.#bids : this.#asks;
    this.#side[id] = side;
    this.#price[id] = price;
    this.#open[id] = open;
    const last = ladder.last[price];
    this.#previous[id] = last;
    this.#next[id] = NONE;
    if (last === NONE) {
      ladder.first[price] = id;
      ladder.occupy(price);
    } else this.#next[last] = id;
    ladder.last[price] = id;
    this.standing++;
    if (side === Side.Buy) this.#bestBid = Math.max(this.#bestBid, price);
    else this.#bestAsk = Math.min(this.#bestAsk, price);
  }

  #matchBuy(limit: number, qty: number): number {
    let open = qty;
    while (open > 0 && this.#bestAsk <= limit)
      open = this.#take(this.#asks.first[this.#bestAsk], open);
    return open;
  }

  #matchSell(limit: number, qty: number): number {
    let open = qty;
    while (open > 0 && this.#bestBid >= limit)
      open = this.#take(this.#bids.first[this.#bestBid], open);
    return open;
  }

  #take(maker: number, open: number): number {
    const qty = Math.min(open, this.#open[maker]);
    this.fills++;
    this.filledQty += qty;
    if (qty === this.#open[maker]) this.#remove(maker);
    else this.#open[maker] -= qty;
    return open - qty;
  }

  #remove(id: number): void {
    const buy = this.#side[id] === Side.Buy;
    const ladder = buy ? this.#bids : this.#asks;
    const price = this.#price[id];
    const previous = this.#previous[id];
    const next = this.#next[id];
    if (previous === NONE) ladder.first[price] = next;
    else this.#next[previous] = next;
    if (next === NONE) ladder.last[price] = previous;
    else this.#previous[next] = previous;
    this.#open[id] = 0;
    this.standing--;
    if (ladder.first[price] !== NONE) return;
    ladder.vacate(price);
    if (buy && price === this.#bestBid) this.#bestBid = ladder.below(price, 0);
    if (!buy && price === this.#bestAsk) this.#bestAsk = ladder.above(price, this.#priceMax + 1);
  }
}
