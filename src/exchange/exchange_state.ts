// The whole state of an exchange, for a snapshot: what is needed to go on behind some record of the
// journal as if everything before it had just been executed.
//
//   origin │ what is kept of accounts │ engine's memory, its hash │ hash of all events │ states of instruments
//   accounts: order id, log, answers, what they have, locks │ published books │ the feed's window
//
// Not in it, for nobody can tell: counters, budgets of rates, and who was connected. Of the limits only
// whose positions were kept: they are kept where they are limited, so a snapshot serves under any limits
// that need no more of them. Where somebody's are needed that were not kept, the journal is executed
// from its beginning; and where that has been removed, the start is refused, with whose they are.
import type { MatchingEngine } from '../book/matching_engine.ts';
import { restoreMemory, saveMemory } from '../book/memory_image.ts';
import type { EventHash } from './event_hash.ts';
import type { FeedPublisher } from './feed_publisher.ts';
import type { Gateway } from './gateway.ts';
import type { PublishedBooks } from './published_books.ts';
import { type TrackedBooks, untracked } from './risk/limit_table.ts';
import type { RiskGate } from './risk_gate.ts';
import type { Sequencer } from './sequencer.ts';
import type { Account } from './session/accounts.ts';
import { StateReader, StateWriter } from './state_bytes.ts';

/** Of what follows the origin. */
const STATE_VERSION = 2;

/** What the state is in. */
export interface StateParts {
  readonly engine: MatchingEngine;
  readonly hash: EventHash;
  readonly sequencer: Sequencer;
  readonly gateway: Gateway;
  readonly gate: RiskGate;
  readonly books: PublishedBooks;
  readonly feed: FeedPublisher;
}

/** Between two batches. `origin`: what the journal's Config record says. */
export function saveState(parts: StateParts, origin: object): Uint8Array {
  const to = new StateWriter();
  to.text(JSON.stringify(origin));
  to.number(STATE_VERSION);
  to.text(keptText(parts.gate));
  to.text(parts.engine.stateHash().toString());
  to.array(saveMemory(parts.engine));
  to.array(parts.hash.save());
  to.array(parts.sequencer.saveStates());
  to.array(parts.feed.states);
  to.number(parts.gate.allKilled ? 1 : 0);
  const accounts = [...parts.gateway.accounts.all()];
  to.number(accounts.length);
  for (const account of accounts) saveAccount(account, parts.gate, to);
  to.array(parts.books.save());
  const { first, next, records } = parts.feed.channel.save();
  to.number(first);
  to.number(next);
  to.array(records);
  return to.content;
}

/** The origin alone; null: it cannot be read. */
export function originOf(content: Uint8Array): unknown {
  try {
    return JSON.parse(new StateReader(content).text());
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Of a snapshot's content what an engine alone needs to go on. */
export interface EngineState {
  readonly origin: unknown;
  readonly memory: Int32Array;
  readonly eventHash: Int32Array;
}

/** A RangeError when the content makes no sense. */
export function engineStateOf(content: Uint8Array): EngineState {
  const from = new StateReader(content);
  const origin: unknown = JSON.parse(from.text());
  const version = from.number();
  if (version !== STATE_VERSION)
    throw new RangeError(`expected a state of version ${STATE_VERSION}, was ${version}`);
  from.text(); // what was kept of accounts
  from.text(); // the engine's hash
  return { origin, memory: from.int32s(), eventHash: from.int32s() };
}

/** Into a fresh exchange; a RangeError when the content makes no sense here. */
export function restoreState(parts: StateParts, content: Uint8Array): void {
  const from = new StateReader(content);
  from.text();
  const version = from.number();
  if (version !== STATE_VERSION)
    throw new RangeError(`expected a state of version ${STATE_VERSION}, was ${version}`);
  checkKept(from.text(), parts.gate);
  const engineHash = from.text();
  restoreMemory(parts.engine, from.int32s());
  const restored = parts.engine.stateHash().toString();
  if (restored !== engineHash)
    throw new RangeError(`expected the engine's state hash ${engineHash}, was ${restored}`);
  parts.hash.restore(from.int32s());
  parts.sequencer.restoreStates(from.bytes());
  parts.feed.states.set(from.bytes());
  if (from.number() !== 0) parts.gate.kill(null);
  for (let left = from.number(); left > 0; left--) restoreAccount(parts, from);
  parts.books.restore(from.int32s());
  const first = from.number();
  const next = from.number();
  parts.feed.channel.restore(first, next, from.bytes());
  from.end();
}

function saveAccount(account: Account, gate: RiskGate, to: StateWriter): void {
  to.number(account.client);
  to.number(account.orderHigh);
  to.number(account.orderLow);
  // On a framing without a log to resume at, what is sent to it is not kept.
  to.number(account.log === account.kept ? 1 : 0);
  gate.save(account, to);
  const { kept, answers } = account;
  to.number(kept === null ? 0 : 1);
  if (kept === null) return;
  to.number(kept.first);
  to.number(kept.next);
  to.array(kept.save());
  to.array(answers?.save() ?? new Float64Array(0));
}

function restoreAccount({ gateway, gate }: StateParts, from: StateReader): void {
  const account = gateway.replayAccount(from.number());
  account.orderHigh = from.number();
  account.orderLow = from.number();
  const keeps = from.number() !== 0;
  gate.restore(account, from);
  if (from.number() !== 0) {
    const log = gateway.keep(account);
    const first = from.number();
    const next = from.number();
    log.restore(first, next, from.bytes());
    const answers = from.float64s();
    account.answers?.restore(answers);
  } else gateway.letGo(account);
  account.log = keeps ? account.kept : null;
}

/** What was known of accounts when a snapshot was made. */
interface Kept {
  /** Open orders and places in the book were counted. */
  readonly follows: boolean;
  readonly tracked: readonly TrackedBooks[];
}

function keptText({ follows, tracked }: RiskGate): string {
  const kept: Kept = { follows, tracked };
  return JSON.stringify(kept);
}

/** A RangeError when a gate needs more than was kept. */
function checkKept(text: string, gate: RiskGate): void {
  const kept = JSON.parse(text) as Kept;
  if (gate.follows && !kept.follows)
    throw new RangeError('it was made while neither fair shares nor limits needed to know who has which orders');
  const lacking = untracked(kept.tracked, gate.tracked);
  if (lacking === '') return;
  throw new RangeError(
    `it was made while no position or number of orders of ${lacking} was limited: start without that limit, ` +
      'or with the journal from its beginning',
  );
}
