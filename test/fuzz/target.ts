// A decoder under fuzzing: what it is fed with, and what must hold whatever came.
//
//   valid (from the layouts) or corpus ─► mutated ─► Fed.take ─► … ─► Fed.check
//
// `take` must come back without a throw and leave everything bounded; what a decoder documents to throw
// is caught there and looked at. `check` is asked now and then: invariants, and others unharmed. A
// failure names decoder, seed and mutations, and the command that repeats it.
import { Prng } from '../../src/base/prng.ts';
import { byteCorpus, lineCorpus } from './corpus.ts';
import { type Frame, mutateFrames, mutateLines, plainFrame } from './mutator.ts';

/** A decoder with everything around it that it needs. */
export interface Fed<T> {
  take(frames: readonly T[], prng: Prng): void | Promise<void>;
  check(): void | Promise<void>;
  close(): void | Promise<void>;
}

interface Common<T> {
  /** Also the name of its corpus. */
  readonly name: string;
  /** Of all inputs, the part that is run: some decoders cost milliseconds an input. */
  readonly share?: number;
  /** A valid input. */
  valid(prng: Prng): readonly T[];
  open(prng: Prng): Fed<T> | Promise<Fed<T>>;
}

export type ByteTarget = Common<Frame> & { readonly kind: 'bytes' };
export type LineTarget = Common<string> & { readonly kind: 'lines' };
export type Target = ByteTarget | LineTarget;

export interface FuzzFigures {
  inputs: number;
  corpus: number;
  /** Inputs by mutation. */
  readonly mutations: Map<string, number>;
  bytes: number;
}

/** Inputs to one opened decoder; then it is checked, closed, and a fresh one opened. */
const INPUTS_PER_LIFE = 40;
/** Inputs between two looks at the memory of buffers, and how much of it may come up in between. */
const LOOK_INPUTS = 8;
const BUFFER_BYTES_MAX = 256 << 20;

/** All of the corpus, then `inputs` mutated ones from `seed` on. */
export async function fuzz(
  target: Target, inputs: number, seed: number, onInput: (seed: number) => void = () => {},
): Promise<FuzzFigures> {
  return target.kind === 'bytes'
    ? run(target, byteCorpus(target.name).map(({ name, frames }) => ({ name, frames: frames.map(plainFrame) })),
        mutateFrames, ({ bytes }) => bytes.length, inputs, seed, onInput)
    : run(target, lineCorpus(target.name), mutateLines, (line) => line.length, inputs, seed, onInput);
}

async function run<T>(
  target: Common<T>, corpus: readonly { readonly name: string; readonly frames: readonly T[] }[],
  mutate: (prng: Prng, frames: readonly T[]) => { readonly done: readonly string[]; readonly frames: readonly T[] },
  lengthOf: (frame: T) => number, inputs: number, seed: number, onInput: (seed: number) => void,
): Promise<FuzzFigures> {
  const figures: FuzzFigures = { inputs: 0, corpus: corpus.length, mutations: new Map(), bytes: 0 };
  for (const input of corpus) {
    const prng = new Prng(1);
    const fed = await target.open(prng);
    await named(target, `corpus "${input.name}"`, async () => {
      await fed.take(input.frames, prng);
      await fed.check();
    }, () => fed.close());
  }
  const count = Math.ceil(inputs * (target.share ?? 1));
  for (let first = seed; first < seed + count; first += INPUTS_PER_LIFE) {
    const fed = await target.open(new Prng(first));
    const end = Math.min(first + INPUTS_PER_LIFE, seed + count);
    let what = '';
    await named(target, () => `seeds ${first} … ${what}`, async () => {
      for (let at = first; at < end; at++) {
        onInput(at);
        const prng = new Prng(at);
        const base = corpus.length > 0 && prng.chance(0.3) ? corpus[prng.below(corpus.length)].frames : target.valid(prng);
        const { done, frames } = mutate(prng, base);
        what = `${at}: ${done.join(', ') || 'unchanged'}`;
        for (const name of done) figures.mutations.set(name, (figures.mutations.get(name) ?? 0) + 1);
        for (const frame of frames) figures.bytes += lengthOf(frame);
        figures.inputs++;
        await fed.take(frames, prng);
        if (at % LOOK_INPUTS === 0) lookAtMemory();
      }
      await fed.check();
    }, () => fed.close());
  }
  return figures;
}

/** A length that lies must not become a buffer. */
function lookAtMemory(): void {
  const { arrayBuffers } = process.memoryUsage();
  if (arrayBuffers > BUFFER_BYTES_MAX) throw new Error(`buffers take ${arrayBuffers} bytes, expected at most ${BUFFER_BYTES_MAX}`);
}

async function named<T>(
  { name }: Common<T>, what: string | (() => string), act: () => Promise<void>, close: () => void | Promise<void>,
): Promise<void> {
  try {
    await act();
  } catch (cause) {
    const where = typeof what === 'string' ? what : what();
    const first = /^seeds (\d+)/.exec(where)?.[1] ?? '1';
    throw new Error(
      `${name}: ${where}: ${String(cause)}\n  again: node bin/node26.mjs test/fuzz/decoders.fuzz.ts ${name} ${INPUTS_PER_LIFE} ${first}`,
      { cause },
    );
  } finally {
    await close();
  }
}
