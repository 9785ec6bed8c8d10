// The configuration of a trading engine: what a program gives (TradingEngineConfig, everything optional)
// and what the engine works with (EngineSettings, complete, in integers, frozen).
//
// It is read once and checked whole: a ConfigurationError names every fault. What `reconfigure` may change
// is read again by the same code, from what was given first with the changes over it.
import { wholeInstruments, type InstrumentOptions, type SymbolOptions } from './symbol_table.ts';
import { Checker, shown } from './checker.ts';
import { Stp } from '../book/types.ts';
import { LIMIT_NONE, RATE_MAX, RiskGate, stopLossOf, type RiskLimits, type TickerLimits } from '../trader/risk.ts';
import type { BreakerMeasure, BreakerRule } from './circuit_breaker.ts';
import type { Clock } from '../base/clock.ts';
import type { WaitStrategy } from '../base/agent.ts';
import type { Network } from '../net/transport.ts';
import type { LoginSigner } from '../trader/order_entry.ts';
import type { SelfTrade } from '../book/order_book.ts';
import type { InputJournal, JournaledInput } from './input_journal.ts';
import type { StrategyConfig } from './strategy_group.ts';
import type { SymbolTable } from './symbol_table.ts';
import { ORDERS_MAX } from '../trader/order_table.ts';
import { PositionKeeper, type Costing } from '../trader/position_keeper.ts';

/** Money and prices: exact decimal text, or a number that stands for the decimal it prints as. */
export type Decimal = number | string;

/** Limits of one symbol; the stricter of these and the engine's hold. */
export interface SymbolLimits {
  /** Largest quantity of one order. */
  maxOrderQuantity?: number;
  /** Largest position, long or short, everything open included. */
  maxPosition?: number;
  /** Open orders. */
  maxOpenOrders?: number;
  /** Price × quantity of one order, in currency. */
  maxNotional?: Decimal;
  /** Loss in currency from which on only reducing orders pass. */
  maxLoss?: Decimal;
  /** Ticks from the market that a price may be away; 0: any. */
  collarTicks?: number;
}

interface BreakerTimes {
  /** Window of event time that the measure is taken over. */
  windowMs?: number;
  /** From opening to the first probe; doubled for each further opening in a row, up to the second. */
  cooldownMs?: number;
  cooldownMaxMs?: number;
  /** Orders that must be accepted while half-open before it closes. */
  probes?: number;
  /** Open orders at opening: cancelled (default) or kept. */
  onOpen?: 'cancel' | 'keep';
}

/** Opens when the share of refused orders reaches `threshold`, counted from `minimum` answers on. */
export interface ErrorRateBreaker extends BreakerTimes {
  measure: 'error-rate';
  threshold?: number;
  minimum?: number;
}

/** Opens when the profit falls by `amount` (currency) from its highest in the window. */
export interface LossBreaker extends BreakerTimes {
  measure: 'loss';
  amount: Decimal;
}

/** Opens when the share of latency samples above `limitMicros` reaches `threshold`, from `minimum` samples on. */
export interface LatencyBreaker extends BreakerTimes {
  measure: 'latency';
  limitMicros: number;
  threshold?: number;
  minimum?: number;
}

export type BreakerConfig = ErrorRateBreaker | LossBreaker | LatencyBreaker;

export type ShutdownPolicy = 'cancel' | 'keep' | 'flatten';

export interface ShutdownOptions {
  /** What becomes of open orders (and, with `flatten`, of positions). */
  policy?: ShutdownPolicy;
  /** After so long the engine ends with what is left, and says so. */
  deadlineMs?: number;
}

export interface AlertThresholds {
  /** Nanoseconds from call to effect. */
  highLatencyNs?: number;
  /** Loss of one symbol in currency. */
  largeLoss?: Decimal;
  /** Position of one symbol, long or short. */
  largePosition?: number;
}

/** The books are in this process. */
export interface EmbeddedVenueConfig {
  kind: 'embedded';
  /** When both sides of a trade would be ours; default cancel-newest, as on the exchange. */
  selfTrade?: SelfTrade;
  /** Orders of the market, beside ours, that may rest at once; default 65,536. */
  marketOrdersMax?: number;
}

