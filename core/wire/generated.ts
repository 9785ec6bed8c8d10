// Generated from src/wire/schema.ts by `npm run generate`. Do not edit.
//
// Accessors of packed messages at an address: a load or a store at a constant offset, unaligned as
// WebAssembly allows. Big-endian fields are swapped. Text fields are left to the sessions.

// ClientRequest: Client to exchange. New (a limit order, good till cancelled), cancel, modify, mass cancel.
export const CLIENT_REQUEST_BYTES: u32 = 30;
// @ts-ignore: decorator
@inline
export function clientRequestType(at: u32): u8 {
  return load<u8>(at);
}
// @ts-ignore: decorator
@inline
export function setClientRequestType(at: u32, value: u8): void {
  store<u8>(at, value);
}
// @ts-ignore: decorator
@inline
export function clientRequestClient(at: u32): u32 {
  return load<u32>(at, 1);
}
// @ts-ignore: decorator
@inline
export function setClientRequestClient(at: u32, value: u32): void {
  store<u32>(at, value, 1);
}
// @ts-ignore: decorator
@inline
export function clientRequestTicker(at: u32): u32 {
  return load<u32>(at, 5);
}
// @ts-ignore: decorator
@inline
export function setClientRequestTicker(at: u32, value: u32): void {
  store<u32>(at, value, 5);
}
// @ts-ignore: decorator
@inline
export function clientRequestOrder(at: u32): u64 {
  return load<u64>(at, 9);
}
// @ts-ignore: decorator
@inline
export function setClientRequestOrder(at: u32, value: u64): void {
  store<u64>(at, value, 9);
}
// @ts-ignore: decorator
@inline
export function clientRequestSide(at: u32): i8 {
  return load<i8>(at, 17);
}
// @ts-ignore: decorator
@inline
export function setClientRequestSide(at: u32, value: i8): void {
  store<i8>(at, value, 17);
}
// @ts-ignore: decorator
@inline
export function clientRequestPrice(at: u32): i64 {
  return load<i64>(at, 18);
}
// @ts-ignore: decorator
@inline
export function setClientRequestPrice(at: u32, value: i64): void {
  store<i64>(at, value, 18);
}
// @ts-ignore: decorator
@inline
export function clientRequestQty(at: u32): u32 {
  return load<u32>(at, 26);
}
// @ts-ignore: decorator
@inline
export function setClientRequestQty(at: u32, value: u32): void {
  store<u32>(at, value, 26);
}

