// Random operations of producers and three consumers on a priority queue and on its twin; they must agree at every step,
// and no consumer may take more urgent records in a row than allowed while normal ones wait.
// By hand: node bin/node26.mjs src/base/priority_queue.fuzz.ts [rounds] [first seed]
import assert from 'node:assert/strict';
import { QUEUE_EMPTY, QUEUE_FULL } from './mpmc_queue.ts';
import { ReferencePriorityQueue, type Taken } from './priority_queue.reference.ts';
import { initializePriorityQueue, Lane, PriorityQueue, priorityQueueBytes } from './priority_queue.ts';
import { Prng } from './prng.ts';

const CONSUMERS = 3;

interface Held { at: number; urgent: boolean; number: number }

class Run {
  readonly #prng: Prng;
  readonly #queue: PriorityQueue;
  readonly #consumers: PriorityQueue[];
  readonly #view: DataView;
  readonly #twin: ReferencePriorityQueue;
  readonly #claimed: Held[] = [];
  readonly #taken: Held[] = [];
  readonly #urgentRuns = new Array<number>(CONSUMERS).fill(0);
  readonly #urgentRunMax: number;
  #value = 0;

  constructor(seed: number) {
    const prng = new Prng(seed);
    this.#prng = prng;
    const layout = {
      urgentSlots: 2 ** prng.below(5), normalSlots: 2 ** prng.below(5), slotBytes: 8 * prng.between(1, 9), urgentRunMax: prng.between(1, 6),
    };
    const offset = 64 * prng.below(3);
    const buffer = new SharedArrayBuffer(offset + priorityQueueBytes(layout));
    new Uint8Array(buffer).fill(0xa5); // old content must not matter
    initializePriorityQueue(buffer, offset, layout);
    this.#view = new DataView(buffer);
    this.#queue = new PriorityQueue(buffer, offset, 1);
    this.#consumers = Array.from({ length: CONSUMERS }, (_, i) => new PriorityQueue(buffer, offset, 2 + i));
    this.#twin = new ReferencePriorityQueue(layout.urgentSlots, layout.normalSlots, layout.urgentRunMax);
    this.#urgentRunMax = layout.urgentRunMax;
  }

  step(): void {
    const consumer = this.#prng.below(CONSUMERS);
    switch (this.#prng.below(8)) {
      case 0: case 1: case 2: return this.#claim(this.#prng.chance(0.6));
      case 3: case 4: return this.#publish();
      case 5: return this.#take(consumer);
      case 6: return this.#release();
      default: return this.#takeMany(consumer);
    }
  }

  #claim(urgent: boolean): void {
    this.#value += 1;
    const at = urgent ? this.#queue.claimUrgent() : this.#queue.claim();
    const number = this.#twin.claim(urgent, this.#value);
    assert.equal(at === QUEUE_FULL, number === -1, 'full');
    if (at === QUEUE_FULL) return;
    this.#view.setFloat64(at, this.#value, true);
    this.#claimed.push({ at, urgent, number });
  }

  #publish(): void {
    const [slot] = this.#claimed.splice(this.#prng.below(this.#claimed.length || 1), 1);
    if (slot === undefined) return;
    this.#queue.publish(slot.at);
    this.#twin.lanes[slot.urgent ? 0 : 1].publish(slot.number);
  }

  #compare(at: number, { urgent, number, value }: Taken): Held {
    assert.equal(this.#view.getFloat64(at, true), value, 'the record taken');
    return { at, urgent, number };
  }

  #take(consumer: number): void {
    const queue = this.#consumers[consumer];
    const normalWaits = this.#twin.lanes[1].depth > 0 && this.#twin.lanes[1].stalledOwner === -1;
    const at = queue.take();
    const expected = this.#twin.take(consumer);
    assert.equal(at === QUEUE_EMPTY, expected === null, 'empty');
    if (expected === null) return;
    assert.equal(queue.takenLane === Lane.Urgent, expected.urgent, 'lane');
    this.#urgentRuns[consumer] = expected.urgent ? this.#urgentRuns[consumer] + 1 : 0;
    if (normalWaits) assert.ok(this.#urgentRuns[consumer] <= this.#urgentRunMax, 'a normal record waited too long');
    else if (expected.urgent) this.#urgentRuns[consumer] = Math.min(this.#urgentRuns[consumer], this.#urgentRunMax);
    this.#taken.push(this.#compare(at, expected));
  }

  #takeMany(consumer: number): void {
    const queue = this.#consumers[consumer];
    const most = this.#prng.between(1, 20);
    const count = queue.takeMany(most);
    const expected = this.#twin.takeMany(consumer, most);
    assert.equal(count, expected.length, 'batch');
    assert.equal(queue.urgentTaken, expected.filter(({ urgent }) => urgent).length, 'urgent ones of the batch');
    expected.forEach((taken, i) => this.#compare(queue.takenAt(i), taken));
    this.#urgentRuns[consumer] = expected.some(({ urgent }) => !urgent) ? 0 : Math.min(this.#urgentRuns[consumer] + count, this.#urgentRunMax);
    queue.releaseMany();
    for (const { urgent, number } of expected) this.#twin.lanes[urgent ? 0 : 1].release(number);
  }

  #release(): void {
    const [slot] = this.#taken.splice(this.#prng.below(this.#taken.length || 1), 1);
    if (slot === undefined) return;
    this.#queue.release(slot.at);
    this.#twin.lanes[slot.urgent ? 0 : 1].release(slot.number);
  }

  compare(): void {
    const { lanes, refused } = this.#twin;
    assert.deepEqual(
      [this.#queue.urgentDepth, this.#queue.normalDepth, this.#queue.urgentRefused, this.#queue.normalRefused],
      [lanes[0].depth, lanes[1].depth, ...refused],
    );
  }
}

export function fuzzPriorityQueue(seed: number, steps: number): void {
  try {
    const run = new Run(seed);
    for (let step = 0; step < steps; step += 1) {
      run.step();
      run.compare();
    }
  } catch (error) {
    throw new Error(`priority queue fuzz failed; again: node bin/node26.mjs src/base/priority_queue.fuzz.ts 1 ${seed}`, { cause: error });
  }
}

if (import.meta.main) {
  const rounds = Number(process.argv[2] ?? 1000);
  const first = Number(process.argv[3] ?? 1);
  for (let i = 0; i < rounds; i += 1) fuzzPriorityQueue(first + i, 2000);
  console.log(`${rounds} priority queues agreed with their twin (seeds ${first} to ${first + rounds - 1})`);
}
