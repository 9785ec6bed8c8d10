// The journal of `outcry exchange`: opened and recovered before the exchange, begun with it, ended
// after it.
//
//   lock ─► recover ─► Exchange.open (replay) ─► threads ─► Start record ─► … ─► settled ─► Stop ─► snapshot
//                                                             └─ every so many commands: snapshot_thread.ts
//
// What keeps a journal from being used ends the program with EXIT_JOURNAL, before anything was changed.
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Agent } from '../base/agent.ts';
import type { Clock } from '../base/clock.ts';
import { wallClockMs } from '../base/clock.ts';
import { chores } from '../base/chores.ts';
import { C } from '../exchange/counters.ts';
import type { Exchange, ExchangeRecovery } from '../exchange/exchange.ts';
import { JournalConfigError } from '../exchange/journal_origin.ts';
import { type SnapshotMade, type SnapshotPolicy, storeSnapshot } from '../exchange/make_snapshot.ts';
import { FileStorage } from '../journal/file_storage.ts';
import type { JournalFailure, JournalQueue } from '../journal/journal_queue.ts';
import { JournalDamagedError } from '../journal/reader.ts';
import { type Recovered, recover } from '../journal/recovery.ts';
import { JournalDivergedError } from '../journal/replay.ts';
import { JournalFailedError } from '../journal/segment_writer.ts';
import { listSnapshots } from '../journal/snapshot.ts';
import { StorageError } from '../journal/storage.ts';
import { LoopJournal } from '../journal/loop_journal.ts';
import { type RunningJournal, ThreadedJournal, type ThreadedJournalOptions } from '../journal/threaded_journal.ts';
import type { JournalConfig } from './config_journal.ts';
import { EXIT_JOURNAL, ExitError } from './exit_error.ts';
import { counted } from './shown_text.ts';
import type { SnapshotThreadData } from './snapshot_thread.ts';

const SNAPSHOT_LOOK_MS = 250;
/** Between two looks for what is left to become safe. */
const SETTLE_MS = 1;
/** Shorter replays say nothing on the way. */
const PROGRESS_MS = 1_000;

export type Say = (line: string, level?: 'info' | 'warn' | 'error') => void;

export class ExchangeJournal {
  readonly #config: JournalConfig;
  readonly #storage: FileStorage;
  readonly #recovered: Recovered;
  readonly #say: Say;
  readonly #openedMs = wallClockMs();
  #journal: RunningJournal | null = null;
  #failure: JournalFailure | null = null;
  #lookForSnapshot: () => void = () => {};
  #snapshotAt = 0;
  #making: Worker | null = null;

  /** Locks the directory and makes its journal whole; an ExitError where that cannot be. */
  static open(config: JournalConfig, say: Say): ExchangeJournal {
    return guarded(() => {
      const storage = new FileStorage(config.directory, { create: true });
      try {
        storage.lock();
        // A snapshot testifies to everything before it.
        const ackedSequence = listSnapshots(storage)[0] ?? 0;
        return new ExchangeJournal(config, storage, recover(storage, { ackedSequence }), say);
      } catch (error) {
        storage.close();
        throw error;
      }
    });
  }

  private constructor(config: JournalConfig, storage: FileStorage, recovered: Recovered, say: Say) {
    this.#config = config;
    this.#storage = storage;
    this.#recovered = recovered;
    this.#say = say;
    const { cut, cleaned } = recovered;
    for (const { file, offset, bytes, reason, keptAs } of cut === null ? cleaned : [cut, ...cleaned])
      say(
        `journal: ${bytes} bytes of ${file} at ${offset} were never acknowledged (${reason}): ` +
          `cut, kept as ${keptAs}`,
        'warn',
      );
  }

