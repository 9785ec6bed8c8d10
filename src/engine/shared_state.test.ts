import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Doorbell, ID_BLOCK, Phase, SharedState, STRATEGY_ID_BASE } from './shared_state.ts';

const SIZES = { normalSlots: 4, urgentSlots: 4 };
/** Turns of the event loop in which a wake that is on its way has come. */
const TURNS = 20;

async function turns(): Promise<void> {
  for (let i = 0; i < TURNS; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** A bell that is armed, and how often it has woken. */
function armed(shared: SharedState, empty = true): { bell: Doorbell; woken: () => number } {
  let count = 0;
  const bell = new Doorbell(shared, () => empty);
  bell.arm(() => (count += 1));
  return { bell, woken: () => count };
}

test('a ring wakes a sleeper, once', async () => {
  const shared = SharedState.create(SIZES);
  const { woken } = armed(shared);
  await turns();
  assert.equal(woken(), 0, 'nobody rang');
  shared.ring();
  shared.ring();
  await turns();
  assert.equal(woken(), 1);
});

test('a ring on another thread wakes it', async () => {
  const shared = SharedState.create(SIZES);
  const woken = new Promise<void>((resolve) => new Doorbell(shared, () => true).arm(resolve));
  const code = `
    import { workerData } from 'node:worker_threads';
    import { SharedState } from ${JSON.stringify(new URL('./shared_state.ts', import.meta.url).href)};
    new SharedState(workerData).ring();
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { workerData: shared.buffer });
  await woken;
  await worker.terminate();
});

test('what was handed in before it fell asleep wakes it at once; what it hands in itself, too', async () => {
  const full = armed(SharedState.create(SIZES), false);
  await turns();
  assert.equal(full.woken(), 1);
  const own = armed(SharedState.create(SIZES));
  own.bell.kick();
  own.bell.kick();
  await turns();
  assert.equal(own.woken(), 1);
});

test('who is awake is not woken, nor by a ring for an earlier sleep', async () => {
  const shared = SharedState.create(SIZES);
  const { bell, woken } = armed(shared);
  bell.disarm();
  shared.ring();
  await turns();
  assert.equal(woken(), 0);
  let second = 0;
  bell.arm(() => (second += 1));
  shared.ring();
  bell.disarm();
  bell.arm(() => (second += 10));
  await turns();
  assert.equal(second, 0, 'the ring was for the sleep before');
  shared.ring();
  await turns();
  assert.equal(second, 10);
});

test('ids: blocks that nobody shares, below those of strategies; phases and stamps are seen by all', () => {
  const shared = SharedState.create(SIZES);
  const other = new SharedState(shared.buffer);
  assert.deepEqual([shared.takeIdBlock(), other.takeIdBlock(), shared.takeIdBlock()], [0, ID_BLOCK, 2 * ID_BLOCK]);
  shared.skipIds(7 * ID_BLOCK + 3);
  shared.skipIds(5);
  assert.equal(other.takeIdBlock(), 8 * ID_BLOCK);
  assert.ok(2 ** 32 * ID_BLOCK <= STRATEGY_ID_BASE);
  shared.phase = Phase.Open;
  shared.stampMask = 63;
  assert.deepEqual([other.phase, other.stampMask], [Phase.Open, 63]);
  assert.deepEqual([shared.takeProducerNumber(), other.takeProducerNumber()], [1, 2]);
  assert.throws(() => new SharedState(new SharedArrayBuffer(4_096)), /the buffer is an engine’s/);
});
