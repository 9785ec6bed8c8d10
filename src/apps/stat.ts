// `outcry stat`: everything of ours that runs on this machine, and how it does.
//
// On a terminal a live view until q or Ctrl-C. Elsewhere the metrics once, in the format of [monitoring] or of --format: for a
// program that scrapes no port. --once is the view as plain lines, --json all that is known as one object (SystemView), --list what
// each metric means. It reads what the processes publish in their shared statistics (src/observe/system_watch.ts); none notices.
//
// Exit codes: 0 done; 1 with --once, --json or a format: nothing of ours runs, or not the exchange that was named; 2 the command line
// or the configuration is wrong.
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { METRICS_FORMATS, type MetricsFormat } from '../observe/metrics/exposition.ts';
import { METRIC_GROUPS } from '../observe/metrics/table.ts';
import { SystemWatch } from '../observe/system_watch.ts';
import type { SystemView } from '../observe/system_view.ts';
import { duration, oneOf, optional, switched, wholeNumber } from './config_forms.ts';
import { commandSources, readConfig } from './config_sections.ts';
import { EXPORT_FORMATS } from './config_system.ts';
import { Interrupts } from './interrupts.ts';
import { addFlags, readRunSettings, setting, type Section, type ValuesOf } from './settings.ts';
import { renderStat } from './stat_screen.ts';
import { coloured, plain, Screen, type Paint } from './terminal.ts';

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;
const PORT_MAX = 65_535;
/** A rate takes two beats that are a second apart, and a little for the beat to come. */
const FIRST_LOOKS_MS = 1_500;
const LOOK_MS = 250;
const RATES_MAX = 160;
const PLAIN_COLUMNS = 160;

const SCHEMA = {
  exchangePort: setting(optional(wholeNumber(1, PORT_MAX)), null, {
    flagOnly: true, value: 'port', description: 'order port of the exchange to watch (default: the one that was started last)',
  }),
  interval: setting(duration(1e8, 3600e9), 5e8, { flagOnly: true, value: 'time', description: 'of the live view' }),
  once: setting(switched, false, { flagOnly: true, description: 'the view once, as plain lines' }),
  format: setting(optional(oneOf(EXPORT_FORMATS)), null, {
    flagOnly: true, value: 'format', description: `the metrics once, as ${EXPORT_FORMATS.join(', ')} (default elsewhere than on a terminal: that of [monitoring])`,
  }),
  list: setting(switched, false, { flagOnly: true, description: 'every metric with its meaning' }),
  json: setting(switched, false, { flagOnly: true, description: 'all that is known, as one JSON object on the last line' }),
};
const SECTION: Section<typeof SCHEMA> = { name: 'stat', about: 'how outcry stat looks', schema: SCHEMA };
type How = ValuesOf<typeof SCHEMA>;

export function statCommand(): Command {
  const command = new Command('stat').description(
    'Shows what every running exchange and trader of this user does: rates, latencies of the last minute, queues, journal, positions and ' +
      'profit, processor time and memory. No process notices that it is looked at.',
  );
  addFlags(command, SECTION);
  command.option('--config <file>', 'configuration file, for the format of [monitoring]');
  command.addHelpText(
    'after',
    `
Examples:
  outcry stat                              live, until q or Ctrl-C
  outcry stat --once                       the same once, for a log
  outcry stat --json | jq .exchange        for programs
  outcry stat --format prometheus          what /metrics of the dashboard serves (node_exporter's textfile takes it)
  outcry stat --list                       what each metric means`,
  );
  return command.action(async () => {
    process.exitCode = await run(command, readRunSettings(SECTION, command));
  });
}

async function run(command: Command, how: How): Promise<number> {
  if (how.list) return list(how.json);
  const watch = new SystemWatch(how.exchangePort === null ? {} : { exchangePort: how.exchangePort });
  try {
    if (process.stdout.isTTY && !how.once && !how.json && how.format === null) return await live(watch, how);
    const format = how.format ?? (how.once || how.json ? null : configuredFormat(command));
    const view = await lookedAt(watch);
    if (format !== null) process.stdout.write(METRICS_FORMATS[format].write({ system: view }).trimEnd() + '\n');
    if (how.once) process.stdout.write(`${onceLines(view).join('\n')}\n`);
    if (how.json) process.stdout.write(`${JSON.stringify(view)}\n`);
    const found = how.exchangePort === null ? view.processes.length > 0 : view.exchange !== null;
    return found ? 0 : EXIT_FAILED;
  } finally {
    watch.close();
  }
}

