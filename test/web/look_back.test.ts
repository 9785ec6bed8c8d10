// From the live page back in time: an exchange with a journal is listed by itself, a trade's row leads to the instant of that
// trade, an alert's link to when it was raised.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startExchange } from '../trade/processes.ts';
import { openBrowser } from './browser.ts';
import { startDashboard, startFlow, TOKEN } from './flow.ts';

const PATIENT = { timeout: 90_000 };

test('the journal of the watched exchange: listed, and a trade on the live page is found in it', async (t) => {
  const browser = await openBrowser(t);
  if (browser === null) return;
  const folder = mkdtempSync(join(tmpdir(), 'outcry-look-back-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const exchange = await startExchange('--tickers', '1', '--journal', join(folder, 'journal'));
  t.after(() => exchange.child.kill('SIGKILL'));
  startFlow(t, exchange.port);
  const { url } = await startDashboard(t, exchange, 0);
  const { page, faults } = await browser.open();
  await page.goto(`${url}#token=${TOKEN}`);
  await page.getByRole('link', { name: 'Look back' }).waitFor(PATIENT);
  await page.locator('.trade[href]').nth(8).waitFor(PATIENT);
  const trade = page.locator('.trade[href]').nth(4);
  const { href, texts } = await trade.evaluate((row) => ({ href: row.getAttribute('href')!, texts: [...row.children].map((cell) => cell.textContent) }));
  assert.match(href, new RegExp(`^/time-travel#source=exchange-${exchange.port}&time=\\d{13}&book=0$`));
  const atMs = Number(/time=(\d+)/.exec(href)![1]);
  // The journal goes on: its end is another instant.
  await page.waitForFunction((ms) => Number(/time=(\d+)/.exec(document.querySelector('.trade')!.getAttribute('href') ?? '')![1]) > ms + 4_000, atMs, PATIENT);
  // As a click on it did then; the row itself has gone down the tape meanwhile.
  await page.goto(new URL(href, url).href);
  await page.locator('.where').waitFor(PATIENT);
  // The newest trade up to that instant is the one of the row: the monitor heard of it within the same moment.
  const found = page.locator('#trades .deal.now, #trades .deal').filter({ hasText: texts[2] }).first();
  await found.waitFor(PATIENT);
  await page.waitForFunction(() => location.hash.includes('at='), undefined, PATIENT);
  const [, hours, minutes, seconds] = (/(\d{2}):(\d{2}):(\d{2})\./.exec(await page.locator('.where').innerText()))!;
  const shownS = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  const askedS = Math.floor(atMs / 1_000) % 86_400;
  assert.ok(Math.abs(shownS - askedS) <= 1, `expected ${askedS} s of the day, was ${shownS}`);

  // Its list names it first, as the one that is being written.
  await page.getByRole('button', { name: 'Open another' }).click();
  const source = page.locator('.sources button').first();
  await source.filter({ hasText: `exchange on port ${exchange.port}` }).filter({ hasText: 'live' }).waitFor(PATIENT);
  assert.match(await source.innerText(), /its journal · \d+ files? · [\d.]+ [KM]iB · written \d+ s ago/);
  assert.deepEqual(faults, []);

  // Where there is no token nothing is listed that nobody has named.
  const list = await fetch(`${url}api/time-travel`);
  assert.equal(list.status, 403);
});
