// `outcry backtest` as a person and a program use it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../../bin/outcry.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'outcry-backtest-'));
after(() => rmSync(folder, { recursive: true }));
const SMALL = ['--scenario', 'normal', '--orders', '2000'];

function backtest(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [COMMAND, 'backtest', ...args], { timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

test('a summary for people, one object for programs, a folder of files', async () => {
  const report = join(folder, 'out', 'deep');
  const { code, stdout, stderr } = await backtest([...SMALL, '--half-spread', '20', '--set', 'price_update_threshold=5', '--json', '--report', report]);
  assert.equal(code, 0, stderr);
  const lines = stdout.trim().split('\n');
  assert.match(lines[0], /^market-maker on EQTY \(generated, normal\)/);
  const result = JSON.parse(lines.at(-1)!) as { ok: boolean; messages: number; summary: { fills: number; profit: number }; traceHash: string };
  assert.equal(result.ok, true);
  assert.ok(result.messages > 3_000);
  assert.ok(result.summary.fills > 0 && Number.isFinite(result.summary.profit));
  assert.match(result.traceHash, /^[0-9a-f]{16}$/);
  assert.deepEqual(readdirSync(report).toSorted(), ['backtest.svg', 'course.csv', 'fills.csv', 'result.json']);
  assert.equal(readFileSync(join(report, 'fills.csv'), 'utf8').trim().split('\n').length, result.summary.fills + 1);
});

test('a strategy file runs with the configuration of outcry trade', async () => {
  const file = join(folder, 'buyer.ts');
  writeFileSync(file, `
    import type { Desk, Strategy } from 'outcry';
    export const parameters = { size: 1 };
    export default (parameters: Readonly<Record<string, number>>): Strategy => ({
      name: 'buyer',
      onMarketData(book: number, desk: Desk) {
        if (desk.features.known(book) && desk.positions.position(book) < 5 * parameters.size) {
          desk.order(book, 1, desk.features.askTicks(book), parameters.size, 3);
        }
      },
    });
  `);
  const config = join(folder, 'outcry.toml');
  writeFileSync(config, `[trade]\nstrategy = ${JSON.stringify(file)}\nmax_position = 100\n[strategy.parameters]\nsize = 3\n`);
  const { code, stdout, stderr } = await backtest([...SMALL, '--config', config, '--json']);
  assert.equal(code, 0, stderr);
  const { summary } = JSON.parse(stdout.trim().split('\n').at(-1)!) as { summary: { boughtQty: number; soldQty: number } };
  assert.ok(summary.boughtQty >= 15 && summary.soldQty === 0, JSON.stringify(summary));
});

// Nobody was left to take what it held, and the run ended well.
test('a position that cannot be traded away at the end is said, and the exit code says it too', async () => {
  const file = join(folder, 'hoarder.ts');
  writeFileSync(file, `
    import type { Desk, Strategy } from 'outcry';
    // Takes all that is bid, at any price: at the end there is nobody to buy from.
    export default (): Strategy => ({
      name: 'hoarder',
      onMarketData() {},
      onTimer(desk: Desk) {
        if (desk.features.askQty(0) > 0) desk.order(0, 1, desk.features.askTicks(0), desk.maxOrderQty(0), 3);
      },
      onStop(desk: Desk) {
        for (let i = 0; i < 40; i++) desk.order(0, -1, 1, desk.maxOrderQty(0), 3);
      },
    });
  `);
  const huge = ['--max-order-qty', '1000000', '--max-position', '1000000000', '--max-loss', '900000000000'];
  const money = ['--max-portfolio-value', '100000000000', '--stop-loss-percentage', '1'];
  const { code, stdout, stderr } = await backtest([...SMALL, '-s', file, ...huge, ...money, '--flatten', '--json']);
  const result = JSON.parse(stdout.trim().split('\n').at(-1)!) as { ok: boolean; summary: { position: number } };
  assert.notEqual(result.summary.position, 0, stdout);
  assert.deepEqual([code, result.ok], [1, false], stderr);
  assert.match(stdout, /flatten +expected position 0 at the end, was -?[\d,]+: nobody took the rest/);
});

test('what is wrong is said, with what was expected', async () => {
  writeFileSync(join(folder, 'file'), '');
  const tape = join(folder, 'x_message_1.csv');
  writeFileSync(tape, '34200.1,1,1,100,1000000,1\n');
  const cases: [string[], number, RegExp][] = [
    [['--data', join(folder, 'none.csv')], 1, /--data: expected a LOBSTER file, there is none at/],
    [['--data', 'x.csv', '--scenario', 'normal'], 1, /exclude each other/],
    [['--scenario', 'calm'], 2, /--scenario: expected one of static, normal/],
    [[...SMALL, '--report', join(folder, 'file', 'in')], 1, /cannot mkdir .+: not a directory \(ENOTDIR\)/],
    [['--data', tape, '--until', '9:00'], 1, /--until: expected a time behind the first message of the recording, was 9:00/],
    [['--until', '25:00'], 2, /--until: expected a time of day such as 10:30, was "25:00"/],
    [['--order-latency', '5'], 2, /--order-latency: expected a time/],
    [['-s', 'nothing'], 2, /expected market-maker, market-maker-bps/],
    [[...SMALL, '--set', 'half_sprad=1'], 2, /half_sprad: unknown parameter/],
  ];
  for (const [args, code, message] of cases) {
    const result = await backtest(args);
    assert.match(result.stderr, message, args.join(' '));
    assert.equal(result.code, code, args.join(' '));
  }
});
