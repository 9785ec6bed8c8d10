// Looks over the exchange's shoulder: at each batch, each turn and each restart, with a naive engine and
// a ledger beside it, and knows what everybody has been told.
//
//   engine.process (before, after) ─► the batch's commands ─► naive engine ─► the same events?   I4
//                                  └► the core's events    ─► ledger                       I1 I2 I5 I9 I12 I14
//   responses written              ─► the record in each side's log                        I1
//   end of a turn                  ─► caps, books by feed sequence                         I3 I6 I7 I16
//   restart                        ─► the journal's commands are what was executed, and all that was told;
//                                     executed by the naive engine they give the recovered state;
//                                     logs and feed hold the bytes that were heard         I10 I11 I13
//
// The production code is not changed for it: one method of one object is wrapped, to see the commands.
// What the naive engine knows at a restart comes from the journal's own records, from the first one on, so
// snapshot + suffix is compared with a full replay by a second implementation each time.
// Cost: most of a run's; the naive engine takes some 10 µs a command.
import { assert } from '../base/assert.ts';
import { decodeEvent } from '../book/matching_engine.ts';
import { ReferenceEngine } from '../book/order_book.reference.ts';
import { COMMAND, EVENT, type EngineEvent } from '../book/types.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { JournalDamagedError, JournalReader } from '../journal/reader.ts';
import { JournalType } from '../journal/record_types.ts';
import type { Storage } from '../journal/storage.ts';
import { ClientResponse, ResponseType } from '../wire/generated/native.ts';
import { MoldBlock } from '../wire/generated/mold_udp64.ts';
import { commandsIn } from './command_slots.ts';
import { isText, textOf, type Heard } from './heard.ts';
import * as invariants from './invariants.ts';
import type { ToldFill } from './invariants.ts';
import { Ledger, type LedgerLimits } from './ledger.ts';

/** Turns with a batch between two looks at what takes long. */
const DEEP_LOOK_TURNS = 16;
/** Levels a side that are compared. */
const LEVELS_COMPARED = 64;
/** Books by feed sequence are kept for so many sequences. */
const HASHES_MAX = 4_096;
const TWO_32 = 0x1_0000_0000;

export interface AuditorOptions {
  readonly heard: Heard;
  readonly limitsOf: (client: number) => LedgerLimits;
  /** Order ids of this client rise for ever. */
  readonly rises: (client: number) => boolean;
}

export class Auditor {
  ledger: Ledger;
  readonly heard: Heard;
  /** Commands that the naive engine has executed, restarts not counted. */
  commands = 0;
  readonly #options: AuditorOptions;
  #naive: ReferenceEngine | null = null;
  #exchange: Exchange | null = null;
  /** Slots of all batches executed so far, by batch. */
  #executed: Uint8Array[] = [];
  /** Highest record of the journal of which something has been told. */
  #told = 0;
  #batches = 0;
  #lastLook = 0;
  /** Batches at the last turn's look. */
  #seen = 0;
  /** Public hash of the books behind all messages before a feed sequence. */
  readonly #booksAt = new Map<number, bigint>();

  constructor(options: AuditorOptions) {
    this.#options = options;
    this.heard = options.heard;
    this.ledger = new Ledger([], options.limitsOf, options.rises);
  }

  /** A life of the exchange begins: recovered, and not yet polled. `storage`: its journal. */
  begin(exchange: Exchange, storage: Storage): void {
    this.#exchange = exchange;
    this.#rebuild(exchange, this.#commandsOnDisk(storage, exchange.recovered?.lastSequence ?? 0));
    const { engine } = exchange;
    const process = engine.process.bind(engine);
    engine.process = (slots: number): void => {
      const slotBytes = engine.u8.slice(engine.commandBase, engine.commandBase + slots * COMMAND.size);
      const from = engine.eventsWritten();
      process(slots);
      this.#onBatch(exchange, slotBytes, from);
    };
    this.#checkRecovered(exchange);
    this.#checkHeard(exchange);
    this.#booksAt.clear();
    this.#noteBooks(exchange);
  }

  /** Highest record of the journal of which something has been told. */
  get told(): number {
    return this.#told;
  }

