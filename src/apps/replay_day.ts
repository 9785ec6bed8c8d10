// `outcry replay itch`, `dbn` and `binance`: one instrument of a recorded day through a book, compared with the recorded one,
// or as orders into a running exchange.
import { Command } from 'commander';
import type { ConnectOptions } from '../net/transport.ts';
import { BinanceFlow } from '../recorded/binance_flow.ts';
import { type BinanceCheck, binanceThroughEngine, type DayCheck, type DayFlow, throughEngine } from '../recorded/day_flow.ts';
import { DbnFlow } from '../recorded/dbn_flow.ts';
import { ItchFlow } from '../recorded/itch_flow.ts';
import { grouped, listed, printResult, Progress, type VerbResult } from './progress.ts';
import { checkReadable, type CommonFlags, finished, integerOption, withSendOptions } from './replay_options.ts';
import { sendFlow } from './send_flow.ts';

const ITCH_EXAMPLES = `
Examples:
  outcry replay itch 01302019.NASDAQ_ITCH50.gz --symbol AAPL
  outcry replay itch 01302019.NASDAQ_ITCH50.gz --symbol AAPL --to 127.0.0.1:12345 --speed 10x`;
const DBN_EXAMPLES = `
Examples:
  outcry replay dbn es_mbo.dbn.zst
  outcry replay dbn es_mbo.dbn.zst --instrument 17077 --to 127.0.0.1:12345 --speed 100x`;
const BINANCE_EXAMPLES = `
Examples:
  outcry replay binance btcusdt.gz
  outcry replay binance btcusdt.gz --symbol BTCUSDT --to 127.0.0.1:12345 --speed 10x

Lines are "nanoseconds message", as received: a depth snapshot, differences and trades.
Without --to every book on the way is compared, all its levels: seconds for a minute of recording.`;

interface ItchFlags extends CommonFlags {
  symbol: string;
  priceDecimals: number;
}

interface DbnFlags extends CommonFlags {
  instrument?: number;
  priceDecimals: number;
}

interface BinanceFlags extends CommonFlags {
  symbol?: string;
  priceDecimals: number;
  qtyDecimals: number;
}

export function itchCommand(): Command {
  const command = new Command('itch')
    .description('one stock of an ITCH 5.0 recording: through the book and compared, or to an exchange (--to)')
    .argument('<recording>', 'as it is, or packed with gzip or zstd')
    .requiredOption('--symbol <name>', 'the stock')
    .option('--price-decimals <n>', "decimals of the instrument's price at the exchange", integerOption(0, 4), 2);
  return finished(withSendOptions(command), ITCH_EXAMPLES).action(async (path: string, flags: ItchFlags) => {
    checkReadable(path);
    await replayDay(await readDay((onProgress) => ItchFlow.read({ ...flags, path, onProgress })), flags);
  });
}

export function dbnCommand(): Command {
  const command = new Command('dbn')
    .description('one instrument of a DBN recording, market by order: through the book and compared, or to an exchange (--to)')
    .argument('<recording>', 'as it is, or packed with zstd')
    .option('--instrument <id>', 'by its number in the recording (default: the first)', integerOption(0, 0xffff_ffff))
    .option('--price-decimals <n>', "decimals of the instrument's price at the exchange", integerOption(0, 9), 2);
  return finished(withSendOptions(command), DBN_EXAMPLES).action(async (path: string, flags: DbnFlags) => {
    checkReadable(path);
    await replayDay(await readDay((onProgress) => DbnFlow.read({ ...flags, path, onProgress })), flags);
  });
}

export function binanceCommand(): Command {
  const command = new Command('binance')
    .description("one symbol of Binance's streams as received: through the book and compared at each difference, or to an exchange (--to)")
    .argument('<recording>', 'as it is, or packed with gzip or zstd')
    .option('--symbol <name>', 'default: the first of the recording')
    .option('--price-decimals <n>', "decimals of the instrument's price at the exchange", integerOption(0, 8), 2)
    .option('--qty-decimals <n>', 'decimals of a recorded quantity: 3 makes 1000 of 1 BTC', integerOption(0, 8), 3);
  return finished(withSendOptions(command), BINANCE_EXAMPLES).action(async (path: string, flags: BinanceFlags) => {
    checkReadable(path);
    if (flags.to === undefined) {
      const check = await readDay((onProgress) => binanceThroughEngine({ ...flags, path, onProgress }));
      printResult(binanceResult(check), flags.json ?? false);
    } else await sendDay(await readDay((onProgress) => BinanceFlow.read({ ...flags, path, onProgress })), flags.to, flags);
  });
}

async function replayDay(flow: DayFlow, flags: CommonFlags): Promise<void> {
  if (flags.to === undefined) printResult(dayResult(throughEngine(flow)), flags.json ?? false);
  else await sendDay(flow, flags.to, flags);
}

async function sendDay(flow: DayFlow | BinanceFlow, to: ConnectOptions, flags: CommonFlags): Promise<void> {
  const result = await sendFlow(flow, to, flags);
  printResult({ ...result, json: { ...result.json, recording: flow.counts } }, flags.json ?? false);
}

/** Reads a day, showing how far it is. */
async function readDay<T>(read: (onProgress: (part: number) => void) => Promise<T>): Promise<T> {
  const progress = new Progress();
  try {
    return await read((part) => progress.show(`${Math.floor(100 * part)} % read`));
  } finally {
    progress.clear();
  }
}

function dayResult({ flow, trades, tradedQty, rejects, levels, levelsAgreed }: DayCheck): VerbResult {
  const { counts } = flow;
  const ok = levelsAgreed === levels;
  return {
    ok,
    lines: [
      `${flow.name}: ${grouped(counts.messages)} messages, ${grouped(flow.messagesTotal)} requests`,
      `executions: ${grouped(counts.executions)}, ${grouped(counts.outOfTurn)} of them of orders that were not the ones to trade; ` +
        `${grouped(trades)} trades of ${grouped(tradedQty)} in all`,
      listed(
        [counts.crossing, 'new orders that could trade at once'], [counts.misfits, 'messages that fit nothing'],
        [rejects, 'refused by the engine'],
      ),
      `book at the end: ${grouped(levelsAgreed)} of ${grouped(levels)} levels as recorded`,
    ],
    json: { ok, ...counts, requests: flow.messagesTotal, trades, tradedQty, rejects, levels, levelsAgreed },
  };
}

function binanceResult({ flow, trades, tradedQty, whole, rejects, levels, levelsAgreed }: BinanceCheck): VerbResult {
  const { counts } = flow;
  const ok = levelsAgreed === levels && whole === counts.trades && rejects === 0;
  return {
    ok,
    lines: [
      `${flow.name}: ${grouped(counts.messages)} messages, ${grouped(flow.messagesTotal)} requests`,
      `trades: ${grouped(whole)} of ${grouped(counts.trades)} whole at their price (${grouped(trades)} fills of ${grouped(tradedQty)}); ` +
        listed([counts.unseen, 'of quantity that no difference had told of'], [counts.skipped, 'skipped']),
      listed([counts.gaps, 'gaps'], [counts.crossed, 'crossed books'], [rejects, 'refused by the engine']),
      `books: ${grouped(counts.books)}; ${grouped(levelsAgreed)} of ${grouped(levels)} levels as recorded`,
    ],
    json: { ok, ...counts, requests: flow.messagesTotal, trades, tradedQty, whole, rejects, levels, levelsAgreed },
  };
}
