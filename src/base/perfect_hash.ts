// A fixed set of names → their index, by a perfect hash that is built once.
//
//   name ─► hash (32 bits) ─► bucket ─► displacement d ─► slot = (hash + d · step) mod slots ─► index, or none
//
// No two names of the set share a slot ("hash and displace", Pagh 1999), so a look-up is one pass over the name, two loads and
// one comparison, whatever the names are: there is no chain that a badly chosen set could make long. What is not in
// the set lands in some slot too, and the comparison refuses it. Names come as text or as bytes of a message.
//
// Building: buckets in falling order of size, each with the first displacement under which all of its names find free
// slots; when a bucket finds none (or two names have one hash), again with another seed. Milliseconds for 4,096 names.
// Memory: 4 bytes a slot, 2 a bucket. A look-up allocates nothing. Limits: PERFECT_HASH_NAMES_MAX names of 1 … 64 characters of one byte.
import { assert } from './assert.ts';

/** More would still fit, but slots are kept in 16 bits. */
export const PERFECT_HASH_NAMES_MAX = 32_768;
export const PERFECT_HASH_NAME_CHARACTERS_MAX = 64;
/** What a look-up says of a name that is not in the set. */
export const NAME_NONE = -1;

const SEEDS_MAX = 64;
const DISPLACEMENTS_MAX = 0xffff;
const FNV_PRIME = 0x0100_0193;
const NAMES_PER_BUCKET = 2;

function powerOfTwoFrom(least: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(least, 2)));
}

/** Mixes every bit into every other (murmur's end). */
function mixed(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85eb_ca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2_ae35);
  return h ^ (h >>> 16);
}

export class PerfectHash {
  readonly names: readonly string[];
  readonly #slotMask: number;
  readonly #bucketMask: number;
  readonly #slots: Int32Array; // index of the name, NAME_NONE
  readonly #displacements: Uint16Array;
  readonly #bytes: Uint8Array; // all names, one behind the other
  readonly #ends: Uint32Array; // ends[i] … ends[i + 1]
  #seed = 0;

  /** Throws a RangeError for two equal names, too many, or one that is empty, too long or not of one-byte characters. */
  constructor(names: readonly string[]) {
    if (names.length > PERFECT_HASH_NAMES_MAX) {
      throw new RangeError(`names: expected at most ${PERFECT_HASH_NAMES_MAX}, were ${names.length}`);
    }
    checkNames(names);
    this.names = [...names];
    // Half as many slots again: with fewer the last buckets have to look for long.
    const slots = powerOfTwoFrom(names.length * 1.5);
    const buckets = powerOfTwoFrom(names.length / NAMES_PER_BUCKET);
    this.#slotMask = slots - 1;
    this.#bucketMask = buckets - 1;
    this.#slots = new Int32Array(slots);
    this.#displacements = new Uint16Array(buckets);
    this.#ends = new Uint32Array(names.length + 1);
    for (const [i, name] of names.entries()) this.#ends[i + 1] = this.#ends[i] + name.length;
    this.#bytes = new Uint8Array(this.#ends[names.length]);
    for (const [i, name] of names.entries()) {
      for (let c = 0; c < name.length; c++) this.#bytes[this.#ends[i] + c] = name.charCodeAt(c);
    }
    while (!this.#build()) {
      this.#seed += 1;
      assert(this.#seed < SEEDS_MAX, 'some seed gives a perfect hash');
    }
  }

  #build(): boolean {
    this.#slots.fill(NAME_NONE);
    this.#displacements.fill(0);
    const buckets: number[][] = Array.from({ length: this.#bucketMask + 1 }, () => []);
    const hashes = this.names.map((name) => this.#hashOf(name));
    for (const [i, hash] of hashes.entries()) buckets[mixed(hash) & this.#bucketMask].push(i);
    const bySize = buckets.map((_, bucket) => bucket).toSorted((a, b) => buckets[b].length - buckets[a].length);
    for (const bucket of bySize) {
      if (!this.#place(bucket, buckets[bucket], hashes)) return false;
    }
    return true;
  }

  /** Finds a displacement for the names of a bucket. */
  #place(bucket: number, members: readonly number[], hashes: readonly number[]): boolean {
    // Slots come round after as many displacements as there are.
    const last = Math.min(this.#slotMask, DISPLACEMENTS_MAX);
    for (let displacement = 0; displacement <= last; displacement++) {
      const slots = members.map((i) => this.#slotOf(hashes[i], displacement));
      const free = slots.every((slot, i) => this.#slots[slot] === NAME_NONE && slots.indexOf(slot) === i);
      if (!free) continue;
      this.#displacements[bucket] = displacement;
      for (const [i, slot] of slots.entries()) this.#slots[slot] = members[i];
      return true;
    }
    return false;
  }

  #slotOf(hash: number, displacement: number): number {
    // The step is odd, so that a bucket's names try all slots.
    return (hash + Math.imul(displacement, (hash >>> 15) | 1)) & this.#slotMask;
  }

  #hashOf(name: string): number {
    let hash = this.#seed;
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), FNV_PRIME);
    return mixed(hash);
  }

  /** Index of `name`, NAME_NONE when it is not in the set. */
  indexOf(name: string): number {
    const hash = this.#hashOf(name);
    const index = this.#slots[this.#slotOf(hash, this.#displacements[mixed(hash) & this.#bucketMask])];
    return index !== NAME_NONE && this.names[index] === name ? index : NAME_NONE;
  }

  /** indexOf for a name of `length` bytes at `offset`; one shorter than its field ends where the caller says. */
  indexOfBytes(bytes: Uint8Array, offset: number, length: number): number {
    let hash = this.#seed;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ bytes[offset + i], FNV_PRIME);
    hash = mixed(hash);
    const index = this.#slots[this.#slotOf(hash, this.#displacements[mixed(hash) & this.#bucketMask])];
    if (index === NAME_NONE) return NAME_NONE;
    const start = this.#ends[index];
    if (this.#ends[index + 1] - start !== length) return NAME_NONE;
    for (let i = 0; i < length; i++) if (this.#bytes[start + i] !== bytes[offset + i]) return NAME_NONE;
    return index;
  }
}

function checkNames(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const [i, name] of names.entries()) {
    if (name.length < 1 || name.length > PERFECT_HASH_NAME_CHARACTERS_MAX) {
      throw new RangeError(`names[${i}]: expected 1 to ${PERFECT_HASH_NAME_CHARACTERS_MAX} characters, were ${name.length}`);
    }
    for (let c = 0; c < name.length; c++) {
      if (name.charCodeAt(c) > 0xff) throw new RangeError(`names[${i}]: expected characters of one byte, was "${name}"`);
    }
    if (seen.has(name)) throw new RangeError(`names[${i}]: expected each name once, was "${name}" again`);
    seen.add(name);
  }
}
