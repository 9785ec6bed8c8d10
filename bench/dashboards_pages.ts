// The open pages of the benchmark `dashboards`, a process of its own: so many WebSockets that watch one instrument and read what
// they are sent. Says to its parent when each has heard something, and what they heard when it is asked.
import { WebSocket } from 'ws';

export interface DashboardsPagesOptions {
  readonly url: string;
  readonly pages: number;
  readonly ticker: number;
}

/** Since the start, of all pages. */
export interface DashboardsPagesState {
  readonly open: number;
  readonly messages: number;
  readonly bytes: number;
  /** Of them messages of the market. */
  readonly markets: number;
}

function main({ url, pages, ticker }: DashboardsPagesOptions): void {
  let messages = 0;
  let bytes = 0;
  let markets = 0;
  const heard = new Set<WebSocket>();
  const sockets = Array.from({ length: pages }, () => {
    const socket = new WebSocket(url);
    socket.on('open', () => socket.send(JSON.stringify({ type: 'watch', ticker, levels: 20 })));
    socket.on('message', (data: Buffer) => {
      messages++;
      bytes += data.length;
      if (data.includes('"type":"market"')) {
        markets++;
        if (heard.has(socket)) return;
        heard.add(socket);
        if (heard.size === pages) process.send?.('ready');
      }
    });
    socket.on('error', () => {}); // its end is what counts
    return socket;
  });
  process.on('message', () => {
    const open = sockets.filter(({ readyState }) => readyState === WebSocket.OPEN).length;
    process.send?.({ open, messages, bytes, markets } satisfies DashboardsPagesState);
  });
  process.on('disconnect', () => process.exit());
}

main(JSON.parse(process.argv[2]) as DashboardsPagesOptions);
