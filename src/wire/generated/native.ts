// Generated from src/wire/schema.ts by `npm run generate`. Do not edit.
//
// Native messages: requests, responses, market updates. Little-endian, packed.
// 64-bit fields are two unsigned halves (`priceLo`, `priceHi`, `setPrice(view, at, lo, hi)`): nothing is
// allocated. `priceBig` and `setPriceBig`, `read` and `write` are for cold code.

/** None: price and stop price. */
export const PRICE_NONE_LO = 0xffffffff;
export const PRICE_NONE_HI = 0x7fffffff;
/** None: order id in responses and feed; in requests it is 0. */
export const ORDER_NONE_LO = 0xffffffff;
export const ORDER_NONE_HI = 0xffffffff;
/** None: priority. */
export const PRIORITY_NONE_LO = 0xffffffff;
export const PRIORITY_NONE_HI = 0xffffffff;
/** None: quantity. */
export const QTY_NONE = 0xffffffff;
/** None: ticker. */
export const TICKER_NONE = 0xffffffff;
/** None: client and owner. */
export const CLIENT_NONE = 0xffffffff;

/** Side of an order. */
export const Side = {
  Buy: 1,
  Sell: -1,
  None: 0,
} as const;
export type Side = (typeof Side)[keyof typeof Side];

/** Type byte of a request; it decides the size. */
export const RequestType = {
  New: 1, // a limit order, good till cancelled
  Cancel: 2, // the whole rest of an order, whatever quantity the message carries
  NewExtended: 3, // an order of any kind, 54 bytes
  Modify: 4, // new price and new total quantity; a lower quantity alone keeps the priority
  MassCancel: 5, // all orders of the client, of one ticker or all, of one side or both
} as const;
export type RequestType = (typeof RequestType)[keyof typeof RequestType];

/** Type byte of a response. */
export const ResponseType = {
  Accepted: 1,
  Canceled: 2,
  Filled: 3, // one for each fill, to both sides
  CancelRejected: 4, // code in execQty; on `sequenced` all behind clientOrder is none
  Rejected: 5, // any other request refused; code in execQty
  Modified: 6, // by a modify; or reduced by the system, code in execQty
  Expired: 7, // cancelled by the system; code in execQty
} as const;
export type ResponseType = (typeof ResponseType)[keyof typeof ResponseType];

/** Type byte of a MarketUpdate. */
export const UpdateType = {
  Add: 1, // an order appeared
  Modify: 2, // its visible quantity or its price changed
  Cancel: 3, // it is gone, by a cancel or because it is filled
  Trade: 4, // an execution; the book changes by the cancel or modify that follows
  Snapshot: 5, // an order of a snapshot cycle, where a feed tells them from `Add`
  Clear: 6, // forget the orders of this ticker
  SnapshotStart: 7, // a cycle begins
  SnapshotEnd: 8, // it is complete
  State: 9, // state of the instrument in qty: 0 open, 1 halted, 2 closed
} as const;
export type UpdateType = (typeof UpdateType)[keyof typeof UpdateType];

/** FIX OrdType. */
export const OrderType = {
  Market: 1,
  Limit: 2,
  Stop: 3,
  StopLimit: 4,
} as const;
export type OrderType = (typeof OrderType)[keyof typeof OrderType];

/** FIX TimeInForce. */
export const TimeInForce = {
  Day: 0, // until the session's close
  Gtc: 1, // good till cancelled
  Ioc: 3, // immediate or cancel
  Fok: 4, // fill or kill
} as const;
export type TimeInForce = (typeof TimeInForce)[keyof typeof TimeInForce];

/** What happens when an order would meet one of its owner's. */
export const SelfTradePrevention = {
  Default: 0, // the exchange's
  None: 1, // they trade
  CancelNewest: 2,
  CancelOldest: 3,
  CancelBoth: 4,
  Decrement: 5, // both lose the smaller quantity
} as const;
export type SelfTradePrevention = (typeof SelfTradePrevention)[keyof typeof SelfTradePrevention];

/** Bits of ClientRequestExtended.flags. */
export const OrderFlag = {
  PostOnly: 1, // rejected if it would trade
} as const;
export type OrderFlag = (typeof OrderFlag)[keyof typeof OrderFlag];

