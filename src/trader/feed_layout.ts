// The feed layouts as data: where the fields of an update stand and what its type numbers mean.
//
//   native  MoldUDP64 header (20), then per message: length u16be, 34-byte update     numbered by the header
//   book    42-byte updates one after the other, each with its own sequence           no session, no requests
//   bare    one 34-byte update a datagram                                             not numbered at all
//
// Offsets are from the start of the update; in `book` that is its sequence number.

/** Update kinds by their native numbers. */
export const UpdateKind = {
  Add: 1, Modify: 2, Cancel: 3, Trade: 4, Snapshot: 5, Clear: 6, SnapshotStart: 7, SnapshotEnd: 8, State: 9, Unknown: 0,
} as const;
export type UpdateKind = (typeof UpdateKind)[keyof typeof UpdateKind];

export interface FeedLayout {
  readonly name: 'native' | 'book' | 'bare';
  /** Bytes before the first message of a datagram. */
  readonly headerBytes: number;
  /** Bytes before each update: its length field. */
  readonly prefixBytes: number;
  readonly updateBytes: number;
  /** Sequence of the first incremental message, and of the first message of a snapshot cycle. */
  readonly firstSequence: number;
  readonly firstCycleSequence: number;
  readonly type: number;
  readonly ticker: number;
  readonly order: number;
  readonly side: number;
  readonly price: number;
  readonly qty: number;
  readonly priority: number;
  /** UpdateKind by type byte. */
  readonly kinds: Uint8Array;
}

const NATIVE_KINDS = kindTable([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
const BOOK_KINDS = kindTable(
  [1, 2, 3, 4, 5, 6, 7],
  [
    UpdateKind.Clear, UpdateKind.Add, UpdateKind.Modify, UpdateKind.Cancel, UpdateKind.Trade,
    UpdateKind.SnapshotStart, UpdateKind.SnapshotEnd,
  ],
);
const NATIVE_FIELDS = { updateBytes: 34, type: 0, ticker: 1, order: 5, side: 13, price: 14, qty: 22, priority: 26 };

export const FEED_LAYOUTS: Readonly<Record<FeedLayout['name'], FeedLayout>> = {
  native: {
    name: 'native', headerBytes: 20, prefixBytes: 2, firstSequence: 1, firstCycleSequence: 1,
    ...NATIVE_FIELDS, kinds: NATIVE_KINDS,
  },
  book: {
    name: 'book', headerBytes: 0, prefixBytes: 0, firstSequence: 1, firstCycleSequence: 0,
    updateBytes: 42, type: 8, order: 9, ticker: 17, side: 21, price: 22, qty: 30, priority: 34, kinds: BOOK_KINDS,
  },
  bare: {
    name: 'bare', headerBytes: 0, prefixBytes: 0, firstSequence: 1, firstCycleSequence: 1,
    ...NATIVE_FIELDS, kinds: NATIVE_KINDS,
  },
};

function kindTable(types: readonly number[], kinds: readonly number[]): Uint8Array {
  const table = new Uint8Array(256);
  for (let i = 0; i < types.length; i++) table[types[i]] = kinds[i];
  return table;
}
