// `outcry ctl`: what an operator says to a running exchange, and to a running trader.
//
//   outcry ctl kill --client 7 ─► one line of JSON over loopback ─► answer ─► words, or JSON with --json
//
// It finds the exchange by its order port, through the file that the exchange keeps for its own user
// (operator_file.ts), or by --operator-port; the token comes from that file or from
// HFT_EXCHANGE_OPERATOR_TOKEN. A trader it finds by its client id and the order port of its exchange.
// Exit code 0: done; 1: refused, or nobody there; 2: the command line is wrong.
import { styleText } from 'node:util';
import { Command, InvalidArgumentError, Option } from 'commander';
import { PORT_DEFAULT } from '../exchange/config.ts';
import { snakeCase } from './config_forms.ts';
import type { SessionView } from '../exchange/controls.ts';
import { OPERATOR_COMMANDS } from '../exchange/exchange_commands.ts';
import { type Answer, askOperator, exchangePlace, type OperatorPlace, TOKEN_VARIABLE, traderPlace } from './operator_client.ts';
import { TRADER_COMMANDS } from './trader_commands.ts';

interface TraderFlags {
  readonly client: number;
  readonly port: number;
  readonly json?: boolean;
}

interface Flags {
  readonly port: number;
  readonly operatorPort?: number;
  readonly host: string;
  readonly json?: boolean;
  readonly client?: number;
  readonly ticker?: number;
  readonly all?: boolean;
}

export function ctlCommand(): Command {
  const command = new Command('ctl').description(
    'Tells a running exchange on this machine what to do: lock clients out, halt, open and close instruments, end ' +
      'sessions, and say how it is. And a running trader: pause, resume, stop, limits.',
  );
  for (const [name, { subject, mayAll, help }] of Object.entries(OPERATOR_COMMANDS)) {
    const sub = new Command(name).description(help);
    if (subject !== '')
      sub.addOption(new Option(`--${subject} <id>`, `${subject} id`).argParser(wholeNumber));
    if (mayAll) sub.option('--all', `every ${subject}`);
    addConnection(sub);
    sub.action(async () => run(name, subject, sub));
    command.addCommand(sub);
  }
  for (const name of Object.keys(TRADER_COMMANDS)) command.addCommand(traderCommand(name));
  return command.addHelpText(
    'after',
    `
Examples:
  outcry ctl status                       instruments, locks and counters of the exchange on port ${PORT_DEFAULT}
  outcry ctl kill --client 7              cancel all its orders, and take none until reset
  outcry ctl kill --all                   the same for everybody
  outcry ctl reset --client 7
  outcry ctl halt --ticker 1              take cancels only
  outcry ctl open --all --port 12400      of another exchange
  outcry ctl sessions --json
  outcry ctl pause --client 2             a trader withdraws its quotes until outcry ctl resume
  outcry ctl limits --client 2 --max-position 500 --max-loss 20000`,
  );
}

/** What is said to a trader. */
function traderCommand(name: string): Command {
  const { help, numbers = {} } = TRADER_COMMANDS[name];
  const command = new Command(name)
    .description(help)
    .addOption(new Option('--client <id>', 'client id of the trader').argParser(wholeNumber).makeOptionMandatory());
  for (const [key, meaning] of Object.entries(numbers))
    command.addOption(new Option(`--${snakeCase(key).replaceAll('_', '-')} <n>`, meaning).argParser(wholeNumber));
  return command
    .addOption(
      new Option('-p, --port <port>', 'order port of the exchange that it trades on').argParser(wholeNumber).default(PORT_DEFAULT),
    )
    .option('--json', 'the last line of stdout is the answer as one JSON object')
    .action(async ({ client, port, json, ...said }: TraderFlags) => {
      const answer = await askOperator(traderPlace(port, client), { command: name, client, ...said });
      tell(answer, json === true, () => traderText(answer.result as TraderAnswer));
    });
}

function addConnection(command: Command): void {
  command
    .addOption(
      new Option('-p, --port <port>', 'order port of the exchange')
        .argParser(wholeNumber)
        .default(PORT_DEFAULT),
    )
    .addOption(
      new Option(
        '--operator-port <port>',
        `its operator port, where the exchange runs under another user (token: ${TOKEN_VARIABLE})`,
      ).argParser(wholeNumber),
    )
    .option('--host <address>', 'own address of the operator channel', '127.0.0.1')
    .option('--json', 'the last line of stdout is the answer as one JSON object');
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError(`expected a whole number, was "${text}"`);
  return value;
}

