// Parameters of strategies: what there is, in which unit and range, and the check of what somebody gave.
//
// A parameter has one name in three spellings: `halfSpread` in TypeScript, `half_spread` in files and
// tables, `--half-spread` as a flag. Any of them is accepted. Faults are collected and told together.
// All of this happens before the first event; nothing here is on the hot path.
import type { StrategyFactory, StrategyParameters } from './strategy.ts';

export interface ParameterSpec {
  readonly default: number;
  /** Of the value, in words: 'price units', 'basis points', 'ms'; '' for a pure number. */
  readonly unit: string;
  /** Lowest and highest value allowed, both included. */
  readonly min: number;
  readonly max: number;
  /** Only whole numbers. */
  readonly whole?: boolean;
  readonly about: string;
}

export type ParameterSpecs = Readonly<Record<string, ParameterSpec>>;

/** A strategy that can be asked for by name, or that a file defines. */
export interface StrategyDefinition {
  readonly name: string;
  /** One line for people. */
  readonly about: string;
  readonly parameters: ParameterSpecs;
  /** What is wrong between parameters that are right one by one. */
  readonly check?: (parameters: StrategyParameters) => ParameterFault[];
  readonly create: StrategyFactory;
}

export interface ParameterFault {
  /** As it was given; as declared where the fault lies between parameters. */
  readonly parameter: string;
  /** What was expected and what came. */
  readonly message: string;
}

/** Parameters that no strategy can be made from; every fault is in it. */
export class ParameterError extends Error {
  override readonly name = 'ParameterError';
  readonly faults: readonly ParameterFault[];

  constructor(strategy: string, faults: readonly ParameterFault[]) {
    super(
      `parameters of ${strategy}:\n${faults.map(({ parameter, message }) => `  ${parameter}: ${message}`).join('\n')}`,
    );
    this.faults = faults;
  }
}

/** halfSpread, half-spread, HALF_SPREAD → half_spread. */
export function fileName(parameter: string): string {
  return parameter
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase();
}

/** halfSpread → half-spread, as a flag spells it. */
export function flagName(parameter: string): string {
  return fileName(parameter).replaceAll('_', '-');
}

/** The range in words: `0 … 1`, `1 … 4,294,967,294, whole`. */
export function rangeText({ min, max, whole }: ParameterSpec): string {
  return `${numberText(min)} … ${numberText(max)}${whole ? ', whole' : ''}`;
}

export function numberText(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 17 });
}

/** What was given, filled up with the defaults, under the names declared. Throws a ParameterError with every fault. */
export function completeParameters(
  definition: Pick<StrategyDefinition, 'name' | 'parameters' | 'check'>,
  given: Readonly<Record<string, number | string>>,
): StrategyParameters {
  const { name, parameters: specs, check } = definition;
  const declared = new Map(Object.keys(specs).map((key) => [fileName(key), key]));
  const values = Object.fromEntries(Object.entries(specs).map(([key, spec]) => [key, spec.default]));
  const faults: ParameterFault[] = [];
  const seen = new Map<string, string>();
  for (const [parameter, value] of Object.entries(given)) {
    const key = declared.get(fileName(parameter));
    const before = key === undefined ? undefined : seen.get(key);
    if (key === undefined) faults.push({ parameter, message: unknownText([...declared.keys()]) });
    else if (before !== undefined) faults.push({ parameter, message: `expected once, was given as ${before} too` });
    else {
      seen.set(key, parameter);
      const fault = faultOf(specs[key], value);
      if (fault === null) values[key] = Number(value);
      else faults.push({ parameter, message: fault });
    }
  }
  if (faults.length === 0) faults.push(...(check?.(values) ?? []));
  if (faults.length > 0) throw new ParameterError(name, faults);
  return Object.freeze(values);
}

function unknownText(known: readonly string[]): string {
  return known.length === 0
    ? 'unknown: the strategy has no parameters'
    : `unknown parameter, expected one of ${known.join(', ')}`;
}

function faultOf(spec: ParameterSpec, value: number | string): string | null {
  const number = typeof value === 'string' && value.trim() === '' ? NaN : Number(value);
  if (Number.isFinite(number) && number >= spec.min && number <= spec.max) {
    if (!spec.whole || Number.isInteger(number)) return null;
  }
  const unit = spec.unit === '' ? '' : ` ${spec.unit}`;
  return `expected ${rangeText(spec)}${unit}, was ${JSON.stringify(value) ?? String(value)}`;
}

/**
 * An amount of currency in units of 10^-decimals, as exact as a float can say it: the decimal point of
 * what JavaScript prints is moved, so 0.29 is 29 cents and not 28.999999999999996.
 */
export function unitsOfCurrency(amount: number, decimals: number): number {
  const [digits, exponent = '0'] = String(amount).split('e');
  return Number(`${digits}e${Number(exponent) + decimals}`);
}
