// Random operations of several handles on a queue and on its twin; they must agree at every step: what is claimed,
// taken and refused, what the records hold, depth, who stalls, what a dead owner leaves.
// By hand: node bin/node26.mjs src/base/mpmc_queue.fuzz.ts [rounds] [first seed]
import assert from 'node:assert/strict';
import { checkQueue, initializeQueue, MpmcQueue, QUEUE_EMPTY, QUEUE_FULL, queueBytes } from './mpmc_queue.ts';
import { ReferenceQueue } from './mpmc_queue.reference.ts';
import { Prng } from './prng.ts';

const CLAIMED_WORD = 128 / 4;
const TAKEN_WORD = 256 / 4;
const SLOTS_WORD = 384 / 4;

/** Sets a queue that was just laid out to any cursor, as if so many records had gone through it. */
export function startQueueAt(buffer: SharedArrayBuffer, offset: number, start: number): void {
  const words = new Int32Array(buffer, offset);
  const strideWords = 2 + words[1] / 4;
  const slots = words[2];
  words[CLAIMED_WORD] = start;
  words[TAKEN_WORD] = start;
  for (let i = 0; i < slots; i += 1) {
    const cursor = (start + i) | 0;
    words[SLOTS_WORD + (cursor & (slots - 1)) * strideWords] = cursor << 1;
  }
}

/** One handle with what it holds: byte offset in the queue and number in the twin. */
interface Holder {
  queue: MpmcQueue;
  owner: number;
  claimed: [at: number, number: number][];
  taken: [at: number, number: number][];
}

class Run {
  readonly #prng: Prng;
  readonly #buffer: SharedArrayBuffer;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #offset: number;
  readonly #slots: number;
  readonly #slotBytes: number;
  readonly #twin: ReferenceQueue;
  readonly #holders: Holder[] = [];
  #value = 0;
  #owners = 0;

  constructor(seed: number) {
    const prng = new Prng(seed);
    this.#prng = prng;
    this.#slots = 2 ** prng.below(7);
    this.#slotBytes = 8 * prng.between(1, 9);
    this.#offset = 64 * prng.below(3);
    this.#buffer = new SharedArrayBuffer(this.#offset + queueBytes(this.#slots, this.#slotBytes) + 64);
    // Old content must not matter, and what lies around must stay.
    this.#bytes = new Uint8Array(this.#buffer).fill(0xa5);
    this.#view = new DataView(this.#buffer);
    initializeQueue(this.#buffer, this.#offset, this.#slots, this.#slotBytes);
    // Any start, and often one just before the cursors wrap around 2^32, or their doubles do, or change sign.
    const starts = [0, -3, 2 ** 31 - 5, 2 ** 30 - 5, -(2 ** 30) - 5, prng.u32()];
    startQueueAt(this.#buffer, this.#offset, starts[prng.below(starts.length)] | 0);
    this.#twin = new ReferenceQueue(this.#slots);
    for (let i = 0; i < 3; i += 1) this.#attach();
  }

  #attach(): void {
    this.#owners += 1;
    const queue = new MpmcQueue(this.#buffer, this.#offset, this.#owners);
    this.#holders.push({ queue, owner: this.#owners, claimed: [], taken: [] });
  }

  step(): void {
    const prng = this.#prng;
    const holder = this.#holders[prng.below(this.#holders.length)];
    switch (prng.below(9)) {
      case 0: case 1: return this.#claim(holder);
      case 2: case 3: return this.#publish(holder);
      case 4: case 5: return this.#take(holder);
      case 6: case 7: return this.#release(holder);
      default: return prng.chance(0.7) ? this.#batch(holder) : this.#die(holder);
    }
  }

  #write(at: number): void {
    this.#value += 1;
    this.#bytes.fill(this.#value & 0xff, at, at + this.#slotBytes);
    this.#view.setFloat64(at, this.#value, true);
  }

  #read(at: number, number: number): void {
    const expected = this.#twin.valueOf(number);
    assert.equal(this.#view.getFloat64(at, true), expected, 'the record taken');
    for (let i = 8; i < this.#slotBytes; i += 1) assert.equal(this.#bytes[at + i], expected & 0xff, 'the rest of the slot');
  }

  #claim(holder: Holder): void {
    const at = holder.queue.claim();
    const number = this.#twin.claim(this.#value + 1, holder.owner);
    assert.equal(at === QUEUE_FULL, number === -1, 'full');
    if (at === QUEUE_FULL) return;
    this.#write(at);
    holder.claimed.push([at, number]);
  }

  #publish(holder: Holder): void {
    const [slot] = holder.claimed.splice(this.#prng.below(holder.claimed.length || 1), 1); // in any order
    if (slot === undefined) return;
    holder.queue.publish(slot[0]);
    this.#twin.publish(slot[1]);
  }

  #take(holder: Holder): void {
    const at = holder.queue.take();
    const number = this.#twin.take(holder.owner);
    assert.equal(at === QUEUE_EMPTY, number === -1, 'empty');
    if (at === QUEUE_EMPTY) return;
    this.#read(at, number);
    holder.taken.push([at, number]);
  }

