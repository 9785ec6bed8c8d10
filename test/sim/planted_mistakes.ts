// Mistakes as people make them, made on purpose in the running program: what the simulator is there to catch.
// Each replaces one method of one class, or touches one life of the exchange; `by` are the invariants that
// may notice first.
import { mock } from 'node:test';
import { MarketView } from '../../src/book/market_view.ts';
import { MatchingEngine } from '../../src/book/matching_engine.ts';
import { Cmd, COMMAND, Ev, EVENT, Reason } from '../../src/book/types.ts';
import { FeedChannel } from '../../src/exchange/feed_channel.ts';
import { FeedPublisher } from '../../src/exchange/feed_publisher.ts';
import { Gateway } from '../../src/exchange/gateway.ts';
import { JournalStage } from '../../src/exchange/journal_stage.ts';
import { Responses } from '../../src/exchange/responses.ts';
import { RiskGate } from '../../src/exchange/risk_gate.ts';
import { Account } from '../../src/exchange/session/accounts.ts';
import { OutboundLog } from '../../src/exchange/session/outbound_log.ts';
import { SegmentWriter } from '../../src/journal/segment_writer.ts';
import { PositionKeeper } from '../../src/trader/position_keeper.ts';
import type { Planted } from '../../src/sim/simulation.ts';

export interface PlantedMistake {
  readonly what: string;
  /** Kinds of faults under which it shows. */
  readonly faults: readonly string[];
  readonly by: readonly string[];
  /** Replaces methods; they are put back afterwards. */
  readonly patch?: () => void;
  readonly plant?: Planted;
}

const NOBODY = 0xffff_fff0;

/** Replaces a method by one that is given the original. */
function replace<T extends object, K extends keyof T>(
  on: T, name: K, by: (original: T[K]) => T[K] & ((...args: never[]) => unknown),
): void {
  mock.method(on as Record<string, (...args: never[]) => unknown>, name as string, by(on[name]));
}

/** After each batch the trade events in the ring are other than they were. */
function changeTrades(change: (engine: MatchingEngine, at: number) => void): void {
  replace(MatchingEngine.prototype, 'process', (process) =>
    function changed(this: MatchingEngine, slots: number): void {
      const from = this.eventsWritten();
      process.call(this, slots);
      for (let n = from; n < this.eventsWritten(); n++) {
        const at = this.eventBase + (n & this.eventMask) * EVENT.size;
        if (this.u8[at] === Ev.Trade) change(this, at);
      }
    });
}

