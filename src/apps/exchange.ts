// `outcry exchange`: an exchange on this machine until somebody ends it.
//
// stdout: a banner, one line of figures (live on a terminal), a summary; with --json the summary as
// one JSON object on the last line. stderr: who logs in and which sessions end, and why; what the
// machine lacks of [performance]; what an edited configuration file changed, or why it did not.
// With --journal DIR whatever it acknowledges is on disk before, and a start on the same directory goes
// on where the last one ended, however that was (exchange_journal.ts). Exit code 3: the journal is in
// use, damaged, of another configuration, or its disk has failed.
//
// Ends on Ctrl-C, SIGTERM or after --duration: takes no more, answers what it has taken, says
// good-bye to every session and receiver. A second signal ends it at once.
import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import { Command } from 'commander';
import { AgentRunner } from '../base/agent.ts';
import { wallClockMs } from '../base/clock.ts';
import { anyOf } from '../base/wake_any.ts';
import type { ExchangeConfig, OperatorConfig } from '../exchange/config.ts';
import { CLOSE_REASON_NAMES, exchangeCounters } from '../exchange/counters.ts';
import { Exchange, type ExchangeListener, type ExchangeOptions } from '../exchange/exchange.ts';
import { closeReasonText } from '../exchange/gateway.ts';
import { chooseNetwork } from '../net/choose_network.ts';
import { LOGIN_SECURITY } from '../net/signing.ts';
import { NetworkError } from '../net/network_error.ts';
import type { Network } from '../net/transport.ts';
import type { Logger } from '../observe/log/logger.ts';
import { profileDeclarations } from '../observe/profile/declarations.ts';
import { EXCHANGE_PIPELINE } from '../observe/profile/stages.ts';
import { TurnProfile } from '../observe/profile/turn_profile.ts';
import { exchangeDeclarations } from '../observe/system_stats.ts';
import { clockText, machineClock } from '../os/machine_clock.ts';
import { EXCHANGE_RUN_SECTION } from './config.ts';
import { applyPerformance, applyToMemory } from './config_machine.ts';
import { addConfigFlags, commandSources, readConfig, VERB_SECTIONS } from './config_sections.ts';
import { isLogged, type LogLevel } from './config_system.ts';
import { watchConfig } from './config_watch.ts';
import { ExchangeJournal } from './exchange_journal.ts';
import { ExchangeFigures } from './exchange_figures.ts';
import { EXCHANGE_SITES, ExchangeSite } from './exchange_log.ts';
import { Interrupts } from './interrupts.ts';
import { leaveMarketFile } from './market_file.ts';
import { ProcessFile } from './process_file.ts';
import { openProcessLog } from './process_log.ts';
import { leaveOperatorFile, newToken } from './operator_file.ts';
import { addFlags, readRunSettings } from './settings.ts';
import { counted } from './shown_text.ts';
import { endStartUp } from './start_up.ts';

const STATUS_MS = 1_000;
const EXIT_FAILED = 1;
const LIVE_STATUS_MS = 200;
/** What has been taken still goes out for so long. */
const LINGER_MS = 300;

/** Of `[log]`; may change while running. */
let leastLevel: LogLevel = 'info';

export function exchangeCommand(): Command {
  const command = new Command('exchange')
    .description(
      'Runs an exchange: order entry over TCP, a matching engine over all instruments, the public feed by multicast with ' +
        'snapshots and retransmission. It listens on loopback unless told otherwise.',
    );
  addConfigFlags(command, VERB_SECTIONS.exchange);
  addFlags(command, EXCHANGE_RUN_SECTION);
  command.addHelpText(
    'after',
    `
Every setting is also a variable of the environment (HFT_EXCHANGE_PORT, …) and a key of the file
(exchange.port, …; outcry config sample). Flags go before the environment, that before the file, that
before the defaults.

Examples:
  outcry exchange --journal ./journal               nothing acknowledged is lost, whatever happens to it
  outcry exchange                                   order entry on 127.0.0.1:12345, feed on 239.255.0.1:5000
  outcry exchange -p 0 -t 7 --json --duration 10s   a free port, one instrument, the result as JSON
  outcry exchange -i 0.0.0.0 --credentials keys     for other machines: log-ins are signed (outcry key new)
  outcry exchange --framing sequenced --feed book   for clients of the C++ book's protocol`,
  );
  return command.action(async () => run(command));
}