/** Why a request was refused or an order ended. */
export const RejectCode = {
  None: 0,
  UnknownTicker: 1,
  Side: 2,
  Price: 3,
  Quantity: 4,
  DuplicateId: 5,
  UnknownOrder: 6,
  TooLate: 7,
  NotYours: 8,
  OrderTooLarge: 9,
  Notional: 10,
  Collar: 11,
  Position: 12,
  Loss: 13,
  OpenOrders: 14,
  Rate: 15,
  State: 16,
  PostOnly: 17, // post-only would trade
  CannotFill: 18,
  SelfTrade: 19,
  Killed: 20,
  NotLoggedIn: 21,
  Malformed: 22,
  Capacity: 23,
  Unsupported: 24,
  StaleMarketData: 25, // stale or unknown market data
} as const;
export type RejectCode = (typeof RejectCode)[keyof typeof RejectCode];

/** Fields of a ClientRequest as an object, for cold code. */
export interface ClientRequestFields {
  type: number;
  client: number;
  ticker: number;
  order: bigint;
  side: number;
  price: bigint;
  qty: number;
}

/** Client to exchange. New (a limit order, good till cancelled), cancel, modify, mass cancel. 30 bytes. */
export const ClientRequest = {
  bytes: 30,
  offset: {
    type: 0, client: 1, ticker: 5, order: 9, side: 17, price: 18, qty: 26,
  },

  /** RequestType */
  type(view: DataView, at: number): number {
    return view.getUint8(at);
  },
  setType(view: DataView, at: number, value: number): void {
    view.setUint8(at, value);
  },

  /** who sends it; on `bare` and `sequenced` fixed by the first message of the connection */
  client(view: DataView, at: number): number {
    return view.getUint32(at + 1, true);
  },
  setClient(view: DataView, at: number, value: number): void {
    view.setUint32(at + 1, value, true);
  },

  /** instrument; mass cancel: none = all */
  ticker(view: DataView, at: number): number {
    return view.getUint32(at + 5, true);
  },
  setTicker(view: DataView, at: number, value: number): void {
    view.setUint32(at + 5, value, true);
  },

  /** the client's order id; 0 = none */
  orderLo(view: DataView, at: number): number {
    return view.getUint32(at + 9, true);
  },
  orderHi(view: DataView, at: number): number {
    return view.getUint32(at + 13, true);
  },
  setOrder(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 9, lo, true);
    view.setUint32(at + 13, hi, true);
  },
  orderBig(view: DataView, at: number): bigint {
    return view.getBigUint64(at + 9, true);
  },
  setOrderBig(view: DataView, at: number, value: bigint): void {
    view.setBigUint64(at + 9, value, true);
  },

  /** Side; mass cancel: 0 = both */
  side(view: DataView, at: number): number {
    return view.getInt8(at + 17);
  },
  setSide(view: DataView, at: number, value: number): void {
    view.setInt8(at + 17, value);
  },

  /** units of 10^-decimals of the instrument; ignored for market orders and cancels */
  priceLo(view: DataView, at: number): number {
    return view.getUint32(at + 18, true);
  },
  priceHi(view: DataView, at: number): number {
    return view.getUint32(at + 22, true);
  },
  setPrice(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 18, lo, true);
    view.setUint32(at + 22, hi, true);
  },
  priceBig(view: DataView, at: number): bigint {
    return view.getBigInt64(at + 18, true);
  },
  setPriceBig(view: DataView, at: number, value: bigint): void {
    view.setBigInt64(at + 18, value, true);
  },

  /** new: quantity; modify: total of the order including executions; ignored for cancels */
  qty(view: DataView, at: number): number {
    return view.getUint32(at + 26, true);
  },
  setQty(view: DataView, at: number, value: number): void {
    view.setUint32(at + 26, value, true);
  },

  /** All fields at once. */
  encode(
    view: DataView, at: number,
    type: number, client: number, ticker: number, orderLo: number, orderHi: number, side: number,
    priceLo: number, priceHi: number, qty: number,
  ): void {
    view.setUint8(at, type);
    view.setUint32(at + 1, client, true);
    view.setUint32(at + 5, ticker, true);
    view.setUint32(at + 9, orderLo, true);
    view.setUint32(at + 13, orderHi, true);
    view.setInt8(at + 17, side);
    view.setUint32(at + 18, priceLo, true);
    view.setUint32(at + 22, priceHi, true);
    view.setUint32(at + 26, qty, true);
  },

  read(view: DataView, at: number): ClientRequestFields {
    return {
      type: ClientRequest.type(view, at),
      client: ClientRequest.client(view, at),
      ticker: ClientRequest.ticker(view, at),
      order: ClientRequest.orderBig(view, at),
      side: ClientRequest.side(view, at),
      price: ClientRequest.priceBig(view, at),
      qty: ClientRequest.qty(view, at),
    };
  },
  write(view: DataView, at: number, fields: ClientRequestFields): void {
    ClientRequest.setType(view, at, fields.type);
    ClientRequest.setClient(view, at, fields.client);
    ClientRequest.setTicker(view, at, fields.ticker);
    ClientRequest.setOrderBig(view, at, fields.order);
    ClientRequest.setSide(view, at, fields.side);
    ClientRequest.setPriceBig(view, at, fields.price);
    ClientRequest.setQty(view, at, fields.qty);
  },
} as const;

