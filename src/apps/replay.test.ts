// `outcry replay`: its checks as people and programs see them, and flows sent into a real exchange over
// TCP, whose book must then be the recorded one.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { CommanderError } from 'commander';
import { AgentRunner } from '../base/agent.ts';
import { MonotonicClock } from '../base/clock.ts';
import { EXCHANGE_DEFAULT, ListenerFraming } from '../exchange/config.ts';
import type { ExchangeConfig } from '../exchange/config.ts';
import { Exchange } from '../exchange/exchange.ts';
import { chooseNetwork } from '../net/choose_network.ts';
import { BinanceFlow } from '../recorded/binance_flow.ts';
import { generateEquityFlow } from '../recorded/equity_flow.ts';
import { ItchFlow } from '../recorded/itch_flow.ts';
import { dayOf } from '../recorded/itch_tape.reference.ts';
import { LobsterBookRows } from '../recorded/lobster.ts';
import type { LobsterSide } from '../recorded/lobster.ts';
import { EquityOrderFlow, LobsterFlow } from '../recorded/order_flow.ts';
import { Framing } from '../wire/framing/frame.ts';
import {
  bookBeside,
  checkRecording,
  countScenarios,
  replayCommand,
} from './replay.ts';
import { parseAddress } from './replay_options.ts';
import { sendFlow } from './send_flow.ts';

const data = join(import.meta.dirname, '../../../shared/data/lobster');
const skip = existsSync(data) ? false : 'the recorded data is not here (../shared/data/lobster)';
const AMZN = join(data, 'AMZN_2012-06-21_message_1.csv');
const AAPL = join(data, 'AAPL_2012-06-21_34200000_57600000_message_10.csv');
const BTCUSDT = join(data, '../binance/usdm_btcusdt_20240808.gz');
const skipBtc = existsSync(BTCUSDT) ? false : 'the recorded data is not here (../shared/data/binance)';

const folder = mkdtempSync(join(tmpdir(), 'outcry-replay-'));
after(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, lines.join('\n'));
  return path;
}

// ── a running exchange ───────────────────────────────────────────────────────────────────────

interface RunningExchange {
  readonly exchange: Exchange;
  readonly port: number;
  stop(): Promise<void>;
}

/** An exchange on free ports (auto: soup or bare by the first byte); its feed goes to a port that nobody listens to. */
async function runExchange(
  framing: ListenerFraming = ListenerFraming.Auto,
): Promise<RunningExchange> {
  const { network } = chooseNetwork();
  const config: ExchangeConfig = {
    ...EXCHANGE_DEFAULT,
    listeners: [{ host: '127.0.0.1', port: 0, framing }],
    cancelOnDisconnect: false,
    ordersMax: 1 << 16,
    feed: { ...EXCHANGE_DEFAULT.feed, port: 45_001 },
    snapshot: { ...EXCHANGE_DEFAULT.snapshot, port: 45_002, intervalNs: 0 },
    retransmit: { ...EXCHANGE_DEFAULT.retransmit, port: 0 },
  };
  const exchange = await Exchange.open({ config, network, stamp: 1 });
  const clock = new MonotonicClock();
  const runner = new AgentRunner({
    agents: [exchange],
    clock,
    wait: 'yield',
    needsEventLoop: true,
  });
  const running = runner.run();
  return {
    exchange,
    port: exchange.ports[0],
    async stop() {
      runner.stop();
      await running;
      exchange.close(clock.refresh());
      network.close();
    },
  };
}

const AT_ONCE = { speed: Infinity, clientId: 7, ticker: 2, framing: Framing.Soup };

function levelsOf(side: LobsterSide): [number, number][] {
  return Array.from({ length: side.levels }, (_, i) => [side.price[i] / 100, side.size[i]]);
}

function lastRow(path: string): LobsterBookRows {
  const rows = new LobsterBookRows(path);
  while (rows.next());
  return rows;
}

