import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeMarketDataFlow } from './market_data_flow.ts';
import { MarketData, MarketDataSide, MarketDataType, type MarketDataFields } from '../wire/generated/market_data.ts';
import { MARKET_DATA_LEVELS_MAX, MARKET_DATA_RING_SLOTS } from './market_data_core.ts';
import { MarketDataProcessor, type MarketDataProcessorOptions } from './market_data_processor.ts';
import { MarketDataProcessorReference } from './market_data_processor.reference.ts';

const { Bid, Ask } = MarketDataSide;

function message(fields: Partial<MarketDataFields>): MarketDataFields {
  return { symbol: 0, type: MarketDataType.Add, side: Bid, price: 1_000_000n, volume: 10n, timestamp: 5n, sequence: 1n, ...fields };
}

function bytesOf(messages: readonly MarketDataFields[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(messages.length * MarketData.bytes));
  for (const [i, fields] of messages.entries()) MarketData.write(view, i * MarketData.bytes, fields);
  return new Uint8Array(view.buffer);
}

function feed(processor: MarketDataProcessor, ...messages: Partial<MarketDataFields>[]): void {
  const bytes = bytesOf(messages.map(message));
  assert.equal(processor.receive(bytes, 0, messages.length), messages.length);
  processor.settle();
}

function make(options: MarketDataProcessorOptions = {}): MarketDataProcessor {
  return new MarketDataProcessor({ symbols: 64, ordersMax: 10_000, variant: 'core.checked', ...options });
}

test('add, modify, cancel and trade do to a book what they say', () => {
  const processor = make();
  feed(
    processor,
    { sequence: 1n, price: 100n, volume: 10n }, { sequence: 2n, price: 101n, volume: 5n }, { sequence: 3n, price: 100n, volume: 7n },
    { sequence: 4n, side: Ask, price: 103n, volume: 1n }, { sequence: 5n, side: Ask, price: 102n, volume: 2n },
  );
  assert.deepEqual(processor.depth(0, 10), {
    bids: [{ price: 101, volume: 5n, orders: 1 }, { price: 100, volume: 17n, orders: 2 }],
    asks: [{ price: 102, volume: 2n, orders: 1 }, { price: 103, volume: 1n, orders: 1 }],
  });
  assert.equal(processor.lastTrade(0), null);

  // A modify says the new price and the new volume; a cancel takes the whole rest, whatever volume and price it carries.
  feed(
    processor,
    { type: MarketDataType.Modify, sequence: 1n, price: 99n, volume: 4n },
    { type: MarketDataType.Cancel, sequence: 5n, side: Ask, price: 1n, volume: 0n },
    { type: MarketDataType.Trade, price: 777n, volume: 3n, sequence: 9n, timestamp: 44n },
  );
  assert.deepEqual(processor.depth(0, 10), {
    bids: [{ price: 101, volume: 5n, orders: 1 }, { price: 100, volume: 7n, orders: 1 }, { price: 99, volume: 4n, orders: 1 }],
    asks: [{ price: 103, volume: 1n, orders: 1 }],
  });
  assert.deepEqual(processor.depth(0, 1).bids, [{ price: 101, volume: 5n, orders: 1 }]);
  assert.deepEqual(processor.lastTrade(0), { price: 777, volume: 3n });
  assert.equal(processor.timestampOf(0), 44n);
  assert.equal(processor.appliedTo(0), 8);
  assert.equal(processor.stats().ordersLive, 4);
  assert.equal(processor.appliedTo(1), 0);
  processor.checkInvariants();
});

