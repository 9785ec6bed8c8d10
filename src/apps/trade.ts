// `outcry trade`: a strategy against a running exchange, until somebody ends it.
//
// stdout: a live view on a terminal, a line a second elsewhere, a summary at the end; with --json
// the summary as one JSON object on the last line. stderr: what happens to the session, what the
// machine lacks of [performance], what an edited configuration file changed, or why it did not.
// Ends on Ctrl-C, SIGTERM, after --duration, when the strategy fails, or when the exchange does not
// take it any more: cancels its orders, waits for the answers, logs out. A second signal ends it at
// once; the exchange then cancels what is open, unless it was told to keep it.
import { Command } from 'commander';
import { chooseNetwork, NETWORK_CHOICE, NETWORK_CHOICES } from '../net/choose_network.ts';
import { profileDeclarations } from '../observe/profile/declarations.ts';
import { PipelineProfile } from '../observe/profile/pipeline_profile.ts';
import { TRADER_PIPELINE } from '../observe/profile/stages.ts';
import { machineClock } from '../os/machine_clock.ts';
import { ROUND_TRIP, traderDeclarations } from '../observe/system_stats.ts';
import { fileName } from '../trader/strategies/parameters.ts';
import { STRATEGIES } from '../trader/strategies/strategies.ts';
import { duration, oneOf, optional, switched, text } from './config_forms.ts';
import { applyPerformance, applyToMemory } from './config_machine.ts';
import { addConfigFlags, commandSources, readConfig, VERB_SECTIONS } from './config_sections.ts';
import { watchConfig } from './config_watch.ts';
import { Interrupts } from './interrupts.ts';
import { addFlags, readRunSettings, setting } from './settings.ts';
import { signed } from './shown_text.ts';
import { loadStrategy } from './strategy_loader.ts';
import { paint, TradeDisplay } from './trade_display.ts';
import { ProcessFile } from './process_file.ts';
import { openProcessLog } from './process_log.ts';
import { endStartUp } from './start_up.ts';
import { TradeFigures } from './trade_figures.ts';
import { openTradeJournal } from './trade_journal.ts';
import { TRADE_SITES, tradeSaying } from './trade_log.ts';
import { tradeSummary } from './trade_screen.ts';
import { addSetFlag, parametersSet, sayingFaults, strategyOf, traderInstruments } from './trade_strategy.ts';
import { TradeSession } from './trade_session.ts';
import { TraderControl } from './trader_control.ts';
import type { WaitStrategy } from '../base/agent.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../observe/log/open_log.ts';
import type { StrategyDefinition } from '../trader/strategies/parameters.ts';
import type { OutcryConfig, OutcrySources } from './config_sections.ts';
import type { Section, ValuesOf } from './settings.ts';
import type { TradeView } from './trade_screen.ts';

const WAITS: readonly WaitStrategy[] = ['spin', 'yield', 'backoff', 'sleep'];
/** A year. */
const DURATION_MAX_NS = 365 * 24 * 3600e9;
const EXIT_FAILED = 1;
/** 128 + SIGINT. */
const EXIT_INTERRUPTED = 130;

/** How `outcry trade` runs. */
const RUN_SCHEMA = {
  journal: setting(optional(text(/\S/, 'a directory')), null, {
    flagOnly: true,
    value: 'directory',
    description: 'keep fills and order ids there, and go on from what is kept',
  }),
  newSession: setting(switched, false, {
    flagOnly: true,
    description: 'take up a session that the exchange has begun anew, with the positions kept',
  }),
  flatten: setting(switched, false, {
    flagOnly: true,
    description: 'at the end trade the positions away',
  }),
  network: setting(text(NETWORK_CHOICE, `one of ${NETWORK_CHOICES}`), 'auto', {
    flagOnly: true,
    value: 'kind',
    description: `transport: ${NETWORK_CHOICES}`,
  }),
  wait: setting(oneOf(WAITS), 'backoff', {
    flagOnly: true,
    value: 'strategy',
    description: `when idle: ${WAITS.join(', ')}; spin is the quickest and takes a core`,
  }),
  duration: setting(optional(duration(1e6, DURATION_MAX_NS)), null, {
    flagOnly: true,
    value: 'time',
    description: 'end after this time',
  }),
  control: setting(switched, true, {
    flagOnly: true,
    description: 'no control channel: neither outcry ctl nor the dashboard reach this trader',
  }),
  json: setting(switched, false, {
    flagOnly: true,
    description: 'the last line of stdout is the result as one JSON object',
  }),
};
const RUN_SECTION: Section<typeof RUN_SCHEMA> = {
  name: 'trade', about: 'how outcry trade runs', schema: RUN_SCHEMA,
};

