// The whole configuration: names that users of other systems know, precedence, exact money, and what
// contradicts itself.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Command } from 'commander';
import { benchCommand } from './bench.ts';
import { parseConfig } from './config_file.ts';
import { snakeCase } from './config_forms.ts';
import { sampleFile } from './config_sample.ts';
import {
  addConfigFlags,
  type OutcryConfig,
  readConfig,
  type SectionName,
  sectionNamed,
  SECTIONS,
  VERB_SECTIONS,
} from './config_sections.ts';
import { ConfigError, faultText } from './config_value.ts';
import { riskLimits } from './trade_session.ts';
import { traderInstruments } from './trade_strategy.ts';
import { ALERTS_DEFAULT } from '../observe/alerts/alert_settings.ts';
import { PositionKeeper } from '../trader/position_keeper.ts';
import { RiskGate, type RiskLimits } from '../trader/risk.ts';
import { addCredential } from './credentials.ts';
import { flagName, settingName, typedFlags, variableNames } from './settings.ts';

interface Given {
  readonly args?: readonly string[];
  readonly environment?: Record<string, string>;
  /** TOML. */
  readonly file?: string;
  readonly uses?: readonly SectionName[];
}

function read({ args = [], environment = {}, file, uses = VERB_SECTIONS.trade }: Given): OutcryConfig {
  const command = addConfigFlags(new Command().exitOverride(), uses);
  command.parse([...args], { from: 'user' });
  return readConfig({
    file: file === undefined ? null : parseConfig('outcry.toml', file),
    environment,
    flag: typedFlags(command, uses.map(sectionNamed)),
    uses,
  });
}

function faults(given: Given): string[] {
  try {
    read(given);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.faults.map(faultText);
  }
  return [];
}

test('nothing said: what users of the other systems expect', () => {
  const { trade, performance, monitoring, log } = read({});
  assert.deepEqual(
    [trade.host, trade.port, trade.strategy.name, trade.clientId, trade.instruments.map(({ symbol }) => symbol)],
    ['127.0.0.1', 12_345, 'market-maker', 1, ['T1']],
  );
  assert.deepEqual(trade.limits, {
    maxOrderQty: 100, maxPosition: 1_000, maxLoss: 100_000, maxOpenOrders: 100,
    maxNotional: null, collarTicks: 0,
    maxOrdersPerSecond: 100_000, maxPositionSize: 1_000_000,
    // In cents: ten million, and two percent of it.
    maxPortfolioValue: 1_000_000_000, stopLoss: 20_000_000, moneyDecimals: 2,
  });
  assert.deepEqual([trade.strategy.halfSpread, trade.strategy.signalThreshold], [50, 0.3]);
  assert.deepEqual(trade.retransmit, { host: '127.0.0.1', port: 5_002 });
  assert.deepEqual(performance, { useHugepages: false, cpuAffinity: [], numaNode: null, lockMemory: false, threads: 'auto', allocator: 'system' });
  assert.deepEqual(monitoring, { metricsEnabled: true, latencyProfiling: true, exportFormat: 'prometheus' });
  assert.equal(log.level, 'info');
});

test('everything can be said by flag, by variable and in the file, in this order', () => {
  const file = 'trade = { max_position = 3, max_loss = 3, port = 3 }\nlog.level = "error"';
  const environment = { HFT_TRADE_MAX_POSITION: '2000', HFT_TRADE_MAX_LOSS: '2', HFT_LOG_LEVEL: 'warn' };
  const { trade, log, resolution } = read({ args: ['--max-position', '1000'], environment, file });
  assert.deepEqual([trade.limits.maxPosition, trade.limits.maxLoss, trade.port, log.level], [1_000, 2, 3, 'warn']);
  assert.deepEqual(
    ['trade.max_position', 'trade.max_loss', 'trade.port', 'trade.host'].map((key) => resolution.place(key)),
    [
      { kind: 'flag', name: '--max-position' },
      { kind: 'environment', name: 'HFT_TRADE_MAX_LOSS' },
      { kind: 'file', path: 'outcry.toml', line: 1, column: 50 },
      { kind: 'default' },
    ],
  );
});

