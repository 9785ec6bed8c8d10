// Every scenario of test/scenarios, on the twin and on the core.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { MatchingEngine } from '../src/book/matching_engine.ts';
import { ReferenceEngine } from '../src/book/order_book.reference.ts';
import {
  EngineTarget, ScenarioError, formatCommand, formatConfig, formatEvent, formatTable, parseCommand,
  parseEvent, parseScenarios, runScenario, type ScenarioTargetFactory,
} from '../src/book/scenario.ts';
import { MISTAKES } from '../src/book/planted_mistakes.ts';
import { RandomCommands } from '../src/book/random_commands.ts';
import { Cmd } from '../src/book/types.ts';

const FOLDER = new URL('scenarios/', import.meta.url);
const TARGETS: Record<string, ScenarioTargetFactory> = {
  twin: ({ config }) => new EngineTarget(new ReferenceEngine(config)),
  core: ({ config }) => new EngineTarget(new MatchingEngine(config)),
};

const files = readdirSync(FOLDER).filter((file) => file.endsWith('.txt')).toSorted();
assert.ok(files.length > 0, `no scenarios in ${FOLDER.pathname}`);

for (const file of files) {
  const scenarios = parseScenarios(readFileSync(new URL(file, FOLDER), 'utf8'), file);
  for (const [engine, target] of Object.entries(TARGETS)) {
    test(`${file} on the ${engine}: ${scenarios.length} scenarios`, async (t) => {
      for (const scenario of scenarios) {
        await t.test(scenario.title, () => runScenario(scenario, target));
      }
    });
  }
}

for (const { what, engine } of MISTAKES) {
  test(`some scenario fails on an engine with a mistake: ${what}`, async () => {
    const failed: string[] = [];
    for (const file of files) {
      for (const scenario of parseScenarios(readFileSync(new URL(file, FOLDER), 'utf8'), file)) {
        const target = new EngineTarget(engine(scenario.config));
        await runScenario(scenario, () => target).catch(() => failed.push(scenario.title));
      }
    }
    assert.ok(failed.length > 0);
  });
}

const TOLD = `
== One order rests
> buy A1 10 @ 100
  accepted A1 buy 10 @ 100 shows 10
book
  bids  | price | asks
  A1 10 |   100 |
`;

test('a scenario that tells it otherwise fails at its line', async () => {
  const wrong: [string, RegExp][] = [
    [TOLD.replace('shows 10', 'shows 9'), /told:3.*came:\n.*shows 10/s],
    [TOLD.replace('  acc', '  triggered A1 10\n  acc'), /told:3.*expected:\n.*triggered/s],
    [TOLD.replace('A1 10 |   100', 'A1 9 |   100'), /told:5.*depth/s],
    [TOLD.replace('A1 10 |   100', 'B1 10 |   100'), /told:5.*book/s],
    [TOLD.replace('  A1 10 |   100 |\n', ''), /told:5/],
  ];
  for (const [text, message] of wrong) {
    const [scenario] = parseScenarios(text, 'told');
    await assert.rejects(runScenario(scenario, TARGETS['twin']), message);
  }
  const [scenario] = parseScenarios(TOLD, 'told');
  await runScenario(scenario, TARGETS['twin']);
});

test('a scenario that cannot be read is refused with file and line', () => {
  const bad: [string, RegExp][] = [
    ['> buy A1 10 @ 100', /told:1: expected "== TITLE"/],
    ['== x\n> fly A1', /unknown command "fly"/],
    ['== x\n> buy 17 10', /told:2: expected an order name such as A1, was "17"/],
    ['== x\n> buy A1 ten', /told:2: expected a number, was "ten"/],
    ['== x\n> buy A1 10 @ 100 now', /told:2: expected an option of the command, was "now"/],
    ['== x\n> cancel A1\n  canceled A1 10 from', /told:3: expected end of line, was "from"/],
    ['== x\nbook\n  A1 10 | 100', /told:3: expected "bids \| price \| asks"/],
    ['== x\nwith colour red', /told:2: expected instrument, stp, .*was "colour"/],
    ['== x\n  accepted A1', /told:2: expected a command or a book/],
  ];
  for (const [text, message] of bad) {
    assert.throws(() => parseScenarios(text, 'told'), (error) =>
      error instanceof ScenarioError && message.test(error.message), text);
  }
});

test('what is written can be read: commands, events, settings', () => {
  const random = new RandomCommands(7);
  const engine = new ReferenceEngine(random.config);
  const [settings] = parseScenarios(`== x\n${formatConfig(random.config)}`, 'told');
  assert.equal(formatConfig(settings.config), formatConfig(random.config));
  for (let n = 0; n < 5000; n++) {
    const command = random.next();
    const text = formatCommand(command);
    if (command.type !== Cmd.Reject) assert.equal(formatCommand(parseCommand(text, 'told')), text);
    const events = engine.submit(command);
    random.observe(events);
    for (const event of events) {
      const read = parseEvent(formatEvent(event), 'told');
      for (const [field, value] of Object.entries(read)) {
        const written = (event as Record<string, unknown>)[field];
        assert.equal(written, value, `${formatEvent(event)}: ${field}`);
      }
    }
  }
});

test('a drawn book lines up', () => {
  const entry = { client: 1, id: 1n, displayed: 10, hidden: 5 };
  const rows = [
    { price: 101, bids: [], asks: [entry] }, { price: 9, bids: [entry, entry], asks: [] },
  ];
  assert.equal(formatTable(rows), [
    '             bids | price | asks',
    '                  |   101 | A1 10+5',
    '  A1 10+5 A1 10+5 |     9 |',
  ].join('\n'));
});
