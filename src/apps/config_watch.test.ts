// Hot reload with real files: what is good is taken once and whole, what is bad is said once and
// changes nothing.
import assert from 'node:assert/strict';
import {
  appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readConfigFile } from './config_file.ts';
import { type OutcryConfig, type OutcrySources, readConfig, VERB_SECTIONS } from './config_sections.ts';
import { faultText } from './config_value.ts';
import { type ConfigWatch, watchConfig } from './config_watch.ts';

/** Longer than a watch takes to look, on a busy machine too: what has not come by then will not. */
const QUIET_MS = 400;
const DEADLINE_MS = 20_000;

interface Rig {
  readonly path: string;
  readonly folder: string;
  readonly watch: ConfigWatch;
  /** What the callbacks were called with, in order: changed keys, or faults. */
  readonly said: string[];
  readonly configs: OutcryConfig[];
  /** Waits until so many have been said, and then whether there are more. */
  readonly says: (count: number) => Promise<void>;
}

const START = '[trade]\nmax_position = 1000\nport = 12345\n';

function rig(t: TestContext, options: { text?: string; name?: string; environment?: NodeJS.ProcessEnv } = {}): Rig {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-watch-'));
  const path = join(folder, options.name ?? 'outcry.toml');
  writeFileSync(path, options.text ?? START);
  const sources: OutcrySources = {
    file: readConfigFile(path),
    environment: options.environment ?? {},
    flag: () => undefined,
    uses: VERB_SECTIONS.trade,
  };
  const said: string[] = [];
  const configs: OutcryConfig[] = [];
  const watch = watchConfig({
    sources,
    running: readConfig(sources),
    onConfig: (config, changed) => {
      configs.push(config);
      said.push(changed.join(' '));
    },
    onFaults: (error) => said.push(error.faults.map(faultText).join('\n').replaceAll(`${folder}/`, '')),
  });
  t.after(() => {
    watch.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const says = async (count: number): Promise<void> => {
    const deadline = performance.now() + DEADLINE_MS;
    while (said.length < count && performance.now() < deadline) await sleep(10);
    await sleep(QUIET_MS);
    assert.equal(said.length, count, said.join('\n'));
  };
  return { path, folder, watch, said, configs, says };
}

test('a good edit is handed on once, frozen and whole, with what changed', async (t) => {
  const { path, said, says, configs, watch } = rig(t);
  writeFileSync(path, '[trade]\nmax_position = 2000\nmax_loss = 5\nport = 12345\n[log]\nlevel = "warn"\n');
  await says(1);
  assert.equal(said[0], 'trade.max_position trade.max_loss log.level');
  assert.equal(configs[0].trade.limits.maxPosition, 2_000);
  assert.ok(Object.isFrozen(configs[0].trade.limits));
  assert.equal(watch.running, configs[0]);
  // A comment changes nothing.
  appendFileSync(path, '# well\n');
  await says(1);
});

test('a bad edit is reported once, with all its faults, and the old one goes on', async (t) => {
  const { path, said, says, watch, configs } = rig(t);
  const before = watch.running;
  writeFileSync(path, '[trade]\nmax_position = 0\nmax_los = 5\nport =\n');
  await says(1);
  assert.equal(
    said[0],
    'outcry.toml:2:16: trade.max_position: expected a whole number 1 to 4294967294, was 0\n' +
      'outcry.toml:3:1: trade.max_los: unknown key, did you mean max_loss?\n' +
      'outcry.toml:4:7: expected TOML (key = value, or [table]), was "port =": unspecified values are invalid',
  );
  assert.equal(watch.running, before);
  // Touched, but no other text: nobody is told again.
  writeFileSync(path, '[trade]\nmax_position = 0\nmax_los = 5\nport =\n');
  await says(1);
  // What contradicts itself is bad too; and then all is well again.
  writeFileSync(path, '[trade]\nmax_position = 10\nport = 12345\n');
  await says(2);
  assert.match(said[1], /^outcry\.toml:2:16: trade\.max_order_qty: expected at most max_position = 10/);
  writeFileSync(path, '[trade]\nmax_position = 500\nport = 12345\n');
  await says(3);
  assert.equal(configs[0].trade.limits.maxPosition, 500);
});

test('a key that needs a restart is refused by name, and with it the whole edit', async (t) => {
  const { path, said, says, watch } = rig(t);
  writeFileSync(path, '[trade]\nmax_position = 2000\nport = 9\npassword = "secret"\n[[instruments]]\nticker = 1\nsymbol = "A"\n');
  await says(1);
  const cannot = 'expected no change before the next start';
  assert.equal(
    said[0],
    `outcry.toml:3:8: trade.port: ${cannot}, port cannot change while running: runs with 12345, was 9\n` +
      `outcry.toml:4:12: trade.password: ${cannot}, password cannot change while running\n` +
      `outcry.toml:5:3: instruments: ${cannot}, instruments cannot change while running`,
  );
  assert.equal(watch.running.trade.limits.maxPosition, 1_000);
  // Left out, a key has its default, and that is a change as well.
  writeFileSync(path, '[trade]\nmax_position = 2000\nframing = "bare"\n');
  await says(2);
  assert.equal(
    said[1],
    `outcry.toml:3:11: trade.framing: ${cannot}, framing cannot change while running: runs with "soup", was "bare"`,
  );
});

// An exchange and a trader run from one file: the exchange's new port kept the trader from its new limit.
test('what changes in sections of other programs concerns nobody here', async (t) => {
  const { path, said, says, watch } = rig(t);
  writeFileSync(path, `${START}[exchange]\nport = 9\nheartbeat = "2s"\n[journal]\ndirectory = "x"\n`);
  await says(0);
  writeFileSync(path, `${START.replace('1000', '2000')}[exchange]\nport = 10\n`);
  await says(1);
  assert.equal(said[0], 'trade.max_position');
  // A mistake in them is told all the same: the file is one.
  writeFileSync(path, `${START}[exchange]\nport = -1\n`);
  await says(2);
  assert.match(said[1], /exchange\.port: expected a whole number/);
  assert.equal(watch.running.trade.limits.maxPosition, 2_000);
});

test('an editor that renames a new file over the old one', async (t) => {
  const { path, folder, said, says } = rig(t);
  for (const [count, position] of [2_000, 3_000, 4_000].entries()) {
    const other = join(folder, `.outcry.toml.${position}`);
    writeFileSync(other, START.replace('1000', String(position)));
    renameSync(other, path);
    await says(count + 1);
  }
  assert.deepEqual(said, Array(3).fill('trade.max_position'));
});

test('a deployment that swaps a link beside the file, and an edit of what a link leads to', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-watch-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, position] of [['one', 1_000], ['two', 2_000]] as const) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'outcry.toml'), START.replace('1000', String(position)));
  }
  symlinkSync('one', join(folder, 'data'));
  symlinkSync('data/outcry.toml', join(folder, 'outcry.toml'));
  const sources: OutcrySources = {
    file: readConfigFile(join(folder, 'outcry.toml')), environment: {}, flag: () => undefined, uses: ['trade'],
  };
  const positions: number[] = [];
  const watch = watchConfig({
    sources,
    running: readConfig(sources),
    onConfig: ({ trade }) => positions.push(trade.limits.maxPosition),
    onFaults: (error) => assert.fail(error),
  });
  t.after(() => watch.close());
  const comesTo = async (expected: number): Promise<void> => {
    const deadline = performance.now() + DEADLINE_MS;
    while (positions.at(-1) !== expected && performance.now() < deadline) await sleep(10);
    assert.equal(positions.at(-1), expected);
  };
  writeFileSync(join(folder, 'one/outcry.toml'), START.replace('1000', '1500'));
  await comesTo(1_500);
  symlinkSync('two', join(folder, 'data.new'));
  renameSync(join(folder, 'data.new'), join(folder, 'data'));
  await comesTo(2_000);
  writeFileSync(join(folder, 'two/outcry.toml'), START.replace('1000', '2500'));
  await comesTo(2_500);
  assert.deepEqual(positions, [1_500, 2_000, 2_500]);
});

