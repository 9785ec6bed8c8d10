// Configuration files as trees with places: every mistake at once, each at its line.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseTOML } from 'toml-eslint-parser';
import { parseConfig } from './config_file.ts';
import { readConfig } from './config_sections.ts';
import { type Came, type CameTable, ConfigError, faultText, placeText, suggestion } from './config_value.ts';

/** Runs of the random tests; more: OUTCRY_CONFIG_FUZZ_RUNS=100000 npm test -- src/apps/config_file */
const RUNS = Number(process.env['OUTCRY_CONFIG_FUZZ_RUNS'] ?? 200);

function faults(path: string, text: string): string[] {
  try {
    readConfig({
      file: parseConfig(path, text),
      environment: {},
      flag: () => undefined,
      uses: ['exchange', 'trade', 'trading'],
    });
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.faults.map(faultText);
  }
  return [];
}

test('a file with ten different mistakes: ten faults, each with its line', () => {
  const found = faults(
    'outcry.toml',
    `[exchange]
port = 70_000                      # 2: beyond its range
multicast_prot = 5000              # 3: unknown, and a near miss
tickers = [1, "two"]               # 4: a wrong type inside an array
insecure = "yes"                   # 5: a wrong type
snapshot_interval = "1 fortnight"  # 6: a unit that there is not
port = 12345                       # 7: a second time

[exchange.acounts]                 # 9: an unknown table

[trade
half_spread = 1.5                  # 12: no whole number, below a header (11) that is not closed
max_order_qty = 5000               # 13: contradicts max_position
`,
  );
  assert.deepEqual(found, [
    'outcry.toml:2:8: exchange.port: expected a whole number 0 to 65535, was 70000',
    'outcry.toml:3:1: exchange.multicast_prot: unknown key, did you mean multicast_port?',
    'outcry.toml:4:15: exchange.tickers[1]: expected a whole number 0 to 4294967294, was "two"',
    'outcry.toml:5:12: exchange.insecure: expected true or false, was "yes"',
    'outcry.toml:6:21: exchange.snapshot_interval: expected a time 0 to 24h, such as 250ms or 1s, was "1 fortnight"',
    'outcry.toml:7:1: exchange.port: expected once, it stands in line 2 already',
    'outcry.toml:9:11: exchange.acounts: unknown key, did you mean accounts?',
    'outcry.toml:11:7: expected TOML (key = value, or [table]), was "[trade": unterminated table-key',
    'outcry.toml:12:15: trade.half_spread: expected a whole number 1 to 1000000000, was 1.5',
    'outcry.toml:13:17: trade.max_order_qty: expected at most max_position = 1000, was 5000',
  ]);
});

