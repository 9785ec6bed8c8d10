// The known mistakes, made: each row of test/known_mistakes.test.ts at least once, as one replacement
// in one file. mutation_proof.ts applies them to a copy and runs `tests`, which must fail.
//
// `find` stands exactly once in its file (mutation_proof.test.ts checks that), so who changes such a
// line changes it here too. A mutation compiles and leaves no test waiting for ever.

export interface Mutation {
  /** Row of the known mistakes. */
  readonly row: number;
  /** The mistake as made here. */
  readonly what: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Files of the tests that must notice. */
  readonly tests: readonly string[];
}

const SCENARIOS = ['test/scenarios.test.ts'];
const TRADING = ['test/exchange/trading.test.ts'];
const FRAMING = ['src/wire/framing/framing.test.ts'];
const FEED_HANDLER = ['src/trader/feed_handler.test.ts'];
const FEATURES = ['src/trader/features.test.ts'];
const RISK = ['src/trader/risk.test.ts'];
const LEDGER = ['src/trader/exposure_ledger.test.ts'];
const POSITIONS = ['src/trader/position_keeper.test.ts'];
const TAKER = ['src/trader/strategies/liquidity_taker.test.ts'];
const MAKER_BPS = ['src/trader/strategies/market_maker_bps.test.ts'];

