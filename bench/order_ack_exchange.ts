// The exchange of the benchmark `order-ack`, a process of its own on the network that its first argument names; it spins. It answers its parent over the channel between them, and ends with it.
import { AgentRunner } from '../src/base/agent.ts';
import { MonotonicClock, wallClockMs } from '../src/base/clock.ts';
import { EXCHANGE_DEFAULT } from '../src/exchange/config.ts';
import { Exchange } from '../src/exchange/exchange.ts';
import { chooseNetwork } from '../src/net/choose_network.ts';
import { pinTo } from './pin.ts';

export interface OrderAckExchangeOptions {
  readonly network: string;
  readonly multicastPort: number;
}

/** Asked: 'state' or 'stop'. */
export interface OrderAckExchangeState {
  readonly port: number;
  readonly network: string;
  readonly ordersLive: number;
  readonly counters: Readonly<Record<string, number>>;
}

async function main(asked: OrderAckExchangeOptions): Promise<void> {
  const { feed, snapshot, retransmit } = EXCHANGE_DEFAULT;
  const { network } = chooseNetwork(asked.network);
  const exchange = await Exchange.open({
    network,
    stamp: wallClockMs() / 1000,
    config: {
      ...EXCHANGE_DEFAULT,
      listeners: [{ host: '127.0.0.1', port: 0, framing: 'bare' }],
      feed: { ...feed, port: asked.multicastPort },
      snapshot: { ...snapshot, port: asked.multicastPort + 1 },
      retransmit: { ...retransmit, port: asked.multicastPort + 2 },
    },
  });
  const clock = new MonotonicClock();
  const runner = new AgentRunner({
    clock, agents: [exchange], wait: 'spin', needsEventLoop: network.needsEventLoop,
  });
  process.on('message', (message) => {
    if (message === 'stop') return runner.stop();
    process.send?.({
      port: exchange.ports[0], network: network.kind, ordersLive: exchange.engine.ordersLive,
      counters: exchange.counters.snapshot(),
    } satisfies OrderAckExchangeState);
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

await main(JSON.parse(process.argv[2]) as OrderAckExchangeOptions);