async function run(name: string, subject: string, command: Command): Promise<void> {
  const flags = command.opts<Flags>();
  const target = subject === 'client' ? flags.client : flags.ticker;
  if (subject !== '' && (target === undefined) === (flags.all !== true)) {
    const all = OPERATOR_COMMANDS[name].mayAll ? ' or --all' : '';
    const was = target === undefined ? 'was neither' : 'were both: say one of them';
    command.error(`error: ${name}: expected --${subject}${all}${all === '' ? '' : `, ${was}`}`);
  }
  const answer = await askOperator(placeOf(flags), {
    command: name,
    ...(target === undefined ? {} : { [subject]: target }),
    ...(flags.all === true ? { all: true } : {}),
  });
  tell(answer, flags.json === true, () => told(name, flags, answer.result));
}

/** The answer as JSON or in words; a refusal as the command's error. */
function tell(answer: Answer, json: boolean, words: () => string): void {
  if (!answer.ok) throw new Error(answer.error ?? 'the command was refused');
  process.stdout.write(json ? `${JSON.stringify(answer)}\n` : words());
}

/** Where the channel is, and the token, from the exchange's file or from what was said. */
function placeOf({ host, port, operatorPort }: Flags): OperatorPlace {
  if (operatorPort === undefined) return exchangePlace(port);
  const token = process.env[TOKEN_VARIABLE] ?? '';
  if (token === '') throw new Error(`expected the token in ${TOKEN_VARIABLE}`);
  return { host, port: operatorPort, token, who: 'the exchange' };
}

// ── words ──────────────────────────────────────────────────────────────────────────────────────

interface Locked {
  readonly all: boolean;
  readonly clients: readonly number[];
}

interface Instrument {
  readonly ticker: number;
  readonly symbol: string;
  readonly state: string;
}

function told(name: string, flags: Flags, result: unknown): string {
  switch (name) {
    case 'kill':
    case 'reset':
      return `${lockedText(result as Locked)}\n`;
    case 'halt':
    case 'open':
    case 'close':
      return instrumentsText((result as { instruments: readonly Instrument[] }).instruments);
    case 'logout':
      return (result as { ended: boolean }).ended
        ? `the session of client ${flags.client} has ended\n`
        : `client ${flags.client} has no session\n`;
    case 'sessions':
      return sessionsText(result as readonly SessionView[]);
    default:
      return statusText(result as Status);
  }
}

interface TraderAnswer {
  readonly client: number;
  readonly state?: string;
  readonly maxOrderQty?: number;
  readonly maxPosition?: number;
  readonly maxLoss?: number;
}

function traderText({ client, state, maxOrderQty, maxPosition, maxLoss }: TraderAnswer): string {
  if (state !== undefined) return `the trader of client ${client} is ${state}\n`;
  return `client ${client}: max_order_qty ${maxOrderQty}, max_position ${maxPosition}, max_loss ${maxLoss}\n`;
}

function lockedText({ all, clients }: Locked): string {
  if (all) return styleText('red', 'everybody is locked out');
  if (clients.length === 0) return 'nobody is locked out';
  return styleText('red', `locked out: client ${clients.join(', ')}`);
}

function instrumentsText(instruments: readonly Instrument[]): string {
  return instruments
    .map(({ ticker, symbol, state }) => {
      const shown = state === 'open' ? state : styleText('yellow', state);
      return `${String(ticker).padStart(6)}  ${symbol.padEnd(16)} ${shown}\n`;
    })
    .join('');
}

function sessionsText(sessions: readonly SessionView[]): string {
  if (sessions.length === 0) return 'nobody is logged in\n';
  const columns = ['client', 'peer', 'framing', 'openOrders', 'unreadBytes', 'locked'] as const;
  const cells = sessions.map((session) =>
    columns.map((column) => String(session[column] ?? '–')),
  );
  const widths = columns.map((column, i) => Math.max(column.length, ...cells.map((row) => row[i].length)));
  const row = (words: readonly string[]): string =>
    `${words.map((word, i) => word.padEnd(widths[i])).join('  ').trimEnd()}\n`;
  return styleText('dim', row(columns)) + cells.map(row).join('');
}

interface Status {
  readonly session: string;
  readonly sessions: number;
  readonly ordersLive: number;
  readonly locked: Locked;
  readonly instruments: readonly Instrument[];
  readonly counters: Readonly<Record<string, number>>;
}

function statusText(status: Status): string {
  const counters = Object.entries(status.counters).map(
    ([name, value]) => `  ${styleText('dim', name.padEnd(28))}${value.toLocaleString('en')}\n`,
  );
  return (
    `session ${status.session}: ${status.sessions} connections, ${status.ordersLive.toLocaleString('en')} orders; ` +
    `${lockedText(status.locked)}\n${instrumentsText(status.instruments)}${counters.join('')}`
  );
}
