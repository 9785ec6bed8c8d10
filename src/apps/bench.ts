// `outcry bench`: the benchmarks of bench/, as a table for people or as JSON for programs.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { applyPerformance } from './config_machine.ts';
import { addConfigFlags, commandSources, readConfig } from './config_sections.ts';

/** What this verb needs of bench/suite.ts, which is there in a clone only. */
interface Suite {
  BENCHMARKS: readonly { name: string; alias?: string; about: string; byDefault: boolean }[];
  runSuite(options: {
    names: readonly string[]; comprehensive: boolean; small: boolean; pairs: number; orders: number | undefined;
    progress(line: string): void;
  }): Promise<{ machine: object; rows: readonly object[]; notReached: number; text: string; file: string }>;
  goalsText(): string;
  /** '': there are all of them. */
  nameFault(names: readonly string[]): string;
  /** How the results of `file` compare with the earlier ones of `before`. */
  comparison(before: string, file: string): { text: string; slower: number };
}

const SUITE = new URL('../../bench/suite.ts', import.meta.url);
/** Fewer do not make a result; a small run is not one anyway. */
const PAIRS_DEFAULT = 10;
const PAIRS_SMALL = 2;

interface Flags {
  orders?: number;
  comprehensive?: boolean;
  json?: boolean;
  pairs?: number;
  small?: boolean;
  list?: boolean;
  goals?: boolean;
  compare?: string;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError(`expected a whole number above 0, was "${text}"`);
  }
  return value;
}

export function benchCommand(): Command {
  return addConfigFlags(new Command('bench'), ['performance'])
    .description('measure this machine: the book, the matching engine, the exchange; each result is checked')
    .argument('[name...]', 'benchmarks by name; none: the default set')
    .option('--orders <n>', 'operations of each flow instead of its published size', wholeNumber)
    .option('--comprehensive', 'every benchmark')
    .option('--pairs <n>', `interleaved pairs of a comparison (default: ${PAIRS_DEFAULT})`, wholeNumber)
    .option('--json', 'the last line of the output is the result as one JSON object')
    .option('--goals', 'every goal with the figure measured last, reached or not, and end')
    .option('--compare <file>', 'say which rows are slower than in these saved results; exit code 1 when one is')
    .option('--list', 'name the benchmarks and end')
    .addOption(
      new Option('--small', 'next to no work, to see that everything runs; no figure counts').env('OUTCRY_BENCH_SMALL'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  outcry bench\n  outcry bench mixed-flow --pairs 20\n  outcry bench --comprehensive --json\n' +
        '  outcry bench queue --compare build/bench/results-….json\n  outcry bench --goals',
    )
    .action(bench);
}

async function bench(names: string[], flags: Flags, command: Command): Promise<void> {
  const config = readConfig(commandSources(command, ['performance']));
  if (!existsSync(fileURLToPath(SUITE))) {
    throw new Error('the benchmarks are not part of the installed package: run them in a clone of the repository');
  }
  const suite = (await import(SUITE.href)) as Suite;
  if (flags.list) {
    for (const { name, alias, about, byDefault } of suite.BENCHMARKS) {
      const also = alias === undefined ? '' : `, also ${alias}`;
      console.log(`${name.padEnd(16)} ${about}${also}${byDefault ? '' : ' (by name or --comprehensive)'}`);
    }
    return;
  }
  if (flags.goals) {
    console.log(suite.goalsText());
    return;
  }
  const fault = suite.nameFault(names);
  if (fault !== '') command.error(`error: ${fault}`);
  for (const note of applyPerformance(config.performance)) process.stderr.write(`${note}\n`);
  const small = flags.small ?? false;
  const result = await suite.runSuite({
    names, small, comprehensive: flags.comprehensive ?? false, orders: flags.orders,
    pairs: flags.pairs ?? (small ? PAIRS_SMALL : PAIRS_DEFAULT),
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  console.log(result.text);
  console.log(`saved in ${result.file}`);
  if (result.notReached > 0) console.log(`${result.notReached} goals not reached`);
  if (flags.compare !== undefined) {
    const { text, slower } = suite.comparison(flags.compare, result.file);
    console.log(text);
    if (slower > 0) process.exitCode = 1;
  }
  if (flags.json) console.log(JSON.stringify({ machine: result.machine, rows: result.rows, file: result.file }));
}
