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

// An exchange for others, and what drives it.
export { Exchange, type ExchangeListener, type ExchangeOptions } from './exchange/exchange.ts';
export {
  EXCHANGE_DEFAULT,
  FeedLayout,
  ListenerFraming,
  plainInstrument,
} from './exchange/config.ts';
export type {
  AccountConfig,
  ExchangeConfig,
  ListenerConfig,
  LimitsConfig,
} from './exchange/config.ts';
export {
  AgentRunner,
  type Agent,
  type AgentRunnerOptions,
  type WaitStrategy,
} from './base/agent.ts';
export { ManualClock, MonotonicClock, type Clock } from './base/clock.ts';

// A client of an exchange.
export { FEED_STATE_TEXT, FeedHandler, FeedState } from './trader/feed_handler.ts';
export type {
  FeedBooks,
  FeedHandlerOptions,
  FeedInstrument,
  FeedListener,
} from './trader/feed_handler.ts';
export {
  OrderEntry,
  type OrderEntryHandler,
  type OrderEntryOptions,
} from './trader/order_entry.ts';

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

// Transports: the operating system's sockets, and a network in memory for tests and simulation.
export { chooseNetwork, type ChosenNetwork, type NetworkChoice } from './net/choose_network.ts';
export {
  MemoryFabric,
  PERFECT_LINK,
  type FabricOptions,
  type LossyLink,
} from './net/memory_network.ts';
export { NetworkError } from './net/network_error.ts';
export type { DatagramSocket, Network, StreamConnection, StreamListener } from './net/transport.ts';
