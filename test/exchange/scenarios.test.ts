// Every scenario of test/scenarios that the wire has words for, told to a whole exchange: over TCP
// and multicast on loopback, and over the memory network in each framing. And random commands, in
// lockstep with the twin. What clients are told and what the public sees must be what the rules
// say; after every command the receiver's books have the engine's public hash.
//
// WIRE_SEEDS, WIRE_COMMANDS set the length of the random runs, WIRE_SEED the first seed.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { freePorts } from '../../src/apps/free_ports.ts';
import { Prng } from '../../src/base/prng.ts';
import { ReferenceEngine } from '../../src/book/order_book.reference.ts';
import { RandomCommands } from '../../src/book/random_commands.ts';
import {
  parseScenarios,
  runScenario,
  type Scenario,
  ScenarioError,
  type Step,
} from '../../src/book/scenario.ts';
import { chooseNetwork } from '../../src/net/choose_network.ts';
import type { Network } from '../../src/net/transport.ts';
import { Framing } from '../../src/wire/framing/frame.ts';
import {
  ExecutedQuantities,
  openScenario,
  unsayable,
  unsayableCommand,
  type WireOptions,
  WireTarget,
} from './scenario_target.ts';

const SEEDS = Number(process.env['WIRE_SEEDS'] ?? 4);
const COMMANDS = Number(process.env['WIRE_COMMANDS'] ?? 2_500);
const SEED_FIRST = Number(process.env['WIRE_SEED'] ?? 1);
const COMMANDS_OVER_TCP = 500;
const BURST_MAX = 200;

/** Scenarios in all, and why some of them cannot be told to an exchange. */
const SCENARIOS = 131;
const UNSAYABLE: Readonly<Record<string, number>> = {
  reduce: 11,
  'replaced-last': 1,
  'replace beyond 2^32': 1,
  'unknown state': 1,
  triggers: 2,
  levels: 1,
  'client none': 1,
  'a mass cancel by the system': 1,
};

const FOLDER = new URL('../scenarios/', import.meta.url);
const scenarios = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.txt'))
  .toSorted()
  .flatMap((file) => parseScenarios(readFileSync(new URL(file, FOLDER), 'utf8'), file));
const sayable = scenarios.filter((scenario) => unsayable(scenario) === null);

const real = (): Network => chooseNetwork('auto').network;

function run(scenario: Scenario, options: WireOptions = {}): Promise<void> {
  return runScenario(scenario, (told) => openScenario(told, options));
}

test(`${sayable.length} of ${scenarios.length} scenarios can be told to an exchange`, () => {
  const reasons: Record<string, number> = {};
  for (const scenario of scenarios) {
    const why = unsayable(scenario);
    if (why !== null) reasons[why] = (reasons[why] ?? 0) + 1;
  }
  assert.deepEqual(reasons, UNSAYABLE);
  assert.equal(scenarios.length, SCENARIOS);
});

const WIRES: Record<string, () => Promise<WireOptions>> = {
  'TCP and multicast': async () => ({ network: real, feedPort: await freePorts() }),
  ...Object.fromEntries(
    Object.values(Framing).map((framing) => [
      `the memory network, ${framing}`,
      async (): Promise<WireOptions> => ({ framing }),
    ]),
  ),
};

for (const [wire, optionsOf] of Object.entries(WIRES)) {
  test(`${sayable.length} scenarios over ${wire}`, async () => {
    const options = await optionsOf();
    const failed: string[] = [];
    for (const scenario of sayable) {
      await run(scenario, options).catch((error: unknown) => {
        if (!(error instanceof ScenarioError)) throw error;
        failed.push(error.message);
      });
    }
    assert.equal(failed.length, 0, failed.join('\n\n'));
  });
}

const TOLD = `
== An iceberg, its fill, its end
> sell A1 30 @ 101 display 10
  accepted A1 sell 30 @ 101 shows 10
> sell B1 5 @ 101
  accepted B1 sell 5 @ 101 shows 5
> buy C1 10 @ 101
  accepted C1 buy 10 @ 101
  trade C1 buys 10 @ 101 from A1, leaves 0 and 20 iceberg
  rested A1 @ 101 shows 10 of 20
book
  bids | price | asks
       |   101 | B1 5 A1 10+10
> cancel A1
  canceled A1 20 resting
`;

