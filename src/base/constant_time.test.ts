import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sameBytes, sameText } from './constant_time.ts';

test('bytes are compared to the last one', () => {
  const secret = Uint8Array.of(1, 2, 3);
  assert.ok(sameBytes(secret, Uint8Array.of(1, 2, 3)));
  for (const other of [[0, 2, 3], [1, 2, 4], [1, 3, 3], [1, 2], [1, 2, 3, 0], []]) assert.ok(!sameBytes(Uint8Array.from(other), secret), String(other));
});

test('text likewise, of any length', () => {
  assert.ok(sameText('token', 'token') && sameText('', ''));
  for (const other of ['', 'toke', 'tokem', 'Token', 'token ', 'tokentoken', '\0oken']) assert.ok(!sameText(other, 'token'), other);
  assert.ok(!sameText('\u{10074}oken', 'token'), 'every unit of 16 bits counts');
});
