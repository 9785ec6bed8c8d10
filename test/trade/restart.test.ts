// `outcry trade --journal`, killed outright in the middle of trading and started again, against a
// real exchange: position and cash are what the exchange's own trades say, responses go on without a
// gap, and no order id is used twice; also when the end of the journal was torn off.
import assert from 'node:assert/strict';
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExchangeProcess } from '../../src/apps/demo_process.ts';
import { freePorts } from '../../src/apps/free_ports.ts';
import { StatsReader, statsPath } from '../../src/observe/shared_stats.ts';
import { traderStat } from '../../src/observe/system_stats.ts';
import { interrupted, outcry } from './processes.ts';
import type { Running } from './processes.ts';

const CLIENT = 7;
const FILLS = 20;
/** On a machine that has other things to do. */
const TRADED_MS = 60_000;
const SECTOR_BYTES = 512;
const directory = mkdtempSync(join(tmpdir(), 'outcry-restart-'));
after(() => rmSync(directory, { recursive: true }));

interface Result {
  readonly clean: boolean;
  readonly failure: string;
  readonly sequence: number;
  readonly fills: number;
  readonly rejected: number;
  readonly books: readonly { readonly position: number; readonly cash: number }[];
}

/** Takes the last sectors of what was written away, as a machine does that dies amid a write. */
function tear(folder: string): void {
  const segments = readdirSync(folder).filter((name) => name.startsWith('segment-')).toSorted();
  const path = join(folder, segments.at(-1) ?? '');
  const bytes = readFileSync(path);
  let end = bytes.length;
  while (bytes[end - 1] === 0) end--;
  const from = Math.floor((end - 2 * SECTOR_BYTES) / SECTOR_BYTES) * SECTOR_BYTES;
  assert.ok(from > SECTOR_BYTES, 'there is something to tear off');
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(end - from), 0, end - from, from);
}

/** It has traded a few times in this life, however long that takes: its own figures say so. */
async function hasTraded({ child }: Running): Promise<void> {
  const untilMs = performance.now() + TRADED_MS;
  let stats: StatsReader | null = null;
  for (let fills = 0; fills < FILLS; ) {
    assert.ok(performance.now() < untilMs && child.exitCode === null, `expected ${FILLS} fills, was ${fills}`);
    await sleep(20);
    stats ??= statsOf(child.pid);
    stats?.refresh();
    fills = stats?.value(traderStat('fills')) ?? 0;
  }
  stats?.close();
}

/** null: its file is not there yet, or not whole. */
function statsOf(pid: number | undefined): StatsReader | null {
  try {
    return StatsReader.open(statsPath('trade', pid));
  } catch {
    return null;
  }
}

async function killed(running: Running): Promise<void> {
  running.child.kill('SIGKILL');
  await running.ended;
}

test('killed three times, once with its journal torn: nothing is lost and nothing doubled', async () => {
  const multicastPort = await freePorts();
  const exchange = await ExchangeProcess.start({
    port: 0, multicastPort, ticker: 1, symbol: 'T1', decimals: 2, tickSize: 1, wait: 'sleep',
  });
  const folder = join(directory, 'journal');
  const start = (): Running => outcry(
    'trade', '--json', '--port', String(exchange.port), '--multicast-port', String(multicastPort),
    '--client-id', String(CLIENT), '--journal', folder, '--half-spread', '10', '--wait', 'sleep',
    '--set', 'min_spread=4', '--set', 'price_update_threshold=2', '--max-position', '400',
    '--max-loss', '1000000000',
  );
  const flow = outcry(
    'replay', 'equity', '--to', `127.0.0.1:${exchange.port}`, '--orders', '200000', '--speed', '5',
    '--client-id', '1', '--json',
  );
  try {
    let trader = start();
    const begun = await trader.said(/journal (begun|in .*)/);
    assert.match(begun[0], /begun/);
    for (const torn of [false, true, false]) {
      await hasTraded(trader);
      await killed(trader);
      if (torn) tear(folder);
      trader = start();
      const [, cut] = await trader.said(/goes on with session \S+ at response \d+(; a torn end .*)?\n/);
      assert.equal(cut !== undefined, torn, cut);
    }
    await hasTraded(trader);
    const result = (await interrupted(trader)) as Result;
    assert.deepEqual([result.clean, result.failure, result.rejected], [true, '', 0]);
    const { states, sums } = await exchange.accounts([{ client: CLIENT, sequence: result.sequence }]);
    const [state] = states;
    assert.ok(state !== null);
    const [{ position, cash }] = result.books;
    assert.deepEqual({ position, cash }, { position: state.position, cash: state.cash });
    assert.ok(state.fills > result.fills, 'there were fills before the last start');
    assert.deepEqual([sums.position, sums.cash], [0, 0]);
  } finally {
    await killed(flow);
    await exchange.stop();
  }
});
