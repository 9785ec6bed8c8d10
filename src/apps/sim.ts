// `outcry sim`: the whole system under a seeded simulator with faulty clock, network, disk and clients.
//
//   outcry sim --seed 7               one seed, twice, with what happened in it
//   outcry sim --seeds 1..10000       many, on all cores
//
// Every seed is run twice and must leave the same trace. What breaks is made smaller and printed as the one
// command that shows it, of many seeds as soon as it is found; exit code 1. Ctrl-C ends many seeds with the report
// of those that are done, and says which are left; exit code 130, or 1 when one of them broke. A second one
// does not wait for the seeds in hand. Kinds of faults and what must hold: docs/SIMULATION.md.
import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { FAULT_LAYERS, kindsNamed } from '../sim/plan.ts';
import { duration, optional, switched, text, wholeNumber } from './config_forms.ts';
import { ConfigError } from './config_value.ts';
import { Interrupts } from './interrupts.ts';
import { grouped, printResult, Progress, type VerbResult } from './progress.ts';
import { addFlags, readRunSettings, setting, type Section, type ValuesOf } from './settings.ts';
import { counted } from './shown_text.ts';
import { judge, type SeedReport, type SimTask } from './sim_report.ts';
import { SeedThreads } from './sim_threads.ts';

const SEED_MAX = 0xffff_ffff;
const JOBS_MAX = 64;
const DURATION_NS_MIN = 10_000_000;
const DURATION_NS_MAX = 60_000_000_000;
/** Broken seeds are shown in full up to here. */
const BROKEN_SHOWN = 5;
/** How far it is, where no terminal shows it: after the first seed, and this often. */
const LOG_EVERY_MS = 60_000;
/** 128 + SIGINT. */
const EXIT_INTERRUPTED = 130;
const NUMBERS = /^(none|\d+(,\d+)*)$/;

const layers = Object.entries(FAULT_LAYERS).map(([layer, kinds]) => `  ${layer.padEnd(10)} ${kinds.join(', ')}`);

const RUN_SCHEMA = {
  seed: setting(optional(wholeNumber(0, SEED_MAX)), null, {
    flagOnly: true, value: 'n', description: 'one seed', defaultText: '1',
  }),
  seeds: setting(optional(text(/^\d+\.\.\d+$/, 'a range such as 1..100')), null, {
    flagOnly: true, value: 'n..m', description: 'all seeds of a range',
  }),
  faults: setting(optional(text(/\S/, 'kinds or layers of faults')), null, {
    flagOnly: true, value: 'a,b', description: 'only these kinds or layers, or none', defaultText: 'all',
  }),
  onlyFaults: setting(optional(text(NUMBERS, 'numbers such as 0,3, or none')), null, {
    flagOnly: true, value: 'i,j', description: 'of a seed’s faults only these',
  }),
  onlyClients: setting(optional(text(NUMBERS, 'numbers such as 0,3, or none')), null, {
    flagOnly: true, value: 'i,j', description: 'of a seed’s clients only these',
  }),
  duration: setting(optional(duration(DURATION_NS_MIN, DURATION_NS_MAX)), null, {
    flagOnly: true, value: 'time', description: 'of the phase with faults', defaultText: 'the seed’s',
  }),
  jobs: setting(optional(wholeNumber(1, JOBS_MAX)), null, {
    flagOnly: true, value: 'n', description: 'threads', defaultText: 'one a core',
  }),
  trace: setting(switched, false, { flagOnly: true, description: 'say what happened, in order of time' }),
  json: setting(switched, false, {
    flagOnly: true, description: 'the last line of stdout is the result as one JSON object',
  }),
};
type RunSettings = ValuesOf<typeof RUN_SCHEMA>;
const RUN_SECTION: Section<typeof RUN_SCHEMA> = { name: 'sim', about: 'how outcry sim runs', schema: RUN_SCHEMA };