  /** The journal ends with `lastSequence` after a restart. */
  journalRecovered(lastSequence: number): void {
    invariants.acknowledgedIsRecovered('the journal', this.#told, lastSequence);
  }

  /** The exchange's listener: an event stands at `at`, its responses have been written. */
  onEvent(at: number): void {
    const exchange = this.#exchange;
    assert(exchange !== null, 'events come from an exchange');
    const event = decodeEvent(exchange.engine.view, at);
    if (event.type !== 'trade') return;
    const { instruments } = exchange;
    const price = event.price * instruments.tickUnits[event.book];
    const { side, qty } = event;
    const type = ResponseType.Filled;
    const taker = { type, client: event.takerClient, side, price, qty, leaves: event.takerLeaves };
    const maker = { type, client: event.makerClient, side: -side, price, qty, leaves: event.makerLeaves };
    const same = taker.client === maker.client;
    invariants.toldToBothSides(`taker ${event.takerOrderId}`, taker, this.#fillTold(exchange, taker.client, same ? 2 : 1));
    invariants.toldToBothSides(`maker ${event.makerOrderId}`, maker, this.#fillTold(exchange, maker.client, 1));
  }

  /** A turn of the exchange is over. */
  onTurn(exchange: Exchange): void {
    this.#told = Math.max(this.#told, exchange.journal?.released ?? 0);
    this.#checkCaps(exchange);
    if (this.#batches === this.#seen) return;
    this.#seen = this.#batches;
    this.#checkLogs(exchange);
    this.#noteTops(exchange);
    if (this.#batches - this.#lastLook >= DEEP_LOOK_TURNS) this.deepLook(exchange);
  }

  /** What takes long: structures, levels, sums. */
  deepLook(exchange: Exchange): void {
    this.#lastLook = this.#batches;
    const { engine } = exchange;
    const naive = this.#naive;
    assert(naive !== null, 'an exchange has begun');
    invariants.structureHolds('core', () => engine.checkInvariants());
    for (let book = 0; book < exchange.instruments.count; book++) {
      const sums = naive.depth(book, LEVELS_COMPARED);
      const levels = engine.depth(book, LEVELS_COMPARED);
      invariants.levelsAreSums(`bids of ${book}`, sums.bids, levels.bids);
      invariants.levelsAreSums(`asks of ${book}`, sums.asks, levels.asks);
    }
    this.ledger.checkSums();
    this.#noteBooks(exchange);
  }

  /** A receiver whose books are called fresh, with all messages before `sequence`. */
  onFresh(receiver: string, sequence: number, publicHash: () => bigint): boolean {
    const expected = this.#booksAt.get(sequence);
    if (expected === undefined) return false;
    invariants.bookFromFeed(receiver, sequence, expected, publicHash());
    return true;
  }

  /** The same state from the journal alone, snapshots left out. */
  checkReplica(exchange: Exchange, replica: Exchange): void {
    invariants.replayIsIdentical('events of the whole journal', exchange.eventHash, replica.eventHash);
    invariants.replayIsIdentical('state of the whole journal', exchange.engine.stateHash(), replica.engine.stateHash());
    invariants.replayIsIdentical('feed of the whole journal', exchange.feed.channel.next, replica.feed.channel.next);
    for (const account of exchange.gateway.accounts.all()) {
      if (account.kept === null) continue;
      const again = replica.gateway.accounts.find(account.client);
      invariants.replayIsIdentical(`responses to ${account.client}`, account.kept.next, again?.kept?.next ?? 0);
    }
  }

  /** Logs and feed hold what was heard, byte by byte. */
  checkHeard(exchange: Exchange): void {
    this.#checkHeard(exchange);
  }

  // ── batches ────────────────────────────────────────────────────────────────────────────────

  #onBatch(exchange: Exchange, slotBytes: Uint8Array, from: number): void {
    const { engine } = exchange;
    const naive = this.#naive;
    assert(naive !== null, 'an exchange has begun');
    const end = engine.eventsWritten();
    assert(end - from <= engine.eventMask + 1, 'the events of a batch stand in the ring');
    this.#executed.push(slotBytes);
    this.#batches++;
    const events: EngineEvent[] = [];
    for (let n = from; n < end; n++) {
      const event = decodeEvent(engine.view, engine.eventBase + (n & engine.eventMask) * EVENT.size);
      events.push(event);
      this.ledger.apply(event);
    }
    let at = 0;
    for (const command of commandsIn(slotBytes)) {
      this.commands++;
      const expected = naive.submit(command);
      const was = events.slice(at, at + expected.length);
      at += expected.length;
      invariants.bestAndOldestFirst(expected, was, `command ${command.type} of ${command.client}, order ${command.id}`);
    }
    invariants.bestAndOldestFirst([], events.slice(at), 'behind the last command');
  }

  /** Of the response `back` from the end of the client's log; null: it has none. */
  #fillTold(exchange: Exchange, client: number, back: number): ToldFill | null {
    const log = exchange.gateway.accounts.find(client)?.log;
    if (log === null || log === undefined || log.next - back < log.first) return null;
    const bytes = new Uint8Array(ClientResponse.bytes);
    const view = new DataView(bytes.buffer);
    const at = 0;
    log.copyMessage(log.next - back, bytes, at);
    return {
      type: ClientResponse.type(view, at),
      client: ClientResponse.client(view, at),
      side: ClientResponse.side(view, at),
      price: (ClientResponse.priceHi(view, at) | 0) * TWO_32 + (ClientResponse.priceLo(view, at) >>> 0),
      qty: ClientResponse.execQty(view, at),
      leaves: ClientResponse.leavesQty(view, at),
    };
  }

  // ── turns ──────────────────────────────────────────────────────────────────────────────────

  #checkCaps(exchange: Exchange): void {
    const { limits, ordersMax } = exchange.config;
    invariants.withinCap('orders', exchange.engine.ordersLive, ordersMax);
    invariants.withinCap('connections', exchange.gateway.count, limits.connections);
    invariants.withinCap('accounts', exchange.gateway.accounts.count, limits.accounts);
    const queue = exchange.journal?.queue;
    if (queue !== undefined) invariants.withinCap('ring of the journal', queue.backlogBytes, queue.ringBytes);
  }

  /** Logs grow by batches. */
  #checkLogs(exchange: Exchange): void {
    const { limits } = exchange.config;
    for (const account of exchange.gateway.accounts.all()) {
      const { log, session } = account;
      if (log === null || session === null) continue;
      const cap = log === account.kept ? limits.outboundLogBytes : limits.slowReaderBytes;
      invariants.withinCap(`outbound log of ${account.client}`, log.bytes, Math.max(cap, 64 * log.recordBytes));
    }
  }

  #noteTops(exchange: Exchange): void {
    for (let book = 0; book < exchange.instruments.count; book++) {
      const { bid, ask } = exchange.engine.top(book);
      invariants.neverCrossed(book, bid?.price ?? null, ask?.price ?? null);
    }
  }

