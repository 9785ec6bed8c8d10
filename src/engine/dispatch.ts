// The dispatch: from the ring of outputs to those who wait, after the journal has what caused them.
//
//   outputs ─┬─► tap (the record itself, no objects)
//            ├─► results (promises of calls)
//            └─► listeners, as objects, where somebody listens
//
// Order: that of the ring; of one record tap, results, listeners. Promises are resolved when the turn's
// records have all been looked at, so an order's result holds every execution of its turn.
// Cost: a record that concerns nobody is a few loads. Limits: a listener that hands in orders finds them taken up
// in the next turn, so no event is ever told from inside of another.
import { REASON_TEXT } from '../book/types.ts';
import { PRICE_TICKS_NONE } from '../trader/instruments.ts';
import { BREAKER_STATE_TEXT } from './circuit_breaker.ts';
import type { AlertEvent, Emitter, EngineEvents, EventName, SideText } from './events.ts';
import { BOOK_EVERY } from './inputs.ts';
import { nameOf } from './order_request.ts';
import { OUTPUT, Output, OutputFlag, type OutputRing } from './outputs.ts';
import { AlertKind, ENGINE_STATE_TEXT, REFUSED_BY_TEXT, VenueState, Wanted, type Processor } from './processor.ts';
import type { Results, RequestKey } from './results.ts';
import { Histogram } from '../base/histogram.ts';
import type { Clock } from '../base/clock.ts';

/** Reads an output where it stands: `at` is a byte offset into `view`, valid during the call. */
export type Tap = (view: DataView, at: number) => void;

/** Latency samples that one turn hands on as inputs; further ones are in the histograms only. */
const SAMPLES_MAX = 16;

export class Dispatch {
  /** From a producer's call to the acceptance, and to a fill, being told; timed calls only. */
  readonly orderLatency = new Histogram();
  readonly fillLatency = new Histogram();
  /** Events by name. */
  readonly told = new Float64Array(16);
  tap: Tap | null = null;
  /** Latencies of the last turn, to be handed to the engine as inputs. */
  readonly samples = new Float64Array(SAMPLES_MAX);
  sampleCount = 0;

  readonly #outputs: OutputRing;
  readonly #processor: Processor;
  readonly #emitter: Emitter;
  readonly #results: Results;
  /** By type of output: somebody listens to its event. */
  readonly #heard = new Uint8Array(16);
  /** Added to the clock: event time goes on where a replayed run had ended. */
  timeBaseNs = 0;
  readonly #clock: Clock;
  /** When this turn tells; read when somebody wants to know. */
  readonly #nowNs = new Float64Array(1);
  #nowKnown = false;
  #running = false;
  /** Calls wait for answers: those of this turn, for what a listener asks now is answered in a later one. */
  #awaited = false;

  constructor(outputs: OutputRing, processor: Processor, emitter: Emitter, results: Results, clock: Clock) {
    this.#clock = clock;
    this.#outputs = outputs;
    this.#processor = processor;
    this.#emitter = emitter;
    this.#results = results;
    emitter.onChange = () => {
      processor.wanted = (emitter.listens('trade') ? Wanted.Trade : 0) | (emitter.listens('book') ? Wanted.Book : 0);
      for (const [type, name] of Object.entries(OUTPUT_EVENT)) this.#heard[Number(type)] = emitter.listens(name) ? 1 : 0;
    };
  }

  /** Something is there to be told. */
  get waiting(): boolean {
    return this.#outputs.read < this.#outputs.written || this.#processor.touchedCount > 0;
  }

