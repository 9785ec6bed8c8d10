// A writer of datagrams and readers of different speeds on one ring: each reader must get datagrams whole, in order, each at
// most once, and know of precisely those that it missed. And a writer whose ring is overwritten with anything.
// By hand: node bin/node26.mjs src/net/shared_broadcast.fuzz.ts [rounds] [first seed]
import assert from 'node:assert/strict';
import { Prng } from '../base/prng.ts';
import { BROADCAST_INTENT, BROADCAST_TAIL, BROADCAST_WORDS, BroadcastReader, BroadcastWriter } from './shared_broadcast.ts';

const RING_BYTES = 16 * 1024;
const GUARD = 64;
const GUARD_BYTE = 0xa5;
const LENGTH_MAX = 3_000;
const IPV4 = 0x7f00_0001;

interface Reader {
  reader: BroadcastReader;
  /** It takes datagrams to this port; 0: all. */
  port: number;
  /** How often it reads, 0 … 1. */
  zeal: number;
  /** Number of the last datagram, among those for it. */
  last: number;
  received: number;
}

/** The byte of a datagram, whoever reads it can tell. */
function byteOf(number: number, index: number): number {
  return (Math.imul(number + 1, 0x9e37_79b1) >>> 16) + index & 0xff;
}

export function fuzzBroadcast(seed: number, steps: number): { received: number; lost: number } {
  const prng = new Prng(seed);
  const words = new Int32Array(BROADCAST_WORDS + 8);
  const at = 4;
  const memory = new Uint8Array(RING_BYTES + 2 * GUARD).fill(GUARD_BYTE);
  const ring = memory.subarray(GUARD, GUARD + RING_BYTES);
  const writer = new BroadcastWriter(words, at, ring);
  const readers: Reader[] = [];
  for (let i = 0; i < 4; i += 1) {
    const port = i < 2 ? 0 : i; // two of everything, one of port 2, one of port 3
    readers.push({
      reader: new BroadcastReader(words, at, ring, false, port === 0 ? 0 : IPV4, port), port,
      zeal: [1, 0.5, 0.1, 0.02][prng.below(4)], last: -1, received: 0,
    });
  }
  const source = new Uint8Array(LENGTH_MAX);
  const into = new Uint8Array(LENGTH_MAX);
  const sentTo = new Map<number, number>([[2, 0], [3, 0]]);
  const numbers = new Map<string, { global: number; port: number }>();
  let sent = 0;
  const readOne = (state: Reader): boolean => {
    const count = state.reader.read(into, 0, LENGTH_MAX);
    if (count === 0) return false;
    const global = into[0] | (into[1] << 8) | (into[2] << 16);
    const known = numbers.get(`${global}`);
    assert.ok(known !== undefined, 'a datagram that was sent');
    for (let i = 3; i < count; i += 1) if (into[i] !== byteOf(global, i)) assert.fail(`byte ${i} of datagram ${global}`);
    assert.equal(count, state.reader.length);
    assert.equal(state.reader.sourceIpv4, IPV4);
    if (state.port !== 0) assert.equal(known.port, state.port);
    assert.ok(global > state.last, 'in order, once');
    state.last = global;
    state.received += 1;
    return true;
  };
  try {
    for (let step = 0; step < steps; step += 1) {
      const length = prng.between(3, prng.chance(0.1) ? LENGTH_MAX : 200);
      const port = 2 + prng.below(2);
      for (let i = 0; i < length; i += 1) source[i] = byteOf(sent, i);
      source[0] = sent & 0xff;
      source[1] = (sent >> 8) & 0xff;
      source[2] = (sent >> 16) & 0xff;
      numbers.set(`${sent}`, { global: sent, port });
      writer.write(source, 0, length, IPV4, 1, IPV4, port, sentTo.get(port)!);
      sentTo.set(port, sentTo.get(port)! + 1);
      sent += 1;
      for (const state of readers) {
        if (prng.chance(state.zeal)) while (readOne(state) && prng.chance(0.9));
      }
    }
    let received = 0;
    let lost = 0;
    for (const state of readers) {
      while (readOne(state));
      // What it missed behind the last one that it read is none: it has read to the end.
      const mine = state.port === 0 ? sent : sentTo.get(state.port)!;
      assert.equal(state.received + state.reader.lost, mine, 'received and lost are all that were sent');
      received += state.received;
      lost += state.reader.lost;
    }
    for (let i = 0; i < GUARD; i += 1) assert.ok(memory[i] === GUARD_BYTE && memory[memory.length - 1 - i] === GUARD_BYTE);
    return { received, lost };
  } catch (error) {
    throw new Error(`broadcast fuzz failed; again: node bin/node26.mjs src/net/shared_broadcast.fuzz.ts 1 ${seed}`, { cause: error });
  }
}

/** Ring and words become anything while a reader reads: it must come back, and stay inside of its buffers. */
export function fuzzHostileWriter(seed: number, steps: number): void {
  const prng = new Prng(seed);
  const words = new Int32Array(BROADCAST_WORDS);
  const ring = new Uint8Array(RING_BYTES);
  const ringWords = new Int32Array(ring.buffer);
  const writer = new BroadcastWriter(words, 0, ring);
  const reader = new BroadcastReader(words, 0, ring, false);
  const into = new Uint8Array(LENGTH_MAX + 2 * GUARD).fill(GUARD_BYTE);
  const source = new Uint8Array(LENGTH_MAX);
  for (let step = 0; step < steps; step += 1) {
    writer.write(source, 0, prng.between(1, LENGTH_MAX), IPV4, 1, IPV4, 2, step);
    for (let i = prng.below(4); i > 0; i -= 1) {
      const anything = [prng.u32() | 0, -1, 0, prng.below(65_600), 0x7fff_ffff, words[BROADCAST_TAIL]][prng.below(6)];
      if (prng.chance(0.5)) words[prng.below(BROADCAST_WORDS)] = anything;
      else ringWords[prng.below(ringWords.length / 16) * 16 + prng.below(3)] = anything;
    }
    if (prng.chance(0.2)) words[BROADCAST_INTENT] = words[BROADCAST_TAIL];
    const max = prng.between(1, LENGTH_MAX);
    for (let i = 0; i < 8; i += 1) {
      const count = reader.read(into, GUARD, max);
      assert.ok(count >= 0 && count <= max);
    }
  }
  for (let i = 0; i < GUARD; i += 1) assert.ok(into[i] === GUARD_BYTE && into[into.length - 1 - i] === GUARD_BYTE);
}

if (import.meta.main) {
  const rounds = Number(process.argv[2] ?? 200);
  const first = Number(process.argv[3] ?? 1);
  let received = 0;
  let lost = 0;
  for (let i = 0; i < rounds; i += 1) {
    const outcome = fuzzBroadcast(first + i, 1_000);
    received += outcome.received;
    lost += outcome.lost;
    fuzzHostileWriter(first + i, 500);
  }
  console.log(`${rounds} rings: ${received} datagrams received whole, ${lost} known to be lost (seeds ${first} to ${first + rounds - 1})`);
}
