// What an exchange publishes of itself in its process's shared statistics: counters, gauges, texts (src/observe/system_stats.ts).
//
// Copied a few times a second by the timer that says the process is alive, between two turns: some 2 µs, and nothing on the path
// of a message. The counters could as well lie in the shared memory themselves; a copy has all of them from the same turn, and
// needs no care about whose memory they are during a recovery.
import type { Exchange } from '../exchange/exchange.ts';
import type { SharedStats } from '../observe/shared_stats.ts';
import { EXCHANGE_GAUGES, exchangeCounter, exchangeStat, type ExchangeGauge } from '../observe/system_stats.ts';

export class ExchangeFigures {
  readonly #stats: SharedStats;
  readonly #exchange: Exchange;
  readonly #endpoint: string;
  readonly #firstCounter: number;
  readonly #cells: Readonly<Record<ExchangeGauge, number>>;

  /** `stats` declares `exchangeDeclarations(exchange.counters.names)`. */
  constructor(stats: SharedStats, exchange: Exchange) {
    this.#stats = stats;
    this.#exchange = exchange;
    this.#endpoint = `${exchange.config.listeners[0].host}:${exchange.ports[0]}`;
    this.#firstCounter = stats.cell(exchangeCounter(exchange.counters.names[0]));
    this.#cells = Object.fromEntries(EXCHANGE_GAUGES.map((name) => [name, stats.cell(exchangeStat(name))])) as Record<ExchangeGauge, number>;
  }

  /** Between two turns. */
  publish(): void {
    const { engine, counters, gateway, gate, controls, journal, feed, config, ports } = this.#exchange;
    const stats = this.#stats;
    stats.cells.set(counters.values, this.#firstCounter); // they follow one another there too
    const { channel } = feed;
    const gauges: Record<ExchangeGauge, number> = {
      port: ports[0],
      sessions: gateway.count,
      sessions_max: config.limits.connections,
      orders_live: engine.ordersLive,
      orders_max: config.ordersMax,
      locked_out: gate.allKilled ? Math.max(gate.killedCount, gateway.count) : gate.killedCount,
      halted: controls.halted,
      journal_ring_bytes: journal?.queue.ringBytes ?? NaN,
      feed_held: journal === null ? NaN : channel.next - channel.released,
      feed_held_max: config.retransmit.messages >>> 1,
    };
    for (const [name, value] of Object.entries(gauges)) stats.cells[this.#cells[name as ExchangeGauge]] = value;
    stats.setText(exchangeStat('endpoint'), this.#endpoint);
    stats.setText(exchangeStat('ports'), ports.join(','));
    stats.setText(exchangeStat('journal_mode'), journal?.queue.mode ?? '');
  }
}
