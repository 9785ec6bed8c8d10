// One order on its way through the system, with its bytes at every stop: an exchange and its clients in one process, on
// a network in memory, one turn at a time. docs/TOUR.md explains what this prints.
//
//   node bin/node26.mjs examples/tour/one_order.ts
import { MarketView } from '../../src/book/market_view.ts';
import { decodeEvent } from '../../src/book/matching_engine.ts';
import { COMMAND, EVENT } from '../../src/book/types.ts';
import { EXCHANGE_DEFAULT, ListenerFraming, plainInstrument } from '../../src/exchange/config.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { MemoryFabric } from '../../src/net/memory_network.ts';
import { FeedHandler, type FeedListener } from '../../src/trader/feed_handler.ts';
import { ClientRequest, ClientResponse, MarketUpdate, RequestType, Side } from '../../src/wire/generated/native.ts';
import { MoldHeader } from '../../src/wire/generated/mold_udp64.ts';
import type { EngineEvent } from '../../src/book/types.ts';
import type { StreamConnection } from '../../src/net/transport.ts';

const HOST = '127.0.0.1';
const GROUP = '239.255.0.1';
const FEED_PORT = 5_000;
const MAKER = 1;
const TAKER = 2;
const buffer = new Uint8Array(4_096);
const view = new DataView(buffer.buffer);

process.stdout.on('error', () => process.exit()); // whoever read has gone (| head)

function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').replaceAll(/(.{8})/g, '$1 ').trimEnd();
}

/** Fields of a record on one line; 64-bit ones as they are. */
function fields(record: object): string {
  return Object.entries(record).map(([name, value]) => `${name} ${String(value)}`).join(', ');
}

// ── the exchange, and what a client needs of it ─────────────────────────────────────────────────

const NOBODY: FeedListener = { onUpdate: () => {}, onTrade: () => {}, onState: () => {} };
const fabric = new MemoryFabric();
const network = fabric.network('exchange');
const clients = fabric.network('clients');
const events: EngineEvent[] = [];
const exchange: Exchange = await Exchange.open({
  config: {
    ...EXCHANGE_DEFAULT,
    instruments: [plainInstrument(1)],
    listeners: [{ host: HOST, port: 12_345, framing: ListenerFraming.Bare }],
    feed: { layout: 'native', group: GROUP, port: FEED_PORT },
    snapshot: { ...EXCHANGE_DEFAULT.snapshot, intervalNs: 0 },
  },
  network,
  stamp: 0,
  listener: { onEvent: (at) => events.push(decodeEvent(exchange.engine.view, at)) },
});

const feed = await clients.multicastReceiver({ group: GROUP, port: FEED_PORT, interface: HOST });
const books = new MarketView({ instruments: exchange.instruments.ranges(), ordersMax: EXCHANGE_DEFAULT.ordersMax });
const handler = new FeedHandler(books, NOBODY, {
  instruments: [{ ticker: 1 }],
  incremental: await clients.multicastReceiver({ group: GROUP, port: FEED_PORT, interface: HOST }),
  snapshot: null,
  retransmit: null,
});

let nowNs = 0;

/** One turn of everybody. */
function turn(): void {
  nowNs += 1_000;
  exchange.poll(nowNs);
  clients.poll();
}

/** 30 bytes: the native request, as in docs/PROTOCOL.md. */
function request(client: number, order: number, side: number, price: number, qty: number): Uint8Array {
  ClientRequest.encode(view, 0, RequestType.New, client, 1, order, 0, side, price, 0, qty);
  return buffer.slice(0, ClientRequest.bytes);
}

function send(connection: StreamConnection, bytes: Uint8Array): void {
  connection.send(bytes, 0, bytes.length);
}

/** Answers that have come, 42 bytes each, told under `who`. */
function answers(who: string, connection: StreamConnection): void {
  const length = connection.receive(buffer, 0, buffer.length);
  for (let at = 0; at < length; at += ClientResponse.bytes) {
    say(`   ${who}: ${hex(buffer.subarray(at, at + ClientResponse.bytes))}`);
    say(`          ${fields(ClientResponse.read(view, at))}`);
  }
}

/** The feed's datagrams that have come. */
function datagrams(tell: boolean): void {
  for (let length = feed.receive(buffer, 0, buffer.length); length > 0; length = feed.receive(buffer, 0, buffer.length)) {
    if (!tell) continue;
    const count = MoldHeader.count(view, 0);
    say(`   ${hex(buffer.subarray(0, MoldHeader.bytes))}`);
    say(`          session ${Buffer.from(buffer.subarray(0, 10)).toString('ascii')}, sequence ${MoldHeader.sequenceLo(view, 0)}, ${count} messages`);
    for (let i = 0, at = MoldHeader.bytes + 2; i < count; i += 1, at += MarketUpdate.bytes + 2) {
      say(`   ${hex(buffer.subarray(at, at + MarketUpdate.bytes))}`);
      say(`          ${fields(MarketUpdate.read(view, at))}`);
    }
  }
}

// ── somebody is there to trade with ─────────────────────────────────────────────────────────────

const maker = await clients.connect({ host: HOST, port: exchange.ports[0] });
const taker = await clients.connect({ host: HOST, port: exchange.ports[0] });
send(maker, request(MAKER, 1, Side.Sell, 10_025, 100));
turn();
turn();
maker.receive(buffer, 0, buffer.length);
handler.poll(nowNs);
datagrams(false);
events.length = 0;

// ── one order ───────────────────────────────────────────────────────────────────────────────────

const bytes = request(TAKER, 1, Side.Buy, 10_050, 130);
say('1 client → TCP: a request, 30 bytes');
say(`   ${hex(bytes)}`);
say(`          ${fields(ClientRequest.read(new DataView(bytes.buffer), 0))}`);

send(taker, bytes);
turn();

const { engine } = exchange;
const slot = engine.commandBase;
say('2 sequencer: the request as a command of the engine, 32 bytes in its memory');
say(`   ${hex(engine.u8.subarray(slot, slot + COMMAND.size))}`);
say(`          book ${engine.view.getUint16(slot + COMMAND.book, true)}, client ${engine.u32[(slot + COMMAND.client) / 4]}, ` +
  `price ${engine.i32[(slot + COMMAND.price) / 4]} ticks, qty ${engine.u32[(slot + COMMAND.qty) / 4]}`);

say(`3 engine: events, ${EVENT.size} bytes each in its ring, in the order of what happened`);
for (const event of events) say(`   ${fields(event)}`);

turn();
say('4 responses → TCP: answers, 42 bytes each');
answers('taker', taker);
answers('maker', maker);

say('5 feed publisher → UDP: one datagram, a header of 20 bytes and messages of 34');
datagrams(true);

handler.poll(nowNs);
const { bids, asks } = books.depth(0, 3);
say('6 receiver: the book that the feed has built');
for (const { price, qty, orders } of bids) say(`   bid ${price}: ${qty} in ${orders} order`);
say(`   ${asks.length} asks`);
say(`   its hash ${books.publicHash() === engine.publicHash() ? 'is' : 'is not'} the engine's`);

exchange.close(nowNs);
network.close();
clients.close();
