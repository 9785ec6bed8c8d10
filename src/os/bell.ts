// Wakes a process that sleeps in Node's event loop: a FIFO with a byte in it.
//
//   sleeper:  Bell.make ─► watch (the event loop calls when it rings) ─► silence
//   others:   BellRope.pull ─► one byte; full or nobody there: nothing to do
//
// A futex wakes a thread that blocks in it, and a thread that blocks hears no signal, timer or socket of its
// event loop; a FIFO is heard by the same epoll as all else. Cost: a pull 1 µs, a wake-up some 20.
import { closeSync, constants as fs, fstatSync, openSync, unlinkSync } from 'node:fs';
import { errnoName, type Libc, loadLibc, type ReadWatch } from './libc.ts';

const OWNER_ONLY = 0o600;
const DRAIN_BYTES = 64;

/** The sleeper's end. */
export class Bell {
  readonly #path: string;
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #drain = new Uint8Array(new ArrayBuffer(DRAIN_BYTES));
  readonly #watch: ReadWatch;
  #open = true;

  /** Makes the FIFO anew; `rung` is called from the event loop while the bell is watched. */
  constructor(path: string, rung: () => void) {
    this.#libc = loadLibc();
    this.#path = path;
    removeBell(path);
    if (this.#libc.mkfifo(path, OWNER_ONLY) < 0) throw new Error(`${path}: a FIFO cannot be made (${errnoName(this.#libc.errno())})`);
    // Open for both, so that it never ends when the last who rang it closes.
    this.#fd = openSync(path, fs.O_RDWR | fs.O_NONBLOCK | fs.O_NOFOLLOW);
    this.#watch = this.#libc.watch(this.#fd, () => {
      while (this.#libc.read(this.#fd, this.#drain, DRAIN_BYTES) === DRAIN_BYTES);
      rung();
    });
  }

  listen(): void {
    this.#watch.start();
  }

  ignore(): void {
    if (this.#open) this.#watch.stop();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#watch.close();
    closeSync(this.#fd);
    removeBell(this.#path);
  }
}

/** The end of those who wake. */
export class BellRope {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #byte = new Uint8Array(new ArrayBuffer(1)).fill(1);

  /** The bell may have gone already: then a pull does nothing. */
  constructor(path: string) {
    this.#libc = loadLibc();
    this.#fd = openBell(path);
  }

  pull(): void {
    if (this.#fd >= 0) this.#libc.write(this.#fd, this.#byte, 1); // full: it has not been heard yet, but will be
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
  }
}

/**
 * For who cleans up behind the dead. What cannot be removed (it is not there, or another user has put it there) stays: it
 * must not stop a clean-up, and whoever hangs a bell there is told.
 */
export function removeBell(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // as said
  }
}

/** −1: nobody there. */
function openBell(path: string): number {
  try {
    const fd = openSync(path, fs.O_WRONLY | fs.O_NONBLOCK | fs.O_NOFOLLOW);
    if (fstatSync(fd).isFIFO()) return fd;
    closeSync(fd);
    return -1;
  } catch {
    return -1;
  }
}
