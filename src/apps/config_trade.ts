// The configuration of a trader: what `outcry trade` connects to, which strategy it runs, and what
// that may risk. Its own keys (`[trade]`) hold per ticker, those of `[trading]` for the whole engine;
// the stricter holds.
//
// Money is exact: a decimal of the file becomes an integer of 10^-moneyDecimals, where moneyDecimals
// is the largest number of decimals among the instruments traded.
import { formatDecimal, parseDecimal } from '../base/decimal.ts';
import {
  EXCHANGE_DEFAULT,
  FeedLayout,
  type InstrumentConfig,
  type LoginKey,
  MULTICAST_PORT_DEFAULT,
  plainInstrument,
  PORT_DEFAULT,
} from '../exchange/config.ts';
import { RATE_MAX } from '../trader/risk.ts';
import { STRATEGIES } from '../trader/strategies/strategies.ts';
import {
  address,
  decimal,
  fraction,
  listOf,
  multicastAddress,
  numbersByName,
  oneOf,
  optional,
  secret,
  switched,
  text,
  wholeNumber,
} from './config_forms.ts';
import { type Credential, CredentialsError, readCredentials } from './credentials.ts';
import { type Contradict, type Section, setting, type ValuesOf } from './settings.ts';
import { aboveText, lotText, PRICE_UNITS_MAX, QTY_MAX } from './trade_limits.ts';

const U32_MAX = 0xffff_ffff;
const PORT_MAX = 65_535;
/** Snapshot and retransmission are on the next two ports. */
const MULTICAST_PORT_MAX = PORT_MAX - 2;
const TICKS_MAX = 0x7fff_ffff;
const MONEY_DECIMALS_MAX = 9;
/** Profit is kept doubled (the mid is bid + ask), and a double is exact below 2^53. */
const MONEY_UNITS_MAX = 2n ** 52n - 1n;
/** Of one instrument without decimals; with them, and with more instruments, it is less. */
const MONEY_MAX = String(MONEY_UNITS_MAX);
const MONEY_MIN = '0.000000001';

const TRADE_FRAMINGS = ['bare', 'sequenced', 'soup'] as const;
const COSTINGS = ['vwap', 'fifo', 'lifo'] as const;

