// Documents say what is there: every link of every document leads to a file, and to a heading where it names one; every
// path of the tree that a document mentions exists; the tour prints what it shows.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const documents = globSync(['*.md', 'docs/**/*.md', 'deploy/**/*.md'], { cwd: root }).map((path) => path.replaceAll('\\', '/'));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
/** A place that stands for many. */
const PLACEHOLDER = /[A-Z]{4,}\.\w+$/;

/** A heading's anchor, as the usual viewers make it. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').trim().replaceAll(' ', '-');
}

/** Of headings that are equal the later ones are numbered. */
function anchorsOf(path: string): string[] {
  const seen = new Map<string, number>();
  return [...proseOf(read(path)).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => {
    const anchor = anchorOf(heading);
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}

/** Without blocks of code. */
function proseOf(markdown: string): string {
  return markdown.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '');
}

/** [target, anchor] of each link within the tree. */
function linksOf(path: string): [target: string, anchor: string][] {
  return [...proseOf(read(path)).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [file, anchor = ''] = link.split('#');
      return [file === '' ? path : normalize(join(dirname(path), file)), anchor];
    });
}

test('every link leads somewhere', () => {
  assert.ok(documents.length > 15, `${documents.length} documents`);
  const broken = documents.flatMap((path) => linksOf(path)
    .filter(([target, anchor]) => !existsSync(join(root, target)) ||
      (anchor !== '' && target.endsWith('.md') && !anchorsOf(target).includes(anchor)))
    .map(([target, anchor]) => `${path}: ${target}${anchor === '' ? '' : `#${anchor}`}`));
  assert.deepEqual(broken, []);
});

test('a broken link is noticed', () => {
  assert.equal(anchorOf('The journal: nothing acknowledged is lost'), 'the-journal-nothing-acknowledged-is-lost');
  assert.ok(!anchorsOf('README.md').includes('nothing-of-the-kind'));
});

test('every path that is mentioned exists', () => {
  const missing = documents.filter((path) => path !== 'CHANGELOG.md').flatMap((path) =>
    [...read(path).matchAll(/`((?:src|core|bench|test|tools|examples|web|deploy|embed)\/[\w./-]+\.\w+)`/g)]
      .map(([, named]) => named)
      .filter((named) => !PLACEHOLDER.test(named) && !existsSync(join(root, named)))
      .map((named) => `${path}: ${named}`));
  assert.deepEqual(missing, []);
});

test('the tour prints what it shows', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'examples/tour/one_order.ts')], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const shown = [...read('docs/TOUR.md').matchAll(/^```text\n([\s\S]*?)^```$/gm)].map(([, block]) => block).join('');
  assert.equal(shown, stdout);
});
