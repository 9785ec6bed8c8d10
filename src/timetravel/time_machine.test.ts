// Any instant, reached in any order, is what a straight run of the same commands has there.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Prng } from '../base/prng.ts';
import type { Depth } from '../book/engine.ts';
import { EventBook } from '../book/event_book.ts';
import { MatchingEngine } from '../book/matching_engine.ts';
import { RandomCommands } from '../book/random_commands.ts';
import { COMMAND, type EngineEvent } from '../book/types.ts';
import { EventHash } from '../exchange/event_hash.ts';
import type { CheckpointLimits } from './checkpoints.ts';
import { momentOf, overviewOf, type Question } from './moment.ts';
import { eventsOfOrder, findOrders, orderStoryOf } from './order_story.ts';
import { type Tape, TapeWriter } from './tape.ts';
import { TimeMachine } from './time_machine.ts';

const SEEDS = Number(process.env['TIMETRAVEL_FUZZ_SEEDS'] ?? 4);
const COMMANDS = 3_000;

/** What a plain engine says behind each command. */
interface Truth {
  readonly tape: Tape;
  readonly events: EngineEvent[][];
  readonly stateHashes: bigint[];
  readonly eventHashes: bigint[];
  readonly depths: Depth[];
}

function straightRun(seed: number, commands = COMMANDS): Truth {
  const random = new RandomCommands(seed);
  const engine = new MatchingEngine(random.config);
  const hash = new EventHash(engine.u32);
  const writer = new TapeWriter();
  const truth = { events: [] as EngineEvent[][], stateHashes: [engine.stateHash()], eventHashes: [hash.value], depths: [engine.depth(0, 20)] };
  const tell = (events: EngineEvent[]): void => {
    truth.events.push(events);
    truth.stateHashes.push(engine.stateHash());
    truth.eventHashes.push(hash.value);
    truth.depths.push(engine.depth(0, 20));
  };
  let hashed = 0;
  for (let i = 0; i < commands; i++) {
    const command = random.next();
    // The slots are read before the command runs: what runs them writes elsewhere.
    const count = engine.writeCommand(0, command);
    const slots = engine.u8.slice(engine.commandBase, engine.commandBase + count * COMMAND.size);
    const events = engine.submit(command);
    for (; hashed < engine.eventsWritten(); hashed++) hash.onEvent(engine.eventBase + (hashed & engine.eventMask) * 64);
    random.observe(events);
    writer.begin(i + 1, i * 1_000);
    writer.slots(slots, 0, count);
    tell(events);
    if (i % 100 !== 99) continue;
    // A journal's record that changes nothing, with the hash of everything before it.
    writer.begin(i + 1, i * 1_000);
    writer.note('state-hash', '');
    writer.hash(hash.value);
    tell([]);
  }
  const tape = writer.finish({
    name: `seed ${seed}`, kind: 'journal', engine: random.config, start: null, zeroMs: 0, faults: [],
    instruments: random.config.instruments.map((_, book) => ({ symbol: `B${book}`, decimals: 0, tickSize: 1 })),
  });
  return { tape, ...truth };
}

function machineOf(tape: Tape, limits: Partial<CheckpointLimits> = { spacing: 64 }): TimeMachine {
  const machine = new TimeMachine(tape, limits);
  machine.build();
  return machine;
}

function assertAt(machine: TimeMachine, truth: Truth, position: number, where: string): void {
  assert.equal(machine.engine.stateHash(), truth.stateHashes[position], `${where}: state hash`);
  assert.equal(machine.eventHash, truth.eventHashes[position], `${where}: hash of events`);
  assert.deepEqual(machine.engine.depth(0, 20), truth.depths[position], `${where}: depth`);
}

const QUESTION: Question = { book: 0, levels: 10, rows: 5, trades: 10, level: null, order: null };