// ClientRequestExtended: Client to exchange, type 3: a new order of any kind. Begins like ClientRequest.
export const CLIENT_REQUEST_EXTENDED_BYTES: u32 = 54;
// @ts-ignore: decorator
@inline
export function clientRequestExtendedType(at: u32): u8 {
  return load<u8>(at);
}
// @ts-ignore: decorator
@inline
export function setClientRequestExtendedType(at: u32, value: u8): void {
  store<u8>(at, value);
}
// @ts-ignore: decorator
@inline
export function clientRequestExtendedClient(at: u32): u32 {
  return load<u32>(at, 1);
}
// @ts-ignore: decorator
@inline
export function setClientRequestExtendedClient(at: u32, value: u32): void {
  store<u32>(at, value, 1);
}
// @ts-ignore: decorator
@inline
export function clientRequestExtendedTicker(at: u32): u32 {
  return load<u32>(at, 5);
}
// @ts-ignore: decorator
@inline
export function setClientRequestExtendedTicker(at: u32, value: u32): void {
  store<u32>(at, value, 5);
}
// @ts-ignore: decorator
@inline
export function clientRequestExtendedOrder(at: u32): u64 {
  return load<u64>(at, 9);
}
// @ts-ignore: decorator
@inline
export function setClientRequestExtendedOrder(at: u32, value: u64): void {
  store<u64>(at, value, 9);
}
// @ts-ignore: decorator
@inline
export function clientRequestExtendedSide(at: u32): i8 {
  return load<i8>(at, 17);
}
// @ts-ignore: decorator
@inline
export function setClientRequestExtendedSide(at: u32, value: i8): void {
  store<i8>(at, value, 17);
}
// @ts-ignore: decorator
@inline
export function clientRequestExtendedPrice(at: u32): i64 {
  return load<i64>(at, 18);
}
// @ts-ignore: decorator
@inline
export function setClientRequestExtendedPrice(at: u32, value: i64): void {
  store<i64>(at, value, 18);
}
// @ts-ignore: decorator
@inline
export function clientRequestExtendedQty(at: u32): u32 {
  return load<u32>(at, 26);
}
// @ts-ignore: decorator
@inline
export function setClientRequestExtendedQty(at: u32, value: u32): void {
  store<u32>(at, value, 26);
}
// @ts-ignore: decorator
@inline
export function clientRequestExtendedOrderType(at: u32): u8 {
  return load<u8>(at, 30);
}
// @ts-ignore: decorator
@inline
export function setClientRequestExtendedOrderType(at: u32, value: u8): void {
  store<u8>(at, value, 30);
}
// @ts-ignore: decorator
@inline
export function clientRequestExtendedTif(at: u32): u8 {
  return load<u8>(at, 31);
}
// @ts-ignore: decorator
@inline
export function setClientRequestExtendedTif(at: u32, value: u8): void {
  store<u8>(at, value, 31);
}
// @ts-ignore: decorator
@inline
export function clientRequestExtendedFlags(at: u32): u8 {
  return load<u8>(at, 32);
}
// @ts-ignore: decorator
@inline
export function setClientRequestExtendedFlags(at: u32, value: u8): void {
  store<u8>(at, value, 32);
}
// @ts-ignore: decorator
@inline
export function clientRequestExtendedStp(at: u32): u8 {
  return load<u8>(at, 33);
}
// @ts-ignore: decorator
@inline
export function setClientRequestExtendedStp(at: u32, value: u8): void {
  store<u8>(at, value, 33);
}
// @ts-ignore: decorator
@inline
export function clientRequestExtendedDisplay(at: u32): u32 {
  return load<u32>(at, 34);
}
// @ts-ignore: decorator
@inline
export function setClientRequestExtendedDisplay(at: u32, value: u32): void {
  store<u32>(at, value, 34);
}
// @ts-ignore: decorator
@inline
export function clientRequestExtendedMinQty(at: u32): u32 {
  return load<u32>(at, 38);
}
// @ts-ignore: decorator
@inline
export function setClientRequestExtendedMinQty(at: u32, value: u32): void {
  store<u32>(at, value, 38);
}
// @ts-ignore: decorator
@inline
export function clientRequestExtendedStopPrice(at: u32): i64 {
  return load<i64>(at, 42);
}
// @ts-ignore: decorator
@inline
export function setClientRequestExtendedStopPrice(at: u32, value: i64): void {
  store<i64>(at, value, 42);
}
// @ts-ignore: decorator
@inline
export function clientRequestExtendedOwner(at: u32): u32 {
  return load<u32>(at, 50);
}
// @ts-ignore: decorator
@inline
export function setClientRequestExtendedOwner(at: u32, value: u32): void {
  store<u32>(at, value, 50);
}

