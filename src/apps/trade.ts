// `outcry trade`: a strategy against a running exchange, until somebody ends it.
//
// stdout: a live view on a terminal, a line a second elsewhere, a summary at the end; with --json
// the summary as one JSON object on the last line. stderr: what happens to the session.
// Ends on Ctrl-C, SIGTERM, after --duration, when the strategy fails, or when the exchange does not
// take it any more: cancels its orders, waits for the answers, logs out. A second signal ends it at
// once; the exchange then cancels what is open, unless it was told to keep it.
import { styleText } from 'node:util';
import { Command } from 'commander';
import { wallClockMs } from '../base/clock.ts';
import { chooseNetwork, NETWORK_CHOICES } from '../net/choose_network.ts';
import { SESSION_STATE_TEXT } from '../trader/order_session.ts';
import { fileName } from '../trader/strategies/parameters.ts';
import { STRATEGIES } from '../trader/strategies/strategies.ts';
import { duration, oneOf, optional, switched, text } from './config_forms.ts';
import { addConfigFlags, commandSources, readConfig, VERB_SECTIONS } from './config_sections.ts';
import { ConfigError } from './config_value.ts';
import { Interrupts } from './interrupts.ts';
import { addFlags, readRunSettings, setting } from './settings.ts';
import { loadStrategy, StrategyError } from './strategy_loader.ts';
import { coloured, plain, Screen } from './terminal.ts';
import { openTradeJournal } from './trade_journal.ts';
import { renderTrade, tradeLine, tradeSummary } from './trade_screen.ts';
import { parametersSet, strategyOf, traderInstruments } from './trade_strategy.ts';
import { TradeSession } from './trade_session.ts';
import type { WaitStrategy } from '../base/agent.ts';
import type { TraderInstruments } from '../trader/instruments.ts';
import type { StrategyDefinition } from '../trader/strategies/parameters.ts';
import type { TraderListener } from '../trader/trader.ts';
import type { Section, ValuesOf } from './settings.ts';
import type { Paint } from './terminal.ts';
import type { ShownFill, TradeView } from './trade_screen.ts';
import type { TradeStatus } from './trade_status.ts';

