// The dashboard's page in a real browser over a generated market: what each panel shows, keys, commands, odd states, sizes,
// themes, and a thousand updates a second. Whatever a test does, the page's console stays empty and its policy unbroken.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import type { FrameCount } from '../../web/dashboard/frame.ts';
import { findTool, requireTool } from '../requirements.ts';
import { PHONE, pictureFolder, TABLET, TestBrowser, WIDE, type OpenPage } from './browser.ts';
import { FixtureServer, TOKEN } from './fixture_server.ts';
import { alert } from './fixture_system.ts';

/** For what a page does by itself; a busy machine takes its time. */
const PATIENT = { timeout: 60_000 };
const UPDATES_PER_SECOND = 1_000;

const PANELS: readonly (readonly [id: string, shows: RegExp])[] = [
  ['ladder-panel', /Spread 0\.0\d · \d/],
  ['price-panel', /ACME.*Last \d+\.\d\d/s],
  ['tape-panel', /▲ buy|▼ sell/],
  ['positions-panel', /market-maker client 7.*running.*ACME.*of 200/s],
  ['alerts-panel', /Large position.*the limit is 180/s],
  ['histogram-panel', /2,520,000 orders/],
  ['percentiles-panel', /p99 \d+\.\d µs/],
  ['stages-panel', /gateway_rx.*journaled.*feed_tx/s],
  ['throughput-panel', /Requests \d+\.\dk/],
  ['profit-panel', /market-maker 7 [+−]\$/],
  ['exchange-panel', /127\.0\.0\.1:12345.*group.*rate limit/s],
  ['machine-panel', /exchange 40200.*core 3.*memory/s],
];
const TILES: readonly (readonly [name: string, shows: RegExp])[] = [
  ['avg-latency', /\d+\.\d µs/], ['p99-latency', /\d+\.\d µs/], ['throughput', /\dk\/s/], ['profit', /\$/], ['fill-rate', /\d+%/],
  ['active-symbols', /3/], ['alerts', /3/],
];

let browser: TestBrowser | null = null;

before(async () => {
  const executable = findTool('chromium');
  if (executable !== null) browser = await TestBrowser.launch(executable);
});
after(() => browser?.close());

interface Opened extends OpenPage {
  readonly server: FixtureServer;
}

/** null: no browser, the test skips. */
async function open(t: TestContext, options: Parameters<TestBrowser['open']>[0] = {}, prepare?: (server: FixtureServer) => void, search = ''): Promise<Opened | null> {
  if (requireTool(t, 'chromium') === null) return null;
  const server = new FixtureServer();
  server.system.dials.alerts = [
    alert(1), alert(3, { kind: 'LargePosition', severity: 'critical', subject: 'client 9, ACME', message: 'position 196, the limit is 180' }),
    alert(9, { kind: 'FeedGaps', message: '3 gaps, the limit is 0', clearedMs: Date.now() }),
  ];
  prepare?.(server);
  await server.open();
  t.after(() => server.close());
  const opened = await browser!.open(options);
  t.after(() => opened.page.context().close());
  await opened.page.goto(`${server.url}${search}`);
  return { ...opened, server };
}

const condition = (page: Page, name: string) => page.locator(`.page[data-condition="${name}"]`).waitFor(PATIENT);
const noSideways = async (page: Page): Promise<void> => {
  const [wide, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= inner, `expected no page wider than the window, was ${wide} of ${inner}`);
};

async function waitForText(page: Page, selector: string, shows: RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: shows }).first().waitFor(PATIENT);
}

async function showsEverything(page: Page): Promise<void> {
  for (const [id, shows] of PANELS) await waitForText(page, `#${id}`, shows);
  for (const [name, shows] of TILES) await waitForText(page, `[data-tile="${name}"]`, shows);
  await page.locator('.ladder .own').filter({ hasText: '◆' }).nth(2).waitFor(PATIENT); // three own quotes are marked
  assert.equal(await page.locator('.ladder .level:not(.head) .price').filter({ hasText: /^\d/ }).count(), 28);
}

