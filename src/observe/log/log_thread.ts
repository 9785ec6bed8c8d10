// The thread of a log: drains it until it is told to end, then once more.
//
// When there is nothing it backs off: SPINS polls at once, YIELDS that give up the core, then sleeps of 100 µs; after a tenth of a
// second of those it sleeps until the writer's next turn wakes it (Logger.poll), for ten thousand wake-ups a second would be two
// per cent of a core and more. Without such a turn a line comes out at most DEEP_SLEEP_MS later.
import { parentPort, workerData } from 'node:worker_threads';
import { MappedFile } from '../../os/mapped_file.ts';
import { LogDrain, type LogFormat } from './log_drain.ts';
import { LogDescriptor, LogFile } from './log_file.ts';
import { LogControl } from './log_layout.ts';

export interface LogThreadData {
  /** The log's memory, or the file that it lies in. */
  readonly memory: SharedArrayBuffer | string;
  readonly format: LogFormat;
  /** null: stderr. */
  readonly path: string | null;
  /** On stderr: in front of lines. */
  readonly before: string;
  readonly bytesMax: number;
  readonly kept: number;
  /** Of LogControl.Words words. */
  readonly control: Int32Array;
}

const SPINS = 100;
const YIELDS = 1_000;
const SHORT_SLEEPS = 1_000;
const SHORT_SLEEP_MS = 0.1;
const DEEP_SLEEP_MS = 1_000;
const STDERR = 2;

function main({ memory, format, path, before, bytesMax, kept, control }: LogThreadData): void {
  const sink = path === null ? new LogDescriptor(STDERR, before) : new LogFile(path, { bytesMax, kept });
  const drain = new LogDrain(typeof memory === 'string' ? MappedFile.open(memory, true).buffer : memory, sink, format);
  parentPort?.postMessage('running');
  let idle = 0;
  while (Atomics.load(control, LogControl.End) === 0) {
    if (drain.poll() > 0) {
      idle = 0;
      continue;
    }
    idle += 1;
    if (idle <= SPINS) continue;
    // Ends at once when the control word changes.
    if (idle <= SPINS + YIELDS) Atomics.wait(control, LogControl.End, 0, 0);
    else if (idle <= SPINS + YIELDS + SHORT_SLEEPS) Atomics.wait(control, LogControl.End, 0, SHORT_SLEEP_MS);
    else if (sleepDeep(control, drain)) idle = 0;
  }
  drain.close();
}

/** True: there are records again. */
function sleepDeep(control: Int32Array, drain: LogDrain): boolean {
  // Says so first and looks second, while a writer publishes first and looks second: one of the two sees the other.
  Atomics.store(control, LogControl.Asleep, 1);
  const found = drain.poll() > 0;
  if (!found && Atomics.load(control, LogControl.End) === 0) Atomics.wait(control, LogControl.Asleep, 1, DEEP_SLEEP_MS);
  return Atomics.exchange(control, LogControl.Asleep, 0) === 0 || found;
}

main(workerData as LogThreadData);
