// Our own stack over a bad cable, in simulated time: streams both ways at once with frames lost, doubled, swapped and damaged,
// readers that pause, ends in any order. Whatever arrives is what was sent, in order, and everything arrives. Then frames
// that nobody would send: none may do any harm. OUTCRY_FRAME_SEEDS sets the length.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import { ManualClock } from '../base/clock.ts';
import { Prng } from '../base/prng.ts';
import { parseIpv4 } from './address.ts';
import { FrameCable, GOOD_CABLE, type CableFaults } from './frame_cable.ts';
import { FrameNetwork } from './frame_network.ts';
import { headerChecksum, IP_AT, IPV4_BYTES, PROTOCOL_TCP, TRANSPORT_AT, transportChecksum } from './packet.ts';
import { CLOSED, WOULD_BLOCK, type StreamConnection } from './transport.ts';

const SEEDS = Number(process.env['OUTCRY_FRAME_SEEDS'] ?? 12);
const A = '10.1.0.1';
const B = '10.1.0.2';
const TURN_NS = 500_000;
const TURNS_MAX = 400_000;

interface Rig { cable: FrameCable; clock: ManualClock; a: FrameNetwork; b: FrameNetwork; turn: () => void }

function rig(seed: number): Rig {
  const cable = new FrameCable({ seed });
  const clock = new ManualClock();
  const subnet = { prefixBits: 24, gateway: 0, neighbours: [], clock };
  const a = new FrameNetwork(cable.ends[0], { ...subnet, ipv4: parseIpv4(A), seed: seed * 2 });
  const b = new FrameNetwork(cable.ends[1], { ...subnet, ipv4: parseIpv4(B), seed: seed * 2 + 1 });
  const turn = (): void => {
    clock.advance(TURN_NS);
    a.poll();
    b.poll();
  };
  return { cable, clock, a, b, turn };
}

async function joined({ a, b, turn }: Rig): Promise<{ near: StreamConnection; far: StreamConnection }> {
  const listener = await b.listen({ host: B, port: 9000 });
  const asked: { stream: StreamConnection | null } = { stream: null };
  void a.connect({ host: B, port: 9000 }).then((stream) => (asked.stream = stream));
  let far: StreamConnection | null = null;
  for (let i = 0; i < TURNS_MAX && (asked.stream === null || far === null); i += 1) {
    await turnOfEventLoop();
    turn();
    far ??= listener.accept();
  }
  listener.close();
  assert.ok(asked.stream !== null && far !== null, 'connected');
  return { near: asked.stream, far };
}

function byteAt(position: number): number {
  return (Math.imul(position, 0x9e3779b1) >>> 24) ^ (position & 0xff);
}

/** Sends `total` bytes from one end to the other at its own pace and compares what comes; true when all has come. */
function flow(prng: Prng, from: StreamConnection, to: StreamConnection, total: number, name: string): () => boolean {
  const chunk = new Uint8Array(8_000);
  const into = new Uint8Array(9_001);
  let sent = 0;
  let received = 0;
  let ended = false;
  let pause = 0;
  return () => {
    if (sent < total && prng.chance(0.7)) {
      const length = Math.min(total - sent, prng.between(1, chunk.length));
      for (let i = 0; i < length; i += 1) chunk[i] = byteAt(sent + i);
      const count = from.send(chunk, 0, length);
      assert.ok(count >= 0, `${name}: the sender's stream is open`);
      sent += count;
    }
    pause = pause > 0 ? pause - 1 : prng.chance(0.01) ? prng.between(1, 60) : 0;
    if (pause > 0 || ended) return ended;
    const count = to.receive(into, 0, prng.between(1, into.length));
    if (count === CLOSED) assert.fail(`${name}: closed after ${received} of ${total} bytes`);
    for (let i = 0; i < count; i += 1) if (into[i] !== byteAt(received + i)) assert.fail(`${name}: byte ${received + i} differs`);
    received += count;
    ended = received === total;
    return ended;
  };
}

for (let seed = 1; seed <= SEEDS; seed += 1) {
  test(`streams over a bad cable, seed ${seed}`, async () => {
    const world = rig(seed);
    const prng = new Prng(seed);
    const faults: CableFaults = {
      loss: prng.f64() * 0.15, duplicate: prng.f64() * 0.1, swap: prng.f64() * 0.2, damage: prng.f64() * 0.05,
    };
    world.cable.faults = faults;
    const { near, far } = await joined(world);
    const forth = flow(prng, near, far, prng.between(1, 400_000), `seed ${seed}, there`);
    const back = flow(prng, far, near, prng.between(1, 400_000), `seed ${seed}, back`);
    let turns = 0;
    for (let done = false; !done; turns += 1) {
      assert.ok(turns < TURNS_MAX, `seed ${seed}: all bytes in ${TURNS_MAX} turns; ${JSON.stringify([faults, world.a.counters().streams])}`);
      world.turn();
      const there = forth();
      done = back() && there;
    }
    // The one ends, the other sees it and ends too; nothing is left at either side.
    near.close();
    const into = new Uint8Array(1);
    for (turns = 0; far.receive(into, 0, 1) === WOULD_BLOCK; turns += 1) {
      assert.ok(turns < TURNS_MAX, `seed ${seed}: the end arrives`);
      world.turn();
    }
    assert.equal(far.receive(into, 0, 1), CLOSED);
    assert.equal(world.a.streamCounters.resetsSent + world.b.streamCounters.resetsSent, 0, 'an orderly end');
    far.close();
    for (let i = 0; i < 40_000; i += 1) world.turn(); // 20 s: ends are confirmed and forgotten
    const { wire, streams } = world.b.counters();
    if (world.cable.damaged > 20) assert.ok(wire.badChecksum + wire.malformed + wire.notForUs > 0, 'damage was seen');
    if (world.cable.lost > 50) assert.ok(streams.retriesByTime + world.a.streamCounters.retriesByTime > 0);
    world.a.close();
    world.b.close();
    await Promise.all([world.a.closed, world.b.closed]);
  });
}

