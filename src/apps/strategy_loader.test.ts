// Loading strategies: by name, from files in TypeScript and JavaScript, and every way in which that fails.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TraderInstruments, plainInstruments } from '../trader/instruments.ts';
import { createStrategy, STRATEGIES } from '../trader/strategies/strategies.ts';
import { PaperDesk } from '../trader/strategies/paper_desk.ts';
import { loadStrategy } from './strategy_loader.ts';

const instruments = new TraderInstruments(plainInstruments([1]));
const NOTHING = '{ name: "n", onMarketData() {} }';

describe('strategy loader', () => {
  let folder = '';
  let files = 0;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'outcry-strategy-'));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  /** A new file, for a module is loaded once; its path as somebody in that folder would type it. */
  function file(text: string, extension = '.ts'): string {
    const name = `strategy_${++files}${extension}`;
    writeFileSync(join(folder, name), text);
    return `./${name}`;
  }

  const create = async (text: string, given: Record<string, number> = {}): Promise<string> => {
    const definition = await loadStrategy(file(text), folder);
    return createStrategy(definition, instruments, given).name;
  };

  test('a built-in strategy by its name', async () => {
    for (const definition of STRATEGIES) assert.equal(await loadStrategy(definition.name), definition);
  });

  for (const [extension, text] of [
    ['.ts', 'interface P { size: number }\nexport const parameters = { size: 3 };\nexport default (p: P) => ({ name: `s${p.size}`, onMarketData() {} });'],
    ['.mts', 'export const parameters = { size: 3 };\nexport default ({ size }: Record<string, number>) => ({ name: `s${size}`, onMarketData() {} });'],
    ['.mjs', 'export const parameters = { size: 3 };\nexport default ({ size }) => ({ name: `s${size}`, onMarketData() {} });'],
    ['.js', 'export const parameters = { size: 3 };\nexport default ({ size }) => ({ name: `s${size}`, onMarketData() {} });'],
  ] as const) {
    test(`a file ${extension}, relative or absolute`, async () => {
      const path = file(text, extension);
      for (const given of [path, join(folder, path)]) {
        const definition = await loadStrategy(given, folder);
        assert.equal(createStrategy(definition, instruments, { size: 4 }).name, 's4');
        assert.equal(createStrategy(definition, instruments).name, 's3');
      }
    });
  }

  test('a class as the default export is told how it is called', async () => {
    await assert.rejects(
      create('export default class { name = "c"; onMarketData() {} }'),
      /its factory failed: Class constructor .* cannot be invoked without 'new'/,
    );
  });

  test('`outcry` in a file is this program, wherever the file lies', async () => {
    const definition = await loadStrategy(file(`
      import { PaperDesk, Side, type Strategy } from 'outcry';
      export const same = PaperDesk;
      export default (): Strategy => ({ name: \`buys with \${Side.Buy}\`, onMarketData() {} });
    `), folder);
    assert.equal(createStrategy(definition, instruments).name, 'buys with 1');
    const module = (await import(join(folder, `strategy_${files}.ts`))) as { same: unknown };
    assert.equal(module.same, PaperDesk);
  });

  test('parameters with unit and range are held to them, unknown ones are told', async () => {
    const text = `
      export const parameters = { edge: { default: 2, unit: 'ticks', min: 1, max: 5, whole: true, about: 'x' }, size: 10 };
      export default (p) => (${NOTHING});
    `;
    const definition = await loadStrategy(file(text), folder);
    assert.deepEqual(Object.keys(definition.parameters), ['edge', 'size']);
    assert.throws(
      () => createStrategy(definition, instruments, { edge: 6, sise: 1 }),
      { name: 'ParameterError', message: /edge: expected 1 … 5, whole ticks, was 6\n {2}sise: unknown parameter, expected one of edge, size/ },
    );
  });

  const faults: readonly (readonly [what: string, text: string, message: RegExp])[] = [
    ['no default export', 'export const parameters = {};', /expected `export default \(parameters, instruments\) => …`, there is no default export/],
    ['a default export that is no function', `export default ${NOTHING};`, /expected a function as the default export, was an object/],
    ['bad syntax', 'export default (', /the file does not load: /],
    ['TypeScript that does not erase', 'enum A { B }\nexport default () => A.B;', /the file does not load: .*enum/],
    ['an import that is not there', "import './nowhere.ts';\nexport default () => ({});", /the file does not load: Cannot find module/],
    ['a file that throws', 'throw new Error("on load");', /the file does not load: on load/],
    ['a factory that throws', 'export default () => { throw new Error("no luck"); };', /its factory failed: no luck/],
    ['a factory that throws something else', 'export default () => { throw "text"; };', /its factory failed: text/],
    ['a factory that returns nothing', 'export default () => {};', /expected its factory to return a strategy, was undefined/],
    ['a promise instead of a strategy', `export default async () => (${NOTHING});`, /expected its factory to return a strategy, was a promise: make it not async/],
    ['a promise that fails', 'export default async () => { throw new Error("late"); };', /was a promise: make it not async/],
    // Rejections of such methods ended the process past the runner, which would have cancelled the orders.
    ['an async onMarketData', 'export default () => ({ name: "n", async onMarketData() {} });', /expected onMarketData to run to its end, was async/],
    ['async hooks of a class', 'class A { name = "a"; onMarketData() {} async onTimer() {} async onStop() {} }\nexport default () => new A();', /expected onTimer to run to its end, was async; expected onStop to run to its end, was async/],
    ['a strategy without its method', 'export default () => ({ name: "n" });', /expected a method onMarketData, was undefined/],
    ['a hook that is no method', 'export default () => ({ name: "n", onMarketData() {}, onFill: 5 });', /expected onFill to be a method or absent, was a number/],
    ['a name that is none', 'export default () => ({ name: "", onMarketData() {} });', /expected a name, was a string/],
    ['parameters that are no object', `export const parameters = 5; export default () => (${NOTHING});`, /expected `parameters` to be an object of names and defaults, was a number/],
    [
      'parameters with bad defaults', `export const parameters = { a: "1", b: { default: 9, min: 0, max: 5 }, c: NaN, d: 1 }; export default () => (${NOTHING});`,
      /parameters:\n {2}a: expected a number .* as default, was "1"\n {2}b: expected a number 0 … 5 as default, was 9\n {2}c: .* was NaN$/,
    ],
    [
      'parameters whose bounds no value can keep, or that are no bounds',
      `export const parameters = {
        a: { default: 2, min: 5, max: 1 }, b: { default: 1, min: "0" }, c: { default: 1, max: NaN },
        d: { default: 0.5, whole: true }, e: { default: 1, whole: "yes" }, f: { default: 1, unit: 7 },
        g: { default: 1, maximum: 9 }, h: {}, i: null,
      };
      export default () => (${NOTHING});`,
      new RegExp([
        'parameters:', 'a: expected min to be at most max = 1, was 5', 'b: expected a number as min, was "0"',
        'c: expected a number as max, was NaN', 'd: expected a whole number -Infinity … Infinity as default, was 0.5',
        'e: expected true or false as whole, was "yes"', 'f: expected a text as unit, was 7',
        'g: unknown property maximum, expected some of default, unit, min, max, whole, about',
        'h: expected a number .* as default, was undefined', 'i: expected a number .* as default, was null',
      ].join('\\n  ')),
    ],
  ];
  for (const [what, text, message] of faults) {
    test(`told: ${what}`, async () => {
      await assert.rejects(create(text), (error: Error) => {
        assert.equal(error.name, 'StrategyError');
        assert.match(error.message, new RegExp(`^strategy \\./strategy_${files}\\.ts`), 'the file is named as it was typed');
        assert.match(error.message, message);
        return true;
      });
    });
  }

  test('neither a name nor a file', async () => {
    await assert.rejects(loadStrategy('market-makr'), {
      name: 'StrategyError',
      message: 'strategy: expected market-maker, market-maker-bps, liquidity-taker, spread-arbitrage, or the path of a file, was "market-makr"',
    });
    await assert.rejects(loadStrategy('./none.ts', folder), /strategy \.\/none\.ts: expected a file, there is none at .*none\.ts/);
    await assert.rejects(loadStrategy('.', folder), /expected market-maker/);
    await assert.rejects(loadStrategy('./', folder), /expected a file ending in \.ts, \.mts, \.js, \.mjs, was ""/);
    await assert.rejects(loadStrategy('./strategy.py', folder), /expected a file ending in .*, was "\.py"/);
  });
});
