// Strategies by name or from a file: `--strategy market-maker`, `--strategy ./my_strategy.ts`.
//
// A strategy file exports its factory as default, `(parameters, instruments) => Strategy`, and, if it has
// parameters, `export const parameters` with a default each, or with unit, range and description too:
//
//   export const parameters = { size: 10, edge: { default: 2, unit: 'ticks', min: 1, max: 100, about: '…' } };
//   export default (parameters, instruments) => new MyStrategy(parameters, instruments);
//
// TypeScript that erases runs as it is, `.js` and `.mjs` do too. `import … from 'outcry'` in such a file means
// the program that loads it, wherever the file lies and whether or not the package is installed there.
// A strategy runs with all rights of the process: load only files that you would run.
import { statSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ParameterSpec, ParameterSpecs, StrategyDefinition } from '../trader/strategies/parameters.ts';
import { STRATEGIES, strategyNamed } from '../trader/strategies/strategies.ts';
import type { Strategy, StrategyFactory } from '../trader/strategies/strategy.ts';

/** A strategy that is not there, or a file that is none; the message says what to do. */
export class StrategyError extends Error {
  override readonly name = 'StrategyError';
}

const EXTENSIONS = ['.ts', '.mts', '.js', '.mjs'];
const HOOKS = ['onStart', 'onTrade', 'onFill', 'onOrder', 'onTimer', 'onStop', 'pnl'] as const;
/** This program's front, in TypeScript or built. */
const FRONT = new URL(`../index${extname(import.meta.url)}`, import.meta.url).href;

/** What every async function is an instance of; it has no name of its own. */
const AsyncFunction = (async () => undefined).constructor as FunctionConstructor;

let hooked = false;

/**
 * The built-in strategy of that name, or the one that the file defines; paths are relative to `folder`.
 * Throws a StrategyError; so does the definition's `create`, when what the file makes is no strategy.
 */
export async function loadStrategy(nameOrPath: string, folder: string = process.cwd()): Promise<StrategyDefinition> {
  const builtIn = strategyNamed(nameOrPath);
  if (builtIn !== undefined) return builtIn;
  if (!isPath(nameOrPath)) {
    const names = STRATEGIES.map(({ name }) => name).join(', ');
    throw new StrategyError(`strategy: expected ${names}, or the path of a file, was ${JSON.stringify(nameOrPath)}`);
  }
  return definitionOf(nameOrPath, await importFile(nameOrPath, resolve(folder, nameOrPath)));
}

function isPath(text: string): boolean {
  return /[\\/]/.test(text) || EXTENSIONS.includes(extname(text));
}

async function importFile(shown: string, path: string): Promise<Record<string, unknown>> {
  if (!EXTENSIONS.includes(extname(path))) {
    throw new StrategyError(`strategy ${shown}: expected a file ending in ${EXTENSIONS.join(', ')}, was "${extname(path)}"`);
  }
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new StrategyError(`strategy ${shown}: expected a file, there is none at ${path}`);
  }
  if (!hooked) {
    registerHooks({
      resolve: (specifier, context, next) => next(specifier === 'outcry' ? FRONT : specifier, context),
    });
    hooked = true;
  }
  try {
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    throw new StrategyError(`strategy ${shown}: the file does not load: ${messageOf(error)}`, { cause: error });
  }
}

function definitionOf(shown: string, module: Record<string, unknown>): StrategyDefinition {
  const factory = module['default'];
  if (factory === undefined) {
    throw new StrategyError(
      `strategy ${shown}: expected \`export default (parameters, instruments) => …\`, there is no default export`,
    );
  }
  if (typeof factory !== 'function') {
    throw new StrategyError(`strategy ${shown}: expected a function as the default export, was ${kindOf(factory)}`);
  }
  return {
    name: shown,
    about: `from ${shown}`,
    parameters: specsOf(shown, module['parameters']),
    create: (parameters, instruments) => {
      let made: unknown;
      try {
        made = (factory as StrategyFactory)(parameters, instruments);
      } catch (error) {
        throw new StrategyError(`strategy ${shown}: its factory failed: ${messageOf(error)}`, { cause: error });
      }
      return checkedStrategy(shown, made);
    },
  };
}