describe('a machine', () => {
  test('sought through in random order, by steps and by leaps, is at each instant what a straight run was there', () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const truth = straightRun(seed);
      const machine = machineOf(truth.tape, { spacing: 64, countMax: 20 });
      assert.equal(machine.inputs, truth.events.length);
      assertAt(machine, truth, machine.inputs, `seed ${seed}, at the end`);
      const prng = new Prng(seed);
      for (let i = 0; i < 400; i++) {
        const step = prng.chance(0.5) ? prng.between(-2, 2) : prng.between(-machine.inputs, machine.inputs);
        const position = Math.min(machine.inputs, Math.max(0, machine.position + step));
        machine.seek(position);
        assertAt(machine, truth, position, `seed ${seed}, jump ${i} to ${position}`);
      }
      machine.engine.checkInvariants();
    }
  });

  test('has every event that was said, by input and by order', () => {
    const truth = straightRun(11);
    const machine = machineOf(truth.tape);
    const byOrder = new Map<string, number>();
    for (const [input, events] of truth.events.entries()) {
      assert.deepEqual([...machine.log.of(input)], events, `input ${input}`);
      for (const event of events) {
        if (event.type === 'state') continue;
        const names = event.type === 'trade' ? [`${event.takerClient}.${event.takerId}`, `${event.makerClient}.${event.makerId}`] : [`${event.client}.${event.id}`];
        for (const name of names) byOrder.set(name, (byOrder.get(name) ?? 0) + 1);
      }
    }
    assert.equal(machine.orders.orders, byOrder.size);
    for (const [name, count] of byOrder) {
      const [client, id] = name.split('.');
      assert.equal(eventsOfOrder(machine, { client: Number(client), id }).length, count, name);
    }
  });

  test('knows the hashes of its journal that it met, and says once where one differs', () => {
    const truth = straightRun(5, 1_000);
    const machine = machineOf(truth.tape);
    assert.equal(machine.verified.length, 10);
    assert.deepEqual(machine.faults, []);
    machine.seek(machine.verified[3] + 1);
    assert.equal(momentOf(machine, QUESTION).verifiedTo, machine.verified[3]);
    const wrong = new Map([...truth.tape.hashes].map(([input, hash], index) => [input, index < 4 ? hash : hash ^ 1n]));
    const diverged = machineOf({ ...truth.tape, hashes: wrong });
    assert.equal(diverged.verified.length, 4);
    assert.equal(diverged.faults.length, 1);
    assert.match(diverged.faults[0], /^the hash of all events at sequence 500 was [0-9a-f]+, expected the journal's [0-9a-f]+$/);
  });

  test('refuses a position that is none', () => {
    const machine = machineOf(straightRun(1, 10).tape);
    for (const position of [-1, 11, 0.5, NaN, Infinity]) assert.throws(() => machine.seek(position), /^RangeError: position: expected a whole number 0 … 10, was /);
  });

  test('of nothing has one instant', () => {
    const engine = new RandomCommands(1).config;
    const tape = new TapeWriter().finish({ name: 'empty', kind: 'journal', engine, instruments: [], start: null, zeroMs: null, faults: [] });
    const machine = machineOf(tape);
    assert.equal(momentOf(machine, QUESTION).position, 0);
    assert.equal(overviewOf(machine, 0).positions.at(-1), 0);
  });
});

describe('checkpoints', () => {
  test('are thinned out when there are too many, or too many bytes; the first stays', () => {
    const truth = straightRun(3, 2_000);
    const few = machineOf(truth.tape, { spacing: 16, countMax: 8 });
    assert.ok(few.checkpoints.count <= 8 && few.checkpoints.spacing === 256, `${few.checkpoints.count} of ${few.checkpoints.spacing}`);
    assert.equal(few.checkpoints.before(100).position, 0);
    assert.equal(few.checkpoints.before(1_500).position, 1_280);
    const roomy = machineOf(truth.tape, { spacing: 64 });
    const bytesMax = Math.floor(roomy.checkpoints.bytes / 3);
    const small = machineOf(truth.tape, { spacing: 64, bytesMax });
    assert.ok(small.checkpoints.bytes <= bytesMax && small.checkpoints.count > 1, `${small.checkpoints.bytes} of ${bytesMax}`);
    for (const position of [0, 1, 700, 1_999]) {
      small.seek(position);
      assertAt(small, truth, position, `position ${position}`);
    }
  });
});

