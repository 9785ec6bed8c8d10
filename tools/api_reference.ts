// docs/API.md: everything that a program gets from `import { … } from 'outcry'`, from the declarations that the package is
// published with. `npm run generate` writes it.
//
//   src/index.ts ── sections and their order
//   src/**.ts    ── tsc ──► declarations ── TypeScript's own checker ──► each export: its words, its declaration
//
// A class without words of its own is introduced by the first lines of its file.
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { API, type Checker, type Project, SymbolFlags, type Symbol as TypeSymbol } from 'typescript/unstable/sync';
import { compileDeclarations } from './build_package.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const API_DOCUMENT = 'docs/API.md';
/** A declaration with more lines than this is folded. */
const LINES_SHOWN_MAX = 30;

interface Section {
  readonly title: string;
  readonly names: string[];
}

interface Entry {
  readonly name: string;
  readonly kind: string;
  /** Of the source, from the project's root. */
  readonly path: string;
  readonly words: string;
  readonly declaration: string;
}

/** What src/index.ts exports, under the comments that stand above it. */
export function sectionsOf(index: string): Section[] {
  const sections: Section[] = [];
  for (const [, comment, , names] of index.matchAll(/^\/\/ (.*)\n|^export (type )?\{([^}]*)\} from/gm)) {
    if (comment !== undefined) {
      // Of several lines the one right above counts.
      if (sections.at(-1)?.names.length === 0) sections.pop();
      sections.push({ title: comment.replace(/[.:]$/, ''), names: [] });
      continue;
    }
    const list = names.split(',').map((name) => name.replace(/\btype\b/, '').trim().split(' as ').at(-1) as string);
    sections.at(-1)?.names.push(...list.filter((name) => name !== ''));
  }
  return sections;
}

/** Every export of the declarations in `folder`, by name. */
function entriesOf(folder: string): Map<string, Entry> {
  const api = new API({ cwd: folder });
  try {
    const [project] = api.updateSnapshot({ openProjects: [join(folder, 'tsconfig.json')] }).getProjects();
    const index = project.program.getSourceFile(join(folder, 'index.d.ts'));
    const module = index === undefined ? undefined : project.checker.getSymbolAtLocation(index);
    if (module === undefined) throw new Error(`${folder}/index.d.ts: expected a module`);
    const exports = project.checker.getExportsOfModule(module);
    return new Map(exports.map((symbol) => [symbol.name, entryOf(symbol, project, folder)]));
  } finally {
    api.close();
  }
}

function entryOf(exported: TypeSymbol, project: Project, folder: string): Entry {
  const { checker } = project;
  const symbol = (exported.flags & SymbolFlags.Alias) === 0 ? exported : checker.getAliasedSymbol(exported);
  const [first] = symbol.declarations;
  const path = join('src', relative(folder, first.path).replace(/\.d\.ts$/, '.ts')).replaceAll('\\', '/');
  const declaration = symbol.declarations.map((handle) => statementText(handle.resolve(project))).join('\n');
  return { name: exported.name, kind: kindOf(symbol), path, words: wordsOf(symbol, checker, path), declaration };
}

/** The whole statement, for a constant is declared by a part of one; without what is nobody else's. */
function statementText(node: { parent?: unknown; getText?: () => string } | undefined): string {
  let statement = node as { kind: number; parent?: typeof statement; getText: () => string };
  while (statement.parent?.parent !== undefined) statement = statement.parent;
  return statement.getText()
    .replaceAll(/^\s*(#private;|private .*;)\n/gm, '')
    .replaceAll(/^export (declare )?/gm, '')
    .replace(/\s+\}$/, '\n}')
    .replace(/\{\n\}$/, '{}');
}

function kindOf({ flags }: TypeSymbol): string {
  if ((flags & SymbolFlags.Class) !== 0) return 'class';
  if ((flags & SymbolFlags.Function) !== 0) return 'function';
  if ((flags & SymbolFlags.Interface) !== 0) return 'interface';
  return (flags & SymbolFlags.Variable) !== 0 ? 'constant' : 'type';
}

function wordsOf(symbol: TypeSymbol, checker: Checker, path: string): string {
  const own = checker.getDocumentationCommentOfSymbol(symbol).trim();
  if (own !== '' || (symbol.flags & SymbolFlags.Class) === 0) return own;
  const [head] = /^(\/\/ .*\n)+/.exec(readFileSync(join(root, path), 'utf8')) ?? [''];
  return head.replaceAll(/^\/\/ /gm, '').trim();
}

/** docs/API.md by its path; takes some seconds. */
export function apiReferenceFiles(): Map<string, string> {
  return new Map([[API_DOCUMENT, apiReference()]]);
}

function apiReference(): string {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-api-'));
  try {
    compileDeclarations(folder);
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({
      compilerOptions: { module: 'nodenext', target: 'esnext', lib: ['esnext'], types: ['node'], noEmit: true, skipLibCheck: true },
      files: ['index.d.ts'],
    }));
    return documentOf(sectionsOf(readFileSync(join(root, 'src/index.ts'), 'utf8')), entriesOf(folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function documentOf(sections: readonly Section[], entries: ReadonlyMap<string, Entry>): string {
  const listed = sections.flatMap(({ names }) => names);
  const lost = [...entries.keys()].filter((name) => !listed.includes(name));
  if (lost.length > 0 || listed.length !== entries.size) {
    throw new Error(`src/index.ts: expected every export under a comment, was not: ${lost.join(', ')}`);
  }
  const anchors = anchorsOf(listed);
  const contents = sections.map(({ title, names }) => `- **${title}**: ${names.map((name) => `[${name}](#${anchors.get(name)})`).join(', ')}`);
  const parts = sections.map(({ title, names }) =>
    `## ${title}\n\n${names.map((name) => entryText(entries.get(name) as Entry)).join('\n')}`);
  return `<!-- Generated from src/index.ts and what it exports by \`npm run generate\`. Do not edit. -->
# API

What a program gets from \`import { … } from 'outcry'\`, as it is declared. How to use it: [LIBRARY.md](LIBRARY.md), [STRATEGIES.md](STRATEGIES.md),
[BACKTEST.md](BACKTEST.md), [BUILDING_AN_EXCHANGE.md](BUILDING_AN_EXCHANGE.md).

${contents.join('\n')}

${parts.join('\n')}`;
}

/** As viewers name headings: names that differ in their case alone are numbered. */
function anchorsOf(names: readonly string[]): Map<string, string> {
  const seen = new Map<string, number>();
  return new Map(names.map((name) => {
    const anchor = name.toLowerCase();
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return [name, before === 0 ? anchor : `${anchor}-${before}`];
  }));
}

function entryText({ name, kind, path, words, declaration }: Entry): string {
  const code = `\`\`\`typescript\n${declaration}\n\`\`\``;
  const folded = declaration.split('\n').length > LINES_SHOWN_MAX
    ? `<details><summary>declaration</summary>\n\n${code}\n\n</details>`
    : code;
  return `### ${name}\n*${kind}*, [${path}](../${path})\n\n${words === '' ? '' : `${words}\n\n`}${folded}\n`;
}
