// The health score: a hundred times the least of seven parts, each 0 … 1 with the sentence it comes from.
//
//   score
//     1 ┤■■■■■■■■■■■■■╲                 x: value ÷ threshold of the part's worst measure (rules.ts);
//       │              ╲                of queues their fill ÷ QUEUE_FULL_SHARE
//   0.5 ┤               ╲
//       │                ╲
//     0 ┼──────┬──────┬───╲──■■■
//       0     0.5     1  1.5
//
// So a part costs nothing up to half of its threshold, half at it, everything at one and a half. What is not measured
// costs nothing, and says so.
import type { Health, HealthPart } from './alert.ts';
import type { QueueView } from '../system_view.ts';
import type { Measure } from './rules.ts';

const FREE_SHARE = 0.5;
/** A queue's "threshold": full is one and a half of it. */
const QUEUE_FULL_SHARE = 2 / 3;

const PARTS = ['latency', 'loss', 'queues', 'journal lag', 'feed gaps', 'cpu', 'memory'] as const satisfies readonly HealthPart['name'][];

/** `queues`: those of the exchange. */
export function healthOf(queues: readonly QueueView[], measures: readonly Measure[]): Health {
  const parts = PARTS.map((name) => (name === 'queues' ? queuesPart(queues) : measuredPart(name, measures)));
  return { score: Math.round(100 * Math.min(...parts.map(({ score }) => score))), parts };
}

function measuredPart(name: HealthPart['name'], measures: readonly Measure[]): HealthPart {
  const [worst] = measures.filter(({ part }) => part === name).toSorted((a, b) => badness(b) - badness(a));
  if (worst === undefined) return { name, score: 1, because: 'not measured' };
  const because = worst.subject === '' ? worst.text : `${worst.subject}: ${worst.text}`;
  return { name, score: scoreOf(badness(worst)), because };
}

/** Value ÷ threshold; a fact has no degrees. */
function badness({ value, threshold, isFact }: Measure): number {
  return isFact === true ? Infinity : value / threshold;
}

function queuesPart(queues: readonly QueueView[]): HealthPart {
  const [fullest] = queues.filter(({ capacity }) => capacity > 0).toSorted((a, b) => b.used / b.capacity - a.used / a.capacity);
  if (fullest === undefined) return { name: 'queues', score: 1, because: 'not measured' };
  const { name, used, capacity } = fullest;
  return {
    name: 'queues', score: scoreOf(used / capacity / QUEUE_FULL_SHARE),
    because: `${name} ${Math.round((100 * used) / capacity)} % full`,
  };
}

function scoreOf(ratio: number): number {
  return Math.min(1, Math.max(0, 1 - (ratio - FREE_SHARE)));
}
