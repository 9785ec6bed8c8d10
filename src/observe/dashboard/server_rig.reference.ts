// A dashboard's server over a source that a test moves by hand, and what a test needs to speak to it: raw bytes, requests
// with any header, WebSockets.
import { once } from 'node:events';
import { request, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { WebSocket, type ClientOptions } from 'ws';
import { History } from './history.ts';
import { MarketWatch, type WatchedBooks } from './market_watch.ts';
import type { Alert } from '../alerts/alert.ts';
import type { SystemView } from '../system_view.ts';
import type {
  CommandAnswer, CommandRequest, HelloMessage, HistoryMessage, InstrumentInfo, MarketMessage, ServerMessage, StatusMessage,
} from './messages.ts';
import { DashboardServer, type DashboardOptions, type DashboardSource, type MetricsText } from './server.ts';
import type { LiveJournal } from './time_travel_routes.ts';

export const TOKEN = 'a-token-that-tests-know';

export function emptyView(atMs = 1_000_000): SystemView {
  return {
    atMs,
    machine: {
      coresBusyPercent: [10, 30], memoryTotalBytes: 4e9, memoryAvailableBytes: 2e9, interfaces: [],
      network: { packetsReceived: 0, packetsSent: 0, bytesReceived: 0, bytesSent: 0, rxRatePps: 0, txRatePps: 0 },
    },
    processes: [], exchange: null, traders: [],
  };
}

/** Ten levels a side around 100 ticks. */
export const TEN_LEVELS: WatchedBooks = {
  depth: (book, levels) => ({
    bids: Array.from({ length: Math.min(levels, 10) }, (_, i) => ({ price: 100 + book - i, qty: 5n, orders: 2 })),
    asks: Array.from({ length: Math.min(levels, 10) }, (_, i) => ({ price: 101 + book + i, qty: 7n, orders: 1 })),
  }),
};

export class RigSource implements DashboardSource {
  epoch = 1;
  statusNumber = 0;
  statusText = '';
  status: StatusMessage | null = null;
  watches = true;
  journal: LiveJournal | null = null;
  readonly history = new History();
  histogram: HistoryMessage['histogram'] = [[1_000, 3]];
  alerts: readonly Alert[] = [];
  readonly watch = new MarketWatch(
    [{ ticker: 1, symbol: 'ONE', decimals: 2, tickSize: 5 }, { ticker: 7, symbol: 'SEVEN', decimals: 0, tickSize: 1 }], TEN_LEVELS,
  );

  constructor() {
    this.step();
  }

  get hello(): HelloMessage {
    return { type: 'hello', version: 1, commands: true, timeTravel: false, instruments: this.instruments };
  }

  get instruments(): readonly InstrumentInfo[] {
    return this.watch.infos(() => 'open');
  }

  /** A new status. */
  step(): void {
    this.statusNumber++;
    this.status = {
      type: 'status',
      summary: {
        avg_order_latency_nanos: this.statusNumber, p99_order_latency_nanos: null, total_pnl_dollars: null,
        fill_rate_percent: null, active_symbols: 0, system_health_score: 100, alerts_last_hour: 0,
      },
      health: { score: 100, parts: [] }, system: emptyView(), alerts: [], feed: null,
    };
    this.statusText = JSON.stringify(this.status);
  }

  second(): void {
    this.history.add({
      atMs: this.history.added * 1_000, requestsPerSecond: 1, tradesPerSecond: null, feedMessagesPerSecond: null, latency: null,
      pnl: null, pnlByTrader: {}, cpuPercent: 0, healthScore: 100,
    });
  }

  metrics(): MetricsText {
    return { type: 'text/plain; version=0.0.4; charset=utf-8', text: '# HELP outcry_up 1\noutcry_up 1\n' };
  }

  marketNumber(ticker: number): number {
    return this.watch.has(ticker) ? this.watch.updates(ticker) : -1;
  }

  lastTradeId(ticker: number): number {
    return this.watch.lastTradeId(ticker);
  }

  market(ticker: number, levels: number, afterTrade: number): MarketMessage | null {
    return this.watch.market(ticker, levels, afterTrade);
  }
}

export class Rig {
  readonly source = new RigSource();
  readonly commands: CommandRequest[] = [];
  readonly notes: string[] = [];
  answer: (request: CommandRequest) => Promise<CommandAnswer> = async () => ({ ok: true, text: 'done' });
  server!: DashboardServer;

  static async open(t: TestContext, options: Partial<DashboardOptions> = {}): Promise<Rig> {
    const rig = new Rig();
    rig.server = await DashboardServer.open({
      host: '127.0.0.1', port: 0, hosts: [], token: TOKEN, pages: '', source: rig.source,
      commands: async (asked) => {
        rig.commands.push(asked);
        return rig.answer(asked);
      },
      note: (line) => rig.notes.push(line),
      ...options,
    });
    t.after(() => rig.server.close());
    return rig;
  }

  get port(): number {
    return this.server.port;
  }

  /** A page that is open; what it hears is in `heard`. */
  async page(options: ClientOptions = {}): Promise<RigPage> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.port}/ws`, options);
    const page = new RigPage(socket);
    await once(socket, 'open');
    return page;
  }

  async ask(path: string, options: AskOptions = {}): Promise<Answered> {
    const { method = 'GET', headers = {}, body } = options;
    const asked = request({ host: '127.0.0.1', port: this.port, path, method, headers, agent: false });
    asked.end(body);
    const [response] = (await once(asked, 'response')) as [Answered['response']];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    return { status: response.statusCode ?? 0, headers: response.headers, bytes, text: bytes.toString('utf8'), response };
  }

  /** POST of a command, with the token unless headers say otherwise. */
  async command(body: unknown, headers: Record<string, string> = {}): Promise<Answered> {
    return this.ask('/api/commands', {
      method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}`, ...headers },
    });
  }

  /** Sends bytes as they are and returns what came until the end. */
  async raw(bytes: string | Uint8Array): Promise<string> {
    const socket = connect(this.port, '127.0.0.1');
    socket.on('error', () => {});
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.write(bytes);
    await once(socket, 'close');
    return text;
  }
}

interface AskOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  readonly response: AsyncIterable<Buffer> & { readonly statusCode?: number; readonly headers: IncomingHttpHeaders };
}

export class RigPage {
  readonly socket: WebSocket;
  readonly heard: ServerMessage[] = [];
  closeCode = 0;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => this.heard.push(JSON.parse(String(data)) as ServerMessage));
    socket.on('close', (code: number) => (this.closeCode = code));
    socket.on('error', () => {});
  }

  of<T extends ServerMessage['type']>(type: T): Extract<ServerMessage, { type: T }>[] {
    return this.heard.filter((message): message is Extract<ServerMessage, { type: T }> => message.type === type);
  }

  say(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }
}

/** Waits, looking every few milliseconds; fails after half a minute. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`expected within 30 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