test('every setting has its variable, and no two settings share one', () => {
  const seen = new Set<string>();
  for (const section of SECTIONS) {
    for (const [key, { fileOnly }] of Object.entries(section.schema)) {
      const names = variableNames(section, key);
      const systematic = `HFT_${section.name}_${snakeCase(key)}`.toUpperCase();
      assert.equal(names.includes(systematic), fileOnly !== true, systematic);
      for (const name of names) {
        assert.ok(!seen.has(name), name);
        seen.add(name);
      }
    }
  }
});

test('no verb has two flags of one name', () => {
  for (const [verb, sections] of Object.entries(VERB_SECTIONS)) {
    const options = addConfigFlags(new Command(verb), sections).options;
    for (const name of ['long', 'short'] as const) {
      const names = options.flatMap((option) => option[name] ?? []);
      assert.deepEqual(names.filter((one, index) => names.indexOf(one) !== index), [], verb);
    }
  }
});

test('the well-known variables, and slips in them', () => {
  const { performance } = read({
    environment: { HFT_CPU_AFFINITY: '0,2-4', HFT_NUMA_NODE: '1', HFT_HUGEPAGES: '1' },
  });
  assert.deepEqual(performance, { useHugepages: true, cpuAffinity: [0, 2, 3, 4], numaNode: 1, lockMemory: false, threads: 'auto', allocator: 'system' });
  assert.deepEqual(
    faults({
      environment: {
        HFT_NUMA_NODE: '1', HFT_PERFORMANCE_NUMA_NODE: '2', // which of the two?
        HFT_LOG_LEVLE: 'info', // a slip
        HFT_BROKER: 'x', HFT_STRATEGY: 'y', // another program's
        HFT_CPU_AFFINITY: '0,0', HFT_HUGEPAGES: 'yes',
      },
    }),
    [
      'HFT_LOG_LEVLE: unknown variable, did you mean HFT_LOG_LEVEL?',
      'HFT_HUGEPAGES: expected true or false, was "yes"',
      'HFT_CPU_AFFINITY: expected values that differ, "0" came twice',
      'HFT_PERFORMANCE_NUMA_NODE: expected the same as HFT_NUMA_NODE = "1", was "2"',
    ],
  );
});

describe('money', () => {
  // 0.29 × 100 is 28.999999999999996 in binary fractions.
  test('is exact: it never passes through a binary fraction', () => {
    const limits = (file: string): OutcryConfig['trade']['limits'] => read({ file }).trade.limits;
    assert.equal(limits('trade.max_notional = 0.29').maxNotional, 29);
    assert.equal(limits('trade.max_notional = 1_000_000.10').maxNotional, 100_000_010);
    // 2^52 − 1, the most that doubled sums hold.
    assert.equal(limits('trading.max_portfolio_value = 45035996273704.95').maxPortfolioValue, 4_503_599_627_370_495);
    const nine = '[[instruments]]\nticker = 1\nsymbol = "X"\ndecimals = 9\n[trading]\nmax_portfolio_value = 0.123456789';
    assert.deepEqual(
      [limits(nine).maxPortfolioValue, limits(nine).stopLoss, limits(nine).moneyDecimals],
      [123_456_789, 2_469_135, 9],
    );
  });

  test('that the instruments cannot hold is refused', () => {
    assert.deepEqual(faults({ file: 'trade.max_notional = 0.001\ntrading.max_portfolio_value = 45035996273704.96' }), [
      'outcry.toml:1:22: trade.max_notional: expected at most 2 decimals, as the instruments have, was 0.001',
      'outcry.toml:2:31: trading.max_portfolio_value: expected at most 45035996273704.95 with these instruments, was 45035996273704.96',
    ]);
    assert.match(faults({ file: 'trading.max_portfolio_value = 0.1234567891' })[0], /at most 9 decimals, was 0\.1234567891$/);
    assert.match(faults({ file: 'trading.max_portfolio_value = "100"' })[0], /expected a decimal number .*, was "100"$/);
  });
});

