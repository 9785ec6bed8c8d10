// The core inside C programs, built as docs/EMBEDDING.md says: the example as it is printed, every event of
// random commands byte for byte as in TypeScript, bad configurations, and C functions called from TypeScript.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import koffi, { type TypeObject } from 'koffi';
import { MatchingEngine } from '../../src/book/matching_engine.ts';
import { RandomCommands } from '../../src/book/random_commands.ts';
import { Cmd, COMMAND, EVENT, Side, Stp, type Command, type EngineConfig } from '../../src/book/types.ts';
import { buildEmbedded, COMPILER, EMBEDDED_FOLDER, missingForEmbedded } from '../../tools/build_embedded.ts';
import { requireThat } from '../requirements.ts';

const COMMANDS = Number(process.env['OUTCRY_FUZZ'] ?? 20_000);
const SEEDS = [1, 2, 3, 4, 5];
const RING_SLOTS = 16_384;
const root = fileURLToPath(new URL('../..', import.meta.url));

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'outcry-embedding-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** False after the test was told to skip. */
function built(t: TestContext): boolean {
  const missing = missingForEmbedded();
  if (requireThat(t, missing === null ? true : null, missing ?? '') === null) return false;
  buildEmbedded();
  return true;
}

/** Compiles a program against the library; its path. */
function compile(source: string, ...more: string[]): string {
  const program = join(folder, source.replaceAll('/', '_').replace(/\.c$/, ''));
  const result = spawnSync(COMPILER, [
    '-std=c11', '-O2', '-Wall', '-Wextra', '-Werror', join(root, source), `-I${EMBEDDED_FOLDER}`,
    ...more, join(EMBEDDED_FOLDER, 'liboutcry.a'), '-lm', '-o', program,
  ], { encoding: 'utf8' });
  assert.equal(result.status, 0, result.stderr);
  return program;
}

test('the example in C runs as docs/EMBEDDING.md prints it', (t) => {
  if (!built(t)) return;
  const { status, stdout } = spawnSync(compile('examples/embedding/process_order.c'), { encoding: 'utf8' });
  assert.equal(status, 0);
  const document = readFileSync(join(root, 'docs/EMBEDDING.md'), 'utf8');
  const printed = document.slice(document.indexOf('```text') + 8);
  assert.equal(stdout, printed.slice(0, printed.indexOf('```')));
});

/** The commands in their slots, and what the core in TypeScript makes of them. */
class Recorded {
  readonly slots: Buffer[] = [];
  readonly events: Buffer[] = [];
  readonly engine: MatchingEngine;
  #seen = 0;

  constructor(config: EngineConfig) {
    this.engine = new MatchingEngine(config);
    this.engine.onEventsFull = () => this.#collect();
  }

  run(command: Command): void {
    const { engine } = this;
    const count = engine.writeCommand(0, command);
    const { commandBase } = engine;
    this.slots.push(Buffer.from(engine.u8.slice(commandBase, commandBase + count * COMMAND.size)));
    engine.process(count);
    this.#collect();
  }

  #collect(): void {
    const { engine } = this;
    const end = engine.eventsWritten();
    for (; this.#seen < end; this.#seen++) {
      const at = engine.eventBase + (this.#seen & engine.eventMask) * EVENT.size;
      this.events.push(Buffer.from(engine.u8.slice(at, at + EVENT.size)));
    }
    engine.releaseEvents(end);
  }

  /** What replay.c reads. */
  file(config: EngineConfig): Buffer {
    const words = [
      config.instruments.length, config.ordersMax, config.levelsMax ?? 0, config.stp ?? Stp.None,
      config.ackReplaceLast ? 1 : 0, config.triggersMax ?? 0,
      this.slots.reduce((sum, slot) => sum + slot.length, 0) / COMMAND.size,
    ];
    const ranges = config.instruments.flatMap(({ minPrice, maxPrice }) => [minPrice, maxPrice]);
    return Buffer.concat([
      Buffer.from(Uint32Array.from(words).buffer), Buffer.from(Int32Array.from(ranges).buffer), ...this.slots,
    ]);
  }
}