const HELP = `
Faults by layer:
${layers.join('\n')}

Examples:
  outcry sim --seed 7 --trace
  outcry sim --seeds 1..1000 --jobs 2
  outcry sim --seeds 1..100 --faults disk,kill,power
  outcry sim --seed 7 --only-faults 0,3 --only-clients 0,1 --duration 50ms`;

export function simCommand(): Command {
  const command = new Command('sim').description(
    'Runs exchange, journal, feed and clients, unchanged, on a simulated clock, network and disk in one thread: ' +
      'a seed decides who takes part and what fails. First the faults, then a time without, in which everything must ' +
      'come right. Each seed runs twice and must leave the same trace.',
  );
  addFlags(command, RUN_SECTION);
  command.addHelpText('after', HELP);
  return command.action(async () => {
    try {
      await run(readRunSettings(RUN_SECTION, command));
    } catch (error) {
      if (!(error instanceof ConfigError || error instanceof RangeError)) throw error;
      command.error(`error: ${error.message}`);
    }
  });
}

async function run(how: RunSettings): Promise<void> {
  const task = taskOf(how);
  const [first, last] = rangeOf(how);
  if (first === last) await runOne(first, task, how.json);
  else await runMany(first, last, task, how);
}

async function runOne(seed: number, task: SimTask, json: boolean): Promise<void> {
  const startMs = performance.now();
  const report = await judge(seed, task);
  const totals = new Totals();
  totals.add(report);
  printResult(verbResult([report], totals, performance.now() - startMs, null), json);
}

async function runMany(first: number, last: number, task: SimTask, { jobs, json }: RunSettings): Promise<void> {
  const startMs = performance.now();
  const count = last - first + 1;
  const progress = new Progress();
  let logMs = 0;
  const totals = new Totals();
  const threads = new SeedThreads(first, last, task);
  const interrupts = new Interrupts(['SIGINT', 'SIGTERM'], () => threads.stop(), () => process.exit(EXIT_INTERRUPTED));
  try {
    await threads.run(jobs ?? availableParallelism(), (report) => {
      totals.add(report);
      if (!report.ok) {
        progress.clear();
        process.stderr.write(`${brokenText(report).join('\n')}\n`);
      }
      const elapsedMs = performance.now() - startMs;
      const far = progressText(totals.seeds, count, totals.broken.length, elapsedMs);
      progress.show(far);
      if (process.stderr.isTTY || elapsedMs < logMs) return;
      process.stderr.write(`${far}\n`);
      logMs = elapsedMs + LOG_EVERY_MS;
    });
  } finally {
    interrupts.dispose();
    progress.clear();
  }
  const left = totals.seeds < count ? `${threads.next}..${last}` : null;
  printResult(verbResult([], totals, performance.now() - startMs, left), json);
  if (left !== null && totals.broken.length === 0) process.exitCode = EXIT_INTERRUPTED;
}

/** "1,234 of 10,000 seeds, 11.3/s, 12 min 56 s left, 0 broken". */
export function progressText(done: number, count: number, broken: number, elapsedMs: number): string {
  const perSecond = (done * 1_000) / Math.max(1, elapsedMs);
  const leftSeconds = Math.ceil((count - done) / perSecond);
  const [minutes, seconds] = [Math.floor(leftSeconds / 60), leftSeconds % 60];
  const left = minutes > 0 ? `${grouped(minutes)} min ${seconds} s` : `${seconds} s`;
  return `${grouped(done)} of ${grouped(count)} seeds, ${perSecond.toFixed(1)}/s, ${left} left, ${broken} broken`;
}

function taskOf(how: RunSettings): SimTask {
  const words = how.faults === null ? null : how.faults.split(',').map((word) => word.trim());
  if (words !== null) kindsNamed(words); // a word that is none is said before anything runs
  return {
    faults: words,
    onlyFaults: numbersOf(how.onlyFaults),
    onlyClients: numbersOf(how.onlyClients),
    durationNs: how.duration,
    trace: how.trace,
    shrink: true,
    stop: null,
  };
}

