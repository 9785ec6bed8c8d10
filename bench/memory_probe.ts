// A process of its own that holds `orders` resting plain limit orders and says how much memory that
// takes, before and after order flow has gone over them. Run by memory.ts; the answer is one line of
// JSON.
//
//   node memory_probe.ts ORDERS FLOW_OPERATIONS
//
// Ids are a bijection of a counter, so that the probe needs no list of them: the oldest order goes, a
// new one comes.
import { readFileSync } from 'node:fs';
import { assert } from '../src/base/assert.ts';
import { MatchingEngine } from '../src/book/matching_engine.ts';
import { LibcUnavailableError } from '../src/os/libc.ts';
import { releaseProgramPages } from '../src/os/program_pages.ts';
import { COMMAND, Cmd, OrderType, Tif } from '../src/book/types.ts';

export interface MemoryAnswer {
  orders: number;
  coreBytes: number;
  idleMB: number;
  /** With all orders, before the pages of the program that only starting needs are given back. */
  startedMB: number;
  restingMB: number;
  afterFlowMB: number;
  peakMB: number;
  /** Of the resident memory: pages of the program file and its libraries, which processes share. */
  fileMB: number;
  flowOperations: number;
}

const COMMAND_SLOTS = 1_024;
const EVENT_SLOTS = 1_024;
const LEVELS = 500;
const MID = 10_000;

/** Resident memory in units of 10^6 bytes, as the system counts it; 0 where it does not say. */
function residentMB(field: 'VmRSS' | 'VmHWM' | 'RssFile'): number {
  try {
    const line = readFileSync('/proc/self/status', 'utf8').split('\n').find((text) => text.startsWith(field));
    return (Number(line!.replace(/\D/g, '')) * 1024) / 1e6;
  } catch {
    return process.memoryUsage.rss() / 1e6;
  }
}

const orders = Number(process.argv[2]);
const flowOperations = Number(process.argv[3]);
const idleMB = residentMB('VmRSS');
const engine = new MatchingEngine({
  instruments: [{ minPrice: 1, maxPrice: 2 * MID }], ordersMax: orders, levelsMax: 2 * LEVELS,
  blocksMax: 16, extendedMax: 0,
  commandSlots: COMMAND_SLOTS, eventsMax: EVENT_SLOTS, viewLevels: 0,
});

/** Well-spread 32-bit words, each once (the finalizer of MurmurHash3 is a bijection). */
function spread(n: number): number {
  let x = n;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

function writeOrder(slot: number, type: number, number: number): void {
  const { view } = engine;
  const at = engine.commandBase + slot * COMMAND.size;
  const word = spread(number);
  const side = word & 1 ? 1 : -1;
  view.setUint8(at + COMMAND.type, type);
  view.setInt8(at + COMMAND.side, side);
  view.setUint8(at + COMMAND.orderType, OrderType.Limit);
  view.setUint8(at + COMMAND.tif, Tif.Gtc);
  view.setInt32(at + COMMAND.price, MID - side * (1 + ((word >>> 1) % LEVELS)), true);
  view.setUint32(at + COMMAND.id, word, true);
  view.setUint32(at + COMMAND.id + 4, spread(word), true);
  view.setUint32(at + COMMAND.qty, 1 + (word >>> 20), true);
}

let slots = 0;
function flush(): void {
  engine.process(slots);
  engine.releaseEvents(engine.eventsWritten());
  slots = 0;
}
function send(type: number, number: number): void {
  writeOrder(slots++, type, number);
  if (slots === COMMAND_SLOTS / 2) flush();
}

for (let n = 0; n < orders; n++) send(Cmd.New, n);
flush();
assert(engine.ordersLive === orders, 'every order rests');
const startedMB = residentMB('VmRSS');
// As `outcry exchange` does once it runs. What is used again comes back, so the process works on before it is measured.
try {
  releaseProgramPages();
} catch (error) {
  if (!(error instanceof LibcUnavailableError)) throw error;
}
const SETTLING_OPERATIONS = 200_000;
for (let n = 0; n < SETTLING_OPERATIONS; n++) {
  send(Cmd.Cancel, n);
  send(Cmd.New, n + orders);
}
flush();
const restingMB = residentMB('VmRSS');
for (let n = SETTLING_OPERATIONS; n < SETTLING_OPERATIONS + flowOperations / 2; n++) {
  send(Cmd.Cancel, n);
  send(Cmd.New, n + orders);
}
flush();
assert(engine.ordersLive === orders, 'as many orders rest after the flow');
const afterFlowMB = residentMB('VmRSS');
engine.checkInvariants();
const answer: MemoryAnswer = {
  orders, coreBytes: engine.bytes, idleMB, startedMB, restingMB, afterFlowMB,
  peakMB: residentMB('VmHWM'),
  fileMB: residentMB('RssFile'), flowOperations,
};
console.log(JSON.stringify(answer));
