// The worker: reads what was given into a tape, builds the machine, and answers looks. All that is heavy is in here.
import type { TimeTravelList, TimeTravelSource } from '../../src/observe/dashboard/messages.ts';
import { segmentName } from '../../src/journal/segment.ts';
import { ByteStorage } from '../../src/timetravel/byte_storage.ts';
import { readJournal, TapeError } from '../../src/timetravel/journal_tape.ts';
import { readLobster } from '../../src/timetravel/lobster_tape.ts';
import { momentOf, overviewOf } from '../../src/timetravel/moment.ts';
import { eventsOfOrder, findOrders, type OrderName } from '../../src/timetravel/order_story.ts';
import type { Tape } from '../../src/timetravel/tape.ts';
import { TimeMachine } from '../../src/timetravel/time_machine.ts';
import type { Day, Find, FromWorker, GivenFile, Target, ToWorker } from './protocol.ts';

/** Of the whole work, what reading and building take. */
const FETCHED_SHARE = 0.3;
const READ_SHARE = 0.5;
const PROGRESS_MS = 50;
const FIRST_SEGMENT = segmentName(1);

class NeedsToken extends Error {}

let machine: TimeMachine | null = null;
let saidMs = 0;

function say(message: FromWorker): void {
  postMessage(message);
}

function progress(text: string, share: number): void {
  if (performance.now() - saidMs < PROGRESS_MS) return;
  saidMs = performance.now();
  say({ type: 'progress', text, share });
}

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  void answer(data);
});

say({ type: 'ready' });

async function answer(message: ToWorker): Promise<void> {
  try {
    switch (message.type) {
      case 'open':
        build(tapeOf(message.title, await contentsOf(message.files)));
        break;
      case 'fetch':
        build(await fetched(message.source, message.token));
        break;
      case 'look':
        if (machine !== null) look(machine, message);
        break;
      case 'find':
        if (machine !== null) say({ type: 'found', find: message.find, ...found(machine, message.find) });
        break;
      case 'overview':
        if (machine !== null) say({ type: 'overview', overview: overviewOf(machine, message.book) });
        break;
      default:
    }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    say({ type: 'failed', text, needsToken: error instanceof NeedsToken });
  }
}

// ── opening ──────────────────────────────────────────────────────────────────────────────────

type Contents = ReadonlyMap<string, Uint8Array>;

async function contentsOf(files: readonly GivenFile[]): Promise<Contents> {
  const contents = new Map<string, Uint8Array>();
  for (const { name, content } of files) {
    progress(`Reading ${name}`, (contents.size / files.length) * FETCHED_SHARE);
    contents.set(name, new Uint8Array(await content.arrayBuffer()));
  }
  return contents;
}

async function fetched(name: string, token: string): Promise<Tape> {
  const init: RequestInit = token === '' ? {} : { headers: { authorization: `Bearer ${token}` } };
  const list = (await (await get('/api/time-travel', init)).json()) as TimeTravelList;
  const source = list.sources.find((one) => one.name === name);
  if (source === undefined) throw new TapeError(`the server has nothing called ${name}`);
  return tapeOf(source.title, await contentsFrom(source, init));
}

async function contentsFrom(source: TimeTravelSource, init: RequestInit): Promise<Contents> {
  // Snapshots are large, and needed only where the journal's beginning has been removed.
  const isWhole = source.files.some(({ name }) => name === FIRST_SEGMENT);
  const files = source.files.filter(({ name }) => !isWhole || !name.endsWith('.snapshot'));
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const contents = new Map<string, Uint8Array>();
  let done = 0;
  for (const { name, bytes } of files) {
    const response = await get(`/api/time-travel/${encodeURIComponent(source.name)}/${encodeURIComponent(name)}`, init);
    contents.set(name, await bodyOf(response, bytes, (here) => progress(`Fetching ${name}`, ((done + here) / total) * FETCHED_SHARE)));
    done += bytes;
  }
  return contents;
}

