// The two records that cross the core's border, both in shared memory. Commands lie in 32-byte slots
// (an extended one takes two), events in 64-byte slots: one cache line each.

/** A command: 32 bytes. With FLAG_EXTENDED a CommandExtension follows in the next slot. */
@unmanaged
export class Command {
  type: u8; //        @0  CMD_*
  side: i8; //        @1  +1 buy, -1 sell
  orderType: u8; //   @2  ORDER_*; in CMD_REJECT the CMD_* that is refused; in CMD_STATE the STATE_*
  tif: u8; //         @3  TIF_*
  flags: u8; //       @4  FLAG_*
  stp: u8; //         @5  STP_*
  book: u16; //       @6  instrument index, 0 … books - 1
  client: u32; //     @8  who sends it
  price: i32; //      @12 ticks
  id: u64; //         @16 the client's order id
  qty: u32; //        @24 new: quantity; replace: new open quantity; reduce: by how much
  reason: u32; //     @28 CMD_REJECT: the reject code; CMD_MASS_CANCEL: the reason in its events
}

/** Second slot of an extended command. */
@unmanaged
export class CommandExtension {
  display: u32; //    @0  visible part of an iceberg, 0 = all
  minQty: u32; //     @4  minimum quantity, 0 = none
  stopPrice: i32; //  @8  ticks
  owner: u32; //      @12 self-trade group; OWNER_NONE = the client
  reserved0: u64; //  @16
  reserved1: u64; //  @24
}

/** An event: 64 bytes. Which fields mean what for which type is in docs/MATCHING.md. */
@unmanaged
export class Event {
  type: u8; //          @0  EV_*
  side: i8; //          @1  the order's; trade: the aggressor's
  flags: u8; //         @2  EVF_*
  reason: u8; //        @3  reject code or reason of a cancel; state: the STATE_*
  book: u16; //         @4
  op: u8; //            @6  rejected: the CMD_* refused
  orderType: u8; //     @7
  price: i32; //        @8  ticks; trade: the resting order's
  qty: u32; //          @12 per type
  client: u32; //       @16 the order's owner session; trade: the taker's
  makerClient: u32; //  @20 trade; replaced: the old price in ticks
  id: u64; //           @24 client's order id; trade: the taker's
  makerId: u64; //      @32 trade: the maker's; replaced, reduced: the old displayed quantity, replaced: above it what was hidden or waited
  orderId: u64; //      @40 the engine's; trade: the taker's
  makerOrderId: u64; // @48 trade: the maker's; others: priority
  leaves: u32; //       @56 open quantity after this event; trade: the taker's
  displayed: u32; //    @60 visible quantity after this event; trade: the maker's leaves (whole)
}

export const COMMAND_SIZE: u32 = 32;
export const EVENT_SIZE: u32 = 64;
export const OWNER_NONE: u32 = u32.MAX_VALUE;