export function tradeCommand(): Command {
  const command = new Command('trade').description(
    'Runs a strategy against an exchange: builds the books from its feed, decides, checks each ' +
      'order against its limits, and keeps positions and profit. Ctrl-C cancels its orders and ends it.',
  );
  addConfigFlags(command, VERB_SECTIONS.trade);
  addFlags(command, RUN_SECTION);
  addSetFlag(command).addHelpText('after', HELP);
  return command.action(async () => {
    await sayingFaults(command, async () => {
      process.exitCode = await run(command);
    });
  });
}

const HELP = `
Strategies and their parameters:
${STRATEGIES.map(strategyHelp).join('\n')}

Examples:
  outcry trade                                               market maker in ticker 1 on 127.0.0.1:12345
  outcry trade -s liquidity-taker -t 1,2 -c 2                takes in two instruments, as client 2
  outcry trade --half-spread 5 --set base_qty=50             quotes closer and smaller
  outcry trade -s ./my_strategy.ts --journal ./positions     your own, going on where it ended`;

function strategyHelp({ name, about, parameters }: StrategyDefinition): string {
  const names = Object.keys(parameters).map(fileName).join(', ');
  return `  ${name.padEnd(18)}${about}\n${' '.repeat(20)}${names}`;
}

/** Runs until it is told to end; returns the exit code. */
async function run(command: Command): Promise<number> {
  const sources = commandSources(command, VERB_SECTIONS.trade);
  const config = readConfig(sources);
  const how = readRunSettings(RUN_SECTION, command);
  const { trade } = config;
  const instruments = traderInstruments(trade.instruments);
  const definition = await loadStrategy(trade.strategy.name);
  const strategy = strategyOf(definition, instruments, config, parametersSet(command));
  const display = new TradeDisplay({
    endpoint: `${trade.host}:${trade.port}`, instruments, json: how.json, level: config.log.level,
  });
  // Before anything is made that starts a thread: they keep to the same cores.
  for (const lacking of applyPerformance(config.performance, { memoryFollows: true })) display.note(lacking, 'warn');
  const { network, fallbackReason } = chooseNetwork(how.network === 'auto' ? undefined : how.network);
  if (fallbackReason !== '') display.note(`using Node's own sockets: ${fallbackReason}`, 'warn');
  const identity = { client: trade.clientId, framing: trade.framing, instruments };
  const opened = how.journal === null
    ? null : openTradeJournal(how.journal, identity, how.newSession);
  if (opened !== null) display.note(opened.found);
  const { metricsEnabled, latencyProfiling } = config.monitoring;
  const watched = !metricsEnabled ? null : ProcessFile.open(
    'trade', `trade ${trade.strategy.name}, client ${trade.clientId}`,
    [...traderDeclarations(instruments.count, latencyProfiling), ...(latencyProfiling ? profileDeclarations(TRADER_PIPELINE) : [])],
    (line) => display.note(line, 'warn'),
  );
  const { clock } = machineClock();
  const log = openTradeLog(config, clock, display);
  let session: TradeSession;
  try {
    session = await TradeSession.open({
      config: trade, instruments, strategy, network, wait: how.wait, clock,
      journal: opened?.journal ?? null,
      listener: log === null ? display.listener : tradeSaying(log.logger, display.listener, display.live),
      ...(log !== null && { log }),
      ...(watched !== null && latencyProfiling && {
        profile: new PipelineProfile(TRADER_PIPELINE, watched.stats), roundTrips: watched.stats.histogram(ROUND_TRIP),
      }),
    });
    if (watched !== null) {
      watched.loop = session.loop;
      const figures = new TradeFigures(watched.stats, session.trader, trade.port);
      watched.figures = () => figures.publish();
    }
    const beside = watched === null ? [] : [watched.stats.bytes];
    for (const refused of applyToMemory(config.performance, session.trader.view.memory, { beside })) display.note(refused, 'warn');
    endStartUp();
  } catch (error) {
    watched?.close();
    await log?.close();
    opened?.journal.abandon();
    network.close();
    throw error;
  }
  const watch = reloads(sources, config, session, display, log);
  const end = new EndOfTrade(how.duration);
  const control = !how.control ? null : await TraderControl.open({
    session, client: trade.clientId, orderPort: trade.port, note: (line) => display.note(line),
    owner: { pause: () => session.pause(), resume: () => session.resume(), stop: () => end.asked() },
  });
  try {
    return await runSession(session, display, how, end);
  } finally {
    control?.close();
    watch.close();
    watched?.close();
    await log?.close();
  }
}

