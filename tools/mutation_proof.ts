// Do the tests notice the mistakes that they are there for? Each mutation of mutations.ts is one of
// those mistakes, made on purpose in a copy of the sources:
//
//   tree ─► copy in a temporary folder ─► its tests: what fails already proves nothing, and is left out
//              for each mutation:  replace the text ─► compile the core ─► run its tests ─► put it back
//
//   caught     a test failed: named in the report
//   survived   none did: a test is missing, or the mutation changes nothing that anybody could see
//   broken     it does not compile or load, so it says nothing about the tests
//
// node bin/node26.mjs tools/mutation_proof.ts [--only ROW] [--list] [--json]
//
// Every run has a folder of its own, so several may run at once; one that is interrupted leaves it. What is printed last is the table;
// the exit code is 0 only when every mutation was caught. Cost: seconds a mutation, in the core as
// many more to compile it. A text that is not there exactly once is a fault of the table; the test beside
// this file looks for that.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MUTATIONS, type Mutation } from './mutations.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** At the top of the tree: what is made from the sources, or not needed to test them. */
const NOT_COPIED = new Set(['.git', 'build', 'coverage', 'dist', 'node_modules']);
/** A mutation may make a test wait for ever; the longest without one takes some ten seconds. */
const TEST_TIMEOUT_MS = 90_000;
const NAMES_SHOWN = 3;

/** What tools/build_core.ts says. */
const CORE_FAULT = 'the core did not compile';

/** The mutation is no program: nobody can say whether a test would notice. */
class MutationFault extends Error {}

export type Verdict = 'caught' | 'survived' | 'broken';

export interface Outcome {
  readonly row: number;
  readonly file: string;
  readonly what: string;
  readonly verdict: Verdict;
  /** Tests that failed, or why it says nothing. */
  readonly by: readonly string[];
  readonly seconds: number;
}

/** The text with the mutation in it. Throws when what it replaces is not there exactly once. */
export function mutate(text: string, { row, file, find, replace }: Mutation): string {
  const times = text.split(find).length - 1;
  if (times !== 1) {
    throw new Error(`mutation of row ${row}, ${file}: expected its text once, was ${times} times:\n${find}`);
  }
  return text.replace(find, () => replace);
}

/** Names of the tests that failed, from the runner's TAP; a file that cannot be loaded is named as a test. */
export function failedTests(tap: string): string[] {
  const names: string[] = [];
  for (const line of tap.split('\n')) {
    const name = /^\s*not ok \d+ - (.*)$/.exec(line)?.[1];
    if (name !== undefined) names.push(name.replaceAll('\\#', '#').replaceAll('\\\\', '\\'));
  }
  return names;
}

/** A tree to make mistakes in. */
class Copy {
  readonly path: string;

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), 'outcry-mutations-'));
    cpSync(root, this.path, {
      recursive: true,
      filter: (from) => dirname(from) !== root || !NOT_COPIED.has(basename(from)),
    });
    symlinkSync(realpathSync(join(root, 'node_modules')), join(this.path, 'node_modules'), 'junction');
  }

  /** Names of what fails. The tests compile the core when it has changed, and only the variant that they use. */
  test(files: readonly string[]): string[] {
    const { status, stdout, stderr } = this.#node([
      '--test', '--test-reporter=tap', '--test-concurrency=1', `--test-timeout=${TEST_TIMEOUT_MS}`, ...files,
    ]);
    if (stdout.includes(CORE_FAULT)) throw new MutationFault(CORE_FAULT);
    const failed = failedTests(stdout);
    const unloaded = failed.filter((name) => files.includes(name));
    if (unloaded.length > 0) throw new MutationFault(`not loaded, or not ended: ${unloaded.join(', ')}`);
    if (status !== 0 && failed.length === 0) throw new Error(`the tests did not run: ${stderr}`);
    return failed;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  #node(args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
    // Of a runner, which this may be the child of, the tests in the copy must not know.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    return spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
      cwd: this.path, env, encoding: 'utf8', maxBuffer: 2 ** 28,
    });
  }
}

