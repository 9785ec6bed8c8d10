// What a pipeline records of itself: the stamps of one sample become one value in the histograms of each stage.
//
//   stamps   first stage │ … │ last stage     ns, in the order of time; NOT_PASSED, NOT_READ where there is none
//   counts   operation 0 │ … │ operation n    how many of each the sample stands for
//
// Cost of a commit: two histogram records for each stage and each operation that occurs, 6 to 10 ns each. No allocation.
import { assert } from '../../base/assert.ts';
import { Histogram } from '../../base/histogram.ts';
import { NOT_PASSED, NOT_READ, type Pipeline, profileNumber, STAGE_NS_MAX, stageHistogram } from './stages.ts';
import type { SharedStats } from '../shared_stats.ts';

export class PipelineProfile {
  readonly #stages: number;
  readonly #operations: number;
  /** [stage − 1][operation], flat. */
  readonly #own: readonly Histogram[];
  readonly #since: readonly Histogram[];
  readonly #cells: Float64Array;
  readonly #samples: number;
  readonly #requests: number;

  /** `stats: null` keeps it in this process, for tests and benchmarks. */
  constructor(pipeline: Pipeline, stats: SharedStats | null, every = 1) {
    this.#stages = pipeline.stages.length;
    this.#operations = pipeline.operations.length;
    const of = (span: 'own' | 'since'): Histogram[] =>
      pipeline.stages.slice(1).flatMap((stage) => pipeline.operations.map((operation) =>
        stats?.histogram(stageHistogram(pipeline, stage, operation, span)) ?? new Histogram(STAGE_NS_MAX)));
    this.#own = of('own');
    this.#since = of('since');
    this.#cells = stats?.cells ?? new Float64Array(2);
    this.#samples = stats?.cell(profileNumber(pipeline, 'samples')) ?? 0;
    this.#requests = stats?.cell(profileNumber(pipeline, 'requests')) ?? 1;
    if (stats !== null) stats.cells[stats.cell(profileNumber(pipeline, 'every'))] = every;
  }

  get samples(): number {
    return this.#cells[this.#samples];
  }

  /** Requests or decisions that the samples stand for. */
  get requests(): number {
    return this.#cells[this.#requests];
  }

  own(stage: number, operation: number): Histogram {
    return this.#own[(stage - 1) * this.#operations + operation];
  }

  since(stage: number, operation: number): Histogram {
    return this.#since[(stage - 1) * this.#operations + operation];
  }

  /** One sample; `counts` may be all zeros. */
  commit(stamps: Float64Array, counts: Float64Array): void {
    const operations = this.#operations;
    const first = stamps[0];
    assert(first > 0, 'a sample has passed the first stage');
    let before = first;
    for (let stage = 1; stage < this.#stages; stage += 1) {
      const at = stamps[stage];
      if (at === NOT_PASSED) continue;
      if (at !== NOT_READ) {
        const row = (stage - 1) * operations;
        for (let operation = 0; operation < operations; operation += 1) {
          const count = counts[operation];
          if (count === 0) continue;
          this.#since[row + operation].recordMany(at - first, count);
          if (before !== NOT_READ) this.#own[row + operation].recordMany(at - before, count);
        }
      }
      before = at;
    }
    let requests = 0;
    for (let operation = 0; operation < operations; operation += 1) requests += counts[operation];
    this.#cells[this.#samples] += 1;
    this.#cells[this.#requests] += requests;
  }
}
