// What a profiled pipeline declares in the shared statistics of its process.
import { StatKind, type StatDeclaration } from '../shared_stats.ts';
import { type Pipeline, profileNumber, SPANS, STAGE_NS_MAX, stageHistogram } from './stages.ts';

/** Everything that a pipeline's profile needs in the shared statistics. */
export function profileDeclarations(pipeline: Pipeline): StatDeclaration[] {
  const numbers: StatDeclaration[] = [
    { name: profileNumber(pipeline, 'samples'), kind: StatKind.Counter, apart: true },
    { name: profileNumber(pipeline, 'requests'), kind: StatKind.Counter },
    { name: profileNumber(pipeline, 'every'), kind: StatKind.Gauge },
  ];
  for (const stage of pipeline.stages.slice(1)) {
    for (const operation of pipeline.operations) {
      for (const span of SPANS) {
        numbers.push({ name: stageHistogram(pipeline, stage, operation, span), kind: StatKind.Histogram, valueMax: STAGE_NS_MAX });
      }
    }
  }
  return numbers;
}
