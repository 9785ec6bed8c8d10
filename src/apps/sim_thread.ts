// A thread that judges seeds, one after the other, as `outcry sim` hands them out (sim.ts).
//
//   { seed } ─► checkSeed ─► SeedReport ─► … until the message is null
import { parentPort, workerData } from 'node:worker_threads';
import { judge, type SimTask } from './sim_report.ts';

const task = workerData as SimTask;
const port = parentPort;
if (port !== null) {
  port.on('message', (seed: number | null) => {
    if (seed === null) return port.close();
    void judge(seed, task).then((report) => port.postMessage(report));
  });
}
