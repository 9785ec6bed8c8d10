// A helper thread of a market data processor: applies the messages of its lane until it is asked to stop.
//
// It spins while there is work, then sleeps on the published cursor. It says that it is about to before it looks a last time,
// so a receiver that publishes in between either is seen or sees that somebody is to be woken.
import { parentPort, workerData } from 'node:worker_threads';
import type { CoreVariant } from './core_module.ts';
import { HEADER, MARKET_DATA_RING_SLOTS, marketDataCore } from './market_data_core.ts';

/** What the thread is started with. */
export interface MarketDataThreadData {
  readonly memory: WebAssembly.Memory;
  readonly variant: CoreVariant;
  readonly lane: number;
}

/** Looks in vain before it sleeps: some 200 µs. */
const LOOKS_MAX = 2_000;
/** It wakes by itself this often, to see whether it is to stop. */
const SLEEP_MS = 100;

function run({ memory, variant, lane }: MarketDataThreadData): void {
  const core = marketDataCore(variant, memory);
  const words = new Int32Array(memory.buffer);
  const published = HEADER.published / 4;
  const sleeping = HEADER.sleeping / 4;
  parentPort?.postMessage('running');
  let looks = 0;
  while (Atomics.load(words, HEADER.stop / 4) === 0) {
    const seen = Atomics.load(words, published);
    if (core.mdProcess(lane, MARKET_DATA_RING_SLOTS) > 0) looks = 0;
    else if (++looks > LOOKS_MAX) {
      Atomics.add(words, sleeping, 1);
      Atomics.wait(words, published, seen, SLEEP_MS);
      Atomics.sub(words, sleeping, 1);
      looks = 0;
    }
  }
}

run(workerData as MarketDataThreadData);
