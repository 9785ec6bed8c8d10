// The feed layouts as data: where the fields of an update stand and what its type numbers mean.
//
//   native  MoldUDP64 header (20), then length u16be and 34-byte update   numbered by the header
//   book    42-byte updates, each with its own sequence                   no session, no requests
//   bare    one 34-byte update a datagram                                 not numbered at all
//
// Offsets are from the start of the update; in `book` that is its sequence number.

import { MarketUpdate, UpdateType } from '../wire/generated/native.ts';
import { BookUpdate, BookUpdateType } from '../wire/generated/book_feed.ts';
import { MoldBlock, MoldHeader } from '../wire/generated/mold_udp64.ts';

/** Kinds of updates: the native numbers, and one for bytes that are none of them. */
export const UpdateKind = { ...UpdateType, Unknown: 0 } as const;

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

const NATIVE_KINDS = kindTable(Object.values(UpdateType), Object.values(UpdateType));
const BOOK_KINDS = kindTable(
  [
    BookUpdateType.Clear, BookUpdateType.Add, BookUpdateType.Modify, BookUpdateType.Cancel,
    BookUpdateType.Trade,
    BookUpdateType.SnapshotStart, BookUpdateType.SnapshotEnd,
  ],
  [
    UpdateKind.Clear, UpdateKind.Add, UpdateKind.Modify, UpdateKind.Cancel, UpdateKind.Trade,
    UpdateKind.SnapshotStart, UpdateKind.SnapshotEnd,
  ],
);

export const FEED_LAYOUTS: Readonly<Record<FeedLayout['name'], FeedLayout>> = {
  native: {
    name: 'native', headerBytes: MoldHeader.bytes, prefixBytes: MoldBlock.bytes, firstSequence: 1,
    firstCycleSequence: 1,
    updateBytes: MarketUpdate.bytes, ...MarketUpdate.offset, kinds: NATIVE_KINDS,
  },
  book: {
    name: 'book', headerBytes: 0, prefixBytes: 0, firstSequence: 1, firstCycleSequence: 0,
    updateBytes: BookUpdate.bytes, ...BookUpdate.offset, kinds: BOOK_KINDS,
  },
  bare: {
    name: 'bare', headerBytes: 0, prefixBytes: 0, firstSequence: 1, firstCycleSequence: 1,
    updateBytes: MarketUpdate.bytes, ...MarketUpdate.offset, kinds: NATIVE_KINDS,
  },
};

function kindTable(types: readonly number[], kinds: readonly number[]): Uint8Array {
  const table = new Uint8Array(256);
  for (let i = 0; i < types.length; i++) table[types[i]] = kinds[i];
  return table;
}
