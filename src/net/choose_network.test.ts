import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { chooseNetwork } from './choose_network.ts';

test('the transport asked for is the one that comes', () => {
  const { network, fallbackReason } = chooseNetwork('node');
  assert.equal(network.kind, 'node');
  assert.equal(fallbackReason, '');
  network.close();
});

test('by default it is epoll, or the reason why not', () => {
  const { network, fallbackReason } = chooseNetwork('auto');
  assert.equal(network.kind, fallbackReason === '' ? 'epoll' : 'node');
  network.close();
});

test('a kind that is none is refused with its value', () => {
  assert.throws(() => chooseNetwork('carrier pigeon'), /network was "carrier pigeon", expected one of auto, epoll, node, shm:\/NAME/);
  assert.throws(() => chooseNetwork('shm:/../etc/passwd'), /network was "shm:\/\.\.\/etc\/passwd"/);
});

test('a name in shared memory is a network of its own', (t) => {
  if (process.platform !== 'linux') return t.skip('shared memory networks need Linux');
  const { network } = chooseNetwork(`shm:/outcry-choose-${process.pid}`);
  assert.equal(network.kind, 'shm');
  network.close();
});

test('the environment forces one', () => {
  const script = `
    import { chooseNetwork } from '${new URL('./choose_network.ts', import.meta.url).href}';
    const { network } = chooseNetwork();
    console.log(network.kind);
    network.close();`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, OUTCRY_NETWORK: 'node' }, encoding: 'utf8',
  });
  assert.equal(run.stdout, 'node\n', run.stderr);
});
