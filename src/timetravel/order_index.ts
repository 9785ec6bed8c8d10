// Which events touched an order: a chain from the last one back, for every order by client and id.
//
//   table   open addressing: │ client │ id low │ id high │ last touch + 1 │ …      0: free
//   touches                  │ event │ touch before + 1 │ …
//
// Nothing is ever removed. Both grow by doubling; the table is at most half full.
// Cost: a probe and two stores a touch; the touches of an order in O(their number).
const ENTRY_WORDS = 4;
const CLIENT = 0;
const LOW = 1;
const HIGH = 2;
const LAST = 3;
const TOUCH_WORDS = 2;
const ENTRIES_INITIAL = 1 << 10;

export class OrderIndex {
  orders = 0;
  #touchCount = 0;
  #table = new Uint32Array(ENTRIES_INITIAL * ENTRY_WORDS);
  #touches = new Uint32Array(ENTRIES_INITIAL * TOUCH_WORDS);

  /** Event number `event`, none before the last one told, is about this order. */
  touch(client: number, low: number, high: number, event: number): void {
    if (this.orders * 2 >= this.#table.length / ENTRY_WORDS) this.#growTable();
    if ((this.#touchCount + 1) * TOUCH_WORDS > this.#touches.length) {
      const larger = new Uint32Array(this.#touches.length * 2);
      larger.set(this.#touches);
      this.#touches = larger;
    }
    const at = entryOf(this.#table, client, low, high);
    if (this.#table[at + LAST] === 0) this.#enter(at, client, low, high);
    const touch = this.#touchCount * TOUCH_WORDS;
    this.#touches[touch] = event;
    this.#touches[touch + 1] = this.#table[at + LAST];
    this.#touchCount += 1;
    this.#table[at + LAST] = this.#touchCount;
  }

  /** Numbers of all events of an order, rising. */
  eventsOf(client: number, low: number, high: number): number[] {
    const events: number[] = [];
    let touch = this.#table[entryOf(this.#table, client, low, high) + LAST];
    while (touch !== 0) {
      const at = (touch - 1) * TOUCH_WORDS;
      events.push(this.#touches[at]);
      touch = this.#touches[at + 1];
    }
    return events.toReversed();
  }

  /** Clients that have used this id, rising. */
  clientsOf(low: number, high: number): number[] {
    const table = this.#table;
    const clients: number[] = [];
    for (let at = 0; at < table.length; at += ENTRY_WORDS) {
      if (table[at + LAST] !== 0 && table[at + LOW] === low && table[at + HIGH] === high) clients.push(table[at + CLIENT]);
    }
    return clients.toSorted((a, b) => a - b);
  }

  #enter(at: number, client: number, low: number, high: number): void {
    const table = this.#table;
    table[at + CLIENT] = client;
    table[at + LOW] = low;
    table[at + HIGH] = high;
    this.orders += 1;
  }

  #growTable(): void {
    const before = this.#table;
    const table = new Uint32Array(before.length * 2);
    for (let from = 0; from < before.length; from += ENTRY_WORDS) {
      if (before[from + LAST] === 0) continue;
      const at = entryOf(table, before[from + CLIENT], before[from + LOW], before[from + HIGH]);
      for (let word = 0; word < ENTRY_WORDS; word++) table[at + word] = before[from + word];
    }
    this.#table = table;
  }
}

/** Where the order stands, or the free entry where it would. */
function entryOf(table: Uint32Array, client: number, low: number, high: number): number {
  const mask = table.length / ENTRY_WORDS - 1;
  let hash = Math.imul(low ^ Math.imul(high, 0x85eb_ca6b) ^ Math.imul(client, 0xc2b2_ae35), 0x9e37_79b1);
  hash ^= hash >>> 15;
  for (let entry = hash & mask; ; entry = (entry + 1) & mask) {
    const at = entry * ENTRY_WORDS;
    if (table[at + LAST] === 0) return at;
    if (table[at + LOW] === low && table[at + HIGH] === high && table[at + CLIENT] === client) return at;
  }
}