test('a scenario that tells it otherwise fails', async () => {
  const [told] = parseScenarios(TOLD, 'told');
  await run(told);
  const changes: [string, string][] = [
    ['30 @ 101 shows 10', '30 @ 101 shows 9'],
    ['30 @ 101 shows 10', '30 @ 101'],
    ['10 @ 101 from A1, leaves 0', '9 @ 101 from A1, leaves 0'],
    ['leaves 0 and 20', 'leaves 0 and 19'],
    ['from A1', 'from B1'],
    ['  rested A1 @ 101 shows 10 of 20\n', ''],
    ['shows 10 of 20', 'shows 10 of 21'],
    ['B1 5 A1 10+10', 'A1 10+10'],
    ['20 resting', '20'],
    ['canceled A1 20', 'canceled A1 10'],
    ['  canceled A1 20 resting\n', ''],
    ['  canceled A1 20 resting', '  rejected A1 cancel unknown-order'],
    ['  canceled A1 20 resting', '  canceled A1 20 resting\n  canceled B1 5 resting'],
  ];
  for (const [right, wrong] of changes) {
    assert.ok(TOLD.includes(right), right);
    const [scenario] = parseScenarios(TOLD.replace(right, wrong), 'told');
    await assert.rejects(run(scenario), ScenarioError, `${right} → ${wrong}`);
  }
});

/** Random commands that can be said, with the events that the twin has for them. */
function randomScenario(seed: number, commands: number): Scenario {
  const random = new RandomCommands(seed);
  const { instruments, ordersMax, stp } = random.config;
  const config = { instruments, ordersMax, ...(stp === undefined ? {} : { stp }) };
  const twin = new ReferenceEngine(config);
  const executed = new ExecutedQuantities();
  const steps: Step[] = [];
  while (steps.length < commands) {
    const command = random.next();
    // As a command slot has it; beyond, the wire has other numbers than the engine.
    if (command.price !== undefined) command.price |= 0;
    if (command.stopPrice !== undefined) command.stopPrice |= 0;
    if (unsayableCommand(command, config, executed.of(command)) !== null) continue;
    const events = twin.submit(command);
    random.observe(events);
    executed.note(events);
    steps.push({ line: steps.length + 1, command, events });
  }
  const title = `${commands} random commands`;
  return { title, file: `WIRE_SEED=${seed} WIRE_COMMANDS=${commands}`, line: 0, config, steps };
}

for (let seed = SEED_FIRST; seed < SEED_FIRST + SEEDS; seed++) {
  test(`random commands over the memory network, seed ${seed}`, async () => {
    await run(randomScenario(seed, COMMANDS));
  });
}

/** Bursts of commands, so that requests share reads, batches and datagrams. */
async function flood(seed: number, commands: number, options: WireOptions): Promise<void> {
  const { config, steps } = randomScenario(seed, commands);
  const told = steps.flatMap((step) => ('command' in step ? [step.command] : []));
  const prng = new Prng(seed);
  const wire = await WireTarget.open(config, options);
  try {
    for (let at = 0; at < told.length;) {
      const burst = prng.between(1, BURST_MAX);
      await wire.flood(told.slice(at, at + burst));
      wire.check();
      at += burst;
    }
  } finally {
    wire.close();
  }
}

for (let seed = SEED_FIRST; seed < SEED_FIRST + SEEDS; seed++) {
  test(`bursts of random commands over the memory network, seed ${seed}`, async () => {
    await flood(seed, COMMANDS, {});
  });
}

test('bursts of random commands over TCP and multicast', async () => {
  await flood(SEED_FIRST, COMMANDS, { network: real, feedPort: await freePorts() });
});

test('random commands reach what a feed could get wrong', () => {
  const seen = new Map<string, number>();
  const count = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);
  for (let seed = 1; seed <= 4; seed++) {
    for (const step of randomScenario(seed, 2_500).steps) {
      if (!('command' in step)) continue;
      const { command, events } = step;
      for (const event of events) {
        count(event.type);
        if (command.chain === true) count(`chain: ${event.type}`);
        if (event.type === 'reduced' && event['displayed'] === 0) count('decremented away');
        if (event.type === 'trade' && event['iceberg'] === true) count('iceberg filled');
        if (event.type === 'canceled' && event['resting'] === false) count('never rested');
      }
    }
  }
  const wanted = [
    'accepted', 'trade', 'canceled', 'replaced', 'reduced', 'rejected', 'triggered', 'rested',
    'displayed', 'state', 'chain: replaced', 'chain: canceled', 'chain: trade', 'decremented away',
    'iceberg filled', 'never rested',
  ];
  assert.deepEqual(wanted.filter((what) => (seen.get(what) ?? 0) < 10), []);
});

test('random commands over TCP and multicast', async () => {
  const options = { network: real, feedPort: await freePorts() };
  await run(randomScenario(SEED_FIRST, COMMANDS_OVER_TCP), options);
});
