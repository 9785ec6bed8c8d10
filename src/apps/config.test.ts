// The exchange's settings: names and defaults that users know, precedence, and every fault at once.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Command } from 'commander';
import { EXCHANGE_DEFAULT, type ExchangeConfig } from '../exchange/config.ts';
import { EXCHANGE_RUN_SECTION, EXCHANGE_SECTION } from './config.ts';
import { type ConfigFile, parseConfig, readConfigFile } from './config_file.ts';
import { byteCount, duration, type Form } from './config_forms.ts';
import { readConfig } from './config_sections.ts';
import { type Came, ConfigError, DEFAULT_PLACE, faultText } from './config_value.ts';
import { addCredential } from './credentials.ts';
import { addFlags, typedFlags } from './settings.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'outcry-config-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

interface Given {
  readonly args?: readonly string[];
  readonly environment?: Record<string, string>;
  /** TOML. */
  readonly file?: string;
}

function read({ args = [], environment = {}, file }: Given): ExchangeConfig {
  const command = addFlags(
    new Command().exitOverride().configureOutput({ writeErr: () => {} }),
    EXCHANGE_SECTION,
  );
  command.parse([...args], { from: 'user' });
  return readConfig({
    file: file === undefined ? null : parseConfig('outcry.toml', file),
    environment,
    flag: typedFlags(command, [EXCHANGE_SECTION]),
    uses: ['exchange'],
  }).exchange;
}

function faults(given: Given): readonly string[] {
  try {
    read(given);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.faults.map(faultText);
  }
  return [];
}

test('nothing said: the defaults of the exchange', () => {
  assert.deepEqual(read({}), EXCHANGE_DEFAULT);
});

test('the flags, short names and defaults that users know', () => {
  const command = addFlags(new Command(), EXCHANGE_SECTION);
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
  for (const [long, short, fallback] of known) {
    const option = command.options.find((candidate) => candidate.long === long);
    assert.ok(option !== undefined, long);
    assert.equal(option.short, short);
    const schema: Readonly<Record<string, { fallback: unknown }>> = EXCHANGE_SECTION.schema;
    assert.deepEqual(schema[option.attributeName()].fallback, fallback);
  }
});

test('every setting has a flag or stands in the file alone, and a description', () => {
  for (const section of [EXCHANGE_SECTION, EXCHANGE_RUN_SECTION]) {
    const command = addFlags(new Command(), section);
    for (const option of command.options) assert.ok(option.description.length > 5, option.flags);
    const withoutFlag = Object.keys(section.schema).filter(
      (key) => !command.options.some((option) => option.attributeName() === key),
    );
    assert.deepEqual(withoutFlag, section === EXCHANGE_SECTION ? ['limits', 'listeners', 'accounts'] : []);
  }
});

test('flags go before the environment, that before the file, that before the defaults', () => {
  const environment = { HFT_EXCHANGE_PORT: '2', HFT_EXCHANGE_TTL: '2', HFT_EXCHANGE_FEED: '' };
  const file = `
[exchange]
port = 3
ttl = 3
multicast_port = 3_333
cancel_on_disconnect = false`;
  const config = read({ args: ['--port', '1'], environment, file });
  assert.deepEqual(
    [
      config.listeners[0].port,
      config.ttl,
      config.feed.port,
      config.feed.layout,
      config.cancelOnDisconnect,
    ],
    [1, 2, 3_333, 'native', false],
  );
  assert.equal(read({ args: ['--no-cancel-on-disconnect'] }).cancelOnDisconnect, false);
  assert.equal(read({ environment: { HFT_EXCHANGE_INSECURE: 'true' } }).insecure, true);
});

test('all faults are reported together: where, what was expected, what came', () => {
  assert.deepEqual(
    faults({
      args: ['--port', '70000', '--ttl', '1.5'],
      environment: { HFT_EXCHANGE_FEED: 'itch', HFT_EXCHANGE_SNAPSHOT_INTERVAL: '5' },
      file: `[exchange]
multicast_addr = "10.0.0.1"
orders_max = 0
multicast_prot = 5000
tickers = [1, "x", 2]`,
    }),
    [
      'outcry.toml:2:18: exchange.multicast_addr: expected a multicast address 224.0.0.0 to 239.255.255.255, was "10.0.0.1"',
      'outcry.toml:3:14: exchange.orders_max: expected a whole number 1 to 16000000, was 0',
      'outcry.toml:4:1: exchange.multicast_prot: unknown key, did you mean multicast_port?',
      'outcry.toml:5:15: exchange.tickers[1]: expected a whole number 0 to 4294967294, was "x"',
      'HFT_EXCHANGE_FEED: expected one of native, book, bare, was "itch"',
      'HFT_EXCHANGE_SNAPSHOT_INTERVAL: expected a time 0 to 24h, such as 250ms or 1s, was "5"',
      '--port: expected a whole number 0 to 65535, was "70000"',
      '--ttl: expected a whole number 0 to 255, was "1.5"',
    ],
  );
});

