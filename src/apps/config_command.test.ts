// `outcry config` as a user runs it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseConfig } from './config_file.ts';
import { readConfig } from './config_sections.ts';

const OUTCRY = fileURLToPath(new URL('./outcry.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'outcry-config-'));
after(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function outcry(args: readonly string[], variables: NodeJS.ProcessEnv = {}): Outcome {
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HFT_')));
  const { status, stdout, stderr } = spawnSync(process.execPath, [OUTCRY, 'config', ...args], {
    encoding: 'utf8',
    cwd: folder,
    env: { ...own, NO_COLOR: '1', ...variables },
  });
  return { status, stdout, stderr };
}

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

function lastLine({ stdout }: Outcome): unknown {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
}

describe('outcry config check', () => {
  test('a good file: ok, what it holds, and code 0', () => {
    const good = file('good.toml', '[trade]\nmax_loss = 5\nport = 1\n[log]\nlevel = "warn"\n');
    const { status, stdout, stderr } = outcry(['check', good]);
    assert.deepEqual([status, stdout, stderr], [0, 'good.toml: ok, 3 keys in [trade] [log]\n', '']);
  });

  test('a bad file: every fault with its line, and code 1', () => {
    const bad = file('bad.toml', '[trade]\nmax_loss = -5\nprot = 1\nmax_position = 5\n');
    const outcome = outcry(['check', bad]);
    assert.equal(outcome.status, 1);
    assert.equal(
      outcome.stdout,
      'bad.toml:2:12: trade.max_loss: expected a whole number 1 to 2251799813685248, was -5\n' +
        'bad.toml:3:1: trade.prot: unknown key, did you mean port?\n' +
        'bad.toml:4:16: trade.max_order_qty: expected at most max_position = 5, was 100\n' +
        'bad.toml: 3 faults\n',
    );
    const json = outcry(['check', bad, '--json']);
    assert.equal(json.status, 1);
    assert.deepEqual((lastLine(json) as { faults: unknown[] }).faults[1], {
      file: 'bad.toml', line: 3, column: 1, key: 'trade.prot', message: 'unknown key, did you mean port?',
    });
  });

  test('what this machine lacks is said, and is no fault of the file', () => {
    const asks = file('asks.toml', '[performance]\ncpu_affinity = [1023]\n');
    const outcome = outcry(['check', asks, '--json']);
    assert.equal(outcome.status, 0);
    const { ok, machine } = lastLine(outcome) as { ok: boolean; machine: string[] };
    assert.ok(ok);
    assert.match(machine[0], /^performance\.cpu_affinity: expected /);
    assert.match(outcry(['check', asks]).stdout, /^this machine: performance\.cpu_affinity: expected .*\nasks\.toml: ok, 1 key in \[performance\]\n$/);
  });

  test('the environment plays no part; a file that is not there is a fault', () => {
    const good = file('good.toml', '[trade]\nmax_loss = 5\n');
    assert.equal(outcry(['check', good], { HFT_TRADE_PORT: 'x' }).status, 0);
    const missing = outcry(['check', 'none.toml']);
    assert.equal(missing.status, 1);
    assert.match(missing.stdout, /^cannot read the configuration file none\.toml: no such file or directory \(ENOENT\)\n/);
    assert.equal(outcry(['check']).status, 2);
  });
});

describe('outcry config print', () => {
  const config = file('print.toml', '[trade]\nmax_loss = 5\nmax_position = 700\nport = 1\n[[exchange.accounts]]\nuser = "A"\npassword = "secret"\nclient = 1\n');
  const variables = { HFT_TRADE_MAX_POSITION: '800', HFT_TRADE_PASSWORD: 'hidden', HFT_LOG_LEVEL: 'warn' };

  test('each value with where it comes from: default, line, variable, flag', () => {
    const { stdout } = outcry(['print', '--config', config, 'trade', '--port', '9', '-t', '4,5'], variables);
    const rows = new Map(stdout.split('\n').map((line) => [line.trim().split(/\s{2,}|\s(?=\S+$)/)[0], line.trim()]));
    for (const [key, pattern] of [
      ['max_loss', / 5 +print\.toml:2:12$/],
      ['max_position', / 800 +HFT_TRADE_MAX_POSITION$/],
      ['level', / "warn" +HFT_LOG_LEVEL$/],
      ['ticker', / \[4, 5\] +--ticker$/],
      ['collar_ticks', / 0 +default$/],
      ['max_notional', / no limit +default$/],
    ] as const)
      assert.match(rows.get(key) ?? '', pattern, key);
    assert.match(stdout, /\[trade\]\n  host +"127\.0\.0\.1" +default\n  port +9 +--port\n/);
  });

  test('as JSON, without the passwords', () => {
    const outcome = outcry(['print', '--json', '--config', config], variables);
    const { trade, exchange } = lastLine(outcome) as Record<string, Record<string, object>>;
    assert.deepEqual(trade['max_loss'], { value: 5, source: 'print.toml:2:12' });
    assert.deepEqual(trade['password'], { value: '(not shown)', source: 'HFT_TRADE_PASSWORD' });
    assert.deepEqual(exchange['accounts'], {
      value: [{ user: 'A', password: '(not shown)', client: 1, owner: null, cancelOnDisconnect: true }],
      source: 'print.toml:5:12',
    });
    for (const form of ['--json', '--toml', '--config']) {
      const { stdout } = outcry(form === '--config' ? ['print', form, config] : ['print', form, '--config', config], variables);
      assert.ok(!/hidden|secret/.test(stdout), form);
    }
  });

  test('as TOML that comes to the same', () => {
    const source = '[trade]\nmax_loss = 5\n[[instruments]]\nticker = 1\nsymbol = "A"\nmin_price = -3\n[strategy.parameters]\n"x y" = 0.1\n';
    const plain = file('plain.toml', source);
    const text = outcry(['print', '--toml', '--config', plain]).stdout;
    const read = (toml: string): object => {
      const { exchange, trade, performance, monitoring, log } = readConfig({
        file: parseConfig('x.toml', toml), environment: {}, flag: () => undefined, uses: ['trade', 'exchange'],
      });
      return { exchange, trade, performance, monitoring, log };
    };
    assert.deepEqual(read(text), read(source));
    assert.match(text, /^max_loss = 5 # plain\.toml:2:12$/m);
    assert.match(text, /^# user: the client id$/m);
  });

  test('what cannot be run is said: code 2', () => {
    for (const [args, pattern] of [
      [['print', 'demo'], /expected a verb with a configuration: exchange, trade, dashboard, was demo/],
      [['print', 'exchange', '--prot', '5'], /unknown option '--prot'/],
      [['print', 'exchange', '--port', 'x'], /--port: expected a whole number 0 to 65535, was "x"/],
      [['print', '--config', 'none.toml'], /cannot read the configuration file none\.toml/],
    ] as const) {
      const { status, stderr } = outcry(args);
      assert.equal(status, 2, args.join(' '));
      assert.match(stderr, pattern);
    }
  });
});

test('outcry config sample prints a file that check takes', () => {
  const { status, stdout } = outcry(['sample']);
  assert.equal(status, 0);
  assert.equal(outcry(['check', file('sample.toml', stdout)]).status, 0);
});
