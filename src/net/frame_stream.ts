// A byte stream over frames: TCP, as much of it as a segment of one's own needs, so that any TCP can be the other end.
//
//              acked ─┐        ┌─ sent              received in order ─┐
//   send ring  │......│########│========│  free │   receive ring │#####│   window   │
//              #una ──┘   #next┘        └ taken by send()               └ #receiveNext
//
// Sender: what the peer's window and a congestion window allow, at once. Lost segments are found by three equal
// acknowledgements or by time (RFC 6298's estimate), and everything from there on is sent again, since a receiver of this
// kind keeps no segment that comes out of order. Receiver: takes what is next, acknowledges everything else at once; what
// came in order is acknowledged with the next bytes that go back, else one poll later, so that an answer carries it.
//
// Limits: no window scaling (65,535 bytes under way: 650 MB/s at 100 µs), no selective acknowledgement, no time stamps, no
// urgent data, no keep-alive (sessions have heartbeats). Loss therefore costs more than with the kernel's TCP: for a
// segment where loss is rare. Numbers of the sequence are 32 bits and wrap; they are compared by signed difference.
import { assert } from '../base/assert.ts';
import { FRAME_NONE } from './frame_port.ts';
import type { IpWire, Neighbour } from './ip_wire.ts';
import { IP_AT, PROTOCOL_TCP, SEGMENT_BYTES_MAX, TCP_BYTES, TRANSPORT_AT, transportChecksum } from './packet.ts';
import { CLOSED, WOULD_BLOCK, type StreamConnection } from './transport.ts';

export const FLAG_FIN = 1;
export const FLAG_SYN = 2;
export const FLAG_RST = 4;
export const FLAG_PSH = 8;
export const FLAG_ACK = 16;

/** Of each direction: what a window without scaling can fill, as a power of two. */
export const STREAM_BUFFER_BYTES = 65_536;
const BUFFER_MASK = STREAM_BUFFER_BYTES - 1;
const WINDOW_MAX = 65_535;
const TTL = 64;

/** A segment is sent again after this at the earliest: a peer's loop may be off its core for a while. */
const RETRY_MIN_NS = 10e6;
const RETRY_FIRST_NS = 50e6;
const RETRY_MAX_NS = 1e9;
/** Without any answer for so long, the peer is gone. */
const GIVE_UP_NS = 15e9;
/** How long an end that both sides know of is remembered, for the last acknowledgement may be lost. */
const REMEMBER_NS = 1e9;
/** Segments under way at first (RFC 6928), and after a loss. */
const CONGESTION_FIRST = 10 * SEGMENT_BYTES_MAX;
const CONGESTION_MIN = 4 * SEGMENT_BYTES_MAX;
/** Equal acknowledgements that mean a loss. */
const EQUAL_ACKS = 3;
/** A window that has grown by so much is told. */
const WINDOW_NEWS_BYTES = STREAM_BUFFER_BYTES / 2;
/** "Maximum segment size", the option of the first segment. */
const OPTION_SEGMENT_SIZE = 0x0204;
const SEGMENT_OPTION_BYTES = 4;
/** What a peer that names none can take. */
const SEGMENT_BYTES_UNNAMED = 536;

export const StreamState = {
  /** We have asked for the connection. */
  Asked: 0,
  /** The peer has, and we have answered. */
  Answered: 1,
  Established: 2,
  /** Over: nothing goes out, what arrived can be read. */
  Ended: 3,
} as const;
export type StreamState = (typeof StreamState)[keyof typeof StreamState];

export interface StreamCounters {
  segmentsReceived: number;
  segmentsSent: number;
  /** Sent more than once, by time and by equal acknowledgements. */
  retriesByTime: number;
  retriesByAcks: number;
  /** Segments that came before one that is missing; not kept. */
  outOfOrder: number;
  resetsSent: number;
}

