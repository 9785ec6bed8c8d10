import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccountCheck, accountOf } from './demo_traders.ts';
import { status } from './trade_status.reference.ts';
import type { ExchangeAccounts } from './demo_process.ts';
import type { ClientAccount } from './demo_traders.ts';

const SUMS = { accounts: 2, position: 0, cash: 0, trades: 5 };
const ONE: ClientAccount = { client: 1, sequence: 7, position: 30, cash: -3_000 };
const TWO: ClientAccount = { client: 2, sequence: 9, position: -30, cash: 3_000 };

/** An exchange that knows this. */
function exchange(known: Partial<ExchangeAccounts>): {
  accounts: () => Promise<ExchangeAccounts>;
} {
  const states = [{ ...ONE, fills: 1 }, { ...TWO, fills: 1 }];
  return { accounts: () => Promise.resolve({ states, sums: SUMS, ...known }) };
}

test('views that are the exchange’s are counted', async () => {
  const check = new AccountCheck();
  await check.compare(exchange({}), [ONE, TWO]);
  await check.compare(exchange({ states: [{ ...ONE, fills: 1 }, null] }), [ONE, TWO]);
  assert.deepEqual(check.summary, {
    clients: 2, compared: 3, position: 0, cash: 0, difference: '',
  });
});

test('the first difference is kept: a position, a sum of cash', async () => {
  const check = new AccountCheck();
  await check.compare(exchange({}), [ONE, { ...TWO, position: -29 }]);
  const first = 'client 2 after response 9: expected position -30 and cash 3000, was -29 and 3000';
  assert.equal(check.summary.difference, first);
  await check.compare(exchange({ sums: { ...SUMS, cash: 1 } }), [ONE, TWO]);
  assert.equal(check.summary.difference, first);
  const other = new AccountCheck();
  await other.compare(exchange({ sums: { ...SUMS, cash: 1 } }), [ONE, TWO]);
  assert.equal(other.summary.difference, 'accounts sum to 0 and 1, expected 0 and 0');
});

test('one comparison at a time, none left out', async () => {
  const check = new AccountCheck();
  let asked = 0;
  let answer: (known: ExchangeAccounts) => void = () => {};
  const slow = {
    accounts: () => {
      asked++;
      return new Promise<ExchangeAccounts>((resolve) => (answer = resolve));
    },
  };
  const first = check.compare(slow, [ONE]);
  const second = check.compare(slow, [ONE]);
  await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(asked, 1);
  answer({ states: [{ ...ONE, fills: 1 }], sums: SUMS });
  await first;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(asked, 2);
  answer({ states: [{ ...ONE, fills: 1 }], sums: SUMS });
  await second;
  assert.equal(check.summary.compared, 2);
});

test('a trader’s account is its first instrument’s', () => {
  const { client, sequence, position, cash } = accountOf(status({ position: 100 }));
  assert.deepEqual([client, sequence, position, cash], [2, 99, 100, -223_950_000]);
});