async function run(command: Command): Promise<void> {
  const sources = commandSources(command, VERB_SECTIONS.exchange);
  const config = readConfig(sources);
  leastLevel = config.log.level;
  const { network: kind, wait, duration, json, profile: every } = readRunSettings(EXCHANGE_RUN_SECTION, command);
  for (const lacking of applyPerformance(config.performance, { memoryFollows: true })) note(lacking, 'warn');
  const { network, fallbackReason } = chooseNetwork(
    kind === 'auto' ? process.env['OUTCRY_NETWORK'] : kind,
  );
  if (fallbackReason !== '') note(`using Node's own sockets: ${fallbackReason}`, 'warn');
  // `outcry ctl` speaks TCP, whatever the orders travel over.
  const kernels = network.kind === 'epoll' || network.kind === 'node';
  const operatorNetwork = kernels ? network : chooseNetwork('auto').network;

  const time = machineClock();
  const { clock } = time;
  const { metricsEnabled, latencyProfiling } = config.monitoring;
  const profiled = every > 0 && metricsEnabled && latencyProfiling;
  const watched = !metricsEnabled ? null : ProcessFile.open(
    'exchange', 'exchange',
    [...exchangeDeclarations(exchangeCounters().names), ...(profiled ? profileDeclarations(EXCHANGE_PIPELINE) : [])],
    (line) => note(line, 'warn'),
  );
  const profile = profiled && watched !== null ? new TurnProfile(clock, watched.stats, every) : null;
  const { threads } = config.performance;
  const log = openProcessLog({
    verb: 'exchange', sites: EXCHANGE_SITES, config: config.log, threads, nowNs: clock.refresh(), note: (line) => note(line, 'warn'),
  });
  const journal = config.journal.directory === '' ? null : ExchangeJournal.open(config.journal, note);
  const exchange = await openExchange(journal, {
    config: { ...config.exchange, operator: operatorOf(config.exchange) },
    network,
    ...(operatorNetwork !== network && { operatorNetwork }),
    stamp: wallClockMs() / 1000,
    ...(profile !== null && { profile }),
    security: LOGIN_SECURITY,
    listener: {
      ...saying(log.logger),
      onJournalFailed: (failure) => {
        journal?.failed(failure);
        runner.stop();
      },
    },
  });
  const beside = [exchange.feed.channel.bytes, ...(watched === null ? [] : [watched.stats.bytes])];
  for (const refused of applyToMemory(config.performance, exchange.engine.memory, { beside })) note(refused, 'warn');
  await journal?.start(exchange, clock, threads === 'shared' ? 'shared' : 'dedicated', () => runner.stop());
  const runner = new AgentRunner({
    agents: [log.first, exchange, journal?.agent, log.last].filter((agent) => agent != null),
    clock,
    wait,
    needsEventLoop: network.needsEventLoop,
    wakeSource: anyOf(
      network, ...(operatorNetwork === network ? [] : [operatorNetwork]), ...(journal?.queue == null ? [] : [journal.queue]),
    ),
  });
  if (watched !== null) {
    watched.loop = runner;
    watched.stats.title = `exchange ${config.exchange.interface}:${exchange.ports[0]}`;
    const figures = new ExchangeFigures(watched.stats, exchange);
    watched.figures = () => figures.publish();
  }
  // Before the banner: whoever reads it may ask for the end at once.
  const ended = endOf(() => runner.stop(), duration);
  const operatorFile = leaveOperatorFile(exchange, config.exchange.operator.token === '', (line) => note(line, 'error'));
  const market = watched === null ? null : leaveMarketFile(exchange, config.journal.directory, (line) => note(line, 'warn'));
  endStartUp();
  process.stdout.write(banner(exchange, network, journal, clockText(time)));
  const status = showStatus(exchange);
  const watch = watchConfig({
    sources,
    running: config,
    onConfig: (next, changed) => {
      exchange.reconfigure(next.exchange);
      leastLevel = log.logger.level = next.log.level;
      note(`configuration: took over ${changed.join(', ')}`);
    },
    onFaults: (error) => note(`${error.message}\nconfiguration: goes on as it was`, 'error'),
  });
  const startedMs = wallClockMs();
  try {
    await runner.run();
  } finally {
    watch.close();
    status.stop();
    operatorFile.remove();
    market?.remove();
    if (journal === null) exchange.close(clock.refresh());
    else await journal.finish(exchange, clock);
    // Node's sockets deliver in later turns of the event loop.
    await sleep(network.needsEventLoop ? LINGER_MS : 0);
    network.close();
    operatorNetwork.close();
    await log.close();
    watched?.close();
  }
  const seconds = (wallClockMs() - startedMs) / 1000;
  process.stdout.write(
    json ? `${JSON.stringify(resultOf(exchange, seconds))}\n` : summary(exchange, seconds),
  );
  ended.forget();
}

