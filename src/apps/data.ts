// `outcry data`: recordings of real markets: fetch, look at, check, convert.
//
//   get URL|PATH       a copy with its checksum; appears when it is whole
//   info FILE          what it is, what is in it, and whether it holds: books rebuilt from it and checked against what the
//                      recording itself knows
//   convert FILE OUT   rows of one shape, whatever it was: Parquet, CSV, JSON lines
//
// Formats: NASDAQ ITCH 5.0, Databento DBN 1 – 3, Binance streams as received, LOBSTER messages; each as it is or packed
// with gzip or zstd. Exit code 1: what the recording says does not hold.
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, existsSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { RECORDING_FORMATS, formatOfRecording, type RecordingFormat } from '../recorded/recording_format.ts';
import { RecordingError } from '../recorded/recording_source.ts';
import { examineRecording, type RecordingReport } from './data_report.ts';
import { recordingRows, RECORDING_TABLE } from './data_rows.ts';
import { grouped, printResult, Progress, type VerbResult } from './progress.ts';
import { formatOf, openSink, ROW_FORMATS, type RowFormat } from './row_file.ts';

const EXAMPLES = `
Examples:
  outcry data info es_mbo.dbn.zst
  outcry data info 01302020.NASDAQ_ITCH50.gz --symbol AAPL,MSFT
  outcry data convert es_mbo.dbn.zst es.parquet
  outcry data get https://example.com/day.itch.gz --sha256 9f86d0…`;

interface InfoFlags {
  readonly as?: RecordingFormat;
  readonly symbol?: string[];
  readonly levels: number;
  readonly json?: boolean;
}

interface ConvertFlags {
  readonly as?: RecordingFormat;
  readonly format?: RowFormat;
  readonly symbol?: string[];
  readonly json?: boolean;
}

interface GetFlags {
  readonly to?: string;
  readonly sha256?: string;
  readonly json?: boolean;
}

export function dataCommand(): Command {
  return new Command('data')
    .description('recordings of real markets: fetch, look at, check, convert')
    .addCommand(getCommand())
    .addCommand(infoCommand())
    .addCommand(convertCommand())
    .addHelpText('after', EXAMPLES);
}

function verb(name: string): Command {
  return new Command(name).exitOverride().showSuggestionAfterError()
    .showHelpAfterError(`(outcry data ${name} --help explains it)`).option('--json', 'the result as one JSON object');
}

function withSource(command: Command): Command {
  return command
    .argument('<file>', 'recording, as it is or packed with gzip or zstd')
    .addOption(new Option('--as <format>', 'default: told from its first bytes').choices(RECORDING_FORMATS))
    .option('--symbol <names>', 'only these (ITCH), separated by commas', symbolsOption);
}

function symbolsOption(text: string): string[] {
  const symbols = text.split(',').map((symbol) => symbol.trim()).filter((symbol) => symbol !== '');
  if (symbols.length === 0) throw new InvalidArgumentError('expected symbols such as AAPL,MSFT');
  return symbols;
}

/** The recording's format; throws with what there is to do when none is known. */
async function formatFor(path: string, as: RecordingFormat | undefined): Promise<RecordingFormat> {
  if (!existsSync(path)) throw new Error(`${path}: no such file; \`outcry data get\` fetches recordings`);
  if (!statSync(path).isFile()) throw new Error(`${path}: expected a file`);
  const format = as ?? (await formatOfRecording(path));
  if (format !== null) return format;
  throw new RecordingError(path, 0, `expected a recording (${RECORDING_FORMATS.join(', ')}), was none that is known; --as FORMAT names it`);
}

// ── info ───────────────────────────────────────────────────────────────────────────────────────────

function infoCommand(): Command {
  return withSource(verb('info').description('what a recording is and holds, its books rebuilt and checked'))
    .option('--levels <n>', 'levels of the last books to show', levelsOption, 3)
    .action(async (path: string, flags: InfoFlags) => {
      const format = await formatFor(path, flags.as);
      const progress = new Progress();
      const report = await examineRecording(path, format, {
        ...(flags.symbol === undefined ? {} : { symbols: flags.symbol }), levels: flags.levels,
        onProgress: (done, messages) => progress.show(`${percent(done)}, ${grouped(messages)} messages`),
      });
      progress.clear();
      printResult(resultOf(report), flags.json ?? false);
    });
}

function levelsOption(text: string): number {
  const levels = Number(text);
  if (!Number.isInteger(levels) || levels < 0 || levels > 1_000) throw new InvalidArgumentError('expected 0 … 1000');
  return levels;
}

function percent(fraction: number): string {
  return `${Math.floor(fraction * 100)} %`;
}

function resultOf(report: RecordingReport): VerbResult {
  const width = Math.max(...report.lines.map(([name]) => name.length));
  const lines = report.lines.map(([name, text]) => `${name.padEnd(width)}  ${text}`);
  return {
    ok: report.faults.length === 0,
    lines: [...lines, ...report.faults.map((fault) => `DOES NOT HOLD: ${fault}`)],
    json: { ...report.json, faults: report.faults },
  };
}

