// Mistakes that systems of this kind are known for, and the tests that would fail on them. This
// file holds the table to the tests: one that is renamed or removed is missed here.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

interface Proof {
  readonly file: string;
  /** Name of the test or, in a text file, title of the scenario. */
  readonly name: string;
}

const scenario = (subject: string, name: string): Proof => ({
  file: `test/scenarios/${subject}.txt`,
  name,
});

/** The order manager and the risk gate against a naive exchange, with the mistake planted. */
const modelled: Proof = {
  file: 'src/trader/order_manager_model.test.ts',
  name: 'the model finds it when planted: ${what}',
};

const MISTAKES: readonly (readonly [row: number, mistake: string, proofs: readonly Proof[]])[] = [
  [
    1,
    'the index of a price level is its price modulo a power of two',
    [scenario('known_mistakes', '1: a level found by price mod 256 would fill 356 before 200')],
  ],
  [
    2,
    'one level index for both sides',
    [
      scenario(
        'known_mistakes',
        '2: one index of levels for both sides would fill a sell with a sell',
      ),
    ],
  ],
  [
    3,
    'time priority taken from a colliding level',
    [
      scenario(
        'known_mistakes',
        '3: time priority taken from another level would turn the queue round',
      ),
    ],
  ],
  [
    4,
    'requests sorted by a time that many of one read share',
    [
      {
        file: 'test/exchange/trading.test.ts',
        name: 'the order of one read is kept, however many requests it has and whoever comes between',
      },
    ],
  ],
  [
    5,
    'a full list, an unknown type byte or a large id ends the process',
    [
      {
        file: 'src/wire/framing/framing.test.ts',
        name: 'an unknown type byte is a fault of that session, at once and for good (mistake 5)',
      },
      {
        file: 'test/exchange/hostile.test.ts',
        name: 'random bytes, and messages with random fields: nothing but reasons',
      },
      {
        file: 'test/exchange/trading.test.ts',
        name: 'a batch larger than the command area, and an order that fills the event ring',
      },
    ],
  ],
  [
    6,
    'ids of a message used as an index unchecked; identity as the message says',
    [
      {
        file: 'test/exchange/sessions.test.ts',
        name: 'identity on bare is that of the first message, for good',
      },
      {
        file: 'test/exchange/trading.test.ts',
        name: 'requests that cannot be: each is answered with its code, in order, and nothing rests',
      },
      {
        file: 'test/exchange/operator.test.ts',
        name: 'who does not know the token is answered and shown out; nothing is done',
      },
    ],
  ],
  [
    7,
    'a duplicate client order id takes the place of the first',
    [
      scenario(
        'validation',
        'Known mistake 7: an id in use is refused, and the first order stays in reach',
      ),
      {
        file: 'test/exchange/sessions.test.ts',
        name: 'soup: client order ids rise; one that does not is a duplicate and touches nothing',
      },
      {
        file: 'test/exchange/protection.test.ts',
        name: 'soup: a new order that comes again gets its first answer, the same bytes, and has no second effect',
      },
    ],
  ],
  [
    8,
    'quantity 0 and an invalid side accepted',
    [
      scenario('validation', 'Known mistake 8: a quantity of 0 or "none" and a side that is none'),
      scenario(
        'known_mistakes',
        '8: a phantom order of quantity 0 would stand at the head of the queue',
      ),
    ],
  ],
  [
    9,
    'no self-trade prevention',
    [
      scenario(
        'known_mistakes',
        '9: without self-trade prevention one owner trades with itself; with it nothing trades',
      ),
      {
        file: 'test/exchange/trading.test.ts',
        name: 'self-trade prevention is on by default; the newest goes',
      },
    ],
  ],
  [
    10,
    'a queue that never checks whether it is full',
    [
      {
        file: 'src/base/ring_buffer.test.ts',
        name: 'full and empty are return values, and nothing is overwritten',
      },
      {
        file: 'src/base/ring_buffer.test.ts',
        name: 'the stress test notices a producer that writes on when the ring is full',
      },
      {
        file: 'src/base/mpmc_queue.test.ts',
        name: 'full and empty are return values, and nothing is overwritten',
      },
    ],
  ],
  [
    11,
    'a short send on TCP ignored',
    [
      {
        file: 'src/exchange/session/outbound_log.test.ts',
        name: 'every cut of the stream arrives whole: short sends keep the rest',
      },
      {
        file: 'test/exchange/hostile.test.ts',
        name: 'one that never reads is closed at its cap, its answers are kept for it, the others go on',
      },
    ],
  ],
  [
    12,
    'overlapping copy in the receive buffer',
    [
      {
        file: 'src/wire/framing/framing.test.ts',
        name: 'overlapping leftovers keep their bytes (mistake 12)',
      },
      {
        file: 'src/wire/framing/framing.test.ts',
        name: 'the same data finds a move that does not mind the overlap (mistake 12, planted)',
      },
    ],
  ],
  [
    13,
    'UDP treated as a stream of bytes',
    [
      {
        file: 'src/wire/framing/mold_udp64.test.ts',
        name: 'a lost datagram loses its messages and shifts none (mistake 13)',
      },
      {
        file: 'src/trader/feed_handler.test.ts',
        name: 'a lost datagram shifts nothing: asked for again, no snapshot (known mistake 13)',
      },
    ],
  ],
  [
    14,
    'any unexpected sequence starts a recovery, even a duplicate',
    [
      {
        file: 'src/trader/feed_handler.test.ts',
        name: 'a duplicate starts nothing, a lower sequence is ignored (known mistake 14)',
      },
      { file: 'src/trader/feed_handler.test.ts', name: 'reordering alone is waited out' },
    ],
  ],
  [
    15,
    'best prices computed before the update',
    [
      {
        file: 'src/trader/feed_handler.test.ts',
        name: 'listeners are told after the change: a clear leaves no top (known mistake 15)',
      },
      {
        file: 'src/book/market_view.test.ts',
        name: 'a clear leaves no stale best price, on this thread or on others',
      },
      {
        file: 'src/trader/strategies/strategies.test.ts',
        name: 'a strategy sees the top after the message, also after a clear (known mistake 15)',
      },
      { file: 'src/trader/features.test.ts', name: 'found: ${what}' },
    ],
  ],
  [
    16,
    'a guard that compares with NaN',
    [
      {
        file: 'src/trader/features.test.ts',
        name: 'no undefined input yields a signal, and nothing is ever NaN (known mistake 16)',
      },
      {
        file: 'src/trader/risk.test.ts',
        name: 'numbers that are none are refused at the door, each for its reason (known mistake 16)',
      },
      {
        file: 'src/trader/features.test.ts',
        name: 'the same inputs find a guard that compares with NaN (known mistake 16, planted)',
      },
    ],
  ],
  [
    17,
    'risk with an unknown profit lets everything pass',
    [
      {
        file: 'src/trader/risk.test.ts',
        name: 'loss: more than the limit, in price units; unknown profit rejects (known mistake 17)',
      },
      modelled,
    ],
  ],
  [
    18,
    'risk ignores open orders',
    [
      {
        file: 'test/exchange/protection.test.ts',
        name: 'open orders count: position 90, limit 100, of two BUY 10 one passes (mistake 18)',
      },
      {
        file: 'src/trader/risk.test.ts',
        name: 'position: what is open counts; of two orders of 10 at 90 of 100 one passes (known mistake 18)',
      },
      modelled,
    ],
  ],
  [
    19,
    'any order of the other side counts as reducing',
    [
      {
        file: 'test/exchange/protection.test.ts',
        name: 'reducing is opposite and within the position: +10, SELL 25 beyond the limit is none (mistake 19)',
      },
      {
        file: 'src/trader/risk.test.ts',
        name: 'reducing is opposite and no more than the position with all else that reduces (known mistake 19)',
      },
      modelled,
    ],
  ],
  [
    20,
    'cost sums that nobody set to zero, or in floating point',
    [
      {
        file: 'src/trader/position_keeper.test.ts',
        name: 'everything begins at zero, and is whole numbers from then on (known mistake 20)',
      },
      { file: 'src/trader/position_keeper.test.ts', name: 'the fuzzer finds it when planted: ${what}' },
    ],
  ],
  [
    21,
    'cost blended across a flip, the sign of sells lost',
    [
      {
        file: 'src/trader/position_keeper.test.ts',
        name: 'a flip closes at cost and opens the rest at the fill: −100 realised, −5 @ 90, then −125 (known mistake 21)',
      },
      { file: 'src/trader/position_keeper.test.ts', name: 'the fuzzer finds it when planted: ${what}' },
    ],
  ],
  [
    22,
    'orders known by ticker and side',
    [
      {
        file: 'src/trader/order_manager.test.ts',
        name: 'orders are known by their id: a late fill of the first does not touch the second (known mistake 22)',
      },
      modelled,
    ],
  ],
  [
    23,
    '32-bit sums of quantities',
    [
      {
        file: 'test/exchange/protection.test.ts',
        name: 'position: quantities add up beyond 2^32 (mistake 23)',
      },
      scenario('price_extremes', 'Known mistake 23: quantities of a level add up beyond 2^32'),
      { file: 'src/book/book_reader.test.ts', name: 'adds volumes beyond 32 bits' },
      {
        file: 'src/trader/exposure_ledger.test.ts',
        name: 'sums beyond 32 bits are exact, and no position leaves its bounds',
      },
      {
        file: 'src/trader/position_keeper.test.ts',
        name: 'quantities and money beyond 32 bits are exact (known mistake 23)',
      },
      modelled,
    ],
  ],
  [
    24,
    'price × quantity beyond 2^53 or 2^63',
    [
      {
        file: 'src/exchange/risk/risk.test.ts',
        name: 'notional: in ticks of each instrument, and exact where the product is not (mistake 24)',
      },
      { file: 'src/book/matching_engine.test.ts', name: 'notional sums are exact beyond 64 bits' },
      {
        file: 'src/trader/exposure_ledger.test.ts',
        name: 'money beyond its bounds is unknown, never wrong',
      },
      {
        file: 'src/trader/position_keeper.test.ts',
        name: 'sums that leave their bounds are unknown for good; the position is not (known mistake 24)',
      },
      {
        file: 'src/trader/risk.test.ts',
        name: 'order size: quantity, and price × quantity beyond 2^53 (known mistake 24)',
      },
    ],
  ],
  [
    25,
    'unsigned subtraction below zero',
    [
      {
        file: 'src/exchange/risk/risk.test.ts',
        name: 'quantities of 32 bits add up beyond 2^32, and nothing goes below zero (mistakes 23, 25)',
      },
      scenario(
        'replace_and_reduce',
        'Known mistake 25: a chain total at or below what was executed ends the order',
      ),
      scenario(
        'replace_and_reduce',
        'Known mistake 25: a reduce by all or by more is a cancel of what is there',
      ),
      {
        file: 'src/trader/exposure_ledger.test.ts',
        name: 'what was never counted cannot be taken away',
      },
      {
        file: 'src/trader/risk.test.ts',
        name: 'what is released or filled must have been reserved (known mistake 25)',
      },
    ],
  ],
  [
    26,
    'a mid by truncating division',
    [
      {
        file: 'src/trader/features.test.ts',
        name: '100 and 101 have 100.5 between them, as have −101 and −100 (known mistake 26)',
      },
      {
        file: 'src/trader/position_keeper.test.ts',
        name: 'the mark is bid + ask: half ticks are not lost, and negative prices go the same way (known mistake 26)',
      },
      {
        file: 'src/trader/risk.test.ts',
        name: 'collar: whole ticks around a mid that may be half a tick (known mistake 26)',
      },
      {
        file: 'src/trader/features.test.ts',
        name: 'found: ${what}',
      },
    ],
  ],
  [
    27,
    'top of book read in pieces',
    [
      {
        file: 'src/book/book_reader.test.ts',
        name: 'readers on other threads never see a torn view, and the writer never waits',
      },
      { file: 'src/book/book_reader.test.ts', name: 'a reader is caught tearing: ${copying}' },
    ],
  ],
  [
    28,
    'a stride other than the packed size',
    [
      {
        file: 'src/wire/codec.test.ts',
        name: 'a stride other than the size shifts every field (mistake 28)',
      },
      {
        file: 'src/wire/schema.test.ts',
        name: 'a size that is not the sum of the fields is refused (mistake 28: stride 40 over 36 bytes)',
      },
    ],
  ],
  [
    29,
    'cooldowns by the clock on the wall',
    [
      {
        file: 'src/trader/strategies/liquidity_taker.test.ts',
        name: '100 ms between orders, whatever the wall clock does (known mistake 29)',
      },
      {
        file: 'src/trader/strategies/liquidity_taker.test.ts',
        name: 'a cooldown by the wall clock is found (known mistake 29, planted)',
      },
      {
        file: 'src/trader/strategies/parameters.test.ts',
        name: 'no strategy reads a clock or draws a random number (known mistake 29)',
      },
      {
        file: 'src/observe/system_watch.test.ts',
        name: 'the clock of the machine is set: figures go on, nobody is called silent',
      },
    ],
  ],
  [
    30,
    'feature state shared by instruments',
    [
      {
        file: 'src/trader/features.test.ts',
        name: 'what happens to one instrument is not seen in another (known mistake 30)',
      },
      {
        file: 'src/trader/features.test.ts',
        name: 'found: ${what}',
      },
      {
        file: 'src/trader/strategies/market_maker.test.ts',
        name: 'each instrument is quoted by its own market and position (known mistake 30)',
      },
      {
        file: 'src/trader/strategies/liquidity_taker.test.ts',
        name: 'of each instrument alone (known mistake 30)',
      },
    ],
  ],
  [
    31,
    'large buffers for every accepted socket, before the log-in',
    [
      {
        file: 'src/wire/framing/framing.test.ts',
        name: 'a receive buffer starts small, grows when reads fill it, and stops at its cap (mistake 31)',
      },
      {
        file: 'test/exchange/hostile.test.ts',
        name: '1,000 idle connections cost little, are counted out, and hold nobody up',
      },
    ],
  ],
  [
    32,
    'a quote skew that moves one side only, or is cast to unsigned',
    [
      {
        file: 'src/trader/strategies/market_maker_bps.test.ts',
        name: 'both sides are shifted by the signed skew (known mistake 32)',
      },
      {
        file: 'src/trader/strategies/market_maker_bps.test.ts',
        name: 'a skew that only ever moves one side is found (known mistake 32, planted)',
      },
      {
        file: 'src/trader/strategies/market_maker_bps.test.ts',
        name: 'a skew cast to unsigned is found (known mistake 32, planted)',
      },
      {
        file: 'src/trader/strategies/market_maker.test.ts',
        name: 'a price outside of the instrument is not quoted; the other side is (known mistake 32)',
      },
    ],
  ],
  [
    33,
    'stops that cannot be cancelled, or trigger on the wrong side',
    [
      scenario('stops', 'Known mistake 33: a waiting stop can be cancelled, reduced and replaced'),
      scenario('stops', 'Trigger table, buy: at the stop price'),
      scenario('stops', 'Trigger table, sell: at the stop price'),
    ],
  ],
  [
    34,
    'an iceberg refresh that crosses the book or keeps its priority',
    [
      scenario(
        'iceberg',
        'Known mistake 34: when the visible part is used up, the next one queues at the back',
      ),
      scenario(
        'known_mistakes',
        "34: an iceberg's next part never crosses and never jumps the queue",
      ),
    ],
  ],
  [
    35,
    'a repriced order rests without being matched again',
    [
      scenario(
        'replace_and_reduce',
        'Known mistake 35: a new price is matched again, the trades follow the replace',
      ),
    ],
  ],
];

