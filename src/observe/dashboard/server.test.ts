// The dashboard's server over real sockets: what it answers, and what it refuses.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import { WebSocket } from 'ws';
import { Rig, TOKEN, until } from './server_rig.reference.ts';

const halt = { command: 'halt', ticker: 1, confirm: true };

test('every JSON path answers what the source has, and nothing is kept by a cache', async (t) => {
  const rig = await Rig.open(t);
  rig.source.second();
  rig.source.watch.onTrade(0, 1, 20, 3);
  const json = async (path: string): Promise<unknown> => {
    const { status, headers, text } = await rig.ask(path);
    assert.deepEqual([status, headers['cache-control']], [200, 'no-store'], path);
    assert.match(headers['content-type'] ?? '', /^application\/json/);
    return JSON.parse(text);
  };
  assert.deepEqual(await json('/api/dashboard'), rig.source.status?.summary);
  assert.deepEqual(await json('/api/status'), rig.source.status);
  assert.deepEqual(await json('/api/history'), { type: 'history', points: rig.source.history.points(), histogram: [[1_000, 3]] });
  assert.deepEqual(await json('/api/alerts'), []);
  assert.deepEqual(await json('/api/health'), { status: 'ok' });
  assert.deepEqual(await json('/api/instruments'), rig.source.instruments);
  assert.deepEqual(await json('/api/market?ticker=1&levels=1'), {
    type: 'market', ticker: 1, atMs: 0, updates: 1, fresh: false, bids: [[500, 5, 2]], asks: [[505, 7, 1]], lastPrice: 100,
    trades: [{ id: 1, atMs: 0, side: 1, price: 100, qty: 3 }],
  });
  const metrics = await rig.ask('/metrics');
  assert.deepEqual(
    [metrics.status, metrics.text, metrics.headers['content-type']],
    [200, rig.source.metrics().text, 'text/plain; version=0.0.4; charset=utf-8'],
  );
});

test('what is not there, or asked wrongly, is said as JSON', async (t) => {
  const rig = await Rig.open(t);
  const errors = {
    '/nothing': [404, 'there is nothing at /nothing'],
    '/../package.json': [404, 'there is nothing at /../package.json'],
    '/%2e%2e/package.json': [404, 'there is nothing at /%2e%2e/package.json'],
    '/api/market?ticker=x': [400, 'ticker: expected a whole number, was "x"'],
    '/api/market?ticker=1&ticker=7': [400, 'ticker: expected a whole number, was ["1","7"]'],
    '/api/market': [400, 'ticker: expected a whole number, was "nothing"'],
    '/api/market?ticker=1&levels=51': [400, 'levels: expected 1 to 50, was "51"'],
    '/api/market?ticker=2': [404, 'ticker: expected one of /api/instruments, was 2'],
  };
  for (const [path, [status, error]] of Object.entries(errors)) {
    const answer = await rig.ask(path);
    assert.deepEqual([answer.status, JSON.parse(answer.text)], [status, { error }], path);
  }
  rig.source.watches = false;
  rig.source.status = null;
  assert.equal((await rig.ask('/api/health')).status, 503);
  assert.equal((await rig.ask('/api/dashboard')).status, 503);
  assert.equal((await rig.ask('/api/status', { method: 'DELETE' })).status, 404);
});

test('a page by another name that leads here (DNS rebinding) is refused, on every path', async (t) => {
  const rig = await Rig.open(t, { hosts: ['monitor.example'] });
  for (const path of ['/', '/metrics', '/api/status', '/api/commands', '/nothing']) {
    const { status, text } = await rig.ask(path, { headers: { host: 'evil.example:8080' } });
    assert.deepEqual([status, JSON.parse(text)], [403, { error: 'Host: expected a name of this dashboard' }], path);
  }
  const command = await rig.command(halt, { host: 'evil.example' });
  assert.deepEqual([command.status, rig.commands], [403, []]);
  for (const host of ['localhost', `127.0.0.1:${rig.port}`, '[::1]:9000', 'Monitor.Example:1'])
    assert.equal((await rig.ask('/api/status', { headers: { host } })).status, 200, host);
  for (const host of ['127.0.0.1.evil.example', 'localhost@evil.example', 'evil.example:localhost', '127.0.0.1:80:80'])
    assert.notEqual((await rig.ask('/api/status', { headers: { host } })).status, 200, host);
});

test('a command of another page is refused before its token is looked at', async (t) => {
  const rig = await Rig.open(t);
  const own = `http://127.0.0.1:${rig.port}`;
  for (const origin of ['http://evil.example', 'null', `http://127.0.0.1:${rig.port + 1}`, `${own}.evil.example`, `${own}/`, '']) {
    const { status, text } = await rig.command(halt, { origin });
    assert.deepEqual([status, JSON.parse(text)], [403, { error: 'Origin: expected the page of this dashboard' }], origin);
  }
  assert.deepEqual(rig.commands, []);
  assert.equal((await rig.command(halt, { origin: own })).status, 200);
  assert.deepEqual(rig.commands, [halt]);
});

