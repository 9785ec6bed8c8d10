// /time-travel in a real browser: the journal of an exchange that ran, and a recorded day. What the page shows at an instant is
// compared with what the exchange said of itself, and with a book made from events alone; jumps are timed and the times printed.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { Prng } from '../../src/base/prng.ts';
import { EventBook } from '../../src/book/event_book.ts';
import { MatchingEngine, decodeEvent } from '../../src/book/matching_engine.ts';
import { COMMAND, EVENT } from '../../src/book/types.ts';
import { FileStorage } from '../../src/journal/file_storage.ts';
import { JournalReader } from '../../src/journal/reader.ts';
import { segmentName } from '../../src/journal/segment.ts';
import { DashboardServer, type DashboardOptions } from '../../src/observe/dashboard/server.ts';
import { RigSource, TOKEN } from '../../src/observe/dashboard/server_rig.reference.ts';
import { readJournal } from '../../src/timetravel/journal_tape.ts';
import { readLobster } from '../../src/timetravel/lobster_tape.ts';
import type { Tape } from '../../src/timetravel/tape.ts';
import { buildWeb } from '../../tools/build_web.ts';
import { findTool, requireTool } from '../requirements.ts';
import { interrupted, outcry, resultOf, startExchange } from '../trade/processes.ts';
import { PHONE, pictureFolder, TestBrowser, type OpenPage } from './browser.ts';

/** Makes more than 100,000 inputs. */
const ORDERS = 52_000;
const JUMPS = Number(process.env['TIMETRAVEL_JUMPS'] ?? 60);
const PATIENT = { timeout: 60_000 };
const RECORDINGS = join(import.meta.dirname, '../../../shared/data/lobster');
const AMZN = ['AMZN_2012-06-21_message_1.csv', 'AMZN_2012-06-21_orderbook_1.csv'].map((name) => join(RECORDINGS, name));
const NO_RECORDING = existsSync(AMZN[0]) ? false : 'the recordings are not there';

/** Of the short copy: what does not need a long day opens a short one. */
const SHORT_RECORDS = 60;

const folder = mkdtempSync(join(tmpdir(), 'outcry-time-travel-'));
const journal = join(folder, 'journal');
const short = join(folder, 'short');
let browser: TestBrowser | null = null;
let stateHash = '';

before(async () => {
  const executable = findTool('chromium');
  if (executable === null) return;
  browser = await TestBrowser.launch(executable);
  stateHash = await journalOfARun();
  copyBeginning();
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** An exchange, and generated order flow from another process; returns what it says of its state at its end. */
async function journalOfARun(): Promise<string> {
  const exchange = await startExchange('--tickers', '1,2', '--journal', journal, '--durability', 'async-unsafe', '--journal-segment-bytes', '4MiB');
  const flow = outcry('replay', 'equity', '--scenario', 'normal', '--orders', String(ORDERS), '--to', `127.0.0.1:${exchange.port}`, '--keep', '--json');
  resultOf(await flow.ended);
  const result = (await interrupted(exchange)) as { stateHash: string };
  return BigInt(result.stateHash.startsWith('0x') || /^\d+$/.test(result.stateHash) ? result.stateHash : `0x${result.stateHash}`).toString(16).padStart(16, '0');
}

/** The journal as it was after its first records: behind them nothing is written yet. */
function copyBeginning(): void {
  const storage = new FileStorage(journal);
  const reader = JournalReader.open(storage);
  while (reader.sequence < SHORT_RECORDS && reader.next());
  const end = reader.offset;
  reader.close();
  storage.close();
  const name = segmentName(1);
  mkdirSync(short);
  writeFileSync(join(short, name), readFileSync(join(journal, name)).fill(0, end));
}

interface Opened extends OpenPage {
  readonly server: DashboardServer;
}

/** null: no browser, the test skips. */
async function open(t: TestContext, hash: string, options: Partial<DashboardOptions> = {}, width?: { width: number; height: number }): Promise<Opened | null> {
  if (requireTool(t, 'chromium') === null) return null;
  const server = await DashboardServer.open({
    host: '127.0.0.1', port: 0, hosts: [], token: '', pages: buildWeb(), source: new RigSource(),
    timeTravel: [{ kind: 'journal', directory: journal }, { kind: 'journal', directory: short }, ...(NO_RECORDING === false ? [{ kind: 'recording', files: AMZN } as const] : [])],
    commands: async () => ({ ok: true, text: '' }), note: () => {}, ...options,
  });
  t.after(() => server.close());
  const opened = await browser!.open(width === undefined ? {} : { viewport: width });
  t.after(() => opened.page.context().close());
  await opened.page.goto(`${server.url}time-travel${hash}`);
  return { ...opened, server };
}

/** Waits until the page stands at a position, or anywhere. */
async function stands(page: Page, position?: number): Promise<void> {
  await page.waitForSelector(position === undefined ? '[data-position]' : `[data-position="${position}"]`, PATIENT);
}

async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).first().textContent(PATIENT)) ?? '';
}

