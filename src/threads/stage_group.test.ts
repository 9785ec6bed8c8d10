import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initializeRing, ringBytes } from '../base/ring_buffer.ts';
import { type Stage, StageGroup, type ThreadMode } from './stage_group.ts';
import type { CountingData } from './counting_stage.reference.ts';

const MODULE = new URL('counting_stage.reference.ts', import.meta.url).href;
const COUNT = 20_000;
const SLOTS = 256;

function ring(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(ringBytes(SLOTS, 8));
  initializeRing(memory, 0, SLOTS, 8);
  return memory;
}

/** Three stages: 0 … COUNT − 1, one more, and the sum of one more again. */
function pipeline(failsAt = -1): { stages: Stage[]; sums: Float64Array } {
  const sum = new SharedArrayBuffer(32);
  const [first, second] = [ring(), ring()];
  const stage = (name: string, from: SharedArrayBuffer | null, to: SharedArrayBuffer | null): Stage => {
    const data: CountingData = { from, to, count: COUNT, sum, failsAt: name === 'middle' ? failsAt : -1 };
    return { name, module: MODULE, data };
  };
  return { stages: [stage('first', null, first), stage('middle', first, second), stage('last', second, null)], sums: new Float64Array(sum) };
}

async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 60_000;
  while (!holds()) {
    assert.ok(performance.now() < endMs, 'it comes to an end');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

for (const mode of ['shared', 'dedicated'] satisfies ThreadMode[]) {
  test(`${mode}: every number goes through all stages, once and in order`, async () => {
    const { stages, sums } = pipeline();
    const group = await StageGroup.start(stages, { mode, wait: 'backoff' });
    await until(() => sums[1] === COUNT);
    group.stop();
    group.stop();
    await group.ended;
    assert.deepEqual([...sums.subarray(0, 3)], [(COUNT * (COUNT - 1)) / 2 + 2 * COUNT, COUNT, 0]);
  });

  test(`${mode}: a stage that throws ends the group with what it threw`, async () => {
    const { stages, sums } = pipeline(5_000);
    const group = await StageGroup.start(stages, { mode, wait: 'backoff' });
    await assert.rejects(group.ended, /planted failure at 5000/);
    assert.ok(sums[1] < 5_000);
  });

  test(`${mode}: cores that cannot be had are told, and the stages run`, { skip: process.platform !== 'linux' && 'Linux only' }, async () => {
    const { stages, sums } = pipeline();
    const refused: string[] = [];
    const picky = stages.map((stage, index): Stage => (index === 1 ? Object.assign({}, stage, { cores: [1_023] }) : stage));
    const group = await StageGroup.start(picky, { mode, wait: 'backoff', onRefused: (stage, what) => refused.push(`${stage}: ${what}`) });
    await until(() => sums[1] === COUNT);
    group.stop();
    await group.ended;
    assert.equal(refused.length, 1);
    assert.match(refused[0], mode === 'shared' ? /^middle: cores of its own need a thread of its own/ : /^middle: the machine does not give cores 1023/);
  });
}
