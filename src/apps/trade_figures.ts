// What a trader publishes of itself in its process's shared statistics: numbers and texts (src/observe/system_stats.ts).
//
// Written a few times a second by the timer that says the process is alive, between two turns: some 2 µs and 1 µs an instrument.
// Prices and money leave the trader's whole numbers here, for eyes and alerts; nothing is decided by them.
import type { SharedStats } from '../observe/shared_stats.ts';
import {
  BOOK_NUMBERS, BOOKS_PUBLISHED_MAX, bookStat, TRADER_NUMBERS, traderStat, type BookNumber, type TraderNumber,
} from '../observe/system_stats.ts';
import { LIMIT_NONE } from '../trader/risk.ts';
import { RUNNER_STATE_TEXT } from '../trader/strategy_runner.ts';
import type { Trader } from '../trader/trader.ts';
import { bookStatus, standsStill, tooLateOf, type QuoteStatus } from './trade_status.ts';

export class TradeFigures {
  readonly #stats: SharedStats;
  readonly #trader: Trader;
  readonly #exchangePort: number;
  readonly #cells: Readonly<Record<TraderNumber, number>>;
  readonly #bookCells: readonly Readonly<Record<BookNumber, number>>[];

  /** `stats` declares `traderDeclarations` of its instruments; `exchangePort`: where its orders go. */
  constructor(stats: SharedStats, trader: Trader, exchangePort: number) {
    this.#stats = stats;
    this.#trader = trader;
    this.#exchangePort = exchangePort;
    const { list } = trader.instruments;
    this.#cells = Object.fromEntries(TRADER_NUMBERS.map((name) => [name, stats.cell(traderStat(name))])) as Record<TraderNumber, number>;
    this.#bookCells = list.slice(0, BOOKS_PUBLISHED_MAX).map((_, book) =>
      Object.fromEntries(BOOK_NUMBERS.map((name) => [name, stats.cell(bookStat(name, book))])) as Record<BookNumber, number>);
    stats.setText(traderStat('strategy'), trader.runner.strategy?.name ?? '');
    for (const book of this.#bookCells.keys()) stats.setText(bookStat('symbol', book), list[book].symbol);
  }

  /** Between two turns. */
  publish(): void {
    const trader = this.#trader;
    const { runner, session, feed, instruments } = trader;
    const { positions } = runner;
    const { maxOrderQty, maxPosition, maxLoss } = runner.risk.limits;
    const { cells } = this.#stats;
    const numbers: Record<TraderNumber, number> = {
      client: session.entry.client,
      exchange_port: this.#exchangePort,
      connected: session.ready ? 1 : 0,
      feed_fresh: feed.fresh ? 1 : 0,
      feed_gaps: feed.gaps,
      orders_sent: session.newOrders,
      orders_filled: trader.ordersFilled,
      fills: trader.fills,
      orders_open: runner.orders.liveOrders,
      rejected: sum(session.rejects) - tooLateOf(session.rejects),
      refused: sum(runner.refused),
      pnl: positions.totalsKnown ? currency(positions.totalPnl2(), instruments.portfolioDecimals) : NaN,
      books: this.#bookCells.length,
      max_order_qty: maxOrderQty, max_position: maxPosition, max_loss: maxLoss,
    };
    for (const [name, value] of Object.entries(numbers)) cells[this.#cells[name as TraderNumber]] = value;
    for (const book of this.#bookCells.keys()) this.#publishBook(book);
    this.#stats.setText(traderStat('state'), RUNNER_STATE_TEXT[runner.state]);
    this.#stats.setText(traderStat('stands_still'), standsStill(trader).join('\n'));
  }

  #publishBook(book: number): void {
    const { runner, instruments } = this.#trader;
    const { ticker, decimals, tickUnits, position, realised2, unrealised2, bid, ask } = bookStatus(this.#trader, book);
    const { portfolioDecimals } = instruments;
    const price = (quote: QuoteStatus | null): number => (quote === null ? NaN : (quote.ticks * tickUnits) / 10 ** decimals);
    const maxLoss = runner.risk.limits.tickers?.get(ticker)?.maxLoss ?? runner.risk.limits.maxLoss;
    const numbers: Record<BookNumber, number> = {
      ticker, position,
      realised: currency(realised2, portfolioDecimals),
      unrealised: unrealised2 === null ? NaN : currency(unrealised2, portfolioDecimals),
      bid_price: price(bid), bid_qty: bid?.qty ?? NaN, ask_price: price(ask), ask_qty: ask?.qty ?? NaN,
      position_max: runner.risk.maxPosition(book),
      loss_max: maxLoss === LIMIT_NONE ? NaN : maxLoss / 10 ** decimals,
    };
    for (const [name, value] of Object.entries(numbers)) this.#stats.cells[this.#bookCells[book][name as BookNumber]] = value;
  }
}

/** Doubled money of 10^-decimals. */
function currency(value2: number, decimals: number): number {
  return value2 / 2 / 10 ** decimals;
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
