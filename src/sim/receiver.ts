// A receiver of the feed: production's feed handler and books, behind a link that may lose, double and
// reorder. Whenever it calls its books fresh they must be the engine's at that message (I7).
import { MarketView } from '../book/market_view.ts';
import { FeedHandler, type FeedListener } from '../trader/feed_handler.ts';
import type { Prng } from '../base/prng.ts';
import type { Network } from '../net/transport.ts';
import type { ClientContext, Participant } from './client.ts';
import * as invariants from './invariants.ts';
import type { ClientPlan } from './plan.ts';
import { FEED_PORT, GROUP, HOST, nameOf, RETRANSMIT_PORT, SNAPSHOT_PORT } from './setting.ts';

const IDLE_NS = 20_000_000;
/** Of datagrams out of order; the smallest is one that can hardly keep anything. */
const QUEUES = [4, 64, 1_024] as const;

export class Receiver implements Participant, FeedListener {
  readonly plan: ClientPlan;
  readonly name: string;
  readonly idleNs = IDLE_NS;
  /** Times that its books were compared. */
  compared = 0;
  readonly #context: ClientContext;
  readonly #network: Network;
  readonly #view: MarketView;
  readonly #queueDatagrams: number;
  #handler: FeedHandler | null = null;

  constructor(context: ClientContext, plan: ClientPlan, prng: Prng) {
    this.plan = plan;
    this.name = nameOf(plan);
    this.#context = context;
    this.#network = context.fabric.network(this.name);
    this.#queueDatagrams = QUEUES[prng.below(QUEUES.length)];
    this.#view = new MarketView({
      instruments: Array.from({ length: context.setting.instruments }, () => ({ minPrice: 1, maxPrice: 0x7fff_ffff })),
      ordersMax: context.setting.ordersMax,
    }, { variant: 'core.checked' });
  }

  start(): void {
    const { world } = this.#context;
    world.task(this.#join().then(() => world.add(this)));
  }

  async #join(): Promise<void> {
    const network = this.#network;
    const group = { group: GROUP, interface: HOST };
    this.#handler = new FeedHandler(this.#view, this, {
      layout: 'native',
      instruments: Array.from({ length: this.#context.setting.instruments }, (_, i) => ({ ticker: i + 1 })),
      incremental: await network.multicastReceiver({ ...group, port: FEED_PORT }),
      snapshot: await network.multicastReceiver({ ...group, port: SNAPSHOT_PORT }),
      retransmit: { socket: await network.unicast({ host: HOST, port: 0 }), host: HOST, port: RETRANSMIT_PORT },
      queueDatagrams: this.#queueDatagrams,
    });
  }

  stop(): void {
    this.#context.world.remove(this.name);
    this.#network.close();
  }

  abort(): void {}

  quieten(): void {}

  turn(): number {
    const handler = this.#handler;
    if (handler === null) return 0;
    const work = this.#network.poll() + handler.poll(this.#context.world.nowNs);
    invariants.withinCap(`datagrams kept by ${this.name}`, handler.queuedDatagrams, this.#queueDatagrams);
    if (handler.fresh && this.#context.auditor.onFresh(this.name, handler.nextSequence, () => this.#view.publicHash()))
      this.compared++;
    return work;
  }

  /** Its books are fresh, with everything that was published. */
  get settled(): boolean {
    const { host } = this.#context;
    return this.#handler !== null && host.isRunning && this.#handler.fresh &&
      this.#handler.nextSequence === host.exchange.feed.channel.next;
  }

  get whyUnsettled(): string {
    const { host } = this.#context;
    const next = host.isRunning ? host.exchange.feed.channel.next : 0;
    return `${this.name}: state ${this.#handler?.state}, at ${this.#handler?.nextSequence} of ${next}`;
  }

  /** Beside the engine, when all is quiet. */
  checkBooks(): void {
    const { exchange } = this.#context.host;
    invariants.bookFromFeed(this.name, exchange.feed.channel.next, exchange.engine.publicHash(), this.#view.publicHash());
    invariants.structureHolds(`books of ${this.name}`, () => this.#view.checkInvariants());
  }

  // ── the feed tells ─────────────────────────────────────────────────────────────────────────

  onUpdate(): void {}

  onTrade(): void {}

  onState(): void {}
}