export const TRADE_SCHEMA = {
  host: setting(address, '127.0.0.1', {
    short: 'H',
    value: 'address',
    description: 'IPv4 address of the exchange',
  }),
  port: setting(wholeNumber(1, PORT_MAX), PORT_DEFAULT, {
    short: 'p',
    value: 'port',
    description: 'its TCP port of order entry',
  }),
  strategy: setting(text(/\S/, 'the name of a strategy, or its file'), 'market-maker', {
    short: 's',
    value: 'name',
    description: `${STRATEGIES.map(({ name }) => name).join(', ')}, or the file of your own`,
  }),
  ticker: setting(listOf(wholeNumber(0, U32_MAX - 1)), [1] as readonly number[], {
    short: 't',
    value: 'ids',
    description: 'instruments to trade, by ticker id',
  }),
  clientId: setting(wholeNumber(0, U32_MAX - 1), 1, {
    short: 'c',
    value: 'id',
    description: 'client id of every order',
  }),
  framing: setting(oneOf(TRADE_FRAMINGS), 'soup', {
    value: 'name',
    description: `framing of order entry: ${TRADE_FRAMINGS.join(', ')}; soup alone can resume`,
  }),
  user: setting(optional(text(/^[\x21-\x7e]{1,6}$/, '1 to 6 printable ASCII characters')), null, {
    value: 'name',
    description: 'account on soup',
    defaultText: 'the client id',
    example: '"ALPHA"',
  }),
  password: setting(
    optional(secret(/^[\x21-\x7e]{1,10}$/, '1 to 10 printable ASCII characters')),
    null,
    {
      value: 'text',
      description: 'its password; rather in the environment than in a flag',
      defaultText: 'none',
      example: '"secret"',
    },
  ),
  credentials: setting(optional(text(/\S/, 'the path of a file')), null, {
    value: 'file',
    description: 'key that the log-in is signed with (outcry key new); needed beyond loopback',
    defaultText: 'none',
    example: '"alpha.key"',
  }),
  feed: setting(oneOf(Object.values(FeedLayout)), EXCHANGE_DEFAULT.feed.layout, {
    value: 'layout',
    description: `layout of the feed: ${Object.values(FeedLayout).join(', ')}`,
  }),
  multicastAddr: setting(multicastAddress, EXCHANGE_DEFAULT.feed.group, {
    short: 'm',
    value: 'group',
    description: 'multicast group of the feed',
  }),
  multicastPort: setting(wholeNumber(1, MULTICAST_PORT_MAX), MULTICAST_PORT_DEFAULT, {
    value: 'port',
    description: 'UDP port of the feed',
  }),
  interface: setting(address, EXCHANGE_DEFAULT.interface, {
    short: 'i',
    value: 'address',
    description: 'own IPv4 address that the feed comes in by',
  }),
  snapshotAddr: setting(optional(multicastAddress), null, {
    value: 'group',
    description: 'multicast group of the snapshots',
    defaultText: "the feed's",
    example: '"239.255.0.1"',
  }),
  snapshotPort: setting(optional(wholeNumber(1, PORT_MAX)), null, {
    value: 'port',
    description: 'UDP port of the snapshots',
    defaultText: "the feed's + 1",
    example: '5001',
  }),
  retransmitPort: setting(optional(wholeNumber(1, PORT_MAX)), null, {
    value: 'port',
    description: 'UDP port for retransmit requests',
    defaultText: "the feed's + 2",
    example: '5002',
  }),
  maxOrderQty: setting(wholeNumber(1, QTY_MAX), 100, {
    value: 'qty',
    description: 'quantity of one order at most',
    reload: true,
  }),
  maxPosition: setting(wholeNumber(1, QTY_MAX), 1_000, {
    value: 'qty',
    description: 'position of a ticker at most, either way, everything open included',
    reload: true,
  }),
  maxLoss: setting(wholeNumber(1, PRICE_UNITS_MAX), 100_000, {
    value: 'units',
    description: 'loss of a ticker at most, in price units (cents)',
    reload: true,
  }),
  maxOpenOrders: setting(wholeNumber(1, 1_000_000), 100, {
    value: 'n',
    description: 'open orders of a ticker at most',
    reload: true,
  }),
  maxNotional: setting(optional(decimal(MONEY_MIN, MONEY_MAX, MONEY_DECIMALS_MAX)), null, {
    value: 'money',
    description: 'price times quantity of one order at most',
    defaultText: 'no limit',
    example: '1000000.0',
    reload: true,
  }),
  collarTicks: setting(wholeNumber(0, TICKS_MAX), 0, {
    value: 'ticks',
    description: 'furthest price of an order from the market, 0 = any',
    reload: true,
  }),
  halfSpread: setting(wholeNumber(1, 1_000_000_000), 50, {
    value: 'units',
    description: 'half of what a market maker asks above what it bids, in price units (cents)',
  }),
  signalThreshold: setting(fraction(0, 1), 0.3, {
    value: 'signal',
    description: 'signal from which a liquidity taker acts, either way',
  }),
  costing: setting(oneOf(COSTINGS), 'vwap', {
    value: 'rule',
    description: `cost of a position that is closed in part: ${COSTINGS.join(', ')}`,
  }),
  cancelWhenStale: setting(switched, true, {
    description: 'leave quotes in the market while its data is stale',
  }),
};

export const TRADE_SECTION: Section<typeof TRADE_SCHEMA> = {
  name: 'trade',
  about: 'a trader and its limits per ticker: outcry trade',
  schema: TRADE_SCHEMA,
};

const TRADING_SCHEMA = {
  maxOrdersPerSecond: setting(wholeNumber(1, RATE_MAX), 100_000, {
    value: 'n',
    description: 'orders sent in a second at most',
    reload: true,
  }),
  maxPositionSize: setting(wholeNumber(1, U32_MAX - 1), 1_000_000, {
    value: 'qty',
    description: 'position at most, either way',
    reload: true,
  }),
  maxPortfolioValue: setting(
    decimal(MONEY_MIN, MONEY_MAX, MONEY_DECIMALS_MAX),
    '10000000',
    { value: 'money', description: 'value of all positions together at most', reload: true },
  ),
  stopLossPercentage: setting(decimal('0.000001', '1', 6), '0.02', {
    value: 'fraction',
    description: 'of the portfolio value; at that loss all is cancelled and trading stops',
    reload: true,
  }),
};