// ClientResponse: Exchange to client.
export const CLIENT_RESPONSE_BYTES: u32 = 42;
// @ts-ignore: decorator
@inline
export function clientResponseType(at: u32): u8 {
  return load<u8>(at);
}
// @ts-ignore: decorator
@inline
export function setClientResponseType(at: u32, value: u8): void {
  store<u8>(at, value);
}
// @ts-ignore: decorator
@inline
export function clientResponseClient(at: u32): u32 {
  return load<u32>(at, 1);
}
// @ts-ignore: decorator
@inline
export function setClientResponseClient(at: u32, value: u32): void {
  store<u32>(at, value, 1);
}
// @ts-ignore: decorator
@inline
export function clientResponseTicker(at: u32): u32 {
  return load<u32>(at, 5);
}
// @ts-ignore: decorator
@inline
export function setClientResponseTicker(at: u32, value: u32): void {
  store<u32>(at, value, 5);
}
// @ts-ignore: decorator
@inline
export function clientResponseClientOrder(at: u32): u64 {
  return load<u64>(at, 9);
}
// @ts-ignore: decorator
@inline
export function setClientResponseClientOrder(at: u32, value: u64): void {
  store<u64>(at, value, 9);
}
// @ts-ignore: decorator
@inline
export function clientResponseMarketOrder(at: u32): u64 {
  return load<u64>(at, 17);
}
// @ts-ignore: decorator
@inline
export function setClientResponseMarketOrder(at: u32, value: u64): void {
  store<u64>(at, value, 17);
}
// @ts-ignore: decorator
@inline
export function clientResponseSide(at: u32): i8 {
  return load<i8>(at, 25);
}
// @ts-ignore: decorator
@inline
export function setClientResponseSide(at: u32, value: i8): void {
  store<i8>(at, value, 25);
}
// @ts-ignore: decorator
@inline
export function clientResponsePrice(at: u32): i64 {
  return load<i64>(at, 26);
}
// @ts-ignore: decorator
@inline
export function setClientResponsePrice(at: u32, value: i64): void {
  store<i64>(at, value, 26);
}
// @ts-ignore: decorator
@inline
export function clientResponseExecQty(at: u32): u32 {
  return load<u32>(at, 34);
}
// @ts-ignore: decorator
@inline
export function setClientResponseExecQty(at: u32, value: u32): void {
  store<u32>(at, value, 34);
}
// @ts-ignore: decorator
@inline
export function clientResponseLeavesQty(at: u32): u32 {
  return load<u32>(at, 38);
}
// @ts-ignore: decorator
@inline
export function setClientResponseLeavesQty(at: u32, value: u32): void {
  store<u32>(at, value, 38);
}

// MarketUpdate: Exchange to everybody: one change of the public book.
export const MARKET_UPDATE_BYTES: u32 = 34;
// @ts-ignore: decorator
@inline
export function marketUpdateType(at: u32): u8 {
  return load<u8>(at);
}
// @ts-ignore: decorator
@inline
export function setMarketUpdateType(at: u32, value: u8): void {
  store<u8>(at, value);
}
// @ts-ignore: decorator
@inline
export function marketUpdateTicker(at: u32): u32 {
  return load<u32>(at, 1);
}
// @ts-ignore: decorator
@inline
export function setMarketUpdateTicker(at: u32, value: u32): void {
  store<u32>(at, value, 1);
}
// @ts-ignore: decorator
@inline
export function marketUpdateOrder(at: u32): u64 {
  return load<u64>(at, 5);
}
// @ts-ignore: decorator
@inline
export function setMarketUpdateOrder(at: u32, value: u64): void {
  store<u64>(at, value, 5);
}
// @ts-ignore: decorator
@inline
export function marketUpdateSide(at: u32): i8 {
  return load<i8>(at, 13);
}
// @ts-ignore: decorator
@inline
export function setMarketUpdateSide(at: u32, value: i8): void {
  store<i8>(at, value, 13);
}
// @ts-ignore: decorator
@inline
export function marketUpdatePrice(at: u32): i64 {
  return load<i64>(at, 14);
}
// @ts-ignore: decorator
@inline
export function setMarketUpdatePrice(at: u32, value: i64): void {
  store<i64>(at, value, 14);
}
// @ts-ignore: decorator
@inline
export function marketUpdateQty(at: u32): u32 {
  return load<u32>(at, 22);
}
// @ts-ignore: decorator
@inline
export function setMarketUpdateQty(at: u32, value: u32): void {
  store<u32>(at, value, 22);
}
// @ts-ignore: decorator
@inline
export function marketUpdatePriority(at: u32): u64 {
  return load<u64>(at, 26);
}
// @ts-ignore: decorator
@inline
export function setMarketUpdatePriority(at: u32, value: u64): void {
  store<u64>(at, value, 26);
}

