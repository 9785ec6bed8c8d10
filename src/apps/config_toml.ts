// TOML 1.0 as a tree of values with their places (config_value.ts).
//
// A file without mistakes is parsed once, by a library that keeps positions (toml-eslint-parser).
// That library stops at the first mistake, and a person wants to hear of all of them: so a file
// that it refuses is read again statement by statement. A statement that cannot be read is a fault
// and left out; everything else goes into the tree as usual, so the schema can look at it in the
// same run. This second reading is more lenient than TOML (of a file that is refused anyway), but
// if it finds nothing wrong, the library's own complaint is reported.
//
// Cost: one parse; of a broken file one a statement, and a statement that never ends is tried at
// most STATEMENT_LINES_MAX lines long.
import { type AST, ParseError, parseTOML } from 'toml-eslint-parser';
import type { Came, CameArray, CameTable, Fault, Place } from './config_value.ts';

const TOML = { tomlVersion: '1.0.0' } as const;
/** A longer value than this is one whose end was forgotten. */
const STATEMENT_LINES_MAX = 500;

export interface ParsedText {
  readonly root: CameTable;
  readonly faults: readonly Fault[];
}

export function parseToml(path: string, text: string): ParsedText {
  const tree = new Tree(path);
  const source = withoutLoneReturns(tree, text);
  const parsed = tryParse(source);
  if (!(parsed instanceof ParseError)) {
    tree.add(parsed, source, 0);
    return { root: tree.root, faults: tree.faults };
  }
  readStatements(tree, source);
  if (tree.faults.length === 0) tree.fault(parsed.lineNumber, parsed, source.split('\n'));
  return { root: tree.root, faults: tree.faults };
}

/**
 * TOML's lines end with LF or CR LF; the library takes a CR alone for an end too, and then its lines
 * are not those of an editor.
 */
function withoutLoneReturns(tree: Tree, text: string): string {
  const first = text.search(/\r(?!\n)/);
  if (first === -1) return text;
  const line = text.slice(0, first).split('\n').length;
  const column = first - text.lastIndexOf('\n', first);
  tree.report(line, column, 'expected LF or CR LF at the end of a line, was CR');
  return text.replaceAll(/\r(?!\n)/g, ' ');
}

function tryParse(source: string): AST.TOMLProgram | ParseError {
  try {
    const program = parseTOML(source, TOML);
    // A 0 that ends the text gets an empty range there (toml-eslint-parser 1.0.3).
    return source.endsWith('0') ? parseTOML(`${source}\n`, TOML) : program;
  } catch (error) {
    if (error instanceof ParseError) return error;
    // Thousands of brackets deep.
    if (error instanceof RangeError) return new ParseError('unexpected-token', 0, 1, 0);
    throw error;
  }
}

// ── statement by statement ─────────────────────────────────────────────────────────────────────