test('what contradicts itself is refused too, all together', () => {
  assert.deepEqual(
    faults({
      args: ['-i', '0.0.0.0'],
      file: `[exchange]
outbound_log_bytes = "1MiB"
[[instruments]]
ticker = 1
symbol = "A"
min_price = 10
max_price = 5
[[instruments]]
ticker = 1
symbol = "A"
max_price = 1_099_511_627_776`,
    }),
    [
      'outcry.toml:2:22: exchange.outbound_log_bytes: expected at least slow_reader_bytes = 8388608, was 1048576',
      'outcry.toml:6:13: instruments[0].min_price: expected at most max_price = 5, was 10',
      'outcry.toml:9:10: instruments[1].ticker: expected values that differ, 1 stands in instruments[0] too',
      'outcry.toml:10:10: instruments[1].symbol: expected values that differ, "A" stands in instruments[0] too',
      'outcry.toml:11:13: instruments[1].max_price: expected at most 2147483647 ticks of 1 from zero, was 1099511627776',
      '--interface: expected a loopback address (127.0.0.1), --credentials FILE with keys of signed log-ins ' +
        '(outcry key new FILE --user NAME --client ID makes one), or --insecure: 0.0.0.0 is reachable from other machines',
    ],
  );
});

test('beyond loopback only with keys of signed log-ins, or when it is said to be meant', (t: TestContext) => {
  const accounts = '[[exchange.accounts]]\nuser = "A"\npassword = "secret"\nclient = 1';
  const listeners = '[[exchange.listeners]]\nport = 1\n[[exchange.listeners]]\nport = 2\nhost = "0.0.0.0"';
  assert.equal(faults({ args: ['-i', '10.1.2.3'] }).length, 1);
  assert.match(faults({ file: listeners }).join(), /^outcry\.toml:5:8: exchange\.listeners\[1\]\.host: /);
  assert.deepEqual(faults({ args: ['-i', '10.1.2.3', '--insecure'] }), []);
  assert.equal(faults({ args: ['-i', '10.1.2.3'], file: accounts }).length, 1, 'a password alone is none');

  const path = join(folder(t), 'keys');
  addCredential(path, 'A', 1, null);
  addCredential(path, 'B', 2, 'second');
  const args = ['-i', '10.1.2.3', '--credentials', path];
  const config = read({ args, file: accounts });
  assert.deepEqual(
    config.accounts.map(({ user, password, client, keys = [] }) => [user, password, client, keys.map(({ id }) => id)]),
    [['A', 'secret', 1, ['A-1']], ['B', '', 2, ['second']]],
  );
  assert.deepEqual(faults({ args: [...args, '--framing', 'bare'] }), [
    '--framing: expected soup or auto beyond loopback, was bare on 10.1.2.3: it has no log-in, so anybody could say who he is',
  ]);
  assert.match(
    faults({ args, file: `${listeners}\nframing = "sequenced"` }).join(),
    /^outcry\.toml:\d+:\d+: exchange\.listeners\[1\]\.framing: expected soup or auto beyond loopback, was sequenced on 0\.0\.0\.0/,
  );
  assert.deepEqual(faults({ args: [...args, '--framing', 'bare', '--insecure'] }), []);
});

test('credentials that cannot be used are a fault of the setting; an account needs some way in', (t: TestContext) => {
  const path = join(folder(t), 'keys');
  addCredential(path, 'A', 1, null);
  const account = (fields: string): string => `[[exchange.accounts]]\nuser = "A"\n${fields}`;
  assert.deepEqual(faults({ file: account('client = 1') }), [
    'outcry.toml:1:12: exchange.accounts[0]: expected a password, or a key of A in the credentials, was neither: nobody could log in',
  ]);
  assert.deepEqual(faults({ file: account('client = 1'), args: ['--credentials', path] }), []);
  assert.deepEqual(faults({ file: account('client = 2'), args: ['--credentials', path] }), [
    'outcry.toml:1:12: exchange.accounts[0]: expected a password, or a key of A in the credentials, was neither: nobody could log in',
    '--credentials: user A: expected client 2, as in exchange.accounts, was 1',
  ]);
  assert.match(faults({ args: ['--credentials', `${path}-none`] }).join(), /keys-none: cannot be read \(ENOENT\): outcry key new/);
});

test('tables of the file: listeners, accounts, instruments with what they leave out filled in', () => {
  const config = read({
    file: `
[[exchange.listeners]]
port = 0
[[exchange.listeners]]
port = 1
framing = "sequenced"
host = "127.0.0.2"
[[exchange.accounts]]
user = "ALPHA"
password = "x"
client = 7
owner = 3
cancel_on_disconnect = false
[[instruments]]
ticker = 9
symbol = "BTC-USDT"
decimals = 1
tick_size = 5
min_price = -100`,
  });
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
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.accounts[0]));
});

