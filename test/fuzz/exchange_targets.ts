// A whole exchange as the decoder: requests in every framing on sessions with a past, requests for
// messages again, and operator's lines. Whoever sends them gets answers or a close with a reason; the
// engine's invariants hold; a good client goes on trading; who follows the feed has the engine's books.
import assert from 'node:assert/strict';
import { Prng } from '../../src/base/prng.ts';
import { MarketView } from '../../src/book/market_view.ts';
import { EXCHANGE_DEFAULT } from '../../src/exchange/config.ts';
import { CLOSE_REASON_NAMES } from '../../src/exchange/counters.ts';
import { OPERATOR_COMMANDS } from '../../src/exchange/exchange_commands.ts';
import type { DatagramSocket } from '../../src/net/transport.ts';
import { FeedHandler } from '../../src/trader/feed_handler.ts';
import { Framing } from '../../src/wire/framing/frame.ts';
import { MoldDatagram, MoldReader } from '../../src/wire/framing/mold_udp64.ts';
import { MOLD_HEADER } from '../../src/wire/schema.ts';
import { bareResponses, buy, cancel, ExchangeRig, RawClient } from '../exchange/exchange_rig.ts';
import { requestFrame, soupFrame, soupLogin } from './messages.ts';
import { type Frame, piecesOf, randomFrame } from './mutator.ts';
import type { ByteTarget, Fed, LineTarget } from './target.ts';

const LISTENERS = ['auto', 'sequenced', 'bare', 'soup'] as const;
const BARE = 2;
const GOOD = 1_000_000;
const TOKEN = 'known-to-operators-alone';
const LIMITS = { outboundTotalBytes: 8 << 20, slowReaderBytes: 256 << 10, outboundLogBytes: 256 << 10 };
const LOOK_NS = 1_000_000;
const DATAGRAM_BYTES_MAX = 1_472;
/** What the rig's exchange calls its feed: it follows from the stamp of its start. */
const FEED_SESSION = 'XS44WE8000';

/** An exchange, a client that trades well, and one that follows the feed. */
class Market {
  readonly rig: ExchangeRig;
  readonly #good: RawClient;
  readonly #view: MarketView;
  readonly #feed: FeedHandler;
  #orders = 0;
  /** Of hostile ones. */
  connections = 0;

  private constructor(rig: ExchangeRig, good: RawClient, view: MarketView, feed: FeedHandler) {
    this.rig = rig;
    this.#good = good;
    this.#view = view;
    this.#feed = feed;
  }

  static async open(): Promise<Market> {
    const rig = await ExchangeRig.open({
      config: {
        listeners: LISTENERS.map((framing) => ({ host: '127.0.0.1', port: 0, framing })),
        limits: LIMITS,
        operator: { ...EXCHANGE_DEFAULT.operator, token: TOKEN },
        snapshot: { group: '239.255.77.1', port: 31_111, intervalNs: 50_000_000 },
      },
    });
    const { config, retransmitPort } = rig.exchange;
    const group = (of: { group: string; port: number }) =>
      rig.clientNetwork.multicastReceiver({ group: of.group, port: of.port, interface: '127.0.0.1', receiveBufferBytes: 1 << 20 });
    const view = new MarketView({
      instruments: config.instruments.map(({ minPrice, maxPrice }) => ({ minPrice, maxPrice })), ordersMax: config.ordersMax,
    });
    const feed = new FeedHandler(view, { onUpdate: () => {}, onTrade: () => {}, onState: () => {} }, {
      instruments: config.instruments.map(({ ticker }) => ({ ticker })),
      incremental: await group(config.feed), snapshot: await group(config.snapshot),
      retransmit: { socket: await rig.clientNetwork.unicast({ host: '127.0.0.1', port: 0 }), host: '127.0.0.1', port: retransmitPort },
    });
    return new Market(rig, await rig.client(BARE), view, feed);
  }

  async turn(turns: number, stepNs?: number): Promise<void> {
    for (let i = 0; i < turns; i++) {
      await this.rig.turn(1, stepNs);
      this.#feed.poll(this.rig.nowNs);
    }
  }

