// docs/API.md is what the package declares, every export of it under a section.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { apiReferenceFiles, sectionsOf } from './api_reference.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

for (const [path, text] of apiReferenceFiles()) {
  test(`${path} is what the package declares (npm run generate writes it)`, () => {
    const [found, expected] = [readFileSync(join(root, path), 'utf8'), text].map((all) => all.split('\n'));
    const line = expected.findIndex((one, index) => one !== found[index]);
    assert.equal(found[line], expected[line], `line ${line + 1}`);
    assert.equal(found.length, expected.length);
  });

  test(`${path}: nothing private, and words for every class`, () => {
    assert.doesNotMatch(text, /#private|^ *private /m);
    const wordless = [...text.matchAll(/^### (\w+)\n\*class\*, .*\n\n(.)/gm)].filter(([, , first]) => first === '`' || first === '<');
    assert.deepEqual(wordless.map(([, name]) => name), []);
  });
}

test('sections are the comments right above the exports', () => {
  assert.deepEqual(sectionsOf(`// The file.
//
// More of it.

// One thing.
export { a, type B } from './a.ts';
export type { C as D } from './b.ts';

// Another.
export {
  e,
} from './c.ts';
`), [{ title: 'One thing', names: ['a', 'B', 'D'] }, { title: 'Another', names: ['e'] }]);
});
