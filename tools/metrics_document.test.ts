// The generated document is what the table says now.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { METRICS } from '../src/observe/metrics/table.ts';
import { metricsFiles } from './metrics_document.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

for (const [path, text] of metricsFiles()) {
  test(`${path} is what the table says (npm run generate writes it)`, () => {
    assert.equal(readFileSync(join(root, path), 'utf8'), text);
    for (const { name, help } of METRICS) assert.ok(text.includes(`\`${name}\``) && text.includes(help), name);
  });
}