test('many quick writes are few changes, and the last one holds', async (t) => {
  const { path, said, configs } = rig(t);
  for (let i = 1; i <= 300; i++) {
    writeFileSync(path, START.replace('1000', String(1_000 + i)));
    if (i % 50 === 0) await sleep(5);
  }
  const deadline = performance.now() + DEADLINE_MS;
  while (configs.at(-1)?.trade.limits.maxPosition !== 1_300 && performance.now() < deadline) await sleep(10);
  await sleep(QUIET_MS);
  assert.equal(configs.at(-1)?.trade.limits.maxPosition, 1_300);
  // How many depends on the machine; far from one for each write.
  assert.ok(said.length <= 10, `${said.length} changes`);
  assert.deepEqual(new Set(said), new Set(['trade.max_position']));
});

test('a file that is being written is not taken for an empty one', async (t) => {
  const { path, said, says } = rig(t);
  truncateSync(path);
  await sleep(300);
  writeFileSync(path, START.replace('1000', '2000'));
  await says(1);
  assert.deepEqual(said, ['trade.max_position']);
});

test('a file that stays away is said once, and what runs goes on until it is back', async (t) => {
  const { path, said, says, watch } = rig(t);
  unlinkSync(path);
  await says(1);
  assert.match(said[0], /^cannot read the configuration file .*outcry\.toml: no such file or directory \(ENOENT\)$/);
  writeFileSync(path, START);
  await says(1);
  assert.equal(watch.running.trade.limits.maxPosition, 1_000);
  writeFileSync(path, START.replace('1000', '2000'));
  await says(2);
  assert.equal(said[1], 'trade.max_position');
  writeFileSync(path, '\n');
  await says(3);
  assert.match(said[2], /outcry\.toml: expected a configuration, was empty$/);
});

