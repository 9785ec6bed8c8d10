// Recordings as rows of one shape, for `outcry data convert`.
//
//   time_ns    nanoseconds: since 1970 (DBN, Binance), of the day (ITCH, LOBSTER)
//   action     add, execute, reduce, delete, replace, trade, clear, level, best, snapshot, halt …: what happened, see actionOf…
//   price      units of 10^-9, exact; empty where there is none
//   qty        units of 1 / qty_scale
//
// Rows come in portions, as many as a piece of the file holds.
import { Dbn, DBN_PRICE_NONE, DbnReader, DbnType, dbnTypeName } from '../recorded/dbn.ts';
import { Itch, ItchReader, ItchType } from '../recorded/itch.ts';
import { type BinanceLevel, BinanceLines, LineReader, shown } from '../recorded/binance_lines.ts';
import { LobsterMessages, LobsterType } from '../recorded/lobster.ts';
import type { RecordingFormat } from '../recorded/recording_format.ts';
import { MoldCapture } from '../recorded/pcap.ts';
import { RecordingError, RecordingSource } from '../recorded/recording_source.ts';
import type { RowTable } from './row_file.ts';

export interface RecordedRow {
  readonly timeNs: bigint;
  readonly symbol: string;
  readonly action: string;
  /** buy, sell, or empty. */
  readonly side: string;
  readonly price: bigint | null;
  readonly qty: bigint | null;
  readonly qtyScale: number;
  readonly orderId: bigint | null;
  /** Of a replace: the order that went. */
  readonly oldOrderId: bigint | null;
}

export const RECORDING_TABLE: RowTable<RecordedRow> = {
  name: 'recording',
  columns: [
    { name: 'time_ns', kind: 'long', of: (row) => row.timeNs },
    { name: 'symbol', kind: 'text', of: (row) => row.symbol },
    { name: 'action', kind: 'text', of: (row) => row.action },
    { name: 'side', kind: 'text', of: (row) => row.side || null },
    { name: 'price', kind: 'long', of: (row) => row.price },
    { name: 'qty', kind: 'long', of: (row) => row.qty },
    { name: 'qty_scale', kind: 'integer', of: (row) => row.qtyScale },
    { name: 'order_id', kind: 'unsigned', of: (row) => row.orderId },
    { name: 'old_order_id', kind: 'unsigned', of: (row) => row.oldOrderId },
  ],
};

export interface RowPortion {
  readonly rows: readonly RecordedRow[];
  /** Of the file, 0 … 1. */
  readonly done: number;
}

/** All rows of a recording; `symbols` picks some of an ITCH day's. Throws RecordingError where it is damaged. */
export function recordingRows(
  path: string, format: RecordingFormat, symbols: readonly string[] | undefined,
): AsyncIterable<RowPortion> {
  switch (format) {
    case 'itch':
      return pieces(path, (rows) => itchRows(rows, symbols));
    case 'pcap':
      return pieces(path, (rows) => capturedRows(path, itchRows(rows, symbols)));
    case 'dbn':
      return pieces(path, (rows) => dbnRows(path, rows));
    case 'binance':
      return pieces(path, (rows) => binanceRows(path, rows));
    case 'lobster':
      return lobsterRows(path);
    case 'lobster-book':
      throw new RecordingError(path, -1, 'is the order book file of a LOBSTER recording: give the message file');
  }
}

interface PieceReader {
  push(piece: Uint8Array): void;
  finish(): void;
}

async function* pieces(path: string, reader: (rows: RecordedRow[]) => PieceReader): AsyncGenerator<RowPortion> {
  const source = new RecordingSource(path);
  const rows: RecordedRow[] = [];
  const taker = reader(rows);
  for await (const piece of source) {
    taker.push(piece);
    yield { rows: rows.splice(0), done: source.bytesRead / Math.max(1, source.fileBytes) };
  }
  taker.finish();
  yield { rows, done: 1 };
}

const NONE = { side: '', price: null, qty: null, qtyScale: 1, orderId: null, oldOrderId: null } as const;

// ── ITCH ───────────────────────────────────────────────────────────────────────────────────────────

