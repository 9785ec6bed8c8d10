// core.wasm as a module, fetched: what src/book/core_module.ts is on a server. The same bytes, so the same books.
import coreUrl from '../../build/core.wasm?url';

const compiled = await WebAssembly.compileStreaming(fetch(coreUrl));

/** There is one core in a page: the product's. */
export function coreModule(): WebAssembly.Module {
  return compiled;
}
