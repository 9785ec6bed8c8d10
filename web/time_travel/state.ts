// What the page knows, and how it asks the worker: one look under way, and of those that come up meanwhile the newest only.
//
//   go(target) ─► wanted ─► worker ─► moment ─► everything that is drawn
//                   ▲                   │ wanted another one meanwhile: asked for at once
//                   └───────────────────┘
import { batch, computed, effect, signal } from '@preact/signals';
import type { TimeTravelSource } from '../../src/observe/dashboard/messages.ts';
import type { NamedInstrument } from '../../src/timetravel/journal_context.ts';
import type { Moment, Overview, Question } from '../../src/timetravel/moment.ts';
import type { OrderName } from '../../src/timetravel/order_story.ts';
import { AT_END, type LevelName, linkTo, type Place, placeOf } from './link.ts';
import type { Day, Find, FromWorker, GivenFile, Target, ToWorker } from './protocol.ts';

/** Drawn; the ladder shows as many a side. */
export const LEVELS = 11;
const ROWS = 11;
const TRADES = 16;
/** The address follows when the instant has stood so long: browsers allow a hundred changes in half a minute. */
const LINK_MS = 400;
const TOKEN_KEY = 'outcry.token';

export type Phase = 'choose' | 'loading' | 'open';

export const phase = signal<Phase>('choose');
export const progress = signal({ text: '', share: 0 });
export const failure = signal('');
export const needsToken = signal(false);
export const sources = signal<readonly TimeTravelSource[]>([]);
export const day = signal<Day | null>(null);
export const overview = signal<Overview | null>(null);
export const moment = signal<Moment | null>(null);
/** Of the newest look: in the worker. */
export const lookMs = signal(0);
export const book = signal(0);
export const level = signal<LevelName | null>(null);
export const order = signal<OrderName | null>(null);
/** What a search found when it was several orders, or none. */
export const searched = signal<{ readonly text: string; readonly orders: readonly OrderName[] } | null>(null);
export const source = signal('');
export const token = signal('');

export const instrument = computed<NamedInstrument>(
  () => day.value?.instruments[book.value] ?? { symbol: `book ${book.value}`, decimals: 0, tickSize: 1 },
);

let worker: Worker | null = null;
let isReady = false;
let queued: ToWorker[] = [];
let isLooking = false;
let wanted: Target | null = null;
/** Where the address said that the page begins. */
let first: Place = placeOf('');

function tell(message: ToWorker): void {
  if (isReady) worker?.postMessage(message);
  else queued.push(message);
}

function startWorker(): void {
  worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => hear(data));
  worker.addEventListener('error', (event) => fail(event.message === '' ? 'the worker could not be started' : event.message, false));
}

function hear(message: FromWorker): void {
  switch (message.type) {
    case 'ready':
      isReady = true;
      for (const waiting of queued.splice(0)) worker?.postMessage(waiting);
      break;
    case 'progress':
      progress.value = { text: message.text, share: message.share };
      break;
    case 'opened':
      opened(message.day);
      break;
    case 'failed':
      fail(message.text, message.needsToken);
      break;
    case 'looked':
      looked(message.moment, message.ms);
      break;
    case 'found':
      found(message);
      break;
    case 'overview':
      overview.value = message.overview;
      break;
    default:
  }
}

function fail(text: string, asksForToken: boolean): void {
  batch(() => {
    failure.value = text;
    needsToken.value = asksForToken;
    isLooking = false;
    if (day.value === null) phase.value = 'choose';
  });
}

// ── opening ──────────────────────────────────────────────────────────────────────────────────

export function openFiles(files: readonly GivenFile[], title: string): void {
  if (files.length === 0) return;
  begin('');
  tell({ type: 'open', title, files });
}

export function openSource(name: string): void {
  begin(name);
  tell({ type: 'fetch', source: name, token: token.value });
}

function begin(name: string): void {
  batch(() => {
    phase.value = 'loading';
    failure.value = '';
    needsToken.value = false;
    progress.value = { text: 'Opening', share: 0 };
    source.value = name;
    day.value = null;
    moment.value = null;
    overview.value = null;
    searched.value = null;
  });
  isLooking = false;
  wanted = null;
}

function opened(what: Day): void {
  const busiest = what.trades.indexOf(Math.max(...what.trades));
  const said = first;
  // Only the first day that is opened is the one that the address meant.
  first = placeOf('');
  batch(() => {
    day.value = what;
    book.value = (said.at !== AT_END || said.timeMs !== null) && said.book < what.instruments.length ? said.book : Math.max(0, busiest);
    order.value = said.order;
    level.value = said.level;
    phase.value = 'open';
  });
  tell({ type: 'overview', book: book.value });
  go(targetOf(said, what));
}

