// `outcry json`: market data and orders of a running exchange for whoever speaks JSON (src/json/, docs/JSON.md): lines
// over TCP, messages over a WebSocket.
//
// It takes the flags, environment and file of the exchange that it stands before, for where that is and what it trades.
// stdout: where it listens and what it stands before, then nothing until the end; with --json the result as one JSON object on
// the last line. stderr: what the machine lacks, a feed that nobody sends. Ends on Ctrl-C, SIGTERM or after --duration.
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { AgentRunner, type Agent, type WaitStrategy } from '../base/agent.ts';
import { chooseNetwork, NETWORK_CHOICE, NETWORK_CHOICES } from '../net/choose_network.ts';
import { LOGIN_SECURITY } from '../net/signing.ts';
import { FeedState } from '../trader/feed_handler.ts';
import { machineClock } from '../os/machine_clock.ts';
import { CONNECTIONS_MAX_DEFAULT, JsonGateway } from '../json/gateway.ts';
import { EXCHANGE_SECTION } from './config.ts';
import { address, duration, listOf, oneOf, optional, switched, text, wholeNumber } from './config_forms.ts';
import { commandSources, readConfig } from './config_sections.ts';
import { ConfigError } from './config_value.ts';
import { Interrupts } from './interrupts.ts';
import { ProcessFile } from './process_file.ts';
import { addFlags, readRunSettings, setting } from './settings.ts';
import { joinFeed } from './trade_session.ts';
import { sayingFaults, traderInstruments } from './trade_strategy.ts';
import type { ExchangeConfig } from '../exchange/config.ts';
import type { Clock } from '../base/clock.ts';
import type { Network } from '../net/transport.ts';
import type { LoginKey } from '../json/login.ts';
import type { Section, SectionSchema, ValuesOf } from './settings.ts';

const PORT_MAX = 65_535;
const CONNECTIONS_MAX = 65_536;
const WAITS: readonly WaitStrategy[] = ['spin', 'yield', 'backoff', 'sleep'];
/** A year. */
const DURATION_MAX_NS = 365 * 24 * 3600e9;
const EXIT_INTERRUPTED = 130;
/** What was said at the end still goes out for so long. */
const LINGER_MS = 100;
/** Three snapshot cycles: by then a feed that somebody sends has been heard. */
const SILENCE_MS = 3_000;
/** Beside the doors' own: the dashboard's pages. */
const ORIGINS_DEFAULT = ['http://127.0.0.1:8080', 'http://localhost:8080'];

const RUN_SCHEMA = {
  host: setting(optional(address), null, {
    flagOnly: true, short: 'H', value: 'address', description: 'IPv4 address of the exchange', defaultText: "the interface's",
  }),
  listen: setting(address, '127.0.0.1', {
    flagOnly: true, value: 'address', description: 'own address for clients; beyond loopback only with --credentials',
  }),
  linesPort: setting(wholeNumber(0, PORT_MAX), 8_081, {
    flagOnly: true, value: 'port', description: 'of lines over TCP, 0 = any free one',
  }),
  webPort: setting(wholeNumber(0, PORT_MAX), 8_082, {
    flagOnly: true, value: 'port', description: 'of WebSockets, 0 = any free one',
  }),
  web: setting(switched, true, { flagOnly: true, description: 'no WebSockets' }),
  origin: setting(listOf(text(/^https?:\/\/[^/]+$/, 'an origin such as http://127.0.0.1:8080')), ORIGINS_DEFAULT, {
    flagOnly: true, value: 'origins', description: 'whose pages may connect',
  }),
  hostName: setting(listOf(text(/^[A-Za-z0-9.-]+$/, 'a host name'), 0), [] as readonly string[], {
    flagOnly: true, value: 'names', description: 'names under which browsers reach it, beside its address and localhost',
    defaultText: 'none',
  }),
  connections: setting(wholeNumber(1, CONNECTIONS_MAX), CONNECTIONS_MAX_DEFAULT, {
    flagOnly: true, value: 'n', description: 'clients at once',
  }),
  connectionsPerAddress: setting(wholeNumber(1, CONNECTIONS_MAX), CONNECTIONS_MAX_DEFAULT, {
    flagOnly: true, value: 'n', description: 'clients of one address at once',
  }),
  network: setting(text(NETWORK_CHOICE, `one of ${NETWORK_CHOICES}`), 'auto', {
    flagOnly: true, value: 'kind', description: `transport: ${NETWORK_CHOICES}`,
  }),
  wait: setting(oneOf(WAITS), 'backoff', {
    flagOnly: true, value: 'strategy', description: `when idle: ${WAITS.join(', ')}`,
  }),
  duration: setting(optional(duration(1e6, DURATION_MAX_NS)), null, {
    flagOnly: true, value: 'time', description: 'end after this time',
  }),
  json: setting(switched, false, {
    flagOnly: true, description: 'the last line of stdout is the result as one JSON object',
  }),
};
const RUN_SECTION: Section<typeof RUN_SCHEMA> = { name: 'json', about: 'how outcry json runs', schema: RUN_SCHEMA };

/** What a client of an exchange must know of it. */
const KNOWN_KEYS = [
  'port', 'interface', 'tickers', 'multicastAddr', 'multicastPort', 'feed', 'snapshotAddr', 'snapshotPort', 'retransmitPort',
  'credentials',
] as const satisfies readonly (keyof typeof EXCHANGE_SECTION.schema)[];

