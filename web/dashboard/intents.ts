// What a reader may ask for, in words that name what will happen, with the numbers of this moment.
import type { CommandRequest, InstrumentInfo } from '../../src/observe/dashboard/messages.ts';
import type { ExchangeView, TraderLimitsView, TraderView } from '../../src/observe/system_view.ts';
import { count } from '../shared/format.ts';
import type { Intent } from './commands.ts';
import { LIMIT_FIELDS, limitText, warningsOf } from './limits.ts';

export type TraderCommand = 'pause' | 'resume' | 'stop';

export function nameOf(trader: TraderView): string {
  return `${trader.strategy} (client ${trader.client})`;
}

export function killAll(exchange: ExchangeView | null, traders: readonly TraderView[]): Intent {
  const orders = exchange === null ? 'All open orders' : `All ${count(exchange.ordersLive)} open orders`;
  const sessions = exchange === null ? 'everybody' : `all ${count(exchange.sessions)} sessions`;
  return {
    title: 'Kill everything',
    effects: [
      `${orders} of ${sessions} are cancelled at once.`,
      'Nobody can trade until a reset: new orders are rejected.',
      traders.length === 0 ? 'Positions stay as they are.' : `Positions of ${traders.length} traders stay as they are; nothing is closed out.`,
    ],
    verb: 'Kill',
    danger: true,
    requests: [{ command: 'kill', confirm: true }],
  };
}

export function resetAll(): Intent {
  return {
    title: 'Reset the kill switch',
    effects: ['Everybody who was locked out may trade again.', 'Traders that still run send orders at once.'],
    verb: 'Reset',
    danger: true,
    requests: [{ command: 'reset', confirm: true }],
  };
}

export function killClient(trader: TraderView): Intent {
  return {
    title: `Kill ${nameOf(trader)}`,
    effects: [
      `Its ${count(trader.ordersOpen)} open orders are cancelled at the exchange.`,
      'It cannot trade until a reset. Others go on.',
    ],
    verb: 'Kill this client',
    danger: true,
    requests: [{ command: 'kill', client: trader.client, confirm: true }],
  };
}

const TRADER_EFFECTS: Readonly<Record<TraderCommand, readonly string[]>> = {
  pause: ['Its quotes are withdrawn and it sends no orders.', 'It keeps its connection, its books and its position.'],
  resume: ['It quotes and trades again.'],
  stop: ['Its quotes are withdrawn, its connection ends in order, the process ends.', 'It does not start again by itself.'],
};

const TRADER_VERBS: Readonly<Record<TraderCommand, string>> = { pause: 'Pause', resume: 'Resume', stop: 'Stop' };

export function forTrader(command: TraderCommand, trader: TraderView): Intent {
  return {
    title: `${TRADER_VERBS[command]} ${nameOf(trader)}`,
    effects: TRADER_EFFECTS[command],
    verb: TRADER_VERBS[command],
    danger: command === 'stop',
    requests: [{ command, client: trader.client, confirm: true }],
  };
}

/** Of all traders at once; those that are concerned by name. */
export function forTraders(command: TraderCommand, traders: readonly TraderView[]): Intent {
  if (traders.length === 1) return forTrader(command, traders[0]);
  return {
    title: `${TRADER_VERBS[command]} ${traders.length} traders`,
    effects: [`${traders.map(nameOf).join(', ')}.`, ...TRADER_EFFECTS[command].map((effect) => `Each: ${effect}`)],
    verb: `${TRADER_VERBS[command]} all`,
    danger: command === 'stop',
    requests: traders.map(({ client }): CommandRequest => ({ command, client, confirm: true })),
  };
}

/** `decimals`: of its prices, for the money of a loss. */
export function forLimits(trader: TraderView, changes: Partial<TraderLimitsView>, decimals: number | null): Intent {
  const limits = trader.limits!;
  return {
    title: `Set limits of ${nameOf(trader)}`,
    changes: LIMIT_FIELDS.flatMap(({ name, label }) => {
      const to = changes[name];
      return to === undefined ? [] : [{ name: label, from: limitText(name, limits[name], decimals), to: limitText(name, to, decimals) }];
    }),
    effects: [
      ...warningsOf(trader, changes),
      'From its next order on, until it ends or its configuration file is edited. Orders that rest stay.',
    ],
    verb: 'Set limits',
    danger: false,
    requests: [{ command: 'limits', client: trader.client, ...changes, confirm: true }],
  };
}

export type InstrumentCommand = 'halt' | 'open' | 'close';

const INSTRUMENT_EFFECTS: Readonly<Record<InstrumentCommand, readonly string[]>> = {
  halt: ['Nothing trades. Resting orders stay; only cancels are taken.'],
  open: ['New orders are taken and match again.'],
  close: ['All day orders are cancelled, and nothing trades.', 'Only cancels are taken until it is opened.'],
};

const INSTRUMENT_VERBS: Readonly<Record<InstrumentCommand, string>> = { halt: 'Halt', open: 'Open', close: 'Close' };

export function forInstrument(command: InstrumentCommand, instrument: InstrumentInfo): Intent {
  return {
    title: `${INSTRUMENT_VERBS[command]} ${instrument.symbol}`,
    effects: INSTRUMENT_EFFECTS[command],
    verb: INSTRUMENT_VERBS[command],
    danger: command !== 'open',
    requests: [{ command, ticker: instrument.ticker, confirm: true }],
  };
}
