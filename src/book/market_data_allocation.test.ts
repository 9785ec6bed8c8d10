// Receiving and applying market data allocates nothing: neither through `receive` nor in place. In a file of its own, for the heap's count
// is the whole process's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leastHeapPerOperation } from '../../bench/harness/heap.ts';
import { MarketData } from '../wire/generated/market_data.ts';
import { writeMarketDataFlow } from './market_data_flow.ts';
import { MarketDataProcessor } from './market_data_processor.ts';

const MESSAGES = 40_000;
const CHUNK = 512;
const HEAP_BYTES_MAX = 0.1;

test('receive and poll, claim and publish allocate nothing', async () => {
  const bytes = new Uint8Array(MESSAGES * MarketData.bytes);
  writeMarketDataFlow(new DataView(bytes.buffer), 0, { messages: MESSAGES, symbols: 256, ordersPerBook: 8, badEvery: 100, seed: 2 });
  const processor = new MarketDataProcessor({ symbols: 256, ordersMax: 20_000 });
  let taken = 0;
  let rounds = 0;
  // The same messages again and again: their adds are duplicates from the second time on, or new once more where they were cancelled.
  const round = (): void => {
    rounds += 1;
    for (let done = 0; done < MESSAGES; done += CHUNK) {
      const count = Math.min(CHUNK, MESSAGES - done);
      taken += processor.receive(bytes, done * MarketData.bytes, count);
      processor.poll(CHUNK);
      processor.claim(1);
      processor.publish(processor.claimed); // what stood there before is one message more
      processor.poll(1);
    }
  };
  const perMessage = await leastHeapPerOperation(round, MESSAGES, HEAP_BYTES_MAX);
  assert.ok(perMessage <= HEAP_BYTES_MAX, `${perMessage} bytes a message`);
  assert.equal(taken, rounds * MESSAGES);
  processor.checkInvariants();
});
