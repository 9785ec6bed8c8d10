// Reading plain market data messages allocates nothing. A file of its own: what other tests compile would count.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leastHeapPerOperation } from '../../bench/harness/heap.ts';
import { jsonMessages, JsonReader } from '../../bench/json_messages.ts';
import { ReceiveBuffer } from '../wire/framing/receive_buffer.ts';

const MESSAGES = 20_000;
/** Of JavaScript heap. */
const BYTES_PER_MESSAGE_MAX = 0.1;

test('cutting lines and reading messages: at most 0.1 byte of heap a message', async () => {
  const bytes = jsonMessages(MESSAGES);
  const buffer = new ReceiveBuffer(bytes.length, bytes.length);
  buffer.bytes.set(bytes);
  buffer.received(bytes.length);
  const reader = new JsonReader();
  const round = (): void => {
    buffer.start = 0;
    reader.read(buffer);
  };
  const perMessage = await leastHeapPerOperation(round, MESSAGES, BYTES_PER_MESSAGE_MAX);
  assert.ok(perMessage <= BYTES_PER_MESSAGE_MAX, `${perMessage} bytes of heap a message`);
  assert.equal(reader.message.unusual, 0);
});