async function positionOf(page: Page): Promise<number> {
  return Number(await page.locator('[data-position]').getAttribute('data-position', PATIENT));
}

async function inputsOf(page: Page): Promise<number> {
  return Number(await page.locator('[role=slider]').getAttribute('aria-valuemax', PATIENT));
}

async function hashAt(page: Page): Promise<string> {
  return (await page.locator('[data-state-hash]').getAttribute('data-state-hash', PATIENT)) ?? '';
}

/** Milliseconds from asking for an instant to seeing it drawn, for each position. */
async function timedJumps(page: Page, positions: readonly number[]): Promise<number[]> {
  return page.evaluate(async (all) => {
    const times: number[] = [];
    for (const position of all) {
      const beganMs = performance.now();
      await new Promise<void>((resolve) => {
        const isThere = (): boolean => document.querySelector<HTMLElement>('[data-position]')?.dataset['position'] === String(position);
        const watch = new MutationObserver(() => {
          if (!isThere()) return;
          watch.disconnect();
          resolve();
        });
        watch.observe(document.body, { subtree: true, attributes: true, childList: true, characterData: true });
        location.hash = location.hash.replace(/\bat=\d+/, `at=${position}`);
        setTimeout(resolve, 60_000); // then the comparison behind says what is missing
        if (isThere()) {
          watch.disconnect();
          resolve();
        }
      });
      times.push(performance.now() - beganMs);
    }
    return times;
  }, positions);
}

function report(t: TestContext, what: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const text = `${what}: ${times.length} random jumps, each to the instant drawn: median ${sorted[sorted.length >> 1].toFixed(1)} ms, worst ${sorted.at(-1)!.toFixed(1)} ms`;
  t.diagnostic(text);
  process.stdout.write(`${text}\n`);
}

function randomPositions(inputs: number): number[] {
  const prng = new Prng(11);
  return [...new Set(Array.from({ length: JUMPS }, () => prng.between(1, inputs - 1)))];
}

/** The tape's commands, one after the other, through an engine; the book that its events tell, and its state, at a position. */
function straightTo(tape: Tape, position: number): { told: EventBook; stateHash: string } {
  const engine = new MatchingEngine(tape.engine);
  const told = new EventBook();
  let read = 0;
  for (let input = 0; input < position; input++) {
    const [from, to] = [tape.firstSlot[input], tape.firstSlot[input + 1]];
    if (from === to) continue;
    engine.u8.set(tape.slots.subarray(from * COMMAND.size, to * COMMAND.size), engine.commandBase);
    engine.process(to - from);
    for (const end = engine.eventsWritten(); read < end; read++) told.apply(decodeEvent(engine.view, engine.eventBase + (read & engine.eventMask) * EVENT.size));
    engine.releaseEvents(read);
  }
  return { told, stateHash: engine.stateHash().toString(16).padStart(16, '0') };
}

