// What an exchange says while it runs: the sites of its log (src/observe/log/), written from inside its turns without waiting.
import { availableParallelism } from 'node:os';
import { LogDescriptor } from '../observe/log/log_file.ts';
import type { LogSite } from '../observe/log/log_layout.ts';
import { Log, recoverLogs, ringPathOf } from '../observe/log/open_log.ts';
import type { LogLevel, PerformanceConfig } from './config_system.ts';

const STDERR = 2;

export const EXCHANGE_SITES: readonly LogSite[] = [
  { name: 'login', level: 'info', text: 'client {client} logged in from {peer:text}' },
  { name: 'end', level: 'info', text: 'client {client} {what:text}' },
  { name: 'unknown_end', level: 'info', text: '{what:text}' },
  { name: 'operator', level: 'warn', text: 'operator {what:text}' },
];
export const ExchangeSite = { Login: 0, End: 1, UnknownEnd: 2, Operator: 3 } as const;

/**
 * The log on stderr, formatted by a thread of its own (`auto`: where there is a core for it) or in the exchange's loop, and what
 * a killed exchange had not written any more. `note` is told what cannot be had.
 */
export function openExchangeLog(
  level: LogLevel, threads: PerformanceConfig['threads'], nowNs: number, note: (line: string) => void,
): Log {
  const thread = threads !== 'auto' ? threads : availableParallelism() > 1 ? 'dedicated' : 'shared';
  // The live line of figures stands where lines are to come.
  const before = process.stdout.isTTY && process.stderr.isTTY ? '\r\x1b[2K' : '';
  const options = { sites: EXCHANGE_SITES, level, nowNs, thread, before } as const;
  try {
    const recovered = recoverLogs(new LogDescriptor(STDERR));
    if (recovered > 0) note(`${recovered} records above are of processes that were killed`);
    return new Log({ ...options, ringPath: ringPathOf('exchange') });
  } catch (error) {
    note(`the log is lost if this process is killed: ${error instanceof Error ? error.message : String(error)}`);
    return new Log(options);
  }
}
