import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonLine, quoted, Timestamps, wholeText } from './lines.ts';

test('a line has its fields in their order, those without a value left out, and is JSON', () => {
  const line = jsonLine({ event: '"x"', none: undefined, price: '100.10', text: quoted('"é\n') });
  assert.equal(line, '{"event":"x","price":100.10,"text":"\\"é\\n"}\n');
  assert.deepEqual(JSON.parse(line), { event: 'x', price: 100.1, text: '"é\n' });
});

test('whole numbers: as numbers where a double has them exactly', () => {
  assert.equal(wholeText(2n ** 53n - 1n), '9007199254740991');
  assert.equal(wholeText(2n ** 53n), '"9007199254740992"');
  assert.equal(wholeText(2n ** 64n - 1n), '"18446744073709551615"');
});

test('timestamps are of now, in whole microseconds, and never fall, whatever either clock does', () => {
  const timestamps = new Timestamps();
  const before = BigInt(Date.now()) * 1_000_000n;
  let last = BigInt(timestamps.text(0));
  assert.ok(last >= before && last - before < 60_000_000_000n);
  // Half a second of the loop's clock, a second in which the wall's stands still, and one step back.
  for (const nowNs of [1, 1_000, 500_000_000, 1_500_000_000, 1_500_000_500, 1_400_000_000]) {
    const text = timestamps.text(nowNs);
    assert.match(text, /^\d{16}000$/);
    assert.ok(BigInt(text) >= last, `${text} after ${last}`);
    last = BigInt(text);
  }
  assert.ok(last - before >= 500_000_000n);
});
