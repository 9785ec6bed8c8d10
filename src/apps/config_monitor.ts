// The configuration of the monitor: where the dashboard serves and which feed it listens to (`[dashboard]`),
// and what raises an alert and whom that is told (`[alerts]`).
//
// What an exchange of the same file says of its feed and instruments holds for the dashboard too, unless
// `[dashboard]` says otherwise.
import { type ExchangeConfig, FeedLayout, type InstrumentConfig, plainInstrument } from '../exchange/config.ts';
import { type AlertSettings, ALERTS_DEFAULT } from '../observe/alerts/alert_settings.ts';
import { LEVELS_MAX } from '../observe/dashboard/messages.ts';
import {
  address,
  byteCount,
  decimal,
  duration,
  durationText,
  listOf,
  multicastAddress,
  oneOf,
  optional,
  secret,
  switched,
  text,
  token,
  wholeNumber,
} from './config_forms.ts';
import { type Contradict, type Section, type Setting, setting, type ValuesOf } from './settings.ts';

const U32_MAX = 0xffff_ffff;
const PORT_MAX = 65_535;
const MULTICAST_PORT_MAX = PORT_MAX - 2;
const DAY_NS = 24 * 3600e9;
const HOUR_NS = 3600e9;
const NS_PER_MS = 1e6;
const TIB = 2 ** 40;
/** More than anything that is counted here in a minute. */
const COUNT_MAX = 1_000_000_000;
const RETRIES_MAX = 20;
/** Money of alerts is compared as a double, so fewer digits than money elsewhere. */
const LOSS_MAX = '1000000000000';
const WEBHOOK_KEY = /^[\x21-\x7e]{16,128}$/;
/** Without user and password, which have no place in an address. */
const WEB_ADDRESS = /^https?:\/\/[^\s/?#@\\]+(?:[/?#]\S*)?$/;
const HOST_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,252})(?::\d{1,5})?$/i;

// ── [dashboard] ────────────────────────────────────────────────────────────────────────────────

const DASHBOARD_SCHEMA = {
  host: setting(address, '127.0.0.1', {
    value: 'address',
    description: 'own IPv4 address that the dashboard serves on; beyond loopback a token is needed',
  }),
  port: setting(wholeNumber(0, PORT_MAX), 8_080, {
    short: 'p',
    value: 'port',
    description: 'TCP port of page, metrics and JSON, 0 = a free one',
  }),
  token: setting(optional(token), null, {
    value: 'token',
    description: 'what commands of the page need; without one it only shows',
    defaultText: 'none: no commands',
    example: '"known-to-operators-alone"',
  }),
  hosts: setting(listOf(text(HOST_NAME, 'a host name'), 0), [] as readonly string[], {
    value: 'names',
    description: 'names besides its address under which browsers may ask for it, as a proxy has them',
  }),
  levels: setting(wholeNumber(1, LEVELS_MAX), 20, {
    value: 'n',
    description: 'levels of a book shown on each side',
  }),
  interface: setting(optional(address), null, {
    short: 'i',
    value: 'address',
    description: 'own IPv4 address that the feed comes in by',
    defaultText: "the exchange's",
    example: '"127.0.0.1"',
  }),
  feed: setting(optional(oneOf(Object.values(FeedLayout))), null, {
    value: 'layout',
    description: `layout of the feed: ${Object.values(FeedLayout).join(', ')}`,
    defaultText: "the exchange's",
    example: '"native"',
  }),
  multicastAddr: setting(optional(multicastAddress), null, {
    short: 'm',
    value: 'group',
    description: 'multicast group of the feed',
    defaultText: "the exchange's",
    example: '"239.255.0.1"',
  }),
  multicastPort: setting(optional(wholeNumber(1, MULTICAST_PORT_MAX)), null, {
    value: 'port',
    description: 'UDP port of the feed; those of snapshots and retransmission follow it',
    defaultText: "the exchange's",
    example: '5000',
  }),
  tickers: setting(optional(listOf(wholeNumber(0, U32_MAX - 1))), null, {
    short: 't',
    value: 'ids',
    description: 'instruments whose books are followed',
    defaultText: "the exchange's",
    example: '[1]',
  }),
};

export const DASHBOARD_SECTION: Section<typeof DASHBOARD_SCHEMA> = {
  name: 'dashboard',
  about: 'page, metrics and JSON of a monitor: outcry dashboard',
  schema: DASHBOARD_SCHEMA,
};

export interface DashboardConfig {
  readonly host: string;
  readonly port: number;
  /** '': no commands. */
  readonly token: string;
  readonly hosts: readonly string[];
  readonly levels: number;
  readonly interface: string;
  readonly feed: { readonly layout: FeedLayout; readonly group: string; readonly port: number };
  readonly snapshot: { readonly group: string; readonly port: number };
  readonly retransmit: { readonly host: string; readonly port: number };
  readonly instruments: readonly InstrumentConfig[];
}