test('a mistake in the syntax hides no other, and none is invented by it', () => {
  const cases: [name: string, text: string, ...expected: RegExp[]][] = [
    ['no value', '[exchange]\nport =\nttl = 300', /^c\.toml:2:7: expected TOML .*"port =": unspec/, /:3:7: exchange\.ttl/],
    ['no equals sign', '[log]\nlevel "info"\n[trade]\nport = 0', /:2:7: .*was a line of 12 characters \(not shown\): /, /:4:8: trade\.port/],
    ['two statements in a line', 'exchange.port = 1 exchange.ttl = 2', /:1:\d+: .*newline/],
    ['a string without its end', '[trade]\nstrategy = "mine\nport = 0', /:2:17: .*unterminated string/, /:3:8/],
    ['a missing comma in a long array', '[exchange]\ntickers = [\n  1\n  2,\n  3,\n]\nttl = 300', /:4:3: .*comma/, /:7:7: exchange\.ttl/],
    ['an array without its end', '[exchange]\ntickers = [1,\n  2,\nttl = 300\n[log]\nlevel = 5', /:4:1: /, /:4:7: exchange\.ttl/, /:6:9: log\.level/],
    ['a text of many lines without its end', '[trade]\nstrategy = """\nmine\n\n[log]\nlevel = 5', /:2:15: .*unterminated string/, /:6:9: log\.level/],
    ['a header twice', '[log]\nlevel = "info"\n[trade]\nport = 1\n[log]\nlevel = "warn"', /:5:2: log: expected once, it stands in line 1 already/, /:6:1: log\.level: expected once, .* line 2/],
    ['a dotted key into a value', 'log.level = "info"\nlog.level.deep = 1', /:2:5: level: expected once, it stands in line 1/],
    ['a leading zero, a bad date', 'trade.port = 0123\ntrade.ticker = 2026-02-30', /:1:14: .*leading zero/, /:2:\d+: /],
    ['a control character', 'trade.strategy = "a\u0001b"', /:1:\d+: /],
    ['an inline table that is extended', 'log = { level = "info" }\n[log.more]\nx = 1', /:2:2: .*multiple times/, /:2:6: log\.more: unknown key/],
    ['a CR alone', 'log.level = "info"\rtrade.port = 0\r\ntrade.ticker = "x"', /:1:19: expected LF or CR LF/, /:1:20: .*newline/, /:2:16: trade\.ticker/],
    ['brackets without end', `log.level = ${'['.repeat(20_000)}`, /:1:\d+: /],
    ['a date is no value of ours', 'trade.port = 2026-11-05T08:00:00Z', /:1:14: .*, was 2026-11-05T08:00:00Z$/],
    ['infinity and no number', 'trade.signal_threshold = inf\ntrading.stop_loss_percentage = nan', /:1:26: .* was inf$/, /:2:32: .* was nan$/],
  ];
  for (const [name, text, ...expected] of cases) {
    const found = faults('c.toml', text);
    assert.equal(found.length, expected.length, `${name}: ${found.join('\n')}`);
    for (const [index, pattern] of expected.entries()) assert.match(found[index], pattern, name);
  }
});

// `outcry config check KEYFILE` showed sixty characters of the line with the key.
test('what a mistake repeats is no value, whatever file was named', () => {
  const secret = '5f0c93e1a87b2d46'.repeat(4);
  const base64 = Buffer.from(secret, 'hex').toString('base64');
  const lines = [
    `ALPHA-1 ALPHA 7 ${secret}`, secret, base64, Buffer.from(secret).toString('base64'), 'c2VjcmV0LWtleQ==', `"${secret}`, `{"key": "${secret}"}`,
    `["${secret}"`, `key = "${secret}`, `password = '${secret}`, `a.key=${secret} x`, `export TOKEN=${secret}`,
    `[[exchange.accounts]] ${secret}`, `x = [ "a" "${secret}" ]`,
  ];
  for (const name of ['keys', 'keys.json']) {
    for (const line of lines) {
      const found = faults(name, `# of this machine\n${line}\n`);
      assert.ok(found.length > 0, line);
      for (const fault of found) {
        assert.ok(!fault.includes(secret.slice(0, 8)) && !fault.includes(base64.slice(0, 8)) && !fault.includes('c2VjcmV0'), `${line}: ${fault}`);
      }
    }
  }
});

test('what a mistake repeats is where it stands: header, or key', () => {
  const shown = (line: string): string => /, was (.*?): /.exec(faults('c.toml', line).join('\n'))?.[1] ?? '';
  assert.equal(shown('trade.port = "x'), '"trade.port = …"');
  assert.equal(shown('port ='), '"port ="');
  assert.equal(shown('[trade'), '"[trade"');
  assert.equal(shown('[[exchange.accounts] x'), '"[[exchange.accounts] …"');
  assert.equal(shown('port 5'), 'a line of 6 characters (not shown)');
});