/** An Outcry exchange over TCP and multicast. */
export interface ExchangeVenueConfig {
  kind: 'exchange';
  host?: string;
  port?: number;
  framing?: 'soup' | 'sequenced' | 'bare';
  clientId?: number;
  account?: string;
  password?: string;
  /** Signs the log-in: `loginSigner(keyId, secret)`. Needed where the exchange is on another machine. */
  signer?: LoginSigner;
  /** Address of the local interface for multicast. */
  interface?: string;
  multicastAddress?: string;
  multicastPort?: number;
  snapshotPort?: number;
  retransmitPort?: number;
  /** How long `start` waits for session and books. */
  startTimeoutMs?: number;
  /** Instead of the operating system's sockets: for tests and simulation. */
  network?: Network;
}

export interface TradingEngineConfig {
  // Of the whole engine; these four are the quick start's. Infinity: no limit of quantity or value.
  maxOrdersPerSecond?: number;
  /** Quantity over all symbols, everything open included. */
  maxPositionSize?: number;
  /** Currency: gross value of all positions and open orders. */
  maxPortfolioValue?: Decimal;
  /** Fraction of maxPortfolioValue (0: none): at this loss everything is cancelled and only reducing orders pass. */
  stopLossPercentage?: number;

  // Of every symbol that has no stricter ones.
  maxOrderQuantity?: number;
  maxPosition?: number;
  maxOpenOrders?: number;
  maxNotional?: Decimal;
  maxLoss?: Decimal;
  collarTicks?: number;
  symbolLimits?: Readonly<Record<string, SymbolLimits>>;

  /** Symbols with their decimals, ticks and lots. Others are declared by their first use, see defaultInstrument. */
  instruments?: readonly InstrumentOptions[];
  /** What a symbol that nobody declared is like; null: it is refused (always so on an exchange). */
  defaultInstrument?: SymbolOptions | null;
  /** Symbols that the engine has room for, declared or not; default 64, or as many as were declared. */
  instrumentsMax?: number;
  venue?: EmbeddedVenueConfig | ExchangeVenueConfig;
  /** How realised profit is found; default vwap. */
  costing?: Costing;

  strategies?: readonly StrategyConfig[];
  /** Whether strategies trade from the start; default true. */
  autoTrading?: boolean;
  /** `Strategy.onTimer` comes this often. */
  timerMs?: number;

  breakers?: readonly BreakerConfig[];
  alerts?: AlertThresholds;
  shutdown?: ShutdownOptions;

  /** Orders that may be open at once; default 65,536. */
  ordersMax?: number;
  /** Slots, powers of two. */
  queue?: { normalSlots?: number; urgentSlots?: number };
  /**
   * `shared` (default): the engine takes turns with the rest of the program on this thread's event loop.
   * `manual`: it works when `poll` is called, for a loop of one's own.
   */
  loop?: 'shared' | 'manual';
  wait?: WaitStrategy;
  /** Whether a running engine keeps the process alive when it has nothing to do; default: on an exchange only. */
  holdsProcess?: boolean;
  /** One input in so many is timed, a power of two; 0: none. */
  latencySampleEvery?: number;
  /** Every input before it takes effect. */
  journal?: InputJournal;
  /** Inputs of an earlier run, to be in the same state before anything new is taken. */
  replay?: Iterable<JournaledInput>;
  clock?: Clock;
}

/** What `reconfigure` takes. */
export const RELOADABLE = [
  'maxOrdersPerSecond', 'maxPositionSize', 'maxPortfolioValue', 'stopLossPercentage', 'maxOrderQuantity', 'maxPosition',
  'maxOpenOrders', 'maxNotional', 'maxLoss', 'collarTicks', 'symbolLimits', 'breakers', 'alerts', 'autoTrading', 'shutdown',
] as const satisfies readonly (keyof TradingEngineConfig)[];
export type Reloadable = Pick<TradingEngineConfig, (typeof RELOADABLE)[number]>;

const FIXED = [
  'instruments', 'defaultInstrument', 'instrumentsMax', 'venue', 'costing', 'strategies', 'timerMs', 'ordersMax', 'queue',
  'loop', 'wait', 'holdsProcess', 'latencySampleEvery', 'journal', 'replay', 'clock',
] as const satisfies readonly (keyof TradingEngineConfig)[];

