// nodejs-order-book, the order book of the npm registry, on the small mixed flow in the same run, in
// turn with the core.
//
// Both get the adds and cancels of the flow (reduces are left out: the peer takes them as cancel and new
// order, so the books would part). It gets its options objects ready-made. Afterwards both books must
// show the same depth.
import { OrderBook, Side as PeerSide } from 'nodejs-order-book';
import { assert } from '../src/base/assert.ts';
import { COMMAND, Cmd } from '../src/book/types.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { CoreBook } from './core_book.ts';
import { mixedFlow, timedCommands, type BookFlow } from './flows.ts';
import { runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';

/** The peer takes microseconds an operation: enough of them for half a second. */
const OPERATIONS = 50_000;
/** More levels than the small book has. */
const DEPTH_LEVELS = 1_000;

type LimitOptions = Parameters<OrderBook['limit']>[0];
/** What the peer is to do: options of a new order, or the id of one to cancel. */
type PeerCall = LimitOptions | string;

/** The flow without what the two books do differently. */
function withoutReduces(flow: BookFlow): BookFlow {
  const slots = new Uint8Array(flow.slots.length);
  let commands = 0;
  for (let at = 0; at < flow.slots.length; at += COMMAND.size) {
    if (flow.slots[at] === Cmd.Reduce) continue;
    slots.set(flow.slots.subarray(at, at + COMMAND.size), commands++ * COMMAND.size);
  }
  return { ...flow, name: `${flow.name}-adds-cancels`, slots: slots.slice(0, commands * COMMAND.size), commands };
}

function peerCalls(flow: BookFlow): PeerCall[] {
  const view = new DataView(flow.slots.buffer, flow.slots.byteOffset, flow.slots.length);
  const calls: PeerCall[] = [];
  for (let at = 0; at < flow.slots.length; at += COMMAND.size) {
    const id = String(view.getBigUint64(at + COMMAND.id, true));
    if (view.getUint8(at + COMMAND.type) === Cmd.Cancel) calls.push(id);
    else {
      calls.push({
        id, side: view.getInt8(at + COMMAND.side) > 0 ? PeerSide.BUY : PeerSide.SELL,
        size: view.getUint32(at + COMMAND.qty, true), price: view.getInt32(at + COMMAND.price, true),
      });
    }
  }
  return calls;
}

function callAll(book: OrderBook, calls: readonly PeerCall[]): void {
  for (const call of calls) {
    if (typeof call === 'string') book.cancel(call);
    else book.limit(call);
  }
}

/** "price quantity" of each level, asks upwards, then bids downwards. */
function peerDepth(book: OrderBook): string {
  const [asks, bids] = book.depth();
  return [
    ...asks.toSorted((a, b) => a[0] - b[0]).map(([price, size]) => `${price} ${size}`), '/',
    ...bids.toSorted((a, b) => b[0] - a[0]).map(([price, size]) => `${price} ${size}`),
  ].join(', ');
}

function coreDepth(core: CoreBook): string {
  const { bids, asks } = core.depth(DEPTH_LEVELS);
  return [
    ...asks.map(({ price, qty }) => `${price} ${qty}`), '/',
    ...bids.map(({ price, qty }) => `${price} ${qty}`),
  ].join(', ');
}

async function run(context: BenchContext): Promise<Row[]> {
  const operations = Math.min(sizeOf(context, OPERATIONS, 1_000), OPERATIONS);
  context.progress(`nodejs-order-book: ${operations} operations a repetition`);
  const flow = withoutReduces(mixedFlow('small', operations));
  const commands = timedCommands(flow);
  const core = new CoreBook(flow);
  const calls = peerCalls(flow);
  const fill = calls.slice(0, flow.fillCommands);
  const timed = calls.slice(flow.fillCommands);
  let depth = '';
  const inCore = () => {
    const { ns } = core.run();
    depth = coreDepth(core);
    return ns / commands;
  };
  const inPeer = () => {
    const book = new OrderBook();
    callAll(book, fill);
    const start = process.hrtime.bigint();
    callAll(book, timed);
    const ns = Number(process.hrtime.bigint() - start);
    assert(peerDepth(book) === depth, 'core and peer end with the same depth');
    return ns / commands;
  };
  const { a, ratio, pairs, b } = await runPaired(inCore, inPeer, { pairs: context.pairs });
  const levels = depth.split(', ').length - 1;
  return [
    {
      name: 'mixed flow, small, adds and cancels', figure: a.median, unit: 'ns/op',
      statistic: `median of ${pairs} flows`,
      boundary: 'core, batches', threads: '1', durability: 'none', spread: a, small: context.small,
      ratio: { ...ratio, against: 'nodejs-order-book', pairs, otherMedian: b.median },
      quoted: 'nodejs-order-book 6,700 – 17,000 ns',
      checks: [`${formatCount(commands)} operations; the same ${levels} levels with the same quantities after each pair`],
    },
  ];
}

export const npmPeer: Benchmark = {
  name: 'npm-peer', about: 'nodejs-order-book from npm on the small mixed flow', byDefault: true, run,
};