/** Pixels of a canvas that are painted, in sight. */
async function painted(page: Page, selector: string): Promise<number> {
  await page.locator(selector).scrollIntoViewIfNeeded();
  return page.locator(`${selector} canvas`).first().evaluate((canvas: Element) => {
    const { width, height } = canvas as HTMLCanvasElement;
    // A copy is read, so that the page's own canvas stays one that is only painted.
    const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
    copy.drawImage(canvas as HTMLCanvasElement, 0, 0);
    const { data } = copy.getImageData(0, 0, width, height);
    let number = 0;
    for (let i = 3; i < data.length; i += 4) if (data[i] > 0) number++;
    return number;
  });
}

test('every panel shows live data, dark and light, on wide screens, tablets and phones', async (t) => {
  const opened = await open(t);
  if (opened === null) return;
  const { page, faults } = opened;
  const pictures = pictureFolder(t);
  await condition(page, 'live');
  await showsEverything(page);
  for (const [name, viewport, colorScheme] of [['dark', WIDE, 'dark'], ['light', WIDE, 'light'], ['tablet', TABLET, 'light'], ['phone', PHONE, 'dark']] as const) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    await page.locator(`html[data-theme="${colorScheme}"]`).waitFor(PATIENT);
    await showsEverything(page);
    for (const chart of ['#depth-panel', '#histogram-panel', '#price-panel', '#percentiles-panel', '#throughput-panel', '#profit-panel'])
      assert.ok((await painted(page, chart)) > 500, `${chart} is empty`);
    await noSideways(page);
    assert.deepEqual(await poorContrast(page), [], name);
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: name !== 'phone' });
  }
  assert.deepEqual(faults, []);
});

/** Texts whose contrast to what is behind them is below 4.5 (AA), with it. */
function poorContrast(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
    const known = new Map<string, number>();
    /** How light layers over one another are, as the screen mixes them. */
    const lightOf = (layers: string[]): number => {
      const key = layers.join();
      if (!known.has(key)) known.set(key, light(mix(layers)));
      return known.get(key)!;
    };
    const mix = (layers: string[]): number[] => {
      canvas.clearRect(0, 0, 1, 1);
      for (const layer of layers) {
        canvas.fillStyle = layer;
        canvas.fillRect(0, 0, 1, 1);
      }
      return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const light = (rgb: number[]): number => {
      const [r, g, b] = rgb.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const poor = new Set<string>();
    for (const element of document.querySelectorAll<HTMLElement>('.page *')) {
      const text = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.textContent).join('').trim();
      if (text === '' || element.closest('.sr-only, :disabled, option, svg') !== null || element.offsetParent === null) continue;
      const layers: string[] = [];
      for (let at: Element | null = element; at !== null; at = at.parentElement) layers.unshift(getComputedStyle(at).backgroundColor);
      const ground = lightOf(layers);
      const ink = lightOf([...layers, getComputedStyle(element).color]);
      const contrast = (Math.max(ground, ink) + 0.05) / (Math.min(ground, ink) + 0.05);
      if (contrast < 4.5) poor.add(`${element.className || element.tagName} ${contrast.toFixed(2)}: ${text.slice(0, 30)}`);
    }
    return [...poor];
  });
}

test('a thousand updates a second: frames are counted, the newest state is shown', async (t) => {
  const opened = await open(t, {}, (server) => (server.updatesPerSecond = UPDATES_PER_SECOND), '?fps');
  if (opened === null) return;
  const { page, faults, server } = opened;
  await condition(page, 'live');
  await page.waitForFunction(() => window.outcryFrames !== undefined, null, PATIENT);
  const sentBefore = server.sent;
  const startMs = performance.now();
  const counts: FrameCount[] = [];
  for (let second = 0; second < 4; second++) {
    const known = counts.at(-1)?.seconds ?? 0;
    await page.waitForFunction((seconds) => window.outcryFrames!.seconds > seconds, known, PATIENT);
    counts.push(await page.evaluate(() => window.outcryFrames!));
  }
  const seconds = (performance.now() - startMs) / 1_000;
  const mean = (pick: (each: FrameCount) => number): number => counts.reduce((sum, each) => sum + pick(each), 0) / counts.length;
  t.diagnostic(
    `${((server.sent - sentBefore) / seconds).toFixed(0)} market messages a second: ${mean((each) => each.perSecond).toFixed(1)} frames a second, ` +
      `longest pause ${Math.max(...counts.map((each) => each.longestMs)).toFixed(0)} ms, painting ${mean((each) => each.paintingMs).toFixed(0)} ms of each second`,
  );
  // Only that it runs: how fast depends on who else has the machine.
  assert.ok(mean((each) => each.perSecond) > 0);
  // Nothing comes any more: what is shown is the last state, whatever came before it.
  server.updatesPerSecond = 0;
  const [market] = server.markets;
  const last = market.message(0, 1, 0);
  const shown = (last.bids[0][0] / 100).toFixed(2);
  await waitForText(page, '.ladder .bids .level:first-child .price', new RegExp(`^${shown.replace('.', '\\.')}$`));
  await waitForText(page, '.ladder .bids .level:first-child .qty', new RegExp(`^${last.bids[0][1]}$`));
  assert.deepEqual(faults, []);
});

