// `outcry replay`: recorded and generated order flow, through a book or into a running exchange.
//
//   replay lobster MESSAGES.csv --book BOOK.csv   check each transition, and each row with our book
//   replay itch FILE --symbol NAME                one stock of a day; the book at the end compared
//   replay equity --scenario NAME                 count through the core, beside what is published
//   … --to HOST:PORT                              send the same as orders over TCP
//
// What is checked and does not hold ends with exit code 1, as does a session that ends before the
// flow.
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { MatchingEngine } from '../book/matching_engine.ts';
import { State, Stp } from '../book/types.ts';
import type { ConnectOptions } from '../net/transport.ts';
import {
  EQUITY_EXPECTED,
  EQUITY_EXPECTED_MESSAGES,
  EQUITY_ORDERS,
  EQUITY_SCENARIO_NAMES,
  EQUITY_SEED,
  generateEquityFlow,
} from '../recorded/equity_flow.ts';
import type { EquityFlow, EquityScenarioName } from '../recorded/equity_flow.ts';
import { countFlow } from '../recorded/flow_counts.ts';
import type { FlowCounts } from '../recorded/flow_counts.ts';
import { LobsterType } from '../recorded/lobster.ts';
import { LOBSTER_ENGINE_CONFIG, checkLobster, lobsterAgrees } from '../recorded/lobster_book.ts';
import type { LobsterEngineReport, LobsterReport } from '../recorded/lobster_book.ts';
import { EquityOrderFlow, LobsterFlow, parseSpeed } from '../recorded/order_flow.ts';
import { Framing } from '../wire/framing/frame.ts';
import { WINDOW_FULL_SPEED } from './flow_driver.ts';
import { Progress, grouped, listed, printResult } from './progress.ts';
import type { VerbResult } from './progress.ts';
import { itchResult, readItch, throughEngine } from './replay_itch.ts';
import { sendFlow } from './send_flow.ts';
import type { SendOptions } from './send_flow.ts';

const PORT_DEFAULT = 12_345;
const LOBSTER_EXAMPLES = `
Examples:
  outcry replay lobster AMZN_message_1.csv --book AMZN_orderbook_1.csv
  outcry replay lobster AMZN_message_1.csv --to 127.0.0.1:12345 --speed 100x`;
const ITCH_EXAMPLES = `
Examples:
  outcry replay itch 01302019.NASDAQ_ITCH50.gz --symbol AAPL
  outcry replay itch 01302019.NASDAQ_ITCH50.gz --symbol AAPL --to 127.0.0.1:12345 --speed 10x`;
const EQUITY_EXAMPLES = `
Examples:
  outcry replay equity --scenario flash-crash
  outcry replay equity --orders 100000 --to 127.0.0.1:12345 --framing bare --json`;
const BOOK_MISSING =
  'a check needs the order book file: expected --book FILE, or --to HOST:PORT to send the flow';
/** A batch of the check, and the peaks of the published flows with room to spare. */
const EQUITY_ENGINE = { ordersMax: 1 << 17, levelsMax: 1 << 16, commandSlots: 64 };

interface CommonFlags extends SendOptions {
  to?: ConnectOptions;
  firstOrderId: number;
  json?: boolean;
}

interface LobsterFlags extends CommonFlags {
  book?: string;
  priceDecimals: number;
}

interface ItchFlags extends CommonFlags {
  symbol: string;
  priceDecimals: number;
}

interface EquityFlags extends CommonFlags {
  scenario?: EquityScenarioName;
  seed: number;
  orders: number;
  unitsPerTick: number;
}

export function replayCommand(): Command {
  return new Command('replay')
    .description('recorded or generated order flow, through a book or into a running exchange')
    .addCommand(finished(lobsterCommand(), LOBSTER_EXAMPLES))
    .addCommand(finished(itchCommand(), ITCH_EXAMPLES))
    .addCommand(finished(equityCommand(), EQUITY_EXAMPLES));
}

function finished(command: Command, examples: string): Command {
  return command
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError(`(outcry replay ${command.name()} --help explains it)`)
    .addHelpText('after', examples);
}

