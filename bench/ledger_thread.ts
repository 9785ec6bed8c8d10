// The second thread of bench/ledger.ts: on a signal it orders as many times as the first one.
import { workerData } from 'node:worker_threads';
import { SharedLedger } from '../src/trader/shared_ledger.ts';
import { CounterLedger, orders } from './ledger_loops.ts';
import { pinTo } from './pin.ts';
import { CONSUMER_CORE } from './report_control.ts';
import { Control, State } from './two_threads.ts';

export interface LedgerThreadData {
  control: Int32Array;
  ledger: SharedArrayBuffer;
  counters: SharedArrayBuffer;
}

function orderForever({ control, ledger: ledgerBuffer, counters }: LedgerThreadData): void {
  const ledger = new SharedLedger(ledgerBuffer, 0);
  const counter = new CounterLedger(counters);
  pinTo(CONSUMER_CORE);
  for (;;) {
    Atomics.wait(control, Control.State, State.Idle);
    if (Atomics.load(control, Control.State) === State.Stop) return;
    // Below zero: the counters instead of the ledger.
    const count = Atomics.load(control, Control.Records);
    Atomics.store(control, Control.State, State.Running);
    Atomics.store(control, Control.Sum, count > 0 ? orders(ledger, count) : orders(counter, -count));
    Atomics.store(control, Control.State, State.Idle);
  }
}

if (workerData !== null) orderForever(workerData as LedgerThreadData);
