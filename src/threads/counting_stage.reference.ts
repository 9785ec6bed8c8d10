// A stage for stage_group.test.ts: takes numbers from a ring, adds one, hands them on; the first makes them, the last adds them up.
import { RING_NONE, RingConsumer, RingProducer } from '../base/ring_buffer.ts';
import type { Agent } from '../base/agent.ts';

export interface CountingData {
  /** null: this stage makes `count` numbers from 0 on. */
  readonly from: SharedArrayBuffer | null;
  /** null: this stage adds up into `sum`. */
  readonly to: SharedArrayBuffer | null;
  readonly count: number;
  /** f64: sum, numbers seen, numbers that came out of order. */
  readonly sum: SharedArrayBuffer;
  /** Throws when this one comes; −1: none. */
  readonly failsAt: number;
}

const DRAIN_MAX = 64;

export function createAgent(data: unknown): Agent {
  const { from, to, count, sum, failsAt } = data as CountingData;
  const consumer = from === null ? null : new RingConsumer(from, 0);
  const producer = to === null ? null : new RingProducer(to, 0);
  const input = from === null ? null : new Float64Array(from);
  const output = to === null ? null : new Float64Array(to);
  const sums = new Float64Array(sum);
  let next = 0;
  let held = -1;
  const take = (): number => {
    if (held >= 0) return held;
    if (consumer === null || input === null) return next < count ? next++ : -1;
    const at = consumer.take();
    if (at === RING_NONE) return -1;
    const value = input[at / 8];
    consumer.release();
    return value;
  };
  const give = (value: number): boolean => {
    if (producer === null || output === null) {
      if (sums[1] > 0 && value <= sums[3]) sums[2] += 1;
      sums[0] += value;
      sums[1] += 1;
      sums[3] = value;
      return true;
    }
    const at = producer.claim();
    if (at === RING_NONE) return false;
    output[at / 8] = value + 1;
    producer.publish();
    return true;
  };
  return {
    name: 'counting',
    poll: () => {
      let work = 0;
      for (; work < DRAIN_MAX; work += 1) {
        const value = take();
        if (value < 0) break;
        if (value === failsAt) throw new Error(`planted failure at ${value}`);
        held = -1;
        if (!give(value)) {
          held = value;
          break;
        }
      }
      return work;
    },
  };
}