async function bodyOf(response: Response, bytes: number, onBytes: (bytes: number) => void): Promise<Uint8Array> {
  let content = new Uint8Array(bytes);
  let at = 0;
  const reader = response.body!.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return content.subarray(0, at);
    if (at + value.length > content.length) {
      const larger = new Uint8Array((at + value.length) * 2);
      larger.set(content);
      content = larger;
    }
    content.set(value, at);
    at += value.length;
    onBytes(at);
  }
}

async function get(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(path, init);
  if (response.ok) return response;
  const { error } = (await response.json().catch(() => ({}))) as { error?: string };
  const text = error ?? `the server answered ${response.status}`;
  throw response.status === 403 ? new NeedsToken(text) : new TapeError(text);
}

/** A journal where there is a segment; else a recording: a message file, and its book file where that is there. */
function tapeOf(title: string, contents: Contents): Tape {
  const names = [...contents.keys()];
  if (names.some((name) => name.endsWith('.journal'))) {
    return readJournal(new ByteStorage(title, contents), (sequence) => progress(`Reading record ${sequence.toLocaleString('en')}`, FETCHED_SHARE));
  }
  const recorded = names.filter((name) => name.endsWith('.csv'));
  const book = recorded.find((name) => /orderbook/i.test(name));
  const messages = recorded.find((name) => name !== book);
  if (messages === undefined) {
    throw new TapeError(`expected segments of a journal, or a LOBSTER message file (.csv), was ${names.join(', ').slice(0, 200) || 'nothing'}`);
  }
  const fileOf = (name: string): { name: string; content: Uint8Array } => ({ name, content: contents.get(name)! });
  return readLobster(fileOf(messages), book === undefined ? null : fileOf(book), (line) =>
    progress(`Reading message ${line.toLocaleString('en')}`, FETCHED_SHARE));
}

function build(tape: Tape): void {
  // The one before is let go first: two would not fit.
  machine = null;
  const made = new TimeMachine(tape);
  made.build((inputs) => progress(`Running event ${inputs.toLocaleString('en')}`, READ_SHARE + (1 - READ_SHARE) * (inputs / tape.inputs)));
  machine = made;
  say({ type: 'opened', day: dayOf(made) });
}

function dayOf({ tape, inputs, faults, verified, log, orders, tradesOf, checkpoints }: TimeMachine): Day {
  const { name, kind, instruments, zeroMs, start, timesNs, sequences, hashes } = tape;
  return {
    name, kind, inputs, instruments, zeroMs, faults,
    firstNs: timesNs[0] ?? 0,
    lastNs: timesNs[inputs - 1] ?? 0,
    firstSequence: sequences[0] ?? 0,
    lastSequence: sequences[inputs - 1] ?? 0,
    snapshot: start?.sequence ?? null,
    hashes: hashes.size,
    verified: verified.length,
    events: log.count,
    orders: orders.orders,
    trades: tradesOf.map((events) => events.length),
    checkpoints: checkpoints.count,
    spacing: checkpoints.spacing,
  };
}

// ── looking ──────────────────────────────────────────────────────────────────────────────────

function look(at: TimeMachine, { target, question }: ToWorker & { type: 'look' }): void {
  const beganMs = performance.now();
  at.seek(positionOf(at, target));
  say({ type: 'looked', moment: momentOf(at, question), ms: performance.now() - beganMs });
}

function positionOf(at: TimeMachine, target: Target): number {
  const position = 'position' in target ? target.position : at.positionOfTime(target.timeNs);
  return Math.max(0, Math.min(at.inputs, Math.round(position) || 0));
}

function found(at: TimeMachine, find: Find): { position: number | null; orders: readonly OrderName[] } {
  switch (find.what) {
    case 'trade':
      return { position: at.positionOfNext(at.tradesOf[find.book], find.direction), orders: [] };
    case 'order':
      return { position: at.positionOfNext(eventsOfOrder(at, find.order), find.direction), orders: [] };
    case 'sequence':
      return { position: at.positionOfSequence(find.sequence), orders: [] };
    case 'time':
      return { position: at.positionOfTime(find.timeNs), orders: [] };
    case 'name':
      return { position: null, orders: findOrders(at, find.text) };
    default:
      return { position: null, orders: [] };
  }
}
