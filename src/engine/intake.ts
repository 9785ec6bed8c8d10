// The intake: takes inputs from the queue in batches and hands them on in the order in which they count.
//
//   urgent lane ──┐
//                 ├─► batch ─► intake ─► InputTarget.apply, one at a time
//   normal lane ──┘              │
//                                └─ cancels that came before their own order, and what they wait for
//
// Urgent inputs overtake normal ones. So a cancel can arrive before the order that it names, which still
// waits in the normal lane, and "cancel all" before orders that were placed earlier. Neither may miss:
// - A cancel of an order that is not known waits, as long as a normal input that was handed in before it
//   can still bring the order. When the order comes it is marked Withdrawn: it is answered as cancelled and
//   never goes to the venue. When everything that could bring it has been taken, the cancel is passed on and
//   answered "unknown order". How far that is, is exact: the normal inputs in hand and in the lane when the
//   cancel was taken.
// - "Cancel all" is applied at once and marks every order of its book that it overtook, by the same count.
//
// What is handed on is a plain sequence, marks included: it is what the journal holds, and replaying it needs
// no queue. Cost: a comparison an input where nobody waits. No allocation. Limits: as many waiting cancels as
// the normal lane has slots; one more is answered with reason Capacity.
import { assert } from '../base/assert.ts';
import { PriorityQueue } from '../base/priority_queue.ts';
import { BOOK_EVERY, Input, INPUT, InputFlag, InputViews } from './inputs.ts';
import { OrderFlagBits, OrderNames, SLOT_NONE } from './order_names.ts';
import type { SharedState } from './shared_state.ts';

export interface InputTarget {
  /** An order that a Cancel at `at` could mean is known. */
  knows(views: InputViews, at: number): boolean;
  /** The input at `at` takes effect. */
  apply(views: InputViews, at: number, nowNs: number): void;
  /** A Cancel found no room to wait for its order. */
  refuseCancel(views: InputViews, at: number, nowNs: number): void;
}

/** Up to so many inputs are in hand at once: what an urgent one waits for at most, some 10 µs. */
export const BATCH_MAX = 64;

export class Intake {
  /** Inputs taken, by lane. */
  urgentTaken = 0;
  normalTaken = 0;
  /** Orders that a cancel had overtaken. */
  withdrawn = 0;

  readonly #queue: PriorityQueue;
  readonly #views: InputViews;
  readonly #target: InputTarget;
  /** Per book and, last, for all: orders among normal inputs below this number are withdrawn. */
  readonly #withdrawBelow: Float64Array;
  #barriers = false;
  #inHand = 0; // normal inputs of the batch that are not yet handed on

  // Cancels that wait: as orders of a table, and in the order of arrival.
  readonly #waiting: OrderNames;
  readonly #expiries: Float64Array;
  readonly #sequences: Float64Array;
  #head = 0;
  #tail = 0;
  #nextWaiting = 1;
  /** A waiting cancel as an input again. */
  readonly #scratch = new InputViews(new ArrayBuffer(INPUT.size));

  constructor(shared: SharedState, target: InputTarget, books: number) {
    this.#queue = new PriorityQueue(shared.buffer, shared.queueAt);
    this.#views = new InputViews(shared.buffer);
    this.#target = target;
    this.#withdrawBelow = new Float64Array(books + 1);
    const places = this.#queue.normalSlots;
    this.#waiting = new OrderNames(places);
    this.#expiries = new Float64Array(places);
    this.#sequences = new Float64Array(places);
  }

  /** Inputs in both lanes. */
  get queued(): number {
    return this.#queue.normalDepth + this.#queue.urgentDepth;
  }

  get normalQueued(): number {
    return this.#queue.normalDepth;
  }

  get normalSlots(): number {
    return this.#queue.normalSlots;
  }

  /** Inputs refused because their lane was full. */
  get refused(): number {
    return this.#queue.normalRefused + this.#queue.urgentRefused;
  }

  /** Cancels that wait for their orders. */
  get waiting(): number {
    return this.#waiting.live;
  }

  /** Nothing is queued and nothing waits. */
  get idle(): boolean {
    return this.queued === 0 && this.#waiting.live === 0;
  }

