// An exchange, a JSON gateway before it and clients that say and hear lines, in one process: over the memory network with
// a clock in the test's hand.
import assert from 'node:assert/strict';
import { ManualClock } from '../../src/base/clock.ts';
import { EXCHANGE_DEFAULT, type ExchangeConfig } from '../../src/exchange/config.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { JsonGateway, type JsonGatewayOptions } from '../../src/json/gateway.ts';
import { type FabricOptions, MemoryFabric } from '../../src/net/memory_network.ts';
import type { LoginSecurity } from '../../src/json/login.ts';
import { LOGIN_SECURITY } from '../../src/net/signing.ts';
import { CLOSED, type Network, type StreamConnection } from '../../src/net/transport.ts';
import { plainInstruments, TraderInstruments } from '../../src/trader/instruments.ts';

const HOST = '127.0.0.1';
const GROUP = '239.255.78.8';
const FEED_PORT = 31_000;
/** A turn of everybody in test time. */
const TURN_NS = 100_000;
const TURNS_MAX = 200_000;
const TICKERS = [1, 2, 3];

export type Event = Record<string, unknown>;

/** A client of lines. */
export class JsonClient {
  readonly connection: StreamConnection;
  readonly events: Event[] = [];
  /** What it heard, as it stood there. */
  readonly lines: string[] = [];
  closed = false;
  /** It reads what comes. */
  reads = true;
  readonly #decoder = new TextDecoder();
  #rest = '';
  #unsent = Buffer.alloc(0);

  constructor(connection: StreamConnection) {
    this.connection = connection;
  }

  say(...lines: (object | string)[]): void {
    this.sayBytes(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
  }

  /** Text as it is, without a newline. */
  sayBytes(text: string): void {
    this.#unsent = Buffer.concat([this.#unsent, Buffer.from(text)]);
  }

  poll(): void {
    this.#send();
    if (!this.reads || this.closed) return;
    const bytes = new Uint8Array(65_536);
    for (;;) {
      const length = this.connection.receive(bytes, 0, bytes.length);
      if (length === CLOSED) {
        this.closed = true;
        this.connection.close();
      }
      if (length <= 0) return;
      this.#hear(this.#decoder.decode(bytes.subarray(0, length), { stream: true }));
    }
  }

  /** Events of a kind. */
  of(event: string): Event[] {
    return this.events.filter((one) => one['event'] === event);
  }

  last(event: string): Event {
    const found = this.of(event).at(-1);
    assert.ok(found !== undefined, `no event ${event}: ${this.lines.join('')}`);
    return found;
  }

  #send(): void {
    const bytes = this.#unsent;
    if (bytes.length === 0) return;
    const sent = this.connection.send(bytes, 0, bytes.length);
    this.#unsent = sent === CLOSED ? Buffer.alloc(0) : bytes.subarray(sent);
  }

  #hear(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      this.lines.push(`${line}\n`);
      this.events.push(JSON.parse(line) as Event);
    }
  }
}

export interface JsonRigOptions {
  readonly fabric?: FabricOptions;
  readonly config?: Partial<ExchangeConfig>;
  readonly gateway?: Partial<JsonGatewayOptions>;
  readonly security?: Partial<LoginSecurity>;
}

export class JsonRig {
  readonly clock = new ManualClock();
  readonly fabric: MemoryFabric;
  readonly instruments = new TraderInstruments(plainInstruments(TICKERS));
  exchange!: Exchange;
  gateway!: JsonGateway;
  readonly #options: JsonRigOptions;
  readonly #clients: JsonClient[] = [];
  readonly #gatewayNetwork: Network;
  readonly #clientNetwork: Network;
  #exchangeNetwork: Network;

  private constructor(options: JsonRigOptions) {
    this.#options = options;
    this.fabric = new MemoryFabric(options.fabric);
    this.#exchangeNetwork = this.fabric.network();
    this.#gatewayNetwork = this.fabric.network();
    this.#clientNetwork = this.fabric.network();
  }