function checkedStrategy(shown: string, made: unknown): Strategy {
  if (typeof made !== 'object' || made === null) {
    throw new StrategyError(`strategy ${shown}: expected its factory to return a strategy, was ${kindOf(made)}`);
  }
  if (made instanceof Promise) {
    // Nobody waits for it; refused here, its own failure must not end the process as well.
    made.catch(() => undefined);
    throw new StrategyError(`strategy ${shown}: expected its factory to return a strategy, was a promise: make it not async`);
  }
  const strategy = made as Record<string, unknown>;
  const faults: string[] = [];
  if (typeof strategy['name'] !== 'string' || strategy['name'] === '') {
    faults.push(`expected a name, was ${kindOf(strategy['name'])}`);
  }
  if (typeof strategy['onMarketData'] !== 'function') {
    faults.push(`expected a method onMarketData, was ${kindOf(strategy['onMarketData'])}`);
  }
  for (const hook of HOOKS) {
    if (strategy[hook] === undefined || typeof strategy[hook] === 'function') continue;
    faults.push(`expected ${hook} to be a method or absent, was ${kindOf(strategy[hook])}`);
  }
  // Nothing catches what an async method throws: the process would end with orders in the market.
  for (const method of ['onMarketData', ...HOOKS]) {
    if (!(strategy[method] instanceof AsyncFunction)) continue;
    faults.push(`expected ${method} to run to its end, was async`);
  }
  if (faults.length > 0) throw new StrategyError(`strategy ${shown}: ${faults.join('; ')}`);
  return made as Strategy;
}

/** What a file says of its parameters, filled up: a number alone is a default without bounds. */
function specsOf(shown: string, parameters: unknown): ParameterSpecs {
  if (parameters === undefined) return {};
  if (typeof parameters !== 'object' || parameters === null) {
    throw new StrategyError(
      `strategy ${shown}: expected \`parameters\` to be an object of names and defaults, was ${kindOf(parameters)}`,
    );
  }
  const faults: string[] = [];
  const specs: Record<string, ParameterSpec> = {};
  for (const [name, given] of Object.entries(parameters)) {
    const partial = typeof given === 'object' && given !== null ? given : { default: given as unknown };
    const spec = { unit: '', min: -Infinity, max: Infinity, whole: false, about: '', ...partial };
    const fault = specFault(spec);
    if (fault === '') specs[name] = spec as ParameterSpec;
    else faults.push(`${name}: ${fault}`);
  }
  if (faults.length > 0) throw new StrategyError(`strategy ${shown}, parameters:\n  ${faults.join('\n  ')}`);
  return specs;
}

/** What is wrong with one of them, the bounds before the default that they bound; '' when nothing is. */
function specFault(spec: Readonly<Record<string, unknown>>): string {
  const unknown = Object.keys(spec).find((key) => !SPEC_KEYS.includes(key));
  if (unknown !== undefined) return `unknown property ${unknown}, expected some of ${SPEC_KEYS.join(', ')}`;
  const { default: value, min, max, whole } = spec;
  if (typeof min !== 'number' || Number.isNaN(min)) return `expected a number as min, was ${shownValue(min)}`;
  if (typeof max !== 'number' || Number.isNaN(max)) return `expected a number as max, was ${shownValue(max)}`;
  if (min > max) return `expected min to be at most max = ${max}, was ${min}`;
  if (typeof whole !== 'boolean') return `expected true or false as whole, was ${shownValue(whole)}`;
  for (const key of ['unit', 'about']) {
    if (typeof spec[key] !== 'string') return `expected a text as ${key}, was ${shownValue(spec[key])}`;
  }
  const fits = typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max;
  if (fits && (!whole || Number.isInteger(value))) return '';
  return `expected a ${whole ? 'whole ' : ''}number ${min} … ${max} as default, was ${shownValue(value)}`;
}

const SPEC_KEYS: readonly string[] = ['default', 'unit', 'min', 'max', 'whole', 'about'];

function shownValue(value: unknown): string {
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? kindOf(value));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
