// A frame port over AF_XDP (os/xdp_socket.ts): which frame is where.
//
//   receiving:  fill ring ─► kernel ─► received ring ─► burst ─► fill ring …
//   sending:    free stack ─► claimed ─► send ring ─► kernel ─► completed ring ─► free stack …
//
// Every frame is in exactly one of these places; `checkInvariants` counts them. Frames for receiving and for sending never
// mix, so that a flood of either does not starve the other. Back-pressure: no free frame, no claim.
import { assert } from '../base/assert.ts';
import { FRAME_BYTES, RING_SIZE, type XdpSocket } from '../os/xdp_socket.ts';
import { BURST_MAX, FRAME_BYTES_MAX, FRAME_NONE, portCounters, type FramePort, type PortCounters } from './frame_port.ts';

/** Completions are fetched when fewer frames than this are free. */
const FREE_LOW = RING_SIZE / 2;

export class XdpPort implements FramePort {
  readonly kind = 'xdp';
  readonly macHigh: number;
  readonly macLow: number;
  readonly memory: Uint8Array;
  readonly view: DataView;
  readonly #socket: XdpSocket;
  readonly #counters: PortCounters = portCounters();
  readonly #burstAt = new Uint32Array(BURST_MAX);
  readonly #burstBytes = new Uint32Array(BURST_MAX);
  #burst = 0;
  readonly #free = new Uint32Array(RING_SIZE);
  #freeCount = 0;
  #claimed = FRAME_NONE;
  /** The kernel has not taken all that was published. */
  #kickDue = false;
  #open = true;

  constructor(socket: XdpSocket, macHigh: number, macLow: number) {
    this.#socket = socket;
    this.macHigh = macHigh;
    this.macLow = macLow;
    this.memory = socket.memory;
    this.view = new DataView(socket.memory.buffer, socket.memory.byteOffset, socket.memory.length);
    for (let frame = 0; frame < RING_SIZE; frame += 1) {
      socket.fill.put(frame * FRAME_BYTES);
      this.#free[frame] = (RING_SIZE + frame) * FRAME_BYTES;
    }
    this.#freeCount = RING_SIZE;
    socket.fill.publish();
  }

  receive(): number {
    if (!this.#open) return 0;
    const { fill, received } = this.#socket;
    for (let i = 0; i < this.#burst; i += 1) fill.put(this.#burstAt[i] - (this.#burstAt[i] % FRAME_BYTES));
    this.#burst = 0;
    if (fill.publish() && fill.needsWakeup) this.#socket.kickReceive();
    if (this.#kickDue) this.#kick();
    const count = received.peek(BURST_MAX);
    if (count === 0) return 0;
    const counters = this.#counters;
    for (let i = 0; i < count; i += 1) {
      const bytes = received.bytes(i);
      this.#burstAt[i] = received.address(i);
      this.#burstBytes[i] = bytes;
      counters.bytesReceived += bytes;
    }
    counters.framesReceived += count;
    received.release(count);
    this.#burst = count;
    return count;
  }

  frameAt(index: number): number {
    return this.#burstAt[index];
  }

  frameBytes(index: number): number {
    return this.#burstBytes[index];
  }

  claim(): number {
    if (this.#claimed !== FRAME_NONE) return this.#claimed;
    if (this.#freeCount < FREE_LOW) this.#reap();
    if (this.#freeCount === 0 || !this.#open) {
      this.#counters.noFrame += 1;
      if (this.#open) this.#kick();
      return FRAME_NONE;
    }
    this.#freeCount -= 1;
    this.#claimed = this.#free[this.#freeCount];
    return this.#claimed;
  }

  commit(bytes: number): void {
    assert(this.#claimed !== FRAME_NONE && bytes <= FRAME_BYTES_MAX, 'a claimed frame is committed, and fits');
    const { sendRing } = this.#socket;
    assert(sendRing.hasRoom(1), 'the send ring has an entry for every frame');
    sendRing.put(this.#claimed, bytes);
    this.#claimed = FRAME_NONE;
    this.#counters.framesSent += 1;
    this.#counters.bytesSent += bytes;
  }

  flush(): void {
    const { sendRing } = this.#socket;
    if (this.#open && sendRing.publish() && sendRing.needsWakeup) this.#kick();
  }

  #kick(): void {
    // In copy mode the kernel takes so many a call, and none while its own queue is full.
    this.#kickDue = !this.#socket.kickSend() && this.#socket.sendRing.waiting > 0;
  }

  /** Frames that have left are free again. */
  #reap(): void {
    const { completed } = this.#socket;
    for (;;) {
      const count = completed.peek(RING_SIZE);
      if (count === 0) return;
      for (let i = 0; i < count; i += 1) this.#free[this.#freeCount + i] = completed.address(i);
      this.#freeCount += count;
      completed.release(count);
    }
  }

  counters(): PortCounters {
    const { receiveDropped, receiveRingFull, invalidSend } = this.#socket.statistics();
    return { ...this.#counters, receiveDropped: receiveDropped + receiveRingFull, sendDropped: invalidSend };
  }

  get zeroCopy(): boolean {
    return this.#socket.zeroCopy;
  }

  arm(wake: () => void): void {
    if (!this.#open) return;
    if (this.#socket.received.peek(1) > 0) setImmediate(wake);
    else this.#socket.arm(wake);
  }

  disarm(): void {
    this.#socket.disarm();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#burst = 0;
    this.#socket.close();
  }

  /** Of the frames for sending: all are free, claimed, with the kernel, or completed. */
  checkInvariants(): void {
    const seen = new Set<number>();
    for (let i = 0; i < this.#freeCount; i += 1) {
      const at = this.#free[i];
      assert(at % FRAME_BYTES === 0 && at >= RING_SIZE * FRAME_BYTES, 'a free frame is one for sending');
      assert(!seen.has(at), 'a frame is free once');
      seen.add(at);
    }
    assert(this.#claimed === FRAME_NONE || !seen.has(this.#claimed), 'the claimed frame is not free');
  }
}
