// The library: what a program gets from `import { … } from 'outcry'`.
//
// The engine and its readers, for a market inside one's own process; the exchange and the two ends
// of a client, for one over the wire. The command line is not part of it and its libraries are not
// loaded.

// A market in this process.
export { OrderBook, type OrderBookOptions } from './book/order_book.ts';
export type {
  BookSide,
  Fill,
  NewOrder,
  OrderId,
  PriceLevel,
  Result,
  SelfTrade,
} from './book/order_book.ts';
export { MatchingEngine, decodeEvent, type MatchingEngineOptions } from './book/matching_engine.ts';
export { BookReader, BookSnapshot, type BookReaderSource } from './book/book_reader.ts';
export { MarketView, type MarketViewConfig } from './book/market_view.ts';
export {
  MARKET_DATA_RING_SLOTS,
  MARKET_DATA_SYMBOLS_MAX,
  MarketDataProcessor,
  type MarketDataDepth,
  type MarketDataLevel,
  type MarketDataProcessorOptions,
  type MarketDataStats,
} from './book/market_data_processor.ts';
export type { Depth, Engine, Top, Vwap } from './book/engine.ts';
export {
  COMMAND,
  COMMAND_EXTENSION,
  Cmd,
  CmdFlag,
  EVENT,
  Ev,
  EvFlag,
  OrderType,
  REASON_TEXT,
  Reason,
  Side,
  State,
  Stp,
  Tif,
} from './book/types.ts';
export type {
  Command,
  DepthLevel,
  EngineConfig,
  EngineEvent,
  InstrumentConfig,
} from './book/types.ts';

// The trading engine.
export { TradingEngine } from './engine/trading_engine.ts';
export type { InstrumentInfo, MarketData, OpenOrder } from './engine/trading_engine.ts';
export type {
  AlertThresholds,
  BreakerConfig,
  EmbeddedVenueConfig,
  ExchangeVenueConfig,
  Reloadable,
  ShutdownOptions,
  ShutdownPolicy,
  SymbolLimits,
  TradingEngineConfig,
} from './engine/config.ts';
export { ConfigurationError, type ConfigurationFault } from './engine/checker.ts';
export type { EngineEvents, EventName, EventStream, StreamOptions } from './engine/events.ts';
export type { ModifyRequest, NewOrderRequest, OrderReference } from './engine/order_request.ts';
export {
  OutcomeUnknownError,
  type ExecutionResult,
  type OrderResult,
  type RequestResult,
} from './engine/results.ts';
export type { ShutdownReport } from './engine/shutdown.ts';
export type {
  EngineStats,
  Position,
  ProcessingStats,
  StrategyStats,
  TradingMetrics,
} from './engine/engine_stats.ts';
export { EngineProducer } from './engine/producer.ts';
export type { ProducerHandle } from './engine/shared_state.ts';
export { BOOK_EVERY, Control, InputFlag } from './engine/inputs.ts';
export { OUTPUT, Output, OutputFlag } from './engine/outputs.ts';
export type { Tap } from './engine/dispatch.ts';
export {
  MemoryJournal,
  inputsOf,
  type InputJournal,
  type JournaledInput,
} from './engine/input_journal.ts';
export type { InstrumentOptions, SymbolOptions } from './engine/symbol_table.ts';
export type { StrategyConfig } from './engine/strategy_group.ts';

// What runs on this machine and how it does; an engine of one's own among it.
export { EnginePublisher, type EnginePublisherOptions } from './observe/engine_publisher.ts';
export { metricsCsv, metricsJson, PROMETHEUS_CONTENT_TYPE, prometheusText } from './observe/metrics/exposition.ts';
export { SystemWatch, type SystemWatchOptions } from './observe/system_watch.ts';
export type { ExchangeView, LatencyView, MachineView, NetworkStats, ProcessView, SystemView, TraderView } from './observe/system_view.ts';

// A journal on disk, for an engine's inputs or one's own records.
export { FileStorage } from './journal/file_storage.ts';
export { JournalDamagedError, JournalReader } from './journal/reader.ts';
export { JournalType, journalTypeName } from './journal/record_types.ts';
export { type Examination, examine, type Recovered, recover } from './journal/recovery.ts';
export { JournalFailedError } from './journal/segment_writer.ts';
export { StorageError } from './journal/storage.ts';
export { JournalWriter } from './journal/writer.ts';

