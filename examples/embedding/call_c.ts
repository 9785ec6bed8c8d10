// A TypeScript program that calls a C function: a model that exists in C already, over the book of this project.
//
//   node bin/node26.mjs examples/embedding/call_c.ts
//
// koffi loads the library and calls it; typed arrays are handed over as they are, nothing is copied. A call costs
// about 100 ns, so hand over a whole book at once and not one level after the other.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';

const LEVELS = 5;
const BOOKS = 1_000;

type FairValue = (
  bidPrices: Int32Array, bidQuantities: Uint32Array, askPrices: Int32Array, askQuantities: Uint32Array, levels: number,
) => number;

/** Compiles the library and loads the function from it. */
function loadFairValue(): FairValue {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-call-c-'));
  const library = join(folder, 'libfair_value.so');
  const source = fileURLToPath(new URL('fair_value.c', import.meta.url));
  // No contraction: a fused multiply-add rounds once where JavaScript rounds twice.
  const flags = ['-O3', '-ffp-contract=off', '-shared', '-fPIC', '-o', library, source];
  try {
    const { status, stderr, error } = spawnSync(process.env['CC'] ?? 'cc', flags, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`fair_value.c did not compile: ${error?.message ?? stderr}`);
    return koffi.load(library).func(
      'double fair_value(const int32_t *, const uint32_t *, const int32_t *, const uint32_t *, size_t)',
    );
  } finally {
    rmSync(folder, { recursive: true, force: true }); // a loaded library needs its file no more
  }
}

/** The same in TypeScript, to compare with. */
const fairValueHere: FairValue = (bidPrices, bidQuantities, askPrices, askQuantities, levels) => {
  let [bidSum, bidWeight, askSum, askWeight] = [0, 0, 0, 0];
  for (let i = 0; i < levels; i++) {
    const nearness = 1 / (i + 1);
    bidWeight += nearness * bidQuantities[i];
    bidSum += nearness * bidQuantities[i] * bidPrices[i];
    askWeight += nearness * askQuantities[i];
    askSum += nearness * askQuantities[i] * askPrices[i];
  }
  if (bidWeight === 0 || askWeight === 0) return 0;
  return ((bidSum / bidWeight) * askWeight + (askSum / askWeight) * bidWeight) / (bidWeight + askWeight);
};

const fairValue = loadFairValue();
const bidPrices = new Int32Array(LEVELS);
const askPrices = new Int32Array(LEVELS);
const bidQuantities = new Uint32Array(LEVELS);
const askQuantities = new Uint32Array(LEVELS);
let last = 0;
for (let book = 0; book < BOOKS; book++) {
  for (let i = 0; i < LEVELS; i++) {
    bidPrices[i] = 10_000 - i;
    askPrices[i] = 10_001 + i;
    bidQuantities[i] = ((book + 1) * (i + 3) * 7_919) % 499;
    askQuantities[i] = ((book + 1) * (i + 5) * 104_729) % 499;
  }
  last = fairValue(bidPrices, bidQuantities, askPrices, askQuantities, LEVELS);
  const expected = fairValueHere(bidPrices, bidQuantities, askPrices, askQuantities, LEVELS);
  if (last !== expected) throw new Error(`book ${book}: expected ${expected}, was ${last}`);
}
process.stdout.write(`${BOOKS} books: the C function and TypeScript agree\n`);
process.stdout.write(`bids ${bidPrices.join(' ')}, asks ${askPrices.join(' ')}: fair value ${last.toFixed(4)} ticks\n`);
