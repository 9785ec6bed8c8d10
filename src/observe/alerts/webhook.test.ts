// The webhook against real HTTP servers that take it, fail, hang, are slow, redirect, break off, and are not there.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { closedPort } from '../../../test/closed_port.ts';
import { QUEUE_MAX, signature, Webhook, type WebhookOptions } from './webhook.ts';
import type { AddressInfo } from 'node:net';
import type { AlertChange } from './alert_book.ts';
import type { WebhookSettings } from './alert_settings.ts';

interface Call {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

class Receiver {
  readonly calls: Call[] = [];
  readonly #server: Server;
  /** `answer` is called with the number of the call, from 1. */
  constructor(t: TestContext, answer: (response: ServerResponse, call: number) => void) {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
        this.calls.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() });
        answer(response, this.calls.length);
      });
    });
    t.after(() => {
      this.#server.closeAllConnections();
      this.#server.close();
    });
  }

  async url(path = '/hook?key=hidden-word'): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }
}

function change(id: number, event: AlertChange['event'] = 'raised'): AlertChange {
  return {
    event,
    alert: {
      id, kind: 'LargeLoss', severity: 'critical', subject: 'T1 of client 1', message: 'loss', value: 2, threshold: 1,
      raisedMs: 1, clearedMs: event === 'raised' ? null : 2, detail: { symbolId: 1 },
    },
  };
}

function webhookOf(t: TestContext, settings: Partial<WebhookSettings>, options: Partial<WebhookOptions> = {}): Webhook {
  const hook = new Webhook({ url: '', secret: '', timeoutMs: 5_000, retries: 3, ...settings }, { source: 'test', wait: async (_, signal) => sleep(5, undefined, { signal }).catch(() => {}), ...options });
  t.after(() => hook.close());
  return hook;
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; !holds(); i++) {
    assert.ok(i < 3_000, 'expected it within 30 s');
    await sleep(10);
  }
}

describe('what is taken', () => {
  test('each change once, in order, as JSON', async (t) => {
    const receiver = new Receiver(t, (response) => response.writeHead(204).end());
    const hook = webhookOf(t, { url: await receiver.url() });
    for (const [id, event] of [[1, 'raised'], [2, 'raised'], [1, 'cleared']] as const) hook.tell(change(id, event));
    await until(() => hook.waiting === 0);
    const source = 'test';
    const told = receiver.calls.map(({ body }) => JSON.parse(body) as unknown);
    assert.deepEqual(told, [{ ...change(1), source }, { ...change(2), source }, { ...change(1, 'cleared'), source }]);
    const [{ path, headers }] = receiver.calls;
    assert.deepEqual([path, headers['content-type'], headers['outcry-signature']], ['/hook?key=hidden-word', 'application/json', undefined]);
    assert.deepEqual(receiver.calls.map(({ headers: one }) => one['outcry-delivery']), ['1', '2', '3']);
    assert.deepEqual([hook.sent, hook.failed, hook.retried, hook.dropped], [3, 0, 0, 0]);
  });

  test('with a secret the body is signed, with the time', async (t) => {
    const receiver = new Receiver(t, (response) => response.end('thank you'));
    const secret = 'known-to-both-ends';
    const hook = webhookOf(t, { url: await receiver.url(), secret });
    hook.tell(change(1));
    await until(() => hook.sent === 1);
    const [{ headers, body }] = receiver.calls;
    const [, seconds, digest] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['outcry-signature'])) ?? [];
    assert.equal(digest, createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex'));
    assert.ok(Math.abs(Number(seconds) - Date.now() / 1_000) < 60);
    assert.notEqual(signature(secret, body, 1), signature(secret, `${body} `, 1));
    assert.notEqual(signature(secret, body, 1), signature(secret, body, 2));
  });

  test('without an address nothing is told', (t) => {
    const hook = webhookOf(t, {});
    hook.tell(change(1));
    assert.equal(hook.waiting, 0);
  });
});

