// The other process of the benchmark `sockets`: does as its parent says, one thing at a time, and sleeps in between.
//
//   { echo: 'ts' | 'c' }     takes one connection, sends back what comes until it ends; by our transport or by sockets.c
//   { sink: bytes }          takes one connection, counts messages by their first byte, answers one byte when all have come
import { assert } from '../src/base/assert.ts';
import { chooseNetwork } from '../src/net/choose_network.ts';
import { CLOSED, type Network, type StreamConnection, type StreamListener } from '../src/net/transport.ts';
import { pinTo } from './pin.ts';
import { cSockets } from './reference/c_sockets.ts';
import { MESSAGE_BYTES, type PeerAnswer, type PeerTask } from './socket_tasks.ts';

/** Buffer of the sink: what the exchange's sessions grow to. */
const BUFFER_BYTES = 64 * 1024;

/** A parent that was told where to connect does so at once. */
const CONNECT_MS = 30_000;

const { network } = chooseNetwork();
const buffer = new Uint8Array(new ArrayBuffer(BUFFER_BYTES));
pinTo(0);

/** Spins until somebody has connected; nobody: the parent has died, and this process with it. */
function acceptOne(from: Network, listener: StreamListener): StreamConnection {
  const untilMs = performance.now() + CONNECT_MS;
  while (performance.now() < untilMs) {
    from.poll();
    const connection = listener.accept();
    if (connection !== null) return connection;
  }
  throw new Error('nobody has connected');
}

function echo(connection: StreamConnection): number {
  let total = 0;
  for (;;) {
    network.poll();
    const count = connection.receive(buffer, 0, buffer.length);
    if (count === CLOSED) return total;
    for (let sent = 0; sent < count; ) sent += Math.max(0, connection.send(buffer, sent, count - sent));
    total += count;
  }
}

/** Every message is looked at: its first byte says its number modulo 256. */
function sink(connection: StreamConnection, bytes: number): number {
  let total = 0;
  let held = 0; // bytes of a message that has not come whole
  let next = 0;
  while (total < bytes) {
    network.poll();
    const count = connection.receive(buffer, held, buffer.length - held);
    assert(count !== CLOSED, 'the sender stays connected');
    if (count === 0) continue;
    total += count;
    const end = held + count;
    let at = 0;
    for (; at + MESSAGE_BYTES <= end; at += MESSAGE_BYTES) {
      assert(buffer[at] === (next & 0xff), 'messages come in order, each once');
      next += 1;
    }
    buffer.copyWithin(0, at, end);
    held = end - at;
  }
  assert(connection.send(buffer, 0, 1) === 1, 'one byte always fits');
  for (;;) {
    network.poll();
    if (connection.receive(buffer, 0, 1) === CLOSED) return total;
  }
}

function say(answer: PeerAnswer): void {
  process.send?.(answer);
}

async function perform(task: PeerTask): Promise<void> {
  if ('echo' in task && task.echo === 'c') {
    const c = cSockets();
    assert(c !== null, 'who asks for C has a compiler');
    const listener = c.listen();
    say({ port: listener.port });
    // The loop takes this thread until the peer closes; what was said goes out first.
    setTimeout(() => say({ done: c.echo(listener.fd) }), 5);
    return;
  }
  const listener = await network.listen({ host: '127.0.0.1', port: 0 });
  say({ port: listener.port });
  setTimeout(() => {
    const connection = acceptOne(network, listener);
    const bytes = 'sink' in task ? sink(connection, task.sink) : echo(connection);
    connection.close();
    listener.close();
    say({ done: bytes });
  }, 5);
}

process.on('message', (task: PeerTask) => void perform(task));
process.on('disconnect', () => process.exit());
