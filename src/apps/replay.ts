// `outcry replay`: recorded and generated order flow, through a book or into a running exchange.
//
//   replay lobster MESSAGES.csv --book BOOK.csv   check each transition, and each row with our book
//   replay itch FILE --symbol NAME                one stock of a day; the book at the end compared
//   replay dbn FILE [--instrument ID]             the same of one instrument, market by order
//   replay binance FILE [--symbol NAME]           one symbol's levels and trades; each book on the way compared
//   replay equity --scenario NAME                 count through the core, beside what is published
//   … --to HOST:PORT                              send the same as orders over TCP
//
// What is checked and does not hold ends with exit code 1, as does a session that ends before the
// flow.
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Command, Option } from 'commander';
import { MatchingEngine } from '../book/matching_engine.ts';
import { State, Stp } from '../book/types.ts';
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
import { EquityOrderFlow, LobsterFlow } from '../recorded/order_flow.ts';
import { Progress, grouped, listed, printResult } from './progress.ts';
import type { VerbResult } from './progress.ts';
import { binanceCommand, dbnCommand, itchCommand } from './replay_day.ts';
import { checkReadable, type CommonFlags, finished, integerOption, withSendOptions } from './replay_options.ts';
import { sendFlow } from './send_flow.ts';

const LOBSTER_EXAMPLES = `
Examples:
  outcry replay lobster AMZN_message_1.csv --book AMZN_orderbook_1.csv
  outcry replay lobster AMZN_message_1.csv --to 127.0.0.1:12345 --speed 100x`;
const EQUITY_EXAMPLES = `
Examples:
  outcry replay equity --scenario flash-crash
  outcry replay equity --orders 100000 --to 127.0.0.1:12345 --framing bare --json`;
const BOOK_MISSING =
  'a check needs the order book file: expected --book FILE, or --to HOST:PORT to send the flow';
/** A batch of the check, and the peaks of the published flows with room to spare. */
const EQUITY_ENGINE = { ordersMax: 1 << 17, levelsMax: 1 << 16, commandSlots: 64 };

interface LobsterFlags extends CommonFlags {
  book?: string;
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
    .addCommand(itchCommand())
    .addCommand(dbnCommand())
    .addCommand(binanceCommand())
    .addCommand(finished(equityCommand(), EQUITY_EXAMPLES));
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
