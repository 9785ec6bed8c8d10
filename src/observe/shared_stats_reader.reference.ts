// A process that looks at another one's statistics until it has seen enough of them change; for shared_stats.test.ts.
import { StatsReader } from './shared_stats.ts';

const LOOKS = 2_000_000;
const TEXTS = 20_000;
const HALVES = 2 ** 32 + 1;

const reader = StatsReader.open(process.argv[2]);
const histogram = reader.histogram('stage_ns{stage="matched"}');
const cell = reader.cell('orders_total');
const before = histogram.count;
let torn = 0;
let tornTexts = 0;
for (let i = 0; i < LOOKS || histogram.count === before; i += 1) {
  if (reader.cells[cell] % HALVES !== 0) torn += 1;
}
// Every text that is written is of one letter; none when the first was never whole.
for (let i = 0; i < TEXTS; i += 1) if (!/^(.?)\1*$/.test(reader.text('state'))) tornTexts += 1;
process.send?.({ torn, tornTexts, changed: histogram.count > before });