// ── convert ────────────────────────────────────────────────────────────────────────────────────────

function convertCommand(): Command {
  return withSource(verb('convert').description('rows of one shape into a file: Parquet, CSV, JSON lines'))
    .argument('<out>', 'appears when it is whole')
    .addOption(new Option('--format <name>', 'default: what the ending of <out> says, or csv').choices(ROW_FORMATS))
    .action(async (path: string, out: string, flags: ConvertFlags) => {
      const recording = await formatFor(path, flags.as);
      const format = flags.format ?? formatOf(out);
      const progress = new Progress();
      const sink = await openSink(RECORDING_TABLE, format, out);
      let rows = 0;
      try {
        for await (const portion of recordingRows(path, recording, flags.symbol)) {
          for (const row of portion.rows) {
            const pending = sink.write(row);
            if (pending !== undefined) await pending;
          }
          rows += portion.rows.length;
          progress.show(`${percent(portion.done)}, ${grouped(rows)} rows`);
        }
        await sink.close();
      } catch (error) {
        sink.abandon();
        throw error;
      }
      progress.clear();
      const bytes = statSync(out).size;
      printResult({
        ok: true, lines: [`${grouped(rows)} rows in ${out}, ${grouped(bytes)} bytes`],
        json: { rows, file: out, format, recording, bytes },
      }, flags.json ?? false);
    });
}

// ── get ────────────────────────────────────────────────────────────────────────────────────────────

function getCommand(): Command {
  return verb('get').description('fetch a recording: a URL, or a file that is somewhere else')
    .argument('<source>', 'https://…, http://… or a path')
    .option('--to <path>', 'file or folder (default: its own name, here)')
    .option('--sha256 <hex>', 'what its checksum must be', checksumOption)
    .action(async (source: string, flags: GetFlags) => {
      const result = await getRecording(source, flags.to, flags.sha256 ?? null);
      printResult(result, flags.json ?? false);
    });
}

function checksumOption(text: string): string {
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new InvalidArgumentError('expected 64 hexadecimal digits');
  return text.toLowerCase();
}

interface Opened {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** null: the server does not say. */
  readonly total: number | null;
}

async function open(source: string): Promise<Opened> {
  if (!/^https?:\/\//.test(source)) {
    if (!existsSync(source)) throw new Error(`${source}: expected a URL or a file, was neither`);
    return { bytes: createReadStream(source) as AsyncIterable<Uint8Array>, total: statSync(source).size };
  }
  let response: Response;
  try {
    // Bytes as they are on the server: a packed recording stays packed.
    response = await fetch(source, { headers: { 'accept-encoding': 'identity' } });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(`${source}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause: error });
  }
  if (!response.ok || response.body === null) {
    throw new Error(`${source}: expected the file, was status ${response.status} ${response.statusText}`.trimEnd());
  }
  const length = response.headers.get('content-length');
  return { bytes: response.body as AsyncIterable<Uint8Array>, total: length === null ? null : Number(length) };
}

function targetOf(source: string, to: string | undefined): string {
  const name = basename(/^https?:\/\//.test(source) ? new URL(source).pathname : source);
  if (to !== undefined && !(existsSync(to) && statSync(to).isDirectory())) return to;
  if (name === '' || name === '.' || name === '..') throw new Error(`${source}: has no file name; --to FILE gives one`);
  return join(to ?? '.', name);
}

/** Copies `source`; the file appears when it is whole and its checksum is right. */
export async function getRecording(
  source: string, to: string | undefined, sha256: string | null,
): Promise<VerbResult> {
  const target = targetOf(source, to);
  if (resolve(source) === resolve(target) && existsSync(source)) throw new Error(`${target}: is the source itself; --to FILE names another`);
  const { bytes, total } = await open(source);
  const part = `${target}.part`;
  const progress = new Progress();
  const hash = createHash('sha256');
  const fd = openSync(part, 'w');
  let size = 0;
  try {
    for await (const piece of bytes) {
      hash.update(piece);
      for (let done = 0; done < piece.length;) done += writeSync(fd, piece, done);
      size += piece.length;
      progress.show(`${grouped(size)} bytes${total === null ? '' : `, ${percent(size / Math.max(1, total))}`}`);
    }
    progress.clear();
    if (total !== null && size !== total) throw new Error(`${source}: expected ${grouped(total)} bytes, was cut off after ${grouped(size)}`);
    const digest = hash.digest('hex');
    if (sha256 !== null && digest !== sha256) throw new Error(`${source}: expected SHA-256 ${sha256}, was ${digest}; nothing was kept`);
    renameSync(part, target);
    const format = await formatOfRecording(target);
    return {
      ok: true,
      lines: [`${target}: ${grouped(size)} bytes, SHA-256 ${digest}`, `format: ${format ?? 'none that is known'}`],
      json: { file: target, bytes: size, sha256: digest, format },
    };
  } catch (error) {
    progress.clear();
    rmSync(part, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