test('what is out of sight is not painted, and is when it comes into sight', async (t) => {
  const opened = await open(t);
  if (opened === null) return;
  const { page, faults } = opened;
  await condition(page, 'live');
  const picture = (): Promise<string> => page.locator('#percentiles-panel canvas').first().evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
  /** Its legend is text, and tells of each second wherever the page is. */
  const second = async (): Promise<void> => {
    const legend = '#percentiles-panel .legend';
    const text = await page.locator(legend).innerText();
    await page.waitForFunction(([selector, known]) => document.querySelector<HTMLElement>(selector)!.innerText !== known, [legend, text], PATIENT);
  };
  await second();
  const hidden = await picture();
  await second();
  assert.equal(await picture(), hidden, 'below the window');
  await page.locator('#percentiles-panel').scrollIntoViewIfNeeded();
  // One that was never painted with a size knew nothing to wait for: it stood still, and kept the colours of the other theme.
  const bars = (): Promise<string> => page.locator('#histogram-panel canvas').evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
  const first = await bars();
  await page.waitForFunction((was) => document.querySelector<HTMLCanvasElement>('#histogram-panel canvas')!.toDataURL() !== was, first, PATIENT);
  await page.waitForFunction((was) => document.querySelector<HTMLCanvasElement>('#percentiles-panel canvas')!.toDataURL() !== was, hidden, PATIENT);
  assert.deepEqual(faults, []);
});

describe('keys', () => {
  test('instruments, theme, help, focus, and nothing while somebody types', async (t) => {
    const opened = await open(t);
    if (opened === null) return;
    const { page, faults } = opened;
    await condition(page, 'live');
    await page.keyboard.press('2');
    await waitForText(page, '#price-panel h2', /GLOBEX/);
    await waitForText(page, '.ladder .bids .price', /\d\.\d{4}/);
    assert.equal(await page.getByRole('radio', { name: 'GLOBEX' }).getAttribute('aria-checked'), 'true');
    await page.keyboard.press('t');
    assert.equal(await page.locator('html').getAttribute('data-theme'), 'light');
    await page.reload();
    assert.equal(await page.locator('html').getAttribute('data-theme'), 'light', 'the choice is kept');
    await condition(page, 'live');
    await page.keyboard.press('?');
    const help = page.getByRole('dialog', { name: 'Keys' });
    await help.waitFor(PATIENT);
    await page.keyboard.press('2');
    assert.match(await page.locator('#price-panel h2').innerText(), /ACME/, 'the help is open');
    await page.keyboard.press('Escape');
    await help.waitFor({ ...PATIENT, state: 'detached' });
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'ACME');
    await page.keyboard.press('Tab');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle);
    assert.equal(outline, 'solid', 'focus is visible');
    assert.deepEqual(faults, []);
  });

  test('k and p ask first; Escape sends nothing', async (t) => {
    const opened = await open(t);
    if (opened === null) return;
    const { page, faults, server } = opened;
    await condition(page, 'live');
    await page.keyboard.press('k');
    const dialog = page.getByRole('dialog', { name: 'Kill everything?' });
    await dialog.waitFor(PATIENT);
    assert.match(await dialog.innerText(), /All 48,213 open orders of all 5 sessions are cancelled at once/);
    await dialog.getByLabel('Token').fill('kp2');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ ...PATIENT, state: 'detached' });
    await page.keyboard.press('p');
    await page.getByRole('dialog', { name: 'Pause 3 traders?' }).waitFor(PATIENT);
    await page.keyboard.press('Escape');
    assert.deepEqual(server.commands, []);
    assert.deepEqual(faults, []);
  });
});

