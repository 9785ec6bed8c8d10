// What codecs and framings cost, in ns a message, on one core; the median of some runs, with least
// and most. By hand: node bin/node26.mjs src/wire/wire.bench.ts [runs] [messages a run]
//
// The codec rows write or read every field of messages that lie one after the other. "bytes
// assembled" is the rejected way: u32 fields put together from a Uint8Array by shifts.
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { assert } from '../base/assert.ts';
import { MonotonicClock } from '../base/clock.ts';
import type { Direction } from './framing/frame.ts';
import { Framing } from './framing/frame.ts';
import { createFrameDecoder, createFrameWriter } from './framing/framing.ts';
import { MoldReader } from './framing/mold_udp64.ts';
import { MoldWriter } from './framing/mold_writer.reference.ts';
import { ReceiveBuffer } from './framing/receive_buffer.ts';
import {
  ClientRequest,
  ClientResponse,
  MarketUpdate,
  RequestType,
  ResponseType,
} from './generated/native.ts';

/** Messages that lie in memory at once: inside the first-level cache, as received bytes do. */
const BATCH = 256;

export interface WireFigure {
  readonly name: string;
  readonly medianNs: number;
  readonly leastNs: number;
  readonly mostNs: number;
}

interface Subject {
  readonly name: string;
  /** Handles BATCH messages; the result keeps the work from being left out. */
  run(): number;
}

function encodeRequests(view: DataView): Subject {
  return {
    name: 'request, encode',
    run: () => {
      for (let i = 0; i < BATCH; i++) {
        ClientRequest.encode(
          view,
          i * ClientRequest.bytes,
          RequestType.New,
          1,
          2,
          i,
          0,
          1,
          10_000 + i,
          0,
          100,
        );
      }
      return BATCH;
    },
  };
}

function decodeRequests(view: DataView): Subject {
  return {
    name: 'request, decode',
    run: () => {
      let sum = 0;
      for (let i = 0; i < BATCH; i++) {
        const at = i * ClientRequest.bytes;
        sum +=
          ClientRequest.type(view, at) +
          ClientRequest.client(view, at) +
          ClientRequest.ticker(view, at) +
          ClientRequest.orderLo(view, at) +
          ClientRequest.orderHi(view, at) +
          ClientRequest.side(view, at) +
          ClientRequest.priceLo(view, at) +
          ClientRequest.priceHi(view, at) +
          ClientRequest.qty(view, at);
      }
      return sum;
    },
  };
}

function u32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

function assembleRequests(view: DataView): Subject {
  const bytes = new Uint8Array(view.buffer);
  return {
    name: 'request, decode, bytes assembled',
    run: () => {
      let sum = 0;
      for (let i = 0; i < BATCH; i++) {
        const at = i * ClientRequest.bytes;
        sum +=
          bytes[at] +
          u32(bytes, at + 1) +
          u32(bytes, at + 5) +
          u32(bytes, at + 9) +
          u32(bytes, at + 13) +
          ((bytes[at + 17] << 24) >> 24) +
          u32(bytes, at + 18) +
          u32(bytes, at + 22) +
          u32(bytes, at + 26);
      }
      return sum;
    },
  };
}

function encodeResponses(view: DataView): Subject {
  return {
    name: 'response, encode',
    run: () => {
      for (let i = 0; i < BATCH; i++) {
        ClientResponse.encode(
          view,
          i * ClientResponse.bytes,
          ResponseType.Filled,
          1,
          2,
          i,
          0,
          i,
          0,
          1,
          10_000,
          0,
          40,
          60,
        );
      }
      return BATCH;
    },
  };
}

function decodeResponses(view: DataView): Subject {
  return {
    name: 'response, decode',
    run: () => {
      let sum = 0;
      for (let i = 0; i < BATCH; i++) {
        const at = i * ClientResponse.bytes;
        sum +=
          ClientResponse.type(view, at) +
          ClientResponse.client(view, at) +
          ClientResponse.ticker(view, at) +
          ClientResponse.clientOrderLo(view, at) +
          ClientResponse.clientOrderHi(view, at) +
          ClientResponse.marketOrderLo(view, at) +
          ClientResponse.marketOrderHi(view, at) +
          ClientResponse.side(view, at) +
          ClientResponse.priceLo(view, at) +
          ClientResponse.priceHi(view, at) +
          ClientResponse.execQty(view, at) +
          ClientResponse.leavesQty(view, at);
      }
      return sum;
    },
  };
}