describe('the journal of an exchange', () => {
  test('more than 100,000 events: random jumps, the exchange’s own state at the end, every hash met', async (t) => {
    const opened = await open(t, '#source=journal-1');
    if (opened === null) return;
    const { page, faults } = opened;
    await stands(page);
    const inputs = await inputsOf(page);
    assert.ok(inputs > 100_000, `${inputs} events`);
    assert.equal(await positionOf(page), inputs, 'it opens at the end');
    assert.equal(await hashAt(page), stateHash);
    assert.match(await textOf(page, '[data-verified]'), /^✓ \d+ hashes met$/);
    assert.equal(await page.evaluate(() => crossOriginIsolated), true);

    await page.waitForFunction(() => location.hash.includes('at='));
    report(t, `${inputs} events of a journal`, await timedJumps(page, randomPositions(inputs)));
    const [back] = await timedJumps(page, [inputs]);
    assert.ok(back > 0);
    assert.equal(await hashAt(page), stateHash, 'and again after the jumps');
    assert.deepEqual(faults, []);
  });

  test('book, queue and an order’s place are those of a book made from events alone', async (t) => {
    if (requireTool(t, 'chromium') === null) return;
    const storage = new FileStorage(journal);
    const tape = readJournal(storage);
    storage.close();
    const position = Math.floor(tape.inputs * 0.6);
    const truth = straightTo(tape, position);
    const shown = [1, -1].flatMap((side) => truth.told.levels(0, side).slice(0, 11).map(({ price, entries }) => ({ side, price, entries })));
    const longest = shown.reduce((a, b) => (b.entries.length > a.entries.length ? b : a));
    assert.ok(longest.entries.length >= 2, 'a queue');
    const behind = longest.entries.at(-1)!;
    const opened = await open(t, `#source=journal-1&at=${position}&book=0`);
    if (opened === null) return;
    const { page, faults } = opened;
    await stands(page, position);
    assert.equal(await hashAt(page), truth.stateHash);
    const prices = await page.locator('#book [data-price]').evaluateAll((rows) => rows.map((row) => [Number((row as HTMLElement).dataset['price']), row.parentElement!.className]));
    for (const { side, price } of shown) assert.ok(prices.some(([at, name]) => at === price && name === (side > 0 ? 'bids' : 'asks')), `${side} ${price}`);
    assert.equal(prices.length, shown.length);

    await page.click(`.${longest.side > 0 ? 'bids' : 'asks'} [data-price="${longest.price}"]`);
    await page.waitForSelector('#queue [data-order]', PATIENT);
    const queue = await page.locator('#queue [data-order]').evaluateAll((rows) => rows.map((row) => [(row as HTMLElement).dataset['order'], Number(row.children[2].textContent.replaceAll(',', ''))]));
    assert.deepEqual(queue, longest.entries.map(({ client, id, displayed }) => [`${client}.${id}`, displayed]));
    await page.locator(`#queue [data-order="${behind.client}.${behind.id}"] .name`).click();
    await page.waitForSelector('#order .place', PATIENT);
    const place = page.locator('#order .place');
    const ahead = longest.entries.slice(0, -1).reduce((sum, { displayed }) => sum + displayed, 0);
    assert.deepEqual([await place.getAttribute('data-ahead'), await place.getAttribute('data-orders-ahead')], [String(ahead), String(longest.entries.length - 1)]);
    assert.match(await textOf(page, '#order .steps li'), /accepted: /);
    assert.deepEqual(faults, []);
  });

  test('steps, keys, search: each leads where it says', async (t) => {
    const opened = await open(t, '#source=journal-2&at=5000&book=0');
    if (opened === null) return;
    const { page, faults } = opened;
    await stands(page, 5_000);
    const press = async (key: string, position: number): Promise<void> => {
      await page.keyboard.press(key);
      await stands(page, position);
    };
    await press('ArrowRight', 5_001);
    await press('ArrowLeft', 5_000);
    await press('Shift+ArrowRight', 5_100);
    await press('Shift+ArrowLeft', 5_000);
    await press('Home', 0);
    assert.match(await textOf(page, '.now-line'), /Before the first event/);
    await press('End', await inputsOf(page));
    await page.goto(page.url().replace(/at=\d+/, 'at=5003'));
    await stands(page, 5_003);
    await page.keyboard.press('n');
    await page.waitForFunction(() => Number(document.querySelector<HTMLElement>('[data-position]')!.dataset['position']) > 5_003, undefined, PATIENT);
    const trade = await positionOf(page);
    assert.ok((await page.locator('.now-line.trade').count()) === 1, 'a trade');
    await press('ArrowLeft', trade - 1);
    await press('n', trade);

    const name = (await textOf(page, '#trades .deal .name')).trim();
    await page.keyboard.press('/');
    await page.keyboard.type(name);
    await page.keyboard.press('Enter');
    await page.waitForSelector('#order', PATIENT);
    assert.equal(await textOf(page, '#order h2'), `Order ${name}`);
    const step = Number(await page.locator('#order .steps li').first().getAttribute('data-step', PATIENT));
    await page.locator('#order .steps li').first().click();
    await stands(page, step);
    await page.keyboard.press('Escape');
    await page.waitForSelector('#order', { state: 'detached', ...PATIENT });

    await page.fill('#search', '#3');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('.where')!.textContent.includes('sequence 3'), undefined, PATIENT);
    await page.fill('#search', 'no such thing');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.search .hint', PATIENT);
    await page.locator('#search').blur();
    // Played, it moves on by itself, and stops where it is told to.
    await page.keyboard.press('Space');
    const from = await positionOf(page);
    await page.waitForFunction((at) => Number(document.querySelector<HTMLElement>('[data-position]')!.dataset['position']) > at, from, PATIENT);
    await page.keyboard.press('Space');
    assert.equal(await page.locator('[aria-label=Play]').count(), 1);
    assert.deepEqual(faults, []);
  });

  test('a link names the instant, the order and the level, and brings them back', async (t) => {
    const opened = await open(t, '#source=journal-2&at=7000&book=0');
    if (opened === null) return;
    const { page, faults } = opened;
    await stands(page, 7_000);
    await page.locator('#book [data-price]').first().click();
    await page.locator('#queue .name').first().click();
    await page.waitForFunction(() => /order=\d+\.\d+&level=(?:bid|ask)@/.test(location.hash), undefined, PATIENT);
    const left = { hash: await hashAt(page), order: await textOf(page, '#order h2'), queue: await textOf(page, '#queue h2'), link: page.url() };
    await page.goto('about:blank');
    await page.goto(left.link);
    await stands(page, 7_000);
    await page.waitForSelector('#order', PATIENT);
    assert.deepEqual({ hash: await hashAt(page), order: await textOf(page, '#order h2'), queue: await textOf(page, '#queue h2'), link: page.url() }, left);
    assert.deepEqual(faults, []);
  });

  test('a scrub asks for the newest instant only, and ends there', async (t) => {
    const opened = await open(t, '#source=journal-2&at=1&book=0');
    if (opened === null) return;
    const { page, faults } = opened;
    await stands(page, 1);
    const box = (await page.locator('.strip').boundingBox())!;
    await page.mouse.move(box.x + 2, box.y + 40);
    await page.mouse.down();
    for (let i = 1; i <= 30; i++) await page.mouse.move(box.x + (box.width * i) / 40, box.y + 40);
    await page.mouse.up();
    const inputs = await inputsOf(page);
    const expected = Math.round((inputs * 30) / 40);
    await page.waitForFunction(
      ([at, within]) => Math.abs(Number(document.querySelector<HTMLElement>('[data-position]')!.dataset['position']) - at) <= within,
      [expected, inputs / box.width + 1], PATIENT,
    );
    assert.deepEqual(faults, []);
  });

  test('with a token the page asks for it, and opens nothing without', async (t) => {
    const opened = await open(t, '#source=journal-2&at=100', { token: TOKEN });
    if (opened === null) return;
    const { page } = opened;
    await page.waitForSelector('.token input', PATIENT);
    await page.fill('.token input', 'another-token-that-is-wrong');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.fault', PATIENT);
    await page.fill('.token input', TOKEN);
    await page.keyboard.press('Enter');
    await stands(page, 100);
    assert.doesNotMatch(page.url(), /token/);
  });

  test('one that is damaged is shown up to the damage, and says so', async (t) => {
    const opened = await open(t, '');
    if (opened === null) return;
    const { page, faults } = opened;
    const files = readdirSync(journal).filter((name) => name.endsWith('.journal'));
    const given = files.map((name) => ({ name, mimeType: '', buffer: readFileSync(join(journal, name)) }));
    given[0].buffer[1 << 20] ^= 8;
    await page.setInputFiles('#files', given);
    await stands(page);
    assert.match(await textOf(page, '.fault'), /^shown up to the damage: .*segment-0000000001/);
    assert.ok((await inputsOf(page)) > 10_000);
    assert.deepEqual(faults, []);
  });
});

