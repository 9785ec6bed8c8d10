// The processor's time-stamp counter, read from TypeScript in 15 ns.
//
// JavaScript has no instruction for it, and every way to the system's clock costs more than the clock itself
// (measured on Node 26.10, 2.6 GHz, a virtual machine; C: rdtsc 10 ns, clock_gettime 28):
//
//   performance.now()                       50 ns
//   process.hrtime.bigint()                 73      and 56 bytes of garbage where it is kept
//   clock_gettime into memory, koffi        70
//   rdtsc, koffi                            46
//   a function that returns double, node:ffi 4      V8 compiles the call itself where all types are float64
//   clock_gettime as such a function        29
//   rdtsc as such a function                15
//
// node:ffi calls functions of shared libraries, so the 18 bytes of code are handed to it as one, the smallest that the
// loader takes: an ELF header, one segment, one symbol. It lies in memory (memfd), never on a disk.
//
// Used only where the kernel itself keeps its time by this counter: then it runs at one rate, on all cores alike, and goes
// on while they sleep. `CounterClock` checks all the same. node:ffi is experimental: anything unexpected, and there is no
// counter but a reason why.
import { closeSync, readFileSync, writeSync } from 'node:fs';
import { LibcUnavailableError, loadLibc } from './libc.ts';

const CLOCK_SOURCE = '/sys/devices/system/clocksource/clocksource0/current_clocksource';
const SYMBOL = 'ticks';

/** Ticks since the machine started, as a double; exact for 40 days, then to 2 ticks. */
const CODE = Uint8Array.of(
  0x0f, 0x31,                   // rdtsc              edx:eax = counter
  0x48, 0xc1, 0xe2, 0x20,       // shl  rdx, 32
  0x48, 0x09, 0xd0,             // or   rax, rdx
  0x0f, 0x57, 0xc0,             // xorps xmm0, xmm0   does not wait for its old value
  0xf2, 0x48, 0x0f, 0x2a, 0xc0, // cvtsi2sd xmm0, rax
  0xc3,                         // ret
);

/** Where the parts of the library lie in its only page. */
const Part = { Programs: 0x40, Dynamic: 0x100, Symbols: 0x200, Strings: 0x280, Hash: 0x2c0, Code: 0x300, End: 0x400 } as const;

/** A shared library of one function; `System V ABI, AMD64 supplement`, chapters 4 and 5. */
function libraryOf(symbol: string, code: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Part.End);
  const view = new DataView(bytes.buffer);
  const word = (at: number, value: number): void => view.setBigUint64(at, BigInt(value), true);

  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // ELF, 64 bits, little-endian, version 1
  view.setUint16(16, 3, true); // shared object
  view.setUint16(18, 62, true); // x86-64
  view.setUint32(20, 1, true);
  word(32, Part.Programs);
  view.setUint16(52, 64, true); // bytes of this header, of a program header, their number
  view.setUint16(54, 56, true);
  view.setUint16(56, 2, true);

  const strings = `\0${symbol}\0`;
  const dynamic = [[4, Part.Hash], [5, Part.Strings], [6, Part.Symbols], [10, strings.length], [11, 24], [0, 0]];
  const segment = (index: number, type: number, flags: number, at: number, size: number, align: number): void => {
    const header = Part.Programs + 56 * index;
    view.setUint32(header, type, true);
    view.setUint32(header + 4, flags, true);
    for (const field of [8, 16, 24]) word(header + field, at); // in the file, in memory, physical
    word(header + 32, size);
    word(header + 40, size);
    word(header + 48, align);
  };
  segment(0, 1, 5, 0, Part.End, 4_096); // loaded, to be read and executed
  segment(1, 2, 4, Part.Dynamic, dynamic.length * 16, 8);
  for (const [index, [tag, value]] of dynamic.entries()) {
    word(Part.Dynamic + 16 * index, tag);
    word(Part.Dynamic + 16 * index + 8, value);
  }
  // Symbol 0 is none; symbol 1: global function in section 1, which stands for "somewhere here".
  view.setUint32(Part.Symbols + 24, 1, true);
  bytes.set([0x12, 0, 1, 0], Part.Symbols + 28);
  word(Part.Symbols + 32, Part.Code);
  word(Part.Symbols + 40, code.length);
  bytes.set(new TextEncoder().encode(strings), Part.Strings);
  // One bucket with symbol 1 at its head; two symbols, no further links.
  new Uint32Array(bytes.buffer, Part.Hash, 5).set([1, 2, 1, 0, 0]);
  bytes.set(code, Part.Code);
  return bytes;
}

/** The counter, or why there is none. */
export type CounterFound =
  | { readonly ticks: () => number; readonly reason: '' }
  | { readonly ticks: null; readonly reason: string };

let found: CounterFound | null = null;

/** Looks for the counter at the first call. */
export function timeStampCounter(): CounterFound {
  found ??= find();
  return found;
}

function find(): CounterFound {
  const none = (reason: string): CounterFound => ({ ticks: null, reason });
  if (process.platform !== 'linux' || process.arch !== 'x64') return none(`it is known on linux x64, this is ${process.platform} ${process.arch}`);
  try {
    const source = readFileSync(CLOCK_SOURCE, 'utf8').trim();
    if (source !== 'tsc') return none(`the system keeps its own time by ${source}`);
    const ticks = load();
    const first = ticks();
    const second = ticks();
    return second >= first && first > 0 ? { ticks, reason: '' } : none(`it said ${first}, then ${second}`);
  } catch (error) {
    return none(error instanceof Error ? error.message : String(error));
  }
}

interface Ffi {
  readonly DynamicLibrary: new (path: string) => {
    getFunction(name: string, signature: { return: string; arguments: readonly string[] }): () => number;
  };
}

function load(): () => number {
  const ffi = foreignFunctions();
  const fd = loadLibc().memfd_create('outcry-ticks', 1); // closed in whatever this process starts
  if (fd < 0) throw new LibcUnavailableError('no file in memory could be made');
  try {
    writeSync(fd, libraryOf(SYMBOL, CODE));
    const library = new ffi.DynamicLibrary(`/proc/self/fd/${fd}`);
    return library.getFunction(SYMBOL, { return: 'float64', arguments: [] });
  } finally {
    closeSync(fd);
  }
}

/** The module, without its warning that it is experimental: whatever goes wrong leads to another clock. */
function foreignFunctions(): Ffi {
  const warn = process.emitWarning.bind(process);
  process.emitWarning = () => {};
  try {
    const module = process.getBuiltinModule('node:ffi') as unknown as Ffi | undefined;
    if (module === undefined) throw new LibcUnavailableError('this Node has no node:ffi');
    return module;
  } finally {
    process.emitWarning = warn;
  }
}
