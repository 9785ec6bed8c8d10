// The tables of a shared-memory network: who takes part, who listens, which streams and sockets there are.
//
//   0         header: magic, version, generation of the sockets, counters; who sleeps
//   4 KiB     members    64 × 64 B     a process's network each: incarnation, pid, start time
//   8 KiB     listeners  64 × 64 B     incarnation, owner, address, backlog, knocks
//   16 KiB    streams    512 × 512 B   incarnation, listener, owners and addresses of both sides; a side's cursors
//                                      on lines of its own, 128 bytes apart
//   272 KiB   sockets    128 × 512 B   incarnation, owner, address, group; cursors of its two rings; its inbox
//   1 MiB     rings      512 × 2 × 128 KiB of streams, 128 × 256 KiB of sockets, 128 × 8 MiB of groups: 1.2 GiB
//                        of addresses, memory for those in use
//
// Every entry begins with its incarnation, a number never used twice; 0: free. Owners are named by member and
// incarnation, so that one who died and one who took his place are told apart.
//
// Entries are made and swept under the segment's lock. A stream is freed by whichever side closes last, without it.
// `sweep` takes away what belongs to nobody: it buries members whose process has died (pid and start time) and closes
// their sides of streams, their listeners, their sockets. It may run at any time and any number of times; a process that
// dies amid a change leaves an entry without incarnation or an owner that the next sweep finds.
//
// No trust: sizes are constants of this file, indices read from the tables are masked or compared.
// Limits: 64 processes, 64 listeners, 512 streams, 128 datagram sockets. One machine, one user.
import { assert } from '../base/assert.ts';
import { BellRope, removeBell } from '../os/bell.ts';
import { isAlive, ownIdentity, type ProcessIdentity } from '../os/process_identity.ts';
import { SegmentError, SharedSegment } from '../os/shared_segment.ts';
import { BROADCAST_RING_BYTES_MIN, BROADCAST_WORDS } from './shared_broadcast.ts';
import { STREAM_END, STREAM_RING_BYTES } from './shared_stream.ts';

const MAGIC = 0x5348_544f; // "OTHS"
const VERSION = 1;
/** Words of the header. */
const H = { Magic: 0, Version: 1, Generation: 2, Port: 3, Incarnation: 4, Sleepers: 32 } as const;

export const MEMBERS_MAX = 64;
export const LISTENERS_MAX = 64;
export const STREAMS_MAX = 512;
export const SOCKETS_MAX = 128;

const MEMBERS_AT = 4 * 1024;
const MEMBER_BYTES = 64;
/** Words of a member. */
const M = { Incarnation: 0, Pid: 1, Start: 2 } as const;

const LISTENERS_AT = 8 * 1024;
const LISTENER_BYTES = 64;
/** Words of a listener. */
export const L = { Incarnation: 0, Member: 1, MemberIncarnation: 2, Ipv4: 3, Port: 4, Backlog: 5, Knocks: 8 } as const;

const STREAMS_AT = 16 * 1024;
const STREAM_BYTES = 512;
/** Words of a stream: side 0 has connected, side 1 listened. A side's own words are shared_stream.ts's. */
export const S = {
  Incarnation: 0, Listener: 1, ListenerIncarnation: 2, Accepted: 3, Closed: 4,
  Member: 5, MemberIncarnation: 7, ClientIpv4: 9, ClientPort: 10, ServerIpv4: 11, ServerPort: 12,
} as const;
const SIDES_WORD = 128 / 4;
const SIDE_WORDS = 128 / 4;
const BOTH_CLOSED = 3;

