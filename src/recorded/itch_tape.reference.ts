// ITCH of one stock, written for tests: message by message, or as what an engine did on a day.
import { writeFileSync } from 'node:fs';
import { Prng } from '../base/prng.ts';
import { MatchingEngine } from '../book/matching_engine.ts';
import { Cmd, type Command, OrderType, Stp, Tif } from '../book/types.ts';
import { ITCH_BYTES } from './itch.ts';

const COMMANDS = 4_000;
const CENT = 100; // 1/10,000 dollar

/** Messages of stock X at locate 3, and of another between them. */
export class Tape {
  /** Without their lengths. */
  readonly messages: Buffer[] = [];

  message(type: string, locate: number, fill: (bytes: Buffer) => void): void {
    const bytes = Buffer.alloc(ITCH_BYTES[type.charCodeAt(0)]);
    bytes.write(type, 0, 'latin1');
    bytes.writeUInt16BE(locate, 1);
    bytes.writeUInt32BE(this.messages.length * 1_000, 7);
    fill(bytes);
    this.messages.push(bytes);
  }

  add(ref: bigint, side: number, shares: number, ticks: number, locate = 3, stock = 'X'): void {
    this.message('A', locate, (bytes) => {
      bytes.writeBigUInt64BE(ref, 11);
      bytes.write(side > 0 ? 'B' : 'S', 19, 'latin1');
      bytes.writeUInt32BE(shares, 20);
      bytes.write(stock.padEnd(8), 24, 'latin1');
      bytes.writeUInt32BE(ticks * CENT, 32);
    });
  }

  taken(type: 'E' | 'X', ref: bigint, shares: number): void {
    this.message(type, 3, (bytes) => {
      bytes.writeBigUInt64BE(ref, 11);
      bytes.writeUInt32BE(shares, 19);
    });
  }

  deleted(ref: bigint): void {
    this.message('D', 3, (bytes) => void bytes.writeBigUInt64BE(ref, 11));
  }

  replaced(old: bigint, ref: bigint, shares: number, ticks: number): void {
    this.message('U', 3, (bytes) => {
      bytes.writeBigUInt64BE(old, 11);
      bytes.writeBigUInt64BE(ref, 19);
      bytes.writeUInt32BE(shares, 27);
      bytes.writeUInt32BE(ticks * CENT, 31);
    });
  }

  /** Returns the path. */
  file(path: string, pack: (bytes: Buffer) => Buffer = (bytes) => bytes): string {
    const framed = this.messages.flatMap((bytes) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      return [length, bytes];
    });
    writeFileSync(path, pack(Buffer.concat(framed)));
    return path;
  }
}

/** A day that an engine had: what rests, trades, shrinks and leaves, as ITCH tells it. */
export function dayOf(seed: number): { readonly tape: Tape; readonly engine: MatchingEngine; readonly trades: number } {
  const prng = new Prng(seed);
  const engine = new MatchingEngine({ instruments: [{ minPrice: 1, maxPrice: 1_000_000 }], ordersMax: 10_000, stp: Stp.None });
  const tape = new Tape();
  const refs = new Map<bigint, bigint>();
  let [nextId, nextRef, trades] = [1n, 1n, 0];
  const act = (command: Command): void => {
    for (const event of engine.submit(command)) {
      if (event.type === 'trade') {
        trades++;
        tape.taken('E', refs.get(event.makerId) ?? 0n, event.qty);
      } else if (event.type === 'canceled' && event.resting) tape.deleted(refs.get(event.id) ?? 0n);
      else if (event.type === 'reduced') tape.taken('X', refs.get(event.id) ?? 0n, event.qty);
      else if (event.type === 'rested' || (event.type === 'accepted' && event.rests)) {
        refs.set(event.id, ++nextRef);
        tape.add(nextRef, event.side, event.displayed, event.price);
      }
    }
  };
  for (let i = 0; i < COMMANDS; i++) {
    const side = prng.chance(0.5) ? 1 : -1;
    const id = BigInt(prng.between(1, Number(nextId)));
    if (prng.chance(0.05)) tape.add(1_000_000n + BigInt(i), side, 5, 10_000, 4, 'OTHER');
    if (prng.chance(0.2)) act({ type: Cmd.Cancel, id });
    else if (prng.chance(0.15)) act({ type: Cmd.Reduce, id, qty: prng.between(1, 5) });
    else {
      act({
        type: Cmd.New, id: nextId++, side, orderType: OrderType.Limit, stp: Stp.None, tif: prng.chance(0.1) ? Tif.Ioc : Tif.Gtc,
        price: 10_000 - side * prng.between(-2, 12), qty: prng.between(1, 100),
      });
    }
  }
  return { tape, engine, trades };
}
