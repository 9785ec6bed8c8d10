import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MatchingEngine } from '../book/matching_engine.ts';
import { Cmd, EVENT, Side } from '../book/types.ts';
import { AccountLedger } from './account_ledger.ts';

/** An engine whose events go to a ledger; responses are counted as an exchange would write them. */
function rig(): {
  ledger: AccountLedger;
  order: (client: number, side: number, price: number, qty: number) => void;
  told: (client: number) => number;
} {
  const engine = new MatchingEngine({
    instruments: [{ minPrice: 1, maxPrice: 1_000_000 }], ordersMax: 100_000,
  });
  const sequences = new Map<number, number>();
  const told = (client: number): number => sequences.get(client) ?? 0;
  const ledger = new AccountLedger(engine, 5, told);
  let id = 0n;
  return {
    ledger, told,
    order: (client, side, price, qty) => {
      const from = engine.eventsWritten();
      const events = engine.submit({ type: Cmd.New, client, id: ++id, side, price, qty });
      for (const [n, event] of events.entries()) {
        if (event.type === 'trade') {
          for (const one of [event.takerClient, event.makerClient]) {
            sequences.set(one, told(one) + 1);
          }
        } else if ('client' in event && event.type !== 'rested') {
          sequences.set(event.client, told(event.client) + 1);
        }
        ledger.onEvent(engine.eventBase + ((from + n) & engine.eventMask) * EVENT.size);
      }
    },
  };
}

test('an account is what its trades have made of it, at each of its moments', () => {
  const { ledger, order, told } = rig();
  order(1, Side.Sell, 100, 10); //        1: accepted
  order(2, Side.Buy, 100, 4); //          2: accepted, filled;  1: filled (2)
  order(2, Side.Buy, 101, 10); //         2: accepted, filled, …
  assert.deepEqual(ledger.at(1, 1), { client: 1, sequence: 1, position: 0, cash: 0, fills: 0 });
  assert.deepEqual(
    ledger.at(1, 2), { client: 1, sequence: 2, position: -4, cash: 4 * 500, fills: 1 },
  );
  assert.deepEqual(
    ledger.at(2, told(2)), {
      client: 2, sequence: told(2), position: 10, cash: -10 * 500, fills: 2,
    },
  );
  assert.deepEqual(ledger.at(9, 77), { client: 9, sequence: 77, position: 0, cash: 0, fills: 0 });
  assert.deepEqual(ledger.sums(), { accounts: 2, position: 0, cash: 0, trades: 2 });
});

test('who trades with himself is told twice and has nothing of it', () => {
  const { ledger, order } = rig();
  order(1, Side.Sell, 100, 10); // 1
  order(1, Side.Buy, 100, 10); //  2 accepted, 3 bought, 4 sold
  assert.equal(ledger.at(1, 2)?.position, 0);
  assert.equal(ledger.at(1, 3)?.position, 10);
  assert.equal(ledger.at(1, 4)?.position, 0);
  assert.equal(ledger.at(1, 4)?.cash, 0);
});

test('moments too long ago are not guessed', () => {
  const { ledger, order, told } = rig();
  for (let i = 0; i < 70_000; i++) {
    order(1, Side.Sell, 100, 1);
    order(2, Side.Buy, 100, 1);
  }
  assert.equal(ledger.at(1, 2), null);
  assert.equal(ledger.at(1, told(1))?.position, -70_000);
  assert.equal(ledger.at(1, told(1) - 2)?.position, -69_999);
  assert.deepEqual(ledger.sums(), { accounts: 2, position: 0, cash: 0, trades: 70_000 });
});