/** Who keeps the streams of one address. */
export interface StreamHost {
  readonly wire: IpWire;
  readonly streamCounters: StreamCounters;
  /** The stream has bytes, an end, or room for a sender that found none. */
  streamNews(stream: FrameStream): void;
  /** An acknowledgement is due with the next poll. */
  acknowledgeSoon(stream: FrameStream): void;
  /** The handshake is over: by success (Established) or not (Ended). */
  streamDecided(stream: FrameStream): void;
}

export class FrameStream implements StreamConnection {
  readonly id: number;
  readonly peer: string;
  tag = -1;
  listed = false;
  // Kept by the host.
  readonly localPort: number;
  readonly remoteIpv4: number;
  readonly remotePort: number;
  nextInBucket: FrameStream | null = null;
  accepted = false;
  ackListed = false;
  newsListed = false;
  state: StreamState;

  readonly #host: StreamHost;
  readonly #wire: IpWire;
  readonly #neighbour: Neighbour;
  // Sending. The ring holds the bytes from #una on (after the handshake).
  #sendRing: Uint8Array | null = null;
  #sendAt = 0;
  #sendBytes = 0;
  #una: number;
  #next: number;
  #sentMax: number;
  #peerWindow = 0;
  #segmentBytes = SEGMENT_BYTES_UNNAMED;
  #congestion = CONGESTION_FIRST;
  #slowStartEnd = STREAM_BUFFER_BYTES;
  #equalAcks = 0;
  #recoverTo: number; // losses before this number have been acted upon
  #foundNoRoom = false;
  // Time: [0] retry after, [1] retry at (Infinity: nothing under way), [2] heard from the peer, [3] smoothed round trip,
  // [4] its variation, [5] when the timed segment left (0: none)
  readonly #times = new Float64Array(6);
  #timedEnd = 0;
  // Receiving.
  #receiveRing: Uint8Array | null = null;
  #receiveAt = 0;
  #receiveBytes = 0;
  #receiveNext = 0;
  #windowTold = 0;
  #unacknowledged = 0;
  // Ends.
  #finQueued = false;
  #finAcked = false;
  #finReceived = false;
  #reset = false;
  #closed = false; // by us

  /** `firstNumber` is ours and should be unpredictable. */
  constructor(
    host: StreamHost, id: number, state: StreamState, neighbour: Neighbour, localPort: number, remoteIpv4: number,
    remotePort: number, peer: string, firstNumber: number,
  ) {
    this.#host = host;
    this.#wire = host.wire;
    this.#neighbour = neighbour;
    this.id = id;
    this.state = state;
    this.localPort = localPort;
    this.remoteIpv4 = remoteIpv4;
    this.remotePort = remotePort;
    this.peer = peer;
    this.#una = firstNumber | 0;
    this.#next = this.#una;
    this.#sentMax = this.#una;
    this.#recoverTo = this.#una;
    this.#times[0] = RETRY_FIRST_NS;
    this.#times[1] = Infinity;
    this.#times[2] = this.#wire.time[0];
  }

  get open(): boolean {
    return !this.#closed && !this.#atEnd;
  }

  get readable(): boolean {
    return !this.#closed && (this.#receiveBytes > 0 || this.#finReceived || this.#reset);
  }

  /** True when it can be forgotten. */
  get over(): boolean {
    return this.state === StreamState.Ended && (this.#closed || !this.accepted);
  }

  /** Closed by us, with the peer still to be convinced. */
  get lingering(): boolean {
    return this.#closed && this.state !== StreamState.Ended && !(this.#finAcked && this.#finReceived);
  }

  get wasReset(): boolean {
    return this.#reset;
  }

  get #atEnd(): boolean {
    return this.#receiveBytes === 0 && (this.#finReceived || this.#reset);
  }

  // ── the owner's calls ────────────────────────────────────────────────────────────────────────────

