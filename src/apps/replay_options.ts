// What the kinds of `outcry replay` have in common: where to send a flow and how, numbers and addresses as people write
// them.
import { existsSync, statSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ConnectOptions } from '../net/transport.ts';
import { parseSpeed } from '../recorded/order_flow.ts';
import { Framing } from '../wire/framing/frame.ts';
import { WINDOW_FULL_SPEED } from './flow_driver.ts';
import type { SendOptions } from './send_flow.ts';

const PORT_DEFAULT = 12_345;

export interface CommonFlags extends SendOptions {
  to?: ConnectOptions;
  firstOrderId: number;
  json?: boolean;
}

export function finished(command: Command, examples: string): Command {
  return command
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError(`(outcry replay ${command.name()} --help explains it)`)
    .addHelpText('after', examples);
}

export function withSendOptions(command: Command): Command {
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

export function checkReadable(path: string): void {
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

export function integerOption(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`expected an integer ${min} … ${max}, was "${text}"`);
    }
    return value;
  };
}
