import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chooseSource, DATA_FOLDER, largestRecording } from './demo_source.ts';
import { RequestKind } from '../recorded/order_flow.ts';

const MESSAGES = `34200.1,1,11,100,2238100,1
34200.2,1,12,50,2239100,-1
34200.3,3,11,100,2238100,1
`;

function folder(): string {
  return mkdtempSync(join(tmpdir(), 'outcry-demo-'));
}

test('the longest recording of the folder is taken, its symbol and day read from its name', () => {
  const data = folder();
  writeFileSync(join(data, 'AAPL_2012-06-21_34200000_message_10.csv'), MESSAGES.slice(0, 27));
  writeFileSync(join(data, 'AMZN_2012-06-21_message_1.csv'), MESSAGES);
  writeFileSync(join(data, 'README.md'), 'x'.repeat(1000));
  const source = chooseSource({}, data);
  assert.equal(source.symbol, 'AMZN');
  assert.equal(source.description, 'recorded 2012-06-21');
  const flow = source.pass(7);
  assert.ok(flow.next());
  assert.deepEqual({ ...flow.request }, {
    timeNs: 34_200_100_000_000, kind: RequestKind.New, orderId: 7, side: 1, price: 22_381, qty: 100,
  });
  flow.close();
  rmSync(data, { recursive: true });
});

test('without a recording the generated flow is used, in half cents', () => {
  const data = folder();
  assert.equal(largestRecording(join(data, 'absent')), null);
  mkdirSync(join(data, 'empty'));
  const source = chooseSource({}, join(data, 'empty'));
  assert.equal(source.description, 'generated, normal');
  const flow = source.pass(1);
  let prices = 0;
  for (let i = 0; i < 1000 && flow.next(); i++) prices += flow.request.price % source.tickSize;
  assert.equal(prices, 0, 'every price is on the tick grid');
  flow.close();
  rmSync(data, { recursive: true });
});

test('a file of another name is a stock without one; what is missing or unknown is said', () => {
  const data = folder();
  const path = join(data, 'my_flow.csv');
  writeFileSync(path, MESSAGES);
  assert.equal(chooseSource({ data: path }).description, 'flow of my_flow.csv');
  rmSync(data, { recursive: true });
  assert.throws(() => chooseSource({ data: path }), /--data: no file .*my_flow.csv/);
  assert.throws(
    () => chooseSource({ scenario: 'calm' }), /expected one of static, normal, .* was "calm"/,
  );
  assert.throws(() => chooseSource({ scenario: 'normal', data: 'x' }), /exclude each other/);
});

test('recordings beside the project, where they are', (t) => {
  const path = largestRecording(DATA_FOLDER);
  if (path === null) return t.skip('no recordings beside the project');
  const source = chooseSource({});
  const flow = source.pass(1);
  let requests = 0;
  while (requests < 5000 && flow.next()) requests++;
  flow.close();
  assert.ok(requests > 500);
});
