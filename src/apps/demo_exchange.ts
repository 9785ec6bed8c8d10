// The demo's exchange: a process of its own that listens as it is told by its only argument, and
// answers its parent (demo_process.ts) over the channel between them.
import { AgentRunner } from '../base/agent.ts';
import { MonotonicClock, wallClockMs } from '../base/clock.ts';
import { EXCHANGE_DEFAULT, ListenerFraming } from '../exchange/config.ts';
import { Exchange } from '../exchange/exchange.ts';
import { chooseNetwork } from '../net/choose_network.ts';
import type { ExchangeConfig } from '../exchange/config.ts';
import type { ChildMessage, DemoExchangeOptions, ParentMessage } from './demo_process.ts';

function say(message: ChildMessage): void {
  process.send?.(message);
}

function configOf(asked: DemoExchangeOptions): ExchangeConfig {
  const { port, multicastPort, ticker, symbol, decimals, tickSize } = asked;
  const { feed, snapshot, retransmit } = EXCHANGE_DEFAULT;
  const maxPrice = 0x7fff_ffff * tickSize;
  return {
    ...EXCHANGE_DEFAULT,
    listeners: [{ host: '127.0.0.1', port, framing: ListenerFraming.Auto }],
    instruments: [{ ticker, symbol, decimals, tickSize, lotSize: 1, minPrice: tickSize, maxPrice }],
    feed: { ...feed, port: multicastPort },
    snapshot: { ...snapshot, port: multicastPort + 1 },
    retransmit: { ...retransmit, port: multicastPort + 2 },
  };
}

async function main(asked: DemoExchangeOptions): Promise<void> {
  // A terminal's Ctrl-C comes here too; the parent says when it is time.
  process.on('SIGINT', () => {}).on('SIGTERM', () => {}).on('SIGHUP', () => {});
  const { network } = chooseNetwork();
  const clock = new MonotonicClock();
  const exchange = await Exchange.open(
    { config: configOf(asked), network, stamp: wallClockMs() / 1000 },
  );
  const runner = new AgentRunner({
    clock, agents: [exchange], wait: asked.wait ?? 'yield',
    needsEventLoop: network.needsEventLoop, wakeSource: network,
  });
  process.on('message', (message: ParentMessage) => {
    if (message.ask === 'stop') return runner.stop();
    // Between two turns of the loop: everything taken has been executed and published.
    const { user, system } = process.cpuUsage();
    say({
      say: 'proof',
      sequence: exchange.feed.channel.next - 1,
      publicHash: exchange.engine.publicHash().toString(16).padStart(16, '0'),
      restingOrders: exchange.engine.ordersLive,
      cpuMs: Math.round((user + system) / 1000),
      residentBytes: process.memoryUsage.rss(),
    });
  });
  process.on('disconnect', () => runner.stop());
  if (process.connected) { // else the parent ended while this one was starting
    say({ say: 'running', port: exchange.ports[0], network: network.kind });
    await runner.run();
  }
  exchange.close(clock.refresh());
  network.close();
  if (process.connected) process.disconnect?.();
}

const options: DemoExchangeOptions = JSON.parse(process.argv[2]);
main(options).catch((error: NodeJS.ErrnoException) => {
  say({ say: 'failed', message: error.message, code: error.code ?? '' });
  process.exitCode = 1;
  if (process.connected) process.disconnect?.();
});