// SequenceHeader: Stands before each native message in the framing `sequenced`.
export const SEQUENCE_HEADER_BYTES: u32 = 8;
// @ts-ignore: decorator
@inline
export function sequenceHeaderSequence(at: u32): u64 {
  return load<u64>(at);
}
// @ts-ignore: decorator
@inline
export function setSequenceHeaderSequence(at: u32, value: u64): void {
  store<u64>(at, value);
}

// BookUpdate: The same change in the layout of the C++ book: numbered, order before ticker, own type numbers.
export const BOOK_UPDATE_BYTES: u32 = 42;
// @ts-ignore: decorator
@inline
export function bookUpdateSequence(at: u32): u64 {
  return load<u64>(at);
}
// @ts-ignore: decorator
@inline
export function setBookUpdateSequence(at: u32, value: u64): void {
  store<u64>(at, value);
}
// @ts-ignore: decorator
@inline
export function bookUpdateType(at: u32): u8 {
  return load<u8>(at, 8);
}
// @ts-ignore: decorator
@inline
export function setBookUpdateType(at: u32, value: u8): void {
  store<u8>(at, value, 8);
}
// @ts-ignore: decorator
@inline
export function bookUpdateOrder(at: u32): u64 {
  return load<u64>(at, 9);
}
// @ts-ignore: decorator
@inline
export function setBookUpdateOrder(at: u32, value: u64): void {
  store<u64>(at, value, 9);
}
// @ts-ignore: decorator
@inline
export function bookUpdateTicker(at: u32): u32 {
  return load<u32>(at, 17);
}
// @ts-ignore: decorator
@inline
export function setBookUpdateTicker(at: u32, value: u32): void {
  store<u32>(at, value, 17);
}
// @ts-ignore: decorator
@inline
export function bookUpdateSide(at: u32): i8 {
  return load<i8>(at, 21);
}
// @ts-ignore: decorator
@inline
export function setBookUpdateSide(at: u32, value: i8): void {
  store<i8>(at, value, 21);
}
// @ts-ignore: decorator
@inline
export function bookUpdatePrice(at: u32): i64 {
  return load<i64>(at, 22);
}
// @ts-ignore: decorator
@inline
export function setBookUpdatePrice(at: u32, value: i64): void {
  store<i64>(at, value, 22);
}
// @ts-ignore: decorator
@inline
export function bookUpdateQty(at: u32): u32 {
  return load<u32>(at, 30);
}
// @ts-ignore: decorator
@inline
export function setBookUpdateQty(at: u32, value: u32): void {
  store<u32>(at, value, 30);
}
// @ts-ignore: decorator
@inline
export function bookUpdatePriority(at: u32): u64 {
  return load<u64>(at, 34);
}
// @ts-ignore: decorator
@inline
export function setBookUpdatePriority(at: u32, value: u64): void {
  store<u64>(at, value, 34);
}

