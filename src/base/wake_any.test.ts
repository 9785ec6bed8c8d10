import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WakeSource } from './agent.ts';
import { anyOf } from './wake_any.ts';

/** Has news when the test says so, or in the moment that it is armed. */
class Played implements WakeSource {
  wake: (() => void) | null = null;
  arms = 0;
  readonly #atOnce: boolean;

  constructor(atOnce = false) {
    this.#atOnce = atOnce;
  }

  arm(wake: () => void): void {
    this.arms += 1;
    this.wake = wake;
    if (this.#atOnce) wake();
  }

  disarm(): void {
    this.wake = null;
  }
}

test('whichever has news wakes, once, however many have', () => {
  const [first, second] = [new Played(), new Played()];
  const any = anyOf(first, second);
  let wakes = 0;
  any.arm(() => (wakes += 1));
  second.wake?.();
  first.wake?.();
  second.wake?.();
  assert.equal(wakes, 1);
  any.disarm();
  assert.deepEqual([first.wake, second.wake], [null, null]);
  any.arm(() => (wakes += 1));
  first.wake?.();
  assert.equal(wakes, 2, 'and the next time again');
});

test('news in the moment of arming: those behind are not armed, for the loop is awake already', () => {
  const [first, second] = [new Played(true), new Played()];
  let wakes = 0;
  anyOf(first, second).arm(() => (wakes += 1));
  assert.deepEqual([wakes, second.arms], [1, 0]);
});

test('one alone is itself', () => {
  const only = new Played();
  assert.equal(anyOf(only), only);
});
