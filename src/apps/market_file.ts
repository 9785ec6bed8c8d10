// What a receiver on this machine needs to follow an exchange: its feed's groups and ports, and its instruments. The exchange
// leaves it beside its statistics, and nothing in it is secret.
//
//   <runtime folder>/exchange-<pid>.market   {"port":12345,"interface":"127.0.0.1","feed":{…},…,"instruments":[…],"journal":"/…"}
//
// By process and not by port: whoever sees an exchange's statistics finds what belongs to that very process. Written whole
// under another name and renamed, removed at the end; one that a killed exchange has left is swept up by the next.
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { processExists, runtimeFolder } from '../observe/shared_stats.ts';
import type { WatchedInstrument } from '../observe/dashboard/market_watch.ts';
import type { FeedLayout } from '../exchange/config.ts';
import type { Exchange } from '../exchange/exchange.ts';

const SUFFIX = '.market';

type RunningExchange = Pick<Exchange, 'config' | 'ports' | 'retransmitPort'>;

export interface MarketDescription {
  /** Order port of the exchange. */
  readonly port: number;
  /** Own address of the exchange, by which its feed leaves. */
  readonly interface: string;
  readonly feed: { readonly layout: FeedLayout; readonly group: string; readonly port: number };
  readonly snapshot: { readonly group: string; readonly port: number };
  readonly retransmit: { readonly host: string; readonly port: number };
  /** Orders that its books can hold. */
  readonly ordersMax: number;
  readonly instruments: readonly WatchedInstrument[];
  /** Absolute path of its journal's directory; none: it keeps no journal. */
  readonly journal?: string;
}

/** As it runs: with the ports that were bound. */
function marketOf({ config, ports, retransmitPort }: RunningExchange, journal: string): MarketDescription {
  const { feed, snapshot, retransmit, ordersMax, instruments } = config;
  return {
    port: ports[0],
    interface: config.interface,
    feed,
    snapshot: { group: snapshot.group, port: snapshot.port },
    retransmit: { host: retransmit.host, port: retransmitPort },
    ordersMax,
    instruments: instruments.map(({ ticker, symbol, decimals, tickSize }) => ({ ticker, symbol, decimals, tickSize })),
    ...(journal === '' ? {} : { journal: resolve(journal) }),
  };
}

export function marketFile(pid: number = process.pid, folder: string = runtimeFolder()): string {
  return join(folder, `exchange-${pid}${SUFFIX}`);
}

/**
 * Leaves it for receivers; `remove` takes it away, as the end of this process does. `journal`: directory, '': none.
 * `note` is told why that was not possible.
 */
export function leaveMarketFile(
  exchange: RunningExchange, journal: string, note: (line: string) => void, path: string = marketFile(),
): { remove(): void } {
  const remove = (): void => {
    rmSync(path, { force: true });
    process.off('exit', remove);
  };
  try {
    sweep(join(path, '..'));
    writeFileSync(`${path}.new`, `${JSON.stringify(marketOf(exchange, journal))}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
    process.on('exit', remove);
  } catch (error) {
    note(`outcry dashboard will not find this exchange's feed: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { remove };
}

function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    const [, pid] = /^exchange-(\d+)\.market$/.exec(name) ?? [];
    if (pid !== undefined && !processExists(Number(pid))) rmSync(join(folder, name), { force: true });
  }
}

/** null: that process has left none, or not yet. */
export function readMarketFile(path: string): MarketDescription | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const market = JSON.parse(text) as Partial<MarketDescription> | null;
  if (market?.feed === undefined || market.snapshot === undefined || market.retransmit === undefined || !Array.isArray(market.instruments))
    throw new Error(`${path}: expected feed, snapshot, retransmit and instruments of an exchange`);
  return market as MarketDescription;
}
