// core.wasm as a module, from the file that was built. A page in a browser has a module of its own in this one's place
// (web/time_travel/core_module.ts), which fetches the same bytes.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** 'core' is the product; 'core.checked' asserts as it goes and is what tests and simulation run. */
export type CoreVariant = 'core' | 'core.checked';

const modules = new Map<CoreVariant, WebAssembly.Module>();

// In a package the module lies beside the built JavaScript; in a clone it is compiled when its sources have changed.
const source = new URL('../../tools/build_core.ts', import.meta.url);
const build = existsSync(source)
  ? ((await import(source.href)) as { buildCore: (variant: CoreVariant) => string }).buildCore
  : (variant: CoreVariant) => fileURLToPath(new URL(`../${variant}.wasm`, import.meta.url));

export function coreModule(variant: CoreVariant = 'core'): WebAssembly.Module {
  let module = modules.get(variant);
  if (!module) {
    module = new WebAssembly.Module(readFileSync(build(variant)));
    modules.set(variant, module);
  }
  return module;
}
