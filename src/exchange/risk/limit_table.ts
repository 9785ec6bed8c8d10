// The limits of the configuration, worked out once for every account and instrument, so that the gate
// finds what holds with one index.
//
//   rows  one a (set, instrument), eight f64; set 0 is everybody's, each account with limits of its own has one more
//         order qty │ notional │ collar ticks │ collar bps │ position │ tracked │ any │ –
//
// No limit is Infinity here: a comparison with it refuses nothing. Notional is in ticks × quantity of
// its instrument. A product of i32 ticks and u32 quantity can be 2^63, beyond what a number holds
// exactly; but rounding never changes the order of two numbers, so comparing the rounded product with
// a limit below 2^53 tells exactly whether the true one is above it.
//
// Which limit holds: a row of both client and ticker before one of either; of a client's and a
// ticker's own the stricter; where neither says anything, everybody's.
import { assert } from '../../base/assert.ts';
import {
  type AccountLimits,
  CANCELS_PER_MESSAGE,
  type InstrumentConfig,
  NO_LIMIT,
  type OrderLimits,
  type RiskConfig,
} from '../config.ts';
import { POSITION_MAX } from './exposures.ts';

/** Fields of a row. */
export const LIMIT = {
  orderQty: 0,
  notional: 1,
  collarTicks: 2,
  collarBps: 3,
  position: 4,
  /** 1: position and open quantity are kept, for a limit needs them. */
  tracked: 5,
  /** 1: any of the above is limited. */
  any: 6,
} as const;
export const LIMIT_FIELDS = 8;
/** All sets together: 256 MB, with as many accounts of their own limits as 4,096 instruments leave. */
const ROWS_MAX = 1 << 22;
const NOTIONAL_MAX = 2 ** 53 - 1;

/** Books on which positions are kept. */
export interface TrackedBooks {
  /** null: everybody who is not named. */
  readonly client: number | null;
  readonly books: readonly number[];
}

/** Somebody whose positions `wanted` keeps and `kept` does not, in words; '': there is nobody. */
export function untracked(kept: readonly TrackedBooks[], wanted: readonly TrackedBooks[]): string {
  const booksOf = (list: readonly TrackedBooks[], client: number | null): readonly number[] =>
    (list.find((one) => one.client === client) ?? list.find((one) => one.client === null))?.books ?? [];
  for (const { client } of [...wanted, ...kept]) {
    const has = new Set(booksOf(kept, client));
    const lacking = booksOf(wanted, client).find((book) => !has.has(book));
    if (lacking !== undefined) return `${client === null ? 'everybody' : `client ${client}`} on book ${lacking}`;
  }
  return '';
}

export class LimitTable {
  readonly rows: Float64Array;
  /** Of accounts without limits of their own. */
  readonly everybody: AccountLimits;
  /** True where an order of anybody is limited, by itself or with others. */
  readonly limitsOrders: boolean;
  /** True where anybody's rate is. */
  readonly limitsRate: boolean;
  /** True where a position or a number of open orders is limited. */
  readonly tracksPositions: boolean;
  readonly #setOf = new Map<number, number>();
  readonly #accounts: AccountLimits[] = [];
  readonly #books: number;

