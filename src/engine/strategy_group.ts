// The strategies of an engine as one, for the strategy runner: each hears of its own symbols only, and one
// that throws is taken out without touching the others.
//
// A symbol belongs to at most one strategy, so a quote, a fill and a profit have one owner. While auto-trading
// is off the strategies hear of their fills and orders and are not asked for decisions.
// Cost: a load and a compare beside the strategy's own call. No allocation.
import { strategyNamed, STRATEGIES } from '../trader/strategies/strategies.ts';
import { completeParameters, ParameterError, type StrategyDefinition } from '../trader/strategies/parameters.ts';
import type { Desk, Strategy, StrategyFactory } from '../trader/strategies/strategy.ts';
import type { OrderStatus } from '../trader/order_manager.ts';
import type { Reason } from '../book/types.ts';
import type { SymbolTable } from './symbol_table.ts';
import { ConfigurationError, shown, type ConfigurationFault } from './checker.ts';

export interface StrategyConfig {
  /** A built-in one's name, what a strategy file exports, or a strategy. */
  strategy: string | StrategyDefinition | StrategyFactory | Strategy;
  /** Of a built-in or defined one. */
  parameters?: Readonly<Record<string, number | string>>;
  /** What it trades; default every declared symbol that no other strategy names. */
  symbols?: readonly string[];
}

const OWNER_NONE = -1;

export class StrategyGroup implements Strategy {
  readonly name: string;
  readonly members: readonly Strategy[];
  /** Decisions are asked for. */
  trading = true;
  /** Told when a member threw; it is not called again. */
  onFault: (member: number, error: unknown) => void = () => {};
  /** Member by book, OWNER_NONE for none. */
  readonly #owners: Int16Array;
  readonly #broken: Uint8Array;

  constructor(members: readonly Strategy[], owners: Int16Array) {
    this.members = members;
    this.name = members.map(({ name }) => name).join(', ');
    this.#owners = owners;
    this.#broken = new Uint8Array(members.length);
  }

  ownerOf(book: number): number {
    return this.#owners[book];
  }

  isBroken(member: number): boolean {
    return this.#broken[member] !== 0;
  }

  onStart(desk: Desk): void {
    for (let member = 0; member < this.members.length; member++) {
      try {
        this.members[member].onStart?.(desk);
      } catch (error) {
        this.#fault(member, error);
      }
    }
  }

  onMarketData(book: number, desk: Desk): void {
    const member = this.#asked(book);
    if (member === OWNER_NONE) return;
    try {
      this.members[member].onMarketData(book, desk);
    } catch (error) {
      this.#fault(member, error);
    }
  }

  onTrade(book: number, side: number, priceTicks: number, qty: number, desk: Desk): void {
    const member = this.#asked(book);
    if (member === OWNER_NONE) return;
    try {
      this.members[member].onTrade?.(book, side, priceTicks, qty, desk);
    } catch (error) {
      this.#fault(member, error);
    }
  }

  onFill(book: number, orderId: number, side: number, priceTicks: number, qty: number, desk: Desk): void {
    const member = this.#told(book);
    if (member === OWNER_NONE) return;
    try {
      this.members[member].onFill?.(book, orderId, side, priceTicks, qty, desk);
    } catch (error) {
      this.#fault(member, error);
    }
  }

  onOrder(book: number, orderId: number, status: OrderStatus, reason: Reason, desk: Desk): void {
    const member = this.#told(book);
    if (member === OWNER_NONE) return;
    try {
      this.members[member].onOrder?.(book, orderId, status, reason, desk);
    } catch (error) {
      this.#fault(member, error);
    }
  }

  onTimer(desk: Desk): void {
    if (!this.trading) return;
    for (let member = 0; member < this.members.length; member++) {
      if (this.#broken[member] !== 0) continue;
      try {
        this.members[member].onTimer?.(desk);
      } catch (error) {
        this.#fault(member, error);
      }
    }
  }

  onStop(desk: Desk): void {
    for (let member = 0; member < this.members.length; member++) {
      if (this.#broken[member] !== 0) continue;
      try {
        this.members[member].onStop?.(desk);
      } catch (error) {
        this.#fault(member, error);
      }
    }
  }

  /** Whom a decision on `book` is asked from. */
  #asked(book: number): number {
    return this.trading ? this.#told(book) : OWNER_NONE;
  }

  #told(book: number): number {
    const member = this.#owners[book];
    return member === OWNER_NONE || this.#broken[member] !== 0 ? OWNER_NONE : member;
  }

  #fault(member: number, error: unknown): void {
    this.#broken[member] = 1;
    this.onFault(member, error);
  }
}

/** The group of a configuration; null: no strategies. Throws a ConfigurationError with every fault. */
export function strategyGroup(configs: readonly StrategyConfig[], symbols: SymbolTable): StrategyGroup | null {
  if (configs.length === 0) return null;
  const faults: ConfigurationFault[] = [];
  const owners = new Int16Array(symbols.instruments.count).fill(OWNER_NONE);
  const members = configs.map((config, place) => strategyOf(config, place, symbols, faults));
  for (const [place, { symbols: wanted }] of configs.entries()) {
    for (const symbol of wanted ?? []) own(owners, symbols.bookOf(symbol), place, symbol, faults);
  }
  for (const [place, { symbols: wanted }] of configs.entries()) {
    if (wanted !== undefined) continue;
    for (let book = 0; book < symbols.count; book++) if (owners[book] === OWNER_NONE) owners[book] = place;
  }
  if (faults.length > 0) throw new ConfigurationError(faults);
  return new StrategyGroup(members, owners);
}

function own(owners: Int16Array, book: number, place: number, symbol: string, faults: ConfigurationFault[]): void {
  const key = `strategies[${place}].symbols`;
  if (book < 0) faults.push({ key, message: `expected symbols of instruments, was "${symbol}"` });
  else if (owners[book] !== OWNER_NONE && owners[book] !== place) {
    faults.push({ key, message: `expected symbols that no other strategy trades, was "${symbol}"` });
  } else owners[book] = place;
}

const NO_STRATEGY: Strategy = { name: 'none', onMarketData: () => {} };

function strategyOf(config: StrategyConfig, place: number, symbols: SymbolTable, faults: ConfigurationFault[]): Strategy {
  const key = `strategies[${place}]`;
  const { strategy, parameters = {} } = config ?? {};
  const definition = typeof strategy === 'string' ? strategyNamed(strategy) : strategy;
  if (definition === undefined || definition === null || !['object', 'function'].includes(typeof definition)) {
    const names = STRATEGIES.map(({ name }) => name).join(', ');
    faults.push({ key: `${key}.strategy`, message: `expected ${names}, or a strategy, was ${shown(strategy)}` });
    return NO_STRATEGY;
  }
  try {
    if (typeof definition === 'function') return definition(numbersOf(parameters), symbols.instruments);
    if ('create' in definition) return definition.create(completeParameters(definition, parameters), symbols.instruments);
    if (typeof definition.onMarketData === 'function' && typeof definition.name === 'string') return definition;
    faults.push({ key: `${key}.strategy`, message: 'expected an object with name and onMarketData' });
  } catch (error) {
    if (error instanceof ParameterError) {
      for (const { parameter, message } of error.faults) faults.push({ key: `${key}.parameters.${parameter}`, message });
    } else faults.push({ key: `${key}.strategy`, message: error instanceof Error ? error.message : String(error) });
  }
  return NO_STRATEGY;
}

function numbersOf(parameters: Readonly<Record<string, number | string>>): Record<string, number> {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, Number(value)]));
}
