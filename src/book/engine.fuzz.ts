// The core against its twin on random commands: the same events after each command; the same depth,
// hashes and VWAP at intervals; invariants of both. OUTCRY_FUZZ says how many commands (default
// 200,000), OUTCRY_FUZZ_SEED where to begin. A difference is shrunk and printed as a scenario.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { MatchingEngine } from './matching_engine.ts';
import { ReferenceEngine } from './order_book.reference.ts';
import { MISTAKES } from './planted_mistakes.ts';
import { findDifference, formatDifference, replayDifference, shrink } from './random_commands.ts';
import type { EngineFactory } from './engine.ts';
import {
  Cmd, OrderType, OWNER_NONE, Side, State, Stp, Tif,
  type Command, type EngineConfig,
} from './types.ts';

const COMMANDS = Number(process.env['OUTCRY_FUZZ'] ?? 200_000);
const SEED = Number(process.env['OUTCRY_FUZZ_SEED'] ?? 1);
/** Commands of one seed; engines are made anew for the next, with another configuration. */
const EPISODE = 20_000;

const twin: EngineFactory = (config) => new ReferenceEngine(config);
const core: EngineFactory = (config) => new MatchingEngine(config);

/** The core with its own assertions compiled in. */
const checkedCore: EngineFactory = (config) => new MatchingEngine(config, { variant: 'core.checked' });

function compare(tested: EngineFactory, commands: number): void {
  for (let done = 0, seed = SEED; done < commands; done += EPISODE, seed++) {
    const found = findDifference(seed, Math.min(EPISODE, commands - done), twin, tested);
    if (found === null) continue;
    const small = shrink(found, twin, tested);
    const { length } = small.commands;
    assert.fail(`seed ${seed}, command ${found.commands.length}; these ${length} are enough:\n`
      + formatDifference(small, twin));
  }
}

test(`core and twin agree on ${COMMANDS} random commands from seed ${SEED}`, () => {
  compare(core, COMMANDS);
});

test(`the core's own assertions hold over ${COMMANDS / 10} of them`, () => {
  compare(checkedCore, COMMANDS / 10);
});

const SMALL_CONFIG: EngineConfig = {
  instruments: [{ minPrice: 1, maxPrice: 5 }], ordersMax: 8, stp: Stp.CancelOldest, triggersMax: 2,
};
const few = (most: number) => fc.integer({ min: 0, max: most });
const anyCommand: fc.Arbitrary<Command> = fc.record({
  type: fc.constantFrom(
    Cmd.New, Cmd.New, Cmd.New, Cmd.New,
    Cmd.Cancel, Cmd.Replace, Cmd.Reduce, Cmd.MassCancel, Cmd.State,
  ),
  client: fc.integer({ min: 1, max: 2 }), id: fc.bigInt({ min: 1n, max: 5n }),
  side: fc.constantFrom(Side.Buy, Side.Sell),
  orderType: fc.constantFrom(OrderType.Limit, OrderType.Limit, ...Object.values(OrderType)),
  tif: fc.constantFrom(Tif.Gtc, Tif.Gtc, ...Object.values(Tif)),
  stp: fc.constantFrom(...Object.values(Stp)),
  price: few(6), qty: few(6), display: few(3), minQty: few(2), stopPrice: few(6),
  owner: fc.constantFrom(7, OWNER_NONE),
  state: fc.constantFrom(State.Open, State.Open, State.Halted, State.Closed),
  postOnly: fc.boolean(), chain: fc.boolean(),
});

test('core and twin agree on every small story that fast-check thinks of', () => {
  const stories = fc.array(anyCommand, { minLength: 1, maxLength: 25 });
  fc.assert(fc.property(stories, (commands) => {
    const found = replayDifference(SMALL_CONFIG, commands, twin, core);
    assert.equal(found, null, found === null ? '' : formatDifference(found, twin));
  }), { seed: SEED, numRuns: Math.ceil(COMMANDS / 400) });
});

/** Commands that the witness of a planted mistake may need: what a person reads at a glance. */
const WITNESS_MAX = 6;

for (const { what, engine } of MISTAKES) {
  test(`the fuzzer finds and shrinks: ${what}`, () => {
    let found = null;
    for (let seed = 1; seed <= 20 && found === null; seed++) {
      found = findDifference(seed, EPISODE, twin, engine);
    }
    assert.ok(found, 'no difference found in 20 seeds');
    const small = shrink(found, twin, engine);
    const { length } = small.commands;
    assert.ok(length <= WITNESS_MAX, `shrunk to ${length}, expected at most ${WITNESS_MAX}:\n`
      + formatDifference(small, twin));
  });
}
