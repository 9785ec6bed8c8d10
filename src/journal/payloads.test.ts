// Payloads there and back, and any bytes in words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { MatchingEngine } from '../book/matching_engine.ts';
import {
  Cmd,
  COMMAND,
  type Command,
  OrderType,
  Reason,
  Side,
  State,
  Stp,
  Tif,
} from '../book/types.ts';
import { ClientResponse, ResponseType } from '../wire/generated/native.ts';
import {
  decodeCommands,
  decodeJson,
  decodeSession,
  decodeSnapshotMark,
  decodeStart,
  decodeStateHash,
  describePayload,
  encodeJson,
  encodeSession,
  encodeSnapshotMark,
  encodeStart,
  encodeStateHash,
  SessionEvent,
} from './payloads.ts';
import { JournalType, journalTypes } from './record_types.ts';

test('each payload comes back as it was, also out of the middle of a buffer', () => {
  const moved = (bytes: Uint8Array): Uint8Array => {
    const larger = new Uint8Array(bytes.length + 20).fill(0xee);
    larger.set(bytes, 7);
    return larger.subarray(7, 7 + bytes.length);
  };
  const start = { wallClockMs: 1_795_253_400_123, text: 'outcry 0.1.0 – grün' };
  assert.deepEqual(decodeStart(moved(encodeStart(start.wallClockMs + 0.9, start.text))), start);
  const session = {
    event: SessionEvent.Closed,
    framing: 3,
    client: 0xffff_fffe,
    orderId: 2n ** 64n - 2n,
    outboundSequence: 2 ** 40,
    account: 'eight888',
  };
  assert.deepEqual(decodeSession(moved(encodeSession(session))), session);
  assert.deepEqual(decodeSession(encodeSession({ ...session, account: '' })).account, '');
  assert.throws(() => encodeSession({ ...session, account: 'nine99999' }), /at most 8 characters/);
  assert.equal(decodeStateHash(moved(encodeStateHash(2n ** 64n - 1n))), 2n ** 64n - 1n);
  const mark = { sequence: 2 ** 50, hash: 5n };
  assert.deepEqual(decodeSnapshotMark(moved(encodeSnapshotMark(mark.sequence, mark.hash))), mark);
  assert.deepEqual(decodeJson(moved(encodeJson({ a: [1, 'ü'] }))), { a: [1, 'ü'] });
});

function batchOf(commands: readonly Command[]): Uint8Array {
  const engine = new MatchingEngine({ instruments: [{ minPrice: 1, maxPrice: 9 }], ordersMax: 1 });
  let slots = 0;
  for (const command of commands) slots += engine.writeCommand(slots, command);
  return engine.u8.slice(engine.commandBase, engine.commandBase + slots * COMMAND.size);
}

test('every command of a batch, by field; an extended one takes two slots', () => {
  const order = {
    type: Cmd.New, client: 7, id: 9n, side: Side.Buy, price: -5, qty: 3, orderType: OrderType.StopLimit,
    tif: Tif.Fok, stp: Stp.CancelBoth, postOnly: true, display: 1, minQty: 2, stopPrice: -4, owner: 8,
  };
  const decoded = [...decodeCommands(batchOf([
    order,
    { type: Cmd.Cancel, client: 7, id: 9n, book: 4095 },
    { type: Cmd.Replace, client: 7, id: 9n, price: 6, qty: 2, chain: true },
    { type: Cmd.Reduce, client: 7, id: 9n, qty: 1 },
    { type: Cmd.MassCancel, client: 7, side: Side.Sell, book: 0xffff },
    { type: Cmd.State, state: State.Closed },
    { type: Cmd.Reject, op: Cmd.Replace, reason: Reason.Rate, client: 1, id: 2n },
  ]))];
  const common = { book: 0, client: 7, order: 9n, side: 'none', price: 0, qty: 0 };
  assert.deepEqual(decoded, [
    {
      slot: 0, command: 'new', book: 0, client: 7, order: 9n, side: 'buy', price: -5, qty: 3,
      orderType: 'stop-limit', tif: 'fok', stp: 'cancel-both', postOnly: true, display: 1, minQty: 2,
      stopPrice: -4, owner: 8,
    },
    { ...common, slot: 2, command: 'cancel', book: 4095 },
    { ...common, slot: 3, command: 'replace', price: 6, qty: 2, chain: true },
    { ...common, slot: 4, command: 'reduce', qty: 1 },
    { ...common, slot: 5, command: 'mass-cancel', book: 0xffff, side: 'sell', order: 0n },
    { ...common, slot: 6, command: 'state', state: 'closed', client: 0, order: 0n },
    { ...common, slot: 7, command: 'reject', client: 1, order: 2n, rejected: 'replace', reason: 'rate' },
  ]);
});

test('any bytes of any type are described, and nothing is thrown', () => {
  const prng = new Prng(3);
  for (let round = 0; round < 3000; round++) {
    const bytes = Uint8Array.from({ length: prng.below(100) }, () => prng.below(256));
    const types = [...journalTypes().map(([type]) => type), 77];
    const described = describePayload(types[prng.below(types.length)], bytes);
    assert.equal(typeof described, 'object');
  }
  assert.deepEqual(describePayload(JournalType.Config, new Uint8Array([1, 0xab])), { hex: '01ab' });
  assert.deepEqual(describePayload(JournalType.StateHash, new Uint8Array(3)), { hex: '000000' });
  assert.deepEqual(describePayload(77, new Uint8Array([5])), { hex: '05' });
  assert.deepEqual(describePayload(JournalType.Stop, new Uint8Array(0)), {});
  assert.deepEqual(describePayload(JournalType.SnapshotMark, encodeSnapshotMark(5, 10n)), {
    snapshot: 5,
    hash: '000000000000000a',
  });
});

test('the trading client’s records, as it writes them', () => {
  const response = new Uint8Array(8 + ClientResponse.bytes);
  const view = new DataView(response.buffer);
  view.setUint32(0, 12, true);
  ClientResponse.setType(view, 8, ResponseType.Filled);
  ClientResponse.setClient(view, 8, 3);
  ClientResponse.setTicker(view, 8, 1);
  ClientResponse.setClientOrderBig(view, 8, 77n);
  ClientResponse.setMarketOrderBig(view, 8, 1234n);
  ClientResponse.setSide(view, 8, -1);
  ClientResponse.setPriceBig(view, 8, -5n);
  ClientResponse.setExecQty(view, 8, 10);
  ClientResponse.setLeavesQty(view, 8, 20);
  assert.deepEqual(describePayload(JournalType.ClientResponse, response), {
    response: 12, event: 'filled', client: 3, ticker: 1, order: 77n, exchangeOrder: 1234n, side: 'sell',
    price: -5n, execQty: 10, leavesQty: 20,
  });
  const block = new Uint8Array(8);
  new DataView(block.buffer).setBigUint64(0, 2n ** 40n, true);
  assert.deepEqual(describePayload(JournalType.OrderIdBlock, block), { usableTo: 2 ** 40 });
  const session = new Uint8Array(18);
  session[0] = 9;
  session.set(new TextEncoder().encode('X00ABC'), 8);
  const described = describePayload(JournalType.ClientSession, session);
  assert.deepEqual(described, { nextResponse: 9, session: 'X00ABC' });
});
