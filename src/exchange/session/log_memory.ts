// The memory that all outbound logs hold together.
//
// A log has a cap of its own, but there are as many logs as clients, and who wants to harm can be many. So growth is
// granted from one account. When it is used up, what is kept only so that somebody could resume goes first, largest log
// first; what nobody can spare stays, and a log that then still wants to grow is full: its reader is slow, and closed as such.
// A small log may always grow, so that whoever reads what he is sent never notices the others.
//
// Limit: bytesMax, and LOG_BYTES_FREE a client beyond. Cost: growth doubles, so it is asked for rarely; refused logs ask again
// only after as many messages as they hold.
import type { OutboundLog } from './outbound_log.ts';

/** Up to here a log grows whatever the others hold: some 1,400 answers, more than a turn gives one client. */
export const LOG_BYTES_FREE = 64 * 1024;

export class LogMemory {
  readonly bytesMax: number;
  /** Held by all logs now. */
  bytes = 0;
  readonly #logs = new Set<OutboundLog>();

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  add(log: OutboundLog): void {
    this.#logs.add(log);
  }

  /** The log is not used any more. */
  remove(log: OutboundLog): void {
    if (this.#logs.delete(log)) this.bytes -= log.bytes;
  }

  /** Whether `log` may hold `more` bytes than now. Others may lose what has been sent already. */
  grant(log: OutboundLog, more: number): boolean {
    if (this.bytes + more <= this.bytesMax) return true;
    const others = [...this.#logs].filter((other) => other !== log);
    others.sort((a, b) => b.bytes - a.bytes);
    for (const other of others) {
      other.trim();
      if (this.bytes + more <= this.bytesMax) return true;
    }
    return log.bytes + more <= LOG_BYTES_FREE;
  }
}
