// Writes an order flow's commands into slots of the core (`COMMAND` in src/book/types.ts) and
// counts them.
//
//   slot n at 32 · n: limit orders of book 0 and client 0, self-trade prevention none
//
// Limits: what was reserved at the start; a shared buffer can be read by a matching thread while it
// is written.
import { assert } from '../base/assert.ts';
import { COMMAND, Cmd, OrderType, Stp, Tif } from '../book/types.ts';

export class SlotWriter {
  commands = 0;
  newOrders = 0;
  immediateOrders = 0;
  cancels = 0;
  reduces = 0;
  replaces = 0;
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(commandsMax: number, shared: boolean) {
    const size = commandsMax * COMMAND.size;
    this.bytes = new Uint8Array(shared ? new SharedArrayBuffer(size) : new ArrayBuffer(size));
    this.view = new DataView(this.bytes.buffer);
  }

  /** Byte at which the last command stands. */
  get lastAt(): number {
    return (this.commands - 1) * COMMAND.size;
  }

  newOrder(
    idLo: number,
    idHi: number,
    side: number,
    price: number,
    qty: number,
    tif: number,
  ): void {
    this.newOrders++;
    if (tif === Tif.Ioc) this.immediateOrders++;
    this.#write(Cmd.New, idLo, idHi, side, price, qty, tif);
  }

  cancel(idLo: number, idHi: number, side: number): void {
    this.cancels++;
    this.#write(Cmd.Cancel, idLo, idHi, side, 0, 0, Tif.Gtc);
  }

  reduce(idLo: number, idHi: number, side: number, by: number): void {
    this.reduces++;
    this.#write(Cmd.Reduce, idLo, idHi, side, 0, by, Tif.Gtc);
  }

  replace(idLo: number, idHi: number, side: number, price: number, qty: number): void {
    this.replaces++;
    this.#write(Cmd.Replace, idLo, idHi, side, price, qty, Tif.Gtc);
  }

  /** The slots written. */
  slots(): Uint8Array {
    return this.bytes.subarray(0, this.commands * COMMAND.size);
  }

  #write(
    type: number,
    idLo: number,
    idHi: number,
    side: number,
    price: number,
    qty: number,
    tif: number,
  ): void {
    const view = this.view;
    const at = this.commands++ * COMMAND.size;
    assert(at + COMMAND.size <= this.bytes.length, 'a flow fits into what was reserved for it');
    view.setUint8(at + COMMAND.type, type);
    view.setInt8(at + COMMAND.side, side);
    view.setUint8(at + COMMAND.orderType, OrderType.Limit);
    view.setUint8(at + COMMAND.tif, tif);
    view.setUint8(at + COMMAND.stp, Stp.None);
    view.setInt32(at + COMMAND.price, price, true);
    view.setUint32(at + COMMAND.id, idLo, true);
    view.setUint32(at + COMMAND.id + 4, idHi, true);
    view.setUint32(at + COMMAND.qty, qty, true);
  }
}
