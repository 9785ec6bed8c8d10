import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { BREAKER_STATE_TEXT, BreakerState, CircuitBreaker, type BreakerRule } from './circuit_breaker.ts';
import { ReferenceBreaker } from './circuit_breaker.reference.ts';

const MS = 1_000_000;
const ROUNDS = Number(process.env['ENGINE_SEEDS'] ?? 100);

const ERRORS: BreakerRule = {
  measure: 'error-rate', threshold: 0.5, limitNs: 0, windowNs: 1_600 * MS, minimum: 4, cooldownNs: 1_000 * MS,
  cooldownMaxNs: 3_000 * MS, probes: 2,
};
const LOSS: BreakerRule = { ...ERRORS, measure: 'loss', threshold: 100, minimum: 0 };
const LATENCY: BreakerRule = { ...ERRORS, measure: 'latency', limitNs: 1_000, threshold: 0.5 };

/** One line a step: what happens, when in ms, and the state that it must lead to. */
type Step = readonly [call: string, atMs: number, state: 'closed' | 'open' | 'half-open'];

function follow(rule: BreakerRule, steps: readonly Step[]): CircuitBreaker {
  const breaker = new CircuitBreaker(rule);
  for (const [index, [call, atMs, state]] of steps.entries()) {
    const nowNs = atMs * MS;
    const [verb, value] = call.split(' ');
    if (verb === 'ok') breaker.onAnswer(false, false, nowNs);
    else if (verb === 'refused') breaker.onAnswer(true, false, nowNs);
    else if (verb === 'probe-ok') breaker.onAnswer(false, true, nowNs);
    else if (verb === 'probe-refused') breaker.onAnswer(true, true, nowNs);
    else if (verb === 'profit') breaker.onProfit(Number(value), nowNs);
    else if (verb === 'latency') breaker.onLatency(Number(value), nowNs);
    else if (verb === 'sent') assert.ok(breaker.onSent(nowNs), `step ${index}: a probe`);
    else if (verb === 'allowed') assert.equal(breaker.allows(nowNs), value === 'yes', `step ${index}: allowed`);
    else if (verb === 'time') breaker.onTime(nowNs);
    else assert.fail(`no such step: ${call}`);
    assert.equal(BREAKER_STATE_TEXT[breaker.state], state, `step ${index}: ${call} at ${atMs} ms`);
    breaker.checkInvariants();
  }
  return breaker;
}

const TABLE: readonly (readonly [name: string, rule: BreakerRule, steps: readonly Step[]])[] = [
  ['opens at the threshold, not below it', ERRORS, [
    ['ok', 0, 'closed'], ['ok', 1, 'closed'], ['ok', 2, 'closed'], ['refused', 3, 'closed'], ['refused', 4, 'closed'],
    ['refused', 5, 'open'], ['allowed no', 6, 'open'],
  ]],
  ['a few refusals are no rate', ERRORS, [['refused', 0, 'closed'], ['refused', 1, 'closed'], ['refused', 2, 'closed'], ['refused', 3, 'open']]],
  ['what lies before the window is forgotten', ERRORS, [
    ['refused', 0, 'closed'], ['refused', 1, 'closed'], ['refused', 2, 'closed'], ['ok', 1_700, 'closed'],
    ['ok', 1_701, 'closed'], ['ok', 1_702, 'closed'], ['refused', 1_703, 'closed'],
  ]],
  ['half-opens after the cooldown and closes when its probes are accepted', ERRORS, [
    ['refused', 0, 'closed'], ['refused', 0, 'closed'], ['refused', 0, 'closed'], ['refused', 0, 'open'],
    ['allowed no', 999, 'open'], ['allowed yes', 1_000, 'half-open'], ['sent', 1_000, 'half-open'],
    ['allowed yes', 1_001, 'half-open'], ['sent', 1_001, 'half-open'], ['allowed no', 1_002, 'half-open'],
    ['probe-ok', 1_003, 'half-open'], ['allowed no', 1_003, 'half-open'], ['probe-ok', 1_004, 'closed'],
    ['refused', 1_005, 'closed'],
  ]],
  ['a refused probe opens it again, for twice as long, up to the longest', ERRORS, [
    ['refused', 0, 'closed'], ['refused', 0, 'closed'], ['refused', 0, 'closed'], ['refused', 0, 'open'],
    ['time', 1_000, 'half-open'], ['sent', 1_000, 'half-open'], ['probe-refused', 1_000, 'open'],
    ['time', 2_999, 'open'], ['time', 3_000, 'half-open'], ['sent', 3_000, 'half-open'], ['probe-refused', 3_000, 'open'],
    ['time', 5_999, 'open'], ['time', 6_000, 'half-open'],
  ]],
  ['answers to orders from before the opening are no probes', ERRORS, [
    ['refused', 0, 'closed'], ['refused', 0, 'closed'], ['refused', 0, 'closed'], ['refused', 0, 'open'],
    ['refused', 10, 'open'], ['ok', 11, 'open'], ['time', 1_000, 'half-open'], ['refused', 1_001, 'half-open'],
    ['ok', 1_002, 'half-open'], ['ok', 1_003, 'half-open'],
  ]],
  // Story: the patience with a probe was once counted from the half-opening, so one that was sent a cooldown later was
  // given up at once, and its acceptance closed nothing.
  ['a probe that is sent late counts like any other', ERRORS, [
    ['refused', 0, 'closed'], ['refused', 0, 'closed'], ['refused', 0, 'closed'], ['refused', 0, 'open'],
    ['time', 1_000, 'half-open'], ['sent', 9_000, 'half-open'], ['probe-ok', 9_001, 'half-open'], ['sent', 9_500, 'half-open'],
    ['probe-ok', 9_501, 'closed'],
  ]],
  ['a probe without an answer is given up after another cooldown', ERRORS, [
    ['refused', 0, 'closed'], ['refused', 0, 'closed'], ['refused', 0, 'closed'], ['refused', 0, 'open'],
    ['time', 1_000, 'half-open'], ['sent', 1_000, 'half-open'], ['sent', 1_000, 'half-open'], ['allowed no', 1_999, 'half-open'],
    ['allowed yes', 2_000, 'half-open'],
  ]],
  ['opens when the profit falls by the threshold from its highest in the window', LOSS, [
    ['profit 50', 0, 'closed'], ['profit 300', 10, 'closed'], ['profit 201', 20, 'closed'], ['profit 200', 30, 'open'],
  ]],
  ['a slow decline is none within the window', LOSS, [
    ['profit 300', 0, 'closed'], ['profit 201', 1_000, 'closed'], ['profit 150', 1_700, 'closed'], ['profit 120', 2_500, 'closed'],
  ]],
  ['a loss since the half-opening opens it again; accepted probes close it', LOSS, [
    ['profit 0', 0, 'closed'], ['profit -100', 1, 'open'], ['profit -500', 2, 'open'], ['time', 1_001, 'half-open'],
    ['profit -599', 1_002, 'half-open'], ['profit -600', 1_003, 'open'], ['time', 3_003, 'half-open'],
    ['sent', 3_004, 'half-open'], ['sent', 3_004, 'half-open'], ['probe-ok', 3_005, 'half-open'], ['probe-ok', 3_006, 'closed'],
  ]],
  ['opens when enough samples are slow', LATENCY, [
    ['latency 1000', 0, 'closed'], ['latency 1000', 1, 'closed'], ['latency 1001', 2, 'closed'], ['latency 5000', 3, 'open'],
  ]],
  ['one slow sample while half-open opens it again; a refusal says nothing about latency', LATENCY, [
    ['latency 9000', 0, 'closed'], ['latency 9000', 0, 'closed'], ['latency 9000', 0, 'closed'], ['latency 9000', 0, 'open'],
    ['time', 1_000, 'half-open'], ['sent', 1_000, 'half-open'], ['probe-refused', 1_001, 'half-open'],
    ['latency 999', 1_002, 'half-open'], ['latency 1001', 1_003, 'open'],
  ]],
];

