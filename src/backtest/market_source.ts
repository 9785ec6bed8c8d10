// Where the market of a backtest comes from: a participant of the exchange with a clock of its own.
import type { Agent } from '../base/agent.ts';
import type { StreamConnection } from '../net/transport.ts';
import type { DueSource } from './world.ts';

export interface MarketSource extends Agent, DueSource {
  /** Of the first message, on the source's own clock: a time of day, where it is a recording. */
  readonly startNs: number;
  /** On the source's own clock, of the last message sent. */
  readonly timeOfDayNs: number;
  /** Messages sent so far. */
  readonly messages: number;
  /** Nothing more will come, and everything has been answered. */
  readonly done: boolean;
  /** Why its order session ended, '' while it has not. */
  readonly closedReason: string;
  connect(connection: StreamConnection): void;
  /** The first message is due now; before this nothing is. */
  begin(nowNs: number): void;
  /** The source's own time at a time of the clock. */
  timeOf(nowNs: number): number;
  close(): void;
}
