// `outcry backtest`: a strategy against a recorded day, order by order, faster than the day was.
//
//   outcry backtest --data AMZN_message_1.csv --strategy market-maker --report out/
//
// The strategy's file, parameters and limits are those of `outcry trade`: same flags, same
// configuration. stdout: a summary, with --json the result as one JSON object on the last line; with
// --report a folder with the picture, the fills and the course of position and profit.
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Command } from 'commander';
import { BACKTEST_LATENCY_DEFAULT, MARKET_CLIENT, runBacktest } from '../backtest/backtest.ts';
import { FlowMarket } from '../backtest/flow_market.ts';
import { backtestPicture, clockText } from '../backtest/picture.ts';
import { MARKOUT_NS, type BacktestResult } from '../backtest/recorder.ts';
import { RecordedMarket } from '../backtest/recorded_market.ts';
import { courseCsv, fillsCsv } from '../backtest/tables.ts';
import { EQUITY_SCENARIO_NAMES, generateEquityFlow } from '../recorded/equity_flow.ts';
import { EquityOrderFlow } from '../recorded/order_flow.ts';
import { duration, oneOf, optional, switched, text, wholeNumber } from './config_forms.ts';
import { commandSources, readConfig, type OutcryConfig } from './config_sections.ts';
import { STRATEGY_SECTION, TRADE_SCHEMA, TRADE_SECTION, TRADING_SECTION } from './config_trade.ts';
import { DATA_FOLDER, largestRecording } from './demo_source.ts';
import { Progress, grouped, printResult } from './progress.ts';
import { addFlags, readRunSettings, setting, type Section, type ValuesOf } from './settings.ts';
import { loadStrategy } from './strategy_loader.ts';
import { riskLimits } from './trade_session.ts';
import { addSetFlag, parametersSet, sayingFaults, strategyOf } from './trade_strategy.ts';
import type { MarketSource } from '../backtest/market_source.ts';
import type { InstrumentConfig } from '../exchange/config.ts';
import type { StrategyDefinition } from '../trader/strategies/parameters.ts';
import type { VerbResult } from './progress.ts';

const DAY_NS = 86_400e9;
const LATENCY_MAX_NS = 10e9;
const SEED_MAX = 0xffff_ffff;
const GENERATED_ORDERS = 200_000;
/** A tick of the generated flow is half a cent. */
const GENERATED = { decimals: 3, tickSize: 5 };
const LOBSTER_NAME = /^([A-Z.]+)_\d{4}-\d{2}-\d{2}_/;
const TIME_OF_DAY = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/;
const NS_PER_S = 1_000_000_000;

const latency = duration(0, LATENCY_MAX_NS);
const path = optional(text(/\S/, 'a file'));

const RUN_SCHEMA = {
  data: setting(path, null, {
    flagOnly: true, value: 'file', description: 'LOBSTER message file',
    defaultText: 'the longest one at hand, else a generated flow',
  }),
  book: setting(path, null, {
    flagOnly: true, value: 'file', description: 'its order book file', defaultText: 'the one beside it',
  }),
  scenario: setting(optional(oneOf(EQUITY_SCENARIO_NAMES)), null, {
    flagOnly: true, value: 'name', description: `generated flow instead: ${EQUITY_SCENARIO_NAMES.join(', ')}`,
  }),
  orders: setting(wholeNumber(1, 10_000_000), GENERATED_ORDERS, {
    flagOnly: true, value: 'n', description: 'new orders of a generated flow',
  }),
  priceDecimals: setting(wholeNumber(0, 4), 2, {
    flagOnly: true, value: 'n', description: "decimals of a recording's price at the exchange",
  }),
  until: setting(optional(text(TIME_OF_DAY, 'a time of day such as 10:30')), null, {
    flagOnly: true, value: 'time', description: 'end at this time of day',
  }),
  feedLatency: setting(latency, BACKTEST_LATENCY_DEFAULT.feedNs, {
    flagOnly: true, value: 'time', description: 'exchange to strategy, market data', defaultText: '50us',
  }),
  orderLatency: setting(latency, BACKTEST_LATENCY_DEFAULT.orderNs, {
    flagOnly: true, value: 'time', description: 'strategy to exchange, requests', defaultText: '50us',
  }),
  responseLatency: setting(latency, BACKTEST_LATENCY_DEFAULT.responseNs, {
    flagOnly: true, value: 'time', description: 'exchange to strategy, responses', defaultText: '50us',
  }),
  jitter: setting(latency, 0, {
    flagOnly: true, value: 'time', description: 'each way takes up to this much longer',
  }),
  seed: setting(wholeNumber(0, SEED_MAX), 1, { flagOnly: true, value: 'n', description: 'of the jitter' }),
  flatten: setting(switched, false, { flagOnly: true, description: 'at the end trade the position away' }),
  report: setting(path, null, {
    flagOnly: true, value: 'folder', description: 'write picture, fills and course of profit there',
  }),
  json: setting(switched, false, {
    flagOnly: true, description: 'the last line of stdout is the result as one JSON object',
  }),
};
type RunSettings = ValuesOf<typeof RUN_SCHEMA>;
const RUN_SECTION: Section<typeof RUN_SCHEMA> = { name: 'backtest', about: 'how outcry backtest runs', schema: RUN_SCHEMA };

