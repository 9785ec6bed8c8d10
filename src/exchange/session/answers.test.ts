// The answers to an account's last new orders, beside a Map.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../base/prng.ts';
import { ANSWERS_KEPT, Answers, NO_ANSWER } from './answers.ts';

test('the last answers are found by id, older ones are not, and gaps between ids are no answers', () => {
  const answers = new Answers();
  assert.equal(answers.find(1, 0), NO_ANSWER);
  for (let i = 1; i <= ANSWERS_KEPT + 10; i++) answers.note(i * 2, 0, i);
  assert.equal(answers.find(20, 0), NO_ANSWER, 'the tenth has made room');
  assert.equal(answers.find(22, 0), 11);
  assert.equal(answers.find(23, 0), NO_ANSWER);
  assert.equal(answers.find((ANSWERS_KEPT + 10) * 2, 0), ANSWERS_KEPT + 10);
  assert.equal(answers.find(1, 1), NO_ANSWER, 'above all');
});

test('both halves of an id count, and an answer once noted stands', () => {
  const answers = new Answers();
  answers.note(0xffff_ffff, 0, 1);
  answers.note(0, 1, 2);
  answers.note(0xffff_ffff, 0, 3);
  answers.note(0, 1, 4);
  assert.equal(answers.find(0xffff_ffff, 0), 1);
  assert.equal(answers.find(0, 1), 2);
});

test('random ids: as a Map of the last ones', () => {
  const prng = new Prng(11);
  const answers = new Answers();
  const told: [number, number, number][] = [];
  let low = 0;
  let high = 0;
  for (let sequence = 1; sequence <= 5_000; sequence++) {
    if (prng.below(50) === 0) high += prng.between(1, 3);
    const before = low;
    low = prng.below(0x1_0000_0000);
    if (low <= before) high++;
    answers.note(low, high, sequence);
    told.push([low, high, sequence]);
    const [lo, hi, number] = told[prng.below(told.length)];
    const kept = number > sequence - ANSWERS_KEPT;
    assert.equal(answers.find(lo, hi), kept ? number : NO_ANSWER);
  }
});