test('without the token nothing is commanded: 403, and 429 for who goes on; the right one is never kept out', async (t) => {
  const rig = await Rig.open(t);
  const missing = await rig.command(halt, { authorization: '' });
  assert.deepEqual([missing.status, JSON.parse(missing.text)], [403, { error: 'expected a header Authorization: Bearer TOKEN, was none' }]);
  assert.equal((await rig.command(halt, { authorization: `Basic ${TOKEN}` })).status, 403);
  // A token has no place in an address, which stands in logs and histories.
  assert.equal((await rig.ask(`/api/commands?token=${TOKEN}`, { method: 'POST' })).status, 403);
  const wrong = await Promise.all(
    Array.from({ length: 60 }, async (_, i) => (await rig.command(halt, { authorization: `Bearer ${TOKEN}${i}` })).status),
  );
  assert.deepEqual(new Set(wrong), new Set([403, 429]));
  assert.deepEqual(rig.commands, []);
  assert.equal((await rig.command(halt)).status, 200);
  assert.match(rig.notes.at(-1) ?? '', /^dashboard 127\.0\.0\.1:\d+: halt ticker 1: done$/);
  assert.ok(rig.notes.every((line) => !line.includes(TOKEN)), 'a token is in no note');
});

test('read-only: without a token of its own there is no command at all', async (t) => {
  const rig = await Rig.open(t, { token: '' });
  for (const authorization of ['', 'Bearer', 'Bearer ', 'Bearer undefined'])
    assert.equal((await rig.command(halt, { authorization })).status, 404);
  assert.deepEqual(rig.commands, []);
});

test('a body that is too large, no JSON, or no command', async (t) => {
  const rig = await Rig.open(t);
  assert.equal((await rig.command({ ...halt, more: 'x'.repeat(3_000) })).status, 413);
  assert.equal((await rig.command('{"command":')).status, 400);
  assert.equal((await rig.command('')).status, 400);
  assert.equal((await rig.command(halt, { 'content-type': 'text/plain' })).status, 415);
  assert.equal((await rig.command('command=halt', { 'content-type': 'application/x-www-form-urlencoded' })).status, 415);
  // Its length is said and much too long: refused before it is sent.
  const said = `POST /api/commands HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${TOKEN}\r\n` +
    'content-type: application/json\r\ncontent-length: 999999999\r\n\r\n';
  assert.match(await rig.raw(said), /^HTTP\/1\.1 413 /);
  const { status, text } = await rig.command({ command: 'halt', ticker: 1 });
  assert.deepEqual([status, JSON.parse(text)], [400, { error: 'confirm: expected true, was nothing' }]);
  const polluting = await rig.command('{"command":"halt","confirm":true,"__proto__":{"ticker":1}}');
  assert.equal(polluting.status, 400);
  assert.deepEqual(rig.commands, []);
});

test('a command that is refused is 409 with the reason; one that fails is 500 and no end', async (t) => {
  const rig = await Rig.open(t);
  rig.answer = async () => ({ ok: false, text: 'ticker: expected one of 1, was 9' });
  const refused = await rig.command({ ...halt, ticker: 9 });
  assert.deepEqual([refused.status, JSON.parse(refused.text)], [
    409, { ok: false, text: 'ticker: expected one of 1, was 9', error: 'ticker: expected one of 1, was 9' },
  ]);
  rig.answer = async () => {
    throw new TypeError('secret thing is not a function');
  };
  const failed = await rig.command(halt);
  assert.deepEqual([failed.status, failed.text.includes('secret')], [500, false]);
  assert.match(rig.notes.at(-1) ?? '', /secret thing is not a function/);
  assert.equal((await rig.ask('/api/status')).status, 200);
});

test('commands are limited to some a second', async (t) => {
  const rig = await Rig.open(t);
  const statuses = await Promise.all(Array.from({ length: 60 }, async () => (await rig.command(halt)).status));
  const done = statuses.filter((status) => status === 200).length;
  assert.deepEqual(new Set(statuses), new Set([200, 429]));
  assert.ok(done >= 10, `${done} of 60 were done`);
  assert.equal(rig.commands.length, done);
});

test('every answer carries the headers that keep a page to itself', async (t) => {
  const rig = await Rig.open(t);
  for (const [path, headers] of [['/', {}], ['/api/status', {}], ['/nothing', {}], ['/', { host: 'evil.example' }]] as const) {
    const answer = await rig.ask(path, { headers });
    assert.match(String(answer.headers['content-security-policy']), /default-src 'self'/);
    assert.match(String(answer.headers['content-security-policy']), /frame-ancestors 'none'/);
    assert.ok(!String(answer.headers['content-security-policy']).includes('unsafe-inline'));
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.equal(answer.headers['cross-origin-opener-policy'], 'same-origin');
    assert.equal(answer.headers['cross-origin-embedder-policy'], 'require-corp');
    assert.equal(answer.headers['access-control-allow-origin'], undefined);
  }
});

