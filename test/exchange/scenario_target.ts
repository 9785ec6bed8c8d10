// Scenarios told to a whole exchange: requests in by TCP, answers back to each client, the public
// feed by multicast. Everything compared was seen on the wire.
//
//   command ─► order entry of its client ─► exchange ─┬─► responses, a queue for each client
//                                                     ├─► feed messages, one queue
//                                                     └─► feed handler ─► market view: depth, hash
//
// An engine event is put together from those who saw it: a trade from what both sides were told
// and the feed's trade, a rest from the owner's answer and the feed's add. Each observer sees its
// own part in order; in what order two of them saw theirs nobody can know, so the queues are read
// along the expected events, and whatever is left in one of them afterwards is an error. What no
// message shows is left out of the event: which stop was triggered, a market order's type, the
// place of an order whose replace changed nothing visible.
import assert from 'node:assert/strict';
import type { Depth } from '../../src/book/engine.ts';
import { MarketView } from '../../src/book/market_view.ts';
import { BOOK_ALL } from '../../src/book/order_book.reference.ts';
import {
  formatCommand,
  formatName,
  ScenarioError,
  type Observed,
  type Scenario,
  type ScenarioTarget,
} from '../../src/book/scenario.ts';
import {
  Cmd,
  COMMAND_DEFAULT,
  OrderType,
  OWNER_NONE,
  QTY_NONE,
  State,
  Stp,
  Tif,
  type Command,
  type EngineConfig,
} from '../../src/book/types.ts';
import {
  type InstrumentConfig,
  ListenerFraming,
  plainInstrument,
  RISK_DEFAULT,
} from '../../src/exchange/config.ts';
import type { Network } from '../../src/net/transport.ts';
import { FeedHandler } from '../../src/trader/feed_handler.ts';
import { OrderEntry } from '../../src/trader/order_entry.ts';
import { Framing } from '../../src/wire/framing/frame.ts';
import {
  CLIENT_NONE,
  ClientResponse,
  type ClientResponseFields,
  MarketUpdate,
  type MarketUpdateFields,
  OrderFlag,
  ResponseType,
  TICKER_NONE,
  UpdateType,
} from '../../src/wire/generated/native.ts';
import { ExchangeRig, type FeedCapture } from './exchange_rig.ts';

/** Tickers are not book indexes, so that nobody mistakes one for the other. */
const TICKER_FIRST = 11;
const RECEIVE_BUFFER_BYTES = 1 << 20;
const QUEUE_DATAGRAMS = 64;
const TURNS_MAX = 100_000;
const KNOWN_STATES: readonly number[] = [State.Open, State.Halted, State.Closed];
const WORD_MASK = 0xffff_ffffn;

export interface WireOptions {
  /** Real networks instead of the memory one. */
  readonly network?: () => Network;
  /** Multicast ports nobody else uses: the first of two. */
  readonly feedPort?: number;
  readonly framing?: Framing;
}

/** What its client knows of an order, by its answers alone. */
interface KnownOrder {
  readonly client: number;
  readonly id: bigint;
  readonly side: number;
  price: number;
  open: number;
  /** Traded so far: what a chain quantity includes. */
  executed: number;
}

/** One client of the exchange, on a connection of its own. */
class WireClient {
  readonly entry: OrderEntry;
  readonly answers: ClientResponseFields[] = [];
  closed = '';

  constructor(client: number, framing: Framing) {
    this.entry = new OrderEntry(
      {
        onReady: () => {},
        onResponse: (view, offset) => this.answers.push(ClientResponse.read(view, offset)),
        onClosed: (reason) => {
          this.closed = reason;
        },
      },
      { client, framing },
    );
  }
}

export class WireTarget implements ScenarioTarget {
  readonly rig: ExchangeRig;
  readonly handler: FeedHandler;
  readonly view: MarketView;
  readonly #framing: Framing;
  readonly #capture: FeedCapture;
  readonly #clients = new Map<number, WireClient>();
  /** By the exchange's order id; `#live` by client and id. */
  readonly #orders = new Map<bigint, KnownOrder>();
  readonly #live = new Map<string, KnownOrder>();
  /** Messages of the feed that nobody has looked at, and how many there were in all. */
  readonly #updates: MarketUpdateFields[] = [];
  #heard = 0;
  /** Visible quantity that the last trade's modify told, by the exchange's order id. */
  #shown: { order: bigint; qty: number } | null = null;
  /** Commands that the exchange has been given. */
  #given = 0;

