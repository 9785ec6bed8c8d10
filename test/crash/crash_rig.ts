// An exchange on a journal on a disk that fails, with clients that come back: everything in one
// process and in the hands of the test, which decides how far the disk is, when the process or the
// machine dies, and amid which operation.
//
//   clients (soup) ─► Exchange ─► JournalQueue ─► GroupCommit ─► MemoryDisk
//                        └─► feed ─► FeedLog           killed, or without power, at any point
//
// What was heard is never forgotten: each client keeps every message with its number, the feed log
// every message with its. After each restart all must be said again with the same bytes.
import assert from 'node:assert/strict';
import { EXCHANGE_DEFAULT, type ExchangeConfig, plainInstrument } from '../../src/exchange/config.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { makeSnapshot, type SnapshotPolicy } from '../../src/exchange/make_snapshot.ts';
import { GroupCommit } from '../../src/journal/group_commit.ts';
import { JournalMode, JournalQueue, journalShared } from '../../src/journal/journal_queue.ts';
import { DiedError, MemoryDisk } from '../../src/journal/memory_storage.ts';
import { recover } from '../../src/journal/recovery.ts';
import { JournalFailedError } from '../../src/journal/segment_writer.ts';
import { listSnapshots } from '../../src/journal/snapshot.ts';
import type { Storage } from '../../src/journal/storage.ts';
import { MemoryFabric } from '../../src/net/memory_network.ts';
import type { Network } from '../../src/net/transport.ts';
import { buy, FeedCapture, logIn, RawClient, soup } from '../exchange/exchange_rig.ts';

export const SEGMENT_BYTES = 64 << 10;
/** Small: batches are cut into several records. */
const PAYLOAD_BYTES_MAX = 2_048;
const RING_BYTES = 1 << 20;
const TURN_NS = 10_000;
const GROUP = { group: '239.255.78.1', port: 21_000, interface: '127.0.0.1' };

export const CRASH_CONFIG: ExchangeConfig = {
  ...EXCHANGE_DEFAULT,
  listeners: [{ host: '127.0.0.1', port: 0, framing: 'auto' }],
  instruments: [plainInstrument(1), plainInstrument(2)],
  ordersMax: 2_000,
  feed: { layout: 'native', group: GROUP.group, port: GROUP.port },
  snapshot: { group: GROUP.group, port: GROUP.port + 1, intervalNs: 0 },
  retransmit: { host: '127.0.0.1', port: 0, messages: 1 << 15, datagramsPerSecond: 20_000 },
  operator: { ...EXCHANGE_DEFAULT.operator, token: 'a-token-of-tests' },
};

/** One life of the exchange, from its start to its death. */
export interface Life {
  readonly exchange: Exchange;
  readonly queue: JournalQueue;
  readonly commit: GroupCommit;
  readonly storage: Storage;
  readonly network: Network;
}

export interface RigSettings {
  readonly config?: Partial<ExchangeConfig>;
  readonly mode?: JournalMode;
  readonly hashInterval?: number;
  readonly segmentBytes?: number;
  /** Plants a mistake in a life before it is used. */
  readonly plant?: (life: Life) => void;
}

export class CrashRig {
  readonly disk: MemoryDisk;
  readonly config: ExchangeConfig;
  readonly fabric = new MemoryFabric();
  readonly clientNetwork: Network = this.fabric.network();
  readonly feed = new FeedLog();
  nowNs = 0;
  lives = 0;
  #life: Life | null = null;
  #stamp = 1_700_000_000;
  #capture: FeedCapture | null = null;
  readonly #settings: RigSettings;

  constructor(disk: MemoryDisk, settings: RigSettings = {}) {
    this.disk = disk;
    this.#settings = settings;
    this.config = { ...CRASH_CONFIG, ...settings.config };
  }