  /** One batch. Returns the inputs handed on. */
  poll(nowNs: number): number {
    const queue = this.#queue;
    const count = queue.takeMany(BATCH_MAX);
    if (count === 0) {
      if (this.#waiting.live > 0 && queue.normalDepth === 0) this.#giveUp(Infinity, nowNs);
      return 0;
    }
    const urgent = queue.urgentTaken;
    this.#inHand = count - urgent;
    for (let i = 0; i < urgent; i++) this.#urgentInput(queue.takenAt(i), nowNs);
    for (let i = urgent; i < count; i++) this.#normalInput(queue.takenAt(i), nowNs);
    queue.releaseMany();
    this.urgentTaken += urgent;
    return count;
  }

  /** Frees what a producer that works no more has left in the queue. */
  disown(producer: number): number {
    return this.#queue.disown(producer);
  }

  checkInvariants(): void {
    this.#waiting.checkInvariants();
    assert(this.#tail - this.#head >= this.#waiting.live, 'every waiting cancel has its turn');
    assert(this.#tail - this.#head <= this.#sequences.length, 'no more turns than places');
  }

  #urgentInput(at: number, nowNs: number): void {
    const views = this.#views;
    const type = views.u8[at];
    if (type === Input.CancelAll) {
      const book = views.u16[(at + INPUT.book) >>> 1];
      const index = book < this.#withdrawBelow.length - 1 ? book : this.#withdrawBelow.length - 1;
      // An unknown book withdraws nothing.
      if (index === book || book === BOOK_EVERY) {
        this.#withdrawBelow[index] = this.#reach();
        this.#barriers = true;
      }
    } else if (type === Input.Cancel && !this.#target.knows(views, at) && this.#reach() > this.normalTaken) {
      return this.#wait(at, nowNs);
    }
    this.#target.apply(views, at, nowNs);
  }

  #normalInput(at: number, nowNs: number): void {
    const views = this.#views;
    this.#inHand -= 1;
    if (views.u8[at] === Input.New && (this.#barriers || this.#waiting.live > 0)) this.#mark(at);
    this.normalTaken += 1;
    this.#target.apply(views, at, nowNs);
    if (this.#waiting.live > 0) this.#giveUp(this.normalTaken, nowNs);
  }

  /** Number after the last normal input that was handed in before now. */
  #reach(): number {
    return this.normalTaken + this.#inHand + this.#queue.normalDepth;
  }

  /** Marks the order at `at` when a cancel has overtaken it. */
  #mark(at: number): void {
    const views = this.#views;
    const number = this.normalTaken;
    const below = this.#withdrawBelow;
    const book = views.u16[(at + INPUT.book) >>> 1];
    const every = below.length - 1;
    let withdrawn = number < below[every] || (book < every && number < below[book]);
    const slot = this.#waiting.live > 0 ? this.#waitingFor(at) : SLOT_NONE;
    if (slot !== SLOT_NONE) {
      this.#waiting.remove(slot);
      withdrawn = true;
    }
    if (!withdrawn) return;
    this.withdrawn += 1;
    views.u8[at + INPUT.flags] |= InputFlag.Withdrawn;
  }

  /** The waiting cancel that means the order at `at`. */
  #waitingFor(at: number): number {
    const views = this.#views;
    const slot = this.#waiting.byPublicId(views.f64[(at + INPUT.orderId) >>> 3]);
    if (slot !== SLOT_NONE || (views.u8[at + INPUT.flags] & InputFlag.Named) === 0) return slot;
    return this.#waiting.byName(views.u32[(at + INPUT.idLo) >>> 2], views.u32[(at + INPUT.idHi) >>> 2]);
  }

  #wait(at: number, nowNs: number): void {
    const views = this.#views;
    const named = (views.u8[at + INPUT.flags] & InputFlag.Named) !== 0;
    const nameLo = views.u32[(at + INPUT.idLo) >>> 2];
    const nameHi = views.u32[(at + INPUT.idHi) >>> 2];
    const orderId = views.f64[(at + INPUT.orderId) >>> 3];
    const waiting = this.#waiting;
    const again = named ? waiting.byName(nameLo, nameHi) : waiting.byPublicId(orderId);
    // The second cancel of the same order changes nothing; it is answered like a cancel that finds nothing.
    if (again !== SLOT_NONE) return this.#target.apply(views, at, nowNs);
    const places = this.#sequences.length;
    if (waiting.full || this.#tail - this.#head === places) return this.#target.refuseCancel(views, at, nowNs);
    const sequence = this.#nextWaiting++;
    waiting.add(
      named ? -sequence : orderId, sequence, 0, 0, named ? OrderFlagBits.Named : 0, nameLo, nameHi,
      views.f64[(at + INPUT.stampNs) >>> 3],
    );
    const place = this.#tail++ % places;
    this.#sequences[place] = sequence;
    this.#expiries[place] = this.#reach();
  }

  /** Passes on the cancels whose order can no longer come: `taken` normal inputs have been handed on. */
  #giveUp(taken: number, nowNs: number): void {
    const places = this.#sequences.length;
    while (this.#head < this.#tail && this.#expiries[this.#head % places] <= taken) {
      const slot = this.#waiting.byWireId(this.#sequences[this.#head++ % places]);
      if (slot === SLOT_NONE) continue; // its order came
      const { publicId, nameLo, nameHi, flags, stampNs } = this.#waiting;
      const named = (flags[slot] & OrderFlagBits.Named) !== 0;
      this.#scratch.write(
        0, Input.Cancel, 0, 0, 0, named ? InputFlag.Named : 0, 0, 0, nameLo[slot], nameHi[slot], 0, 0, 0, 0, 0, 0,
        named ? 0 : publicId[slot], stampNs[slot],
      );
      this.#waiting.remove(slot);
      this.#target.apply(this.#scratch, 0, nowNs);
    }
  }
}