test('frames that nobody would send do no harm', async () => {
  const world = rig(99);
  const { cable, a, b, turn } = world;
  const { near, far } = await joined(world);
  const socket = await b.unicast({ host: B, port: 7777 });
  const listener = await b.listen({ host: B, port: 9001 });
  const prng = new Prng(99);
  // What goes by is kept, changed in any place, with its check sums put right or not, and sent again.
  const seen: Uint8Array[] = [];
  const carry = cable.carry.bind(cable);
  cable.carry = (from, frame) => {
    if (seen.length < 400) seen.push(frame.slice());
    carry(from, frame);
  };
  const sender = await a.unicast({ host: A, port: 0 });
  const bytes = new Uint8Array(1400);
  for (let i = 0; i < 40; i += 1) {
    sender.sendTo(bytes, 0, prng.between(1, 1400), B, 7777);
    near.send(bytes, 0, 700);
    far.send(bytes, 0, 300);
    turn();
    while (far.receive(bytes, 0, 1400) > 0);
    while (near.receive(bytes, 0, 1400) > 0);
  }
  for (let round = 0; round < 20_000; round += 1) {
    const frame = prng.chance(0.05)
      ? Uint8Array.from({ length: prng.below(200) }, () => prng.below(256))
      : seen[prng.below(seen.length)].slice(0, prng.chance(0.2) ? prng.between(1, 80) : undefined);
    for (let i = prng.below(5); i > 0 && frame.length > 0; i -= 1) frame[prng.below(frame.length)] = prng.below(256);
    if (prng.chance(0.7)) rightSums(frame);
    cable.ends[1].arrive(frame, false);
    if (round % 8 === 0) turn();
    if (round % 64 === 0) while (socket.receive(bytes, 0, 1400) > 0);
    listener.accept()?.close();
  }
  for (let i = 0; i < 1_000; i += 1) turn();
  // New ones work as ever.
  cable.carry = carry;
  cable.faults = GOOD_CABLE;
  while (socket.receive(bytes, 0, 1400) > 0);
  sender.sendTo(Uint8Array.of(1, 2, 3), 0, 3, B, 7777);
  for (let i = 0; i < 400; i += 1) turn();
  let last = 0;
  for (let count = socket.receive(bytes, 0, 1400); count > 0; count = socket.receive(bytes, 0, 1400)) last = count;
  assert.equal(last, 3);
  b.close();
  a.close();
});

/** So that a changed frame gets past the check sums, to what lies behind. */
function rightSums(frame: Uint8Array): void {
  if (frame.length < TRANSPORT_AT + 20) return;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  view.setUint16(IP_AT + 10, 0);
  view.setUint16(IP_AT + 10, headerChecksum(view, IP_AT, IPV4_BYTES));
  const bytes = view.getUint16(IP_AT + 2) - IPV4_BYTES;
  if (frame[IP_AT + 9] !== PROTOCOL_TCP || bytes < 20 || TRANSPORT_AT + bytes > frame.length) return;
  view.setUint16(TRANSPORT_AT + 16, 0);
  view.setUint16(TRANSPORT_AT + 16, transportChecksum(view, IP_AT, PROTOCOL_TCP, TRANSPORT_AT, bytes));
}

test('an acknowledgement of what was never sent changes nothing, nor does a reset with another number', async () => {
  const world = rig(7);
  const { cable, turn } = world;
  const { near, far } = await joined(world);
  let last: Uint8Array | null = null;
  const carry = cable.carry.bind(cable);
  cable.carry = (from, frame) => {
    if (from === cable.ends[0] && frame[IP_AT + 9] === PROTOCOL_TCP) last = frame.slice();
    carry(from, frame);
  };
  near.send(Uint8Array.of(1), 0, 1);
  for (let i = 0; i < 20; i += 1) turn();
  assert.ok(last !== null, 'a segment went by');
  const forged = (change: (view: DataView) => void): void => {
    const frame = Uint8Array.from(last!);
    change(new DataView(frame.buffer));
    rightSums(frame);
    cable.ends[1].arrive(frame, false);
    turn();
  };
  forged((view) => view.setUint32(TRANSPORT_AT + 8, view.getUint32(TRANSPORT_AT + 8) + 5000));
  forged((view) => {
    view.setUint8(TRANSPORT_AT + 13, 4); // reset
    view.setUint32(TRANSPORT_AT + 4, view.getUint32(TRANSPORT_AT + 4) + 777);
  });
  const bytes = Uint8Array.from({ length: 9000 }, (_, i) => byteAt(i));
  assert.equal(far.send(bytes, 0, 9000), 9000);
  const into = new Uint8Array(9000);
  let received = 0;
  for (let i = 0; i < 400 && received < 9000; i += 1) {
    turn();
    received += Math.max(0, near.receive(into, received, 9000 - received));
  }
  assert.deepEqual(into, bytes, 'every byte, in order');
  assert.ok(far.open && near.open);
  world.a.close();
  world.b.close();
});