/** A breaker's rule, and what happens to open orders. */
export interface BreakerSettings extends BreakerRule {
  readonly cancels: boolean;
}

/** What may change while the engine runs. Money is portfolio money (instruments.ts of the trading side). */
export interface LiveSettings {
  readonly limits: RiskLimits;
  readonly breakers: readonly BreakerSettings[];
  readonly alerts: { readonly highLatencyNs: number; readonly largeLoss: number; readonly largePosition: number };
  readonly autoTrading: boolean;
  readonly shutdown: { readonly policy: ShutdownPolicy; readonly deadlineNs: number };
}

export interface EmbeddedSettings {
  readonly kind: 'embedded';
  readonly stp: Stp;
  readonly marketOrdersMax: number;
}

export interface ExchangeSettings {
  readonly kind: 'exchange';
  readonly host: string;
  readonly port: number;
  readonly framing: 'soup' | 'sequenced' | 'bare';
  readonly clientId: number;
  readonly account: string | null;
  readonly password: string | null;
  readonly signer: LoginSigner | null;
  readonly interface: string;
  readonly group: string;
  readonly groupPort: number;
  readonly snapshotPort: number;
  readonly retransmitPort: number;
  readonly startTimeoutNs: number;
  readonly network: Network | null;
}

export interface EngineSettings {
  readonly symbols: SymbolTable;
  readonly venue: EmbeddedSettings | ExchangeSettings;
  readonly costing: Costing;
  readonly strategies: readonly StrategyConfig[];
  readonly timerNs: number;
  readonly ordersMax: number;
  readonly queue: { readonly normalSlots: number; readonly urgentSlots: number };
  readonly loop: 'shared' | 'manual';
  readonly wait: WaitStrategy;
  readonly holdsProcess: boolean;
  /** Every (mask + 1)-th input carries the time; −1: none. */
  readonly stampMask: number;
  readonly live: LiveSettings;
}

const ORDERS_DEFAULT = 65_536;
const QTY_MAX = 0xffff_fffe;
const SAMPLE_EVERY_DEFAULT = 64;
const DAY_MS = 86_400_000;
const STPS: Readonly<Record<SelfTrade, Stp>> = {
  none: Stp.None, 'cancel-newest': Stp.CancelNewest, 'cancel-oldest': Stp.CancelOldest, 'cancel-both': Stp.CancelBoth,
  decrement: Stp.Decrement,
};
const SYMBOL_LIMITS = ['maxOrderQuantity', 'maxPosition', 'maxOpenOrders', 'maxNotional', 'maxLoss', 'collarTicks'];
const BREAKER_KEYS = ['measure', 'windowMs', 'cooldownMs', 'cooldownMaxMs', 'probes', 'onOpen'];

/** Checked and complete. Throws a ConfigurationError with every fault. */
export function engineSettings(config: TradingEngineConfig): EngineSettings {
  const check = new Checker();
  const given = check.object(config, 'config');
  check.known(given, '', [...RELOADABLE, ...FIXED]);
  const venue = venueOf(check, given);
  const symbols = wholeInstruments(check, given, venue.kind === 'exchange');
  const queue = check.object(given['queue'], 'queue');
  check.known(queue, 'queue', ['normalSlots', 'urgentSlots']);
  const every = check.whole(given, 'latencySampleEvery', SAMPLE_EVERY_DEFAULT, 0, 2 ** 30);
  if (every > 0 && !isPowerOfTwo(every)) check.fault('latencySampleEvery', `expected a power of two or 0, was ${every}`);
  const ordersMax = check.whole(given, 'ordersMax', ORDERS_DEFAULT, 1, ORDERS_MAX);
  const settings: EngineSettings = {
    symbols,
    venue,
    costing: check.oneOf(given, 'costing', 'vwap', ['vwap', 'fifo', 'lifo']),
    strategies: check.array(given['strategies'], 'strategies') as readonly StrategyConfig[],
    timerNs: check.milliseconds(given, 'timerMs', 100, 0.001, DAY_MS),
    ordersMax,
    queue: {
      normalSlots: slotsOf(check, queue, 'queue.normalSlots', 16_384),
      urgentSlots: slotsOf(check, queue, 'queue.urgentSlots', 2_048),
    },
    loop: check.oneOf(given, 'loop', 'shared', ['shared', 'manual']),
    wait: check.oneOf(given, 'wait', 'backoff', ['backoff', 'yield', 'spin']),
    holdsProcess: check.flag(given, 'holdsProcess', venue.kind === 'exchange'),
    stampMask: every === 0 ? -1 : every - 1,
    live: liveOf(check, given, symbols, ordersMax),
  };
  check.end();
  return Object.freeze(settings);
}