const SOCKETS_AT = STREAMS_AT + STREAMS_MAX * STREAM_BYTES;
const SOCKET_BYTES = 512;
/** Words of a socket. `Unicast` and `Group` are the cursors of its rings (shared_broadcast.ts). */
export const D = {
  Incarnation: 0, Member: 1, MemberIncarnation: 2, Kind: 3, Ipv4: 4, Port: 5, GroupIpv4: 6, GroupPort: 7,
  Unicast: 128 / 4, Group: 256 / 4, Inbox: 384 / 4,
} as const;
export const SocketKind = { Unicast: 0, GroupSender: 1, GroupReceiver: 2 } as const;
export type SocketKind = (typeof SocketKind)[keyof typeof SocketKind];

const TABLE_BYTES = 1024 * 1024;
assert(MEMBERS_AT + MEMBERS_MAX * MEMBER_BYTES <= LISTENERS_AT, 'members end where listeners begin');
assert(LISTENERS_AT + LISTENERS_MAX * LISTENER_BYTES <= STREAMS_AT, 'listeners end where streams begin');
assert(D.Unicast + BROADCAST_WORDS <= D.Group && D.Group + BROADCAST_WORDS <= D.Inbox, 'the cursors of a ring end where the next ones begin');
assert(SOCKETS_AT + SOCKETS_MAX * SOCKET_BYTES <= TABLE_BYTES, 'the tables end where the rings begin');

const STREAM_RINGS_AT = TABLE_BYTES;
const UNICAST_RINGS_AT = STREAM_RINGS_AT + STREAMS_MAX * 2 * STREAM_RING_BYTES;
const UNICAST_RING_BYTES = BROADCAST_RING_BYTES_MIN;
const GROUP_RINGS_AT = UNICAST_RINGS_AT + SOCKETS_MAX * UNICAST_RING_BYTES;
/** 0.1 s of the busiest feed (80 MB/s), for readers that the system has taken off their core. */
export const GROUP_RING_BYTES = 8 * 1024 * 1024;
const SEGMENT_BYTES = GROUP_RINGS_AT + SOCKETS_MAX * GROUP_RING_BYTES;

const EPHEMERAL_FIRST = 49_152;
const EPHEMERAL_LAST = 65_535;
/** An entry that is not there. */
export const NO_ENTRY = -1;

/**
 * After an atomic store an ordinary load is late enough on x64: the store is a full barrier there. 10 ns less a send than an
 * atomic load, which is a call.
 */
const LOADS_IN_ORDER = process.arch === 'x64';

/** A bell's rope, and whose bell it was. */
interface Rope { readonly incarnation: number; readonly rope: BellRope }

export class SharedTables {
  /** The tables as words. */
  readonly words: Int32Array;
  /** This member's number. */
  readonly member: number;
  readonly memberIncarnation: number;
  /** Where this member's bell hangs. */
  readonly bellPath: string;
  readonly #segment: SharedSegment;
  readonly #ropes: (Rope | null)[] = [];
  #open = true;

