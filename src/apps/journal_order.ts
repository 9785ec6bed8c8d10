// The life of one order, as `outcry journal order` tells it: the journal's commands go through a
// matching engine again, from the first record, and what happens to the order is written down.
//
// A journal has inputs only; this is how one sees what came of them. The engine is made from the
// first Config record, whose JSON is the exchange's configuration. Commands are run one at a time,
// so that every event is known by the command that caused it.
import { decodeEvent, MatchingEngine } from '../book/matching_engine.ts';
import { COMMAND, type EngineEvent, Ev, EVENT } from '../book/types.ts';
import { JournalReader } from '../journal/reader.ts';
import { JournalType } from '../journal/record_types.ts';
import type { Storage } from '../journal/storage.ts';
import { engineConfigOf, JournalContext, journaledConfig } from '../timetravel/journal_context.ts';
import { commandSlots, eventText } from '../timetravel/words.ts';
import { payloadOf, type RowsProgress } from './journal_rows.ts';

/** One thing that happened to the order. */
export interface OrderStep {
  readonly sequence: number;
  /** Of the command in its batch. */
  readonly slot: number;
  readonly timeNs: number;
  readonly wallMs: number | null;
  readonly event: EngineEvent;
  readonly text: string;
}

/** All steps of one client's order; the id may have been used for several orders in turn. */
export interface OrderLife {
  readonly client: number;
  readonly steps: OrderStep[];
  executed: number;
}

const PROGRESS_RECORDS = 1 << 12;

/** The life of order `id` of each client that has used it, or of one client. */
export function orderLives(
  storage: Storage,
  id: bigint,
  client: number | null,
  onProgress: RowsProgress = () => {},
): OrderLife[] {
  const walk = new OrderWalk(id, client);
  const reader = JournalReader.open(storage);
  if (reader.exists && reader.nextSequence > 1) {
    throw new Error(
      `the journal begins with sequence ${reader.nextSequence}: expected the first record, for an ` +
        "order's life is found by running all commands again",
    );
  }
  while (reader.next()) {
    if (reader.sequence % PROGRESS_RECORDS === 0) onProgress(reader.sequence);
    walk.record(reader);
  }
  reader.close();
  return walk.lives;
}

class OrderWalk {
  readonly lives: OrderLife[] = [];
  readonly #idLow: number;
  readonly #idHigh: number;
  readonly #client: number | null;
  readonly #context = new JournalContext();
  #engine: MatchingEngine | null = null;
  #config = '';
  #cursor = 0;
  /** Where the command at hand came from. */
  #at: Pick<OrderStep, 'sequence' | 'slot' | 'timeNs' | 'wallMs'> = {
    sequence: 0,
    slot: 0,
    timeNs: 0,
    wallMs: null,
  };

  constructor(id: bigint, client: number | null) {
    this.#idLow = Number(id & 0xffff_ffffn);
    this.#idHigh = Number(id >> 32n);
    this.#client = client;
  }

  record(reader: JournalReader): void {
    const payload = payloadOf(reader);
    const { type, timeNs, sequence } = reader;
    this.#context.learn(type, timeNs, payload);
    if (type === JournalType.Config) this.#configure(payload, sequence);
    if (type !== JournalType.Commands) return;
    const wallMs = this.#context.wallMs(timeNs);
    for (let at = 0; at < payload.length; ) {
      const slots = commandSlots(payload, at);
      this.#at = { sequence, slot: at / COMMAND.size, timeNs, wallMs };
      this.#run(payload, at, slots);
      at += slots * COMMAND.size;
    }
  }

  #configure(payload: Uint8Array, sequence: number): void {
    const settings = engineConfigOf(journaledConfig(payload));
    if (settings === null) return;
    const text = JSON.stringify(settings);
    // A change of limits or names is no matter for matching; another engine would be.
    if (this.#engine !== null && text !== this.#config) {
      throw new Error(`the instruments change at sequence ${sequence}: orders before and after differ`);
    }
    this.#engine ??= new MatchingEngine(settings);
    this.#config = text;
    this.#engine.onEventsFull = () => this.#drain();
  }

  #run(payload: Uint8Array, at: number, slots: number): void {
    const engine = this.#engine;
    if (engine === null) {
      throw new Error(
        `sequence ${this.#at.sequence} has commands, expected a Config record with instruments before`,
      );
    }
    for (let i = 0; i < slots * COMMAND.size; i++) {
      engine.u8[engine.commandBase + i] = payload[at + i];
    }
    engine.process(slots);
    this.#drain();
  }

  /** Events from the cursor on: those of the order are kept. */
  #drain(): void {
    const engine = this.#engine;
    if (engine === null) return;
    const end = engine.eventsWritten();
    for (; this.#cursor < end; this.#cursor++) {
      const at = engine.eventBase + (this.#cursor & engine.eventMask) * EVENT.size;
      const { view } = engine;
      this.#look(view, at, EVENT.client, EVENT.id);
      if (view.getUint8(at + EVENT.type) === Ev.Trade) {
        this.#look(view, at, EVENT.makerClient, EVENT.makerId);
      }
    }
    engine.releaseEvents(end);
  }

  /** Keeps the event when the client and the id that stand at these offsets are those wanted. */
  #look(view: DataView, at: number, clientAt: number, idAt: number): void {
    if (view.getUint32(at + idAt, true) !== this.#idLow) return;
    if (view.getUint32(at + idAt + 4, true) !== this.#idHigh) return;
    const client = view.getUint32(at + clientAt, true);
    if (this.#client !== null && client !== this.#client) return;
    const event = decodeEvent(view, at);
    if (event.type === 'state') return;
    const asMaker = clientAt === EVENT.makerClient;
    const instrument = this.#context.instruments[event.book] ?? null;
    const life = this.#lifeOf(client);
    if (event.type === 'trade') life.executed += event.qty;
    life.steps.push({ ...this.#at, event, text: eventText(event, asMaker, instrument) });
  }

  #lifeOf(client: number): OrderLife {
    const known = this.lives.find((life) => life.client === client);
    if (known !== undefined) return known;
    const life: OrderLife = { client, steps: [], executed: 0 };
    this.lives.push(life);
    return life;
  }
}
