// `npm run pictures`: docs/images/dashboard_{dark,light,phone}.png, taken in Chromium from the dashboard of a running demo.
// On a machine that does nothing else: what is measured is in the picture. Needs Debian's chromium; with pngquant in PATH
// the files come out at a third of the size.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { findTool } from '../test/requirements.ts';
import { TestBrowser } from '../test/web/browser.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const FOLDER = join(root, 'docs', 'images');
/** Until the charts have something to show. */
const WARM_UP_MS = Number(process.argv[2] ?? 120) * 1_000;
/** The page paints what it was told. */
const SETTLE_MS = 5_000;

/** As high as the page: what is out of sight is not painted. */
const WIDE: BrowserContextOptions = { viewport: { width: 1600, height: 1_850 }, colorScheme: 'dark' };
const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 1180 }, colorScheme: 'dark', deviceScaleFactor: 2 };

/** The page's address, from what the demo prints. */
async function addressOf(output: AsyncIterable<unknown>): Promise<string> {
  let text = '';
  for await (const chunk of output) {
    text += String(chunk);
    const [, address] = /dashboard\s+(http\S+)/.exec(text) ?? [];
    if (address !== undefined) return address;
  }
  throw new Error(`expected the demo to print its dashboard, was:\n${text}`);
}

async function take(page: Page, name: string, fullPage: boolean): Promise<void> {
  const path = join(FOLDER, `${name}.png`);
  await page.screenshot({ path, fullPage });
  const pngquant = findTool('pngquant');
  if (pngquant !== null) spawnSync(pngquant, ['--force', '--quality', '70-95', '--speed', '1', '--output', path, path], { stdio: 'inherit' });
  process.stdout.write(`${path}\n`);
}

async function takePictures(executable: string): Promise<void> {
  const demo = spawn(process.execPath, [join(root, 'bin', 'outcry.mjs'), 'demo', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const browser = await TestBrowser.launch(executable);
  try {
    const address = await addressOf(demo.stdout.iterator({ destroyOnReturn: false }));
    demo.stdout.resume();
    // Open from the start: the price line is as long as the page has looked.
    const wide = (await browser.open(WIDE)).page;
    await wide.goto(address);
    await pause(WARM_UP_MS);
    await take(wide, 'dashboard_dark', true);
    await wide.emulateMedia({ colorScheme: 'light' });
    await pause(SETTLE_MS);
    await take(wide, 'dashboard_light', true);
    await wide.context().close();
    const phone = (await browser.open(PHONE)).page;
    await phone.goto(address);
    await pause(SETTLE_MS);
    await take(phone, 'dashboard_phone', false);
  } finally {
    await browser.close();
    demo.kill('SIGINT');
    await once(demo, 'exit');
  }
}

const chromium = findTool('chromium');
if (chromium === null) {
  process.stderr.write('error: expected chromium in PATH; Debian has it as a package of that name\n');
  process.exitCode = 1;
} else {
  await takePictures(chromium);
}