test('what contradicts itself stands where somebody gave it', () => {
  const file = `[trade]
max_position = 50
framing = "bare"
password = "secret"
ticker = [1, 4]
[[instruments]]
ticker = 1
symbol = "LOT"
lot_size = 1000`;
  assert.deepEqual(faults({ file }), [
    // The quantity is the default; the position is what somebody gave.
    'outcry.toml:2:16: trade.max_order_qty: expected at most max_position = 50, was 100',
    'outcry.toml:4:12: trade.password: expected framing soup, which logs in, was bare',
    'outcry.toml:5:10: trade.ticker: expected tickers of [[instruments]] (1), was 4',
    'outcry.toml:6:3: trade.max_order_qty: expected at least the lot of LOT = 1000, was 100',
  ]);
  assert.deepEqual(faults({ args: ['--max-position', '50'] }), [
    '--max-position: trade.max_order_qty: expected at most max_position = 50, was 100',
  ]);
  // A value that is wrong by itself contradicts nothing.
  assert.deepEqual(faults({ file: '[trade]\nmax_position = 0\nmax_order_qty = 5000' }), [
    'outcry.toml:2:16: trade.max_position: expected a whole number 1 to 4294967294, was 0',
  ]);
});

test('a mistake in a section is said by every verb, a contradiction by those that use it', () => {
  const broken = '[trade]\nmax_position = 50\nmax_los = 5';
  assert.equal(faults({ file: broken, uses: VERB_SECTIONS.trade }).length, 2);
  assert.deepEqual(faults({ file: broken, uses: VERB_SECTIONS.exchange }), [
    'outcry.toml:3:1: trade.max_los: unknown key, did you mean max_loss?',
  ]);
});

test('a key in the wrong section is sent to the right one; sections are tables', () => {
  assert.deepEqual(faults({ file: 'max_loss = 5\n[trade]\nmax_position_size = 5\n[[log]]\nlevel = "info"\n[tradign]' }), [
    'outcry.toml:1:1: max_loss: unknown section or key, it belongs in [trade]',
    'outcry.toml:3:1: trade.max_position_size: unknown key, it belongs in [trading]',
    'outcry.toml:4:3: log: expected a table, was [a table]',
    'outcry.toml:6:2: tradign: unknown section or key, did you mean trading?',
  ]);
});

test('strategy parameters are numbers under any names; later faults have their places too', () => {
  const config = read({ file: '[strategy.parameters]\nbase_qty = 200\nskew = -0.5\n"x y" = 1e-3' });
  assert.deepEqual(config.trade.strategy.parameters, { base_qty: 200, skew: -0.5, 'x y': 0.001 });
  assert.equal(
    config.fault('strategy.parameters.skew', 'unknown parameter').message,
    'outcry.toml:3:8: strategy.parameters.skew: unknown parameter',
  );
  assert.deepEqual(read({ args: ['--parameters', 'a=1, b = 2.5'] }).trade.strategy.parameters, { a: 1, b: 2.5 });
  for (const bad of ['a', 'a=', 'a=1,a=2', 'a=x'])
    assert.match(faults({ args: ['--parameters', bad] })[0], /^--parameters: expected a (table of numbers|number)/);
  assert.match(
    faults({ file: '[strategy.parameters]\nbase_qty = "200"' })[0],
    /^outcry\.toml:2:12: strategy\.parameters\.base_qty: expected a number, was "200"$/,
  );
});

test('the configuration is frozen, all of it', () => {
  const config = read({ file: '[[instruments]]\nticker = 1\nsymbol = "A"' });
  const parts: unknown[] = [config];
  for (const part of parts) {
    if (typeof part !== 'object' || part === null || part === config.resolution) continue;
    assert.ok(Object.isFrozen(part));
    parts.push(...Object.values(part));
  }
  assert.ok(parts.length > 50);
});

