// `outcry dashboard`: what the running processes do, in a browser, for Prometheus and as JSON, on one port.
//
//   shared statistics of exchange and traders ─┐
//   the exchange's multicast feed ─────────────┼─► monitor ─► server ─► http://127.0.0.1:8080
//   operator's channels ◄── commands ──────────┘                  (messages.ts; src/observe/dashboard/server.ts)
//
// A process of its own, below the others in the scheduler's order: nothing that it does is waited for. It finds the exchange
// by itself and finds it again after a restart. Without a token it only shows; with one its page commands. The token stands
// behind the # of the printed link, which no browser sends to anybody.
import { styleText } from 'node:util';
import { Command } from 'commander';
import { listOf, optional, switched, text, wholeNumber } from './config_forms.ts';
import { addConfigFlags, commandSources, readConfig, VERB_SECTIONS } from './config_sections.ts';
import { isLogged, type LogLevel } from './config_system.ts';
import { watchConfig } from './config_watch.ts';
import { Dashboard, linkOf } from './dashboard_site.ts';
import { Interrupts } from './interrupts.ts';
import { timeTravelPlaces } from './journal_view.ts';
import { newToken } from './operator_file.ts';
import { addFlags, readRunSettings, type Section, setting } from './settings.ts';

const EXIT_FAILED = 1;
const PORT_MAX = 65_535;

/** Of `[log]`; may change while running. */
let leastLevel: LogLevel = 'info';

const path = text(/^[^\0]+$/, 'a path');
const RUN_SCHEMA = {
  exchangePort: setting(optional(wholeNumber(1, PORT_MAX)), null, {
    flagOnly: true,
    value: 'port',
    description: 'order port of the exchange to watch (default: the one that was started last)',
  }),
  journal: setting(optional(listOf(path)), null, {
    flagOnly: true,
    value: 'directories',
    description: 'journals that the page of time travel can open (orders of every client), separated by commas',
  }),
  recording: setting(optional(listOf(path)), null, {
    flagOnly: true,
    value: 'files',
    description: "… and a recording's files",
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
  const sources = commandSources(command, VERB_SECTIONS.dashboard);
  const config = readConfig(sources);
  leastLevel = config.log.level;
  const { exchangePort, commands, journal, recording } = readRunSettings(RUN_SECTION, command);
  const timeTravel = timeTravelPlaces([...(journal ?? []), ...(recording ?? [])]);
  const token = config.dashboard.token === '' && commands ? newToken() : config.dashboard.token;
  // Before the banner: whoever reads it may ask for the end at once.
  const interrupts: { current?: Interrupts } = {};
  const ended = new Promise<void>((resolve) => {
    interrupts.current = new Interrupts(['SIGINT', 'SIGTERM', 'SIGHUP'], resolve, () => process.exit(EXIT_FAILED));
  });
  const dashboard = await Dashboard.open({ config, exchangePort, token, timeTravel, note });
  const watch = watchConfig({
    sources, running: config,
    onConfig: (next, changed) => {
      dashboard.reconfigure(next.alerts);
      leastLevel = next.log.level;
      note(`configuration: took over ${changed.join(', ')}`);
    },
    onFaults: (error) => note(`${error.message}\nconfiguration: goes on as it was`, 'error'),
  });
  process.stdout.write(banner(dashboard, token));
  await ended;
  watch.close();
  await dashboard.close();
  interrupts.current?.dispose();
}

function banner({ url, exchangePort }: Dashboard, token: string): string {
  const link = linkOf(url, token);
  const rows: [string, string][] = [
    ['page', styleText('bold', link)],
    ['metrics', `${url}metrics`],
    ['exchange', exchangePort === null ? 'none runs yet; in another terminal: outcry exchange' : `on port ${exchangePort}`],
    ['commands', token === '' ? 'none: it only shows (--commands)' : 'with the token of the link'],
  ];
  const title = styleText('bold', 'Outcry dashboard');
  return `${title}\n${rows.map(([name, value]) => `  ${styleText('dim', name.padEnd(12))}${value}`).join('\n')}\n`;
}

function note(line: string, level: LogLevel = 'info'): void {
  if (isLogged(level, leastLevel)) process.stderr.write(`${styleText('dim', line, { stream: process.stderr })}\n`);
}
