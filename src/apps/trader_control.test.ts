// What operators say to a running trader, by `outcry ctl`, against a real exchange.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { freePorts } from './free_ports.ts';
import { traderFile } from './operator_file.ts';
import { VerbRig, waitFor } from './running_verbs.reference.ts';

test('pause, resume, limits, stop: in words and as JSON; who has no token does nothing; the file goes with the trader', async (t) => {
  const rig = new VerbRig(t);
  const multicastPort = String(await freePorts());
  const exchange = rig.start('exchange', '-p', '0', '--multicast-port', multicastPort);
  const port = await exchange.says(/orders +tcp 127\.0\.0\.1:(\d+)/);
  await exchange.says(/transport/);
  const trade = rig.start('trade', '--port', port, '--multicast-port', multicastPort, '-c', '2', '--json');
  const file = traderFile(Number(port), 2, rig.environment);
  await waitFor(() => existsSync(file), 'its file');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const ctl = (...args: string[]): ReturnType<VerbRig['run']> => rig.run('ctl', ...args, '--port', port);

  assert.deepEqual(await ctl('pause', '--client', '2'), { code: 0, stdout: 'the trader of client 2 is paused\n', stderr: '' });
  const resumed = await ctl('resume', '--client', '2', '--json');
  assert.deepEqual(JSON.parse(resumed.stdout), { ok: true, result: { client: 2, state: 'running' } });

  const limits = await ctl('limits', '--client', '2');
  assert.equal(limits.stdout, 'client 2: max_order_qty 100, max_position 1000, max_loss 100000\n');
  const changed = await ctl('limits', '--client', '2', '--max-position', '500', '--max-loss', '7000');
  assert.equal(changed.stdout, 'client 2: max_order_qty 100, max_position 500, max_loss 7000\n');
  // Whole or not at all: the loss would have been fine.
  const refused = await ctl('limits', '--client', '2', '--max-position', '50', '--max-loss', '1');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /limits: max_order_qty: expected at most max_position = 50, was 100/);
  const zero = await ctl('limits', '--client', '2', '--max-loss', '0');
  assert.match(zero.stderr, /maxLoss: expected 1 to \d+, was 0/);
  const after = await ctl('limits', '--client', '2');
  assert.equal(after.stdout, 'client 2: max_order_qty 100, max_position 500, max_loss 7000\n');

  assert.match((await ctl('pause', '--client', '3')).stderr, /no trader of this user is client 3 on port \d+: expected .*trader-\d+-3\.json/);
  assert.equal((await ctl('pause')).code, 2);
  const known = JSON.parse(readFileSync(file, 'utf8')) as { port: number; token: string };
  const line = async (asked: object): Promise<Record<string, unknown>> => {
    const socket = connect(known.port, '127.0.0.1');
    t.after(() => socket.destroy());
    socket.write(`${JSON.stringify(asked)}\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return JSON.parse(answer.toString()) as Record<string, unknown>;
  };
  assert.deepEqual(await line({ command: 'stop', client: 2, token: `${known.token}x` }), { ok: false, error: "token: expected the trader's" });
  assert.deepEqual(
    await line({ command: 'stop', client: 4, token: known.token }),
    { ok: false, error: 'client: expected 2, the one that trades here, was 4' },
  );
  assert.match(String((await line({ command: 'kill', client: 2, token: known.token }))['error']), /^command: expected one of pause, resume, stop, limits/);

  assert.equal((await ctl('stop', '--client', '2')).stdout, 'the trader of client 2 is stopping\n');
  await trade.ended;
  assert.equal(trade.exitCode, 0, trade.stderr);
  const result = JSON.parse(trade.stdout.trim().split('\n').at(-1) ?? '') as { ok: boolean; state: string };
  assert.deepEqual([result.ok, result.state], [true, 'stopped']);
  assert.match(trade.stderr, /operator 127\.0\.0\.1:\d+: pause client 2\n/);
  assert.match(trade.stderr, /operator 127\.0\.0\.1:\d+: limits client 2, maxPosition 500, maxLoss 7000\n/);
  assert.match(trade.stderr, /operator 127\.0\.0\.1:\d+: refused: a line: token: expected the trader's\n/);
  assert.ok(!existsSync(file), 'the file is gone');
});

test('--no-control: nobody can speak to it', async (t) => {
  const rig = new VerbRig(t);
  const multicastPort = String(await freePorts());
  const exchange = rig.start('exchange', '-p', '0', '--multicast-port', multicastPort);
  const port = await exchange.says(/orders +tcp 127\.0\.0\.1:(\d+)/);
  await exchange.says(/transport/);
  const trade = rig.start('trade', '--port', port, '--multicast-port', multicastPort, '--no-control', '--duration', '500ms');
  await trade.ended;
  assert.equal(trade.exitCode, 0, trade.stderr);
  assert.equal((await rig.run('ctl', 'pause', '--client', '1', '--port', port)).code, 1);
});