  /** For `Exchange.open`. */
  get recovery(): ExchangeRecovery {
    let toldMs = wallClockMs();
    return {
      storage: this.#storage,
      onProgress: (sequence) => {
        if (wallClockMs() - toldMs < PROGRESS_MS) return;
        toldMs = wallClockMs();
        const { lastSequence } = this.#recovered;
        const percent = Math.floor((100 * sequence) / lastSequence);
        this.#say(`journal: executing again, sequence ${sequence} of ${lastSequence} (${percent} %)`);
      },
    };
  }

  /** Runs `open`, a recovery with this journal. */
  async replayed(open: () => Promise<Exchange>): Promise<Exchange> {
    try {
      const exchange = await open();
      for (const alarm of exchange.recovered?.alarms ?? []) this.#say(`journal: ALARM: ${alarm}`, 'error');
      return exchange;
    } catch (error) {
      this.#storage.close();
      throw asExit(error);
    }
  }

  /** What was found, for the banner. */
  foundText(exchange: Exchange): string {
    const { recovered } = exchange;
    const { directory, durability } = this.#config;
    if (recovered === null || recovered.lastSequence === 0) return `${durability}, begun in ${directory}`;
    const ms = wallClockMs() - this.#openedMs;
    const from =
      recovered.snapshotSequence === 0 ? '' : `snapshot ${recovered.snapshotSequence} and `;
    return (
      `${durability}, ${directory}: ${from}${counted(recovered.records, 'record')} executed again in ` +
      `${Math.round(ms)} ms, ${recovered.hashesCompared === 1 ? '1 hash agrees' : `${recovered.hashesCompared} hashes agree`}, ` +
      (this.#recovered.stoppedCleanly ? 'ended in good order' : 'after a crash')
    );
  }

  /** Begins to write: on threads of its own, or in the exchange's loop (`agent`). `onFailed`: the exchange must end. */
  async start(exchange: Exchange, clock: Clock, thread: 'dedicated' | 'shared', onFailed: () => void): Promise<void> {
    const { durability, segmentBytes, queueBytes, hashInterval, snapshotInterval } = this.#config;
    const options: ThreadedJournalOptions = {
      mode: durability,
      segmentBytes,
      ringBytes: queueBytes,
      payloadBytesMax: Math.min(1 << 20, queueBytes >>> 2, segmentBytes >>> 1),
    };
    const { position } = this.#recovered;
    try {
      this.#journal = thread === 'shared'
        ? new LoopJournal(this.#storage, position, clock, options)
        : await ThreadedJournal.start(this.#storage.name, position, options);
    } catch (error) {
      this.#storage.close();
      throw asExit(error);
    }
    this.#journal.ended.catch((error: unknown) => {
      this.#failure ??= this.#journal?.failure ?? failureOf(error);
      onFailed();
    });
    exchange.startJournal({
      queue: this.#journal.queue,
      nowNs: clock.refresh(),
      wallClockMs: wallClockMs(),
      program: 'outcry exchange',
      hashInterval,
    });
    await this.#begun(this.#journal, clock);
    if (snapshotInterval > 0) this.#lookForSnapshots(exchange);
  }

  /** The first records are safe: the sessions' name is known to the next start before anybody hears it. */
  async #begun({ queue, ended, agent }: RunningJournal, clock: Clock): Promise<void> {
    while (queue.ackableSequence < queue.lastSequence && !queue.failed) {
      agent?.poll(clock.nowNs);
      await Promise.race([sleep(SETTLE_MS), ended]).catch(() => {});
    }
    if (queue.failure === null) return;
    this.#storage.close();
    throw new ExitError(failureText(queue.failure), EXIT_JOURNAL);
  }

  get queue(): JournalQueue | null {
    return this.#journal?.queue ?? null;
  }

  /** Behind the exchange in its loop; null: the journal has threads of its own. */
  get agent(): Agent | null {
    return this.#journal?.agent ?? null;
  }

  /** The exchange's own notice comes first, when its thread runs. */
  failed(failure: JournalFailure): void {
    this.#failure ??= failure;
  }

