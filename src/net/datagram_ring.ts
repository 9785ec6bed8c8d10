// Datagrams that wait to be read, whole, in one ring of bytes.
//
//   │ payload bytes u32 │ sender's address u32 │ its port u32 │ payload …, padded to 4 │ next …
//
// A record that would cross the end of the ring starts at its beginning, behind a mark. Full: the datagram is refused and
// counted by whoever pushes. Nothing is allocated after the ring was made.
import { assert } from '../base/assert.ts';

const HEADER_BYTES = 12;
/** In place of a length: the next record is at the beginning. */
const AT_BEGINNING = 0xffff_ffff;

export class DatagramRing {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #head = 0; // next record to read
  #tail = 0; // next record to write
  #used = 0; // bytes between them, what is skipped at the end included
  count = 0;
  /** Of the datagram taken last. */
  senderIpv4 = 0;
  senderPort = 0;
  /** Its length, which may be more than was asked for. */
  lastBytes = 0;

  constructor(bytes: number) {
    assert(bytes >= 64, 'a ring has room for a datagram');
    this.#bytes = new Uint8Array((bytes + 3) & ~3);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** False: no room. */
  push(source: Uint8Array, at: number, bytes: number, ipv4: number, port: number): boolean {
    const size = this.#bytes.length;
    const need = HEADER_BYTES + ((bytes + 3) & ~3);
    const toEnd = size - this.#tail;
    const skip = need > toEnd ? toEnd : 0;
    if (this.#used + skip + need > size) return false;
    if (skip > 0) {
      this.#view.setUint32(this.#tail, AT_BEGINNING);
      this.#tail = 0;
      this.#used += skip;
    }
    const record = this.#tail;
    this.#view.setUint32(record, bytes);
    this.#view.setUint32(record + 4, ipv4);
    this.#view.setUint32(record + 8, port);
    const payload = record + HEADER_BYTES;
    for (let i = 0; i < bytes; i += 1) this.#bytes[payload + i] = source[at + i];
    this.#tail = record + need === size ? 0 : record + need;
    this.#used += need;
    this.count += 1;
    return true;
  }

  /** Bytes of the oldest datagram put at target[offset …], at most `max`; it is gone then. There must be one. */
  take(target: Uint8Array, offset: number, max: number): number {
    assert(this.count > 0, 'a datagram waits');
    if (this.#view.getUint32(this.#head) === AT_BEGINNING) {
      this.#used -= this.#bytes.length - this.#head;
      this.#head = 0;
    }
    const record = this.#head;
    const bytes = this.#view.getUint32(record);
    this.lastBytes = bytes;
    this.senderIpv4 = this.#view.getUint32(record + 4);
    this.senderPort = this.#view.getUint32(record + 8);
    const taken = bytes < max ? bytes : max;
    const payload = record + HEADER_BYTES;
    for (let i = 0; i < taken; i += 1) target[offset + i] = this.#bytes[payload + i];
    const need = HEADER_BYTES + ((bytes + 3) & ~3);
    this.#head = record + need === this.#bytes.length ? 0 : record + need;
    this.#used -= need;
    this.count -= 1;
    return taken;
  }

  checkInvariants(): void {
    const size = this.#bytes.length;
    let at = this.#head;
    let used = 0;
    for (let i = 0; i < this.count; i += 1) {
      if (this.#view.getUint32(at) === AT_BEGINNING) {
        used += size - at;
        at = 0;
      }
      const need = HEADER_BYTES + ((this.#view.getUint32(at) + 3) & ~3);
      assert(at + need <= size, 'a record ends inside the ring');
      used += need;
      at = at + need === size ? 0 : at + need;
    }
    assert(at === this.#tail, 'the records end where the next will be written');
    assert(used === this.#used, 'the bytes used are those of the records');
  }
}
