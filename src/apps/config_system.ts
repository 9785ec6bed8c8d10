// The configuration of the process itself: what it asks of the machine (`[performance]`), what it
// shows of itself (`[monitoring]`), what it says (`[log]`).
//
// Nothing of `[performance]` is on unless asked for. What the machine does not have is reported, not
// ignored (config_machine.ts).
import { byteCount, coreList, oneOf, optional, switched, text, wholeNumber } from './config_forms.ts';
import { type Section, setting, type ValuesOf } from './settings.ts';

/** The kernel's cpu_set_t. */
const CORE_MAX = 1_023;
const NUMA_NODE_MAX = 1_023;

const ALLOCATORS = ['system', 'mimalloc', 'jemalloc'] as const;
export const THREADS = ['auto', 'dedicated', 'shared'] as const;
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
const LOG_FORMATS = ['text', 'json'] as const;
/** A few hundred lines: less would be turning over all the time. */
const LOG_FILE_BYTES_MIN = 64 * 1024;
const LOG_FILE_BYTES = 64 * 1024 * 1024;
const LOG_FILE_BYTES_MAX = 2 ** 40;
const LOG_FILES_KEPT = 5;
const LOG_FILES_KEPT_MAX = 1_000;

const PERFORMANCE_SCHEMA = {
  useHugepages: setting(switched, false, {
    environment: 'HFT_HUGEPAGES',
    description: 'the core memory on huge pages',
    sample: 'true',
  }),
  cpuAffinity: setting(coreList(CORE_MAX), [] as readonly number[], {
    value: 'cores',
    environment: 'HFT_CPU_AFFINITY',
    description: 'cores that the working thread keeps to; none: all',
    sample: '[0, 1, 2, 3]',
  }),
  numaNode: setting(optional(wholeNumber(0, NUMA_NODE_MAX)), null, {
    value: 'node',
    environment: 'HFT_NUMA_NODE',
    description: 'NUMA node that memory comes from',
    defaultText: 'any',
    sample: '0',
  }),
  lockMemory: setting(switched, false, {
    description:
      "the core's memory, the feed's window and the statistics are resident from the start and never swapped out " +
      '(needs a limit of locked memory that is large enough)',
    sample: 'true',
  }),
  threads: setting(oneOf(THREADS), 'auto', {
    value: 'mode',
    description:
      "an exchange's journal and log: dedicated: a thread each; shared: turns of the exchange's own loop, which then waits for the " +
      'disk; auto: a thread each, for the log where there is a core for it',
    sample: '"dedicated"',
  }),
  allocator: setting(oneOf(ALLOCATORS), 'system', {
    value: 'name',
    description: `allocator of the process: ${ALLOCATORS.join(', ')}`,
    sample: '"mimalloc"',
  }),
};

export const PERFORMANCE_SECTION: Section<typeof PERFORMANCE_SCHEMA> = {
  name: 'performance',
  about: 'what is asked of the machine; what it lacks is reported',
  schema: PERFORMANCE_SCHEMA,
};

export type PerformanceConfig = ValuesOf<typeof PERFORMANCE_SCHEMA>;

export const EXPORT_FORMATS = ['prometheus', 'json', 'csv'] as const;

const MONITORING_SCHEMA = {
  metricsEnabled: setting(switched, true, { description: 'publish nothing of this process: no figures, no latencies, nothing to watch' }),
  latencyProfiling: setting(switched, true, { description: 'keep no latency histograms' }),
  exportFormat: setting(oneOf(EXPORT_FORMATS), 'prometheus', {
    value: 'format',
    description: 'metrics are shown as prometheus, json or csv',
  }),
};

export const MONITORING_SECTION: Section<typeof MONITORING_SCHEMA> = {
  name: 'monitoring',
  about: 'what a process shows of itself',
  schema: MONITORING_SCHEMA,
};

export type MonitoringConfig = ValuesOf<typeof MONITORING_SCHEMA>;

const LOG_SCHEMA = {
  level: setting(oneOf(LOG_LEVELS), 'info', {
    value: 'level',
    flag: 'log-level',
    environment: 'HFT_LOG_LEVEL',
    description: `least that is said: ${LOG_LEVELS.join(', ')}`,
    reload: true,
  }),
  file: setting(text(/^[^\0]*$/, 'a file'), '', {
    value: 'file',
    flag: 'log-file',
    description: 'where an exchange and a trader write what happens in their loops; none: to stderr',
    defaultText: 'none',
    example: '"/var/log/outcry/exchange.log"',
  }),
  fileBytes: setting(byteCount(LOG_FILE_BYTES_MIN, LOG_FILE_BYTES_MAX), LOG_FILE_BYTES, {
    value: 'size',
    flag: 'log-file-bytes',
    description: 'a log file of this size is turned over: to FILE.1, that to FILE.2, …',
  }),
  filesKept: setting(wholeNumber(0, LOG_FILES_KEPT_MAX), LOG_FILES_KEPT, {
    value: 'n',
    flag: 'log-files-kept',
    description: 'older log files that stay',
  }),
  format: setting(oneOf(LOG_FORMATS), 'text', {
    value: 'format',
    flag: 'log-format',
    description: 'a line of text, or an object of JSON a line: text, json',
  }),
};

export const LOG_SECTION: Section<typeof LOG_SCHEMA> = {
  name: 'log',
  about: 'what a process says',
  schema: LOG_SCHEMA,
};

export type LogConfig = ValuesOf<typeof LOG_SCHEMA>;

/** Whether what has `level` is said where `least` is configured. */
export function isLogged(level: LogLevel, least: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
}
