// Parameters: spellings, ranges, all faults at once; the registry with the names and defaults of the field.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { TraderInstruments, plainInstruments } from '../instruments.ts';
import {
  completeParameters, fileName, flagName, ParameterError, rangeText, unitsOfCurrency, type ParameterFault,
} from './parameters.ts';
import { createStrategy, STRATEGIES, strategyNamed } from './strategies.ts';

const sample = {
  name: 'sample',
  parameters: {
    halfSpread: { default: 50, unit: 'price units', min: 0, max: 1000, about: '' },
    baseQty: { default: 100, unit: '', min: 1, max: 4_294_967_294, whole: true, about: '' },
  },
};

function faultsOf(work: () => unknown): readonly ParameterFault[] {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof ParameterError, String(error));
    return error.faults;
  }
  throw new Error('expected a ParameterError');
}

describe('parameters', () => {
  test('defaults, and any of the three spellings', () => {
    assert.deepEqual({ ...completeParameters(sample, {}) }, { halfSpread: 50, baseQty: 100 });
    for (const name of ['halfSpread', 'half_spread', 'half-spread', 'HALF_SPREAD']) {
      assert.deepEqual({ ...completeParameters(sample, { [name]: 7 }) }, { halfSpread: 7, baseQty: 100 });
    }
    assert.deepEqual([fileName('quoteRefreshNanos'), flagName('quoteRefreshNanos')], ['quote_refresh_nanos', 'quote-refresh-nanos']);
  });

  test('text is a number when it reads as one', () => {
    assert.equal(completeParameters(sample, { half_spread: ' 2.5e1 ' })['halfSpread'], 25);
  });

  test('every fault is told, each with what was expected and what came', () => {
    const faults = faultsOf(() => completeParameters(sample, {
      half_sprad: 5, half_spread: -1, baseQty: 2.5,
    }));
    assert.deepEqual(faults, [
      { parameter: 'half_sprad', message: 'unknown parameter, expected one of half_spread, base_qty' },
      { parameter: 'half_spread', message: 'expected 0 … 1,000 price units, was -1' },
      { parameter: 'baseQty', message: 'expected 1 … 4,294,967,294, whole, was 2.5' },
    ]);
    assert.throws(
      () => completeParameters(sample, { a: 1, b: 2 }),
      { name: 'ParameterError', message: /^parameters of sample:\n {2}a: unknown parameter.*\n {2}b: unknown parameter/ },
    );
  });

  test('neither nothing nor infinity is a number, and nothing is given twice', () => {
    for (const value of [NaN, Infinity, '', '  ', 'ten', '1,000']) {
      assert.equal(faultsOf(() => completeParameters(sample, { halfSpread: value })).length, 1, String(value));
    }
    assert.deepEqual(
      faultsOf(() => completeParameters(sample, { halfSpread: 1, 'half-spread': 2 })),
      [{ parameter: 'half-spread', message: 'expected once, was given as halfSpread too' }],
    );
    assert.match(faultsOf(() => completeParameters({ name: 'none', parameters: {} }, { a: 1 }))[0].message, /has no parameters/);
  });

  test('names that every object has are not parameters', () => {
    for (const name of ['constructor', 'toString', '__proto__x']) {
      assert.match(faultsOf(() => completeParameters(sample, { [name]: 1 }))[0].message, /unknown parameter/);
    }
  });

  test('what does not fit together is told when each alone is right', () => {
    const arbitrage = strategyNamed('spread-arbitrage')!;
    assert.deepEqual(
      faultsOf(() => completeParameters(arbitrage, { min_spread: 2 })),
      [{ parameter: 'minSpread', message: 'expected less than max_spread (1), was 2' }],
    );
    assert.equal(faultsOf(() => completeParameters(arbitrage, { min_spread: 2, quantity: 0 })).length, 1);
  });

  test('currency becomes units as its decimals say', () => {
    for (const [amount, decimals, units] of [
      [0.29, 2, 29], [0.1, 2, 10], [1.1, 4, 11_000], [1e-7, 9, 100], [1e-7, 2, 1e-5], [1e21, 2, 1e23], [5, 0, 5], [0.105, 2, 10.5],
    ]) assert.equal(unitsOfCurrency(amount, decimals), units);
    assert.equal(0.29 * 10 ** 2, 28.999999999999996, 'why');
  });
});

describe('registry', () => {
  test('the strategies and defaults that the field knows', () => {
    const defaults = Object.fromEntries(STRATEGIES.map(({ name, parameters }) => [
      name, Object.fromEntries(Object.entries(parameters).map(([key, spec]) => [fileName(key), spec.default])),
    ]));
    assert.deepEqual(defaults, {
      'market-maker': {
        half_spread: 50, min_spread: 20, base_qty: 100, price_update_threshold: 10, position_skew_factor: 0.5,
        quote_refresh_nanos: 1_000_000, passive: 0,
      },
      'market-maker-bps': {
        spread_bps: 10, quote_size: 100, max_inventory: 1000, skew_factor: 0.5, min_edge_bps: 1, quote_refresh_nanos: 1_000_000,
      },
      'liquidity-taker': { signal_threshold: 0.3, base_qty: 100, aggression_bps: 10, order_interval_ms: 100 },
      'spread-arbitrage': { min_spread: 0.1, max_spread: 1, cooldown_ms: 100, quantity: 100, rest: 0 },
    });
  });

  test('every default lies in its range and every parameter is described', () => {
    for (const { name, about, parameters } of STRATEGIES) {
      assert.notEqual(about, '');
      for (const [key, spec] of Object.entries(parameters)) {
        assert.ok(spec.default >= spec.min && spec.default <= spec.max, `${name} ${key} ${rangeText(spec)}`);
        assert.ok(!spec.whole || Number.isInteger(spec.default), `${name} ${key}`);
        assert.notEqual(spec.about, '', `${name} ${key}`);
      }
    }
  });

  test('made by name, at both ends of every range', () => {
    const instruments = new TraderInstruments(plainInstruments([1, 2]));
    for (const definition of STRATEGIES) {
      assert.equal(createStrategy(definition, instruments).name, definition.name);
      assert.equal(strategyNamed(definition.name), definition);
      for (const [key, { min, max }] of Object.entries(definition.parameters)) {
        // The bounds of a range may contradict the other default; that is told, not made.
        for (const value of [min, max]) {
          try {
            createStrategy(definition, instruments, { [key]: value });
          } catch (error) {
            assert.match(String(error), /expected less than max_spread/);
          }
        }
      }
    }
    assert.equal(strategyNamed('market'), undefined);
  });
});

test('no strategy reads a clock or draws a random number (known mistake 29)', () => {
  const files = globSync('*.ts', { cwd: import.meta.dirname }).filter((file) => !/\.(test|fuzz|reference)\.ts$/.test(file));
  assert.ok(files.length >= 8, files.join());
  const source = /\b(Date|performance|hrtime|Math\.random|setTimeout|setInterval|setImmediate|queueMicrotask|await|Promise)\b/;
  for (const file of files) {
    const code = readFileSync(new URL(file, import.meta.url), 'utf8').replaceAll(/^\s*(\/\/|\*|\/\*).*$/gm, '');
    assert.equal(source.exec(code)?.[0], undefined, file);
  }
  assert.match('const t = Date.now();', source);
});
