// The package as a user installs it: packed by npm, unpacked into an empty project beside its
// dependencies, imported by plain JavaScript, seen by TypeScript, run as a command. Nothing is
// fetched: the dependencies are links to this project's.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const manifest: { dependencies: object; optionalDependencies: object } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
);
const windows = process.platform === 'win32';

const TRADE = `
import assert from 'node:assert/strict';
import { BookReader, Cmd, MatchingEngine, Side } from 'outcry';

const instruments = [{ minPrice: 1, maxPrice: 100_000 }];
const engine = new MatchingEngine({ instruments, ordersMax: 1_000 });
engine.submit({ type: Cmd.New, client: 1, id: 1n, side: Side.Sell, price: 101, qty: 10 });
const order = { type: Cmd.New, client: 2, id: 1n, side: Side.Buy, price: 105, qty: 4 };
const events = engine.submit(order);
const trade = events.find((event) => event.type === 'trade');
assert.deepEqual([trade.price, trade.qty, trade.makerLeaves], [101, 4, 6]);

const reader = new BookReader(engine.readerSource);
const book = reader.snapshot();
reader.read(0, book);
assert.deepEqual([book.askPrice[0], book.askQty[0], book.bidLevels], [101, 6, 0]);
console.log('traded', trade.qty, 'at', trade.price);
`;

/** The quick start that users of the library begin with. */
const QUICK_START = `
import { TradingEngine } from 'outcry';

const config = { maxOrdersPerSecond: 100_000, maxPositionSize: 1_000_000, maxPortfolioValue: 10_000_000, stopLossPercentage: 0.02 };
const engine = new TradingEngine(config);
await engine.start();
const order = await engine.placeOrder({ symbol: 'BTC-USDT', side: 'buy', price: '50000.0', quantity: 100 });
console.log(order.ok, order.status, order.leaves);
`;

const TYPED = `
import { Cmd, MatchingEngine, Side, TradingEngine, type Command, type EngineEvent } from 'outcry';

const engine = new MatchingEngine({ instruments: [{ minPrice: 1, maxPrice: 9 }], ordersMax: 9 });
const order: Command = { type: Cmd.New, id: 1n, side: Side.Buy, price: 5, qty: 1 };
export const events: EngineEvent[] = engine.submit(order);
const trading = new TradingEngine({ maxPositionSize: 5 });
trading.on('fill', ({ price, quantity }) => price.length + quantity);
// @ts-expect-error a fill has no bid
trading.on('fill', ({ bid }) => bid);
// @ts-expect-error a side is buy or sell
export const placed = trading.placeOrder({ symbol: 'X', side: 'hold', quantity: 1 });
// @ts-expect-error a price is a number of ticks
engine.submit({ type: Cmd.New, id: 2n, side: Side.Buy, price: '5', qty: 1 });
`;

/** Processes and threads that product files start by their names, which no import shows. */
function startedByName(): string[] {
  const found = globSync(['src/**/*_thread.ts', 'src/apps/demo_{exchange,trader,dashboard}.ts'], { cwd: root });
  return found.map((path) => path.replaceAll('\\', '/').replace(/^src/, 'dist').replace(/ts$/, 'js'));
}

function run(command: string, args: readonly string[], cwd: string): string {
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', shell: windows });
  assert.equal(
    result.status,
    0,
    `${command} ${args.join(' ')}: ${result.error?.message ?? ''}\n${result.stdout}${result.stderr}`,
  );
  return result.stdout;
}

