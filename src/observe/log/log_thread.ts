// The thread of a log: drains it until it is told to end, then once more.
//
// When there is nothing it backs off: SPINS polls at once, YIELDS that give up the core, then sleeps of 100 µs; after a tenth of a
// second of those, sleeps of 20 ms, for ten thousand wake-ups a second would be two per cent of a core. A line comes out at most so much later.
import { parentPort, workerData } from 'node:worker_threads';
import { MappedFile } from '../../os/mapped_file.ts';
import { LogDrain, type LogFormat } from './log_drain.ts';
import { LogDescriptor, LogFile } from './log_file.ts';

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
  /** Word 0: not 0, and the thread ends. */
  readonly control: Int32Array;
}

const SPINS = 100;
const YIELDS = 1_000;
const SHORT_SLEEPS = 1_000;
const SHORT_SLEEP_MS = 0.1;
const LONG_SLEEP_MS = 20;
const STDERR = 2;

function main({ memory, format, path, before, bytesMax, kept, control }: LogThreadData): void {
  const sink = path === null ? new LogDescriptor(STDERR, before) : new LogFile(path, { bytesMax, kept });
  const drain = new LogDrain(typeof memory === 'string' ? MappedFile.open(memory, true).buffer : memory, sink, format);
  parentPort?.postMessage('running');
  let idle = 0;
  while (Atomics.load(control, 0) === 0) {
    if (drain.poll() > 0) {
      idle = 0;
      continue;
    }
    idle += 1;
    if (idle <= SPINS) continue;
    // Ends at once when the control word changes.
    if (idle <= SPINS + YIELDS) Atomics.wait(control, 0, 0, 0);
    else Atomics.wait(control, 0, 0, idle <= SPINS + YIELDS + SHORT_SLEEPS ? SHORT_SLEEP_MS : LONG_SLEEP_MS);
  }
  drain.close();
}

main(workerData as LogThreadData);
