import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { Histogram } from '../base/histogram.ts';
import { RoundTrip } from './round_trip.ts';

function followed(): { trip: RoundTrip; clock: ManualClock; times: () => number[] } {
  const clock = new ManualClock();
  const trip = new RoundTrip(clock, new Histogram());
  const times = (): number[] => {
    const found: number[] = [];
    trip.histogram.forEachCell((lowest, _highest, count) => found.push(...Array.from({ length: count }, () => lowest)));
    return found;
  };
  return { trip, clock, times };
}

test('from the send of an order to its own answer, whatever else comes between', () => {
  const { trip, clock, times } = followed();
  trip.offer(7);
  clock.advance(1_000);
  trip.sent();
  clock.advance(300);
  trip.offer(8);
  trip.sent();
  trip.answered(6);
  trip.answered(8);
  assert.deepEqual(times(), []);
  clock.advance(200);
  trip.answered(7);
  trip.answered(7);
  assert.deepEqual(times(), [500]);
});

test('the next order that is encoded is followed then', () => {
  const { trip, clock, times } = followed();
  for (const orderId of [1, 2, 3]) {
    trip.offer(orderId);
    trip.sent();
    clock.advance(orderId * 10);
    trip.answered(orderId);
  }
  assert.deepEqual(times(), [10, 20, 30]);
});

test('an order whose session broke is nobody\'s, and one that was not sent has no time', () => {
  const { trip, clock, times } = followed();
  trip.offer(1);
  trip.sent();
  trip.forget();
  clock.advance(50);
  trip.answered(1);
  trip.offer(2);
  trip.answered(2);
  trip.sent();
  trip.forget();
  trip.sent(); // nothing is followed: no time is taken
  trip.offer(3);
  clock.advance(50);
  trip.sent();
  clock.advance(5);
  trip.answered(3);
  assert.deepEqual(times(), [5]);
});