/** Fields of a ClientRequestExtended as an object, for cold code. */
export interface ClientRequestExtendedFields {
  type: number;
  client: number;
  ticker: number;
  order: bigint;
  side: number;
  price: bigint;
  qty: number;
  orderType: number;
  tif: number;
  flags: number;
  stp: number;
  display: number;
  minQty: number;
  stopPrice: bigint;
  owner: number;
}

/** Client to exchange, type 3: a new order of any kind. Begins like ClientRequest. 54 bytes. */
export const ClientRequestExtended = {
  bytes: 54,
  offset: {
    type: 0, client: 1, ticker: 5, order: 9, side: 17, price: 18, qty: 26, orderType: 30, tif: 31,
    flags: 32, stp: 33, display: 34, minQty: 38, stopPrice: 42, owner: 50,
  },

  /** RequestType */
  type(view: DataView, at: number): number {
    return view.getUint8(at);
  },
  setType(view: DataView, at: number, value: number): void {
    view.setUint8(at, value);
  },

  /** who sends it; on `bare` and `sequenced` fixed by the first message of the connection */
  client(view: DataView, at: number): number {
    return view.getUint32(at + 1, true);
  },
  setClient(view: DataView, at: number, value: number): void {
    view.setUint32(at + 1, value, true);
  },

  /** instrument; mass cancel: none = all */
  ticker(view: DataView, at: number): number {
    return view.getUint32(at + 5, true);
  },
  setTicker(view: DataView, at: number, value: number): void {
    view.setUint32(at + 5, value, true);
  },

  /** the client's order id; 0 = none */
  orderLo(view: DataView, at: number): number {
    return view.getUint32(at + 9, true);
  },
  orderHi(view: DataView, at: number): number {
    return view.getUint32(at + 13, true);
  },
  setOrder(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 9, lo, true);
    view.setUint32(at + 13, hi, true);
  },
  orderBig(view: DataView, at: number): bigint {
    return view.getBigUint64(at + 9, true);
  },
  setOrderBig(view: DataView, at: number, value: bigint): void {
    view.setBigUint64(at + 9, value, true);
  },

  /** Side; mass cancel: 0 = both */
  side(view: DataView, at: number): number {
    return view.getInt8(at + 17);
  },
  setSide(view: DataView, at: number, value: number): void {
    view.setInt8(at + 17, value);
  },

  /** units of 10^-decimals of the instrument; ignored for market orders and cancels */
  priceLo(view: DataView, at: number): number {
    return view.getUint32(at + 18, true);
  },
  priceHi(view: DataView, at: number): number {
    return view.getUint32(at + 22, true);
  },
  setPrice(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 18, lo, true);
    view.setUint32(at + 22, hi, true);
  },
  priceBig(view: DataView, at: number): bigint {
    return view.getBigInt64(at + 18, true);
  },
  setPriceBig(view: DataView, at: number, value: bigint): void {
    view.setBigInt64(at + 18, value, true);
  },

  /** new: quantity; modify: total of the order including executions; ignored for cancels */
  qty(view: DataView, at: number): number {
    return view.getUint32(at + 26, true);
  },
  setQty(view: DataView, at: number, value: number): void {
    view.setUint32(at + 26, value, true);
  },

  /** OrderType */
  orderType(view: DataView, at: number): number {
    return view.getUint8(at + 30);
  },
  setOrderType(view: DataView, at: number, value: number): void {
    view.setUint8(at + 30, value);
  },

  /** TimeInForce */
  tif(view: DataView, at: number): number {
    return view.getUint8(at + 31);
  },
  setTif(view: DataView, at: number, value: number): void {
    view.setUint8(at + 31, value);
  },

  /** OrderFlag bits */
  flags(view: DataView, at: number): number {
    return view.getUint8(at + 32);
  },
  setFlags(view: DataView, at: number, value: number): void {
    view.setUint8(at + 32, value);
  },

  /** SelfTradePrevention */
  stp(view: DataView, at: number): number {
    return view.getUint8(at + 33);
  },
  setStp(view: DataView, at: number, value: number): void {
    view.setUint8(at + 33, value);
  },

  /** visible quantity of an iceberg; 0 = all */
  display(view: DataView, at: number): number {
    return view.getUint32(at + 34, true);
  },
  setDisplay(view: DataView, at: number, value: number): void {
    view.setUint32(at + 34, value, true);
  },

  /** least quantity that must trade at once; 0 = none */
  minQty(view: DataView, at: number): number {
    return view.getUint32(at + 38, true);
  },
  setMinQty(view: DataView, at: number, value: number): void {
    view.setUint32(at + 38, value, true);
  },

  /** trigger of a stop or stop-limit; ignored for others */
  stopPriceLo(view: DataView, at: number): number {
    return view.getUint32(at + 42, true);
  },
  stopPriceHi(view: DataView, at: number): number {
    return view.getUint32(at + 46, true);
  },
  setStopPrice(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 42, lo, true);
    view.setUint32(at + 46, hi, true);
  },
  stopPriceBig(view: DataView, at: number): bigint {
    return view.getBigInt64(at + 42, true);
  },
  setStopPriceBig(view: DataView, at: number, value: bigint): void {
    view.setBigInt64(at + 42, value, true);
  },

  /** self-trade group; none = the client */
  owner(view: DataView, at: number): number {
    return view.getUint32(at + 50, true);
  },
  setOwner(view: DataView, at: number, value: number): void {
    view.setUint32(at + 50, value, true);
  },

  /** All fields at once. */
  encode(
    view: DataView, at: number,
    type: number, client: number, ticker: number, orderLo: number, orderHi: number, side: number,
    priceLo: number, priceHi: number, qty: number, orderType: number, tif: number, flags: number,
    stp: number, display: number, minQty: number, stopPriceLo: number, stopPriceHi: number,
    owner: number,
  ): void {
    view.setUint8(at, type);
    view.setUint32(at + 1, client, true);
    view.setUint32(at + 5, ticker, true);
    view.setUint32(at + 9, orderLo, true);
    view.setUint32(at + 13, orderHi, true);
    view.setInt8(at + 17, side);
    view.setUint32(at + 18, priceLo, true);
    view.setUint32(at + 22, priceHi, true);
    view.setUint32(at + 26, qty, true);
    view.setUint8(at + 30, orderType);
    view.setUint8(at + 31, tif);
    view.setUint8(at + 32, flags);
    view.setUint8(at + 33, stp);
    view.setUint32(at + 34, display, true);
    view.setUint32(at + 38, minQty, true);
    view.setUint32(at + 42, stopPriceLo, true);
    view.setUint32(at + 46, stopPriceHi, true);
    view.setUint32(at + 50, owner, true);
  },

  read(view: DataView, at: number): ClientRequestExtendedFields {
    return {
      type: ClientRequestExtended.type(view, at),
      client: ClientRequestExtended.client(view, at),
      ticker: ClientRequestExtended.ticker(view, at),
      order: ClientRequestExtended.orderBig(view, at),
      side: ClientRequestExtended.side(view, at),
      price: ClientRequestExtended.priceBig(view, at),
      qty: ClientRequestExtended.qty(view, at),
      orderType: ClientRequestExtended.orderType(view, at),
      tif: ClientRequestExtended.tif(view, at),
      flags: ClientRequestExtended.flags(view, at),
      stp: ClientRequestExtended.stp(view, at),
      display: ClientRequestExtended.display(view, at),
      minQty: ClientRequestExtended.minQty(view, at),
      stopPrice: ClientRequestExtended.stopPriceBig(view, at),
      owner: ClientRequestExtended.owner(view, at),
    };
  },
  write(view: DataView, at: number, fields: ClientRequestExtendedFields): void {
    ClientRequestExtended.setType(view, at, fields.type);
    ClientRequestExtended.setClient(view, at, fields.client);
    ClientRequestExtended.setTicker(view, at, fields.ticker);
    ClientRequestExtended.setOrderBig(view, at, fields.order);
    ClientRequestExtended.setSide(view, at, fields.side);
    ClientRequestExtended.setPriceBig(view, at, fields.price);
    ClientRequestExtended.setQty(view, at, fields.qty);
    ClientRequestExtended.setOrderType(view, at, fields.orderType);
    ClientRequestExtended.setTif(view, at, fields.tif);
    ClientRequestExtended.setFlags(view, at, fields.flags);
    ClientRequestExtended.setStp(view, at, fields.stp);
    ClientRequestExtended.setDisplay(view, at, fields.display);
    ClientRequestExtended.setMinQty(view, at, fields.minQty);
    ClientRequestExtended.setStopPriceBig(view, at, fields.stopPrice);
    ClientRequestExtended.setOwner(view, at, fields.owner);
  },
} as const;