describe('what is not taken', () => {
  test('a server that fails twice is asked again, with the same delivery, and what follows waits', async (t) => {
    const receiver = new Receiver(t, (response, call) => response.writeHead([503, 429][call - 1] ?? 200).end());
    const hook = webhookOf(t, { url: await receiver.url() });
    hook.tell(change(1));
    hook.tell(change(2));
    await until(() => hook.sent === 2);
    assert.deepEqual(receiver.calls.map(({ headers }) => headers['outcry-delivery']), ['1', '1', '1', '2']);
    assert.deepEqual([hook.retried, hook.failed], [2, 0]);
  });

  test('one that always fails is given up after so many attempts, and the next delivery has its own', async (t) => {
    const receiver = new Receiver(t, (response, call) => response.writeHead(call <= 4 ? 500 : 200).end());
    const notes: string[] = [];
    const hook = webhookOf(t, { url: await receiver.url() }, { note: (line) => notes.push(line) });
    hook.tell(change(1));
    hook.tell(change(2));
    await until(() => hook.sent === 1);
    assert.deepEqual([receiver.calls.length, hook.failed, hook.retried], [5, 1, 3]);
    assert.match(notes.join('\n'), /^alerts: 127\.0\.0\.1:\d+ was not told of an alert: expected a status of 200 to 299, was 500$/);
    assert.ok(!notes.join('').includes('hidden-word'));
  });

  test('one that refuses, or sends elsewhere, is not asked again; nothing follows a redirect', async (t) => {
    const elsewhere = new Receiver(t, (response) => response.end());
    const target = await elsewhere.url();
    for (const status of [400, 401, 404, 301, 302, 307, 308]) {
      const receiver = new Receiver(t, (response) => response.writeHead(status, { location: target }).end());
      const hook = webhookOf(t, { url: await receiver.url() });
      hook.tell(change(1));
      await until(() => hook.failed === 1);
      assert.deepEqual([receiver.calls.length, hook.retried], [1, 0], String(status));
    }
    assert.equal(elsewhere.calls.length, 0);
  });

  test('one that hangs is left after the timeout; one that answers in time but never ends is not waited for', async (t) => {
    const hangs = new Receiver(t, (response, call) => {
      if (call > 1) response.end();
    });
    const hook = webhookOf(t, { url: await hangs.url(), timeoutMs: 200 });
    hook.tell(change(1));
    await until(() => hook.sent === 1);
    assert.deepEqual([hangs.calls.length, hook.retried], [2, 1]);
    const endless = new Receiver(t, (response) => {
      response.writeHead(200);
      response.write('x');
    });
    const other = webhookOf(t, { url: await endless.url(), timeoutMs: 20_000 });
    other.tell(change(1));
    await until(() => other.sent === 1);
    assert.equal(endless.calls.length, 1);
  });

  test('one that is slow is only slow', async (t) => {
    const receiver = new Receiver(t, (response) => setTimeout(() => response.end(), 100));
    const hook = webhookOf(t, { url: await receiver.url() });
    hook.tell(change(1));
    hook.tell(change(2));
    assert.equal(hook.waiting, 2);
    await until(() => hook.sent === 2);
    assert.equal(hook.retried, 0);
  });

  test('one that breaks off, and one that is not there', async (t) => {
    const breaks = new Receiver(t, (response, call) => (call === 1 ? response.socket?.destroy() : response.end()));
    const url = await breaks.url();
    const hook = webhookOf(t, { url });
    hook.tell(change(1));
    await until(() => hook.sent === 1);
    assert.equal(hook.retried, 1);
    const notes: string[] = [];
    const nobody = webhookOf(t, { url: `http://127.0.0.1:${await closedPort(t)}/hidden-word`, retries: 1 }, { note: (line) => notes.push(line) });
    nobody.tell(change(1));
    await until(() => nobody.failed === 1);
    assert.deepEqual([nobody.retried, notes.length], [1, 1]);
    assert.ok(!notes[0].includes('hidden-word'), notes[0]);
  });
});

describe('limits', () => {
  test('what does not fit pushes the oldest out that waits, counted; the one under way is finished', async (t) => {
    let release = (): void => {};
    const receiver = new Receiver(t, (response, call) => {
      if (call > 1) response.end();
      else release = () => response.end();
    });
    const hook = webhookOf(t, { url: await receiver.url() });
    for (let id = 1; id <= QUEUE_MAX + 10; id++) hook.tell(change(id));
    assert.deepEqual([hook.waiting, hook.dropped], [QUEUE_MAX, 10]);
    await until(() => receiver.calls.length === 1);
    release();
    await until(() => hook.waiting === 0);
    const ids = receiver.calls.map(({ body }) => (JSON.parse(body) as AlertChange).alert.id);
    assert.deepEqual([ids[0], ids[1], ids.at(-1), ids.length], [1, 12, QUEUE_MAX + 10, QUEUE_MAX]);
  });

  test('pauses double up to half a minute, half of each is random', async (t) => {
    const delays: number[] = [];
    const receiver = new Receiver(t, (response) => response.writeHead(503).end());
    const hook = webhookOf(t, { url: await receiver.url(), retries: 9 }, { random: () => 0.5, wait: async (ms) => Promise.resolve(delays.push(ms)) });
    hook.tell(change(1));
    await until(() => hook.failed === 1);
    assert.deepEqual(delays, [375, 750, 1_500, 3_000, 6_000, 12_000, 22_500, 22_500, 22_500]);
  });

  test('closing breaks off what is under way and forgets the rest', async (t) => {
    const receiver = new Receiver(t, () => {});
    const hook = webhookOf(t, { url: await receiver.url(), timeoutMs: 60_000 });
    hook.tell(change(1));
    hook.tell(change(2));
    await until(() => receiver.calls.length === 1);
    hook.close();
    hook.tell(change(3));
    assert.deepEqual([hook.waiting, hook.sent, hook.dropped], [0, 0, 2]);
  });

  test('a new address holds from the next attempt on', async (t) => {
    const before = new Receiver(t, (response) => response.writeHead(503).end());
    const after = new Receiver(t, (response) => response.end());
    const url = await after.url();
    const hook = webhookOf(t, { url: await before.url(), retries: 1_000 });
    hook.tell(change(1));
    await until(() => before.calls.length > 0);
    hook.settings = { ...hook.settings, url };
    await until(() => hook.sent === 1);
    assert.equal(after.calls.length, 1);
  });
});