/** What a trader risks and how it decides; where it connects to does not matter here. */
const { strategy, maxOrderQty, maxPosition, maxLoss, maxOpenOrders, maxNotional, collarTicks, halfSpread, signalThreshold, costing } =
  TRADE_SCHEMA;
const TRADE_FLAGS = {
  strategy, maxOrderQty, maxPosition, maxLoss, maxOpenOrders, maxNotional, collarTicks, halfSpread, signalThreshold, costing,
};
const CONFIG_SECTIONS = ['trade', 'trading', 'strategy'] as const;

const HELP = `
Examples:
  outcry backtest                                                 the market maker on what is at hand
  outcry backtest -s ./my_strategy.ts --data AMZN_message_1.csv --report out
  outcry backtest -s liquidity-taker --order-latency 1ms --set base_qty=10
  outcry backtest --scenario flash-crash --half-spread 5 --json`;

export function backtestCommand(): Command {
  const command = new Command('backtest').description(
    'Runs a strategy against a recorded day: its orders stand in the replayed book as real orders, ' +
      'behind those that were there, and the result is fills, profit, inventory, drawdown and a picture.',
  );
  command.option('--config <file>', 'configuration file, TOML or JSON; flags and environment go before it');
  addFlags(command, { ...TRADE_SECTION, schema: TRADE_FLAGS });
  addFlags(command, TRADING_SECTION);
  addFlags(command, STRATEGY_SECTION);
  addFlags(command, RUN_SECTION);
  addSetFlag(command).addHelpText('after', HELP);
  return command.action(() => sayingFaults(command, () => run(command)));
}

async function run(command: Command): Promise<void> {
  const config = readConfig(commandSources(command, CONFIG_SECTIONS));
  const how = readRunSettings(RUN_SECTION, command);
  const definition = await loadStrategy(config.trade.strategy.name);
  const set = parametersSet(command);
  const { source, instrument, description, counts } = openSource(how, config);
  // What cannot be written is said before the day has been traded.
  if (how.report !== null) mkdirSync(how.report, { recursive: true });
  const progress = new Progress();
  const startMs = performance.now();
  const result = await runBacktest({
    source, instrument, seed: how.seed, flatten: how.flatten, costing: config.trade.costing,
    latency: {
      feedNs: how.feedLatency, orderNs: how.orderLatency, responseNs: how.responseLatency, jitterNs: how.jitter,
    },
    strategy: (instruments) => strategyOf(definition, instruments, config, set),
    limits: (instruments) => riskLimits(config.trade.limits, instruments),
    onProgress: (messages, timeNs) => {
      progress.show(`${clockText(timeNs / NS_PER_S, true)}  ${grouped(messages)} messages`);
    },
  });
  progress.clear();
  if (result.messages === 0 && how.until !== null) {
    throw new Error(`--until: expected a time behind the first message of the recording, was ${how.until}`);
  }
  const files = how.report === null ? [] : writeReport(how.report, result);
  const seconds = (performance.now() - startMs) / 1_000;
  const shown = { definition, description, seconds, files, counts: counts(), flatten: how.flatten };
  printResult(verbResult(result, shown), how.json);
}

// ── the market ─────────────────────────────────────────────────────────────────────────────────

interface OpenSource {
  readonly source: MarketSource;
  readonly instrument: InstrumentConfig;
  readonly description: string;
  /** At the end: what became of it. */
  readonly counts: () => Record<string, number>;
}

function openSource(how: RunSettings, config: OutcryConfig): OpenSource {
  if (how.data !== null && how.scenario !== null) {
    throw new Error('--data and --scenario exclude each other: expected one of them');
  }
  const [instrument] = config.trade.instruments;
  const file = how.scenario === null ? (how.data ?? largestRecording(DATA_FOLDER)) : null;
  return file === null ? generated(how, instrument) : recorded(file, how, instrument);
}

function recorded(messagesPath: string, how: RunSettings, instrument: InstrumentConfig): OpenSource {
  checkFile('--data', messagesPath);
  const beside = join(dirname(messagesPath), basename(messagesPath).replace('_message_', '_orderbook_'));
  const bookPath = how.book ?? (beside !== messagesPath && existsSync(beside) ? beside : null);
  if (bookPath !== null) checkFile('--book', bookPath);
  const source = new RecordedMarket({
    messagesPath, ticker: instrument.ticker, client: MARKET_CLIENT, decimals: how.priceDecimals,
    ...(bookPath === null ? {} : { bookPath }),
    ...(how.until === null ? {} : { toNs: timeOfDayNs(how.until) }),
  });
  const symbol = LOBSTER_NAME.exec(basename(messagesPath))?.[1] ?? instrument.symbol;
  return {
    source, instrument: { ...instrument, symbol, decimals: how.priceDecimals },
    description: `${basename(messagesPath)}${bookPath === null ? ', without its book' : ''}`,
    counts: () => ({ ...source.counts }),
  };
}

