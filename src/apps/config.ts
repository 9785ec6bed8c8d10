// The configuration of the exchange: its schema, from which flags, environment, file keys and help
// come (settings.ts), and what is made of it (src/exchange/config.ts). Instruments stand at the top of
// the file, for traders look at them too.
import type { Stp as StpMode } from '../book/types.ts';
import { Stp } from '../book/types.ts';
import {
  type AccountConfig,
  CollarReference,
  EXCHANGE_DEFAULT,
  type ExchangeConfig,
  FeedLayout,
  type InstrumentConfig,
  LIMITS_DEFAULT,
  type ListenerConfig,
  ListenerFraming,
  MULTICAST_PORT_DEFAULT,
  plainInstrument,
  PORT_DEFAULT,
  RISK_DEFAULT,
  type RiskConfig,
} from '../exchange/config.ts';
import { POSITION_MAX } from '../exchange/risk/exposures.ts';
import { RATE_MAX } from '../exchange/risk/rate_limiter.ts';
import { NETWORK_CHOICE, NETWORK_CHOICES } from '../net/choose_network.ts';
import { EVERY_DEFAULT } from '../observe/profile/turn_profile.ts';
import {
  address,
  byteCount,
  duration,
  durationText,
  type Form,
  listOf,
  multicastAddress,
  oneOf,
  optional,
  orElse,
  secret,
  snakeCase,
  switched,
  tablesOf,
  text,
  token,
  wholeNumber,
} from './config_forms.ts';
import { CredentialsError, readCredentials, withKeys } from './credentials.ts';
import { type Contradict, type Section, setting, type ValuesOf } from './settings.ts';

const U32_MAX = 0xffff_ffff;
const PORT_MAX = 65_535;
/** Snapshot and retransmission are on the next two ports. */
const MULTICAST_PORT_MAX = PORT_MAX - 2;
const TICKS_MAX = 0x7fff_ffff;
/** Of one engine. */
const INSTRUMENTS_MAX = 4_096;
const MIB = 2 ** 20;
const DAY_NS = 24 * 3600e9;
const ORDERS_MAX = 16_000_000;
/** A collar of ten times the reference is none. */
const COLLAR_BPS_MAX = 100_000;

const STP_MODES: Readonly<Record<string, StpMode>> = {
  none: Stp.None,
  'cancel-newest': Stp.CancelNewest,
  'cancel-oldest': Stp.CancelOldest,
  'cancel-both': Stp.CancelBoth,
  decrement: Stp.Decrement,
};
const WAITS = ['spin', 'yield', 'backoff'] as const;

const framing = oneOf(Object.values(ListenerFraming));
const port = wholeNumber(0, PORT_MAX);

const listenerForms: { readonly [K in keyof ListenerConfig]-?: Form<ListenerConfig[K]> } = {
  host: orElse(address, EXCHANGE_DEFAULT.interface),
  port,
  framing: orElse(framing, ListenerFraming.Auto),
};
/** A row of `[[exchange.accounts]]`; keys are in a file of their own. */
type AccountRow = Omit<AccountConfig, 'keys'>;
const accountForms: { readonly [K in keyof AccountRow]-?: Form<AccountRow[K]> } = {
  user: text(/^[\x21-\x7e]{1,6}$/, '1 to 6 printable ASCII characters'),
  password: orElse(secret(/^[\x21-\x7e]{1,10}$/, '1 to 10 printable ASCII characters'), ''),
  client: wholeNumber(0, U32_MAX - 1),
  owner: optional(wholeNumber(0, U32_MAX - 1)),
  cancelOnDisconnect: orElse(switched, true),
};
const instrumentForms: { readonly [K in keyof InstrumentConfig]-?: Form<InstrumentConfig[K]> } = {
  ticker: wholeNumber(0, U32_MAX - 1),
  symbol: text(/^[\x21-\x7e]{1,16}$/, '1 to 16 printable ASCII characters'),
  decimals: orElse(wholeNumber(0, 9), 2),
  tickSize: orElse(wholeNumber(1, 1_000_000_000), 1),
  lotSize: orElse(wholeNumber(1, 1_000_000_000), 1),
  minPrice: orElse(wholeNumber(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER), 1),
  maxPrice: orElse(wholeNumber(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER), TICKS_MAX),
};

