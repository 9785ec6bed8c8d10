// `outcry replay`: recorded and generated order flow, through a book or into a running exchange.
//
//   replay lobster MESSAGES.csv --book BOOK.csv          each transition, and each row against the core's book
//   replay lobster MESSAGES.csv --book BOOK.csv --to …   the same flow as orders over TCP
//   replay equity --scenario NAME                        the generated flow through the core, beside the published counts
//   replay equity --scenario NAME --to …                 the same as orders over TCP
//
// What is checked and does not hold ends with exit code 1, as does a session that ends before the flow.
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { AgentRunner } from '../base/agent.ts';
import type { Agent } from '../base/agent.ts';
import { MonotonicClock } from '../base/clock.ts';
import { MatchingEngine } from '../book/matching_engine.ts';
import { REASON_TEXT, Stp } from '../book/types.ts';
import { chooseNetwork } from '../net/choose_network.ts';
import type { Network } from '../net/transport.ts';
import {
  EQUITY_EXPECTED, EQUITY_EXPECTED_MESSAGES, EQUITY_ORDERS, EQUITY_SCENARIO_NAMES, EQUITY_SEED, generateEquityFlow,
} from '../recorded/equity_flow.ts';
import type { EquityFlow, EquityScenarioName } from '../recorded/equity_flow.ts';
import { countFlow } from '../recorded/flow_counts.ts';
import type { FlowCounts } from '../recorded/flow_counts.ts';
import { LOBSTER_ENGINE_CONFIG, checkLobster, lobsterAgrees } from '../recorded/lobster_book.ts';
import type { LobsterReport } from '../recorded/lobster_book.ts';
import { EquityOrderFlow, LobsterFlow, RequestKind, parseSpeed } from '../recorded/order_flow.ts';
import type { OrderFlow } from '../recorded/order_flow.ts';
import { Framing } from '../wire/framing/frame.ts';
import { ResponseType } from '../wire/generated/native.ts';
import { FlowDriver, WINDOW_FULL_SPEED } from './flow_driver.ts';

const PORT_DEFAULT = 12_345;
const REPORT_EVERY_NS = 1_000_000_000;
/** Answers that stay away this long will not come. */
const SILENCE_NS = 15_000_000_000;
/** A batch of the check, and the peaks of the published flows with room to spare. */
const EQUITY_ENGINE = { ordersMax: 1 << 17, levelsMax: 1 << 16, commandSlots: 64 };

export interface Address {
  host: string;
  port: number;
}

interface SendFlags {
  to?: Address;
  speed: number;
  framing: Framing;
  clientId: number;
  account?: string;
  password?: string;
  ticker: number;
  window?: number;
  firstOrderId: number;
}

interface LobsterFlags extends SendFlags {
  book?: string;
  priceDecimals: number;
  json?: boolean;
}

interface EquityFlags extends SendFlags {
  scenario?: EquityScenarioName;
  seed: number;
  orders: number;
  unitsPerTick: number;
  json?: boolean;
}

export function replayCommand(): Command {
  return new Command('replay')
    .description('recorded or generated order flow, through a book or into a running exchange')
    .addCommand(lobsterCommand().exitOverride())
    .addCommand(equityCommand().exitOverride());
}

function lobsterCommand(): Command {
  const command = new Command('lobster')
    .description('a LOBSTER recording: check it through the book, or send it to an exchange (--to)')
    .argument('<messages>', 'message file')
    .option('--book <file>', 'order book file (default: the one beside the message file, when its name says so)')
    .option('--price-decimals <n>', 'decimals of the instrument\'s price at the exchange', integerOption(0, 4), 2);
  return withSendOptions(command).action(async (messagesPath: string, flags: LobsterFlags) => {
    checkReadable(messagesPath);
    const bookPath = flags.book ?? bookBeside(messagesPath);
    if (bookPath !== null) checkReadable(bookPath);
    if (flags.to === undefined) {
      if (bookPath === null) throw new Error('a check needs the order book file: expected --book FILE (or --to HOST:PORT to send the flow)');
      finish(checkRecording(messagesPath, bookPath), flags.json);
      return;
    }
    const { priceDecimals, firstOrderId } = flags;
    const flow = new LobsterFlow({ messagesPath, ...(bookPath === null ? {} : { bookPath }), priceDecimals, firstOrderId });
    const result = await sendFlow(flow, flags.to, flags);
    const { hidden, crosses, halts, nameless, adopted, seeded, dropped } = flow.counts;
    result.lines.push(
      `skipped: ${number(hidden)} hidden executions, ${number(crosses)} crosses; ${number(halts)} halts, at the end ${flow.state === 0 ? 'trading' : 'halted'}`,
      `orders that no message announced: ${number(seeded)} at the start, ${number(adopted)} with levels new to the window; ` +
        `${number(nameless)} messages named one of them; ${number(dropped)} left unseen`,
    );
    finish({ ...result, json: { ...result.json, recording: flow.counts } }, flags.json);
  });
}