/** Changes as the journal keeps them: JSON, in which `Infinity` (no limit) would be null. No other value is that text. */
export function changesText(changes: Reloadable): string {
  return JSON.stringify(changes, (_, value: unknown) => (value === Infinity ? 'Infinity' : value));
}

export function changesOf(text: string): Reloadable {
  return JSON.parse(text, (_, value: unknown) => (value === 'Infinity' ? Infinity : value)) as Reloadable;
}

/** The live part of `given` with `changes` over it. Throws a ConfigurationError with every fault. */
export function changedSettings(
  given: TradingEngineConfig, changes: Reloadable, settings: EngineSettings,
): { config: TradingEngineConfig; live: LiveSettings } {
  const check = new Checker();
  const asked = check.object(changes, 'changes');
  for (const key of Object.keys(asked)) {
    if ((RELOADABLE as readonly string[]).includes(key)) continue;
    const fixed = (FIXED as readonly string[]).includes(key);
    check.fault(key, fixed ? 'cannot change while the engine runs' : `unknown key, expected one of ${RELOADABLE.join(', ')}`);
  }
  const config = { ...given, ...changes };
  const live = liveOf(check, config, settings.symbols, settings.ordersMax);
  check.end();
  return { config, live };
}

function liveOf(
  check: Checker, given: Record<string, unknown>, symbols: SymbolTable, ordersMax: number,
): LiveSettings {
  const decimals = symbols.instruments.portfolioDecimals;
  const alerts = check.object(given['alerts'], 'alerts');
  check.known(alerts, 'alerts', ['highLatencyNs', 'largeLoss', 'largePosition']);
  const shutdown = check.object(given['shutdown'], 'shutdown');
  check.known(shutdown, 'shutdown', ['policy', 'deadlineMs']);
  const limits = limitsOf(check, given, symbols, ordersMax);
  if (check.faults.length === 0) tryLimits(check, limits, symbols);
  return Object.freeze({
    limits,
    breakers: check.array(given['breakers'], 'breakers').map((breaker, i) =>
      breakerOf(check, check.object(breaker, `breakers[${i}]`), `breakers[${i}]`, decimals)),
    alerts: {
      highLatencyNs: check.number(alerts, 'alerts.highLatencyNs', Infinity, 0, Infinity),
      largeLoss: check.units(alerts, 'alerts.largeLoss', LIMIT_NONE, decimals, 1),
      largePosition: check.whole(alerts, 'alerts.largePosition', LIMIT_NONE, 1, LIMIT_NONE),
    },
    autoTrading: check.flag(given, 'autoTrading', true),
    shutdown: {
      policy: check.oneOf(shutdown, 'shutdown.policy', 'cancel', ['cancel', 'keep', 'flatten']),
      deadlineNs: check.milliseconds(shutdown, 'shutdown.deadlineMs', 5_000, 0, DAY_MS),
    },
  });
}

