// The built-in strategies by name. Command line, configuration and documents read this table.
import type { TraderInstruments } from '../instruments.ts';
import { liquidityTaker } from './liquidity_taker.ts';
import { marketMaker } from './market_maker.ts';
import { marketMakerBps } from './market_maker_bps.ts';
import { completeParameters, type StrategyDefinition } from './parameters.ts';
import { spreadArbitrage } from './spread_arbitrage.ts';
import type { Strategy } from './strategy.ts';

export const STRATEGIES: readonly StrategyDefinition[] = [
  marketMaker, marketMakerBps, liquidityTaker, spreadArbitrage,
];

export function strategyNamed(name: string): StrategyDefinition | undefined {
  return STRATEGIES.find((strategy) => strategy.name === name);
}

/** A strategy from whatever parameters were given. Throws a ParameterError with every fault of theirs. */
export function createStrategy(
  definition: StrategyDefinition,
  instruments: TraderInstruments,
  given: Readonly<Record<string, number | string>> = {},
): Strategy {
  return definition.create(completeParameters(definition, given), instruments);
}
