// Makes what follows from the schemas; `npm run generate` writes the files. From src/wire/schema.ts:
//
//   src/wire/generated/*.ts   codecs for TypeScript over a DataView and an offset
//   core/wire/generated.ts    accessors for the core over an address
//   docs/PROTOCOL.md          the protocol, for whoever writes a client
//
// and from the schema of the configuration (src/apps/config*.ts)
//
//   docs/CONFIGURATION.md     every key with default, flag and variable
//   docs/outcry.sample.toml   a file with every key
//
// and from the strategies (src/trader/strategies)
//
//   docs/STRATEGIES.md        the tables of parameters, the example; the rest of it stays
//   docs/strategies.svg       what they quote
//
// and from what the library exports (src/index.ts)
//
//   docs/API.md               every declaration with its words
//
// and from the table of metrics (src/observe/metrics/table.ts)
//
//   docs/METRICS.md           every metric with its meaning
//
// The codecs are objects of small functions: V8 inlines them like free functions and a caller reads
// `ClientRequest.qty(view, at)`. A DataView with a constant `littleEndian` costs a plain load or
// store, unaligned or not; assembling bytes of a Uint8Array costs several (wire.bench.ts measures
// both).
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { protocolDocument } from './protocol_document.ts';
import {
  CODES,
  LAYOUTS,
  MOLD_COUNT_END,
  MOLD_COUNT_HEARTBEAT,
  NONE_VALUES,
} from '../src/wire/schema.ts';
import type { Codes, Family, Field, Layout } from '../src/wire/schema.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const NOTICE = '// Generated from src/wire/schema.ts by `npm run generate`. Do not edit.';

const CODEC_FAMILIES: ReadonlyMap<Family, string> = new Map([
  ['native', 'Native messages: requests, responses, market updates. Little-endian, packed.'],
  ['book_feed', "Feed in the C++ book's layout. Little-endian, packed."],
  ['market_data', 'The 40-byte market data message. Little-endian, packed.'],
  ['soup', 'SoupBinTCP 4.1 packets. Big-endian; text in ASCII.'],
  ['mold_udp64', 'MoldUDP64 datagrams and requests. Big-endian.'],
]);

/** Members of a codec that a field cannot be called. */
const RESERVED_NAMES = ['bytes', 'offset', 'width', 'encode', 'read', 'write'];

/** What feeds say: the numbers that the core needs beside its own (core/codes.ts). */
const CORE_CODES = new Set(['UpdateType', 'BookUpdateType', 'MarketDataType', 'MarketDataSide']);

/** Every generated file's text by its path from the project's root. */
export function generate(): Map<string, string> {
  const files = new Map<string, string>();
  for (const [family, about] of CODEC_FAMILIES) {
    files.set(`src/wire/generated/${family}.ts`, codecFile(family, about));
  }
  files.set('core/wire/generated.ts', coreFile());
  files.set('docs/PROTOCOL.md', protocolDocument());
  return files;
}

/** Paths whose text on disk is not what the schema says. */
export function outdated(): string[] {
  const stale: string[] = [];
  for (const [path, text] of generate()) if (textOf(path) !== text) stale.push(path);
  return stale;
}