  constructor(risk: RiskConfig, instruments: readonly InstrumentConfig[]) {
    const clients = [...new Set(risk.overrides.map(({ client }) => client))].filter((c) => c !== null);
    const sets = [null, ...clients];
    this.#books = instruments.length;
    assert(sets.length * instruments.length <= ROWS_MAX, 'limits of accounts fit their table');
    this.rows = new Float64Array(sets.length * instruments.length * LIMIT_FIELDS);
    for (const [set, client] of sets.entries()) {
      if (client !== null) this.#setOf.set(client, set);
      const account = accountLimits(risk, client);
      this.#accounts.push(account);
      for (const [book, instrument] of instruments.entries())
        this.#write(set, book, instrument, risk, client, account);
    }
    this.everybody = this.#accounts[0];
    this.limitsOrders =
      this.#some(LIMIT.any) || this.#accounts.some(({ openOrders }) => openOrders !== NO_LIMIT);
    this.limitsRate = this.#accounts.some(
      ({ messagesPerSecond, cancelsPerSecond }) =>
        messagesPerSecond !== NO_LIMIT || cancelsPerSecond !== NO_LIMIT,
    );
    this.tracksPositions = this.#some(LIMIT.tracked);
  }

  /** First row of a client's limits; that of `book` comes `book` rows later. */
  rowOf(client: number): number {
    return (this.#setOf.get(client) ?? 0) * this.#books;
  }

  accountOf(client: number): AccountLimits {
    return this.#accounts[this.#setOf.get(client) ?? 0];
  }

  /** Of whom positions and open quantities are kept: of everybody (null), and of clients with limits of their own. */
  get tracked(): TrackedBooks[] {
    const of = (client: number | null, set: number): TrackedBooks => ({
      client,
      books: Array.from({ length: this.#books }, (_, book) => book).filter(
        (book) => this.rows[(set * this.#books + book) * LIMIT_FIELDS + LIMIT.tracked] !== 0,
      ),
    });
    return [of(null, 0), ...[...this.#setOf].map(([client, set]) => of(client, set))];
  }

  #write(
    set: number,
    book: number,
    instrument: InstrumentConfig,
    risk: RiskConfig,
    client: number | null,
    account: AccountLimits,
  ): void {
    const at = (set * this.#books + book) * LIMIT_FIELDS;
    const limit = (key: keyof OrderLimits): number => effective(risk, key, client, instrument.ticker);
    const { rows } = this;
    const tickLots = (limit('notional') * 10 ** instrument.decimals) / instrument.tickSize;
    rows[at + LIMIT.orderQty] = limit('orderQty');
    rows[at + LIMIT.notional] =
      tickLots === Infinity ? Infinity : Math.min(Math.floor(tickLots), NOTIONAL_MAX);
    rows[at + LIMIT.collarTicks] = limit('collarTicks');
    rows[at + LIMIT.collarBps] = limit('collarBps');
    const position = limit('position');
    const tracked = position !== Infinity || account.openOrders !== NO_LIMIT;
    rows[at + LIMIT.tracked] = tracked ? 1 : 0;
    const ofOrders = rows.subarray(at, at + LIMIT.position).some((one) => one !== Infinity);
    rows[at + LIMIT.any] = tracked || ofOrders ? 1 : 0;
    rows[at + LIMIT.position] = Math.min(position, POSITION_MAX);
  }

  #some(field: number): boolean {
    for (let at = field; at < this.rows.length; at += LIMIT_FIELDS)
      if (this.rows[at] !== 0) return true;
    return false;
  }
}

/** The limit that holds for a client (null: anybody) on a ticker; Infinity: none. */
function effective(
  risk: RiskConfig,
  key: keyof OrderLimits,
  client: number | null,
  ticker: number,
): number {
  const said = (c: number | null, t: number | null): number | null => {
    if (c === null && t === null) return null;
    const value = risk.overrides.findLast((row) => row.client === c && row.ticker === t && row[key] !== null)?.[key];
    return value === undefined || value === null ? null : unlimited(value);
  };
  const both = client === null ? null : said(client, ticker);
  if (both !== null) return both;
  const ofClient = client === null ? null : said(client, null);
  const ofTicker = said(null, ticker);
  if (ofClient === null && ofTicker === null) return unlimited(risk.limits[key]);
  return Math.min(ofClient ?? Infinity, ofTicker ?? Infinity);
}

function accountLimits(risk: RiskConfig, client: number | null): AccountLimits {
  const own = (key: keyof AccountLimits): number => {
    const row = risk.overrides.findLast(
      (override) => override.client === client && override.ticker === null && override[key] !== null,
    );
    return client === null ? risk.limits[key] : (row?.[key] ?? risk.limits[key]);
  };
  const messagesPerSecond = own('messagesPerSecond');
  const cancelsPerSecond = own('cancelsPerSecond');
  return {
    openOrders: own('openOrders'),
    messagesPerSecond,
    cancelsPerSecond:
      cancelsPerSecond === NO_LIMIT ? messagesPerSecond * CANCELS_PER_MESSAGE : cancelsPerSecond,
    refusalsPerSecond: own('refusalsPerSecond'),
  };
}

function unlimited(value: number): number {
  return value === NO_LIMIT ? Infinity : value;
}
