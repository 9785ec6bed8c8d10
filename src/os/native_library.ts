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

/** koffi takes a declaration once. */
const prototypes = new Map<string, ReturnType<typeof Koffi.proto>>();

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
        `${path} did not load (${reasonOf(error)}); ${source}`, { cause: error },
      );
    }
  }

  /** The exported function with this C declaration. */
  func(declaration: string): NativeFunction {
    try {
      return this.#library.func(declaration);
    } catch (error) {
      throw new NativeLibraryError(`${this.path}: ${declaration}: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** Where an exported variable lies. */
  addressOf(symbol: string): bigint {
    try {
      return this.#koffi.address(this.#library.symbol(symbol));
    } catch (error) {
      throw new NativeLibraryError(`${this.path}: ${symbol}: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** The function at an address that was read from memory, with this C declaration (its name means nothing). */
  funcAt(address: bigint, declaration: string): NativeFunction {
    let type = prototypes.get(declaration);
    if (type === undefined) {
      type = this.#koffi.proto(declaration);
      prototypes.set(declaration, type);
    }
    return this.#koffi.decode(address, type) as NativeFunction;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
