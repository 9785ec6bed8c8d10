// The exchange's settings: names and defaults that users know, precedence, and every fault at once.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Command } from 'commander';
import { EXCHANGE_DEFAULT } from '../exchange/config.ts';
import {
  EXCHANGE_RUN_SCHEMA,
  EXCHANGE_SCHEMA,
  exchangeConfig,
  type ExchangeSettings,
} from './config.ts';
import {
  addFlags,
  byteCount,
  type ConfigFile,
  ConfigError,
  duration,
  readConfigFile,
  readSettings,
} from './settings.ts';

interface Given {
  readonly args?: readonly string[];
  readonly environment?: Record<string, string>;
  readonly file?: Record<string, unknown>;
}

function read({ args = [], environment = {}, file }: Given): ExchangeSettings {
  const command = addFlags(
    new Command().exitOverride().configureOutput({ writeErr: () => {} }),
    EXCHANGE_SCHEMA,
  );
  command.parse([...args], { from: 'user' });
  return readSettings(EXCHANGE_SCHEMA, {
    section: 'exchange',
    flags: command.opts(),
    typed: (key) => command.getOptionValueSource(key) === 'cli',
    environment,
    file: file === undefined ? null : { path: 'outcry.json', tables: file },
  });
}

function faults(given: Given): readonly string[] {
  try {
    exchangeConfig(read(given));
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.faults;
  }
  return [];
}

test('nothing said: the defaults of the exchange', () => {
  assert.deepEqual(exchangeConfig(read({})), EXCHANGE_DEFAULT);
});

test('the flags, short names and defaults that users know', () => {
  const command = addFlags(new Command(), EXCHANGE_SCHEMA);
  const known: [string, string | undefined, unknown][] = [
    ['--port', '-p', 12_345],
    ['--multicast-addr', '-m', '239.255.0.1'],
    ['--multicast-port', undefined, 5_000],
    ['--tickers', '-t', [1, 2, 3]],
    ['--interface', '-i', '127.0.0.1'],
    ['--ttl', undefined, 1],
    ['--framing', undefined, 'auto'],
    ['--feed', undefined, 'native'],
    ['--snapshot-addr', undefined, null],
    ['--snapshot-port', undefined, null],
    ['--snapshot-interval', undefined, 1e9],
    ['--stp', undefined, 'cancel-newest'],
    ['--insecure', undefined, false],
    ['--orders-max', undefined, 1 << 20],
  ];
  const defaults = read({}) as Record<string, unknown>;
  for (const [long, short, fallback] of known) {
    const option = command.options.find((candidate) => candidate.long === long);
    assert.ok(option !== undefined, long);
    assert.equal(option.short, short);
    assert.deepEqual(defaults[option.attributeName()], fallback);
  }
});

test('every setting has a flag or stands in the file alone, and a description', () => {
  for (const schema of [EXCHANGE_SCHEMA, EXCHANGE_RUN_SCHEMA]) {
    const command = addFlags(new Command(), schema);
    for (const option of command.options) assert.ok(option.description.length > 5, option.flags);
    const withoutFlag = Object.keys(schema.shape).filter(
      (key) => !command.options.some((option) => option.attributeName() === key),
    );
    assert.deepEqual(
      withoutFlag,
      schema === EXCHANGE_SCHEMA ? ['listeners', 'accounts', 'instruments'] : [],
    );
  }
});

test('flags go before the environment, that before the file, that before the defaults', () => {
  const environment = {
    OUTCRY_EXCHANGE_PORT: '2',
    OUTCRY_EXCHANGE_TTL: '2',
    OUTCRY_EXCHANGE_FEED: '',
  };
  const file = {
    exchange: { port: 3, ttl: 3, multicast_port: 3_333, cancel_on_disconnect: false },
  };
  const settings = read({ args: ['--port', '1'], environment, file });
  assert.deepEqual(
    [
      settings.port,
      settings.ttl,
      settings.multicastPort,
      settings.feed,
      settings.cancelOnDisconnect,
    ],
    [1, 2, 3_333, 'native', false],
  );
  assert.equal(read({ args: ['--no-cancel-on-disconnect'] }).cancelOnDisconnect, false);
  assert.equal(read({ environment: { OUTCRY_EXCHANGE_INSECURE: 'true' } }).insecure, true);
});

test('all faults are reported together: where, what was expected, what came', () => {
  assert.deepEqual(
    faults({
      args: ['--port', '70000', '--ttl', '1.5'],
      environment: { OUTCRY_EXCHANGE_FEED: 'itch', OUTCRY_EXCHANGE_SNAPSHOT_INTERVAL: '5' },
      file: {
        exchange: {
          multicast_addr: '10.0.0.1',
          orders_max: 0,
          multicast_prot: 5_000,
          tickers: [1, 'x', 2],
        },
      },
    }),
    [
      'exchange.multicast_prot in outcry.json: unknown key, did you mean multicast_port?',
      '--port: expected a whole number 0 to 65535, was "70000"',
      'exchange.multicast_addr in outcry.json: expected a multicast address 224.0.0.0 to 239.255.255.255, was "10.0.0.1"',
      'exchange.tickers in outcry.json: expected a whole number 0 to 4294967294, was "x"',
      '--ttl: expected a whole number 0 to 255, was "1.5"',
      'OUTCRY_EXCHANGE_FEED: expected one of native, book, bare, was "itch"',
      'OUTCRY_EXCHANGE_SNAPSHOT_INTERVAL: expected a time 0 to 24h, such as 250ms or 1s, was "5"',
      'exchange.orders_max in outcry.json: expected a whole number 1 to 16000000, was 0',
    ],
  );
});

