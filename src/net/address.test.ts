import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIpv4, isMulticast, parseIpv4, resolveIpv4 } from './address.ts';

test('addresses go there and back', () => {
  for (const text of ['0.0.0.0', '127.0.0.1', '239.255.0.1', '255.255.255.255', '10.20.30.40']) {
    assert.equal(formatIpv4(parseIpv4(text)), text);
    assert.equal(formatIpv4(parseIpv4(text) | 0), text);
  }
  assert.equal(parseIpv4('127.0.0.1'), 0x7f000001);
});

test('what is no address is none', () => {
  for (const text of ['', '1', '1.2.3', '1.2.3.4.5', '256.1.1.1', '1..2.3', '1.2.3.', '.1.2.3', '01.2.3.4', '1.2.3.x', '::1', ' 1.2.3.4', '-1.2.3.4']) {
    assert.equal(parseIpv4(text), -1, text);
  }
});

test('multicast is 224 to 239', () => {
  assert.ok(isMulticast(parseIpv4('224.0.0.0')) && isMulticast(parseIpv4('239.255.255.255')));
  assert.ok(!isMulticast(parseIpv4('223.255.255.255')) && !isMulticast(parseIpv4('240.0.0.0')));
});

test('names resolve to IPv4, addresses stay', async () => {
  assert.equal(await resolveIpv4('connect to', '127.0.0.5', 1), '127.0.0.5');
  assert.equal(await resolveIpv4('connect to', 'localhost', 1), '127.0.0.1');
});