// With two tickers a portfolio value within the bounds of one was refused by the gate, with a RangeError in the
// middle of the start, and on an edit while trading it would have ended the process.
test('what the configuration lets through as a limit, the risk gate takes', () => {
  for (const tickers of ['1', '1,2', '1,2,3,4,5,6,7']) {
    const ofTickers = ['--ticker', tickers, '--max-order-qty', '4294967294', '--max-position', '4294967294'];
    const limitsOf = (key: string, value: string): RiskLimits => {
      const { trade } = read({ args: [...ofTickers, key, value] });
      return riskLimits(trade.limits, traderInstruments(trade.instruments));
    };
    for (const key of ['--max-loss', '--max-notional', '--max-portfolio-value', '--max-position-size', '--max-open-orders', '--max-orders-per-second']) {
      // The largest that passes, found by its faults: they name it.
      const most = /(?:at most|to) ([\d.]+)\b/.exec(faults({ args: [...ofTickers, key, '99999999999999999999'] })[0])?.[1];
      assert.ok(most !== undefined, key);
      const [, within = most] = /at most ([\d.]+) with these/.exec(faults({ args: [...ofTickers, key, most] })[0] ?? '') ?? [];
      const limits = limitsOf(key, within);
      const instruments = traderInstruments(read({ args: ofTickers }).trade.instruments);
      assert.ok(new RiskGate(instruments, new PositionKeeper(instruments), limits), `${key} ${within}`);
    }
    const least = read({ args: ['--max-portfolio-value', '0.01', '--stop-loss-percentage', '0.000001'] }).trade;
    assert.equal(riskLimits(least.limits, traderInstruments(least.instruments)).stopLoss, 1);
  }
});

describe('the monitor', () => {
  const uses = VERB_SECTIONS.dashboard;

  test('nothing said: on loopback, without commands, the feed and instruments of the exchange of the same file', () => {
    const { dashboard, alerts } = read({ uses });
    assert.deepEqual(dashboard, {
      host: '127.0.0.1', port: 8_080, token: '', hosts: [], levels: 20, interface: '127.0.0.1',
      feed: { layout: 'native', group: '239.255.0.1', port: 5_000 },
      snapshot: { group: '239.255.0.1', port: 5_001 },
      retransmit: { host: '127.0.0.1', port: 5_002 },
      instruments: read({}).exchange.instruments,
    });
    assert.deepEqual(alerts, ALERTS_DEFAULT);
    const file = '[exchange]\ntickers = [7]\nmulticast_port = 6000\nsnapshot_port = 7000\nfeed = "book"';
    const beside = read({ file, uses }).dashboard;
    assert.deepEqual(
      [beside.feed, beside.snapshot.port, beside.retransmit.port, beside.instruments.map(({ symbol }) => symbol)],
      [{ layout: 'book', group: '239.255.0.1', port: 6_000 }, 7_000, 6_002, ['T7']],
    );
    const other = read({ file, uses, args: ['-m', '239.1.1.1', '--multicast-port', '6100', '--tickers', '8,9'] }).dashboard;
    assert.deepEqual(
      [other.feed.group, other.feed.port, other.snapshot, other.retransmit.port, other.instruments.map(({ ticker }) => ticker)],
      ['239.1.1.1', 6_100, { group: '239.1.1.1', port: 6_101 }, 6_102, [8, 9]],
    );
  });

  test('beyond loopback it does not start without a token', () => {
    const expected = 'expected a loopback address (127.0.0.1), or a token (--token): 0.0.0.0 is reachable from other machines';
    assert.deepEqual(faults({ args: ['--host', '0.0.0.0'], uses }), [`--host: ${expected}`]);
    assert.deepEqual(faults({ args: ['--host', '0.0.0.0', '--token', 'known-to-operators-alone'], uses }), []);
    assert.deepEqual(faults({ args: ['--host', '127.0.0.2'], uses }), []);
    // What an exchange of the same file does not use is no reason for it not to start.
    assert.deepEqual(faults({ file: 'dashboard.host = "0.0.0.0"', uses: VERB_SECTIONS.exchange }), []);
  });

  test('thresholds by flag, variable and file; units become those of the rules', () => {
    const { alerts } = read({
      uses,
      file: '[alerts]\nhigh_latency = "250us"\nlarge_loss = 12.5\noverload_memory = "2GiB"\nclear_after = "1500ms"',
      environment: { HFT_ALERTS_RAISE_AFTER: '0', HFT_ALERTS_JOURNAL_LAG: '20ms' },
      args: ['--webhook', 'https://example.test/hook?key=a', '--webhook-key', 'known-to-both-ends', '--webhook-timeout', '1s', '--no-process-silent'],
    });
    const { highLatencyNs, largeLoss, overloadMemoryBytes, clearAfterMs, raiseAfterMs, journalLagNs, processSilent, webhook } = alerts;
    assert.deepEqual(
      [highLatencyNs, largeLoss, overloadMemoryBytes, clearAfterMs, raiseAfterMs, journalLagNs, processSilent],
      [250_000, 12.5, 2 ** 31, 1_500, 0, 20_000_000, false],
    );
    assert.deepEqual(webhook, { url: 'https://example.test/hook?key=a', secret: 'known-to-both-ends', timeoutMs: 1_000, retries: 5 });
  });

  test('a webhook is http or https, without a password; what was wrong is not repeated', () => {
    for (const bad of ['ftp://x', 'http://', 'http://user:word@x/', 'javascript:alert(1)', 'file:///etc/passwd', 'http://x y']) {
      const [fault, ...more] = faults({ args: ['--webhook', bad], uses });
      assert.match(fault, /^--webhook: expected an http or https address without user and password, was a text of \d+ characters \(not shown\)$/);
      assert.deepEqual(more, []);
    }
    assert.deepEqual(faults({ args: ['--webhook', 'http://[::1'], uses }), [
      '--webhook: expected an http or https address, was none that can be read (not shown)',
    ]);
    assert.deepEqual(faults({ args: ['--webhook-key', 'known-to-both-ends'], uses }), [
      '--webhook-key: expected a webhook to sign for, was none',
    ]);
  });

  test('every key of [alerts] may change while running', () => {
    for (const [key, { reload }] of Object.entries(sectionNamed('alerts').schema)) assert.equal(reload, true, key);
  });
});

