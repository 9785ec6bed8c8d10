// What a system test of the pages needs beside an exchange: a flow of orders, and `outcry dashboard` as a process.
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { outcry, type Running, type RunningExchange } from '../trade/processes.ts';

export const TOKEN = 'a-token-that-this-test-knows';
const ORDER_BYTES = 30;
const RESPONSE_BYTES = 42;
const ANSWERS_MAX = 100;

/** A client on the framing without a log-in. */
class Client {
  readonly #socket: Socket;
  readonly #client: number;
  #id = 0;
  #bytes = Buffer.alloc(0);
  /** Types of the newest responses. */
  readonly answers: number[] = [];

  constructor(port: number, client: number) {
    this.#client = client;
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.on('data', (bytes: Buffer) => this.#heard(bytes));
    this.#socket.on('error', () => {});
  }

  close(): void {
    this.#socket.destroy();
  }

  send(side: number, price: number, qty: number): void {
    const bytes = Buffer.alloc(ORDER_BYTES);
    bytes.writeUInt8(1, 0);
    bytes.writeUInt32LE(this.#client, 1);
    bytes.writeUInt32LE(1, 5);
    bytes.writeUInt32LE(++this.#id, 9);
    bytes.writeInt8(side, 17);
    bytes.writeUInt32LE(price, 18);
    bytes.writeUInt32LE(qty, 26);
    this.#socket.write(bytes);
  }

  #heard(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (; this.#bytes.length >= RESPONSE_BYTES; this.#bytes = this.#bytes.subarray(RESPONSE_BYTES)) this.answers.push(this.#bytes[0]);
    if (this.answers.length > ANSWERS_MAX) this.answers.splice(0, this.answers.length - ANSWERS_MAX);
  }
}

/** Orders around 100.00: one client's rest, another's take. Every 20 ms, until it is closed. */
export function startFlow(t: TestContext, port: number): Client {
  const [resting, taking] = [5, 6].map((client) => new Client(port, client));
  let turn = 0;
  const timer = setInterval(() => {
    const away = turn++ % 9;
    resting.send(1, 9_990 - away * 2, 10 + away);
    resting.send(-1, 10_010 + away * 2, 10 + away);
    if (away % 2 === 0) taking.send(1, 10_030, 15);
    else taking.send(-1, 9_970, 15);
  }, 20);
  t.after(() => {
    clearInterval(timer);
    resting.close();
    taking.close();
  });
  return taking;
}

export async function startDashboard(t: TestContext, exchange: RunningExchange, port: number): Promise<{ dashboard: Running; url: string }> {
  const dashboard = outcry('dashboard', '--port', String(port), '--exchange-port', String(exchange.port), '--token', TOKEN);
  t.after(() => dashboard.child.kill('SIGKILL'));
  const [, url] = await dashboard.said(/page +(http:\/\/127\.0\.0\.1:\d+\/)/);
  return { dashboard, url };
}