export const TRADING_SECTION: Section<typeof TRADING_SCHEMA> = {
  name: 'trading',
  about: 'limits of the whole engine',
  schema: TRADING_SCHEMA,
};

const STRATEGY_SCHEMA = {
  parameters: setting(numbersByName, {}, {
    value: 'name=number,…',
    description: 'parameters of the strategy, by the names that it knows',
    defaultText: "the strategy's own",
    example:
      '{ base_qty = 100, min_spread = 20, price_update_threshold = 10, position_skew_factor = 0.5 }',
  }),
};

export const STRATEGY_SECTION: Section<typeof STRATEGY_SCHEMA> = {
  name: 'strategy',
  about: 'what the strategy takes beside the keys of [trade]',
  schema: STRATEGY_SCHEMA,
};

// ── what is made of it ─────────────────────────────────────────────────────────────────────────

export interface TradeLimits {
  // Per ticker.
  readonly maxOrderQty: number;
  readonly maxPosition: number;
  /** In price units. */
  readonly maxLoss: number;
  readonly maxOpenOrders: number;
  /** Money; null: no limit. */
  readonly maxNotional: number | null;
  /** 0: any price. */
  readonly collarTicks: number;
  // Of the whole engine.
  readonly maxOrdersPerSecond: number;
  readonly maxPositionSize: number;
  /** Money. */
  readonly maxPortfolioValue: number;
  /** Money: the loss at which trading stops. */
  readonly stopLoss: number;
  /** Money is in integers of 10^-moneyDecimals. */
  readonly moneyDecimals: number;
}

export interface TradeConfig {
  readonly host: string;
  readonly port: number;
  readonly framing: (typeof TRADE_FRAMINGS)[number];
  readonly clientId: number;
  /** null: the client id. */
  readonly user: string | null;
  readonly password: string | null;
  /** null: the log-in is not signed. */
  readonly key: LoginKey | null;
  readonly interface: string;
  readonly feed: { readonly layout: FeedLayout; readonly group: string; readonly port: number };
  readonly snapshot: { readonly group: string; readonly port: number };
  readonly retransmit: { readonly host: string; readonly port: number };
  /** Those of `ticker`, in its order. */
  readonly instruments: readonly InstrumentConfig[];
  readonly strategy: {
    /** Of a built-in strategy, or the path of a file. */
    readonly name: string;
    readonly parameters: Readonly<Record<string, number>>;
    /** In price units. */
    readonly halfSpread: number;
    readonly signalThreshold: number;
  };
  readonly limits: TradeLimits;
  readonly costing: (typeof COSTINGS)[number];
  readonly cancelWhenStale: boolean;
}

export interface TradeSettings {
  readonly trade: ValuesOf<typeof TRADE_SCHEMA>;
  readonly trading: ValuesOf<typeof TRADING_SCHEMA>;
  readonly strategy: ValuesOf<typeof STRATEGY_SCHEMA>;
  /** Of `[[instruments]]`; none: plain ones with the tickers' ids. */
  readonly instruments: readonly InstrumentConfig[];
}

/** The configuration that the settings describe; what contradicts itself is reported. */
export function tradeConfig(settings: TradeSettings, contradict: Contradict): TradeConfig {
  const { trade, strategy } = settings;
  const instruments = instrumentsOf(settings, contradict);
  checkTrade(settings, instruments, contradict);
  const credential = credentialOf(trade, contradict);
  const feedPort = trade.multicastPort;
  return {
    host: trade.host,
    port: trade.port,
    framing: trade.framing,
    clientId: trade.clientId,
    user: trade.user ?? credential?.user ?? null,
    password: trade.password,
    key: credential === null ? null : { id: credential.keyId, secret: credential.secret },
    interface: trade.interface,
    feed: { layout: trade.feed, group: trade.multicastAddr, port: feedPort },
    snapshot: {
      group: trade.snapshotAddr ?? trade.multicastAddr,
      port: trade.snapshotPort ?? feedPort + 1,
    },
    retransmit: { host: trade.host, port: trade.retransmitPort ?? feedPort + 2 },
    instruments,
    strategy: {
      name: trade.strategy,
      parameters: strategy.parameters,
      halfSpread: trade.halfSpread,
      signalThreshold: trade.signalThreshold,
    },
    limits: tradeLimits(settings, instruments, contradict),
    costing: trade.costing,
    cancelWhenStale: trade.cancelWhenStale,
  };
}