// ── the names that users know ──────────────────────────────────────────────────────────────────

const NAMES = join(import.meta.dirname, '../../../shared/NAMES.md');
const skip = existsSync(NAMES) ? false : 'the table of names is not here (../shared/NAMES.md)';

/** "`--port -p`" → port, p; "max_position_size" → max_position_size. */
function wordsOf(cell: string): { name: string; short: string | undefined }[] {
  return cell.split(',').map((part) => {
    const [name, short] = part.replaceAll('`', '').trim().split(' ');
    return { name: name.replace(/^--/, ''), short };
  });
}

/** "50 (cents), 0.3" → 50, 0.3; a list in brackets or without spaces is one value. */
function valuesOf(cell: string): string[] {
  return cell.replaceAll(/ \([^)]*\)/g, '').split(/, (?![^[]*\])/).map((value) => value.trim());
}

/** What the sample file or the schema has for a key, as the table writes it. */
function written(section: SectionName, key: string, inSample: boolean): string {
  const { form, fallback, sample } = sectionNamed(section).schema[key];
  const text = inSample && sample !== undefined ? sample : form.write(fallback);
  // The table has no quotes but around names in the sample file, and no spaces inside lists.
  return text.replaceAll(', ', ',').replaceAll('"', '');
}

function keyOf(section: SectionName, name: string): string {
  const key = Object.keys(sectionNamed(section).schema).find((one) => snakeCase(one) === name.replaceAll('-', '_'));
  assert.ok(key !== undefined, `${section} has no ${name}`);
  return key;
}