/** With a token: the one that was configured, or a new one. */
function operatorOf({ operator }: ExchangeConfig): OperatorConfig {
  if (!operator.enabled || operator.token !== '') return operator;
  return { ...operator, token: newToken() };
}

/** Who comes, who goes, and what operators do: said amid a turn, so into the log. */
function saying(logger: Logger): ExchangeListener {
  return {
    onLogin: (session, account) => logger.sayText(
      ExchangeSite.Login, account.client, `${session.connection.peer} (${session.decoder?.framing})`,
    ),
    onClose: (session, reason, detail) => {
      const what = `(${session.connection.peer}) ended: ${closeReasonText(reason)}${detail === '' ? '' : `: ${detail}`}`;
      if (session.account === null) logger.sayText(ExchangeSite.UnknownEnd, 0, what);
      else logger.sayText(ExchangeSite.End, session.account.client, what);
    },
    onOperator: (what) => logger.sayText(ExchangeSite.Operator, 0, what),
    onAlarm: (what) => note(`alarm: ${what}`, 'error'),
  };
}

function openExchange(journal: ExchangeJournal | null, options: ExchangeOptions): Promise<Exchange> {
  if (journal === null) return open(options);
  return journal.replayed(() => open({ ...options, recovery: journal.recovery }));
}

/** Beside another exchange it is seldom one port alone that is taken: what to say is both flags. */
async function open(options: ExchangeOptions): Promise<Exchange> {
  try {
    return await Exchange.open(options);
  } catch (error) {
    if (!(error instanceof NetworkError) || error.code !== 'EADDRINUSE') throw error;
    throw new Error(
      `${error.message}. Beside another exchange: outcry exchange --port 0 --multicast-port ` +
        `${options.config.feed.port + 10}`,
      { cause: error },
    );
  }
}

function banner(exchange: Exchange, network: Network, journal: ExchangeJournal | null, clock: string): string {
  const { config } = exchange;
  const title = styleText('bold', 'Outcry exchange');
  const rows: [string, string][] = [
    ...config.listeners.map(({ host, framing }, index): [string, string] => [
      'orders',
      `tcp ${host}:${exchange.ports[index]}  framing ${framing}`,
    ]),
    [
      'feed',
      `udp ${config.feed.group}:${config.feed.port}  layout ${config.feed.layout}, interface ${config.interface}, ttl ${config.ttl}`,
    ],
    [
      'snapshots',
      config.snapshot.intervalNs === 0
        ? 'none'
        : `udp ${config.snapshot.group}:${config.snapshot.port}  every ${config.snapshot.intervalNs / 1e9} s`,
    ],
    ['retransmit', `udp ${config.retransmit.host}:${exchange.retransmitPort}`],
    [
      'operator',
      exchange.operator === null
        ? 'none'
        : `tcp ${exchange.operator.host}:${exchange.operator.port}  outcry ctl status --port ${exchange.ports[0]}`,
    ],
    ['instruments', instrumentsText(config)],
    ['journal', journal?.foundText(exchange) ?? 'none: what is acknowledged ends with this process'],
    ['transport', `${network.kind}, session ${exchange.sessionName}`],
    ['clock', clock],
  ];
  const lines = rows.map(([name, value]) => `  ${styleText('dim', name.padEnd(12))}${value}`);
  return `${title}\n${lines.join('\n')}\n`;
}

function instrumentsText(config: ExchangeConfig): string {
  const shown = config.instruments.slice(0, 8).map(({ symbol, ticker }) => `${symbol} (${ticker})`);
  const more = config.instruments.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}

/** One line of figures: rewritten in place on a terminal, not at all elsewhere. */
function showStatus(exchange: Exchange): { stop(): void } {
  const live = process.stdout.isTTY === true;
  if (!live) return { stop: () => {} };
  let before = exchange.counters.snapshot();
  let beforeMs = wallClockMs();
  let line = '';
  const draw = (): void => {
    const nowMs = wallClockMs();
    const counters = exchange.counters.snapshot();
    const perSecond = (name: string): string =>
      Math.round(
        ((counters[name] - before[name]) * 1000) / Math.max(1, nowMs - beforeMs),
      ).toLocaleString('en');
    line =
      `${exchange.gateway.count} sessions · ${perSecond('requests')} requests/s · ${perSecond('trades')} trades/s · ` +
      `${perSecond('feed_messages')} updates/s · ${exchange.engine.ordersLive.toLocaleString('en')} of ` +
      `${exchange.config.ordersMax.toLocaleString('en')} orders · sequence ${counters['feed_messages'].toLocaleString('en')}` +
      journalText(exchange);
    if (nowMs - beforeMs >= STATUS_MS) {
      before = counters;
      beforeMs = nowMs;
    }
    const width = Math.max(20, (process.stdout.columns ?? 80) - 1);
    process.stdout.write(`\r\x1b[2K${line.slice(0, width)}`);
  };
  const timer = setInterval(draw, LIVE_STATUS_MS);
  return {
    stop: () => {
      clearInterval(timer);
      process.stdout.write('\r\x1b[2K');
    },
  };
}

