// An exchange with limits for tests, and its answers in words that fit on a line.
import type { TestContext } from 'node:test';
import {
  type AccountLimits,
  type LimitOverride,
  type OrderLimits,
  RISK_DEFAULT,
  type RiskConfig,
} from '../../src/exchange/config.ts';
import type { Account } from '../../src/exchange/session/accounts.ts';
import {
  bareResponses,
  ExchangeRig,
  type RawClient,
  type Response,
  type RigOptions,
  soupResponses,
} from './exchange_rig.ts';

export type Limits = Partial<OrderLimits & AccountLimits>;

/** Limits of everybody, and rows of overrides that say only what they change. */
export function riskOf(
  limits: Limits,
  overrides: readonly Partial<LimitOverride>[] = [],
  more: Partial<RiskConfig> = {},
): RiskConfig {
  const nothing = Object.fromEntries(Object.keys(RISK_DEFAULT.limits).map((key) => [key, null]));
  return {
    ...RISK_DEFAULT,
    ...more,
    limits: { ...RISK_DEFAULT.limits, ...limits },
    overrides: overrides.map(
      (row) => ({ ...nothing, client: null, ticker: null, ...row }) as LimitOverride,
    ),
  };
}

export async function openLimited(
  t: TestContext,
  risk: RiskConfig,
  options: RigOptions = {},
): Promise<ExchangeRig> {
  const rig = await ExchangeRig.open({ ...options, config: { ...options.config, risk } });
  t.after(() => rig.close());
  return rig;
}

const NAMES = ['', 'accepted', 'canceled', 'filled', 'cancel rejected', 'rejected', 'modified', 'expired'];

/** "accepted 1", "rejected 2: 12", "filled 1: 5". */
export function word({ type, id, exec }: Response): string {
  const code = type === 4 || type === 5 || type === 7 ? `: ${exec}` : type === 3 ? `: ${exec}` : '';
  return `${NAMES[type]} ${id}${code}`;
}

export const words = (client: RawClient): string[] => bareResponses(client).map(word);
export const soupWords = (client: RawClient): string[] => soupResponses(client).map(word);

/** Says it on `bare` and waits for so many answers more; the new ones. */
export async function ask(
  rig: ExchangeRig,
  client: RawClient,
  answers: number,
  ...parts: readonly Uint8Array[]
): Promise<string[]> {
  const before = client.received.length / 42;
  client.say(...parts);
  await rig.until(
    () => client.received.length >= (before + answers) * 42,
    `${answers} answers`,
  );
  return words(client).slice(before);
}

/** The account of a client that is or was here. */
export function accountOf(rig: ExchangeRig, client: number): Account {
  const account = rig.exchange.gateway.accounts.find(client);
  if (account === null) throw new Error(`client ${client} is not known`);
  return account;
}

/** [position, open buys, open sells, open orders] as the gate has them, on the first instrument unless said. */
export function holdings(rig: ExchangeRig, client: number, book = 0): number[] {
  const account = accountOf(rig, client);
  const { gate } = rig.exchange;
  return [
    gate.positionOf(account, book),
    gate.workingOf(account, book, 1),
    gate.workingOf(account, book, -1),
    gate.openOrdersOf(account),
  ];
}