  #noteBooks(exchange: Exchange): void {
    if (this.#booksAt.size > HASHES_MAX) this.#booksAt.clear();
    this.#booksAt.set(exchange.feed.channel.next, exchange.engine.publicHash());
  }

  // ── restarts ───────────────────────────────────────────────────────────────────────────────

  /** Throws a JournalDamagedError when what lies before a snapshot cannot be read to `last`. */
  #commandsOnDisk(storage: Storage, last: number): Uint8Array[] {
    const batches: Uint8Array[] = [];
    const reader = JournalReader.open(storage);
    try {
      while (reader.next()) {
        if (reader.type !== JournalType.Commands) continue;
        batches.push(reader.bytes.slice(reader.payloadAt, reader.payloadAt + reader.payloadLength));
      }
      const next = reader.nextSequence;
      if (last > 0 && next <= last) throw new JournalDamagedError(`its records end before ${next}, expected ${last}`, '', 0, next);
    } finally {
      reader.close();
    }
    return batches;
  }

  /** Naive engine and ledger from the commands of the journal, which are those executed so far. */
  #rebuild(exchange: Exchange, batches: readonly Uint8Array[]): void {
    const before = joined(this.#executed);
    const now = joined(batches);
    const slots = Math.min(before.length, now.length) / COMMAND.size;
    const differs = firstDifference(before, now);
    const same = this.#batches === 0 || (now.length <= before.length && differs === -1);
    invariants.journalIsWhatHappened(same, differs < 0 ? slots : Math.floor(differs / COMMAND.size));
    const ranges = exchange.instruments.ranges();
    const { ordersMax, stp } = exchange.config;
    const naive = new ReferenceEngine({ instruments: ranges, ordersMax, stp });
    this.ledger = new Ledger(ranges, this.#options.limitsOf, this.#options.rises);
    for (const command of commandsIn(now))
      for (const event of naive.submit(command)) this.ledger.apply(event);
    this.#naive = naive;
    this.#executed = [now];
  }

  #checkRecovered(exchange: Exchange): void {
    const naive = this.#naive;
    assert(naive !== null, 'rebuilt before');
    invariants.replayIsIdentical('state after the restart', naive.stateHash(), exchange.engine.stateHash());
    invariants.replayIsIdentical('books after the restart', naive.publicHash(), exchange.engine.publicHash());
  }

  #checkHeard(exchange: Exchange): void {
    for (const account of exchange.gateway.accounts.all()) {
      const log = account.kept;
      const told = this.heard.responses(account.client);
      if (log === null) {
        invariants.acknowledgedIsRecovered(`responses to ${account.client}`, told.length, 0);
        continue;
      }
      invariants.acknowledgedIsRecovered(`responses to ${account.client}`, told.length, log.next - 1);
      const bytes = log.save();
      const header = log.recordBytes - ClientResponse.bytes;
      for (let n = log.first; n <= told.length; n++) {
        const at = (n - log.first) * log.recordBytes + header;
        if (isText(bytes, at, ClientResponse.bytes, told[n - 1])) continue;
        invariants.sameBytesAgain(`responses to ${account.client}`, n, told[n - 1], textOf(bytes, at, ClientResponse.bytes));
      }
    }
    this.#checkFeed(exchange);
  }

  #checkFeed(exchange: Exchange): void {
    const { first, next, records } = exchange.feed.channel.save();
    const size = next === first ? 0 : records.length / (next - first);
    const header = exchange.feed.channel.layout === 'native' ? MoldBlock.bytes : 0;
    invariants.acknowledgedIsRecovered('the feed', this.heard.feedLast, next - 1);
    for (let n = first; n < next; n++) {
      const told = this.heard.feedMessage(n);
      const at = (n - first) * size + header;
      if (told === undefined || isText(records, at, size - header, told)) continue;
      invariants.sameBytesAgain('the feed', n, told, textOf(records, at, size - header));
    }
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Index of the first byte that differs in the common part; −1: none does. */
function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i;
  return -1;
}
