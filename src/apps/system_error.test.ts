import assert from 'node:assert/strict';
import { openSync, renameSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { isSystemError, systemErrorText } from './system_error.ts';

function textOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    assert.ok(isSystemError(error));
    return systemErrorText(error);
  }
  throw new Error('the call succeeded');
}

test('what was tried, on what, and why not', () => {
  assert.equal(textOf(() => openSync('/nowhere/a, open.csv', 'w')), 'cannot open /nowhere/a, open.csv: no such file or directory (ENOENT)');
  assert.equal(textOf(() => renameSync('/nowhere/a', '/nowhere/b')), 'cannot rename /nowhere/a: no such file or directory (ENOENT)');
  assert.equal(textOf(() => writeSync(1 << 20, 'x')), 'cannot write: bad file descriptor (EBADF)');
});

test('errors with words of their own keep them; others are none of the system', () => {
  const own = Object.assign(new Error('cannot listen on 127.0.0.1:1: the port is in use (EADDRINUSE)'), { code: 'EADDRINUSE', syscall: 'listen' });
  assert.equal(systemErrorText(own), own.message);
  assert.ok(!isSystemError(new Error('ENOENT: said by somebody')));
  assert.ok(!isSystemError('ENOENT'));
});
