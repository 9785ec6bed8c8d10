// The life of one order, as `outcry journal order` tells it: the journal's commands go through a
// matching engine again, from the first record, and what happens to the order is written down.
//
// A journal has inputs only; this is how one sees what came of them. The engine is made from the
// first Config record, whose JSON is the exchange's configuration. Commands are run one at a time,
// so that every event is known by the command that caused it.
import { decodeEvent, MatchingEngine } from '../book/matching_engine.ts';
import {
  Cmd,
  CmdFlag,
  COMMAND,
  type EngineEvent,
  Ev,
  EVENT,
  REASON_TEXT,
  type Stp,
} from '../book/types.ts';
import type { InstrumentConfig } from '../exchange/config.ts';
import { InstrumentTable } from '../exchange/instruments.ts';
import { JournalReader } from '../journal/reader.ts';
import { JournalType } from '../journal/record_types.ts';
import type { Storage } from '../journal/storage.ts';
import {
  JournalContext,
  journaledConfig,
  type NamedInstrument,
  payloadOf,
  priceText,
  type RowsProgress,
} from './journal_rows.ts';

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
      const slots = isExtended(payload, at) ? 2 : 1;
      this.#at = { sequence, slot: at / COMMAND.size, timeNs, wallMs };
      this.#run(payload, at, slots);
      at += slots * COMMAND.size;
    }
  }

  #configure(payload: Uint8Array, sequence: number): void {
    const settings = engineSettings(payload);
    if (settings === null) return;
    const text = JSON.stringify(settings);
    // A change of limits or names is no matter for matching; another engine would be.
    if (this.#engine !== null && text !== this.#config) {
      throw new Error(`the instruments change at sequence ${sequence}: orders before and after differ`);
    }
    this.#engine ??= engineFor(settings);
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
    life.steps.push({ ...this.#at, event, text: stepText(event, asMaker, instrument) });
  }

  #lifeOf(client: number): OrderLife {
    const known = this.lives.find((life) => life.client === client);
    if (known !== undefined) return known;
    const life: OrderLife = { client, steps: [], executed: 0 };
    this.lives.push(life);
    return life;
  }
}

function isExtended(payload: Uint8Array, at: number): boolean {
  return (
    payload[at + COMMAND.type] === Cmd.New && (payload[at + COMMAND.flags] & CmdFlag.Extended) !== 0
  );
}

/** What of a configuration matching depends on. */
interface EngineSettings {
  readonly instruments: readonly InstrumentConfig[];
  readonly ordersMax: number;
  readonly stp: Stp | undefined;
}

/** Null: the record says nothing of an engine. */
function engineSettings(payload: Uint8Array): EngineSettings | null {
  const { instruments, ordersMax, stp } = journaledConfig(payload) ?? {};
  if (!Array.isArray(instruments) || ordersMax === undefined) return null;
  return { instruments: instruments as InstrumentConfig[], ordersMax, stp };
}

function engineFor({ instruments, ordersMax, stp }: EngineSettings): MatchingEngine {
  return new MatchingEngine({
    instruments: new InstrumentTable(instruments).ranges(),
    ordersMax,
    ...(stp !== undefined && { stp }),
  });
}

function stepText(event: EngineEvent, asMaker: boolean, instrument: NamedInstrument | null): string {
  const price = (ticks: number): string => priceText(ticks, instrument);
  const where = instrument === null ? '' : ` ${instrument.symbol}`;
  switch (event.type) {
    case 'accepted': {
      const side = event.side === 1 ? 'buy' : 'sell';
      const rests = event.rests ? `, rests with ${event.displayed} shown` : '';
      return `accepted: ${side} ${event.qty} @ ${price(event.price)}${where}, order ${event.orderId}${rests}`;
    }
    case 'trade': {
      const leaves = asMaker ? event.makerLeaves : event.takerLeaves;
      const bought = (event.side === 1) !== asMaker ? 'bought' : 'sold';
      const other = asMaker
        ? `${event.takerClient}.${event.takerId}`
        : `${event.makerClient}.${event.makerId}`;
      const role = asMaker ? 'resting' : 'taking';
      return `${bought} ${event.qty} @ ${price(event.price)} ${role}, with ${other}, leaves ${leaves}`;
    }
    case 'canceled':
      return `canceled: ${event.qty} removed${reasonText(event.reason)}`;
    case 'replaced': {
      const kept = event.kept ? ', priority kept' : '';
      return `replaced: ${event.qty} @ ${price(event.price)}, was @ ${price(event.oldPrice)}${kept}`;
    }
    case 'reduced':
      return `reduced by ${event.qty}, leaves ${event.leaves}${reasonText(event.reason)}`;
    case 'rejected':
      return `rejected${reasonText(event.reason)}`;
    case 'triggered':
      return `triggered: ${event.qty} @ ${price(event.price)}`;
    case 'rested':
      return `rests: ${event.leaves} @ ${price(event.price)}, ${event.displayed} shown`;
    case 'displayed':
      return `refreshed: ${event.displayed} of ${event.leaves} shown @ ${price(event.price)}`;
    default:
      return event.type;
  }
}

function reasonText(reason: number): string {
  return reason === 0 ? '' : ` (${REASON_TEXT[reason] ?? `reason ${reason}`})`;
}