export const MUTATIONS: readonly Mutation[] = [
  // ── matching ───────────────────────────────────────────────────────────────────────────────
  {
    row: 1,
    what: 'a plain order stands at its price modulo 256',
    file: 'core/book/matching.ts',
    find: `  const rank = u32(price) ^ 0x80000000 ^ u32(side >> 31);
  if (crosses(`,
    replace: `  const rank = u32(price & 255) ^ 0x80000000 ^ u32(side >> 31);
  if (crosses(`,
    tests: SCENARIOS,
  },
  {
    row: 2,
    what: 'buys and sells share one ladder',
    file: 'core/book/matching.ts',
    find: 'const own = book + (<u32>(1 - side) << 4); // bids at 0, asks at LADDER_SIZE',
    replace: 'const own = book;',
    tests: SCENARIOS,
  },
  {
    row: 3,
    what: 'a new order queues at the front of its level',
    file: 'core/memory/price_ladder.ts',
    find: `  const last = level.prev;
  store<u64>(changetype<u32>(order), <u64>levelAddress | (<u64>last << 32)); // next, prev
  order.level = levelAddress;
  store<u32>(last, changetype<u32>(order)); // next: at offset 0 of orders and levels alike
  level.prev = changetype<u32>(order);`,
    replace: `  const first = level.next;
  store<u64>(changetype<u32>(order), <u64>first | (<u64>levelAddress << 32));
  order.level = levelAddress;
  store<u32>(first, changetype<u32>(order), 4);
  level.next = changetype<u32>(order);`,
    tests: SCENARIOS,
  },
  {
    row: 7,
    what: 'the engine takes an id that is in use',
    file: 'core/book/matching.ts',
    find: '  if (findLinkFrom(head, hash, client, id)) return false;\n',
    replace: '',
    tests: SCENARIOS,
  },
  {
    row: 8,
    what: 'the engine takes a quantity of 0',
    file: 'core/book/matching.ts',
    find: 'else if (qty == 0 || qty == u32.MAX_VALUE) reason',
    replace: 'else if (qty == u32.MAX_VALUE) reason',
    tests: SCENARIOS,
  },
  {
    row: 8,
    what: 'the engine takes any side',
    file: 'core/book/matching.ts',
    find: 'else if (side != 1 && side != -1) reason = REASON_SIDE;',
    replace: 'else if (side > 100) reason = REASON_SIDE;',
    tests: SCENARIOS,
  },
  {
    row: 8,
    what: 'the sequencer takes a quantity of 0 and leaves it to the engine',
    file: 'src/exchange/sequencer.ts',
    find: 'if (qty === 0 || qty === QTY_NONE',
    replace: 'if (qty === QTY_NONE',
    tests: TRADING,
  },
  {
    row: 9,
    what: 'nobody looks whose order the maker is',
    file: 'core/book/matching.ts',
    find: 'if (mode != STP_NONE && maker.owner == owner) {',
    replace: 'if (mode > STP_DEFAULT && maker.owner == owner) {',
    tests: SCENARIOS,
  },
  {
    row: 9,
    what: 'the plain path trades whatever the self-trade mode',
    file: 'core/book/matching.ts',
    find: '  if ((stp == STP_DEFAULT ? h.stpDefault : stp) != STP_NONE) return false;\n',
    replace: '',
    tests: SCENARIOS,
  },
  {
    row: 23,
    what: 'the volume of a level is a 32-bit sum',
    file: 'core/memory/price_ladder.ts',
    find: '  level.volume += visible;',
    replace: '  level.volume = <u64>(u32(level.volume) + visible);',
    tests: SCENARIOS,
  },
  {
    row: 24,
    what: 'price × quantity of a depth query loses its carry',
    file: 'core/book/order_book.ts',
    find: 'high += (part0 >> 63) + <i64>u32(low < before);',
    replace: 'high += part0 >> 63;',
    tests: ['src/book/matching_engine.test.ts'],
  },
  {
    row: 25,
    what: 'a reduce by more than there is goes below zero',
    file: 'core/book/matching.ts',
    find: '  if (by >= open) return cancelResting(order, REASON_NONE);\n',
    replace: '',
    tests: SCENARIOS,
  },
  {
    row: 25,
    what: 'a chain total below what was executed goes below zero',
    file: 'core/book/matching.ts',
    find: 'if (open <= order.executed) {',
    replace: 'if (open == order.executed) {',
    tests: SCENARIOS,
  },
  {
    row: 33,
    what: 'buy stops trigger below their price',
    file: 'core/book/stops.ts',
    find: 'if (buy && last >= levelPrice',
    replace: 'if (buy && last <= levelPrice',
    tests: SCENARIOS,
  },
  {
    row: 33,
    what: 'sell stops trigger a tick late',
    file: 'core/book/stops.ts',
    find: 'if (sell && last <= levelPrice',
    replace: 'if (sell && last < levelPrice',
    tests: SCENARIOS,
  },
  {
    row: 33,
    what: 'a waiting stop cannot be cancelled',
    file: 'core/book/matching.ts',
    find: `  if (!order) return writeRejected(cmd, cmd.type, REASON_UNKNOWN_ORDER);
  cancelResting(`,
    replace: `  if (!order || isWaitingStop(changetype<Order>(order))) {
    return writeRejected(cmd, cmd.type, REASON_UNKNOWN_ORDER);
  }
  cancelResting(`,
    tests: SCENARIOS,
  },
  {
    row: 34,
    what: 'the next part of an iceberg stays at the front',
    file: 'core/book/order_book.ts',
    find: '  appendOrder(changetype<u32>(level), order, visible);',
    replace: `  const front = changetype<u32>(order);
  store<u32>(front, level.next);
  store<u32>(front, changetype<u32>(level), 4);
  store<u32>(level.next, front, 4);
  level.next = front;
  level.count += 1;
  level.volume += visible;`,
    tests: SCENARIOS,
  },
  {
    row: 35,
    what: 'a new price is not matched again',
    file: 'core/book/matching.ts',
    find: `  if (crosses(own ^ LADDER_SIZE, ~rank)) return false;
  const oldPrice`,
    replace: '  const oldPrice',
    tests: SCENARIOS,
  },

  // ── exchange: bytes, sessions, requests ────────────────────────────────────────────────────
  {
    row: 4,
    what: 'from the 17th request of a batch on, the first two change places',
    file: 'src/exchange/sequencer.ts',
    find: `    const slots = this.slots;
    this.slots = 0;`,
    replace: `    const slots = this.slots;
    this.slots = 0;
    if (slots > 16) {
      const first = this.#u32.slice(this.#base, this.#base + SLOT_WORDS);
      this.#u32.copyWithin(this.#base, this.#base + SLOT_WORDS, this.#base + 2 * SLOT_WORDS);
      this.#u32.set(first, this.#base + SLOT_WORDS);
    }`,
    tests: TRADING,
  },
  {
    row: 5,
    what: 'an unknown type byte throws',
    file: 'src/wire/framing/bare.ts',
    find: '    if (size === 0) {\n',
    replace: "    if (size === 0) {\n      if (type > 0) throw new RangeError('unknown type');\n",
    tests: FRAMING,
  },
  {
    row: 5,
    what: 'behind an unknown type byte reading goes on',
    file: 'src/wire/framing/bare.ts',
    find: '    if (this.fault !== FrameFault.None) return Frame.Fault;\n',
    replace: '    if (this.fault !== FrameFault.None) buffer.start++;\n',
    tests: FRAMING,
  },
  {
    row: 6,
    what: 'a ticker is an index, whatever its size',
    file: 'src/exchange/instruments.ts',
    find: 'if (ticker < DIRECT_TICKERS) return this.#direct[ticker];',
    replace: 'if (ticker >= 0) return this.#direct[ticker];',
    tests: TRADING,
  },
  {
    row: 6,
    what: 'a request may name any client',
    file: 'src/exchange/sequencer.ts',
    find: 'if (ClientRequest.client(view, at) !== account.client)',
    replace: 'if (ClientRequest.client(view, at) < 0)',
    tests: TRADING,
  },
  {
    row: 7,
    what: 'the highest order id so far may come again',
    file: 'src/exchange/session/accounts.ts',
    find: 'orderLo <= this.orderLow',
    replace: 'orderLo < this.orderLow',
    tests: ['test/exchange/sessions.test.ts'],
  },
  {
    row: 10,
    what: 'a full ring takes one more',
    file: 'src/base/ring_buffer.ts',
    find: '      if (((claimed - this.#releasedSeen) | 0) === this.slots) return RING_NONE;\n',
    replace: '',
    tests: ['src/base/ring_buffer.test.ts'],
  },
  {
    row: 10,
    what: 'a full queue of many producers takes one more',
    file: 'src/base/mpmc_queue.ts',
    find: `      if (ahead < 0) return QUEUE_FULL;
      if (ahead === 0) {`,
    replace: '      if (ahead <= 0) {',
    tests: ['src/base/mpmc_queue.test.ts'],
  },
  {
    row: 11,
    what: 'what a short send did not take is skipped',
    file: 'src/exchange/session/outbound_log.ts',
    find: 'this.#sendAt += taken;',
    replace: 'this.#sendAt += length;',
    tests: ['src/exchange/session/outbound_log.test.ts'],
  },
  {
    row: 12,
    what: 'leftovers are moved from their end, over what is still to be moved',
    file: 'src/wire/framing/receive_buffer.ts',
    find: 'this.bytes.copyWithin(0, start, end);',
    replace: 'for (let i = end - start - 1; i >= 0; i--) this.bytes[i] = this.bytes[start + i];',
    tests: FRAMING,
  },
  {
    row: 13,
    what: 'a datagram that its messages do not fill is taken',
    file: 'src/wire/framing/mold_udp64.ts',
    find: 'return at === end;',
    replace: 'return at <= end;',
    tests: ['src/wire/framing/mold_udp64.test.ts'],
  },
  {
    row: 28,
    what: 'a layout larger than its fields passes',
    file: 'src/wire/schema.ts',
    find: 'if (end !== bytes) {',
    replace: 'if (end > bytes) {',
    tests: ['src/wire/schema.test.ts'],
  },
  {
    row: 28,
    what: 'a gap or an overlap between two fields passes',
    file: 'src/wire/schema.ts',
    find: 'if (field.offset !== end) {',
    replace: 'if (field.offset < 0) {',
    tests: ['src/wire/schema.test.ts'],
  },
  {
    row: 31,
    what: 'every connection gets the largest buffer at once',
    file: 'src/wire/framing/receive_buffer.ts',
    find: 'this.bytes = new Uint8Array(bytesInitial);',
    replace: 'this.bytes = new Uint8Array(bytesMax);',
    tests: FRAMING,
  },

  // ── market data ────────────────────────────────────────────────────────────────────────────
  {
    row: 13,
    what: 'messages are counted as they come, not as they are numbered',
    file: 'src/trader/feed_handler.ts',
    find: 'this.#first = reader.sequence;',
    replace: 'this.#first = this.#heard ? this.#feed.next : reader.sequence;',
    tests: FEED_HANDLER,
  },
  {
    row: 14,
    what: 'a duplicate is a gap',
    file: 'src/trader/sequenced_stream.ts',
    find: '    if (end <= this.next) {\n',
    replace: '    if (end <= this.next) {\n      this.end = Math.max(this.end, this.next + 1);\n',
    tests: FEED_HANDLER,
  },
  {
    row: 14,
    what: 'a gap waits for a snapshot without asking first',
    file: 'src/trader/feed_handler.ts',
    find: 'else if (feed.hole <= this.#holeMax && !feed.exhausted) this.#setState',
    replace: 'else if (feed.hole < 0) this.#setState',
    tests: FEED_HANDLER,
  },
  {
    row: 15,
    what: 'listeners are told before the book changes',
    file: 'src/trader/feed_handler.ts',
    find: 'else if (this.#change(view, at, kind, book)) this.#listener.onUpdate(book, kind);',
    replace: 'else if ((this.#listener.onUpdate(book, kind), this.#change(view, at, kind, book))) return;',
    tests: FEED_HANDLER,
  },
  {
    row: 15,
    what: 'a clear is not published',
    file: 'core/feed/market_view.ts',
    find: `    }
  }
  markDirty(book);`,
    replace: `    }
  }`,
    tests: ['src/book/market_view.test.ts'],
  },
  {
    row: 23,
    what: 'readers see the low half of a volume',
    file: 'src/book/book_reader.ts',
    find: 'into.bidQty[i] = u32[at + 3] * 0x1_0000_0000 + u32[at + 2];',
    replace: 'into.bidQty[i] = u32[at + 2];',
    tests: ['src/book/book_reader.test.ts'],
  },
  {
    row: 27,
    what: 'a copy is kept although the writer has been there',
    file: 'src/book/book_reader.ts',
    find: 'if (Atomics.load(this.u32, base) === before) return before;',
    replace: 'return before;',
    tests: ['src/book/book_reader.test.ts'],
  },

  // ── features and strategies ────────────────────────────────────────────────────────────────
  {
    row: 16,
    what: 'a quantity is one when it is not equal to NaN',
    file: 'src/trader/features.ts',
    find: 'return qty > 0 && qty <= Number.MAX_SAFE_INTEGER;',
    replace: 'return qty !== NaN;',
    tests: FEATURES,
  },
  {
    row: 26,
    what: 'the mid is cut to whole ticks',
    file: 'src/trader/features.ts',
    find: 'const mid = (bid + ask) / 2;',
    replace: 'const mid = Math.trunc((bid + ask) / 2);',
    tests: FEATURES,
  },
  {
    row: 29,
    what: 'the pause is measured by the wall clock',
    file: 'src/trader/strategies/liquidity_taker.ts',
    find: 'if (desk.nowNs - this.#orderedNs[book]',
    replace: 'if (Date.now() * MS - this.#orderedNs[book]',
    tests: TAKER,
  },
  {
    row: 30,
    what: 'all instruments share one record of features',
    file: 'src/trader/features.ts',
    find: '    return book << RECORD_SHIFT;',
    replace: '    return 0;',
    tests: FEATURES,
  },
  {
    row: 30,
    what: 'an order pauses all instruments',
    file: 'src/trader/strategies/liquidity_taker.ts',
    find: 'this.#orderedNs[book] = desk.nowNs;',
    replace: 'this.#orderedNs.fill(desk.nowNs);',
    tests: TAKER,
  },
  {
    row: 32,
    what: 'the skew moves the bid only when long',
    file: 'src/trader/strategies/market_maker_bps.ts',
    find: 'bidTicksOf(mid2 / 2 - half - shift)',
    replace: 'bidTicksOf(mid2 / 2 - half - Math.max(shift, 0))',
    tests: MAKER_BPS,
  },
  {
    row: 32,
    what: 'the skew is cast to unsigned',
    file: 'src/trader/strategies/market_maker_bps.ts',
    find: 'const shift = (held * this.#skew * half) / this.#maxInventory;',
    replace: 'const shift = ((held * this.#skew * half) / this.#maxInventory) >>> 0;',
    tests: MAKER_BPS,
  },

  // ── positions, risk, orders ────────────────────────────────────────────────────────────────
  {
    row: 16,
    what: 'a time that is NaN passes the rate',
    file: 'src/trader/risk.ts',
    find: 'if (!(nowNs - this.#rateTimes[this.#rateNext] >= RATE_WINDOW_NS)) return Reason.Rate;',
    replace: 'if (nowNs - this.#rateTimes[this.#rateNext] < RATE_WINDOW_NS) return Reason.Rate;',
    tests: RISK,
  },
  {
    row: 16,
    what: 'a quantity that is no whole number passes the door',
    file: 'src/trader/risk.ts',
    find: 'if (qty >>> 0 !== qty || qty === 0',
    replace: 'if (qty === 0',
    tests: RISK,
  },
  {
    row: 17,
    what: 'a profit that is unknown is none lost',
    file: 'src/trader/risk.ts',
    find: 'positions.known(book) ? lost : Reason.StaleMarketData;',
    replace: 'lost;',
    tests: RISK,
  },
  {
    row: 18,
    what: 'open buys do not count',
    file: 'src/trader/risk.ts',
    find: 'const long = position + cells[at + Cell.openBuys];',
    replace: 'const long = position;',
    tests: RISK,
  },
  {
    row: 18,
    what: 'open sells of the ledger do not count',
    file: 'src/trader/exposure_ledger.ts',
    find: 'const open = numbers[at + (side > 0 ? B_OPEN_BUY : B_OPEN_SELL)] + qty;',
    replace: 'const open = (side > 0 ? numbers[at + B_OPEN_BUY] : 0) + qty;',
    tests: LEDGER,
  },
  {
    row: 19,
    what: 'any order of the other side reduces',
    file: 'src/trader/risk.ts',
    find: 'const reduces = worst <= 0;',
    replace: 'const reduces = worst <= 0 || side * this.#positions.position(book) < 0;',
    tests: RISK,
  },
  {
    row: 19,
    what: 'any order of the other side reduces, in the ledger',
    file: 'src/trader/exposure_ledger.ts',
    find: 'if (position * side < 0 && open <= Math.abs(position)) return Reason.None;',
    replace: 'if (position * side < 0) return Reason.None;',
    tests: LEDGER,
  },
  {
    row: 20,
    what: 'the cost of a position does not begin at zero',
    file: 'src/trader/position_keeper.ts',
    find: 'this.#cost = new Float64Array(count);',
    replace: 'this.#cost = new Float64Array(count).fill(7);',
    tests: POSITIONS,
  },
  {
    row: 20,
    what: 'the cost of a part is a fraction',
    file: 'src/trader/position_keeper.ts',
    find: `      share[Share.Whole] = held;
      takeShare(share);`,
    replace: '      share[Share.Cost] *= qty / held;',
    tests: POSITIONS,
  },
  {
    row: 20,
    what: 'what a snapshot does not name keeps its old sums',
    file: 'src/trader/position_keeper.ts',
    find: 'for (const cells of this.#saved()) cells[book] = 0;',
    replace: '',
    tests: POSITIONS,
  },
  {
    row: 21,
    what: 'a flip is blended: nothing is ever closed',
    file: 'src/trader/position_keeper.ts',
    find: 'before * side < 0 ? Math.min(qty, Math.abs(before)) : 0;',
    replace: '0;',
    tests: POSITIONS,
  },
  {
    row: 21,
    what: 'the sign of a fill is lost when it closes',
    file: 'src/trader/position_keeper.ts',
    find: 'this.#realised[book] -= side * qty * priceTicks',
    replace: 'this.#realised[book] -= qty * priceTicks',
    tests: POSITIONS,
  },
  {
    row: 22,
    what: 'an answer goes to any order of its ticker and side',
    file: 'src/trader/order_manager.ts',
    find: `    const slot = this.#orders.find(orderId);
    if (slot === SLOT_NONE) return this.#stranger(type`,
    replace: `    let slot: number = SLOT_NONE;
    for (let i = 0; i < this.#orders.count; i++) {
      const at = this.#orders.slotAt(i);
      if (this.#orders.book[at] === book && this.#orders.side[at] === side) slot = at;
    }
    if (slot === SLOT_NONE) return this.#stranger(type`,
    tests: ['src/trader/order_manager.test.ts'],
  },
  {
    row: 24,
    what: 'price × quantity of an order is a 32-bit product',
    file: 'src/trader/risk.ts',
    find: '&& Math.abs(priceTicks) * qty <= cells[at + Cell.maxNotional]',
    replace: '&& Math.imul(Math.abs(priceTicks), qty) <= cells[at + Cell.maxNotional]',
    tests: RISK,
  },
  {
    row: 24,
    what: 'money beyond its bounds is kept',
    file: 'src/trader/position_keeper.ts',
    find: '      if (!this.#withinBounds(book, priceTicks, qty, fee)) this.#giveUp(book);\n',
    replace: '',
    tests: POSITIONS,
  },
  {
    row: 25,
    what: 'more is released than was reserved',
    file: 'src/trader/risk.ts',
    find: "    assert(cells[open] >= qty, 'what is released was reserved');\n",
    replace: '',
    tests: RISK,
  },
  {
    row: 25,
    what: 'more is taken off the ledger than is open',
    file: 'src/trader/exposure_ledger.ts',
    find: "    assert(open >= 0, 'only what is open is taken away');\n",
    replace: '',
    tests: LEDGER,
  },
  {
    row: 26,
    what: 'the reference of the collar is cut to whole ticks',
    file: 'src/trader/risk.ts',
    find: 'const reference2 = twoSided ? bid + ask : last2;',
    replace: 'const reference2 = twoSided ? 2 * Math.trunc((bid + ask) / 2) : last2;',
    tests: RISK,
  },
];