/** The configuration that the settings describe, beside the exchange of the same file. */
export function dashboardConfig(
  settings: ValuesOf<typeof DASHBOARD_SCHEMA>,
  { exchange, named }: { readonly exchange: ExchangeConfig; readonly named: readonly InstrumentConfig[] },
  contradict: Contradict,
): DashboardConfig {
  const { host } = settings;
  if (settings.token === null && !host.startsWith('127.')) {
    contradict(
      'dashboard.host',
      `expected a loopback address (127.0.0.1), or a token (--token): ${host} is reachable from other machines`,
      'dashboard.token',
    );
  }
  const own = settings.interface ?? exchange.interface;
  // Whoever names another feed means its neighbours too.
  const { multicastAddr: group, multicastPort: port } = settings;
  const feedPort = port ?? exchange.feed.port;
  return {
    host,
    port: settings.port,
    token: settings.token ?? '',
    hosts: settings.hosts,
    levels: settings.levels,
    interface: own,
    feed: {
      layout: settings.feed ?? exchange.feed.layout,
      group: group ?? exchange.feed.group,
      port: feedPort,
    },
    snapshot: {
      group: group ?? exchange.snapshot.group,
      port: port === null ? exchange.snapshot.port : feedPort + 1,
    },
    retransmit: {
      host: exchange.retransmit.host,
      port: port === null ? exchange.retransmit.port : feedPort + 2,
    },
    instruments: instrumentsOf(settings.tickers, exchange, named, contradict),
  };
}

function instrumentsOf(
  tickers: readonly number[] | null,
  exchange: ExchangeConfig,
  named: readonly InstrumentConfig[],
  contradict: Contradict,
): readonly InstrumentConfig[] {
  if (tickers === null) return exchange.instruments;
  if (named.length === 0) return tickers.map(plainInstrument);
  return tickers.flatMap((ticker) => {
    const instrument = named.find((one) => one.ticker === ticker);
    if (instrument !== undefined) return [instrument];
    const known = named.slice(0, 8).map((one) => one.ticker).join(', ');
    contradict(
      'dashboard.tickers',
      `expected tickers of [[instruments]] (${known}), was ${ticker}`,
      'instruments',
    );
    return [];
  });
}

// ── [alerts] ───────────────────────────────────────────────────────────────────────────────────

const alerts = ALERTS_DEFAULT;

/** A threshold in percent; 0: none. */
function percent(fallback: number, description: string): Setting<number> {
  return setting(wholeNumber(0, 100), fallback, { value: 'percent', description, reload: true });
}

function count(fallback: number, description: string): Setting<number> {
  return setting(wholeNumber(0, COUNT_MAX), fallback, { value: 'n', description, reload: true });
}

function bytes(fallback: number, description: string, defaultText: string): Setting<number> {
  return setting(byteCount(0, 16 * TIB), fallback, { value: 'bytes', description, defaultText, reload: true });
}

function time(lowNs: number, highNs: number, fallbackNs: number, description: string): Setting<number> {
  return setting(duration(lowNs, highNs), fallbackNs, {
    value: 'time', description, reload: true, defaultText: durationText(fallbackNs),
  });
}

