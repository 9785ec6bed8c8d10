import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SessionState } from '../trader/order_session.ts';
import { openProcessLog } from './process_log.ts';
import { TRADE_SITES, tradeSaying } from './trade_log.ts';
import type { LogConfig } from './config_system.ts';
import type { Log } from '../observe/log/open_log.ts';

const DEFAULTS: LogConfig = { level: 'info', file: '', fileBytes: 1 << 26, filesKept: 5, format: 'text' };

const folder = mkdtempSync(join(tmpdir(), 'outcry-process-log-'));
test.after(() => rmSync(folder, { recursive: true }));

function opened(config: Partial<LogConfig>): Log {
  return openProcessLog({
    verb: 'process-log-test', sites: TRADE_SITES, config: { ...DEFAULTS, ...config }, threads: 'shared', nowNs: 0, note: (line) => assert.fail(line),
  });
}

test('a trader’s log goes into its file, as JSON where that is wanted, from its level on', async () => {
  const file = join(folder, 'trade.log');
  const log = opened({ file, format: 'json', level: 'debug' });
  const told: string[] = [];
  const listener = tradeSaying(log.logger, { onFill: (book) => told.push(`fill ${book}`), onSession: () => told.push('session') }, false);
  listener.onSession?.(SessionState.Down, 'the exchange closed the connection');
  listener.onFill?.(2, 77, -1, 10_050, 25);
  listener.onSession?.(SessionState.Ready, '');
  log.logger.level = 'warn';
  listener.onFill?.(2, 78, 1, 10_050, 25);
  await log.close();
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(lines.map(({ level, site, text }) => [level, site, text]), [
    ['warn', 'session', String(lines[0].what)],
    ['debug', 'fill', 'order 77: 25 filled at 10050 ticks, book 2, side -1'],
  ]);
  assert.match(String(lines[0].what), /the exchange closed the connection$/);
  assert.deepEqual(told, ['session', 'fill 2', 'session', 'fill 2'], 'whoever listens hears all of it');
});

test('what a screen shows is not in the log that shares the terminal', async () => {
  const file = join(folder, 'shown.log');
  const log = opened({ file });
  tradeSaying(log.logger, {}, true).onSession?.(SessionState.Down, 'gone');
  await log.close();
  assert.equal(readFileSync(file, 'utf8'), '');
});

test('a file is turned over at its size, and so many older ones stay', async () => {
  const file = join(folder, 'turned.log');
  const log = opened({ file, fileBytes: 64 * 1024, filesKept: 2 });
  const listener = tradeSaying(log.logger, {}, false);
  for (let i = 0; i < 6_000; i += 1) {
    listener.onSession?.(SessionState.Down, 'x'.repeat(100));
    log.last?.poll(0);
  }
  await log.close();
  assert.ok(existsSync(`${file}.1`) && existsSync(`${file}.2`) && !existsSync(`${file}.3`));
});

test('a file that cannot be written is told by its key', () => {
  assert.throws(() => opened({ file: join(folder, 'nowhere', 'trade.log') }), /log\.file: expected a file that can be written, was .*nowhere/);
});
