// A profile as somebody else sees it: the figures of each stage and operation since the last look, or since the start.
//
// Reads the shared statistics of a process; the process does not notice. A window is the difference of two copies of the
// histograms, so its least and largest are those of their cells, right to 0.1 %.
// Cost: 2 to 5 ms a look at an exchange, 27 MB of copies.
import { Histogram } from '../../base/histogram.ts';
import { PROCESS_STAT } from '../process_stats.ts';
import type { StatsReader } from '../shared_stats.ts';
import { type Pipeline, PIPELINES, profileNumber, type Span, SPANS, STAGE_NS_MAX, stageHistogram } from './stages.ts';

/** Of all operations together. */
export const ALL = 'all';

export interface StageFigures {
  readonly pipeline: string;
  readonly stage: string;
  readonly operation: string;
  readonly span: Span;
  readonly count: number;
  /** Nanoseconds, all of them. */
  readonly min: number;
  readonly mean: number;
  readonly max: number;
  readonly deviation: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly p9999: number;
  /** p99 − p50. */
  readonly jitter: number;
}

/** What the process took of the machine in a window. */
export interface ProcessFigures {
  readonly allocatedBytes: number;
  readonly collections: number;
  readonly collectionNs: number;
  readonly cpuNs: number;
  readonly turns: number;
  readonly busyTurns: number;
  readonly heapUsedBytes: number;
  readonly residentBytes: number;
}

/** Cells of a histogram: [lowest, highest, count], rising. */
export type Curve = readonly (readonly [lowest: number, highest: number, count: number])[];

export interface ProfileWindow {
  readonly seconds: number;
  readonly stages: readonly StageFigures[];
  /** Of all operations, by `curveKey`. */
  readonly curves: Readonly<Record<string, Curve>>;
  /** Samples, and the requests or decisions that they stand for, by pipeline. */
  readonly samples: Readonly<Record<string, { readonly samples: number; readonly requests: number; readonly every: number }>>;
  readonly process: ProcessFigures | null;
}

export function curveKey(pipeline: string, stage: string, span: Span): string {
  return `${pipeline} ${stage} ${span}`;
}

/** One histogram of the process, and what it was at the last look. */
class Watched {
  readonly live: Histogram;
  readonly before = new Histogram(STAGE_NS_MAX);
  readonly window = new Histogram(STAGE_NS_MAX);
  readonly pipeline: Pipeline;
  readonly stage: string;
  readonly operation: string;
  readonly span: Span;

  constructor(live: Histogram, pipeline: Pipeline, stage: string, operation: string, span: Span) {
    this.live = live;
    this.pipeline = pipeline;
    this.stage = stage;
    this.operation = operation;
    this.span = span;
  }

  /** Copies first, so that what is counted meanwhile falls into the next window. */
  look(scratch: Histogram): void {
    scratch.assign(this.live);
    this.window.assignDifference(scratch, this.before);
    this.before.assign(scratch);
  }
}

export class ProfileReader {
  readonly stats: StatsReader;
  readonly pipelines: readonly Pipeline[];
  readonly #watched: readonly Watched[];
  readonly #numbersBefore = new Map<string, number>();
  readonly #scratch = new Histogram(STAGE_NS_MAX);
  #atMs: number;

  constructor(stats: StatsReader) {
    this.stats = stats;
    this.pipelines = PIPELINES.filter((pipeline) => stats.has(profileNumber(pipeline, 'samples')));
    this.#watched = this.pipelines.flatMap((pipeline) =>
      pipeline.stages.slice(1).flatMap((stage) => pipeline.operations.flatMap((operation) =>
        SPANS.map((span) => new Watched(stats.histogram(stageHistogram(pipeline, stage, operation, span)), pipeline, stage, operation, span)))));
    this.#atMs = stats.startedMs;
  }

  /** All since the last look; the first time since the process started. */
  look(): ProfileWindow {
    const nowMs = Date.now();
    const seconds = Math.max(1, nowMs - this.#atMs) / 1_000;
    this.#atMs = nowMs;
    this.stats.refresh();
    for (const watched of this.#watched) watched.look(this.#scratch);
    const curves: Record<string, Curve> = {};
    const stages: StageFigures[] = [];
    for (const pipeline of this.pipelines) {
      for (const span of SPANS) {
        for (const stage of pipeline.stages.slice(1)) this.#addStage(pipeline, stage, span, stages, curves);
      }
    }
    return { seconds, stages, curves, samples: this.#samples(), process: this.#process() };
  }

  /** A stage's figures: of all operations together, then of each. */
  #addStage(pipeline: Pipeline, stage: string, span: Span, stages: StageFigures[], curves: Record<string, Curve>): void {
    const parts = this.#watched.filter((one) => one.pipeline === pipeline && one.stage === stage && one.span === span);
    const all = this.#scratch;
    all.reset();
    for (const { window } of parts) all.merge(window);
    curves[curveKey(pipeline.name, stage, span)] = curveOf(all);
    stages.push(figuresOf(pipeline.name, stage, ALL, span, all));
    for (const { operation, window } of parts) stages.push(figuresOf(pipeline.name, stage, operation, span, window));
  }

  #samples(): ProfileWindow['samples'] {
    return Object.fromEntries(this.pipelines.map((pipeline) => [pipeline.name, {
      samples: this.#more(profileNumber(pipeline, 'samples')),
      requests: this.#more(profileNumber(pipeline, 'requests')),
      every: this.stats.value(profileNumber(pipeline, 'every')),
    }]));
  }

  #process(): ProcessFigures | null {
    if (!this.stats.has(PROCESS_STAT.cpuNs)) return null;
    return {
      allocatedBytes: this.#more(PROCESS_STAT.allocatedBytes), collections: this.#more(PROCESS_STAT.collections),
      collectionNs: this.#more(PROCESS_STAT.collectionNs), cpuNs: this.#more(PROCESS_STAT.cpuNs),
      turns: this.#more(PROCESS_STAT.turns), busyTurns: this.#more(PROCESS_STAT.busyTurns),
      heapUsedBytes: this.stats.value(PROCESS_STAT.heapUsedBytes), residentBytes: this.stats.value(PROCESS_STAT.residentBytes),
    };
  }

  /** What a counter has gained since the last look. */
  #more(name: string): number {
    const value = this.stats.value(name);
    const more = value - (this.#numbersBefore.get(name) ?? 0);
    this.#numbersBefore.set(name, value);
    return more;
  }
}

function figuresOf(pipeline: string, stage: string, operation: string, span: Span, histogram: Histogram): StageFigures {
  const summary = histogram.summary();
  return { pipeline, stage, operation, span, ...summary, jitter: summary.p99 - summary.p50 };
}

function curveOf(histogram: Histogram): Curve {
  const cells: [number, number, number][] = [];
  histogram.forEachCell((lowest, highest, count) => cells.push([lowest, highest, count]));
  return cells;
}