const ALERTS_SCHEMA = {
  highLatency: time(0, HOUR_NS, alerts.highLatencyNs, "HighLatency: p99 of the exchange's order latency over a minute, 0 = never"),
  highRoundTrip: time(0, HOUR_NS, alerts.highRoundTripNs, "HighLatency: p99 from a trader's order to its acknowledgement, 0 = never"),
  largeLossPercent: percent(alerts.largeLossPercent, "LargeLoss: share of a trader's loss limit on an instrument, 0 = never"),
  largeLoss: setting(decimal('0', LOSS_MAX, 2), String(alerts.largeLoss), {
    value: 'money',
    description: 'LargeLoss: the same in money, 0 = none',
    reload: true,
  }),
  largePositionPercent: percent(alerts.largePositionPercent, "LargePosition: share of a trader's position limit on an instrument, 0 = never"),
  largePosition: setting(wholeNumber(0, U32_MAX), alerts.largePosition, {
    value: 'qty',
    description: 'LargePosition: the same as a quantity, 0 = none',
    reload: true,
  }),
  overloadCpuPercent: percent(alerts.overloadCpuPercent, "SystemOverload: mean over the machine's cores, 0 = never"),
  overloadMemoryPercent: percent(alerts.overloadMemoryPercent, "SystemOverload: share of the machine's memory in use, 0 = never"),
  overloadMemory: bytes(alerts.overloadMemoryBytes, 'SystemOverload: resident memory of all our processes, 0 = any', '0'),
  feedGapsPerMinute: count(alerts.feedGapsPerMinute, "FeedGaps: holes in the feed, of a trader's or the monitor's own, 0 = never"),
  journalLagRecords: count(alerts.journalLagRecords, 'JournalLag: records that wait to be safe, 0 = never'),
  journalLagBytes: bytes(alerts.journalLagBytes, 'JournalLag: bytes that wait for the disk, 0 = never', '16MiB'),
  journalLag: time(0, HOUR_NS, alerts.journalLagNs, 'JournalLag: age of the oldest record that is not safe yet, 0 = never'),
  rejectRatioPercent: percent(alerts.rejectRatioPercent, 'RejectRatio: rejected out of the requests of a minute, 0 = never'),
  rejectCountMin: setting(wholeNumber(1, COUNT_MAX), alerts.rejectCountMin, {
    value: 'n',
    description: 'RejectRatio: with fewer requests in that minute there is none',
    reload: true,
  }),
  processSilent: setting(switched, alerts.processSilent, {
    description: 'no alert where a process gives no sign of life or an exchange is gone',
    reload: true,
  }),
  raiseAfter: time(0, HOUR_NS, alerts.raiseAfterMs * NS_PER_MS, 'beyond its threshold for so long before an alert is raised'),
  clearAfter: time(0, HOUR_NS, alerts.clearAfterMs * NS_PER_MS, 'below the lower bound for so long before an alert is cleared'),
  clearPercent: setting(wholeNumber(1, 100), alerts.clearPercent, {
    value: 'percent',
    description: 'the lower bound, of the threshold',
    reload: true,
  }),
  keep: time(60e9, DAY_NS, alerts.keepMs * NS_PER_MS, 'a cleared alert is shown for so long'),
  auditInterval: time(0, DAY_NS, alerts.auditIntervalMs * NS_PER_MS, 'HashMismatch: books are compared with those of a fresh receiver this often, 0 = never'),
  webhook: setting(optional(secret(WEB_ADDRESS, 'an http or https address without user and password')), null, {
    value: 'address',
    description: 'told of each alert that is raised or cleared, by POST',
    defaultText: 'none',
    example: '"http://127.0.0.1:9000/alerts"',
    reload: true,
  }),
  webhookKey: setting(optional(secret(WEBHOOK_KEY, '16 to 128 printable ASCII characters')), null, {
    value: 'key',
    description: 'key of the HMAC-SHA256 in the header Outcry-Signature of each call',
    defaultText: 'none: not signed',
    example: '"known-to-both-ends"',
    reload: true,
  }),
  webhookTimeout: time(10 * NS_PER_MS, 60e9, alerts.webhook.timeoutMs * NS_PER_MS, 'for one call'),
  webhookRetries: setting(wholeNumber(0, RETRIES_MAX), alerts.webhook.retries, {
    value: 'n',
    description: 'further attempts where a call fails, the pause doubles from one to the next',
    reload: true,
  }),
};

export const ALERTS_SECTION: Section<typeof ALERTS_SCHEMA> = {
  name: 'alerts',
  about: 'what raises an alert, and whom that is told',
  schema: ALERTS_SCHEMA,
};

/** The settings that the section describes; what contradicts itself is reported. */
export function alertSettings(
  settings: ValuesOf<typeof ALERTS_SCHEMA>, contradict: Contradict,
): AlertSettings {
  const {
    highLatency, highRoundTrip, largeLoss, overloadMemory, journalLag, raiseAfter, clearAfter, keep, auditInterval,
    webhook, webhookKey, webhookTimeout, webhookRetries, ...same
  } = settings;
  if (webhook !== null && !URL.canParse(webhook))
    contradict('alerts.webhook', 'expected an http or https address, was none that can be read (not shown)');
  if (webhook === null && webhookKey !== null)
    contradict('alerts.webhook_key', 'expected a webhook to sign for, was none');
  return {
    ...same,
    highLatencyNs: highLatency,
    highRoundTripNs: highRoundTrip,
    largeLoss: Number(largeLoss),
    overloadMemoryBytes: overloadMemory,
    journalLagNs: journalLag,
    raiseAfterMs: raiseAfter / NS_PER_MS,
    clearAfterMs: clearAfter / NS_PER_MS,
    keepMs: keep / NS_PER_MS,
    auditIntervalMs: auditInterval / NS_PER_MS,
    webhook: {
      url: webhook ?? '',
      secret: webhookKey ?? '',
      timeoutMs: webhookTimeout / NS_PER_MS,
      retries: webhookRetries,
    },
  };
}
