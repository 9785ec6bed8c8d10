// What a trading engine tells, by name, and the emitter that tells it.
//
//   const off = engine.on('fill', (fill) => console.log(fill.symbol, fill.price, fill.quantity));
//   off();                                                      // no more
//   for await (const trade of engine.events('trade')) …         // until the engine has stopped
//
// Order: that of the effects in the engine, over all names: `sequence` rises by one with each event that
// the engine had to tell, whether or not somebody listened. A listener is called on the engine's thread,
// between two turns of work; it may call the engine, which takes that up in the next turn.
// A listener that throws keeps nobody from anything: the others are called, the engine goes on, and the error
// goes to `error` listeners, or becomes a warning of the process when there is none.
// Cost: nothing for names that nobody listens to.
import { shown } from './checker.ts';

export type SideText = 'buy' | 'sell';

interface EngineEvent {
  /** Number of the event. */
  readonly sequence: number;
  /** Event time in nanoseconds since the engine was made. */
  readonly timeNs: number;
}

export interface OrderEvent extends EngineEvent {
  readonly symbol: string;
  readonly orderId: number;
  /** The caller's own, if it gave one; as text beyond 2^53 − 1. */
  readonly clientOrderId?: number | string;
  readonly side: SideText;
  /** True: a strategy of the engine sent it. */
  readonly strategy: boolean;
}

export interface AcceptedEvent extends OrderEvent {
  /** Limit; null for market and stop orders. */
  readonly price: string | null;
  readonly quantity: number;
}

export interface FillEvent extends OrderEvent {
  /** At which it was executed. */
  readonly price: string;
  readonly quantity: number;
  /** What is open after it. */
  readonly leaves: number;
  /** All that was executed of the order. */
  readonly executed: number;
}

export interface CanceledEvent extends OrderEvent {
  /** Taken out. */
  readonly quantity: number;
  readonly executed: number;
  /** 0: asked for; else why the venue did it (docs/MATCHING.md). */
  readonly reason: number;
  readonly reasonText: string;
}

export interface RejectedEvent extends OrderEvent {
  readonly price: string | null;
  readonly quantity: number;
  readonly reason: number;
  readonly reasonText: string;
  /** Who refused it. */
  readonly by: 'engine' | 'risk' | 'venue';
}

export interface ModifiedEvent extends OrderEvent {
  readonly price: string;
  /** Open now. */
  readonly quantity: number;
  readonly executed: number;
  /** 0, or 19 where self-trade prevention took something. */
  readonly reason: number;
}

/** A cancel or a modify came to nothing; the order is as it was. */
export interface RequestRejectedEvent extends EngineEvent {
  readonly orderId: number;
  readonly clientOrderId?: number | string;
  readonly reason: number;
  readonly reasonText: string;
}

export interface TradeEvent extends EngineEvent {
  readonly symbol: string;
  /** The aggressor's. */
  readonly side: SideText;
  readonly price: string;
  readonly quantity: number;
}

/** The best prices after a turn in which the book changed. */
export interface BookEvent {
  readonly symbol: string;
  readonly bid: string | null;
  readonly bidQuantity: number;
  readonly ask: string | null;
  readonly askQuantity: number;
  readonly timeNs: number;
}

export interface StateEvent extends EngineEvent {
  readonly state: 'idle' | 'running' | 'paused' | 'stopping' | 'stopped';
  readonly killed: boolean;
  readonly autoTrading: boolean;
}

/** Of an exchange: orders are taken, or not; its books are whole and in time, or not. */
export interface VenueEvent extends EngineEvent {
  readonly connected: boolean;
  readonly fresh: boolean;
}

export interface BreakerEvent extends EngineEvent {
  /** Place in the configuration. */
  readonly breaker: number;
  readonly measure: 'error-rate' | 'loss' | 'latency';
  readonly state: 'closed' | 'open' | 'half-open';
  readonly openings: number;
  /** What opened it last: a share, or currency lost. */
  readonly value: number | string;
}

export interface HighLatency { readonly kind: 'HighLatency'; readonly symbolId: number; readonly latencyNs: number; readonly timestamp: number }
export interface LargeLoss { readonly kind: 'LargeLoss'; readonly symbolId: number; readonly symbol: string; readonly pnl: string; readonly timestamp: number }
export interface LargePosition { readonly kind: 'LargePosition'; readonly symbolId: number; readonly symbol: string; readonly position: number; readonly timestamp: number }
/** The stop loss was reached: all orders are cancelled, strategies are off, only reducing orders pass until `reset`. */
export interface StopLossReached { readonly kind: 'StopLoss'; readonly pnl: string; readonly timestamp: number }
/** A strategy threw: it is out, its orders are cancelled. */
export interface StrategyFault { readonly kind: 'StrategyFault'; readonly strategy: string; readonly error: unknown; readonly timestamp: number }
/** `timestamp`: event time in nanoseconds. `symbolId`: the dense index, −1 where it concerns no single symbol. */
export type AlertEvent = HighLatency | LargeLoss | LargePosition | StopLossReached | StrategyFault;

/** A new configuration is in force. */
export type ConfiguredEvent = EngineEvent;

/** A symbol has got a place by its first use; told at once. */
export interface DeclaredEvent {
  readonly symbol: string;
}

export interface ErrorEvent {
  readonly error: unknown;
  /** The event whose listener threw. */
  readonly during: string;
}

