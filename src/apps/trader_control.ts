// The control channel of a trader: what `outcry ctl` and the dashboard say to it. The same channel, language and file as an
// exchange's (src/exchange/operator_channel.ts, operator.ts, operator_file.ts), with commands of its own.
//
//   trader-<order port>-<client>.json ─► token, port ─► line ─► OperatorChannel ─► TradeSession: pause, resume, limits, stop
//
// It has a network and a loop of its own in the trader's thread, which sleep until somebody speaks: a line is done between two
// turns of the trader's loop, and the trader's turn never looks here. New limits are checked whole, as those of an edited
// configuration file are, and hold from the next event on; of the file and of what was said here the later one holds.
import { AgentRunner } from '../base/agent.ts';
import { MonotonicClock } from '../base/clock.ts';
import { exchangeCounters } from '../exchange/counters.ts';
import { type Asked, type CommandSet, Operator } from '../exchange/operator.ts';
import { OperatorChannel } from '../exchange/operator_channel.ts';
import { NodeNetwork } from '../net/node_network.ts';
import { RUNNER_STATE_TEXT, RunnerState } from '../trader/strategy_runner.ts';
import { newToken, removeOperatorFile, traderFile, writeOperatorFile } from './operator_file.ts';
import { limitFaults } from './trade_limits.ts';
import { TRADER_COMMANDS } from './trader_commands.ts';
import type { Agent } from '../base/agent.ts';
import type { TradeLimits } from './config_trade.ts';
import type { TradeSession } from './trade_session.ts';

const HOST = '127.0.0.1';

/** What the owner of a trader does when an operator asks for it. */
export interface TraderOwner {
  pause(): void;
  resume(): void;
  /** Returns at once; the trader ends in order behind it. */
  stop(): void;
}

export interface TraderControlOptions {
  readonly session: TradeSession;
  readonly client: number;
  /** Of the exchange that it trades on. */
  readonly orderPort: number;
  readonly owner: TraderOwner;
  /** Told of every command, and of why nobody can command. */
  readonly note: (line: string) => void;
}

export class TraderControl {
  readonly #path: string;
  readonly #channel: OperatorChannel;
  readonly #network: NodeNetwork;
  readonly #loop: AgentRunner;

  /** Listens and leaves its file; null: it cannot, and the trader runs on without. */
  static async open(options: TraderControlOptions): Promise<TraderControl | null> {
    const network = new NodeNetwork();
    const path = traderFile(options.orderPort, options.client);
    try {
      const listener = await network.listen({ host: HOST, port: 0 });
      const token = newToken();
      const operator = new Operator(new TraderCommands(options), token, (what) => options.note(`operator ${what}`));
      writeOperatorFile(path, { host: HOST, port: listener.port, token, pid: process.pid });
      return new TraderControl(network, new OperatorChannel(listener, operator, exchangeCounters()), path);
    } catch (error) {
      network.close();
      options.note(`outcry ctl cannot reach this trader: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  }

  private constructor(network: NodeNetwork, channel: OperatorChannel, path: string) {
    this.#network = network;
    this.#channel = channel;
    this.#path = path;
    const receive: Agent = { name: 'network', poll: () => network.poll(), dueNs: () => Infinity };
    this.#loop = new AgentRunner({
      clock: new MonotonicClock(), agents: [receive, channel], wait: 'sleep', needsEventLoop: true,
      wakeSource: network, holdsProcess: false,
    });
    void this.#loop.run();
  }

  close(): void {
    removeOperatorFile(this.#path);
    this.#loop.stop();
    this.#channel.close();
    this.#network.close();
  }
}

class TraderCommands implements CommandSet {
  readonly whose = "the trader's";
  readonly commands = TRADER_COMMANDS;
  readonly #options: TraderControlOptions;

  constructor(options: TraderControlOptions) {
    this.#options = options;
  }

  do({ command, target, numbers }: Asked): object {
    const { session, client, owner } = this.#options;
    if (target !== client) throw new RangeError(`client: expected ${client}, the one that trades here, was ${target}`);
    switch (command) {
      case 'pause':
        owner.pause();
        break;
      case 'resume':
        owner.resume();
        break;
      case 'stop':
        owner.stop();
        return { client, state: 'stopping' };
      default:
        if (Object.keys(numbers).length > 0) setLimits(session, numbers);
        return { client, ...shownLimits(session.limits) };
    }
    const { state, fault } = session.trader.runner;
    if (command === 'resume' && fault !== null) throw new RangeError('resume: expected a strategy that works, was one that has failed');
    if (state === RunnerState.Stopping || state === RunnerState.Stopped)
      throw new RangeError(`${command}: expected a trader that has not been stopped, was ${RUNNER_STATE_TEXT[state]}`);
    return { client, state: RUNNER_STATE_TEXT[state] };
  }
}

/** All of them, or a RangeError and none. */
function setLimits(session: TradeSession, numbers: Readonly<Record<string, number>>): void {
  const faults = limitFaults(session.limits, numbers, session.trader.instruments.list);
  if (faults.length > 0) throw new RangeError(`limits: ${faults.join('; ')}`);
  session.setLimits({ ...session.limits, ...numbers });
}

function shownLimits({ maxOrderQty, maxPosition, maxLoss }: TradeLimits): object {
  return { maxOrderQty, maxPosition, maxLoss };
}
