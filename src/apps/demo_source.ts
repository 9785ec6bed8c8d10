// What flows in the demo: a recorded day of LOBSTER data when one is at hand, else the generated
// equity flow.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EQUITY_SCENARIOS, generateEquityFlow } from '../recorded/equity_flow.ts';
import { EquityOrderFlow, LobsterFlow } from '../recorded/order_flow.ts';
import type { EquityScenarioName } from '../recorded/equity_flow.ts';
import type { OrderFlow } from '../recorded/order_flow.ts';

/** One of the traders that trade against the flow. */
export interface TraderSettings {
  readonly strategy: string;
  readonly parameters: Readonly<Record<string, number>>;
  readonly maxOrderQty: number;
  readonly maxPosition: number;
}

export interface FlowSource {
  readonly symbol: string;
  readonly description: string;
  /** Price units are 10^-decimals, a tick is `tickSize` of them. */
  readonly decimals: number;
  readonly tickSize: number;
  /** Times recorded speed, such that a pass takes ten seconds or so. */
  readonly speedDefault: number;
  /** Recorded times are times of a day. */
  readonly timeOfDay: boolean;
  readonly pass: (firstOrderId: number) => OrderFlow;
  /** With parameters that suit its prices. */
  readonly traders: readonly TraderSettings[];
}

/** Recordings of a clone that has its data folder beside it. */
export const DATA_FOLDER = fileURLToPath(new URL('../../../shared/data/lobster', import.meta.url));

const LOBSTER_FILE = /^([A-Z.]+)_(\d{4}-\d{2}-\d{2})_.*message_\d+\.csv$/;
/** 6.5 hours in 12 seconds. */
const RECORDED_SPEED = 2_000;
/** 400,000 messages over some 220 seconds, in 22. */
const GENERATED_SPEED = 10;
const GENERATED_ORDERS = 200_000;

/**
 * Price units from the fair value. At two thousand times its speed a market moves cents in the time
 * of one answer: closer than this the maker is always late, and pays for it.
 */
const RECORDED_HALF_SPREAD = 15;
const GENERATED_HALF_SPREAD = 20;

/** A market maker and a liquidity taker; distances in price units. */
function traders(halfSpread: number): readonly TraderSettings[] {
  return [
    {
      strategy: 'market-maker',
      parameters: {
        half_spread: halfSpread, min_spread: halfSpread, base_qty: 50,
        price_update_threshold: Math.ceil(halfSpread / 8), position_skew_factor: 1, passive: 1,
      },
      maxOrderQty: 100, maxPosition: 300,
    },
    {
      strategy: 'liquidity-taker',
      parameters: { signal_threshold: 0.6, base_qty: 50 },
      maxOrderQty: 100, maxPosition: 300,
    },
  ];
}

export interface SourceOptions {
  /** A LOBSTER message file. */
  readonly data?: string;
  /** A scenario of the equity flow, instead of a recording. */
  readonly scenario?: string;
}

/** The source that the options ask for; throws what is wrong with them. */
export function chooseSource(options: SourceOptions, folder: string = DATA_FOLDER): FlowSource {
  if (options.data !== undefined && options.scenario !== undefined) {
    throw new Error('--data and --scenario exclude each other: expected one of them');
  }
  if (options.data !== undefined) return recorded(options.data);
  if (options.scenario !== undefined) return generated(options.scenario);
  const found = largestRecording(folder);
  return found === null ? generated('normal') : recorded(found);
}

/** The longest recording of a folder, or null. */
export function largestRecording(folder: string): string | null {
  if (!existsSync(folder)) return null;
  const names = readdirSync(folder).filter((name) => LOBSTER_FILE.test(name));
  const files = names.map((name) => join(folder, name));
  return files.toSorted((a, b) => statSync(b).size - statSync(a).size)[0] ?? null;
}

function recorded(path: string): FlowSource {
  if (!existsSync(path)) throw new Error(`--data: no file ${path}`);
  if (statSync(path).isDirectory()) {
    throw new Error(`--data: expected a LOBSTER message file, was the folder ${path}`);
  }
  const name = LOBSTER_FILE.exec(basename(path));
  const bookPath = join(dirname(path), basename(path).replace('_message_', '_orderbook_'));
  const files = {
    messagesPath: path, ...(bookPath !== path && existsSync(bookPath) ? { bookPath } : {}),
  };
  return {
    symbol: name?.[1] ?? 'STOCK',
    description: name === null ? `flow of ${basename(path)}` : `recorded ${name[2]}`,
    decimals: 2,
    tickSize: 1,
    speedDefault: RECORDED_SPEED,
    timeOfDay: true,
    pass: (firstOrderId) => new LobsterFlow({ ...files, priceDecimals: 2, firstOrderId }),
    traders: traders(RECORDED_HALF_SPREAD),
  };
}

function isScenario(name: string): name is EquityScenarioName {
  return Object.hasOwn(EQUITY_SCENARIOS, name);
}

function generated(scenario: string): FlowSource {
  if (!isScenario(scenario)) {
    const known = Object.keys(EQUITY_SCENARIOS).join(', ');
    throw new Error(`--scenario: expected one of ${known}, was "${scenario}"`);
  }
  const flow = generateEquityFlow({ scenario, orders: GENERATED_ORDERS });
  return {
    symbol: 'EQTY',
    description: `generated, ${scenario}`,
    // Half a cent a tick.
    decimals: 3,
    tickSize: 5,
    speedDefault: GENERATED_SPEED,
    timeOfDay: false,
    pass: (firstOrderId) => new EquityOrderFlow(flow, { unitsPerTick: 5, firstOrderId }),
    traders: traders(GENERATED_HALF_SPREAD),
  };
}