const ITCH_ACTIONS: ReadonlyMap<number, string> = new Map([
  [ItchType.Add, 'add'], [ItchType.AddAttributed, 'add'], [ItchType.Executed, 'execute'], [ItchType.ExecutedAt, 'execute'],
  [ItchType.Canceled, 'reduce'], [ItchType.Deleted, 'delete'], [ItchType.Replaced, 'replace'], [ItchType.Trade, 'trade'],
  [ItchType.CrossTrade, 'cross'], [ItchType.TradingAction, 'state'], [ItchType.SystemEvent, 'event'], [ItchType.Broken, 'broken'],
]);
/** Prices have four decimals. */
const ITCH_NANOS = 100_000n;

/** ITCH of a feed that was captured. */
function capturedRows(path: string, reader: ItchReader): PieceReader {
  const capture = new MoldCapture(path, (blocks) => reader.push(blocks));
  return {
    push: (piece) => capture.push(piece),
    finish: () => {
      capture.finish();
      reader.finish();
    },
  };
}

function itchRows(rows: RecordedRow[], symbols: readonly string[] | undefined): ItchReader {
  const wanted = symbols === undefined ? null : new Set(symbols);
  const names = new Map<number, string>();
  return new ItchReader((view, at) => {
    const type = Itch.type(view, at);
    const locate = Itch.locate(view, at);
    if (type === ItchType.Directory) names.set(locate, Itch.stock(view, at));
    else if ((type === ItchType.Add || type === ItchType.AddAttributed) && !names.has(locate)) names.set(locate, Itch.orderStock(view, at));
    const action = ITCH_ACTIONS.get(type);
    const symbol = names.get(locate) ?? '';
    if (action === undefined || (wanted !== null && !wanted.has(symbol))) return;
    rows.push({ ...NONE, timeNs: BigInt(Itch.timeNs(view, at)), symbol, action, ...itchFields(type, view, at) });
  });
}

function itchFields(type: number, view: DataView, at: number): Partial<RecordedRow> {
  const order = (): bigint => Itch.ref(view, at);
  const nanos = (price: number): bigint => BigInt(price) * ITCH_NANOS;
  const taken = (): bigint => BigInt(Itch.takenShares(view, at));
  switch (type) {
    case ItchType.Add:
    case ItchType.AddAttributed:
    case ItchType.Trade:
      return {
        orderId: order(), side: sideText(Itch.side(view, at)), price: nanos(Itch.price(view, at)), qty: BigInt(Itch.shares(view, at)),
      };
    case ItchType.Executed:
    case ItchType.Canceled:
      return { orderId: order(), qty: taken() };
    case ItchType.ExecutedAt:
      return { orderId: order(), qty: taken(), price: nanos(Itch.executionPrice(view, at)) };
    case ItchType.Deleted:
      return { orderId: order() };
    case ItchType.Replaced:
      return {
        orderId: Itch.newRef(view, at), oldOrderId: order(), price: nanos(Itch.newPrice(view, at)),
        qty: BigInt(Itch.newShares(view, at)),
      };
    case ItchType.CrossTrade:
      return { symbol: Itch.crossStock(view, at), qty: Itch.crossShares(view, at), price: nanos(Itch.crossPrice(view, at)) };
    default:
      return {};
  }
}

function sideText(side: number): string {
  return side > 0 ? 'buy' : side < 0 ? 'sell' : '';
}

// ── DBN ────────────────────────────────────────────────────────────────────────────────────────────

const DBN_ACTIONS: ReadonlyMap<string, string> = new Map([
  ['A', 'add'], ['C', 'reduce'], ['M', 'amend'], ['R', 'clear'], ['T', 'trade'], ['F', 'fill'], ['N', 'none'],
]);