  static async open(config: EngineConfig, options: WireOptions = {}): Promise<WireTarget> {
    const { feedPort, network, framing = Framing.Bare } = options;
    const group = '239.255.77.2';
    const rig = await ExchangeRig.open({
      ...(network === undefined ? {} : { network }),
      config: {
        framing: ListenerFraming[framing === Framing.Sequenced ? 'Sequenced' : 'Auto'],
        instruments: config.instruments.map(instrumentOf),
        ordersMax: config.ordersMax,
        stp: config.stp ?? Stp.None,
        risingOrderIds: false,
        // The scenarios fill the engine with one client's orders.
        risk: { ...RISK_DEFAULT, fairShares: false },
        ...(feedPort === undefined
          ? {}
          : {
              feed: { layout: 'native', group, port: feedPort },
              snapshot: { group, port: feedPort + 1, intervalNs: 0 },
            }),
      },
    });
    try {
      const { instruments } = rig.exchange;
      const { ordersMax } = config;
      const view = new MarketView({ instruments: instruments.ranges(), ordersMax });
      const ignore = (): void => {};
      const handler = new FeedHandler(
        view,
        { onUpdate: ignore, onTrade: ignore, onState: ignore },
        {
          instruments: instruments.list.map(({ ticker }) => ({ ticker })),
          incremental: await rig.clientNetwork.multicastReceiver({
            group: rig.exchange.config.feed.group,
            port: rig.exchange.config.feed.port,
            interface: '127.0.0.1',
            receiveBufferBytes: RECEIVE_BUFFER_BYTES,
          }),
          snapshot: null,
          retransmit: null,
          queueDatagrams: QUEUE_DATAGRAMS,
        },
      );
      return new WireTarget(rig, view, handler, await rig.capture('feed'), framing);
    } catch (error) {
      rig.close();
      throw error;
    }
  }

  private constructor(
    rig: ExchangeRig,
    view: MarketView,
    handler: FeedHandler,
    capture: FeedCapture,
    framing: Framing,
  ) {
    this.rig = rig;
    this.view = view;
    this.handler = handler;
    this.#capture = capture;
    this.#framing = framing;
  }