for (const [name, rule, steps] of TABLE) test(`${rule.measure}: ${name}`, () => void follow(rule, steps));

test('a reset closes it and forgets', () => {
  const breaker = follow(ERRORS, [
    ['refused', 0, 'closed'], ['refused', 0, 'closed'], ['refused', 0, 'closed'], ['refused', 0, 'open'],
  ]);
  breaker.reset(5);
  assert.equal(breaker.state, BreakerState.Closed);
  assert.deepEqual(breaker.window(5), { bad: 0, all: 0 });
  assert.equal(breaker.openings, 1);
  assert.equal(breaker.openedBy, 1);
});

/** Random calls, the same to both; returns a difference. */
function compare(seed: number, breaker: CircuitBreaker, reference: ReferenceBreaker): string {
  const prng = new Prng(seed);
  let nowNs = 0;
  for (let step = 0; step < 400; step++) {
    nowNs += prng.below(1 + prng.below(900)) * MS;
    const chance = prng.below(100);
    const refused = prng.chance(0.5);
    if (chance < 30) {
      const allowed = breaker.allows(nowNs);
      if (allowed !== reference.allows(nowNs)) return `step ${step}: allows ${allowed}`;
      if (allowed && breaker.onSent(nowNs) !== reference.onSent(nowNs)) return `step ${step}: a probe or not`;
    } else if (chance < 60) {
      const probe = prng.chance(0.7);
      breaker.onAnswer(refused, probe, nowNs);
      reference.onAnswer(refused, probe, nowNs);
    } else if (chance < 80) {
      const value = prng.below(2_000);
      breaker.onLatency(value, nowNs);
      reference.onLatency(value, nowNs);
    } else if (chance < 98) {
      const money = prng.below(150);
      breaker.onProfit(money, nowNs);
      reference.onProfit(money, nowNs);
    } else {
      breaker.reset(nowNs);
      reference.reset(nowNs);
    }
    breaker.checkInvariants();
    if (breaker.state !== reference.state) return `step ${step}: state ${breaker.state}, was ${reference.state} in the twin`;
    if (breaker.openings !== reference.openings) return `step ${step}: ${breaker.openings} openings`;
  }
  return '';
}

for (const rule of [ERRORS, LOSS, LATENCY]) {
  test(`${rule.measure}: the same as its twin on random calls`, () => {
    let openings = 0;
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const breaker = new CircuitBreaker(rule);
      assert.equal(compare(seed, breaker, new ReferenceBreaker(rule)), '', `seed ${seed}`);
      openings += breaker.openings;
    }
    assert.ok(openings > ROUNDS, `${openings} openings`);
  });
}

test('planted: a window of one bucket less, a threshold that must be passed, a cooldown that never grows', () => {
  const planted: BreakerRule[] = [
    { ...ERRORS, windowNs: ERRORS.windowNs / 2 },
    { ...ERRORS, threshold: 0.500_001 },
    { ...ERRORS, cooldownMaxNs: ERRORS.cooldownNs },
  ];
  for (const wrong of planted) {
    const differences = Array.from({ length: 50 }, (_, seed) =>
      compare(seed, new CircuitBreaker(wrong), new ReferenceBreaker(ERRORS)));
    assert.ok(differences.some((difference) => difference !== ''), 'found');
  }
});