describe('into an exchange', () => {
  for (const framing of [Framing.Soup, Framing.Bare, Framing.Sequenced]) {
    test(`AAPL over ${framing}: its book becomes the recorded one`, { skip }, async () => {
      const running = await runExchange(framing);
      try {
        const bookPath = bookBeside(AAPL);
        assert.ok(bookPath !== null);
        const flow = new LobsterFlow({ messagesPath: AAPL, bookPath });
        const to = { host: '127.0.0.1', port: running.port };
        const result = await sendFlow(flow, to, { ...AT_ONCE, framing, keep: true });
        const report = result.json;
        assert.equal(report.fault, '');
        assert.ok(result.ok);
        assert.equal(report.messages, 999);
        assert.equal(report.newOrders, 502);
        assert.equal(report.immediateOrders, 98);
        assert.equal(report.accepted, 600);
        assert.equal(report.rejected, 0);
        assert.equal(report.unanswered, 0);
        // Both sides of each trade are the flow's own.
        assert.equal(report.fills, 2 * 98);
        assert.equal(report.latencyNs.count, report.requests);
        const row = lastRow(bookPath);
        const { engine, instruments } = running.exchange;
        const depth = engine.depth(instruments.bookOf(2), 10);
        const shown = (levels: typeof depth.bids) =>
          levels.map(({ price, qty }) => [price, Number(qty)]);
        assert.deepEqual(shown(depth.bids), levelsOf(row.bids));
        assert.deepEqual(shown(depth.asks), levelsOf(row.asks));
        engine.checkInvariants();
      } finally {
        await running.stop();
      }
    });
  }

  test('a stock of an ITCH day: the exchange\'s book becomes the recorded one', async () => {
    const running = await runExchange();
    try {
      const path = dayOf(7).tape.file(join(folder, 'day.itch'));
      const flow = await ItchFlow.read({ path, symbol: 'X' });
      const result = await sendFlow(flow, { host: '127.0.0.1', port: running.port }, { ...AT_ONCE, keep: true });
      assert.ok(result.ok, result.lines.join('\n'));
      assert.equal(result.json.rejected, 0);
      const { engine, instruments } = running.exchange;
      const ours = engine.depth(instruments.bookOf(AT_ONCE.ticker), 1_000);
      const recorded = flow.book.depth(0, 1_000);
      for (const side of ['bids', 'asks'] as const) {
        const wanted = recorded[side].map(({ price, qty, orders }) => ({ price: flow.units(price), qty, orders }));
        assert.deepEqual(ours[side], wanted);
        assert.ok(ours[side].length > 5);
      }
    } finally {
      await running.stop();
    }
  });

  test('BTCUSDT of Binance: each request taken, each trade a fill, its book becomes the recorded one', { skip: skipBtc }, async () => {
    const running = await runExchange();
    try {
      const flow = await BinanceFlow.read({ path: firstOfBtc(3_000) });
      const result = await sendFlow(flow, { host: '127.0.0.1', port: running.port }, { ...AT_ONCE, keep: true });
      assert.ok(result.ok, result.lines.join('\n'));
      assert.deepEqual([result.json.rejected, result.json.fills], [0, 2 * flow.counts.trades]);
      assert.ok(flow.counts.trades > 100 && result.json.modifies > 1_000, result.lines.join('\n'));
      const { engine, instruments } = running.exchange;
      const ours = engine.depth(instruments.bookOf(AT_ONCE.ticker), 10_000);
      assert.deepEqual(ours, flow.book.depth(0, 10_000));
      assert.ok(ours.bids.length > 500 && ours.asks.length > 500);
    } finally {
      await running.stop();
    }
  });

  test('the equity flow: every request answered, what is gone refused, the book empty at the end', async () => {
    const running = await runExchange();
    try {
      const generated = generateEquityFlow({ scenario: 'flash-crash', orders: 4_000 });
      const flow = new EquityOrderFlow(generated, { firstOrderId: 10_000 });
      const to = { host: '127.0.0.1', port: running.port };
      const result = await sendFlow(flow, to, { ...AT_ONCE, window: 64 });
      const report = result.json;
      assert.ok(result.ok, report.fault);
      assert.equal(report.requests, generated.messages);
      assert.equal(report.newOrders + report.immediateOrders, 4_000);
      assert.equal(report.accepted, 4_000);
      assert.equal(report.unanswered, 0);
      assert.ok(report.fills > 200);
      assert.ok(report.rejected > 50);
      assert.deepEqual(Object.keys(report.rejects), ['unknown order']);
      // The mass cancel at the end is on its way when the sender leaves.
      const { engine, instruments } = running.exchange;
      for (let i = 0; i < 200 && engine.ordersLive > 0; i++)
        await new Promise((resolve) => setTimeout(resolve, 5));
      assert.deepEqual(engine.depth(instruments.bookOf(2), 1), { bids: [], asks: [] });
    } finally {
      await running.stop();
    }
  });

  test('a paced flow arrives whole', async () => {
    const running = await runExchange();
    try {
      // 40 ms of recording, at half its speed.
      const messagesPath = fileOf('paced.csv', [
        '1,1,1,1,1001000,-1',
        '1.02,1,2,1,1000900,1',
        '1.04,3,1,1,1001000,-1',
      ]);
      const to = { host: '127.0.0.1', port: running.port };
      const result = await sendFlow(new LobsterFlow({ messagesPath }), to, {
        ...AT_ONCE,
        speed: 0.5,
      });
      assert.equal(result.json.requests, 3);
      assert.equal(result.json.latencyNs.count, 3);
    } finally {
      await running.stop();
    }
  });

  test('nobody listens, or the session ends: a reason, not a hang', async () => {
    const running = await runExchange();
    const to = { host: '127.0.0.1', port: running.port };
    const messagesPath = fileOf('slow.csv', ['1,1,1,1,1001000,-1', '3600,1,2,1,1000900,1']);
    const sending = sendFlow(new LobsterFlow({ messagesPath }), to, { ...AT_ONCE, speed: 1 });
    while (running.exchange.engine.ordersLive === 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
    await running.stop();
    const result = await sending;
    assert.equal(result.ok, false);
    assert.notEqual(result.json.fault, '');
    assert.match(result.lines.at(-1) ?? '', /^ended early: /);
    const again = new LobsterFlow({ messagesPath });
    await assert.rejects(
      sendFlow(again, to, AT_ONCE),
      new RegExp(`127\\.0\\.0\\.1:${running.port}`),
    );
  });
});

/** A recording of its first lines. */
function firstOfBtc(lines: number): string {
  return fileOf(`btc_${lines}.txt`, gunzipSync(readFileSync(BTCUSDT)).toString('utf8').split('\n', lines));
}

// ── checks and the command line ──────────────────────────────────────────────────────────────

interface Printed {
  lines: string[];
  code: number;
}

/** Runs the verb with what it prints caught. */
async function replay(...args: string[]): Promise<Printed> {
  const { log } = console;
  const lines: string[] = [];
  const codeBefore = process.exitCode;
  process.exitCode = 0;
  console.log = (line: string) => lines.push(line);
  try {
    await replayCommand().exitOverride().parseAsync(args, { from: 'user' });
    return { lines, code: process.exitCode };
  } finally {
    console.log = log;
    process.exitCode = codeBefore;
  }
}

describe('checks', () => {
  test('AMZN: the counts, and the same as JSON', { skip }, async () => {
    const book = bookBeside(AMZN);
    assert.ok(book !== null);
    const { lines, code } = await replay('lobster', AMZN, '--book', book, '--json');
    assert.equal(code, 0);
    assert.ok(
      lines.some((line) => line.startsWith('transitions agreed: 57,514 of 57,514, 13,953 of them')),
    );
    assert.ok(lines.some((line) => line.includes('rows agreed 57,514 of 57,514')));
    const report: { ok: boolean; transitionsAgreed: number } = JSON.parse(lines.at(-1) ?? '');
    assert.equal(report.ok, true);
    assert.equal(report.transitionsAgreed, 57_514);
  });

  test('a recording that does not agree says where, with exit code 1', async () => {
    const messages = fileOf('wrong_message_1.csv', [
      '1,1,1,5,1001000,-1',
      '2,1,2,6,1000900,1',
      '3,3,2,6,1000900,1',
    ]);
    const book = fileOf('wrong_orderbook_1.csv', [
      '1001000,5,-9999999999,0',
      '1001000,5,1000900,7',
      '1001000,5,-9999999999,0',
    ]);
    assert.equal(bookBeside(messages), book);
    const { lines, code } = await replay('lobster', messages, '--json');
    assert.equal(code, 1);
    assert.ok(
      lines.includes('line 2: bid 1000900: expected 6, was 7 in the next row'),
      lines.join('\n'),
    );
    assert.ok(
      lines.includes("line 2: bid 1000900: expected 7, was 6 in the core's book"),
      lines.join('\n'),
    );
    const report: { ok: boolean } = JSON.parse(lines.at(-1) ?? '');
    assert.equal(report.ok, false);
    assert.equal(checkRecording(messages, book).ok, false);
  });

  test('a stock of an ITCH day through a book of its own, as JSON', async () => {
    const { tape, trades } = dayOf(8);
    const path = tape.file(join(folder, 'book.itch'));
    const { lines, code } = await replay('itch', path, '--symbol', 'X', '--json');
    const result = JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>;
    assert.deepEqual([code, result['ok'], result['trades'], result['misfits']], [0, true, trades, 0]);
    assert.match(lines.join('\n'), /book at the end: (\d+) of \1 levels as recorded/);
  });

  test('BTCUSDT of Binance through a book of its own, as JSON', { skip: skipBtc }, async () => {
    const { lines, code } = await replay('binance', firstOfBtc(2_000), '--symbol', 'BTCUSDT', '--json');
    const { ok, trades, whole, levels, levelsAgreed } = JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>;
    assert.deepEqual([code, ok, whole, levelsAgreed], [0, true, trades, levels]);
    assert.match(lines.join('\n'), /trades: (\d+) of \1 whole at their price .*\nbooks: \d+; ([\d,]+) of \2 levels as recorded/s);
    await assert.rejects(replay('binance', firstOfBtc(100), '--symbol', 'ETHUSDT'), /expected a snapshot and differences of ETHUSDT, was none/);
  });

  test('a malformed or missing file is an error with its place', async () => {
    const messages = fileOf('bad.csv', ['1,1,1,5,1001000,-1', '2,1,two,6,1000900,1']);
    const book = fileOf('bad_book.csv', ['1001000,5,1000800,1', '1001000,5,1000900,6']);
    await assert.rejects(
      replay('lobster', messages, '--book', book),
      /bad\.csv:2: column 3 \(order id\): expected an integer .*, was "two"/,
    );
    await assert.rejects(replay('lobster', messages), /a check needs the order book file/);
    await assert.rejects(replay('lobster', join(folder, 'none.csv')), /no file .*none\.csv/);
    await assert.rejects(replay('lobster', folder), /expected a file, was a folder/);
    await assert.rejects(
      replay('lobster', messages, '--book', join(folder, 'none.csv')),
      /no file .*none\.csv/,
    );
  });

  test('the equity flow beside its published counts', async () => {
    const { lines, code } = await replay('equity', '--scenario', 'static', '--json');
    assert.equal(code, 0);
    assert.match(lines[1], /^static .* 827 +827 .* 2,147,158 +2,147,158$/);
    assert.equal(lines[2], 'all counts as published');
    const short = countScenarios(['normal', 'flash-crash'], 1, 1_000);
    assert.ok(short.ok);
    assert.match(short.lines.at(-1) ?? '', /no counts are published/);
  });

  test('wrong options name what was expected', async () => {
    const cases: [string[], RegExp][] = [
      [
        ['equity', '--scenario', 'calm'],
        /Allowed choices are static, normal, swing-25, swing-40, flash-crash/,
      ],
      [['equity', '--orders', '3.5'], /expected an integer 2 … 1000000, was "3.5"/],
      [
        ['equity', '--to', 'nowhere:0'],
        /expected HOST:PORT such as 127\.0\.0\.1:12345, was "nowhere:0"/,
      ],
      [
        ['equity', '--to', ':1', '--speed', 'fast'],
        /speed: expected a number above 0 such as 1, 0.5 or 10x, or max, was "fast"/,
      ],
      [['lobster', 'x.csv', '--framing', 'json'], /Allowed choices are/],
      [['lobster', 'x.csv', '--client-id', '-1'], /expected an integer 0 … 4294967294, was "-1"/],
    ];
    const write = process.stderr.write.bind(process.stderr);
    process.stderr.write = () => true;
    try {
      for (const [args, expected] of cases) {
        await assert.rejects(
          replay(...args),
          (error) => error instanceof CommanderError && expected.test(error.message),
          args.join(' '),
        );
      }
    } finally {
      process.stderr.write = write;
    }
  });

  test('addresses as people write them', () => {
    assert.deepEqual(parseAddress('127.0.0.1:5'), { host: '127.0.0.1', port: 5 });
    assert.deepEqual(parseAddress('localhost'), { host: 'localhost', port: 12_345 });
    assert.deepEqual(parseAddress(':7'), { host: '127.0.0.1', port: 7 });
    for (const text of ['', ':', 'a:b', 'a:65536', 'a:0', 'a:1:2'])
      assert.throws(() => parseAddress(text), /expected HOST:PORT/);
  });
});