  /** Sends the command; what the observers saw of `expected` and, where they saw more, an error. */
  async perform(command: Command, expected: readonly Observed[]): Promise<Observed[]> {
    await this.#send(command);
    await this.#settle();
    const observed: Observed[] = [];
    for (const event of expected) {
      if (!this.observes(event)) continue;
      const seen = this.#see(event);
      if (seen === null) break;
      observed.push(seen);
    }
    const left = [
      ...[...this.#clients.values()].flatMap(({ answers }) => answers),
      ...this.#updates,
    ];
    if (left.length > 0) {
      const list = left.map((message) => `    ${showFields(message)}`).join('\n');
      throw new ScenarioError(
        `after ${formatCommand(command)} ${observed.length} of ${expected.length} events were seen`
          + `; messages that do not belong to the next one:\n${list}`,
      );
    }
    return observed;
  }

  /**
   * Many commands at once, those of different clients in whatever order they arrive; nobody looks
   * at the answers.
   */
  async flood(commands: readonly Command[]): Promise<void> {
    for (const command of commands) await this.#send(command);
    await this.#settle();
    for (const { answers } of this.#clients.values()) answers.length = 0;
    this.#updates.length = 0;
  }

  submit(): never {
    throw new Error('which events are expected has to be said: perform()');
  }

  /** Nobody is told which stop goes off, only what becomes of it. */
  observes(expected: Observed): boolean {
    return expected.type !== 'triggered';
  }

  depth(book: number, levels: number): Depth {
    return this.view.depth(book, levels);
  }

  /** What the public holds is what the engine shows. */
  check(): void {
    const { engine, feed } = this.rig.exchange;
    assert.equal(this.view.publicHash(), engine.publicHash(), 'public hash of the feed receiver');
    assert.equal(this.handler.gaps, 0, 'gaps of the feed');
    assert.equal(this.handler.unapplied, 0, 'messages that the books refused');
    assert.ok(this.handler.fresh || feed.channel.next === 1, 'the books are fresh');
  }

  close(): void {
    this.rig.close();
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────────

  async #send(command: Command): Promise<void> {
    const { book = 0, client = 0, id = 0n, side = 0, qty = 0 } = command;
    this.#given++;
    if (command.type === Cmd.State) {
      return this.rig.exchange.setState(tickerOf(book), command.state ?? State.Open);
    }
    const { entry } = await this.#client(client);
    const ticker = tickerOf(book);
    const [idLo, idHi] = halves(id);
    const [priceLo, priceHi] = halves(BigInt(command.price ?? 0));
    let taken: boolean;
    switch (command.type) {
      case Cmd.New:
        taken = isPlain(command)
          ? entry.newOrder(ticker, idLo, idHi, side, priceLo, priceHi, qty)
          : this.#newExtended(entry, command, ticker);
        break;
      case Cmd.Cancel:
        taken = entry.cancel(ticker, idLo, idHi);
        break;
      case Cmd.Replace: {
        const executed = this.#live.get(formatName(client, id))?.executed ?? 0;
        const chain = command.chain === true ? qty : qty + executed;
        assert.ok(chain <= QTY_NONE, 'a chain quantity that can be said');
        taken = entry.modify(ticker, idLo, idHi, side, priceLo, priceHi, chain);
        break;
      }
      case Cmd.MassCancel:
        taken = entry.massCancel(ticker, side);
        break;
      default:
        throw new RangeError(`command: expected one with a message, was ${formatCommand(command)}`);
    }
    assert.ok(taken, 'the client takes the request');
  }

  #newExtended(entry: OrderEntry, command: Command, ticker: number): boolean {
    const [idLo, idHi] = halves(command.id ?? 0n);
    const [priceLo, priceHi] = halves(BigInt(command.price ?? 0));
    const [stopLo, stopHi] = halves(BigInt(command.stopPrice ?? 0));
    return entry.newOrderExtended(
      ticker,
      idLo,
      idHi,
      command.side ?? 0,
      priceLo,
      priceHi,
      command.qty ?? 0,
      command.orderType ?? OrderType.Limit,
      command.tif ?? COMMAND_DEFAULT.tif,
      command.postOnly === true ? OrderFlag.PostOnly : 0,
      command.stp ?? Stp.Default,
      command.display ?? 0,
      command.minQty ?? 0,
      stopLo,
      stopHi,
      command.owner ?? OWNER_NONE,
    );
  }

  async #client(number: number): Promise<WireClient> {
    const known = this.#clients.get(number);
    if (known !== undefined) return known;
    const client = new WireClient(number, this.#framing);
    this.#clients.set(number, client);
    const { rig } = this;
    const address = { host: '127.0.0.1', port: rig.exchange.ports[0] };
    client.entry.connect(await rig.clientNetwork.connect(address), rig.nowNs);
    await this.#until(() => client.entry.ready, `client ${number} is ready`);
    return client;
  }

  // ── turns ──────────────────────────────────────────────────────────────────────────────────────

  /** Until the exchange has executed everything and everybody has heard all that it said. */
  #settle(): Promise<void> {
    const { exchange } = this.rig;
    return this.#until(() => {
      let responses = 0;
      for (const { entry } of this.#clients.values()) responses += entry.responses;
      const { next } = exchange.feed.channel;
      return this.rig.counter('commands') === this.#given
        && responses === this.rig.counter('responses')
        && this.#heard === next - 1
        && this.handler.nextSequence === next;
    }, 'all answers and updates of a command');
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    const { rig } = this;
    let turns = 0;
    do {
      assert.ok(turns++ < TURNS_MAX, `never came: ${what}`);
      for (const client of this.#clients.values()) {
        client.entry.poll(rig.nowNs);
        assert.equal(client.closed, '', 'sessions stay open');
      }
      await rig.turn();
      this.handler.poll(rig.nowNs);
      this.#readUpdates();
    } while (!condition());
  }

  #readUpdates(): void {
    if (this.#capture.datagrams.length === 0) return;
    for (const message of this.#capture.nativeMessages()) {
      const view = new DataView(message.buffer, message.byteOffset, message.length);
      this.#updates.push(MarketUpdate.read(view, 0));
      this.#heard++;
    }
    this.#capture.datagrams.length = 0;
  }

  // ── from messages to events ────────────────────────────────────────────────────────────────────

  /** The event as its observers saw it; null when their next messages are of another kind. */
  #see(expected: Observed): Observed | null {
    switch (expected.type) {
      case 'accepted':
        return this.#seeAccepted(expected);
      case 'trade':
        return this.#seeTrade(expected);
      case 'canceled':
        return this.#seeCanceled(expected);
      case 'replaced':
        return this.#seeReplaced(expected);
      case 'reduced':
        return this.#seeReduced(expected);
      case 'rejected':
        return this.#seeRejected(expected);
      case 'rested':
        return this.#seeRested();
      case 'displayed':
        return this.#seeDisplayed();
      case 'state':
        return this.#seeState();
      default:
        return null;
    }
  }

  /** `orderType`: a stop that goes off at once has the same add, but not with its accept. */
  #seeAccepted({ client, orderType }: Observed): Observed | null {
    const answer = this.#answer(client, ResponseType.Accepted);
    if (answer === null) return null;
    const { marketOrder, side, leavesQty: qty } = answer;
    const price = Number(answer.price);
    const stop = orderType === OrderType.Stop || orderType === OrderType.StopLimit;
    const order: KnownOrder = {
      client: answer.client, id: answer.clientOrder, side, price, open: qty, executed: 0,
    };
    this.#orders.set(marketOrder, order);
    this.#live.set(formatName(order.client, order.id), order);
    assert.equal(answer.execQty, 0, 'an accepted order has not traded');
    const added = stop ? null : this.#update(UpdateType.Add, marketOrder);
    if (added !== null) {
      assert.equal(added.side, side, 'side of the add');
      assert.equal(added.price, answer.price, 'price of the add');
      assert.equal(added.priority, marketOrder, 'a new order has its number for priority');
    }
    const displayed = added?.qty ?? 0;
    const rests = added !== null;
    return { type: 'accepted', ...named(answer), side, price, qty, displayed, rests };
  }

  #seeTrade({ takerClient, makerClient }: Observed): Observed | null {
    const update = this.#update(UpdateType.Trade);
    if (update === null) return null;
    const taker = this.#answer(takerClient, ResponseType.Filled);
    const maker = taker && this.#answer(makerClient, ResponseType.Filled);
    if (taker === null || maker === null) return null;
    const { side, qty } = update;
    const price = Number(update.price);
    for (const [answer, sideOf] of [[taker, side], [maker, -side]] as const) {
      assert.equal(Number(answer.price), price, 'price of the fill, as the feed told it');
      assert.equal(answer.execQty, qty, 'quantity of the fill, as the feed told it');
      assert.equal(answer.side, sideOf, 'side of the fill');
      assert.equal(answer.ticker, update.ticker, 'ticker of the fill');
      const order = this.#order(answer);
      order.executed += qty;
      order.open = answer.leavesQty;
    }
    const gone = this.#update(UpdateType.Cancel, maker.marketOrder);
    const less = gone === null ? this.#update(UpdateType.Modify, maker.marketOrder) : null;
    assert.ok(gone !== null || less !== null, 'a fill changes the book');
    // The visible quantity of an iceberg is told by this modify; its own event adds nothing.
    this.#shown = less === null ? null : { order: maker.marketOrder, qty: less.qty };
    const shown = less?.qty ?? 0;
    return {
      type: 'trade', takerClient: taker.client, takerId: taker.clientOrder,
      takerLeaves: taker.leavesQty, makerClient: maker.client, makerId: maker.clientOrder,
      takerOrderId: taker.marketOrder, makerOrderId: maker.marketOrder,
      makerLeaves: maker.leavesQty, side, qty, price, book: bookOf(update.ticker),
      // Less than its whole rest is visible: the last part of an iceberg looks like any order.
      ...(shown === maker.leavesQty ? {} : { iceberg: true }),
    };
  }

  #seeCanceled({ client }: Observed): Observed | null {
    const answer = this.#answer(client, ResponseType.Canceled)
      ?? this.#answer(client, ResponseType.Expired);
    if (answer === null) return null;
    const order = this.#order(answer);
    const byOwner = answer.type === ResponseType.Canceled;
    if (byOwner) assert.equal(answer.execQty, QTY_NONE, 'a cancel executes nothing');
    assert.equal(answer.leavesQty, order.open, 'a cancel takes the whole rest');
    assert.equal(Number(answer.price), order.price, 'price of the canceled order');
    const gone = this.#update(UpdateType.Cancel, answer.marketOrder);
    if (gone !== null) assert.equal(gone.qty, 0, 'a cancel without a fill says 0');
    const { leavesQty: qty } = answer;
    const reason = byOwner ? 0 : answer.execQty;
    const priority = gone?.priority;
    return { type: 'canceled', ...named(answer), qty, reason, resting: gone !== null, priority };
  }

  #seeReplaced({ client }: Observed): Observed | null {
    const answer = this.#answer(client, ResponseType.Modified);
    if (answer === null) return null;
    assert.equal(answer.execQty, 0, 'nothing but the owner caused the replace');
    const order = this.#order(answer);
    const oldPrice = order.price;
    order.price = Number(answer.price);
    order.open = answer.leavesQty;
    const replaced: Observed = {
      type: 'replaced', ...named(answer), qty: order.open, price: order.price, oldPrice,
    };
    const less = this.#update(UpdateType.Modify, answer.marketOrder);
    if (less !== null) {
      return { ...replaced, kept: true, resting: true, rests: false, displayed: less.qty };
    }
    const gone = this.#update(UpdateType.Cancel, answer.marketOrder);
    if (gone === null) return { ...replaced, rests: false };
    const added = this.#update(UpdateType.Add, answer.marketOrder);
    const rests = added !== null;
    const displayed = added?.qty ?? 0;
    return {
      ...replaced, kept: false, resting: true, rests, displayed, priority: added?.priority,
    };
  }

  #seeReduced({ client }: Observed): Observed | null {
    const answer = this.#answer(client, ResponseType.Modified);
    if (answer === null) return null;
    const order = this.#order(answer);
    const qty = order.open - answer.leavesQty;
    order.open = answer.leavesQty;
    const gone = this.#update(UpdateType.Cancel, answer.marketOrder);
    const less = gone === null ? this.#update(UpdateType.Modify, answer.marketOrder) : null;
    return {
      type: 'reduced', ...named(answer), qty, leaves: order.open, reason: answer.execQty,
      displayed: less?.qty ?? 0, resting: gone !== null || less !== null,
    };
  }

  #seeRejected({ client, op }: Observed): Observed | null {
    const type = op === Cmd.Cancel ? ResponseType.CancelRejected : ResponseType.Rejected;
    const answer = this.#answer(client, type);
    if (answer === null) return null;
    const silent = type === ResponseType.CancelRejected && answer.execQty === QTY_NONE;
    return {
      type: 'rejected', client: answer.client, id: answer.clientOrder, book: bookOf(answer.ticker),
      reason: silent ? undefined : answer.execQty,
      side: type === ResponseType.Rejected ? answer.side : undefined,
    };
  }

  #seeRested(): Observed | null {
    const [next] = this.#updates;
    const added = next === undefined ? null : this.#update(UpdateType.Add, next.order);
    if (added === null) return null;
    const order = this.#orders.get(added.order);
    assert.ok(order !== undefined, 'who rests was accepted');
    assert.equal(added.side, order.side, 'side of the add');
    assert.equal(Number(added.price), order.price, 'price of the add');
    const { client, id, price, open: leaves } = order;
    const { order: orderId, side, qty: displayed, priority } = added;
    const book = bookOf(added.ticker);
    return { type: 'rested', client, id, orderId, side, price, displayed, leaves, priority, book };
  }

  /** The modify stood behind the trade. */
  #seeDisplayed(): Observed | null {
    const shown = this.#shown;
    this.#shown = null;
    const order = shown === null ? undefined : this.#orders.get(shown.order);
    if (shown === null || order === undefined) return null;
    const { client, id, price, open: leaves } = order;
    return { type: 'displayed', client, id, price, displayed: shown.qty, leaves };
  }

  #seeState(): Observed | null {
    const update = this.#update(UpdateType.State);
    if (update === null) return null;
    return { type: 'state', state: update.qty, book: bookOf(update.ticker) };
  }

  /** Takes the client's next answer if it is of this type. */
  #answer(client: unknown, type: number): ClientResponseFields | null {
    const answers = this.#clients.get(client as number)?.answers;
    return answers?.[0]?.type === type ? (answers.shift() as ClientResponseFields) : null;
  }

  /** Takes the feed's next message if it is of this type and about this order. */
  #update(type: number, order?: bigint): MarketUpdateFields | null {
    const [next] = this.#updates;
    if (next?.type !== type || (order !== undefined && next.order !== order)) return null;
    this.#updates.shift();
    return next;
  }

  #order(answer: ClientResponseFields): KnownOrder {
    const order = this.#orders.get(answer.marketOrder);
    assert.ok(order !== undefined, 'an answer is about an order that was accepted');
    assert.equal(answer.client, order.client, 'the answer went to its owner');
    assert.equal(answer.clientOrder, order.id, 'the answer names the order');
    return order;
  }
}