  /** The end in good order: everything told, the last record, a snapshot. Throws an ExitError after a failure. */
  async finish(exchange: Exchange, clock: Clock): Promise<void> {
    chores.drop(this.#lookForSnapshot);
    exchange.endIntake();
    do {
      exchange.poll(clock.refresh());
      this.agent?.poll(clock.nowNs);
    } while (!this.#settled(exchange) && (await sleep(SETTLE_MS, true)));
    exchange.close(clock.refresh());
    await this.#making?.terminate();
    try {
      if (this.#failure === null) await this.#stop(exchange, clock);
    } catch (error) {
      this.#failure ??= failureOf(error);
    } finally {
      this.#storage.close();
    }
    if (this.#failure !== null) throw new ExitError(failureText(this.#failure), EXIT_JOURNAL);
  }

  #settled(exchange: Exchange): boolean {
    return exchange.settled || this.#failure !== null;
  }

  async #stop(exchange: Exchange, clock: Clock): Promise<void> {
    const journal = this.#journal;
    if (journal === null) return;
    const last = journal.queue.lastSequence;
    await journal.stop(clock.refresh());
    exchange.refreshFigures(clock.refresh());
    try {
      storeSnapshot(this.#storage, exchange, last, this.#policy);
    } catch (error) {
      // The journal is whole: the next start only takes longer.
      if (!(error instanceof StorageError)) throw error;
      this.#say(`journal: no snapshot at the end: ${error.message}`, 'warn');
    }
  }

  get #policy(): SnapshotPolicy {
    const { snapshotsKept, removeSegments } = this.#config;
    return { keep: snapshotsKept, removeSegments };
  }

  /** Seldom where no command has come since the last look. */
  #lookForSnapshots(exchange: Exchange): void {
    let seen = 0;
    const look = (): void => {
      const commands = exchange.counters.values[C.commands];
      this.#snapshotWhenDue(exchange, commands);
      if (commands === seen) chores.planSeldom(look);
      else chores.plan(look, SNAPSHOT_LOOK_MS);
      seen = commands;
    };
    this.#lookForSnapshot = look;
    look();
  }

  #snapshotWhenDue(exchange: Exchange, commands: number): void {
    const journal = this.#journal;
    if (journal === null || this.#making !== null || journal.queue.failed) return;
    if (commands - this.#snapshotAt < this.#config.snapshotInterval) return;
    this.#snapshotAt = commands;
    const data: SnapshotThreadData = {
      directory: this.#storage.name,
      config: exchange.config,
      through: journal.queue.durableSequence,
      policy: this.#policy,
    };
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./snapshot_thread.${extension}`, import.meta.url), {
      workerData: data,
    });
    this.#making = worker;
    worker.once('message', ({ sequence, hash, alarms }: SnapshotMade) => {
      exchange.counters.values[C.journal_snapshots] += 1;
      for (const alarm of alarms) this.#say(`journal: ALARM: ${alarm}`, 'error');
      if (!journal.queue.failed) exchange.journal?.snapshotMark(sequence, hash);
    });
    worker.once('error', (error: Error) => this.#say(`journal: no snapshot was made: ${error.message}`, 'error'));
    worker.once('exit', () => (this.#making = null));
  }
}

function guarded<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw asExit(error);
  }
}

/** What is wrong with a journal is an exit code of its own; all else stays what it is. */
function asExit(error: unknown): unknown {
  const known =
    error instanceof JournalDamagedError ||
    error instanceof JournalDivergedError ||
    error instanceof JournalConfigError ||
    error instanceof JournalFailedError ||
    error instanceof StorageError;
  return known ? new ExitError(error.message, EXIT_JOURNAL, { cause: error }) : error;
}

function failureOf(error: unknown): JournalFailure {
  const { code, message } = error as { code?: string; message?: string };
  return { code: code ?? 'EUNKNOWN', message: message ?? String(error) };
}

function failureText({ message }: JournalFailure): string {
  return (
    `${message}. Nothing has been acknowledged since; what was acknowledged before is in the journal. ` +
    'Make room or replace the disk, then start again'
  );
}