/** The mode, and how far the disk is behind. */
function journalText({ journal }: Exchange): string {
  if (journal === null) return ' · no journal';
  const { mode, backlogBytes } = journal.queue;
  const late = journal.lastSequence - journal.released;
  return ` · ${mode}, ${counted(late, 'record')} (${Math.ceil(backlogBytes / 1024)} KiB) to come`;
}

/**
 * Calls `stop` on the first signal or when the time is over; a later signal ends the process.
 * `forget` comes after the report: the second half of one Ctrl-C must not cut it off.
 */
function endOf(stop: () => void, durationNs: number | null): { forget(): void } {
  const interrupts = new Interrupts(['SIGINT', 'SIGTERM'], stop, () => process.exit(EXIT_FAILED));
  const timer = durationNs === null ? null : setTimeout(stop, durationNs / 1e6).unref();
  return {
    forget: () => {
      interrupts.dispose();
      if (timer !== null) clearTimeout(timer);
    },
  };
}

interface ExchangeResult {
  readonly ok: boolean;
  readonly seconds: number;
  readonly ordersLive: number;
  readonly publicHash: string;
  readonly stateHash: string;
  /** null: nothing was journaled. */
  readonly journal: { mode: string; sequence: number; eventHash: string } | null;
  readonly counters: Readonly<Record<string, number>>;
}

function resultOf(exchange: Exchange, seconds: number): ExchangeResult {
  const { engine } = exchange;
  return {
    ok: true,
    seconds,
    ordersLive: engine.ordersLive,
    publicHash: hex(engine.publicHash()),
    stateHash: hex(engine.stateHash()),
    journal:
      exchange.journal === null
        ? null
        : {
            mode: exchange.journal.queue.mode,
            sequence: exchange.journal.lastSequence,
            eventHash: hex(exchange.eventHash),
          },
    counters: exchange.counters.snapshot(),
  };
}

function summary(exchange: Exchange, seconds: number): string {
  const counters = exchange.counters.snapshot();
  const count = (name: string): string => counters[name].toLocaleString('en');
  const closed = CLOSE_REASON_NAMES.filter((name) => counters[name] > 0).map(
    (name) => `${counters[name]} ${name.replace('closed_', '').replaceAll('_', ' ')}`,
  );
  const rows: [string, string][] = [
    ['ran', `${seconds.toFixed(1)} s`],
    ['sessions', `${count('connections')}${closed.length > 0 ? `: ${closed.join(', ')}` : ''}`],
    ['requests', `${count('requests')}, ${count('rejected')} rejected`],
    [
      'matching',
      `${count('trades')} trades, ${exchange.engine.ordersLive.toLocaleString('en')} orders left`,
    ],
    ['responses', count('responses')],
    [
      'feed',
      `${count('feed_messages')} messages in ${count('feed_datagrams')} datagrams, ${count('feed_lost')} lost here; ${count('snapshot_cycles')} snapshots`,
    ],
    [
      'retransmit',
      `${count('retransmit_answers')} answered, ${count('retransmit_refused')} refused`,
    ],
    [
      'journal',
      exchange.journal === null
        ? 'none'
        : `${exchange.journal.queue.mode}, sequence ${exchange.journal.lastSequence.toLocaleString('en')}, ` +
          `${count('journal_syncs')} syncs`,
    ],
    ['books', hex(exchange.engine.publicHash())],
  ];
  return `${rows.map(([name, value]) => `  ${styleText('dim', name.padEnd(12))}${value}`).join('\n')}\n`;
}

function hex(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}

function note(line: string, level: LogLevel = 'info'): void {
  if (!isLogged(level, leastLevel)) return;
  const clear = process.stdout.isTTY === true && process.stderr.isTTY === true ? '\r\x1b[2K' : '';
  process.stderr.write(`${clear}${styleText('dim', line, { stream: process.stderr })}\n`);
}
