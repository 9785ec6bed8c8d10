// One book that several threads add to and cancel from: what their threads do, in three ways.
//
//   ring   each pushes 16-byte records into one queue; a single writer applies them (MpmcQueue → MpscConsumer)
//   lock   each applies them by itself, behind a lock in shared memory, one at a time (SharedLock)
//   skip   no lock and no writer: a concurrent skip list, in C (reference/skip_list.c)
//
// Ring and lock have the same book, the core's, over one shared memory. Orders of a thread: number in the thread, on the bid side,
// so that none trades and the orders that are left do not depend on who was faster; the order among equals does.
import { MpmcQueue } from '../src/base/mpmc_queue.ts';
import { SharedLock } from '../src/base/shared_lock.ts';
import { instantiateCore } from '../src/book/core.ts';
import { Waiting } from './queue_loops.ts';
import { loadCLibrary } from './reference/c_library.ts';

export const WAYS = ['ring', 'lock', 'skip'] as const;
export type Way = (typeof WAYS)[number];

export const OP = { kind: 0, number: 1, price: 2, qty: 3, words: 4 } as const;
export const OpKind = { Add: 1, Cancel: 2 } as const;
export const RECORD_BYTES = 4 * OP.words;
/** An id is the number of its thread, from 1, and of the order in it: the core knows no order 0. */
const THREAD_SHIFT = 24;

export function idOf(thread: number, number: number): number {
  return ((thread + 1) << THREAD_SHIFT) | number;
}

/** Words of the control block. Nap is report_control.ts's, and stays 0. */
export const Control = { Round: 0, Way: 1, Ended: 2, Done: 3, Nap: 4, Words: 16 } as const;
export const STOP = -1;

export interface TaskData {
  readonly thread: number;
  readonly control: Int32Array;
  readonly operations: Int32Array;
  readonly memory: WebAssembly.Memory;
  readonly queue: SharedArrayBuffer;
  readonly lock: Int32Array;
}

/** Operations that found what they named. */
export type Task = () => number;

export function tasksOf({ thread, control, operations, memory, queue, lock }: TaskData): Record<Way, Task | null> {
  const core = instantiateCore('core', memory, () => {
    throw new Error('a view writes no events');
  });
  const inC = loadCLibrary('skip_list')?.func('uint32_t skip_run(uint32_t thread, int32_t *ops, uint32_t count)');
  const count = operations.length / OP.words;
  const producer = new MpmcQueue(queue, 0, thread + 1);
  const records = new Int32Array(queue);
  const waiting = new Waiting(control);
  const sharedLock = new SharedLock(lock, 0, thread + 1);
  return {
    ring: () => {
      for (let i = 0; i < count; i++) {
        let at = producer.claim();
        while (at < 0) {
          waiting.again();
          at = producer.claim();
        }
        waiting.done();
        const word = at >>> 2;
        const from = i * OP.words;
        records[word] = operations[from + OP.kind];
        records[word + 1] = idOf(thread, operations[from + OP.number]);
        records[word + 2] = operations[from + OP.price];
        records[word + 3] = operations[from + OP.qty];
        producer.publish(at);
      }
      return 0; // the writer counts
    },
    lock: () => {
      let done = 0;
      for (let from = 0; from < operations.length; from += OP.words) {
        const id = idOf(thread, operations[from + OP.number]);
        if (!sharedLock.acquire()) throw new Error('the lock is broken');
        done += operations[from + OP.kind] === OpKind.Add
          ? core.viewAdd(0, 1, operations[from + OP.price], operations[from + OP.qty], id, 0, id, 0)
          : core.viewCancel(0, id, 0);
        sharedLock.release();
      }
      return done;
    },
    skip: inC === undefined ? null : () => inC(thread, operations, count) as number,
  };
}
