// The log of a verb that runs (src/observe/log/): of `[log]` where its lines go and how they look; what was said amid a turn comes out
// of another thread, or of the loop's last agent.
import { availableParallelism } from 'node:os';
import { LogDescriptor, LogFile } from '../observe/log/log_file.ts';
import type { LogSite } from '../observe/log/log_layout.ts';
import { Log, type LogOptions, recoverLogs, ringPathOf } from '../observe/log/open_log.ts';
import { counted } from './shown_text.ts';
import type { LogConfig, PerformanceConfig } from './config_system.ts';

const STDERR = 2;

export interface ProcessLogOptions {
  readonly verb: string;
  readonly sites: readonly LogSite[];
  readonly config: LogConfig;
  readonly threads: PerformanceConfig['threads'];
  /** Of the loop's clock. */
  readonly nowNs: number;
  /** Told what cannot be had. */
  readonly note: (line: string) => void;
}

/**
 * Formatted by a thread of its own (`auto`: where there is a core for it) or in the verb's loop. What killed processes had not
 * written any more comes on stderr. A log file that cannot be opened is an error of the configuration.
 */
export function openProcessLog({ verb, sites, config, threads, nowNs, note }: ProcessLogOptions): Log {
  const { level, file, fileBytes, filesKept, format } = config;
  const thread = threads !== 'auto' ? threads : availableParallelism() > 1 ? 'dedicated' : 'shared';
  // The live line of figures stands where lines are to come.
  const before = file === '' && process.stdout.isTTY && process.stderr.isTTY ? '\r\x1b[2K' : '';
  const path = file === '' ? null : file;
  if (path !== null) checkFile(path);
  const options: LogOptions = { sites, level, nowNs, thread, before, format, path, bytesMax: fileBytes, kept: filesKept };
  try {
    const recovered = recoverLogs(new LogDescriptor(STDERR), format);
    if (recovered > 0) note(`above: ${counted(recovered, 'record')} of processes that were killed`);
    return new Log({ ...options, ringPath: ringPathOf(verb) });
  } catch (error) {
    note(`the log is lost if this process is killed: ${error instanceof Error ? error.message : String(error)}`);
    return new Log(options);
  }
}

/** Said now and with its name, not by the thread that would write it. */
function checkFile(path: string): void {
  try {
    new LogFile(path, { bytesMax: 1, kept: 0 }).close();
  } catch (error) {
    throw new Error(`log.file: expected a file that can be written, was ${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
