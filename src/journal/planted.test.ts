// Mistakes planted into the journal: each must make the tests of crash.fuzz.ts, damage.fuzz.ts or
// recovery.test.ts fail. What is planted stands here as the text to be replaced and what replaces
// it, in a copy of the folder: a change of the code that loses the place fails this test.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

interface Mistake {
  readonly what: string;
  readonly file: string;
  readonly right: string;
  readonly wrong: string;
  /** What must fail on it: a run below, or a test by its file and a part of its name. */
  readonly caughtBy: string;
}

const MISTAKES: readonly Mistake[] = [
  {
    what: 'the writer acknowledges before the sync',
    file: 'writer.ts',
    right: 'this.#segments.sync();\n    this.#durableSequence',
    wrong: 'this.#durableSequence',
    caughtBy: 'crashes',
  },
  {
    what: 'group commit acknowledges before the sync',
    file: 'group_commit.ts',
    right: 'this.#segments.sync();',
    wrong: '',
    caughtBy: 'crashes',
  },
  {
    what: 'what is gathered in memory counts as written',
    file: 'writer.ts',
    right: 'return this.#writtenSequence;',
    wrong: 'return this.#lastSequence;',
    caughtBy: 'crashes',
  },
  {
    what: 'the full segment is not synced before the next one begins',
    file: 'segment_writer.ts',
    right: 'this.sync();\n    this.#guard',
    wrong: 'this.#guard',
    caughtBy: 'crashes',
  },
  {
    what: 'the directory is not synced when a segment gets its name',
    file: 'segment_writer.ts',
    right: 'this.#storage.syncDirectory();',
    wrong: '',
    caughtBy: 'crashes',
  },
  {
    what: 'a segment gets its name before its header is on disk',
    file: 'segment_writer.ts',
    right: 'file.sync();\n    this.#storage.rename',
    wrong: 'this.#storage.rename',
    caughtBy: 'crashes',
  },
  {
    what: 'a sync that failed is asked for again',
    file: 'segment_writer.ts',
    right: 'file.sync();\n    } catch (error) {\n      throw this.#fail(error);',
    wrong: 'file.sync();\n    } catch {\n      file.sync();',
    caughtBy: 'errors',
  },
  {
    what: 'an error does not end the writer',
    file: 'segment_writer.ts',
    right: 'if (this.failed !== null) throw this.failed;',
    wrong: '',
    caughtBy: 'crash.test.ts: group commit',
  },
  {
    what: 'recovery does not write again what no record testifies to',
    file: 'recovery.ts',
    right: 'writeAgain(file, unprovenFrom, position.offset);',
    wrong: '',
    caughtBy: 'crashes',
  },
  {
    what: 'recovery does not sync what it found',
    file: 'recovery.ts',
    right: 'writeZeros(file, position.offset, file.bytes);\n      file.sync();',
    wrong: 'writeZeros(file, position.offset, file.bytes);',
    caughtBy: 'recovery.test.ts: a killed process had written',
  },
  {
    what: 'a torn tail is not cut, only passed over',
    file: 'recovery.ts',
    right: 'if (torn !== null || !stoppedCleanly) writeZeros(file, position.offset, file.bytes);',
    wrong: '',
    caughtBy: 'crashes',
  },
  {
    what: 'the tail is cut at any bad record',
    file: 'recovery.ts',
    right: 'if (behind.ackedSequence >= nextSequence) {',
    wrong: 'if (behind.ackedSequence < 0) {',
    caughtBy: 'bits',
  },
  {
    what: 'a damaged record without a missing sector is called torn',
    file: 'recovery.ts',
    right: 'if (fault !== RecordFault.End && !lacksSector(segment, offset))',
    wrong: 'if (fault < 0)',
    caughtBy: 'recovery.test.ts: lacks no sector',
  },
  {
    what: 'a bad record in the middle of the journal is passed over',
    file: 'recovery.ts',
    right: "if (!isLast) throw damaged('a later segment shows that it had been acknowledged');",
    wrong: '',
    caughtBy: 'recovery.test.ts: ends before the next one begins',
  },
  {
    what: 'what stands behind a hole is not looked at',
    file: 'recovery.ts',
    right: 'if (fault === RecordFault.End && behind.end <= offset) return null;',
    wrong: 'if (fault === RecordFault.End) return null;',
    caughtBy: 'bits',
  },
  {
    what: 'a whole record behind a hole is damage, acknowledged or not',
    file: 'recovery.ts',
    right: 'if (behind.ackedSequence >= nextSequence) {',
    wrong: 'if (behind.witness > 0) {',
    caughtBy: 'tears',
  },
  {
    what: 'records say that they are acknowledged themselves',
    file: 'writer.ts',
    right: 'this.#durableSequence,\n        this.#lastCrc,',
    wrong: 'this.#lastSequence,\n        this.#lastCrc,',
    caughtBy: 'tears',
  },
  {
    what: 'no check of the previous checksum',
    file: 'record.ts',
    right: 'if (view.getInt32(at + RECORD.previousCrc, true) !== previousCrc) return RecordFault.Previous;',
    wrong: 'if (previousCrc !== previousCrc) return RecordFault.Previous;',
    caughtBy: 'recovery.test.ts: of an earlier life',
  },
  {
    what: 'no salt',
    file: 'record.ts',
    right: 'return crcWord(crcWord(CRC_START, saltLow), saltHigh);',
    wrong: 'return crcWord(crcWord(CRC_START, saltLow & 0), saltHigh & 0);',
    caughtBy: 'recovery.test.ts: stale records of another segment',
  },
  {
    what: 'no check of the sequence',
    file: 'record.ts',
    right: 'if (getUint53(view, at + RECORD.sequence) !== sequence) return RecordFault.Sequence;',
    wrong: 'if (sequence !== sequence) return RecordFault.Sequence;',
    caughtBy: 'mutations',
  },
  {
    what: 'the checksum leaves out the length',
    file: 'record.ts',
    right: 'crcWords(crcWord(saltState, length), words, from, to)',
    wrong: 'crcWords(crcWord(saltState, length & 0), words, from, to)',
    caughtBy: 'record.test.ts: no bit of a record',
  },
  {
    what: 'no check that a segment follows the one before it',
    file: 'reader.ts',
    right: 'header.firstSequence !== this.#nextSequence || header.previousHash !== hash',
    wrong: 'hash < 0n',
    caughtBy: 'mutations',
  },
  {
    what: 'a snapshot is written over the old one in place',
    file: 'snapshot.ts',
    right: 'const temporary = name + TEMPORARY_SUFFIX;',
    wrong: "const temporary = 'snapshot-0000000000000001.snapshot';",
    caughtBy: 'snapshot.test.ts: a crash at any operation',
  },
  {
    what: 'a snapshot gets its name before it is on disk',
    file: 'snapshot.ts',
    right: 'file.sync();\n  } finally {',
    wrong: '} finally {',
    caughtBy: 'snapshot.test.ts: a crash at any operation',
  },
];