export function jsonCommand(): Command {
  const command = new Command('json').description(
    'Market data and orders of a running exchange as JSON: lines over TCP on 127.0.0.1:8081, WebSockets on 8082. Each ' +
      'client has a session of its own at the exchange, with the limits of its account.',
  );
  command.option('--config <file>', "the exchange's configuration file, TOML or JSON; flags and environment go before it");
  const known: SectionSchema = Object.fromEntries(KNOWN_KEYS.map((key) => [key, EXCHANGE_SECTION.schema[key]]));
  addFlags(command, { ...EXCHANGE_SECTION, schema: known });
  addFlags(command, RUN_SECTION).addHelpText('after', HELP);
  return command.action(async () => {
    await sayingFaults(command, () => run(command));
  });
}

const HELP = `
Examples:
  outcry json                                        before outcry exchange on 127.0.0.1:12345
  outcry json --tickers 7 --port 4000                the flags of the exchange that it stands before
  printf '{"op":"subscribe","channels":["trades"]}\\n' | nc 127.0.0.1 8081
  outcry json --listen 10.0.0.1 --credentials keys   for other machines: log-ins are signed (outcry key new)`;

async function run(command: Command): Promise<void> {
  const config = readConfig(commandSources(command, ['exchange', 'log']));
  const how = readRunSettings(RUN_SECTION, command);
  const keys = keysOf(config.exchange);
  if (keys.length === 0 && !how.listen.startsWith('127.')) {
    const message = `expected a loopback address (127.0.0.1), or --credentials FILE with keys of signed log-ins: ${how.listen} is reachable from other machines`;
    throw new ConfigError([{ place: { kind: 'flag', name: '--listen' }, key: 'json.listen', message }]);
  }
  const { network, fallbackReason } = chooseNetwork(how.network === 'auto' ? undefined : how.network);
  if (fallbackReason !== '') note(`using Node's own sockets: ${fallbackReason}`);
  const { clock } = machineClock();
  clock.refresh();
  const watched = ProcessFile.open('json', 'json', [], note);
  try {
    const gateway = await JsonGateway.open(optionsOf(config.exchange, how, keys, network, clock));
    await runGateway(gateway, network, clock, how, whatItStandsBefore(config.exchange, how.host), watched);
  } finally {
    network.close();
    watched?.close();
  }
}

function optionsOf(
  exchange: ExchangeConfig, how: ValuesOf<typeof RUN_SCHEMA>, keys: readonly LoginKey[], network: Network,
  clock: Clock,
): Parameters<typeof JsonGateway.open>[0] {
  const { feed, retransmit } = exchange;
  const host = how.host ?? exchange.interface;
  return {
    clock, network, keys, instruments: traderInstruments(exchange.instruments),
    feed: {
      layout: feed.layout, join: () => joinFeed(network, exchange), retransmitHost: host, retransmitPort: retransmit.port,
    },
    exchange: { host, port: exchange.listeners[0].port },
    host: how.listen, port: how.linesPort, webPort: how.web ? how.webPort : null,
    origins: how.origin, hosts: how.hostName.map((name) => name.toLowerCase()),
    connectionsMax: how.connections, addressConnectionsMax: how.connectionsPerAddress, security: LOGIN_SECURITY,
  };
}

/** For the banner and for who waits in vain. */
interface Before {
  readonly exchange: string;
  readonly feed: string;
}

function whatItStandsBefore({ interface: own, listeners, feed }: ExchangeConfig, host: string | null): Before {
  return { exchange: `${host ?? own}:${listeners[0].port}`, feed: `${feed.group}:${feed.port}` };
}

async function runGateway(
  gateway: JsonGateway, network: Network, clock: Clock,
  { duration: durationNs, json, wait, listen }: ValuesOf<typeof RUN_SCHEMA>, before: Before, watched: ProcessFile | null,
): Promise<void> {
  const receive: Agent = { name: 'network', poll: () => network.poll(), dueNs: () => Infinity };
  const runner = new AgentRunner({
    clock, agents: [receive, gateway], wait, needsEventLoop: network.needsEventLoop, wakeSource: network,
  });
  if (watched !== null) {
    watched.loop = runner;
    watched.stats.title = `json ${listen}:${gateway.port}`;
  }
  const stop = (): void => runner.stop();
  const timer = durationNs === null ? null : setTimeout(stop, durationNs / 1e6);
  const interrupts = new Interrupts(['SIGINT', 'SIGTERM', 'SIGHUP'], stop, () => process.exit(EXIT_INTERRUPTED));
  const web = gateway.webPort === null ? '' : `, ws://${listen}:${gateway.webPort}`;
  process.stdout.write(`JSON on tcp ${listen}:${gateway.port}${web}, before the exchange on ${before.exchange}, feed ${before.feed}\n`);
  const silence = setTimeout(() => noteSilence(gateway, before), SILENCE_MS);
  try {
    await runner.run();
  } finally {
    gateway.close();
    await sleep(LINGER_MS);
    if (timer !== null) clearTimeout(timer);
    clearTimeout(silence);
    interrupts.dispose();
  }
  const { accepted, turnedAway, lines, refused, dropped } = gateway;
  const result = { ok: true, accepted, turnedAway, lines, refused, dropped };
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${accepted} clients, ${lines} lines, ${refused} of them refused\n`);
}

function noteSilence({ market }: JsonGateway, { exchange, feed }: Before): void {
  if (market.feed.state !== FeedState.Joining) return;
  note(
    `nothing has been heard of the feed ${feed}: expected an exchange on ${exchange} that sends it (outcry exchange); ` +
      'clients are served, and hear the market when it comes',
  );
}

/** Those that the exchange has for its accounts. */
function keysOf({ accounts }: ExchangeConfig): LoginKey[] {
  return accounts.flatMap(({ user, client, keys = [] }) => keys.map(({ id, secret }) => ({ keyId: id, user, client, secret })));
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}
