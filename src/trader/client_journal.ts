// The client's journal: what a trader must not lose, kept so that it goes on from there.
//
//   response of the exchange ─► ClientResponse record ─► order manager, positions
//   order ids run short      ─► OrderIdBlock record, synced ─► the ids are used
//   log-in accepted          ─► ClientSession record
//   every SNAPSHOT_RECORDS   ─► snapshot: positions, open orders, where the rest begins
//
// After a restart the snapshot and the responses behind it are taken in again, by the same code that
// takes them in live, and the log-in asks for the response behind the last one: positions, cash and
// open orders are those that the exchange has told of, without a gap and nothing twice.
//
// What survives what: responses are handed to the operating system once a turn and not synced; they
// survive the death of this process. After the death of the machine the last ones may be missing;
// the exchange then tells them again, for it is asked for what is behind those that are there. Order
// ids are not its to tell: a block of ORDER_IDS of them is synced before its first is used, so none
// is ever used twice. A torn tail is cut, damage is refused (src/journal/recovery.ts).
//
//   ClientResponse   sequence 8 | the 42 bytes as received
//   OrderIdBlock     last usable id 8
//   ClientSession    next sequence 8 | name 10, ASCII, zeros behind
//   Config           whose journal it is, as JSON: client, framing, instruments
//
// Cost: a response 60 ns; a turn with responses 1 µs, and the 60 bytes of heap that Node's write
// takes. A block of ids or a snapshot takes as long as the disk does to sync, some milliseconds, and
// makes objects; one in a million orders, one in SNAPSHOT_RECORDS responses. Errors of the disk end
// the trader.
// Limits: `soup` alone numbers responses across connections; on `bare` and `sequenced` what happened
// while the connection was down is told by nobody, and the journal cannot know it.
import { assert } from '../base/assert.ts';
import { JournalReader } from '../journal/reader.ts';
import { getUint53, setUint53 } from '../journal/record.ts';
import { JournalType } from '../journal/record_types.ts';
import { newestSnapshot, pruneSegments, pruneSnapshots, writeSnapshot } from '../journal/snapshot.ts';
import { JournalWriter } from '../journal/writer.ts';
import { Framing } from '../wire/framing/frame.ts';
import { ClientResponse } from '../wire/generated/native.ts';
import { ClientSnapshot, encodeClientSnapshot, readClientSnapshot } from './client_snapshot.ts';
import { isEcho, tellResponse } from './order_session.ts';
import type { Storage } from '../journal/storage.ts';
import type { TraderInstruments } from './instruments.ts';
import type { OrderSessionHandler } from './order_session.ts';
import type { StrategyRunner } from './strategy_runner.ts';
import type { TraderJournal } from './trader.ts';

/** Ids that one synced record makes usable: a stall of the disk once in so many orders. */
export const ORDER_IDS = 1 << 20;
/** Then the next block is made usable, between two turns, before an order has to wait for it. */
const ORDER_IDS_LEFT_MIN = 1 << 16;
/** Some seconds to take in again at the most. */
const SNAPSHOT_RECORDS_DEFAULT = 1 << 20;
/** 80,000 responses. */
const SEGMENT_BYTES_DEFAULT = 8 << 20;

/** Offsets of fields in bytes. */
const RESPONSE = { sequence: 0, message: 8, size: 8 + ClientResponse.bytes } as const;
const BLOCK = { end: 0, size: 8 } as const;
const SESSION = { next: 0, name: 8, nameBytes: 10, size: 18 } as const;
/** The largest of them that is written by itself. */
const SCRATCH_BYTES = 64;
/** Payloads by type; Config is as long as it is. */
const SIZES: ReadonlyMap<number, number> = new Map([
  [JournalType.ClientResponse, RESPONSE.size],
  [JournalType.OrderIdBlock, BLOCK.size],
  [JournalType.ClientSession, SESSION.size],
]);
/** What is behind it must still be a number that is exact, many blocks later. */
const ORDER_ID_END_MAX = 2 ** 52;
assert(RESPONSE.size <= SCRATCH_BYTES && SESSION.size <= SCRATCH_BYTES, 'records fit the scratch');