// MarketData: Input of the market data processor.
export const MARKET_DATA_BYTES: u32 = 40;
// @ts-ignore: decorator
@inline
export function marketDataSymbol(at: u32): u16 {
  return load<u16>(at);
}
// @ts-ignore: decorator
@inline
export function setMarketDataSymbol(at: u32, value: u16): void {
  store<u16>(at, value);
}
// @ts-ignore: decorator
@inline
export function marketDataType(at: u32): u8 {
  return load<u8>(at, 2);
}
// @ts-ignore: decorator
@inline
export function setMarketDataType(at: u32, value: u8): void {
  store<u8>(at, value, 2);
}
// @ts-ignore: decorator
@inline
export function marketDataSide(at: u32): u8 {
  return load<u8>(at, 3);
}
// @ts-ignore: decorator
@inline
export function setMarketDataSide(at: u32, value: u8): void {
  store<u8>(at, value, 3);
}
// @ts-ignore: decorator
@inline
export function marketDataPrice(at: u32): u64 {
  return load<u64>(at, 4);
}
// @ts-ignore: decorator
@inline
export function setMarketDataPrice(at: u32, value: u64): void {
  store<u64>(at, value, 4);
}
// @ts-ignore: decorator
@inline
export function marketDataVolume(at: u32): u64 {
  return load<u64>(at, 12);
}
// @ts-ignore: decorator
@inline
export function setMarketDataVolume(at: u32, value: u64): void {
  store<u64>(at, value, 12);
}
// @ts-ignore: decorator
@inline
export function marketDataTimestamp(at: u32): u64 {
  return load<u64>(at, 20);
}
// @ts-ignore: decorator
@inline
export function setMarketDataTimestamp(at: u32, value: u64): void {
  store<u64>(at, value, 20);
}
// @ts-ignore: decorator
@inline
export function marketDataSequence(at: u32): u64 {
  return load<u64>(at, 28);
}
// @ts-ignore: decorator
@inline
export function setMarketDataSequence(at: u32, value: u64): void {
  store<u64>(at, value, 28);
}

// MoldHeader: Begins every datagram of the feed; a retransmit request is this header alone.
export const MOLD_HEADER_BYTES: u32 = 20;
// @ts-ignore: decorator
@inline
export function moldHeaderSequence(at: u32): u64 {
  return bswap<u64>(load<u64>(at, 10));
}
// @ts-ignore: decorator
@inline
export function setMoldHeaderSequence(at: u32, value: u64): void {
  store<u64>(at, bswap<u64>(value), 10);
}
// @ts-ignore: decorator
@inline
export function moldHeaderCount(at: u32): u16 {
  return bswap<u16>(load<u16>(at, 18));
}
// @ts-ignore: decorator
@inline
export function setMoldHeaderCount(at: u32, value: u16): void {
  store<u16>(at, bswap<u16>(value), 18);
}

// MoldBlock: Stands before each message in a datagram.
export const MOLD_BLOCK_BYTES: u32 = 2;
// @ts-ignore: decorator
@inline
export function moldBlockLength(at: u32): u16 {
  return bswap<u16>(load<u16>(at));
}
// @ts-ignore: decorator
@inline
export function setMoldBlockLength(at: u32, value: u16): void {
  store<u16>(at, bswap<u16>(value));
}

export const UPDATE_ADD: u8 = 1;
export const UPDATE_MODIFY: u8 = 2;
export const UPDATE_CANCEL: u8 = 3;
export const UPDATE_TRADE: u8 = 4;
export const UPDATE_SNAPSHOT: u8 = 5;
export const UPDATE_CLEAR: u8 = 6;
export const UPDATE_SNAPSHOT_START: u8 = 7;
export const UPDATE_SNAPSHOT_END: u8 = 8;
export const UPDATE_STATE: u8 = 9;

export const BOOK_UPDATE_CLEAR: u8 = 1;
export const BOOK_UPDATE_ADD: u8 = 2;
export const BOOK_UPDATE_MODIFY: u8 = 3;
export const BOOK_UPDATE_CANCEL: u8 = 4;
export const BOOK_UPDATE_TRADE: u8 = 5;
export const BOOK_UPDATE_SNAPSHOT_START: u8 = 6;
export const BOOK_UPDATE_SNAPSHOT_END: u8 = 7;

export const MARKET_DATA_ADD: u8 = 1;
export const MARKET_DATA_CANCEL: u8 = 2;
export const MARKET_DATA_MODIFY: u8 = 3;
export const MARKET_DATA_TRADE: u8 = 4;

export const MARKET_DATA_SIDE_BID: u8 = 0;
export const MARKET_DATA_SIDE_ASK: u8 = 1;
