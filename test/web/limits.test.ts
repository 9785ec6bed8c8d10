// The form of a trader's limits: what counts as a limit, and the form in a real browser over a generated system (a real trader
// has it in system.test.ts).
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { changesOf, decimalsOf, draftOf, faultsOf, limitText, typedNumber, warningsOf } from '../../web/dashboard/limits.ts';
import { limitFaults, PRICE_UNITS_MAX, QTY_MAX } from '../../src/apps/trade_limits.ts';
import { findTool } from '../requirements.ts';
import { PHONE, pictureFolder, TestBrowser } from './browser.ts';
import { FixtureServer, TOKEN } from './fixture_server.ts';

const PATIENT = { timeout: 60_000 };
const NOW = { maxOrderQty: 100, maxPosition: 200, maxLoss: 500_000 };

// ── what was typed ─────────────────────────────────────────────────────────────────────────────

test('a number is digits, with the commas that the page itself writes', () => {
  for (const [text, value] of [['1', 1], [' 500 ', 500], ['1,000', 1_000], ['1 000 000', 1_000_000]] as const) assert.equal(typedNumber(text), value, text);
  for (const text of ['', '-1', '1.5', '1e3', '0x10', ',1', '1,', '∞', 'Infinity', 'all', '١']) assert.ok(Number.isNaN(typedNumber(text)), text);
});

test('what the form finds wrong, the trader finds wrong, and the other way round', () => {
  const limits = { ...NOW } as Parameters<typeof limitFaults>[0];
  for (const order of [0, 1, 100, 200, 201, QTY_MAX, QTY_MAX + 1]) {
    for (const position of [0, 1, 200, QTY_MAX, QTY_MAX + 1]) {
      for (const loss of [0, 1, PRICE_UNITS_MAX, PRICE_UNITS_MAX + 1]) {
        const said = { maxOrderQty: order, maxPosition: position, maxLoss: loss };
        const here = Object.keys(faultsOf(draftOf(said))).length > 0;
        assert.equal(here, limitFaults(limits, said, []).length > 0, JSON.stringify(said));
      }
    }
  }
});

test('only what differs is sent; a loss has its money where all prices have the same decimals', () => {
  assert.deepEqual(changesOf(NOW, draftOf(NOW)), {});
  assert.deepEqual(changesOf(NOW, { ...draftOf(NOW), maxPosition: '1,500' }), { maxPosition: 1_500 });
  const instruments = [[1, 2], [2, 4], [3, 2]].map(([ticker, priceDecimals]) => ({ ticker, symbol: '', priceDecimals, tickSize: 1, state: 'open' as const }));
  const books = (...tickers: number[]): Parameters<typeof decimalsOf>[0] => ({ books: tickers.map((ticker) => ({ ticker })) as never });
  assert.deepEqual([decimalsOf(books(1, 3), instruments), decimalsOf(books(1, 2), instruments), decimalsOf(books(9), instruments)], [2, null, null]);
  assert.deepEqual([limitText('maxLoss', 7_050, 2), limitText('maxLoss', 7_050, null), limitText('maxPosition', 7_050, 2)], ['7,050 ($70.50)', '7,050', '7,050']);
});

test('a position that is beyond the new limit already is told', () => {
  const trader = { books: [{ symbol: 'ACME', position: -120 }, { symbol: 'GLOBEX', position: 50 }] as never };
  assert.deepEqual(warningsOf(trader, { maxPosition: 119 }), ['Beyond it already: ACME (−120). There only orders that reduce the position pass.']);
  assert.deepEqual([warningsOf(trader, { maxPosition: 120 }), warningsOf(trader, { maxLoss: 1 })], [[], []]);
});

// ── in a browser ───────────────────────────────────────────────────────────────────────────────

let browser: TestBrowser | null = null;

before(async () => {
  const executable = findTool('chromium');
  if (executable !== null) browser = await TestBrowser.launch(executable);
});
after(() => browser?.close());

interface Opened {
  readonly page: Page;
  readonly faults: string[];
  readonly server: FixtureServer;
  readonly form: Locator;
  readonly field: (name: string) => Locator;
}

async function open(t: TestContext, options: Parameters<TestBrowser['open']>[0] = {}, fragment = `#token=${TOKEN}`): Promise<Opened | null> {
  if (browser === null) {
    t.skip('no chromium');
    return null;
  }
  const server = await new FixtureServer().open();
  t.after(() => server.close());
  const { page, faults } = await browser.open(options);
  t.after(() => page.context().close());
  await page.goto(`${server.url}${fragment}`);
  await page.locator('.page[data-condition="live"]').waitFor(PATIENT);
  const form = page.getByRole('dialog', { name: /^Limits of / });
  return { page, faults, server, form, field: (name) => form.locator(`input[name="${name}"]`) };
}