function equityCommand(): Command {
  const command = new Command('equity')
    .description('the calibrated equity flow: count it through the core, or send it to an exchange (--to)')
    .addOption(new Option('--scenario <name>', 'default: all five; normal with --to').choices(EQUITY_SCENARIO_NAMES))
    .option('--seed <n>', 'of the random numbers', integerOption(0, 0xffff_ffff), EQUITY_SEED)
    .option('--orders <n>', 'new orders, an even number; the published counts are for a million', integerOption(2, EQUITY_ORDERS), EQUITY_ORDERS)
    .option('--units-per-tick <n>', 'price units of the exchange in a tick of the flow', integerOption(1, 1_000_000), 1);
  return withSendOptions(command).action(async (flags: EquityFlags) => {
    const { seed, orders } = flags;
    if (flags.to === undefined) {
      const names = flags.scenario === undefined ? EQUITY_SCENARIO_NAMES : [flags.scenario];
      finish(countScenarios(names, seed, orders), flags.json);
      return;
    }
    const generated = generateEquityFlow({ scenario: flags.scenario ?? 'normal', seed, orders });
    const { unitsPerTick, firstOrderId } = flags;
    finish(await sendFlow(new EquityOrderFlow(generated, { unitsPerTick, firstOrderId }), flags.to, flags), flags.json);
  });
}

function withSendOptions(command: Command): Command {
  return command
    .option('--to <host:port>', 'send the flow as orders to this exchange', parseAddress)
    .option('--speed <n>', 'with --to: 1 as recorded, 10x ten times that, max as fast as it goes', speedOption, Infinity)
    .addOption(new Option('--framing <name>', 'with --to: how messages are framed').choices(Object.values(Framing)).default(Framing.Soup))
    .option('--client-id <n>', 'with --to: client of the orders', integerOption(0, 0xffff_fffe), 1)
    .option('--account <name>', 'with --to, soup: account (default: the client id)')
    .option('--password <text>', 'with --to, soup')
    .option('--ticker <n>', 'with --to: instrument of the orders', integerOption(0, 0xffff_fffe), 1)
    .option('--window <n>', `with --to: unanswered requests at most (default: ${WINDOW_FULL_SPEED} at full speed)`, integerOption(1, 1 << 18))
    .option('--first-order-id <n>', 'with --to: client order id of the first order', integerOption(1, Number.MAX_SAFE_INTEGER), 1)
    .option('--json', 'the last line of the output is the result as one JSON object');
}

// ── checks ───────────────────────────────────────────────────────────────────────────────────

/** What a verb has to say: lines for people, an object for programs, and whether all held. */
export interface ReplayResult {
  ok: boolean;
  lines: string[];
  json: object;
}

/** Reads a recording and replays it through the core, each row compared. */
export function checkRecording(messagesPath: string, bookPath: string): ReplayResult {
  const progress = new Progress();
  const start = performance.now();
  const report = checkLobster({
    messagesPath, bookPath, engine: new MatchingEngine(LOBSTER_ENGINE_CONFIG), onProgress: (rows) => progress.show(`${number(rows)} rows`),
  });
  progress.clear();
  const ok = lobsterAgrees(report);
  return { ok, lines: recordingLines(report, performance.now() - start), json: { ...report, ok } };
}