test('a leap runs fewer inputs again than lie between two checkpoints, wherever it stands', () => {
  const machine = machineOf(straightRun(9, 2_000).tape, { spacing: 64 });
  let slots = 0;
  const { engine } = machine;
  const process = engine.process.bind(engine);
  engine.process = (count) => {
    slots += count;
    process(count);
  };
  const prng = new Prng(9);
  for (let i = 0; i < 100; i++) {
    slots = 0;
    machine.seek(prng.between(0, machine.inputs));
    assert.ok(slots <= 2 * 64, `${slots} slots for jump ${i}`); // an extended command takes two
  }
});

test('times that fall, as those of a clock that was set back, stand still', () => {
  const writer = new TapeWriter();
  for (const timeNs of [5, 9, 7, 8, 12]) writer.begin(1, timeNs);
  const { timesNs } = writer.finish({ name: '', kind: 'journal', engine: { instruments: [], ordersMax: 1 }, instruments: [], start: null, zeroMs: null, faults: [] });
  assert.deepEqual([...timesNs], [5, 9, 9, 9, 12]);
});

describe('places', () => {
  const truth = straightRun(2, 1_500);
  const machine = machineOf(truth.tape);

  test('the next trade and the one before are those of a search through all events', () => {
    const positions = truth.events.flatMap((events, input) => (events.some((event) => event.type === 'trade' && event.book === 0) ? [input + 1] : []));
    assert.ok(positions.length > 10, `${positions.length} trades`);
    for (let position = 0; position <= machine.inputs; position += 7) {
      machine.seek(position);
      assert.equal(machine.positionOfNext(machine.tradesOf[0], 1), positions.find((at) => at > position) ?? null, `behind ${position}`);
      assert.equal(machine.positionOfNext(machine.tradesOf[0], -1), positions.findLast((at) => at < position) ?? null, `before ${position}`);
    }
  });

  test('a sequence or a time is behind everything up to it', () => {
    assert.equal(machine.positionOfSequence(0), 0);
    assert.equal(machine.positionOfSequence(99), 99);
    assert.equal(machine.positionOfSequence(100), 101); // its hash stands behind it
    assert.equal(machine.positionOfTime(98_999), 99);
    assert.equal(machine.positionOfTime(1e12), machine.inputs);
  });
});

