// The demo's exchange: a process of its own that listens as it is told by its only argument, and
// answers its parent (demo_process.ts) over the channel between them. It can be watched and commanded as one of `outcry
// exchange`.
import { AgentRunner } from '../base/agent.ts';
import { wallClockMs } from '../base/clock.ts';
import { EXCHANGE_DEFAULT, ListenerFraming } from '../exchange/config.ts';
import { exchangeCounters } from '../exchange/counters.ts';
import { Exchange } from '../exchange/exchange.ts';
import { machineClock } from '../os/machine_clock.ts';
import { chooseNetwork } from '../net/choose_network.ts';
import { profileDeclarations } from '../observe/profile/declarations.ts';
import { EXCHANGE_PIPELINE } from '../observe/profile/stages.ts';
import { TurnProfile } from '../observe/profile/turn_profile.ts';
import { exchangeDeclarations } from '../observe/system_stats.ts';
import type { ExchangeConfig } from '../exchange/config.ts';
import { applyToMemoryOfChild } from './config_machine.ts';
import { AccountLedger } from './account_ledger.ts';
import { ExchangeFigures } from './exchange_figures.ts';
import { leaveMarketFile } from './market_file.ts';
import { leaveOperatorFile, newToken } from './operator_file.ts';
import { ProcessFile } from './process_file.ts';
import { endStartUp } from './start_up.ts';
import type {
  DemoExchangeOptions, ExchangeAnswer, ExchangeProof, ExchangeQuestion,
} from './demo_process.ts';

function say(answer: ExchangeAnswer): void {
  process.send?.(answer);
}

function configOf(asked: DemoExchangeOptions): ExchangeConfig {
  const { port, multicastPort, ticker, symbol, decimals, tickSize } = asked;
  const { feed, snapshot, retransmit, limits } = EXCHANGE_DEFAULT;
  const { retransmitMessages = retransmit.messages, outboundLogBytes = limits.outboundLogBytes } = asked.kept ?? {};
  const maxPrice = 0x7fff_ffff * tickSize;
  return {
    ...EXCHANGE_DEFAULT,
    operator: { ...EXCHANGE_DEFAULT.operator, token: newToken() },
    listeners: [{ host: '127.0.0.1', port, framing: ListenerFraming.Auto }],
    instruments: [{ ticker, symbol, decimals, tickSize, lotSize: 1, minPrice: tickSize, maxPrice }],
    feed: { ...feed, port: multicastPort },
    snapshot: { ...snapshot, port: multicastPort + 1 },
    retransmit: { ...retransmit, port: multicastPort + 2, messages: retransmitMessages },
    limits: { ...limits, outboundLogBytes, slowReaderBytes: Math.min(limits.slowReaderBytes, outboundLogBytes) },
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
  // Where nobody can watch it the dashboard says so.
  const watched = ProcessFile.open(
    'exchange', 'exchange (demo)',
    [...exchangeDeclarations(exchangeCounters().names), ...profileDeclarations(EXCHANGE_PIPELINE)], () => {},
  );
  const exchange = await Exchange.open({
    config: configOf(asked), network, stamp: wallClockMs() / 1000,
    ...(watched !== null && { profile: new TurnProfile(clock, watched.stats) }),
    listener: { onEvent: (at) => ledger?.onEvent(at) },
  });
  applyToMemoryOfChild(asked.performance, exchange.engine.memory);
  ledger = new AccountLedger(exchange.engine, asked.tickSize, (client) =>
    (exchange.gateway.accounts.find(client)?.log?.next ?? 1) - 1);
  const runner = new AgentRunner({
    clock, agents: [exchange], wait: asked.wait ?? 'yield',
    needsEventLoop: network.needsEventLoop, wakeSource: network,
  });
  const files = [leaveOperatorFile(exchange, true, () => {}), leaveMarketFile(exchange, '', () => {})];
  if (watched !== null) {
    watched.loop = runner;
    watched.stats.title = `exchange 127.0.0.1:${exchange.ports[0]} (demo)`;
    const figures = new ExchangeFigures(watched.stats, exchange);
    watched.figures = () => figures.publish();
  }
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
  endStartUp();
  if (process.connected) { // else the parent ended while this one was starting
    say({ say: 'running', port: exchange.ports[0], network: network.kind });
    await runner.run();
  }
  for (const file of files) file.remove();
  exchange.close(clock.refresh());
  network.close();
  watched?.close();
  if (process.connected) process.disconnect?.();
}

const options: DemoExchangeOptions = JSON.parse(process.argv[2]);
main(options).catch((error: NodeJS.ErrnoException) => {
  say({ say: 'failed', message: error.message, code: error.code ?? '' });
  process.exitCode = 1;
  if (process.connected) process.disconnect?.();
});
