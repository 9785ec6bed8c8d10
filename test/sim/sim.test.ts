// The simulator as it is meant to be used: seeds hold and leave the same trace twice; what breaks is made
// smaller and told as one command; the command line says so with its exit code.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { progressText } from '../../src/apps/sim.ts';
import { SeedThreads } from '../../src/apps/sim_threads.ts';
import { EventHeap } from '../../src/sim/event_heap.ts';
import { checkSeed, commandOf } from '../../src/sim/check_seed.ts';
import { INVARIANTS } from '../../src/sim/invariants.ts';
import { FAULT_KINDS, FAULT_LAYERS, kindsNamed, makePlan, partOf } from '../../src/sim/plan.ts';
import { simulate } from '../../src/sim/simulation.ts';
import { Prng } from '../../src/base/prng.ts';
import { PLANTED_MISTAKES, putBack } from './planted_mistakes.ts';
import { REGRESSION_SEEDS } from './regression_seeds.ts';

const SEEDS = Number(process.env['OUTCRY_SIM_SEEDS'] ?? 8);
const FIRST_SEED = Number(process.env['OUTCRY_SIM_SEED'] ?? 1);
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

async function holds(seed: number): Promise<void> {
  const { broken } = await checkSeed(seed);
  assert.equal(broken, null, `${broken?.message}; repeat it: outcry sim --seed ${seed}`);
}

test(`${SEEDS} seeds hold, each twice with the same trace`, async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) await holds(seed);
});

for (const { seed, story } of REGRESSION_SEEDS)
  test(`seed ${seed}: ${story}`, async () => holds(seed));

test('a plan keeps its clients and faults when others are left out', () => {
  const plan = makePlan(7);
  assert.ok(plan.faults.length > 1 && plan.clients.length > 2);
  const part = partOf(plan, { faults: [1], clients: [0, 2] });
  assert.deepEqual(part.faults, [plan.faults[1]]);
  assert.deepEqual(part.clients, [plan.clients[0], plan.clients[2]]);
  assert.deepEqual(makePlan(7), plan);
});

test('seeds reach every kind of fault and of client', () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 200; seed++) {
    const { faults, clients, setting } = makePlan(seed);
    for (const { kind } of [...faults, ...clients]) seen.add(kind);
    if (setting.small) seen.add('limits');
  }
  for (const kind of [...FAULT_KINDS, 'soup', 'bare', 'sequenced', 'maker', 'taker', 'receiver'])
    assert.ok(seen.has(kind), kind);
});

test('faults are named by kind, by layer, all or none; another word is refused with what was expected', () => {
  assert.deepEqual([...kindsNamed(['disk'])], [...FAULT_LAYERS.disk]);
  assert.deepEqual([...kindsNamed(['kill', 'loss'])], ['kill', 'loss']);
  assert.equal(kindsNamed(['none']).size, 0);
  assert.equal(kindsNamed(['all']).size, FAULT_KINDS.length);
  assert.throws(() => kindsNamed(['gremlins']), /fault: expected one of all, none, datagrams, .*, was gremlins/);
});

test('a run without faults is whole; with them things happen', async () => {
  const calm = await simulate(makePlan(3, new Set()));
  assert.equal(calm.figures.lives, 1);
  assert.equal(calm.figures.faults, 0);
  assert.ok(calm.figures.trades > 20 && calm.figures.booksCompared > 3);
  const wild = await simulate(makePlan(7));
  assert.ok(wild.figures.lives > 2 && wild.figures.faults > 2);
});

test('what breaks is made smaller, and the smaller plan breaks in the same way', async () => {
  const mistake = PLANTED_MISTAKES.find(({ what }) => what === 'limits are not looked at');
  assert.ok(mistake !== undefined);
  try {
    mistake.patch?.();
    const { broken, smallest } = await checkSeed(1, { shrink: true });
    assert.equal(broken?.id, 'I9');
    assert.ok(smallest !== null);
    const whole = makePlan(1);
    assert.ok(smallest.clients.length < whole.clients.length, 'fewer clients');
    assert.equal(smallest.faults.length, 0, 'no faults are needed');
    await assert.rejects(simulate(smallest), { id: 'I9' });
    assert.match(commandOf(smallest, whole, null), /^outcry sim --seed 1 .*--only-clients \d/);
  } finally {
    putBack();
  }
});