  /** The others are as they should be. */
  async check(): Promise<void> {
    const { rig } = this;
    const before = this.#good.received.length;
    const id = ++this.#orders;
    // Far from where the others trade: this order meets nobody.
    this.#good.say(buy(GOOD, id, 500, 1), cancel(GOOD, id));
    await rig.until(() => this.#good.received.length >= before + 84, 'the good client is served');
    assert.deepEqual(bareResponses(this.#good).slice(-2).map(({ type }) => type), [1, 2], 'its order is taken and cancelled');
    rig.exchange.engine.checkInvariants();
    const { logBytes } = rig.exchange.gateway;
    assert.ok(logBytes <= LIMITS.outboundTotalBytes + this.connections * 64 * 1024, `${logBytes} bytes in logs`);
    const { channel } = rig.exchange.feed;
    for (let turns = 0; !(this.#feed.fresh && this.#feed.nextSequence === channel.next); turns++) {
      assert.ok(turns < 100_000, `the feed is followed to ${channel.next}, was ${this.#feed.nextSequence}, ${this.#feed.state}`);
      await this.turn(1, 100_000);
    }
    assert.equal(this.#view.publicHash(), rig.exchange.engine.publicHash(), 'who follows the feed has the books');
    assert.equal(this.#feed.unapplied, 0, 'and every message meant something');
    this.#feed.checkInvariants();
  }

  close(): void {
    this.rig.close();
  }
}

// ── requests ─────────────────────────────────────────────────────────────────────────────────────

function requests(prng: Prng): Frame[] {
  const framing = [Framing.Bare, Framing.Sequenced, Framing.Soup][prng.below(3)];
  const client = prng.between(2, 9);
  const frames = Array.from({ length: prng.between(1, 20) }, (_, i) => requestFrame(prng, framing, i + 1, client));
  if (framing !== Framing.Soup) return frames;
  frames.splice(prng.below(frames.length), 0, soupFrame(prng.chance(0.8) ? 'R' : '+'));
  return [soupLogin(prng, String(client), prng.below(3)), ...frames, ...(prng.chance(0.2) ? [soupFrame('O')] : [])];
}

async function gatewayFed(): Promise<Fed<Frame>> {
  const market = await Market.open();
  const { rig } = market;
  const open: RawClient[] = [];
  return {
    take: async (frames, prng) => {
      const client = await rig.client(prng.below(LISTENERS.length));
      market.connections++;
      client.reads = prng.chance(0.9);
      for (const piece of piecesOf(prng, frames).slice(0, 200)) {
        client.say(piece);
        if (prng.chance(0.2)) await market.turn(1);
      }
      await market.turn(prng.between(1, 3));
      // Some stay, and their orders with them; some go amid a frame.
      if (prng.chance(0.8)) client.connection.close();
      else open.push(client);
    },
    check: async () => {
      for (const client of open) client.connection.close();
      await market.turn(10);
      await market.check();
      const closed = CLOSE_REASON_NAMES.reduce((sum, name) => sum + rig.counter(name), 0);
      assert.equal(closed, market.connections, 'every session ended with a counted reason');
      assert.equal(rig.exchange.gateway.count, 1, 'the good one is left');
    },
    close: () => market.close(),
  };
}

// ── messages again ───────────────────────────────────────────────────────────────────────────────

async function retransmitFed(prng: Prng): Promise<Fed<Frame>> {
  const market = await Market.open();
  const { rig } = market;
  const socket: DatagramSocket = await rig.clientNetwork.unicast({ host: '127.0.0.1', port: 0 });
  const flow = await rig.client(BARE);
  market.connections++;
  for (let i = 0; i < 200; i++) flow.say(buy(7, i + 1, 9_000 + prng.below(50), 5));
  await market.turn(20);
  assert.equal(rig.exchange.sessionName, FEED_SESSION, 'requests are for the session that there is');
  let asked = 0;
  let answered = 0;
  const answer = new Uint8Array(2_048);
  const reader = new MoldReader();
  return {
    take: async (frames) => {
      for (const { bytes } of frames) {
        if (bytes.length === 0) continue; // says nothing: no transport hands it on
        socket.sendTo(bytes, 0, Math.min(bytes.length, DATAGRAM_BYTES_MAX), '127.0.0.1', rig.exchange.retransmitPort);
        asked++;
      }
      await market.turn(2, LOOK_NS);
      for (;;) {
        const length = socket.receive(answer, 0, answer.length);
        if (length <= 0) break;
        answered++;
        assert.ok(length <= DATAGRAM_BYTES_MAX, 'an answer is one datagram that is not cut on its way');
        assert.equal(reader.open(new DataView(answer.buffer), 0, length), MoldDatagram.Messages);
        let messages = 0;
        while (reader.next()) messages++;
        assert.ok(messages > 0 && reader.sequence >= 1 && reader.sequence + messages <= rig.exchange.feed.channel.next + 5_000);
      }
      assert.ok(answered <= asked, 'no request has two answers');
    },
    check: async () => {
      assert.ok(answered > 0, 'what is valid is answered');
      await market.check();
    },
    close: () => {
      socket.close();
      market.close();
    },
  };
}

function retransmitRequests(prng: Prng): Frame[] {
  return Array.from({ length: prng.between(1, 4) }, () => randomFrame(prng, [MOLD_HEADER], {
    session: () => (prng.chance(0.9) ? FEED_SESSION : 'x'.repeat(prng.below(11))), sequence: () => BigInt(prng.between(1, 250)), count: () => BigInt(prng.between(1, 60)),
  }));
}

// ── operators ────────────────────────────────────────────────────────────────────────────────────

function operatorLines(prng: Prng): string[] {
  const commands = Object.keys(OPERATOR_COMMANDS);
  return Array.from({ length: prng.between(1, 5) }, () => {
    const command = commands[prng.below(commands.length)];
    const { subject, mayAll } = OPERATOR_COMMANDS[command];
    const target = subject === '' ? {} : mayAll && prng.chance(0.3) ? { all: true } : { [subject]: prng.between(1, 9) };
    const token = prng.chance(0.8) ? { token: TOKEN } : prng.chance(0.5) ? { token: 'guessed' } : {};
    return JSON.stringify({ ...token, command, ...target, ...(prng.chance(0.3) ? { id: prng.below(9) } : {}) });
  });
}

async function operatorFed(): Promise<Fed<string>> {
  const market = await Market.open();
  const { rig } = market;
  const { operator } = rig.exchange;
  assert.ok(operator !== null);
  const connect = async (): Promise<RawClient> =>
    new RawClient(await rig.clientNetwork.connect({ host: operator.host, port: operator.port }));
  const settle = async (client: RawClient): Promise<void> => {
    for (let i = 0; i < 8; i++) {
      await market.turn(1, LOOK_NS);
      client.poll();
    }
  };
  return {
    take: async (lines) => {
      const client = await connect();
      for (const line of lines) {
        client.say(Buffer.from(`${line}\n`));
        await settle(client);
      }
      let obeyed = 0;
      for (const text of client.received.toString().split('\n').filter(Boolean)) {
        const answer = JSON.parse(text) as { ok?: unknown; error?: unknown };
        assert.equal(answer.ok, !('error' in answer), text);
        if (answer.ok === true) obeyed++;
      }
      const knowing = lines.join('\n').split('\n').filter((line) => line.includes(TOKEN)).length;
      assert.ok(obeyed <= knowing, `nobody is obeyed without the token: ${obeyed} of ${knowing} lines`);
      client.connection.close();
      await market.turn(1, LOOK_NS);
      assert.ok(operator.count <= 1, `${operator.count} connections are left`);
    },
    check: async () => {
      const client = await connect();
      for (const command of ['reset', 'open']) client.say(Buffer.from(`${JSON.stringify({ token: TOKEN, command, all: true })}\n`));
      await settle(client);
      client.connection.close();
      await market.check();
    },
    close: () => market.close(),
  };
}

export const EXCHANGE_TARGETS: readonly (ByteTarget | LineTarget)[] = [
  { name: 'gateway', kind: 'bytes', valid: requests, open: gatewayFed },
  { name: 'retransmit', kind: 'bytes', share: 0.5, valid: retransmitRequests, open: retransmitFed },
  { name: 'operator', kind: 'lines', share: 0.5, valid: operatorLines, open: operatorFed },
];