export interface EngineEvents {
  accepted: AcceptedEvent;
  fill: FillEvent;
  canceled: CanceledEvent;
  rejected: RejectedEvent;
  modified: ModifiedEvent;
  'cancel-rejected': RequestRejectedEvent;
  'modify-rejected': RequestRejectedEvent;
  trade: TradeEvent;
  book: BookEvent;
  state: StateEvent;
  venue: VenueEvent;
  breaker: BreakerEvent;
  alert: AlertEvent;
  configured: ConfiguredEvent;
  declared: DeclaredEvent;
  error: ErrorEvent;
}
export type EventName = keyof EngineEvents;

export const EVENT_NAMES: readonly EventName[] = [
  'accepted', 'fill', 'canceled', 'rejected', 'modified', 'cancel-rejected', 'modify-rejected', 'trade', 'book', 'state',
  'venue', 'breaker', 'alert', 'configured', 'declared', 'error',
];

export type Listener<K extends EventName> = (event: EngineEvents[K]) => void;

/** Events that wait for a reader of `events()`; beyond that the oldest go, and `dropped` counts them. */
export const STREAM_EVENTS_MAX = 65_536;

export interface StreamOptions {
  /** Events that may wait; default STREAM_EVENTS_MAX. */
  readonly max?: number;
  readonly signal?: AbortSignal;
}

export class Emitter {
  /** Errors of listeners so far. */
  listenerErrors = 0;
  /** Called when somebody begins or ends to listen. */
  onChange: () => void = () => {};
  // Replaced, never changed: a listener may come or go while its event is told.
  readonly #listeners = new Map<EventName, readonly ((event: never) => void)[]>();
  readonly #streams = new Set<EventStream<EventName>>();
  #ended = false;

  on<K extends EventName>(name: K, listener: Listener<K>): () => void {
    if (!EVENT_NAMES.includes(name)) {
      throw new RangeError(`event: expected one of ${EVENT_NAMES.join(', ')}, was ${shown(name)}`);
    }
    if (typeof listener !== 'function') throw new TypeError(`listener of ${name}: expected a function, was ${typeof listener}`);
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
    this.onChange();
    let listens = true;
    return () => {
      if (listens) this.off(name, listener);
      listens = false;
    };
  }

  once<K extends EventName>(name: K, listener: Listener<K>): () => void {
    const off = this.on(name, (event) => {
      off();
      listener(event);
    });
    return off;
  }

  /** False: it did not listen. */
  off<K extends EventName>(name: K, listener: Listener<K>): boolean {
    const before = this.#listeners.get(name) ?? [];
    const place = before.indexOf(listener);
    if (place < 0) return false;
    this.#listeners.set(name, before.toSpliced(place, 1));
    this.onChange();
    return true;
  }

  listens(name: EventName): boolean {
    return (this.#listeners.get(name)?.length ?? 0) > 0;
  }

  emit<K extends EventName>(name: K, event: EngineEvents[K]): void {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) return;
    for (const listener of listeners as readonly Listener<K>[]) {
      try {
        listener(event);
      } catch (error) {
        this.#failed(name, error);
      }
    }
  }

  stream<K extends EventName>(name: K, options: StreamOptions): EventStream<K> {
    const stream = new EventStream<K>(options.max ?? STREAM_EVENTS_MAX, () => {
      off();
      this.#streams.delete(stream as unknown as EventStream<EventName>);
    });
    const off = this.on(name, (event) => stream.push(event));
    if (this.#ended || options.signal?.aborted === true) stream.end();
    else this.#streams.add(stream as unknown as EventStream<EventName>);
    options.signal?.addEventListener('abort', () => stream.end(), { once: true });
    return stream;
  }

  /** Nothing more will come: readers of streams get what waits, and then the end. */
  end(): void {
    this.#ended = true;
    for (const stream of this.#streams) stream.end();
  }

  #failed(name: EventName, error: unknown): void {
    this.listenerErrors += 1;
    if (name !== 'error' && this.listens('error')) {
      this.emit('error', { error, during: name });
      return;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.emitWarning(`a listener of ${name} threw: ${text}`, { code: 'OUTCRY_LISTENER' });
  }
}

/** Events of one name, to be read with `for await`. */
export class EventStream<K extends EventName> implements AsyncIterableIterator<EngineEvents[K]> {
  /** Events that were lost because nobody read for too long. */
  dropped = 0;
  readonly #max: number;
  readonly #onEnd: () => void;
  #waiting: EngineEvents[K][] = [];
  #reader: ((result: IteratorResult<EngineEvents[K]>) => void) | null = null;
  #ended = false;

  constructor(max: number, onEnd: () => void) {
    if (!Number.isInteger(max) || max < 1) throw new RangeError(`max: expected a whole number above 0, was ${max}`);
    this.#max = max;
    this.#onEnd = onEnd;
  }

  push(event: EngineEvents[K]): void {
    const reader = this.#reader;
    if (reader !== null) {
      this.#reader = null;
      reader({ value: event, done: false });
      return;
    }
    if (this.#waiting.length === this.#max) {
      this.#waiting.shift();
      this.dropped += 1;
    }
    this.#waiting.push(event);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
    this.#reader?.({ value: undefined, done: true });
    this.#reader = null;
  }

  next(): Promise<IteratorResult<EngineEvents[K]>> {
    const event = this.#waiting.shift();
    if (event !== undefined) return Promise.resolve({ value: event, done: false });
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    if (this.#reader !== null) return Promise.reject(new Error('a stream of events has one reader at a time'));
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  return(): Promise<IteratorResult<EngineEvents[K]>> {
    this.#waiting = [];
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
