// The network of a receiver that hears wrongly: of the order with a certain quantity it reads another one than was sent, and
// if asked to it loses datagrams of the feed.
import { MarketUpdate, UpdateType } from '../../src/wire/generated/native.ts';
import type { DatagramSocket, Network } from '../../src/net/transport.ts';

const MOLD_HEADER_BYTES = 20;
const PREFIX_BYTES = 2;

export class AlteringNetwork {
  /** Quantities that were turned. */
  altered = 0;
  /** Datagrams that were lost. */
  lost = 0;
  /** Each so-and-so-many-th datagram is lost; 0: none. */
  losesEvery = 0;
  readonly network: Network;
  readonly #markedQty: number;
  #received = 0;

  /** `port`: of the incremental feed. */
  constructor(inner: Network, port: number, markedQty: number) {
    this.#markedQty = markedQty;
    this.network = withMethod(inner, 'multicastReceiver', async (options) => {
      const socket = await inner.multicastReceiver(options);
      return options.port === port ? withMethod(socket, 'receive', (...at) => this.#receive(socket, ...at)) : socket;
    });
  }

  #receive(socket: DatagramSocket, bytes: Uint8Array, offset: number, max: number): number {
    for (;;) {
      const length = socket.receive(bytes, offset, max);
      if (length <= 0) return length;
      this.#received++;
      if (this.losesEvery > 0 && this.#received % this.losesEvery === 0) {
        this.lost++;
        continue;
      }
      this.#alter(new DataView(bytes.buffer, bytes.byteOffset + offset, length));
      return length;
    }
  }

  #alter(datagram: DataView): void {
    const size = PREFIX_BYTES + MarketUpdate.bytes;
    for (let at = MOLD_HEADER_BYTES + PREFIX_BYTES; at + MarketUpdate.bytes <= datagram.byteLength; at += size) {
      if (MarketUpdate.type(datagram, at) !== UpdateType.Add || MarketUpdate.qty(datagram, at) !== this.#markedQty) continue;
      datagram.setUint32(at + MarketUpdate.offset.qty, this.#markedQty ^ 1, true);
      this.altered++;
    }
  }
}

/** `inner` with one method replaced; the others are its own. */
function withMethod<T extends object, K extends keyof T>(inner: T, name: K, method: T[K]): T {
  return new Proxy(inner, {
    get: (target, key) => {
      if (key === name) return method;
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}