function dbnRows(path: string, rows: RecordedRow[]): DbnReader {
  const names = new Map<number, string>();
  return new DbnReader(
    path,
    (view, at) => {
      const instrument = Dbn.instrument(view, at);
      const common = { ...NONE, timeNs: Dbn.eventNs(view, at), symbol: names.get(instrument) ?? String(instrument) };
      const type = Dbn.type(view, at);
      if (type !== DbnType.Mbo) {
        rows.push({ ...common, action: dbnTypeName(type) });
        return;
      }
      rows.push({
        ...common, action: DBN_ACTIONS.get(String.fromCharCode(Dbn.action(view, at))) ?? '', side: sideText(Dbn.side(view, at)),
        price: Dbn.price(view, at) >= DBN_PRICE_NONE ? null : Dbn.priceNanos(view, at), qty: BigInt(Dbn.size(view, at)),
        orderId: Dbn.order(view, at),
      });
    },
    (metadata) => {
      for (const { symbol, intervals } of metadata.mappings) {
        for (const { name } of intervals) if (/^\d+$/.test(name)) names.set(Number(name), symbol);
      }
    },
  );
}

// ── Binance ────────────────────────────────────────────────────────────────────────────────────────

const BINANCE_QTY_SCALE = 100_000_000;

/** "0.014" in units of 10^-decimals, exactly; more decimals than that are refused. */
function scaled(text: string, decimals: number, fail: (what: string) => never): bigint {
  const match = /^(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null || (match[2] ?? '').length > decimals) fail(`expected a number of at most ${decimals} decimals, was ${shown(text)}`);
  return BigInt(match[1] + (match[2] ?? '').padEnd(decimals, '0'));
}

function binanceRows(path: string, rows: RecordedRow[]): LineReader {
  const lines = new BinanceLines(path);
  const fail = (what: string): never => lines.fail(what);
  let symbol = '';
  return new LineReader(path, (text) => {
    const line = lines.parse(text);
    symbol = line.symbol || symbol;
    const row = (action: string, side: string, price: string, qty: string, orderId: bigint | null = null): void => {
      rows.push({
        ...NONE, timeNs: line.timeNs, symbol, action, side, price: scaled(price, 9, fail),
        qty: scaled(qty, 8, fail), qtyScale: BINANCE_QTY_SCALE, orderId,
      });
    };
    const levels = (action: string, side: string, list: readonly BinanceLevel[]): void => {
      for (const [price, qty] of list) row(action, side, price, qty);
    };
    switch (line.kind) {
      case 'trade':
        return row('trade', line.message.m ? 'sell' : 'buy', line.message.p, line.message.q, BigInt(line.message.t));
      case 'best':
        row('best', 'buy', line.message.b, line.message.B);
        return row('best', 'sell', line.message.a, line.message.A);
      case 'difference':
        levels('level', 'buy', line.message.b);
        return levels('level', 'sell', line.message.a);
      case 'snapshot':
        levels('snapshot', 'buy', line.message.bids);
        return levels('snapshot', 'sell', line.message.asks);
      default:
    }
  });
}

// ── LOBSTER ────────────────────────────────────────────────────────────────────────────────────────

const LOBSTER_ACTIONS: Readonly<Record<LobsterType, string>> = {
  [LobsterType.New]: 'add', [LobsterType.PartialCancel]: 'reduce', [LobsterType.Delete]: 'delete',
  [LobsterType.Execution]: 'execute', [LobsterType.HiddenExecution]: 'hidden', [LobsterType.Cross]: 'cross', [LobsterType.Halt]: 'halt',
};
const LOBSTER_NANOS = 100_000n;
const LOBSTER_PORTION = 50_000;

async function* lobsterRows(path: string): AsyncGenerator<RowPortion> {
  const symbol = /(?:^|[\\/])([A-Z.]+)_\d{4}-\d\d-\d\d_[^\\/]*$/.exec(path)?.[1] ?? '';
  const messages = new LobsterMessages(path);
  let rows: RecordedRow[] = [];
  try {
    while (messages.next()) {
      const { type, orderId, size, price, direction } = messages;
      const halt = type === LobsterType.Halt;
      rows.push({
        ...NONE, timeNs: BigInt(messages.timeNs), symbol, action: LOBSTER_ACTIONS[type], side: halt ? '' : sideText(direction),
        price: halt ? null : BigInt(price) * LOBSTER_NANOS, qty: halt ? null : BigInt(size),
        orderId: orderId === 0 ? null : BigInt(orderId),
      });
      if (rows.length < LOBSTER_PORTION) continue;
      yield { rows, done: 0.5 };
      rows = [];
    }
  } finally {
    messages.close();
  }
  yield { rows, done: 1 };
}