function sameInC(program: string, recorded: Recorded, config: EngineConfig): void {
  const [commands, events] = [join(folder, 'commands'), join(folder, 'events')];
  writeFileSync(commands, recorded.file(config));
  const { status, stdout, stderr } = spawnSync(program, [commands, events], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const expected = Buffer.concat(recorded.events);
  const came = readFileSync(events);
  const hex = (hash: bigint): string => hash.toString(16).padStart(16, '0');
  const { engine } = recorded;
  assert.equal(
    stdout.trim(),
    `result 0 events ${recorded.events.length} live ${engine.ordersLive} `
      + `state ${hex(engine.stateHash())} public ${hex(engine.publicHash())}`,
  );
  assert.ok(expected.equals(came), 'every byte of every event is the same');
}

for (const seed of SEEDS) {
  test(`${COMMANDS} random commands of seed ${seed}: each event in C is that of TypeScript`, (t) => {
    if (!built(t)) return;
    const random = new RandomCommands(seed);
    const recorded = new Recorded(random.config);
    // The generator learns from an engine of its own what lives.
    const observed = new MatchingEngine(random.config);
    for (let n = 0; n < COMMANDS; n++) {
      const command = random.next();
      random.observe(observed.submit(command));
      recorded.run(command);
    }
    assert.ok(recorded.events.length > COMMANDS / 2);
    sameInC(compile('test/embedding/replay.c'), recorded, random.config);
  });
}

test('an order that trades with more than the event ring holds', (t) => {
  if (!built(t)) return;
  const resting = RING_SLOTS + 1_000;
  const config: EngineConfig = { instruments: [{ minPrice: 1, maxPrice: 100 }], ordersMax: resting + 1 };
  const recorded = new Recorded(config);
  for (let n = 1; n <= resting; n++) {
    recorded.run({ type: Cmd.New, client: 1, id: BigInt(n), side: Side.Sell, price: 50, qty: 1 });
  }
  recorded.run({ type: Cmd.New, client: 2, id: 1n, side: Side.Buy, price: 50, qty: resting });
  assert.ok(recorded.events.length > 2 * RING_SLOTS);
  sameInC(compile('test/embedding/replay.c'), recorded, config);
});

// ── the library called from TypeScript ─────────────────────────────────────────────────────────────

interface Instrument {
  symbol: string | null;
  tick_size: number;
  min_ticks: number;
  max_ticks: number;
}

let structures: { instrument: TypeObject; config: TypeObject } | null = null;

function library(): {
  create: (config: object) => unknown; destroy: (engine: unknown) => void; error: () => string; use: (engine: unknown) => void;
  process: (symbol: string | null, price: number, quantity: number | bigint) => number;
  processTicks: (symbol: string, ticks: number | bigint, quantity: number | bigint) => number;
  index: (engine: unknown, symbol: string) => number;
  config: (instruments: Instrument[], more?: object) => object;
} {
  structures ??= {
    instrument: koffi.struct('outcry_instrument', {
      symbol: 'const char *', tick_size: 'double', min_ticks: 'int32_t', max_ticks: 'int32_t',
    }),
    config: koffi.struct('outcry_config', {
      instruments: 'outcry_instrument *', instrument_count: 'uint32_t', orders_max: 'uint32_t', levels_max: 'uint32_t',
      blocks_max: 'uint32_t', stp: 'int', triggers_max: 'uint32_t', ack_replace_last: 'int', on_event: 'void *', context: 'void *',
    }),
  };
  const outcry = koffi.load(join(EMBEDDED_FOLDER, 'liboutcry.so'));
  return {
    create: outcry.func('void *outcry_create(outcry_config *)'),
    destroy: outcry.func('void outcry_destroy(void *)'),
    error: outcry.func('const char *outcry_error()'),
    use: outcry.func('void outcry_use(void *)'),
    process: outcry.func('int32_t process_order(const char *, double, uint64_t)'),
    processTicks: outcry.func('int32_t process_order_ticks(const char *, int64_t, uint64_t)'),
    index: outcry.func('int32_t outcry_instrument_index(void *, const char *)'),
    config: (instruments, more = {}) => ({
      instruments, instrument_count: instruments.length, orders_max: 100, levels_max: 0, blocks_max: 0, stp: 0,
      triggers_max: 0, ack_replace_last: 0, on_event: null, context: null, ...more,
    }),
  };
}

const AAPL: Instrument = { symbol: 'AAPL', tick_size: 0.01, min_ticks: 1, max_ticks: 1_000_000 };

test('process_order: prices by their sign, and every refusal has its code', (t) => {
  if (!built(t)) return;
  const c = library();
  assert.equal(c.process('AAPL', 1, 1), -1, 'no engine is in use');
  const engine = c.create(c.config([AAPL], { orders_max: 5_000 }));
  assert.ok(engine !== null, c.error());
  c.use(engine);
  try {
    assert.deepEqual([c.index(engine, 'AAPL'), c.index(engine, 'IBM')], [0, -1]);
    assert.equal(c.process('AAPL', 187.25, 100), 0);
    assert.equal(c.process('AAPL', -187.25, 40), 0);
    assert.equal(c.processTicks('AAPL', -18_725, 60), 0);
    assert.equal(c.processTicks('AAPL', -18_725, 60), 0, 'what is left of nothing can be sold again');
    for (const [symbol, price, quantity, code] of [
      ['IBM', 1, 1, -1], [null, 1, 1, -1], ['AAPL', 187.255, 1, -3], ['AAPL', 0, 1, -3], ['AAPL', Number.NaN, 1, -3],
      ['AAPL', Infinity, 1, -3], ['AAPL', 1e300, 1, -3], ['AAPL', 10_000.01, 1, -3], ['AAPL', 1, 0, -4],
      ['AAPL', 1, 2 ** 32 - 1, -4], ['AAPL', 1, 2n ** 63n, -4],
    ] as const) {
      assert.equal(c.process(symbol, price, quantity), code, `${symbol} ${price} ${quantity}`);
    }
    for (const ticks of [0, 2n ** 31n, -(2n ** 31n), 2n ** 63n - 1n, 1_000_001]) {
      assert.equal(c.processTicks('AAPL', ticks, 1), -3, `${ticks} ticks`);
    }
    // Every price in decimals that a person could write names its tick, whatever the division makes of it.
    for (let ticks = 1; ticks <= 1_000_000; ticks += 997) {
      assert.equal(c.process('AAPL', -Number((ticks / 100).toFixed(2)), 1), 0, `${ticks} ticks`);
    }
  } finally {
    c.destroy(engine);
  }
  assert.equal(c.process('AAPL', 1, 1), -1, 'an engine that is gone is in use no more');
});

test('a bad configuration says what was expected', (t) => {
  if (!built(t)) return;
  const c = library();
  const faults: [Instrument[], object, RegExp][] = [
    [[], {}, /^instrument_count: expected 1 … 4096, was 0$/],
    [[AAPL], { orders_max: 0 }, /^orders_max: expected 1 … 50000000, was 0$/],
    [[AAPL], { levels_max: 101 }, /^levels_max: expected at most orders_max 100, was 101$/],
    [[AAPL], { blocks_max: 200_001 }, /^blocks_max: expected at most 200000, was 200001$/],
    [[AAPL], { stp: 6 }, /^stp: expected 0 … 5, was 6$/],
    [[{ ...AAPL, symbol: '' }], {}, /^instruments\[0\]\.symbol: expected 1 … 15 characters, was $/],
    [[{ ...AAPL, symbol: null }], {}, /^instruments\[0\]\.symbol: expected 1 … 15 characters, was NULL$/],
    [[{ ...AAPL, symbol: 'ABCDEFGHIJKLMNOP' }], {}, /expected 1 … 15 characters/],
    [[{ ...AAPL, symbol: 'A B' }], {}, /expected printable characters, character 1 was 32$/],
    [[AAPL, AAPL], {}, /^instruments\[1\]\.symbol: expected each symbol once, AAPL is also instruments\[0\]$/],
    [[{ ...AAPL, tick_size: 0 }], {}, /^instruments\[0\]\.tick_size: expected a number above 0, was 0$/],
    [[{ ...AAPL, tick_size: Number.NaN }], {}, /expected a number above 0, was nan$/],
    [[{ ...AAPL, min_ticks: 5, max_ticks: 4 }], {}, /^instruments\[0\]\.max_ticks: expected at least min_ticks 5, was 4$/],
    [[AAPL], { orders_max: 50_000_000, blocks_max: 200_000 }, /^config: expected an engine below 4 GiB/],
  ];
  for (const [instruments, more, message] of faults) {
    assert.equal(c.create(c.config(instruments, more)), null, String(message));
    assert.match(c.error(), message);
  }
});

test('a C function called from TypeScript gives what TypeScript computes', (t) => {
  if (!built(t)) return;
  const { status, stdout, stderr } = spawnSync(
    process.execPath, [join(root, 'examples/embedding/call_c.ts')], { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^1000 books: the C function and TypeScript agree\n/);
});
