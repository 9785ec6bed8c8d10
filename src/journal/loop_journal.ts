// A journal in the loop of whoever appends to it, for a process that has one core or wants one thread: `agent` writes and syncs
// when its turn comes. The same batches, files and rules as on a thread of its own (threaded_journal.ts).
//
//   loop:  exchange . poll ─► append, publish    journal . poll ─► seal, write, sync    exchange . poll ─► answers    …
//
// Cost: in mode durable each turn with records waits for the disk, and a new segment is filled with zeros in the turn that begins
// it; smaller segments make that pause shorter.
import { GroupCommit } from './group_commit.ts';
import { JournalQueue, journalShared, JournalState, RING_BYTES_DEFAULT, type JournalFailure, JournalMode } from './journal_queue.ts';
import { payloadBytesIn, SEGMENT_BYTES_DEFAULT } from './segment.ts';
import { type JournalPosition, PAYLOAD_BYTES_DEFAULT } from './segment_writer.ts';
import type { Agent } from '../base/agent.ts';
import type { Clock } from '../base/clock.ts';
import type { Storage } from './storage.ts';
import type { RunningJournal, ThreadedJournalOptions } from './threaded_journal.ts';

export class LoopJournal implements RunningJournal {
  readonly queue: JournalQueue;
  readonly agent: Agent;
  readonly ended: Promise<void>;
  readonly #commit: GroupCommit;
  #end: () => void = () => {};
  #fail: (error: unknown) => void = () => {};

  /** Throws what keeps it from beginning. The caller holds the lock, and polls `agent`. */
  constructor(storage: Storage, position: JournalPosition | null, clock: Clock, options: ThreadedJournalOptions = {}) {
    const { mode = JournalMode.Durable, ringBytes = RING_BYTES_DEFAULT, segmentBytes = SEGMENT_BYTES_DEFAULT, ...rest } = options;
    const shared = journalShared(ringBytes);
    const payloadBytesMax = options.payloadBytesMax ?? Math.min(PAYLOAD_BYTES_DEFAULT, payloadBytesIn(segmentBytes));
    this.queue = new JournalQueue(shared, mode, payloadBytesMax, position === null ? 0 : position.nextSequence - 1);
    this.#commit = new GroupCommit({
      ...rest, shared, storage, mode, position, segmentBytes, payloadBytesMax, nowNs: () => clock.refresh(),
    });
    this.ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
    this.ended.catch(() => {}); // whoever asks gets the error; that nobody has asked yet is no fault
    // Whatever there is to write was appended in the turn at hand.
    this.agent = { name: 'journaled', poll: () => this.#poll(), dueNs: () => Infinity };
  }

  get failure(): JournalFailure | null {
    return this.queue.failure;
  }

  /** Everything appended and published is synced and the last record written when this resolves. */
  async stop(timeNs: number): Promise<void> {
    if (this.queue.state === JournalState.Running) {
      this.queue.requestStop(timeNs);
      while (this.#poll() > 0);
      this.#guarded(() => this.#commit.stop());
      this.#end();
    }
    await this.ended;
  }

  /** After a failure, which stands in the queue too, nothing more is done. */
  #poll(): number {
    return this.queue.state === JournalState.Running ? this.#guarded(() => this.#commit.poll()) : 0;
  }

  #guarded<T>(action: () => T): T | 0 {
    try {
      return action();
    } catch (error) {
      this.#fail(error);
      return 0;
    }
  }
}
