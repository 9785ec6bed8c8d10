// Every decoder against inputs that have a form and one to three mistakes in it; the list of decoders.
// Run by decoders.test.ts; by hand:
//   node bin/node26.mjs test/fuzz/decoders.fuzz.ts [decoder | all] [inputs] [first seed]
//
// A decoder that hangs is killed by a thread that sees no progress, with the seed in its last words.
import { Worker } from 'node:worker_threads';
import { EXCHANGE_TARGETS } from './exchange_targets.ts';
import { FEED_TARGETS } from './feed_targets.ts';
import { FILE_TARGETS } from './file_targets.ts';
import { JSON_TARGETS } from './json_targets.ts';
import { LINE_TARGETS } from './line_targets.ts';
import { RECORDING_TARGETS } from './recording_targets.ts';
import { ENTRY_TARGETS } from './entry_targets.ts';
import { fuzz, type FuzzFigures, type Target } from './target.ts';
import { CODEC_TARGET, DATAGRAM_TARGET, FRAMING_TARGET } from './wire_targets.ts';

export const TARGETS: readonly Target[] = [
  CODEC_TARGET, FRAMING_TARGET, DATAGRAM_TARGET, ...EXCHANGE_TARGETS, ...ENTRY_TARGETS, ...FEED_TARGETS, ...FILE_TARGETS, ...RECORDING_TARGETS,
  ...LINE_TARGETS, ...JSON_TARGETS,
];

/** An input takes milliseconds; a machine that others use may stand still for seconds. */
const HANGS_MS = 60_000;

/** Looks whether the number at `shared[0]` still moves; after HANGS_MS without, the process ends. */
const WATCHER = `
const { workerData, parentPort } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const { shared, hangsMs } = workerData;
let last = -1;
let sinceMs = Date.now();
parentPort.on('message', (name) => { globalThis.target = name; last = -1; });
setInterval(() => {
  const now = Atomics.load(shared, 0);
  if (now !== last) { last = now; sinceMs = Date.now(); return; }
  if (now < 0 || Date.now() - sinceMs < hangsMs) return;
  writeSync(2, 'decoder ' + globalThis.target + ' hangs at seed ' + now + '\\n');
  process.kill(process.pid, 'SIGKILL');
}, 500);
`;

/** Watches runs of decoders until it is closed. */
export class Watch {
  readonly #shared = new Int32Array(new SharedArrayBuffer(4)).fill(-1);
  readonly #worker: Worker;

  constructor(hangsMs: number = HANGS_MS) {
    this.#worker = new Worker(WATCHER, { eval: true, workerData: { shared: this.#shared, hangsMs } });
    this.#worker.unref();
  }

  async fuzz(target: Target, inputs: number, seed: number): Promise<FuzzFigures> {
    this.#worker.postMessage(target.name);
    const figures = await fuzz(target, inputs, seed, (at) => Atomics.store(this.#shared, 0, at));
    Atomics.store(this.#shared, 0, -1);
    return figures;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

if (import.meta.main) {
  const [name = 'all', inputs = '1000', seed = '1'] = process.argv.slice(2);
  const chosen = TARGETS.filter((target) => name === 'all' || target.name === name);
  if (chosen.length === 0) throw new RangeError(`decoder: expected all, ${TARGETS.map((target) => target.name).join(', ')}, was ${name}`);
  const watch = new Watch();
  for (const target of chosen) {
    const startMs = performance.now();
    const figures = await watch.fuzz(target, Number(inputs), Number(seed));
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    process.stdout.write(
      `${target.name.padEnd(16)} ${figures.inputs} inputs, ${figures.corpus} of the corpus, ${figures.bytes} bytes, ` +
      `${figures.mutations.size} kinds of mutation, ${seconds} s\n`,
    );
  }
  await watch.close();
}