describe('a recorded day', { skip: NO_RECORDING }, () => {
  test('AMZN: opened from files, random jumps, the state of a straight run at the end', async (t) => {
    const opened = await open(t, '#at=30002&book=0');
    if (opened === null) return;
    const { page, faults } = opened;
    await page.setInputFiles('#files', AMZN);
    await stands(page, 30_002);
    assert.match(await textOf(page, '.now-line'), /new 2\.4163 sell 9 @ 222\.3100/);
    assert.match(await textOf(page, '.where'), /12:50:17\.065.849.518/);
    const fileOf = (path: string): { name: string; content: Uint8Array } => ({ name: path, content: readFileSync(path) });
    const tape = readLobster(fileOf(AMZN[0]), fileOf(AMZN[1]));
    assert.equal(await hashAt(page), straightTo(tape, 30_002).stateHash);
    report(t, `AMZN, ${tape.inputs} messages`, await timedJumps(page, [...randomPositions(tape.inputs), tape.inputs]));
    assert.equal(await hashAt(page), straightTo(tape, tape.inputs).stateHash);
    await page.screenshot({ path: join(pictureFolder(t), 'time_travel_amzn.png') });
    assert.deepEqual(faults, []);
  });

  test('works without cross-origin isolation: the core’s memory is handed to nobody', async (t) => {
    if (requireTool(t, 'chromium') === null) return;
    const server = await plainServer(buildWeb());
    t.after(() => server.close());
    const { page, faults } = await browser!.open();
    t.after(() => page.context().close());
    await page.route('**/api/time-travel', (route) => route.fulfill({ json: { sources: [] } }));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/time_travel/index.html`);
    assert.equal(await page.evaluate(() => crossOriginIsolated), false);
    await page.setInputFiles('#files', ['AAPL_2012-06-21_34200000_57600000_message_10.csv', 'AAPL_2012-06-21_34200000_57600000_orderbook_10.csv'].map((name) => join(RECORDINGS, name)));
    await stands(page);
    assert.equal(await positionOf(page), 999);
    assert.deepEqual(faults, []);
  });

  test('what is no day is refused in words; on a telephone nothing is wider than the screen', async (t) => {
    const opened = await open(t, '', {}, PHONE);
    if (opened === null) return;
    const { page, faults } = opened;
    const odd = join(folder, 'odd.csv');
    writeFileSync(odd, 'a,b,c\n');
    await page.setInputFiles('#files', odd);
    await page.waitForSelector('.fault', PATIENT);
    assert.match(await textOf(page, '.fault'), /^odd\.csv:1: column 1 \(time\): expected seconds of a day/);
    await page.setInputFiles('#files', AMZN);
    await stands(page);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    assert.deepEqual(faults, []);
  });
});

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm', '.svg': 'image/svg+xml' };

/** Serves a folder as any web server does: without headers that isolate. */
async function plainServer(root: string): Promise<Server> {
  const server = createServer((request, response) => {
    const path = join(root, new URL(request.url ?? '/', 'http://x').pathname);
    response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
    response.end(readFileSync(path));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