/** null: a view has the terminal, and no file was asked for. */
function openTradeLog({ log, performance }: OutcryConfig, clock: Clock, display: TradeDisplay): Log | null {
  if (display.live && log.file === '') return null;
  const note = (line: string): void => display.note(line, 'warn');
  return openProcessLog({ verb: 'trade', sites: TRADE_SITES, config: log, threads: performance.threads, nowNs: clock.refresh(), note });
}

/** An edited configuration file, between two turns: its limits hold from the next event on. */
function reloads(
  sources: OutcrySources, running: OutcryConfig, session: TradeSession, display: TradeDisplay, log: Log | null,
): { close(): void } {
  return watchConfig({
    sources, running,
    onConfig: (next, changed) => {
      session.setLimits(next.trade.limits);
      display.level = next.log.level;
      if (log !== null) log.logger.level = next.log.level;
      display.note(`configuration: took over ${changed.join(', ')}`);
    },
    onFaults: (error) => display.note(`${error.message}\nconfiguration: goes on as it was`, 'error'),
  });
}

async function runSession(
  session: TradeSession, display: TradeDisplay, how: ValuesOf<typeof RUN_SCHEMA>, end: EndOfTrade,
): Promise<number> {
  session.run().catch((error: Error) => end.because(error.message));
  const shown = display.show(session, ({ status }) => {
    if (session.trader.runner.fault !== null) end.because(status.trouble);
    if (session.ended) end.because(session.endText);
  });
  await end.reached;
  shown.stop();
  const stopped = await session.stop({ flatten: how.flatten });
  const view = display.view(session);
  const failure = end.failure || view.status.trouble || leftOverText(session);
  if (how.json) {
    process.stdout.write(`${JSON.stringify(resultOf(view, session, stopped, failure))}\n`);
  } else {
    process.stdout.write(`${tradeSummary(view, stopped, paint()).join('\n')}\n`);
    if (failure !== '' && failure !== view.status.trouble) display.note(failure, 'error');
  }
  end.dispose();
  return stopped && failure === '' ? 0 : EXIT_FAILED;
}

/** What `--flatten` could not trade away; '' where there is nothing left. */
function leftOverText({ trader }: TradeSession): string {
  if (!trader.runner.leftOver) return '';
  const { positions } = trader.runner;
  const left = trader.instruments.list
    .map(({ symbol }, book): [string, number] => [symbol, positions.position(book)])
    .filter(([, position]) => position !== 0)
    .map(([symbol, position]) => `${symbol} ${signed(position)}`);
  return `expected flat positions at the end, was ${left.join(', ')}: nobody took the rest in time`;
}

/** With --json the last line of stdout. */
function resultOf(
  view: TradeView, session: TradeSession, stopped: boolean, failure: string,
): Record<string, unknown> {
  const { status } = view;
  const clean = stopped && !session.trader.runner.leftOver;
  const positions = Object.fromEntries(
    status.books.map(({ symbol, position }) => [symbol, position]),
  );
  return {
    ok: clean && failure === '', clean, failure, seconds: Math.round(view.elapsedMs) / 1000,
    positions, ...status, stages: session.monitor.stages(),
  };
}

// ── what ends it ───────────────────────────────────────────────────────────────────────────────

/** Ctrl-C, its duration, an operator, or something that went wrong. */
class EndOfTrade {
  /** '' unless something went wrong. */
  failure = '';
  readonly reached: Promise<void>;
  #resolve: () => void = () => {};
  readonly #timer: NodeJS.Timeout | null;
  readonly #interrupts: Interrupts;

  constructor(durationNs: number | null) {
    this.reached = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#timer = durationNs === null ? null : setTimeout(() => this.#resolve(), durationNs / 1e6);
    this.#interrupts = new Interrupts(
      ['SIGINT', 'SIGTERM', 'SIGHUP'],
      () => this.#resolve(),
      () => process.exit(EXIT_INTERRUPTED), // does not wait for the answers to its cancels
    );
  }

  because(failure: string): void {
    this.failure ||= failure;
    this.#resolve();
  }

  /** By an operator. */
  asked(): void {
    this.#resolve();
  }

  /** After the report: the second half of one Ctrl-C must not cut it off. */
  dispose(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#interrupts.dispose();
  }
}
