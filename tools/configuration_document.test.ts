// The generated configuration document and sample file are what the schema says now.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SECTIONS } from '../src/apps/config_sections.ts';
import { snakeCase } from '../src/apps/config_forms.ts';
import { configurationFiles } from './configuration_document.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

for (const [path, text] of configurationFiles()) {
  test(`${path} is what the schema says (npm run generate writes it)`, () => {
    const [found, expected] = [readFileSync(join(root, path), 'utf8'), text].map((all) => all.split('\n'));
    const line = expected.findIndex((one, index) => one !== found[index]);
    assert.equal(found[line], expected[line], `line ${line + 1}`);
    assert.equal(found.length, expected.length);
  });

  test(`${path} has every key`, () => {
    for (const { schema } of SECTIONS)
      for (const key of Object.keys(schema)) assert.match(text, new RegExp(`\\b${snakeCase(key)}\\b`));
  });
}
