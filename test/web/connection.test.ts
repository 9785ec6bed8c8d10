// The page's connection over sockets and a clock that the test moves: pauses, silence, what is asked for again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Connection, LOST_MS, PAUSE_FIRST_MS, PAUSE_MAX_MS, STALE_MS, type Link, type Socket,
} from '../../web/dashboard/connection.ts';
import type { ServerMessage } from '../../src/observe/dashboard/messages.ts';

class FakeSocket implements Socket {
  readonly sent: string[] = [];
  closed = false;
  readonly #listeners: Record<string, ((event: { data: unknown }) => void)[]> = {};

  addEventListener(kind: string, listener: (event: { data: unknown }) => void): void {
    (this.#listeners[kind] ??= []).push(listener);
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.closed = true;
  }

  happens(kind: 'open' | 'close' | 'message', data?: unknown): void {
    for (const listener of this.#listeners[kind] ?? []) listener({ data });
  }
}

/** A connection, the sockets that it opened, and time. */
class Bench {
  nowMs = 0;
  random = 0;
  readonly sockets: FakeSocket[] = [];
  readonly links: Link[] = [];
  readonly messages: ServerMessage[] = [];
  readonly #timers: { atMs: number; call: () => void }[] = [];
  readonly connection = new Connection({
    open: () => {
      const socket = new FakeSocket();
      this.sockets.push(socket);
      return socket;
    },
    now: () => this.nowMs,
    random: () => this.random,
    after: (ms, call) => {
      const timer = { atMs: this.nowMs + ms, call };
      this.#timers.push(timer);
      return () => {
        const at = this.#timers.indexOf(timer);
        if (at >= 0) this.#timers.splice(at, 1);
      };
    },
    onLink: (link) => this.links.push(link),
    onMessage: (message) => this.messages.push(message),
  });

  get socket(): FakeSocket {
    return this.sockets.at(-1)!;
  }

  get state(): string {
    return this.links.at(-1)?.state ?? '';
  }

  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.nowMs = next.atMs;
      next.call();
    }
    this.nowMs = untilMs;
  }

  goLive(): void {
    this.socket.happens('open');
    this.socket.happens('message', '{"type":"status"}');
  }
}

test('live with the first message, and what was watched is asked for at each opening', () => {
  const bench = new Bench();
  bench.connection.start();
  assert.equal(bench.state, 'connecting');
  bench.connection.watch(7, 20);
  assert.deepEqual(bench.socket.sent, [], 'a socket that is not open takes nothing');
  bench.goLive();
  assert.equal(bench.state, 'live');
  assert.equal(bench.messages.length, 1);
  assert.deepEqual(bench.socket.sent, ['{"type":"watch","ticker":7,"levels":20}']);
  bench.connection.watch(8, 20);
  bench.socket.happens('close');
  bench.pass(PAUSE_MAX_MS);
  bench.goLive();
  assert.deepEqual(bench.socket.sent, ['{"type":"watch","ticker":8,"levels":20}']);
  assert.equal(bench.links.at(-1)?.reconnects, 1);
});

test('pauses double up to their maximum and begin anew after a message', () => {
  const bench = new Bench();
  bench.connection.start();
  const pauses: number[] = [];
  for (let i = 0; i < 8; i++) {
    bench.socket.happens('close');
    assert.equal(bench.state, 'lost');
    const pauseMs = bench.links.at(-1)!.retryAtMs - bench.nowMs;
    pauses.push(pauseMs);
    bench.pass(pauseMs - 1);
    assert.equal(bench.sockets.length, i + 1, 'not before its time');
    bench.pass(1);
    assert.equal(bench.sockets.length, i + 2);
  }
  assert.deepEqual(pauses, [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  bench.goLive();
  bench.socket.happens('close');
  assert.equal(bench.links.at(-1)!.retryAtMs - bench.nowMs, PAUSE_FIRST_MS);
});

test('pages that lost the same server come back at different times', () => {
  const bench = new Bench();
  bench.random = 0.999;
  bench.connection.start();
  bench.socket.happens('close');
  const pauseMs = bench.links.at(-1)!.retryAtMs - bench.nowMs;
  assert.ok(pauseMs >= PAUSE_FIRST_MS / 2 && pauseMs < PAUSE_FIRST_MS * 0.51, `${pauseMs}`);
});

test('silence is stale, a word is live again, long silence is given up', () => {
  const bench = new Bench();
  bench.connection.start();
  bench.goLive();
  bench.pass(STALE_MS - 1);
  assert.equal(bench.state, 'live');
  bench.pass(300);
  assert.equal(bench.state, 'stale');
  bench.socket.happens('message', '{"type":"status"}');
  assert.equal(bench.state, 'live');
  const first = bench.socket;
  bench.pass(LOST_MS + PAUSE_FIRST_MS + 300);
  assert.ok(first.closed);
  assert.ok(bench.sockets.length > 1, 'it tried anew');
  bench.goLive();
  const heard = bench.messages.length;
  first.happens('message', '{"type":"status"}');
  first.happens('close');
  assert.deepEqual([bench.state, bench.messages.length], ['live', heard], 'what an old socket says is nobody’s business');
});

test('the reader may cut the pause short', () => {
  const bench = new Bench();
  bench.connection.start();
  bench.connection.retryNow();
  assert.equal(bench.sockets.length, 1, 'nothing to cut short while it connects');
  bench.socket.happens('close');
  bench.connection.retryNow();
  assert.equal(bench.sockets.length, 2);
  bench.pass(PAUSE_MAX_MS);
  assert.equal(bench.sockets.length, 2, 'the pause that was cut short does not end later as well');
});

test('a server that takes the connection and never answers is given up', () => {
  const bench = new Bench();
  bench.connection.start();
  bench.pass(LOST_MS + 300);
  assert.ok(bench.sockets[0].closed);
  assert.ok(bench.links.some(({ state }) => state === 'lost'));
});
