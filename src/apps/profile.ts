// `outcry profile`: where the time goes in an exchange or a trader that runs, seen from outside.
//
// Looks at the process's shared statistics (src/observe/shared_stats.ts); the process does not notice. On a terminal a live view until
// Ctrl-C or the process's end; elsewhere, or with --for, a measurement of that length as a table. Files on request: CSV, JSON, a
// picture, a page. --save keeps a baseline, and gathers runs when the file is there; --baseline compares with it.
//
// Exit codes: 0 done; 1 slower than the baseline, nothing to look at, or nothing recorded; 2 the command line is wrong.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import { Command } from 'commander';
import {
  type Baseline, baselineOf, compare, gathered, parseBaseline, TOLERANCE_DEFAULT, WINDOWS_MIN,
} from '../observe/profile/baseline.ts';
import { profileCsv, profileJson, type ProfileOrigin } from '../observe/profile/export.ts';
import { profilePage, profilePicture } from '../observe/profile/picture.ts';
import { ProfileReader, type ProfileWindow } from '../observe/profile/profile_reader.ts';
import { runningStats, StatsReader } from '../observe/shared_stats.ts';
import { duration, optional, switched, text, wholeNumber } from './config_forms.ts';
import { Interrupts } from './interrupts.ts';
import { renderComparison, renderProfile } from './profile_screen.ts';
import { addFlags, readRunSettings, setting, type Section, type ValuesOf } from './settings.ts';
import { coloured, plain, Screen, type Paint } from './terminal.ts';

const MEASURE_NS = 5e9;
/** A baseline wants windows of half a second, forty of them. */
const MEASURE_BASELINE_NS = 20e9;
const WINDOWS_DEFAULT = 40;
const WINDOWS_MOST = 200;
const DAY_NS = 24 * 3600e9;
const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;
const PID_MAX = 2 ** 22;

const SCHEMA = {
  pid: setting(optional(wholeNumber(1, PID_MAX)), null, {
    flagOnly: true, value: 'number', description: 'the process to look at; default: the one started last',
  }),
  list: setting(switched, false, { flagOnly: true, description: 'name the processes that can be looked at and end' }),
  interval: setting(duration(1e8, 3600e9), 1e9, {
    flagOnly: true, value: 'time', description: 'of the live view',
  }),
  for: setting(optional(duration(1e8, DAY_NS)), null, {
    flagOnly: true, value: 'time', description: 'measure for so long and end; default elsewhere than on a terminal: 5s, with a baseline 20s',
  }),
  total: setting(switched, false, { flagOnly: true, description: 'everything since the process started, at once' }),
  details: setting(switched, false, { flagOnly: true, description: 'each operation on its own, too' }),
  csv: file('the figures'),
  svg: file('the picture'),
  html: file('the picture with its figures'),
  save: file('a baseline; runs are gathered in a file that is there'),
  baseline: file('compare with this baseline; slower is exit code 1'),
  windows: setting(wholeNumber(WINDOWS_MIN, WINDOWS_MOST), WINDOWS_DEFAULT, {
    flagOnly: true, value: 'number', description: 'parts of a measurement that a baseline is made of',
  }),
  tolerance: setting(wholeNumber(1, 1_000), TOLERANCE_DEFAULT * 100, {
    flagOnly: true, value: 'percent', description: 'so much slower is tolerated',
  }),
  json: setting(switched, false, { flagOnly: true, description: 'the last line of stdout is the result as one JSON object' }),
};
const SECTION: Section<typeof SCHEMA> = { name: 'profile', about: 'how outcry profile looks', schema: SCHEMA };
type How = ValuesOf<typeof SCHEMA>;

function file(description: string): ReturnType<typeof setting<string | null>> {
  return setting(optional(text(/\S/, 'a file')), null, { flagOnly: true, value: 'file', description });
}

export function profileCommand(): Command {
  const command = new Command('profile')
    .description(
      'Shows where the time goes in an exchange or a trader that runs: minimum, mean, percentiles to p99.99 and jitter of each stage and ' +
        'operation, allocation and processor time. An exchange follows one turn in 64, or as its --profile says; a trader times every decision.',
    )
    .argument('[file]', 'statistics of a process, instead of --pid');
  addFlags(command, SECTION);
  command.addHelpText(
    'after',
    `
Examples:
  outcry exchange --profile 1                       every turn is followed, not one in 64
  outcry profile                                    live, of what was started last
  outcry profile --for 10s --html profile.html      ten seconds as a page with a picture
  outcry profile --save base.json                   20 s as a baseline; again: the runs are gathered
  outcry profile --baseline base.json               exit code 1 when a stage has become slower`,
  );
  return command.action(async (path: string | undefined) => {
    process.exitCode = await run(path ?? null, readRunSettings(SECTION, command));
  });
}

async function run(path: string | null, how: How): Promise<number> {
  if (how.list) return list(how.json);
  const stats = StatsReader.open(path ?? chosen(how.pid));
  try {
    const keepsFiles = [how.csv, how.svg, how.html, how.save, how.baseline].some((name) => name !== null);
    const live = process.stdout.isTTY && !keepsFiles && !how.json && how.for === null && !how.total;
    return live ? await watch(stats, how) : await measure(stats, how);
  } finally {
    stats.close();
  }
}

/** The file of the process that is meant. */
function chosen(pid: number | null): string {
  const running = runningStats();
  const found = pid === null ? running[0] : running.find((path) => path.endsWith(`-${pid}.stats`));
  if (found !== undefined) return found;
  const what = pid === null ? 'no exchange and no trader of this user runs here' : `process ${pid} is no exchange and no trader of this user`;
  throw new Error(`${what}. Start one: outcry exchange`);
}