describe('a moment', () => {
  const truth = straightRun(7);
  const machine = machineOf(truth.tape);

  test('queues and places in them are those that the events tell', () => {
    let places = 0;
    for (let position = 100; position < machine.inputs; position += 170) {
      machine.seek(position);
      const told = new EventBook();
      for (const event of truth.events.slice(0, position).flat()) told.apply(event);
      const moment = momentOf(machine, { ...QUESTION, levels: 1_000 });
      for (const [side, levels] of [[1, moment.bids], [-1, moment.asks]] as const) {
        const expected = told.levels(0, side);
        assert.deepEqual(levels.map(({ price }) => price), expected.map(({ price }) => price));
        for (const [index, { price, entries }] of expected.entries()) {
          const queue = momentOf(machine, { ...QUESTION, level: { side, price } }).queue?.orders ?? [];
          assert.deepEqual(
            queue.map((order) => `${order.client}.${order.id} ${order.qty}`),
            entries.map(({ client, id, displayed }) => `${client}.${id} ${displayed}`), `${position}: ${side} ${price}`,
          );
          assert.equal(queue.length, levels[index].orders);
          let ahead = 0;
          for (const [at, { client, id, displayed }] of entries.entries()) {
            const { place } = orderStoryOf(machine, { client, id: String(id) });
            assert.deepEqual(
              [place?.ordersAhead, place?.qtyAhead, place?.ordersInLevel, place?.price, queue[at].aheadQty],
              [at, ahead, entries.length, price, ahead], `${position}: ${client}.${id}`,
            );
            ahead += displayed;
            places += 1;
          }
        }
      }
    }
    assert.ok(places > 40, `${places} places`);
  });

  test('figures, trades and rows are those of the events up to it', () => {
    for (const position of [0, 1, 500, machine.inputs]) {
      machine.seek(position);
      const trades = truth.events.slice(0, position).flat().filter((event) => event.type === 'trade' && event.book === 0) as (EngineEvent & { type: 'trade' })[];
      const moment = momentOf(machine, QUESTION);
      assert.equal(moment.figures.trades, trades.length);
      assert.equal(moment.figures.volume, trades.reduce((sum, { qty }) => sum + qty, 0));
      assert.equal(moment.figures.last, trades.at(-1)?.price ?? null);
      assert.equal(moment.figures.high, trades.length === 0 ? null : Math.max(...trades.map(({ price }) => price)));
      const prices = trades.map(({ price }) => price);
      assert.deepEqual([moment.figures.first, moment.figures.low], trades.length === 0 ? [null, null] : [prices[0], Math.min(...prices)]);
      const notional = trades.reduce((sum, { price, qty }) => sum + price * qty, 0);
      assert.equal(moment.figures.vwap, trades.length === 0 ? null : notional / moment.figures.volume);
      assert.deepEqual(moment.trades.map(({ price, qty }) => [price, qty]), trades.slice(-10).toReversed().map(({ price, qty }) => [price, qty]));
      assert.deepEqual(moment.rows.map((row) => row.position), Array.from({ length: machine.inputs }, (_, i) => i + 1).filter((at) => at > position - 5 && at <= position + 5));
      assert.equal(moment.said.length, position === 0 ? 0 : truth.events[position - 1].length);
    }
  });

  test('the story of an order has its events in order, and where it is found by name', () => {
    const traded = truth.events.flat().find((event) => event.type === 'trade') as EngineEvent & { type: 'trade' };
    const name = { client: traded.makerClient, id: String(traded.makerId) };
    const story = orderStoryOf(machine, name);
    assert.ok(story.steps.some(({ type }) => type === 'trade'));
    assert.deepEqual(story.steps.map(({ position }) => position), story.steps.map(({ position }) => position).toSorted((a, b) => a - b));
    assert.deepEqual(findOrders(machine, `${name.client}.${name.id}`), [name]);
    assert.ok(findOrders(machine, ` ${name.id} `).some(({ client }) => client === name.client));
    for (const none of ['', 'x', '1.', '9.9.9', '-1', '99999999999999999999999', '18446744073709551616', '7.123456789']) assert.deepEqual(findOrders(machine, none), [], none);
  });

  test('the overview of a day has all that traded, in its columns', () => {
    const overview = overviewOf(machine, 0);
    const trades = truth.events.flat().filter((event) => event.type === 'trade' && event.book === 0) as (EngineEvent & { type: 'trade' })[];
    const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
    assert.equal(sum(overview.bought) + sum(overview.sold), sum(trades.map(({ qty }) => qty)));
    assert.equal(sum(overview.bought), sum(trades.filter(({ side }) => side > 0).map(({ qty }) => qty)));
    assert.equal(overview.positions.at(-1), machine.inputs);
    machine.seek(overview.positions[400]);
    const { bids, asks } = machine.engine.depth(0, 1);
    assert.deepEqual([overview.bids[400], overview.asks[400]], [bids[0]?.price ?? null, asks[0]?.price ?? null]);
  });
});
