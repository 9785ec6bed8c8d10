// `npm test`: everything that must pass, with Node's own test runner.
//
//   1 the core is compiled, product and checked variant, once, not by each test file on its own
//   2 the files generated from the schema are compared with what the schema says now
//   3 all *.test.ts and the *.fuzz.ts that are tests run, each file in a process of its own; the
//     runner's counts are the last thing printed
//
// Test files run two at a time, on one core one: tests drive sockets and worker threads, which on
// an overbooked machine meet their deadlines late. Tests never assert on time, so more only saves
// time.
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildCore } from './build_core.ts';
import { outdated } from './generate.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const TEST_FILES = '{src,test,bench,tools,examples}/**/*.{test,fuzz}.ts';
const CONCURRENCY_MAX = 2;
/** A test that hangs ends the run with its name; the longest takes some ten seconds. */
const TEST_TIMEOUT_MS = 180_000;

export const KINDS = ['unit', 'property', 'fuzz'] as const;
export type Kind = (typeof KINDS)[number];

/** Lengths and seeds that the environment sets; the defaults suit a run of everything. */
export const LENGTHS: readonly (readonly [variable: string, meaning: string])[] = [
  ['OUTCRY_FUZZ', 'random commands, core against twin: 200000'],
  ['OUTCRY_FUZZ_SEED', 'their first seed: 1'],
  ['OUTCRY_FRAMING_ROUNDS', 'random streams and datagrams through the framings: 3000'],
  ['OUTCRY_QUEUE_PROCESS_RECORDS', 'records of each producer through queues between processes: 20000'],
  ['OUTCRY_STRESS_RECORDS', 'records through the ring buffer between threads: 400000'],
  ['OUTCRY_QUEUE_RECORDS', 'records through the queues of many producers between threads: 60000'],
  ['OUTCRY_QUEUE_SEEDS', 'random runs of each such queue against its twin: 150'],
  ['OUTCRY_LEDGER_UPDATES', 'updates of the shared ledger by each of ten threads: 1000'],
  ['OUTCRY_LEDGER_SEEDS', 'random runs of the ledger against its twin: 40'],
  ['MARKET_DATA_SEEDS', 'runs of 6000 market data messages, processor against twin: 24'],
  ['OUTCRY_TORN_READ_MS', 'milliseconds that readers on other threads look for a torn read: 1000'],
  ['HOSTILE_SEED', 'seed of the random bytes and messages to the exchange: 7'],
  ['RISK_FUZZ_ROUNDS', "runs of 1000 calls, the risk gate's tables against their twins: 20"],
  ['RISK_SEEDS', 'random runs of an exchange with limits against a naive model: 6'],
  ['RISK_REQUESTS', 'random requests of each: 2000'],
  ['WIRE_SEEDS', 'random runs of a whole exchange in lockstep with the twin: 4'],
  ['WIRE_COMMANDS', 'random commands of each: 2500'],
  ['WIRE_SEED', 'their first seed: 1'],
  ['FEED_SEEDS', 'seeded runs of the feed handler over bad links: 5'],
  ['SHARED_RING_FUZZ_SEEDS', 'rings between processes, against twins and hostile peers: 8'],
  ['SHARED_MEMORY_FUZZ_ROUNDS', 'networks in shared memory whose tables are overwritten: 3'],
  ['OUTCRY_FRAME_SEEDS', 'streams of our own TCP over bad cables: 12'],
  ['OUTCRY_BYPASS_REQUESTS', 'requests over AF_XDP and over DPDK, books compared: 4000'],
  ['FEED_FUZZ_SEEDS', 'seeded runs of the feed handler against garbage: 20'],
  ['FEED_RECOVERY_SEEDS', 'seeded runs of exchange and late receivers over bad links: 3'],
  ['OUTCRY_CONFIG_FUZZ_RUNS', 'random and damaged configuration files, of each kind: 200'],
  ['POSITION_FUZZ_SEEDS', 'runs of 1000 fills, positions against twin: 150'],
  ['RISK_FUZZ_SEEDS', 'runs of 800 steps, risk gate against twin: 100'],
  ['ORDER_FUZZ_SEEDS', 'runs of 600 random responses, order manager against twin: 150'],
  ['SHARED_LIMITS_SEEDS', 'runs of three such clients behind one shared ledger: 20'],
  ['ORDER_MODEL_SEEDS', 'runs of order manager, gate and positions against a naive exchange: 60'],
  ['ORDER_MODEL_STEPS', 'steps of each: 1000'],
  ['CLIENT_JOURNAL_SEEDS', 'traders that die amid any operation of their disk: 40'],
  ['POSITION_FILLS', 'fills after each of which profit = cash + value: 500000'],
  ['FEATURES_SEEDS', 'seeded runs of the feature engine against its twin: 20'],
  ['STRATEGIES_SEEDS', 'seeded runs of each strategy in a random market: 12'],
  ['OUTCRY_TRADE_SOAK_SECONDS', 'seconds that two traders and the flow run against an exchange: 10'],
  ['OUTCRY_CRASH_SEEDS', 'exchanges crashed and started again, five lives each: 12'],
  ['OUTCRY_CRASH_SEED', 'first seed of these: 1'],
  ['OUTCRY_SIM_SEEDS', 'seeds of the simulator, each twice; 100 a commit, 10000 a release: 8'],
  ['OUTCRY_SIM_SEED', 'first of them: 1'],
  ['OUTCRY_SIM_PLANTED_SEEDS', 'seeds within which each mistake planted in the simulation is caught: 40'],
  ['OUTCRY_ALERT_SEEDS', 'random runs of the book of alerts against its twin: 150'],
  ['OUTCRY_AUDIT_TURNS', 'turns of an exchange whose books are audited by a receiver that joins afresh: 4000'],
  ['OUTCRY_KILLS', 'exchanges killed (kill -9) under load over TCP: 4'],
  ['OUTCRY_KILL_SEED', 'their seed: 1'],
  ['OUTCRY_MEMORY_SECONDS', 'seconds at full load in which the exchange must not grow; from 120 on by 1 %: 6'],
  ['OUTCRY_DECODER_FUZZ', 'mutated inputs to each decoder, fewer to slow ones: 120'],
  ['OUTCRY_DECODER_SEED', 'their first seed: 1'],
  ['OUTCRY_PROPERTY_RUNS', 'runs of each property of streams, rings, journals, positions: 150'],
  ['ENGINE_SEEDS', 'random runs of the trading engine against its twins: 100'],
  ['ENGINE_WORKER_ORDERS', 'orders of each of ten threads into the engine: 400'],
  ['OUTCRY_JOURNAL_SEEDS', 'journals crashed at any operation, and on failing disks: 150'],
  ['OUTCRY_JOURNAL_FUZZ', 'journals mutated, and runs of the byte ring: 300'],
  ['TIMETRAVEL_FUZZ_SEEDS', 'runs of 3000 random commands that are sought through, against a straight run: 4'],
  ['TIMETRAVEL_FUZZ_TOUCHES', 'touches of orders, the index against its twin, of each of four seeds: 20000'],
  ['TIMETRAVEL_JUMPS', 'random jumps of the page of time travel that are timed: 60'],
  ['OUTCRY_JOURNAL_FLIP_STRIDE', 'every so many bits of 64 KiB one is turned; 1 turns each: 53'],
  ['OUTCRY_JOURNAL_SECTORS', 'sectors of a torn batch, of which every subset is tried: 6'],
  ['OUTCRY_JOURNAL_KILLS', 'processes killed while they append: 6'],
  ['OUTCRY_JOURNAL_SEED', 'first seed of these: 1'],
];

