// The thread that empties queues: waits for a run, consumes its records, says what they summed up to.
import { workerData } from 'node:worker_threads';
import { pinTo } from './pin.ts';
import { sidesOf, type Kind, type Sides } from './queue_loops.ts';
import { isRecordKind, type RecordKind, recordSides } from './queue_records.ts';
import { cSidesOf } from './reference/c_queue.ts';
import { CONSUMER_CORE } from './report_control.ts';
import { Control, State } from './two_threads.ts';

export interface ConsumerData {
  control: Int32Array;
  buffer: SharedArrayBuffer;
  kind: Kind | RecordKind;
  batch: number;
  inC: boolean;
}

function sidesFor({ control, buffer, kind, batch, inC }: ConsumerData): Sides | null {
  if (isRecordKind(kind)) return recordSides(kind, buffer, batch, control);
  return inC && kind !== 'mpsc' ? cSidesOf(kind, buffer) : sidesOf(kind, buffer, batch, control);
}

function consumeForever({ control, buffer, kind, batch, inC }: ConsumerData): void {
  const sides = sidesFor({ control, buffer, kind, batch, inC });
  if (sides === null) throw new Error('no C compiler');
  pinTo(CONSUMER_CORE);
  for (;;) {
    Atomics.wait(control, Control.State, State.Idle);
    if (Atomics.load(control, Control.State) === State.Stop) return;
    const records = Atomics.load(control, Control.Records);
    Atomics.store(control, Control.State, State.Running);
    Atomics.store(control, Control.Sum, 0);
    try {
      Atomics.store(control, Control.Sum, sides.consume(records));
    } finally {
      Atomics.store(control, Control.State, State.Idle); // also when a record was wrong: nobody waits for ever
    }
  }
}

if (workerData !== null) consumeForever(workerData as ConsumerData);
