// A dashboard in this process: transport, watch, alerts, monitor and server put together. `outcry dashboard` and the demo's
// are both made here.
//
//   1 network ─► 2 watch, alerts, webhook ─► 3 monitor ─► 4 server
import { constants, hostname, setPriority } from 'node:os';
import { chooseNetwork } from '../net/choose_network.ts';
import { AlertMonitor } from '../observe/alerts/alert_monitor.ts';
import type { AlertSettings } from '../observe/alerts/alert_settings.ts';
import { Webhook } from '../observe/alerts/webhook.ts';
import { DashboardServer } from '../observe/dashboard/server.ts';
import type { TimeTravelPlace } from '../observe/dashboard/time_travel_routes.ts';
import { SystemWatch } from '../observe/system_watch.ts';
import { carryOut, instrumentStates } from './dashboard_commands.ts';
import { DashboardMonitor } from './dashboard_monitor.ts';
import { ProcessFile } from './process_file.ts';
import { webFolder } from './web_folder.ts';
import type { OutcryConfig } from './config_sections.ts';
import type { LogLevel } from './config_system.ts';
import type { MarketDescription } from './market_file.ts';
import type { Network } from '../net/transport.ts';

/** Ports that are tried behind a taken one. */
const PORTS_TRIED = 20;

export interface DashboardSetup {
  readonly config: Pick<OutcryConfig, 'dashboard' | 'alerts' | 'monitoring' | 'exchange' | 'resolution'>;
  /** null: the exchange that was started last. */
  readonly exchangePort: number | null;
  /** '': it only shows. */
  readonly token: string;
  readonly note: (line: string, level?: LogLevel) => void;
  /** What the page of time travel can open. Default: nothing of this machine. */
  readonly timeTravel?: readonly TimeTravelPlace[];
  /** Where the port is taken, the next free one. Default: that is an error. */
  readonly nextPort?: boolean;
}

export class Dashboard {
  readonly #server: DashboardServer;
  readonly #monitor: DashboardMonitor;
  readonly #alerts: AlertMonitor;
  readonly #webhook: Webhook;
  readonly #network: Network;
  readonly #file: ProcessFile | null;

  /** Looks and listens; rejects with what prevents that. */
  static async open(setup: DashboardSetup): Promise<Dashboard> {
    const { config, exchangePort, token, note } = setup;
    belowOthers();
    // 1
    const { network, fallbackReason } = chooseNetwork();
    if (fallbackReason !== '') note(`using Node's own sockets: ${fallbackReason}`, 'warn');
    // 2
    const webhook = new Webhook(config.alerts.webhook, { source: `outcry dashboard on ${hostname()}`, note: (line) => note(line, 'warn') });
    const alerts = new AlertMonitor(config.alerts, (change) => {
      note(`alert ${change.event}: ${change.alert.message}`, change.event === 'raised' ? 'warn' : 'info');
      webhook.tell(change);
    });
    // 3
    const monitor = new DashboardMonitor({
      watch: new SystemWatch(exchangePort === null ? {} : { exchangePort }),
      judge: alerts, webhook, network, commands: token !== '', note,
      format: config.monitoring.exportFormat,
      amend: (left) => amended(left, config),
      askStates: instrumentStates,
    });
    // 4
    try {
      const server = await openServer(setup, monitor, await webFolder());
      const file = ProcessFile.open('dashboard', `dashboard ${server.url}`, [], (line) => note(line, 'warn'));
      monitor.start();
      return new Dashboard({ server, monitor, alerts, webhook, network, file });
    } catch (error) {
      monitor.close();
      network.close();
      throw error;
    }
  }

  private constructor(parts: {
    server: DashboardServer; monitor: DashboardMonitor; alerts: AlertMonitor; webhook: Webhook; network: Network;
    file: ProcessFile | null;
  }) {
    this.#server = parts.server;
    this.#monitor = parts.monitor;
    this.#alerts = parts.alerts;
    this.#webhook = parts.webhook;
    this.#network = parts.network;
    this.#file = parts.file;
  }

  /** "http://127.0.0.1:8080/". */
  get url(): string {
    return this.#server.url;
  }

  /** Of the exchange that is watched; null: none runs. */
  get exchangePort(): number | null {
    return this.#monitor.status?.system.exchange?.port ?? null;
  }

  /** Thresholds and webhook from the next look on. */
  reconfigure(alerts: AlertSettings): void {
    this.#alerts.settings = alerts;
    this.#webhook.settings = alerts.webhook;
  }

  async close(): Promise<void> {
    await this.#server.close();
    this.#webhook.close();
    this.#monitor.close();
    this.#network.close();
    this.#file?.close();
  }
}

/** The link with which a browser may command: behind the #, which it sends to nobody. */
export function linkOf(url: string, token: string): string {
  return token === '' ? url : `${url}#token=${token}`;
}

async function openServer(
  { config, token, note, timeTravel = [], nextPort = false }: DashboardSetup, monitor: DashboardMonitor, pages: string,
): Promise<DashboardServer> {
  const { host, port, hosts } = config.dashboard;
  const options = {
    host, hosts, token, pages, source: monitor, timeTravel, note,
    commands: async (request: Parameters<typeof carryOut>[0]) => carryOut(request, monitor.status?.system ?? null),
  };
  for (let tried = port; ; tried++) {
    try {
      return await DashboardServer.open({ ...options, port: tried });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      if (nextPort && tried < port + PORTS_TRIED) continue;
      throw new Error(
        `${host}:${port}: the port is taken. Another dashboard may be there already; beside it: outcry dashboard --port ${port + 1}`,
        { cause: error },
      );
    }
  }
}

/** Where exchange and traders want a core, they have it. */
function belowOthers(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // A system that does not let us: then it is as the others are.
  }
}

/** What the configuration says of the feed goes before what the exchange has left. */
function amended(
  left: MarketDescription | null, { dashboard, resolution, exchange }: DashboardSetup['config'],
): MarketDescription | null {
  const said = (key: string): boolean => resolution.place(`dashboard.${key}`).kind !== 'default';
  const named = said('multicast_addr') || said('multicast_port');
  if (left === null && !named) return null;
  const base: MarketDescription = left ?? { ...dashboard, port: 0, ordersMax: exchange.ordersMax };
  return {
    ...base,
    ...(said('interface') && { interface: dashboard.interface }),
    ...(named && { feed: dashboard.feed, snapshot: dashboard.snapshot, retransmit: dashboard.retransmit }),
    ...(said('feed') && { feed: { ...(named ? dashboard.feed : base.feed), layout: dashboard.feed.layout } }),
    ...(said('tickers') && { instruments: dashboard.instruments }),
  };
}