describe('commands', () => {
  test('the token in the address is taken out of it and kept for this tab; each trader is paused', async (t) => {
    const opened = await open(t, {}, undefined, `#token=${TOKEN}`);
    if (opened === null) return;
    const { page, faults, server } = opened;
    await condition(page, 'live');
    assert.equal(page.url(), server.url);
    assert.deepEqual(await page.evaluate(() => [sessionStorage.getItem('outcry.token'), JSON.stringify(localStorage), document.cookie]), [TOKEN, '{}', '']);
    await page.keyboard.press('p');
    const dialog = page.getByRole('dialog', { name: 'Pause 3 traders?' });
    await dialog.getByRole('button', { name: 'Pause all' }).click();
    await waitForText(page, '.notices', /pause: done/);
    // It goes when the last of them is answered.
    await dialog.waitFor({ ...PATIENT, state: 'detached' });
    assert.deepEqual(server.commands, [7, 8, 9].map((client) => ({ command: 'pause', client, confirm: true })));
    await waitForText(page, '#positions-panel', /paused/);
    await page.getByRole('button', { name: 'Resume momentum, client 8' }).click();
    await page.getByRole('dialog', { name: 'Resume momentum (client 8)?' }).getByRole('button', { name: 'Resume' }).click();
    await waitForText(page, '#positions-panel', /running/);
    assert.deepEqual(server.commands.at(-1), { command: 'resume', client: 8, confirm: true });
    assert.deepEqual(faults, []);
  });

  test('without a token it is asked for; a wrong one is told and asked for again', async (t) => {
    const opened = await open(t);
    if (opened === null) return;
    const { page, faults, server } = opened;
    await condition(page, 'live');
    await page.getByRole('button', { name: 'Kill', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Kill everything?' });
    await dialog.getByLabel('Token').fill('guess');
    await dialog.getByRole('button', { name: 'Kill' }).click();
    await dialog.getByText('expected the token of this dashboard').waitFor(PATIENT);
    assert.deepEqual(server.commands, []);
    await dialog.getByLabel('Token').fill(TOKEN);
    await page.keyboard.press('Enter');
    await dialog.waitFor({ ...PATIENT, state: 'detached' });
    assert.deepEqual(server.commands, [{ command: 'kill', confirm: true }]);
    await waitForText(page, '.notices', /kill: done/);
    // The browser itself tells of the 403; nothing else is wrong.
    assert.deepEqual(faults.filter((fault) => !fault.includes('403')), []);
  });

  test('the menu: instrument, exchange, each trader; gone where the server takes none', async (t) => {
    const opened = await open(t, {}, undefined, `#token=${TOKEN}`);
    if (opened === null) return;
    const { page, faults, server } = opened;
    await condition(page, 'live');
    await page.getByRole('button', { name: /^Control/ }).click();
    await page.getByRole('button', { name: 'Halt' }).click();
    const dialog = page.getByRole('dialog', { name: 'Halt ACME?' });
    assert.match(await dialog.innerText(), /only cancels are taken/);
    await dialog.getByRole('button', { name: 'Halt' }).click();
    await waitForText(page, '.notices', /halt: done/);
    assert.deepEqual(server.commands, [{ command: 'halt', ticker: 1, confirm: true }]);
    server.hello = { ...server.hello, commands: false };
    server.tell(server.hello);
    await page.getByText('read only').waitFor(PATIENT);
    await page.keyboard.press('k');
    assert.equal(await page.getByRole('dialog').count(), 0);
    assert.equal(await page.getByRole('button', { name: 'Pause momentum, client 8' }).count(), 0);
    assert.deepEqual(faults, []);
  });
});

describe('odd states', () => {
  test('nothing runs: every panel says so', async (t) => {
    const opened = await open(t, {}, (server) => {
      Object.assign(server.system.dials, { exchange: false, traders: false, alerts: [] });
      server.system.points.length = 0;
      server.hello = { ...server.hello, instruments: [] };
    });
    if (opened === null) return;
    const { page, faults } = opened;
    await condition(page, 'live');
    for (const [id, says] of [
      ['ladder-panel', 'No instrument is traded'], ['positions-panel', 'No trader runs'], ['exchange-panel', 'No exchange runs'],
      ['alerts-panel', 'No alert in the last hour'], ['stages-panel', 'does not measure'],
    ]) await waitForText(page, `#${id}`, new RegExp(says));
    await waitForText(page, '[data-tile="avg-latency"]', /–/);
    assert.deepEqual(faults, []);
  });

  test('a server that falls silent is stale, one that goes away is tried again and found again', async (t) => {
    const opened = await open(t);
    if (opened === null) return;
    const { page, faults, server } = opened;
    await condition(page, 'live');
    server.silent = true;
    await condition(page, 'stale');
    await waitForText(page, '.banner', /has gone silent.*What is shown is of/);
    server.silent = false;
    await condition(page, 'live');
    await server.close();
    await condition(page, 'disconnected');
    await waitForText(page, '.banner', /not reached/);
    await page.screenshot({ path: join(pictureFolder(t), 'disconnected.png') });
    await server.open();
    await condition(page, 'live');
    await showsEverything(page);
    assert.equal(await page.locator('.banner').count(), 0);
    // The browser tells of each attempt that was refused.
    assert.deepEqual(faults.filter((fault) => !/WebSocket connection|ERR_CONNECTION_REFUSED/.test(fault)), []);
  });

  test('a feed that is repaired, a halted instrument, a silent server before the first word', async (t) => {
    const opened = await open(t, {}, (server) => (server.silent = true));
    if (opened === null) return;
    const { page, faults, server } = opened;
    await page.locator('#ladder-panel .loading').waitFor(PATIENT);
    server.silent = false;
    server.system.dials.feedFresh = false;
    server.tell(server.hello);
    await condition(page, 'live');
    await waitForText(page, '.banner', /market data are being repaired/);
    await page.keyboard.press('3');
    await waitForText(page, '#ladder-panel', /halted/);
    assert.deepEqual(faults, []);
  });

  test('another version is refused in words; names that look like markup are text', async (t) => {
    const markup = '<img src=x onerror=alert(1)>';
    const opened = await open(t, {}, (server) => {
      const [first, ...others] = server.hello.instruments;
      server.hello = { ...server.hello, instruments: [{ ...first, symbol: markup }, ...others] };
      server.system.dials.alerts = [alert(1, { subject: markup, message: markup })];
    });
    if (opened === null) return;
    const { page, faults, server } = opened;
    await condition(page, 'live');
    await waitForText(page, '#alerts-panel', /onerror/);
    assert.equal(await page.locator('#page img:not(.brand img)').count(), 0);
    assert.ok((await page.title()).includes(markup));
    server.tell({ ...server.hello, version: 2 as 1 });
    await condition(page, 'refused');
    await waitForText(page, '.banner', /version 1, the server 2/);
    assert.deepEqual(faults, []);
  });

  test('with reduced motion nothing lights up', async (t) => {
    const opened = await open(t, { reducedMotion: 'reduce' }, (server) => (server.updatesPerSecond = 300));
    if (opened === null) return;
    const { page, faults, server } = opened;
    await condition(page, 'live');
    await page.waitForFunction(() => document.querySelector('.level .lit') !== null, null, PATIENT);
    const ground = (): Promise<string[]> => page.evaluate(() => [...document.querySelectorAll('.level .lit')].map((lit) => getComputedStyle(lit).backgroundColor));
    assert.ok((await ground()).every((colour) => colour === 'rgba(0, 0, 0, 0)'));
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
    await page.emulateMedia({ reducedMotion: 'no-preference' });
    await page.waitForFunction(() => [...document.querySelectorAll('.level .lit')].some((lit) => getComputedStyle(lit).backgroundColor !== 'rgba(0, 0, 0, 0)'), null, PATIENT);
    // A market that falls silent leaves nothing alight.
    server.updatesPerSecond = 0;
    await page.waitForFunction(() => document.querySelector('.level .lit') === null, null, PATIENT);
    assert.deepEqual(faults, []);
  });
});