test('TOML in all its forms comes to the same tree', () => {
  const long = `# comment
trade.port = 0x3039 # hexadecimal
trade."max_order_qty" = +1_00
[exchange]
tickers = [ # several lines
  7,
  8, # the last has a comma
]
accounts = [{ user = "A", password = 'pa"ss', client = 1 }]
[[exchange.listeners]]
port = 0
[[exchange.listeners]]
host = """127.0.0.\\
  2"""
port = 1\r
`;
  const short = `exchange = { tickers = [7, 8], listeners = [{ port = 0 }, { host = "127.0.0.2", port = 1 }], accounts = [{ user = "A", password = "pa\\"ss", client = 1 }] }
[trade]
port = 12345
max_order_qty = 100`;
  const read = (text: string): object => {
    const { exchange, trade } = readConfig({
      file: parseConfig('c.toml', text), environment: {}, flag: () => undefined, uses: [],
    });
    return { exchange, trade };
  };
  assert.deepEqual(read(long), read(short));
});

// The library gives a 0 that ends the text an empty range, and so the port became ''.
test('a zero at the very end of a file is a zero', () => {
  assert.deepEqual(faults('c.toml', '[exchange]\nport = 0'), []);
  assert.match(faults('c.toml', '[trade]\nport = 0')[0], /, was 0$/);
});

test('JSON has the same keys, and places too', () => {
  const text = `{
  "exchange": {
    "port": 70000, "ttl": null,
    "tickers": [1, true],
    "port": 1
  },
  "log": { "levle": "info" }, "trading": { "stop_loss_percentage": 1e-2 }
}`;
  assert.deepEqual(faults('c.json', text), [
    'c.json:3:13: exchange.port: expected a whole number 0 to 65535, was 70000',
    'c.json:3:27: exchange.ttl: expected a whole number 0 to 255, was null',
    'c.json:4:20: exchange.tickers[1]: expected a whole number 0 to 4294967294, was true',
    'c.json:5:5: port: expected once, it stands in line 3 already',
    'c.json:7:12: log.levle: unknown key, did you mean level?',
    'c.json:7:68: trading.stop_loss_percentage: expected a decimal number 0.000001 to 1 with at most 6 decimals, was 1e-2',
  ]);
  const mistakes: [string, RegExp][] = [
    ['', /^c\.json:1:1: expected JSON: expected a value, was the end/],
    ['{"a": 1,}', /:1:9: .*a string in double quotes, was "}"/],
    ['{"a" 1}', /:1:6: .*":", was "1"/],
    ['{"a": [1 2]}', /:1:10: .*"," or "\]", was "2"/],
    ['{"a": 1} x', /:1:10: .*the end, was "x"/],
    ['{"a": "\\x"}', /:1:7: .*unknown escapes/],
    ['{"a": "b\nc"}', /:1:7: .*a string in double quotes, was "\\""/],
    ['{"a": 01}', /:1:8: .*"," or "}"/],
    ['['.repeat(40), /:1:33: .*at most 32 brackets/],
  ];
  for (const [source, pattern] of mistakes) assert.match(faults('c.json', source)[0], pattern, source);
});

test('a name that is close is suggested, another is not', () => {
  const known = ['port', 'multicast_port', 'heartbeat'];
  assert.equal(suggestion('prot', known), ', did you mean port?');
  assert.equal(suggestion('hartbeat', known), ', did you mean heartbeat?');
  assert.equal(suggestion('multicast', known), ', did you mean multicast_port?');
  assert.equal(suggestion('ttl', known), '');
  assert.equal(suggestion('x', known), '');
});

// ── random files ───────────────────────────────────────────────────────────────────────────────

/** As JSON.parse has it; numbers by their digits. */
function plain(came: Came): unknown {
  switch (came.kind) {
    case 'table':
      return Object.fromEntries([...came.entries].map(([key, { value }]) => [key, plain(value)]));
    case 'array':
      return came.items.map(plain);
    case 'number':
      return Number(came.text);
    case 'boolean':
      return came.value;
    case 'null':
      return null;
    default:
      return came.text;
  }
}

/** Every number and boolean must stand where its place says, digit by digit. */
function checkPlaces(came: Came, lines: readonly string[]): void {
  if (came.kind === 'table') for (const { value } of came.entries.values()) checkPlaces(value, lines);
  if (came.kind === 'array') for (const item of came.items) checkPlaces(item, lines);
  if (came.kind !== 'number' && came.kind !== 'boolean') return;
  const { at } = came;
  assert.equal(at.kind, 'file');
  const text = came.kind === 'number' ? came.text : String(came.value);
  assert.ok(lines[at.line - 1].startsWith(text, at.column - 1), `${placeText(at)} is ${text}`);
}

const jsonTables = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4, noUnicodeString: false }));