const HELP = `npm test -- [FILTER …] [options]

  FILTER             only files whose path contains it: npm test -- src/wire
  --only KIND        ${KINDS.join(', ')}: fuzzers, files with property tests, the rest
  --name PATTERN     only tests whose name matches
  --coverage         a table of lines, branches and functions at the end
  --concurrency N    test files at once (${CONCURRENCY_MAX}, on one core 1)
  --list             print the files instead of running them

Lengths and seeds, from the environment:
${LENGTHS.map(([variable, meaning]) => `  ${variable.padEnd(22)} ${meaning}`).join('\n')}

With CI=true a test fails, instead of skipping, when a tool that it needs is missing.
`;

/** What a test file counts as; nothing for a *.fuzz.ts without tests, which its *.test.ts runs. */
export function kindsOf(path: string, text: string): Kind[] {
  const isTest = path.endsWith('.test.ts') || /from 'node:test'/.test(text);
  if (!isTest) return [];
  const kinds: Kind[] = [];
  if (/\.fuzz(\.test)?\.ts$/.test(path)) kinds.push('fuzz');
  if (/from 'fast-check'/.test(text)) kinds.push('property');
  return kinds.length > 0 ? kinds : ['unit'];
}

/** Paths from the root, sorted, of the test files of a kind that contain one of the filters. */
export function testFiles(filters: readonly string[], only?: Kind): string[] {
  const files: string[] = [];
  for (const path of globSync(TEST_FILES, { cwd: root, exclude: ['**/node_modules/**'] })) {
    const kinds = kindsOf(path, readFileSync(join(root, path), 'utf8'));
    if (only === undefined ? kinds.length === 0 : !kinds.includes(only)) continue;
    if (filters.length === 0 || filters.some((filter) => path.includes(filter))) files.push(path);
  }
  return files.toSorted();
}