function lobsterCommand(): Command {
  const command = new Command('lobster')
    .description('a LOBSTER recording: check it through the book, or send it to an exchange (--to)')
    .argument('<messages>', 'message file')
    .option(
      '--book <file>',
      'order book file (default: the one beside the message file, when its name says so)',
    )
    .option(
      '--price-decimals <n>',
      "decimals of the instrument's price at the exchange",
      integerOption(0, 4),
      2,
    );
  return withSendOptions(command).action(async (messagesPath: string, flags: LobsterFlags) => {
    checkReadable(messagesPath);
    const bookPath = flags.book ?? bookBeside(messagesPath);
    if (bookPath !== null) checkReadable(bookPath);
    if (flags.to === undefined) {
      if (bookPath === null) throw new Error(BOOK_MISSING);
      printResult(checkRecording(messagesPath, bookPath), flags.json ?? false);
      return;
    }
    const { priceDecimals, firstOrderId } = flags;
    const flow = new LobsterFlow({
      messagesPath,
      ...(bookPath === null ? {} : { bookPath }),
      priceDecimals,
      firstOrderId,
    });
    const result = await sendFlow(flow, flags.to, flags);
    const { counts } = flow;
    const skipped = listed([counts.hidden, 'hidden executions'], [counts.crosses, 'crosses']);
    const unseen = listed(
      [counts.seeded, 'at the start'],
      [counts.adopted, 'with levels new to the window'],
      [counts.dropped, 'gone unseen'],
    );
    const state = flow.state === State.Open ? 'trading' : 'halted';
    result.lines.push(
      `skipped: ${skipped}; ${grouped(counts.halts)} halts, ${state} at the end`,
      `orders that no message announced: ${unseen}`,
    );
    printResult({ ...result, json: { ...result.json, recording: counts } }, flags.json ?? false);
  });
}

function itchCommand(): Command {
  const command = new Command('itch')
    .description('one stock of an ITCH 5.0 recording: through the book and compared, or to an exchange (--to)')
    .argument('<recording>', 'as it is, or packed with gzip or zstd')
    .requiredOption('--symbol <name>', 'the stock')
    .option('--price-decimals <n>', "decimals of the instrument's price at the exchange", integerOption(0, 4), 2);
  return withSendOptions(command).action(async (path: string, flags: ItchFlags) => {
    checkReadable(path);
    const { symbol, priceDecimals, firstOrderId } = flags;
    const flow = await readItch({ path, symbol, priceDecimals, firstOrderId });
    if (flags.to === undefined) {
      printResult(itchResult(throughEngine(flow)), flags.json ?? false);
      return;
    }
    const result = await sendFlow(flow, flags.to, flags);
    printResult({ ...result, json: { ...result.json, recording: flow.counts } }, flags.json ?? false);
  });
}

function equityCommand(): Command {
  const command = new Command('equity')
    .description(
      'the calibrated equity flow: count it through the core, or send it to an exchange (--to)',
    )
    .addOption(
      new Option('--scenario <name>', 'default: all five; normal with --to').choices(
        EQUITY_SCENARIO_NAMES,
      ),
    )
    .option('--seed <n>', 'of the random numbers', integerOption(0, 0xffff_ffff), EQUITY_SEED)
    .option(
      '--orders <n>',
      'new orders, an even number; the published counts are for a million',
      integerOption(2, EQUITY_ORDERS),
      EQUITY_ORDERS,
    )
    .option(
      '--units-per-tick <n>',
      'price units of the exchange in a tick of the flow',
      integerOption(1, 1_000_000),
      1,
    );
  return withSendOptions(command).action(async (flags: EquityFlags) => {
    const { seed, orders } = flags;
    if (flags.to === undefined) {
      const names = flags.scenario === undefined ? EQUITY_SCENARIO_NAMES : [flags.scenario];
      printResult(countScenarios(names, seed, orders), flags.json ?? false);
      return;
    }
    const generated = generateEquityFlow({ scenario: flags.scenario ?? 'normal', seed, orders });
    const { unitsPerTick, firstOrderId } = flags;
    const flow = new EquityOrderFlow(generated, { unitsPerTick, firstOrderId });
    printResult(await sendFlow(flow, flags.to, flags), flags.json ?? false);
  });
}