  /**
   * Tells everything. Returns the records. Amid an input, because its outputs have filled the ring, calls are not
   * answered yet (`endsTurn` false): an order's result has all that its turn brings.
   */
  run(endsTurn: boolean): number {
    if (this.#running) return 0;
    this.#running = true;
    this.#nowKnown = false;
    this.sampleCount = 0;
    this.#awaited = this.#results.pending > 0;
    const outputs = this.#outputs;
    const first = outputs.read;
    while (outputs.read < outputs.written) {
      // Nothing is written meanwhile: listeners hand inputs in, and those are taken between turns only.
      this.#tell(outputs.at(outputs.read));
      outputs.read += 1;
    }
    if (endsTurn) {
      if (this.#processor.touchedCount > 0) this.#tellBooks();
      if (this.#awaited) this.#results.flush(this.#now());
    }
    this.#running = false;
    return outputs.read - first;
  }

  #tell(at: number): void {
    const outputs = this.#outputs;
    const type = outputs.u8[at];
    this.told[type] += 1;
    if (this.tap !== null) this.#tapped(at);
    if (this.#heard[type] === 0 && !this.#awaited) return this.#sampleOnly(type, at);
    switch (type) {
      case Output.Accepted:
        return this.#accepted(at);
      case Output.Fill:
        return this.#fill(at);
      case Output.Canceled:
        return this.#canceled(at);
      case Output.Rejected:
        return this.#rejected(at);
      case Output.Modified:
        return this.#modified(at);
      case Output.CancelRejected:
      case Output.ModifyRejected:
        return this.#requestRejected(at, type);
      case Output.Trade:
        return this.#trade(at);
      default:
        return this.#rare(at, type);
    }
  }

  #now(): number {
    if (!this.#nowKnown) {
      this.#nowKnown = true;
      this.#nowNs[0] = this.#clock.refresh() + this.timeBaseNs;
    }
    return this.#nowNs[0];
  }

  /** Of a record that concerns nobody. */
  #sampleOnly(type: number, at: number): void {
    if (type === Output.Accepted) this.#sample(this.orderLatency, at);
    else if (type === Output.Fill) this.#sample(this.fillLatency, at);
  }

  #tapped(at: number): void {
    try {
      this.tap!(this.#outputs.view, at);
    } catch (error) {
      this.#emitter.listenerErrors += 1;
      this.#emitter.emit('error', { error, during: 'tap' });
    }
  }

  #accepted(at: number): void {
    const { f64, u32, u16 } = this.#outputs;
    const orderId = f64[(at + OUTPUT.orderId) >>> 3];
    this.#sample(this.orderLatency, at);
    if (this.#awaited) {
      this.#results.onAccepted(
        orderId, u32[(at + OUTPUT.leaves) >>> 2], (u16[(at + OUTPUT.flags) >>> 1] & OutputFlag.MayRest) !== 0, this.#sequence(at),
      );
    }
    if (!this.#emitter.listens('accepted')) return;
    this.#emitter.emit('accepted', { ...this.#order(at), price: this.#price(at), quantity: u32[(at + OUTPUT.qty) >>> 2] });
  }

