// A limit set on the page, in a real trader: the one that `outcry ctl` shows, and that refuses the next order.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { outcry, startExchange } from '../trade/processes.ts';
import { openBrowser } from './browser.ts';
import { startDashboard, startFlow, TOKEN } from './flow.ts';
import type { TraderView } from '../../src/observe/system_view.ts';
import type { StatusMessage } from '../../src/observe/dashboard/messages.ts';

const PATIENT = { timeout: 90_000 };
const CLIENT = 23;
/** Asks for 60 ten times a second, whatever its limits are; at the bid and gone at once, so that it hardly ever trades. */
const SIXTY = `
let dueNs = 0;
export default () => ({
  name: 'sixty',
  onMarketData(book, desk) {
    if (desk.nowNs < dueNs || !desk.features.known(book)) return;
    dueNs = desk.nowNs + 100_000_000;
    desk.order(book, 1, desk.features.bidTicks(book), 60, 3);
  },
});
`;

function strategyFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-limits-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'sixty.mjs');
  writeFileSync(path, SIXTY);
  return path;
}

test('a limit set on the page is what ctl shows, and refuses the next order', async (t) => {
  const browser = await openBrowser(t);
  if (browser === null) return;
  const exchange = await startExchange('--tickers', '1');
  t.after(() => exchange.child.kill('SIGKILL'));
  startFlow(t, exchange.port);
  const trader = outcry('trade', ...exchange.flags, '--client-id', String(CLIENT), '--strategy', strategyFile(t), '--wait', 'sleep', '--json');
  t.after(() => trader.child.kill('SIGKILL'));
  const { url } = await startDashboard(t, exchange, 0);
  const look = async (): Promise<TraderView | undefined> => ((await (await fetch(`${url}api/status`)).json()) as StatusMessage).system.traders[0];
  const until = async (what: string, holds: (trader: TraderView) => boolean): Promise<TraderView> => {
    for (const endMs = performance.now() + PATIENT.timeout; performance.now() < endMs;) {
      const now = await look();
      if (now !== undefined && holds(now)) return now;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`expected ${what}, was ${JSON.stringify(await look())}`);
  };
  const before = await until('orders of 60', ({ ordersSent }) => ordersSent.total > 2);
  assert.deepEqual([before.limits, before.refused], [{ maxOrderQty: 100, maxPosition: 1_000, maxLoss: 100_000 }, 0]);

  const { page, faults } = await browser.open();
  await page.goto(`${url}#token=${TOKEN}`);
  await page.getByRole('button', { name: `Limits of sixty, client ${CLIENT}` }).click(PATIENT);
  const form = page.getByRole('dialog', { name: `Limits of sixty (client ${CLIENT})` });
  // Refused by the trader itself would be the same; this page knows it before.
  await form.locator('input[name="maxOrderQty"]').fill('40');
  await form.locator('input[name="maxLoss"]').fill('7000');
  await form.getByRole('button', { name: 'Review' }).click();
  const question = page.getByRole('dialog', { name: `Set limits of sixty (client ${CLIENT})?` });
  assert.deepEqual(await question.locator('.changes div').allInnerTexts(), ['Largest order\n100 → 40', 'Largest loss\n100,000 ($1,000.00) → 7,000 ($70.00)']);
  await question.getByRole('button', { name: 'Set limits' }).click();
  await page.locator('.notices').filter({ hasText: `the trader of client ${CLIENT} has new limits: an order of 40, a position of 1000, a loss of 7000 at most` }).waitFor(PATIENT);

  const told = outcry('ctl', 'limits', '--client', String(CLIENT), '--port', String(exchange.port));
  assert.equal((await told.ended).stdout, `client ${CLIENT}: max_order_qty 40, max_position 1000, max_loss 7000\n`);
  const first = await until('refusals', ({ refused }) => refused > 0);
  assert.deepEqual([first.limits?.maxOrderQty, first.limits?.maxLoss, first.books[0].lossMax], [40, 7_000, 70]);
  const later = await until('further refusals', ({ refused }) => refused > first.refused + 2);
  assert.equal(later.ordersSent.total, first.ordersSent.total, 'none of them was sent');
  await page.locator('#positions-panel').filter({ hasText: /refused/ }).waitFor(PATIENT);
  assert.deepEqual(faults, []);

  trader.child.kill('SIGTERM');
  const { stdout } = await trader.ended;
  const result = JSON.parse(stdout.trim().split('\n').at(-1)!) as { refusedBy: Record<string, number> };
  assert.deepEqual(Object.keys(result.refusedBy), ['OrderTooLarge']);
});
