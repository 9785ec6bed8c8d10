// The thread that empties queues: waits for a run, consumes its records, says what they summed up to.
import { workerData } from 'node:worker_threads';
import { pinTo } from './pin.ts';
import { sidesOf, type Kind, type Sides } from './queue_loops.ts';
import { cSidesOf } from './reference/c_queue.ts';
import { CONSUMER_CORE } from './report_control.ts';

/** Words of the control block between the two threads; Nap is report_control.ts's. */
export const Control = { State: 0, Records: 1, Sum: 2, Failed: 3, Nap: 4, Words: 16 } as const;
/** Idle → Start (producer) → Running → Idle (consumer); Stop ends the thread. */
export const State = { Idle: 0, Start: 1, Running: 2, Stop: 3 } as const;

export interface ConsumerData {
  control: Int32Array;
  buffer: SharedArrayBuffer;
  kind: Kind;
  batch: number;
  inC: boolean;
}

function consumeForever({ control, buffer, kind, batch, inC }: ConsumerData): void {
  const sides: Sides | null = inC && kind !== 'mpsc' ? cSidesOf(kind, buffer) : sidesOf(kind, buffer, batch, control);
  if (sides === null) throw new Error('no C compiler');
  pinTo(CONSUMER_CORE);
  for (;;) {
    Atomics.wait(control, Control.State, State.Idle);
    if (Atomics.load(control, Control.State) === State.Stop) return;
    const records = Atomics.load(control, Control.Records);
    Atomics.store(control, Control.State, State.Running);
    try {
      Atomics.store(control, Control.Sum, sides.consume(records));
    } catch (error) {
      Atomics.store(control, Control.Failed, 1);
      throw error;
    } finally {
      Atomics.store(control, Control.State, State.Idle);
      Atomics.notify(control, Control.State);
    }
  }
}

if (workerData !== null) consumeForever(workerData as ConsumerData);