function recordingLines(report: LobsterReport, elapsedMs: number): string[] {
  const { engine } = report;
  const byType = report.messagesByType;
  const lines = [
    `${number(report.messages)} messages, ${report.levelsPerSide} level${report.levelsPerSide === 1 ? '' : 's'} a side, in ${elapsedMs.toFixed(0)} ms: ` +
      `${number(byType[1])} new, ${number(byType[2])} partial cancels, ${number(byType[3])} deletes, ${number(byType[4])} executions, ` +
      `${number(byType[5])} hidden executions, ${number(byType[6])} crosses, ${number(byType[7])} halts`,
    `transitions agreed: ${number(report.transitionsAgreed)} of ${number(report.transitions)} ` +
      `(${number(report.transitionsWithUnseen)} of them with a level new to the window)`,
  ];
  if (engine !== null) {
    lines.push(
      `through the core's book: rows agreed ${number(engine.rowsAgreed)} of ${number(engine.rowsCompared)}; ` +
        `levels agreed ${number(engine.levelsAgreed)} of ${number(engine.levelsCompared)}, unseen ${number(engine.levelsUnseen)}`,
      `executions that traded whole at the recorded price: ${number(engine.executionsAgreed)} of ${number(engine.executions)} ` +
        `(${number(engine.trades)} trades, ${number(engine.tradedQty)} shares); fills of another order than the one named: ${number(engine.orders.changedPlaces)}`,
      `orders: ${number(engine.orders.entered)} announced, ${number(engine.orders.seeded)} seeded, ${number(engine.orders.adopted)} taken from new levels, ` +
        `${number(engine.orders.dropped)} left unseen, ${number(engine.ordersLive)} live at the end; misfits ${number(engine.orders.misfits)}, rejects ${number(engine.rejects)}`,
    );
  }
  for (const { line, by, side, price, expected, was } of report.differences) {
    const who = by === 'transition' ? 'row' : 'core';
    lines.push(`line ${line}: ${side > 0 ? 'bid' : 'ask'} ${price}: expected ${number(expected)}, was ${number(was)} (${who})`);
  }
  return lines;
}

/** Counts scenarios of the equity flow through the core, beside what is published for them. */
export function countScenarios(names: readonly EquityScenarioName[], seed: number, orders: number): ReplayResult {
  const published = seed === EQUITY_SEED && orders === EQUITY_ORDERS;
  const progress = new Progress();
  const scenarios = names.map((scenario) => {
    progress.show(`${scenario} …`);
    const flow = generateEquityFlow({ scenario, seed, orders });
    const instruments = [{ minPrice: 1, maxPrice: flow.maxPrice }];
    const counts = countFlow(flow.slots, new MatchingEngine({ ...EQUITY_ENGINE, instruments, stp: Stp.None }));
    return { scenario, flow, counts, ok: !published || isAsPublished(flow, counts) };
  });
  progress.clear();
  const ok = scenarios.every((result) => result.ok);
  const columns = [12, 11, 11, 10, 10, 10, 16, 9, 10, 9, 13, 13];
  const row = (cells: readonly string[]): string => cells.map((cell, i) => (i === 0 ? cell.padEnd(columns[i]) : cell.padStart(columns[i]))).join('');
  const lines = [
    row(['scenario', 'messages', 'new', 'of it IOC', 'cancels', 'modifies', 'standing', 'fills', 'expected', 'rejects', 'reports', 'expected']),
    ...scenarios.map(({ scenario, flow, counts, ok: agrees }) => {
      const { fills, reports } = EQUITY_EXPECTED[scenario];
      return row([
        scenario, number(flow.messages), number(flow.newOrders), number(flow.immediateOrders), number(flow.cancels), number(flow.modifies),
        `${number(Math.round(counts.standingMean))}/${number(counts.standingPeak)}`, number(counts.trades), published ? number(fills) : '–',
        number(counts.rejected), number(counts.reports), published ? `${number(reports)}${agrees ? '' : ' ✗'}` : '–',
      ]);
    }),
    published ? (ok ? 'all counts as published' : 'counts differ from the published ones') : 'no published counts for this seed and number of orders',
  ];
  const json = {
    ok, seed, orders, published,
    scenarios: scenarios.map(({ scenario, flow, counts, ok: agrees }) => ({
      scenario, ok: agrees, messages: flow.messages, newOrders: flow.newOrders, immediateOrders: flow.immediateOrders,
      cancels: flow.cancels, modifies: flow.modifies, counts, expected: published ? EQUITY_EXPECTED[scenario] : null,
    })),
  };
  return { ok, lines, json };
}

