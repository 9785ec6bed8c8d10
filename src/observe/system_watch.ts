// Looks at everything of ours that runs on this machine, and says how it is (system_view.ts).
import type { LatencyView, SystemView } from './system_view.ts';

export interface SystemWatchOptions {
  /** Order port of the exchange to watch. Default: the one that was started last. */
  readonly exchangePort?: number;
  /** Where the statistics of processes lie. Default: the user's runtime folder. */
  readonly folder?: string;
}

/** A histogram: upper bounds in ns, rising, and how many values lie up to there from the bound before; empty ones left out. */
export type LatencyCurve = readonly (readonly [upToNs: number, count: number])[];

export class SystemWatch {
  readonly options: SystemWatchOptions;

  constructor(options: SystemWatchOptions = {}) {
    this.options = options;
  }

  /** All that is known now. Made to be called a few times a second; any process may have come or gone meanwhile. */
  look(nowMs: number = Date.now()): SystemView {
    return {
      atMs: nowMs,
      machine: {
        coresBusyPercent: [], memoryTotalBytes: 0, memoryAvailableBytes: 0, interfaces: [],
        network: { packetsReceived: 0, packetsSent: 0, bytesReceived: 0, bytesSent: 0, rxRatePps: 0, txRatePps: 0 },
      },
      processes: [], exchange: null, traders: [],
    };
  }

  /** Order latency of the watched exchange over the window, as a distribution. As of the last look. */
  orderCurve(): LatencyCurve {
    return [];
  }

  /** Its order latency of the last whole second alone; null: nothing was measured in it. As of the last look. */
  lastSecond(): LatencyView | null {
    return null;
  }

  close(): void {}
}
