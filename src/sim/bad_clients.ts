// Clients that misbehave: they say bytes, whatever they like, and come back when they are thrown out.
//
//   invalid   well-formed requests with any values: sides, prices, quantities, ids, types of order
//   fuzz      random bytes, and well-formed frames with bytes changed, cut or doubled
//   slow      trades and never reads its answers
//   flood     as much as the connection takes
//   thief     names other clients: in its log-in, in its first message, in its requests
//   loiter    connects and says nothing, or half a frame
//
// (`resend`, who repeats what was answered, is a TradingClient.) None of them may harm another: nothing
// is expected of them but that the exchange stays whole. Each says a bounded number of things.
import { ClientRequest, ClientRequestExtended, PRICE_NONE_HI, PRICE_NONE_LO, QTY_NONE, RequestType } from '../wire/generated/native.ts';
import { SoupPacket } from '../wire/generated/soup.ts';
import { writeLoginRequest, writeSoupHeader } from '../wire/framing/soup.ts';
import type { StreamConnection } from '../net/transport.ts';
import { SimClient } from './client.ts';
import { MID_TICKS, passwordOf, userOf } from './setting.ts';

const BUFFER_BYTES = 4_096;
const RECEIVE_BYTES = 8_192;
const LOGIN_BYTES_MAX = 128;
const SOUP_HEADER_BYTES = 3;
const ACT_NS_MIN = 200_000;
const ACT_NS_MAX = 6_000_000;
/** Things said in a life: what costs most is that the naive engine executes them too. */
const SAYINGS_MAX = 600;
const FLOOD_SAYINGS_MAX = 1_500;
const FLOOD_BURST = 60;
const U32 = 2 ** 32;

export class BadClient extends SimClient {
  readonly #bytes = new Uint8Array(BUFFER_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #received = new Uint8Array(RECEIVE_BYTES);
  /** bytes[#start … #end) wait to be sent. */
  #start = 0;
  #end = 0;
  #said = 0;
  /** On this connection. */
  #saidHere = 0;
  #nextActNs = 0;
  #nextId = 1;
  #soup = true;

  protected override get wantsConnection(): boolean {
    return !this.quiet && this.#said < this.#sayingsMax;
  }