/** The key of the file: the user's first, or the only one. */
function credentialOf(
  { user, clientId, credentials }: TradeSettings['trade'],
  contradict: Contradict,
): Credential | null {
  if (credentials === null) return null;
  try {
    const known = readCredentials(credentials);
    const own = known.filter((credential) => user === null || credential.user === user);
    const [first] = own;
    if (first === undefined || (user === null && own.length > 1)) {
      const wanted = user === null ? 'one key, or --user to choose' : `a key of ${user}`;
      throw new CredentialsError(`${credentials}: expected ${wanted}, was ${own.length} of ${known.length}`);
    }
    if (first.client === clientId) return first;
    const expected = `expected the client of ${first.user} in the credentials = ${first.client}`;
    contradict('trade.client_id', `${expected}, was ${clientId}`, 'trade.credentials');
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error;
    contradict('trade.credentials', error.message);
  }
  return null;
}

function instrumentsOf(
  { trade, instruments }: TradeSettings,
  contradict: Contradict,
): InstrumentConfig[] {
  if (instruments.length === 0) return trade.ticker.map(plainInstrument);
  const byTicker = new Map(instruments.map((instrument) => [instrument.ticker, instrument]));
  return trade.ticker.flatMap((ticker) => {
    const instrument = byTicker.get(ticker);
    if (instrument !== undefined) return [instrument];
    const known = [...byTicker.keys()].slice(0, 8).join(', ');
    contradict(
      'trade.ticker',
      `expected tickers of [[instruments]] (${known}), was ${ticker}`,
      'instruments',
    );
    return [];
  });
}

function checkTrade(
  { trade }: TradeSettings,
  instruments: readonly InstrumentConfig[],
  contradict: Contradict,
): void {
  const { maxOrderQty, maxPosition } = trade;
  if (maxOrderQty > maxPosition) contradict('trade.max_order_qty', aboveText(trade), 'trade.max_position');
  for (const { symbol, lotSize } of instruments) {
    if (maxOrderQty < lotSize) contradict('trade.max_order_qty', lotText(trade, symbol, lotSize), 'instruments');
  }
  if (trade.framing === 'soup') return;
  for (const key of ['user', 'password', 'credentials'] as const) {
    if (trade[key] === null) continue;
    contradict(
      `trade.${key}`,
      `expected framing soup, which logs in, was ${trade.framing}`,
      'trade.framing',
    );
  }
}

function tradeLimits(
  { trade, trading }: TradeSettings,
  instruments: readonly InstrumentConfig[],
  contradict: Contradict,
): TradeLimits {
  const moneyDecimals = Math.max(0, ...instruments.map(({ decimals }) => decimals));
  const money = (key: string, value: string, unitsMax: bigint): bigint => {
    const exact = parseDecimal(value, MONEY_DECIMALS_MAX);
    const scale = 10n ** BigInt(MONEY_DECIMALS_MAX - moneyDecimals);
    if (exact % scale !== 0n) {
      const expected = `expected at most ${moneyDecimals} decimals, as the instruments have`;
      contradict(key, `${expected}, was ${value}`, 'instruments');
    }
    if (exact / scale > unitsMax) {
      const most = formatDecimal(unitsMax, moneyDecimals);
      contradict(key, `expected at most ${most} with these instruments, was ${value}`, 'instruments');
    }
    return exact / scale;
  };
  // The sum over all instruments must be exact: each may have its even share.
  const portfolioMax = MONEY_UNITS_MAX / BigInt(Math.max(1, instruments.length));
  const portfolio = money('trading.max_portfolio_value', trading.maxPortfolioValue, portfolioMax);
  return {
    maxOrderQty: trade.maxOrderQty,
    maxPosition: trade.maxPosition,
    maxLoss: trade.maxLoss,
    maxOpenOrders: trade.maxOpenOrders,
    maxNotional:
      trade.maxNotional === null
        ? null : Number(money('trade.max_notional', trade.maxNotional, BigInt(PRICE_UNITS_MAX))),
    collarTicks: trade.collarTicks,
    maxOrdersPerSecond: trading.maxOrdersPerSecond,
    maxPositionSize: trading.maxPositionSize,
    maxPortfolioValue: Number(portfolio),
    // Rounded down: the stricter way.
    stopLoss: Number((portfolio * parseDecimal(trading.stopLossPercentage, 6)) / 1_000_000n),
    moneyDecimals,
  };
}
