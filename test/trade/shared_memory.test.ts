// Exchange, trader and flow as processes that meet in shared memory: they trade, the operator's channel stays TCP, and each of
// them may be killed.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { interrupted, outcry, startExchange, type Running, type RunningExchange } from './processes.ts';

const NAME = `outcry-trade-test-${process.pid}`;
const NETWORK = `shm:/${NAME}`;
// The flow has no flag for it, and takes what the environment says.
process.env['OUTCRY_NETWORK'] = NETWORK;

interface Result { ok: boolean; clean: boolean; failure: string; ordersSent: number; ordersOpen: number; fills: number }

describe('processes that trade through shared memory', { skip: process.platform === 'linux' ? false : 'needs Linux' }, () => {
  const started: Running[] = [];
  after(() => {
    for (const { child } of started) child.kill('SIGKILL');
  });
  const startedExchange = async (...flags: string[]): Promise<RunningExchange> => {
    const exchange = await startExchange('--network', NETWORK, ...flags);
    started.push(exchange);
    return exchange;
  };
  const maker = (exchange: RunningExchange, client: number): Running => {
    const running = outcry(
      'trade', ...exchange.flags, '--network', NETWORK, '--json', '--client-id', String(client), '--half-spread', '10',
      '--set', 'price_update_threshold=2', '--set', 'min_spread=4', '--wait', 'sleep',
    );
    started.push(running);
    return running;
  };
  const flow = async (exchange: RunningExchange): Promise<void> => {
    const running = outcry(
      'replay', 'equity', '--to', `127.0.0.1:${exchange.port}`, '--orders', '5000', '--speed', '50', '--client-id', '20', '--json',
    );
    started.push(running);
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
  };
  const untilLoggedIn = (exchange: RunningExchange, client: number): Promise<unknown> =>
    exchange.said(new RegExp(`client ${client} logged in`));

  test('a market maker quotes and is hit by a flow; a killed one is no more, and another comes; so with the exchange', { timeout: 240_000 }, async () => {
    const exchange = await startedExchange();
    const first = maker(exchange, 21);
    await untilLoggedIn(exchange, 21);
    await flow(exchange);
    const result = (await interrupted(first)) as Result;
    assert.ok(result.ok && result.clean, result.failure);
    assert.ok(result.ordersSent > 0 && result.fills > 0, JSON.stringify(result));
    assert.equal(result.ordersOpen, 0);

    const status = await outcry('ctl', 'status', '--port', String(exchange.port)).ended;
    assert.equal(status.code, 0, status.stderr);
    assert.match(status.stdout, /T1 +open/);

    const second = maker(exchange, 22);
    await untilLoggedIn(exchange, 22);
    second.child.kill('SIGKILL');
    await exchange.said(/client 22 .*ended: /);

    exchange.child.kill('SIGKILL');
    await exchange.ended;
    const next = await startedExchange();
    const third = maker(next, 23);
    await untilLoggedIn(next, 23);
    await flow(next);
    const again = (await interrupted(third)) as Result;
    assert.ok(again.ok && again.clean && again.fills > 0, JSON.stringify(again));
    await interrupted(next);
    assert.deepEqual(readdirSync('/dev/shm').filter((file) => file.startsWith(NAME)), [], 'nothing is left behind');
  });
});
