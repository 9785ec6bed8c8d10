// Carries out what a page commands: over the operator's channel of the exchange that is watched. Who may ask is the server's
// matter; every answer is in words.
import { askOperator, exchangePlace } from './operator_client.ts';
import { subjectOf } from '../observe/dashboard/command_request.ts';
import type { CommandAnswer, CommandRequest, InstrumentInfo } from '../observe/dashboard/messages.ts';
import type { SystemView } from '../observe/system_view.ts';

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
  const subject = subjectOf(request);
  const target = Object.keys(subject).length === 0 ? { all: true } : subject;
  const answer = await askOperator(exchangePlace(system.exchange.port), { command: request.command, ...target });
  if (!answer.ok) return { ok: false, text: answer.error ?? 'the exchange refused' };
  return { ok: true, text: doneText(request) };
}

function doneText(request: CommandRequest): string {
  const { command } = request;
  const client = 'client' in request && request.client !== undefined ? `client ${request.client}` : 'everybody';
  const ticker = 'ticker' in request && request.ticker !== undefined ? `instrument ${request.ticker}` : 'every instrument';
  switch (command) {
    case 'kill': return `${client} is locked out, all orders are cancelled`;
    case 'reset': return `${client} may trade again`;
    case 'halt': return `${ticker} is halted: cancels only`;
    case 'open': return `${ticker} is open`;
    default: return `${ticker} is closed`;
  }
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