/** Fields of a ClientResponse as an object, for cold code. */
export interface ClientResponseFields {
  type: number;
  client: number;
  ticker: number;
  clientOrder: bigint;
  marketOrder: bigint;
  side: number;
  price: bigint;
  execQty: number;
  leavesQty: number;
}

/** Exchange to client. 42 bytes. */
export const ClientResponse = {
  bytes: 42,
  offset: {
    type: 0, client: 1, ticker: 5, clientOrder: 9, marketOrder: 17, side: 25, price: 26,
    execQty: 34, leavesQty: 38,
  },

  /** ResponseType */
  type(view: DataView, at: number): number {
    return view.getUint8(at);
  },
  setType(view: DataView, at: number, value: number): void {
    view.setUint8(at, value);
  },

  /** whose order it is */
  client(view: DataView, at: number): number {
    return view.getUint32(at + 1, true);
  },
  setClient(view: DataView, at: number, value: number): void {
    view.setUint32(at + 1, value, true);
  },

  /** instrument */
  ticker(view: DataView, at: number): number {
    return view.getUint32(at + 5, true);
  },
  setTicker(view: DataView, at: number, value: number): void {
    view.setUint32(at + 5, value, true);
  },

  /** the client's order id */
  clientOrderLo(view: DataView, at: number): number {
    return view.getUint32(at + 9, true);
  },
  clientOrderHi(view: DataView, at: number): number {
    return view.getUint32(at + 13, true);
  },
  setClientOrder(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 9, lo, true);
    view.setUint32(at + 13, hi, true);
  },
  clientOrderBig(view: DataView, at: number): bigint {
    return view.getBigUint64(at + 9, true);
  },
  setClientOrderBig(view: DataView, at: number, value: bigint): void {
    view.setBigUint64(at + 9, value, true);
  },

  /** the exchange's order id, unique for ever; none in rejects */
  marketOrderLo(view: DataView, at: number): number {
    return view.getUint32(at + 17, true);
  },
  marketOrderHi(view: DataView, at: number): number {
    return view.getUint32(at + 21, true);
  },
  setMarketOrder(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 17, lo, true);
    view.setUint32(at + 21, hi, true);
  },
  marketOrderBig(view: DataView, at: number): bigint {
    return view.getBigUint64(at + 17, true);
  },
  setMarketOrderBig(view: DataView, at: number, value: bigint): void {
    view.setBigUint64(at + 17, value, true);
  },

  /** Side */
  side(view: DataView, at: number): number {
    return view.getInt8(at + 25);
  },
  setSide(view: DataView, at: number, value: number): void {
    view.setInt8(at + 25, value);
  },

  /** accepted, modified, canceled: of the order; filled: of the execution */
  priceLo(view: DataView, at: number): number {
    return view.getUint32(at + 26, true);
  },
  priceHi(view: DataView, at: number): number {
    return view.getUint32(at + 30, true);
  },
  setPrice(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 26, lo, true);
    view.setUint32(at + 30, hi, true);
  },
  priceBig(view: DataView, at: number): bigint {
    return view.getBigInt64(at + 26, true);
  },
  setPriceBig(view: DataView, at: number, value: bigint): void {
    view.setBigInt64(at + 26, value, true);
  },

  /** filled: executed; rejects, expired, reduced by the system: RejectCode; canceled: none; else 0 */
  execQty(view: DataView, at: number): number {
    return view.getUint32(at + 34, true);
  },
  setExecQty(view: DataView, at: number, value: number): void {
    view.setUint32(at + 34, value, true);
  },

  /** open quantity after the event; canceled, expired: the quantity removed */
  leavesQty(view: DataView, at: number): number {
    return view.getUint32(at + 38, true);
  },
  setLeavesQty(view: DataView, at: number, value: number): void {
    view.setUint32(at + 38, value, true);
  },

  /** All fields at once. */
  encode(
    view: DataView, at: number,
    type: number, client: number, ticker: number, clientOrderLo: number, clientOrderHi: number,
    marketOrderLo: number, marketOrderHi: number, side: number, priceLo: number, priceHi: number,
    execQty: number, leavesQty: number,
  ): void {
    view.setUint8(at, type);
    view.setUint32(at + 1, client, true);
    view.setUint32(at + 5, ticker, true);
    view.setUint32(at + 9, clientOrderLo, true);
    view.setUint32(at + 13, clientOrderHi, true);
    view.setUint32(at + 17, marketOrderLo, true);
    view.setUint32(at + 21, marketOrderHi, true);
    view.setInt8(at + 25, side);
    view.setUint32(at + 26, priceLo, true);
    view.setUint32(at + 30, priceHi, true);
    view.setUint32(at + 34, execQty, true);
    view.setUint32(at + 38, leavesQty, true);
  },

  read(view: DataView, at: number): ClientResponseFields {
    return {
      type: ClientResponse.type(view, at),
      client: ClientResponse.client(view, at),
      ticker: ClientResponse.ticker(view, at),
      clientOrder: ClientResponse.clientOrderBig(view, at),
      marketOrder: ClientResponse.marketOrderBig(view, at),
      side: ClientResponse.side(view, at),
      price: ClientResponse.priceBig(view, at),
      execQty: ClientResponse.execQty(view, at),
      leavesQty: ClientResponse.leavesQty(view, at),
    };
  },
  write(view: DataView, at: number, fields: ClientResponseFields): void {
    ClientResponse.setType(view, at, fields.type);
    ClientResponse.setClient(view, at, fields.client);
    ClientResponse.setTicker(view, at, fields.ticker);
    ClientResponse.setClientOrderBig(view, at, fields.clientOrder);
    ClientResponse.setMarketOrderBig(view, at, fields.marketOrder);
    ClientResponse.setSide(view, at, fields.side);
    ClientResponse.setPriceBig(view, at, fields.price);
    ClientResponse.setExecQty(view, at, fields.execQty);
    ClientResponse.setLeavesQty(view, at, fields.leavesQty);
  },
} as const;