function withSendOptions(command: Command): Command {
  return command
    .option('--to <host:port>', 'send the flow as orders to this exchange', parseAddress)
    .addOption(
      new Option('--speed <n>', 'with --to: 1 as recorded, 10x ten times that, max at full speed')
        .argParser(speedOption)
        .default(Infinity, 'max'),
    )
    .addOption(
      new Option('--framing <name>', 'with --to: how messages are framed')
        .choices(Object.values(Framing))
        .default(Framing.Soup),
    )
    .option('--client-id <n>', 'with --to: client of the orders', integerOption(0, 0xffff_fffe), 1)
    .option('--account <name>', 'with --to, soup: account (default: the client id)')
    .option('--password <text>', 'with --to, soup')
    .option('--ticker <n>', 'with --to: instrument of the orders', integerOption(0, 0xffff_fffe), 1)
    .option(
      '--window <n>',
      `with --to: unanswered requests at most (default: ${WINDOW_FULL_SPEED} at full speed)`,
      integerOption(1, 1 << 18),
    )
    .option(
      '--first-order-id <n>',
      'with --to: client order id of the first order',
      integerOption(1, Number.MAX_SAFE_INTEGER),
      1,
    )
    .option('--keep', 'with --to: leave the orders in the book at the end')
    .option('--json', 'the last line of the output is the result as one JSON object');
}

// ── checks ───────────────────────────────────────────────────────────────────────────────────

/** Reads a recording and replays it through the core, each row compared. */
export function checkRecording(messagesPath: string, bookPath: string): VerbResult {
  const progress = new Progress();
  const start = performance.now();
  const report = checkLobster({
    messagesPath,
    bookPath,
    engine: new MatchingEngine(LOBSTER_ENGINE_CONFIG),
    onProgress: (rows) => progress.show(`${grouped(rows)} rows`),
  });
  progress.clear();
  const ok = lobsterAgrees(report);
  return { ok, lines: recordingLines(report, performance.now() - start), json: { ...report, ok } };
}

function recordingLines(report: LobsterReport, elapsedMs: number): string[] {
  const byType = report.messagesByType;
  const types = listed(
    [byType[LobsterType.New], 'new'],
    [byType[LobsterType.PartialCancel], 'partial cancels'],
    [byType[LobsterType.Delete], 'deletes'],
    [byType[LobsterType.Execution], 'executions'],
    [byType[LobsterType.HiddenExecution], 'hidden executions'],
    [byType[LobsterType.Cross], 'crosses'],
    [byType[LobsterType.Halt], 'halts'],
  );
  const lines = [
    `messages: ${grouped(report.messages)} (${types}) in ${elapsedMs.toFixed(0)} ms`,
    `levels a side: ${report.levelsPerSide}`,
    `transitions agreed: ${ofAll(report.transitionsAgreed, report.transitions)}, ` +
      `${grouped(report.transitionsWithUnseen)} of them with a level new to the window`,
  ];
  if (report.engine !== null) lines.push(...engineLines(report.engine));
  for (const { line, by, side, price, expected, was } of report.differences) {
    const level = `${side > 0 ? 'bid' : 'ask'} ${price}`;
    const who = by === 'transition' ? 'in the next row' : "in the core's book";
    lines.push(`line ${line}: ${level}: expected ${expected}, was ${was} ${who}`);
  }
  return lines;
}

function engineLines(engine: LobsterEngineReport): string[] {
  const { orders } = engine;
  const origins = listed(
    [orders.entered, 'announced'],
    [orders.seeded, 'seeded'],
    [orders.adopted, 'taken from levels new to the window'],
    [orders.dropped, 'gone unseen'],
    [engine.ordersLive, 'live at the end'],
  );
  const faults = listed([orders.misfits, 'misfits'], [engine.rejects, 'rejects']);
  return [
    `through the core's book: rows agreed ${ofAll(engine.rowsAgreed, engine.rowsCompared)}; ` +
      `levels agreed ${ofAll(engine.levelsAgreed, engine.levelsCompared)}, ` +
      `unseen ${grouped(engine.levelsUnseen)}`,
    `executions that traded whole: ${ofAll(engine.executionsAgreed, engine.executions)} ` +
      `(${listed([engine.trades, 'trades'], [engine.tradedQty, 'shares'])}); ` +
      `fills of another order than the one named: ${grouped(orders.changedPlaces)}`,
    `orders: ${origins}; ${faults}`,
  ];
}

function ofAll(agreed: number, all: number): string {
  return `${grouped(agreed)} of ${grouped(all)}`;
}

