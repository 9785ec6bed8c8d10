import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Access, AddressRates, LOOPBACK_NAMES, Verdict } from './access.ts';

const TOKEN = 'known-to-operators-alone';

test('the host: a name of ours, whatever its port and case', () => {
  const access = new Access({ hosts: [...LOOPBACK_NAMES, 'Desk.Example'], token: '' });
  for (const host of ['localhost', 'LOCALHOST:8080', '127.0.0.1:1', '[::1]', '[::1]:65535', 'desk.example']) assert.ok(access.mayAsk(host), host);
  const others = [
    undefined, '', ':8080', 'localhost:', 'localhost:123456', 'localhost:8080:1', 'localhost.', 'localhost/', ' localhost', 'localhost,evil',
    'evil.example', 'user@localhost', '[::1', '::1', '127.0.0.2', 'a'.repeat(300),
  ];
  for (const host of others) assert.ok(!access.mayAsk(host), String(host));
});

test('the origin: none, or the page of the host that was asked', () => {
  const access = new Access({ hosts: LOOPBACK_NAMES, token: '' });
  assert.ok(access.isOwnPage(undefined, 'localhost:8080'));
  assert.ok(access.isOwnPage('http://localhost:8080', 'localhost:8080'));
  assert.ok(access.isOwnPage('https://desk.example', 'desk.example'), 'behind a proxy');
  for (const origin of ['', 'null', 'http://localhost', 'http://localhost:8081', 'ftp://localhost:8080', 'http://localhost:8080.evil.example'])
    assert.ok(!access.isOwnPage(origin, 'localhost:8080'), origin);
  assert.ok(!access.isOwnPage('http://undefined', undefined));
});

test('the token', () => {
  const access = new Access({ hosts: [], token: TOKEN });
  const judge = (authorization: string | undefined): Verdict => access.judge(authorization, '10.0.0.1', 0);
  assert.equal(judge(`Bearer ${TOKEN}`), Verdict.Fine);
  assert.equal(judge(`bearer ${TOKEN}`), Verdict.Fine);
  for (const missing of [undefined, '', 'Bearer', 'Bearer ', TOKEN, `Basic ${TOKEN}`, `Bearer ${TOKEN} x`, `Bearer ${'x'.repeat(300)}`])
    assert.equal(judge(missing), Verdict.Missing, String(missing));
  for (const wrong of [TOKEN.slice(1), `${TOKEN}x`, TOKEN.toUpperCase()]) assert.equal(judge(`Bearer ${wrong}`), Verdict.Wrong, wrong);
  const none = new Access({ hosts: [], token: '' });
  assert.deepEqual([none.commands, none.judge('Bearer undefined', '', 0)], [false, Verdict.Wrong]);
});

test('wrong tokens: twenty at once, then one a second, by address', () => {
  const access = new Access({ hosts: [], token: TOKEN });
  const wrong = (address: string, nowMs: number): Verdict => access.judge('Bearer wrong', address, nowMs);
  for (let i = 0; i < 20; i++) assert.equal(wrong('10.0.0.1', 0), Verdict.Wrong);
  assert.equal(wrong('10.0.0.1', 500), Verdict.TooMany);
  assert.equal(wrong('10.0.0.2', 500), Verdict.Wrong);
  assert.equal(access.judge(`Bearer ${TOKEN}`, '10.0.0.1', 500), Verdict.Fine);
  assert.equal(wrong('10.0.0.1', 1_000), Verdict.Wrong);
  assert.equal(wrong('10.0.0.1', 1_000), Verdict.TooMany);
});

test('rates remember a bounded number of addresses, those heard last', () => {
  const rates = new AddressRates(1, 0);
  for (let i = 0; i < 5_000; i++) assert.ok(rates.take(`address ${i}`, i));
  assert.equal(rates.size, 1_024);
  assert.ok(!rates.take('address 4999', 5_000), 'still known');
  assert.ok(rates.take('address 0', 5_000), 'forgotten');
});
