// The `outcry` command: finds the verb, loads that verb's file alone, and runs it.
//
//   outcry VERB [options]
//
// The list of verbs below is what help and suggestions come from; a verb's own options live in its
// file, so `outcry --help` starts without loading an exchange, and a verb never pays for the
// others.
//
// Exit codes: 0 done; 1 the verb failed, or what it checked does not hold; 2 the command line or the
// configuration is wrong. Help and errors are coloured only when a person looks (commander leaves colours out
// elsewhere, and obeys NO_COLOR and FORCE_COLOR). With --json the last line of stdout is one JSON
// object, also for errors.
import { readFileSync } from 'node:fs';
import { styleText } from 'node:util';
import { Command, CommanderError } from 'commander';
import { ConfigError } from './config_value.ts';
import { ExitError } from './exit_error.ts';
import { endWithLauncher } from './launcher.ts';
import { counted } from './shown_text.ts';
import { isSystemError, systemErrorText } from './system_error.ts';

export const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** With so many columns left beside the longest option its meaning is wrapped there; commander asks for 40. */
const MEANING_COLUMNS_MIN = 30;

interface Verb {
  readonly name: string;
  readonly summary: string;
  /** Shown in the list of verbs; more of them stand in the verb's own help. */
  readonly example: readonly [command: string, meaning: string];
  /** The verb's file is loaded when the verb is used. */
  readonly load: () => Promise<Command>;
}

export const VERBS: readonly Verb[] = [
  {
    name: 'demo',
    summary: 'the whole system on this machine, live in the terminal',
    example: ['outcry demo', 'until Ctrl-C; then the books are compared'],
    load: async () => (await import('./demo.ts')).demoCommand(),
  },
  {
    name: 'exchange',
    summary: 'an exchange: orders over TCP, market data by multicast',
    example: ['outcry exchange --tickers 1,2,3', 'on 127.0.0.1:12345'],
    load: async () => (await import('./exchange.ts')).exchangeCommand(),
  },
  {
    name: 'trade',
    summary: 'a strategy against an exchange: its orders, positions, profit',
    example: ['outcry trade --strategy market-maker --ticker 1', 'on 127.0.0.1:12345'],
    load: async () => (await import('./trade.ts')).tradeCommand(),
  },
  {
    name: 'json',
    summary: 'orders and market data of an exchange as JSON, for scripts and browsers',
    example: ['outcry json', 'lines over TCP on 127.0.0.1:8081, WebSockets on 8082'],
    load: async () => (await import('./json.ts')).jsonCommand(),
  },
  {
    name: 'ctl',
    summary: 'tell a running exchange: kill switch, halt, open, status',
    example: ['outcry ctl kill --client 7', 'its orders go, and none is taken until reset'],
    load: async () => (await import('./ctl.ts')).ctlCommand(),
  },
  {
    name: 'key',
    summary: 'keys that log-ins from other machines are signed with',
    example: ['outcry key new keys --user ALPHA --client 7', 'then: outcry exchange --credentials keys'],
    load: async () => (await import('./key.ts')).keyCommand(),
  },
  {
    name: 'replay',
    summary: 'order flow, recorded or generated, into a book or an exchange',
    example: ['outcry replay lobster MESSAGES.csv --book BOOK.csv', 'each transition checked'],
    load: async () => (await import('./replay.ts')).replayCommand(),
  },
  {
    name: 'data',
    summary: 'recordings of real markets: fetch, look at, check, convert',
    example: ['outcry data info es_mbo.dbn.zst', 'its books rebuilt and checked'],
    load: async () => (await import('./data.ts')).dataCommand(),
  },
  {
    name: 'backtest',
    summary: 'a strategy against a recorded day, with a picture of the result',
    example: ['outcry backtest -s market-maker --report out', 'on the recording at hand'],
    load: async () => (await import('./backtest.ts')).backtestCommand(),
  },
  {
    name: 'sim',
    summary: 'the whole system under a seeded simulator that breaks what it can',
    example: ['outcry sim --seeds 1..100', 'what must hold holds, or a command that shows it'],
    load: async () => (await import('./sim.ts')).simCommand(),
  },
  {
    name: 'match',
    summary: 'a matching engine on stdin and stdout, in lines of JSON',
    example: ['outcry match < commands.jsonl', 'for conformance suites of any language'],
    load: async () => (await import('./match.ts')).matchCommand(),
  },
  {
    name: 'journal',
    summary: "check, show and export a journal; an order's life",
    example: ['outcry journal verify DIR', 'every byte of it'],
    load: async () => (await import('./journal.ts')).journalCommand(),
  },
  {
    name: 'config',
    summary: 'check, print and sample configuration files',
    example: ['outcry config check outcry.toml', 'every fault with its line'],
    load: async () => (await import('./config_command.ts')).configCommand(),
  },
  {
    name: 'stat',
    summary: 'what everything that runs does: rates, latencies, profit, memory',
    example: ['outcry stat', 'live; elsewhere than on a terminal as metrics'],
    load: async () => (await import('./stat.ts')).statCommand(),
  },
  {
    name: 'profile',
    summary: 'where the time goes in a running exchange or trader',
    example: ['outcry profile --html profile.html', 'as a page with a picture'],
    load: async () => (await import('./profile.ts')).profileCommand(),
  },
  {
    name: 'dashboard',
    summary: 'exchange and traders in the browser, for Prometheus, as JSON',
    example: ['outcry dashboard', 'http://127.0.0.1:8080, of what runs here'],
    load: async () => (await import('./dashboard.ts')).dashboardCommand(),
  },
  {
    name: 'bench',
    summary: 'measure this machine; each result is checked',
    example: ['outcry bench --json', 'the default set, as JSON'],
    load: async () => (await import('./bench.ts')).benchCommand(),
  },
];

