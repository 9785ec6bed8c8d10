// The monitor's own receiver of an exchange's feed: books and trades as everybody on the feed has them. The exchange is asked
// for nothing but messages that were lost, as by any receiver.
//
//   groups ─► FeedReceiver ─► FeedHandler ─► MarketView (books)
//                                   └──────► MarketWatch (counts, trades, ladders for pages)
//
// A second one, which has just joined, is what the first is compared with (src/observe/alerts/book_audit.ts).
//
// Polled by a timer and not woken by each datagram: a wake-up costs as much as ten datagrams, and nobody sees 5 ms. A poll takes
// what has come, at most POLLS_MAX bursts; what is left keeps in the socket's buffer, and what that loses is asked for again.
import { MarketView } from '../book/market_view.ts';
import { FEED_STATE_TEXT, FeedHandler, FeedState } from '../trader/feed_handler.ts';
import { FeedReceiver } from '../trader/feed_sockets.ts';
import { MarketWatch } from '../observe/dashboard/market_watch.ts';
import { joinFeed } from './trade_session.ts';
import type { Clock } from '../base/clock.ts';
import type { Network } from '../net/transport.ts';
import type { FreshFeed } from '../observe/alerts/book_audit.ts';
import type { FeedView } from '../observe/dashboard/messages.ts';
import type { MarketDescription } from './market_file.ts';

/** Bursts of one poll: 4,096 datagrams, some 10 ms of work. */
const POLLS_MAX = 16;
/** Datagrams kept out of order: a second of a busy feed, in 3 MiB. */
const QUEUE_DATAGRAMS = 2_048;
/** Of one that does not ask, which must keep whatever comes during a whole snapshot cycle; memory is taken for what comes. */
const QUEUE_DATAGRAMS_UNASKED = 16_384;
/** Every price but the one that means none. */
const TICKS_MIN = -0x7fff_ffff;
const TICKS_MAX = 0x7fff_ffff;

export interface MarketReceiverOptions {
  /** Books to fill, emptied first. Default: its own. */
  readonly view?: MarketView;
  /** Ask the exchange for what was lost. Without, a hole and the beginning are bridged by snapshots. */
  readonly asks?: boolean;
}

export class MarketReceiver implements FreshFeed {
  onMessage: () => void = () => {};
  readonly watch: MarketWatch;
  readonly feed: FeedHandler;
  readonly view: MarketView;
  readonly #network: Network;
  readonly #receiver: FeedReceiver;
  readonly #clock: Clock;
  #rateAtNs: number;
  #appliedAtRate = 0;
  #messagesPerSecond = 0;

  /** Joins the feed; rejects with what prevents that. */
  static async join(
    market: MarketDescription, network: Network, clock: Clock, options: MarketReceiverOptions = {},
  ): Promise<MarketReceiver> {
    const join = (): ReturnType<typeof joinFeed> => joinFeed(network, market);
    const sockets = await join();
    return new MarketReceiver(market, network, clock, new FeedReceiver(sockets, join, clock), options);
  }

  private constructor(
    market: MarketDescription, network: Network, clock: Clock, receiver: FeedReceiver, { view, asks = true }: MarketReceiverOptions,
  ) {
    const { instruments, feed, retransmit } = market;
    this.#network = network;
    this.#clock = clock;
    this.#receiver = receiver;
    this.#rateAtNs = clock.nowNs;
    this.view = view ?? marketViewOf(market);
    for (let book = 0; book < instruments.length; book++) this.view.clear(book);
    this.watch = new MarketWatch(instruments, this.view);
    const { watch } = this;
    this.feed = new FeedHandler(this.view, {
      onUpdate: (book) => {
        watch.onUpdate(book);
        this.onMessage();
      },
      onTrade: (book, side, price, qty) => {
        watch.onTrade(book, side, price, qty);
        this.onMessage();
      },
      onState: () => {},
    }, {
      layout: feed.layout, queueDatagrams: asks ? QUEUE_DATAGRAMS : QUEUE_DATAGRAMS_UNASKED,
      instruments: instruments.map(({ ticker, tickSize }) => ({ ticker, tickUnits: tickSize })),
      incremental: receiver.incremental, snapshot: receiver.snapshot,
      retransmit: receiver.retransmit === null || !asks
        ? null : { socket: receiver.retransmit, host: retransmit.host, port: retransmit.port },
    });
  }

  /** Takes what has come. `nowMs`: ms since 1970. Returns the datagrams taken. */
  poll(nowMs: number = Date.now()): number {
    this.watch.nowMs = nowMs;
    let taken = 0;
    for (let polls = 0; polls < POLLS_MAX; polls++) {
      this.#network.poll();
      const work = this.feed.poll(this.#clock.refresh());
      taken += work;
      if (work === 0) break;
    }
    this.#receiver.poll(this.#clock.nowNs);
    this.watch.fresh = this.feed.fresh;
    return taken;
  }

  get nextSequence(): number {
    return this.feed.nextSequence;
  }

  get whole(): boolean {
    return this.feed.state === FeedState.Live || this.feed.state === FeedState.Gap;
  }

  get fresh(): boolean {
    return this.feed.fresh;
  }

  publicHash(): bigint {
    return this.view.publicHash();
  }

  publicHashOf(book: number): bigint {
    return this.view.publicHashOf(book);
  }

  /** How the feed is heard. The rate is that since the last call, so one caller calls it at even times. */
  status(): FeedView {
    const { feed } = this;
    const nowNs = this.#clock.nowNs;
    const elapsedNs = nowNs - this.#rateAtNs;
    if (elapsedNs > 0) this.#messagesPerSecond = ((feed.applied - this.#appliedAtRate) * 1e9) / elapsedNs;
    this.#rateAtNs = nowNs;
    this.#appliedAtRate = feed.applied;
    return {
      state: FEED_STATE_TEXT[feed.state], fresh: feed.fresh, sequence: feed.nextSequence - 1, gaps: feed.gaps,
      recovered: feed.recovered, duplicates: feed.duplicates, messagesPerSecond: this.#messagesPerSecond,
    };
  }

  close(): void {
    this.#receiver.close();
  }
}

/** Books for everything that an exchange trades. */
export function marketViewOf({ instruments, ordersMax }: MarketDescription): MarketView {
  return new MarketView({ instruments: instruments.map(() => ({ minPrice: TICKS_MIN, maxPrice: TICKS_MAX })), ordersMax });
}