interface Options {
  readonly filters: readonly string[];
  readonly only: Kind | undefined;
  readonly name: string | undefined;
  readonly coverage: boolean;
  readonly concurrency: number;
  readonly list: boolean;
}

/** Null: help was asked for and printed. */
function readOptions(args: readonly string[]): Options | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      name: { type: 'string' },
      coverage: { type: 'boolean', default: false },
      concurrency: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return null;
  }
  const only = KINDS.find((kind) => kind === values.only);
  if (values.only !== undefined && only === undefined) {
    throw new RangeError(`--only: expected ${KINDS.join(', ')}, was "${values.only}"`);
  }
  const concurrency = Number(
    values.concurrency ?? Math.min(CONCURRENCY_MAX, availableParallelism()),
  );
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new RangeError(
      `--concurrency: expected a whole number above 0, was "${values.concurrency}"`,
    );
  }
  const { name, coverage, list } = values;
  return { filters: positionals, only, name, coverage, concurrency, list };
}

/** Returns the exit code. */
export function runTests(args: readonly string[]): number {
  const options = readOptions(args);
  if (options === null) return 0;
  const files = testFiles(options.filters, options.only);
  if (files.length === 0)
    throw new RangeError(`no test file contains ${options.filters.join(' or ')}`);
  if (options.list) {
    process.stdout.write(`${files.join('\n')}\n`);
    return 0;
  }
  for (const variant of ['core', 'core.checked'] as const) buildCore(variant);
  const stale = outdated();
  if (stale.length > 0)
    throw new Error(`not what the schema says, run \`npm run generate\`: ${stale.join(', ')}`);

  const flags = [
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${options.concurrency}`,
    `--test-timeout=${TEST_TIMEOUT_MS}`,
  ];
  if (options.name !== undefined) flags.push(`--test-name-pattern=${options.name}`);
  if (options.coverage) {
    flags.push(
      '--experimental-test-coverage',
      '--test-coverage-include=src/**',
      '--test-coverage-exclude=**/*.{test,fuzz,bench,reference}.ts',
    );
  }
  const nodeFlags = ['--disable-warning=ExperimentalWarning', ...flags];
  const { status, error } = spawnSync(process.execPath, [...nodeFlags, ...files], {
    cwd: root,
    stdio: 'inherit',
  });
  if (error) throw error;
  return status ?? 1;
}

if (import.meta.main) {
  try {
    process.exitCode = runTests(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
