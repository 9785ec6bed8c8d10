// The strategy of a run and its instruments, from the configuration and `--set`: for `outcry trade`,
// the demo's traders and `outcry backtest`.
import { TraderInstruments } from '../trader/instruments.ts';
import { fileName, ParameterError } from '../trader/strategies/parameters.ts';
import { createStrategy } from '../trader/strategies/strategies.ts';
import { ConfigError } from './config_value.ts';
import { StrategyError } from './strategy_loader.ts';
import type { Command } from 'commander';
import type { InstrumentConfig } from '../exchange/config.ts';
import type { StrategyDefinition } from '../trader/strategies/parameters.ts';
import type { Strategy } from '../trader/strategies/strategy.ts';
import type { OutcryConfig } from './config_sections.ts';
import type { Fault, Place } from './config_value.ts';

export function traderInstruments(configs: readonly InstrumentConfig[]): TraderInstruments {
  return new TraderInstruments(configs.map(
    ({ ticker, symbol, decimals, tickSize, lotSize, minPrice, maxPrice }) => ({
      ticker, symbol, decimals, tickUnits: tickSize, lotSize,
      minPriceTicks: minPrice / tickSize, maxPriceTicks: maxPrice / tickSize,
    }),
  ));
}

/** `--set base_qty=50`, as often as there are parameters. */
export function addSetFlag(command: Command): Command {
  return command.option(
    '--set <name=value>', 'a parameter of the strategy; may be given several times',
    (given: string, before: string[] | undefined) => [...(before ?? []), given],
  );
}

/** What `--set` gave. */
export function parametersSet(command: Command): Record<string, string> {
  const faults: Fault[] = [];
  const parameters: Record<string, string> = {};
  for (const one of command.opts<{ set?: string[] }>().set ?? []) {
    const [, name, value] = /^\s*([\w-]+)\s*=\s*(\S+)\s*$/.exec(one) ?? [];
    if (value !== undefined) parameters[name] = value;
    else faults.push({ place: SET_PLACE, key: '', message: `expected name=value, was "${one}"` });
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return parameters;
}

/** A verb whose configuration or strategy is wrong ends as one whose flags are: the message, where help is, code 2. */
export async function sayingFaults(command: Command, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof StrategyError)) throw error;
    command.error(`error: ${error.message}`);
  }
}

const SET_PLACE: Place = { kind: 'flag', name: '--set' };

/**
 * The strategy with what was said of it: `--set` goes before the file's table, that before
 * `--half-spread` and `--signal-threshold`, which count where it has such a parameter.
 */
export function strategyOf(
  definition: StrategyDefinition, instruments: TraderInstruments, config: OutcryConfig,
  set: Readonly<Record<string, string>>,
): Strategy {
  const { parameters, halfSpread, signalThreshold } = config.trade.strategy;
  const declared = new Set(Object.keys(definition.parameters).map(fileName));
  const given: Record<string, number | string> = {};
  const take = (name: string, value: number): void => {
    const said = config.resolution.place(`trade.${name}`).kind !== 'default';
    if (said && declared.has(name)) given[name] = value;
  };
  take('half_spread', halfSpread);
  take('signal_threshold', signalThreshold);
  for (const [name, value] of Object.entries(parameters)) given[fileName(name)] = value;
  for (const [name, value] of Object.entries(set)) given[fileName(name)] = value;
  try {
    return createStrategy(definition, instruments, given);
  } catch (error) {
    if (!(error instanceof ParameterError)) throw error;
    throw new ConfigError(error.faults.map(({ parameter, message }): Fault => {
      const key = `strategy.parameters.${parameter}`;
      const place = parameter in set ? SET_PLACE : config.resolution.place(key);
      return { place, key, message: place === SET_PLACE ? `${parameter}: ${message}` : message };
    }));
  }
}