test('each bad message is counted under its reason and changes nothing', () => {
  const processor = make({ ordersMax: 2 });
  feed(processor, { sequence: 1n, price: 100n }, { sequence: 2n, price: 100n });
  const before = processor.hash();
  const bad: [reason: string, fields: Partial<MarketDataFields>][] = [
    ['symbol', { symbol: 64, sequence: 3n }],
    ['symbol', { symbol: 65_535, sequence: 3n, type: 0 }],
    ['type', { type: 0, sequence: 3n }],
    ['type', { type: 5, sequence: 3n, side: 2 }],
    ['side', { side: 2, sequence: 3n }],
    ['price', { price: 0n, sequence: 3n }],
    ['price', { price: 10_000_000_000n, sequence: 3n }],
    ['price', { price: 2n ** 63n, sequence: 3n }],
    ['price', { price: 0n, sequence: 1n, type: MarketDataType.Cancel }],
    ['volume', { volume: 0n, sequence: 3n }],
    ['volume', { volume: 0n, sequence: 1n, type: MarketDataType.Modify }],
    ['volume', { volume: 0n, type: MarketDataType.Trade }],
    ['unknownReference', { sequence: 9n, type: MarketDataType.Cancel }],
    ['unknownReference', { sequence: 9n, type: MarketDataType.Modify }],
    ['unknownReference', { sequence: 1n, symbol: 1, type: MarketDataType.Cancel }],
    ['otherSide', { sequence: 1n, side: Ask, type: MarketDataType.Cancel }],
    ['otherSide', { sequence: 1n, side: Ask, type: MarketDataType.Modify }],
    ['capacity', { sequence: 3n }],
  ];
  const expected: Record<string, number> = {};
  for (const [reason, fields] of bad) {
    feed(processor, fields);
    expected[reason] = (expected[reason] ?? 0) + 1;
    const { refused } = processor.stats();
    for (const [name, count] of Object.entries(refused)) assert.equal(count, expected[name] ?? 0, `${name} after ${reason}`);
    assert.equal(processor.hash(), before);
  }
  feed(processor, { sequence: 2n, type: MarketDataType.Cancel }, { sequence: 1n });
  assert.equal(processor.stats().refused.duplicate, 1);
  processor.checkInvariants();
});

test('the ends of the price range and the largest volume are kept exactly; a sum beyond 64 bits is refused', () => {
  const processor = make();
  const most = 2n ** 64n - 1n;
  feed(
    processor,
    { sequence: 1n, price: 9_999_999_999n, volume: most }, { sequence: 2n, price: 1n, volume: 1n },
    { sequence: 3n, price: 9_999_999_999n, volume: 1n },
    { sequence: 4n, side: Ask, price: 1n }, { sequence: 5n, side: Ask, price: 9_999_999_999n },
  );
  assert.deepEqual(processor.depth(0, 9).bids, [{ price: 9_999_999_999, volume: most, orders: 1 }, { price: 1, volume: 1n, orders: 1 }]);
  assert.deepEqual(processor.depth(0, 9).asks.map(({ price }) => price), [1, 9_999_999_999]);
  assert.equal(processor.stats().refused.capacity, 1);
});

test('a side goes through all sizes of block and back, levels in every order', () => {
  const processor = make();
  const twin = new MarketDataProcessorReference(64, 10_000);
  const count = MARKET_DATA_LEVELS_MAX + 10;
  const both = (fields: Partial<MarketDataFields>): void => {
    feed(processor, fields);
    twin.apply(new DataView(bytesOf([message(fields)]).buffer), 0);
  };
  // 2,731 is prime to their number: prices come in no order, each once.
  const priceOf = (i: number): bigint => BigInt(1 + ((i * 2_731) % count));
  for (let i = 0; i < count; i++) both({ sequence: BigInt(i + 1), price: priceOf(i), side: Ask });
  assert.equal(processor.stats().refused.capacity, count - MARKET_DATA_LEVELS_MAX);
  assert.deepEqual(processor.depth(0, count), twin.depth(0, count));
  processor.checkInvariants();
  for (let i = count - 1; i >= 0; i--) {
    both({ sequence: BigInt(i + 1), price: 1n, side: Ask, type: MarketDataType.Cancel });
    if (i % 251 === 0 || i < 40) assert.deepEqual(processor.depth(0, count), twin.depth(0, count), `${i} left`);
  }
  processor.checkInvariants();
  assert.deepEqual(processor.depth(0, 1), { bids: [], asks: [] });
});