function limitsOf(check: Checker, given: Record<string, unknown>, symbols: SymbolTable, ordersMax: number): RiskLimits {
  const { instruments } = symbols;
  const portfolioDecimals = instruments.portfolioDecimals;
  const maxPortfolioValue = given['maxPortfolioValue'] === Infinity
    ? LIMIT_NONE
    : check.units(given, 'maxPortfolioValue', 10_000_000 * 10 ** portfolioDecimals, portfolioDecimals, 1);
  const fraction = check.number(given, 'stopLossPercentage', 0.02, 0, 1);
  const bySymbol = check.object(given['symbolLimits'], 'symbolLimits');
  const tickers = new Map<number, Partial<TickerLimits>>();
  for (const symbol of Object.keys(bySymbol)) {
    if (symbols.bookOf(symbol) < 0) check.fault(`symbolLimits.${symbol}`, 'expected a symbol of instruments');
  }
  for (let book = 0; book < instruments.count; book++) {
    const symbol = symbols.symbolOf(book);
    const where = `symbolLimits.${symbol}`;
    // A symbol may be called `constructor`.
    const own = check.object(Object.hasOwn(bySymbol, symbol) ? bySymbol[symbol] : undefined, where);
    check.known(own, where, SYMBOL_LIMITS);
    tickers.set(instruments.tickers[book], tickerLimits(check, given, own, where, instruments.list[book].decimals));
  }
  return {
    maxOrderQty: check.whole(given, 'maxOrderQuantity', QTY_MAX, 1, QTY_MAX),
    maxPosition: quantityLimit(check, given, 'maxPosition', LIMIT_NONE),
    maxLoss: LIMIT_NONE,
    maxOpenOrders: check.whole(given, 'maxOpenOrders', ordersMax, 1, ORDERS_MAX),
    maxNotional: LIMIT_NONE,
    collarTicks: check.whole(given, 'collarTicks', 0, 0, 2 ** 31 - 1),
    ordersPerSecond: check.whole(given, 'maxOrdersPerSecond', 100_000, 1, RATE_MAX),
    maxPositionTotal: quantityLimit(check, given, 'maxPositionSize', 1_000_000),
    maxPortfolioValue,
    stopLoss: fraction === 0 || maxPortfolioValue === LIMIT_NONE ? LIMIT_NONE : stopLossOf(maxPortfolioValue, fraction),
    tickers,
  };
}

/** Infinity: no limit. */
function quantityLimit(check: Checker, from: Record<string, unknown>, key: string, fallback: number): number {
  const value = from[key.slice(key.lastIndexOf('.') + 1)];
  return value === Infinity ? LIMIT_NONE : check.whole(from, key, fallback, 0, LIMIT_NONE);
}

/** What the risk gate itself finds wrong: products beyond 2^53. */
function tryLimits(check: Checker, limits: RiskLimits, symbols: SymbolTable): void {
  try {
    const gate = new RiskGate(symbols.instruments, new PositionKeeper(symbols.instruments), limits);
    gate.checkInvariants();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    check.fault('limits', error.message);
  }
}

/** Limits of one ticker in its own units: its own, else the engine's where those are in currency. */
function tickerLimits(
  check: Checker, given: Record<string, unknown>, own: Record<string, unknown>, where: string, decimals: number,
): Partial<TickerLimits> {
  const money = (name: 'maxLoss' | 'maxNotional'): number => {
    const from = own[name] === undefined ? given : own;
    return check.units(from, from === own ? `${where}.${name}` : name, LIMIT_NONE, decimals, 0);
  };
  const limits: { -readonly [K in keyof TickerLimits]?: number } = { maxLoss: money('maxLoss'), maxNotional: money('maxNotional') };
  if (own['maxOrderQuantity'] !== undefined) limits.maxOrderQty = check.whole(own, `${where}.maxOrderQuantity`, 1, 1, QTY_MAX);
  if (own['maxPosition'] !== undefined) limits.maxPosition = quantityLimit(check, own, `${where}.maxPosition`, LIMIT_NONE);
  if (own['maxOpenOrders'] !== undefined) limits.maxOpenOrders = check.whole(own, `${where}.maxOpenOrders`, 1, 1, ORDERS_MAX);
  if (own['collarTicks'] !== undefined) limits.collarTicks = check.whole(own, `${where}.collarTicks`, 0, 0, 2 ** 31 - 1);
  return limits;
}

