// Carries out what a page commands: over the operator's channel of the exchange that is watched, and the control
// channels of the traders on it. Who may ask is the server's
// matter; every answer is in words.
import { askOperator, exchangePlace, traderPlace } from './operator_client.ts';
import { TRADER_COMMANDS } from './trader_commands.ts';
import { subjectOf } from '../observe/dashboard/command_request.ts';
import type { CommandAnswer, CommandRequest, InstrumentInfo } from '../observe/dashboard/messages.ts';
import type { SystemView, TraderLimitsView } from '../observe/system_view.ts';

/** Answers, whatever happens. */
export async function carryOut(request: CommandRequest, system: SystemView | null): Promise<CommandAnswer> {
  try {
    return await carriedOut(request, system);
  } catch (error) {
    return { ok: false, text: error instanceof Error ? error.message : String(error) };
  }
}

async function carriedOut(request: CommandRequest, system: SystemView | null): Promise<CommandAnswer> {
  if (system?.exchange == null) return { ok: false, text: 'expected a running exchange, was none' };
  const { port } = system.exchange;
  const { command } = request;
  const subject = subjectOf(request);
  const place = isOfTrader(request) ? traderPlace(port, request.client) : exchangePlace(port);
  const target = Object.keys(subject).length === 0 ? { all: true } : subject;
  const answer = await askOperator(place, { command, ...target });
  if (!answer.ok) return { ok: false, text: answer.error ?? `${place.who} refused` };
  return { ok: true, text: request.command === 'limits' ? limitsText(request.client, answer.result) : doneText(request) };
}

type TraderRequest = Extract<CommandRequest, { command: 'pause' | 'resume' | 'stop' | 'limits' }>;

function isOfTrader(request: CommandRequest): request is TraderRequest {
  return Object.hasOwn(TRADER_COMMANDS, request.command);
}

function doneText(request: Exclude<CommandRequest, { command: 'limits' }>): string {
  const client = 'client' in request && request.client !== undefined ? `client ${request.client}` : 'everybody';
  const ticker = 'ticker' in request && request.ticker !== undefined ? `instrument ${request.ticker}` : 'every instrument';
  const texts: Readonly<Record<(typeof request)['command'], string>> = {
    kill: `${client} is locked out, all orders are cancelled`,
    reset: `${client} may trade again`,
    halt: `${ticker} is halted: cancels only`,
    open: `${ticker} is open`,
    close: `${ticker} is closed`,
    pause: `the trader of ${client} has withdrawn its quotes`,
    resume: `the trader of ${client} goes on`,
    stop: `the trader of ${client} cancels its orders and ends`,
  };
  return texts[request.command];
}

/** All of them, as the trader says that they are now. */
function limitsText(client: number, result: unknown): string {
  const { maxOrderQty, maxPosition, maxLoss } = result as TraderLimitsView;
  return `the trader of client ${client} has new limits: an order of ${maxOrderQty}, a position of ${maxPosition}, a loss of ${maxLoss} at most`;
}

interface StatesAnswer {
  readonly instruments?: readonly { readonly ticker: number; readonly state: InstrumentInfo['state'] }[];
}

/** Of all instruments of the exchange with that order port, by ticker. */
export async function instrumentStates(orderPort: number): Promise<ReadonlyMap<number, InstrumentInfo['state']>> {
  const { result } = await askOperator(exchangePlace(orderPort), { command: 'status' });
  const { instruments = [] } = result as StatesAnswer;
  return new Map(instruments.filter(({ state }) => state !== 'open').map(({ ticker, state }) => [ticker, state]));
}
