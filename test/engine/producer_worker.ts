// A worker of workers.test.ts: makes a producer from the handle that it was posted and hands orders in.
import { parentPort, workerData } from 'node:worker_threads';
import { Prng } from '../../src/base/prng.ts';
import { Reason } from '../../src/book/types.ts';
import { EngineProducer } from '../../src/engine/producer.ts';
import type { ProducerHandle } from '../../src/engine/shared_state.ts';

const { kind, handle, worker, orders, book } = workerData as {
  kind: 'orders' | 'slow' | 'die'; handle: ProducerHandle; worker: number; orders: number; book: number;
};
const producer = new EngineProducer(handle);
const prng = new Prng(worker + 1);
const placed: number[] = [];
const cancelled: number[] = [];
let full = 0;

/** Again and again while the lane is full, giving the engine's thread time. */
function insist(call: () => number): number {
  for (;;) {
    const taken = call();
    if (taken >= 0) return taken;
    if (taken !== -Reason.Capacity) throw new Error(`expected to be taken, was ${taken}`);
    full += 1;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

function place(): void {
  const side = prng.chance(0.5) ? 1 : -1;
  placed.push(insist(() => producer.placeLimit(book, side, 1_000 + prng.below(20), 1 + prng.below(9))));
}

if (kind === 'slow') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 80);
for (let i = 0; i < orders; i++) {
  place();
  if (kind === 'orders' && prng.chance(0.4)) {
    const id = placed[prng.below(placed.length)];
    if (!cancelled.includes(id)) {
      insist(() => producer.cancel(id));
      cancelled.push(id);
    }
  }
}
if (kind === 'die') {
  // Between claim and publish: the clock that the stamp reads ends the thread.
  performance.now = () => process.exit(9);
  for (;;) producer.placeLimit(book, 1, 1_000, 1);
}
parentPort!.postMessage({ placed, cancelled, full });
