import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pauses } from './demo_pauses.ts';

test('a trader goes on when both have let go: neither lifts the pause of the other', () => {
  let state = 'running';
  const pauses = new Pauses({ pause: () => (state = 'paused'), resume: () => (state = 'running') });
  const steps: [who: 'byDemo' | 'byOperator', paused: boolean, then: string][] = [
    ['byDemo', true, 'paused'], ['byDemo', false, 'running'],
    ['byOperator', true, 'paused'], ['byDemo', true, 'paused'], ['byDemo', false, 'paused'], ['byOperator', false, 'running'],
    ['byDemo', true, 'paused'], ['byOperator', false, 'paused'], ['byOperator', true, 'paused'], ['byDemo', false, 'paused'],
    ['byOperator', false, 'running'],
  ];
  for (const [index, [who, paused, then]] of steps.entries()) {
    pauses[who](paused);
    assert.equal(state, then, `step ${index}: ${who}(${paused})`);
  }
});
