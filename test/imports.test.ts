// The layers hold: every import of src and core keeps to the table, and the table's checker notices
// what does not.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LAYERS, importsOf, violations } from './import_table.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const files = globSync('{src,core}/**/*.ts', { cwd: root })
  .map((path) => path.replaceAll('\\', '/'))
  .toSorted();

test('every import of src and core keeps to the layers', () => {
  assert.ok(files.length > 100, `${files.length} files found`);
  const broken = files.flatMap((path) => violations(path, readFileSync(join(root, path), 'utf8')));
  assert.deepEqual(broken, []);
});

test('every exception of the table is still used', () => {
  for (const layer of Object.values(LAYERS)) {
    for (const [path, { modules }] of Object.entries(layer.exceptions ?? {})) {
      const targets = importsOf(readFileSync(join(root, path), 'utf8')).map(
        (found) => found.target,
      );
      for (const module of modules)
        assert.ok(targets.includes(module), `${path} no longer imports ${module}`);
    }
  }
});

test('imports are read in all their forms, and nowhere else', () => {
  const text = `// import { a } from './comment.ts';
import a from './a.ts';
import { b, type C } from './b.ts';
import {
  type D,
  type E,
} from './types.ts';
import type { F } from '../f.ts';
export { g } from './g.ts';
import './effect.ts';
const text = "import x from 'no.ts'";
const later = async () => (await import('./later.ts')).later;
const typed = (await import(name)) as typeof import('./typed.ts');
`;
  assert.deepEqual(
    importsOf(text).map(
      ({ line, target, typeOnly }) => `${line} ${target}${typeOnly ? ' type' : ''}`,
    ),
    [
      '2 ./a.ts',
      '3 ./b.ts',
      '4 ./types.ts type',
      '8 ../f.ts type',
      '9 ./g.ts',
      '10 ./effect.ts',
      '12 ./later.ts',
      '13 ./typed.ts type',
    ],
  );
});

const PLANTED: readonly (readonly [what: string, path: string, text: string])[] = [
  ['a higher folder', 'src/book/x.ts', "import { Exchange } from '../exchange/exchange.ts';"],
  ['a higher folder, its types', 'src/wire/x.ts', "import type { Side } from '../book/types.ts';"],
  [
    'a higher folder, in a test too',
    'src/wire/x.test.ts',
    "import { MatchingEngine } from '../book/matching_engine.ts';",
  ],
  ['a socket in the exchange', 'src/exchange/x.ts', "import { createServer } from 'node:net';"],
  [
    'a transport instead of its type',
    'src/trader/x.ts',
    "import { NodeNetwork } from '../net/node_network.ts';",
  ],
  [
    'one value among types',
    'src/trader/x.ts',
    "import { type Address, parseIpv4 } from '../net/address.ts';",
  ],
  ['a system call outside os', 'src/net/x.ts', "import koffi from 'koffi';"],
  ['a file outside its places', 'src/exchange/x.ts', "import { readFileSync } from 'node:fs';"],
  [
    'a file in book, other than the loader',
    'src/book/x.ts',
    "import { readFileSync } from 'node:fs';",
  ],
  ['a library in a hot folder', 'src/wire/x.ts', "import { z } from 'zod';"],
  [
    'a dynamic import',
    'src/exchange/x.ts',
    "const { recorded } = await import('../recorded/lobster.ts');",
  ],
  [
    'a tool from product code',
    'src/apps/x.ts',
    "import { buildCore } from '../../tools/build_core.ts';",
  ],
  [
    'a twin in product code',
    'src/book/x.ts',
    "import { ReferenceEngine } from './order_book.reference.ts';",
  ],
  ['no extension', 'src/book/x.ts', "import { Cmd } from './types';"],
  ['a folder without a row', 'src/utils/x.ts', ''],
  ['the core reaching out', 'core/book/x.ts', "import { Side } from '../../src/book/types';"],
  ['a word of trading in base', 'src/base/x.ts', '// the best price of each side'],
];

for (const [what, path, text] of PLANTED) {
  test(`found when planted: ${what}`, () => {
    assert.equal(
      violations(path, text).length,
      1,
      violations(path, text).join('\n') || 'nothing was found',
    );
  });
}

test('what the table allows is not reported', () => {
  const allowed: [string, string][] = [
    ['src/exchange/x.ts', "import type { Network } from '../net/transport.ts';"],
    [
      'src/trader/x.test.ts',
      "import { MemoryFabric } from '../net/memory_network.ts';\nimport test from 'node:test';",
    ],
    ['src/apps/x.ts', "import { Exchange } from '../exchange/exchange.ts';"],
    ['core/book/x.ts', "import { header } from '../memory/layout';"],
    ['src/base/x.ts', '// agents run in the order given'],
  ];
  for (const [path, text] of allowed) assert.deepEqual(violations(path, text), []);
});