describe('the installed package', () => {
  let project = '';
  let installed = '';

  before(() => {
    project = mkdtempSync(join(tmpdir(), 'outcry-package-'));
    run('npm', ['pack', '--silent', '--pack-destination', project], root);
    const [tarball] = globSync('*.tgz', { cwd: project });
    assert.ok(tarball, 'npm pack left no tarball');
    installed = join(project, 'node_modules/outcry');
    mkdirSync(installed, { recursive: true });
    run('tar', ['-xzf', join(project, tarball), '-C', installed, '--strip-components=1'], project);

    for (const name of Object.keys({
      ...manifest.dependencies,
      ...manifest.optionalDependencies,
    })) {
      const target = join(root, 'node_modules', name);
      if (existsSync(target)) symlinkSync(target, join(project, 'node_modules', name), 'junction');
    }
    const command = join(installed, 'bin/outcry.mjs');
    chmodSync(command, 0o755);
    mkdirSync(join(project, 'node_modules/.bin'));
    if (!windows) symlinkSync(command, join(project, 'node_modules/.bin/outcry'));
    writeFileSync(
      join(project, 'package.json'),
      '{ "name": "user", "private": true, "type": "module" }\n',
    );
  });

  after(() => rmSync(project, { recursive: true, force: true }));

  test('holds what it runs, and no more', () => {
    const files = globSync('**/*', { cwd: installed }).map((path) => path.replaceAll('\\', '/'));
    for (const needed of [
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
      'bin/outcry.mjs',
      'dist/index.js',
      'dist/index.d.ts',
      'dist/core.wasm',
      'dist/web/index.html',
      'dist/web/time_travel/index.html',
      ...startedByName(),
    ]) {
      assert.ok(files.includes(needed), `${needed} is missing`);
    }
    const unwanted = files.filter((path) =>
      /\.(test|fuzz|bench)\.|^(src|core|test|tools|bench)\//.test(path),
    );
    assert.deepEqual(unwanted, []);
  });

  test('trades from plain JavaScript', () => {
    writeFileSync(join(project, 'trade.js'), TRADE);
    assert.equal(run(process.execPath, ['trade.js'], project).trim(), 'traded 4 at 101');
  });

  test('runs the quick start as written, and ends by itself', () => {
    writeFileSync(join(project, 'quick_start.js'), QUICK_START);
    assert.equal(run(process.execPath, ['quick_start.js'], project).trim(), 'true accepted 100');
  });

  test('has types for TypeScript', () => {
    writeFileSync(join(project, 'typed.ts'), TYPED);
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const flags = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--module',
      'nodenext',
      '--target',
      'esnext',
      '--types',
      '',
    ];
    run(process.execPath, [compiler, ...flags, 'typed.ts'], project);
  });

  test('is a command', { skip: windows && 'npm makes the command there' }, () => {
    const help = run('npx', ['--no-install', 'outcry', '--help'], project);
    for (const verb of ['demo', 'exchange', 'match', 'replay'])
      assert.match(help, new RegExp(`^  ${verb}\\b`, 'm'));
    assert.match(
      run('npx', ['--no-install', 'outcry', 'exchange', '--help'], project),
      /--multicast-addr/,
    );
  });

  test(
    'runs its command without the sources',
    { skip: windows && 'npm makes the command there' },
    () => {
      const commands =
        '{"op":"new","id":1,"side":"sell","price":101,"qty":5}\n{"op":"new","id":2,"side":"buy","price":101,"qty":5}\n';
      const bin = join(project, 'node_modules/.bin/outcry');
      const { stdout, stderr, status } = spawnSync(bin, ['match'], {
        cwd: project,
        input: commands,
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr);
      assert.match(stdout, /"event":"trade"/);
    },
  );

  // The traders' file once was in no list of what is built: the demo of an installed package ended before it began.
  test('runs the demo, and its dashboard serves the built page', { skip: windows && 'npm makes the command there' }, async () => {
    const bin = join(project, 'node_modules/.bin/outcry');
    const demo = spawn(bin, ['demo', '--port', '0'], { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    const link = new Promise<string>((resolve, reject) => {
      demo.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        const [, url] = /^dashboard (http:[^#]+)/m.exec(said) ?? [];
        if (url !== undefined) resolve(url);
      });
      demo.once('close', () => reject(new Error(`it ended without a dashboard: ${said}`)));
    });
    const page = await (await fetch(await link)).text();
    demo.kill('SIGINT');
    const [code] = (await once(demo, 'close')) as [number];
    assert.equal(code, 0, said);
    assert.match(said, /^books +equal/m);
    assert.match(page, /<script type="module"/);
  });
});