const folder = dirname(fileURLToPath(import.meta.url));
const SEEDS = 400;
const TIMEOUT_MS = 60_000;

/** Runs what should fail, on a copy with this mistake; returns what it said. */
function runOn(tree: string, caughtBy: string): { failed: boolean; output: string } {
  const journal = join(tree, 'src/journal');
  const loop = (file: string, call: string, seeds: number): string[] => [
    '--input-type=module',
    '--eval',
    `const { ${call} } = await import(${JSON.stringify(join(journal, file))});
     for (let seed = 1; seed <= ${seeds}; seed++) ${call}(seed, 6);`,
  ];
  const runs: Readonly<Record<string, string[]>> = {
    crashes: loop('crash.fuzz.ts', 'fuzzCrashes', SEEDS),
    errors: loop('crash.fuzz.ts', 'fuzzErrors', SEEDS),
    mutations: loop('damage.fuzz.ts', 'fuzzMutations', SEEDS),
    tears: loop('damage.fuzz.ts', 'tearBatch', 3),
    bits: [
      '--input-type=module',
      '--eval',
      `(await import(${JSON.stringify(join(journal, 'damage.fuzz.ts'))})).flipBits(4096, 1, 5);`,
    ],
  };
  const [file, name = ''] = caughtBy.split(': ');
  const args = runs[caughtBy] ?? ['--test', `--test-name-pattern=${name}`, join(journal, file)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  return { failed: status !== 0, output: stdout + stderr };
}

/** The folder with one place changed, beside links to the folders that it imports. */
function plant(tree: string, mistake: Mistake | null): void {
  const source = join(folder, '..');
  mkdirSync(join(tree, 'src'));
  for (const beside of ['base', 'book', 'os', 'wire']) {
    symlinkSync(join(source, beside), join(tree, 'src', beside));
  }
  symlinkSync(join(source, '../package.json'), join(tree, 'package.json'));
  cpSync(folder, join(tree, 'src/journal'), { recursive: true });
  if (mistake === null) return;
  const path = join(tree, 'src/journal', mistake.file);
  const text = readFileSync(path, 'utf8');
  const places = text.split(mistake.right).length - 1;
  assert.equal(places, 1, `${mistake.file} has "${mistake.right}" once`);
  writeFileSync(path, text.replace(mistake.right, () => mistake.wrong));
}

function withTree(mistake: Mistake | null, use: (tree: string) => void): void {
  const tree = mkdtempSync(join(tmpdir(), 'outcry-planted-'));
  try {
    plant(tree, mistake);
    use(tree);
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

test('the copy without a mistake passes', () => {
  withTree(null, (tree) => {
    for (const caughtBy of new Set(MISTAKES.map((mistake) => mistake.caughtBy))) {
      const { failed, output } = runOn(tree, caughtBy);
      assert.ok(!failed, `${caughtBy}: ${output}`);
    }
  });
});

for (const mistake of MISTAKES) {
  test(`planted: ${mistake.what}`, () => {
    withTree(mistake, (tree) => {
      const { failed, output } = runOn(tree, mistake.caughtBy);
      assert.ok(failed, `${mistake.caughtBy} did not notice`);
      assert.doesNotMatch(output, /SyntaxError|ERR_MODULE_NOT_FOUND/, 'it runs, wrongly');
    });
  });
}
