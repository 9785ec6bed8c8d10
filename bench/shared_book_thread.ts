// A thread of the benchmark `shared-book`: waits for a round, does its operations in the way that was asked for.
import { workerData } from 'node:worker_threads';
import { Control, STOP, type TaskData, tasksOf, WAYS } from './shared_book_tasks.ts';

function work(data: TaskData): void {
  const { control } = data;
  const tasks = tasksOf(data);
  for (let round = 0; ; ) {
    Atomics.wait(control, Control.Round, round);
    round = Atomics.load(control, Control.Round);
    if (round === STOP) return;
    const task = tasks[WAYS[Atomics.load(control, Control.Way)]];
    if (task !== null) Atomics.add(control, Control.Done, task());
    Atomics.add(control, Control.Ended, 1);
  }
}

work(workerData as TaskData);