/** The scenario's own steps tell what is expected. */
export async function openScenario(
  scenario: Scenario,
  options: WireOptions = {},
): Promise<ScenarioTarget> {
  const wire = await WireTarget.open(scenario.config, options);
  const steps = scenario.steps.filter((step) => 'command' in step);
  let next = 0;
  return {
    submit: (command) => wire.perform(command, steps[next++].events),
    observes: (expected) => wire.observes(expected),
    depth: (book, levels) => wire.depth(book, levels),
    check: () => wire.check(),
    close: () => wire.close(),
  };
}

/** What the orders of a run have traded, by the events expected: what chain quantities include. */
export class ExecutedQuantities {
  readonly #executed = new Map<string, number>();

  of({ client = 0, id = 0n }: Command): number {
    return this.#executed.get(formatName(client, id)) ?? 0;
  }

  note(events: readonly Observed[]): void {
    for (const event of events) {
      if (event.type === 'accepted') this.#executed.set(nameOf(event.client, event.id), 0);
      if (event.type !== 'trade') continue;
      for (const name of [
        nameOf(event.takerClient, event.takerId), nameOf(event.makerClient, event.makerId),
      ]) {
        this.#executed.set(name, (this.#executed.get(name) ?? 0) + (event.qty as number));
      }
    }
  }
}

