// A frame port over DPDK (os/dpdk.ts): which buffer is whose.
//
//   receiving:  pool ─► driver ─► burst ─► pool
//   sending:    pool ─► taken (32 at a time) ─► claimed ─► pending ─► driver ─► pool
//
// Back-pressure: the driver takes fewer than are pending; with a burst pending nothing more can be claimed. A frame that
// goes on in a second buffer (none does with an MTU of 1,500 and buffers of 2,048) is dropped and counted.
// There is no descriptor to sleep on: DPDK's drivers are polled. Armed, a timer looks every ARMED_MS.
import { assert } from '../base/assert.ts';
import type { AddressList, DpdkEthernet, DpdkPool } from '../os/dpdk.ts';
import { BURST_MAX, FRAME_BYTES_MAX, FRAME_NONE, portCounters, type FramePort, type PortCounters } from './frame_port.ts';

const ARMED_MS = 1;
const BUFFER_NONE = -1;

export class DpdkPort implements FramePort {
  readonly kind = 'dpdk';
  readonly macHigh: number;
  readonly macLow: number;
  readonly memory: Uint8Array;
  readonly view: DataView;
  readonly #ethernet: DpdkEthernet;
  readonly #pool: DpdkPool;
  readonly #counters: PortCounters = portCounters();
  readonly #burst: AddressList;
  readonly #at = new Uint32Array(BURST_MAX);
  readonly #bytes = new Uint32Array(BURST_MAX);
  #burstCount = 0;
  #burstWhole = true;
  readonly #taken: AddressList;
  #takenCount = 0;
  #claimed = BUFFER_NONE;
  readonly #pending: AddressList;
  #pendingCount = 0;
  #timer: NodeJS.Timeout | null = null;
  #open = true;

  constructor(ethernet: DpdkEthernet, pool: DpdkPool) {
    this.#ethernet = ethernet;
    this.#pool = pool;
    this.macHigh = ethernet.macHigh;
    this.macLow = ethernet.macLow;
    this.memory = pool.memory;
    this.view = pool.view;
    this.#burst = pool.list(BURST_MAX);
    this.#taken = pool.list(BURST_MAX);
    this.#pending = pool.list(BURST_MAX);
  }

  receive(): number {
    if (!this.#open) return 0;
    this.#giveBack();
    if (this.#pendingCount > 0) this.flush();
    const count = this.#ethernet.receive(this.#burst, BURST_MAX);
    this.#burstCount = count;
    if (count === 0) return 0;
    const counters = this.#counters;
    counters.framesReceived += count;
    const pool = this.#pool;
    for (let i = 0; i < count; i += 1) {
      const buffer = this.#burst.get(i);
      const whole = pool.isWhole(buffer);
      this.#at[i] = pool.dataAt(buffer);
      this.#bytes[i] = whole ? pool.dataBytes(buffer) : 0; // nothing of it is looked at
      counters.bytesReceived += this.#bytes[i];
      if (whole) continue;
      counters.receiveDropped += 1;
      this.#burstWhole = false;
    }
    return count;
  }

  #giveBack(): void {
    if (this.#burstCount === 0) return;
    if (this.#burstWhole) this.#pool.give(this.#burst, this.#burstCount);
    else this.#pool.free(this.#burst, this.#burstCount);
    this.#burstCount = 0;
    this.#burstWhole = true;
  }

  frameAt(index: number): number {
    return this.#at[index];
  }

  frameBytes(index: number): number {
    return this.#bytes[index];
  }

  claim(): number {
    if (this.#claimed !== BUFFER_NONE) return this.#pool.roomAt(this.#claimed);
    if (this.#pendingCount === BURST_MAX) this.flush();
    if (this.#takenCount === 0 && this.#open && this.#pool.take(this.#taken, BURST_MAX)) this.#takenCount = BURST_MAX;
    if (!this.#open || this.#pendingCount === BURST_MAX || this.#takenCount === 0) {
      this.#counters.noFrame += 1;
      return FRAME_NONE;
    }
    this.#takenCount -= 1;
    this.#claimed = this.#taken.get(this.#takenCount);
    return this.#pool.roomAt(this.#claimed);
  }

  commit(bytes: number): void {
    assert(this.#claimed !== BUFFER_NONE && bytes <= FRAME_BYTES_MAX, 'a claimed frame is committed, and fits');
    this.#pool.reset(this.#claimed, bytes);
    this.#pending.set(this.#pendingCount, this.#claimed);
    this.#pendingCount += 1;
    this.#claimed = BUFFER_NONE;
    this.#counters.framesSent += 1;
    this.#counters.bytesSent += bytes;
  }

  flush(): void {
    if (this.#pendingCount === 0 || !this.#open) return;
    const sent = this.#ethernet.send(this.#pending, this.#pendingCount);
    if (sent > 0 && sent < this.#pendingCount) this.#pending.shift(sent, this.#pendingCount - sent);
    this.#pendingCount -= sent;
  }

  counters(): PortCounters {
    const { missed, receiveErrors, noBuffer, sendErrors } = this.#ethernet.statistics();
    return {
      ...this.#counters, receiveDropped: this.#counters.receiveDropped + missed + receiveErrors + noBuffer,
      sendDropped: sendErrors,
    };
  }

  arm(wake: () => void): void {
    if (!this.#open) return;
    this.disarm();
    this.#timer = setTimeout(wake, ARMED_MS);
  }

  disarm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** All buffers that are ours go back to the pool; then the port stops. */
  close(): void {
    if (!this.#open) return;
    this.disarm();
    this.flush();
    this.#giveBack();
    this.#pool.give(this.#taken, this.#takenCount);
    if (this.#claimed !== BUFFER_NONE) {
      this.#pending.set(this.#pendingCount, this.#claimed);
      this.#pendingCount += 1;
    }
    this.#pool.give(this.#pending, this.#pendingCount);
    this.#open = false;
    this.#ethernet.close();
  }
}
