// `outcry sim`: the whole system under a seeded simulator with faulty clock, network, disk and clients.
//
//   outcry sim --seed 7               one seed, twice, with what happened in it
//   outcry sim --seeds 1..10000       many, on all cores
//
// Every seed is run twice and must leave the same trace. What breaks is made smaller and printed as the one
// command that shows it; exit code 1. Kinds of faults and what must hold: docs/SIMULATION.md.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Command } from 'commander';
import { FAULT_LAYERS, kindsNamed } from '../sim/plan.ts';
import { duration, optional, switched, text, wholeNumber } from './config_forms.ts';
import { ConfigError } from './config_value.ts';
import { grouped, printResult, Progress, type VerbResult } from './progress.ts';
import { addFlags, readRunSettings, setting, type Section, type ValuesOf } from './settings.ts';
import { judge, type SeedReport, type SimTask } from './sim_report.ts';

const SEED_MAX = 0xffff_ffff;
const JOBS_MAX = 64;
const DURATION_NS_MIN = 10_000_000;
const DURATION_NS_MAX = 60_000_000_000;
/** Broken seeds are shown in full up to here. */
const BROKEN_SHOWN = 5;
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
  const startMs = performance.now();
  const progress = new Progress();
  const broken: SeedReport[] = [];
  const totals = new Totals();
  const done = (report: SeedReport): void => {
    totals.add(report);
    if (!report.ok) broken.push(report);
    progress.show(`${grouped(totals.seeds)} of ${grouped(last - first + 1)} seeds, ${broken.length} broken`);
  };
  const reports: SeedReport[] = [];
  if (first === last) {
    const report = await judge(first, task);
    reports.push(report);
    done(report);
  } else await runMany(first, last, how.jobs ?? availableParallelism(), task, done);
  progress.clear();
  const seconds = (performance.now() - startMs) / 1_000;
  printResult(verbResult(reports, broken.toSorted((a, b) => a.seed - b.seed), totals, seconds), how.json);
}

/** Seeds on threads, each taking the next one when it has done its last. */
async function runMany(
  first: number, last: number, jobs: number, task: SimTask, done: (report: SeedReport) => void,
): Promise<void> {
  let next = first;
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(`./sim_thread.${extension}`, import.meta.url), { workerData: task });
      const hand = (): void => worker.postMessage(next <= last ? next++ : null);
      worker.on('message', (report: SeedReport) => {
        done(report);
        hand();
      });
      worker.once('error', reject);
      worker.once('exit', () => resolve());
      hand();
    });
  await Promise.all(Array.from({ length: Math.min(jobs, last - first + 1) }, one));
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
  readonly figures: Record<string, number> = {};

  add({ figures, outcome }: SeedReport): void {
    this.seeds++;
    if (outcome === 'refused') this.refused++;
    for (const [name, value] of Object.entries(figures ?? {})) this.figures[name] = (this.figures[name] ?? 0) + value;
  }
}

function verbResult(
  reports: readonly SeedReport[], broken: readonly SeedReport[], totals: Totals, seconds: number,
): VerbResult {
  const lines = [...reports.flatMap(({ lines: said }) => said), ...summary(reports, totals, seconds)];
  for (const report of broken.slice(0, BROKEN_SHOWN)) lines.push(...brokenText(report));
  if (broken.length > BROKEN_SHOWN) lines.push(`and ${broken.length - BROKEN_SHOWN} more: ${broken.map(({ seed }) => seed).join(', ')}`);
  return {
    ok: broken.length === 0,
    lines,
    json: {
      seeds: totals.seeds, refused: totals.refused, seconds: Math.round(seconds * 1000) / 1000, figures: totals.figures,
      ...(reports.length === 1 && { seed: reports[0].seed, trace: reports[0].hash, outcome: reports[0].outcome }),
      broken: broken.map(({ seed, broken: id, message, command, smallest }) => ({ seed, id, message, command, smallest })),
    },
  };
}

function summary(reports: readonly SeedReport[], totals: Totals, seconds: number): string[] {
  const { figures } = totals;
  const of = (name: string): string => grouped(figures[name] ?? 0);
  const lines = [
    `${grouped(totals.seeds)} seed${totals.seeds === 1 ? '' : 's'}, each twice, in ${seconds.toFixed(1)} s: ` +
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
    '', `seed ${seed} broke: ${message}`, ...where, `  again     ${command}`,
    ...(smallest === '' || smallest === command ? [] : [`  smallest  ${smallest}`]),
  ];
}