function targetOf({ at, timeMs }: Place, { zeroMs, inputs }: Day): Target {
  if (timeMs !== null && zeroMs !== null) return { timeNs: (timeMs - zeroMs) * 1e6 };
  return { position: at === AT_END ? inputs : at };
}

export function close(): void {
  batch(() => {
    phase.value = 'choose';
    day.value = null;
    moment.value = null;
    order.value = null;
    level.value = null;
    source.value = '';
  });
  history.replaceState(null, '', location.pathname);
  void listSources();
}

// ── looking ──────────────────────────────────────────────────────────────────────────────────

function question(): Question {
  return { book: book.value, levels: LEVELS, rows: ROWS, trades: TRADES, level: level.value, order: order.value };
}

/** To an instant; while one is under way, the newest wish waits and older ones are forgotten. */
export function go(target: Target): void {
  wanted = target;
  lookOn();
}

export function step(by: number): void {
  const from = wanted !== null && 'position' in wanted ? wanted.position : (moment.value?.position ?? 0);
  go({ position: Math.max(0, Math.min(day.value?.inputs ?? 0, from + by)) });
}

function lookOn(): void {
  if (isLooking || wanted === null || day.value === null) return;
  isLooking = true;
  tell({ type: 'look', target: wanted, question: question() });
  wanted = null;
}

function looked(what: Moment, ms: number): void {
  isLooking = false;
  batch(() => {
    moment.value = what;
    lookMs.value = ms;
  });
  lookOn();
}

/** The same instant, with another question. */
function lookAgain(): void {
  if (wanted === null && moment.value !== null) wanted = { position: moment.value.position };
  lookOn();
}

export function chooseBook(index: number): void {
  if (index === book.value || day.value === null || index >= day.value.instruments.length) return;
  batch(() => {
    book.value = index;
    level.value = null;
    overview.value = null;
  });
  tell({ type: 'overview', book: index });
  lookAgain();
}

export function chooseLevel(chosen: LevelName | null): void {
  level.value = chosen;
  lookAgain();
}

export function chooseOrder(chosen: OrderName | null): void {
  batch(() => {
    order.value = chosen;
    searched.value = null;
  });
  lookAgain();
}

export function find(what: Find): void {
  tell({ type: 'find', find: what });
}

function found({ find: what, position, orders }: FromWorker & { type: 'found' }): void {
  if (what.what === 'name') {
    if (orders.length === 1) chooseOrder(orders[0]);
    else searched.value = { text: what.text, orders };
    return;
  }
  if (position !== null) go({ position });
}

// ── the address ──────────────────────────────────────────────────────────────────────────────

export function currentLink(): string {
  const at = moment.value?.position ?? AT_END;
  return linkTo({ source: source.value, at, book: book.value, order: order.value, level: level.value });
}

async function listSources(): Promise<void> {
  try {
    const response = await fetch('/api/time-travel', token.value === '' ? {} : { headers: { authorization: `Bearer ${token.value}` } });
    needsToken.value = response.status === 403;
    sources.value = response.ok ? ((await response.json()) as { sources: TimeTravelSource[] }).sources : [];
  } catch {
    sources.value = []; // a page without its server still opens files
  }
}

export function giveToken(text: string): void {
  keepToken(text);
  if (source.value !== '') openSource(source.value);
  else void listSources();
}

function keepToken(text: string): void {
  token.value = text.trim();
  try {
    sessionStorage.setItem(TOKEN_KEY, token.value);
  } catch {
    // A browser that keeps nothing: it holds until the page is closed.
  }
}

function readToken(): void {
  const said = new URLSearchParams(location.hash.slice(1));
  const given = said.get('token');
  if (given !== null) {
    said.delete('token');
    history.replaceState(null, '', `${location.pathname}${said.size === 0 ? '' : `#${said}`}`);
    keepToken(given);
    return;
  }
  try {
    token.value = sessionStorage.getItem(TOKEN_KEY) ?? '';
  } catch {
    token.value = '';
  }
}

/** Somebody changed the address of an open page: to that instant, or that other day. */
function followAddress(): void {
  const said = placeOf(location.hash);
  if (said.source !== source.value) {
    first = said;
    if (said.source !== '') openSource(said.source);
    return;
  }
  if (day.value === null || (said.at === AT_END && said.timeMs === null)) return;
  batch(() => {
    order.value = said.order;
    level.value = said.level;
  });
  chooseBook(said.book);
  go(targetOf(said, day.value));
}

export function start(): void {
  readToken();
  startWorker();
  first = placeOf(location.hash);
  void listSources();
  if (first.source !== '') openSource(first.source);
  addEventListener('hashchange', followAddress);
  let timer = 0;
  effect(() => {
    if (moment.value === null) return;
    const link = currentLink();
    clearTimeout(timer);
    timer = window.setTimeout(() => history.replaceState(null, '', link), LINK_MS);
  });
}
