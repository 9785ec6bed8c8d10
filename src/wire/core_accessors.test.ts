// The core's accessors (core/wire/generated.ts) against the golden bytes: compiled with one
// exported function around each of them, because the accessors themselves are inlined wherever they
// are used.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bytesOfHex, hexOfBytes, readGolden } from './golden.ts';
import { LAYOUTS, layoutOf } from './schema.ts';
import type { Field, Layout } from './schema.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Unaligned on purpose. */
const AT = 1_027;

type Accessor = (...values: (number | bigint)[]) => number | bigint;

function isAccessor(value: unknown): value is Accessor {
  return typeof value === 'function';
}

function isMemory(value: unknown): value is { buffer: ArrayBuffer } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'buffer' in value &&
    value.buffer instanceof ArrayBuffer
  );
}

function accessorName(layout: Layout, field: Field): string {
  return `${layout.name[0].toLowerCase()}${layout.name.slice(1)}${field.name[0].toUpperCase()}${field.name.slice(1)}`;
}

function numbersOf(layout: Layout): Field[] {
  return layout.fields.filter((field) => /^[iu]\d+$/.test(field.type));
}

function inCore(layout: Layout): boolean {
  return layout.family !== 'soup' && layout.family !== 'core_records';
}

function wrapper(generated: string): string {
  let text = `import * as wire from '${generated}';\n`;
  for (const layout of LAYOUTS.filter(inCore)) {
    for (const field of numbersOf(layout)) {
      const name = accessorName(layout, field);
      const setter = `set${name[0].toUpperCase()}${name.slice(1)}`;
      text += `export function ${name}(at: u32): ${field.type} { return wire.${name}(at); }\n`;
      text += `export function ${setter}(at: u32, value: ${field.type}): void { wire.${setter}(at, value); }\n`;
    }
  }
  return text;
}

function compile(): Record<string, unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-accessors-'));
  try {
    const require = createRequire(import.meta.url);
    const asc = join(dirname(require.resolve('assemblyscript/package.json')), 'bin/asc.js');
    // The compiler wants everything below one folder.
    writeFileSync(join(folder, 'generated.ts'), readFileSync(join(root, 'core/wire/generated.ts')));
    writeFileSync(join(folder, 'wrapper.ts'), wrapper('./generated'));
    const output = join(folder, 'wrapper.wasm');
    const result = spawnSync(
      process.execPath,
      [
        asc,
        'wrapper.ts',
        '--baseDir',
        folder,
        '--outFile',
        output,
        '--runtime',
        'stub',
        '-O1',
        '--noAssert',
        '--initialMemory',
        '1',
      ],
      { cwd: root, encoding: 'utf8' },
    );
    assert.ok(
      existsSync(output),
      `the accessors did not compile:\n${result.stdout}${result.stderr}`,
    );
    return new WebAssembly.Instance(new WebAssembly.Module(readFileSync(output))).exports;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the core reads and writes the golden bytes', () => {
  const exports = compile();
  assert.ok(isMemory(exports.memory));
  const memory = new Uint8Array(exports.memory.buffer);
  const call = (name: string, ...values: (number | bigint)[]): number | bigint => {
    const accessor = exports[name];
    assert.ok(isAccessor(accessor), name);
    return accessor(...values);
  };
  let checked = 0;
  for (const golden of readGolden().messages) {
    const layout = layoutOf(golden.layout);
    if (!inCore(layout)) continue;
    const bytes = bytesOfHex(golden.hex);
    memory.set(bytes, AT);
    for (const field of numbersOf(layout)) {
      const name = accessorName(layout, field);
      const value = BigInt(golden.fields[field.name]);
      const read = BigInt(call(name, AT));
      assert.equal(
        BigInt.asUintN(field.width * 8, read),
        BigInt.asUintN(field.width * 8, value),
        `${golden.name}: ${name}`,
      );
      // Written anew over noise, at the same place.
      memory.fill(0xa5, AT + field.offset, AT + field.offset + field.width);
      call(
        `set${name[0].toUpperCase()}${name.slice(1)}`,
        AT,
        field.width === 8 ? value : Number(value),
      );
      checked++;
    }
    assert.equal(hexOfBytes(memory.slice(AT, AT + bytes.length)), hexOfBytes(bytes), golden.name);
  }
  assert.ok(checked > 100);
});