/** Begins a statement: `key =`, `a."b c" =`, or `[table]` alone on its line. */
const KEY = String.raw`(?:[\w-]+|"[^"\n]*"|'[^'\n]*')`;
const STATEMENT = new RegExp(String.raw`^\s*(?:${KEY}(?:\s*\.\s*${KEY})*\s*=|\[\[?[^[\],="']*\]\]?\s*(?:#.*)?$)`);
/** Of a line with a mistake what is repeated: header, or keys and the equals sign; a line of base64 ends with one that is none. */
const SHOWN = new RegExp(String.raw`^\s*(\[\[?\s*[\w-]+(?:\.[\w-]+)*\s*\]{0,2}|${KEY}(?:\s*\.\s*${KEY})*(?:\s*=(?=[^=\n\r])|\s+=))`);
const SHOWN_CHARACTERS_MAX = 60;
/** Of a header that is not closed, or otherwise wrong, still the name that was meant. */
const BROKEN_HEADER = /^\s*(\[\[?)\s*([\w-]+(?:\.[\w-]+)*)/;

function readStatements(tree: Tree, source: string): void {
  const lines = source.split('\n');
  for (let line = 0; line < lines.length; ) {
    const statement = statementAt(lines, line);
    if (statement.program !== null) {
      tree.add(statement.program, statement.chunk, line);
      line += statement.lines;
      continue;
    }
    tree.fault(line + statement.error.lineNumber, statement.error, lines);
    const header = BROKEN_HEADER.exec(lines[line]);
    const open = openBrackets(lines[line]) > 0 || statement.lines > 1;
    line += 1;
    if (header !== null) tree.enterMeant(header[2].split('.'), header[1] === '[[', line);
    // The rest of a value that was begun says nothing by itself.
    else if (open) while (line < lines.length && !STATEMENT.test(lines[line])) line += 1;
  }
}

type Statement =
  | { readonly program: AST.TOMLProgram; readonly chunk: string; readonly lines: number }
  | { readonly program: null; readonly error: ParseError; readonly lines: number };

/** The statement that begins at a line: as many lines as it takes until it is whole. */
function statementAt(lines: readonly string[], first: number): Statement {
  let atFirstLine: ParseError | null = null;
  for (let count = 1; ; count++) {
    const chunk = lines.slice(first, first + count).join('\n');
    const parsed = tryParse(chunk);
    if (!(parsed instanceof ParseError)) return { program: parsed, chunk, lines: count };
    const atEnd = parsed.index >= chunk.length;
    const continues = /=.*(?:[[{]|"""|''')/.test(lines[first]);
    const more = first + count < lines.length && count < STATEMENT_LINES_MAX;
    atFirstLine ??= parsed;
    if (atEnd && continues && more) continue;
    // What never ends is at fault where it begins.
    return { program: null, error: atEnd ? atFirstLine : parsed, lines: count };
  }
}

/** Brackets that a line opens and does not close, strings and comment left out. */
function openBrackets(line: string): number {
  const bare = line.replaceAll(/"(?:[^"\\]|\\.)*"|'[^']*'/g, '').replace(/#.*/, '');
  return [...bare.matchAll(/[[{]/g)].length - [...bare.matchAll(/[\]}]/g)].length;
}

// ── the tree ───────────────────────────────────────────────────────────────────────────────────

class Tree {
  readonly faults: Fault[] = [];
  readonly root: CameTable;
  readonly #path: string;
  #current: CameTable;
  /** "exchange.", in front of the keys of the current table. */
  #prefix = '';
  /** What is being added, and the lines before it. */
  #source = '';
  #lineOffset = 0;

  constructor(path: string) {
    this.#path = path;
    this.root = newTable({ kind: 'file', path, line: 1, column: 1 });
    this.#current = this.root;
  }

  /** `source` is the text of `program`, and begins after `lineOffset` lines of the file. */
  add(program: AST.TOMLProgram, source: string, lineOffset: number): void {
    this.#source = source;
    this.#lineOffset = lineOffset;
    for (const node of program.body[0].body) {
      if (node.type === 'TOMLKeyValue') {
        this.#assign(this.#current, node);
        continue;
      }
      this.#enter(
        node.key.keys.map((key) => [keyName(key), this.#place(key)]),
        node.kind === 'array',
      );
      for (const pair of node.body) this.#assign(this.#current, pair);
    }
  }

  /** What follows belongs to the table that a broken header meant. */
  enterMeant(names: readonly string[], isArray: boolean, line: number): void {
    const at: Place = { kind: 'file', path: this.#path, line, column: 1 };
    this.#enter(names.map((name) => [name, at]), isArray);
  }

  fault(line: number, error: ParseError, lines: readonly string[]): void {
    const message = `expected TOML (key = value, or [table]), was ${shownOf(lines[line - 1] ?? '')}: ${lowerCase(error.message)}`;
    this.report(line, error.column + 1, message);
  }

  report(line: number, column: number, message: string): void {
    this.faults.push({ place: { kind: 'file', path: this.#path, line, column }, key: '', message });
  }

  #enter(keys: readonly (readonly [string, Place])[], isArray: boolean): void {
    const [name, at] = keys[keys.length - 1];
    const path = keys.map(([part]) => part).join('.');
    this.#prefix = `${path}.`;
    const parent = this.#descend(this.root, keys.slice(0, -1));
    const entry = parent.entries.get(name);
    if (isArray && (entry === undefined || entry.value.kind === 'array')) {
      const array: CameArray = entry === undefined ? { kind: 'array', items: [], at } : (entry.value as CameArray);
      if (entry === undefined) parent.entries.set(name, { keyAt: at, value: array });
      this.#current = newTable(at);
      array.items.push(this.#current);
      return;
    }
    const again = entry !== undefined && (isArray || this.#headers.has(entry.value));
    if (again) this.#twice(at, path, entry.keyAt);
    this.#current = this.#descend(parent, [keys[keys.length - 1]]);
    this.#headers.add(this.#current);
  }

  /** Tables that have had their header. */
  readonly #headers = new Set<Came>();

  #assign(table: CameTable, node: AST.TOMLKeyValue): void {
    const keys = node.key.keys.map((key): [string, Place] => [keyName(key), this.#place(key)]);
    const owner = this.#descend(table, keys.slice(0, -1));
    const [name, keyAt] = keys[keys.length - 1];
    const before = owner.entries.get(name);
    if (before === undefined) owner.entries.set(name, { keyAt, value: this.#value(node.value) });
    else this.#twice(keyAt, this.#prefix + keys.map(([part]) => part).join('.'), before.keyAt);
  }

  /** The table under a path, made where there is none; of an array of tables its last. */
  #descend(from: CameTable, keys: readonly (readonly [string, Place])[]): CameTable {
    let table = from;
    for (const [name, at] of keys) {
      const found = table.entries.get(name);
      const value = found?.value.kind === 'array' ? found.value.items.at(-1) : found?.value;
      if (value?.kind === 'table') {
        table = value;
        continue;
      }
      const made = newTable(at);
      // What stands under a value that is no table goes nowhere.
      if (found === undefined) table.entries.set(name, { keyAt: at, value: made });
      else this.#twice(at, name, found.keyAt);
      table = made;
    }
    return table;
  }

  #twice(place: Place, key: string, first: Place): void {
    const line = first.kind === 'file' ? first.line : 0;
    this.faults.push({ place, key, message: `expected once, it stands in line ${line} already` });
  }

  #value(node: AST.TOMLContentNode): Came {
    const at = this.#place(node);
    if (node.type === 'TOMLArray')
      return { kind: 'array', items: node.elements.map((item) => this.#value(item)), at };
    if (node.type === 'TOMLInlineTable') {
      const table = newTable(at);
      for (const pair of node.body) this.#assign(table, pair);
      return table;
    }
    if (node.kind === 'string') return { kind: 'string', text: node.value, at };
    if (node.kind === 'boolean') return { kind: 'boolean', value: node.value, at };
    if (node.kind === 'integer' || node.kind === 'float')
      return { kind: 'number', text: this.#written(node).replaceAll('_', ''), at };
    return { kind: 'date', text: this.#written(node), at };
  }

  #written(node: AST.TOMLNode): string {
    return this.#source.slice(node.range[0], node.range[1]);
  }

  #place(node: AST.TOMLNode): Place {
    const { line, column } = node.loc.start;
    return { kind: 'file', path: this.#path, line: line + this.#lineOffset, column: column + 1 };
  }
}

/** Values are not repeated: a password may be among them, and the file may be one of keys that was named by mistake. */
function shownOf(line: string): string {
  const trimmed = line.trim();
  const shown = SHOWN.exec(trimmed)?.[1] ?? '';
  if (shown === '' || shown.length > SHOWN_CHARACTERS_MAX) return `a line of ${trimmed.length} characters (not shown)`;
  return JSON.stringify(shown.length < trimmed.length ? `${shown} …` : shown);
}

function newTable(at: Place): CameTable {
  return { kind: 'table', entries: new Map(), at };
}

function keyName(key: AST.TOMLBare | AST.TOMLQuoted): string {
  return key.type === 'TOMLBare' ? key.name : key.value;
}

function lowerCase(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
