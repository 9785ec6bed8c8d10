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
    assert.equal(readFileSync(join(root, path), 'utf8'), text);
  });

  test(`${path} has every key`, () => {
    for (const { schema } of SECTIONS)
      for (const key of Object.keys(schema)) assert.match(text, new RegExp(`\\b${snakeCase(key)}\\b`));
  });
}
