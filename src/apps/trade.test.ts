// The verb end to end: its own processes, sockets and signals.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { closedPort } from '../../test/closed_port.ts';
import { interrupted, outcry, resultOf, startExchange } from '../../test/trade/processes.ts';
import type { RunningExchange } from '../../test/trade/processes.ts';

interface Result {
  ok: boolean;
  clean: boolean;
  failure: string;
  strategy: string;
  positions: Record<string, number>;
  ordersSent: number;
  ordersOpen: number;
  fills: number;
  sessions: number;
  pnlKnown: boolean;
  tickToTrade: { count: number; p50Ns: number };
  stages: Record<string, { count: number }>;
}

const directory = mkdtempSync(join(tmpdir(), 'outcry-trade-'));
after(() => rmSync(directory, { recursive: true }));

/** Its port, until the test has ended. */
async function listening(t: TestContext, server: Server): Promise<number> {
  t.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

describe('outcry trade', { concurrency: 3 }, () => {
  let exchange: RunningExchange;
  before(async () => {
    exchange = await startExchange('--tickers', '1,2,3');
  });
  after(async () => {
    exchange.child.kill('SIGINT');
    await exchange.ended;
  });
  const trade = (...args: string[]): ReturnType<typeof outcry> =>
    outcry('trade', ...exchange.flags, ...args);

  test('a market maker quotes, is hit by a flow, and leaves nothing behind', async () => {
    // The built-in one, saying when it trades.
    const path = join(directory, 'heard_maker.mjs');
    writeFileSync(path, `
      import { createStrategy, strategyNamed } from 'outcry';
      export default (_, instruments) => {
        const given = { half_spread: 10, price_update_threshold: 2, min_spread: 4 };
        const maker = createStrategy(strategyNamed('market-maker'), instruments, given);
        const onFill = maker.onFill.bind(maker);
        maker.onFill = (...fill) => {
          process.stderr.write('traded;');
          onFill(...fill);
        };
        return maker;
      };`);
    const maker = trade('--json', '-s', path, '--client-id', '21', '--max-position', '500', '--wait', 'sleep');
    await exchange.said(/client 21 logged in/);
    const flow = outcry(
      'replay', 'equity', '--to', `127.0.0.1:${exchange.port}`, '--orders', '200000', '--speed', '20',
      '--client-id', '20', '--json',
    );
    await maker.said(/(traded;.*){5}/);
    const result = (await interrupted(maker)) as Result;
    assert.ok(result.ok && result.clean, result.failure);
    assert.equal(result.strategy, 'market-maker');
    assert.ok(result.ordersSent > 0 && result.fills > 0, JSON.stringify(result));
    assert.equal(result.ordersOpen, 0);
    assert.ok(Math.abs(result.positions['T1']) <= 500);
    assert.equal(result.stages['order_tx'].count, result.tickToTrade.count);
    assert.ok(result.tickToTrade.p50Ns > 0);
    flow.child.kill('SIGINT');
    await flow.ended;
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`${signal} ends it with a summary; plain lines where nobody looks`, async () => {
      const running = trade('--client-id', signal === 'SIGINT' ? '31' : '32');
      await running.said(/1\.\d s {2}running/);
      running.child.kill(signal);
      const { code, stdout, stderr } = await running.ended;
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^strategy {2}market-maker, client 3[12], \d+\.\d s$/m);
      assert.match(stdout, /all orders gone/);
      assert.ok(!stdout.includes('\x1b'));
    });
  }

  test('a strategy of one’s own, with its parameters, in several instruments', async () => {
    const path = join(directory, 'my_strategy.ts');
    writeFileSync(path, `
      import type { Strategy } from 'outcry';
      export const parameters = { ticks: 100 };
      export default ({ ticks }: { ticks: number }): Strategy => ({
        name: 'mine',
        onTimer(desk) {
          for (let book = 0; book < desk.instruments.count; book++) desk.quote(book, 1, ticks, 5);
        },
        onMarketData() {},
        onOrder(book, _id, status) {
          process.stderr.write(\`book \${book} status \${status};\`);
        },
      });
    `);
    const running = trade('--json', '-s', path, '-t', '2,3', '-c', '41', '--set', 'ticks=77');
    await Promise.all([running.said(/book 0 status 2;/), running.said(/book 1 status 2;/)]);
    const result = (await interrupted(running)) as Result;
    assert.equal(result.strategy, 'mine');
    assert.deepEqual(result.positions, { T2: 0, T3: 0 });
    assert.equal(result.ordersSent, 2);
    assert.ok(result.clean);
  });

  test('a strategy that fails is told of, with its orders gone', async () => {
    const path = join(directory, 'failing.mjs');
    writeFileSync(path, `export default () => ({
      name: 'failing',
      onMarketData() {},
      onTimer(desk) {
        if (desk.quoteQty(0, 1) > 0) throw new Error('out of ideas');
        desk.quote(0, 1, 100, 5);
      },
    });`);
    const ended = await trade('--json', '-s', path, '-t', '2', '-c', '42').ended;
    const result = resultOf(ended, 1) as Result;
    assert.equal(result.failure, 'the strategy failed: out of ideas');
    assert.deepEqual([result.clean, result.ordersOpen], [true, 0]);
  });

  test('an edited configuration file holds from the next event on, a bad one changes nothing', async () => {
    const path = join(directory, 'trade.toml');
    const write = (...lines: string[]): void =>
      writeFileSync(path, ['[performance]', 'cpu_affinity = [0, 999]', '[trade]', 'ticker = [2]', ...lines, ''].join('\n'));
    const strategy = join(directory, 'says_its_limit.mjs');
    writeFileSync(strategy, `let told = 0;
      export default () => ({
        name: 'says-its-limit',
        onMarketData() {},
        onTimer(desk) {
          if (desk.maxOrderQty(0) !== told) process.stderr.write(\`limit \${told = desk.maxOrderQty(0)};\`);
        },
      });`);
    write('max_order_qty = 10');
    const running = trade('--json', '-s', strategy, '-c', '61', '--config', path);
    await running.said(/performance\.cpu_affinity: expected cores of this machine .*, was 999 too/);
    await running.said(/limit 10;/);
    write('max_order_qty = 20', 'max_loss = 5');
    await running.said(/took over trade\.max_order_qty, trade\.max_loss/);
    await running.said(/limit 20;/);
    write('max_order_qty = 30', 'port = 9', 'max_los = 1');
    await running.said(/max_los: unknown key, did you mean max_loss\?\s+configuration: goes on as it was/);
    write('max_order_qty = 30', 'framing = "bare"');
    await running.said(/framing cannot change while running: runs with "soup", was "bare"\s+configuration: goes on/);
    write('max_order_qty = 40', '[log]', 'level = "error"');
    await running.said(/limit 40;/);
    running.child.kill('SIGINT');
    const ended = await running.ended;
    assert.ok((resultOf(ended) as Result).clean);
    assert.deepEqual(ended.stderr.match(/limit \d+;/g), ['limit 10;', 'limit 20;', 'limit 40;']);
    assert.doesNotMatch(ended.stderr, /max_order_qty, log\.level/, 'what is below the new level is not said');
  });

  test('positions that nobody takes: --flatten does not end well, and says what is left', async () => {
    const path = join(directory, 'buys_once.mjs');
    writeFileSync(path, `let sent = false;
      export default () => ({
        name: 'buys-once',
        onMarketData() {},
        onTimer(desk) { if (!sent) sent = desk.order(0, 1, 100, 5, 1) > 0; },
        onFill(book, id, side, ticks, qty) { process.stderr.write('bought ' + qty + ';'); },
      });`);
    const buyer = trade('--json', '-s', path, '-t', '3', '-c', '71', '--flatten');
    const seller = trade('--json', '-s', sellsOnce(), '-t', '3', '-c', '72');
    await buyer.said(/bought 5;/);
    assert.ok(((await interrupted(seller)) as Result).ok);
    buyer.child.kill('SIGINT');
    const ended = await buyer.ended;
    const result = resultOf(ended, 1) as Result;
    assert.deepEqual([result.ok, result.clean, result.ordersOpen], [false, false, 0]);
    assert.equal(result.failure, 'expected flat positions at the end, was T3 +5: nobody took the rest in time');
  });

  /** A strategy that sells five at 100 until it has. */
  function sellsOnce(): string {
    const path = join(directory, 'sells_once.mjs');
    writeFileSync(path, `export default () => ({
      name: 'sells-once',
      onMarketData() {},
      onTimer(desk) { if (desk.positions.position(0) === 0) desk.order(0, -1, 100, 5, 3); },
    });`);
    return path;
  }

  test('what cannot be is said before anything starts', async () => {
    for (const [args, expected] of [
      [['-s', 'no-such'], /strategy: expected market-maker, .* or the path of a file, was "no-such"/],
      [['-s', './none.ts'], /expected a file, there is none/],
      [['--set', 'half_spread'], /--set: expected name=value, was "half_spread"/],
      [['--set', 'half_sprad=3'], /--set: half_sprad: unknown parameter, expected one of half_spread/],
      [['--half-spread', '0'], /--half-spread: expected a whole number 1/],
      [['--max-order-qty', '2000'], /expected at most max_position = 1000, was 2000/],
    ] as const) {
      const { code, stderr } = await trade(...args).ended;
      assert.equal(code, 2, stderr);
      assert.match(stderr, expected);
    }
  });

  test('no exchange: what to start', async (t) => {
    const port = await closedPort(t);
    const { code, stderr } = await outcry('trade', '--port', String(port)).ended;
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`no exchange answers on 127\\.0\\.0\\.1:${port}\\. Start one in another terminal`));
    assert.match(stderr, new RegExp(`outcry exchange --port ${port}`));
  });

  // It tried for ever, and said what was wrong with a packet.
  test('a web server is no exchange: what was expected, what came, and the end', async (t) => {
    const port = await listening(t, createHttpServer((_, response) => response.end('<title>Dashboard</title>')));
    const framings = ['soup', 'bare', 'sequenced'];
    const runs = framings.map((framing) => outcry('trade', '--port', String(port), '--framing', framing, '--multicast-port', '29900'));
    for (const [i, { ended }] of runs.entries()) {
      const { code, stderr } = await ended;
      assert.equal(code, 1);
      assert.match(stderr, new RegExp(
        `expected an exchange with framing ${framings[i]} on 127\\.0\\.0\\.1:${port}: .*it began with "HTTP/1\\.1 400 Bad Request".*outcry trade --port PORT`,
      ));
    }
  });

  test('nothing of the feed: what to look at, once', async () => {
    const elsewhere = String(exchange.multicastPort + 50);
    const running = outcry('trade', '--port', String(exchange.port), '--multicast-port', elsewhere, '--client-id', '81', '--json');
    await running.said(/nothing has come of the feed: .*--multicast-addr, --multicast-port, --feed/);
    assert.ok(((await interrupted(running)) as Result).clean);
    const { stderr } = await running.ended;
    assert.equal(stderr.match(/nothing has come of the feed/g)?.length, 1, stderr);
  });

  test('an account in use is refused, and in the end final', async () => {
    const holder = trade('--client-id', '51', '--json');
    await exchange.said(/client 51 logged in/);
    const other = trade('--client-id', '51', '--json', '--duration', '2s');
    const { stderr } = await other.ended;
    assert.match(stderr, /log-in rejected: session not available/);
    assert.ok(((await interrupted(holder)) as Result).ok);
  });
});