  get #sayingsMax(): number {
    return this.plan.kind === 'flood' ? FLOOD_SAYINGS_MAX : SAYINGS_MAX;
  }

  protected override onConnected(): void {
    this.#start = this.#end = this.#saidHere = 0;
    this.#soup = this.plan.kind !== 'thief' || this.prng.chance(0.5);
    if (this.#soup && this.plan.kind !== 'loiter' && !(this.plan.kind === 'fuzz' && this.prng.chance(0.3)))
      this.#logIn();
  }

  protected override act(): number {
    const { connection } = this;
    if (connection === null) return 0;
    if (this.#flush(connection) && this.#read(connection)) {
      if (this.wantsConnection && this.nowNs >= this.#nextActNs) {
        this.#nextActNs = this.nowNs + this.prng.between(ACT_NS_MIN, ACT_NS_MAX);
        const count = this.plan.kind === 'flood' ? FLOOD_BURST : this.prng.between(1, 4);
        for (let i = 0; i < count; i++) this.#say();
        this.#flush(connection);
      }
      if (this.wantsConnection) this.context.world.wake(this.name, Math.max(this.#nextActNs, this.nowNs + 1));
    }
    return 0;
  }

  // ── bytes ──────────────────────────────────────────────────────────────────────────────────

  /** False: the connection has ended. */
  #flush(connection: StreamConnection): boolean {
    while (this.#start < this.#end) {
      const taken = connection.send(this.#bytes, this.#start, this.#end - this.#start);
      if (taken < 0) return this.#closed(connection);
      if (taken === 0) return true;
      this.#start += taken;
    }
    this.#start = this.#end = 0;
    return true;
  }

  #read(connection: StreamConnection): boolean {
    if (this.plan.kind === 'slow') return connection.open || this.#closed(connection);
    for (;;) {
      const length = connection.receive(this.#received, 0, RECEIVE_BYTES);
      if (length < 0) return this.#closed(connection);
      if (length === 0) return true;
      for (let i = 0; i < length; i += 97) this.context.trace.add(this.#received[i]);
    }
  }

  #closed(connection: StreamConnection): false {
    connection.close();
    this.lost();
    return false;
  }

  #room(bytes: number): boolean {
    return this.#end + bytes <= BUFFER_BYTES;
  }

  // ── sayings ────────────────────────────────────────────────────────────────────────────────

  #logIn(): void {
    const { prng, client } = this;
    const { setting } = this.context;
    const thief = this.plan.kind === 'thief';
    const who = thief ? prng.between(1, 12) : client;
    // Without passwords whoever comes first is who he says: nothing to steal, so it keeps to its own name.
    const user = thief && !setting.passwords ? client : who;
    this.#end = writeLoginRequest(this.#view, 0, {
      user: userOf(user), password: thief ? `guess${prng.below(10)}` : passwordOf(setting, client), session: '',
      nextSequence: thief ? prng.below(5) : 0, heartbeatMs: 1_000,
    });
  }

  #say(): void {
    if (!this.#room(LOGIN_BYTES_MAX)) return;
    this.#said++;
    this.#saidHere++;
    switch (this.plan.kind) {
      case 'fuzz':
        return this.#fuzz();
      case 'loiter':
        return this.#loiter();
      case 'invalid':
        return this.#anyRequest(this.client);
      case 'thief':
        return this.#request(this.#victim(), this.#nextId++, MID_TICKS, 1);
      default:
        return this.#honest();
    }
  }

  /** Without passwords the first message of a connection says who it is, so there is nothing to steal: it is itself. */
  #victim(): number {
    const own = this.context.setting.passwords ? this.prng.chance(0.2) : this.#saidHere === 1 || this.prng.chance(0.3);
    return own ? this.client : this.prng.between(1, 12);
  }

  /** An order as others have them. */
  #honest(): void {
    const price = MID_TICKS + this.prng.between(-10, 10);
    this.#request(this.client, this.#nextId++, price, this.prng.between(1, 20));
  }

  #request(client: number, id: number, price: number, qty: number): void {
    const at = this.#claim(ClientRequest.bytes);
    const side = this.prng.chance(0.5) ? 1 : -1;
    const ticker = this.prng.between(1, this.context.setting.instruments);
    const type = this.prng.chance(0.8) ? RequestType.New : RequestType.Cancel;
    ClientRequest.encode(this.#view, at, type, client, ticker, id, 0, side, price, 0, qty);
  }

  /** Any value in every field, and often one that lies at an edge. */
  #anyRequest(client: number): void {
    const { prng } = this;
    const any = (...edges: readonly number[]): number =>
      prng.chance(0.7) ? edges[prng.below(edges.length)] : prng.below(U32);
    const ticker = prng.chance(0.9) ? prng.between(1, this.context.setting.instruments) : any(0, U32 - 1);
    const id = prng.chance(0.7) ? this.#nextId++ : any(0, U32 - 1, 1);
    const idHi = prng.chance(0.95) ? 0 : any(0, U32 - 1, 1);
    const side = prng.chance(0.8) ? 1 - 2 * prng.below(2) : any(0, 2, 127, 128) & 0x7f;
    const price = prng.chance(0.7) ? MID_TICKS + prng.between(-20, 20) : any(0, 1, U32 - 1, PRICE_NONE_LO);
    const priceHi = prng.chance(0.9) ? 0 : any(0, U32 - 1, PRICE_NONE_HI);
    const qty = prng.chance(0.6) ? prng.between(1, 40) : any(0, QTY_NONE, QTY_NONE - 1, 1);
    const type = any(RequestType.New, RequestType.Cancel, RequestType.Modify, RequestType.MassCancel);
    if (prng.chance(0.5)) {
      const at = this.#claim(ClientRequest.bytes);
      ClientRequest.encode(
        this.#view, at, (type % RequestType.MassCancel) + 1 === RequestType.NewExtended ? RequestType.New : (type % RequestType.MassCancel) + 1,
        client, ticker, id, idHi, side, price, priceHi, qty,
      );
      return;
    }
    const at = this.#claim(ClientRequestExtended.bytes);
    ClientRequestExtended.encode(
      this.#view, at, RequestType.NewExtended, client, ticker, id, idHi, side, price, priceHi, qty,
      any(1, 2, 3, 4, 0, 5) & 0xff, any(0, 1, 3, 4, 2) & 0xff, any(0, 1, 2, 255) & 0xff, any(0, 1, 2, 3, 4, 5, 6) & 0xff,
      any(0, 0, 1, qty), any(0, 0, 1, qty), prng.chance(0.7) ? MID_TICKS + prng.between(-5, 5) : any(0, U32 - 1), 0,
      any(U32 - 1, client),
    );
  }

  #fuzz(): void {
    const { prng } = this;
    const before = this.#end;
    if (prng.chance(0.4)) {
      for (let i = prng.between(1, 60); i > 0; i--) this.#bytes[this.#end++] = prng.below(256);
      return;
    }
    this.#honest();
    const length = this.#end - before;
    const roll = prng.below(4);
    if (roll === 0) this.#end = before + prng.below(length);
    else if (roll === 1) this.#bytes[before + prng.below(length)] ^= 1 << prng.below(8);
    else if (roll === 2) this.#bytes[before] = prng.below(256);
  }

  #loiter(): void {
    if (this.prng.chance(0.9)) return;
    const before = this.#end;
    this.#honest();
    this.#end = before + this.prng.below(this.#end - before);
  }

  /** Header and room for a request; where it goes. */
  #claim(bytes: number): number {
    if (this.#soup) {
      writeSoupHeader(this.#view, this.#end, SoupPacket.Unsequenced, bytes);
      this.#end += SOUP_HEADER_BYTES;
    }
    const at = this.#end;
    this.#end += bytes;
    return at;
  }
}