  receive(target: Uint8Array, offset: number, max: number): number {
    assert(max > 0 && offset >= 0 && offset + max <= target.length, 'the receive range lies inside the target');
    if (this.#closed || this.#atEnd) return CLOSED;
    if (this.#receiveBytes === 0) return WOULD_BLOCK;
    const count = Math.min(max, this.#receiveBytes);
    const ring = this.#receiveRing!;
    const from = this.#receiveAt;
    for (let i = 0; i < count; i += 1) target[offset + i] = ring[(from + i) & BUFFER_MASK];
    this.#receiveAt = (from + count) & BUFFER_MASK;
    this.#receiveBytes -= count;
    if (this.#window() - this.#windowTold >= WINDOW_NEWS_BYTES) this.#host.acknowledgeSoon(this);
    return count;
  }

  send(source: Uint8Array, offset: number, length: number): number {
    assert(offset >= 0 && length >= 0 && offset + length <= source.length, 'the send range lies inside the source');
    if (this.#closed || this.#reset) return CLOSED;
    const room = STREAM_BUFFER_BYTES - this.#sendBytes;
    const count = Math.min(length, room);
    this.#foundNoRoom = count < length;
    if (count === 0) return WOULD_BLOCK;
    const ring = (this.#sendRing ??= new Uint8Array(STREAM_BUFFER_BYTES));
    const to = this.#sendAt + this.#sendBytes;
    for (let i = 0; i < count; i += 1) ring[(to + i) & BUFFER_MASK] = source[offset + i];
    this.#sendBytes += count;
    this.output();
    return count;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.state === StreamState.Ended) return;
    if (this.#receiveBytes > 0 || this.state !== StreamState.Established) {
      this.#abort();
      return;
    }
    this.#finQueued = true;
    this.output();
  }

  #abort(): void {
    this.#segment(FLAG_RST | FLAG_ACK, this.#next, 0, 0);
    this.#host.streamCounters.resetsSent += 1;
    this.#end(true);
  }

  #end(reset: boolean): void {
    const decided = this.state !== StreamState.Asked && this.state !== StreamState.Answered;
    this.state = StreamState.Ended;
    this.#times[1] = Infinity;
    if (reset) this.#reset = true;
    if (!decided) this.#host.streamDecided(this);
    else if (reset) this.#host.streamNews(this);
  }

  // ── sending ──────────────────────────────────────────────────────────────────────────────────────

  /** The first segment of a connection that we ask for or answer. */
  greet(): void {
    const flags = this.state === StreamState.Asked ? FLAG_SYN : FLAG_SYN | FLAG_ACK;
    this.#segment(flags, this.#una, 0, 0);
    this.#next = (this.#una + 1) | 0;
    this.#sentMax = this.#next;
    this.#startRetry();
  }

  /** Sends what the windows allow, and the end behind the last byte. */
  output(): void {
    if (this.state !== StreamState.Established) return;
    const window = Math.min(this.#peerWindow, this.#congestion);
    for (;;) {
      const offset = (this.#next - this.#una) | 0;
      const unsent = this.#sendBytes - offset;
      const bytes = Math.min(unsent, window - offset, this.#segmentBytes);
      if (bytes <= 0) break;
      if (bytes < this.#segmentBytes && bytes < unsent && offset > 0) break; // no small pieces of a larger whole
      if (!this.#data(offset, bytes)) return; // no frame: onTime comes by again
    }
    if (this.#finQueued && this.#next === ((this.#una + this.#sendBytes) | 0) && !this.#finAcked) {
      if (!this.#segment(FLAG_FIN | FLAG_ACK, this.#next, 0, 0)) return;
      this.#advance(1);
    }
    // A closed window is asked about from time to time, lest its opening was lost.
    if (this.#times[1] === Infinity && this.#sendBytes > 0) this.#startRetry();
  }

  #data(offset: number, bytes: number): boolean {
    const last = offset + bytes === this.#sendBytes;
    if (!this.#segment(last ? FLAG_ACK | FLAG_PSH : FLAG_ACK, this.#next, (this.#sendAt + offset) & BUFFER_MASK, bytes)) return false;
    const fresh = this.#next === this.#sentMax;
    this.#advance(bytes);
    if (fresh && this.#times[5] === 0) {
      this.#times[5] = this.#wire.time[0];
      this.#timedEnd = this.#next;
    }
    return true;
  }

  #advance(count: number): void {
    this.#next = (this.#next + count) | 0;
    if (((this.#next - this.#sentMax) | 0) > 0) this.#sentMax = this.#next;
    if (this.#times[1] === Infinity) this.#startRetry();
  }

  #startRetry(): void {
    this.#times[1] = this.#wire.time[0] + this.#times[0];
  }

  /** Acknowledges now; also what a turn without bytes of its own does for those that came. */
  acknowledge(): void {
    this.#segment(FLAG_ACK, this.#next, 0, 0);
  }

  get acknowledgementDue(): boolean {
    return this.#unacknowledged > 0 || this.#window() - this.#windowTold >= WINDOW_NEWS_BYTES;
  }

  #window(): number {
    return Math.min(WINDOW_MAX, STREAM_BUFFER_BYTES - this.#receiveBytes);
  }

  /** One segment with `bytes` of the send ring; false: no frame is free. */
  #segment(flags: number, number: number, ringAt: number, bytes: number): boolean {
    const wire = this.#wire;
    const at = wire.claim();
    if (at === FRAME_NONE) return false;
    const { view, memory } = wire.port;
    const options = (flags & FLAG_SYN) !== 0 ? SEGMENT_OPTION_BYTES : 0;
    const tcp = at + TRANSPORT_AT;
    const window = this.#window();
    const acknowledged = (flags & FLAG_ACK) !== 0 ? this.#receiveNext : 0;
    writeTcp(view, tcp, this.localPort, this.remotePort, number, acknowledged, flags, window, options);
    const ring = this.#sendRing;
    const payload = tcp + TCP_BYTES + options;
    for (let i = 0; i < bytes; i += 1) memory[payload + i] = ring![(ringAt + i) & BUFFER_MASK];
    sealTcp(wire, at, this.#neighbour, this.remoteIpv4, TCP_BYTES + options + bytes);
    this.#windowTold = window;
    this.#unacknowledged = 0;
    this.#host.streamCounters.segmentsSent += 1;
    return true;
  }

  // ── receiving ────────────────────────────────────────────────────────────────────────────────────

  /** A segment of this connection: TCP header at `tcp`, its payload behind the header of `headerBytes`. */
  onSegment(tcp: number, headerBytes: number, payloadBytes: number): void {
    const { view } = this.#wire.port;
    const flags = view.getUint8(tcp + 13);
    const number = view.getUint32(tcp + 4) | 0;
    const acked = view.getUint32(tcp + 8) | 0;
    this.#host.streamCounters.segmentsReceived += 1;
    if (this.state === StreamState.Asked) {
      this.#onAnswer(tcp, headerBytes, flags, number, acked);
      return;
    }
    if ((flags & FLAG_RST) !== 0) {
      if (number === this.#receiveNext || this.state === StreamState.Ended) this.#end(true);
      else this.acknowledge(); // a peer that means it resets again with the right number
      return;
    }
    if ((flags & FLAG_SYN) !== 0) {
      if (this.state === StreamState.Answered) this.#segment(FLAG_SYN | FLAG_ACK, this.#una, 0, 0);
      else this.acknowledge();
      return;
    }
    if ((flags & FLAG_ACK) === 0 || !this.#onAck(acked, view.getUint16(tcp + 14), payloadBytes)) return;
    this.#times[2] = this.#wire.time[0];
    if (payloadBytes > 0) this.#onPayload(tcp + headerBytes, number, payloadBytes);
    if ((flags & FLAG_FIN) !== 0) this.#onFin((number + payloadBytes) | 0);
    this.output();
    if (this.#unacknowledged > 2 * SEGMENT_BYTES_MAX) this.acknowledge();
    else if (this.#unacknowledged > 0) this.#host.acknowledgeSoon(this);
  }

  /** A connection that the peer asks for: its first segment. */
  onAsked(tcp: number, headerBytes: number): void {
    const { view } = this.#wire.port;
    this.#receiveNext = (view.getUint32(tcp + 4) + 1) | 0;
    this.#peerWindow = view.getUint16(tcp + 14);
    this.#segmentBytes = segmentBytesOf(view, tcp, headerBytes);
    this.greet();
  }

  /** What comes back to our first segment. */
  #onAnswer(tcp: number, headerBytes: number, flags: number, number: number, acked: number): void {
    const { view } = this.#wire.port;
    if ((flags & FLAG_ACK) === 0 || acked !== this.#next) return;
    if ((flags & FLAG_RST) !== 0) {
      this.#end(true);
      return;
    }
    if ((flags & FLAG_SYN) === 0) return;
    this.#receiveNext = (number + 1) | 0;
    this.#peerWindow = view.getUint16(tcp + 14);
    this.#segmentBytes = segmentBytesOf(view, tcp, headerBytes);
    this.#established(acked);
    this.acknowledge();
  }

  #established(acked: number): void {
    this.#una = acked;
    this.#recoverTo = acked;
    this.state = StreamState.Established;
    this.#times[0] = RETRY_FIRST_NS;
    this.#times[1] = Infinity;
    this.#times[2] = this.#wire.time[0];
    this.#host.streamDecided(this);
  }

  /** Takes an acknowledgement; false: the segment is not one of this connection's. */
  #onAck(acked: number, window: number, payloadBytes: number): boolean {
    const advanced = (acked - this.#una) | 0;
    if (((acked - this.#sentMax) | 0) > 0) {
      this.acknowledge();
      return false;
    }
    if (this.state === StreamState.Answered) {
      if (advanced !== 1) return false;
      this.#established(acked);
      this.#peerWindow = window;
      return true;
    }
    if (advanced < 0) return true; // an old one
    const underWay = this.#sentMax !== this.#una;
    if (advanced === 0) {
      const equal = underWay && payloadBytes === 0 && window === this.#peerWindow && window > 0;
      this.#peerWindow = window;
      if (equal) this.#onEqualAck();
      return true;
    }
    this.#peerWindow = window;
    this.#onAdvance(acked, advanced);
    return true;
  }

  #onAdvance(acked: number, advanced: number): void {
    const finNumber = (this.#una + this.#sendBytes) | 0;
    const bytes = Math.min(advanced, this.#sendBytes);
    if (this.#finQueued && advanced > bytes && acked === ((finNumber + 1) | 0)) this.#finAcked = true;
    this.#sendAt = (this.#sendAt + bytes) & BUFFER_MASK;
    this.#sendBytes -= bytes;
    this.#una = acked;
    if (((this.#next - acked) | 0) < 0) this.#next = acked; // sent again what had arrived after all
    this.#equalAcks = 0;
    this.#sampleRoundTrip(acked);
    this.#congestion += this.#congestion < this.#slowStartEnd
      ? bytes : Math.ceil((SEGMENT_BYTES_MAX * SEGMENT_BYTES_MAX) / this.#congestion);
    if (this.#congestion > STREAM_BUFFER_BYTES) this.#congestion = STREAM_BUFFER_BYTES;
    if (acked === this.#sentMax) this.#times[1] = Infinity;
    else this.#startRetry();
    if (this.#foundNoRoom && bytes > 0) {
      this.#foundNoRoom = false;
      this.#host.streamNews(this);
    }
  }

  /** RFC 6298; a segment that was sent twice is no sample. */
  #sampleRoundTrip(acked: number): void {
    const times = this.#times;
    if (times[5] === 0 || ((acked - this.#timedEnd) | 0) < 0) return;
    const sampleNs = this.#wire.time[0] - times[5];
    times[5] = 0;
    if (times[3] === 0) {
      times[3] = sampleNs;
      times[4] = sampleNs / 2;
    } else {
      times[4] += (Math.abs(times[3] - sampleNs) - times[4]) / 4;
      times[3] += (sampleNs - times[3]) / 8;
    }
    times[0] = Math.min(RETRY_MAX_NS, Math.max(RETRY_MIN_NS, times[3] + 4 * times[4]));
  }

  #onEqualAck(): void {
    this.#equalAcks += 1;
    if (this.#equalAcks !== EQUAL_ACKS || ((this.#una - this.#recoverTo) | 0) < 0) return;
    this.#host.streamCounters.retriesByAcks += 1;
    this.#slowStartEnd = Math.max(CONGESTION_MIN, this.#congestion >> 1);
    this.#congestion = this.#slowStartEnd;
    this.#goBack();
  }

  /** From the first byte that is not acknowledged, all again. */
  #goBack(): void {
    this.#recoverTo = this.#sentMax;
    this.#next = this.#una;
    this.#times[5] = 0;
    this.#equalAcks = 0;
    this.#startRetry();
    this.output();
  }

  #onPayload(at: number, number: number, bytes: number): void {
    const ahead = (number - this.#receiveNext) | 0;
    const known = -ahead; // bytes of it that came before
    if (ahead > 0 || known >= bytes || this.#finReceived) {
      if (ahead > 0) this.#host.streamCounters.outOfOrder += 1;
      this.acknowledge();
      return;
    }
    if (this.#closed) { // nobody will read it, and the peer is to know
      this.#abort();
      return;
    }
    const room = STREAM_BUFFER_BYTES - this.#receiveBytes;
    const taken = Math.min(bytes - known, room);
    if (taken < bytes - known) this.#unacknowledged = 1; // told at once below, with the window that is left
    const { memory } = this.#wire.port;
    const ring = (this.#receiveRing ??= new Uint8Array(STREAM_BUFFER_BYTES));
    const to = this.#receiveAt + this.#receiveBytes;
    for (let i = 0; i < taken; i += 1) ring[(to + i) & BUFFER_MASK] = memory[at + known + i];
    this.#receiveBytes += taken;
    this.#receiveNext = (this.#receiveNext + taken) | 0;
    this.#unacknowledged += taken;
    if (taken > 0) this.#host.streamNews(this);
    if (taken < bytes - known) this.acknowledge();
  }

  #onFin(finNumber: number): void {
    if (this.state === StreamState.Ended) return;
    if (finNumber === this.#receiveNext && !this.#finReceived) {
      this.#finReceived = true;
      this.#receiveNext = (finNumber + 1) | 0;
      this.#host.streamNews(this);
    }
    this.acknowledge();
  }

  // ── time ─────────────────────────────────────────────────────────────────────────────────────────

  /** Comes by every millisecond or so. */
  onTime(): void {
    const times = this.#times;
    const nowNs = this.#wire.time[0];
    if (this.state === StreamState.Ended) return;
    if (this.#closed && this.#finAcked && this.#finReceived) {
      if (nowNs - times[2] >= REMEMBER_NS) this.#end(false);
      return;
    }
    // A peer that has acknowledged our end and never ends its own direction is not waited for longer than a dead one.
    const waits = this.#closed || times[1] !== Infinity;
    if (waits && nowNs - times[2] >= GIVE_UP_NS) {
      if (this.state === StreamState.Established) this.#abort();
      else this.#end(true);
      return;
    }
    if (times[1] === Infinity) {
      times[2] = this.#closed ? times[2] : nowNs;
      this.output();
    } else if (nowNs >= times[1]) this.#retry();
  }

  #retry(): void {
    this.#host.streamCounters.retriesByTime += 1;
    this.#times[0] = Math.min(RETRY_MAX_NS, this.#times[0] * 2);
    if (this.state !== StreamState.Established) {
      this.greet();
      return;
    }
    if (this.#peerWindow === 0 && this.#sendBytes > 0) {
      this.#next = this.#una;
      this.#data(0, 1); // a byte too many, for its answer
      this.#startRetry();
      return;
    }
    this.#slowStartEnd = Math.max(CONGESTION_MIN, this.#congestion >> 1);
    this.#congestion = CONGESTION_MIN;
    this.#goBack();
  }
}

function writeTcp(
  view: DataView, tcp: number, fromPort: number, toPort: number, number: number, acknowledged: number, flags: number,
  window: number, optionBytes: number,
): void {
  view.setUint16(tcp, fromPort);
  view.setUint16(tcp + 2, toPort);
  view.setUint32(tcp + 4, number);
  view.setUint32(tcp + 8, acknowledged);
  view.setUint8(tcp + 12, ((TCP_BYTES + optionBytes) / 4) << 4);
  view.setUint8(tcp + 13, flags);
  view.setUint16(tcp + 14, window);
  view.setUint32(tcp + 16, 0); // check sum, urgent pointer
  if (optionBytes === 0) return;
  view.setUint16(tcp + TCP_BYTES, OPTION_SEGMENT_SIZE);
  view.setUint16(tcp + TCP_BYTES + 2, SEGMENT_BYTES_MAX);
}

/** Address, check sum, and out. */
function sealTcp(wire: IpWire, at: number, neighbour: Neighbour, to: number, bytes: number): void {
  wire.address(at, PROTOCOL_TCP, bytes, TTL, to);
  const { view } = wire.port;
  const tcp = at + TRANSPORT_AT;
  view.setUint16(tcp + 16, transportChecksum(view, at + IP_AT, PROTOCOL_TCP, tcp, bytes));
  wire.transmit(at, neighbour, bytes);
}

/** The answer to a segment that belongs to no connection. */
export function refuseSegment(
  wire: IpWire, neighbour: Neighbour, from: number, tcp: number, payloadBytes: number,
): void {
  const { view } = wire.port;
  const flags = view.getUint8(tcp + 13);
  const length = payloadBytes + ((flags & FLAG_SYN) !== 0 ? 1 : 0) + ((flags & FLAG_FIN) !== 0 ? 1 : 0);
  const acknowledges = (flags & FLAG_ACK) !== 0;
  const number = acknowledges ? view.getUint32(tcp + 8) : 0;
  const acknowledged = acknowledges ? 0 : view.getUint32(tcp + 4) + length;
  const localPort = view.getUint16(tcp + 2);
  const remotePort = view.getUint16(tcp);
  const at = wire.claim();
  if (at === FRAME_NONE) return;
  const answer = acknowledges ? FLAG_RST : FLAG_RST | FLAG_ACK;
  writeTcp(view, at + TRANSPORT_AT, localPort, remotePort, number, acknowledged, answer, 0, 0);
  sealTcp(wire, at, neighbour, from, TCP_BYTES);
}

/** The peer's largest segment, of the options of its first one, and never above ours. */
function segmentBytesOf(view: DataView, tcp: number, headerBytes: number): number {
  let at = tcp + TCP_BYTES;
  const end = tcp + headerBytes;
  while (at < end) {
    const kind = view.getUint8(at);
    if (kind === 0) break;
    if (kind === 1) {
      at += 1;
      continue;
    }
    const bytes = at + 1 < end ? view.getUint8(at + 1) : 0;
    if (bytes < 2 || at + bytes > end) break; // hostile: what follows means nothing
    if (kind === 2 && bytes === SEGMENT_OPTION_BYTES) return Math.min(SEGMENT_BYTES_MAX, Math.max(64, view.getUint16(at + 2)));
    at += bytes;
  }
  return SEGMENT_BYTES_UNNAMED;
}