describe('random files', () => {
  test('JSON is read as JSON.parse reads it, and every place is right', () => {
    fc.assert(
      fc.property(jsonTables, fc.nat(4), (tables, indent) => {
        const text = JSON.stringify(tables, null, indent);
        const file = parseConfig('c.json', text);
        assert.deepEqual(file.faults, []);
        assert.deepEqual(plain(file.root), JSON.parse(text, (_key, value: unknown) => value));
        checkPlaces(file.root, text.split('\n'));
      }),
      { numRuns: RUNS },
    );
  });

  test('damaged JSON is refused where JSON.parse refuses it', () => {
    fc.assert(
      fc.property(jsonTables, fc.nat(), fc.constantFrom(...Array.from('{}[]",:0-.eE\\n \n\u0001')), (tables, where, character) => {
        const text = JSON.stringify(tables);
        const at = where % text.length;
        const damaged = text.slice(0, at) + character + text.slice(at + 1);
        let fine = true;
        try {
          fine = typeof JSON.parse(damaged) === 'object' && damaged.trimStart().startsWith('{');
        } catch {
          fine = false;
        }
        const file = parseConfig('c.json', damaged);
        // A key that stands twice is a fault here and none there.
        const others = file.faults.filter(({ message }) => !message.startsWith('expected once'));
        assert.equal(others.length === 0, fine, damaged);
      }),
      { numRuns: RUNS },
    );
  });

  test('damaged TOML is refused where the library refuses it; what is left has places in the file', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(40), fc.constantFrom('', '[', ']', '"', '=', '\n', '"""', '{', '#', ',', '0', '.'), (where, length, put) => {
        const at = where % TOML.length;
        const damaged = TOML.slice(0, at) + put + TOML.slice(at + length);
        let fine = true;
        try {
          parseTOML(damaged, { tomlVersion: '1.0.0' });
        } catch {
          fine = false;
        }
        const file = parseConfig('c.toml', damaged);
        assert.equal(file.faults.length === 0, fine, damaged);
        const lines = damaged.split('\n');
        for (const { place } of file.faults)
          assert.ok(place.kind === 'file' && place.line >= 1 && place.line <= lines.length, damaged);
        checkPlaces(file.root, lines.map((line) => line.replaceAll('_', '')));
      }),
      { numRuns: RUNS },
    );
  });
});

const TOML = `# a comment
top = 1
[exchange]
port = 12345
tickers = [
  1, 2,
  3,
]
text = """
many
lines = 5
"""
inline = { a = 1, b = [true, false], "c d" = 'x' }
[exchange.sub]
x.y.z = 1.5
[[rows]]
a = 1
[[rows]]
a = 2
[rows.deeper]
b = 3
`;

test('the tree of the damaged files is that of the whole one', () => {
  const table = parseConfig('c.toml', TOML).root.entries.get('exchange')?.value as CameTable;
  assert.deepEqual(plain(table), {
    port: 12_345,
    tickers: [1, 2, 3],
    text: 'many\nlines = 5\n',
    inline: { a: 1, b: [true, false], 'c d': 'x' },
    sub: { x: { y: { z: 1.5 } } },
  });
});
