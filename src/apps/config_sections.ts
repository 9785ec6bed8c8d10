// The whole configuration: every section of the file, read and checked at once, whichever verb asks.
//
//   file, environment, flags ─► Resolution (settings.ts) ─► OutcryConfig, frozen ─► passed on
//
// Single values are checked in all sections, so a mistake in `[trade]` is said when an exchange starts
// from the same file. What contradicts itself is checked in the sections that are used: an exchange
// does not mind that a trader could not trade.
import type { Command } from 'commander';
import type { ExchangeConfig } from '../exchange/config.ts';
import type { AlertSettings } from '../observe/alerts/alert_settings.ts';
import { checkInstruments, EXCHANGE_SECTION, exchangeConfig, TOP_SECTION } from './config.ts';
import { readConfigFile } from './config_file.ts';
import { checkJournal, JOURNAL_SECTION, type JournalConfig } from './config_journal.ts';
import {
  ALERTS_SECTION,
  alertSettings,
  DASHBOARD_SECTION,
  type DashboardConfig,
  dashboardConfig,
} from './config_monitor.ts';
import {
  LOG_SECTION,
  type LogConfig,
  MONITORING_SECTION,
  type MonitoringConfig,
  PERFORMANCE_SECTION,
  type PerformanceConfig,
} from './config_system.ts';
import {
  STRATEGY_SECTION,
  TRADE_SECTION,
  type TradeConfig,
  tradeConfig,
  TRADING_SECTION,
} from './config_trade.ts';
import { ConfigError, sortFaults } from './config_value.ts';
import {
  addFlags,
  type ConfigSources,
  type Contradict,
  Resolution,
  type Section,
  typedFlags,
} from './settings.ts';

/** In the order in which sample and documents show them. */
export const SECTIONS: readonly Section[] = [
  TOP_SECTION,
  EXCHANGE_SECTION,
  JOURNAL_SECTION,
  TRADE_SECTION,
  TRADING_SECTION,
  STRATEGY_SECTION,
  PERFORMANCE_SECTION,
  MONITORING_SECTION,
  DASHBOARD_SECTION,
  ALERTS_SECTION,
  LOG_SECTION,
];

export type SectionName =
  | 'exchange' | 'journal' | 'trade' | 'trading' | 'strategy' | 'performance' | 'monitoring'
  | 'dashboard' | 'alerts' | 'log';

/** Verbs that run from the configuration, and the sections whose keys are their flags. */
export const VERB_SECTIONS = {
  exchange: ['exchange', 'journal', 'performance', 'log'],
  trade: ['trade', 'trading', 'strategy', 'performance', 'monitoring', 'log'],
  dashboard: ['dashboard', 'alerts', 'log'],
} as const satisfies Record<string, readonly SectionName[]>;

export interface OutcryConfig {
  readonly exchange: ExchangeConfig;
  readonly journal: JournalConfig;
  readonly trade: TradeConfig;
  readonly performance: PerformanceConfig;
  readonly monitoring: MonitoringConfig;
  readonly dashboard: DashboardConfig;
  readonly alerts: AlertSettings;
  readonly log: LogConfig;
  /** Where each value comes from. */
  readonly resolution: Resolution;
  /**
   * A fault that was found later, at the place where the setting was given:
   * `throw config.fault('strategy.parameters.base_qtty', 'unknown parameter …')`.
   */
  fault(key: string, message: string): ConfigError;
}

export interface OutcrySources extends ConfigSources {
  /** Sections in which nothing may contradict itself. */
  readonly uses: readonly SectionName[];
}

export function sectionNamed(name: SectionName): Section {
  const section = SECTIONS.find((candidate) => candidate.name === name);
  if (section === undefined) throw new TypeError(`there is no section ${name}`);
  return section;
}

/** `--config FILE`, and a flag for every key of these sections. */
export function addConfigFlags(command: Command, sections: readonly SectionName[]): Command {
  command.option(
    '--config <file>',
    'configuration file, TOML or JSON; flags and environment go before it',
  );
  for (const name of sections) addFlags(command, sectionNamed(name));
  return command;
}

/** What the command line, the environment and the file of `--config` say. */
export function commandSources(command: Command, sections: readonly SectionName[]): OutcrySources {
  const path = command.opts<{ config?: string }>().config;
  return {
    file: path === undefined ? null : readConfigFile(path),
    environment: process.env,
    flag: typedFlags(command, sections.map(sectionNamed)),
    uses: sections,
  };
}

/** Throws a ConfigError with everything that is wrong. */
export function readConfig(sources: OutcrySources): OutcryConfig {
  const resolution = new Resolution(SECTIONS, sources);
  const within = (...names: readonly SectionName[]): Contradict =>
    names.some((name) => sources.uses.includes(name)) ? resolution.contradict : () => {};
  const { instruments } = resolution.values(TOP_SECTION);
  checkInstruments(instruments, resolution.contradict);
  const journal = resolution.values(JOURNAL_SECTION);
  checkJournal(journal, within('journal'));
  const exchange = exchangeConfig(resolution.values(EXCHANGE_SECTION), instruments, within('exchange'));
  const config: OutcryConfig = {
    exchange,
    journal,
    trade: tradeConfig(
      {
        trade: resolution.values(TRADE_SECTION),
        trading: resolution.values(TRADING_SECTION),
        strategy: resolution.values(STRATEGY_SECTION),
        instruments,
      },
      within('trade', 'trading'),
    ),
    performance: resolution.values(PERFORMANCE_SECTION),
    monitoring: resolution.values(MONITORING_SECTION),
    dashboard: dashboardConfig(
      resolution.values(DASHBOARD_SECTION), { exchange, named: instruments }, within('dashboard'),
    ),
    alerts: alertSettings(resolution.values(ALERTS_SECTION), within('alerts')),
    log: resolution.values(LOG_SECTION),
    resolution,
    fault: (key, message) => new ConfigError([{ place: resolution.place(key), key, message }]),
  };
  if (resolution.faults.length > 0) throw new ConfigError(sortFaults(resolution.faults));
  for (const part of Object.values(config)) if (part !== resolution) freeze(part);
  return Object.freeze(config);
}

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  if (ArrayBuffer.isView(value)) return; // the bytes of a key: JavaScript cannot freeze such
  Object.freeze(value);
  for (const part of Object.values(value)) freeze(part);
}