test('what contradicts itself is refused too, all together', () => {
  assert.deepEqual(
    faults({
      args: ['-i', '0.0.0.0'],
      file: {
        instruments: [
          { ticker: 1, symbol: 'A', min_price: 10, max_price: 5 },
          { ticker: 1, symbol: 'A', max_price: 2 ** 40 },
        ],
        exchange: { outbound_log_bytes: '1MiB' },
      },
    }),
    [
      'instruments[0].min_price: expected at most max_price = 5, was 10',
      'instruments[1].max_price: expected at most 2147483647 ticks of 1 from zero, was 1099511627776',
      'instruments: ticker: expected values that differ, 1 came twice',
      'instruments: symbol: expected values that differ, "A" came twice',
      'outbound_log_bytes: expected at least slow_reader_bytes = 8388608, was 1048576',
      '0.0.0.0 is reachable from other machines and nobody needs a password: expected a loopback address (127.0.0.1), ' +
        'accounts in the configuration file, or --insecure',
    ],
  );
});

test('beyond loopback only with accounts, or when it is said to be meant', () => {
  const accounts = [{ user: 'A', password: 'secret', client: 1 }];
  assert.equal(faults({ args: ['-i', '10.1.2.3'] }).length, 1);
  assert.equal(
    faults({ file: { exchange: { listeners: [{ host: '0.0.0.0', port: 1 }] } } }).length,
    1,
  );
  assert.deepEqual(faults({ args: ['-i', '10.1.2.3', '--insecure'] }), []);
  assert.deepEqual(faults({ args: ['-i', '10.1.2.3'], file: { exchange: { accounts } } }), []);
});

test('tables of the file: listeners, accounts, instruments with what they leave out filled in', () => {
  const config = exchangeConfig(
    read({
      file: {
        exchange: {
          listeners: [{ port: 0 }, { port: 1, framing: 'sequenced', host: '127.0.0.2' }],
          accounts: [
            { user: 'ALPHA', password: 'x', client: 7, owner: 3, cancel_on_disconnect: false },
          ],
        },
        instruments: [
          { ticker: 9, symbol: 'BTC-USDT', decimals: 1, tick_size: 5, min_price: -100 },
        ],
      },
    }),
  );
  assert.deepEqual(config.listeners, [
    { host: '127.0.0.1', port: 0, framing: 'auto' },
    { host: '127.0.0.2', port: 1, framing: 'sequenced' },
  ]);
  assert.deepEqual(config.accounts, [
    { user: 'ALPHA', password: 'x', client: 7, owner: 3, cancelOnDisconnect: false },
  ]);
  assert.deepEqual(config.instruments, [
    {
      ticker: 9,
      symbol: 'BTC-USDT',
      decimals: 1,
      tickSize: 5,
      lotSize: 1,
      minPrice: -100,
      maxPrice: 2_147_483_647,
    },
  ]);
  assert.deepEqual(faults({ file: { instruments: [{ ticker: 'x', symbol: 'A' }] } }), [
    'instruments in outcry.json: [0].ticker: expected a whole number 0 to 4294967294, was "x"',
  ]);
  assert.deepEqual(
    faults({
      file: { exchange: { accounts: [{ user: 'toolongname', pasword: 'x', client: 7 }] } },
    }),
    [
      'exchange.accounts in outcry.json: [0].pasword: unknown key, expected user, password, client, owner, cancel_on_disconnect; ' +
        '[0].user: expected 1 to 6 printable ASCII characters, was "toolongname"; ' +
        '[0].password: expected 1 to 10 printable ASCII characters, was null',
    ],
  );
});

test("ports of snapshots and retransmission follow the feed's", () => {
  const config = exchangeConfig(read({ args: ['--multicast-port', '7000', '-m', '239.1.1.1'] }));
  assert.deepEqual(
    [config.feed.port, config.snapshot.port, config.retransmit.port],
    [7_000, 7_001, 7_002],
  );
  assert.equal(config.snapshot.group, '239.1.1.1');
  const apart = exchangeConfig(
    read({
      args: ['--snapshot-addr', '239.1.1.2', '--snapshot-port', '9', '--retransmit-port', '8'],
    }),
  );
  assert.deepEqual(
    [apart.snapshot, apart.retransmit.port],
    [{ group: '239.1.1.2', port: 9, intervalNs: 1e9 }, 8],
  );
});

test('times and sizes have units', () => {
  const time = duration(0, 1e12);
  assert.deepEqual(
    ['250ms', '1s', '1.5s', '2m', '10us', '0'].map(time),
    [25e7, 1e9, 15e8, 120e9, 1e4, 0],
  );
  for (const bad of ['5', '', 'soon', '-1s', 5, null]) assert.throws(() => time(bad), RangeError);
  const bytes = byteCount(0, 2 ** 40);
  assert.deepEqual(['64KiB', '8MiB', '12', 5].map(bytes), [65_536, 2 ** 23, 12, 5]);
  for (const bad of ['8MB', '', '-1', 1.5]) assert.throws(() => bytes(bad), RangeError);
});

test('a file that cannot be read, or is no table, says so', (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-config-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = (content: string): ConfigFile => {
    writeFileSync(join(folder, 'c.json'), content);
    return readConfigFile(join(folder, 'c.json'));
  };
  assert.throws(
    () => readConfigFile(join(folder, 'none.json')),
    /cannot read the configuration file .*none\.json/,
  );
  assert.throws(() => file('{"exchange":'), /c\.json is not JSON/);
  assert.throws(() => file('[1]'), /expected an object of tables, was \[1\]/);
  assert.deepEqual(file('{"exchange":{"port":1}}').tables, { exchange: { port: 1 } });
});