/** A row of `[[exchange.limits]]`, under the names of the keys that it overrides. */
interface LimitRow {
  readonly client: number | null;
  readonly ticker: number | null;
  readonly maxOrderQty: number | null;
  readonly maxNotional: number | null;
  readonly collarTicks: number | null;
  readonly collarBps: number | null;
  readonly maxPosition: number | null;
  readonly maxOpenOrders: number | null;
  readonly messagesPerSecond: number | null;
  readonly cancelsPerSecond: number | null;
  readonly refusalsPerSecond: number | null;
}
const limitRowForms: { readonly [K in keyof LimitRow]-?: Form<LimitRow[K]> } = {
  client: optional(wholeNumber(0, U32_MAX - 1)),
  ticker: optional(wholeNumber(0, U32_MAX - 1)),
  maxOrderQty: optional(wholeNumber(0, U32_MAX - 1)),
  maxNotional: optional(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
  collarTicks: optional(wholeNumber(0, TICKS_MAX)),
  collarBps: optional(wholeNumber(0, COLLAR_BPS_MAX)),
  maxPosition: optional(wholeNumber(0, POSITION_MAX)),
  maxOpenOrders: optional(wholeNumber(0, ORDERS_MAX)),
  messagesPerSecond: optional(wholeNumber(0, RATE_MAX)),
  cancelsPerSecond: optional(wholeNumber(0, RATE_MAX)),
  refusalsPerSecond: optional(wholeNumber(0, RATE_MAX)),
};

const limit = LIMITS_DEFAULT;
const risk = RISK_DEFAULT.limits;
const { operator } = EXCHANGE_DEFAULT;

/** Keys of `[exchange]`. `reload: true`: may change while running (src/apps/config_watch.ts). */
const EXCHANGE_SCHEMA = {
  port: setting(port, PORT_DEFAULT, {
    short: 'p',
    value: 'port',
    description: 'TCP port of order entry, 0 = a free one',
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
  tickers: setting(listOf(wholeNumber(0, U32_MAX - 1)), [1, 2, 3], {
    short: 't',
    value: 'ids',
    description: 'instruments by ticker id: symbols T1, T2, …, prices in cents',
  }),
  interface: setting(address, EXCHANGE_DEFAULT.interface, {
    short: 'i',
    value: 'address',
    description: 'own IPv4 address for TCP and multicast',
  }),
  ttl: setting(wholeNumber(0, 255), EXCHANGE_DEFAULT.ttl, {
    value: 'hops',
    description: 'multicast time to live',
  }),
  framing: setting(framing, ListenerFraming.Auto, {
    value: 'name',
    description: `framing of order entry: ${Object.values(ListenerFraming).join(', ')}`,
  }),
  feed: setting(oneOf(Object.values(FeedLayout)), EXCHANGE_DEFAULT.feed.layout, {
    value: 'layout',
    description: `layout of the feed: ${Object.values(FeedLayout).join(', ')}`,
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
  snapshotInterval: setting(duration(0, DAY_NS), EXCHANGE_DEFAULT.snapshot.intervalNs, {
    value: 'time',
    description: 'a snapshot cycle begins this often, 0 = never',
    reload: true,
    defaultText: durationText(EXCHANGE_DEFAULT.snapshot.intervalNs),
  }),
  retransmitPort: setting(optional(port), null, {
    value: 'port',
    description: 'UDP port for retransmit requests',
    defaultText: "the feed's + 2",
    example: '5002',
  }),
  retransmitMessages: setting(wholeNumber(64, 2 ** 24), EXCHANGE_DEFAULT.retransmit.messages, {
    value: 'n',
    description: 'messages that can be had again, rounded up to a power of two',
  }),
  retransmitRate: setting(
    wholeNumber(1, 10_000_000),
    EXCHANGE_DEFAULT.retransmit.datagramsPerSecond,
    { value: 'n', description: 'datagrams answered a second at most', reload: true },
  ),
  ordersMax: setting(wholeNumber(1, ORDERS_MAX), EXCHANGE_DEFAULT.ordersMax, {
    value: 'n',
    description: 'orders that may live at once',
  }),
  stp: setting(oneOf(Object.keys(STP_MODES)), 'cancel-newest', {
    value: 'mode',
    description: `self-trade prevention: ${Object.keys(STP_MODES).join(', ')}`,
  }),
  cancelOnDisconnect: setting(switched, EXCHANGE_DEFAULT.cancelOnDisconnect, {
    description: 'leave the orders of a client that disconnects',
  }),
  risingOrderIds: setting(switched, EXCHANGE_DEFAULT.risingOrderIds, {
    description: 'accept client order ids of soup accounts in any order',
  }),
  insecure: setting(switched, EXCHANGE_DEFAULT.insecure, {
    description: 'listen beyond loopback without keys: anybody may trade, or passwords go in clear',
  }),
  connectionsMax: setting(wholeNumber(1, 65_536), limit.connections, {
    value: 'n',
    description: 'connections at once',
    reload: true,
  }),
  connectionsPerAddressMax: setting(wholeNumber(1, 65_536), limit.connectionsPerAddress, {
    value: 'n',
    description: 'connections at once from one address',
    reload: true,
  }),
  accountsMax: setting(wholeNumber(1, 1_000_000), limit.accounts, {
    value: 'n',
    description: 'client ids known at once',
  }),
  framesPerTurn: setting(wholeNumber(1, 4_096), limit.framesPerTurn, {
    value: 'n',
    description: 'requests taken from one session before the others have their turn',
    reload: true,
  }),
  receiveBytesMax: setting(byteCount(4_096, 16 * MIB), limit.receiveBytes, {
    value: 'bytes',
    description: 'received and not yet read, a session',
    defaultText: '64KiB',
  }),
  slowReaderBytes: setting(byteCount(64 * 1024, 1024 * MIB), limit.slowReaderBytes, {
    value: 'bytes',
    description: 'a session that leaves this much unread is closed',
    defaultText: '8MiB',
  }),
  outboundLogBytes: setting(byteCount(64 * 1024, 1024 * MIB), limit.outboundLogBytes, {
    value: 'bytes',
    description: 'kept for a soup account to resume from',
    defaultText: '16MiB',
  }),
  outboundTotalBytes: setting(byteCount(1024 * 1024, 64 * 1024 * MIB), limit.outboundTotalBytes, {
    value: 'bytes',
    description: 'kept and unread of all clients together',
    defaultText: '128MiB',
  }),
  loginTimeout: setting(duration(1e6, DAY_NS), limit.loginNs, {
    value: 'time',
    description: 'to log in (auto and soup)',
    reload: true,
    defaultText: durationText(limit.loginNs),
  }),
  frameTimeout: setting(duration(1e6, DAY_NS), limit.frameNs, {
    value: 'time',
    description: 'from the first byte of a frame to its last',
    reload: true,
    defaultText: durationText(limit.frameNs),
  }),
  heartbeat: setting(duration(1e6, DAY_NS), limit.heartbeatNs, {
    value: 'time',
    description: 'silence after which a soup session gets a heartbeat',
    reload: true,
    defaultText: durationText(limit.heartbeatNs),
  }),
  lapse: setting(duration(1e6, DAY_NS), limit.lapseNs, {
    value: 'time',
    description: 'silence of a soup client that is flagged; twice that closes',
    reload: true,
    defaultText: durationText(limit.lapseNs),
  }),
  restartGrace: setting(duration(0, DAY_NS), limit.restartGraceNs, {
    value: 'time',
    description: 'after a start on a journal: to come back before orders are cancelled as on disconnect',
    defaultText: durationText(limit.restartGraceNs),
  }),
  connectionsPerSecond: setting(wholeNumber(1, RATE_MAX), limit.connectionsPerSecond, {
    value: 'n',
    reload: true,
    description: 'new connections: so many at once, and so many a second',
  }),
  maxOrderQty: setting(wholeNumber(0, U32_MAX - 1), risk.orderQty, {
    value: 'n',
    reload: true,
    description: 'quantity of one order at most, 0 = any',
  }),
  maxNotional: setting(wholeNumber(0, Number.MAX_SAFE_INTEGER), risk.notional, {
    value: 'money',
    reload: true,
    description: 'price × quantity of one order at most, in whole units of money, 0 = any',
  }),
  collarTicks: setting(wholeNumber(0, TICKS_MAX), risk.collarTicks, {
    value: 'ticks',
    reload: true,
    description: 'how far a price may be from the reference, 0 = any',
  }),
  collarBps: setting(wholeNumber(0, COLLAR_BPS_MAX), risk.collarBps, {
    value: 'bp',
    reload: true,
    description: 'the same in ten-thousandths of the reference, 0 = any',
  }),
  collarReference: setting(
    oneOf(Object.values(CollarReference)),
    RISK_DEFAULT.collarReference,
    {
      value: 'name',
      reload: true,
      description: 'reference of the collar: the last trade, or the mid of best bid and ask',
    },
  ),
  maxPosition: setting(wholeNumber(0, POSITION_MAX), risk.position, {
    value: 'n',
    description: 'position of an account on an instrument, everything open included, 0 = any',
  }),
  maxOpenOrders: setting(wholeNumber(0, ORDERS_MAX), risk.openOrders, {
    value: 'n',
    description: 'live orders of an account, 0 = its fair share',
  }),
  messagesPerSecond: setting(wholeNumber(0, RATE_MAX), risk.messagesPerSecond, {
    value: 'n',
    reload: true,
    description: 'orders and modifies of an account, at once and a second, 0 = any',
  }),
  cancelsPerSecond: setting(wholeNumber(0, RATE_MAX), risk.cancelsPerSecond, {
    value: 'n',
    reload: true,
    description: 'cancels of an account, 0 = four times its messages',
  }),
  refusalsPerSecond: setting(wholeNumber(0, RATE_MAX), risk.refusalsPerSecond, {
    value: 'n',
    reload: true,
    description: 'requests refused for their rate before an account is logged out, 0 = never',
  }),
  limits: setting(tablesOf<LimitRow>(limitRowForms), [], {
    fileOnly: true,
    description: 'limits of one client, of one ticker, or of one client there',
    example: '[{ client = 7, max_position = 1000 }, { ticker = 2, collar_bps = 500 }]',
  }),
  fairShares: setting(switched, RISK_DEFAULT.fairShares, {
    description: "let one account fill the engine's orders, levels and price blocks alone",
  }),
  operator: setting(switched, operator.enabled, {
    description: 'no operator channel: outcry ctl cannot reach this exchange',
  }),
  operatorPort: setting(port, operator.port, {
    value: 'port',
    description: 'TCP port of the operator channel on 127.0.0.1, 0 = a free one',
  }),
  operatorToken: setting(optional(token), null, {
    value: 'token',
    description: 'what operators must know; without it one is made and kept in a file for outcry ctl',
    example: '"known-to-operators-alone"',
  }),
  listeners: setting(tablesOf<ListenerConfig>(listenerForms), [], {
    fileOnly: true,
    description: 'several listeners instead of port and framing',
    example: '[{ port = 12345 }]',
  }),
  accounts: setting(tablesOf<AccountRow>(accountForms), [], {
    fileOnly: true,
    description: 'who may log in on soup: by a password on loopback, beyond it by a key of credentials',
    example: '[{ user = "ALPHA", password = "secret", client = 1, owner = 1 }]',
  }),
  credentials: setting(optional(text(/\S/, 'the path of a file')), null, {
    value: 'file',
    description: 'keys that log-ins are signed with (outcry key new); needed beyond loopback',
    defaultText: 'none',
    example: '"keys"',
  }),
};

export type ExchangeSettings = ValuesOf<typeof EXCHANGE_SCHEMA>;

export const EXCHANGE_SECTION: Section<typeof EXCHANGE_SCHEMA> = {
  name: 'exchange',
  about: 'order entry, matching and the public feed: outcry exchange',
  schema: EXCHANGE_SCHEMA,
};

/** What stands at the top of the file: exchange and traders look at it. */
const TOP_SCHEMA = {
  instruments: setting(tablesOf<InstrumentConfig>(instrumentForms), [], {
    fileOnly: true,
    description: 'instruments instead of tickers; prices in units of 10^-decimals',
    example: '[{ ticker = 1, symbol = "BTC-USDT", decimals = 1, tick_size = 5 }]',
  }),
};

export const TOP_SECTION: Section<typeof TOP_SCHEMA> = {
  name: '',
  about: 'what exchange and traders share',
  schema: TOP_SCHEMA,
};

/** Turns between two that are followed. */
const PROFILE_EVERY_MAX = 1_000_000;

/** How `outcry exchange` runs. */
const EXCHANGE_RUN_SCHEMA = {
  network: setting(text(NETWORK_CHOICE, `one of ${NETWORK_CHOICES}`), 'auto', {
    flagOnly: true,
    value: 'kind',
    description: `transport: ${NETWORK_CHOICES}`,
  }),
  wait: setting(oneOf(WAITS), 'backoff', {
    flagOnly: true,
    value: 'strategy',
    description: `when idle: ${WAITS.join(', ')}`,
  }),
  profile: setting(wholeNumber(0, PROFILE_EVERY_MAX), EVERY_DEFAULT, {
    flagOnly: true,
    value: 'turns',
    description: 'follow one turn in so many with true stamps, for latencies in metrics and outcry profile; 0: none',
  }),
  duration: setting(optional(duration(1e6, 365 * DAY_NS)), null, {
    flagOnly: true,
    value: 'time',
    description: 'end after this time',
  }),
  json: setting(switched, false, {
    flagOnly: true,
    description: 'the last line of stdout is the result as one JSON object',
  }),
};

export const EXCHANGE_RUN_SECTION: Section<typeof EXCHANGE_RUN_SCHEMA> = {
  name: 'exchange',
  about: 'how outcry exchange runs',
  schema: EXCHANGE_RUN_SCHEMA,
};

function riskConfig(settings: ExchangeSettings): RiskConfig {
  return {
    limits: {
      orderQty: settings.maxOrderQty,
      notional: settings.maxNotional,
      collarTicks: settings.collarTicks,
      collarBps: settings.collarBps,
      position: settings.maxPosition,
      openOrders: settings.maxOpenOrders,
      messagesPerSecond: settings.messagesPerSecond,
      cancelsPerSecond: settings.cancelsPerSecond,
      refusalsPerSecond: settings.refusalsPerSecond,
    },
    overrides: settings.limits.map((row) => ({
      client: row.client,
      ticker: row.ticker,
      orderQty: row.maxOrderQty,
      notional: row.maxNotional,
      collarTicks: row.collarTicks,
      collarBps: row.collarBps,
      position: row.maxPosition,
      openOrders: row.maxOpenOrders,
      messagesPerSecond: row.messagesPerSecond,
      cancelsPerSecond: row.cancelsPerSecond,
      refusalsPerSecond: row.refusalsPerSecond,
    })),
    collarReference: settings.collarReference,
    fairShares: settings.fairShares,
  };
}

/** The configuration that the settings describe; what contradicts itself is reported. */
export function exchangeConfig(
  settings: ExchangeSettings,
  named: readonly InstrumentConfig[],
  contradict: Contradict,
): ExchangeConfig {
  const listeners =
    settings.listeners.length > 0
      ? settings.listeners
      : [{ host: settings.interface, port: settings.port, framing: settings.framing }];
  const instruments = named.length > 0 ? named : settings.tickers.map(plainInstrument);
  const accounts = accountsOf(settings, contradict);
  checkExchange(settings, accounts, listeners, contradict);
  const feedPort = settings.multicastPort;
  return {
    listeners,
    instruments,
    accounts,
    insecure: settings.insecure,
    risingOrderIds: settings.risingOrderIds,
    cancelOnDisconnect: settings.cancelOnDisconnect,
    ordersMax: settings.ordersMax,
    stp: STP_MODES[settings.stp],
    interface: settings.interface,
    ttl: settings.ttl,
    feed: { layout: settings.feed, group: settings.multicastAddr, port: feedPort },
    snapshot: {
      group: settings.snapshotAddr ?? settings.multicastAddr,
      port: settings.snapshotPort ?? feedPort + 1,
      intervalNs: settings.snapshotInterval,
    },
    retransmit: {
      host: settings.interface,
      port: settings.retransmitPort ?? feedPort + 2,
      messages: powerOfTwo(settings.retransmitMessages),
      datagramsPerSecond: settings.retransmitRate,
    },
    limits: {
      connections: settings.connectionsMax,
      connectionsPerAddress: settings.connectionsPerAddressMax,
      connectionsPerSecond: settings.connectionsPerSecond,
      accounts: settings.accountsMax,
      framesPerTurn: settings.framesPerTurn,
      receiveBytes: settings.receiveBytesMax,
      slowReaderBytes: settings.slowReaderBytes,
      outboundLogBytes: settings.outboundLogBytes,
      outboundTotalBytes: settings.outboundTotalBytes,
      loginNs: settings.loginTimeout,
      frameNs: settings.frameTimeout,
      heartbeatNs: settings.heartbeat,
      lapseNs: settings.lapse,
      restartGraceNs: settings.restartGrace,
    },
    risk: riskConfig(settings),
    operator: {
      enabled: settings.operator,
      host: operator.host,
      port: settings.operatorPort,
      token: settings.operatorToken ?? '',
    },
  };
}

/** Those of the file of settings with the keys of the credentials. */
function accountsOf(settings: ExchangeSettings, contradict: Contradict): readonly AccountConfig[] {
  const { accounts, credentials } = settings;
  if (credentials === null) return accounts;
  try {
    return withKeys(accounts, readCredentials(credentials));
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error;
    contradict('exchange.credentials', error.message);
    return accounts;
  }
}

function checkExchange(
  settings: ExchangeSettings,
  accounts: readonly AccountConfig[],
  listeners: readonly ListenerConfig[],
  contradict: Contradict,
): void {
  unique(settings.accounts, 'user', 'exchange.accounts', contradict);
  unique(accounts, 'client', 'exchange.accounts', contradict);
  for (const [index, { user, password, keys = [] }] of accounts.entries()) {
    if (password !== '' || keys.length > 0) continue;
    contradict(
      `exchange.accounts[${index}]`,
      `expected a password, or a key of ${user} in the credentials, was neither: nobody could log in`,
      'exchange.credentials',
    );
  }
  if (accounts.length > settings.accountsMax) {
    contradict(
      'exchange.accounts',
      `expected at most accounts_max = ${settings.accountsMax}, was ${accounts.length}`,
      'exchange.accounts_max',
    );
  }
  if (settings.outboundLogBytes < settings.slowReaderBytes) {
    contradict(
      'exchange.outbound_log_bytes',
      `expected at least slow_reader_bytes = ${settings.slowReaderBytes}, was ${settings.outboundLogBytes}`,
      'exchange.slow_reader_bytes',
    );
  }
  checkLimits(settings, contradict);
  checkReach(settings, accounts, listeners, contradict);
}

/** Rows of `limits` say whose, and what belongs to accounts stands in rows of accounts. */
function checkLimits(settings: ExchangeSettings, contradict: Contradict): void {
  const ofAccounts = ['maxOpenOrders', 'messagesPerSecond', 'cancelsPerSecond', 'refusalsPerSecond'] as const;
  const seen = new Set<string>();
  for (const [index, row] of settings.limits.entries()) {
    const at = `exchange.limits[${index}]`;
    if (row.client === null && row.ticker === null)
      contradict(at, 'expected a client, a ticker, or both');
    for (const key of ofAccounts) {
      if (row[key] !== null && row.ticker !== null)
        contradict(at, `${snakeCase(key)} is of an account on all instruments: expected no ticker`);
    }
    const whose = `${row.client} ${row.ticker}`;
    if (seen.has(whose)) contradict(at, 'expected one row for a client and ticker, was a second');
    seen.add(whose);
  }
  const { messagesPerSecond: messages, cancelsPerSecond: cancels } = settings;
  if (cancels !== 0 && cancels < messages) {
    contradict(
      'exchange.cancels_per_second',
      `expected at least messages_per_second = ${messages}, was ${cancels}: who may send must be able to cancel`,
      'exchange.messages_per_second',
    );
  }
}

/** Beyond loopback nobody trades without a signed log-in, unless that is said to be meant. */
function checkReach(
  settings: ExchangeSettings,
  accounts: readonly AccountConfig[],
  listeners: readonly ListenerConfig[],
  contradict: Contradict,
): void {
  if (settings.insecure) return;
  for (const [index, { host, framing: spoken }] of listeners.entries()) {
    const logsIn = spoken === ListenerFraming.Auto || spoken === ListenerFraming.Soup;
    if (logsIn || host.startsWith('127.')) continue;
    contradict(
      settings.listeners.length > 0 ? `exchange.listeners[${index}].framing` : 'exchange.framing',
      `expected soup or auto beyond loopback, was ${spoken} on ${host}: it has no log-in, so anybody could say who he is`,
      settings.listeners.length > 0 ? 'exchange.listeners' : 'exchange.interface',
    );
  }
  if (accounts.some(({ keys = [] }) => keys.length > 0)) return;
  const hosts = [...listeners.map(({ host }) => host), settings.interface];
  const open = hosts.findIndex((host) => !host.startsWith('127.'));
  if (open === -1) return;
  const inListeners = open < settings.listeners.length;
  contradict(
    inListeners ? `exchange.listeners[${open}].host` : 'exchange.interface',
    'expected a loopback address (127.0.0.1), --credentials FILE with keys of signed log-ins ' +
      '(outcry key new FILE --user NAME --client ID makes one), or --insecure: ' +
      `${hosts[open]} is reachable from other machines`,
    'exchange.listeners',
    'exchange.credentials',
  );
}

/** What `[[instruments]]` must hold, whoever uses them. */
export function checkInstruments(
  instruments: readonly InstrumentConfig[],
  contradict: Contradict,
): void {
  for (const [index, { minPrice, maxPrice, tickSize }] of instruments.entries()) {
    const at = `instruments[${index}]`;
    if (minPrice > maxPrice)
      contradict(`${at}.min_price`, `expected at most max_price = ${maxPrice}, was ${minPrice}`);
    for (const [name, price] of Object.entries({ min_price: minPrice, max_price: maxPrice })) {
      if (Math.abs(price / tickSize) <= TICKS_MAX) continue;
      contradict(
        `${at}.${name}`,
        `expected at most ${TICKS_MAX} ticks of ${tickSize} from zero, was ${price}`,
      );
    }
  }
  unique(instruments, 'ticker', 'instruments', contradict);
  unique(instruments, 'symbol', 'instruments', contradict);
  if (instruments.length > INSTRUMENTS_MAX) {
    contradict('instruments', `expected at most ${INSTRUMENTS_MAX}, was ${instruments.length}`);
  }
}

/** Blames each table whose `field` an earlier one has. */
function unique<T extends object>(
  tables: readonly T[],
  field: keyof T & string,
  key: string,
  contradict: Contradict,
): void {
  const seen = new Map<unknown, number>();
  for (const [index, table] of tables.entries()) {
    const first = seen.get(table[field]);
    if (first === undefined) seen.set(table[field], index);
    else {
      contradict(
        `${key}[${index}].${field}`,
        `expected values that differ, ${JSON.stringify(table[field])} stands in ${key}[${first}] too`,
      );
    }
  }
}

function powerOfTwo(atLeast: number): number {
  let power = 64;
  while (power < atLeast) power *= 2;
  return power;
}
