// The demo's exchange: a process of its own that listens as it is told by its only argument, and
// answers its parent (demo_process.ts) over the channel between them.
import { AgentRunner } from '../base/agent.ts';
import { wallClockMs } from '../base/clock.ts';
import { EXCHANGE_DEFAULT, ListenerFraming } from '../exchange/config.ts';
import { Exchange } from '../exchange/exchange.ts';
import { machineClock } from '../os/machine_clock.ts';
import { chooseNetwork } from '../net/choose_network.ts';
import type { ExchangeConfig } from '../exchange/config.ts';
import { AccountLedger } from './account_ledger.ts';
import type {
  DemoExchangeOptions, ExchangeAnswer, ExchangeProof, ExchangeQuestion,
} from './demo_process.ts';

function say(answer: ExchangeAnswer): void {
  process.send?.(answer);
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

function proofOf(exchange: Exchange): ExchangeProof {
  const { user, system } = process.cpuUsage();
  return {
    sequence: exchange.feed.channel.next - 1,
    publicHash: exchange.engine.publicHash().toString(16).padStart(16, '0'),
    restingOrders: exchange.engine.ordersLive,
    cpuMs: Math.round((user + system) / 1000),
    residentBytes: process.memoryUsage.rss(),
  };
}

async function main(asked: DemoExchangeOptions): Promise<void> {
  // A terminal's Ctrl-C comes here too; the parent says when it is time.
  process.on('SIGINT', () => {}).on('SIGTERM', () => {}).on('SIGHUP', () => {});
  const { network } = chooseNetwork();
  const { clock } = machineClock();
  let ledger: AccountLedger | null = null;
  const exchange = await Exchange.open({
    config: configOf(asked), network, stamp: wallClockMs() / 1000,
    listener: { onEvent: (at) => ledger?.onEvent(at) },
  });
  ledger = new AccountLedger(exchange.engine, asked.tickSize, (client) =>
    (exchange.gateway.accounts.find(client)?.log?.next ?? 1) - 1);
  const runner = new AgentRunner({
    clock, agents: [exchange], wait: asked.wait ?? 'yield',
    needsEventLoop: network.needsEventLoop, wakeSource: network,
  });
  // Answers are made between two turns of the loop: everything taken has been executed and published.
  process.on('message', (question: ExchangeQuestion) => {
    if (question.ask === 'stop') runner.stop();
    else if (question.ask === 'proof') say({ say: 'proof', ...proofOf(exchange) });
    else {
      const states = question.views.map(({ client, sequence }) => ledger.at(client, sequence));
      say({ say: 'accounts', states, sums: ledger.sums() });
    }
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
