// What has happened, as a hash: two runs of a seed are the same when their traces are. With lines wanted,
// also in words, for people.
//
// Everything that anybody hears enters it with its time: the messages of clients, the datagrams of the
// feed, starts, deaths, faults, and the exchange's own hash of events at the end. Cost: a multiplication
// a number. Limit: 64 bits, made of two halves; TRACE_LINES_MAX lines.

/** Odd numbers with well-spread bits: from the golden ratio, and from xxHash. */
const FACTOR_A = 0x9e37_79b1;
const FACTOR_B = 0x85eb_ca77;
const TWO_32 = 0x1_0000_0000;
/** The last ones are kept. */
const TRACE_LINES_MAX = 200_000;

export class Trace {
  /** What happened, in words; empty unless wanted. */
  readonly lines: string[] = [];
  /** Numbers that entered the hash. */
  count = 0;
  readonly #wanted: boolean;
  #a = 0x2545_f491 | 0;
  #b = 0x1656_67b1 | 0;

  constructor(wanted: boolean) {
    this.#wanted = wanted;
  }

  /** A number of up to 53 bits. */
  add(value: number): void {
    this.#mix(value | 0);
    if ((value | 0) !== value) this.#mix(Math.floor(value / TWO_32) | 0);
    this.count++;
  }

  addText(text: string): void {
    this.#mix(text.length);
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i));
    this.count++;
  }

  /** An event of some rarity, in words. */
  say(timeNs: number, what: string): void {
    this.add(timeNs);
    this.addText(what);
    if (!this.#wanted) return;
    if (this.lines.length >= TRACE_LINES_MAX) this.lines.shift();
    this.lines.push(`${(timeNs / 1e9).toFixed(9)} ${what}`);
  }

  /** The same, where words are made only when they are wanted; what matters has entered the hash. */
  tell(timeNs: number, what: () => string): void {
    if (!this.#wanted) return;
    if (this.lines.length >= TRACE_LINES_MAX) this.lines.shift();
    this.lines.push(`${(timeNs / 1e9).toFixed(9)} ${what()}`);
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    const half = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
    return half(this.#a) + half(this.#b);
  }

  #mix(value: number): void {
    this.#a = Math.imul(this.#a ^ value, FACTOR_A);
    this.#a ^= this.#a >>> 15;
    this.#b = Math.imul(this.#b + value, FACTOR_B) ^ this.#a;
    this.#b ^= this.#b >>> 13;
  }
}
