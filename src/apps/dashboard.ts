// `outcry dashboard`: what the running processes do, in a browser, for Prometheus and as JSON, on one port.
//
//   shared statistics of exchange and traders ─┐
//   the exchange's multicast feed ─────────────┼─► monitor ─► server ─► http://127.0.0.1:8080
//   operator's channels ◄── commands ──────────┘                  (messages.ts; src/observe/dashboard/server.ts)
//
// A process of its own, below the others in the scheduler's order: nothing that it does is waited for. It finds the exchange
// by itself and finds it again after a restart. Without a token it only shows; with one its page commands. The token stands
// behind the # of the printed link, which no browser sends to anybody.
import { constants, setPriority } from 'node:os';
import { styleText } from 'node:util';
import { Command } from 'commander';
import { chooseNetwork } from '../net/choose_network.ts';
import { DashboardServer } from '../observe/dashboard/server.ts';
import { SystemWatch } from '../observe/system_watch.ts';
import { optional, switched, wholeNumber } from './config_forms.ts';
import { addConfigFlags, commandSources, type OutcryConfig, readConfig, VERB_SECTIONS } from './config_sections.ts';
import { carryOut, instrumentStates } from './dashboard_commands.ts';
import { DashboardMonitor } from './dashboard_monitor.ts';
import { Interrupts } from './interrupts.ts';
import { newToken } from './operator_file.ts';
import { webFolder } from './web_folder.ts';
import { addFlags, readRunSettings, type Section, setting } from './settings.ts';
import type { MarketDescription } from './market_file.ts';

const EXIT_FAILED = 1;
const PORT_MAX = 65_535;

const RUN_SCHEMA = {
  exchangePort: setting(optional(wholeNumber(1, PORT_MAX)), null, {
    flagOnly: true,
    value: 'port',
    description: 'order port of the exchange to watch (default: the one that was started last)',
  }),
  commands: setting(switched, false, {
    flagOnly: true,
    description: 'a token of this run, and with it commands; the link with it is printed',
  }),
};
const RUN_SECTION: Section<typeof RUN_SCHEMA> = { name: 'dashboard', about: 'how outcry dashboard runs', schema: RUN_SCHEMA };

export function dashboardCommand(): Command {
  const command = new Command('dashboard').description(
    'Shows what the running exchange and traders of this user do: a page for people, /metrics for Prometheus, JSON for ' +
      'programs. It finds them by itself, and again after a restart.',
  );
  addConfigFlags(command, VERB_SECTIONS.dashboard);
  addFlags(command, RUN_SECTION);
  command.addHelpText('after', `
Examples:
  outcry dashboard                         http://127.0.0.1:8080, to look at
  outcry dashboard --commands              with a link that may also halt, kill, pause and set limits
  outcry dashboard --exchange-port 12400   of another exchange
  curl http://127.0.0.1:8080/metrics       for Prometheus`);
  return command.action(async () => run(command));
}

async function run(command: Command): Promise<void> {
  const config = readConfig(commandSources(command, VERB_SECTIONS.dashboard));
  const { exchangePort, commands } = readRunSettings(RUN_SECTION, command);
  belowOthers();
  const token = config.dashboard.token === '' && commands ? newToken() : config.dashboard.token;
  const { network, fallbackReason } = chooseNetwork();
  if (fallbackReason !== '') note(`using Node's own sockets: ${fallbackReason}`);
  const monitor = new DashboardMonitor({
    watch: new SystemWatch(exchangePort === null ? {} : { exchangePort }),
    judge: { look: () => {}, alerts: [], health: { score: 100, parts: [] } },
    network, commands: token !== '', note,
    amend: (left) => amended(left, config),
    metrics: () => '',
    askStates: instrumentStates,
  });
  monitor.start();
  const { host, port, hosts } = config.dashboard;
  const server = await DashboardServer.open({
    host, port, hosts, token, pages: await webFolder(), source: monitor, note,
    commands: async (request) => carryOut(request, monitor.status?.system ?? null),
  });
  const ended = new Promise<void>((resolve) => {
    const interrupts = new Interrupts(['SIGINT', 'SIGTERM', 'SIGHUP'], resolve, () => process.exit(EXIT_FAILED));
    void interrupts;
  });
  process.stdout.write(banner(server.url, token));
  await ended;
  await server.close();
  monitor.close();
  network.close();
}

/** Where exchange and traders want a core, they have it. */
function belowOthers(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // A system that does not let us: then it is as the others are.
  }
}

/** What the configuration says of the feed goes before what the exchange has left. */
function amended(left: MarketDescription | null, config: OutcryConfig): MarketDescription | null {
  const { dashboard, resolution, exchange } = config;
  const said = (key: string): boolean => resolution.place(`dashboard.${key}`).kind !== 'default';
  const named = said('multicast_addr') || said('multicast_port');
  if (left === null && !named) return null;
  const base: MarketDescription = left ?? {
    ...dashboard, port: 0, ordersMax: exchange.ordersMax,
  };
  return {
    ...base,
    ...(said('interface') && { interface: dashboard.interface }),
    ...(named && { feed: dashboard.feed, snapshot: dashboard.snapshot, retransmit: dashboard.retransmit }),
    ...(said('feed') && { feed: { ...(named ? dashboard.feed : base.feed), layout: dashboard.feed.layout } }),
    ...(said('tickers') && { instruments: dashboard.instruments }),
  };
}

function banner(url: string, token: string): string {
  const link = token === '' ? url : `${url}#token=${token}`;
  const rows: [string, string][] = [
    ['page', styleText('bold', link)],
    ['metrics', `${url}metrics`],
    ['commands', token === '' ? 'none: it only shows (--commands)' : 'with the token of the link'],
  ];
  const title = styleText('bold', 'Outcry dashboard');
  return `${title}\n${rows.map(([name, value]) => `  ${styleText('dim', name.padEnd(12))}${value}`).join('\n')}\n`;
}

function note(line: string): void {
  process.stderr.write(`${styleText('dim', line, { stream: process.stderr })}\n`);
}
