// The exchange of the benchmark `protection`, a process of its own: one client is throttled, one locked
// out, the others are free. It answers its parent over the channel between them, and ends with it.
import { AgentRunner } from '../src/base/agent.ts';
import { MonotonicClock, wallClockMs } from '../src/base/clock.ts';
import { EXCHANGE_DEFAULT, type LimitOverride, RISK_DEFAULT } from '../src/exchange/config.ts';
import { Exchange } from '../src/exchange/exchange.ts';
import { chooseNetwork } from '../src/net/choose_network.ts';
import { pinTo } from './pin.ts';

export interface ProtectionExchangeOptions {
  readonly multicastPort: number;
  readonly throttled: number;
  readonly messagesPerSecond: number;
  readonly killed: number;
}

/** Asked: 'state' or 'stop'. */
export interface ProtectionExchangeState {
  readonly port: number;
  readonly network: string;
  readonly sessions: number;
  /** Held by the outbound logs of all clients. */
  readonly logBytes: number;
  readonly counters: Readonly<Record<string, number>>;
}

async function main(asked: ProtectionExchangeOptions): Promise<void> {
  const { feed, snapshot, retransmit } = EXCHANGE_DEFAULT;
  const nothing: LimitOverride = {
    client: null, ticker: null, orderQty: null, notional: null, collarTicks: null, collarBps: null, position: null,
    openOrders: null, messagesPerSecond: null, cancelsPerSecond: null, refusalsPerSecond: null,
  };
  const { network } = chooseNetwork();
  const exchange = await Exchange.open({
    network,
    stamp: wallClockMs() / 1000,
    config: {
      ...EXCHANGE_DEFAULT,
      listeners: [{ host: '127.0.0.1', port: 0, framing: 'bare' }],
      feed: { ...feed, port: asked.multicastPort },
      snapshot: { ...snapshot, port: asked.multicastPort + 1 },
      retransmit: { ...retransmit, port: asked.multicastPort + 2 },
      risk: {
        ...RISK_DEFAULT,
        // Never logged out: the load must stay.
        overrides: [{ ...nothing, client: asked.throttled, messagesPerSecond: asked.messagesPerSecond, refusalsPerSecond: 0 }],
      },
    },
  });
  exchange.controls.kill(asked.killed);
  const clock = new MonotonicClock();
  const runner = new AgentRunner({ clock, agents: [exchange], wait: 'spin', needsEventLoop: network.needsEventLoop });
  process.on('message', (message) => {
    if (message === 'stop') return runner.stop();
    process.send?.({
      port: exchange.ports[0], network: network.kind, sessions: exchange.gateway.count,
      logBytes: exchange.gateway.logBytes, counters: exchange.counters.snapshot(),
    } satisfies ProtectionExchangeState);
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

await main(JSON.parse(process.argv[2]) as ProtectionExchangeOptions);
