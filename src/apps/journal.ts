// `outcry journal`: looks at a journal; only `give-up` changes one.
//
//   verify DIR    every byte checked: whole, torn at the end, or damaged, and where
//   show DIR      records and commands as lines
//   export DIR    the same into a file: CSV, JSON lines, Parquet
//   order DIR ID  what became of an order, found by running the commands again
//   view DIR      any instant of it, in a browser
//   give-up DIR   ends a damaged journal before its damage, for whoever may decide that
//
// A journal that is being written ends where the writing stands, and its end may look torn.
// Exit codes: 0; 1 damaged (verify), or what was asked for is not there.
import { Command, InvalidArgumentError, Option } from 'commander';
import { giveUpFrom } from '../journal/give_up.ts';
import { JournalDamagedError, type JournalEnd } from '../journal/reader.ts';
import { RECORD_FAULT_TEXT, RecordFault } from '../journal/record.ts';
import { journalTypeOf, journalTypes } from '../journal/record_types.ts';
import { type Examination, examine } from '../journal/recovery.ts';
import { listSnapshots, readSnapshot } from '../journal/snapshot.ts';
import type { Storage } from '../journal/storage.ts';
import { journalIn } from './journal_directory.ts';
import { JOURNAL_TABLE } from './journal_export.ts';
import { orderLives } from './journal_order.ts';
import {
  type JournalFilter,
  JournalRows,
  rowJson,
  rowText,
  timeText,
} from './journal_rows.ts';
import { formatOf, jsonValue, openSink, ROW_FORMATS, type RowFormat } from './row_file.ts';
import { viewCommand } from './journal_view.ts';
import { grouped, printResult, Progress, type VerbResult } from './progress.ts';
import { counted } from './shown_text.ts';

const U32_MAX = 0xffff_ffff;

interface FilterFlags {
  readonly type?: number[];
  readonly from?: number;
  readonly to?: number;
  readonly since?: number;
  readonly until?: number;
  readonly client?: number;
  readonly order?: bigint;
  readonly json?: boolean;
}

interface ShowFlags extends FilterFlags {
  readonly limit?: number;
}

interface ExportFlags extends FilterFlags {
  readonly format?: RowFormat;
  readonly out?: string;
}

export function journalCommand(): Command {
  return new Command('journal')
    .description('Looks at a journal: checks it, shows it, exports it, tells the life of an order.')
    .addCommand(finished(verifyCommand(), 'outcry journal verify data/journal'))
    .addCommand(finished(showCommand(), SHOW_EXAMPLES))
    .addCommand(finished(exportCommand(), EXPORT_EXAMPLES))
    .addCommand(finished(orderCommand(), 'outcry journal order data/journal 77 --client 1'))
    .addCommand(finished(viewCommand(), 'outcry journal view data/journal'))
    .addCommand(finished(giveUpCommand(), 'outcry journal give-up data/journal --from 123456'));
}

const SHOW_EXAMPLES = `outcry journal show data/journal --type config,session
  outcry journal show data/journal --client 7 --since 2026-11-21T09:30:00Z
  outcry journal show data/journal --from 1000 --limit 20 --json`;
const EXPORT_EXAMPLES = `outcry journal export data/journal --out audit.parquet
  outcry journal export data/journal --client 7 --out client_7.csv
  outcry journal export data/journal --format jsonl | jq .order_id`;

function finished(command: Command, examples: string): Command {
  return command
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError(`(outcry journal ${command.name()} --help explains it)`)
    .addHelpText('after', `\nExamples:\n  ${examples}`);
}

const JSON_OPTION = 'the last line of the output is the result as one JSON object';

// ── verify ───────────────────────────────────────────────────────────────────────────────────

function verifyCommand(): Command {
  return new Command('verify')
    .description('reads every byte of a journal and of its snapshots; nothing is changed')
    .argument('<directory>')
    .option('--json', JSON_OPTION)
    .action((directory: string, flags: { json?: boolean }) => {
      printResult(verifyJournal(journalIn(directory)), flags.json ?? false);
    });
}

export function verifyJournal(storage: Storage): VerbResult {
  const progress = new Progress();
  const examination = examine(storage, {
    onProgress: (segment, segments, sequence) =>
      progress.show(`segment ${segment} of ${segments}, sequence ${grouped(sequence)}`),
  });
  progress.clear();
  const snapshots = listSnapshots(storage).map((sequence) => {
    const snapshot = readSnapshot(storage, sequence);
    return { sequence, fault: typeof snapshot === 'string' ? snapshot : null };
  });
  const { verdict, damage, torn, dirt } = examination;
  const ok = verdict !== 'damaged' && snapshots.every(({ fault }) => fault === null);
  const { firstSequence, lastSequence, segments, records, stoppedCleanly } = examination;
  return {
    ok,
    lines: verifyLines(storage.name, examination, snapshots),
    json: {
      directory: storage.name,
      verdict,
      segments,
      records,
      firstSequence,
      lastSequence,
      stoppedCleanly,
      torn,
      dirt,
      damage: damage === null ? null : damageJson(damage),
      snapshots,
    },
  };
}