function isAsPublished(flow: EquityFlow, counts: FlowCounts): boolean {
  const expected = EQUITY_EXPECTED[flow.scenario];
  return (
    flow.messages === EQUITY_EXPECTED_MESSAGES.messages && flow.newOrders === EQUITY_EXPECTED_MESSAGES.newOrders &&
    flow.immediateOrders === EQUITY_EXPECTED_MESSAGES.immediateOrders && flow.cancels === EQUITY_EXPECTED_MESSAGES.cancels &&
    flow.modifies === EQUITY_EXPECTED_MESSAGES.modifies && counts.trades === expected.fills && counts.reports === expected.reports
  );
}

// ── into an exchange ─────────────────────────────────────────────────────────────────────────

/**
 * Sends a flow over one session and waits for the answers; at its end the session's orders are cancelled. Ctrl-C ends
 * it early and in good order. The network is this call's own when none is given.
 */
export async function sendFlow(flow: OrderFlow, to: Address, flags: Omit<SendFlags, 'to'>, network?: Network): Promise<ReplayResult> {
  const clock = new MonotonicClock();
  const own = network ?? chooseNetwork().network;
  const { clientId: client, framing, account, password, ticker, speed, window } = flags;
  const driver = new FlowDriver({
    clock, ticker, speed, ...(window === undefined ? {} : { window }),
    entry: { client, framing, ...(account === undefined ? {} : { account }), ...(password === undefined ? {} : { password }) },
    pass: (pass) => (pass === 0 ? flow : null),
  });
  const progress = new Progress();
  const watch = new Watch(driver, flow, progress);
  const stop = (): void => driver.stop();
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    driver.connect(await own.connect(to));
    const poll: Agent = { name: 'network', poll: () => own.poll() };
    const runner = new AgentRunner({ agents: [poll, driver, watch], clock, needsEventLoop: own.needsEventLoop });
    watch.onEnd = () => runner.stop();
    await runner.run();
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    progress.clear();
    driver.entry.close();
    flow.close();
    if (network === undefined) own.close();
  }
  return sendResult(driver, flow, watch);
}

/** Sees that a replay ends: when all is answered, when the session breaks, when answers stay away. */
class Watch implements Agent {
  readonly name = 'watch';
  onEnd: () => void = () => {};
  /** Why it ended before its time, '' when it did not. */
  fault = '';
  readonly #driver: FlowDriver;
  readonly #flow: OrderFlow;
  readonly #progress: Progress;
  #startNs = -1;
  #endNs = -1;
  #shownNs = 0;
  #shownRequests = 0;
  #answers = -1;
  #lastAnswerNs = 0;

  constructor(driver: FlowDriver, flow: OrderFlow, progress: Progress) {
    this.#driver = driver;
    this.#flow = flow;
    this.#progress = progress;
  }

  /** From the first turn to the last answer. */
  get elapsedNs(): number {
    return this.#endNs - this.#startNs;
  }

