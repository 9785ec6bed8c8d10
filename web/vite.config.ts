// The pages: web/index.html (the dashboard) and web/time_travel/index.html, to files that a strict
// Content-Security-Policy (default-src 'self') lets in: nothing inline, nothing from another host.
//
//   index.html                the page of /
//   time_travel/index.html    the page of /time-travel
//   assets/NAME-HASH.ext      scripts, styles, the icon: may be cached for ever
//   sources                   what of the project outside web/ went in, a path a line, for tools/build_web.ts
import { relative } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const root = import.meta.dirname;

/** Of pages and of their workers, which are bundled before the pages are written. */
const outside = new Set<string>();

/** Names the files outside web/ that the pages import, so that a change of one of them builds again. */
function sources(inWorker: boolean): Plugin {
  return {
    name: 'outcry-sources',
    generateBundle() {
      for (const id of this.getModuleIds()) {
        const path = relative(root, id.replace(/[?\0].*$/, '')).replaceAll('\\', '/');
        if (/^\.\.\/(?:src|build)\//.test(path)) outside.add(path.slice('../'.length));
      }
      if (!inWorker) this.emitFile({ type: 'asset', fileName: 'sources', source: `${[...outside].toSorted().join('\n')}\n` });
    },
  };
}

export default defineConfig({
  root,
  base: '/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [sources(false)],
  resolve: {
    alias: [
      // What reads files on a server: a page fetches the core, and has recordings in memory.
      { find: /^\.\/core_module\.ts$/, replacement: `${root}/time_travel/core_module.ts` },
      { find: 'node:fs', replacement: `${root}/time_travel/no_files.ts` },
    ],
  },
  worker: { format: 'es', plugins: () => [sources(true)] },
  build: {
    target: 'es2022',
    // Data URIs would need a wider policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    emptyOutDir: true,
    rolldownOptions: { input: { dashboard: `${root}/index.html`, time_travel: `${root}/time_travel/index.html` } },
  },
});
