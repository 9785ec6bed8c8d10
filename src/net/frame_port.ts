// What drives a network interface past the kernel's stack: bursts of Ethernet frames in memory that card (or kernel) and
// program share. AF_XDP (xdp_port.ts), DPDK (dpdk_port.ts) and a cable in memory (frame_cable.ts) are the kinds of it; the
// protocols above are frame_network.ts.
//
//   receive() ─► frames 0 … n−1 at frameAt(i), frameBytes(i) of `memory`     the next receive() gives them back
//   claim() ─► a place in `memory` to write a frame to ─► commit(bytes) ─► flush()
//
// Nothing waits and nothing is allocated after the set-up. One port belongs to one thread.

/** The largest frame without its check sum: 14 of Ethernet and an MTU of 1,500. */
export const FRAME_BYTES_MAX = 1514;
/** The smallest; shorter ones are padded with zeros. */
export const FRAME_BYTES_MIN = 60;
/** Frames of one burst, as DPDK's examples and the kernel's own batches have them. */
export const BURST_MAX = 32;
/** No frame is free to write to: what was sent before has not left yet. */
export const FRAME_NONE = -1;

/** What a port has done since it was opened; counters only rise. */
export interface PortCounters {
  framesReceived: number;
  bytesReceived: number;
  framesSent: number;
  bytesSent: number;
  /** Frames that came and were lost before the program saw them, as far as the system tells. */
  receiveDropped: number;
  /** Frames committed that the system refused. */
  sendDropped: number;
  /** Times that no frame was free to write to. */
  noFrame: number;
}

export function portCounters(): PortCounters {
  return {
    framesReceived: 0, bytesReceived: 0, framesSent: 0, bytesSent: 0, receiveDropped: 0, sendDropped: 0, noFrame: 0,
  };
}

export interface FramePort {
  /** "xdp", "dpdk", "cable". */
  readonly kind: string;
  /** The interface's own address: its first two octets, and the other four. */
  readonly macHigh: number;
  readonly macLow: number;
  /** All frames lie here. */
  readonly memory: Uint8Array;
  readonly view: DataView;
  /** Frames that have come, at most BURST_MAX; those of the last call go back and must not be looked at any more. */
  receive(): number;
  frameAt(index: number): number;
  frameBytes(index: number): number;
  /** Where the next frame may be written, FRAME_BYTES_MAX bytes of it, or FRAME_NONE. The same until it is committed. */
  claim(): number;
  /** The claimed frame is whole: it goes at the next flush, or before. */
  commit(bytes: number): void;
  /** Sees that what was committed leaves. */
  flush(): void;
  /** With what the system counts beside us taken in. */
  counters(): PortCounters;
  /** Calls `wake` from Node's event loop, once, when frames have come; see Network.arm. */
  arm(wake: () => void): void;
  disarm(): void;
  close(): void;
}

/** "02:00:00:00:00:01" as its two parts, or null when it is none. */
export function parseMac(text: string): { high: number; low: number } | null {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return null;
  const hex = text.replaceAll(':', '');
  return { high: parseInt(hex.slice(0, 4), 16), low: parseInt(hex.slice(4), 16) };
}

export function formatMac(high: number, low: number): string {
  const hex = high.toString(16).padStart(4, '0') + (low >>> 0).toString(16).padStart(8, '0');
  return hex.replace(/..(?!$)/g, '$&:');
}