test('every flag, key and default of the table of names is in the schema', { skip }, () => {
  const rows = readFileSync(NAMES, 'utf8').split('\n').filter((line) => line.startsWith('|')).slice(2);
  let keys = 0;
  for (const row of rows) {
    const [names, defaults] = row.split('|').slice(1).map((cell) => cell.trim());
    const verb = /^(exchange|trade|bench) /.exec(names)?.[1];
    const table = /^`\[(\w+)\]` /.exec(names)?.[1] as SectionName | undefined;
    if (names.startsWith('`HFT_')) {
      const level = sectionNamed('log');
      const known = SECTIONS.flatMap((one) => Object.keys(one.schema).flatMap((key) => variableNames(one, key)));
      for (const { name } of wordsOf(names)) assert.ok(known.includes(name), name);
      assert.equal(valuesOf(defaults)[0], level.schema['level'].fallback);
      keys += wordsOf(names).length;
    } else if (names.startsWith('`bench ')) {
      const flags = benchCommand().options.map(({ long }) => long);
      for (const [flag] of names.matchAll(/--[a-z-]+/g)) assert.ok(flags.includes(flag), `bench ${flag}`);
    } else {
      // Rows without a verb go on with the trader's flags.
      const section = table ?? ((verb ?? 'trade') as SectionName);
      const inSample = defaults.includes('in the sample file');
      const values = valuesOf(defaults.split(' in the sample file')[0]);
      const words = wordsOf(names.replace(/^(?:\w+|`\[\w+\]`) (?=[`\w])/, ''));
      assert.equal(words.length, values.length, row);
      for (const [index, { name, short }] of words.entries()) {
        const key = keyOf(section, name);
        const setting = sectionNamed(section).schema[key];
        if (table === undefined) assert.equal(flagName(sectionNamed(section), key), name);
        assert.equal(setting.short, short?.slice(1), name);
        const value = written(section, key, inSample).replace(/^\[([^,]*(?:,.*)?)\]$/, inSample ? '[$1]' : '$1');
        assert.equal(value, values[index].replaceAll('"', ''), name);
        keys += 1;
      }
    }
  }
  assert.ok(rows.length >= 9 && keys >= 30, `${keys} keys of ${rows.length} rows`);
});

test('built-in defaults of [performance] are off, whatever the sample shows', () => {
  const { schema } = sectionNamed('performance');
  assert.deepEqual(Object.values(schema).map(({ fallback }) => fallback), [false, [], null, false, 'auto', 'system']);
  const sample = readConfig({
    file: parseConfig('s.toml', sampleFile()), environment: {}, flag: () => undefined, uses: ['exchange', 'trade'],
  });
  assert.deepEqual(sample.performance, {
    useHugepages: true, cpuAffinity: [0, 1, 2, 3], numaNode: 0, lockMemory: true, threads: 'dedicated', allocator: 'mimalloc',
  });
});

test('the sample file has every key, its defaults, and examples that hold', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-sample-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const keys = join(folder, 'keys');
  addCredential(keys, 'ALPHA', 1, null);
  const sample = sampleFile();
  const parse = (text: string): OutcryConfig =>
    readConfig({ file: parseConfig('s.toml', text), environment: {}, flag: () => undefined, uses: ['exchange', 'trade', 'dashboard', 'alerts'] });
  const { exchange, trade, monitoring, dashboard, alerts, log } = parse(sample);
  const plain = parse('');
  assert.deepEqual({ exchange, trade, monitoring, dashboard, alerts, log }, {
    exchange: plain.exchange, trade: plain.trade, monitoring: plain.monitoring,
    dashboard: plain.dashboard, alerts: plain.alerts, log: plain.log,
  });
  const everything = sample.replaceAll(/^# ((?:\[\[?[\w.]+\]\]?|\w+ = .*))$/gm, '$1');
  const { resolution } = parse(everything.replaceAll(/^credentials = .*$/gm, `credentials = ${JSON.stringify(keys)}`));
  for (const section of SECTIONS) {
    for (const key of Object.keys(section.schema)) {
      const name = settingName(section, key);
      assert.equal(resolution.place(name).kind, 'file', `${name} is not in the sample`);
    }
  }
});
