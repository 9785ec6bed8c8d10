// Where the built page lies. In a package it stands beside the built JavaScript; in a clone it is built when its sources have
// changed, as the core is (src/book/core_module.ts).
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder with index.html; '' where there is no page. */
export async function webFolder(): Promise<string> {
  const source = new URL('../../tools/build_web.ts', import.meta.url);
  if (existsSync(source)) return ((await import(source.href)) as { buildWeb: () => string }).buildWeb();
  const built = fileURLToPath(new URL('../web', import.meta.url));
  return existsSync(built) ? built : '';
}
