// The parts of docs/STRATEGIES.md that follow from the code, between the comments that name them, and its
// picture. The rest of the page is written by hand.
//
//   <!-- parameters of NAME -->   the table of a strategy's parameters, from the registry
//   <!-- file PATH -->            the file, as it is
//   <!-- end -->
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileName, numberText, rangeText } from '../src/trader/strategies/parameters.ts';
import { strategyNamed } from '../src/trader/strategies/strategies.ts';
import { strategiesPicture } from './strategies_picture.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const PAGE = 'docs/STRATEGIES.md';

/** Both files' text by their path from the project's root. */
export function strategiesFiles(): Map<string, string> {
  return new Map([
    [PAGE, filled(readFileSync(join(root, PAGE), 'utf8'))],
    ['docs/strategies.svg', strategiesPicture()],
  ]);
}

export function filled(page: string): string {
  return page.replaceAll(
    /<!-- (parameters of|file) (\S+) -->\n[\s\S]*?<!-- end -->/g,
    (_, what: string, name: string) =>
      `<!-- ${what} ${name} -->\n${what === 'file' ? fileBlock(name) : parameterTable(name)}\n<!-- end -->`,
  );
}

function fileBlock(path: string): string {
  return `\`\`\`ts\n${readFileSync(join(root, path), 'utf8')}\`\`\``;
}

function parameterTable(name: string): string {
  const strategy = strategyNamed(name);
  if (strategy === undefined) throw new RangeError(`${PAGE}: expected the name of a strategy, was "${name}"`);
  const rows = Object.entries(strategy.parameters).map(([key, spec]) =>
    `| \`${fileName(key)}\` | ${numberText(spec.default)} | ${spec.unit || '–'} | ${rangeText(spec)} | ${spec.about} |`);
  return ['| parameter | default | unit | range | |', '|---|---|---|---|---|', ...rows].join('\n');
}
