// The whole thing as people run it: an exchange, a trader, a flow of orders, `outcry dashboard`, and its page in a browser.
// Every panel shows live data, commands do what they say, a dashboard that was started again is found again.
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { outcry, startExchange, type Running, type RunningExchange } from '../trade/processes.ts';
import { openBrowser, pictureFolder } from './browser.ts';

const PATIENT = { timeout: 90_000 };
const TOKEN = 'a-token-that-this-test-knows';
const MAKER = 21;
const ORDER_BYTES = 30;
const RESPONSE_BYTES = 42;
const ANSWERS_MAX = 100;
/** Of a response. */
const REJECTED = 5;

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
function startFlow(t: TestContext, port: number): Client {
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

async function startDashboard(t: TestContext, exchange: RunningExchange, port: number): Promise<{ dashboard: Running; url: string }> {
  const dashboard = outcry('dashboard', '--port', String(port), '--exchange-port', String(exchange.port), '--token', TOKEN);
  t.after(() => dashboard.child.kill('SIGKILL'));
  const [, url] = await dashboard.said(/page +(http:\/\/127\.0\.0\.1:\d+\/)/);
  return { dashboard, url };
}

async function waitForText(page: Page, selector: string, shows: RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: shows }).first().waitFor(PATIENT);
}

async function showsTheSystem(page: Page, exchange: RunningExchange): Promise<void> {
  for (const [selector, shows] of [
    ['#ladder-panel', /Spread \d+\.\d\d/], ['#price-panel', /T1.*Last \d+\.\d\d/s], ['#tape-panel', /▲ buy/], ['#tape-panel', /▼ sell/],
    ['#positions-panel', new RegExp(`market-maker client ${MAKER}.*T1`, 's')], ['#exchange-panel', new RegExp(`127\\.0\\.0\\.1:${exchange.port}`)],
    ['#histogram-panel', /[\d,]+ orders/], ['#percentiles-panel', /p99 [\d.]+ (ns|µs|ms)/], ['#stages-panel', /matched.*\d/s],
    ['#throughput-panel', /Requests \d/], ['#profit-panel', new RegExp(`market-maker ${MAKER}`)], ['#machine-panel', /exchange.*trade.*core 0/s],
    ['[data-tile="avg-latency"]', /(ns|µs|ms)/], ['[data-tile="throughput"]', /\d\/s/], ['[data-tile="profit"]', /\$/], ['[data-tile="active-symbols"]', /1/],
  ] as const) await waitForText(page, selector, shows);
  assert.ok((await page.locator('.ladder .level:not(.head) .price').filter({ hasText: /^\d/ }).count()) >= 10);
}

async function command(page: Page, button: string | RegExp, confirm: string): Promise<void> {
  await page.getByRole('button', { name: button, exact: true }).first().click();
  await page.getByRole('dialog').getByRole('button', { name: confirm, exact: true }).click();
}

test('a system as people run it: shown, paused, found again after a restart, killed', async (t) => {
  const browser = await openBrowser(t);
  if (browser === null) return;
  const exchange = await startExchange('--tickers', '1,2');
  t.after(() => exchange.child.kill('SIGKILL'));
  const taking = startFlow(t, exchange.port);
  const trader = outcry('trade', ...exchange.flags, '--client-id', String(MAKER), '--half-spread', '4', '--wait', 'sleep');
  t.after(() => trader.child.kill('SIGKILL'));
  const { dashboard, url } = await startDashboard(t, exchange, 0);
  const { page, faults } = await browser.open();
  await page.goto(`${url}#token=wrong`);
  await showsTheSystem(page, exchange);
  await page.screenshot({ path: join(pictureFolder(t), 'system.png'), fullPage: true });
  assert.deepEqual(faults, []);

  // A wrong token is told by the server's words and asked for again.
  const positions = '#positions-panel';
  await command(page, `Pause market-maker, client ${MAKER}`, 'Pause');
  await waitForText(page, 'dialog', /Not taken:/);
  await page.getByLabel('Token').fill(TOKEN);
  await page.keyboard.press('Enter');
  await waitForText(page, positions, /paused/);
  await waitForText(page, positions, /––/);
  await command(page, `Resume market-maker, client ${MAKER}`, 'Resume');
  await waitForText(page, positions, /running/);
  // Without the header, from this very page: no command.
  const refused = await page.evaluate(async () => {
    const response = await fetch('/api/commands', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"command":"kill","confirm":true}' });
    return [response.status, await response.text()];
  });
  assert.equal(refused[0], 403);
  assert.match(String(refused[1]), /Authorization/);

  // Its server ends and comes back.
  const port = Number(new URL(url).port);
  dashboard.child.kill('SIGTERM');
  await dashboard.ended;
  await page.locator('.page[data-condition="disconnected"]').waitFor(PATIENT);
  await startDashboard(t, exchange, port);
  await page.locator('.page[data-condition="live"]').waitFor(PATIENT);
  await showsTheSystem(page, exchange);

  await page.keyboard.press('k');
  await page.getByRole('dialog', { name: 'Kill everything?' }).getByRole('button', { name: 'Kill' }).click();
  await page.getByRole('dialog').waitFor({ ...PATIENT, state: 'detached' });
  await waitForText(page, '#exchange-panel', /Locked out\s*[1-9]/);
  await waitForText(page, '#ladder-panel', /one side is empty/);
  await waitForText(page, positions, /––/);
  taking.answers.length = 0;
  while (taking.answers.length < 10) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual([...new Set(taking.answers)], [REJECTED], 'nobody trades');
  const odd = faults.filter((fault) => !/WebSocket connection|ERR_CONNECTION_REFUSED|status of 403/.test(fault));
  assert.deepEqual(odd, []);
});
