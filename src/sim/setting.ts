// A plan's setting as the configurations of production, and the names that everybody knows.
//
// Clients have the numbers 1, 2, … of their place in the plan; with passwords each good one has an account
// that nobody else can use.
import { EXCHANGE_DEFAULT, type ExchangeConfig, ListenerFraming, NO_LIMIT, plainInstrument } from '../exchange/config.ts';
import type { ClientKind, ClientPlan, SettingPlan, SimPlan } from './plan.ts';

export type { SettingPlan };

export const EXCHANGE_NAME = 'exchange';
export const HISTORIAN_NAME = 'historian';
export const HOST = '127.0.0.1';
export const PORT = 12_345;
/** A listener of its own: its framing cannot be told from the first byte. */
export const SEQUENCED_PORT = 12_346;
export const GROUP = '239.255.79.1';
export const FEED_PORT = 21_000;
export const SNAPSHOT_PORT = 21_001;
export const RETRANSMIT_PORT = 21_002;
/** Prices of all instruments are around this. */
export const MID_TICKS = 10_000;
const LOG_BYTES_MAX = 1 << 20;
const LOG_TOTAL_BYTES = 8 << 20;
const LOGIN_NS = 300_000_000;

/** Client id of a place in the plan. */
export function clientOf({ index }: ClientPlan): number {
  return index + 1;
}

export function userOf(client: number): string {
  return String(client);
}

export function passwordOf(setting: SettingPlan, client: number): string {
  return setting.passwords ? `secret${client}` : '';
}

/** Names in the fabric. */
export function nameOf({ index, kind }: ClientPlan): string {
  return `${kind}-${index}`;
}

export function speaksSoup(kind: ClientKind): boolean {
  return kind === 'soup' || kind === 'maker' || kind === 'taker' || kind === 'resend' || kind === 'slow' ||
    kind === 'flood' || kind === 'invalid';
}

export function exchangeConfig({ setting, clients }: SimPlan): ExchangeConfig {
  const { instruments, positionMax, openOrdersMax, orderQtyMax, collarTicks, messagesPerSecond } = setting;
  const accounts = setting.passwords ? clients.filter(({ kind }) => speaksSoup(kind)) : [];
  return {
    ...EXCHANGE_DEFAULT,
    listeners: [
      { host: HOST, port: PORT, framing: ListenerFraming.Auto },
      { host: HOST, port: SEQUENCED_PORT, framing: ListenerFraming.Sequenced },
    ],
    instruments: Array.from({ length: instruments }, (_, i) => plainInstrument(i + 1)),
    accounts: accounts.map((plan) => ({
      user: userOf(clientOf(plan)),
      password: passwordOf(setting, clientOf(plan)),
      client: clientOf(plan),
      owner: null,
      cancelOnDisconnect: setting.cancelOnDisconnect,
    })),
    cancelOnDisconnect: setting.cancelOnDisconnect,
    ordersMax: setting.ordersMax,
    stp: setting.stp,
    feed: { layout: 'native', group: GROUP, port: FEED_PORT },
    snapshot: { group: GROUP, port: SNAPSHOT_PORT, intervalNs: setting.cycleNs },
    retransmit: {
      host: HOST, port: RETRANSMIT_PORT, messages: setting.retransmitMessages, datagramsPerSecond: 20_000,
    },
    limits: {
      ...EXCHANGE_DEFAULT.limits,
      connections: 64,
      connectionsPerAddress: 64,
      accounts: 64,
      framesPerTurn: setting.framesPerTurn,
      receiveBytes: setting.receiveBytes,
      slowReaderBytes: setting.slowReaderBytes,
      outboundLogBytes: LOG_BYTES_MAX,
      outboundTotalBytes: LOG_TOTAL_BYTES,
      loginNs: LOGIN_NS,
      frameNs: LOGIN_NS,
      heartbeatNs: setting.heartbeatNs,
      lapseNs: setting.lapseNs,
    },
    risk: {
      ...EXCHANGE_DEFAULT.risk,
      limits: {
        ...EXCHANGE_DEFAULT.risk.limits,
        position: positionMax === 0 ? NO_LIMIT : positionMax,
        openOrders: openOrdersMax,
        orderQty: orderQtyMax,
        collarTicks,
        messagesPerSecond,
      },
    },
  };
}