  #fill(at: number): void {
    const { f64, u32 } = this.#outputs;
    const orderId = f64[(at + OUTPUT.orderId) >>> 3];
    const quantity = u32[(at + OUTPUT.qty) >>> 2];
    const leaves = u32[(at + OUTPUT.leaves) >>> 2];
    this.#sample(this.fillLatency, at);
    if (this.#results.awaitsOrder(orderId)) {
      this.#results.onFill(orderId, this.#priceText(at), quantity, leaves, this.#sequence(at), this.#now());
    }
    if (leaves === 0) this.#ended(at);
    if (!this.#emitter.listens('fill')) return;
    this.#emitter.emit('fill', {
      ...this.#order(at), price: this.#priceText(at), quantity, leaves, executed: u32[(at + OUTPUT.executed) >>> 2],
    });
  }

  #canceled(at: number): void {
    const { f64, u32, u8 } = this.#outputs;
    const orderId = f64[(at + OUTPUT.orderId) >>> 3];
    const quantity = u32[(at + OUTPUT.qty) >>> 2];
    const reason = u8[at + OUTPUT.reason];
    if (this.#awaited) {
      this.#results.onCanceled(orderId, reason, this.#sequence(at));
      // A cancel is answered by the order's end whoever brought it about.
      for (const key of this.#keys(at)) this.#results.onCancelDone(key, quantity, this.#now());
      this.#ended(at);
    }
    if (!this.#emitter.listens('canceled')) return;
    this.#emitter.emit('canceled', {
      ...this.#order(at), quantity, executed: u32[(at + OUTPUT.executed) >>> 2], reason, reasonText: textOf(reason),
    });
  }

  #rejected(at: number): void {
    const { f64, u32, u8 } = this.#outputs;
    const reason = u8[at + OUTPUT.reason];
    if (this.#awaited) {
      this.#results.onRejected(f64[(at + OUTPUT.orderId) >>> 3], reason, this.#sequence(at));
      this.#ended(at);
    }
    if (!this.#emitter.listens('rejected')) return;
    this.#emitter.emit('rejected', {
      ...this.#order(at), price: this.#price(at), quantity: u32[(at + OUTPUT.qty) >>> 2], reason, reasonText: textOf(reason),
      by: REFUSED_BY_TEXT[u8[at + OUTPUT.op]],
    });
  }

  #modified(at: number): void {
    const { u32, u8 } = this.#outputs;
    const quantity = u32[(at + OUTPUT.qty) >>> 2];
    const reason = u8[at + OUTPUT.reason];
    if (this.#awaited && reason === 0) {
      for (const key of this.#keys(at)) this.#results.onModified(key, quantity, this.#now());
    }
    if (!this.#emitter.listens('modified')) return;
    this.#emitter.emit('modified', {
      ...this.#order(at), price: this.#priceText(at), quantity, executed: u32[(at + OUTPUT.executed) >>> 2], reason,
    });
  }

  #requestRejected(at: number, type: number): void {
    const reason = this.#outputs.u8[at + OUTPUT.reason];
    for (const key of this.#keys(at)) {
      if (type === Output.CancelRejected) this.#results.onCancelRejected(key, reason, this.#now());
      else this.#results.onModifyRejected(key, reason, this.#now());
    }
    const name = type === Output.CancelRejected ? 'cancel-rejected' : 'modify-rejected';
    if (!this.#emitter.listens(name)) return;
    this.#emitter.emit(name, {
      ...this.#base(at), ...this.#ids(at), reason, reasonText: textOf(reason),
    });
  }

  #trade(at: number): void {
    if (!this.#emitter.listens('trade')) return;
    this.#emitter.emit('trade', {
      ...this.#base(at), symbol: this.#symbol(at), side: this.#side(at), price: this.#priceText(at),
      quantity: this.#outputs.u32[(at + OUTPUT.qty) >>> 2],
    });
  }

  #rare(at: number, type: number): void {
    const { f64, u8, u16, u32 } = this.#outputs;
    const value = f64[(at + OUTPUT.value) >>> 3];
    const orderId = f64[(at + OUTPUT.orderId) >>> 3];
    switch (type) {
      case Output.Done:
        return this.#results.onControl(orderId, u8[at + OUTPUT.reason], u32[(at + OUTPUT.qty) >>> 2], this.#now());
      case Output.State:
        return this.#emitter.emit('state', {
          ...this.#base(at), state: ENGINE_STATE_TEXT[u8[at + OUTPUT.op]], killed: this.#processor.runner.risk.killed,
          autoTrading: this.#processor.autoTrading,
        });
      case Output.Breaker: {
        const breaker = u16[(at + OUTPUT.book) >>> 1];
        const measure = this.#processor.live.breakers[breaker]?.measure ?? 'error-rate';
        return this.#emitter.emit('breaker', {
          ...this.#base(at), breaker, measure, state: BREAKER_STATE_TEXT[u8[at + OUTPUT.op]], openings: orderId,
          value: measure === 'loss' ? this.#processor.symbols.portfolio2Text(value) : value,
        });
      }
      case Output.Alert:
        return this.#emitter.emit('alert', this.#alert(at, u8[at + OUTPUT.op], value));
      case Output.Venue:
        return this.#emitter.emit('venue', {
          ...this.#base(at), connected: (u8[at + OUTPUT.op] & VenueState.Connected) !== 0,
          fresh: (u8[at + OUTPUT.op] & VenueState.Fresh) !== 0,
        });
      case Output.Configured:
        return this.#emitter.emit('configured', this.#base(at));
      default:
        return;
    }
  }

  #alert(at: number, kind: number, value: number): AlertEvent {
    const { symbols, group, faults } = this.#processor;
    const timestamp = this.#outputs.f64[(at + OUTPUT.timeNs) >>> 3];
    const book = this.#outputs.u16[(at + OUTPUT.book) >>> 1];
    const symbolId = book === BOOK_EVERY ? -1 : book;
    switch (kind) {
      case AlertKind.HighLatency:
        return { kind: 'HighLatency', symbolId, latencyNs: value, timestamp };
      case AlertKind.LargeLoss:
        return { kind: 'LargeLoss', symbolId, symbol: symbols.symbolOf(book), pnl: symbols.money2Text(book, value), timestamp };
      case AlertKind.LargePosition:
        return { kind: 'LargePosition', symbolId, symbol: symbols.symbolOf(book), position: value, timestamp };
      case AlertKind.StopLoss:
        return { kind: 'StopLoss', pnl: symbols.portfolio2Text(value), timestamp };
      default:
        return { kind: 'StrategyFault', strategy: group?.members[value]?.name ?? '', error: faults.get(value), timestamp };
    }
  }

  /** Each book that the turn has changed, once. */
  #tellBooks(): void {
    const processor = this.#processor;
    const { market } = processor.venue;
    const count = processor.touchedCount;
    for (let i = 0; i < count; i++) {
      const book = processor.touched[i];
      market.readTop(book);
      const { bidTicks, bidQty, askTicks, askQty } = market;
      this.#emitter.emit('book', {
        symbol: processor.symbols.symbolOf(book), timeNs: processor.nowNs,
        bid: bidTicks === PRICE_TICKS_NONE ? null : processor.symbols.priceText(book, bidTicks), bidQuantity: bidQty,
        ask: askTicks === PRICE_TICKS_NONE ? null : processor.symbols.priceText(book, askTicks), askQuantity: askQty,
      });
    }
    processor.clearTouched();
  }

  /** Requests about an order that has ended have their answer. */
  #ended(at: number): void {
    if (!this.#awaited) return;
    for (const key of this.#keys(at)) this.#results.onEnded(key, this.#now());
  }

  #sample(histogram: Histogram, at: number): void {
    const stampNs = this.#outputs.f64[(at + OUTPUT.value) >>> 3];
    if (stampNs === 0) return;
    const latencyNs = Math.max(0, this.#now() - stampNs);
    histogram.record(latencyNs);
    if (histogram === this.orderLatency && this.sampleCount < SAMPLES_MAX) this.samples[this.sampleCount++] = latencyNs;
  }

  // ── parts of events ────────────────────────────────────────────────────────────────────────

  #sequence(at: number): number {
    return this.#outputs.f64[(at + OUTPUT.sequence) >>> 3];
  }

  #base(at: number): { sequence: number; timeNs: number } {
    const { f64 } = this.#outputs;
    return { sequence: f64[(at + OUTPUT.sequence) >>> 3], timeNs: f64[(at + OUTPUT.timeNs) >>> 3] };
  }

  #ids(at: number): { orderId: number; clientOrderId?: number | string } {
    const { f64, u16, u32 } = this.#outputs;
    const orderId = f64[(at + OUTPUT.orderId) >>> 3];
    if ((u16[(at + OUTPUT.flags) >>> 1] & OutputFlag.Named) === 0) return { orderId };
    return { orderId, clientOrderId: nameOf(u32[(at + OUTPUT.nameLo) >>> 2], u32[(at + OUTPUT.nameHi) >>> 2]) };
  }

  /** Under which requests about this order wait: its id, and its name. */
  #keys(at: number): RequestKey[] {
    const { orderId, clientOrderId } = this.#ids(at);
    if (clientOrderId === undefined) return [orderId];
    return orderId === 0 ? [`name ${clientOrderId}`] : [orderId, `name ${clientOrderId}`];
  }

  #order(at: number): Pick<EngineEvents['accepted'], 'sequence' | 'timeNs' | 'symbol' | 'orderId' | 'side' | 'strategy'> {
    const { u16 } = this.#outputs;
    return {
      ...this.#base(at), symbol: this.#symbol(at), ...this.#ids(at), side: this.#side(at),
      strategy: (u16[(at + OUTPUT.flags) >>> 1] & OutputFlag.Strategy) !== 0,
    };
  }

  #symbol(at: number): string {
    return this.#processor.symbols.symbolOf(this.#outputs.u16[(at + OUTPUT.book) >>> 1]);
  }

  #side(at: number): SideText {
    return this.#outputs.i8[at + OUTPUT.side] > 0 ? 'buy' : 'sell';
  }

  #priceText(at: number): string {
    const { u16, i32 } = this.#outputs;
    return this.#processor.symbols.priceText(u16[(at + OUTPUT.book) >>> 1], i32[(at + OUTPUT.price) >>> 2]);
  }

  /** Null for an order without one. */
  #price(at: number): string | null {
    return (this.#outputs.u16[(at + OUTPUT.flags) >>> 1] & OutputFlag.Priced) === 0 ? null : this.#priceText(at);
  }
}

function textOf(reason: number): string {
  return REASON_TEXT[reason] ?? `reason ${reason}`;
}

/** Names of the events that outputs become, by type. */
const OUTPUT_EVENT: Readonly<Record<number, EventName>> = {
  [Output.Accepted]: 'accepted', [Output.Fill]: 'fill', [Output.Canceled]: 'canceled', [Output.Rejected]: 'rejected',
  [Output.Modified]: 'modified', [Output.Trade]: 'trade', [Output.State]: 'state', [Output.Breaker]: 'breaker',
  [Output.Alert]: 'alert', [Output.Configured]: 'configured', [Output.CancelRejected]: 'cancel-rejected',
  [Output.ModifyRejected]: 'modify-rejected', [Output.Venue]: 'venue',
};
