// Random operations of several producers and the consumer on a queue and on its twin; they must agree at every step.
// By hand: node bin/node26.mjs src/base/mpsc_queue.fuzz.ts [rounds] [first seed]
import assert from 'node:assert/strict';
import { startQueueAt } from './mpmc_queue.fuzz.ts';
import { checkQueue, initializeQueue, MpmcQueue, QUEUE_EMPTY, QUEUE_FULL, queueBytes } from './mpmc_queue.ts';
import { ReferenceMpsc } from './mpsc_queue.reference.ts';
import { MPSC_LOOKS_MAX, MpscConsumer } from './mpsc_queue.ts';
import { Prng } from './prng.ts';

const CONSUMER = 1000;

interface Producing { queue: MpmcQueue; owner: number; claimed: [at: number, number: number][] }

class Run {
  readonly #prng: Prng;
  readonly #buffer: SharedArrayBuffer;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #offset: number;
  readonly #slots: number;
  readonly #slotBytes: number;
  readonly #twin: ReferenceMpsc;
  readonly #producers: Producing[] = [];
  readonly #consumer: MpscConsumer;
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
    // Any start, and often one just before the cursors wrap around 2^32 or change sign.
    if (prng.chance(0.7)) startQueueAt(this.#buffer, this.#offset, [-3, 2 ** 31 - 5, 2 ** 30 - 5, prng.u32()][prng.below(4)] | 0);
    this.#twin = new ReferenceMpsc(this.#slots);
    this.#consumer = new MpscConsumer(this.#buffer, this.#offset, CONSUMER);
    for (let i = 0; i < 3; i += 1) this.#attach();
  }

  #attach(): void {
    this.#owners += 1;
    this.#producers.push({ queue: new MpmcQueue(this.#buffer, this.#offset, this.#owners), owner: this.#owners, claimed: [] });
  }

  step(): void {
    const prng = this.#prng;
    const producing = this.#producers[prng.below(this.#producers.length)];
    switch (prng.below(9)) {
      case 0: case 1: return this.#claim(producing);
      case 2: case 3: return this.#publish(producing);
      case 4: case 5: case 6: {
        const looks = prng.chance(0.05) ? MPSC_LOOKS_MAX : 1;
        for (let i = 0; i < looks; i += 1) this.#take();
        return;
      }
      case 7: return this.#release();
      default: return prng.chance(0.7) ? this.#batch(producing) : this.#die(producing);
    }
  }

  #write(at: number): void {
    this.#value += 1;
    this.#bytes.fill(this.#value & 0xff, at, at + this.#slotBytes);
    this.#view.setFloat64(at, this.#value, true);
  }

  #claim({ queue, owner, claimed }: Producing): void {
    const at = queue.claim();
    const number = this.#twin.claim(this.#value + 1, owner);
    assert.equal(at === QUEUE_FULL, number === -1, 'full');
    if (at === QUEUE_FULL) return;
    this.#write(at);
    claimed.push([at, number]);
  }

  #publish({ queue, claimed }: Producing): void {
    const [slot] = claimed.splice(this.#prng.below(claimed.length || 1), 1); // in any order
    if (slot === undefined) return;
    queue.publish(slot[0]);
    this.#twin.publish(slot[1]);
  }

  #batch({ queue, owner }: Producing): void {
    const wanted = this.#prng.between(1, 2 * this.#slots);
    const count = queue.claimMany(wanted);
    for (let i = 0; i < count; i += 1) {
      const number = this.#twin.claim(this.#value + 1, owner);
      assert.notEqual(number, -1, 'a batch is no larger than the room');
      this.#write(queue.claimedAt(i));
      this.#twin.publish(number);
    }
    if (count < wanted) assert.equal(this.#twin.claim(0, owner), -1, 'a smaller batch is all the room');
    if (count > 0) queue.publishMany();
  }

  #take(): boolean {
    const at = this.#consumer.take();
    const expected = this.#twin.take(CONSUMER);
    assert.equal(at === QUEUE_EMPTY ? null : this.#view.getFloat64(at, true), expected, 'take');
    if (expected === null) return false;
    for (let i = 8; i < this.#slotBytes; i += 1) assert.equal(this.#bytes[at + i], expected & 0xff, 'the rest of the slot');
    return true;
  }

  #release(): void {
    this.#consumer.release();
    this.#twin.release();
  }

  /** The producer ends with what it has claimed; somebody clears up, and another one comes. */
  #die(producing: Producing): void {
    this.#producers.splice(this.#producers.indexOf(producing), 1);
    this.#attach();
    const freed = this.#producers[0].queue.disown(producing.owner);
    assert.equal(freed, this.#twin.disown(producing.owner), 'freed');
    assert.equal(freed, producing.claimed.length, 'all it had claimed');
  }

  compare(): void {
    assert.equal(this.#consumer.depth, this.#twin.depth, 'depth');
    assert.equal(this.#producers[0].queue.depth, this.#twin.depth, 'depth as others see it');
    assert.equal(this.#producers[0].queue.stalledOwner, this.#twin.stalledOwner, 'who stalls');
  }

  /** Everything claimed is published, everything left is taken. */
  finish(): void {
    for (const producing of this.#producers) while (producing.claimed.length > 0) this.#publish(producing);
    while (this.#take());
    this.#release();
    for (let looks = 0; looks < MPSC_LOOKS_MAX; looks += 1) assert.equal(this.#take(), false);
    this.compare();
    assert.equal(this.#twin.depth, 0);
    checkQueue(this.#buffer, this.#offset);
    const end = this.#offset + queueBytes(this.#slots, this.#slotBytes);
    assert.ok(this.#bytes.subarray(0, this.#offset).every((byte) => byte === 0xa5), 'nothing written before the queue');
    assert.ok(this.#bytes.subarray(end).every((byte) => byte === 0xa5), 'nothing written after the queue');
  }
}

export function fuzzMpsc(seed: number, steps: number): void {
  try {
    const run = new Run(seed);
    for (let step = 0; step < steps; step += 1) {
      run.step();
      run.compare();
    }
    run.finish();
  } catch (error) {
    throw new Error(`queue fuzz failed; again: node bin/node26.mjs src/base/mpsc_queue.fuzz.ts 1 ${seed}`, { cause: error });
  }
}

if (import.meta.main) {
  const rounds = Number(process.argv[2] ?? 1000);
  const first = Number(process.argv[3] ?? 1);
  for (let i = 0; i < rounds; i += 1) fuzzMpsc(first + i, 2000);
  console.log(`${rounds} queues agreed with their twin (seeds ${first} to ${first + rounds - 1})`);
}