/** Fields of a MarketUpdate as an object, for cold code. */
export interface MarketUpdateFields {
  type: number;
  ticker: number;
  order: bigint;
  side: number;
  price: bigint;
  qty: number;
  priority: bigint;
}

/** Exchange to everybody: one change of the public book. 34 bytes. */
export const MarketUpdate = {
  bytes: 34,
  offset: {
    type: 0, ticker: 1, order: 5, side: 13, price: 14, qty: 22, priority: 26,
  },

  /** UpdateType */
  type(view: DataView, at: number): number {
    return view.getUint8(at);
  },
  setType(view: DataView, at: number, value: number): void {
    view.setUint8(at, value);
  },

  /** instrument */
  ticker(view: DataView, at: number): number {
    return view.getUint32(at + 1, true);
  },
  setTicker(view: DataView, at: number, value: number): void {
    view.setUint32(at + 1, value, true);
  },

  /** the exchange's order id; trade: none; snapshot start and end: last incremental sequence */
  orderLo(view: DataView, at: number): number {
    return view.getUint32(at + 5, true);
  },
  orderHi(view: DataView, at: number): number {
    return view.getUint32(at + 9, true);
  },
  setOrder(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 5, lo, true);
    view.setUint32(at + 9, hi, true);
  },
  orderBig(view: DataView, at: number): bigint {
    return view.getBigUint64(at + 5, true);
  },
  setOrderBig(view: DataView, at: number, value: bigint): void {
    view.setBigUint64(at + 5, value, true);
  },

  /** Side; trade: of the aggressor */
  side(view: DataView, at: number): number {
    return view.getInt8(at + 13);
  },
  setSide(view: DataView, at: number, value: number): void {
    view.setInt8(at + 13, value);
  },

  /** units of 10^-decimals; trade: of the resting order */
  priceLo(view: DataView, at: number): number {
    return view.getUint32(at + 14, true);
  },
  priceHi(view: DataView, at: number): number {
    return view.getUint32(at + 18, true);
  },
  setPrice(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 14, lo, true);
    view.setUint32(at + 18, hi, true);
  },
  priceBig(view: DataView, at: number): bigint {
    return view.getBigInt64(at + 14, true);
  },
  setPriceBig(view: DataView, at: number, value: bigint): void {
    view.setBigInt64(at + 14, value, true);
  },

  /** add, modify: visible quantity now; trade: traded; cancel: 0, or what was visible before */
  qty(view: DataView, at: number): number {
    return view.getUint32(at + 22, true);
  },
  setQty(view: DataView, at: number, value: number): void {
    view.setUint32(at + 22, value, true);
  },

  /** place in the queue of its price, rising; trade: none */
  priorityLo(view: DataView, at: number): number {
    return view.getUint32(at + 26, true);
  },
  priorityHi(view: DataView, at: number): number {
    return view.getUint32(at + 30, true);
  },
  setPriority(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 26, lo, true);
    view.setUint32(at + 30, hi, true);
  },
  priorityBig(view: DataView, at: number): bigint {
    return view.getBigUint64(at + 26, true);
  },
  setPriorityBig(view: DataView, at: number, value: bigint): void {
    view.setBigUint64(at + 26, value, true);
  },

  /** All fields at once. */
  encode(
    view: DataView, at: number,
    type: number, ticker: number, orderLo: number, orderHi: number, side: number, priceLo: number,
    priceHi: number, qty: number, priorityLo: number, priorityHi: number,
  ): void {
    view.setUint8(at, type);
    view.setUint32(at + 1, ticker, true);
    view.setUint32(at + 5, orderLo, true);
    view.setUint32(at + 9, orderHi, true);
    view.setInt8(at + 13, side);
    view.setUint32(at + 14, priceLo, true);
    view.setUint32(at + 18, priceHi, true);
    view.setUint32(at + 22, qty, true);
    view.setUint32(at + 26, priorityLo, true);
    view.setUint32(at + 30, priorityHi, true);
  },

  read(view: DataView, at: number): MarketUpdateFields {
    return {
      type: MarketUpdate.type(view, at),
      ticker: MarketUpdate.ticker(view, at),
      order: MarketUpdate.orderBig(view, at),
      side: MarketUpdate.side(view, at),
      price: MarketUpdate.priceBig(view, at),
      qty: MarketUpdate.qty(view, at),
      priority: MarketUpdate.priorityBig(view, at),
    };
  },
  write(view: DataView, at: number, fields: MarketUpdateFields): void {
    MarketUpdate.setType(view, at, fields.type);
    MarketUpdate.setTicker(view, at, fields.ticker);
    MarketUpdate.setOrderBig(view, at, fields.order);
    MarketUpdate.setSide(view, at, fields.side);
    MarketUpdate.setPriceBig(view, at, fields.price);
    MarketUpdate.setQty(view, at, fields.qty);
    MarketUpdate.setPriorityBig(view, at, fields.priority);
  },
} as const;