/** A journal that is not this trader's, or that contradicts itself. */
export class ClientJournalError extends Error {
  override readonly name = 'ClientJournalError';
}

/** Whose journal it is. */
export interface ClientIdentity {
  readonly client: number;
  readonly framing: Framing;
  readonly instruments: TraderInstruments;
}

export interface ClientJournalOptions {
  /** Take up whatever session the exchange offers, from its first response on. */
  readonly newSession?: boolean;
  readonly snapshotRecords?: number;
  readonly segmentBytes?: number;
  /** Random numbers for the segments' salts. Default: the system's. */
  readonly randomBits?: () => bigint;
}

export class ClientJournal implements TraderJournal {
  /** Session of the last log-in, '' before the first. */
  session = '';
  /** Sequence of the next response of it. */
  nextSequence = 0;
  orderIdEnd = 0;
  /** Responses in the journal behind its snapshot, when it was opened. */
  readonly responses: number;
  /** Bytes of a torn tail that were cut. */
  readonly cutBytes: number;
  readonly resumes: boolean;

  /** Where what was kept ends, while another session is to be taken up in its place. */
  #left: { readonly session: string; readonly nextSequence: number } | null = null;
  /** Ids on the wire, and here, are the runner's plus this. */
  #idBase = 0;
  readonly #storage: Storage;
  readonly #identity: ClientIdentity;
  readonly #writer: JournalWriter;
  readonly #snapshot: ClientSnapshot | null;
  readonly #snapshotSequence: number;
  readonly #snapshotRecords: number;
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);
  readonly #view = new DataView(this.#scratch.buffer);
  /** Of the last snapshot. */
  #lastSnapshot: number;

  /**
   * Locks and recovers what `storage` has; a journal is begun where there is none. Throws what keeps
   * it from being used: in use, damaged, another trader's.
   */
  static open(
    storage: Storage, identity: ClientIdentity, options: ClientJournalOptions = {},
  ): ClientJournal {
    return new ClientJournal(storage, identity, options);
  }

  private constructor(storage: Storage, identity: ClientIdentity, options: ClientJournalOptions) {
    this.#storage = storage;
    this.#identity = identity;
    this.#snapshotRecords = options.snapshotRecords ?? SNAPSHOT_RECORDS_DEFAULT;
    const { snapshot } = newestSnapshot(storage);
    this.#snapshotSequence = this.#lastSnapshot = snapshot?.sequence ?? 0;
    this.#snapshot = snapshot === null ? null : readClientSnapshot(snapshot.content);
    this.#writer = JournalWriter.open(storage, {
      segmentBytes: options.segmentBytes ?? SEGMENT_BYTES_DEFAULT,
      ...(options.randomBits === undefined ? {} : { randomBits: options.randomBits }),
      ...(snapshot === null ? {} : { ackedSequence: snapshot.sequence }),
    });
    try {
      this.cutBytes = this.#writer.recovered.cut?.bytes ?? 0;
      this.responses = this.#scan();
      const fresh = this.#writer.lastSequence === 0;
      if (fresh) this.#begin();
      const { newSession = false } = options;
      this.resumes = fresh || !newSession;
      if (newSession) {
        this.#left = { session: this.session, nextSequence: this.nextSequence };
        this.session = '';
        this.nextSequence = 1;
      }
    } catch (error) {
      this.#writer.abandon();
      throw error;
    }
  }

  /** The first order id that was never usable. */
  get nextOrderId(): number {
    return this.orderIdEnd + 1;
  }

  // ── what was kept ──────────────────────────────────────────────────────────────────────────

  restore(runner: StrategyRunner, idBase = 0): void {
    this.#idBase = idBase;
    this.#snapshot?.restore(runner, idBase);
    const { instruments } = this.#identity;
    const handler: Pick<OrderSessionHandler, 'onResponse'> = {
      onResponse: (type, book, orderId, side, priceTicks, execQty, leavesQty) => {
        runner.onResponse(type, book, orderId, side, priceTicks, execQty, leavesQty, 0);
      },
    };
    let session = this.#snapshot?.session ?? '';
    this.#read((reader) => {
      if (reader.type === JournalType.ClientSession) {
        const name = sessionName(reader.bytes, reader.payloadAt);
        if (this.#numbered && session !== '' && name !== session) runner.onNewSession(0);
        session = name;
      }
      if (reader.type !== JournalType.ClientResponse) return;
      const at = reader.payloadAt + RESPONSE.message;
      if (!isEcho(reader.view, at)) tellResponse(reader.view, at, instruments, idBase, handler);
    });
  }

  /** Follows sessions, sequences and ids to their end. Returns the number of responses. */
  #scan(): number {
    const identity = identityText(this.#identity);
    if (this.#snapshot !== null) {
      this.#check(identity, this.#snapshot.identity);
      this.session = this.#snapshot.session;
      this.nextSequence = this.#snapshot.nextSequence;
      this.orderIdEnd = this.#snapshot.orderIdEnd;
    }
    let responses = 0;
    this.#read((reader) => {
      const { view, payloadAt: at, payloadLength: length } = reader;
      this.#checkSize(reader.type, length);
      switch (reader.type) {
        case JournalType.Config:
          return this.#check(identity, new TextDecoder().decode(
            reader.bytes.subarray(at, at + length),
          ));
        case JournalType.OrderIdBlock:
          return this.#blockRead(getUint53(view, at + BLOCK.end));
        case JournalType.ClientSession:
          return this.#sessionRead(sessionName(reader.bytes, at), getUint53(view, at + SESSION.next));
        case JournalType.ClientResponse:
          responses++;
          return this.#responseRead(getUint53(view, at + RESPONSE.sequence));
        default:
          return;
      }
    });
    return responses;
  }

  /** Whole records of another length or beyond all ids are those of another program. */
  #checkSize(type: number, length: number): void {
    const expected = SIZES.get(type);
    if (expected === undefined || length === expected) return;
    throw new ClientJournalError(
      `the journal in ${this.#storage.name} has a record of type ${type} that is not ours: ` +
        `expected ${expected} bytes, was ${length}`,
    );
  }

  #blockRead(end: number): void {
    if (end > ORDER_ID_END_MAX) {
      throw new ClientJournalError(
        `the journal in ${this.#storage.name} makes order ids usable to ${end}: expected ` +
          `${ORDER_ID_END_MAX} at most`,
      );
    }
    this.orderIdEnd = Math.max(this.orderIdEnd, end);
  }

  #sessionRead(name: string, next: number): void {
    if (this.#numbered && name === this.session && this.nextSequence > 0) {
      this.#due(next, `log-in to session ${name}`);
    }
    this.session = name;
    this.nextSequence = next;
  }

  #responseRead(sequence: number): void {
    if (this.#numbered) this.#due(sequence, `response of session ${this.session}`);
    this.nextSequence = sequence + 1;
  }

  #due(sequence: number, what: string): void {
    if (sequence === this.nextSequence) return;
    throw new ClientJournalError(
      `the journal in ${this.#storage.name} has a gap: ${what}: expected ${this.nextSequence}, ` +
        `was ${sequence}`,
    );
  }

  #check(expected: string, was: string): void {
    if (was === expected) return;
    throw new ClientJournalError(
      `the journal in ${this.#storage.name} is another trader's: expected ${expected}, was ${was}. ` +
        'Trade as that one, or give another directory',
    );
  }

  /** Responses are numbered across connections. */
  get #numbered(): boolean {
    return this.#identity.framing === Framing.Soup;
  }

  #read(visit: (reader: JournalReader) => void): void {
    const reader = JournalReader.open(this.#storage, { fromSequence: this.#snapshotSequence + 1 });
    try {
      while (reader.next()) visit(reader);
    } finally {
      reader.close();
    }
  }

  #begin(): void {
    const config = new TextEncoder().encode(identityText(this.#identity));
    this.#writer.append(JournalType.Config, config, 0, config.length, 0);
    this.#writer.sync();
  }

  // ── what is kept ───────────────────────────────────────────────────────────────────────────

  onResponse(view: DataView, at: number, sequence: number, nowNs: number): void {
    assert(!this.#numbered || sequence === this.nextSequence, 'responses come without a gap');
    setUint53(this.#view, RESPONSE.sequence, sequence);
    for (let i = 0; i < ClientResponse.bytes; i++) {
      this.#scratch[RESPONSE.message + i] = view.getUint8(at + i);
    }
    this.#writer.append(JournalType.ClientResponse, this.#scratch, 0, RESPONSE.size, nowNs);
    this.nextSequence = sequence + 1;
  }

  onSession(session: string, nextSequence: number, nowNs: number): boolean {
    const left = this.#left;
    const anew = this.#numbered && left !== null && left.nextSequence > 0;
    if (anew && session === left.session) throw this.#goesOn(session);
    this.#left = null;
    setUint53(this.#view, SESSION.next, nextSequence);
    for (let i = 0; i < SESSION.nameBytes; i++) {
      this.#scratch[SESSION.name + i] = i < session.length ? session.charCodeAt(i) : 0;
    }
    this.#writer.append(JournalType.ClientSession, this.#scratch, 0, SESSION.size, nowNs);
    this.#writer.flush();
    this.session = session;
    this.nextSequence = nextSequence;
    return anew;
  }

  /** Its responses would be told, and counted, a second time. */
  #goesOn(session: string): ClientJournalError {
    return new ClientJournalError(
      `the exchange goes on with session ${session}: expected a new session, was the one in ` +
        `${this.#storage.name}. Start without --new-session`,
    );
  }

  reserve(orderId: number, nowNs: number): void {
    this.orderIdEnd = orderId + ORDER_IDS;
    setUint53(this.#view, BLOCK.end, this.orderIdEnd);
    this.#writer.append(JournalType.OrderIdBlock, this.#scratch, 0, BLOCK.size, nowNs);
    this.#writer.sync();
  }

  poll(runner: StrategyRunner, nowNs: number): void {
    const writer = this.#writer;
    if (writer.writtenSequence < writer.lastSequence) writer.flush();
    const nextOrderId = runner.orders.nextOrderId + this.#idBase;
    if (this.orderIdEnd - nextOrderId < ORDER_IDS_LEFT_MIN) this.reserve(nextOrderId, nowNs);
    if (writer.lastSequence - this.#lastSnapshot >= this.#snapshotRecords) {
      this.#takeSnapshot(runner, nowNs);
    }
  }

  /** The end in good order: a snapshot, so that the next start has nothing to take in again. */
  close(runner: StrategyRunner, nowNs: number): void {
    this.#takeSnapshot(runner, nowNs);
    this.#writer.close(nowNs);
    this.#storage.close();
  }

  /** The end without a word, after an error. */
  abandon(): void {
    this.#writer.abandon();
    this.#storage.close();
  }

  #takeSnapshot(runner: StrategyRunner, nowNs: number): void {
    this.#writer.sync();
    const sequence = this.#writer.lastSequence;
    const kept = this.#left ?? this; // a session that was not taken up yet has told nothing
    const content = encodeClientSnapshot({
      identity: identityText(this.#identity), session: kept.session,
      nextSequence: kept.nextSequence, orderIdEnd: this.orderIdEnd,
    }, runner, this.#idBase);
    const info = { sequence, timeNs: nowNs, stateHash: 0n, configurationHash: 0n, clusterId: 0n };
    writeSnapshot(this.#storage, info, content);
    // The last but one stays, with what is behind it, in case that the last turns out damaged.
    pruneSnapshots(this.#storage);
    pruneSegments(this.#storage, this.#lastSnapshot);
    this.#lastSnapshot = sequence;
  }
}

function identityText({ client, framing, instruments }: ClientIdentity): string {
  return JSON.stringify({
    client, framing,
    instruments: instruments.list.map(({ ticker, symbol, decimals, tickUnits }) => (
      { ticker, symbol, decimals, tickUnits }
    )),
  });
}

function sessionName(bytes: Uint8Array, at: number): string {
  const name = bytes.subarray(at + SESSION.name, at + SESSION.name + SESSION.nameBytes);
  return String.fromCharCode(...name).replace(/\0+$/, '');
}