const WAITS: readonly WaitStrategy[] = ['spin', 'yield', 'backoff', 'sleep'];
const FRAME_MS = 100;
const LINE_MS = 1_000;
const FILLS_SHOWN = 64;
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
  network: setting(oneOf(NETWORK_CHOICES), 'auto', {
    flagOnly: true,
    value: 'kind',
    description: `transport: ${NETWORK_CHOICES.join(', ')}`,
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
  command
    .option(
      '--set <name=value>', 'a parameter of the strategy; may be given several times',
      (given: string, before: string[]) => [...before, given], [],
    )
    .addHelpText('after', HELP);
  return command.action(async () => {
    try {
      process.exitCode = await run(command);
    } catch (error) {
      if (!(error instanceof ConfigError || error instanceof StrategyError)) throw error;
      command.error(`error: ${error.message}`);
    }
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
  const config = readConfig(commandSources(command, VERB_SECTIONS.trade));
  const how = readRunSettings(RUN_SECTION, command);
  const { trade } = config;
  const instruments = traderInstruments(trade.instruments);
  const definition = await loadStrategy(trade.strategy.name);
  const set = parametersSet(command.opts<{ set: string[] }>().set);
  const strategy = strategyOf(definition, instruments, config, set);
  const { network, fallbackReason } = chooseNetwork(how.network === 'auto' ? undefined : how.network);
  if (fallbackReason !== '') note(`using Node's own sockets: ${fallbackReason}`);
  const identity = { client: trade.clientId, framing: trade.framing, instruments };
  const opened = how.journal === null
    ? null : openTradeJournal(how.journal, identity, how.newSession);
  if (opened !== null) note(opened.found);
  const screen = new TradeScreen(`${trade.host}:${trade.port}`, instruments, how.json);
  let session: TradeSession;
  try {
    session = await TradeSession.open({
      config: trade, instruments, strategy, network, wait: how.wait,
      journal: opened?.journal ?? null,
      listener: screen.listener,
    });
  } catch (error) {
    opened?.journal.abandon();
    network.close();
    throw error;
  }
  return await runSession(session, screen, how);
}

async function runSession(
  session: TradeSession, screen: TradeScreen, how: ValuesOf<typeof RUN_SCHEMA>,
): Promise<number> {
  const end = new EndOfTrade(how.duration);
  session.run().catch((error: Error) => end.because(error.message));
  const shown = screen.show(session, end);
  await end.reached;
  shown.stop();
  const clean = await session.stop({ flatten: how.flatten });
  const view = screen.view(session);
  const failure = end.failure || view.status.trouble;
  if (how.json) {
    process.stdout.write(`${JSON.stringify(resultOf(view, session, clean, failure))}\n`);
  } else {
    process.stdout.write(`${tradeSummary(view, clean, paint()).join('\n')}\n`);
    if (end.failure !== '') note(end.failure);
  }
  end.dispose();
  return clean && failure === '' ? 0 : EXIT_FAILED;
}

/** With --json the last line of stdout. */
function resultOf(
  view: TradeView, session: TradeSession, clean: boolean, failure: string,
): Record<string, unknown> {
  const { status } = view;
  const positions = Object.fromEntries(
    status.books.map(({ symbol, position }) => [symbol, position]),
  );
  return {
    ok: clean && failure === '', clean, failure, seconds: Math.round(view.elapsedMs) / 1000,
    positions, ...status, stages: session.monitor.stages(),
  };
}

// ── what ends it ───────────────────────────────────────────────────────────────────────────────

/** Ctrl-C, its duration, or something that went wrong. */
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

  /** After the report: the second half of one Ctrl-C must not cut it off. */
  dispose(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#interrupts.dispose();
  }
}

// ── what it shows ──────────────────────────────────────────────────────────────────────────────

class TradeScreen {
  readonly listener: TraderListener;
  readonly #endpoint: string;
  readonly #live: boolean;
  readonly #json: boolean;
  readonly #startMs = performance.now();
  readonly #fills: ShownFill[] = [];
  readonly #noted = new Set<string>();

  constructor(endpoint: string, instruments: TraderInstruments, json: boolean) {
    this.#endpoint = endpoint;
    this.#json = json;
    this.#live = process.stdout.isTTY === true && !json;
    this.listener = {
      onFill: (book, _orderId, side, priceTicks, qty) => {
        if (!this.#live) return; // the list is for eyes
        const { symbol } = instruments.list[book];
        const price = instruments.priceText(book, priceTicks);
        this.#fills.unshift({ timeMs: wallClockMs(), side, symbol, price, qty });
        if (this.#fills.length > FILLS_SHOWN) this.#fills.pop();
      },
      onSession: (state, reason) => {
        if (reason !== '' && !this.#live) note(`${SESSION_STATE_TEXT[state]}: ${reason}`);
      },
    };
  }

  view(session: TradeSession): TradeView {
    const nowMs = performance.now();
    return {
      status: session.monitor.look(nowMs), endpoint: this.#endpoint,
      elapsedMs: nowMs - this.#startMs, fills: this.#fills,
    };
  }

  /** Each reason once; on a terminal the view shows it. */
  #noteStandstill({ standsStill }: TradeStatus): void {
    for (const line of standsStill) {
      if (this.#noted.has(line)) continue;
      this.#noted.add(line);
      note(line);
    }
  }

  /** Draws until `stop`; looks after what ends the trading by itself, too. */
  show(session: TradeSession, end: EndOfTrade): { stop(): void } {
    const screen = new Screen(process.stdout);
    const look = (): void => {
      const view = this.view(session);
      if (this.#live) screen.draw(renderTrade(view, screen.columns, screen.rows, paint()));
      else if (!this.#json) process.stdout.write(`${tradeLine(view)}\n`);
      if (!this.#live) this.#noteStandstill(view.status);
      const { fault } = session.trader.runner;
      if (fault !== null) end.because(view.status.trouble);
      if (session.ended) end.because(`the exchange does not take the session up: ${view.status.trouble}`);
    };
    if (this.#live) screen.enter();
    const leave = (): void => screen.leave();
    // Whatever ends this process, the terminal comes back.
    process.on('exit', leave);
    const timer = setInterval(look, this.#live ? FRAME_MS : LINE_MS);
    look();
    return {
      stop: () => {
        clearInterval(timer);
        leave();
        process.off('exit', leave);
      },
    };
  }
}

/** Colours where a person looks who has not declined them (NO_COLOR). */
function paint(): Paint {
  return process.stdout.isTTY && process.stdout.hasColors() ? coloured : plain;
}

function note(line: string): void {
  process.stderr.write(`${styleText('dim', line, { stream: process.stderr })}\n`);
}