export const PLANTED_MISTAKES: readonly PlantedMistake[] = [
  {
    what: 'acknowledged before it is durable',
    faults: ['kill', 'power', 'die', 'slow-sync'],
    by: ['I11', 'I12', 'I13'],
    plant: { life: ({ queue }) => Object.defineProperty(queue, 'ackableSequence', { get: () => queue.lastSequence }) },
  },
  {
    what: 'written, and never synced',
    faults: ['power'],
    by: ['I11'],
    patch: () => replace(SegmentWriter.prototype, 'sync', () => () => {}),
  },
  {
    what: 'log-ins are not journaled',
    faults: ['kill'],
    by: ['I10', 'I11', 'I12', 'I13', 'error'],
    patch: () => replace(JournalStage.prototype, 'session', () => () => {}),
  },
  {
    what: 'the feed has another name after each start',
    faults: ['kill', 'power'],
    by: ['I13'],
    plant: {
      life: ({ exchange, number }) => {
        const { channel } = exchange.feed;
        channel.begin(`X${String(number).padStart(9, '0')}`, channel.next);
      },
    },
  },
  {
    what: 'the feed skips a number when it comes back from a snapshot',
    faults: ['snapshot', 'kill'],
    by: ['I10', 'I11', 'I13', 'I7'],
    patch: () => replace(FeedChannel.prototype, 'restore', (restore) =>
      function skips(this: FeedChannel, ...args: Parameters<FeedChannel['restore']>): void {
        restore.apply(this, args);
        this.sent = ++this.next;
      }),
  },
  {
    what: 'prices are rounded to even ticks on their way into the engine',
    faults: ['none'],
    by: ['I4'],
    patch: () => replace(MatchingEngine.prototype, 'process', (process) =>
      function rounded(this: MatchingEngine, slots: number): void {
        for (let slot = 0; slot < slots; slot++) {
          const at = this.commandBase + slot * COMMAND.size;
          if (this.u8[at] === Cmd.New) this.i32[(at + COMMAND.price) >>> 2] &= ~1;
        }
        process.call(this, slots);
      }),
  },
  {
    what: 'a trade at a tick from the resting price',
    faults: ['none'],
    by: ['I5'],
    patch: () => changeTrades((engine, at) => engine.i32[(at + EVENT.price) >>> 2]++),
  },
  {
    what: 'a fill takes one lot more from the order than it says',
    faults: ['none'],
    by: ['I2'],
    patch: () => changeTrades((engine, at) => {
      const word = (at + EVENT.leaves) >>> 2;
      if (engine.u32[word] > 0) engine.u32[word]--;
    }),
  },
  {
    what: 'the volume of a level is summed in four bits',
    faults: ['none'],
    by: ['I6'],
    patch: () => replace(MatchingEngine.prototype, 'depth', (depth) =>
      function wraps(this: MatchingEngine, ...args: Parameters<MatchingEngine['depth']>) {
        const { bids, asks } = depth.apply(this, args);
        const wrap = (side: typeof bids): typeof bids => side.map((level) => ({ ...level, qty: level.qty & 15n }));
        return { bids: wrap(bids), asks: wrap(asks) };
      }),
  },
  {
    what: 'the maker is not told of its fill',
    faults: ['none'],
    by: ['I1'],
    patch: () => replace(Responses.prototype, 'onEvent', (onEvent) =>
      function takerOnly(this: Responses, at: number): void {
        const engine = enginesByLife.at(-1);
        if (engine === undefined || engine.u8[at] !== Ev.Trade) return onEvent.call(this, at);
        const word = (at + EVENT.makerClient) >>> 2;
        const maker = engine.u32[word];
        engine.u32[word] = NOBODY;
        onEvent.call(this, at);
        engine.u32[word] = maker;
      }),
    plant: { life: ({ exchange }) => void enginesByLife.push(exchange.engine) },
  },
  {
    what: 'limits are not looked at',
    faults: ['none'],
    by: ['I9'],
    patch: () => replace(RiskGate.prototype, 'newOrder', () => () => Reason.None),
  },
  {
    what: 'an order id that was used is taken once more',
    faults: ['resend'],
    by: ['I12'],
    patch: () => replace(Account.prototype, 'raise', () => () => true),
  },
  {
    what: 'a session resumes one message too late',
    faults: ['reset'],
    by: ['I13', 'L1'],
    patch: () => replace(OutboundLog.prototype, 'attach', (attach) =>
      function late(this: OutboundLog, sequence: number): void {
        attach.call(this, this.has(sequence + 1) ? sequence + 1 : sequence);
      }),
  },
  {
    what: 'the feed leaves out every tenth cancel',
    faults: ['none'],
    by: ['I7', 'error'],
    patch: () => {
      let cancels = 0;
      replace(FeedPublisher.prototype, 'onEvent', (onEvent) =>
        function forgetful(this: FeedPublisher, at: number): void {
          const engine = enginesByLife.at(-1);
          if (engine?.u8[at] === Ev.Canceled && ++cancels % 10 === 0) return;
          onEvent.call(this, at);
        });
    },
    plant: { life: ({ exchange }) => void enginesByLife.push(exchange.engine) },
  },
  {
    what: 'a receiver forgets every tenth cancel',
    faults: ['none'],
    by: ['I7'],
    patch: () => {
      let cancels = 0;
      replace(MarketView.prototype, 'cancel', (cancel) =>
        function forgetful(this: MarketView, ...args: Parameters<MarketView['cancel']>): boolean {
          return ++cancels % 10 === 0 ? true : cancel.apply(this, args);
        });
    },
  },
  {
    what: 'a trader counts every third fill twice',
    faults: ['none'],
    by: ['I8', 'error'],
    patch: () => {
      let fills = 0;
      replace(PositionKeeper.prototype, 'onFill', (onFill) =>
        function twice(this: PositionKeeper, ...args: Parameters<PositionKeeper['onFill']>): void {
          onFill.apply(this, args);
          if (++fills % 3 === 0) onFill.apply(this, args);
        });
    },
  },
  {
    what: 'answers leave in every three hundredth turn only',
    faults: ['none'],
    by: ['I15', 'L1'],
    patch: () => {
      let turns = 0;
      replace(Gateway.prototype, 'flush', (flush) =>
        function seldom(this: Gateway, nowNs: number): number {
          return ++turns % 300 === 0 ? flush.call(this, nowNs) : 0;
        });
    },
  },
  {
    what: 'an outbound log has no cap',
    faults: ['slow', 'limits'],
    by: ['I16'],
    patch: () => {
      Object.defineProperty(OutboundLog.prototype, 'bytes', { configurable: true, get: () => 1 << 30 });
    },
  },
];

/** Engines of the lives so far, for mistakes that look at events. */
const enginesByLife: MatchingEngine[] = [];
const bytesOfLogs = Object.getOwnPropertyDescriptor(OutboundLog.prototype, 'bytes');

/** Everything as it was. */
export function putBack(): void {
  mock.restoreAll();
  enginesByLife.length = 0;
  if (bytesOfLogs !== undefined) Object.defineProperty(OutboundLog.prototype, 'bytes', bytesOfLogs);
}