function generated(how: RunSettings, instrument: InstrumentConfig): OpenSource {
  const scenario = how.scenario ?? 'normal';
  const { tickSize, decimals } = GENERATED;
  const flow = new EquityOrderFlow(generateEquityFlow({ scenario, orders: how.orders }), { unitsPerTick: tickSize });
  const source = new FlowMarket({ flow, ticker: instrument.ticker, client: MARKET_CLIENT });
  const grid = { minPrice: tickSize, maxPrice: 0x7fff_ffff - (0x7fff_ffff % tickSize) };
  return {
    source, instrument: { ...instrument, symbol: 'EQTY', decimals, tickSize, ...grid },
    description: `generated, ${scenario}`,
    counts: () => ({ messages: source.messages, rejects: source.rejects }),
  };
}

function checkFile(flag: string, file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new Error(`${flag}: expected a LOBSTER file, there is none at ${file}`);
  }
}

function timeOfDayNs(given: string): number {
  const [, hours, minutes, seconds = '0'] = TIME_OF_DAY.exec(given) ?? [];
  const ns = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * NS_PER_S;
  return Math.min(ns, DAY_NS);
}

// ── the result ─────────────────────────────────────────────────────────────────────────────────

function writeReport(folder: string, result: BacktestResult): string[] {
  const { course: _course, fills: _fills, ...rest } = result;
  const files: Record<string, string> = {
    'backtest.svg': backtestPicture(result),
    'fills.csv': fillsCsv(result),
    'course.csv': courseCsv(result),
    'result.json': `${JSON.stringify(rest, null, 2)}\n`,
  };
  return Object.entries(files).map(([name, content]) => {
    const file = join(folder, name);
    writeFileSync(file, content);
    return file;
  });
}

interface Shown {
  readonly definition: StrategyDefinition;
  readonly description: string;
  readonly seconds: number;
  readonly files: readonly string[];
  readonly counts: Record<string, number>;
  /** The position was to be traded away. */
  readonly flatten: boolean;
}

function verbResult(result: BacktestResult, shown: Shown): VerbResult {
  const { summary: s, instrument } = result;
  const daySeconds = (result.endNs - result.startNs) / NS_PER_S;
  const time = (ns: number): string => clockText(ns / NS_PER_S, true);
  const row = (name: string, ...values: string[]): string => `  ${name.padEnd(14)}${values.filter((v) => v !== '').join('  ·  ')}`;
  const { course: _course, fills: _fills, ...json } = result;
  const flattened = !shown.flatten || s.position === 0;
  return {
    ok: flattened,
    lines: [
      `${shown.definition.name} on ${instrument.symbol} (${shown.description}), ${time(result.startNs)} – ${time(result.endNs)}`,
      row('profit', money(s.profit), `realised ${money(s.realised)}`, `unrealised ${money(s.unrealised)}`),
      row('drawdown', money(s.drawdownMax)),
      row('fills', grouped(s.fills), `${grouped(s.boughtQty)} bought, ${grouped(s.soldQty)} sold`, `turnover ${money(s.turnover)}`),
      row('orders', `${grouped(s.ordersSent)} sent, ${grouped(s.modifies)} moved, ${grouped(s.cancels)} cancelled, ${grouped(s.rejects)} refused`, `fill rate ${s.fillRatePercent.toFixed(1)} %`),
      row('position', `${grouped(s.positionMin)} … ${grouped(s.positionMax)}`, `mean size ${s.positionMean.toFixed(1)}`, `at the end ${grouped(s.position)}`),
      row('mark-out', MARKOUT_NS.map((ns, i) => `${ns / NS_PER_S} s: ${markout(s.markoutTicks[i])}`).join(', '), 'ticks our way after a fill'),
      row('market', `${grouped(result.messages)} messages in ${shown.seconds.toFixed(1)} s, ${grouped(Math.round(daySeconds / shown.seconds))} times as fast as it was`, divergence(shown.counts)),
      row('decisions', `trace ${result.traceHash}`, `book ${result.bookHash}`),
      ...shown.files.map((file) => row('written', file)),
      ...(flattened ? [] : [row('flatten', `expected position 0 at the end, was ${grouped(s.position)}: nobody took the rest`)]),
    ],
    json: { ...json, seconds: shown.seconds, market: shown.counts, files: shown.files },
  };
}

function divergence(counts: Record<string, number>): string {
  if (counts.withdrawnQty === undefined) return '';
  return `we took ${grouped(counts.withdrawnQty)} of its fills' places, ${grouped(counts.missedQty)} of its quantity was gone`;
}

function markout(ticks: number | null): string {
  return ticks === null ? '–' : ticks.toFixed(2);
}

function money(value: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}