test('every fault inside a table has its own place; a password is not repeated', () => {
  assert.deepEqual(
    faults({
      file: `exchange.accounts = [
  { user = "toolongname", pasword = "x", client = 7 },
  { user = "B", password = "longer than ten", client = 8 },
  5,
]
[[instruments]]
ticker = "x"
symbol = "A"`,
    }),
    [
      'outcry.toml:2:12: exchange.accounts[0].user: expected 1 to 6 printable ASCII characters, was "toolongname"',
      'outcry.toml:2:27: exchange.accounts[0].pasword: unknown key, did you mean password?',
      'outcry.toml:3:28: exchange.accounts[1].password: expected 1 to 10 printable ASCII characters, was a text of 15 characters (not shown)',
      'outcry.toml:4:3: exchange.accounts[2]: expected a table, was 5',
      'outcry.toml:7:10: instruments[0].ticker: expected a whole number 0 to 4294967294, was "x"',
    ],
  );
});

test("ports of snapshots and retransmission follow the feed's", () => {
  const config = read({ args: ['--multicast-port', '7000', '-m', '239.1.1.1'] });
  assert.deepEqual(
    [config.feed.port, config.snapshot.port, config.retransmit.port],
    [7_000, 7_001, 7_002],
  );
  assert.equal(config.snapshot.group, '239.1.1.1');
  const apart = read({
    args: ['--snapshot-addr', '239.1.1.2', '--snapshot-port', '9', '--retransmit-port', '8'],
  });
  assert.deepEqual(
    [apart.snapshot, apart.retransmit.port],
    [{ group: '239.1.1.2', port: 9, intervalNs: 1e9 }, 8],
  );
});

/** What a form makes of a value as a file's string, as a file's number, or as a flag's text. */
function formed<T>(form: Form<T>, kind: 'string' | 'number' | 'text', text: string): T | string {
  const came: Came = { kind, text, at: DEFAULT_PLACE };
  let said = '';
  return form.read(came, (_at, _path, message) => (said = message)) ?? said;
}

test('times and sizes have units', () => {
  const time = duration(0, 1e12);
  assert.deepEqual(
    ['250ms', '1s', '1.5s', '2m', '10us', '0'].map((came) => formed(time, 'text', came)),
    [25e7, 1e9, 15e8, 120e9, 1e4, 0],
  );
  for (const bad of ['5', '', 'soon', '-1s', '17m', '1h'])
    assert.match(String(formed(time, 'string', bad)), /^expected a time 0 to 1000s, such as 250ms or 1s, was "/);
  assert.equal(formed(time, 'number', '0'), 0);
  assert.match(String(formed(time, 'number', '5')), /was 5$/);
  const bytes = byteCount(0, 2 ** 40);
  assert.deepEqual(
    ['64KiB', '8MiB', '12', '2 GiB'].map((came) => formed(bytes, 'text', came)),
    [65_536, 2 ** 23, 12, 2 ** 31],
  );
  assert.equal(formed(bytes, 'number', '5'), 5);
  for (const bad of ['8MB', '', '-1', '1.5']) assert.equal(typeof formed(bytes, 'text', bad), 'string');
  // In quotes a number of the file is a string.
  assert.match(String(formed(bytes, 'string', '12')), /was "12"$/);
});

test('a file that cannot be read, or is no table, says so', (t: TestContext) => {
  const path = folder(t);
  const file = (name: string, content: string): ConfigFile => {
    writeFileSync(join(path, name), content);
    return readConfigFile(join(path, name));
  };
  const said = ({ faults: found }: ConfigFile): string => found.map(faultText).join('\n');
  assert.match(
    said(readConfigFile(join(path, 'none.toml'))),
    /^cannot read the configuration file .*none\.toml: no such file or directory \(ENOENT\)$/,
  );
  assert.match(said(readConfigFile(path)), /^cannot read the configuration file .*: expected a file/);
  assert.match(said(readConfigFile('/dev/zero')), /^cannot read the configuration file .*: expected a file/);
  assert.match(
    said(file('large.toml', '#'.repeat(1024 * 1024 + 1))),
    /large\.toml: expected at most 1048576 bytes, was 1048577$/,
  );
  assert.match(said(file('a.json', '{"exchange":')), /a\.json:1:13: expected JSON: expected a value, was the end/);
  assert.match(said(file('b.json', '[1]')), /b\.json:1:1: expected an object of tables, was "\["$/);
  assert.equal(said(file('c.json', '\uFEFF{"exchange":{"port":1}}')), '');
  assert.equal(said(file('d.toml', '\uFEFF[exchange]\nport = 1')), '');
});
