// An instrument of a recorded day (ITCH, DBN) through a matching engine: its requests trade where the recording trades,
// and at the end the engine's book is the recording's, level by level.
import { Command as Verb } from 'commander';
import { MatchingEngine } from '../book/matching_engine.ts';
import { Cmd, type Command, type DepthLevel, OrderType, Stp, Tif } from '../book/types.ts';
import { type FlowRequest, type OrderFlow, RequestKind } from '../recorded/order_flow.ts';
import type { MarketView } from '../book/market_view.ts';
import { DbnFlow } from '../recorded/dbn_flow.ts';
import { ItchFlow } from '../recorded/itch_flow.ts';
import { grouped, listed, printResult, Progress, type VerbResult } from './progress.ts';
import { checkReadable, type CommonFlags, finished, integerOption, withSendOptions } from './replay_options.ts';
import { sendFlow } from './send_flow.ts';

const ORDERS_MAX = 1 << 20;
const LEVELS_MAX = 100_000;
const I32_MAX = 2 ** 31 - 1;

const ITCH_EXAMPLES = `
Examples:
  outcry replay itch 01302019.NASDAQ_ITCH50.gz --symbol AAPL
  outcry replay itch 01302019.NASDAQ_ITCH50.gz --symbol AAPL --to 127.0.0.1:12345 --speed 10x`;
const DBN_EXAMPLES = `
Examples:
  outcry replay dbn es_mbo.dbn.zst
  outcry replay dbn es_mbo.dbn.zst --instrument 17077 --to 127.0.0.1:12345 --speed 100x`;

interface ItchFlags extends CommonFlags {
  symbol: string;
  priceDecimals: number;
}

interface DbnFlags extends CommonFlags {
  instrument?: number;
  priceDecimals: number;
}

export function itchCommand(): Verb {
  const command = new Verb('itch')
    .description('one stock of an ITCH 5.0 recording: through the book and compared, or to an exchange (--to)')
    .argument('<recording>', 'as it is, or packed with gzip or zstd')
    .requiredOption('--symbol <name>', 'the stock')
    .option('--price-decimals <n>', "decimals of the instrument's price at the exchange", integerOption(0, 4), 2);
  return finished(withSendOptions(command), ITCH_EXAMPLES).action(async (path: string, flags: ItchFlags) => {
    checkReadable(path);
    await replayDay(await readDay((onProgress) => ItchFlow.read({ ...flags, path, onProgress })), flags);
  });
}

export function dbnCommand(): Verb {
  const command = new Verb('dbn')
    .description('one instrument of a DBN recording, market by order: through the book and compared, or to an exchange (--to)')
    .argument('<recording>', 'as it is, or packed with zstd')
    .option('--instrument <id>', 'by its number in the recording (default: the first)', integerOption(0, 0xffff_ffff))
    .option('--price-decimals <n>', "decimals of the instrument's price at the exchange", integerOption(0, 9), 2);
  return finished(withSendOptions(command), DBN_EXAMPLES).action(async (path: string, flags: DbnFlags) => {
    checkReadable(path);
    await replayDay(await readDay((onProgress) => DbnFlow.read({ ...flags, path, onProgress })), flags);
  });
}

async function replayDay(flow: DayFlow, flags: CommonFlags): Promise<void> {
  if (flags.to === undefined) return printResult(dayResult(throughEngine(flow)), flags.json ?? false);
  const result = await sendFlow(flow, flags.to, flags);
  printResult({ ...result, json: { ...result.json, recording: flow.counts } }, flags.json ?? false);
}

/** One instrument of a recording of every order, as requests, with its book at the end. */
export interface DayFlow extends OrderFlow {
  readonly counts: Readonly<Record<'messages' | 'executions' | 'outOfTurn' | 'crossing' | 'misfits', number>>;
  readonly messagesTotal: number;
  readonly book: MarketView;
  /** The exchange's price of one of the book. */
  units(price: number): number;
}

export interface DayCheck {
  readonly flow: DayFlow;
  readonly trades: number;
  readonly tradedQty: number;
  /** Requests that the engine refused. */
  readonly rejects: number;
  /** Levels of both sides, and those that are as recorded. */
  readonly levels: number;
  readonly levelsAgreed: number;
}

/** Reads a day, showing how far it is. */
export async function readDay<T>(read: (onProgress: (part: number) => void) => Promise<T>): Promise<T> {
  const progress = new Progress();
  try {
    return await read((part) => progress.show(`${Math.floor(100 * part)} % read`));
  } finally {
    progress.clear();
  }
}

/** All requests of the flow through an engine of its own. */
export function throughEngine(flow: DayFlow): DayCheck {
  const engine = new MatchingEngine({ instruments: [{ minPrice: 0, maxPrice: I32_MAX }], ordersMax: ORDERS_MAX, stp: Stp.None });
  let [trades, tradedQty, rejects] = [0, 0, 0];
  while (flow.next()) {
    for (const event of engine.submit(commandOf(flow.request))) {
      if (event.type === 'trade') {
        trades++;
        tradedQty += event.qty;
      } else if (event.type === 'rejected') rejects++;
    }
  }
  const ours = engine.depth(0, LEVELS_MAX);
  const recorded = flow.book.depth(0, LEVELS_MAX);
  let [levels, levelsAgreed] = [0, 0];
  for (const side of ['bids', 'asks'] as const) {
    const wanted = recorded[side];
    levels += Math.max(wanted.length, ours[side].length);
    levelsAgreed += wanted.filter((level, at) => isLevel(ours[side][at], level, flow)).length;
  }
  return { flow, trades, tradedQty, rejects, levels, levelsAgreed };
}

export function dayResult({ flow, trades, tradedQty, rejects, levels, levelsAgreed }: DayCheck): VerbResult {
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

function isLevel(ours: DepthLevel | undefined, recorded: DepthLevel, flow: DayFlow): boolean {
  return ours !== undefined && ours.price === flow.units(recorded.price) && ours.qty === recorded.qty && ours.orders === recorded.orders;
}

function commandOf({ kind, orderId, side, price, qty }: FlowRequest): Command {
  const id = BigInt(orderId);
  switch (kind) {
    case RequestKind.Cancel: return { type: Cmd.Cancel, id };
    case RequestKind.Modify: return { type: Cmd.Replace, id, price, qty, chain: true };
    default: return {
      type: Cmd.New, id, side, price, qty, orderType: OrderType.Limit, stp: Stp.None,
      tif: kind === RequestKind.Immediate ? Tif.Ioc : Tif.Gtc,
    };
  }
}