test('keys alone: the form, a fault in words, old beside new, and the limit is set', async (t) => {
  const opened = await open(t);
  if (opened === null) return;
  const { page, faults, server, form, field } = opened;
  await page.locator('#positions-panel [data-client]').first().waitFor(PATIENT);
  await page.keyboard.press('l');
  await form.waitFor(PATIENT);
  assert.equal(await form.locator('h2').innerText(), 'Limits of market-maker (client 7)');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('name')), 'maxOrderQty', 'the first field has the focus');
  assert.ok(await form.getByRole('button', { name: 'Nothing changed' }).isDisabled());
  // Enter in a form that says nothing new sends nothing.
  await page.keyboard.press('Enter');
  assert.equal(await form.count(), 1);

  await page.keyboard.press('Control+A');
  await page.keyboard.type('250');
  await form.getByText('expected at most the largest position, 200').waitFor(PATIENT);
  assert.equal(await field('maxOrderQty').getAttribute('aria-invalid'), 'true');
  assert.ok(await form.getByRole('button', { name: 'Review' }).isDisabled());
  await page.keyboard.press('Control+A');
  await page.keyboard.type('some');
  await form.getByText('expected a whole number, 1 to 4,294,967,294').waitFor(PATIENT);
  await page.keyboard.press('Control+A');
  await page.keyboard.type('40');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('7,000');
  await page.keyboard.press('Enter');

  const question = page.getByRole('dialog', { name: 'Set limits of market-maker (client 7)?' });
  await question.waitFor(PATIENT);
  // Its instruments have prices of different decimals: no money is told.
  assert.deepEqual(await question.locator('.changes div').allInnerTexts(), ['Largest order\n100 → 40', 'Largest loss\n500,000 → 7,000']);
  assert.deepEqual(server.commands, [], 'nothing is sent before the answer');
  // Back: what was typed is still there.
  await page.keyboard.press('Escape');
  await form.waitFor(PATIENT);
  assert.deepEqual([await field('maxOrderQty').inputValue(), await field('maxLoss').inputValue()], ['40', '7,000']);
  await page.keyboard.press('Enter');
  await question.waitFor(PATIENT);
  await page.keyboard.press('Enter');
  await question.waitFor({ ...PATIENT, state: 'detached' });
  assert.deepEqual(server.commands, [{ command: 'limits', client: 7, maxOrderQty: 40, maxLoss: 7_000, confirm: true }]);
  await page.locator('.notices').filter({ hasText: 'limits: done' }).waitFor(PATIENT);
  // What holds now is what the trader tells.
  await page.keyboard.press('l');
  await form.locator('[data-limit="maxOrderQty"]').filter({ hasText: 'now 40' }).waitFor(PATIENT);
  await page.keyboard.press('Escape');
  await form.waitFor({ ...PATIENT, state: 'detached' });
  assert.deepEqual(faults, []);
});

test('a refusal of the trader stands in the form with what was typed; another trader can be chosen', async (t) => {
  const opened = await open(t, {}, '');
  if (opened === null) return;
  const { page, faults, server, form, field } = opened;
  const reason = 'limits: max_order_qty: expected at least the lot of ACME = 10, was 5';
  server.refusal = reason;
  await page.getByRole('button', { name: 'Limits of momentum, client 8' }).click();
  await form.waitFor(PATIENT);
  await form.getByLabel('Trader').selectOption('9');
  await form.locator('h2').filter({ hasText: 'mean-reversion (client 9)' }).waitFor(PATIENT);
  await field('maxOrderQty').fill('5');
  await form.getByRole('button', { name: 'Review' }).click();
  const question = page.getByRole('dialog', { name: 'Set limits of mean-reversion (client 9)?' });
  await question.getByLabel('Token').fill('guess');
  await question.getByRole('button', { name: 'Set limits' }).click();
  await question.getByText('Not taken: expected the token').waitFor(PATIENT);
  await question.getByLabel('Token').fill(TOKEN);
  await page.keyboard.press('Enter');
  await form.getByText(`Not taken: ${reason}`).waitFor(PATIENT);
  assert.equal(await field('maxOrderQty').inputValue(), '5');
  assert.deepEqual(server.commands, [{ command: 'limits', client: 9, maxOrderQty: 5, confirm: true }]);
  // The trader goes while its form is open.
  server.system.dials.traders = false;
  await form.getByText('This trader has ended.').waitFor(PATIENT);
  await form.getByRole('button', { name: 'Close' }).click();
  await form.waitFor({ ...PATIENT, state: 'detached' });
  // The browser itself tells of the 403 and the 409.
  assert.deepEqual(faults.filter((fault) => !/status of 40[39]/.test(fault)), []);
});

test('on a telephone the form and its question fit; without commands there is none', async (t) => {
  const opened = await open(t, { viewport: PHONE });
  if (opened === null) return;
  const { page, faults, server, form, field } = opened;
  const fits = async (dialog: Locator): Promise<void> => {
    const box = (await dialog.boundingBox())!;
    assert.ok(box.x >= 0 && box.x + box.width <= PHONE.width && box.y >= 0 && box.y + box.height <= PHONE.height, JSON.stringify(box));
    assert.ok(await dialog.evaluate((element) => element.scrollWidth <= element.clientWidth), 'nothing is wider than the dialog');
  };
  await page.getByRole('button', { name: /^Control/ }).click();
  await page.locator('.control .sheet').getByRole('button', { name: 'Limits' }).first().click();
  await form.waitFor(PATIENT);
  await fits(form);
  await field('maxPosition').fill('4294967294');
  await page.screenshot({ path: join(pictureFolder(t), 'limits_phone.png') });
  await form.getByRole('button', { name: 'Review' }).click();
  const question = page.getByRole('dialog', { name: /^Set limits/ });
  await question.waitFor(PATIENT);
  await fits(question);
  await question.getByRole('button', { name: 'Back' }).click();
  await form.waitFor(PATIENT);
  await page.keyboard.press('Escape');
  await form.waitFor({ ...PATIENT, state: 'detached' });
  server.hello = { ...server.hello, commands: false };
  server.tell(server.hello);
  await page.getByText('read only').waitFor(PATIENT);
  await page.keyboard.press('l');
  assert.equal(await page.getByRole('dialog').count(), 0);
  assert.deepEqual(faults, []);
});