function damageJson({ message, file, offset, sequence }: JournalDamagedError): object {
  return { message, file, offset, sequence };
}

function verifyLines(
  where: string,
  examination: Examination,
  snapshots: readonly { sequence: number; fault: string | null }[],
): string[] {
  const { verdict, segments, records, firstSequence, lastSequence } = examination;
  if (verdict === 'empty') return [`${where}: a journal without a record`];
  const lines = [
    `${counted(segments, 'segment')}, ${counted(records, 'record')}, sequences ` +
      `${grouped(firstSequence)} to ${grouped(lastSequence)}`,
  ];
  for (const { file, offset, bytes, reason } of examination.dirt) {
    lines.push(`${file}: ${grouped(bytes)} bytes at offset ${offset} are no records: ${reason}`);
  }
  for (const { sequence, fault } of snapshots) {
    lines.push(`snapshot of ${grouped(sequence)}: ${fault === null ? 'whole' : `damaged: ${fault}`}`);
  }
  lines.push(endLine(examination));
  return lines;
}

function endLine({ damage, torn, stoppedCleanly }: Examination): string {
  if (damage !== null) {
    return (
      `${damage.message}. Where what begins there may be given up: outcry journal give-up DIR ` +
      `--from ${damage.sequence} (it is kept aside)`
    );
  }
  if (torn !== null) {
    return (
      `torn at the end, to be cut at the next start: ${torn.file}, ${grouped(torn.bytes)} bytes at ` +
      `offset ${torn.offset} (${torn.reason}); none of it had been acknowledged, or its writer is at work`
    );
  }
  return stoppedCleanly
    ? 'whole; its last writer ended in good order'
    : 'whole; without the last record of an end in good order: a crash, or its writer is at work';
}

// ── show ─────────────────────────────────────────────────────────────────────────────────────

function showCommand(): Command {
  const command = new Command('show')
    .description('records and commands as lines; with --json each as an object of JSON')
    .argument('<directory>')
    .option('--limit <n>', 'lines at most', integerOption(1, Number.MAX_SAFE_INTEGER));
  return withFilters(command).action((directory: string, flags: ShowFlags) => {
    const json = flags.json ?? false;
    const { limit = Infinity } = flags;
    const rows = new JournalRows(journalIn(directory), filterOf(flags));
    for (const row of rows.all()) {
      console.log(json ? JSON.stringify(rowJson(row), jsonValue) : rowText(row));
      if (rows.rows >= limit) break;
    }
    printResult(readingOf(rows, directory), json);
  });
}

/** How a reading ended: with what is wrong, when something is. */
function readingOf(rows: JournalRows, directory: string): VerbResult {
  const { reader, records } = rows;
  const fault = reader.ended ? faultOf(reader.end) : null;
  reader.close();
  return {
    ok: fault === null,
    lines: fault === null ? [] : [`${fault}; outcry journal verify ${directory} says what it means`],
    json: { records, rows: rows.rows, fault },
  };
}

function faultOf({ fault, isLast, offset, segment, nextSequence }: JournalEnd): string | null {
  if (fault === RecordFault.End && isLast) return null;
  return (
    `the reading ended before sequence ${nextSequence}, at offset ${offset} of ` +
    `${segment.file.name}: ${RECORD_FAULT_TEXT[fault]}`
  );
}

// ── export ───────────────────────────────────────────────────────────────────────────────────

function exportCommand(): Command {
  const command = new Command('export')
    .description('one row for each command and each other record, into a file or to stdout')
    .argument('<directory>')
    .addOption(
      new Option('--format <name>', 'default: what the ending of --out says, or csv').choices(
        ROW_FORMATS,
      ),
    )
    .option('--out <file>', 'appears when it is whole (default: stdout)');
  return withFilters(command).action(async (directory: string, flags: ExportFlags) => {
    const { out = null, json = false } = flags;
    const format = flags.format ?? formatOf(out);
    printResult(await exportJournal(journalIn(directory), filterOf(flags), format, out), json);
  });
}

export async function exportJournal(
  storage: Storage,
  filter: JournalFilter,
  format: RowFormat,
  out: string | null,
): Promise<VerbResult> {
  const progress = new Progress();
  const rows = new JournalRows(storage, filter, (sequence) =>
    progress.show(`sequence ${grouped(sequence)}, ${grouped(rows.rows)} rows`),
  );
  const sink = await openSink(JOURNAL_TABLE, format, out);
  try {
    for (const row of rows.all()) {
      const pending = sink.write(row);
      if (pending !== undefined) await pending;
    }
    await sink.close();
  } catch (error) {
    sink.abandon();
    throw error;
  }
  progress.clear();
  const reading = readingOf(rows, storage.name);
  if (out === null) return { ...reading, lines: [] };
  return {
    ok: reading.ok,
    lines: [`${grouped(rows.rows)} rows in ${out}`, ...reading.lines],
    json: { ...reading.json, format, file: out },
  };
}

