// JSON as a tree of values with their places (config_value.ts): the same tables and keys as in TOML,
// for configurations that programs write. JSON.parse keeps no places, and turns numbers into binary
// fractions; hence these few lines. The first mistake of the syntax ends the reading; a key that
// stands twice does not.
import type { Came, CameTable, Fault, Place } from './config_value.ts';

/** Arrays and tables inside each other. */
const DEPTH_MAX = 32;

class JsonMistake extends Error {
  override readonly name = 'JsonMistake';
  readonly index: number;

  constructor(index: number, message: string) {
    super(message);
    this.index = index;
  }
}

export function parseJson(path: string, source: string): { root: CameTable; faults: Fault[] } {
  const reader = new Reader(path, source);
  const empty: CameTable = { kind: 'table', entries: new Map(), at: reader.place(0) };
  try {
    const root = reader.document();
    if (root.kind === 'table') return { root, faults: reader.faults };
    reader.report(root.at, `expected an object of tables, was ${JSON.stringify(source.trim().charAt(0))}`);
  } catch (error) {
    if (!(error instanceof JsonMistake)) throw error;
    reader.report(reader.place(error.index), `expected JSON: ${error.message}`);
  }
  return { root: empty, faults: reader.faults };
}

const SPACE = /[ \t\r\n]*/y;
/** JSON.parse looks at what stands between the quotes. */
const STRING = /"(?:[^"\\\n]|\\.)*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

class Reader {
  readonly faults: Fault[] = [];
  readonly #path: string;
  readonly #source: string;
  #at = 0;
  #depth = 0;
  /** The line of the last place that was asked for, and where it begins. */
  #line = 1;
  #lineStart = 0;
  #lineEnd: number;

  constructor(path: string, source: string) {
    this.#path = path;
    this.#source = source;
    this.#lineEnd = this.#lineEndFrom(0);
  }

  document(): Came {
    const value = this.#value();
    this.#space();
    if (this.#at < this.#source.length) this.#mistake('the end');
    return value;
  }

  /** Of an index that is not before the last one asked for. */
  place(index: number): Place {
    while (this.#lineEnd < index) {
      this.#line += 1;
      this.#lineStart = this.#lineEnd + 1;
      this.#lineEnd = this.#lineEndFrom(this.#lineStart);
    }
    const column = index - this.#lineStart + 1;
    return { kind: 'file', path: this.#path, line: this.#line, column };
  }

  #lineEndFrom(start: number): number {
    const end = this.#source.indexOf('\n', start);
    return end === -1 ? this.#source.length : end;
  }

  report(place: Place, message: string, key = ''): void {
    this.faults.push({ place, key, message });
  }

  #value(): Came {
    this.#space();
    const at = this.place(this.#at);
    const first = this.#source.charAt(this.#at);
    if (first === '{' || first === '[') {
      this.#depth += 1;
      if (this.#depth > DEPTH_MAX) this.#mistake(`at most ${DEPTH_MAX} brackets inside each other`);
      const value = first === '{' ? this.#table(at) : this.#array(at);
      this.#depth -= 1;
      return value;
    }
    if (first === '"') return { kind: 'string', text: this.#string(), at };
    const number = this.#match(NUMBER);
    if (number !== null) return { kind: 'number', text: number, at };
    const word = this.#match(WORD) ?? this.#mistake('a value');
    return word === 'null' ? { kind: 'null', at } : { kind: 'boolean', value: word === 'true', at };
  }

  #table(at: Place): Came {
    const table: CameTable = { kind: 'table', entries: new Map(), at };
    this.#at += 1;
    if (this.#ends('}')) return table;
    do {
      this.#space();
      const keyAt = this.place(this.#at);
      const key = this.#string();
      this.#space();
      if (!this.#takes(':')) this.#mistake('":"');
      const value = this.#value();
      const before = table.entries.get(key);
      if (before === undefined) table.entries.set(key, { keyAt, value });
      else if (before.keyAt.kind === 'file')
        this.report(keyAt, `expected once, it stands in line ${before.keyAt.line} already`, key);
      this.#space();
    } while (this.#takes(','));
    if (!this.#takes('}')) this.#mistake('"," or "}"');
    return table;
  }

  #array(at: Place): Came {
    const items: Came[] = [];
    this.#at += 1;
    if (this.#ends(']')) return { kind: 'array', items, at };
    do {
      items.push(this.#value());
      this.#space();
    } while (this.#takes(','));
    if (!this.#takes(']')) this.#mistake('"," or "]"');
    return { kind: 'array', items, at };
  }

  #string(): string {
    const start = this.#at;
    const literal = this.#match(STRING) ?? this.#mistake('a string in double quotes');
    try {
      return JSON.parse(literal) as string;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.#at = start;
      return this.#mistake('a string without control characters and unknown escapes');
    }
  }

  #space(): void {
    this.#match(SPACE);
  }

  #ends(bracket: string): boolean {
    this.#space();
    return this.#takes(bracket);
  }

  #takes(character: string): boolean {
    if (this.#source.charAt(this.#at) !== character) return false;
    this.#at += 1;
    return true;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#source);
    if (match === null) return null;
    this.#at += match[0].length;
    return match[0];
  }

  #mistake(wanted: string): never {
    // One character, for what follows may be a secret.
    const was = this.#source.charAt(this.#at);
    throw new JsonMistake(this.#at, `expected ${wanted}, was ${was === '' || was === '\n' ? 'the end of the line or file' : JSON.stringify(was)}`);
  }
}