/**
 * What the tests say to one mutation, but for those that fail without it; the copy is afterwards as it was.
 */
function judge(copy: Copy, mutation: Mutation, failing: ReadonlySet<string>): Outcome {
  const { row, file, what, tests } = mutation;
  const started = performance.now();
  const path = join(copy.path, file);
  const before = readFileSync(path, 'utf8');
  const after = mutate(before, mutation);
  let by: readonly string[] = [];
  let verdict: Verdict = 'broken';
  writeFileSync(path, after);
  try {
    by = copy.test(tests).filter((name) => !failing.has(name));
    verdict = by.length > 0 ? 'caught' : 'survived';
  } catch (error) {
    if (!(error instanceof MutationFault)) throw error;
    by = [error.message];
  } finally {
    writeFileSync(path, before);
  }
  const seconds = (performance.now() - started) / 1000;
  return { row, file, what, verdict, by, seconds };
}

/** Tells of each as it is judged, and first of the tests that fail without any mutation. */
export function prove(
  mutations: readonly Mutation[], tell: (outcome: Outcome) => void, tellFailing: (name: string) => void,
): Outcome[] {
  // Those of the core last: between two others it would be compiled once more.
  const inCore = (mutation: Mutation): number => Number(mutation.file.startsWith('core/'));
  const ordered = mutations.toSorted((a, b) => inCore(a) - inCore(b));
  const copy = new Copy();
  try {
    const failing = new Set(copy.test([...new Set(ordered.flatMap(({ tests }) => tests))]));
    for (const name of failing) tellFailing(name);
    const outcomes: Outcome[] = [];
    for (const mutation of ordered) {
      const outcome = judge(copy, mutation, failing);
      outcomes.push(outcome);
      tell(outcome);
    }
    return outcomes.toSorted((a, b) => a.row - b.row);
  } finally {
    copy.remove();
  }
}

function lineOf({ row, file, what, verdict, by, seconds }: Outcome): string {
  const more = by.length > NAMES_SHOWN ? ` … (${by.length})` : '';
  const tests = by.slice(0, NAMES_SHOWN).map((name) => `\n        ${name}`).join('');
  return `${verdict.padEnd(8)} ${String(row).padStart(2)}  ${what} [${file}, ${seconds.toFixed(1)} s]${tests}${more}\n`;
}

function tableOf(outcomes: readonly Outcome[]): string {
  const rows = Map.groupBy(outcomes, ({ row }) => row);
  let text = '\nrow  caught  of\n';
  for (const [row, all] of rows) {
    const caught = all.filter(({ verdict }) => verdict === 'caught').length;
    text += `${String(row).padStart(3)}  ${String(caught).padStart(6)}  ${String(all.length).padStart(2)}${caught < all.length ? '  ←' : ''}\n`;
  }
  const caught = outcomes.filter(({ verdict }) => verdict === 'caught').length;
  return `${text}${caught} of ${outcomes.length} mutations of ${rows.size} known mistakes caught\n`;
}

/** Returns the exit code. */
function main(args: string[]): number {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      list: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const rows = new Set(values.only.map(Number));
  for (const row of rows) {
    if (!MUTATIONS.some((mutation) => mutation.row === row)) {
      throw new RangeError(`--only: expected a row of the known mistakes, was "${values.only.join(' ')}"`);
    }
  }
  const chosen = MUTATIONS.filter(({ row }) => rows.size === 0 || rows.has(row));
  if (values.list) {
    for (const { row, file, what } of chosen) process.stdout.write(`${String(row).padStart(2)}  ${what} [${file}]\n`);
    return 0;
  }
  const outcomes = prove(
    chosen,
    (outcome) => {
      if (!values.json) process.stdout.write(lineOf(outcome));
    },
    (name) => process.stderr.write(`fails without a mutation and is left out: ${name}\n`),
  );
  process.stdout.write(values.json ? `${JSON.stringify(outcomes, null, 2)}\n` : tableOf(outcomes));
  return outcomes.every(({ verdict }) => verdict === 'caught') ? 0 : 1;
}

if (import.meta.main) {
  try {
    process.exitCode = main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