  #release(holder: Holder): void {
    const [slot] = holder.taken.splice(this.#prng.below(holder.taken.length || 1), 1);
    if (slot === undefined) return;
    this.#read(...slot); // nobody wrote into it meanwhile
    holder.queue.release(slot[0]);
    this.#twin.release(slot[1]);
  }

  #batch(holder: Holder): void {
    const { queue, owner } = holder;
    const wanted = this.#prng.between(1, 2 * this.#slots);
    const numbers: number[] = [];
    if (this.#prng.chance(0.5)) {
      const count = queue.claimMany(wanted);
      for (let i = 0; i < count; i += 1) {
        numbers.push(this.#twin.claim(this.#value + 1, owner));
        this.#write(queue.claimedAt(i));
      }
      assert.ok(!numbers.includes(-1), 'a batch is no larger than the room');
      if (count < wanted) assert.equal(this.#twin.claim(0, owner), -1, 'a smaller batch is all the room');
      if (count > 0) queue.publishMany();
      for (const number of numbers) this.#twin.publish(number);
      return;
    }
    const count = queue.takeMany(wanted);
    for (let i = 0; i < count; i += 1) {
      const number = this.#twin.take(owner);
      numbers.push(number);
      assert.notEqual(number, -1, 'a batch is no larger than what was published');
      this.#read(queue.takenAt(i), number);
    }
    // A batch may end before a void slot; the next one goes on behind it.
    if (count === 0) assert.equal(this.#twin.take(owner), -1, 'no batch: nothing to take');
    if (count > 0) queue.releaseMany();
    for (const number of numbers) this.#twin.release(number);
  }

  /** The holder ends with what it holds; somebody clears up, and another one comes. */
  #die(holder: Holder): void {
    this.#holders.splice(this.#holders.indexOf(holder), 1);
    this.#attach();
    const freed = this.#holders[0].queue.disown(holder.owner);
    assert.equal(freed, this.#twin.disown(holder.owner), 'freed');
    assert.equal(freed, holder.claimed.length + holder.taken.length, 'all it held');
  }

  compare(): void {
    const { queue } = this.#holders[0];
    assert.equal(queue.depth, this.#twin.depth, 'depth');
    assert.equal(queue.stalledOwner, this.#twin.stalledOwner, 'who stalls');
  }

  /** Everything held is given back, everything left is taken. */
  finish(): void {
    for (const holder of this.#holders) {
      while (holder.claimed.length > 0) this.#publish(holder);
      while (holder.taken.length > 0) this.#release(holder);
    }
    for (let before = -1; this.#twin.depth !== before;) {
      before = this.#twin.depth;
      this.#take(this.#holders[0]);
    }
    this.#release(this.#holders[0]);
    while (this.#holders[0].taken.length > 0) this.#release(this.#holders[0]);
    this.compare();
    assert.equal(this.#twin.depth, 0);
    checkQueue(this.#buffer, this.#offset);
    const end = this.#offset + queueBytes(this.#slots, this.#slotBytes);
    assert.ok(this.#bytes.subarray(0, this.#offset).every((byte) => byte === 0xa5), 'nothing written before the queue');
    assert.ok(this.#bytes.subarray(end).every((byte) => byte === 0xa5), 'nothing written after the queue');
  }
}

export function fuzzQueue(seed: number, steps: number): void {
  try {
    const run = new Run(seed);
    for (let step = 0; step < steps; step += 1) {
      run.step();
      run.compare();
    }
    run.finish();
  } catch (error) {
    throw new Error(`queue fuzz failed; again: node bin/node26.mjs src/base/mpmc_queue.fuzz.ts 1 ${seed}`, { cause: error });
  }
}

if (import.meta.main) {
  const rounds = Number(process.argv[2] ?? 1000);
  const first = Number(process.argv[3] ?? 1);
  for (let i = 0; i < rounds; i += 1) fuzzQueue(first + i, 2000);
  console.log(`${rounds} queues agreed with their twin (seeds ${first} to ${first + rounds - 1})`);
}