// ── order ────────────────────────────────────────────────────────────────────────────────────

function orderCommand(): Command {
  return new Command('order')
    .description("what became of a client's order: all commands are run again, from the first")
    .argument('<directory>')
    .argument('<id>', "the client's order id", idOption)
    .option('--client <n>', 'of this client only', integerOption(0, U32_MAX))
    .option('--json', JSON_OPTION)
    .action((directory: string, id: bigint, flags: { client?: number; json?: boolean }) => {
      const result = orderOf(journalIn(directory), id, flags.client ?? null);
      printResult(result, flags.json ?? false);
    });
}

export function orderOf(storage: Storage, id: bigint, client: number | null): VerbResult {
  const progress = new Progress();
  const lives = orderLives(storage, id, client, (sequence) =>
    progress.show(`sequence ${grouped(sequence)}`),
  );
  progress.clear();
  const lines: string[] = [];
  for (const life of lives) {
    lines.push(`order ${id} of client ${life.client}: ${grouped(life.executed)} executed`);
    for (const step of life.steps) {
      lines.push(`${String(step.sequence).padStart(10)}  ${timeText(step)}  ${step.text}`);
    }
  }
  const ok = lives.length > 0;
  if (!ok) {
    lines.push(`no order ${id}${client === null ? '' : ` of client ${client}`} in ${storage.name}`);
  }
  const json = { order: String(id), lives };
  return { ok, lines, json: JSON.parse(JSON.stringify(json, jsonValue)) as object };
}

// ── give-up ──────────────────────────────────────────────────────────────────────────────────

function giveUpCommand(): Command {
  return new Command('give-up')
    .description('ends a damaged journal before its damage; what is given up is kept in files beside it')
    .argument('<directory>')
    .requiredOption(
      '--from <sequence>',
      'the sequence at which it is damaged, as verify says it',
      integerOption(0, Number.MAX_SAFE_INTEGER),
    )
    .option('--json', JSON_OPTION)
    .action((directory: string, flags: { from: number; json?: boolean }) => {
      const storage = journalIn(directory);
      storage.lock();
      try {
        printResult(giveUp(storage, flags.from), flags.json ?? false);
      } finally {
        storage.close();
      }
    });
}

export function giveUp(storage: Storage, from: number): VerbResult {
  const { keptAs, recovered } = giveUpFrom(storage, from);
  const { lastSequence } = recovered;
  return {
    ok: true,
    lines: [
      `the journal in ${storage.name} ends with sequence ${grouped(lastSequence)} now`,
      ...keptAs.map((name) => `kept: ${name}`),
    ],
    json: { lastSequence, keptAs },
  };
}

// ── options ──────────────────────────────────────────────────────────────────────────────────

function withFilters(command: Command): Command {
  return command
    .option('--type <names>', 'of these types only, separated by commas', typesOption)
    .option('--from <sequence>', 'from this record on', integerOption(1, Number.MAX_SAFE_INTEGER))
    .option('--to <sequence>', 'up to this record', integerOption(1, Number.MAX_SAFE_INTEGER))
    .option('--since <time>', 'from this wall-clock time on, as 2026-11-21T09:30:00Z', timeOption)
    .option('--until <time>', 'up to this wall-clock time', timeOption)
    .option('--client <n>', "this client's commands and sessions", integerOption(0, U32_MAX))
    .option('--order <id>', "commands on a client's order id", idOption)
    .option('--json', JSON_OPTION);
}

function filterOf(flags: FilterFlags): JournalFilter {
  const { type, from, to, since, until, client, order } = flags;
  return {
    ...(type !== undefined && { types: new Set(type) }),
    ...(from !== undefined && { fromSequence: from }),
    ...(to !== undefined && { toSequence: to }),
    ...(since !== undefined && { sinceMs: since }),
    ...(until !== undefined && { untilMs: until }),
    ...(client !== undefined && { client }),
    ...(order !== undefined && { order }),
  };
}

function typesOption(text: string): number[] {
  return text.split(',').map((name) => {
    const type = journalTypeOf(name.trim());
    if (type !== null) return type;
    const known = journalTypes().map(([, one]) => one).join(', ');
    throw new InvalidArgumentError(`expected some of ${known}; was "${name.trim()}"`);
  });
}

function timeOption(text: string): number {
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(ms)) {
    throw new InvalidArgumentError(`expected a time such as 2026-11-21T09:30:00Z, was "${text}"`);
  }
  return ms;
}

function idOption(text: string): bigint {
  const id = /^\d{1,20}$/.test(text) ? BigInt(text) : -1n;
  if (id < 0n || id >= 2n ** 64n) {
    throw new InvalidArgumentError(`expected an integer 0 … 2^64 − 1, was "${text}"`);
  }
  return id;
}

function integerOption(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`expected an integer ${min} … ${max}, was "${text}"`);
    }
    return value;
  };
}