  static async open(options: JsonRigOptions = {}): Promise<JsonRig> {
    const rig = new JsonRig(options);
    await rig.startExchange(1_700_000_000);
    const { exchange, clock, instruments } = rig;
    rig.gateway = await JsonGateway.open({
      clock, instruments, network: rig.#gatewayNetwork,
      feed: { layout: 'native', join: () => rig.#join(), retransmitHost: HOST, retransmitPort: exchange.retransmitPort },
      exchange: { host: HOST, port: exchange.ports[0] },
      host: HOST, port: 0, webPort: null, origins: [], hosts: [], connectionsMax: 100, addressConnectionsMax: 100,
      keys: [], security: LOGIN_SECURITY,
      ...options.gateway,
    });
    await rig.until(() => rig.gateway.market.live, 'the market');
    return rig;
  }

  /** On the port of the one before, if there was one. `stamp` names its session. */
  async startExchange(stamp: number): Promise<void> {
    const port = (this.exchange as Exchange | undefined)?.ports[0] ?? 0;
    this.#exchangeNetwork = this.fabric.network();
    this.exchange = await Exchange.open({
      config: {
        ...EXCHANGE_DEFAULT,
        listeners: [{ host: HOST, port, framing: 'auto' }],
        ordersMax: 10_000,
        feed: { layout: 'native', group: GROUP, port: FEED_PORT },
        snapshot: { group: GROUP, port: FEED_PORT + 1, intervalNs: 50_000_000 },
        retransmit: { ...EXCHANGE_DEFAULT.retransmit, host: HOST, port: FEED_PORT + 2 },
        ...this.#options.config,
      },
      network: this.#exchangeNetwork, stamp, security: { ...LOGIN_SECURITY, ...this.#options.security },
    });
  }

  /** As a process that is killed. */
  killExchange(): void {
    this.#exchangeNetwork.close();
  }

  async client(): Promise<JsonClient> {
    const client = new JsonClient(await this.#clientNetwork.connect({ host: HOST, port: this.gateway.port }));
    this.#clients.push(client);
    await this.until(() => client.events.length > 0, 'a greeting');
    return client;
  }

  /** A client whose session with the exchange is ready. */
  async trader(client: number, more: object = {}): Promise<JsonClient> {
    const made = await this.client();
    made.say({ op: 'login', client, ...more });
    await this.until(() => made.of('session').length > 0, 'a session');
    assert.equal(made.last('session')['state'], 'ready');
    return made;
  }

  /** As the gateway connects. */
  connectToExchange(): Promise<StreamConnection> {
    return this.#gatewayNetwork.connect({ host: HOST, port: this.exchange.ports[0] });
  }

  async turn(turns = 1, stepNs = TURN_NS): Promise<void> {
    for (let i = 0; i < turns; i++) {
      this.clock.advance(stepNs);
      const { nowNs } = this.clock;
      this.exchange.poll(nowNs);
      this.#gatewayNetwork.poll();
      this.gateway.poll(nowNs);
      this.#clientNetwork.poll();
      for (const client of this.#clients) client.poll();
      await Promise.resolve(); // connections are promises
    }
  }

  async until(condition: () => boolean, what: string, stepNs = TURN_NS): Promise<void> {
    for (let turns = 0; !condition(); turns++) {
      assert.ok(turns < TURNS_MAX, `never came: ${what}`);
      await this.turn(1, stepNs);
    }
  }

  /** Says lines and waits for `count` further events. */
  async ask(client: JsonClient, count: number, ...lines: (object | string)[]): Promise<Event[]> {
    const before = client.events.length;
    client.say(...lines);
    await this.until(() => client.events.length >= before + count, `${count} events: ${client.lines.slice(before).join('')}`);
    return client.events.slice(before);
  }

  checkInvariants(): void {
    this.exchange.engine.checkInvariants();
    this.gateway.market.feed.checkInvariants();
    this.gateway.market.view.checkInvariants();
  }

  close(): void {
    this.checkInvariants();
    this.gateway.close();
    for (const network of [this.#clientNetwork, this.#gatewayNetwork, this.#exchangeNetwork]) network.close();
  }

  async #join(): ReturnType<JsonGatewayOptions['feed']['join']> {
    const { feed, snapshot } = this.exchange.config;
    const own = { interface: HOST, receiveBufferBytes: 4 << 20 };
    const network = this.#gatewayNetwork;
    return {
      incremental: await network.multicastReceiver({ ...own, group: feed.group, port: feed.port }),
      snapshot: await network.multicastReceiver({ ...own, group: snapshot.group, port: snapshot.port }),
      retransmit: await network.unicast({ host: HOST, port: 0 }),
    };
  }
}
