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

/** Names the files outside web/ that the pages import, so that a change of one of them builds again. */
function sources(): Plugin {
  return {
    name: 'outcry-sources',
    generateBundle() {
      const paths = [...this.getModuleIds()].map((id) => relative(root, id.replace(/[?\0].*$/, '')).replaceAll('\\', '/'));
      const outside = paths.filter((path) => path.startsWith('../src/')).map((path) => path.slice('../'.length));
      this.emitFile({ type: 'asset', fileName: 'sources', source: `${outside.toSorted().join('\n')}\n` });
    },
  };
}

export default defineConfig({
  root,
  base: '/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [sources()],
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