function textOf(path: string): string | null {
  const file = join(root, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

// ── TypeScript codecs ────────────────────────────────────────────────────────────────────────

function codecFile(family: Family, about: string): string {
  const layouts = LAYOUTS.filter((layout) => layout.family === family);
  const helpers = new Set<string>();
  for (const layout of layouts)
    for (const field of layout.fields) for (const name of helpersOf(field)) helpers.add(name);
  const parts = [`${NOTICE}\n//\n// ${about}\n${codecNotes(layouts)}`];
  if (helpers.size > 0)
    parts.push(`import { ${[...helpers].toSorted().join(', ')} } from '../ascii.ts';\n`);
  if (family === 'native') parts.push(noneConstants());
  if (family === 'mold_udp64') parts.push(moldConstants());
  for (const codes of CODES) if (codes.family === family) parts.push(codesObject(codes));
  for (const layout of layouts) parts.push(codecObject(layout));
  return parts.join('\n');
}

function codecNotes(layouts: readonly Layout[]): string {
  if (!layouts.some((layout) => layout.fields.some(is64))) return '';
  return [
    '// 64-bit fields are two unsigned halves (`priceLo`, `priceHi`, `setPrice(view, at, lo, hi)`): nothing is',
    '// allocated. `priceBig` and `setPriceBig`, `read` and `write` are for cold code.',
    '',
  ].join('\n');
}

function helpersOf(field: Field): string[] {
  switch (field.type) {
    case 'text':
      return ['readText', 'writeTextLeft'];
    case 'textRight':
      return ['readText', 'writeTextRight'];
    case 'digits':
      return ['readDigits', 'writeDigits'];
    case 'hex':
      return ['readHex', 'writeHex'];
    default:
      return [];
  }
}

function noneConstants(): string {
  let text = '';
  for (const none of NONE_VALUES) {
    text += `/** None: ${none.doc}. */\n`;
    if (none.bits === 32) {
      text += `export const ${none.name} = 0x${none.value.toString(16)};\n`;
      continue;
    }
    text += `export const ${none.name}_LO = 0x${(none.value & 0xffff_ffffn).toString(16)};\n`;
    text += `export const ${none.name}_HI = 0x${(none.value >> 32n).toString(16)};\n`;
  }
  return text;
}

function moldConstants(): string {
  return `/** Counts that are none: a heartbeat, the end of the session. */
export const MOLD_COUNT_HEARTBEAT = ${MOLD_COUNT_HEARTBEAT};
export const MOLD_COUNT_END = 0x${MOLD_COUNT_END.toString(16)};\n`;
}

function codesObject(codes: Codes): string {
  let text = `/** ${codes.doc} */\nexport const ${codes.name} = {\n`;
  for (const [name, value, doc] of codes.values) {
    const number = codes.family === 'soup' ? `0x${value.toString(16)}` : String(value);
    const says = doc.replace(/[ -]/g, '') === name.toLowerCase() ? '' : doc;
    text += `  ${name}: ${number},${says === '' ? '' : ` // ${says}`}\n`;
  }
  text += `} as const;\nexport type ${codes.name} = (typeof ${codes.name})[keyof typeof ${codes.name}];\n`;
  return text;
}

function codecObject(layout: Layout): string {
  const { name, bytes, doc } = layout;
  const fields = layout.fields.filter((field) => field.type !== 'reserved');
  for (const field of fields) {
    if (!RESERVED_NAMES.includes(field.name)) continue;
    throw new RangeError(
      `${name}: expected no field named ${RESERVED_NAMES.join(', ')}, was ${field.name}`,
    );
  }
  const little = layout.endian === 'little';
  const texts = fields.filter((field) => isText(field));
  let text = `/** Fields of a ${name} as an object, for cold code. */\nexport interface ${name}Fields {\n`;
  for (const field of fields) text += `  ${field.name}: ${objectType(field)};\n`;
  text += `}\n\n/** ${doc} ${bytes} bytes. */\nexport const ${name} = {\n  bytes: ${bytes},\n`;
  text += numbersObject(
    'offset',
    fields.map((field) => `${field.name}: ${field.offset}`),
  );
  if (texts.length > 0)
    text += numbersObject(
      'width',
      texts.map((field) => `${field.name}: ${field.width}`),
    );
  for (const field of fields) text += fieldAccessors(field, little);
  return `${text}${encodeFunction(layout, little)}${wholeFunctions(layout)}} as const;\n`;
}

function numbersObject(name: string, entries: readonly string[]): string {
  return `  ${name}: {${wrap(entries)}\n  },\n`;
}

/** Reading and writing through an object of all fields. */
function wholeFunctions(layout: Layout): string {
  const { name, fields } = layout;
  let read = '';
  let write = '';
  for (const field of fields) {
    const big = is64(field) ? 'Big' : '';
    if (field.type === 'reserved') {
      for (const store of zeros(field)) write += `    ${store};\n`;
      continue;
    }
    read += `      ${field.name}: ${name}.${field.name}${big}(view, at),\n`;
    write += `    ${name}.set${capital(field.name)}${big}(view, at, fields.${field.name});\n`;
  }
  return `
  read(view: DataView, at: number): ${name}Fields {
    return {\n${read}    };
  },
  write(view: DataView, at: number, fields: ${name}Fields): void {
${write}  },
`;
}

function objectType(field: Field): string {
  if (is64(field)) return 'bigint';
  return isText(field) && field.type !== 'digits' ? 'string' : 'number';
}

function is64(field: Field): boolean {
  return field.type === 'u64' || field.type === 'i64';
}

function isText(field: Field): boolean {
  return helpersOf(field).length > 0;
}

function capital(name: string): string {
  return name[0].toUpperCase() + name.slice(1);
}

function place(offset: number): string {
  return offset === 0 ? 'at' : `at + ${offset}`;
}

const VIEW_METHOD: Readonly<Record<string, string>> = {
  u8: 'Uint8',
  i8: 'Int8',
  char: 'Uint8',
  u16: 'Uint16',
  u32: 'Uint32',
  i32: 'Int32',
  u64: 'BigUint64',
  i64: 'BigInt64',
};

function get(type: string, offset: number, little: boolean): string {
  const order = ['u8', 'i8', 'char'].includes(type) ? '' : `, ${little}`;
  return `view.get${VIEW_METHOD[type]}(${place(offset)}${order})`;
}

function set(type: string, offset: number, value: string, little: boolean): string {
  const order = ['u8', 'i8', 'char'].includes(type) ? '' : `, ${little}`;
  return `view.set${VIEW_METHOD[type]}(${place(offset)}, ${value}${order})`;
}

function lowOffset(field: Field, little: boolean): number {
  return little ? field.offset : field.offset + 4;
}

function highOffset(field: Field, little: boolean): number {
  return little ? field.offset + 4 : field.offset;
}

function fieldAccessors(field: Field, little: boolean): string {
  const { name, offset, type, width, doc } = field;
  const note = doc === '' ? '' : `  /** ${doc} */\n`;
  const upper = capital(name);
  if (isText(field)) {
    const [read, write] = helpersOf(field);
    const valueType = objectType(field);
    return `
${note}  ${name}(view: DataView, at: number): ${valueType} {
    return ${read}(view, ${place(offset)}, ${width});
  },
  set${upper}(view: DataView, at: number, value: ${valueType}): void {
    ${write}(view, ${place(offset)}, ${width}, value);
  },
`;
  }
  if (is64(field)) {
    return `
${note}  ${name}Lo(view: DataView, at: number): number {
    return ${get('u32', lowOffset(field, little), little)};
  },
  ${name}Hi(view: DataView, at: number): number {
    return ${get('u32', highOffset(field, little), little)};
  },
  set${upper}(view: DataView, at: number, lo: number, hi: number): void {
    ${set('u32', lowOffset(field, little), 'lo', little)};
    ${set('u32', highOffset(field, little), 'hi', little)};
  },
  ${name}Big(view: DataView, at: number): bigint {
    return ${get(type, offset, little)};
  },
  set${upper}Big(view: DataView, at: number, value: bigint): void {
    ${set(type, offset, 'value', little)};
  },
`;
  }
  return `
${note}  ${name}(view: DataView, at: number): number {
    return ${get(type, offset, little)};
  },
  set${upper}(view: DataView, at: number, value: number): void {
    ${set(type, offset, 'value', little)};
  },
`;
}

/** One store after the other, all fields: what the pipeline writes messages with. */
function encodeFunction(layout: Layout, little: boolean): string {
  if (layout.fields.some(isText)) return '';
  const parameters: string[] = [];
  const stores: string[] = [];
  for (const field of layout.fields) {
    if (field.type === 'reserved') {
      stores.push(...zeros(field));
    } else if (is64(field)) {
      parameters.push(`${field.name}Lo: number`, `${field.name}Hi: number`);
      stores.push(set('u32', lowOffset(field, little), `${field.name}Lo`, little));
      stores.push(set('u32', highOffset(field, little), `${field.name}Hi`, little));
    } else {
      parameters.push(`${field.name}: number`);
      stores.push(set(field.type, field.offset, field.name, little));
    }
  }
  return `
  /** All fields at once. */
  encode(
    view: DataView, at: number,${wrap(parameters)}
  ): void {
${stores.map((store) => `    ${store};\n`).join('')}  },
`;
}

function wrap(parameters: readonly string[]): string {
  let text = '';
  let line = '\n   ';
  for (const parameter of parameters) {
    if (line.length + parameter.length > 98) {
      text += line;
      line = '\n   ';
    }
    line += ` ${parameter},`;
  }
  return text + line;
}

function zeros(field: Field): string[] {
  const stores: string[] = [];
  for (let i = 0; i < field.width; i += 4)
    stores.push(`view.setUint32(${place(field.offset + i)}, 0)`);
  return stores;
}

// ── the core's accessors ─────────────────────────────────────────────────────────────────────

/** Packed messages that the core reads; its own records are classes in core/records.ts. */
function coreFile(): string {
  const layouts = LAYOUTS.filter(
    (layout) => layout.family !== 'soup' && layout.family !== 'core_records',
  );
  const parts = [
    `${NOTICE}
//
// Accessors of packed messages at an address: a load or a store at a constant offset, unaligned as
// WebAssembly allows. Big-endian fields are swapped. Text fields are left to the sessions.
`,
  ];
  for (const layout of layouts) {
    const prefix = layout.name[0].toLowerCase() + layout.name.slice(1);
    let text = `// ${layout.name}: ${layout.doc}\nexport const ${upperSnake(layout.name)}_BYTES: u32 = ${layout.bytes};\n`;
    for (const field of layout.fields) {
      if (field.type !== 'reserved' && !isText(field))
        text += coreAccessors(prefix, field, layout.endian === 'big');
    }
    parts.push(text);
  }
  for (const codes of CODES) {
    if (CORE_CODES.has(codes.name)) parts.push(coreCodes(codes));
  }
  return parts.join('\n');
}

function coreAccessors(prefix: string, field: Field, big: boolean): string {
  const type = field.type === 'char' ? 'u8' : field.type;
  const swap = big && field.width > 1;
  const offset = field.offset === 0 ? '' : `, ${field.offset}`;
  const name = prefix + capital(field.name);
  const load = `load<${type}>(at${offset})`;
  return `// @ts-ignore: decorator
@inline
export function ${name}(at: u32): ${type} {
  return ${swap ? `bswap<${type}>(${load})` : load};
}
// @ts-ignore: decorator
@inline
export function set${capital(name)}(at: u32, value: ${type}): void {
  store<${type}>(at, ${swap ? `bswap<${type}>(value)` : 'value'}${offset});
}
`;
}

function coreCodes(codes: Codes): string {
  const prefix = upperSnake(codes.name.replace(/Type$/, ''));
  return codes.values
    .map(([name, value]) => `export const ${prefix}_${upperSnake(name)}: u8 = ${value};\n`)
    .join('');
}

function upperSnake(name: string): string {
  return name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toUpperCase();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // Loaded here only: the tests compare those apart, so that the comparison of codecs before
  // every run does not load the command.
  const { configurationFiles } = await import('./configuration_document.ts');
  const { strategiesFiles } = await import('./strategies_document.ts');
  const { apiReferenceFiles } = await import('./api_reference.ts');
  const { metricsFiles } = await import('./metrics_document.ts');
  for (const [path, text] of [...generate(), ...configurationFiles(), ...strategiesFiles(), ...metricsFiles(), ...apiReferenceFiles()]) {
    const changed = textOf(path) !== text;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (changed) writeFileSync(join(root, path), text);
    console.log(`${changed ? 'written  ' : 'unchanged'} ${path}`);
  }
}