  poll(nowNs: number): number {
    const driver = this.#driver;
    if (this.#startNs < 0) this.#startNs = this.#shownNs = this.#lastAnswerNs = nowNs;
    if (driver.entry.responses !== this.#answers || (driver.entry.ready && driver.underWay === 0)) {
      this.#answers = driver.entry.responses;
      this.#lastAnswerNs = nowNs;
    }
    if (driver.closedReason !== '') this.fault = driver.closedReason;
    else if (nowNs - this.#lastAnswerNs > SILENCE_NS) this.fault = `no answer for ${SILENCE_NS / 1e9} s`;
    if (this.fault !== '' || driver.idle) {
      this.#endNs = nowNs;
      this.onEnd();
    } else if (nowNs - this.#shownNs >= REPORT_EVERY_NS) this.#show(nowNs);
    return 0;
  }

  #show(nowNs: number): void {
    const { requests, recordedNs } = this.#driver;
    const rate = ((requests - this.#shownRequests) * 1e9) / (nowNs - this.#shownNs);
    const { messages, messagesTotal } = this.#flow;
    const part = messagesTotal === null ? '' : ` (${Math.floor((100 * messages) / messagesTotal)} %)`;
    this.#progress.show(`${number(requests)} requests${part}, ${number(Math.round(rate))}/s, recorded time ${(recordedNs / 1e9).toFixed(3)} s`);
    this.#shownNs = nowNs;
    this.#shownRequests = requests;
  }
}

function sendResult(driver: FlowDriver, flow: OrderFlow, watch: Watch): ReplayResult {
  const kinds = driver.requestsByKind;
  const answers = driver.responsesByType;
  const elapsedS = watch.elapsedNs / 1e9;
  const rejects: Record<string, number> = {};
  driver.rejectsByCode.forEach((count, code) => {
    if (count > 0) rejects[code === 0 ? 'no code given' : (REASON_TEXT[code] ?? `code ${code}`)] = count;
  });
  const latency = driver.latency.summary();
  const ok = watch.fault === '' && driver.underWay === 0;
  const lines = [
    `${flow.name}: ${number(flow.messages)} messages, ${number(driver.requests)} requests in ${elapsedS.toFixed(2)} s ` +
      `(${number(Math.round(driver.requests / elapsedS))}/s): ${number(kinds[RequestKind.New])} new, ${number(kinds[RequestKind.Immediate])} immediate, ` +
      `${number(kinds[RequestKind.Modify])} modifies, ${number(kinds[RequestKind.Cancel])} cancels`,
    `answers: ${number(answers[ResponseType.Accepted])} accepted, ${number(answers[ResponseType.Modified])} modified, ` +
      `${number(answers[ResponseType.Canceled] + answers[ResponseType.Expired])} canceled, ${number(driver.rejects)} rejected, ${number(driver.underWay)} unanswered; ` +
      `${number(driver.fills)} fills`,
    ...Object.entries(rejects).map(([reason, count]) => `  rejected, ${reason}: ${number(count)}`),
    `latency to the answer, µs: p50 ${us(latency.p50)}  p90 ${us(latency.p90)}  p99 ${us(latency.p99)}  p99.9 ${us(latency.p999)}  max ${us(latency.max)}`,
  ];
  if (watch.fault !== '') lines.push(`ended early: ${watch.fault}`);
  const json = {
    ok, flow: flow.name, messages: flow.messages, requests: driver.requests, elapsedSeconds: elapsedS,
    newOrders: kinds[RequestKind.New], immediateOrders: kinds[RequestKind.Immediate], modifies: kinds[RequestKind.Modify],
    cancels: kinds[RequestKind.Cancel], accepted: answers[ResponseType.Accepted], modified: answers[ResponseType.Modified],
    canceled: answers[ResponseType.Canceled] + answers[ResponseType.Expired], fills: driver.fills, rejected: driver.rejects, rejects,
    unanswered: driver.underWay, lastOrderId: flow.lastOrderId, latencyNs: latency, fault: watch.fault,
  };
  return { ok, lines, json };
}

// ── words ────────────────────────────────────────────────────────────────────────────────────

function finish(result: ReplayResult, json: boolean | undefined): void {
  for (const line of result.lines) console.log(line);
  if (json) console.log(JSON.stringify({ ...result.json, ok: result.ok }));
  if (!result.ok) process.exitCode = 1;
}

/** One line on a terminal that is written over; nothing where nobody looks. */
class Progress {
  readonly #shows = process.stderr.isTTY;

  show(text: string): void {
    if (this.#shows) process.stderr.write(`\r\x1b[K${text}`);
  }

  clear(): void {
    if (this.#shows) process.stderr.write('\r\x1b[K');
  }
}

function us(ns: number): string {
  return (ns / 1_000).toFixed(1);
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

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
export function parseAddress(text: string): Address {
  const match = /^([^:]*)(?::(\d{1,5}))?$/.exec(text);
  const port = match?.[2] === undefined ? PORT_DEFAULT : Number(match[2]);
  if (match === null || text === '' || port < 1 || port > 65_535) {
    throw new InvalidArgumentError(`expected HOST:PORT such as 127.0.0.1:${PORT_DEFAULT}, was "${text}"`);
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