test('a full ring refuses: nothing is lost and nothing is overwritten', () => {
  const processor = make();
  const messages = Array.from({ length: MARKET_DATA_RING_SLOTS + 100 }, (_, i) =>
    message({ sequence: BigInt(i >> 1), type: i & 1 ? MarketDataType.Cancel : MarketDataType.Add }));
  const bytes = bytesOf(messages);
  assert.equal(processor.receive(bytes, 0, messages.length), MARKET_DATA_RING_SLOTS);
  assert.equal(processor.room, 0);
  assert.equal(processor.receive(bytes, 0, 1), 0);
  assert.equal(processor.poll(1_000), 1_000);
  assert.equal(processor.receive(bytes, MARKET_DATA_RING_SLOTS * MarketData.bytes, 100), 100);
  processor.settle();
  const { applied, processed, dropped } = processor.stats();
  assert.deepEqual([applied.add, applied.cancel, processed, dropped], [messages.length / 2, messages.length / 2, messages.length, 0]);
});

test('a receiver that cannot wait drops what does not fit; it is counted, by book too', () => {
  const processor = make({ whenFull: 'drop' });
  const messages = Array.from({ length: MARKET_DATA_RING_SLOTS + 3 }, (_, i) => message({ symbol: i % 2, sequence: BigInt(i), type: MarketDataType.Trade }));
  messages.at(-1)!.symbol = 9_999;
  assert.equal(processor.receive(bytesOf(messages), 0, messages.length), messages.length);
  assert.equal(processor.stats().dropped, 3);
  assert.deepEqual([processor.droppedOf(0), processor.droppedOf(1), processor.droppedOf(2)], [1, 1, 0]);
  assert.equal(processor.stats().processed, MARKET_DATA_RING_SLOTS);
});

test('places claimed in the ring are written in place', () => {
  const processor = make();
  const at = processor.claim(2);
  assert.equal(processor.claimed, 2);
  const view = new DataView(processor.memory.buffer);
  MarketData.write(view, at, message({ price: 42n }));
  processor.publish(1); // the second place was not needed
  processor.settle();
  assert.deepEqual(processor.depth(0, 1).bids, [{ price: 42, volume: 10n, orders: 1 }]);
  assert.equal(processor.room, MARKET_DATA_RING_SLOTS);
  assert.throws(() => processor.publish(2), /what is published has been claimed/);
});

test('two and three threads keep the books of one, 4,096 of them', async () => {
  const count = 120_000;
  const bytes = new Uint8Array(count * MarketData.bytes);
  const view = new DataView(bytes.buffer);
  writeMarketDataFlow(view, 0, { messages: count, symbols: 4_096, ordersPerBook: 8, badEvery: 500, seed: 3 });
  const twin = new MarketDataProcessorReference(4_096, 1_000_000);
  for (let i = 0; i < count; i++) twin.apply(view, i * MarketData.bytes);
  const hashes = new Set<bigint>();
  for (const threads of [1, 2, 3]) {
    const processor = new MarketDataProcessor({ threads });
    await processor.start();
    try {
      for (let done = 0; done < count;) {
        done += processor.receive(bytes, done * MarketData.bytes, count - done);
        processor.poll();
      }
      hashes.add(processor.hash());
      assert.equal(processor.stats().ordersLive, twin.orders.size);
      if (threads === 2) for (let symbol = 0; symbol < 4_096; symbol++) assert.deepEqual(processor.depth(symbol, 100), twin.depth(symbol, 100));
    } finally {
      await processor.close();
    }
  }
  assert.equal(hashes.size, 1);
});

test('a helper that sleeps wakes for a message', async () => {
  const processor = make({ threads: 2, ownShare: 0 });
  await processor.start();
  try {
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      feed(processor, { sequence: BigInt(i), symbol: 7, price: BigInt(i + 1) });
      assert.equal(processor.depth(7, 9).bids.length, i + 1);
    }
  } finally {
    await processor.close();
  }
});

test('wrong options and questions are told', () => {
  assert.throws(() => make({ symbols: 4_097 }), /symbols must be a whole number 1 … 4096, was 4097/);
  assert.throws(() => make({ threads: 0 }), /threads must be a whole number 1 … 8, was 0/);
  assert.throws(() => make({ ownShare: 17 }), /ownShare must be a whole number 0 … 16, was 17/);
  assert.throws(() => make().depth(64, 1), /symbol must be a whole number 0 … 63, was 64/);
  assert.throws(() => make().receive(new Uint8Array(39), 0, 1), /the messages stand in the source/);
});