test('two runs that differ are found', async () => {
  let runs = 0;
  const { broken } = await checkSeed(3, {
    kinds: new Set(),
    plant: { life: ({ exchange }) => void (runs++ > 0 && exchange.setState(1, 1)) },
  });
  assert.equal(broken?.id, 'trace');
});

test('the heap gives entries by time, and of one time in the order of planning', () => {
  const prng = new Prng(5);
  const heap = new EventHeap<{ timeNs: number; order: number }>();
  const planned = Array.from({ length: 500 }, (_, order) => ({ timeNs: prng.below(50), order }));
  for (const item of planned) heap.push(item.timeNs, item);
  const expected = planned.toSorted((a, b) => a.timeNs - b.timeNs || a.order - b.order);
  for (const item of expected) {
    assert.equal(heap.nextNs, item.timeNs);
    assert.equal(heap.pop(), item);
  }
  assert.equal(heap.pop(), null);
  assert.equal(heap.nextNs, Infinity);
});

test('every invariant has words', () => {
  assert.deepEqual(Object.keys(INVARIANTS), [...Array.from({ length: 16 }, (_, i) => `I${i + 1}`), 'L1']);
});

test('outcry sim: a summary, one JSON object, the same trace; a wrong word is exit code 2', () => {
  const outcry = (...args: string[]) =>
    spawnSync(process.execPath, [join(root, 'src/apps/outcry.ts'), 'sim', ...args], { encoding: 'utf8' });
  const { status, stdout } = outcry('--seeds', '3..4', '--faults', 'none', '--duration', '50ms', '--jobs', '2', '--json');
  assert.equal(status, 0, stdout);
  const { seeds, ok, figures }: { seeds: number; ok: boolean; figures: { lives: number } } =
    JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  assert.deepEqual([seeds, ok, figures.lives], [2, true, 2]);
  const wrong = outcry('--faults', 'gremlins');
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /expected one of all, none/);
});

test('Ctrl-C ends many seeds with the report of those that are done, and says which are left; exit code 130', async () => {
  const args = ['--seeds', '1..100000', '--faults', 'none', '--duration', '10ms', '--jobs', '2', '--json'];
  const child = spawn(process.execPath, [join(root, 'src/apps/outcry.ts'), 'sim', ...args]);
  let [said, progress] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (said += data));
  child.stderr.on('data', (data: Buffer) => {
    progress += data;
    if (progress.includes('left, 0 broken\n')) child.kill('SIGINT');
  });
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 130, said + progress);
  assert.match(progress, /1 of 100,000 seeds, [\d.]+\/s, .* left, 0 broken/);
  const result: { seeds: number; ok: boolean; left: string } = JSON.parse(said.trim().split('\n').at(-1) ?? '');
  assert.ok(result.seeds >= 1 && !result.ok);
  assert.equal(result.left, `${result.seeds + 1}..100000`, 'all below are done');
  assert.match(said, new RegExp(`interrupted: go on with --seeds ${result.seeds + 1}\\.\\.100000`));
});

test('seeds on threads: a stop finishes what is in hand and begins no more', async () => {
  const task = { faults: ['none'], onlyFaults: null, onlyClients: null, durationNs: 10_000_000, trace: false, shrink: true };
  const threads = new SeedThreads(11, 1_000, task);
  const told: number[] = [];
  await threads.run(2, ({ seed, ok }) => {
    assert.ok(ok);
    told.push(seed);
    if (told.length === 3) threads.stop();
  });
  assert.ok(told.length >= 3 && told.length <= 4, 'one may have been in hand on the other thread');
  assert.deepEqual(told.toSorted((a, b) => a - b), Array.from({ length: told.length }, (_, i) => 11 + i));
  assert.equal(threads.next, 11 + told.length);
});

test('how far a run is: seeds a second, and the time that is left', () => {
  assert.equal(progressText(1_234, 10_000, 0, 109_000), '1,234 of 10,000 seeds, 11.3/s, 12 min 55 s left, 0 broken');
  assert.equal(progressText(99, 100, 2, 9_900), '99 of 100 seeds, 10.0/s, 1 s left, 2 broken');
});

test('what is made smaller stays as small as it is when the run is stopped', async () => {
  const mistake = PLANTED_MISTAKES.find(({ what }) => what === 'limits are not looked at');
  assert.ok(mistake !== undefined);
  try {
    mistake.patch?.();
    const { broken, smallest } = await checkSeed(1, { shrink: true, isStopped: () => true });
    assert.equal(broken?.id, 'I9');
    assert.deepEqual(smallest, makePlan(1));
  } finally {
    putBack();
  }
});