/** Fields of a SequenceHeader as an object, for cold code. */
export interface SequenceHeaderFields {
  sequence: bigint;
}

/** Stands before each native message in the framing `sequenced`. 8 bytes. */
export const SequenceHeader = {
  bytes: 8,
  offset: {
    sequence: 0,
  },

  /** from 1, each direction of a connection for itself */
  sequenceLo(view: DataView, at: number): number {
    return view.getUint32(at, true);
  },
  sequenceHi(view: DataView, at: number): number {
    return view.getUint32(at + 4, true);
  },
  setSequence(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at, lo, true);
    view.setUint32(at + 4, hi, true);
  },
  sequenceBig(view: DataView, at: number): bigint {
    return view.getBigUint64(at, true);
  },
  setSequenceBig(view: DataView, at: number, value: bigint): void {
    view.setBigUint64(at, value, true);
  },

  /** All fields at once. */
  encode(
    view: DataView, at: number,
    sequenceLo: number, sequenceHi: number,
  ): void {
    view.setUint32(at, sequenceLo, true);
    view.setUint32(at + 4, sequenceHi, true);
  },

  read(view: DataView, at: number): SequenceHeaderFields {
    return {
      sequence: SequenceHeader.sequenceBig(view, at),
    };
  },
  write(view: DataView, at: number, fields: SequenceHeaderFields): void {
    SequenceHeader.setSequenceBig(view, at, fields.sequence);
  },
} as const;