// On a real clock a machine that pauses for a moment would let the quiet time pass, and hide that
// the watch waits for ever.
test('a folder in which something else is always written is looked at all the same', async (t) => {
  const { path, folder, said, says } = rig(t);
  await says(0);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  writeFileSync(path, START.replace('1000', '2000'));
  const turnsFor = async (milliseconds: number): Promise<void> => {
    const end = performance.now() + milliseconds;
    while (performance.now() < end) {
      appendFileSync(join(folder, 'log.txt'), 'x');
      await new Promise(setImmediate);
    }
  };
  await turnsFor(100);
  t.mock.timers.tick(10);
  assert.deepEqual(said, [], 'it is not quiet yet');
  await turnsFor(600);
  t.mock.timers.tick(10);
  assert.deepEqual(said, ['trade.max_position']);
});

test('what changed between the reading for the start and the watch is seen', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-watch-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'outcry.json');
  writeFileSync(path, '{"trade":{"max_loss":1}}');
  const sources: OutcrySources = { file: readConfigFile(path), environment: {}, flag: () => undefined, uses: ['trade'] };
  const running = readConfig(sources);
  writeFileSync(path, '{"trade":{"max_loss":2}}');
  const losses: number[] = [];
  const watch = watchConfig({
    sources,
    running,
    onConfig: ({ trade }) => losses.push(trade.limits.maxLoss),
    onFaults: (error) => assert.fail(error),
  });
  t.after(() => watch.close());
  const deadline = performance.now() + DEADLINE_MS;
  while (losses.length === 0 && performance.now() < deadline) await sleep(10);
  assert.deepEqual(losses, [2]);
});

test('a variable goes before the file still, so what the file says instead is no change', async (t) => {
  const { path, said, says } = rig(t, { environment: { HFT_TRADE_PORT: '7', HFT_TRADE_MAX_POSITION: '900' } });
  writeFileSync(path, '[trade]\nmax_position = 2000\nport = 9\nmax_loss = 4\n');
  await says(1);
  assert.equal(said[0], 'trade.max_loss');
});

test('closed is closed; without a file there is nothing to watch', async (t) => {
  const { path, said, watch } = rig(t);
  watch.close();
  watch.close();
  writeFileSync(path, START.replace('1000', '2000'));
  await sleep(QUIET_MS);
  assert.deepEqual(said, []);
  const sources: OutcrySources = { file: null, environment: {}, flag: () => undefined, uses: [] };
  const running = readConfig(sources);
  const none = watchConfig({ sources, running, onConfig: () => assert.fail(), onFaults: () => assert.fail() });
  assert.equal(none.running, running);
  none.close();
});