function pages(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-pages-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'assets'));
  mkdirSync(join(folder, 'time_travel'));
  writeFileSync(join(folder, 'index.html'), '<p>page</p>');
  writeFileSync(join(folder, 'stamp'), 'of the build');
  writeFileSync(join(folder, 'time_travel/index.html'), '<p>tape</p>');
  writeFileSync(join(folder, 'assets/a-HASH.js'), `export const text = "${'long '.repeat(1_000)}";`);
  symlinkSync('/etc/passwd', join(folder, 'assets/passwd.txt'));
  return folder;
}

test('the built page: types, caches, compression; nothing but its files', async (t) => {
  const folder = pages(t);
  const rig = await Rig.open(t, { pages: folder });
  const page = await rig.ask('/');
  assert.deepEqual([page.text, page.headers['content-type'], page.headers['cache-control']], ['<p>page</p>', 'text/html; charset=utf-8', 'no-cache']);
  const again = await rig.ask('/', { headers: { 'if-none-match': String(page.headers.etag) } });
  assert.deepEqual([again.status, again.text], [304, '']);
  for (const path of ['/time_travel', '/time_travel/', '/time-travel', '/time-travel/']) assert.equal((await rig.ask(path)).text, '<p>tape</p>');

  const script = await rig.ask('/assets/a-HASH.js');
  assert.deepEqual(
    [script.headers['content-type'], script.headers['cache-control'], script.headers['content-encoding']],
    ['text/javascript; charset=utf-8', 'public, max-age=31536000, immutable', undefined],
  );
  const short = await rig.ask('/assets/a-HASH.js', { headers: { 'accept-encoding': 'gzip, br' } });
  assert.equal(short.headers['content-encoding'], 'br');
  assert.ok(short.bytes.length < script.bytes.length / 10);
  assert.equal(brotliDecompressSync(short.bytes).toString(), script.text);
  for (const path of ['/stamp', '/assets/passwd.txt', '/assets/', '/assets/../stamp', '/assets/%2e%2e%2fstamp'])
    assert.equal((await rig.ask(path)).status, 404, path);
});

test('without a built page the server says what to do', async (t) => {
  const rig = await Rig.open(t, { pages: '/nowhere' });
  const { status, text } = await rig.ask('/');
  assert.deepEqual([status, /npm run build:web/.test(text)], [200, true]);
});

test('hostile bytes end their connection and nothing else', async (t) => {
  const rig = await Rig.open(t);
  assert.match(await rig.raw('nonsense\r\n\r\n'), /^HTTP\/1\.1 400 /);
  assert.match(await rig.raw(`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
  assert.match(await rig.raw('GET / HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 /, 'no Host');
  assert.match(await rig.raw('GET /api/status HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 403 /, 'no Host, which 1.0 allows');
  const two = 'POST /api/commands HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n';
  assert.match(await rig.raw(two), /^HTTP\/1\.1 400 /, 'two lengths');
  assert.equal((await rig.ask('/api/status')).status, 200);
});

test('an upgrade: the path, the Host, the Origin, or a refusal in words', async (t) => {
  const rig = await Rig.open(t);
  const refused = async (path: string, headers: Record<string, string>): Promise<number> => {
    const socket = new WebSocket(`ws://127.0.0.1:${rig.port}${path}`, { headers });
    const status = await new Promise<number>((resolve) => {
      socket.on('unexpected-response', (_request, response) => {
        resolve(response.statusCode ?? 0);
        response.destroy();
      });
      socket.on('open', () => resolve(101));
      socket.on('error', () => {});
    });
    socket.terminate();
    return status;
  };
  assert.equal(await refused('/other', {}), 404);
  assert.equal(await refused('/ws', { host: 'evil.example' }), 403);
  assert.equal(await refused('/ws', { origin: 'http://evil.example' }), 403);
  assert.equal(await refused('/ws', { origin: 'null' }), 403);
  assert.equal(await refused('/ws', { origin: `http://127.0.0.1:${rig.port}` }), 101);
  assert.equal(await refused('/ws?anything', {}), 101);
});

test('connections of an address are bounded, and room comes back', async (t) => {
  const rig = await Rig.open(t, { limits: { connectionsPerAddress: 5 } });
  const sockets = Array.from({ length: 12 }, () => connect(rig.port, '127.0.0.1').on('error', () => {}));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  const left = (): number => sockets.filter(({ destroyed, readyState }) => !destroyed && readyState === 'open').length;
  for (const socket of sockets) socket.on('end', () => socket.destroy());
  await until(() => sockets.every(({ connecting }) => !connecting) && left() === 5, 'five are left');
  for (const socket of sockets) socket.destroy();
  for (;;) {
    const answer = await rig.ask('/api/status').catch(() => null);
    if (answer?.status === 200) break;
  }
});