function breakerOf(check: Checker, given: Record<string, unknown>, where: string, decimals: number): BreakerSettings {
  const measure: BreakerMeasure = check.oneOf(given, `${where}.measure`, 'error-rate', ['error-rate', 'loss', 'latency']);
  if (given['measure'] === undefined) check.fault(`${where}.measure`, 'expected error-rate, loss, latency, was undefined');
  const own = measure === 'loss' ? ['amount'] : measure === 'latency' ? ['threshold', 'minimum', 'limitMicros'] : ['threshold', 'minimum'];
  check.known(given, where, [...BREAKER_KEYS, ...own]);
  const needed = measure === 'loss' ? 'amount' : measure === 'latency' ? 'limitMicros' : '';
  if (needed !== '' && given[needed] === undefined) check.fault(`${where}.${needed}`, `a breaker on ${measure} needs one`);
  const cooldownNs = check.milliseconds(given, `${where}.cooldownMs`, 5_000, 0, DAY_MS);
  return {
    measure,
    threshold: measure === 'loss'
      ? 2 * check.units(given, `${where}.amount`, 1, decimals, 1)
      : check.number(given, `${where}.threshold`, 0.5, 0.000_001, 1),
    limitNs: measure === 'latency' ? check.number(given, `${where}.limitMicros`, 1, 0, 1e9) * 1e3 : 0,
    minimum: measure === 'loss' ? 0 : check.whole(given, `${where}.minimum`, 20, 1, 1e9),
    windowNs: check.milliseconds(given, `${where}.windowMs`, 10_000, 0.001, DAY_MS),
    cooldownNs,
    cooldownMaxNs: check.milliseconds(given, `${where}.cooldownMaxMs`, Math.max(60_000, cooldownNs / 1e6), cooldownNs / 1e6, DAY_MS),
    probes: check.whole(given, `${where}.probes`, 3, 1, 1_000),
    cancels: check.oneOf(given, `${where}.onOpen`, 'cancel', ['cancel', 'keep']) === 'cancel',
  };
}

function venueOf(check: Checker, from: Record<string, unknown>): EmbeddedSettings | ExchangeSettings {
  const given = check.object(from['venue'], 'venue');
  const kind = check.oneOf(given, 'venue.kind', 'embedded', ['embedded', 'exchange']);
  if (kind === 'embedded') {
    check.known(given, 'venue', ['kind', 'selfTrade', 'marketOrdersMax']);
    const names = Object.keys(STPS) as SelfTrade[];
    return {
      kind,
      stp: STPS[check.oneOf(given, 'venue.selfTrade', 'cancel-newest', names)],
      marketOrdersMax: check.whole(given, 'venue.marketOrdersMax', ORDERS_DEFAULT, 0, ORDERS_MAX),
    };
  }
  check.known(given, 'venue', [
    'kind', 'host', 'port', 'framing', 'clientId', 'account', 'password', 'signer', 'interface', 'multicastAddress',
    'multicastPort', 'snapshotPort', 'retransmitPort', 'startTimeoutMs', 'network',
  ]);
  const groupPort = check.whole(given, 'venue.multicastPort', 5_000, 1, 65_535);
  return {
    kind,
    host: check.text(given, 'venue.host', '127.0.0.1'),
    port: check.whole(given, 'venue.port', 12_345, 1, 65_535),
    framing: check.oneOf(given, 'venue.framing', 'soup', ['soup', 'sequenced', 'bare']),
    clientId: check.whole(given, 'venue.clientId', 1, 0, 2 ** 32 - 2),
    account: given['account'] === undefined ? null : check.text(given, 'venue.account', ''),
    password: given['password'] === undefined ? null : check.text(given, 'venue.password', ''),
    signer: (given['signer'] ?? null) as LoginSigner | null,
    interface: check.text(given, 'venue.interface', '127.0.0.1'),
    group: check.text(given, 'venue.multicastAddress', '239.255.0.1'),
    groupPort,
    snapshotPort: check.whole(given, 'venue.snapshotPort', groupPort + 1, 1, 65_535),
    retransmitPort: check.whole(given, 'venue.retransmitPort', groupPort + 2, 1, 65_535),
    startTimeoutNs: check.milliseconds(given, 'venue.startTimeoutMs', 10_000, 1, DAY_MS),
    network: (given['network'] ?? null) as Network | null,
  };
}

function slotsOf(check: Checker, from: Record<string, unknown>, key: string, fallback: number): number {
  const slots = check.whole(from, key, fallback, 2, 2 ** 24);
  if (!isPowerOfTwo(slots)) check.fault(key, `expected a power of two, was ${shown(slots)}`);
  return slots;
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(Math.log2(value));
}
