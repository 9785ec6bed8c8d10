// The other process of the benchmark `json`: takes one connection, reads messages until all have come, answers one byte,
// and says the sums.
import { assert } from '../src/base/assert.ts';
import { chooseNetwork } from '../src/net/choose_network.ts';
import { CLOSED, type StreamConnection, type StreamListener } from '../src/net/transport.ts';
import { ReceiveBuffer } from '../src/wire/framing/receive_buffer.ts';
import { type JsonAnswer, JsonReader, type JsonTask } from './json_messages.ts';
import { pinTo } from './pin.ts';

const BUFFER_BYTES = 256 * 1024;
/** A parent that was told where to connect does so at once. */
const CONNECT_MS = 30_000;

const { network } = chooseNetwork();
const buffer = new ReceiveBuffer(BUFFER_BYTES, BUFFER_BYTES);
pinTo(0);

function acceptOne(listener: StreamListener): StreamConnection {
  const untilMs = performance.now() + CONNECT_MS;
  while (performance.now() < untilMs) {
    network.poll();
    const connection = listener.accept();
    if (connection !== null) return connection;
  }
  throw new Error('nobody has connected');
}

function readAll(connection: StreamConnection, messages: number): readonly number[] {
  const reader = new JsonReader();
  const { values } = reader.sums;
  buffer.clear();
  while (values[6] < messages) {
    network.poll();
    const room = buffer.room();
    const length = connection.receive(buffer.bytes, buffer.end, room);
    assert(length !== CLOSED, 'the sender stays connected');
    if (length === 0) continue;
    buffer.received(length);
    reader.read(buffer);
  }
  assert(connection.send(buffer.bytes, 0, 1) === 1, 'one byte always fits');
  while (connection.receive(buffer.bytes, 0, 1) !== CLOSED) network.poll();
  return [...values];
}

async function perform({ messages }: JsonTask): Promise<void> {
  const listener = await network.listen({ host: '127.0.0.1', port: 0 });
  say({ port: listener.port });
  // The loop takes this thread; what was said goes out first.
  setTimeout(() => {
    const connection = acceptOne(listener);
    const sums = readAll(connection, messages);
    connection.close();
    listener.close();
    say({ sums });
  }, 5);
}

function say(answer: JsonAnswer): void {
  process.send?.(answer);
}

process.on('message', (task: JsonTask) => void perform(task));
process.on('disconnect', () => process.exit());
