// A trader's session with somebody who listens, and is no exchange.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { MonotonicClock, type Clock } from '../base/clock.ts';
import { chooseNetwork } from '../net/choose_network.ts';
import { createStrategy, STRATEGIES } from '../trader/strategies/strategies.ts';
import { readConfig, VERB_SECTIONS } from './config_sections.ts';
import { freePorts } from './free_ports.ts';
import { TradeSession } from './trade_session.ts';
import { traderInstruments } from './trade_strategy.ts';

/** The machine's time, twenty times as fast. */
class FastClock implements Clock {
  readonly #clock = new MonotonicClock();

  get nowNs(): number {
    return 20 * this.#clock.nowNs;
  }

  refresh(): number {
    return 20 * this.#clock.refresh();
  }

  refreshInto(target: Float64Array, index: number): void {
    target[index] = this.refresh();
  }
}

// It stood there for ever and said nothing.
test('who takes the connection and says nothing is no exchange: the session ends and says what was expected', async (t) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on('error', () => {}).resume()));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const { trade } = readConfig({ file: null, environment: {}, flag: () => undefined, uses: VERB_SECTIONS.trade });
  const multicastPort = await freePorts();
  const instruments = traderInstruments(trade.instruments);
  for (const framing of ['soup', 'bare', 'sequenced'] as const) {
    const { network } = chooseNetwork();
    const session = await TradeSession.open({
      config: {
        ...trade, port, framing, feed: { ...trade.feed, port: multicastPort }, snapshot: { ...trade.snapshot, port: multicastPort + 1 },
      },
      instruments, network, wait: 'backoff', journal: null, clock: new FastClock(),
      strategy: createStrategy(STRATEGIES[0], instruments, {}),
    });
    void session.run();
    while (!session.ended) await new Promise((resolve) => void setTimeout(resolve, 5));
    assert.match(session.endText, new RegExp(
      `^expected an exchange with framing ${framing} on 127\\.0\\.0\\.1:${port}: it said nothing within 10 s\\. The port .* outcry trade --port PORT --framing NAME$`,
    ));
    assert.ok(await session.stop(), 'there is nothing to wait for');
  }
  assert.equal(sockets.length, 3);
});