  /** Joins the network `name`; a SegmentError says why it cannot be joined. */
  constructor(name: string) {
    this.#segment = SharedSegment.openLocked(name, SEGMENT_BYTES);
    try {
      this.#take(0, TABLE_BYTES);
      this.words = new Int32Array(this.#segment.piece(0, TABLE_BYTES));
      this.#layOut();
      this.sweep();
      if (this.#lives() === 0) {
        // Nobody lives who could look at it: what the dead left is given back at once.
        this.#segment.wipe();
        this.#take(0, TABLE_BYTES);
        this.#layOut();
      }
      this.member = this.#free(MEMBERS_AT, MEMBER_BYTES, MEMBERS_MAX);
      if (this.member === NO_ENTRY) throw new SegmentError(`${this.#segment.path}: ${MEMBERS_MAX} processes use it, which is the most`);
      this.memberIncarnation = this.#incarnation();
      const own = ownIdentity();
      const at = memberAt(this.member);
      this.words[at + M.Pid] = own.pid;
      this.words[at + M.Start] = own.startTicks;
      this.setSleeping(this.member, false);
      Atomics.store(this.words, at + M.Incarnation, this.memberIncarnation);
      this.bellPath = this.#bellPath(this.member);
      this.#segment.unlock();
    } catch (error) {
      this.#segment.close();
      throw error;
    }
  }

  // ── making entries, under the lock ─────────────────────────────────────────────────────────

  /** Runs `change` with the tables locked and swept. */
  locked<Result>(change: () => Result): Result {
    this.#segment.lock();
    try {
      this.sweep();
      return change();
    } finally {
      this.#segment.unlock();
    }
  }

  /** The listener at an address; NO_ENTRY. */
  findListener(ipv4: number, port: number): number {
    for (let i = 0; i < LISTENERS_MAX; i += 1) {
      const at = listenerAt(i);
      if (this.words[at + L.Incarnation] !== 0 && this.words[at + L.Ipv4] === (ipv4 | 0) && this.words[at + L.Port] === port) return i;
    }
    return NO_ENTRY;
  }

  /** NO_ENTRY: the table is full. */
  makeListener(ipv4: number, port: number, backlog: number): number {
    const index = this.#free(LISTENERS_AT, LISTENER_BYTES, LISTENERS_MAX);
    if (index === NO_ENTRY) return NO_ENTRY;
    const { words } = this;
    const at = listenerAt(index);
    words[at + L.Member] = this.member;
    words[at + L.MemberIncarnation] = this.memberIncarnation;
    words[at + L.Ipv4] = ipv4;
    words[at + L.Port] = port;
    words[at + L.Backlog] = backlog;
    words[at + L.Knocks] = 0;
    Atomics.store(words, at + L.Incarnation, this.#incarnation());
    return index;
  }

  /** Streams at this listener that nobody has accepted. */
  pendingAt(listener: number): number {
    let count = 0;
    for (let i = 0; i < STREAMS_MAX; i += 1) if (this.isPending(i, listener)) count += 1;
    return count;
  }

  isPending(stream: number, listener: number): boolean {
    const at = streamAt(stream);
    const { words } = this;
    return words[at + S.Incarnation] !== 0 && words[at + S.Accepted] === 0 && words[at + S.Listener] === listener &&
      words[at + S.ListenerIncarnation] === words[listenerAt(listener) + L.Incarnation];
  }

  /** A stream from here to the listener; a negated error number, or NO_ENTRY when the table is full. */
  makeStream(listener: number, clientIpv4: number, clientPort: number): number {
    const index = this.#free(STREAMS_AT, STREAM_BYTES, STREAMS_MAX);
    if (index === NO_ENTRY) return NO_ENTRY;
    const refused = this.#segment.reserve(STREAM_RINGS_AT + index * 2 * STREAM_RING_BYTES, 2 * STREAM_RING_BYTES);
    if (refused < 0) return refused;
    const { words } = this;
    const at = streamAt(index);
    const listening = listenerAt(listener);
    words.fill(0, at, at + STREAM_BYTES / 4);
    words[at + S.Listener] = listener;
    words[at + S.ListenerIncarnation] = words[listening + L.Incarnation];
    words[at + S.Member] = this.member;
    words[at + S.MemberIncarnation] = this.memberIncarnation;
    words[at + S.Member + 1] = words[listening + L.Member];
    words[at + S.MemberIncarnation + 1] = words[listening + L.MemberIncarnation];
    words[at + S.ClientIpv4] = clientIpv4;
    words[at + S.ClientPort] = clientPort;
    words[at + S.ServerIpv4] = words[listening + L.Ipv4];
    words[at + S.ServerPort] = words[listening + L.Port];
    Atomics.store(words, at + S.Incarnation, this.#incarnation());
    Atomics.add(words, listening + L.Knocks, 1);
    return index;
  }

  /** The socket that datagrams to this address go to; NO_ENTRY. */
  findSocket(ipv4: number, port: number): number {
    for (let i = 0; i < SOCKETS_MAX; i += 1) {
      const at = socketAt(i);
      const { words } = this;
      if (words[at + D.Incarnation] !== 0 && words[at + D.Kind] !== SocketKind.GroupReceiver &&
        words[at + D.Ipv4] === (ipv4 | 0) && words[at + D.Port] === port) return i;
    }
    return NO_ENTRY;
  }

  /** A negated error number, or NO_ENTRY when the table is full. */
  makeSocket(kind: SocketKind, ipv4: number, port: number, groupIpv4: number, groupPort: number): number {
    const index = this.#free(SOCKETS_AT, SOCKET_BYTES, SOCKETS_MAX);
    if (index === NO_ENTRY) return NO_ENTRY;
    let refused = this.#segment.reserve(UNICAST_RINGS_AT + index * UNICAST_RING_BYTES, UNICAST_RING_BYTES);
    if (refused === 0 && kind === SocketKind.GroupSender) {
      refused = this.#segment.reserve(GROUP_RINGS_AT + index * GROUP_RING_BYTES, GROUP_RING_BYTES);
    }
    if (refused < 0) return refused;
    const { words } = this;
    const at = socketAt(index);
    words.fill(0, at, at + SOCKET_BYTES / 4);
    words[at + D.Member] = this.member;
    words[at + D.MemberIncarnation] = this.memberIncarnation;
    words[at + D.Kind] = kind;
    words[at + D.Ipv4] = ipv4;
    words[at + D.Port] = port;
    words[at + D.GroupIpv4] = groupIpv4;
    words[at + D.GroupPort] = groupPort;
    Atomics.store(words, at + D.Incarnation, this.#incarnation());
    Atomics.add(words, H.Generation, 1);
    return index;
  }

  /** A port that nothing at any address uses. */
  freePort(): number {
    for (let tries = EPHEMERAL_FIRST; tries <= EPHEMERAL_LAST; tries += 1) {
      const last = this.words[H.Port];
      const port = last >= EPHEMERAL_FIRST && last < EPHEMERAL_LAST ? last + 1 : EPHEMERAL_FIRST;
      this.words[H.Port] = port;
      if (!this.#usesPort(port)) return port;
    }
    return 0; // more than there can be entries
  }

  #usesPort(port: number): boolean {
    const { words } = this;
    for (let i = 0; i < LISTENERS_MAX; i += 1) {
      if (words[listenerAt(i) + L.Incarnation] !== 0 && words[listenerAt(i) + L.Port] === port) return true;
    }
    for (let i = 0; i < STREAMS_MAX; i += 1) {
      if (words[streamAt(i) + S.Incarnation] !== 0 && words[streamAt(i) + S.ClientPort] === port) return true;
    }
    for (let i = 0; i < SOCKETS_MAX; i += 1) {
      if (words[socketAt(i) + D.Incarnation] !== 0 && words[socketAt(i) + D.Port] === port) return true;
    }
    return false;
  }

  // ── ending entries ─────────────────────────────────────────────────────────────────────────

  freeListener(index: number): void {
    Atomics.store(this.words, listenerAt(index) + L.Incarnation, 0);
  }

  freeSocket(index: number): void {
    Atomics.store(this.words, socketAt(index) + D.Incarnation, 0);
    Atomics.add(this.words, H.Generation, 1);
  }

  /** Ends a side of a stream; the last to do so frees it. */
  closeSide(stream: number, side: number): void {
    const { words } = this;
    const at = streamAt(stream);
    Atomics.store(words, sideAt(stream, side) + STREAM_END, 1);
    const before = Atomics.or(words, at + S.Closed, 1 << side);
    if ((before | (1 << side)) === BOTH_CLOSED) Atomics.store(words, at + S.Incarnation, 0);
  }

  /** Takes away what belongs to nobody. Only under the lock. */
  sweep(): void {
    const { words } = this;
    for (let i = 0; i < MEMBERS_MAX; i += 1) {
      if (words[memberAt(i) + M.Incarnation] !== 0 && !isAlive(this.#identity(i))) this.#bury(i);
    }
    for (let i = 0; i < LISTENERS_MAX; i += 1) {
      const at = listenerAt(i);
      if (words[at + L.Incarnation] !== 0 && !this.#isMember(words[at + L.Member], words[at + L.MemberIncarnation])) this.freeListener(i);
    }
    for (let i = 0; i < SOCKETS_MAX; i += 1) {
      const at = socketAt(i);
      if (words[at + D.Incarnation] !== 0 && !this.#isMember(words[at + D.Member], words[at + D.MemberIncarnation])) this.freeSocket(i);
    }
    for (let i = 0; i < STREAMS_MAX; i += 1) this.#sweepStream(i);
  }

  #sweepStream(stream: number): void {
    const { words } = this;
    const at = streamAt(stream);
    for (let side = 0; side < 2 && words[at + S.Incarnation] !== 0; side += 1) {
      if ((words[at + S.Closed] & (1 << side)) !== 0) continue;
      const owned = this.#isMember(words[at + S.Member + side], words[at + S.MemberIncarnation + side]);
      const orphan = side === 1 && words[at + S.Accepted] === 0 && !this.#listens(words[at + S.Listener], words[at + S.ListenerIncarnation]);
      if (owned && !orphan) continue;
      this.closeSide(stream, side);
      this.wake(words[at + S.Member + 1 - side]);
    }
  }

  /** The same now and then, without waiting for the lock. */
  trySweep(): void {
    if (!this.#open || !this.#segment.tryLock()) return;
    try {
      this.sweep();
    } finally {
      this.#segment.unlock();
    }
  }

  /** Leaves; the last one removes everything. Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#segment.lock();
    this.#bury(this.member);
    this.sweep();
    if (this.#lives() === 0) this.#segment.unlink();
    for (const rope of this.#ropes) rope?.rope.close();
    this.#segment.close(); // and with it the lock
  }

  // ── who sleeps ─────────────────────────────────────────────────────────────────────────────

  get generation(): number {
    return this.words[H.Generation];
  }

  setSleeping(member: number, sleeping: boolean): void {
    const word = H.Sleepers + (member >>> 5);
    const bit = 1 << (member & 31);
    if (sleeping) Atomics.or(this.words, word, bit);
    else Atomics.and(this.words, word, ~bit);
  }

  /** Rings the member's bell when it sleeps. After what there is to see was stored. */
  wake(member: number): void {
    const index = member & (MEMBERS_MAX - 1);
    const word = H.Sleepers + (index >>> 5);
    const bit = 1 << (index & 31);
    if ((this.#sleepers(word) & bit) === 0 || index === this.member) return;
    if ((Atomics.and(this.words, word, ~bit) & bit) !== 0) this.#ring(index);
  }

  /** All who sleep. */
  wakeAll(): void {
    for (let half = 0; half < 2; half += 1) {
      let bits = this.#sleepers(H.Sleepers + half);
      for (; bits !== 0; bits &= bits - 1) this.wake(half * 32 + 31 - Math.clz32(bits & -bits));
    }
  }

  #sleepers(word: number): number {
    return LOADS_IN_ORDER ? this.words[word] : Atomics.load(this.words, word);
  }

  #ring(member: number): void {
    const incarnation = this.words[memberAt(member) + M.Incarnation];
    let held = this.#ropes[member] ?? null;
    if (held === null || held.incarnation !== incarnation) {
      held?.rope.close();
      while (this.#ropes.length <= member) this.#ropes.push(null);
      held = { incarnation, rope: new BellRope(this.#bellPath(member)) };
      this.#ropes[member] = held;
    }
    held.rope.pull();
  }

  // ── rings ──────────────────────────────────────────────────────────────────────────────────

  /** The ring that this side of a stream writes. */
  streamRing(stream: number, side: number): Uint8Array {
    return new Uint8Array(this.#segment.piece(STREAM_RINGS_AT + (stream * 2 + side) * STREAM_RING_BYTES, STREAM_RING_BYTES));
  }

  unicastRing(socket: number): Uint8Array {
    return new Uint8Array(this.#segment.piece(UNICAST_RINGS_AT + socket * UNICAST_RING_BYTES, UNICAST_RING_BYTES));
  }

  groupRing(socket: number): Uint8Array {
    return new Uint8Array(this.#segment.piece(GROUP_RINGS_AT + socket * GROUP_RING_BYTES, GROUP_RING_BYTES));
  }

  // ── members ────────────────────────────────────────────────────────────────────────────────

  #bury(member: number): void {
    this.setSleeping(member, false);
    removeBell(this.#bellPath(member));
    Atomics.store(this.words, memberAt(member) + M.Incarnation, 0);
  }

  #isMember(member: number, incarnation: number): boolean {
    return member >= 0 && member < MEMBERS_MAX && incarnation !== 0 && this.words[memberAt(member) + M.Incarnation] === incarnation;
  }

  #listens(listener: number, incarnation: number): boolean {
    return listener >= 0 && listener < LISTENERS_MAX && incarnation !== 0 && this.words[listenerAt(listener) + L.Incarnation] === incarnation;
  }

  #identity(member: number): ProcessIdentity {
    const at = memberAt(member);
    return { pid: this.words[at + M.Pid], startTicks: this.words[at + M.Start] };
  }

  #lives(): number {
    let count = 0;
    for (let i = 0; i < MEMBERS_MAX; i += 1) if (this.words[memberAt(i) + M.Incarnation] !== 0) count += 1;
    return count;
  }

  #bellPath(member: number): string {
    return `${this.#segment.path}.bell.${member}`;
  }

  // ── layout ─────────────────────────────────────────────────────────────────────────────────

  #layOut(): void {
    const { words } = this;
    if (words[H.Magic] === 0) {
      words[H.Version] = VERSION;
      words[H.Magic] = MAGIC;
    }
    if (words[H.Magic] === MAGIC && words[H.Version] === VERSION) return;
    throw new SegmentError(
      `${this.#segment.path}: expected a shared-memory network of version ${VERSION}, was 0x${(words[H.Magic] >>> 0).toString(16)} ` +
        `version ${words[H.Version]}; end what uses it and remove it`,
    );
  }

  #take(at: number, bytes: number): void {
    if (this.#segment.reserve(at, bytes) < 0) throw new SegmentError(`${this.#segment.path}: no room for ${bytes} bytes in /dev/shm`);
  }

  /** Never 0. */
  #incarnation(): number {
    const next = (this.words[H.Incarnation] + 1) | 0;
    this.words[H.Incarnation] = next === 0 ? 1 : next;
    return this.words[H.Incarnation];
  }

  #free(at: number, bytes: number, count: number): number {
    for (let i = 0; i < count; i += 1) if (this.words[(at + i * bytes) / 4] === 0) return i;
    return NO_ENTRY;
  }
}

function memberAt(index: number): number {
  return (MEMBERS_AT + index * MEMBER_BYTES) / 4;
}

/** First word of a listener's entry. */
export function listenerAt(index: number): number {
  return (LISTENERS_AT + index * LISTENER_BYTES) / 4;
}

/** First word of a stream's entry. */
export function streamAt(index: number): number {
  return (STREAMS_AT + index * STREAM_BYTES) / 4;
}

/** First word of a side's own words. */
export function sideAt(stream: number, side: number): number {
  return streamAt(stream) + SIDES_WORD + side * SIDE_WORDS;
}

/** First word of a socket's entry. */
export function socketAt(index: number): number {
  return (SOCKETS_AT + index * SOCKET_BYTES) / 4;
}