function configuredFormat(command: Command): MetricsFormat {
  return readConfig(commandSources(command, ['monitoring'])).monitoring.exportFormat;
}

/** Long enough for rates. */
async function lookedAt(watch: SystemWatch): Promise<SystemView> {
  const untilMs = performance.now() + FIRST_LOOKS_MS;
  while (performance.now() < untilMs) {
    watch.look();
    await sleep(LOOK_MS);
  }
  return watch.look();
}

function onceLines(system: SystemView): string[] {
  const columns = process.stdout.isTTY ? process.stdout.columns : PLAIN_COLUMNS;
  return renderStat({ system, requestRates: [] }, columns, Infinity, paint()).slice(0, -1).map((line) => line.trimEnd());
}

function list(json: boolean): number {
  if (json) {
    const metrics = METRIC_GROUPS.flatMap((group) => group.metrics.map(({ name, type, unit, labels, help }) => ({ group: group.title, name, type, unit, labels, help })));
    process.stdout.write(`${JSON.stringify(metrics)}\n`);
    return 0;
  }
  const style = paint();
  for (const { title, metrics } of METRIC_GROUPS) {
    process.stdout.write(`${style('heading', title)}\n`);
    for (const { name, type, labels, help } of metrics) {
      const shown = labels.length === 0 ? '' : `{${labels.join(', ')}}`;
      process.stdout.write(`  ${style('strong', name)}${style('dim', `${shown}  ${type}`)}\n      ${help}\n`);
    }
  }
  return 0;
}

// ── live ───────────────────────────────────────────────────────────────────────────────────────

async function live(watch: SystemWatch, { interval }: How): Promise<number> {
  const screen = new Screen(process.stdout);
  const end = new AbortController();
  const interrupts = new Interrupts(['SIGINT', 'SIGTERM', 'SIGHUP'], () => end.abort(), () => process.exit(EXIT_INTERRUPTED));
  const keys = onKeys(() => end.abort());
  const leave = (): void => {
    keys.restore();
    screen.leave();
  };
  process.on('exit', leave); // whatever ends this process, the terminal comes back
  screen.enter();
  const requestRates: number[] = [];
  let ratedMs = 0;
  while (!end.signal.aborted) {
    const system = watch.look();
    if (performance.now() - ratedMs >= 1_000 && system.exchange !== null) {
      ratedMs = performance.now();
      requestRates.push(system.exchange.requests.perSecond);
      if (requestRates.length > RATES_MAX) requestRates.shift();
    }
    screen.draw(renderStat({ system, requestRates }, screen.columns, screen.rows, paint()));
    await sleep(interval / 1e6, undefined, { signal: end.signal }).catch(() => {});
  }
  leave();
  process.off('exit', leave);
  interrupts.dispose();
  process.stdout.write(`${onceLines(watch.look()).join('\n')}\n`); // what stays on the terminal
  return 0;
}

/** Calls `end` on q, Ctrl-C or Ctrl-D, which come as characters while the terminal is raw. */
function onKeys(end: () => void): { restore(): void } {
  const { stdin } = process;
  if (!stdin.isTTY) return { restore: () => {} };
  const onData = (keys: Buffer): void => {
    if (/[qQ\x03\x04]/.test(keys.toString('latin1'))) end(); // oxlint-disable-line no-control-regex -- what a keyboard sends
  };
  stdin.setRawMode(true).on('data', onData);
  stdin.unref();
  return {
    restore: () => {
      stdin.off('data', onData).setRawMode(false).pause();
    },
  };
}

function paint(): Paint {
  return process.stdout.isTTY && process.stdout.hasColors() ? coloured : plain;
}