/**
 * Does the file have a test or scenario of that name? A name with a placeholder stands as it is in
 * the source.
 */
function has(text: string, { file, name }: Proof): boolean {
  if (file.endsWith('.txt')) return text.split('\n').includes(`== ${name}`);
  const starts = ["'", '"', '`'].map(
    (quote) => `test(${quote}${name.replaceAll(quote, `\\${quote}`)}${quote}`,
  );
  return starts.some((start) => text.includes(`${start},`));
}

for (const [row, mistake, proofs] of MISTAKES) {
  test(`mistake ${row} has its test: ${mistake}`, () => {
    assert.ok(proofs.length > 0);
    for (const proof of proofs) {
      const file = new URL(`../${proof.file}`, import.meta.url);
      assert.ok(existsSync(file), `${proof.file} is gone`);
      assert.ok(
        has(readFileSync(file, 'utf8'), proof),
        `${proof.file} has no test called ${JSON.stringify(proof.name)}`,
      );
    }
  });
}

test('the table is sorted, and a name that is not there is noticed', () => {
  const rows = MISTAKES.map(([row]) => row);
  assert.deepEqual(
    rows,
    [...new Set(rows)].toSorted((a, b) => a - b),
  );
  const text = "test('one', () => {});\n// test('two' was here\n";
  assert.ok(has(text, { file: 'x.test.ts', name: 'one' }));
  assert.ok(!has(text, { file: 'x.test.ts', name: 'two' }));
  assert.ok(!has('== One order\n', { file: 'x.txt', name: 'One' }));
});
