// A process of its own, started by end_to_end.test.ts in its namespace: orders to an exchange and the feed's books, over one
// network. The last line of stdout says what it has.
//
//   flow_and_books.ts NETWORK OWN_HOST EXCHANGE_HOST PORT MULTICAST_PORT REQUESTS
import { AgentRunner } from '../../src/base/agent.ts';
import { MonotonicClock } from '../../src/base/clock.ts';
import { MarketView } from '../../src/book/market_view.ts';
import { FlowDriver } from '../../src/apps/flow_driver.ts';
import { EXCHANGE_DEFAULT } from '../../src/exchange/config.ts';
import { chooseNetwork } from '../../src/net/choose_network.ts';
import { FrameNetwork } from '../../src/net/frame_network.ts';
import { FeedHandler } from '../../src/trader/feed_handler.ts';
import { WanderingFlow } from '../trade/trade_rig.ts';
import type { OrderFlow } from '../../src/recorded/order_flow.ts';

const [choice, ownHost, host, portText, multicastPortText, requestsText] = process.argv.slice(2);
const port = Number(portText);
const multicastPort = Number(multicastPortText);
const requests = Number(requestsText);
/** The feed must be whole for so long after the last answer: several of the heartbeats that would tell of a loss. */
const QUIET_NS = 3.5e9;
const GIVE_UP_NS = 90e9;
const WINDOW = 64;
const CLIENT = 1;

/** So many requests of the flow, as fast as the window allows; their orders stay. */
class FirstOf implements OrderFlow {
  readonly name = 'first of a flow';
  readonly messagesTotal = requests;
  readonly #flow: WanderingFlow;

  constructor(flow: WanderingFlow) {
    this.#flow = flow;
  }

  get request(): WanderingFlow['request'] {
    return this.#flow.request;
  }

  get messages(): number {
    return this.#flow.messages;
  }

  get lastOrderId(): number {
    return this.#flow.lastOrderId;
  }

  next(): boolean {
    return this.#flow.messages < requests && this.#flow.next();
  }

  close(): void {}
}

const { network } = chooseNetwork(choice);
const clock = new MonotonicClock();
const { feed } = EXCHANGE_DEFAULT;
const multicast = { group: feed.group, interface: ownHost, receiveBufferBytes: 8 << 20 };
const view = new MarketView({ instruments: [{ minPrice: 1, maxPrice: 0x7fff_ffff }], ordersMax: 1 << 16 });
let gaps = 0;
const handler = new FeedHandler(view, { onUpdate: () => {}, onTrade: () => {}, onState: () => (gaps += 1) }, {
  instruments: [{ ticker: 1 }],
  incremental: await network.multicastReceiver({ ...multicast, port: multicastPort }),
  snapshot: await network.multicastReceiver({ ...multicast, port: multicastPort + 1 }),
  retransmit: { socket: await network.unicast({ host: ownHost, port: 0 }), host, port: multicastPort + 2 },
});
const driver = new FlowDriver({
  clock, entry: { client: CLIENT }, ticker: 1, speed: Infinity, window: WINDOW, keepOrders: true,
  pass: (pass, first) => (pass > 0 ? null : new FirstOf(new WanderingFlow(7, first, 1_000))),
});
driver.connect(await network.connect({ host, port }));
let quietSinceNs = -1;
const startNs = clock.refresh();
const watch = {
  name: 'watch',
  poll(nowNs: number): number {
    const rests = driver.idle && handler.fresh && handler.behind === 0;
    if (!rests) quietSinceNs = -1;
    else if (quietSinceNs < 0) quietSinceNs = nowNs;
    const done = quietSinceNs > 0 && nowNs - quietSinceNs > QUIET_NS;
    if (done || driver.closedReason !== '' || nowNs - startNs > GIVE_UP_NS) runner.stop();
    return 0;
  },
};
const books = { name: 'books', poll: (nowNs: number) => (handler.poll(nowNs), 0) };
const runner = new AgentRunner({
  clock, wait: 'backoff', wakeSource: network, needsEventLoop: network.needsEventLoop,
  agents: [{ name: 'network', poll: () => network.poll() }, driver, books, watch],
});
await runner.run();
console.log(JSON.stringify({
  requests: driver.requests, unanswered: driver.underWay, rejects: driver.rejects, closed: driver.closedReason,
  fresh: handler.fresh, nextSequence: handler.nextSequence, changesOfState: gaps,
  publicHash: view.publicHash().toString(16).padStart(16, '0'),
  network: network instanceof FrameNetwork ? network.counters() : null,
}));
network.close();
if (network instanceof FrameNetwork) await network.closed;