function list(json: boolean): number {
  const rows = runningStats().map((path) => {
    const reader = StatsReader.open(path, false);
    reader.close();
    return { pid: reader.pid, title: reader.title, startedMs: reader.startedMs, path };
  });
  for (const { pid, title, startedMs, path } of rows) {
    process.stdout.write(`${String(pid).padEnd(8)} ${title.padEnd(36)} since ${new Date(startedMs).toISOString()}  ${path}\n`);
  }
  if (json) process.stdout.write(`${JSON.stringify(rows)}\n`);
  return 0;
}

// ── live ───────────────────────────────────────────────────────────────────────────────────────

async function watch(stats: StatsReader, { interval, details }: How): Promise<number> {
  const reader = new ProfileReader(stats);
  const screen = new Screen(process.stdout);
  const end = new AbortController();
  const interrupts = new Interrupts(['SIGINT', 'SIGTERM', 'SIGHUP'], () => end.abort(), () => process.exit(EXIT_INTERRUPTED));
  const leave = (): void => screen.leave();
  process.on('exit', leave); // whatever ends this process, the terminal comes back
  screen.enter();
  try {
    reader.look();
    do {
      await sleep(interval / 1e6, undefined, { signal: end.signal }).catch(() => {});
      if (end.signal.aborted) break;
      screen.draw(linesOf(stats, reader.look(), details, paint()).slice(0, screen.rows));
    } while (stats.isAlive);
  } finally {
    screen.leave();
    process.off('exit', leave);
    interrupts.dispose();
  }
  // What is left on the terminal: all of the process's time.
  process.stdout.write(`${linesOf(stats, new ProfileReader(stats).look(), details, paint()).join('\n')}\n`);
  return 0;
}

function linesOf(stats: StatsReader, window: ProfileWindow, details: boolean, style: Paint): string[] {
  return renderProfile({ title: stats.title, pid: stats.pid, alive: stats.isAlive, window, details }, style);
}

// ── measurement ────────────────────────────────────────────────────────────────────────────────

async function measure(stats: StatsReader, how: How): Promise<number> {
  const asksBaseline = how.save !== null || how.baseline !== null;
  // Read first: a file that is none is said before anybody waits.
  const then = how.baseline === null ? null : readBaseline(how.baseline);
  const kept = how.save !== null && existsSync(how.save) ? readBaseline(how.save) : null;
  const whole = new ProfileReader(stats);
  if (!how.total) whole.look();
  const lengthNs = how.for ?? (asksBaseline ? MEASURE_BASELINE_NS : MEASURE_NS);
  const windows = how.total ? [] : await measured(stats, lengthNs, asksBaseline ? how.windows : 1);
  const window = whole.look();
  const origin: ProfileOrigin = {
    title: stats.title, pid: stats.pid, machine: `${cpus()[0]?.model.trim() ?? 'unknown processor'}, Node ${process.version}`, takenMs: Date.now(),
  };
  process.stdout.write(`${linesOf(stats, window, how.details, paint()).join('\n')}\n`);
  keep(window, origin, how);
  const now = baselineOf(windows, `${origin.title}, ${origin.machine}, ${new Date(origin.takenMs).toISOString()}`);
  if (how.save !== null) saveBaseline(how.save, kept, now);
  const slower = then === null ? 0 : compareWith(then, now, how);
  if (how.json) process.stdout.write(`${profileJson(window, origin)}\n`);
  if (!window.stages.some(({ count }) => count > 0)) {
    note('nothing was recorded in this time: is there any flow, and was the exchange started with --profile 0?');
    return EXIT_FAILED;
  }
  return slower > 0 ? EXIT_FAILED : 0;
}

/** Windows of equal length, as long as the process is there. */
async function measured(stats: StatsReader, lengthNs: number, count: number): Promise<ProfileWindow[]> {
  const reader = new ProfileReader(stats);
  reader.look();
  const windows: ProfileWindow[] = [];
  const startMs = performance.now();
  for (let i = 1; i <= count && stats.isAlive; i++) {
    await sleep(Math.max(0, startMs + (lengthNs / 1e6) * (i / count) - performance.now()));
    windows.push(reader.look());
  }
  return windows;
}

function keep(window: ProfileWindow, origin: ProfileOrigin, { csv, svg, html }: How): void {
  if (csv !== null) write(csv, profileCsv(window));
  if (svg !== null) write(svg, profilePicture(window, origin));
  if (html !== null) write(html, profilePage(window, origin));
}

function saveBaseline(path: string, kept: Baseline | null, now: Baseline): void {
  write(path, `${JSON.stringify(kept === null ? now : gathered(kept, now))}\n`);
  note(`a baseline of ${(kept?.runs.length ?? 0) + 1} runs`);
}

function readBaseline(path: string): Baseline {
  return parseBaseline(readFileSync(path, 'utf8'), path);
}

/** How many have become slower. */
function compareWith(then: Baseline, now: Baseline, how: How): number {
  const tolerance = how.tolerance / 100;
  const comparisons = compare(then, now, tolerance);
  process.stdout.write(`\n${renderComparison(comparisons, tolerance, paint()).join('\n')}\n`);
  return comparisons.filter(({ verdict }) => verdict === 'slower').length;
}

function write(path: string, contents: string): void {
  writeFileSync(path, contents);
  note(`wrote ${path}`);
}

function paint(): Paint {
  return process.stdout.isTTY && process.stdout.hasColors() ? coloured : plain;
}

function note(line: string): void {
  process.stderr.write(`${styleText('dim', line, { stream: process.stderr })}\n`);
}