/** Why the wire has no words for a scenario, or null. */
export function unsayable(scenario: Scenario): string | null {
  const { config } = scenario;
  if (config.ackReplaceLast === true) return 'replaced-last';
  if (config.levelsMax !== undefined) return 'levels';
  if (config.triggersMax !== undefined) return 'triggers';
  const executed = new ExecutedQuantities();
  for (const step of scenario.steps) {
    if (!('command' in step)) continue;
    const why = unsayableCommand(step.command, config, executed.of(step.command));
    if (why !== null) return why;
    executed.note(step.events);
  }
  return null;
}

/** Why there is no message for a command, or null. `executed`: what its order has traded. */
export function unsayableCommand(
  command: Command,
  config: EngineConfig,
  executed: number,
): string | null {
  const { type, client = 0, qty = 0, book = 0, state = State.Open } = command;
  if (type === Cmd.Reduce) return 'reduce';
  if (type === Cmd.Reject) return 'reject';
  if (client === CLIENT_NONE) return 'client none';
  if (type === Cmd.MassCancel && command.reason) return 'a mass cancel by the system';
  if (type === Cmd.State && !KNOWN_STATES.includes(state)) return 'unknown state';
  if (type === Cmd.State && book >= config.instruments.length) return 'state of no instrument';
  if (type !== Cmd.Replace || command.chain === true || executed === 0) return null;
  // As a chain quantity the first would end the order, the second is too large.
  if (qty === 0) return 'replace by 0';
  return qty + executed >= QTY_NONE ? 'replace beyond 2^32' : null;
}

