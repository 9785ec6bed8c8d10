// Has V8 settle its heap once a process has started: nothing that it does later makes the process larger.
//
// Two things of V8 move a process's size long after its start, by megabytes at a time, and look like leaks:
//
//   young generation   doubles when as much as it holds has survived since it doubled last. A little survives each collection, so
//                      after enough of them it doubles, from 2 × 1 MiB up to 2 × 16: under full load a step of 3 MB came after
//                      seven minutes. It is given its size when the process begins, and its growth factor is made 1
//   start-up garbage   sources, compiler's data and modules' first objects, some 20 MB, stay until the old generation is
//                      collected, which a process that makes little garbage puts off for minutes, and then pauses amid its work
//                      (60 ms on a busy machine). They are collected here
//
// Cost: full collections of 30 to 60 ms together, before the first message. Threads that run keep the size that they have.
// Limit: without YOUNG_GENERATION_FLAG the young generation is held at the least that V8 begins with, and is collected
// four times as often.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Of Node's command line: 2 × 4 MiB from the start. What a collection costs is what survives, next to nothing here, so fewer are
 * better; sixteen would take 24 MB more, and no order was answered sooner.
 */
export const YOUNG_GENERATION_FLAG = '--min-semi-space-size=4';

/** Of every process of ours: what bin/node26.mjs, which runs on any Node, gives to those that it starts. */
export const NODE_FLAGS: readonly string[] = ['--disable-warning=ExperimentalWarning', YOUNG_GENERATION_FLAG];

interface CollectOptions {
  readonly type: 'major';
  readonly execution: 'sync';
  readonly flavor: 'last-resort';
}

/** Once, when everything is made that stays. */
export function settleHeap(): void {
  setFlagsFromString('--expose-gc'); // of contexts that are made from now on
  const collect = runInNewContext('gc') as (options: CollectOptions) => void;
  setFlagsFromString('--no-expose-gc');
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' }); // the last resort also gives empty pages back
  setFlagsFromString('--semi-space-growth-factor=1');
}