// An exchange for others, and what drives it.
export { Exchange, type ExchangeListener, type ExchangeOptions } from './exchange/exchange.ts';
export {
  EXCHANGE_DEFAULT,
  FeedLayout,
  ListenerFraming,
  NO_LIMIT,
  plainInstrument,
  RISK_DEFAULT,
} from './exchange/config.ts';
export type {
  AccountConfig,
  ExchangeConfig,
  LimitOverride,
  ListenerConfig,
  LimitsConfig,
  LoginKey,
  OperatorConfig,
  RiskConfig,
} from './exchange/config.ts';
export type { LoginSecurity } from './exchange/session/login_check.ts';
export type { Controls, SessionView } from './exchange/controls.ts';
export {
  AgentRunner,
  type Agent,
  type AgentRunnerOptions,
  type WaitStrategy,
} from './base/agent.ts';
export { ManualClock, MonotonicClock, type Clock } from './base/clock.ts';

// Queues between threads and processes, and the limits that threads share.
export { RING_NONE, RingConsumer, RingProducer, initializeRing, ringBytes } from './base/ring_buffer.ts';
export {
  MpmcQueue,
  QUEUE_EMPTY,
  QUEUE_FULL,
  QUEUE_OWNER_NONE,
  initializeQueue,
  queueBytes,
} from './base/mpmc_queue.ts';
export { MpscConsumer } from './base/mpsc_queue.ts';
export {
  Lane,
  PriorityQueue,
  initializePriorityQueue,
  priorityQueueBytes,
  type PriorityQueueLayout,
} from './base/priority_queue.ts';
export {
  LEDGER_LIMIT_NONE,
  LEDGER_LIMITS_NONE,
  LocalLedger,
  type ExposureLedger,
  type LedgerLimits,
  type LedgerView,
} from './trader/exposure_ledger.ts';
export { SharedLedger, initializeSharedLedger, ledgerBytes } from './trader/shared_ledger.ts';

// A client of an exchange.
export { FEED_STATE_TEXT, FeedHandler, FeedState } from './trader/feed_handler.ts';
export type {
  FeedBooks,
  FeedHandlerOptions,
  FeedInstrument,
  FeedListener,
} from './trader/feed_handler.ts';
export {
  type LoginSigner,
  OrderEntry,
  type OrderEntryHandler,
  type OrderEntryOptions,
} from './trader/order_entry.ts';

// The native messages as they stand on the wire, for who reads or writes them itself (docs/PROTOCOL.md).
export {
  ClientRequest,
  ClientRequestExtended,
  ClientResponse,
  MarketUpdate,
  RequestType,
  ResponseType,
  UpdateType,
} from './wire/generated/native.ts';
export type { ClientRequestFields, ClientResponseFields, MarketUpdateFields } from './wire/generated/native.ts';

// Strategies: the interface, the built-in ones, and a desk on paper to test one's own.
export { FeatureEngine, type FeatureOptions } from './trader/features.ts';
export {
  MID2_NONE,
  PRICE_TICKS_NONE,
  TraderInstruments,
  plainInstruments,
  type TraderInstrument,
} from './trader/instruments.ts';
export { ORDER_NONE, OrderStatus } from './trader/order_manager.ts';
export type { PositionKeeper } from './trader/position_keeper.ts';
export { PaperDesk } from './trader/strategies/paper_desk.ts';
export {
  ParameterError,
  completeParameters,
  type ParameterFault,
  type ParameterSpec,
  type ParameterSpecs,
  type StrategyDefinition,
} from './trader/strategies/parameters.ts';
export { STRATEGIES, createStrategy, strategyNamed } from './trader/strategies/strategies.ts';
export type {
  Desk,
  Strategy,
  StrategyFactory,
  StrategyParameters,
} from './trader/strategies/strategy.ts';

// A strategy against a recorded or generated day.
export { runBacktest, BACKTEST_LATENCY_DEFAULT } from './backtest/backtest.ts';
export type { BacktestLatency, BacktestOptions } from './backtest/backtest.ts';
export type { BacktestCourse, BacktestFill, BacktestResult, BacktestSummary } from './backtest/recorder.ts';
export type { MarketSource } from './backtest/market_source.ts';
export { RecordedMarket, type RecordedMarketOptions } from './backtest/recorded_market.ts';
export { FlowMarket, type FlowMarketOptions } from './backtest/flow_market.ts';
export { backtestPicture } from './backtest/picture.ts';
export { RISK_LIMITS_DEFAULT, type RiskLimits } from './trader/risk.ts';

// Transports: the operating system's sockets, and a network in memory for tests and simulation.
export { chooseNetwork, type ChosenNetwork, type NetworkChoice } from './net/choose_network.ts';
export {
  MemoryFabric,
  PERFECT_LINK,
  type FabricOptions,
  type LossyLink,
} from './net/memory_network.ts';
export { NetworkError } from './net/network_error.ts';
export { hmacSha256, LOGIN_SECURITY, loginSigner } from './net/signing.ts';
export type { DatagramSocket, Network, StreamConnection, StreamListener } from './net/transport.ts';