/** A plain new order says all of it. */
function isPlain(command: Command): boolean {
  const { orderType, tif, stp = Stp.Default, owner, display = 0, minQty = 0, postOnly } = command;
  return orderType === OrderType.Limit && tif === Tif.Gtc && stp === Stp.Default
    && owner === undefined && display === 0 && minQty === 0 && postOnly !== true;
}

function instrumentOf(
  { minPrice, maxPrice }: EngineConfig['instruments'][number],
  book: number,
): InstrumentConfig {
  return { ...plainInstrument(tickerOf(book)), minPrice, maxPrice };
}

function tickerOf(book: number): number {
  return book === BOOK_ALL ? TICKER_NONE : TICKER_FIRST + book;
}

function bookOf(ticker: number): number {
  return ticker === TICKER_NONE ? BOOK_ALL : ticker - TICKER_FIRST;
}

/** What every answer about an order says of it. */
function named(answer: ClientResponseFields) {
  const { client, clientOrder: id, marketOrder: orderId, side, ticker } = answer;
  return { client, id, orderId, side, book: bookOf(ticker) };
}

function nameOf(client: unknown, id: unknown): string {
  return formatName(client as number, id as bigint);
}

/** Low and high half of a 64-bit number, signed or not. */
function halves(value: bigint): [number, number] {
  return [Number(value & WORD_MASK), Number((value >> 32n) & WORD_MASK)];
}

function showFields(message: object): string {
  return Object.entries(message).map(([field, value]) => `${field} ${value}`).join(', ');
}
