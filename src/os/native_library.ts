// Shared libraries of the system beside the C library (libxdp, DPDK), called through koffi: see libc.ts for what a call
// costs and which arguments allocate.
import { createRequire } from 'node:module';
import type Koffi from 'koffi';
import { loadLibc } from './libc.ts';

/** A function of a library. Results of 64 bits come as number or bigint, as koffi sees fit. */
// oxlint-disable-next-line typescript/no-explicit-any -- the declaration handed in is its type
export type NativeFunction = (...args: any[]) => any;

/** A library that is not there, or lacks something; the message says which package brings it. */
export class NativeLibraryError extends Error {
  override readonly name = 'NativeLibraryError';
}

export class NativeLibrary {
  readonly path: string;
  readonly #koffi: typeof Koffi;
  readonly #library: ReturnType<typeof Koffi.load>;

  /** Throws NativeLibraryError; `source` says where it is to be had. */
  constructor(path: string, source: string) {
    loadLibc(); // says what it says where koffi cannot run
    this.path = path;
    this.#koffi = createRequire(import.meta.url)('koffi');
    try {
      this.#library = this.#koffi.load(path);
    } catch (error) {
      throw new NativeLibraryError(
        `${path} did not load (${error instanceof Error ? error.message : String(error)}); ${source}`, { cause: error },
      );
    }
  }

  /** The exported function with this C declaration. */
  func(declaration: string): NativeFunction {
    try {
      return this.#library.func(declaration);
    } catch (error) {
      throw new NativeLibraryError(`${this.path} lacks ${declaration}: another version than expected`, { cause: error });
    }
  }

  /** Where an exported variable lies. */
  addressOf(symbol: string): bigint {
    try {
      return this.#koffi.address(this.#library.symbol(symbol));
    } catch (error) {
      throw new NativeLibraryError(`${this.path} lacks ${symbol}: another version than expected`, { cause: error });
    }
  }

  /** The function at an address that was read from memory, with this C declaration (its name means nothing). */
  funcAt(address: bigint, declaration: string): NativeFunction {
    return this.#koffi.decode(address, this.#koffi.proto(declaration)) as NativeFunction;
  }
}
