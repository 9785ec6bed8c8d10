// The whole thing as people run it: an exchange, a trader, a flow of orders, `outcry dashboard`, and its page in a browser.
// Every panel shows live data, commands do what they say, a dashboard that was started again is found again.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { outcry, startExchange, type RunningExchange } from '../trade/processes.ts';
import { openBrowser, pictureFolder } from './browser.ts';
import { startDashboard, startFlow, TOKEN } from './flow.ts';

const PATIENT = { timeout: 90_000 };
const MAKER = 21;
/** Of a response. */
const REJECTED = 5;

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
