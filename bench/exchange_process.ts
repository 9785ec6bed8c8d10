// The exchange of benchmarks that look at it from outside, a process of its own on core 0; it spins. It answers its parent over
// the channel between them (exchange_side.ts), and ends with it.
import { AgentRunner } from '../src/base/agent.ts';
import { MonotonicClock, wallClockMs } from '../src/base/clock.ts';
import { State } from '../src/book/types.ts';
import { EXCHANGE_DEFAULT, type LimitOverride, RISK_DEFAULT } from '../src/exchange/config.ts';
import { Exchange } from '../src/exchange/exchange.ts';
import { chooseNetwork } from '../src/net/choose_network.ts';
import { pinTo } from './pin.ts';

export interface ExchangeProcessOptions {
  /** Default: the system's fastest. */
  readonly network?: string;
  readonly multicastPort: number;
  /** Default: the product's. */
  readonly connectionsPerSecond?: number;
  /** Clients with a rate; `refusalsPerSecond` 0: refused beyond it, and never logged out. */
  readonly limited?: readonly { readonly client: number; readonly messagesPerSecond: number; readonly refusalsPerSecond: number }[];
  /** A client that is locked out. */
  readonly killed?: number;
  /** The ticker of an instrument that is halted. */
  readonly halted?: number;
}

/** Asked: 'state' or 'stop'. */
export interface ExchangeProcessState {
  readonly port: number;
  readonly network: string;
  readonly sessions: number;
  /** Held by the outbound logs of all clients. */
  readonly logBytes: number;
  readonly ordersLive: number;
  readonly counters: Readonly<Record<string, number>>;
}

const NO_LIMIT: LimitOverride = {
  client: null, ticker: null, orderQty: null, notional: null, collarTicks: null, collarBps: null, position: null,
  openOrders: null, messagesPerSecond: null, cancelsPerSecond: null, refusalsPerSecond: null,
};

async function main(asked: ExchangeProcessOptions): Promise<void> {
  const { feed, snapshot, retransmit, limits } = EXCHANGE_DEFAULT;
  const { multicastPort, limited = [], killed, halted, connectionsPerSecond = limits.connectionsPerSecond } = asked;
  const { network } = chooseNetwork(asked.network);
  const exchange = await Exchange.open({
    network,
    stamp: wallClockMs() / 1000,
    config: {
      ...EXCHANGE_DEFAULT,
      listeners: [{ host: '127.0.0.1', port: 0, framing: 'bare' }],
      feed: { ...feed, port: multicastPort },
      snapshot: { ...snapshot, port: multicastPort + 1 },
      retransmit: { ...retransmit, port: multicastPort + 2 },
      limits: { ...limits, connectionsPerSecond },
      risk: { ...RISK_DEFAULT, overrides: limited.map((limit) => Object.assign({}, NO_LIMIT, limit)) },
    },
  });
  if (killed !== undefined) exchange.controls.kill(killed);
  if (halted !== undefined) exchange.setState(halted, State.Halted);
  const clock = new MonotonicClock();
  const runner = new AgentRunner({ clock, agents: [exchange], wait: 'spin', needsEventLoop: network.needsEventLoop });
  process.on('message', (message) => {
    if (message === 'stop') return runner.stop();
    process.send?.({
      port: exchange.ports[0], network: network.kind, sessions: exchange.gateway.count, logBytes: exchange.gateway.logBytes,
      ordersLive: exchange.engine.ordersLive, counters: exchange.counters.snapshot(),
    } satisfies ExchangeProcessState);
  });
  process.on('disconnect', () => runner.stop());
  const release = pinTo(0);
  process.send?.('ready');
  if (process.connected) await runner.run();
  release();
  exchange.close(clock.refresh());
  network.close();
  if (process.connected) process.disconnect?.();
}

await main(JSON.parse(process.argv[2]) as ExchangeProcessOptions);