/** Cuts a received batch into messages, without reading their fields. */
function decodeFrames(framing: Framing, direction: Direction): Subject {
  const writer = createFrameWriter(framing, direction);
  const decoder = createFrameDecoder(framing, direction);
  const size = direction === 'requests' ? ClientRequest.bytes : ClientResponse.bytes;
  const total = BATCH * (writer.headerBytes + size);
  const buffer = new ReceiveBuffer(total, total);
  for (let i = 0; i < BATCH; i++) {
    const at = writer.header(buffer.view, i * (writer.headerBytes + size), size);
    buffer.view.setUint8(at, 1);
  }
  return {
    name: `${framing} ${direction}, cut`,
    run: () => {
      buffer.start = 0;
      buffer.end = total;
      decoder.nextSequence = 1;
      let sum = 0;
      while (decoder.next(buffer) > 0) sum += decoder.offset;
      return sum;
    },
  };
}

function writeHeaders(framing: Framing): Subject {
  const writer = createFrameWriter(framing, 'responses');
  const step = writer.headerBytes + ClientResponse.bytes;
  const view = new DataView(new ArrayBuffer(BATCH * step));
  return {
    name: `${framing} responses, header`,
    run: () => {
      let sum = 0;
      for (let i = 0; i < BATCH; i++) sum += writer.header(view, i * step, ClientResponse.bytes);
      return sum;
    },
  };
}

function walkDatagram(): Subject {
  const writer = new MoldWriter('BENCH', 20 + BATCH * (2 + MarketUpdate.bytes));
  writer.begin(1);
  for (let i = 0; i < BATCH; i++) writer.claim(MarketUpdate.bytes);
  const length = writer.finish();
  const reader = new MoldReader();
  return {
    name: 'MoldUDP64, check and walk',
    run: () => {
      let sum = 0;
      reader.open(writer.view, 0, length);
      while (reader.next()) sum += reader.offset;
      return sum;
    },
  };
}

function subjects(): Subject[] {
  const requests = new DataView(new ArrayBuffer(BATCH * ClientRequest.bytes));
  const responses = new DataView(new ArrayBuffer(BATCH * ClientResponse.bytes));
  const framings = [Framing.Bare, Framing.Sequenced, Framing.Soup] as const;
  return [
    encodeRequests(requests),
    decodeRequests(requests),
    assembleRequests(requests),
    encodeResponses(responses),
    decodeResponses(responses),
    ...framings.map((framing) => decodeFrames(framing, 'requests')),
    ...framings.map((framing) => decodeFrames(framing, 'responses')),
    ...framings.map(writeHeaders),
    walkDatagram(),
  ];
}

/**
 * Each subject takes its turn in every run, so that a disturbance of the machine hits all alike.
 */
export function benchWire(runs: number, messagesPerRun: number): WireFigure[] {
  const clock = new MonotonicClock();
  const batches = Math.max(1, Math.ceil(messagesPerRun / BATCH));
  const all = subjects();
  const times = all.map((): number[] => []);
  let kept = 0;
  for (let run = -2; run < runs; run++) {
    all.forEach((subject, index) => {
      const start = clock.refresh();
      for (let batch = 0; batch < batches; batch++) kept += subject.run();
      const ns = (clock.refresh() - start) / (batches * BATCH);
      if (run >= 0) times[index].push(ns); // the first two runs are for the compiler
    });
  }
  assert(Number.isFinite(kept), 'the work was done');
  return all.map((subject, index) => {
    const sorted = times[index].toSorted((a, b) => a - b);
    return {
      name: subject.name,
      medianNs: sorted[sorted.length >> 1],
      leastNs: sorted[0],
      mostNs: sorted[sorted.length - 1],
    };
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const runs = Number(process.argv[2] ?? 15);
  const messages = Number(process.argv[3] ?? 500_000);
  console.log(
    `inside the process, one core; ${runs} runs of ${messages} messages; ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}`,
  );
  console.log(`${'ns a message'.padEnd(36)} median   least    most`);
  for (const { name, medianNs, leastNs, mostNs } of benchWire(runs, messages)) {
    console.log(
      `${name.padEnd(36)} ${[medianNs, leastNs, mostNs].map((ns) => ns.toFixed(2).padStart(6)).join('  ')}`,
    );
  }
}
