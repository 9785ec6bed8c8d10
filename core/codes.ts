// Numbers shared by every layer: commands, events, reject codes. The TypeScript side has them in
// src/book/types.ts; a test holds the two together.

// What a command asks for (Command.type).
export const CMD_NEW: u8 = 1;
export const CMD_CANCEL: u8 = 2;
export const CMD_REPLACE: u8 = 3;
export const CMD_REDUCE: u8 = 4;
export const CMD_MASS_CANCEL: u8 = 5;
export const CMD_STATE: u8 = 6;
export const CMD_REJECT: u8 = 7;

export const ORDER_MARKET: u8 = 1;
export const ORDER_LIMIT: u8 = 2;
export const ORDER_STOP: u8 = 3;
export const ORDER_STOP_LIMIT: u8 = 4;

export const TIF_DAY: u8 = 0;
export const TIF_GTC: u8 = 1;
export const TIF_IOC: u8 = 3;
export const TIF_FOK: u8 = 4;

export const STP_DEFAULT: u8 = 0;
export const STP_NONE: u8 = 1;
export const STP_CANCEL_NEWEST: u8 = 2;
export const STP_CANCEL_OLDEST: u8 = 3;
export const STP_CANCEL_BOTH: u8 = 4;
export const STP_DECREMENT: u8 = 5;

export const STATE_OPEN: u8 = 0;
export const STATE_HALTED: u8 = 1;
export const STATE_CLOSED: u8 = 2;

// Command.flags
export const FLAG_POST_ONLY: u8 = 1;
export const FLAG_EXTENDED: u8 = 2;
export const FLAG_CHAIN: u8 = 4;

// Event.type
export const EV_ACCEPTED: u8 = 1;
export const EV_TRADE: u8 = 2;
export const EV_CANCELED: u8 = 3;
export const EV_REPLACED: u8 = 4;
export const EV_REDUCED: u8 = 5;
export const EV_REJECTED: u8 = 6;
export const EV_TRIGGERED: u8 = 7;
export const EV_RESTED: u8 = 8;
export const EV_DISPLAYED: u8 = 9;
export const EV_STATE: u8 = 10;

// Event.flags
export const EVF_RESTS: u8 = 1; // accepted, replaced: went straight into the book
export const EVF_RESTING: u8 = 2; // canceled, reduced, replaced: stood in the visible book before
export const EVF_KEPT: u8 = 4; // replaced: kept its priority
export const EVF_ICEBERG: u8 = 8; // trade: maker's visible quantity follows as `displayed` or `rested`
export const EVF_END: u8 = 16; // last event of its command

// Reject codes and reasons of cancels.
export const REASON_NONE: u8 = 0;
export const REASON_TICKER: u8 = 1;
export const REASON_SIDE: u8 = 2;
export const REASON_PRICE: u8 = 3;
export const REASON_QUANTITY: u8 = 4;
export const REASON_DUPLICATE: u8 = 5;
export const REASON_UNKNOWN_ORDER: u8 = 6;
export const REASON_STATE: u8 = 16;
export const REASON_POST_ONLY: u8 = 17;
export const REASON_CANNOT_FILL: u8 = 18;
export const REASON_SELF_TRADE: u8 = 19;
export const REASON_CAPACITY: u8 = 23;
export const REASON_UNSUPPORTED: u8 = 24;

export const SIDE_BUY: i8 = 1;
export const SIDE_SELL: i8 = -1;