/** Counts scenarios of the equity flow through the core, beside what is published for them. */
export function countScenarios(
  names: readonly EquityScenarioName[],
  seed: number,
  orders: number,
): VerbResult {
  const published = seed === EQUITY_SEED && orders === EQUITY_ORDERS;
  const progress = new Progress();
  const scenarios = names.map((scenario) => {
    progress.show(`${scenario} …`);
    const flow = generateEquityFlow({ scenario, seed, orders });
    const instruments = [{ minPrice: 1, maxPrice: flow.maxPrice }];
    const counts = countFlow(
      flow.slots,
      new MatchingEngine({ ...EQUITY_ENGINE, instruments, stp: Stp.None }),
    );
    return { scenario, flow, counts, ok: !published || isAsPublished(flow, counts) };
  });
  progress.clear();
  const ok = scenarios.every((result) => result.ok);
  const lines = [
    tableRow(TABLE_HEADINGS),
    ...scenarios.map(({ scenario, flow, counts, ok: agrees }) => {
      const { fills, reports } = EQUITY_EXPECTED[scenario];
      return tableRow([
        scenario,
        grouped(flow.messages),
        grouped(flow.newOrders),
        grouped(flow.immediateOrders),
        grouped(flow.cancels),
        grouped(flow.modifies),
        `${grouped(Math.round(counts.standingMean))}/${grouped(counts.standingPeak)}`,
        grouped(counts.trades),
        published ? grouped(fills) : '–',
        grouped(counts.rejected),
        grouped(counts.reports),
        published ? `${grouped(reports)}${agrees ? '' : ' ✗'}` : '–',
      ]);
    }),
    verdict(published, ok),
  ];
  const json = {
    ok,
    seed,
    orders,
    published,
    scenarios: scenarios.map(({ scenario, flow, counts, ok: agrees }) => ({
      scenario,
      ok: agrees,
      messages: flow.messages,
      newOrders: flow.newOrders,
      immediateOrders: flow.immediateOrders,
      cancels: flow.cancels,
      modifies: flow.modifies,
      counts,
      expected: published ? EQUITY_EXPECTED[scenario] : null,
    })),
  };
  return { ok, lines, json };
}

function verdict(published: boolean, ok: boolean): string {
  if (!published) return 'no counts are published for this seed and number of orders';
  return ok ? 'all counts as published' : 'counts differ from the published ones (✗)';
}

const TABLE_HEADINGS = [
  'scenario',
  'messages',
  'new',
  'of it IOC',
  'cancels',
  'modifies',
  'standing',
  'fills',
  'expected',
  'rejects',
  'reports',
  'expected',
];
const TABLE_WIDTHS = [12, 11, 11, 10, 10, 10, 16, 9, 10, 9, 13, 13];

/** The first cell to the left, the others to the right. */
function tableRow(cells: readonly string[]): string {
  const padded = cells.map((cell, i) =>
    i === 0 ? cell.padEnd(TABLE_WIDTHS[i]) : cell.padStart(TABLE_WIDTHS[i]),
  );
  return padded.join('');
}

function isAsPublished(flow: EquityFlow, counts: FlowCounts): boolean {
  const expected = EQUITY_EXPECTED[flow.scenario];
  return (
    flow.messages === EQUITY_EXPECTED_MESSAGES.messages &&
    flow.newOrders === EQUITY_EXPECTED_MESSAGES.newOrders &&
    flow.immediateOrders === EQUITY_EXPECTED_MESSAGES.immediateOrders &&
    flow.cancels === EQUITY_EXPECTED_MESSAGES.cancels &&
    flow.modifies === EQUITY_EXPECTED_MESSAGES.modifies &&
    counts.trades === expected.fills &&
    counts.reports === expected.reports
  );
}

// ── words ────────────────────────────────────────────────────────────────────────────────────

/** The file that LOBSTER names like the messages, when it is there. */
export function bookBeside(messagesPath: string): string | null {
  const name = basename(messagesPath);
  if (!name.includes('_message_')) return null;
  const path = join(dirname(messagesPath), name.replace('_message_', '_orderbook_'));
  return existsSync(path) ? path : null;
}

function checkReadable(path: string): void {
  if (!existsSync(path)) throw new Error(`no file ${path}`);
  if (!statSync(path).isFile()) throw new Error(`expected a file, was a folder: ${path}`);
}

/** "127.0.0.1:12345", "localhost" or ":12345". */
export function parseAddress(text: string): ConnectOptions {
  const match = /^([^:]*)(?::(\d{1,5}))?$/.exec(text);
  const port = match?.[2] === undefined ? PORT_DEFAULT : Number(match[2]);
  if (match === null || text === '' || port < 1 || port > 65_535) {
    throw new InvalidArgumentError(
      `expected HOST:PORT such as 127.0.0.1:${PORT_DEFAULT}, was "${text}"`,
    );
  }
  return { host: match[1] === '' ? '127.0.0.1' : match[1], port };
}

function speedOption(text: string): number {
  try {
    return parseSpeed(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
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
