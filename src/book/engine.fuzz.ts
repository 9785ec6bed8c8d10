// The core against its twin on random commands: the same events after each command, the same depth, hashes
// and VWAP at intervals, invariants of both. OUTCRY_FUZZ says how many commands (default 200,000),
// OUTCRY_FUZZ_SEED where to begin. A difference is shrunk and printed as a scenario with its seed.
import assert from 'node:assert/strict';
import test from 'node:test';
import { MatchingEngine } from './matching_engine.ts';
import { ReferenceEngine, type Order } from './order_book.reference.ts';
import { findDifference, formatDifference, shrink } from './random_commands.ts';
import type { EngineFactory } from './engine.ts';
import type { EngineEvent } from './types.ts';

const COMMANDS = Number(process.env['OUTCRY_FUZZ'] ?? 200_000);
const SEED = Number(process.env['OUTCRY_FUZZ_SEED'] ?? 1);
/** Commands of one seed; engines are made anew for the next, with another configuration. */
const EPISODE = 20_000;

const twin: EngineFactory = (config) => new ReferenceEngine(config);
const core: EngineFactory = (config) => new MatchingEngine(config);

test(`core and twin agree on ${COMMANDS} random commands from seed ${SEED}`, () => {
  for (let done = 0, seed = SEED; done < COMMANDS; done += EPISODE, seed++) {
    const found = findDifference(seed, Math.min(EPISODE, COMMANDS - done), twin, core);
    if (found === null) continue;
    const small = shrink(found, twin, core);
    assert.fail(`seed ${seed}, command ${found.commands.length}: ${small.commands.length} are enough\n`
      + formatDifference(small, twin));
  }
});

/** Mistakes to plant, each with the most commands that its shrunk witness may need. */
const MISTAKES: readonly [string, EngineFactory, number][] = [
  ['an iceberg refresh keeps its place', (config) => new RefreshInPlace(config), 4],
  ['a repriced order is not matched again', (config) => new ReplaceRests(config), 3],
  ['a stop triggers on the wrong side', (config) => new TriggersAnything(config), 4],
  ['FOK forgets that an own order ends it', (config) => new CountsBehindOwn(config), 4],
];

/** Known mistake 34. */
class RefreshInPlace extends ReferenceEngine {
  protected override refresh(order: Order): void {
    order.displayed = Math.min(order.display, order.open);
    order.priority = this.takeNumber();
    this.emitRested(order);
  }
}

/** Known mistake 35. */
class ReplaceRests extends ReferenceEngine {
  protected override enter(order: Order, replaced: EngineEvent | null): void {
    if (replaced === null) return super.enter(order, replaced);
    this.emit(replaced);
    this.place(order);
    this.emitRested(order);
  }
}

/** Known mistake 33. */
class TriggersAnything extends ReferenceEngine {
  protected override nextEligible(book: Parameters<ReferenceEngine['nextEligible']>[0]): Order | null {
    if (book.last === null) return null;
    return super.nextEligible(book) ?? [...book.buyStops][0] ?? null;
  }
}

class CountsBehindOwn extends ReferenceEngine {
  protected override available(order: Order): number {
    return super.available({ ...order, stp: 1 });
  }
}

for (const [mistake, engine, most] of MISTAKES) {
  test(`the fuzzer finds and shrinks: ${mistake}`, () => {
    let found = null;
    for (let seed = 1; seed <= 20 && found === null; seed++) {
      found = findDifference(seed, EPISODE, twin, engine);
    }
    assert.ok(found, 'no difference found in 20 seeds');
    const small = shrink(found, twin, engine);
    assert.ok(small.commands.length <= most, `shrunk to ${small.commands.length}, expected at most ${most}:\n`
      + formatDifference(small, twin));
  });
}
