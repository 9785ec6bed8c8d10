// What the machine does: cores, memory, network interfaces. From Linux' files under /proc; elsewhere from Node, which knows no
// traffic of interfaces.
//
// Read at most once a second, some 0.1 ms; looks in between get the same figures.
import { readFileSync } from 'node:fs';
import { cpus, freemem, totalmem } from 'node:os';
import type { InterfaceView, MachineView, NetworkStats } from './system_view.ts';

const READ_MS = 1_000;

interface CoreTimes {
  /** In the system's ticks, whatever they are. */
  readonly busy: number;
  readonly all: number;
}

interface Reading {
  readonly atMs: number;
  readonly cores: readonly CoreTimes[];
  readonly network: Omit<NetworkStats, 'rxRatePps' | 'txRatePps'>;
}

export class MachineWatch {
  readonly #proc: string;
  #before: Reading | null = null;
  #view: MachineView | null = null;

  /** `proc`: where the system's files are. */
  constructor(proc = '/proc') {
    this.#proc = proc;
  }

  /** `nowMs` rises steadily. */
  look(nowMs: number): MachineView {
    if (this.#view !== null && this.#before !== null && nowMs - this.#before.atMs < READ_MS) return this.#view;
    const interfaces = interfacesOf(this.#text('net/dev'));
    const now: Reading = { atMs: nowMs, cores: coresOf(this.#text('stat')), network: totalOf(interfaces) };
    const before = this.#before;
    const perSecond = (which: 'packetsReceived' | 'packetsSent'): number =>
      before === null ? 0 : (Math.max(0, now.network[which] - before.network[which]) * 1_000) / (nowMs - before.atMs);
    this.#view = {
      coresBusyPercent: now.cores.map((core, index) => busyPercent(core, before?.cores[index])),
      ...memoryOf(this.#text('meminfo')),
      interfaces,
      network: { ...now.network, rxRatePps: perSecond('packetsReceived'), txRatePps: perSecond('packetsSent') },
    };
    this.#before = now;
    return this.#view;
  }

  /** '' where the system has no such file. */
  #text(name: string): string {
    try {
      return readFileSync(`${this.#proc}/${name}`, 'latin1');
    } catch {
      return '';
    }
  }
}

/** Since `before`; the first time since the machine started. */
function busyPercent(now: CoreTimes, before: CoreTimes = { busy: 0, all: 0 }): number {
  const all = now.all - before.all;
  return all <= 0 ? 0 : Math.min(100, Math.max(0, (100 * (now.busy - before.busy)) / all));
}

/** Lines `cpu0 user nice system idle iowait irq softirq steal …`; guests are in user already. */
function coresOf(stat: string): CoreTimes[] {
  if (stat === '') {
    return cpus().map(({ times: { user, nice, sys, idle, irq } }) => ({ busy: user + nice + sys + irq, all: user + nice + sys + irq + idle }));
  }
  return [...stat.matchAll(/^cpu\d+ (.*)$/gm)].map(([, columns]) => {
    const [user, nice, system, idle, iowait = 0, irq = 0, softirq = 0, steal = 0] = columns.split(' ').map(Number);
    const busy = user + nice + system + irq + softirq + steal;
    return { busy, all: busy + idle + iowait };
  });
}

function memoryOf(meminfo: string): Pick<MachineView, 'memoryTotalBytes' | 'memoryAvailableBytes'> {
  const bytes = (name: string): number | null => {
    const found = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(meminfo);
    return found === null ? null : Number(found[1]) * 1_024;
  };
  return { memoryTotalBytes: bytes('MemTotal') ?? totalmem(), memoryAvailableBytes: bytes('MemAvailable') ?? freemem() };
}

/** Lines `name: bytes packets errs drop fifo frame compressed multicast` received, and the same sent. */
function interfacesOf(dev: string): InterfaceView[] {
  return [...dev.matchAll(/^ *([^\s:]+): *(\d.*)$/gm)].map(([, name, columns]) => {
    const numbers = columns.trim().split(/\s+/).map(Number);
    return {
      name, receivedBytes: numbers[0], sentBytes: numbers[8], receivedPackets: numbers[1], sentPackets: numbers[9],
      dropped: numbers[3] + numbers[11],
    };
  });
}

function totalOf(interfaces: readonly InterfaceView[]): Reading['network'] {
  const sum = (of: (one: InterfaceView) => number): number => interfaces.reduce((total, one) => total + of(one), 0);
  return {
    packetsReceived: sum((one) => one.receivedPackets), packetsSent: sum((one) => one.sentPackets),
    bytesReceived: sum((one) => one.receivedBytes), bytesSent: sum((one) => one.sentBytes),
  };
}
