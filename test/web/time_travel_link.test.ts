// Addresses of instants and times of a day, there and back; under Node, for neither needs a browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { AT_END, linkTo, orderNamed, placeOf, type Place } from '../../web/time_travel/link.ts';
import { dayText, timeNamed, timeOfDay } from '../../web/time_travel/times.ts';

test('an instant comes back from its address, whatever it is', () => {
  const prng = new Prng(5);
  for (let i = 0; i < 500; i++) {
    const place: Place = {
      timeMs: null,
      source: prng.chance(0.5) ? '' : `journal-${prng.below(9)} &=#%/é`,
      at: prng.below(2 ** 31), book: prng.below(4_096),
      order: prng.chance(0.5) ? null : { client: prng.below(2 ** 31) * 2 + 1, id: String((BigInt(prng.below(2 ** 31)) << 33n) | BigInt(prng.below(9))) },
      level: prng.chance(0.5) ? null : { side: prng.chance(0.5) ? 1 : -1, price: prng.between(-(2 ** 31), 2 ** 31 - 1) },
    };
    assert.deepEqual(placeOf(linkTo(place)), place);
  }
});

test('an address that says nothing, or nonsense, is the end of whatever is opened', () => {
  const nowhere: Place = { source: '', at: AT_END, timeMs: null, book: 0, order: null, level: null };
  for (const text of ['', '#', '#at=', '#at=-5', '#at=1e3', '#at=99999999999999999', '#order=7&level=bid', '#order=a.b&level=mid@5', '#level=bid@1.5', '#time=', '#time=-5', '#time=noon']) assert.deepEqual(placeOf(text), nowhere, text);
  assert.equal(orderNamed('7.18446744073709551615')?.id, '18446744073709551615');
  for (const text of ['7.18446744073709551616', '7', '.7', '7.', '7.1.2', '-7.1']) assert.equal(orderNamed(text), null, text);
});

test('the dashboard names an instant by its time; a position goes before it', () => {
  assert.deepEqual(placeOf('#source=exchange-12345&time=1795287729169&book=2'), {
    source: 'exchange-12345', at: AT_END, timeMs: 1_795_287_729_169, book: 2, order: null, level: null,
  });
  assert.deepEqual([placeOf('#at=7&time=5').at, placeOf('#at=7&time=5').timeMs], [7, null]);
});

test('times of day: all nanoseconds, over midnight, from a zero amid a second', () => {
  const thin = '\u202f';
  assert.equal(timeOfDay(34_200_018_960_767, null), `09:30:00.018${thin}960${thin}767`);
  assert.equal(timeOfDay(34_200_018_960_767, Date.UTC(2012, 5, 21), 3), '09:30:00.018');
  assert.equal(timeOfDay(500_000_001, Date.UTC(2026, 0, 1, 23, 59, 59, 700)), `00:00:00.200${thin}000${thin}001`);
  assert.equal(timeOfDay(999_999_999, null, 0), '00:00:00');
  assert.equal(dayText(Date.UTC(2026, 0, 1, 23, 59, 59, 700), 500_000_000), '2026-01-02');
  assert.equal(dayText(null, 5), '');
});

test('a time that somebody writes is found on the day that is shown', () => {
  const zeroMs = Date.UTC(2026, 0, 1, 9, 0, 0, 250);
  const at = timeNamed('09:31:05.25', zeroMs, 0)!;
  assert.equal(timeOfDay(at, zeroMs, 3), '09:31:05.250');
  assert.equal(timeNamed('9:30', null, 0), 34_200e9);
  assert.equal(timeNamed('00:00:01', null, 90_000e9), 86_401e9, 'on the second day');
  for (const text of ['', '9', '9:3', '12.5', '7.123', '#5', '9:30:5']) assert.equal(timeNamed(text, null, 0), null, text);
});