/** The whole command with one verb loaded; the others are names with a summary. */
export async function outcryProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('outcry');
  program
    .description('A complete low-latency trading system.')
    .usage('VERB [options]')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [verb]', 'show help of a verb')
    .showHelpAfterError('(outcry --help lists the verbs; outcry VERB --help explains one)')
    .showSuggestionAfterError()
    // So that `outcry config print exchange --port 0` hands on what stands behind the verb.
    .enablePositionalOptions()
    .exitOverride();
  const wanted = requestedVerb(args);
  for (const verb of VERBS) {
    program.addCommand(verb.name === wanted ? await loaded(verb) : named(verb));
  }
  program.addHelpText('after', examplesText(VERBS.map((verb) => verb.example)));
  style(program);
  return program;
}

/** Runs the command line; returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const program = await outcryProgram(args);
    if (args.length === 0) {
      program.outputHelp();
      return 0;
    }
    await program.parseAsync([...args], { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version end this way too, with code 0; commander has said what there is to say.
      if (error.exitCode === 0) return 0;
      if (args.includes('--json')) printJsonError(ownWords(error.message).replace(/^error: /, ''));
      return EXIT_USAGE;
    }
    if (isSystemError(error) && error.code === 'EPIPE' && error.syscall === 'write') return 0; // as below, of a synchronous write
    const message = isSystemError(error) ? systemErrorText(error) : error instanceof Error ? error.message : String(error);
    if (args.includes('--json')) printJsonError(message);
    process.stderr.write(`${styleText('red', 'error:', { stream: process.stderr })} ${message}\n`);
    if (error instanceof ConfigError) return EXIT_USAGE;
    if (error instanceof ExitError) return error.exitCode;
    if (process.env['OUTCRY_DEBUG'] !== undefined && error instanceof Error) {
      process.stderr.write(`${error.stack}\n`);
    }
    return EXIT_FAILED;
  }
}

async function loaded(verb: Verb): Promise<Command> {
  const command = await verb.load();
  command.summary(verb.summary).helpOption('-h, --help', 'show help');
  for (const sub of command.commands) sub.helpOption('-h, --help', 'show help').exitOverride();
  command.showSuggestionAfterError().showHelpAfterError(
    `(outcry ${verb.name} --help explains it)`,
  ).exitOverride();
  return command;
}

function named(verb: Verb): Command {
  return new Command(verb.name).summary(verb.summary).description(verb.summary);
}

/** The first word that is not an option; behind `help` the second. */
function requestedVerb(args: readonly string[]): string | undefined {
  const words = args.filter((arg) => !arg.startsWith('-'));
  return words[0] === 'help' ? words[1] : words[0];
}

function examplesText(examples: readonly (readonly [string, string])[]): string {
  const width = Math.max(...examples.map(([command]) => command.length));
  const lines = examples.map(
    ([command, meaning]) => `  ${command.padEnd(width)}  ${styleText('dim', meaning)}`,
  );
  return `\n${styleText('bold', 'Examples:')}\n${lines.join('\n')}`;
}

function style(command: Command): void {
  for (const sub of command.commands) style(sub);
  command.configureHelp({
    minWidthToWrap: MEANING_COLUMNS_MIN,
    subcommandTerm,
    styleTitle: (text) => styleText('bold', text),
    styleCommandText: (text) => styleText('cyan', text),
    styleSubcommandText: (text) => styleText('cyan', text),
    styleOptionText: (text) => styleText('green', text),
    styleArgumentText: (text) => styleText('yellow', text),
  });
  command.configureOutput({
    outputError: (text, write) => write(
      ownWords(text).replace(/^error:/, styleText('red', 'error:', { stream: process.stderr })),
    ),
  });
}

/** Commander says "Expected 0 arguments but got 1." */
function ownWords(text: string): string {
  return text.replace(/too many arguments(?: for '([^']+)')?\. Expected (\d+) arguments? but got (\d+)\./, (_, command: string | undefined, expected: string, was: string) =>
    `${command === undefined ? '' : `${command}: `}expected ${expected === '0' ? 'no argument' : counted(Number(expected), 'argument')}, was ${was}`);
}

/** "lobster <messages>": what must be given, but no options. */
function subcommandTerm(command: Command): string {
  return [
    command.name(), ...command.registeredArguments.map((argument) => `<${argument.name()}>`),
  ].join(' ');
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  const meta: { version: string } = JSON.parse(readFileSync(file, 'utf8'));
  return meta.version;
}

function printJsonError(message: string): void {
  process.stdout.write(`${JSON.stringify({ ok: false, error: message })}\n`);
}

if (import.meta.main) {
  // Whoever read our output has gone (`outcry … | head`): no error of ours, and nobody left to tell.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    process.stderr.write(`error: cannot write the output: ${error.message}\n`);
    process.exit(EXIT_FAILED);
  });
  endWithLauncher();
  process.exitCode = await main(process.argv.slice(2));
}