function numbersOf(words: string | null): number[] | null {
  if (words === null) return null;
  return words === 'none' ? [] : words.split(',').map(Number);
}

function rangeOf({ seed, seeds }: RunSettings): [first: number, last: number] {
  if (seeds === null) return [seed ?? 1, seed ?? 1];
  if (seed !== null) throw new RangeError('--seed and --seeds exclude each other: expected one of them');
  const [first, last] = seeds.split('..').map(Number);
  if (first > last || last > SEED_MAX) throw new RangeError(`--seeds: expected first..last up to ${SEED_MAX}, was ${seeds}`);
  return [first, last];
}

/** Over all seeds. */
class Totals {
  seeds = 0;
  refused = 0;
  readonly broken: SeedReport[] = [];
  readonly figures: Record<string, number> = {};

  add(report: SeedReport): void {
    this.seeds++;
    if (!report.ok) this.broken.push(report);
    if (report.outcome === 'refused') this.refused++;
    for (const [name, value] of Object.entries(report.figures ?? {})) this.figures[name] = (this.figures[name] ?? 0) + value;
  }
}

/** `reports`: of a single seed, for more to be said. `left`: the seeds that were not begun; null: none. */
function verbResult(reports: readonly SeedReport[], totals: Totals, ms: number, left: string | null): VerbResult {
  const broken = totals.broken.toSorted((a, b) => a.seed - b.seed);
  const lines = [...reports.flatMap(({ lines: said }) => said), ...summary(reports, totals, ms / 1_000)];
  for (const report of broken.slice(0, BROKEN_SHOWN)) lines.push('', ...brokenText(report));
  if (broken.length > BROKEN_SHOWN) lines.push(`and ${broken.length - BROKEN_SHOWN} more: ${broken.map(({ seed }) => seed).join(', ')}`);
  if (left !== null) lines.push(`interrupted: go on with --seeds ${left}`);
  return {
    ok: broken.length === 0 && left === null,
    lines,
    json: {
      seeds: totals.seeds, left, refused: totals.refused, seconds: Math.round(ms) / 1000, figures: totals.figures,
      ...(reports.length === 1 && { seed: reports[0].seed, trace: reports[0].hash, outcome: reports[0].outcome }),
      broken: broken.map(({ seed, broken: id, message, command, smallest }) => ({ seed, id, message, command, smallest })),
    },
  };
}

function summary(reports: readonly SeedReport[], totals: Totals, seconds: number): string[] {
  const { figures } = totals;
  const of = (name: string): string => grouped(figures[name] ?? 0);
  const lines = [
    `${counted(totals.seeds, 'seed')}, each twice, in ${seconds.toFixed(1)} s: ` +
      `${((figures['simulatedNs'] ?? 0) / 1e9).toFixed(1)} s simulated, ${of('events')} events`,
    `exchange  ${of('lives')} lives, ${of('crashes')} deaths, ${of('failedStarts')} starts that failed, ` +
      `${of('snapshots')} snapshots, ${of('faults')} faults, ${grouped(totals.refused)} refused as damaged`,
    `orders    ${of('commands')} commands, ${of('trades')} trades, ${of('answered')} answered, ${of('sentAgain')} sent again`,
    `feed      ${of('feedMessages')} messages, books compared ${of('booksCompared')} times`,
  ];
  if (reports.length === 1 && reports[0].hash !== '') lines.push(`trace     ${reports[0].hash}, twice`);
  return lines;
}

function brokenText({ seed, message, stack, command, smallest }: SeedReport): string[] {
  const where = stack.split('\n').slice(1, 6);
  return [
    `seed ${seed} broke: ${message}`, ...where, `  again     ${command}`,
    ...(smallest === '' || smallest === command ? [] : [`  smallest  ${smallest}`]),
  ];
}