  get life(): Life {
    assert.ok(this.#life !== null, 'the exchange runs');
    return this.#life;
  }

  get exchange(): Exchange {
    return this.life.exchange;
  }

  counter(name: string): number {
    return this.exchange.counters.get(name);
  }

  get isRunning(): boolean {
    return this.#life !== null;
  }

  /** Starts, or starts again: each time later, and under another stamp. */
  async start(): Promise<void> {
    const storage = this.disk.mount();
    storage.lock();
    const { position, lastSequence } = recover(storage, {
      ackedSequence: listSnapshots(storage)[0] ?? 0,
    });
    const network = this.fabric.network();
    const mode = this.#settings.mode ?? JournalMode.Durable;
    const stamp = (this.#stamp += 60);
    const exchange = await Exchange.open({
      config: this.config, network, stamp, recovery: { storage },
    });
    const shared = journalShared(RING_BYTES);
    const queue = new JournalQueue(shared, mode, PAYLOAD_BYTES_MAX, lastSequence);
    const segmentBytes = this.#settings.segmentBytes ?? SEGMENT_BYTES;
    const commit = new GroupCommit({
      shared, storage, mode, position, segmentBytes, payloadBytesMax: PAYLOAD_BYTES_MAX,
    });
    exchange.startJournal({
      queue,
      nowNs: this.nowNs,
      wallClockMs: stamp * 1000,
      program: 'test',
      hashInterval: this.#settings.hashInterval ?? 16,
    });
    this.#life = { exchange, queue, commit, storage, network };
    this.lives += 1;
    this.#settings.plant?.(this.#life);
    this.#capture ??= new FeedCapture(
      await this.clientNetwork.multicastReceiver({ ...GROUP, receiveBufferBytes: 8 << 20 }),
    );
  }

  /** Turns of the exchange and of its clients; the disk does not move. */
  turn(clients: readonly SoupClient[], turns = 1): void {
    for (let i = 0; i < turns; i++) {
      this.nowNs += TURN_NS;
      this.exchange.poll(this.nowNs);
      this.clientNetwork.poll();
      for (const client of clients) client.poll();
      this.#capture?.poll();
      this.feed.take(this.#capture?.datagrams.splice(0) ?? []);
    }
  }

  /** One batch to the disk. False: the process died of it, or the journal failed. */
  sync(): boolean {
    try {
      this.life.commit.poll();
      return true;
    } catch (error) {
      if (error instanceof DiedError || error instanceof JournalFailedError) return false;
      throw error;
    }
  }

  /** Turns and batches until everything is told. */
  settle(clients: readonly SoupClient[]): void {
    for (let i = 0; i < 20; i++) {
      this.turn(clients, 3);
      assert.ok(this.sync(), 'the disk is in order');
    }
    this.turn(clients, 3);
    assert.ok(this.exchange.settled, 'everything is safe');
  }

  /** The process is gone; with `power` the machine too. */
  crash(power: boolean): void {
    const { network } = this.life;
    if (power) this.disk.losePower();
    else this.disk.killProcess();
    network.close();
    this.#life = null;
  }

  /** A snapshot of what is durable now. */
  async snapshot(policy: SnapshotPolicy = { keep: 2, removeSegments: false }): Promise<number> {
    const { storage, queue, exchange } = this.life;
    const { sequence, hash } = await makeSnapshot(
      storage, this.config, queue.durableSequence, policy,
    );
    exchange.journal?.snapshotMark(sequence, hash);
    return sequence;
  }

  /** The same state from the journal alone, from its first record. */
  async replica(): Promise<Exchange> {
    const storage = this.disk.copy(1).mount();
    for (const sequence of listSnapshots(storage))
      storage.remove(`snapshot-${String(sequence).padStart(16, '0')}.snapshot`);
    return Exchange.replica(this.config, { storage });
  }

  async connect(client: SoupClient): Promise<void> {
    const connection = await this.clientNetwork.connect({
      host: '127.0.0.1', port: this.exchange.ports[0],
    });
    client.connected(new RawClient(connection));
  }
}

/** A client that remembers all it has ever been told, by number. */
export class SoupClient {
  readonly user: string;
  readonly id: number;
  session = '';
  /** Of its account, where there are accounts. */
  readonly password: string;
  /** Messages 1, 2, … */
  readonly heard: string[] = [];
  accepted = false;
  /** What the log-in was answered. */
  next = 0;
  #raw: RawClient | null = null;
  #sequence = 0;

  constructor(id: number, password = '') {
    this.id = id;
    this.user = String(id);
    this.password = password;
  }

  connected(raw: RawClient): void {
    this.#raw = raw;
    this.accepted = false;
    this.logIn(this.heard.length + 1);
  }

  logIn(next: number): void {
    this.#raw?.say(logIn(this.user, this.password, next, this.session));
  }

  /** Only with a connection; what is said into a dead one is lost, as it is in the world. */
  say(message: Uint8Array): void {
    this.#raw?.say(soup('U', message));
  }

  get isOpen(): boolean {
    return this.#raw !== null && !this.#raw.closed;
  }

  /** Its connection ends. */
  leave(): void {
    this.#raw?.connection.close();
    this.#raw = null;
  }

  poll(): void {
    const raw = this.#raw;
    if (raw === null) return;
    raw.poll();
    while (raw.received.length >= 3) {
      const length = raw.received.readUInt16BE(0) + 2;
      if (raw.received.length < length) return;
      this.#packet(raw.take(length));
    }
  }

  #packet(packet: Buffer): void {
    const type = packet.toString('ascii', 2, 3);
    if (type === 'H') return;
    if (type === 'A') {
      const session = packet.toString('ascii', 3, 13).trim();
      this.next = Number(packet.toString('ascii', 13, 33));
      assert.ok(this.session === '' || this.session === session, 'the session has kept its name');
      this.session = session;
      this.#sequence = this.next;
      this.accepted = true;
      return;
    }
    assert.notEqual(type, 'J', `client ${this.id} is let in at ${this.heard.length + 1}`);
    assert.equal(type, 'S', `client ${this.id}: expected a message, was ${type}`);
    const text = packet.toString('hex', 3);
    const before = this.heard[this.#sequence - 1];
    if (before === undefined) {
      assert.equal(this.#sequence, this.heard.length + 1, 'no message is missing');
      this.heard.push(text);
    } else assert.equal(text, before, `message ${this.#sequence} of ${this.id} is said with the same bytes`);
    this.#sequence += 1;
  }
}

/** Messages of the feed by number, whoever has sent them; the same number is the same bytes. */
export class FeedLog {
  session = '';
  readonly messages = new Map<number, string>();

  take(datagrams: readonly Buffer[]): void {
    for (const datagram of datagrams) {
      const session = datagram.toString('ascii', 0, 10);
      const first = Number(datagram.readBigUInt64BE(10));
      const count = datagram.readUInt16BE(18);
      assert.ok(this.session === '' || session === this.session, 'the feed has kept its name');
      this.session = session;
      if (count === 0xffff) throw new Error('a journaled feed does not end');
      let at = 20;
      for (let i = 0; i < count; i++) {
        const length = datagram.readUInt16BE(at);
        this.#message(first + i, datagram.toString('hex', at + 2, at + 2 + length));
        at += 2 + length;
      }
    }
  }

  #message(sequence: number, text: string): void {
    const before = this.messages.get(sequence);
    if (before !== undefined) assert.equal(text, before, `feed message ${sequence} stays what it was`);
    this.messages.set(sequence, text);
  }
}

/** An exchange that has just begun. */
export async function started(disk = new MemoryDisk(1)): Promise<CrashRig> {
  const rig = new CrashRig(disk);
  await rig.start();
  return rig;
}

/** A client whose log-in is durable. */
export async function letIn(rig: CrashRig, id: number): Promise<SoupClient> {
  const client = new SoupClient(id);
  await rig.connect(client);
  rig.settle([client]);
  return client;
}

/** A hundred orders and two snapshots. */
export async function withSnapshots(): Promise<CrashRig> {
  const rig = await started();
  const client = await letIn(rig, 1);
  for (let round = 0; round < 2; round++) {
    for (let i = 1; i <= 50; i++) client.say(buy(1, round * 50 + i, 100 + i, 1));
    rig.settle([client]);
    await rig.snapshot();
    rig.settle([client]);
  }
  return rig;
}
