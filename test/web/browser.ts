// A real browser for tests of pages: Debian's Chromium, without a window. What goes wrong in a page (console errors, errors
// nobody caught, violations of the Content-Security-Policy, requests to other hosts) is kept, and a test asserts that it is
// nothing.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { requireTool } from '../requirements.ts';

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--disable-default-apps', '--disable-extensions', '--mute-audio', '--disable-dev-shm-usage',
];

export const WIDE = { width: 1600, height: 1000 };
export const TABLET = { width: 900, height: 1200 };
export const PHONE = { width: 360, height: 780 };

export interface OpenPage {
  readonly page: Page;
  /** What went wrong; a test asserts that it is empty. */
  readonly faults: string[];
}

export class TestBrowser {
  readonly #browser: Browser;

  constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async launch(executablePath: string): Promise<TestBrowser> {
    return new TestBrowser(await chromium.launch({ executablePath, args: FLAGS }));
  }

  /** A page that shares nothing with others: no storage, no cache. */
  async open(options: BrowserContextOptions = {}): Promise<OpenPage> {
    const context = await this.#browser.newContext({ viewport: WIDE, colorScheme: 'dark', ...options });
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('console', (message) => {
      // Policy violations come as console errors, too.
      if (message.type() === 'error' || message.type() === 'warning') faults.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => faults.push(`uncaught: ${error.message}`));
    page.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (hostname !== '127.0.0.1' && protocol !== 'blob:') faults.push(`another host: ${request.url()}`);
    });
    return { page, faults };
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}

/** null: there is none, and the test was told to skip. */
export async function openBrowser(t: TestContext): Promise<TestBrowser | null> {
  const executable = requireTool(t, 'chromium');
  if (executable === null) return null;
  const browser = await TestBrowser.launch(executable);
  t.after(() => browser.close());
  return browser;
}

/** Folder for pictures: OUTCRY_SCREENSHOTS, else one that goes with the test. */
export function pictureFolder(t: TestContext): string {
  const kept = process.env['OUTCRY_SCREENSHOTS'];
  if (kept !== undefined && kept !== '') {
    mkdirSync(kept, { recursive: true });
    return kept;
  }
  const folder = mkdtempSync(join(tmpdir(), 'outcry-pictures-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
